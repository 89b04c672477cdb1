"""The gate: what it compares, what it reads again, and everything it refuses."""

import copy
import re
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.clusters import FAMILY, KUSTOMIZE, RBAC, contract, document, inventory, obj, record
from tui.contract.model import Contract, Guardrail, Selector
from tui.objects import Gap, Json, Key, KindKey, Live
from tui.ownership.assess import assess
from tui.recovery import requests
from tui.recovery.at_work import owner_at_work
from tui.recovery.gate import (
    Admitted,
    Look,
    Refusal,
    admit,
    fingerprint,
    judge,
    kinds_to_reread,
    pins_of,
)
from tui.recovery.plan import Action, Entry, Pins, PlanKind
from tui.recovery.planner import plan
from tui.recovery.ports import Request

ACTIVE, STALE = "gitops-flux-0000aaaa", "gitops-flux-ffff0000"
TODAY = date(2026, 2, 1)
LOST = obj("Service", "lost", spec={"ports": []})
KEPT = obj("ServiceAccount", "kept", release=STALE)
GONE = obj("NetworkPolicy", "gone", release=STALE, spec={"podSelector": {"matchLabels": {"app": "nothing"}}})
BOUND = obj(
    "ClusterRoleBinding",
    "bound",
    release=STALE,
    roleRef={"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "old"},
    subjects=[{"kind": "ServiceAccount", "name": "nobody", "namespace": "apps"}],
)
OTHER_ROLE = {**BOUND, "roleRef": {**BOUND["roleRef"], "name": "new"}}
LISTED = [LOST, KEPT, OTHER_ROLE]


def objects(*more: Json, without: tuple[str, ...] = ()) -> list[Json]:
    found = [record(ACTIVE, documents=[document(each) for each in LISTED]), KEPT, GONE, BOUND, *more]
    return [copy.deepcopy(each) for each in found if each["metadata"]["name"] not in without]


class Bench:
    """A plan made on some objects, and looks at what they have become."""

    def __init__(self, bodies: list[Json] | None = None, rules: Contract | None = None) -> None:
        self.contract = rules or contract()
        self.bodies = objects() if bodies is None else bodies
        before = assess(self.contract, inventory(self.bodies), today=TODAY)
        self.pins = pins_of(self.contract, before)
        plans = [plan(kind, self.contract, before) for kind in PlanKind]
        self.entries = {each.id.rpartition("/")[2]: each for one in plans for each in one.entries}

    def entry(self, name: str) -> Entry:
        return next(each for label, each in self.entries.items() if label.rpartition(" ")[2] == name)

    def look(self, name: str, bodies: list[Json] | None = None, gaps: tuple[Gap, ...] = ()) -> Look:
        bodies = self.bodies if bodies is None else bodies
        seen = inventory(bodies, gaps)
        body = next((b for b in bodies if Live.of(b).key == self.entry(name).ref.key), None)
        # As a session does: the object itself is read last and whole.
        seen = seen.with_object(self.entry(name).ref.key, Live.of(body) if body else None)
        assessment = assess(self.contract, seen, today=TODAY)
        return Look(assessment, body, pins_of(self.contract, assessment))

    def judged(self, name: str, bodies: list[Json] | None = None, **more: Any) -> Refusal | None:
        gaps = more.pop("gaps", ())
        return judge(
            self.contract, self.entry(name), more.pop("pins", self.pins), self.look(name, bodies, gaps), **more
        )


@pytest.fixture
def bench() -> Bench:
    return Bench()


def changed(name: str, **parts: Any) -> list[Json]:
    """The objects with one of them changed; parts of its metadata are merged."""
    bodies = objects()
    for body in bodies:
        if body["metadata"]["name"] == name:
            body["metadata"].update(parts.pop("metadata", {}))
            body.update(parts)
    return bodies


def test_the_bench_holds_one_entry_of_every_action(bench: Bench) -> None:
    names = {entry.action: entry.ref.name for entry in bench.entries.values()}
    assert names == {Action.CREATE: "lost", Action.ADOPT: "kept", Action.DELETE: "gone", Action.RECREATE: "bound"}


@pytest.mark.parametrize("name", ["lost", "kept", "gone", "bound"])
def test_what_has_not_changed_is_admitted(bench: Bench, name: str) -> None:
    assert bench.judged(name) is None


@pytest.mark.parametrize(
    ("name", "bodies", "told"),
    [
        ("gone", objects(without=("gone",)), "is gone"),
        ("gone", changed("gone", metadata={"uid": "another"}), "another object now"),
        ("gone", changed("gone", metadata={"finalizers": ["x/y"]}), "S8.*finalizer"),
        ("gone", changed("gone", metadata={"labels": {"kustomize.toolkit.fluxcd.io/name": "apps"}}), "S4.*Flux labels"),
        ("gone", changed("gone", metadata={"annotations": {}}), "no longer a candidate"),
        ("gone", objects(obj("Pod", "user", labels={"app": "nothing"}, spec={})), "S7"),
        ("kept", changed("kept", metadata={"labels": {"helm.toolkit.fluxcd.io/name": "apps"}}), "S4"),
        ("bound", changed("bound", subjects=[]), "rights to others"),
        ("bound", changed("bound", roleRef=OTHER_ROLE["roleRef"]), "is now to adopt"),
        ("lost", objects(LOST), "exists meanwhile, made by an unknown manager"),
    ],
)
def test_any_difference_refuses_the_one_action(bench: Bench, name: str, bodies: list[Json], told: str) -> None:
    refusal = bench.judged(name, bodies)
    assert refusal is not None
    assert not refusal.whole_plan
    assert re.search(told, refusal.why), refusal.why


def test_what_changed_since_it_was_shown_is_refused(bench: Bench) -> None:
    body = bench.look("gone").body
    assert body is not None
    assert bench.judged("gone", seen=fingerprint(body)) is None
    refusal = bench.judged(
        "gone", changed("gone", spec={"podSelector": {"matchLabels": {"app": "x"}}}), seen=fingerprint(body)
    )
    assert refusal is not None
    assert "changed since it was shown" in refusal.why


@pytest.mark.parametrize(
    "bodies",
    [
        objects(record(ACTIVE, 2)),
        objects(record(ACTIVE, 2, "pending-upgrade")),
        objects(record(STALE)),
        [each for each in objects() if each["kind"] != "Secret"],
        [record(ACTIVE, documents=[document(LOST)]), *objects()[1:]],
    ],
    ids=["upgraded", "pending", "second-in-force", "no-record", "other-manifest"],
)
@pytest.mark.parametrize("name", ["lost", "kept", "gone", "bound"])
def test_changed_records_refuse_the_whole_plan(bench: Bench, name: str, bodies: list[Json]) -> None:
    refusal = bench.judged(name, bodies)
    assert refusal is not None
    assert refusal.whole_plan


def test_another_cluster_or_contract_refuses_the_whole_plan(bench: Bench) -> None:
    for pins in (replace(bench.pins, cluster_uid="other"), replace(bench.pins, contract_sha256="1" * 64)):
        refusal = bench.judged("gone", pins=pins)
        assert refusal is not None
        assert refusal.whole_plan


def test_a_plan_that_leaves_out_a_family_is_no_plan_for_all_of_them(bench: Bench) -> None:
    stranger = replace(bench.pins.families[0], family="another")
    for families in ((), (*bench.pins.families, stranger)):
        refusal = bench.judged("gone", pins=replace(bench.pins, families=families))
        assert refusal is not None
        assert refusal.whole_plan


def test_unreadable_records_are_called_unreadable_and_not_changed(bench: Bench) -> None:
    refusal = bench.judged("lost", gaps=(Gap("", "Secret", None, "secrets is forbidden"),))
    assert refusal is not None
    assert refusal.whole_plan
    assert "could not be verified" in refusal.why
    assert "forbidden" in refusal.why


@pytest.mark.parametrize(
    "gap",
    [
        Gap("kustomize.toolkit.fluxcd.io", "Kustomization", None, "forbidden"),
        Gap("helm.toolkit.fluxcd.io", None, None, "discovery failed"),
        Gap("", "Service", "flux-system", "forbidden"),
    ],
    ids=lambda gap: gap.text,
)
def test_nothing_is_created_where_nobody_knows_who_lists_it(bench: Bench, gap: Gap) -> None:
    refusal = bench.judged("lost", gaps=(gap,))
    assert refusal is not None
    assert "could not verify" in refusal.why


@pytest.mark.parametrize("name", ["kept", "gone", "bound"])
@pytest.mark.parametrize("kind", ["Kustomization", "HelmRelease"])
def test_an_unreadable_inventory_protects_what_is_there(bench: Bench, name: str, kind: str) -> None:
    group = "kustomize.toolkit.fluxcd.io" if kind == "Kustomization" else "helm.toolkit.fluxcd.io"
    refusal = bench.judged(name, gaps=(Gap(group, kind, None, "forbidden"),))
    assert refusal is not None
    assert "could not verify" in refusal.why


def test_guardrails_are_asked_before_anything_is_created() -> None:
    rail = Guardrail("no-bindings", Selector(kinds=("ClusterRoleBinding", "Service")), "we said so")
    open_bench = Bench()
    strict = contract(guardrails=(rail,))
    for name in ("lost", "bound"):
        refusal = judge(strict, open_bench.entry(name), open_bench.pins, open_bench.look(name))
        assert refusal is not None
        assert "guardrail no-bindings denies" in refusal.why


@pytest.mark.parametrize(
    "deny",
    [
        Selector(labels={"app.kubernetes.io/managed-by": "Helm"}),
        Selector(annotations={"meta.helm.sh/release-name": "gitops-flux-*"}),
    ],
)
def test_a_guardrail_sees_the_stamps_that_a_replay_adds(deny: Selector) -> None:
    open_bench = Bench()
    strict = contract(guardrails=(Guardrail("no-stamps", deny, "we said so"),))
    refusal = judge(strict, open_bench.entry("lost"), open_bench.pins, open_bench.look("lost"))
    assert refusal is not None
    assert "guardrail no-stamps denies" in refusal.why


def test_a_used_object_waits_for_its_users_to_leave() -> None:
    role = obj("ClusterRole", "reads", release=STALE, rules=[])
    ref = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "reads"}
    binding = obj("ClusterRoleBinding", "reader", release=STALE, roleRef=ref, subjects=[])
    both = Bench(objects(role, binding))
    assert [both.entry(name).action for name in ("reader", "reads")] == [Action.DELETE, Action.DELETE]
    refusal = both.judged("reads")
    assert refusal is not None
    assert "used by ClusterRoleBinding reader, which must leave first" in refusal.why
    assert both.judged("reads", objects(role)) is None
    assert both.judged("reader") is None


def request_of(bench: Bench, name: str, look: Look, *, dry_run: bool = False) -> Request:
    entry = bench.entry(name)
    meta = (look.body or {}).get("metadata") or {}
    if entry.action in (Action.DELETE, Action.RECREATE):
        return requests.delete(entry, str(meta.get("uid")), str(meta.get("resourceVersion")), dry_run=dry_run)
    if entry.action is Action.ADOPT:
        return requests.stamp(entry, FAMILY.namespace, str(meta.get("resourceVersion")), "helm", dry_run=dry_run)
    return requests.create(entry, requests.replayed(entry, FAMILY.namespace), "helm", dry_run=dry_run)


@pytest.mark.parametrize("name", ["lost", "kept", "gone", "bound"])
def test_the_right_request_is_admitted_and_no_other(bench: Bench, name: str) -> None:
    look = bench.look(name)
    seen = fingerprint(look.body) if look.body else None
    right = request_of(bench, name, look)
    assert admit(bench.contract, bench.entry(name), bench.pins, look, seen, right) == Admitted(right)
    for other in {"lost", "kept", "gone", "bound"} - {name}:
        wrong = request_of(bench, other, bench.look(other))
        aimed = replace(wrong, ref=bench.entry(name).ref)
        for each in (wrong, aimed):
            if each.method is right.method and each.body == right.body:
                continue
            assert isinstance(admit(bench.contract, bench.entry(name), bench.pins, look, seen, each), Refusal)


@pytest.mark.parametrize("name", ["kept", "gone", "bound"])
def test_a_change_of_what_was_never_shown_is_refused_and_a_dry_run_is_not(bench: Bench, name: str) -> None:
    look = bench.look(name)
    refusal = admit(bench.contract, bench.entry(name), bench.pins, look, None, request_of(bench, name, look))
    assert isinstance(refusal, Refusal)
    assert "not shown" in refusal.why
    tried = request_of(bench, name, look, dry_run=True)
    assert admit(bench.contract, bench.entry(name), bench.pins, look, None, tried) == Admitted(tried)


@pytest.mark.parametrize("preconditions", [{}, {"uid": "u"}, {"resourceVersion": "1"}, None])
def test_a_deletion_without_both_preconditions_is_refused(bench: Bench, preconditions: Json | None) -> None:
    look = bench.look("gone")
    right = request_of(bench, "gone", look)
    assert isinstance(right.body, dict)
    wrong = replace(right, body=right.body | {"preconditions": preconditions})
    seen = fingerprint(look.body or {})
    assert isinstance(admit(bench.contract, bench.entry("gone"), bench.pins, look, seen, wrong), Refusal)


def test_an_adoption_may_change_labels_and_annotations_alone(bench: Bench) -> None:
    look = bench.look("kept")
    right = request_of(bench, "kept", look)
    assert isinstance(right.body, dict)
    seen = fingerprint(look.body or {})
    for body in (
        right.body | {"spec": {}},
        {"metadata": right.body["metadata"] | {"finalizers": []}},
        {"metadata": {**right.body["metadata"], "resourceVersion": "0"}},
        {"metadata": {k: v for k, v in right.body["metadata"].items() if k != "uid"}},
    ):
        wrong = replace(right, body=body)
        assert isinstance(admit(bench.contract, bench.entry("kept"), bench.pins, look, seen, wrong), Refusal)


def test_everything_that_s4_and_s7_rest_on_is_read_again(bench: Bench) -> None:
    served = inventory([])
    always = {
        KindKey("", "Secret"),
        KindKey("", "ConfigMap"),
        KindKey("apps", "Deployment"),
        KindKey("kustomize.toolkit.fluxcd.io", "Kustomization"),
        KindKey("helm.toolkit.fluxcd.io", "HelmRelease"),
        KindKey("source.toolkit.fluxcd.io", "GitRepository"),
    }
    for entry in bench.entries.values():
        assert kinds_to_reread(entry, served) >= always | {entry.ref.kind_key}
    assert KindKey("", "Pod") in kinds_to_reread(bench.entry("gone"), served)
    assert KindKey("", "Pod") not in kinds_to_reread(bench.entry("lost"), served)
    assert kinds_to_reread(bench.entry("gone"), inventory([], unserved=["Pod"])) <= set(served.served)


JSONS: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text(max_size=3),
    lambda below: st.lists(below, max_size=2) | st.dictionaries(st.text(max_size=3), below, max_size=2),
    max_leaves=4,
)


@given(st.dictionaries(st.sampled_from(["status"]), JSONS), JSONS, st.text(max_size=4), st.integers())
def test_a_flapping_status_is_no_difference(status: Json, managers: Any, version: str, generation: int) -> None:
    body = obj("Service", "a", release=ACTIVE, spec={"x": 1})
    flapped = {**body, **status, "metadata": {**body["metadata"], "managedFields": managers}}
    flapped["metadata"] |= {"resourceVersion": version, "generation": generation}
    assert fingerprint(flapped) == fingerprint(body)


@pytest.mark.parametrize(
    "part",
    [
        {"spec": {"x": 2}},
        {"data": {"a": "1"}},
        {"subjects": []},
        {"metadata": {"uid": "other"}},
        {"metadata": {"labels": {"a": "b"}}},
        {"metadata": {"annotations": {"a": "b"}}},
        {"metadata": {"ownerReferences": [{"uid": "x"}]}},
        {"metadata": {"finalizers": ["x/y"]}},
        {"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}},
    ],
    ids=str,
)
def test_everything_else_is_a_difference(part: Json) -> None:
    body = obj("Service", "a", release=ACTIVE, spec={"x": 1})
    meta = {**body["metadata"], **part.get("metadata", {})}
    assert fingerprint({**body, **part, "metadata": meta}) != fingerprint(body)


def test_absent_and_null_marks_are_the_same() -> None:
    bare: Json = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a", "uid": "u"}}
    nulls = {**bare, "metadata": bare["metadata"] | {"labels": None, "annotations": None, "finalizers": None}}
    assert fingerprint(bare) == fingerprint(nulls)


CONTROLLER = obj("Deployment", "kustomize-controller", spec={}, status={"availableReplicas": 1})
APPLYING = [{"type": "Reconciling", "status": "True", "reason": "Progressing"}]


def kustomization(**parts: Any) -> Json:
    body = obj("Kustomization", "apps", spec=parts.pop("spec", {}), status=parts.pop("status", {}))
    body["metadata"] |= {"generation": 2}
    assert body["apiVersion"] == KUSTOMIZE
    return body | parts


@pytest.mark.parametrize(
    ("bodies", "busy"),
    [
        ([CONTROLLER, kustomization(status={"conditions": APPLYING, "observedGeneration": 1})], True),
        ([CONTROLLER, kustomization(status={"conditions": APPLYING})], True),
        ([CONTROLLER, kustomization(status={"conditions": APPLYING, "observedGeneration": 2})], False),
        ([kustomization(status={"conditions": APPLYING, "observedGeneration": 1})], False),
        (
            [
                {**CONTROLLER, "status": {"availableReplicas": 0}},
                kustomization(status={"conditions": APPLYING, "observedGeneration": 1}),
            ],
            False,
        ),
        *(
            (
                [{**CONTROLLER, "status": {"availableReplicas": odd}}, kustomization(status={"conditions": APPLYING})],
                True,
            )
            for odd in ("1", "0", True, [1], 1.0)
        ),
        ([CONTROLLER, kustomization(spec={"suspend": True}, status={"conditions": APPLYING})], False),
        ([CONTROLLER, kustomization(spec={"suspend": "true"}, status={"conditions": APPLYING})], True),
        (
            [CONTROLLER, kustomization(status={"conditions": [{**APPLYING[0], "reason": "ProgressingWithRetry"}]})],
            False,
        ),
        ([CONTROLLER, kustomization(status={"conditions": [{**APPLYING[0], "status": "False"}]})], False),
        ([CONTROLLER, kustomization(status={"conditions": "nonsense"})], False),
        ([CONTROLLER, kustomization(status=None)], False),
        ([CONTROLLER], False),
    ],
)
def test_an_owner_at_work_is_waited_for(bodies: list[Json], busy: bool) -> None:
    assert bool(owner_at_work(inventory(bodies))) is busy


@pytest.mark.parametrize(
    ("conditions", "busy"),
    [
        ([{"type": "Progressing", "status": "True"}], True),
        ([{"type": "Progressing", "status": "True"}, {"type": "Complete", "status": "False"}], True),
        ([{"type": "Progressing", "status": "True"}, {"type": "Complete", "status": "True"}], False),
        ([{"type": "Progressing", "status": "False"}], False),
        ([], False),
    ],
)
def test_a_running_pulumi_update_is_waited_for(conditions: list[Json], busy: bool) -> None:
    update = {
        "apiVersion": "auto.pulumi.com/v1alpha1",
        "kind": "Update",
        "metadata": {"name": "up", "namespace": "pulumi-system"},
        "status": {"conditions": conditions},
    }
    seen = inventory([]).with_object(Key("auto.pulumi.com", "Update", "pulumi-system", "up"), Live.of(update))
    assert ("up is running" in owner_at_work(seen)) is busy


@pytest.mark.parametrize("name", ["lost", "kept", "gone", "bound"])
def test_no_write_while_an_owner_is_at_work(bench: Bench, name: str) -> None:
    at_work = [CONTROLLER, kustomization(status={"conditions": APPLYING, "observedGeneration": 1})]
    refusal = bench.judged(name, [*objects(), *at_work])
    assert refusal is not None
    assert "wait for it to end" in refusal.why


def test_pins_name_the_record_that_says_which_release_is_in_force() -> None:
    bench = Bench()
    (pin,) = bench.pins.families
    secret = bench.bodies[0]
    assert (pin.release, pin.revision, pin.record_uid) == (ACTIVE, 1, secret["metadata"]["uid"])
    assert len(pin.documents) == 64
    assert isinstance(bench.pins, Pins)
    assert RBAC.endswith("/v1")
