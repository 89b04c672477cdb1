"""Feeds: whatever happens in between, at SYNCED the listener has exactly what the server lists."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from aiohttp import web

from tui.cluster.connect import Connection
from tui.cluster.reader import ClusterReader
from tui.cluster.resolver import Resolver
from tui.cluster.watch import MAX_DELAY, Event, Feed, Waits, What
from tui.objects import Inventory, Key, KindKey, Live

KIND = KindKey("", "ConfigMap")
PATH = "/api/v1/configmaps"


def item(name: str, version: str, **more: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": "a", "uid": f"uid-{name}", "resourceVersion": version}, **more}


def listed(version: str, *items: dict[str, Any]) -> web.Response:
    return web.json_response({"metadata": {"resourceVersion": version}, "items": list(items)})


def told(kind: str, name: str, version: str) -> dict[str, Any]:
    return {"type": kind, "object": item(name, version)}


class Script:
    """A server that answers lists and watches one after the other as laid out; a watch after the last never ends.

    A watch is a list of events, or a response; with ``hold`` it is kept open after its events until the test ends.
    """

    def __init__(self) -> None:
        self.lists: list[web.Response] = []
        self.watches: list[list[dict[str, Any]] | web.Response] = []
        self.asked: list[str] = []
        self.done = asyncio.Event()

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        if "watch" not in request.query:
            self.asked.append("list")
            return self.lists.pop(0)
        self.asked.append(f"watch {request.query['resourceVersion']}")
        watch = self.watches.pop(0) if self.watches else None
        if isinstance(watch, web.Response):
            return watch
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        for event in watch or ():
            await response.write(json.dumps(event).encode() + b"\n")
        if watch is None:
            await self.done.wait()
        return response


@pytest.fixture
def slept() -> list[float]:
    return []


@pytest.fixture
async def script(canned: Any, kit: Any) -> AsyncIterator[Script]:
    canned.on("/api", kit.aggregated(kit.group("", "v1", kit.resource("configmaps", "ConfigMap"))))
    canned.on("/apis", kit.aggregated())
    script = Script()
    canned.on(PATH, script)
    canned.on("/api/v1/namespaces/a/configmaps", script)
    yield script
    script.done.set()


@pytest.fixture
def feed(connection: Connection, slept: list[float]) -> Callable[..., Feed]:
    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        await asyncio.sleep(0)

    def make(*kinds: KindKey, **more: Any) -> Feed:
        resolver = Resolver(connection.api)
        return Feed(connection.api, resolver, kinds or (KIND,), sleep=sleep, jitter=lambda: 1.0, **more)

    return make


async def take(feed: Feed, count: int) -> list[Event]:
    async with asyncio.timeout(10):
        return [await anext(feed) for _ in range(count)]


def short(events: list[Event]) -> list[str]:
    return [f"{event.what} {event.live.ref.name}" if event.live else event.what.value for event in events]


async def test_a_list_then_changes(script: Script, feed: Callable[..., Feed]) -> None:
    script.lists = [listed("5", item("one", "3"))]
    script.watches = [[told("ADDED", "two", "6"), told("MODIFIED", "one", "7"), told("DELETED", "two", "8")]]
    async with feed() as events:
        heard = short(await take(events, 5))
    assert heard == ["added one", "synced", "added two", "modified one", "deleted two"]
    assert script.asked[:2] == ["list", "watch 5"]


async def test_a_clean_end_is_resumed_where_it_was_without_a_word(script: Script, feed: Callable[..., Feed]) -> None:
    bookmark = {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "40"}}}
    script.lists = [listed("5")]
    script.watches = [[told("ADDED", "one", "6"), bookmark], [told("ADDED", "two", "41")]]
    async with feed() as events:
        heard = short(await take(events, 3))
    assert heard == ["synced", "added one", "added two"]
    assert script.asked[:3] == ["list", "watch 5", "watch 40"]


EXPIRED = {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old resource version"}


@pytest.mark.parametrize("how", ["event", "answer"])
async def test_an_expired_version_lists_again_and_tells_only_differences(
    script: Script, feed: Callable[..., Feed], how: str
) -> None:
    expired: Any = [{"type": "ERROR", "object": EXPIRED}]
    script.lists = [listed("5", item("a", "1"), item("b", "2")), listed("9", item("b", "2"), item("c", "8"))]
    script.watches = [expired if how == "event" else web.json_response(EXPIRED, status=410)]
    async with feed() as events:
        heard = short(await take(events, 6))
    assert heard == ["added a", "added b", "synced", "deleted a", "added c", "synced"]
    assert script.asked[:3] == ["list", "watch 5", "list"]


async def test_a_version_that_expires_again_and_again_is_not_hammered(
    script: Script, feed: Callable[..., Feed], slept: list[float]
) -> None:
    script.lists = [listed(str(n)) for n in range(5, 9)]
    script.watches = [[{"type": "ERROR", "object": EXPIRED}] for _ in range(3)]
    async with feed() as events:
        await take(events, 4)
    assert len(slept) == 2
    assert slept == sorted(slept)


async def test_a_broken_connection_is_told_and_resumed_from_the_last_version(
    canned: Any, script: Script, feed: Callable[..., Feed], slept: list[float]
) -> None:
    async def cut(request: web.Request) -> web.StreamResponse:
        script.asked.append(f"watch {request.query['resourceVersion']}")
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        await response.write(json.dumps(told("ADDED", "one", "6")).encode() + b'\n{"type": "MOD')
        assert request.transport is not None
        request.transport.close()
        return response

    script.lists = [listed("5")]
    script.watches = [[told("ADDED", "two", "7")]]
    canned.on(PATH, script, cut, script)
    async with feed() as events:
        heard = await take(events, 5)
    assert short(heard) == ["synced", "added one", "disconnected", "reconnected", "added two"]
    assert "broke the connection" in heard[2].reason
    assert heard[2].retry_in == slept[0]
    assert script.asked[:3] == ["list", "watch 5", "watch 6"]


async def test_a_refusal_is_told_with_the_servers_words_and_lists_again(
    script: Script, feed: Callable[..., Feed], kit: Any, slept: list[float]
) -> None:
    refused = [kit.status(403, "Forbidden", "configmaps is forbidden\x1b") for _ in range(3)]
    script.lists = [*refused, listed("5")]
    async with feed() as events:
        heard = await take(events, 5)
    assert short(heard) == ["disconnected", "disconnected", "disconnected", "reconnected", "synced"]
    assert heard[0].reason == "configmaps is forbidden␛"
    assert slept == [0.5, 1.0, 2.0]


async def test_an_error_that_is_no_expiry_lists_again(script: Script, feed: Callable[..., Feed]) -> None:
    error = {"kind": "Status", "code": 504, "reason": "Timeout", "message": "Too large resource version"}
    script.lists = [listed("5"), listed("6")]
    script.watches = [[{"type": "ERROR", "object": error}]]
    async with feed() as events:
        heard = short(await take(events, 4))
    assert heard == ["synced", "disconnected", "reconnected", "synced"]


@pytest.mark.parametrize(
    "line", [{"type": "ADDED"}, {"type": "ADDED", "object": 7}, {"type": 5, "object": {}}, {"object": {}}, [], "x"]
)
async def test_what_is_no_event_is_a_disconnection(script: Script, feed: Callable[..., Feed], line: Any) -> None:
    script.lists = [listed("5"), listed("6")]
    script.watches = [[line]]
    async with feed() as events:
        heard = short(await take(events, 2))
    assert heard == ["synced", "disconnected"]


async def test_a_watch_that_ends_at_once_is_not_asked_for_in_a_storm(
    script: Script, feed: Callable[..., Feed], slept: list[float]
) -> None:
    script.lists = [listed("5")]
    script.watches = [[], [], [told("ADDED", "one", "6")]]
    async with feed() as events:
        await take(events, 2)
    assert slept == [0.5, 0.5]


async def test_events_are_cleaned_and_metadata_alone_is_asked_for(
    canned: Any, script: Script, feed: Callable[..., Feed]
) -> None:
    script.lists = [listed("5")]
    script.watches = [[told("ADDED", "x\u202ey", "6")]]
    async with feed() as events:
        heard = await take(events, 2)
    assert heard[1].live is not None
    assert (heard[1].live.ref.name, heard[1].live.body) == ("x\ufffdy", None)
    watched = [seen for seen in canned.requests(PATH) if "watch" in seen.query]
    assert "as=PartialObjectMetadata;" in watched[0].headers["Accept"]
    assert watched[0].query["allowWatchBookmarks"] == "true"


async def test_what_an_inventory_holds_is_not_told_again(script: Script, feed: Callable[..., Feed]) -> None:
    def live(name: str, version: str, namespace: str = "a") -> Live:
        body = {"apiVersion": "v1", "kind": "ConfigMap", **item(name, version)}
        body["metadata"]["namespace"] = namespace
        return Live.of(body, keep_body=False)

    lives = [live("same", "1"), live("changed", "2"), live("gone", "3"), live("elsewhere", "4", "b")]
    since = Inventory(objects={live.key: live for live in lives})
    script.lists = [listed("9", item("same", "1"), item("changed", "8"), item("new", "7"))]
    async with feed(since=since, namespace="a") as events:
        heard = short(await take(events, 4))
    assert heard == ["deleted gone", "modified changed", "added new", "synced"]


async def test_an_object_made_anew_under_its_name_is_a_change(script: Script, feed: Callable[..., Feed]) -> None:
    other = told("ADDED", "one", "3")
    other["object"]["metadata"]["uid"] = "another"
    script.lists = [listed("5", item("one", "3"))]
    script.watches = [[told("MODIFIED", "one", "3"), other]]
    async with feed() as events:
        heard = await take(events, 3)
    assert short(heard) == ["added one", "synced", "modified one"]
    assert heard[2].live is not None
    assert heard[2].live.ref.uid == "another"


async def test_a_kind_that_is_not_served_yet_is_waited_for(
    canned: Any, script: Script, feed: Callable[..., Feed], kit: Any
) -> None:
    gizmo = KindKey("y.io", "Gizmo")
    async with feed(gizmo) as events:
        heard = await take(events, 1)
        assert "Gizmo is not served" in heard[0].reason
        canned.on("/apis", kit.aggregated(kit.group("y.io", "v1", kit.resource("gizmos", "Gizmo"))))
        canned.on("/apis/y.io/v1/gizmos", script)
        script.lists = [listed("5")]
        rest: list[Event] = []
        while not rest or rest[-1].what is not What.SYNCED:
            rest += await take(events, 1)
    assert short(rest)[-2:] == ["reconnected", "synced"]


async def test_leaving_ends_every_request_and_an_empty_feed_ends_at_once(
    script: Script, connection: Connection
) -> None:
    script.lists = [listed("5")]
    feed = ClusterReader(connection.api).watch([KIND])
    async with feed as events:
        await take(events, 1)
        tasks = list(feed._tasks)
    assert all(task.done() for task in tasks)
    async with ClusterReader(connection.api).watch([]) as nothing:
        assert [event async for event in nothing] == []


async def test_a_follower_that_dies_is_not_a_silent_feed(
    script: Script, feed: Callable[..., Feed], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_: object) -> None:
        raise RuntimeError("a defect")

    events = feed()
    monkeypatch.setattr(events._followers[KIND], "_list", broken)
    async with events:
        with pytest.raises(RuntimeError, match="a defect"):
            await take(events, 1)


async def test_a_listener_who_does_not_keep_up_loses_nothing(script: Script, feed: Callable[..., Feed]) -> None:
    script.lists = [listed("5", *(item(f"n{n}", "1") for n in range(2500)))]
    seen: dict[Key, Live] = {}
    async with feed() as events:
        while True:
            (event,) = await take(events, 1)
            assert events._queue.qsize() <= 1000
            if event.what is What.SYNCED:
                break
            assert event.live is not None
            seen[event.live.key] = event.live
    assert len(seen) == 2500


def test_delays_double_to_a_ceiling_and_are_never_in_step() -> None:
    async def sleep(_: float) -> None:
        return

    full, half = Waits(sleep, lambda: 1.0), Waits(sleep, lambda: 0.0)
    assert [full.delay(n) for n in (1, 2, 3)] == [0.5, 1.0, 2.0]
    assert full.delay(10_000) == MAX_DELAY
    assert half.delay(10_000) == MAX_DELAY / 2
