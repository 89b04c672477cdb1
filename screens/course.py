"""Where a recovery stands on its screen: the step, its plan, and what was asked for beside it. Knows no widget."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from screens.recovery_rows import Step
from tui.ownership.model import Finding
from tui.recovery.outcome import Outcome
from tui.recovery.plan import Entry, Plan, PlanKind
from tui.recovery.question import Trial

if TYPE_CHECKING:
    from tui.recovery.session import Session

PLANS: Final = {Step.PREFLIGHT: PlanKind.MEND, Step.CLEANUP: PlanKind.CLEANUP, Step.REPLAY: PlanKind.REPLAY}
"""The plan of each step that has one."""


@dataclass(frozen=True, slots=True)
class Task:
    """What a plan is drawn up for; ``of`` names the release to retire, or the session to undo."""

    kind: PlanKind
    of: str = ""


@dataclass(slots=True)
class Course:
    """``aside`` is a task that takes the place of the step's own; ``planned_in`` is the session the plan was made in.

    ``number`` tells a late plan from the one that is waited for. ``last`` is how the last entry of this step ended.
    ``places`` is where the cursor was in each step. ``trials`` are dry runs by the entries' ids, ``tried`` says
    of which task and session they are, ``progress`` how far they are while they run,
    ``rehearsed`` the number of the plan that they try, ``foretold`` what the server says to an expected release.
    """

    step: Step = Step.PREFLIGHT
    aside: Task | None = None
    plan: Plan | None = None
    planned_in: "Session | None" = None
    number: int = 0
    last: Outcome | None = None
    places: dict[Step, Hashable | None] = field(default_factory=dict)

    trials: dict[str, Trial] = field(default_factory=dict)
    progress: str = ""
    rehearsed: int = -1
    tried: "tuple[Task, Session] | None" = None
    foretold: tuple[str, ...] = ()

    @property
    def task(self) -> Task | None:
        """What a plan is to be drawn up for now."""
        kind = PLANS.get(self.step)
        return self.aside or (Task(kind) if kind else None)

    @property
    def entries(self) -> tuple[Entry, ...]:
        """Every entry that may be asked about."""
        return self.plan.all if self.plan else ()

    def enter(self, step: Step, cursor: Hashable | None) -> None:
        """Goes to a step; ``cursor`` is where the one that is left had it."""
        self.places[self.step] = cursor
        self.step, self.aside, self.plan, self.last = step, None, None, None
        self.tried, self.trials, self.progress, self.rehearsed, self.foretold = None, {}, "", -1, ()

    def turn_to(self, task: Task | None) -> None:
        """Takes up a task beside the step's own, or goes back to that."""
        self.aside, self.plan = task, None

    def takes(self, number: int, plan: Plan, session: "Session | None") -> bool:
        """Takes the plan that is waited for; False for a late one."""
        if number != self.number:
            return False
        self.plan, self.planned_in = plan, session
        return True

    def untried(self, *, manifest: bool = False) -> Plan | None:
        """The plan, where it is a session's and was not tried in it since its task was taken up; else None.

        One without entries is tried where a ``manifest`` was stated: that one is tried beside it.
        """
        if self.task is None or self.plan is None or self.planned_in is None or not (self.plan.all or manifest):
            return None
        if self.tried == (self.task, self.planned_in):
            return None
        self.tried, self.trials, self.rehearsed = (self.task, self.planned_in), {}, self.number
        return self.plan

    def heard(
        self, number: int, trials: Mapping[str, Trial], done: int, of: int, foretold: tuple[str, ...] = ()
    ) -> None:
        """Takes what the dry runs tell; the answers hold for later plans of the task too."""
        if number == self.rehearsed:
            self.trials.update(trials)
            self.foretold = foretold
            self.progress = f"{done} of {of}" if done < of else ""

    def entry_at(self, key: Hashable | None) -> Entry | None:
        """The entry of a row; of a finding, the first that mends one of its resources."""
        if isinstance(key, Finding):
            keys = {ref.key for ref in key.resources}
            return next((entry for entry in self.entries if entry.ref.key in keys), None)
        return next((entry for entry in self.entries if entry.id == key), None)

    def following(self, ended: set[str]) -> Entry | None:
        """The next entry to ask about; one that was only offered waits until it is asked for."""
        if self.plan is None or self.plan.kind is PlanKind.MEND:
            return None
        return next((entry for entry in self.plan.entries if entry.id not in ended), None)
