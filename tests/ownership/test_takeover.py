"""Silent take-overs: who had an object before, who has it now, and what shows it."""

import pytest

from tests.clusters import contract, document, obj, record
from tests.ownership.judging import NEW, OLD, active, findings, judge, names
from tests.ownership.test_evidence import HELM, entry, labelled, sync
from tests.ownership.test_fights import EARLY, FLUX, LATE, PULUMI, REPLICAS, written
from tui.contract.model import Family
from tui.objects import Json

STAMP: Json = {"f:metadata": {"f:annotations": {"f:meta.helm.sh/release-name": {}}}}


def chart(name: str, *listed: Json) -> list[Json]:
    """A HelmRelease that runs the release of its own name, and that release's record."""
    return [
        sync(*map(entry, listed), kind="HelmRelease", name=name),
        record(name, 1, "deployed", [document(body) for body in listed]),
    ]


def test_a_kustomization_that_lists_what_a_release_in_force_lists_took_it() -> None:
    thing = obj("ClusterRole", "thing", release=NEW, labels=labelled())
    written(thing, ("helm", "Update", EARLY, STAMP), (FLUX, "Apply", LATE, {"f:rules": {}}))
    (found,) = findings(judge([thing, active(thing), sync(entry(thing))]), "taken-over")
    assert found.severity.value == "warn"
    assert found.summary == (
        f"ClusterRole thing of Helm release flux-system/{NEW} taken over by Kustomization flux-system/sync"
    )
    assert names(found) == {"ClusterRole thing"}
    assert found.evidence == (
        (
            f"ClusterRole thing: in the manifest of Helm release flux-system/{NEW} revision 2, in force; "
            f"Kustomization flux-system/sync lists it, written by {FLUX} at {LATE}; "
            "kubectl get clusterrole.rbac.authorization.k8s.io thing --show-managed-fields -o yaml"
        ),
    )
    assert f"never run helm uninstall {NEW}" in found.next


def test_a_helm_release_re_stamps_what_another_release_lists() -> None:
    thing = obj("ConfigMap", "thing", release="b", labels=labelled(HELM, "b"))
    written(thing, ("helm-controller", "Apply", LATE, STAMP))
    (found,) = findings(judge([thing, *chart("b", thing), active(thing)]), "taken-over")
    assert found.summary.endswith("taken over by HelmRelease flux-system/b")
    assert (
        "HelmRelease flux-system/b lists it, annotation meta.helm.sh/release-name: b, the release of HelmRelease "
        f"flux-system/b, written by helm-controller at {LATE}" in found.evidence[0]
    )
    without = [obj("HelmRelease", "b", status={}), *chart("b", thing)[1:]]
    (again,) = findings(judge([thing, *without, active(thing)]), "taken-over")
    assert "lists it" not in again.evidence[0]


def test_a_helm_release_takes_from_another_of_the_same_owner() -> None:
    thing = obj("ConfigMap", "thing", release="b", labels=labelled(HELM, "b"), managers=[("helm-controller", "Apply")])
    (found,) = findings(judge([thing, *chart("a", thing), *chart("b", thing)]), "taken-over")
    assert found.summary == (
        "ConfigMap flux-system/thing of Helm release flux-system/a taken over by HelmRelease flux-system/b"
    )


def test_stamps_that_were_stripped_hide_nothing() -> None:
    thing = obj("Deployment", "source-controller", labels=labelled(), spec={})
    (found,) = findings(judge([thing, active(thing), sync(entry(thing))]), "taken-over")
    assert "taken over by Kustomization flux-system/sync" in found.summary


def test_what_is_no_take_over() -> None:
    thing = obj("ConfigMap", "thing", release="b", labels=labelled(HELM, "b"), managers=[("helm-controller", "Apply")])
    for world in (
        [thing, *chart("b", thing)],
        [thing, *chart("b", thing), sync(entry(thing))],
        [thing, active(), *chart("b", thing)],
        [active(thing), *chart("b", thing)],
        [thing, record(NEW, 1, "superseded", [document(thing)]), *chart("b", thing)],
    ):
        assert findings(judge(world), "taken-over") == []


def test_one_generation_after_another_and_helm_beside_helm_are_told_as_what_they_are() -> None:
    generation = obj("ClusterRole", "thing", release=OLD)
    found = judge([generation, active(generation), record(OLD, 1, "superseded", [document(generation)])])
    assert findings(found, "taken-over") == []
    assert findings(found, "delete-bomb")
    other = Family("other", "flux-system", "argo", names=("other",))
    both = obj("ClusterRole", "both", release="other")
    world = [both, active(both), record("other", 1, "deployed", [document(both)])]
    assert findings(judge(world, by=contract(releases=(*contract().releases, other))), "taken-over") == []


def test_what_a_controller_made_is_not_counted() -> None:
    root = obj("Deployment", "web", spec={})
    below = obj("ReplicaSet", "web-1", owner=("Deployment", "web"), spec={})
    assert findings(judge([root, below, active(below), sync(entry(below))]), "taken-over") == []


@pytest.mark.parametrize(
    ("before", "after", "taken"), [(EARLY, LATE, True), (LATE, EARLY, False), (EARLY, EARLY, False), ("", LATE, False)]
)
def test_an_owner_without_a_record_was_there_before_by_time(before: str, after: str, taken: bool) -> None:
    thing = obj("ConfigMap", "thing", "apps", labels=labelled())
    written(thing, (PULUMI, "Update", before, REPLICAS), (FLUX, "Apply", after, {"f:data": {}}))
    found = findings(judge([thing, sync(entry(thing))]), "taken-over")
    assert bool(found) is taken
    if taken:
        assert found[0].summary == "ConfigMap apps/thing of pulumi taken over by Kustomization flux-system/sync"
        assert f"{PULUMI} wrote it at {EARLY}, {FLUX} at {LATE}; Kustomization" in found[0].evidence[0]
        assert "helm uninstall" not in found[0].next


def test_several_objects_of_one_pair_are_one_finding() -> None:
    two = [obj("ClusterRole", name, release=NEW, labels=labelled()) for name in ("b", "a")]
    (found,) = findings(judge([*two, active(*two), sync(*map(entry, two))]), "taken-over")
    assert found.summary.startswith("2 objects of Helm release")
    assert [ref.name for ref in found.resources] == ["a", "b"]
