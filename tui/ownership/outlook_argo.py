"""What Argo CD does next to an object that an Application lists: as its sync policy says, and no sooner. Pure.

What follows when a manifest or the Application goes is told in ``tui.ownership.acts.argo``. Source: argo-cd
docs/user-guide/auto_sync.md.
"""

from collections.abc import Iterator
from typing import Final

from tui.objects import Inventory, Live
from tui.ownership.conditions import integer, mapping
from tui.ownership.outlook_model import Event, Prospect

CONTROLLER: Final = "argocd-application-controller"


def of_application(holder: Live, inventory: Inventory) -> Iterator[Prospect]:
    """What one Application that lists an object does when that is deleted or changed."""
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


_BACK: Final = (
    (Event.DELETED, "re-creates it", "does not re-create it"),
    (Event.CHANGED, "sets back what its manifest sets", "leaves the change"),
)
_MAY: Final = {
    Event.DELETED: "may re-create it",
    Event.CHANGED: "may set it back",
}


def _acting(event: Event, holder: Live, what: str, when: str, why: str, inventory: Inventory) -> Prospect:
    """What the application controller does if it runs: that it has a ready replica is all that can be seen."""
    for key, live in inventory.objects.items():
        if key.name == CONTROLLER and key.group == "apps" and key.kind in ("StatefulSet", "Deployment"):
            if (integer(mapping(mapping(live.body).get("status")).get("readyReplicas")) or 0) > 0:
                return Prospect(event, True, holder.ref.label, what, when, why)
            why = f"{why}, but {live.ref.label} has no ready replica"
            return Prospect(event, False, holder.ref.label, f"would do this: {what}", "once its controller runs", why)
    return Prospect(event, None, holder.ref.label, _MAY[event], "", f"{why}, but no {CONTROLLER} was found")
