"""What stands above the table of a step, and the report. Pure."""

from screens.claim_lines import claim_lines, offer_lines
from screens.course import Course
from screens.link import DrillCheck
from screens.overview_rows import health_spans
from screens.plan_rows import outcome_line, plan_lines
from screens.recovery_rows import Step, preflight_lines, report_lines
from screens.session_lines import drill_lines
from screens.view import View
from tui.recovery.report import hand_back, session_markdown
from tui.recovery.session import Session
from tui.widgets.spans import Line, accent, bad, line, muted


def above_lines(view: View, course: Course, session: Session | None, *, can_begin: bool) -> tuple[Line, ...]:
    """What the step has to do and what to press; then what an earlier session left open, or who else acts here."""
    about = claim_lines(session.hold) if session is not None else offer_lines(view.left_open)
    return (*_of_step(view, course, can_begin=can_begin), *about)


def _of_step(view: View, course: Course, *, can_begin: bool) -> tuple[Line, ...]:
    match course.step:
        case Step.PREFLIGHT:
            return preflight_lines(view)
        case Step.CLEANUP | Step.REPLAY:
            lines = plan_lines(course.plan, in_session=view.in_session, can_begin=can_begin)
            if course.step is Step.CLEANUP and view.can_retire and course.aside is None:
                told = muted(" retires the records of a release that another has replaced")
                return (*lines, line(accent("t"), told))
            return lines
        case Step.VERIFY:
            return (line(*health_spans(view.health), muted("   live, until all is green")),)
        case Step.REPORT:
            return ()


def work_lines(busy: str, trouble: str, course: Course) -> tuple[Line, ...]:
    """What is under way, else what went wrong, else how the last entry ended."""
    if busy:
        return (line(muted(busy)),)
    if trouble:
        return (line(bad("✗ "), trouble),)
    return (outcome_line(course.last),) if course.last is not None else ()


def whole_report(view: View, session: Session | None, check: DrillCheck | None) -> tuple[Line, ...]:
    """The report of the newest session, under how the drill stands where there is one."""
    lines = drill_lines(view.drill, check)
    if session is None:
        return (*lines, line(muted("No session yet: nothing was changed, there is nothing to report.")))
    return (*lines, *report_lines(session_markdown(session), hand_back(session)))
