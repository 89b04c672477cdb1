"""Objects in the command palette: going to one, never doing anything to it."""

import asyncio
from functools import partial

from textual.command import Hit, Hits, Provider

from screens.ownership_rows import Wanted, keeps
from screens.room import Room, Visit
from screens.words import STATES
from tui.ownership.model import Assessment, Attribution
from tui.widgets.spans import line, muted
from tui.widgets.text import content

MOST = 30
"""Objects offered at once; more words find fewer."""


def find(assessment: Assessment, text: str) -> list[Attribution]:
    """The first objects whose kind, name, owner or release have all these words, the shortest names first."""
    wanted = Wanted(text)
    found = [one for one in assessment.attributions.values() if wanted.narrowed and keeps(one, wanted)]
    return sorted(found, key=lambda one: (len(one.ref.name), one.ref.key))[:MOST]


class Objects(Provider):
    """Finds objects by words; choosing one opens the ownership tree at it."""

    async def search(self, query: str) -> Hits:
        """Searches all objects off the key path."""
        room = self.screen
        assessment = room.desk.view.assessment if isinstance(room, Room) else None
        if assessment is None:
            return
        found = await asyncio.to_thread(find, assessment, query)
        for place, one in enumerate(found):
            shown = content([line(one.ref.label, muted(f"  {STATES[one.state][0]}"))])
            go = partial(self.app.post_message, Visit("ownership", one.ref))
            yield Hit(1 - place / (2 * MOST), shown, go, text=one.ref.label)
