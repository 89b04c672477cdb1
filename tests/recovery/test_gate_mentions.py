"""Who names an object is looked for again at the gate: a use that appears between plan and request refuses it (S7)."""

from pathlib import Path
from typing import Any

import pytest

from tests.clusters import obj
from tests.recovery.stage import STALE, STANDING, Stage, on_stage
from tui.objects import Json
from tui.recovery.outcome import Status
from tui.recovery.plan import PlanKind
from tui.recovery.ports import Method

CONFIG = obj("ConfigMap", "leftover", release=STALE, data={"a": "b"})
THING: Json = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "things.example.test", "labels": {}, "annotations": {}},
    "spec": {
        "group": "example.test",
        "scope": "Namespaced",
        "names": {"plural": "things", "singular": "thing", "kind": "Thing"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
            }
        ],
    },
}


def thing(spec: Json) -> Json:
    meta = {"name": "user", "namespace": "flux-system", "labels": {}, "annotations": {}}
    return {"apiVersion": "example.test/v1", "kind": "Thing", "metadata": meta, "spec": spec}


USES: dict[str, list[Json]] = {
    "a custom resource of a kind that had none": [thing({"settings": "leftover"})],
    "a document elsewhere": [obj("ConfigMap", "scrape", "apps", data={"x": "flux-system/leftover"})],
    "an annotation": [
        obj("Ingress", "user", annotations={"x.example.test/from": "leftover"}, spec={"ingressClassName": "x"})
    ],
    "an argument": [
        obj("Pod", "user", spec={"containers": [{"name": "c", "image": "i", "args": ["--config=leftover"]}]})
    ],
}


@pytest.mark.parametrize("use", USES.values(), ids=USES)
async def test_a_use_that_appears_meanwhile_refuses_the_deletion(tmp_path: Path, use: list[Json]) -> None:
    async with on_stage(tmp_path, standing=[*STANDING, CONFIG, THING]) as stage:
        plan, asked = await stage.ask(PlanKind.CLEANUP, "leftover")
        assert asked.allowed, asked.refusal
        for body in use:
            await stage.somebody(Method.CREATE, body)
        outcome = await stage.session.carry_out(plan, asked, asked.typed)
        assert outcome.status is Status.REFUSED
        assert "S7" in outcome.text
        assert await stage.get(CONFIG) is not None
        assert stage.spy.sent == []


async def test_what_nobody_names_is_deleted(tmp_path: Path) -> None:
    async with on_stage(tmp_path, standing=[*STANDING, CONFIG, THING]) as stage:
        await stage.somebody(Method.CREATE, thing({"settings": "other"}))
        outcome = await stage.do(PlanKind.CLEANUP, "leftover")
        assert outcome.status is Status.DONE
        assert await stage.get(CONFIG) is None


async def test_a_search_that_fails_at_the_gate_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with on_stage(tmp_path, standing=[*STANDING, CONFIG, THING]) as stage:
        plan, asked = await stage.ask(PlanKind.CLEANUP, "leftover")
        assert asked.allowed, asked.refusal
        _forbid(stage, monkeypatch, "things")
        outcome = await stage.session.carry_out(plan, asked, asked.typed)
        assert outcome.status is Status.REFUSED
        assert "Thing: " in outcome.text
        assert await stage.get(CONFIG) is not None


def _forbid(stage: Stage, monkeypatch: pytest.MonkeyPatch, plural: str) -> None:
    """The lists of one kind are refused from now on."""
    from tui.faults import ApiFault

    api = stage.reader._api
    fetch = api.fetch

    async def refused(path: str, *rest: Any, **how: Any) -> bytes:
        if path.endswith(f"/{plural}"):
            raise ApiFault(403, "Forbidden", f"{plural} is forbidden")
        return await fetch(path, *rest, **how)

    monkeypatch.setattr(api, "fetch", refused)
