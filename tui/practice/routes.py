"""What a request asks for: its path, query and headers, read into plain values."""

import json
from dataclasses import dataclass
from typing import Any

import yaml
from aiohttp import web

from tui.practice import protobuf
from tui.practice.kinds import BUILTIN, Kind, Registry
from tui.practice.reads import Query, version_of
from tui.practice.status import ApiError, PlainNotFound, bad_request, cause, invalid, media_type, no_resource
from tui.practice.writes import Options

Json = dict[str, Any]

PATCHES = {
    "application/json-patch+json": "json-patch",
    "application/merge-patch+json": "merge-patch",
    "application/strategic-merge-patch+json": "strategic-merge-patch",
    "application/apply-patch+yaml": "apply-patch",
}


@dataclass(frozen=True, slots=True)
class Target:
    """The resource a path names. ``namespace`` is None for all namespaces and cluster-scoped resources."""

    kind: Kind
    namespace: str | None
    name: str
    subresource: str


def target(registry: Registry, path: str) -> Target:
    """Reads a resource path. Raises the plain 404 for an unserved group version, the Status 404 for the rest."""
    parts = [part for part in path.split("/") if part]
    if parts[:1] == ["api"]:
        group, version, rest = "", parts[1], parts[2:]
    else:
        group, version, rest = parts[1], parts[2], parts[3:]
    if version not in registry.groups.get(group, ()):
        raise no_resource() if any(kind.group == group for kind in BUILTIN) else PlainNotFound
    namespace = None
    if rest[0] == "namespaces" and len(rest) > 2 and rest[2] not in ("status", "finalize"):
        namespace, rest = rest[1], rest[2:]
    kind = registry.find(group, version, rest[0])
    if kind is None or (namespace is not None and not kind.namespaced) or len(rest) > 3:
        if kind is None and group and not any(k.group == group and not k.custom for k in registry.all()):
            raise PlainNotFound
        raise no_resource()
    name = rest[1] if len(rest) > 1 else ""
    if name and kind.namespaced and namespace is None:
        raise no_resource()
    sub = rest[2] if len(rest) > 2 else ""
    if sub and sub not in kind.subresources:
        raise no_resource()
    return Target(kind, namespace, name, sub)


def flag(text: str | None) -> bool:
    """A boolean of a query, as Go reads it."""
    return text is not None and text.lower() in ("1", "t", "true", "")


def query_of(request: web.Request, place: Target, *, metadata_only: bool) -> Query:
    """The query of a list or watch."""
    found = request.query
    limit = found.get("limit") or "0"
    if not limit.isdigit():
        raise bad_request(f'strconv.ParseInt: parsing "{limit}": invalid syntax')
    fields = found.get("fieldSelector") or ""
    if place.name:
        fields = f"metadata.name={place.name}"
    return Query(
        namespace=place.namespace,
        labels=found.get("labelSelector") or "",
        fields=fields,
        limit=int(limit),
        token=found.get("continue") or "",
        version=version_of(found.get("resourceVersion")),
        match=found.get("resourceVersionMatch") or "",
        metadata_only=metadata_only,
    )


def options_of(request: web.Request, *, subresource: str = "", applying: bool = False) -> Options:
    """The options of a mutating request."""
    found = request.query
    dry = found.getall("dryRun", [])
    if dry and dry != ["All"]:
        message = f'Unsupported value: {json.dumps(dry)}: supported values: "All"'
        kind = {"POST": "CreateOptions", "PUT": "UpdateOptions"}.get(request.method, "PatchOptions")
        raise invalid("meta.k8s.io", kind, "", [cause("FieldValueNotSupported", message, "dryRun")])
    manager = found.get("fieldManager") or ""
    if "force" in found and request.method == "PATCH" and not applying:
        message = "Forbidden: may not be specified for non-apply patch"
        raise invalid("meta.k8s.io", "PatchOptions", "", [cause("FieldValueForbidden", message, "force")])
    if not manager and not applying:
        manager = (request.headers.get("User-Agent") or "unknown").partition("/")[0]
    return Options(
        manager=manager,
        dry_run=bool(dry),
        force=flag(found.get("force")) if "force" in found else False,
        validation=found.get("fieldValidation") or "Warn",
        subresource=subresource,
    )


def parse_object(kind_name: str, content_type: str, raw: bytes) -> Json:
    """The object in a body: JSON, or YAML where the media type says so."""
    if content_type == protobuf.MEDIA_TYPE:
        return protobuf.parse(raw)
    text = raw.decode("utf-8", "replace")
    if content_type.endswith("yaml"):
        found = parse_yaml(text)
    elif content_type in ("application/json", "", "application/octet-stream"):
        try:
            found = json.loads(text)
        except json.JSONDecodeError as error:
            raise _unrecognised(kind_name, text, error) from error
    else:
        raise protobuf.refused()
    if not isinstance(found, dict):
        raise bad_request(f"the object provided is unrecognized (must be of type {kind_name})")
    return found


def parse_yaml(text: str) -> Any:
    """YAML or JSON, as apply patches are read."""
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        pass
    try:
        return yaml.load(text, Loader=yaml.CSafeLoader)
    except yaml.YAMLError as error:
        raise bad_request(f"error decoding YAML: {error}") from error


def _unrecognised(kind_name: str, text: str, error: json.JSONDecodeError) -> ApiError:
    if error.pos >= len(text.rstrip()):
        why = "unexpected end of JSON input"
    else:
        why = f"invalid character {text[error.pos]!r} looking for beginning of value"
    return bad_request(
        f"the object provided is unrecognized (must be of type {kind_name}): "
        f"couldn't get version/kind; json parse error: {why} ({text[:64]})"
    )


def patch_style(request: web.Request) -> str:
    """The style of a PATCH by its media type. Raises 415 for any other."""
    style = PATCHES.get(request.content_type)
    if style is None:
        raise media_type("415: Unsupported Media Type", details=True)
    return style


def parse_patch(style: str, raw: bytes) -> Any:
    """The body of a PATCH."""
    text = raw.decode("utf-8", "replace")
    if style == "apply-patch":
        return parse_yaml(text)
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        raise bad_request(f"error decoding patch: {error.msg}") from error
    wanted, name = (list, "[]handlers.jsonPatchOp") if style == "json-patch" else (dict, "map[string]interface {}")
    if not isinstance(found, wanted):
        shown = "array" if isinstance(found, list) else "object" if isinstance(found, dict) else "string"
        raise bad_request(f"error decoding patch: json: cannot unmarshal {shown} into Go value of type {name}")
    return found


def accepts(request: web.Request) -> str:
    """How the client wants objects: ``""`` whole, ``metadata`` or ``table``; the first clause we serve counts."""
    for clause in (request.headers.get("Accept") or "").split(","):
        media, *parameters = [part.strip() for part in clause.split(";")]
        if media not in ("application/json", "*/*", "", "application/*"):
            continue
        wanted = dict(part.partition("=")[::2] for part in parameters)
        if wanted.get("as", "").startswith("PartialObjectMetadata"):
            return "metadata"
        if wanted.get("as") == "Table":
            return "table"
        return ""
    return ""
