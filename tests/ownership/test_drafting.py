"""A first contract drawn from a cluster: it loads, says what the evidence says, and claims nothing beyond it."""

import copy
from collections import Counter
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings

from tests.clusters import FLUX_SYSTEM, document, inventory, obj, record
from tests.ownership.judging import NEW, OLD, TODAY, active, gap, stale
from tests.ownership.living import living
from tests.ownership.test_tool_marks import ABOVE, CASES
from tests.properties.worlds import Cluster, clusters
from tui.contract.lint import lint
from tui.contract.load import parse_contract
from tui.contract.model import Contract, Mark
from tui.objects import Inventory, Json
from tui.ownership.assess import assess
from tui.ownership.drafting import draft_contract
from tui.ownership.findings import is_noise
from tui.ownership.model import Attribution, State

PULUMI = [("pulumi-resource-kubernetes", "Update")]
FLUX = [("kustomize-controller", "Apply")]


def drawn(read: Inventory) -> tuple[Contract, str]:
    text = draft_contract(read, "here", TODAY)
    return parse_contract(text.encode(), "draft"), text


def judged(read: Inventory, by: Contract) -> list[Attribution]:
    found = assess(by, read, today=TODAY).attributions
    return [row for key, row in found.items() if row.root == key and not is_noise(row.ref)]


def doubts(text: str) -> list[str]:
    return [line.partition("could not tell: ")[2] for line in text.splitlines() if "# could not tell: " in line]


def sane(read: Inventory) -> None:
    """What a draft promises of any cluster."""
    by, text = drawn(read)
    assert by.cluster_uid == read.cluster_uid
    assert {remark.code for remark in lint(by, TODAY)} <= {"namespace-unclaimed", "check-unclaimed", "cluster-unpinned"}
    for row in judged(read, by):
        sure = len(row.owners) == 1 and row.state not in (State.UNVERIFIABLE, State.STALE)
        if sure and row.live:
            assert row.claim is not None, row
            assert (row.claim.owner, row.state) == (row.owners[0], State.OWNED), row
        assert row.state not in (State.MISOWNED, State.UNDOCUMENTED), row
        if row.state is State.UNOWNED and row.claim is not None:
            raise AssertionError(row)
    assert not {"kube-system", "kube-public", "kube-node-lease"} & set(yaml.safe_dump(yaml.safe_load(text)).split())


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(clusters())
def test_any_cluster_gives_a_contract_that_agrees_with_it(cluster: Cluster) -> None:
    sane(cluster.read())


def test_a_recorded_cluster_gives_a_contract_that_agrees_with_it() -> None:
    sane(living())


def test_an_empty_cluster_gives_a_contract_that_loads() -> None:
    by, text = drawn(inventory([]))
    assert (list(by.owners), by.claims, by.releases) == (["nobody"], (), ())
    assert any("no tool of the catalogue left a mark" in each for each in doubts(text))


def test_only_tools_that_left_a_mark_are_owners() -> None:
    made: dict[str, Json] = {
        "pulumi": obj("ConfigMap", "p", "a", managers=PULUMI),
        "flux": obj("ConfigMap", "f", "b", managers=FLUX),
        "flux-operator": obj("ConfigMap", "o", "c", labels={"fluxcd.controlplane.io/name": "flux"}),
        "argocd": obj("ConfigMap", "g", "d", annotations={"argocd.argoproj.io/tracking-id": "web:/ConfigMap:d/g"}),
        "terraform": obj("ConfigMap", "t", "e", managers=[("HashiCorp", "Update")]),
        "crossplane": obj("ConfigMap", "x", "f", labels={"crossplane.io/composite": "x-1"}),
        "olm": obj("ConfigMap", "l", "g", labels={"olm.owner": "operator.v1"}),
    }
    for name, body in made.items():
        by, _ = drawn(inventory([body]))
        assert list(by.owners) == [name]
    by, _ = drawn(inventory(made.values()))
    assert set(by.owners) == set(made)
    assert {(claim.owner, claim.select[0].namespaces) for claim in by.claims} == {
        (name, (body["metadata"]["namespace"],)) for name, body in made.items()
    }
    assert [layer.name for layer in by.layers] == ["infrastructure", "gitops", "applications"]


def test_every_tool_of_the_table_is_drawn_by_its_marks() -> None:
    made = []
    for number, (_, body) in enumerate(CASES):
        meta = copy.deepcopy(body["metadata"]) | {"name": f"left-{number}", "namespace": "apps", "uid": f"uid-{number}"}
        for name in ("meta.helm.sh/release-name", "meta.helm.sh/release-namespace"):
            del meta["annotations"][name]
        meta["annotations"] = {
            name: value.replace(":flux-system/left", f":apps/left-{number}")
            for name, value in meta["annotations"].items()
        }
        meta["managedFields"] = [each for each in meta["managedFields"] if each["manager"] != "helm"]
        made.append({**body, "metadata": meta})
    above = [{**each, "metadata": {**each["metadata"], "namespace": "apps"}} for each in ABOVE]
    read = inventory([*made, *above])
    sane(read)
    by, _ = drawn(read)
    found = {row.ref.name: row.owners for row in judged(read, by)}
    assert [found[f"left-{number}"] for number in range(len(CASES))] == [(tool,) for tool, _ in CASES]


def test_whoever_applies_objects_is_drawn_by_the_name_of_its_field_manager() -> None:
    managers = ("harbour-operator", "acme.example.test/tide*", "two words", "-", "harbour-operator/", "kapp")
    made = [obj("ConfigMap", f"x-{n}", "apps", managers=[(name, "Apply")]) for n, name in enumerate(managers)]
    by, text = drawn(inventory(made))
    # One with a tool's own name is that tool.
    assert {name: owner.marks for name, owner in by.owners.items() if name != "kapp"} == {
        "harbour-operator": (Mark(manager=("harbour-operator",)),),
        "acme.example.test-tide": (Mark(manager=("acme.example.test/tide[*]",)),),
    }
    assert {claim.owner: claim.select[0].names for claim in by.claims} == {
        "harbour-operator": ("x-0",),
        "acme.example.test-tide": ("x-1",),
        "kapp": ("x-5",),
    }
    assert sum("how to name the owner that applies as field manager" in each for each in doubts(text)) == 3


def test_a_release_that_no_tool_made_is_helms_own() -> None:
    live = obj("Service", "web", "apps", release="web", release_namespace="apps", managers=[("helm", "Update")])
    by, _ = drawn(inventory([record("web", namespace="apps", documents=[document(live)]), live]))
    assert list(by.owners) == ["helm"]
    assert [(claim.owner, claim.layer) for claim in by.claims] == [("helm", "applications")]


@pytest.mark.parametrize(
    ("others", "names"),
    [
        ([], ()),
        ([obj("Service", "mine", "apps", managers=FLUX)], ()),
        ([obj("Service", "hand", "apps")], ("web",)),
        ([obj("Service", "other", "apps", managers=PULUMI)], ("web",)),
        ([obj("Service", "both", "apps", managers=PULUMI + FLUX)], ("web",)),
    ],
)
def test_a_kind_is_claimed_whole_only_where_it_is_all_one_owners(others: list[Json], names: tuple[str, ...]) -> None:
    by, _ = drawn(inventory([obj("Service", "web", "apps", managers=FLUX), *others]))
    (claim,) = [claim for claim in by.claims if claim.owner == "flux"]
    assert [selector.names for selector in claim.select] == [names]


def test_what_could_not_be_listed_whole_is_claimed_by_name() -> None:
    read = inventory([obj("Service", "web", "apps", managers=FLUX)])
    read.gaps.append(gap("Service", namespace="apps"))
    by, text = drawn(read)
    assert by.claims[0].select[0].names == ("web",)
    assert doubts(text)[0] == "Service in apps: forbidden; nothing below knows of these"


def test_namespaces_and_cluster_wide_rights_are_claimed_by_name_and_definitions_whole() -> None:
    made = [
        obj(kind, "x.test", None, managers=PULUMI) for kind in ("Namespace", "ClusterRole", "CustomResourceDefinition")
    ]
    by, _ = drawn(inventory(made))
    found = {selector.kinds: selector.names for selector in by.claims[0].select}
    assert found == {("Namespace",): ("x.test",), ("ClusterRole",): ("x.test",), ("CustomResourceDefinition",): ()}


def test_names_that_are_globs_mean_themselves_alone_and_others_are_said() -> None:
    made = [obj("ClusterRole", name, None, managers=PULUMI) for name in ("a*[b]?", "two words", "\u202eevil", "plain")]
    by, text = drawn(inventory(made))
    claim = by.claims[0]
    assert claim.select[0].names == ("a[*][[]b][?]", "plain")
    assert sum("its name cannot be written in a contract" in each for each in doubts(text)) == 2
    assert "\u202e" not in text
    assert [row.ref.name for row in judged(inventory(made), by) if row.state is State.OWNED] == ["a*[b]?", "plain"]


@pytest.mark.parametrize(
    ("releases", "family", "names"),
    [
        (["web-1a2b3c4d"], "web", ()),
        (["web-1a2b3c4d", "web-00000000", "web"], "web", ("web",)),
        (["web-1A2B3C4D"], None, ()),
        (["web-1a2b3c4"], None, ()),
        (["web"], None, ()),
    ],
)
def test_families_are_told_by_the_exact_form_of_their_names(
    releases: list[str], family: str | None, names: tuple[str, ...]
) -> None:
    by, text = drawn(inventory([record(name, namespace="apps") for name in releases]))
    assert [(each.name, each.generated, each.names, each.namespace) for each in by.releases] == (
        [(family, family, names, "apps")] if family else []
    )
    for each in by.releases:
        # Whatever it might clean up is for a person to say.
        assert (each.cleanup_cluster_scoped, each.cleanup_namespaces) == (False, ())
    assert any("what a cleanup of it may touch" in each for each in doubts(text)) == bool(by.releases)


def test_a_release_that_a_helm_release_runs_is_no_family() -> None:
    runs = obj("HelmRelease", "web-1a2b3c4d", "apps", spec={})
    by, _ = drawn(inventory([record("web-1a2b3c4d", namespace="apps"), runs]))
    assert by.releases == ()


@pytest.mark.parametrize(
    ("managers", "owner", "doubt"),
    [
        (PULUMI, "pulumi", False),
        ([("terraform-provider-helm_v2.9", "Update")], "terraform", False),
        ([("helm", "Update")], "pulumi", True),
    ],
)
def test_who_installs_a_family(managers: list[Any], owner: str, doubt: bool) -> None:
    live = obj("Service", "web", release=NEW, managers=managers)
    by, text = drawn(inventory([active(live), live]))
    assert [each.owner for each in by.releases] == [owner]
    assert any("who installs it" in each for each in doubts(text)) == doubt


def test_a_release_without_a_record_is_said() -> None:
    _, text = drawn(inventory([stale(), stale(name="more")]))
    assert any(f"what became of release {OLD} in flux-system: 2 objects" in each for each in doubts(text))


def test_two_in_force_and_a_record_that_cannot_be_read_are_said() -> None:
    torn = {**record("other", namespace="apps"), "data": {"release": "bm90"}}
    _, text = drawn(inventory([record(NEW, 1), record(OLD, 2), torn]))
    assert any("which of its releases is active" in each for each in doubts(text))
    assert any("what Secret apps/sh.helm.release.v1.other.v1 records" in each for each in doubts(text))


def test_contested_and_unowned_objects_are_said_and_claimed_for_nobody() -> None:
    both = [obj("Service", f"both-{number:02}", "apps", managers=PULUMI + FLUX) for number in range(14)]
    hand = [obj("ConfigMap", f"hand-{number}", "apps") for number in range(3)]
    by, text = drawn(inventory([*both, *hand]))
    assert by.claims == ()
    said = doubts(text)
    assert sum(each.startswith("whose Service apps/both-") for each in said) == 12
    assert "whose 2 more contested objects are" in said
    assert "who owns what bears no mark in apps: ConfigMap 3" in said


def test_system_namespaces_are_left_out() -> None:
    made = [obj("ConfigMap", "x", space, managers=FLUX) for space in ("kube-system", "kube-public", "apps")]
    made.append(obj("Namespace", "kube-system", None, managers=FLUX))
    by, _ = drawn(inventory(made))
    assert [selector.namespaces for selector in by.claims[0].select] == [("apps",)]


def test_in_the_default_namespace_nothing_is_claimed_whole() -> None:
    by, _ = drawn(inventory([obj("Service", "web", "default", managers=FLUX)]))
    assert by.claims[0].select[0].names == ("web",)


def test_a_kind_of_two_groups_says_which() -> None:
    read = inventory([obj("Service", "web", "apps", managers=FLUX)])
    meta = {"name": "k", "namespace": "apps", "labels": {}, "annotations": {}}
    knative = {"apiVersion": "serving.knative.dev/v1", "kind": "Service", "metadata": meta}
    both = inventory([obj("Service", "web", "apps", managers=FLUX), knative])
    assert drawn(read)[0].claims[0].select[0].groups == ()
    assert drawn(both)[0].claims[0].select[0].groups == ("",)


def kustomization(name: str, path: str, ready: str = "True") -> Json:
    return obj("Kustomization", name, spec={"path": path}, status={"conditions": [{"type": "Ready", "status": ready}]})


@pytest.mark.parametrize(
    ("paths", "source"),
    [
        (["./clusters/tethys"], "clusters/tethys/"),
        (["clusters/tethys", "./clusters/tethys/apps"], "clusters/tethys/"),
        (["./clusters", "./elsewhere"], ""),
        (["./"], ""),
        ([], ""),
    ],
)
def test_where_fluxs_manifests_are_is_told_by_its_kustomizations(paths: list[str], source: str) -> None:
    made = [kustomization(f"k{number}", path) for number, path in enumerate(paths)]
    by, text = drawn(inventory([*made, obj("Service", "web", "apps", managers=FLUX)]))
    assert by.claims[0].source == source
    assert any("where the manifests of flux are kept" in each for each in doubts(text)) == (not source)


def test_health_lists_fluxs_controllers_and_what_they_work_from() -> None:
    controllers = [obj("Deployment", f"{name}-controller", managers=PULUMI) for name in ("kustomize", "source")]
    made = [*controllers, kustomization("fine", "x"), kustomization("broken", "y", "False"), obj("GitRepository", "g")]
    by, text = drawn(inventory([*made, obj("Deployment", "web", "apps")]))
    assert [(each.namespace, each.deployments or (each.ready, each.name)) for each in by.health] == [
        (FLUX_SYSTEM, ("source-controller", "kustomize-controller")),
        (FLUX_SYSTEM, ("GitRepository", "g")),
        (FLUX_SYSTEM, ("Kustomization", "broken")),
        (FLUX_SYSTEM, ("Kustomization", "fine")),
    ]
    said = [each.split()[2] for each in doubts(text) if each.startswith("whether ")]
    assert said == ["flux-system/g", "flux-system/broken"]


def test_a_missing_controller_is_health_and_said() -> None:
    lost = obj("Deployment", "source-controller")
    read = inventory([active(lost), stale(release=NEW, managers=PULUMI)])
    by, text = drawn(read)
    assert by.health[0].deployments == ("source-controller",)
    assert any("why Deployment flux-system/source-controller is not live" in each for each in doubts(text))
    # It is the release's all the same, so it is claimed and missed.
    assert Counter(row.state for row in judged(read, by))[State.MISSING] == 1


def test_of_very_many_kustomizations_those_beside_the_controllers_count() -> None:
    many = [obj("Kustomization", f"k{number}", "tenants") for number in range(20)]
    made = [obj("Deployment", "source-controller"), kustomization("root", "x"), *many]
    by, text = drawn(inventory(made))
    assert [each.name for each in by.health if each.ready] == ["root"]
    assert any("which of 21 sources and Kustomizations matter" in each for each in doubts(text))


def test_an_unread_cluster_uid_is_said() -> None:
    read = inventory([])
    read.cluster_uid = None
    by, text = drawn(read)
    assert by.cluster_uid is None
    assert any("the uid of kube-system" in each for each in doubts(text))


def test_the_order_of_objects_changes_nothing() -> None:
    made = living().objects
    other = living()
    other.objects = dict(reversed(made.items()))
    assert draft_contract(living(), "x", TODAY) == draft_contract(other, "x", TODAY)
