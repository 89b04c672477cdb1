"""Label and field selectors, as strings in a query and as LabelSelector objects."""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from tui.practice.kinds import Kind
from tui.practice.status import ApiError, bad_request

Json = dict[str, Any]
Test = Callable[[Json], bool]

_SET = re.compile(r"^\s*([^\s!=,()]+)\s+(in|notin)\s*\(([^()]*)\)\s*$")
_PAIR = re.compile(r"^\s*([^\s!=,()]+)\s*(==|!=|=)\s*([^\s!=,()]*)\s*$")
_BARE = re.compile(r"^\s*(!?)\s*([^\s!=,()]+)\s*$")

_FIELDS: dict[tuple[str, str], tuple[str, ...]] = {
    ("", "pods"): (
        *("spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName", "spec.hostNetwork"),
        *("status.phase", "status.podIP", "status.nominatedNodeName"),
    ),
    ("", "secrets"): ("type",),
    ("", "namespaces"): ("status.phase",),
    ("", "nodes"): ("spec.unschedulable",),
    ("", "services"): ("spec.clusterIP", "spec.type"),
    ("", "events"): (
        *(f"involvedObject.{part}" for part in ("kind", "namespace", "name", "uid", "apiVersion", "fieldPath")),
        *("involvedObject.resourceVersion", "reason", "reportingComponent", "source", "type"),
    ),
    ("apps", "replicasets"): ("status.replicas",),
    ("batch", "jobs"): ("status.successful",),
}


def _parts(text: str) -> list[str]:
    """Splits at commas outside parentheses."""
    return [part for part in re.split(r",(?![^()]*\))", text) if part.strip()]


def _requirement(part: str) -> Callable[[Mapping[str, str]], bool]:
    if match := _SET.match(part):
        key, operator, inner = match.groups()
        values = frozenset(value.strip() for value in inner.split(","))
        if operator == "in":
            return lambda labels: labels.get(key) in values
        return lambda labels: labels.get(key) not in values
    if match := _PAIR.match(part):
        key, operator, value = match.groups()
        if operator == "!=":
            return lambda labels: labels.get(key) != value
        return lambda labels: labels.get(key) == value
    if match := _BARE.match(part):
        absent, key = match.groups()
        return (lambda labels: key not in labels) if absent else (lambda labels: key in labels)
    raise bad_request(f'unable to parse requirement: found "{part.strip()}", expected: identifier')


@lru_cache(maxsize=512)
def labels(text: str) -> Test:
    """A test of an object's labels against a query's labelSelector."""
    tests = [_requirement(part) for part in _parts(text)]
    return lambda body: all(test(body["metadata"].get("labels") or {}) for test in tests)


def matches(selector: Json | None, found: Mapping[str, str]) -> bool:
    """Whether labels match a LabelSelector object; an empty one matches all, none matches nothing."""
    if selector is None:
        return False
    if any(found.get(key) != value for key, value in (selector.get("matchLabels") or {}).items()):
        return False
    for item in selector.get("matchExpressions") or ():
        key, operator, values = item.get("key", ""), item.get("operator", ""), item.get("values") or ()
        verdicts = {
            "In": found.get(key) in values,
            "NotIn": found.get(key) not in values,
            "Exists": key in found,
            "DoesNotExist": key not in found,
        }
        if not verdicts.get(operator, False):
            return False
    return True


def value_at(body: Json, path: str) -> str:
    """A field's value as field selectors compare it: empty where absent."""
    value: Any = body
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


@lru_cache(maxsize=512)
def fields(kind: Kind, text: str) -> Test:
    """A test of an object against a query's fieldSelector. Raises 400 for a field the kind does not select by."""
    known = ("metadata.name", *(("metadata.namespace",) if kind.namespaced else ()), *_FIELDS.get(kind.resource, ()))
    wanted: list[tuple[str, str, bool]] = []
    for part in _parts(text):
        match = _PAIR.match(part)
        if match is None:
            raise bad_request(f"invalid selector: '{part}'; can't understand '{part}'")
        path, operator, value = match.groups()
        if path not in known:
            raise _unknown_field(kind, path, known)
        wanted.append((path, value, operator != "!="))
    return lambda body: all((value_at(body, path) == value) is equal for path, value, equal in wanted)


def _unknown_field(kind: Kind, path: str, known: tuple[str, ...]) -> ApiError:
    if kind.resource in _FIELDS:
        return bad_request(f"field label not supported: {path}")
    shown = ", ".join(f'"{name}"' for name in known)
    if kind.custom:
        return bad_request(f"field label not supported: {path}")
    return bad_request(f'"{path}" is not a known field selector: only {shown}')
