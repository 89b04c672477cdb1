"""The documents: their promised shapes over every drill's situation and worse, and Markdown that cannot hurt."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from tests import schemas
from tests.clusters import contract, document, inventory, obj, record
from tui.contract.model import Allow, Contract
from tui.helm.refusal import OwnerError
from tui.objects import Gap, Json, Ref
from tui.ownership.assess import assess
from tui.ownership.dossier import Lookups, dossier
from tui.ownership.model import Assessment, Wish
from tui.recovery import pages, report, unread
from tui.recovery.health import check_health, health_json

ACTIVE, STALE = "gitops-flux-0000aaaa", "gitops-flux-ffff0000"
TODAY = date(2026, 2, 1)
NOW = datetime(2026, 2, 1, tzinfo=UTC)
LOST, KEPT = obj("Service", "lost", spec={}), obj("ServiceAccount", "kept", release=STALE)
GONE = obj("NetworkPolicy", "gone", release=STALE, spec={"podSelector": {"matchLabels": {"a": "b"}}})
HELD = obj("ConfigMap", "held", release=STALE, finalizers=["x/y"])
FOUGHT = obj("ConfigMap", "fought", release=ACTIVE, labels={"kustomize.toolkit.fluxcd.io/name": "apps"})
HOOK = {"name": "check", "kind": "Job", "path": "x", "manifest": "kind: Job", "events": ["pre-install"], "weight": 0}
WRECK = [record(ACTIVE, documents=[document(LOST), document(KEPT)], hooks=[HOOK]), KEPT, GONE, HELD, FOUGHT]
SCENES: dict[str, tuple[list[Json], list[Gap], Wish]] = {
    "nothing": ([], [], Wish()),
    "wreck": (WRECK, [], Wish()),
    "ambiguous": ([record(ACTIVE), record(STALE), KEPT], [], Wish()),
    "settled": ([record(ACTIVE, 3), record(STALE), KEPT], [], Wish(settled=(ACTIVE, 3))),
    "pending": ([record(ACTIVE), record(ACTIVE, 2, "pending-upgrade"), KEPT], [], Wish()),
    "refused": ([KEPT, GONE], [], Wish(expected=ACTIVE)),
    "blind": (WRECK, [Gap("", "Secret", None, "secrets is forbidden")], Wish()),
}


def assessed(scene: str, rules: Contract | None = None) -> Assessment:
    objects, gaps, wish = SCENES[scene]
    return assess(rules or contract(), inventory(objects, gaps), today=TODAY, wish=wish)


def valid(document_: Json) -> Json:
    Draft202012Validator(schemas.BY_NAME[document_["schema"]]).validate(document_)
    return document_


@pytest.mark.parametrize("scene", SCENES)
def test_every_document_keeps_its_promised_shape(scene: str) -> None:
    assessment = assessed(scene)
    valid(report.preflight_json(assessment, "here", contract()))
    valid(report.releases_json(assessment))
    valid(report.owners_json(assessment, assessment.attributions.values()))
    for row in assessment.attributions.values():
        valid(report.explain_json(assessment, contract(), row))
    valid(health_json(check_health(contract(), assessment.inventory, NOW)))


def test_every_document_of_an_unread_cluster_keeps_it_too() -> None:
    for document_ in (
        unread.unread_preflight("here", contract(), "no answer"),
        unread.unread_owners("no answer"),
        unread.unread_releases(contract(), "no answer"),
        unread.unread_explain("Service", None, "a", "no answer"),
    ):
        valid(document_)
        assert "no answer" in str(document_)


@pytest.mark.parametrize(
    ("scene", "state", "active"),
    [
        ("nothing", "absent", None),
        ("wreck", "active", ACTIVE),
        ("ambiguous", "ambiguous", None),
        ("settled", "active", ACTIVE),
        ("pending", "ambiguous", None),
        ("refused", "absent", None),
        ("blind", "unverifiable", None),
    ],
)
def test_the_family_says_its_state(scene: str, state: str, active: str | None) -> None:
    (family,) = report.preflight_json(assessed(scene), "here", contract())["releases"]
    assert (family["state"], family["active"]) == (state, active)


def test_a_release_is_known_by_its_newest_revision_alone() -> None:
    (family,) = report.preflight_json(assessed("pending"), "here", contract())["releases"]
    assert [(each["name"], each["revision"], each["status"]) for each in family["known"]] == [
        (ACTIVE, 2, "pending-upgrade")
    ]
    (listed,) = report.releases_json(assessed("pending"))["families"]
    assert [each["revision"] for each in listed["revisions"]] == [2, 1]


def decided(scene: str) -> dict[str, tuple[str, list[str]]]:
    found = report.preflight_json(assessed(scene), "here", contract())["candidates"]
    return {each["ref"]["name"]: (each["decision"], each["rules"]) for each in found}


def test_decisions_name_every_rule_that_failed() -> None:
    assert decided("wreck") == {
        "gone": ("delete", []),
        "held": ("protect", ["S8"]),
        "kept": ("adopt", ["S6"]),
    }
    assert decided("refused") == {"kept": ("adopt", ["S3"]), "gone": ("adopt", ["S3"])}
    assert decided("ambiguous") == {"kept": ("protect", ["S3"])}


def test_missing_documents_are_the_active_releases() -> None:
    (lost,) = report.preflight_json(assessed("wreck"), "here", contract())["missing"]
    assert (lost["ref"]["name"], lost["ref"]["namespace"], lost["replayable"]) == ("lost", "flux-system", True)
    assert report.preflight_json(assessed("blind"), "here", contract())["missing"] == []


def test_what_the_contract_hides_is_counted() -> None:
    allow = Allow("resource-missing", "Service/flux-system/lost", "known", date(2027, 1, 1))
    hidden = report.preflight_json(assessed("wreck", contract(allow=(allow,))), "here", contract())
    assert hidden["hidden"] == 1
    assert "resource-missing" not in {finding["code"] for finding in hidden["findings"]}
    text = report.preflight_markdown(assessed("wreck", contract(allow=(allow,))), "here", contract())
    assert "1 hidden by the contract" in text


def test_resources_of_a_release_say_how_they_are() -> None:
    (family,) = report.releases_json(assessed("wreck"))["families"]
    states = {each["ref"]["name"]: each["state"] for each in family["resources"]}
    assert states == {"lost": "missing", "kept": "stamped-otherwise"}
    (hook,) = family["hooks"]
    assert (hook["kind"], hook["name"], hook["events"]) == ("Job", "check", ["pre-install"])
    assert hook["state"] in {"gone", "unverifiable"}
    (other,) = report.releases_json(assessed("wreck"), STALE)["families"]
    assert (other["revisions"], other["resources"]) == ([], [])


def test_an_explanation_gathers_each_owners_evidence() -> None:
    assessment = assessed("wreck")
    row = next(each for each in assessment.attributions.values() if each.ref.name == "fought")
    found = valid(report.explain_json(assessment, contract(), row))
    assert found["state"] == "contested"
    assert {each["owner"] for each in found["owners"]} == {"pulumi", "flux"}
    assert all(each["evidence"] for each in found["owners"])
    assert "contested" in found["findings"]
    (one,) = [each for each in report.owners_json(assessment, [row])["objects"] if each["ref"]["name"] == "fought"]
    assert one["owner"] is None
    assert sorted(one["owners"]) == ["flux", "pulumi"]


def markdowns(assessment: Assessment) -> list[str]:
    rows = list(assessment.attributions.values())
    lookups = Lookups(assessment, NOW)
    return [
        report.preflight_markdown(assessment, "here", contract()),
        pages.owners_markdown(report.owners_json(assessment, rows)),
        pages.releases_markdown(report.releases_json(assessment)),
        *(pages.explain_markdown(dossier(contract(), assessment, row.ref.key, lookups)) for row in rows),
    ]


HOSTILE = st.text(st.sampled_from(list("a|\n\r\t\x1b\x9b\x07\u202e\u200b`*[]<>")), min_size=1, max_size=8)


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(HOSTILE, HOSTILE)
def test_markdown_holds_no_control_character_and_no_line_of_somebody_elses(name: str, label: str) -> None:
    bodies = [
        obj("ConfigMap", name, release=STALE, labels={"kustomize.toolkit.fluxcd.io/name": label}),
        obj("ServiceAccount", f"x{name}", release=label, finalizers=[label]),
    ]
    assessment = assess(contract(), inventory([record(ACTIVE), *bodies]), today=TODAY)
    for text in markdowns(assessment):
        assert all(char == "\n" or char.isprintable() for char in text)
        assert all(
            line[:1] in ("", "#", "-", "|", "_", "C", "T", " ") or line[0].isalnum() for line in text.split("\n")
        )


@settings(max_examples=25, deadline=None)
@given(st.text(st.characters(codec="ascii", categories=("L", "N")), min_size=8).map("qzx{}".format))
def test_no_document_holds_a_value_of_a_secret(value: str) -> None:
    mine = obj("Secret", "mine", release=STALE, data={"a": value}, stringData={"b": value})
    mine["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"] = value
    listed = obj("Secret", "lost", data={"a": value})
    objects = [record(ACTIVE, documents=[document(listed)]), mine]
    assessment = assess(contract(), inventory(objects), today=TODAY)
    rows = list(assessment.attributions.values())
    documents: list[Any] = [
        report.preflight_json(assessment, "here", contract()),
        report.releases_json(assessment),
        report.owners_json(assessment, rows),
        *(report.explain_json(assessment, contract(), row) for row in rows),
        *markdowns(assessment),
    ]
    assert not [each for each in documents if value in str(each)]


def test_a_clean_preflight_says_what_it_cannot_see_and_no_other_does() -> None:
    mine = obj("ClusterRole", "mine", release="gitops-flux-0000aaaa")
    clean = assess(
        contract(), inventory([mine, record("gitops-flux-0000aaaa", documents=[document(mine)])]), today=TODAY
    )
    for found, says in ((clean, True), (assessed("wreck"), False), (assessed("refused"), False)):
        assert ("leaves no trace" in report.preflight_markdown(found, "here", contract())) is says
        assert bool(report.preflight_json(found, "here", contract())["notes"]) is says
    told = assess(contract(), clean.inventory, today=TODAY, wish=Wish(error=OwnerError(busy=True)))
    assert report.no_trace(told) == ""


def test_a_table_keeps_its_columns() -> None:
    ref = Ref("v1", "ConfigMap", "a|b", "c").to_json()
    row = {"ref": ref, "state": "owned", "owner": "x", "layer": None, "owners": ["x|y"]}
    text = pages.owners_markdown({"objects": [row], "counts": {"owned": 1}, "incomplete": ["gap\x1b"]})
    assert "| owned | x\\|y | - | ConfigMap a\\|b/c |" in text
    assert "could not be read: gap␛" in text
