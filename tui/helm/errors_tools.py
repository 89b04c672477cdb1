"""Whose words a text is, and which of Pulumi's resources each part of it is about. Pure.

Pulumi tells the same error several times: in rows of progress, under its ``Diagnostics``, in events as JSON. Each names
the resource before the error. Texts are as tried with Pulumi 3.274 (pulumi pkg/backend/display).
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from typing import Final, NamedTuple

from tui.helm.errors_text import joined, spread
from tui.helm.refusal import Tool


def _any(*words: str) -> str:
    return "|".join(spread(each) for each in words)


_API: Final = r"apiVersion\"?\s*:\s*\"?"
_SIGNS: Final = (
    (Tool.PULUMI, _any("pulumi:pulumi:Stack", "urn:pulumi:", "kubernetes:helm.sh/v3:Release", "diagnosticEvent")),
    (Tool.PULUMI, rf"{_API}\s*(?:{_any('auto.pulumi.com/', 'pulumi.com/')})"),
    (Tool.PULUMI, spread("Helm release") + r'\s*"[^"/]{1,100}/[^"]{1,100}"\s*' + f"(?:{_any('was ', 'failed')})"),
    (Tool.PULUMI, _any("with unreachable cluster", "get stack secrets manager", "pulumi up", "pulumi refresh")),
    (Tool.FLUX, spread("for release") + r"\s*[a-z0-9.\n-]{1,80}/[a-z0-9.\n-]{1,80}?\s*" + spread("with chart")),
    (Tool.FLUX, rf"{_API}\s*(?:{_any('helm.toolkit.fluxcd.io/', 'kustomize.toolkit.fluxcd.io/')})"),
    (Tool.FLUX, _any("ReconciliationFailed", "GitOperationFailed", "dry-run failed")),
    (Tool.ARGOCD, rf"{_API}\s*{spread('argoproj.io/')}"),
    (Tool.ARGOCD, _any("one or more objects failed to apply", "ComparisonError", "argocd app")),
    (Tool.HELM, rf"(?:{_any('INSTALLATION', 'UPGRADE', 'ROLLBACK', 'UNINSTALLATION')})\s*{spread('FAILED:')}"),
    (Tool.KUBECTL, _any("Error from server (", "Error from server:", "error validating data:")),
)
_OF_TOOL: Final = tuple((tool, re.compile(sign)) for tool, sign in _SIGNS)


def tool_of(text: str) -> Tool:
    """Whose words a plain text is: Pulumi's wherever it speaks at all, else those of the tool that speaks first.

    Pulumi comes first because a release's name means something else in its words: it is not the next one.
    """
    found = [(match.start(), tool) for tool, sign in _OF_TOOL if (match := sign.search(text))]
    if any(tool is Tool.PULUMI for _, tool in found):
        return Tool.PULUMI
    return min(found, key=lambda each: each[0])[1] if found else Tool.UNKNOWN


_RELEASE: Final = "kubernetes:helm.sh/v3:Release"
_TYPE: Final = rf"(?:{_any('kubernetes:', 'pulumi:')})[\w./\n-]{{1,120}}?:[\w\n]{{1,80}}?"
_NAME: Final = r"[^\s\"'()\[\]`*]{1,200}(?:\n[^\s\"'()\[\]`*]{1,200}){0,3}?"
_DOES: Final = _any(
    *("creat", "updat", "delet", "replac", "refresh", "read", "runn", "import", "discard", "fail", "error:"),
    *("warning:", "1 error", "2 error"),
)
_ROW: Final = re.compile(rf"({_TYPE})\s+({_NAME})\s+\**\s*(?:{_DOES})")
_HEAD: Final = re.compile(rf"({_TYPE})\s*\(\s*([^()\"]{{1,200}})\)\s*:")
_URN: Final = re.compile(spread("urn:pulumi:") + r"([^\"'\]` ]{1,600})[\"'\]`]")
_SAYS: Final = re.compile(rf"({_TYPE})\s*{spread('resource')}\s*'([^']{{1,200}})'\s*:")


class Resources:
    """Where a plain text speaks of which resource; a part of it is about the one that was named last before it."""

    def __init__(self, text: str) -> None:
        self._found = sorted(_places(text))
        self._starts = [each.start for each in self._found]
        self._names = {each.name for each in self._found if each.kind == _RELEASE}
        self._several = len({each.name for each in self._found if each.kind == _RELEASE and each.displayed}) > 1

    def at(self, place: int, release: str = "") -> str:
        """The name of the Helm Release resource that the text is about here; empty where it is about none.

        A ``release`` that bears a resource's name and what Pulumi appends to it is that resource's, wherever it stands.
        """
        base, _, suffix = release.rpartition("-")
        if base in self._names and _SUFFIX.fullmatch(suffix):
            return base
        before = bisect_right(self._starts, place)
        last = self._found[before - 1] if before else None
        # With --diff the errors stand behind all that is displayed, and say nothing of which resource they are about.
        unsure = last is None or last.kind != _RELEASE or (last.displayed and self._several)
        return "" if unsure or last is None else last.name


_SUFFIX: Final = re.compile(r"[0-9a-f]{8}")


class _Place(NamedTuple):
    """A mention of a resource. ``displayed``: it is shown with all its properties, as --diff does."""

    start: int
    kind: str
    name: str
    displayed: bool = False


def _places(text: str) -> Iterator[_Place]:
    """Every mention of a resource. Stacks and providers are named beside others."""
    for pattern in (_ROW, _HEAD, _SAYS):
        for found in pattern.finditer(text):
            yield _Place(found.start(), joined(found[1]), joined(found[2]))
    for found in _URN.finditer(text):
        parts = joined(found[1]).split("::")
        kind = parts[2].rpartition("$")[2] if len(parts) >= _URN_PARTS else ""
        if kind and not kind.startswith("pulumi:"):
            shown = _SHOWN.search(text, max(0, found.start() - _NEAR), found.start()) is not None
            yield _Place(found.start(), kind, "::".join(parts[3:]), shown)


_URN_PARTS: Final = 4
"""``stack::project::types::name``, behind ``urn:pulumi:`` (pulumi sdk/go/common/resource/urn)."""
_SHOWN: Final = re.compile(spread("[urn=") + r"\s*\Z")
_NEAR: Final = 16
