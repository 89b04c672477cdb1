"""Reads one YAML document with the types that Helm and kubectl give it, within bounds.

Go's YAML library and Python's disagree on dates, ``22:22``, ``y``, ``=`` and more, and Python's C composer overflows
its stack on deep nesting. So the value is built here straight from the parser's events, which are bounded one by one.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

from tui.text import clean

MAX_DEPTH: Final = 100
"""Nested collections. The deepest CRD schemas have about half of that."""

MAX_WEIGHT: Final = 1_500_000
"""Nodes of one manifest with every alias written out, where 64 characters of a scalar count as one more node."""

# libyaml where PyYAML has it; its pure Python parser gives the same events, slower.
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TAG: Final = "tag:yaml.org,2002:"

_CONSTANTS: Final[dict[str, bool | None]] = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
}
_NOT_JSON: Final = frozenset(f"{sign}.{word}" for sign in ("", "+", "-") for word in ("inf", "Inf", "INF")) | frozenset(
    (".nan", ".NaN", ".NAN")
)
_INTEGER: Final = re.compile(r"([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|(0|[1-9][0-9]*))")
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_LONGEST_NUMBER: Final = 400


class YamlProblem(Exception):
    """Why a text is not an acceptable document. ``line`` counts from 0 within that text."""

    def __init__(self, problem: str, line: int) -> None:
        super().__init__(problem)
        self.line = line


@dataclass(slots=True)
class Budget:
    """What is left of a bound that several documents share."""

    weight: int = MAX_WEIGHT


def read_document(text: str, budget: Budget) -> Any:
    """The one document of ``text`` as JSON values; None for an empty one. Mapping keys become strings.

    Raises YamlProblem, and nothing else, for what is not YAML, not representable as JSON, or over a bound.
    """
    try:
        return _Builder(yaml.parse(text, Loader=_LOADER), budget).document()
    except yaml.YAMLError as wrong:
        mark = getattr(wrong, "problem_mark", None)
        problem = getattr(wrong, "problem", None) or "a character that YAML does not allow"
        raise YamlProblem(clean(problem, 120), mark.line if mark else 0) from wrong
    except UnicodeEncodeError as wrong:
        raise YamlProblem("half a character (a lone surrogate)", text.count("\n", 0, wrong.start)) from wrong


def plain(text: str) -> bool | int | float | str | None:
    """The value of an unquoted scalar, by the rules of Go's library. Raises ValueError for NaN and infinities."""
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if text in _NOT_JSON:
        raise ValueError(text)
    first = text[0]
    if not (first in "+-." or first in "0123456789") or len(text) > _LONGEST_NUMBER:
        return text
    return _number(text if first == "." else text.replace("_", ""), text)


def _number(digits: str, text: str) -> int | float | str:
    found = _INTEGER.fullmatch(digits)
    if found:
        sign, *forms = found.groups()
        base, number = next((base, form) for base, form in zip((16, 2, 8, 10), forms, strict=True) if form)
        value = int(sign + number, base)
        if -(2**63) <= value < 2**64:
            return value
    if _FLOAT.fullmatch(digits):
        real = float(digits)
        if math.isfinite(real):
            # Go writes a whole float without a point, so the API server sees an integer.
            return int(real) if real.is_integer() and abs(real) < 1e21 else real
    return text


@dataclass(slots=True)
class _Builder:
    events: Iterator[Any]
    budget: Budget
    anchors: dict[str, tuple[Any, int] | None] = field(default_factory=dict)

    def document(self) -> Any:
        value = None
        seen = False
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                if seen:
                    raise YamlProblem("a second document without a line --- before it", _line(event))
                seen = True
                value = self._node(next(self.events), 0)
        return value

    def _node(self, event: Any, depth: int) -> Any:
        before = self.budget.weight
        self._spend(1, event)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        if event.anchor:
            self.anchors[event.anchor] = None
        if isinstance(event, yaml.ScalarEvent):
            self._spend(len(event.value) // 64, event)
            value = _scalar(event)
        else:
            value = self._collection(event, depth + 1)
        if event.anchor:
            self.anchors[event.anchor] = (value, before - self.budget.weight)
        return value

    def _spend(self, weight: int, event: Any) -> None:
        self.budget.weight -= weight
        if self.budget.weight < 0:
            raise YamlProblem(f"more than {MAX_WEIGHT} values once its aliases are written out", _line(event))

    def _alias(self, event: Any) -> Any:
        # libyaml has no list of anchors at this level: an unknown one arrives here like a known one.
        anchored = self.anchors.get(event.anchor)
        if anchored is None:
            why = "inside what it names" if event.anchor in self.anchors else "to nothing"
            raise YamlProblem(f"an alias {why}", _line(event))
        value, weight = anchored
        self._spend(weight, event)
        return _copy(value)

    def _collection(self, event: Any, depth: int) -> Any:
        if depth > MAX_DEPTH:
            raise YamlProblem(f"nested more than {MAX_DEPTH} deep", _line(event))
        mapping = isinstance(event, yaml.MappingStartEvent)
        if event.tag not in (None, "!", _TAG + ("map" if mapping else "seq")):
            raise YamlProblem(f"a tag {clean(event.tag, 60)} that a manifest cannot have", _line(event))
        return self._mapping(depth) if mapping else self._sequence(depth)

    def _sequence(self, depth: int) -> list[Any]:
        items = []
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            items.append(self._node(event, depth))
        return items

    def _mapping(self, depth: int) -> dict[str, Any]:
        own: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            line = _line(event)
            if _is_merge(event):
                if merged:
                    raise YamlProblem("a second merge key in one mapping", line)
                merged = _merged(self._node(next(self.events), depth), line)
                if not merged.keys().isdisjoint(own):
                    # Go lets a late merge overwrite what stands before it, YAML does not: take neither.
                    raise YamlProblem("a merge key below a key that it repeats", line)
                continue
            key = _key(self._node(event, depth), line)
            if key in own:
                raise YamlProblem(f"the key {clean(key, 60)!r} twice in one mapping", line)
            own[key] = self._node(next(self.events), depth)
        return merged | own if merged else own


def _scalar(event: Any) -> Any:
    tag = event.tag
    if tag is None:
        if not event.implicit[0]:
            return event.value
    elif tag in ("!", _TAG + "str", _TAG + "timestamp"):
        return event.value
    elif tag not in (_TAG + "int", _TAG + "float", _TAG + "bool", _TAG + "null"):
        raise YamlProblem(f"a tag {clean(tag, 60)} that a manifest cannot have", _line(event))
    try:
        return plain(event.value)
    except ValueError as wrong:
        raise YamlProblem("a number that JSON cannot hold", _line(event)) from wrong


def _is_merge(event: Any) -> bool:
    return isinstance(event, yaml.ScalarEvent) and event.value == "<<" and event.implicit[0]


def _merged(value: Any, line: int) -> dict[str, Any]:
    # Of several mappings the first that has a key gives its value.
    merged: dict[str, Any] = {}
    for part in reversed(value if isinstance(value, list) else [value]):
        if not isinstance(part, dict):
            raise YamlProblem("a merge key whose value is not a mapping", line)
        merged |= part
    return merged


def _line(event: Any) -> int:
    return event.start_mark.line if event.start_mark else 0


def _key(value: Any, line: int) -> str:
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case _:
            raise YamlProblem("a mapping key that is not text", line)


def _copy(value: Any) -> Any:
    match value:
        case dict():
            return {key: _copy(item) for key, item in value.items()}
        case list():
            return [_copy(item) for item in value]
        case _:
            return value
