"""Hooks of a release protect what they make and what they use, run or not (rules S6 and S7)."""

from typing import Any

import pytest
import yaml

from tests.clusters import document, obj, record
from tests.ownership.judging import NEW, OLD, active, decided, judge
from tui.objects import Json


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
