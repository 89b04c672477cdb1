"""What of an object may be shown: Secrets masked, managedFields folded, everything cleaned. Pure."""

import hashlib
from difflib import unified_diff
from typing import Any, Final

import yaml

from tui.objects import Json
from tui.text import clean_lines

LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"
_NOISE: Final = ("managedFields", "resourceVersion", "generation", "creationTimestamp", "uid")


def masked(body: Json) -> Json:
    """A copy fit for a screen: no managedFields, no last-applied annotation, and no value of a Secret.

    A masked value keeps a short digest, so that a change can be seen without the value.
    """
    metadata = dict(body.get("metadata") or {})
    metadata.pop("managedFields", None)
    annotations = dict(metadata.get("annotations") or {})
    if annotations.pop(LAST_APPLIED, None) is not None:
        metadata["annotations"] = annotations
    shown = {**body, "metadata": metadata}
    if body.get("kind") == "Secret":
        for field in ("data", "stringData"):
            if isinstance(body.get(field), dict):
                shown[field] = {name: _mask(value) for name, value in body[field].items()}
    return shown


def _mask(value: object) -> str:
    digest = hashlib.sha256(str(value).encode("utf-8", "replace")).hexdigest()[:8]
    return f"*** ({len(str(value))} characters, sha256 {digest})"


def to_yaml(body: Any) -> str:
    """A masked object as YAML, cleaned for a screen, with the order of its fields kept."""
    return clean_lines(yaml.safe_dump(body, sort_keys=False, allow_unicode=True, width=100))


def difference(before: Json | None, after: Json | None) -> tuple[str, ...]:
    """A unified diff of two objects as YAML, Secrets masked, without the fields that the server keeps for itself."""
    old, new = (_lines(before), _lines(after))
    return tuple(unified_diff(old, new, "live", "result", lineterm="", n=3))


def _lines(body: Json | None) -> list[str]:
    if body is None:
        return []
    shown = masked(body)
    shown["metadata"] = {name: value for name, value in shown["metadata"].items() if name not in _NOISE}
    shown.pop("status", None)
    return to_yaml(shown).splitlines()
