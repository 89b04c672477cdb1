"""Helpers for tests that press keys: everything waits for messages and workers, nothing for time."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

from textual.events import Key
from textual.message import Message
from textual.pilot import Pilot
from textual.widgets import Input, Static
from textual.worker import WorkerCancelled, WorkerFailed

from tests.screens.fakes import FakeLink, make_app
from tui.app import RefloatApp
from tui.widgets.ledger import Ledger
from tui.widgets.lines import Lines
from tui.widgets.pane import Pane
from tui.widgets.spans import plain_text

SMALL = (80, 24)
LARGE = (200, 50)


PATIENCE = 60.0
"""Seconds after which a condition that nothing brings about fails the test."""


class Attention:
    """Waits for conditions by looking again whenever a message was handled.

    ``shown`` is what the app shows, told where nothing brings the condition about.
    """

    def __init__(self, shown: Callable[[], str] = str) -> None:
        self._heard = asyncio.Event()
        self._shown = shown

    def hook(self, message: Message) -> None:
        self._heard.set()

    async def until(self, holds: Callable[[], bool]) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                while not holds():
                    self._heard.clear()
                    await self._heard.wait()
        except TimeoutError as error:
            raise AssertionError(f"nothing brought it about; the screen shows\n{self._shown()}") from error


QUIET: Final = 4
"""Rounds without a worker after which nothing can be under way: a worker's message, its handler, a redraw."""


async def settle(pilot: Pilot[None]) -> None:
    """Returns when no worker runs and no message waits."""
    quiet = 0
    while quiet < QUIET:
        await pilot.pause(0)
        quiet = quiet + 1 if not any(worker.is_running for worker in pilot.app.workers) else 0
        with suppress(WorkerFailed, WorkerCancelled):
            await pilot.app.workers.wait_for_complete()


@asynccontextmanager
async def running(
    link: FakeLink | None = None, *, size: tuple[int, int] = SMALL, **options: Any
) -> AsyncIterator[tuple[RefloatApp, Pilot[None]]]:
    """The app on a fake link, read and judged."""
    app = make_app(link, **options)
    async with app.run_test(size=size, notifications=True) as pilot:
        await settle(pilot)
        yield app, pilot


async def press(pilot: Pilot[None], *keys: str) -> None:
    """Presses keys one after the other, each to its end. A pilot's own ``press`` waits for an idle processor too."""
    for key in keys:
        send(pilot, key)
        await settle(pilot)


async def write(pilot: Pilot[None], text: str) -> None:
    """Types a text."""
    for character in text:
        send(pilot, character)
    await settle(pilot)


async def tap(pilot: Pilot[None], key: str) -> None:
    """Presses a key whose work is held back: returns when no message waits, whatever workers run."""
    send(pilot, key)
    for _ in range(QUIET):
        await pilot.pause(0)


def send(pilot: Pilot[None], key: str) -> None:
    """Sends a key and waits for nothing."""
    driver = pilot.app._driver
    assert driver is not None
    event = Key(key, key if len(key) == 1 else None)
    event.set_sender(pilot.app)
    driver.send_message(event)


def typing(app: RefloatApp) -> bool:
    """Whether the next key goes into a line."""
    return isinstance(app.focused, Input)


def pane_text(app: RefloatApp, selector: str = "#detail") -> str:
    """What a pane says."""
    return "\n".join(map(plain_text, app.screen.query_one(selector, Pane).lines))


def table_text(app: RefloatApp, selector: str) -> list[str]:
    """The rows of a table."""
    rows = app.screen.query_one(selector, Ledger).rows
    return [" | ".join(plain_text(cell) for cell in row.cells) for row in rows]


def lines_text(lines: Lines, width: int = 200) -> list[str]:
    """The lines of a list or tree."""
    return [plain_text(lines.line_at(index, width)) for index in range(lines.count())]


def static_text(app: RefloatApp, selector: str) -> str:
    """What a static says."""
    return str(app.screen.query_one(selector, Static).content)


def painted(app: RefloatApp) -> str:
    """Every character on the screen, as the terminal gets it."""
    width, height = app.size
    strips = app.screen._compositor.render_strips(app.size)
    return "\n".join(strip.text for strip in strips[:height])[: (width + 1) * height]
