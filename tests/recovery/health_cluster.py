"""A small healthy cluster, object by object, in the shapes a real API server gives, and edits that spoil it."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from tui.contract.model import Contract, Health
from tui.objects import Gap, Inventory, Json, KindKey, Live, Served
from tui.recovery.health import Check, check_health
from tui.recovery.health import Health as Result

NOW = datetime(2026, 11, 23, 5, 30, tzinfo=UTC)
KINDS = {
    ("", "Namespace"): "v1",
    ("", "Pod"): "v1",
    ("apps", "Deployment"): "v1",
    ("apps", "ReplicaSet"): "v1",
    ("coordination.k8s.io", "Lease"): "v1",
    ("source.toolkit.fluxcd.io", "GitRepository"): "v1",
    ("kustomize.toolkit.fluxcd.io", "Kustomization"): "v1",
}
SERVED = {
    KindKey(group, kind): Served(group, version, f"{kind.lower()}s", kind, kind != "Namespace", frozenset({"list"}))
    for (group, kind), version in KINDS.items()
}
NAME = "source-controller"
IDS = {
    "deployment": f"deployment/flux-system/{NAME}",
    "pods": f"pods/flux-system/{NAME}",
    "lease": f"lease/flux-system/{NAME}-leader-election",
    "git": "ready/GitRepository/flux-system/flux-system",
}
HEALTH = (
    Health("flux-system", deployments=(NAME,)),
    Health("flux-system", ready="GitRepository", name="flux-system"),
    Health("cert-manager", deployments=("cert-manager",), optional=True),
)


def ago(**length: float) -> str:
    return (NOW - timedelta(**length)).strftime("%Y-%m-%dT%H:%M:%SZ")


def owned(kind: str, name: str, uid: str) -> list[Json]:
    return [{"apiVersion": "apps/v1", "kind": kind, "name": name, "uid": uid, "controller": True}]


def condition(kind: str, status: str, reason: str = "", message: str = "", **more: Any) -> Json:
    return {"type": kind, "status": status, "reason": reason, "message": message, **more}


def deployment(name: str = NAME, namespace: str = "flux-system") -> Json:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "uid": f"{name}-d",
            "generation": 3,
            "annotations": {"deployment.kubernetes.io/revision": "2"},
        },
        "spec": {"replicas": 1, "selector": {"matchLabels": {"app": name}}},
        "status": {
            "observedGeneration": 3,
            "replicas": 1,
            "updatedReplicas": 1,
            "readyReplicas": 1,
            "availableReplicas": 1,
            "conditions": [
                condition("Available", "True", "MinimumReplicasAvailable", "Deployment has minimum availability."),
                condition("Progressing", "True", "NewReplicaSetAvailable"),
            ],
        },
    }


def replica_set(revision: int, name: str = NAME, namespace: str = "flux-system") -> Json:
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": f"{name}-r{revision}",
            "namespace": namespace,
            "uid": f"{name}-r{revision}",
            "annotations": {"deployment.kubernetes.io/revision": str(revision)},
            "ownerReferences": owned("Deployment", name, f"{name}-d"),
        },
    }


def pod(revision: int = 2, suffix: str = "a", name: str = NAME, namespace: str = "flux-system") -> Json:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": f"{name}-r{revision}-{suffix}",
            "namespace": namespace,
            "uid": f"{name}-r{revision}-{suffix}",
            "labels": {"app": name},
            "ownerReferences": owned("ReplicaSet", f"{name}-r{revision}", f"{name}-r{revision}"),
        },
        "spec": {"containers": [{"name": "manager"}]},
        "status": {
            "phase": "Running",
            "conditions": [condition("Ready", "True"), condition("PodScheduled", "True")],
            "containerStatuses": [
                {
                    "name": "manager",
                    "ready": True,
                    "restartCount": 0,
                    "lastState": {},
                    "state": {"running": {"startedAt": ago(hours=3)}},
                }
            ],
        },
    }


def lease(renewed: str | None = None) -> Json:
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": f"{NAME}-leader-election", "namespace": "flux-system", "uid": "l"},
        "spec": {"holderIdentity": "one", "leaseDurationSeconds": 35, "renewTime": renewed or ago(seconds=4)},
    }


def git() -> Json:
    return {
        "apiVersion": "source.toolkit.fluxcd.io/v1",
        "kind": "GitRepository",
        "metadata": {"name": "flux-system", "namespace": "flux-system", "uid": "g", "generation": 2},
        "spec": {"interval": "1m"},
        "status": {
            "observedGeneration": 2,
            "artifact": {"revision": "main@sha1:c87b", "lastUpdateTime": ago(minutes=4)},
            "conditions": [condition("Ready", "True", "Succeeded", "stored artifact", observedGeneration=2)],
        },
    }


def namespace(name: str) -> Json:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "uid": name}}


def healthy() -> dict[str, Json]:
    return {
        "namespace": namespace("flux-system"),
        "deployment": deployment(),
        "old": replica_set(1),
        "current": replica_set(2),
        "pod": pod(),
        "lease": lease(),
        "git": git(),
    }


def inventory(bodies: Iterable[Json], gaps: Iterable[Gap] = ()) -> Inventory:
    lives = [Live.of(body) for body in bodies]
    return Inventory("uid", "v1.36.2", dict(SERVED), frozenset(), {live.key: live for live in lives}, list(gaps))


def contract(*health: Health) -> Contract:
    return Contract("test", (), {}, health=health or HEALTH)


def judged(bodies: dict[str, Json], *gaps: Gap) -> Result:
    return check_health(contract(), inventory(bodies.values(), gaps), NOW)


def check(result: Result, identity: str) -> Check:
    return next(one for one in result.checks if one.id == IDS.get(identity, identity))


def edit(path: str, value: Any) -> Callable[[Json], None]:
    def change(body: Any) -> None:
        *parents, last = path.split(".")
        for part in parents:
            body = body[int(part) if part.isdecimal() else part]
        if value is None:
            del body[last]
        elif last.isdecimal():
            body[int(last) : int(last) + 1] = [value]
        else:
            body[last] = value

    return change
