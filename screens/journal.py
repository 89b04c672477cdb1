"""The Journal screen: what the sessions on this machine intended, saved, did and were answered."""

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

from screens.course import Task
from screens.desk import Desk
from screens.journal_rows import (
    ENTRY_HEADINGS,
    HEADINGS,
    begun,
    can_undo,
    chain_line,
    entry_lines,
    entry_of,
    entry_rows,
    report,
    session_lines,
    session_rows,
    state_of,
)
from screens.room import Room, SaveReport, Visit
from screens.shelf import Shelf, read_backup
from screens.view import View, age
from screens.yaml_text import yaml_lines
from tui.faults import Fault
from tui.recovery.journal import Session
from tui.recovery.plan import PlanKind
from tui.widgets.finder import Finder
from tui.widgets.ledger import Ledger
from tui.widgets.lines import Lines
from tui.widgets.pane import Pane
from tui.widgets.spans import Line, Span, accent, bad, fit, line, muted, plural, strong
from tui.widgets.text import content


@dataclass
class CopyRead(Message):
    """A saved object, or why it could not be read; ``number`` tells a late answer from the one that is waited for."""

    number: int
    name: str
    lines: tuple[Line, ...]


class Journal(Room):
    """The sessions; within one of them, its entries. Needs no cluster, and changes nothing."""

    MODE = "journal"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "find", "Filter"),
        Binding("y", "copy_of", "What it was"),
        Binding("u", "undo", "Undo"),
        Binding("w", "write", "Write report"),
        Binding("c", "clip", "Copy report"),
        Binding("escape", "back", "Back", show=False),
    ]

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._inside: str | None = None
        self._sought = ""
        self._copy_of = 0
        self._copy: CopyRead | None = None

    def body(self) -> Iterable[Widget]:
        """The table of sessions or entries, and what its row means."""
        yield Static(id="above")
        with Horizontal(id="work"):
            with Vertical(id="found"):
                yield Ledger(id="table", firm=2)
                yield Finder("filter by words")
            yield Pane("Session", id="detail", classes="under")

    def on_screen_resume(self) -> None:
        """Reads the journals again: another program, or this one, may have written to them."""
        super().on_screen_resume()
        self.desk.spawn(self.desk.read_shelf)

    @property
    def _shelf(self) -> Shelf:
        return self.desk.view.shelf

    def _session(self) -> Session | None:
        """The session that is looked into, or the one under the cursor."""
        key = self._inside or self.query_one("#table", Ledger).key
        return self._shelf.named(key if isinstance(key, str) else None)

    def draw(self, view: View) -> None:
        """Shows the journals as they were read last."""
        inside = view.shelf.named(self._inside)
        table = self.query_one("#table", Ledger)
        if inside is None:
            self._inside = None
            table.show(session_rows(view.shelf, self._sought), HEADINGS if view.shelf.sessions else ())
        else:
            table.show(entry_rows(inside, self._sought), ENTRY_HEADINGS)
        width = self.size.width - 2
        self.query_one("#above", Static).update(content([fit(one, width) for one in self._above(inside)]))
        self._describe()

    def _above(self, inside: Session | None) -> tuple[Line, ...]:
        if inside is not None:
            return line(strong(begun(inside)), f"  {state_of(inside)}  ", *chain_line(inside)), _ESC
        broken = sum(not session.reading.intact for session in self._shelf.sessions)
        told = (bad(f"✗ {plural(broken, 'journal')} damaged  "),) if broken else ()
        many = plural(len(self._shelf.sessions), "session")
        return (line(*told, f"{many} in {self._shelf.directory}"),)

    def freshness(self, view: View) -> Span:
        """As old as the last reading of the disk; a cluster is not asked."""
        read_at = view.shelf.read_at
        return muted("reading" if read_at is None else f"{age(read_at, self.desk.now())} old")

    def _describe(self) -> None:
        pane = self.query_one("#detail", Pane)
        session, key = self._session(), self.query_one("#table", Ledger).key
        if self._copy is not None:
            pane.name_it(f"Saved copy {self._copy.name}")
            pane.show(self._copy.lines)
            return
        pane.name_it("Entry" if self._inside else "Session")
        if self._inside:
            pane.show(entry_lines(entry_of(session, key)))
        else:
            pane.show(session_lines(session, self.desk.view.identity))

    def on_resize(self) -> None:
        """Lines are cut to the width."""
        self.redraw()

    def on_lines_moved(self, message: Lines.Moved) -> None:
        """The page follows the cursor."""
        message.stop()
        self._copy = None
        self._describe()
        self.refresh_bindings()

    def on_lines_chosen(self, message: Lines.Chosen) -> None:
        """Enter goes into a session; on an entry, to its page."""
        message.stop()
        if self._inside is None and isinstance(message.key, str):
            self._enter(message.key)
        else:
            self._page()

    def _enter(self, name: str | None) -> None:
        left, self._inside, self._copy, self._sought = self._inside, name, None, ""
        self.query_one(Finder).drop()
        self.redraw()
        if name is None:
            self.query_one("#table", Ledger).go_to(left)
        self.refresh_bindings()

    def visit(self, focus: object) -> None:
        """Goes into a session by its name."""
        if isinstance(focus, str):
            self._enter(focus)

    def _page(self) -> None:
        self.add_class("-detail")
        self.query_one("#detail", Pane).focus()

    def on_finder_sought(self, message: Finder.Sought) -> None:
        """The filter narrows the table."""
        message.stop()
        self._sought = message.text
        self.redraw()
        if message.done:
            self.query_one("#table", Ledger).focus()

    def action_find(self) -> None:
        """Opens the filter."""
        self.remove_class("-detail")
        self.query_one(Finder).open()

    def action_back(self) -> None:
        """From the page to the table, from a filter to none, from the entries to the sessions."""
        table = self.query_one("#table", Ledger)
        if self.has_class("-detail") or not table.has_focus:
            self.remove_class("-detail")
            self._copy = None
            self._describe()
        elif self._sought:
            self.query_one(Finder).drop()
            self._sought = ""
            self.redraw()
        elif self._inside is not None:
            self._enter(None)
        table.focus()

    def action_copy_of(self) -> None:
        """Shows the object that the entry under the cursor saved."""
        session, name = self._session(), self._backup()
        if session is not None and name:
            self._copy_of += 1
            self._read_copy(self._copy_of, session, name)
            self._page()

    def _backup(self) -> str:
        if self._inside is None:
            return ""
        entry = entry_of(self._session(), self.query_one("#table", Ledger).key)
        return str(entry.fields.get("backup") or "") if entry else ""

    @work(group="copy", exclusive=True, exit_on_error=False, description="read a saved copy")
    async def _read_copy(self, number: int, session: Session, name: str) -> None:
        def read() -> tuple[Line, ...]:
            try:
                return yaml_lines(read_backup(session, name))
            except Fault as fault:
                return (line(bad("✗ "), str(fault)),)

        self.post_message(CopyRead(number, name, await asyncio.to_thread(read)))

    def on_copy_read(self, message: CopyRead) -> None:
        """Shows the copy that is waited for; a late one is dropped."""
        message.stop()
        if message.number == self._copy_of and self.has_class("-detail"):
            self._copy = message
            self._describe()
            self.query_one("#detail", Pane).scroll_home(animate=False)

    def action_undo(self) -> None:
        """Goes to the Recovery screen with the plan of what would put back what the session did."""
        session = self._session()
        if session is not None:
            self.post_message(Visit("recovery", Task(PlanKind.UNDO, session.name)))

    def action_write(self) -> None:
        """Saves the session's journal as Markdown."""
        session = self._session()
        if session is not None:
            self.post_message(SaveReport({"md": report(session)}, f"refloat-journal-{session.name}"))

    def action_clip(self) -> None:
        """Puts the session's journal into the terminal's clipboard as Markdown."""
        session = self._session()
        if session is not None:
            self.app.copy_to_clipboard(report(session))
            self.notify("the report is sent to the terminal's clipboard; w saves it as a file", markup=False)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Names only what can be done with what the cursor is on."""
        del parameters
        if action not in ("copy_of", "undo", "write", "clip") or not self.is_mounted:
            return True
        if action == "copy_of":
            return bool(self._backup())
        session = self._session()
        return session is not None and (action != "undo" or can_undo(session, self.desk.view.identity))


_ESC = line(accent("esc"), muted(" goes back to the sessions"))
