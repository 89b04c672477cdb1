"""Finding, reading and merging kubeconfigs by kubectl's rules, and choosing one context. Reads files, sends nothing.

The rules are kubectl's, because an operator checks this program with kubectl: ``--kubeconfig`` stands alone; of the
files in ``KUBECONFIG`` the first that names a thing wins, the current context too; paths in a file are relative to
that file. What kubectl refuses is refused.
"""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import yaml

from tui.faults import UsageFault
from tui.objects import Json
from tui.text import clean

MAX_FILE: Final = 8 * 2**20
"""Bytes read of one kubeconfig: certificates for hundreds of clusters fit."""

IN_CLUSTER: Final = "in-cluster"
"""The context's name where a pod's service account is used."""

SERVICE_ACCOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")

_SECTIONS: Final = ("clusters", "contexts", "users")


@dataclass(frozen=True, slots=True)
class Chosen:
    """One context with what it names. ``cluster`` and ``user`` are their kubeconfig maps with absolute paths.

    ``source`` says where it was read, for messages. ``user`` may hold credentials: it never shows in a repr.
    """

    context: str
    cluster_name: str
    user_name: str
    namespace: str
    cluster: Json = field(repr=False)
    user: Json = field(repr=False)
    source: str

    @property
    def server(self) -> str:
        """The server's URL without credentials, query and fragment."""
        parts = urlsplit(str(self.cluster["server"]))
        host = parts.netloc.rpartition("@")[2]
        return clean(urlunsplit((parts.scheme, host, parts.path.rstrip("/"), "", "")), 400)


def choose(
    kubeconfig: str | None,
    context: str | None,
    env: Mapping[str, str],
    home: Path,
    service_account: Path = SERVICE_ACCOUNT,
) -> Chosen:
    """The context to use: of ``--kubeconfig``, else of ``KUBECONFIG``, else of ``~/.kube/config``, else the pod's own.

    Raises UsageFault with the place and the next step for anything missing, broken or unknown.
    """
    files = _files(kubeconfig, env, home)
    if files:
        merged = merge((path, read(path)) for path in files)
        return pick(merged, context, ", ".join(str(path) for path in files))
    if env.get("KUBECONFIG"):
        named = clean(env["KUBECONFIG"], 300)
        raise UsageFault(f"none of the files that KUBECONFIG names exists ({named}); correct it, or give --kubeconfig")
    inside = in_cluster(env, service_account)
    if inside is None:
        raise UsageFault(
            f"no kubeconfig found: {home / '.kube' / 'config'} does not exist, KUBECONFIG is not set, and this is not "
            "a pod; give --kubeconfig FILE, or try `refloat demo`"
        )
    if context not in (None, IN_CLUSTER):
        raise UsageFault(f"context {_quoted(context)} is unknown: there is no kubeconfig, only this pod's own account")
    return inside


def _files(kubeconfig: str | None, env: Mapping[str, str], home: Path) -> list[Path]:
    if kubeconfig:
        return [Path(kubeconfig).expanduser()]
    if named := env.get("KUBECONFIG"):
        return [path for part in named.split(os.pathsep) if part and (path := Path(part).expanduser()).exists()]
    default = home / ".kube" / "config"
    return [default] if default.exists() else []


def read(path: Path) -> Json:
    """One kubeconfig as plain data. Raises UsageFault naming file, and line where there is one."""
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_FILE + 1)
    except OSError as error:
        raise UsageFault(f"kubeconfig {path} cannot be read: {clean(error.strerror or error)}; check it") from error
    if len(raw) > MAX_FILE:
        raise UsageFault(f"kubeconfig {path} is larger than {MAX_FILE // 2**20} MiB; this is no kubeconfig")
    try:
        value = yaml.safe_load(raw)
    except (yaml.YAMLError, RecursionError, UnicodeError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise UsageFault(f"kubeconfig {path} is not valid YAML{place}; correct the file") from error
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise UsageFault(f"kubeconfig {path} is not a kubeconfig: its top is no mapping; correct the file")
    return value


def merge(configs: Iterable[tuple[Path | None, Json]]) -> Json:
    """One kubeconfig of several; the first that names a thing wins. Paths become absolute. Raises UsageFault."""
    merged: dict[str, dict[str, Json]] = {section: {} for section in _SECTIONS}
    current = ""
    for path, config in configs:
        current = current or str(config.get("current-context") or "")
        for section in _SECTIONS:
            for name, entry in _entries(config, section, path):
                merged[section].setdefault(name, _absolute(entry, path.parent.absolute() if path else None))
    return {"current-context": current, **merged}


def _entries(config: Json, section: str, path: Path | None) -> Iterable[tuple[str, Json]]:
    where = f"kubeconfig {path}" if path else "the kubeconfig"
    entries = config.get(section) or []
    if not isinstance(entries, list):
        raise UsageFault(f"{where}: {section} is not a list; correct the file")
    for number, entry in enumerate(entries, 1):
        body = entry.get(section[:-1]) if isinstance(entry, dict) else None
        if not isinstance(entry, dict) or not entry.get("name") or not isinstance(body or {}, dict):
            raise UsageFault(f"{where}: entry {number} of {section} has no name or is damaged; correct the file")
        yield str(entry["name"]), body or {}


_PATHS: Final = ("certificate-authority", "client-certificate", "client-key", "tokenFile")


def _absolute(entry: Json, folder: Path | None) -> Json:
    """The entry with its paths, and a plugin's command that is a path, taken from the folder of its file."""
    if folder is None:
        return entry
    fixed = {key: str(folder / str(value)) if key in _PATHS and value else value for key, value in entry.items()}
    plugin = fixed.get("exec")
    if isinstance(plugin, dict) and os.sep in str(plugin.get("command") or ""):
        fixed["exec"] = {**plugin, "command": str(folder / str(plugin["command"]))}
    return fixed


def pick(merged: Mapping[str, Any], context: str | None, source: str) -> Chosen:
    """The named (or current) context of a merged kubeconfig. Raises UsageFault, naming what is known."""
    contexts = merged["contexts"]
    known = ", ".join(_quoted(name) for name in sorted(contexts)[:30]) or "none"
    name = context or merged["current-context"]
    if not name:
        raise UsageFault(f"{source} names no current context; give --context (known: {known})")
    if name not in contexts:
        raise UsageFault(f"context {_quoted(name)} is not in {source}; give --context (known: {known})")
    body = contexts[name]
    cluster_name, user_name = str(body.get("cluster") or ""), str(body.get("user") or "")
    if cluster_name not in merged["clusters"]:
        raise UsageFault(
            f"context {_quoted(name)} in {source} names cluster {_quoted(cluster_name)}, which is not there"
        )
    if user_name and user_name not in merged["users"]:
        raise UsageFault(f"context {_quoted(name)} in {source} names user {_quoted(user_name)}, which is not there")
    cluster = merged["clusters"][cluster_name]
    _check_server(cluster, cluster_name, source)
    return Chosen(
        clean(name, 253),
        clean(cluster_name, 253),
        clean(user_name, 253),
        clean(body.get("namespace") or "default", 253),
        cluster,
        merged["users"].get(user_name, {}),
        source,
    )


def _check_server(cluster: Json, name: str, source: str) -> None:
    server = cluster.get("server")
    where = f"cluster {_quoted(name)} in {source}"
    if not isinstance(server, str) or not server:
        raise UsageFault(f"{where} has no server; correct the kubeconfig")
    try:
        parts = urlsplit(server)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise UsageFault(f"{where} has a server that is no http or https URL; correct the kubeconfig")
    if "@" in parts.netloc:
        raise UsageFault(f"{where} carries credentials in its server URL; move them to the user entry")


def in_cluster(env: Mapping[str, str], folder: Path = SERVICE_ACCOUNT) -> Chosen | None:
    """The service account of the pod this runs in, or None outside a pod."""
    host, port = env.get("KUBERNETES_SERVICE_HOST"), env.get("KUBERNETES_SERVICE_PORT")
    if not host or not port or not (folder / "token").is_file():
        return None
    address = f"[{host}]" if ":" in host else host
    namespace = folder / "namespace"
    return Chosen(
        IN_CLUSTER,
        IN_CLUSTER,
        "service account",
        clean(namespace.read_text().strip(), 253) if namespace.is_file() else "default",
        {"server": f"https://{address}:{port}", "certificate-authority": str(folder / "ca.crt")},
        {"tokenFile": str(folder / "token")},
        "this pod's service account",
    )


def _quoted(name: str | None) -> str:
    return f"`{clean(name or '', 253)}`"
