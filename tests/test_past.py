"""An interrupted ``apply`` goes on, ``journal undo`` puts back, and ``journal verify`` finds a spoilt copy."""

import asyncio
import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from tests.recovery.journal_session import HEADER, Clock, fill
from tests.recovery.killable import as_is, now
from tests.recovery.test_kill_points import MADE_BY_OTHERS
from tests.test_planning import Pipeline
from tui.cli import main
from tui.faults import Exit
from tui.objects import Json
from tui.opening import state_directory
from tui.past import faults_of, left_here
from tui.practice.cluster import PracticeCluster
from tui.practice.drills import check, load_drill
from tui.recovery.backup import dump_backup
from tui.recovery.journal import Journal, load_backup, sessions
from tui.recovery.journal import Session as Recorded

ROOT = Path(__file__).parents[1]


class Way(Pipeline):
    """A pipeline that knows the way back."""

    def __init__(self, cluster: PracticeCluster, folder: Path) -> None:
        super().__init__(cluster, folder)
        self.kubeconfig = folder / "kubeconfig"

    async def undo(self, *words: str) -> int:
        return await asyncio.to_thread(main, ["journal", "undo", *words, "--kubeconfig", str(self.kubeconfig)])


@pytest.fixture
async def pipeline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Way]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    async with PracticeCluster.drill("stale-release") as cluster:
        pipeline = Way(cluster, tmp_path)
        assert await pipeline.run("plan", "cleanup", "-f", str(pipeline.plan)) == Exit.CLEAN
        pipeline.confirm()
        yield pipeline


def everything(cluster: PracticeCluster) -> list[Json]:
    """What was ever written by anybody but controllers, and who holds its fields."""
    others = (*MADE_BY_OTHERS, "Pod", "ReplicaSet")
    bodies = as_is([body for _, body in cluster.world.store.objects() if body["kind"] not in others])
    for body in bodies:
        body.pop("status", None)
        held = body["metadata"].pop("managedFields", [])
        body["metadata"]["managedFields"] = [each for each in held if not each.get("subresource")]
    return bodies


class Terminal:
    """``refloat`` on a terminal of its own."""

    def __init__(self, *words: str) -> None:
        self._ours, theirs = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tui", *words], cwd=ROOT, stdin=theirs, stdout=theirs, stderr=theirs
        )
        os.close(theirs)
        self.told = b""

    def until(self, text: bytes) -> None:
        """Reads until the program says this, from where the last reading ended."""
        while text not in self.told:
            self.told += os.read(self._ours, 4096)
        self.told = self.told.partition(text)[2]

    def says(self, text: bytes) -> None:
        os.write(self._ours, text)

    def end(self, number: int) -> int:
        """Sends a signal; the exit code, and everything it said before it ended is in ``told``."""
        self.process.send_signal(number)
        code = self.process.wait(30)
        try:
            while data := os.read(self._ours, 4096):
                self.told += data
        except OSError:
            pass  # a terminal whose other side is closed has nothing more to read
        os.close(self._ours)
        return code


async def hung_up(pipeline: Way, number: int) -> Recorded:
    """The session of an ``apply`` that did its first entry and met a signal at the question of its second."""

    def run() -> Terminal:
        terminal = Terminal("apply", str(pipeline.plan), "--kubeconfig", str(pipeline.kubeconfig))
        terminal.until(b"anything else skips: ")
        terminal.says(b"y\n")
        terminal.until(b"anything else skips: ")
        assert terminal.end(number) == -number
        return terminal

    assert b"Traceback" not in (await asyncio.to_thread(run)).told
    (session,) = sessions(state_directory())
    return session


async def test_an_apply_that_is_hung_up_leaves_its_session_to_the_next(
    pipeline: Way, capsys: pytest.CaptureFixture[str]
) -> None:
    left = await hung_up(pipeline, signal.SIGHUP)
    assert (left.unfinished, left.busy) == (True, False)
    capsys.readouterr()
    assert await pipeline.run("apply", str(pipeline.plan), "--confirmed") == Exit.CLEAN
    told = capsys.readouterr().err
    assert f"session {left.name} was interrupted: it is taken up" in told
    assert told.count("already, as the journal shows") == 1
    (session,) = sessions(state_directory())
    assert session.reading.closed
    assert faults_of(session) == ()
    assert (await check(pipeline.cluster, load_drill("stale-release"))).reached


async def test_an_apply_that_is_told_to_end_leaves_its_session_open(pipeline: Way) -> None:
    left = await hung_up(pipeline, signal.SIGTERM)
    assert (left.unfinished, left.busy) == (True, False)
    assert [entry.kind for entry in left.reading.entries][-1] != "closed"


@pytest.fixture
def operator(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Somebody at the terminal who says yes to everything, and types what is to be typed; what was asked."""
    asked: list[str] = []

    async def answer(prompt: str) -> str:
        asked.append(prompt)
        return f"{prompt.split()[1] if prompt.startswith('type ') else 'y'}\n"

    monkeypatch.setattr("tui.asking.line", answer)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    return asked


async def test_a_session_is_undone_and_its_undo_is_one_too(
    pipeline: Way, operator: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    before = everything(pipeline.cluster)
    await pipeline.run("apply", str(pipeline.plan), "--confirmed")
    done = everything(pipeline.cluster)
    assert done != before
    capsys.readouterr()
    assert await pipeline.undo() == Exit.CLEAN, capsys.readouterr().err
    await pipeline.cluster.settle()
    assert everything(pipeline.cluster) == before
    assert len(operator) == len(pipeline.read()["entries"])
    assert "not restored by any undo: uids, status, pods" in capsys.readouterr().err
    # The newest session is an undo now; without a name it is the cleanup that is meant, and that is undone already.
    assert await pipeline.undo() == Exit.BLOCKED
    assert "exists meanwhile" in capsys.readouterr().err
    assert [session.reading.closed for session in sessions(state_directory())] == [True, True, True]


async def test_undo_asks_and_so_needs_somebody_and_something(pipeline: Way, capsys: pytest.CaptureFixture[str]) -> None:
    assert await pipeline.undo() == Exit.USAGE
    assert "there is nobody to ask" in capsys.readouterr().err


async def test_what_is_not_confirmed_is_not_restored(
    pipeline: Way, operator: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await pipeline.undo() == Exit.USAGE
    assert "no session was recorded" in capsys.readouterr().err
    await pipeline.run("apply", str(pipeline.plan), "--confirmed")
    done = everything(pipeline.cluster)

    async def no(_: str) -> str:
        return "n\n"

    monkeypatch.setattr("tui.asking.line", no)
    assert await pipeline.undo(sessions(state_directory())[0].name[:12]) == Exit.CLEAN
    assert everything(pipeline.cluster) == done
    assert "skipped" in capsys.readouterr().err


def lost(path: Path) -> None:
    path.unlink()


def edited(path: Path) -> None:
    path.write_text(path.read_text() + "more: true\n")


def exchanged(path: Path) -> None:
    path.write_text(dump_backup({**load_backup(path), "exchanged": True}))


@pytest.mark.parametrize(
    ("spoil", "told"),
    [(lost, "no such file"), (edited, "cut short or changed"), (exchanged, "is not the one that was saved")],
)
def test_verify_finds_a_spoilt_backup(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    spoil: Callable[[Path], None],
    told: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    with Journal.create(state_directory(), HEADER, Clock()) as journal:
        fill(journal)
        journal.append("closed")
    assert main(["journal", "verify"]) == Exit.CLEAN
    assert "1 of 1 journals are whole, backups included" in capsys.readouterr().out
    (backup,) = journal.folder.glob("*.yaml")
    spoil(backup)
    assert main(["journal", "verify"]) == Exit.BLOCKED
    out = "".join(capsys.readouterr().out.split())
    assert told.replace(" ", "") in out
    assert backup.name in out
    assert main(["journal", "verify", "-o", "json"]) == Exit.BLOCKED
    (row,) = json.loads(capsys.readouterr().out)["sessions"]
    assert row["intact"] is False
    assert told in row["fault"]


def test_only_what_was_left_here_under_this_contract_is_taken_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    heads = [("here", "a"), ("here", "b"), ("there", "a"), ("here", "a")]
    journals = [Journal.create(state_directory(), {"cluster": c, "sha256": s}, now) for c, s in heads]
    journals[1].append("preflight", verdict="pass")
    for journal in journals[:3]:
        journal.close()
    left, notes = left_here("here", "a")
    assert [each.path for each in left] == [journals[0].path], "the last one is held by a running process"
    (note,) = notes
    assert journals[1].path.stem in note
    assert "under another contract" in note
    assert left_here(None, "a") == ((), ())
    journals[3].close()
    journals[1].path.write_bytes(journals[1].path.read_bytes().replace(b"preflight", b"postfl1ght"))
    assert "its journal is damaged: line 2 is no entry" in left_here("here", "a")[1][0]
    assert [each.path for each in left_here("here", "a")[0]] == [journals[0].path, journals[3].path]
