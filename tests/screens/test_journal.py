from pathlib import Path
from typing import Any

import pytest

from screens.journal import Journal as JournalScreen
from screens.journal_rows import counts, parted, report, session_rows
from screens.shelf import Shelf, read_shelf
from tests.screens.fakes import FakeLink, make_app
from tests.screens.journals import ADOPT, DELETE, SECRET, Days, begun, deleted, directory, in_doubt, three
from tests.screens.piloting import (
    LARGE,
    SMALL,
    painted,
    pane_text,
    press,
    running,
    settle,
    static_text,
    table_text,
    typing,
    write,
)
from tests.screens.world import HOSTILE, body
from tui.faults import Unreachable
from tui.recovery.progress import progress_of
from tui.widgets.spans import plain_text

__all__ = ["directory"]


@pytest.fixture
def journals(directory: Path) -> dict[str, Any]:
    three(directory, Days())
    return {"journals": lambda: directory}


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_the_sessions_are_listed_newest_first_with_how_they_stand(
    size: tuple[int, int], journals: dict[str, Any]
) -> None:
    async with running(size=size, **journals) as (app, pilot):
        await press(pilot, "6")
        rows = table_text(app, "#table")
        assert [row.split(" | ")[1] for row in rows] == ["✗ damaged", "! unfinished", "· closed"]
        assert rows[1].split(" | ")[2:] == ["practice", "bob", "1 in doubt, 1 done"]
        assert "✗ 1 journal damaged" in static_text(app, "#above")
        assert "the chain is broken: line 4 is no entry or was changed" in pane_text(app)


async def test_a_session_s_page_tells_what_became_of_each_action_and_where_the_copy_is(
    journals: dict[str, Any],
) -> None:
    async with running(**journals) as (app, pilot):
        await press(pilot, "6", "j")
        page = pane_text(app)
        assert "✓ the chain of 10 entries is whole" in page
        assert "? in doubt  adopt ConfigMap flux-system/settings" in page
        assert "✓ done  delete ClusterRole flux-view" in page
        assert "ClusterRole-flux-view" in page.split("copy")[1]


async def test_enter_goes_into_a_session_and_esc_comes_back_to_it(journals: dict[str, Any]) -> None:
    async with running(size=LARGE, **journals) as (app, pilot):
        await press(pilot, "6", "j", "enter")
        rows = [row.split(" | ", 1)[1] for row in table_text(app, "#table")]
        assert rows[0] == "session begun | practice | as bob"
        assert "→ request sent | ClusterRole flux-view | delete: delete, request 1" in rows
        assert "← accepted | ClusterRole flux-view | HTTP 200" in rows
        assert rows[-1] == "→ request sent | ConfigMap flux-system/settings | adopt: merge-patch, request 1 as helm"
        await press(pilot, "G")
        assert "entry 10  sending" in pane_text(app)
        await press(pilot, "escape")
        assert len(table_text(app, "#table")) == 3
        assert "bob" in pane_text(app)


async def test_the_filter_narrows_sessions_and_entries(journals: dict[str, Any]) -> None:
    async with running(**journals) as (app, pilot):
        await press(pilot, "6", "slash")
        assert typing(app)
        await write(pilot, "bob")
        assert len(table_text(app, "#table")) == 1
        await press(pilot, "enter", "enter", "slash")
        await write(pilot, "settings")
        assert len(table_text(app, "#table")) == 2
        await press(pilot, "escape", "escape")
        assert len(table_text(app, "#table")) == 3


async def test_a_saved_secret_is_shown_masked(directory: Path) -> None:
    with begun(directory, Days()) as opened:
        deleted(opened, SECRET)
    async with running(journals=lambda: directory) as (app, pilot):
        await press(pilot, "6", "enter", *"jjjj")
        assert "copy saved" in table_text(app, "#table")[4]
        await press(pilot, "y")
        page = pane_text(app)
        assert "github-token" in page
        assert "*** (20 characters)" in page
        assert "aHVudGVy" not in page
        await press(pilot, "escape")
        assert "entry 5  saved" in pane_text(app)


async def test_a_copy_that_was_changed_is_not_shown_as_the_saved_object(directory: Path) -> None:
    with begun(directory, Days()) as opened:
        deleted(opened)
    [copy] = [each for each in opened.folder.iterdir() if each.name != "mark"]
    copy.write_text(copy.read_text(encoding="ascii") + "evil: true\n", encoding="ascii")
    async with running(journals=lambda: directory) as (app, pilot):
        await press(pilot, "6", "enter", *"jjjj", "y")
        assert "was cut short or changed since it was saved" in pane_text(app)
        assert "evil" not in pane_text(app)


async def test_the_journal_needs_no_cluster(journals: dict[str, Any]) -> None:
    async def opener() -> Any:
        raise Unreachable("cannot reach https://10.0.0.1:6443")

    app = make_app(opener=opener, **journals)
    async with app.run_test(size=SMALL) as pilot:
        await settle(pilot)
        await press(pilot, "6")
        assert len(table_text(app, "#table")) == 3
        assert "0 s old" in painted(app)


async def test_the_report_of_a_session_is_saved_and_copied(journals: dict[str, Any], tmp_path: Path) -> None:
    async with running(**journals) as (app, pilot):
        await press(pilot, "6", "j", "w", "c")
        copied, name = app.clipboard, app.desk.view.shelf.sessions[1].name
    saved = tmp_path / f"refloat-journal-{name}.md"
    text = saved.read_text(encoding="utf-8")
    assert saved.stat().st_mode & 0o777 == 0o600
    assert "## In doubt (1)" in text
    assert "- delete ClusterRole flux-view (copy in " in text
    assert copied == text


async def test_a_directory_without_sessions_and_one_that_cannot_be_read_say_so(tmp_path: Path) -> None:
    async with running(journals=lambda: tmp_path / "none") as (app, pilot):
        await press(pilot, "6")
        assert "no session was recorded yet" in table_text(app, "#table")[0]
    (tmp_path / "file").write_text("x")
    async with running(journals=lambda: tmp_path / "file") as (app, pilot):
        await press(pilot, "6")
        assert table_text(app, "#table")[0].startswith("✗ ")


async def test_what_a_journal_says_is_neither_markup_nor_raw(directory: Path) -> None:
    with begun(directory, Days(), user=HOSTILE[1], server=HOSTILE[3]) as opened:
        opened.append("refused", entry=f"delete /ConfigMap apps/{HOSTILE[0]}", why=HOSTILE[2] + HOSTILE[4])
        opened.append("answered", entry=DELETE, step=1, code=500, reason=HOSTILE[0], message=HOSTILE[1])
        opened.append("a-kind-of-tomorrow", note=HOSTILE[3])
    async with running(FakeLink([body("ConfigMap", "x", "apps")]), journals=lambda: directory) as (app, pilot):
        await press(pilot, "6", "enter")
        for _ in range(5):
            shown = painted(app)
            assert not any(ord(character) < 0x20 and character != "\n" for character in shown)
            assert "\u202e" not in shown
            await press(pilot, "j")
        assert any("a-kind-of-tomorrow" in row for row in table_text(app, "#table"))
        assert isinstance(app.screen, JournalScreen)


def test_the_shelf_offers_only_what_this_cluster_s_sessions_left_open(directory: Path) -> None:
    days = Days()
    three(directory, days)
    with begun(directory, days, cluster="another") as other:
        in_doubt(other)
    running_now = begun(directory, days)
    shelf = read_shelf(directory, days)
    assert [left.session.name[-8:] for left in shelf.left_open("uid-kube-system")] == ["00000002"]
    assert shelf.left_open(None) == ()
    running_now.close()


def test_an_id_is_parted_into_action_and_object() -> None:
    assert parted(DELETE) == ("delete", "ClusterRole flux-view")
    assert parted(ADOPT) == ("adopt", "ConfigMap flux-system/settings")
    assert parted("delete ClusterRole flux-view") == ("delete", "ClusterRole flux-view")
    assert parted("delete Deployment a/b") == ("delete", "Deployment a/b")


def test_counts_name_what_needs_attention_first(directory: Path) -> None:
    with begun(directory, Days()) as opened:
        deleted(opened)
        in_doubt(opened)
    assert counts(progress_of(opened.entries).values()) == "1 in doubt, 1 done"
    assert counts(()) == "nothing was done"
    [session] = read_shelf(directory, Days()).sessions
    assert report(session).startswith(f"# Session {session.name}: unfinished\n")


def test_a_shelf_that_was_not_read_yet_says_that_it_is_awaited() -> None:
    [row] = session_rows(Shelf(Path("nowhere")))
    assert plain_text(row.cells[0]) == "reading the journals..."
