"""What is in use without being named: what the documentation says of it, and what a contract may add."""

from pathlib import Path

import pytest
import yaml

from tui.contract.in_use import KNOWN
from tui.contract.load import ContractFault, parse_contract
from tui.contract.model import InUse, Selector

DOCS = Path(__file__).parents[2] / "docs" / "contract.md"


def section() -> str:
    return DOCS.read_text(encoding="utf-8").partition("## What counts as used")[2].partition("\n## ")[0]


def row(use: InUse) -> str:
    (selector,) = use.select
    ((name, value),) = (selector.labels or {}).items()
    label = name if value == "*" else f"{name}: {value}"
    return f"| {use.by} | `{label}` | {', '.join(selector.kinds)} |"


def test_the_documentation_lists_every_label_by_which_tools_choose() -> None:
    rows = [line for line in section().splitlines() if line.startswith("| ") and "`" in line]
    assert rows == [row(use) for use in KNOWN]


def contract(text: str) -> bytes:
    head = {"version": 1, "name": "x", "layers": [{"name": "a"}], "owners": {"o": {"title": "O"}}}
    return (yaml.safe_dump(head) + text).encode()


def test_the_example_of_the_documentation_is_a_contract_s() -> None:
    (example,) = (part.partition("```")[0] for part in section().split("```yaml\n")[1:])
    (use,) = parse_contract(contract(example), "c.yaml").in_use
    wanted = Selector(kinds=("ConfigMap",), labels={"our.example.com/rules": "*"})
    assert (use.by, use.select) == ("the rules' loader", (wanted,))


@pytest.mark.parametrize(
    "text",
    [
        "in_use: [{by: x}]",
        "in_use: [{select: [{kinds: [ConfigMap]}]}]",
        "in_use: [{by: x, select: []}]",
        "in_use: [{by: x, select: [{}]}]",
        "in_use: [{by: 7, select: [{kinds: [ConfigMap]}]}]",
        "in_use: [{by: x, label: {a: b}}]",
        "in_use: {}",
    ],
)
def test_what_protects_is_read_whole_or_refused(text: str) -> None:
    with pytest.raises(ContractFault, match=r"c\.yaml:\d+:\d+: "):
        parse_contract(contract(text), "c.yaml")
