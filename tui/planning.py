"""``refloat plan`` and ``refloat apply``: a recovery without a screen, reviewed as a file and done entry by entry."""

import argparse
import os
import sys
from contextlib import suppress
from pathlib import Path

from tui import show
from tui.commands import judged, opened
from tui.contract.model import Contract
from tui.faults import Exit, Fault, UsageFault
from tui.opening import ClusterLink, now, state_directory
from tui.options import Options, options_of
from tui.recovery import report
from tui.recovery.gate import changed_pins, fingerprint
from tui.recovery.hold import insist
from tui.recovery.journal import ActionState, progress_of, sessions
from tui.recovery.outcome import Status
from tui.recovery.plan import Entry, Plan, PlanKind
from tui.recovery.planfile import MAX_FILE, PlanFile, Row, differs, read_plan, write_plan
from tui.recovery.planner import plan as make_plan
from tui.recovery.question import Question
from tui.recovery.session import Session
from tui.text import clean


async def plan(arguments: argparse.Namespace, contract: Contract) -> Exit:
    """``refloat plan cleanup|replay|retire -f FILE``: writes a plan to review. Never overwrites one."""
    options = options_of(arguments, contract)
    if (arguments.kind == "retire") != bool(arguments.release):
        raise UsageFault(
            "plan retire names the release whose records are to leave, plan cleanup and plan replay name none"
        )
    async with opened(contract, options) as link:
        assessment = judged(contract, await link.reader.inventory(), options.wish)
        found = make_plan(PlanKind(arguments.kind), contract, assessment, arguments.release)
        seen = {entry.id: await _seen(link, entry) for entry in found.entries if entry.ref.uid is not None}
        made = {"at": now().isoformat(timespec="seconds"), "context": link.identity.context, "by": link.identity.user}
    text = write_plan(found, seen, options.wish, made)
    _write_new(arguments.file, text)
    show.print_lines(f"{arguments.file}: {len(found.entries)} entries, {len(found.left_out)} left out; review it, then")
    show.print_lines(f"refloat apply {arguments.file}")
    for line in found.advice:
        show.print_lines(line)
    if assessment.incomplete:
        show.print_lines("".join(f"could not be read: {gap}\n" for gap in assessment.incomplete))
    return Exit.UNVERIFIED if assessment.incomplete else Exit.CLEAN


async def _seen(link: ClusterLink, entry: Entry) -> str:
    body = await link.reader.get(entry.ref)
    if body is None:
        raise Fault(f"{entry.ref.label} went away while the plan was made; run refloat plan again")
    return fingerprint(body)


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
    if not arguments.confirmed and not sys.stdin.isatty():
        raise UsageFault("there is nobody to ask; mark entries `confirmed: true` in the file and give --confirmed")
    asked = options_of(arguments)
    options = Options(asked.kubeconfig, asked.context, asked.timeout, wish=file.wish)
    async with opened(contract, options) as link:
        session = await link.begin()
        try:
            await _claimed(session, arguments)
            await session.refresh()
            found = await session.plan(file.kind, file.release)
            if (changed := changed_pins(file.pins, found.pins)) is not None:
                raise Fault(f"the whole plan is refused: {changed}; run refloat plan again")
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


async def _claimed(session: Session, arguments: argparse.Namespace) -> None:
    """Goes on only as the one who may act. Raises LeaseTaken with who that is, or what to give to go on."""
    if session.hold is not None:
        await insist(session.hold, take_over=arguments.take_over, without=arguments.without_lease)
    for text in session.warnings:
        print(f"warning: {clean(text)}", file=sys.stderr)


class _Apply:
    """Carries the rows of a file through a session, one at a time, in the file's order."""

    def __init__(self, session: Session, found: Plan, cluster: str | None, *, ask: bool) -> None:
        self.refused = 0
        self._session = session
        self._plan = found
        self._ask = ask
        self._entries = {entry.id: entry for entry in found.entries}
        self._done = done_before(cluster)

    async def do(self, row: Row) -> None:
        """One row: done, left, or refused with its reason."""
        if not self._ask and not row.confirmed:
            _say("left", row, "not confirmed in the file")
            return
        entry = self._entries.get(row.id)
        if entry is None:
            self._settle_absent(row)
            return
        why = differs(row, entry)
        question = None if why else await self._look(entry)
        if question is not None:
            why = question.refusal if not question.allowed else ""
            if not why and row.seen and question.seen != row.seen:
                why = f"{entry.ref.label} has changed since the plan was made"
        if why or question is None:
            self._refuse(row, why or "it could not be read again")
            return
        if self._ask and not _answered(question):
            self._session.skip(entry)
            _say("skipped", row, "by the operator")
            return
        outcome = await self._session.carry_out(self._plan, question, entry.typed)
        _say(outcome.status.value, row, outcome.text)
        self.refused += outcome.status is not Status.DONE

    async def _look(self, entry: Entry) -> Question | None:
        try:
            return await self._session.look(self._plan, entry)
        except Fault as fault:
            show.print_lines(f"{entry.ref.label} could not be read: {clean(fault)}")
            return None

    def _settle_absent(self, row: Row) -> None:
        """A row that a fresh plan does not have: done before, as the journal shows, or no longer to be done."""
        if (row.id, row.ref.uid) in self._done:
            _say("done", row, "already, as the journal shows")
            return
        reasons = {ref.key: why for ref, why in self._plan.left_out}
        self._refuse(row, reasons.get(row.ref.key, "a fresh plan no longer has it: it is gone, mended or out of reach"))

    def _refuse(self, row: Row, why: str) -> None:
        self.refused += 1
        _say("refused", row, why)


def _say(status: str, row: Row, text: str) -> None:
    print(f"{status:8} {clean(row.action.value)} {clean(row.ref.label)}: {clean(text)}", file=sys.stderr)


def _answered(question: Question) -> bool:
    """Asks for one entry on the terminal. Only ``y``, or the typed name where one is asked for, is a yes."""
    entry = question.entry
    print()
    print(f"{entry.action.value} {clean(entry.ref.label)}")
    for text in (entry.why, *question.evidence, *entry.used_by, f"then: {entry.then}", f"dry run: {question.dry_run}"):
        print(f"  {clean(text)}")
    for line in question.diff[:60]:
        print(f"    {clean(line)}")
    prompt = (
        f"type {clean(entry.typed)} to do it, anything else skips: "
        if entry.typed
        else "y does it, anything else skips: "
    )
    try:
        answer = input(prompt).strip()
    except EOFError:
        return False
    return answer == entry.typed if entry.typed else answer.lower() == "y"


def done_before(cluster: str | None) -> frozenset[tuple[str, str | None]]:
    """What the journals of this cluster show as done: the ids of entries with the uids they acted on."""
    found: set[tuple[str, str | None]] = set()
    directory = state_directory()
    for session in sessions(directory):
        entries = session.reading.entries
        if not entries or entries[0].fields.get("cluster") != cluster:
            continue
        uids = {e.fields.get("entry"): e.fields.get("uid") for e in entries if e.kind == "confirmed"}
        found |= {
            (action.id, uids.get(action.id))
            for action in progress_of(entries).values()
            if action.state is ActionState.DONE
        }
    return frozenset(found)
