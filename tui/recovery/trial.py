"""Trying an entry by the API server's dry run before it is put to the operator. Changes nothing."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

from tui.contract.model import Contract
from tui.faults import ApiFault, Fault, Unverified
from tui.objects import Json, Live
from tui.ownership.model import FamilyView
from tui.recovery import mend_drift, requests, undo
from tui.recovery.gate import Admitted, Look, Refusal, admit
from tui.recovery.masking import hushed
from tui.recovery.mend_drift import Conflict
from tui.recovery.plan import Action, Entry, Pins
from tui.recovery.ports import Answer, Method, Request
from tui.recovery.question import Trial
from tui.recovery.requests import Manner
from tui.recovery.steps import Writer

Send = Callable[[Request, Look], Awaitable[Answer]]

TOKEN = "tried"  # noqa: S105 - what a dry run asks by, no secret
"""The token of a dry run's request to reconcile: nobody ever sees it."""


class TriesOnly:
    """A writer that sends dry runs and nothing else: for what plans, and never acts."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    async def send(self, admitted: Admitted) -> Answer:
        """Sends one dry run. Raises Fault for any other request, and what the writer raises."""
        if not admitted.request.dry_run:
            raise Fault(f"{admitted.request.ref.label} was not sent: a plan only tries")
        return await self._writer.send(admitted)


def sender(contract: Contract, pins: Pins, entry: Entry, writer: Writer) -> Send:
    """Sends the dry runs of an entry, through the gate like any other request."""

    async def send(request: Request, look: Look) -> Answer:
        if not request.dry_run:
            raise ValueError(f"{entry.id} was to be tried, not done")
        admitted = admit(contract, entry, pins, look, None, request)
        if isinstance(admitted, Refusal):
            raise Fault(admitted.why)
        try:
            answer = await writer.send(admitted)
        except Fault as fault:
            raise hushed(fault, entry.ref) from None
        if _stored(request, look, answer):
            raise Unverified(f"the server did not try it but did it: {entry.ref.label} is changed, look at it now")
        return answer

    return send


def _stored(request: Request, look: Look, answer: Answer) -> bool:
    """Whether a dry run left a new version of its object, as only a server does that takes no notice of the word."""
    before = Live.of(look.body or {}).resource_version if request.method is not Method.CREATE else ""
    after = Live.of(answer.body).resource_version
    return request.method is not Method.DELETE and after not in ("", before)


async def try_out(
    contract: Contract, pins: Pins, entry: Entry, look: Look, view: FamilyView | None, writer: Writer
) -> Trial:
    """The server's word on a dry run of an entry."""
    send = sender(contract, pins, entry, writer)
    request = requests.first(entry, look.body, view, look.assessment.inventory, Manner(dry_run=True, token=TOKEN))
    try:
        answer = await send(request, look)
        result = None if request.method is Method.DELETE else answer.body
        if entry.action is Action.RECREATE and view is not None:
            manager = requests.keeper_of(view, look.assessment.inventory, look.body).manager
            body = requests.replayed(entry, view.family.namespace)
            result = await _recreated(requests.create(entry, body, manager, dry_run=True), look, send)
        elif undo.swaps(entry):
            result = await _recreated(undo.made_again(entry, dry_run=True), look, send)
    except ApiFault as fault:
        if entry.action is Action.REPAIR and fault.conflicts:
            return await _forced(contract, entry, look, request, mend_drift.conflicts_of(fault), send)
        return _refused(entry, fault)
    except Fault as fault:
        return _refused(entry, fault)
    return Trial(ok=True, text=_accepted(entry, answer), result=result)


async def _recreated(request: Request, look: Look, send: Send) -> Json:
    """The create half: only "already exists" says that nothing but the old object is in the way."""
    try:
        await send(request, look)
    except ApiFault as fault:
        if fault.reason == "AlreadyExists" and isinstance(request.body, dict):
            return request.body
        raise
    raise Fault(f"{request.ref.label} could be created now: it is gone meanwhile")


async def _forced(
    contract: Contract, entry: Entry, look: Look, request: Request, conflicts: frozenset[Conflict], send: Send
) -> Trial:
    """What a repair would do if it took the fields that others hold, where it may at all."""
    words = mend_drift.told(conflicts)
    others = mend_drift.untouchable(contract, conflicts, request.manager)
    if others:
        text = f"it would take fields from {', '.join(others)}, which nothing is taken from: {words}"
        return Trial(ok=False, text=text, conflicts=conflicts)
    try:
        answer = await send(replace(request, force=True), replace(look, conflicts=conflicts))
    except Fault as fault:
        return _refused(entry, fault)
    text = f"it conflicts ({words}); by typing its name you take these fields back; {_accepted(entry, answer)}"
    return Trial(ok=True, text=text, result=answer.body, typed=entry.ref.name, conflicts=conflicts)


async def conflicts_now(
    contract: Contract, pins: Pins, entry: Entry, look: Look, view: FamilyView | None, writer: Writer
) -> frozenset[Conflict]:
    """Who holds what a repair would change, on the very object of this look. Raises Fault where that cannot be told."""
    request = requests.first(entry, look.body, view, look.assessment.inventory, Manner(dry_run=True))
    try:
        await sender(contract, pins, entry, writer)(request, look)
    except ApiFault as fault:
        if not fault.conflicts:
            raise
        return mend_drift.conflicts_of(fault)
    return frozenset()


def _refused(entry: Entry, fault: Fault) -> Trial:
    if isinstance(fault, Unverified):
        return Trial(ok=False, text=f"it could not be tried: {fault}")
    if entry.action is Action.REPAIR and isinstance(fault, ApiFault) and fault.code == 422:
        fixed = f"it cannot be changed in place; only another {entry.ref.kind} could be so"
        return Trial(ok=False, text=f"{fixed}: the server would refuse it: {fault}")
    return Trial(ok=False, text=f"the server would refuse it: {fault}")


def _accepted(entry: Entry, answer: Answer) -> str:
    told = () if entry.ref.kind == "Secret" else answer.warnings
    warned = f"; it warns: {'; '.join(told)}" if told else ""
    return f"the server would accept it{warned}"
