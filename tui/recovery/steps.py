"""The requests of one confirmed entry, in order: each announced in the journal before it leaves, answered after."""

import asyncio
from collections.abc import Callable
from typing import Any, Final, Protocol

from tui.faults import ApiFault, Fault, OutcomeUnknown, Unverified
from tui.objects import Json, Live, Ref
from tui.ownership.evidence import stamp_managers
from tui.ownership.liveness import REQUESTED_AT
from tui.ownership.model import FamilyView
from tui.recovery import chain, mend_finalizers, mend_flux, requests, undo
from tui.recovery.backup import Saved
from tui.recovery.chain import JournalFault
from tui.recovery.gate import Admitted, Look, Refusal, admit_follow_up, admit_recreation, made_by
from tui.recovery.masking import hushed
from tui.recovery.plan import Action, Entry
from tui.recovery.ports import Answer, Method, Reader, Request
from tui.recovery.progress import ActionProgress
from tui.recovery.undo import restorable
from tui.recovery.waits import Aim, Waiter, comes_alive, waits_for

FOLLOW_UP_TRIES: Final = 8
"""How often the second request of an entry is tried while controllers keep writing to the object."""

NOBODY: Final = requests.Keeper("", "")
"""Of an object that no release keeps."""

OWNED: Final = frozenset({Action.ADOPT, Action.RECREATE, Action.CREATE, Action.REPAIR, Action.RESTORE})
"""Actions after which the release's own manager has to hold what was written."""

DONE: Final = {
    Action.ADOPT: "now belongs to {release}",
    Action.RECREATE: "is re-created for {release}",
    Action.CREATE: "is created for {release}",
    Action.REPAIR: "is set back to what {release} says",
    Action.RECONCILE: "is asked to reconcile",
    Action.RESUME: "is resumed",
    Action.UNFINALIZE: "no longer has the finalizer {finalizer}",
    Action.RESTORE: "is restored",
}
"""What was done, as the end of a sentence that begins with the object."""


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
    ``settled`` is what was done, in a sentence, once all of its requests are answered and only waiting is left.
    """

    def __init__(
        self,
        entry: Entry,
        look: Look,
        view: FamilyView | None,
        reader: Reader,
        writer: Writer,
        journal: Record,
        waiter: Waiter,
    ) -> None:
        self.announced = 0
        self.accepted = 0
        self.copy = ""
        self.settled = ""
        self.left: Json | None = None
        self._entry = entry
        self._look = look
        self._view = view
        self._reader = reader
        self._writer = writer
        self._journal = journal
        self._waiter = waiter
        inventory = look.assessment.inventory
        self._keeper = requests.keeper_of(view, inventory, look.body) if view is not None else NOBODY
        if entry.action is Action.RESTORE:
            self._keeper = requests.Keeper(undo.former_manager(entry), "Update")
        self._space = view.family.namespace if view is not None else ""

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
        if entry.action is Action.RECREATE or undo.swaps(entry):
            await self._gone()
            uid = await self._create_again()
        return await self.finish(uid)

    async def finish(self, uid: str) -> str:
        """What follows the last change of the object of this uid: who holds its fields, and what it waits for."""
        entry = self._entry
        if entry.action is Action.RESTORE or (entry.action in OWNED and self._view is not None):
            await self._own(uid)
        if entry.action is Action.UNFINALIZE:
            await self._until(f"free of {entry.finalizer}", self._freed)
        self.settled = (
            f"{entry.ref.label} {DONE[entry.action].format(release=entry.release, finalizer=entry.finalizer)}"
        )
        if entry.action is Action.RECONCILE:
            return await self._handled()
        aim = comes_alive(entry)
        if aim is None:
            return self.settled
        ended = await self._waiter.until(aim)
        return self.settled if ended.holds else f"{self.settled}, not yet {aim.what}: {ended.why}"

    def _freed(self, body: Json | None) -> bool:
        live = Live.of(body) if body is not None else None
        return (
            live is None or live.ref.uid != self._entry.ref.uid or mend_finalizers.free_of(live, self._entry.finalizer)
        )

    async def _handled(self) -> str:
        """Waits until its controller has answered the request; what it says then."""
        meta = (self.left or {}).get("metadata") or {}
        token, said = str((meta.get("annotations") or {}).get(REQUESTED_AT) or ""), ""

        def answered(body: Json | None) -> bool:
            nonlocal said
            said = mend_flux.says(body)
            return mend_flux.handled(body, token)

        ended = await self._waiter.until(Aim(self._entry.ref, "reconciled", answered, mend_flux.says))
        if ended.late:
            raise Fault(f"{self.settled}, and nobody has answered: {ended.why}; see whether its controller runs")
        return f"{self.settled}: {said or ended.why or 'it says nothing of it'}"

    async def _first(self, admitted: Admitted) -> str:
        """The entry's own request; the uid of the object that it left."""
        try:
            answer = await self._send(admitted)
        except ApiFault as fault:
            if self._entry.action not in (Action.CREATE, Action.RESTORE) or fault.reason != "AlreadyExists":
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
            saved = entry.saved is not None
            return await self._create(restorable(entry.saved or {}) if saved else requests.replayed(entry, self._space))
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
        now = await self._reader.get(self._entry.ref)
        answer = await self._send(admit_recreation(self._entry, now, request, self._space, self._look.body))
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
            await self._send(admit_follow_up(self._entry, uid, live, request, self._look.body))
        except ApiFault as fault:
            if fault.reason != "Conflict":
                raise
            return False
        return True

    def _hand_over(self, live: Json) -> Request | None:
        if self._entry.action is Action.RESTORE:
            return undo.hand_back(self._entry, live)
        held = self._look.body if self._keeper.operation == "Apply" else None
        former = stamp_managers(Live.of(held)) if held is not None else ()
        return requests.hand_over(self._entry, live, self._keeper, former, dry_run=False)

    async def _gone(self) -> None:
        """Waits for 404 or another uid: an answer of 200 is no proof of removal."""
        uid = self._entry.ref.uid
        await self._until("gone", lambda body: body is None or Live.of(body).ref.uid != uid, waits_for)

    async def _until(
        self, what: str, holds: Callable[[Json | None], bool], near: Callable[[Json | None], str] = lambda _: ""
    ) -> None:
        """Waits for the effect of a request that was accepted. What cannot be seen is not known to have failed."""
        ended = await self._waiter.until(Aim(self._entry.ref, what, holds, near))
        if not ended.holds:
            raise OutcomeUnknown(ended.why)


def _uid_of(body: Json) -> str:
    return str((body.get("metadata") or {}).get("uid") or "")


def _version_of(request: Request) -> str:
    """The resourceVersion that a request insists on; empty for a create."""
    if isinstance(request.body, list):
        return str(next((s.get("value") for s in request.body if s.get("path") == "/metadata/resourceVersion"), ""))
    pinned = request.body.get("preconditions") or request.body.get("metadata") or {}
    return str(pinned.get("resourceVersion") or "")
