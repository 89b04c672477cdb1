"""``refloat reconcile OWNER``: asks an owner to act now, as the contract says how; through a session."""

import argparse
import sys
from contextlib import suppress

from tui import show
from tui.asking import says_yes
from tui.commands import opened
from tui.contract.model import Contract, Owner
from tui.faults import Exit, Fault, Unverified, UsageFault
from tui.objects import Inventory, Ref
from tui.options import options_of
from tui.ownership.liveness import FLUX_GROUPS
from tui.ownership.pulumi_mends import refresh_warning
from tui.planning import claimed, permitted
from tui.recovery import report
from tui.recovery.mend_flux import target_of
from tui.recovery.session import Session
from tui.text import clean


async def reconcile(arguments: argparse.Namespace, contract: Contract) -> Exit:
    """``refloat reconcile OWNER [--yes]``: asks, annotates, and waits until the owner's controller has answered.

    Exits 0 when it has, 1 when it was refused, or has not been answered.
    """
    owner = _owner(contract, arguments.owner)
    if not arguments.yes and not sys.stdin.isatty():
        raise UsageFault("there is nobody to ask; give --yes to reconcile without a question")
    async with opened(contract, options_of(arguments)) as link:
        session = await link.begin()
        try:
            await claimed(session, arguments)
            assessment = await session.refresh()
            done = await _ask(session, _target(owner, assessment.inventory), yes=arguments.yes)
        finally:
            with suppress(Fault):
                await session.close()
    if arguments.output == "json":
        show.print_json(report.session_json(session))
    elif arguments.output == "markdown":
        show.print_lines(report.session_markdown(session))
    return session.exit_code if done else Exit.BLOCKED


def _owner(contract: Contract, name: str) -> Owner:
    """The owner of this name, which an annotation makes reconcile. Raises UsageFault for any other."""
    able = [o.name for o in contract.owners.values() if o.reconcile is not None and o.reconcile.kind]
    owner = contract.owners.get(name)
    if owner is not None and owner.name in able:
        return owner
    if owner is not None and owner.reconcile is not None and owner.reconcile.command:
        command = owner.reconcile.command
        raise UsageFault(
            f"{owner.title} reconciles by a command of its own, run it yourself: {command}{refresh_warning(command)}"
        )
    known = ", ".join(able) or "nobody"
    raise UsageFault(f"the contract does not say how {clean(name, 200)} is asked to reconcile (it does for: {known})")


def _target(owner: Owner, inventory: Inventory) -> Ref:
    """The object to annotate. Raises Fault where it does not exist, Unverified where that could not be told."""
    found = target_of(owner, inventory)
    if found is not None:
        return found
    wanted = owner.reconcile
    kind = wanted.kind or "" if wanted else ""
    named = f"{kind} {wanted.namespace}/{wanted.name}" if wanted else owner.name
    gap = inventory.gap(FLUX_GROUPS.get(kind, ""), kind)
    if gap is not None:
        raise Unverified(f"{named} could not be looked for: {gap.text}")
    raise Fault(f"{named} does not exist: there is nothing to ask; refloat preflight says what is missing")


async def _ask(session: Session, ref: Ref, *, yes: bool) -> bool:
    """Asks the one object to reconcile; whether it was asked at all."""
    plan = await permitted(session, await session.plan_reconcile([ref]))
    if not plan.entries:
        for left, why in plan.left_out:
            print(f"refused  reconcile {clean(left.label)}: {clean(why)}", file=sys.stderr)
        return False
    (entry,) = plan.entries
    question = await session.look_when_free(plan, entry)
    if question.allowed and not yes:
        for text in (entry.why, f"then: {entry.then}", f"dry run: {question.dry_run}"):
            print(f"  {clean(text)}")
        if not await says_yes(f"reconcile {clean(ref.label)}: y does it, anything else leaves it: "):
            session.skip(entry)
            return True
    outcome = await session.carry_out(plan, question, question.typed)
    print(f"{outcome.status.value:8} reconcile {clean(ref.label)}: {clean(outcome.text)}", file=sys.stderr)
    return True
