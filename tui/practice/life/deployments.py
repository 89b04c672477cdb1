"""Deployments come to life: ReplicaSets, Pods that start (or fail as a drill says), and an honest status."""

import json
from datetime import datetime, timedelta
from typing import Any

from tui.practice.deletes import Deleter
from tui.practice.life.runner import Runner
from tui.practice.store import Event, copy

Json = dict[str, Any]

DEPLOYMENTS, SETS, PODS = ("apps", "deployments"), ("apps", "replicasets"), ("", "pods")
REVISION = "deployment.kubernetes.io/revision"
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
NODE = "practice-1"

_LETTERS = "bcdfghjklmnpqrstvwxz2456789"


def template_hash(template: Json) -> str:
    """The short hash that names a template's ReplicaSet."""
    value = 0x811C9DC5
    for byte in json.dumps(template, sort_keys=True).encode():
        value = ((value ^ byte) * 0x01000193) & 0xFFFFFFFF
    return "".join(_LETTERS[ord(sign) % len(_LETTERS)] for sign in str(value))


def owner_of(body: Json, kind: str) -> str | None:
    """The uid of the controlling owner of this kind."""
    for owner in body["metadata"].get("ownerReferences") or ():
        if owner.get("controller") and owner["kind"] == kind:
            return str(owner["uid"])
    return None


def owned(body: Json) -> Json:
    """The owner reference to a controller."""
    meta = body["metadata"]
    head = {"apiVersion": body["apiVersion"], "kind": body["kind"], "name": meta["name"], "uid": meta["uid"]}
    return head | {"controller": True, "blockOwnerDeletion": True}


class Deployments:
    """The Deployment and ReplicaSet controllers, the scheduler and the kubelet, in one."""

    def __init__(self, runner: Runner) -> None:
        self.runner = runner
        self.world = runner.world
        self.deleter = Deleter(runner.world)

    def observe(self, event: Event) -> None:
        """Brings the Deployment that a change concerns up to date."""
        if event.resource == DEPLOYMENTS and event.kind != "DELETED":
            self._reconcile(event.name)
        elif event.resource == SETS:
            self._up(event.entry.body, "Deployment")
        elif event.resource == PODS:
            if event.kind == "ADDED":
                self._start(event.name)
            parent = owner_of(event.entry.body, "ReplicaSet")
            found = self.world.store.by_uid.get(parent or "")
            body = self.world.store.get(found[0], *found[1]) if found else None
            if body is not None:
                self._up(body, "Deployment")

    def _up(self, body: Json, kind: str) -> None:
        found = self.world.store.by_uid.get(owner_of(body, kind) or "")
        if found:
            self._reconcile(found[1])

    def _below(self, resource: tuple[str, str], namespace: str, uid: str, kind: str) -> list[Json]:
        return [body for body in self.world.store.list(resource, namespace) if owner_of(body, kind) == uid]

    def _reconcile(self, name: tuple[str, str]) -> None:
        body = self.world.store.get(DEPLOYMENTS, *name)
        if body is None or body["metadata"].get("deletionTimestamp"):
            return
        sets = self._below(SETS, name[0], body["metadata"]["uid"], "Deployment")
        current = next((s for s in sets if self._matches(s, body)), None)
        if current is None and not body["spec"].get("paused"):
            current = self._make_set(body, sets)
            sets.append(current)
        wanted = body["spec"].get("replicas", 1)
        if current is not None:
            self._scale(current, wanted)
        spare = self._spare(body, current, wanted)
        for replica_set in sets:
            if replica_set is not current:
                kept = min(spare, (replica_set.get("status") or {}).get("replicas", 0))
                self._scale(replica_set, kept)
                spare -= kept
        self._report(name, current)

    def _spare(self, deployment: Json, current: Json | None, wanted: int) -> int:
        """How many old pods stay until new ones are ready: none where the strategy is to recreate."""
        if current is None:
            return wanted
        if (deployment["spec"].get("strategy") or {}).get("type") == "Recreate":
            return 0
        meta = current["metadata"]
        live = self.world.store.get(SETS, meta["namespace"], meta["name"]) or current
        return max(wanted - int((live.get("status") or {}).get("readyReplicas", 0)), 0)

    def tick(self) -> None:
        """Looks again at what does not progress: time alone can make it fail."""
        for body in self.world.store.list(DEPLOYMENTS):
            if (body.get("status") or {}).get("unavailableReplicas"):
                self._reconcile((body["metadata"]["namespace"], body["metadata"]["name"]))

    @staticmethod
    def _matches(replica_set: Json, deployment: Json) -> bool:
        return bool(
            replica_set["metadata"]["labels"].get("pod-template-hash") == template_hash(deployment["spec"]["template"])
        )

    def _make_set(self, deployment: Json, sets: list[Json]) -> Json:
        meta, spec = deployment["metadata"], deployment["spec"]
        digest = template_hash(spec["template"])
        revision = 1 + max((int(s["metadata"]["annotations"].get(REVISION, 0)) for s in sets), default=0)
        template = copy(spec["template"])
        template.setdefault("metadata", {}).setdefault("labels", {})["pod-template-hash"] = digest
        selector = copy(spec["selector"])
        selector.setdefault("matchLabels", {})["pod-template-hash"] = digest
        annotations = {k: v for k, v in (meta.get("annotations") or {}).items() if k != LAST_APPLIED}
        replicas = str(spec.get("replicas", 1))
        annotations |= {
            "deployment.kubernetes.io/desired-replicas": replicas,
            "deployment.kubernetes.io/max-replicas": str(int(replicas) + 1 if int(replicas) else 0),
            REVISION: str(revision),
        }
        made = {
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "metadata": {
                "name": f"{meta['name']}-{digest}",
                "namespace": meta["namespace"],
                "labels": dict(template["metadata"]["labels"]),
                "annotations": annotations,
                "ownerReferences": [owned(deployment)],
            },
            "spec": {"replicas": spec.get("replicas", 1), "selector": selector, "template": template},
        }
        return self.runner.create(made)

    def _scale(self, replica_set: Json, wanted: int) -> None:
        meta = replica_set["metadata"]
        live = self.world.store.get(SETS, meta["namespace"], meta["name"])
        if live is None or live["metadata"].get("deletionTimestamp"):
            return
        pods = before = self._below(PODS, meta["namespace"], meta["uid"], "ReplicaSet")
        for _ in range(wanted - len(pods)):
            self._make_pod(live)
        for pod in pods[wanted:] if wanted < len(pods) else ():
            kind = self.world.kinds.find("", "v1", "pods")
            if kind is not None:
                self.deleter.delete(kind, meta["namespace"], pod["metadata"]["name"], {})
        pods = self._below(PODS, meta["namespace"], meta["uid"], "ReplicaSet")
        owner = self.world.store.by_uid.get(owner_of(live, "Deployment") or "")
        above = self.world.store.get(*owner[:1], *owner[1]) if owner else None
        if above is not None and len(before) != wanted:
            word = "up" if wanted > len(before) else "down"
            message = f"Scaled {word} replica set {meta['name']} from {len(before)} to {wanted}"
            self.runner.event(above, "ScalingReplicaSet", message)
        if live["spec"].get("replicas") != wanted:
            live = self.runner.write(copy(live) | {"spec": copy(live["spec"]) | {"replicas": wanted}})
        ready = sum(1 for pod in pods if is_ready(pod))
        status = {"replicas": len(pods), "terminatingReplicas": 0, "observedGeneration": live["metadata"]["generation"]}
        if pods:
            status["fullyLabeledReplicas"] = len(pods)
        if ready:
            status |= {"readyReplicas": ready, "availableReplicas": ready}
        if live.get("status") != status:
            self.runner.write(live | {"status": status}, subresource="status")

    def _make_pod(self, replica_set: Json) -> None:
        meta, template = replica_set["metadata"], replica_set["spec"]["template"]
        made: Json = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "generateName": f"{meta['name']}-",
                "namespace": meta["namespace"],
                "labels": dict(template["metadata"]["labels"]),
                "ownerReferences": [owned(replica_set)],
            },
            "spec": copy(template["spec"]),
        }
        if template["metadata"].get("annotations"):
            made["metadata"]["annotations"] = dict(template["metadata"]["annotations"])
        self.runner.create(made)

    def _start(self, name: tuple[str, str]) -> None:
        """The scheduler's part, and after the start-up time the kubelet's."""
        body = self.world.store.get(PODS, *name)
        if body is None or body["spec"].get("nodeName"):
            return
        placed = copy(body)
        placed["spec"]["nodeName"] = NODE
        self.world.store.put(PODS, placed)
        self.runner.later(lambda: self._run(name))

    def _run(self, name: tuple[str, str]) -> None:
        body = self.world.store.get(PODS, *name)
        if body is None:
            return
        fate = self._fate(body)
        now = self.world.clock.stamp()
        statuses = [_container_status(container, fate, now) for container in body["spec"]["containers"]]
        good = all(status["ready"] for status in statuses)
        conditions = [
            {"type": kind, "status": "True" if held else "False", "lastProbeTime": None, "lastTransitionTime": now}
            | ({} if held else {"reason": "ContainersNotReady", "message": _not_ready(body)})
            for kind, held in (
                ("Initialized", True),
                ("Ready", good),
                ("ContainersReady", good),
                ("PodScheduled", True),
            )
        ]
        address = self.world.address("244")
        status = {
            "phase": "Pending" if fate == "no-pull" else "Running",
            "conditions": conditions,
            "hostIP": "192.0.2.1",
            "podIP": address,
            "podIPs": [{"ip": address}],
            "startTime": now,
            "containerStatuses": statuses,
            "qosClass": "BestEffort",
        }
        self.runner.write(copy(body) | {"status": status}, "kubelet", "status")
        self._tell(body, fate)

    def _tell(self, pod: Json, fate: str) -> None:
        container = pod["spec"]["containers"][0]
        said = {
            "run": ("Started", f"Started container {container['name']}"),
            "crash": ("BackOff", f"Back-off restarting failed container {container['name']}"),
            "no-pull": ("Failed", f'Failed to pull image "{container.get("image", "")}": not found'),
        }
        self.runner.event(pod, *said.get(fate, said["run"]), source="kubelet")

    def _fate(self, pod: Json) -> str:
        """``run``, ``crash`` or ``no-pull``, as the drill says for the pod's Deployment or image."""
        known, meta = self.world.behaviour.pods, pod["metadata"]
        owner = f"{meta['namespace']}/{meta['name'].rsplit('-', 2)[0]}"
        images = (container.get("image", "") for container in pod["spec"]["containers"])
        return known.get(owner) or next((known[image] for image in images if image in known), "run")

    def _report(self, name: tuple[str, str], current: Json | None) -> None:
        """Writes the Deployment's status and its revision annotation."""
        body = self.world.store.get(DEPLOYMENTS, *name)
        if body is None:
            return
        sets = self._below(SETS, name[0], body["metadata"]["uid"], "Deployment")
        counts = {
            key: sum((s.get("status") or {}).get(key, 0) for s in sets)
            for key in ("replicas", "readyReplicas", "availableReplicas")
        }
        latest = self.world.store.get(SETS, name[0], current["metadata"]["name"]) if current else None
        updated = ((latest or {}).get("status") or {}).get("replicas", 0)
        wanted = body["spec"].get("replicas", 1)
        status: Json = {"observedGeneration": body["metadata"]["generation"], "terminatingReplicas": 0}
        status |= {key: value for key, value in counts.items() if value}
        status |= {"updatedReplicas": updated} if updated else {}
        short = max(wanted - counts["availableReplicas"], 0)
        status |= {"unavailableReplicas": short} if short else {}
        status["conditions"] = self._conditions(body, latest, done=not short and updated == wanted, short=short)
        changed = copy(body) | {"status": status}
        if latest is not None:
            revision = latest["metadata"]["annotations"].get(REVISION, "1")
            changed["metadata"]["annotations"] = (changed["metadata"].get("annotations") or {}) | {REVISION: revision}
        if changed != body:
            self.runner.write(changed, subresource="status")

    def _conditions(self, body: Json, latest: Json | None, *, done: bool, short: int) -> list[Json]:
        before = {c["type"]: c for c in (body.get("status") or {}).get("conditions") or ()}
        name = (latest or {"metadata": {"name": ""}})["metadata"]["name"]
        if body["spec"].get("paused"):
            progress = ("Unknown", "DeploymentPaused", "Deployment is paused")
        elif done:
            progress = ("True", "NewReplicaSetAvailable", f'ReplicaSet "{name}" has successfully progressed.')
        else:
            progress = ("True", "ReplicaSetUpdated", f'ReplicaSet "{name}" is progressing.')
            if self._overdue(body, before.get("Progressing")):
                progress = ("False", "ProgressDeadlineExceeded", f'ReplicaSet "{name}" has timed out progressing.')
        available = ("True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
        if short:
            available = ("False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability.")
        return [
            self._condition(before.get(kind), kind, *told)
            for kind, told in (("Available", available), ("Progressing", progress))
        ]

    def _overdue(self, body: Json, before: Json | None) -> bool:
        if before is None or before["reason"] not in ("ReplicaSetUpdated", "ProgressDeadlineExceeded"):
            return False
        if before["reason"] == "ProgressDeadlineExceeded":
            return bool(before["status"] == "False")
        passed = self.world.clock.now() - datetime.fromisoformat(before["lastUpdateTime"])
        return passed >= timedelta(seconds=body["spec"].get("progressDeadlineSeconds", 600))

    def _condition(self, before: Json | None, kind: str, status: str, reason: str, message: str) -> Json:
        if before and (before["status"], before["reason"], before["message"]) == (status, reason, message):
            return before
        now = self.world.clock.stamp()
        turned = before["lastTransitionTime"] if before and before["status"] == status else now
        times = {"lastUpdateTime": now, "lastTransitionTime": turned}
        return {"type": kind, "status": status} | times | {"reason": reason, "message": message}


def is_ready(pod: Json) -> bool:
    """Whether a pod's Ready condition holds."""
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def _not_ready(pod: Json) -> str:
    names = " ".join(container["name"] for container in pod["spec"]["containers"])
    return f"containers with unready status: [{names}]"


def _container_status(container: Json, fate: str, now: str) -> Json:
    status: Json = {"name": container["name"], "image": container.get("image", ""), "imageID": ""}
    if fate == "no-pull":
        why = f'Back-off pulling image "{container.get("image", "")}"'
        waiting = {"waiting": {"reason": "ImagePullBackOff", "message": why}}
        return status | {"ready": False, "started": False, "restartCount": 0, "state": waiting, "lastState": {}}
    if fate == "crash":
        why = f"back-off 5m0s restarting failed container={container['name']}"
        waiting = {"waiting": {"reason": "CrashLoopBackOff", "message": why}}
        ended = {"terminated": {"exitCode": 1, "reason": "Error", "startedAt": now, "finishedAt": now}}
        return status | {"ready": False, "started": False, "restartCount": 7, "state": waiting, "lastState": ended}
    running = {"running": {"startedAt": now}}
    return status | {"ready": True, "started": True, "restartCount": 0, "state": running, "lastState": {}}
