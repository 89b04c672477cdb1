"""Sets of fields, as ``metadata.managedFields`` records them: a field is a path of FieldsV1 elements.

An element is ``f:name``, ``k:{"name":"x"}`` (an item of a keyed list) or ``v:"x"`` (an item of a set).
"""

import json
from collections.abc import Iterable
from typing import Any

from tui.practice.schema import Shape, Type, field, list_keys

Json = dict[str, Any]
Path = tuple[str, ...]
Fields = frozenset[Path]

UNTRACKED: Fields = frozenset(
    {("f:apiVersion",), ("f:kind",), ("f:metadata",)}
    | {
        ("f:metadata", f"f:{name}")
        for name in (
            *("name", "namespace", "uid", "generation", "resourceVersion", "creationTimestamp"),
            *("deletionTimestamp", "deletionGracePeriodSeconds", "managedFields", "selfLink"),
        )
    }
)
"""What nobody owns, whoever writes it."""


def element_of_key(key: Json) -> str:
    """The element that names an item of a keyed list."""
    return "k:" + json.dumps(key, separators=(",", ":"), sort_keys=True, ensure_ascii=False)


def element_of_value(value: Any) -> str:
    """The element that names an item of a set."""
    return "v:" + json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def decode(fields: Any) -> Fields:
    """The paths of a FieldsV1 object; elements of unknown kinds, and what is no object, are left out."""
    found: set[Path] = set()

    def walk(node: Json, path: Path) -> None:
        for key, child in node.items():
            if key == ".":
                found.add(path)
            elif key[:2] in ("f:", "k:", "v:", "i:"):
                if not child:
                    found.add((*path, key))
                elif isinstance(child, dict):
                    walk(child, (*path, key))

    if isinstance(fields, dict):
        walk(fields, ())
    return frozenset(found)


def encode(paths: Iterable[Path]) -> Json:
    """The FieldsV1 object of a set of paths, sorted as the API server sorts it."""
    ordered = sorted(paths)
    tree: Json = {}
    members = set(ordered)
    for path in ordered:
        node = tree
        for index, element in enumerate(path):
            if not node and path[:index] in members and index:
                node["."] = {}
            node = node.setdefault(element, {})
    return tree


def children(of: Type, value: Any) -> Iterable[tuple[str, Type, Any]]:
    """The parts of a value that can be owned one by one: (element, type, value). None for leaves and atomics."""
    if of.atomic or value is None:
        return
    if isinstance(value, dict) and of.shape in (Shape.STRUCT, Shape.MAP, Shape.ANY):
        for name, inner in value.items():
            inner_type = field(of, name)
            if inner_type is not None:
                yield f"f:{name}", inner_type, inner
    elif isinstance(value, list) and of.item is not None:
        if of.shape is Shape.KEYED_LIST:
            for item in value:
                yield element_of_key(list_keys(item, of.keys)), of.item, item
        elif of.shape is Shape.SET:
            for item in value:
                yield element_of_value(item), of.item, item


def nodes(of: Type, value: Any) -> dict[Path, Any]:
    """Every ownable path of a value, inner nodes included, with the value of leaves (None for inner nodes)."""
    found: dict[Path, Any] = {}

    def walk(of: Type, value: Any, path: Path) -> None:
        for element, inner_type, inner in children(of, value):
            below = (*path, element)
            granular = inner is None and not inner_type.atomic and inner_type.shape in (Shape.KEYED_LIST, Shape.SET)
            found[below] = None if granular or _inner(inner_type, inner) else (inner,)
            walk(inner_type, inner, below)

    walk(of, value, ())
    return found


def _inner(of: Type, value: Any) -> bool:
    """Whether a value is owned by its parts and not as a whole."""
    if of.atomic:
        return False
    if isinstance(value, dict):
        return of.shape in (Shape.STRUCT, Shape.MAP, Shape.ANY)
    return isinstance(value, list) and of.shape in (Shape.KEYED_LIST, Shape.SET)


def applied(of: Type, value: Json) -> Fields:
    """The fields that an applied configuration lays claim to."""
    found: set[Path] = set()

    def walk(of: Type, value: Any, path: Path, *, named: bool) -> None:
        inner = _inner(of, value)
        if not inner or not named or (isinstance(value, dict) and not value):
            found.add(path)
        if inner:
            for element, inner_type, below in children(of, value):
                is_field = of.shape is Shape.STRUCT and element.startswith("f:")
                walk(inner_type, below, (*path, element), named=is_field)

    for element, inner_type, inner in children(of, value):
        walk(inner_type, inner, (element,), named=True)
    return frozenset(found) - UNTRACKED


def changes(of: Type, old: Json, new: Json) -> tuple[Fields, Fields]:
    """What differs between two objects: (added or modified, removed) paths, untracked ones left out."""
    before, after = nodes(of, old), nodes(of, new)
    touched = {path for path, value in after.items() if path not in before or before[path] != value}
    gone = before.keys() - after.keys()
    return frozenset(touched) - UNTRACKED, frozenset(gone) - UNTRACKED


def render(path: Path) -> str:
    """A path as conflicts print it: ``.spec.template.spec.containers[name="manager"].image``."""
    text = ""
    for element in path:
        body = element[2:]
        if element.startswith("f:"):
            text += f".{body}"
        elif element.startswith("k:"):
            pairs = ",".join(f"{k}={json.dumps(v, ensure_ascii=False)}" for k, v in json.loads(body).items())
            text += f"[{pairs}]"
        else:
            text += f"[={body}]" if element.startswith("v:") else f"[{body}]"
    return text
