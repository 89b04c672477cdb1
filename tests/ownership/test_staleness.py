"""The family's state and the rules S1-S9: for each at least one case in which it alone, or it among others, fails."""

import base64
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
    findings,
    gap,
    judge,
    stale,
    weigh,
)
from tui.contract.model import Claim, Family, Mark, Owner, Selector
from tui.objects import Gap, Json, Live
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


# S1


def test_s1_a_stamp_of_another_namespace_is_of_another_release() -> None:
    left = stale(release_namespace="apps")
    found = judge([active(), left])
    # Helm's owner of that other release is nobody the family knows, so S4 fails with it.
    assert decided(found, left) == ("protect", ("S1", "S4"))
    assert "its stamp names namespace apps, the family lives in flux-system" in why(found, left)


def test_s1_the_active_releases_name_in_another_namespace_is_not_the_active_release() -> None:
    twin = obj("ConfigMap", "twin", release=NEW, release_namespace="apps")
    found = judge([active(twin), twin])
    assert decided(found, twin) == ("protect", ("S4", "S6"))


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


# S2


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


# S3


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


# S4


def test_s4_flux_labels_are_the_toolkits_own() -> None:
    held = stale(labels={KUSTOMIZE_LABEL: "sync"})
    part_of = stale(name="part", labels={"app.kubernetes.io/part-of": "flux"})
    found = judge([active(), held, part_of])
    assert decided(found, held) == ("protect", ("S4",))
    assert why(found, held) == f"Flux labels it: {KUSTOMIZE_LABEL}=sync"
    assert decided(found, part_of) == ("delete", ())


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


# S5


def test_s5_cleanup_goes_where_the_contract_lets_it() -> None:
    elsewhere, cluster = stale("ConfigMap", namespace="apps"), stale()
    narrow = contract(releases=(replace(FAMILY, cleanup_cluster_scoped=False),))
    assert decided(judge([active(), elsewhere]), elsewhere) == ("protect", ("S5",))
    assert decided(judge([active(), cluster], by=narrow), cluster) == ("protect", ("S5",))
    assert "may not touch cluster-scoped" in why(judge([active(), cluster], by=narrow), cluster)


# S6


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


def binding(role: str, **parts: Any) -> Json:
    return stale(
        "ClusterRoleBinding",
        "bind",
        roleRef={"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
        **parts,
    )


def test_s6_another_role_ref_means_recreate() -> None:
    live, wanted = binding("was"), binding("shall-be")
    found = judge([active(wanted), live])
    assert decided(found, live) == ("recreate", ("S6",))
    assert "another roleRef" in why(found, live)
    assert decided(judge([active(binding("was")), live]), live) == ("adopt", ("S6",))


def test_s6_a_role_ref_without_its_default_group_is_the_same() -> None:
    live = binding("was")
    bare = binding("was") | {"roleRef": {"kind": "ClusterRole", "name": "was"}}
    assert decided(judge([active(bare), live]), live) == ("adopt", ("S6",))


def test_s6_recreate_needs_s8_and_adopt_does_not() -> None:
    live = binding("was", finalizers=["x/y"])
    assert decided(judge([active(binding("other")), live]), live) == ("protect", ("S6", "S8"))
    assert decided(judge([active(binding("was")), live]), live) == ("adopt", ("S6",))


def test_s6_an_unread_role_ref_is_protected() -> None:
    live = binding("was")
    read = inventory([active(live)])
    bare = Live.of(live, keep_body=False)
    read.objects[bare.key] = bare
    found = weigh(read)
    assert decided(found, live)[0] == "protect"
    assert "could not verify that it is the same object" in why(found, live)


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


# S7 (its edges are in test_usage.py)


def test_s7_what_stays_protects_what_it_uses() -> None:
    role = stale("ClusterRole", "role")
    staying = obj("ClusterRoleBinding", "b", roleRef={"kind": "ClusterRole", "name": "role"})
    found = judge([active(), role, staying])
    assert decided(found, role) == ("protect", ("S7",))
    assert why(found, role) == "ClusterRoleBinding b grants it (roleRef)"


# S8


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


# S9


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


# The family's state


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


# Expected releases


EXPECT = Wish(expected=OLDER)


def test_an_absent_family_with_an_expected_release_adopts_by_s1_s4_s5() -> None:
    fine, kept = stale(), stale("Namespace", "n", finalizers=["x/y"])
    flux, far = stale(name="f", labels={KUSTOMIZE_LABEL: "x"}), stale("ConfigMap", "c", "apps")
    copied, already = stale("ConfigMap", "d", release_namespace="apps"), stale(name="done", release=OLDER)
    found = judge([fine, kept, flux, far, copied, already], wish=EXPECT)
    assert decided(found, fine) == decided(found, kept) == ("adopt", ("S3",))
    assert decided(found, flux) == ("protect", ("S3", "S4"))
    assert decided(found, far) == ("protect", ("S3", "S5"))
    assert decided(found, copied)[0] == "protect"
    assert decided(found, copied)[1][:2] == ("S1", "S3")
    assert decided(found, already) == ("protect", ("S3",))
    each = candidate(found, fine)
    assert each is not None
    assert each.target == OLDER


def test_an_expected_release_of_no_family_is_nobodys() -> None:
    left = stale()
    found = judge([left], wish=Wish(expected="other"))
    assert found.families[0].expected is None
    assert decided(found, left) == ("protect", ("S3",))


def test_an_expected_release_makes_nothing_stale_while_another_is_in_force() -> None:
    mine, left = obj("ClusterRole", "mine", release=NEW), stale()
    found = judge([active(mine), mine, left], wish=EXPECT)
    assert candidate(found, mine) is None
    assert decided(found, left) == ("delete", ())


# stamp-absent


def applied(body: Json, manager: str, operation: str, fields: Json) -> Json:
    body["metadata"]["managedFields"].append({"manager": manager, "operation": operation, "fieldsV1": fields})
    return body


def test_what_is_listed_and_bears_no_stamp_is_adopted_by_s4_and_s5() -> None:
    bare = obj("ServiceAccount", "bare")
    found = judge([active(bare), bare])
    assert decided(found, bare) == ("adopt", ("S6",))
    flux = obj("ServiceAccount", "flux", labels={KUSTOMIZE_LABEL: "x"})
    assert decided(judge([active(flux), flux]), flux) == ("protect", ("S4", "S6"))
    far = obj("ServiceAccount", "far", "apps")
    assert decided(judge([active(far), far]), far) == ("protect", ("S5", "S6"))


def test_a_stamp_without_its_label_is_incomplete() -> None:
    half = obj("ServiceAccount", "half", release=NEW)
    half["metadata"]["labels"] = {}
    assert decided(judge([active(half), half]), half) == ("adopt", ("S6",))


def test_what_kubectl_apply_holds_is_adopted_and_is_not_stale() -> None:
    held = applied(
        obj("Deployment", "held", release=NEW, spec={"replicas": 1}),
        "kubectl-client-side-apply",
        "Update",
        {"f:spec": {"f:replicas": {}}},
    )
    found = judge([active(held), held])
    assert decided(found, held) == ("adopt", ("S6",))
    assert "kubectl-client-side-apply holds fields" in why(found, held)
    assert attributed(found, held).state is State.OWNED


def test_what_is_stamped_and_held_by_its_release_is_no_candidate() -> None:
    fine = obj("Deployment", "fine", release=NEW, spec={"replicas": 1})
    assert candidate(judge([active(fine), fine]), fine) is None


# Order of leaving


def chain() -> list[Json]:
    """A binding, its role and account; a Deployment that runs as the account, with its pods."""
    subject = {"kind": "ServiceAccount", "name": "acct", "namespace": FLUX_SYSTEM}
    template = {"metadata": {"labels": {"app": "d"}}, "spec": {"serviceAccountName": "acct"}}
    return [
        stale("ServiceAccount", "acct"),
        stale("ClusterRole", "role"),
        stale("ClusterRoleBinding", "bind", roleRef={"kind": "ClusterRole", "name": "role"}, subjects=[subject]),
        stale("Deployment", "d", spec={"replicas": 0, "template": template}),
        obj("ReplicaSet", "d-1", owner=("Deployment", "d"), spec={"template": template}),
        obj("Pod", "d-1-a", owner=("ReplicaSet", "d-1"), labels={"app": "d"}, spec=template["spec"]),
    ]


def test_users_leave_before_what_they_use_and_pods_go_with_their_deployment() -> None:
    found = judge([active(), *chain()])
    order = [each.ref.name for each in found.candidates if each.decision is Decision.DELETE]
    assert set(order) == {"acct", "role", "bind", "d"}
    assert order.index("bind") < order.index("role")
    assert order.index("d") < order.index("acct")
    assert order.index("bind") < order.index("acct")
    account = next(each for each in found.candidates if each.ref.name == "acct")
    assert {key.name for key in account.rests_on} == {"bind", "d"}


def test_a_user_that_must_stay_keeps_what_it_uses_at_any_replica_count() -> None:
    things = chain()
    things[3]["metadata"]["finalizers"] = ["x/y"]
    found = judge([active(), *things])
    rules = {each.ref.name: (each.decision.value, tuple(r.value for r in each.rules)) for each in found.candidates}
    assert rules["d"] == ("protect", ("S8",))
    assert rules["acct"] == ("protect", ("S7",))
    assert rules["bind"][0] == rules["role"][0] == "delete"


def test_a_circle_of_users_protects_itself() -> None:
    secret = stale("Secret", "token", annotations={"kubernetes.io/service-account.name": "acct"})
    account = stale("ServiceAccount", "acct", secrets=[{"name": "token"}])
    found = judge([active(), secret, account])
    assert decided(found, secret) == decided(found, account) == ("protect", ("S7",))


def test_an_orphaned_pod_is_a_user_of_its_own() -> None:
    pod = obj("Pod", "p", owner=("ReplicaSet", "gone"), spec={"serviceAccountName": "acct"})
    account = stale("ServiceAccount", "acct")
    assert decided(judge([active(), account, pod]), account) == ("protect", ("S7",))


def test_a_second_family_is_judged_by_its_own_records() -> None:
    mine, others = stale(), stale(name="o", release="cert-1")
    family = Family("cert", FLUX_SYSTEM, "argo", match="cert-*", cleanup_cluster_scoped=True)
    owners = {**CONTRACT.owners, "argo": Owner("argo", "Argo", (Mark(family="cert"),))}
    found = judge([active(), mine, others], by=contract(releases=(FAMILY, family), owners=owners))
    assert decided(found, mine) == ("delete", ())
    assert decided(found, others) == ("protect", ("S3",))
    assert [view.state.value for view in found.families] == ["active", "absent"]
