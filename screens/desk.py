"""The desk: keeps the one current View, from the first connection over every watch event to the last assessment.

It knows no widget. Everything it does runs in the app's event loop, except the assessment, which takes a thread: at
most one at a time, and always of the newest inventory.
"""

import asyncio
import gc
import sys
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from screens.attending import Attending
from screens.changes import WATCHED, Change, changed, controllers_of
from screens.judging import Judgement, Tuning
from screens.link import Event, Opener
from screens.shelf import Left, Shelf, read_shelf
from screens.view import Feed, Phase, View
from tui.faults import Fault
from tui.objects import Inventory, Key, KindKey
from tui.ownership.model import Wish
from tui.recovery.ports import Progress, Reader

if TYPE_CHECKING:
    from tui.recovery.session import Session

BREATH: Final = 10.0
"""An assessment that took a second is not repeated for this many seconds, so that keys stay quick. The health does
not wait for it: it rests on few objects and is judged with every change of them."""

MANY: Final = 5000
"""Objects from which on the garbage collector is told to leave an inventory alone."""

SLICE: Final = 0.0005
"""Seconds the assessing thread may hold the interpreter while the screen waits. Python's own 5 ms a turn would make
a key wait through dozens of them."""


Work = Callable[[], Coroutine[Any, Any, None]]
"""A piece of work, begun when its worker is: one that is called off before leaves nothing behind."""


class Desk(Attending):
    """Owns the link, the session and the View.

    ``emit`` is called with every new View, ``spawn`` runs a coroutine beside, ``journals`` tells where this machine's
    journals are and is called in a thread.
    """

    def __init__(
        self,
        view: View,
        opener: Opener,
        *,
        emit: Callable[[View], None],
        spawn: Callable[[Work], object],
        tuning: Tuning,
        journals: Callable[[], Path] | None = None,
    ) -> None:
        super().__init__(view)
        self._journals = journals
        self.ticks = tuning.ticks
        self._opener = opener
        self._clock = tuning.clock
        self._emit = emit
        self.spawn = spawn
        self._judge = tuning.judge
        self._check = tuning.check
        self._settle = tuning.settle
        self._changes: dict[Key, Change] = {}
        self._synced: frozenset[KindKey] = frozenset()
        self._lost: dict[KindKey, tuple[datetime, str]] = {}
        self._flushing = False
        self._assessing = False
        self._reading = False
        self._unassessed = False
        self._rested_at = 0.0
        self._following = False

    def now(self) -> datetime:
        """The time, by the clock that was handed in."""
        return self._clock()

    def _set(self, **changes: Any) -> None:
        self.view = replace(self.view, **changes)
        self._emit(self.view)

    def fail(self, sentence: str) -> None:
        """Says what went wrong; data that is there stays."""
        phase = Phase.FAILED if self.view.assessment is None else self.view.phase
        self._set(phase=phase, trouble=sentence)

    async def open(self) -> None:
        """Connects, reads everything once and begins to watch. A failure becomes one sentence in the View."""
        if self._reading:
            return
        if self.link is None:
            self._set(phase=Phase.CONNECTING, trouble="")
            try:
                self.link = await self._opener()
            except Fault as fault:
                self.fail(str(fault))
                return
            except OSError as error:
                self.fail(f"cannot open {self.view.context}: {error}")
                return
            self._set(identity=self.link.identity, context=self.link.identity.context, drill=self.link.drill)
            self.spawn(self.read_shelf)
        await self.read()

    async def read_shelf(self) -> None:
        """Reads the journals of this machine again."""
        if self._journals is None:
            return
        journals, clock = self._journals, self._clock
        uid = self.view.identity.cluster_uid if self.view.identity else None

        def look() -> tuple[Shelf, tuple[Left, ...]]:
            shelf = read_shelf(journals(), clock)
            return shelf, shelf.left_open(uid)

        shelf, left_open = await asyncio.to_thread(look)
        self._set(shelf=shelf, left_open=left_open)

    async def read(self) -> None:
        """Reads the whole cluster again and assesses it."""
        if self.link is None or self._reading:
            return
        self._reading = True
        try:
            if self.view.assessment is None:
                self._set(phase=Phase.READING, trouble="", progress=None)
            if self.session is not None:
                inventory = (await self.session.refresh(self._progress)).inventory
            else:
                inventory = await self.link.reader.inventory(self._progress)
        except Fault as fault:
            self.fail(str(fault))
            return
        finally:
            self._reading = False
        await self.adopt(inventory)
        if not self._following and self.view.assessment is not None:
            self._following = True
            self.spawn(self._follow)

    def _progress(self, progress: Progress) -> None:
        self._set(progress=progress)

    async def adopt(self, inventory: Inventory) -> None:
        """Takes a whole fresh reading over. What the watch told meanwhile is kept where it is newer."""
        changes, self._changes = self._changes, {}
        inventory = changed(inventory, changes)
        part = controllers_of(inventory, self.view.contract)
        self._set(inventory=inventory, controllers=part, read_at=self.now(), trouble="")
        if len(inventory.objects) > MANY:
            # Python's collector would look through all of it again and again, and stop the screen each time.
            gc.freeze()
        await self._assess(hurry=True)

    async def state(self, wish: Wish) -> None:
        """Takes what the operator states of a release, and judges by it. Raises Fault where the journal fails."""
        if self.session is not None:
            self.session.state(wish)
        self._set(wish=wish)
        await self._assess(hurry=True)

    def _take_in(self, key: Key, session: "Session") -> None:
        """Shows what the session saw of one object at last; the watch tells of the rest."""
        known, seen = self.view.inventory, session.assessment
        if known is None or seen is None:
            return
        live, before = seen.inventory.get(key), known.get(key)
        if live is not None:
            self._changes[key] = Change(live)
        elif before is not None:
            self._changes[key] = Change(before, gone=True)
        self._gather()

    async def _assess(self, *, hurry: bool = False) -> None:
        """Judges the newest inventory; in a ``hurry`` at once, else when the last judgement is long enough ago."""
        self._unassessed = True
        if self._assessing:
            return
        self._assessing = True
        loop = asyncio.get_running_loop()
        try:
            while self._unassessed and self.view.inventory is not None:
                if hurry:
                    hurry = False
                elif (rest := self._rested_at - loop.time()) > 0:
                    await asyncio.sleep(rest)
                self._unassessed = False
                began = loop.time()
                inventory, now = self.view.inventory, self.now()
                found = await asyncio.to_thread(self._judge_gently, inventory, now)
                while found.assessment.unsearched and self.link is not None:
                    inventory = await self._searched(self.link.reader, inventory, found.assessment.unsearched)
                    found = await asyncio.to_thread(self._judge_gently, inventory, now)
                self._set(
                    phase=Phase.READY,
                    assessment=found.assessment,
                    # A change that came meanwhile was judged with the change.
                    health=found.health if self.view.inventory is inventory else self.view.health,
                    tally=found.tally,
                    index=found.index,
                    stage=self.view.stage + 1,
                )
                self._rested_at = loop.time() + (loop.time() - began) * BREATH
        finally:
            self._assessing = False

    async def _searched(self, reader: Reader, inventory: Inventory, targets: Iterable[Key]) -> Inventory:
        """The inventory with these objects searched for; what changed meanwhile is searched for in what was known."""
        found = await reader.search(inventory, targets)
        if self.view.inventory is inventory:
            self._set(inventory=found)
        elif self.view.inventory is not None:
            self._set(inventory=replace(self.view.inventory, searched=found.searched))
        return found

    def _judge_gently(self, inventory: Inventory, now: datetime) -> Judgement:
        turn = sys.getswitchinterval()
        sys.setswitchinterval(SLICE)
        try:
            return self._judge(self.view.contract, inventory, now, self.view.wish)
        finally:
            sys.setswitchinterval(turn)

    async def _follow(self) -> None:
        link, inventory = self.link, self.view.inventory
        if link is None or inventory is None:
            return
        kinds = [kind for kind in WATCHED if kind in inventory.served and "watch" in inventory.served[kind].verbs]
        self._set(feed=Feed(frozenset(kinds)))
        if kinds:
            async for event in link.watch(kinds, inventory):
                self.take(event)

    def take(self, event: Event) -> None:
        """Acts on one event of the watch. Objects gather and are drawn together a moment later."""
        match event.what:
            case "added" | "modified" if event.live is not None:
                self._changes[event.live.key] = Change(event.live)
                self._gather()
            case "deleted" if event.live is not None:
                self._changes[event.live.key] = Change(event.live, gone=True)
                self._gather()
            case "synced":
                self._feed(self._synced | {event.kind}, {k: v for k, v in self._lost.items() if k != event.kind})
            case "reconnected":
                self._feed(self._synced, {k: v for k, v in self._lost.items() if k != event.kind})
            case "disconnected":
                due = self.now() + timedelta(seconds=event.retry_in)
                self._feed(self._synced, {**self._lost, event.kind: (due, event.reason)})

    def _feed(self, synced: frozenset[KindKey], lost: dict[KindKey, tuple[datetime, str]]) -> None:
        self._synced, self._lost = synced, lost
        kinds = self.view.feed.kinds
        due, reason = min(lost.values(), default=(None, ""))
        feed = Feed(kinds, live=not lost and kinds <= synced, lost=frozenset(lost), reason=reason, retry_at=due)
        if feed != self.view.feed:
            self._set(feed=feed)

    def _gather(self) -> None:
        if not self._flushing:
            self._flushing = True
            self.spawn(self._flush)

    async def _flush(self) -> None:
        await asyncio.sleep(self._settle)
        self._flushing = False
        inventory, part, changes = self.view.inventory, self.view.controllers, self._changes
        if inventory is None or part is None or not changes or self._reading:
            return
        self._changes = {}
        spaces = {entry.namespace for entry in self.view.contract.health}
        near = {key: change for key, change in changes.items() if key.namespace in spaces}
        self._set(inventory=changed(inventory, changes))
        if near:
            part = changed(part, near)
            self._set(controllers=part, health=self._check(self.view.contract, part, self.now()))
        await self._assess()

    async def close(self) -> None:
        """Ends the session, unless it was left, and closes the link."""
        with suppress(Fault):
            await self.end()
        if self.link is not None:
            link, self.link = self.link, None
            await link.close()
