"""Hooks of a release protect what they make and what they use, run or not (rules S6 and S7)."""

from typing import Any

import pytest
import yaml

from tests.clusters import document, inventory, obj, record
from tests.ownership.judging import NEW, OLD, active, decided, judge
from tui.helm.model import Record
from tui.helm.records import decode_record
from tui.objects import Gap, Json
from tui.ownership.hooks import hook_states


def hook(body: Json, *events: str, **parts: Any) -> Json:
    """A hook as a record stores it: its document beside what Helm read of it."""
    head = {"name": body["metadata"]["name"], "kind": body["kind"], "path": "x", "events": list(events)}
    return {**head, "manifest": yaml.safe_dump(document(body)), **parts}


@pytest.mark.parametrize("kind", ["ConfigMap", "ClusterRole", "Secret", "ServiceAccount", "Deployment"])
@pytest.mark.parametrize("events", [("pre-install", "pre-upgrade"), ("post-upgrade",), ("pre-delete",), ("test",)])
def test_s6_a_hook_of_the_active_release_is_never_deleted_on_any_kind(kind: str, events: tuple[str, ...]) -> None:
    left = obj(kind, "app", release=OLD)
    assert decided(judge([active(), left]), left) == ("delete", ())
    assert decided(judge([active(hooks=[hook(left, *events)]), left]), left) == ("protect", ("S6",))


def test_s6_hooks_of_a_newer_failed_revision_and_of_other_releases_in_force_count_too() -> None:
    left = obj("ConfigMap", "app", release=OLD)
    hooks = [hook(left, "pre-upgrade")]
    assert decided(judge([active(), record(NEW, 3, "failed", hooks=hooks), left]), left) == ("protect", ("S6",))
    assert decided(judge([active(), record("other", 1, "deployed", hooks=hooks), left]), left) == ("protect", ("S6",))


def test_s6_hooks_of_what_is_over_do_not_count() -> None:
    left = obj("ConfigMap", "app", release=OLD)
    hooks = [hook(left, "pre-upgrade")]
    assert decided(judge([active(), record(NEW, 1, "superseded", hooks=hooks), left]), left) == ("delete", ())
    assert decided(judge([active(), record(OLD, 1, "superseded", hooks=hooks), left]), left) == ("delete", ())


def test_s6_a_hook_in_another_namespace_or_of_another_kind_is_another_object() -> None:
    left, away = obj("ConfigMap", "app", release=OLD), obj("ConfigMap", "app", "apps")
    other = obj("Secret", "app")
    assert decided(judge([active(hooks=[hook(away, "test"), hook(other, "test")]), left]), left) == ("delete", ())


def test_s6_a_hook_of_which_no_document_can_be_read_may_be_any_of_its_kind_and_name() -> None:
    left = obj("ConfigMap", "app", release=OLD)
    broken = hook(left, "pre-upgrade", manifest="{")
    assert decided(judge([active(hooks=[broken]), left]), left) == ("protect", ("S6",))


def test_s6_what_a_newer_revision_made_its_hook_is_not_adopted() -> None:
    """Helm deletes it before it makes it again (before-hook-creation, the default): a stamp would be for nothing."""
    left = obj("ConfigMap", "app", release=OLD)
    found = judge([active(left), record(NEW, 3, "failed", hooks=[hook(left, "pre-upgrade")]), left])
    assert decided(found, left) == ("protect", ("S6",))


def test_s7_what_only_a_hook_uses_is_in_use() -> None:
    """A pre-upgrade Job runs as its service account and mounts what it needs, though nothing of it is live."""
    account, config = obj("ServiceAccount", "runner", release=OLD), obj("ConfigMap", "script", release=OLD)
    pod = {"serviceAccountName": "runner", "volumes": [{"name": "v", "configMap": {"name": "script"}}]}
    job = obj("Job", "migrate", spec={"template": {"spec": pod}})
    found = judge([active(hooks=[hook(job, "pre-upgrade")]), account, config])
    assert decided(found, account) == ("protect", ("S7",))
    assert decided(found, config) == ("protect", ("S7",))


RUN = {"last_run": {"phase": "Succeeded"}}
FAILED = {"last_run": {"phase": "Failed"}}


@pytest.mark.parametrize(
    ("there", "parts", "state", "why"),
    [
        (False, {}, "gone", "not there: it never ran"),
        (False, RUN, "gone", "gone"),
        (False, RUN | {"delete_policies": ["hook-succeeded"]}, "gone", "gone after its run, as its delete policy says"),
        (False, FAILED | {"delete_policies": ["hook-succeeded"]}, "gone", "gone"),
        (True, {}, "there", "there, never run; made by helm"),
        (True, RUN, "there", "there; made by helm"),
        (True, FAILED, "left-behind", "left behind by its failed run; made by helm"),
    ],
)
def test_where_a_hook_stands(there: bool, parts: dict[str, Any], state: str, why: str) -> None:
    job = obj("Job", "migrate", spec={}, managers=[("helm", "Update")])
    read = inventory([job] if there else [])
    (found,) = hook_states(recorded(hook(job, "pre-upgrade", **parts)), read)
    assert (found.standing.value, found.text) == (state, why)
    assert found.ref.label == "Job flux-system/migrate"


def test_whose_a_hook_is_by_now() -> None:
    config = obj("ConfigMap", "app", release=OLD)
    (found,) = hook_states(recorded(hook(config, "pre-install")), inventory([config]))
    assert found.whose == f"stamped with {OLD}"


def test_a_hook_that_could_not_be_looked_for_is_neither_there_nor_gone() -> None:
    job = obj("Job", "migrate", spec={})
    forbidden = inventory([], [Gap("batch", "Job", None, "forbidden")])
    (found,) = hook_states(recorded(hook(job, "test")), forbidden)
    assert (found.standing.value, found.why) == ("unverifiable", "could not verify: Job: forbidden")
    (found,) = hook_states(recorded(hook(job, "test", manifest="{")), inventory([job]))
    assert found.standing.value == "unverifiable"


def test_hooks_are_told_in_the_order_in_which_they_are_stored() -> None:
    jobs = [hook(obj("Job", name, spec={}), "test") for name in ("b", "c", "a")]
    found = hook_states(recorded(*jobs[:1], hook(obj("Job", "x"), "test", manifest="{"), *jobs[1:]), inventory([]))
    assert [state.hook.name for state in found] == ["b", "x", "c", "a"]


def recorded(*hooks: Json) -> Record:
    found = decode_record(record(NEW, 1, "deployed", hooks=list(hooks)))
    assert isinstance(found, Record)
    return found
