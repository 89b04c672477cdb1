"""Fields that no update can change: a document that differs there from its live object is refused. Pure."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tui.objects import Json, KindKey, Live
from tui.ownership.drift import drift
from tui.text import clean

RBAC: Final = "rbac.authorization.k8s.io"
STORAGE: Final = "storage.k8s.io"

IMMUTABLE: Final[Mapping[KindKey, tuple[str, ...]]] = {
    KindKey(RBAC, "ClusterRoleBinding"): ("roleRef",),
    KindKey(RBAC, "RoleBinding"): ("roleRef",),
    KindKey("apps", "Deployment"): ("spec.selector",),
    KindKey("apps", "ReplicaSet"): ("spec.selector",),
    KindKey("apps", "DaemonSet"): ("spec.selector",),
    KindKey("apps", "StatefulSet"): (
        "spec.selector",
        "spec.serviceName",
        "spec.podManagementPolicy",
        "spec.volumeClaimTemplates",
    ),
    KindKey("batch", "Job"): ("spec.selector", "spec.template", "spec.completionMode"),
    KindKey("", "Service"): ("spec.clusterIP",),
    KindKey("", "Secret"): ("type",),
    KindKey("", "PersistentVolumeClaim"): (
        "spec.accessModes",
        "spec.selector",
        "spec.storageClassName",
        "spec.volumeMode",
        "spec.volumeName",
    ),
    KindKey(STORAGE, "StorageClass"): ("provisioner", "parameters", "reclaimPolicy", "volumeBindingMode"),
    KindKey("networking.k8s.io", "IngressClass"): ("spec.controller",),
    KindKey("scheduling.k8s.io", "PriorityClass"): ("value", "preemptionPolicy"),
    KindKey("apiextensions.k8s.io", "CustomResourceDefinition"): ("spec.group", "spec.scope", "spec.names.kind"),
}
"""By kind, the dotted paths that the API server's validation refuses to see changed."""

_WHOLE: Final = frozenset({"spec.selector"})
"""Paths that no server fills in for the workloads of ``apps``: there what a document leaves out differs too."""

_TEMPLATES: Final = frozenset({"spec.template", "spec.volumeClaimTemplates"})

_SHOWN: Final = 120
"""Characters of a value that are shown."""


@dataclass(frozen=True, slots=True)
class Fixed:
    """A field that differs and cannot be changed; ``live`` and ``proposed`` are its values as short JSON.

    Both are empty where the field is a whole template: what containers are given is nobody's business here.
    """

    field: str
    live: str
    proposed: str


def immutable_differences(document: Json, live: Live) -> tuple[Fixed, ...] | None:
    """The immutable fields in which a document differs from its live object.

    None where they could not be compared, because only the object's metadata was read.
    """
    paths = IMMUTABLE.get(live.ref.kind_key, ())
    if live.body is None:
        return None if any(_at(document, path) is not None for path in paths) else ()
    return tuple(each for path in paths for each in _differing(document, live, path))


def _differing(document: Json, live: Live, path: str) -> Iterator[Fixed]:
    want, have = _at(document, path), _at(live.body, path)
    if want is None:
        return
    if (path in _WHOLE and live.ref.group == "apps") or live.ref.kind == "CustomResourceDefinition":
        if want != have:
            yield Fixed(path, _short(have), _short(want))
        return
    changed = next((each for each in drift(document, live) if _within(each, path)), None)
    if changed is not None:
        yield Fixed(changed, "", "") if path in _TEMPLATES else Fixed(path, _short(have), _short(want))


def _within(changed: str, path: str) -> bool:
    rest = changed.removeprefix(path)
    return rest != changed and (not rest or rest[0] in ".[")


def _at(body: Json | None, path: str) -> Any:
    node: Any = body
    for name in path.split("."):
        node = node.get(name) if isinstance(node, dict) else None
    return node


def _short(value: Any) -> str:
    return clean(json.dumps(value, sort_keys=True, ensure_ascii=False), _SHOWN)
