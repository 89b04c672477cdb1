"""How far each action of a session came, told from its journal alone. Pure.

Journal entries about one action carry its id in the field ``entry`` (the id of the plan's entry); a ``planned`` one
lists ids, or mappings with such a field, in ``entries``.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from tui.ownership.conditions import integer, mapping, sequence
from tui.recovery.chain import Entry


class ActionState(StrEnum):
    """How far an action came. ``IN_DOUBT`` and ``ANSWERED`` need a fresh look at the cluster before anything else."""

    PENDING = "pending"
    IN_DOUBT = "in doubt"
    """A request was announced and its answer is not known: it may have been done, in whole or not at all."""
    ANSWERED = "answered"
    """The API server accepted a request; further steps or the proof of its effect are outstanding."""
    DONE = "done"
    REFUSED = "refused"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class ActionProgress:
    """One action: its state, what the last request was, and where its object was saved.

    ``step`` of ``steps`` is the last request announced (0 before the first); ``answered`` counts the steps that the
    API server accepted. ``details`` is what the plan said of it; ``backup`` is what the entry ``saved`` named.
    """

    id: str
    state: ActionState = ActionState.PENDING
    confirmed: bool = False
    step: int = 0
    steps: int = 1
    answered: int = 0
    backup: str = ""
    why: str = ""
    sent: Mapping[str, Any] | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


def progress_of(entries: Iterable[Entry]) -> Mapping[str, ActionProgress]:
    """Every action of a session by its id, in the order in which the journal first names it.

    An action that is planned again is pending again, unless it is done, in doubt or answered: nothing is done twice.
    """
    known: dict[str, ActionProgress] = {}
    for entry in entries:
        if entry.kind == "planned":
            for one in sequence(entry.fields.get("entries")):
                _plan(known, {"entry": one} if isinstance(one, str) else mapping(one))
        elif step := _STEPS.get(entry.kind):
            identity = _id(entry.fields)
            if identity:
                known[identity] = step(known.get(identity, ActionProgress(identity)), entry.fields)
    return known


_Step = Callable[[ActionProgress, Mapping[str, Any]], ActionProgress]


def _id(fields: Mapping[str, Any]) -> str:
    named = fields.get("entry")
    if isinstance(named, str) and named:
        return named
    ref = mapping(fields.get("ref"))
    if not ref:
        return ""
    path = f"{ref['namespace']}/{ref.get('name')}" if ref.get("namespace") else ref.get("name")
    return f"{fields.get('action')} {ref.get('kind')} {path}"


_SETTLED = (ActionState.DONE, ActionState.IN_DOUBT, ActionState.ANSWERED)


def _plan(known: dict[str, ActionProgress], details: Mapping[str, Any]) -> None:
    identity = _id(details)
    if not identity:
        return
    before = known.get(identity)
    if before and before.state in _SETTLED:
        return
    known[identity] = ActionProgress(identity, backup=before.backup if before else "", details=details)


def _saved(before: ActionProgress, fields: Mapping[str, Any]) -> ActionProgress:
    return replace(before, backup=str(fields.get("backup") or before.backup))


def _sending(before: ActionProgress, fields: Mapping[str, Any]) -> ActionProgress:
    step, steps = integer(fields.get("step")) or 1, integer(fields.get("steps")) or 1
    return replace(before, state=ActionState.IN_DOUBT, step=step, steps=max(step, steps), sent=fields)


def _answered(before: ActionProgress, fields: Mapping[str, Any]) -> ActionProgress:
    code = integer(fields.get("code")) or 0
    why = str(fields.get("message") or fields.get("reason") or "")
    if 200 <= code < 300:
        return replace(before, state=ActionState.ANSWERED, answered=max(before.answered, before.step), why=why)
    # A refusal by status 4xx changed nothing; after any other failure, or none, the request may have been done.
    # An earlier step that was accepted stays done, so a later refusal leaves the action half done.
    if 400 <= code < 500:
        return replace(before, state=ActionState.ANSWERED if before.answered else ActionState.REFUSED, why=why)
    return replace(before, state=ActionState.IN_DOUBT, why=why)


def _doubted(before: ActionProgress, fields: Mapping[str, Any]) -> ActionProgress:
    return replace(before, state=ActionState.IN_DOUBT, why=str(fields.get("why") or before.why))


def _failed(before: ActionProgress, fields: Mapping[str, Any]) -> ActionProgress:
    """A failure after an accepted or unanswered request leaves the action where it was: the cluster must be asked."""
    open_ended = before.state in (ActionState.ANSWERED, ActionState.IN_DOUBT)
    state = before.state if open_ended else ActionState.REFUSED
    return replace(before, state=state, why=str(fields.get("why") or before.why))


def _ended(state: ActionState) -> _Step:
    def step(before: ActionProgress, fields: Mapping[str, Any]) -> ActionProgress:
        return replace(before, state=state, why=str(fields.get("why") or fields.get("reason") or before.why))

    return step


_STEPS: Mapping[str, _Step] = {
    "confirmed": lambda before, _: replace(before, confirmed=True),
    "saved": _saved,
    "sending": _sending,
    "answered": _answered,
    "in-doubt": _doubted,
    "failed": _failed,
    "done": _ended(ActionState.DONE),
    "refused": _ended(ActionState.REFUSED),
    "skipped": _ended(ActionState.SKIPPED),
}
