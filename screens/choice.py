"""Puts a few answers to the operator. The first is the safe one, has the cursor, and is what leaving means."""

from collections.abc import Callable, Sequence
from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from tui.widgets.keys import Keys
from tui.widgets.ledger import Ledger
from tui.widgets.lines import Lines
from tui.widgets.pane import Pane
from tui.widgets.spans import Line, Row, line

GRACE: Final = 0.5
"""Seconds in which no answer is taken: a key pressed for the screen before must not answer this one."""


class Answers(Ledger):
    """The answers, in which Enter has a name of its own."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "choose", "This one")]


class Choice(ModalScreen[str | None]):
    """The key of the answer that was chosen, or None where the operator left.

    ``answers`` are keys with their words, the safe one first. ``ticks`` is a monotonic clock in seconds.
    """

    AUTO_FOCUS = "#answers"

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "Leave")]

    def __init__(
        self, title: str, lines: Sequence[Line], answers: Sequence[tuple[str, str]], ticks: Callable[[], float]
    ) -> None:
        super().__init__()
        self._title = title
        self._lines = tuple(lines)
        self._answers = tuple(answers)
        self._ticks = ticks
        self._shown_at = ticks()

    def compose(self) -> ComposeResult:
        """What it is about, and the answers."""
        with Vertical(id="choice"):
            yield Pane(self._title, id="stake")
            yield Answers(id="answers")
        yield Keys()

    def on_mount(self) -> None:
        """The cursor waits on the safe answer."""
        self._shown_at = self._ticks()
        self.query_one("#stake", Pane).show(self._lines)
        answers = self.query_one("#answers", Answers)
        answers.styles.height = len(self._answers)
        answers.show([Row(key, (line(words),)) for key, words in self._answers])

    def on_lines_chosen(self, message: Lines.Chosen) -> None:
        """Enter answers, unless it was pressed for the screen before."""
        message.stop()
        if self._ticks() - self._shown_at >= GRACE:
            self.dismiss(str(message.key))

    def action_leave(self) -> None:
        """Leaves without an answer."""
        self.dismiss(None)
