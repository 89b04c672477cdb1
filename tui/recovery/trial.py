"""Trying an entry by the API server's dry run before it is put to the operator. Changes nothing."""

from tui.contract.model import Contract
from tui.faults import ApiFault, Fault, Unverified
from tui.objects import Json
from tui.ownership.model import FamilyView
from tui.recovery import requests
from tui.recovery.gate import Look, Refusal, admit
from tui.recovery.masking import hushed
from tui.recovery.plan import Action, Entry, Pins
from tui.recovery.ports import Answer, Method, Request
from tui.recovery.question import Trial
from tui.recovery.steps import Writer


async def try_out(contract: Contract, pins: Pins, entry: Entry, look: Look, view: FamilyView, writer: Writer) -> Trial:
    """The server's word on a dry run of an entry, through the gate like any other request."""

    async def send(request: Request) -> Answer:
        admitted = admit(contract, entry, pins, look, None, request)
        if isinstance(admitted, Refusal):
            raise Fault(admitted.why)
        try:
            return await writer.send(admitted)
        except Fault as fault:
            raise hushed(fault, entry.ref) from None

    async def recreated() -> Json:
        """The create half: only "already exists" says that nothing but the old object is in the way."""
        manager = requests.keeper_of(view, look.assessment.inventory, look.body).manager
        body = requests.replayed(entry, view.family.namespace)
        try:
            await send(requests.create(entry, body, manager, dry_run=True))
        except ApiFault as fault:
            if fault.reason == "AlreadyExists":
                return body
            raise
        raise Fault(f"{entry.ref.label} could be created now: it is gone meanwhile")

    request = requests.first(entry, look.body, view, look.assessment.inventory, dry_run=True)
    try:
        answer = await send(request)
        result = None if request.method is Method.DELETE else answer.body
        if entry.action is Action.RECREATE:
            result = await recreated()
    except Unverified as fault:
        return Trial(ok=False, text=f"it could not be tried: {fault}")
    except Fault as fault:
        return Trial(ok=False, text=f"the server would refuse it: {fault}")
    told = () if entry.ref.kind == "Secret" else answer.warnings
    warned = f"; it warns: {'; '.join(told)}" if told else ""
    return Trial(ok=True, text=f"the server would accept it{warned}", result=result)
