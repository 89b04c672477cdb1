"""Lists and the pane beside them: filters, cuts, YAML, logs, events."""

import asyncio
from typing import Any

from textual.widgets import Input

from screens.inspector import Aspect, Inspector
from tests.screens.fakes import FakeLink
from tests.screens.piloting import (
    LARGE,
    SMALL,
    lines_text,
    painted,
    pane_text,
    press,
    running,
    settle,
    static_text,
    tap,
    write,
)
from tests.screens.world import trouble
from tui.widgets.outline import Outline


async def test_the_tree_narrows_by_words_and_by_state_and_widens_again() -> None:
    async with running() as (app, pilot):
        await press(pilot, "2")
        tree = app.screen.query_one(Outline)
        before = lines_text(tree)
        await press(pilot, "slash")
        await write(pilot, "flux-view")
        assert lines_text(tree)[-1].strip() == "~ stale  flux-view"
        await press(pilot, "1")
        assert app.current_mode == "ownership"
        assert app.screen.query_one(Input).value == "flux-view1"
        await press(pilot, "escape")
        assert lines_text(tree) == before
        await press(pilot, "s")
        assert "~ stale" in static_text(app, "#above")
        assert "1 of 28" in static_text(app, "#above")
        await press(pilot, "escape")
        assert lines_text(tree) == before


async def test_the_tree_can_be_cut_four_ways() -> None:
    async with running() as (app, pilot):
        await press(pilot, "2")
        seen = []
        for _ in range(4):
            await press(pilot, "b")
            seen.append(lines_text(app.screen.query_one(Outline))[0])
        assert len(set(seen)) == 4
        assert seen[-1].startswith("▾ Infrastructure")


async def test_describe_takes_the_list_s_place_on_a_narrow_screen_only() -> None:
    async with running(size=SMALL) as (app, pilot):
        await press(pilot, "3")
        assert not app.screen.query_one("#detail").display
        await press(pilot, "d")
        assert app.screen.query_one("#detail").display
        assert not app.screen.query_one("#found").display
        await press(pilot, "escape")
        assert app.screen.query_one("#found").display
    async with running(size=LARGE) as (app, pilot):
        await press(pilot, "3", "d")
        assert app.screen.query_one("#detail").display
        assert app.screen.query_one("#found").display


async def test_yaml_is_read_afresh_and_masked() -> None:
    async with running() as (app, pilot):
        await press(pilot, "2", "slash")
        await write(pilot, "github-token")
        await press(pilot, "enter", "G", "y")
        assert app.screen.query_one(Inspector).aspect is Aspect.YAML
        assert "token: '***" in pane_text(app)
        assert "hunter2" not in painted(app)


async def test_yaml_of_what_is_gone_or_forbidden_is_one_sentence() -> None:
    bodies = trouble()
    bodies[0]["metadata"]["name"] = "forbidden"
    link = FakeLink(bodies)
    async with running(link) as (app, pilot):
        await press(pilot, "2", "slash")
        await write(pilot, "namespace forbidden")
        await press(pilot, "enter", "G", "y")
        assert "✗ secrets [/x] is forbidden" in pane_text(app)
        link.reader.bodies.clear()
        await press(pilot, "escape", "escape", "slash")
        await write(pilot, "clusterrole flux-view")
        await press(pilot, "enter", "G", "y")
        assert "it is not there (any more)" in pane_text(app)


async def test_logs_and_events_are_one_key_away() -> None:
    link = FakeLink(trouble())
    async with running(link) as (app, pilot):
        await press(pilot, "3", "j", "j", "l")
        assert "started" in pane_text(app)
        assert "␛[2Jcleared [/x]" in pane_text(app)
        await press(pilot, "escape", "e")
        assert "the cluster keeps no events about it" in pane_text(app)


async def test_a_late_answer_to_an_earlier_question_is_dropped() -> None:
    link = FakeLink(trouble())
    held = asyncio.Event()
    first = link.logs

    async def slow(ref: Any, container: str, tail: int) -> str:
        await held.wait()
        return await first(ref, container, tail)

    link.logs = slow  # type: ignore[method-assign]  # the answer is held back
    async with running(link) as (app, pilot):
        await press(pilot, "3")
        await tap(pilot, "l")
        assert "reading Logs of" in pane_text(app)
        await tap(pilot, "escape")
        held.set()
        await settle(pilot)
        assert "started" not in pane_text(app)
