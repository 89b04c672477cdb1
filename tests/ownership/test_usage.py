"""Rule S7: users by selector, users that could not be read, and users that are damaged."""

from typing import Any

import pytest

from tests.clusters import FLUX_SYSTEM, KUSTOMIZE, VERSIONS, inventory, obj
from tests.ownership.judging import active, candidate, decided, gap, judge, stale, weigh
from tui.objects import Gap, Inventory, Json, Key, KindKey, Live, Served, group_of
from tui.ownership.references import TEMPLATES, Damaged, references
from tui.ownership.usage import USERS, Usage, selects


def target(kind: str, name: str = "x", namespace: str | None = FLUX_SYSTEM) -> Key:
    return Key(group_of(VERSIONS.get(kind, "v1")), kind, namespace, name)


def pod(**spec: Any) -> Json:
    return obj("Pod", "user", spec=spec)


def named(body: Json) -> dict[Key, list[str]]:
    found: dict[Key, list[str]] = {}
    for edge in references(body):
        found.setdefault(edge.target, []).append(edge.reason)
    return found


def custom(api: str, kind: str, spec: Json) -> Json:
    return {"apiVersion": api, "kind": kind, "metadata": {"name": "user", "namespace": FLUX_SYSTEM}, "spec": spec}


def with_kinds(objects: list[Json], user: Json) -> Inventory:
    """An inventory in which the user's kind is served as well."""
    known = [body for body in objects if body["kind"] in VERSIONS]
    for body in objects:
        body["metadata"].setdefault("labels", {})
    read = inventory(known)
    for body in objects:
        live = Live.of(body)
        read.objects.setdefault(live.key, live)
        if live.ref.kind_key not in read.served:
            group, _, version = live.ref.api_version.rpartition("/")
            read.served[live.ref.kind_key] = Served(group, version, "things", live.ref.kind, True, frozenset({"list"}))
    return read


def test_subjects_of_a_binding_are_no_users_of_it() -> None:
    account = obj("ServiceAccount", "acct")
    bind = stale(
        "RoleBinding", "b", roleRef={"kind": "Role", "name": "r"}, subjects=[{"kind": "ServiceAccount", "name": "acct"}]
    )
    assert decided(judge([active(), account, bind]), bind) == ("delete", ())


@pytest.mark.parametrize("kind", [kind for kind in TEMPLATES if kind.kind != "Pod"])
def test_every_pod_template_counts_at_any_replica_count(kind: KindKey) -> None:
    spec: Any = {"serviceAccountName": "acct"}
    for name in reversed(TEMPLATES[kind][:-1]):
        spec = {"template": {"spec": spec}} if name == "template" else {name: spec}
    user = obj(kind.kind, "user", **spec)
    user["spec"]["replicas"] = 0
    account = stale("ServiceAccount", "acct")
    found = judge([active(), user, account])
    assert decided(found, account) == ("protect", ("S7",))


def test_the_namespace_of_a_user_counts() -> None:
    elsewhere = obj("Pod", "p", "apps", spec={"serviceAccountName": "acct"})
    account = stale("ServiceAccount", "acct")
    assert decided(judge([active(), elsewhere, account]), account) == ("delete", ())


TEMPLATE = {"metadata": {"labels": {"app": "d", "tier": "b"}}, "spec": {}}


def service(selector: Any, namespace: str = FLUX_SYSTEM) -> Json:
    return obj("Service", "svc", namespace, spec={"selector": selector})


@pytest.mark.parametrize(
    ("user", "rules"),
    [
        (service({"app": "d"}), ("S7",)),
        (service({"app": "d", "tier": "b"}), ("S7",)),
        (service({"app": "other"}), ()),
        (service({}), ()),
        (service(None), ()),
        (service({"app": "d"}, "apps"), ()),
    ],
)
def test_a_service_that_sends_traffic_uses_a_deployment(user: Json, rules: tuple[str, ...]) -> None:
    left = stale("Deployment", "d", spec={"template": TEMPLATE})
    assert decided(judge([active(), user, left]), left)[1] == rules
    if user["metadata"]["namespace"] == FLUX_SYSTEM:
        assert decided(judge([active(user), left]), left)[1] == rules


@pytest.mark.parametrize(
    ("kind", "spec"),
    [
        ("NetworkPolicy", {"podSelector": {"matchLabels": {"app": "d"}}}),
        ("NetworkPolicy", {"podSelector": {}}),
        (
            "PodDisruptionBudget",
            {"selector": {"matchExpressions": [{"key": "app", "operator": "In", "values": ["d"]}]}},
        ),
        ("ResourceQuota", {}),
        ("HorizontalPodAutoscaler", {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "d"}}),
    ],
)
def test_workloads_use_what_selects_limits_or_scales_them(kind: str, spec: Json) -> None:
    left = stale(kind, "left", spec=spec)
    user = obj("Deployment", "d", spec={"replicas": 0, "template": TEMPLATE})
    for objects in ([active(), user], [active(user)]):
        assert decided(judge([*objects, left]), left) == ("protect", ("S7",))
    leaving = stale("Deployment", "d", spec={"template": TEMPLATE})
    assert decided(judge([active(), leaving, left]), left) == ("delete", ())
    other = obj("Deployment", "e", "apps", spec={"template": TEMPLATE})
    assert decided(judge([active(), other, left]), left) == ("delete", ())


def test_pods_of_a_custom_controller_are_under_a_policy_of_their_own() -> None:
    left = stale("NetworkPolicy", "left", spec={"podSelector": {}})
    rollout = custom("argoproj.io/v1alpha1", "Rollout", {})
    rollout["metadata"]["uid"] = "u"
    body = pod()
    body["metadata"]["ownerReferences"] = [
        {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "name": "user", "uid": "u", "controller": True}
    ]
    assert decided(weigh(with_kinds([active(), left, rollout, body], rollout)), left) == ("protect", ("S7",))


@pytest.mark.parametrize(
    ("rule", "rules"),
    [
        ({"clusterRoleSelectors": [{"matchLabels": {"agg": "admin"}}]}, ("S7",)),
        ({"clusterRoleSelectors": [{"matchLabels": {"agg": "view"}}]}, ()),
        ({"clusterRoleSelectors": [{}]}, ("S7",)),
        ({"clusterRoleSelectors": []}, ()),
        (None, ()),
        ("torn", ("S7",)),
        ({"clusterRoleSelectors": 3}, ("S7",)),
    ],
)
def test_an_aggregating_role_uses_what_it_selects(rule: Any, rules: tuple[str, ...]) -> None:
    left = stale(labels={"agg": "admin"})
    admin = obj("ClusterRole", "admin", aggregationRule=rule)
    assert decided(judge([active(), admin, left]), left)[1] == rules
    assert decided(judge([active(admin), left]), left)[1] == rules


def test_the_instances_of_a_definition_are_its_users() -> None:
    spec = {"group": group_of(KUSTOMIZE), "names": {"kind": "Kustomization"}}
    left = stale("CustomResourceDefinition", "k", spec=spec)
    assert decided(judge([active(), left]), left) == ("protect", ("S9",))
    found = judge([active(), left, obj("Kustomization", "sync")])
    assert decided(found, left) == ("protect", ("S7", "S9"))
    each = candidate(found, left)
    assert each is not None
    assert "Kustomization flux-system/sync is an instance of it" in each.why
    assert "S7" in decided(judge([active(), left], [gap("Kustomization")]), left)[1]


@pytest.mark.parametrize(
    ("selector", "selected"),
    [
        (None, True),
        ({}, True),
        ("torn", True),
        ({"matchLabels": {"a": "1"}}, True),
        ({"matchLabels": {"a": "2"}}, False),
        ({"matchLabels": {"b": "1"}}, False),
        ({"matchExpressions": [{"key": "a", "operator": "In", "values": ["1", "2"]}]}, True),
        ({"matchExpressions": [{"key": "a", "operator": "In", "values": ["2"]}]}, False),
        ({"matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["2"]}]}, True),
        ({"matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["1"]}]}, False),
        ({"matchExpressions": [{"key": "b", "operator": "NotIn", "values": ["1"]}]}, True),
        ({"matchExpressions": [{"key": "a", "operator": "Exists"}]}, True),
        ({"matchExpressions": [{"key": "b", "operator": "Exists"}]}, False),
        ({"matchExpressions": [{"key": "b", "operator": "DoesNotExist"}]}, True),
        ({"matchExpressions": [{"key": "a", "operator": "DoesNotExist"}]}, False),
        ({"matchExpressions": [{"key": "a", "operator": "Gt", "values": ["0"]}]}, True),
        ({"matchExpressions": [{"key": "a", "operator": "In", "values": 5}]}, True),
        ({"matchExpressions": 5}, True),
    ],
)
def test_selectors_select_as_the_api_server_does_and_more_where_they_are_damaged(selector: Any, selected: bool) -> None:
    assert selects(selector, {"a": "1"}) is selected


BY_TARGET = sorted({(kind.kind, user.kind, user.group) for kind, users in USERS.items() for user in users})


@pytest.mark.parametrize(("used", "user", "group"), BY_TARGET)
def test_a_kind_of_user_that_could_not_be_listed_protects_and_an_unserved_one_has_no_users(
    used: str, user: str, group: str
) -> None:
    left = stale(used, "left")
    if used == "HorizontalPodAutoscaler":
        left["spec"] = {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "gone"}}
    clear = judge([active(), left])
    assert "S7" not in decided(clear, left)[1]
    if user != "Secret":  # where Secrets cannot be listed nothing is settled, and S3 says so
        blind = judge([active(), left], [Gap(group, user, None, "forbidden")])
        if used != user:
            assert "S7" in decided(blind, left)[1]
            each = candidate(blind, left)
            assert each is not None
            assert f"could not verify that nothing uses it: {user}: forbidden" in each.why
            assert f"{user}: forbidden" in blind.incomplete
    if user in VERSIONS and user not in (used, "Secret"):
        assert decided(judge([active(), left], unserved=[user]), left) == decided(clear, left)


@pytest.mark.parametrize("kind", ["Role", "ClusterRoleBinding", "NetworkPolicy"])
def test_kinds_that_could_not_use_it_do_not_matter(kind: str) -> None:
    left = stale("Role" if kind == "ClusterRoleBinding" else "ConfigMap", "left")
    assert decided(judge([active(), left], [gap(kind)]), left) == ("delete", ())


@pytest.mark.parametrize("kind", ["Secret", "ConfigMap", "ServiceAccount"])
def test_unreadable_flux_kinds_protect_what_flux_refers_to(kind: str) -> None:
    left, role = stale(kind, "left"), stale()
    found = judge([active(), left, role], [gap("GitRepository")])
    assert decided(found, left) == ("protect", ("S7",))
    assert decided(found, role) == ("delete", ())
    assert "GitRepository: forbidden" in found.incomplete


def test_a_lost_api_group_protects_too() -> None:
    left = stale("Service", "left", spec={})
    lost = Gap("gateway.networking.k8s.io", None, None, "the server is down")
    assert decided(judge([active(), left], [lost]), left) == ("protect", ("S7",))


def test_a_gap_in_another_namespace_matters_only_for_users_that_reach_across() -> None:
    quota = stale("ResourceQuota", "left", spec={})
    assert decided(judge([active(), quota], [gap("Pod", namespace="apps")]), quota) == ("delete", ())
    assert decided(judge([active(), quota], [gap("Pod", namespace=FLUX_SYSTEM)]), quota) == ("protect", ("S7",))
    # What is named in passing may be named in full from anywhere.
    account = stale("ServiceAccount", "left")
    for kind in ("RoleBinding", "Pod"):
        found = judge([active(), account], [gap(kind, namespace="apps")])
        assert decided(found, account) == ("protect", ("S7",))


def test_a_user_of_which_only_metadata_was_read_could_use_anything() -> None:
    account, config = stale("ServiceAccount", "left"), stale("ConfigMap", "left")
    read = inventory([active(), account, config])
    bare = Live.of(obj("ClusterRoleBinding", "b"), keep_body=False)
    read.objects[bare.key] = bare
    found = weigh(read)
    assert decided(found, account) == ("protect", ("S7",))
    assert decided(found, config) == ("delete", ())


@pytest.mark.parametrize("kind", ["Deployment", "NetworkPolicy", "PodDisruptionBudget", "HorizontalPodAutoscaler"])
def test_an_object_whose_own_selector_was_not_read_is_protected(kind: str) -> None:
    left = stale(kind, "left", spec={})
    read = inventory([active(), left])
    bare = Live.of(left, keep_body=False)
    read.objects[bare.key] = bare
    assert decided(weigh(read), left) == ("protect", ("S7",))


TORN: list[tuple[str, Json]] = [
    ("spec", obj("Pod", "user", spec="torn")),
    ("template", obj("Deployment", "user", spec={"template": []})),
    ("volumes", pod(volumes={"name": "v"})),
    ("a volume", pod(volumes=["v"])),
    ("containers", pod(containers=7)),
    ("account", pod(serviceAccountName=["x"])),
    ("env", pod(containers=[{"env": "X=1"}])),
    ("role", obj("RoleBinding", "user", roleRef="x")),
    ("role name", obj("RoleBinding", "user", roleRef={"kind": "ClusterRole", "name": 3})),
    ("role kind", obj("RoleBinding", "user", roleRef={"kind": [], "name": "left"})),
    ("subjects", obj("RoleBinding", "user", subjects={"name": "left"})),
    (
        "subject namespace",
        obj("RoleBinding", "user", subjects=[{"kind": "ServiceAccount", "name": "l", "namespace": []}]),
    ),
]


@pytest.mark.parametrize("user", [each[1] for each in TORN], ids=[each[0] for each in TORN])
def test_a_damaged_user_could_use_anything(user: Json) -> None:
    with pytest.raises(Damaged):
        list(references(user))
    account = stale("ServiceAccount", "left")
    found = judge([active(), account, user])
    assert decided(found, account) == ("protect", ("S7",))
    each = candidate(found, account)
    assert each is not None
    # What could be read of it may name the account already.
    assert f"{user['kind']} flux-system/user " in each.why


@pytest.mark.parametrize("labels", ["torn", ["app"], 5])
def test_damaged_labels_of_a_workload_may_be_any(labels: Any) -> None:
    policy = stale("NetworkPolicy", "left", spec={"podSelector": {"matchLabels": {"app": "other"}}})
    user = obj("Deployment", "d", spec={"template": {"metadata": {"labels": labels}}})
    assert decided(judge([active(), policy, user]), policy) == ("protect", ("S7",))
    left = stale("Deployment", "left", spec={"template": {"metadata": {"labels": labels}}})
    assert decided(judge([active(), left, service({"app": "z"})]), left) == ("protect", ("S7",))


def test_nothing_is_read_where_nothing_might_go() -> None:
    usage = Usage(inventory([pod(serviceAccountName="x")]), [], [])
    assert usage.of(target("ServiceAccount")) == ()


def test_pods_that_stop_because_their_controller_has_left_are_no_users() -> None:
    """A Deployment's pods outlive it by their grace period."""
    account = stale("ServiceAccount", "account")
    runs: Json = {"owner": ("ReplicaSet", "web"), "spec": {"serviceAccountName": "account"}}
    stops = obj("Pod", "web-1", deleting=True, **runs)
    standing = obj("ReplicaSet", "web", spec={"template": {"spec": {"serviceAccountName": "other"}}})
    assert decided(judge([active(), account, stops]), account) == ("delete", ())
    assert decided(judge([active(), account, stops], gaps=[gap("ReplicaSet")]), account) == ("protect", ("S7",))
    assert decided(judge([active(), account, stops, standing]), account) == ("protect", ("S7",))
    assert decided(judge([active(), account, obj("Pod", "web-1", **runs)]), account) == ("protect", ("S7",))
