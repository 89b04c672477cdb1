"""The one writer of the code base. It takes nothing but what the gate admitted, and sends it once."""

import json
from typing import Any, Final, Protocol

from tui.cluster.api import JSON, Api
from tui.cluster.discovery import address, check_scope, collection
from tui.cluster.resolver import Resolver
from tui.faults import Fault, Unverified
from tui.objects import Json, Ref, Served
from tui.recovery.ports import Answer, Method, Request


class Admitted(Protocol):
    """What the gate hands out: proof that a request was looked at, and the request."""

    @property
    def request(self) -> Request:
        """The request, exactly as admitted."""
        ...


_PATCH_TYPES: Final = {
    Method.MERGE_PATCH: "application/merge-patch+json",
    Method.JSON_PATCH: "application/json-patch+json",
    # With its parameter, kubernetes.aio sends these bytes as they are: the server's parser refuses the surrogate
    # escapes that it would put into the JSON.
    Method.APPLY: "application/apply-patch+yaml; charset=utf-8",
}

_STRICT: Final = ("fieldValidation", "Strict")


class Writer:
    """Sends admitted requests to one cluster."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._resolver = Resolver(api)

    async def send(self, admitted: Admitted) -> Answer:
        """Sends the request once; returns the server's cleaned answer with its warnings.

        Raises ApiFault where the server refuses (409 and 422 with causes), Unreachable where nothing was sent,
        Unverified where the kind cannot be resolved (nothing was sent), and OutcomeUnknown where it was sent and the
        answer was lost.
        """
        request = admitted.request
        served = await self._resolve(request.ref)
        method, path, query, body, content_type = _http(request, served)
        reply = await self._api.change(
            method, path, query=query, body=body, content_type=content_type, dry_run=request.dry_run
        )
        answer = reply.data if isinstance(reply.data, dict) else {}
        return Answer(reply.code, answer, reply.warnings)

    async def _resolve(self, ref: Ref) -> Served:
        served = await self._resolver.find(ref)
        if served is None or served.api_version != ref.api_version:
            # The body says its version; sent to the URL of another one it would be refused, or read as that one.
            raise Unverified(f"{ref.label} was not sent: the cluster does not serve {ref.api_version} {ref.kind}")
        return served


def _http(request: Request, served: Served) -> tuple[str, str, list[tuple[str, str]], Any, str]:
    match request.method:
        case Method.DELETE:
            return "DELETE", address(served, request.ref), [], _delete_options(request), JSON
        case Method.CREATE:
            check_scope(served, request.ref)
            query = [*_common(request), _STRICT]
            return "POST", collection(served, request.ref.namespace), query, request.body, JSON
        case Method.APPLY:
            query = [*_common(request), _STRICT, *([("force", "true")] if request.force else [])]
            return "PATCH", address(served, request.ref), query, _utf8(request), _PATCH_TYPES[request.method]
        case Method.MERGE_PATCH | Method.JSON_PATCH:
            if (request.method is Method.JSON_PATCH) != isinstance(request.body, list):
                raise Fault(f"{request.ref.label} was not sent: the body does not fit a {request.method}")
            query = [*_common(request), _STRICT]
            return "PATCH", address(served, request.ref), query, request.body, _PATCH_TYPES[request.method]


def _utf8(request: Request) -> bytes:
    try:
        return json.dumps(request.body, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise Fault(f"{request.ref.label} was not sent: its document holds half a character (a surrogate)") from error


def _common(request: Request) -> list[tuple[str, str]]:
    query = [("fieldManager", request.manager)] if request.manager else []
    return [*query, ("dryRun", "All")] if request.dry_run else query


def _delete_options(request: Request) -> Json:
    """The DeleteOptions, with the dry run inside: a body makes the server ignore the query."""
    if not isinstance(request.body, dict):
        raise Fault(f"{request.ref.label} was not deleted: DeleteOptions are no list")
    options: Json = {"apiVersion": "v1", "kind": "DeleteOptions", **request.body}
    if request.dry_run:
        options["dryRun"] = ["All"]
    if bool(options.get("dryRun")) != request.dry_run:
        raise Fault(f"{request.ref.label} was not deleted: the request and its body disagree on the dry run")
    return options
