"""``explain -f`` and ``contract check|init`` as typed, against practice clusters over real HTTP and without any."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.typed import BLOCKED, CLEAN, SHIPPED, UNVERIFIED, USAGE, Clusters, Run, dead_kubeconfig, one_sentence
from tui.contract.load import load_contract, parse_contract

OPERATOR = """\
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: pulumi-kubernetes-operator}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
subjects: []
"""
FRESH = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: fresh, namespace: apps}\n"
INGRESS = "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: web, namespace: apps}\n"
CONTROLLER = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: source-controller, namespace: flux-system}\n"
FLUXS = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: apps}\n"


def put(path: Path, *texts: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("---\n".join(texts))
    return path


def asked(run: Run, where: str, *files: Path) -> tuple[int, list[dict[str, Any]], list[str]]:
    """Exit code, documents and gaps; the other two formats must agree on the code."""
    line = f"explain {where} {' '.join(f'-f {file}' for file in files)}"
    found = run(f"{line} -o json")
    text, page = run(line), run(f"{line} -o markdown")
    assert (text.code, page.code) == (found.code, found.code)
    for each in found.document["documents"]:
        assert each["verdict"] in text.out
        assert f": {each['verdict'].upper()}\n" in page.out
        assert all(step in text.out and step in page.out for step in each["process"])
    return found.code, found.document["documents"], found.document["incomplete"]


def test_a_new_component_meets_nothing(clusters: Clusters, run: Run, tmp_path: Path) -> None:
    where = f"--kubeconfig {clusters.kubeconfig('healthy')} --contract {SHIPPED}"
    code, (found,), gaps = asked(run, where, put(tmp_path / "x.yaml", FRESH))
    assert (code, gaps, found["verdict"], found["collisions"]) == (CLEAN, [], "pass", [])
    assert found["claim"] == {"owner": "flux", "layer": "gitops", "source": "clusters/tethys/"}
    assert found["process"] == list(load_contract(SHIPPED).owners["flux"].process)
    assert (found["served"]["answer"], found["next"]) == ("yes", "add it by the steps of Flux")


def test_the_operators_rights_are_told_as_decided_and_not_to_be_changed(
    clusters: Clusters, run: Run, tmp_path: Path
) -> None:
    where = f"--kubeconfig {clusters.kubeconfig('two-owners')} --contract {SHIPPED}"
    file = put(tmp_path / "clusters" / "base" / "pulumi-system" / "operator.yaml", OPERATOR)
    code, (found,), _ = asked(run, where, file)
    assert (code, found["verdict"], found["claim"]["owner"]) == (BLOCKED, "block", "pulumi")
    assert [each["field"] for each in found["immutable"]] == ["roleRef"]
    assert [each["owner"] for each in found["decisions"]] == ["pulumi"]
    (source,) = [each for each in found["collisions"] if each["with"] == "source"]
    assert source["blocks"]
    assert "was removed by a decision of the contract" in source["text"]
    (live,) = [each for each in found["collisions"] if each["with"] == "live"]
    assert (live["state"], [each["owner"] for each in live["owners"]], live["blocks"]) == ("owned", ["pulumi"], False)
    assert live["owners"][0]["confirmed"]
    assert {each["with"] for each in found["collisions"]} == {"source", "live", "manifest"}


def test_what_flux_holds_and_lists_is_met_by_name(clusters: Clusters, run: Run, tmp_path: Path) -> None:
    live = run(
        f"owners --owner flux --kind Deployment -n apps -o json --kubeconfig {clusters.kubeconfig('healthy')} "
        f"--contract {SHIPPED}"
    ).document["objects"][0]["ref"]
    text = json.dumps({"apiVersion": live["apiVersion"], "kind": live["kind"], "metadata": {"name": live["name"]}})
    where = f"--kubeconfig {clusters.kubeconfig('healthy')} --contract {SHIPPED} -n apps"
    code, (found,), _ = asked(run, where, put(tmp_path / "cluster" / "src" / "x.json", text))
    assert code == BLOCKED
    blocking = {each["with"] for each in found["collisions"] if each["blocks"]}
    assert blocking == {"source"}
    assert {each["with"] for each in found["collisions"]} >= {"live", "inventory"}
    code, (found,), _ = asked(run, where, put(tmp_path / "x.json", text))
    assert (code, found["verdict"]) == (CLEAN, "warn")


def test_a_directory_and_standard_input_together(
    clusters: Clusters, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path / "all" / "a.yaml", FRESH, INGRESS)
    put(tmp_path / "all" / "deep" / "b.yml", CONTROLLER)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(FRESH.encode())))
    where = f"--kubeconfig {clusters.kubeconfig('controllers-missing')} --contract {SHIPPED} -o json"
    found = run(f"explain {where} -f {tmp_path / 'all'} -f -")
    assert found.code == BLOCKED
    fresh, ingress, controller, piped = found.document["documents"]
    assert [rail["id"] for rail in ingress["guardrails"]] == ["no-ingress"]
    assert [each["with"] for each in fresh["collisions"]] == ["input"] == [each["with"] for each in piped["collisions"]]
    assert piped["where"] == "standard input:1"
    # It is not live; the active release lists it, and it is Pulumi's in both respects.
    assert [(each["with"], each["blocks"]) for each in controller["collisions"]] == [("manifest", False)]


@pytest.mark.parametrize("why", ["no kubeconfig", "unreachable", "expired"])
def test_without_a_cluster_the_contract_answers_and_says_what_it_cannot(
    clusters: Clusters, run: Run, tmp_path: Path, why: str
) -> None:
    server = clusters.get("healthy").url if why == "expired" else "http://127.0.0.1:1"
    config = "" if why == "no kubeconfig" else f"--kubeconfig {dead_kubeconfig(tmp_path, server)}"
    where = f"{config} --contract {SHIPPED}"
    code, found, gaps = asked(run, where, put(tmp_path / "x.yaml", FRESH, CONTROLLER))
    assert (code, [each["verdict"] for each in found]) == (UNVERIFIED, ["unverified"] * 2)
    assert [each["claim"]["owner"] for each in found] == ["flux", "pulumi"]
    assert all(each["process"] for each in found)
    assert len(gaps) == 1
    assert "collisions, served kinds and immutable fields could not be verified" in gaps[0]
    # What the contract alone forbids is known all the same.
    code, found, _ = asked(run, where, put(tmp_path / "y.yaml", INGRESS))
    assert (code, found[0]["verdict"]) == (BLOCKED, "block")


def test_what_may_not_be_listed_is_unverified(clusters: Clusters, run: Run, tmp_path: Path) -> None:
    where = f"--kubeconfig {clusters.kubeconfig('healthy', 'no-secrets')} --contract {SHIPPED}"
    code, (found,), gaps = asked(run, where, put(tmp_path / "x.yaml", FRESH))
    assert (code, found["verdict"]) == (UNVERIFIED, "unverified")
    assert any("secrets is forbidden" in gap for gap in gaps)


def test_another_cluster_than_the_contracts_is_refused(clusters: Clusters, run: Run, tmp_path: Path) -> None:
    value = yaml.safe_load(SHIPPED.read_text())
    value["cluster"] = {"uid": "another"}
    pinned = put(tmp_path / "pinned.yaml", yaml.safe_dump(value))
    config = clusters.kubeconfig("healthy")
    for line in (f"explain -f {put(tmp_path / 'x.yaml', FRESH)}", "contract check --live"):
        said = run(f"{line} --kubeconfig {config} --contract {pinned}")
        assert (said.code, "this is not the contract's cluster" in one_sentence(said)) == (USAGE, True)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("-f nowhere.yaml", "nowhere.yaml: it cannot be read: No such file or directory"),
        ("-f bad.yaml", "bad.yaml:1: not an object"),
        ("-f x.yaml --context nowhere --kubeconfig gone", "gone"),
        ("-f x.yaml --kubeconfig gone", "gone"),
    ],
)
def test_what_is_typed_wrong_is_a_usage_error(run: Run, tmp_path: Path, line: str, told: str) -> None:
    put(tmp_path / "bad.yaml", "words")
    put(tmp_path / "x.yaml", FRESH)
    said = run(f"explain {line} --contract {SHIPPED}")
    assert said.code == USAGE
    assert told in one_sentence(said)


@pytest.mark.parametrize("line", ["explain", "explain deployment/x -f x.yaml", "contract init FILE", "contract -f x"])
def test_an_object_or_files_and_never_both(run: Run, line: str) -> None:
    said = run(line)
    assert said.code == USAGE
    assert said.err.startswith("usage: refloat")


def test_names_from_files_reach_no_terminal_raw(run: Run, tmp_path: Path) -> None:
    text = json.dumps(
        {"apiVersion": "v1", "kind": "Pod\u202e", "metadata": {"name": "x\x1b[31m", "namespace": "[bold]apps"}}
    )
    for output in ("text", "json", "markdown"):
        said = run(f"explain -f {put(tmp_path / 'x.json', text)} --contract {SHIPPED} -o {output}")
        assert said.code == UNVERIFIED
        assert not {"\x1b", "\u202e"} & set(said.out)
    assert "[bold]apps" in said.out


DRILLS = [
    "active-release-trap",
    "controllers-missing",
    "delete-bomb",
    "half-applied",
    "healthy",
    "refused-install",
    "stale-release",
    "two-owners",
    "walled-in",
]


@pytest.mark.parametrize("drill", DRILLS)
def test_a_contract_drawn_from_a_drill_knows_that_drill(
    clusters: Clusters, run: Run, tmp_path: Path, drill: str
) -> None:
    config = clusters.kubeconfig(drill)
    target = tmp_path / "drawn.yaml"
    said = run(f"contract init --kubeconfig {config} -o {target}")
    assert (said.code, said.out) == (CLEAN, "")
    by = load_contract(target)
    # What somebody re-stamped by hand, to releases that were never installed, could be anybody's who runs Helm.
    strayed = {"allow-egress", "allow-scraping"} if drill == "refused-install" else set()
    assert set(by.owners) == {"pulumi", "flux", *(["helm"] if strayed else [])}
    before = run(f"owners --kubeconfig {config} --contract {SHIPPED} -o json").document
    after = run(f"owners --kubeconfig {config} --contract {target} -o json").document
    states = {json.dumps(each["ref"]): each for each in after["objects"]}
    for each in before["objects"]:
        # Whatever the shipped contract found owned is owned, by the same one.
        if each["state"] == "owned" and each["ref"]["name"] not in strayed:
            assert states[json.dumps(each["ref"])]["owners"] == each["owners"]
            assert states[json.dumps(each["ref"])]["state"] == "owned"
    assert not {"misowned", "undocumented", "unverifiable"} & set(after["counts"])
    assert after["counts"]["owned"] >= before["counts"]["owned"]
    remarks = run(f"contract check --live --kubeconfig {config} --contract {target} -o json")
    codes = {each["code"] for each in remarks.document["remarks"]}
    assert codes <= {"namespace-unclaimed", "check-unclaimed", "claim-contradicted", "namespace-uncovered"}
    assert ("claim-contradicted" in codes) <= ("contested" in after["counts"])


def test_a_draft_goes_to_standard_output_and_never_over_a_file(clusters: Clusters, run: Run, tmp_path: Path) -> None:
    config = clusters.kubeconfig("healthy")
    said = run(f"contract init --kubeconfig {config}")
    assert (said.code, said.err) == (CLEAN, "")
    drawn = parse_contract(said.out.encode(), "draft")
    assert (drawn.name, bool(drawn.cluster_uid)) == ("practice", True)
    mine = put(tmp_path / "mine.yaml", "mine")
    (tmp_path / "dangling").symlink_to("nowhere")
    for target in (mine, tmp_path / "dangling"):
        said = run(f"contract init --kubeconfig {config} -o {target}")
        assert (said.code, "never overwritten" in one_sentence(said)) == (USAGE, True)
    assert mine.read_text() == "mine"
    said = run(f"contract init --kubeconfig {config} -o {tmp_path / 'no' / 'such' / 'x.yaml'}")
    assert (said.code, "cannot be written: No such file" in one_sentence(said)) == (USAGE, True)


def test_a_draft_of_what_may_not_be_read_says_so(clusters: Clusters, run: Run) -> None:
    said = run(f"contract init --kubeconfig {clusters.kubeconfig('healthy', 'no-secrets')}")
    assert said.code == UNVERIFIED
    assert "# could not tell: Secret: " in said.out
    assert parse_contract(said.out.encode(), "draft").releases == ()


def test_no_cluster_no_draft(run: Run, tmp_path: Path) -> None:
    said = run(f"contract init --kubeconfig {dead_kubeconfig(tmp_path)} -o {tmp_path / 'x.yaml'}")
    assert (said.code, (tmp_path / "x.yaml").exists()) == (UNVERIFIED, False)
    assert "refused the connection" in one_sentence(said)


def test_the_contract_is_held_against_the_cluster_when_asked(clusters: Clusters, run: Run, tmp_path: Path) -> None:
    config = clusters.kubeconfig("two-owners")
    alone = run(f"contract check --contract {SHIPPED} -o json")
    live = run(f"contract check --live --kubeconfig {config} --contract {SHIPPED} -o json")
    assert (alone.code, live.code) == (CLEAN, CLEAN)
    codes = [{each["code"] for each in said.document["remarks"]} for said in (alone, live)]
    assert codes[0] == {"namespace-unclaimed", "cluster-unpinned"}
    assert codes[1] - codes[0] == {"claim-contradicted", "claim-idle"}
    (against,) = [each for each in live.document["remarks"] if each["code"] == "claim-contradicted"]
    assert SHIPPED.read_text().splitlines()[against["line"] - 1].strip() == "- owner: pulumi"
    assert "(flux 1): ClusterRole pulumi-kubernetes-operator-controller" in against["text"]
    text = run(f"contract check --live --kubeconfig {config} --contract {SHIPPED}")
    assert f"{SHIPPED}:{against['line']}: claim-contradicted: " in text.out
    # What the contract alone says is said whatever the cluster answers.
    dead = run(f"contract check --live --kubeconfig {dead_kubeconfig(tmp_path)} --contract {SHIPPED} -o json")
    assert (dead.code, {each["code"] for each in dead.document["remarks"]}) == (UNVERIFIED, codes[0])
    assert "refused the connection" in dead.document["incomplete"][0]


def test_options_of_the_contract_may_stand_before_its_action(run: Run) -> None:
    assert json.loads(run(f"contract --contract {SHIPPED} -o json show").out)["source"] == str(SHIPPED)
    assert run(f"--contract {SHIPPED} contract check").out.endswith("remarks\n")
