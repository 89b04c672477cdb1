"""The parts below HTTP: field sets, merges, patches, selectors, protobuf, tables, filling."""

import contextlib
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, strategies

from tui.practice import fields, managed, patch, protobuf, selectors, tables
from tui.practice.cluster import PracticeCluster
from tui.practice.fill import fill
from tui.practice.kinds import BUILTIN
from tui.practice.reads import Query, Reader, list_chunks
from tui.practice.schema import type_of
from tui.practice.status import ApiError
from tui.practice.writes import Options

Json = dict[str, Any]
DEPLOYMENT = type_of("apps", "v1", "Deployment")
CONFIG = type_of("", "v1", "ConfigMap")

FUZZED = PracticeCluster()
_WORDS = sorted(
    {"metadata", "spec", "status", "name", "labels", "annotations", "finalizers", "ownerReferences", "managedFields"}
    | {"template", "selector", "matchLabels", "matchExpressions", "containers", "ports", "env", "image", "data"}
    | {"roleRef", "subjects", "rules", "versions", "names", "strategy", "updateStrategy", "webhooks", "clientConfig"}
    | {"kind", "apiVersion", "stringData", "type", "generateName", "egress", "ingress", "jobTemplate", "volumes"}
)
_names = strategies.sampled_from(["a", "b", "c", "d"])
_data = strategies.dictionaries(_names, strategies.sampled_from(["1", "2", "3"]), max_size=4)


def writer(name: str) -> managed.Writer:
    return managed.Writer(name, CONFIG, "v1", "2026-11-23T08:00:00Z")


def config(data: dict[str, str]) -> Json:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}} | ({"data": dict(data)} if data else {})


@given(strategies.lists(strategies.tuples(_names, _data), min_size=1, max_size=6))
def test_forced_applies_leave_each_field_with_its_last_owners_and_no_other(steps: list[tuple[str, Any]]) -> None:
    live: Json = {"metadata": {}}
    wanted: dict[str, dict[str, str]] = {}
    for name, data in steps:
        live = managed.apply(writer(name), live, config(data), force=True, creating=not live.get("apiVersion"))
        for other, held in wanted.items():
            if other != name:
                wanted[other] = {k: v for k, v in held.items() if k not in data or data[k] == v}
        wanted[name] = data
        expected = {key: value for held in wanted.values() for key, value in held.items()}
        assert live.get("data", {}) == expected
        owned = {w.manager: e.fields for w, e in managed.Managed.decode(live).entries.items()}
        for manager, held in wanted.items():
            assert {p[1][2:] for p in owned.get(manager, ()) if p[0] == "f:data" and len(p) == 2} == set(held)


@given(_data, _data)
def test_a_merge_patch_made_of_a_difference_makes_the_difference(before: dict[str, str], after: dict[str, str]) -> None:
    difference = {key: after.get(key) for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
    assert patch.merge_patch({"data": before}, {"data": difference})["data"] == after


@given(
    strategies.sets(
        strategies.lists(strategies.sampled_from(["f:a", "f:b", 'k:{"name":"x"}']), min_size=1, max_size=4).map(tuple)
    )
)
def test_field_sets_survive_their_encoding(paths: Any) -> None:
    assert fields.decode(json.loads(json.dumps(fields.encode(paths)))) == frozenset(paths)


def test_a_strategic_patch_merges_containers_by_name_and_deletes_by_directive() -> None:
    live = {"spec": {"template": {"spec": {"containers": [{"name": "a", "image": "1"}, {"name": "b", "image": "1"}]}}}}
    wanted = {
        "spec": {"template": {"spec": {"containers": [{"name": "a", "image": "2"}, {"name": "b", "$patch": "delete"}]}}}
    }
    merged = patch.strategic(DEPLOYMENT, live, wanted)
    assert merged["spec"]["template"]["spec"]["containers"] == [{"name": "a", "image": "2"}]


@pytest.mark.parametrize(
    "operation", [{"op": "replace", "path": "/x", "value": 1}, {"op": "nope", "path": ""}, {"op": "add", "path": "x"}]
)
def test_a_json_patch_that_cannot_be_done_is_refused_whole(operation: Json) -> None:
    with pytest.raises(ApiError) as caught:
        patch.json_patch({"metadata": {}}, [{"op": "add", "path": "/a", "value": 1}, operation])
    assert caught.value.code == 422


@pytest.mark.parametrize(
    ("text", "found", "holds"),
    [
        ("app=x", {"app": "x"}, True),
        ("app==x,tier", {"app": "x"}, False),
        ("!app", {}, True),
        ("app in (x, y)", {"app": "y"}, True),
        ("app notin (x)", {}, True),
        ("app!=x", {"app": "x"}, False),
    ],
)
def test_label_selectors(text: str, found: dict[str, str], holds: bool) -> None:
    assert selectors.labels(text)({"metadata": {"labels": found}}) is holds


def test_an_access_review_in_protobuf_is_read_and_anything_else_is_refused() -> None:
    def text(number: int, value: bytes) -> bytes:
        return bytes([number << 3 | 2, len(value)]) + value

    attributes = text(1, b"apps") + text(2, b"delete") + text(5, b"pods")
    raw = text(2, text(1, attributes))
    kind = text(1, b"authorization.k8s.io/v1") + text(2, b"SelfSubjectAccessReview")
    body = protobuf.parse(protobuf.MAGIC + text(1, kind) + text(2, raw))
    assert body["spec"]["resourceAttributes"] == {"namespace": "apps", "verb": "delete", "resource": "pods"}
    for bad in (b"", b"{}", protobuf.MAGIC + b"\xff\xff", protobuf.MAGIC + text(1, text(1, b"v1") + text(2, b"Pod"))):
        with pytest.raises(ApiError) as caught:
            protobuf.parse(bad)
        assert caught.value.code == 415


def test_a_table_shows_what_kubectl_shows() -> None:
    kind = next(k for k in BUILTIN if k.plural == "deployments")
    body = {
        "metadata": {"name": "web", "creationTimestamp": "2026-11-23T08:00:00Z"},
        "spec": {"replicas": 2},
        "status": {"readyReplicas": 1, "updatedReplicas": 2, "availableReplicas": 1},
    }
    made = tables.table(kind, [body], {}, datetime(2026, 11, 23, 10, 30, tzinfo=UTC), whole=False)
    assert made["rows"][0]["cells"] == ["web", "1/2", 2, 1, "2h"]
    assert "spec" not in made["rows"][0]["object"]


def test_a_filled_cluster_pages_through_all_of_it() -> None:
    cluster = PracticeCluster()
    fill(cluster, 4000)
    reader = Reader(cluster.world)
    kind = cluster.world.kinds.find("", "v1", "secrets")
    assert kind is not None
    seen: set[str] = set()
    token = ""
    while True:
        page = reader.page(kind, Query(limit=300, token=token))
        listed = json.loads(b"".join(list_chunks(kind, page, metadata_only=True)))
        names = {item["metadata"]["name"] for item in listed["items"]}
        assert not names & seen
        seen |= names
        token = listed["metadata"].get("continue", "")
        if not token:
            break
    assert len(seen) == 1000


_scalars = strategies.none() | strategies.booleans() | strategies.integers() | strategies.text(max_size=5)
_keys = strategies.sampled_from(_WORDS)
_json = strategies.recursive(
    _scalars, lambda inner: strategies.lists(inner, max_size=3) | strategies.dictionaries(_keys, inner, max_size=3)
)


@given(strategies.dictionaries(_keys, _json, max_size=5), strategies.sampled_from(BUILTIN), strategies.booleans())
def test_no_body_however_strange_is_more_than_refused(body: Json, kind: Any, applying: bool) -> None:
    cluster = FUZZED
    namespace = "default" if kind.namespaced else None
    writer = cluster.runner.writer
    with contextlib.suppress(ApiError):
        if applying:
            writer.patch(kind, namespace, "x", "apply-patch", body, Options("fuzz", dry_run=True))
        else:
            writer.create(kind, namespace, body, Options("fuzz", dry_run=True))
