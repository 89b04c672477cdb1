"""OpenAPI v3 as far as kubectl reads it: which fields a kind has, how they merge, and that the server validates."""

from functools import cache
from typing import Any

from tui.practice.kinds import Kind, Registry
from tui.practice.schema import CUSTOM, Shape, Type, fields_of

Json = dict[str, Any]

_SCALARS = {"s": "string", "i": "integer", "n": "number", "b": "boolean"}
_QUERY = ("dryRun", "fieldManager", "fieldValidation", "force", "pretty")


def index(registry: Registry) -> Json:
    """The document at /openapi/v3: one path a group version."""
    paths = {}
    for group, versions in registry.groups.items():
        for version in versions:
            place = f"apis/{group}/{version}" if group else f"api/{version}"
            paths[place] = {"serverRelativeURL": f"/openapi/v3/{place}?hash=practice"}
    return {"paths": paths}


def document(registry: Registry, group: str, version: str) -> Json | None:
    """The document of one group version; None where it is not served."""
    kinds = [kind for kind in registry.all() if (kind.group, kind.version) == (group, version)]
    if not kinds:
        return None
    schemas: Json = {}
    paths: Json = {}
    for kind in kinds:
        name = _add(schemas, kind)
        paths |= _paths(kind, name)
    info = {"title": "Kubernetes", "version": "v1.36.2-practice"}
    return {"openapi": "3.0.0", "info": info, "paths": paths, "components": {"schemas": schemas}}


def _paths(kind: Kind, name: str) -> Json:
    base = f"/apis/{kind.group}/{kind.version}" if kind.group else f"/api/{kind.version}"
    base += ("/namespaces/{namespace}" if kind.namespaced else "") + f"/{kind.plural}"
    gvk = {"group": kind.group, "version": kind.version, "kind": kind.kind}
    query = [{"name": each, "in": "query", "schema": {"type": "string"}} for each in _QUERY]
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}
    answer = {"200": {"description": "OK", "content": content}}

    def operation(action: str) -> Json:
        return {"parameters": query, "responses": answer, "x-kubernetes-action": action} | {
            "x-kubernetes-group-version-kind": gvk
        }

    one = {"get": operation("get"), "put": operation("put"), "patch": operation("patch"), "delete": operation("delete")}
    return {base: {"get": operation("list"), "post": operation("post")}, base + "/{name}": one}


def _add(schemas: Json, kind: Kind) -> str:
    gvk = [{"group": kind.group, "version": kind.version, "kind": kind.kind}]
    if kind.type is CUSTOM:
        free = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
        name = f"{kind.group}.{kind.version}.{kind.kind}"
        schemas[name] = free | {"x-kubernetes-group-version-kind": gvk}
        return name
    name = kind.type.struct
    _struct(schemas, name)
    schemas[name] = schemas[name] | {"x-kubernetes-group-version-kind": gvk}
    return name


def _struct(schemas: Json, name: str) -> None:
    if name in schemas:
        return
    made, used = _described(name)
    schemas[name] = made
    for below in used:
        _struct(schemas, below)


@cache
def _described(name: str) -> tuple[Json, tuple[str, ...]]:
    used: list[str] = []
    fields = fields_of(name)
    properties = {field: _schema(of, used) for field, of in fields.items()}
    required = [field for field, of in fields.items() if of.required]
    made: Json = {"type": "object", "properties": properties}
    return made | ({"required": required} if required else {}), tuple(used)


def _schema(of: Type, used: list[str]) -> Json:
    if of.shape is Shape.LEAF:
        return {"type": _SCALARS[of.scalar]}
    if of.shape is Shape.STRUCT:
        used.append(of.struct)
        return {"allOf": [{"$ref": f"#/components/schemas/{of.struct}"}], "default": {}}
    if of.shape is Shape.MAP and of.item:
        return {"type": "object", "additionalProperties": _schema(of.item, used)}
    if of.item:
        made: Json = {"type": "array", "items": _schema(of.item, used)}
        style = {Shape.KEYED_LIST: "map", Shape.SET: "set"}.get(of.shape, "atomic")
        made["x-kubernetes-list-type"] = style
        made |= {"x-kubernetes-list-map-keys": list(of.keys)} if of.keys else {}
        merging = {"x-kubernetes-patch-merge-key": of.merge_key, "x-kubernetes-patch-strategy": "merge"}
        return made | (merging if of.merge_key else {})
    return {}
