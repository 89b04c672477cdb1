"""Plans: their order, what is left out and why, and what skipping one entry does to the others."""

from collections.abc import Iterable
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.clusters import contract, document, inventory, obj, record
from tui.contract.model import Contract, Guardrail, Selector
from tui.helm.order import install_order
from tui.objects import Json, Key, Ref
from tui.ownership.assess import assess
from tui.recovery.plan import Action, Entry, Pins, Plan, PlanKind, subjects_of
from tui.recovery.planner import plan

ACTIVE, STALE = "gitops-flux-0000aaaa", "gitops-flux-ffff0000"
TODAY = date(2026, 2, 1)
RBAC = "rbac.authorization.k8s.io"


def planned(kind: PlanKind, objects: Iterable[Json], rules: Contract | None = None) -> Plan:
    rules = rules or contract()
    return plan(kind, rules, assess(rules, inventory(objects), today=TODAY))


def role(name: str) -> Json:
    return obj("ClusterRole", name, release=STALE, rules=[])


def binding(name: str, target: str, subjects: list[Json] | None = None, release: str = STALE) -> Json:
    ref = {"apiGroup": RBAC, "kind": "ClusterRole", "name": target}
    return obj("ClusterRoleBinding", name, release=release, roleRef=ref, subjects=subjects or [])


def names(entries: Iterable[Entry]) -> list[str]:
    return [entry.ref.name for entry in entries]


def test_adoptions_come_first_deletions_last_and_users_before_what_they_use() -> None:
    kept = obj("ServiceAccount", "kept", release=STALE)
    bare = obj("Service", "bare", spec={})
    moved = binding("moved", "before")
    listed = {**moved, "roleRef": {**moved["roleRef"], "name": "after"}}
    objects = [
        record(ACTIVE, documents=[document(each) for each in (kept, listed, bare)]),
        bare,
        *(role(name) for name in ("a", "z")),
        *(binding(name, target) for name, target in (("b-a", "a"), ("y-z", "z"))),
        kept,
        moved,
    ]
    made = planned(PlanKind.CLEANUP, objects)
    assert [entry.action for entry in made.entries] == [
        Action.ADOPT,
        Action.ADOPT,
        Action.RECREATE,
        *[Action.DELETE] * 4,
    ]
    order = names(made.entries)
    assert order.index("b-a") < order.index("a")
    assert order.index("y-z") < order.index("z")
    rests = {entry.ref.name: [key.name for key in entry.rests_on] for entry in made.entries}
    assert rests["a"] == ["b-a"]
    assert rests["b-a"] == []


def test_replay_is_advised_before_anything_is_deleted() -> None:
    lost = obj("Service", "lost", spec={})
    gone = obj("NetworkPolicy", "gone", release=STALE, spec={"podSelector": {"matchLabels": {"x": "y"}}})
    made = planned(PlanKind.CLEANUP, [record(ACTIVE, documents=[document(lost)]), gone])
    assert made.advice == ("1 resource of the active release is missing: replay before you delete anything",)
    assert planned(PlanKind.CLEANUP, [record(ACTIVE), gone]).advice == ()


@pytest.mark.parametrize(("subjects", "typed"), [([], ""), ([{"kind": "User", "name": "ann"}], "reader")])
def test_a_binding_with_subjects_asks_for_its_name(subjects: list[Json], typed: str) -> None:
    made = planned(PlanKind.CLEANUP, [record(ACTIVE), binding("reader", "x", subjects)])
    (entry,) = made.entries
    assert entry.typed == typed
    assert entry.used_by == tuple(f"grants rights to {s}" for s in entry.subjects)


def test_subjects_are_named_whole() -> None:
    body = binding(
        "a", "b", [{"kind": "ServiceAccount", "name": "x", "namespace": "apps"}, {"kind": "Group", "name": "g"}]
    )
    assert subjects_of(Ref.of(body), body) == ("ServiceAccount apps/x", "Group g")
    assert subjects_of(Ref.of(body), {**body, "subjects": None}) == ()
    assert subjects_of(Ref.of(role("a")), body) == ()


def test_a_replay_goes_in_install_order() -> None:
    kinds = ["Deployment", "Service", "ConfigMap", "ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Secret"]
    bodies = [obj(kind, f"the-{kind.lower()}") for kind in kinds]
    made = planned(PlanKind.REPLAY, [record(ACTIVE, documents=[document(body) for body in bodies])])
    documents = [entry.document for entry in made.entries if entry.document]
    assert [each.ref.kind for each in documents] == [each.ref.kind for each in install_order(documents)]
    assert documents[0].ref.kind == "ServiceAccount"
    assert documents[-1].ref.kind == "Deployment"
    assert {entry.action for entry in made.entries} == {Action.CREATE}
    assert {entry.ref.namespace for entry in made.entries} == {None, "flux-system"}


def test_what_a_replay_leaves_out_says_why() -> None:
    hook = {
        "name": "check",
        "kind": "Pod",
        "path": "x",
        "manifest": "kind: Pod",
        "events": ["pre-install"],
        "weight": 0,
    }
    bodies = [obj("Job", "once", spec={}), obj("Pod", "bare", spec={}), obj("Ingress", "door", spec={})]
    nobody = {"apiVersion": "example.org/v1", "kind": "Gizmo", "metadata": {"name": "g"}}
    mine = obj("ConfigMap", "flux-has-it")
    holder = obj(
        "Kustomization", "apps", status={"inventory": {"entries": [{"id": "flux-system_flux-has-it__ConfigMap"}]}}
    )
    rail = Guardrail("no-ingress", Selector(kinds=("Ingress",)), "traffic comes through the tunnel")
    documents = [*(document(each) for each in [*bodies, mine]), nobody]
    made = planned(
        PlanKind.REPLAY,
        [record(ACTIVE, documents=documents, hooks=[hook]), holder],
        contract(guardrails=(rail,)),
    )
    assert made.entries == ()
    why = {ref.name: text for ref, text in made.left_out}
    assert "hook (pre-install): not covered" in why["check"]
    assert "Job runs again" in why["once"]
    assert "bare Pod" in why["bare"]
    assert why["door"] == "guardrail no-ingress: traffic comes through the tunnel"
    assert "does not serve Gizmo" in why["g"]
    assert "Kustomization flux-system/apps lists it" in why["flux-has-it"]


def test_a_guardrail_on_stamps_leaves_a_replay_out() -> None:
    rail = Guardrail("no-helm", Selector(labels={"app.kubernetes.io/managed-by": "Helm"}), "not by Helm")
    made = planned(
        PlanKind.REPLAY, [record(ACTIVE, documents=[document(obj("ConfigMap", "lost"))])], contract(guardrails=(rail,))
    )
    assert (made.entries, dict(made.left_out).popitem()[1]) == ((), "guardrail no-helm: not by Helm")


def test_what_is_protected_is_told_with_its_rules() -> None:
    held = obj("ConfigMap", "held", release=STALE, finalizers=["x/y"])
    made = planned(PlanKind.CLEANUP, [record(ACTIVE), held])
    assert made.entries == ()
    (left,) = made.left_out
    assert left[0].name == "held"
    assert left[1].startswith("protected (S8): ")


PINS = Pins("uid", "c", "0", ())


def entry(name: str, *rests_on: str) -> Entry:
    ref = Ref("v1", "ConfigMap", "apps", name, f"uid-{name}")
    keys = tuple(Key("", "ConfigMap", "apps", each) for each in rests_on)
    return Entry(Action.DELETE, ref, "f", "r", "", "", "", rests_on=keys)


def chain(links: list[list[int]]) -> Plan:
    """Entry n rests on earlier ones only, as a plan orders them."""
    return Plan(
        PlanKind.CLEANUP,
        PINS,
        tuple(entry(str(n), *(str(i % n) for i in below if n)) for n, below in enumerate(links)),
    )


@given(st.lists(st.lists(st.integers(0, 9), max_size=2), max_size=8), st.sets(st.integers(0, 9)))
def test_skipping_protects_all_that_rested_on_it_and_nothing_else(links: list[list[int]], skip: set[int]) -> None:
    whole = chain(links)
    skipped = {str(n) for n in skip}
    rest = whole.without(Key("", "ConfigMap", "apps", name) for name in skipped)
    kept = set(names(rest.entries))
    for each in whole.entries:
        rested = {key.name for key in each.rests_on}
        assert (each.ref.name in kept) is (each.ref.name not in skipped and rested <= kept)
    assert [e for e in whole.entries if e in rest.entries] == list(rest.entries)
    why = {ref.name: text for ref, text in rest.left_out}
    assert set(why) == set(names(whole.entries)) - kept
    assert {text for name, text in why.items() if name in skipped} <= {"skipped by the operator"}
    assert {text for name, text in why.items() if name not in skipped} <= {"rests on an entry that was skipped"}
    assert rest.pins is whole.pins


@given(st.permutations(["a", "b", "c", "d"]), st.data())
def test_the_order_of_reading_changes_no_plan(order: list[str], data: st.DataObject) -> None:
    parts: dict[str, list[Json]] = {n: [role(n), binding(f"to-{n}", n)] for n in order}
    objects = [record(ACTIVE), *data.draw(st.permutations([each for n in order for each in parts[n]]))]
    made: Any = planned(PlanKind.CLEANUP, objects).entries
    same = planned(PlanKind.CLEANUP, sorted(objects, key=lambda o: (o["kind"], o["metadata"]["name"]))).entries
    assert [each.id for each in made] == [each.id for each in same]
