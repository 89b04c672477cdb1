"""What the API server fills in: empty structs it always writes, default values, and each kind's empty object."""

import base64
from collections.abc import Callable
from typing import Any

from tui.practice.kinds import Kind
from tui.practice.schema import CUSTOM, Shape, Type, fields_of

Json = dict[str, Any]
RBAC = "rbac.authorization.k8s.io"


def empty(kind: Kind) -> Json:
    """The kind's empty object: what a create is compared with to see which fields its author set."""
    if kind.type is CUSTOM:
        return {"metadata": {}}
    made = _empty_struct(kind.type)
    if kind.resource == ("", "events"):
        made |= {"reportingComponent": "", "reportingInstance": "", **dict.fromkeys(_EVENT_TIMES)}
    return made


_EVENT_TIMES = ("firstTimestamp", "lastTimestamp", "eventTime")


def zero(of: Type) -> Json:
    """The status of a new object: its structs, and what the server writes of it even when there is nothing to say."""
    made: Json = {}
    for name, inner in fields_of(of.struct).items():
        if inner.shape is Shape.STRUCT and inner.inline:
            made[name] = zero(inner)
        elif inner.required and inner.shape is not Shape.STRUCT:
            made[name] = {"i": 0, "s": "", "b": False}.get(inner.scalar)
    return made


def _empty_struct(of: Type) -> Json:
    made: Json = {}
    for name, inner in fields_of(of.struct).items():
        if inner.shape is Shape.STRUCT and inner.inline:
            made[name] = {} if inner.atomic else _empty_struct(inner)
        elif inner.required and inner.shape in (Shape.KEYED_LIST, Shape.SET):
            made[name] = []
        elif inner.required:
            made[name] = None
    return made


def fill(of: Type, value: Any) -> None:
    """Writes in place the structs that the server always writes, wherever their parent is present."""
    if isinstance(value, list):
        for item in value:
            fill(of.item or of, item)
    elif isinstance(value, dict) and of.shape is Shape.MAP and of.item:
        for item in value.values():
            fill(of.item, item)
    elif isinstance(value, dict) and of.shape is Shape.STRUCT and of is not CUSTOM:
        for name, inner in fields_of(of.struct).items():
            if inner.shape is Shape.STRUCT and inner.inline and value.get(name) is None:
                value[name] = {}
            if name in value:
                fill(inner, value[name])


def tidy(of: Type, value: Any) -> None:
    """Drops in place what does not survive the server's typed objects: unknown fields, nulls, empty maps and lists."""
    if isinstance(value, list):
        for item in value:
            tidy(of.item or of, item)
    elif isinstance(value, dict) and of.shape is Shape.MAP and of.item:
        for item in value.values():
            tidy(of.item, item)
    elif isinstance(value, dict) and of.shape is Shape.STRUCT:
        known = fields_of(of.struct)
        for name in list(value):
            inner, found = known.get(name), value[name]
            hollow = found in ([], {}) and inner is not None and inner.shape not in (Shape.STRUCT, Shape.ANY)
            if inner is None or ((found is None or hollow) and not inner.required):
                del value[name]
            elif inner.shape is not Shape.ANY:
                tidy(inner, found)


def apply_defaults(kind: Kind, body: Json) -> None:
    """Fills an object in place as the API server does when it decodes one."""
    if kind.type is CUSTOM:
        return
    tidy(kind.type, body)
    fill(kind.type, body)
    if body["metadata"].get("creationTimestamp") is None:
        body["metadata"].pop("creationTimestamp", None)
    step = _DEFAULTS.get((kind.group, kind.kind))
    if step:
        step(body)


def _set(target: Json, **values: Any) -> None:
    for name, value in values.items():
        if target.get(name) is None:
            target[name] = value


def _items(target: Any, name: str) -> list[Json]:
    found = target.get(name) if isinstance(target, dict) else None
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def _container(container: Json) -> None:
    image = str(container.get("image") or "")
    latest = "@" not in image and image.rpartition("/")[2].partition(":")[2] in ("", "latest")
    _set(container, terminationMessagePath="/dev/termination-log", terminationMessagePolicy="File")
    _set(container, imagePullPolicy="Always" if latest else "IfNotPresent")
    for port in _items(container, "ports"):
        _set(port, protocol="TCP")
    for env in _items(container, "env"):
        reference = (env.get("valueFrom") or {}).get("fieldRef")
        if reference:
            _set(reference, apiVersion="v1")
    for name in ("livenessProbe", "readinessProbe", "startupProbe"):
        probe = container.get(name)
        if isinstance(probe, dict):
            _set(probe, timeoutSeconds=1, periodSeconds=10, successThreshold=1, failureThreshold=3)
            if isinstance(probe.get("httpGet"), dict):
                _set(probe["httpGet"], scheme="HTTP", path="/")


def _pod_spec(spec: Json) -> None:
    for container in (*_items(spec, "initContainers"), *_items(spec, "containers")):
        _container(container)
    for volume in _items(spec, "volumes"):
        for source in ("secret", "configMap", "projected", "downwardAPI"):
            if isinstance(volume.get(source), dict):
                _set(volume[source], defaultMode=420)
        if not volume.keys() - {"name"}:
            volume["emptyDir"] = {}
    _set(spec, restartPolicy="Always", terminationGracePeriodSeconds=30, dnsPolicy="ClusterFirst")
    if spec.get("serviceAccountName"):
        spec["serviceAccount"] = spec["serviceAccountName"]
    _set(spec, securityContext={}, schedulerName="default-scheduler")


def _pod(body: Json) -> None:
    spec = body["spec"]
    _pod_spec(spec)
    _set(spec, enableServiceLinks=True)


def _template(spec: Json) -> None:
    template = spec.get("template")
    if isinstance(template, dict) and isinstance(template.get("spec"), dict):
        _pod_spec(template["spec"])


def _deployment(body: Json) -> None:
    spec = body["spec"]
    _template(spec)
    _set(spec, replicas=1, revisionHistoryLimit=10, progressDeadlineSeconds=600)
    strategy = spec["strategy"]
    _set(strategy, type="RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        _set(strategy, rollingUpdate={})
        _set(strategy["rollingUpdate"], maxUnavailable="25%", maxSurge="25%")


def _replica_set(body: Json) -> None:
    _template(body["spec"])
    _set(body["spec"], replicas=1)
    _set(body["status"], replicas=0)


def _stateful_set(body: Json) -> None:
    spec = body["spec"]
    _template(spec)
    _set(spec, podManagementPolicy="OrderedReady", replicas=1, revisionHistoryLimit=10)
    _set(spec, persistentVolumeClaimRetentionPolicy={"whenDeleted": "Retain", "whenScaled": "Retain"})
    _set(spec["updateStrategy"], type="RollingUpdate")
    if spec["updateStrategy"]["type"] == "RollingUpdate":
        _set(spec["updateStrategy"], rollingUpdate={"partition": 0})
    for claim in _items(spec, "volumeClaimTemplates"):
        _set(claim.setdefault("spec", {}), volumeMode="Filesystem")


def _daemon_set(body: Json) -> None:
    spec = body["spec"]
    _template(spec)
    _set(spec, revisionHistoryLimit=10)
    _set(spec["updateStrategy"], type="RollingUpdate")
    if spec["updateStrategy"]["type"] == "RollingUpdate":
        _set(spec["updateStrategy"], rollingUpdate={"maxUnavailable": 1, "maxSurge": 0})
    marks = body["metadata"].get("annotations") or {}
    generation = str(body["metadata"].get("generation", 0) or 1)
    body["metadata"]["annotations"] = {"deprecated.daemonset.template.generation": generation} | marks


def _job(body: Json) -> None:
    spec = body["spec"]
    _template(spec)
    _set(spec, completions=1, parallelism=1, backoffLimit=6, completionMode="NonIndexed", suspend=False)
    _set(spec, podReplacementPolicy="TerminatingOrFailed")


def _cron_job(body: Json) -> None:
    spec = body["spec"]
    _template(spec.get("jobTemplate", {}).get("spec", {}))
    _set(spec, concurrencyPolicy="Allow", suspend=False, successfulJobsHistoryLimit=3, failedJobsHistoryLimit=1)


def _service(body: Json) -> None:
    spec = body["spec"]
    _set(spec, type="ClusterIP", sessionAffinity="None")
    for port in _items(spec, "ports"):
        _set(port, protocol="TCP", targetPort=port.get("port"))
    if spec["type"] != "ExternalName":
        _set(spec, internalTrafficPolicy="Cluster")
    if spec["type"] in ("NodePort", "LoadBalancer"):
        _set(spec, externalTrafficPolicy="Cluster")


def _secret(body: Json) -> None:
    _set(body, type="Opaque")
    plain = body.pop("stringData", None)
    if isinstance(plain, dict):
        encoded = {key: base64.b64encode(str(value).encode()).decode() for key, value in plain.items()}
        body["data"] = (body.get("data") or {}) | encoded


def _namespace(body: Json) -> None:
    labels = body["metadata"].get("labels")
    if body["metadata"].get("name"):
        body["metadata"]["labels"] = (labels or {}) | {"kubernetes.io/metadata.name": body["metadata"]["name"]}


def _network_policy(body: Json) -> None:
    spec = body["spec"]
    _set(spec, policyTypes=["Ingress", "Egress"] if spec.get("egress") is not None else ["Ingress"])
    for rule in (*_items(spec, "ingress"), *_items(spec, "egress")):
        for port in _items(rule, "ports"):
            _set(port, protocol="TCP")


def _binding(body: Json) -> None:
    reference = body.get("roleRef")
    if isinstance(reference, dict) and reference:
        _set(reference, apiGroup=RBAC)
    for subject in _items(body, "subjects"):
        if subject.get("kind") in ("User", "Group"):
            _set(subject, apiGroup=RBAC)


def _webhooks(body: Json) -> None:
    for hook in _items(body, "webhooks"):
        _set(hook, failurePolicy="Fail", matchPolicy="Equivalent", timeoutSeconds=10)
        _set(hook, namespaceSelector={}, objectSelector={})
        if body.get("kind") == "MutatingWebhookConfiguration":
            _set(hook, reinvocationPolicy="Never")
        service = (hook.get("clientConfig") or {}).get("service")
        if isinstance(service, dict):
            _set(service, port=443)
        for rule in _items(hook, "rules"):
            _set(rule, scope="*")


def _api_service(body: Json) -> None:
    if isinstance(body["spec"].get("service"), dict):
        _set(body["spec"]["service"], port=443)


def _crd(body: Json) -> None:
    spec = body["spec"]
    _set(spec, conversion={"strategy": "None"})
    names = spec.get("names") or {}
    if names.get("kind"):
        _set(names, singular=names["kind"].lower(), listKind=f"{names['kind']}List")


def _event(body: Json) -> None:
    _set(body, source={}, reportingComponent="", reportingInstance="")
    for name in _EVENT_TIMES:
        body.setdefault(name, None)


def _hpa(body: Json) -> None:
    target = {"type": "Utilization", "averageUtilization": 80}
    _set(body["spec"], minReplicas=1, metrics=[{"type": "Resource", "resource": {"name": "cpu", "target": target}}])


def _endpoint_slice(body: Json) -> None:
    for port in _items(body, "ports"):
        _set(port, name="", protocol="TCP")


def _priority_class(body: Json) -> None:
    _set(body, preemptionPolicy="PreemptLowerPriority")


def _storage_class(body: Json) -> None:
    _set(body, reclaimPolicy="Delete", volumeBindingMode="Immediate")


def _claim(body: Json) -> None:
    _set(body["spec"], volumeMode="Filesystem")


_DEFAULTS: dict[tuple[str, str], Callable[[Json], None]] = {
    ("", "Pod"): _pod,
    ("", "Service"): _service,
    ("", "Secret"): _secret,
    ("", "Namespace"): _namespace,
    ("", "Event"): _event,
    ("", "PersistentVolumeClaim"): _claim,
    ("apps", "Deployment"): _deployment,
    ("apps", "ReplicaSet"): _replica_set,
    ("apps", "StatefulSet"): _stateful_set,
    ("apps", "DaemonSet"): _daemon_set,
    ("batch", "Job"): _job,
    ("batch", "CronJob"): _cron_job,
    ("networking.k8s.io", "NetworkPolicy"): _network_policy,
    (RBAC, "ClusterRoleBinding"): _binding,
    (RBAC, "RoleBinding"): _binding,
    ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"): _webhooks,
    ("admissionregistration.k8s.io", "MutatingWebhookConfiguration"): _webhooks,
    ("apiregistration.k8s.io", "APIService"): _api_service,
    ("apiextensions.k8s.io", "CustomResourceDefinition"): _crd,
    ("autoscaling", "HorizontalPodAutoscaler"): _hpa,
    ("discovery.k8s.io", "EndpointSlice"): _endpoint_slice,
    ("scheduling.k8s.io", "PriorityClass"): _priority_class,
    ("storage.k8s.io", "StorageClass"): _storage_class,
}
