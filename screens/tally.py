"""Counts of objects by owner and state, for the ownership bar. Pure."""

from collections import Counter
from dataclasses import dataclass
from typing import Final

from tui.contract.model import Contract
from tui.ownership.findings import is_noise
from tui.ownership.model import Assessment, State

WORTH_A_WORD: Final = (
    State.CONTESTED,
    State.STALE,
    State.MISSING,
    State.MISOWNED,
    State.UNVERIFIABLE,
    State.UNDOCUMENTED,
    State.UNOWNED,
)
"""The states the bar names beside the owners, worst first; ``owned`` is what the owners' own numbers say."""


@dataclass(frozen=True, slots=True)
class Tally:
    """``owners`` are (title, live objects that are its own and nobody else's), in the contract's order.

    ``folded`` counts system noise and what a controller made below something else: left out of all other numbers.
    """

    owners: tuple[tuple[str, int], ...]
    states: tuple[tuple[State, int], ...]
    folded: int = 0


def tally(assessment: Assessment, contract: Contract) -> Tally:
    """One pass over all attributions; to be called where it may take its time."""
    owners: Counter[str] = Counter()
    states: Counter[State] = Counter()
    folded = 0
    for key, attribution in assessment.attributions.items():
        if is_noise(attribution.ref, controlled=attribution.root != key):
            folded += 1
            continue
        states[attribution.state] += 1
        if attribution.live and attribution.owner is not None:
            owners[attribution.owner] += 1
    titles = [(owner.title, owners[name]) for name, owner in contract.owners.items() if owners[name]]
    other = sum(owners.values()) - sum(number for _, number in titles)
    if other:
        titles.append(("other owners", other))
    return Tally(tuple(titles), tuple((state, states[state]) for state in WORTH_A_WORD if states[state]), folded)
