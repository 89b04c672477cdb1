"""Whoever cuts, changes, moves or adds to a journal's lines is found out."""

import json
from datetime import UTC, datetime
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.recovery.chain import GENESIS, TORN, Mark, decode, encode, read_chain, read_marked, torn_fields

START = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


def chain(count: int) -> bytes:
    data, prev = b"", GENESIS
    for number in range(1, count + 1):
        fields = {"entry": f"delete {number}", "why": "§ " * number}
        line, entry = encode(number, START, prev, "opened" if number == 1 else "sending", fields)
        data, prev = data + line, entry.digest
    return data


CHAIN = chain(6)
ENTRIES = read_chain(CHAIN).entries
LAST = Mark(6, ENTRIES[-1].digest)


def found_out(data: bytes) -> bool:
    reading = read_chain(data, LAST)
    return not reading.intact and bool(reading.fault) and reading.entries == ENTRIES[: len(reading.entries)]


@given(st.integers(0, len(CHAIN) - 1), st.integers(1, 255))
def test_a_changed_byte_is_found(place: int, change: int) -> None:
    assert found_out(CHAIN[:place] + bytes([CHAIN[place] ^ change]) + CHAIN[place + 1 :])


@given(st.integers(0, len(CHAIN) - 1), st.integers(1, len(CHAIN)))
def test_a_cut_is_found(start: int, length: int) -> None:
    assert found_out(CHAIN[:start] + CHAIN[start + length :])


@given(st.integers(0, len(CHAIN)), st.binary(min_size=1, max_size=9))
def test_an_insertion_is_found(place: int, inserted: bytes) -> None:
    reading = read_chain(CHAIN[:place] + inserted + CHAIN[place:], LAST)
    assert not reading.intact or reading.torn == inserted


@given(st.permutations(CHAIN.splitlines(keepends=True)))
def test_moved_lines_are_found(lines: list[bytes]) -> None:
    assert b"".join(lines) == CHAIN or found_out(b"".join(lines))


@given(st.integers(0, 5), st.integers(0, 6))
def test_a_repeated_line_is_found(which: int, place: int) -> None:
    lines = CHAIN.splitlines(keepends=True)
    lines.insert(place, lines[which])
    assert found_out(b"".join(lines))


@given(st.integers(0, 5))
def test_a_dropped_line_is_found(which: int) -> None:
    lines = CHAIN.splitlines(keepends=True)
    del lines[which]
    assert found_out(b"".join(lines))


@given(st.integers(0, 5), st.integers(0, 5))
def test_two_lines_that_change_places_are_found(one: int, other: int) -> None:
    lines = CHAIN.splitlines(keepends=True)
    lines[one], lines[other] = lines[other], lines[one]
    assert one == other or found_out(b"".join(lines))


@given(st.integers(0, len(CHAIN) - 1))
def test_a_file_that_ends_early_is_found(place: int) -> None:
    assert found_out(CHAIN[:place])


@pytest.mark.parametrize("kept", [b"?", b"6", LAST.encode()[:-1], LAST.encode() + b"x", b"\0" * 78, b"0" * 78])
def test_beside_a_mark_that_cannot_be_read_no_journal_is_whole(kept: bytes) -> None:
    cut = b"".join(CHAIN.splitlines(keepends=True)[:4])
    assert "entries 5 to 6 are missing" in read_marked(cut, LAST.encode()).fault
    for data in (cut, CHAIN):
        reading = read_marked(data, kept)
        assert (reading.intact, reading.entries) == (False, read_chain(data).entries)
        assert "the mark beside it cannot be read" in reading.fault
    assert read_marked(CHAIN, LAST.encode()).intact
    assert read_marked(CHAIN, b"").intact, "a copied journal has none"


@pytest.mark.parametrize("time", ["", "soon", "2026-11-23", "2026-11-23T08:00:00", 5, None])
def test_an_entry_without_a_time_is_none(time: object) -> None:
    text = json.dumps({"seq": 1, "time": time, "prev": GENESIS, "kind": "opened"})[:-1].encode()
    line = text + b',"sum":"' + sha256(text).hexdigest().encode() + b'"}'
    assert decode(line) is None
    sound = json.dumps({"seq": 1, "time": "2026-11-23T08:00:00Z", "prev": GENESIS, "kind": "opened"})[:-1].encode()
    assert decode(sound + b',"sum":"' + sha256(sound).hexdigest().encode() + b'"}') is not None


@given(st.integers(1, 5), st.data())
def test_without_its_mark_all_but_a_lost_end_is_found(count: int, data: st.DataObject) -> None:
    lines = CHAIN.splitlines(keepends=True)
    assert read_chain(b"".join(lines[:count])).entries == ENTRIES[:count]
    place = data.draw(st.integers(0, len(CHAIN) - len(lines[-1]) - 1))
    changed = CHAIN[:place] + bytes([CHAIN[place] ^ data.draw(st.integers(1, 255))]) + CHAIN[place + 1 :]
    assert not read_chain(changed).intact


def test_an_exchanged_line_is_found_though_its_own_sum_fits() -> None:
    lines = CHAIN.splitlines(keepends=True)
    lines[2], _ = encode(3, START, ENTRIES[1].digest, "sending", {"entry": "another"})
    assert "line 4 does not follow" in read_chain(b"".join(lines), LAST).fault
    lines[3:] = []
    assert "entries 4 to 6 are missing" in read_chain(b"".join(lines), LAST).fault


def test_an_exchanged_last_line_is_found_by_its_mark() -> None:
    lines = CHAIN.splitlines(keepends=True)
    lines[5], _ = encode(6, START, ENTRIES[4].digest, "sending", {"entry": "another"})
    reading = read_chain(b"".join(lines), LAST)
    assert (reading.intact, reading.entries) == (False, ENTRIES[:5])
    assert "entry 6 is not the one" in reading.fault


def test_a_lost_line_feed_is_found() -> None:
    assert "lost its line feed" in read_chain(CHAIN[:-1], LAST).fault
    assert read_chain(CHAIN[:-1]).unended


def test_only_the_entry_that_names_them_closes_off_torn_bytes() -> None:
    torn = b'{"seq":7,"time":"20'
    closing, _ = encode(7, START, ENTRIES[-1].digest, TORN, torn_fields(torn))
    assert read_chain(CHAIN + torn + b"\n" + closing).intact
    for wrong in (torn[:-1], torn + b"x", b"{}", CHAIN[:40]):
        assert not read_chain(CHAIN + wrong + b"\n" + closing).intact
    for seq, prev in ((8, ENTRIES[-1].digest), (7, ENTRIES[-2].digest)):
        strange, _ = encode(seq, START, prev, TORN, torn_fields(torn))
        reading = read_chain(CHAIN + torn + b"\n" + strange)
        assert "line 7 is no entry" in reading.fault


@given(st.binary(max_size=300))
def test_no_bytes_break_the_reader(data: bytes) -> None:
    for mark in (None, LAST, Mark(0, GENESIS)):
        assert read_chain(data, mark).entries == ()
