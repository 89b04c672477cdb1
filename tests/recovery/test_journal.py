import errno
import json
import os
import shutil
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.recovery.journal_session import HEADER, Clock, fill, role
from tui.objects import Json
from tui.recovery.chain import GENESIS
from tui.recovery.journal import Journal, JournalFault, read_journal, sessions, unfinished


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state" / "journal"


@pytest.fixture
def session(state: Path) -> Iterator[Journal]:
    with Journal.create(state, HEADER, Clock()) as journal:
        fill(journal)
        yield journal


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def lines_of(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines(keepends=True)


def test_everything_is_for_the_owner_alone_whatever_the_umask(state: Path) -> None:
    before = os.umask(0)
    try:
        with Journal.create(state, HEADER, Clock()) as journal:
            saved = journal.backup(role(), {"kind": "ClusterRole"})
    finally:
        os.umask(before)
    assert {mode(state), mode(journal.folder)} == {0o700}
    assert {mode(journal.path), mode(Path(saved.path)), mode(journal.folder / "mark")} == {0o600}


def test_a_directory_that_others_may_read_is_closed_to_them(state: Path) -> None:
    state.mkdir(parents=True, mode=0o755)
    Journal.create(state, HEADER, Clock()).close()
    assert mode(state) == 0o700


def test_a_session_reads_as_it_was_written(session: Journal) -> None:
    reading = read_journal(session.path)
    assert (reading.intact, reading.fault, reading.torn) == (True, "", b"")
    assert reading.entries == session.entries
    assert reading.opened is not None
    assert reading.opened.fields == HEADER
    assert [entry.seq for entry in reading.entries] == list(range(1, 9))
    assert reading.entries[0].time == "2026-11-23T08:00:02.000000Z"
    assert session.path.name.startswith("20261123T080001Z-")


def test_each_line_carries_the_hash_of_the_line_before(session: Journal) -> None:
    known = GENESIS
    for line in lines_of(session.path):
        read = json.loads(line)
        assert read["prev"] == known
        digest = subprocess.run(["sha256sum"], input=line.removesuffix(b"\n"), capture_output=True, check=True)
        known = digest.stdout.split()[0].decode()


def test_an_entry_is_on_the_disk_before_the_caller_goes_on(session: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[str, int]] = []
    real_write, real_sync = os.write, os.fsync

    def noted_write(fd: int, data: bytes) -> int:
        calls.append(("write", fd))
        return real_write(fd, data)

    def noted_sync(fd: int) -> None:
        calls.append(("sync", fd))
        real_sync(fd)

    monkeypatch.setattr(os, "write", noted_write)
    monkeypatch.setattr(os, "fsync", noted_sync)
    session.append("sending", entry="x")
    assert [name for name, _ in calls] == ["write", "sync"]
    assert len({fd for _, fd in calls}) == 1
    calls.clear()
    session.backup(role(), {"kind": "ClusterRole"})
    assert [name for name, _ in calls] == ["write", "sync", "sync"], "the file, then its name in the folder"


def test_a_session_that_was_not_closed_is_unfinished(state: Path, session: Journal) -> None:
    assert [one.path for one in unfinished(state)] == [session.path]
    session.append("left", why="lunch")
    assert unfinished(state)
    session.append("closed")
    assert unfinished(state) == ()
    assert [one.name for one in sessions(state)] == [session.path.stem]


def test_no_directory_holds_no_session(tmp_path: Path) -> None:
    assert sessions(tmp_path / "none") == ()


def test_two_processes_never_write_to_one_journal(state: Path, session: Journal) -> None:
    assert unfinished(state)[0].busy
    with pytest.raises(JournalFault, match="another process holds it"):
        Journal.resume(session.path, Clock())
    session.close()
    assert not unfinished(state)[0].busy
    with Journal.resume(session.path, Clock()) as again:
        assert again.append("closed").seq == 10


def test_a_resumed_session_goes_on_with_the_chain(session: Journal) -> None:
    session.close()
    with Journal.resume(session.path, Clock()) as again:
        again.append("closed")
    reading = read_journal(session.path)
    assert reading.intact
    assert [entry.kind for entry in reading.entries][-3:] == ["skipped", "resumed", "closed"]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda mark: mark.write_bytes(b"x" + mark.read_bytes()[1:]),
        lambda mark: mark.write_bytes(mark.read_bytes()[:-1]),
        lambda mark: mark.write_bytes(b"x" * 4096),
        lambda mark: (mark.rename(mark.with_suffix(".old")), mark.symlink_to(mark.with_suffix(".old"))),
        lambda mark: (mark.unlink(), mark.mkdir()),
    ],
)
def test_a_journal_whose_mark_cannot_be_read_is_not_whole(state: Path, session: Journal, spoil: Any) -> None:
    session.close()
    spoil(session.folder / "mark")
    reading = read_journal(session.path)
    assert (reading.intact, len(reading.entries)) == (False, 8)
    assert "the mark beside it cannot be read" in sessions(state)[0].reading.fault
    with pytest.raises(JournalFault):
        Journal.resume(session.path, Clock())


def put_a_pipe_there(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda path: path.write_bytes(b""), "missing"),
        (lambda path: path.write_bytes(b"".join(lines_of(path)[1:])), "entry 2 where entry 1 belongs"),
        (lambda path: path.unlink(), "no such file"),
        (lambda path: [path.unlink(), path.mkdir()], "cannot"),
        (put_a_pipe_there, "no regular file"),
    ],
)
def test_what_cannot_be_taken_up_is_refused_in_one_sentence(session: Journal, spoil: Any, told: str) -> None:
    session.close()
    spoil(session.path)
    with pytest.raises(JournalFault, match=told) as caught:
        Journal.resume(session.path, Clock())
    assert "\n" not in str(caught.value)


def test_a_closed_session_is_not_taken_up(session: Journal) -> None:
    session.append("closed")
    session.close()
    with pytest.raises(JournalFault, match="closed session"):
        Journal.resume(session.path, Clock())


def test_a_link_in_the_directorys_place_is_refused(tmp_path: Path) -> None:
    target = tmp_path / "elsewhere"
    target.mkdir()
    for place in (target, tmp_path / "nowhere"):
        link = tmp_path / f"link-{place.name}"
        link.symlink_to(place)
        with pytest.raises(JournalFault, match="symbolic link"):
            Journal.create(link, HEADER, Clock())
    assert list(target.iterdir()) == []


def test_a_link_in_a_journals_place_is_never_followed(state: Path, session: Journal, tmp_path: Path) -> None:
    session.close()
    moved = tmp_path / "moved.jsonl"
    session.path.rename(moved)
    session.path.symlink_to(moved)
    before = moved.read_bytes()
    with pytest.raises(JournalFault, match="symbolic link"):
        Journal.resume(session.path, Clock())
    with pytest.raises(JournalFault, match="symbolic link"):
        read_journal(session.path)
    listed = sessions(state)[0]
    assert not listed.reading.intact
    assert "symbolic link" in listed.reading.fault
    assert moved.read_bytes() == before


def test_a_link_in_the_folders_place_takes_no_backup(session: Journal, tmp_path: Path) -> None:
    session.close()
    shutil.rmtree(session.folder)
    session.folder.symlink_to(tmp_path)
    with pytest.raises(JournalFault, match="symbolic link"):
        Journal.resume(session.path, Clock())


def test_a_directory_of_another_user_is_refused(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state.mkdir(parents=True)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(JournalFault, match="belongs to another user"):
        Journal.create(state, HEADER, Clock())


@pytest.mark.parametrize(
    ("number", "told"),
    [(errno.EACCES, "permission denied"), (errno.EROFS, "read-only"), (errno.EDQUOT, "disk is full")],
)
def test_no_session_starts_where_nothing_can_be_written(
    state: Path, monkeypatch: pytest.MonkeyPatch, number: int, told: str
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "mkdir", refuse)
    with pytest.raises(JournalFault, match=told):
        Journal.create(state, HEADER, Clock())


def test_a_file_in_the_directorys_place_is_refused(state: Path) -> None:
    state.parent.mkdir()
    state.write_text("x")
    with pytest.raises(JournalFault, match="no directory"):
        Journal.create(state, HEADER, Clock())


def test_an_entry_never_holds_content(session: Journal) -> None:
    contents: list[Json] = [{"data": {}}, {"object": {"stringData": {}}}, {"list": [{"managedFields": []}]}]
    for fields in contents:
        with pytest.raises(ValueError, match="names objects"):
            session.append("sending", **fields)
    with pytest.raises(ValueError, match="for itself"):
        session.append("sending", prev="x")
    with pytest.raises(JournalFault, match="smaller parts"):
        session.append("planned", why="x" * 5_000_000)
    assert session.append("done", entry="x").seq == 9, "what was refused before it was written breaks nothing"
