import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tui.widgets.spans import (
    Row,
    Span,
    bad,
    cells,
    counted,
    fit,
    heading,
    laid_out,
    line,
    pad,
    plain_text,
    plural,
    widths,
)

ANY_TEXT = st.text(max_size=40)


@given(st.lists(ANY_TEXT, max_size=5))
def test_a_line_holds_nothing_that_could_move_a_terminal(texts: list[str]) -> None:
    said = plain_text(line(*texts))
    assert not any(ord(character) < 0x20 or 0x7F <= ord(character) < 0xA0 for character in said)
    assert "\u202e" not in said


@given(st.lists(ANY_TEXT, max_size=5), st.integers(0, 60))
def test_a_line_never_takes_more_room_than_there_is(texts: list[str], width: int) -> None:
    assert cells(fit(line(*texts), width)) <= width


@given(st.lists(ANY_TEXT, max_size=5), st.integers(1, 60))
def test_a_padded_line_takes_exactly_the_room_there_is(texts: list[str], width: int) -> None:
    assert cells(pad(line(*texts), width)) == width


def test_what_is_cut_ends_in_an_ellipsis() -> None:
    assert plain_text(fit(line("one", bad("two")), 5)) == "onet…"


@given(st.lists(st.lists(ANY_TEXT, min_size=2, max_size=5), min_size=1, max_size=6), st.integers(30, 120))
def test_rows_of_a_table_fit_its_width(table: list[list[str]], total: int) -> None:
    size = min(len(row) for row in table)
    rows = [Row(index, tuple(line(cell) for cell in row[:size])) for index, row in enumerate(table)]
    columns = widths(rows, total)
    assert all(cells(laid_out(row, columns, total)) <= total for row in rows)


def test_columns_get_what_they_need_while_there_is_room() -> None:
    rows = [Row(1, (line("kind"), line("name"), line("why")))]
    assert widths(rows, 30) == (4, 4, 18)


def test_the_widest_gives_way_first() -> None:
    rows = [Row(1, (line("a" * 10), line("b" * 40), line("c" * 10)))]
    assert widths(rows, 44) == (10, 20, 10)


def test_firm_columns_give_way_last() -> None:
    rows = [Row(1, (line("a" * 20), line("b" * 20)))]
    assert widths(rows, 32, firm=1) == (20, 10)
    assert widths(rows, 12, firm=1) == (5, 5)


def test_a_note_has_no_say_in_the_columns() -> None:
    rows = [Row.note("x" * 200), Row(1, (line("a"), line("b")))]
    assert widths(rows, 20)[0] == 1
    assert plain_text(laid_out(rows[0], (1, 17), 20)) == "x" * 19 + "…"


def test_titles_stand_over_their_columns() -> None:
    rows = [Row(1, (line("deployment"), line("name")))]
    columns = widths(rows, 30, ("kind", "n"))
    assert plain_text(heading(("kind", "n"), columns, 30)).startswith("kind        n")


def test_wide_characters_count_as_two_cells() -> None:
    assert cells((Span("漢字"),)) == cell_len("漢字") == 4
    assert cells(fit((Span("漢字漢字"),), 5)) <= 5


@pytest.mark.parametrize(("number", "text"), [(0, "0"), (999, "999"), (1032, "1 032"), (1234567, "1 234 567")])
def test_numbers_are_grouped(number: int, text: str) -> None:
    assert counted(number) == text


@pytest.mark.parametrize(("number", "text"), [(1, "1 entry"), (2, "2 entries")])
def test_one_and_many(number: int, text: str) -> None:
    assert plural(number, "entry", "entries") == text
