import asyncio
import subprocess
import sys
from typing import Any

import pytest
from textual.command import CommandPalette
from textual.filter import NoColor
from textual.widgets import Input

from screens.help import Help
from screens.judging import Judgement
from screens.link import Drill, DrillCheck
from screens.overview import Overview
from screens.palette import MOST, find
from screens.room import MODES
from tests.screens.fakes import FakeLink, make_app
from tests.screens.piloting import (
    LARGE,
    SMALL,
    Attention,
    painted,
    pane_text,
    press,
    running,
    send,
    settle,
    table_text,
    write,
)
from tests.screens.world import CONTRACT, HOSTILE, deployment, inventory, trouble
from tui.faults import Unreachable
from tui.objects import Gap
from tui.widgets.ledger import Ledger
from tui.widgets.outline import Outline

SIZES = [SMALL, LARGE]


@pytest.mark.parametrize("size", SIZES)
async def test_the_first_frame_comes_before_any_answer(size: tuple[int, int]) -> None:
    asked = asyncio.Event()

    async def never() -> Any:
        asked.set()
        await asyncio.Event().wait()

    app = make_app(opener=never)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        await asked.wait()
        shown = painted(app)
        assert "connecting to practice..." in shown
        assert "[1 Overview]" in shown
        assert CONTRACT.source in shown
        assert "[READ-ONLY] connecting" in shown


def test_the_app_imports_no_client_and_no_rule_before_its_first_frame() -> None:
    script = (
        "import sys, tui.app, screens.overview\n"
        "heavy = ('kubernetes', 'aiohttp', 'tui.cluster', 'tui.ownership.assess', 'yaml', 'tui.recovery.session')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("size", SIZES)
async def test_the_overview_answers_in_one_screen(size: tuple[int, int]) -> None:
    async with running(size=size) as (app, _):
        shown = painted(app)
        for text in ("✗ BLOCK", "First enter (Recovery, replay)", "Pulumi 4  Flux 5", "helm-controller is not there"):
            assert text in shown
        for text in ("gitops-flux ✓ active", "resource-missing", "https://127.0.0.1:6443", CONTRACT.source):
            assert text in shown
        assert app.screen.query_one("#findings", Ledger).cursor == 0


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("key", "mode", "title"), MODES)
async def test_every_screen_opens_by_its_key(size: tuple[int, int], key: str, mode: str, title: str) -> None:
    async with running(size=size) as (app, pilot):
        await press(pilot, key)
        assert app.current_mode == mode
        assert f"[{key} {title}]" in painted(app)
        assert "? Help" in painted(app)


async def test_every_key_of_every_screen_is_harmless() -> None:
    leaving = {"q", "ctrl+q", "ctrl+c", "super+c", "ctrl+z"}
    async with running() as (app, pilot):
        for mode, name, _ in MODES:
            await press(pilot, mode)
            for key in [active.binding.key for active in app.screen.active_bindings.values()]:
                if key in leaving:
                    continue
                await press(pilot, key)
                while len(app.screen_stack) > 1:
                    await press(pilot, "escape")
                if app.current_mode != name:
                    await press(pilot, mode)
            await press(pilot, "escape", "escape")
        assert app.is_running
        assert app.desk.session is None


async def test_nothing_of_a_cluster_is_markup_or_reaches_the_terminal_raw() -> None:
    link = FakeLink(trouble())
    link.identity = type(link.identity)("[/x]", "https://[bold]x", "\x1b]0;uid", HOSTILE[1], "tethys")
    async with running(link, size=LARGE) as (app, pilot):
        for mode, _, _ in MODES:
            await press(pilot, mode)
            for _ in range(12):
                await press(pilot, "j")
            await press(pilot, "d")
            shown = painted(app)
            assert not any(ord(character) < 0x20 and character != "\n" for character in shown)
            assert "\u202e" not in shown
            await press(pilot, "escape")
        await press(pilot, "2", "slash")
        await write(pilot, "settings")
        await press(pilot, "enter")
        assert "settings-0" in painted(app)


async def test_an_unreachable_cluster_is_one_sentence_and_a_key() -> None:
    faults = [Unreachable("cannot reach https://10.0.0.1:6443 [/x]: connection refused")]
    link = FakeLink(trouble())

    async def opener() -> Any:
        if faults:
            raise faults.pop()
        return link

    app = make_app(opener=opener)
    async with app.run_test(size=SMALL, notifications=True) as pilot:
        await settle(pilot)
        assert "✗ cannot reach https://10.0.0.1:6443 [/x]: connection refused" in painted(app)
        assert "Press ctrl+r to try again" in painted(app)
        for key in [key for key, mode, _ in MODES if mode != "journal"]:
            await press(pilot, key)
            assert "cannot reach" in painted(app)
        await press(pilot, "1", "ctrl+r")
        assert "✗ BLOCK" in painted(app)


async def test_what_nobody_foresaw_is_told_and_crashes_nothing() -> None:
    async def opener() -> Any:
        raise KeyError("[/x]")

    app = make_app(opener=opener)
    async with app.run_test(size=SMALL) as pilot:
        await settle(pilot)
        assert "Refloat failed unexpectedly (KeyError" in painted(app)


async def test_enter_on_the_worst_finding_goes_to_the_step_that_mends_it() -> None:
    async with running() as (app, pilot):
        await press(pilot, "enter")
        assert app.current_mode == "recovery"
        assert "[replay 1]" in painted(app)


async def test_a_finding_about_an_object_opens_the_tree_at_it() -> None:
    async with running(size=LARGE) as (app, pilot):
        rows = table_text(app, "#findings")
        place = next(index for index, row in enumerate(rows) if "ghost-label" in row)
        for _ in range(place):
            await press(pilot, "j")
        await press(pilot, "enter")
        assert app.current_mode == "ownership"
        assert "settings-0" in str(app.screen.query_one(Outline).key)
        assert "ghost-label" in pane_text(app)


async def test_a_finding_about_a_controller_puts_the_cursor_on_it() -> None:
    async with running() as (app, pilot):
        rows = table_text(app, "#findings")
        for _ in range(next(index for index, row in enumerate(rows) if "suspended" in row)):
            await press(pilot, "j")
        await press(pilot, "enter")
        assert app.current_mode == "controllers"
        assert "Kustomization" in str(app.screen.query_one(Ledger).key)


async def test_gaps_are_named_and_never_counted_as_absence() -> None:
    bodies = trouble()
    known = inventory(bodies, [Gap("", "Secret", None, "secrets is forbidden")])
    known.objects = {key: live for key, live in known.objects.items() if key.kind != "Secret"}
    async with running(FakeLink(bodies, known)) as (app, pilot):
        assert "? incomplete, 1 part could not be read:" in table_text(app, "#findings")
        assert "  Secret: secrets is forbidden" in table_text(app, "#findings")
        await press(pilot, "4")
        assert "? unverifiable" in table_text(app, "#families")[0]


async def test_the_watch_is_seen_on_the_controllers_screen() -> None:
    from tests.screens.test_desk import Told
    from tui.objects import KindKey, Live

    link = FakeLink(trouble())
    link.stream = [
        Told("added", KindKey(live.key.group, live.key.kind), live)
        for live in map(Live.of, deployment("helm-controller"))
    ]
    async with running(link) as (app, pilot):
        await press(pilot, "3")
        assert any("✓ helm-controller | 1/1" in row for row in table_text(app, "#controllers-list"))
        assert "0 s old" in painted(app)
        for kind in link.watched:
            app.desk.take(Told("synced", kind))
        await settle(pilot)
        assert "live" in painted(app)
        app.desk.take(Told("disconnected", link.watched[0], reason="reset [/x]", retry_in=4))
        await settle(pilot)
        assert "disconnected, retrying in 4 s" in painted(app)
        assert any("helm-controller" in row for row in table_text(app, "#controllers-list"))


async def test_help_tells_the_keys_of_the_screen_it_is_asked_on() -> None:
    async with running() as (app, pilot):
        await press(pilot, "3", "question_mark")
        assert isinstance(app.screen, Help)
        said = pane_text(app, "#help")
        for text in ("Logs", "Filter", "Quit", "Palette", "missing: it should be there"):
            assert text in said
        await press(pilot, "escape")
        assert app.current_mode == "controllers"


async def test_the_palette_offers_screens_and_objects_and_no_change() -> None:
    async with running() as (app, pilot):
        await press(pilot, "colon")
        assert isinstance(app.screen, CommandPalette)
        await press(pilot, "escape")
        titles = [command.title for command in app.get_system_commands(app.screen)]
        assert titles == [*(title for _, _, title in MODES), "Re-read the cluster", "Help", "Quit"]


async def test_the_palette_finds_objects_and_opens_the_tree_at_them() -> None:
    async with running(size=LARGE) as (app, pilot):
        await press(pilot, "3", "colon")
        await write(pilot, "clusterrole flux-v")
        assert "ClusterRole flux-view  ~ stale" in painted(app)
        # The palette's own way from a choice to its command is longer than that of any screen here.
        await pilot.press("down", "enter")
        await settle(pilot)
        assert app.current_mode == "ownership"
        assert "flux-view" in str(app.screen.query_one(Outline).key)
        await press(pilot, "colon")
        await write(pilot, "[/x]")
        assert "ConfigMap apps/[/x]" in painted(app)


def test_the_palette_offers_a_bounded_number_of_objects(judged: Judgement) -> None:
    assert find(judged.assessment, "") == []
    assert find(judged.assessment, "nothing like it") == []
    assert len(find(judged.assessment, "a")) <= MOST


@pytest.mark.parametrize("key", ["q", "ctrl+q"])
async def test_quit_quits_and_closes_the_link(key: str) -> None:
    link = FakeLink(trouble())
    async with running(link) as (app, pilot):
        await press(pilot, key)
    assert link.closed
    assert app.return_code == 0


async def test_no_colour_means_the_terminal_s_own_palette(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with running() as (app, _):
        assert app.native_ansi_color
        assert app.theme == "ansi-dark"
        assert "✗ BLOCK" in painted(app)
        last = app._filters[-1]
        assert isinstance(last, NoColor)
        for strip in app.screen._compositor.render_strips(app.size):
            for segment in last.apply(list(strip), app.screen.styles.background):
                colours = (segment.style.color, segment.style.bgcolor) if segment.style else ()
                assert all(colour is None or colour.is_default for colour in colours)


async def test_nothing_moves_by_itself() -> None:
    async with running() as (app, pilot):
        assert app.animation_level == "none"
        await press(pilot, "2", "slash")
        assert not app.screen.query_one(Input).cursor_blink


async def test_the_app_can_start_on_any_screen() -> None:
    async with running(start="recovery") as (app, _):
        assert app.current_mode == "recovery"
        assert "[5 Recovery]" in painted(app)


async def test_a_drill_begins_with_its_story_and_gives_hints_one_by_one() -> None:
    async def check() -> DrillCheck:
        return DrillCheck(reached=False, well=("nothing was deleted",), risky=("one is missing [/x]",))

    link = FakeLink(trouble())
    story = "02:40. Nothing rolls\nout.\n\nNobody knows why."
    link.drill = Drill(
        "controllers-missing", "The controllers are gone", story, "All run [again].", ("One", "Two"), check
    )
    async with running(link) as (app, pilot):
        said = pane_text(app, "#briefing")
        assert "02:40. Nothing rolls out.\n\nNobody knows why." in said
        assert "Goal  All run [again]." in said
        assert "Hint 1" not in said
        await press(pilot, "h")
        assert "Hint 1  One" in pane_text(app, "#briefing")
        assert "Hint 2" not in pane_text(app, "#briefing")
        await press(pilot, "escape", "h")
        assert "Hint 1  One" in pane_text(app, "#briefing")
        await press(pilot, "h", "h")
        assert "no more hints" in pane_text(app, "#briefing")
        await press(pilot, "escape", "5", "right", "right", "right", "right")
        report = pane_text(app, "#report")
        assert "✗ the goal is not reached yet" in report
        assert "✓ nothing was deleted" in report
        assert "! one is missing [/x]" in report


async def test_without_a_drill_there_is_no_hint() -> None:
    async with running() as (app, pilot):
        await press(pilot, "h")
        assert isinstance(app.screen, Overview)
        assert "Hint" not in painted(app)


@pytest.mark.parametrize("size", [(40, 10), (20, 5), (1, 1)])
async def test_a_tiny_terminal_crashes_nothing(size: tuple[int, int]) -> None:
    async with running(size=size) as (app, pilot):
        await press(pilot, *"12345")
        assert app.current_mode == "recovery"


@pytest.mark.parametrize("key", [key for key, _, _ in MODES[1:]])
async def test_quitting_while_a_screen_is_being_built_is_quiet(key: str) -> None:
    link, attention = FakeLink(trouble()), Attention()
    app = make_app(link)
    async with app.run_test(size=SMALL, message_hook=attention.hook) as pilot:
        await settle(pilot)
        send(pilot, key)
        send(pilot, "q")
        await attention.until(lambda: app._exit)
    assert link.closed
    assert app.return_code == 0
