import pytest

from screens.judging import Judgement, judge
from screens.releases_rows import PLAIN, Place, place_lines, release_rows
from screens.view import View
from tests.screens.world import ACTIVE, CONTRACT, CONTROLLERS, NOW, STALE, body, inventory, manifest, record
from tui.helm.model import Status
from tui.objects import Json
from tui.widgets.spans import Row, plain_text


def text(row: Row) -> str:
    return " | ".join(plain_text(cell) for cell in row.cells)


def rows_of(*bodies: Json) -> tuple[Judgement, list[str]]:
    judged = judge(CONTRACT, inventory([body("Namespace", "flux-system"), *bodies]), NOW)
    view = View("practice", CONTRACT, assessment=judged.assessment)
    return judged, [text(row) for row in release_rows(view, NOW)]


def page(judged: Judgement, place: Place) -> str:
    return "\n".join(map(plain_text, place_lines(CONTRACT, judged.assessment, place, NOW)))


def test_a_family_s_releases_are_told_in_plain_words(view: View) -> None:
    rows = [text(row) for row in release_rows(view, NOW)]
    assert rows[0].startswith("gitops-flux  ✓ active")
    assert rows[1] == f"  ● {ACTIVE} | 3 | deployed | 2 d | in force: the active release"
    assert rows[2] == f"  ○ {STALE} | 7 | superseded | 2 d | replaced by a later revision"


def test_every_status_of_helm_has_words() -> None:
    assert set(PLAIN) == set(Status)


def test_revisions_stand_below_their_release_newest_first() -> None:
    _, rows = rows_of(
        record(ACTIVE, 3, "failed", manifest(CONTROLLERS)), record(ACTIVE, 2, "deployed", manifest(CONTROLLERS))
    )
    assert rows[1].startswith(f"  ● {ACTIVE} | 3 | failed")
    assert rows[2].startswith(" | 2 | deployed")


def test_the_active_release_is_told_resource_by_resource(judged: Judgement) -> None:
    said = page(judged, Place("gitops-flux", ACTIVE, 3))
    assert "resources  4 documents: 3 present, 1 missing" in said
    assert said.index("◌ missing  Deployment flux-system/helm-controller") < said.index("● present")
    assert "hooks, 1: not covered by replay, Helm alone runs them\n  Job flux-check  pre-install" in said


def test_a_release_that_is_not_in_force_is_told_with_what_bears_its_stamp(judged: Judgement) -> None:
    said = page(judged, Place("gitops-flux", STALE, 7))
    assert f"live and stamped with {STALE}, 1 object\n  delete  ClusterRole flux-view" in said


def test_a_family_says_what_its_cleanup_may_touch(judged: Judgement) -> None:
    said = page(judged, Place("gitops-flux"))
    assert "owner      Pulumi" in said
    assert "gitops-flux- and eight hex digits" in said
    assert "cleanup    may touch cluster-scoped objects, namespace flux-system" in said


@pytest.mark.parametrize(
    ("status", "line"),
    [
        ("pending-upgrade", f"helm rollback {ACTIVE} 1 -n flux-system"),
        ("pending-rollback", f"helm rollback {ACTIVE} 1 -n flux-system"),
        ("pending-install", ""),
    ],
)
def test_a_pending_release_means_hands_off(status: str, line: str) -> None:
    judged, _ = rows_of(record(ACTIVE, 1, "deployed", ""), record(ACTIVE, 2, status, ""))
    said = page(judged, Place("gitops-flux", ACTIVE, 2))
    assert "! hands off until its process is known to be dead" in said
    assert line in said
    assert ("helm " in said) is bool(line)


def test_a_damaged_record_is_named_and_hides_nothing() -> None:
    broken = record(STALE, 7, "superseded", "")
    broken["data"]["release"] = "bm90IGdvb2Q="
    _, rows = rows_of(record(ACTIVE, 1, "deployed", ""), broken)
    assert any(row.startswith("  ✗ cannot be read: Secret flux-system/sh.helm.release.v1") for row in rows)
    assert any(ACTIVE in row for row in rows)


def test_a_manifest_that_cannot_be_parsed_is_said() -> None:
    judged, _ = rows_of(record(ACTIVE, 1, "deployed", "a: [b"))
    assert "✗ its manifest cannot be read: " in page(judged, Place("gitops-flux", ACTIVE, 1))


def test_no_release_is_no_empty_screen() -> None:
    _, rows = rows_of()
    assert rows[0].startswith("gitops-flux  ✗ absent")
    assert rows[1] == "  no release recorded in flux-system"


def test_a_revision_that_went_says_so(judged: Judgement) -> None:
    assert page(judged, Place("gitops-flux", ACTIVE, 99)) == "this revision is not recorded (any more)"
    assert page(judged, Place("another", ACTIVE, 1)) == ""
