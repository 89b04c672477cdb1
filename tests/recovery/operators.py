"""Operators who contend for one recovery on a practice cluster, and a time that only passes when a test says so."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tui.cluster.connect import connection_from_dict
from tui.cluster.reader import ClusterReader
from tui.cluster.writer import Writer
from tui.objects import Json, Ref
from tui.practice.clock import START, Clock
from tui.practice.cluster import PracticeCluster
from tui.recovery.gate import Admitted
from tui.recovery.hold import LeaseHold
from tui.recovery.lease import Me, ref_in
from tui.recovery.lease_seat import Means
from tui.recovery.ports import Answer, Request

SPACE = "flux-system"


@dataclass(frozen=True)
class Let:
    """Lets a test's own request through the writer."""

    request: Request


class Wire:
    """One operator's way to the cluster: counts what he sends, and may lose, refuse or delay it."""

    def __init__(self, reader: ClusterReader, writer: Writer) -> None:
        self.reader = reader
        self.writer = writer
        self.dateless = False
        self.sent: list[Request] = []
        self.before: Callable[[Request], Awaitable[None]] | None = None
        self.after: Callable[[Request], Awaitable[None]] | None = None
        self.unread: Exception | None = None

    async def dated(self, ref: Ref) -> tuple[Json | None, datetime | None]:
        if self.unread is not None:
            raise self.unread
        body, date = await self.reader.dated(ref)
        assert date is not None or body is None
        return body, None if self.dateless else date

    async def send(self, admitted: Admitted) -> Answer:
        self.sent.append(admitted.request)
        if self.before:
            await self.before(admitted.request)
        answer = await self.writer.send(admitted)
        if self.after:
            await self.after(admitted.request)
        return answer


class Operator:
    """One session's claim. ``skew`` is by how many hours this machine's wall clock is wrong."""

    def __init__(self, world: "World", wire: Wire, name: str, spaces: tuple[str, ...], **more: Any) -> None:
        self.wire = wire
        self.skew: float = more.pop("skew", 0.0)
        self.notes: list[tuple[str, Json]] = []
        self.me = Me(name, more.pop("session", f"session-{name.partition('@')[0]}"), f"{name}.api", "practice")
        means = Means(wire, wire, lambda: world.now + timedelta(hours=self.skew), lambda: world.ticks)
        more.setdefault("pause", forever)
        self.hold = LeaseHold(spaces, self.me, means, self.note, **more)

    def note(self, kind: str, **fields: Any) -> None:
        assert kind == "lease"
        self.notes.append((fields.pop("event"), fields))

    @property
    def events(self) -> list[str]:
        return [event for event, _ in self.notes]


async def forever(seconds: float) -> None:
    """The renewal in the background sleeps on: the test does each round itself."""
    await asyncio.Event().wait()


class World:
    """The cluster, everybody's time, and a stranger's hands."""

    def __init__(self, cluster: PracticeCluster, clock: Clock, stack: AsyncExitStack) -> None:
        self.cluster = cluster
        self.ticks = 1000.0
        self._clock = clock
        self._stack = stack
        self._operators: list[Operator] = []

    @property
    def now(self) -> datetime:
        return START + timedelta(seconds=self.ticks - 1000.0)

    def wait(self, seconds: float) -> None:
        """Time passes for everybody: the server and all machines."""
        self.ticks += seconds
        self._clock.step(seconds)

    async def operator(self, name: str, *spaces: str, user: str = "admin", **more: Any) -> Operator:
        """Somebody sits down; nothing is claimed yet."""
        config = self.cluster.kubeconfig(user)
        connection = await self._stack.enter_async_context(await connection_from_dict(config))
        wire = Wire(ClusterReader(connection.api), Writer(connection.api))
        made = Operator(self, wire, name, spaces or (SPACE,), **more)
        self._operators.append(made)
        return made

    def lease(self, space: str = SPACE) -> Json | None:
        ref = ref_in(space)
        return self.cluster.world.store.get((ref.group, "leases"), space, ref.name)

    def holder(self, space: str = SPACE) -> str:
        body = self.lease(space)
        return str(body["spec"].get("holderIdentity", "")) if body else ""

    async def end(self) -> None:
        for each in self._operators:
            await each.hold.release(keep=True)


@asynccontextmanager
async def a_world(*spaces: str) -> AsyncIterator[World]:
    clock = Clock()
    async with AsyncExitStack() as stack:
        cluster = await stack.enter_async_context(PracticeCluster(clock=clock, seed=7))
        for name in spaces or (SPACE,):
            cluster.runner.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}, "admin")
        await cluster.settle()
        world = World(cluster, clock, stack)
        try:
            yield world
        finally:
            await world.end()
