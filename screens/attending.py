"""What the desk does about its session: beginning, carrying out, settling, ending, leaving. It knows no widget."""

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from screens.link import Link
from screens.view import View
from tui.faults import Fault
from tui.objects import Inventory, Key
from tui.recovery.ports import Progress

if TYPE_CHECKING:
    from tui.recovery.outcome import Outcome
    from tui.recovery.plan import Plan
    from tui.recovery.question import Question
    from tui.recovery.session import Session

PARTING: Final = 3.0
"""Seconds that giving the claim back may take when the program is left."""


class Attending:
    """The part of a desk that has the session. ``last_session`` is the one to report on."""

    def __init__(self, view: View) -> None:
        self.view = view
        self.link: Link | None = None
        self.session: Session | None = None
        self.last_session: Session | None = None
        self._carrying: Session | None = None
        self._written = asyncio.Event()
        self._written.set()

    def _set(self, **changes: Any) -> None:
        """Replaces a part of the View."""
        raise NotImplementedError

    def _progress(self, progress: Progress) -> None:
        """Takes how far a reading is."""
        raise NotImplementedError

    def _take_in(self, key: Key, session: "Session") -> None:
        """Takes in what a session saw of one object at last."""
        raise NotImplementedError

    async def adopt(self, inventory: Inventory) -> None:
        """Takes a whole fresh reading over."""
        raise NotImplementedError

    async def read_shelf(self) -> None:
        """Reads the journals again."""
        raise NotImplementedError

    async def begin(self, resumed: Path | None = None) -> None:
        """Begins a recovery session, with a preflight of its own; ``resumed`` is a journal to go on with.

        Raises Fault.
        """
        if self.link is None or self.link.session is None or self.session is not None:
            return
        session = await self.link.session(resumed)
        try:
            await self._prepare(session, resumed)
            assessment = session.assessment or await session.refresh(self._progress)
        except BaseException:
            await _undone(session, resumed)
            raise
        self.session = self.last_session = session
        self._set(in_session=True, wish=session.wish)
        await self.adopt(assessment.inventory)
        await self.read_shelf()

    async def _prepare(self, session: "Session", resumed: Path | None) -> None:
        if resumed is None:
            session.state(self.view.wish)
            return
        # What was begun is brought to its end, which may take requests.
        with self._underway(session):
            await session.take_up(self._progress)

    async def settle(self) -> None:
        """Finds out what came of entries in doubt, where the session has any. Raises Fault."""
        session = self.session
        if session is None or all(one.status.value != "in-doubt" for one in last_of(session.outcomes)):
            return
        with self._underway(session):
            await session.take_up(self._progress)
        if session.assessment is not None:
            await self.adopt(session.assessment.inventory)

    async def end(self) -> None:
        """Ends the session; its report stays. Raises Fault where the journal cannot be written."""
        if self.session is not None:
            session, self.session = self.session, None
            self._set(in_session=False)
            await session.close()
            await self.read_shelf()

    async def leave(self) -> None:
        """Lets the session go without an end: the next start offers to go on with it."""
        if self.session is not None:
            session, self.session = self.session, None
            self._set(in_session=False)
            try:
                with suppress(TimeoutError):
                    # The claim lapses by itself where the cluster cannot be told at once.
                    async with asyncio.timeout(PARTING):
                        if session.hold is not None:
                            await session.hold.release(keep=self.writing)
            finally:
                # Cut off or not, the journal is nobody's from here on: whoever starts next must be able to take it up.
                session.leave()

    async def carry_out(self, plan: "Plan", question: "Question") -> "Outcome":
        """Does what was confirmed; the typed name was compared before. Raises Fault where the journal fails."""
        session = self.session
        if session is None:
            raise Fault("there is no session any more")
        with self._underway(session):
            outcome = await session.carry_out(plan, question, question.typed)
        self._take_in(question.entry.ref.key, session)
        return outcome

    @contextmanager
    def _underway(self, session: "Session") -> Iterator[None]:
        self._carrying, session.progress = session, self._waits
        self._written.clear()
        try:
            yield
        finally:
            self._carrying = None
            self._written.set()
            self._waits("")

    def _waits(self, text: str) -> None:
        if text != self.view.waiting:
            self._set(waiting=text)

    def give_up_waiting(self) -> None:
        """Ends the wait for what a change leads to; the change itself stays done."""
        if self._carrying is not None:
            self._carrying.give_up_waiting()

    @property
    def writing(self) -> bool:
        """Whether a change is on its way."""
        return self._carrying is not None

    async def written(self) -> None:
        """Returns when no change is on its way."""
        await self._written.wait()


async def _undone(session: "Session", resumed: Path | None) -> None:
    """Takes a session back that could not be begun; one that was to be taken up stays as it was left."""
    if resumed is None:
        await session.close()
        return
    if session.hold is not None:
        await session.hold.release()
    session.leave()


def last_of(outcomes: "Iterable[Outcome]") -> "tuple[Outcome, ...]":
    """How each entry ended last."""
    return tuple({one.entry.id: one for one in outcomes}.values())
