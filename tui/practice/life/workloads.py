"""StatefulSets and DaemonSets make their pods, and Services find theirs: the rest of what keeps a cluster alive."""

from typing import Any

from tui.practice.deletes import Deleter
from tui.practice.life.deployments import PODS, is_ready, owned, owner_of
from tui.practice.life.runner import Runner
from tui.practice.selectors import matches
from tui.practice.store import Event, copy

Json = dict[str, Any]

CLAIMS = ("", "persistentvolumeclaims")
PROTECTION = "kubernetes.io/pvc-protection"
SLICES = ("discovery.k8s.io", "endpointslices")


class Workloads:
    """The StatefulSet and DaemonSet controllers of a cluster with one node."""

    def __init__(self, runner: Runner) -> None:
        self.runner = runner
        self.world = runner.world
        self.deleter = Deleter(runner.world)

    def observe(self, event: Event) -> None:
        """Follows the workloads and their pods."""
        if event.resource in (("apps", "statefulsets"), ("apps", "daemonsets")) and event.kind != "DELETED":
            self._reconcile(event.resource, event.name)
        elif event.resource == PODS:
            for kind in ("StatefulSet", "DaemonSet"):
                found = self.world.store.by_uid.get(owner_of(event.entry.body, kind) or "")
                if found:
                    self._reconcile(*found)

    def _reconcile(self, resource: tuple[str, str], name: tuple[str, str]) -> None:
        body = self.world.store.get(resource, *name)
        if body is None or body["metadata"].get("deletionTimestamp"):
            return
        meta, stateful = body["metadata"], body["kind"] == "StatefulSet"
        wanted = body["spec"].get("replicas", 1) if stateful else 1
        pods = [pod for pod in self.world.store.list(PODS, name[0]) if owner_of(pod, body["kind"]) == meta["uid"]]
        for index in range(len(pods), wanted):
            self._make(body, f"{meta['name']}-{index}" if stateful else "")
        pod_kind = self.world.kinds.find("", "v1", "pods")
        for pod in pods[wanted:]:
            if pod_kind is not None:
                self.deleter.delete(pod_kind, name[0], pod["metadata"]["name"], {})
        ready = sum(1 for pod in pods[:wanted] if is_ready(pod))
        self._report(resource, name, wanted, min(len(pods), wanted), ready)

    def _make(self, body: Json, name: str) -> None:
        meta, template = body["metadata"], body["spec"]["template"]
        named = {"name": name} if name else {"generateName": f"{meta['name']}-"}
        made: Json = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": named
            | {
                "namespace": meta["namespace"],
                "labels": dict(template["metadata"].get("labels") or {}),
                "ownerReferences": [owned(body)],
            },
            "spec": copy(template["spec"]),
        }
        if self.world.get("", "pods", meta["namespace"], name) is None:
            self.runner.create(made)

    def _report(self, resource: tuple[str, str], name: tuple[str, str], wanted: int, there: int, ready: int) -> None:
        body = self.world.store.get(resource, *name)
        if body is None:
            return
        status: Json = {"observedGeneration": body["metadata"]["generation"]}
        if body["kind"] == "StatefulSet":
            status |= {"replicas": there, "readyReplicas": ready, "availableReplicas": ready, "currentReplicas": there}
            status |= {"updatedReplicas": there, "collisionCount": 0}
        else:
            status |= {"currentNumberScheduled": there, "desiredNumberScheduled": wanted, "numberMisscheduled": 0}
            status |= {"numberReady": ready, "numberAvailable": ready, "updatedNumberScheduled": there}
        if status != body.get("status"):
            self.runner.write(body | {"status": status}, subresource="status")


class Endpoints:
    """Keeps one EndpointSlice for each Service with a selector."""

    def __init__(self, runner: Runner) -> None:
        self.runner = runner
        self.world = runner.world

    def observe(self, event: Event) -> None:
        """Follows Services, and the pods behind them."""
        if event.resource == ("", "services") and event.kind != "DELETED":
            self._reconcile(*event.name)
        elif event.resource == PODS:
            labels = event.entry.body["metadata"].get("labels") or {}
            for service in self.world.store.list(("", "services"), event.name[0]):
                if matches({"matchLabels": service["spec"].get("selector") or {}}, labels):
                    self._reconcile(event.name[0], service["metadata"]["name"])

    def _reconcile(self, namespace: str, name: str) -> None:
        service = self.world.get("", "services", namespace, name)
        if service is None or not service["spec"].get("selector"):
            return
        wanted = {"matchLabels": service["spec"]["selector"]}
        pods = [
            pod
            for pod in self.world.store.list(PODS, namespace)
            if matches(wanted, pod["metadata"].get("labels") or {}) and (pod.get("status") or {}).get("podIP")
        ]
        parts = {
            "addressType": "IPv4",
            "endpoints": [_endpoint(pod) for pod in pods],
            "ports": [
                {"name": port.get("name", ""), "port": port["port"], "protocol": port.get("protocol", "TCP")}
                for port in service["spec"].get("ports") or ()
            ],
        }
        live = self._slice(namespace, name)
        if live is None:
            labels = (service["metadata"].get("labels") or {}) | {
                "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
                "kubernetes.io/service-name": name,
            }
            meta = {
                "generateName": f"{name}-",
                "namespace": namespace,
                "labels": labels,
                "ownerReferences": [owned(service)],
            }
            self.runner.create({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": meta} | parts)
        elif any(live.get(key) != value for key, value in parts.items()):
            self.runner.write(live | parts)

    def _slice(self, namespace: str, service: str) -> Json | None:
        for body in self.world.store.list(SLICES, namespace):
            if (body["metadata"].get("labels") or {}).get("kubernetes.io/service-name") == service:
                return body
        return None


def _endpoint(pod: Json) -> Json:
    ready, meta = is_ready(pod), pod["metadata"]
    reference = {"kind": "Pod", "name": meta["name"], "namespace": meta["namespace"], "uid": meta["uid"]}
    conditions = {"ready": ready, "serving": ready, "terminating": False}
    found = {"addresses": [pod["status"]["podIP"]], "conditions": conditions, "targetRef": reference}
    return found | {"nodeName": pod["spec"].get("nodeName", "")}


class Claims:
    """Lets deleted PersistentVolumeClaims go once no pod mounts them."""

    def __init__(self, runner: Runner) -> None:
        self.runner = runner
        self.world = runner.world

    def observe(self, event: Event) -> None:
        """Follows claims that are being deleted, and the pods that go."""
        if event.resource == CLAIMS and event.kind == "MODIFIED":
            self._release(*event.name)
        elif event.resource == PODS and event.kind == "DELETED":
            for claim in self.world.store.list(CLAIMS, event.name[0]):
                self._release(event.name[0], claim["metadata"]["name"])

    def _release(self, namespace: str, name: str) -> None:
        claim = self.world.store.get(CLAIMS, namespace, name)
        finalizers = (claim or {"metadata": {}})["metadata"].get("finalizers") or []
        if claim is None or not claim["metadata"].get("deletionTimestamp") or PROTECTION not in finalizers:
            return
        if not any(name in _claims_of(pod) for pod in self.world.store.list(PODS, namespace)):
            freed = copy(claim)
            freed["metadata"]["finalizers"] = [finalizer for finalizer in finalizers if finalizer != PROTECTION]
            self.runner.write(freed)


def _claims_of(pod: Json) -> set[str]:
    volumes = pod["spec"].get("volumes") or ()
    return {volume["persistentVolumeClaim"]["claimName"] for volume in volumes if "persistentVolumeClaim" in volume}
