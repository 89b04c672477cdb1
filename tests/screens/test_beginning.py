"""How a session begins: with what was left open, and with who else acts."""

from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from screens.choice import Choice
from screens.judging import Tuning
from screens.recovery import Recovery
from screens.typed import Typed
from tests.screens.fakes import FakeLink, Ticks, frozen
from tests.screens.journals import Days, begun, deleted, directory, in_doubt
from tests.screens.piloting import (
    LARGE,
    SMALL,
    painted,
    pane_text,
    press,
    running,
    static_text,
    table_text,
    typing,
    write,
)
from tests.screens.sessions import BARRED, LAPSED, TAKEN, FakeHold, session_link
from tests.screens.world import trouble
from tui.faults import Unreachable
from tui.ownership.model import Wish
from tui.recovery.lease import Standing, State

__all__ = ["directory"]


@pytest.fixture
def killed(directory: Path) -> dict[str, Any]:
    with begun(directory, Days(), user="bob [/x]") as opened:
        deleted(opened)
        in_doubt(opened)
    return {"journals": lambda: directory}


async def begin(pilot: Pilot[None]) -> None:
    await press(pilot, "5", "right", "b")
    await write(pilot, "practice")
    await press(pilot, "enter")


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_a_session_that_was_not_ended_is_offered_at_the_start(
    size: tuple[int, int], killed: dict[str, Any]
) -> None:
    link, _ = session_link(trouble())
    async with running(link, size=size, **killed) as (app, pilot):
        offer = "takes up the session of 2026-11-23 05:30: 1 in doubt, 1 done"
        assert offer in static_text(app, "#verdict")
        assert "b Go on with the session" in painted(app)
        await press(pilot, "b")
        assert isinstance(app.screen, Choice)
        shown = painted(app)
        for text in (
            "bob [/x]",
            "? in doubt  adopt ConfigMap flux-system/settings",
            "✓ done  delete ClusterRole flux-view",
            "take it up: look at what came of each",
            "begin anew: it stays in the journal",
        ):
            assert text in shown
        await press(pilot, "escape")
        assert isinstance(app.screen, Recovery)
        assert offer in static_text(app, "#above")


async def test_taking_it_up_is_the_default_and_takes_the_context_s_name_all_the_same(
    killed: dict[str, Any], directory: Path
) -> None:
    link, session = session_link(trouble())
    session.wish = Wish(expected="gitops-flux-1a2b3c4d")
    async with running(link, **killed) as (app, pilot):
        await press(pilot, "b", "enter")
        assert isinstance(app.screen, Typed)
        assert session.resumed is None
        await write(pilot, "practice")
        await press(pilot, "enter")
        assert session.resumed is not None
        assert session.resumed.parent == directory
        assert session.taken_up == 1
        assert app.desk.view.in_session
        assert app.desk.view.wish == session.wish, "what was stated then still holds"


async def test_beginning_anew_leaves_the_old_one_as_it_is(killed: dict[str, Any]) -> None:
    link, session = session_link(trouble())
    async with running(link, **killed) as (app, pilot):
        await press(pilot, "b", "j", "enter")
        await write(pilot, "practice")
        await press(pilot, "enter")
        assert app.desk.view.in_session
        assert session.resumed is None
        assert session.taken_up == 0
        await press(pilot, "6")
        assert "! unfinished" in table_text(app, "#table")[0]


async def test_what_cannot_be_taken_up_stays_open(killed: dict[str, Any]) -> None:
    link, session = session_link(trouble())
    session.fault = Unreachable("connection refused [/x]")
    async with running(link, **killed) as (app, pilot):
        await press(pilot, "b", "enter")
        await write(pilot, "practice")
        await press(pilot, "enter")
        assert app.desk.session is None
        assert session.left
        assert not session.closed
        assert "✗ connection refused [/x]" in painted(app)


async def test_an_answer_given_too_early_is_none(killed: dict[str, Any]) -> None:
    ticks = Ticks(0.1)
    link, _ = session_link(trouble())
    async with running(link, tuning=Tuning(clock=frozen, ticks=ticks, settle=0.0), **killed) as (app, pilot):
        await press(pilot, "b", "enter")
        assert isinstance(app.screen, Choice)
        ticks.step = 1.0
        await press(pilot, "enter")
        assert isinstance(app.screen, Typed)


async def test_nothing_is_offered_where_nothing_may_be_begun_or_nothing_was_left(killed: dict[str, Any]) -> None:
    link, _ = session_link(trouble())
    async with running(link, read_only=True, **killed) as (app, pilot):
        assert "b Go on" not in painted(app)
        await press(pilot, "b")
        assert app.current_mode == "overview"
    async with running(FakeLink(trouble())) as (app, pilot):
        assert "takes up the session" not in painted(app)
        await press(pilot, "b")
        assert app.current_mode == "overview"


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_another_operator_is_shown_and_one_looks_on(size: tuple[int, int]) -> None:
    link, session = session_link(trouble())
    session.hold = FakeHold(TAKEN)
    async with running(link, size=size) as (app, pilot):
        await begin(pilot)
        assert isinstance(app.screen, Choice)
        shown = painted(app)
        for text in ("alice@ops [/x]", "2026-11-23T05:00:00Z", "as alice", "look on, and change nothing"):
            assert text in shown
        await press(pilot, "enter")
        assert app.desk.view.in_session
        assert "! looking on: alice@ops [/x] holds the recovery" in static_text(app, "#above")
        assert "a Ask to act" in painted(app)


async def test_asking_again_finds_a_claim_that_has_become_free() -> None:
    link, session = session_link(trouble())
    session.hold = hold = FakeHold(TAKEN)
    async with running(link) as (app, pilot):
        await begin(pilot)
        await press(pilot, "escape")
        hold.becomes = Standing(State.HELD, "this session holds the recovery in flux-system")
        await press(pilot, "a")
        assert isinstance(app.screen, Recovery)
        assert hold.asked == 1
        assert "looking on" not in painted(app)
        assert "Ask to act" not in painted(app)


async def test_a_lapsed_claim_is_taken_over_by_typing_its_holder_s_name() -> None:
    link, session = session_link(trouble())
    session.hold = hold = FakeHold(LAPSED)
    async with running(link) as (app, pilot):
        await begin(pilot)
        assert isinstance(app.screen, Typed)
        assert typing(app)
        await write(pilot, "alice")
        await press(pilot, "enter")
        assert hold.typed == ""
        await write(pilot, "@ops [/x]")
        await press(pilot, "enter")
        assert hold.typed == "alice@ops [/x]"
        assert hold.standing.may_act
        assert "looking on" not in painted(app)


async def test_a_holder_that_came_back_keeps_its_claim() -> None:
    link, session = session_link(trouble())
    session.hold = hold = FakeHold(LAPSED)
    hold.stays = "alice@ops [/x] has renewed it meanwhile"
    async with running(link) as (app, pilot):
        await begin(pilot)
        await write(pilot, "alice@ops [/x]")
        await press(pilot, "enter")
        assert "✗ alice@ops [/x] has renewed it meanwhile" in painted(app)
        assert not hold.standing.may_act


async def test_no_right_to_claim_is_a_warning_that_is_accepted_knowingly() -> None:
    link, session = session_link(trouble())
    session.hold = hold = FakeHold(BARRED)
    async with running(link) as (app, pilot):
        await begin(pilot)
        assert isinstance(app.screen, Choice)
        assert "leases in flux-system: forbidden [/x]" in painted(app)
        await press(pilot, "enter")
        assert not hold.standing.may_act, "looking on is the default"
        await press(pilot, "a", "j", "enter")
        assert hold.standing.may_act
        assert "acts without the claim" in painted(app)


async def test_what_is_in_doubt_is_looked_at_again_once_the_claim_stands() -> None:
    link, session = session_link(trouble())
    session.hold = FakeHold(LAPSED)
    async with running(link) as (_, pilot):
        await begin(pilot)
        await press(pilot, "escape", "enter")
        assert session.taken_up == 0
    link, session = session_link(trouble())
    session.hold = FakeHold(LAPSED)
    session.leave_one_in_doubt()
    async with running(link) as (app, pilot):
        await begin(pilot)
        await write(pilot, "alice@ops [/x]")
        await press(pilot, "enter")
        assert session.taken_up == 1
        await press(pilot, "right", "right", "right")
        assert "? in doubt" in pane_text(app, "#report").splitlines()[0]
