"""What earlier sessions left on this machine: those to go on with, those to undo, whether their copies are whole."""

import sys
from collections.abc import Awaitable, Callable
from hashlib import sha256

from tui.contract.model import Contract
from tui.faults import Fault
from tui.opening import ClusterLink, state_directory
from tui.recovery.backup import parse_backup
from tui.recovery.journal import Session as Recorded
from tui.recovery.journal import backup_path, load_backup, read_backup, unfinished
from tui.recovery.outcome import Outcome
from tui.recovery.plan import PlanKind
from tui.recovery.session import Session
from tui.recovery.told import of_another
from tui.recovery.undo import Past, past_of
from tui.text import clean

Claim = Callable[[Session], Awaitable[None]]
"""Goes on only as the one who may act; raises Fault otherwise."""


def left_here(cluster: str | None, contract_sha256: str) -> tuple[tuple[Recorded, ...], tuple[str, ...]]:
    """The sessions that an earlier process left open on this cluster, oldest first; and what is to be said of others.

    A session that a running process holds is nobody's to take up.
    """
    left, notes = [], []
    for each in unfinished(state_directory()):
        entries = each.reading.entries
        if each.busy or entries[0].fields.get("cluster") != cluster:
            continue
        if not each.reading.intact:
            notes.append(f"session {each.name} was left unfinished and its journal is damaged: {each.reading.fault}")
        elif why := of_another(entries, cluster, contract_sha256):
            notes.append(f"session {each.name} was left unfinished and cannot be taken up now: {why}")
        else:
            left.append(each)
    return tuple(left), tuple(notes)


async def begin(
    link: ClusterLink,
    contract: Contract,
    claim: Claim,
    *,
    undoing: bool = False,
) -> Session:
    """A session to act in, its cluster read and assessed: the newest that was left open here, taken up, else a new one.

    What earlier ones left open is brought to its end and told; all but the one gone on with are ended. An undo goes
    on in an undo alone, with ``undoing``. Raises Fault.
    """
    left, notes = left_here(link.identity.cluster_uid, contract.sha256)
    for note in notes:
        _say(note)
    goes_on = bool(left) and is_undo(left[-1]) is undoing
    for older in left[:-1] if goes_on else left:
        session = await _taken_up(link, older, claim)
        await session.close()
    if goes_on:
        return await _taken_up(link, left[-1], claim)
    session = await link.begin()
    try:
        await claim(session)
        await session.refresh()
    except BaseException:
        await session.close()
        raise
    return session


async def _taken_up(link: ClusterLink, left: Recorded, claim: Claim) -> Session:
    _say(f"session {left.name} was interrupted: it is taken up")
    session = await link.begin(left.path)
    try:
        await claim(session)
        for outcome in await session.take_up():
            _say(_told(outcome))
    except BaseException:
        if session.hold is not None:
            await session.hold.release()
        session.leave()
        raise
    return session


def _told(outcome: Outcome) -> str:
    entry = outcome.entry
    return f"{outcome.status.value:8} {entry.action.value} {entry.ref.label}: {outcome.text}"


def _say(text: str) -> None:
    print(clean(text), file=sys.stderr)


def is_undo(session: Recorded) -> bool:
    """Whether a session undid another."""
    planned = [entry.fields.get("step") for entry in session.reading.entries if entry.kind == "planned"]
    return PlanKind.UNDO.value in planned


def past(session: Recorded) -> Past:
    """What a session did, with the objects as it saved them."""
    return past_of(session.name, session.reading.entries, lambda name: load_backup(backup_path(session.path, name)))


def faults_of(session: Recorded) -> tuple[str, ...]:
    """Why a session's record is not whole: its chain, or a copy that was changed, cut or lost; nothing where it is."""
    faults = [] if session.reading.intact else [session.reading.fault]
    for entry in session.reading.entries:
        if entry.kind != "saved":
            continue
        name = entry.fields.get("backup")
        if not isinstance(name, str):
            faults.append(f"entry {entry.seq}: it does not say where the backup is")
            continue
        try:
            data = read_backup(backup_path(session.path, name))
            parse_backup(data.decode("utf-8", "replace"), name)
        except Fault as fault:
            faults.append(f"entry {entry.seq}: {fault}")
            continue
        if entry.fields.get("sha256") != sha256(data).hexdigest():
            faults.append(f"entry {entry.seq}: the backup {name} is not the one that was saved")
    return tuple(faults)
