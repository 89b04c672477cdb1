"""Builds small clusters from plain values: objects, Helm records as Helm writes them, inventories, contracts."""

import base64
import gzip
import json
from collections.abc import Iterable
from typing import Any

import yaml

from tui.contract.model import Claim, Contract, Family, Layer, Mark, Owner, Reconcile, Selector
from tui.objects import Gap, Inventory, Json, Key, KindKey, Live, Searched, Served, group_of
from tui.ownership.mentions import Names

FLUX_SYSTEM = "flux-system"
RBAC = "rbac.authorization.k8s.io/v1"
KUSTOMIZE = "kustomize.toolkit.fluxcd.io/v1"

KINDS: tuple[tuple[str, str, str, bool], ...] = (
    ("v1", "Namespace", "namespaces", False),
    ("v1", "Pod", "pods", True),
    ("v1", "ReplicationController", "replicationcontrollers", True),
    ("v1", "Service", "services", True),
    ("v1", "ServiceAccount", "serviceaccounts", True),
    ("v1", "ConfigMap", "configmaps", True),
    ("v1", "Secret", "secrets", True),
    ("v1", "ResourceQuota", "resourcequotas", True),
    ("v1", "PersistentVolumeClaim", "persistentvolumeclaims", True),
    ("v1", "PersistentVolume", "persistentvolumes", False),
    ("apps/v1", "Deployment", "deployments", True),
    ("apps/v1", "ReplicaSet", "replicasets", True),
    ("apps/v1", "StatefulSet", "statefulsets", True),
    ("apps/v1", "DaemonSet", "daemonsets", True),
    ("batch/v1", "Job", "jobs", True),
    ("batch/v1", "CronJob", "cronjobs", True),
    (RBAC, "ClusterRole", "clusterroles", False),
    (RBAC, "ClusterRoleBinding", "clusterrolebindings", False),
    (RBAC, "Role", "roles", True),
    (RBAC, "RoleBinding", "rolebindings", True),
    ("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies", True),
    ("networking.k8s.io/v1", "Ingress", "ingresses", True),
    ("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets", True),
    ("autoscaling/v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers", True),
    ("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration", "validatingwebhookconfigurations", False),
    ("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration", "mutatingwebhookconfigurations", False),
    ("apiregistration.k8s.io/v1", "APIService", "apiservices", False),
    ("apiextensions.k8s.io/v1", "CustomResourceDefinition", "customresourcedefinitions", False),
    (KUSTOMIZE, "Kustomization", "kustomizations", True),
    ("helm.toolkit.fluxcd.io/v2", "HelmRelease", "helmreleases", True),
    ("source.toolkit.fluxcd.io/v1", "GitRepository", "gitrepositories", True),
)
VERSIONS = {kind: version for version, kind, _, _ in KINDS}
NAMESPACED = {kind: namespaced for _, kind, _, namespaced in KINDS}


def obj(kind: str, name: str, namespace: str | None = FLUX_SYSTEM, **parts: Any) -> Json:
    """An object; ``release`` stamps it (``release_namespace`` beside it), ``owner`` is (kind, name) of its controller.

    ``labels``, ``annotations``, ``finalizers``, ``deleting`` and ``managers`` ((name, operation) pairs) go to its
    metadata, everything else to its body.
    """
    annotations: dict[str, str] = dict(parts.pop("annotations", {}))
    labels: dict[str, str] = dict(parts.pop("labels", {}))
    release = parts.pop("release", None)
    where = parts.pop("release_namespace", FLUX_SYSTEM)
    if release is not None:
        annotations |= {"meta.helm.sh/release-name": release, "meta.helm.sh/release-namespace": where}
        labels["app.kubernetes.io/managed-by"] = "Helm"
    space = namespace if NAMESPACED[kind] else None
    meta: Json = {"name": name, "uid": uid_of(kind, space, name), "resourceVersion": "1", "labels": labels}
    meta["annotations"] = annotations
    if space:
        meta["namespace"] = space
    if "finalizers" in parts:
        meta["finalizers"] = list(parts.pop("finalizers"))
    if parts.pop("deleting", False):
        meta["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    owner = parts.pop("owner", None)
    if owner is not None:
        api = VERSIONS[owner[0]]
        uid = uid_of(owner[0], space if NAMESPACED[owner[0]] else None, owner[1])
        meta["ownerReferences"] = [
            {"apiVersion": api, "kind": owner[0], "name": owner[1], "uid": uid, "controller": True}
        ]
    fields: Json = {"f:metadata": {"f:annotations": {"f:meta.helm.sh/release-name": {}}}} if release else {"f:spec": {}}
    managers = parts.pop("managers", [("helm", "Update")] if release else [])
    meta["managedFields"] = [
        {"manager": manager, "operation": operation, "fieldsV1": fields} for manager, operation in managers
    ]
    return {"apiVersion": VERSIONS[kind], "kind": kind, "metadata": meta, **parts}


def uid_of(kind: str, namespace: str | None, name: str) -> str:
    return f"uid-{kind}-{namespace or ''}-{name}".lower()


def document(body: Json) -> Json:
    """An object as a chart writes it: without what the server or Helm adds."""
    meta = {"name": body["metadata"]["name"]}
    if body["metadata"].get("namespace") not in (None, FLUX_SYSTEM):
        meta["namespace"] = body["metadata"]["namespace"]
    return {**{k: v for k, v in body.items() if k not in ("metadata", "status")}, "metadata": meta}


def record(
    name: str,
    revision: int = 1,
    status: str = "deployed",
    documents: Iterable[Json] = (),
    *,
    method: str = "",
    namespace: str = FLUX_SYSTEM,
    **payload: Any,
) -> Json:
    """A release record, encoded as Helm's Secret driver does."""
    manifest = "".join(f"---\n# Source: chart/templates/all.yaml\n{yaml.safe_dump(each)}" for each in documents)
    stamp = f"2026-01-{1 + revision % 27:02}T00:00:00Z"
    release: Json = {
        "name": name,
        "namespace": namespace,
        "version": revision,
        "info": {"first_deployed": stamp, "last_deployed": stamp, "deleted": "", "status": status, "description": "x"},
        "chart": {"metadata": {"name": "flux2", "version": "2.18.3", "appVersion": "2.8.5"}},
        "manifest": manifest,
        "hooks": [],
        **payload,
    }
    if method:
        release["apply_method"] = method
    text = base64.b64encode(gzip.compress(json.dumps(release).encode(), mtime=0))
    labels = {"owner": "helm", "name": name, "status": status, "version": str(revision), "modifiedAt": "1760000000"}
    body = obj("Secret", f"sh.helm.release.v1.{name}.v{revision}", namespace, labels=labels)
    return body | {"type": "helm.sh/release.v1", "data": {"release": base64.b64encode(text).decode()}}


def inventory(objects: Iterable[Json], gaps: Iterable[Gap] = (), *, unserved: Iterable[str] = ()) -> Inventory:
    """What a reader would have read: whole bodies but for ConfigMaps and Secrets that are no release records."""
    hidden = frozenset(unserved)
    served = {}
    for version, kind, plural, namespaced in KINDS:
        group, _, number = version.rpartition("/")
        if kind not in hidden:
            served[KindKey(group, kind)] = Served(group, number, plural, kind, namespaced, frozenset({"list"}))
    bodies, gaps = list(objects), list(gaps)
    blind = {(gap.group, gap.kind) for gap in gaps}
    lives = {}
    for body in bodies:
        is_record = body["metadata"]["labels"].get("owner") == "helm"
        live = Live.of(body, keep_body=body["kind"] not in ("ConfigMap", "Secret") or is_record)
        if (live.ref.group, live.ref.kind) not in blind:
            lives[live.key] = live
    versions = frozenset(f"{each.api_version}/{each.kind}" for each in served.values())
    seen = (body for body in bodies if (group_of(body["apiVersion"]), body["kind"]) not in blind)
    return Inventory("uid-of-kube-system", "v1.36.2", served, versions, lives, gaps, searched(lives, seen))


def searched(targets: Iterable[Key], bodies: Iterable[Json]) -> Searched:
    """What a search of these objects for all of the targets would have found."""
    names = Names(targets)
    return Searched(names.targets, tuple(mention for body in bodies for mention in names.of(body)))


FAMILY = Family(
    name="gitops-flux",
    namespace=FLUX_SYSTEM,
    owner="pulumi",
    generated="gitops-flux",
    names=("gitops-flux",),
    cleanup_cluster_scoped=True,
    cleanup_namespaces=(FLUX_SYSTEM,),
)


def contract(**changes: Any) -> Contract:
    """A contract with Pulumi above Flux, one release family, and a claim by name for Flux."""
    owners = {
        "pulumi": Owner(
            "pulumi",
            "Pulumi",
            (Mark(manager=("pulumi-*",)), Mark(family="gitops-flux")),
            Reconcile("pulumi refresh --yes"),
        ),
        "flux": Owner(
            "flux",
            "Flux",
            (
                Mark(label={"kustomize.toolkit.fluxcd.io/name": "*"}),
                Mark(label={"helm.toolkit.fluxcd.io/name": "*"}),
                Mark(inventory=("Kustomization", "HelmRelease")),
                Mark(manager=("kustomize-controller", "helm-controller")),
            ),
        ),
        "argo": Owner("argo", "Argo CD", (Mark(annotation={"argocd.argoproj.io/tracking-id": "*"}),)),
    }
    parts: dict[str, Any] = {
        "name": "test",
        "layers": (Layer("infrastructure", "Infrastructure", "pulumi"), Layer("gitops", "GitOps", "flux")),
        "owners": owners,
        "claims": (
            Claim(
                "flux", "gitops", "clusters/", (Selector(kinds=("ConfigMap",), names=("claimed",), namespaces=("*",)),)
            ),
            Claim(
                "pulumi",
                "infrastructure",
                "cluster/src/",
                (
                    Selector(
                        kinds=("ClusterRole", "ClusterRoleBinding"), annotations={"meta.helm.sh/release-name": "*"}
                    ),
                    Selector(kinds=("Deployment", "Service", "ServiceAccount"), namespaces=(FLUX_SYSTEM,)),
                ),
            ),
        ),
        "releases": (FAMILY,),
        "source": "test.yaml",
        "sha256": "0" * 64,
    }
    return Contract(**(parts | changes))
