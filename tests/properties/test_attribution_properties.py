"""Over generated evidence: order changes nothing, less evidence never makes an owner, and nothing raises.

An owner called ``helm`` is no tool: it names whoever installed a release of which no evidence tells the installer.
Where that evidence is taken away, the release stays, and its owner goes by that name.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.clusters import FLUX_SYSTEM, contract, document, inventory, obj, record
from tests.ownership.test_holders import application, custom
from tui.contract.model import Contract, Mark, Owner
from tui.objects import Json, Key, Live
from tui.ownership.assess import assess
from tui.ownership.evidence import HELM
from tui.ownership.model import Assessment, Attribution, Source, State

TODAY = date(2026, 11, 23)
NEW, OLD = "gitops-flux-00000001", "gitops-flux-ffffffff"
ARGO = "argocd.argoproj.io/tracking-id"
ROLE = "rbac.authorization.k8s.io/ClusterRole"
BY: Contract = contract(
    owners={
        **contract().owners,
        "argo": Owner(
            "argo",
            "Argo CD",
            (Mark(annotation={ARGO: "*:{group}/{kind}:{namespace}/{name}"}), Mark(inventory=("Application",))),
        ),
        "olm": Owner("olm", "OLM", (Mark(owner_kind=("Namespace",)), Mark(label={"olm.*": "*"}))),
        "operator": Owner(
            "operator", "Flux Operator", (Mark(inventory=("ResourceSet",)), Mark(manager=("flux-operator",)))
        ),
    }
)
thorough = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@dataclass
class Scene:
    """One ClusterRole under dispute and everything that speaks of it."""

    thing: Json
    others: list[Json]

    def judged(self) -> Assessment:
        return assess(BY, inventory([self.thing, *self.others]), today=TODAY)

    def told(self) -> Attribution:
        return self.judged().attributions[Key("rbac.authorization.k8s.io", "ClusterRole", None, "thing")]


def label(name: str, value: str, space: str = "") -> Callable[[Scene], None]:
    prefix = name.rpartition("/")[0]
    extra = {f"{prefix}/namespace": space} if space else {}
    return lambda scene: scene.thing["metadata"]["labels"].update({name: value, **extra})


def annotation(name: str, value: str) -> Callable[[Scene], None]:
    return lambda scene: scene.thing["metadata"]["annotations"].update({name: value})


def stamp(release: str, space: str = FLUX_SYSTEM) -> Callable[[Scene], None]:
    def add(scene: Scene) -> None:
        meta = scene.thing["metadata"]
        meta["annotations"] |= {"meta.helm.sh/release-name": release, "meta.helm.sh/release-namespace": space}
        meta["labels"]["app.kubernetes.io/managed-by"] = "Helm"

    return add


def manager(name: str, operation: str, fields: Json, subresource: str = "") -> Callable[[Scene], None]:
    entry = {
        "manager": name,
        "operation": operation,
        "fieldsV1": fields,
        "time": f"2026-0{len(name) % 9 + 1}-01T00:00:00Z",
    }
    if subresource:
        entry["subresource"] = subresource
    return lambda scene: scene.thing["metadata"]["managedFields"].append(entry)


def listing(kind: str, name: str) -> Callable[[Scene], None]:
    status = {"inventory": {"entries": [{"id": "_thing_rbac.authorization.k8s.io_ClusterRole", "v": "v1"}]}}

    def add(scene: Scene) -> None:
        if kind == "ResourceSet":
            scene.others.append(custom("fluxcd.controlplane.io/v1", kind, name, status=status))
        else:
            scene.others.append(obj(kind, name, status=status, spec={}))

    return add


def release(name: str, revision: int, status: str) -> Callable[[Scene], None]:
    return lambda scene: scene.others.append(record(name, revision, status, [document(obj("ClusterRole", "thing"))]))


def pointing(scene: Scene) -> None:
    above = obj("Namespace", "above")
    scene.others.append(above)
    reference = {"apiVersion": "v1", "kind": "Namespace", "name": "above", "uid": above["metadata"]["uid"]}
    scene.thing["metadata"]["ownerReferences"] = [reference]


RULES: Json = {"f:rules": {}}
HELD: Json = {"f:metadata": {"f:annotations": {"f:meta.helm.sh/release-name": {}}}}
PIECES: tuple[Callable[[Scene], None], ...] = (
    label("kustomize.toolkit.fluxcd.io/name", "sync", FLUX_SYSTEM),
    label("helm.toolkit.fluxcd.io/name", "chart", FLUX_SYSTEM),
    label("olm.owner", "x"),
    annotation(ARGO, f"shop:{ROLE}:/thing"),
    annotation(ARGO, f"shop:{ROLE}:/another"),
    stamp(NEW),
    stamp(OLD),
    stamp("chart"),
    stamp("alone"),
    manager("kustomize-controller", "Apply", RULES),
    manager("pulumi-kubernetes-1a2b3c4d", "Update", RULES),
    manager("pulumi-resource-kubernetes", "Update", HELD),
    manager("helm-controller", "Apply", HELD | RULES),
    manager("flux-operator", "Apply", RULES),
    manager("helm", "Update", HELD),
    manager("kubectl-client-side-apply", "Update", RULES),
    manager("kustomize-controller", "Update", RULES, "status"),
    manager("helm-controller", "Update", {"f:metadata": {"f:finalizers": {".": {}}}}),
    listing("Kustomization", "sync"),
    listing("Kustomization", "base"),
    listing("HelmRelease", "chart"),
    listing("ResourceSet", "set"),
    lambda scene: scene.others.append(application(obj("ClusterRole", "thing"))),
    release(NEW, 2, "deployed"),
    release(OLD, 1, "superseded"),
    release("chart", 1, "deployed"),
    release("alone", 3, "deployed"),
    release("alone", 2, "superseded"),
    pointing,
)
PAST = (24, 27)
"""The pieces by which a release lists the thing in a revision that is over."""

SAME = {3: 1, 4: 1, 5: 2, 6: 2, 7: 2, 8: 2}
"""Pieces that write one annotation: of these an object has one."""


def _compatible(pieces: list[int]) -> list[int]:
    return list({SAME.get(piece, -1 - piece): piece for piece in pieces}.values())


chosen = st.lists(st.integers(0, len(PIECES) - 1), max_size=9, unique=True).map(_compatible)


def scene(pieces: list[int]) -> Scene:
    made = Scene(obj("ClusterRole", "thing"), [])
    for piece in pieces:
        PIECES[piece](made)
    return made


@thorough
@given(chosen, st.data())
def test_removing_evidence_never_invents_an_owner(pieces: list[int], data: st.DataObject) -> None:
    kept = [piece for piece in pieces if data.draw(st.booleans())]
    more, less = scene(pieces).told(), scene(kept).told()
    released = any(evidence.source in (Source.STAMP, Source.MANIFEST) for evidence in more.evidence)
    assert set(less.owners) <= {*more.owners, *([HELM] if released else [])}


@thorough
@given(chosen, st.randoms(use_true_random=False))
def test_the_order_of_evidence_and_of_objects_changes_nothing(pieces: list[int], random: Any) -> None:
    shuffled = list(pieces)
    random.shuffle(shuffled)
    first, second = scene(pieces), scene(shuffled)
    random.shuffle(second.others)
    one, other = first.judged(), second.judged()
    assert one.attributions == other.attributions
    assert [finding.to_json() for finding in one.findings] == [finding.to_json() for finding in other.findings]
    assert one.verdict == other.verdict


@thorough
@given(chosen)
def test_every_owner_has_evidence_and_every_state_follows_from_it(pieces: list[int]) -> None:
    told = scene(pieces).told()
    assert set(told.owners) == {evidence.owner for evidence in told.evidence}
    assert len(told.owners) == len(set(told.owners))
    assert (told.state is State.CONTESTED) == (len(told.owners) > 1)
    assert (told.state is State.UNOWNED) == (not told.owners)
    strengths = [evidence.strength for evidence in told.evidence]
    assert strengths == sorted(strengths, reverse=True)
    assert all(evidence.text for evidence in told.evidence)


@thorough
@given(chosen)
def test_what_is_over_is_never_an_owner(pieces: list[int]) -> None:
    with_past = scene([*pieces, *(piece for piece in PAST if piece not in pieces)]).told()
    without = scene([piece for piece in pieces if piece not in PAST]).told()
    assert with_past.owners == without.owners


# References: any graph of owners, whole, broken or in circles.

names = st.sampled_from("abcd")
references = st.builds(
    lambda name, uid, controller: {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "name": name,
        "uid": f"uid-replicaset-{FLUX_SYSTEM}-{name}" if uid else "another",
        "controller": controller,
    },
    names,
    st.booleans() | st.just(True),
    st.booleans(),
)


@thorough
@given(st.dictionaries(names, st.lists(references, max_size=2), max_size=4), st.sampled_from(["", "pulumi-x"]))
def test_any_graph_of_owner_references_ends(graph: dict[str, list[Json]], writer: str) -> None:
    bodies = []
    for name, owners in graph.items():
        body = obj("ReplicaSet", name, spec={}, managers=[(writer, "Update")] if writer else [])
        body["metadata"]["ownerReferences"] = owners
        bodies.append(body)
    found = assess(BY, inventory(bodies), today=TODAY).attributions
    for name, owners in graph.items():
        told = found[Key("apps", "ReplicaSet", FLUX_SYSTEM, name)]
        controller = next((each for each in owners if each["controller"]), None)
        if controller is None:
            assert told.root.name == name
        elif controller["name"] not in graph or controller["uid"] == "another" or controller["name"] == name:
            assert told.state is State.UNVERIFIABLE
            assert told.owners == ()
        assert told.state is not State.UNVERIFIABLE or told.why_unverifiable


# Hostile metadata: any JSON in the place of any part.

junk = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=8)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)),
    max_leaves=12,
)
PARTS = ("labels", "annotations", "ownerReferences", "managedFields", "finalizers", "name", "namespace", "uid")


@thorough
@given(chosen, st.dictionaries(st.sampled_from(PARTS), junk, min_size=1, max_size=3), junk, st.integers(0, 9))
def test_hostile_metadata_never_raises(pieces: list[int], broken: dict[str, Any], status: Any, victim: int) -> None:
    made = scene(pieces)
    bodies = [copy.deepcopy(made.thing), *made.others]
    target = bodies[victim % len(bodies)]
    target["metadata"] |= broken
    if target["kind"] != "Secret":
        target["status"] = status
    read = inventory([])
    for body in bodies:
        live = Live.of(body)
        read.objects[live.key] = live
    found = assess(BY, read, today=TODAY)
    assert len([a for a in found.attributions.values() if a.live]) == len(read.objects)


def test_huge_metadata_is_told_like_any_other() -> None:
    made = scene([0, 9, 10])
    meta = made.thing["metadata"]
    meta["labels"] |= {f"l{number}": "v" * 63 for number in range(5000)}
    meta["annotations"] |= {f"a{number}": "v" * 500 for number in range(2000)}
    deep: Json = {}
    for _ in range(400):
        deep = {"f:x": deep}
    wide: Json = {f"f:{number}": {} for number in range(20_000)}
    for entry in meta["managedFields"]:
        entry["fieldsV1"] = {"f:rules": {}, "f:deep": deep, "f:wide": wide}
    meta["ownerReferences"] = [
        {"apiVersion": "v1", "kind": "Namespace", "name": str(number), "uid": str(number)} for number in range(2000)
    ]
    found = made.judged()
    told = found.attributions[Key("rbac.authorization.k8s.io", "ClusterRole", None, "thing")]
    assert told.owners == ("flux", "pulumi")
    fight = next(each for each in found.findings if each.code == "field-fight")
    assert all(len(line) < 3000 for line in fight.evidence)
