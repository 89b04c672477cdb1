"""What stopped an owner without an object in its way: one row a sentence that Helm, Pulumi or its engine says. Pure."""

import re
from collections.abc import Iterator
from typing import Final

from tui.helm.errors_text import joined, spread
from tui.helm.refusal import Failure, Trouble

_QUOTED: Final = r'"(?P<release>[^"/\s]{1,60}(?:\n[^"/\s]{1,60}){0,3})"\s*'
_BOTH: Final = r'"(?P<namespace>[^"/]{1,100})/(?P<release>[^"]{1,100})"\s*'
_BARE: Final = r"\s*(?P<release>[a-z0-9.\n-]{1,80}?)\s*"


def _ways(*words: str) -> str:
    return f"(?:{'|'.join(map(spread, words))})"


_ROWS: Final = (
    (Trouble.NAME_IN_USE, spread("cannot re-use a name that is still in use")),
    (Trouble.NO_DEPLOYED, _QUOTED + spread("has no deployed releases")),
    (Trouble.NO_RECORD, spread("Release not loaded:") + _BARE + spread(": release: not found")),
    (
        Trouble.UNINSTALLED,
        spread("release")
        + _BARE
        + spread("failed, and has been uninstalled due to")
        + r"\s*[a-z\s-]{1,40}"
        # Helm 4 names its flag otherwise: rollback-on-failure (pkg/action/install.go failRelease).
        + spread("being set"),
    ),
    (Trouble.INCOMPLETE, spread("Helm release") + r"\s*" + _BOTH + r"[a-z,\s]{0,30}?" + spread("failed to initialize")),
    (Trouble.PROTECTED, spread("cannot be deleted because it is protected")),
    (
        Trouble.SOURCE,
        _ways(
            *("check the chart name and repository configuration", "failed to pull chart", "failed to download chart"),
            *("is not a valid chart repository or cannot be reached", "failed to fetch chart"),
        ),
    ),
    (Trouble.TEMPLATE, spread("execution error at (")),
    (
        Trouble.UNREACHABLE,
        _ways(
            *("with unreachable cluster", "configured Kubernetes cluster is unreachable"),
            *("Kubernetes cluster unreachable:", "kubernetes cluster unreachable:"),
        ),
    ),
    (
        Trouble.STATE,
        _ways(
            *("incorrect passphrase", "passphrase must be set with PULUMI_CONFIG_PASSPHRASE", "no stack named"),
            *("the stack is currently locked by", "snapshot integrity failure", "pending operations"),
        ),
    ),
)
_TABLE: Final = tuple((trouble, re.compile(pattern)) for trouble, pattern in _ROWS)


def failures_in(text: str) -> Iterator[tuple[int, Failure]]:
    """Every failure that a plain text tells of, with its place; the same one as often as the text tells it."""
    for trouble, pattern in _TABLE:
        for found in pattern.finditer(text):
            parts = found.groupdict()
            namespace = parts.get("namespace")
            space = joined(namespace) if namespace is not None else None
            yield found.start(), Failure(trouble, joined(parts.get("release") or ""), space)
