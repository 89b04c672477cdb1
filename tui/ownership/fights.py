"""Field fights: two owners that hold one field of an object, and two of one owner's that managed fields hide. Pure.

Who holds a field will set it again, or is refused when it tries: a server-side apply that disagrees conflicts, a forced
one takes the field, an update takes it without asking.
"""

from collections import defaultdict
from collections.abc import Iterator
from itertools import combinations
from typing import Final, NamedTuple

from tui.objects import Live, Manager, Ref
from tui.ownership.acts.advice import Advice
from tui.ownership.evidence import World
from tui.ownership.fields import Path, main_managers, rendered, shared
from tui.ownership.model import Finding, Severity
from tui.ownership.refused import some

MAX_PATHS: Final = 6
"""Fields named of one object; the rest is counted."""


class _Fight(NamedTuple):
    """One object over which owners fight: their entries, last writer first, and the fields that two of them hold."""

    live: Live
    entries: tuple[tuple[Manager, str], ...]
    paths: tuple[Path, ...]


def field_fights(world: World, advice: Advice) -> Iterator[Finding]:
    """One finding for every set of owners that hold the same fields, and for every set of holders of one owner."""
    groups: dict[tuple[str, ...], list[_Fight]] = defaultdict(list)
    for live in world.inventory.objects.values():
        if len(live.managers) > 1 and live.controller is None and (fight := _fight(world, live)):
            groups[tuple(sorted({owner for _, owner in fight.entries}))].append(fight)
    for owners, fights in sorted(groups.items()):
        fights.sort(key=lambda fight: fight.live.ref.label)
        yield _finding(owners, fights, advice)
    yield from _hidden(world, advice)


def _fight(world: World, live: Live) -> _Fight | None:
    main = main_managers(live)
    if len({manager.name for manager in main}) < 2:
        return None
    owned = [(manager, owners) for manager in main if (owners := world.owner_of_manager(live, manager))]
    entries: dict[Manager, str] = {}
    paths: set[Path] = set()
    for (one, its), (other, theirs) in combinations(owned, 2):
        # Where a mark is two owners', which of them wrote cannot be told.
        if one.name != other.name and not set(its) & set(theirs):
            both = set(shared(one, other))
            paths |= both
            if both:
                entries |= {one: its[0], other: theirs[0]}
    if not paths:
        return None
    by_time = sorted(entries.items(), key=lambda entry: (entry[0].time, entry[0].name, entry[0].operation))
    return _Fight(live, tuple(reversed(by_time)), tuple(sorted(paths)))


def _finding(owners: tuple[str, ...], fights: list[_Fight], advice: Advice) -> Finding:
    count, keys = len(fights), [fight.live.key for fight in fights]
    what = fights[0].live.ref.label if count == 1 else f"{count} objects"
    return Finding(
        "field-fight",
        Severity.WARN,
        f"{' and '.join(owners)} hold the same fields of {what}",
        tuple(fight.live.ref for fight in fights),
        tuple(some(_told(fight) for fight in fights)),
        "decide whose the fields are and take them, not the object, out of the other's source: the next to set them"
        f" conflicts, or wins. Before the whole object leaves a source, {advice.before_leaving(keys)}",
    )


def _told(fight: _Fight) -> str:
    more = f" and {len(fight.paths) - MAX_PATHS} more" if len(fight.paths) > MAX_PATHS else ""
    fields = ", ".join(rendered(path) for path in fight.paths[:MAX_PATHS])
    writers = " and ".join(
        f"{manager.name} ({owner}, {manager.operation}{f' at {manager.time}' if manager.time else ''})"
        for manager, owner in fight.entries
    )
    return (
        f"{fight.live.ref.label}: {fields}{more} held by {writers}; {_last(fight)}; "
        f"kubectl get {fight.live.ref.kubectl} --show-managed-fields -o yaml"
    )


def _last(fight: _Fight) -> str:
    times = [manager.time for manager, _ in fight.entries]
    if not all(times) or times[0] == times[1]:
        return "which wrote last cannot be told"
    return f"{fight.entries[0][0].name} wrote last"


def _hidden(world: World, advice: Advice) -> Iterator[Finding]:
    """Objects that two holders of one owner list: both apply them, as the same manager if they are of one kind."""
    groups: dict[tuple[Ref, ...], list[Ref]] = defaultdict(list)
    for key, holders in world.inventories.items():
        live = world.inventory.get(key)
        by_owner: dict[str, set[Ref]] = defaultdict(set)
        for holder in holders:
            by_owner[world.owner_of_inventory(holder.kind)].add(holder)
        for several in by_owner.values():
            if live is not None and len(several) > 1:
                groups[tuple(sorted(several, key=lambda ref: ref.label))].append(live.ref)
    for together, refs in sorted(groups.items(), key=lambda group: [ref.label for ref in group[0]]):
        refs.sort(key=lambda ref: ref.label)
        names = " and ".join(ref.label for ref in together)
        alike = len({ref.kind_key for ref in together}) == 1
        how = (
            "they apply as the same field manager, so that managedFields cannot tell them apart"
            if alike
            else "each applies it in its turn"
        )
        yield Finding(
            "field-fight",
            Severity.WARN,
            f"{refs[0].label if len(refs) == 1 else f'{len(refs)} objects'} listed by {names}",
            tuple(refs),
            (
                how,
                *(f"kubectl get {ref.kubectl} -o yaml lists it under status" for ref in together),
                *some(f"{ref.label}: kubectl get {ref.kubectl} --show-labels" for ref in refs),
            ),
            "let each be in the source of one of them: the last to apply wins, and the one that drops it deletes it."
            f" Before it leaves the other's, {advice.before_leaving([ref.key for ref in refs])}",
        )
