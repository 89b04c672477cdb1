from dataclasses import replace
from datetime import timedelta

import pytest

from screens.overview_rows import (
    MOST_FINDINGS,
    bar,
    brief_lines,
    controller_lines,
    destination,
    finding_lines,
    finding_rows,
    health_spans,
    verdict_lines,
    where_lines,
    worst_first,
)
from screens.tally import Tally
from screens.view import Feed, Phase, View, age, awaited, freshness
from tests.screens.world import CONTRACT, NOW
from tui.objects import Gap, KindKey, Ref
from tui.ownership.model import Finding, Severity, State
from tui.recovery.ports import Progress
from tui.widgets.spans import cells, plain_text


def finding(code: str, severity: Severity = Severity.WARN, *refs: Ref) -> Finding:
    return Finding(code, severity, f"summary of {code}", refs, ("seen",), "do this")


def test_the_verdict_says_what_is_wrong_first_and_what_to_press(view: View) -> None:
    first, press, owners = map(plain_text, verdict_lines(view, 120))
    assert first.startswith("✗ BLOCK  1 blocker, ")
    assert "✗ unhealthy: " in first
    assert press.startswith("First enter (Recovery, replay): 1 resource of gitops-flux-1a2b3c4d revision 3 missing")
    assert owners.startswith("Pulumi 4  Flux 5  stale 1  missing 1")


@pytest.mark.parametrize("width", [20, 78, 200])
def test_the_verdict_fits_any_width(view: View, width: int) -> None:
    assert all(cells(one) <= width for one in verdict_lines(view, width))


def test_before_the_first_answer_the_verdict_says_what_is_awaited(view: View) -> None:
    blank = View("kind-x", CONTRACT)
    assert plain_text(verdict_lines(blank, 80)[0]) == "connecting to kind-x..."
    reading = replace(blank, phase=Phase.READING, progress=Progress(3, 13, 1234))
    assert plain_text(verdict_lines(reading, 80)[0]) == "reading: 3 of 13 kinds, 1234 objects"


def test_a_failure_is_one_sentence_and_the_key_that_tries_again() -> None:
    failed = View("kind-x", CONTRACT, phase=Phase.FAILED, trouble="connection refused by 127.0.0.1:6443")
    said = [plain_text(one) for one in awaited(failed)]
    assert said == ["✗ connection refused by 127.0.0.1:6443", "Press ctrl+r to try again, q to quit."]


def test_a_failed_rereading_is_said_beside_the_older_data(view: View) -> None:
    said = plain_text(verdict_lines(replace(view, trouble="no route to host"), 120)[1])
    assert "re-reading failed" in said
    assert "no route to host" in said


def test_the_bar_counts_owners_and_the_states_that_matter() -> None:
    counts = Tally((("Pulumi", 214), ("Flux", 1032)), ((State.CONTESTED, 3), (State.UNOWNED, 12)), 40)
    assert plain_text(bar(counts)) == "Pulumi 214  Flux 1 032  contested 3  unowned 12  folded 40"


def test_findings_come_worst_first_and_keep_their_order_otherwise() -> None:
    mixed = [finding("a", Severity.INFO), finding("b"), finding("c", Severity.BLOCK), finding("d")]
    assert [one.code for one in worst_first(mixed)] == ["c", "b", "d", "a"]


@pytest.mark.parametrize(
    ("code", "mode", "focus"),
    [
        ("resource-missing", "recovery", "replay"),
        ("stale-leftover", "recovery", "cleanup"),
        ("refused-install", "recovery", "cleanup"),
        ("webhook-dead", "recovery", "preflight"),
        ("release-ambiguous", "releases", None),
        ("suspended", "controllers", None),
        ("contested", "ownership", None),
        ("a-code-of-tomorrow", "ownership", None),
    ],
)
def test_enter_goes_to_what_mends_the_finding(code: str, mode: str, focus: str | None) -> None:
    ref = Ref("v1", "ConfigMap", "apps", "x")
    where = destination(finding(code, Severity.WARN, ref))
    assert where.mode == mode
    assert where.focus == (focus or ref)


def test_what_could_not_be_read_is_named_under_the_findings(view: View) -> None:
    assert view.assessment is not None
    blind = replace(view.assessment.inventory, gaps=[Gap("", "Secret", None, "forbidden [/x]")])
    rows = finding_rows(replace(view, assessment=replace(view.assessment, inventory=blind)))
    said = [plain_text(row.cells[0]) for row in rows if row.key is None]
    assert said == ["? incomplete, 1 part could not be read:", "  Secret: forbidden [/x]"]


def test_a_finding_is_told_with_evidence_resources_and_the_next_step() -> None:
    refs = [Ref("v1", "ConfigMap", "apps", f"c{index}") for index in range(50)]
    said = "\n".join(map(plain_text, finding_lines(finding("contested", Severity.WARN, *refs))))
    assert "evidence\n  seen" in said
    assert "ConfigMap apps/c0" in said
    assert "and 10 more" in said
    assert "next  do this" in said


def test_failed_checks_come_first_and_what_does_not_fit_is_counted(view: View) -> None:
    said = [plain_text(one) for one in controller_lines(view.health, 3)]
    assert len(said) == 3
    assert said[0].startswith("✗ ")
    assert said[-1].endswith(": press 3")


def test_unknown_health_is_no_health(view: View) -> None:
    assert plain_text(health_spans(None)) == "health unknown"


def test_the_narrow_form_titles_only_first_lines(view: View) -> None:
    said = [plain_text(one) for one in brief_lines(controller_lines(view.health, 3), (), 60)]
    assert said[0].startswith("Controllers ✗")
    assert said[1].startswith(" " * 12)


def test_the_contract_s_path_is_always_shown_by_its_end(view: View) -> None:
    long = replace(view, contract=replace(CONTRACT, source="/home/" + "deep/" * 40 + "ownership.yaml"))
    said = plain_text(where_lines(long, 60)[-1])
    assert said.endswith("deep/ownership.yaml")
    assert len(said) <= 62


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-5, "0 s"), (3, "3 s"), (12, "10 s"), (59, "55 s"), (61, "1 min"), (3700, "1 h"), (200_000, "2 d")],
)
def test_ages_are_told_in_steps(seconds: int, text: str) -> None:
    assert age(NOW - timedelta(seconds=seconds), NOW) == text


@pytest.mark.parametrize(
    ("change", "watched", "text"),
    [
        ({"phase": Phase.CONNECTING}, True, "connecting"),
        ({"phase": Phase.FAILED}, True, "no answer"),
        ({"phase": Phase.READING, "read_at": None}, True, "reading"),
        ({"read_at": NOW - timedelta(seconds=12)}, False, "10 s old"),
        ({"feed": Feed(live=True)}, True, "live"),
        ({"feed": Feed(live=True)}, False, "0 s old"),
        (
            {"feed": Feed(lost=frozenset({KindKey("", "Pod")}), retry_at=NOW + timedelta(seconds=4))},
            True,
            "disconnected, retrying in 4 s; 0 s old",
        ),
        ({"feed": Feed(lost=frozenset({KindKey("", "Pod")}))}, True, "disconnected, retrying; 0 s old"),
    ],
)
def test_freshness(view: View, change: dict[str, object], *, watched: bool, text: str) -> None:
    assert freshness(replace(view, **change), NOW, watched=watched).text == text  # type: ignore[arg-type]  # the fields of a table


def test_of_very_many_findings_the_worst_are_shown_and_the_rest_counted(view: View) -> None:
    assert view.assessment is not None
    many = (*(finding(f"w{index}") for index in range(MOST_FINDINGS)), finding("worst", Severity.BLOCK))
    rows = finding_rows(replace(view, assessment=replace(view.assessment, findings=many)))
    assert len(rows) == MOST_FINDINGS + 1
    assert plain_text(rows[0].cells[1]) == "worst"
    assert plain_text(rows[-1].cells[0]) == "and 1 more; the Ownership screen has all"
