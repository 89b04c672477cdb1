"""The one place that admits or refuses a change to the cluster. Pure: whoever asks brings what was read.

A change is admitted three times: when planned, when confirmed, and immediately before its request, each time against
an assessment that was read afresh. The writer takes only an :class:`Admitted`, and only this module makes one.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from tui.contract.model import Contract
from tui.contract.select import matches_document
from tui.objects import Inventory, Json, KindKey, Live
from tui.ownership.evidence import INVENTORIES
from tui.ownership.model import Assessment, Candidate, Decision
from tui.ownership.references import dig, is_referrer_group, items
from tui.ownership.releases import STORAGE_KINDS
from tui.ownership.usage import USERS
from tui.recovery.masking import LAST_APPLIED
from tui.recovery.plan import Action, Entry, FamilyPin, Pins
from tui.recovery.ports import Request

DECISIONS: Final = {Decision.DELETE: Action.DELETE, Decision.ADOPT: Action.ADOPT, Decision.RECREATE: Action.RECREATE}


@dataclass(frozen=True, slots=True)
class Admitted:
    """A request that the gate let through. Made by :func:`admit` alone; a test sees to that."""

    request: Request


@dataclass(frozen=True, slots=True)
class Look:
    """What was read for one admission: the fresh assessment, and the object itself as the server has it (None: 404)."""

    assessment: Assessment
    body: Json | None
    pins: Pins


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a change is not admitted. ``whole_plan``: what the plan itself rests on has changed."""

    why: str
    whole_plan: bool = False


def pins_of(contract: Contract, assessment: Assessment) -> Pins:
    """What a plan made now rests on."""
    families = tuple(
        FamilyPin(
            view.family.name,
            view.active.name if view.active else view.expected,
            view.active.revision if view.active else None,
            view.active.storage.uid if view.active else None,
        )
        for view in assessment.families
    )
    return Pins(assessment.inventory.cluster_uid, contract.name, contract.sha256, families)


def kinds_to_reread(entry: Entry, inventory: Inventory) -> frozenset[KindKey]:
    """Everything that S4 and S7 rest on for this entry, and the release records."""
    kind = entry.ref.kind_key
    kinds = {kind, *(KindKey("", storage) for storage in STORAGE_KINDS), *INVENTORIES.values()}
    kinds |= {served for served in inventory.served if is_referrer_group(served.group)}
    if entry.action is not Action.CREATE:
        kinds |= set(USERS.get(kind, ()))
        # A user may be under a controller that leaves too: the chain must be whole to see that.
        kinds |= {KindKey("apps", "Deployment"), KindKey("apps", "ReplicaSet")}
    return frozenset(kinds & set(inventory.served))


def fingerprint(body: Json) -> str:
    """Digests what an operator saw of an object: uid, spec or data, labels, annotations, owners, finalizers.

    Status, managedFields, resourceVersion and generation are left out: a flapping status is no difference.
    """
    meta = body.get("metadata") or {}
    annotations = {name: value for name, value in (meta.get("annotations") or {}).items() if name != LAST_APPLIED}
    seen = {name: value for name, value in body.items() if name not in ("metadata", "status")}
    seen["metadata"] = {
        "uid": meta.get("uid"),
        "labels": meta.get("labels") or {},
        "annotations": annotations,
        "ownerReferences": meta.get("ownerReferences") or [],
        "finalizers": meta.get("finalizers") or [],
        "deletionTimestamp": meta.get("deletionTimestamp"),
    }
    return hashlib.sha256(json.dumps(seen, sort_keys=True).encode()).hexdigest()


def judge(contract: Contract, entry: Entry, planned: Pins, look: Look, seen: str | None = None) -> Refusal | None:
    """Whether an entry may go ahead on what was just read; None admits.

    ``planned`` is what its plan rests on; ``seen`` is the fingerprint the operator confirmed, or None before that.
    """
    if (changed := _changed_pins(planned, look.pins)) is not None:
        return Refusal(changed, whole_plan=True)
    busy = owner_at_work(look.assessment.inventory)
    if busy:
        return Refusal(f"{busy}: no write while an owner is at work; wait for it to end")
    if entry.action is Action.CREATE:
        return _judge_create(contract, entry, look)
    return _judge_existing(entry, look, seen)


def _judge_existing(entry: Entry, look: Look, seen: str | None) -> Refusal | None:
    if look.body is None:
        return Refusal(f"{entry.ref.label} is gone")
    live = Live.of(look.body)
    if live.ref.uid != entry.ref.uid:
        return Refusal(
            f"{entry.ref.label} is another object now: its uid is {live.ref.uid}, {entry.ref.uid} was planned"
        )
    if seen is not None and fingerprint(look.body) != seen:
        return Refusal(f"{entry.ref.label} has changed since it was shown: look at it again")
    return _judge_candidate(entry, look)


def _judge_candidate(entry: Entry, look: Look) -> Refusal | None:
    candidate = next((c for c in look.assessment.candidates if c.ref.key == entry.ref.key), None)
    if candidate is None or DECISIONS.get(candidate.decision) is not entry.action:
        return Refusal(_why_not(entry, candidate))
    if entry.action is not Action.DELETE and candidate.target != entry.release:
        return Refusal(f"{entry.ref.label} would now belong to {candidate.target}, {entry.release} was planned")
    still_there = [key for key in candidate.rests_on if key in look.assessment.inventory.objects]
    if still_there:
        kind, name = still_there[0].kind, still_there[0].name
        return Refusal(f"{entry.ref.label} is used by {kind} {name}, which must leave first")
    return None


def _why_not(entry: Entry, candidate: Candidate | None) -> str:
    if candidate is None:
        return f"{entry.ref.label} is no longer a candidate: its stamp or its release has changed"
    failed = ", ".join(candidate.rules)
    return f"{entry.ref.label} is now to {candidate.decision.value} ({failed}): {candidate.why}"


def _judge_create(contract: Contract, entry: Entry, look: Look) -> Refusal | None:
    if look.body is not None:
        who = Live.of(look.body)
        managers = ", ".join(dict.fromkeys(m.name for m in who.managers if not m.subresource)) or "an unknown manager"
        return Refusal(f"{entry.ref.label} exists meanwhile, made by {managers}: nothing is created over it")
    if entry.document is None:
        return Refusal(f"{entry.ref.label} has no document to create it from")
    lost = next((m for m in look.assessment.missing if m.ref.key == entry.ref.key), None)
    if lost is None or not lost.replayable:
        return Refusal(
            f"{entry.ref.label} is not to be replayed: {lost.why if lost else 'its release no longer lists it'}"
        )
    if lost.document.sha256 != entry.document.sha256:
        return Refusal(f"the stored document of {entry.ref.label} is not the one that was planned")
    for rail in contract.guardrails:
        if matches_document(rail.deny, entry.ref, {}, {}, entry.document.body):
            return Refusal(f"guardrail {rail.id} denies {entry.ref.label}: {rail.reason}")
    return None


def admit(
    contract: Contract, entry: Entry, planned: Pins, look: Look, seen: str | None, request: Request
) -> Admitted | Refusal:
    """Admits one request of an entry, or says why not. A dry run is admitted like the real thing."""
    refusal = judge(contract, entry, planned, look, seen)
    if refusal is not None:
        return refusal
    if request.ref.key != entry.ref.key:
        return Refusal(f"{request.ref.label} is not what {entry.id} is about")
    return Admitted(request)


def admit_follow_up(entry: Entry, uid: str, live: Json, request: Request) -> Admitted | Refusal:
    """Admits the second request of an entry whose first one is done: on the very object that the first one left."""
    if Live.of(live).ref.uid != uid or request.ref.key != entry.ref.key:
        return Refusal(f"{entry.ref.label} is another object now: its second step is left undone")
    return Admitted(request)


def admit_recreation(entry: Entry, now: Json | None, request: Request) -> Admitted | Refusal:
    """Admits the create half of a recreation whose deletion is done; ``now`` is what stands there (None: 404)."""
    if entry.action is not Action.RECREATE or request.ref.key != entry.ref.key:
        return Refusal(f"{request.ref.label} is not what {entry.id} is about")
    if now is not None:
        return Refusal(f"{entry.ref.label} was made again by somebody else meanwhile: nothing is created over it")
    return Admitted(request)


def _changed_pins(planned: Pins, now: Pins) -> str | None:
    if planned.cluster_uid != now.cluster_uid:
        return f"this is another cluster: {now.cluster_uid}, {planned.cluster_uid} was planned"
    if planned.contract_sha256 != now.contract_sha256:
        return "the contract has changed since the plan was made"
    current = {pin.family: pin for pin in now.families}
    for pin in planned.families:
        if current.get(pin.family) != pin:
            return f"the release records of {pin.family} have changed since the plan was made"
    return None


def owner_at_work(inventory: Inventory) -> str:
    """Which owner is changing things right now, in words; empty when none is known to.

    A Kustomization counts while it applies a change for the first time and its controller runs; retrying a failure, or
    left half-way by a dead controller, it does not.
    """
    for update in inventory.of_kind("auto.pulumi.com", "Update"):
        conditions = items(dig(update.body, ("status", "conditions")))
        running = any(_is(c, "Progressing", "True") for c in conditions)
        if running and not any(_is(c, "Complete", "True") for c in conditions):
            return f"{update.ref.label} is running"
    if not _alive(inventory, "kustomize-controller"):
        return ""
    for live in inventory.of_kind(*INVENTORIES["Kustomization"]):
        conditions = items(dig(live.body, ("status", "conditions")))
        applying = any(_is(c, "Reconciling", "True") and c.get("reason") == "Progressing" for c in conditions)
        first = dig(live.body, ("status", "observedGeneration")) != live.generation
        suspended = dig(live.body, ("spec", "suspend")) is True
        if applying and first and not suspended:
            return f"{live.ref.label} is applying a change"
    return ""


def _is(condition: Mapping[str, Any], kind: str, status: str) -> bool:
    return condition.get("type") == kind and condition.get("status") == status


def _alive(inventory: Inventory, deployment: str) -> bool:
    found = (live for live in inventory.of_kind("apps", "Deployment") if live.ref.name == deployment)
    return any((dig(live.body, ("status", "availableReplicas")) or 0) > 0 for live in found)
