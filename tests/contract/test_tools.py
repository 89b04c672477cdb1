"""The table of tools: what the documentation says of it, and what it promises of itself."""

import re
from collections import Counter
from pathlib import Path

from tui.contract.tool_marks import FIELD_WRITERS, HELM, HEX8, LAYERS, TOOLS, Tool
from tui.contract.tools import Part, parts
from tui.contract.words import IDENTIFIER, glob_problem

DOCS = Path(__file__).parents[2] / "docs" / "contract.md"
SORTS = {
    "label": "label",
    "annotation": "annotation",
    "manager": "field manager",
    "inventory": "status of",
    "owner_kind": "owner reference to",
}


def described(part: Part) -> str:
    value = f": {part.value}" if part.value not in ("", "*") else ""
    return f"{SORTS[part.sort]} `{part.name.replace(HEX8, 'XXXXXXXX')}{value}`"


def row(tool: Tool) -> str:
    marks = ", ".join(described(part) for mark in tool.marks for part in parts(mark))
    return f"| {tool.title} | `{tool.name}` | {marks} |"


def test_the_documentation_lists_every_mark_that_counts_without_a_contract() -> None:
    text = DOCS.read_text(encoding="utf-8")
    section = text.partition("## Marks that count without a contract")[2].partition("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| ") and "`" in line]
    assert rows == [row(tool) for tool in TOOLS if tool.marks]
    for manager, field in FIELD_WRITERS.items():
        assert f"`{manager}`" in section
        assert f"`{field}`" in section


def test_every_tool_can_be_an_owner_of_a_contract() -> None:
    for tool in TOOLS:
        assert re.match(IDENTIFIER, tool.name)
        assert tool.layer in LAYERS
        assert {*tool.unless} <= {each.name for each in TOOLS} - {tool.name}
        for part in (part for mark in tool.marks for part in parts(mark)):
            assert glob_problem(part.name) == ""
    assert [tool.name for tool in TOOLS if not tool.marks] == [HELM]


def test_no_two_tools_have_a_mark_in_common() -> None:
    found = Counter(part for tool in TOOLS for mark in tool.marks for part in parts(mark))
    assert [part for part, times in found.items() if times > 1] == []
