"""Stamps that contradict themselves or the records."""

import pytest

from tests.clusters import obj, record
from tests.ownership.judging import active, findings, gap, judge, names


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
