"""What must be in place before an object leaves the source of one of its owners, in words. Pure.

No advice to take an object out of a source goes without this: the tool that drops it deletes it, whoever has it by
then, unless it is told otherwise where that very act reads it.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from tui.objects import Key
from tui.ownership.acts.model import LEAVING, Consequence, Effect
from tui.ownership.acts.table import Acts
from tui.ownership.model import Attribution

SAMPLE: Final = 20
"""Objects of a finding whose owners' acts are asked for: those of one finding have the same owners."""

MAX_OWNERS: Final = 4
"""Owners that a sentence names; the rest is counted."""


class Advice:
    """Asks for the objects of a finding what their owners' acts would do."""

    def __init__(self, acts: Acts, attributions: Mapping[Key, Attribution]) -> None:
        self.acts = acts
        self._attributions = attributions

    def before_leaving(self, keys: Sequence[Key], owner: str = "") -> str:
        """What to do first, as an imperative; with ``owner``, before they leave that owner's source alone."""
        found: list[Consequence] = []
        for key in keys[:SAMPLE]:
            row = self._attributions.get(key)
            found += self.acts.of(key, row.evidence if row is not None and row.root == key else ())
        return first([each for each in found if owner in ("", each.owner)], len(keys))


def first(found: Iterable[Consequence], count: int = 1) -> str:
    """What to do before ``count`` objects with these consequences leave a source, as an imperative."""
    keep: dict[str, str] = {}
    for each in found:
        if each.act in LEAVING and each.effect is not Effect.KEEPS:
            keep.setdefault(each.owner, each.keep or "find out what it then does, which could not be told")
    if not keep:
        return "see what refloat explain says of each act of its owners"
    alike: dict[str, list[str]] = {}
    for owner, what in list(keep.items())[:MAX_OWNERS]:
        alike.setdefault(what, []).append(owner)
    said = [f"{' and '.join(owners)}: {what}" for what, owners in alike.items()]
    more = [f"and {len(keep) - MAX_OWNERS} owners more"] if len(keep) > MAX_OWNERS else []
    so = f" (so for each of the {count} objects)" if count > 1 else ""
    return f"keep it where the next act of that owner reads it{so}: {'; '.join((*said, *more))}"
