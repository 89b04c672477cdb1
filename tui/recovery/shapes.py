"""The one shape that the request of each action has: which method, on what, and which paths it may touch. Pure."""

import json
from collections.abc import Collection
from typing import Any, Final

from tui.helm.model import Document
from tui.objects import Json, Live
from tui.ownership.evidence import MANAGED_BY, RELEASE_NAME, RELEASE_NAMESPACE, stamp_managers
from tui.ownership.liveness import REQUESTED_AT
from tui.recovery import mend_flux, requests, undo
from tui.recovery.mend_finalizers import removal
from tui.recovery.plan import Action, Entry
from tui.recovery.ports import Method, Request

_METHODS: Final = {
    Action.ADOPT: Method.MERGE_PATCH,
    Action.RECREATE: Method.DELETE,
    Action.DELETE: Method.DELETE,
    Action.RETIRE: Method.DELETE,
    Action.CREATE: Method.CREATE,
    Action.REPAIR: Method.APPLY,
    Action.RECONCILE: Method.MERGE_PATCH,
    Action.RESUME: Method.MERGE_PATCH,
    Action.UNFINALIZE: Method.JSON_PATCH,
}
"""The method of each action's first request."""


def fits(entry: Entry, body: Json | None, space: str, request: Request) -> bool:
    """Whether a request is exactly what its entry says, to the object last looked at and to no later one.

    ``body`` is that object (None: it is not there), ``space`` the namespace of the entry's release.
    """
    if request.ref != entry.ref or (request.force and entry.action is not Action.REPAIR):
        return False
    if entry.action is Action.RESTORE:
        return undo.fits(entry, body, request)
    if entry.action is Action.RECREATE and request.dry_run and request.method is Method.CREATE:
        return _same(request.body, _document(entry, space))
    if request.method is not _METHODS.get(entry.action):
        return False
    if request.method is Method.CREATE:
        return body is None and _same(request.body, _document(entry, space))
    pinned = _pinned(body)
    return bool(pinned) and _same(request.body, _wanted(entry, body or {}, pinned, space, request))


def tries(document: Document, release: str, space: str, live: Live | None, request: Request) -> bool:
    """Whether a request only tries one document of an expected release, by dry run: its create where nothing is
    ``live``, else its apply to exactly that object."""
    if not request.dry_run or request.ref != document.ref or not request.manager:
        return False
    if live is None:
        shaped = request.method is Method.CREATE and not request.force
    else:
        shaped = request.method is Method.APPLY and bool(live.ref.uid) and live.key == document.key
    return shaped and _same(request.body, requests.to_come(document, release, space, live))


def makes_again(entry: Entry, space: str, before: Json | None, request: Request) -> bool:
    """Whether a request is the create half of a recreation: what the entry says, or again what stood ``before``."""
    if entry.action is not Action.RECREATE and not undo.swaps(entry):
        return False
    plain = not (request.dry_run or request.force) and request.manager not in ("", requests.UNHELD)
    if request.method is not Method.CREATE or request.ref != entry.ref or not plain:
        return False
    copies = [undo.restorable(each) for each in (entry.saved, before) if each is not None]
    return any(_same(request.body, wanted) for wanted in (_document(entry, space), *copies))


def hands_over(entry: Entry, live: Json, before: Json | None, request: Request) -> bool:
    """Whether a request only says anew who manages the fields of ``live``, and leaves every field with somebody.

    A restoration gives them back to those who held them before. Any other one may give its own manager what kubectl
    applied and what those hold who held the stamp ``before``; all else stays as it is.
    """
    if request.method is not Method.JSON_PATCH or request.ref != entry.ref or request.dry_run or request.force:
        return False
    if entry.action is Action.RESTORE:
        return request == undo.hand_back(entry, live)
    meta = live.get("metadata") or {}
    version = {"op": "replace", "path": "/metadata/resourceVersion", "value": meta.get("resourceVersion")}
    steps = request.body if isinstance(request.body, list) else []
    held = steps[0].get("value") if steps else None
    told = {"op": "replace", "path": "/metadata/managedFields", "value": held}
    if not meta.get("resourceVersion") or steps != [told, version] or not isinstance(held, list):
        return False
    former = stamp_managers(Live.of(before)) if before is not None else ()
    return _gathers(meta.get("managedFields") or [], held, request.manager, {*former, request.manager})


def _gathers(was: list[Json], held: list[Json], manager: str, former: Collection[str]) -> bool:
    """Whether ``held`` differs from what ``was`` in that a manager has what kubectl or ``former`` ones held."""

    def may_move(each: Json) -> bool:
        who = str(each.get("manager")), each.get("operation")
        return not each.get("subresource") and (who[0] in former or who in requests.KUBECTL_APPLIED)

    stay = [each for each in was if not may_move(each)]
    others = [each for each in held if each.get("manager") != manager or each.get("subresource")]
    fixed = all(each in held for each in stay) and all(each in was for each in others)
    return fixed and requests.union(was) == requests.union(held) and manager not in ("", requests.UNHELD)


def _same(sent: Any, wanted: Any) -> bool:
    """Whether two bodies are the same JSON; to Python alone, True is 1. Without anything wanted nothing is the same."""
    return wanted is not None and json.dumps(sent, sort_keys=True) == json.dumps(wanted, sort_keys=True)


def _pinned(body: Json | None) -> Json:
    """What names the object last seen and its version; empty where either is missing."""
    meta = (body or {}).get("metadata") or {}
    pinned = {name: meta.get(name) for name in ("uid", "resourceVersion")}
    return pinned if all(pinned.values()) else {}


def _document(entry: Entry, space: str) -> Any:
    return requests.replayed(entry, space) if entry.document is not None else None


def _wanted(entry: Entry, body: Json, pinned: Json, space: str, request: Request) -> Any:
    match entry.action:
        case Action.ADOPT:
            stamps = {RELEASE_NAME: entry.release, RELEASE_NAMESPACE: space}
            return {"metadata": {**pinned, "labels": {MANAGED_BY: "Helm"}, "annotations": stamps}}
        case Action.REPAIR:
            document = _document(entry, space)
            return {**document, "metadata": document["metadata"] | pinned} if document else None
        case Action.RECONCILE:
            token = _token(request)
            return mend_flux.reconcile_body(pinned["uid"], pinned["resourceVersion"], token) if token else None
        case Action.RESUME:
            return mend_flux.resume_body(pinned["uid"], pinned["resourceVersion"])
        case Action.UNFINALIZE:
            held = entry.finalizer in ((body.get("metadata") or {}).get("finalizers") or ())
            return removal(body, entry.finalizer) if held else None
    options = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": pinned, "propagationPolicy": "Background"}
    return options | ({"dryRun": ["All"]} if request.dry_run else {})


def _token(request: Request) -> str:
    """What a request to reconcile asks by: any text, and nothing but text."""
    meta = request.body.get("metadata") if isinstance(request.body, dict) else None
    asked = meta.get("annotations") if isinstance(meta, dict) else None
    token = asked.get(REQUESTED_AT) if isinstance(asked, dict) else None
    return token if isinstance(token, str) else ""
