"""What replay cannot bring back, on a real kube-apiserver with the volume binder of a real kube-controller-manager.

The lines that an entry prints are run as they stand, in a shell, with kubectl.
"""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.clusters import contract, document, obj, record
from tests.live.conftest import LiveCluster
from tests.recovery.stage import bare
from tui.cluster.connect import Connection, connection_from_dict
from tui.cluster.reader import ClusterReader
from tui.cluster.writer import Writer
from tui.contract.model import Family
from tui.objects import Json, Ref
from tui.recovery.journal import Journal
from tui.recovery.outcome import Status
from tui.recovery.plan import Entry, Plan, PlanKind
from tui.recovery.ports import Identity, Method, Request
from tui.recovery.session import Session, Tools

pytestmark = pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")
ACTIVE = "store-0000aaaa"


class Let:
    """Lets the test's own wreckage through the writer."""

    def __init__(self, request: Request) -> None:
        self.request = request


async def hurry(_: float) -> None:
    """What is waited for is there soon, or never."""
    await asyncio.sleep(0.01)


class Store:
    """A namespace with a release whose manifest lists claims, and the volumes behind them."""

    def __init__(self, live: Connection, cluster: LiveCluster, space: str) -> None:
        self.space = space
        self.reader = ClusterReader(live.api)
        self._writer = Writer(live.api)
        self._kubeconfig = cluster.kubeconfig_file()
        family = Family("store", space, "pulumi", generated="store")
        self.contract = contract(releases=(family,), claims=(), health=())

    async def make(self, *bodies: Json) -> None:
        for body in map(bare, bodies):
            await self._writer.send(Let(Request(Method.CREATE, Ref.of(body), body, "helm")))

    async def release(self, *documents: Json) -> None:
        stored = [document(each) for each in documents]
        await self.make(obj("Namespace", self.space, None), record(ACTIVE, documents=stored, namespace=self.space))

    async def shell(self, line: str) -> str:
        """Runs one line as a person would."""
        environment = {**os.environ, "KUBECONFIG": str(self._kubeconfig)}
        pipe = asyncio.subprocess.PIPE
        running = await asyncio.create_subprocess_shell(line, stdout=pipe, stderr=pipe, env=environment)
        out, err = await asyncio.wait_for(running.communicate(), 90)
        assert running.returncode == 0, f"{line}\n{err.decode()}"
        return out.decode()

    async def becomes(self, what: str, phase: str) -> None:
        wait = f"kubectl wait {what} -n {self.space} --for=jsonpath='{{.status.phase}}'={phase} --timeout=60s"
        await self.shell(wait)

    async def bind_and_lose(self, claim: Json, *volumes: Json) -> None:
        """A claim that was bound to the volume, and was deleted."""
        await self.make(*volumes, claim)
        name = f"pvc/{claim['metadata']['name']}"
        await self.becomes(name, "Bound")
        await self.shell(f"kubectl delete {name} -n {self.space}")
        for volume in volumes:
            await self.becomes(f"pv/{volume['metadata']['name']}", "Released")

    async def volume_of(self, claim: str) -> str:
        return await self.shell(f"kubectl get pvc {claim} -n {self.space} -o jsonpath='{{.spec.volumeName}}'")

    @asynccontextmanager
    async def session(self, folder: Path, reader: ClusterReader | None = None) -> AsyncIterator[Session]:
        clock = lambda: datetime.now(UTC)  # noqa: E731 - the session's clock, in one word
        journal = Journal.create(folder / "journal", {"context": "live"}, clock)
        tools = Tools(reader or self.reader, self._writer, journal, clock, pause=hurry)
        session = Session(self.contract, Identity("live", "", None, "admin", "test"), tools)
        yield session
        await session.close()


@pytest.fixture
async def store(
    request: pytest.FixtureRequest, live: Connection, live_cluster: LiveCluster
) -> AsyncIterator[Callable[[str], Store]]:
    """Makes a store in a namespace of its own; what it made in the whole cluster is taken away again."""
    if not live_cluster.controllers:
        pytest.skip("no volume binder: kube-controller-manager is not beside kube-apiserver")
    made: list[Store] = []

    def make(space: str) -> Store:
        made.append(Store(live, live_cluster, space))
        return made[-1]

    yield make
    for each in made:
        await each.shell(f"kubectl delete namespace {each.space} --wait=false")
        await each.shell(f"kubectl delete pv -l store={each.space} --wait=false")


def claim(store: Store, name: str, **spec: object) -> Json:
    wanted = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "5Gi"}}}
    return obj("PersistentVolumeClaim", name, store.space, spec={**wanted, "storageClassName": "", **spec})


def volume(store: Store, name: str, claimed: str, storage: str = "5Gi") -> Json:
    """A volume that is the named claim's from the first."""
    spec = {
        "capacity": {"storage": storage},
        "accessModes": ["ReadWriteOnce"],
        "persistentVolumeReclaimPolicy": "Retain",
        "claimRef": {"namespace": store.space, "name": claimed, "kind": "PersistentVolumeClaim", "apiVersion": "v1"},
        "hostPath": {"path": f"/srv/{name}"},
    }
    return obj("PersistentVolume", name, None, labels={"store": store.space}, spec=spec)


def lines_of(losses: Iterable[str]) -> list[str]:
    """The lines to run, as they are printed."""
    return [text.split(": ", 1)[1] for text in losses if ": kubectl " in text or ": printf " in text]


async def entry_of(session: Session, kind: str) -> tuple[Plan, Entry]:
    plan = await session.plan(PlanKind.REPLAY)
    return plan, next(each for each in plan.entries if each.ref.kind == kind)


async def test_the_printed_lines_give_a_claim_its_volume_back(store: Callable[[str], Store], tmp_path: Path) -> None:
    shop = store("losses-claim")
    lost = claim(shop, "data")
    await shop.release(lost)
    await shop.bind_and_lose(lost, volume(shop, "losses-claim-pv", "data"))
    async with shop.session(tmp_path) as session:
        plan, entry = await entry_of(session, "PersistentVolumeClaim")
        asked = await session.look(plan, entry)
        assert asked.allowed, asked.refusal
        assert asked.typed == "data"
        assert asked.entry.losses[0].startswith(
            "PersistentVolume losses-claim-pv (5Gi, Released, Retain: what it holds"
        )
        refused = await session.carry_out(plan, asked)
        assert refused.text == "its name was to be typed: data"
        for line in lines_of(asked.entry.losses):
            await shop.shell(line)
        asked = await session.look(plan, entry)
        assert asked.typed == ""
        assert asked.entry.losses[0].startswith("what it held comes back: PersistentVolume losses-claim-pv")
        outcome = await session.carry_out(plan, asked)
        assert outcome.status is Status.DONE, outcome.text
    await shop.becomes("pvc/data", "Bound")
    assert await shop.volume_of("data") == "losses-claim-pv"


async def test_a_claim_that_asks_for_more_is_made_by_the_printed_line_and_bound_all_the_same(
    store: Callable[[str], Store], tmp_path: Path
) -> None:
    shop = store("losses-small")
    await shop.release(claim(shop, "data", resources={"requests": {"storage": "9Gi"}}))
    await shop.bind_and_lose(claim(shop, "data"), volume(shop, "losses-small-pv", "data"))
    async with shop.session(tmp_path) as session:
        _, entry = await entry_of(session, "PersistentVolumeClaim")
        assert entry.typed == "data"
        assert "because it asks for 9Gi and must name it" in entry.losses[-1]
        for line in lines_of(entry.losses):
            await shop.shell(line)
        await shop.becomes("pvc/data", "Bound")
        await session.refresh()
        assert (await session.plan(PlanKind.REPLAY)).entries == ()
    assert await shop.volume_of("data") == "losses-small-pv"


async def test_the_claims_of_a_stateful_set_get_their_volumes_back(
    store: Callable[[str], Store], tmp_path: Path
) -> None:
    shop = store("losses-set")
    container = {"name": "db", "image": "example.test/db:1"}
    template = {"metadata": {"name": "data"}, "spec": claim(shop, "data")["spec"]}
    parts = {
        "replicas": 2,
        "serviceName": "db",
        "podManagementPolicy": "Parallel",
        "selector": {"matchLabels": {"app": "db"}},
        "template": {"metadata": {"labels": {"app": "db"}}, "spec": {"containers": [container]}},
        "volumeClaimTemplates": [template],
    }
    await shop.release(obj("StatefulSet", "db", shop.space, spec=parts))
    await shop.make(claim(shop, "data-db-0"), volume(shop, "losses-set-pv-0", "data-db-0"))
    await shop.bind_and_lose(claim(shop, "data-db-1"), volume(shop, "losses-set-pv-1", "data-db-1"))
    async with shop.session(tmp_path) as session:
        plan, entry = await entry_of(session, "StatefulSet")
        assert entry.typed == "db"
        assert entry.losses[0] == "what claims data-db-0 hold comes back: they are there"
        assert "losses-set-pv-1 (5Gi, Released, Retain: what it holds is kept) was claim data-db-1's" in entry.losses[1]
        for line in lines_of(entry.losses):
            await shop.shell(line)
        asked = await session.look(plan, entry)
        assert asked.typed == ""
        outcome = await session.carry_out(plan, asked)
        assert outcome.status is Status.DONE, outcome.text
    await shop.shell(f"kubectl wait pvc/data-db-1 -n {shop.space} --for=create --timeout=60s")
    await shop.becomes("pvc/data-db-1", "Bound")
    assert await shop.volume_of("data-db-1") == "losses-set-pv-1"


async def test_who_may_not_list_volumes_is_asked_for_the_name(
    store: Callable[[str], Store], live_cluster: LiveCluster, tmp_path: Path
) -> None:
    shop = store("losses-blind")
    await shop.release(claim(shop, "data"))
    most = "--verb=get,list --resource=namespaces,secrets,configmaps,services,persistentvolumeclaims,deployments.apps"
    await shop.shell(f"kubectl create clusterrole {shop.space} {most}")
    await shop.shell(f"kubectl create clusterrolebinding {shop.space} --clusterrole={shop.space} --user=viewer")
    async with (
        await connection_from_dict(live_cluster.kubeconfig("viewer"), timeout=20) as poor,
        shop.session(tmp_path, ClusterReader(poor.api)) as session,
    ):
        _, entry = await entry_of(session, "PersistentVolumeClaim")
    await shop.shell(f"kubectl delete clusterrole/{shop.space} clusterrolebinding/{shop.space}")
    assert entry.typed == "data"
    assert (
        "could not verify whether a volume still holds what it held: PersistentVolume: persistentvolumes is"
        in (entry.losses[0])
    )
