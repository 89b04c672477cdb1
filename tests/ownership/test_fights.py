"""Field fights: who holds which field with whom, since when, and what managed fields cannot tell."""

from typing import Any

import pytest

from tests.clusters import document, obj, record
from tests.ownership.judging import NEW, active, findings, judge, names
from tests.ownership.test_evidence import entry, labelled, sync
from tui.objects import Json

IMAGE: Json = {"f:spec": {"f:template": {"f:spec": {"f:containers": {'k:{"name":"c"}': {".": {}, "f:image": {}}}}}}}
REPLICAS: Json = {"f:spec": {"f:replicas": {}}}
FLUX, PULUMI = "kustomize-controller", "pulumi-kubernetes-1a2b3c4d"
EARLY, LATE = "2026-01-01T00:00:00Z", "2026-03-01T00:00:00Z"


def written(body: Json, *entries: tuple[str, str, str, Json]) -> Json:
    """The object as these (manager, operation, time, fields) wrote it."""
    body["metadata"]["managedFields"] = [
        {"manager": name, "operation": operation, "time": time, "fieldsV1": fields}
        for name, operation, time, fields in entries
    ]
    return body


def web(*entries: tuple[str, str, str, Json], **parts: Any) -> Json:
    return written(obj("Deployment", "web", "apps", spec={}, **parts), *entries)


def test_the_fields_the_writers_and_the_last_of_them_are_named() -> None:
    both = IMAGE | {"f:metadata": {"f:labels": {"f:app.kubernetes.io/name": {}}}}
    fought = web((PULUMI, "Update", EARLY, both), (FLUX, "Apply", LATE, IMAGE))
    (found,) = findings(judge([fought]), "field-fight")
    assert found.severity.value == "warn"
    assert found.summary == "flux and pulumi hold the same fields of Deployment apps/web"
    assert names(found) == {"Deployment apps/web"}
    assert found.evidence == (
        (
            'Deployment apps/web: .spec.template.spec.containers[name="c"].image held by '
            f"{FLUX} (flux, Apply at {LATE}) and {PULUMI} (pulumi, Update at {EARLY}); {FLUX} wrote last; "
            "kubectl get deployment.apps web -n apps --show-managed-fields -o yaml"
        ),
    )
    assert found.next


@pytest.mark.parametrize("times", [(EARLY, EARLY), ("", LATE), ("", "")])
def test_where_the_times_do_not_tell_nobody_is_called_the_last(times: tuple[str, str]) -> None:
    fought = web((PULUMI, "Update", times[0], REPLICAS), (FLUX, "Apply", times[1], REPLICAS))
    (found,) = findings(judge([fought]), "field-fight")
    assert "which wrote last cannot be told" in found.evidence[0]


@pytest.mark.parametrize(
    "entries",
    [
        [(PULUMI, "Update", EARLY, REPLICAS), (FLUX, "Apply", LATE, IMAGE)],
        [(PULUMI, "Update", EARLY, REPLICAS), ("kubectl-edit", "Update", LATE, REPLICAS)],
        [(PULUMI, "Update", EARLY, REPLICAS), ("unheard-of", "Update", LATE, REPLICAS)],
        [(FLUX, "Update", EARLY, REPLICAS), (FLUX, "Apply", LATE, REPLICAS)],
        [(FLUX, "Apply", EARLY, REPLICAS), ("helm-controller", "Apply", LATE, REPLICAS)],
        [(PULUMI, "Update", EARLY, REPLICAS)],
        [],
    ],
    ids=["other fields", "kubectl", "nobody's", "one tool twice", "one owner's tools", "alone", "none"],
)
def test_what_is_no_fight(entries: list[tuple[str, str, str, Json]]) -> None:
    assert findings(judge([web(*entries)]), "field-fight") == []


def test_a_subresource_and_a_finalizer_are_no_fight() -> None:
    finalizer: Json = {"f:metadata": {"f:finalizers": {'v:"x/y"': {}}}}
    thing = web((PULUMI, "Update", EARLY, REPLICAS), (FLUX, "Apply", LATE, REPLICAS))
    thing["metadata"]["managedFields"][1]["subresource"] = "scale"
    held = web((PULUMI, "Update", EARLY, finalizer), (FLUX, "Apply", LATE, finalizer))
    assert findings(judge([thing]), "field-fight") == findings(judge([held]), "field-fight") == []


def test_what_a_controller_made_is_its_roots_affair() -> None:
    root = obj("Deployment", "web", "apps", spec={})
    copy = obj("ReplicaSet", "web-1", "apps", owner=("Deployment", "web"), spec={})
    fought = written(copy, (PULUMI, "Update", EARLY, REPLICAS), (FLUX, "Apply", LATE, REPLICAS))
    assert findings(judge([root, fought]), "field-fight") == []


def test_the_tool_that_holds_a_stamp_fights_for_the_stamped_releases_owner() -> None:
    stamp: Json = {"f:metadata": {"f:annotations": {"f:meta.helm.sh/release-name": {}}}}
    thing = obj("ConfigMap", "thing", release=NEW)
    written(
        thing, ("helm", "Apply", EARLY, stamp | {"f:data": {"f:a": {}}}), (FLUX, "Apply", LATE, {"f:data": {"f:a": {}}})
    )
    (found,) = findings(judge([active(thing), thing]), "field-fight")
    assert "helm (pulumi, Apply" in found.evidence[0]
    assert ".data.a held by" in found.evidence[0]


def test_objects_are_grouped_by_who_fights_and_many_fields_are_counted() -> None:
    many: Json = {"f:data": {f"f:{letter}": {} for letter in "abcdefgh"}}
    two = [
        written(obj("ConfigMap", name, "apps"), (PULUMI, "Update", EARLY, many), (FLUX, "Apply", LATE, many))
        for name in ("b", "a")
    ]
    (found,) = findings(judge(two), "field-fight")
    assert found.summary == "flux and pulumi hold the same fields of 2 objects"
    assert [ref.name for ref in found.resources] == ["a", "b"]
    assert ".data.a, .data.b, .data.c, .data.d, .data.e, .data.f and 2 more held by" in found.evidence[0]


def test_two_kustomizations_of_one_object_are_told_though_their_manager_is_the_same() -> None:
    thing = obj("Namespace", "shared", labels=labelled())
    (found,) = findings(judge([thing, sync(entry(thing)), sync(entry(thing), name="base")]), "field-fight")
    assert found.summary == (
        "Namespace shared listed by Kustomization flux-system/base and Kustomization flux-system/sync"
    )
    assert found.evidence[0] == "they apply as the same field manager, so that managedFields cannot tell them apart"
    assert found.evidence[1].startswith("kubectl get kustomization.kustomize.toolkit.fluxcd.io base -n flux-system")
    assert findings(judge([thing, sync(entry(thing)), sync(name="base")]), "field-fight") == []
    assert findings(judge([sync(entry(thing)), sync(entry(thing), name="base")]), "field-fight") == []


def test_a_kustomization_and_a_helm_release_of_one_object_take_turns() -> None:
    thing = obj("ConfigMap", "thing", "apps")
    one = sync(entry(thing), kind="HelmRelease", name="chart")
    (found,) = findings(judge([thing, sync(entry(thing)), one]), "field-fight")
    assert found.evidence[0] == "each applies it in its turn"


def test_the_order_of_entries_and_objects_changes_nothing() -> None:
    entries = [(PULUMI, "Update", EARLY, IMAGE), (FLUX, "Apply", LATE, IMAGE), ("talos", "Update", LATE, IMAGE)]
    others = [document(obj("ConfigMap", "x"))]
    before = judge([web(*entries), record("web", 1, "deployed", others)])
    after = judge([record("web", 1, "deployed", others), web(*reversed(entries))])
    assert findings(before, "field-fight") == findings(after, "field-fight")
