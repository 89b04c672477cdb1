"""Field ownership: who manages which fields, what an update takes over, what an apply may change and must remove."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tui.practice import fields as sets
from tui.practice.fields import Fields, Path
from tui.practice.schema import Shape, Type, list_keys
from tui.practice.schema import field as field_of
from tui.practice.status import field_conflicts
from tui.practice.store import copy

Json = dict[str, Any]

MAX_UPDATES = 10
"""Update entries kept on one object; older ones are merged into one."""


class Who(NamedTuple):
    """The identity of an entry. ``version`` is empty for Apply: a manager applies under one identity."""

    manager: str
    operation: str
    version: str
    subresource: str


@dataclass(slots=True)
class Entry:
    """What one manager owns. ``version`` is the apiVersion its fields are written in."""

    fields: Fields
    version: str
    time: str


@dataclass(slots=True)
class Managed:
    """All entries of one object."""

    entries: dict[Who, Entry] = field(default_factory=dict)

    @classmethod
    def decode(cls, body: Json) -> "Managed":
        """Reads ``metadata.managedFields``."""
        found: dict[Who, Entry] = {}
        for item in body.get("metadata", {}).get("managedFields") or ():
            version = str(item.get("apiVersion") or "")
            operation = str(item.get("operation") or "")
            if not operation:
                continue
            who = Who(
                str(item.get("manager") or ""),
                operation,
                version if operation == "Update" else "",
                str(item.get("subresource") or ""),
            )
            found[who] = Entry(sets.decode(item.get("fieldsV1")), version, str(item.get("time") or ""))
        return cls(found)

    def encode(self) -> list[Json]:
        """The list for ``metadata.managedFields``: Apply before Update, then by time and manager."""
        ordered = sorted(
            self.entries.items(),
            key=lambda e: (e[0].operation, e[1].time, e[0].manager, e[1].version, e[0].subresource),
        )
        listed = []
        for who, entry in ordered:
            if entry.fields:
                item: Json = {"manager": who.manager, "operation": who.operation, "apiVersion": entry.version}
                item |= {"time": entry.time} if entry.time else {}
                item |= {"fieldsType": "FieldsV1", "fieldsV1": sets.encode(entry.fields)}
                listed.append(item | ({"subresource": who.subresource} if who.subresource else {}))
        return listed

    def owned(self) -> set[Path]:
        """Every field that anybody owns."""
        return set().union(*(entry.fields for entry in self.entries.values()))

    def cap(self) -> None:
        """Merges the oldest Update entries of an object that collected too many."""
        updates = sorted(
            (w for w in self.entries if w.operation == "Update" and not w.subresource),
            key=lambda w: self.entries[w].time,
        )
        surplus = updates[: max(0, len(updates) - MAX_UPDATES + 1)]
        if len(updates) <= MAX_UPDATES:
            return
        merged = Entry(frozenset(), self.entries[surplus[-1]].version, self.entries[surplus[-1]].time)
        for who in surplus:
            merged.fields |= self.entries.pop(who).fields
        self.entries[Who("ancient-changes", "Update", merged.version, "")] = merged


@dataclass(frozen=True, slots=True)
class Writer:
    """Who writes what: the manager, the object's type and apiVersion, the subresource, the time, and what the
    endpoint ignores (paths whose first elements are listed)."""

    manager: str
    type: Type
    version: str
    time: str
    subresource: str = ""
    ignored: tuple[Path, ...] = ()

    def counted(self, fields: Fields) -> Fields:
        """The fields without those that this endpoint does not write."""
        if not self.ignored:
            return fields
        return frozenset(p for p in fields if not any(p[: len(i)] == i for i in self.ignored))


def _bare(body: Json) -> Json:
    return body | {"metadata": {k: v for k, v in body.get("metadata", {}).items() if k != "managedFields"}}


def update(writer: Writer, live: Json, new: Json, *, creating: bool = False) -> Json:
    """The new object with its ownership brought up to date after a create, update or (non-apply) patch.

    ``live`` is what was there (for a create: what the kind's empty object holds). Ownership that the new body itself
    carries counts first, which is how an entry can be rewritten by hand; a single empty entry resets it.
    """
    given = (new.get("metadata") or {}).get("managedFields")
    reset = given == [{}] or (isinstance(given, list) and len(given) == 0 and "managedFields" in live["metadata"])
    managed = Managed() if reset else Managed.decode(new)
    if not managed.entries and not reset:
        managed = Managed.decode(live)
    if not managed.entries and not creating:
        return _with(new, Managed())
    touched, gone = sets.changes(writer.type, _bare(live), _bare(new))
    touched, gone = writer.counted(touched), writer.counted(gone)
    who = Who(writer.manager, "Update", writer.version, writer.subresource)
    former = managed.entries.get(who)
    for other, entry in managed.entries.items():
        entry.fields = entry.fields - gone if other == who else entry.fields - gone - touched
    mine = ((former.fields if former else frozenset()) | touched) - gone
    before = Managed.decode(live).entries.get(who)
    # A new value of a field it held already is a write like any other.
    kept_time = before is not None and before.fields == mine and not touched
    time = before.time if kept_time and before else writer.time
    # The scale endpoint's entries carry no time.
    managed.entries[who] = Entry(mine, writer.version, "" if writer.subresource == "scale" else time)
    managed.cap()
    return _with(new, managed)


def _with(body: Json, managed: Managed) -> Json:
    meta = {key: value for key, value in body["metadata"].items() if key != "managedFields"}
    encoded = managed.encode()
    return body | {"metadata": meta | ({"managedFields": encoded} if encoded else {})}


def apply(writer: Writer, live: Json, config: Json, *, force: bool, creating: bool = False) -> Json:
    """The object after a server-side apply of ``config``; ``live`` itself where nothing changes.

    Raises 409 with one cause a field where another manager owns what would change, unless forced.
    """
    managed = Managed.decode(live)
    if not managed.entries and not creating:
        everything = frozenset(sets.nodes(writer.type, _bare(live))) - sets.UNTRACKED
        managed.entries[Who("before-first-apply", "Update", writer.version, "")] = Entry(
            everything, writer.version, writer.time
        )
    mine = writer.counted(sets.applied(writer.type, config))
    who = Who(writer.manager, "Apply", "", writer.subresource)
    last = managed.entries.get(who)
    merged = merge(writer.type, _bare(live), config)
    managed.entries[who] = Entry(mine, writer.version, last.time if last else writer.time)
    if last:
        merged = prune(writer.type, merged, last.fields - mine, managed.owned())
    touched, gone = sets.changes(writer.type, _bare(live), merged)
    conflicts = _conflicts(managed, who, touched)
    if conflicts and not force:
        raise field_conflicts([(_describe(other), sets.render(path)) for other, path in conflicts])
    for other, entry in managed.entries.items():
        entry.fields = entry.fields if other == who else entry.fields - touched - gone
    changed = bool(touched or gone) or last is None or last.fields != mine
    if not changed:
        return live
    managed.entries[who].time = writer.time
    return _with(merged, managed)


def _conflicts(managed: Managed, who: Who, touched: Fields) -> list[tuple[Who, Path]]:
    return [
        (other, path)
        for other, entry in sorted(managed.entries.items(), key=lambda e: (e[0].manager, e[0].operation))
        if other != who
        for path in sorted(entry.fields & touched)
    ]


def _describe(who: Who) -> str:
    words = f'"{who.manager}"'
    words += f' with subresource "{who.subresource}"' if who.subresource else ""
    return words + (f" using {who.version}" if who.operation == "Update" else "")


def merge(of: Type, live: Any, config: Any) -> Any:
    """``config`` laid over ``live``: maps and keyed lists merge, everything else is replaced."""
    if of.atomic or live is None or config is None:
        return copy(config)
    if isinstance(live, dict) and isinstance(config, dict):
        merged = dict(live)
        for name, value in config.items():
            merged[name] = merge(field_of(of, name) or Type(Shape.ANY), live.get(name), value)
        return merged
    if of.shape is Shape.KEYED_LIST and isinstance(live, list) and isinstance(config, list) and of.item:
        return _merge_keyed(of, live, config)
    if of.shape is Shape.SET and isinstance(live, list) and isinstance(config, list):
        return live + [copy(value) for value in config if value not in live]
    return copy(config)


def _merge_keyed(of: Type, live: list[Any], config: list[Any]) -> list[Any]:
    item_type = of.item or Type(Shape.ANY)
    wanted = {sets.element_of_key(list_keys(item, of.keys)): item for item in config}
    merged = []
    for item in live:
        key = sets.element_of_key(list_keys(item, of.keys))
        merged.append(merge(item_type, item, wanted.pop(key)) if key in wanted else item)
    return merged + [copy(item) for item in wanted.values()]


def prune(of: Type, value: Json, dropped: Iterable[Path], owned: set[Path]) -> Json:
    """``value`` without the dropped fields that nobody owns, in whole or in part."""
    held = {path[:length] for path in owned for length in range(1, len(path) + 1)}
    doomed = {path for path in dropped if path not in held}
    return dict(_pruned(of, value, (), doomed, {p[:n] for p in doomed for n in range(len(p))})) if doomed else value


def _pruned(of: Type, value: Any, path: Path, doomed: set[Path], above: set[Path]) -> Any:
    if path not in above:
        return value
    if isinstance(value, dict):
        kept_map = {}
        for name, inner in value.items():
            below = (*path, f"f:{name}")
            if below in doomed:
                continue
            of_inner = field_of(of, name) or Type(Shape.ANY)
            cut = _pruned(of_inner, inner, below, doomed, above)
            if cut or not inner or of_inner.shape is Shape.STRUCT:
                kept_map[name] = cut
        return kept_map
    kept = []
    for element, inner_type, inner in sets.children(of, value):
        below = (*path, element)
        if below not in doomed:
            kept.append(_pruned(inner_type, inner, below, doomed, above))
    return kept
