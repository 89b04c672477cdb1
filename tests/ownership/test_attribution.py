"""Who owns what: the states, controllers and ghosts, the recorded cluster, and what no order may change."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.clusters import FLUX_SYSTEM, contract, inventory, obj
from tests.ownership.judging import NEW, OLD, active, attributed, gap, judge, key_of, stale, weigh
from tests.ownership.living import harbours, living, recorded
from tui.contract.model import Claim, Selector
from tui.objects import Json, Live, Served
from tui.ownership.attribution import claimed_by_name, counts
from tui.ownership.model import Source, State

KUSTOMIZE = "kustomize.toolkit.fluxcd.io/"
HELM = "helm.toolkit.fluxcd.io/"


def labelled(prefix: str = KUSTOMIZE, name: str = "sync") -> dict[str, str]:
    return {f"{prefix}name": name, f"{prefix}namespace": FLUX_SYSTEM}


def sync(*entries: str, kind: str = "Kustomization", name: str = "sync") -> Json:
    return obj(kind, name, status={"inventory": {"entries": [{"id": entry, "v": "v1"} for entry in entries]}})


def entry(body: Json) -> str:
    meta, group = body["metadata"], body["apiVersion"].rpartition("/")[0]
    return f"{meta.get('namespace', '')}_{meta['name']}_{group}_{body['kind']}"


def test_misowned_owned_undocumented_and_unowned() -> None:
    wrong = obj("Deployment", "wrong", labels=labelled(), spec={})
    right = obj("Deployment", "right", managers=[("pulumi-kubernetes", "Apply")], spec={})
    free = obj("ConfigMap", "free", "apps", labels=labelled())
    nobody = obj("ConfigMap", "nobody", "apps")
    found = judge([wrong, right, free, nobody])
    assert [attributed(found, each).state.value for each in (wrong, right, free, nobody)] == [
        "misowned",
        "owned",
        "undocumented",
        "unowned",
    ]
    assert attributed(found, right).layer == "infrastructure"
    assert attributed(found, wrong).layer == "infrastructure"
    assert attributed(found, free).layer == "gitops"
    assert attributed(found, nobody).layer is None
    assert counts(found.attributions)[State.UNOWNED] == 1


def test_contested_comes_before_stale() -> None:
    left = stale(labels=labelled())
    assert attributed(judge([active(), left]), left).state is State.CONTESTED


def test_stale_is_s1_to_s3_whatever_forbids_to_touch_it() -> None:
    left = stale("Namespace", "left", finalizers=["x/y"])
    assert attributed(judge([active(), left]), left).state is State.STALE


@pytest.mark.parametrize(
    ("body", "missing"),
    [
        (obj("ConfigMap", "x", "apps"), gap("Secret")),
        (obj("ConfigMap", "x", "apps"), gap("ConfigMap")),
        (obj("ServiceAccount", "x", "apps"), gap("Kustomization")),
        (obj("ServiceAccount", "x", "apps"), gap("HelmRelease")),
        (obj("ServiceAccount", "x", "apps", labels=labelled()), gap("Kustomization")),
        (obj("ServiceAccount", "x", "apps", labels=labelled(HELM)), gap("HelmRelease")),
        (obj("ServiceAccount", "x", release="other"), gap("Secret")),
        (obj("ServiceAccount", "x", release=NEW), gap("Secret")),
        (obj("ServiceAccount", "x", release=NEW), gap("ConfigMap", namespace=FLUX_SYSTEM)),
    ],
)
def test_what_rests_on_something_unread_is_unverifiable(body: Json, missing: Any) -> None:
    read = inventory([body], [missing])
    read.objects.setdefault(Live.of(body).key, Live.of(body, keep_body=False))
    found = attributed(weigh(read), body)
    assert found.state is State.UNVERIFIABLE
    assert found.why_unverifiable
    assert attributed(judge([body]), body).state is not State.UNVERIFIABLE


def test_an_unread_kind_that_it_does_not_rest_on_leaves_its_state_alone() -> None:
    thing = obj("ServiceAccount", "x", managers=[("pulumi-kubernetes", "Apply")])
    found = attributed(judge([thing], [gap("Kustomization"), gap("Pod")]), thing)
    assert (found.state, found.why_unverifiable) == (State.OWNED, "")


def test_marks_below_a_controller_are_copies_and_the_root_decides() -> None:
    deployment = obj("Deployment", "d", managers=[("pulumi-kubernetes", "Apply")], spec={})
    copy = obj("ReplicaSet", "d-1", owner=("Deployment", "d"), labels=labelled(), release=OLD, spec={})
    pod = obj("Pod", "d-1-a", owner=("ReplicaSet", "d-1"), labels=labelled(), spec={})
    found = judge([deployment, copy, pod])
    for below, text in (
        (copy, "controlled by Deployment d"),
        (pod, "controlled by ReplicaSet d-1, below Deployment flux-system/d"),
    ):
        each = attributed(found, below)
        assert (each.state, each.owners, each.layer) == (State.OWNED, ("pulumi",), "infrastructure")
        assert (each.evidence[0].source, each.evidence[0].text) == (Source.OWNER_REFERENCE, text)
        assert each.evidence[0].confirmed
        assert each.root == key_of("Deployment", "d", FLUX_SYSTEM)


def test_a_reference_that_is_no_controllers_is_not_followed() -> None:
    deployment = obj("Deployment", "d", managers=[("pulumi-kubernetes", "Apply")], spec={})
    thing = obj("ConfigMap", "thing", owner=("Deployment", "d"))
    thing["metadata"]["ownerReferences"][0]["controller"] = False
    assert attributed(judge([deployment, thing]), thing).state is State.UNOWNED


@pytest.mark.parametrize("change", [{"uid": "another"}, {"name": "gone"}, {"kind": "Nothing", "apiVersion": "x/v1"}])
def test_a_broken_chain_proves_nothing(change: dict[str, str]) -> None:
    deployment = obj("Deployment", "d", managers=[("pulumi-kubernetes", "Apply")], spec={})
    copy = obj("ReplicaSet", "d-1", owner=("Deployment", "d"), labels=labelled(), release=NEW, spec={})
    copy["metadata"]["ownerReferences"][0] |= change
    found = attributed(judge([deployment, copy]), copy)
    assert (found.state, found.owners, found.evidence, found.release) == (State.UNVERIFIABLE, (), (), None)
    assert "was not found" in found.why_unverifiable


def test_a_chain_into_what_could_not_be_read_names_the_gap() -> None:
    copy = obj("ReplicaSet", "d-1", owner=("Deployment", "d"), spec={})
    found = attributed(judge([copy], [gap("Deployment")]), copy)
    assert found.why_unverifiable == "Deployment: forbidden"


def test_a_circle_of_controllers_ends() -> None:
    one = obj("ReplicaSet", "one", owner=("ReplicaSet", "two"), spec={})
    two = obj("ReplicaSet", "two", owner=("ReplicaSet", "one"), spec={})
    found = judge([one, two])
    assert attributed(found, one).state is State.UNVERIFIABLE
    assert "in a circle" in attributed(found, two).why_unverifiable


def test_what_a_release_in_force_lists_and_lacks_is_a_ghost() -> None:
    lost = obj("ClusterRole", "lost")
    found = judge([active(lost)]).attributions[key_of("ClusterRole", "lost")]
    assert (found.live, found.state, found.owners, found.release) == (False, State.MISSING, ("pulumi",), NEW)
    assert found.claim is not None
    assert found.evidence[0].text.endswith("revision 2, not live")


def test_what_is_claimed_by_name_and_lacks_is_a_ghost_only_where_its_kind_could_be_read() -> None:
    claims = (
        Claim("flux", "gitops", "g/", (Selector(kinds=("ConfigMap",), names=("a", "b*"), namespaces=("apps", "x*")),)),
    )
    by = contract(claims=claims)
    found = judge([], by=by)
    assert [a.ref.label for a in found.attributions.values()] == ["ConfigMap apps/a"]
    assert [f.code for f in found.findings if f.severity.value == "warn"] == ["claimed-absent"]
    assert judge([], [gap("ConfigMap")], by=by).attributions == {}
    assert judge([], by=by, unserved=["ConfigMap"]).attributions == {}
    there = judge([obj("ConfigMap", "a", "apps")], by=by)
    assert all(a.live for a in there.attributions.values())


def test_a_kind_of_two_groups_is_kubernetes_own_in_any_order() -> None:
    claims = (Claim("flux", "gitops", "g/", (Selector(kinds=("Service",), names=("a",), namespaces=("apps",)),)),)
    other = Served("serving.knative.dev", "v1", "services", "Service", True, frozenset({"list"}))
    answers = []
    for first in (True, False):
        read = inventory([])
        own = dict(read.served)
        read.served = {other.kind_key: other, **own} if first else {**own, other.kind_key: other}
        answers.append([ref.group for ref, _ in claimed_by_name(contract(claims=claims), read)])
    assert answers == [[""], [""]]
    given_group = (
        Claim(
            "flux",
            "gitops",
            "g/",
            (Selector(kinds=("Service",), groups=("serving.knative.dev",), names=("a",), namespaces=("apps",)),),
        ),
    )
    assert [r.group for r, _ in claimed_by_name(contract(claims=given_group), read)] == ["serving.knative.dev"]


def test_the_living_cluster_is_told_as_it_is() -> None:
    found = weigh(living(), by=harbours())
    by_label = {a.ref.label: a for a in found.attributions.values() if a.ref.kind != "Event"}
    states = {label: (a.state.value, a.owners) for label, a in by_label.items()}
    assert states["Deployment apps/web"] == ("owned", ("flux",))
    assert states["ClusterRole harbour-4-pilot"] == ("contested", ("flux", "pulumi"))
    assert states["ClusterRole harbour-3-pilot"] == ("owned", ("pulumi",))
    for name in ("Deployment dock3/harbour-3", "ServiceAccount dock4/harbour-4", "ConfigMap dock4/harbour-4-tide"):
        assert states[name] == ("owned", ("pulumi",))
    pods = [a for a in by_label.values() if a.ref.kind == "Pod"]
    assert len(pods) == 4
    assert {a.owner for a in pods if a.ref.namespace == "apps"} == {"flux"}
    assert {a.owner for a in pods if a.ref.namespace != "apps"} == {"pulumi"}
    assert by_label["Deployment apps/web"].evidence[0].confirmed
    ghost = by_label["ConfigMap apps/web-settings"]
    assert ghost.owners == ("flux",)
    assert not any(e.confirmed for e in ghost.evidence)


def test_helms_release_beside_flux_is_contested_without_a_family() -> None:
    found = weigh(living(), by=harbours(releases=()))
    pilot = found.attributions[key_of("ClusterRole", "harbour-4-pilot")]
    assert (pilot.state, pilot.owners) == (State.CONTESTED, ("flux", "helm"))


FEATURES: tuple[Callable[[Json], None], ...] = (
    lambda body: body["metadata"]["labels"].update(labelled()),
    lambda body: body["metadata"]["labels"].update(labelled(HELM)),
    lambda body: body["metadata"]["annotations"].update({"argocd.argoproj.io/tracking-id": "x"}),
    lambda body: body["metadata"]["annotations"].update({"meta.helm.sh/release-name": NEW}),
    lambda body: body["metadata"]["annotations"].update({"meta.helm.sh/release-name": "other"}),
    lambda body: body["metadata"]["managedFields"].append(
        {"manager": "kustomize-controller", "operation": "Apply", "fieldsV1": {"f:data": {}}}
    ),
    lambda body: body["metadata"]["managedFields"].append(
        {"manager": "pulumi-kubernetes", "operation": "Apply", "fieldsV1": {"f:data": {}}}
    ),
)
LISTED, SYNCED = len(FEATURES), len(FEATURES) + 1


def marked(features: frozenset[int]) -> tuple[Json, list[Json]]:
    body = obj("ClusterRole", "thing")
    for index in features:
        if index < len(FEATURES):
            FEATURES[index](body)
    others = [active(*([body] if LISTED in features else []))]
    others.append(sync(*([entry(body)] if SYNCED in features else [])))
    return body, others


@settings(max_examples=60, deadline=None)
@given(st.frozensets(st.integers(0, SYNCED)), st.frozensets(st.integers(0, SYNCED)))
def test_removing_evidence_never_invents_an_owner(features: frozenset[int], taken: frozenset[int]) -> None:
    body, others = marked(features)
    fewer, rest = marked(features - taken)
    more, less = attributed(judge([body, *others]), body), attributed(judge([fewer, *rest]), fewer)
    # A stamp that goes may leave its release's listing behind, whose maker then is Helm or whoever the family says.
    assert set(less.owners) <= set(more.owners)
    if not less.evidence:
        assert less.state is State.UNOWNED


@settings(max_examples=25, deadline=None)
@given(st.randoms(use_true_random=False))
def test_the_order_of_objects_and_marks_never_changes_the_answer(random: Any) -> None:
    before = weigh(living(), by=harbours())
    bodies = recorded()
    random.shuffle(bodies)
    for body in bodies:
        random.shuffle(body["metadata"].get("managedFields", []))
        for name in ("labels", "annotations"):
            items = list((body["metadata"].get(name) or {}).items())
            random.shuffle(items)
            body["metadata"][name] = dict(items)
    after = weigh(living(bodies), by=harbours())
    assert after.attributions == before.attributions
    assert [f.to_json() for f in after.findings] == [f.to_json() for f in before.findings]
    assert [(c.ref, c.decision, c.failed) for c in after.candidates] == [
        (c.ref, c.decision, c.failed) for c in before.candidates
    ]
    assert after.verdict == before.verdict
