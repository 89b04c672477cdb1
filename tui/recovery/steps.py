"""The requests of one confirmed entry, in order: each announced in the journal before it leaves, answered after."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final, Protocol

from tui.faults import ApiFault, Fault
from tui.objects import Json, Live, Ref
from tui.ownership.evidence import stamp_managers
from tui.ownership.model import FamilyView
from tui.recovery import requests
from tui.recovery.gate import Admitted, Look, Refusal, admit_follow_up, admit_recreation
from tui.recovery.plan import Action, Entry
from tui.recovery.ports import Answer, Reader, Request

WAIT_SECONDS: Final = 60.0
"""How long a change is waited for before the session says that it is still under way."""

POLL_SECONDS: Final = 0.25
"""Between two looks at an object that is to vanish or to be Established."""

FOLLOW_UP_TRIES: Final = 8
"""How often the second request of an entry is tried while controllers keep writing to the object."""

_SERVERS_OWN: Final = ("uid", "resourceVersion", "creationTimestamp", "generation", "managedFields", "selfLink")


class Writer(Protocol):
    """The one writer. It takes nothing but what the gate admitted."""

    async def send(self, admitted: Admitted) -> Answer:
        """Sends one request. Raises ApiFault for a refusal of the server, Unreachable where the outcome is unknown."""
        ...


class Record(Protocol):
    """The journal as a session uses it: every entry is on disk before the call returns."""

    def append(self, kind: str, **fields: Any) -> object:
        """Writes one entry."""
        ...

    def backup(self, ref: Ref, body: Json) -> object:
        """Writes the whole object and returns the path of the copy."""
        ...

    def close(self) -> None:
        """Lets go of the files."""
        ...


class Steps:
    """Carries out one entry whose first request the gate has admitted on ``look``. Raises Fault where it ends badly."""

    def __init__(
        self,
        entry: Entry,
        look: Look,
        view: FamilyView,
        reader: Reader,
        writer: Writer,
        journal: Record,
        pause: Callable[[float], Awaitable[None]],
    ) -> None:
        self._entry = entry
        self._look = look
        self._view = view
        self._reader = reader
        self._writer = writer
        self._journal = journal
        self._pause = pause
        self._manager = requests.release_manager(view, look.assessment.inventory)
        self._count = 0

    async def run(self, admitted: Admitted) -> str:
        """Does the entry and says so in a sentence."""
        entry = self._entry
        if self._look.body is not None:
            copy = await asyncio.to_thread(self._journal.backup, entry.ref, self._look.body)
            await self._note("saved", backup=str(copy))
        await self._send(admitted)
        if entry.action is Action.DELETE:
            await self._gone()
            return f"{entry.ref.label} is deleted"
        if entry.action is Action.RECREATE:
            await self._gone()
            await self._create_again()
        await self._own()
        if entry.ref.kind == "CustomResourceDefinition":
            await self._until("Established", _established)
        done = {Action.ADOPT: "now belongs to", Action.RECREATE: "is re-created for", Action.CREATE: "is created for"}
        return f"{entry.ref.label} {done[entry.action]} {entry.release}"

    async def _send(self, admitted: Admitted | Refusal) -> Answer:
        if isinstance(admitted, Refusal):
            raise Fault(admitted.why)
        self._count += 1
        request, ref = admitted.request, admitted.request.ref
        await self._note(
            "sending",
            step=self._count,
            action=self._entry.action.value,
            method=request.method.value,
            ref=ref.to_json(),
            resource_version=self._entry.resource_version,
            manager=request.manager,
        )
        try:
            answer = await self._writer.send(admitted)
        except ApiFault as fault:
            message = "" if ref.kind == "Secret" else fault.message
            await self._note("answered", step=self._count, code=fault.code, reason=fault.reason, message=message)
            raise
        meta = answer.body.get("metadata") or {}
        version = meta.get("resourceVersion")
        await self._note("answered", step=self._count, code=answer.code, uid=meta.get("uid"), resource_version=version)
        return answer

    async def _note(self, kind: str, **fields: Any) -> None:
        """One journal entry about this entry; fsync takes a disk's time, so it is waited for off the loop."""
        await asyncio.to_thread(self._journal.append, kind, entry=self._entry.id, **fields)

    async def _create_again(self) -> None:
        """The create half of a recreation. If it fails, what was deleted is restored at once."""
        entry = self._entry
        body = requests.replayed(entry, self._view.family.namespace)
        try:
            await self._create(body)
        except ApiFault as fault:
            await self._create(restorable(self._look.body or {}))
            raise Fault(f"{fault.message}; {entry.ref.label} was restored as it was") from fault

    async def _create(self, body: Json) -> None:
        request = requests.create(self._entry, body, self._manager, dry_run=False)
        await self._send(admit_recreation(self._entry, await self._reader.get(self._entry.ref), request))

    async def _own(self) -> None:
        """The second request: the release's own manager holds, by its apply method, what was just written.

        A controller may write its status between the look and the request; the server then refuses it, and it is
        tried again on what is there now.
        """
        uid = ""
        for attempt in range(1, FOLLOW_UP_TRIES + 1):
            live = await self._reader.get(self._entry.ref)
            if live is None:
                raise Fault(f"{self._entry.ref.label} vanished right after it was written")
            uid = uid or Live.of(live).ref.uid or ""
            request = self._hand_over(live)
            if request is None:
                return
            try:
                await self._send(admit_follow_up(self._entry, uid, live, request))
            except ApiFault as fault:
                if fault.reason != "Conflict" or attempt == FOLLOW_UP_TRIES:
                    raise
            else:
                return

    def _hand_over(self, live: Json) -> Request | None:
        active = self._view.active
        ssa = active is not None and active.apply_method == "ssa"
        former = stamp_managers(Live.of(self._look.body)) if self._look.body is not None and ssa else ()
        return requests.hand_over(self._entry, live, self._manager, "Apply" if ssa else "Update", former, dry_run=False)

    async def _gone(self) -> None:
        """Waits for 404 or another uid: an answer of 200 is no proof of removal."""
        uid = self._entry.ref.uid
        await self._until("gone", lambda body: body is None or Live.of(body).ref.uid != uid)

    async def _until(self, what: str, holds: Callable[[Json | None], bool]) -> None:
        waited, ref = 0.0, self._entry.ref
        while not holds(await self._reader.get(ref)):
            if waited >= WAIT_SECONDS:
                raise Fault(f"{ref.label} is not {what} after {WAIT_SECONDS:.0f} s; kubectl get {ref.kubectl}")
            await self._pause(POLL_SECONDS)
            waited += POLL_SECONDS


def _established(body: Json | None) -> bool:
    conditions = ((body or {}).get("status") or {}).get("conditions") or []
    return any(c.get("type") == "Established" and c.get("status") == "True" for c in conditions)


def restorable(body: Json) -> Json:
    """An object as it may be created again: without its status and what only the server may say."""
    meta = {name: value for name, value in (body.get("metadata") or {}).items() if name not in _SERVERS_OWN}
    return {**{name: value for name, value in body.items() if name != "status"}, "metadata": meta}
