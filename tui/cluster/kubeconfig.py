"""Finding, reading and merging kubeconfigs by kubectl's rules, and choosing one context. Reads files, sends nothing.

The rules are kubectl's, because an operator checks this program with kubectl: ``--kubeconfig`` stands alone; of the
files in ``KUBECONFIG`` the first that names a thing wins, the current context too; paths in a file are relative to
that file. What kubectl refuses is refused.
"""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from tui.cluster.kubeconfig_file import Kubeconfig, Named, parse
from tui.cluster.usable import check_cluster, check_user
from tui.faults import UsageFault
from tui.objects import Json
from tui.text import clean

MAX_FILE: Final = 8 * 2**20
"""Bytes read of one kubeconfig: certificates for hundreds of clusters fit."""

IN_CLUSTER: Final = "in-cluster"
"""The context's name where a pod's service account is used."""

SERVICE_ACCOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")


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
    found = [(path, read(path, needed=bool(kubeconfig))) for path in files]
    if there := [(path, config) for path, config in found if config is not None]:
        return pick(merge(config for _, config in there), context, ", ".join(str(path) for path, _ in there))
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
        return [_path(kubeconfig)]
    if named := env.get("KUBECONFIG"):
        return [_path(part) for part in named.split(os.pathsep) if part]
    return [home / ".kube" / "config"]


def _path(named: str) -> Path:
    # Unlike Path.expanduser this leaves the name of an unknown user as it is: a file may be called so.
    return Path(os.path.expanduser(named))  # noqa: PTH111


def read(path: Path, *, needed: bool = True) -> Kubeconfig | None:
    """One kubeconfig, its paths absolute; None for one that is not there and not ``needed``.

    Raises UsageFault naming the file, and line and column of what is wrong in it.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_FILE + 1)
    except FileNotFoundError as error:
        if not needed:
            return None
        raise _unreadable(path, error) from error
    except OSError as error:
        raise _unreadable(path, error) from error
    if len(raw) > MAX_FILE:
        raise UsageFault(f"kubeconfig {path} is larger than {MAX_FILE // 2**20} MiB; this is no kubeconfig")
    return _resolved(parse(raw, f"kubeconfig {path}"), path.parent.absolute())


def _unreadable(path: Path, error: OSError) -> UsageFault:
    return UsageFault(f"kubeconfig {path} cannot be read: {clean(error.strerror or error)}; check it")


def merge(configs: Iterable[Kubeconfig]) -> Kubeconfig:
    """One kubeconfig of several: the first that names a thing wins, the current context too."""
    merged = Kubeconfig()
    for each in configs:
        merged = Kubeconfig(
            merged.current or each.current,
            {**each.clusters, **merged.clusters},
            {**each.users, **merged.users},
            {**each.contexts, **merged.contexts},
        )
    return merged


_PATHS: Final = ("certificate-authority", "client-certificate", "client-key", "tokenFile")


def _resolved(config: Kubeconfig, folder: Path) -> Kubeconfig:
    clusters = {name: replace(each, body=_absolute(each.body, folder)) for name, each in config.clusters.items()}
    users = {name: replace(each, body=_absolute(each.body, folder)) for name, each in config.users.items()}
    return replace(config, clusters=clusters, users=users)


def _absolute(entry: Json, folder: Path) -> Json:
    """The entry with its paths, and a plugin's command that is a path, taken from the folder of its file."""
    fixed: Json = {key: str(folder / value) if key in _PATHS and value else value for key, value in entry.items()}
    plugin = fixed.get("exec", {})
    if os.sep in plugin.get("command", ""):
        fixed["exec"] = {**plugin, "command": str(folder / plugin["command"])}
    return fixed


def pick(config: Kubeconfig, context: str | None, source: str) -> Chosen:
    """The named (or current) context of a kubeconfig. Raises UsageFault, naming what is known."""
    known = ", ".join(_quoted(name) for name in sorted(config.contexts)[:30]) or "none"
    name = context or config.current
    if not name:
        raise UsageFault(f"{source} names no current context; give --context (known: {known})")
    if name not in config.contexts:
        raise UsageFault(f"context {_quoted(name)} is not in {source}; give --context (known: {known})")
    body = config.contexts[name].body
    cluster_name, user_name = body.get("cluster", ""), body.get("user", "")
    if cluster_name not in config.clusters:
        raise UsageFault(
            f"context {_quoted(name)} in {source} names cluster {_quoted(cluster_name)}, which is not there"
        )
    if user_name and user_name not in config.users:
        raise UsageFault(f"context {_quoted(name)} in {source} names user {_quoted(user_name)}, which is not there")
    cluster, user = config.clusters[cluster_name], config.users.get(user_name, Named({}, source))
    check_user(user.body, f"user {_quoted(user_name)} in {user.place}")
    return Chosen(
        clean(name, 253),
        clean(cluster_name, 253),
        clean(user_name, 253),
        clean(body.get("namespace") or "default", 253),
        check_cluster(cluster.body, user.body, f"cluster {_quoted(cluster_name)} in {cluster.place}"),
        user.body,
        source,
    )


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
