"""What a Kustomization and the Flux Operator do when a manifest leaves their source, and when they are deleted.

The rows about a Kustomization were tried with kustomize-controller 1.9 (``tests/live/test_acts_live.py``).
"""

from typing import Any

import pytest

from tests.clusters import FLUX_SYSTEM
from tests.ownership.acting import KUSTOMIZE, LABELS, consequences, effects, held, of_act, thing, told
from tests.ownership.flux_world import entry, kustomization
from tests.ownership.judging import gap
from tui.objects import Json
from tui.ownership.acts.model import Act

OWNER = f"Kustomization {FLUX_SYSTEM}/sync"
PRUNE = f"{KUSTOMIZE}prune"
DELETES, KEEPS, UNKNOWN = "deletes", "keeps", "unknown"


def listed(**parts: Any) -> Json:
    return thing(**{"labels": LABELS, "managers": [("kustomize-controller", "Apply")], **parts})


def both(body: Json, **spec: Any) -> tuple[str, str]:
    """What the prune and the Kustomization's own deletion do."""
    found = effects(body, kustomization(body, **spec))
    assert set(found) == {(OWNER, "prune"), (OWNER, "delete-owner")}
    return found[OWNER, "prune"], found[OWNER, "delete-owner"]


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, (DELETES, DELETES)),
        ({"prune": False}, (KEEPS, KEEPS)),
        ({"prune": False, "deletionPolicy": "Delete"}, (KEEPS, DELETES)),
        ({"prune": False, "deletionPolicy": "WaitForTermination"}, (KEEPS, DELETES)),
        ({"deletionPolicy": "Orphan"}, (DELETES, KEEPS)),
        ({"deletionPolicy": "MirrorPrune"}, (DELETES, DELETES)),
        ({"suspend": True}, (DELETES, KEEPS)),
        ({"suspend": True, "deletionPolicy": "Delete"}, (DELETES, KEEPS)),
        ({"deletionPolicy": "Later"}, (DELETES, UNKNOWN)),
    ],
)
def test_its_own_spec_decides_each_act(spec: Json, expected: tuple[str, str]) -> None:
    assert both(listed(), **spec) == expected


def test_a_suspended_one_prunes_once_it_is_resumed() -> None:
    body = listed()
    assert (
        "once it is resumed: it is suspended now" in of_act(Act.PRUNE, body, kustomization(body, suspend=True)).because
    )


@pytest.mark.parametrize("where", ["labels", "annotations"])
@pytest.mark.parametrize(
    ("name", "value", "spared"),
    [
        ("prune", "disabled", True),
        ("prune", "Disabled", True),
        ("reconcile", "disabled", True),
        ("ssa", "Ignore", True),
        ("ssa", "ignore", True),
        ("prune", "enabled", False),
        ("prune", " disabled", False),
        ("ssa", "IfNotPresent", False),
        ("ssa", "Merge", False),
        ("force", "disabled", False),
    ],
)
def test_the_live_object_opts_out_by_label_or_annotation(where: str, name: str, value: str, spared: bool) -> None:
    marks = {f"{KUSTOMIZE}{name}": value}
    body = listed(**({"labels": LABELS | marks} if where == "labels" else {"annotations": marks}))
    assert both(body) == ((KEEPS, KEEPS) if spared else (DELETES, DELETES))


@pytest.mark.parametrize(
    "foreign", [{"helm.sh/resource-policy": "keep"}, {"argocd.argoproj.io/sync-options": "Prune=false"}]
)
def test_what_other_tools_read_keeps_nothing_here(foreign: dict[str, str]) -> None:
    assert both(listed(annotations=foreign)) == (DELETES, DELETES)


@pytest.mark.parametrize("marks", [{}, {f"{KUSTOMIZE}name": "another", f"{KUSTOMIZE}namespace": FLUX_SYSTEM}])
def test_labels_that_do_not_name_it_stop_it(marks: dict[str, str]) -> None:
    body = listed(labels=marks)
    found = {act: each for (owner, act), each in told(body, kustomization(body)).items() if owner == OWNER}
    assert {act: each.effect.value for act, each in found.items()} == {"prune": KEEPS, "delete-owner": KEEPS}
    assert "owner labels do not name it" in found["prune"].because


KUBECTL = ("kubectl-annotate", "Update")


@pytest.mark.parametrize("where", ["labels", "annotations"])
@pytest.mark.parametrize(
    ("managers", "effect"),
    [
        ([KUBECTL], DELETES),
        ([("kubectl", "Apply")], DELETES),
        ([("kubectl-client-side-apply", "Update")], DELETES),
        ([("before-first-apply", "Update")], DELETES),
        ([("kustomize-controller", "Update")], DELETES),
        ([("rescue", "Update")], KEEPS),
        ([("kustomize-controller", "Apply")], KEEPS),
        ([KUBECTL, ("rescue", "Update")], KEEPS),
        ([], KEEPS),
    ],
)
def test_what_only_kubectl_holds_is_gone_before_the_act_comes(
    where: str, managers: list[tuple[str, str]], effect: str
) -> None:
    marks = {PRUNE: "disabled"}
    body = listed(**({"labels": LABELS | marks} if where == "labels" else {"annotations": marks}))
    body = held(body, PRUNE, *managers, where=where)
    assert both(body) == (effect, effect)
    if effect == DELETES:
        found = of_act(Act.PRUNE, body, kustomization(body))
        assert f"only {managers[0][0]} holds it, and {OWNER} takes that away at its next apply" in found.because
        assert found.keep is not None
        assert "--field-manager=rescue" in found.keep


@pytest.mark.parametrize(("name", "value"), [("ssa", "Ignore"), ("reconcile", "disabled")])
def test_what_keeps_it_from_being_applied_lasts_whoever_set_it(name: str, value: str) -> None:
    body = held(listed(annotations={f"{KUSTOMIZE}{name}": value}), f"{KUSTOMIZE}{name}", KUBECTL)
    assert both(body) == (KEEPS, KEEPS)
    beside = listed(annotations={f"{KUSTOMIZE}{name}": value, PRUNE: "disabled"})
    assert both(held(beside, PRUNE, KUBECTL)) == (KEEPS, KEEPS)


def test_what_kubectl_set_lasts_where_flux_is_told_to_merge() -> None:
    beside = listed(annotations={f"{KUSTOMIZE}ssa": "Merge", PRUNE: "disabled"})
    assert both(held(beside, PRUNE, KUBECTL)) == (KEEPS, KEEPS)


def test_managed_fields_that_could_not_be_read_leave_it_open() -> None:
    unread: list[Any] = [[], "damaged"]
    for managers in unread:
        body = listed(annotations={PRUNE: "disabled"})
        body["metadata"]["managedFields"] = managers
        assert both(body) == (UNKNOWN, UNKNOWN)
    kept = listed(annotations={PRUNE: "disabled"})
    kept["metadata"]["managedFields"] = []
    assert both(kept, prune=False) == (KEEPS, KEEPS)


def test_the_sets_that_an_inventory_does_not_keep_are_of_one_manager_alone() -> None:
    body = listed(annotations={PRUNE: "disabled"})
    body["metadata"]["managedFields"] = [{"manager": "kustomize-controller", "operation": "Apply"}]
    assert both(body) == (KEEPS, KEEPS)


# Who lists it.


def test_a_ghost_label_is_pruned_by_nobody_here() -> None:
    body = listed()
    assert effects(body, kustomization()) == {(OWNER, "prune"): KEEPS}
    assert effects(body) == {(OWNER, "prune"): UNKNOWN}
    assert "only a Flux in another cluster would" in of_act(Act.PRUNE, body).because
    assert effects(body, gaps=[gap("Kustomization")]) == {(OWNER, "prune"): UNKNOWN}


def test_one_that_keeps_no_inventory_yet_goes_by_the_label() -> None:
    body, fresh = listed(), kustomization()
    del fresh["status"]["inventory"]
    assert effects(body, fresh) == {(OWNER, "prune"): DELETES, (OWNER, "delete-owner"): DELETES}


def test_one_of_another_cluster_is_none_of_this_object_s_owners() -> None:
    body = thing()
    remote = {"secretRef": {"name": "other"}}
    assert consequences(body, kustomization(body, kubeConfig=remote)) == ()


def test_inventories_that_could_not_be_read_leave_what_nobody_marks_open() -> None:
    (found,) = consequences(thing(), gaps=[gap("Kustomization")])
    assert (found.owner, found.effect.value) == ("a holder that could not be read", UNKNOWN)


# The Flux Operator.

OPERATOR = "fluxcd.controlplane.io/"
PREFIXES = {"ResourceSet": f"resourceset.{OPERATOR}", "FluxInstance": OPERATOR}


def operated(kind: str, body: Json, **meta: Any) -> Json:
    return {
        "apiVersion": f"{OPERATOR}v1",
        "kind": kind,
        "metadata": {"name": "set", "namespace": FLUX_SYSTEM, "uid": "uid-set", **meta},
        "spec": {},
        "status": {"inventory": {"entries": [entry(body)]}},
    }


@pytest.mark.parametrize("kind", PREFIXES)
def test_the_flux_operator_reads_its_own_marks(kind: str) -> None:
    marks = {f"{PREFIXES[kind]}name": "set", f"{PREFIXES[kind]}namespace": FLUX_SYSTEM}

    def both_of(labels: dict[str, str], said: dict[str, str] | None = None, **meta: Any) -> tuple[str, str]:
        body = thing(labels=labels, annotations=said or {}, managers=[("flux-operator", "Apply")])
        found = effects(body, operated(kind, body, **meta))
        owner = f"{kind} {FLUX_SYSTEM}/set"
        return found[owner, "prune"], found[owner, "delete-owner"]

    assert both_of(marks) == (DELETES, DELETES)
    assert both_of(marks, {f"{OPERATOR}prune": "Disabled"}) == (KEEPS, KEEPS)
    assert both_of(marks, {PRUNE: "disabled"}) == (DELETES, DELETES)
    assert both_of({}) == (KEEPS, KEEPS)
    assert both_of(marks, annotations={f"{OPERATOR}reconcile": "disabled"}) == (DELETES, KEEPS)
