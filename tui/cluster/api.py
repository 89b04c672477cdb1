"""The one thin layer of raw requests over kubernetes.aio: credentials, TLS and proxies are its, the rest is here.

Every request names its timeout and the most it will read. Reads are asked again a bounded number of times where the
server sheds load; a change is sent once, and never again behind the operator's back: not on a lost connection, not on
a redirect, not on an expired token.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final, Protocol
from urllib.parse import quote

import aiohttp
from aiohttp.client_middlewares import ClientHandlerType
from multidict import CIMultiDict, CIMultiDictProxy

from tui.cluster.answers import decode, decode_clean, failure, not_an_api_server, warnings_of
from tui.cluster.network import LostConnection, Redirected, harmless, unreachable
from tui.faults import ApiFault, Fault, OutcomeUnknown, Unverified

MAX_REPLY: Final = 64 * 2**20
"""Bytes read of one answer: a page of the largest objects etcd can hold stays below it."""

MAX_FAILURE: Final = 2**20
"""Bytes read of one failing answer."""

MAX_TRIES: Final = 4
"""How often a read is sent at most where the server sheds load."""

MAX_WAIT: Final = 8.0
"""Seconds waited at most for one Retry-After: an operator in front of a screen would rather read the reason."""

REVIEWS: Final = ("selfsubjectaccessreviews", "selfsubjectreviews")
READS: Final = frozenset({"GET"})
JSON: Final = "application/json"

Query = Sequence[tuple[str, str]]
_Headers = CIMultiDictProxy[str]


class Credentials(Protocol):
    """What renews the credentials of a connection."""

    async def ready(self) -> int:
        """Renews what is about to expire; returns which issue is in use. Raises Fault where renewing fails."""
        ...

    async def renew(self, issue: int) -> bool:
        """Renews after ``issue`` was refused, unless somebody did since; False where there is nothing to renew."""
        ...

    def headers(self) -> Sequence[tuple[str, str]]:
        """Headers that go with every request (impersonation)."""
        ...

    def refused(self) -> str:
        """One sentence for a 401: whose credentials were refused, and the next step. Never the credentials."""
        ...


@dataclass(frozen=True, slots=True)
class Reply:
    """One successful answer. ``data`` is its JSON, or its text where text was asked for.

    ``date`` is when the server says it answered, by its own clock in whole seconds; None where it does not say.
    """

    code: int
    data: Any = field(repr=False)
    warnings: tuple[str, ...] = ()
    date: datetime | None = None


def segments(*parts: str) -> str:
    """A URL path of these parts, each quoted whole: a name may hold ``:`` and ``%``, and must never hold ``/``."""
    return "".join("/" + quote(part, safe="") for part in parts)


async def one_way(request: aiohttp.ClientRequest, handler: ClientHandlerType) -> aiohttp.ClientResponse:
    """Keeps aiohttp from following redirects, and from sending a change twice when a kept connection breaks.

    It would resend PUT and DELETE by itself; a second DELETE may hit an object that was made in between.
    """
    try:
        response = await handler(request)
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        if request.method in READS or harmless(error):
            raise
        raise LostConnection(str(error)) from error
    if response.status in (301, 302, 303, 307, 308):
        place = response.headers.get("Location", "")
        response.close()
        raise Redirected(place)
    return response


class Api:
    """Requests to one API server. ``client`` is a kubernetes.aio ApiClient; ``timeout`` is in seconds, a request.

    ``server`` is the address as it may be shown. ``sleep`` waits between tries.
    """

    def __init__(
        self,
        client: Any,
        credentials: Credentials,
        server: str,
        timeout: float,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.server = server
        self.timeout = timeout
        self._client = client
        self._credentials = credentials
        self._sleep = sleep

    async def close(self) -> None:
        """Closes every connection."""
        await self._client.close()

    async def get(
        self, path: str, query: Query = (), *, accept: str = JSON, raw: bool = False, limit: int = MAX_REPLY
    ) -> Reply:
        """GET; ``data`` is the cleaned JSON, or with ``raw`` the JSON exactly as the server has it.

        Raises ApiFault for a failure Status, Unreachable where no API server answers, Unverified for an unreadable
        answer.
        """
        place = self.place(path)
        _, headers, body = await self._read(path, query, accept, limit)
        _expect_json(headers, place)
        return Reply(200, decode(body, place) if raw else decode_clean(body, place), date=_date(headers))

    async def fetch(self, path: str, query: Query = (), *, accept: str = JSON, limit: int = MAX_REPLY) -> bytes:
        """GET of JSON as it came over the wire, for who parses it himself. Raises as :meth:`get`."""
        _, headers, body = await self._read(path, query, accept, limit)
        _expect_json(headers, self.place(path))
        return body

    async def text(self, path: str, query: Query = (), *, limit: int) -> str:
        """GET of a plain text answer, not cleaned, cut after ``limit`` bytes. Raises as :meth:`get`."""
        _, _, body = await self._read(path, query, "*/*", limit, cut=True)
        return body.decode("utf-8", "replace")

    async def review(self, path: str, body: Any) -> Reply:
        """POST of a review of this user's own rights or identity: it changes nothing, and nothing else may use it.

        Raises as :meth:`get`, and ValueError for any other path.
        """
        if path.rpartition("/")[2] not in REVIEWS:
            raise ValueError(f"{path} is no review")
        return await self.change("POST", path, body=body, dry_run=True)

    async def change(
        self,
        method: str,
        path: str,
        *,
        query: Query = (),
        body: Any,
        content_type: str = JSON,
        dry_run: bool = False,
    ) -> Reply:
        """Sends one request that is not a read, once. ``body`` is JSON, or bytes that are sent as they are.

        Raises ApiFault for a failure Status, Unreachable where it was never sent (or was a dry run), OutcomeUnknown
        where it was sent and no answer tells how it went.
        """
        place = self.place(path)
        await self._credentials.ready()
        # Half of the time for connecting, so that running out of it while connecting is told from running out later.
        times = aiohttp.ClientTimeout(total=self.timeout, connect=self.timeout / 2)
        exchange = self._exchange(method, path, query, JSON, body=body, content_type=content_type, times=times)
        try:
            async with exchange as response:
                code, headers, raw = response.status, response.headers, await _body(response, MAX_REPLY, place)
            if code < 400:
                _expect_json(headers, place)
                return Reply(code, decode_clean(raw, place), warnings_of(headers.getall("Warning", ())))
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            fault = unreachable(error, self.server, self.timeout)
            raise fault if dry_run or harmless(error) else _unknown(method, fault) from error
        except Unverified as fault:
            raise fault if dry_run else _unknown(method, fault) from fault
        refusal = self._explain(code, headers, raw, place)
        raise refusal if dry_run or not _may_be_done(code, refusal) else _unknown(method, refusal)

    @asynccontextmanager
    async def stream(self, path: str, query: Query, *, accept: str, idle: float) -> AsyncIterator[aiohttp.StreamReader]:
        """GET of an answer without end; ``idle`` is how many seconds of silence mean a dead connection.

        Raises as :meth:`get`, on opening and while the body is read.
        """
        times = aiohttp.ClientTimeout(total=None, connect=self.timeout, sock_connect=self.timeout, sock_read=idle)
        place = self.place(path)
        await self._credentials.ready()
        try:
            async with self._exchange("GET", path, query, accept, times=times) as response:
                if response.status >= 400:
                    raise self._explain(
                        response.status, response.headers, await _body(response, MAX_FAILURE, place), place
                    )
                _expect_json(response.headers, place)
                yield response.content
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise unreachable(error, self.server, idle) from error

    async def _read(
        self, path: str, query: Query, accept: str, limit: int, *, cut: bool = False
    ) -> tuple[int, _Headers, bytes]:
        place = self.place(path)
        renewed = False
        for attempt in range(1, MAX_TRIES + 1):
            issue = await self._credentials.ready()
            try:
                async with self._exchange("GET", path, query, accept) as response:
                    code, headers = response.status, response.headers
                    bound = limit if code < 400 else MAX_FAILURE
                    raw = await _body(response, bound, place, cut=cut)
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                raise unreachable(error, self.server, self.timeout) from error
            if code < 400:
                return code, headers, raw
            if code == 401 and not renewed and await self._credentials.renew(issue):
                renewed = True
                continue
            wait = _retry_after(code, headers)
            if wait is None or attempt == MAX_TRIES:
                break
            await self._sleep(wait)
        raise self._explain(code, headers, raw, place)

    @asynccontextmanager
    async def _exchange(
        self,
        method: str,
        path: str,
        query: Query,
        accept: str,
        *,
        body: Any = None,
        content_type: str = JSON,
        times: aiohttp.ClientTimeout | None = None,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        wanted = {"Accept": accept, "Content-Type": content_type}
        _, url, headers, data, _ = await self._client.param_serialize(
            method, path, query_params=list(query), header_params=wanted, body=body, auth_settings=["BearerToken"]
        )
        sent = CIMultiDict(headers)
        for name, value in self._credentials.headers():
            sent.add(name, value)
        reply = await self._client.rest_client.request(
            method, url, headers=sent, body=data, _request_timeout=times or aiohttp.ClientTimeout(total=self.timeout)
        )
        response: aiohttp.ClientResponse = reply.response
        try:
            yield response
        finally:
            # A body that was not read to its end would make the next request on this connection wait for it.
            response.release() if response.content.at_eof() else response.close()

    def _explain(self, code: int, headers: _Headers, raw: bytes, place: str) -> Fault:
        if code == 401:
            return ApiFault(401, "Unauthorized", self._credentials.refused())
        return failure(code, headers.get("Content-Type", ""), raw, place)

    def place(self, path: str) -> str:
        """How a fault names a request."""
        return f"{self.server}{path}"


async def _body(response: aiohttp.ClientResponse, limit: int, place: str, *, cut: bool = False) -> bytes:
    chunks: list[bytes] = []
    size = 0
    async for chunk in response.content.iter_any():
        chunks.append(chunk)
        size += len(chunk)
        if size > limit:
            if cut:
                break
            raise Unverified(f"the answer to {place} is larger than {limit // 2**20} MiB and was not read")
    return b"".join(chunks)[:limit]


def _expect_json(headers: _Headers, place: str) -> None:
    content_type = headers.get("Content-Type", "")
    if "json" not in content_type:
        raise not_an_api_server(content_type, place)


def _date(headers: _Headers) -> datetime | None:
    try:
        said = parsedate_to_datetime(headers.get("Date", ""))
    except ValueError:
        return None
    return said if said.tzinfo else None


def _retry_after(code: int, headers: _Headers) -> float | None:
    """Seconds to wait before a read is sent again; None where it must not be."""
    if code not in (429, 503):
        return None
    stated = headers.get("Retry-After", "")
    if stated.isascii() and stated.isdigit():
        return min(float(stated), MAX_WAIT)
    return 1.0 if code == 429 else None


def _may_be_done(code: int, fault: Fault) -> bool:
    """Whether a change that was answered with this failure may have been done all the same.

    A gateway that gave up and a deadline leave it open; a refusal in the server's own words does not, except where
    its storage did not answer in time. A failing webhook speaks before anything is stored.
    """
    if not isinstance(fault, ApiFault):
        return code >= 500
    if code == 504 or (code in (502, 503) and not fault.reason):
        return True
    return code == 500 and "webhook" not in fault.message and "etcdserver" in fault.message


def _unknown(method: str, fault: Fault) -> OutcomeUnknown:
    return OutcomeUnknown(f"a {method} was sent and its outcome is unknown: {fault}; look again before anything else")
