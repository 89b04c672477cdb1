"""A growing table of kubeconfigs that kubectl and Refloat both accept or both refuse: kubectl is asked where it is.

Accepted means that the file's own server is asked, on a port where nobody listens; refused is everything before.
"""

import base64
import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tui.cluster.connect import connect
from tui.faults import Unreachable, UsageFault

TLS: Final = Path(__file__).parent / "tls"
CA: Final = TLS / "ca.pem"
CLIENT: Final = TLS / "client.pem"
CA_DATA: Final = base64.b64encode(CA.read_bytes()).decode()
CLIENT_DATA: Final = base64.b64encode(CLIENT.read_bytes()).decode()
V1: Final = "client.authentication.k8s.io/v1"
ISSUED: Final = f'{{"apiVersion":"{V1}","kind":"ExecCredential","status":{{"token":"t"}}}}'
NO_TEXT: Final = ISSUED.replace('"t"', "5")
PLUGIN: Final = f"apiVersion: {V1}, command: echo, args: ['{ISSUED}'], interactiveMode: Never"

FILE: Final = """\
apiVersion: v1
kind: Config
current-context: blue
clusters:
- name: c
  cluster: {server: "https://127.0.0.1:PORT", CLUSTER}
users:
- name: u
  user: {USER}
contexts:
- name: blue
  context: {cluster: c, user: u, namespace: ns}
"""

CLUSTERS: Final = {
    # What stands in the cluster: whether it is accepted.
    "": True,
    # What turns the check of the server's certificate off.
    "insecure-skip-tls-verify: true": True,
    "insecure-skip-tls-verify: yes": True,
    "insecure-skip-tls-verify: y": True,
    "insecure-skip-tls-verify: 'false'": False,
    "insecure-skip-tls-verify: 'true'": False,
    "insecure-skip-tls-verify: !!str true": False,
    "insecure-skip-tls-verify: !!bool 'true'": True,
    "insecure-skip-tls-verify: tRue": False,
    "insecure-skip-tls-verify: 1": False,
    "insecure-skip-tls-verify: []": False,
    "insecure-skip-tls-verify: ": True,
    "insecure-skip-tls-verify: 'x', insecure-skip-tls-verify: false": True,
    "insecure-skip-tls-verify: false, insecure-skip-tls-verify: 'x'": False,
    "Insecure-Skip-TLS-Verify: 'x'": True,
    f"insecure-skip-tls-verify: true, certificate-authority: {CA}": False,
    # Certificate authorities.
    f"certificate-authority: {CA}": True,
    "certificate-authority: /absent": False,
    "certificate-authority: /": False,
    "certificate-authority: 5": False,
    f"certificate-authority-data: {CA_DATA}": True,
    f"certificate-authority-data: '{CA_DATA[:40]}\\n{CA_DATA[40:]}'": False,
    f'certificate-authority-data: "{CA_DATA[:40]}\\n{CA_DATA[40:]}"': True,
    f"certificate-authority-data: {CA_DATA[:-2]}": False,
    f"certificate-authority-data: '{CA_DATA}===='": False,
    "certificate-authority-data: '###'": False,
    "certificate-authority-data: eHg=": False,
    "certificate-authority-data: 'eHg'": False,
    "certificate-authority-data: 'eH g='": False,
    "certificate-authority-data: 5": False,
    "certificate-authority-data: ''": True,
    f"certificate-authority: {CA}, certificate-authority-data: {CA_DATA}": False,
    # The rest.
    "disable-compression: true": True,
    "disable-compression: 'true'": False,
    "tls-server-name: a.example": True,
    "tls-server-name: 5": False,
    "proxy-url: http://127.0.0.1:PORT": True,
    "proxy-url: ''": True,
    "proxy-url: 5": False,
    "proxy-url: ftp://proxy": False,
    "proxy-url: 'proxy:3128'": False,
    "proxy-url: '127.0.0.1:3128'": False,
    "proxy-url: http://127.0.0.1:x": False,
    "extensions: [{name: a, extension: {b: [1, {c: 2.5}]}}]": True,
    "extensions: text": False,
    "server: 5": False,
    "server: ''": False,
    "server: ftp://127.0.0.1:PORT": False,
    "server: 'https://'": False,
    "server: 'https://[::1'": False,
    "server: 'https://127.0.0.1:x'": False,
    "server: 'https://127.0.0.1:PORT '": False,
    'server: "https://127.0.0.1:PORT\\t"': False,
    "server: 'https://127.0.0.1:PORT/%zz'": False,
    "server: HTTPS://127.0.0.1:PORT": True,
    "server: 'https://127.0.0.1:PORT/a/b?c=d#e'": True,
    "server: '127.0.0.1:PORT', insecure-skip-tls-verify: true": True,
    f"server: '127.0.0.1:PORT', certificate-authority: {CA}": True,
}

USERS: Final = {
    "token: t": True,
    "token: 123": False,
    "token: 1e3": False,
    "token: 0o12": False,
    "token: 09": False,
    "token: 1_000": False,
    "token: .inf": False,
    "token: yes": False,
    "token: n": False,
    "token: [a]": False,
    "token: {a: b}": False,
    "token: 2027-01-31": True,
    "token: 22:22": True,
    "token: '123'": True,
    "token: !!str 5": True,
    "token: !own 5": True,
    "token: !!int x": False,
    "token: !!binary aGFsbG8=": True,
    "token: !!binary '#'": False,
    'token: "a\\nb"': False,
    "token: \u00fc": True,
    "token: t, tokenFile: /absent": True,
    "tokenFile: /absent": False,
    "tokenFile: /": False,
    "tokenFile: 5": False,
    "username: u, password: p": True,
    "username: u": True,
    "username: u, password: 5": False,
    "token: t, username: u, password: p": False,
    # Acting as somebody else.
    "token: t, as: jane": True,
    "token: t, as: 5": False,
    'token: t, as: "a\\nb"': False,
    "token: t, as: jane, as-uid: 5": False,
    "token: t, as-uid: x": False,
    "token: t, as: jane, as-groups: text": False,
    "token: t, as: jane, as-groups: [5]": False,
    "token: t, as: jane, as-groups: [a, ~]": True,
    "token: t, as-groups: [a]": False,
    "token: t, as: '', as-groups: [], as-user-extra: {}": True,
    "token: t, as: jane, as-user-extra: text": False,
    "token: t, as: jane, as-user-extra: {a: text}": False,
    "token: t, as: jane, as-user-extra: {a: [5]}": False,
    "token: t, as: jane, as-user-extra: {a: ~}": True,
    "token: t, as: jane, as-user-extra: {5: [b], 'x/y z%\u00fc': [c]}": True,
    'token: t, as: jane, as-user-extra: {a: ["b\\nc"]}': False,
    "token: t, as-user-extra: {a: [b]}": False,
    "token: t, impersonate: 7": True,
    # Client certificates.
    f"client-certificate: {CLIENT}, client-key: {CLIENT}": True,
    f"client-certificate-data: {CLIENT_DATA}, client-key-data: {CLIENT_DATA}": True,
    f"client-certificate: {CLIENT}": False,
    f"client-certificate-data: {CLIENT_DATA}": False,
    f"token: t, client-certificate-data: {CLIENT_DATA}": False,
    "client-certificate-data: eHg=, client-key-data: eHg=": False,
    "client-certificate-data: '###', client-key-data: eHg=": False,
    f"client-certificate: {CLIENT}, client-certificate-data: {CLIENT_DATA}, client-key: {CLIENT}": False,
    f"client-certificate: {CLIENT}, client-key: {CLIENT}, client-key-data: {CLIENT_DATA}": False,
    "client-certificate: /absent, client-key: /absent": False,
    "client-certificate: 5": False,
    "client-key: 5": False,
    "token: t, client-key: /absent": True,
    # Plugins.
    f"exec: {{{PLUGIN}}}": True,
    f"exec: {{{PLUGIN}, env: [{{name: A, value: b}}], provideClusterInfo: true}}": True,
    "exec: 7": False,
    "exec: []": False,
    "exec: {}": False,
    f"exec: {{apiVersion: {V1}, interactiveMode: Never}}": False,
    f"exec: {{apiVersion: {V1}, command: echo}}": False,
    f"exec: {{apiVersion: {V1}, command: echo, interactiveMode: never}}": False,
    f"exec: {{apiVersion: {V1}alpha1, command: echo, interactiveMode: Never}}": False,
    "exec: {command: echo, interactiveMode: Never}": False,
    f"exec: {{{PLUGIN}, command: 5}}": False,
    f"exec: {{{PLUGIN}, command: ./absent}}": False,
    f"exec: {{{PLUGIN}, args: text}}": False,
    f"exec: {{{PLUGIN}, args: [5]}}": False,
    f'exec: {{{PLUGIN}, args: ["a\\0b"]}}': False,
    f"exec: {{{PLUGIN}, env: 7}}": False,
    f"exec: {{{PLUGIN}, env: [{{value: x}}]}}": False,
    f"exec: {{{PLUGIN}, env: [~]}}": False,
    f"exec: {{{PLUGIN}, env: [{{name: A, value: 5}}]}}": False,
    f"exec: {{{PLUGIN}, provideClusterInfo: 'true'}}": False,
    f"exec: {{{PLUGIN}, installHint: 5}}": False,
    f"exec: {{{PLUGIN}, interactiveMode: 5}}": False,
    f"exec: {{{PLUGIN}, interactiveMode: Always}}": False,
    f"exec: {{{PLUGIN}, args: ['{NO_TEXT}']}}": False,
    f"token: t, exec: {{apiVersion: {V1}, command: 'false', interactiveMode: Never}}": True,
    f"username: u, exec: {{apiVersion: {V1}, command: 'false', interactiveMode: Never}}": True,
    f"token: t, exec: {{apiVersion: {V1}, interactiveMode: Never}}": False,
    f"token: t, auth-provider: {{name: oidc}}, exec: {{{PLUGIN}}}": False,
    # Providers.
    "auth-provider: text": False,
    "auth-provider: {}": False,
    "auth-provider: {name: gcp}": False,
    "token: t, auth-provider: {name: gcp}": False,
    "auth-provider: {name: oidc, config: text}": False,
    "auth-provider: {name: oidc, config: {id-token: 5}}": False,
    "auth-provider: {name: oidc, config: {id-token: a.b.c}}": False,
    "token: t, auth-provider: {name: oidc, config: {client-id: x, idp-issuer-url: 'https://127.0.0.1:1'}}": True,
    # Where a key stands, and how often.
    "token: 5, token: t": True,
    "token: t, token: 5": False,
    "<<: {token: 5}, token: t": True,
    "token: t, <<: {token: 5}": False,
    "<<: [{token: t}, {token: 5}]": True,
    "<<: text, token: t": False,
    "token: t, 5: x, yes: x, 1.5: x": True,
    "token: t, ~: x": False,
    "token: t, [a]: x": False,
    "token: t, other: .nan": False,
    "token: t, other: *none": False,
    "token: t, other: &a [*a]": False,
}


def with_user(text: str) -> str:
    return FILE.replace("CLUSTER", "").replace("USER", text)


PLAIN: Final = with_user("token: t")
JSON: Final = """{"clusters":[{"name":"c","cluster":{"server":"https://127.0.0.1:PORT"}}],"current-context":"b",
\t"users":[{"name":"u","user":{"token":"t"}}],
\t"contexts":[{"name":"b","context":{"cluster":"c","user":"u"}}]}"""
FILES: Final[dict[str, tuple[str | bytes, bool]]] = {
    "JSON": (JSON, True),
    "UTF-16": (PLAIN.encode("utf-16"), True),
    "a byte order mark": (b"\xef\xbb\xbf" + PLAIN.encode(), True),
    "Latin-1": (PLAIN.encode() + b"# \xfc\n", False),
    "a control character": (PLAIN + "# \x07\n", False),
    "a tab": (PLAIN.replace("- name: u\n  user", "- name: u\n\tuser"), False),
    "a second document, whatever it is": (PLAIN + "---\na: [1\n", True),
    "a second document after nothing": ("---\n---\n" + PLAIN, False),
    "nothing": ("", False),
    "null": ("null\n", False),
    "a list": ("- a\n", False),
    "text": ("hello\n", False),
    "no kind": (PLAIN.replace("kind: Config\n", ""), True),
    "another kind": (PLAIN.replace("Config", "ConfigMap"), False),
    "a number as kind": (PLAIN.replace("Config", "5"), False),
    "another version": (PLAIN.replace("apiVersion: v1", "apiVersion: v2"), False),
    "preferences": (PLAIN + "preferences: {colors: true}\n", True),
    "preferences of text": (PLAIN + "preferences: text\n", False),
    "colors of text": (PLAIN + "preferences: {colors: 'true'}\n", False),
    "unknown fields": (PLAIN + "other: [7]\n", True),
    "extensions twice": (PLAIN + "extensions: [{name: a, extension: 1}, {name: a}]\n", False),
    "clusters of a mapping": (PLAIN + "clusters: {}\n", False),
    "users of text": (PLAIN + "users: text\n", False),
    "a user of text": (PLAIN.replace("{token: t}", "text"), False),
    "a user of a list": (PLAIN.replace("{token: t}", "[]"), False),
    "a name of a number": (PLAIN + "- name: 7\n", False),
    "no name, and nothing at all": (PLAIN + "- context: {cluster: c}\n", True),
    "no name twice": (PLAIN + "- context: {}\n- \n", False),
    "a context of a number": (PLAIN + "- 7\n", False),
    "the same cluster twice": (PLAIN.replace("users:", "- {name: c}\nusers:"), False),
    "the same user twice": (PLAIN.replace("contexts:", "- {name: u}\ncontexts:"), False),
    "the same context twice": (PLAIN + "- {name: blue}\n", False),
    "a namespace of a number": (PLAIN.replace("namespace: ns", "namespace: 5"), False),
    "any namespace": (PLAIN.replace("namespace: ns", "namespace: ../A_b"), True),
    "an unknown cluster": (PLAIN.replace("cluster: c,", "cluster: zz,"), False),
    "a current context of a number": (PLAIN.replace("current-context: blue", "current-context: 5"), False),
    "no current context": (PLAIN.replace("current-context: blue\n", ""), False),
    "an unknown current context": (PLAIN.replace("current-context: blue", "current-context: red"), False),
    "a mistake in what is not used": (PLAIN + "- {name: red, context: {cluster: [c]}}\n", False),
}

TABLE: Final[dict[str, tuple[str | bytes, bool]]] = {
    **{
        f"cluster {text or 'plain'}": (FILE.replace("CLUSTER", text).replace("USER", "token: t"), accepted)
        for text, accepted in CLUSTERS.items()
    },
    **{f"user {text}": (with_user(text), accepted) for text, accepted in USERS.items()},
    **{f"file: {name}": row for name, row in FILES.items()},
}


def short(name: str) -> str:
    return ascii(name)[1:61]


STRICTER: Final = {
    # What kubectl takes and Refloat does not, and why.
    "server: https://a:b@127.0.0.1:PORT": "credentials in a URL end up in messages",
    "server: '127.0.0.1:PORT'": "kubectl would ask over plain HTTP, which nothing in the file says",
    "certificate-authority: EMPTY": "kubectl would trust every public authority instead of none",
    "proxy-url: socks5://127.0.0.1:PORT": "socks5 is not spoken yet",
}


@pytest.fixture(scope="module")
def port() -> Iterator[str]:
    """A port that refuses: taken, and nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield str(taken.getsockname()[1])


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*os.environ,):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


def written(folder: Path, content: str | bytes, port: str) -> Path:
    path = folder / "kubeconfig"
    (folder / "empty.pem").touch()
    if isinstance(content, str):
        content = content.replace("EMPTY", str(folder / "empty.pem")).encode()
    wide = content.startswith(b"\xff\xfe")
    path.write_bytes(
        content.replace("PORT".encode("utf-16-le"), port.encode("utf-16-le"))
        if wide
        else content.replace(b"PORT", port.encode())
    )
    return path


async def refloat(path: Path) -> str:
    """Why Refloat refuses a kubeconfig; empty where it asks the server."""
    try:
        connection = await connect(str(path), timeout=5)
    except UsageFault as fault:
        return str(fault)
    async with connection:
        with pytest.raises(Unreachable, match=r"refused|cannot be reached"):
            await connection.api.get("/readyz")
    return ""


def kubectl(path: Path, port: str) -> str:
    """Why kubectl refuses a kubeconfig; empty where it asks the server."""
    done = subprocess.run(
        ["kubectl", f"--kubeconfig={path}", "get", "--raw", "/readyz", "--request-timeout=5s"],
        env={"PATH": os.environ["PATH"], "HOME": str(path.parent)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    return "" if f"The connection to the server 127.0.0.1:{port} was refused" in done.stderr else done.stderr


@pytest.mark.parametrize("name", TABLE, ids=short)
async def test_refloat_reads_a_kubeconfig_as_the_table_says(tmp_path: Path, port: str, name: str) -> None:
    content, accepted = TABLE[name]
    path = written(tmp_path, content, port)
    why = await refloat(path)
    assert (why == "") is accepted, why
    assert "\n" not in why
    assert not why or str(path) in why


needs_kubectl = pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")


@needs_kubectl
@pytest.mark.parametrize("name", TABLE, ids=short)
def test_kubectl_reads_it_so(tmp_path: Path, port: str, name: str) -> None:
    content, accepted = TABLE[name]
    why = kubectl(written(tmp_path, content, port), port)
    assert (why == "") is accepted, why


@needs_kubectl
@pytest.mark.parametrize("text", STRICTER)
async def test_where_refloat_is_stricter(tmp_path: Path, port: str, text: str) -> None:
    path = written(tmp_path, FILE.replace("CLUSTER", text).replace("USER", "token: t"), port)
    assert kubectl(path, port) == ""
    assert re.search(r"kubeconfig .*/kubeconfig:5:3 |certificate authority", await refloat(path))


MISTAKES: Final = {
    "cluster insecure-skip-tls-verify: 'false'": (
        r":6:7[0-9]: clusters\[0\]\.cluster\.insecure-skip-tls-verify must be true or false, not text; "
        "write it without quotes, or remove it"
    ),
    "cluster certificate-authority-data: '###'": r"clusters\[0\]\.cluster\.certificate-authority-data is not base64",
    "user token: 123": r":9:17: users\[0\]\.user\.token must be text, not a number; put it in quotes",
    "user token: t, as: jane, as-groups: text": r"users\[0\]\.user\.as-groups must be a list, not text",
    "user token: t, as: jane, as-user-extra: {a: text}": r"users\[0\]\.user\.as-user-extra\.a must be a list, not text",
    f"user exec: {{{PLUGIN}, env: 7}}": r"users\[0\]\.user\.exec\.env must be a list, not a number",
    "user auth-provider: {name: oidc, config: text}": r"users\[0\]\.user\.auth-provider\.config must be a mapping",
    f"user exec: {{{PLUGIN}, env: [{{value: x}}]}}": r"user `u` in kubeconfig .*:8:3 has an env entry without a name",
    f"user client-certificate: {CLIENT}": r"`u` in kubeconfig .*:8:3 has a client-certificate without its client-key",
    "file: another kind": r":2:7: kind must be Config in a kubeconfig",
    "file: a list": r":1:1: the top must be a mapping, not a list",
    "file: the same user twice": r":10:3: users has two entries named `u`; rename or remove one",
}


@pytest.mark.parametrize("name", MISTAKES)
async def test_a_mistake_is_told_by_file_place_name_and_next_step(tmp_path: Path, port: str, name: str) -> None:
    why = await refloat(written(tmp_path, TABLE[name][0], port))
    assert re.search(MISTAKES[name], why), why
