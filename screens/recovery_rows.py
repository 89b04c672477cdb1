"""The steps of a recovery, its plans and its questions, as lines and rows. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from typing import Final

from screens.overview_rows import check_line, finding_rows, worst_first
from screens.view import View
from screens.words import verdict_span
from screens.yaml_text import text_lines
from tui.ownership.model import Decision
from tui.recovery.fields import CheckStatus
from tui.recovery.health import Health
from tui.recovery.outcome import Outcome, Status
from tui.recovery.plan import Action, Entry, Plan
from tui.recovery.question import Question
from tui.recovery.report import no_trace
from tui.widgets.spans import Line, Role, Row, Span, accent, bad, good, line, muted, plural, strong, warn


class Step(StrEnum):
    """The steps of a session, in their order."""

    PREFLIGHT = "preflight"
    CLEANUP = "cleanup"
    REPLAY = "replay"
    VERIFY = "verify"
    REPORT = "report"


STEPS: Final = tuple(Step)

ACTIONS: Final = {
    Action.ADOPT: ("~ adopt", Role.ACCENT),
    Action.RECREATE: ("± recreate", Role.WARN),
    Action.DELETE: ("- delete", Role.BAD),
    Action.CREATE: ("+ create", Role.GOOD),
    Action.RETIRE: ("- retire", Role.BAD),
}
"""What an entry does, as a symbol and a word."""

OUTCOMES: Final = {
    Status.DONE: good("✓ done"),
    Status.REFUSED: warn("✗ refused"),
    Status.FAILED: bad("✗ failed"),
    Status.SKIPPED: muted("· skipped"),
    Status.IN_DOUBT: bad("? in doubt"),
}


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


PLAN_HEADINGS: Final = ("op", "kind", "namespace/name", "owner now", "after", "why")
NARROW_HEADINGS: Final = ("op", "kind", "namespace/name", "owner now → after")
"""The reason stands below the table there, with what comes next."""


def plan_rows(plan: Plan, ended: Iterable[Outcome], *, wide: bool) -> list[Row]:
    """The plan's table; below it what was refused or failed, and what is not in the plan though one may look for it."""
    rows = [_entry_row(entry, wide=wide) for entry in plan.entries]
    if not rows:
        rows.append(Row.note(good("✓ nothing to do in this step")))
    bad_ends = [one for one in ended if one.status in (Status.REFUSED, Status.FAILED, Status.IN_DOUBT)]
    rows += [Row.note(OUTCOMES[one.status], f"  {one.entry.ref.label}: {one.text}") for one in bad_ends]
    if plan.left_out:
        rows.append(Row.note(muted(f"not in this plan, {plural(len(plan.left_out), 'resource')}:")))
        rows += [Row.note("  ", ref.label, muted(f"  {why}")) for ref, why in plan.left_out]
    return rows


def after(entry: Entry) -> str:
    """Who has the resource once the entry is done."""
    return "gone" if entry.action in (Action.DELETE, Action.RETIRE) else entry.release


def _entry_row(entry: Entry, *, wide: bool) -> Row:
    operation = line(Span(*ACTIONS[entry.action]))
    cells = (operation, line(entry.ref.kind), line(entry.ref.path))
    if wide:
        return Row(entry.id, (*cells, line(entry.owner_now), line(after(entry)), line(entry.why)))
    return Row(entry.id, (*cells, line(entry.owner_now, muted(" → "), after(entry))))


def entry_lines(entry: Entry | None) -> tuple[Line, ...]:
    """One entry of the plan told whole."""
    if entry is None:
        return ()
    lines = [
        line(Span(*ACTIONS[entry.action]), "  ", strong(entry.ref.label)),
        line(muted("why    "), entry.why),
        line(muted("owner  "), entry.owner_now, muted(" → "), after(entry)),
        line(muted("then   "), entry.then),
    ]
    lines += [line(muted("used   "), use) for use in entry.used_by]
    if entry.rests_on:
        lines.append(line(muted("after  "), f"{plural(len(entry.rests_on), 'entry', 'entries')} that must leave first"))
    if entry.typed:
        lines.append(line(warn("! "), f"asks for its name, typed: {entry.typed}"))
    return tuple(lines)


def plan_lines(plan: Plan | None, *, in_session: bool, can_begin: bool) -> tuple[Line, ...]:
    """What stands above a plan: how many entries, the advice, and what to press."""
    if plan is None:
        return (line(muted("planning...")),)
    counts = ", ".join(
        f"{number} to {action.value}"
        for action in Action
        if (number := sum(entry.action is action for entry in plan.entries))
    )
    lines = [line(strong(counts or "nothing to do"), _hint(plan, in_session=in_session, can_begin=can_begin))]
    lines += [line(warn("! "), text) for text in plan.advice]
    return tuple(lines)


def _hint(plan: Plan, *, in_session: bool, can_begin: bool) -> Span:
    if not plan.entries:
        return muted("   right goes on to the next step")
    if in_session:
        return muted("   enter asks about the resource under the cursor, one at a time")
    return muted("   enter begins a session" if can_begin else "   read-only: nothing can be changed here")


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


def question_title(entry: Entry) -> Line:
    """``Delete ClusterRole flux-view?``."""
    word = entry.action.value.capitalize()
    whom = f" for {entry.release}" if entry.action is not Action.DELETE else ""
    return line(Span(word, ACTIONS[entry.action][1]), " ", strong(entry.ref.label), f"{whom}?")


def question_lines(question: Question) -> tuple[Line, ...]:
    """The page about one resource, most important first."""
    return tuple(_question(question))


def _question(question: Question) -> Iterator[Line]:
    entry = question.entry
    if question.allowed:
        yield line(good("✓ admitted "), muted("by the gate, on a fresh look"))
    else:
        yield line(bad("✗ refused: "), question.refusal)
    yield from entry_lines(entry)[1:]
    yield line(muted("tried  "), question.dry_run)
    marks = question.evidence or ("none: nothing says who owns it",)
    yield from (line(muted("marks  " if not index else "       "), text) for index, text in enumerate(marks))
    new = entry.action is Action.CREATE
    if question.diff:
        yield ()
        yield line(muted("what the server would make of it" if new else "difference, live against result"))
        yield from (_diff_line(text) for text in question.diff)
    if not (new and question.diff):
        yield ()
        yield line(muted("the stored document" if new else "the resource as it is now"))
        yield from text_lines(question.live_yaml)
    yield ()
    yield line(muted("by hand  "), question.kubectl)


def _diff_line(text: str) -> Line:
    if text.startswith("+"):
        return line(good(text))
    if text.startswith("-"):
        return line(bad(text))
    return line(muted(text) if text.startswith("@@") else Span(text))


def outcome_line(outcome: Outcome | None) -> Line:
    """How the last entry ended."""
    if outcome is None:
        return ()
    label = outcome.entry.ref.label
    told = outcome.text.removeprefix(label).strip()
    return line(OUTCOMES[outcome.status], "  ", strong(label), f"  {told}")
