"""What is wrong with a contract although it can be read: gaps, claims that never decide, owners in each other's way."""

import re
from collections.abc import Iterable, Iterator
from datetime import date
from itertools import combinations, product
from typing import Final

from tui.contract.lint_stated import allowed, decisions
from tui.contract.model import Claim, Contract, Family, Mark, Selector
from tui.contract.overlap import atoms, covers, globs_meet, may_meet
from tui.contract.remarks import Remark, in_order
from tui.contract.select import is_plain

__all__ = ["CLUSTER_SCOPED", "GIVEN", "Remark", "described", "lint", "listed"]

GIVEN: Final = frozenset({"default", "kube-system", "kube-public", "kube-node-lease"})
"""Namespaces that every cluster has by itself; nobody need claim them."""

CLUSTER_SCOPED: Final = frozenset(
    {
        "APIService",
        "ClusterRole",
        "ClusterRoleBinding",
        "CustomResourceDefinition",
        "IngressClass",
        "MutatingWebhookConfiguration",
        "Namespace",
        "Node",
        "PersistentVolume",
        "PriorityClass",
        "StorageClass",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
        "ValidatingWebhookConfiguration",
    }
)
"""Built-in kinds that live in no namespace."""

_NAMESPACE: Final = re.compile(r"[a-z0-9*?\[\]!-]*")
_SHOWN: Final = 4


def lint(contract: Contract, today: date) -> tuple[Remark, ...]:
    """Every remark on the contract, in the order of its lines; ``today`` decides what has expired."""
    remarks = [
        *_unclaimed_namespaces(contract),
        *_claims(contract),
        *_denied_claims(contract),
        *_shared_marks(contract),
        *_families(contract),
        *_unclaimed_checks(contract),
        *decisions(contract),
        *allowed(contract, today),
    ]
    if contract.cluster_uid is None:
        text = "no cluster.uid is set: Refloat cannot tell this cluster from any other that a context may mean"
        remarks.append(Remark("cluster-unpinned", 0, text, info=True))
    return in_order(remarks)


def _unclaimed_namespaces(contract: Contract) -> Iterator[Remark]:
    used: dict[str, int] = {}
    for line, names in _namespaces(contract):
        for name in filter(is_plain, names):
            used.setdefault(name, line)
    for name, line in used.items():
        itself = Selector(kinds=("Namespace",), groups=("",), names=(name,))
        claimed = any(may_meet(selector, itself) for selector in _selectors(contract))
        if name not in GIVEN and not claimed:
            yield Remark(
                "namespace-unclaimed",
                line,
                f"namespace {name} is used here, and nobody claims the Namespace {name} itself: "
                "who creates it, and who may delete it?",
            )


def _namespaces(contract: Contract) -> Iterator[tuple[int, Iterable[str]]]:
    for claim in contract.claims:
        for selector in claim.select:
            yield claim.line, (*selector.namespaces, *selector.namespaces_not)
    for family in contract.releases:
        yield family.line, (family.namespace, *family.cleanup_namespaces)
    for guardrail in contract.guardrails:
        yield guardrail.line, (*guardrail.deny.namespaces, *guardrail.deny.namespaces_not)
    for check in contract.health:
        yield check.line, (check.namespace,)


def _selectors(contract: Contract) -> Iterator[Selector]:
    for claim in contract.claims:
        yield from claim.select


def _claims(contract: Contract) -> Iterator[Remark]:
    earlier: list[tuple[Claim, Selector]] = []
    for claim in contract.claims:
        for number, selector in enumerate(claim.select, start=1):
            why = _impossible(selector)
            if why:
                text = f"selector {number} of this claim ({described(selector)}) can never match: {why}"
                yield Remark("claim-impossible", claim.line, text)
                continue
            yield from _against(earlier, claim, number, selector)
            earlier.append((claim, selector))


def _impossible(selector: Selector) -> str:
    scoped = [kind for kind in selector.kinds if kind in CLUSTER_SCOPED]
    if scoped and len(scoped) == len(selector.kinds) and (selector.namespaces or selector.namespaces_not):
        return f"{scoped[0]} lives in no namespace"
    bad = [name for name in selector.namespaces if not _NAMESPACE.fullmatch(name)]
    if bad and len(bad) == len(selector.namespaces):
        return f"no namespace can be called {bad[0]}"
    return ""


def _against(earlier: list[tuple[Claim, Selector]], claim: Claim, number: int, selector: Selector) -> Iterator[Remark]:
    near = [(before, wide) for before, wide in earlier if may_meet(wide, selector)]
    free: list[Selector] = []
    taken: list[tuple[Claim, Selector]] = []
    for part in atoms(selector):
        before = next((before for before, wide in near if covers(wide, part)), None)
        if before is None:
            free.append(part)
        else:
            taken.append((before, part))
    which = f"selector {number} of this claim for {claim.owner}"
    if not free:
        by = listed(f"line {before.line} ({before.owner})" for before, _ in taken)
        text = f"{which} ({described(selector)}) can never match: the claim of {by} takes all of it first"
        yield Remark("claim-shadowed", claim.line, text)
        return
    swallowed = [(before, part) for before, part in taken if before.owner != claim.owner]
    if swallowed:
        by = listed(f"line {before.line} for {before.owner}" for before, _ in swallowed)
        what = listed(described(part) for _, part in swallowed)
        yield Remark("claim-swallowed", claim.line, f"{which} loses {what} to the claim of {by}, which comes first")
    yield from _crossing(near, claim, which, free)


def _crossing(near: list[tuple[Claim, Selector]], claim: Claim, which: str, free: list[Selector]) -> Iterator[Remark]:
    # A particular claim above a general one is how contracts are meant to be written; two that merely cross are not.
    crossed: dict[int, tuple[Claim, Selector]] = {}
    for before, wide in near:
        if before.owner == claim.owner:
            continue
        for part in free:
            if any(may_meet(piece, part) and not covers(part, piece) for piece in atoms(wide)):
                crossed.setdefault(before.line, (before, part))
    for before, part in crossed.values():
        text = (
            f"{which} overlaps the claim of line {before.line} for {before.owner} at {described(part)}: "
            "what both match goes to the upper one"
        )
        yield Remark("claims-overlap", claim.line, text)


def _denied_claims(contract: Contract) -> Iterator[Remark]:
    for guardrail in contract.guardrails:
        for claim in contract.claims:
            for part in (part for selector in claim.select for part in atoms(selector)):
                if covers(guardrail.deny, part):
                    text = f"guardrail {guardrail.id} denies what {claim.owner} should own: {described(part)}"
                    yield Remark("claim-denied", claim.line, text)


def _shared_marks(contract: Contract) -> Iterator[Remark]:
    for one, other in combinations(contract.owners.values(), 2):
        shared = [word for a in one.marks for b in other.marks for word in _in_common(a, b)]
        if shared:
            text = f"{one.name} and {other.name} share a mark, {listed(shared)}: what bears it is contested"
            yield Remark("mark-shared", other.line, text)


def _in_common(one: Mark, other: Mark) -> Iterator[str]:
    for what, mine, theirs in (
        ("manager", one.manager, other.manager),
        ("owner kind", one.owner_kind, other.owner_kind),
    ):
        for a, b in product(mine, theirs):
            if globs_meet(a, b):
                yield f"{what} {a}" if a == b else f"{what} {a} and {b}"
    for word, a_texts, b_texts in (
        ("label", one.label, other.label),
        ("annotation", one.annotation, other.annotation),
    ):
        for a_key, a_value in (a_texts or {}).items():
            for b_key, b_value in (b_texts or {}).items():
                if globs_meet(a_key, b_key) and globs_meet(a_value, b_value):
                    yield f"{word} {a_key}={a_value}"
    if one.family is not None and one.family == other.family:
        yield f"family {one.family}"
    for kind in sorted({*one.inventory} & {*other.inventory}):
        yield f"the inventory of {kind}"


def _families(contract: Contract) -> Iterator[Remark]:
    for one, other in combinations(contract.releases, 2):
        if one.namespace == other.namespace and any(globs_meet(a, b) for a in _forms(one) for b in _forms(other)):
            text = f"a release could belong to family {one.name} and to {other.name}; it goes to {one.name}"
            yield Remark("families-overlap", other.line, text)
    for family in contract.releases:
        if family.match is not None and not family.match.strip("*?"):
            text = f"match: {family.match} takes every release of {family.namespace} into family {family.name}"
            yield Remark("family-too-wide", family.line, text)


def _forms(family: Family) -> Iterator[str]:
    yield from family.names
    if family.match is not None:
        yield family.match
    if family.generated is not None:
        yield family.generated + "-" + "?" * 8


def _unclaimed_checks(contract: Contract) -> Iterator[Remark]:
    for check in contract.health:
        wanted = [Selector(kinds=("Deployment",), names=(n,), namespaces=(check.namespace,)) for n in check.deployments]
        if check.ready is not None and check.name is not None:
            wanted.append(Selector(kinds=(check.ready,), names=(check.name,), namespaces=(check.namespace,)))
        for selector in wanted:
            if not any(may_meet(claimed, selector) for claimed in _selectors(contract)):
                text = f"health rests on {described(selector)}, which nobody claims"
                yield Remark("check-unclaimed", check.line, text)


def described(selector: Selector) -> str:
    """A selector in words."""
    words = [", ".join(selector.kinds) or "any kind"]
    words += [", ".join(selector.names)] if selector.names else []
    words += [f"in {', '.join(selector.namespaces)}"] if selector.namespaces else []
    words += [f"outside {', '.join(selector.namespaces_not)}"] if selector.namespaces_not else []
    for word, texts in (("label", selector.labels), ("annotation", selector.annotations)):
        words += [f"with {word} {', '.join(texts)}"] if texts else []
    return " ".join(words)


def listed(words: Iterable[str]) -> str:
    """The different ones of some words; many are counted."""
    different = list(dict.fromkeys(words))
    more = f" and {len(different) - _SHOWN} more" if len(different) > _SHOWN else ""
    return ", ".join(different[:_SHOWN]) + more
