"""The last look at a confirmed entry: everything read afresh, and its first request brought through the gate."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from tui.contract.model import Contract
from tui.faults import Fault
from tui.ownership.model import FamilyView
from tui.recovery import requests
from tui.recovery.gate import Admitted, Look, Refusal, admit, judge
from tui.recovery.plan import Entry, Plan
from tui.recovery.question import Question
from tui.recovery.requests import Manner
from tui.recovery.steps import Writer
from tui.recovery.trial import conflicts_now
from tui.recovery.waits import BUSY_SECONDS, WAIT_SECONDS, Waiter


class Ready(NamedTuple):
    """What is to be done at once: the look it was admitted on, and the request."""

    look: Look
    admitted: Admitted


def view_of(entry: Entry, look: Look) -> FamilyView | None:
    """The release family that an entry belongs to; None of one that belongs to none. Raises Fault if it is unknown."""
    if not entry.family:
        return None
    view = look.assessment.family(entry.family)
    if view is None:
        raise Fault(f"the contract no longer knows the release family {entry.family}")
    return view


class LastLook:
    """``look`` reads everything about an entry afresh, ``tell`` is told what is being waited for."""

    def __init__(
        self,
        contract: Contract,
        writer: Writer,
        look: Callable[[Entry], Awaitable[Look]],
        clock: Callable[[], datetime],
        tell: Callable[[str], None],
    ) -> None:
        self._contract = contract
        self._writer = writer
        self._look = look
        self._clock = clock
        self._tell = tell

    async def ready(self, plan: Plan, asked: Question, waiter: Waiter) -> Ready | str:
        """The look that a confirmed entry was admitted on, with its first request; or why it is refused.

        An owner at work is waited for, up to a deadline, each time with a look at everything. Raises no Fault.
        """
        entry = asked.entry
        try:
            look = await self._look(entry)
            refusal, waited = judge(self._contract, entry, plan.pins, look, asked.seen), 0.0
            while refusal is not None and refusal.busy and waited < WAIT_SECONDS:
                self._tell(f"waiting: {refusal.why}: {waited:.0f} of {WAIT_SECONDS:.0f} s")
                if not await waiter.rest(BUSY_SECONDS):
                    break
                waited += BUSY_SECONDS
                look = await self._look(entry)
                refusal = judge(self._contract, entry, plan.pins, look, asked.seen)
            if refusal is not None:
                return refusal.why
            look = await self._conflicts(plan, asked, look)
            view = view_of(entry, look)
        except Fault as fault:
            return f"it could not be read again: {fault}"
        manner = Manner(force=bool(look.conflicts), token=self._clock().isoformat())
        request = requests.first(entry, look.body, view, look.assessment.inventory, manner)
        admitted = admit(self._contract, entry, plan.pins, look, asked.seen, request, asked.conflicts)
        return admitted.why if isinstance(admitted, Refusal) else Ready(look, admitted)

    async def _conflicts(self, plan: Plan, asked: Question, look: Look) -> Look:
        """The look, with those who hold what a confirmed repair takes by force: on the very object it goes to."""
        if not asked.conflicts:
            return look
        entry = asked.entry
        found = await conflicts_now(self._contract, plan.pins, entry, look, view_of(entry, look), self._writer)
        return replace(look, conflicts=found)
