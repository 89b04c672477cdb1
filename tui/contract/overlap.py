"""What selectors have to do with one another, without any object: does one take all that another does, can they meet?

Both answers lean towards no: a linter that cries wolf is switched off.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from functools import lru_cache
from itertools import chain, filterfalse, product
from typing import TypeVar

from tui.contract.model import Selector
from tui.contract.select import is_plain

MAX_ATOMS = 1000
"""Combinations of kind, name and namespace up to which a selector is taken apart."""

T = TypeVar("T")
Globs = tuple[str, ...]


def atoms(selector: Selector) -> Iterator[Selector]:
    """The selector taken apart: one kind, one name and one namespace each, as far as it names any."""
    parts = [getattr(selector, key) or ((),) for key in ("kinds", "names", "namespaces")]
    size = 1
    for part in parts:
        size *= len(part)
    if size > MAX_ATOMS:
        yield selector
        return
    for kind, name, namespace in product(*parts):
        yield replace(
            selector,
            kinds=(kind,) if kind else (),
            names=(name,) if name else (),
            namespaces=(namespace,) if namespace else (),
        )


def covers(wide: Selector, narrow: Selector) -> bool:
    """Whether every object that ``narrow`` chooses is certainly chosen by ``wide`` too."""
    return (
        all(
            _covers_globs(getattr(wide, key), getattr(narrow, key))
            for key in ("kinds", "groups", "names", "namespaces")
        )
        and _covers_exclusion(wide, narrow)
        and all(
            _covers_mapping(getattr(wide, key), getattr(narrow, key), glob_covers) for key in ("labels", "annotations")
        )
        and _covers_mapping(wide.fields, narrow.fields, _covers_globs)
    )


def may_meet(one: Selector, other: Selector) -> bool:
    """Whether some object could be chosen by both."""
    return (
        all(_meet_globs(getattr(one, key), getattr(other, key)) for key in ("kinds", "groups", "namespaces", "names"))
        and not _excluded(one, other)
        and not _excluded(other, one)
        and all(_meet_mappings(getattr(one, key), getattr(other, key), globs_meet) for key in ("labels", "annotations"))
        and _meet_mappings(one.fields, other.fields, _meet_globs)
    )


@lru_cache(maxsize=65536)
def glob_covers(wide: str, narrow: str) -> bool:
    """Whether every text that ``narrow`` matches is certainly matched by ``wide``."""
    if wide in ("*", narrow):
        return True
    if is_plain(narrow):
        return fnmatchcase(narrow, wide)
    if "[" in wide or "[" in narrow:
        return False
    # Characters no name holds stand for the wildcards: two for *, so that a single ? cannot swallow them.
    return fnmatchcase(narrow.replace("*", "\0\0").replace("?", "\1"), wide)


@lru_cache(maxsize=65536)
def globs_meet(one: str, other: str) -> bool:
    """Whether some text could be matched by both; a character class counts as any character."""
    if is_plain(one):
        return fnmatchcase(one, other)
    if is_plain(other):
        return fnmatchcase(other, one)
    return _sequences_meet(_characters(one), _characters(other))


def _characters(pattern: str) -> str:
    # Each class becomes one question mark; an unclosed bracket cannot get past the loader.
    text = ""
    while (start := pattern.find("[")) >= 0 and (end := pattern.find("]", start + 2)) > 0:
        text += pattern[:start] + "?"
        pattern = pattern[end + 1 :]
    return text + pattern


def _sequences_meet(one: str, other: str) -> bool:
    # Row by row: reach[j] tells whether what was read of "one" and the first j characters of "other" can meet.
    reach = [True] + [False] * len(other)
    for j, character in enumerate(other):
        reach[j + 1] = reach[j] and character == "*"
    for letter in one:
        row = [reach[0] and letter == "*"]
        for j, character in enumerate(other):
            if letter == "*" or character == "*":
                step = reach[j + 1] or row[j]
            else:
                step = reach[j] and (letter == character or "?" in (letter, character))
            row.append(step)
        reach = row
    return reach[-1]


def _covers_globs(wide: Globs, narrow: Globs) -> bool:
    if not wide:
        return True
    # Names by the hundred are plain ones: these cover and meet their equals alone.
    names, wild = frozenset(wide), [glob for glob in wide if not is_plain(glob)]
    return bool(narrow) and all(n in names or any(glob_covers(w, n) for w in wild) for n in narrow)


def _meet_globs(one: Globs, other: Globs) -> bool:
    if not one or not other or not frozenset(one).isdisjoint(other):
        return True
    pairs = chain(product(filterfalse(is_plain, one), other), product(one, filterfalse(is_plain, other)))
    return any(globs_meet(a, b) for a, b in pairs)


def _covers_exclusion(wide: Selector, narrow: Selector) -> bool:
    if not wide.namespaces_not:
        return True
    if narrow.namespaces_not:
        return _covers_globs(narrow.namespaces_not, wide.namespaces_not)
    return bool(narrow.namespaces) and not _meet_globs(narrow.namespaces, wide.namespaces_not)


def _excluded(chosen: Selector, excluding: Selector) -> bool:
    return bool(chosen.namespaces and excluding.namespaces_not) and _covers_globs(
        excluding.namespaces_not, chosen.namespaces
    )


def _covers_mapping(
    wide: Mapping[str, T] | None, narrow: Mapping[str, T] | None, cover: Callable[[T, T], bool]
) -> bool:
    have = narrow or {}
    return all(key in have and cover(value, have[key]) for key, value in (wide or {}).items())


def _meet_mappings(one: Mapping[str, T] | None, other: Mapping[str, T] | None, meet: Callable[[T, T], bool]) -> bool:
    have = other or {}
    return all(meet(value, have[key]) for key, value in (one or {}).items() if key in have)
