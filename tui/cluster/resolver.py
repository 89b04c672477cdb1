"""From references to URLs: the discovery of one connection, kept and asked anew where it may be old."""

import asyncio

from tui.cluster.api import Api
from tui.cluster.discovery import Catalog, discover
from tui.faults import Unverified
from tui.objects import Ref, Served


class Resolver:
    """Knows which URL a reference has, by discovery, asked anew once where a kind is not found."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._catalog: Catalog | None = None
        self._lock = asyncio.Lock()

    @property
    def known(self) -> Catalog | None:
        """What was found served when last asked; None before the first time."""
        return self._catalog

    async def catalog(self, *, than: Catalog | None = None) -> Catalog:
        """What is served; with ``than`` asked anew, unless somebody else did so since ``than`` was read."""
        async with self._lock:
            if self._catalog is None or self._catalog is than:
                self._catalog = await discover(self._api)
            return self._catalog

    async def find(self, ref: Ref) -> Served | None:
        """The resource of a reference, or None where its kind is not served. Raises Unverified where nobody knows."""
        catalog = await self.catalog()
        served = catalog.find(ref)
        if served is None:
            catalog = await self.catalog(than=catalog)
            served = catalog.find(ref)
        if served is None and (gap := catalog.gap(ref.group)):
            raise Unverified(f"{ref.label} could not be looked up: {gap.reason}")
        return served
