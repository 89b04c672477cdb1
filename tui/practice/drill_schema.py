"""What a drill file may hold: one JSON Schema, published, and the small validator that reads files by it."""

import re
from typing import Any

import yaml

from tui.faults import UsageFault

Json = dict[str, Any]

LIMIT = 1024 * 1024
"""The largest drill file, in bytes."""

_TEXT: Json = {"type": "string"}
_GLOBS: Json = {"type": "array", "items": _TEXT}
_OBJECT: Json = {
    "type": "object",
    "required": ["apiVersion", "kind", "metadata"],
    "properties": {"apiVersion": _TEXT, "kind": _TEXT, "metadata": {"type": "object"}},
}
_RELEASE: Json = {
    "type": "object",
    "required": ["name", "namespace", "chart"],
    "additionalProperties": False,
    "properties": {
        "name": _TEXT,
        "namespace": _TEXT,
        "chart": {"type": ["string", "object"]},
        "version": _TEXT,
        "appVersion": _TEXT,
        "revision": {"type": "integer"},
        "status": _TEXT,
        "description": _TEXT,
        "manager": _TEXT,
        "method": {"type": "string", "enum": ["csa", "ssa"]},
        "live": {"type": "boolean"},
        "record": {"type": "boolean"},
        "stamp": _TEXT,
        "only": _GLOBS,
        "except": _GLOBS,
        "drop": _GLOBS,
        "add": {"type": "array", "items": {"type": "object", "required": ["source", "body"]}},
    },
}
_STEP: Json = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "at": {"type": "string", "pattern": r"(\d+d)?(\d+(\.\d+)?(ms|h|m|s))*"},
        "include": _TEXT,
        "by": _TEXT,
        "how": {"type": "string", "enum": ["update", "apply"]},
        "apply": {"type": "array", "items": _OBJECT},
        "release": _RELEASE,
        "patch": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["object", "merge"],
                "additionalProperties": False,
                "properties": {"object": _TEXT, "merge": {"type": "object"}},
            },
        },
        "delete": _GLOBS,
        "git": {"type": "object"},
        "pods": {"type": "object"},
        "logs": {"type": "object"},
        "reconcile": {"type": "boolean"},
    },
}
CONDITIONS = (
    *("available", "ready", "renewed", "stamped", "present", "absent", "kept", "untouched"),
    *("holds", "upgrades", "installs"),
)
_CHECK: Json = {
    "type": "object",
    "required": ["say"],
    "additionalProperties": False,
    "properties": {
        "say": _TEXT,
        **dict.fromkeys(CONDITIONS[:8], _GLOBS),
        "holds": {"type": "object"},
        "upgrades": _TEXT,
        "installs": _TEXT,
        "release": _TEXT,
        "count": {"type": "integer"},
    },
}
SCHEMA: Json = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Refloat drill",
    "type": "object",
    "required": ["name", "title", "summary", "story", "goal", "hints", "state", "check"],
    "additionalProperties": False,
    "properties": {
        "name": {"type": "string", "pattern": "[a-z0-9]([-a-z0-9]*[a-z0-9])?"},
        "title": _TEXT,
        "summary": _TEXT,
        "story": _TEXT,
        "goal": _TEXT,
        "error": _TEXT,
        "hints": {"type": "array", "items": _TEXT},
        "state": {"type": "array", "items": _STEP},
        "check": {
            "type": "object",
            "required": ["done"],
            "additionalProperties": False,
            "properties": {"done": {"type": "array", "items": _CHECK}, "risky": {"type": "array", "items": _CHECK}},
        },
    },
}
"""The published schema of a drill file."""

_TAGS = {
    "tag:yaml.org,2002:map": "object",
    "tag:yaml.org,2002:seq": "array",
    "tag:yaml.org,2002:str": "string",
    "tag:yaml.org,2002:int": "integer",
    "tag:yaml.org,2002:bool": "boolean",
    "tag:yaml.org,2002:null": "null",
    "tag:yaml.org,2002:float": "number",
}
_SAID = {"object": "a mapping", "array": "a list", "string": "text", "integer": "a number", "boolean": "true or false"}


def read(text: str, place: str) -> Json:
    """A drill file's content, valid by the schema. Raises UsageFault with file, line and column."""
    if len(text.encode("utf-8", "surrogatepass")) > LIMIT:
        raise UsageFault(f"{place}: a drill file may have at most {LIMIT // 1024} KiB; move objects into a part")
    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=yaml.CSafeLoader)):
            raise UsageFault(f"{place}: YAML aliases are not allowed in a drill; write the value out")
        node = yaml.compose(text, Loader=yaml.CSafeLoader)
        if node is None:
            raise UsageFault(f"{place}:1:1: the file is empty; a drill needs {', '.join(SCHEMA['required'])}")
        _check(node, SCHEMA, place, "the drill")
        return dict(yaml.load(text, Loader=yaml.CSafeLoader))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"{place}:{mark.line + 1}:{mark.column + 1}" if mark else place
        raise UsageFault(f"{where}: this is not YAML: {error.problem or error.context}") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise UsageFault(f"{place}: this is not YAML: {error}") from error


def _fail(node: yaml.Node, place: str, why: str) -> UsageFault:
    return UsageFault(f"{place}:{node.start_mark.line + 1}:{node.start_mark.column + 1}: {why}")


def _check(node: yaml.Node, schema: Json, place: str, what: str) -> None:
    found = _TAGS.get(node.tag, node.tag)
    allowed = schema.get("type")
    allowed = [allowed] if isinstance(allowed, str) else allowed or []
    if allowed and found not in allowed:
        raise _fail(node, place, f"{what} must be {' or '.join(_SAID[kind] for kind in allowed)}")
    if isinstance(node, yaml.MappingNode):
        _check_mapping(node, schema, place, what)
    elif isinstance(node, yaml.SequenceNode) and "items" in schema:
        for index, item in enumerate(node.value):
            _check(item, schema["items"], place, f"{what}[{index}]")
    elif isinstance(node, yaml.ScalarNode):
        if "enum" in schema and node.value not in schema["enum"]:
            raise _fail(node, place, f"{what} must be one of {', '.join(schema['enum'])}, not {node.value!r}")
        if "pattern" in schema and not re.fullmatch(schema["pattern"], node.value):
            raise _fail(node, place, f"{what} cannot be {node.value!r}; it must match {schema['pattern']}")


def _check_mapping(node: yaml.MappingNode, schema: Json, place: str, what: str) -> None:
    seen: set[str] = set()
    properties = schema.get("properties") or {}
    for key, value in node.value:
        name = str(key.value)
        if name in seen:
            raise _fail(key, place, f"{what} has the key {name!r} twice")
        seen.add(name)
        if name in properties:
            _check(value, properties[name], place, name)
        elif schema.get("additionalProperties") is False:
            raise _fail(key, place, f"{what} has no key {name!r}; it may have {', '.join(properties)}")
    missing = [name for name in schema.get("required") or () if name not in seen]
    if missing:
        raise _fail(node, place, f"{what} lacks {', '.join(missing)}")
