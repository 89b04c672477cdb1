"""All that is known of one object, as one bounded page of plain text: what settles a dispute about it. Pure.

The command line prints it, the evidence pane draws it. Every piece of evidence comes with the command that shows it.
Nothing of a Secret's data is on it: only metadata of Secrets is ever known here.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from tui.contract.model import Contract
from tui.contract.select import matches, resource_matches
from tui.contract.tools import title_of
from tui.objects import Inventory, Key, Live, Ref
from tui.ownership.conditions import conditions_of, words
from tui.ownership.dossier_evidence import BY, command_of
from tui.ownership.fields import holdings
from tui.ownership.model import Assessment, Attribution, Candidate, Decision, Finding, Missing, State, Strength
from tui.ownership.outlook import Outlooks
from tui.ownership.policies import Policies
from tui.ownership.references import Damaged, references
from tui.ownership.staleness import documents_of
from tui.ownership.usage import Usage

MAX_ITEMS: Final = 20
"""Lines of one section; the rest is counted."""

MAX_FIELDS: Final = 6
"""Fields named of one manager."""

MAX_VALUE: Final = 500
"""Characters of a label's or annotation's value."""

_DECISIONS: Final = {
    Decision.DELETE: "may be deleted: every rule is proven",
    Decision.ADOPT: "to be adopted by",
    Decision.RECREATE: "to be recreated for",
    Decision.PROTECT: "protected",
}
_LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"


class Tone(StrEnum):
    """How an item weighs: ``good`` is confirmed, ``warn`` doubtful, ``bad`` broken."""

    PLAIN = "plain"
    GOOD = "good"
    WARN = "warn"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Item:
    """One statement, with what bears it out below."""

    text: str
    tone: Tone = Tone.PLAIN
    details: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """Statements of one subject."""

    title: str
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Dossier:
    """The page. ``state`` is None of an object that was not judged (yet), or that nobody knows."""

    label: str
    api_version: str
    state: State | None
    sections: tuple[Section, ...]


class Lookups:
    """What pages are made from beside the assessment: indexes, so that a page costs little.

    ``now`` is the time of the reading, with an offset. Building it walks the inventory: to be done beside the screen.
    """

    def __init__(self, assessment: Assessment, now: datetime) -> None:
        documents = [body for view in assessment.families for body in documents_of(view)]
        self.now = now
        self.outlooks = Outlooks(assessment, now)
        self.usage = Usage(assessment.inventory, None, documents, named=assessment.inventory.searched.targets)
        self.policies = Policies(assessment.inventory, now)
        self.findings: dict[Key, list[Finding]] = {}
        for finding in assessment.findings:
            for ref in finding.resources:
                self.findings.setdefault(ref.key, []).append(finding)


def dossier(
    contract: Contract, assessment: Assessment, key: Key, lookups: Lookups | None, past: Iterable[str] = ()
) -> Dossier:
    """The page about one object, live or missing. Without ``lookups`` what rests on them is left out.

    ``past`` are releases that listed it once, in words, where they were looked for.
    """
    row, live = assessment.attributions.get(key), assessment.inventory.get(key)
    if row is None and live is None:
        return Dossier(_label(key), "", None, (Section("state", (Item("is not there (any more)"),)),))
    ref = row.ref if row else live.ref if live else Ref("", *key[1:])
    found = [
        *_claim(contract, row),
        *_evidence(contract, row, live, assessment.inventory),
        *_section("past, and no evidence", map(Item, (each for each in past if row is None or each not in row.notes))),
        *_fields(live),
        *_cleanup(next((c for c in assessment.candidates if c.ref.key == key), None)),
        *_missing(next((m for m in assessment.missing if m.ref.key == key), None)),
        *_findings(lookups.findings.get(key, ()) if lookups else ()),
        *_decisions(contract, ref),
    ]
    if lookups is not None:
        found += _policies(contract, assessment, key, lookups.policies)
        found += [*_next(key, lookups.outlooks), *_used_by(key, lookups.usage)]
    if live is not None:
        below = lookups.outlooks.below.dependents.get(live.ref.uid or "", ()) if lookups else ()
        found += [*_uses(live, assessment.inventory), *_owners(live, assessment.inventory, below)]
        found += [*_conditions(live), *_metadata(live), *_freshness(live, lookups)]
    return Dossier(ref.label, ref.api_version, row.state if row else None, tuple(found))


def _label(key: Key) -> str:
    return f"{key.kind} {key.namespace}/{key.name}" if key.namespace else f"{key.kind} {key.name}"


def _section(title: str, items: Iterable[Item]) -> Iterator[Section]:
    """A section, if there is anything in it; what is beyond its bound is counted."""
    found = list(items)
    if len(found) > MAX_ITEMS:
        found = [*found[:MAX_ITEMS], Item(f"and {len(found) - MAX_ITEMS} more")]
    if found:
        yield Section(title, tuple(found))


def _claim(contract: Contract, row: Attribution | None) -> Iterator[Section]:
    if row is None:
        yield Section("claim", (Item("appeared since the last assessment; its owner is not judged yet"),))
        return
    owners = " and ".join(title_of(contract, owner) for owner in row.owners) or "nobody"
    items = [Item(f"evidence for {owners}")]
    if row.why_unverifiable:
        items.append(Item(f"could not verify: {row.why_unverifiable}", Tone.WARN))
    claim = row.claim
    if claim is None:
        items.append(Item("no claim in the contract"))
    else:
        where = f" ({contract.source}, line {claim.line})" if claim.line else ""
        owner = title_of(contract, claim.owner)
        items.append(Item(f"claimed for {owner}, layer {claim.layer}, from {claim.source}{where}"))
    if row.release:
        items.append(Item(f"release {row.release}"))
    yield Section("claim", tuple(items))


def _evidence(
    contract: Contract, row: Attribution | None, live: Live | None, inventory: Inventory
) -> Iterator[Section]:
    if row is None:
        return
    items = []
    # The marks are those of the root: a command about the object itself would not show them.
    above = None if row.root == row.ref.key else inventory.get(row.root)
    for one in sorted(row.evidence, key=lambda each: -each.strength):
        sure = "confirmed by the owner's own record" if one.confirmed else "not confirmed"
        text = f"{title_of(contract, one.owner)} by {BY[one.strength]}, {sure}"
        tone = Tone.GOOD if one.confirmed else Tone.PLAIN
        own = above is None or one.strength is Strength.OWNER_REFERENCE
        command = command_of(one, row.ref, live) if own or above is None else command_of(one, above.ref, above)
        items.append(Item(text, tone, (one.text, command)))
    items = items or [Item("none: no mark of any owner that is known")]
    items += [Item(note) for note in row.notes]
    yield from _section("evidence, strongest first", items)


def _fields(live: Live | None) -> Iterator[Section]:
    items = []
    for held in holdings(live) if live is not None else ():
        some = held.paths[:MAX_FIELDS]
        more = f" and {len(held.paths) - len(some)} more" if len(held.paths) > len(some) else ""
        count = f"{len(held.paths)} fields" if len(held.paths) != 1 else "1 field"
        said = "every field" if held.sole and not held.paths else count
        items.append(Item(f"{held.who} holds {said}", details=(f"{', '.join(some)}{more}",) if some else ()))
    yield from _section("who set which fields, last first", items)


def _cleanup(candidate: Candidate | None) -> Iterator[Section]:
    if candidate is not None:
        said = _DECISIONS[candidate.decision]
        if candidate.target and candidate.decision in (Decision.ADOPT, Decision.RECREATE):
            said = f"{said} {candidate.target}"
        failed = tuple(f"{rule.value} {why}" for rule, why in candidate.failed)
        yield Section("cleanup", (Item(said, details=(candidate.why, *failed)),))


def _missing(lost: Missing | None) -> Iterator[Section]:
    if lost is not None:
        can = "replay can create it" if lost.replayable else "replay does not create it"
        tone = Tone.GOOD if lost.replayable else Tone.WARN
        yield Section("missing", (Item(f"listed by {lost.release}: {can}", tone, (lost.why,)),))


def _findings(about: Iterable[Finding]) -> Iterator[Section]:
    tones = {"block": Tone.BAD, "warn": Tone.WARN, "info": Tone.PLAIN}
    yield from _section(
        "findings",
        (
            Item(f"{f.severity.value} {f.code}: {f.summary}", tones[f.severity.value], (f"next: {f.next}",))
            for f in about
        ),
    )


def _decisions(contract: Contract, ref: Ref) -> Iterator[Section]:
    """Decisions that were taken about the object."""
    items = []
    for taken in contract.decisions:
        if resource_matches(taken.resource, ref):
            removed = (f"removed: {taken.removed}",) if taken.removed else ()
            text = f"decided for {title_of(contract, taken.owner)} ({contract.source}, line {taken.line})"
            items.append(Item(text, details=(taken.reason, *removed)))
    yield from _section("decisions", items)


def _policies(contract: Contract, assessment: Assessment, key: Key, policies: Policies) -> Iterator[Section]:
    """The guardrails that deny the object, whether the cluster enforces them, and what policies report of it."""
    live = assessment.inventory.get(key)
    broken = {rail.id: rail for rail in contract.guardrails if live is not None and matches(rail.deny, live)}
    items = [
        Item(f"denied by {each.text}", Tone.WARN, (broken[each.guardrail].reason,))
        for each in assessment.policies
        if each.guardrail in broken
    ]
    items += [Item(f"reported by {each.text}", Tone.WARN, (each.policy.command,)) for each in policies.of(key)]
    yield from _section("policies", items)


def _next(key: Key, outlooks: Outlooks) -> Iterator[Section]:
    yield from _section("what happens next", map(Item, outlooks.of(key).lines))


def _used_by(key: Key, usage: Usage) -> Iterator[Section]:
    items = [Item(f"{use.user.label} {use.reason}") for _, use in usage.of(key)]
    items = list(dict.fromkeys(items))[: MAX_ITEMS * 50]
    items += [Item(f"could not verify: {why}", Tone.WARN) for why in usage.unverified(key)]
    searched = usage.searched(key)
    nobody = Item("nobody that is known" if searched else "nobody that is known; refloat explain searches for its name")
    yield from _section("used by", items or [nobody])


def _uses(live: Live, inventory: Inventory) -> Iterator[Section]:
    """What the object names, and whether that is there."""
    items: dict[str, Item] = {}
    try:
        for edge in references(live.body or {}):
            target = edge.target
            label = _label(target)
            gap = inventory.gap(target.group, target.kind, target.namespace)
            there = Item(f"{label}: {edge.reason}")
            if target not in inventory.objects:
                why = f"could not be read: {gap.text}" if gap else "is not there"
                there = Item(f"{label} {why}: {edge.reason}", Tone.WARN if gap else Tone.BAD)
            items.setdefault(there.text, there)
    except Damaged as damaged:
        items["damaged"] = Item(f"could not be read further: {damaged}", Tone.WARN)
    yield from _section("uses", items.values())


def _owners(live: Live, inventory: Inventory, below: Iterable[Ref]) -> Iterator[Section]:
    chain = owner_chain(live, inventory)
    yield from _section("made by", [Item(" → ".join(chain))] if chain else [])
    names = sorted(ref.label for ref in below)
    count = "1 object" if len(names) == 1 else f"{len(names)} objects"
    yield from _section(f"dependents: {count} named it as owner", map(Item, names))


def owner_chain(live: Live, inventory: Inventory) -> tuple[str, ...]:
    """The controllers above an object, nearest first, to the root; one that is not there is said to be missing."""
    chain: list[str] = []
    seen = {live.key}
    current: Live | None = live
    while current is not None and current.controller is not None and len(chain) < MAX_ITEMS:
        owner = current.controller
        ref = Ref(owner.api_version, owner.kind, current.ref.namespace, owner.name, owner.uid)
        above = inventory.get(ref.key) or inventory.get(ref.key._replace(namespace=None))
        known = above is not None and above.ref.uid == owner.uid
        chain.append(above.ref.label if above and known else f"{ref.label} (not found with this uid)")
        if above is None or not known or above.key in seen:
            break
        seen.add(above.key)
        current = above
    return tuple(chain)


def _conditions(live: Live) -> Iterator[Section]:
    items = []
    for one in conditions_of(live).values():
        since = f", since {one.since.isoformat()}" if one.since else ""
        items.append(Item(f"{one.type} {one.status}{since}", details=(one.text,)))
    yield from _section("conditions", items)


def _metadata(live: Live) -> Iterator[Section]:
    if live.finalizers:
        yield from _section("finalizers", map(Item, live.finalizers))
    for title, values in (("labels", live.labels), ("annotations", live.annotations)):
        yield from _section(title, (Item(f"{name}: {_value(name, value)}") for name, value in values.items()))


def _value(name: str, value: str) -> str:
    """A value, cut short; kubectl's copy of the object may hold a Secret's data and stays masked."""
    return "*** (kubectl's copy of the object)" if name == _LAST_APPLIED else words(value, MAX_VALUE)


def _freshness(live: Live, lookups: Lookups | None) -> Iterator[Section]:
    made = f"created {live.created}, " if live.created else ""
    items = [Item(f"{made}uid {live.ref.uid or 'unknown'}, resourceVersion {live.resource_version or 'unknown'}")]
    if live.deleting:
        items.insert(0, Item(f"being deleted since {live.deleting}", Tone.BAD))
    if lookups is not None:
        items.append(Item(f"read at {lookups.now.isoformat(timespec='seconds')}"))
    items.append(Item(f"see it: kubectl get {live.ref.kubectl} -o yaml"))
    yield Section("freshness", tuple(items))
