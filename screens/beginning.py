"""How a session begins: taking up what was left open, the context's name typed, and the claim to be the only one."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from screens.choice import Choice
from screens.claim_lines import barred_lines, lapsed_lines, taken_lines, unfinished_lines
from screens.session_lines import stake_lines
from screens.typed import Typed
from screens.walk import Walk
from tui.recovery.lease import State

if TYPE_CHECKING:
    from pathlib import Path

    from screens.room import Room

TAKE_UP = "take-up"
ANEW = "anew"
ACCEPT = "accept"
LOOK_ON = "look-on"


class Beginning:
    """Asks what has to be asked, one dialog after the other, on top of ``room``.

    ``work`` takes the one place for work and says whether it was free; ``refuse`` tells why nothing begins.
    """

    def __init__(self, room: "Room", walk: Walk, work: Callable[[str], bool], refuse: Callable[[str], None]) -> None:
        self._room = room
        self._desk = room.desk
        self._walk = walk
        self._work = work
        self._refuse = refuse

    def begin(self) -> None:
        """Asks which session it is to be, and then for the context's name."""
        view, link = self._desk.view, self._desk.link
        if view.assessment is None or link is None or self._desk.session is not None:
            return
        if view.read_only or link.session is None:
            self._refuse("read-only: no session can be begun; start without --read-only")
            return
        open_ones = view.left_open
        if not open_ones:
            self._stake(None)
            return
        newest = open_ones[0].session

        def chosen(answer: str | None) -> None:
            if answer is not None:
                self._stake(newest.path if answer == TAKE_UP else None)

        answers = [
            (TAKE_UP, "take it up: look at what came of each, and go on from there"),
            (ANEW, "begin anew: it stays in the journal, unfinished"),
        ]
        lines = unfinished_lines(newest, len(open_ones) - 1)
        self._room.app.push_screen(Choice("A session was not ended", lines, answers, self._desk.ticks), chosen)

    def _stake(self, resumed: "Path | None") -> None:
        link = self._desk.link
        if link is None:
            return

        def typed(right: str | None) -> None:
            how = "taking the session up" if resumed else "beginning a session"
            if right and self._work(f"{how}: a fresh preflight..."):
                self._desk.spawn(partial(self._walk.begin, resumed))

        title = "Take the session up" if resumed else "Begin a recovery session"
        stake = stake_lines(link.identity, self._desk.view.contract)
        self._room.app.push_screen(Typed(title, stake, link.identity.context), typed)

    def claim(self) -> None:
        """Tells who else acts here, and asks for what would let this session act."""
        hold = self._desk.session.hold if self._desk.session else None
        if hold is None or hold.standing.may_act:
            return
        standing = hold.standing
        match standing.state:
            case State.LAPSED:
                self._room.app.push_screen(
                    Typed("Take over from another operator", lapsed_lines(standing), standing.typed), self._take_over
                )
            case State.BARRED:
                answers = [(LOOK_ON, "look on, and change nothing"), (ACCEPT, "accept it, and act without the claim")]
                self._room.app.push_screen(
                    Choice("No claim can be made", barred_lines(standing), answers, self._desk.ticks), self._accepted
                )
            case _:
                answers = [(LOOK_ON, "look on, and change nothing")]
                self._room.app.push_screen(
                    Choice("Another operator acts here", taken_lines(standing), answers, self._desk.ticks)
                )

    def _take_over(self, typed: str | None) -> None:
        if typed and self._work("taking over..."):
            self._desk.spawn(partial(self._walk.take_over, typed))

    def _accepted(self, answer: str | None) -> None:
        if answer == ACCEPT and self._work("going on without the claim..."):
            self._desk.spawn(self._walk.accept)
