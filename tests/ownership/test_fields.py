"""Field sets: read as the API server writes them, printed as it prints them."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.clusters import obj
from tui.objects import Json, Live, Manager
from tui.ownership.fields import holdings, leaves, rendered, setters, shared

DEPLOYMENT: Json = {
    "f:metadata": {"f:labels": {".": {}, "f:app.kubernetes.io/name": {}}},
    "f:spec": {
        "f:replicas": {},
        "f:template": {
            "f:spec": {
                "f:containers": {
                    'k:{"name":"manager"}': {
                        ".": {},
                        "f:image": {},
                        "f:name": {},
                        "f:ports": {
                            'k:{"containerPort":8080,"protocol":"TCP"}': {
                                ".": {},
                                "f:containerPort": {},
                                "f:protocol": {},
                            }
                        },
                        "f:args": {},
                    }
                }
            }
        },
    },
}


def manager(
    fields: Json, name: str = "m", operation: str = "Apply", subresource: str = "", time: str = "2026-01-01T00:00:00Z"
) -> Json:
    entry: Json = {"manager": name, "operation": operation, "time": time, "fieldsV1": fields}
    return entry | ({"subresource": subresource} if subresource else {})


def live(*managers: Json) -> Live:
    body = obj("Deployment", "d")
    body["metadata"]["managedFields"] = list(managers)
    return Live.of(body)


def one(fields: Json) -> Manager:
    return live(manager(fields)).managers[0]


def paths(fields: Json) -> list[str]:
    return sorted(map(rendered, leaves(one(fields))))


def test_fields_are_printed_as_a_conflict_prints_them() -> None:
    assert paths(DEPLOYMENT) == [
        ".metadata.labels.app.kubernetes.io/name",
        ".spec.replicas",
        '.spec.template.spec.containers[name="manager"].args',
        '.spec.template.spec.containers[name="manager"].image',
        '.spec.template.spec.containers[name="manager"].ports[containerPort=8080,protocol="TCP"]',
    ]


@pytest.mark.parametrize(
    ("fields", "printed"),
    [
        ({"f:metadata": {"f:finalizers": {".": {}, 'v:"a/b"': {}}}}, ['.metadata.finalizers[="a/b"]']),
        ({"f:spec": {"f:list": {"i:3": {"f:x": {}}}}}, [".spec.list[3].x"]),
        ({"f:data": {".": {}}}, [".data"]),
        ({"f:spec": {"f:ports": {'k:{"port":80}': {".": {}, "f:port": {}}}}}, [".spec.ports[port=80]"]),
        (
            {"f:spec": {"f:on": {"v:true": {}, "v:null": {}, "v:1.5": {}}}},
            [".spec.on[=1.5]", ".spec.on[=null]", ".spec.on[=true]"],
        ),
        ({"f:a": {"q:new": {}, "f:b": {}}}, [".a.b"]),
        ({"f:a": {"f:b": "text", "f:c": [1]}}, [".a"]),
        ({".": {}}, []),
        ({}, []),
        (
            {"f:l": {"k:broken": {"f:x": {}}, "v:broken": {}, "k:1": {"f:y": {}}}},
            [".l[=1].y", ".l[broken]", ".l[broken].x"],
        ),
        ({"f:l": {'v:"\\u202ex\\u009b"': {}}}, ['.l[="\N{REPLACEMENT CHARACTER}x<9b>"]']),
    ],
)
def test_every_kind_of_element(fields: Json, printed: list[str]) -> None:
    assert paths(fields) == printed


def test_the_recorded_conflict_of_an_api_server_is_printed_the_same() -> None:
    recorded = Path(__file__).parents[1] / "conformance" / "recordings"
    text = "".join(path.read_text() for path in sorted(recorded.rglob("*")) if path.is_file())
    fields: Json = {"f:spec": {"f:template": {"f:spec": {"f:containers": {'k:{"name":"manager"}': {"f:image": {}}}}}}}
    assert json.dumps(paths(fields)[0])[1:-1] in text


def test_what_two_managers_share_leaves_out_what_only_holds_others_together() -> None:
    labels: Json = {"f:metadata": {"f:labels": {".": {}, "f:a": {}}}}
    other = {"f:metadata": {"f:labels": {".": {}, "f:b": {}}}, "f:spec": {"f:replicas": {}}}
    item: Json = {"f:spec": {"f:containers": {'k:{"name":"c"}': {".": {}, "f:name": {}, "f:image": {}}}}}
    beside: Json = {"f:spec": {"f:containers": {'k:{"name":"c"}': {".": {}, "f:name": {}, "f:args": {}}}}}
    assert list(shared(one(labels), one(other))) == []
    assert list(shared(one(item), one(beside))) == []
    assert [rendered(path) for path in shared(one(DEPLOYMENT), one(other))] == [".spec.replicas"]


def test_holdings_name_the_last_writer_first_and_leave_subresources_out() -> None:
    found = holdings(
        live(
            manager({"f:spec": {"f:replicas": {}}}, "early", "Update", time="2026-01-01T00:00:00Z"),
            manager({"f:spec": {"f:paused": {}}}, "late", time="2026-03-01T00:00:00Z"),
            manager({"f:status": {"f:x": {}}}, "status", "Update", "status"),
            manager({"f:spec": {"f:replicas": {}}}, "hpa", "Update", "scale"),
        )
    )
    assert [(each.who, each.paths, each.sole) for each in found] == [
        ("late (Apply at 2026-03-01T00:00:00Z)", (".spec.paused",), False),
        ("early (Update at 2026-01-01T00:00:00Z)", (".spec.replicas",), False),
    ]
    assert holdings(live()) == ()


def test_a_manager_alone_holds_everything_whatever_was_kept() -> None:
    alone = live(manager({}, "m"), manager({"f:status": {}}, "kubelet", "Update", "status"))
    assert [(each.manager, each.paths, each.sole) for each in holdings(alone)] == [("m", (), True)]
    assert [each.name for each in setters(alone, "spec", "suspend")] == ["m"]


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({"f:spec": {"f:suspend": {}}}, True),
        ({"f:spec": {"f:suspend": {"f:below": {}}}}, True),
        ({"f:spec": {}}, True),
        ({"f:spec": {".": {}}}, True),
        ({"f:spec": {"f:other": {}}}, False),
        ({"f:metadata": {"f:suspend": {}}}, False),
        ({"f:spec": {"f:suspend": 1}}, False),
    ],
)
def test_who_set_a_field(fields: Json, found: bool) -> None:
    there = live(manager(fields, "asked"), manager({"f:data": {}}, "other"))
    assert [each.name for each in setters(there, "spec", "suspend")] == (["asked"] if found else [])


def test_who_scaled_is_told_by_the_subresource() -> None:
    there = live(
        manager({"f:spec": {"f:replicas": {}}}, "kubectl", "Update", "scale"), manager({"f:spec": {"f:x": {}}})
    )
    assert [each.name for each in setters(there, "spec", "replicas")] == ["kubectl"]


def test_a_set_nested_as_deep_as_json_can_be_read_is_read() -> None:
    fields: Any = {}
    for _ in range(700):
        fields = {"f:a": fields}
    assert [len(path) for path in leaves(one(fields))] == [700]


keys = st.one_of(
    st.sampled_from(
        [".", "f:spec", "f:metadata", 'k:{"name":"a"}', 'v:"x"', "i:0", "i:x", "k:[]", "k:1", "v:", "z:1", ""]
    ),
    st.text(max_size=6),
)
sets: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.just({}), st.integers(), st.text(max_size=3), st.none()),
    lambda inner: st.one_of(st.dictionaries(keys, inner, max_size=4), st.lists(inner, max_size=2)),
    max_leaves=20,
)


@given(sets)
def test_nothing_that_a_server_may_send_raises(fields: Any) -> None:
    there = live(manager(fields), manager(DEPLOYMENT, "other"))
    for holding in holdings(there):
        assert all(isinstance(path, str) for path in holding.paths)
    setters(there, "spec", "suspend")
