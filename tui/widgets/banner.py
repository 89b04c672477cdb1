"""The two lines on top of every screen: where one is and how fresh it is, and the screens there are."""

from collections.abc import Sequence

from rich.cells import cell_len
from textual import events
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from tui.widgets.spans import GAP, Line, Role, Span, cells, fit, pad
from tui.widgets.text import content


class Banner(Widget):
    """One line: ``left`` gives way to ``right`` where they do not fit beside each other."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name for it
        super().__init__(id=id)
        self._left: Line = ()
        self._right: Line = ()

    def show(self, left: Line, right: Line) -> None:
        """Replaces the text; an unchanged one costs nothing on the wire."""
        if (left, right) != (self._left, self._right):
            self._left, self._right = left, right
            self.refresh()

    def render(self) -> Content:
        """The line, padded to the width."""
        width = self.size.width
        right = fit(self._right, width)
        room = width - cells(right)
        return content([(*pad(self._left, max(0, room - GAP)), Span(" " * min(GAP, room)), *right)])


class Tabs(Widget):
    """The screens with their keys, the current one marked in brackets as well as by style."""

    class Picked(Message):
        """A tab was clicked."""

        def __init__(self, mode: str) -> None:
            super().__init__()
            self.mode = mode

    def __init__(self, tabs: Sequence[tuple[str, str, str]], current: str) -> None:
        """``tabs`` are (key, mode, title)."""
        super().__init__()
        self._tabs = tabs
        self._current = current

    def _pieces(self) -> list[tuple[str, Span]]:
        wide = sum(len(title) + len(key) + 3 for key, _, title in self._tabs) <= self.size.width
        pieces = []
        for key, mode, title in self._tabs:
            here = mode == self._current
            label = f"[{key} {title}]" if here else f" {key} {title} "
            pieces.append((mode, Span(label if wide or here else f" {key} ", Role.STRONG if here else Role.MUTED)))
        return pieces

    def render(self) -> Content:
        """The tabs."""
        return content([tuple(span for _, span in self._pieces())])

    def on_click(self, event: events.Click) -> None:
        """Tells which tab was clicked."""
        at = 0
        for mode, span in self._pieces():
            at += cell_len(span.text)
            if event.x < at:
                self.post_message(self.Picked(mode))
                return
