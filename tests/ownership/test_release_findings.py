"""Findings about releases: each code fires when it must, at its severity, and not otherwise."""

from typing import Any

import pytest

from tests.clusters import document, obj, record
from tests.ownership.judging import NEW, OLD, OLDER, active, findings, gap, judge, names, stale, weigh
from tests.ownership.living import harbours, living
from tui.objects import Json
from tui.ownership.model import Assessment, Finding, Missing, Wish


def only(found: Assessment, code: str) -> Finding:
    """The one finding of a code."""
    each = findings(found, code)
    assert len(each) == 1, [f.summary for f in each]
    return each[0]


def codes(found: Assessment) -> set[str]:
    """Every code but those that any bare test cluster has."""
    return {each.code for each in found.findings} - {"contract-unpinned", "undocumented", "unowned"}


def bind(role: str = "role", **parts: Any) -> Json:
    return obj("ClusterRoleBinding", "bind", roleRef={"kind": "ClusterRole", "name": role}, **parts)


def test_a_clean_release_finds_nothing() -> None:
    mine = obj("ClusterRole", "mine", release=NEW)
    found = judge([active(mine), mine])
    assert codes(found) == set()
    assert found.verdict.value == "pass"


def test_before_a_first_install_nothing_is_absent() -> None:
    assert codes(judge([])) == set()


@pytest.mark.parametrize("objects", [[record(OLD, 1, "failed")], [stale()]], ids=["record", "stamp"])
def test_release_absent_needs_a_record_or_a_stamp(objects: list[Json]) -> None:
    found = judge(objects)
    assert only(found, "release-absent").severity.value == "block"
    assert found.verdict.value == "block"
    assert "--expect NAME" in only(found, "release-absent").next
    then = only(judge(objects, wish=Wish(expected=OLDER)), "release-absent").next
    assert then.startswith("re-stamp" if objects[0]["kind"] == "ClusterRole" else f"let the owner install {OLDER}")


def test_a_copied_stamp_alone_makes_nothing_absent() -> None:
    deployment = obj("Deployment", "d", spec={})
    copy = obj("ReplicaSet", "d-1", owner=("Deployment", "d"), release=OLD, spec={})
    assert "release-absent" not in codes(judge([deployment, copy]))


def test_release_ambiguous_tells_settling_from_waiting() -> None:
    two = only(judge([record(NEW), record(OLD)]), "release-ambiguous")
    assert two.severity.value == "block"
    assert "--settle NAME@REVISION" in two.next
    busy = only(judge([record(NEW), record(NEW, 2, "pending-upgrade")]), "release-ambiguous")
    assert "wait for its process to end" in busy.next
    assert f"{NEW} revision 2 is pending-upgrade" in busy.summary


def test_release_unverifiable_alone_makes_the_verdict_unverified() -> None:
    torn = record(NEW) | {"data": {"release": "AAAA"}}
    found = judge([torn])
    assert only(found, "release-unverifiable").severity.value == "warn"
    assert found.verdict.value == "unverified"
    assert found.incomplete == ()
    assert "release-unverifiable" in codes(judge([], [gap("Secret")]))


def test_a_record_outside_the_families_that_cannot_be_decoded_is_a_warning_only() -> None:
    found = judge([record("other") | {"data": {"release": "AAAA"}}])
    assert only(found, "record-undecodable").severity.value == "warn"
    assert names(only(found, "record-undecodable")) == {"Secret flux-system/sh.helm.release.v1.other.v1"}
    assert found.verdict.value == "warn"


def test_refused_install_over_stale_stamps_in_an_absent_family() -> None:
    found = judge([stale(), stale("ConfigMap", "c")], wish=Wish(expected=OLDER))
    each = only(found, "refused-install")
    assert (each.severity.value, len(each.resources)) == ("block", 2)
    assert f"re-stamp them to {OLDER}" in each.next


def test_refused_install_while_another_is_in_force_says_how_to_pin() -> None:
    each = only(judge([active()], wish=Wish(expected=OLDER)), "refused-install")
    assert f"pin the release's name to {NEW}" in each.next


def test_refused_install_touches_nothing_while_the_family_is_ambiguous() -> None:
    each = only(judge([record(NEW), record(OLD), stale()], wish=Wish(expected=OLDER)), "refused-install")
    assert "nothing of it may be touched while the family is ambiguous" in each.next


@pytest.mark.parametrize("expected", [NEW, OLD, None, "other"])
def test_refused_install_needs_an_expected_release_that_is_not_recorded(expected: str | None) -> None:
    found = judge([active(), record(OLD, 1, "failed"), stale()], wish=Wish(expected=expected))
    assert "refused-install" not in codes(found)
    assert "refused-install" not in codes(judge([], wish=Wish(expected=expected)))


def lost(found: Assessment) -> dict[str, Missing]:
    return {each.ref.label: each for each in found.missing}


def test_resource_missing_blocks_and_names_what_a_replay_would_make() -> None:
    there, gone = obj("ClusterRole", "there", release=NEW), obj("ConfigMap", "gone")
    found = judge([active(there, gone), there])
    each = only(found, "resource-missing")
    assert (each.severity.value, names(each)) == ("block", {"ConfigMap flux-system/gone"})
    assert each.evidence == ("ConfigMap flux-system/gone: kubectl get configmap gone -n flux-system finds nothing",)
    assert [m.replayable for m in found.missing] == [True]
    # What a Pulumi program's owner would try first does nothing.
    assert each.next.endswith("pulumi up and pulumi refresh call the release unchanged until a value of it changes")


@pytest.mark.parametrize("kind", ["Job", "Pod"])
def test_jobs_and_pods_are_missing_and_never_replayed(kind: str) -> None:
    found = judge([active(obj(kind, "once", spec={}))])
    assert [(m.replayable, bool(m.why)) for m in found.missing] == [(False, True)]
    assert "resource-missing" not in codes(found)


def test_a_document_without_a_name_cannot_be_told() -> None:
    written = document(obj("Job", "x", spec={}))
    written["metadata"] = {"generateName": "x-"}
    found = judge([record(NEW, 2, "deployed", [written])])
    assert [m.replayable for m in found.missing] == [False]
    assert "generateName" in found.missing[0].why


def test_what_someone_else_lists_is_not_replayed() -> None:
    gone = obj("ConfigMap", "gone")
    sync = obj("Kustomization", "s", status={"inventory": {"entries": [{"id": "flux-system_gone__ConfigMap"}]}})
    assert "Kustomization flux-system/s lists it" in lost(judge([active(gone), sync]))["ConfigMap flux-system/gone"].why
    other = record("other", 1, "deployed", [document(gone)])
    assert "other, in force, lists it too" in lost(judge([active(gone), other]))["ConfigMap flux-system/gone"].why


def test_a_release_that_a_helm_release_runs_is_its_controllers() -> None:
    runs = obj("HelmRelease", NEW, spec={})
    found = judge([active(obj("ConfigMap", "gone")), runs])
    assert [m.replayable for m in found.missing] == [False]
    assert f"HelmRelease flux-system/{NEW} runs this release" in found.missing[0].why


def test_what_a_newer_failed_revision_dropped_is_not_replayed() -> None:
    kept, dropped = obj("ConfigMap", "kept"), obj("ConfigMap", "dropped")
    found = judge([active(kept, dropped), record(NEW, 3, "failed", [document(kept)])])
    assert {m.ref.name: m.replayable for m in found.missing} == {"kept": True, "dropped": False}
    assert "the newer revision 3 (failed) dropped it" in lost(found)["ConfigMap flux-system/dropped"].why


def test_what_could_not_be_listed_is_not_missing() -> None:
    found = judge([active(obj("ConfigMap", "one"), obj("ServiceAccount", "two"))], [gap("ServiceAccount")])
    assert set(lost(found)) == {"ConfigMap flux-system/one"}
    assert "ServiceAccount: forbidden" in found.incomplete


def test_an_older_version_of_the_same_object_is_no_loss() -> None:
    live = obj("HorizontalPodAutoscaler", "h", release=NEW, spec={})
    written = document(live) | {"apiVersion": "autoscaling/v1"}
    assert judge([record(NEW, 2, "deployed", [written]), live]).missing == ()


def test_stale_leftover_and_stamp_foreign_are_told_apart() -> None:
    left, mine, others = stale(), stale("ServiceAccount", "mine"), obj("ServiceAccount", "o", release="other")
    found = judge([active(mine, others), left, mine, others])
    assert names(only(found, "stale-leftover")) == {"ClusterRole left"}
    assert "1 safe to delete" in only(found, "stale-leftover").summary
    foreign = findings(found, "stamp-foreign")
    assert {frozenset(names(each)) for each in foreign} == {
        frozenset({"ServiceAccount flux-system/mine"}),
        frozenset({"ServiceAccount flux-system/o"}),
    }
    assert {each.severity.value for each in foreign} == {"warn"}


@pytest.mark.parametrize(("method", "severity"), [("ssa", "block"), ("csa", "warn"), ("", "warn")])
def test_stamp_absent_blocks_only_a_server_side_release(method: str, severity: str) -> None:
    bare = obj("ServiceAccount", "bare")
    found = judge([active(bare, method=method), bare])
    each = only(found, "stamp-absent")
    assert (each.severity.value, names(each)) == (severity, {"ServiceAccount flux-system/bare"})
    stamped = obj("ServiceAccount", "bare", release=NEW)
    assert "stamp-absent" not in codes(judge([active(stamped, method="csa"), stamped]))


def test_stamp_absent_needs_its_object_listed() -> None:
    assert "stamp-absent" not in codes(judge([active(), obj("ServiceAccount", "bare")]))


@pytest.mark.parametrize("change", ["label", "namespace"])
def test_stamp_disagrees(change: str) -> None:
    odd = obj("ServiceAccount", "odd", release=NEW, **({"release_namespace": "apps"} if change == "namespace" else {}))
    if change == "label":
        odd["metadata"]["labels"] = {"app.kubernetes.io/managed-by": "helm"}
    each = only(judge([active(), odd]), "stamp-disagrees")
    assert (each.severity.value, names(each)) == ("warn", {"ServiceAccount flux-system/odd"})
    assert "stamp-disagrees" not in codes(judge([active(), obj("ServiceAccount", "fine", release=NEW)]))


def test_roleref_differs() -> None:
    live, wanted = bind("was", release=NEW), bind("shall-be")
    each = only(judge([active(wanted), live]), "roleref-differs")
    assert (each.severity.value, names(each)) == ("block", {"ClusterRoleBinding bind"})
    assert "grants ClusterRole was" in each.summary
    assert "wants ClusterRole shall-be" in each.summary
    same = judge([active(bind("was")), live])
    assert codes(same) == set()


def test_a_differing_role_ref_is_not_told_twice_as_drift() -> None:
    assert "drifted" not in codes(judge([active(bind("was")), bind("now", release=NEW)]))


def test_drifted_names_objects_and_paths_and_leaves_out_what_a_scaler_sets() -> None:
    live = obj("Deployment", "d", release=NEW, spec={"replicas": 3, "paused": False})
    written = obj("Deployment", "d", spec={"replicas": 1})
    each = only(judge([active(written), live]), "drifted")
    shown = "kubectl get deployment.apps d -n flux-system -o yaml"
    assert (each.severity.value, each.evidence) == ("warn", ("Deployment flux-system/d: spec.replicas", shown))
    scaler = obj(
        "HorizontalPodAutoscaler",
        "h",
        spec={"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "d"}},
    )
    assert "drifted" not in codes(judge([active(written), live, scaler]))


def test_one_finding_a_pair_names_every_shared_object() -> None:
    shared = [obj("ClusterRole", name, release=NEW) for name in "abc"]
    third = obj("ClusterRole", "t", release="other")
    found = judge([active(*shared), record(OLD, 1, "superseded", map(document, [*shared, third])), *shared, third])
    pairs = {each.summary: names(each) for each in findings(found, "delete-bomb")}
    assert pairs == {
        f"uninstalling {OLD} (Helm 3), or upgrading {OLD} to a chart without them (Helm 3 and 4.3), would delete"
        f" 3 objects stamped {NEW}": {f"ClusterRole {name}" for name in "abc"},
        f"uninstalling {OLD} (Helm 3), or upgrading {OLD} to a chart without it (Helm 3 and 4.3), would delete"
        " 1 object stamped other": {"ClusterRole t"},
    }
    assert {each.severity.value for each in findings(found, "delete-bomb")} == {"warn"}
    assert all("retire its records" in each.next for each in findings(found, "delete-bomb"))


def test_two_in_force_are_two_bombs_where_each_lists_what_bears_the_others_stamp() -> None:
    one, two = obj("ClusterRole", "one", release=NEW), obj("ClusterRole", "two", release=OLD)
    found = judge([active(one, two), record(OLD, 1, "deployed", map(document, [one, two])), one, two])
    assert [names(each) for each in findings(found, "delete-bomb")] == [{"ClusterRole two"}, {"ClusterRole one"}]


def test_the_active_releases_own_uninstall_takes_what_it_lists_under_a_stale_stamp() -> None:
    mine = stale("ServiceAccount", "mine")
    each = only(judge([active(mine), mine]), "delete-bomb")
    assert each.summary.startswith(f"the owner's own uninstall of {NEW} (Helm 3), or upgrading {NEW} to a chart")
    assert each.summary.endswith(f"would delete 1 object still stamped {OLD}")
    assert "retire" not in each.next
    assert "adopt what it lists" in each.next


def test_only_the_newest_revision_is_what_an_uninstall_deletes() -> None:
    shared = obj("ClusterRole", "a", release=NEW)
    records = [record(OLD, 1, "superseded", [document(shared)]), record(OLD, 2, "failed")]
    assert "delete-bomb" not in codes(judge([active(shared), *records, shared]))


@pytest.mark.parametrize(
    "objects",
    [
        [obj("ClusterRole", "a")],
        [obj("ClusterRole", "a", release=OLD)],
        [],
    ],
    ids=["unstamped", "its own", "gone"],
)
def test_no_bomb_without_anothers_stamp_on_a_live_object(objects: list[Json]) -> None:
    shared = obj("ClusterRole", "a")
    assert "delete-bomb" not in codes(judge([record(OLD, 1, "deployed", [document(shared)]), *objects]))


def test_an_uninstalled_release_cannot_go_off() -> None:
    shared = obj("ClusterRole", "a", release=NEW)
    found = judge([active(shared), record(OLD, 1, "uninstalled", [document(shared)]), shared])
    assert "delete-bomb" not in codes(found)


def test_the_same_name_in_another_namespace_is_another_release() -> None:
    shared = obj("ClusterRole", "a", release="other", release_namespace="apps")
    found = judge([record("other", 1, "deployed", [document(shared)]), shared])
    assert names(only(found, "delete-bomb")) == {"ClusterRole a"}


def test_the_living_releases_are_whole() -> None:
    found = weigh(living(), by=harbours())
    assert [view.state.value for view in found.families] == ["active", "active"]
    for code in (
        "resource-missing",
        "stamp-absent",
        "stamp-foreign",
        "stale-leftover",
        "delete-bomb",
        "roleref-differs",
    ):
        assert findings(found, code) == [], code
    assert found.candidates == ()
    assert found.verdict.value == "warn"
