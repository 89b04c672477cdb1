"""Credentials: every way a kubeconfig can give them, renewed in time, never shown."""

import asyncio
import base64
import json
import ssl
import sys
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import web
from aiohttp.test_utils import TestServer

from tui.cluster import plugin
from tui.cluster.connect import Connection, connect, connection_from_dict
from tui.cluster.credentials import UserCredentials
from tui.cluster.kubeconfig import Chosen
from tui.faults import ApiFault, Unreachable, UsageFault

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
V1 = "client.authentication.k8s.io/v1"


def exec_user(script: str, **more: Any) -> dict[str, Any]:
    plugin = {"apiVersion": V1, "command": sys.executable, "args": ["-c", script], "interactiveMode": "Never"}
    return {"exec": plugin | more}


def oidc(token: str) -> dict[str, Any]:
    config = {"idp-issuer-url": "https://issuer", "client-id": "me", "id-token": token}
    return {"auth-provider": {"name": "oidc", "config": config}}


def issue(**status: Any) -> str:
    answer = {"apiVersion": V1, "kind": "ExecCredential", "status": status}
    return f"print({json.dumps(json.dumps(answer))})"


def chosen(user: dict[str, Any], **cluster: Any) -> Chosen:
    return Chosen("ctx", "c", "me", "default", {"server": "https://x", **cluster}, user, "the kubeconfig")


async def authorization(canned: Any, user: dict[str, Any], kit: Any) -> str:
    canned.on("/version", {"gitVersion": "v1"})
    async with await connection_from_dict(kit.config(canned.url, user)) as connection:
        await connection.api.get("/version")
    return str(canned.seen[-1].headers.get("Authorization", ""))


def jwt(expires: datetime) -> str:
    claims = base64.urlsafe_b64encode(json.dumps({"exp": int(expires.timestamp())}).encode()).decode().rstrip("=")
    return f"e30.{claims}.c2ln"


@pytest.mark.parametrize(
    ("user", "header"),
    [
        ({"token": "abc"}, "Bearer abc"),
        ({"username": "u", "password": "p"}, "Basic dTpw"),
        (oidc("a.b.c"), "Bearer a.b.c"),
        (exec_user(issue(token="issued")), "Bearer issued"),
        ({}, ""),
    ],
)
async def test_each_kind_of_credentials_is_sent(canned: Any, kit: Any, user: dict[str, Any], header: str) -> None:
    assert await authorization(canned, user or {"unknown": 1}, kit) == header


async def test_a_token_file_is_sent_without_its_line_feed(canned: Any, kit: Any, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from-file\n")
    assert (
        await authorization(canned, {"token": "old", "tokenFile": str(tmp_path / "token")}, kit) == "Bearer from-file"
    )


FAILS = exec_user("import sys; sys.exit(1)")


@pytest.mark.parametrize(
    ("user", "header"),
    [
        ({"token": "mine", "tokenFile": "/absent"} | FAILS, "Bearer mine"),
        ({"username": "u"} | FAILS, "Basic dTo="),
        ({"token": "mine"} | oidc("a.b.c"), "Bearer mine"),
    ],
)
async def test_of_several_credentials_the_one_that_kubectl_takes_is_sent(
    canned: Any, kit: Any, user: dict[str, Any], header: str
) -> None:
    assert await authorization(canned, user, kit) == header


async def test_an_empty_token_file_makes_nobody_of_nobody(canned: Any, kit: Any, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(" \n")
    with pytest.raises(UsageFault, match=r"token file .* is empty; log in again"):
        await authorization(canned, {"tokenFile": str(tmp_path / "token")}, kit)


async def test_impersonation_is_never_left_out(canned: Any, kit: Any) -> None:
    user = {"token": "t", "as": "jane", "as-groups": ["a", "b"], "as-user-extra": {"scope": ["x"], "a/b 5%": ["y"]}}
    await authorization(canned, user, kit)
    sent = canned.seen[-1].headers
    assert (sent["Impersonate-User"], sent["Impersonate-Extra-scope"]) == ("jane", "x")
    assert sent["Impersonate-Extra-a%2Fb%205%25"] == "y"
    assert UserCredentials(chosen(user)).headers().count(("Impersonate-Group", "b")) == 1


class FakeClient:
    """What credentials need of an ApiClient."""

    def __init__(self) -> None:
        self.configuration = type("Configuration", (), {"api_key": {}})()
        self.rest_client = type("Rest", (), {"ssl_context": ssl.create_default_context()})()

    @property
    def token(self) -> str:
        return str(self.configuration.api_key["BearerToken"])


def counting(tmp_path: Path, **status: Any) -> str:
    """A plugin that issues a new token every time."""
    return (
        "import json, pathlib\n"
        f"path, status = pathlib.Path({str(tmp_path / 'count')!r}), {status!r}\n"
        "n = len(path.read_text()) if path.exists() else 0\n"
        "path.write_text('x' * (n + 1))\n"
        f"answer = {{'apiVersion': {V1!r}, 'kind': 'ExecCredential'}}\n"
        "print(json.dumps(answer | {'status': status | {'token': f'token-{n}'}}))"
    )


async def test_an_issued_token_is_renewed_before_it_expires(tmp_path: Path) -> None:
    now = [NOON]
    expires = (NOON + timedelta(minutes=10)).isoformat()
    user = exec_user(counting(tmp_path, expirationTimestamp=expires))
    credentials, client = UserCredentials(chosen(user), now=lambda: now[0]), FakeClient()
    await credentials.attach(client)
    now[0] += timedelta(minutes=8)
    await credentials.ready()
    assert client.token == "Bearer token-0"
    now[0] += timedelta(minutes=1, seconds=30)
    await credentials.ready()
    assert client.token == "Bearer token-1"


async def test_a_rotated_token_file_is_read_again(tmp_path: Path) -> None:
    now, path = [NOON], tmp_path / "token"
    path.write_text("old")
    credentials, client = UserCredentials(chosen({"tokenFile": str(path)}), now=lambda: now[0]), FakeClient()
    await credentials.attach(client)
    path.write_text("new")
    await credentials.ready()
    assert client.token == "Bearer old"
    now[0] += timedelta(minutes=2)
    await credentials.ready()
    assert client.token == "Bearer new"


async def test_a_refused_token_is_renewed_once_for_a_read(canned: Any, kit: Any, tmp_path: Path) -> None:
    async def picky(request: web.Request) -> web.StreamResponse:
        if request.headers["Authorization"] == "Bearer token-0":
            return web.json_response({"kind": "Status", "code": 401}, status=401)
        return web.json_response({"gitVersion": "v1"})

    canned.on("/version", picky)
    user = exec_user(counting(tmp_path))
    async with await connection_from_dict(kit.config(canned.url, user)) as connection:
        assert (await connection.api.get("/version")).data == {"gitVersion": "v1"}
    assert len(canned.seen) == 2


async def test_a_refusal_for_good_names_user_context_and_next_step(
    canned: Any, connection: Connection, kit: Any
) -> None:
    canned.on("/version", kit.status(401, "Unauthorized", "Unauthorized"))
    with pytest.raises(
        ApiFault, match=r"refused the credentials of user `me` .*expired or wrong; log in again"
    ) as caught:
        await connection.api.get("/version")
    assert caught.value.code == 401
    assert "s3cret" not in str(caught.value)


async def test_a_change_that_is_refused_is_not_sent_again(canned: Any, kit: Any, tmp_path: Path) -> None:
    canned.on("/x", kit.status(401, "Unauthorized", "Unauthorized"), method="POST")
    async with await connection_from_dict(kit.config(canned.url, exec_user(counting(tmp_path)))) as connection:
        with pytest.raises(ApiFault, match="refused the credentials"):
            await connection.api.change("POST", "/x", body={})
    assert len(canned.seen) == 1


LEAK = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJtZSJ9.c2lnbmF0dXJlc2lnbmF0dXJl"


@pytest.mark.parametrize(
    ("user", "says"),
    [
        (exec_user("", command="no-such-plugin", installHint="get it from the wiki"), "cannot be run .*wiki"),
        (exec_user("", args=["a\0b"]), "cannot be run .*null byte"),
        (exec_user("", env=[{"name": "A=B"}]), "cannot be run .*illegal environment variable name"),
        ({"exec": {"apiVersion": V1}}, "has no command"),
        ({"exec": 7}, r"users\[0\].user.exec must be a mapping, not a number"),
        (exec_user("", apiVersion="client.authentication.k8s.io/v1alpha1"), "speaks .*v1alpha1; update its entry"),
        (exec_user("", interactiveMode="Always"), "insists on a terminal"),
        (
            exec_user("import sys; print('session over', file=sys.stderr); sys.exit(3)"),
            r"exit code 3 \(session over\); log in",
        ),
        (exec_user(f"import sys; print('bad {LEAK}', file=sys.stderr); sys.exit(1)"), r"exit code 1 \(bad \*\*\*\)"),
        (exec_user("print('hello')"), "printed no JSON"),
        (exec_user("print('{}')"), "printed no ExecCredential"),
        (exec_user(issue(token="")), "issued neither a token nor a certificate"),
        (exec_user(issue(clientCertificateData="x")), "issued neither a token nor a certificate"),
        (exec_user(issue(token="t", clientCertificateData="x")), "issued neither a token nor a certificate"),
        (exec_user(issue(token=5)), "printed a token that is no text; update the plugin"),
        (exec_user(issue(token="t", expirationTimestamp="soon")), "expirationTimestamp that is no time"),
        (exec_user(issue(token="a\nb")), "holds characters that no token has"),
        ({"tokenFile": "/absent/token"}, "token file /absent/token .* cannot be read"),
        (
            {"client-certificate": "/absent/c", "client-key": "/absent/k"},
            "client-certificate /absent/c .* cannot be read",
        ),
        ({"client-certificate-data": "eHg=", "client-key-data": "eHg="}, "do not belong together, are damaged"),
        (
            {"client-certificate-data": "\u00fc", "client-key-data": "eHg="},
            "client-certificate-data is not base64; copy it again",
        ),
        ({"auth-provider": {"name": "gcp"}}, "auth-provider `gcp` .* was removed from Kubernetes"),
        (oidc(jwt(NOON - timedelta(days=9000))), "OIDC token .* has expired"),
    ],
)
async def test_what_is_wrong_with_credentials_is_said_before_anything_is_sent(
    canned: Any, kit: Any, user: dict[str, Any], says: str
) -> None:
    with pytest.raises(UsageFault, match=says) as caught:
        await connection_from_dict(kit.config(canned.url, user))
    assert LEAK not in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not canned.seen


DAMAGED = base64.b64encode(b"-----BEGIN CERTIFICATE-----\neHg=\n-----END CERTIFICATE-----\n").decode()


@pytest.mark.parametrize(
    ("cluster", "says"),
    [
        (
            {"certificate-authority": "/absent/ca"},
            "certificate-authority /absent/ca of cluster `canned` .* cannot be read",
        ),
        ({"certificate-authority-data": "eHg="}, "the certificate authority of cluster `canned` .* no certificate"),
        ({"certificate-authority-data": DAMAGED}, "the certificate authority of cluster `canned` .* is damaged"),
        ({"certificate-authority-data": "eHg=", "insecure-skip-tls-verify": True}, "remove one of them"),
        ({"proxy-url": "socks5://x"}, "only http and https proxies work"),
    ],
)
async def test_what_is_wrong_with_a_cluster_is_said(kit: Any, cluster: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageFault, match=says):
        await connection_from_dict(kit.config("https://127.0.0.1:1", None, **cluster))


REFUSED = r"/c:3:31: clusters\[0\]\.cluster\.insecure-skip-tls-verify must be true or false, not "


@pytest.mark.parametrize(
    ("said", "how"),
    [
        ("true", "asked"),
        ("yes", "asked"),
        ("false", "unverified"),
        ("", "unverified"),
        ('"false"', "refused"),
        ('"true"', "refused"),
        ("[false]", "refused"),
        ("0", "refused"),
    ],
)
async def test_only_true_itself_leaves_a_server_unverified(kit: Any, tmp_path: Path, said: str, how: str) -> None:
    seen: list[str] = []

    async def version(request: web.Request) -> web.Response:
        seen.append(request.path)
        return web.json_response({})

    app = web.Application()
    app.router.add_get("/version", version)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(kit.tls / "server.pem")
    server = TestServer(app, scheme="https")
    await server.start_server(ssl=context)
    config = yaml.safe_dump(kit.config(f"https://127.0.0.1:{server.port}", None, **{"insecure-skip-tls-verify": 7}))
    (tmp_path / "c").write_text(config.replace("verify: 7", f"verify: {said}"))
    fails = {"unverified": (Unreachable, "certificate"), "refused": (UsageFault, REFUSED)}.get(how)
    with pytest.raises(fails[0], match=fails[1]) if fails else nullcontext():
        async with await connect(str(tmp_path / "c"), timeout=5) as connection:
            await connection.api.get("/version")
    await server.close()
    assert seen == (["/version"] if how == "asked" else [])


async def test_what_stands_around_a_certificate_authority_is_passed_over(kit: Any, tmp_path: Path) -> None:
    pem = (kit.tls / "ca.pem").read_bytes()
    (tmp_path / "ca.pem").write_bytes(b"\xfc: the authority of the harbour\n" + pem + b"\n# \xfc\n")
    (tmp_path / "empty.pem").touch()
    good, empty = ({"certificate-authority": str(tmp_path / name)} for name in ("ca.pem", "empty.pem"))
    async with await connection_from_dict(kit.config("https://127.0.0.1:1", None, **good)) as connection:
        assert connection.api._client.configuration.ca_cert_data.encode() == pem.strip()
    with pytest.raises(UsageFault, match="holds no certificate"):
        await connection_from_dict(kit.config("https://127.0.0.1:1", None, **empty))


async def test_a_plugin_that_hangs_is_ended() -> None:
    user = exec_user("import time; time.sleep(600)")
    with pytest.raises(UsageFault, match=r"gave no answer within 0\.2 s"):
        await plugin.run(chosen(user), deadline=0.2)


async def test_a_plugin_gets_its_environment_its_task_and_no_terminal() -> None:
    script = (
        "import json, os, sys\n"
        "info = json.loads(os.environ['KUBERNETES_EXEC_INFO'])\n"
        "token = '-'.join([os.environ['REGION'], info['spec']['cluster']['server'][-1], str(sys.stdin.read() == '')])\n"
        f"print(json.dumps({{'apiVersion': {V1!r}, 'kind': 'ExecCredential', 'status': {{'token': token}}}}))"
    )
    user = exec_user(script, env=[{"name": "REGION", "value": "north"}], provideClusterInfo=True)
    assert (await plugin.run(chosen(user))).token == "north-x-True"


@pytest.mark.parametrize("how", ["files", "data", "plugin"])
async def test_a_client_certificate_is_shown_to_the_server(kit: Any, how: str) -> None:
    pem = (kit.tls / "client.pem").read_text()
    data = base64.b64encode(pem.encode()).decode()
    path = str(kit.tls / "client.pem")
    user: dict[str, Any] = {
        "files": {"client-certificate": path, "client-key": path},
        "data": {"client-certificate-data": data, "client-key-data": data},
        "plugin": exec_user(issue(clientCertificateData=pem, clientKeyData=pem)),
    }[how]
    seen: list[Any] = []

    async def who(request: web.Request) -> web.Response:
        assert request.transport is not None
        seen.append(request.transport.get_extra_info("peercert")["subject"])
        return web.json_response({})

    app = web.Application()
    app.router.add_get("/version", who)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(kit.tls / "server.pem")
    context.load_verify_locations(kit.tls / "ca.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    server = TestServer(app, scheme="https")
    await server.start_server(ssl=context)
    cluster = {"certificate-authority": str(kit.tls / "ca.pem")}
    async with await connection_from_dict(
        kit.config(f"https://127.0.0.1:{server.port}", user, **cluster)
    ) as connection:
        await connection.api.get("/version")
    await server.close()
    assert seen == [((("commonName", "refloat client"),),)]


def test_nothing_secret_shows_in_a_repr() -> None:
    issued = plugin.Issued("s3cret", "s3cret", "s3cret")
    assert "s3cret" not in repr(issued)
    assert "s3cret" not in repr(UserCredentials(chosen({"token": "s3cret"})))


async def test_proxies_of_the_environment_are_used_but_not_for_this_machine(
    canned: Any, kit: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", canned.url)
    monkeypatch.setenv("no_proxy", "inside.example")
    canned.on("/version", {"gitVersion": "v1"})
    for server, expected in (("http://far.example", True), ("http://inside.example", False), (canned.url, False)):
        async with await connection_from_dict(kit.config(server)) as connection:
            proxy = connection.api._client.configuration.proxy
            assert (proxy == canned.url) is expected


async def test_a_netrc_of_the_user_takes_no_part(
    canned: Any, kit: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("default login someone password s3cret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    assert await authorization(canned, {"token": "mine"}, kit) == "Bearer mine"


async def test_requests_that_are_refused_together_renew_once(tmp_path: Path) -> None:
    credentials, client = UserCredentials(chosen(exec_user(counting(tmp_path)))), FakeClient()
    await credentials.attach(client)
    issue = await credentials.ready()
    assert await asyncio.gather(*(credentials.renew(issue) for _ in range(5))) == [True] * 5
    assert client.token == "Bearer token-1"


async def test_a_proxys_credentials_go_to_the_proxy(canned: Any, kit: Any) -> None:
    proxy = canned.url.replace("http://", "http://someone:s3cret%21@")
    canned.on("http://far.example/version", {"gitVersion": "v1"})
    async with await connection_from_dict(kit.config("http://far.example", None, **{"proxy-url": proxy})) as connection:
        assert (await connection.api.get("/version")).data == {"gitVersion": "v1"}
        assert "s3cret" not in repr(connection)
    sent = canned.seen[-1].headers
    assert base64.b64decode(sent["Proxy-Authorization"].split()[1]) == b"someone:s3cret!"
    assert sent["Authorization"] == "Bearer s3cret-token"


async def test_behind_a_tunnel_each_gets_only_its_own_credentials(
    raw_server: Callable[..., Awaitable[tuple[str, list[bytes]]]], kit: Any
) -> None:
    url, got = await raw_server(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
    proxy = url.replace("http://", "http://someone:s3cret@")
    async with await connection_from_dict(
        kit.config("https://far.example", None, **{"proxy-url": proxy})
    ) as connection:
        with pytest.raises(Unreachable, match="behind a proxy that answered HTTP 407"):
            await connection.api.get("/version")
    assert got[0].startswith(b"CONNECT far.example:443")
    assert b"Proxy-Authorization: Basic " + base64.b64encode(b"someone:s3cret") in got[0]
    assert b"s3cret-token" not in got[0]
