"""Lookups that the evidence of one object needs, made once an assessment. Pure."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from tui.objects import Inventory, Key, Live, Ref
from tui.ownership.model import Assessment, Candidate, Finding, Missing


@dataclass(frozen=True, slots=True)
class Index:
    """``dependents`` maps a uid to what names it as an owner; the rest map an object to what is said of it."""

    dependents: Mapping[str, list[Ref]] = field(repr=False)
    findings: Mapping[Key, list[Finding]] = field(repr=False)
    candidates: Mapping[Key, Candidate] = field(repr=False)
    missing: Mapping[Key, Missing] = field(repr=False)

    @classmethod
    def of(cls, assessment: Assessment) -> Self:
        """One pass over the inventory and over what was found; to be called where it may take its time."""
        dependents: dict[str, list[Ref]] = defaultdict(list)
        for live in assessment.inventory.objects.values():
            for owner in live.owners:
                dependents[owner.uid].append(live.ref)
        findings: dict[Key, list[Finding]] = defaultdict(list)
        for finding in assessment.findings:
            for ref in finding.resources:
                findings[ref.key].append(finding)
        return cls(
            dependents,
            findings,
            {candidate.ref.key: candidate for candidate in assessment.candidates},
            {lost.ref.key: lost for lost in assessment.missing},
        )


def owner_chain(live: Live, inventory: Inventory) -> tuple[str, ...]:
    """The controllers above an object, nearest first, to the root; one that is not there is said to be missing."""
    chain: list[str] = []
    seen = {live.key}
    current: Live | None = live
    while current is not None and current.controller is not None and len(chain) < 20:
        owner = current.controller
        space = current.ref.namespace
        ref = Ref(owner.api_version, owner.kind, space, owner.name, owner.uid)
        above = inventory.get(ref.key) or inventory.get(ref.key._replace(namespace=None))
        known = above is not None and above.ref.uid == owner.uid
        chain.append(above.ref.label if above and known else f"{ref.label} (not found with this uid)")
        if above is None or not known or above.key in seen:
            break
        seen.add(above.key)
        current = above
    return tuple(chain)
