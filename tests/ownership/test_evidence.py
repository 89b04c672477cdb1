"""Every source of evidence by itself and beside others, strongest first."""

import pytest

from tests.clusters import FLUX_SYSTEM, contract, document, obj, record
from tests.ownership.judging import NEW, active, attributed, gap, judge
from tui.contract.model import Mark, Owner
from tui.objects import Json, Key, Live
from tui.ownership.evidence import inventory_key, owns_nothing, stamp_managers, stamp_of
from tui.ownership.model import Source, State, Strength

KUSTOMIZE = "kustomize.toolkit.fluxcd.io/"
HELM = "helm.toolkit.fluxcd.io/"


def labelled(prefix: str = KUSTOMIZE, name: str = "sync") -> dict[str, str]:
    return {f"{prefix}name": name, f"{prefix}namespace": FLUX_SYSTEM}


def sync(*entries: str, kind: str = "Kustomization", name: str = "sync") -> Json:
    return obj(kind, name, status={"inventory": {"entries": [{"id": entry, "v": "v1"} for entry in entries]}})


def entry(body: Json) -> str:
    meta, group = body["metadata"], body["apiVersion"].rpartition("/")[0]
    return f"{meta.get('namespace', '')}_{meta['name']}_{group}_{body['kind']}"


def test_an_inventory_entry_is_confirmed_evidence() -> None:
    thing = obj("ConfigMap", "thing", "apps")
    found = attributed(judge([thing, sync(entry(thing))]), thing)
    assert [(e.owner, e.source, e.confirmed, e.text) for e in found.evidence] == [
        ("flux", Source.INVENTORY, True, "listed in status.inventory of Kustomization flux-system/sync")
    ]
    assert found.owner == "flux"


def test_a_helm_releases_inventory_counts_too() -> None:
    thing = obj("ConfigMap", "thing", "apps")
    found = attributed(judge([thing, sync(entry(thing), kind="HelmRelease")]), thing)
    assert found.owners == ("flux",)


def test_a_manifest_in_force_is_confirmed_evidence_and_one_that_is_over_is_none() -> None:
    thing = obj("ConfigMap", "thing")
    listed = attributed(judge([thing, record("other", 3, "deployed", [document(thing)])]), thing)
    assert [(e.owner, e.source, e.confirmed) for e in listed.evidence] == [("helm", Source.MANIFEST, True)]
    assert "Helm release flux-system/other revision 3, in force" in listed.evidence[0].text
    for status in ("superseded", "failed", "uninstalled", "pending-install"):
        assert attributed(judge([thing, record("other", 3, status, [document(thing)])]), thing).evidence == ()


def test_a_stamp_says_whether_its_release_is_recorded() -> None:
    thing = obj("ConfigMap", "thing", release="other")
    orphan = attributed(judge([thing]), thing).evidence[0]
    assert (orphan.owner, orphan.source, orphan.confirmed) == ("helm", Source.STAMP, False)
    assert "orphan claim: no record of that release was found" in orphan.text
    known = attributed(judge([thing, record("other", 3, "deployed", [document(thing)])]), thing)
    stamp = next(e for e in known.evidence if e.source is Source.STAMP)
    assert "recorded, revision 3 deployed" in stamp.text
    assert stamp.confirmed
    assert known.release == "other"
    bare = obj("ConfigMap", "thing", release="other")
    bare["metadata"]["labels"] = {}
    assert "though label app.kubernetes.io/managed-by is not Helm" in attributed(judge([bare]), bare).evidence[0].text


def test_a_stamp_is_borne_out_by_the_manifest_of_its_own_release_only() -> None:
    thing = obj("ConfigMap", "thing", release="other", release_namespace="elsewhere")
    found = attributed(judge([thing, record("other", 3, "deployed", [document(thing)])]), thing)
    assert [(e.source, e.confirmed) for e in found.evidence] == [(Source.MANIFEST, True), (Source.STAMP, False)]


def test_a_stamp_whose_records_could_not_be_read_is_no_orphan() -> None:
    thing = obj("ServiceAccount", "thing", release="other")
    found = attributed(judge([thing], [gap("Secret")]), thing)
    assert "could not verify that it is recorded: Secret: forbidden" in found.evidence[0].text
    broken = record("other", 1, "deployed") | {"data": {"release": "bm90"}}
    assert "its record cannot be decoded" in attributed(judge([thing, broken]), thing).evidence[0].text


def test_a_plain_owner_reference_counts_only_where_the_contract_names_its_kind() -> None:
    above = obj("Deployment", "above", "apps", spec={})
    thing = obj("ConfigMap", "thing", "apps", owner=("Deployment", "above"))
    thing["metadata"]["ownerReferences"][0]["controller"] = False
    olm = Owner("olm", "OLM", (Mark(owner_kind=("Deployment.apps", "Other")),))
    by = contract(owners={**contract().owners, "olm": olm})
    found = attributed(judge([above, thing], by=by), thing)
    assert [(e.owner, e.source, e.confirmed) for e in found.evidence] == [("olm", Source.OWNER_REFERENCE, False)]
    unread = attributed(judge([thing], [gap("Deployment")], by=by), thing)
    assert "could not verify that it is there" in unread.evidence[0].text
    assert attributed(judge([thing], by=by), thing).owners == ()
    assert attributed(judge([above, thing]), thing).owners == ()


def test_a_familys_stamp_is_its_owners() -> None:
    thing = obj("ClusterRole", "thing", release=NEW)
    found = attributed(judge([thing, active(thing)]), thing)
    assert (found.state, found.owners, found.release) == (State.OWNED, ("pulumi",), NEW)


def test_a_stamp_whose_writer_is_a_known_tool_is_that_tools() -> None:
    thing = obj("ClusterRole", "cert", release="cert-manager", managers=[("pulumi-resource-kubernetes", "Update")])
    found = attributed(judge([thing, record("cert-manager", 1, "deployed", [document(thing)])]), thing)
    assert (found.state, found.owners) == (State.OWNED, ("pulumi",))


@pytest.mark.parametrize(("prefix", "kind"), [(KUSTOMIZE, "Kustomization"), (HELM, "HelmRelease")])
def test_a_flux_label_is_confirmed_only_by_the_inventory_of_the_one_it_names(prefix: str, kind: str) -> None:
    thing = obj("ConfigMap", "thing", "apps", labels=labelled(prefix))
    alone = attributed(judge([thing, sync(kind=kind)]), thing).evidence
    assert [(e.owner, e.strength, e.confirmed) for e in alone] == [("flux", Strength.FLUX_LABEL, False)]
    assert f"({kind} flux-system/sync does not list it)" in alone[0].text
    gone = attributed(judge([thing]), thing).evidence
    assert f"({kind} flux-system/sync does not exist)" in gone[0].text
    listed = attributed(judge([thing, sync(entry(thing), kind=kind)]), thing).evidence
    assert [e.confirmed for e in listed] == [True, True]
    other = attributed(judge([thing, sync(entry(thing), kind=kind, name="another")]), thing).evidence
    assert [e.confirmed for e in other] == [True, False]


@pytest.mark.parametrize(
    ("manager", "owners"),
    [
        (("kustomize-controller", "Apply"), ("flux",)),
        (("helm-controller", "Update"), ("flux",)),
        (("pulumi-kubernetes-1a2b3c4d", "Apply"), ("pulumi",)),
        (("kubectl-client-side-apply", "Update"), ()),
        (("kubectl", "Apply"), ()),
        (("before-first-apply", "Update"), ()),
        (("helm", "Update"), ()),
    ],
)
def test_a_field_manager_is_the_weakest_mark_but_a_plain_label(
    manager: tuple[str, str], owners: tuple[str, ...]
) -> None:
    thing = obj("ConfigMap", "thing", "apps", managers=[manager])
    found = attributed(judge([thing]), thing)
    assert found.owners == owners
    assert all(e.strength is Strength.MANAGER for e in found.evidence)


def test_a_manager_of_status_or_of_a_finalizer_owns_nothing() -> None:
    thing = obj("ConfigMap", "thing", "apps")
    thing["metadata"]["managedFields"] = [
        {"manager": "kustomize-controller", "operation": "Update", "subresource": "status", "fieldsV1": {"f:s": {}}},
        {"manager": "helm-controller", "operation": "Update", "fieldsV1": {"f:metadata": {"f:finalizers": {".": {}}}}},
    ]
    assert attributed(judge([thing]), thing).state is State.UNOWNED
    managers = Live.of(thing).managers
    assert [owns_nothing(each) for each in managers] == [False, True]


def test_marks_by_annotation_and_by_plain_label_count() -> None:
    thing = obj("ConfigMap", "thing", "apps", annotations={"argocd.argoproj.io/tracking-id": "x"})
    found = attributed(judge([thing]), thing)
    assert [(e.owner, e.strength) for e in found.evidence] == [("argo", Strength.PLAIN_LABEL)]


def test_every_source_at_once_comes_strongest_first() -> None:
    thing = obj(
        "ConfigMap",
        "thing",
        release="other",
        labels=labelled(),
        annotations={"argocd.argoproj.io/tracking-id": "x"},
        managers=[("pulumi-kubernetes", "Apply"), ("helm", "Update")],
    )
    # The stamp's field is held by both managers of the builder: the release's maker cannot be told, so it is Helm's.
    world = [thing, sync(entry(thing)), record("other", 1, "deployed", [document(thing)])]
    found = attributed(judge(world), thing)
    assert [e.source.value for e in found.evidence] == ["inventory", "manifest", "stamp", "label", "manager", "label"]
    assert [e.strength for e in found.evidence] == sorted((e.strength for e in found.evidence), reverse=True)
    assert found.owners[0] == "flux"
    assert found.state is State.CONTESTED
    assert found.owner is None


def test_what_a_helm_release_runs_is_flux_alone() -> None:
    release = obj("HelmRelease", "cache", "apps", spec={"targetNamespace": FLUX_SYSTEM, "releaseName": "cache"})
    thing = obj("ConfigMap", "thing", release="cache", labels=labelled(HELM), managers=[("helm-controller", "Apply")])
    found = attributed(judge([thing, release, record("cache", 1, "deployed", [document(thing)])]), thing)
    assert found.owners == ("flux",)
    assert found.state is State.UNDOCUMENTED


@pytest.mark.parametrize(
    ("spec", "name", "status"),
    [
        ({}, "cache", {}),
        ({"targetNamespace": "apps"}, "apps-cache", {}),
        ({"releaseName": "given"}, "given", {}),
        ({"releaseName": "given"}, "former", {"history": [{"name": "former"}, {"name": None}]}),
        ({"releaseName": "x" * 60}, f"{'x' * 40}-42f2d9733566", {}),
    ],
)
def test_a_helm_releases_name_is_found_as_the_controller_makes_it(spec: Json, name: str, status: Json) -> None:
    release = obj("HelmRelease", "cache", "apps", spec=spec, status=status)
    thing = obj("ConfigMap", "thing", "apps", release=name, release_namespace="apps")
    assert attributed(judge([thing, release]), thing).owners == ("flux",)
    stranger = obj("ConfigMap", "thing", "apps", release="None", release_namespace="apps")
    assert attributed(judge([stranger, release]), stranger).owners == ("helm",)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("apps_web_apps_Deployment", Key("apps", "Deployment", "apps", "web")),
        (
            "_flux__view_rbac.authorization.k8s.io_ClusterRole",
            Key("rbac.authorization.k8s.io", "ClusterRole", None, "flux:view"),
        ),
        ("apps_web__ConfigMap", Key("", "ConfigMap", "apps", "web")),
        ("nothing", None),
        ("", None),
        ("a_b_c", None),
        ("___", None),
    ],
)
def test_inventory_ids_are_read_as_flux_writes_them(text: str, key: Key | None) -> None:
    assert inventory_key(text) == key


def test_a_stamp_needs_its_annotation() -> None:
    assert stamp_of(Live.of(obj("ConfigMap", "x", labels={"app.kubernetes.io/managed-by": "Helm"}))) is None
    assert stamp_of(Live.of(obj("ConfigMap", "x", annotations={"meta.helm.sh/release-name": ""}))) is None


def test_who_holds_the_stamp_is_read_from_managed_fields() -> None:
    thing = obj("ConfigMap", "x", release=NEW, managers=[("pulumi-resource-kubernetes", "Update")])
    thing["metadata"]["managedFields"].append({"manager": "helm", "operation": "Apply", "fieldsV1": {"f:data": {}}})
    assert stamp_managers(Live.of(thing)) == {"pulumi-resource-kubernetes"}


def test_a_release_s_record_is_the_release_owner_s() -> None:
    mine, other = record(NEW, 2), record("web", 1)
    found = judge([mine, other])
    assert [(row.owners, row.evidence[0].confirmed) for row in (attributed(found, mine), attributed(found, other))] == [
        (("pulumi",), True),
        (("helm",), True),
    ]
    assert attributed(found, mine).evidence[0].text == (
        f"label owner: helm: Helm's own record of release {FLUX_SYSTEM}/{NEW}"
    )
