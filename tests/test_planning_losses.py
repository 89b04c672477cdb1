"""``refloat plan replay`` and ``apply`` where a volume still holds what an empty claim would hide."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import yaml

from tests.clusters import document, record
from tests.recovery.stage import bare
from tests.recovery.test_losses_session import CLAIM, VOLUME
from tests.test_planning import Pipeline
from tui.practice.cluster import PracticeCluster

CONTRACT = """\
version: 1
name: harbour
layers:
  - {name: apps, title: Apps, owner: helm}
owners:
  helm: {title: Helm, marks: [{family: shop}]}
claims:
  - {owner: helm, layer: apps, source: charts/, select: [{namespaces: [flux-system]}]}
releases:
  - {family: shop, names: [shop], namespace: flux-system, owner: helm}
"""
CREATE = "create PersistentVolumeClaim flux-system/data"


@pytest.fixture
async def pipeline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Pipeline]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "harbour.yaml").write_text(CONTRACT)
    monkeypatch.setenv("REFLOAT_CONTRACT", str(tmp_path / "harbour.yaml"))
    async with PracticeCluster(seed=7) as cluster:
        cluster.runner.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "flux-system"}}, "admin")
        cluster.runner.create(bare(record("shop", documents=[document(CLAIM)])), "helm")
        cluster.runner.create(bare(VOLUME))
        cluster.runner.write(bare(VOLUME), subresource="status")
        await cluster.settle()
        yield Pipeline(cluster, tmp_path)


def claim(pipeline: Pipeline) -> object:
    return pipeline.cluster.world.get("", "persistentvolumeclaims", "flux-system", "data")


async def test_a_reviewed_plan_tells_of_the_volume_and_its_confirmation_stands_for_the_name(
    pipeline: Pipeline, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await pipeline.run("plan", "replay", "-f", str(pipeline.plan)) == 0
    told = capsys.readouterr().out
    assert f"{CREATE} (asks for its name): PersistentVolume pv-1 (5Gi, Released, Retain: what it holds is kept)" in told
    assert f"{CREATE} (asks for its name): give it back first: kubectl patch persistentvolume pv-1" in told
    lines = [line for line in pipeline.plan.read_text().splitlines() if "kubectl patch" in line]
    assert len(lines) == 1, "a command stands on one line of the file"
    assert lines[0].endswith(""""claimRef":{"uid":null,"resourceVersion":null}}}\'""")
    pipeline.confirm()
    assert await pipeline.run("apply", str(pipeline.plan), "--confirmed", "-o", "json") == 0
    (outcome,) = json.loads(capsys.readouterr().out)["outcomes"]
    assert outcome["losses"] == pipeline.read()["entries"][0]["losses"]
    assert claim(pipeline) is not None


@pytest.mark.parametrize("losses", [None, ["something else"]])
async def test_a_file_that_does_not_tell_of_it_confirms_nothing(
    pipeline: Pipeline, losses: list[str] | None, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file of an earlier version, one that was edited, or a loss that came up after the review."""
    await pipeline.run("plan", "replay", "-f", str(pipeline.plan))
    loaded = pipeline.read()
    loaded["entries"][0] |= {"confirmed": True, "losses": losses}
    pipeline.plan.write_text(yaml.safe_dump(loaded))
    assert await pipeline.run("apply", str(pipeline.plan), "--confirmed") == 1
    assert "the reviewed plan does not tell what it hides: PersistentVolume pv-1" in capsys.readouterr().err
    assert claim(pipeline) is None


async def test_losses_that_are_no_list_of_texts_are_refused_with_their_place(
    pipeline: Pipeline, capsys: pytest.CaptureFixture[str]
) -> None:
    await pipeline.run("plan", "replay", "-f", str(pipeline.plan))
    loaded = pipeline.read()
    for bad, place in (("x", "losses is not a list"), ([7], "losses[0] is not text")):
        loaded["entries"][0]["losses"] = bad
        pipeline.plan.write_text(yaml.safe_dump(loaded))
        assert await pipeline.run("apply", str(pipeline.plan), "--confirmed") == 2
        assert f"entries[0].{place}" in capsys.readouterr().err
