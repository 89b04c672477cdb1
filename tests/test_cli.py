"""The command line against practice clusters over real HTTP: every command in every format."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from tests.typed import (
    BLOCKED,
    CLEAN,
    COMMANDS,
    SHIPPED,
    UNVERIFIED,
    USAGE,
    Clusters,
    Run,
    dead_kubeconfig,
    one_sentence,
)
from tui import commands, practice


@pytest.mark.parametrize(
    ("drill", "code", "verdict"),
    [
        ("controllers-missing", BLOCKED, "block"),
        ("stale-release", CLEAN, "warn"),
        ("active-release-trap", CLEAN, "warn"),
        ("healthy", CLEAN, "pass"),
        ("two-owners", BLOCKED, "block"),
        ("delete-bomb", BLOCKED, "block"),
        ("refused-install", BLOCKED, "block"),
    ],
)
def test_the_preflight_of_a_drill(clusters: Clusters, run: Run, drill: str, code: int, verdict: str) -> None:
    where = f"--kubeconfig {clusters.kubeconfig(drill)} --contract {SHIPPED}"
    found = run(f"preflight {where} -o json")
    assert (found.code, found.document["verdict"], found.document["context"]) == (code, verdict, "practice")
    text = run(f"preflight {where}")
    assert text.code == code
    assert text.out.startswith(f"preflight: {verdict.upper()}\n")
    page = run(f"preflight {where} -o markdown")
    assert page.code == code
    assert page.out.startswith(f"# Preflight: {verdict.upper()}\n")
    for finding in found.document["findings"]:
        if finding["severity"] != "info":
            assert finding["code"] in text.out
            assert finding["code"] in page.out


@pytest.mark.parametrize(
    ("drill", "code", "verdict"), [("controllers-missing", BLOCKED, "unhealthy"), ("healthy", CLEAN, "healthy")]
)
def test_the_health_of_a_drill(clusters: Clusters, run: Run, drill: str, code: int, verdict: str) -> None:
    where = f"--kubeconfig {clusters.kubeconfig(drill)} --contract {SHIPPED}"
    found = run(f"health {where} -o json")
    assert (found.code, found.document["verdict"]) == (code, verdict)
    assert run(f"health {where}").out.startswith(f"health: {verdict.upper()}\n")
    page = run(f"health {where} -o markdown")
    assert page.out.startswith(f"# Health: {verdict}\n")
    assert page.out.count("\n- ") == len(found.document["checks"])


def test_waiting_ends_when_it_is_healthy_or_the_time_is_up(
    clusters: Clusters, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "HEALTH_POLL", 0.01)
    looks: list[int] = []
    real = commands._health

    async def counted(*more: Any) -> Any:
        looks.append(1)
        return await real(*more)

    monkeypatch.setattr(commands, "_health", counted)
    assert run(f"health --wait 24h --kubeconfig {clusters.kubeconfig('healthy')} --contract {SHIPPED}").code == CLEAN
    assert len(looks) == 1
    sick = clusters.kubeconfig("controllers-missing")
    assert run(f"health --wait 0.001s --kubeconfig {sick} --contract {SHIPPED}").code == BLOCKED
    dead = dead_kubeconfig(clusters.folder)
    assert run(f"health --wait 0.001s --kubeconfig {dead} --contract {SHIPPED}").code == UNVERIFIED


def test_owners_are_told_in_every_format(clusters: Clusters, run: Run) -> None:
    where = f"--kubeconfig {clusters.kubeconfig('stale-release')} --contract {SHIPPED}"
    found = run(f"owners {where} -o json")
    assert found.code == CLEAN
    states = [each["state"] for each in found.document["objects"]]
    assert found.document["counts"] == {state: states.count(state) for state in set(states)}
    text, page = run(f"owners {where}"), run(f"owners {where} -o markdown")
    assert page.out.count("\n| ") == len(states) + 2
    assert "Deployment flux-system/source-controller" in text.out
    assert "Deployment flux-system/source-controller" in page.out


@pytest.mark.parametrize(
    ("flags", "holds"),
    [
        ("--kind deployment", lambda each: each["ref"]["kind"] == "Deployment"),
        ("--kind Deployment -n flux-system", lambda each: each["ref"]["namespace"] == "flux-system"),
        ("--owner flux", lambda each: "flux" in each["owners"]),
        ("--owner fl*", lambda each: "flux" in each["owners"]),
        ("--kind deploy", lambda each: each["ref"]["kind"] == "Deployment"),
        ("--kind deployments", lambda each: each["ref"]["kind"] == "Deployment"),
        ("--kind clusterroles.rbac*", lambda each: each["ref"]["kind"] == "ClusterRole"),
        ("--state stale", lambda each: each["state"] == "stale"),
        ("--layer gitops", lambda each: each["layer"] == "gitops"),
        ("--release gitops-flux-*", lambda each: each["ref"]["kind"] != "Namespace"),
        ("--namespace app*", lambda each: each["ref"]["namespace"].startswith("app")),
    ],
)
def test_filters_choose(clusters: Clusters, run: Run, flags: str, holds: Callable[[Any], bool]) -> None:
    where = f"--kubeconfig {clusters.kubeconfig('stale-release')} --contract {SHIPPED}"
    some = run(f"owners {where} -o json {flags}").document["objects"]
    assert some
    assert all(holds(each) for each in some)
    assert len(some) < len(run(f"owners {where} -o json").document["objects"])
    assert run(f"owners {where} -o json {flags} --kind nonsense").document["objects"] == []
    assert run(f"owners {where} {flags} --kind nonsense").out == "no object is so\n"


def test_the_systems_own_objects_are_told_when_asked_for(clusters: Clusters, run: Run) -> None:
    where = f"--kubeconfig {clusters.kubeconfig('healthy')} --contract {SHIPPED}"
    few, all_ = (run(f"owners {where} -o json {flag}").document["objects"] for flag in ("", "--all"))
    assert len(few) < len(all_)
    assert {each["ref"]["kind"] for each in all_} > {"ReplicaSet"}


@pytest.mark.parametrize(
    "named",
    [
        "deployment/source-controller",
        "Deployment/source-controller",
        "deployments/source-controller",
        "deployment.apps/source-controller",
        "DEPLOYMENTS.APPS/source-controller",
        "deploy/source-controller",
        "deploy.apps/source-controller",
    ],
)
def test_an_object_is_found_by_the_names_that_kubectl_takes(clusters: Clusters, run: Run, named: str) -> None:
    where = f"--kubeconfig {clusters.kubeconfig('healthy')} --contract {SHIPPED}"
    found = run(f"explain {named} {where} -o json")
    assert (found.code, found.document["state"], found.document["live"]) == (CLEAN, "owned", True)
    assert [each["owner"] for each in found.document["owners"]] == ["pulumi"]
    assert found.document["owners"][0]["confirmed"]
    text = run(f"explain {named} {where}")
    assert "Pulumi by release manifest, confirmed by the owner's own record" in text.out
    assert "helm get manifest gitops-flux-" in text.out
    assert "what happens next" in text.out
    assert run(f"explain {named} {where} -o markdown").out.startswith(
        "# Deployment flux-system/source-controller: owned"
    )


def test_a_missing_one_is_explained_as_missing(clusters: Clusters, run: Run) -> None:
    where = f"--kubeconfig {clusters.kubeconfig('controllers-missing')} --contract {SHIPPED}"
    found = run(f"explain deployment/source-controller {where} -o json")
    assert (found.code, found.document["state"], found.document["live"]) == (CLEAN, "missing", False)
    assert "resource-missing" in found.document["findings"]


def test_releases_are_told_in_every_format(clusters: Clusters, run: Run) -> None:
    where = f"--kubeconfig {clusters.kubeconfig('controllers-missing')} --contract {SHIPPED}"
    found = run(f"releases {where} -o json")
    assert found.code == CLEAN
    (family,) = found.document["families"]
    assert sum(each["state"] == "missing" for each in family["resources"]) == 6
    name = family["active"]
    text, page = run(f"releases {where}"), run(f"releases {name} {where} -o markdown")
    assert "6 missing" in text.out
    assert f"| {name} | 2 | deployed |" in page.out
    assert run(f"releases {name} {where} -o json").document["families"][0]["revisions"]
    said = run(f"releases nobody {where}")
    assert said.code == USAGE
    assert "is not recorded" in one_sentence(said)


def test_another_context_of_the_same_file(clusters: Clusters, run: Run) -> None:
    config = clusters.kubeconfig("healthy")
    for line in ("preflight --context practice-viewer", "--context practice-viewer preflight"):
        found = run(f"{line} -o json --kubeconfig {config} --contract {SHIPPED}")
        assert (found.code, found.document["context"]) == (UNVERIFIED, "practice-viewer")
    both = run(f"--context nowhere preflight --context practice -o json --kubeconfig {config} --contract {SHIPPED}")
    assert both.document["context"] == "practice"


def test_two_in_force_are_settled_by_name_and_revision(clusters: Clusters, run: Run) -> None:
    where = f"--kubeconfig {clusters.kubeconfig('delete-bomb')} --contract {SHIPPED} -o json"
    (before,) = run(f"preflight {where}").document["releases"]
    assert before["state"] == "ambiguous"
    one = before["known"][0]
    (after,) = run(f"preflight {where} --settle {one['name']}@{one['revision']}").document["releases"]
    assert (after["state"], after["active"]) == ("active", one["name"])
    (still,) = run(f"preflight {where} --settle {one['name']}@{one['revision'] + 7}").document["releases"]
    assert still["state"] == "ambiguous"


def test_an_expected_release_turns_deletions_into_adoptions(clusters: Clusters, run: Run) -> None:
    where = f"--kubeconfig {clusters.kubeconfig('refused-install')} --contract {SHIPPED} -o json"
    before = run(f"preflight {where}").document["candidates"]
    after = run(f"preflight {where} --expect gitops-flux-0123abcd")
    assert {each["decision"] for each in before} == {"protect"}
    assert {(each["decision"], *each["rules"]) for each in after.document["candidates"]} == {("adopt", "S3")}
    assert "refused-install" in {each["code"] for each in after.document["findings"]}
    assert after.code == BLOCKED


def test_the_contract_is_checked_shown_and_described(run: Run) -> None:
    check = run(f"contract check --contract {SHIPPED}")
    assert check.code == CLEAN
    assert "triton" in check.out
    assert f"{SHIPPED}: valid" in check.out
    remarks = json.loads(run(f"contract check --contract {SHIPPED} -o json").out)["remarks"]
    assert {"code", "line", "text"} == set(remarks[0])
    assert str(SHIPPED) in run(f"contract show --contract {SHIPPED}").out
    shown = json.loads(run(f"contract show --contract {SHIPPED} -o json").out)
    assert shown["source"] == str(SHIPPED)
    assert shown["families"][0]["family"] == "gitops-flux"
    schema = json.loads(run("contract schema").out)
    Draft202012Validator(schema).validate(yaml.safe_load(SHIPPED.read_text()))


def test_the_contract_is_found_where_it_is_looked_for(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "ownership.yaml" in run("contract show").out
    (tmp_path / "ownership.yaml").write_text(SHIPPED.read_text())
    assert str(tmp_path / "ownership.yaml") in run("contract show").out
    (tmp_path / "other.yaml").write_text(SHIPPED.read_text())
    monkeypatch.setenv("REFLOAT_CONTRACT", str(tmp_path / "other.yaml"))
    assert str(tmp_path / "other.yaml") in run("contract show").out
    assert str(SHIPPED) in run(f"contract show --contract {SHIPPED}").out


def test_the_demo_without_a_terminal_is_a_report(run: Run) -> None:
    said = run(f"demo --contract {SHIPPED}")
    assert said.code == CLEAN
    for told in ("Goal: ", "preflight: BLOCK", "health: UNHEALTHY", "resource-missing", "practice cluster"):
        assert told in said.out
    found = run(f"demo stale-release -o json --contract {SHIPPED}")
    assert (found.code, found.document["context"]) == (CLEAN, "practice")
    page = run(f"demo stale-release -o markdown --contract {SHIPPED}")
    assert "# Preflight: WARN" in page.out
    assert "# Health: healthy" in page.out


def test_the_drills_are_listed_a_line_each(run: Run) -> None:
    said = run("demo --list")
    names = [line.split()[0] for line in said.out.splitlines()]
    assert (said.code, names[0]) == (CLEAN, "controllers-missing")
    assert {"stale-release", "active-release-trap", "healthy"} <= set(names)


@pytest.mark.parametrize(
    ("command", "does"),
    [
        ("", "Who owns what in a cluster"),
        ("preflight", "what would stop the owner's next deployment"),
        ("health", "are the contract's controllers alive"),
        ("owners", "who owns what"),
        ("explain", "who owns this and why"),
        ("releases", "release families"),
        ("contract", "check, show or describe the contract"),
        ("demo", "the app on an embedded practice cluster"),
    ],
)
def test_help_says_what_a_command_does(run: Run, command: str, does: str) -> None:
    said = run(f"{command} --help")
    assert said.code == CLEAN
    assert does in " ".join(said.out.split("options:")[0].split())
    if not command:
        assert all(each in said.out for each in COMMANDS)


def test_the_version_is_one_line(run: Run) -> None:
    assert re.fullmatch(r"refloat \d+\.\d+\.\d+\n", run("--version").out)
    assert run("--version").code == CLEAN


def test_a_drill_of_one_s_own_can_be_written_by_the_published_schema(run: Run) -> None:
    schema = json.loads(run("demo --schema").out)
    Draft202012Validator.check_schema(schema)
    shipped = Path(practice.__file__).parent / "drills" / "walled-in.yaml"
    assert list(Draft202012Validator(schema).iter_errors(yaml.safe_load(shipped.read_text()))) == []
    assert list(Draft202012Validator(schema).iter_errors({"name": "mine"}))
