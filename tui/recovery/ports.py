"""What the recovery needs of a cluster, handed in by whoever composes the program; ``tui.cluster`` implements it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from tui.objects import Inventory, Json, Key, KindKey, Ref
from tui.recovery.lease import Standing


@dataclass(frozen=True, slots=True)
class Identity:
    """Where a session acts and as whom. ``user`` is what the API server says, or empty where it would not say."""

    context: str
    server: str
    cluster_uid: str | None
    user: str
    contract: str


@dataclass(frozen=True, slots=True)
class Access:
    """One verb on one kind of object, to be asked of the API server (SelfSubjectAccessReview)."""

    verb: str
    group: str
    plural: str
    namespace: str | None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an inventory is: kinds listed of all kinds, and objects so far."""

    kinds_done: int
    kinds: int
    objects: int


class Reader(Protocol):
    """Reads a cluster. Nothing here can change it."""

    async def inventory(self, report: Callable[[Progress], None] | None = None) -> Inventory:
        """Discovery and a list of every listable kind. Raises Unreachable when nothing answers at all."""
        ...

    async def relist(self, known: Inventory, kinds: Iterable[KindKey]) -> Inventory:
        """``known`` with these kinds read again; a kind that now fails becomes a gap. Helm records count as Secrets
        and ConfigMaps."""
        ...

    async def search(self, known: Inventory, targets: Iterable[Key], *, anew: bool = False) -> Inventory:
        """``known`` with these objects looked for by name in everything that it holds no bodies of; with ``anew`` in
        kinds too of which it knows no object. A kind that cannot be read becomes a gap of ``searched``."""
        ...

    async def get(self, ref: Ref) -> Json | None:
        """One whole object exactly as the server has it (not cleaned: it may be written back), or None for 404.

        Raises ApiFault or Unreachable for any other answer.
        """
        ...

    async def allowed(self, questions: Sequence[Access]) -> Sequence[bool | None]:
        """One answer a question, in order; None where the review itself failed."""
        ...


class Hold(Protocol):
    """The session's claim to be the only one that acts on this cluster. Nothing here raises a Fault."""

    @property
    def standing(self) -> Standing:
        """How the session stands, as of the last look: held, another's (and whose), lapsed, barred or waived."""
        ...

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the operator accepted so as to go on without the claim; for the report."""
        ...

    async def refused(self) -> str:
        """Why no change may be made now, in one sentence; empty while the claim stands, or was waived."""
        ...

    async def take_over(self, typed: str) -> str:
        """Takes a lapsed claim over from the holder whose name was typed; why not, or empty where it now stands."""
        ...

    async def accept(self) -> Standing:
        """Goes on without a claim that cannot be made, as the operator accepts; another's claim cannot be waived."""
        ...

    async def release(self, *, keep: bool = False) -> None:
        """Ends the claim and gives it up; with ``keep`` it lapses by itself: a change may still be under way."""
        ...


class Herald(Protocol):
    """Tells the cluster itself what was done."""

    async def tell(self, ref: Ref, reason: str, text: str) -> str:
        """Records an Event on an object; returns why that failed, or the empty string. Raises nothing."""
        ...


class Method(StrEnum):
    """The mutating requests Refloat sends."""

    CREATE = "create"
    DELETE = "delete"
    MERGE_PATCH = "merge-patch"
    JSON_PATCH = "json-patch"
    APPLY = "apply"


@dataclass(frozen=True, slots=True)
class Request:
    """One mutating request. For DELETE ``body`` is the DeleteOptions, preconditions and dryRun included.

    ``manager`` is the fieldManager sent; empty for DELETE. ``dry_run`` asks the server to change nothing. ``force``
    lets an APPLY take fields from other managers.
    """

    method: Method
    ref: Ref
    body: Json | list[Json] = field(repr=False)
    manager: str = ""
    dry_run: bool = False
    force: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What the API server answered to a request: the object (or Status) and its warnings, cleaned."""

    code: int
    body: Json = field(repr=False)
    warnings: tuple[str, ...] = ()
