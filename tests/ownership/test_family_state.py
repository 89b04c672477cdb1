"""The family's state: the first that holds of unverifiable, ambiguous, absent and active."""

import base64

import pytest

from tests.clusters import FLUX_SYSTEM, inventory, record
from tests.ownership.judging import (
    NEW,
    OLD,
    OLDER,
    active,
    attributed,
    decided,
    findings,
    gap,
    judge,
    stale,
    weigh,
)
from tui.objects import Gap, Json, Live
from tui.ownership.model import FamilyState, State, Wish

KUSTOMIZE_LABEL = "kustomize.toolkit.fluxcd.io/name"


def state_of(*objects: Json, gaps: tuple[Gap, ...] = (), wish: Wish | None = None) -> tuple[str, str | None]:
    view = judge(objects, gaps, wish=wish).families[0]
    return view.state.value, view.active.name if view.active else None


def test_the_state_active() -> None:
    assert state_of(active()) == ("active", NEW)
    assert state_of(record(NEW, 1, "superseded"), record(NEW, 2), record(NEW, 3, "failed")) == ("active", NEW)
    assert state_of(record(NEW), record(OLD, 9, "superseded"), record(OLDER, 4, "failed")) == ("active", NEW)


def test_the_state_absent() -> None:
    assert state_of() == ("absent", None)
    assert state_of(record(NEW, 1, "failed"), record(OLD, 3, "superseded"), record(OLDER, 1, "uninstalled")) == (
        "absent",
        None,
    )


@pytest.mark.parametrize("status", ["pending-install", "pending-upgrade", "pending-rollback", "uninstalling"])
def test_the_state_ambiguous_while_an_operation_may_be_under_way(status: str) -> None:
    assert state_of(record(NEW), record(OLD, 1, status)) == ("ambiguous", None)
    assert state_of(record(NEW), record(NEW, 2, status)) == ("ambiguous", None)
    # An older revision's status says nothing of now.
    assert state_of(record(NEW, 1, status), record(NEW, 2)) == ("active", NEW)


def test_two_in_force_are_ambiguous_until_one_is_typed_in_full() -> None:
    two = (record(NEW, 2), record(OLD, 1))
    assert state_of(*two) == ("ambiguous", None)
    assert state_of(*two, wish=Wish(settled=(OLD, 1))) == ("active", OLD)
    for wrong in ((OLD, 2), (OLDER, 1), ("gitops-flux", 1)):
        assert state_of(*two, wish=Wish(settled=wrong)) == ("ambiguous", None)


def test_pending_and_unverifiable_cannot_be_settled() -> None:
    wish = Wish(settled=(NEW, 2))
    assert state_of(record(NEW, 2), record(OLD, 1), record(OLDER, 1, "pending-install"), wish=wish)[0] == "ambiguous"
    assert state_of(record(NEW, 2), record(OLD, 1), gaps=(gap("ConfigMap"),), wish=wish)[0] == "unverifiable"


@pytest.mark.parametrize("kind", ["Secret", "ConfigMap"])
def test_unreadable_storage_is_unverifiable_before_all_else(kind: str) -> None:
    assert state_of(record(NEW), record(OLD), gaps=(gap(kind),))[0] == "unverifiable"
    assert state_of(record(NEW), gaps=(gap(kind, namespace=FLUX_SYSTEM),))[0] == "unverifiable"
    assert state_of(gaps=(Gap("", None, None, "discovery failed"),))[0] == "unverifiable"


def test_unreadable_storage_of_another_namespace_is_none_of_the_familys() -> None:
    assert state_of(record(NEW), gaps=(gap("ConfigMap", namespace="apps"),)) == ("active", NEW)


def torn(name: str, namespace: str = FLUX_SYSTEM) -> Json:
    return record(name, 1, namespace=namespace) | {"data": {"release": "AAAA"}}


def test_an_undecodable_record_of_the_family_is_unverifiable_and_a_strangers_is_not() -> None:
    assert state_of(record(NEW), torn(OLD))[0] == "unverifiable"
    assert state_of(record(NEW), torn("other")) == ("active", NEW)
    assert state_of(record(NEW), torn(OLD, "apps")) == ("active", NEW)
    found = judge([record(NEW), torn("other")])
    assert [f.severity.value for f in findings(found, "record-undecodable")] == ["warn"]
    assert findings(judge([torn(OLD)]), "record-undecodable") == []


@pytest.mark.parametrize(("label", "value"), [("status", "superseded"), ("version", "7"), ("name", OLD)])
def test_label_and_payload_that_disagree_are_unverifiable(label: str, value: str) -> None:
    odd = record(NEW)
    odd["metadata"]["labels"][label] = value
    assert state_of(odd)[0] == "unverifiable"


def test_a_strangers_payload_under_a_name_of_the_family_is_unverifiable() -> None:
    odd = record("other")
    odd["metadata"]["name"] = f"sh.helm.release.v1.{OLD}.v1"
    assert state_of(record(NEW), odd)[0] == "unverifiable"


def test_a_record_without_helms_label_is_unverifiable_not_absent() -> None:
    hidden = record(OLD)
    del hidden["metadata"]["labels"]["owner"]
    left = stale()
    found = judge([record(NEW), hidden, left])
    assert found.families[0].state is FamilyState.UNVERIFIABLE
    assert decided(found, left) == ("protect", ("S3",))


def test_a_record_whose_content_was_not_read_is_unverifiable_not_absent() -> None:
    read = inventory([record(NEW)])
    bare = Live.of(record(OLD), keep_body=False)
    read.objects[bare.key] = bare
    view = weigh(read).families[0]
    assert view.state is FamilyState.UNVERIFIABLE
    assert "its content was not read" in view.why


def test_two_storage_drivers_are_unverifiable() -> None:
    twin = record(NEW, 1, "superseded")
    data = base64.b64decode(twin["data"]["release"]).decode()
    meta = twin["metadata"] | {"uid": "cm"}
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"release": data}}
    assert state_of(record(NEW, 2), config)[0] == "unverifiable"
    assert state_of(config | {"metadata": meta})[0] == "absent"


def test_revisions_that_disagree_about_their_namespace_are_unverifiable() -> None:
    moved = record(NEW, 3, "superseded", namespace="apps")
    moved["metadata"]["namespace"] = FLUX_SYSTEM
    assert state_of(record(NEW, 2), moved)[0] == "unverifiable"


def test_a_release_stored_or_made_elsewhere_is_no_member() -> None:
    assert state_of(record(NEW, namespace="apps"))[0] == "absent"
    made = record(OLD, namespace="apps")
    made["metadata"]["namespace"] = FLUX_SYSTEM
    assert state_of(record(NEW), made) == ("active", NEW)


@pytest.mark.parametrize(
    ("records", "gaps"),
    [
        ([], []),
        ([record(NEW), record(OLDER)], []),
        ([record(NEW), record(OLDER, 1, "pending-install")], []),
        ([record(NEW)], [gap("Secret")]),
        ([torn(NEW)], []),
    ],
    ids=["absent", "two in force", "pending", "unreadable", "torn"],
)
def test_in_an_unsettled_family_everything_stamped_is_protected_by_s3_alone(
    records: list[Json], gaps: list[Gap]
) -> None:
    things = [
        stale(labels={KUSTOMIZE_LABEL: "x"}),
        stale("Namespace", "n"),
        stale("ConfigMap", "c", "apps", release=NEW),
    ]
    found = judge([*records, *things], gaps)
    assert found.families[0].state is not FamilyState.ACTIVE
    assert {decided(found, each) for each in things} == {("protect", ("S3",))}
    assert all("the active release is not known" in each.why for each in found.candidates)
    assert not any(attributed(found, each).state is State.STALE for each in things)
