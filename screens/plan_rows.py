"""The plan of a step and how its entries ended, as lines and rows. Pure."""

from collections.abc import Iterable
from typing import Final

from tui.recovery.outcome import Outcome, Status
from tui.recovery.plan import Action, Entry, Plan
from tui.widgets.spans import Line, Role, Row, Span, bad, good, line, muted, plural, strong, warn

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


def outcome_line(outcome: Outcome | None) -> Line:
    """How the last entry ended."""
    if outcome is None:
        return ()
    label = outcome.entry.ref.label
    told = outcome.text.removeprefix(label).strip()
    return line(OUTCOMES[outcome.status], "  ", strong(label), f"  {told}")
