"""Retiring a release: its records leave, nothing it made does. The way to defuse a delete bomb. Pure.

While two releases list the same objects, uninstalling the one deletes all that the other owns (Helm 3 and what embeds
any Helm check no ownership), and upgrading it to a chart without them does so with any Helm. Without records there is
nothing left to uninstall or to upgrade.
"""

from collections.abc import Iterator

from tui.objects import Inventory, KindKey, Live
from tui.ownership.evidence import HELM_RELEASE, stamp_of
from tui.ownership.model import Assessment, FamilyState, FamilyView, Listed, Release
from tui.ownership.references import dig, items, mapping
from tui.ownership.releases import STORAGE_KINDS, listed_by
from tui.recovery.plan import Action, Entry


def retirable(assessment: Assessment) -> tuple[str, ...]:
    """The names of the releases whose records may be retired now."""
    return tuple(
        release.name
        for view in assessment.families
        for release in view.releases
        if not why_not(view, release, assessment.inventory)
    )


def find(assessment: Assessment, name: str) -> tuple[FamilyView, Release] | None:
    """The release of this name with its family, where it is recorded."""
    for view in assessment.families:
        release = view.release(name)
        if release is not None:
            return view, release
    return None


def why_not(view: FamilyView, release: Release, inventory: Inventory) -> str:
    """Why the records of a release may not be retired; empty where they may.

    Another release of the family must be in force, and nothing that it lists may bear the stamp of this one. What could
    not be read forbids it: a record that is gone cannot say any more what its release had made.
    """
    if view.state is FamilyState.UNVERIFIABLE:
        return f"the releases of {view.family.name} could not be verified: {view.why}"
    busy = next((r.newest for r in view.releases if r.newest.status.at_work), None)
    if busy is not None:
        return f"{busy.name} revision {busy.revision} is {busy.status.value}: its process may still be at work"
    if inventory.gaps:
        return f"the inventory is incomplete: {inventory.gaps[0].text}"
    others = list(_others(view, release, inventory))
    if not others:
        return f"no other release of {view.family.name} is in force: {release.name} is all there is"
    holder = _helm_release_of(release, inventory)
    if holder is not None:
        return f"{holder.ref.label} runs {release.name}: its controller would install it again"
    for other in others:
        if other.fault:
            return f"the manifest of {other.record.name} cannot be read: {other.fault}"
        still = sum(_bears(live, release) and other.lists(live.key) for live in inventory.objects.values())
        if still:
            return f"{still} objects that {other.record.name} lists bear the stamp of {release.name}: adopt them first"
    return ""


def _others(view: FamilyView, release: Release, inventory: Inventory) -> Iterator[Listed]:
    for record in view.in_force:
        if record.name != release.name:
            yield listed_by(record, inventory.namespaced)


def _bears(live: Live, release: Release) -> bool:
    stamp = stamp_of(live)
    return stamp is not None and live.controller is None and stamp.release == release.name


def _helm_release_of(release: Release, inventory: Inventory) -> Live | None:
    """A HelmRelease that runs a release of this name, by its spec or its history."""
    for live in inventory.of_kind(*HELM_RELEASE):
        names = {str(past.get("name")) for past in items(dig(live.body, ("status", "history")))}
        spec = mapping((live.body or {}).get("spec"))
        names |= {str(spec.get("releaseName") or ""), live.ref.name, f"{spec.get('targetNamespace')}-{live.ref.name}"}
        if release.name in names:
            return live
    return None


def kinds_to_reread(entry: Entry, known: Assessment) -> frozenset[KindKey]:
    """Everything that :func:`why_not` rests on for this entry; nothing for other actions."""
    found = find(known, entry.release) if entry.action is Action.RETIRE else None
    if found is None:
        return frozenset()
    kinds = {KindKey("", kind) for kind in STORAGE_KINDS} | {HELM_RELEASE}
    for other in _others(*found, known.inventory):
        kinds |= {KindKey(key.group, key.kind) for key in other.documents}
    return frozenset(kinds & set(known.inventory.served))


def entries(view: FamilyView, release: Release) -> tuple[Entry, ...]:
    """One entry a record, the one in force last: until then everything is as it was judged."""
    in_force = release.in_force
    order = sorted(release.records, key=lambda record: (record is in_force, record.revision))
    kept = " and ".join(record.name for record in view.in_force if record.name != release.name)
    return tuple(
        Entry(
            action=Action.RETIRE,
            ref=record.storage,
            family=view.family.name,
            release=release.name,
            why=f"revision {record.revision} ({record.status.value}) of {release.name}, while {kept} is in force",
            owner_now=f"the record of {release.name}",
            then=f"helm no longer knows {release.name}; nothing it made is touched",
            resource_version=record.resource_version,
            typed=release.name,
        )
        for record in order
    )
