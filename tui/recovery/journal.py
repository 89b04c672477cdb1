"""The journal on disk: what a session intended, saved, did and was answered, durable before each request.

A directory holds one file a session, ``<utc time>-<id>.jsonl``, and beside it a folder of the same name with the
session's backups. Everything is opened relative to the directory, without following links, for the owner alone.
"""

import fcntl
import os
import re
import secrets
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from tui.objects import Json, Ref
from tui.recovery.backup import MAX_BACKUP, Saved, dump_backup, parse_backup
from tui.recovery.chain import GENESIS, TORN, Entry, JournalFault, Mark, Reading, encode, read_marked, torn_fields
from tui.recovery.private import NO_FOLLOW, explained, open_directory, open_regular, own, read_all, write, write_new
from tui.recovery.progress import ActionProgress, ActionState, progress_of
from tui.text import clean

__all__ = [
    "ActionProgress",
    "ActionState",
    "Entry",
    "Journal",
    "JournalFault",
    "Reading",
    "Session",
    "backup_path",
    "load_backup",
    "progress_of",
    "read_backup",
    "read_journal",
    "sessions",
    "unfinished",
]

Clock = Callable[[], datetime]

MAX_JOURNAL: Final = 256 * 1024 * 1024
"""Bytes of a journal that are read: a session of thousands of actions stays below a hundredth of it."""

SUFFIX: Final = ".jsonl"
MARK_BYTES: Final = 128
MARK: Final = "mark"
"""The file in a session's folder that names the last entry known to be whole."""

_SESSION: Final = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{8}\.jsonl\Z")


@dataclass(frozen=True, slots=True)
class Session:
    """One session of the directory. ``busy``: another process holds its journal right now."""

    path: Path
    reading: Reading = field(repr=False)
    busy: bool

    @property
    def name(self) -> str:
        """The file's name without its suffix: start in UTC and a short id."""
        return self.path.stem

    @property
    def unfinished(self) -> bool:
        """Opened and never closed. A file without a whole first entry announced nothing and is not unfinished."""
        return bool(self.reading.entries) and not self.reading.closed


class Journal:
    """An open session's journal, locked against every other process. Made by :meth:`create` or :meth:`resume`.

    Each method raises JournalFault where the disk refuses; after that the journal takes no more entries, and what
    was about to be sent must not be sent.
    """

    def __init__(self, path: Path, descriptors: "_Descriptors", reading: Reading, clock: Clock) -> None:
        self.path = path
        self._descriptors = descriptors
        self._entries = list(reading.entries)
        self._clock = clock
        self._lock = threading.Lock()
        self._lead = b"\n" if reading.unended or reading.torn else b""
        self._failed = False

    @classmethod
    def create(cls, directory: Path, header: Mapping[str, Any], clock: Clock) -> Self:
        """Starts a session: its file, its folder and the entry ``opened`` with the fields of ``header``.

        ``directory`` is made where it is missing. ``clock`` gives the present with an offset. Raises JournalFault:
        without a journal there is no session.
        """
        with explained("start a session's journal", directory):
            opened = open_directory(directory, create=True)
            try:
                name = f"{clock().astimezone(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"
                path = directory / f"{name}{SUFFIX}"
                descriptors = _create_session(opened, path)
            finally:
                os.close(opened)
        journal = cls(path, descriptors, Reading(()), clock)
        try:
            journal.append("opened", **header)
        except BaseException:
            journal.close()
            _discard(journal.path)
            raise
        return journal

    @classmethod
    def resume(cls, path: Path, clock: Clock) -> Self:
        """Takes an unfinished session's journal up again and says so in it with an entry ``resumed``.

        A line that was cut short stays in the file and is closed off by an entry that names it. Raises JournalFault
        for a journal that is closed, damaged, empty or held by another process.
        """
        with explained("take up the journal", path):
            descriptors = _open_session(path)
        try:
            with explained("read the journal", path):
                kept = os.pread(descriptors.mark, MARK_BYTES, 0)
                reading = read_marked(read_all(descriptors.file, MAX_JOURNAL), kept)
            _refuse_resume(path, reading)
            journal = cls(path, descriptors, reading, clock)
            if reading.torn:
                journal.append(TORN, **torn_fields(reading.torn))
            journal.append("resumed")
        except BaseException:
            descriptors.close()
            raise
        return journal

    @property
    def entries(self) -> tuple[Entry, ...]:
        """Every entry so far, oldest first."""
        return tuple(self._entries)

    @property
    def folder(self) -> Path:
        """Where this session's backups are."""
        return self.path.with_suffix("")

    def append(self, kind: str, **fields: Any) -> Entry:
        """Writes one entry and returns once it is on the disk itself.

        ``fields`` are identifiers and words, as JSON: an object's content is refused with ValueError.
        """
        with self._lock:
            self._refuse_failed()
            last = self._entries[-1] if self._entries else None
            line, entry = encode(len(self._entries) + 1, self._clock(), last.digest if last else GENESIS, kind, fields)
            # Whatever stops this before its end, the file may hold a part of the line: only a resume can tell.
            self._failed = True
            with explained("write to the journal", self.path):
                write(self._descriptors.file, self._lead + line)
                os.fsync(self._descriptors.file)
                # Unsynced on purpose: written after the entry is durable, the mark can lag but never run ahead.
                os.pwrite(self._descriptors.mark, Mark(entry.seq, entry.digest).encode(), 0)
            self._failed = False
            self._lead = b""
            self._entries.append(entry)
            return entry

    def backup(self, ref: Ref, body: Json) -> Saved:
        """Saves a whole object as YAML, durable and readable by the owner alone.

        The caller names it in an entry ``saved`` (``backup``, ``sha256``): a file that no entry names may be cut short.
        """
        text = dump_backup(body).encode("ascii")
        with self._lock:
            self._refuse_failed()
            with explained("save an object to", self.folder):
                name = write_new(self._descriptors.folder, _backup_name(ref), text)
        return Saved(str(self.folder / name), sha256(text).hexdigest())

    def recall(self, name: str) -> Json:
        """The object of a backup that an entry names, of this session or another of the directory."""
        return load_backup(backup_path(self.path, name))

    def close(self) -> None:
        """Releases the file; the session itself ends with an entry ``closed``. Closing twice is fine."""
        with self._lock:
            self._failed = True
            self._descriptors.close()

    def _refuse_failed(self) -> None:
        if self._failed:
            raise JournalFault(f"the journal {self.path} takes no more entries: start again and take the session up")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def read_journal(path: Path) -> Reading:
    """Reads and checks one journal, also one that another process is writing. Raises JournalFault if it cannot."""
    with explained("read the journal", path):
        # The mark first: a process that writes meanwhile then has more entries than the mark says, never fewer.
        kept = _read_mark(path)
        file = open_regular(path, os.O_RDONLY)
        try:
            return read_marked(read_all(file, MAX_JOURNAL), kept)
        finally:
            os.close(file)


def sessions(directory: Path) -> tuple[Session, ...]:
    """Every session of the directory, oldest first; none where the directory does not exist.

    A journal that cannot be read is there too, its reading not intact and saying why.
    """
    if not os.path.lexists(directory):
        return ()
    with explained("read the journals in", directory):
        opened = open_directory(directory, create=False)
        try:
            names = sorted(name for name in os.listdir(opened) if _SESSION.match(name))  # noqa: PTH208 - by descriptor
        finally:
            os.close(opened)
    # A name tells the second; of two that began in the same one, their first entries tell the order.
    return tuple(sorted((_session(directory / name) for name in names), key=_began))


def unfinished(directory: Path) -> tuple[Session, ...]:
    """The sessions that were opened and never closed, oldest first, those of running processes included."""
    return tuple(session for session in sessions(directory) if session.unfinished)


def backup_path(journal: Path, name: str) -> Path:
    """Where a backup that an entry of this journal names is now, wherever the directory was moved to.

    ``name`` is a path, or the file's name alone in the session's own folder.
    """
    folder, _, file = name.rpartition("/")
    return journal.parent / (folder.rpartition("/")[2] or journal.stem) / file


def load_backup(path: Path) -> Json:
    """The object of a backup, exactly as it was saved. Raises JournalFault for a cut, changed or missing file."""
    return parse_backup(read_backup(path).decode("utf-8", "replace"), str(path))


def read_backup(path: Path) -> bytes:
    """A backup's file as it is. Raises JournalFault where it cannot be read."""
    with explained("read the backup", path):
        file = open_regular(path, os.O_RDONLY)
        try:
            return read_all(file, MAX_BACKUP)
        finally:
            os.close(file)


@dataclass(slots=True)
class _Descriptors:
    """What an open journal holds: the locked file, the session's folder and the mark in it."""

    file: int
    folder: int
    mark: int

    def close(self) -> None:
        for name in ("file", "folder", "mark"):
            descriptor = getattr(self, name)
            if descriptor >= 0:
                setattr(self, name, -1)
                os.close(descriptor)


def _create_session(directory: int, path: Path) -> _Descriptors:
    """The new file, locked, with its folder and mark; their names are durable before anything is announced."""
    made = _Descriptors(-1, -1, -1)
    try:
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_EXCL | NO_FOLLOW
        made.file = os.open(path.name, flags, 0o600, dir_fd=directory)
        os.fchmod(made.file, 0o600)
        fcntl.flock(made.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.mkdir(path.stem, 0o700, dir_fd=directory)
        made.folder = os.open(path.stem, os.O_RDONLY | os.O_DIRECTORY | NO_FOLLOW, dir_fd=directory)
        os.fchmod(made.folder, 0o700)
        made.mark = os.open(MARK, os.O_RDWR | os.O_CREAT | os.O_EXCL | NO_FOLLOW, 0o600, dir_fd=made.folder)
        os.fchmod(made.mark, 0o600)
        write(made.mark, Mark(0, GENESIS).encode())
        os.fsync(made.mark)
        os.fsync(made.folder)
        os.fsync(directory)
    except BaseException:
        if made.file >= 0:
            _discard(path)
        made.close()
        raise
    return made


def _open_session(path: Path) -> _Descriptors:
    """An existing session, locked. A folder or mark that was lost is made again: the chain itself is the file."""
    directory = open_directory(path.parent, create=False)
    found = _Descriptors(-1, -1, -1)
    try:
        found.file = open_regular(path.name, os.O_RDWR | os.O_APPEND, directory)
        fcntl.flock(found.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        own(found.file, path, 0o600)
        with suppress(FileExistsError):
            os.mkdir(path.stem, 0o700, dir_fd=directory)
        found.folder = os.open(path.stem, os.O_RDONLY | os.O_DIRECTORY | NO_FOLLOW, dir_fd=directory)
        own(found.folder, path.with_suffix(""), 0o700)
        found.mark = os.open(MARK, os.O_RDWR | os.O_CREAT | NO_FOLLOW, 0o600, dir_fd=found.folder)
    except BaseException:
        found.close()
        raise
    finally:
        os.close(directory)
    return found


def _refuse_resume(path: Path, reading: Reading) -> None:
    if not reading.intact:
        why = f"is damaged ({reading.fault}): read it, then start a new session"
    elif not reading.entries:
        why = "holds no whole entry, so nothing was done: start a new session"
    elif reading.closed:
        why = "is of a closed session: start a new one"
    else:
        return
    raise JournalFault(f"the journal {clean(path, 400)} {why}")


def _discard(path: Path) -> None:
    """Takes away a session that never came to be, so that a full disk does not fill with empty ones."""
    for remove in (
        path.with_suffix("").joinpath(MARK).unlink,
        path.with_suffix("").rmdir,
        path.unlink,
    ):
        with suppress(OSError):
            remove()


def _read_mark(path: Path) -> bytes:
    """What is kept as the mark, a byte that is none where it cannot be read; nothing where there is no file."""
    try:
        file = open_regular(path.with_suffix("") / MARK, os.O_RDONLY)
    except FileNotFoundError:
        return b""  # a copied journal has none; the chain is checked all the same
    except OSError:
        return b"?"
    try:
        return read_all(file, MARK_BYTES)
    except OSError:
        return b"?"
    finally:
        os.close(file)


def _session(path: Path) -> Session:
    try:
        reading = read_journal(path)
    except JournalFault as fault:
        return Session(path, Reading((), intact=False, fault=str(fault)), busy=False)
    return Session(path, reading, busy=_busy(path))


def _began(session: Session) -> tuple[str, str, str]:
    opened = session.reading.opened
    return session.name.partition("-")[0], opened.time if opened else "", session.name


def _busy(path: Path) -> bool:
    with explained("look at the journal", path):
        file = open_regular(path, os.O_RDONLY)
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(file)
    return False


def _backup_name(ref: Ref) -> str:
    """The object's name as a file name: letters, digits, dots and hyphens, each part bounded."""
    parts = (ref.kind, ref.namespace or "", ref.name)
    return "-".join(cleaned for part in parts if (cleaned := re.sub(r"[^A-Za-z0-9.-]+", "_", part)[:60]))
