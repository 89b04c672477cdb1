"""The marks of a contract's owners and of every known tool, held against one object. Pure.

A known tool's marks count whether the contract names the tool or not. Where the contract has a mark too, it says whose.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from tui.contract.model import Contract, Mark, glob
from tui.contract.select import is_plain
from tui.contract.tool_marks import HELM, TOOLS
from tui.contract.tools import Part, parts, tool_names
from tui.objects import Live, Ref, group_of

NAMES: Final = 4096
"""Names of labels whose marks are remembered: a cluster has fewer."""

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
    """One label or annotation of a mark: whose, globs of name and value, and whether the value names the object.

    ``declared``: it is the contract's. ``unless``: owners beside whose own marks this one says nothing more.
    """

    owner: str
    name: str
    value: str
    own: bool
    declared: bool
    unless: frozenset[str]


class _Named(NamedTuple):
    """The texts that one name may bear: by their value where that is plain, and the rest."""

    by_value: Mapping[str, tuple[_Text, ...]]
    rest: tuple[_Text, ...]


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
        self.any = bool(self.plain or self.globs)
        # Objects bear the same few names again and again; None of one that no mark has.
        self._known: dict[str, _Named | None] = {}

    def borne(self, have: Mapping[str, str]) -> Sequence[_Text]:
        """Those that may be among these, in one order whatever order these are kept in; the contract's first."""
        found: list[_Text] = []
        known = self._known
        for name in have:
            named = known[name] if name in known else self._learn(name)
            if named is not None:
                found += named.rest
                found += named.by_value.get(have[name], ())
        return sorted(set(found), key=_order) if len(found) > 1 else found

    def _learn(self, name: str) -> _Named | None:
        if len(self._known) >= NAMES:
            self._known.clear()
        texts = [*self.plain.get(name, ()), *(text for text in self.globs if glob(text.name, name))]
        by_value: dict[str, list[_Text]] = defaultdict(list)
        for text in texts:
            by_value[text.value if is_plain(text.value) and not text.own else "*"].append(text)
        rest = tuple(by_value.pop("*", ()))
        named = _Named({value: tuple(some) for value, some in by_value.items()}, rest) if texts else None
        self._known[name] = named
        return named


def _order(text: _Text) -> tuple[bool, str, str, str]:
    return not text.declared, text.owner, text.name, text.value


class Marks:
    """The marks of a contract and those of the table of tools, by what they look at."""

    def __init__(self, contract: Contract) -> None:
        names = tool_names(contract)
        declared = [(owner.name, mark) for owner in contract.owners.values() for mark in owner.marks]
        known = [(names[tool.name], mark) for tool in TOOLS for mark in tool.marks]
        texts = {
            sort: [*_declared_texts(declared, sort, names), *_known_texts(sort, names)]
            for sort in ("label", "annotation")
        }
        self._labels, self._annotations = _Texts(texts["label"]), _Texts(texts["annotation"])
        self._naming = tuple(_Texts(text for text in each if text.own) for each in texts.values())
        self._inventories = [pair for pair in declared if pair[1].inventory]
        self._known_inventories = {kind: name for name, mark in known for kind in mark.inventory}
        self._kinds = tuple([pair for pair in pairs if pair[1].owner_kind] for pairs in (declared, known))
        self._managers = tuple([pair for pair in pairs if pair[1].manager] for pairs in (declared, known))
        self._marks_releases = frozenset(names[tool.name] for tool in TOOLS if tool.marks_releases)
        self.of_manager = lru_cache(maxsize=4096)(self._of_manager)
        self.declares_manager = lru_cache(maxsize=4096)(self._declares_manager)
        self.of_owner_kind = lru_cache(maxsize=4096)(self._of_owner_kind)

    def _of_manager(self, manager: str) -> tuple[str, ...]:
        """The owners who apply with a field manager of this name; the contract's, else a known tool."""
        declared, known = (_named(pairs, manager) for pairs in self._managers)
        return declared or known

    def _declares_manager(self, manager: str) -> bool:
        """Whether the contract itself says whose a field manager is."""
        return bool(_named(self._managers[0], manager))

    def of_inventory(self, kind: str) -> str | None:
        """The contract's owner whose objects of this kind list what it holds."""
        return next((name for name, mark in self._inventories if kind in mark.inventory), None)

    def of_known_inventory(self, kind: str) -> str:
        """Whose objects of this kind of a known tool list what the tool holds."""
        return self._known_inventories[kind]

    def of_label(self, name: str) -> str | None:
        """The contract's first owner who is recognised by a label of exactly this name, whatever its value."""
        texts = self._labels.plain.get(name, ())
        return next((text.owner for text in texts if text.declared and text.value == "*"), None)

    def _of_owner_kind(self, api_version: str, kind: str) -> tuple[str, ...]:
        """The owners of what an object of this kind is named as owner of; the contract's, else a known tool."""
        names = (kind, f"{kind}.{group_of(api_version)}")
        declared, known = (
            tuple(owner for owner, mark in pairs if any(glob(p, name) for p in mark.owner_kind for name in names))
            for pairs in self._kinds
        )
        return declared or known

    def on(self, live: Live) -> Sequence[Hit]:
        """Every label and annotation of the object that a mark names."""
        labels, annotations = self._labels.borne(live.labels), self._annotations.borne(live.annotations)
        return _hits(live, labels, annotations) if labels or annotations else ()

    def copies_on(self, live: Live) -> Sequence[Hit]:
        """Every label and annotation of the object that should name it and names another."""
        labels, annotations = self._naming
        if not (annotations.borne(live.annotations) or (labels.any and labels.borne(live.labels))):
            return ()
        return [hit for hit in self.on(live) if hit.copied]

    def installer_on(self, live: Live) -> str | None:
        """The one tool that installs Helm releases and marks what they hold, where its mark is on the object."""
        found = {hit.owner for hit in self.on(live) if hit.owner in self._marks_releases}
        return found.pop() if len(found) == 1 else None


def _named(pairs: Iterable[tuple[str, Mark]], manager: str) -> tuple[str, ...]:
    return tuple(name for name, mark in pairs if any(glob(pattern, manager) for pattern in mark.manager))


@lru_cache(maxsize=4096)
def installs_releases(manager: str) -> bool | None:
    """Whether a field manager is of a tool that installs Helm releases; None where it is not a known tool's."""
    if manager == HELM:
        return True
    tools = [tool for tool in TOOLS if _named(((tool.name, mark) for mark in tool.marks), manager)]
    return any(tool.installs for tool in tools) if tools else None


_BESIDE: Final[Mapping[tuple[str, Part], tuple[str, ...]]] = {
    (tool.name, part): tool.unless for tool in TOOLS for mark in tool.marks for part in parts(mark) if tool.unless
}
"""The tools beside whose marks a part of a tool's mark says nothing more, by the tool's name and the part."""


def _declared_texts(pairs: Iterable[tuple[str, Mark]], sort: str, names: Mapping[str, str]) -> Iterator[_Text]:
    for owner, mark in pairs:
        # Where an owner has a tool's name and its mark, it is the tool.
        yield from (
            _text(owner, part, (names[each] for each in _BESIDE.get((owner, part), ())), declared=True)
            for part in parts(mark)
            if part.sort == sort
        )


def _known_texts(sort: str, names: Mapping[str, str]) -> Iterator[_Text]:
    for tool in TOOLS:
        unless = [names[each] for each in tool.unless]
        yield from (
            _text(names[tool.name], part, unless, declared=False)
            for mark in tool.marks
            for part in parts(mark)
            if part.sort == sort
        )


def _text(owner: str, part: Part, unless: Iterable[str], *, declared: bool) -> _Text:
    own = bool(_PLACEHOLDER.search(part.value))
    return _Text(owner, part.name, part.value, own, declared, frozenset(unless) - {owner})


def _hits(live: Live, labels: Iterable[_Text], annotations: Iterable[_Text]) -> list[Hit]:
    found = [
        (text, hit)
        for texts, have, annotation in ((labels, live.labels, False), (annotations, live.annotations, True))
        for text in texts
        if (hit := _hit(text, have, live.ref, annotation=annotation)) is not None
    ]
    if len(found) < 2:
        return [hit for _, hit in found]
    # One mark never makes two owners: whose it is the contract says, where it knows it.
    said = {(hit.annotation, hit.name, hit.copied) for text, hit in found if text.declared}
    kept = [
        (text, hit)
        for text, hit in found
        if text.declared or not {(hit.annotation, hit.name, copied) for copied in (False, hit.copied)} & said
    ]
    owners = {hit.owner for _, hit in kept if not hit.copied}
    return [hit for text, hit in kept if not text.unless & owners]


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
