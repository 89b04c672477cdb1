"""``refloat plan`` and ``refloat apply``: a recovery without a screen, reviewed as a file and done entry by entry."""

import argparse
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from shlex import quote
from typing import Final

from tui import past, show
from tui.asking import answered
from tui.commands import judged, opened, read_and_judged
from tui.contract.model import Contract
from tui.faults import Exit, Fault, Unverified, UsageFault
from tui.opening import ClusterLink, now, state_directory
from tui.options import Options, options_of
from tui.ownership.model import Assessment, Wish
from tui.recovery import access, expected, report
from tui.recovery.gate import changed_pins, fingerprint
from tui.recovery.hold import insist
from tui.recovery.journal import ActionState, progress_of, sessions
from tui.recovery.outcome import Status
from tui.recovery.plan import Action, Entry, Plan, PlanKind
from tui.recovery.planfile import MAX_FILE, PlanFile, Row, differs, read_plan, write_plan
from tui.recovery.planner import plan as make_plan
from tui.recovery.question import Question, Trial
from tui.recovery.rehearse import Company, look_at_all
from tui.recovery.session import Session
from tui.stated import PIPED, with_manifest_of
from tui.text import clean, clean_lines


async def plan(arguments: argparse.Namespace, contract: Contract) -> Exit:
    """``refloat plan cleanup|replay|mend|retire -f FILE``: writes a plan to review. Never overwrites one.

    Every entry is tried by the API server's dry run, and what the user has no right to do is left out by name.
    """
    options = options_of(arguments, contract)
    if (arguments.kind == "retire") != bool(arguments.release):
        raise UsageFault("plan retire names the release whose records are to leave, every other plan names none")
    async with opened(contract, options) as link:
        assessment = await read_and_judged(link, contract, options.wish)
        kind = PlanKind(arguments.kind)
        found = make_plan(kind, contract, assessment, arguments.release, now())
        rights = await access.ask(link.reader, contract, [found], assessment.inventory)
        found = rights.within(found, assessment.inventory)
        if kind is PlanKind.CLEANUP:
            tried = await expected.try_expected(contract, assessment, options.wish, link.tries)
            found = replace(found, advice=(*found.advice, *expected.told(tried)))
        seen, trials = await _rehearsed(link, contract, found, assessment, options)
        made = {"at": now().isoformat(timespec="seconds"), "context": link.identity.context, "by": link.identity.user}
    _write_new(arguments.file, write_plan(found, seen, options.wish, made, trials))
    many = f"{len(found.entries)} entries, {len(found.offered)} offered, {len(found.left_out)} left out"
    show.print_lines(
        f"{arguments.file}: {many}; review it, then\nrefloat apply {arguments.file}{_with(found, options.wish)}"
    )
    blank = [assessment.blank] if assessment.blank else []
    for line in (*blank, *found.advice, *loss_lines(found), *trial_lines(found, trials), *rights.told):
        show.print_lines(line)
    if found.pins.cluster_uid is None:
        show.print_lines(f"it cannot be applied: {KUBE_SYSTEM}")
    if assessment.incomplete:
        show.print_lines("".join(f"could not be read: {gap}\n" for gap in assessment.incomplete))
    return Exit.UNVERIFIED if assessment.incomplete else Exit.CLEAN


async def _rehearsed(
    link: ClusterLink, contract: Contract, found: Plan, known: Assessment, options: Options
) -> tuple[dict[str, str], dict[str, Trial]]:
    """The fingerprint of every entry's object, and what the server says to a dry run of each; none with --read-only."""
    looked = await look_at_all(found, known, link.reader)
    seen = {}
    for entry in found.all:
        body = looked.bodies[entry.id]
        if entry.ref.uid is None:
            continue
        if isinstance(body, Fault):
            raise body
        if body is None:
            raise Fault(f"{entry.ref.label} went away while the plan was made; run refloat plan again")
        seen[entry.id] = fingerprint(body)
    tries = link.tries
    if tries is None:
        return seen, {}
    fresh = await judged(link, contract, looked.inventory, options.wish)
    return seen, await Company(contract, found, fresh, looked.bodies, tries).rehearse(lambda _, __: None)


def loss_lines(found: Plan) -> list[str]:
    """What the entries whose names are to be typed do not bring back, a line each."""
    return [
        clean(f"{entry.action.value} {entry.ref.label} (asks for its name): {loss}")
        for entry in found.all
        if entry.typed
        for loss in entry.losses
    ]


def _with(found: Plan, wish: Wish) -> str:
    """What ``apply`` needs beside the file: the manifest, where a binding is made again from that and not a record."""
    to_come = {pin.family for pin in found.pins.families if pin.record_uid is None}
    again = any(each.action is Action.RECREATE and each.family in to_come for each in found.entries)
    if not again or wish.forecast is None:
        return ""
    return f" --manifest {quote(wish.forecast.source) if wish.forecast.source != PIPED else 'FILE'}"


def trial_lines(found: Plan, trials: Mapping[str, Trial]) -> list[str]:
    """What the dry runs say that is no plain yes, a line an entry."""
    told = [(entry, trials[entry.id]) for entry in found.all if entry.id in trials]
    return [
        clean(f"dry run: {entry.action.value} {entry.ref.label}: {trial.text}", 2000)
        for entry, trial in told
        if not trial.ok or trial.awaits or trial.conflicts
    ]


def _write_new(path: str, text: str) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise UsageFault(f"{path} exists; a reviewed plan is never overwritten, give another -f FILE") from None
    except OSError as error:
        raise UsageFault(f"{path} cannot be written: {error.strerror}; give another -f FILE") from None


def _read_file(path: str) -> PlanFile:
    try:
        with Path(path).open("rb") as file:
            data = file.read(MAX_FILE + 1)
    except OSError as error:
        raise UsageFault(f"{path} cannot be read: {error.strerror}; refloat plan writes such a file") from None
    return read_plan(data, path)


async def apply(arguments: argparse.Namespace, contract: Contract) -> Exit:
    """``refloat apply FILE [--confirmed]``: does exactly that plan, asking per entry, or what the file confirms.

    Exits 0 when all it was asked to do is done, 1 when anything was refused.
    """
    file = _read_file(arguments.file)
    if file.pins.cluster_uid is None:
        raise Unverified(f"{arguments.file} does not say which cluster it is for: {KUBE_SYSTEM}, then plan again")
    if not arguments.confirmed and not sys.stdin.isatty():
        raise UsageFault("there is nobody to ask; mark entries `confirmed: true` in the file and give --confirmed")
    wish = with_manifest_of(file.wish, arguments)
    options = replace(options_of(arguments), wish=wish)
    async with opened(contract, options) as link:
        session = await past.begin(link, contract, lambda session: claimed(session, arguments))
        try:
            # What was stated in a session that is taken up gives way to what was stated for this plan.
            session.state(wish)
            found = await session.plan(file.kind, file.release)
            if (changed := changed_pins(file.pins, found.pins)) is not None:
                raise Fault(f"the whole plan is refused: {changed}; run refloat plan again")
            found = await permitted(session, found)
            worker = _Apply(session, found, link.identity.cluster_uid, ask=not arguments.confirmed)
            for row in file.rows:
                await worker.do(row)
        finally:
            with suppress(Fault):
                await session.close()
    if arguments.output == "json":
        show.print_json(report.session_json(session))
    elif arguments.output == "markdown":
        show.print_lines(report.session_markdown(session))
    return Exit.BLOCKED if worker.refused else Exit.CLEAN


async def claimed(session: Session, arguments: argparse.Namespace) -> None:
    """Goes on only as the one who may act. Raises LeaseTaken with who that is, or what to give to go on."""
    if session.hold is not None:
        await insist(session.hold, take_over=arguments.take_over, without=arguments.without_lease)
    for text in session.warnings:
        print(f"warning: {clean(text)}", file=sys.stderr)
    session.progress = Told()


async def permitted(session: Session, found: Plan) -> Plan:
    """The plan without what this user has no right to do, which is told with the rule to ask for."""
    rights = await session.rights([found])
    for line in rights.told:
        print(clean_lines(line, 20_000), file=sys.stderr)
    return rights.within(found, session.assessment.inventory) if session.assessment else found


class Told:
    """Prints what is being waited for: once for each thing, not every time it is looked at."""

    def __init__(self) -> None:
        self._last = ""

    def __call__(self, text: str) -> None:
        """Takes a line such as ``waiting for X to be Y (...): 3 of 60 s``."""
        what = text.partition(" (")[0].partition(": ")[0]
        if what != self._last:
            self._last = what
            print(clean(text), file=sys.stderr)


class _Apply:
    """Carries the rows of a file through a session, one at a time, in the file's order."""

    def __init__(self, session: Session, found: Plan, cluster: str | None, *, ask: bool) -> None:
        self.refused = 0
        self._session = session
        self._plan = found
        self._ask = ask
        self._entries = {entry.id: entry for entry in found.all}
        self._done = done_before(cluster)

    async def do(self, row: Row) -> None:
        """One row: done, left, or refused with its reason."""
        if not self._ask and not row.confirmed:
            _say("left", row, "not confirmed in the file")
            return
        if row.offered and not row.confirmed:
            _say("left", row, "only offered: mark it `confirmed: true` in the file to be asked for it")
            return
        entry = self._entries.get(row.id)
        if entry is None:
            self._settle_absent(row)
            return
        why = differs(row, entry)
        question = None if why else await self._look(entry)
        if question is not None:
            why = self._why_not(row, question)
        if why or question is None:
            self._refuse(row, why or "it could not be read again")
            return
        if self._ask and not await answered(question):
            self._session.skip(entry)
            _say("skipped", row, "by the operator")
            return
        outcome = await self._session.carry_out(self._plan, question, question.typed)
        _say(outcome.status.value, row, outcome.text)
        self.refused += outcome.status is not Status.DONE

    def _why_not(self, row: Row, question: Question) -> str:
        """Why what was looked at afresh is not what was reviewed; empty where it is."""
        if not question.allowed:
            return question.refusal
        if row.seen and question.seen != row.seen:
            return f"{question.entry.ref.label} has changed since the plan was made"
        if question.conflicts and not self._ask and not row.force:
            # A person reviewed a repair that took nothing from anybody.
            return f"{question.dry_run}; the reviewed plan does not say so (force: true)"
        return "" if self._ask else _untold(row, question.entry)

    async def _look(self, entry: Entry) -> Question | None:
        try:
            return await self._session.look_when_free(self._plan, entry)
        except Fault as fault:
            show.print_lines(f"{entry.ref.label} could not be read: {clean(fault)}")
            return None

    def _settle_absent(self, row: Row) -> None:
        """A row that a fresh plan does not have: done before, as the journal shows, or no longer to be done."""
        if (row.id, row.ref.uid) in self._done:
            if self._stands(row):
                _say("done", row, "already, as the journal shows")
            else:
                self._refuse(row, "the journal shows it done, and it is so no longer: plan again")
            return
        reasons = {ref.key: why for ref, why in self._plan.left_out}
        self._refuse(row, reasons.get(row.ref.key, "a fresh plan no longer has it: it is gone, mended or out of reach"))

    def _stands(self, row: Row) -> bool:
        """Whether what the journal shows as done of a row is seen in the cluster still."""
        known = self._session.assessment
        live = known.inventory.get(row.ref.key) if known else None
        if row.action in (Action.DELETE, Action.RETIRE, Action.UNFINALIZE) and live is None:
            return known is not None and known.inventory.gap(*row.ref.kind_key, row.ref.namespace) is None
        if live is None or row.action in (Action.DELETE, Action.RETIRE):
            return live is not None and live.ref.uid != row.ref.uid
        return row.action in _MADE_ANEW or live.ref.uid == row.ref.uid

    def _refuse(self, row: Row, why: str) -> None:
        self.refused += 1
        self._session.refuse(self._entries.get(row.id) or row.entry, why)
        _say("refused", row, why)


def _untold(row: Row, entry: Entry) -> str:
    """A loss that typing the name would accept and that was not reviewed; empty where the file tells of all."""
    new = next((each for each in entry.losses if clean(each) not in row.losses), "") if entry.typed else ""
    return f"the reviewed plan does not tell what it hides: {new}; run refloat plan again" if new else ""


_MADE_ANEW: Final = frozenset({Action.CREATE, Action.RECREATE})
"""Actions that leave an object of another uid than the one that was planned, if any."""


def _say(status: str, row: Row, text: str) -> None:
    print(f"{status:8} {clean(row.action.value)} {clean(row.ref.label)}: {clean(text)}", file=sys.stderr)


KUBE_SYSTEM: Final = "a cluster is told by the uid of its namespace kube-system; ask for the right to get that"
"""What to do where nobody could say which cluster it is."""


def done_before(cluster: str | None) -> frozenset[tuple[str, str | None]]:
    """What the journals of this cluster show as done: the ids of entries with the uids they acted on."""
    found: set[tuple[str, str | None]] = set()
    for session in sessions(state_directory()):
        entries = session.reading.entries
        if not entries or cluster is None or entries[0].fields.get("cluster") != cluster:
            continue
        uids = {e.fields.get("entry"): e.fields.get("uid") for e in entries if e.kind == "confirmed"}
        found |= {
            (action.id, uids.get(action.id))
            for action in progress_of(entries).values()
            if action.state is ActionState.DONE
        }
    return frozenset(found)
