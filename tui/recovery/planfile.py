"""A plan as a file: YAML made to be read in a review, pinned to what was seen, confirmed entry by entry. Pure.

A file never carries a document or a value: it names what is to be done and pins it by digests. What is done is drawn
afresh from the cluster when the file is applied, and must match the pins.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import yaml

from tui.objects import Json, Ref
from tui.ownership.model import Wish
from tui.recovery.nodes import Node, PlanFault, read_file
from tui.recovery.plan import Action, Entry, FamilyPin, Pins, Plan, PlanKind, entry_id
from tui.recovery.question import Trial
from tui.recovery.wishfile import WISH_KEYS, read_wish_of, wish_json
from tui.text import clean

__all__ = ["PlanFault", "PlanFile", "Row", "differs", "read_plan", "write_plan"]

SCHEMA: Final = "refloat.plan/1"
MAX_FILE: Final = 4 * 1024 * 1024
"""Bytes of a plan file that are read: thousands of entries."""


@dataclass(frozen=True, slots=True)
class Row:
    """One entry of a plan file. ``seen`` is the fingerprint of the object, ``document`` the digest of the stored
    document, ``finalizer`` the one to be removed; each is empty where the action has none. ``offered`` is done only
    where it is confirmed; ``force`` says that the reviewed dry run named those who lose fields by it. ``losses`` are
    what the file says that it does not bring back."""

    action: Action
    ref: Ref
    release: str
    seen: str
    document: str
    confirmed: bool
    finalizer: str = ""
    offered: bool = False
    force: bool = False
    losses: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """The id of the plan entry it stands for."""
        return entry_id(self.action, self.ref, self.finalizer)

    @property
    def entry(self) -> Entry:
        """The entry as far as the file tells of it: to say what became of one that no fresh plan has."""
        return Entry(self.action, self.ref, "", self.release, "", "", "", finalizer=self.finalizer)


@dataclass(frozen=True, slots=True)
class PlanFile:
    """A plan file: what it rests on, what the operator stated when it was made, and its rows."""

    kind: PlanKind
    pins: Pins
    wish: Wish
    rows: tuple[Row, ...]

    @property
    def release(self) -> str:
        """The release to retire, in a plan that does that; else the empty string."""
        return self.rows[0].release if self.kind is PlanKind.RETIRE and self.rows else ""


def write_plan(
    plan: Plan,
    seen: Mapping[str, str],
    wish: Wish,
    made: Mapping[str, str],
    trials: Mapping[str, Trial] | None = None,
) -> str:
    """The file's text. ``seen`` has the fingerprint of each entry's object by the entry's id, ``trials`` what a dry run
    said of it; ``made`` says when, by whom and on which context, for the reader."""
    document: Json = {
        "schema": SCHEMA,
        "kind": plan.kind.value,
        "made": dict(made),
        "pins": {
            "cluster": plan.pins.cluster_uid,
            "contract": {"name": plan.pins.contract, "sha256": plan.pins.contract_sha256},
            "families": [
                {
                    "family": pin.family,
                    "release": pin.release,
                    "revision": pin.revision,
                    "record": pin.record_uid,
                    "documents": pin.documents,
                }
                for pin in plan.pins.families
            ],
        },
    }
    document |= wish_json(wish)
    if plan.advice:
        document["advice"] = [clean(text) for text in plan.advice]
    tried = trials or {}
    document["entries"] = [_entry(entry, seen.get(entry.id, ""), tried.get(entry.id)) for entry in plan.entries]
    document["entries"] += [
        _entry(entry, seen.get(entry.id, ""), tried.get(entry.id)) | {"offered": True} for entry in plan.offered
    ]
    document["left_out"] = [{"resource": clean(ref.label), "why": clean(why)} for ref, why in plan.left_out]
    head = (
        "# A plan to review. Nothing happens until it is applied: refloat apply FILE asks for each entry.\n"
        "# With --confirmed it does only entries marked `confirmed: true`, which stands for typing their names.\n"
    )
    return head + yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)


class Whole(str):
    """Text that stays on one line of the file: a command in it is copied from there."""

    __slots__ = ()


class _Dumper(yaml.SafeDumper):
    """Writes plain values, and what is to stay on one line as a block."""


_Dumper.add_representer(Whole, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|"))


def _entry(entry: Entry, seen: str, trial: Trial | None) -> Json:
    found: Json = {"action": entry.action.value, "ref": entry.ref.to_json(), "release": entry.release or None}
    if entry.finalizer:
        found["finalizer"] = clean(entry.finalizer)
    if entry.action is not Action.CREATE:
        found["seen"] = {
            "owner": clean(entry.owner_now),
            "resourceVersion": entry.resource_version,
            "fingerprint": seen,
        }
    if entry.document is not None:
        found["document"] = entry.document.sha256
    found["why"] = clean(entry.why)
    found["then"] = clean(entry.then)
    if entry.used_by:
        found["used_by"] = [clean(each) for each in entry.used_by]
    if entry.losses:
        found["losses"] = [Whole(clean(each)) for each in entry.losses]
    if trial is not None:
        found["dry-run"] = clean(trial.text)
        if trial.ok and trial.conflicts:
            found["force"] = True
    return found | {"confirmed": False}


def read_plan(data: bytes, source: str) -> PlanFile:
    """The plan of a file's bytes. Raises PlanFault with the place of the fault."""
    if len(data) > MAX_FILE:
        raise PlanFault(source, 0, 0, f"larger than {MAX_FILE} bytes; that is no plan file")
    return _plan(read_file(data, source))


def _plan(root: Node) -> PlanFile:
    if root.at("schema").value != SCHEMA:
        raise root.at("schema").fault(f"is not {SCHEMA}; refloat plan writes such files")
    # An undo is asked for entry by entry, from a journal: no file stands for it.
    kinds = {kind.value: kind for kind in PlanKind if kind is not PlanKind.UNDO}
    kind = root.at("kind")
    if kind.text() not in kinds:
        raise kind.fault(f"is none of {', '.join(kinds)}")
    root.only(*_KEYS)
    pins = root.at("pins")
    pins.only("cluster", "contract", "families")
    pins.at("contract").only("name", "sha256")
    rows = tuple(_row(node) for node in root.at("entries").items())
    seen: set[str] = set()
    for row in rows:
        if row.id in seen:
            raise root.at("entries").fault(f"names {clean(row.id)} twice")
        seen.add(row.id)
    return PlanFile(
        kinds[kind.text()],
        Pins(
            pins.at("cluster").text(optional=True) or None,
            pins.at("contract").at("name").text(),
            pins.at("contract").at("sha256").text(),
            tuple(_pin(node) for node in pins.at("families").items()),
        ),
        read_wish_of(root),
        rows,
    )


_KEYS: Final = ("schema", "kind", "made", "pins", *WISH_KEYS, "advice", "entries", "left_out")
_ENTRY_KEYS: Final = (
    *("action", "ref", "release", "finalizer", "seen", "document", "why", "then", "losses", "used_by", "dry-run"),
    *("force", "offered", "confirmed"),
)


def _pin(node: Node) -> FamilyPin:
    node.only("family", "release", "revision", "record", "documents")
    return FamilyPin(
        node.at("family").text(),
        node.at("release").text(optional=True) or None,
        node.at("revision").number(),
        node.at("record").text(optional=True) or None,
        node.at("documents").text(optional=True),
    )


def _row(node: Node) -> Row:
    actions = {action.value: action for action in Action}
    action = node.at("action")
    if action.text() not in actions:
        raise action.fault(f"is none of {', '.join(actions)}")
    node.only(*_ENTRY_KEYS)
    ref = node.at("ref")
    ref.only("apiVersion", "kind", "namespace", "name", "uid")
    chosen = actions[action.text()]
    release = node.at("release").text(optional=chosen in (Action.RECONCILE, Action.RESUME, Action.UNFINALIZE))
    return Row(
        chosen,
        Ref(
            ref.at("apiVersion").text(),
            ref.at("kind").text(),
            ref.at("namespace").text(optional=True) or None,
            ref.at("name").text(),
            ref.at("uid").text(optional=True) or None,
        ),
        release,
        node.at("seen").at("fingerprint").text() if chosen is not Action.CREATE else "",
        node.at("document").text() if chosen in (Action.CREATE, Action.RECREATE, Action.REPAIR) else "",
        node.at("confirmed").flag(),
        node.at("finalizer").text(optional=chosen is not Action.UNFINALIZE),
        node.at("offered").flag(optional=True),
        node.at("force").flag(optional=True),
        tuple(each.text() for each in node.at("losses").items(optional=True)),
    )


def differs(row: Row, entry: Entry) -> str:
    """Why the entry that would be done now is not the one that was reviewed; empty where it is the same."""
    if entry.ref.api_version != row.ref.api_version:
        was = clean(row.ref.api_version, 100)
        return f"{entry.ref.label} is read as {entry.ref.api_version} now, {was} was reviewed"
    if entry.ref.uid != row.ref.uid:
        return f"{entry.ref.label} is another object now: its uid is {entry.ref.uid}, {row.ref.uid} was reviewed"
    if entry.release != row.release:
        return f"{entry.ref.label} would now go with {entry.release}, {row.release} was reviewed"
    if entry.document is not None and entry.document.sha256 != row.document:
        return f"the stored document of {entry.ref.label} is not the one that was reviewed"
    return ""
