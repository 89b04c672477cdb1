"""What is done for a release that is yet to be installed: what its plan says, and what the gate lets through."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.clusters import contract, document, inventory, obj
from tests.ownership.judging import TODAY, active, stale
from tests.ownership.judging import judge as judge_cluster
from tests.recovery.stage import Stage, entry_of, on_stage, ref_of, release_record
from tui.contract.model import Guardrail, Selector
from tui.helm.refusal import OwnerError
from tui.objects import Json, Live
from tui.ownership.assess import assess
from tui.ownership.atomic import DELETES
from tui.ownership.model import Assessment, Forecast, Wish
from tui.recovery.expected import told
from tui.recovery.gate import Look, Refusal, judge, kinds_to_reread, pins_of
from tui.recovery.outcome import Status
from tui.recovery.plan import Action, Plan, PlanKind
from tui.recovery.planner import plan
from tui.recovery.ports import Method
from tui.recovery.report import hand_back, session_json, session_markdown
from tui.recovery.told import wish_of
from tui.recovery.wishes import forecast_of

EXPECTED = "gitops-flux-12345678"
CONTRACT = contract()
LEFT = stale("ServiceAccount", "left")
SUBJECTS = [{"kind": "ServiceAccount", "name": "nobody", "namespace": "apps"}]


def role(name: str) -> Json:
    return {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name}


BOUND = stale("ClusterRoleBinding", "bound", roleRef=role("was"), subjects=SUBJECTS)
WANTED = [document(LEFT), {**document(BOUND), "roleRef": role("shall-be")}]


def manifest(*documents: Json) -> Forecast:
    return forecast_of(yaml.safe_dump_all(documents, explicit_start=True).encode(), "next.yaml")


WISH = Wish(EXPECTED, forecast=manifest(*WANTED))


def judged(*bodies: Json, wish: Wish = WISH) -> Assessment:
    return assess(CONTRACT, inventory(bodies or (LEFT, BOUND)), today=TODAY, wish=wish)


def cleanup(found: Assessment) -> Plan:
    return plan(PlanKind.CLEANUP, CONTRACT, found)


# What a plan says.


def test_the_plan_says_before_anything_what_an_atomic_install_would_delete() -> None:
    found = cleanup(judged())
    (advice,) = (each for each in found.advice if each.startswith(EXPECTED))
    assert advice.startswith(f"{EXPECTED}: {DELETES}; switch that off")
    assert [entry.action for entry in found.entries] == [Action.ADOPT, Action.RECREATE]
    for entry in found.entries:
        assert entry.release == EXPECTED
        assert DELETES in entry.then
        assert "atomic: true" in entry.then


def test_each_entry_says_what_keep_is_worth_to_it() -> None:
    held = stale("ServiceAccount", "left", annotations={"helm.sh/resource-policy": "keep"})
    (entry,) = cleanup(judged(held)).entries
    assert entry.then.endswith("on the live object does not save it then: an uninstall reads the stored manifest")


def test_a_plan_for_a_release_in_force_says_nothing_of_it() -> None:
    found = plan(PlanKind.CLEANUP, CONTRACT, judge_cluster([active(LEFT), LEFT]))
    assert [entry.action for entry in found.entries] == [Action.ADOPT]
    assert "atomic" not in found.entries[0].then
    assert found.advice == ()


def test_what_is_held_up_is_left_out_with_the_reason() -> None:
    found = cleanup(judged(wish=replace(WISH, error=OwnerError(atomic="uninstalled due to atomic being set"))))
    assert found.entries == ()
    assert {why for _, why in found.left_out if "protected (S3): the owner installs atomically" in why}
    assert "the owner installs atomically" in found.advice[0]


def test_a_binding_to_be_made_again_carries_the_document_of_the_manifest() -> None:
    entry = cleanup(judged()).entries[1]
    assert entry.document is not None
    assert entry.document.body["roleRef"]["name"] == "shall-be"
    assert entry.document.sha256 == manifest(*WANTED).whole[1].sha256
    assert entry.typed == "bound", "its subjects lose the rights it grants"


# What the gate lets through.


def look(body: Json, *bodies: Json, wish: Wish = WISH) -> Look:
    found = judged(*(bodies or (LEFT, BOUND)), wish=wish)
    seen = found.inventory.with_object(Live.of(body).key, Live.of(body))
    found = assess(CONTRACT, seen, today=TODAY, wish=wish)
    return Look(found, body, pins_of(CONTRACT, found))


def refusal(body: Json, *bodies: Json, wish: Wish = WISH) -> Refusal | None:
    before = judged()
    planned = cleanup(before)
    name = body["metadata"]["name"]
    return judge(CONTRACT, entry_of(planned, name), planned.pins, look(body, *bodies, wish=wish))


def test_what_was_planned_is_admitted_while_all_is_as_it_was() -> None:
    assert refusal(LEFT) is None
    assert refusal(BOUND) is None


@pytest.mark.parametrize("body", [LEFT, BOUND], ids=["adopt", "recreate"])
def test_a_helm_release_that_appears_meanwhile_and_remediates_stops_it(body: Json) -> None:
    spec = {"releaseName": EXPECTED, "install": {"remediation": {"retries": 2}}}
    refused = refusal(body, LEFT, BOUND, obj("HelmRelease", "flux", spec=spec))
    assert refused is not None
    assert "the owner installs atomically" in refused.why


def test_what_tells_of_an_installer_is_read_again() -> None:
    found = judged()
    (adopt, recreate) = cleanup(found).entries
    for entry in (adopt, recreate):
        assert any(kind.kind == "HelmRelease" for kind in kinds_to_reread(entry, found.inventory))


def other_manifest(**changes: Any) -> Wish:
    return Wish(EXPECTED, forecast=manifest(WANTED[0], {**WANTED[1], **changes}))


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        (other_manifest(subjects=[]), "is not the one that was planned"),
        (other_manifest(roleRef=role("was")), "is now to adopt"),
        (replace(WISH, forecast=replace(WISH.forecast or manifest(*WANTED), whole=())), "is now to protect"),
    ],
    ids=["another document", "the same role after all", "no documents at hand"],
)
def test_a_binding_is_made_again_from_the_very_document_that_was_planned(wish: Wish, said: str) -> None:
    refused = refusal(BOUND, wish=wish)
    assert refused is not None
    assert said in refused.why


def test_a_guardrail_of_the_contract_is_asked_before_it_is_made_again() -> None:
    rail = Guardrail("no-b", Selector(kinds=("ClusterRoleBinding",), names=("bound",)), "not here")
    strict = contract(guardrails=(rail,))
    found = assess(strict, inventory([LEFT, BOUND]), today=TODAY, wish=WISH)
    planned = plan(PlanKind.CLEANUP, strict, found)
    refused = judge(strict, entry_of(planned, "bound"), planned.pins, Look(found, BOUND, pins_of(strict, found)))
    assert refused is not None
    assert "no-b" in refused.why


# A whole session, over real HTTP.


async def installable(folder: Path, wish: Wish = WISH) -> Any:
    return on_stage(folder, standing=(LEFT, BOUND), wish=wish)


async def without_records(stage: Stage) -> None:
    """Loses the record of the release in force, as the incident did."""
    await stage.somebody(Method.DELETE, release_record())


async def test_both_are_carried_out_and_the_owner_is_told_what_to_do_next(tmp_path: Path) -> None:
    async with await installable(tmp_path) as stage:
        await without_records(stage)
        done = await stage.do(PlanKind.CLEANUP, "left")
        assert done.status is Status.DONE, done.text
        done = await stage.do(PlanKind.CLEANUP, "bound")
        assert done.status is Status.DONE, done.text
        body = await stage.there(BOUND)
        assert body["roleRef"]["name"] == "shall-be"
        assert body["metadata"]["annotations"]["meta.helm.sh/release-name"] == EXPECTED
        assert body["metadata"]["uid"] != BOUND["metadata"]["uid"]
        lines = hand_back(stage.session)
        assert any(DELETES in line and line.startswith(f"install {EXPECTED}: ") for line in lines)
        assert DELETES in session_markdown(stage.session)
        assert any(DELETES in line for line in session_json(stage.session)["hand_back"])


async def test_a_manifest_is_tried_in_a_session_and_changes_nothing(tmp_path: Path) -> None:
    wrong = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "new", "labels": {"a": "not a label!"}}}
    wish = Wish(EXPECTED, forecast=manifest(*WANTED, wrong))
    async with await installable(tmp_path, wish) as stage:
        await without_records(stage)
        came = await stage.session.try_expected()
        assert came is not None
        assert [each.ref.name for each in came.refused] == ["new"]
        assert "Invalid value" in told(came)[1]
        assert stage.spy.sent == [], "nothing but dry runs"
        assert (
            await stage.reader.get(ref_of({**wrong, "metadata": {"name": "new", "namespace": "flux-system"}})) is None
        )


async def test_that_the_next_install_is_not_atomic_is_kept_in_the_journal(tmp_path: Path) -> None:
    held = replace(WISH, error=OwnerError(atomic="uninstalled due to atomic being set"))
    async with await installable(tmp_path, held) as stage:
        await without_records(stage)
        assert (await stage.session.plan(PlanKind.CLEANUP)).entries == ()
        stage.session.state(replace(held, not_atomic=True))
        assert len((await stage.session.plan(PlanKind.CLEANUP)).entries) == 2
        assert wish_of(stage.journal.entries) == replace(held, not_atomic=True)


async def test_documents_that_a_journal_left_out_are_taken_from_the_same_file_again(tmp_path: Path) -> None:
    kept = replace(WISH, forecast=replace(WISH.forecast or manifest(*WANTED), whole=()))
    async with await installable(tmp_path, kept) as stage:
        await without_records(stage)
        (entry,) = (await stage.session.plan(PlanKind.CLEANUP)).entries
        assert entry.ref.name == "left"
        before = len(stage.told)
        stage.session.state(WISH)
        assert len(stage.told) == before, "the journal has it already"
        plan_ = await stage.session.plan(PlanKind.CLEANUP)
        assert {entry.ref.name for entry in plan_.entries} == {"left", "bound"}
