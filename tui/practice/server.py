"""The HTTP side: routes each request to discovery, reads, writes or deletes and turns failures into Status bodies."""

import asyncio
from collections.abc import Awaitable, Callable
from email.utils import format_datetime
from typing import Any

from aiohttp import web

from tui.practice import discovery, openapi, subresources, tables, watching
from tui.practice.access import USERS, User, refusal, review, user_of
from tui.practice.deletes import Deleter
from tui.practice.deletes import options_of as delete_options
from tui.practice.kinds import Registry
from tui.practice.reads import Reader, list_chunks
from tui.practice.routes import (
    Target,
    accepts,
    flag,
    options_of,
    parse_object,
    parse_patch,
    patch_style,
    query_of,
    target,
)
from tui.practice.status import (
    ApiError,
    PlainNotFound,
    failure,
    not_found,
    not_supported,
    unauthorized,
)
from tui.practice.store import to_json
from tui.practice.world import World
from tui.practice.writes import Result, Writer

Json = dict[str, Any]

BODY_LIMIT = 3 * 1024 * 1024
"""The API server's own limit of a request body."""

AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
SLICE = 2000
"""Items of a list written before other tasks get a turn."""


class Server:
    """Answers requests about one world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.reader = Reader(world)
        self.writer = Writer(world)
        self.deleter = Deleter(world)
        self.watches = watching.Watches(world)

    def application(self) -> web.Application:
        """The aiohttp application."""
        app = web.Application(client_max_size=BODY_LIMIT)
        app.router.add_route("*", "/{tail:.*}", self.handle)
        app.on_response_prepare.append(self._date)
        return app

    async def _date(self, _: web.Request, response: web.StreamResponse) -> None:
        """An API server's Date is its own clock's, as the times in its objects are."""
        response.headers["Date"] = format_datetime(self.world.clock.now(), usegmt=True)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Any request."""
        try:
            return await self._route(request)
        except ApiError as error:
            return _json(error.code, error.body)
        except PlainNotFound:
            return web.Response(status=404, text="404 page not found\n", headers=_CACHE)
        except (ConnectionError, asyncio.CancelledError, web.HTTPException) as error:
            if not isinstance(error, web.HTTPRequestEntityTooLarge):
                raise
            message = f"Request entity too large: limit is {BODY_LIMIT}"
            return _json(413, failure(413, "RequestEntityTooLarge", message, {}).body)
        except Exception as error:  # noqa: BLE001 - the app shares this process: no traceback may reach its terminal
            message = f"Internal error occurred: {type(error).__name__}: {error}"
            return _json(500, failure(500, "InternalError", message, {"causes": [{"message": str(error)}]}).body)

    async def _route(self, request: web.Request) -> web.StreamResponse:
        address, named = _doorway(request.path)
        user = self._user(request, named)
        path = address.rstrip("/") or "/"
        parts = [part for part in path.split("/") if part]
        fixed = self._fixed(request, path, parts)
        if fixed is not None:
            return fixed
        if parts[:1] not in (["api"], ["apis"]) or len(parts) < (3 if parts[0] == "api" else 4):
            raise PlainNotFound
        place = target(self.world.kinds, path)
        verb = _verb(request, place)
        self._authorize(user, verb, place)
        return await self._resource(request, user, verb, place)

    @staticmethod
    def _user(request: web.Request, named: str) -> User:
        header = request.headers.get("Authorization") or ""
        if header:
            user = user_of(header.removeprefix("Bearer ").strip()) if header.startswith("Bearer ") else None
        else:
            user = next((known for known in USERS if known.name == named), None)
        if user is None:
            raise unauthorized()
        return user

    def _fixed(self, request: web.Request, path: str, parts: list[str]) -> web.Response | None:
        kinds = self.world.kinds
        if path in ("/version", "/readyz", "/livez", "/healthz"):
            return _json(200, discovery.VERSION) if path == "/version" else web.Response(text="ok", headers=_CACHE)
        if path in ("/api", "/apis"):
            core = path == "/api"
            if "as=APIGroupDiscoveryList" in (request.headers.get("Accept") or ""):
                headers = {"Content-Type": AGGREGATED, "Cache-Control": "public", "Vary": "Accept"}
                return web.Response(body=to_json(discovery.aggregated(kinds, core=core)), headers=headers)
            return _json(200, discovery.core_versions(request.host) if core else discovery.groups(kinds))
        found = None
        if parts[:2] == ["openapi", "v3"]:
            found = _openapi(kinds, parts[2:])
        elif parts[:1] == ["api"] and len(parts) == 2:
            found = discovery.resource_list(kinds, "", parts[1])
        elif parts[:1] == ["apis"] and len(parts) == 3:
            found = discovery.resource_list(kinds, parts[1], parts[2])
        elif parts[:1] == ["apis"] and len(parts) == 2:
            found = discovery.group_entry(kinds, parts[1])
            found = {"kind": "APIGroup", "apiVersion": "v1"} | found if found else None
        return _json(200, found) if found else None

    @staticmethod
    def _authorize(user: User, verb: str, place: Target) -> None:
        plural = place.kind.plural + (f"/{place.subresource}" if place.subresource else "")
        if not user.may(verb, place.kind.group, plural):
            raise refusal(user, verb, place.kind.group, plural, place.namespace, place.name)

    async def _resource(self, request: web.Request, user: User, verb: str, place: Target) -> web.StreamResponse:
        if place.kind.plural.startswith("selfsubject"):
            return await self._review(request, user, place)
        if place.subresource in ("scale", "log", "eviction"):
            return await subresources.answer(self, request, place, verb)
        if verb not in place.kind.verbs and not place.subresource:
            raise not_supported()
        steps: dict[str, Callable[[web.Request, Target], Awaitable[web.StreamResponse]]] = {
            "get": self._get,
            "list": self._list,
            "watch": self._watch,
            "create": self._create,
            "update": self._update,
            "patch": self._patch,
            "delete": self._delete,
            "deletecollection": self._delete_collection,
        }
        return await steps[verb](request, place)

    async def _review(self, request: web.Request, user: User, place: Target) -> web.Response:
        if request.method != "POST":
            raise not_supported()
        body = parse_object(place.kind.kind, request.content_type, await request.read())
        head = {"kind": place.kind.kind, "apiVersion": place.kind.api_version}
        meta: Json = {}
        if place.kind.plural == "selfsubjectreviews":
            meta = {"creationTimestamp": self.world.clock.stamp()}
        elif place.kind.plural == "selfsubjectaccessreviews":
            meta = self.writer.claimed(place.kind, body, options_of(request))
        return _json(201, head | {"metadata": meta} | review(user, place.kind.plural, body))

    async def _get(self, request: web.Request, place: Target) -> web.Response:
        collection = self.world.store.collection(place.kind.resource)
        entry = collection.entries.get((place.namespace or "", place.name))
        if entry is None:
            raise not_found(place.kind.group, place.kind.plural, place.name)
        if accepts(request) == "table":
            return self._table(request, place, [entry.body], {})
        return self._object(request, place, 200, entry.body)

    def _table(self, request: web.Request, place: Target, bodies: list[Json], meta: Json) -> web.Response:
        whole = request.query.get("includeObject") == "Object"
        return _json(200, tables.table(place.kind, bodies, meta, self.world.clock.now(), whole=whole))

    def _object(
        self, request: web.Request, place: Target, code: int, body: Json, warnings: list[str] | None = None
    ) -> web.Response:
        if body.get("kind") == "Status":
            return _json(code, body)
        if accepts(request) == "metadata":
            head = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1"}
            return _json(code, head | {"metadata": body["metadata"]}, warnings)
        if place.kind.custom and body.get("apiVersion") != place.kind.api_version:
            body = body | {"apiVersion": place.kind.api_version}
        return _json(code, body, warnings)

    async def _list(self, request: web.Request, place: Target) -> web.StreamResponse:
        wanted = accepts(request)
        metadata_only = wanted == "metadata"
        page = self.reader.page(place.kind, query_of(request, place, metadata_only=metadata_only))
        if wanted == "table":
            return self._table(request, place, [e.body for e in page.entries], {"resourceVersion": str(page.version)})
        chunks: list[bytes] = []
        for count, chunk in enumerate(list_chunks(place.kind, page, metadata_only=metadata_only)):
            chunks.append(chunk)
            if count % SLICE == SLICE - 1:
                await asyncio.sleep(0)
        return web.Response(body=b"".join(chunks), headers=_CACHE | {"Content-Type": "application/json"})

    async def _watch(self, request: web.Request, place: Target) -> web.StreamResponse:
        metadata_only = accepts(request) == "metadata"
        query = query_of(request, place, metadata_only=metadata_only)
        return await self.watches.serve(request, place.kind, query, self.reader)

    async def _create(self, request: web.Request, place: Target) -> web.Response:
        raw = await request.read()
        if place.name:
            raise not_supported()
        body = parse_object(place.kind.kind, request.content_type, raw)
        if place.kind.namespaced and place.namespace is None:
            raise not_supported()
        return self._answer(request, place, self.writer.create(place.kind, place.namespace, body, options_of(request)))

    async def _update(self, request: web.Request, place: Target) -> web.Response:
        body = parse_object(place.kind.kind, request.content_type, await request.read())
        options = options_of(request, subresource=place.subresource)
        return self._answer(request, place, self.writer.update(place.kind, place.namespace, place.name, body, options))

    async def _patch(self, request: web.Request, place: Target) -> web.Response:
        raw = await request.read()
        style = patch_style(request)
        options = options_of(request, subresource=place.subresource, applying=style == "apply-patch")
        body = parse_patch(style, raw)
        return self._answer(
            request, place, self.writer.patch(place.kind, place.namespace, place.name, style, body, options)
        )

    def _answer(self, request: web.Request, place: Target, result: Result) -> web.Response:
        return self._object(request, place, result.code, result.body, result.warnings)

    async def _delete(self, request: web.Request, place: Target) -> web.Response:
        options = await self._delete_options(request)
        body = self.deleter.delete(place.kind, place.namespace, place.name, options)
        return self._object(request, place, 200, body)

    @staticmethod
    async def _delete_options(request: web.Request) -> Json:
        raw = await request.read()
        body = parse_object("DeleteOptions", request.content_type, raw) if raw.strip() else None
        return delete_options(dict(request.query), body)

    async def _delete_collection(self, request: web.Request, place: Target) -> web.Response:
        options = await self._delete_options(request)
        page = self.reader.page(place.kind, query_of(request, place, metadata_only=False))
        body = b"".join(list_chunks(place.kind, page, metadata_only=False))
        for entry in page.entries:
            meta = entry.body["metadata"]
            self.deleter.delete(place.kind, meta.get("namespace"), meta["name"], options)
        return web.Response(body=body, headers=_CACHE | {"Content-Type": "application/json"})


def _openapi(kinds: Registry, parts: list[str]) -> Json | None:
    """The OpenAPI index, or the document of ``api/v1`` or ``apis/GROUP/VERSION``."""
    match parts:
        case []:
            return openapi.index(kinds)
        case ["api", version]:
            return openapi.document(kinds, "", version)
        case ["apis", group, version]:
            return openapi.document(kinds, group, version)
    return None


def _doorway(path: str) -> tuple[str, str]:
    """The API path and the user of an address under ``/as/USER``: kubectl sends no token over plain HTTP."""
    if path.startswith("/as/"):
        user, _, rest = path.removeprefix("/as/").partition("/")
        return f"/{rest}", user
    return path, ""


_CACHE = {"Cache-Control": "no-cache, private"}


def _json(code: int, body: Json, warnings: list[str] | None = None) -> web.Response:
    response = web.Response(
        status=code, body=to_json(body) + b"\n", headers=_CACHE | {"Content-Type": "application/json"}
    )
    for text in warnings or ():
        escaped = text.replace("\\", "\\\\").replace('"', '\\"')
        response.headers.add("Warning", f'299 - "{escaped}"')
    return response


def _verb(request: web.Request, place: Target) -> str:
    method = request.method
    if method in ("GET", "HEAD"):
        if flag(request.query.get("watch")) and "watch" in request.query:
            return "watch"
        return "get" if place.name else "list"
    if method == "DELETE":
        return "delete" if place.name else "deletecollection"
    verb = {"POST": "create", "PUT": "update", "PATCH": "patch"}.get(method)
    if verb is None or (verb in ("update", "patch") and not place.name):
        raise not_supported()
    return verb
