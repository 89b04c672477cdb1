"""Stale objects that other tools hold, made on a real API server with the tools' own marks: none is offered."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.clusters import record
from tests.live.test_incidents_live import Let, Quay
from tui.cluster.connect import Connection
from tui.cluster.writer import Writer
from tui.contract.load import load_contract, shipped
from tui.contract.model import Family
from tui.objects import Json, Ref
from tui.ownership.model import Assessment
from tui.recovery.assessing import assess_searched
from tui.recovery.ports import Method, Request

SPACE = "marks"
FAMILY = Family("shop", SPACE, "pulumi", generated="shop", cleanup_namespaces=(SPACE,))
CONTRACT = replace(load_contract(shipped()), releases=(FAMILY,))
NOW, OLD = "shop-bbbbbbbb", "shop-aaaaaaaa"
STAMP = {"meta.helm.sh/release-name": OLD, "meta.helm.sh/release-namespace": SPACE}

LABELLED = {
    "flux": ("kustomize.toolkit.fluxcd.io/name", "apps"),
    "resource-set": ("resourceset.fluxcd.controlplane.io/name", "tenants"),
    "kapp": ("kapp.k14s.io/app", "1611950163263953000"),
    "fleet": ("objectset.rio.cattle.io/hash", "bce283298811743a0386ab510f2f67ef74240c57"),
    "olm": ("olm.owner", "op.v1"),
    "olm-component": ("operators.coreos.com/op.operators", ""),
    "crossplane": ("crossplane.io/composite", "shop-8fj2k"),
    "applyset": ("applyset.kubernetes.io/part-of", "applyset-0eFHV8ySqp7XoShsGvyWFQD3s96yqwHmzc4e0HR1dsY-v1"),
    "timoni": ("instance.timoni.sh/name", "shop"),
    "sveltos": ("projectsveltos.io/reference-kind", "ConfigMap"),
    "skaffold": ("skaffold.dev/run-id", "4f2c1f4e"),
    "addon-manager": ("addonmanager.kubernetes.io/mode", "Reconcile"),
}
ANNOTATED = {
    "argocd": ("argocd.argoproj.io/tracking-id", f"shop:/ConfigMap:{SPACE}/argocd"),
    "config-sync": ("configmanagement.gke.io/managed", "enabled"),
    "k3s": ("objectset.rio.cattle.io/owner-gvk", "k3s.cattle.io/v1, Kind=Addon"),
    "inventory": ("config.k8s.io/owning-inventory", "inventory-06723582"),
    "werf": ("werf.io/version", "v2.10.0"),
    "cert-manager": ("cert-manager.io/certificate-name", "shop"),
}
DATA: Json = {"data": {"a": "b"}}
APPLIED: dict[str, tuple[str, Json]] = {
    "argocd-ssa": ("argocd-controller", DATA),
    "terraform": ("Terraform", DATA),
    "eks": ("eks", DATA),
    "provider-kubernetes": ("provider-kubernetes/shop", DATA),
    "own-operator": ("harbour-operator", DATA),
    "own-operator-label": ("harbour-operator", {"metadata": {"labels": {"team": "harbour"}}}),
    "own-operator-with-stamp": ("harbour-operator", {"metadata": {"annotations": STAMP}, **DATA}),
}
FREE: dict[str, tuple[str, Json] | None] = {
    "control": None,
    "kubectl-ssa": ("kubectl", DATA),
    "re-stamped": ("rescue", {"metadata": {"annotations": STAMP}}),
    "finalizer-once": ("harbour-operator", {"metadata": {"finalizers": ["example.test/hold"]}}),
}
"""What is nobody's in spite of what was done to it."""


def left(name: str, labels: dict[str, str] | None = None, annotations: dict[str, str] | None = None) -> Json:
    meta = {
        "name": name,
        "namespace": SPACE,
        "labels": {"app.kubernetes.io/managed-by": "Helm", **(labels or {})},
        "annotations": {**STAMP, **(annotations or {})},
    }
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, **DATA}


async def applied(live: Connection, name: str, manager: str, what: Json) -> None:
    meta: dict[str, Any] = {**what.get("metadata", {}), "name": name, "namespace": SPACE}
    body = {**what, "apiVersion": "v1", "kind": "ConfigMap", "metadata": meta}
    await Writer(live.api).send(Let(Request(Method.APPLY, Ref.of(body), body, manager)))


@pytest.fixture
async def marked(live: Connection) -> AsyncIterator[Quay]:
    quay = Quay(live, kubeconfig=None)  # type: ignore[arg-type] # no tool is run
    await quay.make({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SPACE}})
    made = record(NOW, 1, "deployed", [], namespace=SPACE)
    made["metadata"] = {k: v for k, v in made["metadata"].items() if k in ("name", "namespace", "labels")}
    await quay.make(made)
    for name, mark in LABELLED.items():
        await quay.make(left(name, labels=dict([mark])), "helm")
    for name, mark in ANNOTATED.items():
        await quay.make(left(name, annotations=dict([mark])), "helm")
    for name, by in {**APPLIED, **FREE}.items():
        await quay.make(left(name), "helm")
        if by is not None:
            await applied(live, name, *by)
    copy = {"argocd.argoproj.io/tracking-id": f"shop:/ConfigMap:{SPACE}/another"}
    await quay.make(left("argocd-copy", annotations=copy), "helm")
    once = Ref("v1", "ConfigMap", SPACE, "finalizer-once")
    await quay.patch(once, {"metadata": {"finalizers": None}}, "harbour-operator")
    yield quay
    for ref in reversed(quay._made):
        if await quay.reader.get(ref) is not None:
            await quay.delete(ref)


async def judged(quay: Quay) -> Assessment:
    return await assess_searched(quay.reader, CONTRACT, await quay.reader.inventory(), datetime.now(UTC))


async def test_what_another_tool_holds_is_protected_and_what_nobody_holds_is_offered(marked: Quay) -> None:
    found = await judged(marked)
    candidates = {each.ref.name: each for each in found.candidates}
    offered = {name for name, each in candidates.items() if each.decision.value == "delete"}
    assert offered == {*FREE, "argocd-copy"}
    for name in (*LABELLED, *ANNOTATED, *APPLIED):
        assert [rule.value for rule in candidates[name].rules] == ["S4"], name
    owners = {key.name: row.owners for key, row in found.attributions.items() if key.namespace == SPACE}
    assert owners["resource-set"] == ("pulumi", "flux")
    assert set(owners["argocd"]) == {"pulumi", "argocd"}
    assert owners["own-operator"] == ("pulumi", "harbour-operator")
    assert owners["control"] == ("pulumi",)
