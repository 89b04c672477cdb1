"""Remarks on what a contract states beside its claims: decisions that were taken, findings that are allowed. Pure."""

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Final

from tui.contract.model import Contract, Selector
from tui.contract.overlap import may_meet
from tui.contract.remarks import Remark

_ABOUT_CLAIMS: Final = frozenset({"misowned", "claimed-absent"})
"""Findings that only a claim can give rise to."""


def decisions(contract: Contract) -> Iterator[Remark]:
    """Decisions that the claims do not carry out."""
    for decision in contract.decisions:
        meant = selector_of(decision.resource)
        claims = [claim for claim in contract.claims if _meets(claim.select, meant)]
        if any(claim.owner == decision.owner for claim in claims):
            continue
        decided = f"{decision.resource} is decided for {decision.owner}"
        if claims:
            other = f"the claim of line {claims[0].line} gives it to {claims[0].owner}"
            yield Remark("decision-contradicted", decision.line, f"{decided}, and {other}")
        else:
            yield Remark("decision-unclaimed", decision.line, f"{decided}, and no claim is about it")


def allowed(contract: Contract, today: date) -> Iterator[Remark]:
    """Allowed findings that are over, and those that nothing in the contract could ever raise."""
    for allow in contract.allow:
        if allow.expires < today:
            text = f"{allow.code} of {allow.resource} was allowed until {allow.expires}: it is shown again"
            yield Remark("allow-expired", allow.line, text)
        why = _idle(contract, allow.code, selector_of(allow.resource))
        if why:
            yield Remark("allow-idle", allow.line, f"{allow.code} of {allow.resource} is allowed, and {why}")


def _idle(contract: Contract, code: str, meant: Selector) -> str:
    if code == "guardrail" and not _meets((rail.deny for rail in contract.guardrails), meant):
        return "no guardrail denies such a thing"
    if code in _ABOUT_CLAIMS and not _meets((each for claim in contract.claims for each in claim.select), meant):
        return "no claim is about such a thing"
    if code == "decision" and not _meets((selector_of(each.resource) for each in contract.decisions), meant):
        return "no decision is about such a thing"
    return ""


def selector_of(resource: str) -> Selector:
    """The selector that means what ``Kind/name`` or ``Kind/namespace/name`` does."""
    kind, *space, name = resource.split("/")
    return Selector(kinds=(kind,), names=(name,), namespaces=tuple(space))


def _meets(selectors: Iterable[Selector], meant: Selector) -> bool:
    return any(may_meet(selector, meant) for selector in selectors)
