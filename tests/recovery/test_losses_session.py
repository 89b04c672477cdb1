"""What replay cannot bring back, in a session: asked for, refused where it came up since, kept for the report."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from tests import schemas
from tests.clusters import obj
from tests.recovery.stage import SPACE, Stage, bare, entry_of, on_stage
from tui.faults import Exit
from tui.objects import Json
from tui.recovery import told
from tui.recovery.journal import read_journal
from tui.recovery.outcome import Status
from tui.recovery.plan import PlanKind
from tui.recovery.progress import ActionProgress
from tui.recovery.report import session_json, session_markdown

CLAIM = obj(
    "PersistentVolumeClaim",
    "data",
    spec={"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "5Gi"}}},
)
VOLUME = obj(
    "PersistentVolume",
    "pv-1",
    None,
    spec={
        "capacity": {"storage": "5Gi"},
        "accessModes": ["ReadWriteOnce"],
        "persistentVolumeReclaimPolicy": "Retain",
        "claimRef": {"kind": "PersistentVolumeClaim", "namespace": SPACE, "name": "data", "uid": "uid-before"},
        "hostPath": {"path": "/srv/pv-1"},
    },
    status={"phase": "Released"},
)
WAS = "PersistentVolume pv-1 (5Gi, Released, Retain: what it holds is kept) was the claim's"


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with on_stage(tmp_path, standing=[VOLUME], listed=[CLAIM]) as found:
        write(found, VOLUME)
        yield found


def write(stage: Stage, body: Json) -> None:
    """A volume as the volume controller has it: its status is written apart."""
    for part in ("", "status"):
        stage.cluster.runner.write(bare(body), subresource=part)


def give_back(stage: Stage) -> None:
    """What the printed line does, and then the volume controller."""
    claim = {name: value for name, value in VOLUME["spec"]["claimRef"].items() if name != "uid"}
    write(stage, VOLUME | {"spec": VOLUME["spec"] | {"claimRef": claim}, "status": {"phase": "Available"}})


async def test_an_empty_claim_beside_its_old_volume_takes_its_name_and_the_report_says_what_was_lost(
    stage: Stage,
) -> None:
    plan, asked = await stage.ask(PlanKind.REPLAY, "data")
    assert asked.typed == "data"
    assert asked.entry.losses[0].startswith(WAS)
    assert await stage.get(CLAIM) is None
    refused = await stage.session.carry_out(plan, asked, "")
    assert (refused.status, refused.text) == (Status.REFUSED, "its name was to be typed: data")
    assert await stage.get(CLAIM) is None
    outcome = await stage.session.carry_out(plan, asked, "data")
    assert outcome.status is Status.DONE
    document = session_json(stage.session)
    Draft202012Validator(schemas.SESSION).validate(document)
    assert [each["losses"][0].startswith(WAS) for each in document["outcomes"]] == [True, True]
    assert f"- PersistentVolumeClaim flux-system/data: {WAS}" in session_markdown(stage.session)
    await stage.session.close()
    kept = told.outcomes(read_journal(stage.journal.path).entries)
    assert [each.entry.losses for each in kept] == [asked.entry.losses]
    assert stage.session.exit_code is Exit.CLEAN


async def test_a_volume_that_was_given_back_since_the_plan_asks_for_nothing(stage: Stage) -> None:
    plan = await stage.session.plan(PlanKind.REPLAY)
    assert entry_of(plan, "data").typed == "data"
    give_back(stage)
    asked = await stage.session.look(plan, entry_of(plan, "data"))
    assert asked.typed == ""
    assert asked.entry.losses[0].startswith("what it held comes back: PersistentVolume pv-1")
    assert (await stage.session.carry_out(plan, asked)).status is Status.DONE


async def test_a_loss_that_comes_up_between_the_question_and_the_request_is_refused(tmp_path: Path) -> None:
    async with on_stage(tmp_path, standing=[], listed=[CLAIM]) as stage:
        plan, asked = await stage.ask(PlanKind.REPLAY, "data")
        assert asked.typed == ""
        stage.cluster.runner.create(bare(VOLUME), "somebody")
        outcome = await stage.session.carry_out(plan, asked)
        assert outcome.status is Status.REFUSED
        assert "hides a loss that was not shown: PersistentVolume pv-1" in outcome.text
        assert stage.spy.sent == []
        asked = await stage.session.look(plan, entry_of(plan, "data"))
        assert asked.typed == "data"


async def test_a_rehearsal_does_not_stumble_over_what_was_told(stage: Stage) -> None:
    plan = await stage.session.plan(PlanKind.REPLAY)
    trials = await stage.session.rehearse(plan)
    assert [trial.ok for trial in trials.values()] == [True]


@pytest.mark.parametrize(
    ("kept", "losses"), [({}, ()), ({"losses": None}, ()), ({"losses": "x"}, ()), ({"losses": ["a", 7]}, ("a",))]
)
def test_a_journal_of_before_tells_of_no_loss_and_one_that_was_changed_of_text_alone(
    kept: Json, losses: tuple[str, ...]
) -> None:
    details = {"action": "create", "ref": {"apiVersion": "v1", "kind": "Secret", "name": "key"}} | kept
    entry = told.entry_of(ActionProgress("create /Secret key", details=details))
    assert entry is not None
    assert entry.losses == losses
