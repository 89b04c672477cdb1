"""The inventory: a list of every listable kind, a few at a time, with a gap for each that could not be read."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from tui.cluster.api import Api, segments
from tui.cluster.bodies import UNLISTED, wants_body
from tui.cluster.discovery import Catalog
from tui.cluster.listing import RECORDS, Wanted, pages
from tui.faults import Fault, Unreachable
from tui.objects import Gap, Inventory, Key, KindKey, Live, Ref, Served
from tui.recovery.ports import Progress
from tui.text import clean

CONCURRENT: Final = 6
"""Lists under way at once: enough to hide the latency, few enough for priority and fairness to leave us alone."""

HOPELESS: Final = 6
"""Lists that may end without any answer, one after the other, before the rest is not even tried."""

MAX_REASON: Final = 300

_FIRST: Final = ("Namespace", "Secret", "ConfigMap", "Deployment", "ClusterRole", "ClusterRoleBinding", "Kustomization")
_LAST: Final = ("Event", "Lease", "EndpointSlice", "Endpoints", "ControllerRevision", "Pod", "ReplicaSet")

Report = Callable[[Progress], None]
Deliver = Callable[[Sequence[Live]], None]


class Survey:
    """One walk over some kinds. ``report`` hears of progress, ``deliver`` gets the objects page by page.

    What was delivered is preliminary: a list that is begun again delivers its objects again, and only the
    result says what is there.
    """

    def __init__(self, api: Api, *, report: Report | None = None, deliver: Deliver | None = None) -> None:
        self._api = api
        self._report = report
        self._deliver = deliver
        self._objects: dict[Key, Live] = {}
        self._gaps: list[Gap] = []
        self._done = 0
        self._kinds = 0
        self._found = 0
        self._silent = 0

    async def run(self, kinds: Iterable[Served]) -> tuple[dict[Key, Live], list[Gap]]:
        """Lists these kinds; returns the objects and the gaps. Raises nothing for a kind that fails."""
        served = sorted((kind for kind in kinds if kind.kind_key not in UNLISTED), key=_weight)
        self._kinds = len(served)
        self._tell()
        limit = asyncio.Semaphore(CONCURRENT)

        async def one(kind: Served) -> None:
            async with limit:
                await self._kind(kind)

        async with asyncio.TaskGroup() as group:
            for kind in served:
                group.create_task(one(kind))
        return self._objects, self._gaps

    async def _kind(self, served: Served) -> None:
        gap = await self._list(Wanted(served))
        if gap is None and served.kind_key in RECORDS:
            gap = await self._list(Wanted(served, records=True))
        if gap is not None:
            self._gaps.append(gap)
        self._done += 1
        self._tell()

    async def _list(self, wanted: Wanted) -> Gap | None:
        key = wanted.served.kind_key
        if self._silent >= HOPELESS:
            return gap_of(key, "not asked: the API server no longer answers")
        own: dict[Key, Live] = {}
        gap = None
        try:
            async for page in pages(self._api, wanted):
                self._silent = 0
                if page.restarted:
                    own.clear()
                own.update((live.key, live) for live in page.objects)
                self._found += 0 if wanted.records else len(page.objects)
                if self._deliver is not None and page.objects:
                    self._deliver(page.objects)
                self._tell()
        except Fault as fault:
            self._silent += isinstance(fault, Unreachable)
            gap = gap_of(key, fault)
        self._objects.update(own)
        return gap

    def _tell(self) -> None:
        if self._report is not None:
            self._report(Progress(self._done, self._kinds, self._found))


def gap_of(kind: KindKey, reason: object) -> Gap:
    """The gap of one kind."""
    return Gap(kind.group, kind.kind, None, clean(reason, MAX_REASON))


async def survey(
    api: Api, catalog: Catalog, *, report: Report | None = None, deliver: Deliver | None = None
) -> Inventory:
    """The whole inventory of what ``catalog`` serves. Raises nothing: what cannot be read becomes a gap."""
    listable = catalog.listable
    version, (objects, gaps) = await asyncio.gather(
        _version(api), Survey(api, report=report, deliver=deliver).run(listable.values())
    )
    uid = await _cluster_uid(api, objects)
    return Inventory(
        uid,
        version,
        dict(listable),
        catalog.versions,
        objects,
        [*catalog.gaps, *gaps],
        whole=frozenset(filter(wants_body, listable)),
    )


async def _version(api: Api) -> str:
    try:
        reply = await api.get("/version")
    except Fault:
        return ""
    return clean(reply.data.get("gitVersion") or "", 60) if isinstance(reply.data, dict) else ""


async def _cluster_uid(api: Api, objects: dict[Key, Live]) -> str | None:
    if live := objects.get(Key("", "Namespace", None, "kube-system")):
        return live.ref.uid
    try:
        reply = await api.get(segments("api", "v1", "namespaces", "kube-system"))
    except Fault:
        return None
    return Ref.of(reply.data).uid if isinstance(reply.data, dict) else None


def _weight(served: Served) -> tuple[int, str, str]:
    """What a verdict rests on comes first; what is many and seldom looked at comes last."""
    if served.kind in _FIRST:
        return (0, f"{_FIRST.index(served.kind)}", served.group)
    return (2 if served.kind in _LAST else 1, served.kind, served.group)
