"""What is said beforehand of an owner's act, and what then happens: with both Helms and a living Flux."""

import asyncio
import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.live import test_incidents_live as incidents
from tests.live.flux import Repository
from tests.live.test_incidents_live import KUSTOMIZATION, PATIENCE, Quay, applied, rolled_out, source
from tests.ownership.flux_world import NOW
from tests.ownership.judging import CONTRACT, weigh
from tui.objects import Json, Ref
from tui.ownership.acts.model import Act, Consequence
from tui.ownership.outlook import Outlooks

quay, flux = incidents.quay, incidents.flux

SPACE = incidents.SPACE
POLICY = "helm.sh/resource-policy"
KUSTOMIZE = "kustomize.toolkit.fluxcd.io/"
RELEASE = "acts"
OWNER = f"Helm release {SPACE}/{RELEASE}"
KUBECTL, RESCUE = "kubectl-annotate", "rescue"
STAMPED = {"meta.helm.sh/release-name": "another", "meta.helm.sh/release-namespace": SPACE}


def config(name: str, annotations: Mapping[str, str] | None = None, **metadata: Any) -> Json:
    meta = {"name": name, "namespace": SPACE, "annotations": dict(annotations or {}), **metadata}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"a": "b"}}


def at(name: str) -> Ref:
    return Ref("v1", "ConfigMap", SPACE, name)


async def told(quay: Quay, ref: Ref, owner: str) -> dict[Act, Consequence]:
    """What is said of an owner's acts now, by act."""
    found = Outlooks(weigh(await quay.reader.inventory(), by=CONTRACT), NOW).of(ref.key).consequences
    return {each.act: each for each in found if each.owner == owner}


async def uid(quay: Quay, ref: Ref) -> str | None:
    """The object's identity, None where it is gone."""
    body = await quay.reader.get(ref)
    return body["metadata"]["uid"] if body else None


class Helm:
    """One of the two Helms, with a chart of its own."""

    def __init__(self, program: str, quay: Quay, folder: Path) -> None:
        self._program, self._quay, self._folder = program, quay, folder

    def chart(self, *documents: Json, hooks: tuple[Json, ...] = ()) -> str:
        """A chart that lists these documents unless ``dropped`` is set, one that it always lists, and hooks."""
        templates = self._folder / "templates"
        templates.mkdir(parents=True, exist_ok=True)
        (self._folder / "Chart.yaml").write_text(
            yaml.safe_dump({"apiVersion": "v2", "name": "acts", "version": "1.0.0"})
        )
        (self._folder / "values.yaml").write_text("dropped: false\n")
        listed = yaml.safe_dump_all(documents) if documents else ""
        (templates / "listed.yaml").write_text(f"{{{{- if not .Values.dropped }}}}\n{listed}{{{{- end }}}}\n")
        (templates / "stays.yaml").write_text(yaml.safe_dump_all([config("acts-stays"), *hooks]))
        return str(self._folder)

    def __call__(self, *words: str) -> int:
        command = [self._program, *words, "--kubeconfig", str(self._quay.kubeconfig), "--namespace", SPACE]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60).returncode


@pytest.fixture(params=["HELM3", "HELM4"])
def helm(request: pytest.FixtureRequest, quay: Quay, tmp_path: Path) -> Iterator[Helm]:
    program = os.environ.get(request.param)
    if not program:
        pytest.skip(f"no real Helm: {request.param} does not name the program")
    run = Helm(program, quay, tmp_path / "acts")
    yield run
    run("uninstall", RELEASE, "--no-hooks")


# By object: what the live one says, what the chart says, and whether it bears another release's stamp.
ROWS: Mapping[str, tuple[str | None, str | None, bool]] = {
    "acts-plain": (None, None, False),
    "acts-live": ("keep", None, False),
    "acts-stored": (None, "keep", False),
    "acts-both": ("keep", "keep", False),
    "acts-folded": (None, " Keep ", False),
    "acts-other": (None, "delete", False),
    "acts-inexact": ("Keep", None, False),
    "acts-foreign": (None, None, True),
    "acts-foreign-live": ("keep", None, True),
}


async def installed(quay: Quay, helm: Helm) -> str:
    """Installs the chart with every row, and makes the live objects as the row says."""
    chart = helm.chart(*(config(name, {POLICY: stored} if stored else None) for name, (_, stored, _) in ROWS.items()))
    assert helm("install", RELEASE, chart) == 0
    for name, (live, _, foreign) in ROWS.items():
        await quay.patch(
            at(name), {"metadata": {"annotations": {POLICY: live, **(STAMPED if foreign else {})}}}, RESCUE
        )
    return chart


async def cleaned(quay: Quay, *names: str) -> None:
    for name in names:
        if await uid(quay, at(name)):
            await quay.delete(at(name))


async def test_an_upgrade_without_it_does_what_was_said(quay: Quay, helm: Helm) -> None:
    chart = await installed(quay, helm)
    said = {name: (await told(quay, at(name), OWNER))[Act.UPGRADE].effect.value for name in ROWS}
    assert helm("upgrade", RELEASE, chart, "--set", "dropped=true") == 0
    then = {name: "keeps" if await uid(quay, at(name)) else "deletes" for name in ROWS}
    await cleaned(quay, *ROWS)
    assert said == then
    assert {name for name, effect in then.items() if effect == "keeps"} == {
        "acts-live",
        "acts-both",
        "acts-foreign-live",
    }


async def test_an_uninstall_does_what_was_said(quay: Quay, helm: Helm, request: pytest.FixtureRequest) -> None:
    await installed(quay, helm)
    said = {name: (await told(quay, at(name), OWNER))[Act.UNINSTALL] for name in ROWS}
    assert helm("uninstall", RELEASE) == 0
    then = {name: "keeps" if await uid(quay, at(name)) else "deletes" for name in ROWS}
    await cleaned(quay, *ROWS)
    for name, (_, _, foreign) in ROWS.items():
        if foreign and "HELM4" in request.node.name:
            assert (said[name].effect.value, then[name]) == ("deletes", "keeps")
            assert "Helm 4.3 asks, and leaves it" in said[name].because
        else:
            assert said[name].effect.value == then[name], name
    assert {"acts-stored", "acts-both", "acts-folded", "acts-other"} <= {n for n, e in then.items() if e == "keeps"}


@pytest.mark.parametrize(
    ("event", "policies", "act"),
    [
        ("pre-upgrade", "", Act.UPGRADE),
        ("post-upgrade", "before-hook-creation,hook-succeeded", Act.UPGRADE),
        ("pre-upgrade", "hook-succeeded", Act.UPGRADE),
        ("pre-install", "", Act.UPGRADE),
        ("pre-delete", "", Act.UNINSTALL),
        ("pre-delete", "hook-failed", Act.UNINSTALL),
        ("pre-upgrade", "", Act.UNINSTALL),
    ],
)
async def test_a_hook_does_what_was_said_to_what_another_release_has(
    quay: Quay, helm: Helm, event: str, policies: str, act: Act
) -> None:
    marks = {"helm.sh/hook": event, **({"helm.sh/hook-delete-policy": policies} if policies else {})}
    chart = helm.chart(hooks=(config("acts-hook", marks),))
    assert helm("install", RELEASE, chart, "--no-hooks") == 0
    taken = await quay.make(config("acts-hook", {**STAMPED, POLICY: "keep"}) | {"data": {"a": "theirs"}})
    before = await uid(quay, taken)
    said = (await told(quay, taken, OWNER))[act]
    helm(*(("upgrade", RELEASE, chart) if act is Act.UPGRADE else ("uninstall", RELEASE)))
    after = await uid(quay, taken)
    assert said.effect.value != "keeps" or after == before
    assert said.effect.value != "deletes" or after != before
    if said.effect.value == "unknown":
        # A server-side release meets what is there: here its values differ, and the hook fails over them.
        assert policies in ("hook-succeeded", "hook-failed")
        assert after == before


# A living Flux.

PRUNE = f"{KUSTOMIZE}prune"
SAID: Mapping[str, tuple[str, str, str, str]] = {
    "flux-kubectl": ("annotations", PRUNE, "disabled", KUBECTL),
    "flux-rescue": ("annotations", PRUNE, "disabled", RESCUE),
    "flux-ignored": ("labels", f"{KUSTOMIZE}ssa", "Ignore", KUBECTL),
    "flux-excluded": ("annotations", f"{KUSTOMIZE}reconcile", "disabled", KUBECTL),
    "flux-merged": ("annotations", PRUNE, "disabled", KUBECTL),
    "flux-helm-keep": ("annotations", POLICY, "keep", RESCUE),
}
"""By object: where which opt-out is set on the live object, and by which field manager."""


async def settled(quay: Quay, repository: Ref, revision: str, *names: str) -> None:
    """Asks the source for this revision, and each Kustomization to apply it."""
    for one in (repository, *(Ref(f"{KUSTOMIZATION.group}/v1", "Kustomization", SPACE, name) for name in names)):
        await quay.patch(one, {"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": revision}}}, "test")
    for name in names:
        await quay.until(KUSTOMIZATION, applied(name, revision))


async def test_a_prune_does_what_was_said(quay: Quay, flux: Repository) -> None:
    objects = [config(name) for name in ("flux-plain", *SAID)]
    in_git = config("flux-in-git", {PRUNE: "disabled"})
    first = flux.commit({"acts/all.yaml": [*objects, in_git]})
    repository = await quay.make(source(flux.url))
    await quay.make(rolled_out("acts"))
    await quay.until(KUSTOMIZATION, applied("acts", first))
    for name, (where, key, value, manager) in SAID.items():
        await quay.patch(at(name), {"metadata": {where: {key: value}}}, manager)
    await quay.patch(at("flux-merged"), {"metadata": {"annotations": {f"{KUSTOMIZE}ssa": "Merge"}}}, KUBECTL)
    names = ("flux-plain", "flux-in-git", *SAID)
    owner = f"Kustomization {SPACE}/acts"
    said = {name: (await told(quay, at(name), owner))[Act.PRUNE] for name in names}
    # An apply comes between, as it does within the interval: what only kubectl set goes with it.
    second = flux.commit({"acts/all.yaml": [*objects, in_git], "acts/more.yaml": [config("flux-more")]})
    await settled(quay, repository, second, "acts")
    third = flux.commit({"acts/more.yaml": [config("flux-more")]})
    await settled(quay, repository, third, "acts")
    then = {name: "keeps" if await uid(quay, at(name)) else "deletes" for name in names}
    await cleaned(quay, *names)
    assert {name: each.effect.value for name, each in said.items()} == then
    assert {name for name, effect in then.items() if effect == "deletes"} == {
        "flux-plain",
        "flux-kubectl",
        "flux-helm-keep",
    }
    assert f"only {KUBECTL} holds it" in said["flux-kubectl"].because


async def test_a_kustomization_s_own_deletion_does_what_was_said(quay: Quay, flux: Repository) -> None:
    specs: Mapping[str, Json] = {
        "mirror": {},
        "orphan": {"deletionPolicy": "Orphan"},
        "kept": {"prune": False},
        "always": {"prune": False, "deletionPolicy": "Delete"},
        "asleep": {},
    }
    first = flux.commit({f"{name}/it.yaml": [config(f"flux-{name}")] for name in specs})
    await quay.make(source(flux.url))
    made = {name: await quay.make(rolled_out(name, **spec)) for name, spec in specs.items()}
    for name in specs:
        await quay.until(KUSTOMIZATION, applied(name, first))
    await quay.patch(made["asleep"], {"spec": {"suspend": True}}, "test")
    said = {
        name: (await told(quay, at(f"flux-{name}"), f"Kustomization {SPACE}/{name}"))[Act.DELETE_OWNER].effect.value
        for name in specs
    }
    for one in made.values():
        await quay.delete(one)
        await gone(quay, one)
    then = {name: "keeps" if await uid(quay, at(f"flux-{name}")) else "deletes" for name in specs}
    await cleaned(quay, *(f"flux-{name}" for name in specs))
    assert (
        said
        == then
        == {
            "mirror": "deletes",
            "orphan": "keeps",
            "kept": "keeps",
            "always": "deletes",
            "asleep": "keeps",
        }
    )


async def gone(quay: Quay, ref: Ref) -> None:
    """Waits until an object that is being deleted is gone, by watching its kind."""
    known = await quay.reader.inventory()
    if ref.key not in known.objects:
        return
    async with asyncio.timeout(PATIENCE), quay.reader.watch([KUSTOMIZATION], since=known) as feed:
        async for event in feed:
            if event.what == "deleted" and event.live is not None and event.live.ref.name == ref.name:
                return
