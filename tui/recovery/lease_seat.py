"""One Lease in one namespace: looked at, taken, renewed and given up, each request through the gate and once."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from tui.faults import ApiFault, Fault, OutcomeUnknown
from tui.objects import Json, Ref
from tui.recovery import lease
from tui.recovery.gate import Refusal, admit_lease
from tui.recovery.lease import DURATION, MANAGER, Claim, Me, Sighting, Standing, State, ref_in, sighted, taken
from tui.recovery.ports import Method, Request
from tui.recovery.steps import Writer


class Dated(Protocol):
    """Reads one object, and with it the server's clock."""

    async def dated(self, ref: Ref) -> tuple[Json | None, datetime | None]:
        """The object or None for 404, and when the server answered by its own clock. Raises Fault."""
        ...


@dataclass(frozen=True, slots=True)
class Means:
    """What a seat works with. ``clock`` is the wall clock, ``ticks`` a monotonic one in seconds."""

    reader: Dated
    writer: Writer
    clock: Callable[[], datetime]
    ticks: Callable[[], float]


class Seat:
    """The Lease of one namespace. ``standing`` is None while nobody holds it; no method raises a Fault.

    ``trouble`` is why the last renewal of a Lease that still holds failed, else empty.
    """

    def __init__(self, namespace: str, me: Me, means: Means) -> None:
        self.namespace = namespace
        self.standing: Standing | None = None
        self.mine = False
        self.trouble = ""
        self._me = me
        self._means = means
        self._claim: Claim | None = None
        self._sighting: Sighting | None = None
        self._kept: tuple[float, datetime] = (means.ticks(), means.clock())
        self._changed = False

    @property
    def waived(self) -> bool:
        """Whether the operator accepted that this Lease is not held."""
        return self.standing is not None and self.standing.state is State.WAIVED

    @property
    def anothers(self) -> bool:
        """Whether it is another session's, alive or silent."""
        return self.standing is not None and self.standing.state in (State.TAKEN, State.LAPSED)

    @property
    def free(self) -> bool:
        """Whether it may be taken: nobody holds it, or this journal's own session did before it was taken up again."""
        return not self.mine and self.standing is None

    async def look(self) -> None:
        """Reads the Lease and sees whose it is."""
        try:
            body, date = await self._means.reader.dated(ref_in(self.namespace))
        except Fault as fault:
            # Whose it was when last seen is not forgotten for a failed look: only what is not another's may be waived.
            if not self.anothers:
                self._fail("could not be read", fault)
            return
        self._claim = Claim.of(body) if body is not None else None
        self.standing = None
        if self._claim is None or not self._claim.name or self._claim.of_session(self._me):
            self._sighting = None
            return
        self.mine, self.trouble = False, ""
        ticks = self._means.ticks()
        self._sighting = sighted(self._sighting, self._claim, ticks, date)
        silent = max(ticks - self._sighting.at, self._sighting.age or 0.0)
        self.standing = taken(self._claim, lapsed=self._sighting.lapsed(self._claim, ticks), silent=silent)

    async def take(self) -> None:
        """Takes the Lease as it was last looked at; whoever changed it since has won."""
        now = self._means.clock()
        if self._claim is None:
            await self._hold(Method.CREATE, lease.first_body(self._me, self.namespace, now))
        else:
            await self._hold(Method.MERGE_PATCH, lease.acquiring(self._me, self._claim, now))

    async def renew(self) -> None:
        """Renews a Lease that is held. A failure is not the end: it holds until it was not renewed for its duration."""
        for _ in range(2):
            claim = self._claim
            if claim is None:
                return
            await self._hold(Method.MERGE_PATCH, lease.renewing(claim, self._means.clock()))
            if not self._changed or self._claim is None or not self._claim.of_session(self._me):
                break
        # Found to be nobody's: deleted meanwhile, or twice changed under our hands. The round takes it anew.
        self.mine = self.mine and self.standing is not None

    async def _hold(self, method: Method, body: Json) -> None:
        # Counted from before the request: whoever looks on cannot see a renewal earlier than that.
        began = (self._means.ticks(), self._means.clock())
        self._changed = False
        try:
            self._claim = await self._send(method, body)
        except ApiFault as fault:
            if fault.code in (404, 409) and not _homeless(fault):
                # Written, made or deleted by somebody since it was read, or by a request whose answer was lost.
                self._changed = True
                await self.look()
            else:
                self._fail("could not be renewed" if self.mine else "could not be taken", fault)
        except Fault as fault:
            self._fail("could not be renewed" if self.mine else "could not be taken", fault)
        else:
            self.mine, self._kept, self._sighting, self.trouble = True, began, None, ""
            self.standing = Standing(State.HELD, f"this session holds the recovery in {self.namespace}")

    def _fail(self, what: str, fault: Fault) -> None:
        text = f"the Lease in {self.namespace} {what}: {fault}"
        if self.mine and self._unrenewed() < DURATION:
            self.trouble = text
            self.standing = Standing(State.HELD, f"this session holds the recovery in {self.namespace}")
            return
        self.trouble = ""
        self.standing = Standing(State.BARRED, f"{text}; without it another operator may act at the same time")

    def _unrenewed(self) -> float:
        """Seconds since the last renewal: the longer of two clocks, for one stands still while a machine sleeps."""
        ticks, moment = self._kept
        return max(self._means.ticks() - ticks, (self._means.clock() - moment).total_seconds())

    def waive(self) -> None:
        """Goes on without this Lease: the operator accepted what bars it."""
        if self.standing is not None and self.standing.state is State.BARRED:
            self.mine, self.trouble = False, ""
            self.standing = Standing(State.WAIVED, f"accepted: {self.standing.text}")

    async def let_go(self) -> None:
        """Gives the Lease up. A failure costs nothing: it lapses by itself."""
        if not self.mine:
            return
        with suppress(Fault):
            try:
                await self._release()
            except ApiFault as fault:
                if fault.code != 409:
                    raise
                await self.look()
                if self._claim is not None and self._claim.of_session(self._me):
                    await self._release()
        self.mine, self.standing, self.trouble = False, None, ""

    async def _release(self) -> None:
        if self._claim is not None:
            self._claim = await self._send(Method.MERGE_PATCH, lease.releasing(self._claim, self._means.clock()))

    async def _send(self, method: Method, body: Json) -> Claim:
        admitted = admit_lease(Request(method, ref_in(self.namespace), body, MANAGER))
        if isinstance(admitted, Refusal):
            raise Fault(admitted.why)
        claim = Claim.of((await self._means.writer.send(admitted)).body)
        if not claim.version:
            raise OutcomeUnknown(f"the answer about the Lease in {self.namespace} was no Lease")
        return claim


def _homeless(fault: ApiFault) -> bool:
    """Whether it is the namespace, not the Lease, that was not found."""
    return fault.code == 404 and f'"{lease.NAME}"' not in fault.message
