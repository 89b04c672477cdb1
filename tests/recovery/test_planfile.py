"""Plan files: what is written reads back the same, and a bad file is one sentence with its place."""

from datetime import date
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tests.clusters import contract, document, inventory, obj, record
from tui.helm.errors import read_error
from tui.ownership.assess import assess
from tui.ownership.model import Wish
from tui.recovery.plan import Action, Plan, PlanKind
from tui.recovery.planfile import PlanFault, differs, read_plan, write_plan
from tui.recovery.planner import plan
from tui.recovery.wishes import forecast_of

ACTIVE, STALE = "gitops-flux-0000aaaa", "gitops-flux-ffff0000"
LOST = obj("Service", "lost", spec={"selector": {"app": "x"}})
KEPT = obj("ServiceAccount", "kept", release=STALE)
GONE = obj("ConfigMap", "gone", release=STALE)
SECRET = obj("Secret", "lost-key", data={"key": "c2VjcmV0LXZhbHVl"})


def drawn(kind: PlanKind) -> Plan:
    listed = [document(LOST), document(KEPT), document(SECRET)]
    found = assess(contract(), inventory([KEPT, GONE, record(ACTIVE, documents=listed)]), today=date(2026, 11, 23))
    return plan(kind, contract(), found)


def written(kind: PlanKind, wish: Wish | None = None) -> bytes:
    found = drawn(kind)
    seen = {entry.id: "f" * 64 for entry in found.entries}
    return write_plan(found, seen, wish or Wish(), {"at": "now", "context": "c"}).encode()


@pytest.mark.parametrize("kind", [PlanKind.CLEANUP, PlanKind.REPLAY])
def test_what_is_written_reads_back(kind: PlanKind) -> None:
    found, file = drawn(kind), read_plan(written(kind), "p.yaml")
    assert file.kind is kind
    assert file.pins == found.pins
    assert [row.id for row in file.rows] == [entry.id for entry in found.entries]
    assert not any(row.confirmed for row in file.rows)
    assert [differs(row, entry) for row, entry in zip(file.rows, found.entries, strict=True)] == [""] * len(file.rows)
    assert len(file.rows) == 2


def test_the_operator_s_word_is_kept() -> None:
    wish = Wish("gitops-flux-12345678", ("gitops-flux-0000aaaa", 3))
    assert read_plan(written(PlanKind.CLEANUP, wish), "p.yaml").wish == wish


DATA = Path(__file__).parents[1] / "data"
ERRORS = DATA / "owner-errors.txt"


@pytest.mark.parametrize("end", [None, 300, 550, 2000])
def test_what_was_read_of_an_error_and_a_manifest_is_kept_to_the_letter(end: int | None) -> None:
    binding = obj("ClusterRoleBinding", "b", roleRef={"kind": "ClusterRole", "name": "admin"})
    manifest = "---\n".join(yaml.safe_dump(document(each)) for each in (LOST, SECRET, binding))
    wish = Wish(
        "gitops-flux-12345678",
        error=read_error(ERRORS.read_text()[:end]),
        forecast=forecast_of(manifest.encode(), "m.yaml"),
    )
    text = written(PlanKind.CLEANUP, wish)
    assert read_plan(text, "p.yaml").wish == wish
    assert b"c2VjcmV0LXZhbHVl" not in text
    assert wish.error.conflicts


@pytest.mark.parametrize("part", (DATA / "pulumi-errors.txt").read_text().split("### ")[1:])
def test_what_pulumi_said_is_kept_to_the_letter(part: str) -> None:
    head, _, body = part.partition("\n")
    wish = Wish(error=read_error(body))
    kept = read_plan(written(PlanKind.CLEANUP, wish), "p.yaml").wish
    assert kept == (Wish() if wish.error.says_nothing else wish)
    assert wish.error.says_nothing == ("all well" in head)


@pytest.mark.parametrize("part", ["error", "manifest"])
@pytest.mark.parametrize("value", [7, [], {}, "x", {"conflicts": [7]}, {"documents": [{}], "source": "s"}])
def test_a_damaged_wish_is_refused_with_its_place(part: str, value: object) -> None:
    loaded = yaml.safe_load(written(PlanKind.CLEANUP)) | {part: value}
    with pytest.raises(PlanFault, match=f"p.yaml: {part}"):
        read_plan(yaml.safe_dump(loaded).encode(), "p.yaml")


def test_no_document_and_no_value_is_in_a_file() -> None:
    text = written(PlanKind.REPLAY).decode()
    assert "lost-key" in text
    assert "c2VjcmV0LXZhbHVl" not in text
    assert "secret-value" not in text


def test_another_object_release_or_document_is_not_what_was_reviewed() -> None:
    text = written(PlanKind.CLEANUP).decode()
    entries = {entry.action: entry for entry in drawn(PlanKind.CLEANUP).entries}
    other = read_plan(text.replace("uid-serviceaccount", "uid-another").encode(), "p").rows
    assert "another object" in differs(next(r for r in other if r.action is Action.ADOPT), entries[Action.ADOPT])
    for row in read_plan(text.replace("apiVersion: v1\n", "apiVersion: v1beta9\n").encode(), "p").rows:
        wanted = "v1beta9 was reviewed" if entries[row.action].ref.api_version == "v1" else ""
        assert wanted in differs(row, entries[row.action])
    created = drawn(PlanKind.REPLAY).entries[0]
    sha = created.document.sha256 if created.document else ""
    changed = read_plan(written(PlanKind.REPLAY).decode().replace(sha, "a" * 64).encode(), "p").rows
    assert "document" in differs(next(r for r in changed if r.id == created.id), created)


BAD = {
    "nothing": (b"", "mapping"),
    "no YAML": (b"a: [", "p.yaml:"),
    "no UTF-8": (b"\xff", "UTF-8"),
    "another schema": (b"schema: refloat.plan/9", "refloat.plan/1"),
    "another kind": (b"schema: refloat.plan/1\nkind: explode", "none of"),
    "an undo": (b"schema: refloat.plan/1\nkind: undo", "none of"),
    "no pins": (b"schema: refloat.plan/1\nkind: cleanup\nentries: []", "pins"),
    "a bomb": (
        b"a: &a [x,x,x,x,x,x,x,x,x,x]\n"
        + b"".join(b"%c: &%c [%s]\n" % (c, c, b",".join([b"*%c" % (c - 1)] * 10)) for c in range(98, 110)),
        "p.yaml",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_one_sentence_with_its_place(name: str) -> None:
    data, words = BAD[name]
    with pytest.raises(PlanFault, match=words) as caught:
        read_plan(data, "p.yaml")
    assert "\n" not in str(caught.value)


def test_an_entry_named_twice_is_refused() -> None:
    loaded = yaml.safe_load(written(PlanKind.CLEANUP))
    loaded["entries"].append(loaded["entries"][0])
    with pytest.raises(PlanFault, match="twice"):
        read_plan(yaml.safe_dump(loaded).encode(), "p.yaml")


NONSENSE: tuple[object, ...] = (None, 7, "yes", [], {})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (field, value)
        for field in ("action", "ref", "release", "confirmed")
        for value in NONSENSE
        if (field, value) != ("release", "yes")  # any text may be a release's name
    ],
)
def test_an_entry_with_a_damaged_field_is_refused(field: str, value: object) -> None:
    loaded = yaml.safe_load(written(PlanKind.CLEANUP))
    loaded["entries"][0][field] = value
    with pytest.raises(PlanFault, match=r"entries\[0\]"):
        read_plan(yaml.safe_dump(loaded).encode(), "p.yaml")


@given(st.binary(max_size=400))
def test_no_bytes_raise_anything_else(data: bytes) -> None:
    with pytest.raises(PlanFault):
        read_plan(data, "p.yaml")
