"""What the practice cluster holds: objects by kind, one rising resourceVersion, and the history that watches replay.

A stored body is never changed in place: every write puts a new one, so readers may keep what they were given.
"""

import heapq
import json
from bisect import bisect_left, insort
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]
Name = tuple[str, str]
"""Namespace (empty for cluster-scoped objects) and name."""

Resource = tuple[str, str]
"""Group and plural."""

HISTORY = 20_000
"""Events kept for each resource; a watch from before the oldest is answered 410."""


@dataclass(slots=True)
class Entry:
    """One stored version of an object, with its JSON made once, when it is first sent."""

    body: Json
    version: int
    _full: bytes | None = field(default=None, repr=False)
    _meta: bytes | None = field(default=None, repr=False)

    @property
    def full(self) -> bytes:
        """The whole object as JSON."""
        if self._full is None:
            self._full = to_json(self.body)
        return self._full

    @property
    def meta(self) -> bytes:
        """The object as PartialObjectMetadata."""
        if self._meta is None:
            head = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1"}
            self._meta = to_json(head | {"metadata": self.body["metadata"]})
        return self._meta


@dataclass(frozen=True, slots=True)
class Event:
    """One change: ``ADDED``, ``MODIFIED`` or ``DELETED``. ``old`` is what was there before."""

    kind: str
    resource: Resource
    name: Name
    version: int
    entry: Entry
    old: Entry | None


_ENCODER = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, check_circular=False)


def to_json(value: Any) -> bytes:
    """Compact JSON in UTF-8."""
    return _ENCODER.encode(value).encode("utf-8", "surrogatepass")


def copy(value: Any) -> Any:
    """A deep copy of plain JSON, several times faster than the general one."""
    if isinstance(value, dict):
        return {key: copy(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [copy(inner) for inner in value]
    return value


class Collection:
    """All objects of one resource, sorted by namespace and name."""

    def __init__(self, floor: int) -> None:
        self.entries: dict[Name, Entry] = {}
        self.names: list[Name] = []
        self.log: deque[Event] = deque()
        self.floor = floor
        """The oldest resourceVersion that can still be asked about."""

    def put(self, name: Name, entry: Entry) -> Entry | None:
        """Stores an entry; answers the one it replaces."""
        old = self.entries.get(name)
        if old is None:
            insort(self.names, name)
        self.entries[name] = entry
        return old

    def pop(self, name: Name) -> Entry:
        """Removes an entry."""
        del self.names[bisect_left(self.names, name)]
        return self.entries.pop(name)

    def record(self, event: Event) -> None:
        """Adds an event to the history, forgetting the oldest beyond the limit."""
        self.log.append(event)
        while len(self.log) > HISTORY:
            self.floor = self.log.popleft().version

    def at(self, version: int, start: Name | None = None) -> Iterator[tuple[Name, Entry]]:
        """The objects as they were at a version, in order, after the name ``start``."""
        past: dict[Name, Entry | None] = {}
        for event in reversed(self.log):
            if event.version <= version:
                break
            past[event.name] = event.old
        first = 0 if start is None else bisect_left(self.names, (start[0], start[1] + "\0"))
        present = (self.names[index] for index in range(first, len(self.names)))
        gone = sorted(n for n, e in past.items() if e and n not in self.entries and (start is None or n > start))
        for name in heapq.merge(present, gone):
            entry = past[name] if name in past else self.entries[name]
            if entry is not None:
                yield name, entry


class Store:
    """Every collection, the version counter, and those who want to hear of changes."""

    def __init__(self) -> None:
        self.version = 1
        self.collections: dict[Resource, Collection] = {}
        self.listeners: list[Callable[[Event], None]] = []
        self.floor = 0
        self.by_uid: dict[str, tuple[Resource, Name]] = {}

    def collection(self, resource: Resource) -> Collection:
        """The collection of a resource, made when first asked for."""
        found = self.collections.get(resource)
        if found is None:
            found = self.collections[resource] = Collection(self.floor)
        return found

    def get(self, resource: Resource, namespace: str, name: str) -> Json | None:
        """The body of one object, not to be changed; None where there is none."""
        found = self.collections.get(resource)
        entry = found.entries.get((namespace, name)) if found else None
        return entry.body if entry else None

    def list(self, resource: Resource, namespace: str | None = None) -> list[Json]:
        """The bodies of a resource (in one namespace), in order."""
        found = self.collections.get(resource)
        if found is None:
            return []
        names = found.names
        if namespace is not None:
            names = names[bisect_left(names, (namespace, "")) : bisect_left(names, (namespace + "\0", ""))]
        return [found.entries[name].body for name in names]

    def put(self, resource: Resource, body: Json) -> Json:
        """Stores a body (which now belongs to the store) under the next version and tells the listeners."""
        self.version += 1
        meta = body["metadata"]
        meta["resourceVersion"] = str(self.version)
        name = (meta.get("namespace", ""), meta["name"])
        collection = self.collection(resource)
        entry = Entry(body, self.version)
        old = collection.put(name, entry)
        self.by_uid[meta["uid"]] = (resource, name)
        self._tell(collection, Event("MODIFIED" if old else "ADDED", resource, name, self.version, entry, old))
        return body

    def remove(self, resource: Resource, namespace: str, name: str) -> None:
        """Removes an object; the deletion has a version of its own."""
        self.version += 1
        collection = self.collection(resource)
        old = collection.pop((namespace, name))
        self.by_uid.pop(old.body["metadata"]["uid"], None)
        last = old.body | {"metadata": old.body["metadata"] | {"resourceVersion": str(self.version)}}
        event = Event("DELETED", resource, (namespace, name), self.version, Entry(last, self.version), old)
        self._tell(collection, event)

    def compact(self) -> None:
        """Forgets all history, as etcd does every few minutes: older versions are answered 410 from now on."""
        self.floor = self.version
        for collection in self.collections.values():
            collection.log.clear()
            collection.floor = self.version

    def objects(self) -> Iterator[tuple[Resource, Json]]:
        """Every object of every resource."""
        for resource, collection in self.collections.items():
            for entry in list(collection.entries.values()):
                yield resource, entry.body

    def _tell(self, collection: Collection, event: Event) -> None:
        collection.record(event)
        for listener in list(self.listeners):
            listener(event)
