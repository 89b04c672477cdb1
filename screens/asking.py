"""How an entry is put to the operator and carried out: a fresh look, the question, the answer."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from screens.question import Ask, Reply
from screens.walk import Asked, Walk
from tui.recovery.plan import Entry, Plan

if TYPE_CHECKING:
    from screens.room import Room


class Asking:
    """Asks on top of ``room``. ``work`` takes the one place for work and says whether it was free."""

    def __init__(self, room: "Room", walk: Walk, work: Callable[[str], bool]) -> None:
        self._room = room
        self._desk = room.desk
        self._walk = walk
        self._work = work

    def look(self, plan: Plan | None, entry: Entry) -> None:
        """Looks at an entry afresh and tries it by dry run; the room is told with :class:`Asked`."""
        if plan is not None and self._work(f"a fresh look at {entry.ref.label}, and a dry run..."):
            self._desk.spawn(partial(self._walk.look, plan, entry))

    def put(self, asked: Asked) -> None:
        """Puts the question, and acts on the answer; the room is told with :class:`screens.walk.Ended`."""

        def answered(reply: Reply | None) -> None:
            if self._desk.session is None or reply in (None, Reply.LEAVE):
                return
            entry = asked.question.entry
            if reply is Reply.SKIP:
                self._walk.skip(asked.question)
            elif self._work(f"{entry.action.value} {entry.ref.label}..."):
                self._desk.spawn(partial(self._walk.carry_out, asked.plan, asked.question))

        self._room.app.push_screen(Ask(asked.question, self._desk.ticks), answered)
