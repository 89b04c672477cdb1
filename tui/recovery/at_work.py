"""Whether an owner is changing things right now: nothing is written while one is. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from tui.objects import Inventory, Live
from tui.ownership.conditions import integer
from tui.ownership.evidence import HELM_RELEASE, KUSTOMIZATION
from tui.ownership.model import FamilyView
from tui.ownership.references import dig, items

ENDED: Final = ("Complete", "Failed")
"""The conditions of a Pulumi operator's Update that has come to its end."""


def owner_at_work(inventory: Inventory, families: Iterable[FamilyView] = ()) -> str:
    """Which owner is changing things right now, in words; empty when none is known to.

    A Flux object counts while its controller runs and works on a change of it for the first time; retrying a failure,
    suspended, or left half-way by a dead controller, it does not. A release counts while its newest revision is
    pending: whether its process still lives cannot be seen from here.
    """
    return next(iter((*_pending(families), *_updates(inventory), *_flux(inventory))), "")


def _pending(families: Iterable[FamilyView]) -> Iterator[str]:
    for view in families:
        for release in view.releases:
            newest = release.newest
            if newest.status.at_work:
                yield f"release {newest.name} revision {newest.revision} is {newest.status.value}"


def _updates(inventory: Inventory) -> Iterator[str]:
    for update in inventory.of_kind("auto.pulumi.com", "Update"):
        conditions = _conditions(update)
        running = any(_is(c, "Progressing", "True") for c in conditions)
        if running and not any(_is(c, kind, "True") for c in conditions for kind in ENDED):
            yield f"{update.ref.label} is running"


def _flux(inventory: Inventory) -> Iterator[str]:
    for kind, controller, what in (
        (KUSTOMIZATION, "kustomize-controller", "is applying a change"),
        (HELM_RELEASE, "helm-controller", "is installing or upgrading its release"),
    ):
        if _alive(inventory, controller):
            yield from (f"{live.ref.label} {what}" for live in inventory.of_kind(*kind) if _first_try(live))


def _first_try(live: Live) -> bool:
    """Whether its controller works on the newest change for the first time."""
    reconciling = any(_is(c, "Reconciling", "True") and c.get("reason") == "Progressing" for c in _conditions(live))
    if not reconciling or dig(live.body, ("spec", "suspend")) is True:
        return False
    if live.ref.kind == "HelmRelease":
        # A chart may change without a new generation: helm-controller then tells which of Helm's actions it runs.
        new = dig(live.body, ("status", "lastAttemptedGeneration")) != live.generation
        return new or ("Running '" in _told(live) and not _failed(live))
    return _new_revision(live) or dig(live.body, ("status", "observedGeneration")) != live.generation


def _new_revision(live: Live) -> bool:
    """Whether it works on a revision that it has never finished with, well or badly: its condition names the one.

    kustomize-controller notes what it attempts once it has fetched it; what became of each it keeps in a history.
    """
    told = _told(live)
    status = dig(live.body, ("status",))
    attempted, applied = dig(status, ("lastAttemptedRevision",)), dig(status, ("lastAppliedRevision",))
    if " revision " not in told or not isinstance(attempted, str):
        return False
    ended = [dig(past, ("metadata", "revision")) for past in items(dig(status, ("history",)))]
    at_first = bool(ended) and not any(isinstance(past, str) and past in told for past in (applied, *ended))
    return attempted not in told or at_first


def _told(live: Live) -> str:
    return " ".join(str(c.get("message") or "") for c in _conditions(live) if _is(c, "Reconciling", "True"))


def _failed(live: Live) -> bool:
    counts = [dig(live.body, ("status", name)) for name in ("failures", "installFailures", "upgradeFailures")]
    return any(isinstance(count, int) and count > 0 for count in counts)


def _conditions(live: Live) -> list[Mapping[str, Any]]:
    return list(items(dig(live.body, ("status", "conditions"))))


def _is(condition: Mapping[str, Any], kind: str, status: str) -> bool:
    return condition.get("type") == kind and condition.get("status") == status


def _alive(inventory: Inventory, deployment: str) -> bool:
    found = (live for live in inventory.of_kind("apps", "Deployment") if live.ref.name == deployment)
    counts = (dig(live.body, ("status", "availableReplicas")) for live in found)
    # A count that cannot be read may be any.
    return any(count is not None and integer(count) != 0 for count in counts)
