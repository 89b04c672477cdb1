"""Drift: what a document says and the live object does not; never what the API server wrote its own way."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.ownership.judging import findings, names, weigh
from tests.ownership.living import harbours, living, recorded
from tui.objects import Json, Live
from tui.ownership.drift import drift, same_value
from tui.ownership.releases import listed_by, read_releases


def differences(want: Any, have: Any) -> tuple[str, ...]:
    """The paths of a spec that differ."""
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}, "spec": have}
    return drift({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}, "spec": want}, Live.of(body))


DEFAULTED = {
    "replicas": 1,
    "strategy": {"type": "RollingUpdate"},
    "template": {
        "spec": {"containers": [{"name": "m", "image": "i", "ports": [{"containerPort": 80, "protocol": "TCP"}]}]}
    },
}


@pytest.mark.parametrize(
    ("want", "have"),
    [
        ({}, DEFAULTED),
        ({"replicas": 1}, DEFAULTED),
        ({"replicas": None}, {}),
        ({"template": {"spec": {"containers": [{"name": "m", "image": "i"}]}}}, DEFAULTED),
        ({"a": {}}, {}),
        ({"a": []}, {}),
        ({"a": ""}, {}),
        ({"a": False}, {}),
        ({"a": 0}, {}),
        ({"a": {"b": None, "c": {"d": []}}}, {}),
        ({"cpu": "1000m"}, {"cpu": "1"}),
        ({"cpu": 1}, {"cpu": "1"}),
        ({"cpu": 0.5}, {"cpu": "500m"}),
        ({"memory": "1Gi"}, {"memory": "1024Mi"}),
        ({"memory": "1k"}, {"memory": 1000}),
        ({"port": 80}, {"port": "80"}),
        ({"l": [{"name": "b"}, {"name": "a"}]}, {"l": [{"name": "a"}, {"name": "b"}]}),
        ({"l": [{"containerPort": 80}]}, {"l": [{"containerPort": 80, "protocol": "TCP"}]}),
        (
            {"volumeMounts": [{"name": "v", "mountPath": "/a"}, {"name": "v", "mountPath": "/b"}]},
            {"volumeMounts": [{"name": "v", "mountPath": "/a"}, {"name": "v", "mountPath": "/b", "readOnly": False}]},
        ),
        (
            {"ports": [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]},
            {"ports": [{"port": 53, "protocol": "TCP"}, {"port": 53, "protocol": "UDP"}]},
        ),
        (["a"], ["a", "b"]),
    ],
)
def test_no_drift(want: Any, have: Any) -> None:
    assert differences(want, have) == ()


@pytest.mark.parametrize(
    ("want", "have", "paths"),
    [
        ({"replicas": 2}, DEFAULTED, ("spec.replicas",)),
        ({"a": {"b": 1}}, {}, ("spec.a",)),
        ({"a": {"b": 1}}, {"a": "torn"}, ("spec.a",)),
        ({"a": [1]}, {"a": {"0": 1}}, ("spec.a",)),
        ({"a": ["x", "y"]}, {"a": ["x"]}, ("spec.a[1]",)),
        ({"a": ["x"]}, {"a": ["y"]}, ("spec.a[0]",)),
        ({"a": True}, {"a": False}, ("spec.a",)),
        ({"a": "true"}, {"a": "false"}, ("spec.a",)),
        ({"cpu": "1"}, {"cpu": "2"}, ("spec.cpu",)),
        ({"cpu": "1k"}, {"cpu": "1Ki"}, ("spec.cpu",)),
        ({"l": [{"name": "a", "v": 1}]}, {"l": [{"name": "a", "v": 2}]}, ("spec.l[name=a].v",)),
        ({"l": [{"name": "a", "v": 1}]}, {"l": [{"name": "b", "v": 1}]}, ("spec.l[name=a]",)),
        (
            {"volumeMounts": [{"name": "v", "mountPath": "/a"}, {"name": "v", "mountPath": "/c"}]},
            {"volumeMounts": [{"name": "v", "mountPath": "/a"}, {"name": "v", "mountPath": "/b"}]},
            ("spec.volumeMounts[name=v].mountPath",),
        ),
    ],
)
def test_drift_names_its_path(want: Any, have: Any, paths: tuple[str, ...]) -> None:
    assert differences(want, have) == paths


def test_what_was_not_read_is_no_drift() -> None:
    document = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}, "data": {"a": "b"}}
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}}
    assert drift(document, Live.of(body, keep_body=False)) == ()
    assert drift(document, Live.of(body)) == ("data",)
    definition = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {}}
    assert drift(definition | {"spec": {"versions": [{"schema": {"a": 1}}]}}, Live.of(definition)) == ()


def test_metadata_and_status_are_not_compared() -> None:
    body: Json = {"kind": "ConfigMap", "metadata": {"name": "x", "labels": {}}, "status": {"a": 1}}
    assert drift({"kind": "ConfigMap", "metadata": {"labels": {"a": "b"}}, "status": {"a": 2}}, Live.of(body)) == ()


def test_a_very_long_number_is_compared_as_text_alone() -> None:
    assert not same_value("9" * 2_000_000, "9" * 1_999_999 + "8")
    assert same_value("9" * 2_000_000, "9" * 2_000_000)


@settings(max_examples=60, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=4),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abcde"), inner, max_size=3),
        max_leaves=12,
    )
)
def test_nothing_drifts_from_itself(value: Any) -> None:
    assert differences(value, value) == ()


def test_the_real_releases_have_not_drifted_and_a_changed_one_has() -> None:
    inventory = living()
    compared = 0
    for release in read_releases(inventory).all:
        record = release.in_force
        assert record is not None
        for key, document in listed_by(record, inventory.namespaced).documents.items():
            live = inventory.get(key)
            assert live is not None, key
            # Flux took this role over and granted other resources.
            taken = ("rules[0].resources[0]",) if key.name == "harbour-4-pilot" and key.kind == "ClusterRole" else ()
            assert drift(document.body, live) == taken, key
            compared += live.body is not None
    assert compared >= 8
    found = weigh(inventory, by=harbours())
    assert [names(each) for each in findings(found, "drifted")] == [{"ClusterRole harbour-4-pilot"}]
    assert found.missing == ()
    bodies = recorded()
    deployment = next(
        body for body in bodies if body["metadata"]["name"] == "harbour-3" and body["kind"] == "Deployment"
    )
    deployment["spec"]["template"]["spec"]["containers"][0]["image"] = "example.test/other:9"
    changed = findings(weigh(living(bodies), by=harbours()), "drifted")
    assert {"Deployment dock3/harbour-3"} in [names(each) for each in changed]
    assert any("image" in each.evidence[0] for each in changed)
