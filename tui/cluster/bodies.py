"""From an object's JSON to a :class:`Live`: which kinds keep their body, and what of it is kept.

Most of a cluster is known by its metadata alone. What nobody asks for is dropped where it enters, because an inventory
of a hundred thousand objects has to fit into memory, and because what is not kept cannot leak.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from tui.objects import Json, KindKey, Live, Served

BODY_KINDS: Final = frozenset(
    KindKey(group, kind)
    for group, kinds in {
        "": (
            "Namespace",
            "PersistentVolume",
            "Pod",
            "ReplicationController",
            "ResourceQuota",
            "Service",
            "ServiceAccount",
        ),
        "admissionregistration.k8s.io": (
            "MutatingAdmissionPolicy",
            "MutatingAdmissionPolicyBinding",
            "MutatingWebhookConfiguration",
            "ValidatingAdmissionPolicy",
            "ValidatingAdmissionPolicyBinding",
            "ValidatingWebhookConfiguration",
        ),
        "apiextensions.k8s.io": ("CustomResourceDefinition",),
        "apiregistration.k8s.io": ("APIService",),
        "apps": ("DaemonSet", "Deployment", "ReplicaSet", "StatefulSet"),
        "argoproj.io": ("Application",),
        "autoscaling": ("HorizontalPodAutoscaler",),
        "batch": ("CronJob", "Job"),
        "coordination.k8s.io": ("Lease",),
        "networking.k8s.io": ("Ingress", "NetworkPolicy"),
        "kyverno.io": ("ClusterPolicy", "Policy"),
        "policies.kyverno.io": ("NamespacedValidatingPolicy", "ValidatingPolicy"),
        "policy": ("PodDisruptionBudget",),
        "rbac.authorization.k8s.io": ("ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"),
        "storage.k8s.io": ("StorageClass",),
    }.items()
    for kind in kinds
)
"""Kinds of which a rule reads more than metadata: what can be deleted and what can use it (rules S7 and S9), and
what the blockers are told from; and Argo CD's Applications, which list what they hold. ConfigMaps and Secrets are not
among them; Helm's records are listed apart."""

BODY_GROUPS: Final = (
    "toolkit.fluxcd.io",
    "fluxcd.controlplane.io",
    "helm.cattle.io",
    "pulumi.com",
    "gateway.networking.k8s.io",
    "constraints.gatekeeper.sh",
    "wgpolicyk8s.io",
    "openreports.io",
)
"""Groups, by the end of their names, of which every kind keeps its body."""

UNLISTED: Final = frozenset(
    {
        KindKey("events.k8s.io", "Event"),  # the core group serves the same objects
        KindKey("", "ComponentStatus"),  # probes etcd and names no object
        KindKey("metrics.k8s.io", "NodeMetrics"),  # measurements
        KindKey("metrics.k8s.io", "PodMetrics"),
    }
)
"""Served and listable, but no objects of their own."""

_LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"
_STAMP: Final = "meta.helm.sh/release-name"
_RECORD_TYPE: Final = "helm.sh/release.v1"
_RECORD_NAME: Final = "sh.helm.release.v1."

_POD_NOISE: Final = (
    "affinity",
    "tolerations",
    "topologySpreadConstraints",
    "schedulerName",
    "dnsPolicy",
    "readinessGates",
)
_CONTAINER_NOISE: Final = (
    "livenessProbe",
    "readinessProbe",
    "startupProbe",
    "resources",
    "securityContext",
    "lifecycle",
    "terminationMessagePath",
    "terminationMessagePolicy",
    "imagePullPolicy",
)


def wants_body(kind: KindKey) -> bool:
    """Whether an inventory keeps this kind's objects whole."""
    return kind in BODY_KINDS or kind.group.endswith(BODY_GROUPS)


def is_record(item: Json) -> bool:
    """Whether a Secret or ConfigMap is (or claims to be) a record of Helm's: by its type, or by its name."""
    meta = item.get("metadata")
    name = str(meta.get("name") or "") if isinstance(meta, dict) else ""
    return item.get("type") == _RECORD_TYPE or name.startswith(_RECORD_NAME)


def live_of(item: Json, served: Served, *, body: bool) -> Live:
    """One object of a list or watch as a Live. ``item`` is cleaned, and used up: parts of it are dropped.

    Without ``body`` only the metadata stays, whatever the server sent. The last-applied annotation never stays (a
    Secret's holds its data), managed fields only in :attr:`Live.managers`, and their field sets only where something
    is told from them (see :func:`_tells`). Bodies of Pods, ReplicaSets and
    CustomResourceDefinitions are cut down to what rules and screens read.
    """
    item["apiVersion"], item["kind"] = served.api_version, served.kind
    meta = item.get("metadata")
    if not isinstance(meta, dict):
        meta = item["metadata"] = {}
    annotations = meta.get("annotations")
    if isinstance(annotations, dict):
        annotations.pop(_LAST_APPLIED, None)
    # What is damaged is told of the whole object, and mended only then.
    with suppress(AttributeError, TypeError):
        _drop_field_sets(meta, served.group)
    live = Live.of(item, keep_body=body)
    if live.damaged:
        _mend(meta)
    meta.pop("managedFields", None)
    if body and (trim := _TRIMS.get(served.kind_key)):
        trim(item)
    return live


def _drop_field_sets(meta: Json, group: str) -> None:
    """Leaves out the sets that say nothing: a status writer's, and of an object that one manager has to itself."""
    managers = meta.get("managedFields")
    if not managers:
        return
    kept = _tells(meta, managers, group)
    for manager in managers:
        if not kept or manager.get("subresource") == "status":
            manager.pop("fieldsV1", None)


def _tells(meta: Json, managers: list[Json], group: str) -> bool:
    """Whether something is told from an object's field sets.

    Who set what, where two share the object or where it is one of Flux's own (who suspended it); whether kubectl holds
    a field of a release's document; whose tool wrote a stamp; whether a manager set no more than a finalizer.
    """
    first = ""
    for manager in managers:
        if manager.get("subresource") == "status":
            continue
        name = str(manager.get("manager"))
        if (first and name != first) or name.startswith("kubectl"):
            return True
        first = name
        fields = manager.get("fieldsV1")
        if isinstance(fields, dict) and len(fields) == 1 and "f:metadata" in fields:
            return True
    return group.endswith(BODY_GROUPS) or _STAMP in (meta.get("annotations") or ())


def _mend(meta: Json) -> None:
    """Drops what no API server would send, so that one damaged object hides no other."""
    for key in ("labels", "annotations"):
        value = meta.get(key)
        meta[key] = {k: v for k, v in value.items() if isinstance(v, str)} if isinstance(value, dict) else {}
    for key, kind in (("ownerReferences", dict), ("managedFields", dict), ("finalizers", str)):
        value = meta.get(key)
        meta[key] = [entry for entry in value if isinstance(entry, kind)] if isinstance(value, list) else []


def _trim_pod(item: Json) -> None:
    _trim_pod_spec(item.get("spec"))


def _trim_replica_set(item: Json) -> None:
    spec = item.get("spec")
    template = spec.get("template") if isinstance(spec, dict) else None
    if isinstance(template, dict):
        _trim_pod_spec(template.get("spec"))


def _trim_pod_spec(spec: Any) -> None:
    if not isinstance(spec, dict):
        return
    for key in _POD_NOISE:
        spec.pop(key, None)
    for section in ("containers", "initContainers"):
        for container in spec.get(section) or ():
            for key in _CONTAINER_NOISE:
                container.pop(key, None)


def _trim_definition(item: Json) -> None:
    spec = item.get("spec")
    for version in (spec.get("versions") or ()) if isinstance(spec, dict) else ():
        version.pop("schema", None)
        version.pop("additionalPrinterColumns", None)


def _trim_report(item: Json) -> None:
    """Of a policy report only what did not pass: one may list every rule for every object."""
    results = item.get("results")
    if isinstance(results, list):
        bad = (each for each in results if isinstance(each, dict) and each.get("result") in _TOLD_RESULTS)
        item["results"] = [{name: each[name] for name in _TOLD_FIELDS if name in each} for each in bad]


_TOLD_RESULTS: Final = ("fail", "warn", "error")
_TOLD_FIELDS: Final = ("source", "policy", "rule", "result", "message", "resources")

_TRIMS: Final[dict[KindKey, Callable[[Json], None]]] = {
    KindKey("", "Pod"): _trim_pod,
    KindKey("apps", "ReplicaSet"): _trim_replica_set,
    KindKey("apiextensions.k8s.io", "CustomResourceDefinition"): _trim_definition,
    **{
        KindKey(group, kind): _trim_report
        for group, kinds in {
            "wgpolicyk8s.io": ("PolicyReport", "ClusterPolicyReport"),
            "openreports.io": ("Report", "ClusterReport"),
        }.items()
        for kind in kinds
    },
}
