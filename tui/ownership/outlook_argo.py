"""What Argo CD does next to an object that an Application lists: as its sync policy says, and no sooner. Pure.

Sources: argo-cd docs/user-guide (auto_sync, sync-options, app_deletion).
"""

from collections.abc import Iterator
from typing import Final

from tui.objects import Inventory, Live
from tui.ownership.conditions import integer, mapping
from tui.ownership.outlook_model import Event, Prospect

OPTIONS: Final = "argocd.argoproj.io/sync-options"
CASCADES: Final = "resources-finalizer.argocd.argoproj.io"
CONTROLLER: Final = "argocd-application-controller"


def of_application(holder: Live, live: Live | None, inventory: Inventory) -> Iterator[Prospect]:
    """What one Application that lists the object does; ``live`` is None of what is missing."""
    if holder.body is None:
        for event, what in _MAY.items():
            yield Prospect(event, None, holder.ref.label, what, "", "only its metadata was read")
        return
    policy = mapping(mapping(mapping(holder.body).get("spec")).get("syncPolicy"))
    automated = policy.get("automated")
    on = isinstance(automated, dict) and automated.get("enabled") is not False
    heals = on and mapping(automated).get("selfHeal") is True
    for event, does, leaves in _BACK:
        if heals:
            yield _acting(event, holder, does, "as soon as it notices", "selfHeal", inventory)
        else:
            when = "before the next commit" if on else "before somebody syncs it"
            why = "automated sync without selfHeal" if on else "automated sync is off"
            yield Prospect(event, False, holder.ref.label, leaves, when, why)
    yield from _dropped(holder, live, inventory, prunes=on and mapping(automated).get("prune") is True)


_BACK: Final = (
    (Event.DELETED, "re-creates it", "does not re-create it"),
    (Event.CHANGED, "sets back what its manifest sets", "leaves the change"),
)
_MAY: Final = {
    Event.DELETED: "may re-create it",
    Event.CHANGED: "may set it back",
    Event.DROPPED: "may prune it",
}


def _dropped(holder: Live, live: Live | None, inventory: Inventory, *, prunes: bool) -> Iterator[Prospect]:
    options = live.annotations.get(OPTIONS, "") if live is not None else ""
    kept = {part.strip().lower() for part in options.split(",")}
    if "prune=false" in kept:
        yield Prospect(Event.DROPPED, False, holder.ref.label, "does not prune it", "", f"{OPTIONS}: {options[:80]}")
    elif prunes:
        yield _acting(Event.DROPPED, holder, "prunes it", "with the sync that follows", "automated prune", inventory)
    else:
        why = "prune is not automated: it stays, out of sync"
        yield Prospect(Event.DROPPED, False, holder.ref.label, "does not prune it", "before somebody asks for it", why)
    whole = f"{holder.ref.label}, should it be deleted itself,"
    cascades = CASCADES in holder.finalizers and "delete=false" not in kept
    why = f"finalizer {CASCADES}" if cascades else "no finalizer cascades to it"
    yield Prospect(Event.DROPPED, cascades, whole, "deletes it" if cascades else "leaves it", "", why)


def _acting(event: Event, holder: Live, what: str, when: str, why: str, inventory: Inventory) -> Prospect:
    """What the application controller does if it runs: that it has a ready replica is all that can be seen."""
    for key, live in inventory.objects.items():
        if key.name == CONTROLLER and key.group == "apps" and key.kind in ("StatefulSet", "Deployment"):
            if (integer(mapping(mapping(live.body).get("status")).get("readyReplicas")) or 0) > 0:
                return Prospect(event, True, holder.ref.label, what, when, why)
            why = f"{why}, but {live.ref.label} has no ready replica"
            return Prospect(event, False, holder.ref.label, f"would do this: {what}", "once its controller runs", why)
    return Prospect(event, None, holder.ref.label, _MAY[event], "", f"{why}, but no {CONTROLLER} was found")
