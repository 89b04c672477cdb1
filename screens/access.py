"""Which rights the plans of a session need, and how a lacking one is told. Pure."""

from collections.abc import Iterable, Sequence
from typing import Final

from tui.objects import Inventory, KindKey
from tui.recovery.plan import Action, Plan
from tui.recovery.ports import Access

VERBS: Final = {
    Action.ADOPT: ("get", "patch"),
    Action.RECREATE: ("get", "delete", "create"),
    Action.DELETE: ("get", "delete"),
    Action.CREATE: ("get", "create"),
    Action.RETIRE: ("get", "delete"),
}


def needed(plans: Iterable[Plan], inventory: Inventory) -> tuple[Access, ...]:
    """Every verb on every kind and namespace that some entry needs, once each."""
    found: dict[Access, None] = {}
    for plan in plans:
        for entry in plan.entries:
            served = inventory.served.get(KindKey(entry.ref.group, entry.ref.kind))
            if served is None:
                continue
            for verb in VERBS[entry.action]:
                found[Access(verb, served.group, served.plural, entry.ref.namespace)] = None
    return tuple(found)


def lacking(questions: Sequence[Access], answers: Sequence[bool | None]) -> tuple[str, ...]:
    """A line for every right that is denied or could not be asked for."""
    lines = []
    for access, allowed in zip(questions, answers, strict=True):
        if allowed is True:
            continue
        kind = f"{access.plural}.{access.group}" if access.group else access.plural
        where = f" in {access.namespace}" if access.namespace else ""
        lines.append(f"{access.verb} {kind}{where}" + ("" if allowed is False else " (could not be verified)"))
    return tuple(lines)
