"""The one place that admits or refuses a change to the cluster. Pure: whoever asks brings what was read.

A change is admitted three times: when planned, when confirmed, and immediately before its request, each time against
an assessment that was read afresh. The writer takes only an :class:`Admitted`, and only this module makes one.
"""

import hashlib
import json
from dataclasses import dataclass
from typing import Final

from tui.contract.model import Contract
from tui.helm.model import Document
from tui.objects import Inventory, Json, KindKey, Live, Ref
from tui.ownership.atomic import HELM_CHART, HELM_CHART_CONFIG
from tui.ownership.evidence import INVENTORIES
from tui.ownership.mentions import ANNOTATED, SEARCHED, may_mention
from tui.ownership.model import Assessment, Candidate, Decision, FamilyState, FamilyView
from tui.ownership.references import SERVICE, is_referrer_group
from tui.ownership.releases import STORAGE_KINDS
from tui.ownership.usage import ADDRESSES, USERS
from tui.recovery import lease, mend_drift, mend_finalizers, mend_flux, requests, retire, shapes, undo
from tui.recovery.at_work import owner_at_work
from tui.recovery.chart import ChartCrds, chart_crds
from tui.recovery.guard import denying
from tui.recovery.losses.table import Losses, rests_on
from tui.recovery.masking import LAST_APPLIED
from tui.recovery.mend_drift import Conflict
from tui.recovery.plan import Action, Entry, FamilyPin, Pins, subjects_of
from tui.recovery.ports import Method, Request
from tui.text import clean

DEPLOYMENT: Final = KindKey("apps", "Deployment")
MENDS: Final = (Action.RECONCILE, Action.RESUME, Action.UNFINALIZE, Action.REPAIR)
"""Actions that leave the object in its place: nothing that uses it could lose it."""

DECISIONS: Final = {Decision.DELETE: Action.DELETE, Decision.ADOPT: Action.ADOPT, Decision.RECREATE: Action.RECREATE}


@dataclass(frozen=True, slots=True)
class Admitted:
    """A request that the gate let through. Made by :func:`admit` alone; a test sees to that."""

    request: Request


@dataclass(frozen=True, slots=True)
class Look:
    """What was read for one admission: the fresh assessment, and the object itself as the server has it (None: 404).

    ``conflicts`` are those that a server-side apply meets on this very object, None where none was tried.
    """

    assessment: Assessment
    body: Json | None
    pins: Pins
    conflicts: frozenset[Conflict] | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a change is not admitted. ``whole_plan``: what the plan itself rests on has changed. ``busy``: an owner is at
    work, and it may be admitted once that has ended."""

    why: str
    whole_plan: bool = False
    busy: bool = False


def pins_of(contract: Contract, assessment: Assessment) -> Pins:
    """What a plan made now rests on."""
    families = tuple(_family_pin(view) for view in assessment.families)
    return Pins(assessment.inventory.cluster_uid, contract.name, contract.sha256, families)


def _family_pin(view: FamilyView) -> FamilyPin:
    active = view.active
    if active is None:
        return FamilyPin(view.family.name, view.expected, None, None)
    documents = hashlib.sha256(active.manifest.encode("utf-8", "surrogatepass")).hexdigest()
    return FamilyPin(view.family.name, active.name, active.revision, active.storage.uid, documents)


def kinds_to_reread(entry: Entry, inventory: Inventory) -> frozenset[KindKey]:
    """Everything that S4 and S7 rest on for this entry, the release records, and what tells of an owner at work.

    Of a creation also what tells of that which it does not bring back.
    """
    kind = entry.ref.kind_key
    kinds = {kind, DEPLOYMENT, *(KindKey("", storage) for storage in STORAGE_KINDS), *INVENTORIES.values()}
    kinds |= {served for served in inventory.served if is_referrer_group(served.group)} | rests_on(entry)
    if entry.action is Action.UNFINALIZE:
        kinds |= set(mend_finalizers.RELEVANT)
    if entry.action in (Action.ADOPT, Action.RECREATE):
        kinds |= {HELM_CHART, HELM_CHART_CONFIG}
    if entry.action not in (Action.CREATE, *MENDS):
        kinds |= set(USERS.get(kind, ()))
        # A user may be under a controller that leaves too: the chain must be whole to see that.
        kinds.add(KindKey("apps", "ReplicaSet"))
    if kind == SERVICE:
        kinds |= set(ADDRESSES)
    if may_be_named(entry):
        kinds |= {whole for whole in inventory.whole if may_mention(*whole) or whole in ANNOTATED}
    return frozenset(kinds & set(inventory.served))


def may_be_named(entry: Entry) -> bool:
    """Whether anything may name the object of a deletion in passing, so that everything is searched for it again."""
    return entry.action is Action.DELETE and entry.ref.kind_key in SEARCHED


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
    view = look.assessment.family(entry.family)
    if view is not None and view.state is FamilyState.UNVERIFIABLE:
        return Refusal(f"the releases of {entry.family} could not be verified: {view.why}", whole_plan=True)
    if (changed := changed_pins(planned, look.pins)) is not None:
        return Refusal(changed, whole_plan=True)
    busy = owner_at_work(look.assessment.inventory, look.assessment.families)
    if busy:
        return Refusal(f"{busy}: no write while an owner is at work; wait for it to end", busy=True)
    if entry.action is Action.CREATE:
        return _judge_create(contract, entry, look)
    if entry.action is Action.RESTORE:
        return _judge_restoration(contract, entry, look)
    return _judge_existing(entry, look, seen) or _judge_action(contract, entry, look)


def _judge_action(contract: Contract, entry: Entry, look: Look) -> Refusal | None:
    """What each action demands of the object that stands."""
    if entry.action is Action.RETIRE:
        return _judge_retirement(entry, look)
    if entry.action is Action.REPAIR:
        return _judge_repair(contract, entry, look)
    live = Live.of(look.body or {})
    match entry.action:
        case Action.RECONCILE:
            why = mend_flux.why_not_reconcile(live)
        case Action.RESUME:
            why = mend_flux.why_not_resume(live)
        case Action.UNFINALIZE:
            why = mend_finalizers.why_not(look.assessment.inventory, live, entry.finalizer)
        case _:
            return _judge_candidate(contract, entry, look)
    return Refusal(why) if why else None


def _judge_restoration(contract: Contract, entry: Entry, look: Look) -> Refusal | None:
    state = fingerprint(look.body) if look.body is not None else ""
    why = undo.why_not(contract, entry, look.body, state, look.assessment.inventory)
    return Refusal(why) if why else None


def _judge_repair(contract: Contract, entry: Entry, look: Look) -> Refusal | None:
    found = mend_drift.find(look.assessment, entry.family, entry.ref.key)
    if found is None:
        return Refusal(f"{entry.ref.label} is as its release's document has it, or is listed no longer")
    if entry.document is None or found.document.sha256 != entry.document.sha256:
        return Refusal(f"the stored document of {entry.ref.label} is not the one that was planned", whole_plan=True)
    if found.view.active is None or found.view.active.name != entry.release:
        return Refusal(f"{entry.ref.label} no longer belongs to {entry.release}", whole_plan=True)
    why = mend_drift.why_not(contract, look.assessment, found)
    return Refusal(f"{entry.ref.label} is not repaired: {why}") if why else None


def _judge_retirement(entry: Entry, look: Look) -> Refusal | None:
    found = retire.find(look.assessment, entry.release)
    if found is None or all(record.storage.uid != entry.ref.uid for record in found[1].records):
        return Refusal(f"{entry.ref.label} is no longer a record of {entry.release}")
    why = retire.why_not(*found, look.assessment.inventory)
    return Refusal(f"{entry.release} cannot be retired: {why}") if why else None


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
    if entry.action is not Action.ADOPT and subjects_of(entry.ref, look.body) != entry.subjects:
        return Refusal(f"{entry.ref.label} grants rights to others than when it was planned: plan again")
    return None


def _judge_candidate(contract: Contract, entry: Entry, look: Look) -> Refusal | None:
    candidate = next((c for c in look.assessment.candidates if c.ref.key == entry.ref.key), None)
    if candidate is None or DECISIONS.get(candidate.decision) is not entry.action:
        return Refusal(_why_not(entry, candidate))
    if entry.action is not Action.DELETE and candidate.target != entry.release:
        return Refusal(f"{entry.ref.label} would now belong to {candidate.target}, {entry.release} was planned")
    still_there = [key for key in candidate.rests_on if key in look.assessment.inventory.objects]
    if still_there:
        kind, name = still_there[0].kind, still_there[0].name
        return Refusal(f"{entry.ref.label} is used by {kind} {name}, which must leave first")
    return _judge_recreation(contract, entry, look) if entry.action is Action.RECREATE else None


def _judge_recreation(contract: Contract, entry: Entry, look: Look) -> Refusal | None:
    """What is made again must be what the manifest says now: the stored one, or that of the expected release."""
    view = look.assessment.family(entry.family)
    wanted = view.wanted(entry.ref.key) if view is not None else None
    if entry.document is None or wanted is None or wanted.sha256 != entry.document.sha256:
        return Refusal(f"the document of {entry.ref.label} is not the one that was planned", whole_plan=True)
    return _judge_document(contract, entry)


def _why_not(entry: Entry, candidate: Candidate | None) -> str:
    if candidate is None:
        return f"{entry.ref.label} is no longer a candidate: its stamp or its release has changed"
    failed = ", ".join(candidate.rules)
    return f"{entry.ref.label} is now to {candidate.decision.value} ({failed}): {candidate.why}"


def _judge_create(contract: Contract, entry: Entry, look: Look) -> Refusal | None:
    if look.body is not None:
        return Refusal(f"{entry.ref.label} exists meanwhile, made by {made_by(look.body)}: nothing is created over it")
    for kind in (entry.ref.kind_key, *INVENTORIES.values()):
        gap = look.assessment.inventory.gap(*kind, entry.ref.namespace)
        if gap is not None:
            return Refusal(f"could not verify that nobody has or lists {entry.ref.label}: {gap.text}")
    if entry.chart:
        return _judge_chart(contract, entry, look)
    lost = next((m for m in look.assessment.missing if m.ref.key == entry.ref.key), None)
    if lost is None or not lost.replayable:
        return Refusal(
            f"{entry.ref.label} is not to be replayed: {lost.why if lost else 'its release no longer lists it'}"
        )
    if entry.document is not None and lost.document.sha256 != entry.document.sha256:
        return Refusal(f"the stored document of {entry.ref.label} is not the one that was planned", whole_plan=True)
    return _judge_document(contract, entry) or _judge_losses(entry, look)


def _judge_losses(entry: Entry, look: Look) -> Refusal | None:
    """Whether everything was told that an empty replacement would hide: it may have come to be lost since."""
    untold = Losses(look.assessment).untold(entry)
    return Refusal(f"{entry.ref.label} hides a loss that was not shown: {untold}: look at it again") if untold else None


def _judge_chart(contract: Contract, entry: Entry, look: Look) -> Refusal | None:
    """A CRD of the chart's own folder: it must be stored in the record of the release in force, as it was planned."""
    view = look.assessment.family(entry.family)
    stored = chart_crds(view) if view is not None else ChartCrds((), "its release is not known any more")
    if stored.fault or all(each.sha256 != (entry.document and entry.document.sha256) for each in stored.documents):
        return Refusal(f"{entry.ref.label} is not stored in its release's chart as it was planned", whole_plan=True)
    return _judge_document(contract, entry) or _judge_losses(entry, look)


def _judge_document(contract: Contract, entry: Entry) -> Refusal | None:
    """Whether the contract lets a stored document be sent at all."""
    if entry.document is None:
        return Refusal(f"{entry.ref.label} has no document to create it from")
    rail = denying(contract, entry.ref, entry.document, entry.family, entry.release, chart=entry.chart)
    return Refusal(f"guardrail {rail.id} denies {entry.ref.label}: {rail.reason}") if rail is not None else None


def made_by(body: Json) -> str:
    """Who holds fields of an object, in words: what to tell of one that appeared meanwhile."""
    managers = dict.fromkeys(m.name for m in Live.of(body).managers if not m.subresource)
    return clean(", ".join(managers), 400) or "an unknown manager"


def admit(
    contract: Contract,
    entry: Entry,
    planned: Pins,
    look: Look,
    seen: str | None,
    request: Request,
    yielded: frozenset[Conflict] = frozenset(),
) -> Admitted | Refusal:
    """Admits one request of an entry, or says why not. A dry run is admitted like the real thing.

    ``seen`` may be None for a dry run and for a create alone: whatever changes an object was shown before. ``yielded``
    are the conflicts that the operator saw and chose to override by typing the object's name.
    """
    refusal = judge(contract, entry, planned, look, seen)
    if refusal is not None:
        return refusal
    if seen is None and look.body is not None and not request.dry_run:
        return Refusal(f"{entry.ref.label} was not shown before it was confirmed: look at it first")
    view = look.assessment.family(entry.family)
    if not shapes.fits(entry, look.body, view.family.namespace if view else "", request):
        return _unfit(entry, request)
    why = _stranger(entry, look, view, request)
    if not why and request.force:
        why = _why_not_force(contract, entry, look, request, yielded)
    return Refusal(why) if why else Admitted(request)


def _stranger(entry: Entry, look: Look, view: FamilyView | None, request: Request) -> str:
    """Why the manager of a request is the wrong one; empty where it is the one that the entry is to leave."""
    if request.method is Method.DELETE or entry.action is Action.RESTORE:
        return ""
    own = requests.manager_of(entry, look.body, view, look.assessment.inventory)
    return "" if request.manager == own else f"{entry.ref.label} is to be held by {own}, not by {request.manager}"


def _why_not_force(contract: Contract, entry: Entry, look: Look, request: Request, yielded: frozenset[Conflict]) -> str:
    """Why fields may not be taken from those who hold them; empty where they may."""
    if not look.conflicts:
        return f"{entry.ref.label} is not to be forced: no conflict was seen"
    others = mend_drift.untouchable(contract, look.conflicts, request.manager)
    if others:
        return f"nothing is taken from {', '.join(others)}: {mend_drift.told(look.conflicts)}"
    if not request.dry_run and not look.conflicts <= yielded:
        new = mend_drift.told(look.conflicts - yielded)
        return f"{entry.ref.label} is held by others than when it was shown ({new}): look at it again"
    return ""


def admit_follow_up(entry: Entry, uid: str, live: Json, request: Request, before: Json | None) -> Admitted | Refusal:
    """Admits the second request of an entry whose first one is done: on the very object that the first one left.

    It may say who manages the object's fields, and nothing else: none is lost by it, and what one holds who did not
    hold the stamp ``before`` stays with him.
    """
    if Live.of(live).ref.uid != uid:
        return Refusal(f"{entry.ref.label} is another object now: its second step is left undone")
    return Admitted(request) if shapes.hands_over(entry, live, before, request) else _unfit(entry, request)


def admit_recreation(
    entry: Entry, now: Json | None, request: Request, space: str, before: Json | None
) -> Admitted | Refusal:
    """Admits the create half of a recreation whose deletion is done; ``now`` is what stands there (None: 404).

    It makes what its entry says, with the stamps of its release in ``space``, or again what stood ``before``.
    """
    if now is not None:
        return Refusal(
            f"{entry.ref.label} was made again by {made_by(now)} meanwhile: nothing is created over it",
        )
    return Admitted(request) if shapes.makes_again(entry, space, before, request) else _unfit(entry, request)


def admit_expected(view: FamilyView, document: Document, live: Live | None, request: Request) -> Admitted | Refusal:
    """Admits the trial of one document of an expected release's manifest: a dry run of what its install would do.

    It makes it where nothing is ``live``, or applies it to exactly the object that is; nothing else passes, and nothing
    at all that the server would carry out.
    """
    if view.expected is None or not request.dry_run:
        return Refusal(f"{request.ref.label} was to be tried, not done: it belongs to no release that is there")
    if not shapes.tries(document, view.expected, view.family.namespace, live, request):
        return _unlike(request, f"a trial of a document that {view.expected} is to hold")
    return Admitted(request)


def admit_lease(request: Request) -> Admitted | Refusal:
    """Admits what keeps two operators apart: the session's own Lease, made, or changed exactly as it was last read."""
    ref, body = request.ref, request.body if isinstance(request.body, dict) else {}
    meta = body.get("metadata") or {}
    ours = (ref.api_version, ref.kind, ref.name) == (lease.API_VERSION, "Lease", lease.NAME) and bool(ref.namespace)
    held = request.manager == lease.MANAGER and not request.dry_run
    if request.method is Method.CREATE:
        fits = set(body) == _MADE and _names(body, ref) and set(meta) <= {"name", "namespace", "annotations"}
    else:
        pinned = bool(meta.get("uid")) and bool(meta.get("resourceVersion"))
        parts = {"metadata", "spec"}
        fits = request.method is Method.MERGE_PATCH and pinned and set(body) == parts and set(meta) <= _LEASED
    return Admitted(request) if ours and held and fits else _unlike(request, "the session's own Lease")


def admit_event(request: Request) -> Admitted | Refusal:
    """Admits the telling of a change: an Event made in Refloat's own name, of the normal type."""
    ref, body = request.ref, request.body if isinstance(request.body, dict) else {}
    ours = (ref.api_version, ref.kind) == ("v1", "Event") and _names(body, ref) and not request.dry_run
    named = body.get("reportingComponent") == lease.MANAGER and body.get("type") == "Normal"
    told = ours and named and request.method is Method.CREATE and request.manager == lease.MANAGER
    return Admitted(request) if told else _unlike(request, "an Event of a change")


def _names(body: Json, ref: Ref) -> bool:
    return Ref.of(body) == ref


def _unlike(request: Request, what: str) -> Refusal:
    return Refusal(f"a {request.method.value} of {request.ref.label} is not {what}")


_MADE: Final = {"apiVersion", "kind", "metadata", "spec"}
_LEASED: Final = {"uid", "resourceVersion", "annotations"}


def _unfit(entry: Entry, request: Request) -> Refusal:
    return Refusal(f"a {request.method.value} of {request.ref.label} is not what {entry.id} is about")


def changed_pins(planned: Pins, now: Pins) -> str | None:
    """What of that which a whole plan rests on is no longer so; None where all of it holds."""
    if planned.cluster_uid != now.cluster_uid:
        return f"this is another cluster: {now.cluster_uid}, {planned.cluster_uid} was planned"
    if planned.contract_sha256 != now.contract_sha256:
        return "the contract has changed since the plan was made"
    then = {pin.family: pin for pin in planned.families}
    if then.keys() != {pin.family for pin in now.families} or len(then) != len(planned.families):
        return "the plan does not rest on the release families of this contract"
    for pin in now.families:
        if then[pin.family] != pin:
            return f"the release records of {pin.family} have changed since the plan was made"
    return None
