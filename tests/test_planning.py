"""``refloat plan``, ``apply`` and ``journal`` on a practice cluster, as a pipeline runs them."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import yaml

from tui.cli import main
from tui.objects import Json
from tui.practice.cluster import PracticeCluster
from tui.practice.drills import check, load_drill

PINNED = "gitops-flux-5d41aa0c"
"""The release whose record is lost in the drill refused-install, and whose name its owner is to keep."""


class Pipeline:
    """Runs commands against one drill's cluster, each in a thread with a loop of its own, like a process."""

    def __init__(self, cluster: PracticeCluster, folder: Path) -> None:
        self.cluster = cluster
        self.plan = folder / "plan.yaml"
        self._kubeconfig = folder / "kubeconfig"
        self._kubeconfig.write_text(yaml.safe_dump(cluster.kubeconfig()))

    async def run(self, *words: str) -> int:
        cluster = () if words[0] == "journal" else ("--kubeconfig", str(self._kubeconfig))
        return await asyncio.to_thread(main, [*words, *cluster])

    def read(self) -> Json:
        loaded: Json = yaml.safe_load(self.plan.read_text())
        return loaded

    def confirm(self, *actions: str) -> None:
        loaded = self.read()
        for entry in loaded["entries"]:
            entry["confirmed"] = entry["action"] in actions or not actions
        self.plan.write_text(yaml.safe_dump(loaded))


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
async def pipeline(request: pytest.FixtureRequest, tmp_path: Path, state: None) -> AsyncIterator[Pipeline]:
    async with PracticeCluster.drill(request.param) as cluster:
        yield Pipeline(cluster, tmp_path)


def change(journal: Path) -> None:
    journal.write_text(journal.read_text().replace("helm-controller", "helm-c0ntroller", 1))


def drill(name: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("pipeline", [name], indirect=True, ids=[name])


@drill("stale-release")
async def test_a_reviewed_cleanup_does_what_was_confirmed_and_counts_what_is_done(
    pipeline: Pipeline, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await pipeline.run("plan", "cleanup", "-f", str(pipeline.plan)) == 0
    assert await pipeline.run("plan", "cleanup", "-f", str(pipeline.plan)) == 2, "a plan is never overwritten"
    assert await pipeline.run("apply", str(pipeline.plan), "--confirmed") == 0, "nothing is confirmed, nothing is done"
    assert not (await check(pipeline.cluster, load_drill("stale-release"))).reached
    pipeline.confirm()
    assert await pipeline.run("apply", str(pipeline.plan), "--confirmed") == 0
    verdict = await check(pipeline.cluster, load_drill("stale-release"))
    assert verdict.reached
    assert verdict.risky == ()
    capsys.readouterr()
    assert await pipeline.run("apply", str(pipeline.plan), "--confirmed") == 0, "what the journal shows done counts"
    assert capsys.readouterr().err.count("already, as the journal shows") == len(pipeline.read()["entries"])


@drill("stale-release")
async def test_an_entry_that_changed_since_is_refused_and_the_others_are_done(
    pipeline: Pipeline, capsys: pytest.CaptureFixture[str]
) -> None:
    await pipeline.run("plan", "cleanup", "-f", str(pipeline.plan))
    pipeline.confirm("adopt")
    loaded = pipeline.read()
    changed = next(entry for entry in loaded["entries"] if entry["action"] == "adopt")
    changed["seen"]["fingerprint"] = "0" * 64
    pipeline.plan.write_text(yaml.safe_dump(loaded))
    capsys.readouterr()
    assert await pipeline.run("apply", str(pipeline.plan), "--confirmed") == 1
    told = capsys.readouterr().err.splitlines()
    adopted = [line for line in told if " adopt " in line]
    assert sum(line.startswith("refused") for line in adopted) == 1
    assert sum(line.startswith("done") for line in adopted) == len(adopted) - 1
    assert all(line.startswith("left") for line in told if " delete " in line)


@drill("controllers-missing")
async def test_a_reviewed_replay_brings_the_controllers_back(pipeline: Pipeline) -> None:
    assert await pipeline.run("plan", "replay", "-f", str(pipeline.plan)) == 0
    pipeline.confirm()
    assert await pipeline.run("apply", str(pipeline.plan), "--confirmed", "-o", "json") == 0
    await pipeline.cluster.settle()
    assert await pipeline.run("preflight") == 0
    assert (await check(pipeline.cluster, load_drill("controllers-missing"))).reached


@drill("delete-bomb")
async def test_a_reviewed_retirement_defuses_the_bomb(pipeline: Pipeline) -> None:
    assert await pipeline.run("plan", "retire", "gitops-flux-2f61b7e3", "-f", str(pipeline.plan)) == 0
    pipeline.confirm()
    assert await pipeline.run("apply", str(pipeline.plan), "--confirmed") == 0
    verdict = await check(pipeline.cluster, load_drill("delete-bomb"))
    assert verdict.reached
    assert verdict.risky == ()


@drill("refused-install")
async def test_an_expected_release_is_adopted_to(pipeline: Pipeline) -> None:
    assert await pipeline.run("plan", "cleanup", "--expect", PINNED, "-f", str(pipeline.plan)) == 0
    assert {entry["action"] for entry in pipeline.read()["entries"]} == {"adopt"}
    pipeline.confirm()
    assert await pipeline.run("apply", str(pipeline.plan), "--confirmed") == 0
    assert (await check(pipeline.cluster, load_drill("refused-install"))).reached


def versions(pipeline: Pipeline) -> dict[tuple[str, str], str]:
    """Every object's version but that of the session's own Lease."""
    found = (body for _, body in pipeline.cluster.world.store.objects() if body["kind"] != "Lease")
    return {(body["kind"], body["metadata"]["uid"]): body["metadata"]["resourceVersion"] for body in found}


@drill("stale-release")
@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (("pins", "cluster"), "another", "another cluster"),
        (("pins", "contract", "sha256"), "0" * 64, "contract has changed"),
        (("pins", "families", 0, "revision"), 99, "release records"),
    ],
)
async def test_another_cluster_contract_or_release_refuses_the_whole_plan(
    pipeline: Pipeline, path: tuple[str | int, ...], value: object, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    await pipeline.run("plan", "cleanup", "-f", str(pipeline.plan))
    pipeline.confirm()
    loaded = pipeline.read()
    at = loaded
    for step in path[:-1]:
        at = at[step]  # type: ignore[index] # a path of names and numbers through JSON
    at[path[-1]] = value  # type: ignore[index] # as above
    pipeline.plan.write_text(yaml.safe_dump(loaded))
    before = versions(pipeline)
    assert await pipeline.run("apply", str(pipeline.plan), "--confirmed") == 1
    assert words in capsys.readouterr().err
    assert versions(pipeline) == before, "nothing was written"


@drill("healthy")
async def test_plan_and_apply_refuse_wrong_words(pipeline: Pipeline, tmp_path: Path) -> None:
    assert await pipeline.run("plan", "retire", "-f", str(pipeline.plan)) == 2
    assert await pipeline.run("plan", "cleanup", "some-release", "-f", str(pipeline.plan)) == 2
    assert await pipeline.run("plan", "cleanup", "--expect", "stranger", "-f", str(pipeline.plan)) == 2
    assert await pipeline.run("apply", str(tmp_path / "missing.yaml"), "--confirmed") == 2
    assert await pipeline.run("apply", str(pipeline.plan)) == 2, "nobody to ask"
    assert await pipeline.run("plan", "cleanup", "-f", str(tmp_path / "no" / "folder.yaml")) == 2


@drill("controllers-missing")
async def test_the_journal_tells_what_was_done_and_finds_what_was_changed(
    pipeline: Pipeline, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert await pipeline.run("journal", "show") == 2, "there is none yet"
    await pipeline.run("plan", "replay", "-f", str(pipeline.plan))
    pipeline.confirm()
    await pipeline.run("apply", str(pipeline.plan), "--confirmed")
    capsys.readouterr()
    assert await pipeline.run("journal", "list", "-o", "json") == 0
    (session,) = json.loads(capsys.readouterr().out)["sessions"]
    assert (session["state"], session["actions"]) == ("closed", {"done": 6})
    assert await pipeline.run("journal", "show", session["session"][:8]) == 0
    assert "Deployment flux-system/source-controller" in capsys.readouterr().out
    assert await pipeline.run("journal", "verify") == 0
    change(Path(session["file"]))
    assert await pipeline.run("journal", "verify") == 1
    assert await pipeline.run("journal", "show", "nonsense") == 2


@drill("active-release-trap")
async def test_the_trap_is_cleaned_up_with_no_living_object_touched(pipeline: Pipeline) -> None:
    assert await pipeline.run("plan", "cleanup", "-f", str(pipeline.plan)) == 0
    pipeline.confirm()
    assert await pipeline.run("apply", str(pipeline.plan), "--confirmed") == 0
    await solved(pipeline, "active-release-trap")


@drill("two-owners")
async def test_the_binding_of_two_owners_is_recreated_and_their_fight_left_alone(pipeline: Pipeline) -> None:
    assert await pipeline.run("preflight") == 1
    assert await pipeline.run("plan", "cleanup", "-f", str(pipeline.plan)) == 0
    assert [entry["action"] for entry in pipeline.read()["entries"]] == ["recreate"]
    pipeline.confirm()
    assert await pipeline.run("apply", str(pipeline.plan), "--confirmed") == 0
    await solved(pipeline, "two-owners")


@drill("walled-in")
async def test_the_wall_comes_down_before_the_controllers_come_back(pipeline: Pipeline, tmp_path: Path) -> None:
    for kind in ("cleanup", "replay"):
        pipeline.plan = tmp_path / f"{kind}.yaml"
        assert await pipeline.run("plan", kind, "-f", str(pipeline.plan)) == 0
        pipeline.confirm()
        assert await pipeline.run("apply", str(pipeline.plan), "--confirmed") == 0
    await solved(pipeline, "walled-in")


@drill("half-applied")
async def test_half_an_upgrade_is_left_to_its_owner(pipeline: Pipeline, capsys: pytest.CaptureFixture[str]) -> None:
    assert await pipeline.run("preflight") == 1
    assert "helm rollback" in capsys.readouterr().out, "the line to hand to the owner"
    for kind in ("cleanup", "replay"):
        pipeline.plan = pipeline.plan.with_name(f"{kind}.yaml")
        assert await pipeline.run("plan", kind, "-f", str(pipeline.plan)) == 0
        assert pipeline.read()["entries"] == []
    await solved(pipeline, "half-applied")


@drill("healthy")
async def test_a_healthy_cluster_is_told_to_be_so(pipeline: Pipeline) -> None:
    assert await pipeline.run("preflight") == 0
    assert await pipeline.run("health") == 0
    await solved(pipeline, "healthy")


async def solved(pipeline: Pipeline, name: str) -> None:
    await pipeline.cluster.settle()
    verdict = await check(pipeline.cluster, load_drill(name))
    assert verdict.reached, verdict.results
    assert verdict.risky == ()


@drill("controllers-missing")
async def test_who_holds_the_recovery_is_named_and_a_silent_holder_taken_over_by_name(
    pipeline: Pipeline, capsys: pytest.CaptureFixture[str]
) -> None:
    held = {"holderIdentity": "bob@laptop/s1", "leaseDurationSeconds": 60, "acquireTime": "2026-11-23T03:00:00.000000Z"}
    meta = {"name": "refloat-recovery", "namespace": "flux-system"}
    body = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": meta, "spec": held}
    pipeline.cluster.runner.create(body, "refloat")
    await pipeline.run("plan", "replay", "-f", str(pipeline.plan))
    pipeline.confirm()
    apply = ("apply", str(pipeline.plan), "--confirmed")
    for more in ((), ("--take-over", "bob@laptop"), ("--without-lease",)):
        assert await pipeline.run(*apply, *more) == 1
        told = capsys.readouterr().err
        assert "bob@laptop holds the recovery in flux-system since 2026-11-23T03:00:00" in told
    assert not (await check(pipeline.cluster, load_drill("controllers-missing"))).reached

    pipeline.cluster.clock.step(3600)
    assert await pipeline.run(*apply) == 1
    assert "type bob@laptop to take it over, by --take-over" in capsys.readouterr().err
    assert await pipeline.run(*apply, "--take-over", "bob") == 1
    assert await pipeline.run(*apply, "--take-over", "bob@laptop") == 0
    await pipeline.cluster.settle()
    assert (await check(pipeline.cluster, load_drill("controllers-missing"))).reached


GIT = ("source.toolkit.fluxcd.io", "gitrepositories", "flux-system", "flux-system")


def suspend(cluster: PracticeCluster) -> None:
    live = cluster.world.get(*GIT)
    assert live is not None
    cluster.runner.write(live | {"spec": live["spec"] | {"suspend": True}}, "kubectl-edit")


@drill("healthy")
async def test_an_owner_is_asked_to_reconcile_by_a_command(
    pipeline: Pipeline, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await pipeline.run("reconcile", "flux") == 2, "there is nobody to ask"
    assert await pipeline.run("reconcile", "flux", "--yes", "-o", "json") == 0
    told = capsys.readouterr()
    assert "is asked to reconcile: Ready is True" in told.err
    document = json.loads(told.out)
    assert [(each["action"], each["status"]) for each in document["outcomes"]] == [("reconcile", "done")]
    live = pipeline.cluster.world.get(*GIT)
    assert live is not None
    assert live["status"]["lastHandledReconcileAt"] in live["metadata"]["annotations"].values()
    assert await pipeline.run("reconcile", "pulumi", "--yes") == 2
    assert "pulumi refresh" in capsys.readouterr().err
    assert await pipeline.run("reconcile", "nobody", "--yes") == 2


@drill("healthy")
async def test_a_suspended_owner_is_resumed_by_a_reviewed_mend_and_not_reconciled_before(
    pipeline: Pipeline, capsys: pytest.CaptureFixture[str]
) -> None:
    suspend(pipeline.cluster)
    assert await pipeline.run("reconcile", "flux", "--yes") == 1
    assert "resume it first" in capsys.readouterr().err
    assert await pipeline.run("plan", "mend", "-f", str(pipeline.plan)) == 0
    (entry,) = pipeline.read()["entries"]
    assert (entry["action"], entry["release"], entry["confirmed"]) == ("resume", None, False)
    assert entry["dry-run"] == "the server would accept it"
    assert "kubectl-edit" in entry["seen"]["owner"]
    pipeline.confirm()
    assert await pipeline.run("apply", str(pipeline.plan), "--confirmed") == 0
    assert await pipeline.run("reconcile", "flux", "--yes") == 0


@drill("healthy")
async def test_what_is_offered_is_done_only_where_it_was_confirmed_and_forced_only_where_it_was_reviewed(
    pipeline: Pipeline, capsys: pytest.CaptureFixture[str]
) -> None:
    name = ("apps", "deployments", "flux-system", "source-controller")
    live = pipeline.cluster.world.get(*name)
    assert live is not None
    pipeline.cluster.runner.write(live | {"spec": live["spec"] | {"replicas": 2}}, "kubectl-edit")
    await pipeline.cluster.settle()
    assert await pipeline.run("plan", "replay", "-f", str(pipeline.plan)) == 0
    (entry,) = pipeline.read()["entries"]
    assert (entry["action"], entry["offered"], entry["force"]) == ("repair", True, True)
    assert "kubectl-edit holds .spec.replicas" in entry["dry-run"]
    loaded = pipeline.read()
    loaded["entries"][0] |= {"confirmed": True, "force": False}
    pipeline.plan.write_text(yaml.safe_dump(loaded))
    capsys.readouterr()
    assert await pipeline.run("apply", str(pipeline.plan), "--confirmed") == 1
    assert "the reviewed plan does not say so" in capsys.readouterr().err
    loaded["entries"][0] |= {"force": True}
    pipeline.plan.write_text(yaml.safe_dump(loaded))
    assert await pipeline.run("apply", str(pipeline.plan), "--confirmed") == 0
    after = pipeline.cluster.world.get(*name)
    assert after is not None
    assert after["spec"]["replicas"] == 1
    assert "refloat" not in {each["manager"] for each in after["metadata"]["managedFields"]}
