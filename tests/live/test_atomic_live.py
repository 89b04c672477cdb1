"""An atomic install on a real kube-apiserver by both real Helms: what it takes back, and what is said before it does.

``HELM3`` and ``HELM4`` name the two programs; where one is absent, its tests are skipped by name.
"""

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.live.conftest import LiveCluster
from tui.cli import main
from tui.objects import Json

ATOMIC = {"helm3": "--atomic", "helm4": "--rollback-on-failure"}
DANGER = "an atomic install that fails deletes all that was adopted for it"
CLEAN, BLOCKED = 0, 1


@dataclass
class Shop:
    """One family of releases in a namespace of its own: an old generation whose record is lost, and a new one."""

    program: str
    version: str
    kubeconfig: Path
    folder: Path

    @property
    def space(self) -> str:
        return f"shop-{self.version}"

    @property
    def old(self) -> str:
        return f"{self.space}-aaaaaaaa"

    @property
    def new(self) -> str:
        return f"{self.space}-bbbbbbbb"

    @property
    def next(self) -> Path:
        return self.folder / "next.yaml"

    def run(self, *words: str, check: bool = True) -> str:
        return self._run(self.program, *words, "--namespace", self.space, check=check)

    def kubectl(self, *words: str, check: bool = True) -> str:
        return self._run("kubectl", *words, "--namespace", self.space, check=check)

    def _run(self, *words: str, check: bool) -> str:
        command = [*words, "--kubeconfig", str(self.kubeconfig)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0 or not check, done.stderr
        return done.stdout + done.stderr

    def chart(self, name: str, *documents: Json) -> Path:
        folder = self.folder / name
        (folder / "templates").mkdir(parents=True)
        (folder / "Chart.yaml").write_text("{apiVersion: v2, name: shop, version: 1.0.0}")
        (folder / "templates" / "all.yaml").write_text(yaml.safe_dump_all(documents, explicit_start=True))
        return folder

    def refloat(self, *words: str) -> int:
        where = ["--kubeconfig", str(self.kubeconfig), "--contract", str(self.folder / "ownership.yaml")]
        return main([words[0], *where, *words[1:]])

    def there(self) -> set[str]:
        """The objects of the family, by kind and name."""
        listed = json.loads(self.kubectl("get", "configmaps,services,serviceaccounts", "-o", "json"))
        own = {"kube-root-ca.crt", "openshift-service-ca.crt", "default"}
        names = {(each["kind"], each["metadata"]["name"]) for each in listed["items"]}
        return {f"{kind} {name}" for kind, name in names if name not in own}


def config_map(name: str, **meta: Any) -> Json:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, **meta}, "data": {"a": "b"}}


def service(port: int) -> Json:
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "broken"}, "spec": {"ports": [{"port": port}]}}


def binding(name: str, role: str) -> Json:
    head = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": name}}
    ref = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role}
    return {**head, "roleRef": ref, "subjects": [{"kind": "ServiceAccount", "name": "nobody", "namespace": "default"}]}


def contract(space: str) -> Json:
    family = {"family": "shop", "generated": space, "namespace": space, "owner": "helm"}
    return {
        "version": 1,
        "name": "shop",
        "layers": [{"name": "infrastructure", "title": "Infrastructure", "owner": "helm"}],
        "owners": {"helm": {"title": "Helm by hand", "marks": [{"family": "shop"}]}},
        "claims": [
            {"owner": "helm", "layer": "infrastructure", "select": [{"kinds": ["Namespace"], "names": [space]}]}
        ],
        "releases": [{**family, "cleanup": {"cluster_scoped": True, "namespaces": [space]}}],
    }


@pytest.fixture(params=["helm3", "helm4"])
def shop(
    request: pytest.FixtureRequest, live_cluster: LiveCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Shop]:
    program = os.environ.get(request.param.upper())
    if not program:
        pytest.skip(f"no real Helm: {request.param.upper()} does not name the program")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    found = Shop(program, request.param, live_cluster.kubeconfig_file(), tmp_path)
    (tmp_path / "ownership.yaml").write_text(yaml.safe_dump(contract(found.space)))
    found.kubectl("create", "namespace", found.space, check=False)
    yield found
    for name in (found.old, found.new):
        found.run("uninstall", name, check=False)
    found.kubectl("delete", "configmaps,services,secrets", "--all", check=False)
    found.kubectl("delete", "clusterrolebinding", f"{found.space}-bound", "--ignore-not-found", check=False)


def wrecked(shop: Shop, was: list[Json], shall_be: list[Json]) -> Path:
    """The old generation's record is lost, all that it made lives on; the chart of the new one, and its manifest."""
    shop.run("install", shop.old, str(shop.chart("old", *was)))
    shop.kubectl("delete", "secrets", "-l", "owner=helm")
    new = shop.chart("new", *shall_be)
    shop.next.write_text(shop.run("template", shop.new, str(new)))
    return new


def adopted(shop: Shop, *words: str) -> Json:
    """The plan of the adoption, carried out; what it said."""
    plan = shop.folder / "plan.yaml"
    assert shop.refloat("plan", "cleanup", "--expect", shop.new, *words, "-f", str(plan)) == CLEAN
    loaded: Json = yaml.safe_load(plan.read_text())
    plan.write_text(plan.read_text().replace("confirmed: false", "confirmed: true"))
    manifest = ["--manifest", str(shop.next)] if "--manifest" in words else []
    assert shop.refloat("apply", str(plan), "--confirmed", *manifest) == CLEAN
    return loaded


BROKEN = "must be between 1 and 65535"
Capture = pytest.CaptureFixture[str]


def test_what_is_adopted_for_an_atomic_install_that_fails_is_deleted_and_it_was_said_before(
    shop: Shop, capsys: Capture
) -> None:
    new = wrecked(shop, [config_map("settings")], [config_map("settings"), service(99999)])
    error = shop.folder / "err"
    error.write_text(shop.run("install", shop.new, str(new), ATOMIC[shop.version], check=False))
    capsys.readouterr()
    assert shop.refloat("preflight", "--error", str(error), "--manifest", str(shop.next)) == BLOCKED
    said = capsys.readouterr().out
    assert DANGER in said
    assert "install without --atomic (Helm 3) or --rollback-on-failure (Helm 4)" in said
    assert "Service" in said
    assert BROKEN in said
    plan = adopted(shop, "--manifest", str(shop.next))
    assert DANGER in plan["advice"][0]
    assert any(BROKEN in text for text in plan["advice"])
    assert [(each["action"], each["ref"]["name"]) for each in plan["entries"]] == [("adopt", "settings")]
    assert DANGER in plan["entries"][0]["then"]
    assert shop.there() == {"ConfigMap settings"}
    failed = shop.run("install", shop.new, str(new), ATOMIC[shop.version], check=False)
    assert "has been uninstalled due to" in failed
    assert shop.there() == set(), "the fact that all these words are about"
    error.write_text(failed)
    capsys.readouterr()
    assert shop.refloat("preflight", "--error", str(error), "-o", "json") == CLEAN
    told = [each for each in json.loads(capsys.readouterr().out)["findings"] if each["code"] == "refused-install"]
    # That the install failed is told too, and what it failed over.
    assert [each["severity"] for each in told] == ["warn", "info"]
    assert "the owner installs atomically" in told[1]["next"]


def test_with_it_switched_off_and_the_manifest_mended_the_install_passes(shop: Shop) -> None:
    new = wrecked(shop, [config_map("settings")], [config_map("settings"), service(80)])
    plan = adopted(shop, "--manifest", str(shop.next))
    assert not any(BROKEN in text for text in plan["advice"])
    shop.run("install", shop.new, str(new))
    assert shop.there() == {"ConfigMap settings", "Service broken"}
    shop.run("upgrade", shop.new, str(new))


def test_with_it_switched_off_what_was_adopted_outlives_an_install_that_fails(shop: Shop) -> None:
    new = wrecked(shop, [config_map("settings")], [config_map("settings"), service(99999)])
    adopted(shop)
    shop.run("install", shop.new, str(new), check=False)
    assert shop.there() == {"ConfigMap settings"}


def test_an_install_that_was_taken_back_once_holds_adoptions_up_until_it_is_stated_to_be_none(
    shop: Shop, capsys: Capture
) -> None:
    new = wrecked(shop, [config_map("settings")], [service(99999)])
    error = shop.folder / "err"
    error.write_text(shop.run("install", shop.new, str(new), ATOMIC[shop.version], check=False))
    for words, decided in (([], ["protect"]), (["--not-atomic"], ["adopt"])):
        capsys.readouterr()
        assert shop.refloat("preflight", "--error", str(error), *words, "-o", "json") == BLOCKED
        candidates = json.loads(capsys.readouterr().out)["candidates"]
        assert [each["decision"] for each in candidates] == decided
        assert [each["rules"] for each in candidates] == [["S3"]]


def test_keep_on_the_live_object_saves_nothing_and_keep_in_the_chart_does(shop: Shop) -> None:
    keep = {"helm.sh/resource-policy": "keep"}
    was = [config_map("by-hand"), config_map("by-chart")]
    new = wrecked(shop, was, [config_map("by-hand"), config_map("by-chart", annotations=keep), service(99999)])
    shop.kubectl("annotate", "configmap", "by-hand", "helm.sh/resource-policy=keep")
    plan = adopted(shop, "--manifest", str(shop.next))
    then = {each["ref"]["name"]: each["then"] for each in plan["entries"]}
    assert "does not save it then: an uninstall reads the stored manifest" in then["by-hand"]
    assert f"keep, which the manifest of {shop.new} has of it, saves this one then" in then["by-chart"]
    shop.run("install", shop.new, str(new), ATOMIC[shop.version], check=False)
    assert shop.there() == {"ConfigMap by-chart"}


def test_a_binding_of_another_role_is_made_again_and_the_install_passes(shop: Shop) -> None:
    name = f"{shop.space}-bound"
    new = wrecked(shop, [binding(name, "view")], [binding(name, "edit")])
    plan = adopted(shop, "--manifest", str(shop.next))
    assert [(each["action"], each["ref"]["name"]) for each in plan["entries"]] == [("recreate", name)]
    shop.run("install", shop.new, str(new))
    shop.run("upgrade", shop.new, str(new))
    assert json.loads(shop.kubectl("get", "clusterrolebinding", name, "-o", "json"))["roleRef"]["name"] == "edit"


def test_a_binding_that_is_adopted_in_spite_of_its_role_fails_the_install_and_the_next_look_knows(
    shop: Shop, capsys: Capture
) -> None:
    name = f"{shop.space}-bound"
    new = wrecked(shop, [binding(name, "view")], [binding(name, "edit")])
    plan = adopted(shop)
    assert "only that release's manifest can tell (--manifest FILE)" in plan["entries"][0]["why"]
    failed = shop.run("install", shop.new, str(new), check=False)
    assert "cannot change roleRef" in failed
    capsys.readouterr()
    assert shop.refloat("preflight", "--expect", shop.new, "-o", "json") == BLOCKED
    (candidate,) = json.loads(capsys.readouterr().out)["candidates"]
    assert candidate["decision"] == "protect"
    assert "wants ClusterRole edit" in candidate["why"]
    (shop.folder / "plan.yaml").unlink()
    plan = adopted(shop, "--manifest", str(shop.next))
    assert [each["action"] for each in plan["entries"]] == ["recreate"]


def test_what_the_server_would_refuse_of_what_is_adopted_is_told_too(shop: Shop, capsys: Capture) -> None:
    was, shall_be = service(80), service(80)
    shall_be["spec"] |= {"clusterIP": "10.0.0.77"}
    wrecked(shop, [was], [shall_be, {**config_map("unknown"), "dta": {}}])
    capsys.readouterr()
    shop.refloat("preflight", "--expect", shop.new, "--manifest", str(shop.next), "-o", "json")
    found = [each for each in json.loads(capsys.readouterr().out)["findings"] if each["code"] == "refused-install"]
    refused = next(each for each in found if each["summary"].startswith("the server would refuse 1 document"))
    assert "may not change once set" in refused["evidence"][0]
    (unsure,) = [each for each in found if each["severity"] == "warn"]
    assert "Helm 4 is refused over it, Helm 3 leaves the field out" in unsure["evidence"][0]
