"""Somebody else works on the same cluster: whatever changed between the question and the answer is not touched."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.clusters import obj
from tests.recovery.stage import (
    ACTIVE,
    BOUND,
    GONE,
    KEPT,
    LOST,
    STALE,
    STANDING,
    Stage,
    bare,
    entry_of,
    on_stage,
    ref_of,
    release_record,
)
from tui.recovery.outcome import Outcome, Status
from tui.recovery.plan import PlanKind
from tui.recovery.ports import Method, Request

FLUX = {"metadata": {"labels": {"kustomize.toolkit.fluxcd.io/name": "apps"}}}
USER = obj("Pod", "user", labels={"app": "nothing"}, spec={"containers": [{"name": "a", "image": "b"}]})


async def between(stage: Stage, kind: PlanKind, name: str, meanwhile: Any) -> Outcome:
    """Somebody acts after the question was put and before the answer is carried out."""
    plan, asked = await stage.ask(kind, name)
    assert asked.allowed, asked.refusal
    await meanwhile(stage)
    return await stage.session.carry_out(plan, asked, asked.entry.typed)


async def edited(stage: Stage) -> None:
    await stage.somebody_edits(GONE, spec={"policyTypes": ["Egress"]})


async def deleted(stage: Stage) -> None:
    await stage.somebody(Method.DELETE, GONE)


async def made_again(stage: Stage) -> None:
    await stage.somebody(Method.DELETE, GONE)
    await stage.somebody(Method.CREATE, GONE)


async def finalized(stage: Stage) -> None:
    await stage.somebody_edits(GONE, metadata={"finalizers": ["example.org/mine"]})


async def taken_by_flux(stage: Stage) -> None:
    await stage.somebody_edits(GONE, **FLUX)


async def used(stage: Stage) -> None:
    await stage.somebody(Method.CREATE, USER)


async def annotated(stage: Stage) -> None:
    await stage.somebody_edits(GONE, metadata={"annotations": {"helm.sh/resource-policy": "keep"}})


@pytest.mark.parametrize(
    ("meanwhile", "told"),
    [
        (edited, "changed since it was shown"),
        (deleted, "is gone"),
        (made_again, "another object now"),
        (finalized, "changed since it was shown"),
        (taken_by_flux, "changed since it was shown"),
        (used, "S7"),
        (annotated, "changed since it was shown"),
    ],
)
async def test_what_changed_in_between_is_refused(tmp_path: Path, meanwhile: Any, told: str) -> None:
    async with on_stage(tmp_path) as stage:
        outcome = await between(stage, PlanKind.CLEANUP, "gone", meanwhile)
        assert (await stage.get(GONE) is None) is (meanwhile is deleted)
    assert outcome.status is Status.REFUSED
    assert told in outcome.text
    assert stage.spy.sent == []


@pytest.mark.parametrize("meanwhile", [finalized, taken_by_flux, used, annotated])
async def test_what_is_protected_since_is_protected_in_the_next_plan(tmp_path: Path, meanwhile: Any) -> None:
    async with on_stage(tmp_path) as stage:
        await between(stage, PlanKind.CLEANUP, "gone", meanwhile)
        plan = await stage.session.plan(PlanKind.CLEANUP)
    assert "gone" not in {entry.ref.name for entry in plan.entries}
    assert "gone" in {ref.name for ref, _ in plan.left_out}


async def test_a_flapping_status_is_no_reason_to_ask_again(tmp_path: Path) -> None:
    service = obj("Service", "quiet", release=STALE, spec={"ports": [{"port": 80}], "selector": {"app": "none"}})

    async def flap(stage: Stage) -> None:
        body = await stage.there(service)
        stage.cluster.runner.write(
            body | {"status": {"loadBalancer": {"ingress": [{"ip": "10.0.0.1"}]}}}, "x", "status"
        )

    async with on_stage(tmp_path, standing=(service,)) as stage:
        before = await stage.there(service)
        outcome = await between(stage, PlanKind.CLEANUP, "quiet", flap)
        assert outcome.status is Status.DONE
        assert await stage.get(service) is None
    assert stage.spy.sent[0].body["preconditions"]["resourceVersion"] != before["metadata"]["resourceVersion"]  # type: ignore[call-overload] # a deletion's body is a mapping


async def upgraded(stage: Stage) -> None:
    await stage.somebody(Method.CREATE, release_record(revision=2))


async def pending(stage: Stage) -> None:
    await stage.somebody(Method.CREATE, release_record(revision=2, status="pending-upgrade"))


async def rewritten(stage: Stage) -> None:
    fresh = release_record(documents=(KEPT,))
    await stage.somebody_edits(fresh, data=fresh["data"])


async def lost(stage: Stage) -> None:
    await stage.somebody(Method.DELETE, release_record())


@pytest.mark.parametrize("meanwhile", [upgraded, pending, rewritten, lost])
@pytest.mark.parametrize(("kind", "name"), [(PlanKind.CLEANUP, "gone"), (PlanKind.REPLAY, "lost")])
async def test_changed_release_records_refuse_everything_that_was_planned(
    tmp_path: Path, kind: PlanKind, name: str, meanwhile: Any
) -> None:
    async with on_stage(tmp_path) as stage:
        plans = [await stage.session.plan(each) for each in PlanKind]
        outcome = await between(stage, kind, name, meanwhile)
        assert outcome.status is Status.REFUSED
        assert "have changed since the plan was made" in outcome.text
        for plan in plans:
            for entry in plan.entries:
                assert not (await stage.session.look(plan, entry)).allowed
    assert stage.spy.sent == []


async def test_a_missing_one_made_by_somebody_else_is_left_alone(tmp_path: Path) -> None:
    async def made(stage: Stage) -> None:
        await stage.somebody(Method.CREATE, LOST, manager="kustomize-controller")

    async with on_stage(tmp_path) as stage:
        outcome = await between(stage, PlanKind.REPLAY, "lost", made)
        assert await stage.managers(LOST) == [("kustomize-controller", "Update")]
    assert outcome.status is Status.REFUSED
    assert "made by kustomize-controller" in outcome.text
    assert stage.spy.sent == []


async def test_a_create_that_comes_second_stops_and_names_who_was_first(tmp_path: Path) -> None:
    async with on_stage(tmp_path, method="ssa") as stage:

        async def first(_: Request) -> None:
            await stage.somebody(Method.CREATE, LOST, manager="kustomize-controller")

        stage.spy.before = first
        outcome = await stage.do(PlanKind.REPLAY, "lost")
        assert await stage.managers(LOST) == [("kustomize-controller", "Update")]
    assert outcome.status is Status.FAILED
    assert outcome.text == (
        "Service flux-system/lost was made meanwhile by kustomize-controller: nothing was created over it"
    )
    assert len(stage.spy.sent) == 1


@pytest.mark.parametrize("name", ["gone", "kept", "bound"])
async def test_a_change_in_the_last_moment_is_refused_by_the_server(tmp_path: Path, name: str) -> None:
    body = next(each for each in STANDING if each["metadata"]["name"] == name)
    async with on_stage(tmp_path) as stage:

        async def edit(_: Request) -> None:
            await stage.somebody_edits(body, metadata={"annotations": {"touched": "just now"}})

        stage.spy.before = edit
        outcome = await stage.do(PlanKind.CLEANUP, name)
        after = await stage.there(body)
    assert outcome.status is Status.FAILED
    assert after["metadata"]["annotations"]["touched"] == "just now"
    assert after["metadata"]["annotations"]["meta.helm.sh/release-name"] == STALE
    assert len(stage.spy.sent) == 1


async def test_the_second_request_is_tried_again_while_a_controller_writes(tmp_path: Path) -> None:
    async with on_stage(tmp_path, method="ssa") as stage:
        times = 0

        async def write(request: Request) -> None:
            nonlocal times
            if request.method is Method.JSON_PATCH and times < 3:
                times += 1
                await stage.somebody_edits(LOST, metadata={"annotations": {"beat": str(times)}})

        stage.spy.before = write
        outcome = await stage.do(PlanKind.REPLAY, "lost")
        managers = await stage.managers(LOST)
    assert outcome.status is Status.DONE
    assert managers == [("helm", "Apply"), ("somebody", "Update")]
    assert [each.method for each in stage.spy.sent] == [Method.CREATE, *[Method.JSON_PATCH] * 4]


async def test_a_controller_that_never_rests_is_told_and_the_next_plan_offers_the_rest(tmp_path: Path) -> None:
    async with on_stage(tmp_path, method="ssa") as stage:

        async def write(request: Request) -> None:
            if request.method is Method.JSON_PATCH:
                await stage.somebody_edits(LOST, metadata={"annotations": {"beat": str(len(stage.spy.sent))}})

        stage.spy.before = write
        outcome = await stage.do(PlanKind.REPLAY, "lost")
        assert outcome.status is Status.FAILED
        assert "was written, but its fields were not handed over to helm" in outcome.text
        stage.spy.before = None
        again = await stage.do(PlanKind.CLEANUP, "lost")
        assert again.status is Status.DONE
        assert ("helm", "Update") not in await stage.managers(LOST)


async def test_the_second_request_never_touches_another_object_of_the_name(tmp_path: Path) -> None:
    async with on_stage(tmp_path, method="ssa") as stage:

        async def replaced(request: Request) -> None:
            if request.method is Method.CREATE:
                await stage.somebody(Method.DELETE, LOST)
                await stage.somebody(Method.CREATE, LOST, manager="helm")

        stage.spy.after = replaced
        outcome = await stage.do(PlanKind.REPLAY, "lost")
        assert await stage.managers(LOST) == [("helm", "Update")]
    assert outcome.status is Status.FAILED
    assert "another object now" in outcome.text
    assert [each.method for each in stage.spy.sent] == [Method.CREATE]


async def test_a_recreation_that_is_refused_puts_back_what_was_there(tmp_path: Path) -> None:
    async with on_stage(tmp_path) as stage:
        before = await stage.there(BOUND)
        refused = False

        async def break_it(request: Request) -> None:
            nonlocal refused
            if request.method is Method.CREATE and not refused:
                refused = True
                assert isinstance(request.body, dict)
                request.body["roleRef"] = {"kind": "Nonsense"}

        stage.spy.before = break_it
        outcome = await stage.do(PlanKind.CLEANUP, "bound")
        after = await stage.there(BOUND)
    assert outcome.status is Status.FAILED
    assert "ClusterRoleBinding bound was restored as it was" in outcome.text
    assert {k: after[k] for k in ("roleRef", "subjects")} == {k: before[k] for k in ("roleRef", "subjects")}
    assert after["metadata"]["annotations"] == before["metadata"]["annotations"]
    assert after["metadata"]["labels"] == before["metadata"]["labels"]
    assert [each.method for each in stage.spy.sent] == [Method.DELETE, Method.CREATE, Method.CREATE]


async def test_a_recreation_creates_nothing_over_what_somebody_made_meanwhile(tmp_path: Path) -> None:
    async with on_stage(tmp_path) as stage:

        async def again(request: Request) -> None:
            if request.method is Method.DELETE:
                await stage.somebody(Method.CREATE, BOUND, manager="kustomize-controller")

        stage.spy.after = again
        outcome = await stage.do(PlanKind.CLEANUP, "bound")
        assert await stage.managers(BOUND) == [("kustomize-controller", "Update")]
    assert outcome.status is Status.FAILED
    assert "made again by kustomize-controller" in outcome.text
    assert "is saved in" in outcome.text


async def test_an_owner_at_work_is_waited_for(tmp_path: Path) -> None:
    async with on_stage(tmp_path) as stage:
        outcome = await between(stage, PlanKind.CLEANUP, "gone", pending)
        assert outcome.status is Status.REFUSED
        await stage.somebody(Method.DELETE, release_record(revision=2))
        await stage.session.refresh()
        assert (await stage.do(PlanKind.CLEANUP, "gone")).status is Status.DONE


async def test_two_answers_at_once_are_carried_out_one_after_the_other(tmp_path: Path) -> None:
    async with on_stage(tmp_path) as stage:
        plan = await stage.session.plan(PlanKind.CLEANUP)
        asked = [await stage.session.look(plan, entry_of(plan, name)) for name in ("kept", "gone", "gone")]
        busy = 0

        async def begin(_: Request) -> None:
            nonlocal busy
            busy += 1
            assert busy == 1

        async def end(_: Request) -> None:
            nonlocal busy
            await asyncio.sleep(0)
            busy -= 1

        stage.spy.before, stage.spy.after = begin, end
        outcomes = await asyncio.gather(*(stage.session.carry_out(plan, each) for each in asked))
    assert [outcome.status for outcome in outcomes] == [Status.DONE, Status.DONE, Status.REFUSED]
    confirmed = [kind for kind in stage.told if kind in ("confirmed", "done", "refused")]
    assert confirmed == ["confirmed", "done", "confirmed", "done", "confirmed", "refused"]


async def test_a_plan_outlives_its_own_finished_changes_only(tmp_path: Path) -> None:
    async with on_stage(tmp_path) as stage:
        plan = await stage.session.plan(PlanKind.CLEANUP)
        for name in ("kept", "reader", "reads"):
            asked = await stage.session.look(plan, entry_of(plan, name))
            outcome = await stage.session.carry_out(plan, asked, asked.entry.typed)
            assert outcome.status is Status.DONE, outcome
        assert ACTIVE in str(await stage.there(KEPT))
        assert bare(KEPT)["metadata"]["name"] == ref_of(KEPT).name
        asked = await stage.session.look(plan, entry_of(plan, "kept"))
    assert not asked.allowed
    assert "no longer a candidate" in asked.refusal


def test_the_wreck_is_what_the_tests_take_it_for() -> None:
    names = [each["metadata"]["name"] for each in STANDING]
    assert names == ["kept", "gone", "bound", "reads", "reader"]
