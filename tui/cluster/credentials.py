"""The credentials of one connection: read once, renewed before they expire, never shown.

A token goes into the Configuration of kubernetes.aio, a client certificate into its TLS context. Certificates and keys
that a kubeconfig carries inside are on disk only while OpenSSL reads them.
"""

import asyncio
import base64
import json
import ssl
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from tui.cluster import plugin
from tui.cluster.kubeconfig import Chosen
from tui.faults import UsageFault
from tui.objects import Json
from tui.text import clean

EARLY: Final = timedelta(seconds=60)
"""How long before its expiry an issued credential is renewed: longer than any request may take."""

REREAD: Final = timedelta(seconds=60)
"""How long a token file is trusted before it is read again: a pod's token is rotated under the program's feet."""


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
        named += [("Impersonate-Group", group) for group in user.get("as-groups") or ()]
        for key, values in (user.get("as-user-extra") or {}).items():
            named += [(f"Impersonate-Extra-{key}", value) for value in values]
        return [(name, str(value)) for name, value in named if value]

    def refused(self) -> str:
        """One sentence for a 401."""
        return (
            f"the API server {self._chosen.server} refused the credentials of user `{self._chosen.user_name}` "
            f"(context `{self._chosen.context}`): they are expired or wrong; log in again, then check with "
            f"`kubectl --context {self._chosen.context} auth whoami`"
        )

    async def _load(self) -> None:
        user = self._chosen.user
        if "exec" in user:
            issued = await plugin.run(self._chosen)
            self._due = issued.expires - EARLY if issued.expires else None
            self._take(issued.token, issued.certificate, issued.key)
        elif path := user.get("tokenFile"):
            self._due = self._now() + REREAD
            self._take(self._file(Path(str(path)), "token file").strip())
        elif "auth-provider" in user:
            self._take(self._provided(user["auth-provider"]))
        else:
            self._take(str(user.get("token") or ""))
        self._basic(user)
        certificate, key = self._pem("client-certificate"), self._pem("client-key")
        if certificate and key:
            self._certificate(certificate, key)
        self._issue += 1

    def _take(self, token: str, certificate: str = "", key: str = "") -> None:
        if token and not (token.isascii() and token.isprintable()):
            raise UsageFault(f"the token of {self._owner()} holds characters that no token has; correct it")
        if token:
            self._client.configuration.api_key["BearerToken"] = f"Bearer {token}"
        if certificate:
            self._certificate(certificate, key)

    def _basic(self, user: Json) -> None:
        if user.get("username") and "password" in user and "BearerToken" not in self._client.configuration.api_key:
            pair = base64.b64encode(f"{user['username']}:{user['password']}".encode()).decode()
            self._client.configuration.api_key["BearerToken"] = f"Basic {pair}"

    def _certificate(self, certificate: str, key: str) -> None:
        context: ssl.SSLContext = self._client.rest_client.ssl_context
        with tempfile.TemporaryDirectory(prefix="refloat-") as folder:
            chain, secret = Path(folder, "certificate.pem"), Path(folder, "key.pem")
            for path, text in ((chain, certificate), (secret, key)):
                path.touch(mode=0o600)
                path.write_text(text)
            try:
                # Without a password given, OpenSSL would ask for one on the terminal and wait.
                context.load_cert_chain(chain, secret, password="")
            except (ssl.SSLError, ValueError) as error:
                raise UsageFault(
                    f"the client certificate and key of {self._owner()} do not belong together, are damaged, or the "
                    "key is encrypted; renew them in the kubeconfig"
                ) from error

    def _provided(self, provider: object) -> str:
        """The id token of the built-in OIDC provider, while it is good.

        It is not renewed here: providers hand out refresh tokens that work once, and using the kubeconfig's would
        lock kubectl out.
        """
        name = str(provider.get("name") or "") if isinstance(provider, dict) else ""
        if not isinstance(provider, dict) or name != "oidc":
            raise UsageFault(
                f"auth-provider `{clean(name, 60)}` of {self._owner()} was removed from Kubernetes; "
                "use its credential plugin (exec) instead"
            )
        token = str((provider.get("config") or {}).get("id-token") or "")
        expires = _expiry_of(token)
        if not token or (expires is not None and expires - EARLY <= self._now()):
            raise UsageFault(
                f"the OIDC token of {self._owner()} has expired; "
                f"renew it with `kubectl --context {self._chosen.context} auth whoami`, then try again"
            )
        return token

    def _pem(self, name: str) -> str:
        user = self._chosen.user
        if data := user.get(f"{name}-data"):
            return _pem_of(data, f"{name}-data of {self._owner()}")
        return self._file(Path(str(user[name])), name) if user.get(name) else ""

    def _file(self, path: Path, what: str) -> str:
        try:
            return path.read_text(encoding="utf-8")
        except (OSError, UnicodeError) as error:
            words = clean(getattr(error, "strerror", None) or "it is not text", 100)
            raise UsageFault(f"{what} {path} of {self._owner()} cannot be read ({words}); correct it") from error

    def _owner(self) -> str:
        return f"user `{self._chosen.user_name}` in {self._chosen.source}"


def authority(chosen: Chosen) -> str:
    """The PEM text of the cluster's certificate authority, or empty. Raises UsageFault where it cannot be read."""
    where = f"cluster `{chosen.cluster_name}` in {chosen.source}"
    if data := chosen.cluster.get("certificate-authority-data"):
        return _pem_of(data, f"certificate-authority-data of {where}")
    path = chosen.cluster.get("certificate-authority")
    if not path:
        return ""
    try:
        return Path(str(path)).read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        words = clean(getattr(error, "strerror", None) or "it is not text", 100)
        raise UsageFault(f"certificate-authority {path} of {where} cannot be read ({words}); correct it") from error


def _pem_of(data: object, where: str) -> str:
    try:
        return base64.b64decode(str(data), validate=False).decode("ascii")
    except ValueError as error:
        raise UsageFault(f"{where} is not base64 of PEM text; correct the kubeconfig") from error


def _expiry_of(token: str) -> datetime | None:
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return datetime.fromtimestamp(claims["exp"], UTC)
    except (IndexError, KeyError, TypeError, ValueError, OverflowError):
        return None
