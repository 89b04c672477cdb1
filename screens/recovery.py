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

from screens.desk import Desk
from screens.link import DrillCheck
from screens.overview_rows import destination, finding_lines, health_spans
from screens.question import Ask, Reply
from screens.recovery_rows import (
    NARROW_HEADINGS,
    PLAN_HEADINGS,
    STEPS,
    Step,
    entry_lines,
    hand_back_lines,
    outcome_line,
    plan_lines,
    plan_rows,
    preflight_lines,
    preflight_rows,
    report_lines,
    step_line,
    verify_rows,
)
from screens.room import Room, SaveReport, Visit
from screens.session_lines import drill_lines, retire_lines, stake_lines, wish_lines
from screens.stated import Stated
from screens.typed import Typed
from screens.view import View, awaited, freshness
from screens.walk import Asked, DrillTold, Ended, Planned, RightsTold, Walk, WorkOver
from tui.faults import Fault
from tui.objects import Ref
from tui.ownership.model import Finding
from tui.recovery.outcome import Outcome, Status
from tui.recovery.plan import Entry, Plan, PlanKind
from tui.recovery.question import Question
from tui.recovery.report import hand_back, session_json, session_markdown
from tui.recovery.retire import retirable
from tui.recovery.session import Session
from tui.recovery.wishes import read_wish
from tui.widgets.ledger import Ledger
from tui.widgets.lines import Lines
from tui.widgets.pane import Pane
from tui.widgets.spans import Line, Span, accent, bad, fit, line, muted
from tui.widgets.text import content

PLANS = {Step.CLEANUP: PlanKind.CLEANUP, Step.REPLAY: PlanKind.REPLAY}


class Steps(Ledger):
    """The table of a step, in which Enter asks about an entry, or goes to what a finding names."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "choose", "Open it")]


PANES = {Step.PREFLIGHT: "Evidence", Step.VERIFY: "Hand back"}
"""What the page beside the table is called; elsewhere it tells an entry."""


class Recovery(Room):
    """Leads through the steps. Changes nothing but by a confirmed question of a session."""

    MODE = "recovery"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "step(-1)", "Step back", key_display="←"),
        Binding("right", "step(1)", "Next step", key_display="→"),
        Binding("b", "begin", "Begin session"),
        Binding("x", "end", "End session"),
        Binding("c", "check", "Check now"),
        Binding("w", "write", "Write report"),
        Binding("e", "state", "Expect a release", show=False),
        Binding("t", "retire", "Retire a release", show=False),
        Binding("escape", "back", "Back", show=False),
    ]

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.step = Step.PREFLIGHT
        self._walk = Walk(desk, self.post_message)
        self._plan: Plan | None = None
        self._planned_in: Session | None = None
        self._number = 0
        self._stage = -1
        self._busy = ""
        self._trouble = ""
        self._last: Outcome | None = None
        self._lacking: tuple[str, ...] = ()
        self._drill: DrillCheck | None = None
        self._retiring = ""

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
        """Goes to a step by its name."""
        if isinstance(focus, str):
            self._enter(Step(focus))

    def action_step(self, by: int) -> None:
        """Goes to the step beside."""
        index = STEPS.index(self.step) + by
        if 0 <= index < len(STEPS):
            self._enter(STEPS[index])

    def _enter(self, step: Step) -> None:
        if step is not self.step:
            self.step, self._plan, self._last, self._trouble, self._retiring = step, None, None, "", ""
            if step in PLANS:
                self._make_plan()
            if step is Step.REPORT:
                self._check_drill()
        self.redraw()
        report = step is Step.REPORT
        (self.query_one("#report", Pane) if report else self.query_one("#table", Ledger)).focus()
        self.refresh_bindings()

    def draw(self, view: View) -> None:
        """Shows the step as it stands."""
        if view.stage != self._stage and view.assessment is not None:
            self._stage = view.stage
            self._ask_rights()
            if self.step in PLANS and (self.desk.session is None or self._plan is None):
                self._make_plan()
        self.set_class(self.step is Step.REPORT, "-report")
        self.query_one("#steps", Static).update(content([step_line(self.step, view)]))
        width = self.size.width - 2
        self.query_one("#above", Static).update(content([fit(one, width) for one in self._above(view)]))
        table = self.query_one("#table", Ledger)
        match self.step:
            case Step.PREFLIGHT:
                table.show(preflight_rows(view, self._lacking), ("severity", "finding", "what"))
            case Step.CLEANUP | Step.REPLAY:
                wide = self.has_class("-wide")
                rows = plan_rows(self._plan, self._outcomes(), wide=wide) if self._plan else []
                headings = PLAN_HEADINGS if wide else NARROW_HEADINGS
                table.show(rows, headings if self._plan and self._plan.entries else ())
            case Step.VERIFY:
                table.show(verify_rows(view.health), ("check",))
            case Step.REPORT:
                self.query_one("#report", Pane).show(self._report(view))
        self._describe()

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
        waiting = awaited(view)
        if waiting:
            return waiting
        lines: list[Line] = []
        match self.step:
            case Step.PREFLIGHT:
                lines += preflight_lines(view)
            case Step.CLEANUP | Step.REPLAY:
                can = bool(self.desk.link and self.desk.link.session) and not view.read_only
                lines += plan_lines(self._plan, in_session=view.in_session, can_begin=can)
                if self.step is Step.CLEANUP and view.can_retire and not self._retiring:
                    lines.append(
                        line(accent("t"), muted(" retires the records of a release that another has replaced"))
                    )
            case Step.VERIFY:
                lines.append(line(*health_spans(view.health), muted("   live, until all is green")))
            case Step.REPORT:
                pass
        if self._busy:
            lines.append(line(muted(self._busy)))
        elif self._trouble:
            lines.append(line(bad("✗ "), self._trouble))
        elif self._last is not None:
            lines.append(outcome_line(self._last))
        return tuple(lines)

    def _report(self, view: View) -> tuple[Line, ...]:
        session = self.desk.last_session
        lines: tuple[Line, ...] = drill_lines(view.drill, self._drill)
        if session is None:
            return (*lines, line(muted("No session yet: nothing was changed, there is nothing to report.")))
        return (*lines, *report_lines(session_markdown(session), hand_back(session)))

    def _entry(self) -> Entry | None:
        key = self.query_one("#table", Ledger).key
        entries = self._plan.entries if self._plan else ()
        return next((entry for entry in entries if entry.id == key), None)

    def _describe(self) -> None:
        key = self.query_one("#table", Ledger).key
        session = self.desk.session
        if self.step is Step.VERIFY:
            lines = hand_back_lines(hand_back(session) if session else ())
        else:
            lines = finding_lines(key) if isinstance(key, Finding) else entry_lines(self._entry())
        pane = self.query_one("#detail", Pane)
        pane.name_it(PANES.get(self.step, "Entry"))
        pane.show(lines)
        pane.display = bool(lines)

    def on_lines_moved(self, message: Lines.Moved) -> None:
        """The page below follows the cursor."""
        message.stop()
        self._describe()

    def on_lines_chosen(self, message: Lines.Chosen) -> None:
        """Enter asks about the entry, or begins the session that it takes; elsewhere it looks closer."""
        message.stop()
        entry = self._entry()
        if entry is not None:
            self._ask(entry)
        elif isinstance(message.key, Ref):
            self.post_message(Visit("ownership", message.key))
        elif isinstance(message.key, Finding):
            where = destination(message.key)
            self.post_message(Visit(where.mode, where.focus))

    def _work(self, busy: str) -> bool:
        """Takes the one place for work; False while other work is under way."""
        if self._busy:
            return False
        self._busy, self._trouble = busy, ""
        self.redraw()
        return True

    def on_work_over(self, message: WorkOver) -> None:
        """The place for work is free again."""
        message.stop()
        self._busy, self._trouble = "", message.trouble
        if self._plan is None or self._planned_in is not self.desk.session:
            self._make_plan()
        self.redraw()
        self.refresh_bindings()

    def _make_plan(self) -> None:
        kind = PlanKind.RETIRE if self._retiring else PLANS.get(self.step)
        if kind is not None and self.desk.view.assessment is not None:
            self._number += 1
            self._draw_up(self._number, kind, self._retiring)

    @work(group="plan", exclusive=True, exit_on_error=False, description="draw up a plan")
    async def _draw_up(self, number: int, kind: PlanKind, release: str) -> None:
        await self._walk.plan(number, kind, release)

    @work(group="rights", exclusive=True, exit_on_error=False, description="ask for rights")
    async def _rights(self) -> None:
        await self._walk.rights()

    @work(group="drill", exclusive=True, exit_on_error=False, description="check the drill")
    async def _drilled(self) -> None:
        await self._walk.drill()

    def on_planned(self, message: Planned) -> None:
        """Shows the plan; in a walk, asks about the next entry."""
        message.stop()
        if message.number != self._number:
            return
        if self._retiring and not message.plan.entries and not message.plan.left_out:
            # Its last record has left: what is to be planned now is the cleanup again.
            self._retiring = ""
            self._make_plan()
            return
        self._plan, self._planned_in = message.plan, self.desk.session
        self.redraw()
        if self._last is not None and self._last.status in (Status.DONE, Status.SKIPPED):
            ended = {one.entry.id for one in self._outcomes()}
            following = next((entry for entry in message.plan.entries if entry.id not in ended), None)
            if following is not None and not self._busy:
                self.query_one("#table", Ledger).go_to(following.id)
                self._ask(following)

    def _ask_rights(self) -> None:
        self._rights()

    def _check_drill(self) -> None:
        if self.desk.view.drill is not None:
            self._drilled()

    def on_rights_told(self, message: RightsTold) -> None:
        """Shows the rights that are lacking."""
        message.stop()
        self._lacking = message.lacking
        self.redraw()

    def on_drill_told(self, message: DrillTold) -> None:
        """Shows how the drill stands."""
        message.stop()
        self._drill = message.check
        self.redraw()

    def action_begin(self) -> None:
        """Asks for the context's name and begins a session."""
        view, link = self.desk.view, self.desk.link
        if view.assessment is None or link is None or self.desk.session is not None:
            return
        if view.read_only or link.session is None:
            self._trouble = "read-only: no session can be begun; start without --read-only"
            self.redraw()
            return
        stake = stake_lines(link.identity, view.contract)
        self.app.push_screen(Typed("Begin a recovery session", stake, link.identity.context), self._typed_context)

    def _typed_context(self, right: str | None) -> None:
        if right and self._work("beginning a session: a fresh preflight..."):
            self.desk.spawn(self._walk.begin)

    def action_state(self) -> None:
        """Asks which release the owner expects, or which of two in force is meant; the preflight is judged by it."""
        view = self.desk.view

        def refuse(word: str) -> str:
            try:
                read_wish(view.contract, word)
            except Fault as fault:
                return str(fault)
            return ""

        def stated(word: str | None) -> None:
            if word is not None and self._work("judging anew by what you stated..."):
                self.desk.spawn(partial(self._walk.state, read_wish(view.contract, word)))

        if view.assessment is not None:
            self.app.push_screen(Stated("What is expected", wish_lines(view.wish), refuse), stated)

    def action_retire(self) -> None:
        """Asks whose records are to leave, and draws up the plan of it."""
        assessment = self.desk.view.assessment
        names = retirable(assessment) if assessment is not None else ()

        def refuse(word: str) -> str:
            return "" if word.strip() in names else "that release cannot be retired"

        def named(word: str | None) -> None:
            if word is not None:
                self._retiring, self._plan = word.strip(), None
                self._make_plan()

        if names:
            self.app.push_screen(Stated("Retire a release", retire_lines(names), refuse), named)

    def action_end(self) -> None:
        """Ends the session; its report stays."""
        if self.desk.session is not None and self._work("ending the session..."):
            self._enter(Step.REPORT)
            self.desk.spawn(self._walk.end)

    def _ask(self, entry: Entry) -> None:
        if self.desk.session is None:
            self.action_begin()
        elif self._plan is not None and self._work(f"a fresh look at {entry.ref.label}, and a dry run..."):
            self.desk.spawn(partial(self._walk.look, self._plan, entry))

    def on_asked(self, message: Asked) -> None:
        """Puts the question."""
        message.stop()

        def answered(reply: Reply | None) -> None:
            self._answered(message.plan, message.question, reply)

        self.app.push_screen(Ask(message.question, self.desk.ticks), answered)

    def _answered(self, plan: Plan, question: Question, reply: Reply | None) -> None:
        session = self.desk.session
        if session is None or reply in (None, Reply.LEAVE):
            return
        if reply is Reply.YES:
            if self._work(f"{question.entry.action.value} {question.entry.ref.label}..."):
                self.desk.spawn(partial(self._walk.carry_out, plan, question))
            return
        self._walk.skip(question)

    def on_ended(self, message: Ended) -> None:
        """Shows how the entry ended and plans anew."""
        message.stop()
        self._last = message.outcome
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
        """Back to the table."""
        if self.step is Step.REPORT:
            self._enter(Step.VERIFY)
        elif self._retiring:
            self._retiring, self._plan = "", None
            self._make_plan()
        self.query_one("#table", Ledger).focus()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Names only what can be done now."""
        del parameters
        session = self.desk.session is not None
        possible = {
            "begin": not session and not self.desk.view.read_only,
            "end": session,
            "check": self.step is Step.VERIFY,
            "state": self.step is Step.PREFLIGHT,
            "retire": self.step is Step.CLEANUP and self.desk.view.can_retire,
            "write": self.step is Step.REPORT and self.desk.last_session is not None,
        }
        return possible.get(action, True)
