"""Discovery in both its forms; what is stale or fails is unknown, never absent."""

from typing import Any

import pytest

from tui.cluster.connect import Connection
from tui.cluster.discovery import address, collection, discover
from tui.faults import ApiFault, Unverified
from tui.objects import KindKey, Ref, Served


async def test_aggregated_discovery(canned: Any, connection: Connection, kit: Any) -> None:
    scale = {"subresource": "scale", "responseKind": {"kind": "Scale"}, "verbs": ["get"]}
    deployments = kit.resource("deployments", "Deployment") | {"subresources": [scale]}
    reviews = kit.resource("reviews", "Review", namespaced=False, verbs=("create",))
    canned.on("/api", kit.aggregated(kit.group("", "v1", kit.resource("nodes", "Node", namespaced=False))))
    canned.on("/apis", kit.aggregated(kit.group("apps", "v1", deployments, reviews)))
    catalog = await discover(connection.api)
    assert set(catalog.listable) == {KindKey("", "Node"), KindKey("apps", "Deployment")}
    assert catalog.versions == {"v1/Node", "apps/v1/Deployment", "apps/v1/Review"}
    deployment = catalog.kinds[KindKey("apps", "Deployment")]
    assert (deployment.plural, deployment.namespaced, deployment.api_version) == ("deployments", True, "apps/v1")
    assert not catalog.gaps
    assert "as=APIGroupDiscoveryList" in canned.seen[0].headers["Accept"]


async def test_the_first_version_that_can_be_listed_is_used(canned: Any, connection: Connection, kit: Any) -> None:
    widget = kit.resource("widgets", "Widget")
    gadget = kit.resource("gadgets", "Gadget")
    both = {
        "metadata": {"name": "x.io"},
        "versions": [{"version": "v2", "resources": [widget]}, {"version": "v1", "resources": [widget, gadget]}],
    }
    canned.on("/api", kit.aggregated())
    canned.on("/apis", kit.aggregated(both))
    catalog = await discover(connection.api)
    assert {served.api_version for served in catalog.kinds.values()} == {"x.io/v2", "x.io/v1"}
    assert catalog.kinds[KindKey("x.io", "Widget")].version == "v2"
    assert catalog.find(Ref("x.io/v1", "Widget", "a", "b")) == catalog.every["x.io/v1", "Widget"]
    assert catalog.find(Ref("x.io/v0", "Widget", "a", "b")) == catalog.kinds[KindKey("x.io", "Widget")]


async def test_a_stale_group_is_unknown(canned: Any, connection: Connection, kit: Any) -> None:
    canned.on("/api", kit.aggregated())
    canned.on("/apis", kit.aggregated(kit.group("metrics.k8s.io", "v1beta1", freshness="Stale")))
    catalog = await discover(connection.api)
    gap = catalog.gap("metrics.k8s.io")
    assert gap is not None
    assert "metrics.k8s.io/v1beta1 is stale" in gap.text
    assert catalog.gap("apps") is None


async def test_legacy_discovery_asks_each_version_and_keeps_failures_as_gaps(
    canned: Any, connection: Connection, kit: Any
) -> None:
    def listed(*names: str) -> dict[str, Any]:
        verbs = ["get", "list"]
        found = [{"name": name, "kind": name[:-1].title(), "namespaced": True, "verbs": verbs} for name in names]
        return {"kind": "APIResourceList", "resources": [*found, {"name": "pods/log", "kind": "Pod", "verbs": ["get"]}]}

    groups = [
        {
            "name": "x.io",
            "versions": [{"groupVersion": "x.io/v1"}, {"groupVersion": "x.io/v2"}],
            "preferredVersion": {"groupVersion": "x.io/v2"},
        },
        {"name": "down.io", "versions": [{"groupVersion": "down.io/v1"}]},
    ]
    canned.on("/api", {"kind": "APIVersions", "versions": ["v1"]})
    canned.on("/apis", {"kind": "APIGroupList", "groups": groups})
    canned.on("/api/v1", listed("pods"))
    canned.on("/apis/x.io/v1", listed("widgets"))
    canned.on("/apis/x.io/v2", listed("widgets"))
    canned.on("/apis/down.io/v1", kit.status(503, "ServiceUnavailable", "the server is currently unable"))
    catalog = await discover(connection.api)
    assert {served.api_version for served in catalog.kinds.values()} == {"v1", "x.io/v2"}
    assert [gap.text for gap in catalog.gaps] == [
        "API group down.io: discovery of down.io/v1 failed: the server is currently unable"
    ]


async def test_a_refused_discovery_is_refused(canned: Any, connection: Connection, kit: Any) -> None:
    canned.on("/api", kit.status(401, "Unauthorized", "Unauthorized"))
    canned.on("/apis", kit.status(401, "Unauthorized", "Unauthorized"))
    with pytest.raises(ApiFault, match="refused the credentials"):
        await discover(connection.api)


@pytest.mark.parametrize(
    "damaged", [{"items": 7}, {"items": [7]}, {"items": [{"metadata": 3}]}, {"items": [{"metadata": {"name": 5}}]}]
)
async def test_a_discovery_that_cannot_be_read_is_not_one_of_nothing(
    canned: Any, connection: Connection, kit: Any, damaged: dict[str, Any]
) -> None:
    canned.on("/api", kit.aggregated())
    canned.on("/apis", kit.aggregated() | damaged)
    with pytest.raises(Unverified, match="the discovery of API groups was answered with what cannot be read"):
        await discover(connection.api)
    canned.on("/apis", {"kind": "APIGroupDiscoveryList"})
    with pytest.raises(Unverified, match="the discovery of API groups"):
        await discover(connection.api)


GIZMO = {"resource": "gizmos", "responseKind": {"kind": "Gizmo"}, "scope": "Namespaced", "verbs": ["list"]}


@pytest.mark.parametrize(
    "versions",
    [
        "v1",
        [7],
        [{"version": 1, "resources": [GIZMO]}],
        [{"version": "v1", "resources": {"a": GIZMO}}],
        [{"version": "v1", "resources": [1]}],
        [{"version": "v1", "resources": [GIZMO | {"verbs": "list"}]}],
        [{"version": "v1", "resources": [GIZMO | {"verbs": [1]}]}],
        [{"version": "v1", "resources": [GIZMO | {"responseKind": "Gizmo"}]}],
        [{"version": "v1", "resources": [GIZMO | {"resource": None}]}],
    ],
)
async def test_a_group_that_cannot_be_read_is_unknown_and_hides_no_other(
    canned: Any, connection: Connection, kit: Any, versions: Any
) -> None:
    canned.on("/api", kit.aggregated(kit.group("", "v1", kit.resource("pods", "Pod"))))
    sound = kit.group("x.io", "v1", kit.resource("widgets", "Widget"))
    canned.on("/apis", kit.aggregated({"metadata": {"name": "y.io"}, "versions": versions}, sound))
    catalog = await discover(connection.api)
    assert set(catalog.kinds) == {KindKey("", "Pod"), KindKey("x.io", "Widget")}
    assert [gap.group for gap in catalog.gaps] == ["y.io"]


async def test_what_go_leaves_empty_is_nothing_and_no_damage(canned: Any, connection: Connection, kit: Any) -> None:
    canned.on("/api", kit.aggregated() | {"items": None})
    parent = {"resource": "gizmos", "responseKind": None, "verbs": None}
    versions = [{"version": "v1", "resources": [parent]}, {"version": "v2"}]
    canned.on("/apis", kit.aggregated({"metadata": {"name": "y.io"}, "versions": versions}))
    catalog = await discover(connection.api)
    assert (catalog.kinds, catalog.gaps) == ({}, [])


@pytest.mark.parametrize("answer", [{}, {"resources": "pods"}, {"resources": [1]}, {"resources": [{"name": "pods"}]}])
async def test_a_version_of_the_older_discovery_that_cannot_be_read_is_unknown(
    canned: Any, connection: Connection, answer: dict[str, Any]
) -> None:
    canned.on("/api", {"kind": "APIVersions", "versions": ["v1"]})
    canned.on("/apis", {"kind": "APIGroupList", "groups": []})
    canned.on("/api/v1", answer)
    catalog = await discover(connection.api)
    assert [gap.group for gap in catalog.gaps] == [""]
    for broken in ({"kind": "APIVersions"}, {"versions": "v1"}, {"versions": [1]}):
        canned.on("/api", broken)
        with pytest.raises(Unverified, match="the discovery of core"):
            await discover(connection.api)


DEPLOYMENT = Served("apps", "v1", "deployments", "Deployment", True, frozenset())
ROLE = Served("rbac.authorization.k8s.io", "v1", "clusterroles", "ClusterRole", False, frozenset())


def test_addresses() -> None:
    assert collection(DEPLOYMENT) == "/apis/apps/v1/deployments"
    assert collection(DEPLOYMENT, "a") == "/apis/apps/v1/namespaces/a/deployments"
    ref = Ref("rbac.authorization.k8s.io/v1", "ClusterRole", None, "system:node/x%")
    assert address(ROLE, ref) == "/apis/rbac.authorization.k8s.io/v1/clusterroles/system%3Anode%2Fx%25"


@pytest.mark.parametrize(
    ("served", "namespace", "name", "says"),
    [
        (DEPLOYMENT, None, "a", "lives in namespaces, and none is named"),
        (ROLE, "a", "a", "is cluster-scoped"),
        (ROLE, None, "", "without a name"),
    ],
)
def test_a_reference_that_does_not_fit_is_no_address(
    served: Served, namespace: str | None, name: str, says: str
) -> None:
    with pytest.raises(Unverified, match=says):
        address(served, Ref(served.api_version, served.kind, namespace, name))
