"""What remains in a cluster of what it lacks: the volumes of claims that are gone, and the lists that name it. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import NamedTuple

from tui.objects import Inventory, Key, KindKey, Live, Ref
from tui.ownership.evidence import HOLDER_LABELS, INVENTORIES
from tui.ownership.holders import Holders
from tui.ownership.model import Assessment, FamilyView
from tui.ownership.references import VOLUME, dig
from tui.recovery.plan import Entry


class Loss(NamedTuple):
    """One sentence about what does not come back. ``hides``: an empty replacement would hide that it is lost."""

    text: str
    hides: bool = False


class Claimed(NamedTuple):
    """A volume and the name of the claim that its ``spec.claimRef`` reserves it for."""

    claim: str
    volume: Live


class Remains:
    """What one assessment still shows of objects that are missing. Its indexes are built where they are asked for."""

    def __init__(self, assessment: Assessment) -> None:
        self.assessment = assessment
        self.inventory: Inventory = assessment.inventory

    @cached_property
    def unread_volumes(self) -> str:
        """Why not every volume could be read; empty where all were."""
        gap = self.inventory.gap(*VOLUME)
        if gap is not None:
            return gap.text
        bare = (live.ref.label for live in self.inventory.of_kind(*VOLUME) if live.body is None)
        return next((f"{label}: only its metadata was read" for label in bare), "")

    @cached_property
    def _volumes(self) -> Mapping[str, list[Claimed]]:
        found: dict[str, list[Claimed]] = defaultdict(list)
        for live in sorted(self.inventory.of_kind(*VOLUME), key=lambda each: each.ref.name):
            claim = dig(live.body, ("spec", "claimRef"))
            space, name = dig(claim, ("namespace",)), dig(claim, ("name",))
            if isinstance(space, str) and isinstance(name, str):
                found[space].append(Claimed(name, live))
        return found

    def volumes(self, namespace: str | None) -> list[Claimed]:
        """The volumes whose claims are, or were, in this namespace, by the volumes' names."""
        return self._volumes.get(namespace or "", [])

    @cached_property
    def _holders(self) -> Holders:
        labels = {kind: prefix for prefix, kinds in HOLDER_LABELS.items() for kind in kinds}
        return Holders(self.inventory, INVENTORIES.values(), labels)

    @property
    def unread_lists(self) -> str:
        """Why not every owner's list could be read; empty where all were."""
        gaps = (self.inventory.gap(*kind) for kind in INVENTORIES.values())
        unread = self._holders.unread
        return next((gap.text for gap in gaps if gap), f"the list of {unread}" if unread else "")

    def listed(self, wanted: "Wanted") -> Mapping[str, list[Key]]:
        """What owners' own lists name of these objects, by the owner's label."""
        found: dict[str, list[Key]] = defaultdict(list)
        for key, holders in self._holders.of.items():
            for holder in holders if wanted.fits(key) else ():
                found[holder.label].append(key)
        return dict(sorted(found.items()))

    def view(self, entry: Entry) -> FamilyView | None:
        """The release family of an entry."""
        return self.assessment.family(entry.family)

    def documents(self, view: FamilyView, wanted: "Wanted") -> list[Key]:
        """What the manifest in force of a family lists of these objects, those of kinds that are not served too."""
        if not view.listed:
            return []
        listed = view.listed[0]
        unresolved = (each.ref.key for each in listed.unresolved)
        return [key for key in (*listed.documents, *unresolved) if wanted.fits(key)]

    def others(self, entry: Entry, wanted: "Wanted") -> Iterator[tuple[str, list[Key]]]:
        """The other releases in force whose manifests list such objects, by their names."""
        for view in self.assessment.families:
            keys = self.documents(view, wanted) if view.family.name != entry.family and view.active else []
            if view.active is not None and keys:
                yield f"{view.active.namespace}/{view.active.name}", keys


class Wanted(NamedTuple):
    """Which objects are asked about: all of a kind, or all in a namespace."""

    kind: KindKey | None = None
    namespace: str | None = None

    def fits(self, key: Key) -> bool:
        """Whether an object is one of them."""
        if self.kind is not None:
            return (key.group, key.kind) == self.kind
        return key.namespace == self.namespace


def few(texts: Iterable[str], most: int = 6) -> str:
    """The first of some texts in a row, and how many there are beside."""
    found = list(texts)
    more = f" and {len(found) - most} more" if len(found) > most else ""
    return f"{', '.join(found[:most])}{more}"


def labels(keys: Iterable[Key]) -> str:
    """Some objects by their labels."""
    return few(sorted(Ref(key.group, key.kind, key.namespace, key.name).label for key in keys))
