"""A recovery session of plain values: plans for real, and only writes down what it was asked to do."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from tests.screens.fakes import IDENTITY, FakeLink, frozen
from tests.screens.world import CONTRACT, inventory
from tui.faults import Fault
from tui.objects import Inventory, Json, Ref
from tui.ownership.assess import assess
from tui.ownership.model import Assessment, Wish
from tui.recovery import undo
from tui.recovery.expected import Tried
from tui.recovery.gate import pins_of
from tui.recovery.health import Health, check_health
from tui.recovery.lease import Claim, Standing, State
from tui.recovery.masking import masked, to_yaml
from tui.recovery.mend import reconcile_plan
from tui.recovery.mend_drift import Conflict
from tui.recovery.outcome import Outcome, Status
from tui.recovery.plan import Entry, Plan, PlanKind
from tui.recovery.planner import plan as make_plan
from tui.recovery.ports import Progress
from tui.recovery.question import Question, Trial, by_hand
from tui.recovery.undo import Past

HOLDER = Claim(
    ref=Ref("coordination.k8s.io/v1", "Lease", "flux-system", "refloat-recovery"),
    version="7",
    name="alice@ops [/x]",
    session="20261123T050000Z-0a0b0c0d",
    since="2026-11-23T05:00:00Z",
    renewed="2026-11-23T05:29:50Z",
    written=None,
    duration=60,
    transitions=0,
    context="prod",
    user="alice",
)
TAKEN = Standing(State.TAKEN, "alice@ops [/x] holds the recovery in flux-system: you may look on, not act", HOLDER)
LAPSED = Standing(State.LAPSED, "alice@ops [/x] has been silent for 90 s: type it to take it over", HOLDER)
BARRED = Standing(State.BARRED, "leases in flux-system: forbidden [/x]")


class FakeHold:
    """A claim that stands as it is told to. ``typed`` is what was typed to take it over."""

    def __init__(self, standing: Standing) -> None:
        self.standing = standing
        self.warnings: tuple[str, ...] = ()
        self.typed = ""
        self.stays = ""
        self.asked = 0
        self.becomes: Standing | None = None

    async def refused(self) -> str:
        self.asked += 1
        self.standing = self.becomes or self.standing
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
        self.progress: Callable[[str], None] = lambda _: None
        self.given_up = False
        self.deaf = False
        self.warnings: tuple[str, ...] = ()
        self.asks_for = ""
        self.conflicts: frozenset[Conflict] = frozenset()
        self.refused: dict[str, str] = {}
        self.rehearsed: list[PlanKind] = []
        self.expected: Tried | None = None
        self.taken_up = 0
        self.settled: list[Outcome] = []
        self.undone: list[str] = []

    def state(self, wish: Wish) -> None:
        self.wish = wish

    async def take_up(self, report: Callable[[Progress], None] | None = None) -> tuple[Outcome, ...]:
        self.taken_up += 1
        await self.refresh(report)
        await self.gate.wait()
        self.outcomes += self.settled
        return tuple(self.settled)

    def give_up_waiting(self) -> None:
        self.given_up = True
        if not self.deaf:
            self.gate.set()

    def leave_one_in_doubt(self) -> None:
        """As an earlier process left it: its newest entry without an answer."""
        entry = make_plan(PlanKind.CLEANUP, CONTRACT, assess(CONTRACT, self._known(), today=frozen().date())).entries[0]
        self.outcomes.append(Outcome(entry, Status.IN_DOUBT, "the outcome is not known"))

    async def rehearse(self, plan: Plan, report: Callable[[int, int], None] | None = None) -> Mapping[str, Trial]:
        self.rehearsed.append(plan.kind)
        if report is not None:
            report(0, len(plan.all))
        return {
            entry.id: Trial(ok=entry.ref.label not in self.refused, text=self.refused.get(entry.ref.label, "accepted"))
            for entry in plan.all
        }

    async def try_expected(self) -> Tried | None:
        return self.expected

    async def plan_reconcile(self, refs: Iterable[Ref]) -> Plan:
        return reconcile_plan(CONTRACT, self.assessment or await self.refresh(), refs, frozen())

    async def plan_undo(self, past: Past) -> Plan:
        self.undone.append(past.name)
        return undo.plan(CONTRACT, pins_of(CONTRACT, self.assessment or await self.refresh()), past)

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
        plan = make_plan(kind, CONTRACT, self.assessment or await self.refresh(), release, frozen())
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
            typed=self.asks_for or entry.typed,
            conflicts=self.conflicts,
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
