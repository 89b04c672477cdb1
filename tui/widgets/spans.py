"""Text with meaning, before it is drawn: lines of spans, each with a role. Pure: no Textual here.

A role never carries meaning alone: whatever is good, bad or muted says so in words or symbols too, because a
terminal may have no colour at all.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NamedTuple

from rich.cells import cell_len, set_cell_size

from tui.text import clean


class Role(StrEnum):
    """What a span is, for the palette to colour."""

    PLAIN = "plain"
    STRONG = "strong"
    MUTED = "muted"
    GOOD = "good"
    WARN = "warn"
    BAD = "bad"
    ACCENT = "accent"


class Span(NamedTuple):
    """One piece of a line."""

    text: str
    role: Role = Role.PLAIN


Line = tuple[Span, ...]
"""One line of a screen."""

GAP: Final = 2
"""Cells between two columns."""


def line(*parts: str | Span) -> Line:
    """A line of these parts, each cleaned, so that nothing a caller forgot about reaches a terminal raw."""
    spans = (part if isinstance(part, Span) else Span(part) for part in parts)
    return tuple(Span(clean(span.text), span.role) for span in spans if span.text)


def good(text: str) -> Span:
    """A span that says all is well."""
    return Span(text, Role.GOOD)


def warn(text: str) -> Span:
    """A span that asks for attention."""
    return Span(text, Role.WARN)


def bad(text: str) -> Span:
    """A span that says something is wrong."""
    return Span(text, Role.BAD)


def muted(text: str) -> Span:
    """A span of the second rank."""
    return Span(text, Role.MUTED)


def strong(text: str) -> Span:
    """A heading or the name of the thing a line is about."""
    return Span(text, Role.STRONG)


def accent(text: str) -> Span:
    """A key to press, or a name to follow."""
    return Span(text, Role.ACCENT)


def plain_text(spans: Line) -> str:
    """The characters of a line."""
    return "".join(span.text for span in spans)


def cells(spans: Line) -> int:
    """How many terminal cells a line takes."""
    return sum(cell_len(span.text) for span in spans)


def fit(spans: Line, width: int) -> Line:
    """The line cut to ``width`` cells, with ``…`` as the last one where anything was cut."""
    if cells(spans) <= width:
        return spans
    kept: list[Span] = []
    room = max(0, width - 1)
    for span in spans:
        size = cell_len(span.text)
        if size > room:
            kept.append(Span(set_cell_size(span.text, room).rstrip() + "…", span.role))
            break
        kept.append(span)
        room -= size
    return tuple(kept) if width > 0 else ()


def pad(spans: Line, width: int) -> Line:
    """The line cut or filled with blanks to exactly ``width`` cells."""
    fitted = fit(spans, width)
    missing = width - cells(fitted)
    return (*fitted, Span(" " * missing)) if missing > 0 else fitted


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table. ``key`` keeps the cursor where it is when the rows change; None means it is no place
    for the cursor. A row with one cell may use the whole width."""

    key: object
    cells: tuple[Line, ...] = field(repr=False)

    @classmethod
    def note(cls, *parts: str | Span) -> "Row":
        """A line between the rows: a heading or a remark."""
        return cls(None, (line(*parts),))


NARROWEST: Final = 6
"""Cells that a column keeps while another can still give way."""


def widths(rows: Iterable[Row], total: int, headings: Sequence[str] = (), firm: int = 0) -> tuple[int, ...]:
    """The cells each column gets of ``total``: what it needs while there is room, else the widest give way.

    The first ``firm`` columns give way last. Rows of one cell are notes and have no say. The last column takes what
    is left.
    """
    needed = [cell_len(heading) for heading in headings]
    for row in rows:
        if len(row.cells) == 1:
            continue
        for index, cell in enumerate(row.cells):
            size = cells(cell)
            if index == len(needed):
                needed.append(size)
            elif size > needed[index]:
                needed[index] = size
    room = total - GAP * max(0, len(needed) - 1)
    _give_way(needed, range(firm, len(needed)), room, NARROWEST)
    _give_way(needed, range(len(needed)), room, 1)
    if needed:
        needed[-1] = max(needed[-1], room - sum(needed[:-1]))
    return tuple(needed)


def _give_way(needed: list[int], columns: Sequence[int], room: int, least: int) -> None:
    """Takes from the widest of these columns, down to the next widest, until all fit or none can give more."""
    while (over := sum(needed) - room) > 0:
        wide = sorted((needed[index] for index in columns), reverse=True)
        if not wide or wide[0] <= least:
            return
        widest = next(index for index in columns if needed[index] == wide[0])
        floor = max(least, wide[1] if len(wide) > 1 else least)
        needed[widest] -= min(over, max(1, wide[0] - floor))


def laid_out(row: Row, columns: Sequence[int], total: int) -> Line:
    """The row as one line of ``total`` cells at most."""
    if len(row.cells) == 1:
        return fit(row.cells[0], total)
    spans: list[Span] = []
    for index, cell in enumerate(row.cells):
        last = index == len(row.cells) - 1
        spans.extend(fit(cell, columns[index]) if last else pad(cell, columns[index]))
        if not last:
            spans.append(Span(" " * GAP))
    return fit(tuple(spans), total)


def heading(titles: Sequence[str], columns: Sequence[int], total: int) -> Line:
    """The line of column titles over a table."""
    row = Row(None, tuple((Span(title, Role.MUTED),) for title in titles))
    return laid_out(row, columns, total) if len(titles) > 1 else fit(row.cells[0], total)


def counted(number: int) -> str:
    """A number with thin groups, as people read it: ``1 032``."""
    return f"{number:,}".replace(",", " ")


def plural(number: int, one: str, many: str = "") -> str:
    """``1 object``, ``3 objects``."""
    return f"{counted(number)} {one if number == 1 else many or one + 's'}"
