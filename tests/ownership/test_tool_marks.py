"""Every known tool's marks, and what another manager applies, protect and name an owner, in the contract or not."""

from typing import Any

import pytest

from tests.clusters import FLUX_SYSTEM, contract, document, obj, record
from tests.ownership.judging import (
    CONTRACT,
    active,
    attributed,
    candidate,
    decided,
    findings,
    judge,
    stale,
)
from tests.ownership.test_evidence import entry
from tests.ownership.test_holders import application, custom
from tui.contract.load import load_contract, shipped
from tui.contract.model import Contract, Mark, Owner, glob
from tui.contract.tool_marks import TOOLS
from tui.contract.tools import parts, title_of
from tui.objects import Json
from tui.ownership.model import Source, State, Strength
from tui.ownership.tree import build_tree

TRACKING = "argocd.argoproj.io/tracking-id"
SHIPPED = load_contract(shipped())
ARGO = Owner("argo", "Argo CD", (Mark(annotation={TRACKING: "*:{group}/{kind}:{namespace}/{name}"}),))
OTHERWISE = contract(owners={**CONTRACT.owners, "argo": ARGO})
BOTH = pytest.mark.parametrize("by", [OTHERWISE, SHIPPED], ids=["declared-otherwise", "shipped"])
CALLED = {
    OTHERWISE.name: {"argocd": "argo"},
    SHIPPED.name: {"flux-operator": "flux"},
}
"""The tools that go by another name: the contract recognises them by the same marks."""

DATA: Json = {"f:data": {"f:key": {}}}
STAMP: Json = {
    "f:metadata": {
        "f:annotations": {"f:meta.helm.sh/release-name": {}, "f:meta.helm.sh/release-namespace": {}},
        "f:labels": {"f:app.kubernetes.io/managed-by": {}},
    }
}
FINALIZER: Json = {"f:metadata": {"f:finalizers": {".": {}, 'v:"example.test/hold"': {}}}}


def field(manager: str, operation: str = "Apply", fields: Json = DATA, subresource: str = "") -> Json:
    found = {"manager": manager, "operation": operation, "fieldsV1": fields}
    return found | {"subresource": subresource} if subresource else found


HELM = field("helm", "Update", DATA | STAMP)


def left(kind: str = "ConfigMap", *managers: Json, **parts: Any) -> Json:
    """A leftover of a release that is over, as Helm made it, and beside that what is given."""
    body = stale(kind, "left", **parts)
    body["metadata"]["managedFields"] = [HELM, *managers]
    return body


def label(name: str, value: str = "x") -> Json:
    body = left()
    body["metadata"]["labels"][name] = value
    return body


def annotation(name: str, value: str = "x") -> Json:
    return left(annotations={name: value})


def pointing(kind: str) -> Json:
    body = left()
    reference = {"apiVersion": "operators.coreos.com/v1alpha1", "kind": kind, "name": "op", "uid": "uid-op"}
    body["metadata"]["ownerReferences"] = [reference]
    return body


GVK = "objectset.rio.cattle.io/owner-gvk"
CASES: tuple[tuple[str, Json], ...] = (
    ("argocd", annotation(TRACKING, "shop:/ConfigMap:flux-system/left")),
    ("argocd", annotation(TRACKING, "team_shop:/ConfigMap:flux-system/left")),
    ("argocd", label("argocd.argoproj.io/instance", "shop")),
    ("argocd", left("ConfigMap", field("argocd-controller"))),
    ("argocd", left("ConfigMap", field("argocd-controller", "Update"))),
    ("argocd", left("ConfigMap", field("argocd-application-controller", "Update"))),
    ("flux-operator", label("fluxcd.controlplane.io/name", "flux")),
    ("flux-operator", label("resourceset.fluxcd.controlplane.io/name", "apps")),
    ("flux-operator", label("app.kubernetes.io/managed-by", "flux-operator")),
    ("flux-operator", left("ConfigMap", field("flux-operator"))),
    ("flux", label("kustomize.toolkit.fluxcd.io/name", "apps")),
    ("flux", label("helm.toolkit.fluxcd.io/name", "apps")),
    ("flux", left("ConfigMap", field("kustomize-controller"))),
    ("flux", left("ConfigMap", field("helm-controller"))),
    ("flux", left("ConfigMap", field("flux"))),
    ("fleet", annotation("objectset.rio.cattle.io/id", "default-shop")),
    ("fleet", label("objectset.rio.cattle.io/hash", "5089468545c5")),
    ("fleet", label("fleet.cattle.io/bundle-name", "shop")),
    ("fleet", left("ConfigMap", field("fleetagent"))),
    ("k3s", annotation(GVK, "k3s.cattle.io/v1, Kind=Addon")),
    ("k3s", annotation(GVK, "helm.cattle.io/v1, Kind=HelmChart")),
    ("rancher", annotation("objectset.rio.cattle.io/owner-name", "fleet-local")),
    ("kapp", label("kapp.k14s.io/app", "1611950163263953000")),
    ("kapp", label("kapp.k14s.io/association", "v1.54b5a6f1")),
    ("kapp", annotation("kapp.k14s.io/original", "{}")),
    ("kapp", label("kapp.k14s.io/is-app", "")),
    ("config-sync", annotation("configmanagement.gke.io/managed", "enabled")),
    ("config-sync", annotation("configsync.gke.io/manager", ":root")),
    ("config-sync", annotation("configsync.gke.io/resource-id", "_configmap_flux-system_left")),
    ("config-sync", label("app.kubernetes.io/managed-by", "configmanagement.gke.io")),
    ("config-sync", left("ConfigMap", field("configsync.gke.io"))),
    ("applyset", label("applyset.kubernetes.io/part-of", "applyset-abc-v1")),
    ("cli-utils", annotation("config.k8s.io/owning-inventory", "inventory-1")),
    ("olm", label("olm.owner", "op.v1")),
    ("olm", label("olm.managed", "true")),
    ("olm", label("operators.coreos.com/op.operators", "")),
    ("olm", pointing("ClusterServiceVersion")),
    ("olm", pointing("CatalogSource")),
    ("crossplane", label("crossplane.io/composite", "x-1")),
    ("crossplane", label("crossplane.io/claim-name", "x")),
    ("crossplane", annotation("crossplane.io/composition-resource-name", "config")),
    ("crossplane", left("ConfigMap", field("apiextensions.crossplane.io/composed/0a1b2c"))),
    ("crossplane", left("ConfigMap", field("provider-kubernetes/left"))),
    ("crossplane", left("ConfigMap", field("crossplane", "Update"))),
    ("terraform", left("ConfigMap", field("HashiCorp", "Update"))),
    ("terraform", left("ConfigMap", field("Terraform"))),
    ("terraform", left("ConfigMap", field("terraform-provider-kubernetes_v2.9", "Update"))),
    ("terraform", left("ConfigMap", field("terraform-provider-helm_v2.17.0_x5", "Update"))),
    ("timoni", label("instance.timoni.sh/name", "shop")),
    ("timoni", left("ConfigMap", field("timoni"))),
    ("sveltos", label("projectsveltos.io/reason", "Resource")),
    ("sveltos", label("projectsveltos.io/reference-kind", "ConfigMap")),
    ("sveltos", annotation("projectsveltos.io/reference-kind", "ConfigMap")),
    ("sveltos", annotation("projectsveltos.io/owner-kind", "ClusterProfile")),
    ("sveltos", annotation("projectsveltos.io/hash", "sha256:50470c")),
    ("sveltos", left("ConfigMap", field("application/apply-patch"))),
    ("skaffold", label("skaffold.dev/run-id", "2b1d")),
    ("skaffold", label("app.kubernetes.io/managed-by", "skaffold")),
    ("werf", annotation("werf.io/version", "v2.10")),
    ("werf", annotation("project.werf.io/name", "shop")),
    ("addon-manager", label("addonmanager.kubernetes.io/mode", "EnsureExists")),
    ("eks", label("eks.amazonaws.com/component", "coredns")),
    ("eks", left("ConfigMap", field("eks"))),
    ("cert-manager", annotation("cert-manager.io/certificate-name", "shop")),
    ("cert-manager", label("controller.cert-manager.io/fao", "true")),
    ("cert-manager", left("ConfigMap", field("cert-manager-certificates-issuing"))),
    ("external-secrets", label("reconcile.external-secrets.io/managed", "true")),
    ("external-secrets", label("reconcile.external-secrets.io/created-by", "0a1b")),
    ("external-secrets", annotation("reconcile.external-secrets.io/data-hash", "0a1b")),
    ("external-secrets", left("ConfigMap", field("externalsecrets.external-secrets.io/shop", "Update"))),
)
"""A leftover for every mark of the table, with the tool's own name; Pulumi aside, who is both contracts' own."""

ABOVE = tuple(
    {**custom("operators.coreos.com/v1alpha1", kind, "op"), "metadata": {"name": "op", "namespace": FLUX_SYSTEM}}
    for kind in ("ClusterServiceVersion", "CatalogSource")
)
for _each in ABOVE:
    _each["metadata"] |= {"uid": "uid-op", "labels": {}, "annotations": {}}


def said(case: tuple[str, Json]) -> str:
    meta = case[1]["metadata"]
    names = [*meta["labels"], *meta["annotations"], *(each["manager"] for each in meta["managedFields"])]
    return f"{case[0]}-{next((n for n in names if 'helm' not in n and 'managed-by' not in n), 'managed-by')}"


@BOTH
@pytest.mark.parametrize("case", CASES, ids=said)
def test_a_tools_mark_protects_and_names_its_tool(case: tuple[str, Json], by: Contract) -> None:
    tool, body = case
    name = CALLED[by.name].get(tool, tool)
    found = judge([active(), body, *ABOVE], by=by)
    assert decided(found, body) == ("protect", ("S4",))
    assert name in attributed(found, body).owners
    each = candidate(found, body)
    assert each is not None
    assert each.why.startswith((f"{name} owns it too: ", "Flux labels it: ", "field manager "))


def test_every_mark_of_the_table_has_its_case() -> None:
    there: set[tuple[str, str, str]] = set()
    for _, body in CASES:
        meta = body["metadata"]
        there |= {("label", name, value) for name, value in meta["labels"].items()}
        there |= {("annotation", name, value) for name, value in meta["annotations"].items()}
        there |= {("manager", each["manager"], "") for each in meta["managedFields"]}
        there |= {("owner_kind", f"{r['kind']}.operators.coreos.com", "") for r in meta.get("ownerReferences", ())}
    for tool in TOOLS:
        for part in (part for mark in tool.marks for part in parts(mark)):
            value = part.value.replace("{group}", "").replace("{kind}", "*").replace("{namespace}", "*")
            wanted = (part.sort, part.name, value.replace("{name}", "*"))
            borne = any(
                sort == wanted[0] and glob(wanted[1], name) and glob(wanted[2], text) for sort, name, text in there
            )
            assert borne or tool.name == "pulumi" or part.sort == "inventory", (tool.name, part)


@BOTH
@pytest.mark.parametrize(
    ("kind", "version", "tool"),
    [
        ("ResourceSet", "fluxcd.controlplane.io/v1", "flux-operator"),
        ("FluxInstance", "fluxcd.controlplane.io/v1", "flux-operator"),
        ("Application", "argoproj.io/v1alpha1", "argocd"),
    ],
)
def test_a_tools_own_list_protects_and_names_it(kind: str, version: str, tool: str, by: Contract) -> None:
    body = left()
    status = {"inventory": {"entries": [{"id": entry(body), "v": "v1"}]}}
    holder = application(body) if kind == "Application" else custom(version, kind, "x", status=status)
    found = judge([active(), body, holder], by=by)
    assert decided(found, body) == ("protect", ("S4",))
    assert CALLED[by.name].get(tool, tool) in attributed(found, body).owners


NOTHING: tuple[tuple[str, Json], ...] = (
    ("no mark", left()),
    ("a copied tracking-id", annotation(TRACKING, "shop:/ConfigMap:flux-system/another")),
    ("a label that charts print", label("app.kubernetes.io/instance", "shop")),
    ("a label that people write", label("app.kubernetes.io/managed-by", "terraform")),
    ("part of Flux", label("app.kubernetes.io/part-of", "flux")),
    ("not managed by Config Sync", annotation("configmanagement.gke.io/managed", "disabled")),
    ("an option for Argo CD", annotation("argocd.argoproj.io/sync-options", "Prune=false")),
    ("an issuer that a person asked for", annotation("cert-manager.io/cluster-issuer", "le")),
    ("Pulumi, the family's owner", left("ConfigMap", field("pulumi-kubernetes-0a1b2c3d"))),
    ("Pulumi's mark", annotation("pulumi.com/autonamed", "true")),
    ("kubectl apply", left("ConfigMap", field("kubectl"))),
    ("kubectl apply, client-side", left("ConfigMap", field("kubectl-client-side-apply", "Update"))),
    ("kubectl of a pipeline", left("ConfigMap", field("kubectl-rollout", "Apply"))),
    ("what was there before the first apply", left("ConfigMap", field("before-first-apply", "Update"))),
    ("a status writer", left("ConfigMap", field("argocd-controller", "Apply", {"f:status": {}}, "status"))),
    ("an unknown status writer", left("ConfigMap", field("operator", "Apply", {"f:status": {}}, "status"))),
    ("a status written without its subresource", left("ConfigMap", field("operator", "Apply", {"f:status": {}}))),
    ("a scaler", left("ConfigMap", field("autoscaler", "Apply", {"f:spec": {"f:replicas": {}}}, "scale"))),
    ("a finalizer", left("ConfigMap", field("operator", "Apply", FINALIZER))),
    ("a known tool's finalizer", left("ConfigMap", field("kapp-controller", "Update", FINALIZER))),
    ("an unknown manager's update", left("ConfigMap", field("operator", "Update"))),
    ("a stamp put on by hand", left("ConfigMap", field("rescue", "Apply", STAMP))),
    ("Helm 4 beside Helm 3", left("ConfigMap", field("helm", "Apply", DATA | STAMP))),
    ("Helm's, of which only the stamp was taken", left("ConfigMap", field("helm", "Apply", DATA))),
)


@BOTH
@pytest.mark.parametrize("body", [body for _, body in NOTHING], ids=[name for name, _ in NOTHING])
def test_what_is_no_mark_of_anybody_protects_nothing(body: Json, by: Contract) -> None:
    found = judge([active(), body], by=by)
    assert decided(found, body) == ("delete", ())
    assert attributed(found, body).owners == ("pulumi",)


@pytest.mark.parametrize(
    "fields",
    [
        DATA,
        {"f:spec": {"f:replicas": {}}},
        {"f:rules": {}},
        {"f:metadata": {"f:labels": {"f:team": {}}}},
        {"f:metadata": {"f:annotations": {"f:note": {}}}},
        {"f:metadata": {"f:labels": {"f:team": {}}, **FINALIZER["f:metadata"]}},
        DATA | STAMP,
        {},
    ],
)
def test_what_an_unknown_manager_applies_is_its_own(fields: Json) -> None:
    body = left("ConfigMap", field("harbour-operator", "Apply", fields))
    found = judge([active(), body])
    assert decided(found, body) == ("protect", ("S4",))
    text = "field manager harbour-operator applies fields of it (server-side apply)"
    each = candidate(found, body)
    assert each is not None
    assert each.why == f"harbour-operator owns it too: {text}"
    told = next(e for e in attributed(found, body).evidence if e.owner == "harbour-operator")
    assert (told.source, told.strength, told.text, told.confirmed) == (Source.MANAGER, Strength.MANAGER, text, False)


def test_the_sole_holder_of_a_stamp_is_the_releases_own_tool() -> None:
    body = stale("ConfigMap", "left", managers=[("my-installer", "Apply")])
    found = judge([active(), body])
    assert decided(found, body) == ("delete", ())
    assert attributed(found, body).owners == ("pulumi",)


def test_a_tool_that_installs_no_releases_made_none_though_it_holds_the_stamp() -> None:
    body = stale("ConfigMap", "left", managers=[("argocd-controller", "Apply")])
    assert decided(judge([active(), body]), body) == ("protect", ("S4",))
    both = stale("ConfigMap", "left", managers=[("helm", "Update"), ("argocd-controller", "Apply")])
    assert decided(judge([active(), both]), both) == ("protect", ("S4",))


def test_whoever_installed_the_stale_release_is_no_other_owner() -> None:
    body = stale("ConfigMap", "left", managers=[("terraform-provider-helm_v2.17.0_x5", "Update")])
    found = judge([active(), body])
    assert decided(found, body) == ("delete", ())
    # The contract says whose the family is, and not that Terraform installs it.
    assert attributed(found, body).owners == ("pulumi",)


def test_an_unknown_manager_with_the_owners_name_is_not_the_owner() -> None:
    body = left("ConfigMap", field("pulumi"))
    each = candidate(judge([active(), body]), body)
    assert each is not None
    assert (each.decision.value, each.why) == (
        "protect",
        "field manager pulumi applies fields of it (server-side apply)",
    )


@pytest.mark.parametrize(
    ("kind", "manager", "fields", "decision"),
    [
        ("ClusterRole", "clusterrole-aggregation-controller", {"f:rules": {}}, "delete"),
        ("ClusterRole", "clusterrole-aggregation-controller", {"f:rules": {}, "f:aggregationRule": {}}, "protect"),
        (
            "ValidatingWebhookConfiguration",
            "cert-manager-cainjector",
            {"f:webhooks": {'k:{"name":"w"}': {".": {}, "f:name": {}, "f:clientConfig": {"f:caBundle": {}}}}},
            "delete",
        ),
        (
            "ValidatingWebhookConfiguration",
            "cert-manager-cainjector",
            {"f:webhooks": {'k:{"name":"w"}': {"f:clientConfig": {"f:caBundle": {}}, "f:failurePolicy": {}}}},
            "protect",
        ),
        ("ValidatingWebhookConfiguration", "another", {"f:webhooks": {}}, "protect"),
    ],
)
def test_who_is_known_to_fill_in_one_field_owns_nothing_by_it(
    kind: str, manager: str, fields: Json, decision: str
) -> None:
    body = left(kind, field(manager, "Apply", fields))
    assert decided(judge([active(), body]), body)[0] == decision


@pytest.mark.parametrize("case", [case for case in CASES if case[0] in ("kapp", "werf", "eks")], ids=said)
def test_what_another_holds_is_neither_adopted_nor_stamped(case: tuple[str, Json]) -> None:
    body = case[1]
    assert decided(judge([active(body), body]), body) == ("protect", ("S4", "S6"))
    bare = {**body, "metadata": {**body["metadata"], "annotations": dict(body["metadata"]["annotations"])}}
    for name in ("meta.helm.sh/release-name", "meta.helm.sh/release-namespace"):
        del bare["metadata"]["annotations"][name]
    assert decided(judge([active(bare), bare]), bare) == ("protect", ("S4", "S6"))


# Names: one mark, one owner.


def owned(body: Json, *owners: Owner, **changes: Any) -> tuple[str, ...]:
    by = contract(owners={**contract().owners, **{each.name: each for each in owners}}, **changes)
    return attributed(judge([body, *ABOVE], by=by), body).owners


@pytest.mark.parametrize(
    ("mark", "body"),
    [
        (Mark(label={"kapp.k14s.io/app": "*"}), obj("ConfigMap", "x", annotations={"kapp.k14s.io/original": "{}"})),
        (Mark(manager=("eks",)), obj("ConfigMap", "x", labels={"eks.amazonaws.com/component": "x"})),
        (Mark(manager=("HashiCorp",)), obj("ConfigMap", "x", managers=[("Terraform", "Apply")])),
        (Mark(manager=("terraform-provider-helm_v2",)), obj("ConfigMap", "x", managers=[("HashiCorp", "Update")])),
        (Mark(manager=("terraform-*",)), obj("ConfigMap", "x", managers=[("HashiCorp", "Update")])),
        (Mark(label={"olm.*": "*"}), obj("ConfigMap", "x", labels={"operators.coreos.com/a.b": ""})),
        (Mark(owner_kind=("ClusterServiceVersion.*",)), obj("ConfigMap", "x", labels={"olm.owner": "x"})),
    ],
)
def test_a_tool_that_the_contract_recognises_goes_by_the_contracts_name(mark: Mark, body: Json) -> None:
    assert owned(body, Owner("ours", "Ours", (mark,))) == ("ours",)


@pytest.mark.parametrize(
    "mark",
    [
        Mark(label={"app.kubernetes.io/managed-by": "*"}),
        Mark(manager=("*",)),
        Mark(label={"*": "never"}),
        Mark(annotation={"argocd.argoproj.io/tracking-id": "team-a:*"}),
    ],
)
def test_a_mark_that_is_too_wide_or_too_narrow_recognises_no_tool(mark: Mark) -> None:
    body = obj("ConfigMap", "x", annotations={"argocd.argoproj.io/tracking-id": "shop:/ConfigMap:flux-system/x"})
    by = contract(owners={"ours": Owner("ours", "Ours", (mark,)), "pulumi": Owner("pulumi", "Pulumi", ())})
    assert attributed(judge([body], by=by), body).owners == ("argocd",)


def test_a_tool_with_the_name_of_a_contracts_owner_is_that_owner() -> None:
    body = obj("ConfigMap", "x", labels={"kapp.k14s.io/app": "1"})
    assert owned(body, Owner("kapp", "Our kapp", ())) == ("kapp",)


def test_what_two_owners_recognise_is_never_the_familys_own() -> None:
    pulumi = Owner("pulumi", "Pulumi", (Mark(manager=("eks",)),))
    body = left(labels={"eks.amazonaws.com/component": "x"})
    by = contract(owners={"pulumi": pulumi, "other": Owner("other", "Other", (Mark(manager=("eks",)),))})
    assert decided(judge([active(), body], by=by), body) == ("protect", ("S4",))
    # Of the family's owner alone it is no other owner's mark.
    alone = contract(owners={"pulumi": pulumi})
    assert decided(judge([active(), body], by=alone), body) == ("delete", ())


CONFIG_SYNC = {"configmanagement.gke.io/managed": "enabled", "config.k8s.io/owning-inventory": "i"}
WRANGLER = {"objectset.rio.cattle.io/id": "", "objectset.rio.cattle.io/owner-name": "coredns"}


@pytest.mark.parametrize(
    ("body", "owners"),
    [
        (
            obj("ConfigMap", "x", labels={"applyset.kubernetes.io/part-of": "a"}, annotations=CONFIG_SYNC),
            ("config-sync",),
        ),
        (obj("ConfigMap", "x", annotations={**WRANGLER, GVK: "k3s.cattle.io/v1, Kind=Addon"}), ("k3s",)),
        (obj("ConfigMap", "x", annotations={**WRANGLER, GVK: "/v1, Kind=Namespace"}), ("rancher",)),
    ],
)
def test_a_mark_that_several_tools_set_is_that_tools_which_says_more(body: Json, owners: tuple[str, ...]) -> None:
    assert owned(body) == owners


def test_a_tool_that_marks_what_it_installs_by_helm_is_the_releases_owner() -> None:
    body = obj("ConfigMap", "x", "apps", release="shop", release_namespace="apps")
    body["metadata"]["annotations"]["objectset.rio.cattle.io/id"] = "default-shop"
    stored = record("shop", 1, "deployed", [document(body)], namespace="apps")
    assert attributed(judge([body, stored]), body).owners == ("fleet",)
    taken = obj("ConfigMap", "x", "apps", release="shop", release_namespace="apps", labels={"kapp.k14s.io/app": "1"})
    assert attributed(judge([taken, stored]), taken).owners == ("helm", "kapp")


def test_the_tree_and_the_findings_show_a_tool_by_its_title() -> None:
    body = left(labels={"kapp.k14s.io/app": "1"})
    found = judge([active(), body])
    assert attributed(found, body).state is State.CONTESTED
    (layer,) = (node for node in build_tree(CONTRACT, found).children if node.kind == "layer" and node.count == 1)
    assert "Pulumi and kapp or kapp-controller" in {node.title for node in layer.children}
    assert "pulumi" in findings(found, "contested")[0].summary
    assert [title_of(CONTRACT, each) for each in ("pulumi", "argocd", "argo", "helm", "harbour-operator")] == [
        "Pulumi",
        "Argo CD",
        "Argo CD",
        "Helm, by hand or by a pipeline",
        "harbour-operator",
    ]
