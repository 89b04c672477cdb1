"""Runs the command line in this process, on practice clusters that a thread serves: fixtures for its tests."""

import asyncio
import json
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from tests import schemas
from tui import cli
from tui.practice.cluster import PracticeCluster

ROOT = Path(__file__).parents[1]
SHIPPED = ROOT / "ownership.yaml"
CLEAN, BLOCKED, USAGE, UNVERIFIED = 0, 1, 2, 3
COMMANDS = ["preflight", "health", "owners", "explain", "releases", "contract", "demo"]
READING = ["preflight", "health", "owners", "explain deployment/source-controller", "releases"]


class Clusters:
    """Practice clusters in a thread of their own, one a drill, started when first asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._known: dict[str, PracticeCluster] = {}

    def _await(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    def get(self, drill: str) -> PracticeCluster:
        if drill not in self._known:
            self._known[drill] = PracticeCluster.drill(drill)
            self._await(self._known[drill].start())
        return self._known[drill]

    def kubeconfig(self, drill: str, user: str = "admin") -> Path:
        path = self.folder / f"{drill}-{user}.yaml"
        path.write_text(yaml.safe_dump(self.get(drill).kubeconfig(user)))
        return path

    def stop(self) -> None:
        for cluster in self._known.values():
            self._await(cluster.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


@pytest.fixture(scope="module")
def clusters(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clusters]:
    running = Clusters(tmp_path_factory.mktemp("clusters"))
    yield running
    running.stop()


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No kubeconfig, no contract and no state of the machine's own."""
    for name in ("KUBECONFIG", "REFLOAT_CONTRACT", "KUBERNETES_SERVICE_HOST"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)


@dataclass
class Said:
    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        """The JSON document, held against its promised shape."""
        found: dict[str, Any] = json.loads(self.out)
        Draft202012Validator(schemas.BY_NAME[found["schema"]]).validate(found)
        return found


Run = Callable[..., Said]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], alone: None) -> Run:
    def go(line: str, *more: object) -> Said:
        code = cli.main([*line.split(), *map(str, more)])
        said = capsys.readouterr()
        assert "Traceback" not in said.out + said.err
        return Said(code, said.out, said.err)

    return go


def one_sentence(said: Said) -> str:
    """What a failure says: one line, named by its program, and nothing else."""
    assert said.out == ""
    assert re.fullmatch(r"refloat: [^\n]+\n", said.err), said.err
    return said.err


def dead_kubeconfig(folder: Path, server: str = "http://127.0.0.1:1") -> Path:
    """A kubeconfig of a server where nothing listens, or with a token that no server knows."""
    path = folder / "dead.yaml"
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": server}}],
        "users": [{"name": "u", "user": {"token": "expired"}}],
        "contexts": [{"name": "dead", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "dead",
    }
    path.write_text(yaml.safe_dump(config))
    return path
