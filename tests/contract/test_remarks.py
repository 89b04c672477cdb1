"""Every remark has a stable code, and the page about the contract explains each."""

import ast
import re
from pathlib import Path

from tui.contract import remarks

ROOT = Path(__file__).parents[2]
SAID_IN = ("tui/contract/lint.py", "tui/contract/lint_stated.py", "tui/ownership/lint_live.py")


def made() -> list[str]:
    """The codes of all remarks that are made anywhere in the program."""
    found = []
    for path in (ROOT / "tui").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "Remark":
                assert path.relative_to(ROOT).as_posix() in SAID_IN
                assert isinstance(node.args[0], ast.Constant)
                found.append(str(node.args[0].value))
    return found


def test_the_codes_are_those_that_are_made() -> None:
    assert set(made()) == {*remarks.CODES, *remarks.LIVE_CODES}
    assert len({*remarks.CODES, *remarks.LIVE_CODES}) == len(remarks.CODES) + len(remarks.LIVE_CODES)


def test_the_page_explains_every_code_and_no_other() -> None:
    page = (ROOT / "docs" / "contract.md").read_text("utf-8")
    alone, live = page.split("## Remarks that need the cluster")
    for text, codes in ((alone, remarks.CODES), (live, remarks.LIVE_CODES)):
        said = dict(re.findall(r"^### (\S+)\n\n(.+?)(?=\n\n|\Z)", text, re.MULTILINE | re.DOTALL))
        assert list(said) == list(codes)
        assert all(len(words.split()) > 8 for words in said.values())
