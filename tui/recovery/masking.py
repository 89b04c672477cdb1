"""What of an object may be shown: Secrets masked, managedFields folded, everything cleaned. Pure."""

from collections.abc import Mapping
from difflib import unified_diff
from typing import Any, Final

import yaml

from tui.faults import ApiFault, Fault
from tui.helm.records import PREFIX
from tui.objects import Json, Ref
from tui.text import clean_lines

LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"
MAX_YAML: Final = 8 * 2**20
"""Characters of one object's YAML: etcd holds no larger object, so what is asked about is never shown cut."""

_NOISE: Final = ("managedFields", "resourceVersion", "generation", "creationTimestamp", "uid")
_SECRET_FIELDS: Final = ("data", "stringData", "binaryData")
_DUMPER: Final = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


def masked(body: Json, other: Json | None = None) -> Json:
    """A copy fit for a screen: no managedFields, no last-applied annotation, and no value of a Secret.

    A masked value keeps its length alone: a digest would let a guess be checked. With ``other``, the object it is
    compared with, a value that differs from the other's says so.
    """
    found = body.get("metadata")
    metadata = {k: v for k, v in found.items() if k != "managedFields"} if isinstance(found, dict) else {}
    annotations = metadata.get("annotations")
    if isinstance(annotations, dict) and LAST_APPLIED in annotations:
        metadata["annotations"] = {k: v for k, v in annotations.items() if k != LAST_APPLIED}
    shown = {**body, "metadata": metadata}
    if holds_secrets(body):
        for field in _SECRET_FIELDS:
            if body.get(field) is not None:
                shown[field] = _masked_values(body[field], other.get(field) if other else None)
    return shown


def holds_secrets(body: Json) -> bool:
    """Whether an object's values are secret: a Secret's, and a release record's, which holds rendered Secrets even
    where Helm's storage driver keeps it in a ConfigMap."""
    return body.get("kind") == "Secret" or (
        body.get("kind") == "ConfigMap" and str(Ref.of(body).name).startswith(PREFIX)
    )


def _masked_values(values: Any, others: Any) -> Any:
    if not isinstance(values, dict):
        return _mask(values, changed=False)
    before = others if isinstance(others, Mapping) else {}
    return {name: _mask(value, changed=name in before and before[name] != value) for name, value in values.items()}


def _mask(value: object, *, changed: bool) -> str:
    return f"*** ({len(str(value))} characters{', another value' if changed else ''})"


def to_yaml(body: Any) -> str:
    """A masked object as YAML, cleaned for a screen, with the order of its fields kept."""
    text = yaml.dump(body, Dumper=_DUMPER, sort_keys=False, allow_unicode=True, width=100)
    return clean_lines(text, MAX_YAML)


def difference(before: Json | None, after: Json | None) -> tuple[str, ...]:
    """A unified diff of two objects as YAML, Secrets masked, without the fields that the server keeps for itself."""
    old, new = _lines(before, None), _lines(after, before)
    return tuple(unified_diff(old, new, "live", "result", lineterm="", n=3))


def _lines(body: Json | None, other: Json | None) -> list[str]:
    if body is None:
        return []
    shown = masked(body, other)
    shown["metadata"] = {name: value for name, value in shown["metadata"].items() if name not in _NOISE}
    shown.pop("status", None)
    return to_yaml(shown).splitlines()


def visible(body: Json) -> Json:
    """A copy in which every hidden character of keys and values is made visible: fit to be judged and shown.

    What is read to be written back is exact, and must not reach a screen so. Nothing is cut; the walk keeps its own
    stack, so that no depth of nesting can break it.
    """
    whole = _copied(body)
    pending: list[Any] = [whole]
    while pending:
        node = pending.pop()
        for place, item in list(node.items() if isinstance(node, dict) else enumerate(node)):
            if isinstance(item, str):
                node[place] = _shown(item)
            elif isinstance(item, dict | list):
                node[place] = _copied(item) if isinstance(item, dict) else list(item)
                pending.append(node[place])
    return whole


def _copied(node: Json) -> Json:
    return {_shown(name): value for name, value in node.items()}


def _shown(text: str) -> str:
    return text if text.isascii() and text.isprintable() else clean_lines(text, limit=len(text))


def hushed(fault: Fault, ref: Ref) -> Fault:
    """The fault as it may be told: what was said about a Secret may repeat what it holds, and is left out."""
    if ref.kind != "Secret":
        return fault
    unsaid = "the words are not shown, they may repeat what the Secret holds"
    if isinstance(fault, ApiFault):
        return ApiFault(fault.code, fault.reason, f"HTTP {fault.code} {fault.reason}: {unsaid}".replace(" :", ":"))
    return type(fault)(f"{ref.label}: {type(fault).__name__}; {unsaid}")
