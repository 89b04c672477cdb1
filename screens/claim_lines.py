"""What is said of other sessions: one that was left open here, and those of other operators. Pure."""

from screens.journal_rows import ACTION_STATES, begun, counts, opened, parted
from tui.recovery.journal import Session
from tui.recovery.lease import Standing, State
from tui.recovery.ports import Hold
from tui.recovery.progress import ActionState, progress_of
from tui.widgets.spans import Line, accent, line, muted, plural, strong, warn

MOST = 12
"""Actions of an unfinished session that are named; the Journal screen has all."""


def unfinished_lines(session: Session, more: int) -> tuple[Line, ...]:
    """What an unfinished session did, what is in doubt and what it left; ``more`` are older ones."""
    actions = list(progress_of(session.reading.entries).values())
    lines = [
        line("A session was begun here at ", strong(begun(session)), f" UTC by {opened(session).get('user') or '-'}"),
        line("and never ended: the program was stopped, or its connection was lost."),
        (),
        line(strong(counts(actions))),
    ]
    wanted = [action for state in ACTION_STATES for action in actions if action.state is state]
    lines += [line("  ", ACTION_STATES[each.state], f"  {' '.join(parted(each.id))}") for each in wanted[:MOST]]
    if len(wanted) > MOST:
        lines.append(line(muted(f"  and {len(wanted) - MOST} more, on the Journal screen")))
    if any(action.state in (ActionState.IN_DOUBT, ActionState.ANSWERED) for action in actions):
        lines += [(), line("Whether what is in doubt was done is found out by a fresh look; nothing is done twice.")]
    if more:
        lines += [(), line(muted(f"{plural(more, 'older session')} left open too: see the Journal screen"))]
    return tuple(lines)


def lapsed_lines(standing: Standing) -> tuple[Line, ...]:
    """Who held the recovery, and what taking it over means."""
    return (
        *_standing(standing),
        (),
        line("Its program may be gone, or cut off and still at work: ask its operator where you can."),
        line("Typing the holder's name takes over; what that session does from then on is refused."),
    )


def taken_lines(standing: Standing) -> tuple[Line, ...]:
    """Who holds the recovery now, and what is left to do here."""
    return (
        *_standing(standing),
        (),
        line("You may look, plan and write the report. Every change is refused while it is so."),
        line(accent("a"), muted(" on the Recovery screen looks again")),
    )


def barred_lines(standing: Standing) -> tuple[Line, ...]:
    """Why no claim can be made, and what going on without one means."""
    return (
        line(warn("! "), standing.text),
        (),
        line("Another operator then sees nothing of this session, and may act on the same objects at the same time."),
        line("Every change is still looked at afresh and refused where anything differs from what you saw."),
        line(muted("Accepting is written to the journal and to the report.")),
    )


def _standing(standing: Standing) -> tuple[Line, ...]:
    lines = [line(warn("! "), standing.text)]
    holder = standing.holder
    if holder is not None:
        lines += [
            (),
            line(muted("holder   "), strong(holder.name), f"  as {holder.user}" if holder.user else ""),
            line(muted("context  "), holder.context or "-"),
            line(muted("since    "), holder.since or "-"),
            line(muted("renewed  "), holder.renewed or "-"),
        ]
    return tuple(lines)


def claim_lines(hold: Hold | None) -> tuple[Line, ...]:
    """One line on who may act, where it is not simply this session."""
    if hold is None or hold.standing.state is State.HELD:
        return ()
    if hold.standing.state is State.WAIVED:
        return (line(warn("! "), muted("this session acts without the claim: another operator may act too")),)
    return (line(warn("! looking on: "), hold.standing.text, "  ", accent("a"), muted(" asks again")),)
