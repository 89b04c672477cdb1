"""A practice cluster with many objects, in a process of its own: prints its kubeconfig and serves until stdin ends.

Usage: ``python filled.py COUNT``.
"""

import asyncio
import json
import sys
from typing import Any

from tui.practice.cluster import PracticeCluster

STAMP = {"meta.helm.sh/release-name": "web", "meta.helm.sh/release-namespace": "apps"}
HELM = {"app.kubernetes.io/managed-by": "Helm"}
FLUX = {"kustomize.toolkit.fluxcd.io/name": "apps", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"}
TEMPLATE = {
    "serviceAccountName": "default",
    "containers": [{"name": "main", "image": "registry.example/app:1", "env": [{"name": "A", "value": "b"}]}],
    "volumes": [{"name": "config", "configMap": {"name": "config"}}],
}


def documents(count: int) -> list[dict[str, Any]]:
    """A mix: two thirds are known by metadata alone, the rest keeps a body; a third is marked by Helm or Flux."""
    return [_document(number, f"team-{number % 40}") for number in range(count)]


def _document(number: int, namespace: str) -> dict[str, Any]:
    marks: dict[str, Any] = {"labels": {"app": f"app-{number % 200}"}}
    if number % 6 == 0:
        marks = {"labels": {**marks["labels"], **HELM}, "annotations": STAMP}
    elif number % 6 == 1:
        marks = {"labels": {**marks["labels"], **FLUX}}
    meta = {"name": f"object-{number}", "namespace": namespace, **marks}
    match number % 9:
        case 0:
            role = {"kind": "ClusterRole", "name": "view", "apiGroup": "rbac.authorization.k8s.io"}
            subjects = [{"kind": "ServiceAccount", "name": "default", "namespace": namespace}]
            return _of("rbac.authorization.k8s.io/v1", "RoleBinding", meta, roleRef=role, subjects=subjects)
        case 1 | 2:
            return _of("v1", "Pod", meta, spec=TEMPLATE)
        case 3 | 4:
            return _of("v1", "Secret", meta, data={"a": "Yg=="}, type="Opaque")
        case _:
            return _of("v1", "ConfigMap", meta, data={"key": "value"})


def _of(api_version: str, kind: str, meta: dict[str, Any], **parts: Any) -> dict[str, Any]:
    return {"apiVersion": api_version, "kind": kind, "metadata": meta, **parts}


async def serve(count: int) -> None:
    """Fills a cluster, prints its kubeconfig as one line, and serves until stdin ends."""
    async with PracticeCluster(seed=1) as cluster:
        for number in range(40):
            cluster.runner.create(_of("v1", "Namespace", {"name": f"team-{number}"}))
        managers = ("helm", "kustomize-controller", "kubectl-create")
        for number, body in enumerate(documents(count)):
            cluster.runner.create(body, managers[number % 3])
        await cluster.settle()
        print(json.dumps(cluster.kubeconfig()), flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
