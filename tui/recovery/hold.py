"""A session's claim to be the only one that acts: a Lease in the namespace of every release family, all or none.

:class:`LeaseHold` implements :class:`tui.recovery.ports.Hold`. Whoever composes the program calls :meth:`claim` once;
from then on the Leases are renewed, or another's are watched, until :meth:`release`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, Final

from tui.faults import Exit, Fault
from tui.recovery.chain import JournalFault
from tui.recovery.lease import DURATION, Me, Standing, State, worst
from tui.recovery.lease_seat import Means, Seat
from tui.recovery.ports import Hold

INTERVAL: Final = DURATION / 3
"""Seconds between two renewals: one may fail, and be tried again many times, before the claim does."""

RETRY: Final = 5.0
"""Seconds between two rounds while the claim does not stand, or could not be renewed."""


class LeaseTaken(Fault):
    """The recovery is held by somebody else, or cannot be held; ``standing`` says whose it is."""

    exit_code = Exit.BLOCKED

    def __init__(self, standing: Standing, hint: str) -> None:
        super().__init__(f"{standing.text}{hint}")
        self.standing = standing


class LeaseHold:
    """Holds the Leases of one session in ``namespaces``, in the order that all sessions take them.

    ``note`` is the journal's ``append``: entries of the kind ``lease`` tell when the claim was ``held``, ``lost``,
    ``taken-over``, ``waived`` and ``released``. ``pause`` waits between two rounds; tests hand in one that never ends.
    """

    def __init__(
        self,
        namespaces: Sequence[str],
        me: Me,
        means: Means,
        note: Callable[..., object],
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._seats = tuple(Seat(namespace, me, means) for namespace in namespaces)
        self._me = me
        self._note = note
        self._pause = pause
        self._lock = asyncio.Lock()
        self._keeper: asyncio.Task[None] | None = None
        self._standing = Standing(State.BARRED, "the Leases of this recovery were not looked at yet")
        self.warnings: tuple[str, ...] = ()

    @property
    def standing(self) -> Standing:
        """How the session stands, as of the last round. Reads nothing."""
        return self._standing

    async def claim(self) -> Standing:
        """Takes the Leases where they are free, and keeps them from now on. Raises no Fault."""
        standing = await self.look()
        if self._keeper is None:
            self._keeper = asyncio.create_task(self._keep(), name="lease")
        return standing

    async def _keep(self) -> None:
        while True:
            fine = self._standing.may_act and not any(seat.trouble for seat in self._seats)
            await self._pause(INTERVAL if fine else RETRY)
            await self.look()

    async def look(self) -> Standing:
        """One round: renews what is held, and takes what has become free. Raises no Fault."""
        async with self._lock:
            await self._round()
            return self._standing

    async def refused(self) -> str:
        """Why no change may be made now; empty while the claim stands. Asks the cluster itself, each time."""
        standing = await self.look()
        if standing.may_act:
            return ""
        return standing.text + (_ACCEPT if standing.state is State.BARRED else "")

    async def take_over(self, typed: str) -> str:
        """Takes the lapsed Leases of the holder whose name was typed; returns why not, or the empty string.

        A holder that has renewed in the meantime keeps them. Raises no Fault.
        """
        async with self._lock:
            await self._round()
            standing = self._standing
            if standing.state is not State.LAPSED:
                return "" if standing.may_act else standing.text
            if typed.strip() != standing.typed:
                return f"nothing was taken over: the holder is {standing.typed}, and that was not typed"
            silent = [each for each in self._seats if each.standing and each.standing.typed == standing.typed]
            for seat in silent:
                await seat.take()
            if any(seat.mine for seat in silent):
                await self._write("taken-over", standing.text, of=standing.typed)
            await self._round()
            return "" if self._standing.may_act else self._standing.text

    async def accept(self) -> Standing:
        """Goes on without the Leases that cannot be held, as the operator accepts; one that is another's stays so."""
        async with self._lock:
            await self._round()
            told = tuple(s.standing.text for s in self._seats if s.standing and s.standing.state is State.BARRED)
            if self._standing.state is State.BARRED and told:
                for seat in self._seats:
                    seat.waive()
                self.warnings += told
                await self._write("waived", "; ".join(told))
                await self._round()
            return self._standing

    async def release(self, *, keep: bool = False) -> None:
        """Gives the Leases up and ends their renewal; with ``keep`` they lapse by themselves. Raises nothing."""
        keeper, self._keeper = self._keeper, None
        if keeper is not None:
            keeper.cancel()
            await asyncio.gather(keeper, return_exceptions=True)
        async with self._lock:
            held = any(seat.mine for seat in self._seats)
            if held and not keep:
                for seat in self._seats:
                    await seat.let_go()
                await self._write("released", "the session gave its claim up")

    async def _round(self) -> None:
        before = self._standing
        seats = [seat for seat in self._seats if not seat.waived]
        for seat in seats:
            await (seat.renew() if seat.mine else seat.look())
        if not any(seat.anothers for seat in seats):
            for seat in seats:
                if seat.free:
                    await seat.take()
        if any(seat.anothers for seat in seats):
            for seat in seats:
                await seat.let_go()
        self._standing = self._sum_up()
        if self._standing.may_act != before.may_act:
            await self._write("held" if self._standing.may_act else "lost", self._standing.text)

    def _sum_up(self) -> Standing:
        found = [seat.standing for seat in self._seats if seat.standing is not None]
        moving = ", ".join(seat.namespace for seat in self._seats if seat.standing is None)
        if moving:
            found.append(Standing(State.BARRED, f"the Lease in {moving} changed hands just now; try again"))
        standing = worst(found)
        if standing.state is not State.HELD:
            return standing
        spaces = ", ".join(seat.namespace for seat in self._seats)
        trouble = "".join(f"; {seat.trouble}" for seat in self._seats if seat.trouble)
        return Standing(State.HELD, f"this session holds the recovery in {spaces}{trouble}")

    async def _write(self, event: str, why: str, **more: Any) -> None:
        """A line in the journal. Where it takes no more lines, no change is made either: the session sees to that."""
        where = [seat.namespace for seat in self._seats]
        with suppress(JournalFault):
            note, me = self._note, self._me.identity
            await asyncio.to_thread(lambda: note("lease", event=event, holder=me, namespaces=where, why=why, **more))


_ACCEPT: Final = "; accept that to go on without it"


async def insist(hold: Hold, *, take_over: str = "", without: bool = False) -> None:
    """For commands that cannot ask: the claim stands afterwards, or LeaseTaken says who has it and what to give.

    ``take_over`` is the name of a lapsed holder as the operator typed it, ``without`` accepts what bars the claim.
    """
    standing = hold.standing
    if standing.state is State.LAPSED and take_over:
        if why := await hold.take_over(take_over):
            raise LeaseTaken(hold.standing, "" if why == hold.standing.text else f" ({why})")
        return
    if standing.state is State.BARRED and without:
        standing = await hold.accept()
    if not standing.may_act:
        raise LeaseTaken(standing, _HINTS.get(standing.state, ""))


_HINTS: Final = {
    State.LAPSED: ", by --take-over with that name",
    State.BARRED: "; --without-lease goes on all the same",
}
