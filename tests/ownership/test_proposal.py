"""Manifests that are not applied yet, against a hand-made cluster: whose they should be and what is in their way."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from tests.clusters import FLUX_SYSTEM, KUSTOMIZE, RBAC, contract, document, inventory, obj, record
from tests.ownership.judging import NEW, TODAY, active, gap
from tui.contract.load import load_contract, shipped
from tui.contract.model import Claim, Contract, Decision, Guardrail, Mark, Owner, Selector
from tui.helm.model import Document
from tui.manifest_text import parse_text
from tui.objects import Gap, Json, Ref
from tui.ownership.assess import assess
from tui.ownership.model import Verdict
from tui.ownership.proposal import Given, Proposal, Proposed, propose
from tui.ownership.proposal_live import Collision, With
from tui.ownership.proposal_report import proposal_json, proposal_markdown
from tui.ownership.proposal_served import Answer

BASE = contract()
PULUMI = replace(BASE.owners["pulumi"], process=("Add it.", "Run it."))
CONTRACT = contract(
    owners=dict(BASE.owners) | {"pulumi": PULUMI},
    guardrails=(Guardrail("no-ingress", Selector(kinds=("Ingress",)), "tunnels"),),
    decisions=(Decision("ClusterRole/shared", "pulumi", "so it was decided", "clusters/base/shared.yaml"),),
)
ROLE_REF = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"}


def given(*bodies: Json, file: str = "new.yaml") -> list[Given]:
    """Documents as if each stood in a file of this name."""
    return [
        Given(Document(Ref.of(body), body, sha256=str(hash(str(body))), line=1 + at), file)
        for at, body in enumerate(bodies)
    ]


def asked(
    new: Iterable[Given],
    live: Iterable[Json] = (),
    gaps: Iterable[Gap] = (),
    by: Contract = CONTRACT,
    *,
    namespace: str | None = None,
    **how: Any,
) -> Proposal:
    read = inventory([obj("Namespace", FLUX_SYSTEM, None), obj("Namespace", "apps", None), *live], gaps, **how)
    return propose(list(new), by, assess(by, read, today=TODAY), namespace=namespace)


def one(*args: Any, **how: Any) -> Proposed:
    found = asked(*args, **how)
    assert len(found.documents) == 1
    return found.documents[0]


def met(found: Proposed, what: With) -> Collision:
    (collision,) = [each for each in found.collisions if each.met is what]
    return collision


def new(kind: str, name: str, namespace: str | None = FLUX_SYSTEM, **parts: Any) -> Json:
    """A document as somebody would write it; its namespace is written too."""
    meta = {"name": name, **({"namespace": namespace} if namespace else {}), **parts.pop("metadata", {})}
    body = obj(kind, name, namespace, **parts)
    return {k: v for k, v in body.items() if k != "metadata"} | {"metadata": meta}


def test_what_nothing_stands_in_the_way_of_passes_with_its_owners_steps() -> None:
    found = one(given(new("Service", "fresh")))
    assert found.verdict is Verdict.PASS
    assert found.claim is not None
    assert (found.claim.owner, found.claim.source) == ("pulumi", "cluster/src/")
    assert (found.process, found.collisions, found.notes) == (("Add it.", "Run it."), (), ())
    assert found.served.answer is Answer.YES
    assert asked(given(new("Service", "fresh"))).incomplete == ()


FLUX = {"kustomize.toolkit.fluxcd.io/name": "apps", "kustomize.toolkit.fluxcd.io/namespace": FLUX_SYSTEM}


@pytest.mark.parametrize(
    ("parts", "owners", "blocks"),
    [
        ({"managers": [("pulumi-resource-kubernetes", "Update")]}, ("pulumi",), False),
        ({"managers": [("kustomize-controller", "Apply")], "labels": FLUX}, ("flux",), True),
        ({"managers": [("kustomize-controller", "Apply"), ("pulumi-x", "Update")]}, ("flux", "pulumi"), True),
        ({"annotations": {"argocd.argoproj.io/tracking-id": "x"}}, ("argo",), True),
        ({"managers": [("kubectl-create", "Update")]}, (), False),
    ],
)
def test_a_live_object_is_told_with_its_owners(parts: Any, owners: tuple[str, ...], blocks: bool) -> None:
    found = one(given(new("Deployment", "web")), [obj("Deployment", "web", **parts)])
    collision = met(found, With.LIVE)
    assert (set(collision.owners), collision.blocks) == (set(owners), blocks)
    assert {each.owner for each in collision.evidence} == set(owners)
    assert collision.ref is not None
    assert collision.ref.uid
    assert found.verdict is (Verdict.BLOCK if blocks else Verdict.WARN)


def kustomization(name: str, *ids: str) -> Json:
    entries = [{"id": each, "v": "v1"} for each in ids]
    return obj("Kustomization", name, status={"inventory": {"entries": entries}})


def test_an_inventory_that_lists_what_is_not_live_is_a_collision() -> None:
    found = one(given(new("Service", "web")), [kustomization("apps", f"{FLUX_SYSTEM}_web__Service")])
    collision = met(found, With.INVENTORY)
    assert (collision.owners, collision.blocks) == (("flux",), True)
    assert "Kustomization flux-system/apps lists it" in collision.text
    assert "not live" in collision.text


@pytest.mark.parametrize(("release", "owner", "blocks"), [(NEW, "pulumi", False), ("stranger", "helm", True)])
def test_a_release_in_force_that_lists_it_is_a_collision(release: str, owner: str, blocks: bool) -> None:
    listed = obj("Service", "web")
    found = one(given(new("Service", "web")), [record(release, 2, "deployed", [document(listed)])])
    collision = met(found, With.MANIFEST)
    assert (collision.owners, collision.blocks) == ((owner,), blocks)
    assert collision.ref is not None
    assert collision.ref.name == f"sh.helm.release.v1.{release}.v2"


def test_a_release_that_is_over_lists_nothing() -> None:
    records = [record("stranger", 1, "superseded", [document(obj("Service", "web"))])]
    assert one(given(new("Service", "web")), records).collisions == ()


def test_the_stamp_of_a_live_object_says_whose_release_it_is() -> None:
    live = obj("Service", "web", release="stranger", managers=[("pulumi-resource-kubernetes", "Update")])
    found = one(given(new("Service", "web")), [record("stranger", 2, "deployed", [document(live)]), live])
    assert (met(found, With.MANIFEST).owners, found.verdict) == (("pulumi",), Verdict.WARN)


def test_twins_in_one_input_see_each_other() -> None:
    pair = given(new("Service", "web"), new("Service", "web", spec={"type": "ClusterIP"}))
    first, second = asked(pair).documents
    assert "new.yaml:2 has another document for Service flux-system/web" in met(first, With.INPUT).text
    assert "new.yaml:1 has another document" in met(second, With.INPUT).text
    assert (first.verdict, second.verdict) == (Verdict.WARN, Verdict.WARN)
    twice = [*given(new("Service", "web"), file="cluster/src/a.yaml"), *given(new("Service", "web"), file="x/b.yaml")]
    assert "the same document" in met(asked(twice).documents[0], With.INPUT).text


def test_twins_of_two_owners_block() -> None:
    files = ("cluster/src/a.yaml", "clusters/b.yaml")
    both = [each for file in files for each in given(new("Service", "web"), file=file)]
    found = asked(both)
    assert found.blocks
    assert [met(each, With.INPUT).owners for each in found.documents] == [("flux", "pulumi")] * 2


def test_a_generated_name_tells_of_those_that_begin_so() -> None:
    body = new("ConfigMap", "", "apps")
    del body["metadata"]["name"]
    body["metadata"]["generateName"] = "job-"
    document_ = Document(Ref.of(body), body, generate_name="job-", line=3)
    found = one([Given(document_, "new.yaml")], [obj("ConfigMap", "job-1", "apps"), obj("ConfigMap", "jo", "apps")])
    collision = met(found, With.GENERATE_NAME)
    assert "names that begin so: job-1;" in collision.text
    assert not collision.blocks
    assert any("its name is generated" in note for note in found.notes)
    assert found.need is not None
    assert "names: [job-*]" in found.need.text


@pytest.mark.parametrize(
    ("file", "applier"),
    [
        ("repo/cluster/src/new.yaml", None),
        ("repo/clusters/tethys/new.yaml", "flux"),
        ("clusters/new.yaml", "flux"),
        ("my-clusters/new.yaml", None),
        ("new.yaml", None),
    ],
)
def test_a_file_in_the_source_of_another_owner_blocks(file: str, applier: str | None) -> None:
    found = one(given(new("Service", "fresh"), file=file))
    sources = [each for each in found.collisions if each.met is With.SOURCE]
    assert [each.owners for each in sources] == ([(applier,)] if applier else [])
    assert found.verdict is (Verdict.BLOCK if applier else Verdict.PASS)


def test_the_appliers_own_marks_count_as_set() -> None:
    labelled = Selector(kinds=("Service",), labels={"kustomize.toolkit.fluxcd.io/name": "*"})
    claims = (
        Claim("flux", "gitops", "clusters/", (labelled,)),
        Claim("pulumi", "infrastructure", "cluster/src/", (Selector(kinds=("Service",)),)),
    )
    by = contract(claims=claims)
    for file, owner in (("clusters/a.yaml", "flux"), ("cluster/src/a.yaml", "pulumi"), ("a.yaml", "pulumi")):
        found = one(given(new("Service", "web", "apps"), file=file), by=by)
        assert found.claim is not None
        assert (found.claim.owner, found.verdict) == (owner, Verdict.PASS)


def test_an_appliers_mark_that_names_the_object_counts_too() -> None:
    tracked = {"argocd.argoproj.io/tracking-id": "*:/Service:apps/web"}
    claims = (
        Claim("argo", "gitops", "argo/apps/", (Selector(kinds=("Service",), annotations=tracked),)),
        Claim("pulumi", "infrastructure", "", (Selector(kinds=("Service",)),)),
    )
    mark = Mark(annotation={"argocd.argoproj.io/tracking-id": "*:{group}/{kind}:{namespace}/{name}"})
    by = contract(claims=claims, owners={**BASE.owners, "argo": Owner("argo", "Argo CD", (mark,))})
    owners = [
        each.claim.owner
        for name in ("web", "other")
        for each in asked(given(new("Service", name, "apps"), file="argo/apps/x.yaml"), by=by).documents
        if each.claim is not None
    ]
    assert owners == ["argo", "pulumi"]


def test_a_live_objects_own_marks_stay_when_it_is_applied_again() -> None:
    stamped = obj("ClusterRole", "flux-view", None, release=NEW, managers=[("pulumi-resource-kubernetes", "Update")])
    assert one(given(new("ClusterRole", "flux-view", None))).claim is None
    found = one(given(new("ClusterRole", "flux-view", None)), [active(stamped), stamped])
    assert found.claim is not None
    assert found.claim.owner == "pulumi"
    assert not any(each.blocks for each in found.collisions)


def test_what_nobody_claims_says_which_claim_is_needed() -> None:
    found = one(given(new("ClusterRole", "fresh", None)))
    assert (found.claim, found.verdict, found.process) == (None, Verdict.WARN, PULUMI.process)
    assert found.need is not None
    assert "{owner: pulumi, layer: infrastructure, select: [{kinds: [ClusterRole], names: [fresh]}]}" in found.need.text
    assert "would take it if it carried annotation meta.helm.sh/release-name: *" in found.need.text
    other = one(given(new("Service", "web", "apps"))).need
    assert other is not None
    assert "{owner: OWNER, layer: LAYER, select: [{kinds: [Service], namespaces: [apps], names: [web]}]}" in other.text
    placed = one(given(new("Service", "web", "apps"), file="clusters/x.yaml")).need
    assert placed is not None
    assert "{owner: flux, layer: gitops," in placed.text


def test_what_nobody_claims_and_somebody_owns_blocks() -> None:
    live = obj("Service", "web", "apps", managers=[("kustomize-controller", "Apply")])
    found = one(given(new("Service", "web", "apps")), [live])
    assert (met(found, With.LIVE).blocks, found.verdict) == (True, Verdict.BLOCK)


def test_a_guardrail_blocks_whoever_owns_it() -> None:
    found = one(given(new("Ingress", "web", "apps")))
    assert [rail.id for rail in found.guardrails] == ["no-ingress"]
    assert found.verdict is Verdict.BLOCK


def test_a_decision_is_told_where_it_applies_and_its_removed_file_does_not_come_back() -> None:
    found = one(given(new("ClusterRole", "shared", None), file="repo/clusters/base/shared.yaml"))
    assert [decision.owner for decision in found.decisions] == ["pulumi"]
    assert [each.owners for each in found.collisions if "decision" in each.text] == [("pulumi",)]
    assert found.verdict is Verdict.BLOCK
    elsewhere = one(given(new("ClusterRole", "shared", None), file="repo/shared.yaml"))
    assert (len(elsewhere.decisions), elsewhere.collisions) == (1, ())


BINDING = {"roleRef": ROLE_REF, "subjects": []}


@pytest.mark.parametrize(
    ("kind", "live", "proposed", "fields"),
    [
        ("ClusterRoleBinding", BINDING, {"roleRef": {"kind": "ClusterRole", "name": "view"}}, []),
        ("ClusterRoleBinding", BINDING, {"roleRef": {**ROLE_REF, "name": "edit"}}, ["roleRef"]),
        (
            "Deployment",
            {"spec": {"selector": {"matchLabels": {"a": "1", "b": "2"}}}},
            {"spec": {"selector": {"matchLabels": {"a": "1"}}}},
            ["spec.selector"],
        ),
        ("Deployment", {"spec": {"replicas": 1}}, {"spec": {"replicas": 2}}, []),
        ("Service", {"spec": {"clusterIP": "10.0.0.1"}}, {"spec": {"ports": []}}, []),
        ("Service", {"spec": {"clusterIP": "10.0.0.1"}}, {"spec": {"clusterIP": "10.0.0.2"}}, ["spec.clusterIP"]),
        (
            "Job",
            {"spec": {"template": {"spec": {"containers": [{"name": "c", "image": "a", "env": [{"name": "K"}]}]}}}},
            {"spec": {"template": {"spec": {"containers": [{"name": "c", "image": "b"}]}}}},
            ["spec.template.spec.containers[name=c].image"],
        ),
        ("StatefulSet", {"spec": {"serviceName": "a"}}, {"spec": {"serviceName": "b"}}, ["spec.serviceName"]),
    ],
)
def test_fields_that_cannot_change(kind: str, live: Json, proposed: Json, fields: list[str]) -> None:
    owner = [("pulumi-resource-kubernetes", "Update")]
    found = one(given(new(kind, "x", "apps", **proposed)), [obj(kind, "x", "apps", managers=owner, **live)])
    assert [each.field for each in found.immutable] == fields
    assert (found.verdict is Verdict.BLOCK) == (bool(fields) or found.claim is None)


def test_a_secret_whose_body_was_not_read_is_not_compared() -> None:
    live = obj("Secret", "s", "apps", type="Opaque", data={"k": "djE="})
    found = one(given(new("Secret", "s", "apps", type="tls", data={"k": "cGFzc3dvcmQ="})), [live])
    assert (found.immutable, any("not compared" in note for note in found.notes)) == ((), True)


@pytest.mark.parametrize(
    ("version", "kind", "answer", "words"),
    [
        ("v1", "Service", Answer.YES, "is served"),
        ("apps/v1beta1", "Deployment", Answer.NO, "apps/v1 is"),
        ("example.test/v1", "Gizmo", Answer.NO, "has to be there first"),
        ("lost.test/v1", "Gizmo", Answer.UNKNOWN, "discovery failed"),
    ],
)
def test_whether_a_kind_is_served(version: str, kind: str, answer: Answer, words: str) -> None:
    body = {"apiVersion": version, "kind": kind, "metadata": {"name": "x", "namespace": "apps"}}
    found = one(given(body), gaps=[Gap("lost.test", None, None, "discovery failed")])
    assert found.served.answer is answer
    assert words in found.served.text
    assert bool(found.doubts) == (answer is Answer.UNKNOWN)


@pytest.mark.parametrize(("scope", "namespace"), [("Namespaced", "default"), ("Cluster", None)])
def test_a_definition_in_the_input_says_where_its_kind_lives(scope: str, namespace: str | None) -> None:
    spec = {"group": "example.test", "scope": scope, "names": {"kind": "Gizmo"}}
    crd = new("CustomResourceDefinition", "gizmos.example.test", None, spec={**spec, "versions": [VERSION]})
    gizmo = {"apiVersion": "example.test/v1", "kind": "Gizmo", "metadata": {"name": "g"}}
    _, found = asked(given(crd, gizmo)).documents
    assert found.ref.namespace == namespace
    assert "new.yaml:1 defines it" in found.served.text


VERSION = {"name": "v1", "served": True}


@pytest.mark.parametrize(
    ("written", "option", "namespace", "note"),
    [
        (None, None, "default", "read as default"),
        (None, "apps", "apps", ""),
        ("flux-system", "apps", "flux-system", ""),
        ("gone", None, "gone", "namespace gone does not exist"),
    ],
)
def test_the_namespace_of_a_document(written: str | None, option: str | None, namespace: str, note: str) -> None:
    found = one(given(new("Service", "s", written)), [obj("Namespace", "default", None)], namespace=option)
    assert found.ref.namespace == namespace
    assert any(note in each for each in found.notes) if note else found.notes == ()


def test_a_namespace_of_the_input_is_no_missing_one() -> None:
    _, found = asked(given(new("Namespace", "soon", None), new("Service", "s", "soon"))).documents
    assert found.notes == ()


def test_a_cluster_scoped_kind_loses_a_namespace() -> None:
    body = new("ClusterRole", "r", None)
    body["metadata"]["namespace"] = "apps"
    found = one(given(body))
    assert (found.ref.namespace, found.notes) == (None, ("ClusterRole lives in no namespace",))


def test_what_makes_further_objects_says_so() -> None:
    found = one(given(new("Kustomization", "apps", "apps", spec={"path": "./x"})))
    assert any("render it, and explain that too" in note for note in found.notes)


@pytest.mark.parametrize(
    ("gaps", "live", "words"),
    [
        ([gap("Service")], [], "whether it is live already could not be read"),
        ([gap("Secret")], [], "Secret: forbidden"),
        ([gap("Kustomization")], [], "Kustomization: forbidden"),
        ([Gap("kustomize.toolkit.fluxcd.io", None, None, "discovery failed")], [], "kustomize.toolkit.fluxcd.io"),
        ([], [{**obj("Kustomization", "torn"), "status": {"inventory": 7}}], "torn: its inventory could not be read"),
        ([], [{**record("stranger"), "data": {"release": "bm90IGdvb2Q="}}], "what that release lists is not known"),
        ([], [record("stranger", manifest="{")], "what it lists is not known"),
    ],
)
def test_what_could_not_be_read_is_said_and_never_passes(gaps: list[Gap], live: list[Json], words: str) -> None:
    found = asked(given(new("Service", "fresh")), live, gaps)
    assert any(words in text for text in found.incomplete), found.incomplete
    assert found.documents[0].verdict is Verdict.UNVERIFIED
    assert not found.blocks


def test_a_name_that_is_filled_in_later_is_not_verified() -> None:
    found = asked(given(new("Service", "web-${env}")))
    assert found.documents[0].verdict is Verdict.UNVERIFIED
    assert any("named only when it is applied" in text for text in found.incomplete)


def test_without_a_cluster_the_contract_still_answers() -> None:
    new_ones = given(new("Service", "web"), new("Ingress", "web", "apps"), new("ClusterRole", "shared", None))
    found = propose(new_ones, CONTRACT, None, why_not="no answer")
    service, ingress, role = found.documents
    assert service.claim is not None
    assert (service.claim.owner, service.process, service.verdict) == ("pulumi", PULUMI.process, Verdict.UNVERIFIED)
    assert (ingress.verdict, len(role.decisions), service.served.answer) == (Verdict.BLOCK, 1, Answer.UNKNOWN)
    assert found.incomplete == ("collisions, served kinds and immutable fields could not be verified: no answer",)
    assert service.ref.namespace == FLUX_SYSTEM
    assert role.ref.namespace is None


def test_the_shipped_contract_answers_for_a_new_application_and_a_new_component() -> None:
    by = load_contract(shipped())
    app, component = propose(
        [*given(new("Deployment", "web", "apps")), *given(new("Namespace", "cert-manager", None))], by, None
    ).documents
    assert app.claim is not None
    assert (app.claim.owner, app.claim.source, app.process[0]) == (
        "flux",
        "clusters/tethys/",
        "Add the manifests to clusters/base/<component>/.",
    )
    assert component.claim is not None
    assert (component.claim.owner, component.process) == ("pulumi", by.owners["pulumi"].process)


def test_the_page_says_what_the_json_says() -> None:
    live = obj("Deployment", "web", labels=FLUX, managers=[("kustomize-controller", "Apply")])
    found = asked(given(new("Deployment", "web"), new("Service", "fresh")), [live])
    found = Proposal(found.documents, ("dir/x: Permission denied",))
    page = proposal_markdown(proposal_json(found, CONTRACT))
    for words in (
        "## Deployment flux-system/web: BLOCK",
        "collides: Deployment flux-system/web is live and owned by flux; the contract gives it to pulumi",
        "field manager kustomize-controller (Apply",
        "next: decide whose it is",
        "## Service flux-system/fresh: PASS",
        "  1. Add it.",
        "could not be read: dir/x: Permission denied",
    ):
        assert words in page


def test_nothing_of_a_document_but_its_identity_is_repeated() -> None:
    secret = new("Secret", "s", "apps", type="Opaque", stringData={"password": "hunter2"})
    found = asked(given(secret), [obj("Secret", "s", "apps", type="Opaque", data={"password": "aHVudGVyMg=="})])
    assert "hunter2" not in str(proposal_json(found, CONTRACT))
    assert "hunter2" not in repr(found)


def test_what_is_there_already_is_not_to_be_added_a_second_time() -> None:
    role = obj("ClusterRole", "flux-view", release=NEW, rules=[])
    found = asked(given(new("ClusterRole", "flux-view", None, rules=[])), [active(role), role])
    (told_,) = proposal_json(found, CONTRACT)["documents"]
    assert told_["verdict"] == "warn"
    assert told_["next"].startswith("it is there and Pulumi's already: change it ")


def test_an_owner_without_steps_is_told_as_such() -> None:
    by = contract(owners=dict(BASE.owners) | {"pulumi": Owner("pulumi", "Pulumi", PULUMI.marks)})
    document_ = proposal_json(asked(given(new("Service", "fresh")), by=by), by)["documents"][0]
    assert (document_["process"], document_["next"]) == ([], "give it to Pulumi: the contract lists no steps")


def test_parsed_documents_say_where_they_are() -> None:
    text = f"# a\napiVersion: {RBAC}\nkind: ClusterRole\nmetadata: {{name: a}}\n---\n\n"
    text += f"apiVersion: {KUSTOMIZE}\nkind: Kustomization\nmetadata: {{name: b, namespace: apps}}\n"
    found = asked([Given(each, "dir/x.yaml") for each in parse_text(text)])
    assert [each.given.where for each in found.documents] == ["dir/x.yaml:2", "dir/x.yaml:7"]
