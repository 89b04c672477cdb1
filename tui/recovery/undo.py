"""Undoing a session: what of it can be put back, from its journal and its backups, and by which requests. Pure.

Undo restores; it deletes nothing but what it exchanges for the object that stood there before. What a session created
stays, and the line to remove it by hand is told.
"""

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, Final

from tui.contract.model import Contract
from tui.contract.select import matches_document
from tui.objects import Inventory, Json, Key, Live, Ref
from tui.ownership.evidence import owns_nothing, stamp_managers
from tui.recovery import chain
from tui.recovery.backup import dump_backup
from tui.recovery.chain import JournalFault
from tui.recovery.plan import Action, Entry, Pins, Plan, PlanKind, subjects_of
from tui.recovery.ports import Method, Request
from tui.recovery.progress import progress_of
from tui.recovery.told import entry_of, left_open
from tui.text import clean

NEVER: Final = (
    "not restored by any undo: uids, status, pods, the instances of a CustomResourceDefinition, and what controllers "
    "made or changed since"
)

_SERVERS_OWN: Final = ("uid", "resourceVersion", "creationTimestamp", "generation", "managedFields", "selfLink")
_IN_PLACE: Final = frozenset({Action.ADOPT, Action.REPAIR, Action.RESUME})
_REMOVED: Final = frozenset({Action.DELETE, Action.RETIRE})


@dataclass(frozen=True, slots=True)
class Deed:
    """One thing a session did: its object as it was before (None: it was not there), and how it was left.

    ``uid`` is that of the object that the deed left, None where it left none; ``left`` is its fingerprint. ``fault``
    says why its backup cannot be used.
    """

    entry: Entry
    saved: Json | None
    source: str
    uid: str | None
    left: str
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Past:
    """An earlier session: its name, where it acted and under which contract, and its deeds in the order of doing."""

    name: str
    cluster: str | None
    contract_sha256: str
    deeds: tuple[Deed, ...]
    open: int = 0
    """How many of its actions are in doubt, or half done."""


def past_of(name: str, entries: Iterable[chain.Entry], recall: Callable[[str], Json]) -> Past:
    """What a session did, told from its journal; ``recall`` reads a backup by its name and may raise JournalFault."""
    entries = tuple(entries)
    opened = entries[0].fields if entries else {}
    actions = progress_of(entries)
    saved: dict[str, tuple[str, str]] = {}
    deeds: dict[str, Deed] = {}
    for each in entries:
        identity = str(each.fields.get("entry") or "")
        if each.kind == "saved":
            saved[identity] = str(each.fields.get("backup") or ""), str(each.fields.get("sha256") or "")
        elif each.kind == "done" and identity in actions:
            entry = entry_of(actions[identity])
            if entry is not None:
                made = str(each.fields.get("uid") or "") or actions[identity].made or entry.ref.uid
                deeds.pop(identity, None)
                left = str(each.fields.get("left") or "")
                deeds[identity] = _deed(entry, saved.get(identity, ("", "")), made, left, recall)
    cluster = str(opened.get("cluster") or "") or None
    return Past(name, cluster, str(opened.get("sha256") or ""), tuple(deeds.values()), len(left_open(entries)))


def _deed(entry: Entry, saved: tuple[str, str], made: str | None, left: str, recall: Callable[[str], Json]) -> Deed:
    (source, digest), uid = saved, None if entry.action in _REMOVED else made
    try:
        return Deed(entry, recalled(recall, source, digest), source, uid, left)
    except JournalFault as fault:
        return Deed(entry, None, source, uid, left, str(fault))


def recalled(recall: Callable[[str], Json], source: str, digest: str) -> Json | None:
    """The object of a backup, None where none is named. Raises JournalFault for one that is not the one saved.

    ``digest`` is the file's SHA-256 as the journal has it.
    """
    body = recall(source) if source else None
    if body is not None and sha256(dump_backup(body).encode("ascii")).hexdigest() != digest:
        raise JournalFault(f"the backup {source} is not the one that was saved")
    return body


def whole(past: Past, cluster: str | None) -> str:
    """Why nothing of a session can be undone on this cluster; empty where something may be."""
    if past.cluster is None or past.cluster != cluster:
        return f"session {past.name} acted on another cluster: {past.cluster or 'its uid was not known'}"
    if past.open:
        return f"session {past.name} left {past.open} actions in doubt: take it up first, then undo it"
    return ""


def plan(contract: Contract, pins: Pins, past: Past, done: Collection[str] = ()) -> Plan:
    """What puts a session's deeds back, the last one first; what cannot be put back is left out, with the reason.

    ``done`` has the ids of the entries that the undoing session has done before.
    """
    if why := whole(past, pins.cluster_uid):
        return Plan(PlanKind.UNDO, pins, (), (why,))
    first: dict[Key, Deed] = {}
    last: dict[Key, Deed] = {}
    for deed in past.deeds:
        key = deed.entry.ref.key
        first.setdefault(key, deed)
        last.pop(key, None)
        last[key] = deed
    entries, left = [], []
    for key, deed in reversed(last.items()):
        found = _entry(first[key], deed, past)
        if isinstance(found, str):
            left.append((deed.entry.ref, found))
        elif found.id in done:
            left.append((deed.entry.ref, "it is restored already"))
        else:
            entries.append(found)
    advice = [NEVER]
    if past.contract_sha256 != contract.sha256:
        advice.append("the contract has changed since that session: its guardrails of today are what counts")
    return Plan(PlanKind.UNDO, pins, tuple(entries), tuple(advice), tuple(left))


def _entry(first: Deed, last: Deed, past: Past) -> Entry | str:
    """The entry that brings an object back to what it was before its first deed, or why there is none."""
    entry, saved = last.entry, first.saved
    if first.fault or last.fault:
        return first.fault or last.fault
    if first.entry.action in (Action.RECONCILE, Action.UNFINALIZE):
        return f"{entry.action.value}: there is nothing to put back"
    if saved is None:
        return _leave(last)
    ref = Ref.of(saved)
    subjects = subjects_of(ref, saved)
    stands = last.uid is not None
    if stands and not last.left:
        return f"the journal does not say how {ref.label} was left"
    retired = entry.action is Action.RETIRE
    return Entry(
        action=Action.RESTORE,
        ref=replace(ref, uid=last.uid),
        family=entry.family,
        release=entry.release,
        why=f"session {past.name} did this to it: {entry.action.value}",
        owner_now="as that session left it" if stands else "nobody: that session removed it",
        then=_then(stands=stands, swapped=stands and ref.uid != last.uid, retired=retired, release=entry.release),
        subjects=subjects,
        used_by=tuple(f"grants rights to {subject}" for subject in subjects),
        typed=entry.release if retired else ref.name if subjects else "",
        saved=saved,
        source=first.source,
        left=last.left,
    )


def _leave(deed: Deed) -> str:
    """What to do about an object that the session made: undo deletes nothing that it does not exchange."""
    ref = deed.entry.ref
    seen = f"kubectl get {ref.kubectl} -o jsonpath='{{.metadata.uid}}'"
    return (
        f"it was created, and undo deletes nothing: {seen}  # must print {deed.uid}, then: kubectl delete {ref.kubectl}"
    )


def _then(*, stands: bool, swapped: bool, retired: bool, release: str) -> str:
    if retired:
        return (
            f"helm knows {release} again: an uninstall of it, or an upgrade to a chart that lists less, takes down what"
            " it lists"
        )
    if swapped:
        return "it is deleted and made again as it was, with a new uid; between the two its subjects lack the rights"
    if stands:
        return "it stays, and says again what it said before; who held its fields holds them again"
    return "it comes back with a new uid; its controllers make anew what belongs to it"


def by_hand(entry: Entry) -> str:
    """The kubectl line for a restoration; empty for any other entry."""
    if entry.action is not Action.RESTORE:
        return ""
    verb = "create" if entry.ref.uid is None else "diff"
    return f"kubectl {verb} -f FILE  # {entry.ref.label} as it is in {entry.source}, without what the server adds"


def swaps(entry: Entry) -> bool:
    """Whether a restoration deletes what stands, to make again what stood before."""
    before = Ref.of(entry.saved).uid if entry.saved else None
    return entry.action is Action.RESTORE and entry.ref.uid is not None and entry.ref.uid != before


def why_not(contract: Contract, entry: Entry, now: Json | None, seen: str, inventory: Inventory) -> str:
    """Why a restoration may not go ahead on what was just read; empty where it may.

    ``now`` is the object as it stands (None: 404), ``seen`` its fingerprint.
    """
    label = entry.ref.label
    if entry.saved is None or Ref.of(entry.saved).key != entry.ref.key:
        return f"{label} has no backup to restore it from"
    if refusal := _moved(entry, now, seen):
        return refusal
    meta = entry.saved.get("metadata") or {}
    for rail in contract.guardrails:
        if matches_document(rail.deny, entry.ref, meta.get("labels") or {}, meta.get("annotations") or {}, entry.saved):
            return f"guardrail {rail.id} denies {label}: {rail.reason}"
    if now is None or swaps(entry):
        uids = {live.ref.uid for live in inventory.objects.values()}
        lost = [owner for owner in Live.of(entry.saved).owners if owner.uid not in uids]
        if lost:
            return (
                f"{label} belonged to {lost[0].kind} {lost[0].name}, which is gone: it would be deleted again at once"
            )
    return ""


def _moved(entry: Entry, now: Json | None, seen: str) -> str:
    label = entry.ref.label
    if entry.ref.uid is None:
        if now is None:
            return ""
        managers = dict.fromkeys(m.name for m in Live.of(now).managers if not m.subresource)
        return f"{label} exists meanwhile, made by {clean(', '.join(managers), 400) or 'an unknown manager'}"
    if now is None:
        return f"{label} is gone"
    live = Live.of(now)
    if live.ref.uid != entry.ref.uid:
        return f"{label} is another object now: its uid is {live.ref.uid}, that session left {entry.ref.uid}"
    if seen != entry.left:
        return f"{label} has changed since that session left it: nothing is put back over it"
    return ""


def first(entry: Entry, now: Json | None, *, dry_run: bool) -> Request:
    """The first request of a restoration, on ``now``, the object as it was just read (None: it is not there)."""
    if entry.saved is None:
        raise ValueError(f"{entry.id} has no backup")
    if now is None:
        return made_again(entry, dry_run=dry_run)
    version = (now.get("metadata") or {}).get("resourceVersion")
    if swaps(entry):
        body: Json = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "preconditions": {"uid": entry.ref.uid, "resourceVersion": version},
            "propagationPolicy": "Background",
        }
        return Request(Method.DELETE, entry.ref, body | ({"dryRun": ["All"]} if dry_run else {}), dry_run=dry_run)
    patch = [*_differences(now, entry.saved), {"op": "replace", "path": _VERSION, "value": version}]
    return Request(Method.JSON_PATCH, entry.ref, patch, former_manager(entry), dry_run)


def made_again(entry: Entry, *, dry_run: bool) -> Request:
    """The request that creates the saved object anew."""
    return Request(Method.CREATE, entry.ref, restorable(entry.saved or {}), former_manager(entry), dry_run)


def fits(entry: Entry, now: Json | None, request: Request) -> bool:
    """Whether a first request does what its restoration says, to the object last looked at and to no later one."""
    wanted = first(entry, now, dry_run=request.dry_run)
    tried = request.dry_run and swaps(entry) and request == made_again(entry, dry_run=request.dry_run)
    pinned = now is None or bool((now.get("metadata") or {}).get("resourceVersion"))
    return pinned and (request == wanted or tried)


def hand_back(entry: Entry, live: Json) -> Request | None:
    """The second request: the fields are held again by those who held them before. None where they are already."""
    meta, saved = live.get("metadata") or {}, (entry.saved or {}).get("metadata") or {}
    now = meta.get("managedFields") or []
    former = [each for each in saved.get("managedFields") or [] if not each.get("subresource")]
    after = [*former, *(each for each in now if each.get("subresource"))]
    if not former or _timeless(after) == _timeless(now):
        return None
    patch: list[Json] = [
        {"op": "replace", "path": "/metadata/managedFields", "value": after},
        {"op": "replace", "path": _VERSION, "value": meta.get("resourceVersion")},
    ]
    return Request(Method.JSON_PATCH, entry.ref, patch, former_manager(entry))


def _timeless(managers: Iterable[Json]) -> list[str]:
    """Who holds which fields, whatever the order and the times: the server writes both anew."""
    return sorted(
        json.dumps({name: value for name, value in each.items() if name != "time"}, sort_keys=True) for each in managers
    )


_VERSION: Final = "/metadata/resourceVersion"


def former_manager(entry: Entry) -> str:
    """Who held the object's fields before: whose stamp it bore, else the first that held any."""
    live = Live.of(entry.saved or {})
    holders = [m.name for m in live.managers if not m.subresource and not owns_nothing(m)]
    stamping = stamp_managers(live)
    return next((name for name in holders if name in stamping), holders[0] if holders else "helm")


def _differences(now: Json, saved: Json) -> list[Json]:
    """JSON patch operations that make ``now`` say what ``saved`` says: a top-level field or a map of names each."""
    patch: list[Json] = []
    names = sorted({*now, *saved} - {"apiVersion", "kind", "metadata", "status"})
    patch += [operation for name in names for operation in _operation(f"/{_escaped(name)}", name, now, saved)]
    metas = now.get("metadata") or {}, saved.get("metadata") or {}
    for name in ("labels", "annotations", "finalizers"):
        patch += _operation(f"/metadata/{name}", name, *metas)
    return patch


def _operation(path: str, name: str, now: Mapping[str, Any], saved: Mapping[str, Any]) -> list[Json]:
    if (name in now) is (name in saved) and now.get(name) == saved.get(name):
        return []
    if name not in saved:
        return [{"op": "remove", "path": path}]
    return [{"op": "replace" if name in now else "add", "path": path, "value": saved[name]}]


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def restorable(body: Json) -> Json:
    """An object as it may be created again: without its status and what only the server may say."""
    meta = {name: value for name, value in (body.get("metadata") or {}).items() if name not in _SERVERS_OWN}
    return {**{name: value for name, value in body.items() if name != "status"}, "metadata": meta}
