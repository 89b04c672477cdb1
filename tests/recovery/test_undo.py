"""What a session did is put back, one confirmed resource at a time, and left as its former managers had it."""

import copy
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.clusters import contract
from tests.recovery.killable import Killed, Killer, Tapped, as_is, identity_of, journal_in, killing, now, pause, recover
from tests.recovery.stage import BOUND, GONE, KEPT, LOST, Let, bare, ref_of
from tests.recovery.test_kill_points import MADE_BY_OTHERS, wrecked
from tui.cluster.connect import Connection
from tui.cluster.reader import ClusterReader
from tui.cluster.writer import Writer
from tui.contract.model import Contract, Guardrail, Selector
from tui.objects import Json, Ref
from tui.practice.cluster import PracticeCluster
from tui.practice.patch import json_patch
from tui.recovery import undo
from tui.recovery.backup import dump_backup
from tui.recovery.gate import fingerprint
from tui.recovery.journal import Journal, backup_path, load_backup, read_journal, sessions
from tui.recovery.outcome import Outcome, Status
from tui.recovery.plan import Action, Entry, Pins, Plan
from tui.recovery.ports import Method, Request
from tui.recovery.session import Session, Tools
from tui.recovery.undo import NEVER, Deed, Past, past_of


def everything(cluster: PracticeCluster) -> list[Json]:
    """The cluster but for what the session created, which no undo takes away."""
    bodies = [body for _, body in cluster.world.store.objects() if body["kind"] not in MADE_BY_OTHERS]
    return as_is([body for body in bodies if body["metadata"]["name"] != LOST["metadata"]["name"]])


@dataclass
class Scene:
    """A cluster on which a session came to its end, and that session as any later process reads it."""

    cluster: PracticeCluster
    connection: Connection
    folder: Path
    before: list[Json]

    @property
    def journal(self) -> Path:
        """The journal of the session that is to be undone."""
        return sessions(self.folder)[0].path

    def past(self, journal: Path | None = None) -> Past:
        path = journal or self.journal
        return past_of(path.stem, read_journal(path).entries, lambda name: load_backup(backup_path(path, name)))

    @asynccontextmanager
    async def session(
        self, rules: Contract | None = None, tapped: Tapped | None = None
    ) -> AsyncIterator[tuple[Session, Tapped]]:
        tapped = tapped or self.tap(Killer())
        identity = await identity_of(self.connection)
        journal = journal_in(self.folder, identity)
        try:
            tools = Tools(ClusterReader(self.connection.api), tapped, journal, now, pause)
            session = Session(rules or contract(), identity, tools)
            if len(journal.entries) > 1:
                await session.take_up()
            yield session, tapped
        finally:
            journal.close()

    def tap(self, killer: Killer) -> Tapped:
        return Tapped(Writer(self.connection.api), killer)

    async def somebody(self, method: Method, body: Json, change: Any = None) -> None:
        if method is Method.DELETE:
            change = {"propagationPolicy": "Background"}
        manager = "" if method is Method.DELETE else "somebody"
        await Writer(self.connection.api).send(Let(Request(method, ref_of(body), change or bare(body), manager)))

    async def get(self, body: Json) -> Json | None:
        return await ClusterReader(self.connection.api).get(ref_of(body))


@asynccontextmanager
async def undone(folder: Path, method: str = "csa") -> AsyncIterator[Scene]:
    """A session that created, adopted, recreated and deleted, ended well."""
    async with wrecked(method) as (cluster, connection):
        scene = Scene(cluster, connection, folder, everything(cluster))
        await recover(connection, folder, Tapped(Writer(connection.api), Killer()))
        yield scene


async def put_back(session: Session, past: Past) -> tuple[Plan, list[Outcome]]:
    plan = await session.plan_undo(past)
    outcomes = []
    for entry in plan.entries:
        asked = await session.look(plan, entry)
        assert asked.allowed, asked.refusal
        outcomes.append(await session.carry_out(plan, asked, asked.typed))
    await session.close()
    return plan, outcomes


@pytest.mark.parametrize("method", ["csa", "ssa"])
async def test_undo_brings_everything_back_but_what_was_created(tmp_path: Path, method: str) -> None:
    async with undone(tmp_path, method) as scene:
        assert everything(scene.cluster) != scene.before
        async with scene.session() as (session, _):
            plan, outcomes = await put_back(session, scene.past())
        assert [o.status for o in outcomes] == [Status.DONE] * 3, [o.text for o in outcomes]
        assert everything(scene.cluster) == scene.before
    assert [entry.ref.name for entry in plan.entries] == ["gone", "bound", "kept"], "the last deed first"
    assert [entry.typed for entry in plan.entries] == ["", "bound", ""], "who gives rights back types the name"
    assert plan.advice == (NEVER,)
    ((ref, why),) = plan.left_out
    assert ref.name == "lost"
    assert "undo deletes nothing" in why
    assert "kubectl delete service lost -n flux-system" in why
    assert all(each.reading.intact and each.reading.closed for each in sessions(tmp_path))


async def test_an_undo_is_undone_as_far_as_nothing_has_to_be_deleted(tmp_path: Path) -> None:
    async with undone(tmp_path) as scene:
        after = everything(scene.cluster)
        async with scene.session() as (session, _):
            await put_back(session, scene.past())
        async with scene.session() as (session, _):
            plan, outcomes = await put_back(session, scene.past(sessions(tmp_path)[1].path))
        assert [o.status for o in outcomes] == [Status.DONE] * 2, [o.text for o in outcomes]
        await scene.somebody(Method.DELETE, GONE)
        assert everything(scene.cluster) == after
    assert [ref.name for ref, _ in plan.left_out] == ["gone"]


async def test_an_undo_that_is_killed_goes_on(tmp_path: Path) -> None:
    async with undone(tmp_path / "count", "ssa") as scene:
        killer = Killer()
        with killing(killer):
            async with scene.session(tapped=scene.tap(killer)) as (session, unkilled):
                await put_back(session, scene.past())
    assert killer.count > 30
    for at in range(2, killer.count, 4):
        async with undone(tmp_path / str(at), "ssa") as scene:
            past = scene.past()
            first, second = scene.tap(Killer(at)), scene.tap(Killer())
            with killing(first.killer), pytest.raises(Killed):
                async with scene.session(tapped=first) as (session, _):
                    await put_back(session, past)
            async with scene.session(tapped=second) as (session, _):
                await put_back(session, past)
            assert everything(scene.cluster) == scene.before, at
        assert sorted([*first.done, *second.done]) == sorted(unkilled.done), at


async def stands_again(scene: Scene) -> None:
    await scene.somebody(Method.CREATE, GONE)


async def edited(scene: Scene) -> None:
    await scene.somebody(Method.MERGE_PATCH, KEPT, {"metadata": {"annotations": {"mine": "now"}}})


async def made_again(scene: Scene) -> None:
    await scene.somebody(Method.DELETE, KEPT)
    await scene.somebody(Method.CREATE, KEPT)


async def gone(scene: Scene) -> None:
    await scene.somebody(Method.DELETE, BOUND)


Meanwhile = Callable[[Scene], Awaitable[None]]


@pytest.mark.parametrize(
    ("meanwhile", "name", "told"),
    [
        (stands_again, "gone", "exists meanwhile, made by somebody"),
        (edited, "kept", "has changed since that session left it"),
        (made_again, "kept", "is another object now"),
        (gone, "bound", "is gone"),
    ],
)
async def test_nothing_is_put_back_over_what_changed_since(
    tmp_path: Path, meanwhile: Meanwhile, name: str, told: str
) -> None:
    async with undone(tmp_path) as scene, scene.session() as (session, tapped):
        plan = await session.plan_undo(scene.past())
        entry = next(each for each in plan.entries if each.ref.name == name)
        asked = await session.look(plan, entry)
        assert asked.allowed, asked.refusal
        await meanwhile(scene)
        outcome = await session.carry_out(plan, asked, asked.typed)
        again = await session.look(plan, entry)
    assert outcome.status is Status.REFUSED
    assert told in outcome.text
    assert told in again.refusal
    assert tapped.done == []


def cut(path: Path) -> None:
    path.write_text(path.read_text()[:-20])


def changed(path: Path) -> None:
    path.write_text(path.read_text().replace("gitops-flux-ffff0000", "gitops-flux-ffff0001"))


@pytest.mark.parametrize(
    ("spoil", "told"), [(cut, "cut short or changed"), (changed, "cut short or changed"), (Path.unlink, "no such file")]
)
async def test_a_spoilt_backup_is_refused_by_its_name(tmp_path: Path, spoil: Callable[[Path], None], told: str) -> None:
    async with undone(tmp_path) as scene, scene.session() as (session, _):
        backup = next(scene.journal.with_suffix("").glob("*-gone.yaml"))
        spoil(backup)
        plan = await session.plan_undo(scene.past())
    why = {ref.name: why for ref, why in plan.left_out}["gone"]
    assert told in why
    assert backup.name in why
    assert [entry.ref.name for entry in plan.entries] == ["bound", "kept"]


async def test_another_cluster_and_open_ends_undo_nothing(tmp_path: Path) -> None:
    async with undone(tmp_path) as scene, scene.session() as (session, _):
        past = scene.past()
        other = await session.plan_undo(replace(past, cluster="another"))
        open_ended = await session.plan_undo(replace(past, open=2))
    assert (other.entries, open_ended.entries) == ((), ())
    assert "acted on another cluster: another" in other.advice[0]
    assert "left 2 actions in doubt: take it up first" in open_ended.advice[0]


async def test_the_contract_of_today_counts(tmp_path: Path) -> None:
    rail = Guardrail("no-policies", Selector(kinds=("NetworkPolicy",)), "not here")
    rules = contract(sha256="1" * 64, guardrails=(rail,))
    async with undone(tmp_path) as scene, scene.session(rules) as (session, _):
        plan = await session.plan_undo(scene.past())
        refusals = {entry.ref.name: (await session.look(plan, entry)).refusal for entry in plan.entries}
    assert "the contract has changed since that session" in plan.advice[1]
    assert "guardrail no-policies denies NetworkPolicy flux-system/gone: not here" in refusals.pop("gone")
    assert set(refusals.values()) == {""}


async def test_what_would_be_deleted_again_at_once_is_not_brought_back(tmp_path: Path) -> None:
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "root", "uid": "nobody"}
    async with undone(tmp_path) as scene, scene.session() as (session, _):
        past = scene.past()
        deeds = []
        for deed in past.deeds:
            meta = (deed.saved or {}).get("metadata", {}) | {"ownerReferences": [owner]}
            deeds.append(replace(deed, saved={**deed.saved, "metadata": meta} if deed.saved else None))
        plan = await session.plan_undo(replace(past, deeds=tuple(deeds)))
        asked = await session.look(plan, next(each for each in plan.entries if each.ref.name == "gone"))
    assert "belonged to ConfigMap root, which is gone" in asked.refusal


async def test_the_gate_admits_no_other_request_for_a_restoration(tmp_path: Path) -> None:
    async with undone(tmp_path) as scene, scene.session() as (session, _):
        plan = await session.plan_undo(scene.past())
        for entry in plan.entries:
            body = await scene.get({"apiVersion": entry.ref.api_version, "kind": entry.ref.kind, **(entry.saved or {})})
            request = undo.first(entry, body, dry_run=False)
            assert undo.fits(entry, body, request)
            other = {"kind": "Other"} if isinstance(request.body, dict) else [*request.body, {"op": "remove"}]
            assert not undo.fits(entry, body, replace(request, body=other))
            assert not undo.fits(entry, body, replace(request, manager="refloat"))
            assert not undo.fits(entry, body, replace(request, ref=replace(request.ref, name="other")))
            if body is not None:
                stale = {**body, "metadata": body["metadata"] | {"resourceVersion": "1"}}
                assert not undo.fits(entry, stale, request)


def test_a_session_without_entries_did_nothing(tmp_path: Path) -> None:
    with Journal.create(tmp_path, {"cluster": "c"}, now) as journal:
        past = past_of("x", journal.entries, journal.recall)
    assert past == Past("x", "c", "", ())
    assert past_of("x", (), journal.recall).cluster is None


def deed(action: Action, saved: Json | None, uid: str | None, **parts: Any) -> Deed:
    ref = Ref.of(saved) if saved else ref_of(LOST)
    about = Entry(action, ref, "gitops-flux", "gitops-flux-ffff0000", "why", "owner", "then")
    return Deed(about, saved, "s/0001.yaml", uid, parts.pop("left", "f" * 64), **parts)


def planned(*deeds: Deed) -> Plan:
    return undo.plan(contract(), Pins("c", "test", "0" * 64, ()), Past("s", "c", "0" * 64, deeds))


def uid(body: Json) -> str:
    return str(body["metadata"]["uid"])


def test_several_deeds_on_one_object_are_undone_at_once() -> None:
    before, between = {**KEPT, "secrets": []}, {**KEPT, "secrets": [{"name": "a"}]}
    plan = planned(
        deed(Action.REPAIR, before, uid(KEPT), left="1" * 64), deed(Action.ADOPT, between, uid(KEPT), left="2" * 64)
    )
    (entry,) = plan.entries
    assert (entry.saved, entry.left, entry.ref.uid) == (before, "2" * 64, uid(KEPT))
    assert planned(deed(Action.CREATE, None, "u"), deed(Action.ADOPT, LOST, "u")).entries == ()


def test_records_that_were_retired_come_back_by_typing_the_release() -> None:
    (entry,) = planned(deed(Action.RETIRE, GONE, None)).entries
    assert (entry.typed, entry.ref.uid) == ("gitops-flux-ffff0000", None)
    assert "helm knows gitops-flux-ffff0000 again" in entry.then


@pytest.mark.parametrize(
    ("done", "told"),
    [
        (deed(Action.CREATE, None, "u"), "undo deletes nothing"),
        (deed(Action.RECONCILE, KEPT, uid(KEPT)), "there is nothing to put back"),
        (deed(Action.UNFINALIZE, KEPT, uid(KEPT)), "there is nothing to put back"),
        (deed(Action.ADOPT, KEPT, uid(KEPT), left=""), "does not say how ServiceAccount flux-system/kept was left"),
        (deed(Action.DELETE, GONE, None, fault="the backup x was cut"), "the backup x was cut"),
    ],
)
def test_what_cannot_be_put_back_says_why(done: Deed, told: str) -> None:
    plan = planned(done)
    assert plan.entries == ()
    ((_, why),) = plan.left_out
    assert told in why


VALUES = st.recursive(st.none() | st.booleans() | st.text(max_size=3), lambda inner: st.lists(inner, max_size=2))
FIELDS = st.dictionaries(st.sampled_from(["spec", "data", "a/b", "c~d", "~1"]), VALUES, max_size=4)
NAMES = st.none() | st.dictionaries(st.sampled_from(["a", "b/c"]), st.text(max_size=2), max_size=2)


def body_of(version: str, fields: Json, labels: Json | None, annotations: Json | None) -> Json:
    meta: Json = {"name": "x", "uid": "u", "resourceVersion": version}
    meta |= {"labels": labels} if labels is not None else {}
    meta |= {"annotations": annotations} if annotations is not None else {}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, **fields, "status": {"version": version}}


@given(FIELDS, NAMES, NAMES, FIELDS, NAMES, NAMES)
def test_the_patch_makes_an_object_say_what_was_saved_and_nothing_else(
    before: Json, labels: Json | None, annotations: Json | None, now_: Json, other: Json | None, more: Json | None
) -> None:
    saved, live = body_of("1", before, labels, annotations), body_of("7", now_, other, more)
    about = replace(deed(Action.ADOPT, saved, "u").entry, action=Action.RESTORE, saved=saved, ref=Ref.of(saved))
    request = undo.first(about, live, dry_run=False)
    assert request.method is Method.JSON_PATCH
    patched = json_patch(copy.deepcopy(live), request.body)
    assert patched["status"] == live["status"]
    assert patched["metadata"]["resourceVersion"] == "7"
    assert fingerprint(patched) == fingerprint(saved)


async def test_nothing_is_put_back_from_a_copy_that_was_exchanged(tmp_path: Path) -> None:
    async with undone(tmp_path) as scene:
        (path,) = scene.folder.glob("*/*ServiceAccount-*kept*.yaml")
        path.write_text(dump_backup(load_backup(path) | {"secrets": [{"name": "planted"}]}))
        deeds = {each.entry.ref.name: each for each in scene.past().deeds}
        assert "is not the one that was saved" in deeds["kept"].fault
        assert all(not each.fault for name, each in deeds.items() if name != "kept")
        async with scene.session() as (session, _):
            plan = await session.plan_undo(scene.past())
    assert "is not the one that was saved" in next(why for ref, why in plan.left_out if ref.name == "kept")
    assert all(entry.ref.name != "kept" for entry in plan.entries)


@pytest.mark.parametrize("digest", [None, "", 5, ["x"]])
async def test_nothing_is_put_back_from_a_copy_that_the_journal_does_not_vouch_for(
    tmp_path: Path, digest: object
) -> None:
    async with undone(tmp_path) as scene:
        entries = read_journal(scene.journal).entries
        torn = [
            replace(each, fields={**each.fields, "sha256": digest}) if each.kind == "saved" else each
            for each in entries
        ]

        def recall(name: str) -> Json:
            return load_backup(backup_path(scene.journal, name))

        assert all(not deed.fault for deed in past_of("s", entries, recall).deeds)
        faults = [deed.fault for deed in past_of("s", torn, recall).deeds if deed.source]
    assert len(faults) == 3
    assert all("is not the one that was saved" in fault for fault in faults)
