"""A drafted contract is written so that it reads back, whatever the names in it and the remarks beside it."""

import string

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tui.contract.draft import contract_text
from tui.contract.load import parse_contract
from tui.contract.model import Claim, Contract, Family, Health, Layer, Owner, Selector
from tui.contract.tool_marks import LAYERS, TOOLS
from tui.contract.words import glob_problem

OWNERS = {tool.name: Owner(tool.name, tool.title, tool.marks, tool.reconcile) for tool in TOOLS}
GLOBS = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cf", "Cs", "Zs", "Zl", "Zp", "Co", "Cn"]),
    min_size=1,
    max_size=12,
).filter(lambda text: not glob_problem(text))
PLAIN = st.text(string.ascii_letters + string.digits, min_size=1, max_size=8)


def contract(**parts: object) -> Contract:
    same = {"layers": tuple(Layer(*item) for item in LAYERS.items()), "owners": OWNERS, "name": "x"}
    return Contract(**(same | parts))  # type: ignore[arg-type] # any field


def read_back(drawn: Contract, **notes: list[str]) -> Contract:
    return parse_contract(contract_text(drawn, notes).encode(), "draft")


def test_every_tool_of_the_catalogue_reads_back() -> None:
    assert read_back(contract()).owners == OWNERS
    assert {tool.layer for tool in TOOLS} == set(LAYERS)


def globs(most: int = 4) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(GLOBS, unique=True, max_size=most).map(tuple)


SELECTORS = st.builds(
    Selector,
    kinds=globs().filter(bool),
    groups=globs(),
    names=globs(30),
    namespaces=globs(),
    labels=st.none() | st.dictionaries(GLOBS, GLOBS, min_size=1, max_size=2),
)


@given(st.lists(SELECTORS, min_size=1, max_size=3), PLAIN, PLAIN)
def test_any_names_read_back(selectors: list[Selector], one: str, other: str) -> None:
    drawn = contract(
        name=one,
        cluster_uid=other,
        claims=(Claim("flux", "gitops", "", tuple(selectors)),),
        releases=(Family(one, other, "pulumi", generated=one, names=(other,), cleanup_namespaces=(one,)),),
        health=(Health(one, tuple(dict.fromkeys((one, other)))), Health(one, (), "GitRepository", other, True)),
    )
    found = read_back(drawn)
    assert [claim.select for claim in found.claims] == [claim.select for claim in drawn.claims]
    assert (found.name, found.cluster_uid, found.releases, found.health) == (one, other, drawn.releases, drawn.health)


@pytest.mark.parametrize("word", ["y", "No", "null", "on", "1", "1e3", "2024-01-01", "0x1f", "~", "a: b", "#x", "{x}"])
def test_words_that_yaml_takes_for_something_else_stay_words(word: str) -> None:
    text = contract_text(contract(layers=(Layer("l", word),)), {})
    assert yaml.safe_load(text)["layers"] == [{"name": "l", "title": word}]


@given(st.text(max_size=60))
def test_no_remark_can_end_its_line(remark: str) -> None:
    sections = ("head", "owners", "owner flux", "claims", "claim 0", "releases", "guardrails", "health")
    drawn = contract(claims=(Claim("flux", "gitops", "", (Selector(kinds=("Pod",)),)),))
    text = contract_text(drawn, {section: [f"{remark}\nname: gotcha\r- x\u2028y"] for section in sections})
    assert parse_contract(text.encode("utf-8", "replace"), "draft").name == "x"
    assert len(text.splitlines()) == len(contract_text(drawn, {}).splitlines()) + len(sections)
