"""The types that Helm and kubectl give to YAML, where Python's library would give others."""

import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tui.helm.goyaml import MAX_DEPTH, Budget, YamlProblem, plain, read_document


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("22:22", "22:22"),
        ("2024-01-01", "2024-01-01"),
        ("2024-01-01T00:00:00Z", "2024-01-01T00:00:00Z"),
        ("=", "="),
        ("<", "<"),
        ("y", True),
        ("N", False),
        ("yes", True),
        ("off", False),
        ("yEs", "yEs"),
        ("~", None),
        ("", None),
        ("Null", None),
        ("0777", 511),
        ("-0777", -511),
        ("0o17", 15),
        ("089", 89),
        ("0x1F", 31),
        ("-0b101", -5),
        ("1_000", 1000),
        ("+12", 12),
        ("1e3", 1000),
        ("1.5e-3", 0.0015),
        (".5", 0.5),
        ("1.", 1),
        ("1.25", 1.25),
        ("1.2.3", "1.2.3"),
        ("v1", "v1"),
        ("_1", "_1"),
        ("-", "-"),
        (".", "."),
        ("...a", "...a"),
        ("18446744073709551615", 2**64 - 1),
        ("1e999", "1e999"),
        ("9" * 500, "9" * 500),
    ],
)
def test_unquoted_scalars(text: str, value: object) -> None:
    assert plain(text) == value
    assert type(plain(text)) is type(value)


@pytest.mark.parametrize("text", [".nan", "-.inf", "+.Inf"])
def test_numbers_that_json_lacks_are_refused(text: str) -> None:
    with pytest.raises(YamlProblem, match="JSON cannot hold"):
        read_document(f"a: {text}", Budget())


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: 'yes'\nb: \"1\"\nc: |\n  5\n", {"a": "yes", "b": "1", "c": "5\n"}),
        ("on: 1\n1: a\n1.5: b\n0x10: c", {"true": 1, "1": "a", "1.5": "b", "16": "c"}),
        ("a: !!str 5\nb: !!int '5'\nc: ! 7\nd: !!null ''", {"a": "5", "b": 5, "c": "7", "d": None}),
        ("a: &x [1, {b: 2}]\nc: *x", {"a": [1, {"b": 2}], "c": [1, {"b": 2}]}),
        ("a: &x {k: 1, l: 2}\nb: {<<: *x, l: 3}", {"a": {"k": 1, "l": 2}, "b": {"k": 1, "l": 3}}),
        ("<<: [{a: 1}, {a: 2, b: 2}]\nc: 3", {"a": 1, "b": 2, "c": 3}),
        ("'<<': 1", {"<<": 1}),
        ("", None),
        ("# only a comment", None),
    ],
)
def test_documents(text: str, value: object) -> None:
    assert read_document(text, Budget()) == value


def test_an_alias_is_a_copy() -> None:
    value = read_document("a: &x {k: 1}\nb: *x", Budget())
    value["a"]["k"] = 2
    assert value["b"] == {"k": 1}


BILLION = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 10)
)


@pytest.mark.parametrize(
    ("text", "problem", "line"),
    [
        (BILLION, "aliases are written out", 6),
        (f"a: &a {'x' * 100_000}\nb: [{', '.join(['*a'] * 2000)}]", "aliases are written out", 1),
        ("a: 1\nb: &b [*b]", "an alias inside what it names", 1),
        ("a: *nowhere", "an alias to nothing", 0),
        ("a: 1\n\na: 2", "the key 'a' twice", 2),
        ("on: 1\ntrue: 2", "the key 'true' twice", 1),
        ("[" * 200_000, f"nested more than {MAX_DEPTH} deep", 0),
        ("{a: " * 200_000, f"nested more than {MAX_DEPTH} deep", 0),
        ("- " * 5000, f"nested more than {MAX_DEPTH} deep", 0),
        ("? [a]\n: 1", "a mapping key that is not text", 0),
        ("~: 1", "a mapping key that is not text", 0),
        ("a: 1\n<<: {a: 2}", "a merge key below a key that it repeats", 1),
        ("<<: {a: 2}\n<<: {b: 2}", "a second merge key", 1),
        ("<<: 5", "a merge key whose value is not a mapping", 0),
        ("a: !!python/object/apply:os.system [true]", "a tag", 0),
        ("a: !custom b", "a tag", 0),
        ("a: !!binary aGk=", "a tag", 0),
        ("a: 1\n---\nb: 2", "a second document", 1),
        ("a: 1\n...\nb: 2", "did not find expected", 2),
        ("a: [1", "did not find expected", 1),
        ("a: b: c", "not allowed in this context", 0),
        ("a: \x00", "", 0),
        ('a: "\\ud83d\\ude00"', "", 0),
        ("a: 1\nb: \ud800", "lone surrogate", 1),
    ],
    ids=lambda value: repr(value)[:24],
)
def test_hostile_text_is_a_problem_with_its_line(text: str, problem: str, line: int) -> None:
    with pytest.raises(YamlProblem) as caught:
        read_document(text, Budget())
    assert problem in str(caught.value)
    if problem and "expected" not in problem:
        assert caught.value.line == line


def test_the_budget_is_shared_by_documents() -> None:
    budget = Budget(weight=10)
    read_document("[1, 2, 3]", budget)
    read_document("[1, 2, 3]", budget)
    with pytest.raises(YamlProblem):
        read_document("[1, 2, 3]", budget)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=8), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(json_values)
def test_json_values_come_back(value: object) -> None:
    # In quotes, because Python's writer leaves bare what only Go reads as a boolean or a number.
    text = yaml.safe_dump({"v": _quotable(value)}, default_style='"', allow_unicode=True)
    assert read_document(text, Budget()) == {"v": _quotable(value)}


def _quotable(value: object) -> object:
    match value:
        case dict():
            return {key: _quotable(item) for key, item in value.items()}
        case list():
            return [_quotable(item) for item in value]
        case None | bool():
            return value
        case _:
            return str(value)


@given(st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False) | st.booleans() | st.none())
def test_json_scalars_come_back(value: object) -> None:
    assert read_document(json.dumps([value]), Budget()) == [value]


@given(st.text(max_size=200))
def test_any_text_is_a_value_or_a_problem(text: str) -> None:
    line = 0
    try:
        json.dumps(read_document(text, Budget()), allow_nan=False)
    except YamlProblem as problem:
        line = problem.line
    assert 0 <= line <= len(text)
