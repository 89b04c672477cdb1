"""What Helm stores, as plain values. A decoded record holds rendered Secrets: its manifest never shows in a repr."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from tui.objects import Json, Key, Ref


class Status(StrEnum):
    """A release revision's status, as Helm names it (helm pkg/release/common/status.go)."""

    UNKNOWN = "unknown"
    DEPLOYED = "deployed"
    UNINSTALLED = "uninstalled"
    SUPERSEDED = "superseded"
    FAILED = "failed"
    UNINSTALLING = "uninstalling"
    PENDING_INSTALL = "pending-install"
    PENDING_UPGRADE = "pending-upgrade"
    PENDING_ROLLBACK = "pending-rollback"

    @property
    def at_work(self) -> bool:
        """An operation may be under way."""
        return self.value.startswith("pending-") or self is Status.UNINSTALLING


@dataclass(frozen=True, slots=True)
class Hook:
    """A hook of a release: stored beside the manifest, never stamped, never replayed.

    ``manifest`` is its document as text, ``policies`` its delete policies (none counts as ``before-hook-creation``) and
    ``phase`` how its last run ended (``Succeeded``, ``Failed``, ``Running``, ``Unknown``), empty where it never ran
    (helm pkg/release/v1/hook.go).
    """

    kind: str
    name: str
    events: tuple[str, ...]
    policies: tuple[str, ...] = ()
    phase: str = ""
    manifest: str = field(default="", repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class ChartFile:
    """One stored file of the chart; ``data`` is its decoded text."""

    name: str
    data: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Record:
    """One decoded revision of a release.

    ``storage`` names the Secret or ConfigMap that holds it (its namespace is the storage namespace). ``name`` and
    ``namespace`` are the payload's: what objects are stamped with. ``updated`` is the payload's ``last_deployed``,
    RFC 3339 with the client's clock; ``created`` is the storage object's creationTimestamp, the server's clock.
    ``apply_method`` is ``ssa`` or ``csa`` (absent counts as ``csa``). ``disagreements`` says, in words, where the
    storage object's name and labels contradict the payload: such a record is trusted in neither.
    """

    storage: Ref
    resource_version: str
    created: str
    name: str
    namespace: str
    revision: int
    status: Status
    updated: str
    description: str
    apply_method: str
    chart: str
    chart_version: str
    app_version: str
    manifest: str = field(repr=False)
    hooks: tuple[Hook, ...] = ()
    crds: tuple[ChartFile, ...] = field(default=(), repr=False)
    disagreements: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Undecodable:
    """A storage object that claims to be a release record and could not be decoded.

    ``name`` is the release it seems to belong to, from its labels or its name; ``reason`` says what is wrong.
    """

    storage: Ref
    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Document:
    """One document of a manifest, in manifest order. ``ref`` has no namespace default applied and no uid.

    ``sha256`` is the hex digest of the document's canonical JSON. ``generate_name`` is set instead of a name. ``line``
    is where it begins in the text it was read from, counting from 1. ``policy`` is the resource policy that an
    uninstall reads, as Helm folds it (trimmed, in lower case): of an item of a List the List's own; None without any.
    """

    ref: Ref
    body: Json = field(repr=False)
    source: str = ""
    sha256: str = ""
    generate_name: str | None = None
    line: int = field(default=0, compare=False)
    policy: str | None = field(default=None, compare=False)

    @property
    def key(self) -> Key:
        """The identity without version."""
        return self.ref.key

    @property
    def annotations(self) -> dict[str, Any]:
        """The document's annotations."""
        return (self.body.get("metadata") or {}).get("annotations") or {}
