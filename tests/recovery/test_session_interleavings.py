"""Somebody else writes between every two steps of a session, as generated: nothing but the confirmed entry is touched.

Whatever was changed between the question and the request is refused, always; and no object beside the entry's own ever
differs from what the others left.
"""

import asyncio
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.clusters import obj
from tests.recovery.stage import ACTIVE, BOUND, GONE, KEPT, LOST, STALE, Stage, bare, on_stage
from tui.faults import ApiFault
from tui.objects import Json
from tui.recovery.gate import fingerprint
from tui.recovery.outcome import Status
from tui.recovery.plan import Action, PlanKind
from tui.recovery.ports import Method, Request

HELD = "archive.harbour-freight.dev/export"
SPEC = {"ports": [{"port": 80, "targetPort": 80, "protocol": "TCP"}], "selector": {"app": "web"}}
WEB = obj("Service", "web", release=ACTIVE, spec=SPEC)
BOX: Json = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "box", "namespace": "apps"},
    "data": {"a": "b"},
}
BYSTANDER = obj("Service", "bystander", "apps", spec={"ports": [{"port": 81}]})
LISTED = (LOST, KEPT, {**BOUND, "roleRef": {**BOUND["roleRef"], "name": "after"}}, WEB)

TARGETS: dict[str, tuple[PlanKind, Json]] = {
    "lost": (PlanKind.REPLAY, LOST),
    "kept": (PlanKind.CLEANUP, KEPT),
    "gone": (PlanKind.CLEANUP, GONE),
    "bound": (PlanKind.CLEANUP, BOUND),
    "web": (PlanKind.REPLAY, WEB),
    "box": (PlanKind.MEND, BOX),
}
MOMENTS = ("before-the-question", "before-the-answer", "before-the-request")
DEEDS = ("labels", "data", "deletes", "makes-again", "finalizer", "marks-for-flux", "bystander", "status-like")


async def prepare(stage: Stage) -> None:
    await stage.somebody(Method.CREATE, WEB, manager="helm")
    await stage.somebody_edits(WEB, spec={"selector": {"app": "other"}})
    await stage.somebody(Method.CREATE, BOX, manager="kubectl-create")
    await stage.somebody(
        Method.MERGE_PATCH, BOX, {"metadata": {"finalizers": [HELD]}}, manager="harbour-freight-archiver"
    )
    await stage.somebody(Method.DELETE, BOX)
    await stage.somebody(Method.CREATE, BYSTANDER)


@dataclass
class Other:
    """Another client, who does what was generated at its moment, to the entry's own object or to a bystander."""

    stage: Stage
    target: Json
    deeds: dict[str, list[str]]
    touched: dict[str, bool] = field(default_factory=dict)

    async def act(self, moment: str) -> None:
        for deed in self.deeds.get(moment, ()):
            before = await self._print()
            # What cannot be done by anybody was not done.
            with suppress(ApiFault):
                await self._do(deed, moment)
            self.touched[moment] = self.touched.get(moment, False) or before != await self._print()

    async def _print(self) -> str | None:
        body = await self.stage.get(self.target)
        return fingerprint(body) if body is not None else None

    async def _do(self, deed: str, moment: str) -> None:
        stage, target = self.stage, self.target
        match deed:
            case "labels":
                await stage.somebody_edits(target, metadata={"labels": {"touched": moment}})
            case "data":
                await stage.somebody_edits(target, metadata={"annotations": {"touched": moment}})
            case "deletes":
                await stage.somebody(Method.DELETE, target)
            case "makes-again":
                await stage.somebody(Method.DELETE, target)
                await stage.somebody(Method.CREATE, bare(target))
            case "finalizer":
                await stage.somebody_edits(target, metadata={"finalizers": [HELD, "example.org/more"]})
            case "marks-for-flux":
                await stage.somebody_edits(target, metadata={"labels": {"kustomize.toolkit.fluxcd.io/name": "apps"}})
            case "bystander":
                await stage.somebody_edits(BYSTANDER, metadata={"annotations": {"touched": moment}})
            case "status-like":
                body = await stage.get(target)
                if body is not None and body["kind"] == "Service":
                    told = {"loadBalancer": {"ingress": [{"ip": "10.0.0.1"}]}}
                    stage.cluster.runner.write(body | {"status": told}, "x", "status")


async def everything(stage: Stage, apart: Json) -> dict[str, str]:
    """The fingerprint of every object but one, and but what the cluster's own controllers write."""
    seen = await stage.reader.inventory()
    found = {}
    for live in seen.objects.values():
        meta = apart["metadata"]
        own = (live.ref.kind, live.ref.name) == (apart["kind"], meta["name"])
        if not own and live.ref.kind not in ("Lease", "EndpointSlice", "Endpoints"):
            found[live.ref.label] = f"{live.ref.uid} {live.resource_version}"
    return found


async def play(name: str, deeds: dict[str, list[str]], method: str) -> None:
    kind, target = TARGETS[name]
    with tempfile.TemporaryDirectory() as folder:
        async with on_stage(Path(folder), method=method, listed=LISTED) as stage:
            await prepare(stage)
            other = Other(stage, target, deeds)
            plan = await stage.session.plan(kind)
            entry = next(each for each in plan.all if each.ref.name == name)
            await other.act("before-the-question")
            question = await stage.session.look(plan, entry)
            await other.act("before-the-answer")
            before = await everything(stage, target)

            async def last_moment(request: Request) -> None:
                nonlocal before
                assert request.ref.key == entry.ref.key
                if len(stage.spy.sent) == 1:
                    await other.act("before-the-request")
                    before = await everything(stage, target)

            stage.spy.before = last_moment
            standing = await stage.get(target)
            outcome = await stage.session.carry_out(plan, question, question.typed)
            await stage.cluster.settle()
            after = await everything(stage, target)
            left = await stage.get(target)
    assert after == before, "something beside the entry's own object has changed"
    assert all(request.ref.key == entry.ref.key for request in stage.spy.sent)
    if other.touched.get("before-the-answer") or not question.allowed:
        assert outcome.status is Status.REFUSED, outcome.text
        assert stage.spy.sent == []
        assert left == standing, "what was refused has been changed"
    elif other.touched.get("before-the-request"):
        assert outcome.status is not Status.DONE, outcome.text
        _untouched(entry.action, left)
    elif not other.touched.get("before-the-question"):
        assert outcome.status is Status.DONE, outcome.text


def _untouched(action: Action, left: Json | None) -> None:
    """What somebody changed in the last moment stands as they left it: no effect of the entry is seen on it."""
    if left is None:
        return
    stamp = (left["metadata"].get("annotations") or {}).get("meta.helm.sh/release-name")
    if action is Action.ADOPT:
        assert stamp == STALE
    elif action is Action.REPAIR:
        assert left["spec"]["selector"] in ({"app": "other"}, {"app": "web"})
        assert "refloat" not in str(left["metadata"].get("managedFields"))
    elif action is Action.UNFINALIZE:
        assert HELD in left["metadata"]["finalizers"]
    elif action is Action.RECREATE:
        assert left["roleRef"]["name"] == "before"


PLAYS = st.dictionaries(
    st.sampled_from(MOMENTS), st.lists(st.sampled_from(DEEDS), min_size=1, max_size=2), min_size=1, max_size=2
)


@pytest.mark.parametrize("method", ["csa", "ssa"])
@pytest.mark.parametrize("name", list(TARGETS))
@settings(
    max_examples=2,
    deadline=None,
    # One play is a whole cluster with a session on it: seconds for all, not milliseconds for each.
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(deeds=PLAYS)
def test_another_client_between_every_two_steps(name: str, method: str, deeds: dict[str, list[str]]) -> None:
    asyncio.run(play(name, deeds, method))


@pytest.mark.parametrize("name", list(TARGETS))
def test_undisturbed_it_is_done(name: str) -> None:
    asyncio.run(play(name, {}, "ssa"))


@pytest.mark.parametrize("deed", [deed for deed in DEEDS if deed not in ("bystander", "status-like")])
@pytest.mark.parametrize("name", [name for name in TARGETS if name != "lost"])
def test_every_change_between_question_and_answer_is_refused(name: str, deed: str) -> None:
    asyncio.run(play(name, {"before-the-answer": [deed]}, "csa"))
