import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tui.objects import Json, Ref
from tui.recovery.backup import dump_backup, parse_backup
from tui.recovery.journal import Journal, JournalFault, load_backup

RECORDED = Path(__file__).parents[1] / "data" / "living-cluster.jsonl"
AWKWARD = [
    *("", " ", "1e3", "1E3", "yes", "No", "y", "N", "on", "OFF", "true", "Null", "~", "null", ".inf", ".NaN", "inf"),
    *("0o7", "0o17", "0777", "0x1F", "089", "1_000", "+1", "-1", "1.5", "12:30:45", "22:22", "=", "<<", "*a", "&a"),
    *("2026-11-23", "2026-11-23T08:00:00Z", "# no comment", "a: b", "a #b", "- a", "? a", "!!str a", "@a", "`a`", "%a"),
    *("---", "...", "a\n", "a\nb", "a\nb\n", "a\nb\n\n", "\na", " a\nb", "a \nb", "a\n b\n  c\n", "a\n\n\nb", "\ta\tb"),
    *(
        "a\r\nb",
        "\x00",
        "\x07bell",
        "\x1b[2J",
        "\x85",
        "\u2028",
        "\ufeff",
        "\u202eabc",
        "ö",
        "🦀",
        "\ud83d",
        "\U0010ffff",
    ),
    *(
        "x" * 3000,
        "word " * 500,
        "'",
        '"',
        "\\",
        "a'b\"c",
        "{}",
        "[]",
        "{a: b}",
        "|",
        ">",
        "a|b",
        "#!/bin/sh\nset -e\n",
    ),
]
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
TEXT = st.text() | st.text(st.characters()) | st.sampled_from(AWKWARD) | st.text("\n\t #:-|>'\"ab", max_size=12)
BODIES = st.dictionaries(
    TEXT,
    st.recursive(
        SCALARS | TEXT,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
        max_leaves=12,
    ),
    max_size=5,
)


def exact(value: Any) -> str:
    """Tells apart what Python's equality does not: 1, 1.0 and True."""
    return json.dumps(value)


def body_of(text: str) -> str:
    return text.partition("\n")[2]


@pytest.mark.parametrize("text", AWKWARD)
def test_an_awkward_text_comes_back_as_it_was_from_any_place(text: str) -> None:
    body: Json = {"value": text, "key": {text: text}, "list": [text, [text]]}
    dumped = dump_backup(body)
    assert dumped.isascii()
    assert exact(parse_backup(dumped, "x")) == exact(body)


@given(BODIES)
def test_any_object_comes_back_as_it_was(body: Json) -> None:
    assert exact(parse_backup(dump_backup(body), "x")) == exact(body)


@given(BODIES)
def test_a_backup_is_harmless_on_a_terminal(body: Json) -> None:
    assert all(line.isascii() and (line.isprintable() or not line) for line in dump_backup(body).split("\n"))


@given(TEXT.filter(lambda text: not any("\ud800" <= letter <= "\udfff" for letter in text)))
def test_another_reader_that_knows_only_strings_reads_the_same(text: str) -> None:
    loaded = yaml.load(body_of(dump_backup({"key": text})), Loader=yaml.CBaseLoader)  # noqa: S506 - strings alone
    assert loaded == {"key": text}


WORDS_OF_OTHER_READERS = ["y", "N", "1e3", "0o17", "089", "22:22", "=", "~", "Off", "2026-11-23", ".5", "0b1", "+.inf"]


@pytest.mark.parametrize("text", WORDS_OF_OTHER_READERS)
def test_a_word_that_another_reader_takes_for_a_number_is_quoted(text: str) -> None:
    assert body_of(dump_backup({text: text})) == f'"{text}": "{text}"\n'


def test_recorded_objects_come_back_as_they_were_and_stay_readable() -> None:
    for line in RECORDED.read_text("utf-8").splitlines():
        body = json.loads(line)
        dumped = dump_backup(body)
        assert exact(parse_backup(dumped, "x")) == exact(body)
        assert f"kind: {body['kind']}\n" in dumped
    script = dump_backup({"data": {"run": "#!/bin/sh\nset -e\necho 1\n"}})
    assert "  run: |\n    #!/bin/sh\n    set -e\n    echo 1\n" in script


def test_one_object_in_two_places_is_written_twice() -> None:
    shared = {"a": "b"}
    assert "&" not in dump_backup({"x": shared, "y": shared})


@given(st.integers(0, 400), st.sampled_from(["", "x", "\n"]))
def test_a_cut_or_changed_backup_is_never_taken_for_the_object(place: int, put: str) -> None:
    whole = dump_backup({"kind": "ClusterRole", "rules": [{"verbs": ["get"], "resources": ["pods"]}] * 8})
    spoiled = whole[:place] + put + whole[place + 1 :]
    if spoiled != whole:
        with pytest.raises(JournalFault, match="cut short or changed"):
            parse_backup(spoiled, "x")


def test_what_cannot_be_saved_exactly_is_refused() -> None:
    deep: Json = {}
    for _ in range(5000):
        deep = {"a": deep}
    with pytest.raises(JournalFault, match="nested too deeply"):
        dump_backup(deep)
    with pytest.raises(JournalFault, match="exactly as it is"):
        dump_backup({"a": float("nan")})
    with pytest.raises(JournalFault, match="cannot be saved"):
        dump_backup({"a": object()})


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal.create(tmp_path / "journal", {}, lambda: datetime.now(UTC))


HOSTILE = [
    "../../../etc/passwd",
    "a/b",
    ".hidden",
    "-rf",
    "x" * 300,
    "\x1b[2J",
    "system:node",
    "ö",
    "",
    "a\x00b",
    "CON",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_of_an_object_leads_out_of_the_folder(journal: Journal, name: str) -> None:
    backups = [journal.backup(Ref("v1", name, name, name), {"metadata": {"name": name}}) for _ in range(3)]
    saved = [Path(each.path) for each in backups]
    journal.close()
    assert len({path.name for path in saved}) == 3
    assert {path.name for path in saved} | {"mark"} == set(os.listdir(journal.folder))  # noqa: PTH208 - names alone
    assert all(path.name.isascii() and len(path.name) < 220 and path.name[0] == "0" for path in saved)
    assert all(load_backup(path) == {"metadata": {"name": name}} for path in saved)


def test_no_backup_takes_the_place_of_another(journal: Journal) -> None:
    ref = Ref("v1", "Secret", "flux-system", "s")
    first, second = (Path(journal.backup(ref, {"turn": turn}).path) for turn in (1, 2))
    first.unlink()
    third = Path(journal.backup(ref, {"turn": 3}).path)
    journal.close()
    assert third != second
    assert (load_backup(second), load_backup(third)) == ({"turn": 2}, {"turn": 3})


def test_a_missing_backup_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(JournalFault, match="no such file"):
        load_backup(tmp_path / "none.yaml")
    (tmp_path / "link.yaml").symlink_to("/etc/hostname")
    with pytest.raises(JournalFault, match="symbolic link"):
        load_backup(tmp_path / "link.yaml")
