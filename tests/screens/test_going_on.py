"""One practice cluster and several runs of the program: a session is left open, taken up, ended and undone, by keys."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from screens.choice import Choice
from screens.judging import Tuning
from screens.question import Ask
from screens.typed import Typed
from tests.screens.fakes import Ticks
from tests.screens.piloting import SMALL, Attention, painted, static_text, table_text, typing
from tests.screens.test_drill import Walker, keys
from tui.app import RefloatApp
from tui.contract.load import load_contract, shipped
from tui.opening import ClusterLink, open_kubeconfig
from tui.options import Options
from tui.practice.cluster import PracticeCluster
from tui.recovery.journal import progress_of, sessions


class Runs:
    """Runs the program on one cluster, as often as asked."""

    def __init__(self, cluster: PracticeCluster) -> None:
        self._cluster = cluster

    @asynccontextmanager
    async def again(self) -> AsyncIterator[Walker]:
        async def kept() -> None:
            """The cluster outlives the run."""

        async def opened() -> ClusterLink:
            return await open_kubeconfig(self._cluster.kubeconfig(), contract, Options(), None, kept)

        contract = load_contract(shipped())
        app = RefloatApp(opened, contract, context="practice", tuning=Tuning(ticks=Ticks(), settle=0.0))
        attention = Attention(lambda: painted(app))
        async with app.run_test(size=SMALL, notifications=True, message_hook=attention.hook) as pilot:
            walker = Walker(app, pilot, attention)
            await walker.until(lambda: app.desk.view.assessment is not None and app.desk.view.shelf.read_at is not None)
            yield walker


def shows(app: RefloatApp, word: str) -> bool:
    """Whether the table has this word."""
    return bool(app.screen.query("#table")) and word in "".join(table_text(app, "#table"))


async def name_the_context(walker: Walker) -> None:
    await walker.until(lambda: isinstance(walker.app.screen, Typed) and typing(walker.app))
    await keys(walker.pilot, *"practice", "enter")
    await walker.until(lambda: walker.app.desk.view.in_session and walker.at_rest())


async def answer(walker: Walker, key: str) -> None:
    """Answers the question that is asked next."""
    session = walker.app.desk.session
    assert session is not None
    before = len(session.outcomes)
    await walker.until(lambda: isinstance(walker.app.screen, Ask))
    await keys(walker.pilot, key)
    await walker.until(lambda: len(session.outcomes) > before)


async def test_a_session_left_open_is_taken_up_ended_and_undone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    cluster = PracticeCluster.drill("controllers-missing")
    await cluster.start()
    try:
        runs = Runs(cluster)
        async with runs.again() as walker:
            await keys(walker.pilot, "5", "b")
            await name_the_context(walker)
            await keys(walker.pilot, "right", "right")
            await walker.until(lambda: walker.planned() and walker.recovery.entry() is not None)
            await keys(walker.pilot, "enter")
            await answer(walker, "y")
            await walker.until(lambda: isinstance(walker.app.screen, Ask))
            await keys(walker.pilot, "escape")
            await walker.until(walker.at_rest)
            await keys(walker.pilot, "q")
            await walker.until(lambda: isinstance(walker.app.screen, Choice))
            await keys(walker.pilot, "j", "j", "enter")
            await walker.until(lambda: walker.app._exit)
        async with runs.again() as walker:
            app = walker.app
            await walker.until(lambda: "takes up the session of" in static_text(app, "#verdict"))
            assert "1 done" in static_text(app, "#verdict")
            await keys(walker.pilot, "b")
            await walker.until(lambda: isinstance(app.screen, Choice) and app.focused is not None)
            await keys(walker.pilot, "enter")
            await name_the_context(walker)
            session = app.desk.session
            assert session is not None
            assert [one.status.value for one in session.outcomes] == ["done"]
            assert session.hold is not None
            assert session.hold.standing.may_act, "the same journal's session needs no take-over"
            await keys(walker.pilot, "x")
            await walker.until(lambda: app.desk.session is None and walker.at_rest())
            await keys(walker.pilot, "6")
            await walker.until(
                lambda: bool(app.screen.query("#table")) and "closed" in "".join(table_text(app, "#table"))
            )
        [recorded] = sessions(tmp_path / "refloat" / "journal")
        assert [entry.kind for entry in recorded.reading.entries].count("resumed") == 1
        assert recorded.reading.intact
        assert recorded.reading.closed
        assert [each.state.value for each in progress_of(recorded.reading.entries).values()].count("done") == 1
    finally:
        await cluster.stop()


async def test_what_a_session_deleted_comes_back_by_undo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    cluster = PracticeCluster.drill("stale-release")
    await cluster.start()
    try:
        runs = Runs(cluster)
        async with runs.again() as walker:
            app = walker.app
            await keys(walker.pilot, "5", "b")
            await name_the_context(walker)
            await keys(walker.pilot, "right")
            await walker.until(lambda: walker.planned() and walker.recovery.entry() is not None)
            rows = [row for row in walker.recovery.course.entries if row.action.value == "delete" and not row.typed]
            await keys(walker.pilot, *["j"] * walker.recovery.course.entries.index(rows[0]))
            await walker.until(lambda: walker.recovery.entry() == rows[0])
            await keys(walker.pilot, "enter")
            await answer(walker, "y")
            await walker.until(lambda: isinstance(app.screen, Ask))
            await keys(walker.pilot, "escape")
            await walker.until(walker.at_rest)
            await keys(walker.pilot, "x")
            await walker.until(lambda: app.desk.session is None and walker.at_rest())
            await keys(walker.pilot, "6")
            await walker.until(
                lambda: bool(app.screen.query("#table")) and "closed" in "".join(table_text(app, "#table"))
            )
            await keys(walker.pilot, "u")
            await walker.until(lambda: app.current_mode == "recovery" and walker.at_rest())
            await walker.until(lambda: shows(app, "+ restore"))
            await keys(walker.pilot, "b")
            await name_the_context(walker)
            await walker.until(lambda: walker.planned() and shows(app, "+ restore"))
            await keys(walker.pilot, "enter")
            await answer(walker, "y")
            session = app.desk.session
            assert session is not None
            assert (session.outcomes[-1].status.value, session.outcomes[-1].entry.ref.label) == (
                "done",
                rows[0].ref.label,
            )
            assert app.desk.link is not None
            assert await app.desk.link.reader.get(rows[0].ref) is not None
    finally:
        await cluster.stop()
