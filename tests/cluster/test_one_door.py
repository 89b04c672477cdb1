"""No other module talks to an API server, and none but the writer changes anything."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
VERBS = {"POST", "PUT", "PATCH", "DELETE"}


def modules(*rooms: str) -> list[Path]:
    found = [path for room in rooms for path in (ROOT / room).rglob("*.py")]
    assert found
    # The practice cluster is a server: it answers these verbs, it sends none.
    return [path for path in found if "practice" not in path.relative_to(ROOT).parts]


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def calls_of(path: Path, attribute: str) -> Iterator[ast.Attribute]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Attribute) and node.attr == attribute:
            yield node


def strings(path: Path) -> set[str]:
    return {
        node.value
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def imported(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or "").partition(".")[0])
    return found


def test_only_the_cluster_room_can_reach_a_network() -> None:
    network = {"aiohttp", "kubernetes", "socket", "http", "urllib3", "requests", "httpx"}
    outside = [path for path in modules("tui", "screens") if "cluster" not in path.relative_to(ROOT).parts]
    assert {name(path): imported(path) & network for path in outside if imported(path) & network} == {}


def test_only_the_writer_names_a_changing_verb() -> None:
    found = {name(path) for path in modules("tui/cluster") if strings(path) & VERBS}
    assert found == {"tui/cluster/writer.py", "tui/cluster/api.py"}


def test_the_api_names_one_verb_and_only_for_reviews() -> None:
    tree = ast.parse((ROOT / "tui/cluster/api.py").read_text())
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.AsyncFunctionDef | ast.FunctionDef)]
    found = {
        function.name: node.value
        for function in functions
        for node in ast.walk(function)
        if isinstance(node, ast.Constant) and node.value in VERBS
    }
    assert found == {"review": "POST"}


@pytest.mark.parametrize(
    ("attribute", "allowed"),
    [
        ("change", {"tui/cluster/writer.py", "tui/cluster/api.py"}),
        ("review", {"tui/cluster/access.py"}),
        ("_exchange", {"tui/cluster/api.py"}),
        ("rest_client", {"tui/cluster/api.py", "tui/cluster/credentials.py"}),
    ],
)
def test_who_may_reach_for_what_sends(attribute: str, allowed: set[str]) -> None:
    assert {name(path) for path in modules("tui/cluster") if any(calls_of(path, attribute))} == allowed


def test_the_writer_is_made_by_nobody_in_its_own_room() -> None:
    others = [path for path in modules("tui/cluster") if path.name != "writer.py"]
    assert [name(path) for path in others if "Writer" in path.read_text()] == []


def test_connecting_costs_nothing_before_the_first_connection() -> None:
    code = (
        "import sys, tui.cluster, tui.cluster.connect, tui.cluster.kubeconfig\n"
        "print(sorted({'aiohttp', 'kubernetes', 'textual'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
