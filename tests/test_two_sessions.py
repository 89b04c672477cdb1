"""Two sessions on one cluster, composed as the program does it: who may act, who looks on, and what is left behind."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.recovery.stage import LOST, entry_of, on_stage
from tui.contract.load import load_contract
from tui.faults import UsageFault
from tui.opening import ClusterLink, here, open_kubeconfig
from tui.options import Options
from tui.practice.cluster import PracticeCluster
from tui.recovery.journal import sessions, unfinished
from tui.recovery.lease import DURATION, NAME, Standing, State, holders
from tui.recovery.outcome import Outcome, Status
from tui.recovery.plan import PlanKind
from tui.recovery.session import Session

SHIPPED = Path(__file__).parents[1] / "ownership.yaml"
SPACE = "flux-system"

Opens = Callable[..., Awaitable[ClusterLink]]


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state" / "refloat" / "journal"


@pytest.fixture
async def cluster() -> AsyncIterator[PracticeCluster]:
    async with PracticeCluster.drill("controllers-missing") as found:
        yield found


@pytest.fixture
async def opens(cluster: PracticeCluster, state: Path) -> AsyncIterator[Opens]:
    async with AsyncExitStack() as stack:

        async def open_link(user: str = "admin", **options: Any) -> ClusterLink:
            async def nothing() -> None:
                pass

            rules = load_contract(SHIPPED)
            link = await open_kubeconfig(cluster.kubeconfig(user), rules, Options(**options), None, nothing)
            stack.push_async_callback(link.close)
            return link

        yield open_link


def holder(cluster: PracticeCluster) -> str:
    body = cluster.world.store.get(("coordination.k8s.io", "leases"), SPACE, NAME)
    return str(body["spec"].get("holderIdentity", "")) if body else ""


async def first_of(session: Session) -> Outcome:
    """Plans the replay, looks at its first entry and tries to do it."""
    plan = await session.plan(PlanKind.REPLAY)
    asked = await session.look(plan, plan.entries[0])
    assert asked.allowed, asked.refusal
    return await session.carry_out(plan, asked, plan.entries[0].typed)


def told(directory: Path) -> list[list[str]]:
    """The lease events of every session's journal."""
    return [[str(e.fields["event"]) for e in each.reading.entries if e.kind == "lease"] for each in sessions(directory)]


async def test_the_second_looks_and_plans_and_is_refused_by_the_name_of_the_first(
    cluster: PracticeCluster, opens: Opens, state: Path
) -> None:
    first_link, second_link = await opens(), await opens()
    first, second = await first_link.begin(), await second_link.begin()
    await first.refresh()
    seen = await second.refresh()
    assert first.hold is not None
    assert second.hold is not None
    assert (first.hold.standing.state, second.hold.standing.state) == (State.HELD, State.TAKEN)
    assert [claim.name for claim in holders(second.contract, seen.inventory)] == [here()]

    refused = await first_of(second)
    assert refused.status is Status.REFUSED
    assert here() in refused.text
    assert "look on, not act" in refused.text

    done = await first_of(first)
    assert done.status is Status.DONE, done
    assert first.warnings == ()
    notes = await first_link.events(done.entry.ref)
    assert "RefloatCreated" in {note.reason for note in notes}

    await first.close()
    assert holder(cluster) == ""
    await second.refresh()
    assert (await first_of(second)).status is Status.DONE, "what was given up is there for who waits"
    await second.close()
    assert sorted(told(state)) == [["held", "released"], ["held", "released"]]


async def test_a_killed_session_is_taken_up_without_typing_and_by_nobody_else(
    cluster: PracticeCluster, opens: Opens, state: Path
) -> None:
    link = await opens()
    killed = await link.begin()
    assert killed.hold is not None
    await killed.hold.release(keep=True)
    killed._journal.close()
    (left,) = unfinished(state)

    stranger = await (await opens()).begin()
    assert stranger.hold is not None
    assert stranger.hold.standing.state is State.TAKEN
    await stranger.close()

    resumed = await (await opens()).begin(resumed=left.path)
    assert resumed.hold is not None
    assert resumed.hold.standing.state is State.HELD
    assert holder(cluster) == f"{here()}/{left.name}"
    await resumed.close()
    assert holder(cluster) == ""


async def test_a_holder_who_vanished_is_taken_over_by_name(cluster: PracticeCluster, opens: Opens) -> None:
    gone = await (await opens()).begin()
    assert gone.hold is not None
    await gone.hold.release(keep=True)
    gone._journal.close()
    cluster.clock.step(DURATION + 5)
    session = await (await opens()).begin()
    await session.refresh()
    assert session.hold is not None
    assert (session.hold.standing.state, session.hold.standing.typed) == (State.LAPSED, here())
    refused = await first_of(session)
    assert refused.status is Status.REFUSED
    assert f"type {here()} to take it over" in refused.text
    assert await session.hold.take_over("somebody@else") != ""
    assert await session.hold.take_over(here()) == ""
    assert (await first_of(session)).status is Status.DONE
    await session.close()


async def test_without_the_right_the_operator_accepts_and_the_report_keeps_it(opens: Opens, state: Path) -> None:
    session = await (await opens("viewer")).begin()
    assert session.hold is not None
    assert session.hold.standing.state is State.BARRED
    assert "forbidden" in session.hold.standing.text
    await session.hold.accept()
    assert await session.hold.refused() == ""
    (warning,) = session.warnings
    assert "forbidden" in warning
    await session.close()
    assert told(state) == [["waived", "held"]]


async def test_read_only_builds_no_claim(cluster: PracticeCluster, opens: Opens) -> None:
    link = await opens(read_only=True)
    assert link.session is None
    with pytest.raises(UsageFault, match="--read-only builds no writer"):
        await link.begin()
    assert cluster.world.store.get(("coordination.k8s.io", "leases"), SPACE, NAME) is None


async def test_the_header_says_who_sits_there(opens: Opens, state: Path) -> None:
    session = await (await opens()).begin()
    await session.close()
    (left,) = sessions(state)
    assert left.reading.opened is not None
    assert left.reading.opened.fields["operator"] == here()
    assert json.dumps(here()).isascii()


class Fading:
    """A claim that stands when it is first asked for, and is another's a moment later."""

    warnings: tuple[str, ...] = ()
    standing = Standing(State.HELD, "held")

    def __init__(self) -> None:
        self.answers = ["", "bob@laptop holds it now"]

    async def refused(self) -> str:
        return self.answers.pop(0)

    async def take_over(self, typed: str) -> str:
        return ""

    async def accept(self) -> Standing:
        return self.standing

    async def release(self, *, keep: bool = False) -> None:
        pass


async def test_a_claim_lost_while_looking_stops_the_request(tmp_path: Path) -> None:
    async with on_stage(tmp_path, hold=Fading()) as stage:
        plan, asked = await stage.ask(PlanKind.REPLAY, "lost")
        outcome = await stage.session.carry_out(plan, asked, entry_of(plan, "lost").typed)
        assert (outcome.status, outcome.text) == (Status.REFUSED, "bob@laptop holds it now")
        assert stage.spy.sent == []
        assert await stage.get(LOST) is None
