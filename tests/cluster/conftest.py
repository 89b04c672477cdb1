"""A server whose answers a test lays out, and connections to it."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tui.cluster.connect import Connection, connection_from_dict

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Reply = Handler | dict[str, Any] | web.Response


@dataclass
class Seen:
    """One request as the server saw it."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    raw: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.raw)


@dataclass
class Canned:
    """Answers by path, in order; the last one of a path repeats. What is not laid out is an honest 404."""

    server: TestServer | None = None
    seen: list[Seen] = field(default_factory=list)
    answers: dict[tuple[str, str], list[Reply]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        assert self.server is not None
        return str(self.server.make_url("")).rstrip("/")

    def on(self, path: str, *replies: Reply, method: str = "GET") -> None:
        self.answers[method, path] = list(replies)

    def requests(self, path: str) -> list[Seen]:
        return [seen for seen in self.seen if seen.path == path]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        path = request.raw_path.partition("?")[0]
        self.seen.append(Seen(request.method, path, dict(request.query), dict(request.headers), raw))
        replies = self.answers.get((request.method, path))
        if not replies:
            return status(404, "NotFound", f"no answer was laid out for {request.method} {path}")
        reply = replies.pop(0) if len(replies) > 1 else replies[0]
        if isinstance(reply, dict):
            return web.json_response(reply)
        if isinstance(reply, web.Response):
            return web.Response(status=reply.status, body=reply.body, headers=reply.headers)
        return await reply(request)


def status(code: int, reason: str, message: str, **more: Any) -> web.Response:
    body = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": code}
    return web.json_response(body | {"reason": reason, "message": message} | more, status=code)


def group(name: str, version: str, *resources: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"metadata": {"name": name}, "versions": [{"version": version, "resources": list(resources), **more}]}


def resource(
    plural: str, kind: str, *, namespaced: bool = True, verbs: tuple[str, ...] = ("get", "list", "watch")
) -> Any:
    scope = "Namespaced" if namespaced else "Cluster"
    return {"resource": plural, "responseKind": {"kind": kind}, "scope": scope, "verbs": list(verbs)}


def aggregated(*groups: dict[str, Any]) -> dict[str, Any]:
    return {"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "items": list(groups)}


def config(server: str, user: dict[str, Any] | None = None, **cluster: Any) -> dict[str, Any]:
    return {
        "current-context": "here",
        "clusters": [{"name": "canned", "cluster": {"server": server, **cluster}}],
        "users": [{"name": "me", "user": user or {"token": "s3cret-token"}}],
        "contexts": [{"name": "here", "context": {"cluster": "canned", "user": "me"}}],
    }


@pytest.fixture
def kit() -> SimpleNamespace:
    """The helpers above, for tests: modules of tests cannot import each other."""
    return SimpleNamespace(
        status=status,
        group=group,
        resource=resource,
        aggregated=aggregated,
        config=config,
        tls=Path(__file__).parent / "tls",
    )


@pytest.fixture
async def canned() -> AsyncIterator[Canned]:
    canned = Canned()
    app = web.Application(client_max_size=2**24)
    app.router.add_route("*", "/{tail:.*}", canned.handle)
    canned.server = TestServer(app)
    await canned.server.start_server()
    yield canned
    await canned.server.close()


@pytest.fixture
async def connection(canned: Canned) -> AsyncIterator[Connection]:
    async with await connection_from_dict(config(canned.url), timeout=5) as connection:
        yield connection


@pytest.fixture
def waited(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds the connection would have waited between tries; it does not wait."""
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        await asyncio.sleep(0)

    monkeypatch.setattr(connection.api, "_sleep", sleep)
    return waits


@pytest.fixture
async def raw_server() -> AsyncIterator[Callable[..., Awaitable[tuple[str, list[bytes]]]]]:
    """Starts servers that answer every request on a connection with given bytes, then break the connection."""
    servers: list[asyncio.Server] = []

    async def start(*answers: bytes, ssl: Any = None) -> tuple[str, list[bytes]]:
        left, got = list(answers), []

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                while left:
                    head = await reader.readuntil(b"\r\n\r\n")
                    length = next(
                        (int(line[15:]) for line in head.split(b"\r\n") if line.startswith(b"Content-Length:")), 0
                    )
                    got.append(head + await reader.readexactly(length))
                    answer = left.pop(0)
                    writer.write(answer)
                    await writer.drain()
                    if not answer.endswith(b"\r\n\r\n{}"):
                        break
            except (asyncio.IncompleteReadError, ConnectionError):
                pass
            finally:
                writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=ssl)
        servers.append(server)
        return f"{'https' if ssl else 'http'}://127.0.0.1:{server.sockets[0].getsockname()[1]}", got

    yield start
    for server in servers:
        server.close()
        await server.wait_closed()
