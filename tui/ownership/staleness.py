"""Which release is active and what is stale: the family's state, and the safety rules S1-S9, each by its number.

This is the one place where an object becomes a candidate for deletion. Every rule answers either nothing (it holds,
proven) or a sentence saying why it does not hold or could not be verified; the two weigh the same. Pure.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from tui.contract.model import Family
from tui.contract.select import Claims
from tui.helm.model import Record
from tui.helm.order import uninstall_order
from tui.objects import Inventory, Json, Key, KindKey, Live
from tui.ownership.evidence import FLUX_LABELS, FLUX_MANAGERS, INVENTORIES, World, stamp_managers, stamp_of
from tui.ownership.holding import held_by_another
from tui.ownership.model import Candidate, Decision, FamilyState, FamilyView, Listed, Release, Rule, Wish
from tui.ownership.references import ADMISSION, BINDINGS, RBAC
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

RESOURCE_POLICY: Final = "helm.sh/resource-policy"


def view_family(family: Family, releases: Releases, inventory: Inventory, wish: Wish) -> FamilyView:
    """The family's state, the first that holds of unverifiable, ambiguous, absent, active."""
    members = tuple(r for r in releases.all if _is_member(family, r))
    undecodable = tuple(
        bad for bad in releases.undecodable if bad.storage.namespace == family.namespace and family.has(bad.name)
    )
    expected = wish.expected if wish.expected and family.has(wish.expected) else None

    def view(state: FamilyState, why: str, active: Record | None = None) -> FamilyView:
        listed: tuple[Listed, ...] = ()
        if active is not None:
            of_active = next(r for r in members if r.name == active.name)
            newer = [r for r in of_active.records if r.revision > active.revision and r.status.value == "failed"]
            listed = tuple(listed_by(record, inventory.namespaced) for record in (active, *newer))
        return FamilyView(family, state, why, members, undecodable, active, listed, expected)

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
            return view(FamilyState.ACTIVE, f"settled by the operator: {_named(chosen[0])}", chosen[0])
        names = " and ".join(_named(record) for record in in_force)
        return view(FamilyState.AMBIGUOUS, f"{len(in_force)} releases are in force: {names}")
    if not in_force:
        newest = ", ".join(f"{r.name} {r.newest.status.value}" for r in members) or "none is recorded"
        return view(FamilyState.ABSENT, f"no release is in force ({newest})")
    return view(FamilyState.ACTIVE, f"{_named(in_force[0])} is deployed", in_force[0])


def _is_member(family: Family, release: Release) -> bool:
    inside = release.namespace == family.namespace and release.newest.namespace == family.namespace
    return inside and family.has(release.name)


def _named(record: Record) -> str:
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

    def s1(self, live: Live) -> str:
        """It carries the stamp itself, and the stamp's namespace agrees with the family."""
        stamp = stamp_of(live)
        if stamp is None:
            return "it carries no release stamp"
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
        release = self.view.release(stamp.release) if stamp else None
        if release is None:
            return ""
        if release.in_force is not None:
            return f"release {release.name} is itself in force"
        if release.newest.status.at_work:
            return f"release {release.name} is {release.newest.status.value}"
        return ""

    def s4(self, live: Live) -> str:
        """Nobody else owns it."""
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
        flux = next((m.name for m in live.managers if m.name in FLUX_MANAGERS and not m.subresource), None)
        if flux is not None:
            return f"field manager {flux} applied it"
        for evidence in self.world.collect(live, stamp_managers(live)):
            if evidence.owner != self.family.owner:
                return f"{evidence.owner} owns it too: {evidence.text}"
        claim = self.claims.by_name(live.ref, live.labels, live.annotations, live.body)
        if claim is not None and claim.owner != self.family.owner:
            return f"the contract claims it by name for {claim.owner}"
        return ""

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
                return f"could not verify: the manifest of {_named(listed.record)} cannot be read: {listed.fault}"
            if listed.lists(live.key):
                return f"the manifest of {_named(listed.record)} ({listed.record.status.value}) lists it"
        return ""

    def s8(self, live: Live) -> str:
        """Nothing holds it: no keep policy, no finalizer, no deletion under way."""
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


_ALONE: Final = (Rule.S1, Rule.S2, Rule.S3, Rule.S4, Rule.S5, Rule.S6, Rule.S8, Rule.S9)
_OURS: Final = frozenset({Rule.S1, Rule.S2, Rule.S3, Rule.S4, Rule.S5})


def decide(view: FamilyView, inventory: Inventory, world: World, claims: Claims) -> tuple[Candidate, ...]:
    """One decision for every object stamped with a release of the family that is not the active one, and for every
    object that the active manifest lists and that bears no stamp or is held by kubectl.

    Deletions come in an order in which users leave before what they use; the rest is ordered by identity.
    """
    rules = Rules(view, inventory, world, claims)
    stamped = [live for live in inventory.objects.values() if _own_family_stamp(view, live)]
    stamped.sort(key=lambda live: _sort_key(live.key))
    if view.state is not FamilyState.ACTIVE:
        return tuple(_unsettled(rules, live) for live in stamped)
    judged = {live.key: (live, rules.failed(live, _ALONE)) for live in stamped}
    usage = Usage(inventory, judged, _documents(view))
    leaving = _leaving(usage, {key: live for key, (live, failed) in judged.items() if not failed})
    deleted = [_deletion(rules, judged[key][0], rests_on) for key, rests_on in leaving.items()]
    kept = [
        _kept(rules, live, failed, _s7(usage, key, leaving))
        for key, (live, failed) in judged.items()
        if key not in leaving
    ]
    return (*kept, *_unstamped(rules), *deleted)


def _own_family_stamp(view: FamilyView, live: Live) -> bool:
    stamp = stamp_of(live)
    if stamp is None or live.controller is not None or not view.family.has(stamp.release):
        return False
    return view.active is None or stamp.release != view.active.name


def _sort_key(key: Key) -> tuple[str, str, str, str]:
    return key.group, key.kind, key.namespace or "", key.name


def _documents(view: FamilyView) -> list[Json]:
    """Every document of the manifests that count."""
    return [document.body for each in view.listed for document in (*each.documents.values(), *each.unresolved)]


def _leaving(usage: Usage, free: Mapping[Key, Live]) -> dict[Key, tuple[Key, ...]]:
    """Of the objects that only S7 could hold back, those that may go, each after all of its users, in that order.

    What is in a circle of users, or used by anything that stays, is not among them.
    """
    order = [ref.key for ref in uninstall_order([live.ref for live in free.values()])]
    leaving: dict[Key, tuple[Key, ...]] = {}
    waiting = [key for key in order if not usage.unverified(key)]
    while True:
        ready = [key for key in waiting if all(root in leaving for root, _ in usage.of(key))]
        if not ready:
            return leaving
        # One at a time: what goes next may be the last user of something that Helm's order puts earlier.
        key = ready[0]
        leaving[key] = tuple(dict.fromkeys(root for root, _ in usage.of(key) if root is not None))
        waiting.remove(key)


def _s7(usage: Usage, key: Key, leaving: Mapping[Key, object]) -> str:
    """S7: nothing that stays uses it."""
    staying = [use for root, use in usage.of(key) if root is None or root not in leaving]
    if staying:
        more = f" (and {len(staying) - 1} more)" if len(staying) > 1 else ""
        return f"{staying[0].user.label} {staying[0].reason}{more}"
    unverified = usage.unverified(key)
    if unverified:
        return f"could not verify that nothing uses it: {unverified[0]}"
    return ""


def _deletion(rules: Rules, live: Live, rests_on: tuple[Key, ...]) -> Candidate:
    stamp = stamp_of(live)
    active = rules.view.active
    release, current = stamp.release if stamp else "", active.name if active else ""
    why = f"stamped with {release}, not in force; {current} neither lists nor uses it, and nobody else owns it"
    return Candidate(live, rules.family.name, release, Decision.DELETE, (), why, rests_on=rests_on)


def _kept(rules: Rules, live: Live, failed: tuple[tuple[Rule, str], ...], s7: str) -> Candidate:
    """Adopt, recreate or protect: the decision about an object that a cleanup must not delete."""
    stamp = stamp_of(live)
    release = stamp.release if stamp else ""
    names = {rule for rule, _ in failed}
    active = rules.view.active
    if (
        active is not None
        and Rule.S6 in names
        and not names & _OURS
        and not any(each.fault for each in rules.view.listed)
    ):
        differs = _role_differs(rules.view, live)
        if differs is False:
            why = f"{_s6_text(failed)}; stamped with {release}: re-stamp it to {active.name}, nothing is deleted"
            return _settle(rules, live, release, Decision.ADOPT, why, active.name)
        if differs and Rule.S8 not in names:
            why = f"{_s6_text(failed)}, with another roleRef, which cannot be changed: delete and create in one step"
            return _settle(rules, live, release, Decision.RECREATE, why, active.name)
        if differs is None:
            failed = tuple((r, w if r is not Rule.S6 else f"{w}; could not verify its roleRef") for r, w in failed)
    if s7:
        failed = tuple(sorted((*failed, (Rule.S7, s7))))
    why = "; ".join(why for _, why in failed)
    return Candidate(live, rules.family.name, release, Decision.PROTECT, failed, why)


def _s6_text(failed: Iterable[tuple[Rule, str]]) -> str:
    return next(why for rule, why in failed if rule is Rule.S6)


def _settle(rules: Rules, live: Live, release: str, decision: Decision, why: str, target: str) -> Candidate:
    s6 = ((Rule.S6, rules.s6(live) or why),)
    return Candidate(live, rules.family.name, release, decision, s6, why, target)


def _role_differs(view: FamilyView, live: Live) -> bool | None:
    """Whether a binding's roleRef differs from the manifest's; False for other kinds, None where it was not read."""
    if live.ref.kind_key not in BINDINGS:
        return False
    documents = [each.documents[live.key] for each in view.listed if live.key in each.documents]
    if not documents or live.body is None:
        return None
    return any(role_ref(document.body) != role_ref(live.body) for document in documents[:1])


def role_ref(body: Json) -> tuple[str, str, str]:
    """A binding's roleRef as (group, kind, name); the group defaults as the API server defaults it."""
    role = body.get("roleRef")
    role = role if isinstance(role, dict) else {}
    return str(role.get("apiGroup") or RBAC), str(role.get("kind") or ""), str(role.get("name") or "")


def _unstamped(rules: Rules) -> list[Candidate]:
    """``stamp-absent``: listed by the active manifest, and without a stamp or held by kubectl. S4 and S5 decide."""
    active = rules.view.active
    if active is None or not rules.view.listed:
        return []
    found: list[Candidate] = []
    for key, document in sorted(rules.view.listed[0].documents.items(), key=lambda item: _sort_key(item[0])):
        live = rules.inventory.get(key)
        if live is None or live.controller is not None:
            continue
        stamp = stamp_of(live)
        if stamp is not None and stamp.release != active.name:
            continue
        bare = stamp is None or not stamp.labelled or stamp.namespace != active.namespace
        held = held_by_another(live, document, active.apply_method)
        if not bare and not held:
            continue
        fault = "it bears no complete stamp" if bare else f"{held} holds fields of the release's document"
        failed = rules.failed(live, (Rule.S4, Rule.S5))
        decision = Decision.PROTECT if failed else Decision.ADOPT
        why = f"{_named(active)} lists it, and {fault}"
        why = f"{why}; {'; '.join(w for _, w in failed)}" if failed else f"{why}: stamp it, nothing is deleted"
        s6 = (Rule.S6, rules.s6(live))
        found.append(
            Candidate(
                live,
                rules.family.name,
                active.name,
                decision,
                tuple(sorted((*failed, s6))),
                why,
                None if failed else active.name,
            )
        )
    return found


def _unsettled(rules: Rules, live: Live) -> Candidate:
    """Without an active release nothing is stale: everything is protected, or re-stamped to an expected release."""
    stamp = stamp_of(live)
    release = stamp.release if stamp else ""
    s3 = (Rule.S3, rules.s3(live))
    expected = rules.view.expected
    if rules.view.state is FamilyState.ABSENT and expected and release != expected:
        failed = rules.failed(live, (Rule.S1, Rule.S4, Rule.S5))
        if not failed:
            why = f"no release is in force and {expected} is expected: re-stamp it, so that its install is not refused"
            return Candidate(live, rules.family.name, release, Decision.ADOPT, (s3,), why, expected)
        both = tuple(sorted((s3, *failed)))
        return Candidate(live, rules.family.name, release, Decision.PROTECT, both, "; ".join(w for _, w in both))
    return Candidate(live, rules.family.name, release, Decision.PROTECT, (s3,), s3[1])
