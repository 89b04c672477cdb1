"""What a session would do: the plan of a cleanup and of a replay, drawn from an assessment. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final, NamedTuple

from tui.contract.model import Contract
from tui.helm.model import Document, Hook
from tui.helm.order import install_order
from tui.objects import Ref
from tui.ownership.atomic import held_back, kept, takes_back
from tui.ownership.evidence import stamp_of
from tui.ownership.model import Assessment, Candidate, Decision, FamilyView, Missing, Severity
from tui.ownership.outlook import Outlooks
from tui.recovery import chart, mend_drift, retire
from tui.recovery.gate import DECISIONS, pins_of
from tui.recovery.guard import denying
from tui.recovery.losses.table import Losses
from tui.recovery.mend import plan_mend
from tui.recovery.plan import Action, Entry, Plan, PlanKind, subjects_of

_FIRST: Final = {Decision.ADOPT: 0, Decision.RECREATE: 1, Decision.DELETE: 2}


def plan(
    kind: PlanKind, contract: Contract, assessment: Assessment, release: str = "", now: datetime | None = None
) -> Plan:
    """The plan of one step, its entries in the order they are to be done.

    ``release`` names the one to retire. With ``now``, the time of the reading, entries tell who acts upon them next.
    """
    match kind:
        case PlanKind.CLEANUP:
            found = plan_cleanup(contract, assessment)
        case PlanKind.REPLAY:
            found = plan_replay(contract, assessment)
        case PlanKind.RETIRE:
            return plan_retire(contract, assessment, release)
        case PlanKind.MEND:
            return plan_mend(contract, assessment, now)
        case PlanKind.UNDO:
            told = "what an earlier session did is undone from its journal: refloat journal undo"
            return Plan(kind, pins_of(contract, assessment), (), (told,))
    return _foreseen(found, Outlooks(assessment, now)) if now is not None else found


def steps(contract: Contract, assessment: Assessment) -> tuple[Plan, ...]:
    """The plans of every step that a session may take, for what they need: those that name no release."""
    return tuple(plan(kind, contract, assessment) for kind in (PlanKind.CLEANUP, PlanKind.REPLAY, PlanKind.MEND))


_FORESEEN: Final = frozenset({Action.DELETE, Action.CREATE, Action.REPAIR})
"""Actions of which what follows is all there is to say; of the others their own words come first."""


def _foreseen(found: Plan, outlooks: Outlooks) -> Plan:
    """The plan with what happens next to each of its objects."""

    def told(entry: Entry) -> Entry:
        after = outlooks.after(entry.action.value, entry.ref)
        if not after:
            return entry
        return replace(entry, then=after if entry.action in _FORESEEN else f"{entry.then}; {after}")

    return replace(found, entries=tuple(map(told, found.entries)), offered=tuple(map(told, found.offered)))


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
    entries = tuple(_cleanup_entry(contract, assessment, candidate) for candidate in chosen)
    advice = (*_advice(assessment, entries), *_to_come(contract, assessment))
    return Plan(PlanKind.CLEANUP, pins_of(contract, assessment), entries, advice, left)


def _to_come(contract: Contract, assessment: Assessment) -> Iterator[str]:
    """What is to be known before anything is adopted for a release that is yet to be installed."""
    for view in assessment.families:
        told = held_back(contract, view) or takes_back(contract, view)
        if told:
            yield f"{view.expected}: {told}"


def _advice(assessment: Assessment, entries: Iterable[Entry]) -> tuple[str, ...]:
    lost = sum(m.replayable for m in assessment.missing)
    deletes = any(entry.action is Action.DELETE for entry in entries)
    if lost and deletes:
        many = "1 resource of the active release is" if lost == 1 else f"{lost} resources of the active release are"
        return (f"{many} missing: replay before you delete anything",)
    return _without_writing(assessment)


def _without_writing(assessment: Assessment) -> tuple[str, ...]:
    """What the owner is to do where its release is refused or lost: what writes nothing comes before every entry."""
    told = {each.code: each.next for each in reversed(assessment.findings) if each.severity is Severity.BLOCK}
    then = told.get("refused-install") or told.get("release-absent")
    return (then,) if then else ()


def _cleanup_entry(contract: Contract, assessment: Assessment, candidate: Candidate) -> Entry:
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
        then=_then(contract, assessment.family(candidate.family), candidate),
        resource_version=live.resource_version,
        subjects=subjects,
        used_by=tuple(f"grants rights to {subject}" for subject in subjects),
        rests_on=candidate.rests_on,
        document=document,
        typed=live.ref.name if subjects else "",
    )


def _document(assessment: Assessment, candidate: Candidate) -> Document | None:
    view = assessment.family(candidate.family)
    return view.wanted(candidate.ref.key) if view else None


def _then(contract: Contract, view: FamilyView | None, candidate: Candidate) -> str:
    """What follows; of what is done for a release that is yet to be installed also what may undo it."""
    told = [_follows(candidate, to_come=view is not None and view.active is None)]
    if view is not None and candidate.target is not None and (danger := takes_back(contract, view)):
        told += [danger, kept(view, candidate.live)]
    return "; ".join(filter(None, told))


def _follows(candidate: Candidate, *, to_come: bool) -> str:
    if candidate.decision is Decision.DELETE:
        return "it is gone; nothing re-creates it: no manifest in force, no inventory and no controller lists it"
    if candidate.decision is Decision.RECREATE:
        return f"it comes back at once, for {candidate.target}; between the two its subjects lack the rights"
    takes = "install takes it over" if to_come else "upgrade takes it along"
    return f"it stays as it is and belongs to {candidate.target}; the owner's next {takes}"


def plan_replay(contract: Contract, assessment: Assessment) -> Plan:
    """What the active releases list and the cluster lacks, in Helm's install order; the CRDs of their charts first.

    Offered beside it: to set back what differs from its document.
    """
    replayable = {m.ref.key: m for m in assessment.missing if m.replayable}
    left = [(m.ref, m.why) for m in assessment.missing if not m.replayable]
    left += [
        (Ref("", hook.kind, None, hook.name), f"hook ({', '.join(hook.events)}): not covered by a replay")
        for hook in _hooks(assessment)
    ]
    charted, advice = _charted(assessment)
    losses = Losses(assessment)
    entries: list[Entry] = []
    for document in install_order([*(each.document for each in charted), *(m.document for m in replayable.values())]):
        lost = replayable.get(document.key)
        crds = () if lost is not None else [_chart_entry(each) for each in charted if each.document is document]
        for entry in [_replay_entry(lost)] if lost is not None else crds:
            rail = denying(contract, entry.ref, document, entry.family, entry.release, chart=entry.chart)
            if rail is not None:
                left.append((document.ref, f"guardrail {rail.id}: {rail.reason}"))
            else:
                entries.append(losses.weigh(entry))
    offered = tuple(_repairs(contract, assessment, left))
    pins = pins_of(contract, assessment)
    return Plan(PlanKind.REPLAY, pins, tuple(entries), tuple(advice), tuple(left), offered)


class _Charted(NamedTuple):
    """A CRD of a chart's own folder, and the release in force whose chart it is."""

    family: str
    release: str
    document: Document


def _charted(assessment: Assessment) -> tuple[list[_Charted], list[str]]:
    """The CRDs of the charts' own folders that the cluster lacks, and what is to be said of them."""
    found: list[_Charted] = []
    advice: list[str] = []
    for view in assessment.families:
        if view.active is None:
            continue
        lost = chart.lacking(view, assessment.inventory)
        if lost.fault:
            advice.append(f"the CRDs of the chart of {view.active.name}: {lost.fault}")
        found += [_Charted(view.family.name, view.active.name, document) for document in lost.documents]
    if found:
        advice.append("CRDs of a chart's crds/ folder are made again as stored; those of its subcharts are not stored")
        advice.append("what these CRDs define is found once they are there: plan the replay again then")
    return found, advice


def _chart_entry(lost: _Charted) -> Entry:
    document, release = lost.document, lost.release
    return Entry(
        action=Action.CREATE,
        ref=document.ref,
        family=lost.family,
        release=release,
        why=f"the chart of {release} has it in {document.source or 'its crds/ folder'}, and the cluster lacks it",
        owner_now="nobody: it is missing",
        then="its kind is served once it is Established; Helm stamps no CRD of this folder, nor looks at it again",
        document=document,
        chart=True,
    )


def _repairs(contract: Contract, assessment: Assessment, left: list[tuple[Ref, str]]) -> Iterator[Entry]:
    """What differs from its document and may be set back."""
    for found in mend_drift.drifted(assessment):
        why = mend_drift.why_not(contract, assessment, found)
        if why:
            left.append((found.live.ref, f"it differs ({_few(found.paths)}) and is not repaired: {why}"))
        elif found.view.active is not None:
            yield _repair_entry(found, found.view.active.name)


def _repair_entry(found: mend_drift.Drifted, release: str) -> Entry:
    ref, document = found.live.ref, found.document
    subjects = subjects_of(ref, found.live.body)
    keeps = set(subjects_of(ref, document.body))
    lost = tuple(f"{subject} loses the rights it grants" for subject in subjects if subject not in keeps)
    return Entry(
        action=Action.REPAIR,
        ref=replace(ref, api_version=document.ref.api_version),
        family=found.view.family.name,
        release=release,
        why=f"it differs from what {release} says: {_few(found.paths)}",
        owner_now=release,
        then=f"it says what {release} says again; what was changed by hand is lost",
        resource_version=found.live.resource_version,
        subjects=subjects,
        used_by=lost,
        document=document,
        typed=ref.name if lost else "",
    )


def _few(paths: Sequence[str], most: int = 6) -> str:
    more = f" and {len(paths) - most} more" if len(paths) > most else ""
    return f"{', '.join(paths[:most])}{more}"


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
