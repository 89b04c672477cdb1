"""What is asked before the program is left in the middle of a session."""

from collections.abc import Callable

from screens.choice import Choice
from tui.widgets.spans import Line, line, muted, warn

STAY = "stay"
END = "end"
KEEP = "keep"


def leaving(ticks: Callable[[], float], *, writing: bool) -> Choice:
    """The question; ``writing`` says that a change is on its way."""
    lines: list[Line] = [line("A recovery session is open.")]
    if writing:
        lines += [(), line(warn("! "), "A change is under way: it finishes first, and its answer reaches the journal.")]
    lines += [(), line(muted("A session that is left open is offered at the next start."))]
    answers = [
        (STAY, "stay"),
        (END, "end the session, and quit"),
        (KEEP, "quit, and leave the session open"),
    ]
    return Choice("Quit", lines, answers, ticks)
