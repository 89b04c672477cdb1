"""Delete bombs: what the acts of one release would take from another: its uninstall, an upgrade, its hooks. Pure.

An *uninstall* by Helm 3, and by what embeds any Helm, deletes whatever the newest revision lists, whoever owns it by
now; Helm 4.3 checks whose each object is and leaves what is stamped otherwise. An *upgrade* to a chart without the
object deletes it with either Helm, as does a rollback; nor does either ask before a hook is replaced (all tried;
``tui.ownership.acts.helm`` has what each act reads).
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from tui.helm.manifest import RESOURCE_POLICY
from tui.helm.model import Status
from tui.objects import Key, Live, Ref
from tui.ownership.acts.helm import deadly, spared_by_upgrade, told_hook
from tui.ownership.acts.model import Effect, Subject
from tui.ownership.acts.opt_outs import Lasts, annotation
from tui.ownership.evidence import World, stamp_of
from tui.ownership.listings import Known, Listing
from tui.ownership.references import Damaged, references


class Whose(NamedTuple):
    """What an object says it belongs to: a release's name and its namespace."""

    release: str
    namespace: str

    @classmethod
    def own(cls, known: Known) -> "Whose":
        """A release itself, as its objects are stamped."""
        return cls(known.name, known.namespace)


@dataclass(slots=True)
class Takes:
    """The live objects of one owner that each act of a release would delete; ``hooked`` with what its hook does."""

    uninstalled: list[Ref] = field(default_factory=list)
    upgraded: list[Ref] = field(default_factory=list)
    hooked: dict[Ref, str] = field(default_factory=dict)

    @property
    def refs(self) -> tuple[Ref, ...]:
        """Every one of them, once."""
        return tuple(dict.fromkeys((*self.uninstalled, *self.upgraded, *self.hooked)))


class Charges:
    """What each recorded release's acts would delete of the live objects, by whose these are."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.recorded = frozenset(
            Whose(release.name, release.newest.namespace)
            for release in world.releases.all
            if release.newest.status is not Status.UNINSTALLED
        )
        """Every release that can still be upgraded or uninstalled."""
        self.of: dict[Known, dict[Whose, Takes]] = defaultdict(lambda: defaultdict(Takes))
        for key, listings in world.listings.by_key.items():
            live = world.inventory.get(key)
            if live is not None and live.controller is None:
                for listing in listings:
                    self._count(live, listing)

    def takes(self, release: Whose, other: Whose) -> Takes:
        """What one release's acts would delete of another's; nothing where it is not recorded."""
        found = (takes.get(other) for known, takes in self.of.items() if Whose.own(known) == release)
        return next((taken for taken in found if taken), Takes())

    def _count(self, live: Live, listing: Listing) -> None:
        stamp = stamp_of(live)
        if stamp is not None and listing.in_newest and listing.policy is None:
            self.of[listing.known][Whose(stamp.release, stamp.namespace)].uninstalled.append(live.ref)
        if stamp is not None and listing.in_base and not self._kept(live):
            self.of[listing.known][Whose(stamp.release, stamp.namespace)].upgraded.append(live.ref)
        if said := _hook_of(listing):
            for whose in self._owners(live, listing.known):
                self.of[listing.known][whose].hooked[live.ref] = said

    def _kept(self, live: Live) -> bool:
        """Whether an upgrade will find ``keep`` on the live object: what only kubectl set there may be gone by then."""
        if not spared_by_upgrade(live):
            return False
        inventory = self._world.inventory
        lists = (inventory.get(ref.key) for ref in self._world.inventories.get(live.key, ()))
        subject = Subject(live, inventory, tuple(holder for holder in lists if holder is not None))
        found = annotation(subject, RESOURCE_POLICY)
        return found is not None and found.lasts is Lasts.YES

    def _owners(self, live: Live, mine: Known) -> set[Whose]:
        """Whose a hook's object is: by its stamp, or, as hooks bear none, by what else lists or uses it."""
        stamp = stamp_of(live)
        if stamp is not None:
            return {Whose(stamp.release, stamp.namespace)}
        lists = {Whose(record.name, record.namespace) for record in self._world.manifests.get(live.key, ())}
        return (lists or self._users.get(live.key, set())) - {Whose.own(mine)}

    @cached_property
    def _users(self) -> Mapping[Key, set[Whose]]:
        """The releases in force by what their live objects use."""
        found: dict[Key, set[Whose]] = defaultdict(set)
        for key, records in self._world.manifests.items():
            live = self._world.inventory.get(key)
            try:
                for edge in references((live.body if live else None) or {}):
                    found[edge.target] |= {Whose(record.name, record.namespace) for record in records}
            except Damaged:
                continue
        return found


def _hook_of(listing: Listing) -> str:
    """What the next run of a release's hook does to the live object of its name; empty where it leaves that."""
    method = listing.known.apply_method
    worst = next((hook for hook in listing.hooks if deadly(hook, method) is not Effect.KEEPS), None)
    return f"a hook of {listing.known.name}: {told_hook(worst, method)}" if worst is not None else ""
