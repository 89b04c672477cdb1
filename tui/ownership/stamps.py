"""Stamps that contradict themselves, or Helm's own records. Pure."""

from collections import defaultdict
from collections.abc import Iterator

from tui.objects import Inventory, Live, Ref
from tui.ownership.evidence import MANAGED_BY, RELEASE_NAME, RELEASE_NAMESPACE, Stamp, World, stamp_of
from tui.ownership.model import Finding, Severity
from tui.ownership.refused import some
from tui.ownership.releases import STORAGE_KINDS, Releases


def disagreeing_stamps(world: World, releases: Releases) -> Iterator[Finding]:
    """One finding a release and contradiction. The label without annotations is no stamp: charts print it anywhere."""
    spaces: dict[str, set[str]] = defaultdict(set)
    for known in releases.all:
        spaces[known.name] |= {record.namespace for record in known.records}
    found: dict[tuple[str, str], list[Ref]] = defaultdict(list)
    for live in world.inventory.objects.values():
        stamp = stamp_of(live)
        if stamp is None or live.controller is not None:
            continue
        why = _contradiction(world, spaces.get(stamp.release, set()), stamp, live)
        if why:
            found[stamp.release, why].append(live.ref)
    for (release, why), refs in sorted(found.items()):
        many = refs[0].label if len(refs) == 1 else f"{len(refs)} objects"
        verb = "says" if len(refs) == 1 else "say"
        yield Finding(
            "stamp-disagrees",
            Severity.WARN,
            f"{many} {verb} {release} and {'its' if len(refs) == 1 else 'their'} other marks disagree",
            tuple(refs),
            (why, *some(f"{ref.label}: annotation {RELEASE_NAME}: {release}" for ref in refs)),
            "Helm refuses an object whose label and annotations do not agree",
        )


def _contradiction(world: World, recorded: set[str], stamp: Stamp, live: Live) -> str:
    """What contradicts a stamp: its label, or a namespace in which no release of its name is; empty if nothing does."""
    if not stamp.labelled:
        label = f"label {MANAGED_BY}: {live.labels.get(MANAGED_BY, 'none')}"
        return f"{label}, {RELEASE_NAMESPACE}: {stamp.namespace or 'none'}"
    family = world.contract.family_of(stamp.release)
    if family is not None and stamp.namespace != family.namespace and stamp.namespace not in recorded:
        return (
            f"{RELEASE_NAMESPACE}: {stamp.namespace or 'none'}, and the family {family.name} is in {family.namespace}"
        )
    if family is None and recorded and stamp.namespace not in recorded and not _unread(world.inventory):
        places = " and ".join(sorted(recorded))
        return f"{RELEASE_NAMESPACE}: {stamp.namespace or 'none'}, and {stamp.release} is recorded for {places} only"
    return ""


def _unread(inventory: Inventory) -> bool:
    """Whether there may be records that nobody could read."""
    return any(inventory.gap("", kind) is not None for kind in STORAGE_KINDS)
