"""When a reconciler acts next: its interval, its last reconcile, and the time of the reading. Pure."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from tui.ownership.conditions import mapping, moment, sequence, span

_PART: Final = re.compile(r"([0-9]{1,9})(?:\.[0-9]{1,9})?(h|ms|m|s|us|µs|ns)")
_SECONDS: Final = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}

OVERDUE: Final = 2
"""Intervals after which a reconcile that has not come is no longer just late."""


class Schedule(NamedTuple):
    """``when`` in words; ``sure`` is false where it should have happened long ago, or no interval is given."""

    when: str
    sure: bool


def duration(text: object) -> timedelta | None:
    """The length of a Go duration (``1h30m``, ``10m0s``); None for anything else, and for none at all."""
    if not isinstance(text, str) or not 0 < len(text) <= 40:
        return None
    parts = list(_PART.finditer(text))
    if not parts or "".join(part[0] for part in parts) != text:
        return None
    seconds = sum(float(part[0].removesuffix(part[2])) * _SECONDS[part[2]] for part in parts)
    return timedelta(seconds=seconds) if 0 < seconds <= 1e9 else None


def last_reconcile(status: Mapping[str, Any]) -> datetime | None:
    """When a Flux object was last reconciled, as far as its status tells: its history, or the last one asked for.

    A Ready condition's time is no such time: it stays as it was while nothing changes.
    """
    newest = mapping((sequence(status.get("history")) or [None])[0])
    times = [moment(newest.get("lastReconciled")), moment(status.get("lastHandledReconcileAt"))]
    return max((time for time in times if time is not None), default=None)


def next_reconcile(interval: object, last: datetime | None, now: datetime) -> Schedule:
    """When the next reconcile is due. ``interval`` is the object's own text; ``last`` and ``now`` have offsets."""
    every = duration(interval)
    if every is None:
        return Schedule("at its next reconcile (its interval could not be read)", False)
    said = f"every {span(every)}"
    if last is None or last > now:
        return Schedule(f"within {span(every)}", True)
    due = last + every
    past = f"{said}, last {span(now - last)} ago"
    if due > now:
        return Schedule(f"within {span(due - now)}, by {due.astimezone(now.tzinfo):%H:%M %Z} ({past})", True)
    if now - due <= OVERDUE * every:
        return Schedule(f"at any moment ({past})", True)
    return Schedule(f"overdue since {span(now - due)} ({past})", False)
