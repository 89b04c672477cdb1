"""A refused install from its text to the owner's success: on the command line, over real HTTP, on a practice drill."""

import asyncio
import io
import json
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from tests.typed import BLOCKED, CLEAN, SHIPPED, USAGE, Clusters, Run, one_sentence
from tui.cli import main
from tui.objects import Json
from tui.practice.cluster import PracticeCluster
from tui.practice.drills import check, load_drill

ERROR = load_drill("refused-install").error
STALE, WANTED = "gitops-flux-5d41aa0c", "gitops-flux-b41e77d0"


def stamped(cluster: PracticeCluster) -> list[Json]:
    """The live objects that the lost release made."""
    found = [body for _, body in cluster.world.store.objects()]
    name = "meta.helm.sh/release-name"
    own = [each for each in found if "ownerReferences" not in each["metadata"]]
    return [each for each in own if (each["metadata"].get("annotations") or {}).get(name) == STALE]


def manifest(bodies: list[Json]) -> str:
    """What ``helm template`` would print of them, with hardly more than their names."""
    documents = []
    for body in bodies:
        meta = {name: body["metadata"][name] for name in ("name", "namespace") if name in body["metadata"]}
        document = {"apiVersion": body["apiVersion"], "kind": body["kind"], "metadata": meta}
        documents.append(document | ({"roleRef": body["roleRef"]} if "roleRef" in body else {}))
    return yaml.safe_dump_all(documents, explicit_start=True)


@pytest.fixture
def where(clusters: Clusters) -> str:
    return f"--kubeconfig {clusters.kubeconfig('refused-install')} --contract {SHIPPED}"


@pytest.fixture
def error(tmp_path: Path) -> Path:
    path = tmp_path / "error.txt"
    path.write_text(f"\x1b[31m{ERROR}\x1b[0m")
    return path


def test_the_error_s_text_names_the_release_and_what_is_adopted(
    clusters: Clusters, run: Run, where: str, error: Path
) -> None:
    found = run(f"preflight {where} -o json --error {error}")
    assert found.code == BLOCKED
    (refused,) = [each for each in found.document["findings"] if each["code"] == "refused-install"]
    assert refused["severity"] == "block"
    assert WANTED in refused["summary"]
    names = {ref["name"] for ref in refused["resources"]}
    assert names == {body["metadata"]["name"] for body in stamped(clusters.get("refused-install"))}
    assert "allow-egress" in names
    assert {(each["decision"], *each["rules"]) for each in found.document["candidates"]} == {("adopt", "S3")}
    assert found.document["notes"] == []
    named = run(f"preflight {where} -o json --expect {WANTED}").document
    assert named["candidates"] == found.document["candidates"]
    for output in ("text", "markdown"):
        said = run(f"preflight {where} -o {output} --error {error}")
        assert said.code == BLOCKED
        assert f"NetworkPolicy flux-system/allow-egress: bears the stamp of {STALE}" in said.out
        assert f"re-stamp them to {WANTED}" in said.out


def test_the_text_may_come_by_standard_input(run: Run, where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    logged = json.dumps({"level": "error", "msg": ERROR}).encode()
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(logged), isatty=lambda: False))
    found = run(f"preflight {where} -o json --error -").document
    assert {each["decision"] for each in found["candidates"]} == {"adopt"}


def test_with_the_manifest_nothing_unlisted_is_adopted(
    clusters: Clusters, run: Run, where: str, error: Path, tmp_path: Path
) -> None:
    bodies = stamped(clusters.get("refused-install"))
    left = {body["metadata"]["uid"] for body in bodies if body["kind"] == "CustomResourceDefinition"}
    path = tmp_path / "manifest.yaml"
    path.write_text(manifest([body for body in bodies if body["metadata"]["uid"] not in left]))
    found = run(f"preflight {where} -o json --error {error} --manifest {path}").document
    decided = {each["ref"]["uid"]: (each["decision"], *each["rules"]) for each in found["candidates"]}
    assert left
    assert {decided[uid] for uid in left} == {("protect", "S3")}
    assert {each for uid, each in decided.items() if uid not in left} == {("adopt", "S3")}
    assert any("not in the manifest" in text for each in found["findings"] for text in each["evidence"])


@pytest.mark.parametrize("output", ["text", "json", "markdown"])
def test_a_clean_verdict_says_that_a_refused_install_leaves_no_trace(
    clusters: Clusters, run: Run, error: Path, output: str
) -> None:
    healthy = f"--kubeconfig {clusters.kubeconfig('healthy')} --contract {SHIPPED}"
    clean = run(f"preflight {healthy} -o {output}")
    assert clean.code == CLEAN
    assert "leaves no trace in the cluster" in clean.out
    assert "--error FILE" in clean.out
    blocked = run(f"preflight {healthy} -o {output} --error {error}")
    assert blocked.code == BLOCKED
    assert "leaves no trace" not in blocked.out
    assert "still in force" in blocked.out
    assert "Release resource" in blocked.out


@pytest.mark.parametrize("command", ["preflight", "plan cleanup -f plan.yaml"])
@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ("--error nowhere.txt", "nowhere.txt cannot be read: No such file or directory"),
        ("--error .", ". cannot be read: Is a directory"),
        ("--error empty.txt", "empty.txt is empty"),
        ("--error binary.txt", "binary.txt is no text"),
        ("--error big.txt", "big.txt has more than 2048 KiB"),
        ("--error other.txt", "other.txt tells of no refused install"),
        ("--error stranger.txt", "harbour-6 belongs to no release family of the contract (it has: gitops-flux)"),
        ("--error error.txt --expect gitops-flux-00000000", f"wants {WANTED}, gitops-flux-00000000 is expected"),
        ("--manifest error.txt --expect gitops-flux-00000000", "error.txt, document 1, line"),
        ("--manifest nowhere.yaml --expect gitops-flux-00000000", "nowhere.yaml cannot be read"),
        ("--manifest good.yaml", "whose manifest it is must be stated"),
        ("--error - --manifest -", "standard input holds one text"),
    ],
)
def test_what_cannot_be_read_or_meant_is_one_sentence(
    run: Run, error: Path, tmp_path: Path, command: str, flags: str, said: str
) -> None:
    (tmp_path / "empty.txt").touch()
    (tmp_path / "binary.txt").write_bytes(b"\x7fELF\0\0\1")
    (tmp_path / "big.txt").write_bytes(b"x" * (3 * 1024 * 1024))
    (tmp_path / "other.txt").write_text("everything is fine")
    recorded = (Path(__file__).parent / "data" / "owner-errors.txt").read_text().split("###")[1]
    (tmp_path / "stranger.txt").write_text(recorded)
    (tmp_path / "good.yaml").write_text("{apiVersion: v1, kind: ConfigMap, metadata: {name: c}}")
    told = run(f"{command} --contract {SHIPPED} {flags}")
    assert told.code == USAGE
    assert said in one_sentence(told)
    assert not (tmp_path / "plan.yaml").exists()


@pytest.fixture
async def wreck(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[PracticeCluster]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    async with PracticeCluster.drill("refused-install") as cluster:
        (tmp_path / "kubeconfig").write_text(yaml.safe_dump(cluster.kubeconfig()))
        yield cluster


def confirm(path: Path) -> Json:
    loaded: Json = yaml.safe_load(path.read_text())
    for entry in loaded["entries"]:
        entry["confirmed"] = True
    path.write_text(yaml.safe_dump(loaded))
    return loaded


@pytest.mark.parametrize("with_manifest", [False, True])
async def test_a_plan_from_the_text_carries_it_on_and_mends_the_install(
    wreck: PracticeCluster, tmp_path: Path, error: Path, with_manifest: bool
) -> None:
    plan, listed = tmp_path / "plan.yaml", tmp_path / "manifest.yaml"
    bodies = stamped(wreck)
    listed.write_text(manifest(bodies))
    more = ["--manifest", str(listed)] if with_manifest else []
    reach = ["--kubeconfig", str(tmp_path / "kubeconfig"), "--contract", str(SHIPPED)]
    words = ["plan", "cleanup", "--error", str(error), *more, "-f", str(plan), *reach]
    assert await asyncio.to_thread(main, words) == CLEAN
    loaded = confirm(plan)
    assert loaded["expect"] == WANTED
    assert loaded["error"]["conflicts"][0]["name"] == "allow-egress"
    assert len(loaded.get("manifest", {}).get("documents", ())) == (len(bodies) if with_manifest else 0)
    assert {entry["action"] for entry in loaded["entries"]} == {"adopt"}
    for gone in (error, listed):
        gone.unlink()
    assert await asyncio.to_thread(main, ["apply", str(plan), "--confirmed", *reach]) == CLEAN
    verdict = await check(wreck, load_drill("refused-install"))
    assert verdict.reached
    assert verdict.risky == ()


async def test_what_the_manifest_does_not_list_is_left_by_apply_too(
    wreck: PracticeCluster, tmp_path: Path, error: Path
) -> None:
    plan, listed = tmp_path / "plan.yaml", tmp_path / "manifest.yaml"
    bodies = stamped(wreck)
    listed.write_text(manifest(bodies[:3]))
    reach = ["--kubeconfig", str(tmp_path / "kubeconfig"), "--contract", str(SHIPPED)]
    words = ["plan", "cleanup", "--error", str(error), "--manifest", str(listed), "-f", str(plan), *reach]
    assert await asyncio.to_thread(main, words) == CLEAN
    loaded = confirm(plan)
    assert len(loaded["entries"]) == 3
    left = {each["resource"] for each in loaded["left_out"]}
    assert len(left) == len(bodies) - 3
    # A hand that adds to the plan what the manifest does not list gets nowhere.
    other = {**loaded["entries"][0], "ref": {**loaded["entries"][0]["ref"], "name": bodies[5]["metadata"]["name"]}}
    loaded["entries"].append(other)
    plan.write_text(yaml.safe_dump(loaded))
    assert await asyncio.to_thread(main, ["apply", str(plan), "--confirmed", *reach]) == BLOCKED
    assert len(stamped(wreck)) == len(bodies) - 3
