"""A practice cluster to start, talk to over HTTP and stop: ``async with PracticeCluster() as cluster``."""

from typing import TYPE_CHECKING, Any, Self

from aiohttp import web

from tui.practice.access import USERS
from tui.practice.clock import Clock, utc_now
from tui.practice.defaults import RBAC
from tui.practice.life.deployments import NODE, Deployments
from tui.practice.life.flux import RENEW_EVERY, Flux
from tui.practice.life.garbage import Garbage
from tui.practice.life.runner import Runner
from tui.practice.life.system import Aggregation, Definitions, Namespaces
from tui.practice.life.workloads import Claims, Endpoints, Workloads
from tui.practice.server import Server
from tui.practice.world import World

if TYPE_CHECKING:
    from tui.practice.drills import Drill

Json = dict[str, Any]

UPTIME = 90 * 24 * 3600.0
"""Seconds that a cluster has been there when its story begins."""

NAMESPACES = ("kube-system", "default", "kube-public", "kube-node-lease")
_AGGREGATE = f"{RBAC}/aggregate-to-"
_READ = ["get", "list", "watch"]
_WRITE = ["create", "delete", "deletecollection", "patch", "update"]
_WORKLOADS = ["daemonsets", "deployments", "deployments/scale", "replicasets", "statefulsets"]


class PracticeCluster:
    """One practice cluster: an API server on loopback, its controllers and its clock.

    ``clock`` defaults to the machine's time; give a :class:`Clock` of your own to step it. ``pace`` is how many
    seconds a pod takes to start. ``seed`` makes uids and generated names repeatable.
    """

    def __init__(
        self, *, clock: Clock | None = None, seed: int | None = None, pace: float = 0.0, port: int = 0
    ) -> None:
        self.clock = clock or Clock(running=utc_now)
        self.world = World(self.clock, seed)
        self.server = Server(self.world)
        self.runner = Runner(self.world)
        self._pace = pace
        self.deployments = Deployments(self.runner)
        self.runner.controllers += [
            Garbage(self.runner),
            Definitions(self.runner),
            Namespaces(self.runner),
            Aggregation(self.runner),
            self.deployments,
            Workloads(self.runner),
            Endpoints(self.runner),
            Claims(self.runner),
        ]
        self.flux = Flux(self.runner)
        self.runner.controllers.append(self.flux)
        self.started_with: dict[str, tuple[str, str]] = {}
        """What a drill began with: uid and digest by ``Kind/namespace/name``."""
        self._port = port
        self._site: web.AppRunner | None = None
        self.url = ""
        self.clock.step(-UPTIME)
        _furnish(self.runner)
        self.runner.run()
        self.clock.step(UPTIME)

    @classmethod
    def drill(cls, drill: "str | Drill", **options: Any) -> Self:
        """A cluster in the situation of a drill (or of one by its name or file), not started yet.

        ``options`` are the constructor's. Raises UsageFault for a drill that cannot be read or played.
        """
        from tui.practice.drills import load_drill, start

        cluster = cls(**options)
        start(cluster, load_drill(drill) if isinstance(drill, str) else drill)
        return cluster

    async def start(self) -> None:
        """Opens the port on 127.0.0.1 (a free one unless one was asked for) and sets ``url``."""
        self._site = web.AppRunner(self.server.application(), access_log=None, shutdown_timeout=0.5)
        await self._site.setup()
        site = web.TCPSite(self._site, "127.0.0.1", self._port)
        await site.start()
        port = self._site.addresses[0][1]
        self.url = f"http://127.0.0.1:{port}"
        self.runner.every(RENEW_EVERY, self._tick)
        self.runner.pace, self.runner.telling = self._pace, True
        await self.settle()

    async def stop(self) -> None:
        """Ends the watches, closes the port and drops all work. Safe to call twice."""
        self.runner.stop()
        self.server.watches.close()
        if self._site is not None:
            await self._site.cleanup()
            self._site = None

    async def settle(self) -> None:
        """Returns when the controllers have nothing left to do."""
        await self.runner.settle()

    async def step(self, seconds: float) -> None:
        """Moves the cluster's clock forward and lets the controllers act on it."""
        self.clock.step(seconds)
        self._tick()
        await self.settle()

    def _tick(self) -> None:
        self.deployments.tick()
        self.flux.tick()

    def kubeconfig(self, user: str = "admin") -> Json:
        """A kubeconfig with a context for every user; ``user`` is whose context is current.

        Each user has an address as well as a token, because kubectl sends tokens only over TLS.
        """
        contexts = {known.name: "practice" if known.name == "admin" else f"practice-{known.name}" for known in USERS}
        servers = {context: f"{self.url}/as/{name}" for name, context in contexts.items()}
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": context, "cluster": {"server": server}} for context, server in servers.items()],
            "users": [{"name": contexts[known.name], "user": {"token": known.token}} for known in USERS],
            "contexts": [{"name": name, "context": {"cluster": name, "user": name}} for name in contexts.values()],
            "current-context": contexts[user],
        }

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()


def _furnish(runner: Runner) -> None:
    """What every cluster has before anyone does anything."""
    for name in NAMESPACES:
        runner.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}, "kube-apiserver")
    node = runner.create({"apiVersion": "v1", "kind": "Node", "metadata": {"name": NODE}}, "kubelet")
    now = runner.world.clock.stamp()
    ready = {"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "kubelet is posting ready status"}
    conditions = [ready | {"lastHeartbeatTime": now, "lastTransitionTime": now}]
    runner.write(node | {"status": {"conditions": conditions}}, "kubelet", "status")
    for body in _roles():
        runner.create(body, "kube-apiserver")


def _roles() -> list[Json]:
    """The built-in ClusterRoles that matter to ownership: cluster-admin, and those that aggregate others."""
    bootstrap = {"kubernetes.io/bootstrapping": "rbac-defaults"}

    def role(name: str, labels: Json, **parts: Any) -> Json:
        meta = {"name": name, "labels": bootstrap | labels, "annotations": {f"{RBAC}/autoupdate": "true"}}
        return {"apiVersion": f"{RBAC}/v1", "kind": "ClusterRole", "metadata": meta} | parts

    def aggregating(name: str, below: str, labels: Json) -> Json:
        rule = {"clusterRoleSelectors": [{"matchLabels": {_AGGREGATE + below: "true"}}]}
        return role(name, labels, aggregationRule=rule, rules=[])

    def rule(verbs: list[str], **groups: list[str]) -> list[Json]:
        return [
            {"apiGroups": [group], "resources": resources, "verbs": verbs}
            for group, resources in (("", groups.get("core", [])), ("apps", groups.get("apps", [])))
            if resources
        ]

    every = [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}, {"nonResourceURLs": ["*"], "verbs": ["*"]}]
    core = ["configmaps", "endpoints", "persistentvolumeclaims", "pods", "serviceaccounts", "services"]
    reading = rule(_READ, core=[*core, "events", "namespaces", "pods/log"], apps=_WORKLOADS)
    writing = rule(_WRITE, core=[*core, "secrets"], apps=_WORKLOADS)
    granting = [{"apiGroups": [RBAC], "resources": ["rolebindings", "roles"], "verbs": [*_WRITE, *_READ]}]
    return [
        role("cluster-admin", {}, rules=every),
        aggregating("admin", "admin", {}),
        aggregating("edit", "edit", {_AGGREGATE + "admin": "true"}),
        aggregating("view", "view", {_AGGREGATE + "edit": "true"}),
        role("system:aggregate-to-admin", {_AGGREGATE + "admin": "true"}, rules=granting),
        role("system:aggregate-to-edit", {_AGGREGATE + "edit": "true"}, rules=writing),
        role("system:aggregate-to-view", {_AGGREGATE + "view": "true"}, rules=reading),
    ]
