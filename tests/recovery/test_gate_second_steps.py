"""The second request of an entry: it says who holds the fields, or makes again what was deleted, and nothing else."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from tests.clusters import FAMILY, contract, document, inventory, obj, record
from tui.objects import Json
from tui.ownership.assess import assess
from tui.recovery import requests, undo
from tui.recovery.gate import Admitted, Refusal, admit_follow_up, admit_recreation
from tui.recovery.plan import Entry, PlanKind
from tui.recovery.planner import plan
from tui.recovery.ports import Method, Request

ACTIVE, STALE = "gitops-flux-0000aaaa", "gitops-flux-ffff0000"
KEPT = obj("ServiceAccount", "kept", release=STALE)
BOUND = obj(
    "ClusterRoleBinding",
    "bound",
    release=STALE,
    roleRef={"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "old"},
    subjects=[{"kind": "ServiceAccount", "name": "nobody", "namespace": "apps"}],
)
OTHER_ROLE = {**BOUND, "roleRef": {**BOUND["roleRef"], "name": "new"}}
GONE = obj("NetworkPolicy", "gone", release=STALE, spec={"podSelector": {"matchLabels": {"app": "nothing"}}})
BODIES = [record(ACTIVE, documents=[document(KEPT), document(OTHER_ROLE)]), KEPT, BOUND, GONE]


def entry_named(name: str) -> Entry:
    rules = contract()
    found = plan(PlanKind.CLEANUP, rules, assess(rules, inventory(BODIES), today=date(2026, 2, 1)))
    return next(entry for entry in found.entries if entry.ref.name == name)


def follow_up(entry: Entry, *steps: Any) -> Request:
    return Request(Method.JSON_PATCH, entry.ref, list(steps), "helm")


def managed(name: str, *fields: str, operation: str = "Update", **more: Any) -> Json:
    held: Json = {f"f:{field}": {} for field in fields}
    return {"manager": name, "operation": operation, "apiVersion": "v1", "fieldsV1": held, **more}


FOREIGN = managed("kustomize-controller", "data", operation="Apply")
STATUS = managed("kube-controller-manager", "status", subresource="status")


def version_step(value: str) -> Json:
    return {"op": "replace", "path": "/metadata/resourceVersion", "value": value}


def managers_step(*entries: Any) -> Json:
    return {"op": "replace", "path": "/metadata/managedFields", "value": list(entries)}


def handed(*held: Json) -> tuple[Entry, Json]:
    """An adopted object and its entry; ``helm`` and ``kubectl apply`` hold it beside whoever is given."""
    live = KEPT
    wrote = managed("helm", "metadata"), managed("kubectl-client-side-apply", "secrets")
    return entry_named("kept"), {**live, "metadata": {**live["metadata"], "managedFields": [*wrote, *held]}}


def test_a_second_step_says_who_manages_and_nothing_else() -> None:
    entry, live = handed(FOREIGN, STATUS)
    uid, version = live["metadata"]["uid"], version_step("1")
    gathered = managers_step(managed("helm", "metadata", "secrets", operation="Apply"), FOREIGN, STATUS)
    right = follow_up(entry, gathered, version)
    assert admit_follow_up(entry, uid, live, right, None) == Admitted(right)
    assert isinstance(admit_follow_up(entry, "another", live, right, None), Refusal)
    for wrong in (
        follow_up(entry, gathered),
        follow_up(entry, version_step("2"), gathered),
        follow_up(entry, gathered, version_step("2")),
        follow_up(entry, gathered, version, {"op": "remove", "path": "/spec"}),
        follow_up(entry, {"op": "remove", "path": "/metadata/managedFields"}, version),
        follow_up(entry, {"op": "copy", "from": "/metadata/labels", "path": "/metadata/managedFields"}, version),
        replace(right, method=Method.MERGE_PATCH),
        replace(right, ref=entry_named("gone").ref),
        replace(right, dry_run=True),
    ):
        assert isinstance(admit_follow_up(entry, uid, live, wrong, None), Refusal)


@pytest.mark.parametrize(
    "held",
    [
        [],
        [{}],
        [managed("helm", "metadata", "secrets"), FOREIGN],
        [managed("helm", "metadata", "secrets"), STATUS],
        [managed("helm", "metadata"), FOREIGN, STATUS],
        [managed("helm", "metadata", "secrets", "data", operation="Apply"), STATUS],
        [managed("helm", "metadata", "secrets", "spec"), FOREIGN, STATUS],
        [managed("helm", "metadata", "secrets"), managed("kustomize-controller", "secrets", "data"), STATUS],
        [managed("refloat", "metadata", "secrets"), FOREIGN, STATUS],
    ],
    ids=["nobody", "cleared", "no-status", "no-other", "lost", "taken", "invented", "given", "ours"],
)
def test_a_second_step_leaves_every_field_with_whom_it_belongs_to(held: list[Json]) -> None:
    entry, live = handed(FOREIGN, STATUS)
    wrong = follow_up(entry, managers_step(*held), version_step("1"))
    for request in (wrong, replace(wrong, manager="refloat"), replace(wrong, manager="")):
        assert isinstance(admit_follow_up(entry, live["metadata"]["uid"], live, request, None), Refusal)


def test_a_second_step_gathers_what_the_stamp_s_former_holder_had() -> None:
    entry, live = handed(managed("old-helm", "data"))
    right = follow_up(entry, managers_step(managed("helm", "metadata", "secrets", "data")), version_step("1"))
    uid = live["metadata"]["uid"]
    assert isinstance(admit_follow_up(entry, uid, live, right, None), Refusal)
    stamp: Json = {"f:metadata": {"f:annotations": {"f:meta.helm.sh/release-name": {}}}}
    fields = [{**managed("old-helm"), "fieldsV1": stamp}]
    before = {**live, "metadata": {**live["metadata"], "managedFields": fields}}
    assert admit_follow_up(entry, uid, live, right, before) == Admitted(right)


def test_a_recreation_creates_its_own_object_where_nothing_stands() -> None:
    entry, before, space = entry_named("bound"), BOUND, FAMILY.namespace
    right = requests.create(entry, requests.replayed(entry, space), "helm", dry_run=False)
    back = requests.create(entry, undo.restorable(before), "helm", dry_run=False)
    for request in (right, back):
        assert admit_recreation(entry, None, request, space, before) == Admitted(request)
    again = obj("ClusterRoleBinding", "bound", managers=[("kustomize-controller", "Apply")])
    refusal = admit_recreation(entry, again, right, space, before)
    assert isinstance(refusal, Refusal)
    assert "kustomize-controller" in refusal.why
    assert isinstance(right.body, dict)
    for wrong in (
        replace(right, method=Method.DELETE),
        replace(right, dry_run=True),
        replace(right, manager="refloat"),
        replace(right, body=right.body | {"subjects": [{"kind": "Group", "name": "system:authenticated"}]}),
        replace(right, body=right.body | {"roleRef": {"kind": "ClusterRole", "name": "cluster-admin"}}),
        replace(right, ref=replace(right.ref, api_version="rbac.authorization.k8s.io/v1beta1")),
    ):
        assert isinstance(admit_recreation(entry, None, wrong, space, before), Refusal)
    assert isinstance(admit_recreation(entry, None, back, space, None), Refusal)
    assert isinstance(admit_recreation(entry_named("gone"), None, right, space, before), Refusal)
