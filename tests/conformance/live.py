"""A live kube-apiserver with an etcd of its own, on free loopback ports, for recordings and for the suite."""

import os
import socket
import ssl
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

DEFAULT = "/usr/local/kubebuilder/bin"
"""Where envtest looks when KUBEBUILDER_ASSETS is not set."""

TOKENS = {"admin": "admin-token", "viewer": "viewer-token", "no-secrets": "no-secrets-token"}
STARTS_WITHIN = 60.0


@dataclass(frozen=True, slots=True)
class Live:
    """Where the server is; its certificate is signed by nobody."""

    url: str


def assets() -> Path | None:
    """The folder that holds ``etcd`` and ``kube-apiserver``; None where there is none."""
    folder = Path(os.environ.get("KUBEBUILDER_ASSETS") or DEFAULT)
    return folder if all((folder / name).is_file() for name in ("etcd", "kube-apiserver")) else None


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def _key(folder: Path) -> Path:
    """A key to sign service account tokens with; the server insists on one."""
    path = folder / "sa.key"
    subprocess.run(["openssl", "genrsa", "-out", path, "2048"], check=True, capture_output=True)
    return path


@contextmanager
def server(folder: Path) -> Iterator[Live]:
    """Starts etcd and kube-apiserver from a folder of binaries and ends them afterwards."""
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch)
        client, peer, secure = _free_ports(3)
        etcd = f"http://127.0.0.1:{client}"
        groups = {"admin": "system:masters", "viewer": "viewers", "no-secrets": "operators"}
        lines = [f'{token},{user},{user}-uid,"{groups[user]}"\n' for user, token in TOKENS.items()]
        (home / "tokens.csv").write_text("".join(lines), encoding="utf-8")
        key = _key(home)
        commands: tuple[list[str | Path], ...] = (
            [
                *(folder / "etcd", f"--data-dir={home / 'etcd'}", "--unsafe-no-fsync"),
                *(f"--listen-client-urls={etcd}", f"--advertise-client-urls={etcd}"),
                f"--listen-peer-urls=http://127.0.0.1:{peer}",
            ],
            [
                *(folder / "kube-apiserver", f"--etcd-servers={etcd}", f"--secure-port={secure}"),
                *("--bind-address=127.0.0.1", f"--cert-dir={home}", "--authorization-mode=RBAC"),
                *(f"--service-account-key-file={key}", f"--service-account-signing-key-file={key}"),
                *("--service-account-issuer=https://kubernetes.default.svc", "--service-cluster-ip-range=10.0.0.0/24"),
                *(f"--token-auth-file={home / 'tokens.csv'}", "--disable-admission-plugins=ServiceAccount"),
            ],
        )
        started = []
        with (home / "log").open("wb") as log:
            try:
                for command in commands:
                    process = subprocess.Popen(command, stdout=log, stderr=log)
                    started.append(process)
                live = Live(f"https://127.0.0.1:{secure}")
                _wait(live, home / "log")
                yield live
            finally:
                for process in reversed(started):
                    process.terminate()
                    process.wait(timeout=30)


def _wait(live: Live, log: Path) -> None:
    context = ssl._create_unverified_context()  # noqa: S323 - nobody signs a test server's certificate
    headers = {"Authorization": f"Bearer {TOKENS['admin']}"}
    request = urllib.request.Request(f"{live.url}/readyz", headers=headers)  # noqa: S310 - our own server
    end = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(request, context=context, timeout=5):  # noqa: S310 - as above
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise RuntimeError(f"kube-apiserver was not ready within {STARTS_WITHIN:.0f} s:\n{log.read_text()[-2000:]}")
