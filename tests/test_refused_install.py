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
PINNED, DRAWN = "gitops-flux-5d41aa0c", "gitops-flux-e05c11ab"
"""The name of the lost release, which most of what is there bears, and the one that Pulumi's last error wants."""
STRAYED = {"allow-egress", "allow-scraping"}
"""What was re-stamped by hand, to the names of earlier errors."""


def stamped(cluster: PracticeCluster) -> list[Json]:
    """The live objects that the lost release made, whatever they bear by now."""
    found = [body for _, body in cluster.world.store.objects()]
    own = [each for each in found if "ownerReferences" not in each["metadata"]]
    name = "meta.helm.sh/release-name"
    return [
        each for each in own if (each["metadata"].get("annotations") or {}).get(name, "").startswith("gitops-flux-")
    ]


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


def decided(document: Json) -> dict[str, set[tuple[str, ...]]]:
    """The decisions about what strayed, and about all else."""
    found: dict[str, set[tuple[str, ...]]] = {"strayed": set(), "else": set()}
    for each in document["candidates"]:
        found["strayed" if each["ref"]["name"] in STRAYED else "else"].add((each["decision"], *each["rules"]))
    return found


def test_pulumi_s_text_names_objects_and_no_release_to_expect(
    clusters: Clusters, run: Run, where: str, error: Path
) -> None:
    found = run(f"preflight {where} -o json --error {error}")
    assert found.code == BLOCKED
    (refused,) = [each for each in found.document["findings"] if each["code"] == "refused-install"]
    assert refused["severity"] == "block"
    assert DRAWN not in refused["summary"] + refused["next"]
    names = {ref["name"] for ref in refused["resources"]}
    assert names == {body["metadata"]["name"] for body in stamped(clusters.get("refused-install"))}
    assert {(each["decision"], *each["rules"]) for each in found.document["candidates"]} == {("protect", "S3")}
    assert found.document["notes"] == []
    for output in ("text", "markdown"):
        said = run(f"preflight {where} -o {output} --error {error}")
        assert said.code == BLOCKED
        assert "NetworkPolicy flux-system/allow-egress: bears the stamp of gitops-flux-b41e77d0" in said.out
        assert f"refloat preflight --expect {PINNED}" in said.out


def test_a_pinned_name_is_stated_and_what_strayed_is_adopted_to_it(run: Run, where: str, error: Path) -> None:
    found = run(f"preflight {where} -o json --error {error} --expect {PINNED}")
    assert found.code == BLOCKED
    assert decided(found.document) == {"strayed": {("adopt", "S3")}, "else": {("protect", "S3")}}
    named = run(f"preflight {where} -o json --expect {PINNED}").document
    assert named["candidates"] == found.document["candidates"]
    said = run(f"preflight {where} --error {error} --expect {PINNED}")
    assert f"re-stamp them to {PINNED}" in said.out
    assert f"with `name: {PINNED}` in the program" in " ".join(said.out.split())


def test_the_text_may_come_by_standard_input(run: Run, where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    logged = json.dumps({"level": "error", "msg": ERROR}).encode()
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(logged), isatty=lambda: False))
    found = run(f"preflight {where} -o json --error - --expect {PINNED}").document
    assert decided(found)["strayed"] == {("adopt", "S3")}


def test_with_the_manifest_nothing_unlisted_is_adopted(
    clusters: Clusters, run: Run, where: str, error: Path, tmp_path: Path
) -> None:
    bodies = stamped(clusters.get("refused-install"))
    left = {body["metadata"]["uid"] for body in bodies if body["metadata"]["name"] == "allow-scraping"}
    path = tmp_path / "manifest.yaml"
    path.write_text(manifest([body for body in bodies if body["metadata"]["uid"] not in left]))
    found = run(f"preflight {where} -o json --error {error} --expect {PINNED} --manifest {path}").document
    done = {each["ref"]["uid"]: (each["decision"], *each["rules"]) for each in found["candidates"]}
    assert left
    assert {done[uid] for uid in left} == {("protect", "S3")}
    assert [each["ref"]["name"] for each in found["candidates"] if each["decision"] == "adopt"] == ["allow-egress"]
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
    assert "which is in force: its state does not know that" in " ".join(blocked.out.split())
    line = "pulumi import kubernetes:helm.sh/v3:Release gitops-flux flux-system/gitops-flux-5d41aa0c"
    assert line in " ".join(blocked.out.split())


@pytest.mark.parametrize("command", ["preflight", "plan cleanup -f plan.yaml"])
@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ("--error nowhere.txt", "nowhere.txt cannot be read: No such file or directory"),
        ("--error .", ". cannot be read: Is a directory"),
        ("--error empty.txt", "empty.txt is empty"),
        ("--error binary.txt", "binary.txt is no text"),
        ("--error big.txt", "big.txt has more than 2048 KiB"),
        ("--error stranger.txt", "harbour-6 belongs to no release family of the contract (it has: gitops-flux)"),
        ("--error helm.txt --expect gitops-flux-00000000", f"wants {DRAWN}, gitops-flux-00000000 is expected"),
        (
            "--error error.txt --manifest good.yaml",
            "name the expected release (--expect NAME), the one that the program",
        ),
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
    (tmp_path / "helm.txt").write_text(f"Error: INSTALLATION FAILED: Unable{ERROR.rpartition('Unable')[2]}")
    recorded = (Path(__file__).parent / "data" / "owner-errors.txt").read_text().split("###")[1]
    (tmp_path / "stranger.txt").write_text(recorded)
    (tmp_path / "good.yaml").write_text("{apiVersion: v1, kind: ConfigMap, metadata: {name: c}}")
    told = run(f"{command} --contract {SHIPPED} {flags}")
    assert told.code == USAGE
    assert said in one_sentence(told)
    assert not (tmp_path / "plan.yaml").exists()


@pytest.mark.parametrize("output", ["text", "json", "markdown"])
@pytest.mark.parametrize("drill", ["healthy", "refused-install"])
def test_a_text_that_tells_of_nothing_changes_no_verdict_and_is_told(
    clusters: Clusters, run: Run, tmp_path: Path, output: str, drill: str
) -> None:
    reach = f"--kubeconfig {clusters.kubeconfig(drill)} --contract {SHIPPED} -o {output}"
    (tmp_path / "other.txt").write_text("everything is fine")
    without, found = run(f"preflight {reach}"), run(f"preflight {reach} --error other.txt")
    assert found.code == without.code
    assert "other.txt tells of no refused install or upgrade that Refloat knows" in " ".join(found.out.split())
    if output == "json":
        assert {**found.document, "notes": []} == {**without.document, "notes": []}
    plan = run(f"plan cleanup -f {tmp_path / 'plan.yaml'} {reach.rpartition(' -o')[0]} --error other.txt")
    assert "other.txt tells of no refused install" in plan.out
    assert "error" not in yaml.safe_load((tmp_path / "plan.yaml").read_text())


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
    words = ["plan", "cleanup", "--error", str(error), "--expect", PINNED, *more, "-f", str(plan), *reach]
    assert await asyncio.to_thread(main, words) == CLEAN
    loaded = confirm(plan)
    assert loaded["expect"] == PINNED
    assert loaded["error"]["conflicts"][0]["name"] == "allow-webhooks"
    assert loaded["error"]["tool"] == "pulumi"
    assert len(loaded.get("manifest", {}).get("documents", ())) == (len(bodies) if with_manifest else 0)
    assert {(entry["action"], entry["ref"]["name"]) for entry in loaded["entries"]} == {("adopt", n) for n in STRAYED}
    for gone in (error, listed):
        gone.unlink()
    assert await asyncio.to_thread(main, ["apply", str(plan), "--confirmed", *reach]) == CLEAN
    verdict = await check(wreck, load_drill("refused-install"))
    assert verdict.reached
    assert verdict.risky == ()


TAKEN_BACK = f"Error: release {DRAWN} failed, and has been uninstalled due to atomic being set: timed out"
REACH = f"--contract {SHIPPED}"


def standing(cluster: PracticeCluster) -> dict[str, Json]:
    """Everything by its uid, but for the Leases that its controllers renew."""
    found = [body for _, body in cluster.world.store.objects() if body["kind"] != "Lease"]
    return {body["metadata"]["uid"]: body for body in found}


def left(cluster: PracticeCluster) -> list[Json]:
    """What does not bear the expected name yet."""
    name = "meta.helm.sh/release-name"
    return [each for each in stamped(cluster) if each["metadata"]["annotations"][name] != DRAWN]


def taken_back(error: Path) -> None:
    """An attempt that was refused, and then one that was taken back."""
    error.write_text(f"{ERROR}\n{TAKEN_BACK}\n")


def with_one_more(bodies: list[Json], **more: Json) -> str:
    """The manifest of all that is stamped, and of what is not there yet."""
    head = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "new", "labels": {"a": "not a label!"}}}
    return f"{manifest(bodies)}---\n{yaml.safe_dump(head | more)}"


@pytest.mark.parametrize("output", ["text", "json", "markdown"])
def test_before_anything_is_adopted_it_is_said_what_an_atomic_install_deletes(
    run: Run, where: str, error: Path, output: str
) -> None:
    said = run(f"preflight {where} -o {output} --error {error} --expect {DRAWN}").out
    assert "an atomic install that fails deletes all that was adopted for it" in said
    assert "take `atomic: true` out of its Release resource" in said


def test_an_owner_that_is_shown_to_install_atomically_holds_every_adoption_up(
    run: Run, where: str, error: Path, tmp_path: Path
) -> None:
    taken_back(error)
    held = run(f"preflight {where} -o json --error {error} --expect {DRAWN}")
    assert held.code == BLOCKED
    assert {(each["decision"], *each["rules"]) for each in held.document["candidates"]} == {("protect", "S3")}
    assert all(each["why"].startswith("the owner installs atomically: ") for each in held.document["candidates"])
    said = [each for each in held.document["findings"] if each["code"] == "refused-install"]
    assert said[0]["severity"] == "block"
    stated = run(f"preflight {where} -o json --error {error} --expect {DRAWN} --not-atomic").document
    assert {(each["decision"], *each["rules"]) for each in stated["candidates"]} == {("adopt", "S3")}
    planned = run(f"plan cleanup {where} --error {error} --expect {DRAWN} -f {tmp_path / 'held.yaml'}")
    assert "0 entries" in planned.out
    assert "the owner installs atomically" in planned.out
    assert "--not-atomic" in planned.out


@pytest.mark.parametrize("flags", ["--not-atomic", "--not-atomic --error other.txt"])
def test_whose_install_is_not_atomic_must_be_stated(run: Run, tmp_path: Path, flags: str) -> None:
    (tmp_path / "other.txt").write_text("another operation (install/upgrade/rollback) is in progress")
    told = run(f"preflight {REACH} {flags}")
    assert told.code == USAGE
    assert "(--not-atomic --expect NAME)" in one_sentence(told)


def test_what_the_server_would_refuse_of_the_manifest_is_told_before_it_does(
    clusters: Clusters, run: Run, where: str, error: Path, tmp_path: Path
) -> None:
    before = standing(clusters.get("refused-install"))
    path = tmp_path / "manifest.yaml"
    path.write_text(with_one_more(stamped(clusters.get("refused-install")), stringData={"key": "hunter2"}))
    found = run(f"preflight {where} -o json --error {error} --expect {DRAWN} --manifest {path}")
    (refused,) = [
        each
        for each in found.document["findings"]
        if each["code"] == "refused-install" and "the server would refuse" in each["summary"]
    ]
    assert (refused["severity"], [ref["name"] for ref in refused["resources"]]) == ("block", ["new"])
    assert "the server would refuse it" in refused["evidence"][0]
    planned = run(
        f"plan cleanup {where} --error {error} --expect {DRAWN} --manifest {path} -f {tmp_path / 'plan.yaml'}"
    )
    for said in (planned.out, (tmp_path / "plan.yaml").read_text()):
        assert f"the server would refuse 1 document of the manifest of {DRAWN}" in said
        assert "hunter2" not in said
    assert "hunter2" not in found.out
    assert standing(clusters.get("refused-install")) == before, "a trial changes nothing"


def test_with_read_only_the_manifest_is_said_not_to_be_tried(
    clusters: Clusters, run: Run, where: str, error: Path, tmp_path: Path
) -> None:
    path = tmp_path / "manifest.yaml"
    path.write_text(with_one_more(stamped(clusters.get("refused-install"))))
    found = run(f"--read-only preflight {where} -o json --error {error} --expect {DRAWN} --manifest {path}").document
    told = [each for each in found["findings"] if each["code"] == "refused-install"]
    assert [each["severity"] for each in told] == ["block", "warn"]
    assert told[1]["evidence"][0] == "--read-only builds no writer, not even for a dry run"


async def test_what_was_stated_of_an_atomic_install_goes_with_the_plan(
    wreck: PracticeCluster, tmp_path: Path, error: Path
) -> None:
    plan = tmp_path / "plan.yaml"
    taken_back(error)
    reach = ["--kubeconfig", str(tmp_path / "kubeconfig"), "--contract", str(SHIPPED)]
    words = ["plan", "cleanup", "--error", str(error), "--expect", DRAWN, "--not-atomic", "-f", str(plan), *reach]
    assert await asyncio.to_thread(main, words) == CLEAN
    loaded = confirm(plan)
    assert loaded["not-atomic"] is True
    loaded = yaml.safe_load(plan.read_text())
    plan.write_text(yaml.safe_dump({name: value for name, value in loaded.items() if name != "not-atomic"}))
    assert await asyncio.to_thread(main, ["apply", str(plan), "--confirmed", *reach]) == BLOCKED
    assert len(left(wreck)) == len(loaded["entries"]), "who takes the word out is held up again"
    plan.write_text(yaml.safe_dump(loaded))
    assert await asyncio.to_thread(main, ["apply", str(plan), "--confirmed", *reach]) == CLEAN
    assert left(wreck) == []


async def test_a_binding_of_another_role_is_made_again_from_the_very_manifest_of_the_plan(
    wreck: PracticeCluster, tmp_path: Path, error: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan, listed, other = tmp_path / "plan.yaml", tmp_path / "manifest.yaml", tmp_path / "other.yaml"
    bodies = stamped(wreck)
    bound = next(body for body in bodies if body["kind"] == "ClusterRoleBinding")
    wanted = {**bound, "roleRef": {**bound["roleRef"], "name": "view"}}
    listed.write_text(manifest([wanted if body is bound else body for body in bodies]))
    other.write_text(manifest(bodies))
    reach = ["--kubeconfig", str(tmp_path / "kubeconfig"), "--contract", str(SHIPPED)]
    words = ["plan", "cleanup", "--error", str(error), "--expect", DRAWN, "--manifest", str(listed), "-f", str(plan)]
    assert await asyncio.to_thread(main, [*words, *reach]) == CLEAN
    assert f"refloat apply {plan} --manifest {listed}" in capsys.readouterr().out
    loaded = confirm(plan)
    assert [(each["action"], each["ref"]["name"]) for each in loaded["entries"] if each["action"] != "adopt"] == [
        ("recreate", bound["metadata"]["name"])
    ]
    done = ["apply", str(plan), "--confirmed", *reach]
    assert await asyncio.to_thread(main, [*done, "--manifest", str(other)]) == USAGE
    assert "is not the manifest that the plan was made with" in capsys.readouterr().err
    assert await asyncio.to_thread(main, done) == BLOCKED
    assert "give the manifest of the expected release (--manifest FILE)" in capsys.readouterr().err
    assert [body["metadata"]["name"] for body in left(wreck)] == [bound["metadata"]["name"]]
    assert await asyncio.to_thread(main, [*done, "--manifest", str(listed)]) == CLEAN
    assert left(wreck) == []
    live = [body for _, body in wreck.world.store.objects() if body["metadata"]["name"] == bound["metadata"]["name"]]
    (again,) = [body for body in live if body["kind"] == "ClusterRoleBinding"]
    assert (again["roleRef"]["name"], again["metadata"]["uid"] != bound["metadata"]["uid"]) == ("view", True)


async def test_what_the_manifest_does_not_list_is_left_by_apply_too(
    wreck: PracticeCluster, tmp_path: Path, error: Path
) -> None:
    plan, listed = tmp_path / "plan.yaml", tmp_path / "manifest.yaml"
    bodies = stamped(wreck)
    listed.write_text(manifest([body for body in bodies if body["metadata"]["name"] != "allow-scraping"]))
    reach = ["--kubeconfig", str(tmp_path / "kubeconfig"), "--contract", str(SHIPPED), "--expect", PINNED]
    words = ["plan", "cleanup", "--error", str(error), "--manifest", str(listed), "-f", str(plan), *reach]
    assert await asyncio.to_thread(main, words) == CLEAN
    loaded = confirm(plan)
    assert [entry["ref"]["name"] for entry in loaded["entries"]] == ["allow-egress"]
    assert "NetworkPolicy flux-system/allow-scraping" in {each["resource"] for each in loaded["left_out"]}
    # A hand that adds to the plan what the manifest does not list gets nowhere.
    other = {**loaded["entries"][0], "ref": {**loaded["entries"][0]["ref"], "name": "allow-scraping"}}
    loaded["entries"].append(other)
    plan.write_text(yaml.safe_dump(loaded))
    assert await asyncio.to_thread(main, ["apply", str(plan), "--confirmed", *reach[:4]]) == BLOCKED
    names = {body["metadata"]["name"]: body["metadata"]["annotations"] for body in stamped(wreck)}
    assert names["allow-egress"]["meta.helm.sh/release-name"] == PINNED
    assert names["allow-scraping"]["meta.helm.sh/release-name"] != PINNED
