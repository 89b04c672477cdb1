from collections.abc import Hashable

import pytest
from textual.app import App, ComposeResult

from tests.screens.piloting import press, settle
from tui.widgets.ledger import Ledger
from tui.widgets.lines import Lines
from tui.widgets.outline import LARGE, Node, Outline, lay_out
from tui.widgets.spans import Line, Row, line, plain_text


class Host(App[None]):
    """One list, and what it said."""

    def __init__(self, lines: Lines) -> None:
        super().__init__()
        self.lines = lines
        self.moved: list[Hashable | None] = []
        self.chosen: list[Hashable] = []

    def compose(self) -> ComposeResult:
        yield self.lines

    def on_lines_moved(self, message: Lines.Moved) -> None:
        self.moved.append(message.key)

    def on_lines_chosen(self, message: Lines.Chosen) -> None:
        self.chosen.append(message.key)


def rows(*keys: str | None) -> list[Row]:
    return [Row.note("note") if key is None else Row(key, (line(key), line("x"))) for key in keys]


def numbered(count: int) -> list[Row]:
    return rows(*(f"k{index:04}" for index in range(count)))


async def test_the_cursor_rests_on_rows_and_never_on_notes() -> None:
    ledger = Ledger()
    app = Host(ledger)
    async with app.run_test(size=(40, 10)) as pilot:
        ledger.focus()
        ledger.show(rows(None, "a", None, None, "b", None))
        seen = [ledger.key]
        for key in ("j", "down", "k"):
            await press(pilot, key)
            seen.append(ledger.key)
        assert seen == ["a", "b", "b", "a"]
        await press(pilot, "G", "enter")
        await settle(pilot)
        assert app.chosen == ["b"]


@pytest.mark.parametrize(
    ("keys", "key"),
    [(["G"], "k0099"), (["G", "g"], "k0000"), (["pagedown"], "k0009"), (["end", "pageup"], "k0090"), ([], "k0000")],
)
async def test_keys_move_the_cursor_and_it_stays_in_sight(keys: list[str], key: str) -> None:
    ledger = Ledger()
    async with Host(ledger).run_test(size=(40, 10)) as pilot:
        ledger.focus()
        ledger.show(numbered(100))
        await settle(pilot)
        await press(pilot, *keys)
        await settle(pilot)
        assert ledger.key == key
        top = round(ledger.scroll_y)
        assert top <= ledger.cursor < top + ledger.size.height


async def test_rows_that_come_and_go_do_not_move_the_cursor_on_the_screen() -> None:
    ledger = Ledger()
    async with Host(ledger).run_test(size=(40, 10)) as pilot:
        ledger.focus()
        ledger.show(numbered(100))
        await settle(pilot)
        for _ in range(40):
            await press(pilot, "j")
        await settle(pilot)
        place = ledger.cursor - round(ledger.scroll_y)
        ledger.show([*rows("new-1", "new-2", "new-3"), *numbered(100)])
        await settle(pilot)
        assert ledger.key == "k0040"
        assert ledger.cursor - round(ledger.scroll_y) == place


async def test_when_its_row_goes_the_cursor_takes_the_next() -> None:
    ledger = Ledger()
    app = Host(ledger)
    async with app.run_test(size=(40, 10)) as pilot:
        ledger.show(rows("a", "b", "c"))
        ledger.go_to("b")
        await settle(pilot)
        ledger.show(rows("a", "c"))
        await settle(pilot)
        assert ledger.key == "c"
        assert app.moved[-1] == "c"
        ledger.show([])
        await settle(pilot)
        assert ledger.key is None


async def test_a_click_chooses_a_row_and_a_second_one_opens_it() -> None:
    ledger = Ledger(headings=("one", "two"))
    app = Host(ledger)
    async with app.run_test(size=(40, 10)) as pilot:
        ledger.show(rows("a", "b"))
        await settle(pilot)
        await pilot.click(Ledger, offset=(2, 2))
        await settle(pilot)
        assert ledger.key == "b"
        await pilot.click(Ledger, offset=(2, 2))
        await pilot.click(Ledger, offset=(2, 0))
        await settle(pilot)
        assert app.chosen == ["b"]


async def test_a_list_of_twenty_thousand_draws_only_what_is_seen() -> None:
    drawn: list[int] = []

    class Counted(Ledger):
        def line_at(self, index: int, width: int) -> Line:
            drawn.append(index)
            return super().line_at(index, width)

    ledger = Counted()
    async with Host(ledger).run_test(size=(40, 10)) as pilot:
        ledger.show(numbered(20_000))
        await settle(pilot)
        ledger.action_edge(1)
        await settle(pilot)
        assert ledger.key == "k19999"
        assert len(set(drawn)) < 60


class Twig:
    """A tree of plain values."""

    def __init__(self, name: str, *below: "Twig") -> None:
        self.name = name
        self.below = below

    @property
    def leaf(self) -> bool:
        return not self.below

    @property
    def count(self) -> int:
        return sum(one.count for one in self.below) or 1

    @property
    def children(self) -> "tuple[Twig, ...]":
        return self.below


def title(node: Node, width: int) -> Line:
    return line(node.name[:width])


def forest(leaves: int = 2) -> list[Twig]:
    return [
        Twig("layer", Twig("owner", *(Twig(f"leaf-{index}") for index in range(leaves))), Twig("other", Twig("x"))),
        Twig("rest", Twig("y")),
    ]


def paths(outline: Outline) -> list[str]:
    return ["/".join(place.path) for place in outline.places]


async def test_branches_open_and_close_in_place() -> None:
    outline = Outline(title)
    app = Host(outline)
    async with app.run_test(size=(40, 12)) as pilot:
        outline.focus()
        outline.show(lay_out(forest(), ()), ())
        assert paths(outline) == ["layer", "rest"]
        await press(pilot, "right", "right", "space")
        assert paths(outline) == [
            "layer",
            "layer/owner",
            "layer/owner/leaf-0",
            "layer/owner/leaf-1",
            "layer/other",
            "rest",
        ]
        assert plain_text(outline.line_at(1, 40)) == "  ▾ owner"
        assert plain_text(outline.line_at(2, 40)) == "      leaf-0"
        await press(pilot, "j", "enter")
        await settle(pilot)
        assert app.chosen == [("layer", "owner", "leaf-0")]
        await press(pilot, "left")
        assert outline.key == ("layer", "owner")
        await press(pilot, "left", "left", "left")
        assert paths(outline) == ["layer", "rest"]
        await press(pilot, "right")
        assert "layer/owner" in paths(outline)


async def test_what_was_open_below_a_closed_branch_is_open_again() -> None:
    outline = Outline(title)
    async with Host(outline).run_test(size=(40, 12)) as pilot:
        outline.focus()
        outline.show(lay_out(forest(), {("layer",), ("layer", "owner")}), {("layer",), ("layer", "owner")})
        before = paths(outline)
        await press(pilot, "left", "right")
        assert paths(outline) == before


async def test_when_its_object_goes_the_closest_branch_takes_the_cursor() -> None:
    outline = Outline(title)
    opened = {("layer",), ("layer", "owner")}
    async with Host(outline).run_test(size=(40, 12)) as pilot:
        outline.show(lay_out(forest(3), opened), opened)
        assert outline.go_to(("layer", "owner", "leaf-2"))
        await settle(pilot)
        outline.show(lay_out(forest(2), opened), opened)
        await settle(pilot)
        assert outline.key == ("layer", "owner")
        assert not outline.go_to(("layer", "nobody"))


async def test_a_large_branch_is_opened_off_the_key_path() -> None:
    outline = Outline(title)
    async with Host(outline).run_test(size=(40, 12)) as pilot:
        outline.focus()
        outline.show(lay_out(forest(LARGE + 1), {("layer",)}), {("layer",)})
        await press(pilot, "j", "right")
        await settle(pilot)
        assert outline.count() == LARGE + 1 + 4
        assert outline.key == ("layer", "owner")
