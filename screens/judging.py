"""How an inventory is judged, and by which clocks: handed to the desk, so that tests may freeze it."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from tui.contract.model import Contract
from tui.objects import Inventory
from tui.ownership.model import Assessment, Wish

if TYPE_CHECKING:
    from screens.tally import Tally
    from tui.ownership.dossier import Lookups
    from tui.recovery.health import Health

SETTLE: Final = 0.25
"""Seconds that watch events gather before they are drawn."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """All that is concluded from one inventory."""

    assessment: Assessment
    health: "Health"
    tally: "Tally"
    index: "Lookups"


Judge = Callable[[Contract, Inventory, datetime, Wish], Judgement]
"""Concludes from an inventory at a time, and from what the operator stated. Pure and slow: called in a thread."""


def judge(contract: Contract, inventory: Inventory, now: datetime, wish: Wish | None = None) -> Judgement:
    """The real thing."""
    # Imported on first use: the first frame is painted before the rules are needed.
    from screens.tally import tally
    from tui.ownership.assess import assess
    from tui.ownership.dossier import Lookups
    from tui.recovery.health import check_health

    assessment = assess(contract, inventory, today=now.date(), wish=wish, now=now)
    health = check_health(contract, inventory, now)
    return Judgement(assessment, health, tally(assessment, contract), Lookups(assessment, now))


def check(contract: Contract, part: Inventory, now: datetime) -> "Health":
    """The health, on the part of the inventory that it rests on."""
    # Imported on first use, as above.
    from tui.recovery.health import check_health

    return check_health(contract, part, now)


def utc_now() -> datetime:
    """The time, with its offset."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Tuning:
    """How the desk judges and keeps time; tests freeze it.

    ``ticks`` is a monotonic clock in seconds, ``settle`` is how many seconds watch events gather.
    """

    judge: Judge = judge
    check: Callable[[Contract, Inventory, datetime], "Health"] = check
    clock: Callable[[], datetime] = utc_now
    ticks: Callable[[], float] = time.monotonic
    settle: float = SETTLE
