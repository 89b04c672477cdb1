"""The Releases screen: families, generations, revisions, and what became of their resources."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from textual import work
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from screens.desk import Desk
from screens.releases_rows import HEADINGS, Place, place_lines, release_rows
from screens.room import Room
from screens.view import View, awaited
from tui.objects import Ref
from tui.widgets.ledger import Ledger
from tui.widgets.lines import Lines
from tui.widgets.pane import Pane
from tui.widgets.spans import Line, line, muted
from tui.widgets.text import content


@dataclass
class Read(Message):
    """The page about a row, with the number of the request."""

    number: int
    lines: tuple[Line, ...]


class Releases(Room):
    """Reads a revision's manifest in a thread when the cursor comes to it."""

    MODE = "releases"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("d", "describe", "Describe"),
        Binding("escape", "back", "Back", show=False),
    ]

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._number = 0
        self._told: tuple[object, int] | None = None

    def body(self) -> Iterable[Widget]:
        """The families and the page about one of their revisions."""
        yield Static(id="above")
        with Horizontal(id="work"):
            with Vertical(id="found"):
                yield Ledger(id="families", headings=HEADINGS, firm=4)
            yield Pane("Release", id="detail", classes="side")

    def draw(self, view: View) -> None:
        """Shows the families."""
        self.query_one("#above", Static).update(content(awaited(view)))
        self.query_one("#families", Ledger).show(release_rows(view, self.desk.now()))
        self._read()

    def _read(self) -> None:
        place = self.query_one("#families", Ledger).key
        wanted = (place, self.desk.view.stage)
        if wanted == self._told or not isinstance(place, Place):
            return
        self._told = wanted
        self._number += 1
        self._page(self._number, place)

    @work(group="page", exclusive=True, exit_on_error=False, description="read a release")
    async def _page(self, number: int, place: Place) -> None:
        view = self.desk.view
        if view.assessment is not None:
            lines = await asyncio.to_thread(place_lines, view.contract, view.assessment, place, self.desk.now())
            self.post_message(Read(number, lines))

    def on_read(self, message: Read) -> None:
        """Shows the page, if it is the one that is waited for."""
        message.stop()
        if message.number == self._number:
            self.query_one("#detail", Pane).show(message.lines or (line(muted("nothing is known of it")),))

    def on_lines_moved(self, message: Lines.Moved) -> None:
        """The page follows the cursor."""
        message.stop()
        self._read()
        self.query_one("#detail", Pane).scroll_home(animate=False)

    def on_lines_chosen(self, message: Lines.Chosen) -> None:
        """Enter describes."""
        message.stop()
        self.action_describe()

    def visit(self, focus: object) -> None:
        """Puts the cursor on the release whose record a finding names, else on the first family."""
        rows = self.query_one("#families", Ledger)
        places = [row.key for row in rows.rows if isinstance(row.key, Place)]
        if isinstance(focus, Ref):
            found = (place for place in places if place.release and f".{place.release}.v{place.revision}" in focus.name)
            wanted = next(found, None)
            if wanted is not None:
                rows.go_to(wanted)

    def action_describe(self) -> None:
        """Reads the page; on a narrow screen in place of the list."""
        self.add_class("-detail")
        self.query_one("#detail", Pane).focus()

    def action_back(self) -> None:
        """Back to the list."""
        self.remove_class("-detail")
        self.query_one("#families", Ledger).focus()
