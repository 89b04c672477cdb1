"""How the entries of a session ended. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from tui.faults import Fault, OutcomeUnknown
from tui.recovery.plan import Entry
from tui.text import clean


class Status(StrEnum):
    """How one entry ended."""

    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"
    SKIPPED = "skipped"
    IN_DOUBT = "in-doubt"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one entry ended, in words."""

    entry: Entry
    status: Status
    text: str


def failed(entry: Entry, fault: Fault, copy: str) -> Outcome:
    """An entry that ended badly: in doubt where nobody knows what came of its request.

    ``copy`` is where the object was saved before it was changed; empty where it was not.
    """
    saved = f"; what it was is saved in {copy}" if copy else ""
    if isinstance(fault, OutcomeUnknown):
        return Outcome(entry, Status.IN_DOUBT, clean(f"the outcome is not known: {fault}{saved}"))
    return Outcome(entry, Status.FAILED, clean(f"{fault}{saved}"))


def interrupted(entry: Entry, why: str, announced: int, accepted: int, copy: str) -> Outcome:
    """An entry that was cut off, after so many of its requests were announced and accepted."""
    if announced > accepted:
        status, text = Status.IN_DOUBT, f"{why} while a request was under way: look again before anything else"
    elif announced:
        status, text = Status.IN_DOUBT, f"{why} between its requests: look again before anything else"
    else:
        status, text = Status.FAILED, f"{why} before anything was sent"
    return Outcome(entry, status, clean(f"{text}; what it was is saved in {copy}" if copy else text))
