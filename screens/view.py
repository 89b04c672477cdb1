"""Everything the screens draw, as one frozen value. The desk replaces it; screens never change it."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from screens.shelf import Left, Shelf
from tui.contract.model import Contract
from tui.objects import Inventory, KindKey
from tui.ownership.model import Assessment, Wish
from tui.recovery.ports import Identity, Progress
from tui.widgets.spans import Line, Span, bad, good, muted, warn

if TYPE_CHECKING:
    from screens.link import Drill
    from screens.tally import Tally
    from tui.ownership.dossier import Lookups
    from tui.recovery.health import Health


class Phase(StrEnum):
    """How far the reading of the cluster is."""

    CONNECTING = "connecting"
    READING = "reading"
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Feed:
    """The state of the watch.

    ``live``: every kind is up to date. ``lost`` are the kinds that are disconnected, ``retry_at`` is when the next
    attempt is due.
    """

    kinds: frozenset[KindKey] = frozenset()
    live: bool = False
    lost: frozenset[KindKey] = frozenset()
    reason: str = ""
    retry_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class View:
    """What is known at one moment.

    ``read_only``: no session can be begun at all. ``in_session``: one is running, and changes may be confirmed.
    ``controllers`` is the part of the inventory that the Controllers screen shows: small, and live by watch.
    ``trouble`` is one sentence where the phase is failed, or where a re-reading failed and older data stays.
    ``read_at`` is when the last whole reading ended. ``stage`` counts assessments, so that a screen can tell whether
    what it drew is still the newest. ``wish`` is what the operator stated of a release.
    ``shelf`` is what the journals of this machine told when they were last read, ``left_open`` are those among them
    that were begun on this cluster and never ended. ``waiting`` says what a change is waited for to lead to.
    """

    context: str
    contract: Contract = field(repr=False)
    read_only: bool = False
    in_session: bool = False
    phase: Phase = Phase.CONNECTING
    identity: Identity | None = None
    progress: Progress | None = None
    trouble: str = ""
    inventory: Inventory | None = field(default=None, repr=False)
    controllers: Inventory | None = field(default=None, repr=False)
    assessment: Assessment | None = field(default=None, repr=False)
    health: "Health | None" = field(default=None, repr=False)
    read_at: datetime | None = None
    tally: "Tally | None" = None
    index: "Lookups | None" = field(default=None, repr=False)
    feed: Feed = Feed()
    drill: "Drill | None" = None
    stage: int = 0
    wish: Wish = field(default_factory=Wish)
    shelf: Shelf = field(default=Shelf(Path()), repr=False)
    waiting: str = ""
    left_open: tuple[Left, ...] = field(default=(), repr=False)

    @property
    def can_retire(self) -> bool:
        """Whether two releases of a family are recorded: only then may one of them be retired."""
        return self.assessment is not None and any(len(each.releases) > 1 for each in self.assessment.families)


def age(then: datetime, now: datetime) -> str:
    """How long ago, in the unit a person would use, in steps that keep an idle screen still."""
    seconds = max(0, int((now - then).total_seconds()))
    if seconds < 10:
        return f"{seconds} s"
    if seconds < 60:
        return f"{seconds - seconds % 5} s"
    if seconds < 3600:
        return f"{seconds // 60} min"
    if seconds < 2 * 86400:
        return f"{seconds // 3600} h"
    return f"{seconds // 86400} d"


def retrying(feed: Feed, now: datetime) -> str:
    """``disconnected, retrying in 4 s``."""
    if feed.retry_at is None or feed.retry_at <= now:
        return "disconnected, retrying"
    left = (feed.retry_at - now + timedelta(seconds=0.999)).total_seconds()
    return f"disconnected, retrying in {int(left)} s"


def freshness(view: View, now: datetime, *, watched: bool) -> Span:
    """How fresh a pane is: ``live``, ``12 s old``, ``disconnected, retrying in 4 s``, or what is still awaited.

    ``watched`` says whether the pane shows watched kinds only.
    """
    if view.phase is Phase.CONNECTING:
        return muted("connecting")
    if view.phase is Phase.FAILED:
        return bad("no answer")
    if view.read_at is None:
        return muted("reading")
    if view.feed.lost:
        return warn(f"{retrying(view.feed, now)}; {age(view.read_at, now)} old")
    if watched and view.feed.live:
        return good("live")
    return muted(f"{age(view.read_at, now)} old")


def awaited(view: View) -> tuple[Line, ...]:
    """What to say in place of data that is not there yet; empty once there is some."""
    if view.assessment is not None:
        return ()
    if view.phase is Phase.FAILED:
        return (
            (bad("✗ "), Span(view.trouble)),
            (Span("Press "), Span("ctrl+r"), Span(" to try again, "), Span("q"), Span(" to quit.")),
        )
    if view.phase is Phase.CONNECTING:
        return ((muted(f"connecting to {view.context}..."),),)
    progress = view.progress
    if progress is None or not progress.kinds:
        return ((muted(f"reading {view.context}..."),),)
    done = progress.kinds_done >= progress.kinds
    what = "attributing" if done else f"reading: {progress.kinds_done} of {progress.kinds} kinds,"
    return ((muted(f"{what} {progress.objects} objects"),),)


def partial(view: View) -> tuple[str, ...]:
    """What could not be read, one line each; the verdict's own gaps first."""
    if view.assessment is None:
        return ()
    gaps = [gap.text for gap in view.assessment.inventory.gaps]
    return tuple(dict.fromkeys([*view.assessment.incomplete, *gaps]))
