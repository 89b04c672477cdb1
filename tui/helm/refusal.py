"""What an owner's text says of a refused installation or upgrade, as plain values. ``errors`` reads them out of it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple


class Tool(StrEnum):
    """Whose words a text is."""

    HELM = "helm"
    PULUMI = "pulumi"
    FLUX = "flux"
    ARGOCD = "argocd"
    KUBECTL = "kubectl"
    UNKNOWN = "unknown"


KEEPS_NAMES: Final = frozenset({Tool.HELM, Tool.FLUX, Tool.ARGOCD})
"""Tools that ask for the same release at every attempt, so that the name in an error is the next one."""


class Cause(StrEnum):
    """Why an object stands in the way."""

    OWNERSHIP = "ownership"
    FIELDS = "fields"
    ROLE_REF = "role-ref"


class Trouble(StrEnum):
    """What else stopped an owner: no object stands in its way."""

    NAME_IN_USE = "name-in-use"
    """A record of the release is there, and the owner wants to install it for the first time."""
    NO_DEPLOYED = "no-deployed"
    """No record of the release is in force, and the owner wants to upgrade it."""
    NO_RECORD = "no-record"
    """The owner wants to uninstall a release that has no record."""
    UNINSTALLED = "uninstalled"
    """An atomic installation failed: all that bore the release's stamp was deleted, whoever had made it."""
    INCOMPLETE = "incomplete"
    """The release was recorded as failed; what it made stays."""
    PROTECTED = "protected"
    """A resource was to be deleted that the owner's state protects."""
    SOURCE = "source"
    TEMPLATE = "template"
    UNREACHABLE = "unreachable"
    STATE = "state"
    """The owner's own state could not be used: a passphrase, a stack, a lock."""


class Wanted(NamedTuple):
    """A release that the owner wants to install or upgrade. ``namespace`` is None where the text does not say.

    ``resource`` is the Pulumi resource that wants it, by its name in the program; empty where the text does not say.
    """

    release: str
    namespace: str | None = None
    resource: str = ""


class Failure(NamedTuple):
    """A trouble that a text tells of: with which release and Pulumi resource, as far as it says."""

    trouble: Trouble
    release: str = ""
    namespace: str | None = None
    resource: str = ""


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
    ``failures`` stopped the owner without an object in its way. ``tool`` says whose words they are. ``source`` names
    where a text was read that says none of this; empty where it says anything, or where there was no text.
    """

    conflicts: tuple[Conflict, ...] = ()
    wanted: tuple[Wanted, ...] = ()
    busy: bool = False
    cut: tuple[str, ...] = ()
    atomic: str = ""
    failures: tuple[Failure, ...] = ()
    tool: Tool = Tool.UNKNOWN
    source: str = ""

    @property
    def says_nothing(self) -> bool:
        """Whether no refusal was found in the text, not even the beginning of one."""
        return not (self.conflicts or self.wanted or self.busy or self.cut or self.atomic or self.failures)

    @property
    def blank(self) -> str:
        """The sentence about a text that was given and says nothing of this; empty where there is no such text."""
        if not self.source:
            return ""
        return (
            f"{self.source} tells of no refused install or upgrade that Refloat knows, so this is judged as without it;"
            " give the whole text in which Helm, Flux or Pulumi says it"
        )
