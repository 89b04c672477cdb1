"""A tree of any size as lines: only expanded branches are laid out, and only what is on screen is drawn."""

import asyncio
from collections.abc import Callable, Collection, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final, NamedTuple, Protocol

from textual import work
from textual.binding import Binding, BindingType
from textual.message import Message

from tui.widgets.lines import Lines
from tui.widgets.spans import Line, Span, muted

LARGE: Final = 2000
"""Leaves below a branch from which on it is opened off the key path: its children have to be made first."""

Path = tuple[str, ...]
"""A node's identity: its name and those of all above it, topmost first."""


class Node(Protocol):
    """What the outline needs of a tree."""

    @property
    def name(self) -> str:
        """Unique among its siblings."""
        ...

    @property
    def count(self) -> int:
        """How many leaves are below; 1 for a leaf."""
        ...

    @property
    def leaf(self) -> bool:
        """Whether nothing is below."""
        ...

    @property
    def children(self) -> "Sequence[Node]":
        """The nodes below. May be slow when it is asked for the first time."""
        ...


class Place(NamedTuple):
    """One visible line."""

    path: Path
    node: Node


def lay_out(roots: Sequence[Node], opened: Collection[Path], above: Path = ()) -> list[Place]:
    """The visible lines of a forest, in order. Pure: may run in a thread."""
    return list(_walk(roots, opened, above))


def _walk(roots: Sequence[Node], opened: Collection[Path], above: Path) -> Iterator[Place]:
    stack = [Place((*above, node.name), node) for node in reversed(roots)]
    while stack:
        place = stack.pop()
        yield place
        if not place.node.leaf and place.path in opened:
            stack.extend(Place((*place.path, child.name), child) for child in reversed(place.node.children))


class Outline(Lines):
    """Shows a forest. ``draw`` turns a node into its text; indentation and the fold mark are added here."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right", "unfold", "Open branch", show=False),
        Binding("left", "fold", "Close branch", show=False),
        Binding("space", "flip", "Open or close", show=False),
    ]

    @dataclass
    class Made(Message):
        """The children of a large branch are there; it can be opened."""

        path: Path

    def __init__(
        self,
        draw: Callable[[Node, int], Line],
        *,
        id: str | None = None,  # noqa: A002 - Textual's own name for it
    ) -> None:
        super().__init__(id=id)
        self._draw = draw
        self._opened: set[Path] = set()
        self._places: list[Place] = []

    @property
    def opened(self) -> frozenset[Path]:
        """The branches that are open (some of them may not exist at the moment)."""
        return frozenset(self._opened)

    @property
    def place(self) -> Place | None:
        """The line under the cursor."""
        return self._places[self.cursor] if 0 <= self.cursor < len(self._places) else None

    @property
    def places(self) -> Sequence[Place]:
        """Every line that is laid out."""
        return self._places

    def show(self, places: list[Place], opened: Collection[Path]) -> None:
        """Replaces the lines, as :func:`lay_out` made them for ``opened``; the cursor stays where it was."""
        before = self.key
        self._places, self._opened = places, set(opened)
        self._settle(before)

    def _settle(self, before: Hashable | None) -> None:
        found = None
        path = before if isinstance(before, tuple) else ()
        # What had the cursor may have gone: its closest surviving branch takes it.
        while path and (found := self._line_of(path)) is None:
            path = path[:-1]
        self.relined(found, before)

    def _line_of(self, path: Path) -> int | None:
        return next((index for index, place in enumerate(self._places) if place.path == path), None)

    def go_to(self, path: Path) -> bool:
        """Puts the cursor on a line; False where it is not laid out."""
        index = self._line_of(path)
        self.move_to(path, index)
        return index is not None

    def count(self) -> int:
        """How many lines are laid out."""
        return len(self._places)

    def key_at(self, index: int) -> Hashable | None:
        """The path."""
        return self._places[index].path

    def line_at(self, index: int, width: int) -> Line:
        """Indentation, the fold mark and the node's own text."""
        path, node = self._places[index]
        mark = "  " if node.leaf else "▾ " if path in self._opened else "▸ "
        indent = 2 * (len(path) - 1)
        return (Span(" " * indent), muted(mark), *self._draw(node, max(1, width - indent - 2)))

    def _open(self, index: int) -> None:
        path, node = self._places[index]
        self._opened.add(path)
        self._places[index + 1 : index + 1] = lay_out(node.children, self._opened, path)
        self.relined(self.cursor, self.key)

    def _close(self, index: int) -> None:
        path, _ = self._places[index]
        self._opened.discard(path)
        end = index + 1
        while end < len(self._places) and len(self._places[end].path) > len(path):
            end += 1
        del self._places[index + 1 : end]
        self.relined(self.cursor, self.key)

    def action_unfold(self) -> None:
        """Opens the branch, or steps into it."""
        place = self.place
        if place is None or place.node.leaf:
            return
        if place.path in self._opened:
            self.action_step(1)
        elif place.node.count > LARGE:
            self._make(place)
        else:
            self._open(self.cursor)

    @work(group="make", exit_on_error=False, description="make the children of a branch")
    async def _make(self, place: Place) -> None:
        await asyncio.to_thread(getattr, place.node, "children")
        self.post_message(self.Made(place.path))

    def on_outline_made(self, message: Made) -> None:
        """Opens the branch whose children are there now, if it still is there and closed."""
        message.stop()
        index = self._line_of(message.path)
        if index is not None and message.path not in self._opened:
            self._open(index)

    def action_fold(self) -> None:
        """Closes the branch, or goes to the one above."""
        place = self.place
        if place is None:
            return
        if place.path in self._opened:
            self._close(self.cursor)
        elif len(place.path) > 1:
            self.go_to(place.path[:-1])

    def action_flip(self) -> None:
        """Opens a closed branch, closes an open one."""
        place = self.place
        if place is not None and place.path in self._opened:
            self.action_fold()
        else:
            self.action_unfold()

    def action_choose(self) -> None:
        """Enter on a branch opens or closes it; on a leaf it announces it."""
        place = self.place
        if place is not None and not place.node.leaf:
            self.action_flip()
        else:
            super().action_choose()
