"""A living Flux for the live tests: its source- and kustomize-controller as processes, and a git server on loopback.

``FLUX_ASSETS`` names a folder with the programs ``source-controller`` and ``kustomize-controller`` and, in ``crds``,
the CustomResourceDefinitions of the same Flux. Where it is absent, the tests are skipped and say so.
"""

import asyncio
import os
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import yaml
from aiohttp import web

from tests.live.conftest import LiveCluster, Processes
from tui.objects import Json

GIT_ENVIRONMENT = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, "GIT_TERMINAL_PROMPT": "0"}
IDENTITY = {f"GIT_{who}_{what}": "test@test" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


def assets() -> Path:
    """The folder of the controllers; skips the test where there is none."""
    folder = Path(os.environ.get("FLUX_ASSETS") or "/nonexistent")
    missing = [name for name in ("source-controller", "kustomize-controller", "crds") if not (folder / name).exists()]
    if missing:
        pytest.skip(f"no real Flux: {' and '.join(missing)} not found in the folder that FLUX_ASSETS names")
    if shutil.which("git") is None:
        pytest.skip("no real Flux: git is not installed")
    return folder


def crds(folder: Path) -> list[Json]:
    """Flux's CustomResourceDefinitions."""
    return [yaml.safe_load(path.read_text()) for path in sorted((folder / "crds").glob("*.yaml"))]


class Repository:
    """A git repository that is served over HTTP; each commit replaces all of its files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.url = ""
        self._git("init", "--quiet", "--initial-branch=main")

    def commit(self, files: dict[str, list[Json]]) -> str:
        """Commits these files, each a list of objects, and nothing else; returns the commit."""
        for path in self._folder.iterdir():
            if path.name != ".git":
                shutil.rmtree(path)
        for name, objects in files.items():
            target = self._folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(yaml.safe_dump_all(objects))
        self._git("add", "--all")
        self._git("commit", "--quiet", "--allow-empty", "--message", "test")
        return self._git("rev-parse", "HEAD").strip()

    def _git(self, *words: str) -> str:
        environment = {**os.environ, **GIT_ENVIRONMENT, **IDENTITY}
        done = subprocess.run(
            ["git", *words], cwd=self._folder, env=environment, capture_output=True, text=True, check=True
        )
        return done.stdout

    @asynccontextmanager
    async def served(self) -> AsyncIterator[None]:
        """Serves it, by git's own CGI program, on a free port."""
        application = web.Application(client_max_size=2**24)
        application.router.add_route("*", "/{path:.*}", self._answer)
        runner = web.AppRunner(application)
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            port = runner.addresses[0][1]
            self.url = f"http://127.0.0.1:{port}/{self._folder.name}"
            yield
        finally:
            await runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        body = await request.read()
        environment = {
            **os.environ,
            **GIT_ENVIRONMENT,
            "GIT_PROJECT_ROOT": str(self._folder.parent),
            "GIT_HTTP_EXPORT_ALL": "1",
            "REQUEST_METHOD": request.method,
            "PATH_INFO": request.path,
            "QUERY_STRING": request.query_string,
            "CONTENT_TYPE": request.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "GIT_PROTOCOL": request.headers.get("Git-Protocol", ""),
            "REMOTE_ADDR": "127.0.0.1",
        }
        process = await asyncio.create_subprocess_exec(
            "git",
            "http-backend",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=environment,
        )
        answer, _ = await process.communicate(body)
        head, _, content = answer.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if ": " in line)
        status = int(headers.pop("Status", "200 OK").split()[0])
        return web.Response(body=content, status=status, headers=headers)


def start(processes: Processes, folder: Path, cluster: LiveCluster, data: Path) -> None:
    """Starts both controllers on a cluster that serves their kinds."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        storage = f"127.0.0.1:{one.getsockname()[1]}"
    common = (
        "--metrics-addr=127.0.0.1:0",
        "--health-addr=127.0.0.1:0",
        "--events-addr=",
        "--enable-leader-election=false",
    )
    data.mkdir()
    environment = {"KUBECONFIG": str(cluster.kubeconfig_file()), "RUNTIME_NAMESPACE": "flux-system"}
    source = (f"--storage-path={data}", f"--storage-addr={storage}", f"--storage-adv-addr={storage}")
    processes.start("source-controller", str(folder / "source-controller"), *source, *common, **environment)
    processes.start("kustomize-controller", str(folder / "kustomize-controller"), *common, **environment)
