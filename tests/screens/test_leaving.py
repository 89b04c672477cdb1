"""How the program is left: asked once in a session, after a change that is under way, and when the terminal is gone."""

import os
import pty
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from textual.pilot import Pilot

from screens.choice import Choice
from screens.recovery import Recovery
from tests.screens.piloting import painted, press, running, settle, tap, write
from tests.screens.sessions import session_link
from tests.screens.world import trouble

ENTER_SCREEN, LEAVE_SCREEN = b"\x1b[?1049h", b"\x1b[?1049l"


async def begin(pilot: Pilot[None]) -> None:
    await press(pilot, "5", "right", "b")
    await write(pilot, "practice")
    await press(pilot, "enter")


@pytest.mark.parametrize("key", ["q", "ctrl+q"])
async def test_in_a_session_leaving_is_asked_once_and_staying_is_the_default(key: str) -> None:
    link, session = session_link(trouble())
    async with running(link) as (app, pilot):
        await begin(pilot)
        await press(pilot, key, key)
        assert isinstance(app.screen, Choice)
        assert len(app.screen_stack) == 2
        await press(pilot, "enter")
        assert isinstance(app.screen, Recovery)
        await press(pilot, key, "escape")
        assert isinstance(app.screen, Recovery)
        assert not session.closed
        await press(pilot, key, "j", "enter")
    assert session.closed
    assert not session.left
    assert link.closed


async def test_a_session_can_be_left_open_for_the_next_start() -> None:
    link, session = session_link(trouble())
    async with running(link) as (_, pilot):
        await begin(pilot)
        await press(pilot, "q", "j", "j", "enter")
    assert session.left
    assert not session.closed


async def test_a_change_under_way_finishes_first() -> None:
    link, session = session_link(trouble())
    session.gate.clear()
    async with running(link) as (app, pilot):
        await begin(pilot)
        await press(pilot, "enter")
        await tap(pilot, "y")
        assert app.desk.writing
        await tap(pilot, "q")
        assert "A change is under way: it finishes first" in painted(app)
        await tap(pilot, "j")
        session.deaf = True
        await tap(pilot, "enter")
        assert app.is_running
        assert session.given_up, "its effect is not waited for"
        session.gate.set()
        await settle(pilot)
    assert session.done == ["ClusterRole flux-view"]
    assert session.closed


class Terminal:
    """The program on a terminal of its own; ``shown`` is all that it sent."""

    def __init__(self, process: "subprocess.Popen[bytes]", end: int) -> None:
        self.process = process
        self.shown = b""
        self._end = end

    def until(self, wanted: bytes) -> None:
        """Reads until this was sent, or nothing more comes."""
        while wanted not in self.shown:
            ready, _, _ = select.select([self._end], [], [], 60)
            assert ready, f"{wanted!r} never came; it showed {self.shown[-2000:]!r}"
            try:
                self.shown += os.read(self._end, 65536)
            except OSError:
                return

    def type(self, keys: bytes) -> None:
        """Sends keys."""
        os.write(self._end, keys)

    def hang_up(self) -> None:
        """Takes the terminal away."""
        os.close(self._end)
        self._end = -1

    def close(self) -> None:
        """Ends what is left."""
        if self._end >= 0:
            os.close(self._end)
        with suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait()


@contextmanager
def on_a_terminal(state: Path) -> Iterator[Terminal]:
    """The practice drill on a pseudo-terminal that is its controlling one."""
    end, other = pty.openpty()
    environment = {**os.environ, "XDG_STATE_HOME": str(state), "TERM": "xterm-256color", "COLUMNS": "80", "LINES": "24"}
    process = subprocess.Popen(
        [sys.executable, "-c", CHILD],
        stdin=other,
        stdout=other,
        stderr=other,
        env=environment,
        start_new_session=True,
    )
    os.close(other)
    terminal = Terminal(process, end)
    try:
        yield terminal
    finally:
        terminal.close()


CHILD = """
import fcntl, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
sys.argv = ["refloat", "demo", "healthy"]
from tui.__main__ import main
sys.exit(main())
"""


@pytest.mark.parametrize("name", ["SIGHUP", "SIGTERM"])
def test_told_to_go_it_leaves_the_terminal_clean_and_the_session_open(tmp_path: Path, name: str) -> None:
    with on_a_terminal(tmp_path) as terminal:
        terminal.until(b"healthy")
        assert ENTER_SCREEN in terminal.shown
        terminal.process.send_signal(getattr(signal, name))
        terminal.until(LEAVE_SCREEN)
        assert terminal.process.wait(60) == 3
        assert b"Traceback" not in terminal.shown


def test_a_lost_terminal_ends_the_program(tmp_path: Path) -> None:
    with on_a_terminal(tmp_path) as terminal:
        terminal.until(b"healthy")
        terminal.hang_up()
        terminal.process.wait(60)
