"""The Recovery screen: preflight, cleanup, replay, verify, report; one confirmed resource at a time."""

import json
from collections.abc import Iterable
from functools import partial
from typing import ClassVar

from textual import work
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widget import Widget
from textual.widgets import Static

from screens.asking import Asking
from screens.beginning import Beginning
from screens.course import Course, Task
from screens.desk import Desk
from screens.link import DrillCheck
from screens.overview_rows import destination
from screens.plan_rows import headings, plan_rows
from screens.recovery_lines import above_lines, detail_lines, whole_report, work_lines
from screens.recovery_rows import (
    STEPS,
    Step,
    preflight_rows,
    step_line,
    verify_rows,
)
from screens.room import Begin, Room, SaveReport, Visit
from screens.stating import ask_retirement, ask_wish
from screens.view import View, awaited, freshness
from screens.walk import Asked, Begun, DrillTold, Ended, Planned, RightsTold, Tried, Walk, WorkOver
from tui.objects import Ref
from tui.ownership.model import Finding, Wish
from tui.recovery.access import Rights
from tui.recovery.outcome import Outcome, Status
from tui.recovery.plan import Entry, Plan, PlanKind
from tui.recovery.report import session_json, session_markdown
from tui.widgets.ledger import Ledger
from tui.widgets.lines import Lines
from tui.widgets.pane import Pane
from tui.widgets.spans import Line, Span, fit
from tui.widgets.text import content


class Steps(Ledger):
    """The table of a step, in which Enter asks about an entry, or goes to what a finding names."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "choose", "Open it")]


class Recovery(Room):
    """Leads through the steps. Changes nothing but by a confirmed question of a session."""

    MODE = "recovery"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "step(-1)", "Step back", key_display="←"),
        Binding("right", "step(1)", "Next step", key_display="→"),
        Binding("b", "begin", "Begin session"),
        Binding("x", "end", "End session"),
        Binding("a", "claim", "Ask to act"),
        Binding("c", "check", "Check now"),
        Binding("w", "write", "Write report"),
        Binding("e", "state", "Expect a release", show=False),
        Binding("t", "retire", "Retire a release", show=False),
        Binding("escape", "back", "Back", show=False),
    ]

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.course = Course()
        self.busy = ""
        self._walk = Walk(desk, self.post_message)
        self._asking = Asking(self, self._walk, self._work)
        self._beginning = Beginning(self, self._walk, self._work, self._refused)
        self._stage = -1
        self._said: list[Line] = []
        self._trouble = ""
        self._rights_told = Rights({})
        self._drill: DrillCheck | None = None

    @property
    def step(self) -> Step:
        """The step that is shown."""
        return self.course.step

    def body(self) -> Iterable[Widget]:
        """The steps, what is to be said, the table and what its row means."""
        yield Static(id="steps")
        yield Static(id="above")
        with Horizontal(id="work"):
            with Vertical(id="found"):
                yield Steps(id="table", firm=3)
            yield Pane("Entry", id="detail", classes="under")
        yield Pane("Report", id="report")

    def visit(self, focus: object) -> None:
        """Goes to a step by its name, takes up a task, or begins a session."""
        if isinstance(focus, Begin):
            self._beginning.begin()
        elif isinstance(focus, Task):
            self._take_up(focus)
        elif isinstance(focus, str):
            self._enter(Step(focus))

    def action_step(self, by: int) -> None:
        """Goes to the step beside."""
        index = STEPS.index(self.step) + by
        if 0 <= index < len(STEPS):
            self._enter(STEPS[index])

    def _enter(self, step: Step) -> None:
        table = self.query_one("#table", Ledger)
        if step is not self.step:
            self.course.enter(step, table.key)
            self._trouble = ""
            self._make_plan()
            if step is Step.REPORT:
                self._check_drill()
        self.redraw()
        table.go_to(self.course.places.get(step))
        (self.query_one("#report", Pane) if step is Step.REPORT else table).focus()
        self.refresh_bindings()

    def _take_up(self, task: Task | None) -> None:
        """Takes up a task beside the step's own, or goes back to that."""
        if task is not None and self.step is not Step.CLEANUP:
            self._enter(Step.CLEANUP)
        self.course.turn_to(task)
        self._make_plan()
        self.redraw()

    def draw(self, view: View) -> None:
        """Shows the step as it stands."""
        if view.stage != self._stage and view.assessment is not None:
            self._stage = view.stage
            self._rights()
            if self.desk.session is None or self.course.plan is None:
                self._make_plan()
        self.set_class(self.step is Step.REPORT, "-report")
        self.query_one("#steps", Static).update(content([step_line(self.step, view)]))
        self._say()
        table = self.query_one("#table", Ledger)
        plan = self.course.plan
        match self.step:
            case Step.PREFLIGHT:
                table.show(preflight_rows(view, self._rights_told, plan), ("severity", "finding", "what"))
            case Step.CLEANUP | Step.REPLAY:
                wide = self.has_class("-wide")
                trials = self.course.trials
                rows = plan_rows(plan, self._outcomes(), trials, wide=wide) if plan else []
                table.show(rows, headings(trials, wide=wide) if self.course.entries else ())
            case Step.VERIFY:
                table.show(verify_rows(view.health), ("check",))
            case Step.REPORT:
                self.query_one("#report", Pane).show(whole_report(view, self.desk.last_session, self._drill))
        self._describe()

    def on_mount(self) -> None:
        """Looks every second at what changes without a new View: who may act, and how long a change is waited for."""
        super().on_mount()
        self.set_interval(1.0, self._say)

    def _say(self) -> None:
        width = self.size.width - 2
        said = [fit(one, width) for one in self._above(self.desk.view)]
        if said != self._said:
            self._said = said
            self.refresh_bindings()
            self.query_one("#above", Static).update(content(said))

    def on_resize(self) -> None:
        """The width decides the columns."""
        self.redraw()

    def freshness(self, view: View) -> Span:
        """Health is watched; plans and findings are as old as the last reading."""
        return freshness(view, self.desk.now(), watched=self.step is Step.VERIFY)

    def _outcomes(self) -> list[Outcome]:
        session = self.desk.session
        return list(session.outcomes) if session else []

    def _above(self, view: View) -> tuple[Line, ...]:
        can = bool(self.desk.link and self.desk.link.session) and not view.read_only
        work = work_lines(view, self.course, self.busy, self._trouble)
        return awaited(view) or above_lines(view, self.course, self.desk.session, work, can_begin=can)

    def entry(self) -> Entry | None:
        """The entry under the cursor."""
        return self.course.entry_at(self.query_one("#table", Ledger).key)

    def _describe(self) -> None:
        key = self.query_one("#table", Ledger).key
        title, lines = detail_lines(self.course, key, self.desk.session)
        pane = self.query_one("#detail", Pane)
        pane.name_it(title)
        pane.show(lines)
        pane.display = bool(lines)

    def on_lines_moved(self, message: Lines.Moved) -> None:
        """The page below follows the cursor."""
        message.stop()
        self._describe()

    def on_lines_chosen(self, message: Lines.Chosen) -> None:
        """Enter asks about the entry, or begins the session that it takes; elsewhere it looks closer."""
        message.stop()
        entry = self.entry()
        if entry is not None and (self.desk.session is not None or not isinstance(message.key, Finding)):
            self._ask(entry)
        elif isinstance(message.key, Ref):
            self.post_message(Visit("ownership", message.key))
        elif isinstance(message.key, Finding):
            where = destination(message.key)
            self.post_message(Visit(where.mode, where.focus))

    def _work(self, busy: str) -> bool:
        """Takes the one place for work; False while other work is under way."""
        if self.busy:
            return False
        self.busy, self._trouble = busy, ""
        self.redraw()
        return True

    def _refused(self, why: str) -> None:
        self._trouble = why
        self.redraw()

    def on_work_over(self, message: WorkOver) -> None:
        """The place for work is free again."""
        message.stop()
        self.busy, self._trouble = "", message.trouble
        if self.course.plan is None or self.course.planned_in is not self.desk.session:
            self._make_plan()
        self.redraw()
        self.refresh_bindings()

    def _make_plan(self) -> None:
        task = self.course.task
        if task is not None and self.desk.view.assessment is not None:
            self.course.number += 1
            self._draw_up(self.course.number, task)

    @work(group="plan", exclusive=True, exit_on_error=False, description="draw up a plan")
    async def _draw_up(self, number: int, task: Task) -> None:
        await self._walk.plan(number, task)

    @work(group="rehearse", exclusive=True, exit_on_error=False, description="try a plan by dry run")
    async def _rehearse(self, number: int, plan: Plan) -> None:
        await self._walk.rehearse(number, plan)

    def on_tried(self, message: Tried) -> None:
        """Shows how the dry runs went, or how far they are."""
        message.stop()
        self.course.heard(message.number, message.trials, message.done, message.of, message.foretold)
        self.redraw()

    @work(group="rights", exclusive=True, exit_on_error=False, description="ask for rights")
    async def _rights(self) -> None:
        await self._walk.rights()

    @work(group="drill", exclusive=True, exit_on_error=False, description="check the drill")
    async def _drilled(self) -> None:
        await self._walk.drill()

    def on_planned(self, message: Planned) -> None:
        """Shows the plan; in a walk, asks about the next entry."""
        message.stop()
        if not self.course.takes(message.number, message.plan, self.desk.session):
            return
        if self.course.aside is not None and not message.plan.all and not message.plan.left_out:
            # All that it was taken up for is done: what is to be planned now is the step's own again.
            self._take_up(None)
            return
        table = self.query_one("#table", Ledger)
        self.redraw()
        table.go_to(self.course.places.pop(self.step, None))
        forecast = self.desk.view.wish.forecast
        untried = self.course.untried(manifest=forecast is not None and message.plan.kind is PlanKind.CLEANUP)
        if untried is not None:
            self._rehearse(message.number, untried)
        last = self.course.last
        if last is not None and last.status in (Status.DONE, Status.SKIPPED) and not self.busy:
            following = self.course.following({one.entry.id for one in self._outcomes()})
            if following is not None:
                table.go_to(following.id)
                self._ask(following)

    def _check_drill(self) -> None:
        if self.desk.view.drill is not None:
            self._drilled()

    def on_rights_told(self, message: RightsTold) -> None:
        """Shows the rights that are lacking."""
        message.stop()
        self._rights_told = message.rights
        self.redraw()

    def on_drill_told(self, message: DrillTold) -> None:
        """Shows how the drill stands."""
        message.stop()
        self._drill = message.check
        self.redraw()

    def on_begun(self, message: Begun) -> None:
        """A session is there: whoever else acts here is told at once."""
        message.stop()
        self._beginning.claim()

    def action_begin(self) -> None:
        """Asks for the context's name and begins a session, or goes on with one that was left open."""
        self._beginning.begin()

    def action_claim(self) -> None:
        """Looks again at who may act, and asks for what would let this session act."""
        if self.desk.session is not None and self._work("looking at who acts here..."):
            self.desk.spawn(self._walk.ask_again)

    def action_state(self) -> None:
        """Asks which release the owner expects, or which of two in force is meant; the preflight is judged by it."""

        def stated(wish: Wish) -> None:
            if self._work("judging anew by what you stated..."):
                self.desk.spawn(partial(self._walk.state, wish))

        ask_wish(self.app, self.desk.view, stated)

    def action_retire(self) -> None:
        """Asks whose records are to leave, and draws up the plan of it."""
        ask_retirement(self.app, self.desk.view, lambda name: self._take_up(Task(PlanKind.RETIRE, name)))

    def action_end(self) -> None:
        """Ends the session; its report stays."""
        if self.desk.session is not None and self._work("ending the session..."):
            self._enter(Step.REPORT)
            self.desk.spawn(self._walk.end)

    def _ask(self, entry: Entry) -> None:
        if self.desk.session is None:
            self.action_begin()
        else:
            # A fresh look at one entry is worth more than the dry runs of all.
            self.workers.cancel_group(self, "rehearse")
            self.course.progress = ""
            self._asking.look(self.course.plan, entry)

    def on_asked(self, message: Asked) -> None:
        """Puts the question."""
        message.stop()
        self._asking.put(message)

    def on_ended(self, message: Ended) -> None:
        """Shows how the entry ended and plans anew."""
        message.stop()
        self.course.last = message.outcome
        self.redraw()
        self._make_plan()

    def action_check(self) -> None:
        """Reads everything afresh and judges it."""
        if self._work("checking..."):
            self.desk.spawn(self._walk.check)

    def action_write(self) -> None:
        """Saves the report of the session."""
        session = self.desk.last_session
        if session is not None:
            machine = json.dumps(session_json(session), indent=2)
            self.post_message(SaveReport({"md": session_markdown(session), "json": f"{machine}\n"}))

    def action_back(self) -> None:
        """Stops waiting; else back to the table."""
        if self.desk.view.waiting:
            self.desk.give_up_waiting()
        elif self.step is Step.REPORT:
            self._enter(Step.VERIFY)
        elif self.course.aside is not None:
            self._take_up(None)
        self.query_one("#table", Ledger).focus()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Names only what can be done now."""
        del parameters
        session = self.desk.session
        possible = {
            "begin": session is None and not self.desk.view.read_only,
            "end": session is not None,
            "claim": session is not None and session.hold is not None and not session.hold.standing.may_act,
            "check": self.step is Step.VERIFY,
            "state": self.step is Step.PREFLIGHT,
            "retire": self.step is Step.CLEANUP and self.desk.view.can_retire,
            "write": self.step is Step.REPORT and self.desk.last_session is not None,
        }
        return possible.get(action, True)
