"""What each kind's registry does around a write: new objects' first status, parts an endpoint keeps, the generation."""

from typing import Any

from tui.practice import validate
from tui.practice.defaults import zero
from tui.practice.kinds import Kind
from tui.practice.schema import CUSTOM, fields_of
from tui.practice.world import World

Json = dict[str, Any]

_CORE_UNVERSIONED = (
    *("configmaps", "endpoints", "events", "limitranges", "namespaces", "nodes", "persistentvolumeclaims"),
    *("persistentvolumes", "podtemplates", "resourcequotas", "secrets", "serviceaccounts", "services"),
)
UNVERSIONED = {
    *(("", plural) for plural in _CORE_UNVERSIONED),
    *(("rbac.authorization.k8s.io", p) for p in ("roles", "rolebindings", "clusterroles", "clusterrolebindings")),
    *(("coordination.k8s.io", "leases"), ("apps", "controllerrevisions"), ("apiregistration.k8s.io", "apiservices")),
    *(("storage.k8s.io", plural) for plural in ("csinodes", "csidrivers", "storageclasses", "volumeattachments")),
    *(("storage.k8s.io", "csistoragecapacities"), ("autoscaling", "horizontalpodautoscalers")),
}
"""Resources whose objects carry no generation."""


_ALWAYS_WRITTEN: dict[tuple[str, str], Json] = {
    ("apps", "statefulsets"): {"availableReplicas": 0},
    ("policy", "poddisruptionbudgets"): {
        **dict.fromkeys(("disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods"), 0)
    },
    ("autoscaling", "horizontalpodautoscalers"): {"currentMetrics": None},
}
"""Optional parts of a status that the server writes all the same."""


def has_generation(kind: Kind) -> bool:
    """Whether the kind counts changes of its spec."""
    return kind.resource not in UNVERSIONED


def prepare(world: World, kind: Kind, body: Json) -> None:
    """Sets in place what a kind gives a new object, whatever the client sent."""
    if "status" in kind.subresources:
        body.pop("status", None)
        if kind.type is not CUSTOM:
            body["status"] = zero(fields_of(kind.type.struct)["status"]) | _ALWAYS_WRITTEN.get(kind.resource, {})
    if kind.resource == ("", "namespaces"):
        body |= {"spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}}
    elif kind.kind == "CustomResourceDefinition":
        stored = [version["name"] for version in body["spec"]["versions"] if version.get("storage")]
        body["status"] = {"conditions": None, "acceptedNames": {"plural": "", "kind": ""}, "storedVersions": stored}
    elif kind.resource == ("", "services"):
        _service(world, body["spec"])
    elif kind.resource == ("", "pods"):
        body["status"] = {"phase": "Pending", "qosClass": "BestEffort"}
        admit_pod(body["spec"])
    elif kind.resource == ("", "persistentvolumeclaims"):
        body["status"] = {"phase": "Pending"}
        body["metadata"]["finalizers"] = ["kubernetes.io/pvc-protection", *(body["metadata"].get("finalizers") or ())]


def admit_pod(spec: Json) -> None:
    """What admission adds to a pod: tolerations of a node's short absence, and a priority."""
    tolerated = {"operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}
    keys = {toleration.get("key") for toleration in spec.get("tolerations") or ()}
    wanted = (f"node.kubernetes.io/{key}" for key in ("not-ready", "unreachable"))
    added = [{"key": key} | tolerated for key in wanted if key not in keys]
    spec["tolerations"] = [*(spec.get("tolerations") or ()), *added]
    spec.setdefault("priority", 0)
    spec.setdefault("preemptionPolicy", "PreemptLowerPriority")


def _service(world: World, spec: Json) -> None:
    if spec.get("type") != "ExternalName":
        spec.setdefault("clusterIP", world.address("96"))
        spec.setdefault("clusterIPs", [spec["clusterIP"]])
        spec.setdefault("ipFamilies", ["IPv4"])
        spec.setdefault("ipFamilyPolicy", "SingleStack")


def scoped(kind: Kind, live: Json, new: Json, subresource: str) -> Json:
    """The wanted object with what this endpoint does not write put back as it was: the status, or all but it."""
    if subresource == "status":
        meta = dict(live["metadata"])
        if not kind.custom and "annotations" in new["metadata"]:
            meta["annotations"] = new["metadata"]["annotations"]
        if new["metadata"].get("managedFields") is not None:
            meta["managedFields"] = new["metadata"]["managedFields"]
        kept = {key: value for key, value in live.items() if key != "status"}
        return kept | ({"status": new["status"]} if "status" in new else {}) | {"metadata": meta}
    new = new | {"metadata": dict(new["metadata"])}
    if "status" in kind.subresources:
        new.pop("status", None)
        new |= {"status": live["status"]} if "status" in live else {}
    if kind.resource == ("", "services"):
        for name in ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"):
            if name in live["spec"] and not new["spec"].get(name):
                new["spec"][name] = live["spec"][name]
    if kind.resource == ("", "namespaces") and subresource != "finalize":
        new["spec"] = live["spec"]
    return new


def late_finalizers(live: Json, new: Json) -> list[Json]:
    """The causes for finalizers added to an object that is being deleted; the server names the fault twice."""
    if not live["metadata"].get("deletionTimestamp"):
        return []
    before = live["metadata"].get("finalizers") or ()
    added = [f for f in new["metadata"].get("finalizers") or () if f not in before]
    if not added:
        return []
    shown = "[]string{" + ", ".join(f'"{name}"' for name in added) + "}"
    why = f"no new finalizers can be added if the object is being deleted, found new finalizers {shown}"
    return [validate.barred("metadata.finalizers", why)] * 2


def content(body: Json) -> Json:
    """The object without what does not count as a change: its version and the times of managed fields."""
    meta = {
        key: value
        for key, value in body["metadata"].items()
        if key != "resourceVersion" and value not in (None, {}, [])
    }
    if "managedFields" in meta:
        meta["managedFields"] = [{k: v for k, v in item.items() if k != "time"} for item in meta["managedFields"]]
    return {key: value for key, value in body.items() if key != "metadata"} | {"metadata": meta}


def counted(kind: Kind, body: Json) -> Json:
    """The part of an object whose change raises the generation."""
    skipped = {"metadata", "apiVersion", "kind"} | ({"status"} if "status" in kind.subresources else set())
    return {key: value for key, value in body.items() if key not in skipped}


_META_ORDER = (
    *("name", "generateName", "namespace", "selfLink", "uid", "resourceVersion", "generation", "creationTimestamp"),
    *("deletionTimestamp", "deletionGracePeriodSeconds", "labels", "annotations", "ownerReferences", "finalizers"),
    "managedFields",
)


def ordered(meta: Json) -> Json:
    """Metadata in the API server's order, without empty parts."""
    return {name: meta[name] for name in _META_ORDER if meta.get(name) not in (None, "", {}, [])}
