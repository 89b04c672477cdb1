"""Live feeds: a list and a watch a kind, resumed for as long as somebody listens.

The feed tells differences. Whatever happens in between (a clean end, an expired version, a broken connection, an API
server that restarts), a listener who applies each event in order has, at SYNCED, exactly what the server lists.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from types import TracebackType
from typing import Any, Final, Self

from tui.cluster.answers import api_fault, decode_clean
from tui.cluster.api import JSON, Api
from tui.cluster.bodies import live_of, wants_body
from tui.cluster.discovery import collection
from tui.cluster.listing import Wanted, pages
from tui.cluster.resolver import Resolver
from tui.faults import ApiFault, Fault, Unverified
from tui.objects import Inventory, Key, KindKey, Live, Ref, Served
from tui.text import clean

WATCH_SECONDS: Final = 60
"""How long one watch is asked to last: a connection that died silently is noticed soon after."""

IDLE_SECONDS: Final = WATCH_SECONDS + 15.0
"""Seconds without a byte after which a watch counts as dead."""

FIRST_DELAY: Final = 0.5
MAX_DELAY: Final = 30.0
"""Seconds waited before the first and, doubling, at most before any further attempt."""

SHORT_LIFE: Final = 1.0
"""A watch that ends within so many seconds and told nothing is not asked for again at once."""

QUEUE: Final = 1000
"""Events kept for a listener who does not keep up; beyond them the server is made to wait."""

MAX_EVENT: Final = 16 * 2**20
"""Bytes of one watch event."""

METADATA: Final = f"application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,{JSON}"


class What(StrEnum):
    """What an event tells."""

    ADDED = "added"
    MODIFIED = "modified"
    DELETED = "deleted"
    SYNCED = "synced"
    DISCONNECTED = "disconnected"
    RECONNECTED = "reconnected"


@dataclass(frozen=True, slots=True)
class Event:
    """One event of one kind. ``live`` is set for ADDED, MODIFIED and DELETED (the last known state).

    DISCONNECTED says why in ``reason`` and waits ``retry_in`` seconds; until RECONNECTED nothing is fresh.
    """

    what: What
    kind: KindKey
    live: Live | None = None
    reason: str = ""
    retry_in: float = 0.0


class _Expired(Exception):
    """The version to watch from is too old: list again."""


class Feed:
    """An async context manager and iterator of :class:`Event`; leaving it ends every request.

    ``sleep`` and ``jitter`` (0 to 1) are how it waits between attempts.
    """

    def __init__(
        self,
        api: Api,
        resolver: Resolver,
        kinds: Iterable[KindKey],
        *,
        namespace: str | None = None,
        since: Inventory | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._queue: asyncio.Queue[Event | None] = asyncio.Queue(QUEUE)
        self._tasks: list[asyncio.Task[None]] = []
        waits = Waits(sleep, jitter)
        self._followers = {
            kind: Follower(api, resolver, kind, namespace, self._queue.put, waits) for kind in frozenset(kinds)
        }
        for key, live in since.objects.items() if since else ():
            follower = self._followers.get(KindKey(key.group, key.kind))
            if follower and namespace in (None, key.namespace):
                follower.known[key] = live

    async def __aenter__(self) -> Self:
        for kind, follower in self._followers.items():
            task = asyncio.create_task(follower.run(), name=f"watch {kind.kind}")
            task.add_done_callback(self._wake)
            self._tasks.append(task)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def __aiter__(self) -> AsyncIterator[Event]:
        return self

    async def __anext__(self) -> Event:
        """The next event; waits for ever, as a feed has no end. Raises what a follower died of, if one did."""
        while self._tasks:
            if self._queue.empty() and (dead := next((task for task in self._tasks if task.done()), None)):
                dead.result()
                break
            event = await self._queue.get()
            if event is not None:
                return event
        raise StopAsyncIteration

    def _wake(self, _: asyncio.Task[None]) -> None:
        # A full queue has a listener who is awake.
        with suppress(asyncio.QueueFull):
            self._queue.put_nowait(None)


@dataclass(frozen=True, slots=True)
class Waits:
    """How to wait between attempts."""

    sleep: Callable[[float], Awaitable[None]]
    jitter: Callable[[], float]

    def delay(self, failures: int) -> float:
        """Seconds before the next attempt: doubling to a ceiling, and never two clients in step."""
        ceiling = min(MAX_DELAY, FIRST_DELAY * 2.0 ** min(failures - 1, 10))
        return ceiling * (0.5 + self.jitter() / 2)


class Follower:
    """Follows one kind for ever. ``known`` is what the listener has been told; ``tell`` takes events."""

    def __init__(
        self,
        api: Api,
        resolver: Resolver,
        kind: KindKey,
        namespace: str | None,
        tell: Callable[[Event], Awaitable[None]],
        waits: Waits,
    ) -> None:
        self.known: dict[Key, Live] = {}
        self._api = api
        self._resolver = resolver
        self._kind = kind
        self._namespace = namespace
        self._put = tell
        self._waits = waits
        self._version = ""
        self._failures = 0
        self._lost = False

    async def run(self) -> None:
        """Lists, watches, and starts again where it was; never returns."""
        while True:
            try:
                served = await self._served()
                if not self._version:
                    await self._list(served)
                await self._watch(served)
            except _Expired:
                # The first time at once: nothing is wrong when a version expires.
                if self._failures:
                    await self._waits.sleep(self._waits.delay(self._failures))
                self._version = ""
                self._failures += 1
            except Fault as fault:
                if isinstance(fault, ApiFault):
                    self._version = ""
                self._failures += 1
                self._lost = True
                delay = self._waits.delay(self._failures)
                await self._tell(What.DISCONNECTED, reason=clean(fault, 300), retry_in=delay)
                await self._waits.sleep(delay)

    async def _served(self) -> Served:
        group, kind = self._kind
        served = await self._resolver.find(Ref(f"{group}/" if group else "", kind, None, ""))
        if served is None:
            raise Unverified(f"{kind} is not served by the cluster")
        return served

    async def _tell(self, what: What, live: Live | None = None, *, reason: str = "", retry_in: float = 0.0) -> None:
        await self._put(Event(what, self._kind, live, reason, retry_in))

    async def _back(self) -> None:
        if self._lost:
            self._lost = False
            await self._tell(What.RECONNECTED)

    async def _list(self, served: Served) -> None:
        """Lists the kind and tells the differences."""
        found: dict[Key, Live] = {}
        version = ""
        async for page in pages(self._api, Wanted(served, self._namespace)):
            if page.restarted:
                found.clear()
            found.update((live.key, live) for live in page.objects)
            version = page.resource_version
        if not version:
            raise Unverified(f"the list of {served.plural} names no version to watch from")
        await self._back()
        for key in self.known.keys() - found.keys():
            await self._tell(What.DELETED, self.known.pop(key))
        for live in found.values():
            await self._change(live)
        self._version = version
        await self._tell(What.SYNCED)

    async def _change(self, live: Live) -> None:
        before = self.known.get(live.key)
        self.known[live.key] = live
        if before is None:
            await self._tell(What.ADDED, live)
        elif before.resource_version != live.resource_version or before.ref.uid != live.ref.uid:
            await self._tell(What.MODIFIED, live)

    async def _watch(self, served: Served) -> None:
        """Watches until the server ends it, which is normal. Raises _Expired and Fault."""
        query = [
            ("watch", "1"),
            ("resourceVersion", self._version),
            ("allowWatchBookmarks", "true"),
            ("timeoutSeconds", str(WATCH_SECONDS)),
        ]
        accept = JSON if wants_body(self._kind) else METADATA
        loop = asyncio.get_running_loop()
        began, told = loop.time(), False
        try:
            path = collection(served, self._namespace)
            async with self._api.stream(path, query, accept=accept, idle=IDLE_SECONDS) as content:
                await self._back()
                async for line in _lines(content):
                    await self._event(served, line)
                    told, self._failures = True, 0
        except ApiFault as fault:
            if fault.code == 410:
                raise _Expired from fault
            raise
        self._failures = 0
        if not told and loop.time() - began < SHORT_LIFE:
            await self._waits.sleep(self._waits.delay(1))

    async def _event(self, served: Served, line: bytes) -> None:
        event = decode_clean(line, f"a watch of {served.plural}")
        kind, item = (event.get("type"), event.get("object")) if isinstance(event, dict) else (None, None)
        if not isinstance(item, dict):
            raise Unverified(f"a watch of {served.plural} told something that is no event")
        if kind == "ERROR":
            raise api_fault(500, item)
        if kind == "BOOKMARK":
            self._version = _version(item) or self._version
            return
        live = live_of(item, served, body=wants_body(self._kind))
        if kind == "DELETED":
            if self.known.pop(live.key, None) is not None:
                await self._tell(What.DELETED, live)
        elif kind in ("ADDED", "MODIFIED"):
            await self._change(live)
        else:
            raise Unverified(f"a watch of {served.plural} told an event of no kind that is known")
        self._version = live.resource_version or self._version


def _version(item: dict[str, Any]) -> str:
    meta = item.get("metadata")
    return str(meta.get("resourceVersion") or "") if isinstance(meta, dict) else ""


async def _lines(content: Any) -> AsyncIterator[bytes]:
    """The lines of a stream, each bounded; a piece after the last line feed is no event."""
    kept = bytearray()
    async for chunk in content.iter_any():
        kept += chunk
        while (end := kept.find(b"\n")) >= 0:
            line = bytes(kept[:end]).strip()
            del kept[: end + 1]
            if line:
                yield line
        if len(kept) > MAX_EVENT:
            raise Unverified(f"a watch told an event larger than {MAX_EVENT // 2**20} MiB")
