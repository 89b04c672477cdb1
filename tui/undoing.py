"""``refloat journal undo``: puts back what an earlier session did, one confirmed resource at a time."""

import argparse
import sys
from contextlib import suppress

from tui import past, show
from tui.asking import answered
from tui.commands import opened
from tui.contract.model import Contract
from tui.faults import Exit, Fault, UsageFault
from tui.journals import chosen
from tui.opening import state_directory
from tui.options import options_of
from tui.planning import claimed
from tui.recovery import report
from tui.recovery.journal import sessions
from tui.recovery.outcome import Status
from tui.recovery.plan import Entry, Plan
from tui.recovery.session import Session
from tui.text import clean


async def undo(arguments: argparse.Namespace, contract: Contract) -> Exit:
    """``refloat journal undo [SESSION]``: exits 0 when all that was confirmed is restored, 1 when anything was refused.

    Without a name it is the newest session that is no undo itself.
    """
    if not sys.stdin.isatty():
        raise UsageFault("there is nobody to ask: every restoration is confirmed for itself, at a terminal")
    name = _named(arguments.session)
    async with opened(contract, options_of(arguments)) as link:
        session = await past.begin(link, contract, lambda each: claimed(each, arguments), undoing=True)
        try:
            refused = await _undo(session, name)
        finally:
            with suppress(Fault):
                await session.close()
    if arguments.output == "json":
        show.print_json(report.session_json(session))
    elif arguments.output == "markdown":
        show.print_lines(report.session_markdown(session))
    return Exit.BLOCKED if refused else Exit.CLEAN


def _named(name: str | None) -> str:
    found = sessions(state_directory())
    return chosen(found if name else tuple(each for each in found if not past.is_undo(each)), name)[-1].name


async def _undo(session: Session, name: str) -> int:
    """Asks for each restoration; how many were refused. Raises Fault where nothing of the session can be undone."""
    # Read again: what it had left open was brought to its end meanwhile.
    (recorded,) = chosen(sessions(state_directory()), name)
    if recorded.busy:
        raise Fault(f"session {name} is under way: end it first")
    if not recorded.reading.intact:
        raise Fault(f"the journal of session {name} is damaged ({recorded.reading.fault}): nothing is undone from it")
    plan = await session.plan_undo(past.past(recorded))
    for line in plan.advice:
        _say("note", line)
    for ref, why in plan.left_out:
        _say("left", f"{ref.label}: {why}")
    if not plan.entries:
        raise Fault(f"there is nothing of session {name} to restore")
    return sum([await _refused(session, plan, entry) for entry in plan.entries])


async def _refused(session: Session, plan: Plan, entry: Entry) -> bool:
    asked = await session.look_when_free(plan, entry)
    if not asked.allowed:
        _say("refused", f"{entry.ref.label}: {asked.refusal}")
        return True
    if not await answered(asked):
        session.skip(entry)
        _say("skipped", f"{entry.ref.label}: by the operator")
        return False
    outcome = await session.carry_out(plan, asked, asked.typed)
    _say(outcome.status.value, outcome.text)
    return outcome.status is not Status.DONE


def _say(status: str, text: str) -> None:
    print(f"{status:8} {clean(text)}", file=sys.stderr)
