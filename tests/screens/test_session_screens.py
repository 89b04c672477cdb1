"""What a session shows beside its questions: dry runs, mends, waits, the report, undo, and reconcile now."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from screens.course import Course
from screens.plan_rows import plan_rows
from screens.question import Ask
from screens.recovery import Recovery
from screens.recovery_lines import above_lines
from screens.recovery_rows import Step
from screens.typed import Typed
from screens.view import View
from tests.clusters import contract
from tests.screens.fakes import FakeLink, frozen
from tests.screens.journals import Days, begun, directory
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
    tap,
    write,
)
from tests.screens.sessions import FakeSession, session_link
from tests.screens.world import ACTIVE, STALE, body, stamped, trouble
from tui.objects import Json, Ref
from tui.ownership.assess import assess
from tui.ownership.model import Forecast, Wish
from tui.recovery.expected import Said, Tried
from tui.recovery.mend_drift import Conflict
from tui.recovery.outcome import Outcome, Status
from tui.recovery.plan import Action, Pins, Plan, PlanKind
from tui.recovery.question import Trial
from tui.recovery.told import describe
from tui.widgets.ledger import Ledger
from tui.widgets.spans import plain_text

__all__ = ["directory"]

CLUSTER = "uid-Namespace-None-kube-system"
RESUME = "» resume | Kustomization | flux-system/flux-system: it is suspended"
ROLE = body("ClusterRole", "flux-view", meta=stamped(STALE), rules=[])


async def begin(pilot: Pilot[None], *steps: str) -> None:
    await press(pilot, "5", *steps, "b")
    await write(pilot, "practice")
    await press(pilot, "enter")


async def test_a_plan_is_tried_by_dry_run_once_its_step_is_entered_in_a_session() -> None:
    link, session = session_link(trouble())
    session.refused = {"ClusterRole flux-view": "the server would refuse it: quota [/x]"}
    async with running(link) as (app, pilot):
        await press(pilot, "5", "right")
        assert session.rehearsed == []
        assert "dry run" not in painted(app)
        await begin(pilot)
        assert session.rehearsed == [PlanKind.CLEANUP]
        assert "✗ no" in table_text(app, "#table")[0]
        assert "tried  ✗ the server would refuse it: quota [/x]" in pane_text(app)
        await press(pilot, "right")
        assert session.rehearsed == [PlanKind.CLEANUP, PlanKind.REPLAY]
        assert "✓ ok" in table_text(app, "#table")[0]
        await press(pilot, "enter", "n")
        assert session.rehearsed[2:] == [], "an answer tries nothing anew"


async def test_what_the_server_says_to_the_expected_manifest_stands_above_the_plan() -> None:
    link, session = session_link(trouble())
    broken = Ref("v1", "Service", "flux-system", "broken")
    session.expected = Tried("gitops-flux-12345678", (Said(broken, "the server would refuse it: port [/x]"),))
    async with running(link) as (app, pilot):
        await begin(pilot, "right")
        above = static_text(app, "#above")
        assert "the server would refuse 1 document of the manifest of gitops-flux-12345678" in above
        assert "Service flux-system/broken: the server would refuse it: port [/x]" in above
        await press(pilot, "right")
        assert "would refuse" not in static_text(app, "#above")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"in_session": False}, "the manifest of gitops-flux-12345678 is tried once a session has begun"),
        ({"read_only": True}, "is not tried: --read-only builds no writer"),
        ({"in_session": True}, ""),
    ],
)
def test_before_a_session_the_manifest_is_said_not_to_be_tried(more: Any, said: str) -> None:
    wish = Wish("gitops-flux-12345678", forecast=Forecast("m.yaml", "0" * 64, ()))
    view = View("c", contract(), wish=wish, **more)
    course = Course(Step.CLEANUP, plan=Plan(PlanKind.CLEANUP, Pins(None, "c", "0", ()), ()))
    above = "\n".join(plain_text(each) for each in above_lines(view, course, None, (), can_begin=True))
    assert said in above
    assert ("of gitops-flux-12345678" in above) == bool(said)


@pytest.mark.parametrize("wide", [True, False])
async def test_what_cannot_be_tried_yet_is_said_to_come_later(*, wide: bool) -> None:
    plan = await FakeSession(trouble()).plan(PlanKind.CLEANUP)
    trials = {plan.entries[0].id: Trial(ok=True, text="it cannot be tried before", awaits="ClusterRole x is there")}
    rows = plan_rows(plan, (), trials, wide=wide)
    assert "… later" in [plain_text(cell) for cell in rows[0].cells]


async def test_the_preflight_offers_what_can_be_mended_and_enter_on_its_finding_asks() -> None:
    link, session = session_link(trouble())
    async with running(link) as (app, pilot):
        await press(pilot, "5")
        assert any(RESUME in row for row in table_text(app, "#table"))
        await press(pilot, *find(app, "suspended"), "enter")
        assert app.current_mode == "controllers", "without a session a finding leads to where it is seen"
        await begin(pilot)
        await press(pilot, "g", *find(app, "suspended"))
        assert "asks about the first of these" in pane_text(app)
        await press(pilot, "enter")
        assert "Resume Kustomization flux-system/flux-system?" in static_text(app, "#asked")
        await press(pilot, "y")
        assert session.done == ["Kustomization flux-system/flux-system"]
        assert isinstance(app.screen, Recovery), "a mend leads to no other by itself"


def find(app: Any, word: str) -> list[str]:
    """The keys that bring the cursor from the top to the first row with this word."""
    table = app.screen.query_one("#table", Ledger)
    rows = [row for row in table.rows if row.key is not None]
    index = next(i for i, row in enumerate(rows) if any(word in plain_text(cell) for cell in row.cells))
    return ["g", *["j"] * index]


async def test_rights_that_are_lacking_come_with_the_rule_and_leave_out_what_needs_them() -> None:
    link, session = session_link(trouble())

    async def refuse(questions: Any) -> list[bool]:
        return [question.verb != "delete" for question in questions]

    link.reader.allowed = refuse  # type: ignore[method-assign]  # a user who may not delete
    async with running(link, size=LARGE) as (app, pilot):
        await begin(pilot)
        rows = table_text(app, "#table")
        assert any("you lack" in row and "left out" in row for row in rows)
        assert any("kind: ClusterRole" in row for row in rows)
        await press(pilot, "right")
        rows = table_text(app, "#table")
        assert not any(row.startswith("- delete") for row in rows)
        assert any("ClusterRole flux-view" in row and "you lack the right to delete" in row for row in rows)
        assert session.done == []


def drifting() -> list[Json]:
    """The incident, with an object that no longer says what its release says."""
    bodies = trouble()
    for one in bodies:
        if one["kind"] == "Deployment" and one["metadata"]["name"] == "source-controller":
            one["spec"]["replicas"] = 3
    return bodies


async def test_a_repair_is_offered_and_asked_for_only_where_it_is_chosen() -> None:
    link, session = session_link(drifting())
    async with running(link) as (app, pilot):
        await begin(pilot, "right", "right")
        rows = table_text(app, "#table")
        offered = next(index for index, row in enumerate(rows) if "done only where you ask for it" in row)
        assert rows[offered + 1].startswith("~ repair | Deployment | flux-system/source-controller")
        await press(pilot, "enter", "y")
        assert session.done == ["Deployment flux-system/helm-controller"]
        assert isinstance(app.screen, Recovery), "what is offered is not asked in a walk"
        await press(pilot, *find(app, "~ repair"), "enter")
        assert isinstance(app.screen, Ask)


async def test_what_is_taken_from_another_manager_is_named_and_typed() -> None:
    link, session = session_link(drifting())
    session.asks_for = "source-controller"
    session.conflicts = frozenset({Conflict("k9s [/x]", ".spec.replicas")})
    async with running(link) as (app, pilot):
        await begin(pilot, "right", "right")
        await press(pilot, *find(app, "~ repair"), "enter")
        assert "takes  .spec.replicas from k9s [/x]" in pane_text(app, "#page")
        await press(pilot, "y")
        assert isinstance(app.screen, Typed)
        assert "takes .spec.replicas from k9s [/x]" in painted(app)
        await write(pilot, "source-controller")
        await press(pilot, "enter")
        assert session.typed == ["source-controller"]


async def test_a_wait_shows_how_far_it_is_and_esc_is_the_way_out() -> None:
    link, session = session_link(trouble())
    session.gate.clear()
    async with running(link) as (app, pilot):
        await begin(pilot, "right", "right")
        await press(pilot, "enter")
        await tap(pilot, "y")
        session.progress("waiting for Deployment x [/x]: 3 of 60 s")
        await tap(pilot, "j")
        assert "esc stops waiting, nothing is lost: waiting for Deployment x" in static_text(app, "#above")
        await tap(pilot, "2")
        await tap(pilot, "5")
        assert "3 of 60 s" in static_text(app, "#above"), "other screens may be looked at meanwhile"
        assert not session.given_up
        await tap(pilot, "escape")
        assert session.given_up
        await settle(pilot)
        assert session.done == ["Deployment flux-system/helm-controller"]
        assert "3 of 60 s" not in static_text(app, "#above")


async def test_the_step_and_the_cursor_are_as_they_were_left() -> None:
    link, _ = session_link([*trouble(), body("ClusterRole", "flux-zzz", meta=stamped(STALE), rules=[])])
    async with running(link) as (app, pilot):
        await begin(pilot, "right")
        await press(pilot, "j")
        chosen = app.screen.query_one("#table", Ledger).key
        await press(pilot, "3", "1", "5")
        recovery = app.screen
        assert isinstance(recovery, Recovery)
        assert recovery.step is Step.CLEANUP
        assert recovery.query_one("#table", Ledger).key == chosen
        await press(pilot, "right", "left")
        assert recovery.query_one("#table", Ledger).key == chosen
        await press(pilot, "enter", "escape")
        assert recovery.query_one("#table", Ledger).key == chosen


async def test_the_report_begins_with_what_is_in_doubt_and_what_was_gone_without() -> None:
    link, session = session_link(trouble())
    session.ends = Status.IN_DOUBT
    session.warnings = ("leases in flux-system: forbidden [/x]",)
    async with running(link) as (app, pilot):
        await begin(pilot, "right")
        await press(pilot, "enter", "y", "right", "right", "right")
        report = pane_text(app, "#report").splitlines()
        assert report[0].startswith("? in doubt")
        assert "ClusterRole flux-view  it ended so" in report[1]
        assert report[2] == "! leases in flux-system: forbidden [/x]"
        assert report[3] == "So that it lasts:"


async def test_checking_looks_again_at_what_is_in_doubt() -> None:
    link, session = session_link(trouble())
    session.leave_one_in_doubt()
    session.settled = [Outcome(session.outcomes[0].entry, Status.DONE, "it is gone: the request had its effect")]
    async with running(link) as (app, pilot):
        await begin(pilot)
        await press(pilot, "right", "right", "right", "c", "right")
        assert session.taken_up == 1
        assert "in doubt" not in pane_text(app, "#report").splitlines()[0]


@pytest.fixture
def past(directory: Path) -> dict[str, Any]:
    """A session that deleted a role, and ended."""
    deletion = make_deletion()
    with begun(directory, Days(), cluster=CLUSTER) as opened:
        opened.append("confirmed", **describe(deletion))
        saved = opened.backup(deletion.ref, ROLE)
        opened.append("saved", entry=deletion.id, backup=saved.path, sha256=saved.sha256)
        opened.append("sending", entry=deletion.id, step=1, action="delete", method="delete")
        opened.append("answered", entry=deletion.id, step=1, code=200)
        opened.append("done", entry=deletion.id, text="it is deleted")
        opened.append("closed", done=1)
    return {"journals": lambda: directory}


def make_deletion() -> Any:
    """The entry that deletes the role."""
    from tests.screens.world import CONTRACT, inventory
    from tui.recovery.planner import plan_cleanup

    plan = plan_cleanup(CONTRACT, assess(CONTRACT, inventory(trouble()), today=frozen().date()))
    return next(entry for entry in plan.entries if entry.action is Action.DELETE)


async def test_undo_puts_back_one_confirmed_resource_at_a_time(past: dict[str, Any]) -> None:
    link, session = session_link([one for one in trouble() if Ref.of(one).key != Ref.of(ROLE).key])
    link.identity = replace(link.identity, cluster_uid=CLUSTER)
    async with running(link, **past) as (app, pilot):
        await press(pilot, "6")
        assert "u brings back what it deleted" in pane_text(app)
        await press(pilot, "u")
        assert isinstance(app.screen, Recovery)
        assert table_text(app, "#table")[0].startswith("+ restore | ClusterRole | flux-view")
        assert session.undone == []
        await press(pilot, "b")
        await write(pilot, "practice")
        await press(pilot, "enter")
        assert session.undone
        await press(pilot, "enter")
        assert "Restore ClusterRole flux-view" in static_text(app, "#asked")
        await press(pilot, "y")
        assert session.done == ["ClusterRole flux-view"]
        await press(pilot, "escape")
        assert "restore" not in "".join(table_text(app, "#table")), "esc goes back to the step's own plan"


async def test_a_session_of_another_cluster_is_not_offered_for_undo(past: dict[str, Any]) -> None:
    link = FakeLink(trouble())
    link.identity = type(link.identity)("other", "https://127.0.0.1:6443", "uid-of-another", "admin", "tethys")
    async with running(link, **past) as (app, pilot):
        await press(pilot, "6")
        assert "u brings back" not in pane_text(app)
        await press(pilot, "u")
        assert app.current_mode == "journal"


async def on_flux(pilot: Pilot[None], app: Any, kind: str) -> None:
    """Puts the cursor of the Controllers screen on Flux's object of a kind."""
    await press(pilot, "3", "g")
    table = app.screen.query_one("#controllers-list", Ledger)
    for _ in table.rows:
        if getattr(table.key, "kind", "") == kind:
            return
        await press(pilot, "j")
    raise AssertionError(f"no {kind} in {table_text(app, '#controllers-list')}")


async def test_reconcile_now_takes_a_session_and_says_how_to_begin_one() -> None:
    link, _ = session_link(trouble())
    async with running(link, size=LARGE) as (app, pilot):
        await on_flux(pilot, app, "GitRepository")
        assert "r Reconcile now" in painted(app)
        await press(pilot, "r")
        assert "reconcile now takes a recovery session" in painted(app)
        await press(pilot, "g", "r")
        assert "r Reconcile now" not in painted(app), "a Deployment does not hear it"


async def test_reconcile_now_is_one_confirmed_question() -> None:
    link, session = session_link(trouble())
    async with running(link, size=LARGE) as (app, pilot):
        await begin(pilot)
        await on_flux(pilot, app, "GitRepository")
        await press(pilot, "r")
        assert "Reconcile GitRepository flux-system/flux-system?" in static_text(app, "#asked")
        await press(pilot, "n")
        assert session.done == []
        await press(pilot, "r", "y")
        assert session.done == ["GitRepository flux-system/flux-system"]
        assert "✓ done" in painted(app)


async def test_what_flux_would_not_hear_is_said_at_once() -> None:
    link, session = session_link(trouble())
    async with running(link, size=LARGE) as (app, pilot):
        await begin(pilot)
        await on_flux(pilot, app, "Kustomization")
        await press(pilot, "r")
        assert "is suspended" in painted(app)
        assert session.done == []


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_an_adoption_names_who_has_it_after(size: tuple[int, int]) -> None:
    link, _ = session_link(
        [
            *(one for one in trouble() if one["metadata"]["name"] != "flux-edit"),
            body("ClusterRole", "flux-edit", meta=stamped(STALE), rules=[]),
        ]
    )
    async with running(link, size=size) as (app, pilot):
        await press(pilot, "5", "right")
        [row] = [row for row in table_text(app, "#table") if row.startswith("~ adopt")]
        assert row.split(" | ")[3:5] == [f"stale release {STALE}", ACTIVE]
