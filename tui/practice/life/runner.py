"""Runs the controllers: each change of the store becomes work, done in order, a slice at a time."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from tui.practice.status import ApiError
from tui.practice.store import Event
from tui.practice.world import World
from tui.practice.writes import Options, Writer

Json = dict[str, Any]
KCM = "kube-controller-manager"

SLICE = 50
"""Pieces of work done before other tasks of the event loop get a turn."""


class Controller(Protocol):
    """One controller: hears of every change and does what follows from it."""

    def observe(self, event: Event) -> None:
        """Does what a change asks for. Called outside any request, in the order of the changes."""
        ...


class Runner:
    """The queue between the store and the controllers."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.writer = Writer(world)
        self.pace = 0.0
        """Seconds a pod takes to start, on the machine's clock; 0 does all work at once."""
        self.controllers: list[Controller] = []
        self._work: deque[Callable[[], None]] = deque()
        self._scheduled = False
        self._delayed = 0
        self._handles: set[asyncio.TimerHandle] = set()
        self._idle: list[asyncio.Future[None]] = []
        self.stopped = False
        self.telling = False
        """Whether Events are recorded: from when the cluster is open to clients."""
        world.store.listeners.append(self._hear)

    def _hear(self, event: Event) -> None:
        self.do(lambda: self._dispatch(event))

    def _dispatch(self, event: Event) -> None:
        for controller in self.controllers:
            controller.observe(event)

    def do(self, work: Callable[[], None]) -> None:
        """Queues a piece of work."""
        if not self.stopped:
            self._work.append(work)
            self._schedule()

    def later(self, work: Callable[[], None]) -> None:
        """Queues work for when a pod's start-up has passed: at once where no pace is set."""
        loop = _loop()
        if self.pace <= 0 or loop is None:
            self.do(work)
            return
        self._delayed += 1

        def fire() -> None:
            self._handles.discard(handle)
            self._delayed -= 1
            self.do(work)

        handle = loop.call_later(self.pace, fire)
        self._handles.add(handle)

    def every(self, seconds: float, work: Callable[[], None]) -> None:
        """Does work again and again while the cluster runs; it never keeps :meth:`settle` waiting."""
        loop = _loop()
        if loop is None or self.stopped:
            return

        def fire() -> None:
            self._handles.discard(handle)
            if not self.stopped:
                work()
                self.every(seconds, work)

        handle = loop.call_later(seconds, fire)
        self._handles.add(handle)

    def _schedule(self) -> None:
        loop = _loop()
        if loop is not None and not self._scheduled:
            self._scheduled = True
            loop.call_soon(self._slice)

    def _slice(self) -> None:
        self._scheduled = False
        try:
            for _ in range(min(SLICE, len(self._work))):
                self._attempt()
        finally:
            self._go_on()

    def _attempt(self) -> None:
        """Does one piece of work. What the API refuses a controller is no accident: a later change asks again."""
        with contextlib.suppress(ApiError, LookupError):
            self._work.popleft()()

    def _go_on(self) -> None:
        if self._work:
            self._schedule()
        elif not self._delayed:
            waiting, self._idle = self._idle, []
            for future in waiting:
                if not future.done():
                    future.set_result(None)

    def run(self) -> None:
        """Does all queued work now, without an event loop."""
        while self._work:
            self._attempt()

    async def settle(self) -> None:
        """Returns when there is nothing left to do."""
        while (self._work or self._delayed) and not self.stopped:
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._idle.append(future)
            self._schedule()
            await future

    def stop(self) -> None:
        """Drops all work; nothing runs afterwards."""
        self.stopped = True
        self._work.clear()
        for handle in self._handles:
            handle.cancel()
        self._handles.clear()
        waiting, self._idle = self._idle, []
        for future in waiting:
            if not future.done():
                future.set_result(None)

    def event(self, about: Json, reason: str, message: str, source: str = "deployment-controller") -> None:
        """Records an Event about an object, unless history is being made up: Events do not live for days."""
        if not self.telling:
            return
        meta, now = about["metadata"], self.world.clock.stamp()
        bad = reason in ("BackOff", "Failed", "FailedCreate", "ReconciliationFailed")
        involved = {"apiVersion": about["apiVersion"], "kind": about["kind"], "name": meta["name"], "uid": meta["uid"]}
        named = {"name": f"{meta['name']}.{self.world.uid()[:8]}", "namespace": meta.get("namespace", "default")}
        told = {"reason": reason, "message": message, "type": "Warning" if bad else "Normal", "count": 1}
        times = {"firstTimestamp": now, "lastTimestamp": now, "source": {"component": source}}
        involved |= {"namespace": meta["namespace"]} if meta.get("namespace") else {}
        body = {"apiVersion": "v1", "kind": "Event", "metadata": named, "involvedObject": involved}
        with contextlib.suppress(ApiError):
            self.create(body | told | times)

    def create(self, body: Json, manager: str = KCM) -> Json:
        """Creates an object as a controller does; answers the stored body."""
        kind = self.world.kind_of(body)
        if kind is None:
            raise LookupError(f"{body.get('apiVersion')} {body.get('kind')} is not served")
        options = Options(manager, validation="Ignore")
        return self.writer.create(kind, body["metadata"].get("namespace"), body, options).body

    def write(self, body: Json, manager: str = KCM, subresource: str = "") -> Json:
        """Updates an object as a controller does; answers the stored body."""
        kind = self.world.kind_of(body)
        if kind is None:
            raise LookupError(f"{body.get('apiVersion')} {body.get('kind')} is not served")
        meta = body["metadata"]
        options = Options(manager, validation="Ignore", subresource=subresource)
        wanted = body | {"metadata": {key: value for key, value in meta.items() if key != "resourceVersion"}}
        if kind.custom:
            wanted["metadata"]["resourceVersion"] = self._version(kind.resource, meta)
        return self.writer.update(kind, meta.get("namespace"), meta["name"], wanted, options).body

    def _version(self, resource: tuple[str, str], meta: Json) -> str:
        live = self.world.get(*resource, meta.get("namespace"), meta["name"])
        return str((live or {"metadata": meta})["metadata"].get("resourceVersion", ""))


def _loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
