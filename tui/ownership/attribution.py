"""Who owns each object, against what the contract claims: one state an object, with its evidence. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import product
from typing import Final, NamedTuple

from tui.contract.model import Claim, Contract, Selector
from tui.contract.select import Claims
from tui.objects import Inventory, Key, KindKey, Live, Ref, group_of
from tui.ownership.evidence import (
    HOLDER_LABELS,
    INVENTORIES,
    MANAGED_BY,
    RELEASE_NAME,
    RELEASE_NAMESPACE,
    World,
    stamp_of,
)
from tui.ownership.model import Attribution, Candidate, Evidence, FamilyState, Rule, Source, State, Strength
from tui.ownership.past import notes

_STALE_RULES: Final = frozenset({Rule.S1, Rule.S2, Rule.S3})
"""An object for which these hold is stale, whatever forbids to touch it."""


class Attributor:
    """Attributes every object of one inventory. Objects under a controller take the attribution of their root."""

    def __init__(self, world: World, claims: Claims, candidates: tuple[Candidate, ...]) -> None:
        self._world = world
        self._inventory = world.inventory
        self._claims = claims
        self._stale = {
            c.live.key for c in candidates if not _STALE_RULES & set(c.rules) and _stamped_otherwise(world, c)
        }
        self._judged: dict[Key, _Judgement] = {}
        self._layers = {layer.owner: layer.name for layer in reversed(world.contract.layers) if layer.owner}

    def all(self) -> dict[Key, Attribution]:
        """The attribution of every live object, and of everything claimed by name or listed in force but not live."""
        found = {key: self._of(key, live) for key, live in self._inventory.objects.items()}
        for ghost in self._ghosts():
            found.setdefault(ghost.ref.key, ghost)
        return found

    def of(self, live: Live) -> Attribution:
        """The attribution of one live object."""
        return self._of(live.key, live)

    def _of(self, key: Key, live: Live) -> Attribution:
        # Nothing is above most objects, and there are many objects.
        above = live.owners or live.damaged or key.kind == "Endpoints"
        root_key, root, broken = self._root(key, live) if above else (key, live, "")
        judged = self._unfollowed(root, broken) if broken else self._judge(root_key, root)
        evidence, said = judged.evidence, judged.notes
        if root is not live:
            evidence = (*_copied(live, root, judged.owners), *evidence)
            if not live.owners:
                said = (f"its labels are copies: the endpoints controller makes it for {root.ref.label}", *said)
        return Attribution(
            ref=live.ref,
            live=True,
            state=judged.state,
            owners=judged.owners,
            evidence=evidence,
            claim=judged.claim,
            layer=judged.layer,
            root=root_key,
            release=judged.release,
            why_unverifiable=judged.doubt,
            notes=said,
        )

    def _root(self, key: Key, live: Live) -> tuple[Key, Live, str]:
        """The end of the chain of controllers, and why it could not be followed (empty when it could).

        A controller that is gone leaves its dependents to the garbage collector: their marks are copies and prove
        nothing.
        """
        if "ownerReferences" in live.damaged:
            return key, live, "its ownerReferences are damaged"
        if not live.owners:
            service = self._world.copied_from(key, live)
            return (key, live, "") if service is None else (service.key, service, "")
        seen = {key}
        at_key, at = key, live
        while (owner := at.controller) is not None:
            up = Key(group_of(owner.api_version), owner.kind, at.ref.namespace, owner.name)
            if up not in self._inventory.objects:
                up = up._replace(namespace=None)
            parent = self._inventory.get(up)
            if parent is None or parent.ref.uid != owner.uid:
                gap = self._inventory.gap(up.group, owner.kind, at.ref.namespace)
                why = "was not found" if parent is None else "was not found: another object has its name now"
                return key, live, gap.text if gap else f"its controller {owner.kind} {owner.name} {why}"
            if up in seen:
                return key, live, f"its owner references run in a circle through {parent.ref.label}"
            if "ownerReferences" in parent.damaged:
                return key, live, f"the ownerReferences of its controller {parent.ref.label} are damaged"
            seen.add(up)
            at_key, at = up, parent
        return at_key, at, ""

    def _judge(self, key: Key, root: Live) -> "_Judgement":
        """What is said of an object that nothing controls; asked once for all that it controls."""
        found = self._judged.get(key)
        if found is None:
            evidence = self._world.collect_at(key, root)
            claim = self._claims.of(root.ref, root.labels, root.annotations, root.body)
            owners = tuple(dict.fromkeys(e.owner for e in evidence))
            doubt = self._doubt(root, owners)
            state = self._state(key, owners, claim, doubt)
            layer = claim.layer if claim else (self._layers.get(owners[0]) if owners else None)
            stamp = stamp_of(root)
            release = stamp.release if stamp else None
            said = notes(self._world, root)
            found = self._judged[key] = _Judgement(evidence, owners, claim, layer, state, doubt, release, said)
        return found

    def _unfollowed(self, live: Live, why: str) -> "_Judgement":
        claim = self._claims.of(live.ref, live.labels, live.annotations, live.body)
        layer = claim.layer if claim else None
        return _Judgement((), (), claim, layer, State.UNVERIFIABLE, why, None)

    def _state(self, key: Key, owners: tuple[str, ...], claim: Claim | None, doubt: str) -> State:
        if doubt:
            return State.UNVERIFIABLE
        if len(owners) > 1:
            return State.CONTESTED
        if key in self._stale:
            return State.STALE
        if not owners:
            return State.UNOWNED
        if claim is None:
            return State.UNDOCUMENTED
        return State.OWNED if claim.owner == owners[0] else State.MISOWNED

    def _doubt(self, root: Live, owners: tuple[str, ...]) -> str:
        """What could not be read although this object's evidence rests on it; empty when nothing."""
        if root.damaged:
            return f"its {min(root.damaged)} could not be read"
        stamp = stamp_of(root)
        if stamp is not None:
            family = next((v for v in self._world.families if v.family.has(stamp.release)), None)
            if family is not None and family.state is FamilyState.UNVERIFIABLE:
                return family.why
            if family is None and (gap := self._world.storage_gap(stamp.namespace or root.ref.namespace)):
                return gap
        if not self._inventory.gaps and not self._world.unread_holder:
            return ""
        for prefix, kinds in HOLDER_LABELS.items():
            if any(name.startswith(prefix) for name in root.labels):
                gap = next(filter(None, map(self._gap_of, kinds)), "")
                if gap:
                    return gap
        if owners:
            return ""
        # Nothing was found: only where every record of ownership could be read does that mean that nobody owns it.
        gap = self._world.storage_gap(root.ref.namespace) or next(
            filter(None, map(self._gap_of, INVENTORIES.values())), ""
        )
        unread = self._world.unread_holder
        return gap or (f"{unread} could not be read" if unread else "")

    def _gap_of(self, kind: KindKey) -> str:
        gap = self._inventory.gap(kind.group, kind.kind)
        return gap.text if gap else ""

    def _ghosts(self) -> Iterator[Attribution]:
        for key, records in self._world.manifests.items():
            if key in self._inventory.objects or not self._inventory.readable(key.group, key.kind, key.namespace):
                continue
            ref = self._ref(key)
            record = records[0]
            owner = self._world.owner_of_release(record.name, record.namespace)
            text = (
                f"in the manifest of Helm release {record.namespace}/{record.name} revision {record.revision}, not live"
            )
            evidence = Evidence(owner, Source.MANIFEST, Strength.MANIFEST, text, confirmed=True)
            stamps = {RELEASE_NAME: record.name, RELEASE_NAMESPACE: record.namespace}
            claim = self._claims.of(ref, {MANAGED_BY: "Helm"}, stamps, None)
            yield replace(self._ghost(ref, claim), owners=(owner,), evidence=(evidence,), release=record.name)
        for ref, claim in claimed_by_name(self._world.contract, self._inventory):
            if ref.key not in self._inventory.objects:
                yield self._ghost(ref, claim)

    def _ghost(self, ref: Ref, claim: Claim | None) -> Attribution:
        layer = claim.layer if claim else None
        return Attribution(
            ref, live=False, state=State.MISSING, owners=(), evidence=(), claim=claim, layer=layer, root=ref.key
        )

    def _ref(self, key: Key) -> Ref:
        served = self._inventory.served.get(KindKey(key.group, key.kind))
        return Ref(served.api_version if served else key.group, key.kind, key.namespace, key.name)


class _Judgement(NamedTuple):
    """What is said of a root, and with it of everything below it."""

    evidence: tuple[Evidence, ...]
    owners: tuple[str, ...]
    claim: Claim | None
    layer: str | None
    state: State
    doubt: str
    release: str | None
    notes: tuple[str, ...] = ()


def _copied(live: Live, root: Live, owners: tuple[str, ...]) -> Iterator[Evidence]:
    """The evidence of a controlled object: its owner reference, for every owner of its root."""
    controller = live.controller
    if controller is not None:
        below = "" if controller.name == root.ref.name else f", below {root.ref.label}"
        text = f"controlled by {controller.kind} {controller.name}{below}"
        for owner in owners:
            yield Evidence(owner, Source.OWNER_REFERENCE, Strength.OWNER_REFERENCE, text, confirmed=True)


def _stamped_otherwise(world: World, candidate: Candidate) -> bool:
    """Whether the object bears another stamp than that of its family's active release."""
    view = next((v for v in world.families if v.family.name == candidate.family), None)
    stamp = stamp_of(candidate.live)
    return view is not None and view.active is not None and stamp is not None and stamp.release != view.active.name


def claimed_by_name(contract: Contract, inventory: Inventory) -> Iterator[tuple[Ref, Claim]]:
    """Everything the contract claims by name (no globs) of a kind that could be read; live or not.

    A kind is found by its name among the served ones; a namespaced kind needs a namespace without a glob too.
    """
    by_name: dict[str, list[KindKey]] = {}
    for kind in inventory.served:
        by_name.setdefault(kind.kind, []).append(kind)
    for claim in contract.claims:
        for selector in claim.select:
            for kind_name, name in product(_exact(selector.kinds), _exact(selector.names)):
                for kind in _kinds(by_name.get(kind_name, []), selector):
                    for namespace in _namespaces(inventory, kind, selector):
                        if inventory.readable(kind.group, kind.kind, namespace):
                            yield Ref(inventory.served[kind].api_version, kind.kind, namespace, name), claim


def _kinds(kinds: list[KindKey], selector: Selector) -> list[KindKey]:
    if not selector.groups:
        # Kubernetes' own kind before a custom one of the same name, whatever order they were discovered in.
        return sorted(kinds, key=lambda kind: ("." in kind.group and not kind.group.endswith(".k8s.io"), kind))[:1]
    return [kind for kind in kinds if kind.group in selector.groups]


def _namespaces(inventory: Inventory, kind: KindKey, selector: Selector) -> tuple[str | None, ...]:
    return _exact(selector.namespaces) if inventory.served[kind].namespaced else (None,)


def _exact(patterns: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(pattern for pattern in patterns if not set(pattern) & set("*?["))


def counts(attributions: Mapping[Key, Attribution]) -> dict[State, int]:
    """How many objects are in each state."""
    found = dict.fromkeys(State, 0)
    for attribution in attributions.values():
        found[attribution.state] += 1
    return found
