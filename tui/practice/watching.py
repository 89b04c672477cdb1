"""Watches: one stream of JSON lines for each, fed by the store, ended by its timeout or the cluster's end."""

import asyncio
import itertools
from collections.abc import Callable
from typing import Any

from aiohttp import web

from tui.practice.kinds import Kind
from tui.practice.reads import Query, Reader
from tui.practice.routes import accepts, flag
from tui.practice.status import ApiError, cause, invalid
from tui.practice.store import Entry, Event, Resource, to_json
from tui.practice.tables import table
from tui.practice.world import World

Json = dict[str, Any]

BOOKMARK_EVERY = 60.0
"""Seconds of silence after which a watch that asked for bookmarks gets one."""

LONGEST = 3600.0
"""Seconds after which a watch without a timeout of its own ends."""


class Watches:
    """The open watches of a world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._queues: dict[Resource, set[asyncio.Queue[Event | None]]] = {}
        world.store.listeners.append(self._tell)

    def _tell(self, event: Event) -> None:
        for queue in self._queues.get(event.resource, ()):
            queue.put_nowait(event)

    @property
    def count(self) -> int:
        """How many watches are open."""
        return sum(map(len, self._queues.values()))

    def close(self) -> None:
        """Ends every watch cleanly, as a server that shuts down or restarts does."""
        for queue in itertools.chain.from_iterable(self._queues.values()):
            queue.put_nowait(None)

    async def serve(self, request: web.Request, kind: Kind, query: Query, reader: Reader) -> web.StreamResponse:
        """Answers one watch until it ends."""
        seconds = request.query.get("timeoutSeconds") or ""
        timeout = float(seconds) if seconds.isdigit() and int(seconds) else LONGEST
        bookmarks = flag(request.query.get("allowWatchBookmarks")) and "allowWatchBookmarks" in request.query
        initial = flag(request.query.get("sendInitialEvents")) and "sendInitialEvents" in request.query
        _check(request)
        stream = Stream(request, kind, query, self.world)
        queue: asyncio.Queue[Event | None] = asyncio.Queue()
        try:
            first = self._first(kind, query, reader, stream.encode, initial=initial, bookmarks=bookmarks)
        except ApiError as error:
            if error.code != 410:
                raise
            await stream.open()
            await stream.send("ERROR", to_json(error.body))
            return stream.response
        open_here = self._queues.setdefault(kind.resource, set())
        open_here.add(queue)
        try:
            await stream.open()
            for shown, data in first:
                await stream.send(shown, data)
            await self._follow(stream, queue, reader, timeout, bookmarks=bookmarks)
        except ConnectionError:
            pass
        finally:
            open_here.discard(queue)
        return stream.response

    def _first(
        self,
        kind: Kind,
        query: Query,
        reader: Reader,
        encode: Callable[[Entry], bytes],
        *,
        initial: bool,
        bookmarks: bool,
    ) -> list[tuple[str, bytes]]:
        sent: list[tuple[str, bytes]] = []
        if initial or not query.version:
            page = reader.page(kind, Query(query.namespace, query.labels, query.fields))
            sent = [("ADDED", encode(entry)) for entry in page.entries]
            if initial and bookmarks:
                sent.append(("BOOKMARK", self._bookmark(kind, query, initial=True)))
            return sent
        for event in reader.backlog(kind, query):
            seen = reader.watched(kind, query, event)
            if seen:
                sent.append((seen[0], encode(seen[1])))
        return sent

    def _bookmark(self, kind: Kind, query: Query, *, initial: bool = False) -> bytes:
        meta: Json = {"resourceVersion": str(self.world.store.version)}
        if initial:
            meta["annotations"] = {"k8s.io/initial-events-end": "true"}
        head = {"kind": kind.kind, "apiVersion": kind.api_version}
        if query.metadata_only:
            head = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1"}
        return to_json(head | {"metadata": meta})

    async def _follow(
        self, stream: "Stream", queue: asyncio.Queue[Event | None], reader: Reader, seconds: float, *, bookmarks: bool
    ) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while (left := end - loop.time()) > 0:
            try:
                event = await asyncio.wait_for(queue.get(), min(left, BOOKMARK_EVERY))
            except TimeoutError:
                if bookmarks:
                    await stream.send("BOOKMARK", self._bookmark(stream.kind, stream.query))
                continue
            if event is None:
                return
            seen = reader.watched(stream.kind, stream.query, event)
            if seen:
                await stream.send(seen[0], stream.encode(seen[1]))


class Stream:
    """The response of one watch."""

    def __init__(self, request: web.Request, kind: Kind, query: Query, world: World) -> None:
        self.kind = kind
        self.query = query
        self._world = world
        self._table = accepts(request) == "table"
        self._whole = request.query.get("includeObject") == "Object"
        self._titled = False
        self._request = request
        headers = {"Content-Type": "application/json", "Cache-Control": "no-cache, private"}
        self.response = web.StreamResponse(headers=headers)

    async def open(self) -> None:
        """Sends the headers."""
        await self.response.prepare(self._request)

    def encode(self, entry: Entry) -> bytes:
        """The object of an event, as the watch asked for it. Only the first table of a watch names its columns."""
        body = entry.body
        if body.get("apiVersion") != self.kind.api_version:
            body = body | {"apiVersion": self.kind.api_version}
        if self._table:
            meta = {"resourceVersion": body["metadata"]["resourceVersion"]}
            found = table(self.kind, [body], meta, self._world.clock.now(), whole=self._whole)
            found["columnDefinitions"] = None if self._titled else found["columnDefinitions"]
            self._titled = True
            return to_json(found)
        if self.query.metadata_only:
            return entry.meta
        return entry.full if body is entry.body else to_json(body)

    async def send(self, shown: str, data: bytes) -> None:
        """Sends one event."""
        await self.response.write(b'{"type":"%b","object":%b}\n' % (shown.encode(), data))


def _check(request: web.Request) -> None:
    """Refuses the combinations of list-watch parameters that the API server refuses."""
    asked = request.query
    if "sendInitialEvents" in asked and not asked.get("resourceVersionMatch"):
        text = "Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
        found = cause("FieldValueForbidden", text, "resourceVersionMatch")
        raise invalid("meta.k8s.io", "ListOptions", "", [found])
    if asked.get("resourceVersionMatch") and "sendInitialEvents" not in asked:
        text = "Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"
        found = cause("FieldValueForbidden", text, "resourceVersionMatch")
        raise invalid("meta.k8s.io", "ListOptions", "", [found])
