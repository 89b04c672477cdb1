"""On a real kube-apiserver: a session killed at a sample of its instants is taken up to the same end, and undone."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.clusters import FAMILY, contract, document, record
from tests.recovery.killable import Killed, Killer, Tapped, as_is, identity_of, journal_in, killing, now, pause, recover
from tests.recovery.stage import ACTIVE, BOUND, GONE, KEPT, LISTED, LOST, SPACE, Let, bare
from tui.cluster.connect import Connection
from tui.cluster.reader import ClusterReader
from tui.cluster.writer import Writer
from tui.contract.model import Contract
from tui.objects import Json, Ref
from tui.recovery.journal import backup_path, load_backup, read_journal, sessions, unfinished
from tui.recovery.outcome import Status
from tui.recovery.ports import Method, Request
from tui.recovery.session import Session, Tools
from tui.recovery.undo import past_of

ALL = (LOST, KEPT, GONE, BOUND)
FEW = 6
"""So many of the instants, evenly spread, are tried for each apply method."""


class Place:
    """One wreck of its own on the shared cluster: its namespace, its names, its contract."""

    def __init__(self, connection: Connection, space: str) -> None:
        self.connection = connection
        self.space = space
        self.reader = ClusterReader(connection.api)
        family = replace(FAMILY, namespace=space, cleanup_namespaces=(space,))
        self.rules: Contract = contract(releases=(family,), claims=())

    def here(self, body: Json) -> Json:
        """An object of the practice wreck, moved to this place."""
        text = json.dumps(bare(body)).replace(SPACE, self.space).replace('"bound"', f'"bound-{self.space}"')
        moved: Json = json.loads(text)
        return moved

    async def wreck(self, method: str) -> None:
        listed = [document(self.here(each)) for each in LISTED]
        for each in listed:
            each["metadata"].pop("namespace", None)
        stored = record(ACTIVE, documents=listed, method=method, namespace=self.space)
        space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.space}}
        for body in (space, bare(stored), *(self.here(each) for each in (KEPT, GONE, BOUND))):
            await Writer(self.connection.api).send(Let(Request(Method.CREATE, Ref.of(body), body, "helm")))

    async def standing(self, *bodies: Json) -> str:
        """What stands of these, as one text without what differs from place to place."""
        found = [await self.reader.get(Ref.of(self.here(body))) for body in bodies]
        return json.dumps(as_is([body for body in found if body]), sort_keys=True).replace(self.space, SPACE)

    async def leave(self) -> None:
        """Takes away what is cluster-scoped, so that no other test meets it."""
        options = {"apiVersion": "v1", "kind": "DeleteOptions"}
        await Writer(self.connection.api).send(Let(Request(Method.DELETE, Ref.of(self.here(BOUND)), options)))

    def tap(self, at: int = 0) -> Tapped:
        return Tapped(Writer(self.connection.api), Killer(at))

    async def recover(self, folder: Path, tapped: Tapped) -> Session:
        session, _ = await recover(self.connection, folder, tapped, self.rules)
        return session

    async def undo(self, folder: Path) -> list[Status]:
        """Puts back everything that the folder's first session did."""
        path = sessions(folder)[0].path
        past = past_of(path.stem, read_journal(path).entries, lambda name: load_backup(backup_path(path, name)))
        identity = await identity_of(self.connection)
        with journal_in(folder, identity) as journal:
            session = Session(self.rules, identity, Tools(self.reader, self.tap(), journal, now, pause))
            plan = await session.plan_undo(past)
            outcomes = []
            for entry in plan.entries:
                asked = await session.look(plan, entry)
                assert asked.allowed, asked.refusal
                outcomes.append(await session.carry_out(plan, asked, asked.typed))
            await session.close()
        assert all(o.status is Status.DONE for o in outcomes), [o.text for o in outcomes]
        return [o.status for o in outcomes]


def requests(tapped: Tapped, place: Place) -> Counter[Any]:
    return Counter((method, label.replace(place.space, SPACE)) for method, label in tapped.done)


@pytest.mark.parametrize("method", ["csa", "ssa"])
async def test_killed_at_a_sample_of_its_instants_and_undone(live: Connection, tmp_path: Path, method: str) -> None:
    unkilled = Place(live, f"killed-{method}")
    await unkilled.wreck(method)
    before = await unkilled.standing(*ALL)
    tapped = unkilled.tap()
    with killing(tapped.killer):
        await unkilled.recover(tmp_path / "unkilled", tapped)
    end = await unkilled.standing(*ALL)
    assert await unkilled.undo(tmp_path / "unkilled") == [Status.DONE] * 3
    assert await unkilled.standing(KEPT, GONE, BOUND) == before
    await unkilled.leave()
    for at in range(10, tapped.killer.count, max(1, (tapped.killer.count - 10) // FEW)):
        place, folder = Place(live, f"killed-{method}-{at}"), tmp_path / str(at)
        await place.wreck(method)
        first, second = place.tap(at), place.tap()
        with killing(first.killer), pytest.raises(Killed):
            await place.recover(folder, first)
        session = await place.recover(folder, second)
        assert await place.standing(*ALL) == end, at
        assert requests(first, place) + requests(second, place) == requests(tapped, unkilled), at
        assert {o.status for o in {o.entry.id: o for o in session.outcomes}.values()} == {Status.DONE}, at
        assert unfinished(folder) == (), at
        assert await place.undo(folder) == [Status.DONE] * 3
        assert await place.standing(KEPT, GONE, BOUND) == before, at
        await place.leave()
