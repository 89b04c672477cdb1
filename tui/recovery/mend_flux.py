"""Asking Flux to act: what may be reconciled or resumed now, why not, and the two patches that do it. Pure."""

from typing import Final

from tui.contract.model import Contract, Owner
from tui.objects import Inventory, Json, Key, Live, Ref
from tui.ownership.conditions import conditions_of, mapping, words
from tui.ownership.fields import setters
from tui.ownership.liveness import FLUX_GROUPS, REQUESTED_AT

MANAGER: Final = "flux"
"""The field manager of both patches: the one that the flux CLI leaves for the same change.

The fields are Flux's own and stay so: a name of Refloat's own would hold ``spec.suspend``, over which the next
server-side apply of another tool conflicts. A name that starts with kubectl would be wiped by kustomize-controller
before its next apply, and what it held goes with it: the request perhaps before anybody has seen it.
"""

RECONCILED: Final = frozenset(FLUX_GROUPS) - {"Alert", "Provider", "ExternalArtifact"}
"""The kinds that answer a request: Alert and Provider have no controller's loop, an ExternalArtifact no Flux source."""


def is_flux(ref: Ref) -> bool:
    """Whether an object is one of Flux's own."""
    return ref.group.endswith(".toolkit.fluxcd.io") or ref.group == "fluxcd.controlplane.io"


def suspended(live: Live) -> bool:
    """Whether a Flux object is suspended."""
    return is_flux(live.ref) and mapping(mapping(live.body).get("spec")).get("suspend") is True


def why_not_reconcile(live: Live) -> str:
    """Why asking this object to reconcile is refused; empty where it may be asked."""
    if live.ref.kind not in RECONCILED or FLUX_GROUPS.get(live.ref.kind) != live.ref.group:
        return f"{live.ref.label} is no object that Flux reconciles on request"
    if live.deleting:
        return f"{live.ref.label} is being deleted since {live.deleting}"
    if live.body is None:
        return f"could not verify whether {live.ref.label} is suspended: only its metadata was read"
    if suspended(live):
        return f"{live.ref.label} is suspended, its controller would ignore the request without a word: resume it first"
    return ""


def why_not_resume(live: Live) -> str:
    """Why resuming this object is refused; empty where it may be resumed."""
    if not is_flux(live.ref):
        return f"{live.ref.label} is no object of Flux"
    if live.deleting:
        return f"{live.ref.label} is being deleted since {live.deleting}"
    if live.body is None:
        return f"could not verify whether {live.ref.label} is suspended: only its metadata was read"
    return "" if suspended(live) else f"{live.ref.label} is not suspended any more"


def reconcile_body(uid: str, resource_version: str, token: str) -> Json:
    """The merge patch that asks for a reconciliation; done once ``status.lastHandledReconcileAt`` has the token."""
    pinned = {"uid": uid, "resourceVersion": resource_version}
    return {"metadata": pinned | {"annotations": {REQUESTED_AT: token}}}


def resume_body(uid: str, resource_version: str) -> Json:
    """The merge patch that resumes."""
    return {"metadata": {"uid": uid, "resourceVersion": resource_version}, "spec": {"suspend": False}}


def handled(body: Json | None, token: str) -> bool:
    """Whether its controller has answered the request of this token."""
    return mapping(mapping(body).get("status")).get("lastHandledReconcileAt") == token


def says(body: Json | None) -> str:
    """What an object's Ready condition says, in a line; empty where it has none."""
    ready = conditions_of(Live.of(body)).get("Ready") if body else None
    return f"Ready is {ready.status}: {ready.text}" if ready else ""


def suspended_by(live: Live) -> str:
    """Who suspended it, as managedFields tell; empty where they do not."""
    found = [
        f"field manager {words(each.name)} ({each.operation}{f' at {each.time}' if each.time else ''})"
        for each in setters(live, "spec", "suspend")
    ]
    return ", ".join(found)


def applied_suspended(live: Live) -> str:
    """The tool that itself applies ``spec.suspend``, and will suspend the object again; empty where none does."""
    return next((words(each.name) for each in setters(live, "spec", "suspend") if each.operation == "Apply"), "")


def target_of(owner: Owner, inventory: Inventory) -> Ref | None:
    """The object that a contract annotates to make an owner reconcile, as it is live; None where it names none that is.

    The apiVersion is the live object's.
    """
    wanted = owner.reconcile
    if wanted is None or not wanted.kind or not wanted.name:
        return None
    key = Key(FLUX_GROUPS.get(wanted.kind, ""), wanted.kind, wanted.namespace, wanted.name)
    live = inventory.get(key)
    return live.ref if live else None


def targets(contract: Contract, inventory: Inventory) -> tuple[Ref, ...]:
    """Every live object that the contract annotates to make an owner reconcile."""
    found = (target_of(owner, inventory) for owner in contract.owners.values())
    return tuple(dict.fromkeys(ref for ref in found if ref is not None))


def next_of_resume(live: Live, outlook: str) -> str:
    """What follows a resumption: ``outlook`` says what its controller does, this what else is to be known of it."""
    again = applied_suspended(live)
    if again:
        return f"{again} applies it suspended, and will suspend it again: change its source too"
    return f"{outlook}{_prunes(live)}"


def next_of_reconcile(live: Live, outlook: str) -> str:
    """What follows a request to reconcile."""
    if live.ref.kind in ("Kustomization", "HelmRelease"):
        return f"{outlook}{_prunes(live)}"
    return "its controller fetches now; what builds on it follows where the revision is new"


def _prunes(live: Live) -> str:
    if live.ref.kind != "Kustomization":
        return ""
    prunes = mapping(mapping(live.body).get("spec")).get("prune") is True
    return "; what has left its source since is pruned" if prunes else "; it prunes nothing"
