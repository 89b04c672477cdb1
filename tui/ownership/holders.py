"""What owners list as theirs in their own status: Flux's inventories, the Flux Operator's, Argo CD's resources. Pure.

These are the owners' own records: what is listed is confirmed. They speak of the cluster they apply to, which need not
be the one they are kept in.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from tui.objects import Inventory, Key, KindKey, Live, Ref
from tui.ownership.references import dig, mapping

APPLICATION: Final = KindKey("argoproj.io", "Application")

HERE: Final = frozenset({"https://kubernetes.default.svc", "in-cluster"})
"""How an Application names the cluster that Argo CD runs in (argo-cd common/common.go)."""

_ENTRY: Final = re.compile(r"(?P<ns>[^_]*)_(?P<name>.+)_(?P<group>[^_]*)_(?P<kind>[^_]+)")


def inventory_key(entry: str) -> Key | None:
    """The object that an inventory id ``<namespace>_<name>_<group>_<Kind>`` names; None for anything else.

    RBAC names store ``:`` as ``__`` (fluxcd/cli-utils pkg/object/objmetadata.go).
    """
    match = _ENTRY.fullmatch(entry)
    if match is None:
        return None
    return Key(match["group"], match["kind"], match["ns"] or None, match["name"].replace("__", ":"))


class Holders:
    """Which objects list which others as theirs, over one inventory.

    ``unread`` is the first one whose list could not be read (metadata only, or damaged); empty where all could.
    """

    def __init__(self, inventory: Inventory, kinds: Iterable[KindKey], labels: Mapping[KindKey, str]) -> None:
        """``labels`` are the prefixes of the labels by which each kind marks what it applied."""
        self._labels = labels
        self.unread = ""
        self.of: dict[Key, list[Ref]] = defaultdict(list)
        for kind in kinds:
            # Whatever order they were listed in, what is told of them is the same.
            for holder in sorted(inventory.of_kind(*kind), key=lambda live: live.ref.label):
                self._index(holder, inventory)

    def _index(self, holder: Live, inventory: Inventory) -> None:
        keys = _listed(holder)
        if None in keys:
            self.unread = self.unread or holder.ref.label
        away = applies_elsewhere(holder)
        for key in dict.fromkeys(keys):
            if key is not None and (not away or self._marked(inventory.get(key), holder.ref)):
                self.of[key].append(holder.ref)

    def _marked(self, live: Live | None, holder: Ref) -> bool:
        """Whether the object's own labels name the holder: a kubeconfig may well lead back to the same cluster."""
        prefix = self._labels.get(holder.kind_key)
        if live is None or prefix is None:
            return False
        return (live.labels.get(f"{prefix}name"), live.labels.get(f"{prefix}namespace")) == (
            holder.name,
            holder.namespace,
        )


def applies_elsewhere(holder: Live) -> bool:
    """Whether a holder applies to another cluster, so that what it lists is not what is here.

    A Kustomization or HelmRelease says so with a kubeConfig, an Application with its destination.
    """
    spec = mapping(dig(holder.body, ("spec",)))
    if holder.ref.kind_key == APPLICATION:
        destination = mapping(spec.get("destination"))
        named = [destination[part] for part in ("server", "name") if destination.get(part)]
        return any(name not in HERE for name in named if isinstance(name, str))
    elsewhere = spec.get("kubeConfig")
    return isinstance(elsewhere, dict) and bool(elsewhere)


def has_list(holder: Live) -> bool:
    """Whether the holder keeps a list at all.

    A HelmRelease has one only since helm-controller 1.5, a Kustomization only once it has applied.
    """
    status = mapping(dig(holder.body, ("status",)))
    part = status.get("resources") if holder.ref.kind_key == APPLICATION else status.get("inventory")
    return isinstance(part, list | dict)


def _listed(holder: Live) -> list[Key | None]:
    """What the holder's status lists; None stands for what could not be read of it."""
    if holder.body is None:
        return [None]
    if holder.ref.kind_key == APPLICATION:
        return list(_resources(holder))
    node: Any = holder.body
    for name in ("status", "inventory", "entries"):
        node = node.get(name)
        if node is None:
            return []
        if not isinstance(node, list if name == "entries" else dict):
            return [None]
    return [inventory_key(str(entry.get("id") or "")) if isinstance(entry, dict) else None for entry in node]


def _resources(holder: Live) -> Iterator[Key | None]:
    """An Application's ``status.resources``: group, kind, namespace and name of each."""
    found = mapping(dig(holder.body, ("status",))).get("resources")
    if found is None:
        return
    for each in found if isinstance(found, list) else [None]:
        parts = (
            [each.get(part) or "" for part in ("group", "kind", "namespace", "name")] if isinstance(each, dict) else []
        )
        if parts and all(isinstance(part, str) for part in parts) and parts[1] and parts[3]:
            yield Key(parts[0], parts[1], parts[2] or None, parts[3])
        else:
            yield None
