"""A refused install: what its text and its manifest name, what would be adopted, and when nothing may be touched."""

from dataclasses import replace
from typing import Any

import pytest

from tests.clusters import FAMILY, contract, document, obj, record
from tests.ownership.judging import NEW, OLD, OLDER, active, decided, findings, gap, judge, names, stale
from tui.helm.errors import read_error
from tui.helm.model import Document
from tui.helm.refusal import OwnerError
from tui.objects import Json, Ref
from tui.ownership.model import Assessment, Finding, Forecast, Wish

EXPECTED = "gitops-flux-12345678"


def refused(kind: str, name: str, namespace: str = "", now: str = OLD, wanted: str = EXPECTED) -> str:
    return (
        f'Unable to continue with install: {kind} "{name}" in namespace "{namespace}" exists and cannot be imported '
        "into the current release: invalid ownership metadata; annotation validation error: key "
        f'"meta.helm.sh/release-name" must equal "{wanted}": current value is "{now}"\n'
    )


def told(*texts: str) -> Wish:
    return Wish(EXPECTED, error=read_error("".join(texts)))


def listing(*objects: Json) -> Forecast:
    written = [document(each) for each in objects]
    return Forecast("m.yaml", "0" * 64, tuple(Document(Ref.of(each), each) for each in written))


def only(found: Assessment) -> Finding:
    (each,) = findings(found, "refused-install")
    return each


def test_the_text_names_what_is_adopted_in_an_absent_family() -> None:
    one, two = stale("ClusterRole", "one"), stale("ConfigMap", "two", release=OLDER)
    found = judge([one, two], wish=told(refused("ClusterRole", "one")))
    each = only(found)
    assert each.severity.value == "block"
    assert names(each) == {"ClusterRole one", "ConfigMap flux-system/two"}
    assert f"ClusterRole one: bears the stamp of {OLD}, {EXPECTED} is wanted; adopt" in each.evidence
    assert each.next.startswith(f"re-stamp them to {EXPECTED}")
    assert f"with `name: {EXPECTED}` in the program" in each.next
    assert f'  Python: Release("gitops-flux", ReleaseArgs(name="{EXPECTED}", ...the rest as it is))' in each.evidence
    assert decided(found, one) == decided(found, two) == ("adopt", ("S3",))


def test_with_its_manifest_only_what_it_lists_is_adopted_and_the_rest_is_named() -> None:
    listed, left = stale("ClusterRole", "listed"), stale("ConfigMap", "left")
    found = judge([listed, left], wish=Wish(EXPECTED, forecast=listing(listed, obj("Secret", "not-there"))))
    assert decided(found, listed) == ("adopt", ("S3",))
    assert decided(found, left) == ("protect", ("S3",))
    each = only(found)
    assert names(each) == {"ClusterRole listed"}
    assert f"ConfigMap flux-system/left: stamped with {OLD}" in each.evidence
    assert any("not in the manifest" in text and "1 object" in text for text in each.evidence)


def test_an_empty_manifest_lets_nothing_be_adopted() -> None:
    left = stale()
    assert decided(judge([left], wish=Wish(EXPECTED, forecast=listing())), left) == ("protect", ("S3",))


@pytest.mark.parametrize("marks", [{}, {"labels": {"app.kubernetes.io/managed-by": "Helm"}}])
def test_listed_live_and_unstamped_is_adopted_too(marks: Any) -> None:
    bare = obj("ServiceAccount", "bare", **marks)
    found = judge([record(OLD, 1, "failed"), bare], wish=Wish(EXPECTED, forecast=listing(bare)))
    assert decided(found, bare) == ("adopt", ("S3",))
    assert names(only(found)) == {"ServiceAccount flux-system/bare"}
    without = judge([record(OLD, 1, "failed"), bare], wish=told(refused("ServiceAccount", "bare", "flux-system", "")))
    assert decided(without, bare) == ("", ())
    assert "--manifest FILE" in "".join(only(without).evidence)


def test_an_incomplete_stamp_of_the_expected_release_is_completed_once() -> None:
    half = obj("ServiceAccount", "half", release=EXPECTED)
    half["metadata"]["labels"] = {}
    found = judge([half], wish=Wish(EXPECTED, forecast=listing(half)))
    assert [c.ref.name for c in found.candidates] == ["half"]
    assert decided(found, half) == ("adopt", ("S3",))
    whole = obj("ServiceAccount", "whole", release=EXPECTED)
    assert decided(judge([whole], wish=Wish(EXPECTED, forecast=listing(whole))), whole) == ("protect", ("S3",))


@pytest.mark.parametrize(
    ("parts", "rule"),
    [
        ({"labels": {"kustomize.toolkit.fluxcd.io/name": "sync"}}, "S4"),
        ({"annotations": {"argocd.argoproj.io/tracking-id": "x"}}, "S4"),
        ({"namespace": "apps"}, "S5"),
        ({"release_namespace": "apps", "release": OLD}, "S1"),
    ],
)
@pytest.mark.parametrize("with_manifest", [True, False])
def test_what_another_holds_stays_and_is_told(parts: dict[str, Any], rule: str, with_manifest: bool) -> None:
    where = parts.get("namespace", "flux-system")
    held = stale("ServiceAccount", "held", where, **{k: v for k, v in parts.items() if k != "namespace"})
    found = judge([held], wish=Wish(EXPECTED, forecast=listing(held) if with_manifest else None))
    assert decided(found, held)[0] == "protect"
    assert rule in decided(found, held)[1]
    assert rule in "".join(only(found).evidence)
    assert "none of them may be re-stamped" in only(found).next


@pytest.mark.parametrize("manager", ["helm", "pulumi-resource-kubernetes"])
@pytest.mark.parametrize("name", [EXPECTED, NEW])
def test_the_same_name_in_another_namespace_is_another_release(manager: str, name: str) -> None:
    parts: dict[str, Any] = {"release": name, "release_namespace": "apps", "managers": [(manager, "Update")]}
    theirs = obj("ClusterRole", "theirs", **parts)
    world = [active(theirs), theirs] if name == NEW else [theirs]
    found = judge(world, wish=Wish(name, forecast=listing(theirs)))
    assert decided(found, theirs)[0] == "protect"
    assert "S1" in decided(found, theirs)[1]


def test_a_strangers_stamp_is_told_and_never_touched() -> None:
    theirs = obj("ServiceAccount", "theirs", release="other")
    found = judge([stale(), theirs], wish=Wish(EXPECTED, forecast=listing(theirs)))
    assert decided(found, theirs) == ("", ())
    assert "not touched: other is no release of gitops-flux" in "".join(only(found).evidence)


def test_while_the_old_one_is_in_force_nothing_is_stale_and_the_name_is_to_be_pinned() -> None:
    mine = obj("ClusterRole", "mine", release=NEW)
    found = judge([active(mine), mine], wish=told(refused("ClusterRole", "mine", now=NEW)))
    each = only(found)
    assert (each.severity.value, names(each)) == ("block", {"ClusterRole mine"})
    assert f"{NEW} is still in force" in each.summary
    assert "nothing is stale" in each.next
    assert f"set `name: {NEW}` on its Release resource" in each.next
    assert "`names:` of the family gitops-flux" in each.next
    assert found.candidates == ()


def test_an_owner_without_generated_names_is_told_to_pin_and_no_more() -> None:
    by = contract(releases=(replace(FAMILY, generated=None, names=(NEW, EXPECTED)),))
    found = judge([active()], wish=Wish(EXPECTED), by=by)
    assert only(found).next.endswith(f"pin the release's name to {NEW} at its owner, Pulumi")


def test_a_manifest_shows_what_an_install_would_be_refused_over_before_it_is_tried() -> None:
    mine, free = obj("ClusterRole", "mine", release=NEW), obj("ConfigMap", "free")
    found = judge([active(mine), mine], wish=Wish(EXPECTED, forecast=listing(mine, free)))
    assert names(only(found)) == {"ClusterRole mine"}
    assert found.candidates == ()


def test_an_upgrade_of_the_release_in_force_may_be_refused_too() -> None:
    bare = obj("ServiceAccount", "bare")
    wish = Wish(NEW, error=read_error(refused("ServiceAccount", "bare", "flux-system", "", NEW)))
    each = only(judge([active(), bare], wish=wish))
    assert f"upgrade of {NEW} is refused over 1 object" in each.summary


def test_what_was_mended_since_blocks_nothing() -> None:
    mine = obj("ClusterRole", "mine", release=EXPECTED)
    found = judge([mine], wish=told(refused("ClusterRole", "mine"), refused("ClusterRole", "gone")))
    each = only(found)
    assert each.severity.value == "info"
    assert "ClusterRole gone: it is not there any more" in each.evidence
    assert "try again" in each.next


def test_what_could_not_be_read_is_not_called_mended() -> None:
    found = judge([stale()], [gap("ConfigMap")], wish=told(refused("ConfigMap", "c", "flux-system")))
    assert "ConfigMap flux-system/c: could not verify: ConfigMap: forbidden" in only(found).evidence
    assert "nothing of it may be touched" in only(found).next, "release records may be ConfigMaps"


def test_the_text_may_be_older_than_what_the_object_bears() -> None:
    found = judge([stale("ClusterRole", "x", release=OLDER)], wish=told(refused("ClusterRole", "x", now=OLD)))
    assert f"bears the stamp of {OLDER} (the text says {OLD})" in "".join(only(found).evidence)


def test_what_of_the_text_could_not_be_read_is_told() -> None:
    found = judge([stale()], wish=told(refused("ClusterRole", "left"), refused("ConfigMap", "more")[:-60]))
    assert any(text.startswith("not readable in the owner's text: ConfigMap more") for text in only(found).evidence)


def test_evidence_is_bounded_and_the_resources_are_whole() -> None:
    many = [stale("ConfigMap", f"c{number}") for number in range(250)]
    each = only(judge(many, wish=Wish(EXPECTED)))
    assert (len(each.resources), sum("c1" in text for text in each.evidence)) == (250, 111)
    assert (len(each.evidence), each.evidence[-1]) == (213, "and 50 more")


def test_a_role_that_differs_from_the_expected_manifest_blocks() -> None:
    live = obj("ClusterRoleBinding", "b", release=OLD, roleRef={"kind": "ClusterRole", "name": "was"})
    wanted = {**live, "roleRef": {"kind": "ClusterRole", "name": "shall-be"}}
    found = judge([live], wish=Wish(EXPECTED, forecast=listing(wanted)))
    (each,) = findings(found, "roleref-differs")
    assert (each.severity.value, names(each)) == ("block", {"ClusterRoleBinding b"})
    assert findings(judge([live], wish=Wish(EXPECTED, forecast=listing(live))), "roleref-differs") == []


FIELDS = (
    "conflict occurred while applying object flux-system/d apps/v1, Kind=Deployment: Apply failed with 1 conflict: "
    'conflict with "kubectl-client-side-apply" using apps/v1: .spec.replicas'
)


def test_fields_that_others_hold_block_while_they_hold_them() -> None:
    parts: dict[str, Any] = {"release": NEW, "spec": {"replicas": 1}}
    held = obj("Deployment", "d", managers=[("kubectl-client-side-apply", "Update")], **parts)
    each = only(judge([active(held), held], wish=Wish(error=read_error(FIELDS))))
    assert (each.severity.value, names(each)) == ("block", {"Deployment flux-system/d"})
    assert "kubectl-client-side-apply holds 1 field of it" in each.evidence[0]
    free = obj("Deployment", "d", managers=[("helm", "Apply")], **parts)
    assert findings(judge([active(free), free], wish=Wish(error=read_error(FIELDS))), "refused-install") == []
    nameless = Wish(error=read_error(FIELDS.partition(": ")[2]))
    assert "does not name" in only(judge([active()], wish=nameless)).evidence[0]


def test_a_role_that_the_owner_wanted_to_change_blocks_while_the_binding_is_there() -> None:
    text = (
        'ClusterRoleBinding.rbac.authorization.k8s.io "b" is invalid: roleRef: Invalid value: x: cannot change roleRef'
    )
    binding = obj("ClusterRoleBinding", "b", release=NEW, roleRef={"kind": "ClusterRole", "name": "was"})
    wish = Wish(error=read_error(text))
    assert names(only(judge([active(binding), binding], wish=wish))) == {"ClusterRoleBinding b"}
    assert findings(judge([active()], wish=wish), "refused-install") == []


def test_an_operation_that_was_in_progress_is_told_once_it_is_over() -> None:
    wish = Wish(error=OwnerError(busy=True))
    assert only(judge([active()], wish=wish)).severity.value == "info"
    assert findings(judge([record(NEW, 1, "pending-upgrade")], wish=wish), "refused-install") == []
