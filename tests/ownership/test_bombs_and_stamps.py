"""Delete bombs told in both directions and for either Helm; stamps that contradict themselves or the records."""

import pytest

from tests.clusters import document, obj, record
from tests.ownership.judging import NEW, OLD, active, findings, gap, judge, names
from tui.objects import Json


def bomb(*objects: Json) -> dict[str, tuple[str, ...]]:
    return {each.summary: each.evidence for each in findings(judge(objects), "delete-bomb")}


def test_what_each_possible_uninstall_would_delete_is_told_in_both_directions() -> None:
    one, two, own = (
        obj("ClusterRole", "one", release=NEW),
        obj("ClusterRole", "two", release=OLD),
        obj("ServiceAccount", "own", release=OLD),
    )
    told = bomb(active(one, two), record(OLD, 1, "superseded", map(document, [one, two, own])), one, two, own)
    evidence = told[f"uninstalling {OLD} (Helm 3) would delete 1 object stamped {NEW}"]
    assert evidence[0].startswith("Helm 3 and what embeds it, Pulumi among them: deletes it")
    assert (
        evidence[1] == f"Helm 4.3: asks whose each is and leaves it; deletes the 2 that bear the stamp of {OLD} itself"
    )
    assert evidence[2] == f"the other way round: uninstalling {NEW} (Helm 3) would delete 1 object stamped {OLD}"
    assert evidence[3] == f"ClusterRole one: listed by {OLD} revision 1, stamped {NEW}"


def test_a_release_that_is_not_recorded_cannot_be_uninstalled() -> None:
    shared = obj("ClusterRole", "a", release="other")
    (evidence,) = bomb(record("mine", 1, "deployed", [document(shared)]), shared).values()
    assert evidence[2] == "the other way round: other is not recorded, so nobody can uninstall it"


def test_every_shared_object_is_a_resource_and_the_lines_are_bounded() -> None:
    shared = [obj("ConfigMap", f"c{number:03}", release=NEW) for number in range(250)]
    found = judge([active(*shared), record(OLD, 1, "superseded", map(document, shared)), *shared])
    (each,) = findings(found, "delete-bomb")
    assert (len(each.resources), len(each.evidence)) == (250, 207)
    assert "and 50 more" in each.evidence


def test_what_the_manifest_keeps_no_uninstall_deletes() -> None:
    kept = obj("ConfigMap", "kept", release=NEW)
    written = document(kept)
    written["metadata"]["annotations"] = {"helm.sh/resource-policy": "keep"}
    assert bomb(active(kept), record(OLD, 1, "superseded", [written]), kept) == {}


def test_releases_of_no_family_are_left_to_their_owners() -> None:
    shared = obj("ClusterRole", "a", release="other", release_namespace="apps")
    (each,) = findings(judge([record("mine", 1, "deployed", [document(shared)]), shared]), "delete-bomb")
    assert "other in apps" in each.summary
    assert "agree with both owners" in each.next


def test_the_label_alone_is_no_release_and_contradicts_nothing() -> None:
    labelled = obj("ServiceAccount", "a", labels={"app.kubernetes.io/managed-by": "Helm"})
    assert findings(judge([active(), labelled]), "stamp-disagrees") == []


@pytest.mark.parametrize("label", [None, "Helmfile", "pulumi"])
def test_annotations_without_the_label_disagree_outside_the_families_too(label: str | None) -> None:
    odd = [obj("ServiceAccount", name, release="other") for name in ("a", "b")]
    for each in odd:
        each["metadata"]["labels"] = {"app.kubernetes.io/managed-by": label} if label else {}
    (found,) = findings(judge([active(), *odd]), "stamp-disagrees")
    assert (found.severity.value, len(found.resources)) == ("warn", 2)
    assert f"label app.kubernetes.io/managed-by: {label or 'none'}" in found.evidence[0]


def test_a_namespace_that_no_record_of_the_release_names_disagrees() -> None:
    there = obj("ServiceAccount", "there", "apps", release="other", release_namespace="apps")
    away = obj("ServiceAccount", "away", "apps", release="other", release_namespace="elsewhere")
    stored = record("other", namespace="apps")
    (found,) = findings(judge([active(), stored, there, away]), "stamp-disagrees")
    assert names(found) == {"ServiceAccount apps/away"}
    assert "recorded for apps only" in found.evidence[0]
    assert findings(judge([active(), there, away]), "stamp-disagrees") == [], "stamps outlive records"
    assert findings(judge([active(), stored, away], [gap("ConfigMap")]), "stamp-disagrees") == []


def test_a_copy_of_a_stamp_contradicts_nothing() -> None:
    owner = obj("Deployment", "d", release="other", spec={})
    copy = obj("ReplicaSet", "d-1", owner=("Deployment", "d"), release="other", spec={})
    copy["metadata"]["labels"] = {}
    assert findings(judge([active(), owner, copy]), "stamp-disagrees") == []
