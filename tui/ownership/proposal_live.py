"""What a document that is not applied yet would meet in a cluster: live objects, manifests, inventories. Pure."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from tui.contract.model import Contract
from tui.helm.model import Record
from tui.objects import Key, KindKey, Live, Ref
from tui.ownership.evidence import INVENTORIES, World
from tui.ownership.model import Assessment, Attribution, Evidence, Listed, Source, State, Strength
from tui.ownership.releases import STORAGE_KINDS, listed_by, read_releases

_SHOWN: Final = 5


class With(StrEnum):
    """What a document collides with."""

    LIVE = "live"
    MANIFEST = "manifest"
    INVENTORY = "inventory"
    INPUT = "input"
    GENERATE_NAME = "generate-name"
    SOURCE = "source"


@dataclass(frozen=True, slots=True)
class Collision:
    """Something that has the same identity as a document. ``blocks``: it is another owner's.

    ``ref`` is what it is met in (the live object, the Kustomization, the release's record); None for another document.
    ``state`` is the live object's. ``evidence`` says who owns it, strongest first.
    """

    met: With
    text: str
    ref: Ref | None = None
    owners: tuple[str, ...] = ()
    state: State | None = None
    evidence: tuple[Evidence, ...] = ()
    blocks: bool = False


@dataclass(frozen=True, slots=True)
class Field:
    """The indexes of one cluster that documents are looked up in."""

    assessment: Assessment
    world: World
    listed: tuple[Listed, ...]
    generated: dict[tuple[KindKey, str | None], list[str]] = field(default_factory=lambda: defaultdict(list))


def field_of(contract: Contract, assessment: Assessment) -> Field:
    """The indexes of an assessed cluster."""
    inventory = assessment.inventory
    releases = read_releases(inventory)
    records = [record for release in releases.all if (record := release.in_force)]
    listed = tuple(listed_by(record, inventory.namespaced) for record in records)
    found = Field(assessment, World(contract, inventory, releases, assessment.families, listed), listed)
    for key in inventory.objects:
        found.generated[KindKey(key.group, key.kind), key.namespace].append(key.name)
    return found


def collisions(ground: Field, ref: Ref, owner: str | None) -> Iterator[Collision]:
    """Everything in the cluster that has this identity. ``owner`` is whom the contract gives it to, or None."""
    row = ground.assessment.attributions.get(ref.key)
    if row is not None and row.live:
        yield _live(row, owner)
    yield from _manifests(ground, ref, row, owner)
    for holder in ground.world.inventories.get(ref.key, ()):
        found = ground.world.owner_of_inventory(holder.kind)
        text = f"{holder.label} lists it in its inventory" + ("" if row and row.live else ", though it is not live")
        yield _met(With.INVENTORY, text, holder, found, owner, (Source.INVENTORY, Strength.INVENTORY))


def _live(row: Attribution, owner: str | None) -> Collision:
    others = tuple(each for each in row.owners if each != owner)
    return Collision(
        With.LIVE, _live_text(row, owner, others), row.ref, row.owners, row.state, row.evidence, bool(others)
    )


def _live_text(row: Attribution, owner: str | None, others: tuple[str, ...]) -> str:
    label, claimed = row.ref.label, f"the contract gives it to {owner}" if owner else "the contract gives it to nobody"
    if others:
        return f"{label} is live and owned by {' and '.join(row.owners)}; {claimed}"
    if row.state is State.UNVERIFIABLE:
        return f"{label} is live, and who owns it could not be verified: {row.why_unverifiable}"
    if row.owners:
        return f"{label} is live and owned by {owner}, as the contract says: applying this changes it"
    return f"{label} is live and bears no mark of any owner: to apply this is to take it over; {claimed}"


def _manifests(ground: Field, ref: Ref, row: Attribution | None, owner: str | None) -> Iterator[Collision]:
    """The releases in force that list the identity, by their own documents or by ones that could not be resolved."""
    own = [e for e in row.evidence if e.source is Source.MANIFEST] if row is not None and row.live else []
    for listed in ground.listed:
        if listed.fault or not listed.lists(ref.key):
            continue
        record = listed.record
        # Where it is live, the object's own marks say whose release this is; else the release's family does.
        told = next((e.owner for e in own if f"{record.namespace}/{record.name} " in e.text), None)
        found = told or ground.world.owner_of_release(record.name, record.namespace)
        text = f"Helm release {record.namespace}/{record.name} revision {record.revision}, in force, lists it"
        text += "" if row is not None and row.live else ", though it is not live"
        yield _met(With.MANIFEST, text, record.storage, found, owner, (Source.MANIFEST, Strength.MANIFEST))


def _met(met: With, text: str, ref: Ref, found: str, owner: str | None, how: tuple[Source, Strength]) -> Collision:
    evidence = (Evidence(found, *how, text, confirmed=True),)
    more = "" if found == owner else f"; it is {found}'s, and the contract gives it to {owner or 'nobody'}"
    return Collision(met, text + more, ref, (found,), None, evidence, found != owner)


def generated(ground: Field, ref: Ref, prefix: str) -> Iterator[Collision]:
    """What live names already begin as a generated one would."""
    near = sorted(n for n in ground.generated[ref.kind_key, ref.namespace] if n.startswith(prefix))
    if near:
        more = f" and {len(near) - _SHOWN} more" if len(near) > _SHOWN else ""
        text = f"live already, with names that begin so: {', '.join(near[:_SHOWN])}{more}; every create makes another"
        yield Collision(With.GENERATE_NAME, text)


def unread(ground: Field) -> Iterator[str]:
    """What could not be read although every collision rests on it."""
    inventory = ground.assessment.inventory
    kinds = [*(KindKey("", kind) for kind in STORAGE_KINDS), *INVENTORIES.values()]
    for gap in inventory.gaps:
        if (gap.kind is None and gap.group in {kind.group for kind in kinds}) or KindKey(
            gap.group, gap.kind or ""
        ) in kinds:
            yield gap.text
    for bad in ground.world.releases.undecodable:
        yield f"{bad.storage.label}: {bad.reason}; what that release lists is not known"
    for listed in ground.listed:
        if listed.fault:
            yield f"{_named(listed.record)}: {listed.fault}; what it lists is not known"
    if ground.world.unread_holder:
        yield f"{ground.world.unread_holder}: its inventory could not be read"


def unread_of(ground: Field, ref: Ref) -> str:
    """Why it could not be verified whether this identity is live or whose it is; empty where it could."""
    row = ground.assessment.attributions.get(ref.key)
    if row is not None and row.live:
        return row.why_unverifiable if row.state is State.UNVERIFIABLE else ""
    gap = ground.assessment.inventory.gap(ref.group, ref.kind, ref.namespace)
    return f"whether it is live already could not be read: {gap.text}" if gap else ""


def live_of(ground: Field, key: Key) -> Live | None:
    """The live object of this identity."""
    return ground.assessment.inventory.get(key)


def _named(record: Record) -> str:
    return f"Helm release {record.namespace}/{record.name} revision {record.revision}"
