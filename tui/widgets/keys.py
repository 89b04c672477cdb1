"""The line at the bottom: what can be pressed here, taken from the bindings themselves."""

from collections.abc import Iterable

from textual.binding import ActiveBinding
from textual.content import Content
from textual.screen import Screen
from textual.widget import Widget

from tui.widgets.spans import Line, Role, Span, cells
from tui.widgets.text import content


def key_name(key: str) -> str:
    """A key as one would write it: ``?`` for ``question_mark``, ``^r`` for ``ctrl+r``."""
    names = {
        "question_mark": "?",
        "slash": "/",
        "colon": ":",
        "escape": "esc",
        "left_square_bracket": "[",
        "right_square_bracket": "]",
        "equals_sign": "=",
    }
    modifier, plus, plain = key.rpartition("+")
    name = names.get(plain, plain)
    return f"^{name}" if plus and modifier == "ctrl" else f"{modifier}{plus}{name}"


def key_line(bindings: Iterable[ActiveBinding], width: int) -> Line:
    """The shown bindings as one line, as many as fit whole; an unavailable one is left out."""
    spans: list[Span] = []
    used: set[str] = set()
    room = width
    for active in bindings:
        binding = active.binding
        if not binding.show or not active.enabled or binding.action in used:
            continue
        used.add(binding.action)
        piece = (
            Span(f" {binding.key_display or key_name(binding.key)}", Role.ACCENT),
            Span(f" {binding.description} ", Role.MUTED),
        )
        if cells(piece) > room:
            break
        room -= cells(piece)
        spans.extend(piece)
    return tuple(spans)


class Keys(Widget):
    """One line of keys, for the screen it stands on."""

    def on_mount(self) -> None:
        """Follows the bindings as the focus and the screen's state change."""
        self.screen.bindings_updated_signal.subscribe(self, self._changed)

    def _changed(self, screen: Screen[object]) -> None:
        if screen is self.screen:
            self.refresh()

    def render(self) -> Content:
        """The keys of the moment."""
        return content([key_line(self.screen.active_bindings.values(), self.size.width)])
