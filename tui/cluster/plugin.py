"""Running a kubeconfig's credential plugin (``exec``), by the client authentication protocol of kubectl.

kubernetes.aio can run plugins too, but it passes them the terminal, waits for ever, and goes on as nobody when one
fails; here a plugin has no terminal, a deadline, and a failure is said.
"""

import asyncio
import json
import os
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from tui.cluster.kubeconfig import Chosen
from tui.faults import UsageFault
from tui.objects import Json
from tui.text import clean

DEADLINE: Final = 60.0
"""Seconds a plugin may take: some wait for a login in a browser."""

MAX_OUTPUT: Final = 2**20
"""Bytes read of a plugin's output."""

_VERSIONS: Final = ("client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1")
_SECRET: Final = re.compile(r"[A-Za-z0-9+/=_.-]{32,}")
"""What may be a token in a plugin's complaint; a long path is masked with it, which is the lesser harm."""


@dataclass(frozen=True, slots=True)
class Issued:
    """What a plugin issued: a token, or a client certificate with its key (PEM), and until when it is good."""

    token: str = field(default="", repr=False)
    certificate: str = field(default="", repr=False)
    key: str = field(default="", repr=False)
    expires: datetime | None = None


async def run(chosen: Chosen, *, deadline: float = DEADLINE) -> Issued:
    """Runs the plugin of the chosen user. Raises UsageFault with the plugin's own (masked) words where it fails."""
    plugin = chosen.user["exec"]
    command, version = _checked(plugin, chosen)
    environment = (
        dict(os.environ) | _extra(plugin) | {"KUBERNETES_EXEC_INFO": json.dumps(_info(plugin, chosen, version))}
    )
    arguments = [str(argument) for argument in plugin.get("args") or ()]
    place = _place(chosen, command)
    try:
        process = await asyncio.create_subprocess_exec(
            command,
            *arguments,
            env=environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
    except OSError as error:
        hint = clean(plugin.get("installHint") or "install it, or choose another --context", 300)
        raise UsageFault(f"{place} cannot be run ({clean(error.strerror or error, 100)}); {hint}") from error
    try:
        async with asyncio.timeout(deadline):
            output, complaint = await process.communicate()
    except TimeoutError as error:
        raise UsageFault(f"{place} gave no answer within {deadline:g} s; run it by hand, then try again") from error
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if process.returncode:
        words = _masked(complaint) or "it says nothing"
        raise UsageFault(f"{place} failed with exit code {process.returncode} ({words}); log in again, then try again")
    return _issued(output[: MAX_OUTPUT + 1], version, place)


def _checked(plugin: object, chosen: Chosen) -> tuple[str, str]:
    command = plugin.get("command") if isinstance(plugin, dict) else None
    if not isinstance(plugin, dict) or not command:
        raise UsageFault(f"the credential plugin of user `{chosen.user_name}` has no command; correct the kubeconfig")
    place = _place(chosen, str(command))
    version = str(plugin.get("apiVersion") or "")
    if version not in _VERSIONS:
        raise UsageFault(f"{place} speaks {clean(version, 100) or 'no version'}; update its entry to {_VERSIONS[0]}")
    if plugin.get("interactiveMode") == "Always":
        raise UsageFault(
            f"{place} insists on a terminal (interactiveMode: Always); use a context without such a plugin"
        )
    return str(command), version


def _place(chosen: Chosen, command: str) -> str:
    return f"the credential plugin `{clean(Path(command).name, 100)}` of user `{chosen.user_name}` in {chosen.source}"


def _extra(plugin: Mapping[str, Any]) -> dict[str, str]:
    entries = plugin.get("env") or ()
    return {str(entry["name"]): str(entry.get("value") or "") for entry in entries if isinstance(entry, dict)}


def _info(plugin: Mapping[str, Any], chosen: Chosen, version: str) -> Json:
    spec: Json = {"interactive": False}
    if plugin.get("provideClusterInfo"):
        wanted = ("server", "tls-server-name", "insecure-skip-tls-verify", "certificate-authority-data", "proxy-url")
        spec["cluster"] = {key: chosen.cluster[key] for key in wanted if key in chosen.cluster}
    return {"apiVersion": version, "kind": "ExecCredential", "spec": spec}


def _masked(complaint: bytes) -> str:
    text = _SECRET.sub("***", complaint[:4096].decode("utf-8", "replace"))
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return clean("; ".join(lines[-3:]), 300)


def _issued(output: bytes, version: str, place: str) -> Issued:
    try:
        answer = json.loads(output)
    except (ValueError, RecursionError) as error:
        raise UsageFault(f"{place} printed no JSON; run it by hand to see what it says") from error
    status = answer.get("status") if isinstance(answer, dict) else None
    if not isinstance(status, dict) or answer.get("kind") != "ExecCredential":
        raise UsageFault(f"{place} printed no ExecCredential with a status; log in again, then try again")
    if answer.get("apiVersion") != version:
        raise UsageFault(
            f"{place} answered in another version than {version}; correct its apiVersion in the kubeconfig"
        )
    issued = Issued(
        str(status.get("token") or ""),
        str(status.get("clientCertificateData") or ""),
        str(status.get("clientKeyData") or ""),
        _time(status.get("expirationTimestamp"), place),
    )
    if not issued.token and not (issued.certificate and issued.key):
        raise UsageFault(f"{place} issued neither a token nor a certificate with its key; log in again, then try again")
    return issued


def _time(stated: object, place: str) -> datetime | None:
    if not stated:
        return None
    try:
        moment = datetime.fromisoformat(str(stated))
    except ValueError as error:
        raise UsageFault(f"{place} stated an expirationTimestamp that is no time; update the plugin") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
