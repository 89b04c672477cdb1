"""Asks for the words that a recovery may need beyond yes: an expected release, a release to retire."""

from collections.abc import Callable
from typing import Any

from textual.app import App

from screens.session_lines import retire_lines, wish_lines
from screens.stated import Stated
from screens.view import View
from tui.faults import Fault
from tui.ownership.model import Wish
from tui.recovery.retire import retirable
from tui.recovery.wishes import read_wish
from tui.stated import read_file


def ask_wish(app: App[Any], view: View, then: Callable[[Wish], None]) -> None:
    """Asks which release the owner expects, by name or by files that tell, or which of two in force is meant."""
    wishes: list[Wish] = []

    def refuse(line: str) -> str:
        try:
            # Kept as it was read: a file may be another by the time the line is taken.
            wishes[:] = [read_wish(view.contract, line, read_file)]
        except Fault as fault:
            return str(fault)
        return ""

    def stated(line: str | None) -> None:
        if line is not None and wishes:
            then(wishes[0])

    if view.assessment is not None:
        app.push_screen(Stated("What is expected", wish_lines(view.wish), refuse), stated)


def ask_retirement(app: App[Any], view: View, then: Callable[[str], None]) -> None:
    """Asks whose records are to leave, where any may."""
    names = retirable(view.assessment) if view.assessment is not None else ()

    def refuse(word: str) -> str:
        return "" if word.strip() in names else "that release cannot be retired"

    def named(word: str | None) -> None:
        if word is not None:
            then(word.strip())

    if names:
        app.push_screen(Stated("Retire a release", retire_lines(names), refuse), named)
