"""The marks that a contract declares, held against one object: labels, annotations, managers, references. Pure."""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Final, NamedTuple

from tui.contract.model import Contract, Mark, glob
from tui.objects import Live, Ref, group_of

_PLACEHOLDER: Final = re.compile(r"\{(group|kind|namespace|name)\}")


class Hit(NamedTuple):
    """A label or annotation that a mark names. ``own``: its value had to name the object itself, and does.

    ``copied``: it had to, and names another; such a mark proves nothing.
    """

    owner: str
    name: str
    value: str
    annotation: bool
    own: bool
    copied: bool = False


class Marks:
    """A contract's marks by what they look at."""

    def __init__(self, contract: Contract) -> None:
        pairs = [(owner.name, mark) for owner in contract.owners.values() for mark in owner.marks]
        self._texts = [pair for pair in pairs if pair[1].label is not None or pair[1].annotation is not None]
        self._inventories = [pair for pair in pairs if pair[1].inventory]
        self._kinds = [pair for pair in pairs if pair[1].owner_kind]
        self._managers = [pair for pair in pairs if pair[1].manager]
        self.of_manager = lru_cache(maxsize=4096)(self._of_manager)

    def _of_manager(self, manager: str) -> tuple[str, ...]:
        """The owners who apply with a field manager of this name."""
        return tuple(name for name, mark in self._managers if any(glob(pattern, manager) for pattern in mark.manager))

    def of_inventory(self, kind: str) -> str | None:
        """The owner whose objects of this kind list what it holds."""
        return next((name for name, mark in self._inventories if kind in mark.inventory), None)

    def of_owner_kind(self, api_version: str, kind: str) -> tuple[str, ...]:
        """The owners of what an object of this kind is named as owner of."""
        names = (kind, f"{kind}.{group_of(api_version)}")
        return tuple(
            owner
            for owner, mark in self._kinds
            if any(glob(pattern, name) for pattern in mark.owner_kind for name in names)
        )

    def on(self, live: Live) -> Iterator[Hit]:
        """Every label and annotation of the object that a mark names."""
        for owner, mark in self._texts:
            annotation = mark.label is None
            have = live.annotations if annotation else live.labels
            for pattern, value_pattern in (mark.annotation or mark.label or {}).items():
                hit = _hit(owner, mark, have, pattern, value_pattern, live.ref)
                if hit is not None:
                    yield hit


def _hit(owner: str, mark: Mark, have: Mapping[str, str], pattern: str, value_pattern: str, ref: Ref) -> Hit | None:
    annotation, own = mark.label is None, "{" in value_pattern and bool(_PLACEHOLDER.search(value_pattern))
    found = _first_match(have, pattern, own_pattern(value_pattern, ref) if own else value_pattern)
    if found is not None:
        return Hit(owner, *found, annotation=annotation, own=own)
    copy = _first_match(have, pattern, _PLACEHOLDER.sub("*", value_pattern)) if own else None
    return Hit(owner, *copy, annotation=annotation, own=False, copied=True) if copy else None


def own_pattern(pattern: str, ref: Ref) -> str:
    """The pattern with the object's own identity in its placeholders.

    Of a cluster-scoped object any namespace will do: Argo CD writes the one it was to deploy to.
    """

    def own(match: re.Match[str]) -> str:
        text = {"group": ref.group, "kind": ref.kind, "namespace": ref.namespace, "name": ref.name}[match[1]]
        return "*" if text is None else re.sub(r"([*?[])", r"[\1]", text)

    return _PLACEHOLDER.sub(own, pattern)


def _first_match(have: Mapping[str, str], pattern: str, value_pattern: str) -> tuple[str, str] | None:
    if "*" not in pattern and "?" not in pattern and "[" not in pattern:
        value = have.get(pattern)
        return (pattern, value) if value is not None and glob(value_pattern, value) else None
    return next(((n, v) for n, v in sorted(have.items()) if glob(pattern, n) and glob(value_pattern, v)), None)
