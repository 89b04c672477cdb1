"""What selectors have to do with one another, held against what they really choose."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.contract.model import Selector
from tui.contract.overlap import MAX_ATOMS, atoms, covers, glob_covers, globs_meet, may_meet
from tui.contract.select import matches_document
from tui.objects import Ref


@pytest.mark.parametrize(
    ("wide", "narrow", "expected"),
    [
        ("*", "a*", True),
        ("a*", "ab*", True),
        ("a*", "*", False),
        ("ab*", "a*", False),
        ("a?", "ab", True),
        ("a?", "a*", False),
        ("a*", "a?", True),
        ("a?c", "a?c", True),
        ("*-x", "a-*-x", True),
        ("[ab]", "a", True),
        ("[ab]*", "a*", False),
        ("a", "[a]", False),
    ],
)
def test_one_glob_takes_all_of_another(wide: str, narrow: str, expected: bool) -> None:
    assert glob_covers(wide, narrow) is expected


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("a*", "*b", True),
        ("a*", "b*", False),
        ("a?", "?b", True),
        ("a", "a", True),
        ("a", "b", False),
        ("a*c", "ab", False),
        ("*", "*", True),
        ("?", "??", False),
        ("pulumi-????????", "pulumi-op*", True),
        ("x-[0-9][0-9]", "x-1*", True),
        ("*a*b", "b*a", False),
    ],
)
def test_two_globs_meet(one: str, other: str, expected: bool) -> None:
    assert globs_meet(one, other) is expected
    assert globs_meet(other, one) is expected


def test_atoms_have_one_of_each() -> None:
    selector = Selector(kinds=("A", "B"), names=("x", "y"), labels={"l": "1"})
    parts = list(atoms(selector))
    assert [(p.kinds, p.names, p.namespaces, p.labels) for p in parts] == [
        ((kind,), (name,), (), {"l": "1"}) for kind in "AB" for name in "xy"
    ]


def test_too_many_atoms_stay_together() -> None:
    selector = Selector(kinds=("A", "B"), names=tuple(map(str, range(MAX_ATOMS))))
    assert list(atoms(selector)) == [selector]


globs = st.sampled_from(["a", "b", "ab", "a*", "*b", "*", "?", "a?", "[ab]", "[!a]*"])
some = st.tuples(globs) | st.tuples(globs, globs)
several = st.just(()) | some
texts = st.none() | st.dictionaries(st.sampled_from(["k", "l"]), globs, min_size=1, max_size=2)
fields = st.none() | st.dictionaries(st.sampled_from(["spec.x", "spec.y"]), some, min_size=1, max_size=2)
selectors = st.builds(
    Selector,
    kinds=several,
    groups=st.just(()) | st.tuples(st.sampled_from(["", "a", "*"])),
    names=several,
    namespaces=several,
    namespaces_not=several,
    labels=texts,
    annotations=texts,
    fields=fields,
)
words = st.sampled_from(["a", "b", "ab", "ba", "aa"])
bearing = st.dictionaries(st.sampled_from(["k", "l"]), words, max_size=2)


@given(
    selectors,
    selectors,
    st.builds(Ref, st.sampled_from(["v1", "a/v1"]), words, st.none() | words, words),
    bearing,
    bearing,
    st.dictionaries(st.sampled_from(["x", "y"]), words),
)
def test_both_answers_hold_for_every_object(
    one: Selector, other: Selector, ref: Ref, labels: dict[str, str], notes: dict[str, str], spec: dict[str, str]
) -> None:
    body = {"spec": spec}
    by_one, by_other = (matches_document(selector, ref, labels, notes, body) for selector in (one, other))
    if by_one and by_other:
        assert may_meet(one, other)
    if by_other and covers(one, other):
        assert by_one
    assert any(matches_document(part, ref, labels, notes, body) for part in atoms(one)) is by_one
