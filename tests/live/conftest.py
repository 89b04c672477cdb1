"""A real control plane for the tests marked ``live``: etcd and kube-apiserver on free loopback ports.

The binaries are those in ``KUBEBUILDER_ASSETS``, or in envtest's default folder; etcd may also be on the PATH. Where
they are absent, the tests are skipped and say so. Where kube-controller-manager is beside them it runs too.
"""

import os
import shutil
import socket
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tui.cluster.connect import Connection, connection_from_dict

TLS = Path(__file__).parents[1] / "cluster" / "tls"
ENVTEST = Path("/usr/local/kubebuilder/bin")
DEADLINE = 90.0
"""Seconds the control plane may take to become ready: it takes five on an idle machine."""

TOKENS = 'admin-token,admin,admin-uid,"system:masters"\nviewer-token,viewer,viewer-uid,"viewers"\n'


@dataclass(frozen=True)
class LiveCluster:
    """A running control plane. ``controllers`` says whether kube-controller-manager runs."""

    server: str
    folder: Path
    controllers: bool

    def kubeconfig(self, user: str = "admin") -> dict[str, Any]:
        """The kubeconfig of a user: ``admin``, or ``viewer``, who has no rights until they are bound."""
        cluster = {"server": self.server, "certificate-authority": str(TLS / "ca.pem")}
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "live",
            "clusters": [{"name": "live", "cluster": cluster}],
            "users": [{"name": user, "user": {"token": f"{user}-token"}}],
            "contexts": [{"name": "live", "context": {"cluster": "live", "user": user}}],
        }

    def kubeconfig_file(self, user: str = "admin") -> Path:
        """The same on disk, for tools."""
        path = self.folder / f"{user}.kubeconfig"
        path.write_text(yaml.safe_dump(self.kubeconfig(user)))
        return path


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.live)


def _binaries() -> dict[str, str]:
    folder = Path(os.environ.get("KUBEBUILDER_ASSETS") or ENVTEST)
    found = {
        name: shutil.which(name, path=str(folder)) for name in ("etcd", "kube-apiserver", "kube-controller-manager")
    }
    found["etcd"] = found["etcd"] or shutil.which("etcd")
    missing = [name for name in ("etcd", "kube-apiserver") if not found[name]]
    if missing:
        where = (
            f"KUBEBUILDER_ASSETS ({folder})"
            if "KUBEBUILDER_ASSETS" in os.environ
            else f"{ENVTEST} (set KUBEBUILDER_ASSETS)"
        )
        pytest.skip(f"no real control plane: {' and '.join(missing)} not found in {where}")
    return {name: path for name, path in found.items() if path}


def _ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


class Processes:
    """The processes of one control plane, ended by their ids, the last started first."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running: list[tuple[str, subprocess.Popen[bytes]]] = []

    def start(self, name: str, *command: str, **environment: str) -> None:
        with (self._folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                command,
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                cwd=self._folder,
                env={**os.environ, **environment},
            )
        self._running.append((name, process))

    def check(self) -> None:
        """Fails with the log of whatever has ended."""
        for name, process in self._running:
            if process.poll() is not None:
                log = (self._folder / f"{name}.log").read_text(errors="replace")
                pytest.fail(f"{name} ended with code {process.returncode}:\n{log[-3000:]}")

    def stop(self) -> None:
        for _, process in reversed(self._running):
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@pytest.fixture(scope="session")
def live_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveCluster]:
    """One control plane for the whole run; tests keep apart by namespaces of their own."""
    binaries = _binaries()
    folder = tmp_path_factory.mktemp("control-plane")
    client, peer, secure = _ports(3)
    (folder / "tokens.csv").write_text(TOKENS)
    cluster = LiveCluster(f"https://127.0.0.1:{secure}", folder, "kube-controller-manager" in binaries)
    processes = Processes(folder)
    try:
        _start_etcd(processes, binaries["etcd"], folder, client, peer)
        _start_apiserver(processes, binaries["kube-apiserver"], folder, client, secure)
        _wait(processes, f"{cluster.server}/readyz")
        if cluster.controllers:
            _start_controllers(processes, binaries["kube-controller-manager"], cluster)
        yield cluster
        processes.check()
    finally:
        processes.stop()


def _start_etcd(processes: Processes, binary: str, folder: Path, client: int, peer: int) -> None:
    clients, peers = f"http://127.0.0.1:{client}", f"http://127.0.0.1:{peer}"
    processes.start(
        "etcd",
        binary,
        f"--data-dir={folder / 'etcd'}",
        f"--listen-client-urls={clients}",
        f"--advertise-client-urls={clients}",
        f"--listen-peer-urls={peers}",
        f"--initial-advertise-peer-urls={peers}",
        f"--initial-cluster=default={peers}",
        # The data is thrown away, so it need not survive a crash.
        "--unsafe-no-fsync",
    )


def _start_apiserver(processes: Processes, binary: str, folder: Path, client: int, secure: int) -> None:
    key = TLS / "server.pem"
    processes.start(
        "kube-apiserver",
        binary,
        f"--etcd-servers=http://127.0.0.1:{client}",
        f"--secure-port={secure}",
        "--bind-address=127.0.0.1",
        "--advertise-address=127.0.0.1",
        f"--cert-dir={folder}",
        f"--tls-cert-file={key}",
        f"--tls-private-key-file={key}",
        f"--token-auth-file={folder / 'tokens.csv'}",
        f"--service-account-key-file={key}",
        f"--service-account-signing-key-file={key}",
        "--service-account-issuer=https://kubernetes.default.svc",
        "--service-cluster-ip-range=10.0.0.0/24",
        "--authorization-mode=RBAC",
        "--allow-privileged=true",
        "--disable-admission-plugins=ServiceAccount",
    )


def _start_controllers(processes: Processes, binary: str, cluster: LiveCluster) -> None:
    absent = ("nodeipam", "node-route-controller", "cloud-node-lifecycle-controller", "service-lb-controller")
    processes.start(
        "kube-controller-manager",
        binary,
        f"--kubeconfig={cluster.kubeconfig_file()}",
        f"--service-account-private-key-file={TLS / 'server.pem'}",
        f"--root-ca-file={TLS / 'ca.pem'}",
        "--use-service-account-credentials=false",
        "--leader-elect=false",
        "--bind-address=127.0.0.1",
        "--secure-port=0",
        f"--controllers=*,{','.join(f'-{name}' for name in absent)}",
    )


def _wait(processes: Processes, url: str) -> None:
    context = ssl.create_default_context(cafile=str(TLS / "ca.pem"))
    request = urllib.request.Request(url, headers={"Authorization": "Bearer admin-token"})  # noqa: S310 - https, by its caller
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
    deadline = time.monotonic() + DEADLINE
    while time.monotonic() < deadline:
        processes.check()
        try:
            with opener.open(request, timeout=5) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            # Nobody can be told by another process when it is ready: its port has to be asked.
            time.sleep(0.1)
    pytest.fail(f"the control plane was not ready within {DEADLINE:g} s")


@pytest.fixture
async def live(live_cluster: LiveCluster) -> AsyncIterator[Connection]:
    """A connection as administrator."""
    async with await connection_from_dict(live_cluster.kubeconfig(), timeout=20) as connection:
        yield connection
