"""The line that offers to go on with a session that was left open. Pure."""

from collections.abc import Sequence

from screens.shelf import Left
from tui.widgets.spans import Line, accent, line, warn


def offer_lines(left_open: Sequence[Left]) -> tuple[Line, ...]:
    """One line that offers to take up the newest of the sessions that were left open; nothing where there is none."""
    if not left_open:
        return ()
    left = left_open[0]
    return (line(warn("! "), accent("b"), f" takes up the session of {left.begun[:16]}: {left.told}"),)
