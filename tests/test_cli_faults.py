"""What can go wrong on a command line: one sentence and the right exit code each, and never a traceback."""

import json
import re
import subprocess
import sys
import unicodedata
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.typed import (
    BLOCKED,
    CLEAN,
    COMMANDS,
    READING,
    ROOT,
    SHIPPED,
    UNVERIFIED,
    USAGE,
    Clusters,
    Run,
    dead_kubeconfig,
    one_sentence,
)
from tui import cli, stage


@pytest.mark.parametrize(
    ("named", "told"),
    [
        ("deployment/nobody", "was not found"),
        ("gizmo/nobody", "serves no kind gizmo; kubectl api-resources"),
        ("deploy.apps/nobody", "was not found"),
        ("deployment/source-controller -n apps", "in namespace apps was not found"),
        ("configmap/kube-root-ca.crt", "names .* objects"),
        ("deployment", "write KIND/NAME"),
        ("/x", "write KIND/NAME"),
        ("deployment/", "write KIND/NAME"),
    ],
)
def test_what_cannot_be_explained_is_a_usage_error(clusters: Clusters, run: Run, named: str, told: str) -> None:
    cluster = clusters.get("healthy")
    if "kube-root-ca.crt" in named and cluster.world.get("", "configmaps", "apps", "kube-root-ca.crt") is None:
        for space in ("apps", "flux-system"):
            meta = {"name": "kube-root-ca.crt", "namespace": space}
            cluster.runner.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta}, "root-ca")
    said = run(f"explain {named} --kubeconfig {clusters.kubeconfig('healthy')} --contract {SHIPPED}")
    assert said.code == USAGE
    assert re.search(told, one_sentence(said))


def test_a_state_that_is_none_is_a_usage_error(clusters: Clusters, run: Run) -> None:
    said = run(f"owners --state stail --kubeconfig {clusters.kubeconfig('healthy')} --contract {SHIPPED}")
    assert said.code == USAGE
    assert "no state is called so; there are missing, unverifiable, contested" in one_sentence(said)


@pytest.mark.parametrize("line", READING)
@pytest.mark.parametrize("why", ["unreachable", "expired"])
def test_a_cluster_that_does_not_answer_is_unverified(
    clusters: Clusters, run: Run, tmp_path: Path, line: str, why: str
) -> None:
    server = "http://127.0.0.1:1" if why == "unreachable" else clusters.get("healthy").url
    where = f"--kubeconfig {dead_kubeconfig(tmp_path, server=server)} --contract {SHIPPED}"
    text = run(f"{line} {where}")
    assert text.code == UNVERIFIED
    words = text.out if line == "health" else one_sentence(text)
    assert ("refused the connection" if why == "unreachable" else "credentials") in words
    found = run(f"{line} {where} -o json")
    assert found.code == UNVERIFIED
    document = found.document
    if line in ("preflight", "health"):
        assert document["verdict"] == "unverified"
    if line == "preflight":
        assert document["context"] == "dead"
        assert document["missing"] == document["candidates"] == []
    assert words.removeprefix("refloat: ").strip()[:40] in json.dumps(document) or line == "health"
    page = run(f"{line} {where} -o markdown")
    assert page.code == UNVERIFIED
    assert page.out.startswith("# ")
    assert "unverified" in page.out.lower()


def test_forbidden_secrets_are_unverified_and_nothing_is_called_missing_or_stale(clusters: Clusters, run: Run) -> None:
    for drill in ("controllers-missing", "stale-release"):
        where = f"--kubeconfig {clusters.kubeconfig(drill, 'no-secrets')} --contract {SHIPPED}"
        found = run(f"preflight {where} -o json")
        assert (found.code, found.document["verdict"]) == (UNVERIFIED, "unverified")
        assert found.document["missing"] == []
        assert {each["decision"] for each in found.document["candidates"]} <= {"protect"}
        assert {family["state"] for family in found.document["releases"]} == {"unverifiable"}
        assert any("secrets is forbidden" in gap for gap in found.document["incomplete"])
        objects = run(f"owners {where} -o json").document["objects"]
        assert not [each for each in objects if each["state"] == "stale"]
        # What the contract claims by name is missed only where its kind could be listed.
        assert {each["ref"]["kind"] for each in objects if each["state"] == "missing"} <= {"Deployment"}
        assert run(f"owners {where}").code == UNVERIFIED
        assert run(f"releases {where}").code == UNVERIFIED


@pytest.mark.parametrize("line", ["explain secret/nobody", "explain secrets/nobody", "releases gitops-flux-00000000"])
def test_what_may_not_be_read_is_never_called_absent(clusters: Clusters, run: Run, line: str) -> None:
    where = f"--kubeconfig {clusters.kubeconfig('healthy', 'no-secrets')} --contract {SHIPPED}"
    said = run(f"{line} {where}")
    assert said.code == UNVERIFIED
    assert "could not be looked for" in one_sentence(said)
    assert run(f"{line} {where} -o json").document


@pytest.mark.parametrize("line", READING)
def test_what_is_said_before_the_command_counts(clusters: Clusters, run: Run, line: str) -> None:
    said = run(f"--context nowhere --kubeconfig {clusters.kubeconfig('healthy')} --contract {SHIPPED} {line}")
    assert said.code == USAGE
    assert "context `nowhere` is not in" in one_sentence(said)


BROKEN = {
    "unknown-key": ("version: 1\nname: x\nlayerz: []\n", ":3:1: a contract has no key 'layerz'"),
    "not-yaml": ("version: [\n", ":2:1:"),
    "empty": ("", ":1:1:"),
}


@pytest.mark.parametrize("line", [*READING, "contract check", "contract show", "demo"])
@pytest.mark.parametrize("which", BROKEN)
def test_a_broken_contract_says_where(run: Run, tmp_path: Path, line: str, which: str) -> None:
    path = tmp_path / "broken.yaml"
    path.write_text(BROKEN[which][0])
    said = run(f"{line} --contract {path}")
    assert said.code == USAGE
    assert f"{path}{BROKEN[which][1]}" in one_sentence(said)


@pytest.mark.parametrize("line", [*READING, "contract check", "demo"])
def test_a_contract_that_is_not_there(run: Run, tmp_path: Path, line: str) -> None:
    said = run(f"{line} --contract {tmp_path / 'nowhere.yaml'}")
    assert said.code == USAGE
    assert "there is no such file" in one_sentence(said)


@pytest.mark.parametrize("line", READING)
@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "cannot be read"),
        ("a: [", ":2:1: this is not YAML"),
        ("- a", ":1:1: the top must be a mapping, not a list"),
        ("clusters: [{cluster: {insecure-skip-tls-verify: 'false'}}]", ":1:49: clusters[0].cluster.insecure-skip-tls"),
        ("{}", "context"),
    ],
)
def test_a_kubeconfig_that_cannot_work(run: Run, tmp_path: Path, line: str, content: str | None, told: str) -> None:
    path = tmp_path / "config"
    if content is not None:
        path.write_text(content)
    for output in ("text", "json"):
        said = run(f"{line} --kubeconfig {path} --contract {SHIPPED} -o {output}")
        assert said.code == USAGE
        assert told in one_sentence(said)


def test_no_kubeconfig_at_all_points_at_the_demo(run: Run) -> None:
    said = run(f"preflight --contract {SHIPPED}")
    assert said.code == USAGE
    assert "refloat demo" in one_sentence(said)


def pinned(folder: Path, uid: str) -> Path:
    path = folder / f"pinned-{uid}.yaml"
    value = yaml.safe_load(SHIPPED.read_text())
    value["cluster"] = {"uid": uid}
    path.write_text(yaml.safe_dump(value))
    return path


@pytest.mark.parametrize("line", READING)
def test_another_cluster_than_the_contracts_is_refused(clusters: Clusters, run: Run, tmp_path: Path, line: str) -> None:
    config = clusters.kubeconfig("healthy")
    for output in ("text", "json"):
        said = run(f"{line} --kubeconfig {config} --contract {pinned(tmp_path, 'another')} -o {output}")
        assert said.code == USAGE
        assert "this is not the contract's cluster" in one_sentence(said)
    system = clusters.get("healthy").world.get("", "namespaces", None, "kube-system")
    assert system is not None
    right = pinned(tmp_path, system["metadata"]["uid"])
    assert run(f"{line} --kubeconfig {config} --contract {right}").code == CLEAN


@pytest.mark.parametrize(
    "wish", ["--settle x", "--settle gitops-flux@", "--settle @3", "--settle a@b", "--settle a@-1"]
)
def test_a_wish_is_written_in_full(run: Run, wish: str) -> None:
    said = run(f"preflight {wish} --contract {SHIPPED}")
    assert said.code == USAGE
    assert "NAME@3" in one_sentence(said)


@pytest.mark.parametrize("wish", ["--settle other@3", "--expect other", "--expect gitops-flux-monitoring-1a2b3c4d"])
def test_a_wish_names_a_release_that_the_contract_knows(run: Run, wish: str) -> None:
    said = run(f"preflight {wish} --contract {SHIPPED}")
    assert said.code == USAGE
    assert "belongs to no release family" in one_sentence(said)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("demo nowhere", "there is no drill called 'nowhere'"),
        ("demo ./nowhere.yaml", "cannot be read"),
        ("", "the app needs a terminal"),
        ("--read-only", "the app needs a terminal"),
    ],
)
def test_what_cannot_be_begun_says_why(run: Run, line: str, told: str) -> None:
    said = run(line, "--contract", SHIPPED)
    assert said.code == USAGE
    assert told in one_sentence(said)


@pytest.mark.parametrize(
    "line",
    [
        "nonsense",
        "preflight -o yaml",
        "health --wait 0",
        "health --wait nan",
        "health --wait 25h",
        "preflight --request-timeout -1",
        "contract",
        "contract drop",
        "explain",
        "demo --serve --port 70000",
        "demo --port x",
        "owners --nonsense",
        "apply plan.yaml --confi",
        "apply plan.yaml --confirmed --without",
        "reconcile flux --ye",
        "preflight --request-timeout 0",
        "preflight --request-timeout inf",
        "preflight --request-timeout nan",
    ],
)
def test_a_mistyped_command_is_told_with_its_usage(run: Run, line: str) -> None:
    said = run(line)
    assert said.code == USAGE
    assert said.err.startswith("usage: refloat")
    assert said.out == ""


@pytest.mark.parametrize("option", ["--context", "--kubeconfig", "--contract", "--expect", "--settle"])
@pytest.mark.parametrize("word", ["", " "])
def test_an_empty_word_never_stands_for_the_default(run: Run, option: str, word: str) -> None:
    said = run("preflight", option, word)
    assert said.code == USAGE
    assert f"argument {option}: an empty word names nothing; give a name, or leave the option out" in said.err


@pytest.mark.parametrize("line", ["apply plan.yaml --confirmed", "reconcile flux --yes", "journal undo"])
def test_read_only_is_not_passed_over_by_what_writes(run: Run, line: str) -> None:
    said = run(f"--read-only {line}")
    assert said.code == USAGE
    assert "--read-only builds no writer, and refloat" in one_sentence(said)


def test_a_taken_port_is_told(clusters: Clusters, run: Run) -> None:
    port = clusters.get("healthy").url.rpartition(":")[2]
    said = run(f"demo healthy --serve --port {port} --contract {SHIPPED}")
    assert said.code == USAGE
    assert f"port {port} on 127.0.0.1 cannot be used" in one_sentence(said)


def program(*words: str, **more: Any) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "tui", *words]
    return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, **more)


@pytest.mark.parametrize("output", ["text", "json", "markdown"])
def test_a_reader_that_leaves_hears_no_complaint_and_the_verdict_stays(clusters: Clusters, output: str) -> None:
    config = clusters.kubeconfig("controllers-missing")
    words = ["preflight", "--kubeconfig", str(config), "--contract", str(SHIPPED), "-o", output]
    running = program(*words, stdout=subprocess.PIPE)
    assert running.stdout is not None
    assert running.stderr is not None
    running.stdout.close()
    said = running.stderr.read()
    assert (running.wait(60), said) == (BLOCKED, b"")
    running.stderr.close()


def test_an_encoding_without_the_characters_is_no_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    running = program("contract", "check", "--contract", "no\u202esuch.yaml", stdout=subprocess.PIPE)
    out, err = running.communicate(timeout=60)
    assert (running.returncode, out) == (USAGE, b"")
    assert err.startswith(b"refloat: ")
    assert b"Traceback" not in err


FLAGS = "-o json --context --kubeconfig --contract --wait --settle --expect -n a/b -- -h --list --all check schema 5m"
WORDS = st.sampled_from([*COMMANDS, *FLAGS.split(), "gitops-flux@1", "@", "/", "~", "..", "-", "--serv", "\u202e"])
ODD = WORDS | st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(ODD, max_size=6))
def test_nothing_that_can_be_typed_ends_in_a_traceback(capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        # What would serve or report for real is tried elsewhere; here it is what is typed that counts.
        patch.setattr(stage, "_serve", _nothing)
        patch.setattr(stage, "_report", _nothing)
        code = cli.main(words)
    said = capsys.readouterr()
    assert code in (CLEAN, BLOCKED, USAGE, UNVERIFIED)
    assert "Traceback" not in said.out + said.err
    assert all(char == "\n" or unicodedata.category(char) not in ("Cc", "Cf") for char in said.err)


async def _nothing(*_: object) -> int:
    return CLEAN
