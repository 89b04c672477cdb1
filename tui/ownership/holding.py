"""Which fields of a release's document somebody else holds, read from managedFields. Pure."""

import json
from typing import Any

from tui.helm.model import Document
from tui.objects import Json, Live
from tui.ownership.evidence import stamp_managers


def held_by_another(live: Live, document: Document, apply_method: str) -> str:
    """The manager by which the next upgrade of a release would stumble over the document's object, or the empty string.

    That is kubectl, or, in a server-side release, the release's own manager by operation Update: what a replay leaves
    that was interrupted between its two requests.
    """
    kubectl = held_by_kubectl(live, document)
    if kubectl or apply_method != "ssa":
        return kubectl
    own = stamp_managers(live)
    for manager in live.managers:
        updated = manager.name in own and manager.operation == "Update" and not manager.subresource
        if updated and covers(
            manager.fields, {name: document.body[name] for name in document.body if name != "metadata"}
        ):
            return f"{manager.name} (by Update)"
    return ""


def held_by_kubectl(live: Live, document: Document) -> str:
    """The kubectl manager that co-owns a field of the document, or the empty string.

    Only ``kubectl apply`` counts, client- or server-side: an edit, a scale or a rollout restart is drift.
    """
    for manager in live.managers:
        applied = manager.name == "kubectl-client-side-apply" or (
            manager.name == "kubectl" and manager.operation == "Apply"
        )
        if applied and not manager.subresource and covers(manager.fields, document.body):
            return manager.name
    return ""


def covers(fields: Json, value: Any) -> bool:
    """Whether a FieldsV1 set owns anything that a document says.

    A set's keys are ``f:<field>``, ``k:<json of merge keys>``, ``v:<json of a value>``, ``i:<index>`` and ``.`` for the
    node itself; unknown prefixes are ignored (structured-merge-diff fieldpath/serialize).
    """
    for key, below in fields.items():
        if key == "." or not isinstance(below, dict):
            continue
        found, child = _step(key, value)
        if found and (not set(below) - {"."} or covers(below, child)):
            return True
    return False


def _step(key: str, value: Any) -> tuple[bool, Any]:
    prefix, _, rest = key.partition(":")
    if prefix == "f" and isinstance(value, dict):
        return rest in value, value.get(rest)
    if not isinstance(value, list) or prefix not in ("k", "v", "i"):
        return False, None
    try:
        wanted = json.loads(rest)
    except ValueError:
        return False, None
    if prefix == "i":
        inside = isinstance(wanted, int) and 0 <= wanted < len(value)
        return inside, value[wanted] if inside else None
    if prefix == "v":
        return wanted in value, wanted
    for item in value:
        if isinstance(item, dict) and isinstance(wanted, dict) and _same_keys(item, wanted):
            return True, item
    return False, None


def _same_keys(item: Json, wanted: Json) -> bool:
    """Whether a list item has these merge keys; a port's protocol defaults to TCP, as the API server defaults it."""
    return all(item.get(name, "TCP" if name == "protocol" else None) == want for name, want in wanted.items())
