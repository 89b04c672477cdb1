"""Who set which fields of an object, and when: the field sets of ``metadata.managedFields``, read and printed. Pure.

Only the main resource counts: entries of a subresource (status, scale) are its controllers' bookkeeping.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from tui.objects import Live, Manager
from tui.text import clean

Path = tuple[str, ...]
"""One field, as the elements that FieldsV1 writes: ``f:spec``, ``k:{"name":"x"}``, ``v:"x"``, ``i:0``."""

MAX_PATH: Final = 300
"""Characters of a printed field."""

_ELEMENTS: Final = ("f:", "k:", "v:", "i:")
_BROKEN: Final = object()


@dataclass(frozen=True, slots=True)
class Holding:
    """What one manager holds of an object. ``paths`` are printed as the API server prints them, in order.

    ``sole``: no other manager has written the main resource, so that every field of it is this one's; an inventory
    then keeps no set, and ``paths`` may be empty.
    """

    manager: str
    operation: str
    time: str
    paths: tuple[str, ...]
    sole: bool

    @property
    def who(self) -> str:
        """``name (operation at time)``: how texts name the entry."""
        return f"{self.manager} ({self.operation}{f' at {self.time}' if self.time else ''})"


def holdings(live: Live) -> tuple[Holding, ...]:
    """What each manager of the main resource holds, last writer first. Two operations of one name are two entries."""
    main = main_managers(live)
    sole = len({each.name for each in main}) == 1
    found = [
        Holding(each.name, each.operation, each.time, tuple(map(rendered, sorted(leaves(each)))), sole) for each in main
    ]
    return tuple(sorted(found, key=lambda each: (each.time, each.manager, each.operation), reverse=True))


def main_managers(live: Live) -> tuple[Manager, ...]:
    """The entries of managedFields that are of the object itself and not of a subresource."""
    return tuple(manager for manager in live.managers if not manager.subresource)


def setters(live: Live, *names: str) -> tuple[Manager, ...]:
    """The managers that hold the field of these names (``"spec", "suspend"``), or something above or below it.

    Where one manager has the object to itself its set is not kept, and it has set whatever is there. A field of
    ``.spec`` that was set through a subresource (``kubectl scale``) was set by that entry.
    """
    path = tuple(f"f:{name}" for name in names)
    main = {each.name for each in main_managers(live)}
    return tuple(
        manager
        for manager in live.managers
        if manager.subresource != "status"
        and (_reaches(manager.fields, path) or (not manager.packed and main == {manager.name}))
    )


def leaves(manager: Manager) -> frozenset[Path]:
    """The fields that the manager holds; empty where its set was not kept.

    What only holds others together (a map whose entries are named, the keys by which a list item is known) is left
    out: every tool that writes below it holds it too, and nobody quarrels over it.
    """
    return _leaves(manager.packed) if manager.packed else frozenset()


@lru_cache(maxsize=1024)
def _leaves(packed: str) -> frozenset[Path]:
    found: set[Path] = set()
    # A stack of its own: a set may be nested as deep as JSON can be read.
    below: list[tuple[Path, Any]] = [((), json.loads(packed))]
    while below:
        path, node = below.pop()
        children = [(key, child) for key, child in node.items() if _says(path, key, child)]
        if path and not children:
            found.add(path)
        below += [((*path, key), child) for key, child in children]
    return frozenset(found)


def _says(path: Path, key: str, child: Any) -> bool:
    """Whether a child names a field of its own: not ``.``, the node itself, nor an element of an unknown kind."""
    if not key.startswith(_ELEMENTS) or not isinstance(child, dict):
        return False
    item = _value(path[-1]) if path and path[-1].startswith("k:") else None
    return not (isinstance(item, dict) and key[2:] in item)


def _reaches(node: Mapping[str, Any], path: Path) -> bool:
    """Whether a set names the field, something below it, or something above it as a whole."""
    for element in path:
        child = node.get(element)
        if not isinstance(child, dict):
            return False
        node = child
        if not any(key != "." for key in node):
            return True
    return True


def rendered(path: Path) -> str:
    """A field as the API server prints it in a conflict: ``.spec.template.spec.containers[name="manager"].image``.

    Names are not quoted, so that the text cannot be split at its dots (structured-merge-diff fieldpath/element.go).
    """
    # Decoding an element may bring to light what was escaped in it.
    return clean("".join(_element(element) for element in path), MAX_PATH)


def _element(element: str) -> str:
    kind, rest = element[:2], element[2:]
    if kind == "f:":
        return f".{rest}"
    value = _value(element)
    if kind == "k:" and isinstance(value, dict):
        return f"[{','.join(f'{name}={_scalar(part)}' for name, part in value.items())}]"
    return f"[{rest}]" if kind == "i:" or value is _BROKEN else f"[={_scalar(value)}]"


def _value(element: str) -> Any:
    """The JSON behind an element's kind, or what says that it is none."""
    try:
        return json.loads(element[2:])
    except (ValueError, RecursionError):
        return _BROKEN


def _scalar(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def shared(one: Manager, other: Manager) -> Iterator[Path]:
    """The fields that both managers hold, in order."""
    yield from sorted(leaves(one) & leaves(other))
