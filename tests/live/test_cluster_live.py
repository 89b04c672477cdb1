"""The cluster room against a real kube-apiserver."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tui import cli
from tui.cluster import listing
from tui.cluster.connect import Connection, connection_from_dict
from tui.cluster.reader import ClusterReader
from tui.cluster.watch import What
from tui.cluster.writer import Writer
from tui.faults import ApiFault
from tui.objects import Json, Key, KindKey, Ref
from tui.recovery.ports import Access, Answer, Method, Request

RBAC = "rbac.authorization.k8s.io"


@dataclass(frozen=True)
class Let:
    request: Request


@pytest.fixture
def reader(live: Connection) -> ClusterReader:
    return ClusterReader(live.api)


@pytest.fixture
def writer(live: Connection) -> Writer:
    return Writer(live.api)


async def send(
    writer: Writer, method: Method, ref: Ref, body: Any, *, manager: str = "helm", dry_run: bool = False
) -> Answer:
    return await writer.send(Let(Request(method, ref, body, "" if method is Method.DELETE else manager, dry_run)))


@pytest.fixture
async def namespace(writer: Writer, request: pytest.FixtureRequest) -> str:
    """A namespace of the test's own, left to the control plane's end."""
    name: str = request.node.name.replace("_", "-").replace("[", "-").replace("]", "")[:60].strip("-")
    ref = Ref("v1", "Namespace", None, name)
    await send(writer, Method.CREATE, ref, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    return name


def configmap(namespace: str, name: str = "settings", **data: str) -> tuple[Ref, Json]:
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": namespace}, "data": data}
    return Ref.of(body), body


async def test_an_inventory_is_complete(reader: ClusterReader) -> None:
    inventory = await reader.inventory()
    assert inventory.gaps == []
    assert inventory.server_version.startswith("v1.")
    assert inventory.cluster_uid == inventory.objects[Key("", "Namespace", None, "kube-system")].ref.uid
    assert {"v1/Secret", "apps/v1/Deployment"} <= inventory.versions
    admin = inventory.objects[Key(RBAC, "ClusterRole", None, "cluster-admin")]
    assert admin.body is not None
    assert admin.body["apiVersion"] == f"{RBAC}/v1"
    assert admin.body["rules"]


async def test_pages_make_the_same_inventory(reader: ClusterReader, monkeypatch: pytest.MonkeyPatch) -> None:
    roles = [KindKey(RBAC, "ClusterRole"), KindKey(RBAC, "ClusterRoleBinding"), KindKey("", "Namespace")]
    known = await reader.inventory()
    for name in ("PAGE", "BODY_PAGE", "LARGE_PAGE"):
        monkeypatch.setattr(listing, name, 7)
    paged = await reader.relist(known, roles)
    of_kinds = {key: live for key, live in known.objects.items() if KindKey(key.group, key.kind) in roles}
    assert len(of_kinds) > 50
    assert {key: paged.objects[key].ref for key in of_kinds} == {key: live.ref for key, live in of_kinds.items()}
    assert paged.gaps == []


async def test_secrets_leave_nothing_but_metadata(reader: ClusterReader, writer: Writer, namespace: str) -> None:
    applied = {"kubectl.kubernetes.io/last-applied-configuration": "c2VjcmV0"}
    for name, kind, labels in (
        ("plain", "Opaque", {}),
        ("sh.helm.release.v1.r.v1", "helm.sh/release.v1", {"owner": "helm"}),
    ):
        meta = {"name": name, "namespace": namespace, "labels": labels, "annotations": applied}
        body = {"apiVersion": "v1", "kind": "Secret", "metadata": meta, "type": kind, "data": {"release": "c2VjcmV0"}}
        await send(writer, Method.CREATE, Ref.of(body), body)
    inventory = await reader.relist(await reader.inventory(), [KindKey("", "Secret")])
    plain = inventory.objects[Key("", "Secret", namespace, "plain")]
    record = inventory.objects[Key("", "Secret", namespace, "sh.helm.release.v1.r.v1")]
    assert plain.body is None
    assert not plain.annotations
    assert record.body is not None
    assert record.body["data"] == {"release": "c2VjcmV0"}


async def test_every_kind_of_change_does_what_it_says(reader: ClusterReader, writer: Writer, namespace: str) -> None:
    ref, body = configmap(namespace, a="1 😀")
    assert (await send(writer, Method.CREATE, ref, body, dry_run=True)).code == 201
    assert await reader.get(ref) is None
    assert (await send(writer, Method.CREATE, ref, body)).code == 201
    await send(writer, Method.MERGE_PATCH, ref, {"data": {"b": "2"}})
    await send(writer, Method.JSON_PATCH, ref, [{"op": "replace", "path": "/data/b", "value": "3"}])
    _, other = configmap(namespace, c="ü😀")
    await send(writer, Method.APPLY, ref, other, manager="other")
    live = await reader.get(ref)
    assert live is not None
    assert live["data"] == {"a": "1 😀", "b": "3", "c": "ü😀"}
    operations = {(entry["manager"], entry["operation"]) for entry in live["metadata"]["managedFields"]}
    assert operations == {("helm", "Update"), ("other", "Apply")}


async def test_a_conflicting_apply_names_manager_and_field(writer: Writer, namespace: str) -> None:
    ref, body = configmap(namespace, a="1")
    await send(writer, Method.CREATE, ref, body)
    _, mine = configmap(namespace, a="2")
    with pytest.raises(ApiFault) as caught:
        await send(writer, Method.APPLY, ref, mine, manager="other", dry_run=True)
    assert [(cause.field, '"helm"' in cause.message) for cause in caught.value.conflicts] == [(".data.a", True)]


async def test_a_deletion_keeps_to_its_preconditions(reader: ClusterReader, writer: Writer, namespace: str) -> None:
    ref, body = configmap(namespace)
    made = (await send(writer, Method.CREATE, ref, body)).body["metadata"]
    both = {"uid": made["uid"], "resourceVersion": made["resourceVersion"]}
    await send(writer, Method.DELETE, ref, {"preconditions": both}, dry_run=True)
    for wrong in ({"uid": "00000000-0000-0000-0000-000000000000"}, {"uid": made["uid"], "resourceVersion": "1"}):
        with pytest.raises(ApiFault, match="in the precondition") as caught:
            await send(writer, Method.DELETE, ref, {"preconditions": wrong})
        assert caught.value.code == 409
    assert await reader.get(ref) is not None
    await send(writer, Method.DELETE, ref, {"preconditions": both, "propagationPolicy": "Background"})
    assert await reader.get(ref) is None


async def test_unknown_fields_are_refused_and_warnings_heard(writer: Writer, namespace: str) -> None:
    body: Json = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "x", "namespace": namespace},
        "nonsense": 1,
    }
    for method in (Method.CREATE, Method.APPLY):
        with pytest.raises(ApiFault, match="nonsense"):
            await send(writer, method, Ref.of(body), body, dry_run=True)
    container = {"name": "c", "image": "i", "env": [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]}
    pod = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [container]}}
    spec = {"selector": {"matchLabels": {"a": "b"}}, "template": pod}
    meta = {"name": "x", "namespace": namespace}
    deployment = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": spec}
    answer = await send(writer, Method.CREATE, Ref.of(deployment), deployment, dry_run=True)
    assert any("hides previous definition" in warning for warning in answer.warnings)


async def test_names_with_colons(reader: ClusterReader, writer: Writer) -> None:
    ref = Ref(f"{RBAC}/v1", "ClusterRole", None, "refloat:test@live x")
    body = {"apiVersion": ref.api_version, "kind": ref.kind, "metadata": {"name": ref.name}, "rules": []}
    made = (await send(writer, Method.CREATE, ref, body)).body
    assert await reader.get(ref) is not None
    await send(writer, Method.DELETE, ref, {"preconditions": {"uid": made["metadata"]["uid"]}})
    assert await reader.get(ref) is None


async def test_a_feed_sees_it_all(reader: ClusterReader, writer: Writer, namespace: str) -> None:
    ref, body = configmap(namespace)
    async with reader.watch([KindKey("", "ConfigMap")], namespace=namespace) as feed, asyncio.timeout(60):
        while (await anext(feed)).what is not What.SYNCED:
            pass
        made = (await send(writer, Method.CREATE, ref, body)).body
        await send(writer, Method.MERGE_PATCH, ref, {"data": {"b": "2"}})
        await send(writer, Method.DELETE, ref, {"preconditions": {"uid": made["metadata"]["uid"]}})
        heard: list[What] = []
        while len(heard) < 3:
            event = await anext(feed)
            # With a controller manager, the namespace is given a ConfigMap of its own.
            heard += [event.what] if event.live and event.live.ref.name == ref.name else []
    assert heard == [What.ADDED, What.MODIFIED, What.DELETED]


async def test_a_kind_defined_since_is_found_with_its_instances(
    reader: ClusterReader, writer: Writer, namespace: str
) -> None:
    known = await reader.inventory()
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "gizmos.refloat.example"},
        "spec": {
            "group": "refloat.example",
            "scope": "Namespaced",
            "names": {"plural": "gizmos", "singular": "gizmo", "kind": "Gizmo", "listKind": "GizmoList"},
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": schema}],
        },
    }
    gizmo = KindKey("refloat.example", "Gizmo")
    async with reader.watch([gizmo], namespace=namespace) as feed, asyncio.timeout(100):
        await send(writer, Method.CREATE, Ref.of(definition), definition)
        while (await anext(feed)).what is not What.SYNCED:
            pass
        body = {"apiVersion": "refloat.example/v1", "kind": "Gizmo", "metadata": {"name": "g", "namespace": namespace}}
        await send(writer, Method.CREATE, Ref.of(body), body)
        while (await anext(feed)).what is not What.ADDED:
            pass
    fresh = await reader.relist(known, [gizmo])
    assert Ref.of(body).key in fresh.objects
    definitions = await reader.relist(known, [KindKey("apiextensions.k8s.io", "CustomResourceDefinition")])
    live = definitions.objects[Ref.of(definition).key]
    assert live.body is not None
    assert "schema" not in live.body["spec"]["versions"][0]


async def test_who_may_not_is_told_by_name(live_cluster: Any) -> None:
    async with await connection_from_dict(live_cluster.kubeconfig("viewer"), timeout=20) as connection:
        reader = ClusterReader(connection.api)
        inventory = await reader.inventory()
        assert inventory.objects == {}
        assert inventory.cluster_uid is None
        gap = inventory.gap("", "Secret")
        assert gap is not None
        assert 'secrets is forbidden: User "viewer" cannot list' in gap.reason
        assert list(await reader.allowed([Access("list", "", "secrets", None), Access("get", "", "nodes", None)])) == [
            False,
            False,
        ]
        assert await reader.whoami() == "viewer"


async def test_wrong_credentials_are_said(live_cluster: Any) -> None:
    kubeconfig = live_cluster.kubeconfig()
    kubeconfig["users"][0]["user"] = {"token": "wrong"}
    async with await connection_from_dict(kubeconfig, timeout=20) as connection:
        with pytest.raises(ApiFault, match="refused the credentials of user `admin`"):
            await ClusterReader(connection.api).inventory()


@pytest.mark.parametrize(("said", "code"), [('"false"', 2), ("false", 3), ("true", 1)])
def test_a_self_signed_server_is_left_unverified_by_true_alone(
    live_cluster: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str], said: str, code: int
) -> None:
    text = live_cluster.kubeconfig_file().read_text().splitlines()
    text[text.index("  name: live")] = f"    insecure-skip-tls-verify: {said}\n  name: live"
    path = tmp_path / "kubeconfig"
    path.write_text("\n".join(line for line in text if "certificate-authority:" not in line))
    assert cli.main(["--kubeconfig", str(path), "health"]) == code
    told = capfd.readouterr().err
    assert ("insecure-skip-tls-verify must be true or false, not text; write it without quotes" in told) is (code == 2)
    assert (f"refloat: kubeconfig {path}:" in told) is (code == 2)
