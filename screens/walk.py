"""The work of a recovery, off the key path: every coroutine asks the session or the cluster and posts what came of it.

It owns no widget. Each piece of work that takes the one place for work ends with :class:`WorkOver`, whatever happens.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from textual.message import Message

from screens.course import Task
from screens.desk import Desk
from screens.link import DrillCheck
from screens.shelf import read_past
from tui.faults import Fault
from tui.objects import Ref
from tui.ownership.model import Wish
from tui.recovery import expected, undo
from tui.recovery.access import Rights, ask
from tui.recovery.gate import pins_of
from tui.recovery.outcome import Outcome
from tui.recovery.plan import Entry, Plan, PlanKind
from tui.recovery.planner import plan as make_plan
from tui.recovery.ports import Hold
from tui.recovery.question import Question, Trial


@dataclass
class Planned(Message):
    """The plan that was asked for, with the number of the request."""

    number: int
    plan: Plan


@dataclass
class Tried(Message):
    """How many entries of the plan of this number are tried by dry run, and in the end the answers by their ids.

    ``foretold`` is what the server says to the manifest of an expected release, a line each.
    """

    number: int
    trials: Mapping[str, Trial]
    done: int
    of: int
    foretold: tuple[str, ...] = ()


@dataclass
class Asked(Message):
    """A fresh look at one entry, ready to be put to the operator."""

    plan: Plan
    question: Question


@dataclass
class Begun(Message):
    """A session is there, or who may act was looked at again."""


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
    """The rights that the plans need, and what the server says to each."""

    rights: Rights


@dataclass
class DrillTold(Message):
    """How the drill stands."""

    check: DrillCheck


class Walk:
    """``tell`` takes every message."""

    def __init__(self, desk: Desk, tell: Callable[[Message], object]) -> None:
        self._desk = desk
        self._tell = tell
        self._rights = Rights({})

    async def _to_the_end(self, work: Coroutine[Any, Any, object], about: str = "") -> None:
        """Awaits a piece of work and frees the place for work, whatever happens."""
        trouble = ""
        try:
            await work
        except Fault as fault:
            trouble = f"{about}{fault}"
        finally:
            self._tell(WorkOver(trouble))

    async def begin(self, resumed: Path | None = None) -> None:
        """Begins a session, or goes on with one that was left open; tells how what was in doubt ended."""

        async def begin() -> None:
            await self._desk.begin(resumed)
            self._tell(Begun())

        await self._to_the_end(begin())

    async def end(self) -> None:
        """Ends the session."""
        await self._to_the_end(self._desk.end())

    async def take_over(self, typed: str) -> None:
        """Takes a lapsed claim over from the holder whose name was typed."""

        async def take_over() -> None:
            hold = self._hold()
            why = await hold.take_over(typed) if hold is not None else ""
            if why:
                raise Fault(why)
            await self._desk.settle()

        await self._to_the_end(take_over())

    async def accept(self) -> None:
        """Goes on without a claim that cannot be made."""

        async def accept() -> None:
            hold = self._hold()
            if hold is not None:
                await hold.accept()
                await self._desk.settle()

        await self._to_the_end(accept())

    async def ask_again(self) -> None:
        """Looks again at who may act."""

        async def ask_again() -> None:
            hold = self._hold()
            if hold is not None:
                await hold.refused()
                self._tell(Begun())

        await self._to_the_end(ask_again())

    def _hold(self) -> Hold | None:
        session = self._desk.session
        return session.hold if session is not None else None

    async def plan(self, number: int, task: Task) -> None:
        """Draws up a plan of what this operator may do: the session's, or without one a preview."""
        inventory = self._desk.view.inventory
        try:
            plan = await self._plan(task)
        except Fault as fault:
            self._tell(WorkOver(str(fault)))
            return
        if plan is not None and inventory is not None:
            self._tell(Planned(number, self._rights.within(plan, inventory)))

    async def _plan(self, task: Task) -> Plan | None:
        view, session = self._desk.view, self._desk.session
        if task.kind is PlanKind.UNDO:
            past = await asyncio.to_thread(read_past, view.shelf.named(task.of))
            if session is not None:
                return await session.plan_undo(past)
            return undo.plan(view.contract, pins_of(view.contract, view.assessment), past) if view.assessment else None
        if session is not None:
            return await session.plan(task.kind, task.of)
        if view.assessment is None:
            return None
        return await asyncio.to_thread(make_plan, task.kind, view.contract, view.assessment, task.of, self._desk.now())

    async def rehearse(self, number: int, plan: Plan) -> None:
        """Tries every entry of a plan by dry run; tells how far that is, and at last the answers."""
        session = self._desk.session
        if session is None:
            return

        def tried(done: int, of: int) -> None:
            self._tell(Tried(number, {}, done, of))

        try:
            trials = await session.rehearse(plan, tried)
            foretold = expected.told(await session.try_expected()) if plan.kind is PlanKind.CLEANUP else ()
        except Fault as fault:
            self._tell(WorkOver(f"the plan could not be tried by dry run: {fault}"))
        else:
            self._tell(Tried(number, trials, len(trials), len(trials), foretold))

    async def state(self, wish: Wish) -> None:
        """Judges anew by what the operator states of a release."""
        await self._to_the_end(self._desk.state(wish))

    async def look(self, plan: Plan, entry: Entry) -> None:
        """Looks at one entry afresh, and tries it by dry run."""

        async def look() -> None:
            session = self._desk.session
            if session is not None:
                self._tell(Asked(plan, await session.look(plan, entry)))

        await self._to_the_end(look(), f"{entry.ref.label}: ")

    async def reconcile(self, ref: Ref) -> None:
        """Looks at a Flux object that is to be asked to reconcile now."""

        async def look() -> None:
            session = self._desk.session
            if session is None:
                return
            plan = await session.plan_reconcile([ref])
            if not plan.entries:
                raise Fault(next((why for _, why in plan.left_out), "it cannot be asked to reconcile"))
            self._tell(Asked(plan, await session.look(plan, plan.entries[0])))

        await self._to_the_end(look(), f"{ref.label}: ")

    async def carry_out(self, plan: Plan, question: Question) -> None:
        """Does what was confirmed."""

        async def carry_out() -> None:
            self._tell(Ended(await self._desk.carry_out(plan, question)))

        await self._to_the_end(carry_out())

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

        async def check() -> None:
            session = self._desk.session
            if session is None:
                await self._desk.read()
                return
            await self._desk.settle()
            await session.verify()
            if session.assessment is not None:
                await self._desk.adopt(session.assessment.inventory)

        await self._to_the_end(check())

    async def rights(self) -> None:
        """Asks for every right that the plans need, all at once."""
        view, link = self._desk.view, self._desk.link
        if view.assessment is None or link is None:
            return
        inventory = view.assessment.inventory
        kinds = (PlanKind.MEND, PlanKind.CLEANUP, PlanKind.REPLAY)
        plans = [make_plan(kind, view.contract, view.assessment) for kind in kinds]
        self._rights = await ask(link.reader, view.contract, plans, inventory)
        self._tell(RightsTold(self._rights))

    async def drill(self) -> None:
        """Looks at how the drill stands."""
        drill = self._desk.view.drill
        if drill is not None:
            self._tell(DrillTold(await drill.check()))
