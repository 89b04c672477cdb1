"""What a journal tells a later process of its session: what was decided of each entry, and how far that came. Pure."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

from tui.objects import Json, Ref
from tui.ownership.conditions import mapping, sequence
from tui.ownership.model import Wish
from tui.recovery import chain
from tui.recovery.nodes import Node
from tui.recovery.outcome import Outcome, Status
from tui.recovery.plan import Action, Entry
from tui.recovery.progress import ActionProgress, ActionState, progress_of
from tui.recovery.wishfile import read_wish_of

OPEN: Final = frozenset({ActionState.IN_DOUBT, ActionState.ANSWERED})
"""The states in which only the cluster can tell what was done."""


def describe(entry: Entry) -> Json:
    """An entry as the journal keeps it: everything a later process needs to go on with it, and no content."""
    found: Json = {
        "entry": entry.id,
        "action": entry.action.value,
        "ref": entry.ref.to_json(),
        "uid": entry.ref.uid,
        "family": entry.family,
        "release": entry.release,
        "why": entry.why,
        "owner": entry.owner_now,
        "then": entry.then,
    }
    more = {
        "document": entry.document.sha256 if entry.document else "",
        "chart": entry.chart,
        "finalizer": entry.finalizer,
        "source": entry.source,
        "stood": entry.left,
        "losses": list(entry.losses),
    }
    return found | {name: value for name, value in more.items() if value}


def entry_of(action: ActionProgress) -> Entry | None:
    """The entry that the journal describes, without its document and its backup; None where it does not say enough."""
    details = action.details if action.details.get("action") else (action.sent or {})
    ref = mapping(details.get("ref"))
    known = {each.value: each for each in Action}
    kind = known.get(str(details.get("action")))
    if kind is None or not ref.get("kind") or not ref.get("name"):
        return None
    text = {name: str(details.get(name) or "") for name in ("family", "release", "why", "owner", "then")}
    return Entry(
        action=kind,
        ref=Ref(
            str(ref.get("apiVersion") or ""),
            str(ref["kind"]),
            str(ref.get("namespace") or "") or None,
            str(ref["name"]),
            str(ref.get("uid") or "") or None,
        ),
        family=text["family"],
        release=text["release"],
        why=text["why"],
        owner_now=text["owner"],
        then=text["then"],
        losses=tuple(each for each in sequence(details.get("losses")) if isinstance(each, str)),
        chart=details.get("chart") is True,
        finalizer=str(details.get("finalizer") or ""),
        source=str(details.get("source") or ""),
        left=str(details.get("stood") or ""),
    )


def left_open(entries: Iterable[chain.Entry]) -> tuple[ActionProgress, ...]:
    """The actions whose end the journal does not tell, in the order they were begun."""
    return tuple(action for action in progress_of(entries).values() if action.state in OPEN)


def outcomes(entries: Iterable[chain.Entry]) -> tuple[Outcome, ...]:
    """How the actions of an earlier process ended, as far as its journal tells."""
    found = []
    for action in progress_of(entries).values():
        entry = entry_of(action)
        status = _STATUSES.get(action.state)
        if entry is not None and status is not None:
            begun = status is Status.REFUSED and action.step
            found.append(Outcome(entry, Status.FAILED if begun else status, action.why))
    return tuple(found)


_STATUSES: Final[Mapping[ActionState, Status]] = {
    ActionState.DONE: Status.DONE,
    ActionState.REFUSED: Status.REFUSED,
    ActionState.SKIPPED: Status.SKIPPED,
    ActionState.IN_DOUBT: Status.IN_DOUBT,
    ActionState.ANSWERED: Status.IN_DOUBT,
}


def wish_of(entries: Iterable[chain.Entry]) -> Wish:
    """What the operator stated of a release, last. Raises PlanFault where no version of Refloat wrote it so."""
    wish = Wish()
    for entry in entries:
        if entry.kind in ("opened", "stated") and "wish" in entry.fields:
            wish = read_wish_of(Node(entry.fields["wish"], "the journal", "wish"))
    return wish


def last_change(entries: Iterable[chain.Entry]) -> datetime | None:
    """When the session changed something last; None where it did not."""
    times = [entry.time for entry in entries if entry.kind == "done"]
    return datetime.fromisoformat(times[-1]) if times else None


def of_another(entries: Iterable[chain.Entry], cluster: str | None, contract_sha256: str) -> str:
    """Why a session must not be taken up on this cluster under this contract; empty where it may."""
    opened = next(iter(entries), None)
    fields = opened.fields if opened else {}
    if fields.get("cluster") != cluster or cluster is None:
        return f"it acted on another cluster: {fields.get('cluster') or 'its uid was not known'}"
    if fields.get("sha256") != contract_sha256:
        return "it was begun under another contract, or another version of it"
    return ""
