"""The contract's health list judged against an inventory: what is ok, what failed, what could not be verified.

An unreadable input makes every check that rests on it unknown, never ok and never failed.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from tui.contract.model import Contract, glob
from tui.contract.model import Health as Entry
from tui.objects import Inventory, Json, Key, Live, Ref
from tui.ownership.conditions import CheckStatus, conditions_of, worst
from tui.ownership.liveness import FLUX_CONTROLLERS, FLUX_GROUPS, flux_state, lease_state
from tui.recovery.workload import DeploymentState, Offspring, PodState, deployment_state, pod_state, pods_state

__all__ = [
    "Check",
    "CheckStatus",
    "DeploymentState",
    "Health",
    "HealthVerdict",
    "Offspring",
    "PodState",
    "check_health",
    "conditions_of",
    "deployment_state",
    "flux_state",
    "health_json",
    "lease_state",
    "pod_state",
]

RESTART_WINDOW: Final = timedelta(minutes=10)
"""How far back a restart counts as recent: the kubelet forgets a crash loop after ten minutes of running."""

LEASES: Final = "coordination.k8s.io"
NOTHING_SERVED: Final = "the list of what the cluster serves could not be read"


class HealthVerdict(StrEnum):
    """The health check's one word."""

    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"
    UNVERIFIED = "unverified"


@dataclass(frozen=True, slots=True)
class Check:
    """One question and its answer. ``id`` is stable (``deployment/flux-system/source-controller``)."""

    id: str
    status: CheckStatus
    summary: str
    resource: Ref | None


@dataclass(frozen=True, slots=True)
class Health:
    """Every check, in the contract's order, and the verdict over them."""

    verdict: HealthVerdict
    checks: tuple[Check, ...]

    def of(self, status: CheckStatus) -> tuple[Check, ...]:
        """The checks with this answer."""
        return tuple(check for check in self.checks if check.status is status)


def check_health(
    contract: Contract, inventory: Inventory, now: datetime, *, restarts_since: datetime | None = None
) -> Health:
    """Judges the contract's health list.

    ``now`` is the time of the inventory, with an offset. A container restart that ended at or after
    ``restarts_since`` fails its pod; ten minutes before ``now`` where it is not given. A contract that lists nothing
    to judge here is unverified: nothing was checked.
    """
    look = _Look(inventory, now, restarts_since or now - RESTART_WINDOW, Offspring.of(inventory))
    checks: dict[str, Check] = {}
    for entry in contract.health:
        for check in (*look.deployments(entry), *look.ready(entry)):
            checks.setdefault(check.id, check)
    if not checks:
        text = "the contract lists nothing to check on this cluster: add a health list to it"
        checks["contract/health"] = Check("contract/health", CheckStatus.UNKNOWN, text, None)
    verdict = {
        CheckStatus.OK: HealthVerdict.HEALTHY,
        CheckStatus.FAILED: HealthVerdict.UNHEALTHY,
        CheckStatus.UNKNOWN: HealthVerdict.UNVERIFIED,
    }[worst(*(check.status for check in checks.values()))]
    return Health(verdict, tuple(checks.values()))


def health_json(health: Health) -> Json:
    """The document ``refloat.health/1``."""
    return {
        "schema": "refloat.health/1",
        "verdict": health.verdict.value,
        "checks": [
            {
                "id": check.id,
                "status": check.status.value,
                "summary": check.summary,
                "resource": check.resource.to_json() if check.resource else None,
            }
            for check in health.checks
        ],
    }


@dataclass(frozen=True, slots=True)
class _Look:
    """One inventory looked at once; every method yields the checks of one subject."""

    inventory: Inventory = field(repr=False)
    now: datetime
    since: datetime
    offspring: Offspring = field(repr=False)

    def deployments(self, entry: Entry) -> Iterator[Check]:
        """The Deployments an entry names; a name with glob characters stands for all that exist."""
        for name in entry.deployments:
            if any(character in name for character in "*?["):
                yield from self._deployments_like(name, entry)
            else:
                yield from self._deployment(name, entry)

    def _deployments_like(self, pattern: str, entry: Entry) -> Iterator[Check]:
        label = f"Deployment {entry.namespace}/{pattern}"
        found = sorted(
            live.ref.name
            for live in self.inventory.of_kind("apps", "Deployment")
            if live.ref.namespace == entry.namespace and glob(pattern, live.ref.name)
        )
        unread = self._unread("apps", "Deployment", entry.namespace)
        if unread:
            text = f"{label} could not be verified: {unread}"
            yield Check(f"deployment/{entry.namespace}/{pattern}", CheckStatus.UNKNOWN, text, None)
        elif not found and not entry.optional:
            text = f"no Deployment is there that matches {entry.namespace}/{pattern}"
            yield Check(f"deployment/{entry.namespace}/{pattern}", CheckStatus.FAILED, text, None)
        for name in () if unread else found:
            yield from self._deployment(name, entry)

    def _deployment(self, name: str, entry: Entry) -> Iterator[Check]:
        ref = Ref("apps/v1", "Deployment", entry.namespace, name)
        identity = f"deployment/{ref.path}"
        unread = self._unread("apps", "Deployment", entry.namespace)
        live = self.inventory.get(ref.key)
        if unread:
            yield Check(identity, CheckStatus.UNKNOWN, f"{ref.label} could not be verified: {unread}", ref)
        elif live is None:
            yield from self._absent(identity, ref, entry)
            return
        else:
            state = deployment_state(live)
            joint = ": " if state.status is CheckStatus.OK else " "
            yield Check(identity, state.status, f"{live.ref.label}{joint}{state.reason}", live.ref)
            if state.desired > 0 and not live.deleting:
                yield self._pods(live, state)
        if name in FLUX_CONTROLLERS:
            yield self._lease(name, entry.namespace)

    def _absent(self, identity: str, ref: Ref, entry: Entry) -> Iterator[Check]:
        """An object that is proven not to be there: skipped where it is optional and its namespace is not there."""
        namespace = self.inventory.get(Key("", "Namespace", None, entry.namespace))
        unread = self._unread("", "Namespace", None) if namespace is None else ""
        if entry.optional and unread:
            text = f"{ref.label} is not there, and whether its namespace exists could not be verified: {unread}"
            yield Check(identity, CheckStatus.UNKNOWN, text, ref)
        elif namespace or not entry.optional:
            why = "" if namespace or unread else f", nor is the namespace {entry.namespace}"
            yield Check(identity, CheckStatus.FAILED, f"{ref.label} is not there{why}", ref)

    def _pods(self, deployment: Live, state: DeploymentState) -> Check:
        identity, label = f"pods/{deployment.ref.path}", f"Pods of {deployment.ref.label}"
        namespace = deployment.ref.namespace
        unread = self._unread("apps", "ReplicaSet", namespace) or self._unread("", "Pod", namespace)
        if unread:
            text = f"{label} could not be verified: {unread}"
            return Check(identity, CheckStatus.UNKNOWN, text, deployment.ref)
        pods = [pod_state(pod, self.now, self.since) for pod in self.offspring.current_pods(deployment)]
        status, text = pods_state(state.desired, pods)
        return Check(identity, status, f"{label}: {text}", deployment.ref)

    def _lease(self, controller: str, namespace: str) -> Check:
        ref = Ref("coordination.k8s.io/v1", "Lease", namespace, f"{controller}-leader-election")
        identity, unread = f"lease/{ref.path}", self._unread(LEASES, "Lease", namespace)
        if unread:
            return Check(identity, CheckStatus.UNKNOWN, f"{ref.label} could not be verified: {unread}", ref)
        live = self.inventory.get(ref.key)
        if live is None:
            text = f"{ref.label} is not there: leader election may be off, so this says nothing of the controller"
            return Check(identity, CheckStatus.OK, text, ref)
        state = lease_state(live, self.now)
        return Check(identity, state.status, f"{live.ref.label} {state.reason}", live.ref)

    def ready(self, entry: Entry) -> Iterator[Check]:
        """The one object an entry wants Ready."""
        if entry.ready is None or entry.name is None:
            return
        kind, _, group = entry.ready.partition(".")
        group = group or FLUX_GROUPS.get(kind, "")
        identity = f"ready/{kind}/{entry.namespace}/{entry.name}"
        versions = self._versions(kind, group)
        groups = [group] if group else sorted(versions)
        found = [live for one in groups if (live := self.inventory.get(Key(one, kind, entry.namespace, entry.name)))]
        version = found[0].ref.api_version if found else next(iter(versions.values()), None)
        ref = Ref(version, kind, entry.namespace, entry.name) if version else None
        unread = self._kind_unread(kind, groups, entry.namespace, named=bool(group))
        if unread:
            text = f"{kind} {entry.namespace}/{entry.name} could not be verified: {unread}"
            yield Check(identity, CheckStatus.UNKNOWN, text, ref)
        elif found:
            yield _judged(identity, found)
        elif ref:
            yield from self._absent(identity, ref, entry)
        elif not entry.optional:
            text = f"{kind} {entry.namespace}/{entry.name} is not there: the cluster does not serve {entry.ready}"
            yield Check(identity, CheckStatus.FAILED, f"{text} (its CRD is missing)", None)

    def _versions(self, kind: str, group: str) -> dict[str, str]:
        """The apiVersion by group of every served kind of this name; only the one group's where it is given."""
        served = self.inventory.served.items()
        return {key.group: one.api_version for key, one in served if key.kind == kind and group in ("", key.group)}

    def _kind_unread(self, kind: str, groups: list[str], namespace: str, *, named: bool) -> str:
        for group in groups:
            if unread := self._unread(group, kind, namespace):
                return unread
        if named:
            return ""
        # A kind that is named without its group may hide in any group whose discovery failed.
        hidden = next((gap for gap in self.inventory.gaps if gap.kind is None), None)
        return hidden.text if hidden else "" if self.inventory.served else NOTHING_SERVED

    def _unread(self, group: str, kind: str, namespace: str | None) -> str:
        """Why absence would prove nothing here, in the gap's words; empty where the kind was read whole."""
        gap = self.inventory.gap(group, kind, namespace)
        if gap:
            return gap.text
        nothing = not self.inventory.served and not any(self.inventory.of_kind(group, kind))
        return NOTHING_SERVED if nothing else ""


def _judged(identity: str, found: list[Live]) -> Check:
    """The worst of the objects that one name may mean (two groups may serve a kind of one name)."""
    states = [(flux_state(live), live) for live in found]
    status = worst(*(state.status for state, _ in states))
    state, live = next(pair for pair in states if pair[0].status is status)
    asked = "; a reconcile was asked for and is not answered yet" if state.asked else ""
    return Check(identity, status, f"{live.ref.label} {state.reason}{asked}", live.ref)
