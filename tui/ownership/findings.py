"""Findings about ownership: who contests what, what the contract forbids, misses or does not know. Pure."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from typing import Final, TypeVar

from tui.contract.model import Contract
from tui.contract.select import resource_filter
from tui.objects import Inventory, Key, Ref
from tui.ownership.acts.advice import Advice
from tui.ownership.acts.opt_outs import Lasts, command, opt_out
from tui.ownership.acts.table import Acts
from tui.ownership.evidence import HOLDER_LABELS, World
from tui.ownership.model import Attribution, Evidence, Finding, Severity, State
from tui.ownership.policies import Policies
from tui.ownership.refused import some

_G = TypeVar("_G", bound=Hashable)

SYSTEM_NAMESPACES: Final = frozenset({"kube-system", "kube-public", "kube-node-lease"})
NOISE_KINDS: Final = frozenset(
    {
        "Event",
        "Lease",
        "EndpointSlice",
        "Endpoints",
        "Node",
        "CSINode",
        "APIService",
        "FlowSchema",
        "PriorityLevelConfiguration",
        "ControllerRevision",
        "PriorityClass",
        "IPAddress",
        "ServiceCIDR",
        "ComponentStatus",
    }
)
"""Kinds that a cluster makes for itself: folded away and counted, never a finding of their own."""

PRUNE: Final = "kustomize.toolkit.fluxcd.io/prune"

_HOLDER_NAMES: Final = tuple((prefix, f"{prefix}name") for prefix in HOLDER_LABELS)

_GENERATED: Final = frozenset(
    {("ConfigMap", "kube-root-ca.crt"), ("ServiceAccount", "default"), ("Service", "kubernetes")}
)


def is_noise(ref: Ref, *, controlled: bool = False) -> bool:
    """Whether an object is the system's own: generated, in a system namespace, or kept by the cluster for itself."""
    return (
        controlled
        or ref.kind in NOISE_KINDS
        or ref.namespace in SYSTEM_NAMESPACES
        or (ref.kind, ref.name) in _GENERATED
        or ref.name.startswith(("system:", "kubeadm:"))
        or (ref.kind == "Namespace" and ref.name in SYSTEM_NAMESPACES | {"default"})
        or (ref.kind == "ClusterRole" and ref.name in ("admin", "edit", "view", "cluster-admin"))
        or (ref.kind == "ClusterRoleBinding" and ref.name == "cluster-admin")
        or (ref.kind == "Secret" and ref.name.startswith("sh.helm.release.v1."))
    )


def ownership_findings(
    world: World, attributions: Mapping[Key, Attribution], policies: Policies, advice: Advice
) -> Iterator[Finding]:
    """Every finding that an attribution, a guardrail or a decision of the contract gives rise to."""
    contract, inventory = world.contract, world.inventory
    own = [a for key, a in attributions.items() if a.root == key and not is_noise(a.ref)]
    yield from _contested(own, advice)
    yield from _misowned(own, advice)
    yield from _ghost_labels(world)
    yield from _guardrails(contract, inventory, policies)
    yield from _claimed_absent(own)
    yield from _plain(
        own,
        State.UNDOCUMENTED,
        "undocumented",
        "have an owner and no claim in the contract",
        "add a claim for them to the contract, or let it stand",
    )
    yield from _plain(
        own,
        State.UNOWNED,
        "unowned",
        "bear no mark of any owner",
        "find out who made them; a claim in the contract documents the answer",
    )
    yield from _prune_disabled(inventory, advice.acts)
    yield from _decisions(contract, inventory)
    if contract.cluster_uid is None:
        uid = inventory.cluster_uid or "uid of the namespace kube-system"
        yield Finding(
            "contract-unpinned",
            Severity.INFO,
            "the contract is not pinned to a cluster",
            (),
            (f"cluster.uid is not set in {contract.source}",),
            f"set cluster.uid: {uid}",
        )


def _contested(own: Iterable[Attribution], advice: Advice) -> Iterator[Finding]:
    for owners, group in _grouped((a for a in own if a.state is State.CONTESTED), lambda a: tuple(sorted(a.owners))):
        evidence = tuple(some(f"{a.ref.label}: {e.owner}: {e.text}" for a in group for e in _one_each(a)))
        yield Finding(
            "contested",
            Severity.WARN,
            f"{_count(group)} with evidence for {' and '.join(owners)}",
            _refs(group),
            evidence,
            "decide which tool is authoritative; before the object leaves the other one's source,"
            f" {advice.before_leaving([a.ref.key for a in group])}",
        )


def _one_each(attribution: Attribution) -> Iterator[Evidence]:
    seen: set[str] = set()
    for evidence in attribution.evidence:
        if evidence.owner not in seen:
            seen.add(evidence.owner)
            yield evidence


def _misowned(own: Iterable[Attribution], advice: Advice) -> Iterator[Finding]:
    wrong = (a for a in own if a.state is State.MISOWNED)
    for (claimed, actual), group in _grouped(wrong, lambda a: (a.claim.owner if a.claim else "", a.owners[0])):
        evidence = tuple(some(f"{a.ref.label}: {a.evidence[0].text}" for a in group))
        yield Finding(
            "misowned",
            Severity.WARN,
            f"{_count(group)} claimed for {claimed} and owned by {actual}",
            _refs(group),
            evidence,
            f"change the claim, or move them to {claimed}; before they leave the source of {actual},"
            f" {advice.before_leaving([a.ref.key for a in group])}",
        )


def _claimed_absent(own: Iterable[Attribution]) -> Iterator[Finding]:
    absent = [a for a in own if a.state is State.MISSING and not a.evidence]
    for owner, group in _grouped(absent, lambda a: a.claim.owner if a.claim else ""):
        source = next((a.claim.source for a in group if a.claim), "")
        yield Finding(
            "claimed-absent",
            Severity.WARN,
            f"{_count(group)} claimed by name for {owner} and not there",
            _refs(group),
            tuple(some(f"{a.ref.label}: claimed, and kubectl get {a.ref.kubectl} finds nothing" for a in group)),
            f"let {owner} make them ({source}), or drop the claim",
        )


def _plain(own: Iterable[Attribution], state: State, code: str, text: str, then: str) -> Iterator[Finding]:
    group = sorted((a for a in own if a.state is state), key=lambda a: a.ref.label)
    if group:
        evidence = some(
            f"{a.ref.label}: {a.evidence[0].text}" if a.evidence else f"{a.ref.label}: no evidence" for a in group
        )
        yield Finding(code, Severity.INFO, f"{_count(group)} {text}", _refs(group), tuple(evidence), then)


def _ghost_labels(world: World) -> Iterator[Finding]:
    """One finding for everyone whom labels name, and who does not list what bears them."""
    groups: dict[tuple[str, str, bool], list[Ref]] = defaultdict(list)
    for key, live in world.inventory.objects.items():
        if not live.labels or live.controller is not None or world.copied_from(key, live) is not None:
            continue
        for prefix, label in _HOLDER_NAMES:
            if label in live.labels and (named := world.ghost_of(key, live, prefix)) is not None:
                groups[named.where, label, named.holder is not None].append(live.ref)
    for (where, label, there), refs in sorted(groups.items()):
        refs.sort(key=lambda ref: ref.label)
        gone = "does not list" if there else "does not exist in this cluster"
        one = len(refs) == 1
        lists = f", which {gone}{(' it' if one else ' them') + ' in its inventory' if there else ''}"
        them = "it" if one else "them"
        then = (
            f"nobody will prune {them}: take {them} back into git, or, where refloat explain shows no other owner and"
            f" no user, delete {them}"
        )
        if not there:
            then = f"unless a Flux in another cluster applies here, {then}"
        yield Finding(
            "ghost-label",
            Severity.WARN,
            f"{refs[0].label if one else _number(len(refs))} {'is' if one else 'are'} labelled for {where}{lists}",
            tuple(refs),
            tuple(some(f"{ref.label}: label {label}: {where.rpartition('/')[2]}" for ref in refs)),
            then,
        )


def _guardrails(contract: Contract, inventory: Inventory, policies: Policies) -> Iterator[Finding]:
    for rail in contract.guardrails:
        broken = [inventory.objects[key].ref for key in policies.denied(rail)]
        if broken:
            refs = tuple(sorted(broken, key=lambda ref: ref.label))
            shown = some(f"kubectl get {ref.kubectl}" for ref in refs)
            yield Finding(
                "guardrail",
                Severity.WARN,
                f"guardrail {rail.id}: {_number(len(refs))} it denies",
                refs,
                (f"{rail.id}: {rail.reason}", *policies.evidence(rail), *shown),
                "remove them at their owner, or change the guardrail",
            )


def _prune_disabled(inventory: Inventory, acts: Acts) -> Iterator[Finding]:
    held: list[Ref] = []
    fading: dict[Ref, str] = {}
    for key, live in inventory.objects.items():
        if (PRUNE in live.annotations or PRUNE in live.labels) and (subject := acts.subject(key)):
            found = opt_out(subject, PRUNE, "disabled")
            if found is not None and found.lasts is Lasts.NO:
                fading[live.ref] = found.why
            elif found is not None:
                held.append(live.ref)
    yield from _fading(fading)
    if held:
        refs = tuple(sorted(held, key=lambda ref: ref.label))
        yield Finding(
            "prune-disabled",
            Severity.INFO,
            f"{_number(len(refs))} that Flux will not prune",
            refs,
            tuple(some(f"{ref.label}: {PRUNE}: disabled" for ref in refs)),
            "Flux leaves them behind when they go from git: remember them in a clean-up",
        )


def _fading(why: Mapping[Ref, str]) -> Iterator[Finding]:
    """Objects that only kubectl has told Flux not to prune: it prunes them all the same, one apply later."""
    if why:
        refs = tuple(sorted(why, key=lambda ref: ref.label))
        yield Finding(
            "prune-disabled",
            Severity.INFO,
            f"{_number(len(refs))} that Flux will prune, though kubectl has told it not to",
            refs,
            tuple(some(f"{ref.label}: {why[ref]}" for ref in refs)),
            f"say it as another field manager ({command(refs[0], PRUNE, 'disabled')}), or in their source",
        )


def _decisions(contract: Contract, inventory: Inventory) -> Iterator[Finding]:
    for decision in contract.decisions:
        means = resource_filter(decision.resource)
        refs = tuple(live.ref for live in inventory.objects.values() if means(live.ref))
        if refs:
            removed = (f"removed: {decision.removed}",) if decision.removed else ()
            yield Finding(
                "decision",
                Severity.INFO,
                f"decided: {decision.resource} belongs to {decision.owner}",
                refs,
                (decision.reason, *removed),
                "nothing: the decision is on record",
            )


def _grouped(found: Iterable[Attribution], key: Callable[[Attribution], _G]) -> list[tuple[_G, list[Attribution]]]:
    groups: dict[_G, list[Attribution]] = defaultdict(list)
    for attribution in found:
        groups[key(attribution)].append(attribution)
    return [(name, sorted(groups[name], key=lambda a: a.ref.label)) for name in sorted(groups, key=str)]


def _refs(group: Iterable[Attribution]) -> tuple[Ref, ...]:
    return tuple(a.ref for a in group)


def _count(group: list[Attribution]) -> str:
    return group[0].ref.label if len(group) == 1 else f"{len(group)} objects"


def _number(count: int) -> str:
    return "1 object" if count == 1 else f"{count} objects"
