"""The rules S1-S9: for each at least one case in which it alone, or it among others, fails."""

from dataclasses import replace
from typing import Any

import pytest

from tests.clusters import FAMILY, FLUX_SYSTEM, contract, document, inventory, obj, record
from tests.ownership.judging import (
    CONTRACT,
    NEW,
    OLD,
    OLDER,
    active,
    attributed,
    candidate,
    decided,
    gap,
    judge,
    stale,
    weigh,
)
from tui.contract.model import Claim, Family, Selector
from tui.objects import Json, Live
from tui.ownership.model import Decision, FamilyState, State, Wish

KUSTOMIZE_LABEL = "kustomize.toolkit.fluxcd.io/name"


def why(found: Any, body: Json) -> str:
    each = candidate(found, body)
    assert each is not None
    return each.why


def test_what_is_proven_stale_may_be_deleted_whatever_its_name_sorts_like() -> None:
    left = stale()
    found = judge([active(), left])
    assert decided(found, left) == ("delete", ())
    assert (
        why(found, left)
        == f"stamped with {OLD}, not in force; {NEW} neither lists nor uses it, and nobody else owns it"
    )
    assert attributed(found, left).state is State.STALE


def test_s1_a_stamp_of_another_namespace_is_of_another_release() -> None:
    left = stale(release_namespace="apps")
    found = judge([active(), left])
    # Helm's owner of that other release is nobody the family knows, so S4 fails with it.
    assert decided(found, left) == ("protect", ("S1", "S4"))
    assert "its stamp names namespace apps, the family lives in flux-system" in why(found, left)


def test_s1_the_active_releases_name_in_another_namespace_is_not_the_active_release() -> None:
    twin = obj("ConfigMap", "twin", release=NEW, release_namespace="apps")
    found = judge([active(twin), twin])
    assert decided(found, twin) == ("protect", ("S1", "S4", "S6"))


def test_s1_a_copied_stamp_is_not_listed_at_all() -> None:
    deployment = stale("Deployment", "d", spec={"template": {"spec": {}}})
    copy = stale("ReplicaSet", "d-1", owner=("Deployment", "d"), spec={"template": {"spec": {}}})
    found = judge([active(), deployment, copy])
    assert candidate(found, copy) is None
    assert decided(found, deployment) == ("delete", ())


def test_s1_damaged_owner_references_may_hide_a_controller() -> None:
    left = stale()
    left["metadata"]["ownerReferences"] = "Deployment/d"
    found = judge([active(), left])
    assert decided(found, left) == ("protect", ("S1",))
    assert "its ownerReferences could not be read" in why(found, left)


@pytest.mark.parametrize(
    "name", ["gitops-flux-monitoring-1a2b3c4d", "gitops-flux-1a2b3c4", "gitops-flux-1A2B3C4D", "gitops-flux-", "other"]
)
def test_s2_a_prefix_is_no_proof(name: str) -> None:
    left = stale(release=name)
    found = judge([active(), left])
    assert candidate(found, left) is None
    assert attributed(found, left).state is not State.STALE


def test_s2_the_active_stamp_is_no_candidate() -> None:
    mine = obj("ClusterRole", "mine", release=NEW)
    assert candidate(judge([active(mine), mine]), mine) is None


def test_s2_listed_names_and_globs_belong_too() -> None:
    pinned, globbed = stale(release="gitops-flux"), stale(name="g", release="flux-by-hand")
    family = replace(FAMILY, match="flux-*")
    found = judge([active(), pinned, globbed], by=contract(releases=(family,)))
    assert decided(found, pinned) == ("delete", ())
    assert decided(found, globbed) == ("delete", ())


def test_s3_without_an_active_release_nothing_is_stale() -> None:
    left = stale()
    found = judge([left])
    assert decided(found, left) == ("protect", ("S3",))
    assert "no release is in force (none is recorded)" in why(found, left)


@pytest.mark.parametrize(
    ("status", "decision"),
    [("superseded", "delete"), ("failed", "delete"), ("uninstalled", "delete"), ("deployed", "protect")],
)
def test_s3_the_stamped_release_is_over(status: str, decision: str) -> None:
    left = stale()
    found = judge([active(), record(OLD, 1, status), left])
    assert decided(found, left)[0] == decision
    assert (attributed(found, left).state is State.STALE) == (decision == "delete")


def test_s3_a_settled_pair_protects_what_bears_the_others_stamp() -> None:
    other, third = stale(), stale(name="third", release=OLDER)
    found = judge([active(), record(OLD), other, third], wish=Wish(settled=(NEW, 2)))
    assert found.families[0].why == f"settled by the operator: {NEW} revision 2"
    assert decided(found, other) == ("protect", ("S3",))
    assert why(found, other) == f"release {OLD} is itself in force"
    assert decided(found, third) == ("delete", ())


def test_s3_a_release_recorded_in_another_namespace_is_in_force_all_the_same() -> None:
    elsewhere = record(OLD, 1, "deployed")
    elsewhere["metadata"] |= {"namespace": "pulumi-system", "uid": "elsewhere"}
    left = stale()
    found = judge([active(), elsewhere, left])
    assert found.families[0].state is FamilyState.ACTIVE
    assert decided(found, left) == ("protect", ("S3",))
    assert why(found, left) == f"release {OLD} is itself in force, recorded in pulumi-system"


def test_s3_a_record_elsewhere_that_is_pending_or_unreadable_protects_too() -> None:
    left = stale()
    pending = record(OLD, 1, "pending-install")
    pending["metadata"] |= {"namespace": "pulumi-system", "uid": "elsewhere"}
    assert why(judge([active(), pending, left]), left) == (
        f"release {OLD} is pending-install, recorded in pulumi-system"
    )
    broken = pending | {"data": {"release": "%%%"}}
    found = judge([active(), broken, left])
    assert decided(found, left) == ("protect", ("S3",))
    assert "could not verify" in why(found, left)


def test_s4_flux_labels_are_the_toolkits_own() -> None:
    held = stale(labels={KUSTOMIZE_LABEL: "sync"})
    part_of = stale(name="part", labels={"app.kubernetes.io/part-of": "flux"})
    found = judge([active(), held, part_of])
    assert decided(found, held) == ("protect", ("S4",))
    assert why(found, held) == f"Flux labels it: {KUSTOMIZE_LABEL}=sync"
    assert decided(found, part_of) == ("delete", ())


@pytest.mark.parametrize("order", [1, -1])
def test_s4_names_the_same_manager_whatever_order_they_are_kept_in(order: int) -> None:
    held = stale(managers=[("kustomize-controller", "Apply"), ("helm-controller", "Apply")][::order])
    assert why(judge([active(), held]), held) == "field manager helm-controller applied it"


def test_s4_an_inventory_entry_is_ownership() -> None:
    held = stale()
    entries = [{"id": "_left_rbac.authorization.k8s.io_ClusterRole", "v": "v1"}]
    sync = obj("Kustomization", "sync", status={"inventory": {"entries": entries}})
    found = judge([active(), held, sync])
    assert decided(found, held) == ("protect", ("S4",))
    assert why(found, held) == "Kustomization flux-system/sync lists it in its inventory"


def test_s4_a_colon_in_a_name_is_two_underscores_in_an_inventory() -> None:
    held = stale(name="flux:left")
    entries = [{"id": "_flux__left_rbac.authorization.k8s.io_ClusterRole", "v": "v1"}]
    assert decided(
        judge([active(), held, obj("Kustomization", "s", status={"inventory": {"entries": entries}})]), held
    )[1] == ("S4",)


@pytest.mark.parametrize(
    ("managers", "rules"),
    [
        ([("helm", "Update"), ("kustomize-controller", "Apply")], ("S4",)),
        ([("helm-controller", "Apply")], ("S4",)),
        ([("helm", "Update"), ("kubectl-edit", "Update"), ("kubectl", "Apply")], ()),
        ([("pulumi-resource-kubernetes", "Update")], ()),
        ([("somebody", "Update")], ()),
    ],
)
def test_s4_flux_managers_own_and_the_stamps_own_manager_does_not(
    managers: list[tuple[str, str]], rules: tuple[str, ...]
) -> None:
    left = stale(managers=managers)
    assert decided(judge([active(), left]), left)[1] == rules


def test_s4_a_status_writer_owns_nothing() -> None:
    left = stale()
    left["metadata"]["managedFields"].append(
        {
            "manager": "kustomize-controller",
            "operation": "Update",
            "subresource": "status",
            "fieldsV1": {"f:status": {}},
        }
    )
    assert decided(judge([active(), left]), left) == ("delete", ())


def test_s4_any_mark_of_any_owner_the_contract_knows() -> None:
    left = stale(annotations={"argocd.argoproj.io/tracking-id": "app:rbac/ClusterRole:x/left"})
    found = judge([active(), left])
    assert decided(found, left) == ("protect", ("S4",))
    assert "argo owns it too: annotation argocd.argoproj.io/tracking-id" in why(found, left)


def test_s4_a_claim_by_name_for_another_owner_counts_and_one_by_glob_does_not() -> None:
    named, other = stale("ConfigMap", "claimed"), stale("ConfigMap", "unclaimed")
    claims = (
        Claim("flux", "gitops", "g/", (Selector(kinds=("ConfigMap",), names=("*",), namespaces=("*",)),)),
        *CONTRACT.claims,
    )
    found = judge([active(), named, other], by=contract(claims=claims))
    assert decided(found, named) == ("protect", ("S4",))
    assert why(found, named) == "the contract claims it by name for flux"
    assert decided(found, other) == ("delete", ())


@pytest.mark.parametrize("kind", ["Kustomization", "HelmRelease"])
def test_s4_an_unreadable_inventory_kind_is_no_proof(kind: str) -> None:
    left = stale()
    found = judge([active(), left], [gap(kind)])
    assert decided(found, left) == ("protect", ("S4",))
    assert f"could not verify that no inventory lists it: {kind}: forbidden" in why(found, left)


@pytest.mark.parametrize(
    "status",
    [
        "torn",
        {"inventory": []},
        {"inventory": {"entries": {"id": "x"}}},
        {"inventory": {"entries": ["x"]}},
        {"inventory": {"entries": [{"id": "no-underscores"}]}},
    ],
)
def test_s4_a_damaged_inventory_is_no_proof(status: Any) -> None:
    left = stale()
    found = judge([active(), left, obj("Kustomization", "sync", status=status)])
    assert decided(found, left) == ("protect", ("S4",))
    assert "Kustomization flux-system/sync could not be read" in why(found, left)


def test_s4_an_inventory_of_which_only_metadata_was_read_is_no_proof() -> None:
    left = stale()
    read = inventory([active(), left])
    sync = Live.of(obj("Kustomization", "sync"), keep_body=False)
    read.objects[sync.key] = sync
    assert decided(weigh(read), left) == ("protect", ("S4",))


@pytest.mark.parametrize(("field", "value"), [("labels", []), ("labels", {"a": 1}), ("managedFields", {})])
def test_s4_damaged_marks_prove_nothing(field: str, value: Any) -> None:
    left = stale()
    read = inventory([active(), left])
    left["metadata"][field] = value
    read.objects[Live.of(left).key] = Live.of(left)
    found = weigh(read)
    assert decided(found, left) == ("protect", ("S4",))
    assert f"its {field} are damaged" in why(found, left)
    assert attributed(found, left).state is State.UNVERIFIABLE


def test_s4_another_release_in_force_that_lists_it_holds_it_whoever_its_owner_is() -> None:
    left = stale()
    family = Family("more", FLUX_SYSTEM, "pulumi", names=("more",), cleanup_cluster_scoped=True)
    found = judge(
        [active(), record("more", 1, "deployed", [document(left)]), left], by=contract(releases=(FAMILY, family))
    )
    assert decided(found, left) == ("protect", ("S4",))
    assert why(found, left) == "release flux-system/more revision 1, in force, lists it"


def test_s4_of_a_settled_pair_the_other_one_still_holds_what_it_lists() -> None:
    left, both = stale(release=OLDER), stale(name="both", release=OLDER)
    other = record(OLD, 1, "deployed", [document(left), document(both)])
    found = judge([active(both), other, left, both], wish=Wish(settled=(NEW, 2)))
    assert decided(found, left) == ("protect", ("S4",))
    assert decided(found, both) == ("adopt", ("S6",))


def test_s5_cleanup_goes_where_the_contract_lets_it() -> None:
    elsewhere, cluster = stale("ConfigMap", namespace="apps"), stale()
    narrow = contract(releases=(replace(FAMILY, cleanup_cluster_scoped=False),))
    assert decided(judge([active(), elsewhere]), elsewhere) == ("protect", ("S5",))
    assert decided(judge([active(), cluster], by=narrow), cluster) == ("protect", ("S5",))
    assert "may not touch cluster-scoped" in why(judge([active(), cluster], by=narrow), cluster)


def test_s6_what_the_active_release_lists_is_adopted() -> None:
    mine = stale("ServiceAccount", "mine")
    found = judge([active(mine), mine])
    each = candidate(found, mine)
    assert each is not None
    assert (each.decision, each.target) == (Decision.ADOPT, NEW)
    assert decided(found, mine) == ("adopt", ("S6",))
    assert attributed(found, mine).state is State.STALE


def test_s6_a_newer_failed_revision_counts_and_an_older_one_does_not() -> None:
    newer, older = stale(name="newer"), stale(name="older")
    records = [
        record(NEW, 1, "superseded", [document(older)]),
        active(),
        record(NEW, 3, "failed", [document(newer)]),
    ]
    found = judge([*records, newer, older])
    assert decided(found, newer) == ("adopt", ("S6",))
    assert f"{NEW} revision 3 (failed) lists it" in why(found, newer)
    assert decided(found, older) == ("delete", ())


def test_s6_an_older_failed_revision_lists_nothing_any_more() -> None:
    left = stale()
    found = judge([record(NEW, 1, "failed", [document(left)]), active(), left])
    assert decided(found, left) == ("delete", ())


def test_s6_nothing_is_adopted_while_a_newer_failed_manifest_cannot_be_read() -> None:
    mine = stale("ServiceAccount", "mine")
    found = judge([active(mine), record(NEW, 3, "failed", manifest="{{{"), mine])
    assert decided(found, mine) == ("protect", ("S6",))


def test_s6_an_unreadable_manifest_lists_everything() -> None:
    left = stale()
    found = judge([record(NEW, 2, "deployed", manifest="{{{"), left])
    assert decided(found, left) == ("protect", ("S6",))
    assert "cannot be read" in why(found, left)
    assert found.verdict.value == "unverified"
    assert any(NEW in text for text in found.incomplete)


def test_s6_a_document_of_unknown_scope_matches_by_kind_and_name() -> None:
    left = stale("ConfigMap", "cm")
    found = judge([active(left), left], unserved=["ConfigMap"])
    assert decided(found, left)[0] == "protect"
    assert "S6" in decided(found, left)[1]


@pytest.mark.parametrize("failing", [{"labels": {KUSTOMIZE_LABEL: "x"}}, {"release_namespace": "apps"}])
def test_s6_adopt_needs_the_first_five(failing: dict[str, Any]) -> None:
    mine = stale("ServiceAccount", "mine", **failing)
    decision, rules = decided(judge([active(mine), mine]), mine)
    assert decision == "protect"
    assert set(rules) >= {"S6"}
    assert len(rules) > 1


def test_s7_what_stays_protects_what_it_uses() -> None:
    role = stale("ClusterRole", "role")
    staying = obj("ClusterRoleBinding", "b", roleRef={"kind": "ClusterRole", "name": "role"})
    found = judge([active(), role, staying])
    assert decided(found, role) == ("protect", ("S7",))
    assert why(found, role) == "ClusterRoleBinding b grants it (roleRef)"


@pytest.mark.parametrize(
    ("parts", "sentence"),
    [
        ({"annotations": {"helm.sh/resource-policy": "keep"}}, "annotation helm.sh/resource-policy: keep"),
        ({"finalizers": ["example.test/hold"]}, "it has a finalizer: example.test/hold"),
        ({"deleting": True}, "it is being deleted since 2026-01-01T00:00:00Z"),
        ({"finalizers": [{"torn": 1}]}, "could not verify that nothing holds it: its finalizers could not be read"),
    ],
)
def test_s8_nothing_holds_it(parts: dict[str, Any], sentence: str) -> None:
    left = stale(**parts)
    found = judge([active(), left])
    assert decided(found, left) == ("protect", ("S8",))
    assert why(found, left) == sentence


@pytest.mark.parametrize(
    "kind", ["CustomResourceDefinition", "Namespace", "PersistentVolumeClaim", "StatefulSet", "Job", "Kustomization"]
)
def test_s9_some_kinds_are_never_deleted(kind: str) -> None:
    left = stale(kind, "left", spec={}, status={})
    found = judge([active(), left])
    decision, rules = decided(found, left)
    assert decision == "protect"
    assert "S9" in rules
    assert f"a cleanup never deletes a {kind}" in why(found, left)


@pytest.mark.parametrize(
    "kind",
    [
        *("ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding", "ServiceAccount", "ConfigMap", "Secret"),
        *("Service", "Deployment", "NetworkPolicy", "PodDisruptionBudget", "ResourceQuota"),
        *("ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"),
    ],
)
def test_s9_the_listed_kinds_may_be_deleted(kind: str) -> None:
    left = stale(kind, "left")
    assert decided(judge([active(), left]), left) == ("delete", ())


def test_every_rule_that_fails_is_named() -> None:
    left = stale(
        "PersistentVolumeClaim",
        "left",
        "apps",
        release_namespace="apps",
        labels={KUSTOMIZE_LABEL: "x"},
        finalizers=["kubernetes.io/pvc-protection"],
    )
    pod = obj("Pod", "p", "apps", spec={"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "left"}}]})
    found = judge([active(left), left, pod])
    assert decided(found, left) == ("protect", ("S1", "S4", "S5", "S6", "S7", "S8", "S9"))
