"""A small wreck on a practice cluster over real HTTP, a session on it, and somebody else who works there too."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.clusters import contract, document, obj, record
from tui.cluster.connect import Connection, connection_from_dict
from tui.cluster.reader import ClusterReader
from tui.cluster.writer import Writer
from tui.contract.load import load_contract
from tui.contract.model import Contract
from tui.objects import Json, Ref
from tui.ownership.model import Wish
from tui.practice.cluster import PracticeCluster
from tui.recovery.gate import Admitted
from tui.recovery.journal import Journal
from tui.recovery.outcome import Outcome
from tui.recovery.plan import Entry, Plan, PlanKind
from tui.recovery.ports import Answer, Identity, Method, Request
from tui.recovery.session import Session, Tools

SHIPPED = Path(__file__).parents[2] / "ownership.yaml"
ACTIVE, STALE = "gitops-flux-0000aaaa", "gitops-flux-ffff0000"
SPACE = "flux-system"
RBAC = "rbac.authorization.k8s.io"


def role_ref(name: str) -> Json:
    return {"apiGroup": RBAC, "kind": "ClusterRole", "name": name}


SUBJECTS = [{"kind": "ServiceAccount", "name": "nobody", "namespace": "apps"}]
LOST = obj("Service", "lost", spec={"ports": [{"port": 80}], "selector": {"app": "lost"}})
KEPT = obj("ServiceAccount", "kept", release=STALE)
GONE = obj("NetworkPolicy", "gone", release=STALE, spec={"podSelector": {"matchLabels": {"app": "nothing"}}})
BOUND = obj("ClusterRoleBinding", "bound", release=STALE, roleRef=role_ref("before"), subjects=SUBJECTS)
READS = obj("ClusterRole", "reads", release=STALE, rules=[])
READER = obj("ClusterRoleBinding", "reader", release=STALE, roleRef=role_ref("reads"), subjects=[])
LISTED = (LOST, KEPT, {**BOUND, "roleRef": role_ref("after")})
STANDING = (KEPT, GONE, BOUND, READS, READER)


def release_record(method: str = "csa", documents: Iterable[Json] = LISTED, revision: int = 1, **more: Any) -> Json:
    return record(ACTIVE, revision, documents=[document(each) for each in documents], method=method, **more)


@dataclass
class Spy:
    """The one writer, listened to. ``before`` runs ahead of each request that is no dry run, ``after`` behind it."""

    writer: Writer
    sent: list[Request] = field(default_factory=list)
    before: Callable[[Request], Awaitable[None]] | None = None
    after: Callable[[Request], Awaitable[None]] | None = None

    async def send(self, admitted: Admitted) -> Answer:
        request = admitted.request
        if request.dry_run:
            return await self.writer.send(admitted)
        self.sent.append(request)
        if self.before:
            await self.before(request)
        answer = await self.writer.send(admitted)
        if self.after:
            await self.after(request)
        return answer


@dataclass(frozen=True)
class Let:
    """Lets somebody else's request through the writer."""

    request: Request


class Stage:
    """The cluster, the session on it, its journal, and ``other``: another client of the same API server."""

    def __init__(
        self, cluster: PracticeCluster, own: Connection, other: Connection, folder: Path, **options: Any
    ) -> None:
        rules: Contract = options.pop("rules", None) or contract()
        wish: Wish | None = options.pop("wish", None)
        options.setdefault("pause", pause)
        self.cluster = cluster
        self.reader = ClusterReader(own.api)
        self.spy = Spy(Writer(own.api))
        self.journal = Journal.create(folder / "journal", {"context": "practice"}, now)
        self.session = Session(
            rules,
            Identity("practice", own.server, None, "admin", rules.name),
            Tools(self.reader, self.spy, self.journal, now, **options),
            wish,
        )
        self._other = Writer(other.api)

    async def ask(self, kind: PlanKind, name: str) -> tuple[Plan, Any]:
        """A fresh plan, and the question about one of its entries."""
        plan = await self.session.plan(kind)
        return plan, await self.session.look(plan, entry_of(plan, name))

    async def do(self, kind: PlanKind, name: str) -> Outcome:
        """Plans, looks and carries out one entry, its name typed where that is asked for."""
        plan, asked = await self.ask(kind, name)
        assert asked.allowed, asked.refusal
        return await self.session.carry_out(plan, asked, asked.typed)

    async def get(self, body: Json) -> Json | None:
        """An object as it stands."""
        return await self.reader.get(ref_of(body))

    async def there(self, body: Json) -> Json:
        """An object that must stand."""
        found = await self.get(body)
        assert found is not None
        return found

    async def somebody(self, method: Method, body: Json, change: Any = None, manager: str = "somebody") -> None:
        """Another client changes something, over HTTP."""
        if method is Method.DELETE:
            manager, change = "", {"propagationPolicy": "Background"}
        await self._other.send(Let(Request(method, ref_of(body), change or bare(body), manager)))

    async def somebody_edits(self, body: Json, **parts: Any) -> None:
        await self.somebody(Method.MERGE_PATCH, body, parts)

    async def managers(self, body: Json) -> list[tuple[str, str]]:
        """(manager, operation) of every entry that is no subresource's."""
        entries = (await self.there(body))["metadata"]["managedFields"]
        return [(e["manager"], e["operation"]) for e in entries if not e.get("subresource")]

    @property
    def told(self) -> list[str]:
        """The kinds of the journal's entries as they are on disk, from the first on."""
        return [json.loads(line)["kind"] for line in self.journal.path.read_text().splitlines()]


def ref_of(body: Json) -> Ref:
    meta = body["metadata"]
    return Ref(body["apiVersion"], body["kind"], meta.get("namespace"), meta["name"])


def bare(body: Json) -> Json:
    """An object without what only a server may say."""
    own = ("uid", "resourceVersion", "managedFields")
    return {**body, "metadata": {k: v for k, v in body["metadata"].items() if k not in own}}


def entry_of(plan: Plan, name: str) -> Entry:
    return next(entry for entry in plan.all if entry.ref.name == name)


def now() -> datetime:
    return datetime.now(UTC)


async def pause(seconds: float) -> None:
    """No test waits: what is waited for is there, or never will be."""


@asynccontextmanager
async def on_stage(
    folder: Path,
    *,
    method: str = "csa",
    standing: Iterable[Json] = STANDING,
    listed: Iterable[Json] = LISTED,
    **more: Any,
) -> AsyncIterator[Stage]:
    """The wreck: a release in force that lacks a Service, and what an older one left."""
    async with PracticeCluster(seed=7) as cluster:
        create = cluster.runner.create
        for name in (SPACE, "apps"):
            create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}, "admin")
        create(bare(release_record(method, listed)), "helm")
        for body in standing:
            create(bare(body), "helm")
        await cluster.settle()
        config = cluster.kubeconfig()
        async with await connection_from_dict(config) as own, await connection_from_dict(config) as other:
            stage = Stage(cluster, own, other, folder, **more)
            try:
                yield stage
            finally:
                stage.journal.close()


@asynccontextmanager
async def on_drill(folder: Path, name: str, **more: Any) -> AsyncIterator[Stage]:
    """A drill's cluster under the shipped contract: with Flux, its controllers and what they own."""
    async with PracticeCluster.drill(name) as cluster:
        config = cluster.kubeconfig()
        async with await connection_from_dict(config) as own, await connection_from_dict(config) as other:
            stage = Stage(cluster, own, other, folder, rules=load_contract(SHIPPED), **more)
            try:
                yield stage
            finally:
                stage.journal.close()
