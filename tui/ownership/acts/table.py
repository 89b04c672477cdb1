"""Every tool's acts upon one object: the functions in their order, and what they are asked with. Pure."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from tui.objects import Inventory, Key, Ref
from tui.ownership.acts.argo import of_applications
from tui.ownership.acts.flux import labelled_holders, of_ghosts, of_helm_releases, of_kustomizations, of_operators
from tui.ownership.acts.helm import of_releases, stamped, unread_records
from tui.ownership.acts.model import Act, Consequence, Effect, Subject
from tui.ownership.acts.references import of_references
from tui.ownership.acts.tools import marks_of, of_tools
from tui.ownership.evidence import helm_releases
from tui.ownership.holders import applies_elsewhere
from tui.ownership.listings import Listings
from tui.ownership.model import Evidence, Source

TOOLS: Final[tuple[Callable[[Subject], Iterator[Consequence]], ...]] = (
    of_references,
    of_kustomizations,
    of_helm_releases,
    of_releases,
    of_operators,
    of_applications,
    of_tools,
    of_ghosts,
)
"""One function a tool; a tool more is a row more."""


class Acts:
    """What the acts of every present owner would do to any live object of one inventory, as it stands now."""

    def __init__(
        self, inventory: Inventory, listings: Listings, holders: Mapping[Key, Iterable[Ref]], unread: str = ""
    ) -> None:
        """``holders`` list each object in their status; ``unread`` says why one of these lists could not be read."""
        self._inventory = inventory
        self._listings = listings
        self._holders = holders
        self._unread = unread
        runs = helm_releases(inventory)
        self._runs = {release: holder for release, holder in runs.items() if not applies_elsewhere(holder)}

    def of(self, key: Key, evidence: Iterable[Evidence] = ()) -> tuple[Consequence, ...]:
        """One consequence an owner and act; none of what is not live.

        ``evidence`` is what is known of the object's owners: those that no tool here explains are told as unknown.
        """
        subject = self.subject(key)
        if subject is None:
            return ()
        found = [each for tool in TOOLS for each in tool(subject)]
        found += _others(subject, evidence)
        records = unread_records(self._inventory)
        if not found and (why := self._unread or records):
            who = "a holder that could not be read" if self._unread else "a release that could not be read"
            found.append(Consequence(who, Act.PRUNE if self._unread else Act.UPGRADE, Effect.UNKNOWN, why))
        return tuple(dict.fromkeys(found))

    def subject(self, key: Key) -> Subject | None:
        """The object and what its owners' tools go by; None of what is not live."""
        get = self._inventory.get
        live = get(key)
        if live is None:
            return None
        lists = (get(ref.key) for ref in self._holders.get(key, ()))
        holders = {holder.key: holder for holder in lists if holder is not None}
        for holder in labelled_holders(live, get):
            holders.setdefault(holder.key, holder)
        release = self._listings.recorded.get(stamped(live))
        unread = self._listings.unread.get(release, "") if release else ""
        mine = self._listings.of(key)
        return Subject(live, self._inventory, tuple(holders.values()), mine, self._runs, release, unread)


def _others(subject: Subject, evidence: Iterable[Evidence]) -> Iterator[Consequence]:
    """Owners whose marks prove that they own the object, and not what they do."""
    known, marks = set(), marks_of(subject.live)
    rest: dict[str, Evidence] = {}
    for each in evidence:
        if _is_explained(each, subject, marks):
            known.add(each.owner)
        else:
            rest.setdefault(each.owner, each)
    for owner, each in rest.items():
        if owner not in known:
            why = f"its mark says that it owns the object, not what it does ({each.text})"
            yield Consequence(f"owner {owner}", Act.PRUNE, Effect.UNKNOWN, why)


def _is_explained(evidence: Evidence, subject: Subject, marks: frozenset[str]) -> bool:
    """Whether a tool of the table has told what the owner of this mark does."""
    match evidence.source:
        case Source.INVENTORY | Source.MANIFEST | Source.OWNER_REFERENCE:
            return True
        case Source.STAMP:
            return bool(subject.listings or subject.release or unread_records(subject.inventory))
    return "toolkit.fluxcd.io/" in evidence.text or any(mark in evidence.text for mark in marks)
