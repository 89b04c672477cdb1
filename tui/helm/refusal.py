"""What an owner's text says of a refused installation or upgrade, as plain values. ``errors`` reads them out of it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Cause(StrEnum):
    """Why an object stands in the way."""

    OWNERSHIP = "ownership"
    FIELDS = "fields"
    ROLE_REF = "role-ref"


class Wanted(NamedTuple):
    """A release that the owner wants to install or upgrade. ``namespace`` is None where the text does not say."""

    release: str
    namespace: str | None = None


@dataclass(frozen=True, slots=True)
class Conflict:
    """One object that an operation was refused over, as the text tells it.

    ``namespace`` is empty for a cluster-scoped object and None where the text does not say; ``kind`` and ``name`` are
    empty for fields whose object it does not name. ``held_release`` and ``held_namespace`` are what the object bears:
    empty for no such annotation, None where the text does not say. ``held_label`` is its managed-by label, likewise.
    ``managers`` hold the ``fields`` (a number) that a server-side apply conflicts over. ``cut``: the text ends, or
    goes on otherwise, in the middle of it.
    """

    cause: Cause
    kind: str
    namespace: str | None
    name: str
    held_release: str | None = None
    held_namespace: str | None = None
    held_label: str | None = None
    wanted_release: str | None = None
    wanted_namespace: str | None = None
    managers: tuple[str, ...] = ()
    fields: int = 0
    cut: bool = False

    @property
    def label(self) -> str:
        """``Kind namespace/name``, as far as the text says."""
        path = f"{self.namespace}/{self.name}" if self.namespace else self.name
        return f"{self.kind} {path}".strip() or "an object that the text does not name"


@dataclass(frozen=True, slots=True)
class OwnerError:
    """What an owner's text says. ``busy``: another operation was in progress. ``cut``: what of it could not be read.

    ``atomic`` are the words that show that the owner's operation is atomic: what it fails over, it takes back. Empty
    where nothing in the text shows that.
    """

    conflicts: tuple[Conflict, ...] = ()
    wanted: tuple[Wanted, ...] = ()
    busy: bool = False
    cut: tuple[str, ...] = ()
    atomic: str = ""

    @property
    def says_nothing(self) -> bool:
        """Whether no refusal was found in the text, not even the beginning of one."""
        return not (self.conflicts or self.wanted or self.busy or self.cut or self.atomic)
