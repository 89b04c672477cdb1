"""Which release is active and what is stale: the family's state, and the safety rules S1-S9, each by its number.

This is the one place where an object becomes a candidate for deletion. Every rule answers either nothing (it holds,
proven) or a sentence saying why it does not hold or could not be verified; the two weigh the same. Pure.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from tui.contract.model import Family
from tui.contract.select import Claims
from tui.helm.manifest import RESOURCE_POLICY, is_owned, resolve
from tui.helm.model import Record
from tui.helm.order import uninstall_order
from tui.objects import Inventory, Json, Key, KindKey, Live
from tui.ownership.atomic import atomic_of, installer_of
from tui.ownership.evidence import FLUX_LABELS, FLUX_MANAGERS, INVENTORIES, World, applier_text, stamp_of
from tui.ownership.model import FamilyState, FamilyView, Listed, Release, Rule, Wish
from tui.ownership.references import ADMISSION, HPA, RBAC, SERVICE, TEMPLATES
from tui.ownership.releases import STORAGE_KINDS, Releases, listed_by
from tui.ownership.usage import Usage

DELETABLE: Final = frozenset(
    {
        KindKey(RBAC, "ClusterRole"),
        KindKey(RBAC, "ClusterRoleBinding"),
        KindKey(RBAC, "Role"),
        KindKey(RBAC, "RoleBinding"),
        KindKey("", "ServiceAccount"),
        KindKey("", "ConfigMap"),
        KindKey("", "Secret"),
        KindKey("", "Service"),
        KindKey("apps", "Deployment"),
        KindKey("networking.k8s.io", "NetworkPolicy"),
        KindKey("policy", "PodDisruptionBudget"),
        KindKey("autoscaling", "HorizontalPodAutoscaler"),
        KindKey("", "ResourceQuota"),
        KindKey(ADMISSION, "ValidatingWebhookConfiguration"),
        KindKey(ADMISSION, "MutatingWebhookConfiguration"),
    }
)
"""S9: all that a cleanup may ever delete."""


def view_family(family: Family, releases: Releases, inventory: Inventory, wish: Wish) -> FamilyView:
    """The family's state, the first that holds of unverifiable, ambiguous, absent, active."""
    members = tuple(r for r in releases.all if _is_member(family, r))
    undecodable = tuple(
        bad for bad in releases.undecodable if bad.storage.namespace == family.namespace and family.has(bad.name)
    )
    expected = wish.expected if wish.expected and family.has(wish.expected) else None
    awaited = None
    if expected and wish.forecast is not None:
        # Of a document whose kind is not served, or that has no name yet, nothing can be live.
        forecast = wish.forecast
        documents = [each for each in forecast.whole if is_owned(each)] or forecast.documents
        awaited, _ = resolve(documents, inventory.namespaced, family.namespace)
    installer = installer_of(expected, family.namespace, inventory) if expected else None
    atomic = atomic_of(installer, members, inventory, wish) if expected else None

    def view(state: FamilyState, why: str, active: Record | None = None) -> FamilyView:
        listed: tuple[Listed, ...] = ()
        if active is not None:
            of_active = next(r for r in members if r.name == active.name)
            newer = [r for r in of_active.records if r.revision > active.revision and r.status.value == "failed"]
            listed = tuple(listed_by(record, inventory.namespaced) for record in (active, *newer))
        run_by = installer.ref if installer is not None else None
        known = members, undecodable, active, listed, expected, awaited
        return FamilyView(family, state, why, *known, run_by, atomic)

    if doubt := _storage_doubt(family, members, releases, inventory) or (
        undecodable and f"{undecodable[0].storage.label} could not be decoded: {undecodable[0].reason}"
    ):
        return view(FamilyState.UNVERIFIABLE, doubt)
    at_work = [r.newest for r in members if r.newest.status.at_work]
    if at_work:
        busy = at_work[0]
        why = f"{busy.name} revision {busy.revision} is {busy.status.value}: an operation may be under way"
        return view(FamilyState.AMBIGUOUS, why)
    in_force = [record for r in members if (record := r.in_force)]
    if len(in_force) > 1:
        chosen = [r for r in in_force if wish.settled == (r.name, r.revision)]
        if chosen:
            return view(FamilyState.ACTIVE, f"settled by the operator: {named(chosen[0])}", chosen[0])
        names = " and ".join(named(record) for record in in_force)
        return view(FamilyState.AMBIGUOUS, f"{len(in_force)} releases are in force: {names}")
    if not in_force:
        newest = ", ".join(f"{r.name} {r.newest.status.value}" for r in members) or "none is recorded"
        return view(FamilyState.ABSENT, f"no release is in force ({newest})")
    return view(FamilyState.ACTIVE, f"{named(in_force[0])} is deployed", in_force[0])


def _is_member(family: Family, release: Release) -> bool:
    inside = release.namespace == family.namespace and release.newest.namespace == family.namespace
    return inside and family.has(release.name)


def named(record: Record) -> str:
    """``name revision N``: how texts name one revision."""
    return f"{record.name} revision {record.revision}"


def _storage_doubt(family: Family, members: Sequence[Release], releases: Releases, inventory: Inventory) -> str:
    """Why the family's records cannot be relied on; empty when they can."""
    for kind in STORAGE_KINDS:
        gap = inventory.gap("", kind, family.namespace)
        if gap is not None:
            return f"release records could not be read: {gap.text}"
    for release in releases.all:
        for record in release.records:
            if record.disagreements and release.namespace == family.namespace and _concerns(family, record):
                return f"{record.storage.label}: {record.disagreements[0]}"
    for release in releases.all:
        if release.namespace == family.namespace and family.has(release.name):
            spaces = sorted({record.namespace for record in release.records})
            if len(spaces) > 1 and family.namespace in spaces:
                return f"the revisions of {release.name} disagree about its namespace: {' and '.join(spaces)}"
    for release in members:
        if len({record.storage.kind for record in release.records}) > 1:
            return f"{release.name} is recorded by two storage drivers, as Secrets and as ConfigMaps"
    return ""


def _concerns(family: Family, record: Record) -> bool:
    """Whether any of a contradictory record's names, in its payload, its labels or its own, is one of the family."""
    words = (word for text in record.disagreements for word in re.findall(r"[A-Za-z0-9.-]+", text))
    stored = re.sub(r"^sh\.helm\.release\.v1\.|\.v\d+$", "", record.storage.name)
    return any(family.has(name) for name in (record.name, stored, *words))


class Rules:
    """The rules S1-S9 over one family. Each method returns why the rule does not hold, or the empty string."""

    def __init__(self, view: FamilyView, inventory: Inventory, world: World, claims: Claims) -> None:
        self.view = view
        self.family = view.family
        self.inventory = inventory
        self.world = world
        self.claims = claims
        self._recorded: dict[str, list[Release]] = defaultdict(list)
        for release in world.releases.all:
            if any(record.namespace == self.family.namespace for record in release.records):
                self._recorded[release.name].append(release)
        self._unreadable = {bad.name: bad for bad in world.releases.undecodable}

    def s1(self, live: Live) -> str:
        """It carries the stamp itself, and the stamp's namespace agrees with the family."""
        stamp = stamp_of(live)
        if stamp is None:
            return "it carries no release stamp"
        torn = sorted(live.damaged & {"name", "namespace", "uid", "ownerReferences"})
        if torn:
            return f"its {torn[0]} could not be read: could not verify that the stamp is its own"
        if live.controller is not None:
            return f"its stamp is a copy: {live.controller.kind} {live.controller.name} controls it"
        if stamp.namespace != self.family.namespace:
            return f"its stamp names namespace {stamp.namespace or 'none'}, the family lives in {self.family.namespace}"
        return ""

    def s2(self, live: Live) -> str:
        """The stamp names a release of the family other than the active one."""
        stamp = stamp_of(live)
        if stamp is None or not self.family.has(stamp.release):
            return "its stamp names no release of the family"
        if self.view.active is not None and stamp.release == self.view.active.name:
            return "its stamp names the active release"
        return ""

    def s3(self, live: Live) -> str:
        """The active release is known, and the stamped one is neither in force nor pending."""
        if self.view.state is not FamilyState.ACTIVE or self.view.active is None:
            return f"the active release is not known: {self.view.why}"
        stamp = stamp_of(live)
        name = stamp.release if stamp else ""
        # Helm may keep a release's records in another namespace than the release's (storageNamespace).
        for release in self._recorded.get(name, ()):
            stored = "" if release.namespace == self.family.namespace else f", recorded in {release.namespace}"
            if release.in_force is not None:
                return f"release {name} is itself in force{stored}"
            if release.newest.status.at_work:
                return f"release {name} is {release.newest.status.value}{stored}"
        if name in self._unreadable:
            storage = self._unreadable[name].storage
            return f"could not verify that {name} is over: {storage.label} cannot be decoded"
        return ""

    def s3_expected(self, live: Live) -> str:
        """S3 in a family without a release in force: what is stamped may go to the expected release, if that is to
        hold it. The manifest of the expected release says what it will hold; without one, all that is stamped may.
        """
        why = self.s3(live)
        if self.view.awaited is not None and live.key not in self.view.awaited:
            return f"{why}; the manifest of {self.view.expected} does not list it, so it is nobody's to take"
        return ""

    def s4(self, live: Live) -> str:
        """Nobody else owns it."""
        torn = sorted(live.damaged & {"labels", "annotations", "managedFields"})
        if torn:
            return f"could not verify that nobody else owns it: its {torn[0]} are damaged"
        claim = self.claims.by_name(live.ref, live.labels, live.annotations, live.body)
        if claim is not None and claim.owner != self.family.owner:
            return f"the contract claims it by name for {claim.owner}"
        return self._held_by_flux(live) or self._held_by_another(live)

    def _held_by_flux(self, live: Live) -> str:
        for prefix, _ in FLUX_LABELS:
            label = next((name for name in sorted(live.labels) if name.startswith(prefix)), None)
            if label is not None:
                return f"Flux labels it: {label}={live.labels[label]}"
        holders = self.world.inventories.get(live.key)
        if holders:
            return f"{holders[0].label} lists it in its inventory"
        for kind in INVENTORIES.values():
            gap = self.inventory.gap(kind.group, kind.kind)
            if gap is not None:
                return f"could not verify that no inventory lists it: {gap.text}"
        if self.world.unread_holder:
            return f"could not verify that no inventory lists it: {self.world.unread_holder} could not be read"
        # Of two the first by name, whatever order the server keeps them in.
        flux = min((m.name for m in live.managers if m.name in FLUX_MANAGERS and not m.subresource), default="")
        return f"field manager {flux} applied it" if flux else ""

    def _held_by_another(self, live: Live) -> str:
        for evidence in self.world.collect(live, self.world.stamp_tools(live)):
            if evidence.owner != self.family.owner:
                return f"{evidence.owner} owns it too: {evidence.text}"
        # One may have the name of the family's owner: that it is the owner's, the contract does not say.
        if unknown := self.world.appliers(live):
            return applier_text(unknown[0])
        for record in self.world.manifests.get(live.key, ()):
            if self._foreign(record, live):
                return f"release {record.namespace}/{named(record)}, in force, lists it"
        return ""

    def _foreign(self, record: Record, live: Live) -> bool:
        """Whether a record in force is of another release than the active one, which S6 is about.

        Of two in force that an operator settled, what both list is the chosen one's.
        """
        if not any(record.storage == each.storage for each in self.view.in_force):
            return True
        active = self.view.active
        ours = active is not None and record.storage == active.storage
        return not ours and not any(listed.lists(live.key) for listed in self.view.listed)

    def s5(self, live: Live) -> str:
        """It is cluster-scoped, or in a namespace that the family's cleanup lists."""
        namespace = live.ref.namespace
        if namespace is None:
            return (
                ""
                if self.family.cleanup_cluster_scoped
                else "the family's cleanup may not touch cluster-scoped objects"
            )
        if namespace in self.family.cleanup_namespaces:
            return ""
        return f"namespace {namespace} is not one the family's cleanup may touch"

    def s6(self, live: Live) -> str:
        """No manifest of the active release that counts lists it."""
        for listed in self.view.listed:
            if listed.fault:
                return f"could not verify: the manifest of {named(listed.record)} cannot be read: {listed.fault}"
            if listed.lists(live.key):
                return f"the manifest of {named(listed.record)} ({listed.record.status.value}) lists it"
        return self.hooked(live)

    def hooked(self, live: Live) -> str:
        """Whose hook it is, of any release in force or newer revision of it, run or not; empty where nobody's.

        Helm neither stamps hooks nor lists them, and a release may use what its hooks made for all its life.
        """
        for record, hook in self.world.hooks_of(live.key):
            if not self._over(record):
                return f"it is a {', '.join(hook.events) or 'hook'} hook of {named(record)} ({record.status.value})"
        return ""

    def _over(self, record: Record) -> bool:
        """Whether a record's release is none that counts: nothing of it is in force and nothing is under way."""
        release = next((r for r in self.world.releases.all if any(each is record for each in r.records)), None)
        return release is not None and release.in_force is None and not release.newest.status.at_work

    def s8(self, live: Live) -> str:
        """Nothing holds it: no keep policy, no finalizer, no deletion under way."""
        torn = sorted(live.damaged & {"annotations", "finalizers", "deletionTimestamp"})
        if torn:
            return f"could not verify that nothing holds it: its {torn[0]} could not be read"
        if RESOURCE_POLICY in live.annotations:
            return f"annotation {RESOURCE_POLICY}: {live.annotations[RESOURCE_POLICY]}"
        if live.finalizers:
            return f"it has a finalizer: {live.finalizers[0]}"
        if live.deleting:
            return f"it is being deleted since {live.deleting}"
        return ""

    def s9(self, live: Live) -> str:
        """Its kind is one that a cleanup may delete."""
        if live.ref.kind_key in DELETABLE:
            return ""
        return f"a cleanup never deletes a {live.ref.kind}"

    def failed(self, live: Live, rules: Iterable[Rule]) -> tuple[tuple[Rule, str], ...]:
        """Of these rules (S7 is not judged here) those that do not hold, with why."""
        checks = {
            Rule.S1: self.s1,
            Rule.S2: self.s2,
            Rule.S3: self.s3,
            Rule.S4: self.s4,
            Rule.S5: self.s5,
            Rule.S6: self.s6,
            Rule.S8: self.s8,
            Rule.S9: self.s9,
        }
        return tuple((rule, why) for rule in rules if (why := checks[rule](live)))


def documents_of(view: FamilyView) -> list[Json]:
    """Every document of the manifests that count and of their hooks, each in the namespace it would be made in."""
    found = [document.body for each in view.listed for document in each.documents.values()]
    found += [document.body for each in view.listed for _, document in each.hooks.values()]
    for each in view.listed:
        for document in each.unresolved:
            # Of unknown scope: a namespace does a cluster-scoped user no harm, and without one nothing is found.
            meta = {"namespace": each.record.namespace, **(document.body.get("metadata") or {})}
            found.append({**document.body, "metadata": meta})
    return found


def leaving_of(usage: Usage, free: Mapping[Key, Live]) -> dict[Key, tuple[Key, ...]]:
    """Of the objects that only S7 could hold back, those that may go, each after all of its users, in that order.

    What is in a circle of users, or used by anything that stays, is not among them; but for one circle: an autoscaler
    and a Service are there for the pods of a workload, and go behind it. The other way round a skipped workload would
    be left without them.
    """
    order = [ref.key for ref in uninstall_order([live.ref for live in free.values()])]
    waiting = [key for key in order if not usage.unverified(key)]
    while True:
        leaving = _in_order(usage, waiting)
        # A follower that does not come along after all stays, and with it what it is there for.
        stay = {key for key in leaving for root, _ in usage.of(key) if root not in leaving}
        if not stay:
            return leaving
        waiting = [key for key in waiting if key not in stay]


def _in_order(usage: Usage, waiting: Iterable[Key]) -> dict[Key, tuple[Key, ...]]:
    """Those that may go if their followers do, each after its other users, with the users that leave before it."""
    left = list(waiting)
    leaving: dict[Key, tuple[Key, ...]] = {}

    def may_go(key: Key) -> bool:
        return all(root in leaving or _follows(root, key, left) for root, _ in usage.of(key))

    # One at a time: what goes next may be the last user of something that Helm's order puts earlier.
    while (key := next(filter(may_go, left), None)) is not None:
        roots = (root for root, _ in usage.of(key) if root in leaving)
        leaving[key] = tuple(dict.fromkeys(root for root in roots if root is not None))
        left.remove(key)
    return leaving


def _follows(root: Key | None, key: Key, left: Collection[Key]) -> bool:
    """Whether a user of a workload is one that goes behind it, if it goes."""
    if root is None or root not in left:
        return False
    return KindKey(root.group, root.kind) in (HPA, SERVICE) and KindKey(key.group, key.kind) in TEMPLATES


def s7(usage: Usage, key: Key, leaving: Mapping[Key, object], *, alone: bool = True) -> str:
    """S7: nothing that stays uses it.

    Whoever may name it in passing is searched for only where this rule ``alone`` could hold it back.
    """
    staying = [use for root, use in usage.of(key) if root is None or root not in leaving]
    if staying:
        more = f" (and {len(staying) - 1} more)" if len(staying) > 1 else ""
        return f"{staying[0].user.label} {staying[0].reason}{more}"
    unverified = usage.unverified(key, named=alone)
    if unverified:
        return f"could not verify that nothing uses it: {unverified[0]}"
    return ""
