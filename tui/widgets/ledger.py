"""A table of rows with aligned columns, notes between them, and a cursor that stays on its key."""

from collections.abc import Hashable, Sequence
from typing import Final

from tui.widgets.lines import Lines, index_of
from tui.widgets.spans import Line, Row, heading, laid_out, widths

MEASURED: Final = 500
"""Rows that decide how wide the columns are; what is wider further down is cut."""


class Ledger(Lines):
    """Shows :class:`Row` values under ``headings``. The first ``firm`` columns are the last to be cut."""

    def __init__(
        self,
        *,
        headings: Sequence[str] = (),
        firm: int = 0,
        id: str | None = None,  # noqa: A002 - Textual's own name for it
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._rows: Sequence[Row] = ()
        self._headings = tuple(headings)
        self._firm = firm
        self._columns: tuple[int, ...] = ()
        self._laid_for = -1

    def show(self, rows: Sequence[Row], headings: Sequence[str] | None = None) -> None:
        """Replaces the rows; the cursor stays on its key where that still exists."""
        if headings is not None:
            self._headings = tuple(headings)
        if tuple(rows) == self._rows:
            return
        before = self.key
        self._rows = tuple(rows)
        self._laid_for = -1
        self.relined(index_of([row.key for row in self._rows], before), before)

    def go_to(self, key: Hashable) -> bool:
        """Puts the cursor on this key; False where no row has it."""
        index = index_of([row.key for row in self._rows], key)
        self.move_to(key, index)
        return index is not None

    @property
    def rows(self) -> Sequence[Row]:
        """What is shown."""
        return self._rows

    def count(self) -> int:
        """How many rows there are."""
        return len(self._rows)

    def key_at(self, index: int) -> Hashable | None:
        """The row's key."""
        return self._rows[index].key

    @property
    def header_height(self) -> int:
        """1 where there are column titles."""
        return 1 if self._headings else 0

    def header(self, width: int) -> Line:
        """The column titles."""
        return heading(self._headings, self._widths(width), width)

    def line_at(self, index: int, width: int) -> Line:
        """The row, its cells aligned with those of the others."""
        return laid_out(self._rows[index], self._widths(width), width)

    def _widths(self, width: int) -> tuple[int, ...]:
        if self._laid_for != width:
            self._columns = widths(self._rows[:MEASURED], width, self._headings, self._firm)
            self._laid_for = width
        return self._columns
