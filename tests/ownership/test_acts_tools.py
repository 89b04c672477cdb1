"""What tools do that are known by a mark alone, what the garbage collector does, and owners that nobody knows."""

from typing import Any

import pytest

from tests.clusters import FLUX_SYSTEM, obj, uid_of
from tests.ownership.acting import KEEP, KUSTOMIZE, consequences, effects, held, of_act, thing, told
from tests.ownership.flux_world import helm_release, kustomization
from tests.ownership.judging import gap
from tui.objects import Json
from tui.ownership.acts.model import Act

DELETES, KEEPS, UNKNOWN = "deletes", "keeps", "unknown"
ORPHAN = "kapp.k14s.io/delete-strategy"


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({"managers": [("pulumi-kubernetes", "Apply")]}, {("Pulumi", "destroy"): UNKNOWN}),
        ({"managers": [("pulumi-kubernetes-1a2b3c4d", "Apply")]}, {("Pulumi", "destroy"): UNKNOWN}),
        ({"labels": {"app.kubernetes.io/managed-by": "pulumi"}}, {("Pulumi", "destroy"): UNKNOWN}),
        ({"managers": [("HashiCorp", "Update")]}, {("Terraform", "destroy"): DELETES}),
        ({"managers": [("Terraform", "Apply")]}, {("Terraform", "destroy"): UNKNOWN}),
        ({"managers": [("kubectl-client-side-apply", "Update")]}, {}),
        (
            {"labels": {"kapp.k14s.io/app": "17"}},
            {("kapp app 17", "prune"): DELETES, ("kapp app 17", "delete-owner"): DELETES},
        ),
        (
            {"labels": {"kapp.k14s.io/app": "17"}, "annotations": {ORPHAN: "orphan"}},
            {("kapp app 17", "prune"): KEEPS, ("kapp app 17", "delete-owner"): KEEPS},
        ),
        (
            {"labels": {"kapp.k14s.io/app": "17"}, "annotations": {ORPHAN: "Orphan", **KEEP}},
            {("kapp app 17", "prune"): DELETES, ("kapp app 17", "delete-owner"): DELETES},
        ),
        ({"labels": {"crossplane.io/composite": "db"}}, {("Crossplane composite db", "prune"): UNKNOWN}),
        ({"labels": {"applyset.kubernetes.io/part-of": "set-1"}}, {("ApplySet set-1", "prune"): DELETES}),
        ({"labels": {"addonmanager.kubernetes.io/mode": "Reconcile"}}, {("the addon manager", "prune"): DELETES}),
        ({"labels": {"addonmanager.kubernetes.io/mode": "EnsureExists"}}, {("the addon manager", "prune"): KEEPS}),
    ],
)
def test_each_tool_is_told_by_its_mark(parts: Json, expected: dict[tuple[str, str], str]) -> None:
    assert effects(thing(**parts)) == expected


@pytest.mark.parametrize("annotations", [KEEP, {f"{KUSTOMIZE}prune": "disabled"}, {ORPHAN: "orphan"}])
def test_no_annotation_stops_a_program(annotations: dict[str, str]) -> None:
    """What spares a resource of Pulumi's or Terraform's is in their own state and code."""
    assert effects(thing(annotations=annotations, managers=[("pulumi-kubernetes", "Apply")])) == {
        ("Pulumi", "destroy"): UNKNOWN
    }
    assert effects(thing(annotations=annotations, managers=[("HashiCorp", "Update")])) == {
        ("Terraform", "destroy"): DELETES
    }


def test_the_way_out_of_pulumi_s_state_is_named() -> None:
    found = of_act(Act.DESTROY, thing(managers=[("pulumi-kubernetes", "Apply")]))
    assert "the state is not in the cluster" in found.because
    assert (
        found.keep == "retainOnDelete in the state, by an update before it leaves the program; or pulumi state delete"
    )


def test_an_orphan_strategy_set_by_kubectl_does_not_last_under_a_kustomization() -> None:
    labels = {"kapp.k14s.io/app": "17", f"{KUSTOMIZE}name": "sync", f"{KUSTOMIZE}namespace": FLUX_SYSTEM}
    body = held(thing(labels=labels, annotations={ORPHAN: "orphan"}), ORPHAN, ("kubectl-annotate", "Update"))
    assert effects(body)["kapp app 17", "prune"] == KEEPS
    assert effects(body, kustomization(body))["kapp app 17", "prune"] == DELETES


def csv(*finalizers: str) -> Json:
    meta = {"name": "op.v1", "namespace": "operators", "uid": "uid-op", "finalizers": list(finalizers)}
    return {"apiVersion": "operators.coreos.com/v1alpha1", "kind": "ClusterServiceVersion", "metadata": meta}


OLM = {"olm.owner": "op.v1", "olm.owner.namespace": "operators", "olm.owner.kind": "ClusterServiceVersion"}


@pytest.mark.parametrize(
    ("kind", "others", "effect"),
    [
        ("ClusterRole", [csv("operators.coreos.com/csv-cleanup")], DELETES),
        ("ClusterRole", [csv()], KEEPS),
        ("ClusterRole", [], UNKNOWN),
        ("ConfigMap", [csv("operators.coreos.com/csv-cleanup")], UNKNOWN),
        ("CustomResourceDefinition", [csv("operators.coreos.com/csv-cleanup")], KEEPS),
    ],
)
def test_an_operator_s_deletion_takes_its_cluster_roles_by_their_labels(
    kind: str, others: list[Json], effect: str
) -> None:
    body = obj(kind, "made", labels=OLM)
    assert effects(body, *others) == {("ClusterServiceVersion operators/op.v1", "delete-owner"): effect}


# Owner references.


def owned(*parents: tuple[str, str], uid: str = "", **parts: Any) -> Json:
    body = obj("ReplicaSet", "made", spec={}, **parts)
    body["metadata"]["ownerReferences"] = [
        {
            "apiVersion": "apps/v1",
            "kind": kind,
            "name": name,
            "uid": uid or uid_of(kind, FLUX_SYSTEM, name),
            "controller": False,
        }
        for kind, name in parents
    ]
    return body


WEB, SHOP = obj("Deployment", "web", spec={}), obj("Deployment", "shop", spec={})


def test_the_garbage_collector_deletes_it_with_its_last_owner() -> None:
    body = owned(("Deployment", "web"))
    assert effects(body, WEB) == {(f"Deployment {FLUX_SYSTEM}/web", "delete-owner"): DELETES}
    both = owned(("Deployment", "web"), ("Deployment", "shop"))
    assert set(effects(both, WEB, SHOP).values()) == {KEEPS}
    assert effects(both, WEB) == {
        (f"Deployment {FLUX_SYSTEM}/web", "delete-owner"): DELETES,
        ("Deployment shop", "delete-owner"): KEEPS,
    }


def test_an_owner_that_is_gone_already_takes_it_at_any_moment() -> None:
    found = of_act(Act.DELETE_OWNER, owned(("Deployment", "web")))
    assert (found.effect.value, found.keep) == (DELETES, None)
    assert "acts at any moment" in found.because
    another = of_act(Act.DELETE_OWNER, owned(("Deployment", "web"), uid="uid-of-another"), WEB)
    assert "another one of that name" in another.because


def test_an_owner_that_could_not_be_read_leaves_it_open() -> None:
    assert of_act(Act.DELETE_OWNER, owned(("Deployment", "web")), gaps=[gap("Deployment")]).effect.value == UNKNOWN


def test_a_cluster_scoped_object_is_not_collected_with_a_namespaced_owner() -> None:
    body = obj("ClusterRole", "made")
    body["metadata"]["ownerReferences"] = owned(("Deployment", "web"))["metadata"]["ownerReferences"]
    found = of_act(Act.DELETE_OWNER, body)
    assert (found.effect.value, "OwnerRefInvalidNamespace" in found.because) == (KEEPS, True)


def test_copies_of_a_controller_s_marks_prove_nothing() -> None:
    labels = {"kapp.k14s.io/app": "17"}
    web = obj("Deployment", "web", labels=labels, spec={})
    below = obj("ReplicaSet", "web-1", labels=labels, owner=("Deployment", "web"), spec={})
    assert effects(below, web) == {(f"Deployment {FLUX_SYSTEM}/web", "delete-owner"): DELETES}


def test_endpoints_go_with_their_service() -> None:
    service = obj("Service", "web", spec={"selector": {"app": "web"}}, labels={"a": "b"})
    made = {"apiVersion": "v1", "kind": "Endpoints", "metadata": {**service["metadata"], "uid": "another"}}
    found = effects(made, service, helm_release(service))
    assert found == {(f"Service {FLUX_SYSTEM}/web", "delete-owner"): DELETES}


# Whoever else has a mark.


def test_an_owner_of_whom_only_a_mark_is_known_may_do_anything() -> None:
    body = thing(annotations={"argocd.argoproj.io/tracking-id": "app:/ConfigMap:flux-system/thing", **KEEP})
    ((which, found),) = told(body).items()
    assert (which, found.effect.value, found.keep) == (("owner argo", "prune"), UNKNOWN, None)
    assert "not what it does" in found.because


def test_nobody_s_object_is_nobody_s_to_delete() -> None:
    assert consequences(thing()) == ()


def test_a_row_of_the_json_says_it_all() -> None:
    (found,) = consequences(thing(managers=[("HashiCorp", "Update")]))
    assert found.to_json() == {
        "owner": "Terraform",
        "act": "destroy",
        "effect": "deletes",
        "because": "Terraform deletes by name when the block is removed; prevent_destroy goes with the block",
        "keep": "a `removed` block with destroy = false, or terraform state rm, before the resource block goes",
    }
    assert found.text.startswith("if it leaves the program: Terraform deletes it: Terraform deletes by name")
    assert "; to keep it: a `removed` block" in found.text
