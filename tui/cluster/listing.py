"""Listing one kind, page by page."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from tui.cluster.answers import decode_clean
from tui.cluster.api import JSON, Api
from tui.cluster.bodies import is_record, live_of, wants_body
from tui.cluster.discovery import collection
from tui.collector import collector_paused
from tui.faults import ApiFault, Unverified
from tui.objects import Json, KindKey, Live, Served

METADATA_LIST: Final = f"application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,{JSON}"

PAGE: Final = 500
"""Objects a page where only metadata is asked for."""

BODY_PAGE: Final = 200
"""Objects a page where they come whole: parsing one page must not hold up a key press."""

LARGE_PAGE: Final = 25
"""Objects a page where each may be a megabyte: Helm's records, and definitions with their schemas."""

RESTARTS: Final = 3
"""How often a list is begun again when its snapshot expires between two pages."""

RECORDS: Final = (KindKey("", "Secret"), KindKey("", "ConfigMap"))
"""The kinds that may hold Helm's records."""

_SECRET: Final = KindKey("", "Secret")
_LARGE: Final = frozenset({KindKey("apiextensions.k8s.io", "CustomResourceDefinition")})


@dataclass(frozen=True, slots=True)
class Page:
    """Some objects of one kind. ``restarted`` says that those of earlier pages count no more.

    ``resource_version`` is the version of the whole list, to watch from.
    """

    objects: list[Live]
    resource_version: str
    restarted: bool = False


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to list: a kind, of one namespace or of all, whole or its metadata.

    ``records`` asks for Helm's records of this kind alone, with their bodies; ``whole`` for everything else of it,
    whole, whatever an inventory keeps.
    """

    served: Served
    namespace: str | None = None
    records: bool = False
    whole: bool = False

    @property
    def body(self) -> bool:
        """Whether the objects are asked for with their bodies."""
        return self.records or self.whole or wants_body(self.served.kind_key)

    @property
    def page(self) -> int:
        """How many objects to ask for at once."""
        if self.records or self.served.kind_key in _LARGE:
            return LARGE_PAGE
        return BODY_PAGE if self.body else PAGE


async def pages(api: Api, wanted: Wanted) -> AsyncIterator[Page]:
    """The pages of a list as an inventory keeps its objects; raises as :func:`answers`."""
    async for answer in answers(api, wanted):
        with collector_paused():
            page = Page(_objects(answer.items, wanted), answer.resource_version, answer.restarted)
        yield page


@dataclass(frozen=True, slots=True)
class Answer:
    """One page as the server sent it, cleaned; ``restarted`` and ``resource_version`` as in :class:`Page`.

    One that is not ``whole`` held something that is no object: it hides no other, and what such a list lacks is not
    known to be absent.
    """

    items: list[Json]
    resource_version: str
    restarted: bool = False
    whole: bool = True


async def answers(api: Api, wanted: Wanted) -> AsyncIterator[Answer]:
    """The pages of a list. Only an empty ``continue`` ends it: a page may be short, or empty.

    An expired snapshot (410) begins the list again, a bounded number of times; the token for going on inconsistently
    that the server offers then is not used, because verdicts rest on what is absent. Raises ApiFault, Unreachable or
    Unverified; what was delivered before that is not the whole kind.
    """
    token, restarts, restarted = "", 0, False
    seen: set[str] = set()
    while True:
        try:
            page, token = await _page(api, wanted, token, restarted=restarted)
        except ApiFault as fault:
            if fault.code != 410 or not token or restarts == RESTARTS:
                raise
            token, restarts, restarted = "", restarts + 1, True
            seen.clear()
            continue
        yield page
        if not page.whole:
            raise Unverified(f"the list of {wanted.served.plural} holds something that is no object")
        restarted = False
        if not token:
            return
        if token in seen:
            raise Unverified(f"the list of {wanted.served.plural} goes in circles: the server repeats a page")
        seen.add(token)


async def _page(api: Api, wanted: Wanted, token: str, *, restarted: bool) -> tuple[Answer, str]:
    query = [("limit", str(wanted.page))]
    if wanted.records:
        query.append(("labelSelector", "owner=helm"))
    elif wanted.whole and wanted.served.kind_key == _SECRET:
        # A release's record names all that it made and uses none of it, and may be a megabyte.
        query.append(("fieldSelector", "type!=helm.sh/release.v1"))
    if token:
        query.append(("continue", token))
    path = collection(wanted.served, wanted.namespace)
    raw = await api.fetch(path, query, accept=JSON if wanted.body else METADATA_LIST)
    with collector_paused():
        return _read(raw, wanted, api.place(path), restarted=restarted)


def _read(raw: bytes, wanted: Wanted, place: str, *, restarted: bool) -> tuple[Answer, str]:
    answer = decode_clean(raw, place)
    if not isinstance(answer, dict) or "items" not in answer:
        raise _no_list(wanted)
    items, meta = answer["items"], answer.get("metadata")
    # Go writes a list that was never filled as null.
    items, meta = [] if items is None else items, {} if meta is None else meta
    token = (meta.get("continue") or "") if isinstance(meta, dict) else None
    if not isinstance(items, list) or not isinstance(meta, dict) or not isinstance(token, str):
        raise _no_list(wanted)
    sound = [item for item in items if isinstance(item, dict) and isinstance(item.get("metadata"), dict)]
    version = str(meta.get("resourceVersion") or "")
    return Answer(sound, version, restarted, whole=len(sound) == len(items)), token


def _no_list(wanted: Wanted) -> Unverified:
    return Unverified(f"the list of {wanted.served.plural} is no list; the server behind it is at fault")


def _objects(items: list[Json], wanted: Wanted) -> list[Live]:
    # Anyone may label a Secret owner=helm: only what is a record keeps its data.
    return [
        live_of(item, wanted.served, body=wanted.body and (not wanted.records or is_record(item))) for item in items
    ]
