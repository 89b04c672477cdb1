"""YAML with the place of every value kept, within bounds, and the small vocabulary in which the loader asks for values.

A contract is somebody's file, but it may be anything: so nothing is composed before its events have been counted.
"""

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn

import yaml

from tui.faults import UsageFault
from tui.text import clean

MAX_DEPTH: Final = 20
"""Nested collections; a contract needs seven."""

MAX_VALUES: Final = 100_000
"""Values of one file with every alias written out."""

_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_RESOLVER: Final = yaml.resolver.Resolver()
_STR: Final = "tag:yaml.org,2002:str"
_KINDS: Final = {
    "tag:yaml.org,2002:null": "nothing",
    "tag:yaml.org,2002:bool": "a boolean",
    "tag:yaml.org,2002:int": "a number",
    "tag:yaml.org,2002:float": "a number",
    "tag:yaml.org,2002:timestamp": "a date",
    "tag:yaml.org,2002:merge": "a merge key",
}


class ContractFault(UsageFault):
    """A contract that cannot be used; ``str()`` is ``file:line:column: `` and one sentence. Both count from 1."""

    def __init__(self, source: str, line: int, column: int, problem: str) -> None:
        super().__init__(f"{clean(source)}:{line}:{column}: {problem}")
        self.line = line
        self.column = column


@dataclass(frozen=True, slots=True)
class Node:
    """One value with its place. ``value`` is the text of a scalar, a tuple of nodes, or a mapping of key to entry.

    ``tag`` is the YAML tag of a scalar and empty for collections.
    """

    source: str
    line: int
    column: int
    value: "str | tuple[Node, ...] | Mapping[str, Entry]"
    tag: str = ""

    def fault(self, problem: str) -> ContractFault:
        """The fault at this place."""
        return ContractFault(self.source, self.line, self.column, problem)

    @property
    def kind(self) -> str:
        """What this is, for "... is expected here, not ..."."""
        if isinstance(self.value, str):
            return _KINDS.get(self.tag, "text" if self.tag == _STR else "an unknown kind of value")
        return "a list" if isinstance(self.value, tuple) else "a mapping"

    @property
    def is_null(self) -> bool:
        """Whether nothing is written here."""
        return self.kind == "nothing"

    def expected(self, what: str) -> NoReturn:
        """Refuses the value for not being ``what``."""
        quote = "; put it in quotes" if isinstance(self.value, str) and not self.is_null and "text" in what else ""
        raise self.fault(f"{what} is expected here, not {self.kind}{quote}")

    def text(self) -> str:
        """The text of a scalar that YAML reads as text; one line, no control characters."""
        if not isinstance(self.value, str) or self.tag != _STR:
            self.expected("text")
        if clean(self.value) != self.value:
            raise self.fault("the text holds a control character, a line break, or more than 4096 characters")
        return self.value

    def prose(self) -> str:
        """Text for people, in which line breaks count as spaces; not empty."""
        if not isinstance(self.value, str) or self.tag != _STR:
            self.expected("text")
        text = " ".join(self.value.split())
        if not text or clean(text) != text:
            raise self.fault("some text is expected here, without control characters")
        return text

    def boolean(self) -> bool:
        """``true`` or ``false``, in these words."""
        if self.value not in ("true", "false") or self.kind != "a boolean":
            raise self.fault("true or false is expected here")
        return self.value == "true"

    def items(self, what: str) -> "tuple[Node, ...]":
        """The elements of a list that is not empty."""
        if not isinstance(self.value, tuple):
            self.expected(f"a list of {what}")
        if not self.value:
            raise self.fault(f"at least one of these is expected here: {what}")
        return self.value

    def entries(self, what: str) -> "Mapping[str, Entry]":
        """The entries of a mapping, in the file's order."""
        if not isinstance(self.value, dict):
            self.expected(what)
        return self.value

    def keys(self, known: Iterable[str], required: Iterable[str], what: str) -> "dict[str, Node]":
        """The values of a mapping of which every key is known and every required one is there."""
        entries = self.entries(what)
        names = list(known)
        for key, entry in entries.items():
            if key not in names:
                raise entry.key.fault(f"{what} has no key {clean(key, 60)!r}{hint(key, names)}")
        for name in required:
            if name not in entries:
                raise self.fault(f"{what} needs the key {name!r}")
            if entries[name].value.is_null:
                raise entries[name].key.fault(f"{what} needs a value for the key {name!r}")
        return {key: entry.value for key, entry in entries.items()}


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a mapping: the key's own node and the value's."""

    key: Node
    value: Node


def hint(word: str, known: Iterable[str]) -> str:
    """``; did you mean ...?`` where a known word is near, else the known words themselves."""
    names = list(known)
    near = difflib.get_close_matches(word[:100], names, n=1)
    if near:
        return f"; did you mean {near[0]!r}?"
    return f"; known are {', '.join(sorted(names))}" if 0 < len(names) <= 12 else ""


def read_nodes(data: bytes, source: str) -> Node:
    """The one document of a YAML file. Raises ContractFault, and nothing else, for whatever else it is."""
    text = _decoded(data, source)
    try:
        return _Builder(source, yaml.parse(text, Loader=_LOADER)).document()
    except yaml.YAMLError as wrong:
        mark = getattr(wrong, "problem_mark", None)
        line, column = (mark.line + 1, mark.column + 1) if mark else _place(text, getattr(wrong, "position", 0))
        problem = getattr(wrong, "problem", None) or "a character that YAML does not allow"
        raise ContractFault(source, line, column, f"this is not YAML: {clean(problem, 120)}") from wrong


def _decoded(data: bytes, source: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        line, column = _place(data[: wrong.start].decode("utf-8", "replace"), None)
        raise ContractFault(source, line, column, "this is not UTF-8 text; save the file as UTF-8") from wrong


def _place(text: str, position: int | None) -> tuple[int, int]:
    before = text[:position]
    return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1


@dataclass(slots=True)
class _Builder:
    source: str
    events: Iterator[Any]
    anchors: dict[str, tuple[Node, int] | None] = field(default_factory=dict)
    left: int = MAX_VALUES

    def document(self) -> Node:
        root: Node | None = None
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                if root is not None:
                    raise self._fault(event, "a second document; a contract is one")
                root = self._node(next(self.events), 0)
        if root is None or root.is_null:
            raise ContractFault(self.source, 1, 1, "the file is empty; a contract needs version, name, layers, owners")
        return root

    def _fault(self, event: Any, problem: str) -> ContractFault:
        mark = event.start_mark
        return ContractFault(self.source, mark.line + 1, mark.column + 1, problem)

    def _node(self, event: Any, depth: int) -> Node:
        before = self.left
        self._spend(1, event)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        if event.anchor:
            self.anchors[event.anchor] = None
        node = self._built(event, depth + 1)
        if event.anchor:
            self.anchors[event.anchor] = (node, before - self.left)
        return node

    def _built(self, event: Any, depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise self._fault(event, f"values are nested more than {MAX_DEPTH} deep")
        line, column = event.start_mark.line + 1, event.start_mark.column + 1
        if isinstance(event, yaml.ScalarEvent):
            return Node(self.source, line, column, event.value, _tag(event))
        value = self._mapping(depth) if isinstance(event, yaml.MappingStartEvent) else tuple(self._items(depth))
        if event.tag is not None:
            raise self._fault(event, f"a contract has no use for the tag {clean(event.tag, 60)}")
        return Node(self.source, line, column, value)

    def _spend(self, values: int, event: Any) -> None:
        self.left -= values
        if self.left < 0:
            raise self._fault(event, f"the file holds more than {MAX_VALUES} values once its aliases are written out")

    def _alias(self, event: Any) -> Node:
        anchored = self.anchors.get(event.anchor)
        if anchored is None:
            where = "stands inside what it names" if event.anchor in self.anchors else "names nothing above it"
            raise self._fault(event, f"the alias *{clean(event.anchor, 60)} {where}")
        node, values = anchored
        self._spend(values, event)
        return node

    def _items(self, depth: int) -> Iterator[Node]:
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            yield self._node(event, depth)

    def _mapping(self, depth: int) -> dict[str, Entry]:
        entries: dict[str, Entry] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            key = self._node(event, depth)
            if not isinstance(key.value, str) or key.tag != _STR:
                raise key.fault(f"a key is text, not {key.kind}; put it in quotes")
            if key.value in entries:
                first = entries[key.value].key.line
                raise key.fault(f"the key {clean(key.value, 60)!r} is there twice; the first is on line {first}")
            entries[key.value] = Entry(key, self._node(next(self.events), depth))
        return entries


def _tag(event: Any) -> str:
    if event.tag is not None:
        return _STR if event.tag == "!" else str(event.tag)
    plain, quoted = event.implicit
    resolve: Any = _RESOLVER.resolve
    return str(resolve(yaml.ScalarNode, event.value, (plain, quoted)))
