"""A recovery session of plain values: plans for real, and only writes down what it was asked to do."""

import asyncio
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from tests.screens.fakes import IDENTITY, FakeLink, frozen
from tests.screens.world import CONTRACT, inventory
from tui.faults import Fault
from tui.objects import Inventory, Json, Ref
from tui.ownership.assess import assess
from tui.ownership.model import Assessment, Wish
from tui.recovery.health import Health, check_health
from tui.recovery.lease import Standing, State
from tui.recovery.masking import masked, to_yaml
from tui.recovery.outcome import Outcome, Status
from tui.recovery.plan import Entry, Plan, PlanKind
from tui.recovery.planner import plan as make_plan
from tui.recovery.ports import Progress
from tui.recovery.question import Question, by_hand


class FakeHold:
    """A claim that stands as it is told to. ``typed`` is what was typed to take it over."""

    def __init__(self, standing: Standing) -> None:
        self.standing = standing
        self.warnings: tuple[str, ...] = ()
        self.typed = ""
        self.stays = ""
        self.asked = 0

    async def refused(self) -> str:
        self.asked += 1
        return "" if self.standing.may_act else self.standing.text

    async def take_over(self, typed: str) -> str:
        self.typed = typed
        if not self.stays:
            self.standing = Standing(State.HELD, "this session holds the recovery in flux-system")
        return self.stays

    async def accept(self) -> Standing:
        self.warnings = (self.standing.text,)
        self.standing = Standing(State.WAIVED, self.standing.text)
        return self.standing

    async def release(self, *, keep: bool = False) -> None:
        pass


class FakeSession:
    """Looks like ``tui.recovery.session.Session``; ``gate`` holds a change back, ``ends`` is how changes end."""

    def __init__(self, bodies: Iterable[Json]) -> None:
        self.contract = CONTRACT
        self.identity = IDENTITY
        self.bodies = {Ref.of(one).key: one for one in bodies}
        self.outcomes: list[Outcome] = []
        self.before: Assessment | None = None
        self.assessment: Assessment | None = None
        self.health: Health | None = None
        self.done: list[str] = []
        self.typed: list[str] = []
        self.verified = 0
        self.wish = Wish()
        self.closed = False
        self.left = False
        self.resumed: Path | None = None
        self.hold: FakeHold | None = None
        self.refusal = ""
        self.ends = Status.DONE
        self.fault: Fault | None = None
        self.look_fault: Fault | None = None
        self.gate = asyncio.Event()
        self.gate.set()

    def state(self, wish: Wish) -> None:
        self.wish = wish

    async def take_up(self, report: Callable[[Progress], None] | None = None) -> tuple[Outcome, ...]:
        await self.refresh(report)
        return ()

    def leave(self) -> None:
        self.left = True

    def _known(self) -> Inventory:
        return inventory(self.bodies.values())

    async def refresh(self, report: Callable[[Progress], None] | None = None) -> Assessment:
        if self.fault is not None:
            raise self.fault
        self.assessment = assess(CONTRACT, self._known(), today=frozen().date())
        self.before = self.before or self.assessment
        return self.assessment

    async def plan(self, kind: PlanKind, release: str = "") -> Plan:
        plan = make_plan(kind, CONTRACT, self.assessment or await self.refresh(), release)
        skipped = {one.entry.id for one in self.outcomes if one.status is Status.SKIPPED}
        return plan.without([entry.ref.key for entry in plan.entries if entry.id in skipped])

    async def look(self, plan: Plan, entry: Entry) -> Question:
        if self.look_fault is not None:
            raise self.look_fault
        body = self.bodies.get(entry.ref.key)
        return Question(
            entry=entry,
            allowed=not self.refusal,
            refusal=self.refusal,
            live_yaml=to_yaml(masked(body or {})),
            diff=("--- live", "+++ result", "-gone"),
            dry_run="the server would accept it",
            evidence=("pulumi: annotation",),
            kubectl=by_hand(entry, body),
        )

    async def carry_out(self, plan: Plan, asked: Question, typed: str = "") -> Outcome:
        await self.gate.wait()
        if self.ends is Status.DONE:
            self.done.append(asked.entry.ref.label)
            self.typed += [typed] if typed else []
            self.bodies.pop(asked.entry.ref.key, None)
            await self.refresh()
        outcome = Outcome(asked.entry, self.ends, "it ended so")
        self.outcomes.append(outcome)
        return outcome

    def skip(self, entry: Entry) -> Outcome:
        outcome = Outcome(entry, Status.SKIPPED, "skipped by the operator")
        self.outcomes.append(outcome)
        return outcome

    async def verify(self) -> Health:
        self.verified += 1
        assessment = await self.refresh()
        self.health = check_health(CONTRACT, assessment.inventory, frozen())
        return self.health

    async def close(self) -> None:
        self.closed = True


def session_link(bodies: Iterable[Json]) -> tuple[FakeLink, FakeSession]:
    """A link whose sessions are this one."""
    bodies = list(bodies)
    link, session = FakeLink(bodies), FakeSession(bodies)

    async def begin(resumed: Path | None) -> Any:
        session.resumed = resumed
        return session

    link.session = begin
    return link, session
