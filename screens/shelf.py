"""The journals of this machine, read for a screen. The disk is read in a thread, never on the key path."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tui.faults import Fault
from tui.objects import Json

if TYPE_CHECKING:
    from tui.recovery.journal import Session
    from tui.recovery.undo import Past


@dataclass(frozen=True, slots=True)
class Left:
    """A session that was left open: when it was begun (UTC), and how its actions stand, in words."""

    session: "Session"
    begun: str
    told: str


@dataclass(frozen=True, slots=True)
class Shelf:
    """What a directory of journals held at a time: its sessions, newest first. ``fault`` says why it was unreadable."""

    directory: Path
    sessions: "tuple[Session, ...]" = field(default=(), repr=False)
    fault: str = ""
    read_at: datetime | None = None

    def named(self, name: str | None) -> "Session | None":
        """The session of this name."""
        return next((session for session in self.sessions if session.name == name), None)

    def left_open(self, cluster_uid: str | None) -> tuple[Left, ...]:
        """The sessions of this cluster that were begun, never ended, and that no running program holds; newest first.

        Slow, for it reads through every journal.
        A cluster whose uid is not known has none: a journal of another cluster must never be taken up on it.
        """
        if cluster_uid is None:
            return ()
        # Imported on first use: the first frame is painted before a journal is needed.
        from screens.journal_rows import begun, counts
        from tui.recovery.progress import progress_of

        return tuple(
            Left(session, begun(session), counts(progress_of(session.reading.entries).values()))
            for session in self.sessions
            if session.unfinished
            and not session.busy
            and session.reading.intact
            and session.reading.entries[0].fields.get("cluster") == cluster_uid
        )


def read_shelf(directory: Path, clock: Callable[[], datetime]) -> Shelf:
    """Reads and checks every journal there is. Slow: to be called in a thread. Never raises a Fault."""
    # Imported on first use, as above.
    from tui.recovery.journal import sessions

    try:
        return Shelf(directory, sessions(directory)[::-1], read_at=clock())
    except Fault as fault:
        return Shelf(directory, fault=str(fault), read_at=clock())


def read_backup(session: "Session", name: str) -> Json:
    """An object as a session saved it, by the name its entry gives. Slow too. Raises JournalFault."""
    # Imported on first use, as above.
    from tui.recovery.journal import backup_path, load_backup

    return load_backup(backup_path(session.path, name))


def read_past(session: "Session | None") -> "Past":
    """What a session did, with the objects as it saved them. Slow too. Raises Fault where there is no such session."""
    # Imported on first use, as above.
    from tui.recovery.undo import past_of

    if session is None:
        raise Fault("that session is not in the journal any more")
    return past_of(session.name, session.reading.entries, lambda name: read_backup(session, name))
