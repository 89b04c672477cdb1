"""What every key does here, taken from the bindings themselves."""

from collections.abc import Iterable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import ActiveBinding, Binding, BindingType
from textual.screen import ModalScreen

from tui.widgets.keys import key_name
from tui.widgets.pane import Pane
from tui.widgets.spans import Line, accent, line, muted, strong

MARKS = (
    ("✓ ● ", "all is well; owned; present"),
    ("✗ ‡ ", "blocked or failed; contested by two owners"),
    ("◌   ", "missing: it should be there"),
    ("!   ", "a warning"),
    ("?   ", "could not be verified: neither yes nor no"),
    ("~   ", "stale: stamped with a release that is not in force"),
    ("≠   ", "owned by another than the contract says; or drifted from the manifest"),
    ("+ ○ ", "owned but in no claim; nobody's"),
    ("‖   ", "suspended"),
)
"""The symbols, which stand beside their words everywhere."""


def help_lines(bindings: Iterable[ActiveBinding]) -> tuple[Line, ...]:
    """Every key that works here with what it does, then the symbols."""
    keys: dict[str, list[str]] = {}
    # What the bottom line names comes first: it is what the screen is for.
    for active in sorted(bindings, key=lambda each: not each.binding.show):
        binding = active.binding
        if binding.description and not binding.system:
            keys.setdefault(binding.description, []).append(binding.key_display or key_name(binding.key))
    lines: list[Line] = [line(strong("Keys"))]
    lines += [line("  ", accent(f"{' '.join(dict.fromkeys(names)):<16}"), what) for what, names in keys.items()]
    lines += [(), line(strong("Symbols"))]
    lines += [line("  ", accent(mark), "  ", muted(what)) for mark, what in MARKS]
    lines += [(), line(muted("Nothing here changes a cluster but a confirmed step of the Recovery screen."))]
    return tuple(lines)


class Help(ModalScreen[None]):
    """Help over the screen it was asked on."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,question_mark", "dismiss", "Close")]

    def __init__(self, bindings: Iterable[ActiveBinding]) -> None:
        super().__init__()
        self._lines = help_lines(bindings)

    def compose(self) -> ComposeResult:
        """One pane."""
        yield Pane("Help: esc closes", id="help")

    def on_mount(self) -> None:
        """Shows the keys."""
        pane = self.query_one("#help", Pane)
        pane.show(self._lines)
        pane.focus()

    async def action_dismiss(self, result: None = None) -> None:
        """Closes the help."""
        self.dismiss(result)
