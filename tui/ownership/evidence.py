"""Every mark on an object that says who owns it, with where it was read and how much it weighs. Pure."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from hashlib import sha256
from typing import Any, Final, NamedTuple

from tui.contract.model import Contract, Mark, glob
from tui.helm.model import Record
from tui.objects import Inventory, Key, KindKey, Live, Manager, Ref
from tui.ownership.model import Evidence, FamilyView, Listed, Source, Strength
from tui.ownership.references import dig, items, mapping
from tui.ownership.releases import Releases

RELEASE_NAME: Final = "meta.helm.sh/release-name"
RELEASE_NAMESPACE: Final = "meta.helm.sh/release-namespace"
MANAGED_BY: Final = "app.kubernetes.io/managed-by"
HELM: Final = "helm"
"""Names the owner of a release that neither a family nor a HelmRelease claims."""

KUSTOMIZATION: Final = KindKey("kustomize.toolkit.fluxcd.io", "Kustomization")
HELM_RELEASE: Final = KindKey("helm.toolkit.fluxcd.io", "HelmRelease")
INVENTORIES: Final[Mapping[str, KindKey]] = {"Kustomization": KUSTOMIZATION, "HelmRelease": HELM_RELEASE}
"""The kinds whose ``status.inventory`` lists what they own, by the name a contract uses for them."""

FLUX_LABELS: Final = (
    ("kustomize.toolkit.fluxcd.io/", KUSTOMIZATION),
    ("helm.toolkit.fluxcd.io/", HELM_RELEASE),
)
FLUX_MANAGERS: Final = frozenset({"kustomize-controller", "helm-controller"})
"""The field managers that Flux applies with (fluxcd/pkg ssa; helm-controller main.go)."""

MAX_RELEASE_NAME: Final = 53
"""Characters that Helm allows a release's name."""

_ENTRY: Final = re.compile(r"(?P<ns>[^_]*)_(?P<name>.+)_(?P<group>[^_]*)_(?P<kind>[^_]+)")


class Stamp(NamedTuple):
    """The release an object says it belongs to."""

    release: str
    namespace: str
    labelled: bool


def stamp_of(live: Live) -> Stamp | None:
    """The object's own Helm stamp, or None. ``labelled``: the managed-by label says Helm, as Helm demands."""
    name = live.annotations.get(RELEASE_NAME)
    if not name:
        return None
    return Stamp(name, live.annotations.get(RELEASE_NAMESPACE, ""), live.labels.get(MANAGED_BY) == "Helm")


def whole(stamp: Stamp, namespace: str) -> bool:
    """Whether a stamp is what Helm demands of its own in a release of this namespace: label and both annotations."""
    return stamp.labelled and stamp.namespace == namespace


def inventory_key(entry: str) -> Key | None:
    """The object that an inventory id ``<namespace>_<name>_<group>_<Kind>`` names; None for anything else.

    RBAC names store ``:`` as ``__`` (fluxcd/cli-utils pkg/object/objmetadata.go).
    """
    match = _ENTRY.fullmatch(entry)
    if match is None:
        return None
    return Key(match["group"], match["kind"], match["ns"] or None, match["name"].replace("__", ":"))


class World:
    """The indexes that evidence is read from: inventories, manifests in force, releases, and the contract's marks."""

    def __init__(
        self,
        contract: Contract,
        inventory: Inventory,
        releases: Releases,
        families: Iterable[FamilyView],
        listed: Iterable[Listed],
    ) -> None:
        self.contract = contract
        self.inventory = inventory
        self.releases = releases
        self.families = tuple(families)
        self._by_mark = _owners_by_mark(contract)
        self._manager_owners = lru_cache(maxsize=4096)(self._owners_of_manager)
        self.unread_holder = ""
        """The first object whose inventory could not be read (metadata only, or damaged); empty where all could."""
        self.inventories = self._index_inventories()
        self._helm_releases = self._index_helm_releases()
        self.manifests: dict[Key, list[Record]] = defaultdict(list)
        for each in listed:
            for key in each.documents:
                self.manifests[key].append(each.record)

    def collect(self, live: Live, skip_managers: frozenset[str] = frozenset()) -> tuple[Evidence, ...]:
        """All evidence on the object itself (its controllers are not followed), strongest first.

        ``skip_managers`` are field managers that prove nothing here: a stale stamp's own.
        """
        found = [
            *self._from_inventories(live.key),
            *self._from_manifests(live),
            *self._from_stamp(live),
            *self._from_labels(live),
            *self._from_managers(live, skip_managers),
        ]
        return tuple(sorted(found, key=lambda e: (-e.strength, e.owner, e.source, e.text)))

    def owner_of_release(self, release_name: str, namespace: str) -> str:
        """The contract's owner of a release: by its family, or by the HelmRelease that runs it; else ``helm``."""
        family = self.contract.family_of(release_name)
        if family is not None and namespace == family.namespace:
            return family.owner
        return self.owner_of_inventory("HelmRelease") if (namespace, release_name) in self._helm_releases else HELM

    def lists(self, holder: Key, key: Key) -> bool:
        """Whether the inventory of this Kustomization or HelmRelease lists the object."""
        return any(
            (ref.name, ref.namespace, ref.kind) == (holder.name, holder.namespace, holder.kind)
            for ref in self.inventories.get(key, ())
        )

    def helm_release_of(self, release_name: str, namespace: str) -> str:
        """The HelmRelease that runs a release, as ``HelmRelease namespace/name``; empty when none does."""
        ref = self._helm_releases.get((namespace, release_name))
        return ref.label if ref else ""

    def owner_of_inventory(self, kind: str) -> str:
        """The contract's owner whose marks name this inventory kind; else Flux's usual name."""
        return next((name for name, mark in self._by_mark.inventory if kind in mark.inventory), "flux")

    def _index_inventories(self) -> dict[Key, list[Ref]]:
        index: dict[Key, list[Ref]] = defaultdict(list)
        for kind in INVENTORIES.values():
            for holder in self.inventory.of_kind(kind.group, kind.kind):
                keys = _inventory_of(holder)
                if None in keys:
                    self.unread_holder = self.unread_holder or holder.ref.label
                for key in dict.fromkeys(keys):
                    if key is not None:
                        index[key].append(holder.ref)
        return index

    def _index_helm_releases(self) -> dict[tuple[str, str], Ref]:
        """The HelmRelease of every release it runs, by release namespace and name (helm-controller api/v2)."""
        found: dict[tuple[str, str], Ref] = {}
        for live in self.inventory.of_kind(*HELM_RELEASE):
            spec = mapping((live.body or {}).get("spec"))
            target = str(spec.get("targetNamespace") or live.ref.namespace or "")
            default = f"{spec['targetNamespace']}-{live.ref.name}" if spec.get("targetNamespace") else live.ref.name
            names = {_release_name(str(spec.get("releaseName") or default))}
            names |= {str(past["name"]) for past in items(dig(live.body, ("status", "history"))) if past.get("name")}
            found |= {(target, name): live.ref for name in names}
        return found

    def _from_inventories(self, key: Key) -> Iterator[Evidence]:
        for holder in self.inventories.get(key, ()):
            text = f"listed in status.inventory of {holder.label}"
            owner = self.owner_of_inventory(holder.kind)
            yield Evidence(owner, Source.INVENTORY, Strength.INVENTORY, text, confirmed=True)

    def _owner_by_stamp(self, live: Live, release_name: str, namespace: str) -> str:
        """The owner of a release as this object shows it.

        A release that no family and no HelmRelease claims was made by whoever holds its stamp: Helm is a library
        too, and Pulumi's releases carry Pulumi's field manager (helm pkg/kube/client.go).
        """
        owner = self.owner_of_release(release_name, namespace)
        if owner != HELM or live.annotations.get(RELEASE_NAME) != release_name:
            return owner
        makers = {each for manager in stamp_managers(live) for each in self._manager_owners(manager)}
        return makers.pop() if len(makers) == 1 else owner

    def _from_manifests(self, live: Live) -> Iterator[Evidence]:
        for record in self.manifests.get(live.key, ()):
            text = (
                f"in the manifest of Helm release {record.namespace}/{record.name} revision {record.revision}, in force"
            )
            owner = self._owner_by_stamp(live, record.name, record.namespace)
            yield Evidence(owner, Source.MANIFEST, Strength.MANIFEST, text, confirmed=True)

    def _from_stamp(self, live: Live) -> Iterator[Evidence]:
        stamp = stamp_of(live)
        if stamp is None:
            return
        release = self.releases.find(stamp.release, stamp.namespace)
        if release is None:
            known = "no record of that release was found"
        else:
            known = f"recorded, revision {release.newest.revision} {release.newest.status.value}"
        label = "" if stamp.labelled else f", though label {MANAGED_BY} is not Helm"
        text = f"annotation {RELEASE_NAME}: {stamp.release} (namespace {stamp.namespace or 'not said'}; {known}){label}"
        owner = self._owner_by_stamp(live, stamp.release, stamp.namespace)
        confirmed = release is not None and any(
            record.name == stamp.release for record in self.manifests.get(live.key, ())
        )
        yield Evidence(owner, Source.STAMP, Strength.STAMP, text, confirmed=confirmed)

    def _from_labels(self, live: Live) -> Iterator[Evidence]:
        for owner, mark in self._by_mark.label:
            wanted = mark.label if mark.label is not None else mark.annotation
            have = live.labels if mark.label is not None else live.annotations
            for pattern, value_pattern in (wanted or {}).items():
                hit = _first_match(have, pattern, value_pattern)
                if hit is not None:
                    yield self._label_evidence(live, owner, *hit, annotation=mark.label is None)

    def _label_evidence(self, live: Live, owner: str, name: str, value: str, *, annotation: bool) -> Evidence:
        what = "annotation" if annotation else "label"
        for prefix, kind in FLUX_LABELS:
            if name.startswith(prefix):
                holder = Key(*kind, live.labels.get(f"{prefix}namespace") or None, live.labels.get(f"{prefix}name", ""))
                listed = self.lists(holder, live.key)
                text = f"{what} {name}: {value}" + (
                    "" if listed else f" ({kind.kind} {holder.namespace}/{holder.name} does not list it)"
                )
                return Evidence(owner, Source.LABEL, Strength.FLUX_LABEL, text, confirmed=listed)
        return Evidence(owner, Source.LABEL, Strength.PLAIN_LABEL, f"{what} {name}: {value}")

    def _from_managers(self, live: Live, skip: frozenset[str]) -> Iterator[Evidence]:
        for manager in live.managers:
            if manager.subresource or manager.name in skip or owns_nothing(manager):
                continue
            for owner in self._manager_owners(manager.name):
                when = f" at {manager.time}" if manager.time else ""
                text = f"field manager {manager.name} ({manager.operation}{when})"
                yield Evidence(owner, Source.MANAGER, Strength.MANAGER, text)

    def _owners_of_manager(self, manager: str) -> tuple[str, ...]:
        return tuple(
            name for name, mark in self._by_mark.manager if any(glob(pattern, manager) for pattern in mark.manager)
        )


def owns_nothing(manager: Manager) -> bool:
    """Whether a manager's fields say nothing of ownership: kubectl's, and a controller's that only set a finalizer."""
    if manager.name.startswith("kubectl") or manager.name == "before-first-apply":
        return True
    meta = manager.fields.get("f:metadata") if len(manager.fields) == 1 else None
    return isinstance(meta, dict) and bool(meta) and set(meta) <= {"f:finalizers", "."}


def stamp_managers(live: Live) -> frozenset[str]:
    """The field managers that hold the object's release-name annotation: the stamping release's own tool."""
    return frozenset(
        manager.name
        for manager in live.managers
        if not manager.subresource
        and f"f:{RELEASE_NAME}" in mapping(dig(manager.fields, ("f:metadata", "f:annotations")))
    )


def _inventory_of(holder: Live) -> list[Key | None]:
    """What an object's ``status.inventory`` lists; None stands for what could not be read of it."""
    if holder.body is None:
        return [None]
    node: Any = holder.body
    for name in ("status", "inventory", "entries"):
        node = node.get(name)
        if node is None:
            return []
        if not isinstance(node, list if name == "entries" else dict):
            return [None]
    return [inventory_key(str(entry.get("id") or "")) if isinstance(entry, dict) else None for entry in node]


def _release_name(name: str) -> str:
    """The name as helm-controller shortens it to what Helm allows (internal/release/name.go)."""
    return name if len(name) <= MAX_RELEASE_NAME else f"{name[:40]}-{sha256(name.encode()).hexdigest()[:12]}"


class _Marks(NamedTuple):
    manager: tuple[tuple[str, Mark], ...]
    label: tuple[tuple[str, Mark], ...]
    inventory: tuple[tuple[str, Mark], ...]


def _owners_by_mark(contract: Contract) -> _Marks:
    pairs = [(owner.name, mark) for owner in contract.owners.values() for mark in owner.marks]
    return _Marks(
        tuple(pair for pair in pairs if pair[1].manager),
        tuple(pair for pair in pairs if pair[1].label is not None or pair[1].annotation is not None),
        tuple(pair for pair in pairs if pair[1].inventory),
    )


def _first_match(have: Mapping[str, str], pattern: str, value_pattern: str) -> tuple[str, str] | None:
    if "*" not in pattern and "?" not in pattern and "[" not in pattern:
        value = have.get(pattern)
        return (pattern, value) if value is not None and glob(value_pattern, value) else None
    return next(((n, v) for n, v in sorted(have.items()) if glob(pattern, n) and glob(value_pattern, v)), None)
