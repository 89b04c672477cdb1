"""Every mark on an object that says who owns it, with where it was read and how much it weighs. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property, lru_cache
from hashlib import sha256
from typing import Final, NamedTuple

from tui.contract.model import Contract
from tui.contract.tool_marks import HELM, MANAGED_BY
from tui.helm.manifest import RELEASE_NAME, RELEASE_NAMESPACE
from tui.helm.model import Hook, Record
from tui.objects import Inventory, Key, KindKey, Live, Manager, Owner, group_of
from tui.ownership.holders import APPLICATION, Holders, has_list, inventory_key
from tui.ownership.listings import Listings
from tui.ownership.managers import applied, owns_nothing, stamp_managers
from tui.ownership.marks import Hit, Marks, installs_releases
from tui.ownership.model import Evidence, FamilyView, Listed, Source, Strength
from tui.ownership.references import dig, items, mapping, service_of
from tui.ownership.releases import STORAGE_KINDS, Releases, hooks_of, listings_of

__all__ = [
    "HELM",
    "MANAGED_BY",
    "RELEASE_NAME",
    "RELEASE_NAMESPACE",
    "inventory_key",
    "owns_nothing",
    "stamp_managers",
]

KUSTOMIZATION: Final = KindKey("kustomize.toolkit.fluxcd.io", "Kustomization")
HELM_RELEASE: Final = KindKey("helm.toolkit.fluxcd.io", "HelmRelease")
RESOURCE_SET: Final = KindKey("fluxcd.controlplane.io", "ResourceSet")
FLUX_INSTANCE: Final = KindKey("fluxcd.controlplane.io", "FluxInstance")
INVENTORIES: Final[Mapping[str, KindKey]] = {
    "Kustomization": KUSTOMIZATION,
    "HelmRelease": HELM_RELEASE,
    "ResourceSet": RESOURCE_SET,
    "FluxInstance": FLUX_INSTANCE,
    "Application": APPLICATION,
}
"""The kinds whose status lists what they own, by the name a contract uses for them."""

FLUX_LABELS: Final = (
    ("kustomize.toolkit.fluxcd.io/", KUSTOMIZATION),
    ("helm.toolkit.fluxcd.io/", HELM_RELEASE),
)
FLUX_MANAGERS: Final = frozenset({"kustomize-controller", "helm-controller"})
"""The field managers that Flux applies with (fluxcd/pkg ssa; helm-controller main.go)."""

HOLDER_LABELS: Final[Mapping[str, tuple[KindKey, ...]]] = {
    **{prefix: (kind,) for prefix, kind in FLUX_LABELS},
    "fluxcd.controlplane.io/": (RESOURCE_SET, FLUX_INSTANCE),
    "resourceset.fluxcd.controlplane.io/": (RESOURCE_SET,),
}
"""Prefixes of labels ``name`` and ``namespace`` that say which object applied the labelled one, and its kinds."""

MAX_RELEASE_NAME: Final = 53
"""Characters that Helm allows a release's name."""


class Named(NamedTuple):
    """What a label's pair of name and namespace names: ``where`` in words, the object, or why it could not be read."""

    where: str
    holder: Live | None
    gap: str


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
        self.marks = Marks(contract)
        labels = {kind: prefix for prefix, kinds in HOLDER_LABELS.items() for kind in kinds}
        self._holders = Holders(inventory, INVENTORIES.values(), labels)
        self.unread_holder = self._holders.unread
        """The first object whose inventory could not be read (metadata only, or damaged); empty where all could."""
        self.inventories = self._holders.of
        self._inventory_owners: dict[str, str] = {}
        self._holder = lru_cache(maxsize=4096)(self._find_holder)
        self._helm_releases = {release: live.ref for release, live in helm_releases(inventory).items()}
        self.manifests: dict[Key, list[Record]] = defaultdict(list)
        self._listed = tuple(listed)
        for each in self._listed:
            for key in each.documents:
                self.manifests[key].append(each.record)
        self._records = {record.storage.key: record for release in releases.all for record in release.records}
        self._hooks: dict[Key, list[tuple[Record, Hook]]] = defaultdict(list)
        self._loose_hooks: dict[tuple[str, str], list[tuple[Record, Hook]]] = defaultdict(list)
        for release in releases.all:
            for record in release.standing:
                self._index_hooks(record)

    @cached_property
    def listings(self) -> Listings:
        """What every recorded release lists, for the acts to come."""
        return listings_of(self.releases.all, self._listed, self.inventory.namespaced)

    def _index_hooks(self, record: Record) -> None:
        found, loose = hooks_of(record, self.inventory.namespaced)
        for key, (hook, _) in found.items():
            self._hooks[key].append((record, hook))
        for hook in loose:
            self._loose_hooks[hook.kind, hook.name].append((record, hook))

    def hooks_of(self, key: Key) -> tuple[tuple[Record, Hook], ...]:
        """The hooks that make this object, or may, of every revision in force, newer than that, or newest of all."""
        return (*self._hooks.get(key, ()), *self._loose_hooks.get((key.kind, key.name), ()))

    def collect(self, live: Live, skip_managers: frozenset[str] = frozenset()) -> tuple[Evidence, ...]:
        """All evidence on the object itself (its controllers are not followed), strongest first.

        ``skip_managers`` are field managers that prove nothing here: a stale stamp's own.
        """
        return self.collect_at(live.key, live, skip_managers)

    def collect_at(self, key: Key, live: Live, skip_managers: frozenset[str] = frozenset()) -> tuple[Evidence, ...]:
        """:meth:`collect` where the object's key is at hand: there are many objects."""
        found: list[Evidence] = []
        # Most objects bear few marks and there are many objects: what cannot be there is not looked for.
        if key in self.inventories:
            found += self._from_inventories(key)
        if key in self.manifests:
            found += self._from_manifests(key, live)
        if key in self._records:
            found.append(self._of_record(self._records[key]))
        if RELEASE_NAME in live.annotations:
            found += self._from_stamp(key, live)
        if live.labels or live.annotations:
            found += self._from_labels(key, live)
        if live.owners:
            found += self._from_owner_kinds(live)
        if live.managers:
            found += self._from_managers(live, skip_managers)
        if len(found) > 1:
            found.sort(key=lambda e: (-e.strength, e.owner, e.source, e.text))
        return tuple(found)

    def owner_of_release(self, release_name: str, namespace: str) -> str:
        """The contract's owner of a release: by its family, or by the HelmRelease that runs it; else ``helm``."""
        family = self.contract.family_of(release_name)
        if family is not None and namespace == family.namespace:
            return family.owner
        return self.owner_of_inventory("HelmRelease") if (namespace, release_name) in self._helm_releases else HELM

    def copied_from(self, key: Key, live: Live) -> Live | None:
        """The object whose labels this one bears copies of without naming it as owner; None of most objects."""
        return service_of(self.inventory, key, live)

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
        """The contract's owner whose marks name this inventory kind, or its labels; else the tool's own name."""
        found = self._inventory_owners.get(kind)
        if found is None:
            # Whoever the contract knows by the labels that such an object sets keeps its inventory too.
            labels = (f"{prefix}name" for prefix, kinds in HOLDER_LABELS.items() if INVENTORIES.get(kind) in kinds)
            named = next(filter(None, map(self.marks.of_label, labels)), None)
            found = self.marks.of_inventory(kind) or named or self.marks.of_known_inventory(kind)
            self._inventory_owners[kind] = found
        return found

    def owner_of_manager(self, live: Live, manager: Manager) -> tuple[str, ...]:
        """Whose the fields of one entry of managedFields are; nobody's where the entry says nothing of ownership.

        A manager whose owner the contract does not say, and that holds the object's stamp, is the tool of the stamped
        release's owner.
        """
        if manager.subresource or owns_nothing(manager):
            return ()
        stamp = None if self.marks.declares_manager(manager.name) else stamp_of(live)
        if stamp is None or manager.name not in self.stamp_tools(live):
            return self.marks.of_manager(manager.name)
        return (self.owner_by_stamp(live, stamp.release, stamp.namespace),)

    def storage_gap(self, namespace: str | None) -> str:
        """Why release records of a namespace (of all, for None) could not be read; empty where they could."""
        gaps = (self.inventory.gap("", kind, namespace) for kind in STORAGE_KINDS)
        return next((gap.text for gap in gaps if gap), "")

    def _from_inventories(self, key: Key) -> Iterator[Evidence]:
        for holder in self.inventories.get(key, ()):
            part = "resources" if holder.kind_key == APPLICATION else "inventory"
            text = f"listed in status.{part} of {holder.label}"
            owner = self.owner_of_inventory(holder.kind)
            yield Evidence(owner, Source.INVENTORY, Strength.INVENTORY, text, confirmed=True)

    def owner_by_stamp(self, live: Live, release_name: str, namespace: str) -> str:
        """The owner of a release as this object shows it.

        A release that no family and no HelmRelease claims was made by whoever holds its stamp: Helm is a library
        too, and Pulumi's releases carry Pulumi's field manager (helm pkg/kube/client.go).
        """
        owner = self.owner_of_release(release_name, namespace)
        if owner != HELM or live.annotations.get(RELEASE_NAME) != release_name:
            return owner
        holders = self.stamp_tools(live) or stamp_managers(live)
        makers = {each for manager in holders for each in self.marks.of_manager(manager)}
        if not makers and (installer := self.marks.installer_on(live)):
            return installer
        return makers.pop() if len(makers) == 1 else owner

    def _from_manifests(self, key: Key, live: Live) -> Iterator[Evidence]:
        for record in self.manifests.get(key, ()):
            text = (
                f"in the manifest of Helm release {record.namespace}/{record.name} revision {record.revision}, in force"
            )
            owner = self.owner_by_stamp(live, record.name, record.namespace)
            yield Evidence(owner, Source.MANIFEST, Strength.MANIFEST, text, confirmed=True)

    def _of_record(self, record: Record) -> Evidence:
        """A release's record bears no stamp; whose release it is, its record is."""
        text = f"label owner: helm: Helm's own record of release {record.namespace}/{record.name}"
        owner = self.owner_of_release(record.name, record.namespace)
        return Evidence(owner, Source.LABEL, Strength.NAMED_MARK, text, confirmed=True)

    def _from_stamp(self, key: Key, live: Live) -> Iterator[Evidence]:
        stamp = stamp_of(live)
        if stamp is None:
            return
        label = "" if stamp.labelled else f", though label {MANAGED_BY} is not Helm"
        where = f"namespace {stamp.namespace or 'not said'}; {self._recorded(stamp)}"
        text = f"annotation {RELEASE_NAME}: {stamp.release} ({where}){label}"
        owner = self.owner_by_stamp(live, stamp.release, stamp.namespace)
        confirmed = any(
            (record.name, record.namespace) == (stamp.release, stamp.namespace)
            for record in self.manifests.get(key, ())
        )
        yield Evidence(owner, Source.STAMP, Strength.STAMP, text, confirmed=confirmed)

    def _recorded(self, stamp: Stamp) -> str:
        release = self.releases.find(stamp.release, stamp.namespace)
        if release is not None:
            return f"recorded, revision {release.newest.revision} {release.newest.status.value}"
        if gap := self.storage_gap(None):
            return f"could not verify that it is recorded: {gap}"
        if any(bad.name == stamp.release for bad in self.releases.undecodable):
            return "its record cannot be decoded"
        return "orphan claim: no record of that release was found"

    def _from_labels(self, key: Key, live: Live) -> Iterator[Evidence]:
        for hit in self.marks.on(live):
            if not hit.copied:
                yield self._label_evidence(key, live, hit)

    def _label_evidence(self, key: Key, live: Live, hit: Hit) -> Evidence:
        text = f"{'annotation' if hit.annotation else 'label'} {hit.name}: {hit.value}"
        prefix = next((prefix for prefix in HOLDER_LABELS if hit.name.startswith(prefix)), "")
        if prefix and not hit.annotation:
            doubt = self._label_doubt(key, live, prefix)
            said = f"{text} ({doubt})" if doubt else text
            return Evidence(hit.owner, Source.LABEL, Strength.FLUX_LABEL, said, confirmed=not doubt)
        strength = Strength.NAMED_MARK if hit.own else Strength.PLAIN_LABEL
        holders = self.inventories.get(key, ()) if hit.own else ()
        confirmed = any(self.owner_of_inventory(holder.kind) == hit.owner for holder in holders)
        return Evidence(hit.owner, Source.LABEL, strength, text, confirmed=confirmed)

    def label_doubt(self, live: Live, prefix: str) -> str:
        """Why the labels that say who applied the object are not borne out by that one; empty where they are."""
        return self._label_doubt(live.key, live, prefix)

    def _label_doubt(self, key: Key, live: Live, prefix: str) -> str:
        name, space = live.labels.get(f"{prefix}name", ""), live.labels.get(f"{prefix}namespace") or None
        for ref in self.inventories.get(key, ()):
            if (ref.name, ref.namespace) == (name, space) and ref.kind_key in HOLDER_LABELS[prefix]:
                return ""
        where, holder, gap = self._holder(prefix, space, name)
        if holder is None:
            return f"could not verify: {gap}" if gap else f"{where} does not exist"
        if has_list(holder):
            return f"{where} does not list it"
        runs = (self._helm_releases.get((r.namespace, r.name)) for r in self.manifests.get(key, ()))
        return "" if holder.ref in runs else f"{where} keeps no inventory that could list it"

    def ghost_of(self, key: Key, live: Live, prefix: str) -> Named | None:
        """What the object's labels of this prefix name and does not list it: nobody prunes it. None if that is not so.

        Where no inventory could be read that might list the object, nothing is known to be so.
        """
        name, space = live.labels.get(f"{prefix}name", ""), live.labels.get(f"{prefix}namespace") or None
        named = self._holder(prefix, space, name)
        if named.gap or (named.holder is not None and (self.unread_holder or not has_list(named.holder))):
            return None
        for ref in self.inventories.get(key, ()):
            if (ref.name, ref.namespace) == (name, space) and ref.kind_key in HOLDER_LABELS[prefix]:
                return None
        return named

    def _find_holder(self, prefix: str, space: str | None, name: str) -> Named:
        kinds = HOLDER_LABELS[prefix]
        where = f"{' or '.join(kind.kind for kind in kinds)} {f'{space}/' if space else ''}{name}"
        holder = next((found for kind in kinds if (found := self.inventory.get(Key(*kind, space, name)))), None)
        if holder is not None:
            return Named(holder.ref.label, holder, "")
        gap = next((gap for kind in kinds if (gap := self.inventory.gap(*kind))), None)
        return Named(where, None, gap.text if gap else "")

    def _from_owner_kinds(self, live: Live) -> Iterator[Evidence]:
        """Owner references that are no controllers', to objects of kinds that a mark names; not to what is gone.

        Operators point so at what they installed (the Operator Lifecycle Manager's ClusterServiceVersion does).
        """
        for reference in live.owners:
            if reference.controller:
                continue
            for owner in self.marks.of_owner_kind(reference.api_version, reference.kind):
                there = self.named_owner(live, reference)
                if there is not False:
                    doubt = "" if there else " (could not verify that it is there)"
                    text = f"ownerReferences names {reference.kind} {reference.name}{doubt}"
                    yield Evidence(owner, Source.OWNER_REFERENCE, Strength.NAMED_MARK, text)

    def named_owner(self, live: Live, reference: Owner) -> bool | None:
        """Whether the object that an owner reference names is there; None where its kind could not be read."""
        group, space = group_of(reference.api_version), live.ref.namespace
        for at in (space, None):
            found = self.inventory.get(Key(group, reference.kind, at, reference.name))
            if found is not None and found.ref.uid == reference.uid:
                return True
        return False if self.inventory.readable(group, reference.kind, space) else None

    def _from_managers(self, live: Live, skip: frozenset[str]) -> Iterator[Evidence]:
        unknown = False
        for manager in live.managers:
            if manager.subresource or manager.name in skip:
                continue
            owners = self.marks.of_manager(manager.name)
            if not owners:
                unknown = unknown or manager.operation == "Apply"
                continue
            if not set(owners) & {*self.owner_of_manager(live, manager)}:
                continue
            when = f" at {manager.time}" if manager.time else ""
            text = f"field manager {manager.name} ({manager.operation}{when})"
            for owner in owners:
                yield Evidence(owner, Source.MANAGER, Strength.MANAGER, text)
        for name in self.appliers(live) if unknown else ():
            yield Evidence(name, Source.MANAGER, Strength.MANAGER, applier_text(name))

    def appliers(self, live: Live) -> list[str]:
        """The field managers that no owner is known by and that apply fields of the object (server-side apply).

        What such a manager applies is its own; what it updates proves nothing. Helm's own entry is not among them, nor
        that of the stamped release's tool: the release says more.
        """
        found = {
            manager.name
            for manager in live.managers
            if manager.operation == "Apply"
            and manager.name != HELM
            and not self.marks.of_manager(manager.name)
            and applied(live, manager)
        }
        return sorted(found - self.stamp_tools(live)) if found else []

    def stamp_tools(self, live: Live) -> frozenset[str]:
        """The field managers that hold the object's stamp and may be the stamped release's own tool.

        A tool that installs no releases is not. Where several hold the stamp, some may have applied it with the rest of
        a document: then only those are that are known to install releases.
        """
        holders = [name for name in stamp_managers(live) if not name.startswith("kubectl")]
        if len(holders) == 1 and installs_releases(holders[0]) is None:
            return frozenset(holders)
        return frozenset(filter(self._installs, holders))

    def _installs(self, manager: str) -> bool:
        """Whether a manager is of a tool that installs Helm releases, or of an owner of the contract's that may."""
        known = installs_releases(manager)
        return self.marks.declares_manager(manager) if known is None else known


def applier_text(manager: str) -> str:
    """What is said of a field manager that no owner is known by and that applies fields of an object."""
    return f"field manager {manager} applies fields of it (server-side apply)"


def helm_releases(inventory: Inventory) -> dict[tuple[str, str], Live]:
    """The HelmRelease of every release it runs, by release namespace and name (helm-controller api/v2)."""
    found: dict[tuple[str, str], Live] = {}
    for live in inventory.of_kind(*HELM_RELEASE):
        target, own = release_run_by(live)
        names = {str(past["name"]) for past in items(dig(live.body, ("status", "history"))) if past.get("name")}
        found |= {(target, name): live for name in {own, *names}}
    return found


def release_run_by(live: Live) -> tuple[str, str]:
    """The release that a HelmRelease runs, as (namespace of the release, name) (helm-controller api/v2)."""
    spec = mapping((live.body or {}).get("spec"))
    target = str(spec.get("targetNamespace") or live.ref.namespace or "")
    default = f"{spec['targetNamespace']}-{live.ref.name}" if spec.get("targetNamespace") else live.ref.name
    return target, _release_name(str(spec.get("releaseName") or default))


def _release_name(name: str) -> str:
    """The name as helm-controller shortens it to what Helm allows (internal/release/name.go)."""
    return name if len(name) <= MAX_RELEASE_NAME else f"{name[:40]}-{sha256(name.encode()).hexdigest()[:12]}"
