"""Tables, as kubectl asks for them: a few columns for the kinds people look at, name and age for the rest."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from tui.practice.kinds import Kind

Json = dict[str, Any]
Cells = Callable[[Json], list[Any]]


def age(stamp: str, now: datetime) -> str:
    """How long ago a time was, in kubectl's short form."""
    past: timedelta = now - datetime.fromisoformat(stamp)
    seconds = max(int(past.total_seconds()), 0)
    if seconds < 120:
        return f"{seconds}s"
    if seconds < 7200:
        return f"{seconds // 60}m"
    return f"{seconds // 3600}h" if seconds < 172800 else f"{seconds // 86400}d"


def _deployment(body: Json) -> list[Any]:
    status, wanted = body.get("status") or {}, body["spec"].get("replicas", 1)
    ready = f"{status.get('readyReplicas', 0)}/{wanted}"
    return [ready, status.get("updatedReplicas", 0), status.get("availableReplicas", 0)]


def _replica_set(body: Json) -> list[Any]:
    status = body.get("status") or {}
    return [body["spec"].get("replicas", 1), status.get("replicas", 0), status.get("readyReplicas", 0)]


def _pod(body: Json) -> list[Any]:
    status = body.get("status") or {}
    containers = status.get("containerStatuses") or []
    waiting = (((c.get("state") or {}).get("waiting") or {}).get("reason") for c in containers)
    shown = next((reason for reason in waiting if reason), status.get("phase", "Unknown"))
    if body["metadata"].get("deletionTimestamp"):
        shown = "Terminating"
    ready = sum(1 for c in containers if c.get("ready"))
    restarts = sum(c.get("restartCount", 0) for c in containers)
    return [f"{ready}/{len(body['spec'].get('containers') or ())}", shown, restarts]


def _service(body: Json) -> list[Any]:
    spec = body["spec"]
    ports = ",".join(f"{p['port']}/{p.get('protocol', 'TCP')}" for p in spec.get("ports") or ()) or "<none>"
    return [spec.get("type", ""), spec.get("clusterIP") or "<none>", "<none>", ports]


def _binding(body: Json) -> list[Any]:
    reference = body.get("roleRef") or {}
    return [f"{reference.get('kind')}/{reference.get('name')}"]


def _event(body: Json) -> list[Any]:
    about = body.get("involvedObject") or {}
    named = f"{str(about.get('kind', '')).lower()}/{about.get('name', '')}"
    return [body.get("type", ""), body.get("reason", ""), named, str(body.get("message", "")).strip()]


_COLUMNS: dict[tuple[str, str], tuple[tuple[str, ...], Cells]] = {
    ("apps", "deployments"): (("Ready", "Up-to-date", "Available"), _deployment),
    ("apps", "replicasets"): (("Desired", "Current", "Ready"), _replica_set),
    ("apps", "statefulsets"): (("Ready",), lambda body: _deployment(body)[:1]),
    ("", "pods"): (("Ready", "Status", "Restarts"), _pod),
    ("", "services"): (("Type", "Cluster-IP", "External-IP", "Port(s)"), _service),
    ("", "namespaces"): (("Status",), lambda body: [(body.get("status") or {}).get("phase", "")]),
    ("", "nodes"): (("Status",), lambda _: ["Ready"]),
    ("", "secrets"): (("Type", "Data"), lambda body: [body.get("type", ""), len(body.get("data") or ())]),
    ("", "configmaps"): (("Data",), lambda body: [len(body.get("data") or ()) + len(body.get("binaryData") or ())]),
    ("", "events"): (("Type", "Reason", "Object", "Message"), _event),
    ("rbac.authorization.k8s.io", "clusterrolebindings"): (("Role",), _binding),
    ("rbac.authorization.k8s.io", "rolebindings"): (("Role",), _binding),
    ("coordination.k8s.io", "leases"): (("Holder",), lambda body: [body["spec"].get("holderIdentity", "")]),
}


def _custom(kind: Kind) -> tuple[tuple[str, ...], Cells]:
    """The columns that a CRD asks for, where their paths are simple enough."""
    columns = [c for c in kind.columns if c.get("name") != "Age"]
    return tuple(c["name"] for c in columns), lambda body: [_at(body, c["jsonPath"]) for c in columns]


def _at(body: Json, path: str) -> Any:
    """A field by a JSON path of names, with at most one ``[?(@.type=="X")]`` filter."""
    value: Any = body
    for step in path.lstrip(".").replace('conditions[?(@.type=="', "conditions=").replace('")]', "").split("."):
        name, _, wanted = step.partition("=")
        value = value.get(name) if isinstance(value, dict) else None
        if wanted:
            value = next((item for item in value or () if item.get("type") == wanted), None)
    return "" if value is None or isinstance(value, dict | list) else value


def table(kind: Kind, bodies: list[Json], meta: Json, now: datetime, *, whole: bool) -> Json:
    """The Table of some objects; its rows carry the whole objects, or their metadata."""
    names, cells = _COLUMNS.get(kind.resource) or (_custom(kind) if kind.custom else ((), lambda _: []))
    titles = ("Name", *names, "Age")
    columns = [
        {
            "name": title,
            "type": "string",
            "format": "name" if title == "Name" else "",
            "description": title,
            "priority": 0,
        }
        for title in titles
    ]
    rows = []
    for body in bodies:
        found = body["metadata"]
        shown = body if whole else {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": found}
        line = [found["name"], *cells(body), age(found["creationTimestamp"], now)]
        rows.append({"cells": line, "object": shown})
    head = {"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": meta}
    return head | {"columnDefinitions": columns, "rows": rows}
