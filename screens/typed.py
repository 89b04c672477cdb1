"""Asks for a text to be typed exactly. Anything else, and leaving, is no."""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from tui.widgets.pane import Pane
from tui.widgets.spans import Line, accent, bad, line, muted, strong
from tui.widgets.text import content


class Typed(ModalScreen[bool]):
    """True when ``expected`` was typed, character by character, and Enter pressed."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "Leave")]

    def __init__(self, title: str, lines: Sequence[Line], expected: str) -> None:
        super().__init__()
        self._title = title
        self._lines = tuple(lines)
        self._expected = expected

    def compose(self) -> ComposeResult:
        """What is at stake, what to type, and the line to type it in."""
        with Vertical(id="typed"):
            yield Pane(self._title, id="stake")
            yield Static(id="demand")
            yield Input(id="answer", select_on_focus=False, compact=True)

    def on_mount(self) -> None:
        """The cursor waits in an empty line."""
        self.query_one("#stake", Pane).show(self._lines)
        self._demand()
        answer = self.query_one(Input)
        answer.cursor_blink = False
        answer.focus()

    def _demand(self, remark: str = "") -> None:
        demand = line(muted("type "), strong(self._expected), muted(" and "), accent("enter"), muted("; esc leaves"))
        self.query_one("#demand", Static).update(content([demand, line(bad(remark))]))

    def on_input_submitted(self, message: Input.Submitted) -> None:
        """Only the exact text is a yes."""
        message.stop()
        if message.value == self._expected:
            self.dismiss(True)
        else:
            self._demand("that is not it; nothing was done")

    def action_leave(self) -> None:
        """Leaves without a yes."""
        self.dismiss(False)
