"""Values of a file that was written by hand or by machine, read with the place of each fault. Pure."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, Final

from tui import yaml_nodes
from tui.text import clean
from tui.yaml_nodes import BOOL, INT, STR, PlacedFault, Source, hint, read_nodes

_WHOLE: Final = re.compile(r"-?(0|[1-9][0-9]{0,17})")
_DEPTH: Final = 20
_VALUES: Final = 500_000
"""Values of one file: more than the largest file that is read can hold, were it not for aliases."""


class PlanFault(PlacedFault):
    """A plan file that cannot be read as one; the message says where."""


@dataclass(frozen=True, slots=True)
class Node:
    """A value with the words that lead to it, so that every fault names its place.

    ``written`` is where it stands in its file, or what should hold it there; None for a value of no file. ``there``
    tells a value that is nothing from one that is missing.
    """

    value: Any
    source: str
    path: str
    written: yaml_nodes.Node | None = None
    there: bool = True

    def fault(self, what: str) -> PlanFault:
        """The fault that names this place."""
        line, column = (self.written.line, self.written.column) if self.written else (0, 0)
        return PlanFault(self.source, line, column, f"{self.path or 'the file'} {what}")

    def at(self, name: str) -> "Node":
        """The value under a key; of nothing where it is missing."""
        if not isinstance(self.value, dict):
            raise self.fault("is not a mapping")
        path, there = f"{self.path}.{name}" if self.path else name, name in self.value
        held = self.written.value if self.written else None
        written = held[name].value if isinstance(held, dict) and there else self.written
        return Node(self.value.get(name), self.source, path, written, there)

    def only(self, *known: str) -> None:
        """Refuses a mapping that has any other key: what is not understood is not passed over either."""
        if not isinstance(self.value, dict):
            raise self.fault("is not a mapping")
        held = self.written.value if self.written else None
        for key in self.value:
            if key not in known:
                written = held[key].key if isinstance(held, dict) else None
                raise Node(None, self.source, self.path, written).fault(
                    f"has no key {clean(key, 60)!r}{hint(key, known)}"
                )

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
        held = self.written.value if self.written else ()
        places = held if isinstance(held, tuple) and len(held) == len(self.value) else (self.written,) * len(self.value)
        return [
            Node(value, self.source, f"{self.path}[{index}]", written)
            for index, (value, written) in enumerate(zip(self.value, places, strict=True))
        ]

    def flag(self, *, optional: bool = False) -> bool:
        """True or false; with ``optional`` false where it is missing."""
        if optional and not self.there:
            return False
        if not isinstance(self.value, bool):
            raise self.fault("is neither true nor false; write one of the two, without quotes")
        return self.value


def read_file(data: bytes, source: str) -> Node:
    """The value of a YAML file's bytes. Raises PlanFault with the place of the fault."""
    root = read_nodes(data, Source(source, "a plan file", PlanFault, _DEPTH, _VALUES))
    return Node(_value(root), source, "", root)


def _value(node: yaml_nodes.Node) -> Any:
    """Text, whole numbers, true and false, in these words alone: tools disagree on what else may stand for them."""
    match node.value:
        case tuple():
            return [_value(item) for item in node.value]
        case str():
            return _scalar(node, node.value)
        case _:
            return {key: _value(entry.value) for key, entry in node.value.items()}


def _scalar(node: yaml_nodes.Node, text: str) -> Any:
    if node.is_null:
        return None
    if node.tag == STR:
        return text
    if node.tag == BOOL and text in ("true", "false"):
        return text == "true"
    if node.tag == INT and _WHOLE.fullmatch(text):
        return int(text)
    if node.tag == BOOL:
        raise node.fault(f"{text} is neither true nor false in every tool; write one of the two, or text in quotes")
    raise node.fault(f"{clean(text, 60)} is {node.kind} that a plan file does not have; write text in quotes")
