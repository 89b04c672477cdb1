"""The requests of each action: everything in the body, and fields held afterwards as the release's own tool would."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.clusters import FAMILY, contract, document, inventory, obj, record
from tui.objects import Inventory, Json, Ref
from tui.ownership.assess import assess
from tui.ownership.model import Assessment, FamilyView, Wish
from tui.recovery import requests
from tui.recovery.plan import Action, Entry
from tui.recovery.ports import Method
from tui.recovery.requests import Keeper, keeper_of, merged_managers, release_manager

ACTIVE, STALE = "gitops-flux-0000aaaa", "gitops-flux-ffff0000"
TODAY = date(2026, 2, 1)


def entry(action: Action = Action.ADOPT, **changes: Any) -> Entry:
    ref = Ref("v1", "ConfigMap", "flux-system", "settings", "uid-1")
    parts: dict[str, Any] = {"family": FAMILY.name, "release": ACTIVE, "why": "", "owner_now": "", "then": ""}
    return Entry(action, ref, **(parts | changes))


def judged(objects: list[Json], **more: Any) -> tuple[Assessment, FamilyView, Inventory]:
    seen = inventory(objects)
    assessment = assess(contract(), seen, today=TODAY, **more)
    view = assessment.family(FAMILY.name)
    assert view is not None
    return assessment, view, seen


def managed(manager: str, operation: str, fields: Json, **more: Any) -> Json:
    return {"manager": manager, "operation": operation, "fieldsType": "FieldsV1", "fieldsV1": fields} | more


def test_a_deletion_carries_everything_in_its_body() -> None:
    request = requests.delete(entry(Action.DELETE), "uid-1", "17", dry_run=False)
    assert request.method is Method.DELETE
    assert request.body == {
        "apiVersion": "v1",
        "kind": "DeleteOptions",
        "preconditions": {"uid": "uid-1", "resourceVersion": "17"},
        "propagationPolicy": "Background",
    }
    tried = requests.delete(entry(Action.DELETE), "uid-1", "17", dry_run=True)
    assert tried.body == request.body | {"dryRun": ["All"]}
    assert tried.dry_run


def test_a_stamp_is_pinned_to_what_was_seen_and_touches_nothing_else() -> None:
    request = requests.stamp(entry(), "flux-system", "17", "helm", dry_run=False)
    assert request.method is Method.MERGE_PATCH
    assert request.body == {
        "metadata": {
            "uid": "uid-1",
            "resourceVersion": "17",
            "labels": {"app.kubernetes.io/managed-by": "Helm"},
            "annotations": {"meta.helm.sh/release-name": ACTIVE, "meta.helm.sh/release-namespace": "flux-system"},
        }
    }


def test_what_is_created_bears_the_stamps_of_its_release() -> None:
    view = judged([record(ACTIVE, documents=[document(obj("ConfigMap", "settings", data={"a": "1"}))])])[1]
    found = next(iter(view.listed[0].documents.values()))
    body = requests.replayed(entry(Action.CREATE, document=found), "flux-system")
    assert body["metadata"]["namespace"] == "flux-system"
    assert body["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "Helm"
    assert body["metadata"]["annotations"]["meta.helm.sh/release-name"] == ACTIVE
    with pytest.raises(ValueError, match="has no document"):
        requests.replayed(entry(Action.CREATE), "flux-system")


def test_the_manager_is_that_of_most_surviving_objects() -> None:
    def made(name: str, manager: str) -> Json:
        return obj("Service", name, release=ACTIVE, spec={}, managers=[(manager, "Update"), ("kubectl-edit", "Update")])

    bodies = [made("a", "pulumi-x"), made("b", "pulumi-x"), made("c", "helm")]
    objects = [record(ACTIVE, documents=[document(each) for each in bodies]), *bodies]
    _, view, seen = judged(objects)
    assert release_manager(view, seen) == "pulumi-x"
    _, tie, few = judged([record(ACTIVE, documents=[document(e) for e in bodies[1:]]), *bodies[1:]])
    assert release_manager(tie, few) == "helm"
    _, bare, none = judged([record(ACTIVE, documents=[document(bodies[0])])])
    assert release_manager(bare, none) == "helm"


@pytest.mark.parametrize(("method", "operation"), [("ssa", "Apply"), ("csa", "Update"), ("", "Update")])
def test_the_operation_is_the_releases_apply_method(method: str, operation: str) -> None:
    _, view, seen = judged([record(ACTIVE, method=method)])
    assert keeper_of(view, seen, None) == Keeper("helm", operation)


@pytest.mark.parametrize(
    ("managers", "keeper"),
    [
        ([("helm", "Apply")], Keeper("helm", "Apply")),
        ([("helm", "Update")], Keeper("helm", "Update")),
        ([("pulumi-resource-kubernetes", "Update")], Keeper("pulumi-resource-kubernetes", "Update")),
        ([("kubectl-annotate", "Update"), ("helm", "Update"), ("helm", "Apply")], Keeper("helm", "Apply")),
        ([("kubectl-annotate", "Update")], Keeper("helm", "Update")),
        ([], Keeper("helm", "Update")),
    ],
)
def test_without_a_release_in_force_the_stamps_holder_goes_on_holding(
    managers: list[tuple[str, str]], keeper: Keeper
) -> None:
    body = obj("ConfigMap", "settings", release=STALE, managers=managers)
    _, view, seen = judged([body], wish=Wish(expected=ACTIVE))
    assert keeper_of(view, seen, body) == keeper


def test_nothing_is_handed_over_where_it_is_held_rightly() -> None:
    live = obj("ConfigMap", "settings")
    live["metadata"]["managedFields"] = [managed("helm", "Apply", {"f:data": {}}, apiVersion="v1")]
    assert requests.hand_over(entry(), live, Keeper("helm", "Apply"), (), dry_run=False) is None
    live["metadata"]["managedFields"] = None
    assert requests.hand_over(entry(), live, Keeper("helm", "Apply"), (), dry_run=False) is None


def test_a_hand_over_fails_on_any_other_version_of_the_object() -> None:
    live = obj("ConfigMap", "settings")
    live["metadata"]["managedFields"] = [managed("helm", "Update", {"f:data": {}}, apiVersion="v1", time="t")]
    request = requests.hand_over(entry(), live, Keeper("helm", "Apply"), (), dry_run=False)
    assert request is not None
    assert request.body == [
        {
            "op": "replace",
            "path": "/metadata/managedFields",
            "value": [managed("helm", "Apply", {"f:data": {}}, apiVersion="v1", time="t")],
        },
        {"op": "replace", "path": "/metadata/resourceVersion", "value": "1"},
    ]


def test_an_updater_of_two_api_versions_stays_two_entries() -> None:
    before = [
        managed("helm", "Update", {"f:spec": {"f:a": {}}}, apiVersion="autoscaling/v1"),
        managed("helm", "Update", {"f:spec": {"f:b": {}}}, apiVersion="autoscaling/v2"),
        managed("kubectl-client-side-apply", "Update", {"f:spec": {"f:c": {}}}, apiVersion="autoscaling/v2"),
    ]
    after = merged_managers(before, "helm", "Update", ())
    assert after == [
        before[0],
        managed("helm", "Update", {"f:spec": {"f:b": {}, "f:c": {}}}, apiVersion="autoscaling/v2"),
    ]
    applied = merged_managers(before, "helm", "Apply", ())
    assert [(e["manager"], e["operation"]) for e in applied] == [("helm", "Apply")]
    assert applied[0]["fieldsV1"] == {"f:spec": {"f:a": {}, "f:b": {}, "f:c": {}}}


FIELDS: st.SearchStrategy[Json] = st.recursive(
    st.just({}),
    lambda below: st.dictionaries(st.sampled_from(["f:a", "f:b", 'k:{"name":"x"}', "."]), below, max_size=3),
    max_leaves=6,
)
ENTRIES = st.lists(
    st.builds(
        managed,
        st.sampled_from(["helm", "kubectl", "kubectl-client-side-apply", "other", "old-helm"]),
        st.sampled_from(["Apply", "Update"]),
        FIELDS,
        subresource=st.sampled_from(["", "", "status"]),
        apiVersion=st.sampled_from(["v1", "v2"]),
    ),
    max_size=6,
)


def leaves(fields: Json, above: str = "") -> set[str]:
    return {above} | {leaf for name, below in fields.items() for leaf in leaves(below, f"{above}/{name}")}


def held(entries: list[Json]) -> set[str]:
    return set().union(*(leaves(e["fieldsV1"]) for e in entries)) if entries else set()


def theirs(each: Json) -> bool:
    """Entries that a hand-over must leave as they are."""
    kubectl = (each["manager"], each["operation"]) in requests.KUBECTL_APPLIED
    return bool(each["subresource"]) or not (each["manager"] in ("helm", "old-helm") or kubectl)


@given(ENTRIES, st.sampled_from(["Apply", "Update"]))
def test_a_merge_loses_no_field_touches_no_other_owner_and_does_nothing_twice(before: list[Json], how: str) -> None:
    after = merged_managers(before, "helm", how, ["old-helm"])
    assert [e for e in after if theirs(e)] == [e for e in before if theirs(e)]
    ours = [e for e in after if not theirs(e)]
    assert {(e["manager"], e["operation"]) for e in ours} <= {("helm", how)}
    assert len(ours) <= (1 if how == "Apply" else 2)
    assert held(ours) == held([e for e in before if not theirs(e)])
    assert merged_managers(after, "helm", how, ["old-helm"]) == after
