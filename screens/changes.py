"""How watch events change an inventory, and which part of it the controllers need. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from tui.contract.model import Contract
from tui.objects import Inventory, Key, KindKey, Live

WATCHED: Final = (
    KindKey("apps", "Deployment"),
    KindKey("apps", "ReplicaSet"),
    KindKey("", "Pod"),
    KindKey("coordination.k8s.io", "Lease"),
    KindKey("source.toolkit.fluxcd.io", "GitRepository"),
    KindKey("kustomize.toolkit.fluxcd.io", "Kustomization"),
    KindKey("helm.toolkit.fluxcd.io", "HelmRelease"),
)
"""The kinds whose changes matter within a second: what the Controllers screen shows and the health list rests on."""


def controllers_of(inventory: Inventory, contract: Contract) -> Inventory:
    """The part that the Controllers screen shows and health rests on: few kinds in the health list's namespaces."""
    spaces = {entry.namespace for entry in contract.health}
    kinds = {kind.kind for kind in WATCHED} | {entry.ready for entry in contract.health}
    part = {
        key: live
        for key, live in inventory.objects.items()
        if (key.namespace in spaces and key.kind in kinds) or (key.kind == "Namespace" and key.name in spaces)
    }
    return replace(inventory, objects=part)


@dataclass(frozen=True, slots=True)
class Change:
    """An object as the watch told it last; ``gone`` when it was deleted."""

    live: Live
    gone: bool = False


def changed(inventory: Inventory, changes: Mapping[Key, Change]) -> Inventory:
    """A copy with these changes, but for those that it is ahead of; a thread may be reading the old one just now."""
    objects = dict(inventory.objects)
    for key, change in changes.items():
        known = objects.get(key)
        if known is not None and _version(known) > _version(change.live):
            continue
        if change.gone:
            objects.pop(key, None)
        else:
            objects[key] = change.live
    return replace(inventory, objects=objects)


def _version(live: Live) -> int:
    """Orders what two requests told of one object; where a server's versions are no numbers, the later one wins."""
    text = live.resource_version
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 20 else 0
