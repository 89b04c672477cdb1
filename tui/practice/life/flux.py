"""Flux, as far as a cluster shows it: leases that are renewed, conditions that move, a Kustomization that applies."""

import hashlib
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from tui.practice.deletes import Deleter
from tui.practice.kinds import Kind
from tui.practice.life.runner import Runner
from tui.practice.status import ApiError
from tui.practice.store import Event, copy
from tui.practice.writes import Options

Json = dict[str, Any]

CONTROLLERS: dict[str, tuple[str, ...]] = {
    "source-controller": ("GitRepository", "OCIRepository", "HelmRepository", "HelmChart", "Bucket"),
    "kustomize-controller": ("Kustomization",),
    "helm-controller": ("HelmRelease",),
    "notification-controller": ("Alert", "Provider", "Receiver"),
    "image-automation-controller": ("ImageUpdateAutomation",),
    "image-reflector-controller": ("ImageRepository", "ImagePolicy"),
}
GROUP = re.compile(r"^[a-z]+\.toolkit\.fluxcd\.io$")
FINALIZER = "finalizers.fluxcd.io"
REQUESTED = "reconcile.fluxcd.io/requestedAt"
LABELS = "kustomize.toolkit.fluxcd.io"
RENEW_EVERY = 10.0
_STATUSLESS = ("Alert", "Provider")


class Flux:
    """All six controllers; each acts only while its Deployment is available."""

    def __init__(self, runner: Runner) -> None:
        self.runner = runner
        self.world = runner.world
        self.deleter = Deleter(runner.world)
        self._alive: dict[str, str] = {}
        self._ran: dict[str, datetime] = {}

    def observe(self, event: Event) -> None:
        """Follows the controllers' Deployments and the objects they work on."""
        if event.resource == ("apps", "deployments") and event.name[1] in CONTROLLERS:
            self._watch_controller(event)
        elif GROUP.match(event.resource[0]) and event.kind != "DELETED":
            body = self.world.store.get(event.resource, *event.name)
            if body is not None and self._keeper(body["kind"]) in self._alive:
                self._reconcile(body)

    @staticmethod
    def _keeper(kind: str) -> str:
        return next((name for name, kinds in CONTROLLERS.items() if kind in kinds), "")

    def _watch_controller(self, event: Event) -> None:
        name = event.name[1]
        body = self.world.store.get(event.resource, *event.name)
        if body is None or not (body.get("status") or {}).get("availableReplicas"):
            if self._alive.get(name) == event.name[0]:
                del self._alive[name]
        elif name not in self._alive:
            self._alive[name] = event.name[0]
            self._renew(name)
            for kind in CONTROLLERS[name]:
                for found in list(self._objects(kind)):
                    self._ran.pop(found["metadata"]["uid"], None)
                    self._reconcile(found)

    def _objects(self, kind: str) -> Iterator[Json]:
        served = next((k for k in self.world.kinds.all() if k.kind == kind and GROUP.match(k.group)), None)
        return iter(self.world.store.list(served.resource) if served else [])

    def tick(self) -> None:
        """Renews the leases of the living and does what an interval has made due."""
        for name in list(self._alive):
            self._renew(name)
            for kind in CONTROLLERS[name]:
                for body in list(self._objects(kind)):
                    self._reconcile(body)

    def _renew(self, controller: str) -> None:
        namespace, name = self._alive[controller], f"{controller}-leader-election"
        now = self.world.clock.micro()
        live = self.world.get("coordination.k8s.io", "leases", namespace, name)
        if live is not None:
            if live["spec"].get("renewTime") != now:
                self.runner.write(live | {"spec": live["spec"] | {"renewTime": now}}, controller)
            return
        spec = {
            "holderIdentity": f"{controller}-{self.world.suffix(10)}_{self.world.uid()}",
            "leaseDurationSeconds": 35,
            "acquireTime": now,
            "renewTime": now,
            "leaseTransitions": 1,
        }
        meta = {"name": name, "namespace": namespace}
        lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": meta, "spec": spec}
        try:
            self.runner.create(lease, controller)
        except ApiError:
            self._alive.pop(controller, None)

    def _reconcile(self, body: Json) -> None:
        meta, spec = body["metadata"], body.get("spec") or {}
        if meta.get("deletionTimestamp"):
            self._finalize(body)
            return
        if spec.get("suspend") or not self._due(body):
            return
        self._ran[meta["uid"]] = self.world.clock.now()
        if FINALIZER not in (meta.get("finalizers") or ()) and body["kind"] not in _STATUSLESS:
            held = copy(body)
            held["metadata"]["finalizers"] = [*(meta.get("finalizers") or ()), FINALIZER]
            body = self.runner.write(held, self._status_manager(body["kind"]))
        if body["kind"] == "Kustomization":
            status = self._kustomize(body)
        elif body["kind"] == "GitRepository":
            status = self._fetch(body)
        else:
            status = self._ready(body, "True", "Succeeded", f"{body['kind']} is ready")
        requested = (body["metadata"].get("annotations") or {}).get(REQUESTED)
        status |= {"lastHandledReconcileAt": requested} if requested else {}
        if body["kind"] not in _STATUSLESS and status != body.get("status"):
            self.runner.write(body | {"status": status}, self._status_manager(body["kind"]), "status")

    @staticmethod
    def _status_manager(kind: str) -> str:
        return {"Kustomization": "gotk-kustomize-controller"}.get(kind, Flux._keeper(kind))

    def _due(self, body: Json) -> bool:
        """Whether there is something to do: a change, a request, or an interval that has passed."""
        meta, status = body["metadata"], body.get("status") or {}
        requested = (meta.get("annotations") or {}).get(REQUESTED)
        if requested and requested != status.get("lastHandledReconcileAt"):
            return True
        ran = self._ran.get(meta["uid"])
        if ran is None or status.get("observedGeneration") != meta.get("generation"):
            return ran is None or self.world.clock.now() - ran >= timedelta(seconds=5) or _ready_of(body) is None
        wait = duration(body.get("spec", {}).get("interval", "10m"))
        return self.world.clock.now() - ran >= wait

    def _ready(self, body: Json, status: str, reason: str, message: str, kind: str = "Ready") -> Json:
        """The object's status with this condition in place of the one of its type."""
        now, meta = self.world.clock.stamp(), body["metadata"]
        before = (body.get("status") or {}).get("conditions") or []
        old = next((c for c in before if c["type"] == kind), None)
        turned = old["lastTransitionTime"] if old and old["status"] == status else now
        condition = {
            "lastTransitionTime": turned,
            "message": message,
            "observedGeneration": meta.get("generation", 1),
            "reason": reason,
            "status": status,
            "type": kind,
        }
        kept = [c for c in before if c["type"] not in (kind, "Reconciling")]
        found = (body.get("status") or {}) | {"conditions": [condition, *kept]}
        return found | ({"observedGeneration": meta.get("generation", 1)} if status == "True" else {})

    def _fetch(self, body: Json) -> Json:
        """source-controller: an artifact of the branch's revision."""
        meta = body["metadata"]
        revision = revision_of(body)
        digest = hashlib.sha256(revision.encode()).hexdigest()
        path = f"gitrepository/{meta['namespace']}/{meta['name']}/{revision.rpartition(':')[2]}.tar.gz"
        message = f"stored artifact for revision '{revision}'"
        status = self._ready(body, "True", "Succeeded", message)
        status = self._ready(body | {"status": status}, "True", "Succeeded", message, "ArtifactInStorage")
        status["conditions"].reverse()
        old = (body.get("status") or {}).get("artifact") or {}
        if old.get("revision") != revision:
            host = f"source-controller.{meta['namespace']}.svc.cluster.local."
            status["artifact"] = {
                "digest": f"sha256:{digest}",
                "lastUpdateTime": self.world.clock.stamp(),
                "path": path,
                "revision": revision,
                "size": 48213,
                "url": f"http://{host}/{path}",
            }
        return status

    def _kustomize(self, body: Json) -> Json:
        """kustomize-controller: applies what the drill says is in git, prunes what is not, writes the inventory."""
        meta, spec = body["metadata"], body.get("spec") or {}
        reference = spec.get("sourceRef") or {}
        namespace = reference.get("namespace") or meta["namespace"]
        source = self.world.get("source.toolkit.fluxcd.io", "gitrepositories", namespace, reference.get("name", ""))
        artifact = ((source or {}).get("status") or {}).get("artifact")
        if not artifact:
            return self._ready(body, "False", "ArtifactFailed", "Source artifact not found, retrying in 30s")
        revision = artifact["revision"]
        entries: list[Json] = []
        for document in self.world.behaviour.git.get(f"{meta['namespace']}/{meta['name']}", ()):
            try:
                entries.append(self._apply(body, document))
            except (ApiError, LookupError) as error:
                reason = f" ({error.body.get('reason')})" if isinstance(error, ApiError) else ""
                message = f"{document['kind']}/{document['metadata']['name']} dry-run failed{reason}: {error}"
                failed = self._ready(body, "False", "ReconciliationFailed", message)
                return failed | {"lastAttemptedRevision": revision}
        before = ((body.get("status") or {}).get("inventory") or {}).get("entries") or []
        if spec.get("prune"):
            self._prune(body, [entry for entry in before if entry not in entries])
        done = self._ready(body, "True", "ReconciliationSucceeded", f"Applied revision: {revision}")
        told = {"inventory": {"entries": entries}, "lastAppliedRevision": revision, "lastAttemptedRevision": revision}
        return done | told

    def _apply(self, owner: Json, document: Json) -> Json:
        kind = self.world.kind_of(document)
        if kind is None:
            raise LookupError(f'no matches for kind "{document["kind"]}" in version "{document["apiVersion"]}"')
        wanted, meta = copy(document), owner["metadata"]
        marks = {f"{LABELS}/name": meta["name"], f"{LABELS}/namespace": meta["namespace"]}
        wanted["metadata"]["labels"] = (wanted["metadata"].get("labels") or {}) | marks
        namespace, name = wanted["metadata"].get("namespace"), wanted["metadata"]["name"]
        options = Options("kustomize-controller", force=True)
        self.runner.writer.patch(kind, namespace, name, "apply-patch", wanted, options)
        shown = name.replace(":", "__")
        return {"id": f"{namespace or ''}_{shown}_{kind.group}_{kind.kind}", "v": kind.version}

    def _prune(self, owner: Json, entries: list[Json]) -> None:
        for entry in reversed(entries):
            found = self._entry(entry)
            if found is None:
                continue
            kind, body = found
            marks = (body["metadata"].get("labels") or {}) | (body["metadata"].get("annotations") or {})
            mine = marks.get(f"{LABELS}/name") == owner["metadata"]["name"]
            if mine and str(marks.get(f"{LABELS}/prune", "")).lower() != "disabled":
                meta = body["metadata"]
                self.deleter.delete(kind, meta.get("namespace"), meta["name"], {"propagationPolicy": "Background"})

    def _entry(self, entry: Json) -> tuple[Kind, Json] | None:
        namespace, _, rest = entry["id"].partition("_")
        rest, _, named = rest.rpartition("_")
        name, _, group = rest.rpartition("_")
        kind = self.world.kinds.by_kind(group, named)
        body = self.world.get(*kind.resource, namespace, name.replace("__", ":")) if kind else None
        return (kind, body) if kind and body else None

    def _finalize(self, body: Json) -> None:
        """A deleted object's last wish: a Kustomization takes what it made along, then the finalizer goes."""
        if FINALIZER not in (body["metadata"].get("finalizers") or ()):
            return
        spec = body.get("spec") or {}
        if body["kind"] == "Kustomization" and spec.get("prune") and not spec.get("suspend"):
            self._prune(body, ((body.get("status") or {}).get("inventory") or {}).get("entries") or [])
        freed = copy(body)
        freed["metadata"]["finalizers"] = [name for name in body["metadata"]["finalizers"] if name != FINALIZER]
        self.runner.write(freed, self._status_manager(body["kind"]))


def _ready_of(body: Json) -> str | None:
    conditions = (body.get("status") or {}).get("conditions") or ()
    return next((c["status"] for c in conditions if c["type"] == "Ready"), None)


def revision_of(repository: Json) -> str:
    """The revision a GitRepository's branch stands at: made up from its address, the same every time."""
    spec = repository.get("spec") or {}
    branch = (spec.get("ref") or {}).get("branch", "main")
    return f"{branch}@sha1:{hashlib.sha1(str(spec.get('url')).encode(), usedforsecurity=False).hexdigest()}"


def duration(text: str) -> timedelta:
    """A Go duration such as ``1h30m`` or ``10m``."""
    units = {"h": 3600, "m": 60, "s": 1, "ms": 0.001}
    parts = re.findall(r"(\d+(?:\.\d+)?)(ms|h|m|s)", text)
    return timedelta(seconds=sum(float(count) * units[unit] for count, unit in parts))
