"""The command that shows a finding: every finding can be checked by hand, without this program. Pure."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from tui.ownership.model import Finding

COMMAND: Final = re.compile(r"\b(?:kubectl|helm|flux) [a-z]")
"""How a line that can be typed begins, anywhere in a text."""

MAX_SHOWN: Final = 3
"""Objects that a finding gives a command for; the rest is found the same way."""

NAMES_ALL: Final = frozenset({"delete-bomb", "refused-install", "release-absent"})
"""Codes of findings about a deed that is all or nothing: whoever reads one wants to know every object."""

MAX_NAMED: Final = 250
MAX_OF_A_CODE: Final = 20
"""Findings of one code that a text tells; the JSON has them all."""

_MORE: Final = re.compile(r"and ([0-9]+) more")

_ANNOTATIONS: Final = "-o jsonpath='{.metadata.annotations}'"
_HOW: Final[Mapping[str, str]] = {
    "stamp-absent": _ANNOTATIONS,
    "stamp-foreign": _ANNOTATIONS,
    "stamp-disagrees": _ANNOTATIONS,
    "stale-leftover": _ANNOTATIONS,
    "prune-disabled": "-o jsonpath='{.metadata.labels}{.metadata.annotations}'",
    "ghost-label": "--show-labels",
    "contested": "--show-labels --show-managed-fields -o yaml",
    "misowned": "--show-labels --show-managed-fields -o yaml",
    "undocumented": "--show-labels",
    "unowned": "--show-labels",
    "decision": "",
}
_WITHOUT_RESOURCES: Final[Mapping[str, str]] = {
    "contract-unpinned": "kubectl get namespace kube-system -o jsonpath='{.metadata.uid}'",
    "release-absent": "helm list --all --all-namespaces",
    "release-ambiguous": "helm list --all --all-namespaces",
    "release-unverifiable": "kubectl get secrets,configmaps -A -l owner=helm",
    "refused-install": "helm list --all --all-namespaces",
}


def shown(finding: Finding) -> Finding:
    """The finding, with commands that show it where its evidence gives none."""
    if any(COMMAND.search(text) for text in finding.evidence):
        return finding
    how = _HOW.get(finding.code, "-o yaml")
    commands = [f"kubectl get {ref.kubectl} {how}".rstrip() for ref in finding.resources[:MAX_SHOWN] if ref.name]
    if not commands:
        commands = [_WITHOUT_RESOURCES.get(finding.code, "kubectl api-resources")]
    return replace(finding, evidence=(*finding.evidence, *commands))


def excerpt(evidence: Sequence[str], limit: int) -> tuple[list[str], int]:
    """The first ``limit`` lines and how many are left out; a command is among them if there is any at all."""
    if len(evidence) <= limit:
        return list(evidence), 0
    lines = list(evidence[:limit])
    if not any(COMMAND.search(text) for text in lines):
        command = next((text for text in evidence[limit:] if COMMAND.search(text)), "")
        lines = [*lines[:-1], command] if command else lines
    told = set(lines)
    return lines, sum(_lines_in(text) for text in evidence if text not in told)


def _lines_in(text: str) -> int:
    """How many lines one stands for: what counts others is none itself."""
    counted = _MORE.fullmatch(text)
    return int(counted[1]) if counted else 1


def told_of(finding: Finding, limit: int) -> tuple[list[str], int]:
    """The lines of a finding's evidence that a report has room for, and how many are left out.

    Where every object counts by name, all of them are told.
    """
    return excerpt(finding.evidence, MAX_NAMED if finding.code in NAMES_ALL else limit)


def few_of_each(findings: Iterable[Finding]) -> tuple[list[Finding], dict[str, int]]:
    """At most so many findings of one code, in their order, and how many of each code are left out."""
    kept: list[Finding] = []
    seen: Counter[str] = Counter()
    for finding in findings:
        seen[finding.code] += 1
        if seen[finding.code] <= MAX_OF_A_CODE:
            kept.append(finding)
    return kept, {code: count - MAX_OF_A_CODE for code, count in seen.items() if count > MAX_OF_A_CODE}
