"""YAML with the place of every value kept, within bounds, and the small vocabulary in which readers ask for values.

A file is somebody's work, but it may be anything: so nothing is composed before its events have been counted.
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
STR: Final = "tag:yaml.org,2002:str"
NULL: Final = "tag:yaml.org,2002:null"
BOOL: Final = "tag:yaml.org,2002:bool"
INT: Final = "tag:yaml.org,2002:int"
FLOAT: Final = "tag:yaml.org,2002:float"
_KINDS: Final = {
    NULL: "nothing",
    BOOL: "a boolean",
    INT: "a number",
    FLOAT: "a number",
    "tag:yaml.org,2002:timestamp": "a date",
    "tag:yaml.org,2002:merge": "a merge key",
}


class PlacedFault(UsageFault):
    """A file that cannot be used; ``str()`` is ``file:line:column: `` and one sentence. Both count from 1.

    Line 0 stands for what has no place in a file: the sentence then follows the name alone.
    """

    def __init__(self, source: str, line: int, column: int, problem: str) -> None:
        super().__init__(f"{_place_in(source, line, column)}: {problem}")
        self.line = line
        self.column = column


def _place_in(source: str, line: int, column: int) -> str:
    return f"{clean(source)}:{line}:{column}" if line else clean(source)


@dataclass(frozen=True, slots=True)
class Source:
    """A file that is read: its ``name`` for messages, ``what`` it should be (``a contract``), how much of it is
    believed, and the ``fault`` that it raises."""

    name: str
    what: str
    fault: type[PlacedFault] = PlacedFault
    depth: int = MAX_DEPTH
    values: int = MAX_VALUES


@dataclass(frozen=True, slots=True)
class Node:
    """One value with its place. ``value`` is the text of a scalar, a tuple of nodes, or a mapping of key to entry.

    ``tag`` is the YAML tag of a scalar and empty for collections.
    """

    source: Source
    line: int
    column: int
    value: "str | tuple[Node, ...] | Mapping[str, Entry]"
    tag: str = ""

    def fault(self, problem: str) -> PlacedFault:
        """The fault at this place."""
        return self.source.fault(self.source.name, self.line, self.column, problem)

    @property
    def place(self) -> str:
        """Where it stands: ``file:line:column``."""
        return _place_in(self.source.name, self.line, self.column)

    @property
    def kind(self) -> str:
        """What this is, for "... is expected here, not ..."."""
        if isinstance(self.value, str):
            return _KINDS.get(self.tag, "text" if self.tag == STR else "an unknown kind of value")
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
        if not isinstance(self.value, str) or self.tag != STR:
            self.expected("text")
        if clean(self.value) != self.value:
            raise self.fault("the text holds a control character, a line break, or more than 4096 characters")
        return self.value

    def prose(self) -> str:
        """Text for people, in which line breaks count as spaces; not empty."""
        if not isinstance(self.value, str) or self.tag != STR:
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


def read_nodes(data: bytes, source: Source) -> Node:
    """The one document of a YAML file; nothing, at its beginning, where it is empty.

    Raises the source's fault, and nothing else, for whatever else it is.
    """
    return Builder.read(decoded(data, source), source)


def decoded(data: bytes, source: Source) -> str:
    """A file's text, which is UTF-8. Raises the source's fault."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        line, column = _place(data[: wrong.start].decode("utf-8", "replace"), None)
        raise source.fault(source.name, line, column, "this is not UTF-8 text; save the file as UTF-8") from wrong


def _place(text: str, position: int | None) -> tuple[int, int]:
    before = text[:position]
    return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1


@dataclass(slots=True)
class Builder:
    """Makes the nodes of one document from the parser's events, strictly; other readings of YAML override its parts."""

    source: Source
    events: Iterator[Any]
    anchors: dict[str, tuple[Node, int] | None] = field(default_factory=dict)
    left: int = 0

    @classmethod
    def read(cls, text: str, source: Source) -> Node:
        """The one document of a text, see :func:`read_nodes`."""
        try:
            return cls(source, yaml.parse(text, Loader=_LOADER), left=source.values).document()
        except yaml.YAMLError as wrong:
            mark = getattr(wrong, "problem_mark", None)
            line, column = (mark.line + 1, mark.column + 1) if mark else _place(text, getattr(wrong, "position", 0))
            problem = getattr(wrong, "problem", None) or "a character that YAML does not allow"
            raise source.fault(source.name, line, column, f"this is not YAML: {clean(problem, 120)}") from wrong

    def document(self) -> Node:
        """The document; every one after it is refused."""
        root: Node | None = None
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                if root is not None:
                    raise self.fault(event, f"a second document; {self.source.what} is one")
                root = self.node(next(self.events), 0)
        return root or Node(self.source, 1, 1, "", NULL)

    def fault(self, event: Any, problem: str) -> PlacedFault:
        """The fault at an event's place."""
        mark = event.start_mark
        return self.source.fault(self.source.name, mark.line + 1, mark.column + 1, problem)

    def node(self, event: Any, depth: int) -> Node:
        """The value that begins with an event, ``depth`` collections deep."""
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
        if depth > self.source.depth:
            raise self.fault(event, f"values are nested more than {self.source.depth} deep")
        line, column = event.start_mark.line + 1, event.start_mark.column + 1
        if isinstance(event, yaml.ScalarEvent):
            return Node(self.source, line, column, *self.scalar(event))
        mapping = isinstance(event, yaml.MappingStartEvent)
        value = self.mapping(depth) if mapping else tuple(self._items(depth))
        self.collection(event)
        return Node(self.source, line, column, value)

    def _spend(self, values: int, event: Any) -> None:
        self.left -= values
        if self.left < 0:
            most = self.source.values
            raise self.fault(event, f"the file holds more than {most} values once its aliases are written out")

    def _alias(self, event: Any) -> Node:
        anchored = self.anchors.get(event.anchor)
        if anchored is None:
            where = "stands inside what it names" if event.anchor in self.anchors else "names nothing above it"
            raise self.fault(event, f"the alias *{clean(event.anchor, 60)} {where}")
        node, values = anchored
        self._spend(values, event)
        return node

    def _items(self, depth: int) -> Iterator[Node]:
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            yield self.node(event, depth)

    def mapping(self, depth: int) -> dict[str, Entry]:
        """The entries of a mapping that has begun: keys are text, each there once."""
        entries: dict[str, Entry] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            key = self.node(event, depth)
            if not isinstance(key.value, str) or key.tag != STR:
                raise key.fault(f"a key is text, not {key.kind}; put it in quotes")
            if key.value in entries:
                first = entries[key.value].key.line
                raise key.fault(f"the key {clean(key.value, 60)!r} is there twice; the first is on line {first}")
            entries[key.value] = Entry(key, self.node(next(self.events), depth))
        return entries

    def collection(self, event: Any) -> None:
        """Refuses a collection with a tag."""
        if event.tag is not None:
            raise self.fault(event, f"{self.source.what} has no use for the tag {clean(event.tag, 60)}")

    def scalar(self, event: Any) -> tuple[str, str]:
        """The text of a scalar and its tag."""
        if event.tag is not None:
            return event.value, STR if event.tag == "!" else str(event.tag)
        plain, quoted = event.implicit
        resolve: Any = _RESOLVER.resolve
        return event.value, str(resolve(yaml.ScalarNode, event.value, (plain, quoted)))
