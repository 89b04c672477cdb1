"""Raw requests over bad networks and odd servers: reads try again within bounds, changes go out once."""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web

from tui.cluster.api import segments
from tui.cluster.connect import Connection, connection_from_dict
from tui.faults import ApiFault, OutcomeUnknown, Unreachable, Unverified

type_text = {"Content-Type": "text/plain; charset=utf-8"}
CHANGE: dict[str, Any] = {"method": "DELETE", "path": "/api/v1/namespaces/x", "body": {"kind": "DeleteOptions"}}
RawServer = Callable[..., Awaitable[tuple[str, list[bytes]]]]


def shed(seconds: str = "7") -> web.Response:
    return web.Response(status=429, text="Too many requests", headers=type_text | {"Retry-After": seconds})


async def test_a_read_waits_as_asked_and_tries_again(canned: Any, connection: Connection, waited: list[float]) -> None:
    canned.on("/version", shed(), shed("99999"), {"gitVersion": "v1"})
    assert (await connection.api.get("/version")).data == {"gitVersion": "v1"}
    assert waited == [7, 8]


async def test_a_read_gives_up_after_a_few_tries(canned: Any, connection: Connection, waited: list[float]) -> None:
    canned.on("/version", shed("1"))
    with pytest.raises(ApiFault, match="HTTP 429: Too many requests"):
        await connection.api.get("/version")
    assert len(canned.seen) == 4


async def test_a_change_is_not_sent_again_when_the_server_sheds_load(canned: Any, connection: Connection) -> None:
    canned.on(CHANGE["path"], shed(), method="DELETE")
    with pytest.raises(ApiFault) as caught:
        await connection.api.change(**CHANGE)
    assert caught.value.code == 429
    assert len(canned.seen) == 1


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
async def test_redirects_are_never_followed(canned: Any, connection: Connection, code: int) -> None:
    moved = web.Response(status=code, headers={"Location": "/elsewhere?token=s3cret"})
    canned.on("/version", moved)
    canned.on(CHANGE["path"], moved, method="DELETE")
    for attempt in (connection.api.get("/version"), connection.api.change(**CHANGE)):
        with pytest.raises(Unreachable, match="redirect to /elsewhere, which is not followed") as caught:
            await attempt
        assert "s3cret" not in str(caught.value)
    assert not canned.requests("/elsewhere")


async def test_html_is_no_answer_whatever_its_code(canned: Any, connection: Connection) -> None:
    page = "<html>Please log in</html>"
    canned.on("/version", web.Response(text=page, content_type="text/html"))
    canned.on("/api", web.Response(status=404, text=page, content_type="text/html"))
    with pytest.raises(Unreachable, match="where an API server sends JSON"):
        await connection.api.get("/version")
    with pytest.raises(Unreachable, match="HTTP 404 and a web page"):
        await connection.api.get("/api")


async def test_a_large_answer_is_not_read(canned: Any, connection: Connection) -> None:
    canned.on("/version", {"x": "y" * 5_000_000})
    with pytest.raises(Unverified, match="larger than 1 MiB"):
        await connection.api.get("/version", limit=2**20)


async def test_json_cut_short_is_said(canned: Any, connection: Connection) -> None:
    canned.on("/version", web.Response(body=b'{"items": [', content_type="application/json"))
    with pytest.raises(Unverified, match="cut short or is not JSON"):
        await connection.api.get("/version")


async def test_a_reading_is_cleaned_and_a_raw_one_is_not(canned: Any, connection: Connection) -> None:
    canned.on("/version", {"a": "x\u202e\x1b"})
    assert (await connection.api.get("/version")).data == {"a": "x\ufffd␛"}
    assert (await connection.api.get("/version", raw=True)).data == {"a": "x\u202e\x1b"}


async def test_a_name_is_one_segment_whatever_it_holds(canned: Any, connection: Connection) -> None:
    path = segments("apis", "a:b/c%2Fd ü")
    canned.on("/apis/a:b%2Fc%252Fd%20%C3%BC", {"ok": True})
    assert (await connection.api.get(path)).data == {"ok": True}


async def test_a_broken_body_is_unreachable_for_a_read_and_unknown_for_a_change(
    raw_server: RawServer, kit: Any
) -> None:
    cut = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{"
    url, got = await raw_server(cut, cut)
    async with await connection_from_dict(kit.config(url), timeout=5) as connection:
        with pytest.raises(Unreachable, match="broke the connection"):
            await connection.api.get("/version")
        with pytest.raises(OutcomeUnknown, match="a DELETE was sent and its outcome is unknown"):
            await connection.api.change(**CHANGE)
    assert len(got) == 2


@pytest.mark.parametrize("method", ["DELETE", "PUT", "POST", "PATCH"])
async def test_a_change_on_a_kept_connection_that_breaks_is_sent_once(
    raw_server: RawServer, kit: Any, method: str
) -> None:
    fine = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
    url, got = await raw_server(fine, b"", fine)
    async with await connection_from_dict(kit.config(url), timeout=5) as connection:
        await connection.api.get("/version")
        with pytest.raises(OutcomeUnknown, match="look again before anything else"):
            await connection.api.change(method, "/api/v1/namespaces/x", body={"a": 1})
    assert [request.split(b" ")[0].decode() for request in got] == ["GET", method]


async def test_a_dry_run_that_is_lost_is_merely_unreachable(raw_server: RawServer, kit: Any) -> None:
    url, _ = await raw_server(b"")
    async with await connection_from_dict(kit.config(url), timeout=5) as connection:
        with pytest.raises(Unreachable):
            await connection.api.change(**CHANGE, dry_run=True)


@pytest.mark.parametrize(
    ("answer", "unknown"),
    [
        ((504, "Timeout", "request did not complete within the allotted timeout"), True),
        ((500, "InternalError", "etcdserver: request timed out"), True),
        ((500, "InternalError", 'failed calling webhook "x": etcdserver'), False),
        ((500, "", "failed to create typed patch object"), False),
        ((503, "ServiceUnavailable", "the server is currently unable to handle the request"), False),
        ((409, "Conflict", "the UID in the precondition does not match"), False),
        ((502, "", "bad gateway"), True),
    ],
)
async def test_which_refusals_leave_a_change_open(
    canned: Any, connection: Connection, kit: Any, answer: tuple[int, str, str], unknown: bool
) -> None:
    canned.on(CHANGE["path"], kit.status(*answer), method="DELETE")
    with pytest.raises(OutcomeUnknown if unknown else ApiFault, match=answer[2][:20]):
        await connection.api.change(**CHANGE)


async def test_a_gateways_page_leaves_a_change_open_only_if_it_gave_up(canned: Any, connection: Connection) -> None:
    page: dict[str, Any] = {"text": "<html>", "content_type": "text/html"}
    canned.on(CHANGE["path"], web.Response(status=403, **page), web.Response(status=504, **page), method="DELETE")
    with pytest.raises(Unreachable):
        await connection.api.change(**CHANGE)
    with pytest.raises(OutcomeUnknown):
        await connection.api.change(**CHANGE)


async def test_silence_is_unreachable_for_a_read_and_unknown_for_a_change(canned: Any, kit: Any) -> None:
    never = asyncio.Event()

    async def silent(_: web.Request) -> web.Response:
        await never.wait()
        return web.Response()

    canned.on("/version", silent)
    canned.on(CHANGE["path"], silent, method="DELETE")
    async with await connection_from_dict(kit.config(canned.url), timeout=0.2) as connection:
        with pytest.raises(Unreachable, match=r"gave no answer within 0\.2 s"):
            await connection.api.get("/version")
        with pytest.raises(OutcomeUnknown):
            await connection.api.change(**CHANGE)
    never.set()


async def test_a_refused_connection_was_never_sent(canned: Any, kit: Any, unused_tcp_port: int) -> None:
    async with await connection_from_dict(kit.config(f"http://127.0.0.1:{unused_tcp_port}")) as connection:
        for attempt in (connection.api.get("/version"), connection.api.change(**CHANGE)):
            with pytest.raises(Unreachable, match=f"127.0.0.1:{unused_tcp_port} refused the connection"):
                await attempt


async def test_an_unknown_host_is_one_sentence(kit: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", unknown)
    async with await connection_from_dict(kit.config("https://no-such-host.example")) as connection:
        with pytest.raises(Unreachable, match=r"https://no-such-host\.example has a name that cannot be resolved"):
            await connection.api.get("/version")


def tls_server(kit: Any) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(kit.tls / "server.pem")
    return context


async def test_a_certificate_nobody_vouches_for_is_refused(raw_server: RawServer, kit: Any) -> None:
    url, got = await raw_server(b"", ssl=tls_server(kit))
    async with await connection_from_dict(kit.config(url)) as connection:
        for attempt in (connection.api.get("/version"), connection.api.change(**CHANGE)):
            with pytest.raises(Unreachable, match=r"TLS certificate that is not trusted .*check certificate-authority"):
                await attempt
    assert not got


async def test_a_port_without_tls_is_said(raw_server: RawServer, kit: Any) -> None:
    url, _ = await raw_server(b"")
    async with await connection_from_dict(kit.config(url.replace("http:", "https:")), timeout=5) as connection:
        with pytest.raises(Unreachable):
            await connection.api.get("/version")


async def test_the_authority_and_the_insecure_flag_each_do(raw_server: RawServer, kit: Any) -> None:
    fine = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
    for cluster in ({"certificate-authority": str(kit.tls / "ca.pem")}, {"insecure-skip-tls-verify": True}):
        url, _ = await raw_server(fine, ssl=tls_server(kit))
        async with await connection_from_dict(kit.config(url, **cluster), timeout=5) as connection:
            assert (await connection.api.get("/version")).data == {}


async def test_only_reviews_may_be_posted_by_readers(canned: Any, connection: Connection) -> None:
    with pytest.raises(ValueError, match="is no review"):
        await connection.api.review("/api/v1/namespaces", {})
    assert not canned.seen
