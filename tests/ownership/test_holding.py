"""Who holds the fields of a release's document, read from managedFields."""

from typing import Any

import pytest

from tests.clusters import obj
from tests.ownership.living import living
from tui.helm.model import Document
from tui.objects import Json, Live, Ref
from tui.ownership.holding import covers, held_by_another, held_by_kubectl
from tui.ownership.releases import listed_by, read_releases

BODY: Json = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "d", "labels": {"app": "d"}},
    "spec": {
        "replicas": 1,
        "template": {
            "spec": {
                "containers": [{"name": "m", "image": "i", "args": ["--a", "--b"], "ports": [{"containerPort": 80}]}]
            }
        },
    },
}
DOCUMENT = Document(Ref.of(BODY), BODY)
REPLICAS: Json = {"f:spec": {"f:replicas": {}}}


def live(*managers: tuple[str, str, Json], subresource: str = "") -> Live:
    body = obj("Deployment", "d", release="r", managers=[("helm", "Apply")])
    body["metadata"]["managedFields"] += [
        {"manager": manager, "operation": operation, "subresource": subresource, "fieldsV1": fields}
        for manager, operation, fields in managers
    ]
    return Live.of(body)


@pytest.mark.parametrize(
    ("fields", "owned"),
    [
        (REPLICAS, True),
        ({"f:spec": {"f:paused": {}}}, False),
        ({"f:spec": {".": {}}}, True),
        ({"f:spec": {".": {}, "f:paused": {}}}, False),
        ({"f:metadata": {"f:labels": {"f:app": {}}}}, True),
        ({"f:metadata": {"f:annotations": {".": {}, "f:kubectl.kubernetes.io/restartedAt": {}}}}, False),
        ({"f:spec": {"f:template": {"f:spec": {"f:containers": {'k:{"name":"m"}': {"f:image": {}}}}}}}, True),
        ({"f:spec": {"f:template": {"f:spec": {"f:containers": {'k:{"name":"other"}': {"f:image": {}}}}}}}, False),
        (
            {
                "f:spec": {
                    "f:template": {
                        "f:spec": {
                            "f:containers": {
                                'k:{"name":"m"}': {
                                    "f:ports": {'k:{"containerPort":80,"protocol":"TCP"}': {"f:containerPort": {}}}
                                }
                            }
                        }
                    }
                }
            },
            True,
        ),
        (
            {"f:spec": {"f:template": {"f:spec": {"f:containers": {'k:{"name":"m"}': {"f:args": {'v:"--a"': {}}}}}}}},
            True,
        ),
        (
            {"f:spec": {"f:template": {"f:spec": {"f:containers": {'k:{"name":"m"}': {"f:args": {'v:"--c"': {}}}}}}}},
            False,
        ),
        ({"f:spec": {"f:template": {"f:spec": {"f:containers": {"i:0": {"f:image": {}}}}}}}, True),
        ({"f:spec": {"f:template": {"f:spec": {"f:containers": {"i:7": {"f:image": {}}}}}}}, False),
        (
            {"f:spec": {"f:template": {"f:spec": {"f:containers": {"k:{torn": {}, "z:?": {}, "i:x": {}, "v:": {}}}}}},
            False,
        ),
        ({"f:spec": "torn", "x": {}, ".": {}}, False),
        ({}, False),
    ],
)  # fmt: skip - a table of one field set a line
def test_a_field_set_owns_what_the_document_says(fields: Json, owned: bool) -> None:
    assert covers(fields, BODY) is owned
    assert (held_by_kubectl(live(("kubectl", "Apply", fields)), DOCUMENT) == "kubectl") is owned


@pytest.mark.parametrize(
    ("manager", "operation", "held"),
    [
        ("kubectl-client-side-apply", "Update", True),
        ("kubectl-client-side-apply", "Apply", True),
        ("kubectl", "Apply", True),
        ("kubectl", "Update", False),
        ("kubectl-edit", "Update", False),
        ("kubectl-scale", "Update", False),
        ("kubectl-rollout", "Update", False),
        ("somebody", "Apply", False),
    ],
)
def test_only_kubectl_apply_holds(manager: str, operation: str, held: bool) -> None:
    assert bool(held_by_kubectl(live((manager, operation, REPLICAS)), DOCUMENT)) is held
    assert held_by_kubectl(live((manager, operation, REPLICAS), subresource="status"), DOCUMENT) == ""


@pytest.mark.parametrize(("method", "text"), [("ssa", "helm (by Update)"), ("csa", "")])
def test_a_server_side_release_stumbles_over_its_own_update(method: str, text: str) -> None:
    assert held_by_another(live(("helm", "Update", REPLICAS)), DOCUMENT, method) == text
    assert held_by_another(live(("other", "Update", REPLICAS)), DOCUMENT, method) == ""
    assert held_by_another(live(("kubectl", "Apply", REPLICAS)), DOCUMENT, method) == "kubectl"


@pytest.mark.parametrize("fields", [[], "x", None, {"f:spec": []}, {"f:metadata": "x"}, {"k:[1]": {}}])
def test_field_sets_of_any_shape_hold_nothing_and_break_nothing(fields: Any) -> None:
    assert held_by_another(live(("kubectl", "Apply", fields)), DOCUMENT, "ssa") == ""


def test_the_real_releases_hold_their_own() -> None:
    inventory = living()
    seen = 0
    for release in read_releases(inventory).all:
        record = release.in_force
        assert record is not None
        for key, document in listed_by(record, inventory.namespaced).documents.items():
            found = inventory.get(key)
            assert found is not None
            assert held_by_another(found, document, record.apply_method) == ""
            seen += bool(found.managers)
    assert seen >= 8
