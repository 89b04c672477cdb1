"""Whether a live object still says what its release's document says. Pure.

The API server fills in defaults and writes quantities its own way, so a document is a subset of its live object: only
what the document says is compared. What cannot be compared is no drift.
"""

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final

from tui.objects import Json, Live

_SKIPPED: Final = frozenset({"apiVersion", "kind", "metadata", "status", "stringData"})
_MERGE_KEYS: Final = ("name", "containerPort", "port", "mountPath", "type", "ip", "key", "topologyKey")
_QUANTITY: Final = re.compile(r"([+-]?[0-9.]+)(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei|n|u|)")
_LONGEST: Final = 60
"""Characters of a quantity: a longer text is none, and too costly to compare as one."""

_SCALES: Final = {"n": Decimal("1e-9"), "u": Decimal("1e-6"), "m": Decimal("1e-3"), "": Decimal(1)} | {
    unit + suffix: Decimal(base) ** (power + 1)
    for suffix, base in (("", 1000), ("i", 1024))
    for power, unit in enumerate("kMGTPE" if not suffix else "KMGTPE")
}


def drift(document: Json, live: Live) -> tuple[str, ...]:
    """The paths at which the live object says something else than the document.

    Empty where only metadata was read, and for a CustomResourceDefinition, whose schemas an inventory leaves out.
    """
    if live.body is None or live.ref.kind == "CustomResourceDefinition":
        return ()
    return tuple(
        path
        for name in document
        if name not in _SKIPPED
        for path in _differences(document[name], live.body.get(name), name)
    )


def _differences(want: Any, have: Any, path: str) -> Iterator[str]:
    if want is None or (have is None and _says_nothing(want)):
        return
    if isinstance(want, dict):
        if isinstance(have, dict):
            for name, value in want.items():
                yield from _differences(value, have.get(name), f"{path}.{name}")
        else:
            yield path
    elif isinstance(want, list):
        yield from _list_differences(want, have, path)
    elif not same_value(want, have):
        yield path


def _list_differences(want: list[Any], have: Any, path: str) -> Iterator[str]:
    if not isinstance(have, list):
        yield path
        return
    for index, value in enumerate(want):
        key = next((k for k in _MERGE_KEYS if isinstance(value, dict) and isinstance(value.get(k), str | int)), None)
        if key is not None:
            # Two entries may share a key: one volume mounted twice, one port by two protocols.
            twins: list[Any] = [
                item for item in have if isinstance(item, dict) and same_value(value[key], item.get(key))
            ]
            found = [tuple(_differences(value, twin, f"{path}[{key}={value[key]}]")) for twin in twins or [None]]
            yield from min(found, key=len)
        elif index < len(have):
            yield from _differences(value, have[index], f"{path}[{index}]")
        else:
            yield f"{path}[{index}]"


def _says_nothing(want: Any) -> bool:
    """Whether a value is what a field has that is not there: zero, or a mapping of nothing but such values."""
    if isinstance(want, dict):
        return all(_says_nothing(value) for value in want.values())
    return want is None or want in ([], "", False, 0)


def same_value(want: Any, have: Any) -> bool:
    """Whether two scalars are the same to the API server: equal, or the same quantity written two ways."""
    if want == have or str(want) == str(have):
        return True
    first, second = quantity(want), quantity(have)
    return first is not None and first == second


def quantity(value: Any) -> Decimal | None:
    """The number that a Kubernetes quantity stands for, such as ``10Gi`` or ``500m``; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    text = str(value)
    match = _QUANTITY.fullmatch(text) if len(text) <= _LONGEST else None
    if match is None or match[1].count(".") > 1 or not any(map(str.isdigit, match[1])):
        return None
    return Decimal(match[1]) * _SCALES[match[2]]
