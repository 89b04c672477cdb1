import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Input

from screens.judging import Tuning, judge
from screens.plan_rows import plan_rows
from screens.question import Ask
from screens.question_rows import question_lines
from screens.recovery import Recovery
from screens.recovery_rows import Step, step_line
from screens.typed import Typed
from screens.view import View
from tests.screens.fakes import FakeLink, Ticks, frozen
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
from tests.screens.world import ACTIVE, CONTRACT, STALE, body, inventory, stamped, trouble
from tui.faults import Fault, Unreachable
from tui.objects import Json
from tui.ownership.assess import assess
from tui.recovery.outcome import Status
from tui.recovery.plan import PlanKind
from tui.recovery.planner import plan as make_plan
from tui.widgets.spans import plain_text

BINDING = body(
    "ClusterRoleBinding",
    "old-binding",
    meta=stamped(STALE),
    roleRef={"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "flux-view"},
    subjects=[{"kind": "User", "name": "alice [/x]"}],
)


def incident() -> list[Json]:
    return [*trouble(), BINDING]


async def begin(pilot: Any, step: str = "right") -> None:
    await press(pilot, "5", step, "b")
    await write(pilot, "practice")
    await press(pilot, "enter")


def test_the_steps_tell_what_each_has_to_do(view: View) -> None:
    said = plain_text(step_line(Step.CLEANUP, view))
    assert said == " preflight block >[cleanup 1]> replay 1 > verify 4 failed > report "


@pytest.mark.parametrize("wide", [True, False])
def test_a_plan_names_operation_resource_owner_and_what_is_left_out(*, wide: bool) -> None:
    known = inventory(incident())
    plan = make_plan(PlanKind.REPLAY, CONTRACT, assess(CONTRACT, known, today=frozen().date()))
    rows = [" | ".join(plain_text(cell) for cell in row.cells) for row in plan_rows(plan, (), {}, wide=wide)]
    assert rows[0].startswith("+ create | Deployment | flux-system/helm-controller | nobody: it is missing")
    assert ACTIVE in rows[0]
    assert rows[1] == "not in this plan, 1 resource:"
    assert "Job flux-check" in rows[2]


async def test_without_a_session_the_plan_is_a_preview_and_nothing_can_be_confirmed() -> None:
    async with running(FakeLink(incident())) as (app, pilot):
        await press(pilot, "5", "right")
        assert any("- delete" in row for row in table_text(app, "#table"))
        await press(pilot, "enter", "y")
        assert isinstance(app.screen, Recovery)
        assert "read-only" in painted(app)


async def test_a_session_begins_only_when_the_context_s_name_is_typed() -> None:
    link, session = session_link(incident())
    async with running(link) as (app, pilot):
        await press(pilot, "5", "b")
        assert isinstance(app.screen, Typed)
        shown = painted(app)
        for text in ("practice", "https://127.0.0.1:6443", "uid-kube-system", "admin", CONTRACT.source, "not pinned"):
            assert text in shown
        await write(pilot, "practise")
        await press(pilot, "enter")
        assert "that is not it; nothing was done" in painted(app)
        assert app.desk.session is None
        await press(pilot, "escape")
        assert app.desk.session is None
        await press(pilot, "b", "enter")
        assert app.desk.session is None
        await write(pilot, "practice")
        await press(pilot, "enter")
        assert app.desk.session is session
        assert "[IN SESSION]" in painted(app)


async def test_read_only_means_no_session_at_all() -> None:
    link, _ = session_link(incident())
    async with running(link, read_only=True) as (app, pilot):
        await press(pilot, "5", "b")
        await write(pilot, "practice")
        await press(pilot, "enter")
        assert app.desk.session is None
        assert "Begin session" not in painted(app)


async def test_a_session_that_cannot_begin_says_why() -> None:
    link, session = session_link(incident())
    session.fault = Unreachable("the journal's disk is full [/x]")
    async with running(link) as (app, pilot):
        await begin(pilot)
        assert app.desk.session is None
        assert "✗ the journal's disk is full [/x]" in painted(app)


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_a_question_shows_everything_and_its_answers(size: tuple[int, int]) -> None:
    link, session = session_link(incident())
    async with running(link, size=size) as (app, pilot):
        await begin(pilot)
        await press(pilot, "j", "enter")
        assert isinstance(app.screen, Ask)
        assert "Delete ClusterRole flux-view?" in static_text(app, "#asked")
        assert "y this one   n skip   esc leave" in painted(app)
        page = pane_text(app, "#page")
        for text in ("admitted", "tried  the server would accept it", f"stale release {STALE}", "by hand  kubectl"):
            assert text in page
        assert session.done == []


async def test_yes_does_this_one_and_the_next_is_asked() -> None:
    link, session = session_link(incident())
    async with running(link) as (app, pilot):
        await begin(pilot)
        await press(pilot, "j", "enter", "y")
        assert session.done == ["ClusterRole flux-view"]
        assert isinstance(app.screen, Ask)
        assert "old-binding" in static_text(app, "#asked")
        await press(pilot, "escape")
        assert isinstance(app.screen, Recovery)
        assert "✓ done" in painted(app)


async def test_no_skips_and_leaving_decides_nothing() -> None:
    link, session = session_link(incident())
    async with running(link) as (app, pilot):
        await begin(pilot)
        await press(pilot, "j", "enter", "escape")
        assert session.outcomes == []
        await press(pilot, "enter", "enter")
        assert session.outcomes == []
        assert isinstance(app.screen, Recovery)
        await press(pilot, "enter", "n")
        assert [outcome.status for outcome in session.outcomes] == [Status.SKIPPED]
        assert session.done == []


async def test_keys_pressed_too_early_answer_nothing() -> None:
    ticks = Ticks(0.1)
    link, session = session_link(incident())
    tuning = Tuning(judge=judge, clock=frozen, ticks=ticks, settle=0.0)
    async with running(link, tuning=tuning) as (app, pilot):
        await begin(pilot)
        await press(pilot, "j", "enter", "y", "n", "escape")
        assert isinstance(app.screen, Ask)
        assert session.outcomes == []
        ticks.step = 1.0
        await press(pilot, "y")
        assert session.done == ["ClusterRole flux-view"]


async def test_a_binding_with_subjects_asks_for_its_name() -> None:
    link, session = session_link(incident())
    async with running(link) as (app, pilot):
        await begin(pilot)
        await press(pilot, "enter", "y")
        assert isinstance(app.screen, Typed)
        assert "User alice [/x]" in painted(app)
        await write(pilot, "old-bindin")
        await press(pilot, "enter")
        assert session.done == []
        await press(pilot, "g", "enter")
        assert session.done == ["ClusterRoleBinding old-binding"]
        assert session.typed == ["old-binding"]


async def test_a_typed_name_can_be_left() -> None:
    link, session = session_link(incident())
    async with running(link) as (app, pilot):
        await begin(pilot)
        await press(pilot, "enter", "y", "escape")
        assert isinstance(app.screen, Ask)
        await press(pilot, "escape")
        assert session.done == []


async def test_what_the_gate_refuses_cannot_be_answered_yes() -> None:
    link, session = session_link(incident())
    session.refusal = "it changed since the plan [/x]"
    async with running(link) as (app, pilot):
        await begin(pilot)
        await press(pilot, "j", "enter")
        assert "✗ refused: it changed since the plan [/x]" in pane_text(app, "#page")
        await press(pilot, "y")
        assert isinstance(app.screen, Ask)
        assert session.done == []
        assert "y This one" not in painted(app)


@pytest.mark.parametrize("status", [Status.REFUSED, Status.FAILED, Status.IN_DOUBT])
async def test_a_bad_end_stops_the_walk_and_stays_in_sight(status: Status) -> None:
    link, session = session_link(incident())
    session.ends = status
    async with running(link) as (app, pilot):
        await begin(pilot)
        await press(pilot, "j", "enter", "y")
        assert isinstance(app.screen, Recovery)
        assert any(status.value.replace("-", " ") in row for row in table_text(app, "#table"))


async def test_a_look_that_fails_is_one_sentence() -> None:
    link, session = session_link(incident())
    session.look_fault = Fault("the server closed the connection [/x]")
    async with running(link) as (app, pilot):
        await begin(pilot)
        await press(pilot, "j", "enter")
        assert isinstance(app.screen, Recovery)
        assert "✗ ClusterRole flux-view: the server closed the connection [/x]" in painted(app)


async def test_a_second_yes_waits_for_nothing_it_is_not_taken() -> None:
    link, session = session_link(incident())
    session.gate.clear()
    async with running(link) as (app, pilot):
        await press(pilot, "5", "right", "b")
        await write(pilot, "practice")
        await press(pilot, "enter", "j", "enter")
        await tap(pilot, "y")
        assert app.desk.writing
        await tap(pilot, "enter")
        await tap(pilot, "b")
        await tap(pilot, "x")
        assert "delete ClusterRole flux-view..." in static_text(app, "#above")
        session.gate.set()
        await settle(pilot)
        assert session.done == ["ClusterRole flux-view"]
        assert not app.desk.writing


async def test_verify_reads_afresh_and_the_report_can_be_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    link, session = session_link(incident())
    async with running(link) as (app, pilot):
        await begin(pilot)
        await press(pilot, "right", "right", "c")
        assert session.verified == 1
        assert any("helm-controller is not there" in row for row in table_text(app, "#table"))
        await press(pilot, "right")
        report = pane_text(app, "#report")
        assert "# Recovery report" in report
        await press(pilot, "w")
        await press(pilot, "w")
        assert "the report was not written" in painted(app)
    saved = tmp_path / "refloat-report-20261123-053000.md"
    assert saved.read_text(encoding="utf-8").startswith("# Recovery report")
    assert saved.stat().st_mode & 0o777 == 0o600
    machine = saved.with_suffix(".json")
    assert json.loads(machine.read_text(encoding="utf-8"))["schema"] == "refloat.session/1"
    assert machine.stat().st_mode & 0o777 == 0o600


async def test_ending_the_session_closes_its_journal_and_keeps_its_report() -> None:
    link, session = session_link(incident())
    async with running(link) as (app, pilot):
        await begin(pilot)
        await press(pilot, "x")
        assert session.closed
        assert app.desk.session is None
        assert "[READ-ONLY]" in painted(app)
        assert "# Recovery report" in pane_text(app, "#report")


async def test_in_the_line_for_the_name_every_letter_is_a_letter() -> None:
    link, session = session_link(incident())
    async with running(link) as (app, pilot):
        await press(pilot, "5", "b")
        await write(pilot, "1q:?y")
        assert app.screen.query_one(Input).value == "1q:?y"
        assert session.outcomes == []


async def test_a_question_masks_secrets_and_shows_hostile_text_harmless() -> None:
    session = FakeSession(incident())
    plan = await session.plan(PlanKind.CLEANUP)
    asked = await session.look(plan, plan.entries[0])
    said = "\n".join(map(plain_text, question_lines(asked)))
    assert "alice [/x]" in said
    assert not any(ord(character) < 0x20 and character != "\n" for character in said)


async def test_rights_that_are_lacking_are_told_before_the_first_step() -> None:
    link = FakeLink(incident())

    async def refuse(questions: Any) -> list[bool]:
        await asyncio.sleep(0)
        return [question.verb != "delete" for question in questions]

    link.reader.allowed = refuse  # type: ignore[method-assign]  # a user who may not delete
    async with running(link) as (app, pilot):
        await press(pilot, "5")
        assert any("you lack 2 rights" in row for row in table_text(app, "#table"))
