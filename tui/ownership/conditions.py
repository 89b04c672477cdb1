"""Fields of objects whose shape nobody promises: a custom resource may carry anything, anywhere.

Every reader here answers for any JSON value and never raises; what has the wrong type counts as absent.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, NamedTuple

from tui.objects import Live
from tui.text import clean

MAX_WORDS: Final = 300
"""Characters of a cluster's own message that a one-line summary repeats."""


ONLY_METADATA: Final = "only its metadata was read"


class CheckStatus(StrEnum):
    """The answer to one question about health; ``UNKNOWN`` means that it could not be verified."""

    OK = "ok"
    FAILED = "failed"
    UNKNOWN = "unknown"


def worst(*statuses: CheckStatus) -> CheckStatus:
    """Failed beats unknown beats ok; ok when there are none."""
    for status in (CheckStatus.FAILED, CheckStatus.UNKNOWN):
        if status in statuses:
            return status
    return CheckStatus.OK


def mapping(value: Any) -> Mapping[str, Any]:
    """The mapping, or an empty one."""
    return value if isinstance(value, dict) else {}


def sequence(value: Any) -> list[Any]:
    """The list, or an empty one."""
    return value if isinstance(value, list) else []


def integer(value: Any) -> int | None:
    """The whole number, or None; a boolean is no number."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def words(value: Any, limit: int = MAX_WORDS) -> str:
    """One line of harmless text without blanks around it; empty for anything that is not a string."""
    return clean(" ".join(value[: 4 * limit].split()), limit) if isinstance(value, str) else ""


def moment(value: Any) -> datetime | None:
    """The time of an RFC 3339 text with an offset, or None."""
    if not isinstance(value, str):
        return None
    try:
        parsed = datetime.fromisoformat(value)
    except ValueError:
        return None
    return parsed if parsed.tzinfo else None


def span(length: timedelta) -> str:
    """A length of time in the one unit that fits: ``40 s``, ``12 min``, ``3 h``, ``9 d``; never below zero."""
    seconds = max(0, int(length.total_seconds()))
    for unit, size, limit in (("s", 1, 120), ("min", 60, 7200), ("h", 3600, 172800)):
        if seconds < limit:
            return f"{seconds // size} {unit}"
    return f"{seconds // 86400} d"


class Condition(NamedTuple):
    """One entry of ``status.conditions``, cleaned. ``status`` is True, False or Unknown in the API's own words.

    ``generation`` is the condition's observedGeneration; ``since`` its lastTransitionTime.
    """

    type: str
    status: str
    reason: str
    message: str
    generation: int | None
    since: datetime | None

    @property
    def text(self) -> str:
        """Reason and message in one line; the condition's type and status where it gives neither."""
        return ": ".join(part for part in (self.reason, self.message) if part) or f"{self.type} is {self.status}"


def conditions_of(live: Live) -> Mapping[str, Condition]:
    """An object's conditions by type; the first of a type that is listed twice."""
    found: dict[str, Condition] = {}
    for entry in sequence(mapping(mapping(live.body).get("status")).get("conditions")):
        read = mapping(entry)
        condition = Condition(
            words(read.get("type")),
            words(read.get("status")),
            words(read.get("reason")),
            words(read.get("message")),
            integer(read.get("observedGeneration")),
            moment(read.get("lastTransitionTime")),
        )
        found.setdefault(condition.type, condition)
    return found
