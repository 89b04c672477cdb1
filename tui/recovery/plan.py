"""A plan: the ordered actions of a recovery, each pinned to what was seen. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from tui.helm.model import Document
from tui.objects import Key, Ref


class PlanKind(StrEnum):
    """The steps of a session that change the cluster."""

    CLEANUP = "cleanup"
    REPLAY = "replay"


class Action(StrEnum):
    """What an entry does to its one resource."""

    ADOPT = "adopt"
    RECREATE = "recreate"
    DELETE = "delete"
    CREATE = "create"


@dataclass(frozen=True, slots=True)
class FamilyPin:
    """The release a plan was made under: its name and revision, and the uid of the record that says so."""

    family: str
    release: str | None
    revision: int | None
    record_uid: str | None


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

    ``ref.uid``, ``resource_version`` and ``seen`` (a digest, see ``gate.fingerprint``) pin what was seen; a create
    has none of them, it pins ``document`` instead. ``release`` is the release the object will belong to (adopt,
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
    seen: str = ""
    used_by: tuple[str, ...] = ()
    rests_on: tuple[Key, ...] = ()
    document: Document | None = field(default=None, repr=False)
    typed: str = ""

    @property
    def id(self) -> str:
        """Names the entry in the journal: one object has at most one entry of an action in a session."""
        return f"{self.action.value} {self.ref.group}/{self.ref.label}"


@dataclass(frozen=True, slots=True)
class Plan:
    """The entries of one step, in the order they are to be done. ``advice`` is shown above the table."""

    kind: PlanKind
    pins: Pins
    entries: tuple[Entry, ...]
    advice: tuple[str, ...] = ()
    left_out: tuple[tuple[Ref, str], ...] = ()
    """What is not in the plan though an operator may look for it, and why."""

    def without(self, skipped: Iterable[Key]) -> "Plan":
        """The plan once these entries are skipped: what rested on them is protected again and leaves the plan too."""
        gone = set(skipped)
        kept: list[Entry] = []
        for entry in self.entries:
            if entry.ref.key in gone or any(key in gone for key in entry.rests_on):
                gone.add(entry.ref.key)
            else:
                kept.append(entry)
        left = tuple((entry.ref, "rests on an entry that was skipped") for entry in self.entries if entry not in kept)
        return Plan(self.kind, self.pins, tuple(kept), self.advice, (*self.left_out, *left))
