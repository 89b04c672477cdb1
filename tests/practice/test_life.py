"""The controllers: garbage collection, CRDs, namespaces, workloads that fail as a drill says, dead webhooks."""

from typing import Any

import pytest

from tui.practice.clock import Clock
from tui.practice.cluster import PracticeCluster
from tui.practice.deletes import Deleter
from tui.practice.status import ApiError
from tui.practice.writes import Options

Json = dict[str, Any]


def deployment(name: str = "web", replicas: int = 1) -> Json:
    template = {
        "metadata": {"labels": {"app": name}},
        "spec": {"containers": [{"name": "c", "image": "example/web:1"}]},
    }
    spec = {"replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": template}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": "default"},
        "spec": spec,
    }


def crd(plural: str = "berths") -> Json:
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    versions = [{"name": "v1", "served": True, "storage": True, "schema": schema}]
    names = {"plural": plural, "kind": "Berth"}
    spec = {"group": "harbour.example", "scope": "Namespaced", "names": names, "versions": versions}
    meta = {"name": f"{plural}.harbour.example"}
    return {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": meta, "spec": spec}


@pytest.fixture
def cluster() -> PracticeCluster:
    """A cluster that nobody serves: its controllers run when they are told to."""
    return PracticeCluster(clock=Clock(), seed=7)


def delete(
    cluster: PracticeCluster, plural: str, name: str, group: str = "", namespace: str = "default", **options: Any
) -> None:
    kind = next(k for k in cluster.world.kinds.all() if k.resource == (group, plural))
    Deleter(cluster.world).delete(kind, namespace if kind.namespaced else None, name, options)
    cluster.runner.run()


def make(cluster: PracticeCluster, body: Json, manager: str = "tester") -> Json:
    made = cluster.runner.create(body, manager)
    cluster.runner.run()
    return made


def pods(cluster: PracticeCluster) -> list[Json]:
    return cluster.world.store.list(("", "pods"), "default")


def live(cluster: PracticeCluster, plural: str, name: str, group: str = "apps") -> Json:
    found = cluster.world.get(group, plural, "default", name)
    assert found is not None
    return found


@pytest.mark.parametrize(("fate", "reason"), [("crash", "CrashLoopBackOff"), ("no-pull", "ImagePullBackOff")])
def test_a_deployment_fails_as_the_drill_says_and_says_so(cluster: PracticeCluster, fate: str, reason: str) -> None:
    cluster.world.behaviour.pods["default/web"] = fate
    make(cluster, deployment())
    status = live(cluster, "deployments", "web")["status"]
    assert status["unavailableReplicas"] == 1
    assert [c["status"] for c in status["conditions"] if c["type"] == "Available"] == ["False"]
    waiting = pods(cluster)[0]["status"]["containerStatuses"][0]["state"]["waiting"]
    assert waiting["reason"] == reason


def test_a_changed_template_rolls_over_to_a_new_replica_set(cluster: PracticeCluster) -> None:
    make(cluster, deployment())
    kind = cluster.world.kinds.find("apps", "v1", "deployments")
    assert kind is not None
    image = {"spec": {"template": {"spec": {"containers": [{"name": "c", "image": "example/web:2"}]}}}}
    cluster.runner.writer.patch(kind, "default", "web", "strategic-merge-patch", image, Options("tester"))
    cluster.runner.run()
    sets = cluster.world.store.list(("apps", "replicasets"), "default")
    assert sorted(s["status"]["replicas"] for s in sets) == [0, 1]
    assert [pod["spec"]["containers"][0]["image"] for pod in pods(cluster)] == ["example/web:2"]
    body = live(cluster, "deployments", "web")
    assert body["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "2"
    assert body["status"]["observedGeneration"] == 2


def test_an_orphaned_replica_set_stays_and_a_foreground_deletion_waits_for_its_own(cluster: PracticeCluster) -> None:
    make(cluster, deployment())
    delete(cluster, "deployments", "web", "apps", propagationPolicy="Orphan")
    left = cluster.world.store.list(("apps", "replicasets"), "default")
    assert len(left) == 1
    assert "ownerReferences" not in left[0]["metadata"]
    make(cluster, deployment("other"))
    delete(cluster, "deployments", "other", "apps", propagationPolicy="Foreground")
    assert cluster.world.get("apps", "deployments", "default", "other") is None
    assert len(cluster.world.store.list(("apps", "replicasets"), "default")) == 1


def test_an_object_whose_owner_never_was_is_collected(cluster: PracticeCluster) -> None:
    owner = {"apiVersion": "v1", "kind": "Secret", "name": "gone", "uid": "00000000-0000-4000-8000-000000000000"}
    meta = {"name": "orphan", "namespace": "default", "ownerReferences": [owner]}
    make(cluster, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta})
    assert cluster.world.get("", "configmaps", "default", "orphan") is None


def test_a_crd_becomes_a_kind_and_takes_its_instances_along(cluster: PracticeCluster) -> None:
    make(cluster, crd())
    berth = {"apiVersion": "harbour.example/v1", "kind": "Berth", "metadata": {"name": "one", "namespace": "default"}}
    make(cluster, berth)
    held = berth | {"metadata": {"name": "two", "namespace": "default", "finalizers": ["example.com/hold"]}}
    make(cluster, held)
    delete(cluster, "customresourcedefinitions", "berths.harbour.example", "apiextensions.k8s.io")
    left = [body["metadata"]["name"] for body in cluster.world.store.list(("harbour.example", "berths"))]
    assert left == ["two"]
    assert cluster.world.kinds.find("harbour.example", "v1", "berths") is not None
    body = live(cluster, "berths", "two", "harbour.example")
    cluster.runner.write(body | {"metadata": body["metadata"] | {"finalizers": []}})
    cluster.runner.run()
    assert cluster.world.kinds.find("harbour.example", "v1", "berths") is None
    name = "berths.harbour.example"
    assert cluster.world.get("apiextensions.k8s.io", "customresourcedefinitions", None, name) is None


def test_a_terminating_namespace_says_what_it_waits_for_and_goes_when_that_goes(cluster: PracticeCluster) -> None:
    make(cluster, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "old"}})
    meta = {"name": "held", "namespace": "old", "finalizers": ["example.com/hold"]}
    make(cluster, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta})
    delete(cluster, "namespaces", "old")
    home = cluster.world.get("", "namespaces", None, "old")
    assert home is not None
    told = {c["type"]: c["message"] for c in home["status"]["conditions"] if c["status"] == "True"}
    assert "example.com/hold in 1 resource instances" in told["NamespaceFinalizersRemaining"]
    held = cluster.world.get("", "configmaps", "old", "held")
    assert held is not None
    cluster.runner.write(held | {"metadata": held["metadata"] | {"finalizers": []}})
    cluster.runner.run()
    assert cluster.world.get("", "namespaces", None, "old") is None


def test_a_dead_webhook_that_fails_closed_refuses_what_it_matches_until_its_service_has_endpoints() -> None:
    cluster = PracticeCluster.drill("walled-in")
    body = deployment() | {"metadata": {"name": "web", "namespace": "flux-system"}}
    with pytest.raises(ApiError) as caught:
        cluster.runner.create(body)
    assert caught.value.code == 500
    assert caught.value.body["message"] == (
        'Internal error occurred: failed calling webhook "deployments.policy.flux.example": failed to call webhook: '
        'Post "https://flux-policy.flux-system.svc:443/validate?timeout=10s": '
        'no endpoints available for service "flux-policy"'
    )
    pod = {"metadata": {"name": "p", "namespace": "flux-system", "labels": {"app": "flux-policy"}}}
    make(cluster, {"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [{"name": "c", "image": "i:1"}]}} | pod)
    assert make(cluster, body)["metadata"]["name"] == "web"


def test_services_find_their_pods_and_stateful_sets_name_theirs(cluster: PracticeCluster) -> None:
    service = {
        "metadata": {"name": "db", "namespace": "default"},
        "spec": {"selector": {"app": "db"}, "ports": [{"port": 5432}]},
    }
    make(cluster, {"apiVersion": "v1", "kind": "Service"} | service)
    spec = deployment("db", 2)["spec"] | {"serviceName": "db"}
    meta = {"name": "db", "namespace": "default"}
    make(cluster, {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": meta, "spec": spec})
    slices = cluster.world.store.list(("discovery.k8s.io", "endpointslices"), "default")
    assert [e["targetRef"]["name"] for s in slices for e in s["endpoints"]] == ["db-0", "db-1"]
    assert live(cluster, "statefulsets", "db")["status"]["availableReplicas"] == 2


def test_aggregating_roles_take_up_what_is_labelled_for_them() -> None:
    cluster = PracticeCluster.drill("healthy")
    view = cluster.world.get("rbac.authorization.k8s.io", "clusterroles", None, "view")
    assert view is not None
    assert any("kustomize.toolkit.fluxcd.io" in rule["apiGroups"] for rule in view["rules"])


async def test_leases_are_renewed_with_the_clusters_clock_while_their_controller_lives() -> None:
    clock = Clock()
    async with PracticeCluster.drill("healthy", clock=clock) as cluster:

        def renewed(name: str) -> str:
            lease = cluster.world.get("coordination.k8s.io", "leases", "flux-system", f"{name}-leader-election")
            return str(lease["spec"]["renewTime"]) if lease else ""

        await cluster.step(30)
        assert renewed("source-controller") == clock.micro()
        delete(cluster, "deployments", "source-controller", "apps", "flux-system")
        before = clock.micro()
        await cluster.step(60)
        assert renewed("source-controller") == before
        assert renewed("helm-controller") == clock.micro()


async def test_flux_puts_back_at_the_next_interval_what_was_deleted() -> None:
    async with PracticeCluster.drill("healthy", clock=Clock()) as cluster:
        delete(cluster, "configmaps", "postgraphile", namespace="apps")
        await cluster.step(30)
        assert cluster.world.get("", "configmaps", "apps", "postgraphile") is None
        await cluster.step(600)
        assert cluster.world.get("", "configmaps", "apps", "postgraphile") is not None


def test_a_deleted_kustomization_prunes_what_it_made_only_while_its_controller_lives() -> None:
    cluster = PracticeCluster.drill("healthy")
    delete(cluster, "kustomizations", "flux-system", "kustomize.toolkit.fluxcd.io", "flux-system")
    assert cluster.world.get("apps", "deployments", "apps", "ledger") is None
    dead = PracticeCluster.drill("controllers-missing")
    delete(dead, "kustomizations", "flux-system", "kustomize.toolkit.fluxcd.io", "flux-system")
    stuck = dead.world.get("kustomize.toolkit.fluxcd.io", "kustomizations", "flux-system", "flux-system")
    assert stuck is not None
    assert stuck["metadata"]["finalizers"] == ["finalizers.fluxcd.io"]
    assert dead.world.get("apps", "deployments", "apps", "ledger") is not None


def test_old_pods_stay_until_new_ones_are_ready_and_a_stuck_rollout_times_out() -> None:
    clock = Clock()
    cluster = PracticeCluster(clock=clock)
    make(cluster, deployment(replicas=2))
    cluster.world.behaviour.pods["example/web:2"] = "no-pull"
    kind = cluster.world.kinds.find("apps", "v1", "deployments")
    assert kind is not None
    image = {"spec": {"template": {"spec": {"containers": [{"name": "c", "image": "example/web:2"}]}}}}
    cluster.runner.writer.patch(kind, "default", "web", "strategic-merge-patch", image, Options("tester"))
    cluster.runner.run()
    assert live(cluster, "deployments", "web")["status"]["availableReplicas"] == 2
    broken = deployment("broken")
    broken["spec"]["template"]["spec"]["containers"][0]["image"] = "example/web:2"
    make(cluster, broken)
    clock.step(601)
    cluster.deployments.tick()
    cluster.runner.run()
    conditions = {c["type"]: c for c in live(cluster, "deployments", "broken")["status"]["conditions"]}
    assert conditions["Progressing"]["reason"] == "ProgressDeadlineExceeded"
