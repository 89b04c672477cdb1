"""Plain values for what lives in a cluster: identities, live objects, served kinds, and an inventory with its gaps.

Everything here has been cleaned by ``tui.cluster`` before it was built; nothing here reads or sends anything.
"""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from shlex import quote
from typing import Any, Final, NamedTuple, Self

Json = dict[str, Any]


class Key(NamedTuple):
    """An object's identity without its version: two API versions of one group serve the same object."""

    group: str
    kind: str
    namespace: str | None
    name: str


class KindKey(NamedTuple):
    """A kind without its version."""

    group: str
    kind: str


def group_of(api_version: str) -> str:
    """The group of an apiVersion: ``apps`` for ``apps/v1``, the empty string for ``v1``."""
    return api_version.partition("/")[0] if "/" in api_version else ""


@dataclass(frozen=True, slots=True)
class Ref:
    """Names one object the way a person and the JSON outputs do."""

    api_version: str
    kind: str
    namespace: str | None
    name: str
    uid: str | None = None

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Self:
        """The reference of a whole object or document; parts that are missing or no text become empty strings."""
        meta = body.get("metadata")
        meta = meta if isinstance(meta, dict) else {}
        return cls(
            _text(body.get("apiVersion")),
            _text(body.get("kind")),
            _text(meta.get("namespace")) or None,
            _text(meta.get("name")),
            _text(meta.get("uid")) or None,
        )

    @property
    def group(self) -> str:
        """The API group; empty for the core group."""
        return group_of(self.api_version)

    @property
    def key(self) -> Key:
        """The identity without version and uid."""
        return Key(self.group, self.kind, self.namespace, self.name)

    @property
    def kind_key(self) -> KindKey:
        """The kind without its version."""
        return KindKey(self.group, self.kind)

    @property
    def path(self) -> str:
        """``namespace/name``, or just the name of a cluster-scoped object."""
        return f"{self.namespace}/{self.name}" if self.namespace else self.name

    @property
    def label(self) -> str:
        """``Kind namespace/name``: how screens and reports name the object."""
        return f"{self.kind} {self.path}"

    @property
    def kubectl(self) -> str:
        """``kind.group name -n namespace``: the words kubectl needs to find it, safe to paste into a shell."""
        kind = f"{self.kind}.{self.group}" if self.group else self.kind
        where = f" -n {quote(self.namespace)}" if self.namespace else ""
        # The API server allows RBAC objects any name without a slash: quotes, blanks and semicolons too.
        return f"{quote(kind.lower())} {quote(self.name)}{where}"

    def to_json(self) -> Json:
        """The REF of the JSON outputs."""
        return {
            "apiVersion": self.api_version,
            "kind": self.kind,
            "namespace": self.namespace,
            "name": self.name,
            "uid": self.uid,
        }


@dataclass(frozen=True, slots=True)
class Owner:
    """One owner reference."""

    api_version: str
    kind: str
    name: str
    uid: str
    controller: bool


@dataclass(frozen=True, slots=True)
class Manager:
    """One entry of ``metadata.managedFields``.

    ``operation`` is ``Apply`` or ``Update``; ``time`` is RFC 3339 or empty. ``packed`` is the FieldsV1 set as compact
    JSON text, empty where it was not kept: a set is a tree of many small objects, ten times as large, and mostly the
    same in every object that a tool makes.
    """

    name: str
    operation: str
    subresource: str
    time: str
    packed: str = field(default="", repr=False)

    @property
    def fields(self) -> Json:
        """The FieldsV1 set, not to be changed; empty where it was not kept."""
        return _unpacked(self.packed) if self.packed else {}


_encode: Final = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


def _packed(fields: Json) -> str:
    # Interned, because most objects that one tool makes have the same sets.
    return sys.intern(_encode(fields)) if fields else ""


@lru_cache(maxsize=1024)
def _unpacked(packed: str) -> Json:
    found: Json = json.loads(packed)
    return found


@dataclass(frozen=True, slots=True)
class Live:
    """One object as the cluster holds it. ``body`` is the whole object, or None where only metadata was read.

    ``deleting`` is the deletionTimestamp or empty; ``resource_version`` is opaque. ``damaged`` names the fields of the
    metadata that had another shape than an API server sends: they were read as far as they could be, and prove nothing.
    """

    ref: Ref
    resource_version: str
    generation: int
    created: str
    deleting: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    owners: tuple[Owner, ...]
    finalizers: tuple[str, ...]
    managers: tuple[Manager, ...] = field(repr=False)
    body: Json | None = field(default=None, repr=False)
    damaged: frozenset[str] = frozenset()

    @classmethod
    def of(cls, body: Json, *, keep_body: bool = True) -> Self:
        """Reads an object's JSON (whole, or PartialObjectMetadata with apiVersion and kind filled in).

        Damaged metadata is read as absent rather than refused, and named in ``damaged``: a strange object must not hide
        the others, nor look free of what could not be read of it.
        """
        meta = body.get("metadata")
        reader = _Metadata(meta if isinstance(meta, dict) else {})
        for part in ("name", "namespace", "uid"):
            reader.text(part)
        generation = reader.meta.get("generation")
        return cls(
            ref=Ref.of(body),
            resource_version=_text(reader.meta.get("resourceVersion")),
            generation=generation if isinstance(generation, int) else 0,
            created=_text(reader.meta.get("creationTimestamp")),
            deleting=reader.text("deletionTimestamp"),
            labels=reader.texts("labels"),
            annotations=reader.texts("annotations"),
            owners=tuple(map(reader.owner, reader.entries("ownerReferences"))),
            finalizers=reader.names("finalizers"),
            managers=tuple(map(reader.manager, reader.entries("managedFields"))),
            body=body if keep_body else None,
            damaged=frozenset(reader.damaged) if reader.damaged else _WHOLE,
        )

    @property
    def key(self) -> Key:
        """The identity without version and uid."""
        return self.ref.key

    @property
    def controller(self) -> Owner | None:
        """The owner reference of the controller, if one is set."""
        return next((owner for owner in self.owners if owner.controller), None) if self.owners else None


_WHOLE: Final[frozenset[str]] = frozenset()


class _Metadata:
    """Reads an object's metadata, whatever its shape; ``damaged`` collects the fields that had a wrong one."""

    __slots__ = ("damaged", "meta")

    def __init__(self, meta: Json) -> None:
        self.meta = meta
        self.damaged: list[str] = []

    def text(self, name: str) -> str:
        value = self.meta.get(name)
        if value is not None and not isinstance(value, str):
            self.damaged.append(name)
        return _text(value)

    def texts(self, name: str) -> dict[str, str]:
        value = self.meta.get(name)
        if value is None:
            return {}
        if not isinstance(value, dict):
            self.damaged.append(name)
            return {}
        try:
            # The quickest proof that every value is text.
            "".join(value.values())
        except TypeError:
            self.damaged.append(name)
            return {key: _text(item) for key, item in value.items()}
        return value

    def entries(self, name: str) -> list[Json]:
        value = self.meta.get(name)
        if value is None:
            return []
        found = [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []
        if not isinstance(value, list) or len(found) != len(value):
            self.damaged.append(name)
        return found

    def names(self, name: str) -> tuple[str, ...]:
        value = self.meta.get(name)
        if value is None:
            return ()
        found = tuple(entry for entry in value if isinstance(entry, str)) if isinstance(value, list) else ()
        if not isinstance(value, list) or len(found) != len(value):
            self.damaged.append(name)
        return found

    def owner(self, entry: Json) -> Owner:
        controller = entry.get("controller")
        parts = [entry.get(name) for name in ("apiVersion", "kind", "name", "uid")]
        if not (controller is None or isinstance(controller, bool)) or not all(isinstance(part, str) for part in parts):
            self.damaged.append("ownerReferences")
        version, kind, name, uid = map(_text, parts)
        return Owner(version, kind, name, uid, controller is True)

    def manager(self, entry: Json) -> Manager:
        fields = entry.get("fieldsV1")
        if fields is None:
            fields = {}
        elif not isinstance(fields, dict):
            self.damaged.append("managedFields")
            fields = {}
        parts = [entry.get(name) for name in ("manager", "operation", "subresource", "time")]
        if not all(part is None or isinstance(part, str) for part in parts):
            self.damaged.append("managedFields")
        name, operation, subresource, time = map(_text, parts)
        return Manager(name, operation, subresource, time, self.packed(fields))

    def packed(self, fields: Json) -> str:
        try:
            return _packed(fields)
        except (RecursionError, TypeError, ValueError):
            self.damaged.append("managedFields")
            return ""


def _text(value: object) -> str:
    """The value if it is text, or a number as text; anything else is no text."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


@dataclass(frozen=True, slots=True)
class Served:
    """One served resource, in the version Refloat uses for it (the group's preferred one)."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool
    verbs: frozenset[str]
    short: tuple[str, ...] = ()
    """Short names, as in ``kubectl get deploy``."""

    @property
    def words(self) -> frozenset[str]:
        """Every word that kubectl takes for the kind, in lower case, without its group."""
        return frozenset((self.kind.lower(), self.plural, *self.short))

    @property
    def api_version(self) -> str:
        """``group/version``, or the version alone in the core group."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def kind_key(self) -> KindKey:
        """The kind without its version."""
        return KindKey(self.group, self.kind)


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that could not be read. ``kind`` is None where a whole API group (or discovery) failed.

    ``reason`` is the API server's own words, cleaned.
    """

    group: str
    kind: str | None
    namespace: str | None
    reason: str

    @property
    def text(self) -> str:
        """One line for screens and the ``incomplete`` list."""
        what = self.kind or f"API group {self.group or 'core'}"
        where = f" in {self.namespace}" if self.namespace else ""
        return f"{what}{where}: {self.reason}"


class Mention(NamedTuple):
    """One place in which an object names another one; ``where`` is a field, an annotation or a key, in words."""

    target: Key
    user: Ref
    where: str


@dataclass(frozen=True, slots=True)
class Searched:
    """What was looked for by name in everything of which an inventory keeps no body, and where it was found.

    ``gaps`` are the kinds that could not be read. Of a target that is not among ``targets`` nothing is known.
    """

    targets: frozenset[Key] = frozenset()
    mentions: tuple[Mention, ...] = ()
    gaps: tuple[Gap, ...] = ()

    def with_(self, newer: "Searched") -> "Searched":
        """Both together; of what was looked for twice the newer search counts.

        A gap of the older one is closed only where all of its targets were looked for again.
        """
        kept = tuple(each for each in self.mentions if each.target not in newer.targets)
        gaps = newer.gaps if self.targets <= newer.targets else tuple(dict.fromkeys((*self.gaps, *newer.gaps)))
        return Searched(self.targets | newer.targets, (*kept, *newer.mentions), gaps)


@dataclass(slots=True)
class Inventory:
    """Everything that was read of one cluster at about one moment, and what could not be.

    ``cluster_uid`` is the uid of the namespace kube-system, or None where it could not be read.
    ``served`` holds every listable kind; a kind that is absent there is not served at all, unless a gap of its
    group says that discovery failed.
    """

    cluster_uid: str | None = None
    server_version: str = ""
    served: dict[KindKey, Served] = field(default_factory=dict)
    versions: frozenset[str] = frozenset()
    """Every served ``group/version/Kind``, the preferred one or not: what a stored manifest may still be sent as."""
    objects: dict[Key, Live] = field(default_factory=dict)
    gaps: list[Gap] = field(default_factory=list)
    searched: Searched = field(default_factory=Searched)
    whole: frozenset[KindKey] = frozenset()
    """The served kinds of which objects are kept whole; of the others only their metadata is."""

    def get(self, key: Key) -> Live | None:
        """The live object, or None: absent, or not read (ask :meth:`readable`)."""
        return self.objects.get(key)

    def of_kind(self, group: str, *kinds: str) -> Iterator[Live]:
        """The live objects of these kinds of one group."""
        wanted = frozenset(kinds)
        return (live for key, live in self.objects.items() if key.group == group and key.kind in wanted)

    def gap(self, group: str, kind: str, namespace: str | None = None) -> Gap | None:
        """Why this kind (in this namespace, where one is given) could not be read; None where it was."""
        for gap in self.gaps:
            if gap.group != group or gap.kind not in (None, kind):
                continue
            if gap.namespace is None or namespace is None or gap.namespace == namespace:
                return gap
        return None

    def readable(self, group: str, kind: str, namespace: str | None = None) -> bool:
        """True when absence means absent: the kind was listed whole, or is not served at all."""
        return self.gap(group, kind, namespace) is None

    def namespaced(self, group: str, kind: str) -> bool | None:
        """Whether the kind lives in namespaces; None where the kind is not served or discovery failed."""
        served = self.served.get(KindKey(group, kind))
        return served.namespaced if served else None

    def replace(self, objects: Iterable[Live], kinds: Iterable[KindKey], gaps: Iterable[Gap]) -> "Inventory":
        """A copy in which these kinds (objects and gaps) are as given: a fresh look at a part."""
        fresh = frozenset(kinds)
        kept = {key: live for key, live in self.objects.items() if KindKey(key.group, key.kind) not in fresh}
        kept.update((live.key, live) for live in objects)
        old = [gap for gap in self.gaps if gap.kind is None or KindKey(gap.group, gap.kind) not in fresh]
        return replace(self, objects=kept, gaps=[*old, *gaps])

    def with_object(self, key: Key, live: Live | None) -> "Inventory":
        """A copy in which one object is as given, or gone."""
        objects = dict(self.objects)
        if live is None:
            objects.pop(key, None)
        else:
            objects[key] = live
        return replace(self, objects=objects)
