"""A session that was interrupted: what its journal says of each action, and what a fresh look makes of it. Pure.

The journal says what was confirmed, announced and answered; the cluster says what came of it. Nothing is sent again
that may have had its effect, and what was begun is brought to its end under the confirmation that the journal holds.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from tui.helm.model import Document
from tui.objects import Json, Live
from tui.ownership.conditions import moment
from tui.ownership.drift import drift
from tui.ownership.evidence import stamp_of, whole
from tui.ownership.model import FamilyState, FamilyView
from tui.ownership.references import dig
from tui.recovery.at_work import owner_at_work
from tui.recovery.gate import Look, fingerprint, made_by
from tui.recovery.mend_finalizers import free_of
from tui.recovery.plan import Action, Entry
from tui.recovery.progress import ActionProgress
from tui.recovery.waits import WAIT_SECONDS, waits_for

REQUESTED_AT: Final = "reconcile.fluxcd.io/requestedAt"


class Found(StrEnum):
    """What a fresh look makes of an action that was begun."""

    DONE = "done"
    UNDONE = "undone"
    """Nothing was changed, or nothing is left of it: it is offered again where it is still due."""
    REMOVED = "removed"
    """Its object is gone, or on its way: what follows a removal is outstanding."""
    WRITTEN = "written"
    """Its object stands as it was written: what follows a write is outstanding."""
    RESTORED = "restored"
    """What it had deleted was put back."""
    OVERTAKEN = "overtaken"
    """Somebody else came first; nothing more is done."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found, in words for the report; ``uid`` is that of the object to go on with."""

    found: Found
    why: str
    uid: str = ""


def with_document(entry: Entry, action: ActionProgress, view: FamilyView) -> Entry:
    """The entry with the stored document that was confirmed, where its release is still the one in force."""
    wanted = str(action.details.get("document") or "")
    if not wanted or view.active is None or view.active.name != entry.release:
        return entry
    documents = (listed.documents.get(entry.ref.key) for listed in view.listed)
    found: Document | None = next((each for each in documents if each is not None and each.sha256 == wanted), None)
    return replace(entry, document=found)


def not_now(look: Look, view: FamilyView | None, found: Found, now: datetime) -> str:
    """Why nothing may be brought to its end right now; empty where it may. ``now`` is the time of the look."""
    if view is not None and view.state is FamilyState.UNVERIFIABLE:
        return f"the releases of {view.family.name} could not be verified: {view.why}"
    busy = owner_at_work(look.assessment.inventory, look.assessment.families)
    if busy:
        return f"{busy}: no write while an owner is at work; wait for it to end"
    live = Live.of(look.body) if look.body is not None else None
    since = moment(live.deleting) if live is not None and found is Found.REMOVED else None
    # It was waited for once already: no start is held up by it again.
    return waits_for(look.body) if since is not None and (now - since).total_seconds() > WAIT_SECONDS else ""


def judge(action: ActionProgress, entry: Entry, space: str, saved: Json | None, now: Json | None) -> Verdict:
    """What came of an action that was begun.

    ``saved`` is its object as it was before, ``now`` the object as it stands (None: 404). ``space`` is the namespace of
    the entry's release.
    """
    match entry.action:
        case Action.DELETE | Action.RETIRE:
            return _removed(entry, now)
        case Action.CREATE:
            return _created(action, entry, now, ours=now is not None and _bears(action, entry, space, now))
        case Action.RECREATE:
            return _recreated(action, entry, space, saved, now)
        case Action.RESTORE:
            return _restored(action, entry, saved, now)
    return _changed(action, entry, space, saved, now)


def _removed(entry: Entry, now: Json | None) -> Verdict:
    label = entry.ref.label
    if now is None or Live.of(now).ref.uid != entry.ref.uid:
        return Verdict(Found.DONE, f"{label} is gone: the request had its effect")
    if Live.of(now).deleting:
        return Verdict(Found.REMOVED, f"{label} is being deleted")
    return Verdict(Found.UNDONE, f"{label} still stands: the request had no effect")


def _created(action: ActionProgress, entry: Entry, now: Json | None, *, ours: bool) -> Verdict:
    label = entry.ref.label
    if now is None:
        gone = f"{label} was made and is gone again" if action.made else f"{label} was not made"
        return Verdict(Found.UNDONE, gone)
    uid = Live.of(now).ref.uid or ""
    if uid == action.made or (not action.made and ours):
        return Verdict(Found.WRITTEN, f"{label} stands as it was made", uid)
    return Verdict(Found.OVERTAKEN, f"{label} was made by {made_by(now)}: nothing is created over it")


def _bears(action: ActionProgress, entry: Entry, space: str, now: Json) -> bool:
    """Whether an object is what the announced create would have made: the release's stamps, by the manager sent."""
    live, manager = Live.of(now), (action.sent or {}).get("manager")
    stamp = stamp_of(live)
    stamped = entry.chart or (stamp is not None and stamp.release == entry.release and whole(stamp, space))
    return stamped and any(m.name == manager and not m.subresource for m in live.managers)


def _recreated(action: ActionProgress, entry: Entry, space: str, saved: Json | None, now: Json | None) -> Verdict:
    label = entry.ref.label
    live = Live.of(now) if now is not None else None
    if live is not None and live.ref.uid == entry.ref.uid:
        if live.deleting:
            return Verdict(Found.REMOVED, f"{label} is being deleted, and is to be made again")
        return Verdict(Found.UNDONE, f"{label} still stands: the request had no effect")
    if now is None or live is None:
        return Verdict(Found.REMOVED, f"{label} is deleted and not made again yet")
    if (action.sent or {}).get("method") == "delete":
        return Verdict(Found.OVERTAKEN, f"{label} was made again by {made_by(now)}: nothing is created over it")
    if saved is not None and same_content(saved, now):
        return Verdict(Found.RESTORED, f"{label} was restored as it was")
    return _created(action, entry, now, ours=_bears(action, entry, space, now))


def _restored(action: ActionProgress, entry: Entry, saved: Json | None, now: Json | None) -> Verdict:
    label = entry.ref.label
    uid = (Live.of(now).ref.uid or "") if now is not None else ""
    wanted = now is not None and entry.saved is not None and same_content(entry.saved, now)
    if entry.ref.uid is None:
        return _created(action, entry, now, ours=wanted)
    if wanted:
        return Verdict(Found.WRITTEN, f"{label} stands as it is to be", uid)
    if now is None:
        removed = (action.sent or {}).get("method") != "json-patch"
        return Verdict(Found.REMOVED if removed else Found.OVERTAKEN, f"{label} is gone")
    if uid == entry.ref.uid:
        if Live.of(now).deleting:
            return Verdict(Found.REMOVED, f"{label} is being deleted")
        unchanged = saved is not None and fingerprint(saved) == fingerprint(now)
        return Verdict(Found.UNDONE if unchanged else Found.OVERTAKEN, f"{label} is not as it is to be")
    return Verdict(Found.OVERTAKEN, f"{label} was made again by {made_by(now)}: nothing is created over it")


def same_content(one: Json, other: Json) -> bool:
    """Whether two objects say the same beside what only the server says: uid, versions, times, status, managers."""
    return fingerprint(_anonymous(one)) == fingerprint(_anonymous(other))


def _anonymous(body: Json) -> Json:
    meta = {name: value for name, value in (body.get("metadata") or {}).items() if name != "uid"}
    return {**body, "metadata": meta}


def _changed(action: ActionProgress, entry: Entry, space: str, saved: Json | None, now: Json | None) -> Verdict:
    """Of an action that changes its object in place."""
    label = entry.ref.label
    live = Live.of(now) if now is not None else None
    if now is None or live is None:
        if entry.action is Action.UNFINALIZE:
            return Verdict(Found.DONE, f"{label} is gone: nothing holds it any more")
        return Verdict(Found.OVERTAKEN, f"{label} is gone")
    if live.ref.uid != entry.ref.uid:
        return Verdict(Found.OVERTAKEN, f"{label} is another object now")
    version = (action.sent or {}).get("resource_version")
    if not action.answered and version and version == live.resource_version:
        return Verdict(Found.UNDONE, f"{label} is as it was: the request had no effect")
    if _has(entry, space, saved, live):
        return Verdict(Found.WRITTEN, f"{label} stands as it was written", live.ref.uid or "")
    return Verdict(Found.UNDONE, f"{label} does not say what was sent: look at it again")


def _has(entry: Entry, space: str, saved: Json | None, live: Live) -> bool:
    """Whether a live object shows the effect of an entry that changes it in place."""
    body = live.body or {}
    match entry.action:
        case Action.ADOPT:
            stamp = stamp_of(live)
            return stamp is not None and stamp.release == entry.release and whole(stamp, space)
        case Action.REPAIR:
            return entry.document is not None and not drift(entry.document.body, live)
        case Action.RECONCILE:
            before = Live.of(saved).annotations.get(REQUESTED_AT) if saved is not None else None
            return live.annotations.get(REQUESTED_AT) != before
        case Action.RESUME:
            suspended = dig(body, ("spec", "suspend"))
            return suspended is None or suspended is False
        case Action.UNFINALIZE:
            return free_of(live, entry.finalizer)
    return False
