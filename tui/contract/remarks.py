"""What the linter says: remarks with a line, a stable code and a sentence. ``docs/contract.md`` explains every code."""

from dataclasses import dataclass
from typing import Final

CODES: Final = (
    "namespace-unclaimed",
    "claim-impossible",
    "claim-shadowed",
    "claim-swallowed",
    "claims-overlap",
    "claim-denied",
    "mark-shared",
    "families-overlap",
    "family-too-wide",
    "check-unclaimed",
    "decision-contradicted",
    "decision-unclaimed",
    "allow-expired",
    "allow-idle",
    "cluster-unpinned",
)
"""Codes that the contract alone gives rise to."""

LIVE_CODES: Final = ("claim-contradicted", "claim-idle", "claim-unverified", "namespace-uncovered")
"""Codes that need a cluster beside the contract."""


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing to look at. ``line`` counts from 1, 0 where nothing in the file stands for it.

    ``info``: it is told and asks for nothing.
    """

    code: str
    line: int
    text: str
    info: bool = False


def in_order(remarks: list[Remark]) -> tuple[Remark, ...]:
    """By line; what asks for nothing comes last."""
    return tuple(sorted(remarks, key=lambda remark: (remark.info, remark.line)))
