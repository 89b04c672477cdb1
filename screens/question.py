"""The question about one resource: everything that is known of it, and yes, no or leave."""

from collections.abc import Callable
from enum import StrEnum
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen
from textual.widgets import Static

from screens.choice import GRACE
from screens.question_rows import question_lines, question_title, stake_of
from screens.typed import Typed
from tui.recovery.question import Question
from tui.widgets.keys import Keys
from tui.widgets.pane import Pane
from tui.widgets.spans import Line, accent, bad, fit, line, muted
from tui.widgets.text import content


class Reply(StrEnum):
    """The answers; leaving is the default."""

    YES = "yes"
    SKIP = "skip"
    LEAVE = "leave"


class Ask(ModalScreen[Reply]):
    """Puts one resource to the operator. ``ticks`` is a monotonic clock in seconds."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "yes", "This one"),
        Binding("n", "skip", "Skip"),
        Binding("escape", "leave", "Leave"),
        Binding("enter", "leave", "Leave", show=False),
    ]

    def __init__(self, question: Question, ticks: Callable[[], float]) -> None:
        super().__init__()
        self._question = question
        self._ticks = ticks
        self._shown_at = ticks()

    def compose(self) -> ComposeResult:
        """The question, the page, the answers."""
        yield Static(id="asked")
        yield Pane("Resource", id="page")
        yield Keys()

    def on_mount(self) -> None:
        """Shows the page and begins to wait."""
        self._shown_at = self._ticks()
        self._title()
        page = self.query_one("#page", Pane)
        page.show(question_lines(self._question))
        page.focus()

    def on_resize(self) -> None:
        """The title is cut to the width, so that the answers always stand below it."""
        self._title()

    def _title(self) -> None:
        title = fit(question_title(self._question.entry), self.size.width - 2)
        self.query_one("#asked", Static).update(content([title, self._answers()]))

    def _answers(self) -> Line:
        if not self._question.allowed:
            return line(bad("cannot be done: "), accent("n"), muted(" skip   "), accent("esc"), muted(" leave"))
        yes = " this one, after its name is typed   " if self._question.typed else " this one   "
        return line(accent("y"), muted(yes), accent("n"), muted(" skip   "), accent("esc"), muted(" leave"))

    @property
    def _too_early(self) -> bool:
        return self._ticks() - self._shown_at < GRACE

    def action_yes(self) -> None:
        """Confirms this one, after its name was typed where that is asked for."""
        if self._too_early or not self._question.allowed:
            return
        entry, typed = self._question.entry, self._question.typed
        if not typed:
            self.dismiss(Reply.YES)
            return
        self.app.push_screen(Typed(f"Confirm: {entry.action.value}", stake_of(self._question), typed), self._typed)

    def _typed(self, right: str | None) -> None:
        if right:
            self.dismiss(Reply.YES)

    def action_skip(self) -> None:
        """Leaves this one out of the plan."""
        if not self._too_early:
            self.dismiss(Reply.SKIP)

    def action_leave(self) -> None:
        """Back to the plan; nothing is decided."""
        if not self._too_early:
            self.dismiss(Reply.LEAVE)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A refused entry cannot be confirmed."""
        del parameters
        return None if action == "yes" and not self._question.allowed else True
