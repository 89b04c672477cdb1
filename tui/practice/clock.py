"""The cluster's own clock: it stands still unless it is told to run, so that tests step it and never wait."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

START = datetime(2026, 11, 23, 8, 0, 0, tzinfo=UTC)
"""When every practice story begins, unless the clock runs with the machine's."""


class Clock:
    """Tells the cluster's time: the start, plus what was stepped, plus (when running) what really passed."""

    def __init__(self, start: datetime = START, running: Callable[[], datetime] | None = None) -> None:
        """``running`` gives the time to follow (``utc_now`` for a live demo); None holds the clock still."""
        self._source = running
        self._base = start
        self._skew = timedelta(0)

    def now(self) -> datetime:
        """The time, aware, in UTC."""
        return (self._source() if self._source else self._base) + self._skew

    def step(self, seconds: float) -> None:
        """Moves the clock forward."""
        self._skew += timedelta(seconds=seconds)

    def stamp(self) -> str:
        """The time as metadata writes it: RFC 3339 in whole seconds."""
        return self.now().strftime("%Y-%m-%dT%H:%M:%SZ")

    def micro(self) -> str:
        """The time as Leases write it: RFC 3339 with microseconds."""
        return self.now().strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def utc_now() -> datetime:
    """The machine's clock, for a cluster that a person plays with."""
    return datetime.now(UTC)
