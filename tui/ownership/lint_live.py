"""Remarks on a contract that a live cluster gives rise to: claims it contradicts, or never needs, and gaps. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from tui.contract.lint import GIVEN, described, listed
from tui.contract.model import Claim, Contract, Selector, glob
from tui.contract.remarks import Remark, in_order
from tui.contract.select import matches
from tui.objects import Inventory, KindKey, Live
from tui.ownership.findings import is_noise
from tui.ownership.model import Assessment, Attribution

_SHOWN: Final = 3
_NAMESPACE: Final = KindKey("", "Namespace")


def lint_live(contract: Contract, assessment: Assessment) -> tuple[Remark, ...]:
    """Every remark on the contract as this cluster shows it, in the order of its lines.

    What could not be listed is never called unused: it is told as unverified.
    """
    own = [row for key, row in assessment.attributions.items() if row.root == key and row.live]
    return in_order(
        [
            *_contradicted(contract, own),
            *_idle(contract, assessment.inventory),
            *_uncovered(assessment.inventory, assessment),
        ]
    )


def _contradicted(contract: Contract, rows: Iterable[Attribution]) -> Iterator[Remark]:
    """Claims whose objects bear another owner's evidence, counted by owner."""
    by_claim: dict[int, list[Attribution]] = defaultdict(list)
    for row in rows:
        if row.claim is not None and not is_noise(row.ref):
            by_claim[id(row.claim)].append(row)
    for claim in contract.claims:
        found = by_claim[id(claim)]
        against = [row for row in found if any(owner != claim.owner for owner in row.owners)]
        if against:
            yield Remark("claim-contradicted", claim.line, _told(claim, against, len(found)))


def _told(claim: Claim, against: Sequence[Attribution], of: int) -> str:
    counts = Counter(owner for row in against for owner in row.owners if owner != claim.owner)
    owners = ", ".join(f"{owner} {count}" for owner, count in sorted(counts.items()))
    names = sorted(row.ref.label for row in against)
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return (
        f"declared for {claim.owner}, and of the {of} live objects it decides about {len(against)} bear marks of "
        f"others ({owners}): {', '.join(names[:_SHOWN])}{more}"
    )


def _idle(contract: Contract, inventory: Inventory) -> Iterator[Remark]:
    """Selectors that choose nothing that is live."""
    by_kind: dict[KindKey, list[Live]] = defaultdict(list)
    for key, live in inventory.objects.items():
        by_kind[KindKey(key.group, key.kind)].append(live)
    for claim in contract.claims:
        for number, selector in enumerate(claim.select, start=1):
            if _chooses_any(selector, by_kind):
                continue
            which = f"selector {number} of this claim for {claim.owner} ({described(selector)})"
            unread = _unread(selector, inventory)
            if unread:
                text = f"whether {which} matches anything could not be read: {unread}"
                yield Remark("claim-unverified", claim.line, text, info=True)
            else:
                yield Remark("claim-idle", claim.line, f"{which} matches nothing that is live")


def _chooses_any(selector: Selector, by_kind: Mapping[KindKey, Sequence[Live]]) -> bool:
    return any(
        matches(selector, live) for kind, lives in by_kind.items() if _may_choose(selector, kind) for live in lives
    )


def _may_choose(selector: Selector, kind: KindKey) -> bool:
    return (not selector.kinds or any(glob(pattern, kind.kind) for pattern in selector.kinds)) and (
        not selector.groups or any(glob(pattern, kind.group) for pattern in selector.groups)
    )


def _unread(selector: Selector, inventory: Inventory) -> str:
    """The first gap that could hide what a selector chooses; empty where none could."""
    for gap in inventory.gaps:
        if gap.kind is None:
            hides = not selector.groups or any(glob(pattern, gap.group) for pattern in selector.groups)
        else:
            hides = _may_choose(selector, KindKey(gap.group, gap.kind))
        inside = gap.namespace is None or not selector.namespaces
        if hides and (inside or any(glob(pattern, gap.namespace or "") for pattern in selector.namespaces)):
            return gap.text
    return ""


def _uncovered(inventory: Inventory, assessment: Assessment) -> Iterator[Remark]:
    """Live namespaces of which neither the Namespace nor anything in it is claimed."""
    covered = {row.ref.namespace for row in assessment.attributions.values() if row.claim is not None}
    bare = [
        live.ref.name
        for live in inventory.of_kind(*_NAMESPACE)
        if live.ref.name not in GIVEN | covered and assessment.attributions[live.key].claim is None
    ]
    for name in sorted(bare):
        kinds = Counter(key.kind for key in inventory.objects if key.namespace == name)
        holds = (
            f"it holds {listed(f'{kind} {count}' for kind, count in sorted(kinds.items()))}" if kinds else "it is empty"
        )
        yield Remark(
            "namespace-uncovered", 0, f"namespace {name} is live, and no claim is about it or what is in it; {holds}"
        )
