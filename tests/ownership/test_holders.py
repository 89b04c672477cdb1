"""What owners list as theirs: the inventories of Flux and its operator, Argo CD's resources, and of which cluster."""

from dataclasses import replace
from typing import Any

import pytest

from tests.clusters import FLUX_SYSTEM, contract, document, obj, record, uid_of
from tests.ownership.judging import attributed, judge
from tests.ownership.test_evidence import HELM, entry, labelled, sync
from tui.contract.model import Mark, Owner
from tui.objects import Json
from tui.ownership.model import Source, State, Strength

OPERATOR = "fluxcd.controlplane.io/"
ARGO = "argocd.argoproj.io/tracking-id"
BY = contract(
    owners={
        **contract().owners,
        "flux": Owner(
            "flux",
            "Flux",
            (
                *contract().owners["flux"].marks,
                Mark(label={f"{OPERATOR}name": "*"}),
                Mark(inventory=("ResourceSet", "FluxInstance")),
            ),
        ),
        "argo": Owner(
            "argo",
            "Argo CD",
            (Mark(annotation={ARGO: "*:{group}/{kind}:{namespace}/{name}"}), Mark(inventory=("Application",))),
        ),
    }
)


def custom(api_version: str, kind: str, name: str, **parts: Any) -> Json:
    """An object of a kind that the builders do not know."""
    meta = {"name": name, "namespace": FLUX_SYSTEM, "uid": uid_of(kind, FLUX_SYSTEM, name), "labels": {}}
    return {"apiVersion": api_version, "kind": kind, "metadata": {**meta, "annotations": {}}, **parts}


def application(*listed: Json, destination: Json | None = None, **changes: Any) -> Json:
    resources = [
        {
            "group": body["apiVersion"].rpartition("/")[0],
            "kind": body["kind"],
            "namespace": body["metadata"].get("namespace", ""),
            "name": body["metadata"]["name"],
            "status": "Synced",
            **changes,
        }
        for body in listed
    ]
    spec = {"destination": {"server": "https://kubernetes.default.svc"} if destination is None else destination}
    return custom("argoproj.io/v1alpha1", "Application", "shop", spec=spec, status={"resources": resources})


@pytest.mark.parametrize("kind", ["ResourceSet", "FluxInstance"])
def test_the_flux_operators_inventories_count_and_bear_out_its_labels(kind: str) -> None:
    thing = obj("ConfigMap", "thing", "apps", labels={f"{OPERATOR}name": "x", f"{OPERATOR}namespace": FLUX_SYSTEM})
    status = {"inventory": {"entries": [{"id": entry(thing), "v": "v1"}]}}
    holder = custom("fluxcd.controlplane.io/v1", kind, "x", status=status)
    found = attributed(judge([thing, holder], by=BY), thing)
    assert [(e.owner, e.source, e.confirmed) for e in found.evidence] == [
        ("flux", Source.INVENTORY, True),
        ("flux", Source.LABEL, True),
    ]
    alone = attributed(judge([thing], by=BY), thing)
    assert alone.evidence[0].text.endswith(f"(ResourceSet or FluxInstance {FLUX_SYSTEM}/x does not exist)")
    assert not alone.evidence[0].confirmed


def test_an_application_lists_its_resources_and_bears_out_the_tracking_id() -> None:
    thing = obj("Deployment", "web", "apps", annotations={ARGO: "shop:apps/Deployment:apps/web"}, spec={})
    found = attributed(judge([thing, application(thing)], by=BY), thing)
    assert [(e.owner, e.source, e.strength, e.confirmed) for e in found.evidence] == [
        ("argo", Source.INVENTORY, Strength.INVENTORY, True),
        ("argo", Source.LABEL, Strength.NAMED_MARK, True),
    ]
    assert found.evidence[0].text == f"listed in status.resources of Application {FLUX_SYSTEM}/shop"
    alone = attributed(judge([thing], by=BY), thing)
    assert [(e.strength, e.confirmed) for e in alone.evidence] == [(Strength.NAMED_MARK, False)]


@pytest.mark.parametrize(
    ("destination", "here"),
    [
        ({}, True),
        ({"name": "in-cluster"}, True),
        ({"server": "https://kubernetes.default.svc", "namespace": "apps"}, True),
        ({"name": "edge"}, False),
        ({"server": "https://edge.example"}, False),
    ],
)
def test_an_application_of_another_cluster_lists_nothing_here(destination: Json, here: bool) -> None:
    thing = obj("ConfigMap", "thing", "apps")
    found = attributed(judge([thing, application(thing, destination=destination)], by=BY), thing)
    assert bool(found.owners) is here


@pytest.mark.parametrize("kind", ["Kustomization", "HelmRelease"])
def test_a_kubeconfig_leads_elsewhere_unless_the_objects_labels_lead_back(kind: str) -> None:
    far = {"kubeConfig": {"secretRef": {"name": "edge"}}}
    thing = obj("ConfigMap", "thing", "apps")
    holder = sync(entry(thing), kind=kind) | {"spec": far}
    assert attributed(judge([thing, holder]), thing).state is State.UNOWNED
    back = obj("ConfigMap", "thing", "apps", labels=labelled(HELM) if kind == "HelmRelease" else labelled())
    found = attributed(judge([back, holder]), back)
    assert [e.source for e in found.evidence] == [Source.INVENTORY, Source.LABEL]
    assert all(e.confirmed for e in found.evidence)


@pytest.mark.parametrize("remote", ["edge", True, ["edge"], 1, {}, None])
def test_what_is_no_kubeconfig_leads_nowhere(remote: Any) -> None:
    thing = obj("ConfigMap", "thing", "apps")
    holder = sync(entry(thing)) | {"spec": {"kubeConfig": remote}}
    assert attributed(judge([thing, holder]), thing).owners == ("flux",)


def test_an_undeclared_tools_list_is_told_by_its_own_name_or_by_the_owner_that_has_its_mark() -> None:
    thing = obj("ConfigMap", "thing", "apps")
    nobody = contract(owners={"pulumi": contract().owners["pulumi"]})
    assert attributed(judge([thing, application(thing)], by=nobody), thing).owners == ("argocd",)
    # The contract has an owner argo with Argo CD's tracking id.
    assert attributed(judge([thing, application(thing)]), thing).owners == ("argo",)


@pytest.mark.parametrize(
    "resources", [1, "x", [1], [{}], [{"kind": 1, "name": "x"}], [{"kind": "ConfigMap"}], [{"name": "x"}]]
)
def test_a_damaged_list_leaves_what_nobody_marks_unverified(resources: Any) -> None:
    thing = obj("ConfigMap", "thing", "apps")
    broken = application()
    broken["status"]["resources"] = resources
    found = attributed(judge([thing, broken], by=BY), thing)
    assert found.why_unverifiable == f"Application {FLUX_SYSTEM}/shop could not be read"
    broken["status"] = None
    assert attributed(judge([thing, broken], by=BY), thing).state is State.UNOWNED


def test_a_label_says_what_became_of_the_one_it_names() -> None:
    thing = obj("ConfigMap", "thing", "apps", labels=labelled(HELM))
    without = obj("HelmRelease", "sync", status={})

    def told(*others: Json) -> tuple[str, bool]:
        one = attributed(judge([thing, *others]), thing).evidence[-1]
        return one.text.rpartition(" (")[2], one.confirmed

    assert told() == ("HelmRelease flux-system/sync does not exist)", False)
    assert told(without) == ("HelmRelease flux-system/sync keeps no inventory that could list it)", False)
    assert told(sync(kind="HelmRelease")) == ("HelmRelease flux-system/sync does not list it)", False)
    assert told(sync(entry(thing), kind="HelmRelease"))[1]
    # Before helm-controller 1.5 only the release's own record says what a HelmRelease holds.
    assert told(without, record("sync", 1, "deployed", [document(thing)]))[1]


def test_several_holders_are_told_in_the_same_order_whatever_came_first() -> None:
    thing = obj("ConfigMap", "thing", "apps")
    holders = [sync(entry(thing), name=name) for name in ("b", "a", "c")]
    for order in (holders, holders[::-1]):
        world = judge([thing, *order])
        assert [e.text[-1] for e in attributed(world, thing).evidence] == ["a", "b", "c"]
    torn = [obj("Kustomization", name, status={"inventory": 1}) for name in ("b", "a")]
    for order in (torn, torn[::-1]):
        found = attributed(judge([thing, *order]), thing)
        assert found.why_unverifiable == "Kustomization flux-system/a could not be read"


@pytest.mark.parametrize(
    ("label", "kind", "api_version"),
    [
        ("kustomize.toolkit.fluxcd.io/name", "Kustomization", "kustomize.toolkit.fluxcd.io/v1"),
        ("fluxcd.controlplane.io/name", "ResourceSet", "fluxcd.controlplane.io/v1"),
    ],
)
def test_who_is_known_by_a_holder_s_labels_keeps_its_inventory_too(label: str, kind: str, api_version: str) -> None:
    by = replace(contract(), owners={"gitops": Owner("gitops", "GitOps", (Mark(label={label: "*"}),))})
    space = label.replace("name", "namespace")
    thing = obj("ConfigMap", "thing", "apps", labels={label: "x", space: FLUX_SYSTEM})
    status = {"inventory": {"entries": [{"id": entry(thing), "v": "v1"}]}}
    found = attributed(judge([thing, custom(api_version, kind, "x", status=status)], by=by), thing)
    assert found.owners == ("gitops",)
