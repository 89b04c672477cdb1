"""The health list of a first contract: Flux's controllers, and what must be Ready for GitOps to work. Pure."""

import re
from collections import defaultdict
from collections.abc import Iterable
from typing import Final

from tui.contract.model import Health
from tui.contract.tool_marks import FLUX_CONTROLLERS, FLUX_READY
from tui.contract.words import PLAIN
from tui.objects import Inventory, Ref
from tui.ownership.model import Attribution
from tui.ownership.references import dig, items

MANY: Final = 8
"""Sources and Kustomizations up to which all are listed; of more, only those beside the controllers."""


def health_of(rows: Iterable[Attribution], inventory: Inventory) -> tuple[tuple[Health, ...], tuple[str, ...]]:
    """The checks, and in words what is doubtful about them. A missing controller that a release lists is one too."""
    unsure: list[str] = []
    found: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        ref = row.ref
        if ref.kind_key == ("apps", "Deployment") and ref.name in FLUX_CONTROLLERS and ref.namespace:
            found[ref.namespace].append(ref.name)
            if not row.live:
                unsure.append(f"why {ref.label} is not live; it is listed below because a release in force has it")
    checks = [Health(space, tuple(sorted(names, key=FLUX_CONTROLLERS.index))) for space, names in sorted(found.items())]
    if len(found) > 1:
        unsure.append(f"which of {', '.join(sorted(found))} is Flux's own namespace: its controllers are in each")
    if not found:
        unsure.append("what must run here: no controller of Flux was found")
    ready = [live.ref for kind in FLUX_READY for live in inventory.of_kind(*kind)]
    if len(ready) > MANY:
        unsure.append(f"which of {len(ready)} sources and Kustomizations matter; listed are those beside controllers")
        ready = [ref for ref in ready if ref.namespace in found]
    for ref in sorted(ready, key=lambda ref: ref.label):
        if ref.namespace and re.match(PLAIN, ref.name) and re.match(PLAIN, ref.namespace):
            checks.append(Health(ref.namespace, (), ref.kind, ref.name))
            if (why := _not_ready(inventory, ref)) is not None:
                unsure.append(f"whether {ref.label} should be Ready: now it is {why}")
    return tuple(checks), tuple(unsure)


def _not_ready(inventory: Inventory, ref: Ref) -> str | None:
    live = inventory.get(ref.key)
    body = live.body if live else None
    if dig(body, ("spec", "suspend")) is True:
        return "suspended"
    ready = next((each for each in items(dig(body, ("status", "conditions"))) if each.get("type") == "Ready"), None)
    return None if ready is not None and ready.get("status") == "True" else "not"
