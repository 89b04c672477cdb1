"""What an object names: the edges by name that rule S7 follows, each with its reason in words. Pure.

A part that has another shape than its kind allows raises :class:`Damaged`: what cannot be read may name anything.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from tui.objects import Inventory, Json, Key, KindKey, Live, Ref

RBAC: Final = "rbac.authorization.k8s.io"
ADMISSION: Final = "admissionregistration.k8s.io"

TEMPLATES: Final[Mapping[KindKey, tuple[str, ...]]] = {
    KindKey("", "Pod"): ("spec",),
    KindKey("", "ReplicationController"): ("spec", "template", "spec"),
    KindKey("apps", "Deployment"): ("spec", "template", "spec"),
    KindKey("apps", "ReplicaSet"): ("spec", "template", "spec"),
    KindKey("apps", "StatefulSet"): ("spec", "template", "spec"),
    KindKey("apps", "DaemonSet"): ("spec", "template", "spec"),
    KindKey("batch", "Job"): ("spec", "template", "spec"),
    KindKey("batch", "CronJob"): ("spec", "jobTemplate", "spec", "template", "spec"),
}
"""Where each workload kind keeps its pod spec; the pod's metadata lies beside it."""

_DRIVERS: Final = frozenset({"csi", "azureFile", "cephfs", "flexVolume", "iscsi", "rbd", "scaleIO", "storageos"})
"""Kinds of volume that may name a Secret to mount with."""

BINDINGS: Final = (KindKey(RBAC, "ClusterRoleBinding"), KindKey(RBAC, "RoleBinding"))
WEBHOOKS: Final = (
    KindKey(ADMISSION, "ValidatingWebhookConfiguration"),
    KindKey(ADMISSION, "MutatingWebhookConfiguration"),
)
GATEWAYS: Final = tuple(
    KindKey("gateway.networking.k8s.io", kind) for kind in ("Gateway", "GatewayClass", "BackendTLSPolicy")
)
"""Those of the Gateway API that name ConfigMaps too: authorities, and parameters of a class."""

ROUTING: Final = (
    KindKey("networking.k8s.io", "Ingress"),
    KindKey("gateway.networking.k8s.io", "HTTPRoute"),
    KindKey("gateway.networking.k8s.io", "GRPCRoute"),
    KindKey("gateway.networking.k8s.io", "TLSRoute"),
    KindKey("gateway.networking.k8s.io", "TCPRoute"),
    KindKey("gateway.networking.k8s.io", "UDPRoute"),
    *GATEWAYS,
)
API_SERVICE: Final = KindKey("apiregistration.k8s.io", "APIService")
CRD: Final = KindKey("apiextensions.k8s.io", "CustomResourceDefinition")
HPA: Final = KindKey("autoscaling", "HorizontalPodAutoscaler")
SERVICE: Final = KindKey("", "Service")
SERVICE_ACCOUNT: Final = KindKey("", "ServiceAccount")
CLUSTER_ROLE: Final = KindKey(RBAC, "ClusterRole")
VOLUME: Final = KindKey("", "PersistentVolume")
STORAGE_CLASS: Final = KindKey("storage.k8s.io", "StorageClass")

_ACCOUNT_USER: Final = "system:serviceaccount:"
"""How the user name of a service account begins: a binding may name it so, instead of by its kind."""

_IN_CLUSTER: Final = re.compile(r"([a-z0-9-]{1,63})\.([a-z0-9-]{1,63})\.svc(?:\..*)?")
"""The DNS name of a Service."""


MAX_DEPTH: Final = 40
"""Levels below a spec that are followed: a custom resource may nest anything."""


_BUILTIN: Final = frozenset({"", "apps", "autoscaling", "batch", "extensions", "policy"}) | {
    f"{group}.k8s.io"
    for group in (
        "admissionregistration",
        "apiextensions",
        "apiregistration",
        "certificates",
        "coordination",
        "discovery",
        "events",
        "flowcontrol.apiserver",
        "internal.apiserver",
        "networking",
        "node",
        "rbac.authorization",
        "resource",
        "scheduling",
        "storage",
        "storagemigration",
    )
}


def is_builtin(group: str) -> bool:
    """Whether a group is Kubernetes' own, so that it is known which of its fields name other objects."""
    return group in _BUILTIN


def is_referrer_group(group: str) -> bool:
    """Whether custom resources of this group refer to Secrets, ConfigMaps and ServiceAccounts by name."""
    return group.endswith(("toolkit.fluxcd.io", "fluxcd.controlplane.io", "pulumi.com"))


class Damaged(ValueError):
    """A part of an object is not of the shape its kind allows; the text names the part."""


class Edge(NamedTuple):
    """A reference by name: what is used, and the reason in words."""

    target: Key
    reason: str


def references(body: Json) -> Iterator[Edge]:
    """Everything that one whole object (or manifest document) names. Raises Damaged, possibly after some edges."""
    ref = Ref.of(body)
    kind, space = ref.kind_key, ref.namespace
    if kind in TEMPLATES:
        yield from _pod_references(at(body, TEMPLATES[kind]), space)
    if kind in _READERS:
        yield from _READERS[kind](body, space)
    elif is_referrer_group(ref.group):
        yield from _custom_references(body.get("spec"), space)


def scaled_by(body: Json) -> Key | None:
    """What a HorizontalPodAutoscaler scales; None where its body does not say so readably."""
    try:
        return next((edge.target for edge in _hpa_references(body, Ref.of(body).namespace)), None)
    except Damaged:
        return None


def _stateful_references(body: Json, space: str | None) -> Iterator[Edge]:
    yield from _named("", "Service", space, at(body, ("spec", "serviceName")), "names it as its service")


def _account_references(body: Json, space: str | None) -> Iterator[Edge]:
    for field in ("secrets", "imagePullSecrets"):
        for item in _objects(body.get(field)):
            yield from _named("", "Secret", space, item.get("name"), f"lists it in {field}")


def _webhook_references(body: Json, space: str | None) -> Iterator[Edge]:
    for hook in _objects(body.get("webhooks")):
        yield from _service(at(hook, ("clientConfig", "service")), space, "calls it as a webhook")


def _api_service_references(body: Json, space: str | None) -> Iterator[Edge]:
    yield from _service(at(body, ("spec", "service")), space, "serves an API through it")


def _crd_references(body: Json, space: str | None) -> Iterator[Edge]:
    path = ("spec", "conversion", "webhook", "clientConfig", "service")
    yield from _service(at(body, path), space, "converts objects through it")


def _hpa_references(body: Json, space: str | None) -> Iterator[Edge]:
    target = _object(at(body, ("spec", "scaleTargetRef")))
    group = _word(target.get("apiVersion")).rpartition("/")[0]
    yield from _named(group, _word(target.get("kind")), space, target.get("name"), "scales it")


def _token_references(body: Json, space: str | None) -> Iterator[Edge]:
    account = _object(at(body, ("metadata", "annotations"))).get("kubernetes.io/service-account.name")
    yield from _named("", "ServiceAccount", space, account, "is a token for it")


def _binding_references(body: Json, space: str | None) -> Iterator[Edge]:
    role = _object(body.get("roleRef"))
    kind = _word(role.get("kind"))
    yield from _named(RBAC, kind, None if kind == "ClusterRole" else space, role.get("name"), "grants it (roleRef)")
    for subject in _objects(body.get("subjects")):
        if _word(subject.get("kind")) == "ServiceAccount":
            where = _word(subject.get("namespace")) or space
            yield from _named("", "ServiceAccount", where, subject.get("name"), "gives it rights (subject)")
        elif _word(subject.get("name")).startswith(_ACCOUNT_USER):
            where, _, name = _word(subject.get("name")).removeprefix(_ACCOUNT_USER).partition(":")
            yield from _named("", "ServiceAccount", where, name, "gives it rights (subject, by its user name)")


def _pod_references(spec: Any, space: str | None) -> Iterator[Edge]:
    spec = _object(spec)
    if not spec:
        return
    account = _word(spec.get("serviceAccountName")) or _word(spec.get("serviceAccount")) or "default"
    yield from _named("", "ServiceAccount", space, account, "its pods run as it")
    for item in _objects(spec.get("imagePullSecrets")):
        yield from _named("", "Secret", space, item.get("name"), "pulls images with it")
    for volume in _objects(spec.get("volumes")):
        yield from _volume_references(volume, space)
    for part in ("initContainers", "containers", "ephemeralContainers"):
        for container in _objects(spec.get(part)):
            yield from _env_references(container, space)


def _volume_references(volume: Mapping[str, Any], space: str | None) -> Iterator[Edge]:
    sources = _objects(_object(volume.get("projected")).get("sources")) if "projected" in volume else []
    for source in (volume, *sources):
        if "secret" in source:
            secret = _object(source["secret"])
            yield from _named("", "Secret", space, _word(secret.get("secretName")) or secret.get("name"), "mounts it")
        if "configMap" in source:
            yield from _named("", "ConfigMap", space, _object(source["configMap"]).get("name"), "mounts it")
    if "persistentVolumeClaim" in volume:
        claim = _object(volume["persistentVolumeClaim"]).get("claimName")
        yield from _named("", "PersistentVolumeClaim", space, claim, "mounts it")
    for driver in _DRIVERS.intersection(volume):
        source = _object(volume[driver])
        for field in ("secretRef", "nodePublishSecretRef"):
            yield from _named("", "Secret", space, _object(source.get(field)).get("name"), "mounts a volume with it")
        yield from _named("", "Secret", space, source.get("secretName"), "mounts a volume with it")


def _env_references(container: Mapping[str, Any], space: str | None) -> Iterator[Edge]:
    for source in _objects(container.get("envFrom")):
        yield from _named(
            "", "Secret", space, _object(source.get("secretRef")).get("name"), "reads its environment from it"
        )
        config = _object(source.get("configMapRef")).get("name")
        yield from _named("", "ConfigMap", space, config, "reads its environment from it")
    for variable in _objects(container.get("env")):
        value = _object(variable.get("valueFrom"))
        secret = _object(value.get("secretKeyRef")).get("name")
        yield from _named("", "Secret", space, secret, "reads a variable from it")
        config = _object(value.get("configMapKeyRef")).get("name")
        yield from _named("", "ConfigMap", space, config, "reads a variable from it")


def _service_references(body: Json, _space: str | None) -> Iterator[Edge]:
    """Of a Service that is an alias for another one, the other one."""
    alias = _IN_CLUSTER.fullmatch(_word(at(body, ("spec", "externalName"))))
    if alias is not None:
        yield from _named("", "Service", alias[2], alias[1], "is an alias for it (externalName)")


def _volume_secrets(body: Json, _space: str | None) -> Iterator[Edge]:
    """The Secrets that a PersistentVolume is attached and mounted with, wherever its driver keeps them."""
    for field, value in _walk(body.get("spec")):
        if field.endswith("SecretRef") or field == "secretRef":
            secret = _object(value)
            where, reason = _word(secret.get("namespace")), f"mounts with it ({field})"
            yield from _named("", "Secret", where, secret.get("name"), reason)


def _class_secrets(body: Json, _space: str | None) -> Iterator[Edge]:
    """The Secrets that a StorageClass names for its driver; a name that is a template is nobody's name."""
    parameters = _object(body.get("parameters"))
    for field, value in parameters.items():
        if field.endswith("-secret-name"):
            where = _word(parameters.get(field.removesuffix("name") + "namespace"))
            yield from _named("", "Secret", where or None, value, f"makes volumes with it ({field})")


def _service(service: Any, space: str | None, reason: str) -> Iterator[Edge]:
    service = _object(service)
    yield from _named("", "Service", _word(service.get("namespace")) or space, service.get("name"), reason)


def _routing_references(body: Json, space: str | None) -> Iterator[Edge]:
    """Backends and certificates anywhere below an Ingress' or a route's spec, wherever their version keeps them."""
    for field, value in _walk(body.get("spec")):
        if field in ("service", "serviceName", "backendRefs", "backendRef"):
            kind, reason = "Service", "routes to it"
        elif field in ("secretName", "certificateRefs"):
            kind, reason = "Secret", "takes its certificate from it"
        elif field == "caCertificateRefs":
            kind, reason = "", "trusts the authorities in it"
        elif field == "parametersRef":
            kind, reason = "", "takes its parameters from it"
        elif field in ("targetRef", "targetRefs"):
            kind, reason = "", "says how it is spoken to"
        else:
            continue
        for item in _pointers(value):
            named = _word(item.get("kind")) or kind
            if named == kind or (not kind and named in ("Secret", "ConfigMap", "Service")):
                yield from _named("", named, _word(item.get("namespace")) or space, item.get("name"), reason)


def _custom_references(spec: Any, space: str | None) -> Iterator[Edge]:
    """How Flux and Pulumi name things: ``*secretRef``, ``configMapRef``, ``{kind, name}``, ``serviceAccount*``.

    A chart's values and a Stack's config may hold anything under any name, so that no shape is damage here.
    """
    for field, value in _walk(spec):
        kind = _pointedat(field.lower())
        reason = f"acts as it ({field})" if kind == "ServiceAccount" else f"refers to it ({field})"
        for item in _loose(value) if kind else _typed(value):
            name, where = item.get("name"), item.get("namespace") or space
            if isinstance(name, str) and isinstance(where, str | None):
                yield from _named("", kind or item["kind"], where, name, reason)


def _pointedat(field: str) -> str:
    """The kind that a field of this name (in lower case) points at; empty where its name does not tell."""
    if field.endswith(("secretref", "secretrefs", "secretkeyref")) or field in ("secret", "envsecrets", "secretenvs"):
        return "Secret"
    if field.endswith(("configmapref", "configmapkeyref")) or field == "envs":
        return "ConfigMap"
    return "ServiceAccount" if field in ("serviceaccountname", "serviceaccount", "serviceaccountref") else ""


def _pointers(value: Any) -> Iterator[Mapping[str, Any]]:
    """Of one pointer or a list of them each as ``{name, namespace, kind}``; a text alone is a name."""
    for item in value if isinstance(value, list) else [value]:
        yield {"name": item} if isinstance(item, str) else _object(item)


def _loose(value: Any) -> list[Mapping[str, Any]]:
    """Like _pointers, without those that are neither text nor object."""
    found = value if isinstance(value, list) else [value]
    return [{"name": item} if isinstance(item, str) else mapping(item) for item in found]


def _typed(value: Any) -> list[Mapping[str, Any]]:
    found = items(value) or [mapping(value)]
    return [item for item in found if item.get("kind") in ("Secret", "ConfigMap", "ServiceAccount")]


def _walk(node: Any, field: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Every (field, value) below a spec, down to MAX_DEPTH levels."""
    if depth > MAX_DEPTH:
        raise Damaged(f"{field} is nested deeper than {MAX_DEPTH} levels")
    if isinstance(node, dict):
        for name, value in node.items():
            yield str(name), value
            yield from _walk(value, str(name), depth + 1)
    elif isinstance(node, list):
        for value in node:
            yield from _walk(value, field, depth + 1)


def _named(group: str, kind: str, space: str | None, name: Any, reason: str) -> Iterator[Edge]:
    word = _word(name)
    if word and kind:
        yield Edge(Key(group, kind, space, word), reason)


def _word(value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Damaged(f"{type(value).__name__} where a text belongs")
    return value


def _object(value: Any) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Damaged(f"{type(value).__name__} where an object belongs")
    return value


def _objects(value: Any) -> list[Mapping[str, Any]]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise Damaged(f"{type(value).__name__} where a list belongs")
    return [_object(item) for item in value]


def at(node: Any, path: Iterable[str]) -> Any:
    """Like :func:`dig`, but anything on the way that is no JSON object raises Damaged."""
    for name in path:
        node = _object(node).get(name)
    return node


def mapping(value: Any) -> Mapping[str, Any]:
    """The value if it is a JSON object, else an empty one."""
    return value if isinstance(value, dict) else {}


def items(value: Any) -> list[Mapping[str, Any]]:
    """The JSON objects of a list; of anything else none."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def dig(node: Any, path: Iterable[str]) -> Any:
    """The value at a path of names below a JSON object, or None."""
    for name in path:
        node = mapping(node).get(name)
    return node


_READERS: Final[Mapping[KindKey, Callable[[Json, str | None], Iterator[Edge]]]] = {
    KindKey("apps", "StatefulSet"): _stateful_references,
    SERVICE_ACCOUNT: _account_references,
    API_SERVICE: _api_service_references,
    CRD: _crd_references,
    HPA: _hpa_references,
    KindKey("", "Secret"): _token_references,
    SERVICE: _service_references,
    VOLUME: _volume_secrets,
    STORAGE_CLASS: _class_secrets,
    **dict.fromkeys(BINDINGS, _binding_references),
    **dict.fromkeys(WEBHOOKS, _webhook_references),
    **dict.fromkeys(ROUTING, _routing_references),
}


def service_of(inventory: Inventory, key: Key, live: Live) -> Live | None:
    """The Service of an Endpoints object, whose labels that bears: its controller copies them and names no owner.

    None where the Service selects no pods: then somebody else made the Endpoints (k8s
    pkg/controller/endpoint/endpoints_controller.go).
    """
    if key.kind != "Endpoints" or key.group or live.owners:
        return None
    service = inventory.get(Key("", "Service", key.namespace, key.name))
    if service is None or (service.body is not None and not dig(service.body, ("spec", "selector"))):
        return None
    return service
