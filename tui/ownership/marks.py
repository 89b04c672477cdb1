"""The marks that a contract declares, held against one object: labels, annotations, managers, references. Pure."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Final, NamedTuple

from tui.contract.model import Contract, glob
from tui.contract.select import is_plain
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


class _Text(NamedTuple):
    """One label or annotation of a mark: whose, globs of name and value, and whether the value names the object."""

    owner: str
    name: str
    value: str
    own: bool


class _Texts:
    """The labels (or annotations) of all marks, found by name: most objects bear none, and there are many objects."""

    def __init__(self, texts: Iterable[_Text]) -> None:
        self.plain: dict[str, list[_Text]] = defaultdict(list)
        self.globs: list[_Text] = []
        for text in texts:
            if is_plain(text.name):
                self.plain[text.name].append(text)
            else:
                self.globs.append(text)

    def borne(self, have: Mapping[str, str]) -> Iterator[_Text]:
        """Those that may be among these."""
        for name in self.plain:
            if name in have:
                yield from self.plain[name]
        if have:
            yield from self.globs


class Marks:
    """A contract's marks by what they look at."""

    def __init__(self, contract: Contract) -> None:
        pairs = [(owner.name, mark) for owner in contract.owners.values() for mark in owner.marks]
        self._labels = _Texts(_texts((owner, mark.label) for owner, mark in pairs))
        self._annotations = _Texts(_texts((owner, mark.annotation) for owner, mark in pairs))
        self._inventories = [pair for pair in pairs if pair[1].inventory]
        self._kinds = [pair for pair in pairs if pair[1].owner_kind]
        self._managers = [pair for pair in pairs if pair[1].manager]
        self.name_their_object = any(
            _PLACEHOLDER.search(value)
            for _, mark in pairs
            for texts in (mark.label, mark.annotation)
            for value in (texts or {}).values()
        )
        """Whether any mark's value has to name the object itself, so that a copy of it can be told."""
        self.of_manager = lru_cache(maxsize=4096)(self._of_manager)

    def _of_manager(self, manager: str) -> tuple[str, ...]:
        """The owners who apply with a field manager of this name."""
        return tuple(name for name, mark in self._managers if any(glob(pattern, manager) for pattern in mark.manager))

    def of_inventory(self, kind: str) -> str | None:
        """The owner whose objects of this kind list what it holds."""
        return next((name for name, mark in self._inventories if kind in mark.inventory), None)

    def of_label(self, name: str) -> str | None:
        """The first owner who is recognised by a label of exactly this name, whatever its value."""
        return next((text.owner for text in self._labels.plain.get(name, ()) if text.value == "*"), None)

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
        for texts, have, annotation in (
            (self._labels, live.labels, False),
            (self._annotations, live.annotations, True),
        ):
            for text in texts.borne(have):
                hit = _hit(text, have, live.ref, annotation=annotation)
                if hit is not None:
                    yield hit


def _texts(pairs: Iterable[tuple[str, Mapping[str, str] | None]]) -> Iterator[_Text]:
    for owner, texts in pairs:
        for name, value in (texts or {}).items():
            yield _Text(owner, name, value, bool(_PLACEHOLDER.search(value)))


def _hit(text: _Text, have: Mapping[str, str], ref: Ref, *, annotation: bool) -> Hit | None:
    found = _first_match(have, text.name, own_pattern(text.value, ref) if text.own else text.value)
    if found is not None:
        return Hit(text.owner, *found, annotation=annotation, own=text.own)
    copy = _first_match(have, text.name, _PLACEHOLDER.sub("*", text.value)) if text.own else None
    return Hit(text.owner, *copy, annotation=annotation, own=False, copied=True) if copy else None


def own_pattern(pattern: str, ref: Ref) -> str:
    """The pattern with the object's own identity in its placeholders.

    Of a cluster-scoped object any namespace will do: Argo CD writes the one it was to deploy to.
    """

    def own(match: re.Match[str]) -> str:
        text = {"group": ref.group, "kind": ref.kind, "namespace": ref.namespace, "name": ref.name}[match[1]]
        return "*" if text is None else re.sub(r"([*?[])", r"[\1]", text)

    return _PLACEHOLDER.sub(own, pattern)


def _first_match(have: Mapping[str, str], pattern: str, value_pattern: str) -> tuple[str, str] | None:
    if is_plain(pattern):
        value = have.get(pattern)
        return (pattern, value) if value is not None and glob(value_pattern, value) else None
    return next(((n, v) for n, v in sorted(have.items()) if glob(pattern, n) and glob(value_pattern, v)), None)
