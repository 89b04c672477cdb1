"""The drills: each builds the situation it tells of, its check tells mended from broken, and bad files say where."""

import json
from pathlib import Path
from typing import Any

import pytest

from tui.faults import UsageFault
from tui.practice.build import Builder
from tui.practice.cluster import PracticeCluster
from tui.practice.deletes import Deleter
from tui.practice.drills import CheckResult, check, judged, list_drills, load_drill
from tui.practice.helm import Helm, stamped
from tui.practice.release import Document, decode
from tui.practice.writes import Options

Json = dict[str, Any]
SIX = 6


def failed(results: list[CheckResult]) -> set[str]:
    return {result.say for result in results if not result.ok}


def record(cluster: PracticeCluster, name: str) -> Json:
    secret = next(s for s in cluster.world.store.list(("", "secrets")) if s["metadata"]["name"] == name)
    return decode(secret["data"]["release"])


@pytest.mark.parametrize("drill", list_drills(), ids=lambda drill: drill.name)
async def test_every_drill_starts_unsolved_unless_it_is_healthy_and_nothing_risky_has_happened(drill: Any) -> None:
    async with PracticeCluster.drill(drill.name) as cluster:
        results = judged(cluster, drill)
    assert not failed([result for result in results if result.risky])
    assert bool(failed(results)) is (drill.name not in ("healthy", "half-applied"))
    assert drill.story
    assert drill.hints
    assert "\n" not in drill.summary


async def test_recreated_controllers_bring_flux_back_to_life() -> None:
    drill = load_drill("controllers-missing")
    async with PracticeCluster.drill(drill.name) as cluster:
        payload = record(cluster, "sh.helm.release.v1.gitops-flux-5d41aa0c.v2")
        assert len(payload["hooks"]) == 2
        helm = Helm(cluster.runner)
        asked = next(s["release"] for s in reversed(drill.state) if "release" in s)
        release = Builder(cluster).rendered(asked)
        for document in release.documents:
            if document.body["kind"] == "Deployment":
                helm.send(release, stamped(helm.place(release, document.body), release))
        verdict = await check(cluster, drill)
        assert verdict.reached
        assert not verdict.risky


async def test_deleting_what_had_to_stay_is_told() -> None:
    drill = load_drill("active-release-trap")
    async with PracticeCluster.drill(drill.name) as cluster:
        kind = cluster.world.kinds.find("apps", "v1", "deployments")
        assert kind is not None
        Deleter(cluster.world).delete(kind, "flux-system", "source-controller", {})
        verdict = await check(cluster, drill)
    told = [result for result in verdict.results if result.risky and not result.ok]
    assert [result.details for result in told] == [("Deployment/flux-system/source-controller",)]
    assert not verdict.reached


async def test_the_full_installation_is_over_sixty_objects_and_its_record_lists_what_lives() -> None:
    async with PracticeCluster.drill("healthy") as cluster:
        assert sum(1 for _ in cluster.world.store.objects()) > 60
        payload = record(cluster, "sh.helm.release.v1.gitops-flux-5d41aa0c.v1")
        secret = cluster.world.get("", "secrets", "flux-system", "sh.helm.release.v1.gitops-flux-5d41aa0c.v1")
    assert payload["manifest"].count("\n# Source: flux2/templates/") == 39
    assert payload["chart"]["metadata"]["name"] == "flux2"
    assert secret is not None
    assert secret["type"] == "helm.sh/release.v1"
    assert secret["metadata"]["labels"]["status"] == payload["info"]["status"] == "deployed"


async def test_flux_follows_requests_and_stands_still_while_suspended() -> None:
    async with PracticeCluster.drill("healthy") as cluster:
        kind = cluster.world.kinds.by_kind("source.toolkit.fluxcd.io", "GitRepository")
        assert kind is not None

        def ask(merge: Json) -> None:
            assert kind is not None
            options = Options("kubectl-annotate")
            cluster.runner.writer.patch(kind, "flux-system", "flux-system", "merge-patch", merge, options)

        def handled() -> str | None:
            assert kind is not None
            body = cluster.world.get(*kind.resource, "flux-system", "flux-system")
            return body["status"].get("lastHandledReconcileAt") if body else None

        ask({"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": "1"}}})
        await cluster.settle()
        assert handled() == "1"
        ask({"spec": {"suspend": True}, "metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": "2"}}})
        await cluster.settle()
        assert handled() == "1"
        ask({"spec": {"suspend": False}})
        await cluster.settle()
        assert handled() == "2"


def test_a_refused_install_names_the_object_and_both_releases() -> None:
    cluster = PracticeCluster.drill("healthy")
    asked = {"name": "gitops-flux-99999999", "namespace": "flux-system", "chart": "flux2"}
    refused = Helm(cluster.runner).install(Builder(cluster).rendered(asked))
    assert refused == (
        'INSTALLATION FAILED: Unable to continue with install: NetworkPolicy "allow-egress" in namespace "flux-system" '
        "exists and cannot be imported into the current release: invalid ownership metadata; annotation validation "
        'error: key "meta.helm.sh/release-name" must equal "gitops-flux-99999999": current value is '
        '"gitops-flux-5d41aa0c"'
    )


def test_a_document_rendered_is_plain_json() -> None:
    cluster = PracticeCluster()
    release = Builder(cluster).rendered({"name": "a", "namespace": "b", "chart": "flux2"})
    assert all(isinstance(document, Document) for document in release.documents)
    assert "$" not in json.dumps([d.body for d in release.documents]).replace("$(RUNTIME_NAMESPACE)", "")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", ":1:1: the file is empty"),
        ("name: [", "this is not YAML"),
        ("name: x\nwrong: 1\n", ":2:1: the drill has no key 'wrong'"),
        ("name: x\nname: y\n", ":2:1: the drill has the key 'name' twice"),
        ("name: 7\n", ":1:7: name must be text"),
        ("a: &x 1\nb: *x\n", "aliases are not allowed"),
        ("name: x\n", ":1:1: the drill lacks title, summary"),
    ],
)
def test_a_bad_drill_file_is_one_sentence_with_its_place(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "drill.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageFault) as caught:
        load_drill(str(path))
    assert told in str(caught.value)
    assert str(path) in str(caught.value)


def test_unknown_and_missing_drills_are_told() -> None:
    with pytest.raises(UsageFault, match="there is no drill called 'nope'"):
        load_drill("nope")
    with pytest.raises(UsageFault, match="cannot be read"):
        load_drill("./nowhere.yaml")


OWN = """
name: ours
title: Our incident
summary: One line
story: It broke.
goal: Mend it.
hints: [look]
state:
  - at: 2d
    release:
      name: shop-1a2b3c4d
      namespace: default
      chart:
        chart: {name: shop, version: 1.0.0}
        documents:
          - source: templates/config.yaml
            body: {apiVersion: v1, kind: ConfigMap, metadata: {name: $release-config}, data: {a: b}}
  - at: 1h
    delete: [ConfigMap/default/shop-*]
check:
  done: [{say: It is back, present: [ConfigMap/default/shop-1a2b3c4d-config]}]
"""


async def test_a_team_plays_its_own_drill_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "ours.yaml"
    path.write_text(OWN, encoding="utf-8")
    drill = load_drill(str(path))
    async with PracticeCluster.drill(drill) as cluster:
        assert not (await check(cluster, drill)).reached
        meta = {"name": "shop-1a2b3c4d-config", "namespace": "default"}
        cluster.runner.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta})
        assert (await check(cluster, drill)).reached


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("chart: {name: shop, version: 1.0.0}", "chart: {version: 1.0.0}", "'name' is missing"),
        (
            "kind: ConfigMap, metadata: {name: $release",
            "kind: Wombat, metadata: {name: $release",
            "no matches for kind",
        ),
        ("  - at: 1h", "  - include: tethys/nowhere\n  - at: 1h", "has no section 'nowhere'"),
        ("  - at: 1h", "  - include: atlantis/x\n  - at: 1h", "there is no part called 'atlantis'"),
        ("at: 2d", "at: later", "cannot be 'later'"),
        ("present:", "stolen:", "has no key 'stolen'"),
    ],
)
def test_a_drill_that_cannot_be_played_is_one_sentence(tmp_path: Path, before: str, after: str, told: str) -> None:
    path = tmp_path / "ours.yaml"
    path.write_text(OWN.replace(before, after), encoding="utf-8")
    with pytest.raises(UsageFault) as caught:
        PracticeCluster.drill(str(path))
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


async def test_a_server_side_release_upgrades_only_over_objects_that_its_own_manager_applied() -> None:
    drill = load_drill("walled-in")
    async with PracticeCluster.drill(drill) as cluster:
        world = cluster.world
        hook = ("admissionregistration.k8s.io", "validatingwebhookconfigurations")
        world.store.remove(hook, "", "flux-policy")
        asked = next(step["release"] for step in drill.state if step.get("release", {}).get("method") == "ssa")
        release, helm = Builder(cluster).rendered(asked), Helm(cluster.runner)
        kind = world.kinds.find("apps", "v1", "deployments")
        assert kind is not None
        two = ("notification-controller", "image-reflector-controller")
        for document in release.documents:
            if document.body["kind"] == "Deployment" and document.body["metadata"]["name"] in two:
                cluster.runner.create(stamped(helm.place(release, document.body), release), "helm")
        said = "The owner's next upgrade succeeds"
        told = next(r for r in (await check(cluster, drill)).results if r.say == said)
        assert 'conflicts with "helm" using apps/v1' in told.details[0]
        for name in two:
            body = world.get("apps", "deployments", "flux-system", name)
            assert body is not None
            index = next(n for n, m in enumerate(body["metadata"]["managedFields"]) if m["manager"] == "helm")
            turn = [
                {"op": "test", "path": "/metadata/resourceVersion", "value": body["metadata"]["resourceVersion"]},
                {"op": "replace", "path": f"/metadata/managedFields/{index}/operation", "value": "Apply"},
            ]
            cluster.runner.writer.patch(kind, "flux-system", name, "json-patch", turn, Options("refloat"))
        assert said not in failed(list((await check(cluster, drill)).results))


async def test_settle_waits_for_pods_that_take_their_time() -> None:
    async with PracticeCluster.drill("healthy", pace=0.05) as cluster:
        kind = cluster.world.kinds.find("apps", "v1", "deployments")
        assert kind is not None
        Deleter(cluster.world).delete(kind, "apps", "ledger", {})
        await cluster.settle()
        document = next(d for d in cluster.world.behaviour.git["flux-system/flux-system"] if d["kind"] == "Deployment")
        again = document | {"metadata": document["metadata"] | {"name": "again"}}
        cluster.runner.create(again, "tester")
        await cluster.settle()
        body = cluster.world.get("apps", "deployments", "apps", "again")
        assert body is not None
        assert body["status"]["availableReplicas"] == again["spec"]["replicas"]
