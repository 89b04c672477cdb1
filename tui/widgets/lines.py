"""A list of lines with a cursor, drawn line by line: what is not on screen costs nothing, however long the list."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import ClassVar, cast

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.widgets.spans import Line, Role, fit


class Lines(ScrollView, can_focus=True, inherit_bindings=False):
    """The common part of tables and trees. A subclass says how many lines there are and draws one.

    The cursor stays on its key, and at its place on screen, while lines come and go around it.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"lines--{role.value}" for role in Role} | {"lines--cursor"}

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "step(-1)", "Up", show=False),
        Binding("down,j", "step(1)", "Down", show=False),
        Binding("pageup,ctrl+b", "page(-1)", "Page up", show=False),
        Binding("pagedown,ctrl+f", "page(1)", "Page down", show=False),
        Binding("home,g", "edge(-1)", "Top", show=False),
        Binding("end,G", "edge(1)", "Bottom", show=False),
        Binding("enter", "choose", "Open", show=False),
    ]

    ALLOW_MAXIMIZE = False

    cursor: reactive[int] = reactive(-1, repaint=False)

    @dataclass
    class Moved(Message):
        """The cursor rests on another key (or on none)."""

        lines: "Lines"
        key: Hashable | None

        @property
        def control(self) -> "Lines":
            """The list the message comes from."""
            return self.lines

    @dataclass
    class Chosen(Message):
        """Enter was pressed (or the line clicked again) on this key."""

        lines: "Lines"
        key: Hashable

        @property
        def control(self) -> "Lines":
            """The list the message comes from."""
            return self.lines

    def count(self) -> int:
        """How many lines there are, without the header."""
        raise NotImplementedError

    def key_at(self, index: int) -> Hashable | None:
        """What the line stands for; None where the cursor may not rest."""
        raise NotImplementedError

    def line_at(self, index: int, width: int) -> Line:
        """The line, at most ``width`` cells."""
        raise NotImplementedError

    def header(self, width: int) -> Line:  # noqa: ARG002 - the base has none, whatever the width
        """The line that stays on top."""
        return ()

    @property
    def key(self) -> Hashable | None:
        """The key under the cursor."""
        return self.key_at(self.cursor) if 0 <= self.cursor < self.count() else None

    @property
    def header_height(self) -> int:
        """1 where a header is shown; the base has none."""
        return 0

    @property
    def room(self) -> int:
        """The cells of a line: what the scrollbar leaves."""
        return self.scrollable_content_region.width

    def relined(self, found: int | None, before: Hashable | None) -> None:
        """To be called when the lines changed: ``found`` is where the key that had the cursor is now."""
        offset = self.cursor - round(self.scroll_y)
        count = self.count()
        self.virtual_size = Size(self.room, count + self.header_height)
        self.set_reactive(Lines.cursor, self._near(found if found is not None else self.cursor))
        if found is not None and self.cursor >= 0:
            self.scroll_to(y=max(0, self.cursor - offset), animate=False, immediate=True, force=True)
        self.refresh()
        self._follow()
        if self.key != before:
            self.post_message(self.Moved(self, self.key))

    def _near(self, index: int) -> int:
        """The closest line where the cursor may rest: at ``index``, else below, else above; -1 for none."""
        count = self.count()
        index = min(max(index, 0), count - 1)
        below = next((i for i in range(max(index, 0), count) if self.key_at(i) is not None), -1)
        return below if below >= 0 else next((i for i in range(index, -1, -1) if self.key_at(i) is not None), -1)

    def watch_cursor(self, old: int, new: int) -> None:
        """Repaints the two lines that changed and says where the cursor is."""
        width = self.size.width
        for index in (old, new):
            if index >= 0:
                y = index - round(self.scroll_y) + self.header_height
                self.refresh(Region(0, y, width, 1))
        self._follow()
        self.post_message(self.Moved(self, self.key))

    def _follow(self) -> None:
        room = self.size.height - self.header_height
        if self.cursor < 0 or room <= 0:
            return
        top = round(self.scroll_y)
        first = self.cursor
        # A heading just above the first place for the cursor stays visible with it.
        while first > 0 and self.key_at(first - 1) is None and self.cursor - first < 2:
            first -= 1
        target = min(top, first) if self.cursor < top + room else self.cursor - room + 1
        if first < top:
            target = first
        if target != top:
            self.scroll_to(y=target, animate=False, immediate=True, force=True)

    def move_to(self, key: Hashable, index: int | None) -> None:
        """Puts the cursor on a key whose line is known."""
        if index is not None and self.key_at(index) == key:
            self.cursor = index

    def action_step(self, by: int) -> None:
        """Moves the cursor to the next place in this direction."""
        index = self.cursor + by
        while 0 <= index < self.count():
            if self.key_at(index) is not None:
                self.cursor = index
                return
            index += by
        # Nothing more to rest on: remarks beyond the last place can still be read.
        self.scroll_relative(y=by, animate=False, immediate=True)

    def action_page(self, by: int) -> None:
        """Moves the cursor by a screenful."""
        page = max(1, self.size.height - self.header_height - 1)
        self.cursor = self._near(min(max(self.cursor + by * page, 0), max(0, self.count() - 1)))

    def action_edge(self, towards: int) -> None:
        """Moves the cursor to the first or last place."""
        self.cursor = self._near(0 if towards < 0 else self.count() - 1)

    def action_choose(self) -> None:
        """Announces the key under the cursor."""
        if self.key is not None:
            self.post_message(self.Chosen(self, self.key))

    def on_click(self, event: events.Click) -> None:
        """A click moves the cursor; a click on the cursor's line is Enter."""
        index = event.y + round(self.scroll_y) - self.header_height
        if event.y < self.header_height or not 0 <= index < self.count() or self.key_at(index) is None:
            return
        if index == self.cursor:
            self.action_choose()
        else:
            self.cursor = index

    def on_resize(self) -> None:
        """The width decides the layout of every line."""
        self.virtual_size = Size(self.room, self.count() + self.header_height)
        self._follow()

    def on_focus(self) -> None:
        """The cursor is drawn differently with the focus."""
        self.refresh()

    def on_blur(self) -> None:
        """The cursor is drawn differently without the focus."""
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """One line of the window, as segments: literal text, never markup."""
        width = self.room
        head = self.header_height
        if y < head:
            return self._strip(self.header(width), width, cursor=False)
        index = y - head + round(self.scroll_y)
        if not 0 <= index < self.count():
            return Strip.blank(width, self.rich_style)
        return self._strip(fit(self.line_at(index, width), width), width, cursor=index == self.cursor)

    def _strip(self, spans: Line, width: int, *, cursor: bool) -> Strip:
        base = self.rich_style
        segments: list[Segment] = []
        for span in spans:
            style = self.get_component_rich_style(f"lines--{span.role.value}")
            segments.append(Segment(span.text, style))
        strip = Strip(segments).adjust_cell_length(width, base)
        if not cursor:
            return strip
        mark = self.get_component_rich_style("lines--cursor")
        shade = mark if self.has_focus else Style(bold=True, underline=True)
        return Strip([Segment(s.text, (cast("Style", s.style) or base) + shade) for s in strip], width)


def index_of(keys: Sequence[Hashable | None], wanted: Hashable | None) -> int | None:
    """Where a key is, or None."""
    if wanted is None:
        return None
    return next((index for index, key in enumerate(keys) if key == wanted), None)
