"""What a later process makes of a session that was cut off, where somebody else came in between or the ground moved."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.clusters import contract, inventory, obj
from tests.recovery.killable import Killed, Killer, Tapped, identity_of, journal_in, now, pause, recover
from tests.recovery.stage import ACTIVE, BOUND, GONE, KEPT, LISTED, LOST, Let, bare, ref_of, release_record
from tests.recovery.test_kill_points import wrecked
from tui.cluster.connect import Connection
from tui.cluster.reader import ClusterReader
from tui.cluster.writer import Writer
from tui.contract.model import Contract
from tui.faults import Fault
from tui.helm.errors import read_error
from tui.objects import Json, Ref
from tui.ownership.assess import assess
from tui.ownership.model import Wish
from tui.recovery import resume, told
from tui.recovery.chain import Entry as Line
from tui.recovery.gate import Admitted, Look, pins_of
from tui.recovery.journal import sessions
from tui.recovery.outcome import Outcome, Status
from tui.recovery.plan import Action, Entry, PlanKind
from tui.recovery.ports import Answer, Method, Request
from tui.recovery.progress import ActionProgress, ActionState, progress_of
from tui.recovery.resume import Found
from tui.recovery.session import Session, Tools
from tui.recovery.wishfile import wish_json


class CutOff(Tapped):
    """The process ends behind its first request of this kind to this object: done, and never answered."""

    def __init__(self, writer: Writer, method: Method, body: Json) -> None:
        super().__init__(writer, Killer())
        self._last = (method, body["metadata"]["name"])

    async def send(self, admitted: Admitted) -> Answer:
        answer = await super().send(admitted)
        request = admitted.request
        if not request.dry_run and (request.method, request.ref.name) == self._last:
            raise Killed
        return answer


class NotOurs:
    """A claim that somebody else has."""

    warnings: tuple[str, ...] = ()

    async def refused(self) -> str:
        return "bob@bastion holds the recovery"

    async def release(self, *, keep: bool = False) -> None:
        pass


@dataclass
class Rest:
    """The cluster after the cut, and whoever comes next."""

    connection: Connection
    folder: Path
    sent: list[tuple[str, str]]

    async def somebody(self, method: Method, body: Json, change: Any = None, manager: str = "somebody") -> None:
        if method is Method.DELETE:
            manager, change = "", {"propagationPolicy": "Background"}
        await Writer(self.connection.api).send(Let(Request(method, ref_of(body), change or bare(body), manager)))

    async def get(self, body: Json) -> Json | None:
        return await ClusterReader(self.connection.api).get(ref_of(body))

    @asynccontextmanager
    async def next(self, rules: Contract | None = None, **tools: Any) -> AsyncIterator[Session]:
        tapped = Tapped(Writer(self.connection.api), Killer())
        identity = await identity_of(self.connection)
        with journal_in(self.folder, identity) as journal:
            means = Tools(ClusterReader(self.connection.api), tapped, journal, now, pause, **tools)
            yield Session(rules or contract(), identity, means)
            self.sent += tapped.done

    async def settled(self, **tools: Any) -> Outcome:
        """How the one thing that was left open ended."""
        async with self.next(**tools) as session:
            (outcome,) = await session.take_up()
            await session.close()
        return outcome

    @property
    def open(self) -> bool:
        return sessions(self.folder)[0].unfinished


@asynccontextmanager
async def cut_off(folder: Path, method: Method, body: Json, *, release: str = "csa") -> AsyncIterator[Rest]:
    async with wrecked(release) as (_, connection):
        tapped = CutOff(Writer(connection.api), method, body)
        with pytest.raises(Killed):
            await recover(connection, folder, tapped)
        yield Rest(connection, folder, [])


async def test_what_somebody_made_again_is_left_to_them(tmp_path: Path) -> None:
    async with cut_off(tmp_path, Method.DELETE, BOUND) as rest:
        await rest.somebody(Method.CREATE, BOUND, manager="kustomize-controller")
        outcome = await rest.settled()
    assert outcome.status is Status.FAILED
    assert "made again by kustomize-controller: nothing is created over it" in outcome.text
    assert (rest.sent, rest.open) == ([], False)


async def test_a_recreation_whose_release_moved_on_restores_what_was_there(tmp_path: Path) -> None:
    async with cut_off(tmp_path, Method.DELETE, BOUND) as rest:
        role = {**BOUND["roleRef"], "name": "elsewhere"}
        moved = release_record(documents=(*LISTED[:2], {**BOUND, "roleRef": role}), revision=2)
        await rest.somebody(Method.CREATE, moved)
        outcome = await rest.settled()
        body = await rest.get(BOUND)
    assert outcome.status is Status.FAILED
    assert "ClusterRoleBinding bound was restored as it was" in outcome.text
    assert body is not None
    assert body["roleRef"]["name"] == "before"
    assert body["metadata"]["annotations"] == BOUND["metadata"]["annotations"]
    assert rest.sent == [("create", "ClusterRoleBinding bound")]


async def test_what_follows_waits_for_an_owner_at_work(tmp_path: Path) -> None:
    pending = release_record(revision=2, status="pending-upgrade")
    async with cut_off(tmp_path, Method.DELETE, BOUND) as rest:
        await rest.somebody(Method.CREATE, pending)
        waits = await rest.settled()
        assert (waits.status, rest.open, rest.sent) == (Status.IN_DOUBT, True, [])
        assert "what follows has to wait" in waits.text
        await rest.somebody(Method.DELETE, pending)
        outcome = await rest.settled()
        body = await rest.get(BOUND)
    assert outcome.status is Status.DONE, outcome.text
    assert body is not None
    assert body["roleRef"]["name"] == "after"
    assert not rest.open


async def test_a_session_that_may_not_act_settles_nothing(tmp_path: Path) -> None:
    async with cut_off(tmp_path, Method.DELETE, GONE) as rest:
        outcome = await rest.settled(hold=NotOurs())
        assert (outcome.status, rest.open) == (Status.IN_DOUBT, True)
        assert "bob@bastion" in outcome.text
        assert (await rest.settled()).status is Status.DONE
    assert rest.sent == []


async def test_a_create_that_cannot_be_ours_is_not_taken_for_it(tmp_path: Path) -> None:
    async with cut_off(tmp_path, Method.CREATE, LOST, release="ssa") as rest:
        await rest.somebody(Method.DELETE, LOST)
        await rest.somebody(Method.CREATE, LOST, manager="kustomize-controller")
        outcome = await rest.settled()
    assert outcome.status is Status.FAILED
    assert "was made by kustomize-controller" in outcome.text
    assert rest.sent == []


async def test_a_create_that_is_gone_again_is_offered_again(tmp_path: Path) -> None:
    async with cut_off(tmp_path, Method.CREATE, LOST, release="ssa") as rest:
        await rest.somebody(Method.DELETE, LOST)
        outcome = await rest.settled()
        async with rest.next() as session:
            await session.take_up()
            plan = await session.plan(PlanKind.REPLAY)
    assert outcome.status is Status.FAILED
    assert "was not made" in outcome.text
    assert [entry.ref.name for entry in plan.entries] == ["lost"]


async def test_an_adoption_is_brought_to_its_end_on_the_same_object_alone(tmp_path: Path) -> None:
    async with cut_off(tmp_path, Method.MERGE_PATCH, KEPT, release="ssa") as rest:
        await rest.somebody(Method.DELETE, KEPT)
        await rest.somebody(Method.CREATE, KEPT)
        outcome = await rest.settled()
    assert outcome.status is Status.FAILED
    assert "is another object now" in outcome.text
    assert rest.sent == []


async def test_a_spoilt_backup_leaves_its_entry_in_doubt(tmp_path: Path) -> None:
    async with cut_off(tmp_path, Method.DELETE, BOUND) as rest:
        (backup,) = sessions(tmp_path)[0].path.with_suffix("").glob("*-bound.yaml")
        backup.write_text(backup.read_text() + "x: 1\n")
        outcome = await rest.settled()
    assert outcome.status is Status.IN_DOUBT
    assert "was cut short or changed" in outcome.text
    assert (rest.sent, rest.open) == ([], True)


async def test_it_is_taken_up_under_its_own_contract_alone(tmp_path: Path) -> None:
    async with cut_off(tmp_path, Method.DELETE, GONE) as rest, rest.next(contract(sha256="1" * 64)) as session:
        with pytest.raises(Fault, match="begun under another contract"):
            await session.take_up()
    assert rest.sent == []


async def test_the_next_process_knows_what_was_decided_and_stated(tmp_path: Path) -> None:
    async with cut_off(tmp_path, Method.DELETE, GONE) as rest:
        async with rest.next() as session:
            known = {o.entry.id: (o.status, o.text) for o in session.outcomes}
            session.state(Wish(expected=ACTIVE))
        async with rest.next() as session:
            assert session.wish == Wish(expected=ACTIVE)
    assert {status for status, _ in known.values()} == {Status.DONE, Status.IN_DOUBT}
    assert known["adopt /ServiceAccount flux-system/kept"][1].endswith(f"now belongs to {ACTIVE}")


REFUSED = (
    'Unable to continue with install: ClusterRole "crd-controller" in namespace "" exists and '
    "cannot be imported into the current release: invalid ownership metadata; annotation validation error: key "
    f'"meta.helm.sh/release-name" must equal "{ACTIVE}": current value is "gitops-flux-ffff0000"'
)


def test_a_wish_is_what_was_stated_last() -> None:
    def line(kind: str, **fields: Any) -> Line:
        return Line(1, "", "", kind, fields, "")

    settled, expected = Wish(settled=(ACTIVE, 2)), Wish(ACTIVE, error=read_error(REFUSED))
    assert expected.error.conflicts
    opened = line("opened", wish=wish_json(settled))
    assert told.wish_of([opened]) == settled
    assert told.wish_of([opened, line("stated", wish=wish_json(expected))]) == expected
    assert told.wish_of([opened, line("stated", wish=wish_json(Wish()))]) == Wish()
    assert told.wish_of([]) == Wish()


def entry(action: Action, **parts: Any) -> Entry:
    ref = Ref("kustomize.toolkit.fluxcd.io/v1", "Kustomization", "flux-system", "apps", "uid-1")
    return Entry(action, ref, "gitops-flux", ACTIVE, "why", "owner", "then", **parts)


def flux(version: str, **parts: Any) -> Json:
    body = obj("Kustomization", "apps", **parts)
    body["metadata"] |= {"uid": "uid-1", "resourceVersion": version}
    return body


def damaged(finalizers: object) -> Json:
    body = flux("2")
    body["metadata"]["finalizers"] = finalizers
    return body


ASKED = {"reconcile.fluxcd.io/requestedAt": "2026-01-01T00:00:00Z"}
HELD = flux("1", spec={"suspend": True}, finalizers=["a/b", "c/d"])


@pytest.mark.parametrize(
    ("action", "body", "found"),
    [
        (Action.RECONCILE, flux("1"), Found.UNDONE),
        (Action.RECONCILE, flux("2"), Found.UNDONE),
        (Action.RECONCILE, flux("2", annotations=ASKED), Found.WRITTEN),
        (Action.RESUME, HELD, Found.UNDONE),
        (Action.RESUME, flux("2", spec={"suspend": True}), Found.UNDONE),
        (Action.RESUME, flux("2", spec={"suspend": False}), Found.WRITTEN),
        (Action.RESUME, flux("2", spec={"suspend": "true"}), Found.UNDONE),
        (Action.RESUME, flux("2", spec={}), Found.WRITTEN),
        (Action.UNFINALIZE, HELD, Found.UNDONE),
        (Action.UNFINALIZE, damaged("a/b"), Found.UNDONE),
        (Action.UNFINALIZE, damaged([{"name": "a/b"}]), Found.UNDONE),
        (Action.UNFINALIZE, flux("2", finalizers=["c/d"]), Found.WRITTEN),
        (Action.UNFINALIZE, None, Found.DONE),
        (Action.ADOPT, None, Found.OVERTAKEN),
        (Action.ADOPT, flux("2", release=ACTIVE), Found.WRITTEN),
        (Action.ADOPT, flux("2", release="another"), Found.UNDONE),
        (Action.REPAIR, flux("2"), Found.UNDONE),
        (Action.DELETE, None, Found.DONE),
        (Action.DELETE, flux("2"), Found.UNDONE),
        (Action.DELETE, flux("2", deleting=True), Found.REMOVED),
        (Action.RECREATE, flux("2", deleting=True), Found.REMOVED),
        (Action.RECREATE, flux("2"), Found.UNDONE),
    ],
)
def test_what_a_fresh_look_makes_of_an_action(action: Action, body: Json | None, found: Found) -> None:
    sent = {"method": "delete", "resource_version": "1"}
    begun = ActionProgress("x", ActionState.IN_DOUBT, step=1, sent=sent)
    about = entry(action, finalizer="a/b" if action is Action.UNFINALIZE else "")
    assert resume.judge(begun, about, "flux-system", HELD, body).found is found


def test_an_entry_reads_as_it_was_described() -> None:
    about = entry(Action.RESTORE, finalizer="a/b", chart=True, source="s/0001.yaml", left="f" * 64)
    line = Line(1, "", "", "confirmed", told.describe(about), "")
    (action,) = progress_of([line]).values()
    assert told.entry_of(action) == about
    assert told.entry_of(ActionProgress("x", details={"action": "nonsense", "ref": {"kind": "A", "name": "b"}})) is None
    assert told.entry_of(ActionProgress("x")) is None


@pytest.mark.parametrize(
    ("since", "finalizers", "found", "told"),
    [
        (61, ["a.example/b", "\x1b[31m"], Found.REMOVED, "being deleted, it waits for a.example/b, "),
        (59, ["a.example/b"], Found.REMOVED, ""),
        (61, [], Found.REMOVED, ""),
        (61, ["a.example/b"], Found.WRITTEN, ""),
    ],
)
def test_what_a_finalizer_holds_back_is_waited_for_once(
    since: int, finalizers: list[str], found: Found, told: str
) -> None:
    rules, deleted = contract(), datetime(2026, 2, 1, tzinfo=UTC)
    body = obj("ConfigMap", "box", finalizers=finalizers)
    body["metadata"]["deletionTimestamp"] = deleted.isoformat()
    assessment = assess(rules, inventory([body]), today=deleted.date())
    look = Look(assessment, body, pins_of(rules, assessment))
    why = resume.not_now(look, None, found, deleted + timedelta(seconds=since))
    assert why.startswith(told) if told else why == ""
    assert "\x1b" not in why
    assert ("refloat plan mend" in why) is bool(told)
