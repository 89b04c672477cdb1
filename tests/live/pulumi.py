"""The real Pulumi engine for the live tests: a YAML program with one Release of a small local chart, no network.

``PULUMI_BIN`` names a folder with the programs ``pulumi``, ``pulumi-language-yaml`` and ``pulumi-resource-kubernetes``.
Where it is absent, the tests are skipped and say so.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from tests.live.conftest import LiveCluster
from tui.objects import Json

PROGRAMS = ("pulumi", "pulumi-language-yaml", "pulumi-resource-kubernetes")
RELEASE_TYPE = "kubernetes:helm.sh/v3:Release"
PROJECT = "harbour"
"""The name of the project and of its one stack."""

DEADLINE = 120.0
"""Seconds that one run may take: a second on an idle machine."""


def program() -> Path:
    """The folder of the engine and its plugins; skips the test where there is none."""
    folder = Path(os.environ.get("PULUMI_BIN") or "/nonexistent")
    missing = [name for name in PROGRAMS if shutil.which(name, path=str(folder)) is None]
    if missing:
        pytest.skip(f"no real Pulumi: {', '.join(missing)} not found in the folder that PULUMI_BIN names")
    return folder


class Run(NamedTuple):
    """How one run of Pulumi ended, and all that it wrote."""

    code: int
    text: str


class Program:
    """A Pulumi program on disk with a stack in a folder beside it. The test changes ``resources`` and runs it."""

    def __init__(self, folder: Path, cluster: LiveCluster, namespace: str) -> None:
        self._folder = folder / "program"
        self._state = folder / "state"
        self._state.mkdir()
        self._environment = self._env(folder, program(), cluster)
        self.namespace = namespace
        self.resources: dict[str, Json] = {}
        chart = self._folder / "pier" / "templates"
        chart.mkdir(parents=True)
        (chart.parent / "Chart.yaml").write_text("{apiVersion: v2, name: pier, version: 0.1.0}")
        (chart.parent / "values.yaml").write_text("level: info")
        (chart / "all.yaml").write_text(CHART.replace("NAMESPACE", namespace))
        self._write()
        assert self.run("stack", "init", PROJECT).code == 0

    def _env(self, folder: Path, binaries: Path, cluster: LiveCluster) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PULUMI_")}
        return kept | {
            "PATH": f"{binaries}{os.pathsep}{os.environ.get('PATH', '')}",
            "HOME": str(folder),
            "PULUMI_HOME": str(folder / "home"),
            "PULUMI_BACKEND_URL": f"file://{self._state}",
            "PULUMI_CONFIG_PASSPHRASE": "harbour",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "KUBECONFIG": str(cluster.kubeconfig_file()),
        }

    def release(self, resource: str = "flux", *, options: Json | None = None, **properties: Any) -> None:
        """Makes the program hold this one Release and nothing else; ``properties`` are its own beside the chart."""
        given = {"chart": "./pier", "namespace": self.namespace, "skipAwait": True, **properties}
        found: Json = {"type": RELEASE_TYPE, "properties": given}
        self.resources = {resource: found | ({"options": options} if options else {})}

    def _write(self) -> None:
        self._folder.joinpath("Pulumi.yaml").write_text(
            yaml.safe_dump({"name": PROJECT, "runtime": "yaml", "resources": self.resources})
        )

    def run(self, *words: str) -> Run:
        """Runs Pulumi with the program as it stands."""
        self._write()
        done = subprocess.run(
            ["pulumi", *words, "--non-interactive"],
            cwd=self._folder,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=DEADLINE,
        )
        return Run(done.returncode, done.stdout)

    def up(self, *words: str) -> Run:
        """``pulumi up``, without a preview before it."""
        return self.run("up", "--yes", "--skip-preview", *words)

    def passes(self) -> str:
        """What ``pulumi up`` says, which succeeds."""
        done = self.up()
        assert done.code == 0, done.text
        return done.text

    def preview(self) -> Run:
        """``pulumi preview``."""
        return self.run("preview")

    def refresh(self) -> Run:
        """``pulumi refresh``, without a preview before it."""
        return self.run("refresh", "--yes", "--skip-preview")

    def destroy(self) -> Run:
        """``pulumi destroy``, without a preview before it."""
        return self.run("destroy", "--yes", "--skip-preview")

    def take_in(self, resource: str, name: str) -> Run:
        """``pulumi import`` of a recorded release."""
        return self.run("import", "--yes", RELEASE_TYPE, resource, f"{self.namespace}/{name}")

    def forget(self, resource: str = "flux") -> None:
        """Loses the state of a resource: nothing in the cluster is touched."""
        assert self.run("state", "delete", "--yes", self.urn(resource)).code == 0

    def urn(self, resource: str = "flux") -> str:
        """The resource's URN in the stack."""
        return f"urn:pulumi:{PROJECT}::{PROJECT}::{RELEASE_TYPE}::{resource}"

    def held(self) -> dict[str, str]:
        """The releases that the stack's state holds, read where the backend keeps it: id by resource."""
        (path,) = self._state.glob(f"**/stacks/{PROJECT}/{PROJECT}.json")
        latest = json.loads(path.read_text())["checkpoint"]["latest"]
        found = [each for each in latest.get("resources", []) if each["type"] == RELEASE_TYPE]
        return {each["urn"].rpartition("::")[2]: each["id"] for each in found}


CHART = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {level: {{ .Values.level }}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: NAMESPACE-pilot}
rules: []
{{- if .Values.broken }}
---
apiVersion: v1
kind: Service
metadata: {name: broken}
spec: {ports: [{port: 99999}]}
{{- end }}
"""
