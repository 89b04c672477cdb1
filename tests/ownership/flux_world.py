"""Kustomizations, HelmReleases and the controllers that run them, for clusters in which Flux lives."""

from datetime import UTC, datetime
from typing import Any

from tests.clusters import FLUX_SYSTEM, inventory, obj
from tui.objects import Gap, Inventory, Json, KindKey, Live, Served, group_of

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
AVAILABLE = {"conditions": [{"type": "Available", "status": "True", "reason": "MinimumReplicasAvailable"}]}
LATE = "2026-11-23T08:00:00Z"
RECENT = "2026-11-23T11:59:50Z"


def entry(body: Json) -> Json:
    """How an inventory lists an object."""
    meta, group = body["metadata"], group_of(body["apiVersion"])
    return {"id": f"{meta.get('namespace') or ''}_{meta['name']}_{group}_{body['kind']}", "v": "v1"}


def kustomization(*listed: Json, name: str = "sync", ready: str = "True", **spec: Any) -> Json:
    """A Kustomization that lists these objects and was reconciled four minutes ago."""
    status = {
        "conditions": [{"type": "Ready", "status": ready, "reason": "R", "message": "m"}],
        "inventory": {"entries": [entry(each) for each in listed]},
        "history": [{"lastReconciled": "2026-11-23T11:56:00Z"}],
    }
    return obj("Kustomization", name, spec={"interval": "10m", "prune": True, **spec}, status=status)


def helm_release(*listed: Json, name: str = "app", **spec: Any) -> Json:
    """A HelmRelease that lists these objects and runs a release of its own name."""
    status = {
        "conditions": [{"type": "Ready", "status": "True", "reason": "R"}],
        "inventory": {"entries": [entry(each) for each in listed]},
        "history": [{"name": name, "namespace": FLUX_SYSTEM, "version": 1, "status": "deployed"}],
    }
    return obj("HelmRelease", name, spec={"interval": "5m", **spec}, status=status)


def controller(name: str, namespace: str = FLUX_SYSTEM, *, status: Json = AVAILABLE, replicas: int = 1) -> Json:
    """A controller's Deployment."""
    return obj("Deployment", name, namespace, spec={"replicas": replicas, "template": {}}, status=status)


def lease(name: str, renewed: str, namespace: str = FLUX_SYSTEM) -> Json:
    """A controller's leader-election Lease."""
    spec = {"holderIdentity": "pod-1", "leaseDurationSeconds": 35, "renewTime": renewed}
    meta = {"name": f"{name}-leader-election", "namespace": namespace, "uid": f"uid-lease-{name}"}
    return {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": meta, "spec": spec}


LIVING = (
    controller("kustomize-controller"),
    controller("helm-controller"),
    lease("kustomize-controller", RECENT),
    lease("helm-controller", RECENT),
)


def read(*objects: Json, gaps: tuple[Gap, ...] = ()) -> Inventory:
    """An inventory of objects of any kind: those that the builders do not know are served too, with their bodies."""
    known = [body for body in objects if "labels" in body["metadata"]]
    found = inventory(known, gaps)
    for body in objects:
        live = Live.of(body)
        kind = live.ref.kind_key
        if kind not in found.served:
            group, _, version = live.ref.api_version.rpartition("/")
            spaced = live.ref.namespace is not None
            found.served[kind] = Served(group, version, f"{kind.kind.lower()}s", kind.kind, spaced, frozenset({"list"}))
        if not any(KindKey(gap.group, gap.kind or "") == kind for gap in gaps):
            found.objects.setdefault(live.key, live)
    return found
