"""Killed at every instant, a session is taken up again: nothing is done twice, nothing is lost."""

import asyncio
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import yaml

from tests.clusters import contract
from tests.recovery.killable import Killed, Killer, Tapped, as_is, killing, recover, session_on
from tests.recovery.stage import BOUND, GONE, KEPT, LISTED, SPACE, bare, release_record
from tui.cluster.connect import Connection, connection_from_dict
from tui.cluster.writer import Writer
from tui.faults import OutcomeUnknown
from tui.objects import Json
from tui.practice.cluster import PracticeCluster
from tui.recovery.backup import dump_backup
from tui.recovery.gate import Admitted
from tui.recovery.journal import backup_path, load_backup, sessions, unfinished
from tui.recovery.outcome import Status
from tui.recovery.ports import Answer
from tui.recovery.session import Session

ROOT = Path(__file__).parents[2]
WRECK = (KEPT, GONE, BOUND)
MADE_BY_OTHERS = ("Event", "Lease", "Node", "Endpoints", "EndpointSlice")
ENTRIES = {
    "create /Service flux-system/lost",
    "adopt /ServiceAccount flux-system/kept",
    "recreate rbac.authorization.k8s.io/ClusterRoleBinding bound",
    "delete networking.k8s.io/NetworkPolicy flux-system/gone",
}


@asynccontextmanager
async def wrecked(method: str) -> AsyncIterator[tuple[PracticeCluster, Connection]]:
    """A practice cluster with something to create, to adopt, to recreate and to delete."""
    async with PracticeCluster(seed=7) as cluster:
        for name in (SPACE, "apps"):
            cluster.runner.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}, "admin")
        for body in (release_record(method, LISTED), *WRECK):
            cluster.runner.create(bare(body), "helm")
        await cluster.settle()
        async with await connection_from_dict(cluster.kubeconfig()) as connection:
            yield cluster, connection


def everything(cluster: PracticeCluster) -> list[Json]:
    return as_is([body for _, body in cluster.world.store.objects() if body["kind"] not in MADE_BY_OTHERS])


async def unkilled(method: str, folder: Path) -> tuple[list[Json], Counter[tuple[str, str]], int]:
    """What a session that nobody kills leaves: the cluster, its requests, and the number of its instants."""
    async with wrecked(method) as (cluster, connection):
        killer = Killer()
        tapped = Tapped(Writer(connection.api), killer)
        with killing(killer):
            session, _ = await recover(connection, folder, tapped)
        assert {o.entry.id for o in session.outcomes if o.status is Status.DONE} == ENTRIES
        return everything(cluster), Counter(tapped.done), killer.count


def ended(session: Session) -> dict[str, Status]:
    """How each entry ended at last."""
    return {outcome.entry.id: outcome.status for outcome in session.outcomes}


def whole(folder: Path, before: dict[str, Json]) -> None:
    """Every journal verifies, every backup is what stood before its entry."""
    for each in sessions(folder):
        assert each.reading.intact, each.reading.fault
        for entry in each.reading.entries:
            if entry.kind == "saved":
                body = load_backup(backup_path(each.path, entry.fields["backup"]))
                assert body["metadata"]["uid"] == before[body["metadata"]["name"]]["metadata"]["uid"]


@pytest.mark.parametrize("method", ["csa", "ssa"])
async def test_killed_at_every_instant(tmp_path: Path, method: str) -> None:
    end, requests, instants = await unkilled(method, tmp_path / "unkilled")
    assert instants > 40
    for at in range(1, instants + 1):
        folder = tmp_path / f"at-{at}"
        async with wrecked(method) as (cluster, connection):
            before = {body["metadata"]["name"]: body for _, body in cluster.world.store.objects()}
            killer = Killer(at)
            first, second = (Tapped(Writer(connection.api), each) for each in (killer, Killer()))
            with killing(killer), pytest.raises(Killed):
                await recover(connection, folder, first)
            session, _ = await recover(connection, folder, second)
            assert everything(cluster) == end, at
        assert Counter(first.done) + Counter(second.done) == requests, at
        # Behind the last instant the session was closed, and what comes next is another one with nothing to do.
        assert ended(session) == (dict.fromkeys(ENTRIES, Status.DONE) if at < instants else {}), at
        assert unfinished(folder) == (), at
        whole(folder, before)
        shutil.rmtree(folder)


@pytest.mark.parametrize("again", [2, 4, 5, 7])
async def test_killed_again_while_it_is_taken_up(tmp_path: Path, again: int) -> None:
    end, requests, _ = await unkilled("ssa", tmp_path / "unkilled")
    for at in (19, 29, 33, 41, 47, 57):
        folder = tmp_path / f"at-{at}"
        async with wrecked("ssa") as (cluster, connection):
            taps = [Tapped(Writer(connection.api), Killer(each)) for each in (at, again, 0)]
            for tapped in taps[:2]:
                with killing(tapped.killer), pytest.raises(Killed):
                    await recover(connection, folder, tapped)
            session, _ = await recover(connection, folder, taps[2])
            assert everything(cluster) == end, at
        assert sum((Counter(tapped.done) for tapped in taps), Counter()) == requests, at
        assert ended(session) == dict.fromkeys(ENTRIES, Status.DONE), at


async def process(folder: Path, at: int, number: int) -> tuple[int, str]:
    """A real process on the same cluster; its exit code and what it says of its outcomes."""
    started = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.recovery.killable", str(folder / "kubeconfig"), str(folder / "journal")),
        *(str(at), str(number)),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    out, err = await started.communicate()
    assert b"Traceback" not in err, err.decode()
    return int(started.returncode or 0), out.decode()


@pytest.mark.parametrize(
    ("at", "number"),
    [
        (13, signal.SIGHUP),
        (33, signal.SIGKILL),
        (48, signal.SIGKILL),
        (49, signal.SIGTERM),
    ],
    ids=lambda value: value.name if isinstance(value, signal.Signals) else str(value),
)
async def test_a_real_process_is_killed_and_the_next_one_goes_on(tmp_path: Path, at: int, number: int) -> None:
    end, requests, _ = await unkilled("ssa", tmp_path / "unkilled")
    async with wrecked("ssa") as (cluster, _):
        (tmp_path / "kubeconfig").write_text(yaml.safe_dump(cluster.kubeconfig()))
        before = {body["metadata"]["name"]: body for _, body in cluster.world.store.objects()}
        assert await process(tmp_path, at, number) == (-number, "")
        assert [each.busy for each in unfinished(tmp_path / "journal")] == [False]
        code, told = await process(tmp_path, 0, 0)
        assert everything(cluster) == end
    assert code == 0
    assert {f"done {identity}" for identity in ENTRIES} <= set(told.splitlines())
    (session,) = sessions(tmp_path / "journal")
    assert session.reading.closed
    whole(tmp_path / "journal", before)
    sent = Counter((e.fields["method"], e.fields["entry"]) for e in session.reading.entries if e.kind == "sending")
    assert sum(sent.values()) - sum(requests.values()) in (0, 1), "at most the request that was never sent is repeated"


class Cut(Tapped):
    """The API server restarts around the ``at``-th request in earnest: before it arrives, or before it is answered."""

    def __init__(self, writer: Writer, cluster: PracticeCluster, at: int, *, arrives: bool) -> None:
        super().__init__(writer, Killer())
        self._cluster, self._at, self._arrives, self._count = cluster, at, arrives, 0

    async def send(self, admitted: Admitted) -> Answer:
        self._count += not admitted.request.dry_run
        if admitted.request.dry_run or self._count != self._at:
            return await super().send(admitted)
        if self._arrives:
            await super().send(admitted)
        await self._cluster.stop()
        try:
            if self._arrives:
                raise OutcomeUnknown("the connection was lost")
            return await super().send(admitted)
        finally:
            await self._cluster.start()


@pytest.mark.parametrize("arrives", [True, False], ids=["answer-lost", "never-arrived"])
async def test_the_api_server_restarts_around_every_request(tmp_path: Path, arrives: bool) -> None:
    end, requests, _ = await unkilled("ssa", tmp_path / "unkilled")
    for at in range(1, sum(requests.values()) + 1):
        folder = tmp_path / f"at-{at}"
        async with wrecked("ssa") as (cluster, connection):
            cluster._port = int(cluster.url.rpartition(":")[2])
            cut = Cut(Writer(connection.api), cluster, at, arrives=arrives)
            with pytest.raises(AssertionError, match="the outcome is not known"):
                await recover(connection, folder, cut)
            after = Tapped(Writer(connection.api), Killer())
            session, _ = await recover(connection, folder, after)
            assert everything(cluster) == end, at
        assert Counter(cut.done) + Counter(after.done) == requests, at
        assert ended(session) == dict.fromkeys(ENTRIES, Status.DONE), at


class KilledBehindADelete(Tapped):
    """A writer whose process dies as soon as its first deletion is done."""

    async def send(self, admitted: Admitted) -> Answer:
        answer = await super().send(admitted)
        if self.done and self.done[-1][0] == "delete":
            raise Killed
        return answer


async def test_nothing_is_brought_to_its_end_from_a_copy_that_was_exchanged(tmp_path: Path) -> None:
    async with wrecked("csa") as (_, connection):
        first, second = KilledBehindADelete(Writer(connection.api), Killer()), Tapped(Writer(connection.api), Killer())
        with pytest.raises(Killed):
            await recover(connection, tmp_path, first)
        (left,) = unfinished(tmp_path)
        name = next(entry.fields["backup"] for entry in reversed(left.reading.entries) if entry.kind == "saved")
        path = backup_path(left.path, name)
        path.write_text(dump_backup(load_backup(path) | {"subjects": [{"kind": "User", "name": "mallory"}]}))
        session, (outcome,) = await session_on(connection, tmp_path, second, contract())
        session.leave()
    assert outcome.status is Status.IN_DOUBT
    assert "is not the one that was saved" in outcome.text
    assert second.done == []
