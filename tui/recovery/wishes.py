"""What an operator may state of a release: one that is expected, or which of two in force is meant. Pure."""

import re
from typing import Final

from tui.contract.model import Contract
from tui.faults import UsageFault
from tui.ownership.model import Wish
from tui.text import clean

_SETTLED: Final = re.compile(r"([^@\s]+)@(\d{1,9})")


def settled(text: str) -> tuple[str, int]:
    """The release and revision of ``NAME@REVISION``. Raises UsageFault for anything else."""
    match = _SETTLED.fullmatch(text)
    if match is None:
        raise UsageFault(f"{clean(text, 200)}: write the release's name and revision in full, as in NAME@3")
    return match[1], int(match[2])


def check_wish(contract: Contract, wish: Wish) -> None:
    """Refuses a release name that no family of the contract knows. Raises UsageFault."""
    for name in (wish.expected, wish.settled[0] if wish.settled else None):
        if name is not None and contract.family_of(name) is None:
            families = ", ".join(family.name for family in contract.releases) or "none"
            raise UsageFault(f"{clean(name, 200)} belongs to no release family of the contract (it has: {families})")


def read_wish(contract: Contract, word: str) -> Wish:
    """What one typed word states: ``NAME``, ``NAME@REVISION``, or nothing any more. Raises UsageFault."""
    word = word.strip()
    wish = Wish(settled=settled(word)) if "@" in word else Wish(expected=word or None)
    check_wish(contract, wish)
    return wish
