"""A whole session that can be killed at every instant at which something leaves or reaches the disk or the cluster.

Also run as a program, ``killable.py KUBECONFIG FOLDER AT SIGNAL``: a real process that ends itself so at its AT-th
instant, or goes on with what an earlier one left and ends well where it has fewer.
"""

import asyncio
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import patch

import yaml

from tests.clusters import contract
from tui.cluster.connect import Connection, connection_from_dict
from tui.cluster.reader import ClusterReader
from tui.cluster.writer import Writer
from tui.contract.model import Contract
from tui.objects import Json, Ref
from tui.recovery import journal as journal_room
from tui.recovery import private
from tui.recovery.gate import Admitted
from tui.recovery.journal import Journal, unfinished
from tui.recovery.outcome import Outcome, Status
from tui.recovery.plan import PlanKind
from tui.recovery.ports import Answer, Identity, Request
from tui.recovery.session import Session, Tools


class Killed(BaseException):
    """The process is no more: nothing that runs after this may reach the disk or the cluster."""


@dataclass
class Killer:
    """Counts the instants; from the ``at``-th on, each one ends the process (``at`` 0: never)."""

    at: int = 0
    end: Callable[[], None] = field(default=lambda: None)
    count: int = 0

    def instant(self) -> None:
        self.count += 1
        if 0 < self.at <= self.count:
            self.end()
            raise Killed


@contextmanager
def killing(killer: Killer) -> Iterator[Killer]:
    """Every write to the session's files is two instants: a half of it is there, and all of it is."""
    whole = private.write

    def write(descriptor: int, data: bytes) -> None:
        half = len(data) // 2
        whole(descriptor, data[:half])
        killer.instant()
        whole(descriptor, data[half:])
        killer.instant()

    with patch.object(private, "write", write), patch.object(journal_room, "write", write):
        yield killer


@dataclass
class Tapped:
    """The one writer, and what the server did of that which it was sent in earnest. Behind each is an instant."""

    writer: Writer
    killer: Killer
    done: list[tuple[str, str]] = field(default_factory=list)

    async def send(self, admitted: Admitted) -> Answer:
        request: Request = admitted.request
        answer = await self.writer.send(admitted)
        if not request.dry_run:
            self.done.append((request.method.value, request.ref.label))
            self.killer.instant()
        return answer


def now() -> datetime:
    return datetime.now(UTC)


async def pause(seconds: float) -> None:
    """What is waited for is there at the next look, or never will be."""


async def identity_of(connection: Connection) -> Identity:
    space = await ClusterReader(connection.api).get(Ref("v1", "Namespace", None, "kube-system"))
    assert space is not None
    return Identity("practice", connection.server, space["metadata"]["uid"], "admin", "test")


def journal_in(folder: Path, identity: Identity) -> Journal:
    """The journal of the folder's unfinished session, taken up, or that of a new session."""
    left = unfinished(folder)
    assert len(left) <= 1
    header = {"context": "practice", "cluster": identity.cluster_uid, "sha256": contract().sha256}
    return Journal.resume(left[0].path, now) if left else Journal.create(folder, header, now)


async def session_on(
    connection: Connection, folder: Path, tapped: Tapped, rules: Contract
) -> tuple[Session, tuple[Outcome, ...]]:
    """The unfinished session of the folder, taken up, or a new one."""
    identity = await identity_of(connection)
    journal = journal_in(folder, identity)
    try:
        session = Session(rules, identity, Tools(ClusterReader(connection.api), tapped, journal, now, pause))
        return session, await session.take_up()
    except BaseException:
        journal.close()
        raise


async def recover(
    connection: Connection, folder: Path, tapped: Tapped, rules: Contract | None = None
) -> tuple[Session, tuple[Outcome, ...]]:
    """What a process does from its start to the end of the session; all entries confirmed."""
    session, settled = await session_on(connection, folder, tapped, rules or contract())
    try:
        for kind in (PlanKind.REPLAY, PlanKind.CLEANUP):
            plan = await session.plan(kind)
            for entry in plan.entries:
                asked = await session.look(plan, entry)
                assert asked.allowed, asked.refusal
                outcome = await session.carry_out(plan, asked, entry.typed)
                assert outcome.status is Status.DONE, outcome.text
        await session.close()
    finally:
        session.leave()
    return session, settled


def as_is(objects: list[Json]) -> list[Json]:
    """Objects without what differs from run to run: uids, versions, times, addresses."""
    return sorted((_as_is(body) for body in objects), key=lambda body: str(body["metadata"]) + body["kind"])


def _as_is(body: Json) -> Json:
    own = ("uid", "resourceVersion", "creationTimestamp")
    meta = {name: value for name, value in body["metadata"].items() if name not in own}
    if "managedFields" in meta:
        held = [{name: value for name, value in each.items() if name != "time"} for each in meta["managedFields"]]
        meta["managedFields"] = sorted(held, key=str)
    spec = {k: v for k, v in (body.get("spec") or {}).items() if k not in ("clusterIP", "clusterIPs")}
    return {**body, "metadata": meta} | ({"spec": spec} if spec else {})


async def _main(kubeconfig: str, folder: str, at: str, number: str) -> None:
    killer = Killer(int(at), lambda: os.kill(os.getpid(), int(number)))
    async with await connection_from_dict(yaml.safe_load(kubeconfig)) as connection:
        with killing(killer):
            session, _ = await recover(connection, Path(folder), Tapped(Writer(connection.api), killer))
    print(*(f"{o.status.value} {o.entry.id}" for o in session.outcomes), sep="\n")


if __name__ == "__main__":
    asyncio.run(_main(Path(sys.argv[1]).read_text(), *sys.argv[2:]))
