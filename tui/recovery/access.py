"""Which rights the plans of a session need, which of them are lacking, and the rule to ask for. Pure but for one ask.

Rights are asked for before the first action, all at once. What lacks one is left out by name and the rest goes on.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

import yaml

from tui.contract.model import Contract
from tui.faults import Fault
from tui.objects import Inventory, Json, KindKey
from tui.recovery.plan import Action, Entry, Plan
from tui.recovery.ports import Access
from tui.text import clean

VERBS: Final[Mapping[Action, tuple[str, ...]]] = {
    Action.ADOPT: ("get", "patch"),
    # What is created by a POST may be handed over by a patch: to a release that applies server-side.
    Action.RECREATE: ("get", "delete", "create", "patch"),
    Action.DELETE: ("get", "delete"),
    Action.CREATE: ("get", "create", "patch"),
    Action.RETIRE: ("get", "delete"),
    Action.REPAIR: ("get", "patch"),
    Action.RECONCILE: ("get", "patch"),
    Action.RESUME: ("get", "patch"),
    Action.UNFINALIZE: ("get", "patch"),
    Action.RESTORE: ("get", "create", "patch", "delete"),
}
"""The verbs that each action's requests need on its object."""

LEASES: Final = ("coordination.k8s.io", "leases")
EVENTS: Final = ("", "events")
LEASE_VERBS: Final = ("get", "create", "patch")
EVENTS_OF_ALL: Final = "default"
"""Where the Events of objects without a namespace are recorded."""


class Asker(Protocol):
    """The part of a reader that asks for rights."""

    async def allowed(self, questions: Sequence[Access]) -> Sequence[bool | None]:
        """One answer a question, in order; None where the review itself failed."""
        ...


@dataclass(frozen=True, slots=True)
class Rights:
    """What was asked and answered: True, False, or None where the review failed. ``beside`` are those for Leases and
    Events, without which a session goes on, warned."""

    answers: Mapping[Access, bool | None]
    beside: frozenset[Access] = frozenset()

    def may(self, access: Access) -> bool | None:
        """Whether one thing is allowed, by its kind and namespace or by its very name; None where that is not known."""
        by_kind = self.answers.get(replace(access, name=None))
        return by_kind if by_kind or access.name is None else self.answers.get(access, by_kind)

    @property
    def lacking(self) -> tuple[str, ...]:
        """A line for every right that is denied or could not be asked for; of one that names alone grant, none."""
        lines: dict[str, None] = {}
        for access in self._missed():
            kind = f"{access.plural}.{access.group}" if access.group else access.plural
            where = f" in {access.namespace}" if access.namespace else ""
            named = f" {access.name}" if access.name else ""
            unsure = "" if self.may(access) is False else " (could not be verified)"
            lines[clean(f"{access.verb} {kind}{named}{where}{unsure}", 400)] = None
        return tuple(lines)

    def _missed(self) -> list[Access]:
        named = [access for access in self.answers if access.name is not None]
        whole = {replace(access, name=None) for access in named}
        return [a for a in self.answers if (a.name is not None or a not in whole) and self.may(a) is not True]

    @property
    def rule(self) -> str:
        """The RBAC rules to ask for, as YAML: for the cluster and each namespace; empty where none is lacking."""
        scopes: dict[str | None, dict[tuple[str, str], dict[str, None]]] = {}
        for access in self._missed():
            kinds = scopes.setdefault(access.namespace, {})
            kinds.setdefault((access.group, access.plural), {})[access.verb] = None
        documents = [_role(space, kinds) for space, kinds in sorted(scopes.items(), key=lambda pair: pair[0] or "")]
        return yaml.safe_dump_all(documents, sort_keys=False) if documents else ""

    @property
    def told(self) -> tuple[str, ...]:
        """Every lacking right in a line, then the rule to ask for; nothing where none is lacking."""
        if not self.lacking:
            return ()
        return (*(f"you lack the right: {line}" for line in self.lacking), "the rule to ask for:", self.rule.rstrip())

    def without(self, entry: Entry, inventory: Inventory) -> str:
        """Why an entry is left out for want of rights; empty where none is known to be lacking."""
        denied = [access for access in _of(entry, inventory) if self.may(access) is False]
        if not denied:
            return ""
        verbs = ", ".join(dict.fromkeys(access.verb for access in denied))
        return f"you lack the right to {verbs} {denied[0].plural}{_where(denied[0])}"

    def within(self, plan: Plan, inventory: Inventory) -> Plan:
        """The plan without what this user may not do, each left out by name, and what rested on it too."""
        lacks = {entry.ref.key: why for entry in plan.all if (why := self.without(entry, inventory))}
        if not lacks:
            return plan
        before = len(plan.left_out)
        rest = plan.without(lacks)
        told = tuple((ref, lacks.get(ref.key, why)) for ref, why in rest.left_out[before:])
        offered = tuple((e.ref, lacks[e.ref.key]) for e in plan.offered if e.ref.key in lacks)
        return replace(rest, left_out=(*plan.left_out, *told, *offered))


def _where(access: Access) -> str:
    return f" in {access.namespace}" if access.namespace else ""


def _role(space: str | None, kinds: Mapping[tuple[str, str], Mapping[str, None]]) -> Json:
    rules = [
        {"apiGroups": [group], "resources": [plural], "verbs": list(verbs)} for (group, plural), verbs in kinds.items()
    ]
    meta: Json = {"name": "refloat-recovery"} | ({"namespace": space} if space else {})
    kind = "Role" if space else "ClusterRole"
    return {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": meta, "rules": rules}


def _of(entry: Entry, inventory: Inventory) -> tuple[Access, ...]:
    """Every verb that an entry needs on its own object; a create cannot be granted by name."""
    served = inventory.served.get(KindKey(entry.ref.group, entry.ref.kind))
    if served is None:
        return ()
    space, name = entry.ref.namespace, entry.ref.name
    return tuple(
        Access(verb, served.group, served.plural, space, None if verb == "create" else name)
        for verb in VERBS[entry.action]
    )


def needed(plans: Iterable[Plan], inventory: Inventory) -> tuple[Access, ...]:
    """Every verb on every kind and namespace that some entry needs, once each."""
    entries = [entry for plan in plans for entry in plan.all]
    return tuple(dict.fromkeys(replace(access, name=None) for entry in entries for access in _of(entry, inventory)))


def beside(contract: Contract, plans: Iterable[Plan]) -> tuple[Access, ...]:
    """What a session does beside its entries: its Lease in every family's namespace, an Event on every object."""
    spaces = dict.fromkeys(family.namespace for family in contract.releases)
    found = [Access(verb, *LEASES, space) for space in spaces for verb in LEASE_VERBS]
    told = dict.fromkeys(entry.ref.namespace or EVENTS_OF_ALL for plan in plans for entry in plan.all)
    return (*found, *(Access("create", *EVENTS, space) for space in told))


async def ask(reader: Asker, contract: Contract, plans: Iterable[Plan], inventory: Inventory) -> Rights:
    """Asks for every right that the plans need, all at once; what is denied for a kind is then asked for by name.

    Raises no Fault: what could not be asked is not known.
    """
    every = tuple(plans)
    entries = [entry for plan in every for entry in plan.all]
    aside = beside(contract, every) if entries else ()
    answers = await _answers(reader, (*needed(every, inventory), *aside))
    by_name = dict.fromkeys(
        access
        for entry in entries
        for access in _of(entry, inventory)
        if access.name is not None and not answers.get(replace(access, name=None))
    )
    return Rights(answers | await _answers(reader, tuple(by_name)), frozenset(aside))


async def _answers(reader: Asker, questions: tuple[Access, ...]) -> dict[Access, bool | None]:
    if not questions:
        return {}
    try:
        answers = await reader.allowed(questions)
    except Fault:
        return dict.fromkeys(questions)
    return dict(zip(questions, answers, strict=True))
