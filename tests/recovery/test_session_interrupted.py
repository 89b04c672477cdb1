"""A lost answer, a full disk, a cancelled worker, forbidden rights: what is not known is said, and nothing follows."""

import asyncio
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.clusters import obj
from tests.recovery.stage import ACTIVE, BOUND, GONE, KEPT, LOST, STANDING, Stage, entry_of, on_stage
from tui.faults import ApiFault, OutcomeUnknown, Unreachable
from tui.objects import Json, Ref
from tui.recovery import waits
from tui.recovery.journal import ActionState, Journal, JournalFault, load_backup, progress_of, read_journal, unfinished
from tui.recovery.outcome import Status
from tui.recovery.plan import PlanKind
from tui.recovery.ports import Method, Request
from tui.recovery.report import session_markdown

EVERY = [(PlanKind.REPLAY, LOST), (PlanKind.CLEANUP, KEPT), (PlanKind.CLEANUP, GONE), (PlanKind.CLEANUP, BOUND)]


def name_of(body: Json) -> str:
    return str(body["metadata"]["name"])


@pytest.mark.parametrize("method", ["csa", "ssa"])
@pytest.mark.parametrize(("kind", "body"), EVERY, ids=lambda each: name_of(each) if isinstance(each, dict) else "")
async def test_every_request_is_announced_on_disk_before_it_leaves(
    tmp_path: Path, kind: PlanKind, body: Json, method: str
) -> None:
    async with on_stage(tmp_path, method=method) as stage:
        seen: list[Json] = []

        async def read_disk(request: Request) -> None:
            last = json.loads(stage.journal.path.read_text().splitlines()[-1])
            assert last["kind"] == "sending"
            assert (last["method"], last["ref"]["name"]) == (request.method.value, request.ref.name)
            seen.append(last)
            if request.method is Method.DELETE or (request.method is Method.MERGE_PATCH):
                saved = [e for e in stage.journal.entries if e.kind == "saved"][-1]
                assert load_backup(Path(saved.fields["backup"])) == await stage.there(body)

        stage.spy.before = read_disk
        assert (await stage.do(kind, name_of(body))).status is Status.DONE
    assert [each["step"] for each in seen] == list(range(1, len(seen) + 1))
    assert len(seen) == len(stage.spy.sent) >= 1


def lines_until_full(stage: Stage, whole: int) -> Any:
    """An ``os.fsync`` that fails once so many more entries are on the disk."""
    real, left = os.fsync, whole

    def fsync(descriptor: int) -> None:
        nonlocal left
        if left <= 0:
            raise OSError(28, "No space left on device")
        left -= 1
        real(descriptor)

    return fsync


@contextmanager
def full_disk(stage: Stage, monkeypatch: pytest.MonkeyPatch, whole: int) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", lines_until_full(stage, whole))
        yield


@pytest.mark.parametrize(("kind", "body"), EVERY, ids=lambda each: name_of(each) if isinstance(each, dict) else "")
async def test_an_unwritable_journal_sends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: PlanKind, body: Json
) -> None:
    async with on_stage(tmp_path) as stage:
        before = await stage.get(body)
        plan, asked = await stage.ask(kind, name_of(body))
        # A replay has nothing to save: its first announcement comes one entry earlier.
        for whole in range(2 if kind is PlanKind.REPLAY else 3):
            if whole:
                # A journal that failed takes no more entries: each try begins with one that still writes.
                stage.session._journal = Journal.create(tmp_path / f"again-{whole}", {}, stage.session._clock)
            with full_disk(stage, monkeypatch, whole), pytest.raises(JournalFault):
                await stage.session.carry_out(plan, asked, asked.entry.typed)
            assert stage.spy.sent == []
        assert await stage.get(body) == before


async def test_a_disk_that_fills_behind_a_deletion_stops_and_keeps_what_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with on_stage(tmp_path) as stage:
        before = await stage.there(BOUND)
        plan, asked = await stage.ask(PlanKind.CLEANUP, "bound")

        async def fill(_: Request) -> None:
            monkeypatch.setattr(os, "fsync", lines_until_full(stage, 0))

        stage.spy.before = fill
        with pytest.raises(JournalFault):
            await stage.session.carry_out(plan, asked, "bound")
        monkeypatch.undo()
        (outcome,) = stage.session.outcomes
        text = session_markdown(stage.session)
        with pytest.raises(JournalFault):
            stage.session.skip(entry_of(plan, "gone"))
        saved = next(entry for entry in stage.journal.entries if entry.kind == "saved").fields["backup"]
    assert [each.method for each in stage.spy.sent] == [Method.DELETE]
    assert outcome.status is Status.IN_DOUBT
    assert saved in outcome.text
    assert "## In-doubt (1)" in text
    assert load_backup(Path(saved)) == before


@pytest.mark.parametrize(("kind", "body"), EVERY, ids=lambda each: name_of(each) if isinstance(each, dict) else "")
@pytest.mark.parametrize("done", [True, False])
async def test_a_lost_answer_leaves_the_entry_in_doubt_and_sends_nothing_more(
    tmp_path: Path, kind: PlanKind, body: Json, done: bool
) -> None:
    async with on_stage(tmp_path, method="ssa") as stage:

        async def lose(_: Request) -> None:
            raise OutcomeUnknown("a request was sent and its outcome is unknown")

        if done:
            stage.spy.after = lose
        else:
            stage.spy.before = lose
        outcome = await stage.do(kind, name_of(body))
        assert outcome.status is Status.IN_DOUBT
        assert len(stage.spy.sent) == 1
        assert stage.told[-2:] == ["sending", "in-doubt"]
        states = progress_of(read_journal(stage.journal.path).entries)
        assert states[outcome.entry.id].state is ActionState.IN_DOUBT
        # A fresh look tells how it went, and the rest is planned anew.
        stage.spy.before = stage.spy.after = None
        stage.spy.sent.clear()
        for each in PlanKind:
            plan = await stage.session.plan(each)
            for entry in plan.entries:
                if entry.ref.name == name_of(body):
                    asked = await stage.session.look(plan, entry)
                    assert asked.allowed, asked.refusal
                    assert (await stage.session.carry_out(plan, asked, entry.typed)).status is Status.DONE
        standing = await stage.get(body)
    if body is GONE:
        assert standing is None
    else:
        assert standing is not None
        assert standing["metadata"]["annotations"]["meta.helm.sh/release-name"] == ACTIVE


@pytest.mark.parametrize(("kind", "body"), EVERY, ids=lambda each: name_of(each) if isinstance(each, dict) else "")
@pytest.mark.parametrize("done", [True, False])
async def test_a_cancelled_worker_leaves_doubt_and_no_second_write(
    tmp_path: Path, kind: PlanKind, body: Json, done: bool
) -> None:
    async with on_stage(tmp_path, method="ssa") as stage:
        under_way, never = asyncio.Event(), asyncio.Event()

        async def hang(_: Request) -> None:
            under_way.set()
            await never.wait()

        if done:
            stage.spy.after = hang
        else:
            stage.spy.before = hang
        plan, asked = await stage.ask(kind, name_of(body))
        worker = asyncio.create_task(stage.session.carry_out(plan, asked, asked.entry.typed))
        await under_way.wait()
        worker.cancel()
        with pytest.raises(asyncio.CancelledError):
            await worker
        (outcome,) = stage.session.outcomes
        assert outcome.status is Status.IN_DOUBT
        assert "look again" in outcome.text
        assert len(stage.spy.sent) == 1
        assert stage.told[-2:] == ["sending", "in-doubt"]
        state = progress_of(read_journal(stage.journal.path).entries)[outcome.entry.id].state
        assert state is ActionState.IN_DOUBT
        # The session goes on: its one place for work is free again.
        stage.spy.before = stage.spy.after = None
        other = KEPT if body is GONE else GONE
        assert (await stage.do(PlanKind.CLEANUP, name_of(other))).status is Status.DONE


async def test_closing_while_a_change_is_under_way_leaves_the_session_to_be_taken_up(tmp_path: Path) -> None:
    async with on_stage(tmp_path) as stage:
        under_way, never = asyncio.Event(), asyncio.Event()

        async def hang(_: Request) -> None:
            under_way.set()
            await never.wait()

        stage.spy.before = hang
        plan, asked = await stage.ask(PlanKind.CLEANUP, "gone")
        worker = asyncio.create_task(stage.session.carry_out(plan, asked))
        await under_way.wait()
        await stage.session.close()
        worker.cancel()
        with pytest.raises(asyncio.CancelledError):
            await worker
    assert [each.path for each in unfinished(tmp_path / "journal")] == [stage.journal.path]
    assert len(stage.spy.sent) == 1


async def test_an_unreachable_server_is_a_failure_before_anything_was_sent(tmp_path: Path) -> None:
    async with on_stage(tmp_path) as stage:

        async def refuse(_: Request) -> None:
            raise Unreachable("the API server refused the connection")

        stage.spy.before = refuse
        outcome = await stage.do(PlanKind.CLEANUP, "gone")
        assert await stage.get(GONE)
    assert outcome.status is Status.FAILED
    assert "refused the connection" in outcome.text


@pytest.mark.parametrize("name", ["gone", "bound"])
async def test_an_accepted_deletion_that_cannot_be_seen_is_in_doubt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    body = next(each for each in STANDING if name_of(each) == name)
    async with on_stage(tmp_path) as stage:
        real = stage.reader.get

        async def blind(ref: Ref) -> Json | None:
            raise Unreachable("no answer")

        async def go_blind(_: Request) -> None:
            monkeypatch.setattr(stage.reader, "get", blind)

        stage.spy.after = go_blind
        outcome = await stage.do(PlanKind.CLEANUP, name)
        monkeypatch.setattr(stage.reader, "get", real)
        assert await stage.get(body) is None
    assert outcome.status is Status.IN_DOUBT
    assert "could not be seen: no answer" in outcome.text
    assert "is saved in" in outcome.text
    assert len(stage.spy.sent) == 1


async def test_a_deletion_that_does_not_come_about_is_in_doubt(tmp_path: Path) -> None:
    waited: list[float] = []

    async def pause(seconds: float) -> None:
        waited.append(seconds)

    async with on_stage(tmp_path, pause=pause) as stage:
        plan, asked = await stage.ask(PlanKind.CLEANUP, "gone")

        async def only_pretend(request: Request) -> None:
            assert isinstance(request.body, dict)
            object.__setattr__(request, "dry_run", True)

        stage.spy.before = only_pretend
        outcome = await stage.session.carry_out(plan, asked)
        assert await stage.get(GONE)
    assert outcome.status is Status.IN_DOUBT
    assert "is not gone after 60 s" in outcome.text
    assert sum(waited) == waits.WAIT_SECONDS


async def test_a_recreation_that_cannot_even_be_restored_says_where_the_copy_is(tmp_path: Path) -> None:
    async with on_stage(tmp_path) as stage:
        before = await stage.there(BOUND)

        async def forbid(request: Request) -> None:
            if request.method is Method.CREATE:
                raise ApiFault(403, "Forbidden", "clusterrolebindings is forbidden")

        stage.spy.before = forbid
        outcome = await stage.do(PlanKind.CLEANUP, "bound")
        saved = next(entry for entry in stage.journal.entries if entry.kind == "saved").fields["backup"]
        # What is missing now is offered by a replay.
        plan = await stage.session.plan(PlanKind.REPLAY)
    assert outcome.status is Status.FAILED
    assert "is gone and could not be restored" in outcome.text
    assert saved in outcome.text
    assert load_backup(Path(saved)) == before
    assert "bound" in {entry.ref.name for entry in plan.entries}


@pytest.mark.parametrize("code", [403, 422, 500])
async def test_what_the_server_says_of_a_secret_reaches_nobody(tmp_path: Path, code: int) -> None:
    value = "cXp4LXBhc3N3b3Jk"
    lost = obj("Secret", "password", data={"password": value})
    async with on_stage(tmp_path, listed=(lost,), standing=()) as stage:

        async def refuse(_: Request) -> None:
            raise ApiFault(code, "Invalid", f'data.password: Invalid value: "{value}"')

        stage.spy.before = refuse
        outcome = await stage.do(PlanKind.REPLAY, "password")
        texts = [outcome.text, session_markdown(stage.session), stage.journal.path.read_text()]
    assert outcome.status is Status.FAILED
    assert f"HTTP {code} Invalid" in outcome.text
    assert not [text for text in texts if value in text]


async def test_what_a_dry_run_says_of_a_secret_reaches_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    value = "cXp4LXBhc3N3b3Jk"
    lost = obj("Secret", "password", data={"password": value})
    async with on_stage(tmp_path, listed=(lost,), standing=()) as stage:

        async def refuse(_: object) -> Any:
            raise ApiFault(422, "Invalid", f'data.password: Invalid value: "{value}"')

        monkeypatch.setattr(stage.spy.writer, "send", refuse)
        _, asked = await stage.ask(PlanKind.REPLAY, "password")
    assert not asked.allowed
    assert "HTTP 422 Invalid" in asked.refusal
    assert value not in str(asked.refusal) + str(asked.dry_run) + "".join(asked.diff) + asked.live_yaml


async def test_a_dry_run_that_nobody_answered_is_not_called_a_refusal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with on_stage(tmp_path) as stage:

        async def nobody(_: object) -> Any:
            raise Unreachable("no answer within 15 s")

        monkeypatch.setattr(stage.spy.writer, "send", nobody)
        _, asked = await stage.ask(PlanKind.CLEANUP, "gone")
    assert not asked.allowed
    assert asked.refusal == "it could not be tried: no answer within 15 s"
