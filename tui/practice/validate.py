"""What the API server refuses: bad names, missing parts, unknown fields, changes to what must not change."""

import json
import re
from collections.abc import Iterator
from typing import Any

from tui.practice.kinds import Kind
from tui.practice.schema import CUSTOM, Shape, Type, fields_of
from tui.practice.selectors import matches
from tui.practice.status import cause

Json = dict[str, Any]
RBAC = "rbac.authorization.k8s.io"

_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_LABEL_TEXT = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with "
    f"an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '{_LABEL}')"
)
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_SUBDOMAIN_TEXT = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    f"end with an alphanumeric character (e.g. 'example.com', regex used for validation is '{_SUBDOMAIN}')"
)
_LABEL_VALUE = r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?"
_LABEL_VALUE_TEXT = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "
    f"'{_LABEL_VALUE}')"
)


def quoted(value: Any) -> str:
    """A value as messages show it: strings quoted, structures as compact JSON."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def wrong(field: str, value: Any, why: str) -> Json:
    """The cause of an invalid value."""
    return cause("FieldValueInvalid", f"Invalid value: {quoted(value)}: {why}", field)


def lacking(field: str, why: str = "") -> Json:
    """The cause of a missing value."""
    return cause("FieldValueRequired", "Required value" + (f": {why}" if why else ""), field)


def barred(field: str, why: str) -> Json:
    """The cause of a forbidden value."""
    return cause("FieldValueForbidden", f"Forbidden: {why}", field)


def metadata(kind: Kind, body: Json) -> Iterator[Json]:
    """Faults of the name and the labels."""
    meta = body["metadata"]
    name = meta.get("name") or ""
    if not name:
        yield lacking("metadata.name", "name or generateName is required")
        return
    if kind.group == RBAC:
        if name in (".", "..") or any(sign in name for sign in "/%"):
            found = next((sign for sign in "/%" if sign in name), "")
            yield wrong("metadata.name", name, f"may not contain '{found}'" if found else f"may not be '{name}'")
    else:
        pattern, text, limit = {
            "Namespace": (_LABEL, _LABEL_TEXT, 63),
            "Service": (_LABEL, _LABEL_TEXT, 63),
        }.get(kind.kind, (_SUBDOMAIN, _SUBDOMAIN_TEXT, 253))
        if len(name) > limit:
            yield wrong("metadata.name", name, f"must be no more than {limit} bytes")
        if not re.fullmatch(pattern, name):
            yield wrong("metadata.name", name, text)
    for key, value in (meta.get("labels") or {}).items():
        if not isinstance(value, str) or len(value) > 63 or not re.fullmatch(_LABEL_VALUE, value):
            yield wrong("metadata.labels", value, f"{_LABEL_VALUE_TEXT}" if key else "")


def content(kind: Kind, body: Json) -> Iterator[Json]:
    """Faults of the kind's own parts, for the kinds whose mistakes matter to a recovery."""
    if (kind.group, kind.kind) in (
        ("apps", "Deployment"),
        ("apps", "ReplicaSet"),
        ("apps", "StatefulSet"),
        ("apps", "DaemonSet"),
    ):
        yield from _workload(body.get("spec") or {})
    elif kind.group == RBAC and kind.kind.endswith("Binding"):
        reference = body.get("roleRef") or {}
        if not reference.get("name"):
            yield lacking("roleRef.name")
    elif (kind.group, kind.kind) == ("", "Service"):
        spec = body.get("spec") or {}
        if not spec.get("ports") and spec.get("type") != "ExternalName" and spec.get("clusterIP") != "None":
            yield lacking("spec.ports")
    elif kind.kind == "CustomResourceDefinition":
        yield from _crd(body)


def _workload(spec: Json) -> Iterator[Json]:
    selector, template = spec.get("selector"), spec.get("template") or {}
    labels = (template.get("metadata") or {}).get("labels") or {}
    if not selector:
        yield lacking("spec.selector")
    elif not matches(selector, labels):
        yield wrong("spec.template.metadata.labels", labels, "`selector` does not match template `labels`")
    containers = (template.get("spec") or {}).get("containers")
    if not containers:
        yield lacking("spec.template.spec.containers")
    for index, container in enumerate(containers or ()):
        if not container.get("name"):
            yield lacking(f"spec.template.spec.containers[{index}].name")
        if not container.get("image"):
            yield lacking(f"spec.template.spec.containers[{index}].image")


def _crd(body: Json) -> Iterator[Json]:
    spec = body.get("spec") or {}
    names = spec.get("names") or {}
    expected = f"{names.get('plural', '')}.{spec.get('group', '')}"
    if body["metadata"].get("name") != expected:
        yield wrong("metadata.name", body["metadata"].get("name"), 'must be spec.names.plural+"."+spec.group')
    stored = [version for version in spec.get("versions") or () if version.get("storage")]
    if len(stored) != 1:
        yield wrong("spec.versions", spec.get("versions"), "must have exactly one version marked as storage version")
    if spec.get("scope") not in ("Namespaced", "Cluster"):
        yield lacking("spec.scope")


_IMMUTABLE: dict[tuple[str, str], tuple[tuple[str, ...], ...]] = {
    ("apps", "Deployment"): (("spec", "selector"),),
    ("apps", "ReplicaSet"): (("spec", "selector"),),
    ("apps", "DaemonSet"): (("spec", "selector"),),
    ("batch", "Job"): (("spec", "selector"), ("spec", "template"), ("spec", "completions")),
    ("", "Secret"): (("type",),),
    ("storage.k8s.io", "StorageClass"): (("provisioner",), ("parameters",)),
}


def changed(kind: Kind, old: Json, new: Json) -> Iterator[Json]:
    """Faults of an update: fields that must stay as they are."""
    if kind.group == RBAC and kind.kind.endswith("Binding") and old.get("roleRef") != new.get("roleRef"):
        reference = new.get("roleRef") or {}
        shown = {"APIGroup": reference.get("apiGroup"), "Kind": reference.get("kind"), "Name": reference.get("name")}
        yield wrong("roleRef", shown, "cannot change roleRef")
    for path in _IMMUTABLE.get((kind.group, kind.kind), ()):
        before, after = _at(old, path), _at(new, path)
        if before != after:
            yield wrong(".".join(path), after, "field is immutable")
    if (kind.group, kind.kind) == ("apps", "StatefulSet"):
        yield from _stateful_set(old.get("spec") or {}, new.get("spec") or {})
    elif kind.resource in (("", "configmaps"), ("", "secrets")) and old.get("immutable"):
        for part in ("data", "binaryData", "immutable"):
            if old.get(part) != new.get(part):
                yield barred(part, "field is immutable when `immutable` is set")
    elif kind.resource == ("", "services"):
        yield from _service(old.get("spec") or {}, new.get("spec") or {})
    elif kind.resource == ("", "persistentvolumeclaims") and _claim(old) != _claim(new):
        yield barred(
            "spec",
            "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims",
        )
    elif kind.kind == "CustomResourceDefinition":
        yield from _crd_change(old, new)


def _at(body: Json, path: tuple[str, ...]) -> Any:
    value: Any = body
    for part in path:
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _stateful_set(old: Json, new: Json) -> Iterator[Json]:
    free = {
        *("replicas", "ordinals", "template", "updateStrategy", "revisionHistoryLimit"),
        *("persistentVolumeClaimRetentionPolicy", "minReadySeconds"),
    }
    if {k: v for k, v in old.items() if k not in free} != {k: v for k, v in new.items() if k not in free}:
        yield barred(
            "spec",
            "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', "
            "'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
        )


def _service(old: Json, new: Json) -> Iterator[Json]:
    if old.get("clusterIP") and new.get("type") == "ClusterIP" and old["clusterIP"] != new.get("clusterIP"):
        yield wrong("spec.clusterIPs[0]", [new.get("clusterIP") or ""], "may not change once set")


def _claim(body: Json) -> Json:
    return {k: v for k, v in (body.get("spec") or {}).items() if k not in ("resources", "volumeAttributesClassName")}


def _crd_change(old: Json, new: Json) -> Iterator[Json]:
    for path in (("spec", "group"), ("spec", "names", "plural"), ("spec", "scope"), ("spec", "names", "kind")):
        if _at(old, path) != _at(new, path):
            yield wrong(".".join(path), _at(new, path), "field is immutable")
    versions = {version["name"] for version in new["spec"]["versions"]}
    for index, stored in enumerate((old.get("status") or {}).get("storedVersions") or ()):
        if stored not in versions:
            yield wrong(
                f"status.storedVersions[{index}]",
                stored,
                f"missing from spec.versions; {stored} was previously a storage version, and must remain in "
                "spec.versions until a storage migration ensures no data remains persisted in "
                f"{stored} and removes {stored} from status.storedVersions",
            )


def unknown_fields(of: Type, value: Any, path: str = "") -> Iterator[str]:
    """The paths of fields that the kind's schema does not have, as ``spec.nonsense``."""
    if of is CUSTOM or value is None:
        return
    if isinstance(value, dict) and of.shape is Shape.STRUCT:
        known = fields_of(of.struct)
        for name, inner in value.items():
            below = f"{path}.{name}" if path else name
            if name not in known:
                yield below
            else:
                yield from unknown_fields(known[name], inner, below)
    elif isinstance(value, dict) and of.shape is Shape.MAP and of.item:
        for name, inner in value.items():
            yield from unknown_fields(of.item, inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list) and of.item:
        for index, inner in enumerate(value):
            yield from unknown_fields(of.item, inner, f"{path}[{index}]")
