"""Asks the operator for a word. Whether it will do is judged by whoever asked."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from tui.widgets.pane import Pane
from tui.widgets.spans import Line, accent, bad, line, muted
from tui.widgets.text import content


class Stated(ModalScreen[str | None]):
    """The word that was typed, or None where the operator left.

    ``refuse`` says why a word will not do, or returns the empty string; ``what`` is to be typed.
    """

    AUTO_FOCUS = "#answer"
    """The line has the focus from the first: what is typed at once must not be lost to the page above it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "Leave")]

    def __init__(self, title: str, lines: Sequence[Line], refuse: Callable[[str], str], what: Line = ()) -> None:
        super().__init__()
        self._title = title
        self._lines = tuple(lines)
        self._refuse = refuse
        self._what = what or (muted("type it"),)

    def compose(self) -> ComposeResult:
        """What is asked for, and the line to type it in."""
        with Vertical(id="typed"):
            yield Pane(self._title, id="stake")
            yield Static(id="demand")
            yield Input(id="answer", select_on_focus=False, compact=True)

    def on_mount(self) -> None:
        """The cursor waits in an empty line."""
        self.query_one("#stake", Pane).show(self._lines)
        self._demand()
        self.query_one(Input).cursor_blink = False

    def _demand(self, remark: str = "") -> None:
        demand = line(*self._what, muted(" and "), accent("enter"), muted("; esc leaves"))
        self.query_one("#demand", Static).update(content([demand, line(bad(remark))]))

    def on_input_submitted(self, message: Input.Submitted) -> None:
        """A word that will do is the answer."""
        message.stop()
        why = self._refuse(message.value)
        if why:
            self._demand(why)
        else:
            self.dismiss(message.value)

    def action_leave(self) -> None:
        """Leaves without an answer."""
        self.dismiss(None)
