"""The shapes of the built-in kinds: which lists merge and by which keys, which maps are atomic, which fields exist.

``schema.json`` holds one short expression a field, learnt from a real API server:

``s i n b x``       string, integer, number, boolean, anything
``@T``, ``!T``      a struct; ``!`` where the server always writes it, if only as ``{}``
``{}e``, ``{=}e``   a map of ``e``; the second is atomic
``[]e``             an atomic list; ``[*]e`` a set; ``[a,b]e`` a list keyed by the fields a and b
``%k``, ``*``       at the end: the merge key of strategic patches; the field is required
"""

import json
from dataclasses import dataclass
from enum import Enum
from functools import cache
from importlib import resources
from typing import Any

Json = dict[str, Any]


class Shape(Enum):
    """How a value is merged and owned."""

    LEAF = "leaf"
    STRUCT = "struct"
    MAP = "map"
    ATOMIC_LIST = "atomic-list"
    SET = "set"
    KEYED_LIST = "keyed-list"
    ANY = "any"


@dataclass(frozen=True, slots=True)
class Type:
    """One parsed expression. ``struct`` names a table entry; ``keys`` are those of a keyed list.

    ``atomic`` is owned as a whole. ``merge_key`` is what a strategic patch merges a list by. ``scalar`` is one of
    the letters of a leaf. ``inline`` structs are always written.
    """

    shape: Shape
    struct: str = ""
    item: "Type | None" = None
    keys: tuple[str, ...] = ()
    atomic: bool = False
    merge_key: str = ""
    required: bool = False
    inline: bool = False
    scalar: str = ""


ANY = Type(Shape.ANY)
"""A value without a schema: maps are granular, lists atomic, as in a custom resource."""


@cache
def _table() -> Json:
    text = resources.files("tui.practice").joinpath("schema.json").read_text(encoding="utf-8")
    return dict(json.loads(text))


@cache
def _parse(expression: str) -> Type:
    required = expression.endswith("*") and not expression.endswith("[*")
    body, _, merge_key = expression.removesuffix("*").partition("%")
    head = body[0]
    if head in "@!":
        atomic = body[1] == "="
        name = body[1:].removeprefix("=")
        atomic = atomic or _table()["types"][name].get("@") == "atomic"
        return Type(Shape.STRUCT, struct=name, atomic=atomic, inline=head == "!", required=required)
    if head == "{":
        atomic = body[1] == "="
        return Type(Shape.MAP, item=_parse(body.partition("}")[2]), atomic=atomic, required=required)
    if head == "[":
        keys, _, rest = body[1:].partition("]")
        item = _parse(rest)
        if keys == "*":
            return Type(Shape.SET, item=item, required=required)
        if not keys:
            return Type(Shape.ATOMIC_LIST, item=item, atomic=True, merge_key=merge_key, required=required)
        parts = tuple(keys.split(","))
        return Type(Shape.KEYED_LIST, item=item, keys=parts, merge_key=merge_key or parts[0], required=required)
    return Type(Shape.ANY if body == "x" else Shape.LEAF, required=required, scalar=body)


@cache
def fields_of(struct: str) -> dict[str, Type]:
    """The fields of a struct type."""
    return {name: _parse(expression) for name, expression in _table()["types"][struct].items() if name != "@"}


CUSTOM = Type(Shape.STRUCT, struct="*custom*")
"""A custom resource: metadata is typed, the rest is free-form."""


@cache
def type_of(group: str, version: str, kind: str) -> Type:
    """The type of a served kind; :data:`CUSTOM` for one that no table entry describes."""
    name = _table()["kinds"].get(f"{group}/{version}/{kind}")
    return Type(Shape.STRUCT, struct=name) if name else CUSTOM


def field(of: Type, name: str) -> Type | None:
    """The type of one field or map value; None for a field that the struct does not have."""
    if of.shape is Shape.MAP:
        return of.item
    if of.shape is Shape.STRUCT:
        if of.struct == CUSTOM.struct:
            return Type(Shape.STRUCT, struct="ObjectMeta", inline=True) if name == "metadata" else ANY
        return fields_of(of.struct).get(name)
    return ANY


def list_keys(item: Json, keys: tuple[str, ...]) -> Json:
    """The key of an item of a keyed list; an absent protocol means TCP, as the server defaults it."""
    return {key: item.get(key, "TCP") for key in keys if key in item or key == "protocol"}
