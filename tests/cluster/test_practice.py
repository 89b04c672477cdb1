"""The whole room against the practice cluster: what is written is read, watched, and refused as it should be."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from tui.cluster import listing
from tui.cluster.connect import Connection, connection_from_dict
from tui.cluster.reader import ClusterReader
from tui.cluster.watch import What
from tui.cluster.writer import Writer
from tui.faults import ApiFault
from tui.objects import Json, Key, KindKey, Ref
from tui.practice.cluster import PracticeCluster
from tui.recovery.ports import Access, Method, Request

CM = Ref("v1", "ConfigMap", "default", "settings")
BODY: Json = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"a": "1 😀"}}


@dataclass(frozen=True)
class Let:
    request: Request


@pytest.fixture
async def practice() -> AsyncIterator[PracticeCluster]:
    async with PracticeCluster(seed=7) as cluster:
        yield cluster


@pytest.fixture
async def here(practice: PracticeCluster) -> AsyncIterator[Connection]:
    async with await connection_from_dict(practice.kubeconfig()) as connection:
        yield connection


@pytest.fixture
def writer(here: Connection) -> Writer:
    return Writer(here.api)


async def send(
    writer: Writer, method: Method, ref: Ref, body: Any, *, manager: str = "helm", dry_run: bool = False
) -> Json:
    answer = await writer.send(Let(Request(method, ref, body, "" if method is Method.DELETE else manager, dry_run)))
    return answer.body


async def test_an_inventory_is_complete(here: Connection) -> None:
    inventory = await ClusterReader(here.api).inventory()
    assert inventory.gaps == []
    assert inventory.cluster_uid == inventory.objects[Key("", "Namespace", None, "kube-system")].ref.uid
    assert KindKey("apps", "Deployment") in inventory.served
    role = inventory.objects[Key("rbac.authorization.k8s.io", "ClusterRole", None, "system:aggregate-to-view")]
    assert role.body is not None
    assert role.body["rules"]


async def test_pages_make_the_same_inventory(here: Connection, writer: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(7):
        ref = Ref("v1", "ConfigMap", "default", f"cm-{n}")
        await send(writer, Method.CREATE, ref, {**BODY, "metadata": {"name": ref.name}})
    whole = await ClusterReader(here.api).inventory()
    for name in ("PAGE", "BODY_PAGE"):
        monkeypatch.setattr(listing, name, 2)
    paged = await ClusterReader(here.api).inventory()
    assert paged.objects == whole.objects
    assert len([key for key in paged.objects if key.kind == "ConfigMap"]) >= 7


async def test_every_kind_of_change_does_what_it_says(here: Connection, writer: Writer) -> None:
    reader = ClusterReader(here.api)
    await send(writer, Method.CREATE, CM, BODY, dry_run=True)
    assert await reader.get(CM) is None
    made = await send(writer, Method.CREATE, CM, BODY)
    assert made["data"] == BODY["data"]
    await send(writer, Method.MERGE_PATCH, CM, {"data": {"b": "2"}})
    await send(writer, Method.JSON_PATCH, CM, [{"op": "replace", "path": "/data/b", "value": "3"}])
    await send(writer, Method.APPLY, CM, {**BODY, "data": {"c": "ü😀"}}, manager="other")
    live = await reader.get(CM)
    assert live is not None
    assert live["data"] == {"a": "1 😀", "b": "3", "c": "ü😀"}
    assert {entry["manager"] for entry in live["metadata"]["managedFields"]} == {"helm", "other"}
    with pytest.raises(ApiFault) as caught:
        await send(writer, Method.APPLY, CM, {**BODY, "data": {"a": "mine"}}, manager="other")
    assert [cause.field for cause in caught.value.conflicts] == [".data.a"]
    uid = live["metadata"]["uid"]
    await send(writer, Method.DELETE, CM, {"preconditions": {"uid": uid}}, dry_run=True)
    with pytest.raises(ApiFault, match="UID in the precondition"):
        await send(writer, Method.DELETE, CM, {"preconditions": {"uid": "another"}})
    assert await reader.get(CM) is not None
    await send(writer, Method.DELETE, CM, {"preconditions": {"uid": uid}})
    assert await reader.get(CM) is None


async def test_a_feed_sees_it_all(here: Connection, writer: Writer) -> None:
    async with (
        ClusterReader(here.api).watch([KindKey("", "ConfigMap")], namespace="default") as feed,
        asyncio.timeout(20),
    ):
        while (await anext(feed)).what is not What.SYNCED:
            pass
        made = await send(writer, Method.CREATE, CM, BODY)
        await send(writer, Method.MERGE_PATCH, CM, {"data": {"b": "2"}})
        await send(writer, Method.DELETE, CM, {"preconditions": {"uid": made["metadata"]["uid"]}})
        heard = [await anext(feed) for _ in range(3)]
    assert [event.what for event in heard] == [What.ADDED, What.MODIFIED, What.DELETED]
    assert {event.live.ref.name for event in heard if event.live} == {"settings"}


async def test_a_kind_defined_since_is_written_and_relisted(
    practice: PracticeCluster, here: Connection, writer: Writer
) -> None:
    reader = ClusterReader(here.api)
    known = await reader.inventory()
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "gizmos.example.org"},
        "spec": {
            "group": "example.org",
            "scope": "Namespaced",
            "names": {"plural": "gizmos", "singular": "gizmo", "kind": "Gizmo", "listKind": "GizmoList"},
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": schema}],
        },
    }
    await send(writer, Method.CREATE, Ref.of(definition), definition)
    await practice.settle()
    gizmo = {"apiVersion": "example.org/v1", "kind": "Gizmo", "metadata": {"name": "first", "namespace": "default"}}
    await send(writer, Method.CREATE, Ref.of(gizmo), gizmo)
    fresh = await reader.relist(known, [KindKey("example.org", "Gizmo")])
    assert Ref.of(gizmo).key in fresh.objects


async def test_who_may_not_read_secrets_has_a_gap_and_is_told(practice: PracticeCluster) -> None:
    async with await connection_from_dict(practice.kubeconfig("no-secrets")) as connection:
        reader = ClusterReader(connection.api)
        inventory = await reader.inventory()
        gap = inventory.gap("", "Secret")
        assert gap is not None
        assert "secrets is forbidden" in gap.reason
        questions = [Access("list", "", "secrets", None), Access("list", "", "configmaps", None)]
        assert list(await reader.allowed(questions)) == [False, True]
        assert await reader.whoami()


async def test_a_reader_sends_nothing_that_changes(here: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[str, str]] = []
    original = here.api._client.rest_client.request

    async def spy(method: str, url: str, **more: Any) -> Any:
        sent.append((method, url.rpartition("/")[2].partition("?")[0]))
        return await original(method, url, **more)

    monkeypatch.setattr(here.api._client.rest_client, "request", spy)
    reader = ClusterReader(here.api)
    known = await reader.inventory()
    await reader.relist(known, known.served)
    await reader.get(CM)
    await reader.allowed([Access("list", "", "secrets", None)])
    await reader.whoami()
    await reader.events_of(CM)
    async with reader.watch([KindKey("", "ConfigMap")]) as feed, asyncio.timeout(20):
        await anext(feed)
    assert {what for method, what in sent if method != "GET"} == {"selfsubjectaccessreviews", "selfsubjectreviews"}
