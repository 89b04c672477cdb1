"""How far each action of a session came, told from its journal alone. Pure.

Journal entries about one action carry its id in the field ``entry`` (the id of the plan's entry); a ``planned`` one
lists ids, or mappings with such a field, in ``entries``. What the operator decided of it (``confirmed``, ``skipped``,
``refused``) says beside the id what the action is, so that a later process can tell of it and go on with it.
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
    API server accepted. ``details`` is what was planned or decided of it; ``backup`` is what the entry ``saved`` named,
    with the SHA-256 of that file as ``digest``.
    ``sent`` is the last request announced, ``made`` the uid of the object that the last accepted create made; ``left``
    is the fingerprint of the object as a finished action left it.
    """

    id: str
    state: ActionState = ActionState.PENDING
    confirmed: bool = False
    step: int = 0
    steps: int = 1
    answered: int = 0
    backup: str = ""
    digest: str = ""
    why: str = ""
    made: str = ""
    left: str = ""
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


_OPEN = (ActionState.IN_DOUBT, ActionState.ANSWERED)
_SETTLED = (ActionState.DONE, *_OPEN)


def _plan(known: dict[str, ActionProgress], details: Mapping[str, Any]) -> None:
    identity = _id(details)
    if not identity:
        return
    before = known.get(identity)
    if before and before.state in _SETTLED:
        return
    told = details if before is None or len(details) > 1 else before.details
    anew = ActionProgress(identity, details=told)
    known[identity] = replace(anew, backup=before.backup, digest=before.digest) if before else anew


def _saved(before: ActionProgress, fields: Mapping[str, Any]) -> ActionProgress:
    backup, digest = fields.get("backup"), fields.get("sha256")
    return replace(before, backup=str(backup or before.backup), digest=digest if isinstance(digest, str) else "")


def _sending(before: ActionProgress, fields: Mapping[str, Any]) -> ActionProgress:
    step, steps = integer(fields.get("step")) or 1, integer(fields.get("steps")) or 1
    if step == 1:
        # A new attempt: what an earlier one came to was looked at before this one was admitted.
        before = replace(before, answered=0, made="")
    return replace(before, state=ActionState.IN_DOUBT, step=step, steps=max(step, steps), sent=fields)


def _answered(before: ActionProgress, fields: Mapping[str, Any]) -> ActionProgress:
    code = integer(fields.get("code")) or 0
    why = str(fields.get("message") or fields.get("reason") or "")
    if 200 <= code < 300:
        created = (before.sent or {}).get("method") == "create"
        made = str(fields.get("uid") or "") if created else before.made
        done = max(before.answered, before.step)
        return replace(before, state=ActionState.ANSWERED, answered=done, why=why, made=made)
    # A refusal by status 4xx changed nothing; after any other failure, or none, the request may have been done.
    # An earlier step that was accepted stays done, so a later refusal leaves the action half done.
    if 400 <= code < 500:
        return replace(before, state=ActionState.ANSWERED if before.answered else ActionState.REFUSED, why=why)
    return replace(before, state=ActionState.IN_DOUBT, why=why)


def _doubted(before: ActionProgress, fields: Mapping[str, Any]) -> ActionProgress:
    return replace(before, state=ActionState.IN_DOUBT, why=str(fields.get("why") or before.why))


def _failed(before: ActionProgress, fields: Mapping[str, Any]) -> ActionProgress:
    """A failure after an accepted or unanswered request leaves the action where it was: the cluster must be asked."""
    state = before.state if before.state in _OPEN else ActionState.REFUSED
    return replace(before, state=state, why=str(fields.get("why") or before.why))


def _ended(state: ActionState) -> _Step:
    def step(before: ActionProgress, fields: Mapping[str, Any]) -> ActionProgress:
        why = str(fields.get("text") or fields.get("why") or fields.get("reason") or before.why)
        left = str(fields.get("left") or before.left)
        if state is not ActionState.DONE and before.state in _OPEN:
            return replace(before, why=why)
        return replace(before, state=state, why=why, left=left, details=_told(before, fields))

    return step


def _confirmed(before: ActionProgress, fields: Mapping[str, Any]) -> ActionProgress:
    return replace(before, confirmed=True, details=_told(before, fields))


def _told(before: ActionProgress, fields: Mapping[str, Any]) -> Mapping[str, Any]:
    return fields if fields.get("action") else before.details


def _settled(before: ActionProgress, fields: Mapping[str, Any]) -> ActionProgress:
    """A fresh look found that nothing was changed, or that somebody else came first: it may be planned again."""
    return replace(before, state=ActionState.REFUSED, why=str(fields.get("why") or before.why))


_STEPS: Mapping[str, _Step] = {
    "confirmed": _confirmed,
    "saved": _saved,
    "sending": _sending,
    "answered": _answered,
    "in-doubt": _doubted,
    "failed": _failed,
    "settled": _settled,
    "done": _ended(ActionState.DONE),
    "refused": _ended(ActionState.REFUSED),
    "skipped": _ended(ActionState.SKIPPED),
}
