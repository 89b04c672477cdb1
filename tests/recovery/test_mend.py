"""The plan of a mend: what is offered, what is left and why; and when a finalizer's controller is proven to be gone."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.clusters import contract, document, inventory, obj, record
from tui.contract.model import Contract, Owner, Reconcile
from tui.objects import Gap, Inventory, Json, Key, KindKey, Live, Ref
from tui.ownership.assess import assess
from tui.recovery import mend_finalizers
from tui.recovery.mend import reconcile_plan
from tui.recovery.mend_flux import why_not_reconcile, why_not_resume
from tui.recovery.plan import Action, Plan, PlanKind
from tui.recovery.planner import plan

ACTIVE, STALE = "gitops-flux-0000aaaa", "gitops-flux-ffff0000"
NOW = datetime(2026, 2, 1, tzinfo=UTC)
ASKED = Reconcile(kind="GitRepository", namespace="flux-system", name="flux-system")


def rules() -> Contract:
    base = contract()
    flux = base.owners["flux"]
    return contract(owners={**base.owners, "flux": Owner("flux", "Flux", flux.marks, ASKED)})


def mend(*bodies: Json, gaps: tuple[Gap, ...] = ()) -> Plan:
    found = assess(rules(), inventory([record(ACTIVE), *bodies], gaps), today=date(2026, 2, 1))
    return plan(PlanKind.MEND, rules(), found, now=NOW)


def git(**spec: Any) -> Json:
    return obj("GitRepository", "flux-system", spec=spec)


def failing(kind: str, name: str, **spec: Any) -> Json:
    ready = {"type": "Ready", "status": "False", "reason": "BuildFailed", "message": "it does not build"}
    return obj(kind, name, spec=spec, status={"conditions": [ready]})


def test_a_suspended_object_is_resumed_and_told_what_follows() -> None:
    body = obj("Kustomization", "apps", spec={"suspend": True, "prune": True})
    body["metadata"]["managedFields"] = [
        {
            "manager": "kubectl-edit",
            "operation": "Update",
            "time": "2026-01-01T00:00:00Z",
            "fieldsV1": {"f:spec": {"f:suspend": {}}},
        }
    ]
    (entry,) = mend(body).entries
    assert (entry.action, entry.family, entry.typed) == (Action.RESUME, "", "")
    assert entry.owner_now == "suspended by field manager kubectl-edit (Update at 2026-01-01T00:00:00Z)"
    assert "what has left its source since is pruned" in entry.then


def test_one_that_a_tool_applies_suspended_will_be_suspended_again() -> None:
    body = git(suspend=True)
    body["metadata"]["managedFields"] = [
        {"manager": "kustomize-controller", "operation": "Apply", "fieldsV1": {"f:spec": {"f:suspend": {}}}}
    ]
    (entry,) = mend(body).entries
    assert "kustomize-controller applies it suspended" in entry.then


def test_what_fails_to_apply_is_asked_again_and_the_contracts_owner_is_only_offered() -> None:
    found = mend(git(), failing("Kustomization", "apps", prune=False))
    assert [entry.id for entry in found.entries] == [
        "reconcile kustomize.toolkit.fluxcd.io/Kustomization flux-system/apps"
    ]
    assert "it does not build" in found.entries[0].why
    assert [entry.ref.kind for entry in found.offered] == ["GitRepository"]


def test_what_fails_while_it_is_suspended_is_resumed_and_not_asked() -> None:
    found = mend(failing("Kustomization", "apps", suspend=True))
    assert [entry.action for entry in found.entries] == [Action.RESUME]


def test_an_object_that_is_not_there_or_suspended_is_left_out_with_the_reason() -> None:
    seen = inventory([record(ACTIVE), git(suspend=True)])
    found = assess(rules(), seen, today=date(2026, 2, 1))
    missing = Ref("kustomize.toolkit.fluxcd.io/v1", "Kustomization", "flux-system", "none")
    there = next(live.ref for live in seen.objects.values() if live.ref.kind == "GitRepository")
    made = reconcile_plan(rules(), found, [missing, there], NOW)
    assert made.entries == ()
    why = {ref.kind: text for ref, text in made.left_out}
    assert "does not exist, or was not read" in why["Kustomization"]
    assert "resume it first" in why["GitRepository"]


@pytest.mark.parametrize("kind", ["Deployment", "ConfigMap", "ReplicaSet"])
def test_only_flux_objects_are_asked_and_resumed(kind: str) -> None:
    live = Live.of(obj(kind, "x", spec={"suspend": True}))
    assert "no object" in why_not_reconcile(live)
    assert "no object of Flux" in why_not_resume(live)


def test_only_metadata_is_no_proof_that_something_is_not_suspended() -> None:
    live = Live.of(git(), keep_body=False)
    assert "could not verify" in why_not_reconcile(live)
    assert "could not verify" in why_not_resume(live)


def test_blockers_are_told_with_the_reason_and_the_way() -> None:
    hook = {
        "name": "deny.example",
        "failurePolicy": "Fail",
        "clientConfig": {"service": {"namespace": "flux-system", "name": "gone"}},
        "rules": [{"apiGroups": ["apps"], "resources": ["deployments"]}],
    }
    leftover = obj("ValidatingWebhookConfiguration", "leftover", release=STALE, webhooks=[hook])
    theirs = obj("ValidatingWebhookConfiguration", "theirs", webhooks=[hook])
    dying = obj("Namespace", "old", deleting=True, status={"conditions": []})
    down = obj(
        "APIService",
        "v1.metrics.example",
        spec={"group": "metrics.example"},
        status={"conditions": [{"type": "Available", "status": "False", "reason": "MissingEndpoints"}]},
    )
    why = {ref.name: text for ref, text in mend(leftover, theirs, dying, down).left_out}
    assert "the step Cleanup deletes it" in why["leftover"]
    assert "kubectl get validatingwebhookconfiguration" in why["theirs"]
    assert "kubectl get namespace old -o yaml" in why["old"]
    assert "kubectl get apiservice v1.metrics.example -o yaml" in why["v1.metrics.example"]


@pytest.mark.parametrize(
    ("status", "line"),
    [
        ("pending-upgrade", f"helm rollback {ACTIVE} -n flux-system"),
        ("pending-install", f"helm status {ACTIVE} -n flux-system"),
        ("pending-rollback", f"helm history {ACTIVE} -n flux-system"),
        ("uninstalling", f"helm status {ACTIVE} -n flux-system"),
    ],
)
def test_a_pending_release_is_told_in_plain_words_with_the_next_safe_command(status: str, line: str) -> None:
    found = mend(record(ACTIVE, 2, status))
    (told,) = [why for _, why in found.left_out if "revision 2" in why]
    assert line in told
    assert "killed in the middle" in told


def test_what_another_step_mends_is_told_so() -> None:
    bound = obj(
        "ClusterRoleBinding",
        "bound",
        release=ACTIVE,
        roleRef={"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "before"},
        subjects=[],
    )
    wanted = {**bound, "roleRef": {**bound["roleRef"], "name": "after"}}
    listed = record(
        ACTIVE,
        documents=[document(wanted), {"apiVersion": "harbour.example/v1", "kind": "Berth", "metadata": {"name": "b"}}],
    )
    found = assess(rules(), inventory([listed, bound]), today=date(2026, 2, 1))
    why = {ref.name: text for ref, text in plan(PlanKind.MEND, rules(), found).left_out}
    assert "the step Cleanup recreates the binding" in why["bound"]
    assert "the step Replay brings back the CRD" in why["b"]


HELD = "archive.harbour-freight.dev/export"
PODS = {"containers": [{"name": "a", "image": "registry.example/harbour-freight/archiver:1"}]}


def box(manager: str = "harbour-freight-archiver", finalizer: str = HELD, kind: str = "ConfigMap") -> Json:
    body = obj(kind, "box", "apps", finalizers=[finalizer], deleting=True)
    fields: Json = {"f:metadata": {"f:finalizers": {".": {}, f'v:"{finalizer}"': {}}}}
    mine = {"manager": "kubectl-create", "operation": "Update", "fieldsV1": {"f:data": {}}}
    body["metadata"]["managedFields"] = [mine, {"manager": manager, "operation": "Update", "fieldsV1": fields}]
    return body


def test_the_controller_of_a_finalizer_is_proven_absent_and_the_name_is_to_be_typed() -> None:
    (entry,) = mend(box()).entries
    assert (entry.action, entry.finalizer, entry.typed) == (Action.UNFINALIZE, HELD, "box")
    assert "a program outside of the cluster could not be seen" in entry.why


def workload(kind: str, **parts: Any) -> Json:
    path = {"Pod": {}, "CronJob": {"jobTemplate": {"spec": {"template": {"spec": PODS}}}}}.get(
        kind, {"template": {"spec": PODS}}
    )
    return obj(
        kind,
        parts.pop("name", "thing"),
        parts.pop("namespace", "elsewhere"),
        spec=PODS if kind == "Pod" else path,
        **parts,
    )


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Pod", "Job", "CronJob"])
def test_any_workload_that_may_be_the_controller_keeps_the_finalizer(kind: str) -> None:
    found = mend(box(), workload(kind))
    assert found.entries == ()
    assert f"{kind} elsewhere/thing may answer" in {r.name: w for r, w in found.left_out}["box"]


def test_one_that_is_scaled_to_zero_may_come_back() -> None:
    asleep = workload("Deployment")
    asleep["spec"]["replicas"] = 0
    assert mend(box(), asleep).entries == ()


@pytest.mark.parametrize(
    "gap",
    [
        Gap("apps", "Deployment", "elsewhere", "forbidden"),
        Gap("", "Pod", None, "forbidden"),
        Gap("batch", None, None, "discovery failed"),
        Gap("admissionregistration.k8s.io", "ValidatingWebhookConfiguration", None, "forbidden"),
        Gap("coordination.k8s.io", "Lease", None, "forbidden"),
    ],
    ids=lambda gap: gap.text,
)
def test_what_could_not_be_read_proves_nothing(gap: Gap) -> None:
    found = mend(box(), gaps=(gap,))
    assert [entry for entry in found.entries if entry.action is Action.UNFINALIZE] == []
    assert "could not prove" in {r.name: w for r, w in found.left_out}["box"]


def with_lease(age: int) -> Inventory:
    seen = inventory([box()])
    for name, minutes in (("harbour-freight-leader", age), ("node", 0)):
        when = f"2026-01-01T{(720 - minutes) // 60:02}:{(720 - minutes) % 60:02}:00Z"
        body = {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": name, "namespace": "elsewhere"},
            "spec": {"renewTime": when, "holderIdentity": "x"},
        }
        seen.objects[Key("coordination.k8s.io", "Lease", "elsewhere", name)] = Live.of(body)
    return seen


@pytest.mark.parametrize(("age", "absent"), [(0, False), (9, False), (11, True), (600, True)])
def test_a_lease_that_is_still_renewed_tells_of_a_controller_that_runs_anywhere(age: int, *, absent: bool) -> None:
    seen = with_lease(age)
    live = next(each for each in seen.objects.values() if each.ref.name == "box")
    assert mend_finalizers.proof_of(seen, live, HELD).absent is absent


@pytest.mark.parametrize(
    "kind", ["Namespace", "PersistentVolumeClaim", "CustomResourceDefinition", "Kustomization", "GitRepository"]
)
def test_some_kinds_keep_their_finalizers_whatever_is_proven(kind: str) -> None:
    found = mend(box(kind=kind))
    assert [entry for entry in found.entries if entry.action is Action.UNFINALIZE] == []
    seen = inventory([box(kind=kind)])
    (live,) = seen.objects.values()
    assert "removed here" in mend_finalizers.why_not(seen, live, HELD)


def test_a_stack_keeps_its_finalizer() -> None:
    ref = Ref("pulumi.com/v1", "Stack", "pulumi-system", "s")
    assert mend_finalizers.why_never(ref)
    assert mend_finalizers.why_never(Ref("auto.pulumi.com/v1alpha1", "Workspace", "x", "s"))


FINALIZERS = st.sampled_from(
    [
        HELD,
        "finalizers.fluxcd.io",
        "finalizer.stack.pulumi.com",
        "foregroundDeletion",
        "orphan",
        "kubernetes.io/pvc-protection",
        "service.kubernetes.io/load-balancer-cleanup",
        "customresourcecleanup.apiextensions.k8s.io",
        "finalizer.managedresource.crossplane.io",
        "elbv2.k8s.aws/resources",
        "controller.io/x",
        "io/x",
        "",
    ]
)
KINDS = st.sampled_from(
    [
        "ConfigMap",
        "Namespace",
        "PersistentVolumeClaim",
        "Kustomization",
        "HelmRelease",
        "Secret",
        "CustomResourceDefinition",
    ]
)
MANAGERS = st.sampled_from(
    ["harbour-freight-archiver", "kubectl-edit", "kubectl", "manager", "unknown", "", "controller"]
)


@given(
    KINDS,
    FINALIZERS,
    MANAGERS,
    st.booleans(),
    st.booleans(),
    st.sets(st.sampled_from(["Pod", "Deployment", "ReplicaSet"])),
)
def test_a_finalizer_is_removed_only_where_all_of_it_is_proven(
    kind: str, finalizer: str, manager: str, deleting: bool, runs: bool, unread: set[str]
) -> None:
    body = box(manager, finalizer, kind)
    if not deleting:
        del body["metadata"]["deletionTimestamp"]
    gaps = tuple(Gap("" if each == "Pod" else "apps", each, None, "forbidden") for each in sorted(unread))
    seen = inventory([body, *([workload("StatefulSet")] if runs else [])], gaps)
    live = next(each for each in seen.objects.values() if each.ref.name == "box")
    why = mend_finalizers.why_not(seen, live, finalizer)
    proven = (
        kind in ("ConfigMap", "Secret")
        and finalizer == HELD
        and manager == "harbour-freight-archiver"
        and deleting
        and not runs
        and not unread
    )
    assert (why == "") is proven


def test_a_patch_removes_exactly_one_finalizer_of_the_object_that_was_read() -> None:
    body = box()
    body["metadata"]["finalizers"] = ["a/b", HELD]
    assert mend_finalizers.removal(body, HELD) == [
        {"op": "test", "path": "/metadata/uid", "value": body["metadata"]["uid"]},
        {"op": "test", "path": "/metadata/finalizers/1", "value": HELD},
        {"op": "remove", "path": "/metadata/finalizers/1"},
        {"op": "replace", "path": "/metadata/resourceVersion", "value": "1"},
    ]
    assert KindKey("", "ConfigMap") == Live.of(body).ref.kind_key
