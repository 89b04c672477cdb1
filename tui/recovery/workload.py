"""How a Deployment and its pods are doing, told from plain objects; what a Controllers screen draws.

A pod belongs to a Deployment by the owner references through its current ReplicaSet, never by its name.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Self

from tui.objects import Inventory, Live
from tui.ownership.conditions import (
    ONLY_METADATA,
    CheckStatus,
    Condition,
    conditions_of,
    integer,
    mapping,
    moment,
    sequence,
    span,
    words,
    worst,
)

REVISION: Final = "deployment.kubernetes.io/revision"
"""The annotation that ties a Deployment to its current ReplicaSet."""


@dataclass(frozen=True, slots=True)
class DeploymentState:
    """A Deployment in one line: how many replicas are ready of how many wanted, and what is wrong in plain words.

    ``reason`` says how many are available when ``status`` is ok. The counters are those of the object's status and
    old news while its controller has not seen the current generation.
    """

    ready: int
    desired: int
    updated: int
    available: int
    status: CheckStatus
    reason: str


def deployment_state(live: Live) -> DeploymentState:
    """Judges a Deployment by its spec, generation, conditions and counters; its pods are judged apart."""
    if live.body is None:
        return DeploymentState(0, 0, 0, 0, CheckStatus.UNKNOWN, ONLY_METADATA)
    spec, status = mapping(live.body.get("spec")), mapping(live.body.get("status"))
    replicas = integer(spec.get("replicas"))
    desired = 1 if replicas is None else replicas
    ready, updated, available = (
        integer(status.get(name)) or 0 for name in ("readyReplicas", "updatedReplicas", "availableReplicas")
    )
    problems = [*_intended(live, spec, desired), *_observed(live, status, desired)]
    return DeploymentState(
        ready,
        desired,
        updated,
        available,
        CheckStatus.FAILED if problems else CheckStatus.OK,
        "; ".join(problems) or f"{available} of {desired} available",
    )


def _intended(live: Live, spec: Mapping[str, Any], desired: int) -> list[str]:
    problems = []
    if live.deleting:
        problems.append(f"is being deleted since {words(live.deleting)}")
    if desired < 1:
        problems.append("is SCALED TO ZERO")
    if spec.get("paused") is True:
        problems.append("is PAUSED: no change rolls out")
    return problems


def _observed(live: Live, status: Mapping[str, Any], desired: int) -> list[str]:
    observed = integer(status.get("observedGeneration"))
    if observed is None:
        return ["no controller has looked at it yet (its status is empty)"]
    if observed != live.generation:
        return [f"its controller has not seen generation {live.generation} yet (last {observed}): the rest is old news"]
    return [*_conditions(conditions_of(live)), *_counters(status, desired)]


def _conditions(conditions: Mapping[str, Condition]) -> list[str]:
    problems = []
    progressing, failure = conditions.get("Progressing"), conditions.get("ReplicaFailure")
    available = conditions.get("Available")
    if progressing and progressing.status == "False":
        problems.append(f"its rollout is stuck ({progressing.text})")
    if failure and failure.status == "True":
        problems.append(f"its pods cannot be made ({failure.text})")
    if available is None:
        problems.append("it does not say whether it is available")
    elif available.status != "True":
        problems.append(f"is not available ({available.text})")
    return problems


def _counters(status: Mapping[str, Any], desired: int) -> list[str]:
    total, updated, available, ready = (
        integer(status.get(name)) or 0 for name in ("replicas", "updatedReplicas", "availableReplicas", "readyReplicas")
    )
    problems = [
        f"{count} of {desired} {what}"
        for count, what in ((updated, "updated"), (ready, "ready"), (available, "available"))
        if count < desired
    ]
    if total > updated:
        problems.append(f"{total - updated} of the old generation still there")
    return problems


@dataclass(frozen=True, slots=True)
class Offspring:
    """ReplicaSets and Pods by the uid of their controller; built once an inventory."""

    replica_sets: Mapping[str, list[Live]] = field(repr=False)
    pods: Mapping[str, list[Live]] = field(repr=False)

    @classmethod
    def of(cls, inventory: Inventory) -> Self:
        """Collects them in one pass over the inventory."""
        return cls(
            _by_controller(inventory.of_kind("apps", "ReplicaSet")), _by_controller(inventory.of_kind("", "Pod"))
        )

    def current_pods(self, deployment: Live) -> tuple[Live, ...]:
        """The Deployment's pods by name: of its current ReplicaSet, selected, not terminating and not finished."""
        replica_set = self.current_replica_set(deployment)
        if replica_set is None:
            return ()
        selector = mapping(mapping(mapping(deployment.body).get("spec")).get("selector"))
        pods = (
            pod
            for pod in self.pods.get(replica_set.ref.uid or "", ())
            if not pod.deleting and not _finished(pod) and _selects(selector, pod.labels)
        )
        return tuple(sorted(pods, key=lambda pod: pod.ref.name))

    def current_replica_set(self, deployment: Live) -> Live | None:
        """The ReplicaSet of the Deployment's own revision, else the one of the highest; None when it has none."""
        owned = self.replica_sets.get(deployment.ref.uid or "", [])
        revision = deployment.annotations.get(REVISION)
        same = [one for one in owned if revision and one.annotations.get(REVISION) == revision]
        return max(same or owned, key=lambda one: (_revision(one), one.created, one.ref.name), default=None)


def _by_controller(objects: Iterable[Live]) -> Mapping[str, list[Live]]:
    found: dict[str, list[Live]] = defaultdict(list)
    for live in objects:
        if live.controller and live.controller.uid:
            found[live.controller.uid].append(live)
    return found


def _revision(replica_set: Live) -> int:
    text = str(replica_set.annotations.get(REVISION, ""))
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 20 else -1


def _finished(pod: Live) -> bool:
    return mapping(mapping(pod.body).get("status")).get("phase") in ("Succeeded", "Failed")


def _selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    if any(labels.get(name) != value for name, value in mapping(selector.get("matchLabels")).items()):
        return False
    return all(_meets(mapping(one), labels) for one in sequence(selector.get("matchExpressions")))


def _meets(requirement: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    name, values = requirement.get("key"), sequence(requirement.get("values"))
    value = labels.get(name) if isinstance(name, str) else None
    match requirement.get("operator"):
        case "In":
            return value in values
        case "NotIn":
            return value not in values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
    return False


@dataclass(frozen=True, slots=True)
class PodState:
    """One pod in one line. ``containers`` counts those of its spec, ``ready`` the ready ones, ``restarts`` all theirs.

    ``reason`` says what is wrong, or what is worth knowing of a pod that is ok; it may be empty then.
    """

    name: str
    phase: str
    ready: int
    containers: int
    restarts: int
    status: CheckStatus
    reason: str


def pod_state(pod: Live, now: datetime, since: datetime) -> PodState:
    """Judges one pod: Running, ready, and no container restarted at or after ``since``."""
    if pod.body is None:
        return PodState(pod.ref.name, "", 0, 0, 0, CheckStatus.UNKNOWN, ONLY_METADATA)
    status = mapping(pod.body.get("status"))
    containers = [mapping(one) for one in sequence(status.get("containerStatuses"))]
    beginners = [mapping(one) for one in sequence(status.get("initContainerStatuses"))]
    # An init container that runs beside the others is a sidecar and judged like them; one that is over is history.
    lasting = [*containers, *(one for one in beginners if "running" in mapping(one.get("state")))]
    phase = words(status.get("phase"))
    problems = [words_ for one in [*beginners, *containers] if (words_ := _stuck(one))]
    problems += _unready(pod, phase, problems)
    recent, past = _restarts(lasting, now, since)
    problems += recent
    return PodState(
        pod.ref.name,
        phase,
        sum(one.get("ready") is True for one in containers),
        max(len(containers), len(sequence(mapping(pod.body.get("spec")).get("containers")))),
        sum(integer(one.get("restartCount")) or 0 for one in lasting),
        CheckStatus.FAILED if problems else CheckStatus.OK,
        "; ".join(problems or past),
    )


def _stuck(container: Mapping[str, Any]) -> str:
    name, state = words(container.get("name")), mapping(container.get("state"))
    if "waiting" in state:
        waiting = mapping(state["waiting"])
        told = ": ".join(part for part in (words(waiting.get("reason")), words(waiting.get("message"))) if part)
        return f"container {name} waits ({told or 'no reason given'})"
    ended = mapping(state.get("terminated"))
    if ended and ended.get("exitCode") != 0:
        return f"container {name} ended ({_end(ended)})"
    return ""


def _end(ended: Mapping[str, Any]) -> str:
    return f"{words(ended.get('reason')) or 'no reason given'}, exit code {integer(ended.get('exitCode'))}"


def _unready(pod: Live, phase: str, known: list[str]) -> list[str]:
    conditions = conditions_of(pod)
    scheduled, ready = conditions.get("PodScheduled"), conditions.get("Ready")
    if scheduled and scheduled.status == "False":
        return [f"cannot be scheduled ({scheduled.text})"]
    if phase != "Running":
        return [] if known else [f"is {phase or 'without a phase yet'}"]
    if ready is None or ready.status != "True":
        return [] if known else [f"runs but is not ready ({ready.text})" if ready else "does not say that it is ready"]
    return []


def _restarts(containers: list[Mapping[str, Any]], now: datetime, since: datetime) -> tuple[list[str], list[str]]:
    recent: list[str] = []
    past: list[str] = []
    for one in containers:
        count = integer(one.get("restartCount")) or 0
        if count < 1:
            continue
        ended = mapping(mapping(one.get("lastState")).get("terminated"))
        # Where the last end is no longer known, the container's present start is the moment of its last restart.
        when = moment(ended.get("finishedAt")) or moment(
            mapping(mapping(one.get("state")).get("running")).get("startedAt")
        )
        times = f"restarted {count} {'time' if count == 1 else 'times'}"
        last = f", last {span(now - when)} ago" if when else ""
        why = f" ({_end(ended)})" if ended else ""
        (recent if when and when >= since else past).append(f"container {words(one.get('name'))} {times}{last}{why}")
    return recent, past


def pods_state(desired: int, states: Iterable[PodState]) -> tuple[CheckStatus, str]:
    """The pods of one Deployment together: a status, and what is wrong with which pod, at most three told in full."""
    states = list(states)
    bad = [state for state in states if state.status is not CheckStatus.OK]
    told = [f"{state.name} {state.reason}" for state in bad[:3]]
    if len(bad) > 3:
        told.append(f"and {len(bad) - 3} more")
    status = worst(*(state.status for state in states))
    if len(states) < desired:
        status = CheckStatus.FAILED
        told.insert(0, f"{len(states)} of {desired} pods there")
    notes = [f"{state.name}: {state.reason}" for state in states if state.reason]
    fine = "1 pod runs and is ready" if len(states) == 1 else f"{len(states)} pods run and are ready"
    return status, "; ".join(told) or "; ".join([fine, *notes[:3]])
