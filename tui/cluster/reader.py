"""The Reader that a connection offers: discovery, inventory, single objects, rights, watches, logs. It cannot write."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from tui.cluster import access, logs
from tui.cluster.api import Api
from tui.cluster.bodies import wants_body
from tui.cluster.discovery import Catalog, address
from tui.cluster.inventory import Deliver, Survey, gap_of, survey
from tui.cluster.resolver import Resolver
from tui.cluster.search import search
from tui.cluster.watch import Feed
from tui.faults import ApiFault, Fault, Unverified
from tui.objects import Inventory, Json, Key, KindKey, Ref
from tui.recovery.ports import Access, Progress


class ClusterReader:
    """Reads one cluster (:class:`tui.recovery.ports.Reader`)."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._resolver = Resolver(api)

    async def inventory(
        self, report: Callable[[Progress], None] | None = None, deliver: Deliver | None = None
    ) -> Inventory:
        """Discovery, asked anew, and a list of every listable kind.

        ``deliver`` gets the objects page by page while the lists run (see :class:`Survey`). Raises Unreachable where
        nothing answers at all, and ApiFault where discovery is refused.
        """
        catalog = await self._fresh()
        return await survey(self._api, catalog, report=report, deliver=deliver)

    async def relist(self, known: Inventory, kinds: Iterable[KindKey]) -> Inventory:
        """``known`` with these kinds read again; a kind that fails becomes a gap, one that is not served is empty.

        Secrets and ConfigMaps are read with Helm's records. Discovery is asked anew, so that a kind defined since is
        found.
        """
        wanted = frozenset(kinds)
        try:
            catalog = await self._fresh()
        except Fault as fault:
            return known.replace((), wanted, [gap_of(kind, f"discovery failed: {fault}") for kind in wanted])
        listable = catalog.listable
        objects, gaps = await Survey(self._api).run(listable[kind] for kind in wanted if kind in listable)
        fresh = known.replace(objects.values(), wanted, gaps)
        fresh.gaps = [gap for gap in fresh.gaps if gap.kind is not None] + catalog.gaps
        fresh.served, fresh.versions = dict(listable), catalog.versions
        fresh.whole = frozenset(filter(wants_body, listable))
        return fresh

    async def search(self, known: Inventory, targets: Iterable[Key], *, anew: bool = False) -> Inventory:
        """``known`` with these objects looked for by name in everything that it holds no bodies of.

        Kinds of which it knows no object are not asked again, unless the search is to be made ``anew``: what was made
        since may use them. A kind that cannot be read becomes a gap of :attr:`Inventory.searched`.
        """
        there = {KindKey(key.group, key.kind) for key in known.objects}
        kinds = [served for kind, served in known.served.items() if anew or kind in there]
        found = await search(self._api, targets, kinds)
        return replace(known, searched=known.searched.with_(found))

    async def get(self, ref: Ref) -> Json | None:
        """One whole object exactly as the server has it, not cleaned; None where it does not exist.

        Read in the reference's own version, or the preferred one where that is no longer served. A 404 that does not
        speak of this object (a proxy's, or a vanished kind's) is no proof of absence. Raises ApiFault, Unreachable or
        Unverified.
        """
        return (await self.dated(ref))[0]

    async def dated(self, ref: Ref) -> tuple[Json | None, datetime | None]:
        """As :meth:`get`, with when the server answered by its own clock; None where it does not say."""
        served = await self._resolver.find(ref)
        if served is None:
            return None, None
        try:
            reply = await self._api.get(address(served, ref), raw=True)
        except ApiFault as fault:
            if fault.code != 404:
                raise
            if fault.reason == "NotFound" and f'"{ref.name}" not found' in fault.message:
                return None, None
            await self._must_be_unserved(ref, fault)
            return None, None
        if not _is(reply.data, ref):
            raise Unverified(f"{ref.label} was answered with something else, so nothing is known of it; look again")
        return reply.data, reply.date

    async def _must_be_unserved(self, ref: Ref, fault: ApiFault) -> None:
        catalog = await self._fresh()
        if catalog.find(ref) is None and catalog.gap(ref.group) is None:
            return
        raise Unverified(f"{ref.label} could not be read: its kind is served, yet the answer was {fault}") from fault

    async def allowed(self, questions: Sequence[Access]) -> Sequence[bool | None]:
        """One answer a question, in order; None where the review itself failed."""
        return await access.allowed(self._api, questions)

    async def whoami(self) -> str:
        """The user's name as the API server sees it, or empty where it would not say."""
        return await access.whoami(self._api)

    async def pod_log(self, pod: Ref, container: str = "", tail: int = 200, *, previous: bool = False) -> str:
        """The last ``tail`` lines of a container's log, cleaned and bounded. Raises ApiFault, Unreachable."""
        return await logs.pod_log(self._api, pod, container, tail, previous=previous)

    async def events_of(self, ref: Ref) -> tuple[logs.EventNote, ...]:
        """The events of one object, oldest first, bounded. Raises ApiFault, Unreachable."""
        return await logs.events_of(self._api, ref)

    def watch(self, kinds: Iterable[KindKey], *, namespace: str | None = None, since: Inventory | None = None) -> Feed:
        """A live feed of these kinds (see :class:`Feed`); of one namespace where one is given.

        Objects of ``since`` count as known already: only what differs from them is told first.
        """
        return Feed(self._api, self._resolver, kinds, namespace=namespace, since=since)

    async def _fresh(self) -> Catalog:
        return await self._resolver.catalog(than=self._resolver.known)


def _is(answer: object, ref: Ref) -> bool:
    """Whether an answer is the object that was asked for; one whose uid matters must say its own."""
    found = Ref.of(answer) if isinstance(answer, dict) else None
    return found is not None and found.key == ref.key and (ref.uid is None or found.uid is not None)
