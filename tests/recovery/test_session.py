"""A session against the practice cluster: drills walked to their end, and what each action leaves behind."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests import schemas
from tests.clusters import obj
from tests.recovery.stage import (
    ACTIVE,
    BOUND,
    GONE,
    KEPT,
    LOST,
    READER,
    READS,
    SPACE,
    STALE,
    STANDING,
    entry_of,
    now,
    on_stage,
)
from tui.cluster.connect import connection_from_dict
from tui.cluster.reader import ClusterReader
from tui.cluster.writer import Writer
from tui.contract.load import load_contract
from tui.faults import Exit
from tui.objects import Json
from tui.ownership.assess import assess
from tui.ownership.model import Assessment, Wish
from tui.practice.cluster import PracticeCluster
from tui.practice.drills import check, load_drill
from tui.recovery.health import HealthVerdict
from tui.recovery.journal import Journal, load_backup, read_journal
from tui.recovery.outcome import Status
from tui.recovery.plan import Action, PlanKind
from tui.recovery.ports import Identity, Method
from tui.recovery.report import session_json, session_markdown
from tui.recovery.session import Session, Tools

SHIPPED = Path(__file__).parents[2] / "ownership.yaml"
METHODS = [("csa", "Update"), ("ssa", "Apply")]


@pytest.mark.parametrize(
    ("drill", "expected", "actions"),
    [
        ("controllers-missing", None, {Action.CREATE}),
        ("stale-release", None, {Action.ADOPT, Action.DELETE}),
        ("active-release-trap", None, {Action.ADOPT, Action.DELETE}),
        ("healthy", None, set()),
        ("two-owners", None, {Action.RECREATE}),
        ("refused-install", "gitops-flux-5d41aa0c", {Action.ADOPT}),
    ],
)
async def test_a_drill_is_walked_to_its_end(
    tmp_path: Path, drill: str, expected: str | None, actions: set[Action]
) -> None:
    rules = load_contract(SHIPPED)
    told = load_drill(drill)
    async with (
        PracticeCluster.drill(told) as cluster,
        await connection_from_dict(cluster.kubeconfig()) as connection,
    ):
        reader = ClusterReader(connection.api)
        identity = Identity("practice", connection.server, None, "admin", rules.name)
        journal = Journal.create(tmp_path / "journal", {"context": "practice"}, now)
        wish = Wish(expected=expected)
        tools = Tools(reader, Writer(connection.api), journal, lambda: datetime.now(UTC))
        session = Session(rules, identity, tools, wish)
        await session.refresh()
        for kind in (PlanKind.REPLAY, PlanKind.CLEANUP):
            plan = await session.plan(kind)
            for entry in plan.entries:
                asked = await session.look(plan, entry)
                outcome = await session.carry_out(plan, asked, entry.typed)
                assert outcome.status is Status.DONE, outcome
        await cluster.settle()
        health = await session.verify()
        verdict = await check(cluster, told)
        document_ = session_json(session)
        await session.close()
    assert verdict.reached
    assert not verdict.risky
    assert {outcome.entry.action for outcome in session.outcomes} == actions
    assert health.verdict is HealthVerdict.HEALTHY
    Draft202012Validator(schemas.SESSION).validate(document_)
    assert session.exit_code is Exit.CLEAN
    assert not read_journal(journal.path).fault
    assert read_journal(journal.path).closed
    handed = [line for line in document_["hand_back"] if "pulumi refresh" in line]
    if expected is None:
        assert all(
            line.startswith("Pulumi: pulumi refresh --yes finds nothing to do for gitops-flux") for line in handed
        )
    else:
        assert handed[0].startswith("Pulumi: not pulumi refresh --yes while no release of gitops-flux is in force")
        assert f"pin the release's name to {expected}" in "".join(document_["hand_back"])
    assert handed


@pytest.mark.parametrize(("method", "operation"), METHODS)
async def test_what_is_created_is_as_its_release_would_have_left_it(
    tmp_path: Path, method: str, operation: str
) -> None:
    async with on_stage(tmp_path, method=method) as stage:
        assert (await stage.do(PlanKind.REPLAY, "lost")).status is Status.DONE
        made = await stage.there(LOST)
        assert await stage.managers(LOST) == [("helm", operation)]
    assert made["metadata"]["annotations"] == {
        "meta.helm.sh/release-name": ACTIVE,
        "meta.helm.sh/release-namespace": SPACE,
    }
    assert made["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "Helm"


@pytest.mark.parametrize(("method", "operation"), METHODS)
@pytest.mark.parametrize("body", [KEPT, BOUND], ids=["adopted", "recreated"])
async def test_what_is_taken_over_is_held_by_the_releases_own_manager_alone(
    tmp_path: Path, method: str, operation: str, body: Json
) -> None:
    async with on_stage(tmp_path, method=method) as stage:
        before = await stage.there(body)
        outcome = await stage.do(PlanKind.CLEANUP, body["metadata"]["name"])
        assert outcome.status is Status.DONE, outcome
        after = await stage.there(body)
        assert await stage.managers(body) == [("helm", operation)]
    assert after["metadata"]["annotations"]["meta.helm.sh/release-name"] == ACTIVE
    recreated = outcome.entry.action is Action.RECREATE
    assert (after["metadata"]["uid"] != before["metadata"]["uid"]) is recreated
    if recreated:
        assert after["roleRef"]["name"] == "after"


async def test_what_kubectl_applied_is_handed_to_the_release(tmp_path: Path) -> None:
    async with on_stage(tmp_path, method="ssa", standing=()) as stage:
        await stage.somebody(Method.APPLY, LOST, manager="kubectl")
        outcome = await stage.do(PlanKind.CLEANUP, "lost")
        assert (outcome.status, outcome.entry.action) == (Status.DONE, Action.ADOPT)
        assert await stage.managers(LOST) == [("helm", "Apply")]


@pytest.mark.parametrize("marks", [{}, {"labels": None, "annotations": None}])
async def test_an_object_without_any_mark_is_stamped(tmp_path: Path, marks: Json) -> None:
    body = obj("ServiceAccount", "kept")
    body["metadata"] = {"name": "kept", "namespace": SPACE} | marks
    async with on_stage(tmp_path, standing=()) as stage:
        await stage.somebody(Method.CREATE, body)
        outcome = await stage.do(PlanKind.CLEANUP, "kept")
        after = await stage.there(body)
    assert (outcome.status, outcome.entry.action) == (Status.DONE, Action.ADOPT)
    assert after["metadata"]["annotations"]["meta.helm.sh/release-name"] == ACTIVE


async def test_what_is_deleted_was_saved_whole_and_the_journal_says_so_before(tmp_path: Path) -> None:
    async with on_stage(tmp_path) as stage:
        before = await stage.there(GONE)
        assert (await stage.do(PlanKind.CLEANUP, "gone")).status is Status.DONE
        assert await stage.get(GONE) is None
        entries = [entry for entry in stage.journal.entries if entry.fields.get("entry")]
    assert [entry.kind for entry in entries] == ["confirmed", "saved", "sending", "answered", "done"]
    assert load_backup(Path(entries[1].fields["backup"])) == before
    assert entries[2].fields["resource_version"] == before["metadata"]["resourceVersion"]
    assert entries[2].fields["ref"]["uid"] == before["metadata"]["uid"]


async def test_users_leave_before_what_they_use_and_skipping_one_keeps_the_other(tmp_path: Path) -> None:
    async with on_stage(tmp_path) as stage:
        plan, asked = await stage.ask(PlanKind.CLEANUP, "reads")
        assert not asked.allowed
        assert "used by ClusterRoleBinding reader" in asked.refusal
        refused = await stage.session.carry_out(plan, asked)
        assert refused.status is Status.REFUSED
        stage.session.skip(entry_of(plan, "reader"))
        again = await stage.session.plan(PlanKind.CLEANUP)
        assert {entry.ref.name for entry in again.entries} == {"kept", "bound", "gone"}
        assert {ref.name: why for ref, why in again.left_out} == {
            "reader": "skipped by the operator",
            "reads": "rests on an entry that was skipped",
        }
        assert not (await stage.session.look(plan, entry_of(plan, "reads"))).allowed
        assert await stage.get(READS)
        assert await stage.get(READER)
    assert stage.spy.sent == []


@pytest.mark.parametrize("typed", ["", "BOUND", "bound ", "y", "gone"])
async def test_a_binding_goes_only_when_its_name_is_typed(tmp_path: Path, typed: str) -> None:
    async with on_stage(tmp_path) as stage:
        plan, asked = await stage.ask(PlanKind.CLEANUP, "bound")
        assert asked.allowed
        outcome = await stage.session.carry_out(plan, asked, typed)
        assert outcome.status is Status.REFUSED
        assert "name was to be typed: bound" in outcome.text
        assert stage.spy.sent == []
        codes = [stage.session.exit_code]
        done = await stage.session.carry_out(plan, asked, "bound")
        assert done.status is Status.DONE
        assert [*codes, stage.session.exit_code] == [Exit.BLOCKED, Exit.CLEAN]


async def test_looking_changes_nothing(tmp_path: Path) -> None:
    async with on_stage(tmp_path) as stage:
        before = {body["metadata"]["name"]: await stage.get(body) for body in (*STANDING, LOST)}
        for kind in PlanKind:
            plan = await stage.session.plan(kind)
            for entry in plan.entries:
                await stage.session.look(plan, entry)
        assert {body["metadata"]["name"]: await stage.get(body) for body in (*STANDING, LOST)} == before
    assert stage.spy.sent == []
    assert "sending" not in stage.told


async def test_nothing_is_done_twice(tmp_path: Path) -> None:
    async with on_stage(tmp_path) as stage:
        for kind, name in (
            (PlanKind.REPLAY, "lost"),
            (PlanKind.CLEANUP, "kept"),
            (PlanKind.CLEANUP, "bound"),
            (PlanKind.CLEANUP, "gone"),
        ):
            plan, asked = await stage.ask(kind, name)
            first = await stage.session.carry_out(plan, asked, asked.entry.typed)
            sent = len(stage.spy.sent)
            second = await stage.session.carry_out(plan, asked, asked.entry.typed)
            assert (first.status, second.status) == (Status.DONE, Status.REFUSED)
            assert len(stage.spy.sent) == sent


async def test_what_is_not_in_the_plan_is_not_done(tmp_path: Path) -> None:
    async with on_stage(tmp_path) as stage:
        _, asked = await stage.ask(PlanKind.CLEANUP, "gone")
        other = await stage.session.plan(PlanKind.REPLAY)
        outcome = await stage.session.carry_out(other, asked)
        assert "not part of this plan" in outcome.text
        assert stage.spy.sent == []


async def test_a_stored_secret_is_replayed_as_it_was_and_shown_masked(tmp_path: Path) -> None:
    value = "cXp4LXBhc3N3b3Jk"
    lost = obj("Secret", "password", data={"password": value})
    async with on_stage(tmp_path, listed=(lost,), standing=()) as stage:
        plan, asked = await stage.ask(PlanKind.REPLAY, "password")
        outcome = await stage.session.carry_out(plan, asked)
        made = await stage.there(lost)
        texts = [*asked.diff, asked.live_yaml, str(outcome), session_markdown(stage.session)]
        texts += [str(session_json(stage.session)), stage.journal.path.read_text()]
    assert made["data"] == {"password": value}
    assert not [text for text in texts if value in text]
    assert "*** (16 characters)" in asked.live_yaml


async def test_the_report_tells_what_was_seen_done_and_left(tmp_path: Path) -> None:
    held = obj("ConfigMap", "held", release=STALE, finalizers=["example.org/x"])
    async with on_stage(tmp_path, standing=(*STANDING, held)) as stage:
        await stage.session.refresh()
        await stage.do(PlanKind.REPLAY, "lost")
        plan, asked = await stage.ask(PlanKind.CLEANUP, "bound")
        await stage.session.carry_out(plan, asked, "wrong")
        stage.session.skip(entry_of(plan, "gone"))
        await stage.session.verify()
        text, found = session_markdown(stage.session), session_json(stage.session)
    Draft202012Validator(schemas.SESSION).validate(found)
    assert [outcome["status"] for outcome in found["outcomes"]] == ["done", "refused", "skipped"]
    assert found["before"] == "block"
    for told in (
        "## Done (1)",
        "## Refused (1)",
        "## Skipped (1)",
        "ConfigMap flux-system/held (S8)",
        f"pulumi refresh --yes finds nothing to do for {ACTIVE}: Pulumi looks at the release's record alone",
        f"pin the release's name to {ACTIVE}",
    ):
        assert told in text


async def test_a_crd_is_waited_for_until_it_is_established(tmp_path: Path) -> None:
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    crd = obj(
        "CustomResourceDefinition",
        "gizmos.example.org",
        spec={
            "group": "example.org",
            "scope": "Namespaced",
            "names": {"plural": "gizmos", "singular": "gizmo", "kind": "Gizmo", "listKind": "GizmoList"},
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": schema}],
        },
    )
    async with on_stage(tmp_path, listed=(crd,), standing=()) as stage:
        outcome = await stage.do(PlanKind.REPLAY, "gizmos.example.org")
        assert outcome.status is Status.DONE
        conditions = (await stage.there(crd))["status"]["conditions"]
        assert {"Established": "True"}.items() <= {c["type"]: c["status"] for c in conditions}.items()


async def test_a_judgement_by_an_earlier_word_does_not_outlive_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The operator states a release while a look of before is still being judged."""
    stated = Wish(expected=STALE)
    async with on_stage(tmp_path) as stage:
        wishes: list[Wish] = []

        def judged(*given: Any, wish: Wish, **more: Any) -> Assessment:
            if not wishes:
                stage.session.state(stated)
            wishes.append(wish)
            return assess(*given, wish=wish, **more)

        monkeypatch.setattr("tui.recovery.assessing.assess", judged)
        found = await stage.session.refresh()
    assert wishes == [Wish(), stated]
    assert stage.session.assessment is found
    assert found.families[0].expected == STALE
