"""A plan: the ordered actions of a recovery, each pinned to what was seen. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum

from tui.helm.model import Document
from tui.objects import Json, Key, Ref
from tui.ownership.references import BINDINGS, items


class PlanKind(StrEnum):
    """The steps of a session that change the cluster."""

    CLEANUP = "cleanup"
    REPLAY = "replay"
    RETIRE = "retire"
    MEND = "mend"
    UNDO = "undo"


class Action(StrEnum):
    """What an entry does to its one resource."""

    ADOPT = "adopt"
    RECREATE = "recreate"
    DELETE = "delete"
    CREATE = "create"
    RETIRE = "retire"
    REPAIR = "repair"
    RECONCILE = "reconcile"
    RESUME = "resume"
    UNFINALIZE = "remove-finalizer"
    RESTORE = "restore"


@dataclass(frozen=True, slots=True)
class FamilyPin:
    """The release a plan was made under: its name and revision, and the uid of the record that says so.

    ``documents`` is the SHA-256 of its whole stored manifest, in hex; empty where no release is in force.
    """

    family: str
    release: str | None
    revision: int | None
    record_uid: str | None
    documents: str = ""


@dataclass(frozen=True, slots=True)
class Pins:
    """What a whole plan rests on; any mismatch refuses the whole plan."""

    cluster_uid: str | None
    contract: str
    contract_sha256: str
    families: tuple[FamilyPin, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """One action on one resource.

    ``ref.uid``, ``resource_version`` and, of a binding that leaves, ``subjects`` pin what was seen; a create has none
    of them, it pins ``document`` instead. ``release`` is the release the object will belong to (adopt,
    recreate, create) or the stale one it leaves with (delete). ``owner_now`` and ``then`` are for the plan table:
    who has it now, and what will happen next. ``used_by`` says what depends on it. ``typed`` is the text an operator
    must type, beyond yes; empty where yes is enough.
    """

    action: Action
    ref: Ref
    family: str
    release: str
    why: str
    owner_now: str
    then: str
    resource_version: str = ""
    subjects: tuple[str, ...] = ()
    used_by: tuple[str, ...] = ()
    rests_on: tuple[Key, ...] = ()
    document: Document | None = field(default=None, repr=False)
    typed: str = ""
    losses: tuple[str, ...] = ()
    """Of a creation: what it does not bring back, where that may still be, and how to get it back first."""
    chart: bool = False
    """The document is one of the chart's own CRDs: Helm gives those no stamp."""
    finalizer: str = ""
    """The one finalizer that is to be removed."""
    saved: Json | None = field(default=None, repr=False)
    """Of a restoration: the object as its backup has it."""
    source: str = ""
    """Of a restoration: where that backup is."""
    left: str = ""
    """Of a restoration over what stands: the fingerprint of the object as the earlier session left it."""

    @property
    def id(self) -> str:
        """Names the entry in the journal: one object has at most one entry of an action in a session."""
        return entry_id(self.action, self.ref, self.finalizer)


def entry_id(action: Action, ref: Ref, finalizer: str = "") -> str:
    """Names an entry: its action, its object and, where one is to be removed, the finalizer."""
    return f"{action.value} {ref.group}/{ref.label}{f' {finalizer}' if finalizer else ''}"


@dataclass(frozen=True, slots=True)
class Plan:
    """The entries of one step, in the order they are to be done. ``advice`` is shown above the table.

    ``offered`` entries belong to the step too, and are done only where an operator asks for them.
    """

    kind: PlanKind
    pins: Pins
    entries: tuple[Entry, ...]
    advice: tuple[str, ...] = ()
    left_out: tuple[tuple[Ref, str], ...] = ()
    """What is not in the plan though an operator may look for it, and why."""
    offered: tuple[Entry, ...] = ()

    @property
    def all(self) -> tuple[Entry, ...]:
        """Every entry that may be carried out: the plan's own, then the offered ones."""
        return (*self.entries, *self.offered)

    def without(self, skipped: Iterable[Key]) -> "Plan":
        """The plan once these entries are skipped: what rested on them is protected again and leaves the plan too."""
        skip = frozenset(skipped)
        gone = set(skip)
        kept: list[Entry] = []
        for entry in self.entries:
            if entry.ref.key in gone or any(key in gone for key in entry.rests_on):
                gone.add(entry.ref.key)
            else:
                kept.append(entry)
        left = tuple(
            (entry.ref, _SKIPPED if entry.ref.key in skip else "rests on an entry that was skipped")
            for entry in self.entries
            if entry.ref.key in gone
        )
        offered = tuple(entry for entry in self.offered if entry.ref.key not in skip)
        return replace(self, entries=tuple(kept), left_out=(*self.left_out, *left), offered=offered)


_SKIPPED = "skipped by the operator"


def subjects_of(ref: Ref, body: Json | None) -> tuple[str, ...]:
    """Who holds rights by a binding, as ``Kind namespace/name``; nobody for any other kind."""
    if ref.kind_key not in BINDINGS:
        return ()
    return tuple(
        f"{s.get('kind')} {s.get('namespace') or ''}{'/' if s.get('namespace') else ''}{s.get('name')}"
        for s in items((body or {}).get("subjects"))
    )
