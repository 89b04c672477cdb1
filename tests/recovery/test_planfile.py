"""Plan files: what is written reads back the same, and a bad file is one sentence with its place."""

import re
from dataclasses import replace
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
from tui.text import clean

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
    with pytest.raises(PlanFault, match=rf"p.yaml:\d+:\d+: {part}"):
        read_plan(yaml.safe_dump(loaded).encode(), "p.yaml")


@given(st.lists(st.text(min_size=1, max_size=300), max_size=3))
def test_what_does_not_come_back_is_kept_to_the_letter_each_on_one_line(losses: list[str]) -> None:
    found = drawn(PlanKind.REPLAY)
    told = replace(found.entries[0], losses=tuple(losses))
    text = write_plan(replace(found, entries=(told,)), {}, Wish(), {})
    assert read_plan(text.encode(), "p.yaml").rows[0].losses == tuple(map(clean, losses))
    long = replace(told, losses=("give it back first: kubectl patch " + "word " * 80 + "end",))
    lines = write_plan(replace(found, entries=(long,)), {}, Wish(), {}).splitlines()
    assert sum("kubectl patch" in line for line in lines) == 1


def test_a_file_of_before_tells_of_no_loss() -> None:
    loaded = yaml.safe_load(written(PlanKind.REPLAY))
    for entry in loaded["entries"]:
        entry.pop("losses", None)
    assert [row.losses for row in read_plan(yaml.safe_dump(loaded).encode(), "p.yaml").rows] == [(), ()]


@pytest.mark.parametrize("stated", [True, False])
def test_that_the_next_install_is_not_atomic_is_kept(*, stated: bool) -> None:
    text = written(PlanKind.CLEANUP, Wish("gitops-flux-12345678", not_atomic=stated))
    assert read_plan(text, "p.yaml").wish.not_atomic is stated
    assert (b"not-atomic" in text) is stated


@pytest.mark.parametrize("value", ["true", "false", "yes", 1, 0, [], {}, None])
def test_no_other_value_takes_a_protection_away(value: object) -> None:
    loaded = yaml.safe_load(written(PlanKind.CLEANUP)) | {"not-atomic": value}
    with pytest.raises(PlanFault, match=r"p\.yaml:\d+:\d+: not-atomic is neither true nor false"):
        read_plan(yaml.safe_dump(loaded).encode(), "p.yaml")


def test_what_a_manifest_keeps_is_kept_in_a_word_and_its_documents_are_not() -> None:
    meta = "metadata: {name: c, annotations: {helm.sh/resource-policy: keep, note: hunter2}}"
    forecast = forecast_of(f"{{apiVersion: v1, kind: ConfigMap, {meta}, data: {{a: hunter2}}}}".encode(), "m.yaml")
    text = written(PlanKind.CLEANUP, Wish("gitops-flux-12345678", forecast=forecast))
    back = read_plan(text, "p.yaml").wish.forecast
    assert back == forecast
    assert back.documents[0].annotations == {"helm.sh/resource-policy": "keep"}
    assert (back.whole, len(forecast.whole)) == ((), 1)
    assert b"hunter2" not in text


def test_an_error_that_shows_an_atomic_install_is_kept() -> None:
    shown = read_error("release gitops-flux-12345678 failed, and has been uninstalled due to atomic being set: x")
    wish = Wish("gitops-flux-12345678", error=shown)
    assert read_plan(written(PlanKind.CLEANUP, wish), "p.yaml").wish == wish
    assert wish.error.atomic


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
    "no YAML": (b"a: [", "p.yaml:2:1: this is not YAML"),
    "no UTF-8": (b"\xff", "p.yaml:1:1: this is not UTF-8"),
    "two documents": (b"a: b\n---\nc: d\n", "p.yaml:2:1: a second document"),
    "too deep": (b"[" * 99, "p.yaml:1:21: values are nested more than 20 deep"),
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


# What may stand where a plan says `confirmed: false`, or beside it, and where the fault is then.
UNTRUSTED = [
    (
        'confirmed: "true"',
        "CONFIRMED:14: ENTRY.confirmed is neither true nor false; write one of the two, without quotes",
    ),
    ("confirmed: yes", "CONFIRMED:14: yes is neither true nor false in every tool"),
    ("confirmed: on", "CONFIRMED:14: on is neither true nor false in every tool"),
    ("confirmed: True", "CONFIRMED:14: True is neither true nor false in every tool"),
    ("confirmed: y", "CONFIRMED:14: ENTRY.confirmed is neither true nor false"),
    ("confirmed: 1", "CONFIRMED:14: ENTRY.confirmed is neither true nor false"),
    ("confirmed:", "CONFIRMED:13: ENTRY.confirmed is neither true nor false"),
    ("confirmed: [true]", "CONFIRMED:14: ENTRY.confirmed is neither true nor false"),
    ("confirmed: !!bool 'true'", ""),
    ("confirmed: !!str true", "CONFIRMED:14: ENTRY.confirmed is neither true nor false"),
    ("confirmed: 22:22", "CONFIRMED:14: 22:22 is a number that a plan file does not have"),
    ("confirmed: 2027-01-31", "CONFIRMED:14: 2027-01-31 is a date that a plan file does not have"),
    ("confirmed: false\n  confirmed: true", "NEXT:3: the key 'confirmed' is there twice"),
    ("confirmed: false\n  <<: {confirmed: true}", "NEXT:3: a key is text, not a merge key"),
    ("confirm: true", "CONFIRMED:3: ENTRY has no key 'confirm'; did you mean 'confirmed'?"),
    ("confirmed: true\n  typed: x", "NEXT:3: ENTRY has no key 'typed'"),
    ("confirmed: true\n  offerd: true", "NEXT:3: ENTRY has no key 'offerd'; did you mean 'offered'?"),
    ('confirmed: true\n  offered: "true"', "NEXT:12: ENTRY.offered is neither true nor false"),
    ("confirmed: true\n  offered: 1", "NEXT:12: ENTRY.offered is neither true nor false"),
    ("confirmed: true\n  offered:", "NEXT:11: ENTRY.offered is neither true nor false"),
    ('confirmed: true\n  force: "true"', "NEXT:10: ENTRY.force is neither true nor false"),
    ("confirmed: true\n  force: yes", "NEXT:10: yes is neither true nor false in every tool"),
]


@pytest.mark.parametrize(("said", "fault"), UNTRUSTED, ids=[said for said, _ in UNTRUSTED])
def test_true_alone_confirms_offers_and_forces(said: str, fault: str) -> None:
    head, tail = written(PlanKind.CLEANUP).decode().rsplit("confirmed: false", 1)
    data = f"{head}{said}{tail}".encode()
    if not fault:
        assert read_plan(data, "p.yaml").rows[-1].confirmed
        return
    line, last = head.count("\n") + 1, len(drawn(PlanKind.CLEANUP).entries) - 1
    fault = fault.replace("CONFIRMED", str(line)).replace("NEXT", str(line + 1)).replace("ENTRY", f"entries[{last}]")
    with pytest.raises(PlanFault, match=f"^p.yaml:{re.escape(fault)}"):
        read_plan(data, "p.yaml")


@pytest.mark.parametrize("part", ["pins", "pins.contract", "pins.families[0]", "entries[0].ref", "error", "manifest"])
def test_a_word_that_is_not_known_is_not_passed_over(part: str) -> None:
    manifest = "---\n".join(yaml.safe_dump(document(each)) for each in (LOST, SECRET))
    wish = Wish(error=read_error(ERRORS.read_text()), forecast=forecast_of(manifest.encode(), "m.yaml"))
    loaded = held = yaml.safe_load(written(PlanKind.CLEANUP, wish))
    for word in re.findall(r"\w+", part):
        held = held[int(word) if word.isdecimal() else word]
    held["zzz"] = True
    with pytest.raises(PlanFault, match=rf"^p.yaml:\d+:\d+: {re.escape(part)} has no key 'zzz'"):
        read_plan(yaml.safe_dump(loaded).encode(), "p.yaml")


def test_names_that_tools_read_differently_are_text_as_they_were_written() -> None:
    names = ["y", "n", "1e3", "0o7", "=", ".5e1", "1_0", "no", "22:22", "2027-01-31"]
    for name in names:
        wish = Wish(name, (name, 3))
        assert read_plan(written(PlanKind.CLEANUP, wish), "p.yaml").wish == wish


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
