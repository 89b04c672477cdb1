"""Repair, a chart's CRDs, reconcile, resume and remove-finalizer on a practice cluster, and what each leaves behind."""

import base64
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.clusters import obj
from tests.recovery.stage import (
    ACTIVE,
    Stage,
    entry_of,
    on_drill,
    on_stage,
    release_record,
)
from tui.objects import Json
from tui.ownership.liveness import REQUESTED_AT
from tui.recovery.outcome import Status
from tui.recovery.plan import Action, PlanKind
from tui.recovery.ports import Method, Request

METHODS = [("csa", "Update"), ("ssa", "Apply")]
PORTS = {"ports": [{"port": 80, "targetPort": 80, "protocol": "TCP"}], "selector": {"app": "web"}}
WEB = obj("Service", "web", release=ACTIVE, spec=PORTS)
OTHER = {**PORTS, "selector": {"app": "another"}}


async def drifted(stage: Stage, method: str, manager: str = "kubectl-edit") -> None:
    """The Service as its release made it, then changed by somebody else."""
    how = Method.APPLY if method == "ssa" else Method.CREATE
    await stage.somebody(how, WEB, manager="helm")
    await stage.somebody(Method.MERGE_PATCH, WEB, {"spec": {"selector": {"app": "another"}}}, manager)


@pytest.fixture(params=METHODS, ids=lambda pair: pair[0])
async def web(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[tuple[Stage, str, str]]:
    method, operation = request.param
    async with on_stage(tmp_path, method=method, listed=(WEB,), standing=()) as stage:
        yield stage, method, operation


async def test_a_repair_is_offered_beside_the_replay_and_not_part_of_it(web: tuple[Stage, str, str]) -> None:
    stage, method, _ = web
    await drifted(stage, method)
    plan = await stage.session.plan(PlanKind.REPLAY)
    assert plan.entries == ()
    (entry,) = plan.offered
    assert entry.action is Action.REPAIR
    assert "spec.selector.app" in entry.why


async def test_a_repair_over_a_persons_edit_is_forced_by_typing_the_name_alone(web: tuple[Stage, str, str]) -> None:
    stage, method, operation = web
    await drifted(stage, method)
    plan, asked = await stage.ask(PlanKind.REPLAY, "web")
    assert asked.allowed, asked.refusal
    assert asked.typed == "web"
    assert "kubectl-edit holds .spec.selector" in asked.dry_run
    assert any(line.startswith("+") and "app: web" in line for line in asked.diff)
    refused = await stage.session.carry_out(plan, asked, "")
    assert refused.status is Status.REFUSED
    assert stage.spy.sent == []
    done = await stage.session.carry_out(plan, asked, "web")
    assert done.status is Status.DONE, done.text
    after = await stage.there(WEB)
    assert after["spec"]["selector"] == {"app": "web"}
    assert ("helm", operation) in await stage.managers(WEB)
    held = [e for e in after["metadata"]["managedFields"] if e["manager"] == "helm"]
    assert len(held) == 1
    assert "f:selector" in str(held)
    assert "refloat" not in str(after["metadata"])
    saved = next(e for e in stage.journal.entries if e.kind == "saved").fields["backup"]
    assert stage.journal.recall(saved)["spec"]["selector"] == {"app": "another"}
    (first, *_) = stage.spy.sent
    assert (first.method, first.force, first.manager) == (Method.APPLY, True, "helm")


async def test_a_repair_that_meets_nobody_is_not_forced(web: tuple[Stage, str, str]) -> None:
    stage, method, operation = web
    how = Method.APPLY if method == "ssa" else Method.CREATE
    bare = {**WEB, "spec": {"ports": PORTS["ports"]}}
    await stage.somebody(how, bare, manager="helm")
    plan, asked = await stage.ask(PlanKind.REPLAY, "web")
    assert (asked.allowed, asked.typed, asked.conflicts) == (True, "", frozenset())
    outcome = await stage.session.carry_out(plan, asked)
    assert outcome.status is Status.DONE, outcome.text
    assert not any(request.force for request in stage.spy.sent)
    assert await stage.managers(WEB) == [("helm", operation)]


@pytest.mark.parametrize("manager", ["kustomize-controller", "pulumi-kubernetes-0a1b2c3d", "some-operator", "manager"])
async def test_nothing_is_taken_from_a_program(web: tuple[Stage, str, str], manager: str) -> None:
    stage, method, _ = web
    await drifted(stage, method, manager)
    plan = await stage.session.plan(PlanKind.REPLAY)
    if not plan.offered:
        # An owner that the contract knows by this manager: it is not even offered.
        assert manager in ("kustomize-controller", "pulumi-kubernetes-0a1b2c3d")
        assert "web" in {ref.name for ref, _ in plan.left_out}
        return
    asked = await stage.session.look(plan, entry_of(plan, "web"))
    assert not asked.allowed
    assert f"it would take fields from {manager}" in asked.refusal
    assert (await stage.session.carry_out(plan, asked, "web")).status is Status.REFUSED
    assert stage.spy.sent == []


async def test_one_who_came_to_hold_the_field_since_is_not_overridden(web: tuple[Stage, str, str]) -> None:
    stage, method, _ = web
    await drifted(stage, method)
    plan, asked = await stage.ask(PlanKind.REPLAY, "web")
    # The same value: nothing of what was shown has changed, but one more holds it now.
    same: Json = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "flux-system"}}
    await stage.somebody(Method.APPLY, WEB, same | {"spec": {"selector": {"app": "another"}}}, "some-operator")
    outcome = await stage.session.carry_out(plan, asked, "web")
    assert outcome.status is Status.REFUSED
    assert "some-operator" in outcome.text
    assert stage.spy.sent == []


async def test_a_repair_makes_nothing_where_the_object_is_gone_in_the_last_moment(web: tuple[Stage, str, str]) -> None:
    stage, method, _ = web
    await drifted(stage, method)

    async def gone(_: Request) -> None:
        await stage.somebody(Method.DELETE, WEB)

    stage.spy.before = gone
    outcome = await stage.do(PlanKind.REPLAY, "web")
    assert outcome.status is Status.FAILED
    assert await stage.get(WEB) is None


async def test_what_cannot_be_changed_in_place_is_refused_in_words(tmp_path: Path) -> None:
    spec: Json = {
        "selector": {"matchLabels": {"app": "a"}},
        "template": {"metadata": {"labels": {"app": "a"}}, "spec": {"containers": [{"name": "a", "image": "b"}]}},
    }
    wanted = obj("Deployment", "fixed", release=ACTIVE, spec=spec)
    other = {"matchLabels": {"app": "z"}}
    stands = {
        **wanted,
        "spec": {**spec, "selector": other, "template": {**spec["template"], "metadata": {"labels": {"app": "z"}}}},
    }
    async with on_stage(tmp_path, listed=(wanted,), standing=(stands,)) as stage:
        plan = await stage.session.plan(PlanKind.REPLAY)
    assert plan.offered == ()
    why = next(text for ref, text in plan.left_out if ref.name == "fixed")
    assert "cannot be changed in place" in why
    assert "spec.selector" in why


CRD: Json = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "berths.harbour.example"},
    "spec": {
        "group": "harbour.example",
        "names": {"kind": "Berth", "plural": "berths", "singular": "berth", "listKind": "BerthList"},
        "scope": "Namespaced",
        "versions": [
            {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object"}}}
        ],
    },
}


def with_crd(method: str) -> Json:
    import yaml

    data = base64.b64encode(yaml.safe_dump(CRD).encode()).decode()
    chart = {
        "metadata": {"name": "harbour", "version": "1.0.0"},
        "files": [{"name": "crds/berths.yaml", "data": data}],
    }
    return release_record(method, (), revision=2, chart=chart)


@pytest.mark.parametrize(("method", "operation"), METHODS)
async def test_a_crd_of_the_charts_folder_comes_back_unstamped_and_established(
    tmp_path: Path, method: str, operation: str
) -> None:
    async with on_stage(tmp_path, method=method, listed=(), standing=(with_crd(method),)) as stage:
        plan = await stage.session.plan(PlanKind.REPLAY)
        (entry,) = plan.entries
        assert entry.chart
        assert any("subcharts are not stored" in line for line in plan.advice)
        outcome = await stage.do(PlanKind.REPLAY, CRD["metadata"]["name"])
        assert outcome.status is Status.DONE, outcome.text
        made = await stage.there(CRD)
        assert await stage.managers(CRD) == [("helm", operation)]
        again = await stage.session.plan(PlanKind.REPLAY)
    assert "annotations" not in made["metadata"] or "meta.helm.sh/release-name" not in made["metadata"]["annotations"]
    assert {c["type"]: c["status"] for c in made["status"]["conditions"]}["Established"] == "True"
    assert again.entries == ()


GIT: Json = {
    "apiVersion": "source.toolkit.fluxcd.io/v1",
    "kind": "GitRepository",
    "metadata": {"name": "flux-system", "namespace": "flux-system"},
}
KUSTOMIZATION: Json = {
    "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
    "kind": "Kustomization",
    "metadata": {"name": "flux-system", "namespace": "flux-system"},
}


async def test_a_reconciliation_is_asked_for_and_waited_for(tmp_path: Path) -> None:
    async with on_drill(tmp_path, "healthy") as stage:
        outcome = await stage.do(PlanKind.MEND, "flux-system")
        after = await stage.there(GIT)
        managers = await stage.managers(GIT)
    assert outcome.status is Status.DONE, outcome.text
    assert "Ready is True" in outcome.text
    assert after["status"]["lastHandledReconcileAt"] == after["metadata"]["annotations"][REQUESTED_AT]
    assert "refloat" not in {name for name, _ in managers}
    assert ("flux", "Update") in managers


async def test_a_suspended_object_is_not_asked_but_offered_to_be_resumed(tmp_path: Path) -> None:
    async with on_drill(tmp_path, "healthy") as stage:
        await stage.somebody(Method.MERGE_PATCH, GIT, {"spec": {"suspend": True}}, "kubectl-edit")
        live = await stage.there(GIT)
        await stage.session.refresh()
        asked = await stage.session.plan_reconcile([_ref(live)])
        assert asked.entries == ()
        assert "resume it first" in asked.left_out[0][1]
        plan = await stage.session.plan(PlanKind.MEND)
        (entry,) = plan.entries
        assert entry.action is Action.RESUME
        assert "kubectl-edit" in entry.owner_now
        outcome = await stage.do(PlanKind.MEND, "flux-system")
        after = await stage.there(GIT)
        managers = await stage.managers(GIT)
    assert outcome.status is Status.DONE, outcome.text
    assert after["spec"]["suspend"] is False
    assert "refloat" not in {name for name, _ in managers}


def _ref(body: Json) -> Any:
    from tui.objects import Ref

    return Ref.of(body)


async def test_one_that_is_suspended_between_the_question_and_the_answer_is_refused(tmp_path: Path) -> None:
    async with on_drill(tmp_path, "healthy") as stage:
        plan, asked = await stage.ask(PlanKind.MEND, "flux-system")
        await stage.somebody(Method.MERGE_PATCH, GIT, {"spec": {"suspend": True}}, "kubectl-edit")
        outcome = await stage.session.carry_out(plan, asked)
    assert outcome.status is Status.REFUSED
    assert stage.spy.sent == []


async def test_a_request_that_nobody_answers_is_told_and_not_called_done(tmp_path: Path) -> None:
    async with on_drill(tmp_path, "controllers-missing") as stage:
        scaled = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "source-controller"}}
        scaled["metadata"]["namespace"] = "flux-system"  # type: ignore[index] # a mapping inside a mapping
        assert await stage.get(scaled) is None
        outcome = await stage.do(PlanKind.MEND, "flux-system")
    assert outcome.status is Status.FAILED
    assert "is asked to reconcile, and nobody has answered" in outcome.text


HELD = "archive.harbour-freight.dev/export"
BOX = obj("ConfigMap", "box", "apps", finalizers=[HELD])


async def waiting(stage: Stage, manager: str, finalizers: list[str]) -> None:
    body = {**BOX, "metadata": {"name": "box", "namespace": "apps"}, "data": {"a": "b"}}
    await stage.somebody(Method.CREATE, body, manager="kubectl-create")
    await stage.somebody(Method.MERGE_PATCH, body, {"metadata": {"finalizers": finalizers}}, manager)
    await stage.somebody(Method.DELETE, body)


async def test_a_finalizer_of_a_controller_that_is_gone_is_removed_by_name(tmp_path: Path) -> None:
    async with on_stage(tmp_path, standing=()) as stage:
        await waiting(stage, "harbour-freight-archiver", [HELD])
        plan, asked = await stage.ask(PlanKind.MEND, "box")
        assert asked.allowed, asked.refusal
        assert (asked.entry.action, asked.entry.finalizer, asked.typed) == (Action.UNFINALIZE, HELD, "box")
        assert (await stage.session.carry_out(plan, asked, "")).status is Status.REFUSED
        outcome = await stage.session.carry_out(plan, asked, "box")
        assert outcome.status is Status.DONE, outcome.text
        assert await stage.get(BOX) is None


async def test_only_the_one_finalizer_goes_and_no_manager_is_left(tmp_path: Path) -> None:
    other = "kubernetes.io/stays"
    async with on_stage(tmp_path, standing=()) as stage:
        await waiting(stage, "harbour-freight-archiver", [other, HELD])
        outcome = await stage.do(PlanKind.MEND, "box")
        assert outcome.status is Status.DONE, outcome.text
        after = await stage.there(BOX)
        assert after["metadata"]["finalizers"] == [other]
        assert "refloat" not in {name for name, _ in await stage.managers(BOX)}


@pytest.mark.parametrize(
    ("manager", "finalizer", "told"),
    [
        ("kubectl-edit", HELD, "set by hand"),
        ("manager", HELD, "any program may be called"),
        ("harbour-freight-archiver", "kubernetes.io/whatever", "Kubernetes' own"),
        ("harbour-freight-archiver", "finalizer.managedresource.crossplane.io", "outside of the cluster"),
    ],
)
async def test_what_is_not_proven_is_left_and_told(tmp_path: Path, manager: str, finalizer: str, told: str) -> None:
    async with on_stage(tmp_path, standing=()) as stage:
        await waiting(stage, manager, [finalizer])
        plan = await stage.session.plan(PlanKind.MEND)
    assert plan.entries == ()
    assert told in next(why for ref, why in plan.left_out if ref.name == "box")


async def test_a_controller_that_comes_back_between_the_question_and_the_answer_keeps_its_finalizer(
    tmp_path: Path,
) -> None:
    template = {
        "metadata": {"labels": {"app": "x"}},
        "spec": {"containers": [{"name": "a", "image": "harbour-freight/x"}]},
    }
    back = obj(
        "Deployment",
        "archiver",
        "apps",
        spec={"replicas": 0, "selector": {"matchLabels": {"app": "x"}}, "template": template},
    )
    async with on_stage(tmp_path, standing=()) as stage:
        await waiting(stage, "harbour-freight-archiver", [HELD])
        plan, asked = await stage.ask(PlanKind.MEND, "box")
        await stage.somebody(Method.CREATE, back)
        outcome = await stage.session.carry_out(plan, asked, "box")
        assert outcome.status is Status.REFUSED
        assert "Deployment apps/archiver may answer" in outcome.text
        assert (await stage.there(BOX))["metadata"]["finalizers"] == [HELD]
    assert stage.spy.sent == []


@pytest.mark.parametrize("ends", [True, False])
async def test_an_owner_at_work_is_waited_for_up_to_a_deadline(tmp_path: Path, *, ends: bool) -> None:
    told: list[str] = []
    looks = 0

    async def pause(_: float) -> None:
        nonlocal looks
        looks += 1
        if ends and looks == 3:
            _told(stage, "False")

    async with on_drill(tmp_path, "stale-release", pause=pause) as stage:
        plan = await stage.session.plan(PlanKind.CLEANUP)
        asked = await stage.session.look(plan, plan.entries[0])
        stage.session.progress = told.append
        _told(stage, "True")
        outcome = await stage.session.carry_out(plan, asked, asked.typed)
    assert outcome.status is (Status.DONE if ends else Status.REFUSED), outcome.text
    assert told[0].startswith("waiting: Kustomization flux-system/flux-system is applying a change")
    assert (looks == 3) is ends
    assert bool(stage.spy.sent) is ends


def _told(stage: Stage, reconciling: str) -> None:
    """What kustomize-controller says of a revision that it has never finished with."""
    live = stage.cluster.world.get("kustomize.toolkit.fluxcd.io", "kustomizations", "flux-system", "flux-system")
    assert live is not None
    condition = {
        "type": "Reconciling",
        "status": reconciling,
        "reason": "Progressing",
        "message": "Fetching manifests for revision main@sha1:new with a timeout of 10m0s",
    }
    rest = [each for each in live["status"]["conditions"] if each["type"] != "Reconciling"]
    stage.cluster.runner.write(live | {"status": live["status"] | {"conditions": [*rest, condition]}}, "k", "status")


async def test_a_question_waits_for_an_owner_too_and_only_the_first_one_so_long(tmp_path: Path) -> None:
    looks, ends = 0, 3

    async def pause(_: float) -> None:
        nonlocal looks
        looks += 1
        if looks == ends:
            _told(stage, "False")

    async with on_drill(tmp_path, "stale-release", pause=pause) as stage:
        plan = await stage.session.plan(PlanKind.CLEANUP)
        _told(stage, "True")
        asked = await stage.session.look_when_free(plan, plan.entries[0])
        assert (asked.allowed, asked.busy, looks) == (True, False, ends)
        _told(stage, "True")
        looks, ends = 0, 10_000
        asked = await stage.session.look_when_free(plan, plan.entries[0])
        assert (asked.allowed, asked.busy) == (False, True)
        assert looks > 1
        looks = 0
        assert (await stage.session.look_when_free(plan, plan.entries[1])).busy
        assert looks == 0
    assert not any(not each.dry_run for each in stage.spy.sent)
