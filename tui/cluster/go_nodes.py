"""YAML as kubectl reads it where nothing asks it to be strict, with the place of every value kept.

It means what Go's library makes of it (sigs.k8s.io/yaml): ``yes`` is true, of a key that is there twice the last
counts, a merge key takes effect where it stands, and of several documents the first is the file.
"""

import base64
import codecs
from typing import Any, Final

import yaml

from tui.helm.goyaml import plain
from tui.objects import Json
from tui.yaml_nodes import BOOL, FLOAT, INT, NULL, STR, Builder, Entry, Node, Source, decoded

_BINARY: Final = "tag:yaml.org,2002:binary"
_RESOLVED: Final = frozenset({BOOL, INT, FLOAT, NULL})


def read_go_nodes(data: bytes, source: Source) -> Node:
    """The first document of a file; nothing, at its beginning, where it is empty. Raises the source's fault alone."""
    return _GoBuilder.read(_text_of(data, source), source)


def nodes_of(value: Json, source: Source) -> Node:
    """Plain data as nodes that have no place."""
    return _node_of(value, source)


def _text_of(data: bytes, source: Source) -> str:
    if not data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return decoded(data, source)
    try:
        return data.decode("utf-16")
    except UnicodeDecodeError as wrong:
        raise source.fault(source.name, 1, 1, "this is not UTF-16 text; save the file as UTF-8") from wrong


class _GoBuilder(Builder):
    """YAML as sigs.k8s.io/yaml reads it where nothing asks it to be strict."""

    __slots__ = ()

    def document(self) -> Node:
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                return self.node(next(self.events), 0)
        return Node(self.source, 1, 1, "", NULL)

    def scalar(self, event: Any) -> tuple[str, str]:
        if event.tag == _BINARY:
            return self._binary(event), STR
        if event.tag is not None and event.tag not in _RESOLVED:
            return event.value, STR
        if event.tag is None and not event.implicit[0]:
            return event.value, STR
        tag = self._resolved(event)
        if event.tag not in (None, tag) and (event.tag, tag) != (FLOAT, INT):
            raise self.fault(event, f"this is no {event.tag.rpartition(':')[2]}, as its tag says; take the tag away")
        return event.value, tag

    def _resolved(self, event: Any) -> str:
        try:
            return _tag_of(plain(event.value))
        except ValueError as wrong:
            raise self.fault(event, "this is a number that JSON cannot hold; put it in quotes") from wrong

    def _binary(self, event: Any) -> str:
        try:
            return base64.b64decode(event.value, validate=True).decode("utf-8", "replace")
        except ValueError as wrong:
            raise self.fault(event, "this is not base64, as its tag says; take the tag away") from wrong

    def collection(self, event: Any) -> None:
        # Go passes the tags of collections over.
        pass

    def mapping(self, depth: int) -> dict[str, Entry]:
        entries: dict[str, Entry] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            merges = isinstance(event, yaml.ScalarEvent) and event.value == "<<" and event.implicit[0]
            key = self.node(event, depth)
            value = self.node(next(self.events), depth)
            if merges:
                entries |= _merged(value)
            elif isinstance(key.value, str) and not key.is_null:
                entries[key.value] = Entry(key, value)
            else:
                raise key.fault(f"a key is text, not {key.kind}")
        return entries


def _merged(value: Node) -> dict[str, Entry]:
    """The entries that a merge key brings in: of several mappings the first that has a key gives its value."""
    parts = value.value if isinstance(value.value, tuple) else (value,)
    found: dict[str, Entry] = {}
    for part in reversed(parts):
        if not isinstance(part.value, dict):
            raise part.fault("a merge key takes a mapping, or a list of them")
        found |= part.value
    return found


def _tag_of(value: object) -> str:
    match value:
        case None:
            return NULL
        case bool():
            return BOOL
        case int():
            return INT
        case float():
            return FLOAT
        case _:
            return STR


def _node_of(value: Any, source: Source) -> Node:
    match value:
        case dict():
            keys = {str(key): Node(source, 0, 0, str(key), STR) for key in value}
            entries = {str(key): Entry(keys[str(key)], _node_of(item, source)) for key, item in value.items()}
            return Node(source, 0, 0, entries)
        case list() | tuple():
            return Node(source, 0, 0, tuple(_node_of(item, source) for item in value))
        case bool():
            return Node(source, 0, 0, "true" if value else "false", BOOL)
        case _:
            return Node(source, 0, 0, "" if value is None else str(value), _tag_of(value))
