"""A titled pane of wrapped text that scrolls."""

from collections.abc import Iterable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widgets import Static

from tui.widgets.spans import Line, Span
from tui.widgets.text import content, shown


class Pane(VerticalScroll):
    """Shows lines; never reads them as markup."""

    ALLOW_MAXIMIZE = False

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "scroll_down", "Down", show=False),
        Binding("k", "scroll_up", "Up", show=False),
        Binding("g", "scroll_home", "Top", show=False),
        Binding("G", "scroll_end", "Bottom", show=False),
    ]

    def __init__(
        self,
        title: str = "",
        *,
        id: str | None = None,  # noqa: A002 - Textual's own name for it
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._lines: tuple[Line, ...] = ()
        self._text = Static()
        self.name_it(title)

    def compose(self) -> ComposeResult:
        """One text, as high as it needs to be."""
        yield self._text

    def name_it(self, title: str, fresh: Span | None = None) -> None:
        """The title in the border, and how fresh the pane is."""
        self.border_title = shown(title)
        self.border_subtitle = shown(fresh.text) if fresh else None

    def show(self, lines: Iterable[Line], *, top: bool = False) -> None:
        """Replaces the text; ``top`` starts reading at its beginning."""
        new = tuple(lines)
        if new != self._lines:
            self._lines = new
            self._text.update(content(new))
        if top:
            self.scroll_home(animate=False)

    @property
    def lines(self) -> tuple[Line, ...]:
        """What is shown."""
        return self._lines
