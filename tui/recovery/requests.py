"""The requests of each action, and what they leave in managedFields. Pure.

Every write to a release's object leaves it as the release's own tool would have: its field manager, its apply method.
A server-side release whose object was made by plain POST fails its next upgrade on conflicts (tried with Helm 4.3.1).
Such an object takes two requests: the change itself, then a rewrite of the managedFields entry from Update to Apply.
"""

import copy
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from tui.helm.manifest import is_owned, stamped
from tui.helm.model import Document
from tui.objects import Inventory, Json, Live
from tui.ownership.evidence import MANAGED_BY, RELEASE_NAME, RELEASE_NAMESPACE, owns_nothing, stamp_managers, stamp_of
from tui.ownership.model import FamilyView
from tui.recovery import mend_flux, undo
from tui.recovery.mend_finalizers import removal
from tui.recovery.plan import Action, Entry
from tui.recovery.ports import Method, Request

DEFAULT_MANAGER = "helm"
UNHELD = "refloat"
"""The manager of requests after which it holds no field."""

KUBECTL_APPLIED = (("kubectl-client-side-apply", "Update"), ("kubectl", "Apply"))
"""What ``kubectl apply`` leaves behind, client- and server-side, as (manager, operation)."""


class Keeper(NamedTuple):
    """How a release's own tool holds its objects: its field manager, and ``Apply`` or ``Update``."""

    manager: str
    operation: str


def keeper_of(view: FamilyView, inventory: Inventory, body: Json | None) -> Keeper:
    """Who is to hold an object's fields. ``body`` is the object as it stands, None where it is missing.

    With a release in force that is its manager by its apply method. Without one, nobody knows yet how the expected
    release will be installed: whoever holds the object's stamp goes on holding it, by the operation it did so far.
    """
    if view.active is not None:
        return Keeper(release_manager(view, inventory), "Apply" if view.active.apply_method == "ssa" else "Update")
    return holder_of(Live.of(body or {}))


def holder_of(live: Live) -> Keeper:
    """Who holds an object's stamp, and by which operation; Helm itself where nobody does."""
    holders = [m for m in live.managers if m.name in stamp_managers(live) and not m.subresource and not owns_nothing(m)]
    holders.sort(key=lambda m: m.operation != "Apply")
    return Keeper(holders[0].name, holders[0].operation) if holders else Keeper(DEFAULT_MANAGER, "Update")


def release_manager(view: FamilyView, inventory: Inventory) -> str:
    """The field manager of a release's own tool: that of most surviving objects of the active release, else ``helm``.

    Pulumi and other embedders of Helm's library apply under names of their own (helm pkg/kube/client.go).
    """
    if view.active is None or not view.listed:
        return DEFAULT_MANAGER
    found: Counter[str] = Counter()
    for key in view.listed[0].documents:
        live = inventory.get(key)
        stamp = stamp_of(live) if live else None
        if live is None or stamp is None or stamp.release != view.active.name:
            continue
        holders = stamp_managers(live)
        found.update({m.name for m in live.managers if m.name in holders and not owns_nothing(m)})
    # Of two that hold as many, the first by name: the same objects always give the same answer.
    return min(found, key=lambda name: (-found[name], name)) if found else DEFAULT_MANAGER


@dataclass(frozen=True, slots=True)
class Manner:
    """How a request is to be made: as a dry run, taking fields from others by ``force``, asking by this ``token``."""

    dry_run: bool = False
    force: bool = False
    token: str = ""


def first(
    entry: Entry, body: Json | None, view: FamilyView | None, inventory: Inventory, manner: Manner | None = None
) -> Request:
    """The first request of an entry, on ``body``, the object as it was just read (None: it is not there).

    ``view`` is the release family that the entry belongs to; None of an entry that concerns none.
    """
    manner = manner or Manner()
    meta = (body or {}).get("metadata") or {}
    uid, version = str(meta.get("uid") or ""), str(meta.get("resourceVersion") or "")
    dry_run = manner.dry_run
    match entry.action:
        case Action.RESTORE:
            return undo.first(entry, body, dry_run=dry_run)
        case Action.DELETE | Action.RECREATE | Action.RETIRE:
            return delete(entry, uid, version, dry_run=dry_run)
        case Action.RECONCILE:
            patch = mend_flux.reconcile_body(uid, version, manner.token)
            return Request(Method.MERGE_PATCH, entry.ref, patch, mend_flux.MANAGER, dry_run)
        case Action.RESUME:
            return Request(
                Method.MERGE_PATCH, entry.ref, mend_flux.resume_body(uid, version), mend_flux.MANAGER, dry_run
            )
        case Action.UNFINALIZE:
            return unfinalize(entry, body or {}, dry_run=dry_run)
    if view is None:
        raise ValueError(f"{entry.id} belongs to no release family")
    manager = manager_of(entry, body, view, inventory)
    if entry.action is Action.ADOPT:
        return stamp(entry, view.family.namespace, version, manager, dry_run=dry_run)
    if entry.action is Action.REPAIR:
        return repair(entry, view.family.namespace, {"uid": uid, "resourceVersion": version}, manager, manner)
    return create(entry, replayed(entry, view.family.namespace), manager, dry_run=dry_run)


def manager_of(entry: Entry, body: Json | None, view: FamilyView | None, inventory: Inventory) -> str:
    """The field manager that an entry's own write is sent by: none of Refloat's that would hold a field."""
    if entry.action in (Action.RECONCILE, Action.RESUME):
        return mend_flux.MANAGER
    if entry.action is Action.UNFINALIZE or view is None:
        return UNHELD
    return keeper_of(view, inventory, body).manager


def repair(entry: Entry, release_namespace: str, pinned: Json, manager: str, manner: Manner) -> Request:
    """A server-side apply of the stored document to exactly the object last seen: ``pinned`` has its uid and version.

    With the uid in it, it makes nothing where the object is gone.
    """
    body = replayed(entry, release_namespace)
    body["metadata"] |= pinned
    return Request(Method.APPLY, entry.ref, body, manager, manner.dry_run, manner.force)


def unfinalize(entry: Entry, body: Json, *, dry_run: bool) -> Request:
    """A JSON patch that takes the entry's finalizer from exactly the object last seen.

    What is only taken away is held by nobody: the manager's name leaves no entry in managedFields.
    """
    return Request(Method.JSON_PATCH, entry.ref, list(removal(body, entry.finalizer)), UNHELD, dry_run)


def delete(entry: Entry, uid: str, resource_version: str, *, dry_run: bool) -> Request:
    """A deletion that only the object last seen can suffer: everything is in the body, the query would be ignored."""
    body: Json = {
        "apiVersion": "v1",
        "kind": "DeleteOptions",
        "preconditions": {"uid": uid, "resourceVersion": resource_version},
        "propagationPolicy": "Background",
    }
    if dry_run:
        body["dryRun"] = ["All"]
    return Request(Method.DELETE, entry.ref, body, dry_run=dry_run)


def create(entry: Entry, body: Json, manager: str, *, dry_run: bool) -> Request:
    """A plain POST: it answers 409 where the object exists, whoever made it."""
    return Request(Method.CREATE, entry.ref, body, manager, dry_run)


def replayed(entry: Entry, release_namespace: str) -> Json:
    """The stored document as Helm would have sent it: with the stamps of its release, unless it is a chart's CRD."""
    if entry.document is None:
        raise ValueError(f"{entry.id} has no document")
    if entry.chart:
        return copy.deepcopy(entry.document.body)
    return stamped(entry.document.body, entry.release, release_namespace)


def to_come(document: Document, release: str, release_namespace: str, live: Live | None) -> Json:
    """A document of an expected release as its install would send it, to exactly the ``live`` object where one is.

    Helm stamps neither hooks nor the CRDs of a chart's own folder.
    """
    owned = is_owned(document)
    body = stamped(document.body, release, release_namespace) if owned else copy.deepcopy(document.body)
    return body if live is None else {**body, "metadata": {**body["metadata"], "uid": live.ref.uid}}


def stamp(entry: Entry, release_namespace: str, resource_version: str, manager: str, *, dry_run: bool) -> Request:
    """A merge patch that sets the label and both annotations on exactly the object last seen."""
    body: Json = {
        "metadata": {
            "uid": entry.ref.uid,
            "resourceVersion": resource_version,
            "labels": {MANAGED_BY: "Helm"},
            "annotations": {RELEASE_NAME: entry.release, RELEASE_NAMESPACE: release_namespace},
        }
    }
    return Request(Method.MERGE_PATCH, entry.ref, body, manager, dry_run)


def hand_over(entry: Entry, live: Json, keeper: Keeper, former: Iterable[str], *, dry_run: bool) -> Request | None:
    """A JSON patch after which the keeper holds, by its operation, what it and ``former`` managers held.

    None where managedFields already say so. The resourceVersion in the patch makes it fail on any other object.
    """
    meta = live.get("metadata") or {}
    before = meta.get("managedFields") or []
    after = merged_managers(before, keeper.manager, keeper.operation, former)
    if after == before:
        return None
    patch: list[Json] = [
        {"op": "replace", "path": "/metadata/managedFields", "value": after},
        {"op": "replace", "path": "/metadata/resourceVersion", "value": meta.get("resourceVersion")},
    ]
    return Request(Method.JSON_PATCH, entry.ref, patch, keeper.manager, dry_run)


def merged_managers(entries: list[Json], manager: str, operation: str, former: Iterable[str]) -> list[Json]:
    """managedFields in which (manager, operation) unites its own entries and those of ``former`` managers.

    Entries of a subresource stay: they are other owners. Of one that applies there is a single entry, of one that
    updates there is one for each API version (apimachinery managedfields).
    """
    names = {manager, *former}
    taken: dict[str, list[Json]] = defaultdict(list)
    for entry in entries:
        if not entry.get("subresource") and _is_taken(entry, names):
            taken["" if operation == "Apply" else str(entry.get("apiVersion"))].append(entry)
    merged: list[Json] = []
    for entry in entries:
        group = next((each for each in taken.values() if any(one is entry for one in each)), None)
        if group is None:
            merged.append(entry)
            continue
        own = next((e for e in group if (e.get("manager"), e.get("operation")) == (manager, operation)), group[0])
        if own is entry:
            merged.append(_united(own, group, manager, operation))
    return merged


def _is_taken(entry: Json, names: set[str]) -> bool:
    return entry.get("manager") in names or (entry.get("manager"), entry.get("operation")) in KUBECTL_APPLIED


def _united(own: Json, group: Iterable[Json], manager: str, operation: str) -> Json:
    return {**own, "manager": manager, "operation": operation, "fieldsType": "FieldsV1", "fieldsV1": union(group)}


def union(entries: Iterable[Json]) -> Json:
    """The fields that entries of managedFields hold together."""
    fields: Json = {}
    for each in entries:
        fields = _union(fields, each.get("fieldsV1") or {})
    return fields


def _union(one: Json, other: Json) -> Json:
    both = copy.deepcopy(one)
    for name, below in other.items():
        mine = both.get(name)
        both[name] = _union(mine, below) if isinstance(mine, dict) and isinstance(below, dict) else copy.deepcopy(below)
    return both
