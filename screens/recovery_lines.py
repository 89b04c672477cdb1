"""What stands above the table of a step, and the report. Pure."""

from collections.abc import Hashable, Sequence

from screens.claim_lines import claim_lines
from screens.course import Course
from screens.link import DrillCheck
from screens.offer import offer_lines
from screens.overview_rows import finding_lines, health_spans
from screens.plan_rows import entry_lines, outcome_line, plan_lines
from screens.recovery_rows import Step, hand_back_lines, preflight_lines, report_lines
from screens.session_lines import drill_lines
from screens.view import View
from tui.ownership.model import Finding
from tui.recovery.expected import READ_ONLY
from tui.recovery.report import hand_back, session_markdown
from tui.recovery.session import Session
from tui.widgets.spans import Line, accent, bad, line, muted


def above_lines(
    view: View, course: Course, session: Session | None, work: Sequence[Line], *, can_begin: bool
) -> tuple[Line, ...]:
    """What the step has to do; then ``work``, what is under way or went wrong, and what an earlier session left open or
    who else acts here; at last what is good to know. The first of these have room on any screen."""
    about = claim_lines(session.hold) if session is not None else offer_lines(view.left_open)
    first, *more = _of_step(view, course, can_begin=can_begin) or ((),)
    return (first, *work, *about, *more)


def _of_step(view: View, course: Course, *, can_begin: bool) -> tuple[Line, ...]:
    match course.step:
        case Step.PREFLIGHT:
            return preflight_lines(view)
        case Step.CLEANUP | Step.REPLAY:
            foretold = course.foretold or _untried(view, course)
            lines = plan_lines(course.plan, foretold, in_session=view.in_session, can_begin=can_begin)
            if course.step is Step.CLEANUP and view.can_retire and course.aside is None:
                told = muted(" retires the records of a release that another has replaced")
                return (*lines, line(accent("t"), told))
            return lines
        case Step.VERIFY:
            return (line(*health_spans(view.health), muted("   live, until all is green")),)
        case Step.REPORT:
            return ()


def _untried(view: View, course: Course) -> tuple[str, ...]:
    """Why the manifest of an expected release is not tried yet; nothing in a session, which tries it."""
    if view.wish.forecast is None or course.step is not Step.CLEANUP or view.in_session:
        return ()
    of = f"the manifest of {view.wish.expected}"
    return (f"{of} is not tried: {READ_ONLY}" if view.read_only else f"{of} is tried once a session has begun",)


def work_lines(view: View, course: Course, busy: str, trouble: str) -> tuple[Line, ...]:
    """What is under way or waited for, else what went wrong, else how the last entry ended."""
    if view.waiting:
        return (line(accent("esc"), muted(" stops waiting, nothing is lost: "), view.waiting),)
    if busy:
        return (line(muted(busy)),)
    if trouble or view.trouble:
        return (line(bad("✗ "), trouble or view.trouble),)
    if course.last is not None:
        return (outcome_line(course.last),)
    return (line(muted(f"trying the plan by dry run: {course.progress}")),) if course.progress else ()


def whole_report(view: View, session: Session | None, check: DrillCheck | None) -> tuple[Line, ...]:
    """The report of the newest session, under how the drill stands where there is one."""
    lines = drill_lines(view.drill, check)
    if session is None:
        return (*lines, line(muted("No session yet: nothing was changed, there is nothing to report.")))
    return (*lines, *report_lines(session, session_markdown(session), hand_back(session)))


def detail_lines(course: Course, key: Hashable | None, session: Session | None) -> tuple[str, tuple[Line, ...]]:
    """What the page beside the table is called, and what it tells of the row with this key."""
    if course.step is Step.VERIFY:
        return "Hand back", hand_back_lines(hand_back(session) if session else ())
    entry = course.entry_at(key)
    if not isinstance(key, Finding):
        return "Entry", entry_lines(entry, course.trials.get(entry.id) if entry else None)
    mended = entry if session is not None else None
    return "Evidence", (*finding_lines(key, mended=mended is not None), *entry_lines(mended))
