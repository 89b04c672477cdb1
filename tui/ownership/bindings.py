"""Whether a live binding grants the role that a release to come wants: a roleRef cannot be changed in place. Pure."""

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from tui.helm.errors import read_error
from tui.helm.model import Record, Status
from tui.helm.refusal import Cause, Conflict, OwnerError
from tui.objects import Inventory, Json, Key, Live
from tui.ownership.model import FamilyView
from tui.ownership.references import BINDINGS, RBAC
from tui.ownership.releases import listed_by


def role_ref(body: Json) -> tuple[str, str, str]:
    """A binding's roleRef as (group, kind, name); the group defaults as the API server defaults it."""
    role = body.get("roleRef")
    role = role if isinstance(role, dict) else {}
    return str(role.get("apiGroup") or RBAC), str(role.get("kind") or ""), str(role.get("name") or "")


class ToCome(NamedTuple):
    """How a live binding stands to the role that the expected release wants.

    ``differs`` says what shows that it is another one, ``without`` why it cannot be made again from here then;
    ``doubt`` says what is not known. All are empty of a binding that agrees, and of any other object.
    """

    differs: str = ""
    without: str = ""
    doubt: str = ""


class Bindings:
    """What is known of the bindings that a family's expected release wants: by its manifest, else by what it left."""

    def __init__(self, view: FamilyView, inventory: Inventory, error: OwnerError) -> None:
        self._view = view
        self._inventory = inventory
        self._listed = lru_cache(maxsize=64)(self._documents)
        self._refused = [each for each in error.conflicts if each.cause is Cause.ROLE_REF]

    def to_come(self, live: Live) -> ToCome:
        """How this object stands to what the expected release wants of it."""
        if live.ref.kind_key not in BINDINGS:
            return ToCome()
        if live.body is None or not isinstance(live.body.get("roleRef"), dict):
            return ToCome("whether its roleRef agrees could not be read", "look at it and decide by hand")
        if self._view.awaited is not None:
            return self._by_manifest(live, live.body)
        differs = next((why for why in self._by_what_was_left(live, live.body) if why is not None), None)
        if differs is None:
            wants = f"is the one that {self._view.expected} wants"
            return ToCome(doubt=f"whether its roleRef {wants} only that release's manifest can tell (--manifest FILE)")
        return ToCome(differs, _GIVE_IT) if differs else ToCome()

    def _by_manifest(self, live: Live, body: Json) -> ToCome:
        document = (self._view.awaited or {}).get(live.key)
        if document is None or role_ref(document.body) == role_ref(body):
            return ToCome()
        differs = _other(body, document.body, f"the manifest of {self._view.expected}")
        return ToCome(differs, "" if document.sha256 else _GIVE_IT)

    def _by_what_was_left(self, live: Live, body: Json) -> Iterator[str | None]:
        """What failed revisions of the family and the owner's text say, the expected release's own first.

        Each says how the role differs, the empty string where it agrees, or None where it does not say.
        """
        for record in self._failed():
            document = self._listed(record).get(live.key)
            if document is not None:
                of = f"the manifest of {record.name} revision {record.revision}, which failed,"
                same = role_ref(document) == role_ref(body)
                if not same or record.name == self._view.expected:
                    yield "" if same else _other(body, document, of)
            if any(_is_about(each, live) for each in read_error(record.description).conflicts):
                yield f"{record.name} revision {record.revision} failed over its roleRef"
        if any(_is_about(each, live) for each in self._refused):
            yield "the owner's text says that it was refused over its roleRef"

    def _failed(self) -> list[Record]:
        """The newest revision of each release that failed; that of the expected release first."""
        newest = [release.newest for release in self._view.releases if release.newest.status is Status.FAILED]
        return sorted(newest, key=lambda record: (record.name != self._view.expected, record.name))

    def _documents(self, record: Record) -> dict[Key, Json]:
        listed = listed_by(record, self._inventory.namespaced)
        return {key: each.body for key, each in listed.documents.items() if each.ref.kind_key in BINDINGS}


_GIVE_IT = (
    "adopting it would only turn a clean refusal into a failed release: give the manifest of the expected release"
    " (--manifest FILE), by which it can be deleted and created again in one step"
)


def _other(body: Json, document: Json, of: str) -> str:
    _, kind, name = role_ref(body)
    _, want_kind, want = role_ref(document)
    return f"it grants {kind} {name}, and {of} wants {want_kind} {want}"


def _is_about(conflict: Conflict, live: Live) -> bool:
    if conflict.cause is not Cause.ROLE_REF or (conflict.kind, conflict.name) != (live.ref.kind, live.ref.name):
        return False
    return conflict.namespace is None or conflict.namespace == (live.ref.namespace or "")
