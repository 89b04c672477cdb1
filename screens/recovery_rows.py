"""The steps of a recovery, as lines and rows. Pure."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from screens.overview_rows import check_line, finding_rows, worst_first
from screens.view import View
from screens.words import verdict_span
from screens.yaml_text import text_lines
from tui.ownership.model import Decision
from tui.recovery.fields import CheckStatus
from tui.recovery.health import Health
from tui.recovery.report import no_trace
from tui.widgets.spans import Line, Row, Span, accent, line, muted, plural, strong, warn


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


def preflight_rows(view: View, lacking: Sequence[str]) -> list[Row]:
    """The findings, what is protected and why, which rights are lacking, and what could not be read."""
    assessment = view.assessment
    if assessment is None:
        return []
    rows = finding_rows(view)
    if lacking:
        rows.append(Row.note(warn(f"! you lack {plural(len(lacking), 'right')} that the plans need:")))
        rows += [Row.note("  ", text) for text in lacking]
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


def report_lines(text: str, told: Sequence[str]) -> tuple[Line, ...]:
    """The session's report, with the hand-back on top."""
    return (*(hand_back_lines(told) or (line(muted("nothing to hand back")),)), (), *text_lines(text))
