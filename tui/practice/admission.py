"""Admission webhooks: a service without endpoints behind ``failurePolicy: Fail`` refuses every write it matches."""

from typing import Any

from tui.practice.kinds import Kind
from tui.practice.selectors import matches
from tui.practice.status import ApiError, failure
from tui.practice.world import World

Json = dict[str, Any]

GROUP = "admissionregistration.k8s.io"
CONFIGURATIONS = ("mutatingwebhookconfigurations", "validatingwebhookconfigurations")


def admit(world: World, kind: Kind, operation: str, body: Json) -> None:
    """Raises the server's 500 where a webhook that must answer cannot; a living webhook allows everything.

    ``operation`` is CREATE, UPDATE or DELETE.
    """
    if kind.group == GROUP:
        return
    for plural in CONFIGURATIONS:
        for configuration in world.store.list((GROUP, plural)):
            for hook in configuration.get("webhooks") or ():
                if hook.get("failurePolicy") == "Fail" and _applies(world, hook, kind, operation, body):
                    trouble = _trouble(world, hook)
                    if trouble:
                        raise _failed(hook, trouble)


def _applies(world: World, hook: Json, kind: Kind, operation: str, body: Json) -> bool:
    if not any(_rule(rule, kind, operation) for rule in hook.get("rules") or ()):
        return False
    meta = body["metadata"]
    if not matches(hook.get("objectSelector") or {}, meta.get("labels") or {}):
        return False
    namespace = meta.get("namespace") or (meta.get("name") if kind.kind == "Namespace" else None)
    if namespace is None:
        return True
    home = world.get("", "namespaces", None, namespace) or {"metadata": {}}
    return matches(hook.get("namespaceSelector") or {}, home["metadata"].get("labels") or {})


def _rule(rule: Json, kind: Kind, operation: str) -> bool:
    def among(name: str, value: str) -> bool:
        return any(wanted in ("*", value) for wanted in rule.get(name) or ())

    scope = {"Namespaced": True, "Cluster": False}.get(rule.get("scope", "*"), kind.namespaced)
    served = among("apiGroups", kind.group) and among("apiVersions", kind.version) and scope is kind.namespaced
    resource = among("resources", kind.plural) or "*/*" in (rule.get("resources") or ())
    return served and resource and among("operations", operation)


def _trouble(world: World, hook: Json) -> str:
    """Why the webhook's service cannot be reached; empty where it can."""
    service = (hook.get("clientConfig") or {}).get("service")
    if not service:
        return ""
    namespace, name = service.get("namespace", ""), service.get("name", "")
    if world.get("", "services", namespace, name) is None:
        return f'service "{name}" not found'
    slices = world.store.list(("discovery.k8s.io", "endpointslices"), namespace)
    mine = [s for s in slices if (s["metadata"].get("labels") or {}).get("kubernetes.io/service-name") == name]
    ready = any((e.get("conditions") or {}).get("ready") for s in mine for e in s.get("endpoints") or ())
    return "" if ready else f'no endpoints available for service "{name}"'


def _failed(hook: Json, trouble: str) -> ApiError:
    service = hook["clientConfig"]["service"]
    host = f"{service.get('name')}.{service.get('namespace')}.svc:{service.get('port', 443)}"
    address = f"https://{host}{service.get('path', '/')}?timeout={hook.get('timeoutSeconds', 10)}s"
    why = f'failed calling webhook "{hook.get("name")}": failed to call webhook: Post "{address}": {trouble}'
    return failure(500, "InternalError", f"Internal error occurred: {why}", {"causes": [{"message": why}]})
