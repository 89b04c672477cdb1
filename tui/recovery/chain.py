"""The journal's lines: how an entry becomes one, and how a file of them proves that none was cut, changed or moved.

Each line carries the SHA-256 of the line before it (``prev``) and of itself (``sum``). A mark kept beside the file
names the last entry that is known to be complete: what follows it can only be a line that was cut short while it was
being written, and what the mark names but the file lacks was taken away. Pure: bytes in, values out.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final

from tui.faults import Fault
from tui.objects import Json
from tui.ownership.conditions import moment

GENESIS: Final = "0" * 64
"""``prev`` of the first entry."""

MAX_LINE: Final = 4 * 1024 * 1024
"""Bytes of one entry: a plan of thousands of actions fits, a runaway message does not."""

RESERVED: Final = ("seq", "time", "prev", "kind", "sum")
BODIES: Final = frozenset({"data", "stringData", "binaryData", "managedFields"})
"""Keys that only whole objects have: a journal line names objects, their content goes to backups alone."""

TORN: Final = "torn"
"""The kind of the entry that closes off a line which was cut short."""

_SUM: Final = re.compile(rb',"sum":"([0-9a-f]{64})"\}\Z')
_MARK: Final = re.compile(rb"(\d{12}) ([0-9a-f]{64})\n\Z")


class JournalFault(Fault):
    """The journal cannot be written, read or trusted; the sentence says what to do about it."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry. ``fields`` is everything but the chain; ``digest`` is the SHA-256 of its whole line, in hex."""

    seq: int
    time: str
    prev: str
    kind: str
    fields: Mapping[str, Any]
    digest: str

    def to_json(self) -> Json:
        """The entry as its line says it, without the chain's hashes."""
        return {"seq": self.seq, "time": self.time, "kind": self.kind, **self.fields}


@dataclass(frozen=True, slots=True)
class Mark:
    """The last entry that is known to be whole: its number and the SHA-256 of its line."""

    seq: int
    digest: str

    def encode(self) -> bytes:
        """Always the same number of bytes, so that it is overwritten in place."""
        return f"{self.seq:012d} {self.digest}\n".encode()

    @classmethod
    def decode(cls, data: bytes) -> "Mark | None":
        """The mark, or None where it cannot be read."""
        found = _MARK.match(data)
        return cls(int(found[1]), found[2].decode()) if found else None


@dataclass(frozen=True, slots=True)
class Reading:
    """What a journal file says.

    ``intact`` is False when a line was cut out, changed or moved; ``fault`` then names the first such line, and
    ``entries`` are those before it. A line cut short while it was written is no damage: ``torn`` counts its bytes,
    ``fault`` says so, and the entries before it all hold. ``unended`` tells that the last entry lacks its line feed.
    """

    entries: tuple[Entry, ...]
    intact: bool = True
    fault: str = ""
    torn: bytes = field(default=b"", repr=False)
    unended: bool = False

    @property
    def opened(self) -> Entry | None:
        """The first entry: where the session acts and as whom."""
        return self.entries[0] if self.entries else None

    @property
    def closed(self) -> bool:
        """Whether the session came to its end."""
        return any(entry.kind == "closed" for entry in self.entries)

    @property
    def last(self) -> str:
        """The digest that the next entry follows."""
        return self.entries[-1].digest if self.entries else GENESIS


def encode(seq: int, when: datetime, prev: str, kind: str, fields: Mapping[str, Any]) -> tuple[bytes, Entry]:
    """The line of a new entry, line feed included, and the entry.

    ``when`` has an offset. Raises ValueError for fields that are the chain's own, that are no JSON, or that hold an
    object's content; JournalFault for an entry that is too large.
    """
    if clash := sorted({*RESERVED} & {*fields}):
        raise ValueError(f"a journal entry keeps {', '.join(clash)} for itself")
    if when.tzinfo is None:
        raise ValueError("a journal entry needs a time with an offset")
    _refuse_bodies(fields)
    time = when.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    head = {"seq": seq, "time": time, "prev": prev, "kind": kind, **fields}
    text = json.dumps(head, allow_nan=False, separators=(",", ":"))[:-1].encode("ascii")
    line = text + b',"sum":"' + sha256(text).hexdigest().encode() + b'"}'
    if len(line) > MAX_LINE:
        raise JournalFault(
            f"a journal entry ({kind}) of {len(line)} bytes is over the {MAX_LINE} allowed: do it in smaller parts"
        )
    told = json.loads(text + b"}")
    return line + b"\n", Entry(seq, time, prev, kind, {name: told[name] for name in fields}, _digest(line))


def _refuse_bodies(value: Any) -> None:
    if isinstance(value, Mapping):
        if found := sorted(BODIES & {*value}):
            raise ValueError(f"a journal entry names objects, and never holds their {', '.join(found)}")
        for inner in value.values():
            _refuse_bodies(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            _refuse_bodies(inner)


def _digest(data: bytes) -> str:
    return sha256(data).hexdigest()


def decode(line: bytes) -> Entry | None:
    """The entry of a line without its line feed, or None: not an entry, or changed since it was written."""
    tail = _SUM.search(line)
    if not tail or _digest(line[: tail.start()]) != tail[1].decode():
        return None
    try:
        read = json.loads(line)
        seq, time, prev, kind = (read[name] for name in RESERVED[:4])
    except (ValueError, RecursionError, KeyError, TypeError):
        return None
    if type(seq) is not int or not all(isinstance(text, str) for text in (prev, kind)) or moment(time) is None:
        return None
    fields = {name: value for name, value in read.items() if name not in RESERVED}
    return Entry(seq, time, prev, kind, fields, _digest(line))


def read_chain(data: bytes, mark: Mark | None = None) -> Reading:
    """Reads and checks a whole journal file. Never raises: whatever is wrong is in the reading's ``fault``."""
    entries: list[Entry] = []
    start = number = 0
    while start < len(data):
        number += 1
        end = data.find(b"\n", start)
        line = data[start:] if end < 0 else data[start:end]
        entry = decode(line)
        if entry is None:
            closing = _closing(data, start, entries)
            if closing is None:
                return _broken(entries, data[start:], number, mark)
            entry, end = closing
            number += data.count(b"\n", start, end)
        if wrong := _misplaced(entry, entries, number):
            return Reading(tuple(entries), intact=False, fault=wrong)
        entries.append(entry)
        if end < 0:
            return _marked(entries, mark, number, unended=True)
        start = end + 1
    return _marked(entries, mark, number)


def read_marked(data: bytes, kept: bytes) -> Reading:
    """Reads and checks a journal file with what is kept beside it: a mark, or nothing where it was copied without one.

    Never raises. Beside a mark that cannot be read nothing tells whether the end was cut off: that is no whole journal.
    """
    mark = Mark.decode(kept)
    reading = read_chain(data, mark)
    if not kept or mark is not None or not reading.intact:
        return reading
    return replace(reading, intact=False, fault="the mark beside it cannot be read: its end may have been cut off")


def _misplaced(entry: Entry, before: list[Entry], number: int) -> str:
    if entry.seq != len(before) + 1:
        return f"line {number} holds entry {entry.seq} where entry {len(before) + 1} belongs: lines were cut or moved"
    if entry.prev != (before[-1].digest if before else GENESIS):
        return f"line {number} does not follow the line before it: a line was exchanged"
    if not before and entry.kind != "opened":
        return f"line {number} opens no session"
    return ""


def _closing(data: bytes, start: int, entries: list[Entry]) -> tuple[Entry, int] | None:
    """The entry that closes off the torn bytes from ``start`` on, and where its line ends."""
    place = data.find(b"\n", start)
    while 0 <= place < len(data) - 1:
        end = data.find(b"\n", place + 1)
        entry = decode(data[place + 1 : end if end >= 0 else len(data)])
        if entry is not None:
            torn = data[start:place]
            names = {"bytes": len(torn), "sha256": _digest(torn)}
            fits = entry.kind == TORN and entry.fields == names and not _misplaced(entry, entries, 0)
            return (entry, end) if fits else None
        place = end
    return None


def _broken(entries: list[Entry], rest: bytes, number: int, mark: Mark | None) -> Reading:
    seq = len(entries)
    torn = b"\n" not in rest if mark is None else mark.seq <= seq and not _changed(entries, mark)
    if not torn:
        return Reading(tuple(entries), intact=False, fault=f"line {number} is no entry or was changed")
    fault = f"line {number} was cut short while it was written ({len(rest)} bytes); what it announced was not sent"
    return Reading(tuple(entries), fault=fault, torn=rest)


def _marked(entries: list[Entry], mark: Mark | None, number: int, *, unended: bool = False) -> Reading:
    seq = len(entries)
    if mark and mark.seq > seq:
        lost = f"entry {mark.seq} is" if mark.seq == seq + 1 else f"entries {seq + 1} to {mark.seq} are"
        return Reading(tuple(entries), intact=False, fault=f"{lost} missing after line {number}: the end was cut off")
    if mark and _changed(entries, mark):
        return Reading(
            tuple(entries[: mark.seq - 1]), intact=False, fault=f"entry {mark.seq} is not the one that was written"
        )
    if mark and unended and mark.seq == seq:
        return Reading(tuple(entries), intact=False, fault=f"line {number} has lost its line feed: the end was cut off")
    return Reading(tuple(entries), unended=unended)


def _changed(entries: list[Entry], mark: Mark) -> bool:
    return 0 < mark.seq <= len(entries) and entries[mark.seq - 1].digest != mark.digest


def torn_fields(torn: bytes) -> Json:
    """What the closing entry says of the bytes it closes off."""
    return {"bytes": len(torn), "sha256": _digest(torn)}
