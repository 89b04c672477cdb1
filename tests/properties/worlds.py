"""Generated clusters: releases in every state, objects with every mark, users of every kind the rules look at."""

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from tests.clusters import FLUX_SYSTEM, NAMESPACED, VERSIONS, document, inventory, obj, record
from tests.properties.foreign import ANNOTATIONS, APPLIERS, LABELS, applied
from tui.objects import Gap, Inventory, Json

# The hashes sort both with and against any age the revisions give them.
RELEASES = ("gitops-flux-00000001", "gitops-flux-7fffffff", "gitops-flux-ffffffff", "gitops-flux")
STRANGERS = ("gitops-flux-monitoring-1a2b3c4d", "gitops-flux-1a2b3c4", "other")
STATUSES = ("deployed", "superseded", "failed", "uninstalled", "pending-upgrade", "pending-install", "uninstalling")
NAMES = ("a", "b", "c", "claimed")
SPACES = (FLUX_SYSTEM, "apps")
CANDIDATE_KINDS = (
    "ClusterRole",
    "ClusterRoleBinding",
    "RoleBinding",
    "ServiceAccount",
    "ConfigMap",
    "Secret",
    "Service",
    "Deployment",
    "NetworkPolicy",
    "ResourceQuota",
    "ValidatingWebhookConfiguration",
    "CustomResourceDefinition",
    "Namespace",
    "StatefulSet",
    "PersistentVolumeClaim",
)
MANAGERS = (
    ("helm", "Update"),
    ("helm", "Apply"),
    ("pulumi-resource-kubernetes", "Update"),
    ("kubectl-client-side-apply", "Update"),
    ("kustomize-controller", "Apply"),
)


@dataclass(frozen=True)
class Cluster:
    """One generated cluster: everything in it, in some order, and what cannot be read."""

    objects: tuple[Json, ...]
    gaps: tuple[Gap, ...] = ()

    def read(self) -> Inventory:
        return inventory(self.objects, self.gaps)


def _template(draw: st.DrawFn) -> Json:
    spec: Json = {"serviceAccountName": draw(st.sampled_from(NAMES))}
    if draw(st.booleans()):
        spec["volumes"] = [{"name": "v", "configMap": {"name": draw(st.sampled_from(NAMES))}}]
    if draw(st.booleans()):
        secret = {"secretRef": {"name": draw(st.sampled_from(NAMES))}}
        spec["containers"] = [{"name": "c", "envFrom": [secret]}]
    return {"metadata": {"labels": {"app": draw(st.sampled_from(NAMES))}}, "spec": spec}


def _body(draw: st.DrawFn, kind: str) -> Json:
    """What this kind says of others."""
    if kind in ("ClusterRoleBinding", "RoleBinding"):
        role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": draw(st.sampled_from(NAMES))}
        subject = {
            "kind": "ServiceAccount",
            "name": draw(st.sampled_from(NAMES)),
            "namespace": draw(st.sampled_from(SPACES)),
        }
        return {"roleRef": role, "subjects": [subject] if draw(st.booleans()) else []}
    if kind in ("Deployment", "StatefulSet"):
        return {"spec": {"replicas": draw(st.integers(0, 1)), "template": _template(draw)}}
    if kind == "Service":
        return {"spec": {"selector": {"app": draw(st.sampled_from(NAMES))}}}
    if kind == "NetworkPolicy":
        return {"spec": {"podSelector": {"matchLabels": {"app": draw(st.sampled_from(NAMES))}}}}
    if kind == "ValidatingWebhookConfiguration":
        service = {"name": draw(st.sampled_from(NAMES)), "namespace": draw(st.sampled_from(SPACES))}
        return {"webhooks": [{"name": "w", "clientConfig": {"service": service}}]}
    return {"aggregationRule": None} if kind == "ClusterRole" else {}


@st.composite
def things(draw: st.DrawFn) -> Json:
    """One object, mostly a near-candidate: most marks that would save it are rare."""
    kind = draw(st.sampled_from(CANDIDATE_KINDS))
    rare = st.integers(0, 7).map(lambda roll: roll == 0)
    parts: dict[str, Any] = _body(draw, kind)
    if draw(st.integers(0, 4)):
        parts["release"] = draw(st.sampled_from(RELEASES + STRANGERS if draw(rare) else RELEASES))
        if draw(rare):
            parts["release_namespace"] = "apps"
    labels: dict[str, str] = {}
    if draw(rare):
        labels = {"kustomize.toolkit.fluxcd.io/name": "sync", "kustomize.toolkit.fluxcd.io/namespace": FLUX_SYSTEM}
    parts["labels"] = labels
    annotations: dict[str, str] = {}
    if draw(rare):
        annotations["helm.sh/resource-policy"] = draw(st.sampled_from(("keep", " KEEP", "other")))
    if draw(rare):
        annotations["argocd.argoproj.io/tracking-id"] = "x:apps/Deployment:y/z"
    parts["annotations"] = annotations
    if draw(rare):
        parts["finalizers"] = ["example.test/hold"]
    if draw(rare):
        parts["deleting"] = True
    if draw(rare):
        parts["owner"] = ("Deployment", draw(st.sampled_from(NAMES)))
    if "release" in parts:
        parts["managers"] = draw(st.lists(st.sampled_from(MANAGERS), min_size=1, max_size=2, unique=True))
        if not draw(rare):
            parts["managers"] = [pair for pair in parts["managers"] if pair[0] != "kustomize-controller"]
    space = draw(st.sampled_from(SPACES if draw(rare) else SPACES[:1]))
    body = obj(kind, draw(st.sampled_from(NAMES)), space, **parts)
    if draw(rare):
        _mark(draw, body["metadata"])
    return body


def _mark(draw: st.DrawFn, meta: Json) -> None:
    """A mark of another tool's, or a field that another manager applies."""
    match draw(st.integers(0, 2)):
        case 0:
            meta["labels"].update([draw(st.sampled_from(LABELS))])
        case 1:
            meta["annotations"].update([draw(st.sampled_from(ANNOTATIONS))])
        case _:
            meta["managedFields"].append(applied(draw(st.sampled_from(APPLIERS))))


def _pods_of(deployment: Json) -> list[Json]:
    """A Deployment's ReplicaSet and Pod, with the Helm annotations that Kubernetes copies to the former."""
    meta, template = deployment["metadata"], deployment["spec"]["template"]
    space = meta["namespace"]
    replica_set = obj(
        "ReplicaSet",
        f"{meta['name']}-rs",
        space,
        owner=("Deployment", meta["name"]),
        annotations=meta["annotations"],
        spec={"template": template},
    )
    pod = obj(
        "Pod",
        f"{meta['name']}-pod",
        space,
        owner=("ReplicaSet", f"{meta['name']}-rs"),
        labels=template["metadata"]["labels"],
        spec=template["spec"],
    )
    return [replica_set, pod]


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[str, int, str]]:
    """(release, revision, status) of every record; often one deployed release beside remains of others."""
    found: list[tuple[str, int, str]] = []
    active = draw(st.sampled_from((*RELEASES, None)))
    for name in RELEASES:
        if name == active:
            found += [(name, 1, "superseded"), (name, 2, "deployed")]
            if draw(st.integers(0, 3)) == 0:
                found.append((name, 3, draw(st.sampled_from(("failed", "failed", "pending-upgrade")))))
        elif draw(st.integers(0, 2)) == 0:
            dead = ("superseded", "failed", "uninstalled")
            statuses = STATUSES if draw(st.integers(0, 3)) == 0 else dead
            found.append((name, 1, draw(st.sampled_from(statuses))))
    return found


@st.composite
def clusters(draw: st.DrawFn) -> Cluster:
    """A whole cluster that could be read whole."""
    drawn = draw(st.lists(things(), min_size=1, max_size=9))
    by_id = {(o["kind"], o["metadata"].get("namespace"), o["metadata"]["name"]): o for o in drawn}
    objects = list(by_id.values())
    for each in list(objects):
        if each["kind"] == "Deployment" and draw(st.booleans()):
            objects += _pods_of(each)
    for name, revision, status in draw(histories()):
        some = draw(st.lists(st.sampled_from(list(by_id.values())), max_size=3))
        docs = {(d["kind"], d["metadata"]["name"]): document(d) for d in some if "ownerReferences" not in d["metadata"]}
        if draw(st.integers(0, 3)) == 0:
            extra = draw(things())
            docs[extra["kind"], extra["metadata"]["name"]] = document(extra)
        objects.append(record(name, revision, status, docs.values()))
    entries = [{"id": _entry(each), "v": "v1"} for each in draw(st.lists(st.sampled_from(drawn), max_size=1))]
    if draw(st.integers(0, 3)) == 0:
        objects.append(
            obj("Kustomization", "sync", status={"inventory": {"entries": entries}}, spec={"suspend": False})
        )
    return Cluster(tuple(objects))


def _entry(body: Json) -> str:
    meta, group = body["metadata"], VERSIONS[body["kind"]].rpartition("/")[0]
    space = meta.get("namespace", "") if NAMESPACED[body["kind"]] else ""
    return f"{space}_{meta['name']}_{group}_{body['kind']}"


def gap(kind: str, reason: str = "forbidden") -> Gap:
    return Gap(VERSIONS[kind].rpartition("/")[0], kind, None, reason)
