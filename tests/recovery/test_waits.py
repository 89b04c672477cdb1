"""Waiting: until it holds, the deadline passes or somebody gives up; a server that restarts is waited for too."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tui.faults import ApiFault, Fault, Unreachable
from tui.objects import Json, Ref
from tui.recovery import waits
from tui.recovery.plan import Action, Entry
from tui.recovery.waits import Aim, Waiter, available, comes_alive, established

DEPLOYMENT = Ref("apps/v1", "Deployment", "flux-system", "web")
AIM = Aim(DEPLOYMENT, "available", available)


def deployment(replicas: int | None = 1, *, ready: bool = True, **status: Any) -> Json:
    told = {"observedGeneration": 2, "updatedReplicas": 1, "availableReplicas": int(ready)} | status
    conditions = [{"type": "Available", "status": "True" if ready else "False", "reason": "x"}]
    spec = {} if replicas is None else {"replicas": replicas}
    return {"metadata": {"generation": 2}, "spec": spec, "status": told | {"conditions": conditions}}


class World:
    """What a reader sees, look by look; the last is seen from then on. Time passes only by pausing."""

    def __init__(self, *seen: Json | Fault | None) -> None:
        self.seen = list(seen)
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        self.told: list[str] = []
        self.pauses = 0
        self.at_pause: Any = None
        self.slow = 0.0

    async def get(self, _: Ref) -> Json | None:
        self.now += timedelta(seconds=self.slow)
        found = self.seen.pop(0) if len(self.seen) > 1 else self.seen[0]
        if isinstance(found, Fault):
            raise found
        return found

    async def pause(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self.pauses += 1
        if self.at_pause is not None:
            self.at_pause()

    def waiter(self) -> Waiter:
        return Waiter(self, self.pause, lambda: self.now, self.told.append)  # type: ignore[arg-type]  # reads only


LATE = ApiFault(503, "ServiceUnavailable", "the server is shutting down")


@pytest.mark.parametrize(
    "before",
    [
        [],
        [None],
        [deployment(ready=False)] * 3,
        [Unreachable("refused"), LATE, ApiFault(429, "TooManyRequests", "slow down")],
        [deployment(observedGeneration=1)],
        [deployment(updatedReplicas=0)],
    ],
    ids=["at-once", "absent", "not-ready", "server-restarts", "old-generation", "not-updated"],
)
async def test_it_waits_until_it_holds(before: Sequence[Any]) -> None:
    world = World(*before, deployment())
    assert (await world.waiter().until(AIM)).holds
    assert world.pauses == len(before) == len(world.told)


async def test_it_tells_what_it_waits_for_and_how_near_it_is() -> None:
    world = World(deployment(2, ready=False, availableReplicas=1), deployment())
    entry = Entry(Action.CREATE, DEPLOYMENT, "f", "r", "", "", "")
    aim = comes_alive(entry)
    assert aim is not None
    await world.waiter().until(aim)
    assert world.told == [
        "waiting for Deployment flux-system/web to be available (1 of 2 replicas): 0 of 60 s",
    ]


async def test_the_deadline_ends_it_in_words_with_the_line_to_look() -> None:
    world = World(deployment(ready=False))
    ended = await world.waiter().until(AIM)
    assert (ended.holds, ended.late) == (False, True)
    assert "is not available after 60 s; look with kubectl get deployment.apps web -n flux-system" in ended.why
    near = await World(deployment(ready=False)).waiter().until(replace(AIM, near=lambda _: "0 of 1"))
    assert "is not available after 60 s (0 of 1); look with" in near.why
    assert world.pauses == waits.WAIT_SECONDS / waits.POLL_SECONDS


async def test_a_server_that_takes_its_time_to_fail_does_not_stretch_the_deadline() -> None:
    world = World(Unreachable("no answer within 15 s"))
    world.slow = 15.0
    ended = await world.waiter().until(AIM)
    assert "could not be seen: no answer" in ended.why
    assert world.pauses < 5


async def test_what_is_refused_for_good_is_not_asked_again() -> None:
    world = World(ApiFault(403, "Forbidden", "deployments is forbidden"))
    ended = await world.waiter().until(AIM)
    assert (ended.holds, world.pauses) == (False, 0)
    assert "forbidden" in ended.why


async def test_the_way_out_ends_a_wait_at_once() -> None:
    world = World(deployment(ready=False))
    waiter = world.waiter()
    world.at_pause = waiter.give_up
    ended = await waiter.until(AIM)
    assert (ended.holds, ended.late, world.pauses) == (False, False, 1)
    assert "not waited for any longer" in ended.why


async def test_the_way_out_does_not_wait_for_the_pause() -> None:
    world = World(deployment(ready=False))
    begun = asyncio.Event()

    async def for_ever(_: float) -> None:
        await asyncio.Event().wait()

    waiter = Waiter(world, for_ever, lambda: world.now, lambda _: begun.set())  # type: ignore[arg-type]  # reads only
    waiting = asyncio.create_task(waiter.until(AIM))
    await begun.wait()
    waiter.give_up()
    assert not (await waiting).holds


@pytest.mark.parametrize(
    ("body", "holds"),
    [
        (deployment(0, ready=False), True),
        (deployment(None), True),
        ({**deployment(ready=False), "spec": {"paused": True}}, True),
        ({}, False),
        (None, False),
        ({"spec": 1, "status": [], "metadata": None}, False),
    ],
)
def test_a_deployment_that_is_to_run_nothing_is_as_it_should_be(body: Json | None, *, holds: bool) -> None:
    assert available(body) is holds


def test_a_crd_is_established_by_its_condition() -> None:
    def crd(status: str) -> Json:
        return {"status": {"conditions": [{"type": "Established", "status": status}]}}

    assert established(crd("True"))
    assert not established(crd("False"))
    assert not established({})


@pytest.mark.parametrize(
    ("action", "ref", "what"),
    [
        (Action.CREATE, DEPLOYMENT, "available"),
        (Action.REPAIR, DEPLOYMENT, "available"),
        (Action.ADOPT, DEPLOYMENT, None),
        (Action.DELETE, DEPLOYMENT, None),
        (Action.CREATE, Ref("v1", "Namespace", None, "a"), "Active"),
        (Action.CREATE, Ref("apiextensions.k8s.io/v1", "CustomResourceDefinition", None, "a.b"), "Established"),
        (Action.CREATE, Ref("v1", "Service", "a", "b"), None),
    ],
)
def test_what_has_to_come_alive_is_waited_for(action: Action, ref: Ref, what: str | None) -> None:
    aim = comes_alive(Entry(action, ref, "f", "r", "", "", ""))
    assert (aim.what if aim else None) == what
