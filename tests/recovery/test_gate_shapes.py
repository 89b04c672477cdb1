"""Every action's request has one shape: whatever is changed in it, the gate refuses it. The new actions are judged."""

import copy
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.clusters import contract, document, inventory, obj, record
from tui.contract.model import Guardrail, Owner, Reconcile, Selector
from tui.objects import Json, Live
from tui.ownership.assess import assess
from tui.ownership.liveness import REQUESTED_AT
from tui.recovery import requests
from tui.recovery.gate import Admitted, Look, Refusal, admit, fingerprint, judge, pins_of
from tui.recovery.mend_drift import Conflict
from tui.recovery.plan import Action, Entry, PlanKind
from tui.recovery.planner import plan
from tui.recovery.ports import Method, Request
from tui.recovery.requests import Manner
from tui.recovery.waits import comes_alive

ACTIVE, STALE = "gitops-flux-0000aaaa", "gitops-flux-ffff0000"
HELD = "archive.harbour-freight.dev/export"
RBAC = "rbac.authorization.k8s.io"
LOST = obj("Service", "lost", spec={"ports": [{"port": 80}]})
WANTED = obj("Service", "drifted", release=ACTIVE, spec={"selector": {"app": "web"}, "ports": [{"port": 80}]})
DRIFTED = {**WANTED, "spec": {**WANTED["spec"], "selector": {"app": "other"}}}
KEPT = obj("ServiceAccount", "kept", release=STALE)
GONE = obj("NetworkPolicy", "gone", release=STALE, spec={"podSelector": {"matchLabels": {"app": "nothing"}}})
BOUND = obj(
    "ClusterRoleBinding",
    "bound",
    release=STALE,
    roleRef={"apiGroup": RBAC, "kind": "ClusterRole", "name": "old"},
    subjects=[],
)
ASLEEP = obj("Kustomization", "asleep", spec={"suspend": True})
GIT = obj("GitRepository", "flux-system", spec={})
BOX = obj("ConfigMap", "box", "apps", finalizers=["a.example/b", HELD], deleting=True)
BOX["metadata"]["managedFields"] = [
    {"manager": "kubectl-create", "operation": "Update", "fieldsV1": {"f:data": {}}},
    {
        "manager": "harbour-freight-archiver",
        "operation": "Update",
        "fieldsV1": {"f:metadata": {"f:finalizers": {f'v:"{HELD}"': {}}}},
    },
]
LISTED = [LOST, WANTED, KEPT, {**BOUND, "roleRef": {**BOUND["roleRef"], "name": "new"}}]
BODIES = [record(ACTIVE, documents=[document(each) for each in LISTED]), DRIFTED, KEPT, GONE, BOUND, ASLEEP, GIT, BOX]
RULES = contract()
RULES = contract(
    owners={
        **RULES.owners,
        "flux": Owner(
            "flux",
            "Flux",
            RULES.owners["flux"].marks,
            Reconcile(kind="GitRepository", namespace="flux-system", name="flux-system"),
        ),
    }
)
TODAY = date(2026, 2, 1)
CONFLICT = Conflict("kubectl-edit", ".spec.selector")


def look_at(entry: Entry, bodies: list[Json]) -> Look:
    body = next((b for b in bodies if Live.of(b).key == entry.ref.key), None)
    seen = inventory(bodies).with_object(entry.ref.key, Live.of(body) if body else None)
    assessment = assess(RULES, seen, today=TODAY)
    return Look(assessment, body, pins_of(RULES, assessment))


BEFORE = assess(RULES, inventory(BODIES), today=TODAY)
PINS = pins_of(RULES, BEFORE)
ENTRIES = {
    entry.action: entry
    for kind in (PlanKind.CLEANUP, PlanKind.REPLAY, PlanKind.MEND)
    for entry in plan(kind, RULES, BEFORE).all
}
LOOKS = {action: look_at(entry, BODIES) for action, entry in ENTRIES.items()}
ACTIONS = sorted(ENTRIES, key=lambda action: action.value)


def right(action: Action, **manner: Any) -> Request:
    entry, look = ENTRIES[action], LOOKS[action]
    view = look.assessment.family(entry.family)
    return requests.first(entry, look.body, view, look.assessment.inventory, Manner(token="now", **manner))


def asked(action: Action, request: Request, look: Look | None = None, **more: Any) -> Admitted | Refusal:
    look = look or LOOKS[action]
    seen = fingerprint(look.body) if look.body else None
    return admit(RULES, ENTRIES[action], PINS, look, seen, request, **more)


def test_the_bench_holds_one_entry_of_every_action_but_two() -> None:
    """Retiring has a wreck of its own, and a restoration a journal."""
    assert set(ENTRIES) == set(Action) - {Action.RETIRE, Action.RESTORE}


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("dry_run", [True, False])
def test_the_right_request_is_admitted(action: Action, *, dry_run: bool) -> None:
    request = right(action, dry_run=dry_run)
    assert asked(action, request) == Admitted(request)
    assert request.dry_run is dry_run


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("other", ACTIONS)
def test_no_action_is_served_by_another_ones_request(action: Action, other: Action) -> None:
    wrong = right(other)
    if action is not other:
        assert isinstance(asked(action, wrong), Refusal)
        assert isinstance(asked(action, replace(wrong, ref=ENTRIES[action].ref)), Refusal)


def places(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    for key, below in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        yield from places(below, (*path, key))


def put(body: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    node = body
    for step in path[:-1]:
        node = node[step]
    if value is ...:
        del node[path[-1]]
    else:
        node[path[-1]] = value
    return body


VALUES: st.SearchStrategy[Any] = st.sampled_from(
    ["other", "", 1, None, True, False, {}, [], {"spec": {}}, "Foreground", "Orphan", ["All"], ...]
)


@given(st.sampled_from(ACTIONS), st.data())
def test_whatever_is_changed_in_a_request_it_is_refused(action: Action, data: st.DataObject) -> None:
    request = right(action)
    path = data.draw(st.sampled_from(list(places(request.body))))
    value = data.draw(VALUES)
    if path == () and value is ...:
        return
    changed = put(copy.deepcopy(request.body), path, value)
    if json.dumps(changed) == json.dumps(request.body):
        return
    if action is Action.RECONCILE and path[-1:] == (REQUESTED_AT,) and isinstance(value, str) and value:
        # Any text may be asked by.
        return
    assert isinstance(asked(action, replace(request, body=changed)), Refusal)


@given(st.sampled_from(ACTIONS), st.data())
def test_whatever_is_added_to_a_request_it_is_refused(action: Action, data: st.DataObject) -> None:
    request = right(action)
    body = copy.deepcopy(request.body)
    maps = [path for path in places(body) if isinstance(_at(body, path), dict)]
    path = data.draw(st.sampled_from(maps))
    name = data.draw(st.sampled_from(["spec", "labels", "finalizers", "ownerReferences", "status", "annotations", "x"]))
    if name in _at(body, path):
        return
    _at(body, path)[name] = data.draw(st.sampled_from([{}, [], "x", {"a": "b"}]))
    assert isinstance(asked(action, replace(request, body=body)), Refusal)


def _at(body: Any, path: tuple[Any, ...]) -> Any:
    for step in path:
        body = body[step]
    return body


@given(st.sampled_from(ACTIONS), st.sampled_from(list(Method)))
def test_no_other_method_and_no_other_object(action: Action, method: Method) -> None:
    request = right(action)
    if method is not request.method:
        assert isinstance(asked(action, replace(request, method=method)), Refusal)
    elsewhere = replace(request.ref, name="another")
    assert isinstance(asked(action, replace(request, ref=elsewhere)), Refusal)
    assert isinstance(asked(action, replace(request, ref=replace(request.ref, uid="another"))), Refusal)


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("manager", ["refloat", "kubectl", "kustomize-controller", ""])
def test_no_other_manager_is_ever_left_behind(action: Action, manager: str) -> None:
    request = right(action)
    if manager == request.manager:
        return
    answer = asked(action, replace(request, manager=manager))
    assert isinstance(answer, Refusal) is (request.method is not Method.DELETE)


@pytest.mark.parametrize("action", [action for action in ACTIONS if LOOKS[action].body is not None])
@pytest.mark.parametrize("part", ["uid", "resourceVersion"])
def test_an_older_look_is_not_good_enough(action: Action, part: str) -> None:
    request, look = right(action), LOOKS[action]
    assert look.body is not None
    newer = {**look.body, "metadata": {**look.body["metadata"], part: "newer"}}
    bodies = [newer if Live.of(body).key == ENTRIES[action].ref.key else body for body in BODIES]
    assert isinstance(asked(action, request, look_at(ENTRIES[action], bodies)), Refusal)


@pytest.mark.parametrize("action", [action for action in ACTIONS if action is not Action.REPAIR])
def test_nothing_but_a_repair_is_ever_forced(action: Action) -> None:
    forced = replace(right(action), force=True)
    look = replace(LOOKS[action], conflicts=frozenset({CONFLICT}))
    assert isinstance(asked(action, forced, look, yielded=frozenset({CONFLICT})), Refusal)


CONFLICTS = st.frozensets(
    st.builds(
        Conflict,
        st.sampled_from(
            ["kubectl-edit", "kubectl", "k9s", "helm", "kustomize-controller", "pulumi-x", "an-operator", ""]
        ),
        st.sampled_from([".spec.selector", ".spec.ports"]),
    ),
    max_size=3,
)


@given(CONFLICTS, CONFLICTS, st.booleans())
def test_a_repair_is_forced_only_over_people_and_only_over_those_that_were_shown(
    now: frozenset[Conflict], shown: frozenset[Conflict], dry_run: bool
) -> None:
    request = right(Action.REPAIR, force=True, dry_run=dry_run)
    answer = asked(Action.REPAIR, request, replace(LOOKS[Action.REPAIR], conflicts=now), yielded=shown)
    people = {"kubectl-edit", "kubectl", "k9s", "helm"}
    may = bool(now) and {each.manager for each in now} <= people and (dry_run or now <= shown)
    assert isinstance(answer, Admitted) is may
    if not may and now and not {each.manager for each in now} <= people:
        assert isinstance(answer, Refusal)
        assert "nothing is taken from" in answer.why


def test_a_forced_repair_without_any_conflict_seen_is_refused() -> None:
    request = right(Action.REPAIR, force=True)
    answer = asked(Action.REPAIR, request, yielded=frozenset({CONFLICT}))
    assert isinstance(answer, Refusal)
    assert "no conflict was seen" in answer.why


def judged(action: Action, **changes: Json) -> str:
    """Why an entry is refused once objects are as given, by name; a value of None takes one away."""
    bodies = [copy.deepcopy(body) for body in BODIES if body["metadata"]["name"] not in changes]
    bodies += [body for body in changes.values() if body]
    refusal = judge(RULES, ENTRIES[action], PINS, look_at(ENTRIES[action], bodies))
    return refusal.why if refusal else ""


def with_labels(body: Json, **labels: str) -> Json:
    return {**body, "metadata": {**body["metadata"], "labels": {**body["metadata"]["labels"], **labels}}}


def test_a_repair_is_refused_once_it_is_anothers_or_as_it_should_be() -> None:
    assert judged(Action.REPAIR) == ""
    assert "is as its release's document has it" in judged(Action.REPAIR, drifted=WANTED)
    flux = with_labels(DRIFTED, **{"kustomize.toolkit.fluxcd.io/name": "apps"})
    assert "Flux labels it" in judged(Action.REPAIR, drifted=flux)
    stale = obj("Service", "drifted", release=STALE, spec=DRIFTED["spec"])
    assert "adopt it first" in judged(Action.REPAIR, drifted=stale)
    dying = {**DRIFTED, "metadata": {**DRIFTED["metadata"], "deletionTimestamp": "2026-01-01T00:00:00Z"}}
    assert "being deleted" in judged(Action.REPAIR, drifted=dying)


def test_a_newer_revision_that_failed_may_have_changed_it_on_purpose() -> None:
    other = [document({**WANTED, "spec": {}}), *(document(each) for each in LISTED if each is not WANTED)]
    newer = assess(RULES, inventory([*BODIES, record(ACTIVE, 2, "failed", documents=other)]), today=TODAY)
    made = plan(PlanKind.REPLAY, RULES, newer)
    assert made.offered == ()
    assert (
        "the newer revision 2 (failed) lists it otherwise" in {ref.name: why for ref, why in made.left_out}["drifted"]
    )


def test_a_guardrail_denies_a_repair_too() -> None:
    rail = Guardrail("no-services", Selector(kinds=("Service",)), "we said so")
    strict = replace(RULES, guardrails=(rail,))
    refusal = judge(strict, ENTRIES[Action.REPAIR], PINS, LOOKS[Action.REPAIR])
    assert refusal is not None
    assert "guardrail no-services" in refusal.why


@pytest.mark.parametrize("action", [Action.REPAIR, Action.RESUME, Action.RECONCILE, Action.UNFINALIZE])
def test_an_owner_at_work_stops_every_mend(action: Action) -> None:
    alive = obj("Deployment", "kustomize-controller", spec={}, status={"availableReplicas": 1})
    busy = obj(
        "Kustomization",
        "busy",
        spec={},
        status={"conditions": [{"type": "Reconciling", "status": "True", "reason": "Progressing"}]},
    )
    busy["metadata"]["generation"] = 2
    assert "wait for it to end" in judged(action, controller=alive, busy=busy)


def test_a_resumed_object_is_not_resumed_again_and_a_suspended_one_not_asked() -> None:
    assert "not suspended any more" in judged(Action.RESUME, asleep=obj("Kustomization", "asleep", spec={}))
    asleep = obj("GitRepository", "flux-system", spec={"suspend": True})
    assert "resume it first" in judged(Action.RECONCILE, **{"flux-system": asleep})


def test_only_what_has_to_come_alive_is_waited_for() -> None:
    assert [action for action in ACTIONS if comes_alive(ENTRIES[action]) is not None] == []
