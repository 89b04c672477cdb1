"""A whole recovery on a real kube-apiserver, of releases that the real Helm 3 and Helm 4 installed.

``HELM3`` and ``HELM4`` name the two programs; where one is absent, its tests are skipped by name.
"""

import asyncio
import json
import os
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.clusters import contract
from tests.live.conftest import LiveCluster
from tui.cluster.connect import Connection
from tui.cluster.reader import ClusterReader
from tui.cluster.writer import Writer
from tui.contract.model import Family
from tui.objects import Json, Ref
from tui.ownership.model import Decision, Verdict, Wish
from tui.recovery.journal import Journal
from tui.recovery.outcome import Outcome, Status
from tui.recovery.plan import PlanKind
from tui.recovery.ports import Identity, Method, Request
from tui.recovery.session import Session, Tools
from tui.recovery.waits import Aim, Waiter

CHART = Path(__file__).parents[1] / "data" / "pier"
ACTIVE, STALE = "pier-0000aaaa", "pier-ffff0000"
RBAC = "rbac.authorization.k8s.io/v1"
METHODS = {"helm3": ("csa", "Update"), "helm4": ("ssa", "Apply")}


class Let:
    """Lets the test's own wreckage through the writer."""

    def __init__(self, request: Request) -> None:
        self.request = request


@pytest.fixture(params=["helm3", "helm4"])
def helm(request: pytest.FixtureRequest, live_cluster: LiveCluster) -> Iterator[Callable[..., str]]:
    """Runs one of the two Helms; ``helm.version`` tells which. What it installed is uninstalled."""
    program = os.environ.get(request.param.upper())
    if not program:
        pytest.skip(f"no real Helm: {request.param.upper()} does not name the program")
    kubeconfig = live_cluster.kubeconfig_file()
    space = f"pier-{request.param}"

    def run(*words: str, check: bool = True) -> str:
        command = [program, *words, "--kubeconfig", str(kubeconfig), "--namespace", space]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0 or not check, done.stderr
        return done.stdout + done.stderr

    run.version, run.space = request.param, space  # type: ignore[attr-defined] # told to the test beside the call
    yield run
    for name in (ACTIVE, STALE):
        run("uninstall", name, "--no-hooks", check=False)


@pytest.fixture
def cluster(live: Connection, helm: Any) -> "Wreck":
    return Wreck(live, helm.space)


async def hurry(_: float) -> None:
    """Without a kubelet no Deployment ever becomes available: what is waited for is there soon, or never."""
    await asyncio.sleep(0.01)


class Wreck:
    """The cluster as the test breaks it, and as the session reads it."""

    def __init__(self, live: Connection, space: str) -> None:
        self.space = space
        self.reader = ClusterReader(live.api)
        self.writer = Writer(live.api)
        family = Family(
            "pier", space, "pulumi", generated="pier", cleanup_cluster_scoped=True, cleanup_namespaces=(space,)
        )
        self.contract = contract(releases=(family,), claims=(), health=())

    async def delete(self, ref: Ref) -> None:
        await self.writer.send(Let(Request(Method.DELETE, ref, {"apiVersion": "v1", "kind": "DeleteOptions"})))

    async def create(self, body: Json, manager: str = "helm") -> None:
        await self.writer.send(Let(Request(Method.CREATE, Ref.of(body), body, manager)))

    async def edit(self, ref: Ref, change: Json, manager: str = "kubectl-edit") -> None:
        await self.writer.send(Let(Request(Method.MERGE_PATCH, ref, change, manager)))

    async def stamp(self, ref: Ref, release: str, manager: str = "helm") -> None:
        body = {"metadata": {"annotations": {"meta.helm.sh/release-name": release}}}
        await self.writer.send(Let(Request(Method.MERGE_PATCH, ref, body, manager)))

    async def managers(self, ref: Ref) -> set[tuple[str, str]]:
        body = await self.reader.get(ref)
        assert body is not None
        entries = body["metadata"]["managedFields"]
        return {(e["manager"], e["operation"]) for e in entries if not e.get("subresource")}

    @asynccontextmanager
    async def session(self, folder: Path, wish: Wish | None = None) -> AsyncIterator[Session]:
        identity = Identity("live", "", None, "admin", "test")
        clock = lambda: datetime.now(UTC)  # noqa: E731 - the session's clock, in one word
        journal = Journal.create(folder / "journal", {"context": "live"}, clock)
        tools = Tools(self.reader, self.writer, journal, clock, pause=hurry)
        session = Session(self.contract, identity, tools, wish)
        yield session
        await session.close()

    def ref(self, api_version: str, kind: str, name: str) -> Ref:
        return Ref(api_version, kind, None if kind.startswith("Cluster") else self.space, name)


async def do_all(session: Session, kind: PlanKind) -> list[Outcome]:
    plan = await session.plan(kind)
    outcomes = []
    for entry in plan.entries:
        asked = await session.look(plan, entry)
        outcomes.append(await session.carry_out(plan, asked, asked.typed))
    return outcomes


def stamped(name: str, release: str, space: str, **more: Any) -> Json:
    annotations = {"meta.helm.sh/release-name": release, "meta.helm.sh/release-namespace": space}
    return {"name": name, "labels": {"app.kubernetes.io/managed-by": "Helm"}, "annotations": annotations, **more}


async def test_missing_and_stale_resources_are_mended_and_the_next_upgrade_succeeds(
    helm: Any, cluster: Wreck, tmp_path: Path
) -> None:
    method, operation = METHODS[helm.version]
    helm("install", ACTIVE, str(CHART), "--create-namespace")
    lost = [
        cluster.ref("apps/v1", "Deployment", "pier"),
        cluster.ref("v1", "Secret", "pier-key"),
        cluster.ref(RBAC, "ClusterRole", "pier-pilot"),
    ]
    secret = ((await cluster.reader.get(lost[1])) or {})["data"]
    for ref in lost:
        await cluster.delete(ref)
    adopted = cluster.ref("v1", "Service", "pier")
    await cluster.stamp(adopted, STALE)
    await cluster.create(
        {"apiVersion": RBAC, "kind": "ClusterRole", "metadata": stamped("old-pilot", STALE, cluster.space), "rules": []}
    )
    kept: Json = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": stamped("old-log", STALE, cluster.space, namespace=cluster.space),
    }
    kept["metadata"]["annotations"]["helm.sh/resource-policy"] = "keep"
    await cluster.create(kept)

    async with cluster.session(tmp_path) as session:
        found = await session.refresh()
        assert found.verdict is Verdict.BLOCK
        assert found.families[0].active is not None
        assert found.families[0].active.apply_method == method
        assert {m.ref.label for m in found.missing if m.replayable} == {ref.label for ref in lost}
        decided = {c.ref.name: (c.decision, [rule.value for rule in c.rules]) for c in found.candidates}
        assert decided == {
            "pier": (Decision.ADOPT, ["S6"]),
            "old-pilot": (Decision.DELETE, []),
            "old-log": (Decision.PROTECT, ["S8"]),
        }
        replayed = await do_all(session, PlanKind.REPLAY)
        cleaned = await do_all(session, PlanKind.CLEANUP)
        assert [o.status for o in (*replayed, *cleaned)] == [Status.DONE] * 5, [o.text for o in (*replayed, *cleaned)]
        after = await session.refresh()
        assert {f.code for f in after.findings} & {
            "resource-missing",
            "stamp-foreign",
            "stamp-absent",
            "drifted",
        } == set()

    for ref in (*lost, adopted):
        assert await cluster.managers(ref) - {("kube-controller-manager", "Update")} == {("helm", operation)}, ref.label
    assert ((await cluster.reader.get(lost[1])) or {})["data"] == secret, "the stored value, not a new one"
    assert await cluster.reader.get(cluster.ref(RBAC, "ClusterRole", "old-pilot")) is None
    upgraded = json.loads(helm("upgrade", ACTIVE, str(CHART), "--set", "level=debug", "-o", "json"))
    assert upgraded["info"]["status"] == "deployed"
    await cluster.delete(Ref("v1", "ConfigMap", cluster.space, "old-log"))


async def test_a_binding_whose_role_differs_is_recreated(helm: Any, cluster: Wreck, tmp_path: Path) -> None:
    _, operation = METHODS[helm.version]
    helm("install", ACTIVE, str(CHART), "--create-namespace")
    binding = cluster.ref(RBAC, "ClusterRoleBinding", "pier-pilot")
    await cluster.delete(binding)
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"}
    subjects = [{"kind": "ServiceAccount", "name": "pier", "namespace": cluster.space}]
    meta = stamped("pier-pilot", STALE, cluster.space)
    await cluster.create(
        {"apiVersion": RBAC, "kind": "ClusterRoleBinding", "metadata": meta, "roleRef": role, "subjects": subjects}
    )

    async with cluster.session(tmp_path) as session:
        assert "roleref-differs" in {f.code for f in (await session.refresh()).findings}
        outcomes = await do_all(session, PlanKind.CLEANUP)
        assert [(o.entry.action.value, o.status) for o in outcomes] == [("recreate", Status.DONE)], [
            o.text for o in outcomes
        ]

    body = await cluster.reader.get(binding)
    assert body is not None
    assert body["roleRef"]["name"] == "pier-pilot"
    assert await cluster.managers(binding) == {("helm", operation)}
    helm("upgrade", ACTIVE, str(CHART), "--set", "level=debug")


async def test_a_refused_install_is_mended_by_adopting_alone(helm: Any, cluster: Wreck, tmp_path: Path) -> None:
    """The record of the old release is lost; everything it made lives under its stamp; the new one is refused."""
    helm("install", STALE, str(CHART), "--create-namespace")
    await cluster.delete(Ref("v1", "Secret", cluster.space, f"sh.helm.release.v1.{STALE}.v1"))
    refused = helm("install", ACTIVE, str(CHART), check=False)
    assert "invalid ownership metadata" in refused

    async with cluster.session(tmp_path, Wish(expected=ACTIVE)) as session:
        found = await session.refresh()
        assert {"release-absent", "refused-install"} <= {f.code for f in found.findings}
        assert {c.decision for c in found.candidates} == {Decision.ADOPT}
        outcomes = await do_all(session, PlanKind.CLEANUP)
        assert {o.status for o in outcomes} == {Status.DONE}, [o.text for o in outcomes]

    helm("install", ACTIVE, str(CHART))
    helm("upgrade", ACTIVE, str(CHART), "--set", "level=debug")


async def test_an_edited_object_is_repaired_by_force_and_the_next_upgrade_succeeds(
    helm: Any, cluster: Wreck, tmp_path: Path
) -> None:
    _, operation = METHODS[helm.version]
    helm("install", ACTIVE, str(CHART), "--create-namespace")
    service = cluster.ref("v1", "Service", "pier")
    await cluster.edit(service, {"spec": {"selector": {"app": "another"}}})

    async with cluster.session(tmp_path) as session:
        assert "drifted" in {f.code for f in (await session.refresh()).findings}
        plan = await session.plan(PlanKind.REPLAY)
        (entry,) = [each for each in plan.offered if each.ref.name == "pier"]
        asked = await session.look(plan, entry)
        assert asked.allowed, asked.refusal
        assert (asked.typed, {each.manager for each in asked.conflicts}) == ("pier", {"kubectl-edit"})
        trials = await session.rehearse(plan)
        assert trials[entry.id].conflicts == asked.conflicts
        outcome = await session.carry_out(plan, asked, "pier")
        assert outcome.status is Status.DONE, outcome.text
        assert "drifted" not in {f.code for f in (await session.refresh()).findings}

    assert ("helm", operation) in await cluster.managers(service)
    assert not {name for name, _ in await cluster.managers(service)} & {"refloat"}
    body = await cluster.reader.get(service)
    assert body is not None
    helm_s = [e for e in body["metadata"]["managedFields"] if e["manager"] == "helm" and not e.get("subresource")]
    assert [e["operation"] for e in helm_s] == [operation], "one entry of the keeper's, by its own operation"
    helm("upgrade", ACTIVE, str(CHART), "--set", "level=debug")


async def test_an_object_that_a_program_changed_is_not_taken_from_it(helm: Any, cluster: Wreck, tmp_path: Path) -> None:
    helm("install", ACTIVE, str(CHART), "--create-namespace")
    service = cluster.ref("v1", "Service", "pier")
    await cluster.edit(service, {"spec": {"selector": {"app": "another"}}}, "some-operator")
    async with cluster.session(tmp_path) as session:
        await session.refresh()
        plan = await session.plan(PlanKind.REPLAY)
        (entry,) = [each for each in plan.offered if each.ref.name == "pier"]
        asked = await session.look(plan, entry)
        assert not asked.allowed
        assert "it would take fields from some-operator" in asked.refusal


async def test_a_crd_of_the_charts_folder_comes_back_and_the_next_upgrade_succeeds(
    helm: Any, cluster: Wreck, tmp_path: Path
) -> None:
    _, operation = METHODS[helm.version]
    helm("install", ACTIVE, str(CHART), "--create-namespace")
    crd = Ref("apiextensions.k8s.io/v1", "CustomResourceDefinition", None, "berths.pier.example.test")
    await cluster.delete(crd)
    waiter = Waiter(cluster.reader, hurry, lambda: datetime.now(UTC), lambda _: None)
    assert (await waiter.until(Aim(crd, "gone", lambda body: body is None))).holds
    async with cluster.session(tmp_path) as session:
        await session.refresh()
        outcomes = await do_all(session, PlanKind.REPLAY)
        assert [(o.entry.ref.name, o.status) for o in outcomes] == [(crd.name, Status.DONE)], [o.text for o in outcomes]
        assert "not yet" not in outcomes[0].text
    assert ("helm", operation) in await cluster.managers(crd)
    helm("upgrade", ACTIVE, str(CHART), "--set", "level=debug")


async def test_a_finalizer_of_a_program_that_runs_nowhere_is_removed(
    live: Connection, live_cluster: LiveCluster, tmp_path: Path
) -> None:
    cluster, held = Wreck(live, "default"), "archive.harbour-freight.dev/export"
    box = Ref("v1", "ConfigMap", "default", "box")
    body = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "box", "namespace": "default"},
        "data": {"a": "b"},
    }
    await cluster.create(body, "kubectl-create")
    await cluster.edit(box, {"metadata": {"finalizers": ["example.org/stays", held]}}, "harbour-freight-archiver")
    await cluster.delete(box)
    async with cluster.session(tmp_path) as session:
        await session.refresh()
        plan = await session.plan(PlanKind.MEND)
        entry = next(each for each in plan.entries if each.finalizer == held)
        asked = await session.look(plan, entry)
        assert asked.allowed, asked.refusal
        outcome = await session.carry_out(plan, asked, "box")
        assert outcome.status is Status.DONE, outcome.text
    left = await cluster.reader.get(box)
    assert left is not None
    assert left["metadata"]["finalizers"] == ["example.org/stays"]
    assert "refloat" not in {name for name, _ in await cluster.managers(box)}
    await cluster.edit(box, {"metadata": {"finalizers": None}})
    assert live_cluster.server
