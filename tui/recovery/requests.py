"""The requests of each action, and what they leave in managedFields. Pure.

Every write to a release's object leaves it as the release's own tool would have: its field manager, its apply method.
A server-side release whose object was made by plain POST fails its next upgrade on conflicts (facts.md, A5), so such
an object takes two requests: the change itself, then a rewrite of the managedFields entry from Update to Apply.
"""

import copy
from collections import Counter
from collections.abc import Iterable

from tui.helm.manifest import stamped
from tui.objects import Inventory, Json
from tui.ownership.evidence import MANAGED_BY, RELEASE_NAME, RELEASE_NAMESPACE, owns_nothing, stamp_managers, stamp_of
from tui.ownership.model import FamilyView
from tui.recovery.plan import Entry
from tui.recovery.ports import Method, Request

DEFAULT_MANAGER = "helm"
KUBECTL_APPLIED = (("kubectl-client-side-apply", "Update"), ("kubectl", "Apply"))
"""What ``kubectl apply`` leaves behind, client- and server-side, as (manager, operation)."""


def release_manager(view: FamilyView, inventory: Inventory) -> str:
    """The field manager of a release's own tool: that of most surviving objects of the active release, else ``helm``.

    Pulumi and other embedders of Helm's library apply under names of their own (facts.md, A5 and B).
    """
    if view.active is None or not view.listed:
        return DEFAULT_MANAGER
    found: Counter[str] = Counter()
    for key in view.listed[0].documents:
        live = inventory.get(key)
        stamp = stamp_of(live) if live else None
        if live is None or stamp is None or stamp.release != view.active.name:
            continue
        found.update(m.name for m in live.managers if m.name in stamp_managers(live) and not owns_nothing(m))
    return found.most_common(1)[0][0] if found else DEFAULT_MANAGER


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
    """The stored document as Helm would have sent it: with the stamps of its release."""
    if entry.document is None:
        raise ValueError(f"{entry.id} has no document")
    return stamped(entry.document.body, entry.release, release_namespace)


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


def hand_over(
    entry: Entry, live: Json, manager: str, operation: str, former: Iterable[str], *, dry_run: bool
) -> Request | None:
    """A JSON patch after which ``manager`` holds, by ``operation``, what it and ``former`` managers held.

    None where managedFields already say so. The resourceVersion in the patch makes it fail on any other object.
    """
    meta = live.get("metadata") or {}
    before = meta.get("managedFields") or []
    after = merged_managers(before, manager, operation, former)
    if after == before:
        return None
    patch: list[Json] = [
        {"op": "replace", "path": "/metadata/managedFields", "value": after},
        {"op": "replace", "path": "/metadata/resourceVersion", "value": meta.get("resourceVersion")},
    ]
    return Request(Method.JSON_PATCH, entry.ref, patch, manager, dry_run)


def merged_managers(entries: list[Json], manager: str, operation: str, former: Iterable[str]) -> list[Json]:
    """managedFields in which one entry (manager, operation) unites its own entries and those of ``former`` managers.

    Entries of a subresource stay: they are other owners (facts.md, D4).
    """
    names = {manager, *former}
    taken = [
        e
        for e in entries
        if not e.get("subresource")
        and (e.get("manager") in names or (e.get("manager"), e.get("operation")) in KUBECTL_APPLIED)
    ]
    if not taken:
        return entries
    own = next((e for e in taken if (e.get("manager"), e.get("operation")) == (manager, operation)), taken[0])
    fields: Json = {}
    for each in taken:
        fields = _union(fields, each.get("fieldsV1") or {})
    united = {**own, "manager": manager, "operation": operation, "fieldsType": "FieldsV1", "fieldsV1": fields}
    at = entries.index(own)
    return [united if i == at else e for i, e in enumerate(entries) if i == at or e not in taken]


def _union(one: Json, other: Json) -> Json:
    both = copy.deepcopy(one)
    for name, below in other.items():
        mine = both.get(name)
        both[name] = _union(mine, below) if isinstance(mine, dict) and isinstance(below, dict) else copy.deepcopy(below)
    return both
