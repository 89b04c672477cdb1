"""Incidents of the table, made again with the real Helm and Flux on a real kube-apiserver: the same answers."""

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.live.conftest import LiveCluster, Processes
from tests.live.flux import Repository, assets, crds, start
from tests.ownership.incidents import CLUSTER_ROLE, INCIDENTS, RULES
from tests.ownership.judging import CONTRACT, NEW, OLD, weigh
from tests.ownership.test_incidents import answer_about, wanted
from tui.cluster.connect import Connection
from tui.cluster.reader import ClusterReader
from tui.cluster.writer import Writer
from tui.objects import Json, KindKey, Live, Ref
from tui.recovery.ports import Method, Request

PILOT = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]}]
"""The rules that the chart gives its role: Flux takes it over as it is."""
CHART = Path(__file__).parents[1] / "data" / "pier"
SPACE = "flux-system"
RBAC = "rbac.authorization.k8s.io/v1"
KUSTOMIZATION = KindKey("kustomize.toolkit.fluxcd.io", "Kustomization")
GIT_REPOSITORY = KindKey("source.toolkit.fluxcd.io", "GitRepository")
CRD = KindKey("apiextensions.k8s.io", "CustomResourceDefinition")
BY_NAME = {incident.name: incident for incident in INCIDENTS}
PATIENCE = 60.0
"""Seconds that a real controller may take."""


@dataclass(frozen=True)
class Let:
    """Lets the test's own wreckage through the writer."""

    request: Request


class Quay:
    """A real cluster, and the ways in which others write to it."""

    def __init__(self, live: Connection, kubeconfig: Path) -> None:
        self.reader = ClusterReader(live.api)
        self.kubeconfig = kubeconfig
        self._writer = Writer(live.api)
        self._made: list[Ref] = []

    async def make(self, body: Json, manager: str = "test") -> Ref:
        """Creates an object that goes again at the end."""
        ref = Ref.of(body)
        await self._writer.send(Let(Request(Method.CREATE, ref, body, manager)))
        self._made.append(ref)
        return ref

    async def patch(self, ref: Ref, change: Json, manager: str = "helm") -> None:
        await self._writer.send(Let(Request(Method.MERGE_PATCH, ref, change, manager)))

    async def delete(self, ref: Ref) -> None:
        body = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background"}
        await self._writer.send(Let(Request(Method.DELETE, ref, body)))

    async def until(self, kind: KindKey, holds: Callable[[Live], bool]) -> Live:
        """Waits for an object of a kind to be as awaited, by watching the kind."""
        known = await self.reader.inventory()
        for live in known.of_kind(*kind):
            if holds(live):
                return live
        async with asyncio.timeout(PATIENCE), self.reader.watch([kind], since=known) as feed:
            async for event in feed:
                if event.live is not None and holds(event.live):
                    return event.live
        raise AssertionError(f"no {kind.kind} came to be as awaited")

    async def leave(self) -> None:
        """Takes away what was made, and what an uninstall left because it bears another stamp."""
        for ref in (*OF_THE_CHART, *reversed(self._made)):
            if await self.reader.get(ref) is not None:
                await self.delete(ref)


def ref(api_version: str, kind: str, name: str) -> Ref:
    return Ref(api_version, kind, None if kind.startswith(("Cluster", "Namespace")) else SPACE, name)


OF_THE_CHART = (
    *(ref(RBAC, kind, "pier-pilot") for kind in ("ClusterRole", "ClusterRoleBinding")),
    *(ref("v1", kind, "pier") for kind in ("ServiceAccount", "Service")),
    *(ref("v1", kind, name) for kind, name in (("ConfigMap", "pier-tide"), ("Secret", "pier-key"))),
    ref("apps/v1", "Deployment", "pier"),
)


@pytest.fixture
async def quay(live: Connection, live_cluster: LiveCluster) -> AsyncIterator[Quay]:
    quay = Quay(live, live_cluster.kubeconfig_file())
    if await quay.reader.get(ref("v1", "Namespace", SPACE)) is None:
        await Quay(live, quay.kubeconfig).make({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SPACE}})
    yield quay
    await quay.leave()


def stamps(release: str, **more: str) -> Json:
    marks = {"meta.helm.sh/release-name": release, "meta.helm.sh/release-namespace": SPACE, **more}
    return {"labels": {"app.kubernetes.io/managed-by": "Helm"}, "annotations": marks}


@pytest.fixture(params=["helm3", "helm4"])
def helm(request: pytest.FixtureRequest, quay: Quay) -> Iterator[Callable[..., str]]:
    """Runs one of the two Helms; what it installed is uninstalled."""
    yield from runner(request.param, quay)


@pytest.fixture
def helm4(quay: Quay) -> Iterator[Callable[..., str]]:
    """The Helm that applies server-side."""
    yield from runner("helm4", quay)


def runner(version: str, quay: Quay) -> Iterator[Callable[..., str]]:
    program = os.environ.get(version.upper())
    if not program:
        pytest.skip(f"no real Helm: {version.upper()} does not name the program")

    def run(*words: str, check: bool = True) -> str:
        command = [program, *words, "--kubeconfig", str(quay.kubeconfig), "--namespace", SPACE]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0 or not check, done.stderr
        return done.stdout

    yield run
    for name in (NEW, OLD):
        run("uninstall", name, "--no-hooks", check=False)


async def same(quay: Quay, name: str, about: Ref) -> None:
    """The cluster as it is now says of this object what the table says of the incident's."""
    found = weigh(await quay.reader.inventory(), by=CONTRACT)
    assert answer_about(found, about.key) == wanted(BY_NAME[name])


# Helm alone.


async def test_a_deleted_resource_of_a_release_is_missing(quay: Quay, helm: Callable[..., str]) -> None:
    helm("install", NEW, str(CHART))
    lost = ref("v1", "Service", "pier")
    await quay.delete(lost)
    await same(quay, "random-deletion", lost)


@pytest.mark.parametrize(
    ("name", "marks"),
    [("leftover-of-a-generation", {}), ("kept-leftover", {"helm.sh/resource-policy": "keep"})],
)
async def test_a_former_generation_s_role_is_stale(
    quay: Quay, helm: Callable[..., str], name: str, marks: dict[str, str]
) -> None:
    helm("install", NEW, str(CHART))
    body = {"apiVersion": RBAC, "kind": "ClusterRole", "metadata": {"name": "left", **stamps(OLD, **marks)}, **RULES}
    await same(quay, name, await quay.make(body, "helm"))


async def test_what_is_listed_and_stamped_otherwise_is_adopted(quay: Quay, helm: Callable[..., str]) -> None:
    helm("install", NEW, str(CHART))
    role = ref(RBAC, "ClusterRole", "pier-pilot")
    await quay.patch(role, {"metadata": stamps(OLD)})
    await same(quay, "stamped-with-the-last-install", role)


async def test_what_is_listed_and_unstamped_is_adopted(quay: Quay, helm: Callable[..., str]) -> None:
    helm("install", NEW, str(CHART))
    role = ref(RBAC, "ClusterRole", "pier-pilot")
    gone = {"meta.helm.sh/release-name": None, "meta.helm.sh/release-namespace": None}
    labels = {"app.kubernetes.io/managed-by": None}
    await quay.patch(role, {"metadata": {"annotations": gone, "labels": labels}})
    await same(quay, "made-before-the-chart", role)


async def test_a_binding_with_another_role_is_recreated(quay: Quay, helm: Callable[..., str]) -> None:
    helm("install", NEW, str(CHART))
    binding = ref(RBAC, "ClusterRoleBinding", "pier-pilot")
    await quay.delete(binding)
    subjects = [{"kind": "ServiceAccount", "name": "pier", "namespace": SPACE}]
    to = {"roleRef": {**CLUSTER_ROLE, "name": "view"}, "subjects": subjects}
    await quay.make(
        {"apiVersion": RBAC, "kind": "ClusterRoleBinding", "metadata": {"name": "pier-pilot", **stamps(OLD)}, **to},
        "helm",
    )
    await same(quay, "role-ref-differs", binding)


async def test_two_in_force_are_a_delete_bomb(quay: Quay, helm: Callable[..., str]) -> None:
    helm("install", OLD, str(CHART))
    helm("install", NEW, str(CHART), "--take-ownership")
    await same(quay, "uninstall-takes-the-neighbour", ref("apps/v1", "Deployment", "pier"))


async def test_a_replicaset_bears_a_copy(quay: Quay, helm: Callable[..., str], live_cluster: LiveCluster) -> None:
    if not live_cluster.controllers:
        pytest.skip("no real Deployment controller: kube-controller-manager is not beside kube-apiserver")
    helm("install", NEW, str(CHART))
    kind = KindKey("apps", "ReplicaSet")
    below = await quay.until(kind, lambda live: live.controller is not None and live.controller.name == "pier")
    await same(quay, "copied-to-the-replicaset", below.ref)


async def test_what_kubectl_applied_is_nobody_s(quay: Quay) -> None:
    body = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "edited", "namespace": SPACE},
        "data": {"a": "b"},
    }
    await same(quay, "kubectl-owns-nothing", await quay.make(body, "kubectl-client-side-apply"))


# Flux, alive.


@pytest.fixture
async def flux(quay: Quay, live_cluster: LiveCluster, tmp_path: Path) -> AsyncIterator[Repository]:
    """Flux's controllers, and the repository that they roll out."""
    folder = assets()
    made = [await quay.make(body) for body in crds(folder)]
    for each in made:
        await quay.until(CRD, lambda live, name=each.name: live.ref.name == name and condition(live, "Established"))  # type: ignore[misc]  # bound
    work = tmp_path / "fleet"
    work.mkdir()
    repository, processes = Repository(work), Processes(tmp_path)
    async with repository.served():
        start(processes, folder, live_cluster, tmp_path / "storage")
        try:
            yield repository
            processes.check()
            await everything_of_flux_goes(quay)
        finally:
            processes.stop()


async def everything_of_flux_goes(quay: Quay) -> None:
    """Takes Kustomizations and sources away while their controllers can still end them."""
    known = await quay.reader.inventory()
    for kind in (KUSTOMIZATION, GIT_REPOSITORY):
        for live in known.of_kind(*kind):
            await quay.delete(live.ref)
            async with asyncio.timeout(PATIENCE), quay.reader.watch([kind], since=known) as feed:
                async for event in feed:
                    if event.what == "deleted" and event.live is not None and event.live.ref.name == live.ref.name:
                        break


def condition(live: Live, kind: str, status: str = "True") -> bool:
    conditions = ((live.body or {}).get("status") or {}).get("conditions") or []
    return any(each["type"] == kind and each["status"] == status for each in conditions)


def source(url: str) -> Json:
    spec = {"url": url, "interval": "10m", "ref": {"branch": "main"}}
    meta = {"name": "fleet", "namespace": SPACE}
    return {"apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository", "metadata": meta, "spec": spec}


def rolled_out(name: str, **more: Any) -> Json:
    spec = {
        "path": f"./{name}",
        "prune": True,
        "interval": "10m",
        "sourceRef": {"kind": "GitRepository", "name": "fleet"},
    }
    meta = {"name": name, "namespace": SPACE}
    return {"apiVersion": f"{KUSTOMIZATION.group}/v1", "kind": "Kustomization", "metadata": meta, "spec": spec | more}


def applied(name: str, revision: str) -> Callable[[Live], bool]:
    def holds(live: Live) -> bool:
        status = (live.body or {}).get("status") or {}
        return live.ref.name == name and str(status.get("lastAppliedRevision", "")).endswith(revision)

    return holds


async def test_what_flux_itself_applied_took_over_dropped_and_could_not_apply(
    quay: Quay, helm4: Callable[..., str], flux: Repository
) -> None:
    helm4("install", NEW, str(CHART))
    apps = await quay.make({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "apps"}})
    labels = {"app": "web"}
    pod = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "web", "image": "example.invalid/web:v1"}]}}
    web: Json = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": apps.name},
        "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": pod},
    }
    keep = {"kustomize.toolkit.fluxcd.io/prune": "disabled"}
    settings: Json = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "web-settings", "namespace": apps.name, "annotations": keep},
        "data": {"a": "b"},
    }
    role: Json = {"apiVersion": RBAC, "kind": "ClusterRole", "metadata": {"name": "pier-pilot"}, "rules": PILOT}
    binding: Json = {"apiVersion": RBAC, "kind": "ClusterRoleBinding", "metadata": {"name": "pier-pilot"}}
    binding |= {"roleRef": {**CLUSTER_ROLE, "name": "edit"}, "subjects": []}
    fleet = {"apps/web.yaml": [web, settings], "taken/role.yaml": [role], "broken/binding.yaml": [binding]}
    first = flux.commit({**fleet, "asleep/nothing.yaml": [settings]})
    repository = await quay.make(source(flux.url))
    for name in ("apps", "taken", "broken"):
        await quay.make(rolled_out(name))
    asleep = await quay.make(rolled_out("asleep", suspend=True))
    await quay.until(KUSTOMIZATION, applied("apps", first))
    await quay.until(KUSTOMIZATION, applied("taken", first))
    await quay.until(KUSTOMIZATION, lambda live: live.ref.name == "broken" and condition(live, "Ready", "False"))
    second = flux.commit({**fleet, "apps/web.yaml": [web], "asleep/nothing.yaml": [settings]})
    await quay.patch(repository, {"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": second}}}, "test")
    await quay.until(KUSTOMIZATION, applied("apps", second))

    await same(quay, "applied-by-flux", Ref.of(web))
    await same(quay, "nobody-prunes-it", Ref.of(settings))
    await same(quay, "opentofu-and-flux", Ref.of(role))
    await same(quay, "flux-stumbles-on-a-role-ref", Ref.of(binding))
    await same(quay, "forgotten-pause", asleep)
    await quay.delete(Ref.of(settings))
