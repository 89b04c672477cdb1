"""Asks for a text to be typed exactly. Anything else, and leaving, is no."""

from collections.abc import Sequence

from screens.stated import Stated
from tui.widgets.spans import Line, muted, strong


class Typed(Stated):
    """Answers with ``expected`` when that was typed, character by character, and Enter pressed; else with None."""

    def __init__(self, title: str, lines: Sequence[Line], expected: str) -> None:
        def refuse(word: str) -> str:
            return "" if word == expected else "that is not it; nothing was done"

        super().__init__(title, lines, refuse, (muted("type "), strong(expected)))
