"""Retiring a release: only its records leave, only while another one is in force, never blindly."""

from datetime import date
from typing import Any

import pytest

from tests.clusters import contract, document, inventory, obj, record
from tests.properties.worlds import gap
from tui.objects import Json
from tui.ownership.assess import assess
from tui.ownership.model import Assessment
from tui.recovery.plan import Action, PlanKind
from tui.recovery.planner import plan
from tui.recovery.retire import find, retirable, why_not

OLD, NEW = "gitops-flux-0000aaaa", "gitops-flux-ffff0000"
SHARED = obj("Deployment", "shared", release=NEW, spec={"template": {"spec": {}}})


def judged(*objects: Json, **more: Any) -> Assessment:
    return assess(contract(), inventory(objects, **more), today=date(2026, 11, 23))


def both_list_it(status: str = "deployed") -> tuple[Json, ...]:
    listed = [document(SHARED)]
    return (
        SHARED,
        record(OLD, 1, "superseded", listed),
        record(OLD, 2, status, listed),
        record(NEW, 1, "deployed", listed),
    )


def test_the_bomb_can_be_defused_from_one_side_only() -> None:
    """Two in force list one object; the one whose stamp is on it stays."""
    assert retirable(judged(*both_list_it())) == (OLD,)


def test_the_record_in_force_leaves_last() -> None:
    found = plan(PlanKind.RETIRE, contract(), judged(*both_list_it()), OLD)
    assert [entry.ref.name for entry in found.entries] == [f"sh.helm.release.v1.{OLD}.v{n}" for n in (1, 2)]
    assert {entry.action for entry in found.entries} == {Action.RETIRE}
    assert {entry.typed for entry in found.entries} == {OLD}


def test_a_release_that_is_over_can_be_retired_beside_the_one_in_force() -> None:
    assert retirable(judged(*both_list_it("superseded"))) == (OLD,)


@pytest.mark.parametrize("status", ["pending-upgrade", "pending-install", "uninstalling"])
def test_nothing_is_retired_while_an_operation_may_be_under_way(status: str) -> None:
    assert retirable(judged(*both_list_it(status))) == ()


def test_the_last_release_in_force_is_never_retired() -> None:
    found = judged(SHARED, record(NEW, 1, "deployed", [document(SHARED)]), record(OLD, 1, "superseded"))
    assert retirable(found) == (OLD,)
    assert "no other release" in "".join(plan(PlanKind.RETIRE, contract(), found, NEW).advice)


def test_what_the_other_one_lists_must_not_bear_its_stamp() -> None:
    held = obj("Service", "held", release=OLD, spec={"selector": {"app": "held"}})
    listed = [document(SHARED), document(held)]
    found = judged(SHARED, held, record(OLD, 1, "superseded", listed), record(NEW, 1, "deployed", listed))
    assert retirable(found) == ()
    view, release = find(found, OLD) or pytest.fail("it is recorded")
    assert "adopt them first" in why_not(view, release, found.inventory)


@pytest.mark.parametrize("kind", ["Deployment", "Secret", "ConfigMap", "HelmRelease", "Ingress"])
def test_an_incomplete_inventory_forbids_it(kind: str) -> None:
    assert retirable(judged(*both_list_it(), gaps=[gap(kind)])) == ()


def test_a_release_that_a_helm_release_runs_is_its_controller_s() -> None:
    runs = obj("HelmRelease", "flux", spec={"releaseName": OLD})
    assert retirable(judged(*both_list_it(), runs)) == ()


def test_an_unknown_release_makes_a_plan_without_entries() -> None:
    found = plan(PlanKind.RETIRE, contract(), judged(*both_list_it()), "gitops-flux-12345678")
    assert found.entries == ()
    assert "recorded in no family" in found.advice[0]
