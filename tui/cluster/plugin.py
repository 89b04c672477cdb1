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
    place = _place(chosen, plugin["command"])
    if plugin.get("interactiveMode") == "Always":
        raise UsageFault(
            f"{place} insists on a terminal (interactiveMode: Always); use a context without such a plugin"
        )
    extra = {entry["name"]: entry.get("value", "") for entry in plugin.get("env", ())}
    environment = dict(os.environ) | extra | {"KUBERNETES_EXEC_INFO": json.dumps(_info(plugin, chosen))}
    try:
        process = await asyncio.create_subprocess_exec(
            plugin["command"],
            *plugin.get("args", ()),
            env=environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
    except (OSError, ValueError) as error:
        # A null byte in an argument, or an equals sign in a name of the environment, is a ValueError.
        words = getattr(error, "strerror", None) or error
        hint = clean(plugin.get("installHint") or "install it, or choose another --context", 300)
        raise UsageFault(f"{place} cannot be run ({clean(words, 100)}); {hint}") from error
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
    return _issued(output[: MAX_OUTPUT + 1], plugin["apiVersion"], place)


def _place(chosen: Chosen, command: str) -> str:
    return f"the credential plugin `{clean(Path(command).name, 100)}` of user `{chosen.user_name}` in {chosen.source}"


def _info(plugin: Mapping[str, Any], chosen: Chosen) -> Json:
    spec: Json = {"interactive": False}
    if plugin.get("provideClusterInfo"):
        wanted = ("server", "tls-server-name", "insecure-skip-tls-verify", "certificate-authority-data", "proxy-url")
        spec["cluster"] = {key: chosen.cluster[key] for key in wanted if key in chosen.cluster}
    return {"apiVersion": plugin["apiVersion"], "kind": "ExecCredential", "spec": spec}


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
    token, certificate, key, expires = (_text(status, name, place) for name in _STATUS)
    issued = Issued(token, certificate, key, _time(expires, place))
    if bool(certificate) != bool(key) or not (token or certificate):
        raise UsageFault(f"{place} issued neither a token nor a certificate with its key; log in again, then try again")
    return issued


_STATUS: Final = ("token", "clientCertificateData", "clientKeyData", "expirationTimestamp")


def _text(status: Json, name: str, place: str) -> str:
    value = status.get(name)
    if value is not None and not isinstance(value, str):
        raise UsageFault(f"{place} printed a {name} that is no text; update the plugin")
    return value or ""


def _time(stated: str, place: str) -> datetime | None:
    if not stated:
        return None
    try:
        moment = datetime.fromisoformat(stated)
    except ValueError as error:
        raise UsageFault(f"{place} stated an expirationTimestamp that is no time; update the plugin") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
