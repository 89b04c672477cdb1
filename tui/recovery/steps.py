"""The requests of one confirmed entry, in order: each announced in the journal before it leaves, answered after."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final, Protocol

from tui.faults import ApiFault, Fault, OutcomeUnknown, Unverified
from tui.objects import Json, Live, Ref
from tui.ownership.evidence import stamp_managers
from tui.ownership.model import FamilyView
from tui.recovery import chain, requests
from tui.recovery.backup import Saved
from tui.recovery.chain import JournalFault
from tui.recovery.gate import Admitted, Look, Refusal, admit_follow_up, admit_recreation, made_by
from tui.recovery.masking import hushed
from tui.recovery.plan import Action, Entry
from tui.recovery.ports import Answer, Method, Reader, Request
from tui.recovery.progress import ActionProgress

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

    def backup(self, ref: Ref, body: Json) -> Saved:
        """Writes the whole object and says where the copy is."""
        ...

    @property
    def entries(self) -> tuple[chain.Entry, ...]:
        """Every entry so far, oldest first; those of an earlier process too."""
        ...

    def recall(self, name: str) -> Json:
        """The object that an entry ``saved`` named. Raises JournalFault where the copy was cut, changed or lost."""
        ...

    def close(self) -> None:
        """Lets go of the files."""
        ...


class Steps:
    """Carries out one entry whose first request the gate has admitted on ``look``. Raises Fault where it ends badly.

    ``announced`` counts the requests that may have reached the server, ``accepted`` those it answered with success;
    ``copy`` is where the object was saved, empty where there was none; ``left`` is the object as it was left, None
    where it left. Of an entry that an earlier process began, ``look`` has the object as that process saved it.
    """

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
        self.announced = 0
        self.accepted = 0
        self.copy = ""
        self.left: Json | None = None
        self._entry = entry
        self._look = look
        self._view = view
        self._reader = reader
        self._writer = writer
        self._journal = journal
        self._pause = pause
        self._keeper = requests.keeper_of(view, look.assessment.inventory, look.body)

    async def run(self, admitted: Admitted) -> str:
        """Does the entry and says so in a sentence."""
        entry = self._entry
        if self._look.body is not None:
            saved = await asyncio.to_thread(self._journal.backup, entry.ref, self._look.body)
            self.copy = saved.path
            await self._note("saved", backup=saved.path, sha256=saved.sha256)
        return await self.go_on(await self._first(admitted))

    async def resume(self, begun: ActionProgress, uid: str | None) -> str:
        """Does what an entry that another process began still lacks; says so in a sentence.

        ``uid`` is that of the object as that process wrote it, None where its removal was the last that was done.
        """
        self.announced = self.accepted = begun.step
        self.copy = begun.backup
        if uid is not None:
            return await self.finish(uid)
        if self._entry.action is Action.RECREATE and self._entry.document is None:
            await self._gone()
            await self._create(restorable(self._look.body or {}))
            raise Fault(f"its document is not in force any more; {self._entry.ref.label} was restored as it was")
        return await self.go_on("")

    async def go_on(self, uid: str) -> str:
        """What follows the first request of an entry, which left the object of this uid, or removed it."""
        entry = self._entry
        if entry.action is Action.DELETE:
            await self._gone()
            return f"{entry.ref.label} is deleted"
        if entry.action is Action.RETIRE:
            await self._gone()
            return f"{entry.ref.label} is retired"
        if entry.action is Action.RECREATE:
            await self._gone()
            uid = await self._create_again()
        return await self.finish(uid)

    async def finish(self, uid: str) -> str:
        """What follows the last change of the object of this uid: who holds its fields, and what it waits for."""
        entry = self._entry
        await self._own(uid)
        if entry.ref.kind == "CustomResourceDefinition":
            await self._until("Established", _established)
        done = {Action.ADOPT: "now belongs to", Action.RECREATE: "is re-created for", Action.CREATE: "is created for"}
        return f"{entry.ref.label} {done[entry.action]} {entry.release}"

    async def _first(self, admitted: Admitted) -> str:
        """The entry's own request; the uid of the object that it left."""
        try:
            answer = await self._send(admitted)
        except ApiFault as fault:
            if self._entry.action is not Action.CREATE or fault.reason != "AlreadyExists":
                raise
            raise Fault(await self._who_made_it()) from fault
        return _uid_of(answer.body)

    async def _who_made_it(self) -> str:
        label = self._entry.ref.label
        try:
            body = await self._reader.get(self._entry.ref)
        except Fault as fault:
            return f"{label} was made by somebody else meanwhile, nothing was changed; who it was is not known: {fault}"
        who = made_by(body) if body is not None else "somebody who has deleted it again"
        return f"{label} was made meanwhile by {who}: nothing was created over it"

    async def _send(self, admitted: Admitted | Refusal) -> Answer:
        if isinstance(admitted, Refusal):
            raise Fault(admitted.why)
        request, ref, step = admitted.request, admitted.request.ref, self.announced + 1
        await self._note(
            "sending",
            step=step,
            action=self._entry.action.value,
            method=request.method.value,
            ref=ref.to_json(),
            resource_version=_version_of(request),
            manager=request.manager,
        )
        self.announced = step
        try:
            answer = await self._writer.send(admitted)
        except ApiFault as fault:
            told = hushed(fault, ref)
            await self._note("answered", step=step, code=fault.code, reason=fault.reason, message=str(told))
            raise told from None
        except Fault as fault:
            raise hushed(fault, ref) from None
        self.accepted = step
        self.left = answer.body if request.method is not Method.DELETE else None
        meta = answer.body.get("metadata") or {}
        version = meta.get("resourceVersion")
        await self._note("answered", step=step, code=answer.code, uid=meta.get("uid"), resource_version=version)
        return answer

    async def _note(self, kind: str, **fields: Any) -> None:
        """One journal entry about this entry; fsync takes a disk's time, so it is waited for off the loop."""
        await asyncio.to_thread(self._journal.append, kind, entry=self._entry.id, **fields)

    async def _create_again(self) -> str:
        """The create half of a recreation; the new uid. If the server refuses it, what was deleted is restored."""
        entry = self._entry
        try:
            return await self._create(requests.replayed(entry, self._view.family.namespace))
        except (JournalFault, OutcomeUnknown):
            raise
        except (ApiFault, Unverified) as fault:
            try:
                await self._create(restorable(self._look.body or {}))
            except JournalFault:
                raise
            except Fault as second:
                raise Fault(f"{fault}; {entry.ref.label} is gone and could not be restored: {second}") from second
            raise Fault(f"{fault}; {entry.ref.label} was restored as it was") from fault

    async def _create(self, body: Json) -> str:
        request = requests.create(self._entry, body, self._keeper.manager, dry_run=False)
        answer = await self._send(admit_recreation(self._entry, await self._reader.get(self._entry.ref), request))
        return _uid_of(answer.body)

    async def _own(self, uid: str) -> None:
        """The second request: the release's own manager holds, by its apply method, what was just written."""
        try:
            await self._hand_over_all(uid)
        except (JournalFault, OutcomeUnknown):
            raise
        except Fault as fault:
            raise Fault(
                f"{self._entry.ref.label} was written, but its fields were not handed over to {self._keeper.manager}: "
                f"{fault}; plan again to adopt it"
            ) from fault

    async def _hand_over_all(self, uid: str) -> None:
        """A controller may write its status between the look and the request; the server then refuses the request,
        and it is tried again on what is there now."""
        for _ in range(FOLLOW_UP_TRIES):
            live = await self._reader.get(self._entry.ref)
            if live is None:
                raise Fault("it vanished right after it was written")
            self.left = live
            request = self._hand_over(live)
            if request is None or await self._handed_over(uid, live, request):
                return
        raise Fault(f"{FOLLOW_UP_TRIES} times somebody wrote to it in between")

    async def _handed_over(self, uid: str, live: Json, request: Request) -> bool:
        """Sends the second request; False where the object has been written to since it was read."""
        try:
            await self._send(admit_follow_up(self._entry, uid, live, request))
        except ApiFault as fault:
            if fault.reason != "Conflict":
                raise
            return False
        return True

    def _hand_over(self, live: Json) -> Request | None:
        held = self._look.body if self._keeper.operation == "Apply" else None
        former = stamp_managers(Live.of(held)) if held is not None else ()
        return requests.hand_over(self._entry, live, self._keeper, former, dry_run=False)

    async def _gone(self) -> None:
        """Waits for 404 or another uid: an answer of 200 is no proof of removal."""
        uid = self._entry.ref.uid
        await self._until("gone", lambda body: body is None or Live.of(body).ref.uid != uid)

    async def _until(self, what: str, holds: Callable[[Json | None], bool]) -> None:
        """Waits for the effect of a request that was accepted. What cannot be seen is not known to have failed."""
        waited, ref = 0.0, self._entry.ref
        while not holds(await self._seen(what)):
            if waited >= WAIT_SECONDS:
                raise OutcomeUnknown(
                    f"{ref.label} is not {what} after {WAIT_SECONDS:.0f} s; look with kubectl get {ref.kubectl}"
                )
            await self._pause(POLL_SECONDS)
            waited += POLL_SECONDS

    async def _seen(self, what: str) -> Json | None:
        try:
            return await self._reader.get(self._entry.ref)
        except Fault as fault:
            raise OutcomeUnknown(f"whether {self._entry.ref.label} is {what} could not be seen: {fault}") from fault


def _uid_of(body: Json) -> str:
    return str((body.get("metadata") or {}).get("uid") or "")


def _version_of(request: Request) -> str:
    """The resourceVersion that a request insists on; empty for a create."""
    if isinstance(request.body, list):
        return str(next((s.get("value") for s in request.body if s.get("path") == "/metadata/resourceVersion"), ""))
    pinned = request.body.get("preconditions") or request.body.get("metadata") or {}
    return str(pinned.get("resourceVersion") or "")


def _established(body: Json | None) -> bool:
    conditions = ((body or {}).get("status") or {}).get("conditions") or []
    return any(c.get("type") == "Established" and c.get("status") == "True" for c in conditions)


def restorable(body: Json) -> Json:
    """An object as it may be created again: without its status and what only the server may say."""
    meta = {name: value for name, value in (body.get("metadata") or {}).items() if name not in _SERVERS_OWN}
    return {**{name: value for name, value in body.items() if name != "status"}, "metadata": meta}
