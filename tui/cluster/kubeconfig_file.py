"""One kubeconfig file, read as kubectl reads it: every field of its schema by its type, and nothing half.

The fields are those of kubernetes:staging/src/k8s.io/client-go/tools/clientcmd/api/v1/types.go. What has another type
is refused with its place; a field that is not of the schema is passed over.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from tui.cluster.go_nodes import nodes_of, read_go_nodes
from tui.helm.goyaml import plain
from tui.objects import Json
from tui.text import clean
from tui.yaml_nodes import Entry, Node, PlacedFault, Source

_DEPTH: Final = 100
"""Nested collections: extensions hold whatever their tools put there."""

_BASE64: Final = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")


@dataclass(frozen=True, slots=True)
class Named:
    """What one entry of a list names, and where it stands (``FILE:LINE:COLUMN``). The body may hold credentials."""

    body: Json = field(repr=False)
    place: str


@dataclass(frozen=True, slots=True)
class Kubeconfig:
    """What one kubeconfig says, or several merged: its current context, and entries by their names."""

    current: str = ""
    clusters: Mapping[str, Named] = field(default_factory=dict)
    users: Mapping[str, Named] = field(default_factory=dict)
    contexts: Mapping[str, Named] = field(default_factory=dict)


def parse(data: bytes, name: str) -> Kubeconfig:
    """The kubeconfig in a file's bytes; ``name`` names the file. Raises PlacedFault, and nothing else."""
    return _kubeconfig(read_go_nodes(data, Source(name, "a kubeconfig", depth=_DEPTH)))


def of_value(value: Json, name: str) -> Kubeconfig:
    """The kubeconfig that plain data is. Raises PlacedFault, which has no place to name."""
    return _kubeconfig(nodes_of(value, Source(name, "a kubeconfig")))


Reader = Callable[[Node, str], Any]
"""Reads a node, at a path that a message can name, as one type; nothing at all is that type's empty value."""


def _wrong(node: Node, path: str, what: str, step: str = "correct it") -> PlacedFault:
    return node.fault(f"{path or 'the top'} must be {what}, not {node.kind}; {step}")


def _text(node: Node, path: str) -> str:
    if node.is_null:
        return ""
    if not isinstance(node.value, str) or node.kind != "text":
        raise _wrong(node, path, "text", "put it in quotes" if isinstance(node.value, str) else "correct it")
    return node.value


def _flag(node: Node, path: str) -> bool:
    if node.is_null:
        return False
    if not isinstance(node.value, str) or node.kind != "a boolean":
        step = "write it without quotes, or remove it" if node.kind == "text" else "correct it, or remove it"
        raise _wrong(node, path, "true or false", step)
    return plain(node.value) is True


def _base64(node: Node, path: str) -> str:
    """Text that is base64 by Go's rules: line ends count for nothing, and everything else must be right."""
    text = _text(node, path).replace("\r", "").replace("\n", "")
    if not _BASE64.fullmatch(text):
        raise node.fault(f"{path} is not base64; copy it again, whole")
    return text


def _anything(node: Node, path: str) -> Any:
    match node.value:
        case tuple():
            return [_anything(item, path) for item in node.value]
        case str():
            return node.value if node.kind == "text" else plain(node.value)
        case _:
            return {key: _anything(entry.value, path) for key, entry in node.value.items()}


def _list(of: Reader) -> Reader:
    def read(node: Node, path: str) -> list[Any]:
        if node.is_null:
            return []
        if not isinstance(node.value, tuple):
            raise _wrong(node, path, "a list")
        return [of(item, f"{path}[{number}]") for number, item in enumerate(node.value)]

    return read


def _map(of: Reader) -> Reader:
    def read(node: Node, path: str) -> Json:
        return {key: of(entry.value, f"{path}.{clean(key, 60)}") for key, entry in _entries(node, path).items()}

    return read


def _struct(fields: Mapping[str, Reader]) -> Reader:
    """A mapping with these fields; those with nothing in them are left out."""

    def read(node: Node, path: str) -> Json:
        return {
            name: fields[name](entry.value, f"{path}.{name}" if path else name)
            for name, entry in _entries(node, path).items()
            if name in fields and not entry.value.is_null
        }

    return read


def _entries(node: Node, path: str) -> Mapping[str, Entry]:
    if node.is_null:
        return {}
    if not isinstance(node.value, dict):
        raise _wrong(node, path, "a mapping")
    return node.value


def _named(key: str, of: Reader) -> Reader:
    """A list of what has a name and, under a key, a body; no name is there twice."""
    entry = _struct({"name": _text, key: of})

    def read(node: Node, path: str) -> dict[str, Named]:
        found: dict[str, Named] = {}
        for item, parts in _list(lambda item, where: (item, entry(item, where)))(node, path):
            name = parts.get("name", "")
            if name in found:
                raise item.fault(f"{path} has two entries named `{clean(name, 253)}`; rename or remove one")
            found[name] = Named(parts.get(key, {}), item.place)
        return found

    return read


def _extensions(node: Node, path: str) -> Json:
    return {name: each.body for name, each in _named("extension", _anything)(node, path).items()}


_CLUSTER: Final = _struct(
    {
        "server": _text,
        "tls-server-name": _text,
        "insecure-skip-tls-verify": _flag,
        "certificate-authority": _text,
        "certificate-authority-data": _base64,
        "proxy-url": _text,
        "disable-compression": _flag,
        "extensions": _extensions,
    }
)
_PLUGIN: Final = _struct(
    {
        "command": _text,
        "args": _list(_text),
        "env": _list(_struct({"name": _text, "value": _text})),
        "apiVersion": _text,
        "installHint": _text,
        "provideClusterInfo": _flag,
        "interactiveMode": _text,
    }
)
_USER: Final = _struct(
    {
        "client-certificate": _text,
        "client-certificate-data": _base64,
        "client-key": _text,
        "client-key-data": _base64,
        "token": _text,
        "tokenFile": _text,
        "as": _text,
        "as-uid": _text,
        "as-groups": _list(_text),
        "as-user-extra": _map(_list(_text)),
        "username": _text,
        "password": _text,
        "auth-provider": _struct({"name": _text, "config": _map(_text)}),
        "exec": _PLUGIN,
        "extensions": _extensions,
    }
)
_CONTEXT: Final = _struct({"cluster": _text, "user": _text, "namespace": _text, "extensions": _extensions})
_CONFIG: Final = _struct(
    {
        "apiVersion": _text,
        "kind": _text,
        "preferences": _struct({"colors": _flag, "extensions": _extensions}),
        "current-context": _text,
        "clusters": _named("cluster", _CLUSTER),
        "users": _named("user", _USER),
        "contexts": _named("context", _CONTEXT),
        "extensions": _extensions,
    }
)


def _kubeconfig(root: Node) -> Kubeconfig:
    parts = _CONFIG(root, "")
    for key, expected in (("apiVersion", "v1"), ("kind", "Config")):
        if parts.get(key, "") not in ("", expected):
            place = _entries(root, "")[key].value
            raise place.fault(f"{key} must be {expected} in a kubeconfig; correct it, or name another file")
    sections = (parts.get(name, {}) for name in ("clusters", "users", "contexts"))
    return Kubeconfig(parts.get("current-context", ""), *sections)
