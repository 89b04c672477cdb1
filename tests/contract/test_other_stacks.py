"""Contracts of other stacks, shipped as examples: they load, lint clean, and tell hand-made objects rightly."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.clusters import document, obj, record, uid_of
from tests.ownership.judging import attributed, findings, judge, names
from tui.contract.lint import lint
from tui.contract.load import load_contract
from tui.contract.schema import contract_schema
from tui.helm.goyaml import Budget, read_document
from tui.objects import Json
from tui.ownership.model import Assessment, State

FILE = Path(__file__).parents[2] / "docs" / "contracts" / "argocd-terraform.yaml"
CONTRACT = load_contract(FILE)
ARGO = "argocd.argoproj.io/tracking-id"


def told(objects: list[Json]) -> Assessment:
    return judge(objects, by=CONTRACT)


def tracked(kind: str, name: str, namespace: str | None, group: str = "", app: str = "shop", **parts: Any) -> Json:
    return obj(kind, name, namespace, annotations={ARGO: f"{app}:{group}/{kind}:{namespace or ''}/{name}"}, **parts)


def custom(api_version: str, kind: str, name: str, namespace: str, **parts: Any) -> Json:
    meta = {"name": name, "namespace": namespace, "uid": uid_of(kind, namespace, name), "labels": {}, "annotations": {}}
    return {"apiVersion": api_version, "kind": kind, "metadata": meta, **parts}


def application(*listed: Json) -> Json:
    resources = [
        {
            "group": body["apiVersion"].rpartition("/")[0],
            "kind": body["kind"],
            "namespace": body["metadata"].get("namespace"),
            "name": body["metadata"]["name"],
        }
        for body in listed
    ]
    spec = {"destination": {"server": "https://kubernetes.default.svc", "namespace": "shop"}}
    return custom("argoproj.io/v1alpha1", "Application", "shop", "argocd", spec=spec, status={"resources": resources})


def test_every_shipped_example_loads_and_lints_clean() -> None:
    files = sorted(FILE.parent.glob("*.yaml"))
    assert FILE in files
    for file in files:
        remarks = lint(load_contract(file), date(2026, 11, 23))
        assert [(r.code, r.text) for r in remarks if not r.info] == []
        body = read_document(file.read_text(), Budget())
        assert list(Draft202012Validator(contract_schema()).iter_errors(body)) == []


def test_argo_cd_owns_what_it_tracks_and_its_application_bears_it_out() -> None:
    web = tracked("Deployment", "web", "shop", "apps", managers=[("argocd-controller", "Apply")], spec={})
    found = attributed(told([web, application(web)]), web)
    assert (found.state, found.owners, found.layer) == (State.OWNED, ("argocd",), "applications")
    assert [(e.source.value, e.confirmed) for e in found.evidence] == [
        ("inventory", True),
        ("label", True),
        ("manager", False),
    ]


def test_a_cluster_scoped_object_carries_the_namespace_its_application_deploys_to() -> None:
    space = obj("Namespace", "shop", annotations={ARGO: "shop:/Namespace:shop/shop"})
    assert attributed(told([space]), space).state is State.OWNED


def test_a_copied_tracking_id_proves_nothing_and_is_said() -> None:
    copy = obj("Deployment", "web-debug", "shop", annotations={ARGO: "shop:apps/Deployment:shop/web"}, spec={})
    found = attributed(told([copy]), copy)
    assert (found.state, found.owners) == (State.UNOWNED, ())
    assert "names another object: a copy, no mark of argocd" in found.notes[0]


@pytest.mark.parametrize("manager", ["HashiCorp", "Terraform", "terraform-provider-helm_v2.17.0_x5"])
def test_terraform_owns_what_it_wrote(manager: str) -> None:
    thing = obj("Deployment", "external-dns", "external-dns", managers=[(manager, "Update")], spec={})
    assert attributed(told([thing]), thing).state is State.OWNED


def test_a_release_that_terraform_installed_is_terraforms() -> None:
    server = obj(
        "Deployment",
        "argocd-server",
        "argocd",
        release="argocd",
        release_namespace="argocd",
        managers=[("terraform-provider-helm_v2.17.0_x5", "Update")],
        spec={},
    )
    by_family = attributed(
        told([server, record("argocd", 3, "deployed", [document(server)], namespace="argocd")]), server
    )
    assert (by_family.state, by_family.owners) == (State.OWNED, ("terraform",))
    assert by_family.evidence[0].confirmed
    # Another release has no family here: the provider's own field manager tells who installed it.
    dns = obj(
        "Deployment",
        "external-dns",
        "external-dns",
        release="external-dns",
        release_namespace="external-dns",
        managers=[("terraform-provider-helm_v2.17.0_x5", "Update")],
        spec={},
    )
    stored = record("external-dns", 1, "deployed", [document(dns)], namespace="external-dns")
    assert attributed(told([dns, stored]), dns).owners == ("terraform",)


def test_both_on_one_object_is_contested() -> None:
    both = tracked("Deployment", "external-dns", "external-dns", "apps", managers=[("HashiCorp", "Update")], spec={})
    found = told([both, application(both)])
    assert attributed(found, both).state is State.CONTESTED
    assert attributed(found, both).owners == ("argocd", "terraform")
    assert names(findings(found, "contested")[0]) == {"Deployment external-dns/external-dns"}


def test_argo_cd_taking_terraforms_release_is_a_take_over() -> None:
    server = tracked("Deployment", "argocd-server", "argocd", "apps", app="argocd", spec={})
    stamp = {"meta.helm.sh/release-name": "argocd", "meta.helm.sh/release-namespace": "argocd"}
    server["metadata"]["annotations"] |= stamp
    server["metadata"]["labels"]["app.kubernetes.io/managed-by"] = "Helm"
    stored = record("argocd", 3, "deployed", [document(server)], namespace="argocd")
    (found,) = findings(told([server, stored, application(server)]), "taken-over")
    assert "of Helm release argocd/argocd taken over by Application argocd/shop" in found.summary


def test_crossplane_and_olm_are_known_by_their_marks() -> None:
    bucket = custom("platform.example.org/v1", "XBucket", "b", "shop")
    bucket["metadata"]["labels"] = {"crossplane.io/composite": "b"}
    version = custom("operators.coreos.com/v1alpha1", "ClusterServiceVersion", "op.v1", "operators")
    version["metadata"]["labels"] = {"operators.coreos.com/op.operators": ""}
    operator = obj("Deployment", "op", "operators", labels={"olm.owner": "op.v1"}, spec={})
    account = obj("ServiceAccount", "op", "operators")
    account["metadata"]["ownerReferences"] = [
        {
            "apiVersion": "operators.coreos.com/v1alpha1",
            "kind": "ClusterServiceVersion",
            "name": "op.v1",
            "uid": version["metadata"]["uid"],
        }
    ]
    found = told([bucket, version, operator, account])
    assert {each["kind"]: attributed(found, each).owners for each in (bucket, version, operator, account)} == {
        "XBucket": ("crossplane",),
        "ClusterServiceVersion": ("olm",),
        "Deployment": ("olm",),
        "ServiceAccount": ("olm",),
    }
    assert attributed(found, operator).state is State.OWNED


def test_what_composes_is_followed_to_the_composite() -> None:
    above = custom("platform.example.org/v1", "XBucket", "b", "shop")
    above["metadata"]["labels"] = {"crossplane.io/composite": "b"}
    below = custom("s3.aws.upbound.io/v1beta1", "Bucket", "b-x1", "shop")
    below["metadata"]["ownerReferences"] = [
        {
            "apiVersion": "platform.example.org/v1",
            "kind": "XBucket",
            "name": "b",
            "uid": above["metadata"]["uid"],
            "controller": True,
        }
    ]
    found = attributed(told([above, below]), below)
    assert (found.state, found.owners) == (State.OWNED, ("crossplane",))


def test_the_guardrails_bite() -> None:
    secret = tracked("Secret", "password", "shop")
    service = obj("Service", "web", "shop", spec={"type": "LoadBalancer"})
    second = obj("StatefulSet", "argocd-application-controller", "shop", spec={})
    found = findings(told([secret, service, second]), "guardrail")
    assert sorted(ref.label for each in found for ref in each.resources) == [
        "Secret shop/password",
        "Service shop/web",
        "StatefulSet shop/argocd-application-controller",
    ]
