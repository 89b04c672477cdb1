"""Values of a file that was written by hand or by machine, read with the place of each fault. Pure."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from tui.faults import UsageFault


class PlanFault(UsageFault):
    """A plan file that cannot be read as one; the message says where."""


@dataclass(frozen=True, slots=True)
class Node:
    """A value of the file with the words that lead to it, so that every fault names its place."""

    value: Any
    source: str
    path: str

    def fault(self, what: str) -> PlanFault:
        """The fault that names this place."""
        return PlanFault(f"{self.source}: {self.path or 'the file'} {what}")

    def at(self, name: str) -> "Node":
        """The value under a key; of nothing where it is missing."""
        if not isinstance(self.value, dict):
            raise self.fault("is not a mapping")
        return Node(self.value.get(name), self.source, f"{self.path}.{name}" if self.path else name)

    def text(self, *, optional: bool = False) -> str:
        """Text; with ``optional`` an empty or a missing one too."""
        if self.value is None and optional:
            return ""
        if not isinstance(self.value, str) or (not self.value and not optional):
            raise self.fault("is not text")
        return self.value

    def one_of(self, words: Collection[str], otherwise: str | None = None) -> str:
        """One of these words; ``otherwise``, where that is given, for a missing one."""
        if self.value is None and otherwise is not None:
            return otherwise
        if self.text() not in words:
            raise self.fault(f"is none of {', '.join(words)}")
        return self.text()

    def told(self) -> str | None:
        """Text that may be empty, or None where nothing is said."""
        return None if self.value is None else self.text(optional=True)

    def number(self) -> int | None:
        """A whole number, or None."""
        if self.value is not None and (not isinstance(self.value, int) or isinstance(self.value, bool)):
            raise self.fault("is not a number")
        return self.value

    def items(self, *, optional: bool = False) -> Iterable["Node"]:
        """The values of a list; with ``optional`` none where it is missing."""
        if self.value is None and optional:
            return []
        if not isinstance(self.value, list):
            raise self.fault("is not a list")
        return [Node(value, self.source, f"{self.path}[{index}]") for index, value in enumerate(self.value)]

    def flag(self) -> bool:
        """True or false."""
        if not isinstance(self.value, bool):
            raise self.fault("is neither true nor false")
        return self.value
