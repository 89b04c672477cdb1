"""How the screens look. A changed picture is looked at before it is taken over with ``--snapshot-update``."""

from pathlib import Path
from typing import Any, Protocol

import pytest
from textual.app import App
from textual.pilot import Pilot

from tests.screens.fakes import FakeLink, make_app
from tests.screens.journals import Days, begun, deleted, directory, in_doubt, three
from tests.screens.piloting import LARGE, SMALL, press, settle, write
from tests.screens.sessions import BARRED, LAPSED, TAKEN, FakeHold, session_link
from tests.screens.world import trouble
from tui.recovery.lease import Standing

__all__ = ["directory"]


class Compare(Protocol):
    """What the snapshot fixture offers."""

    def __call__(self, app: App[None], *, terminal_size: tuple[int, int], run_before: Any) -> bool: ...


@pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "200x50"])
@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("overview", ()),
        ("ownership", ("2", "s")),
        ("controllers", ("3", "j", "j")),
        ("releases", ("4", "j")),
        ("recovery", ("5", "right")),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_screen(snap_compare: Compare, name: str, keys: tuple[str, ...], size: tuple[int, int]) -> None:
    async def before(pilot: Pilot[None]) -> None:
        await settle(pilot)
        await press(pilot, *keys)

    assert snap_compare(make_app(FakeLink(trouble())), terminal_size=size, run_before=before)


@pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "200x50"])
@pytest.mark.parametrize("inside", [False, True], ids=["sessions", "entries"])
def test_the_journal(snap_compare: Compare, directory: Path, size: tuple[int, int], *, inside: bool) -> None:
    three(directory, Days())

    async def before(pilot: Pilot[None]) -> None:
        await settle(pilot)
        await press(pilot, "6", "j", *(["enter", *"jjjjj"] if inside else []))

    assert snap_compare(make_app(journals=lambda: directory), terminal_size=size, run_before=before)


def test_the_question(snap_compare: Compare) -> None:
    link, _ = session_link(trouble())

    async def before(pilot: Pilot[None]) -> None:
        await settle(pilot)
        await press(pilot, "5", "right", "b")
        await write(pilot, "practice")
        await press(pilot, "enter", "enter")

    assert snap_compare(make_app(link), terminal_size=SMALL, run_before=before)


@pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "200x50"])
def test_a_plan_in_a_session(snap_compare: Compare, size: tuple[int, int]) -> None:
    link, session = session_link(trouble())
    session.refused = {"ClusterRole flux-view": "the server would refuse it: exceeded quota"}

    async def before(pilot: Pilot[None]) -> None:
        await settle(pilot)
        await begin_session(pilot)

    assert snap_compare(make_app(link), terminal_size=size, run_before=before)


@pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "200x50"])
def test_what_can_be_mended(snap_compare: Compare, size: tuple[int, int]) -> None:
    async def before(pilot: Pilot[None]) -> None:
        await settle(pilot)
        await press(pilot, "5", "G")

    assert snap_compare(make_app(FakeLink(trouble())), terminal_size=size, run_before=before)


def test_an_unfinished_session(snap_compare: Compare, directory: Path) -> None:
    with begun(directory, Days()) as opened:
        deleted(opened)
        in_doubt(opened)
    link, _ = session_link(trouble())

    async def before(pilot: Pilot[None]) -> None:
        await settle(pilot)
        await press(pilot, "b")

    assert snap_compare(make_app(link, journals=lambda: directory), terminal_size=SMALL, run_before=before)


@pytest.mark.parametrize("standing", [TAKEN, LAPSED, BARRED], ids=lambda standing: str(standing.state.value))
def test_another_operator(snap_compare: Compare, standing: Standing) -> None:
    link, session = session_link(trouble())
    session.hold = FakeHold(standing)

    async def before(pilot: Pilot[None]) -> None:
        await settle(pilot)
        await begin_session(pilot)

    assert snap_compare(make_app(link), terminal_size=SMALL, run_before=before)


async def begin_session(pilot: Pilot[None]) -> None:
    await press(pilot, "5", "right", "b")
    await write(pilot, "practice")
    await press(pilot, "enter")


def test_the_journal_without_colour(snap_compare: Compare, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    three(directory, Days())

    async def before(pilot: Pilot[None]) -> None:
        await settle(pilot)
        await press(pilot, "6")

    assert snap_compare(make_app(journals=lambda: directory), terminal_size=SMALL, run_before=before)


def test_without_colour(snap_compare: Compare, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")

    async def before(pilot: Pilot[None]) -> None:
        await settle(pilot)

    assert snap_compare(make_app(FakeLink(trouble())), terminal_size=SMALL, run_before=before)
