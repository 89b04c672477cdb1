"""What an inventory keeps is what the rules read."""

from typing import Any

import pytest

from tui.cluster.bodies import BODY_KINDS, live_of, wants_body
from tui.objects import KindKey, Served
from tui.ownership.references import TEMPLATES, references
from tui.ownership.usage import USERS

SPEC: dict[str, Any] = {
    "serviceAccountName": "account",
    "imagePullSecrets": [{"name": "pull"}],
    "initContainers": [{"name": "i", "envFrom": [{"configMapRef": {"name": "from"}}], "resources": {}}],
    "containers": [
        {
            "name": "c",
            "env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "key", "key": "k"}}}],
            "livenessProbe": {"httpGet": {"port": 1}},
        }
    ],
    "volumes": [
        {"name": "a", "configMap": {"name": "mounted"}},
        {"name": "b", "projected": {"sources": [{"secret": {"name": "projected"}}]}},
    ],
}


def test_every_kind_that_can_use_another_keeps_its_body() -> None:
    users = {kind for kinds in USERS.values() for kind in kinds} - {KindKey("", "Secret")}
    assert {kind for kind in users if not wants_body(kind)} == set()


@pytest.mark.parametrize(
    "group", ["kustomize.toolkit.fluxcd.io", "fluxcd.controlplane.io", "auto.pulumi.com", "pulumi.com"]
)
def test_custom_resources_of_the_owners_keep_their_bodies(group: str) -> None:
    assert wants_body(KindKey(group, "Anything"))


def test_secrets_and_configmaps_do_not() -> None:
    assert not BODY_KINDS & {KindKey("", "Secret"), KindKey("", "ConfigMap")}


@pytest.mark.parametrize(("group", "kind"), [("", "Pod"), ("apps", "ReplicaSet"), ("apps", "Deployment")])
def test_cutting_a_body_down_loses_no_reference(group: str, kind: str) -> None:
    def document() -> dict[str, Any]:
        body: Any = SPEC
        for step in reversed(TEMPLATES[KindKey(group, kind)]):
            body = {step: body}
        api_version = f"{group}/v1" if group else "v1"
        return {"apiVersion": api_version, "kind": kind, "metadata": {"name": "x", "namespace": "a"}, **body}

    whole = sorted(references(document()))
    live = live_of(document(), Served(group, "v1", "x", kind, True, frozenset()), body=True)
    assert live.body is not None
    assert len(whole) == 6
    assert sorted(references(live.body)) == whole


def kept(kind: str, managers: list[tuple[str, str, dict[str, Any]]], group: str = "", **meta: Any) -> list[bool]:
    """Of each manager (name, subresource, fields) whether an inventory keeps its field set."""
    entries = [
        {"manager": name, "operation": "Update", "subresource": part, "fieldsV1": fields}
        for name, part, fields in managers
    ]
    item = {"metadata": {"name": "x", "managedFields": entries, **meta}}
    live = live_of(item, Served(group, "v1", "x", kind, True, frozenset()), body=False)
    return [bool(manager.packed) for manager in live.managers]


DATA: dict[str, Any] = {"f:data": {".": {}, "f:a": {}}}
FINALIZER: dict[str, Any] = {"f:metadata": {"f:finalizers": {".": {}}}}


@pytest.mark.parametrize(
    ("managers", "expected"),
    [
        ([("a", "", DATA)], [False]),
        ([("a", "", DATA), ("a", "", DATA)], [False, False]),
        ([("a", "", DATA), ("b", "status", DATA)], [False, False]),
        ([("a", "", DATA), ("b", "", DATA), ("c", "status", DATA)], [True, True, False]),
        ([("a", "", DATA), ("b", "scale", DATA)], [True, True]),
        ([("kubectl-client-side-apply", "", DATA)], [True]),
        ([("a", "", FINALIZER)], [True]),
        ([], []),
    ],
)
def test_field_sets_are_kept_where_two_managers_share_an_object(
    managers: list[tuple[str, str, dict[str, Any]]], expected: list[bool]
) -> None:
    assert kept("ConfigMap", managers) == expected


@pytest.mark.parametrize("kind", ["Kustomization", "HelmRelease", "GitRepository"])
def test_fluxs_own_objects_keep_theirs_so_that_the_suspender_can_be_named(kind: str) -> None:
    assert kept(kind, [("flux", "", DATA)], "kustomize.toolkit.fluxcd.io") == [True]


def test_a_stamped_object_keeps_them_so_that_the_stamping_tool_can_be_named() -> None:
    stamp: dict[str, Any] = {"annotations": {"meta.helm.sh/release-name": "x"}}
    assert kept("ConfigMap", [("helm", "", DATA)], **stamp) == [True]
