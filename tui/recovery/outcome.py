"""How the entries of a session ended. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from tui.recovery.plan import Entry


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
