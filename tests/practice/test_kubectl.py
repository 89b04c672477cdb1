"""kubectl itself against the practice cluster, where kubectl is installed."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from tui.practice.cluster import PracticeCluster

Kubectl = Callable[..., Awaitable[tuple[int, str]]]

pytestmark = pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")


@pytest.fixture
async def kubectl(tmp_path: Path) -> AsyncIterator[Kubectl]:
    async with PracticeCluster.drill("healthy") as cluster:
        config = tmp_path / "kubeconfig.json"
        config.write_text(json.dumps(cluster.kubeconfig()), encoding="utf-8")
        program = shutil.which("kubectl") or ""

        async def run(*arguments: str, given: str = "") -> tuple[int, str]:
            command = (program, f"--kubeconfig={config}", f"--cache-dir={tmp_path / 'cache'}", *arguments)
            pipe = asyncio.subprocess.PIPE
            process = await asyncio.create_subprocess_exec(
                *command, stdin=pipe, stdout=pipe, stderr=asyncio.subprocess.STDOUT
            )
            out, _ = await process.communicate(given.encode())
            return process.returncode or 0, out.decode()

        yield run


async def test_get_and_describe(kubectl: Kubectl) -> None:
    code, out = await kubectl("get", "deployments", "-n", "flux-system")
    assert code == 0
    assert "source-controller             1/1     1            1" in out
    code, out = await kubectl("describe", "deployment", "-n", "flux-system", "source-controller")
    assert code == 0
    assert "MinimumReplicasAvailable" in out


async def test_apply_server_side_then_client_side_then_delete(kubectl: Kubectl) -> None:
    meta = {"name": "tide", "namespace": "default"}
    body: dict[str, object] = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta}
    text = json.dumps(body | {"data": {"a": "1"}})
    assert (await kubectl("apply", "--server-side", "-f", "-", given=text))[0] == 0
    code, out = await kubectl(
        "apply", "--server-side", "--field-manager=other", "-f", "-", given=text.replace('"1"', '"2"')
    )
    assert code == 1
    assert 'conflict with "kubectl"' in out
    code, out = await kubectl("apply", "-f", "-", given=json.dumps(body | {"metadata": meta | {"name": "ebb"}}))
    assert (code, out.strip()) == (0, "configmap/ebb created")
    assert (await kubectl("delete", "configmap", "tide", "-n", "default"))[0] == 0


async def test_wait_follows_a_watch_and_can_i_asks_for_every_user(kubectl: Kubectl) -> None:
    arguments = ("wait", "--for=condition=Ready", "gitrepository/flux-system", "-n", "flux-system", "--timeout=20s")
    assert (await kubectl(*arguments))[0] == 0
    answers = {
        user: (await kubectl("auth", "can-i", "delete", "deployments", f"--context={user}"))[1].strip()
        for user in ("practice", "practice-viewer", "practice-no-secrets")
    }
    assert answers == {"practice": "yes", "practice-viewer": "no", "practice-no-secrets": "yes"}


async def test_watch_follows_what_happens(kubectl: Kubectl, tmp_path: Path) -> None:
    words = ("get", "configmaps", "-n", "default", "--watch", "--output-watch-events")
    program = shutil.which("kubectl") or ""
    watching = await asyncio.create_subprocess_exec(
        program, f"--kubeconfig={tmp_path / 'kubeconfig.json'}", *words, stdout=asyncio.subprocess.PIPE
    )
    output = watching.stdout
    assert output is not None
    lines: list[list[str]] = []

    async def until(event: str, name: str) -> None:
        while [event, name] not in [line[:2] for line in lines]:
            lines.append((await output.readline()).decode().split())

    try:
        await until("ADDED", "kube-root-ca.crt")
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "seen", "namespace": "default"}}
        assert (await kubectl("apply", "-f", "-", given=json.dumps(body)))[0] == 0
        await until("ADDED", "seen")
        assert (await kubectl("delete", "configmap", "seen", "-n", "default"))[0] == 0
        await until("DELETED", "seen")
    finally:
        watching.terminate()
        await watching.wait()
    assert lines[0] == ["EVENT", "NAME", "DATA", "AGE"]
    assert lines.count(lines[0]) == 1
