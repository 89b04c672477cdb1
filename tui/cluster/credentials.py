"""The credentials of one connection: read once, renewed before they expire, never shown.

A token goes into the Configuration of kubernetes.aio, a client certificate into its TLS context. Certificates and keys
that a kubeconfig carries inside are on disk only while OpenSSL reads them.
"""

import asyncio
import base64
import json
import re
import ssl
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from tui.cluster import plugin
from tui.cluster.kubeconfig import Chosen
from tui.cluster.usable import NO_HEADER
from tui.faults import UsageFault
from tui.objects import Json
from tui.text import clean

EARLY: Final = timedelta(seconds=60)
"""How long before its expiry an issued credential is renewed: longer than any request may take."""

REREAD: Final = timedelta(seconds=60)
"""How long a token file is trusted before it is read again: a pod's token is rotated under the program's feet."""

_CERTIFICATE: Final = re.compile(rb"-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----")
_HEADER_NAME: Final = frozenset(b"!#$&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
"""The bytes of a header's name that stand for themselves (client-go transport/round_trippers.go)."""


def _now() -> datetime:
    return datetime.now(UTC)


class UserCredentials:
    """Who a connection acts as. Call :meth:`attach` once with the ApiClient before the first request.

    ``now`` gives the time that expiries are compared with.
    """

    def __init__(self, chosen: Chosen, *, now: Callable[[], datetime] = _now) -> None:
        self._chosen = chosen
        self._now = now
        self._client: Any = None
        self._due: datetime | None = None
        self._issue = 0
        self._lock = asyncio.Lock()

    async def attach(self, client: Any) -> None:
        """Gives ``client`` its credentials. Raises UsageFault for anything missing, broken or refused by a plugin."""
        self._client = client
        await self._load()

    async def ready(self) -> int:
        """Renews what is about to expire; returns which issue is in use, counted from 1."""
        if self._due is not None and self._now() >= self._due:
            async with self._lock:
                # Another request may have renewed them while this one waited for its turn.
                if self._due is None or self._now() >= self._due:
                    await self._load()
        return self._issue

    async def renew(self, issue: int) -> bool:
        """Renews after ``issue`` was refused, unless another request did since; False where nothing could differ."""
        if not self._chosen.user.keys() & {"exec", "tokenFile"}:
            return False
        async with self._lock:
            if self._issue == issue:
                await self._load()
        return True

    def headers(self) -> list[tuple[str, str]]:
        """The impersonation that the kubeconfig asks for; to leave it out would act with more rights than meant."""
        user = self._chosen.user
        named = [("Impersonate-User", user.get("as")), ("Impersonate-Uid", user.get("as-uid"))]
        sent = [(name, value) for name, value in named if value]
        sent += [("Impersonate-Group", group) for group in user.get("as-groups", ())]
        for key, values in user.get("as-user-extra", {}).items():
            sent += [(f"Impersonate-Extra-{_escaped(key)}", value) for value in values]
        return sent

    def refused(self) -> str:
        """One sentence for a 401."""
        return (
            f"the API server {self._chosen.server} refused the credentials of user `{self._chosen.user_name}` "
            f"(context `{self._chosen.context}`): they are expired or wrong; log in again, then check with "
            f"`kubectl --context {self._chosen.context} auth whoami`"
        )

    async def _load(self) -> None:
        """Takes the first that there is of token, name and password, provider and plugin, as kubectl does."""
        user = self._chosen.user
        certificate = self._pem("client-certificate")
        if certificate:
            self._certificate(certificate, self._pem("client-key"))
        if user.get("tokenFile") or user.get("token"):
            self._take(self._token(user))
        elif name := user.get("username"):
            pair = base64.b64encode(f"{name}:{user.get('password', '')}".encode()).decode()
            self._authorize(f"Basic {pair}")
        elif "auth-provider" in user:
            self._take(self._provided(user["auth-provider"]))
        elif "exec" in user and not certificate:
            issued = await plugin.run(self._chosen)
            self._due = issued.expires - EARLY if issued.expires else None
            self._take(issued.token)
            if issued.certificate:
                self._certificate(issued.certificate.encode(), issued.key.encode())
        self._issue += 1

    def _token(self, user: Json) -> str:
        """The token of the file, which may be rotated; where that cannot be read, the one beside it."""
        path = user.get("tokenFile")
        if not path:
            return str(user["token"])
        self._due = self._now() + REREAD
        try:
            found = self._file(Path(path), "token file").decode().strip()
        except UnicodeError as error:
            raise UsageFault(f"token file {path} of {self._owner()} is not text; correct it") from error
        except UsageFault:
            if user.get("token"):
                return str(user["token"])
            raise
        if not found:
            raise UsageFault(f"token file {path} of {self._owner()} is empty; log in again, or correct the kubeconfig")
        return found

    def _take(self, token: str) -> None:
        if NO_HEADER.search(token):
            raise UsageFault(f"the token of {self._owner()} holds characters that no token has; correct it")
        if token:
            self._authorize(f"Bearer {token}")

    def _authorize(self, header: str) -> None:
        # The one header that the kubernetes package keeps under this name, whatever the scheme.
        self._client.configuration.api_key["BearerToken"] = header

    def _certificate(self, certificate: bytes, key: bytes) -> None:
        context: ssl.SSLContext = self._client.rest_client.ssl_context
        with tempfile.TemporaryDirectory(prefix="refloat-") as folder:
            chain, secret = Path(folder, "certificate.pem"), Path(folder, "key.pem")
            for path, pem in ((chain, certificate), (secret, key)):
                path.touch(mode=0o600)
                path.write_bytes(pem)
            try:
                # Without a password given, OpenSSL would ask for one on the terminal and wait.
                context.load_cert_chain(chain, secret, password="")
            except (ssl.SSLError, ValueError) as error:
                raise UsageFault(
                    f"the client certificate and key of {self._owner()} do not belong together, are damaged, or the "
                    "key is encrypted; renew them in the kubeconfig"
                ) from error

    def _provided(self, provider: Json) -> str:
        """The id token of the built-in OIDC provider, while it is good.

        It is not renewed here: providers hand out refresh tokens that work once, and using the kubeconfig's would
        lock kubectl out.
        """
        token = str(provider["config"].get("id-token", ""))
        expires = _expiry_of(token)
        if not token or (expires is not None and expires - EARLY <= self._now()):
            raise UsageFault(
                f"the OIDC token of {self._owner()} has expired; "
                f"renew it with `kubectl --context {self._chosen.context} auth whoami`, then try again"
            )
        return token

    def _pem(self, name: str) -> bytes:
        user = self._chosen.user
        if data := user.get(f"{name}-data"):
            return base64.b64decode(data)
        return self._file(Path(user[name]), name) if user.get(name) else b""

    def _file(self, path: Path, what: str) -> bytes:
        return _read(path, f"{what} {path} of {self._owner()}")

    def _owner(self) -> str:
        return f"user `{self._chosen.user_name}` in {self._chosen.source}"


def authority(chosen: Chosen) -> str:
    """The PEM text of the cluster's certificate authority, without what stands around it; empty where none is named.

    Raises UsageFault where it cannot be read, or is no certificate: without one any public authority would do.
    """
    where = f"cluster `{chosen.cluster_name}` in {chosen.source}"
    path = chosen.cluster.get("certificate-authority", "")
    if data := chosen.cluster.get("certificate-authority-data", ""):
        text = base64.b64decode(data)
    elif path:
        text = _read(Path(path), f"certificate-authority {path} of {where}")
    else:
        return ""
    found = _CERTIFICATE.findall(text)
    if not found:
        raise UsageFault(f"the certificate authority of {where} holds no certificate; correct the kubeconfig")
    return b"\n".join(found).decode()


def _read(path: Path, what: str) -> bytes:
    try:
        return path.read_bytes()
    except (OSError, ValueError) as error:
        words = clean(getattr(error, "strerror", None) or "its name is not one", 100)
        raise UsageFault(f"{what} cannot be read ({words}); correct it") from error


def _escaped(name: str) -> str:
    return "".join(chr(byte) if byte in _HEADER_NAME else f"%{byte:02X}" for byte in name.encode())


def _expiry_of(token: str) -> datetime | None:
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return datetime.fromtimestamp(claims["exp"], UTC)
    except (IndexError, KeyError, TypeError, ValueError, OverflowError):
        return None
