"""Waiting for what a change leads to: with progress, a deadline, patience with a restarting server, and a way out."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from tui.faults import ApiFault, Fault, Unverified
from tui.objects import Json, Live, Ref
from tui.ownership.conditions import conditions_of, integer, mapping, words
from tui.recovery.plan import Action, Entry
from tui.recovery.ports import Reader
from tui.text import clean

WAIT_SECONDS: Final = 60.0
"""How long a change is waited for before the session says that it is still under way."""

POLL_SECONDS: Final = 0.25
"""Between two looks at what is waited for."""

BUSY_SECONDS: Final = 2.0
"""Between two looks at whether an owner is still at work: each reads all that the rules rest on."""

PASSING: Final = frozenset({408, 429, 500, 502, 503, 504})
"""Answers of an API server that restarts or is overloaded: it may answer the next time."""

MAKES: Final = frozenset({Action.CREATE, Action.RECREATE, Action.RESTORE, Action.REPAIR})
"""Actions after which an object has to come to life."""

Holds = Callable[[Json | None], bool]


class Ended(NamedTuple):
    """How a wait ended. ``why`` says why it ended without what was waited for; ``late``: its deadline had passed."""

    holds: bool
    why: str = ""
    late: bool = False


@dataclass(frozen=True, slots=True)
class Aim:
    """What is waited for: the object, the word for the state, when it holds, and how near it is, in words."""

    ref: Ref
    what: str
    holds: Holds
    near: Callable[[Json | None], str] = lambda _: ""


class Waiter:
    """Waits, one thing at a time. ``progress`` is told what is waited for; :meth:`give_up` ends a wait at once."""

    def __init__(
        self,
        reader: Reader,
        pause: Callable[[float], Awaitable[None]],
        clock: Callable[[], datetime],
        progress: Callable[[str], None],
    ) -> None:
        self._reader = reader
        self._pause = pause
        self._clock = clock
        self._progress = progress
        self._stopped = asyncio.Event()

    def give_up(self) -> None:
        """The way out: what is waited for now is waited for no longer, and nothing is after it."""
        self._stopped.set()

    async def until(self, aim: Aim) -> Ended:
        """Looks until it holds, the deadline passes or somebody gives up. Raises nothing of the cluster's.

        A look that fails is no answer: it is repeated until the deadline, unless the server refuses it for good.
        """
        waited, began, label = 0.0, self._clock(), aim.ref.label
        while True:
            body, unseen, final = await self._look(aim.ref)
            if not unseen and aim.holds(body):
                return Ended(True)
            blind = f"whether {label} is {aim.what} could not be seen: {unseen}"
            waited = max(waited, (self._clock() - began).total_seconds())
            if final or (unseen and waited >= WAIT_SECONDS):
                return Ended(False, blind, late=True)
            near = unseen or aim.near(body)
            tail = f" ({near})" if near else ""
            if waited >= WAIT_SECONDS:
                look = f"look with kubectl get {aim.ref.kubectl}"
                return Ended(False, f"{label} is not {aim.what} after {WAIT_SECONDS:.0f} s{tail}; {look}", late=True)
            if self._stopped.is_set():
                return Ended(False, f"{label} was not waited for any longer: it is not {aim.what} yet{tail}")
            self._progress(f"waiting for {label} to be {aim.what}{tail}: {waited:.0f} of {WAIT_SECONDS:.0f} s")
            await self.rest(POLL_SECONDS)
            waited += POLL_SECONDS

    async def _look(self, ref: Ref) -> tuple[Json | None, str, bool]:
        """The object, why it could not be seen, and whether asking again is of no use."""
        try:
            return await self._reader.get(ref), "", False
        except Unverified as fault:
            return None, str(fault), False
        except ApiFault as fault:
            return None, str(fault), fault.code not in PASSING
        except Fault as fault:
            return None, str(fault), True

    async def rest(self, seconds: float) -> bool:
        """A pause that ends early where somebody gives up; whether nobody did."""
        resting = asyncio.ensure_future(self._pause(seconds))
        stopped = asyncio.ensure_future(self._stopped.wait())
        try:
            await asyncio.wait({resting, stopped}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            resting.cancel()
            stopped.cancel()
        return not self._stopped.is_set()


def waits_for(body: Json | None) -> str:
    """What keeps an object that is being deleted, and how it is freed; empty where nothing does."""
    live = Live.of(body) if body is not None else None
    if live is None or not live.deleting or not live.finalizers:
        return ""
    names = clean(", ".join(live.finalizers), 400)
    return f"being deleted, it waits for {names}: their controllers answer, or refloat plan mend frees it of dead ones"


def comes_alive(entry: Entry) -> Aim | None:
    """What an entry's object has to become once it is made; None where it just is."""
    ref = entry.ref
    if entry.action not in MAKES:
        return None
    if ref.kind == "CustomResourceDefinition":
        return Aim(ref, "Established", established)
    if ref.kind_key == ("", "Namespace"):
        return Aim(ref, "Active", lambda body: mapping(mapping(body).get("status")).get("phase") == "Active")
    if ref.kind_key == ("apps", "Deployment"):
        return Aim(ref, "available", available, _replicas)
    return None


def established(body: Json | None) -> bool:
    """Whether a CRD's kind is served."""
    return body is not None and _true(body, "Established")


def available(body: Json | None) -> bool:
    """Whether a Deployment runs what it says now; one that is to run nothing, or is paused, does."""
    if body is None:
        return False
    spec, status = mapping(body.get("spec")), mapping(body.get("status"))
    wanted = integer(spec.get("replicas"))
    if wanted == 0 or spec.get("paused") is True:
        return True
    seen = integer(status.get("observedGeneration")) or 0
    generation = integer(mapping(body.get("metadata")).get("generation")) or 0
    updated = integer(status.get("updatedReplicas")) or 0
    return seen >= generation and updated >= (1 if wanted is None else wanted) and _true(body, "Available")


def _true(body: Json, kind: str) -> bool:
    condition = conditions_of(Live.of(body)).get(kind)
    return condition is not None and condition.status == "True"


def _replicas(body: Json | None) -> str:
    if body is None:
        return ""
    spec, status = mapping(body.get("spec")), mapping(body.get("status"))
    ready, wanted = integer(status.get("availableReplicas")) or 0, integer(spec.get("replicas"))
    failing = conditions_of(Live.of(body)).get("ReplicaFailure")
    why = f", {words(failing.message)}" if failing is not None and failing.status == "True" else ""
    return f"{ready} of {1 if wanted is None else wanted} replicas{why}"
