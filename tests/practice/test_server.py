"""The practice API server over real HTTP: what a client of Kubernetes relies on."""

import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from tui.practice.cluster import PracticeCluster

Json = dict[str, Any]
DEPLOYMENT: Json = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "namespace": "default", "annotations": {"meta.helm.sh/release-name": "shop"}},
    "spec": {
        "replicas": 2,
        "selector": {"matchLabels": {"app": "web"}},
        "template": {
            "metadata": {"labels": {"app": "web"}},
            "spec": {"containers": [{"name": "web", "image": "example.test/web:1"}]},
        },
    },
}
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
CONFIGS = "/api/v1/namespaces/default/configmaps"


class Client:
    """A bare HTTP client with one user's token."""

    def __init__(self, session: aiohttp.ClientSession, cluster: PracticeCluster) -> None:
        self.session = session
        self.cluster = cluster

    async def send(
        self, method: str, path: str, body: Any = None, *, user: str = "admin", kind: str = "", **headers: str
    ) -> tuple[int, Any]:
        sent = {"Authorization": f"Bearer practice-{user}", "Content-Type": kind or "application/json"} | headers
        data = None if body is None else json.dumps(body)
        async with self.session.request(method, self.cluster.url + path, data=data, headers=sent) as answer:
            text = await answer.text()
            return answer.status, json.loads(text) if text.startswith("{") else text


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async with PracticeCluster() as cluster, aiohttp.ClientSession() as session:
        yield Client(session, cluster)


async def test_a_deployment_comes_to_life_and_hands_its_stamps_to_its_replica_set(client: Client) -> None:
    assert (await client.send("POST", DEPLOYMENTS, DEPLOYMENT))[0] == 201
    await client.cluster.settle()
    _, live = await client.send("GET", f"{DEPLOYMENTS}/web")
    assert live["status"]["availableReplicas"] == 2
    assert live["status"]["observedGeneration"] == live["metadata"]["generation"]
    _, sets = await client.send("GET", "/apis/apps/v1/namespaces/default/replicasets")
    assert [s["metadata"]["annotations"]["meta.helm.sh/release-name"] for s in sets["items"]] == ["shop"]
    _, pods = await client.send("GET", "/api/v1/namespaces/default/pods?fieldSelector=status.phase=Running")
    assert len(pods["items"]) == 2


async def test_deleting_a_deployment_takes_what_it_made(client: Client) -> None:
    await client.send("POST", DEPLOYMENTS, DEPLOYMENT)
    await client.cluster.settle()
    assert (await client.send("DELETE", f"{DEPLOYMENTS}/web"))[0] == 200
    await client.cluster.settle()
    for path in ("/apis/apps/v1/replicasets", "/api/v1/pods"):
        assert (await client.send("GET", path))[1]["items"] == []


async def test_an_entry_of_managed_fields_is_turned_from_update_to_apply_by_a_guarded_json_patch(
    client: Client,
) -> None:
    await client.send("POST", f"{DEPLOYMENTS}?fieldManager=helm", DEPLOYMENT)
    await client.cluster.settle()
    _, live = await client.send("GET", f"{DEPLOYMENTS}/web")
    index = next(n for n, m in enumerate(live["metadata"]["managedFields"]) if m["manager"] == "helm")
    turn = [
        {"op": "test", "path": "/metadata/resourceVersion", "value": live["metadata"]["resourceVersion"]},
        {"op": "test", "path": f"/metadata/managedFields/{index}/manager", "value": "helm"},
        {"op": "replace", "path": f"/metadata/managedFields/{index}/operation", "value": "Apply"},
    ]
    code, turned = await client.send("PATCH", f"{DEPLOYMENTS}/web", turn, kind="application/json-patch+json")
    assert code == 200
    entries = [(m["manager"], m["operation"], m.get("subresource")) for m in turned["metadata"]["managedFields"]]
    assert ("helm", "Apply", None) in entries
    assert all(entry[:2] != ("helm", "Update") for entry in entries)
    wanted = DEPLOYMENT | {"spec": DEPLOYMENT["spec"] | {"replicas": 3}}
    path = f"{DEPLOYMENTS}/web?fieldManager=helm"
    code, applied = await client.send("PATCH", path, wanted, kind="application/apply-patch+yaml")
    assert (code, applied["spec"]["replicas"]) == (200, 3)


async def test_an_object_made_by_post_conflicts_with_the_same_managers_apply(client: Client) -> None:
    await client.send("POST", f"{DEPLOYMENTS}?fieldManager=helm", DEPLOYMENT)
    wanted = DEPLOYMENT | {"spec": DEPLOYMENT["spec"] | {"replicas": 3}}
    path = f"{DEPLOYMENTS}/web?fieldManager=helm"
    code, refused = await client.send("PATCH", path, wanted, kind="application/apply-patch+yaml")
    assert code == 409
    assert refused["message"] == 'Apply failed with 1 conflict: conflict with "helm" using apps/v1: .spec.replicas'


async def test_pages_stay_as_they_were_when_the_list_began(client: Client) -> None:
    for name in ("a", "b", "c", "d"):
        await client.send("POST", CONFIGS, {"metadata": {"name": name}, "data": {"v": "1"}})
    _, first = await client.send("GET", f"{CONFIGS}?limit=2")
    await client.send("DELETE", f"{CONFIGS}/c")
    await client.send("POST", CONFIGS, {"metadata": {"name": "bb"}})
    _, second = await client.send("GET", f"{CONFIGS}?limit=9&continue={first['metadata']['continue']}")
    assert [i["metadata"]["name"] for i in second["items"]] == ["c", "d", "kube-root-ca.crt"]
    assert second["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]


async def test_a_forgotten_page_and_a_forgotten_watch_are_expired(client: Client) -> None:
    _, first = await client.send("GET", f"{CONFIGS.replace('default', 'kube-system')}?limit=1")
    _, page = await client.send("GET", "/api/v1/configmaps?limit=1")
    client.cluster.world.store.compact()
    await client.send("POST", CONFIGS, {"metadata": {"name": "later"}})
    client.cluster.world.store.compact()
    code, answer = await client.send("GET", f"/api/v1/configmaps?limit=1&continue={page['metadata']['continue']}")
    assert (code, answer["reason"]) == (410, "Expired")
    version = first["metadata"]["resourceVersion"]
    path = f"{client.cluster.url}/api/v1/configmaps?watch=1&resourceVersion={version}"
    async with client.session.get(path, headers={"Authorization": "Bearer practice-admin"}) as watch:
        event = json.loads(await watch.content.readline())
    assert (event["type"], event["object"]["code"]) == ("ERROR", 410)


async def test_a_body_makes_delete_ignore_the_query(client: Client) -> None:
    await client.send("POST", CONFIGS, {"metadata": {"name": "a"}})
    code, _ = await client.send("DELETE", f"{CONFIGS}/a?dryRun=All")
    assert code == 200
    _, live = await client.send("GET", f"{CONFIGS}/a")
    options = {"preconditions": {"uid": live["metadata"]["uid"]}}
    await client.send("DELETE", f"{CONFIGS}/a?dryRun=All", options)
    assert (await client.send("GET", f"{CONFIGS}/a"))[0] == 404


@pytest.mark.parametrize(
    ("user", "path", "code"),
    [
        ("viewer", "/api/v1/secrets", 403),
        ("no-secrets", "/api/v1/namespaces/default/secrets", 403),
        ("viewer", "/api/v1/pods", 200),
        ("nobody", "/api/v1/pods", 401),
    ],
)
async def test_users_may_what_they_may(client: Client, user: str, path: str, code: int) -> None:
    assert (await client.send("GET", path, user=user))[0] == code


async def test_a_watch_of_tables_names_its_columns_once(client: Client) -> None:
    path = f"{client.cluster.url}/api/v1/namespaces/default/configmaps?watch=1"
    accept = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
    headers = {"Authorization": "Bearer practice-admin", "Accept": accept}
    async with client.session.get(path, headers=headers) as watch:
        for name in ("one", "two"):
            client.cluster.runner.create(
                {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "default"}}, "test"
            )
        seen: list[dict[str, Any]] = []
        while not any("two" in str(event["object"]["rows"]) for event in seen):
            seen.append(json.loads(await watch.content.readline()))
    assert {event["object"]["kind"] for event in seen} == {"Table"}
    assert [bool(event["object"]["columnDefinitions"]) for event in seen] == [True] + [False] * (len(seen) - 1)
    assert {event["object"]["rows"][0]["object"]["kind"] for event in seen} == {"PartialObjectMetadata"}
