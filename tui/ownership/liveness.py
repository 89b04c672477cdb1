"""Whether a reconciled object is Ready now, and whether the controller that said so is still alive.

Ready=True from a dead controller, of an older generation or of a suspended object is old news; each is told apart.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from tui.objects import Live
from tui.ownership.conditions import (
    ONLY_METADATA,
    CheckStatus,
    conditions_of,
    integer,
    mapping,
    moment,
    sequence,
    span,
    words,
)

REQUESTED_AT: Final = "reconcile.fluxcd.io/requestedAt"

FLUX_GROUPS: Final[Mapping[str, str]] = {
    **dict.fromkeys(
        ("GitRepository", "OCIRepository", "HelmRepository", "HelmChart", "Bucket", "ExternalArtifact"),
        "source.toolkit.fluxcd.io",
    ),
    "Kustomization": "kustomize.toolkit.fluxcd.io",
    "HelmRelease": "helm.toolkit.fluxcd.io",
    **dict.fromkeys(("ImageRepository", "ImagePolicy", "ImageUpdateAutomation"), "image.toolkit.fluxcd.io"),
    **dict.fromkeys(("Receiver", "Alert", "Provider"), "notification.toolkit.fluxcd.io"),
}
"""The API group of each of Flux's kinds: a contract names kinds alone, and other groups use the same words."""

FLUX_CONTROLLERS: Final = frozenset(
    {
        "source-controller",
        "kustomize-controller",
        "helm-controller",
        "notification-controller",
        "image-automation-controller",
        "image-reflector-controller",
        "source-watcher",
    }
)
"""The Deployments whose leader election names its Lease after the controller."""

LEASE_GRACE: Final = timedelta(seconds=60)
"""What a Lease may lag beyond its own duration, and run ahead: two machines' clocks, and the age of the reading."""

LEASE_SECONDS: Final = 35
"""Flux's own leaseDurationSeconds, used where a Lease gives none."""


@dataclass(frozen=True, slots=True)
class FluxState:
    """A reconciled object in one line.

    ``ready`` is None where no Ready condition was ever written. ``revision`` is what it has applied or fetched and
    ``since`` when it did, or when Ready last changed. ``asked`` is true while a requested reconcile is unanswered.
    """

    revision: str
    ready: bool | None
    suspended: bool
    asked: bool
    since: datetime | None
    message: str
    status: CheckStatus
    reason: str


def flux_state(live: Live) -> FluxState:
    """Judges an object by its Ready condition at the current generation; ``reason`` is in plain words.

    Made for Flux's kinds and true for any kind that keeps a Ready condition.
    """
    if live.body is None:
        return FluxState("", None, False, False, None, "", CheckStatus.UNKNOWN, ONLY_METADATA)
    status = mapping(live.body.get("status"))
    suspended = mapping(live.body.get("spec")).get("suspend") is True
    ready = conditions_of(live).get("Ready")
    revision, since = _revision(status)
    verdict, reason = _judge(live, status, suspended=suspended)
    asked = live.annotations.get(REQUESTED_AT)
    return FluxState(
        revision,
        None if ready is None else ready.status == "True",
        suspended,
        bool(asked) and status.get("lastHandledReconcileAt") != asked,
        since or (ready.since if ready else None),
        ready.message if ready else "",
        verdict,
        reason,
    )


def _judge(live: Live, status: Mapping[str, Any], *, suspended: bool) -> tuple[CheckStatus, str]:
    conditions = conditions_of(live)
    ready, stalled = conditions.get("Ready"), conditions.get("Stalled")
    problems = []
    if live.deleting:
        problems.append(f"is being deleted since {words(live.deleting)}")
    if suspended:
        problems.append("is SUSPENDED: nothing is reconciled until it is resumed")
    if ready is None:
        problems.append("was never reconciled (it has no Ready condition)")
    elif ready.status != "True":
        problems.append(f"is not Ready ({ready.text})")
    if stalled and stalled.status == "True":
        problems.append(f"is stalled ({stalled.text})")
    seen = [g for g in (ready and ready.generation, integer(status.get("observedGeneration"))) if g is not None]
    old = next((generation for generation in seen if generation != live.generation), None)
    if ready and ready.status == "True" and old is not None:
        problems.append(f"was Ready at generation {old}, and is at {live.generation} now: that is old news")
    if problems:
        return CheckStatus.FAILED, "; ".join(problems)
    # Generation 1 was never changed, and a kind without generations has 0: only later ones need to be named.
    if not seen and live.generation > 1:
        return CheckStatus.UNKNOWN, f"is Ready, but does not say whether at its current generation {live.generation}"
    return CheckStatus.OK, f"is Ready ({ready.text})" if ready else ""


def _revision(status: Mapping[str, Any]) -> tuple[str, datetime | None]:
    artifact, latest = mapping(status.get("artifact")), mapping((sequence(status.get("history")) or [None])[0])
    if artifact:
        return words(artifact.get("revision")), moment(artifact.get("lastUpdateTime"))
    if "chartVersion" in latest:
        return words(latest.get("chartVersion")), moment(latest.get("lastDeployed"))
    for name in ("lastAppliedRevision", "lastPushCommit", "latestImage"):
        if text := words(status.get(name)):
            return text, moment(latest.get("lastReconciled")) or moment(status.get("lastPushTime"))
    return "", None


@dataclass(frozen=True, slots=True)
class LeaseState:
    """A leader-election Lease in one line: who holds it, when it was last renewed, and whether that is recent."""

    holder: str
    renewed: datetime | None
    status: CheckStatus
    reason: str


def lease_state(live: Live, now: datetime) -> LeaseState:
    """Judges whether the holder still renews the Lease; ``now`` is this machine's time of the reading."""
    if live.body is None:
        return LeaseState("", None, CheckStatus.UNKNOWN, ONLY_METADATA)
    spec = mapping(live.body.get("spec"))
    holder, renewed = words(spec.get("holderIdentity")), moment(spec.get("renewTime"))
    status, reason = _renewal(spec, holder, renewed, now)
    return LeaseState(holder, renewed, status, reason)


def _renewal(spec: Mapping[str, Any], holder: str, renewed: datetime | None, now: datetime) -> tuple[CheckStatus, str]:
    if spec.get("renewTime") is None:
        return CheckStatus.FAILED, "was never renewed"
    if renewed is None:
        return CheckStatus.UNKNOWN, f"has no readable time of renewal ({words(str(spec['renewTime']), 60)})"
    if not holder:
        return CheckStatus.FAILED, f"is held by nobody, given up {span(now - renewed)} ago"
    seconds = integer(spec.get("leaseDurationSeconds")) or LEASE_SECONDS
    allowed = timedelta(seconds=max(0, min(seconds, 86400))) + LEASE_GRACE
    age = now - renewed
    if age > allowed:
        return CheckStatus.FAILED, (
            f"was last renewed {span(age)} ago by {holder}, {span(allowed)} are allowed: "
            "the controller is dead or cut off, and what it reported is old news"
        )
    if age < -LEASE_GRACE:
        return CheckStatus.UNKNOWN, f"was renewed {span(-age)} in the future: this clock and the cluster's disagree"
    return CheckStatus.OK, f"renewed {span(age)} ago by {holder}"
