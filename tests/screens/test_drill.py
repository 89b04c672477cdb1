"""The whole path by keys alone: the app on the practice cluster, over real HTTP, from the wreck to six controllers."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from screens.judging import Tuning
from screens.link import Drill, DrillCheck
from screens.question import Ask
from screens.recovery import Recovery
from screens.stated import Stated
from screens.typed import Typed
from tests.screens.fakes import Ticks
from tests.screens.piloting import SMALL, Attention, painted, pane_text, send, table_text, typing
from tui.app import RefloatApp
from tui.contract.load import load_contract, shipped
from tui.opening import ClusterLink, open_kubeconfig
from tui.options import Options
from tui.practice.cluster import PracticeCluster
from tui.practice.drills import check, load_drill
from tui.recovery.plan import PlanKind


def practice(name: str) -> RefloatApp:
    drill, contract = load_drill(name), load_contract(shipped())

    async def opened() -> ClusterLink:
        cluster = PracticeCluster.drill(name)
        await cluster.start()

        async def judge() -> DrillCheck:
            found = await check(cluster, drill)
            return DrillCheck(found.reached, tuple(found.well), tuple(found.risky))

        told = Drill(drill.name, drill.title, drill.story, drill.goal, tuple(drill.hints), judge)
        return await open_kubeconfig(cluster.kubeconfig(), contract, Options(), told, cluster.stop)

    return RefloatApp(opened, contract, context="practice", tuning=Tuning(ticks=Ticks(), settle=0.0))


async def keys(pilot: Pilot[None], *pressed: str) -> None:
    for key in pressed:
        send(pilot, key)
        await pilot.pause(0)


async def test_the_missing_controllers_come_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    app = practice("controllers-missing")
    attention = Attention(lambda: painted(app))
    async with app.run_test(size=SMALL, notifications=True, message_hook=attention.hook) as pilot:
        desk = app.desk

        def shows(kind: type[Any]) -> Callable[[], bool]:
            return lambda: isinstance(app.screen, kind) and app.focused is not None

        await attention.until(lambda: desk.view.assessment is not None and len(app.screen_stack) == 2)
        assert "The controllers are gone" in pane_text(app, "#briefing")
        await keys(pilot, "escape", "enter")
        await attention.until(lambda: app.current_mode == "recovery" and shows(Recovery)())
        await attention.until(lambda: bool(app.screen.query("#table")))
        await attention.until(lambda: any("+ create" in row for row in table_text(app, "#table")))
        await keys(pilot, "enter")
        await attention.until(lambda: isinstance(app.screen, Typed) and typing(app))
        await keys(pilot, *"practice", "enter")
        await attention.until(lambda: desk.session is not None and desk.view.in_session)
        recovery = app.screen
        assert isinstance(recovery, Recovery)
        await attention.until(lambda: recovery.course.planned_in is desk.session and not recovery.busy)
        await keys(pilot, "enter")
        for done in range(1, 7):
            await attention.until(shows(Ask))
            await keys(pilot, "y")
            session = desk.session
            assert session is not None
            await attention.until(lambda done=done, session=session: len(session.outcomes) == done)  # type: ignore[misc]  # bound
        await attention.until(lambda: desk.view.health is not None and desk.view.health.verdict.value == "healthy")
        await attention.until(lambda: not recovery.busy and shows(Recovery)())
        await keys(pilot, "right", "right")
        await attention.until(lambda: "the goal is reached" in pane_text(app, "#report"))
        report = pane_text(app, "#report")
        assert "✓ the goal is reached" in report
        assert "✗" not in report
        assert report.count("is created for") == 6


class Walker:
    """Walks one drill by keys, from its story to the report."""

    def __init__(self, app: RefloatApp, pilot: Pilot[None], attention: Attention) -> None:
        self.app, self.pilot, self.attention = app, pilot, attention

    async def until(self, holds: Callable[[], bool]) -> None:
        await self.attention.until(holds)

    @property
    def recovery(self) -> Recovery:
        screen = self.app.screen
        assert isinstance(screen, Recovery)
        return screen

    def at_rest(self) -> bool:
        screen = self.app.screen
        return isinstance(screen, Recovery) and not screen.busy and self.app.focused is not None

    def planned(self) -> bool:
        return (
            self.at_rest()
            and self.recovery.course.plan is not None
            and self.recovery.course.planned_in is self.app.desk.session
        )

    async def begin(self) -> None:
        """Leaves the story, goes to Recovery and begins a session by the context's name."""
        await self.until(lambda: self.app.desk.view.assessment is not None and len(self.app.screen_stack) == 2)
        await keys(self.pilot, "escape", "5")
        await self.until(self.at_rest)
        await keys(self.pilot, "b")
        await self.until(lambda: isinstance(self.app.screen, Typed) and typing(self.app))
        await keys(self.pilot, *"practice", "enter")
        await self.until(lambda: self.app.desk.view.in_session and self.at_rest())

    async def say(self, key: str, word: str) -> None:
        """Opens the line for a word by a key, and types the word."""
        await keys(self.pilot, key)
        await self.until(lambda: isinstance(self.app.screen, Stated) and typing(self.app))
        await keys(self.pilot, *word, "enter")
        await self.until(self.at_rest)

    async def step(self) -> int:
        """Goes to the next step and says yes to all it asks; returns how many entries that were."""
        before = self.recovery.step
        await keys(self.pilot, "right")
        await self.until(lambda: self.at_rest() and self.recovery.step is not before and self.planned())
        return await self.work_off()

    async def work_off(self) -> int:
        """Says yes to every entry of the plan, each asked for itself, its name typed where that is asked for."""
        plan, session = self.recovery.course.plan, self.app.desk.session
        assert plan is not None
        assert session is not None
        begun = len(session.outcomes)
        for number, _ in enumerate(plan.entries, begun):
            if isinstance(self.app.screen, Recovery):
                await self.until(lambda: self.recovery.entry() is not None)
                await keys(self.pilot, "enter")
            await self.until(lambda: isinstance(self.app.screen, Ask))
            asked = self.app.screen
            assert isinstance(asked, Ask)
            await keys(self.pilot, "y")
            if asked._question.entry.typed:
                await self.until(lambda: isinstance(self.app.screen, Typed) and typing(self.app))
                await keys(self.pilot, *asked._question.entry.typed, "enter")
            await self.until(lambda number=number: len(session.outcomes) > number)  # type: ignore[misc]  # bound
            await self.until(lambda: isinstance(self.app.screen, Ask) or self.planned())
        return len(plan.entries)

    async def report(self) -> str:
        """Goes on to the report, where the drill is checked."""
        while self.recovery.step.value != "report":
            before = self.recovery.step
            await keys(self.pilot, "right")
            # A key sent in vain would still be under way when the program ends.
            await self.until(lambda before=before: self.recovery.step is not before)  # type: ignore[misc]  # bound
        await self.until(lambda: "the goal is" in pane_text(self.app, "#report"))
        return pane_text(self.app, "#report")


@pytest.fixture
def walked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Any]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))

    @asynccontextmanager
    async def walk(name: str) -> AsyncIterator[Walker]:
        app = practice(name)
        attention = Attention(lambda: painted(app))
        async with app.run_test(size=SMALL, notifications=True, message_hook=attention.hook) as pilot:
            walker = Walker(app, pilot, attention)
            await walker.begin()
            yield walker

    return walk


@pytest.mark.parametrize(
    ("name", "cleaned", "replayed"),
    [
        ("stale-release", 9, 0),
        ("active-release-trap", 6, 0),
        ("two-owners", 1, 0),
        ("walled-in", 2, 2),
        ("half-applied", 0, 0),
        ("healthy", 0, 0),
    ],
)
async def test_a_drill_is_solved_step_by_step(
    walked: Callable[[str], Any], name: str, cleaned: int, replayed: int
) -> None:
    async with walked(name) as walker:
        assert await walker.step() == cleaned
        assert await walker.step() == replayed
        report = await walker.report()
    assert "✓ the goal is reached" in report
    assert "  ! " not in report


async def test_a_refused_install_is_mended_by_naming_what_is_expected(walked: Callable[[str], Any]) -> None:
    async with walked("refused-install") as walker:
        await walker.say("e", "gitops-flux-5d41aa0c")
        await walker.until(lambda: "refused-install" in "".join(table_text(walker.app, "#table")))
        assert await walker.step() == 2
        report = await walker.report()
    assert "✓ the goal is reached" in report
    assert "  ! " not in report


async def test_a_delete_bomb_is_defused_by_retiring_the_old_records(walked: Callable[[str], Any]) -> None:
    async with walked("delete-bomb") as walker:
        assert await walker.step() == 0, "with two in force nothing is stale"
        await walker.say("t", "gitops-flux-2f61b7e3")

        def retiring() -> bool:
            plan = walker.recovery.course.plan if walker.planned() else None
            return plan is not None and plan.kind is PlanKind.RETIRE

        await walker.until(retiring)
        assert await walker.work_off() == 1

        def back_at_the_cleanup() -> bool:
            plan = walker.recovery.course.plan if walker.planned() else None
            return plan is not None and plan.kind is PlanKind.CLEANUP

        await walker.until(back_at_the_cleanup)
        report = await walker.report()
    assert "✓ the goal is reached" in report
    assert "  ! " not in report
