"""The steps of a recovery, as lines and rows. Pure."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from screens.overview_rows import check_line, finding_rows, worst_first
from screens.plan_rows import ACTIONS
from screens.view import View
from screens.words import verdict_span
from screens.yaml_text import text_lines
from tui.ownership.conditions import CheckStatus
from tui.ownership.model import Decision
from tui.recovery.access import Rights
from tui.recovery.health import Health
from tui.recovery.outcome import Status
from tui.recovery.plan import Entry, Plan
from tui.recovery.report import no_trace
from tui.recovery.session import Session
from tui.widgets.spans import Line, Row, Span, accent, bad, line, muted, plural, strong, warn


class Step(StrEnum):
    """The steps of a session, in their order."""

    PREFLIGHT = "preflight"
    CLEANUP = "cleanup"
    REPLAY = "replay"
    VERIFY = "verify"
    REPORT = "report"


STEPS: Final = tuple(Step)


def step_line(current: Step, view: View) -> Line:
    """``preflight > [cleanup 4] > replay 6 > verify > report``."""
    numbers = dict.fromkeys(STEPS, "")
    if view.assessment is not None:
        todo = sum(one.decision is not Decision.PROTECT for one in view.assessment.candidates)
        missing = sum(one.replayable for one in view.assessment.missing)
        failed = len(view.health.of(CheckStatus.FAILED)) if view.health else 0
        numbers |= {
            Step.PREFLIGHT: f" {view.assessment.verdict.value}",
            Step.CLEANUP: f" {todo}",
            Step.REPLAY: f" {missing}",
            Step.VERIFY: f" {failed} failed" if failed else " healthy" if view.health else "",
        }
    spans: list[Span] = []
    for index, step in enumerate(STEPS):
        text = f"{step.value}{numbers[step]}"
        spans.append(strong(f"[{text}]") if step is current else muted(f" {text} "))
        if index < len(STEPS) - 1:
            spans.append(muted(">"))
    return line(*spans)


def preflight_rows(view: View, rights: Rights, mend: Plan | None) -> list[Row]:
    """The findings, what can be mended at once, what is protected and why, and which rights are lacking.

    ``mend`` is the plan of what stands in the way and can be mended in a session.
    """
    assessment = view.assessment
    if assessment is None:
        return []
    rows = [*finding_rows(view), *_mend_rows(mend), *_rights_rows(rights)]
    protected = [one for one in assessment.candidates if one.decision is Decision.PROTECT]
    if protected:
        rows.append(Row.note(muted(f"protected, {plural(len(protected), 'object')} stamped otherwise:")))
        rows += [
            Row(one.ref, (line(muted("protect")), line(", ".join(one.rules)), line(f"{one.ref.label}: {one.why}")))
            for one in protected
        ]
    trace = no_trace(assessment)
    if trace:
        rows.append(Row.note(muted(trace)))
    return rows


def _mend_rows(mend: Plan | None) -> list[Row]:
    if mend is None:
        return []
    rows: list[Row] = []
    for title, entries in (
        ("can be mended here, each asked for itself:", mend.entries),
        ("may be asked for:", mend.offered),
    ):
        if entries:
            rows.append(Row.note(muted(title)))
            rows += [_mend_row(entry) for entry in entries]
    if mend.left_out:
        rows.append(Row.note(muted("not mended by a step of its own:")))
        rows += [Row.note("  ", ref.label, muted(f"  {why}")) for ref, why in mend.left_out]
    return rows


def _mend_row(entry: Entry) -> Row:
    return Row(
        entry.id, (line(Span(*ACTIONS[entry.action])), line(entry.ref.kind), line(f"{entry.ref.path}: {entry.why}"))
    )


def _rights_rows(rights: Rights) -> list[Row]:
    lacking = rights.lacking
    if not lacking:
        return []
    rows = [
        Row.note(warn(f"! you lack {plural(len(lacking), 'right')} that the plans need; what needs them is left out:"))
    ]
    rows += [Row.note("  ", text) for text in lacking]
    rows.append(Row.note(muted("the rule to ask for:")))
    return rows + [Row.note("  ", text) for text in rights.rule.splitlines()]


def preflight_lines(view: View) -> tuple[Line, ...]:
    """The preflight's verdict and what to do with it."""
    assessment = view.assessment
    if assessment is None:
        return ()
    worst = next(iter(worst_first(assessment.findings)), None)
    first = line(verdict_span(assessment.verdict), "  ", worst.summary if worst else "nothing found")
    return (
        first,
        line(
            muted("Nothing is changed here. "),
            accent("right"),
            muted(" goes on to cleanup, "),
            accent("e"),
            muted(" names an expected release"),
        ),
    )


def verify_rows(health: Health | None) -> list[Row]:
    """Every check, failed ones first."""
    if health is None:
        return [Row.note(muted("not checked yet"))]
    order = (CheckStatus.FAILED, CheckStatus.UNKNOWN, CheckStatus.OK)
    return [Row(check.id, (check_line(check),)) for status in order for check in health.of(status)]


def hand_back_lines(told: Sequence[str]) -> tuple[Line, ...]:
    """What the owners must do so that the mend lasts; empty where there is nothing to hand back."""
    return (line(strong("So that it lasts:")), *(line("  ", one) for one in told)) if told else ()


def report_lines(session: Session, text: str, told: Sequence[str]) -> tuple[Line, ...]:
    """The session's report: on top what is in doubt, what was gone without, and what is to be handed back."""
    ends = {one.entry.id: one for one in session.outcomes}.values()
    open_ones = [one for one in ends if one.status is Status.IN_DOUBT]
    lines: list[Line] = []
    if open_ones:
        lines.append(line(bad("? in doubt, look at these first; "), accent("c"), bad(" in Verify looks again:")))
        lines += [line("  ", strong(one.entry.ref.label), f"  {one.text}") for one in open_ones]
    lines += [line(warn("! "), text) for text in session.warnings]
    lines += hand_back_lines(told) or (line(muted("nothing to hand back")),)
    return (*lines, (), *text_lines(text))
