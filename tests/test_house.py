"""The rules of the house, read off the source: who may admit, who may send, and what the pure rooms never touch."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PURE = ("tui/contract/", "tui/helm/", "tui/ownership/", "tui/recovery/")
READS_OR_WRITES_DISK = {"tui/contract/load.py", "tui/recovery/journal.py", "tui/recovery/private.py"}
SOURCES = sorted(path for room in ("tui", "screens") for path in (ROOT / room).rglob("*.py"))


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def called(path: Path) -> Iterator[str]:
    """The dotted name of everything that is called."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func)


def imported(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or "").partition(".")[0])
    return found


def test_there_is_source_to_look_at() -> None:
    assert len(SOURCES) > 80


def test_only_the_gate_admits() -> None:
    makers = {name(path) for path in SOURCES if any(call.rpartition(".")[2] == "Admitted" for call in called(path))}
    assert makers == {"tui/recovery/gate.py"}


def test_nothing_gets_round_the_gate_by_copying_or_subclassing_what_it_admitted() -> None:
    for path in SOURCES:
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.ClassDef) and path.name != "writer.py":
                assert "Admitted" not in {ast.unparse(base).rpartition(".")[2] for base in node.bases}, name(path)
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("replace"):
                assert not any("admitted" in ast.unparse(each).lower() for each in node.args), name(path)


def test_only_named_senders_hand_requests_to_the_writer() -> None:
    """The steps and their dry run change what a plan names; beside them a session keeps its Lease and tells Events.

    The manifest of a release that is yet to be installed is tried, and no more.
    """
    senders = {name(path) for path in SOURCES if any(call.endswith("writer.send") for call in called(path))}
    named = ("trial", "steps", "lease_seat", "events", "expected")
    assert senders == {f"tui/recovery/{each}.py" for each in named}


@pytest.mark.parametrize(
    ("admission", "sender"),
    [("admit_lease", "lease_seat"), ("admit_event", "events"), ("admit_expected", "expected")],
)
def test_the_narrow_admissions_are_asked_by_one_sender_each(admission: str, sender: str) -> None:
    askers = {name(path) for path in SOURCES if any(call.rpartition(".")[2] == admission for call in called(path))}
    assert askers == {f"tui/recovery/{sender}.py"}


def test_one_writer_is_made_and_by_the_composition_alone() -> None:
    makers = {name(path) for path in SOURCES if "Writer" in set(called(path)) and "practice" not in name(path)}
    assert makers == {"tui/opening.py"}


def test_every_dry_run_is_marked_and_only_the_trials_mark_them() -> None:
    dry = {
        name(path)
        for path in SOURCES
        for node in ast.walk(tree(path))
        if isinstance(node, ast.keyword) and node.arg == "dry_run" and ast.unparse(node.value) == "True"
    }
    assert dry - {"tui/cluster/api.py"} == {"tui/recovery/trial.py", "tui/recovery/expected.py"} | {
        each for each in dry if each.startswith("tui/practice/")
    }


@pytest.mark.parametrize("path", [path for path in SOURCES if name(path).startswith(PURE)], ids=name)
def test_a_pure_room_knows_no_clock_no_chance_and_no_disk(path: Path) -> None:
    if name(path) in READS_OR_WRITES_DISK:
        return
    clocks = {"datetime.now", "datetime.utcnow", "datetime.today", "date.today", "datetime.datetime.now", "time.time"}
    assert not imported(path) & {"random", "secrets", "time", "uuid", "os", "io", "socket", "subprocess", "tempfile"}
    assert not {call for call in called(path) if call in clocks or call in ("open", "print", "input", "exec", "eval")}


@pytest.mark.parametrize("word", ["breakpoint", "pdb", "print_exc"])
def test_nothing_of_the_workshop_is_left_behind(word: str) -> None:
    assert not [name(path) for path in SOURCES if any(call.rpartition(".")[2] == word for call in called(path))]


def modules_after(code: str) -> set[str]:
    script = f"{code}\nimport sys\nprint(*sorted(sys.modules), sep='\\n', file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    return {line.partition(".")[0] for line in done.stderr.splitlines()} | set(done.stderr.splitlines())


def test_the_version_waits_for_nothing() -> None:
    modules = modules_after(
        "import sys, tui.__main__ as door\nsys.argv = ['refloat', '--version']\nassert door.main() == 0"
    )
    assert "tui.__main__" in modules
    assert not modules & {"textual", "kubernetes", "aiohttp", "yaml", "argparse", "rich", "asyncio"}


def test_the_app_paints_before_it_knows_kubernetes() -> None:
    modules = modules_after("import tui.app")
    assert "textual" in modules
    assert not modules & {"kubernetes", "aiohttp", "pydantic", "tui.cluster", "tui.practice"}


def test_parsing_the_command_line_needs_no_screen_and_no_cluster() -> None:
    modules = modules_after("import tui.cli\nassert tui.cli.main(['preflight', '--help']) == 0")
    assert not modules & {"textual", "kubernetes", "aiohttp", "yaml"}
