"""The work of a recovery, off the key path: every coroutine asks the session or the cluster and posts what came of it.

It owns no widget. Each piece of work that takes the one place for work ends with :class:`WorkOver`, whatever happens.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from textual.message import Message

from screens.access import lacking, needed
from screens.desk import Desk
from screens.link import DrillCheck
from tui.faults import Fault
from tui.ownership.model import Wish
from tui.recovery.outcome import Outcome
from tui.recovery.plan import Entry, Plan, PlanKind
from tui.recovery.planner import plan as make_plan
from tui.recovery.question import Question


@dataclass
class Planned(Message):
    """The plan that was asked for, with the number of the request."""

    number: int
    plan: Plan


@dataclass
class Asked(Message):
    """A fresh look at one entry, ready to be put to the operator."""

    plan: Plan
    question: Question


@dataclass
class Ended(Message):
    """An entry was carried out, skipped, or could not be carried out."""

    outcome: Outcome


@dataclass
class WorkOver(Message):
    """A piece of work is over; ``trouble`` is one sentence where it failed."""

    trouble: str = ""


@dataclass
class RightsTold(Message):
    """The rights that the plans need and the operator lacks."""

    lacking: tuple[str, ...]


@dataclass
class DrillTold(Message):
    """How the drill stands."""

    check: DrillCheck


class Walk:
    """``tell`` takes every message."""

    def __init__(self, desk: Desk, tell: Callable[[Message], object]) -> None:
        self._desk = desk
        self._tell = tell

    async def begin(self) -> None:
        """Begins a session."""
        trouble = ""
        try:
            await self._desk.begin()
        except Fault as fault:
            trouble = str(fault)
        finally:
            self._tell(WorkOver(trouble))

    async def end(self) -> None:
        """Ends the session."""
        trouble = ""
        try:
            await self._desk.end()
        except Fault as fault:
            trouble = str(fault)
        finally:
            self._tell(WorkOver(trouble))

    async def plan(self, number: int, kind: PlanKind, release: str = "") -> None:
        """Draws up a plan: the session's, or without one a preview. ``release`` is the one to retire."""
        view, session = self._desk.view, self._desk.session
        try:
            if session is not None:
                self._tell(Planned(number, await session.plan(kind, release)))
            elif view.assessment is not None:
                plan = await asyncio.to_thread(make_plan, kind, view.contract, view.assessment, release)
                self._tell(Planned(number, plan))
        except Fault as fault:
            self._tell(WorkOver(str(fault)))

    async def state(self, wish: Wish) -> None:
        """Judges anew by what the operator states of a release."""
        trouble = ""
        try:
            await self._desk.state(wish)
        except Fault as fault:
            trouble = str(fault)
        finally:
            self._tell(WorkOver(trouble))

    async def look(self, plan: Plan, entry: Entry) -> None:
        """Looks at one entry afresh, and tries it by dry run."""
        session, trouble = self._desk.session, ""
        try:
            if session is not None:
                self._tell(Asked(plan, await session.look(plan, entry)))
        except Fault as fault:
            trouble = f"{entry.ref.label}: {fault}"
        finally:
            self._tell(WorkOver(trouble))

    async def carry_out(self, plan: Plan, question: Question) -> None:
        """Does what was confirmed."""
        trouble = ""
        try:
            self._tell(Ended(await self._desk.carry_out(plan, question)))
        except Fault as fault:
            trouble = str(fault)
        finally:
            self._tell(WorkOver(trouble))

    def skip(self, question: Question) -> None:
        """Leaves one entry out."""
        session = self._desk.session
        if session is None:
            return
        try:
            self._tell(Ended(session.skip(question.entry)))
        except Fault as fault:
            self._tell(WorkOver(str(fault)))

    async def check(self) -> None:
        """Reads everything afresh and judges it."""
        session, trouble = self._desk.session, ""
        try:
            if session is None:
                await self._desk.read()
            else:
                await session.verify()
                if session.assessment is not None:
                    await self._desk.adopt(session.assessment.inventory)
        except Fault as fault:
            trouble = str(fault)
        finally:
            self._tell(WorkOver(trouble))

    async def rights(self) -> None:
        """Asks for every right that the plans need, all at once."""
        view, link = self._desk.view, self._desk.link
        if view.assessment is None or link is None:
            return
        plans = [make_plan(kind, view.contract, view.assessment) for kind in (PlanKind.CLEANUP, PlanKind.REPLAY)]
        questions = needed(plans, view.assessment.inventory)
        try:
            answers = await link.reader.allowed(questions) if questions else ()
        except Fault:
            answers = [None] * len(questions)
        self._tell(RightsTold(lacking(questions, answers)))

    async def drill(self) -> None:
        """Looks at how the drill stands."""
        drill = self._desk.view.drill
        if drill is not None:
            self._tell(DrillTold(await drill.check()))
