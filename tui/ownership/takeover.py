"""Silent take-overs: what one owner made and still counts as its own, and another has taken since. Pure.

Flux's controllers take what they find (helm-controller re-stamps another release's objects by default), and nothing
tells the owner before: its release still lists the object, and its uninstall, or its upgrade to a chart without the
object, would delete it.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from tui.helm.model import Record
from tui.objects import Key, Live, Ref
from tui.ownership.acts.advice import Advice
from tui.ownership.evidence import RELEASE_NAME, World, stamp_of
from tui.ownership.model import Attribution, Finding, Severity, Source, State
from tui.ownership.refused import some

_WEAK: Final = frozenset({Source.MANAGER})
"""Evidence of an owner that keeps no record in the cluster."""


class _Taken(NamedTuple):
    """One object taken: from whom and by whom, in words, and what shows it."""

    ref: Ref
    former: str
    taker: str
    release: str
    text: str


def take_overs(world: World, attributions: Mapping[Key, Attribution], advice: Advice) -> Iterator[Finding]:
    """One finding for every former owner and the one that took from it."""
    groups: dict[tuple[str, str, str], list[_Taken]] = defaultdict(list)
    for taken in (*_from_releases(world), *_from_managers(world, attributions)):
        groups[taken.former, taken.taker, taken.release].append(taken)
    for (former, taker, release), group in sorted(groups.items()):
        group.sort(key=lambda each: each.ref.label)
        what = group[0].ref.label if len(group) == 1 else f"{len(group)} objects"
        never = f"; never run helm uninstall {release}: Helm 3 would delete what it lists" if release else ""
        keep = advice.before_leaving([each.ref.key for each in group])
        yield Finding(
            "taken-over",
            Severity.WARN,
            f"{what} of {former} taken over by {taker}",
            tuple(each.ref for each in group),
            tuple(some(each.text for each in group)),
            f"decide whose it is; before it leaves the source of {taker} or of {former}, {keep}{never}",
        )


def _from_releases(world: World) -> Iterator[_Taken]:
    """Objects that a release in force lists and that somebody else's controller has."""
    for key, records in world.manifests.items():
        live = world.inventory.get(key)
        if live is None or live.controller is not None:
            continue
        for record in records:
            for taker, (owner, how) in sorted(_takers(world, live, record).items()):
                former = f"Helm release {record.namespace}/{record.name}"
                listed = f"in the manifest of {former} revision {record.revision}, in force"
                text = f"{live.ref.label}: {listed}; {how}{_written(world, live, owner)}; {_look(live.ref)}"
                yield _Taken(live.ref, former, taker, record.name, text)


def _takers(world: World, live: Live, record: Record) -> dict[str, tuple[str, str]]:
    """Who else's controller has the object, each with its owner and how it is known."""
    runs = world.helm_release_of(record.name, record.namespace)
    owner = world.owner_by_stamp(live, record.name, record.namespace)
    stamp = stamp_of(live)
    stamped_so = stamp is not None and (stamp.release, stamp.namespace) == (record.name, record.namespace)
    found: dict[str, tuple[str, str]] = {}
    for holder in world.inventories.get(live.key, ()):
        theirs = world.owner_of_inventory(holder.kind)
        # A HelmRelease puts its own stamp on what it takes; a Kustomization beside the HelmRelease of one owner is that
        # owner's own disorder.
        another = not stamped_so if holder.kind == "HelmRelease" else theirs != owner
        if holder.label != runs and another:
            found[holder.label] = (theirs, f"{holder.label} lists it")
    if stamp is not None and not stamped_so:
        by = world.helm_release_of(stamp.release, stamp.namespace)
        if by and by != runs:
            theirs = world.owner_of_release(stamp.release, stamp.namespace)
            stamped = f"annotation {RELEASE_NAME}: {stamp.release}, the release of {by}"
            found[by] = (theirs, f"{found[by][1]}, {stamped}" if by in found else stamped)
    return found


def _from_managers(world: World, attributions: Mapping[Key, Attribution]) -> Iterator[_Taken]:
    """Objects that an owner without a record wrote before the one that lists them now did."""
    for key, attribution in attributions.items():
        live = world.inventory.get(key)
        if live is None or attribution.root != key or attribution.state is not State.CONTESTED:
            continue
        holders = world.inventories.get(key, [])
        takers = {world.owner_of_inventory(holder.kind) for holder in holders}
        if len(takers) != 1:
            continue
        (taker,) = takers
        now = _last(world, live, taker)
        for former in attribution.owners:
            sources = {evidence.source for evidence in attribution.evidence if evidence.owner == former}
            before = _last(world, live, former)
            if former == taker or not sources <= _WEAK or not before or not now or before[0] >= now[0]:
                continue
            text = (
                f"{live.ref.label}: {before[1]} wrote it at {before[0]}, {now[1]} at {now[0]}; "
                f"{holders[0].label} lists it; {_look(live.ref)}"
            )
            yield _Taken(live.ref, former, holders[0].label, "", text)


def _written(world: World, live: Live, owner: str) -> str:
    last = _last(world, live, owner)
    return f", written by {last[1]} at {last[0]}" if last else ""


def _last(world: World, live: Live, owner: str) -> tuple[str, str] | None:
    """When and by which field manager an owner wrote the object last; None where no time tells."""
    found = [(each.time, each.name) for each in live.managers if owner in world.owner_of_manager(live, each)]
    return max((last for last in found if last[0]), default=None)


def _look(ref: Ref) -> str:
    return f"kubectl get {ref.kubectl} --show-managed-fields -o yaml"
