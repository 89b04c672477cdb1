"""An act, what it does to an object, and why: as plain frozen values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from tui.objects import Inventory, Json, Live
from tui.ownership.listings import Known, Listing


class Act(StrEnum):
    """What an owner may do by which an object goes, or is left behind."""

    UPGRADE = "upgrade"
    """The manifest leaves the chart."""
    UNINSTALL = "uninstall"
    PRUNE = "prune"
    """The manifest leaves the source."""
    DELETE_OWNER = "delete-owner"
    """The Kustomization, HelmRelease or Application goes."""
    DESTROY = "destroy"
    """The object leaves the program."""


class Effect(StrEnum):
    """What an act does to the object."""

    DELETES = "deletes"
    KEEPS = "keeps"
    UNKNOWN = "unknown"


LEAVING: Final = frozenset({Act.UPGRADE, Act.PRUNE, Act.DESTROY})
"""The acts by which an object leaves the source of an owner that stays."""

WHEN: Final[Mapping[Act, str]] = {
    Act.UPGRADE: "if its chart drops it",
    Act.UNINSTALL: "if its release is uninstalled",
    Act.PRUNE: "if its manifest leaves the source",
    Act.DELETE_OWNER: "if its owner is deleted",
    Act.DESTROY: "if it leaves the program",
}
_DOES: Final = {
    Effect.DELETES: "deletes it",
    Effect.KEEPS: "leaves it",
    Effect.UNKNOWN: "may delete it",
}


@dataclass(frozen=True, slots=True)
class Consequence:
    """What one owner's act would do to one object as it stands now.

    ``because`` says what the act reads and finds. ``keep`` is what would make it leave the object, and where that is
    read; None where nothing is known to, or nothing needs to.
    """

    owner: str
    act: Act
    effect: Effect
    because: str
    keep: str | None = None

    @property
    def text(self) -> str:
        """One sentence, which says of which act it speaks."""
        sure = "could not tell: " if self.effect is Effect.UNKNOWN else ""
        kept = f"; to keep it: {self.keep}" if self.keep and self.effect is not Effect.KEEPS else ""
        return f"{WHEN[self.act]}: {sure}{self.owner} {_DOES[self.effect]}: {self.because}{kept}"

    def to_json(self) -> Json:
        """A row of ``acts`` in the JSON outputs."""
        return {
            "owner": self.owner,
            "act": self.act.value,
            "effect": self.effect.value,
            "because": self.because,
            "keep": self.keep,
        }


@dataclass(frozen=True, slots=True)
class Subject:
    """One live object, and what its owners' tools go by.

    ``holders`` list it in their status; ``listings`` are the recorded releases that know it. ``release`` is the
    recorded one whose stamp it bears, and ``unread`` says why a manifest of that could not be read. ``runs`` has the
    HelmRelease of each release by release namespace and name.
    """

    live: Live
    inventory: Inventory = field(repr=False)
    holders: tuple[Live, ...] = ()
    listings: tuple[Listing, ...] = ()
    runs: Mapping[tuple[str, str], Live] = field(default_factory=dict, repr=False)
    release: Known | None = None
    unread: str = ""
