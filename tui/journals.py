"""``refloat journal``: what the sessions on this machine intended, saved, did and were answered."""

import argparse
from pathlib import Path

from tui import show
from tui.faults import Exit, UsageFault
from tui.objects import Json
from tui.opening import state_directory
from tui.past import faults_of
from tui.recovery.journal import Session, progress_of, sessions
from tui.text import clean


def journal(arguments: argparse.Namespace) -> Exit:
    """``refloat journal [list|show|verify] [SESSION]``."""
    directory = state_directory()
    found = sessions(directory)
    if arguments.action == "list":
        return _list(found, directory, arguments.output)
    if arguments.action == "verify":
        return _verify(chosen(found, arguments.session) if arguments.session else found, directory, arguments.output)
    return _show(chosen(found, arguments.session)[-1], arguments.output)


def chosen(found: tuple[Session, ...], name: str | None) -> tuple[Session, ...]:
    """The sessions whose name begins with what was given; the newest where nothing was."""
    if not found:
        raise UsageFault(f"no session was recorded in {state_directory()} yet")
    if name is None:
        return found[-1:]
    chosen = tuple(session for session in found if session.name.startswith(name))
    if len(chosen) != 1:
        many = "several sessions begin" if chosen else "no session begins"
        raise UsageFault(f"{many} with {clean(name)}; refloat journal list names them")
    return chosen


def _state(session: Session) -> str:
    if not session.reading.intact:
        return "damaged"
    if session.busy:
        return "under way"
    return "unfinished" if session.unfinished else "closed"


def _row(session: Session) -> Json:
    entries = session.reading.entries
    opened = entries[0].fields if entries else {}
    actions = progress_of(entries).values()
    return {
        "session": session.name,
        "state": _state(session),
        "context": opened.get("context"),
        "cluster": opened.get("cluster"),
        "user": opened.get("user"),
        "actions": {state: sum(a.state.value == state for a in actions) for state in {a.state.value for a in actions}},
        "file": str(session.path),
    }


def _list(found: tuple[Session, ...], directory: Path, output: str) -> Exit:
    rows = [_row(session) for session in found]
    if output == "json":
        show.print_json({"schema": "refloat.journal/1", "directory": str(directory), "sessions": rows})
        return Exit.CLEAN
    for row in rows:
        done = ", ".join(f"{count} {state}" for state, count in sorted(row["actions"].items())) or "nothing was done"
        show.print_lines(f"{row['session']}  {row['state']:10}  {clean(row['context'])}  {clean(row['user'])}  {done}")
    show.print_lines(f"{len(rows)} sessions in {directory}")
    return Exit.CLEAN


def _show(session: Session, output: str) -> Exit:
    entries = session.reading.entries
    if output == "json":
        show.print_json(
            {
                "schema": "refloat.journal-session/1",
                **_row(session),
                "entries": [{"seq": e.seq, "time": e.time, "kind": e.kind, **e.fields} for e in entries],
                "fault": session.reading.fault,
            }
        )
    else:
        show.print_lines(f"{session.name}: {_state(session)}; {session.path}")
        for entry in entries:
            words = "  ".join(
                f"{name}={clean(value, 200)}" for name, value in entry.fields.items() if value not in (None, "")
            )
            show.print_lines(f"{entry.seq:4} {entry.time}  {entry.kind:10} {words}")
        if session.reading.fault:
            show.print_lines(clean(session.reading.fault))
    return Exit.CLEAN if session.reading.intact else Exit.BLOCKED


def _verify(found: tuple[Session, ...], directory: Path, output: str) -> Exit:
    """Exit 1 where any journal was cut, changed or reordered, or a backup that it names changed, cut or lost."""
    faults = {session.name: faults_of(session) for session in found}
    bad = {name: told for name, told in faults.items() if told}
    if output == "json":
        rows = [
            {"session": s.name, "intact": not faults[s.name], "fault": "; ".join(faults[s.name]) or s.reading.fault}
            for s in found
        ]
        show.print_json({"schema": "refloat.journal-verify/1", "directory": str(directory), "sessions": rows})
    else:
        for name, told in bad.items():
            show.print_lines("\n".join(f"{name}: {clean(fault)}" for fault in told))
        show.print_lines(f"{len(found) - len(bad)} of {len(found)} journals are whole, backups included")
    return Exit.BLOCKED if bad else Exit.CLEAN
