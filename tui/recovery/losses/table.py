"""What an entry of a replay says that it does not bring back, one function a kind. Pure."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Final

from tui.objects import KindKey
from tui.ownership.model import Assessment
from tui.ownership.references import API_SERVICE, CRD, VOLUME, WEBHOOKS
from tui.recovery.losses.claims import CLAIM, STATEFUL_SET, of_claim, of_stateful_set
from tui.recovery.losses.content import CONFIG_MAP, SECRET, of_api_service, of_content, of_webhooks
from tui.recovery.losses.listed import of_definition, of_namespace
from tui.recovery.losses.remains import Loss, Remains
from tui.recovery.plan import Action, Entry
from tui.text import clean

NAMESPACE: Final = KindKey("", "Namespace")

_KINDS: Final[Mapping[KindKey, Callable[[Entry, Remains], Iterator[Loss]]]] = {
    CLAIM: of_claim,
    STATEFUL_SET: of_stateful_set,
    NAMESPACE: of_namespace,
    CRD: of_definition,
    SECRET: of_content,
    CONFIG_MAP: of_content,
    API_SERVICE: of_api_service,
    **dict.fromkeys(WEBHOOKS, of_webhooks),
}

_RESTS_ON: Final[Mapping[KindKey, frozenset[KindKey]]] = {
    CLAIM: frozenset({VOLUME}),
    STATEFUL_SET: frozenset({CLAIM, VOLUME}),
    NAMESPACE: frozenset({VOLUME}),
}
"""The kinds that tell of a loss, beside owners' lists and release records, by the kind that is missing."""


def rests_on(entry: Entry) -> frozenset[KindKey]:
    """The kinds to be read afresh before it is said what an entry does not bring back."""
    return _RESTS_ON.get(entry.ref.kind_key, frozenset()) if entry.action is Action.CREATE else frozenset()


class Losses:
    """What the entries of a replay do not bring back, by one assessment. Build one for many entries."""

    def __init__(self, assessment: Assessment) -> None:
        self._remains = Remains(assessment)

    def of(self, entry: Entry) -> tuple[Loss, ...]:
        """The losses of one entry, the most important first; none of an action that creates nothing anew."""
        tell = _KINDS.get(entry.ref.kind_key)
        if tell is None or entry.action is not Action.CREATE or entry.document is None:
            return ()
        return tuple(Loss(clean(each.text), each.hides) for each in tell(entry, self._remains))

    def weigh(self, entry: Entry) -> Entry:
        """The entry with what it does not bring back, and with its name to be typed where that would be hidden."""
        if entry.action is not Action.CREATE:
            return entry
        found = self.of(entry)
        typed = entry.ref.name if any(each.hides for each in found) else ""
        return replace(entry, losses=tuple(each.text for each in found), typed=typed)

    def untold(self, entry: Entry) -> str:
        """A loss that the entry's replacement would hide and that the entry does not tell; empty where it tells all."""
        return next((each.text for each in self.of(entry) if each.hides and each.text not in entry.losses), "")
