"""A small cluster in trouble, as plain values: a release deployed, most of its controllers gone, names that bite."""

import base64
import gzip
import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from tui.contract.model import Claim, Contract, Family, Guardrail, Health, Layer, Mark, Owner, Selector
from tui.objects import Gap, Inventory, Json, KindKey, Live, Served
from tui.text import clean

NOW = datetime(2026, 11, 23, 5, 30, tzinfo=UTC)
ACTIVE = "gitops-flux-1a2b3c4d"
STALE = "gitops-flux-9f8e7d6c"
CONTROLLERS = ("source-controller", "kustomize-controller", "helm-controller")
HOSTILE = (
    "[/x]",
    "\x1b[31mred\x1b]0;owned\x07",
    "[bold]b[/bold]" + "long-" * 400,
    "[@click=app.quit]q[/]",
    "\u202eevil",
)
"""Names no API server admits as names, but that labels, messages and careless servers can carry."""

_KINDS = (
    ("", "v1", "Namespace", False),
    ("", "v1", "Pod", True),
    ("", "v1", "Secret", True),
    ("", "v1", "ConfigMap", True),
    ("", "v1", "Service", True),
    ("apps", "v1", "Deployment", True),
    ("apps", "v1", "ReplicaSet", True),
    ("coordination.k8s.io", "v1", "Lease", True),
    ("rbac.authorization.k8s.io", "v1", "ClusterRole", False),
    ("rbac.authorization.k8s.io", "v1", "ClusterRoleBinding", False),
    ("source.toolkit.fluxcd.io", "v1", "GitRepository", True),
    ("kustomize.toolkit.fluxcd.io", "v1", "Kustomization", True),
    ("helm.toolkit.fluxcd.io", "v2", "HelmRelease", True),
)
SERVED = {
    KindKey(group, kind): Served(
        group, version, f"{kind.lower()}s", kind, namespaced, frozenset({"list", "get", "watch"})
    )
    for group, version, kind, namespaced in _KINDS
}
API = {kind: f"{group}/{version}" if group else version for group, version, kind, _ in _KINDS}

CONTRACT = Contract(
    name="tethys",
    layers=(
        Layer("infrastructure", "Infrastructure", "pulumi"),
        Layer("gitops", "GitOps", "flux"),
        Layer("applications", "Applications"),
    ),
    owners={
        "pulumi": Owner("pulumi", "Pulumi", (Mark(manager=("pulumi-*",)), Mark(family="gitops-flux"))),
        "flux": Owner("flux", "Flux", (Mark(label={"kustomize.toolkit.fluxcd.io/name": "*"}),)),
    },
    claims=(
        Claim("pulumi", "infrastructure", "cluster/src/", (Selector(namespaces=("flux-system",)),), 20),
        Claim("flux", "gitops", "clusters/tethys/", (Selector(namespaces=("apps",)),), 31),
    ),
    releases=(
        Family(
            "gitops-flux",
            "flux-system",
            "pulumi",
            generated="gitops-flux",
            cleanup_cluster_scoped=True,
            cleanup_namespaces=("flux-system",),
        ),
    ),
    guardrails=(
        Guardrail("cluster-ip-services", Selector(kinds=("Service",), fields={"spec.type": ("NodePort",)}), "tunnels"),
    ),
    health=(
        Health("flux-system", deployments=CONTROLLERS),
        Health("flux-system", ready="GitRepository", name="flux-system"),
        Health("flux-system", ready="Kustomization", name="flux-system"),
    ),
    source="/etc/refloat/ownership.yaml",
    sha256="0" * 64,
)


HOOK = "apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: flux-check\n"
RUN = {"delete_policies": ["hook-succeeded"], "last_run": {"phase": "Succeeded"}}


def ago(**length: float) -> str:
    """A time before NOW as the API writes it."""
    return (NOW - timedelta(**length)).strftime("%Y-%m-%dT%H:%M:%SZ")


def body(kind: str, name: str, namespace: str | None = None, **more: Any) -> Json:
    """An object of the cluster; ``meta`` is merged into its metadata."""
    meta = {
        "name": name,
        "uid": f"uid-{kind}-{namespace}-{name}"[:60],
        "resourceVersion": "7",
        "creationTimestamp": ago(days=40),
        "generation": 1,
        **({"namespace": namespace} if namespace else {}),
        **more.pop("meta", {}),
    }
    return {"apiVersion": API[kind], "kind": kind, "metadata": meta, **more}


def stamped(release: str) -> Json:
    """The metadata Helm leaves on what it installed."""
    return {
        "labels": {"app.kubernetes.io/managed-by": "Helm"},
        "annotations": {"meta.helm.sh/release-name": release, "meta.helm.sh/release-namespace": "flux-system"},
    }


def condition(kind: str, status: str, reason: str, message: str = "") -> Json:
    """One entry of status.conditions."""
    return {
        "type": kind,
        "status": status,
        "reason": reason,
        "message": message,
        "lastTransitionTime": ago(hours=3),
        "observedGeneration": 1,
    }


def deployment(name: str, ready: int = 1, namespace: str = "flux-system") -> list[Json]:
    """A Deployment with its ReplicaSet and one Pod, ready or waiting."""
    labels = {"app": name}
    spec = {"replicas": 1, "selector": {"matchLabels": labels}}
    top = body(
        "Deployment",
        name,
        namespace,
        meta=stamped(ACTIVE),
        spec={
            **spec,
            "template": {"spec": {"containers": [{"name": "manager", "image": "ghcr.io/fluxcd/manager:v1.6.0"}]}},
        },
        status={
            "observedGeneration": 1,
            "replicas": 1,
            "updatedReplicas": 1,
            "readyReplicas": ready,
            "availableReplicas": ready,
            "conditions": [
                condition("Available", "True" if ready else "False", "MinimumReplicas" + ("" if ready else "Un")),
                condition("Progressing", "True", "NewReplicaSetAvailable"),
            ],
        },
    )
    middle = body("ReplicaSet", f"{name}-5d4f", namespace, meta=_owner(top), spec=spec)
    state = (
        {"running": {"startedAt": ago(hours=3)}}
        if ready
        else {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 5m0s [/oops]"}}
    )
    pod = body(
        "Pod",
        f"{name}-5d4f-x2x2x",
        namespace,
        meta={**_owner(middle), "labels": labels},
        spec={"containers": [{"name": "manager", "image": "ghcr.io/fluxcd/manager:v1.6.0"}]},
        status={
            "phase": "Running",
            "conditions": [condition("Ready", "True" if ready else "False", "ContainersNotReady")],
            "containerStatuses": [
                {"name": "manager", "ready": bool(ready), "restartCount": 0 if ready else 12, "state": state}
            ],
        },
    )
    return [top, middle, pod]


def _owner(above: Json) -> Json:
    meta = above["metadata"]
    return {
        "ownerReferences": [
            {
                "apiVersion": above["apiVersion"],
                "kind": above["kind"],
                "name": meta["name"],
                "uid": meta["uid"],
                "controller": True,
            }
        ]
    }


def manifest(names: Iterable[str]) -> str:
    """The release's stored manifest: its Deployments and a ClusterRole."""
    documents = [
        f"apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {name}\nspec:\n  replicas: 1\n" for name in names
    ]
    role = "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata:\n  name: flux-edit\nrules: []\n"
    return "".join(f"---\n# Source: flux2/templates/x.yaml\n{text}" for text in [*documents, role])


def record(name: str, revision: int, status: str, text: str) -> Json:
    """A release's storage Secret, as Helm encodes it."""
    payload = {
        "name": name,
        "namespace": "flux-system",
        "version": revision,
        "info": {"status": status, "last_deployed": ago(days=2), "description": "Install complete"},
        "chart": {"metadata": {"name": "flux2", "version": "2.17.0", "appVersion": "2.7.0"}},
        "manifest": text,
        "hooks": [{"name": "flux-check", "kind": "Job", "events": ["pre-install"], "manifest": HOOK, **RUN}],
    }
    packed = base64.b64encode(gzip.compress(json.dumps(payload).encode(), mtime=0))
    return body(
        "Secret",
        f"sh.helm.release.v1.{name}.v{revision}",
        "flux-system",
        type="helm.sh/release.v1",
        meta={"labels": {"owner": "helm", "name": name, "version": str(revision), "status": status}},
        data={"release": base64.b64encode(packed).decode()},
    )


def flux(kind: str, name: str = "flux-system", *, suspend: bool = False) -> Json:
    """A GitRepository or Kustomization that is Ready."""
    status: Json = {"observedGeneration": 1, "conditions": [condition("Ready", "True", "Succeeded", "stored artifact")]}
    if kind == "GitRepository":
        status["artifact"] = {"revision": "main@sha1:0123abcd", "lastUpdateTime": ago(minutes=12)}
    else:
        status["lastAppliedRevision"] = "main@sha1:0123abcd"
    return body(kind, name, "flux-system", spec={"suspend": suspend}, status=status)


def trouble() -> list[Json]:
    """The incident: one controller runs, one crashes, one is gone; a leftover of the old generation; hostile text."""
    return [
        *(body("Namespace", name, status={"phase": "Active"}) for name in ("flux-system", "apps", "kube-system")),
        record(ACTIVE, 3, "deployed", manifest(CONTROLLERS)),
        record(STALE, 7, "superseded", manifest(CONTROLLERS)),
        *deployment("source-controller"),
        *deployment("kustomize-controller", ready=0),
        body("ClusterRole", "flux-edit", meta=stamped(ACTIVE), rules=[]),
        body("ClusterRole", "flux-view", meta=stamped(STALE), rules=[]),
        body(
            "Secret",
            "github-token",
            "flux-system",
            data={"token": base64.b64encode(b"hunter2-hunter2").decode()},
            meta={"annotations": {"kubectl.kubernetes.io/last-applied-configuration": '{"data":{"token":"aHVudGVy"}}'}},
        ),
        flux("GitRepository"),
        flux("Kustomization", suspend=True),
        *(
            body(
                "ConfigMap",
                f"settings-{index}",
                "apps",
                meta={"labels": {"kustomize.toolkit.fluxcd.io/name": clean(name), "note": clean(name)}},
                data={"text": clean(name)},
            )
            for index, name in enumerate(HOSTILE)
        ),
        *(body("ConfigMap", clean(name), "apps", data={}) for name in HOSTILE),
        body("Service", "door", "apps", spec={"type": "NodePort"}),
    ]


def inventory(bodies: Iterable[Json], gaps: Iterable[Gap] = ()) -> Inventory:
    """What a reader would have made of it."""
    lives = [Live.of(one) for one in bodies]
    return Inventory(
        cluster_uid="uid-Namespace-None-kube-system",
        server_version="v1.36.2",
        served=dict(SERVED),
        versions=frozenset(f"{API[kind.kind]}/{kind.kind}" for kind in SERVED),
        objects={live.key: live for live in lives},
        gaps=list(gaps),
    )
