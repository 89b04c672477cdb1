"""The Ownership screen: the layered tree of everything, and the evidence for each object."""

import asyncio
from dataclasses import dataclass, replace
from typing import ClassVar

from textual import work
from textual.binding import Binding, BindingType
from textual.message import Message

from screens.desk import Desk
from screens.inspector import Inspector
from screens.listing import Listing
from screens.overview_rows import bar
from screens.ownership_rows import Branch, Forest, Wanted, facets, forest, node_line
from screens.view import View
from screens.words import STATES
from tui.objects import Key, Ref
from tui.ownership.tree import GroupBy
from tui.widgets.lines import Lines
from tui.widgets.outline import Outline, Path
from tui.widgets.spans import Line, accent, counted, line, muted, strong


@dataclass
class Grown(Message):
    """The tree that was asked for, with the number of the request."""

    number: int
    forest: Forest


class Ownership(Listing):
    """Who owns what and why. The tree is built in a thread; the newest request wins."""

    MODE = "ownership"
    FILTER_HINT = "filter by kind, name, owner or release"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "facet", "State"),
        Binding("b", "group", "Group by"),
    ]

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._wanted = Wanted()
        self._opened: frozenset[Path] | None = None
        self._stage = -1
        self._number = 0
        self._shown: Forest | None = None

    def make_list(self) -> Lines:
        """A tree."""
        return Outline(node_line, id="tree")

    def listing(self) -> Outline:
        """The tree."""
        return self.query_one("#tree", Outline)

    def inspector(self) -> Inspector:
        """The evidence."""
        return self.query_one("#detail", Inspector)

    def selected(self) -> Key | None:
        """The object under the cursor; None on a branch."""
        place = self.listing().place
        node = place.node if place else None
        ref = node.tree.ref if isinstance(node, Branch) else None
        return ref.key if ref else None

    def above(self) -> tuple[Line, ...]:
        """The ownership bar, and what of the tree is shown."""
        view = self.desk.view
        lines = [bar(view.tally)] if view.tally else []
        wanted = self._wanted
        state = STATES[wanted.state][0] if wanted.state else "every state"
        parts = [muted("by "), strong(wanted.group_by.value), muted(" (b)  "), strong(state), muted(" (s)  ")]
        if wanted.text:
            parts += [muted("filter "), strong(wanted.text), muted("  ")]
        if self._shown is not None and wanted.narrowed:
            parts += [
                muted(f"{counted(self._shown.shown)} of {counted(self._shown.total)}  "),
                accent("esc"),
                muted(" all"),
            ]
        return (*lines, line(*parts))

    def draw_list(self, view: View) -> None:
        """Rebuilds the tree where the assessment is new; what is open stays open."""
        if view.stage != self._stage and view.assessment is not None:
            self._stage = view.stage
            self._grow(self.listing().opened if self._shown is not None else None)

    def _grow(self, opened: frozenset[Path] | None, focus: Key | None = None) -> None:
        """Asks for the tree with these branches open; None opens what is best seen first."""
        if self.desk.view.assessment is not None:
            self._number += 1
            self._build(self._number, opened, focus)

    @work(group="tree", exclusive=True, exit_on_error=False, description="build the tree")
    async def _build(self, number: int, opened: frozenset[Path] | None, focus: Key | None) -> None:
        view, wanted = self.desk.view, self._wanted
        if view.assessment is not None:
            grown = await asyncio.to_thread(forest, view.contract, view.assessment, wanted, opened, focus)
            self.post_message(Grown(number, grown))

    def on_grown(self, message: Grown) -> None:
        """Shows the tree, if no other was asked for since."""
        message.stop()
        if message.number != self._number:
            return
        self._shown = message.forest
        self.listing().show(message.forest.places, message.forest.opened)
        if message.forest.focus:
            self.listing().go_to(message.forest.focus)
        self.draw(self.desk.view)

    def sought(self, text: str) -> None:
        """Filters by words."""
        if text != self._wanted.text:
            self._want(replace(self._wanted, text=text))

    def _want(self, wanted: Wanted, focus: Key | None = None) -> None:
        """Shows something else. Leaving a filter, the tree is open as before, and the cursor stays on its object."""
        before, self._wanted = self._wanted, wanted
        if wanted.narrowed and not before.narrowed:
            self._opened = self.listing().opened
        whole = before.narrowed and not wanted.narrowed and before.group_by is wanted.group_by
        self._grow(self._opened if whole else None, focus or self.selected())

    def action_facet(self) -> None:
        """Shows only the next state that occurs; after the last, every state."""
        states = (None, *facets(self.desk.view.assessment))
        here = states.index(self._wanted.state) if self._wanted.state in states else 0
        self._want(replace(self._wanted, state=states[(here + 1) % len(states)]))

    def action_group(self) -> None:
        """Cuts the tree the next way."""
        ways = tuple(GroupBy)
        here = ways.index(self._wanted.group_by)
        self._want(replace(self._wanted, group_by=ways[(here + 1) % len(ways)]))

    def visit(self, focus: object) -> None:
        """Opens the tree at what a finding names."""
        if isinstance(focus, Ref):
            self._want(replace(self._wanted, text="", state=None), focus.key)

    def action_back(self) -> None:
        """From the evidence to the tree, from a filter to the whole tree."""
        in_detail = self.has_class("-detail") or self.inspector().has_focus
        super().action_back()
        if not in_detail and self._wanted.narrowed:
            self._want(replace(self._wanted, text="", state=None))
