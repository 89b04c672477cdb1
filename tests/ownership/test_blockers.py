"""What stands in the way: at block where it touches the family, its namespaces or the health list, else at warn."""

from typing import Any

import pytest

from tests.clusters import FLUX_SYSTEM, contract, document, inventory, obj, record
from tests.ownership.judging import NEW, active, findings, gap, judge, names, weigh
from tests.ownership.living import harbours, living
from tui.contract.model import Claim, Health, Selector
from tui.objects import Gap, Json, Live
from tui.ownership.model import Assessment, Finding

RULES = [{"apiGroups": ["rbac.authorization.k8s.io"], "resources": ["clusterroles"], "operations": ["CREATE"]}]
ROLE = obj("ClusterRole", "role", release=NEW)


def only(found: Assessment, code: str) -> Finding:
    each = findings(found, code)
    assert len(each) == 1, [f.summary for f in found.findings]
    return each[0]


def hook(policy: str | None = "Fail", rules: Any = RULES, client: Any = None) -> Json:
    body = {"name": "h", "rules": rules, "clientConfig": client or {"service": {"namespace": "hooks", "name": "svc"}}}
    if policy is not None:
        body["failurePolicy"] = policy
    return obj("ValidatingWebhookConfiguration", "wall", webhooks=[body])


SERVICE = obj("Service", "svc", "hooks", spec={"selector": {"app": "h"}})


def pod(ready: str = "True", **parts: Any) -> Json:
    status = {"conditions": [{"type": "Ready", "status": ready}]}
    return obj("Pod", "h", "hooks", **{"labels": {"app": "h"}, "spec": {}, "status": status, **parts})


@pytest.mark.parametrize(
    ("world", "why"),
    [
        ([], "its Service hooks/svc does not exist"),
        ([SERVICE], "its Service hooks/svc has no ready pod"),
        ([SERVICE, pod("False")], "its Service hooks/svc has no ready pod"),
        ([SERVICE, pod(deleting=True)], "its Service hooks/svc has no ready pod"),
        ([SERVICE, pod(labels={"app": "other"})], "its Service hooks/svc has no ready pod"),
    ],
)
@pytest.mark.parametrize("policy", ["Fail", None, "", "fail", "Ignored"])
def test_a_dead_webhook_that_fails_closed_blocks(world: list[Json], why: str, policy: str | None) -> None:
    each = only(judge([active(ROLE), ROLE, hook(policy), *world]), "webhook-dead")
    assert each.severity.value == "block"
    assert why in each.summary


@pytest.mark.parametrize(
    "world",
    [
        [hook(), SERVICE, pod()],
        [hook("Ignore")],
        [hook(client={"url": "https://example.test"})],
        [hook(), obj("Service", "svc", "hooks", spec={})],
    ],
    ids=["alive", "fails open", "by url", "no selector"],
)
def test_a_webhook_that_answers_or_fails_open_is_no_finding(world: list[Json]) -> None:
    assert findings(judge([active(ROLE), ROLE, *world]), "webhook-dead") == []


@pytest.mark.parametrize("kind", ["Service", "Pod"])
def test_what_answers_a_webhook_and_could_not_be_read_is_not_called_dead(kind: str) -> None:
    assert findings(judge([active(ROLE), ROLE, hook(), SERVICE], [gap(kind)]), "webhook-dead") == []


def test_a_pod_of_which_only_metadata_was_read_may_be_ready() -> None:
    read = inventory([active(ROLE), ROLE, hook(), SERVICE])
    bare = Live.of(pod(), keep_body=False)
    read.objects[bare.key] = bare
    assert findings(weigh(read), "webhook-dead") == []


@pytest.mark.parametrize(
    ("rules", "severity"),
    [
        ([{"apiGroups": ["*"], "resources": ["*"]}], "block"),
        ([{"apiGroups": ["*"], "resources": ["*/*"]}], "block"),
        ([{"apiGroups": ["apps"], "resources": ["clusterroles"]}], "warn"),
        ([{"apiGroups": ["*"], "resources": ["pods"]}], "warn"),
        ([{"apiGroups": ["rbac.authorization.k8s.io"], "resources": ["clusterroles/status"]}], "warn"),
        ([{"apiGroups": 7, "resources": [{}]}], "warn"),
        ("torn", "warn"),
    ],
)
def test_a_webhook_blocks_only_what_the_family_lists(rules: Any, severity: str) -> None:
    assert only(judge([active(ROLE), ROLE, hook(rules=rules)]), "webhook-dead").severity.value == severity


def test_a_webhook_over_the_health_lists_deployments_blocks_without_any_manifest() -> None:
    rules = [{"apiGroups": ["apps"], "resources": ["deployments"]}]
    by = contract(health=(Health(FLUX_SYSTEM, deployments=("source-controller",)),))
    assert only(judge([hook(rules=rules)], by=by), "webhook-dead").severity.value == "block"
    assert only(judge([hook(rules=rules)]), "webhook-dead").severity.value == "warn"


def test_unread_webhooks_leave_the_verdict_open() -> None:
    found = judge([active(ROLE), ROLE], [gap("ValidatingWebhookConfiguration")])
    assert found.verdict.value == "unverified"
    assert found.incomplete == ("ValidatingWebhookConfiguration: forbidden",)


@pytest.mark.parametrize(
    ("name", "severity"), [(FLUX_SYSTEM, "block"), ("certs", "block"), ("far", "block"), ("apps", "warn")]
)
def test_a_dying_namespace(name: str, severity: str) -> None:
    far = obj("ConfigMap", "c", "far", release=NEW)
    status = {"conditions": [{"type": "NamespaceContentRemaining", "status": "True", "message": "pods are left"}]}
    by = contract(health=(Health("certs", deployments=("c",), optional=True),))
    dying = obj("Namespace", name, deleting=True, status=status, finalizers=["x"])
    found = judge([active(far), far, dying, obj("Namespace", "alive")], by=by)
    each = only(found, "namespace-terminating")
    assert (each.severity.value, names(each)) == (severity, {f"Namespace {name}"})
    assert each.evidence == ("NamespaceContentRemaining: pods are left", f"kubectl get namespace {name} -o yaml")
    assert findings(found, "finalizer-stuck") == []


@pytest.mark.parametrize(
    ("group", "status", "severity"),
    [
        ("rbac.authorization.k8s.io", "False", "block"),
        ("metrics.k8s.io", "False", "warn"),
        ("metrics.k8s.io", "True", None),
    ],
)
def test_a_lost_api(group: str, status: str, severity: str | None) -> None:
    condition = {"type": "Available", "status": status, "reason": "MissingEndpoints", "message": "no endpoints"}
    lost = obj("APIService", f"v1.{group}", spec={"group": group}, status={"conditions": [condition]})
    found = findings(judge([active(ROLE), ROLE, lost]), "apiservice-down")
    assert [each.severity.value for each in found] == ([severity] if severity else [])


def test_a_version_that_is_gone_is_unserved_and_not_replayed() -> None:
    written = document(ROLE) | {"apiVersion": "rbac.authorization.k8s.io/v1beta1"}
    found = judge([record(NEW, 2, "deployed", [written])])
    each = only(found, "api-unserved")
    assert each.severity.value == "block"
    assert "rbac.authorization.k8s.io/v1beta1, no longer served" in each.summary
    assert [m.replayable for m in found.missing] == [False]


@pytest.mark.parametrize(
    ("api", "kind", "code"),
    [
        ("policy/v1beta1", "PodSecurityPolicy", "api-unserved"),
        ("networking.k8s.io/v1", "Gone", "api-unserved"),
        ("monitoring.coreos.com/v1", "PodMonitor", "crd-missing"),
    ],
)
def test_a_kind_that_is_gone(api: str, kind: str, code: str) -> None:
    written = {"apiVersion": api, "kind": kind, "metadata": {"name": "x"}}
    found = judge([record(NEW, 2, "deployed", [written])])
    assert only(found, code).severity.value == "block"
    assert {each.code for each in found.findings} & {"api-unserved", "crd-missing"} == {code}
    assert [(m.replayable, "does not serve" in m.why) for m in found.missing] == [(False, True)]


def test_another_releases_kind_that_is_gone_is_a_warning() -> None:
    written = {"apiVersion": "monitoring.coreos.com/v1", "kind": "PodMonitor", "metadata": {"name": "x"}}
    found = judge([active(ROLE), ROLE, record("other", 1, "deployed", [written])])
    assert only(found, "crd-missing").severity.value == "warn"
    assert found.verdict.value == "warn"


def test_a_kind_whose_discovery_failed_is_incomplete_and_not_missing() -> None:
    written = {"apiVersion": "monitoring.coreos.com/v1", "kind": "PodMonitor", "metadata": {"name": "x"}}
    lost = Gap("monitoring.coreos.com", None, None, "the server is down")
    found = judge([record(NEW, 2, "deployed", [written])], [lost])
    assert findings(found, "crd-missing") == []
    assert found.missing == ()
    assert found.incomplete == ("API group monitoring.coreos.com: the server is down",)


def test_only_a_manifest_in_force_is_asked_about() -> None:
    written = {"apiVersion": "monitoring.coreos.com/v1", "kind": "PodMonitor", "metadata": {"name": "x"}}
    found = judge([active(ROLE), ROLE, record(NEW, 1, "superseded", [written])])
    assert findings(found, "crd-missing") == []


def test_a_stuck_finalizer_names_itself() -> None:
    stuck = obj("ConfigMap", "c", "apps", deleting=True, finalizers=["example.test/hold"])
    each = only(judge([stuck]), "finalizer-stuck")
    shown = "kubectl get configmap c -n apps -o yaml"
    assert (each.severity.value, each.evidence) == ("warn", ("finalizer example.test/hold", shown))
    for fine in (obj("ConfigMap", "c", deleting=True), obj("ConfigMap", "c", finalizers=["x/y"])):
        assert findings(judge([fine]), "finalizer-stuck") == []


def with_manager(body: Json, fields: Json, manager: str = "flux") -> Json:
    body["metadata"]["managedFields"] = [
        {"manager": manager, "operation": "Update", "time": "2026-11-23T05:00:00Z", "fieldsV1": {"f:spec": fields}}
    ]
    return body


def test_suspended_says_who_set_it() -> None:
    sleeper = with_manager(obj("Kustomization", "asleep", spec={"suspend": True}), {"f:suspend": {}})
    each = only(judge([sleeper]), "suspended")
    assert each.severity.value == "warn"
    assert each.evidence == (
        "spec.suspend: true",
        "set by field manager flux (Update at 2026-11-23T05:00:00Z)",
        "kubectl get kustomization.kustomize.toolkit.fluxcd.io asleep -n flux-system --show-managed-fields -o yaml",
    )
    assert each.next == "flux resume kustomization asleep -n flux-system"
    for awake in ({}, {"suspend": False}, {"suspend": "true"}):
        assert findings(judge([obj("Kustomization", "awake", spec=awake)]), "suspended") == []
    assert findings(judge([obj("CronJob", "j", spec={"suspend": True})]), "suspended") == []


@pytest.mark.parametrize(
    ("spec", "code", "field"),
    [({"replicas": 0}, "scaled-to-zero", "f:replicas"), ({"paused": True}, "paused", "f:paused")],
)
def test_scaled_to_zero_and_paused_matter_for_the_family_and_the_health_list(spec: Json, code: str, field: str) -> None:
    mine = with_manager(obj("Deployment", "d", spec=spec), {field: {}}, "kubectl-scale")
    assert only(judge([active(mine), mine]), code).severity.value == "warn"
    by = contract(health=(Health(FLUX_SYSTEM, deployments=("d",)),))
    assert names(only(judge([mine], by=by), code)) == {"Deployment flux-system/d"}
    assert findings(judge([mine]), code) == []
    fine = obj("Deployment", "d", spec={"replicas": 1, "paused": False})
    assert findings(judge([active(fine), fine]), code) == []
    if code == "scaled-to-zero":
        assert any("kubectl-scale" in text for text in only(judge([mine], by=by), code).evidence)


def failing(
    message: str, kind: str = "Kustomization", reason: str = "ReconciliationFailed", status: str = "False"
) -> Json:
    condition = {"type": "Ready", "status": status, "reason": reason, "message": message}
    return obj(kind, "broken", status={"conditions": [condition]})


BLOCKER = obj("ClusterRoleBinding", "bind", roleRef={"kind": "ClusterRole", "name": "x"})
WEB = obj("Deployment", "web", "apps", spec={})


@pytest.mark.parametrize(
    ("message", "stumbles"),
    [
        ("ClusterRoleBinding/bind dry-run failed (Invalid): cannot change roleRef\n", "ClusterRoleBinding bind"),
        ("Deployment/apps/web dry-run failed (Invalid): field is immutable", "Deployment apps/web"),
        ("health check failed: [Deployment/apps/web status: 'Failed']", "Deployment apps/web"),
        (
            'Unable to continue with install: Deployment "web" in namespace "apps" exists and cannot be imported',
            "Deployment apps/web",
        ),
        ('ClusterRoleBinding "bind" in namespace "" exists and cannot be imported', "ClusterRoleBinding bind"),
        ('ClusterRoleBinding.rbac.authorization.k8s.io "bind" is invalid: roleRef', "ClusterRoleBinding bind"),
        ('Deployment "web" in namespace "elsewhere" exists', None),
        ("Deployment/apps/gone dry-run failed", None),
        ("Source/a/b is not ready; see https://example.test/Deployment/apps/web", None),
        ("", None),
    ],
)
def test_apply_failing_names_what_it_stumbles_on(message: str, stumbles: str | None) -> None:
    each = only(judge([failing(message), BLOCKER, WEB]), "apply-failing")
    assert each.severity.value == "warn"
    assert names(each) == {"Kustomization flux-system/broken"} | ({stumbles} if stumbles else set())


FAILING = "Kustomization flux-system/broken"
SEE = "see what refloat explain says of each act of its owners"


@pytest.mark.parametrize(
    ("claimed", "then"),
    [
        (
            "pulumi",
            f"ClusterRoleBinding b is pulumi's by the contract: take it out of {FAILING}, and before that {SEE}",
        ),
        ("flux", "mend what its message names; it retries by itself"),
    ],
)
def test_apply_failing_says_whose_the_stumbling_block_is(claimed: str, then: str) -> None:
    claim = Claim(claimed, "infrastructure", "x/", (Selector(kinds=("ClusterRoleBinding",)),))
    message = "ClusterRoleBinding/b dry-run failed (Invalid): roleRef: Invalid value: cannot change roleRef\n\n"
    block = obj("ClusterRoleBinding", "b", roleRef={"kind": "ClusterRole", "name": "r"})
    each = only(judge([failing(message), block], by=contract(claims=(claim,))), "apply-failing")
    assert (each.next, each.evidence[0]) == (then, message.strip())


@pytest.mark.parametrize(
    "body",
    [
        failing("", status="True"),
        failing("", status="Unknown"),
        failing("", reason="Progressing"),
        failing("", reason="DependencyNotReady"),
        failing("", kind="GitRepository"),
        obj("Kustomization", "new"),
    ],
)
def test_what_applies_waits_or_is_no_applier_is_no_finding(body: Json) -> None:
    assert findings(judge([body]), "apply-failing") == []


def test_a_failing_helm_release_and_stack_count_too() -> None:
    assert names(only(judge([failing("", kind="HelmRelease")]), "apply-failing")) == {"HelmRelease flux-system/broken"}
    read = inventory([])
    stack = failing("") | {"apiVersion": "pulumi.com/v1", "kind": "Stack"}
    read.objects[Live.of(stack).key] = Live.of(stack)
    assert names(only(weigh(read), "apply-failing")) == {"Stack flux-system/broken"}


def test_a_long_message_is_bounded() -> None:
    each = only(judge([failing("Deployment/" * 200_000)]), "apply-failing")
    assert len(each.evidence[0]) < 5000


def test_the_living_cluster_names_the_broken_and_the_sleeping() -> None:
    found = weigh(living(), by=harbours())
    assert names(only(found, "apply-failing")) == {
        "Kustomization flux-system/broken",
        "ClusterRoleBinding harbour-3-pilot",
    }
    asleep = only(found, "suspended")
    assert names(asleep) == {"Kustomization flux-system/asleep"}
    assert "kubectl-client-side-apply" in asleep.evidence[1]
