"""Helm releases as stored: charts rendered from their compact parts, payloads, and the Secrets that hold them."""

import base64
import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import resources
from string import Template
from typing import Any

import yaml

from tui.faults import UsageFault

Json = dict[str, Any]

INSTALL_ORDER = (
    *("PriorityClass", "Namespace", "NetworkPolicy", "ResourceQuota", "LimitRange", "PodDisruptionBudget"),
    *("ServiceAccount", "Secret", "ConfigMap", "StorageClass", "PersistentVolume", "PersistentVolumeClaim"),
    *("CustomResourceDefinition", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding", "Service"),
    *("DaemonSet", "Pod", "ReplicaSet", "Deployment", "HorizontalPodAutoscaler", "StatefulSet", "Job", "CronJob"),
    *("IngressClass", "Ingress", "APIService", "MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"),
)
"""Helm's order of kinds; unknown ones come last."""


@dataclass(frozen=True, slots=True)
class Document:
    """One rendered document and the template it came from."""

    source: str
    body: Json


@dataclass(slots=True)
class Release:
    """One revision of a release, rendered. ``times`` are RFC 3339: first and last deployed."""

    name: str
    namespace: str
    revision: int
    status: str
    chart: Json
    documents: list[Document]
    hooks: list[Json]
    values: Json
    times: tuple[str, str]
    description: str = ""
    method: str = ""
    manager: str = "helm"
    files: list[Json] = field(default_factory=list)

    @property
    def storage_name(self) -> str:
        """The name of the Secret that holds this revision."""
        return f"sh.helm.release.v1.{self.name}.v{self.revision}"

    @property
    def manifest(self) -> str:
        """The manifest as Helm stores it: one ``---`` and Source line a document."""
        chart = self.chart["name"]
        return "".join(f"---\n# Source: {chart}/{d.source}\n{dump(d.body)}" for d in self.documents)

    def payload(self) -> Json:
        """The JSON that Helm encodes into its record."""
        info: Json = {"first_deployed": self.times[0], "last_deployed": self.times[1]}
        info |= {} if self.method == "ssa" else {"deleted": ""}
        info |= {"description": self.description or _SAID.get(self.status, ""), "status": self.status}
        body: Json = {
            "name": self.name,
            "info": info,
            "chart": {
                "metadata": {"apiVersion": "v2"} | self.chart,
                "lock": None,
                "templates": [
                    {"name": d, "data": _b64(f"# {d}\n".encode())} for d in sorted({d.source for d in self.documents})
                ],
                "values": self.values,
                "schema": None,
                "files": self.files,
            },
            "config": {},
            "manifest": self.manifest,
            "hooks": self.hooks,
            "version": self.revision,
            "namespace": self.namespace,
        }
        return body | ({"apply_method": self.method} if self.method else {})

    def secret(self, modified: int) -> Json:
        """The Secret as Helm writes it; ``modified`` is in unix seconds."""
        labels = {
            "modifiedAt": str(modified),
            "name": self.name,
            "owner": "helm",
            "status": self.status,
            "version": str(self.revision),
        }
        return {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": self.storage_name, "namespace": self.namespace, "labels": labels},
            "type": "helm.sh/release.v1",
            "data": {"release": encode(self.payload())},
        }


_SAID = {
    "deployed": "Upgrade complete",
    "superseded": "Superseded",
    "failed": "Upgrade failed",
    "pending-upgrade": "Preparing upgrade",
    "pending-install": "Initial install underway",
    "uninstalled": "Uninstallation complete",
}


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def encode(payload: Json) -> str:
    """A payload as the API shows it in a Secret: JSON, gzipped, base64 twice."""
    text = json.dumps(payload, separators=(",", ":"), ensure_ascii=False).encode()
    return _b64(_b64(gzip.compress(text, compresslevel=9, mtime=0)).encode())


def decode(data: str) -> Json:
    """The payload of a Secret made by :func:`encode`."""
    return dict(json.loads(gzip.decompress(base64.b64decode(base64.b64decode(data)))))


class _Dumper(yaml.CSafeDumper):
    """Writes every value out in full, as a template engine would."""

    def ignore_aliases(self, data: Any) -> bool:
        """No anchors: the same list twice is written twice."""
        _ = data
        return True


def dump(body: Any) -> str:
    """YAML with keys in their own order."""
    return str(yaml.dump(body, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1000))


@lru_cache(maxsize=32)
def _part_text(name: str) -> str:
    place = resources.files("tui.practice").joinpath("parts", f"{name}.yaml")
    if not place.is_file():
        raise UsageFault(f"there is no part called {name!r}; the parts are {', '.join(part_names())}")
    return place.read_text(encoding="utf-8")


def part_names() -> list[str]:
    """The names of the parts that a drill can build from."""
    files = resources.files("tui.practice").joinpath("parts").iterdir()
    return sorted(file.name.removesuffix(".yaml") for file in files if file.name.endswith(".yaml"))


def part(name: str) -> Json:
    """A part by name, freshly read. Raises UsageFault for a name that is none."""
    return dict(yaml.load(_part_text(name), Loader=yaml.CSafeLoader))


def substitute(value: Any, names: Json) -> Any:
    """Replaces ``$name`` in every string; a string that is nothing else takes the value as it is."""
    if isinstance(value, dict):
        return {substitute(key, names): substitute(inner, names) for key, inner in value.items()}
    if isinstance(value, list):
        return [substitute(inner, names) for inner in value]
    if isinstance(value, str) and "$" in value:
        if value[0] == "$" and value[1:] in names:
            return names[value[1:]]
        return Template(value).safe_substitute(names)
    return value


def render(chart: Json, release: str, namespace: str) -> list[Document]:
    """The documents of a chart part, in Helm's install order."""
    names = {"release": release, "namespace": namespace} | chart["chart"]
    blocks = ((block, item) for block in chart["documents"] for item in block.get("each") or [{}])
    found = [_document(chart, block, names | item) for block, item in blocks]
    return in_order(found)


def in_order(documents: list[Document]) -> list[Document]:
    """Documents in Helm's install order; those of one kind keep theirs."""
    order = {kind: index for index, kind in enumerate(INSTALL_ORDER)}
    return sorted(documents, key=lambda d: (order.get(d.body["kind"], len(order)), _last(d.body["kind"], order)))


def _last(kind: str, order: dict[str, int]) -> str:
    return "" if kind in order else kind


def _document(chart: Json, block: Json, names: Json) -> Document:
    body = substitute(block["body"], names)
    labels = {} if block.get("bare") else substitute(chart.get("labels") or {}, names)
    labels |= substitute(block.get("labels") or {}, names)
    if labels:
        body["metadata"] = body["metadata"] | {"labels": labels | (body["metadata"].get("labels") or {})}
    return Document(substitute(block["source"], names), body)


def render_hooks(chart: Json, release: str, namespace: str, ran: str) -> Iterator[Json]:
    """The hooks of a chart part as a record lists them."""
    names = {"release": release, "namespace": namespace} | chart["chart"]
    for block in chart.get("hooks") or ():
        body = substitute(block["body"], names)
        annotations = {
            "helm.sh/hook": ",".join(block["events"]),
            "helm.sh/hook-weight": str(block.get("weight", 0)),
            "helm.sh/hook-delete-policy": ",".join(block.get("delete") or ()),
        }
        body["metadata"] = body["metadata"] | {"annotations": annotations}
        yield {
            "name": body["metadata"]["name"],
            "kind": body["kind"],
            "path": f"{chart['chart']['name']}/{block['source']}",
            "manifest": dump(body),
            "events": list(block["events"]),
            "last_run": {"started_at": ran, "completed_at": ran, "phase": "Succeeded"},
            "weight": block.get("weight", 0),
            "delete_policies": list(block.get("delete") or ()),
        }
