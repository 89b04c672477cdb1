"""The whole path by keys alone: the app on the practice cluster, over real HTTP, from the wreck to six controllers."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from screens.desk import Tuning
from screens.link import Drill, DrillCheck
from screens.question import Ask
from screens.recovery import Recovery
from screens.typed import Typed
from tests.screens.fakes import Ticks
from tests.screens.piloting import SMALL, Attention, pane_text, send, table_text
from tui.app import RefloatApp
from tui.contract.load import load_contract, shipped
from tui.opening import ClusterLink, open_kubeconfig
from tui.options import Options
from tui.practice.cluster import PracticeCluster
from tui.practice.drills import check, load_drill


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
    app, attention = practice("controllers-missing"), Attention()
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
        await attention.until(shows(Typed))
        await keys(pilot, *"practice", "enter")
        await attention.until(lambda: desk.session is not None and desk.view.in_session)
        recovery = app.screen
        assert isinstance(recovery, Recovery)
        await attention.until(lambda: recovery._planned_in is desk.session and not recovery._busy)
        await keys(pilot, "enter")
        for done in range(1, 7):
            await attention.until(shows(Ask))
            await keys(pilot, "y")
            session = desk.session
            assert session is not None
            await attention.until(lambda done=done, session=session: len(session.outcomes) == done)  # type: ignore[misc]  # bound
        await attention.until(lambda: desk.view.health is not None and desk.view.health.verdict.value == "healthy")
        await attention.until(lambda: not recovery._busy and shows(Recovery)())
        await keys(pilot, "right", "right")
        await attention.until(lambda: "the goal is reached" in pane_text(app, "#report"))
        report = pane_text(app, "#report")
        assert "✓ the goal is reached" in report
        assert "✗" not in report
        assert report.count("is created for") == 6
