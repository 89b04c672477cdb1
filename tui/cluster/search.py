"""Looks through everything of which an inventory keeps no body for the names of a few objects (rule S7).

Nothing of what is read is kept but where the names stand: these are whole ConfigMaps, Secrets and custom resources.
"""

import asyncio
from collections.abc import Iterable
from typing import Final

from tui.cluster.api import Api
from tui.cluster.bodies import UNLISTED, is_record, wants_body
from tui.cluster.inventory import CONCURRENT, gap_of
from tui.cluster.listing import Wanted, answers
from tui.collector import collector_paused
from tui.faults import Fault
from tui.objects import Gap, Json, Key, KindKey, Mention, Searched, Served
from tui.ownership.mentions import MENTIONABLE, Names, may_mention
from tui.ownership.references import Damaged, is_builtin

_MAY_BE_RECORDS: Final = (KindKey("", "Secret"), KindKey("", "ConfigMap"))


def to_search(kinds: Iterable[Served]) -> tuple[Served, ...]:
    """Of these kinds those that are to be read: what may mention an object, and is not in an inventory whole."""
    return tuple(
        served
        for served in kinds
        if may_mention(*served.kind_key) and not wants_body(served.kind_key) and served.kind_key not in UNLISTED
    )


async def search(api: Api, targets: Iterable[Key], kinds: Iterable[Served]) -> Searched:
    """Who names the targets, among all objects of these kinds. Raises nothing: what cannot be read becomes a gap."""
    names = Names(targets)
    limit = asyncio.Semaphore(CONCURRENT)

    async def one(served: Served) -> tuple[list[Mention], Gap | None]:
        async with limit:
            return await _in_kind(api, names, served)

    # Kubernetes' own kinds that have no body in an inventory name no Deployment.
    anywhere = any(KindKey(key.group, key.kind) in MENTIONABLE for key in names.targets)
    wanted = [kind for kind in to_search(kinds) if names.targets and (anywhere or not is_builtin(kind.group))]
    found = await asyncio.gather(*(one(served) for served in wanted))
    mentions = tuple(mention for own, _ in found for mention in own)
    return Searched(names.targets, mentions, tuple(gap for _, gap in found if gap is not None))


async def _in_kind(api: Api, names: Names, served: Served) -> tuple[list[Mention], Gap | None]:
    found: list[Mention] = []
    try:
        async for answer in answers(api, Wanted(served, whole=True)):
            if answer.restarted:
                found.clear()
            with collector_paused():
                found += [mention for item in answer.items for mention in _in_item(names, item, served)]
    except (Fault, Damaged) as fault:
        return found, gap_of(served.kind_key, fault)
    return found, None


def _in_item(names: Names, item: Json, served: Served) -> list[Mention]:
    if served.kind_key in _MAY_BE_RECORDS and is_record(item):
        return []
    body: Json = {**item, "apiVersion": served.api_version, "kind": served.kind}
    return list(names.of(body))
