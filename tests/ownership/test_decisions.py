"""What a cleanup may do: adoption, what bears no stamp, and the order in which users leave before what they use."""

from typing import Any

from tests.clusters import FAMILY, FLUX_SYSTEM, contract, inventory, obj
from tests.ownership.judging import (
    CONTRACT,
    NEW,
    OLDER,
    active,
    attributed,
    candidate,
    decided,
    judge,
    stale,
    weigh,
)
from tui.contract.model import Family, Mark, Owner
from tui.objects import Json, Live
from tui.ownership.model import Decision, State, Wish

KUSTOMIZE_LABEL = "kustomize.toolkit.fluxcd.io/name"


def why(found: Any, body: Json) -> str:
    each = candidate(found, body)
    assert each is not None
    return each.why


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
