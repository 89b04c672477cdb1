"""Findings about ownership: contests, claims, ghosts, guardrails, decisions; and what counts as noise."""

from dataclasses import replace

import pytest

from tests.clusters import FLUX_SYSTEM, contract, document, inventory, obj, record
from tests.ownership.acting import LABELS, held
from tests.ownership.flux_world import kustomization, read
from tests.ownership.judging import CONTRACT, NEW, active, findings, gap, judge, names, weigh
from tests.ownership.living import harbours, living
from tui.contract.model import Claim, Decision, Guardrail, Selector
from tui.objects import Json, Live, Ref
from tui.ownership.findings import is_noise
from tui.ownership.model import Assessment, Finding

KUSTOMIZE = "kustomize.toolkit.fluxcd.io/"
HELM = "helm.toolkit.fluxcd.io/"


def only(found: Assessment, code: str) -> Finding:
    each = findings(found, code)
    assert len(each) == 1, [f.summary for f in found.findings]
    return each[0]


def labelled(prefix: str = KUSTOMIZE, name: str = "sync") -> dict[str, str]:
    return {f"{prefix}name": name, f"{prefix}namespace": FLUX_SYSTEM}


def contested(name: str) -> Json:
    return obj("ConfigMap", name, "apps", labels=labelled(), managers=[("pulumi-kubernetes", "Apply")])


def test_contested_groups_by_the_pair_and_gives_evidence_for_each_side() -> None:
    found = judge([contested("a"), contested("b")])
    each = only(found, "contested")
    assert (each.severity.value, names(each)) == ("warn", {"ConfigMap apps/a", "ConfigMap apps/b"})
    assert each.summary == "2 objects with evidence for flux and pulumi"
    told, shown = each.evidence[:4], each.evidence[4:]
    assert {text.split(": ")[1] for text in told} == {"flux", "pulumi"}
    assert [text.partition(" --show")[0] for text in shown] == [
        "kubectl get configmap a -n apps",
        "kubectl get configmap b -n apps",
    ]


def test_misowned_says_who_claims_and_who_has_it() -> None:
    wrong = obj("Deployment", "d", labels=labelled(), spec={})
    each = only(judge([wrong]), "misowned")
    assert (each.severity.value, each.summary) == (
        "warn",
        "Deployment flux-system/d claimed for pulumi and owned by flux",
    )
    right = obj("Deployment", "d", managers=[("pulumi-kubernetes", "Apply")], spec={})
    assert findings(judge([right]), "misowned") == []


def test_what_a_controller_made_is_told_at_its_root_alone() -> None:
    deployment = obj("Deployment", "d", "apps", labels=labelled(), managers=[("pulumi-kubernetes", "Apply")], spec={})
    copy = obj("ReplicaSet", "d-1", "apps", owner=("Deployment", "d"), labels=labelled(), spec={})
    found = judge([deployment, copy])
    assert names(only(found, "contested")) == {"Deployment apps/d"}
    assert names(only(found, "ghost-label")) == {"Deployment apps/d"}


def test_claimed_absent_names_the_source() -> None:
    by = contract(claims=(Claim("flux", "gitops", "git/", (Selector(kinds=("Namespace",), names=("apps", "x*")),)),))
    each = only(judge([], by=by), "claimed-absent")
    assert (each.severity.value, names(each)) == ("warn", {"Namespace apps"})
    assert "git/" in each.next
    assert findings(judge([obj("Namespace", "apps")], by=by), "claimed-absent") == []
    assert findings(judge([], [gap("Namespace")], by=by), "claimed-absent") == []


def test_undocumented_and_unowned_are_for_information() -> None:
    found = judge([obj("ConfigMap", "a", "apps", labels=labelled()), obj("ConfigMap", "b", "apps")])
    assert names(only(found, "undocumented")) == {"ConfigMap apps/a"}
    assert names(only(found, "unowned")) == {"ConfigMap apps/b"}
    assert {only(found, code).severity.value for code in ("undocumented", "unowned")} == {"info"}


@pytest.mark.parametrize(("prefix", "kind"), [(KUSTOMIZE, "Kustomization"), (HELM, "HelmRelease")])
def test_a_label_for_someone_who_does_not_list_it_is_a_ghost(prefix: str, kind: str) -> None:
    thing = obj("ConfigMap", "thing", "apps", labels=labelled(prefix))
    holder = obj(kind, "sync", status={"inventory": {"entries": []}})
    assert "does not list it" in only(judge([thing, holder]), "ghost-label").summary
    assert "does not exist" in only(judge([thing]), "ghost-label").summary
    entries = [{"id": "apps_thing__ConfigMap", "v": "v1"}]
    listing = obj(kind, "sync", status={"inventory": {"entries": entries}})
    assert findings(judge([thing, listing]), "ghost-label") == []


def test_the_ghosts_of_one_holder_are_one_finding_and_name_them_all() -> None:
    things = [obj("ConfigMap", f"thing-{number:02d}", "apps", labels=labelled()) for number in range(40)]
    found = only(judge(things), "ghost-label")
    assert len(found.resources) == 40
    assert found.summary == (
        "40 objects are labelled for Kustomization flux-system/sync, which does not exist in this cluster"
    )
    # A Flux elsewhere may reach this cluster by a kubeconfig: that nobody prunes them is not known.
    assert found.next.startswith("unless a Flux in another cluster applies here, nobody will prune them")
    assert len(found.evidence) < 30


def test_the_flux_operator_s_labels_may_be_ghosts_too() -> None:
    labels = {"fluxcd.controlplane.io/name": "flux", "fluxcd.controlplane.io/namespace": FLUX_SYSTEM}
    thing = obj("ConfigMap", "thing", "apps", labels=labels)
    assert "ResourceSet or FluxInstance flux-system/flux, which does not" in only(judge([thing]), "ghost-label").summary
    holder: Json = {
        "apiVersion": "fluxcd.controlplane.io/v1",
        "kind": "FluxInstance",
        "metadata": {"name": "flux", "namespace": FLUX_SYSTEM, "labels": {}},
        "status": {"inventory": {"entries": []}},
    }
    assert (
        "FluxInstance flux-system/flux, which does not list it" in only(judge([thing, holder]), "ghost-label").summary
    )
    holder["status"]["inventory"]["entries"].append({"id": "apps_thing__ConfigMap", "v": "v1"})
    assert findings(judge([thing, holder]), "ghost-label") == []
    # What could not be read of a list is not absent from it.
    holder["status"]["inventory"]["entries"] = [7]
    assert findings(judge([thing, holder]), "ghost-label") == []


def test_endpoints_bear_copies_of_their_service_s_labels() -> None:
    service = obj("Service", "web", "apps", labels=labelled(), spec={"selector": {"app": "web"}})
    listing = obj("Kustomization", "sync", status={"inventory": {"entries": [{"id": "apps_web__Service", "v": "v1"}]}})
    copy = {"apiVersion": "v1", "kind": "Endpoints", "metadata": {**service["metadata"], "uid": "another"}}
    found = judge([service, listing, copy])
    assert findings(found, "ghost-label") == []
    (row,) = [row for row in found.attributions.values() if row.ref.kind == "Endpoints"]
    assert (row.owners, row.root.kind) == (("flux",), "Service")
    assert row.notes == ("its labels are copies: the endpoints controller makes it for Service apps/web",)
    by_hand = judge([service | {"spec": {}}, listing, copy])
    assert names(only(by_hand, "ghost-label")) == {"Endpoints apps/web"}


def test_a_finding_of_hundreds_stays_short() -> None:
    found = only(judge([obj("ConfigMap", f"c-{number}", "apps") for number in range(500)]), "unowned")
    assert (len(found.resources), len(found.evidence) < 30) == (500, True)
    assert "and 480 more" in found.evidence


def test_a_ghost_is_only_told_where_the_inventory_could_be_read() -> None:
    thing = obj("ConfigMap", "thing", "apps", labels=labelled())
    assert findings(judge([thing], [gap("Kustomization")]), "ghost-label") == []
    assert findings(judge([thing, obj("Kustomization", "sync", status={})]), "ghost-label") == []
    read = inventory([thing])
    bare = Live.of(obj("Kustomization", "sync"), keep_body=False)
    read.objects[bare.key] = bare
    assert findings(weigh(read), "ghost-label") == []


def test_the_living_ghost_and_its_prune_policy() -> None:
    found = weigh(living(), by=harbours())
    assert names(only(found, "ghost-label")) == {"ConfigMap apps/web-settings"}
    assert names(only(found, "prune-disabled")) == {"ConfigMap apps/web-settings"}
    assert names(only(found, "contested")) == {"ClusterRole harbour-4-pilot"}


def test_guardrails_name_what_they_deny() -> None:
    rails = (
        Guardrail("no-ingress", Selector(kinds=("Ingress",)), "they go by the tunnel"),
        Guardrail(
            "cluster-ip", Selector(kinds=("Service",), fields={"spec.type": ("NodePort", "LoadBalancer")}), "why"
        ),
        Guardrail(
            "home",
            Selector(kinds=("Deployment",), names=("*-controller",), namespaces_not=(FLUX_SYSTEM,)),
            "controllers live at home",
        ),
    )
    by = contract(guardrails=rails)
    strays = [
        obj("Ingress", "web", "apps", spec={}),
        obj("Service", "open", "apps", spec={"type": "NodePort"}),
        obj("Deployment", "source-controller", "default", spec={}),
    ]
    fine = [
        obj("Service", "closed", "apps", spec={"type": "ClusterIP"}),
        obj("Deployment", "source-controller", FLUX_SYSTEM, spec={}),
        obj("ReplicaSet", "r", "default", owner=("Deployment", "source-controller"), spec={}),
    ]
    found = findings(judge([*strays, *fine], by=by), "guardrail")
    assert [names(each) for each in found] == [
        {"Service apps/open"},
        {"Deployment default/source-controller"},
        {"Ingress apps/web"},
    ]
    assert {each.severity.value for each in found} == {"warn"}
    assert "home: controllers live at home" in found[1].evidence
    assert findings(judge(fine, by=by), "guardrail") == []


@pytest.mark.parametrize("where", ["labels", "annotations"])
@pytest.mark.parametrize("value", ["disabled", "Disabled"])
def test_prune_disabled_by_label_or_annotation(where: str, value: str) -> None:
    thing = obj("ConfigMap", "t", "apps", **{where: {f"{KUSTOMIZE}prune": value}})
    assert only(judge([thing]), "prune-disabled").severity.value == "info"
    assert (
        findings(judge([obj("ConfigMap", "t", "apps", **{where: {f"{KUSTOMIZE}prune": "enabled"}})]), "prune-disabled")
        == []
    )


def test_what_only_kubectl_told_flux_not_to_prune_is_told_apart() -> None:
    """Tried: it is gone after the next interval, and the object is pruned when its file goes."""
    name = f"{KUSTOMIZE}prune"
    for manager, fades in (("kubectl-annotate", True), ("rescue", False)):
        thing = held(obj("ConfigMap", "t", labels=LABELS, annotations={name: "disabled"}), name, (manager, "Update"))
        found = only(weigh(read(thing, kustomization(thing))), "prune-disabled")
        assert ("though kubectl has told it not to" in found.summary) is fades
        assert ("--field-manager=rescue" in found.next) is fades


def test_decisions_are_shown_where_they_apply() -> None:
    decided = Decision("ClusterRoleBinding/pulumi*", "pulumi", "roleRef cannot change", removed="operator.yaml")
    by = contract(decisions=(decided,))
    each = only(judge([obj("ClusterRoleBinding", "pulumi-op", roleRef={})], by=by), "decision")
    shown = "kubectl get clusterrolebinding.rbac.authorization.k8s.io pulumi-op"
    told = ("roleRef cannot change", "removed: operator.yaml", shown)
    assert (each.severity.value, each.evidence) == ("info", told)
    assert findings(judge([obj("ClusterRoleBinding", "other", roleRef={})], by=by), "decision") == []


def test_an_unpinned_contract_says_which_uid_pins_it() -> None:
    assert only(judge([]), "contract-unpinned").next == "set cluster.uid: uid-of-kube-system"
    assert findings(judge([], by=replace(CONTRACT, cluster_uid="u")), "contract-unpinned") == []


@pytest.mark.parametrize(
    ("ref", "noise"),
    [
        (Ref("v1", "ConfigMap", "kube-system", "x"), True),
        (Ref("v1", "Event", "apps", "x"), True),
        (Ref("discovery.k8s.io/v1", "EndpointSlice", "apps", "x"), True),
        (Ref("coordination.k8s.io/v1", "Lease", "apps", "x"), True),
        (Ref("v1", "ConfigMap", "apps", "kube-root-ca.crt"), True),
        (Ref("v1", "ServiceAccount", "apps", "default"), True),
        (Ref("rbac.authorization.k8s.io/v1", "ClusterRole", None, "system:node"), True),
        (Ref("rbac.authorization.k8s.io/v1", "ClusterRole", None, "admin"), True),
        (Ref("v1", "Secret", "apps", "sh.helm.release.v1.x.v1"), True),
        (Ref("v1", "Namespace", None, "default"), True),
        (Ref("v1", "Namespace", None, "apps"), False),
        (Ref("v1", "ConfigMap", "apps", "default"), False),
        (Ref("rbac.authorization.k8s.io/v1", "ClusterRole", None, "flux-admin"), False),
        (Ref("v1", "Secret", "apps", "token"), False),
    ],
)
def test_noise_is_the_systems_own(ref: Ref, noise: bool) -> None:
    assert is_noise(ref) is noise
    assert is_noise(ref, controlled=True)


def test_noise_is_no_finding_of_its_own() -> None:
    found = judge(
        [
            obj("ConfigMap", "kube-root-ca.crt", "apps"),
            record("other", 1, "deployed", []),
            obj("Pod", "p", "kube-system", spec={}),
        ]
    )
    assert findings(found, "unowned") == []


def test_findings_come_worst_first_and_in_a_certain_order() -> None:
    lost = obj("ClusterRole", "lost")
    things = [contested("a"), obj("ConfigMap", "b", "apps")]
    found = judge([active(lost), *things])
    weights = [("block", "warn", "info").index(each.severity.value) for each in found.findings]
    assert weights == sorted(weights)
    again = judge([*reversed(things), active(lost)])
    assert [f.to_json() for f in again.findings] == [f.to_json() for f in found.findings]
    assert found.findings[0].code == "resource-missing"


def test_a_findings_json_has_the_published_shape() -> None:
    lost = obj("ClusterRole", "lost")
    body = judge([record(NEW, 2, "deployed", [document(lost)])]).findings[0].to_json()
    assert set(body) == {"code", "severity", "summary", "resources", "evidence", "next"}
    assert body["resources"] == [
        {"apiVersion": lost["apiVersion"], "kind": "ClusterRole", "namespace": None, "name": "lost", "uid": None}
    ]
