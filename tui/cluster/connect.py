"""Connecting: from a kubeconfig's context to an :class:`Api`. Nothing is sent to the API server here.

kubernetes.aio costs over half a second to import, so it is imported on the first connection, in a thread.
"""

import asyncio
import base64
import importlib
import os
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import unquote, urlsplit, urlunsplit
from urllib.request import getproxies, proxy_bypass

from tui.cluster.credentials import UserCredentials, authority
from tui.cluster.kubeconfig import Chosen, choose, pick
from tui.cluster.kubeconfig_file import of_value
from tui.faults import UsageFault
from tui.objects import Json
from tui.text import clean

if TYPE_CHECKING:
    from tui.cluster.api import Api

USER_AGENT: Final = "refloat"
"""Also the field manager of a request that names none, so it must not look like another tool's."""

DEFAULT_TIMEOUT: Final = 15.0
"""Seconds a request may take where nothing else is asked for."""


@dataclass(frozen=True, slots=True)
class Connection:
    """One context, ready for requests; an async context manager that closes them.

    ``server`` is the URL without credentials, ``user`` the kubeconfig's name of the user, ``namespace`` the context's
    default one.
    """

    context: str
    server: str
    cluster: str
    namespace: str
    user: str
    api: "Api" = field(repr=False)

    async def close(self) -> None:
        """Closes every connection."""
        await self.api.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


async def connect(
    kubeconfig: str | None = None,
    context: str | None = None,
    timeout: float = DEFAULT_TIMEOUT,  # noqa: ASYNC109 - the time of each later request, not of this call
) -> Connection:
    """The connection of a kubeconfig's context (see :func:`tui.cluster.kubeconfig.choose`); ``timeout`` in seconds.

    A credential plugin is run. Raises UsageFault for anything wrong with kubeconfig, context or credentials.
    """
    return await _open(choose(kubeconfig, context, os.environ, Path.home()), timeout)


async def connection_from_dict(
    kubeconfig: Json,
    context: str | None = None,
    timeout: float = DEFAULT_TIMEOUT,  # noqa: ASYNC109 - the time of each later request, not of this call
) -> Connection:
    """The connection of a kubeconfig that is already plain data. Raises UsageFault."""
    return await _open(pick(of_value(kubeconfig, "the kubeconfig"), context, "the kubeconfig"), timeout)


def _modules() -> tuple[Any, ...]:
    return tuple(importlib.import_module(name) for name in ("kubernetes.aio.client", "aiohttp", "tui.cluster.api"))


async def _open(chosen: Chosen, seconds: float) -> Connection:
    module, http, own = await asyncio.to_thread(_modules)
    configuration = module.Configuration()
    _point(configuration, chosen)
    configuration.client_session_kwargs = {
        "middlewares": (own.one_way,),
        "cookie_jar": http.DummyCookieJar(),
        # Else aiohttp would look for a password in ~/.netrc; proxies of the environment are set above.
        "trust_env": False,
    }
    try:
        client = module.ApiClient(configuration)
    except (ssl.SSLError, ValueError, OSError) as error:
        where = f"cluster `{chosen.cluster_name}` in {chosen.source}"
        raise UsageFault(f"the certificate authority of {where} is damaged; correct the kubeconfig") from error
    client.user_agent = USER_AGENT
    if chosen.server.startswith("http:"):
        # aiohttp gives a proxy its own headers only where it asks for a tunnel.
        client.default_headers.update(configuration.proxy_headers or {})
    credentials = UserCredentials(chosen)
    try:
        await credentials.attach(client)
    except BaseException:
        await client.close()
        raise
    api = own.Api(client, credentials, chosen.server, seconds)
    return Connection(chosen.context, chosen.server, chosen.cluster_name, chosen.namespace, chosen.user_name, api)


def _point(configuration: Any, chosen: Chosen) -> None:
    cluster = chosen.cluster
    configuration.ca_cert_data = authority(chosen) or None
    # Typed where it was read: only true itself leaves the server unverified.
    configuration.verify_ssl = cluster.get("insecure-skip-tls-verify") is not True
    configuration.host = cluster["server"].rstrip("/")
    # Python 3.13 refuses certificate authorities without fields that kubectl does not ask for either.
    configuration.disable_strict_ssl_verification = True
    configuration.tls_server_name = cluster.get("tls-server-name") or None
    configuration.proxy, configuration.proxy_headers = _proxy(chosen)


def _proxy(chosen: Chosen) -> tuple[str | None, dict[str, str] | None]:
    """The proxy's URL without credentials, and the header that carries them; aiohttp takes them apart."""
    proxy = chosen.cluster.get("proxy-url") or _proxy_of_environment(chosen.server)
    if proxy is None:
        return None, None
    parts = urlsplit(proxy)
    if parts.scheme not in ("http", "https"):
        # The kubeconfig's own proxy was looked at with the rest of it.
        scheme = clean(parts.scheme, 20) or "no"
        raise UsageFault(f"the proxy of the environment is {scheme} URL; only http and https proxies work")
    if not parts.username:
        return proxy, None
    pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
    bare = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    return bare, {"Proxy-Authorization": f"Basic {base64.b64encode(pair).decode()}"}


def _proxy_of_environment(server: str) -> str | None:
    """The proxy that HTTPS_PROXY or HTTP_PROXY and NO_PROXY ask for. Never one for this machine, as in kubectl."""
    parts = urlsplit(server)
    host = parts.hostname or ""
    if host == "localhost" or host.startswith("127.") or host == "::1":
        return None
    proxy = getproxies().get(parts.scheme)
    return None if not proxy or proxy_bypass(f"{host}:{parts.port}" if parts.port else host) else proxy
