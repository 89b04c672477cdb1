"""A session that is killed, or whose disk fills, at any instant loses nothing whole and can be taken up again."""

import errno
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.recovery.journal_session import HEADER, Clock, fill, role
from tui.recovery.chain import GENESIS, Mark, read_chain
from tui.recovery.journal import ActionState, Journal, JournalFault, load_backup, progress_of, read_journal, unfinished

ROOT = Path(__file__).parents[2]


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state" / "journal"


@pytest.fixture
def session(state: Path) -> Iterator[Journal]:
    with Journal.create(state, HEADER, Clock()) as journal:
        fill(journal)
        yield journal


class FullDisk:
    """Takes so many more bytes, then none: what a write meets when the disk fills under it."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.write = os.write

    def __call__(self, descriptor: int, data: bytes | memoryview) -> int:
        if self.room == 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        taken = self.write(descriptor, data[: self.room])
        self.room -= taken
        return taken


@pytest.mark.parametrize("room", [0, 1, 77, 78, 79, 200])
def test_no_session_starts_on_a_full_disk(state: Path, monkeypatch: pytest.MonkeyPatch, room: int) -> None:
    monkeypatch.setattr(os, "write", FullDisk(room))
    with pytest.raises(JournalFault, match="disk is full"):
        Journal.create(state, HEADER, Clock())
    monkeypatch.undo()
    assert list(state.iterdir()) == [], "and nothing is left that looks like one"


@pytest.mark.parametrize("room", [0, 1, 40, 150])
def test_a_disk_that_fills_stops_the_session_and_loses_nothing(
    session: Journal, monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    before = session.entries
    monkeypatch.setattr(os, "write", FullDisk(room))
    with pytest.raises(JournalFault, match="disk is full"):
        session.append("sending", entry="delete c", action="delete")
    monkeypatch.undo()
    with pytest.raises(JournalFault, match="takes no more entries"):
        session.append("answered", entry="delete c", code=200)
    with pytest.raises(JournalFault, match="takes no more entries"):
        session.backup(role(), {})
    session.close()
    with Journal.resume(session.path, Clock()) as again:
        assert again.entries[: len(before)] == before
        assert "delete c" not in progress_of(again.entries)
    assert read_journal(session.path).intact


def test_a_backup_that_does_not_fit_is_a_fault_and_leaves_the_session_alive(
    session: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "write", FullDisk(10))
    with pytest.raises(JournalFault, match="disk is full"):
        session.backup(role("c"), {"kind": "ClusterRole"})
    monkeypatch.undo()
    cut = next(path for path in session.folder.iterdir() if path.name.endswith("ClusterRole-c.yaml"))
    with pytest.raises(JournalFault, match="cut short"):
        load_backup(cut)
    session.append("refused", entry="delete c", why="it could not be saved")


def run(code: str, *arguments: object, **options: Any) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, **options)


OPEN = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from tui.recovery.journal import Journal, JournalFault
journal = Journal.create(Path(sys.argv[1]), {"context": "x"}, lambda: datetime.now(UTC))
"""
LIMITED = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))" + OPEN
UNTIL_FULL = """
try:
    while True:
        print(journal.append("sending", entry="x").seq, flush=True)
except JournalFault as fault:
    print(fault)
"""
FOREVER = """
while True:
    print(journal.append("sending", entry="x", action="delete").seq, flush=True)
"""


def test_a_real_size_limit_is_a_full_disk(state: Path) -> None:
    with run(LIMITED + UNTIL_FULL, state) as process:
        told, _ = process.communicate(timeout=60)
    *acknowledged, fault = told.splitlines()
    assert process.returncode == 0
    assert "the disk is full" in fault
    reading = unfinished(state)[0].reading
    assert len(reading.entries) == int(acknowledged[-1])
    assert reading.torn


@pytest.mark.parametrize("after", [1, 3, 17])
def test_a_killed_session_keeps_every_entry_it_was_told_is_safe(state: Path, after: int) -> None:
    with run(OPEN + FOREVER, state) as process:
        assert process.stdout is not None
        acknowledged = [process.stdout.readline() for _ in range(after)]
        process.send_signal(signal.SIGKILL)
        acknowledged += process.stdout.readlines()
    whole = [int(line) for line in acknowledged if line.endswith("\n")]
    found = unfinished(state)[0]
    assert found.reading.intact
    assert len(found.reading.entries) >= whole[-1]
    with Journal.resume(found.path, Clock()) as again:
        assert progress_of(again.entries)["x"].state is ActionState.IN_DOUBT
        again.append("closed")
    assert read_journal(found.path).intact


def cut_at(session: Journal, place: int, offset: int, *, mark: bool) -> Path:
    """The session as a kill leaves it that strikes when this many bytes of the file are written."""
    folder = session.path.parent.parent / f"cut-{place}-{mark}"
    copy = folder / session.path.name
    copy.parent.mkdir(mode=0o700)
    copy.write_bytes(session.path.read_bytes()[:offset])
    if mark:
        whole = read_chain(copy.read_bytes()[: copy.read_bytes().rfind(b"\n") + 1]).entries
        copy.with_suffix("").mkdir(mode=0o700)
        last = Mark(len(whole), whole[-1].digest) if whole else Mark(0, GENESIS)
        (copy.with_suffix("") / "mark").write_bytes(last.encode())
    return copy


@pytest.mark.parametrize("mark", [True, False])
def test_killed_at_every_byte_nothing_whole_is_lost(session: Journal, *, mark: bool) -> None:
    data = session.path.read_bytes()
    ends = [index for index, byte in enumerate(data) if byte == 10]
    for offset in range(len(data) + 1):
        copy = cut_at(session, offset, offset, mark=mark)
        whole = sum(end <= offset for end in ends)
        reading = read_journal(copy)
        assert reading.intact, reading.fault
        assert reading.entries == session.entries[:whole]
        assert bool(reading.torn) is (offset not in (0, len(data)) and offset - 1 not in ends and offset not in ends)
        shutil.rmtree(copy.parent)


def test_a_torn_line_is_closed_off_and_stays_in_the_file(session: Journal) -> None:
    session.close()
    data = session.path.read_bytes()
    ends = [index for index, byte in enumerate(data) if byte == 10]
    for offset in (ends[0] + 1, ends[0] + 2, ends[3] - 1, ends[3], ends[-1] - 60, ends[-1] - 1, ends[-1]):
        copy = cut_at(session, offset, offset, mark=True)
        with Journal.resume(copy, Clock()) as again:
            again.append("closed")
        assert copy.read_bytes().startswith(data[:offset])
        reading = read_journal(copy)
        assert (reading.intact, reading.fault, reading.closed) == (True, "", True)
        shutil.rmtree(copy.parent)


def test_killed_at_every_byte_of_closing_off_it_can_be_closed_off_again(session: Journal) -> None:
    session.close()
    data = session.path.read_bytes()
    torn = len(data) - 30
    first = cut_at(session, 0, torn, mark=True)
    Journal.resume(first, Clock()).close()
    written = first.read_bytes()
    mark = Mark(7, session.entries[6].digest).encode()
    for end in range(torn, written.index(b"\n", torn + 1) + 1):
        copy = first.parent / "copy.jsonl"
        copy.write_bytes(written[:end])
        copy.with_suffix("").mkdir(mode=0o700, exist_ok=True)
        (copy.with_suffix("") / "mark").write_bytes(mark)
        with Journal.resume(copy, Clock()) as again:
            assert again.entries[:7] == session.entries[:7]
            again.append("closed")
        reading = read_journal(copy)
        assert (reading.intact, reading.closed) == (True, True), (end, reading.fault)
