"""What the screens need of the outside, handed in by whoever composes the program."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from tui.objects import Inventory, KindKey, Live, Ref
from tui.recovery.ports import Identity, Reader

if TYPE_CHECKING:
    from tui.recovery.session import Session


@dataclass(frozen=True, slots=True)
class DrillCheck:
    """How a drill ended: whether its goal is reached, what was done well, what was risky or is still open."""

    reached: bool
    well: tuple[str, ...] = ()
    risky: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Drill:
    """A practice incident. ``hints`` are revealed one at a time; ``check`` looks at the practice cluster."""

    name: str
    title: str
    story: str
    goal: str
    hints: tuple[str, ...]
    check: Callable[[], Awaitable[DrillCheck]]


class Event(Protocol):
    """One event of a watch, in the words of ``tui.cluster.watch``."""

    @property
    def what(self) -> str:
        """``added``, ``modified``, ``deleted``, ``synced``, ``disconnected`` or ``reconnected``."""
        ...

    @property
    def kind(self) -> KindKey:
        """The kind it is about."""
        ...

    @property
    def live(self) -> Live | None:
        """The object that was added, modified or deleted."""
        ...

    @property
    def reason(self) -> str:
        """Why it is disconnected."""
        ...

    @property
    def retry_in(self) -> float:
        """Seconds to the next attempt, when disconnected."""
        ...


class Note(Protocol):
    """One of the cluster's Events about an object, in the words of ``tui.cluster.logs``."""

    @property
    def type(self) -> str:
        """``Normal`` or ``Warning``."""
        ...

    @property
    def reason(self) -> str:
        """One word."""
        ...

    @property
    def message(self) -> str:
        """A sentence."""
        ...

    @property
    def count(self) -> int:
        """How often it happened."""
        ...

    @property
    def last(self) -> str:
        """When it happened last; RFC 3339 or empty."""
        ...


class Link(Protocol):
    """An open connection to one cluster, as the screens see it."""

    @property
    def identity(self) -> Identity:
        """Which cluster this is, and as whom it is read."""
        ...

    @property
    def reader(self) -> Reader:
        """Reads the cluster; cannot change it."""
        ...

    @property
    def drill(self) -> Drill | None:
        """The practice incident, where the cluster is a practice cluster."""
        ...

    @property
    def session(self) -> "Callable[[Path | None], Awaitable[Session]] | None":
        """Begins a recovery session, or goes on with the journal of one that was left open.

        None where nothing may ever be changed (``--read-only``, a snapshot).
        """
        ...

    def watch(self, kinds: Iterable[KindKey], since: Inventory) -> AsyncIterator[Event]:
        """Endless events of these kinds, as differences from ``since``; reconnects by itself."""
        ...

    async def logs(self, ref: Ref, container: str, tail: int) -> str:
        """The last ``tail`` lines of a container of a Pod. Raises Fault."""
        ...

    async def events(self, ref: Ref) -> Sequence[Note]:
        """The cluster's Events about one object, newest last. Raises Fault."""
        ...

    async def close(self) -> None:
        """Ends every connection."""
        ...


Opener = Callable[[], Awaitable[Link]]
"""Opens the link; raises Fault with one sentence where it cannot."""
