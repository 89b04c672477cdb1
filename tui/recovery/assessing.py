"""One assessment of a reading, for session and commands alike: judged, searched for who names what, judged again."""

import asyncio
from datetime import datetime

from tui.contract.model import Contract
from tui.objects import Inventory
from tui.ownership.assess import assess
from tui.ownership.model import Assessment, Wish
from tui.recovery.ports import Reader


async def assess_searched(
    reader: Reader, contract: Contract, inventory: Inventory, moment: datetime, wish: Wish | None = None
) -> Assessment:
    """All that can be said of an inventory at a moment, with an offset. Raises nothing.

    Where only a search for an object's name can free it (rule S7), everything is searched, and the inventory of the
    answer says so. Judging is pure work of up to a second: it is done off the loop, so that a screen stays alive.
    """
    found = await _judged(contract, inventory, moment, wish)
    while found.unsearched:
        inventory = await reader.search(found.inventory, found.unsearched)
        found = await _judged(contract, inventory, moment, wish)
    return found


async def _judged(contract: Contract, inventory: Inventory, moment: datetime, wish: Wish | None) -> Assessment:
    return await asyncio.to_thread(assess, contract, inventory, today=moment.date(), wish=wish, now=moment)
