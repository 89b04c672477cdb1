"""The terminal app: composes the desk and the screens. Nothing imports this but the command line."""

import asyncio
import os
import signal
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual import work
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.worker import Worker, WorkerState

from screens.desk import Desk, Work
from screens.judging import Tuning
from screens.link import Opener
from screens.room import MODES, Room, SaveReport, ViewChanged, Visit
from screens.view import View
from tui.contract.model import Contract
from tui.faults import Exit
from tui.text import clean

if TYPE_CHECKING:
    from textual.driver import Driver


def _journals() -> Path:
    # Imported when the journals are first read, after the first frame.
    from tui.opening import state_directory

    return state_directory()


class RefloatApp(App[None]):
    """Shows one cluster. Read-only until the operator begins a session on the Recovery screen.

    ``opener`` opens the link to the cluster; it is called in a worker, after the first frame. ``context`` is what to
    call the cluster until the link names it. ``start`` is the mode to begin with. ``journals`` tells where this
    machine's journals are; without it they are where sessions write them.
    """

    TITLE = "Refloat"
    CSS_PATH = "app.tcss"
    DEFAULT_MODE = "overview"
    COMMAND_PALETTE_BINDING = "colon"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (132, "-wide")]  # noqa: RUF012 - the base declares it an instance variable
    VERTICAL_BREAKPOINTS = [(0, "-short"), (40, "-tall")]  # noqa: RUF012 - as above

    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(key, f"go('{mode}')", title, show=False) for key, mode, title in MODES),
        Binding("question_mark", "keys", "Help"),
        Binding("colon", "command_palette", "Palette"),
        Binding("ctrl+r", "read_again", "Re-read", show=False),
        Binding("h", "hint", "Hint"),
        Binding("q", "quit", "Quit"),
    ]

    def __init__(
        self,
        opener: Opener,
        contract: Contract,
        *,
        context: str,
        read_only: bool = False,
        start: str = DEFAULT_MODE,
        tuning: Tuning | None = None,
        journals: Callable[[], Path] | None = None,
    ) -> None:
        # Without colour Textual's filters must be built for the terminal's own palette, or they send greys.
        colourless = "NO_COLOR" in os.environ
        super().__init__(ansi_color=True if colourless else None)
        self.animation_level = "none"
        if colourless or self.console.color_system == "standard":
            self.theme = "ansi-dark"
        self.desk = Desk(
            View(clean(context), contract, read_only=read_only),
            opener,
            emit=self._emit,
            spawn=self._spawn,
            tuning=tuning or Tuning(),
            journals=journals or _journals,
        )
        self._start = start
        self._hints = -1
        self._leaving = False
        for _, mode, _ in MODES:
            self.add_mode(mode, self._factory(mode))

    def get_driver_class(self) -> "type[Driver]":
        """Textual's choice; on a POSIX terminal one that outlives the terminal."""
        from textual.drivers.linux_driver import LinuxDriver

        from tui.widgets.terminal import Terminal

        chosen = super().get_driver_class()
        return Terminal if chosen is LinuxDriver else chosen

    def _factory(self, mode: str) -> Callable[[], Screen[Any]]:
        def build() -> Screen[Any]:
            # Each screen is imported when it is first shown, to keep the first frame early.
            match mode:
                case "ownership":
                    from screens.ownership import Ownership

                    return Ownership(self.desk)
                case "controllers":
                    from screens.controllers import Controllers

                    return Controllers(self.desk)
                case "releases":
                    from screens.releases import Releases

                    return Releases(self.desk)
                case "recovery":
                    from screens.recovery import Recovery

                    return Recovery(self.desk)
                case "journal":
                    from screens.journal import Journal

                    return Journal(self.desk)
                case _:
                    from screens.overview import Overview

                    return Overview(self.desk)

        return build

    def _emit(self, view: View) -> None:
        room = self._room()
        if room is not None:
            room.post_message(ViewChanged(view))
        if view.drill is not None and self._hints < 0:
            self._hints = 0
            self.call_later(self.action_hint)

    @work(group="desk", exit_on_error=False, description="work of the desk")
    async def _spawn(self, job: Work) -> None:
        await job()

    def _room(self) -> Room | None:
        stack = self._screen_stacks.get(self.current_mode)
        base = stack[0] if stack else None
        return base if isinstance(base, Room) else None

    def on_mount(self) -> None:
        """Paints first, connects then."""
        if not self.is_headless:
            for hangup in (signal.SIGHUP, signal.SIGTERM):
                asyncio.get_running_loop().add_signal_handler(hangup, self._hung_up)
        if self._start != self.current_mode:
            self.switch_mode(self._start)
        self.call_after_refresh(self._connect)

    def _connect(self) -> None:
        self._spawn(self.desk.open)

    async def on_unmount(self) -> None:
        """Ends every connection."""
        await self.desk.close()

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """A failure that nobody foresaw is told in one sentence, and leaves what is on screen."""
        if event.state is WorkerState.ERROR:
            error = event.worker.error
            self.desk.fail(f"Refloat failed unexpectedly ({type(error).__name__}: {clean(error, 200)})")

    async def action_go(self, mode: str) -> None:
        """Shows a main screen."""
        await self.switch_mode(mode)

    async def on_visit(self, message: Visit) -> None:
        """Shows a main screen at a certain place."""
        await self.switch_mode(message.mode)
        room = self._room()
        if room is not None and message.focus is not None:
            room.call_after_refresh(room.visit, message.focus)

    def action_read_again(self) -> None:
        """Connects again after a failure, or reads everything afresh."""
        self._connect()

    def action_keys(self) -> None:
        """Shows what every key does here."""
        from screens.help import Help

        self.push_screen(Help(self.screen.active_bindings.values()))

    def action_hint(self) -> None:
        """Shows the story of the drill, and the hints so far."""
        from screens.briefing import Briefing

        drill = self.desk.view.drill
        if drill is not None:
            self.push_screen(Briefing(drill, self._hints), self._briefed)

    def _briefed(self, hints: int | None) -> None:
        self._hints = hints or 0

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Hints are for drills."""
        del parameters
        return self.desk.view.drill is not None if action == "hint" else True

    async def action_quit(self) -> None:
        """Quits; in a session, asks first."""
        if self.desk.session is None:
            self.exit()
        elif not self._leaving:
            from screens.leaving import leaving

            self._leaving = True
            self.push_screen(leaving(self.desk.ticks, writing=self.desk.writing), self._asked_to_leave)

    def _asked_to_leave(self, answer: str | None) -> None:
        from screens.leaving import END, KEEP

        self._leaving = False
        if answer in (END, KEEP):
            self._spawn(partial(self._leave, keep=answer == KEEP))

    async def _leave(self, *, keep: bool) -> None:
        """Quits once the change that is under way is answered and written down; its effect is not waited for."""
        self.desk.give_up_waiting()
        await self.desk.written()
        if keep:
            await self.desk.leave()
        self.exit()

    def _hung_up(self) -> None:
        """The terminal is gone, or the process is told to go: the next start goes on with the session."""
        self._spawn(self._go_at_once)

    async def _go_at_once(self) -> None:
        await self.desk.leave()
        self.exit(return_code=int(Exit.UNVERIFIED))

    def on_save_report(self, message: SaveReport) -> None:
        """Saves a report in the current directory, readable by its owner only."""
        name = message.name or f"refloat-report-{self.desk.now():%Y%m%d-%H%M%S}"
        try:
            for ending, text in message.texts.items():
                descriptor = os.open(f"{name}.{ending}", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                    file.write(text)
        except OSError as error:
            self.notify(clean(f"the report was not written: {error}"), severity="error", markup=False)
        else:
            self.notify(f"the report is in {' and '.join(f'{name}.{each}' for each in message.texts)}", markup=False)

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """The palette: screens, re-reading, help. Never anything that changes a cluster."""
        del screen
        for key, mode, title in MODES:
            yield SystemCommand(title, f"key {key}", lambda mode=mode: self.post_message(Visit(mode)))
        yield SystemCommand("Re-read the cluster", "key ctrl+r", self.action_read_again)
        yield SystemCommand("Help", "key ?", self.action_keys)
        yield SystemCommand("Quit", "key q", self.action_quit)
