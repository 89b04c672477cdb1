"""``refloat apply`` on plan files that were edited, or made elsewhere, or done before: refused, by entry or whole."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.test_planning import Pipeline
from tui.objects import Json
from tui.opening import now, state_directory
from tui.planning import done_before
from tui.practice.cluster import PracticeCluster
from tui.practice.drills import check, load_drill
from tui.recovery.journal import Journal


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
async def pipeline(tmp_path: Path, state: None) -> AsyncIterator[Pipeline]:
    async with PracticeCluster.drill("stale-release") as cluster:
        yield Pipeline(cluster, tmp_path)


async def test_what_is_refused_is_in_the_report_and_in_the_journal_too(
    pipeline: Pipeline, capsys: pytest.CaptureFixture[str]
) -> None:
    await pipeline.run("plan", "cleanup", "-f", str(pipeline.plan))
    pipeline.confirm("adopt")
    loaded = pipeline.read()
    changed, gone = [entry for entry in loaded["entries"] if entry["action"] == "adopt"][:2]
    changed["seen"]["fingerprint"] = "0" * 64
    gone["ref"]["name"] = "never-there"
    pipeline.plan.write_text(yaml.safe_dump(loaded))
    capsys.readouterr()
    assert await pipeline.run("apply", str(pipeline.plan), "--confirmed", "-o", "markdown") == 1
    _, _, refused = capsys.readouterr().out.partition("## Refused (2)")
    assert changed["ref"]["name"] in refused
    assert "never-there" in refused
    (name,) = (path.stem for path in state_directory().glob("*.jsonl"))
    assert await pipeline.run("journal", "show", name) == 0
    assert "has changed since the plan was made" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "code", "told"),
    [
        (lambda pins: pins | {"cluster": None}, 3, "does not say which cluster it is for"),
        (lambda pins: pins | {"cluster": "another"}, 1, "the whole plan is refused: this is another cluster"),
        (lambda pins: pins | {"families": []}, 1, "the whole plan is refused"),
        (lambda pins: pins | {"families": pins["families"] * 2}, 1, "the whole plan is refused"),
        (lambda pins: pins | {"contract": pins["contract"] | {"sha256": "0" * 64}}, 1, "the contract has changed"),
        (lambda pins: pins | {"families": [pins["families"][0] | {"documents": ""}]}, 1, "have changed"),
    ],
    ids=["no-cluster", "cluster", "no-family", "twice", "contract", "documents"],
)
async def test_a_plan_that_is_pinned_to_something_else_is_refused_as_a_whole(
    pipeline: Pipeline, change: Any, code: int, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    await pipeline.run("plan", "cleanup", "-f", str(pipeline.plan))
    pipeline.confirm()
    loaded = pipeline.read()
    pipeline.plan.write_text(yaml.safe_dump(loaded | {"pins": change(loaded["pins"])}))
    assert await pipeline.run("apply", str(pipeline.plan), "--confirmed") == code
    assert told in capsys.readouterr().err
    assert not (await check(pipeline.cluster, load_drill("stale-release"))).reached


async def test_with_read_only_a_confirmed_plan_changes_nothing(
    pipeline: Pipeline, capsys: pytest.CaptureFixture[str]
) -> None:
    await pipeline.run("plan", "cleanup", "-f", str(pipeline.plan))
    pipeline.confirm()
    assert await pipeline.run("--read-only", "apply", str(pipeline.plan), "--confirmed") == 2
    assert "--read-only builds no writer, and refloat apply is there to write" in capsys.readouterr().err
    assert not (await check(pipeline.cluster, load_drill("stale-release"))).reached
    assert list(state_directory().glob("*")) == []


@pytest.mark.parametrize("said", ['"true"', "yes", "on"])
async def test_a_confirmation_in_other_words_is_refused_with_its_place(
    pipeline: Pipeline, capsys: pytest.CaptureFixture[str], said: str
) -> None:
    await pipeline.run("plan", "cleanup", "-f", str(pipeline.plan))
    text = pipeline.plan.read_text().replace("confirmed: false", f"confirmed: {said}", 1)
    pipeline.plan.write_text(text)
    line = text[: text.index(f"confirmed: {said}")].count("\n") + 1
    assert await pipeline.run("apply", str(pipeline.plan), "--confirmed") == 2
    assert f"refloat: {pipeline.plan}:{line}:14: " in capsys.readouterr().err
    assert not (await check(pipeline.cluster, load_drill("stale-release"))).reached


def test_without_a_cluster_s_uid_nothing_is_known_to_be_done(state: None) -> None:
    with Journal.create(state_directory(), {"cluster": None}, now) as journal:
        journal.append("confirmed", entry="adopt /Service a", uid="1")
        journal.append("done", entry="adopt /Service a", text="done")
    assert done_before(None) == frozenset()


async def test_what_the_journal_shows_done_counts_only_while_it_is_so(
    pipeline: Pipeline, capsys: pytest.CaptureFixture[str]
) -> None:
    await pipeline.run("plan", "cleanup", "-f", str(pipeline.plan))
    pipeline.confirm()
    assert await pipeline.run("apply", str(pipeline.plan), "--confirmed") == 0
    entries: list[Json] = pipeline.read()["entries"]
    adopted = next(e["ref"] for e in entries if e["action"] == "adopt" and e["ref"]["kind"] == "Service")
    pipeline.cluster.world.store.remove(("", "services"), adopted["namespace"], adopted["name"])
    capsys.readouterr()
    assert await pipeline.run("apply", str(pipeline.plan), "--confirmed") == 1
    told = capsys.readouterr().err.splitlines()
    (refused,) = (line for line in told if line.startswith("refused"))
    assert adopted["name"] in refused
    assert "it is so no longer" in refused
    assert sum("already, as the journal shows" in line for line in told) == len(entries) - 1
