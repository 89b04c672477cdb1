"""The dry runs of a whole plan before its first change: one look at everything, then every entry tried.

A dry run sees the cluster as it is: what an earlier entry makes or takes away first cannot be tried before that, and
says so instead of failing.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from tui.contract.model import Contract
from tui.faults import Fault
from tui.helm.model import Document
from tui.objects import Inventory, Json, Key, KindKey, Live, Ref
from tui.ownership.model import Assessment
from tui.ownership.references import BINDINGS, CRD, dig
from tui.recovery import retire
from tui.recovery.gate import Look, judge, kinds_to_reread, pins_of
from tui.recovery.masking import visible
from tui.recovery.plan import Action, Entry, Plan
from tui.recovery.ports import Reader
from tui.recovery.question import Trial
from tui.recovery.steps import Writer
from tui.recovery.trial import try_out

CONCURRENT: Final = 4
"""Dry runs, or reads, under way at once: admission webhooks are asked by each."""

_MAKES: Final = frozenset({Action.CREATE, Action.RESTORE})


@dataclass(frozen=True, slots=True)
class Seen:
    """One look at everything that a plan is about. ``bodies`` by the entries' ids, None for 404; a Fault where one
    object could not be read."""

    inventory: Inventory
    bodies: Mapping[str, Json | Fault | None]


async def look_at_all(plan: Plan, known: Assessment, reader: Reader) -> Seen:
    """Reads every entry's object and all that they rest on. Raises Fault where the lists cannot be read at all."""
    kinds: set[KindKey] = set()
    for entry in plan.all:
        kinds |= kinds_to_reread(entry, known.inventory) | retire.kinds_to_reread(entry, known)
    inventory = await reader.relist(known.inventory, kinds) if kinds else known.inventory
    limit = asyncio.Semaphore(CONCURRENT)

    async def read(entry: Entry) -> Json | Fault | None:
        async with limit:
            try:
                return await reader.get(entry.ref)
            except Fault as fault:
                return fault

    found = await asyncio.gather(*(read(entry) for entry in plan.all))
    bodies = {entry.id: body for entry, body in zip(plan.all, found, strict=True)}
    objects = dict(inventory.objects)
    for entry in plan.all:
        body = bodies[entry.id]
        if isinstance(body, dict):
            objects[entry.ref.key] = Live.of(visible(body))
        elif body is None:
            objects.pop(entry.ref.key, None)
    return Seen(replace(inventory, objects=objects), bodies)


class Company:
    """A plan's entries together: what each awaits of the others, and what the server says to each."""

    def __init__(
        self,
        contract: Contract,
        plan: Plan,
        assessment: Assessment,
        bodies: Mapping[str, Json | Fault | None],
        writer: Writer,
    ) -> None:
        self._contract = contract
        self._plan = plan
        self._assessment = assessment
        self._bodies = bodies
        self._writer = writer
        self._pins = pins_of(contract, assessment)
        self._tried = 0

    async def rehearse(self, report: Callable[[int, int], None]) -> dict[str, Trial]:
        """The answers by the entries' ids, in the plan's order."""
        limit, entries = asyncio.Semaphore(CONCURRENT), self._plan.all

        async def one(entry: Entry) -> Trial:
            async with limit:
                trial = await self._try(entry)
            self._tried += 1
            report(self._tried, len(entries))
            return trial

        report(0, len(entries))
        async with asyncio.TaskGroup() as group:
            tasks = {entry.id: group.create_task(one(entry)) for entry in entries}
        return {name: task.result() for name, task in tasks.items()}

    async def _try(self, entry: Entry) -> Trial:
        body = self._bodies[entry.id]
        if isinstance(body, Fault):
            return Trial(ok=False, text=f"it could not be tried: {body}")
        first = next(self._awaited(entry), "")
        if first:
            return Trial(ok=True, text=f"it cannot be tried before {first}", awaits=first)
        look = Look(self._assessment, body, self._pins)
        refusal = judge(self._contract, entry, self._plan.pins, look)
        if refusal is not None:
            return Trial(ok=False, text=f"the gate refuses it: {refusal.why}")
        view = self._assessment.family(entry.family) if entry.family else None
        trial = await try_out(self._contract, self._plan.pins, entry, look, view, self._writer)
        needs = self._role(entry) if not trial.ok else ""
        return Trial(ok=True, text=f"it cannot be tried before {needs}", awaits=needs) if needs else trial

    def _awaited(self, entry: Entry) -> Iterator[str]:
        """What earlier entries have to do first, in words."""
        live = self._assessment.inventory.objects
        leaving = {each.ref.key: each.ref for each in self._earlier(entry) if each.action is Action.DELETE}
        yield from (f"{leaving[key].label} has left" for key in entry.rests_on if key in leaving and key in live)
        if entry.action not in _MAKES:
            return
        for each in self._earlier(entry):
            if each.action in _MAKES and (each.ref.key == _space(entry.ref) or _defines(each, entry.ref)):
                yield f"{each.ref.label} is there"

    def _role(self, entry: Entry) -> str:
        """The role that an earlier entry makes and this binding grants: whoever grants must see what it holds."""
        if entry.ref.kind_key not in BINDINGS or entry.document is None:
            return ""
        ref = entry.document.body.get("roleRef")
        name, kind = dig(ref, ("name",)), dig(ref, ("kind",))
        made = [each.ref for each in self._earlier(entry) if each.action in _MAKES and each.ref.kind == kind]
        return next((f"{each.label} is there" for each in made if each.name == name), "")

    def _earlier(self, entry: Entry) -> Iterator[Entry]:
        for each in self._plan.all:
            if each is entry:
                return
            yield each


def _space(ref: Ref) -> Key | None:
    return Key("", "Namespace", None, ref.namespace) if ref.namespace else None


def _defines(each: Entry, ref: Ref) -> bool:
    """Whether an entry's CRD is what defines the kind of an object."""
    return each.document is not None and defines(each.document, ref)


def defines(document: Document, ref: Ref) -> bool:
    """Whether a document is the CRD that defines the kind of an object."""
    if document.ref.kind_key != CRD:
        return False
    spec = document.body.get("spec")
    return (dig(spec, ("group",)), dig(spec, ("names", "kind"))) == (ref.group, ref.kind)
