"""Looking through a cluster for the names of a few objects: all that may name them is read, and nothing is kept."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.recovery.test_gate_mentions import THING, thing
from tui.cluster.connect import Connection, connection_from_dict
from tui.cluster.reader import ClusterReader
from tui.cluster.writer import Writer
from tui.objects import Gap, Key, KindKey, Ref
from tui.practice.cluster import PracticeCluster
from tui.recovery.gate import Admitted
from tui.recovery.ports import Method, Request

CONFIG = Key("", "ConfigMap", "default", "leftover")
SECRET = Key("", "Secret", "default", "leftover-tls")


@pytest.fixture
async def practice() -> AsyncIterator[PracticeCluster]:
    async with PracticeCluster(seed=3) as cluster:
        yield cluster


@pytest.fixture
async def here(practice: PracticeCluster) -> AsyncIterator[Connection]:
    async with await connection_from_dict(practice.kubeconfig()) as connection:
        yield connection


def config_map(name: str, **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "default"}, "data": data}


async def create(connection: Connection, *bodies: dict[str, Any]) -> None:
    writer = Writer(connection.api)
    for body in bodies:
        await writer.send(Admitted(Request(Method.CREATE, Ref.of(body), body, "test")))


async def test_every_kind_without_a_body_is_read(practice: PracticeCluster, here: Connection) -> None:
    practice.runner.create(THING, "test")
    await practice.settle()
    used = thing({"ref": {"name": "leftover"}, "tls": {"secretName": "leftover-tls"}})
    used["metadata"]["namespace"] = "default"
    await create(here, config_map("leftover"), config_map("user", conf="x=leftover"), used)
    reader = ClusterReader(here.api)
    known = await reader.inventory()
    found = (await reader.search(known, [CONFIG, SECRET])).searched
    assert found.targets == {CONFIG, SECRET}
    assert found.gaps == ()
    assert {(m.target.name, m.user.label, m.where) for m in found.mentions} == {
        ("leftover", "ConfigMap default/user", "data[conf]"),
        ("leftover", "Thing default/user", "spec.ref.name"),
        ("leftover-tls", "Thing default/user", "spec.tls.secretName"),
    }


async def test_kinds_without_an_object_are_asked_only_anew(practice: PracticeCluster, here: Connection) -> None:
    practice.runner.create(THING, "test")
    await practice.settle()
    reader = ClusterReader(here.api)
    known = await reader.inventory()
    used = thing({"ref": "leftover"})
    used["metadata"]["namespace"] = "default"
    await create(here, used)
    assert (await reader.search(known, [CONFIG])).searched.mentions == ()
    again = await reader.search(known, [CONFIG], anew=True)
    assert [m.user.label for m in again.searched.mentions] == ["Thing default/user"]


async def test_what_is_looked_for_later_adds_to_what_is_known(here: Connection) -> None:
    await create(here, config_map("user", conf="leftover leftover-tls"))
    reader = ClusterReader(here.api)
    one = await reader.search(await reader.inventory(), [CONFIG])
    both = await reader.search(one, [SECRET])
    assert both.searched.targets == {CONFIG, SECRET}
    assert {m.target for m in both.searched.mentions} == {CONFIG, SECRET}
    assert (await reader.search(both, [SECRET])).searched == both.searched


async def test_what_may_not_be_read_is_a_gap(practice: PracticeCluster, here: Connection) -> None:
    known = await ClusterReader(here.api).inventory()
    async with await connection_from_dict(practice.kubeconfig("no-secrets")) as poor:
        found = await ClusterReader(poor.api).search(known, [CONFIG], anew=True)
    assert [(gap.kind, "forbidden" in gap.reason) for gap in found.searched.gaps] == [("Secret", True)]


async def test_helms_own_records_are_not_asked_for(practice: PracticeCluster, here: Connection) -> None:
    """A record names all that its release made, and may be a megabyte."""
    queries: list[tuple[str, Any]] = []
    reader = ClusterReader(here.api)
    known = await reader.inventory()
    fetch = here.api.fetch

    async def spy(path: str, query: Any = (), **how: Any) -> bytes:
        queries.append((path, dict(query)))
        return await fetch(path, query, **how)

    here.api.fetch = spy  # type: ignore[method-assign] # a spy
    await reader.search(known, [CONFIG], anew=True)
    secrets = [query for path, query in queries if path.endswith("/secrets")]
    assert secrets
    assert all(query["fieldSelector"] == "type!=helm.sh/release.v1" for query in secrets)
    assert not [path for path, _ in queries if path.endswith(("/pods", "/events", "/leases"))]


async def test_nothing_is_read_where_nothing_is_looked_for(here: Connection) -> None:
    reader = ClusterReader(here.api)
    known = await reader.inventory()
    here.api.fetch = None  # type: ignore[assignment,method-assign] # any request would fail
    role = Key("rbac.authorization.k8s.io", "ClusterRole", None, "leftover")
    assert (await reader.search(known, [role])).searched.targets == frozenset()
    assert known.searched.gaps == ()
    assert Gap("", "Secret", None, "x") not in known.gaps
    assert KindKey("", "Pod") in known.whole
