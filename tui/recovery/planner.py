"""What a session would do: the plan of a cleanup and of a replay, drawn from an assessment. Pure."""

from collections.abc import Iterable
from typing import Final

from tui.contract.model import Contract
from tui.contract.select import matches_document
from tui.helm.model import Document, Hook
from tui.helm.order import install_order
from tui.objects import Ref
from tui.ownership.evidence import stamp_of
from tui.ownership.model import Assessment, Candidate, Decision, Missing
from tui.recovery import retire
from tui.recovery.gate import DECISIONS, pins_of
from tui.recovery.plan import Action, Entry, Plan, PlanKind, subjects_of

_FIRST: Final = {Decision.ADOPT: 0, Decision.RECREATE: 1, Decision.DELETE: 2}


def plan(kind: PlanKind, contract: Contract, assessment: Assessment, release: str = "") -> Plan:
    """The plan of one step, its entries in the order they are to be done. ``release`` names the one to retire."""
    if kind is PlanKind.CLEANUP:
        return plan_cleanup(contract, assessment)
    if kind is PlanKind.RETIRE:
        return plan_retire(contract, assessment, release)
    return plan_replay(contract, assessment)


def plan_cleanup(contract: Contract, assessment: Assessment) -> Plan:
    """Adoptions first, then recreations, deletions last and each after everything that uses it."""
    chosen = sorted(
        (c for c in assessment.candidates if c.decision is not Decision.PROTECT), key=lambda c: _FIRST[c.decision]
    )
    left = tuple(
        (c.ref, f"protected ({', '.join(c.rules)}): {c.why}")
        for c in assessment.candidates
        if c.decision is Decision.PROTECT
    )
    entries = tuple(_cleanup_entry(assessment, candidate) for candidate in chosen)
    return Plan(PlanKind.CLEANUP, pins_of(contract, assessment), entries, _advice(assessment, entries), left)


def _advice(assessment: Assessment, entries: Iterable[Entry]) -> tuple[str, ...]:
    lost = sum(m.replayable for m in assessment.missing)
    deletes = any(entry.action is Action.DELETE for entry in entries)
    if lost and deletes:
        many = "1 resource of the active release is" if lost == 1 else f"{lost} resources of the active release are"
        return (f"{many} missing: replay before you delete anything",)
    return ()


def _cleanup_entry(assessment: Assessment, candidate: Candidate) -> Entry:
    live = candidate.live
    action = DECISIONS[candidate.decision]
    document = _document(assessment, candidate) if action is Action.RECREATE else None
    subjects = subjects_of(live.ref, live.body) if action is not Action.ADOPT else ()
    stamp = stamp_of(live)
    return Entry(
        action=action,
        ref=live.ref,
        family=candidate.family,
        release=candidate.target or candidate.release,
        why=candidate.why,
        owner_now=f"stale release {stamp.release}"
        if stamp and stamp.release != candidate.target
        else "no complete stamp",
        then=_then(candidate),
        resource_version=live.resource_version,
        subjects=subjects,
        used_by=tuple(f"grants rights to {subject}" for subject in subjects),
        rests_on=candidate.rests_on,
        document=document,
        typed=live.ref.name if subjects else "",
    )


def _document(assessment: Assessment, candidate: Candidate) -> Document | None:
    view = assessment.family(candidate.family)
    listed = view.listed if view else ()
    return next((each.documents[candidate.ref.key] for each in listed if candidate.ref.key in each.documents), None)


def _then(candidate: Candidate) -> str:
    if candidate.decision is Decision.DELETE:
        return "it is gone; nothing re-creates it: no manifest in force, no inventory and no controller lists it"
    if candidate.decision is Decision.RECREATE:
        return f"it comes back at once, for {candidate.target}; between the two its subjects lack the rights"
    return f"it stays as it is and belongs to {candidate.target}; the owner's next upgrade takes it along"


def plan_replay(contract: Contract, assessment: Assessment) -> Plan:
    """What the active releases list and the cluster lacks, in Helm's install order."""
    replayable = {m.ref.key: m for m in assessment.missing if m.replayable}
    left = [(m.ref, m.why) for m in assessment.missing if not m.replayable]
    left += [
        (Ref("", hook.kind, None, hook.name), f"hook ({', '.join(hook.events)}): not covered by a replay")
        for hook in _hooks(assessment)
    ]
    entries: list[Entry] = []
    for document in install_order([m.document for m in replayable.values()]):
        lost = replayable[document.key]
        denied = _denied(contract, document)
        if denied:
            left.append((document.ref, denied))
        else:
            entries.append(_replay_entry(lost))
    return Plan(PlanKind.REPLAY, pins_of(contract, assessment), tuple(entries), (), tuple(left))


def plan_retire(contract: Contract, assessment: Assessment, name: str) -> Plan:
    """The records of one release, where they may leave; else a plan without entries that says why not."""
    pins, found = pins_of(contract, assessment), retire.find(assessment, name)
    if found is None:
        return Plan(PlanKind.RETIRE, pins, (), (f"{name} is recorded in no family of the contract",))
    view, release = found
    why = retire.why_not(view, release, assessment.inventory)
    if why:
        left = tuple((record.storage, why) for record in release.records)
        return Plan(PlanKind.RETIRE, pins, (), (f"{name} cannot be retired: {why}",), left)
    return Plan(PlanKind.RETIRE, pins, retire.entries(view, release))


def _hooks(assessment: Assessment) -> list[Hook]:
    return [hook for view in assessment.families if view.active for hook in view.active.hooks]


def _denied(contract: Contract, document: Document) -> str:
    for rail in contract.guardrails:
        if matches_document(rail.deny, document.ref, {}, {}, document.body):
            return f"guardrail {rail.id}: {rail.reason}"
    return ""


def _replay_entry(lost: Missing) -> Entry:
    return Entry(
        action=Action.CREATE,
        ref=lost.ref,
        family=lost.family,
        release=lost.release,
        why=lost.why,
        owner_now="nobody: it is missing",
        then=_comes_alive(lost.ref),
        document=lost.document,
    )


def _comes_alive(ref: Ref) -> str:
    if ref.kind == "Deployment":
        return "the Deployment controller starts its pods"
    if ref.kind == "CustomResourceDefinition":
        return "its kind is served again once it is Established; instances that were deleted do not come back"
    return "it belongs to its release again; the owner's next upgrade takes it along"
