"""The story of a drill, and its hints one at a time."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

from screens.link import Drill
from screens.session_lines import briefing_lines
from tui.widgets.pane import Pane


class Briefing(ModalScreen[int]):
    """Shows the story and the goal; gives back how many hints are revealed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("h", "hint", "Next hint"),
        Binding("escape,enter,q", "begin", "Begin"),
    ]

    def __init__(self, drill: Drill, hints: int) -> None:
        super().__init__()
        self._drill = drill
        self._hints = hints

    def compose(self) -> ComposeResult:
        """One pane."""
        yield Pane(f"Drill: {self._drill.name}", id="briefing")

    def on_mount(self) -> None:
        """Shows the story."""
        self._tell()
        self.query_one("#briefing", Pane).focus()

    def _tell(self) -> None:
        self.query_one("#briefing", Pane).show(briefing_lines(self._drill, self._hints))

    def action_hint(self) -> None:
        """Reveals one more hint."""
        self._hints = min(self._hints + 1, len(self._drill.hints))
        self._tell()
        self.query_one("#briefing", Pane).scroll_end(animate=False)

    def action_begin(self) -> None:
        """Closes the briefing."""
        self.dismiss(self._hints)
