"""A live object may hold any JSON: nothing raises out of an assessment, and no damage ever frees anything."""

import copy
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tests.clusters import FLUX_SYSTEM, contract, obj, record
from tests.ownership.judging import NEW, OLD, active, stale
from tests.ownership.living import harbours, living, recorded
from tui.contract.model import Guardrail, Health, Selector
from tui.objects import Gap, Inventory, Json, Key, KindKey, Live, Ref, Searched, Served
from tui.ownership.assess import assess
from tui.ownership.model import Assessment, Decision, Wish
from tui.ownership.tree import GroupBy, TreeNode, build_tree

TODAY = date(2026, 11, 23)
CONTRACT = contract(
    guardrails=(Guardrail("ports", Selector(kinds=("Service",), fields={"spec.ports.nodePort": ("*",)}), "none"),),
    health=(Health(FLUX_SYSTEM, deployments=("ctl",)),),
)
TEMPLATE = {
    "metadata": {"labels": {"app": "old"}},
    "spec": {
        "serviceAccountName": "acct",
        "volumes": [{"name": "v", "configMap": {"name": "config"}}],
        "containers": [{"name": "m", "envFrom": [{"secretRef": {"name": "secret"}}]}],
    },
}


def world() -> list[Json]:
    """A cluster with a bit of everything: what may go, what uses it, and owners of every kind."""
    subject = {"kind": "ServiceAccount", "name": "used", "namespace": FLUX_SYSTEM}
    ctl = obj("Deployment", "ctl", release=NEW, spec={"replicas": 1, "template": TEMPLATE})
    entries = [{"id": f"{FLUX_SYSTEM}_synced__ConfigMap", "v": "v1"}]
    leaving = TEMPLATE | {"metadata": {"labels": {"app": "leaving"}}}
    ready = [{"type": "Ready", "status": "False", "reason": "Failed", "message": "ClusterRole/free is in the way"}]
    bodies = [
        active(ctl, obj("ServiceAccount", "mine")),
        record(OLD, 1, "superseded"),
        ctl,
        stale("ServiceAccount", "mine"),
        stale("ClusterRole", "free"),
        stale("ClusterRole", "granted"),
        stale("ServiceAccount", "used"),
        stale("ServiceAccount", "acct"),
        stale("ConfigMap", "config"),
        stale("Secret", "secret"),
        stale("ConfigMap", "synced"),
        stale("ConfigMap", "flagged", labels={"kustomize.toolkit.fluxcd.io/name": "sync"}),
        stale("ClusterRole", "kept", annotations={"helm.sh/resource-policy": "keep"}),
        stale("ClusterRole", "held", finalizers=["x/y"]),
        stale("Deployment", "gone", spec={"template": TEMPLATE | {"metadata": {"labels": {"app": "gone"}}}}),
        stale("Service", "svc", spec={"selector": {"app": "none"}}),
        stale("NetworkPolicy", "net", spec={"podSelector": {"matchLabels": {"app": "old"}}}),
        obj("ClusterRoleBinding", "b", roleRef={"kind": "ClusterRole", "name": "granted"}, subjects=[subject]),
        obj("ClusterRole", "admin", aggregationRule={"clusterRoleSelectors": [{"matchLabels": {"agg": "x"}}]}),
        obj("Service", "front", spec={"selector": {"app": "gone"}, "ports": [{"nodePort": 3}]}),
        obj(
            "Kustomization",
            "sync",
            spec={"suspend": True},
            status={"inventory": {"entries": entries}, "conditions": ready},
        ),
        obj("HelmRelease", "hr", spec={"targetNamespace": "apps"}, status={"history": [{"name": "hr"}]}),
        obj("ReplicaSet", "ctl-1", owner=("Deployment", "ctl"), release=NEW, spec={"template": TEMPLATE}),
        obj("Pod", "ctl-1-a", owner=("ReplicaSet", "ctl-1"), labels={"app": "old"}, spec=TEMPLATE["spec"]),
        obj("Namespace", FLUX_SYSTEM, deleting=True, status={"conditions": [{"type": "x", "status": "True"}]}),
        obj(
            "ValidatingWebhookConfiguration",
            "hook",
            webhooks=[
                {"name": "h", "clientConfig": {"service": {"name": "svc", "namespace": FLUX_SYSTEM}}, "rules": []}
            ],
        ),
        obj(
            "APIService", "v1.x", spec={"group": "x"}, status={"conditions": [{"type": "Available", "status": "False"}]}
        ),
        obj(
            "HorizontalPodAutoscaler",
            "hpa",
            spec={"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "ctl"}},
        ),
        obj("Ingress", "in", spec={"rules": [{"http": {"paths": [{"backend": {"service": {"name": "front"}}}]}}]}),
        obj("CustomResourceDefinition", "crd", spec={"group": "x", "names": {"kind": "X"}}),
        stale("Deployment", "leaving", spec={"template": leaving}),
    ]
    return copy.deepcopy(bodies)


def read(bodies: list[Json]) -> Inventory:
    """The inventory of these bodies; served are the kinds that an unharmed world has."""
    lives = {}
    for body in bodies:
        meta = body.get("metadata")
        name = meta.get("name") if isinstance(meta, dict) else None
        is_record = isinstance(name, str) and name.startswith("sh.helm.release")
        live = Live.of(body, keep_body=is_record or body.get("kind") not in ("ConfigMap", "Secret"))
        lives[live.key] = live
    served = {}
    for body in world():
        ref = Ref.of(body)
        group, _, version = ref.api_version.rpartition("/")
        served[ref.kind_key] = Served(
            group, version, f"{ref.kind.lower()}s", ref.kind, ref.namespace is not None, frozenset()
        )
    versions = frozenset(f"{kind.api_version}/{kind.kind}" for kind in served.values())
    searched = Searched(frozenset(lives))
    return Inventory("uid", "v1.36", served, versions, lives, [], searched)


def gone(found: Assessment) -> set[Key]:
    return {each.ref.key for each in found.candidates if each.decision in (Decision.DELETE, Decision.RECREATE)}


def places(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place below an object."""
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for name, value in items:
        yield (*path, name)
        yield from places(value, (*path, name))


def put(body: Json, path: tuple[Any, ...], value: Any) -> Any:
    node: Any = body
    for step in path[:-1]:
        node = node[step]
    old, node[path[-1]] = node[path[-1]], value
    return old


BEFORE = gone(assess(CONTRACT, read(world()), today=TODAY))
SITES = [(number, path) for number, body in enumerate(world()) for path in places(body)]
CANDIDATES = frozenset(
    number
    for number, body in enumerate(world())
    if body["metadata"]["annotations"].get("meta.helm.sh/release-name") == OLD
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6)
JSONS = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
TORN = st.sampled_from(["torn", 7, True, 1.5, ["torn"], [7], [[]], {"torn": ["x"]}, {"torn": 7}])
often = settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def test_the_world_has_something_to_free_and_something_to_protect() -> None:
    assert {key.name for key in BEFORE} == {"free", "leaving"}
    assert len(assess(CONTRACT, read(world()), today=TODAY).candidates) == 15


@often
@given(st.sampled_from(SITES), JSONS, st.sampled_from([None, Wish(expected="gitops-flux"), Wish(settled=(NEW, 2))]))
def test_no_json_anywhere_raises(site: tuple[int, tuple[Any, ...]], value: Any, wish: Wish | None) -> None:
    bodies = world()
    put(bodies[site[0]], site[1], value)
    found = assess(CONTRACT, read(bodies), today=TODAY, wish=wish)
    for finding in found.findings:
        finding.to_json()
    for group_by in GroupBy:
        walk(build_tree(CONTRACT, found, group_by))


def walk(node: TreeNode) -> None:
    assert node.count == sum(child.count for child in node.children) or node.kind == "object"
    for child in node.children:
        walk(child)


def is_damage(old: Any, new: Any) -> bool:
    """Whether this is no value an API server would send: one of another type than the field has."""
    return type(old) is not type(new) and not (isinstance(old, int | float) and isinstance(new, int | float))


@often
@given(st.sampled_from(SITES), TORN)
def test_damage_never_adds_a_deletion(site: tuple[int, tuple[Any, ...]], value: Any) -> None:
    """An object's identity and a custom resource's spec are left alone: to change those is no damage."""
    bodies = world()
    number, path = site
    custom = bodies[number]["apiVersion"].partition("/")[0].endswith("toolkit.fluxcd.io")
    assume(not (custom and path[0] == "spec"))
    assume(path[0] not in ("kind", "apiVersion") and path != ("metadata",))
    # Of a user's identity nothing is left to protect by; a candidate's own is judged all the same.
    assume(path not in {("metadata", "name"), ("metadata", "namespace"), ("metadata", "uid")} or number in CANDIDATES)
    old = put(bodies[number], path, copy.deepcopy(value))
    assume(is_damage(old, value))
    assert gone(assess(CONTRACT, read(bodies), today=TODAY)) <= BEFORE


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 57), st.data())
def test_the_living_cluster_may_be_mutilated_anywhere(number: int, data: st.DataObject) -> None:
    bodies = recorded()
    sites = list(places(bodies[number]))
    for path in data.draw(st.lists(st.sampled_from(sites), min_size=1, max_size=3)):
        try:
            put(bodies[number], path, data.draw(JSONS))
        except (KeyError, IndexError, TypeError):
            continue  # a place below one that is already something else
    whole = living()
    lives = {live.key: live for live in map(Live.of, bodies)}
    torn = Inventory("uid", "v1", whole.served, whole.versions, lives, [])
    assert gone(assess(harbours(), torn, today=TODAY)) == set()


@pytest.mark.parametrize("field", ["labels", "annotations", "ownerReferences", "finalizers", "managedFields"])
@pytest.mark.parametrize("value", [None, [], {}, "x", 5, [None], ["x"], [5], {"a": None}, {"a": {}}, [[]], [{}], True])
def test_metadata_of_any_shape_is_read_and_its_damage_named(field: str, value: Any) -> None:
    live = Live.of({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x", field: value}})
    sound = value is None or (value == {} and field in ("labels", "annotations"))
    sound = sound or (value == [] and field not in ("labels", "annotations"))
    sound = sound or (value == ["x"] and field == "finalizers") or (value == [{}] and field == "managedFields")
    assert live.damaged == (frozenset() if sound else {field})


@pytest.mark.parametrize(
    ("controller", "sound"), [(True, True), (False, True), (None, True), (1, False), (0, False), ("true", False)]
)
def test_only_true_makes_a_controller_and_anything_odd_is_named(controller: Any, sound: bool) -> None:
    owner = {"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "u", "controller": controller}
    live = Live.of({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x", "ownerReferences": [owner]}})
    assert (live.controller is not None) is (controller is True)
    assert live.damaged == (frozenset() if sound else {"ownerReferences"})


@pytest.mark.parametrize("metadata", [None, [], "x", 5, {"name": 5}, {"name": ["x"]}, {"namespace": {}}, {"uid": []}])
def test_objects_without_sound_metadata_are_objects_still(metadata: Any) -> None:
    live = Live.of({"apiVersion": ["v1"], "kind": {"a": 1}, "metadata": metadata})
    assert hash(live.key) is not None
    assert live.ref.kind == live.ref.api_version == ""


def test_a_gap_of_nothing_and_an_unknown_kind_break_nothing() -> None:
    inventory = read(world())
    inventory.gaps += [Gap("", "", "", ""), Gap("x", None, None, "")]
    inventory.served.pop(KindKey("", "Namespace"))
    assert gone(assess(CONTRACT, inventory, today=TODAY)) <= BEFORE
