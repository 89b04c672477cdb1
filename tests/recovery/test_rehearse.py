"""A whole plan tried before its first change: what the server says, and what cannot be tried yet."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.clusters import obj
from tests.recovery.stage import ACTIVE, BOUND, GONE, LOST, READER, READS, STANDING, Let, entry_of, on_stage
from tui.cluster.writer import Writer
from tui.faults import ApiFault, Unreachable
from tui.objects import Json
from tui.recovery.gate import Admitted
from tui.recovery.outcome import Status
from tui.recovery.plan import PlanKind
from tui.recovery.ports import Answer
from tui.recovery.question import Trial

QUOTA = "exceeded quota: small, requested: services=1, used: services=1, limited: services=1"


def by_name(trials: Any) -> dict[str, Trial]:
    return {name.rpartition("/")[2].rpartition(" ")[2]: trial for name, trial in trials.items()}


async def test_every_entry_is_tried_after_one_look_and_nothing_changes(tmp_path: Path) -> None:
    async with on_stage(tmp_path) as stage:
        plan = await stage.session.plan(PlanKind.CLEANUP)
        before = stage.cluster.world.store.version
        told: list[tuple[int, int]] = []
        trials = await stage.session.rehearse(plan, lambda done, all_: told.append((done, all_)))
        assert stage.cluster.world.store.version == before
    assert list(trials) == [entry.id for entry in plan.entries]
    assert told[0] == (0, len(plan.entries))
    assert told[-1] == (len(plan.entries), len(plan.entries))
    found = by_name(trials)
    assert all(trial.ok for trial in found.values()), found
    assert found["reads"].awaits == "ClusterRoleBinding reader has left"
    assert found["reads"].text == "it cannot be tried before ClusterRoleBinding reader has left"
    assert found["gone"].text == "the server would accept it"
    assert found["bound"].result is not None
    assert stage.spy.sent == []


class Deaf:
    """A server that takes no notice of the word dry run."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    async def send(self, admitted: Admitted) -> Answer:
        request = admitted.request
        return await self._writer.send(Let(replace(request, dry_run=False)))


@pytest.mark.parametrize(("kind", "name"), [(PlanKind.CLEANUP, "kept"), (PlanKind.REPLAY, "lost")])
async def test_a_dry_run_that_was_carried_out_is_told_and_nothing_more_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: PlanKind, name: str
) -> None:
    async with on_stage(tmp_path) as stage:
        plan = await stage.session.plan(kind)
        entry = entry_of(plan, name)
        monkeypatch.setattr(stage.spy, "writer", Deaf(stage.spy.writer))
        asked = await stage.session.look(plan, entry)
        outcome = await stage.session.carry_out(plan, asked, asked.typed)
    assert not asked.allowed
    assert asked.refusal.startswith("it could not be tried: the server did not try it but did it")
    assert outcome.status is Status.REFUSED
    assert stage.spy.sent == []


async def test_what_the_server_would_refuse_is_told_before_the_first_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with on_stage(tmp_path) as stage:
        plan = await stage.session.plan(PlanKind.REPLAY)

        async def refuse(_: object) -> Any:
            raise ApiFault(403, "Forbidden", f'services "lost" is forbidden: {QUOTA}')

        monkeypatch.setattr(stage.spy.writer, "send", refuse)
        (trial,) = (await stage.session.rehearse(plan)).values()
    assert not trial.ok
    assert QUOTA in trial.text


async def test_what_nobody_answered_is_not_called_a_refusal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with on_stage(tmp_path) as stage:
        plan = await stage.session.plan(PlanKind.REPLAY)

        async def silent(_: object) -> Any:
            raise Unreachable("no answer within 15 s")

        monkeypatch.setattr(stage.spy.writer, "send", silent)
        (trial,) = (await stage.session.rehearse(plan)).values()
    assert trial.text == "it could not be tried: no answer within 15 s"


async def test_one_object_that_cannot_be_read_hides_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with on_stage(tmp_path) as stage:
        plan = await stage.session.plan(PlanKind.CLEANUP)
        real = stage.reader.get

        async def get(ref: Any) -> Json | None:
            if ref.name == "gone":
                raise ApiFault(500, "InternalError", "etcd is unwell")
            return await real(ref)

        monkeypatch.setattr(stage.reader, "get", get)
        found = by_name(await stage.session.rehearse(plan))
    assert "etcd is unwell" in found["gone"].text
    assert not found["gone"].ok
    assert found["kept"].ok


async def test_what_an_earlier_entry_makes_first_is_waited_for(tmp_path: Path) -> None:
    space = obj("Namespace", "quay", release=ACTIVE)
    below = obj("Service", "inside", "quay", spec={"ports": [{"port": 80}]})
    role = obj("ClusterRole", "sees", rules=[])
    grants = obj(
        "ClusterRoleBinding",
        "grants",
        roleRef={"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "sees"},
        subjects=[],
    )
    async with on_stage(tmp_path, listed=(space, below, role, grants, LOST), standing=()) as stage:
        plan = await stage.session.plan(PlanKind.REPLAY)
        found = by_name(await stage.session.rehearse(plan))
    assert found["inside"].text == "it cannot be tried before Namespace quay is there"
    assert found["lost"].awaits == ""
    assert all(trial.ok for trial in found.values())


async def test_what_changed_since_the_plan_is_told_by_the_gate(tmp_path: Path) -> None:
    async with on_stage(tmp_path) as stage:
        plan = await stage.session.plan(PlanKind.CLEANUP)
        await stage.somebody_edits(GONE, metadata={"finalizers": ["example.org/mine"]})
        found = by_name(await stage.session.rehearse(plan))
    assert not found["gone"].ok
    assert "the gate refuses it" in found["gone"].text


async def test_a_rehearsal_may_be_cancelled_and_leaves_the_session_as_it_was(tmp_path: Path) -> None:
    async with on_stage(tmp_path) as stage:
        plan = await stage.session.plan(PlanKind.CLEANUP)
        begun = asyncio.Event()
        work = asyncio.create_task(stage.session.rehearse(plan, lambda *_: begun.set()))
        await begun.wait()
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work
        outcome = await stage.do(PlanKind.CLEANUP, "gone")
    assert outcome.status.value == "done"
    assert {BOUND["metadata"]["name"], READS["metadata"]["name"], READER["metadata"]["name"]} < {
        each["metadata"]["name"] for each in STANDING
    }
