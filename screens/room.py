"""What every main screen shares: the banner, the tabs, the keys, and being told of every new View."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.css.query import NoMatches
from textual.message import Message
from textual.screen import Screen
from textual.widget import Widget

from screens.desk import Desk
from screens.view import View, freshness
from tui.widgets.banner import Banner, Tabs
from tui.widgets.keys import Keys
from tui.widgets.spans import Line, Span, muted, strong, warn

if TYPE_CHECKING:
    from textual.command import Provider

MODES = (
    ("1", "overview", "Overview"),
    ("2", "ownership", "Ownership"),
    ("3", "controllers", "Controllers"),
    ("4", "releases", "Releases"),
    ("5", "recovery", "Recovery"),
    ("6", "journal", "Journal"),
)
"""Key, mode and title of every main screen."""


@dataclass
class ViewChanged(Message):
    """The desk has a new View; only the newest one matters."""

    view: View

    def can_replace(self, message: Message) -> bool:
        """A later View replaces one that waits."""
        return isinstance(message, ViewChanged)


@dataclass
class Visit(Message):
    """Asks the app to go to another screen, to what ``focus`` names there (a Ref, a step, a family)."""

    mode: str
    focus: object | None = None


@dataclass(frozen=True, slots=True)
class Begin:
    """What a visit to the Recovery screen is for: beginning a session."""


@dataclass
class SaveReport(Message):
    """Asks the app to save a report: its texts by the ending of the file's name (``md``, ``json``).

    ``name`` is the file's name without its ending; empty for one with the time in it.
    """

    texts: Mapping[str, str]
    name: str = ""


def _objects() -> "type[Provider]":
    # Imported when the palette is first opened, to keep the first frame early.
    from screens.palette import Objects

    return Objects


class Room(Screen[None]):
    """A main screen. A subclass gives the body and draws a View into it."""

    COMMANDS = {_objects}  # noqa: RUF012 - the base declares it so

    AUTO_FOCUS = "Lines"
    MODE: ClassVar[str] = ""
    WATCHED: ClassVar[bool] = False
    """Whether all that the screen shows comes from watched kinds, so that ``live`` is true of it."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk

    def compose(self) -> ComposeResult:
        """The frame, the same on every main screen."""
        yield Banner(id="banner")
        yield Tabs(MODES, self.MODE)
        yield from self.body()
        yield Keys()

    def body(self) -> Iterable[Widget]:
        """The widgets between the tabs and the keys."""
        raise NotImplementedError

    def draw(self, view: View) -> None:
        """Shows a View. Called with the newest one only, and only while the screen is visible."""
        raise NotImplementedError

    def visit(self, focus: object) -> None:
        """Goes to what another screen pointed at; the default knows no places."""

    def on_mount(self) -> None:
        """Draws what is known and keeps the age of it honest."""
        self.set_interval(1.0, self.tell_age)

    def on_screen_resume(self) -> None:
        """Catches up with what happened while another screen was shown."""
        self.redraw()

    def on_view_changed(self, message: ViewChanged) -> None:
        """Draws the newest View."""
        message.stop()
        self.redraw()

    def redraw(self) -> None:
        """Draws the desk's newest View."""
        # Whoever quits while a screen is being built takes it down with only some of its widgets there.
        with suppress(NoMatches):
            self.tell_age()
            self.draw(self.desk.view)

    def on_tabs_picked(self, message: Tabs.Picked) -> None:
        """A click on a tab is its key."""
        self.post_message(Visit(message.mode))

    def tell_age(self) -> None:
        """Brings the banner up to date; an unchanged one is not drawn."""
        view = self.desk.view
        banner = self.query_one_optional(Banner)
        if banner is not None:
            banner.show(banner_left(view), banner_right(view, self.freshness(view)))

    def freshness(self, view: View) -> Span:
        """How fresh this screen's data is."""
        return freshness(view, self.desk.now(), watched=self.WATCHED)


def banner_left(view: View) -> Line:
    """Which cluster and which contract."""
    contract = view.contract
    return (strong(view.context), muted("  contract "), Span(contract.name), muted(f" {contract.source}"))


def banner_right(view: View, fresh: Span) -> Line:
    """Whether anything may be changed, and how fresh it all is."""
    badge = warn("[IN SESSION]") if view.in_session else muted("[READ-ONLY]")
    return (badge, Span(" "), fresh)
