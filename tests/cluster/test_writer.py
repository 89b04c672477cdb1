"""The one writer: what goes over the wire for each admitted request, and what comes back."""

from dataclasses import dataclass
from typing import Any

import pytest
from aiohttp import web

from tui.cluster.connect import Connection
from tui.cluster.writer import Writer
from tui.faults import ApiFault, Fault, OutcomeUnknown, Unverified
from tui.objects import Ref
from tui.recovery.ports import Method, Request

CM = Ref("v1", "ConfigMap", "a", "x")
ALL = "/api/v1/namespaces/a/configmaps"
ONE = f"{ALL}/x"
BODY = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}, "data": {"face": "😀 ü"}}


@dataclass(frozen=True)
class Let:
    """Admitted without a look, which only a test may do."""

    request: Request


@pytest.fixture
def writer(canned: Any, connection: Connection, kit: Any) -> Writer:
    roles = kit.group("rbac.authorization.k8s.io", "v1", kit.resource("clusterroles", "ClusterRole", namespaced=False))
    canned.on("/api", kit.aggregated(kit.group("", "v1", kit.resource("configmaps", "ConfigMap"))))
    canned.on("/apis", kit.aggregated(roles))
    for path, method in ((ALL, "POST"), (ONE, "PATCH"), (ONE, "DELETE")):
        canned.on(path, BODY, method=method)
    return Writer(connection.api)


def last(canned: Any) -> Any:
    changes = [seen for seen in canned.seen if seen.method != "GET"]
    assert len(changes) == 1
    return changes[0]


async def test_create(canned: Any, writer: Writer) -> None:
    answer = await writer.send(Let(Request(Method.CREATE, CM, BODY, "helm")))
    sent = last(canned)
    assert (sent.method, sent.path, sent.query) == ("POST", ALL, {"fieldManager": "helm", "fieldValidation": "Strict"})
    assert sent.json == BODY
    assert (answer.code, answer.body) == (200, BODY)


@pytest.mark.parametrize("method", [Method.CREATE, Method.APPLY, Method.MERGE_PATCH])
async def test_a_dry_run_says_so_in_the_query(canned: Any, writer: Writer, method: Method) -> None:
    await writer.send(Let(Request(method, CM, BODY, "helm", dry_run=True)))
    assert last(canned).query["dryRun"] == "All"


async def test_apply_is_plain_utf8_and_never_forced(canned: Any, writer: Writer) -> None:
    await writer.send(Let(Request(Method.APPLY, CM, BODY, "helm")))
    sent = last(canned)
    assert sent.headers["Content-Type"] == "application/apply-patch+yaml; charset=utf-8"
    assert "😀 ü".encode() in sent.raw
    assert rb"\u" not in sent.raw
    assert sent.query == {"fieldManager": "helm", "fieldValidation": "Strict"}


async def test_merge_patch(canned: Any, writer: Writer) -> None:
    await writer.send(Let(Request(Method.MERGE_PATCH, CM, {"data": None}, "helm")))
    sent = last(canned)
    assert (sent.path, sent.headers["Content-Type"]) == (ONE, "application/merge-patch+json")
    assert sent.json == {"data": None}


async def test_json_patch(canned: Any, writer: Writer) -> None:
    patch = [{"op": "test", "path": "/metadata/resourceVersion", "value": "5"}]
    await writer.send(Let(Request(Method.JSON_PATCH, CM, patch, "helm")))
    sent = last(canned)
    assert sent.headers["Content-Type"] == "application/json-patch+json"
    assert sent.json == patch


async def test_everything_about_a_delete_is_in_its_body(canned: Any, writer: Writer) -> None:
    options = {"preconditions": {"uid": "u", "resourceVersion": "5"}, "propagationPolicy": "Background"}
    await writer.send(Let(Request(Method.DELETE, CM, options, dry_run=True)))
    sent = last(canned)
    assert (sent.method, sent.path, sent.query) == ("DELETE", ONE, {})
    assert sent.json == {"apiVersion": "v1", "kind": "DeleteOptions", **options, "dryRun": ["All"]}


async def test_a_real_delete_says_nothing_of_a_dry_run(canned: Any, writer: Writer) -> None:
    await writer.send(Let(Request(Method.DELETE, CM, {"preconditions": {"uid": "u"}})))
    assert "dryRun" not in last(canned).json


@pytest.mark.parametrize(
    "request_",
    [
        Request(Method.DELETE, CM, {"dryRun": ["All"]}),
        Request(Method.DELETE, CM, []),
        Request(Method.JSON_PATCH, CM, {"data": {}}),
        Request(Method.MERGE_PATCH, CM, []),
        Request(Method.APPLY, CM, {"data": "\ud83d"}),
        Request(Method.CREATE, Ref("v1", "ConfigMap", None, "x"), BODY),
        Request(Method.DELETE, Ref("rbac.authorization.k8s.io/v1", "ClusterRole", "a", "x"), {}),
        Request(Method.APPLY, Ref("v1", "ConfigMap", "a", ""), BODY),
    ],
)
async def test_a_request_that_contradicts_itself_is_not_sent(canned: Any, writer: Writer, request_: Request) -> None:
    with pytest.raises(Fault):
        await writer.send(Let(request_))
    assert {seen.method for seen in canned.seen} == {"GET"}


@pytest.mark.parametrize("api_version", ["v2", "rbac.authorization.k8s.io/v1beta1", "nope.io/v1"])
async def test_another_version_than_the_bodys_is_not_sent(canned: Any, writer: Writer, api_version: str) -> None:
    kind = "ClusterRole" if "rbac" in api_version else "ConfigMap"
    with pytest.raises(Unverified, match=f"the cluster does not serve {api_version} {kind}"):
        await writer.send(Let(Request(Method.APPLY, Ref(api_version, kind, None, "x"), {})))
    assert {seen.method for seen in canned.seen} == {"GET"}


async def test_names_with_colons_reach_their_object(canned: Any, writer: Writer) -> None:
    name = "system:controller:x/y%2F"
    path = "/apis/rbac.authorization.k8s.io/v1/clusterroles/system:controller:x%2Fy%252F"
    canned.on(path, {}, method="DELETE")
    await writer.send(Let(Request(Method.DELETE, Ref("rbac.authorization.k8s.io/v1", "ClusterRole", None, name), {})))
    assert last(canned).path == path


async def test_warnings_and_answers_are_cleaned(canned: Any, writer: Writer) -> None:
    headers = {"Warning": '299 - "unknown field \\"spec.x\\""'}
    canned.on(ALL, web.json_response({"data": {"a": "\u202e"}}, status=201, headers=headers), method="POST")
    answer = await writer.send(Let(Request(Method.CREATE, CM, BODY, "helm")))
    assert answer.code == 201
    assert answer.warnings == ('unknown field "spec.x"',)
    assert answer.body == {"data": {"a": "\ufffd"}}


async def test_a_conflict_names_the_managers(canned: Any, writer: Writer, kit: Any) -> None:
    cause = {"reason": "FieldManagerConflict", "message": 'conflict with "helm"', "field": ".spec.replicas"}
    message = "Apply failed with 1 conflict"
    canned.on(ONE, kit.status(409, "Conflict", message, details={"causes": [cause]}), method="PATCH")
    with pytest.raises(ApiFault) as caught:
        await writer.send(Let(Request(Method.APPLY, CM, BODY, "refloat")))
    assert [conflict.field for conflict in caught.value.conflicts] == [".spec.replicas"]


async def test_an_unreadable_success_is_no_success(canned: Any, writer: Writer) -> None:
    canned.on(ONE, web.Response(body=b'{"kind": "Sta', content_type="application/json"), method="DELETE")
    with pytest.raises(OutcomeUnknown):
        await writer.send(Let(Request(Method.DELETE, CM, {})))
    assert last(canned).method == "DELETE"
