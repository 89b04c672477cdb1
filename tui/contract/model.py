"""What a contract says, as plain frozen values. ``load`` builds them; nothing else does outside tests.

``line`` is everywhere the line in the contract's file, from 1; 0 where there is no file.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from fnmatch import fnmatchcase


@dataclass(frozen=True, slots=True)
class Selector:
    """Chooses objects: every key that is given must match. Strings are globs as in fnmatch, case-sensitive.

    ``namespaces`` never matches a cluster-scoped object; ``namespaces_not`` matches objects in any other namespace.
    ``labels`` and ``annotations`` map a name to a glob of its value. ``fields`` maps a dotted path
    (``spec.type``) to the globs of which one must match the field's scalar value.
    """

    kinds: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()
    namespaces_not: tuple[str, ...] = ()
    labels: Mapping[str, str] | None = None
    annotations: Mapping[str, str] | None = None
    fields: Mapping[str, tuple[str, ...]] | None = None


@dataclass(frozen=True, slots=True)
class Layer:
    """One storey of the cluster, top to bottom in the contract's order. ``owner`` may be absent."""

    name: str
    title: str
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class Mark:
    """How an owner is recognised on a live object. Exactly one of the fields is set.

    ``manager``: globs of field-manager names. ``label``, ``annotation``: name globs to value globs, in which
    ``{group}``, ``{kind}``, ``{namespace}`` and ``{name}`` stand for the object's own: a mark that names another object
    is a copy. ``family``: the name of a release family. ``inventory``: kinds whose status lists what they own
    (``words.INVENTORIES``). ``owner_kind``: globs of ``Kind`` or ``Kind.group``; an owner reference to one of these
    that is no controller's says whose the object is.
    """

    manager: tuple[str, ...] = ()
    label: Mapping[str, str] | None = None
    annotation: Mapping[str, str] | None = None
    family: str | None = None
    inventory: tuple[str, ...] = ()
    owner_kind: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reconcile:
    """How to ask an owner to act now: a command to show and copy, or an object to annotate."""

    command: str | None = None
    kind: str | None = None
    namespace: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Owner:
    """A tool that manages resources. ``process`` are the steps by which a new component is given to it, in words."""

    name: str
    title: str
    marks: tuple[Mark, ...]
    reconcile: Reconcile | None = None
    process: tuple[str, ...] = ()
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Claim:
    """Who should own some resources. Of all claims the first whose any selector matches wins."""

    owner: str
    layer: str
    source: str
    select: tuple[Selector, ...]
    line: int = 0
    """The line of the claim in its file, from 1."""


GENERATED = re.compile(r"[0-9a-f]{8}")
"""What Pulumi appends to a release's logical name, behind a hyphen (pulumi-kubernetes helm_release.go)."""


@dataclass(frozen=True, slots=True)
class Family:
    """Helm releases that are generations of one logical release, and all that their cleanup may ever touch."""

    name: str
    namespace: str
    owner: str
    generated: str | None = None
    match: str | None = None
    names: tuple[str, ...] = ()
    cleanup_cluster_scoped: bool = False
    cleanup_namespaces: tuple[str, ...] = ()
    line: int = field(default=0, compare=False)

    def has(self, release: str) -> bool:
        """Whether a release of this name belongs: by its exact generated form, a listed name or ``match``."""
        return release in self.names or self.draws(release) or (bool(self.match) and glob(self.match or "", release))

    def draws(self, release: str) -> bool:
        """Whether a name has the generated form: Pulumi made it up, and draws another one at its next attempt."""
        base, _, suffix = release.rpartition("-")
        return bool(self.generated) and base == self.generated and GENERATED.fullmatch(suffix) is not None


@dataclass(frozen=True, slots=True)
class Guardrail:
    """Objects the cluster must not hold."""

    id: str
    deny: Selector
    reason: str
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Health:
    """One line of the health list: Deployments that must be available, or one object that must be Ready.

    With ``optional`` it is judged only where the namespace (or the object's kind) exists.
    """

    namespace: str
    deployments: tuple[str, ...] = ()
    ready: str | None = None
    name: str | None = None
    optional: bool = False
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Allow:
    """A finding known and accepted. ``resource`` is a glob over ``Kind/namespace/name`` or ``Kind/name``."""

    code: str
    resource: str
    reason: str
    expires: date
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Decision:
    """An ownership decision taken; shown where it applies. ``resource`` is a glob as in :class:`Allow`."""

    resource: str
    owner: str
    reason: str
    removed: str | None = None
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class InUse:
    """Objects that are used ``by`` somebody who chooses them without naming them, by a label for instance."""

    by: str
    select: tuple[Selector, ...]
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Contract:
    """A whole contract. ``source`` names the file it came from, ``sha256`` is the hex digest of the file's bytes."""

    name: str
    layers: tuple[Layer, ...]
    owners: Mapping[str, Owner]
    claims: tuple[Claim, ...] = ()
    releases: tuple[Family, ...] = ()
    guardrails: tuple[Guardrail, ...] = ()
    health: tuple[Health, ...] = ()
    allow: tuple[Allow, ...] = ()
    decisions: tuple[Decision, ...] = ()
    in_use: tuple[InUse, ...] = ()
    cluster_uid: str | None = None
    source: str = ""
    sha256: str = ""

    def family(self, name: str) -> Family | None:
        """The family of this name."""
        return next((family for family in self.releases if family.name == name), None)

    def family_of(self, release: str) -> Family | None:
        """The first family that a release of this name belongs to."""
        return next((family for family in self.releases if family.has(release)), None)


def glob(pattern: str, text: str) -> bool:
    """Case-sensitive fnmatch on every platform."""
    return fnmatchcase(text, pattern)
