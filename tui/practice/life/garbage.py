"""Garbage collection by owner reference: background, foreground and orphaning."""

from typing import Any

from tui.practice.deletes import Deleter
from tui.practice.life.runner import Runner
from tui.practice.store import Event, Name, Resource, copy

Json = dict[str, Any]
Place = tuple[Resource, Name]

FOREGROUND, ORPHAN = "foregroundDeletion", "orphan"


class Garbage:
    """Deletes what lost its last owner."""

    def __init__(self, runner: Runner) -> None:
        self.runner = runner
        self.world = runner.world
        self.deleter = Deleter(runner.world)
        self._below: dict[str, set[Place]] = {}

    def observe(self, event: Event) -> None:
        """Keeps the index of dependents and follows deletions."""
        place = (event.resource, event.name)
        meta = event.entry.body["metadata"]
        before = event.old.body["metadata"].get("ownerReferences") if event.old else None
        owners = meta.get("ownerReferences") if event.kind != "DELETED" else None
        if before or owners:
            self._index(place, before or (), owners or ())
        if event.kind == "DELETED":
            for dependent in sorted(self._below.pop(meta["uid"], ())):
                self._collect(dependent)
            for owner in before or ():
                self._release(owner["uid"])
        elif meta.get("deletionTimestamp"):
            self._propagate(place)
        elif owners and event.kind == "ADDED":
            self._collect(place)

    def _index(self, place: Place, before: Any, after: Any) -> None:
        for owner in before:
            self._below.get(owner["uid"], set()).discard(place)
        for owner in after:
            self._below.setdefault(owner["uid"], set()).add(place)

    def _body(self, place: Place) -> Json | None:
        return self.world.store.get(place[0], *place[1])

    def _collect(self, place: Place) -> None:
        """Deletes a dependent whose owners are all gone; where some stay, forgets the gone ones."""
        body = self._body(place)
        if body is None:
            return
        owners = body["metadata"].get("ownerReferences") or []
        alive = [owner for owner in owners if owner["uid"] in self.world.store.by_uid]
        if owners and not alive:
            self._delete(place, "Background")
        elif len(alive) < len(owners):
            kept = copy(body)
            kept["metadata"]["ownerReferences"] = alive
            self.runner.write(kept)

    def _delete(self, place: Place, policy: str) -> None:
        (group, plural), (namespace, name) = place
        kind = next((k for k in self.world.kinds.all() if k.resource == (group, plural)), None)
        if kind is not None and self._body(place) is not None:
            self.deleter.delete(kind, namespace or None, name, {"propagationPolicy": policy})

    def _propagate(self, place: Place) -> None:
        body = self._body(place)
        finalizers = (body or {"metadata": {}})["metadata"].get("finalizers") or ()
        if body is None:
            return
        below = sorted(self._below.get(body["metadata"]["uid"], ()))
        if ORPHAN in finalizers:
            for dependent in below:
                self._orphan(dependent, body["metadata"]["uid"])
            self._drop(body, ORPHAN)
        elif FOREGROUND in finalizers:
            for dependent in below:
                self._delete(dependent, "Foreground" if self._has_dependents(dependent) else "Background")
            self._release(body["metadata"]["uid"])

    def _has_dependents(self, place: Place) -> bool:
        body = self._body(place)
        return body is not None and bool(self._below.get(body["metadata"]["uid"]))

    def _orphan(self, place: Place, uid: str) -> None:
        body = self._body(place)
        if body is not None:
            freed = copy(body)
            owners = freed["metadata"].get("ownerReferences") or []
            freed["metadata"]["ownerReferences"] = [owner for owner in owners if owner["uid"] != uid]
            self.runner.write(freed)

    def _release(self, uid: str) -> None:
        """Lets an owner go that waits for its dependents, once none is left."""
        place = self.world.store.by_uid.get(uid)
        body = self._body(place) if place else None
        if body is None or self._below.get(uid):
            return
        if body["metadata"].get("deletionTimestamp") and FOREGROUND in (body["metadata"].get("finalizers") or ()):
            self._drop(body, FOREGROUND)

    def _drop(self, body: Json, finalizer: str) -> None:
        freed = copy(body)
        freed["metadata"]["finalizers"] = [name for name in body["metadata"]["finalizers"] if name != finalizer]
        self.runner.write(freed)
