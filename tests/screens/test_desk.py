import asyncio
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from screens.changes import WATCHED, Change, changed, controllers_of
from screens.desk import Desk, Work
from screens.judging import Judgement, Tuning
from screens.link import Link
from screens.view import Phase, View
from tests.screens.fakes import FakeLink, frozen
from tests.screens.world import CONTRACT, NOW, body, deployment, inventory, trouble
from tui.contract.model import Contract
from tui.faults import ApiFault, Unreachable
from tui.objects import Inventory, Key, KindKey, Live
from tui.ownership.model import Wish

POD = KindKey("", "Pod")


@dataclass(frozen=True)
class Told:
    what: str
    kind: KindKey = POD
    live: Live | None = None
    reason: str = ""
    retry_in: float = 0.0


class Bench:
    """A desk whose spawned work is awaited by the test, and every View it emitted."""

    def __init__(self, link: FakeLink | None = None, **tuning: Any) -> None:
        self.link = link or FakeLink(trouble())
        self.views: list[View] = []
        self.work: list[asyncio.Task[None]] = []
        self.fault: Exception | None = None
        self.desk = Desk(
            View("practice", CONTRACT),
            self.open,
            emit=self.views.append,
            spawn=self.spawn,
            tuning=Tuning(clock=frozen, settle=0.0, **tuning),
        )

    async def open(self) -> Link:
        if self.fault is not None:
            raise self.fault
        return self.link

    def spawn(self, work: Work) -> None:
        self.work.append(asyncio.get_running_loop().create_task(work()))

    async def settled(self) -> View:
        while self.work:
            await self.work.pop(0)
        return self.desk.view


async def test_a_cluster_is_connected_read_judged_and_watched_in_this_order() -> None:
    bench = Bench()
    await bench.desk.open()
    view = await bench.settled()
    phases = [one.phase for one in bench.views]
    assert phases == sorted(phases, key=[Phase.CONNECTING, Phase.READING, Phase.READY].index)
    assert view.assessment is not None
    assert view.health is not None
    assert view.identity == bench.link.identity
    assert set(bench.link.watched) == set(WATCHED)


async def test_only_served_kinds_are_watched() -> None:
    known = inventory(trouble())
    del known.served[KindKey("helm.toolkit.fluxcd.io", "HelmRelease")]
    known.served[POD] = replace(known.served[POD], verbs=frozenset({"list"}))
    bench = Bench(FakeLink(trouble(), known))
    await bench.desk.open()
    await bench.settled()
    assert POD not in bench.link.watched
    assert len(bench.link.watched) == len(WATCHED) - 2


@pytest.mark.parametrize(
    "fault",
    [Unreachable("connection refused by 127.0.0.1:6443"), ApiFault(401, "Unauthorized", "token expired"), OSError("x")],
)
async def test_a_failure_to_open_is_one_sentence_and_can_be_tried_again(fault: Exception) -> None:
    bench = Bench()
    bench.fault = fault
    await bench.desk.open()
    failed = await bench.settled()
    assert failed.phase is Phase.FAILED
    assert str(fault) in failed.trouble
    bench.fault = None
    await bench.desk.open()
    view = await bench.settled()
    assert view.phase is Phase.READY
    assert view.trouble == ""


async def test_a_failed_rereading_blanks_nothing() -> None:
    bench = Bench()
    await bench.desk.open()
    before = await bench.settled()
    bench.link.reader.faults.append(Unreachable("no route to host"))
    await bench.desk.open()
    after = bench.desk.view
    assert after.trouble == "no route to host"
    assert after.phase is Phase.READY
    assert after.assessment is before.assessment


async def test_two_readings_at_once_are_one() -> None:
    bench = Bench()
    await bench.desk.open()
    await bench.settled()
    bench.link.reader.gate.clear()
    first = asyncio.create_task(bench.desk.read())
    await asyncio.sleep(0)
    await bench.desk.read()
    bench.link.reader.gate.set()
    await first
    assert bench.link.reader.readings == 2


async def test_watch_events_change_the_inventory_and_the_verdict() -> None:
    bench = Bench()
    new = [Live.of(one) for one in deployment("helm-controller")]
    gone = Live.of(deployment("source-controller")[0])
    bench.link.stream = [
        *(Told("added", KindKey(live.key.group, live.key.kind), live) for live in new),
        Told("deleted", KindKey("apps", "Deployment"), gone),
    ]
    await bench.desk.open()
    view = await bench.settled()
    assert view.inventory is not None
    assert view.controllers is not None
    for known in (view.inventory, view.controllers):
        assert new[0].key in known.objects
        assert gone.key not in known.objects
    assert view.stage >= 2
    assert view.assessment is not None
    assert {lost.ref.name for lost in view.assessment.missing} == {"source-controller"}


async def test_events_elsewhere_leave_the_controllers_alone() -> None:
    bench = Bench()
    far = Live.of(deployment("api", namespace="apps")[0])
    bench.link.stream = [Told("added", KindKey("apps", "Deployment"), far)]
    await bench.desk.open()
    view = await bench.settled()
    assert view.inventory is not None
    assert view.controllers is not None
    assert far.key in view.inventory.objects
    assert far.key not in view.controllers.objects


async def test_the_feed_is_live_once_every_kind_is_synced_and_says_when_it_is_not() -> None:
    bench = Bench()
    await bench.desk.open()
    await bench.settled()
    desk = bench.desk
    for kind in WATCHED[:-1]:
        desk.take(Told("synced", kind))
    assert not desk.view.feed.live
    desk.take(Told("synced", WATCHED[-1]))
    assert desk.view.feed.live
    desk.take(Told("disconnected", POD, reason="connection reset", retry_in=4.0))
    assert not desk.view.feed.live
    assert desk.view.feed.lost == {POD}
    assert desk.view.feed.retry_at == NOW + timedelta(seconds=4)
    assert desk.view.assessment is not None
    desk.take(Told("reconnected", POD))
    assert desk.view.feed.live


async def test_one_assessment_runs_at_a_time_and_the_newest_inventory_wins() -> None:
    seen: list[int] = []
    running = 0

    def slow(contract: Contract, known: Inventory, now: datetime, wish: Wish) -> Judgement:
        nonlocal running
        running += 1
        assert running == 1
        seen.append(len(known.objects))
        running -= 1
        return judged

    from screens.judging import judge

    judged = judge(CONTRACT, inventory(trouble()), NOW)
    bench = Bench(judge=slow)
    await bench.desk.open()
    await bench.settled()
    small, large = inventory(trouble()[:3]), inventory([*trouble(), body("ConfigMap", "last", "apps")])
    await asyncio.gather(bench.desk.adopt(small), bench.desk.adopt(small), bench.desk.adopt(large))
    assert seen[-1] == len(large.objects)
    assert len(seen) <= 3


def test_what_a_reading_saw_later_is_not_undone_by_an_older_event() -> None:
    known = inventory([body("ConfigMap", "x", "apps", meta={"resourceVersion": "12"})])
    key = Key("", "ConfigMap", "apps", "x")
    older = Live.of(body("ConfigMap", "x", "apps", meta={"resourceVersion": "9"}))
    newer = Live.of(body("ConfigMap", "x", "apps", meta={"resourceVersion": "13"}))
    assert changed(known, {key: Change(older)}).objects[key].resource_version == "12"
    assert changed(known, {key: Change(older, gone=True)}).objects
    assert changed(known, {key: Change(newer)}).objects[key] is newer
    assert not changed(known, {key: Change(newer, gone=True)}).objects
    assert known.objects[key].resource_version == "12"


def test_the_controllers_part_is_small() -> None:
    crowd = [body("ConfigMap", f"c{index}", "apps") for index in range(500)]
    part = controllers_of(inventory([*trouble(), *crowd]), CONTRACT)
    assert {key.kind for key in part.objects} == {
        "Namespace",
        "Deployment",
        "ReplicaSet",
        "Pod",
        "GitRepository",
        "Kustomization",
    }


async def test_closing_the_desk_closes_the_link() -> None:
    bench = Bench()
    await bench.desk.open()
    await bench.settled()
    await bench.desk.close()
    assert bench.link.closed
    await bench.desk.close()


async def test_health_is_judged_with_every_change_and_does_not_wait_for_the_assessment() -> None:
    bench = Bench()
    await bench.desk.open()
    before = await bench.settled()
    bench.views.clear()
    crashing = deployment("source-controller", ready=0)
    for one in crashing:
        one["metadata"]["resourceVersion"] = "99"
        live = Live.of(one)
        bench.desk.take(Told("modified", KindKey(live.key.group, live.key.kind), live))
    await bench.settled()
    judged = next(view for view in bench.views if view.health is not before.health)
    assert judged.assessment is before.assessment
    assert judged.health is not None
    failed = {check.id for check in judged.health.checks if check.status.value == "failed"}
    assert "deployment/flux-system/source-controller" in failed
