import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.recovery.health_cluster import (
    IDS,
    NAME,
    NOW,
    SERVED,
    ago,
    check,
    condition,
    contract,
    deployment,
    edit,
    git,
    healthy,
    inventory,
    judged,
    lease,
    namespace,
    owned,
    pod,
    replica_set,
)
from tui.contract.model import Health
from tui.objects import Gap, Inventory, Live
from tui.ownership.liveness import flux_state
from tui.recovery.health import CheckStatus, HealthVerdict, check_health, health_json
from tui.recovery.workload import Offspring, deployment_state, pod_state

RECORDED = Path(__file__).parents[1] / "data" / "living-cluster.jsonl"


def test_all_well_is_healthy_and_says_what_was_looked_at() -> None:
    result = judged(healthy())
    assert result.verdict is HealthVerdict.HEALTHY
    assert [one.id for one in result.checks] == [IDS["deployment"], IDS["pods"], IDS["lease"], IDS["git"]]
    assert check(result, "deployment").summary == f"Deployment flux-system/{NAME}: 1 of 1 available"
    assert check(result, "lease").summary.endswith("renewed 4 s ago by one")


AVAILABLE, PROGRESSING = "status.conditions.0", "status.conditions.1"
STUCK = condition("Progressing", "False", "ProgressDeadlineExceeded", 'ReplicaSet "x" has timed out progressing.')
QUOTA = condition("ReplicaFailure", "True", "FailedCreate", "exceeded quota")
CONTAINER = "status.containerStatuses.0"


@pytest.mark.parametrize(
    ("subject", "path", "value", "failing", "told"),
    [
        ("deployment", "spec.replicas", 0, "deployment", "SCALED TO ZERO"),
        ("deployment", "spec.paused", True, "deployment", "PAUSED"),
        ("deployment", "metadata.generation", 4, "deployment", "has not seen generation 4 yet (last 3)"),
        ("deployment", "metadata.deletionTimestamp", ago(minutes=1), "deployment", "being deleted"),
        ("deployment", "status", {}, "deployment", "no controller has looked at it"),
        ("deployment", "status.conditions", [], "deployment", "does not say whether it is available"),
        ("deployment", PROGRESSING, STUCK, "deployment", "ProgressDeadlineExceeded"),
        ("deployment", PROGRESSING, QUOTA, "deployment", "exceeded quota"),
        ("deployment", AVAILABLE, condition("Available", "False", "Unavailable"), "deployment", "not available"),
        ("deployment", "status.updatedReplicas", None, "deployment", "0 of 1 updated"),
        ("deployment", "status.readyReplicas", None, "deployment", "0 of 1 ready"),
        ("deployment", "status.replicas", 2, "deployment", "1 of the old generation still there"),
        ("deployment", "spec.replicas", 2, "deployment", "1 of 2 available"),
        ("deployment", "spec.replicas", 2, "pods", "1 of 2 pods there"),
        ("pod", f"{CONTAINER}.state", {"waiting": {"reason": "CrashLoopBackOff"}}, "pods", "CrashLoopBackOff"),
        ("pod", f"{CONTAINER}.state", {"waiting": {"reason": "ImagePullBackOff"}}, "pods", "ImagePullBackOff"),
        ("pod", f"{CONTAINER}.state", {"terminated": {"reason": "Error", "exitCode": 2}}, "pods", "exit code 2"),
        ("pod", "status.conditions.0", condition("Ready", "False", "ContainersNotReady"), "pods", "runs but is not"),
        ("pod", "status.conditions.1", condition("PodScheduled", "False", "Unschedulable"), "pods", "Unschedulable"),
        ("pod", "status.phase", "Pending", "pods", "is Pending"),
        ("pod", "status", {}, "pods", "without a phase"),
        ("pod", "metadata.deletionTimestamp", ago(seconds=3), "pods", "0 of 1 pods there"),
        ("pod", "status.phase", "Failed", "pods", "0 of 1 pods there"),
        ("pod", "metadata.labels", {"app": "another"}, "pods", "0 of 1 pods there"),
        ("pod", "metadata.ownerReferences", owned("ReplicaSet", "x", f"{NAME}-r1"), "pods", "0 of 1 pods there"),
        ("lease", "spec.renewTime", ago(minutes=12), "lease", "12 min ago by one, 95 s are allowed"),
        ("lease", "spec.renewTime", None, "lease", "never renewed"),
        ("lease", "spec.holderIdentity", "", "lease", "held by nobody"),
        ("git", "spec.suspend", True, "git", "SUSPENDED"),
        ("git", "status", {"observedGeneration": -1}, "git", "never reconciled"),
        ("git", "status", "lost", "git", "never reconciled"),
        ("git", "status.conditions.0", condition("Ready", "False", "AuthFailed", "no token\n"), "git", "no token"),
        ("git", "status.conditions.0.observedGeneration", 1, "git", "old news"),
        ("git", "status.observedGeneration", 1, "git", "Ready at generation 1"),
        ("git", "status.conditions.1", condition("Stalled", "True", "InvalidURL"), "git", "is stalled (InvalidURL)"),
        ("git", "metadata.deletionTimestamp", ago(hours=1), "git", "being deleted"),
    ],
)
def test_one_thing_wrong_fails_its_check(subject: str, path: str, value: Any, failing: str, told: str) -> None:
    bodies = healthy()
    edit(path, value)(bodies[subject])
    result = judged(bodies)
    assert result.verdict is HealthVerdict.UNHEALTHY
    assert check(result, failing).status is CheckStatus.FAILED
    assert told in check(result, failing).summary


@pytest.mark.parametrize(
    ("absent", "failing", "told"),
    [
        ("deployment", "deployment", f"Deployment flux-system/{NAME} is not there"),
        ("git", "git", "GitRepository flux-system/flux-system is not there"),
        ("current", "pods", "0 of 1 pods there"),
        ("pod", "pods", "0 of 1 pods there"),
    ],
)
def test_what_is_gone_is_failed(absent: str, failing: str, told: str) -> None:
    bodies = healthy()
    del bodies[absent]
    result = judged(bodies)
    assert check(result, failing).status is CheckStatus.FAILED
    assert told in check(result, failing).summary


def test_an_absent_lease_is_ok_with_a_note() -> None:
    bodies = healthy()
    del bodies["lease"]
    result = judged(bodies)
    assert result.verdict is HealthVerdict.HEALTHY
    assert "leader election may be off" in check(result, "lease").summary


def test_a_lease_from_the_future_is_no_proof_of_life() -> None:
    bodies = {**healthy(), "lease": lease(ago(minutes=-9))}
    assert check(judged(bodies), "lease").status is CheckStatus.UNKNOWN


@pytest.mark.parametrize(
    ("gap", "unknown"),
    [
        (Gap("apps", "Deployment", None, "forbidden: no list"), {"deployment"}),
        (Gap("apps", "Deployment", "flux-system", "forbidden: no list"), {"deployment"}),
        (Gap("apps", None, None, "forbidden: stale discovery"), {"deployment"}),
        (Gap("apps", "ReplicaSet", None, "forbidden: no list"), {"pods"}),
        (Gap("", "Pod", None, "forbidden: no list"), {"pods"}),
        (Gap("coordination.k8s.io", "Lease", None, "forbidden: no list"), {"lease"}),
        (Gap("source.toolkit.fluxcd.io", None, None, "forbidden: APIService down"), {"git"}),
    ],
)
@pytest.mark.parametrize("present", [True, False])
def test_what_cannot_be_read_is_unknown_in_the_gaps_words(gap: Gap, unknown: set[str], *, present: bool) -> None:
    bodies = healthy() if present else {"namespace": namespace("flux-system")}
    if not present and unknown & {"pods", "lease"}:
        bodies["deployment"] = deployment()
    result = judged(bodies, gap)
    for name in unknown:
        assert check(result, name).status is CheckStatus.UNKNOWN
        assert "forbidden" in check(result, name).summary


def test_a_gap_in_another_namespace_changes_nothing() -> None:
    assert judged(healthy(), Gap("apps", "Deployment", "apps", "forbidden")).verdict is HealthVerdict.HEALTHY


def test_an_optional_part_is_judged_only_where_its_namespace_exists() -> None:
    identity, bodies = "deployment/cert-manager/cert-manager", healthy()
    assert identity not in [one.id for one in judged(bodies).checks]
    hidden = judged(bodies, Gap("", "Namespace", None, "forbidden"))
    assert check(hidden, identity).status is CheckStatus.UNKNOWN
    assert hidden.verdict is HealthVerdict.UNVERIFIED
    bodies["other"] = namespace("cert-manager")
    assert check(judged(bodies), identity).status is CheckStatus.FAILED


def test_a_glob_is_judged_over_what_exists() -> None:
    bodies = [*healthy().values(), namespace("pulumi-system"), deployment("pko-1a", "pulumi-system")]
    bodies += [replica_set(2, "pko-1a", "pulumi-system"), pod(2, "a", "pko-1a", "pulumi-system")]
    optional = contract(Health("pulumi-system", deployments=("pko-*",), optional=True))
    assert [one.id for one in check_health(optional, inventory(bodies), NOW).checks] == [
        "deployment/pulumi-system/pko-1a",
        "pods/pulumi-system/pko-1a",
    ]
    required = contract(Health("pulumi-system", deployments=("operator-*",)))
    assert check_health(required, inventory(bodies), NOW).verdict is HealthVerdict.UNHEALTHY


def test_an_unserved_kind_fails_unless_it_is_optional() -> None:
    for optional, verdict in ((False, HealthVerdict.UNHEALTHY), (True, HealthVerdict.UNVERIFIED)):
        wanted = contract(Health("flux-system", ready="HelmRelease", name="x", optional=optional))
        result = check_health(wanted, inventory(healthy().values()), NOW)
        assert result.verdict is verdict, "with nothing left to judge, nothing was verified"


def test_a_kind_without_a_known_group_may_hide_behind_failed_discovery() -> None:
    wanted = contract(Health("apps", ready="Stack", name="x"))
    assert check_health(wanted, inventory([]), NOW).verdict is HealthVerdict.UNHEALTHY
    broken = inventory([], [Gap("pulumi.com", None, None, "the APIService is down")])
    assert check_health(wanted, broken, NOW).verdict is HealthVerdict.UNVERIFIED


def test_an_inventory_that_read_nothing_verifies_nothing() -> None:
    assert check_health(contract(), Inventory(), NOW).verdict is HealthVerdict.UNVERIFIED


def test_recent_restarts_fail_and_old_ones_are_told() -> None:
    bodies = healthy()
    container = bodies["pod"]["status"]["containerStatuses"][0]
    ended = {"reason": "OOMKilled", "exitCode": 137, "finishedAt": ago(seconds=40)}
    container.update(restartCount=7, lastState={"terminated": ended})
    told = check(judged(bodies), "pods")
    assert told.status is CheckStatus.FAILED
    assert "restarted 7 times, last 40 s ago (OOMKilled, exit code 137)" in told.summary
    ended["finishedAt"] = ago(hours=5)
    told = check(judged(bodies), "pods")
    assert told.status is CheckStatus.OK
    assert "restarted 7 times, last 5 h ago" in told.summary
    since = check_health(contract(), inventory(bodies.values()), NOW, restarts_since=NOW - timedelta(hours=6))
    assert check(since, "pods").status is CheckStatus.FAILED


def test_a_restart_whose_end_is_forgotten_counts_from_the_present_start() -> None:
    bodies = healthy()
    container = bodies["pod"]["status"]["containerStatuses"][0]
    container.update(restartCount=1, state={"running": {"startedAt": ago(minutes=2)}})
    assert "restarted 1 time, last 2 min ago" in check(judged(bodies), "pods").summary


def test_an_init_container_that_is_over_is_history_and_a_stuck_one_is_not() -> None:
    bodies = healthy()
    done = {"name": "init", "restartCount": 2, "state": {"terminated": {"exitCode": 0}}}
    done["lastState"] = {"terminated": {"finishedAt": ago(seconds=9), "exitCode": 1, "reason": "Error"}}
    bodies["pod"]["status"]["initContainerStatuses"] = [done]
    assert check(judged(bodies), "pods").status is CheckStatus.OK
    done["state"] = {"waiting": {"reason": "CrashLoopBackOff"}}
    assert "container init waits (CrashLoopBackOff)" in check(judged(bodies), "pods").summary


def test_the_highest_revision_is_current_where_the_deployment_names_none() -> None:
    bodies = healthy()
    del bodies["deployment"]["metadata"]["annotations"]
    bodies["stray"] = pod(1, "old")
    offspring = Offspring.of(inventory(bodies.values()))
    assert [one.ref.name for one in offspring.current_pods(Live.of(bodies["deployment"]))] == [f"{NAME}-r2-a"]


def test_metadata_alone_proves_nothing() -> None:
    lives = [Live.of(body, keep_body=False) for body in healthy().values()]
    result = check_health(contract(), Inventory("uid", "", dict(SERVED), objects={one.key: one for one in lives}), NOW)
    assert {one.status for one in result.checks} == {CheckStatus.UNKNOWN}


def test_a_ready_object_that_names_no_generation_is_trusted_only_before_its_first_change() -> None:
    body = git()
    del body["status"]["observedGeneration"], body["status"]["conditions"][0]["observedGeneration"]
    assert flux_state(Live.of(body)).status is CheckStatus.UNKNOWN
    body["metadata"]["generation"] = 1
    assert flux_state(Live.of(body)).status is CheckStatus.OK


def test_an_unanswered_request_to_reconcile_is_told() -> None:
    bodies = healthy()
    bodies["git"]["metadata"]["annotations"] = {"reconcile.fluxcd.io/requestedAt": "7"}
    assert "not answered yet" in check(judged(bodies), "git").summary
    bodies["git"]["status"]["lastHandledReconcileAt"] = "7"
    assert "not answered" not in check(judged(bodies), "git").summary


def test_the_document_has_exactly_the_promised_shape() -> None:
    bodies = healthy()
    del bodies["deployment"]
    document = health_json(judged(bodies))
    assert json.loads(json.dumps(document)) == document
    assert set(document) == {"schema", "verdict", "checks"}
    assert (document["schema"], document["verdict"]) == ("refloat.health/1", "unhealthy")
    assert document["checks"][0] == {
        "id": IDS["deployment"],
        "status": "failed",
        "summary": f"Deployment flux-system/{NAME} is not there",
        "resource": {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "namespace": "flux-system",
            "name": NAME,
            "uid": None,
        },
    }


def recorded() -> Inventory:
    bodies = [json.loads(line) for line in RECORDED.read_text("utf-8").splitlines()]
    return inventory(bodies)


def test_a_recorded_cluster_reads_as_it_was() -> None:
    wanted = contract(
        Health("apps", deployments=("web",)),
        Health("dock3", deployments=("harbour-3",)),
        *(Health("flux-system", ready="Kustomization", name=name) for name in ("flux-system", "broken", "asleep")),
        Health("flux-system", ready="GitRepository", name="flux-system"),
    )
    result = check_health(wanted, recorded(), NOW)
    assert {one.id.partition("/")[2]: one.status.value for one in result.checks if one.id[:5] == "ready"} == {
        "Kustomization/flux-system/flux-system": "ok",
        "Kustomization/flux-system/broken": "failed",
        "Kustomization/flux-system/asleep": "failed",
        "GitRepository/flux-system/flux-system": "ok",
    }
    assert "cannot change roleRef" in check(result, "ready/Kustomization/flux-system/broken").summary
    assert "SUSPENDED" in check(result, "ready/Kustomization/flux-system/asleep").summary
    for path in ("apps/web", "dock3/harbour-3"):
        assert check(result, f"deployment/{path}").status is CheckStatus.OK
        assert check(result, f"pods/{path}").status is CheckStatus.OK


def test_what_a_screen_draws_of_the_recorded_cluster() -> None:
    seen = recorded()
    web = next(live for live in seen.of_kind("apps", "Deployment") if live.ref.name == "web")
    state = deployment_state(web)
    assert (state.ready, state.desired, state.status) == (2, 2, CheckStatus.OK)
    pods = [pod_state(one, NOW, NOW - timedelta(minutes=10)) for one in Offspring.of(seen).current_pods(web)]
    assert [(one.ready, one.containers, one.restarts) for one in pods] == [(1, 1, 0), (1, 1, 0)]
    source = next(iter(seen.of_kind("source.toolkit.fluxcd.io", "GitRepository")))
    drawn = flux_state(source)
    assert drawn.revision.startswith("main@sha1:c87bc883")
    assert drawn.since == datetime(2026, 11, 23, 5, 23, 1, tzinfo=UTC)
    assert (drawn.ready, drawn.suspended, drawn.asked) == (True, False, False)
