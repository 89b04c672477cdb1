"""What the words of a contract may be: globs, names, resource patterns, finding codes; for loader and schema."""

import re
from typing import Final

VERSION: Final = 1

IDENTIFIER: Final = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$"
"""Names that a contract gives: its own, and those of layers, owners, families and guardrails."""

PLAIN: Final = r"^[A-Za-z0-9]([A-Za-z0-9._:-]{0,251}[A-Za-z0-9])?$"
"""A name without a glob, as Kubernetes has them (RBAC names may hold colons)."""

GLOB_LIMIT: Final = 300

RESOURCE: Final = r"^[^/\s]+(/[^/\s]+)?/[^/\s]+$"
"""``Kind/name`` or ``Kind/namespace/name``, each part a glob."""

DATE: Final = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"

INVENTORIES: Final = ("Kustomization", "HelmRelease", "ResourceSet", "FluxInstance", "Application")
"""Kinds whose status lists what they own: Flux's, the Flux Operator's and Argo CD's."""

PLACEHOLDERS: Final = ("group", "kind", "namespace", "name")
"""What stands, in braces, for the object's own in the value of a label or annotation that marks it."""

_PLACEHOLDER: Final = re.compile(r"\{([A-Za-z_]+)\}")

CODES: Final = (
    "release-ambiguous",
    "release-absent",
    "resource-missing",
    "stamp-absent",
    "roleref-differs",
    "refused-install",
    "webhook-dead",
    "namespace-terminating",
    "apiservice-down",
    "api-unserved",
    "crd-missing",
    "release-unverifiable",
    "record-undecodable",
    "stamp-foreign",
    "stamp-disagrees",
    "stale-leftover",
    "delete-bomb",
    "contested",
    "misowned",
    "taken-over",
    "apply-failing",
    "ghost-label",
    "guardrail",
    "claimed-absent",
    "suspended",
    "scaled-to-zero",
    "paused",
    "drifted",
    "controller-dead",
    "finalizer-stuck",
    "field-fight",
    "undocumented",
    "unowned",
    "prune-disabled",
    "contract-unpinned",
    "decision",
)
"""Every finding that a contract can allow."""

_CLASS: Final = re.compile(r"\[!?(?:\]?[^\]]*)\]")
_RANGE: Final = re.compile(r"(.)-(.)")


def glob_problem(pattern: str) -> str:
    """What is wrong with a glob, or the empty string: fnmatch itself takes anything and then matches nothing."""
    if not pattern:
        return "a glob cannot be empty"
    if len(pattern) > GLOB_LIMIT:
        return f"a glob has at most {GLOB_LIMIT} characters"
    if any(character.isspace() for character in pattern):
        return "a glob holds no spaces"
    place = pattern.find("[")
    while place >= 0:
        found = _CLASS.match(pattern, place)
        if found is None:
            return "the glob opens a [ that it does not close"
        inside = found[0][1:-1].removeprefix("!")
        if not inside:
            return "the glob has an empty [ ]"
        if any(low > high for low, high in _RANGE.findall(inside)):
            return "the glob has a range that runs backwards"
        place = pattern.find("[", found.end())
    return ""


def unknown_placeholder(text: str) -> str:
    """The first word in braces that stands for nothing, or the empty string."""
    return next((word for word in _PLACEHOLDER.findall(text) if word not in PLACEHOLDERS), "")
