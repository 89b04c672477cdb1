"""The inventory: complete where it can be, and where not, saying so by name."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web

from tui.cluster.connect import Connection, connection_from_dict
from tui.cluster.reader import ClusterReader
from tui.faults import ApiFault, Unreachable
from tui.objects import Inventory, Key, KindKey, Live
from tui.recovery.ports import Progress

CONFIGMAPS = "/api/v1/configmaps"
SECRETS = "/api/v1/secrets"
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def item(name: str, **more: Any) -> dict[str, Any]:
    meta = {"name": name, "namespace": "a", "uid": f"uid-{name}", "resourceVersion": "5"} | more.pop("metadata", {})
    return {"metadata": meta, **more}


def page(*items: dict[str, Any], token: str = "") -> dict[str, Any]:
    return {"kind": "List", "metadata": {"resourceVersion": "9", "continue": token}, "items": list(items)}


@pytest.fixture
def reader(canned: Any, connection: Connection, kit: Any) -> ClusterReader:
    """A cluster that serves ConfigMaps, Secrets, Namespaces, Deployments and one custom kind, all empty."""
    core = [kit.resource("configmaps", "ConfigMap"), kit.resource("secrets", "Secret")]
    core.append(kit.resource("namespaces", "Namespace", namespaced=False))
    canned.on("/api", kit.aggregated(kit.group("", "v1", *core)))
    apps = kit.group("apps", "v1", kit.resource("deployments", "Deployment"))
    canned.on("/apis", kit.aggregated(apps, kit.group("x.io", "v1", kit.resource("widgets", "Widget"))))
    canned.on("/version", {"gitVersion": "v1.36.2"})
    for path in (CONFIGMAPS, SECRETS, "/apis/apps/v1/deployments", "/apis/x.io/v1/widgets"):
        canned.on(path, page())
    canned.on("/api/v1/namespaces", page(item("kube-system", metadata={"namespace": None, "uid": "cluster-uid"})))
    return ClusterReader(connection.api)


def names(inventory: Inventory, kind: str) -> list[str]:
    return [key.name for key in inventory.objects if key.kind == kind]


async def test_what_an_inventory_holds(canned: Any, reader: ClusterReader) -> None:
    canned.on(CONFIGMAPS, page(item("one", metadata={"labels": {"a": "b"}})))
    inventory = await reader.inventory()
    assert (inventory.cluster_uid, inventory.server_version, inventory.gaps) == ("cluster-uid", "v1.36.2", [])
    assert KindKey("x.io", "Widget") in inventory.served
    assert "x.io/v1/Widget" in inventory.versions
    live = inventory.objects[Key("", "ConfigMap", "a", "one")]
    assert (live.ref.api_version, live.ref.kind, live.ref.uid, live.labels) == (
        "v1",
        "ConfigMap",
        "uid-one",
        {"a": "b"},
    )


async def test_only_metadata_is_asked_for_where_no_rule_reads_more(canned: Any, reader: ClusterReader) -> None:
    await reader.inventory()
    accepts = {seen.path: seen.headers["Accept"] for seen in canned.seen if "labelSelector" not in seen.query}
    assert "PartialObjectMetadataList" in accepts[CONFIGMAPS]
    assert "PartialObjectMetadataList" in accepts["/apis/x.io/v1/widgets"]
    assert accepts["/apis/apps/v1/deployments"] == "application/json"


async def test_what_a_server_sends_unasked_is_not_kept(canned: Any, reader: ClusterReader) -> None:
    canned.on("/apis/x.io/v1/widgets", page(item("odd", spec={"big": True}, kind="Widget", apiVersion="x.io/v1")))
    live = (await reader.inventory()).objects[Key("x.io", "Widget", "a", "odd")]
    assert live.body is None


async def test_every_page_is_read_even_short_and_empty_ones(canned: Any, reader: ClusterReader) -> None:
    canned.on(CONFIGMAPS, page(item("one"), token="t1"), page(token="t2"), page(item("two")), page())
    assert names(await reader.inventory(), "ConfigMap") == ["one", "two"]
    tokens = [seen.query.get("continue") for seen in canned.requests(CONFIGMAPS) if "labelSelector" not in seen.query]
    assert tokens == [None, "t1", "t2"]


async def test_an_expired_list_begins_again_and_forgets(canned: Any, reader: ClusterReader, kit: Any) -> None:
    expired = kit.status(410, "Expired", "too old", metadata={"continue": "inconsistent"})
    canned.on(CONFIGMAPS, page(item("gone"), token="t"), expired, page(item("one")), page())
    inventory = await reader.inventory()
    assert names(inventory, "ConfigMap") == ["one"]
    assert not inventory.gaps
    assert "inconsistent" not in [seen.query.get("continue") for seen in canned.seen]


async def test_a_list_that_keeps_expiring_is_a_gap(canned: Any, reader: ClusterReader, kit: Any) -> None:
    async def flapping(request: web.Request) -> web.StreamResponse:
        if "continue" in request.query:
            expired: web.Response = kit.status(410, "Expired", "The provided continue parameter is too old")
            return expired
        return web.json_response(page(item("one"), token="t"))

    canned.on(CONFIGMAPS, flapping)
    gap = (await reader.inventory()).gap("", "ConfigMap")
    assert gap is not None
    assert "too old" in gap.reason


async def test_a_list_in_circles_ends(canned: Any, reader: ClusterReader) -> None:
    canned.on(CONFIGMAPS, page(item("one"), token="same"))
    gap = (await reader.inventory()).gap("", "ConfigMap")
    assert gap is not None
    assert "goes in circles" in gap.reason


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (("status", 403, "Forbidden", 'secrets is forbidden: User "me" cannot list resource'), "secrets is forbidden"),
        (("status", 500, "", "boom\x1b"), "boom␛"),
        (("page", "<html>"), "answered with text/html"),
        (("list", {"items": 7}), "is no list"),
        (("list", [1]), "is no list"),
        (("list", {}), "is no list"),
        (("list", {"kind": "Status", "status": "Success"}), "is no list"),
        (("list", {"items": [], "metadata": []}), "is no list"),
        (("list", {"items": [], "metadata": {"continue": 7}}), "is no list"),
        (("list", {"items": [7]}), "holds something that is no object"),
        (("list", {"items": [{}]}), "holds something that is no object"),
    ],
)
async def test_a_kind_that_fails_is_a_gap_with_the_servers_words(
    canned: Any, reader: ClusterReader, kit: Any, answer: tuple[Any, ...], says: str
) -> None:
    how, *what = answer
    replies: dict[str, Callable[[], web.Response]] = {
        "status": lambda: kit.status(*what),
        "page": lambda: web.Response(text=what[0], content_type="text/html"),
        "list": lambda: web.json_response(what[0]),
    }
    canned.on(SECRETS, replies[how]())
    canned.on(CONFIGMAPS, page(item("one")))
    inventory = await reader.inventory()
    assert [gap.kind for gap in inventory.gaps] == ["Secret"]
    assert says in inventory.gaps[0].text
    assert not inventory.readable("", "Secret", "a")
    assert names(inventory, "ConfigMap") == ["one"]


async def test_secrets_are_metadata_but_helms_records_are_whole(canned: Any, reader: ClusterReader) -> None:
    async def secrets(request: web.Request) -> web.StreamResponse:
        record = item("sh.helm.release.v1.r.v1", data={"release": "cmVj"}, type="helm.sh/release.v1")
        labelled = item("sneaky", data={"password": "cGFzcw=="}, type="Opaque")
        if request.query.get("labelSelector") == "owner=helm":
            return web.json_response(page(record, labelled))
        secret = item("plain", data={"password": "cGFzcw=="}, metadata={"annotations": {LAST_APPLIED: "cGFzcw=="}})
        return web.json_response(page(secret, item("sh.helm.release.v1.r.v1"), labelled))

    canned.on(SECRETS, secrets)
    inventory = await reader.inventory()
    record = inventory.objects[Key("", "Secret", "a", "sh.helm.release.v1.r.v1")]
    assert record.body is not None
    assert record.body["data"] == {"release": "cmVj"}
    rest = [live for key, live in inventory.objects.items() if key.name in ("plain", "sneaky")]
    assert [live.body for live in rest] == [None, None]
    assert "cGFzcw" not in repr([(live.annotations, live.labels, live.managers) for live in rest])


async def test_bodies_are_kept_without_what_may_leak_or_weigh(canned: Any, reader: ClusterReader) -> None:
    managers = [{"manager": "m", "operation": "Update", "fieldsV1": {"f:spec": {}}}]
    stamped = {"meta.helm.sh/release-name": "r"}
    canned.on(
        "/apis/apps/v1/deployments",
        page(
            item(
                "plain", spec={"replicas": 1}, metadata={"managedFields": managers, "annotations": {LAST_APPLIED: "x"}}
            ),
            item("stamped", spec={}, metadata={"managedFields": managers, "annotations": stamped}),
        ),
    )
    objects = (await reader.inventory()).objects
    plain = objects[Key("apps", "Deployment", "a", "plain")]
    assert plain.body is not None
    assert plain.body["spec"] == {"replicas": 1}
    assert plain.body["kind"] == "Deployment"
    assert "managedFields" not in plain.body["metadata"]
    assert not plain.annotations
    assert [(manager.name, manager.fields) for manager in plain.managers] == [("m", {})]
    assert objects[Key("apps", "Deployment", "a", "stamped")].managers[0].fields == {"f:spec": {}}


async def test_damaged_metadata_hides_no_other_object(canned: Any, reader: ClusterReader) -> None:
    odd = {"ownerReferences": ["x", {"kind": "K", "name": "n", "uid": "u"}], "managedFields": [3], "labels": {"a": 1}}
    canned.on(CONFIGMAPS, page(item("odd", metadata=odd), item("fine"), {"metadata": 7}))
    inventory = await reader.inventory()
    assert set(names(inventory, "ConfigMap")) == {"odd", "fine"}
    live = inventory.objects[Key("", "ConfigMap", "a", "odd")]
    assert [owner.kind for owner in live.owners] == ["K"]
    assert live.damaged == {"ownerReferences", "managedFields", "labels"}
    gap = inventory.gap("", "ConfigMap")
    assert gap is not None
    assert "holds something that is no object" in gap.text


@pytest.mark.parametrize("finalizers", ["x/y", [5], {"x/y": True}])
async def test_damage_beside_damaged_managers_is_named_too(canned: Any, reader: ClusterReader, finalizers: Any) -> None:
    odd = {"managedFields": ["x"], "finalizers": finalizers, "annotations": 5}
    canned.on("/apis/apps/v1/deployments", page(item("odd", metadata=odd)))
    live = (await reader.inventory()).objects[Key("apps", "Deployment", "a", "odd")]
    assert live.damaged == {"managedFields", "finalizers", "annotations"}
    assert live.body is not None
    assert live.body["metadata"]["annotations"] == {}


async def test_text_is_cleaned_where_it_enters(canned: Any, reader: ClusterReader) -> None:
    canned.on(CONFIGMAPS, page(item("x\u202ey", metadata={"annotations": {"a": "\x1b]0;title\x07"}})))
    assert names(await reader.inventory(), "ConfigMap") == ["x\ufffdy"]


async def test_progress_and_pages_arrive_while_it_runs(canned: Any, reader: ClusterReader) -> None:
    canned.on(CONFIGMAPS, page(item("one"), token="t"), page(item("two")), page())
    progress: list[Progress] = []
    delivered: list[str] = []

    def deliver(lives: Any) -> None:
        delivered.extend(live.ref.name for live in lives)

    await reader.inventory(progress.append, deliver)
    assert progress[0] == Progress(0, 5, 0)
    assert progress[-1] == Progress(5, 5, 3)
    assert {"one", "two", "kube-system"} <= set(delivered)


async def test_no_answer_at_all_is_unreachable(kit: Any, unused_tcp_port: int) -> None:
    async with await connection_from_dict(kit.config(f"http://127.0.0.1:{unused_tcp_port}")) as connection:
        with pytest.raises(Unreachable, match="refused the connection"):
            await ClusterReader(connection.api).inventory()


async def test_refused_credentials_are_no_empty_cluster(canned: Any, connection: Connection, kit: Any) -> None:
    for path in ("/api", "/apis"):
        canned.on(path, kit.status(401, "Unauthorized", "Unauthorized"))
    with pytest.raises(ApiFault, match="refused the credentials"):
        await ClusterReader(connection.api).inventory()


async def test_a_server_that_falls_silent_is_not_waited_for_kind_by_kind(
    canned: Any, connection: Connection, kit: Any
) -> None:
    kinds = [kit.resource(f"things{n}", f"Thing{n}") for n in range(40)]
    canned.on("/api", kit.aggregated(kit.group("", "v1", *kinds)))
    canned.on("/apis", kit.aggregated())
    for n in range(40):
        canned.on(f"/api/v1/things{n}", web.Response(text="<html>", content_type="text/html"))
    inventory = await ClusterReader(connection.api).inventory()
    assert len(inventory.gaps) == 40
    asked = [seen for seen in canned.seen if "things" in seen.path]
    assert len(asked) < 15
    assert any("not asked" in gap.reason for gap in inventory.gaps)


async def test_lists_run_side_by_side_but_not_all_at_once(canned: Any, connection: Connection, kit: Any) -> None:
    under_way, most = 0, 0

    async def slow(request: web.Request) -> web.StreamResponse:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        for _ in range(20):
            await asyncio.sleep(0)
        under_way -= 1
        return web.json_response(page())

    kinds = [kit.resource(f"things{n}", f"Thing{n}") for n in range(20)]
    canned.on("/api", kit.aggregated(kit.group("", "v1", *kinds)))
    canned.on("/apis", kit.aggregated())
    for n in range(20):
        canned.on(f"/api/v1/things{n}", slow)
    await ClusterReader(connection.api).inventory()
    assert 1 < most <= 6


async def test_relisting_replaces_these_kinds_alone(canned: Any, reader: ClusterReader, kit: Any) -> None:
    canned.on(CONFIGMAPS, page(item("old")))
    canned.on("/apis/x.io/v1/widgets", page(item("kept")))
    known = await reader.inventory()
    canned.on(CONFIGMAPS, page(item("new")))
    canned.on("/apis/x.io/v1/widgets", page(item("unseen")))
    canned.on(SECRETS, kit.status(403, "Forbidden", "secrets is forbidden"))
    fresh = await reader.relist(known, [KindKey("", "ConfigMap"), KindKey("", "Secret"), KindKey("", "Nope")])
    assert names(fresh, "ConfigMap") == ["new"]
    assert names(fresh, "Widget") == ["kept"]
    assert [gap.kind for gap in fresh.gaps] == ["Secret"]
    assert names(known, "ConfigMap") == ["old"]
    assert fresh.cluster_uid == "cluster-uid"


async def test_relisting_finds_kinds_defined_since(canned: Any, reader: ClusterReader, kit: Any) -> None:
    known = await reader.inventory()
    canned.on("/apis", kit.aggregated(kit.group("y.io", "v1", kit.resource("gizmos", "Gizmo"))))
    canned.on("/apis/y.io/v1/gizmos", page(item("first")))
    fresh = await reader.relist(known, [KindKey("y.io", "Gizmo")])
    assert names(fresh, "Gizmo") == ["first"]
    assert KindKey("y.io", "Gizmo") in fresh.served


async def test_relisting_without_an_answer_makes_gaps_of_all(canned: Any, reader: ClusterReader, kit: Any) -> None:
    canned.on(CONFIGMAPS, page(item("old")))
    known = await reader.inventory()
    canned.on("/apis", kit.status(500, "", "boom"))
    fresh = await reader.relist(known, [KindKey("", "ConfigMap")])
    assert not names(fresh, "ConfigMap")
    assert not fresh.readable("", "ConfigMap")


async def test_pods_and_definitions_are_cut_down(canned: Any, connection: Connection, kit: Any) -> None:
    core = kit.group("", "v1", kit.resource("pods", "Pod"))
    extensions = kit.resource("customresourcedefinitions", "CustomResourceDefinition", namespaced=False)
    canned.on("/api", kit.aggregated(core))
    canned.on("/apis", kit.aggregated(kit.group("apiextensions.k8s.io", "v1", extensions)))
    container = {
        "name": "c",
        "image": "i",
        "resources": {},
        "livenessProbe": {},
        "envFrom": [{"secretRef": {"name": "s"}}],
    }
    canned.on("/api/v1/pods", page(item("p", spec={"containers": [container], "tolerations": [{}], "volumes": []})))
    versions = [{"name": "v1", "schema": {"openAPIV3Schema": {}}, "served": True}]
    canned.on("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", page(item("d", spec={"versions": versions})))
    lives: list[Live] = list((await ClusterReader(connection.api).inventory()).objects.values())
    specs = {live.ref.name: live.body["spec"] for live in lives if live.body}
    slim = {"name": "c", "image": "i", "envFrom": [{"secretRef": {"name": "s"}}]}
    assert specs == {"p": {"containers": [slim], "volumes": []}, "d": {"versions": [{"name": "v1", "served": True}]}}
