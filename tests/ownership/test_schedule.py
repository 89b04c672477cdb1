"""When a reconciler acts next, told from Go durations and times that may be missing, late or in the future."""

from datetime import UTC, datetime, timedelta

import pytest

from tui.ownership.schedule import duration, last_reconcile, next_reconcile

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("10m0s", 600),
        ("1h", 3600),
        ("1h30m", 5400),
        ("90s", 90),
        ("1500ms", 1.5),
        ("0.5h", 1800),
        ("0s", None),
        ("-5m", None),
        ("10", None),
        ("10 m", None),
        ("m", None),
        ("", None),
        ("9" * 41 + "s", None),
        ("999999999h", None),
        (600, None),
        (None, None),
    ],
)
def test_a_go_duration(text: object, seconds: float | None) -> None:
    found = duration(text)
    assert (found.total_seconds() if found else None) == seconds


def ago(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("last", "when", "sure"),
    [
        (ago(4), "within 6 min, by 12:06 UTC (every 10 min, last 4 min ago)", True),
        (ago(12), "at any moment (every 10 min, last 12 min ago)", True),
        (ago(31), "overdue since 21 min (every 10 min, last 31 min ago)", False),
        (None, "within 10 min", True),
        (NOW + timedelta(hours=1), "within 10 min", True),
    ],
)
def test_the_next_reconcile(last: datetime | None, when: str, sure: bool) -> None:
    assert next_reconcile("10m", last, NOW) == (when, sure)


def test_an_interval_that_cannot_be_read_is_not_guessed() -> None:
    assert next_reconcile("soon", ago(1), NOW).sure is False


@pytest.mark.parametrize(
    ("status", "found"),
    [
        ({"history": [{"lastReconciled": "2026-11-23T11:56:00Z"}, {"lastReconciled": "2026-11-23T11:59:00Z"}]}, ago(4)),
        ({"lastHandledReconcileAt": "2026-11-23T11:50:00Z"}, ago(10)),
        (
            {
                "lastHandledReconcileAt": "2026-11-23T11:59:00Z",
                "history": [{"lastReconciled": "2026-11-23T11:56:00Z"}],
            },
            ago(1),
        ),
        ({"lastHandledReconcileAt": "1763899200"}, None),
        ({"history": "none", "conditions": [{"type": "Ready", "lastTransitionTime": "2026-11-23T11:56:00Z"}]}, None),
    ],
)
def test_the_last_reconcile_is_read_off_the_history_never_off_a_condition(
    status: dict[str, object], found: datetime | None
) -> None:
    assert last_reconcile(status) == found
