"""The plan of a step and how its entries ended, as lines and rows. Pure."""

from collections.abc import Iterable, Mapping
from typing import Final

from tui.recovery.outcome import Outcome, Status
from tui.recovery.plan import Action, Entry, Plan
from tui.recovery.question import Trial
from tui.widgets.spans import Line, Role, Row, Span, bad, good, line, muted, plural, strong, warn

ACTIONS: Final = {
    Action.ADOPT: ("~ adopt", Role.ACCENT),
    Action.RECREATE: ("± recreate", Role.WARN),
    Action.DELETE: ("- delete", Role.BAD),
    Action.CREATE: ("+ create", Role.GOOD),
    Action.RETIRE: ("- retire", Role.BAD),
    Action.REPAIR: ("~ repair", Role.WARN),
    Action.RESTORE: ("+ restore", Role.WARN),
    Action.RECONCILE: ("» reconcile", Role.ACCENT),
    Action.RESUME: ("» resume", Role.ACCENT),
    Action.UNFINALIZE: ("- finalizer", Role.BAD),
}
"""What an entry does, as a symbol and a word."""

OUTCOMES: Final = {
    Status.DONE: good("✓ done"),
    Status.REFUSED: warn("✗ refused"),
    Status.FAILED: bad("✗ failed"),
    Status.SKIPPED: muted("· skipped"),
    Status.IN_DOUBT: bad("? in doubt"),
}


def headings(trials: Mapping[str, Trial], *, wide: bool) -> tuple[str, ...]:
    """The titles of the plan's columns. On a narrow screen the reason stands below the table, with what comes next."""
    tried = ("dry run",) if trials else ()
    titles = ("op", "kind", "namespace/name", *tried, "owner now", "after")
    return (*titles, "why") if wide else titles


def plan_rows(plan: Plan, ended: Iterable[Outcome], trials: Mapping[str, Trial], *, wide: bool) -> list[Row]:
    """The plan's table; below it what is only done where one asks for it, what ended badly, and what is not planned.

    ``trials`` are the dry runs of the entries, by their ids.
    """
    rows = [_entry_row(entry, trials, wide=wide) for entry in plan.entries]
    if not rows:
        rows.append(Row.note(good("✓ nothing to do in this step")))
    if plan.offered:
        rows.append(Row.note(muted("offered, done only where you ask for it:")))
        rows += [_entry_row(entry, trials, wide=wide) for entry in plan.offered]
    tried = ((entry, trials.get(entry.id)) for entry in plan.all)
    refused = [(entry, trial) for entry, trial in tried if trial is not None and not trial.ok and not trial.awaits]
    rows += [Row.note(bad("✗ dry run"), f"  {entry.ref.label}: {trial.text}") for entry, trial in refused]
    last = {one.entry.id: one for one in ended}
    bad_ends = [one for one in last.values() if one.status in BAD_ENDS]
    rows += [Row.note(OUTCOMES[one.status], f"  {one.entry.ref.label}: {one.text}") for one in bad_ends]
    if plan.left_out:
        rows.append(Row.note(muted(f"not in this plan, {plural(len(plan.left_out), 'resource')}:")))
        rows += [Row.note("  ", ref.label, muted(f"  {why}")) for ref, why in plan.left_out]
    return rows


BAD_ENDS: Final = (Status.IN_DOUBT, Status.FAILED, Status.REFUSED)
"""The ends that need a look, what needs it first in front."""


def trial_span(trial: Trial | None) -> Span:
    """How a dry run went, in a symbol and a word."""
    if trial is None:
        return muted("")
    if trial.awaits:
        return muted("… later")
    return good("✓ ok") if trial.ok else bad("✗ no")


def after(entry: Entry) -> str:
    """Who has the resource once the entry is done."""
    return AFTER.get(entry.action) or entry.release or entry.owner_now


AFTER: Final = {
    Action.DELETE: "gone",
    Action.RETIRE: "gone",
    Action.UNFINALIZE: "nobody",
    Action.RESUME: "Flux",
    Action.RECONCILE: "Flux",
}
"""Who has the resource after an action that gives it to no release."""


def _entry_row(entry: Entry, trials: Mapping[str, Trial], *, wide: bool) -> Row:
    tried = (line(trial_span(trials.get(entry.id))),) if trials else ()
    cells = (line(Span(*ACTIONS[entry.action])), line(entry.ref.kind), line(entry.ref.path), *tried)
    owners = (line(entry.owner_now), line(after(entry)))
    return Row(entry.id, (*cells, *owners, line(entry.why)) if wide else (*cells, *owners))


def entry_lines(entry: Entry | None, trial: Trial | None = None) -> tuple[Line, ...]:
    """One entry of the plan told whole."""
    if entry is None:
        return ()
    lines = [
        line(Span(*ACTIONS[entry.action]), "  ", strong(entry.ref.label)),
        *_tried(trial),
        line(muted("why    "), entry.why),
        line(muted("owner  "), entry.owner_now, muted(" → "), after(entry)),
        line(muted("then   "), entry.then),
    ]
    lines += [line(muted("used   "), use) for use in entry.used_by]
    lines += [line(muted("       " if index else "data   "), loss) for index, loss in enumerate(entry.losses)]
    if entry.rests_on:
        lines.append(line(muted("after  "), f"{plural(len(entry.rests_on), 'entry', 'entries')} that must leave first"))
    if entry.typed:
        lines.append(line(warn("! "), f"asks for its name, typed: {entry.typed}"))
    return tuple(lines)


def _tried(trial: Trial | None) -> tuple[Line, ...]:
    if trial is None:
        return ()
    fine = trial.ok or trial.awaits
    return (line(muted("tried  "), Span(trial.text) if fine else bad(f"✗ {trial.text}")),)


def plan_lines(
    plan: Plan | None, foretold: Iterable[str] = (), *, in_session: bool, can_begin: bool
) -> tuple[Line, ...]:
    """What stands above a plan: how many entries, the advice, what the server foretells, and what to press."""
    if plan is None:
        return (line(muted("planning...")),)
    counts = ", ".join(
        f"{number} to {action.value}"
        for action in Action
        if (number := sum(entry.action is action for entry in plan.entries))
    )
    if plan.offered:
        counts = f"{counts or 'nothing to do'}, {len(plan.offered)} offered"
    lines = [line(strong(counts or "nothing to do"), _hint(plan, in_session=in_session, can_begin=can_begin))]
    lines += [line(warn("! "), text) for text in (*plan.advice, *foretold)]
    return tuple(lines)


def _hint(plan: Plan, *, in_session: bool, can_begin: bool) -> Span:
    if not plan.all:
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
