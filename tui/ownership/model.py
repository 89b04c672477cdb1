"""What an assessment of a cluster says, as plain frozen values. Every screen, report and JSON output draws these."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Final

from tui.contract.model import Claim, Family
from tui.helm.model import Document, Hook, Record, Undecodable
from tui.helm.refusal import OwnerError
from tui.objects import Inventory, Json, Key, Live, Ref
from tui.ownership.listings import Listings


class Source(StrEnum):
    """Where a piece of evidence was read."""

    OWNER_REFERENCE = "owner-reference"
    INVENTORY = "inventory"
    MANIFEST = "manifest"
    STAMP = "stamp"
    LABEL = "label"
    MANAGER = "manager"


class Strength(IntEnum):
    """How much a piece of evidence weighs, strongest highest."""

    PLAIN_LABEL = 1
    MANAGER = 2
    NAMED_MARK = 3
    """A mark that names the object itself, or an owner of it that is there."""
    FLUX_LABEL = 4
    STAMP = 5
    MANIFEST = 6
    INVENTORY = 7
    OWNER_REFERENCE = 8


@dataclass(frozen=True, slots=True)
class Evidence:
    """One mark found on one object. ``confirmed``: the owner's own record lists the object.

    ``text`` says, in words a person can check with kubectl, what was found and where it was read.
    """

    owner: str
    source: Source
    strength: Strength
    text: str
    confirmed: bool = False


class State(StrEnum):
    """What an object's evidence says against the contract's claim; the first that holds."""

    MISSING = "missing"
    UNVERIFIABLE = "unverifiable"
    CONTESTED = "contested"
    STALE = "stale"
    MISOWNED = "misowned"
    UNDOCUMENTED = "undocumented"
    OWNED = "owned"
    UNOWNED = "unowned"


@dataclass(frozen=True, slots=True)
class Attribution:
    """Who owns one object and why. ``owners`` are names, strongest evidence first.

    ``root`` is the object whose marks count (itself, unless a controller owner reference leads elsewhere).
    ``why_unverifiable`` says what could not be read, in state ``unverifiable``. ``notes`` tell what was found and
    proves nothing: a mark copied from another object, a release that listed it once. They never make an owner.
    """

    ref: Ref
    live: bool
    state: State
    owners: tuple[str, ...]
    evidence: tuple[Evidence, ...]
    claim: Claim | None
    layer: str | None
    root: Key
    release: str | None = None
    why_unverifiable: str = ""
    notes: tuple[str, ...] = ()

    @property
    def owner(self) -> str | None:
        """The one owner, or None when there is none or two contest it."""
        return self.owners[0] if len(self.owners) == 1 else None


@dataclass(frozen=True, slots=True)
class Forecast:
    """What an expected release will hold (``--manifest``): of each document its identity, its roleRef and whether its
    manifest keeps it, no more.

    ``source`` names the file and ``sha256`` is the hex digest of its bytes. ``whole`` has every document as the file
    has it, hooks and CRDs of a ``crds/`` folder too: for trying them, and for making a binding again. It is never
    written down, so that what a plan file or a journal tells of a manifest has none.
    """

    source: str
    sha256: str
    documents: tuple[Document, ...]
    whole: tuple[Document, ...] = field(default=(), repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Wish:
    """What an operator stated beside the cluster.

    ``expected`` is the name of a release that the owner wants to install (``--expect``), ``settled`` the one that is
    meant of two in force. ``error`` is what the owner's text says (``--error``), ``forecast`` what the expected release
    will hold. ``not_atomic`` says that the owner's next install takes nothing back (``--not-atomic``).
    """

    expected: str | None = None
    settled: tuple[str, int] | None = None
    error: OwnerError = field(default_factory=OwnerError)
    forecast: Forecast | None = None
    not_atomic: bool = False


@dataclass(frozen=True, slots=True)
class Atomic:
    """What shows that an owner's next install takes back what it fails over.

    ``by`` is the object of the cluster that says so, and that says so no longer once it is switched off there; None
    where a text or a record shows it, which only the operator's word (``--not-atomic``) outdates.
    """

    why: str
    by: Ref | None = None


class FamilyState(StrEnum):
    """Whether a release family has one release in force."""

    UNVERIFIABLE = "unverifiable"
    AMBIGUOUS = "ambiguous"
    ABSENT = "absent"
    ACTIVE = "active"


@dataclass(frozen=True, slots=True)
class Release:
    """One release (storage namespace and name) with its revisions, newest first.

    ``in_force`` is its highest deployed revision, or None.
    """

    namespace: str
    name: str
    records: tuple[Record, ...]

    @property
    def newest(self) -> Record:
        """The highest revision, whatever its status."""
        return self.records[0]

    @property
    def in_force(self) -> Record | None:
        """The highest deployed revision, or None: a failed upgrade leaves the earlier one in force."""
        return next((r for r in self.records if r.status.value == "deployed"), None)

    @property
    def standing(self) -> tuple[Record, ...]:
        """The revision in force and all newer ones, newest first; the newest alone where none is in force."""
        force = self.in_force
        return tuple(r for r in self.records if force and r.revision >= force.revision) or self.records[:1]


@dataclass(frozen=True, slots=True)
class Listed:
    """The documents of one revision's manifest, resolved against what the cluster serves.

    ``documents`` have their namespace default applied. ``unresolved`` are documents whose kind the cluster does not
    serve (or could not be asked about), so that their scope is unknown; they match by group, kind and name alone.
    ``fault`` says why the manifest could not be read at all; empty when it could.

    ``hooks`` are the revision's hooks by what they make, run or not; ``loose_hooks`` those whose document or scope
    could not be told, which may be any object of their kind and name.
    """

    record: Record
    documents: Mapping[Key, Document]
    unresolved: tuple[Document, ...] = ()
    fault: str = ""
    hooks: Mapping[Key, tuple[Hook, Document]] = field(default_factory=dict)
    loose_hooks: tuple[Hook, ...] = ()

    def lists(self, key: Key) -> bool:
        """Whether this revision lists the object; an unreadable manifest lists everything, to be safe."""
        return bool(self.fault) or key in self.documents or any(self._may_be(doc, key) for doc in self.unresolved)

    def hook(self, key: Key) -> Hook | None:
        """The hook that makes this object, or may make it; None where no hook of the revision does."""
        if key in self.hooks:
            return self.hooks[key][0]
        return next((hook for hook in self.loose_hooks if (hook.kind, hook.name) == (key.kind, key.name)), None)

    @staticmethod
    def _may_be(doc: Document, key: Key) -> bool:
        same = doc.ref.group == key.group and doc.ref.kind == key.kind
        if doc.generate_name is not None:
            return same and key.name.startswith(doc.generate_name)
        return same and doc.ref.name == key.name and doc.ref.namespace in (None, key.namespace)


@dataclass(frozen=True, slots=True)
class FamilyView:
    """A release family as the records tell it. ``why`` explains the state in one sentence.

    ``active`` is set in state ``active`` only. ``listed`` holds the active release's deployed manifest, then those of
    newer failed revisions of the same release. ``expected`` is the release name an operator expects (``--expect``),
    ``awaited`` the documents of its manifest where that was given. ``installer`` is the object of the cluster by which
    it would be installed, where there is one; ``atomic`` what shows that its install takes back what it fails over.
    """

    family: Family
    state: FamilyState
    why: str
    releases: tuple[Release, ...]
    undecodable: tuple[Undecodable, ...] = ()
    active: Record | None = None
    listed: tuple[Listed, ...] = ()
    expected: str | None = None
    awaited: Mapping[Key, Document] | None = None
    installer: Ref | None = None
    atomic: Atomic | None = None

    def wanted(self, key: Key) -> Document | None:
        """What an object is to be by the active release's manifest, or without one by the expected release's."""
        if self.active is None:
            return (self.awaited or {}).get(key)
        return next((each.documents[key] for each in self.listed if key in each.documents), None)

    def release(self, name: str) -> Release | None:
        """The family's release of this name."""
        return next((release for release in self.releases if release.name == name), None)

    @property
    def in_force(self) -> tuple[Record, ...]:
        """Every revision in force, one a release."""
        return tuple(record for release in self.releases if (record := release.in_force))


class Rule(StrEnum):
    """The safety rules of a cleanup, by number; ``staleness.Rules`` says each."""

    S1 = "S1"
    S2 = "S2"
    S3 = "S3"
    S4 = "S4"
    S5 = "S5"
    S6 = "S6"
    S7 = "S7"
    S8 = "S8"
    S9 = "S9"


class Decision(StrEnum):
    """What a cleanup may do with an object."""

    DELETE = "delete"
    ADOPT = "adopt"
    RECREATE = "recreate"
    PROTECT = "protect"


@dataclass(frozen=True, slots=True)
class Use:
    """One edge: ``user`` uses an object for ``reason``. ``user`` may be a document that is not live."""

    user: Ref
    reason: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """A decision about one stamped (or listed and unstamped) object, with every rule that failed and why.

    ``release`` is the stamp's, or the active one's for an object without a stamp; ``target`` is the release that an
    adoption would stamp. ``rests_on`` are objects that must leave earlier for this decision to hold (S7).
    """

    live: Live
    family: str
    release: str
    decision: Decision
    failed: tuple[tuple[Rule, str], ...]
    why: str
    target: str | None = None
    rests_on: tuple[Key, ...] = ()

    @property
    def ref(self) -> Ref:
        """The object."""
        return self.live.ref

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules that failed, in order."""
        return tuple(rule for rule, _ in self.failed)


@dataclass(frozen=True, slots=True)
class Missing:
    """A document of the active release that the cluster lacks."""

    document: Document
    ref: Ref
    family: str
    release: str
    replayable: bool
    why: str


class Severity(StrEnum):
    """How a finding weighs in a verdict."""

    BLOCK = "block"
    WARN = "warn"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something an operator should know: a stable code, the resources, the evidence and the next action."""

    code: str
    severity: Severity
    summary: str
    resources: tuple[Ref, ...]
    evidence: tuple[str, ...]
    next: str

    def to_json(self) -> Json:
        """The finding of the JSON outputs."""
        return {
            "code": self.code,
            "severity": self.severity.value,
            "summary": self.summary,
            "resources": [ref.to_json() for ref in self.resources],
            "evidence": list(self.evidence),
            "next": self.next,
        }


class Enforcement(StrEnum):
    """Whether the cluster itself enforces what a guardrail says."""

    ENFORCED = "enforced"
    AUDITED = "audited"
    NOT_ENFORCED = "not-enforced"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Guarded:
    """Whether the cluster enforces one guardrail, by which policies, and why that is known (or not)."""

    guardrail: str
    status: Enforcement
    by: tuple[str, ...]
    why: str

    @property
    def said(self) -> str:
        """``the cluster enforces it: ...``."""
        return f"{_SAID[self.status]}: {self.why}"

    @property
    def text(self) -> str:
        """One line: ``guardrail no-ingress: the cluster enforces it: ...``."""
        return f"guardrail {self.guardrail}: {self.said}"


_SAID: Final = {
    Enforcement.ENFORCED: "the cluster enforces it",
    Enforcement.AUDITED: "the cluster only audits it",
    Enforcement.NOT_ENFORCED: "the cluster does not enforce it",
    Enforcement.UNKNOWN: "whether the cluster enforces it could not be told",
}


class Verdict(StrEnum):
    """The preflight's one word."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    WARN = "warn"
    BLOCK = "block"
    UNVERIFIED = "unverified"


@dataclass(frozen=True, slots=True)
class Assessment:
    """All that can be said of an inventory under a contract. ``hidden`` counts findings the contract allows.

    ``policies`` says of each guardrail whether the cluster itself enforces it, ``listings`` what the recorded releases
    list. ``unsearched`` are objects that nothing holds but that it was not looked who names them: a search for them, in
    :attr:`Inventory.searched`, may free them. ``blank`` is the sentence about an owner's text that tells of nothing.
    """

    inventory: Inventory = field(repr=False)
    families: tuple[FamilyView, ...]
    attributions: Mapping[Key, Attribution] = field(repr=False)
    candidates: tuple[Candidate, ...]
    missing: tuple[Missing, ...]
    findings: tuple[Finding, ...]
    hidden: int
    incomplete: tuple[str, ...]
    verdict: Verdict
    policies: tuple[Guarded, ...] = ()
    unsearched: frozenset[Key] = frozenset()
    blank: str = ""
    listings: Listings = field(default_factory=Listings, repr=False)

    def family(self, name: str) -> FamilyView | None:
        """The view of one family."""
        return next((view for view in self.families if view.family.name == name), None)
