"""Single objects, rights, logs and events: absence is proven, never assumed."""

from typing import Any

import pytest
from aiohttp import web

from tui.cluster.connect import Connection
from tui.cluster.reader import ClusterReader
from tui.faults import ApiFault, Unreachable, Unverified
from tui.objects import Ref
from tui.recovery.ports import Access

CM = Ref("v1", "ConfigMap", "a", "x")
PATH = "/api/v1/namespaces/a/configmaps/x"
REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


@pytest.fixture
def reader(canned: Any, connection: Connection, kit: Any) -> ClusterReader:
    canned.on("/api", kit.aggregated(kit.group("", "v1", kit.resource("configmaps", "ConfigMap"))))
    stale = kit.group("stale.io", "v1", freshness="Stale")
    widgets = kit.group("x.io", "v2", kit.resource("widgets", "Widget", namespaced=False))
    canned.on("/apis", kit.aggregated(stale, widgets))
    return ClusterReader(connection.api)


async def test_an_object_comes_exactly_as_the_server_has_it(canned: Any, reader: ClusterReader) -> None:
    meta = {"name": "x", "namespace": "a", "managedFields": [{}]}
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"a": "\u202e\x1b[2J"}}
    canned.on(PATH, body)
    assert await reader.get(CM) == body


async def test_a_404_about_the_object_is_absence(canned: Any, reader: ClusterReader, kit: Any) -> None:
    canned.on(PATH, kit.status(404, "NotFound", 'configmaps "x" not found'))
    assert await reader.get(CM) is None


@pytest.mark.parametrize(
    "answer",
    [
        web.Response(status=404, text="404 page not found", content_type="text/plain"),
        web.Response(status=404, text="<html>", content_type="text/html"),
    ],
)
async def test_any_other_404_is_no_proof_of_absence(canned: Any, reader: ClusterReader, answer: web.Response) -> None:
    canned.on(PATH, answer)
    with pytest.raises((Unverified, Unreachable)):
        await reader.get(CM)


async def test_a_404_of_a_kind_that_vanished_is_absence(canned: Any, reader: ClusterReader, kit: Any) -> None:
    widget = Ref("x.io/v2", "Widget", None, "w")
    body = {"apiVersion": "x.io/v2", "kind": "Widget", "metadata": {"name": "w"}}
    canned.on("/apis/x.io/v2/widgets/w", body)
    assert await reader.get(widget) == body
    canned.on("/apis/x.io/v2/widgets/w", web.Response(status=404, text="404 page not found", content_type="text/plain"))
    canned.on("/apis", kit.aggregated())
    assert await reader.get(widget) is None


@pytest.mark.parametrize("code", [403, 500, 503])
async def test_a_failure_is_never_absence(canned: Any, reader: ClusterReader, kit: Any, code: int) -> None:
    canned.on(PATH, kit.status(code, "Whatever", "no"))
    with pytest.raises(ApiFault) as caught:
        await reader.get(CM)
    assert caught.value.code == code


async def test_an_unserved_kind_has_no_objects_but_an_unknown_one_may(reader: ClusterReader) -> None:
    assert await reader.get(Ref("nope.io/v1", "Nope", "a", "x")) is None
    with pytest.raises(Unverified, match=r"stale\.io/v1 is stale"):
        await reader.get(Ref("stale.io/v1", "Thing", "a", "x"))


async def test_a_version_no_longer_served_is_read_in_the_preferred_one(canned: Any, reader: ClusterReader) -> None:
    body = {"apiVersion": "x.io/v2", "kind": "Widget", "metadata": {"name": "w"}}
    canned.on("/apis/x.io/v2/widgets/w", body)
    assert await reader.get(Ref("x.io/v1beta1", "Widget", None, "w")) == body


async def test_a_kind_defined_since_is_found(canned: Any, reader: ClusterReader, kit: Any) -> None:
    await reader.get(Ref("y.io/v1", "Gizmo", "a", "g"))
    canned.on("/apis", kit.aggregated(kit.group("y.io", "v1", kit.resource("gizmos", "Gizmo"))))
    body = {"apiVersion": "y.io/v1", "kind": "Gizmo", "metadata": {"name": "g", "namespace": "a"}}
    canned.on("/apis/y.io/v1/namespaces/a/gizmos/g", body)
    assert await reader.get(Ref("y.io/v1", "Gizmo", "a", "g")) == body


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "Status"},
        {"kind": None},
        {"apiVersion": "apps/v1"},
        {"metadata": {"name": "y", "namespace": "a", "uid": "u"}},
        {"metadata": {"name": "x", "namespace": "b", "uid": "u"}},
        {"metadata": {"name": "x", "namespace": "a"}},
        {"metadata": {"name": "x", "namespace": "a", "uid": ["u"]}},
        {"metadata": "x"},
    ],
)
async def test_an_answer_that_is_another_object_says_nothing_of_this_one(
    canned: Any, reader: ClusterReader, change: dict[str, Any]
) -> None:
    meta = {"name": "x", "namespace": "a", "uid": "u"}
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta}
    pinned = Ref("v1", "ConfigMap", "a", "x", "u")
    canned.on(PATH, body)
    assert await reader.get(pinned) == body
    canned.on(PATH, body | change)
    with pytest.raises(Unverified, match="ConfigMap a/x was answered with something else"):
        await reader.get(pinned)


async def test_rights_keep_yes_no_and_could_not_verify_apart(canned: Any, reader: ClusterReader, kit: Any) -> None:
    async def review(request: web.Request) -> web.StreamResponse:
        verb = (await request.json())["spec"]["resourceAttributes"]["verb"]
        answers = {
            "get": {"allowed": True},
            "list": {"allowed": False},
            "watch": {"allowed": False, "evaluationError": "webhook down"},
            "patch": {"allowed": False, "denied": True, "evaluationError": "x"},
            "odd": [],
            "create": {"allowed": "true"},
            "update": {"allowed": 1},
            "get-it": {"allowed": "false"},
            "nothing": {},
        }
        if verb == "delete":
            broken: web.Response = kit.status(500, "", "boom")
            return broken
        return web.json_response({"status": answers[verb]}, status=201)

    canned.on(REVIEWS, review, method="POST")
    verbs = ["get", "list", "watch", "patch", "delete", "odd", "create", "update", "get-it", "nothing"]
    answers = await reader.allowed([Access(verb, "apps", "deployments", "a", "x") for verb in verbs])
    assert list(answers) == [True, False, None, False, *[None] * 6]
    asked = canned.seen[0].json["spec"]["resourceAttributes"]
    assert asked == {"verb": "get", "group": "apps", "resource": "deployments", "namespace": "a", "name": "x"}


async def test_a_subresource_is_asked_about_as_one(canned: Any, reader: ClusterReader) -> None:
    canned.on(REVIEWS, {"status": {"allowed": True}}, method="POST")
    assert await reader.allowed([Access("update", "apps", "deployments/scale", "a")]) == [True]
    asked = canned.seen[0].json["spec"]["resourceAttributes"]
    assert (asked["resource"], asked["subresource"]) == ("deployments", "scale")


async def test_who_the_server_takes_us_for(canned: Any, reader: ClusterReader, kit: Any) -> None:
    path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
    canned.on(path, {"status": {"userInfo": {"username": "jane\x07"}}}, method="POST")
    assert await reader.whoami() == "jane␇"
    canned.on(path, kit.status(403, "Forbidden", "no"), method="POST")
    assert await reader.whoami() == ""


async def test_a_log_is_cleaned_and_bounded(canned: Any, reader: ClusterReader) -> None:
    canned.on("/api/v1/namespaces/a/pods/p/log", web.Response(text="one\n\x1b[31mtwo\n", content_type="text/plain"))
    assert await reader.pod_log(Ref("v1", "Pod", "a", "p"), "main", 50) == "one\n␛[31mtwo\n"
    assert canned.seen[-1].query == {"tailLines": "50", "limitBytes": "262144", "container": "main"}
    canned.on("/api/v1/namespaces/a/pods/p/log", web.Response(text="x" * 1_000_000, content_type="text/plain"))
    assert len(await reader.pod_log(Ref("v1", "Pod", "a", "p"), previous=True)) == 262144


async def test_a_log_that_cannot_be_had_is_the_servers_words(canned: Any, reader: ClusterReader, kit: Any) -> None:
    canned.on("/api/v1/namespaces/a/pods/p/log", kit.status(400, "BadRequest", "container is waiting to start"))
    with pytest.raises(ApiFault, match="waiting to start"):
        await reader.pod_log(Ref("v1", "Pod", "a", "p"))


async def test_the_events_of_this_very_object_oldest_first(canned: Any, reader: ClusterReader) -> None:
    def event(message: str, last: str, uid: str = "u", **more: Any) -> dict[str, Any]:
        about = {"kind": "ConfigMap", "name": "x", "uid": uid}
        return {"involvedObject": about, "message": message, "lastTimestamp": last, "type": "Warning", **more}

    events = [
        event("second\x1b", "2030-01-01T00:00:02Z", count=3, source={"component": "kubelet"}),
        event("first", "2030-01-01T00:00:01Z"),
        event("of another life", "2030-01-01T00:00:00Z", uid="other"),
        {"involvedObject": {"kind": "Pod", "name": "x"}, "message": "of another kind"},
        7,
    ]
    canned.on("/api/v1/namespaces/a/events", {"items": events})
    notes = await reader.events_of(Ref("v1", "ConfigMap", "a", "x", "u"))
    assert [(note.message, note.count, note.source) for note in notes] == [("first", 1, ""), ("second␛", 3, "kubelet")]
    selector = canned.seen[-1].query["fieldSelector"]
    assert selector == "involvedObject.kind=ConfigMap,involvedObject.name=x,involvedObject.namespace=a"
