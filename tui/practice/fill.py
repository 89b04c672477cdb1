"""Fills a practice cluster with objects for benchmarks: many, quickly, and as telling to a reader as real ones."""

from typing import TYPE_CHECKING, Any

from tui.practice.fields import encode
from tui.practice.kinds import Kind
from tui.practice.store import Collection, Entry

if TYPE_CHECKING:
    from tui.practice.cluster import PracticeCluster

Json = dict[str, Any]

NAMESPACES = 40
"""Namespaces that the objects are spread over."""

_FIELDS = encode(
    {
        *(("f:data",), ("f:data", "f:value"), ("f:metadata", "f:labels"), ("f:metadata", "f:labels", "f:app")),
        *(("f:metadata", "f:annotations"), ("f:metadata", "f:annotations", "f:meta.helm.sh/release-name")),
    }
)
_MANAGERS = ("helm", "kustomize-controller", "pulumi-kubernetes", "kubectl-client-side-apply")
_PLURALS = ("configmaps", "secrets", "serviceaccounts", "services")


def fill(cluster: "PracticeCluster", count: int) -> None:
    """Adds ``count`` objects (ConfigMaps, Secrets, ServiceAccounts, Services) in namespaces ``fill-00`` and up.

    They are put into the store as a snapshot that was there before: no watch hears of them, and lists that began
    earlier are expired.
    """
    world = cluster.world
    kinds = [kind for plural in _PLURALS if (kind := world.kinds.find("", "v1", plural))]
    for number in range(NAMESPACES):
        meta = {"name": f"fill-{number:02d}"}
        cluster.runner.create({"apiVersion": "v1", "kind": "Namespace", "metadata": meta}, "kubectl-create")
    cluster.runner.run()
    now = world.clock.stamp()
    same = {"operation": "Update", "apiVersion": "v1", "time": now, "fieldsType": "FieldsV1", "fieldsV1": _FIELDS}
    managed = [[{"manager": name} | same] for name in _MANAGERS]
    labels = [{"app": f"app-{number}", "app.kubernetes.io/managed-by": "Helm"} for number in range(50)]
    for kind in kinds:
        _add(world.store.collection(kind.resource), kind, count // len(kinds), managed, labels, now, cluster)
    world.store.compact()


def _add(
    collection: Collection,
    kind: Kind,
    count: int,
    managed: list[list[Json]],
    labels: list[Json],
    now: str,
    cluster: "PracticeCluster",
) -> None:
    """Bodies share what is equal in them: stored bodies are never changed in place."""
    store = cluster.world.store
    stamps = [{"meta.helm.sh/release-name": f"app-{n}", "meta.helm.sh/release-namespace": "apps"} for n in range(50)]
    rest = _rest(kind)
    for number in range(count):
        store.version += 1
        uid = f"{number:08x}-f111-4000-8000-{_PLURALS.index(kind.plural):012x}"
        namespace, name = f"fill-{number % NAMESPACES:02d}", f"{kind.singular}-{number:06d}"
        meta = {
            "name": name,
            "namespace": namespace,
            "uid": uid,
            "resourceVersion": str(store.version),
            "creationTimestamp": now,
            "labels": labels[number % 50],
            "annotations": stamps[number % 50],
            "managedFields": managed[number % len(managed)],
        }
        body = {"kind": kind.kind, "apiVersion": kind.api_version, "metadata": meta} | rest
        collection.entries[namespace, name] = Entry(body, store.version)
        store.by_uid[uid] = (kind.resource, (namespace, name))
    collection.names = sorted(collection.entries)


def _rest(kind: Kind) -> Json:
    if kind.plural == "services":
        ports = [{"name": "http", "port": 80, "protocol": "TCP", "targetPort": 8080}]
        return {"spec": {"type": "ClusterIP", "clusterIP": "None", "ports": ports}, "status": {"loadBalancer": {}}}
    if kind.plural == "serviceaccounts":
        return {}
    return {"data": {"value": "c29tZXRoaW5n"}} | ({"type": "Opaque"} if kind.plural == "secrets" else {})
