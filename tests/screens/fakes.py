"""A link to nothing: answers from plain values, and says what it was asked."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from screens.judging import Tuning
from screens.link import Drill, Link, Note, Opener
from tests.clusters import searched
from tests.screens.world import CONTRACT, NOW, inventory, trouble
from tui.app import RefloatApp
from tui.faults import ApiFault, Fault
from tui.objects import Inventory, Json, Key, KindKey, Ref
from tui.recovery.ports import Access, Identity, Progress

IDENTITY = Identity("practice", "https://127.0.0.1:6443", "uid-kube-system", "admin", "tethys")


class FakeReader:
    """Answers every reading from one inventory; ``faults`` are raised first, one a reading."""

    def __init__(self, known: Inventory, bodies: Iterable[Json] = ()) -> None:
        self.known = known
        self.bodies = {Ref.of(body).key: body for body in bodies}
        self.faults: list[Fault] = []
        self.readings = 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def inventory(self, report: Callable[[Progress], None] | None = None) -> Inventory:
        self.readings += 1
        if report:
            report(Progress(3, 13, 1234))
        await self.gate.wait()
        if self.faults:
            raise self.faults.pop(0)
        return self.known

    async def relist(self, known: Inventory, kinds: Iterable[KindKey]) -> Inventory:
        return known

    async def search(self, known: Inventory, targets: Iterable[Key], *, anew: bool = False) -> Inventory:
        return replace(known, searched=known.searched.with_(searched(targets, self.bodies.values())))

    async def get(self, ref: Ref) -> Json | None:
        if ref.name == "forbidden":
            raise ApiFault(403, "Forbidden", "secrets [/x] is forbidden")
        return self.bodies.get(ref.key)

    async def allowed(self, questions: Sequence[Access]) -> Sequence[bool | None]:
        return [True for _ in questions]


class FakeLink:
    """A Link of plain values. ``stream`` is what the watch yields before it falls silent."""

    def __init__(self, bodies: Iterable[Json], known: Inventory | None = None) -> None:
        bodies = list(bodies)
        self.identity = IDENTITY
        self.reader = FakeReader(known or inventory(bodies), bodies)
        self.drill: Drill | None = None
        self.session: Callable[[Path | None], Any] | None = None
        self.stream: list[Any] = []
        self.watched: list[KindKey] = []
        self.closed = False
        self.log_text = "started\n\x1b[2Jcleared [/x]\n"
        self.event_list: list[Note] = []

    async def watch(self, kinds: Iterable[KindKey], since: Inventory) -> AsyncIterator[Any]:
        self.watched = list(kinds)
        for event in self.stream:
            yield event

    async def logs(self, ref: Ref, container: str, tail: int) -> str:
        return self.log_text

    async def events(self, ref: Ref) -> Sequence[Note]:
        return self.event_list

    async def close(self) -> None:
        self.closed = True


def make_app(link: FakeLink | None = None, opener: Opener | None = None, **options: Any) -> RefloatApp:
    """The app on a fake link with a clock that stands still; ``opener`` may be replaced."""
    link = link or FakeLink(trouble())

    async def opened() -> Link:
        return link

    options.setdefault("tuning", Tuning(clock=frozen, settle=0.0, ticks=Ticks()))
    return RefloatApp(opener or opened, CONTRACT, context="practice", **options)


def frozen() -> datetime:
    """A clock that stands still."""
    return NOW


class Ticks:
    """A monotonic clock that moves ``step`` seconds whenever it is read."""

    def __init__(self, step: float = 1.0) -> None:
        self.step = step
        self.now = 0.0

    def __call__(self) -> float:
        self.now += self.step
        return self.now
