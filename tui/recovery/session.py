"""A recovery session: preflight, cleanup, replay, verify, one confirmed resource at a time.

It knows no screen, no HTTP and no disk of its own: the reader, the writer and the journal are handed in.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from tui.contract.model import Contract
from tui.faults import Exit, Fault, OutcomeUnknown
from tui.objects import Inventory, Json, KindKey, Live, Ref
from tui.ownership.model import Assessment, Wish
from tui.recovery import access, mend, question, resume, retire, told, undo
from tui.recovery.access import Rights
from tui.recovery.assessing import assess_searched
from tui.recovery.chain import JournalFault
from tui.recovery.expected import Tried, try_expected
from tui.recovery.gate import (
    DEPLOYMENT,
    Look,
    fingerprint,
    judge,
    kinds_to_reread,
    may_be_named,
    pins_of,
)
from tui.recovery.health import Health, check_health
from tui.recovery.last_look import LastLook, view_of
from tui.recovery.losses.table import Losses
from tui.recovery.masking import visible
from tui.recovery.outcome import Outcome, Status, failed, interrupted
from tui.recovery.plan import Action, Entry, Plan, PlanKind
from tui.recovery.planner import plan as make_plan
from tui.recovery.ports import Herald, Hold, Identity, Progress, Reader
from tui.recovery.progress import ActionProgress
from tui.recovery.question import Question, Trial
from tui.recovery.rehearse import Company, look_at_all
from tui.recovery.steps import Record, Steps, Writer
from tui.recovery.trial import try_out
from tui.recovery.undo import Past, recalled
from tui.recovery.waits import BUSY_SECONDS, WAIT_SECONDS, Waiter
from tui.recovery.wishfile import wish_json
from tui.text import clean


@dataclass(frozen=True, slots=True)
class Tools:
    """What a session works with, handed in by whoever composes the program; ``clock`` gives an offset too."""

    reader: Reader
    writer: Writer
    journal: Record
    clock: Callable[[], datetime]
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep
    hold: Hold | None = None
    herald: Herald | None = None


class Session:
    """One operator's recovery of one cluster. Open it only after the context's name was typed.

    On the journal of an earlier process that did not end it, it knows what that one did; :meth:`take_up` goes on.

    ``before`` is the assessment it began with, ``assessment`` the newest, ``health`` the newest health check; each is
    None until it was made. ``untold`` says why a change could not be recorded as an Event; empty where all were.
    ``hold`` is the claim to be the only one that acts: who has it, and the ways to take it over or do without.
    ``progress`` is told, in a line, what is being waited for; :meth:`give_up_waiting` is the way out of that.
    """

    def __init__(self, contract: Contract, identity: Identity, tools: Tools, wish: Wish | None = None) -> None:
        self.contract = contract
        self.identity = identity
        self.wish = wish or told.wish_of(tools.journal.entries)
        self.outcomes: list[Outcome] = list(told.outcomes(tools.journal.entries))
        self.before: Assessment | None = None
        self.assessment: Assessment | None = None
        self.health: Health | None = None
        self.untold = ""
        self._reader = tools.reader
        self._writer = tools.writer
        self._journal = tools.journal
        self._clock = tools.clock
        self._pause = tools.pause
        self.hold = tools.hold
        self._herald = tools.herald
        self.progress: Callable[[str], None] = lambda _: None
        self._waiter: Waiter | None = None
        self._one_at_a_time = asyncio.Lock()
        self._patience = WAIT_SECONDS
        self._changed: datetime | None = told.last_change(tools.journal.entries)

    async def refresh(self, report: Callable[[Progress], None] | None = None) -> Assessment:
        """Reads the whole cluster afresh. Raises Unreachable when nothing answers."""
        assessment = await self._assess(await self._reader.inventory(report))
        if self.before is None:
            self.before = assessment
        self._journal.append("preflight", verdict=assessment.verdict.value)
        return assessment

    async def _assess(self, inventory: Inventory) -> Assessment:
        while True:
            wish = self.wish
            found = await assess_searched(self._reader, self.contract, inventory, self._clock(), wish)
            # What was stated meanwhile counts: a judgement by an earlier word must not outlive it.
            if wish is self.wish:
                self.assessment = found
                return found

    def state(self, wish: Wish) -> None:
        """Takes what the operator states of a release, which decisions then rest on. The journal keeps it."""
        if wish != self.wish:
            self._journal.append("stated", wish=wish_json(wish))
        if wish is not self.wish:
            # Another reading of the same manifest may have the documents that a journal leaves out.
            self.wish, self.assessment = wish, None

    async def _assessed(self) -> Assessment:
        return self.assessment or await self.refresh()

    async def plan(self, kind: PlanKind, release: str = "") -> Plan:
        """The plan of a step on what is known now, without what the operator skipped; ``release`` is one to retire."""
        return self._planned(make_plan(kind, self.contract, await self._assessed(), release, self._clock()))

    async def plan_reconcile(self, refs: Iterable[Ref]) -> Plan:
        """The plan that asks these Flux objects to reconcile now; what may not be asked is left out, and says why."""
        return self._planned(mend.reconcile_plan(self.contract, await self._assessed(), refs, self._clock()))

    async def plan_undo(self, past: Past) -> Plan:
        """The plan that puts back what an earlier session did, the last deed first."""
        pins = pins_of(self.contract, await self._assessed())
        done = {o.entry.id for o in self.outcomes if o.status is Status.DONE}
        return self._planned(undo.plan(self.contract, pins, past, done))

    def _planned(self, plan: Plan) -> Plan:
        skipped = {o.entry.id for o in self.outcomes if o.status is Status.SKIPPED}
        plan = plan.without([entry.ref.key for entry in plan.all if entry.id in skipped])
        self._journal.append("planned", step=plan.kind.value, entries=[entry.id for entry in plan.entries])
        return plan

    async def rights(self, plans: Iterable[Plan]) -> Rights:
        """What this user may not do of all that the plans need; asked at once, changes nothing. Raises no Fault."""
        return await access.ask(self._reader, self.contract, plans, (await self._assessed()).inventory)

    async def rehearse(self, plan: Plan, report: Callable[[int, int], None] | None = None) -> Mapping[str, Trial]:
        """Tries every entry of a plan by dry run, after one look at all of them; the answers by the entries' ids.

        ``report`` is told how many of how many are tried. Changes nothing, and may be cancelled at any time. Raises
        Fault where the look fails.
        """
        known = await self._assessed()
        seen = await look_at_all(plan, known, self._reader)
        assessment = await self._assess(seen.inventory)
        company = Company(self.contract, plan, assessment, seen.bodies, self._writer)
        return await company.rehearse(report or (lambda _, __: None))

    async def try_expected(self) -> Tried | None:
        """What the server says to dry runs of the expected release's manifest; None where none is at hand.

        Changes nothing, and may be cancelled at any time. Raises no Fault but that of the first reading.
        """
        return await try_expected(self.contract, await self._assessed(), self.wish, self._writer)

    async def look(self, plan: Plan, entry: Entry) -> Question:
        """Reads everything about one entry afresh and tries it by dry run. Changes nothing. Raises Fault."""
        look = await self._look(entry)
        # What a creation would not bring back is told as it is now: a volume may have been given back meanwhile.
        entry = Losses(look.assessment).weigh(entry)
        refusal = judge(self.contract, entry, plan.pins, look)
        # A whole object as YAML and its diff take up to a second: off the loop, as above.
        if refusal is not None:
            return await asyncio.to_thread(question.refused, entry, look, refusal)
        trial = await try_out(self.contract, plan.pins, entry, look, view_of(entry, look), self._writer)
        return await asyncio.to_thread(question.asked, entry, look, trial)

    async def look_when_free(self, plan: Plan, entry: Entry) -> Question:
        """As :meth:`look`, once no owner is at work any more: that is waited for, with progress and a deadline.

        Of several entries the first one alone waits so long: an owner that does not end keeps nobody for hours.
        """
        asked, waiter, waited = await self.look(plan, entry), self._new_waiter(), 0.0
        while asked.busy and self._patience > waited:
            self.progress(f"waiting: {asked.refusal}: {waited:.0f} of {self._patience:.0f} s")
            if not await waiter.rest(BUSY_SECONDS):
                break
            waited += BUSY_SECONDS
            asked = await self.look(plan, entry)
        self._patience = 0.0 if asked.busy else WAIT_SECONDS
        return asked

    async def _look(self, entry: Entry) -> Look:
        known = await self._assessed()
        kinds = kinds_to_reread(entry, known.inventory) | retire.kinds_to_reread(entry, known)
        inventory = await self._reader.relist(known.inventory, kinds)
        if may_be_named(entry):
            inventory = await self._reader.search(inventory, [entry.ref.key], anew=True)
        # The object itself is read last, and what was read of it is what counts.
        body = await self._reader.get(entry.ref)
        fresh = inventory.with_object(entry.ref.key, Live.of(visible(body)) if body is not None else None)
        assessment = await self._assess(fresh)
        return Look(assessment, body, pins_of(self.contract, assessment))

    def skip(self, entry: Entry) -> Outcome:
        """Leaves one entry out; what rested on it is protected again in the next plan."""
        self._journal.append("skipped", **told.describe(entry))
        return self._ended(entry, Status.SKIPPED, "skipped by the operator")

    def _ended(self, entry: Entry, status: Status, text: str) -> Outcome:
        outcome = Outcome(entry, status, clean(text))
        self.outcomes.append(outcome)
        return outcome

    async def carry_out(self, plan: Plan, asked: Question, typed: str = "") -> Outcome:
        """Does what was confirmed, if the gate still admits it. ``typed`` is what the operator typed beyond yes.

        One entry at a time: a second call waits for the first. Every Fault of the cluster becomes an outcome; raises
        JournalFault where the journal cannot be written, and then sends nothing more. Cancelled while a request is
        under way, it leaves the entry in doubt and sends nothing more either.
        """
        entry = asked.entry
        if all(each.id != entry.id for each in plan.all):
            return self.refuse(entry, "it is not part of this plan: plan again")
        if not asked.allowed:
            return self.refuse(entry, asked.refusal)
        if (wanted := asked.typed or entry.typed) and typed != wanted:
            return self.refuse(entry, f"its name was to be typed: {wanted}")
        async with self._one_at_a_time:
            self._journal.append("confirmed", **told.describe(entry))
            if why := await self._not_ours():
                return self.refuse(entry, why)
            last = LastLook(self.contract, self._writer, self._look, self._clock, self.progress)
            ready = await last.ready(plan, asked, self._new_waiter())
            # Looking took its time: what was held before it may be another's by now.
            why = ready if isinstance(ready, str) else await self._not_ours()
            if isinstance(ready, str) or why:
                return self.refuse(entry, why)
            steps = self._steps(entry, ready.look)
            return await self._carry(entry, ready.look, steps, steps.run(ready.admitted))

    async def _not_ours(self) -> str:
        """Why this session may not act now; empty while its claim stands."""
        return await self.hold.refused() if self.hold is not None else ""

    def refuse(self, entry: Entry, why: str) -> Outcome:
        """Leaves one entry undone that may not be done, and keeps the reason."""
        self._journal.append("refused", **(told.describe(entry) | {"why": why}))
        return self._ended(entry, Status.REFUSED, why)

    def _steps(self, entry: Entry, look: Look) -> Steps:
        view = view_of(entry, look)
        return Steps(entry, look, view, self._reader, self._writer, self._journal, self._new_waiter())

    def _new_waiter(self) -> Waiter:
        self._waiter = Waiter(self._reader, self._pause, self._clock, self.progress)
        return self._waiter

    def give_up_waiting(self) -> None:
        """Ends the wait of the entry that is being carried out; what was done of it stays done, and says so."""
        if self._waiter is not None:
            self._waiter.give_up()

    async def _carry(self, entry: Entry, look: Look, steps: Steps, work: Awaitable[str]) -> Outcome:
        """Awaits the requests of an entry and tells how they ended."""
        try:
            outcome = self._done(entry, await work, steps.left)
            await self._tell(outcome)
        except JournalFault as fault:
            self._interrupted(entry, steps, str(fault))
            raise
        except asyncio.CancelledError:
            self._interrupted(entry, steps, "it was interrupted")
            raise
        except Fault as fault:
            outcome = self._failed(entry, steps, fault)
        await self._take_in(entry, look)
        return outcome

    def _done(self, entry: Entry, text: str, left: Json | None) -> Outcome:
        outcome = self._ended(entry, Status.DONE, text)
        self._changed = self._clock()
        seen = {"left": fingerprint(left), "uid": Live.of(left).ref.uid} if left is not None else {}
        self._journal.append("done", entry=entry.id, text=outcome.text, **seen)
        return outcome

    async def take_up(self, report: Callable[[Progress], None] | None = None) -> tuple[Outcome, ...]:
        """Goes on after an interruption: reads the cluster afresh and settles what the journal leaves open.

        What was confirmed and begun is brought to its end where nobody came in between; nothing is begun. Returns how
        each of these ended; one that cannot be settled now stays in doubt. Raises Unreachable when nothing answers,
        JournalFault where the journal cannot be written.
        """
        entries = self._journal.entries
        why = told.of_another(entries, self.identity.cluster_uid, self.contract.sha256)
        if why and any(each.kind == "resumed" for each in entries):
            raise Fault(f"the session cannot be taken up here: {why}")
        await self.refresh(report)
        async with self._one_at_a_time:
            left = told.left_open(self._journal.entries)
            ids = {action.id for action in left}
            self.outcomes[:] = [o for o in self.outcomes if o.status is not Status.IN_DOUBT or o.entry.id not in ids]
            return tuple([await self._settle(action) for action in left])

    async def _settle(self, action: ActionProgress) -> Outcome:
        """Brings one action that an earlier process began to its end, or says what became of it."""
        entry = told.entry_of(action)
        if entry is None:
            raise JournalFault(f"the journal does not say what {clean(action.id)} was: look at it with kubectl")
        try:
            if why := await self._not_ours():
                raise OutcomeUnknown(why)
            saved = recalled(self._journal.recall, action.backup, action.digest)
            restored = self._journal.recall(entry.source) if entry.source else None
            look = await self._look(entry)
            view = view_of(entry, look)
            entry = replace(resume.with_document(entry, action, view) if view else entry, saved=restored)
            verdict = resume.judge(action, entry, view.family.namespace if view else "", saved, look.body)
        except Fault as fault:
            return self._unsettled(entry, str(fault))
        if verdict.found is resume.Found.DONE:
            return self._done(entry, verdict.why, None)
        if verdict.found not in (resume.Found.REMOVED, resume.Found.WRITTEN):
            self._journal.append("settled", entry=entry.id, verdict=verdict.found.value, why=verdict.why)
            return self._ended(entry, Status.FAILED, f"{verdict.why}; it was interrupted")
        if later := resume.not_now(look, view, verdict.found, self._clock()):
            return self._unsettled(entry, f"{verdict.why}, and what follows has to wait: {later}")
        steps = self._steps(entry, replace(look, body=saved))
        work = steps.resume(action, verdict.uid if verdict.found is resume.Found.WRITTEN else None)
        return await self._carry(entry, look, steps, work)

    def _unsettled(self, entry: Entry, why: str) -> Outcome:
        self._journal.append("in-doubt", entry=entry.id, why=why)
        return self._ended(entry, Status.IN_DOUBT, f"the outcome is not known: {why}")

    async def _tell(self, outcome: Outcome) -> None:
        """Records what was done as an Event on its object; where that fails, the report says so."""
        if self._herald is not None:
            entry = outcome.entry
            self.untold = await self._herald.tell(entry.ref, entry.action.value, outcome.text) or self.untold

    def _failed(self, entry: Entry, steps: Steps, fault: Fault) -> Outcome:
        """An entry that ended badly."""
        outcome = failed(entry, fault, steps.copy if steps.accepted else "")
        self.outcomes.append(outcome)
        self._journal.append(_KINDS[outcome.status], entry=entry.id, why=str(fault))
        return outcome

    def _interrupted(self, entry: Entry, steps: Steps, why: str) -> None:
        """Keeps for the report, and for the journal if it still can be written, what an interruption left open."""
        if self.outcomes and self.outcomes[-1].entry is entry and self.outcomes[-1].status is Status.DONE:
            return
        if steps.settled:
            # All of it is done and answered: it was only waited for.
            with suppress(JournalFault):
                self._done(entry, f"{steps.settled}; {why} before it was seen to have come about", steps.left)
            return
        outcome = interrupted(entry, why, steps.announced, steps.accepted, steps.copy)
        self.outcomes.append(outcome)
        with suppress(JournalFault):
            self._journal.append(_KINDS[outcome.status], entry=entry.id, why=outcome.text)

    async def _take_in(self, entry: Entry, look: Look) -> None:
        """Takes the changed object into the known inventory; a failure here costs nothing but freshness."""
        inventory = look.assessment.inventory
        try:
            body = await self._reader.get(entry.ref)
            if entry.action is Action.DELETE and entry.ref.kind_key == DEPLOYMENT:
                # What it made goes with it: seen as it was, its pods would hold on to what they use.
                inventory = await self._reader.relist(inventory, _MADE_BY_A_DEPLOYMENT & set(inventory.served))
        except Fault:
            return
        live = Live.of(visible(body)) if body is not None else None
        await self._assess(inventory.with_object(entry.ref.key, live))

    async def verify(self) -> Health:
        """Reads afresh and checks the contract's health. Raises Unreachable when nothing answers."""
        assessment = await self.refresh()
        # A restart before the last change is part of the wreck; one after it is part of the answer.
        now = self._clock()
        self.health = check_health(self.contract, assessment.inventory, now, restarts_since=self._changed)
        self._journal.append("verified", verdict=self.health.verdict.value, preflight=assessment.verdict.value)
        return self.health

    async def close(self) -> None:
        """Ends the session; its journal says so, unless something is under way or in doubt: the next start finds it."""
        open_ended = self._one_at_a_time.locked() or bool(told.left_open(self._journal.entries))
        try:
            if self.hold is not None:
                await self.hold.release(keep=open_ended)
            if not open_ended:
                self._journal.append("closed", done=sum(o.status is Status.DONE for o in self.outcomes))
        finally:
            self._journal.close()

    def leave(self) -> None:
        """Lets go without an end, as a process that is told to go at once: the next start takes the session up."""
        self._journal.close()

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the operator accepted, and what could not be recorded in the cluster; for the report."""
        accepted = self.hold.warnings if self.hold is not None else ()
        return (*accepted, self.untold) if self.untold else accepted

    @property
    def exit_code(self) -> Exit:
        """What a pipeline learns: 1 when anything was refused, failed or is in doubt, and not done since."""
        last = {outcome.entry.id: outcome.status for outcome in self.outcomes}
        bad = {Status.REFUSED, Status.FAILED, Status.IN_DOUBT} & set(last.values())
        return Exit.BLOCKED if bad else Exit.CLEAN


_MADE_BY_A_DEPLOYMENT: Final = frozenset({KindKey("apps", "ReplicaSet"), KindKey("", "Pod")})
_KINDS: Final = {Status.IN_DOUBT: "in-doubt", Status.FAILED: "failed"}
