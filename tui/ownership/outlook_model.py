"""What may become of an object, as plain frozen values: who acts, on what, when, and why not."""

from dataclasses import dataclass
from enum import StrEnum

from tui.ownership.acts.model import Consequence


class Event(StrEnum):
    """What might happen to the object."""

    DELETED = "deleted"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Prospect:
    """What one party does upon one event. ``acts`` is None where that could not be told.

    ``who``, ``what`` and ``when`` read as a sentence; ``why`` says what it rests on, or why nothing happens.
    """

    event: Event
    acts: bool | None
    who: str
    what: str
    when: str = ""
    why: str = ""

    @property
    def text(self) -> str:
        """One sentence: ``Kustomization flux-system/apps re-creates it within 6 min (...)``."""
        sentence = " ".join(part for part in (self.who, self.what, self.when) if part)
        sure = "could not tell: " if self.acts is None else ""
        return f"{sure}{sentence}: {self.why}" if self.why else f"{sure}{sentence}"


@dataclass(frozen=True, slots=True)
class Outlook:
    """What happens next to one object. ``live`` is false of what is missing; ``notes`` hold whatever comes on top.

    ``consequences`` are of its owners' acts: what each would do to it as it stands now.
    """

    live: bool
    prospects: tuple[Prospect, ...]
    notes: tuple[str, ...]
    consequences: tuple[Consequence, ...] = ()

    def of(self, event: Event) -> tuple[Prospect, ...]:
        """The prospects of one event."""
        return tuple(prospect for prospect in self.prospects if prospect.event is event)

    def acts(self, event: Event) -> bool | None:
        """Whether anybody acts upon the event; None where nobody surely does and somebody may."""
        answers = {prospect.acts for prospect in self.of(event)}
        return True if True in answers else None if None in answers else False

    @property
    def lines(self) -> tuple[str, ...]:
        """One text a prospect, saying which event it is about, one an owner's act, then the notes."""
        heads = {
            Event.DELETED: "if it is deleted" if self.live else "while it is missing",
            Event.CHANGED: "if it is changed",
        }
        shown = [p for p in self.prospects if self.live or p.event is Event.DELETED]
        acts = [each.text for each in self.consequences]
        if self.live and not acts:
            acts = ["if its manifest goes: nobody deletes it: no owner, no inventory and no recorded release lists it"]
        return tuple(dict.fromkeys([*(f"{heads[p.event]}: {p.text}" for p in shown), *acts, *self.notes]))
