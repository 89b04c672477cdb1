"""What comes in is bounded and cleaned once; failures keep the server's own words."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.cluster.answers import api_fault, decode, decode_clean, failure, scrub, suspicious, warnings_of
from tui.faults import ApiFault, Unreachable, Unverified

HIDDEN = [
    chr(code) for code in (0, 7, 8, 0x0C, 0x0D, 0x1B, 0x7F, 0x85, 0x9B, 0x61C, 0x200B, 0x202E, 0x2066, 0xFEFF, 0xE0041)
]

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [*value, *(text for item in value.values() for text in strings(item))]
    return [text for item in value for text in strings(item)] if isinstance(value, list) else []


@given(anything, st.booleans())
def test_the_fast_path_misses_nothing_that_the_walk_would_clean(value: Any, ascii_only: bool) -> None:
    raw = json.dumps(value, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    if not suspicious(raw):
        assert scrub(decode(raw, "x")) == decode(raw, "x")


@given(anything, st.sampled_from(HIDDEN), st.booleans())
def test_no_hidden_character_gets_past(value: Any, hidden: str, ascii_only: bool) -> None:
    raw = json.dumps({"known": value, f"a{hidden}b": f"c{hidden}d"}, ensure_ascii=ascii_only).encode(
        "utf-8", "surrogatepass"
    )
    assert not any(bad in text for text in strings(decode_clean(raw, "x")) for bad in HIDDEN)


@pytest.mark.parametrize(
    "raw", [rb'{"a": "x\u001b[2J"}', '{"a": "x\u202ey"}'.encode(), b'{"a\\u0007": 1}', b'{"a": "\x7f"}']
)
def test_hidden_characters_are_shown_not_dropped(raw: bytes) -> None:
    before, after = strings(decode(raw, "x")), strings(decode_clean(raw, "x"))
    assert before != after
    assert [len(text) for text in before] == [len(text) for text in after]


def test_line_feeds_tabs_and_long_values_stay() -> None:
    long = "a" * 3_000_000
    value = decode_clean(json.dumps({"text": "one\n\ttwo", "record": long, "bell": "\x07"}).encode(), "x")
    assert value["text"] == "one\n\ttwo"
    assert value["record"] == long
    assert value["bell"] == "␇"


def test_the_servers_own_escapes_and_plain_unicode_cost_no_walk() -> None:
    assert not suspicious(rb'{"a": "\u003cb\u003e \u0026 \u003C"}')
    assert not suspicious('{"a": "Grüße, 世界 😀"}'.encode())


@pytest.mark.parametrize("raw", [b"", b"{", b"<html>", b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_json_is_one_sentence(raw: bytes) -> None:
    with pytest.raises(Unverified, match="answer to https://x/api"):
        decode(raw, "https://x/api")


def test_a_status_keeps_reason_message_and_causes() -> None:
    fault = api_fault(
        409,
        {
            "code": 409,
            "reason": "Conflict",
            "message": "Apply failed\x1b",
            "details": {
                "causes": [{"reason": "FieldManagerConflict", "message": 'conflict with "helm"', "field": ".a"}, 7]
            },
        },
    )
    assert (fault.code, fault.reason, fault.message) == (409, "Conflict", "Apply failed␛")
    assert [cause.field for cause in fault.conflicts] == [".a"]


@pytest.mark.parametrize("stated", [200, 201, 100, 302, 600, True, "404", 403.0, None])
def test_a_failure_that_says_it_is_none_keeps_the_answers_own_code(stated: object) -> None:
    fault = failure(409, "application/json", json.dumps({"kind": "Status", "code": stated}).encode(), "https://x/api")
    assert isinstance(fault, ApiFault)
    assert fault.code == 409


def test_messages_and_causes_are_bounded() -> None:
    causes = [{"reason": "r", "message": "m" * 10_000, "field": "f"}] * 500
    fault = api_fault(422, {"message": "x" * 100_000, "details": {"causes": causes}})
    assert len(fault.message) <= 1024
    assert len(fault.causes) == 100
    assert len(fault.causes[0].message) <= 1024


def test_plain_text_is_an_answer_and_a_web_page_is_not() -> None:
    shed = failure(429, "text/plain; charset=utf-8", b"Too many requests, please try again later.\n", "https://x/api")
    assert isinstance(shed, ApiFault)
    assert shed.message == "HTTP 429: Too many requests, please try again later."
    page = failure(502, "text/html", b"<html><b>Bad gateway", "https://x/api")
    assert isinstance(page, Unreachable)
    assert "<html>" not in str(page)


def test_warning_headers_are_unquoted_and_cleaned() -> None:
    headers = ['299 - "unknown field \\"spec.nonsense\\""', '299 - "x\x1b[31m"', "odd"]
    assert warnings_of(headers) == ('unknown field "spec.nonsense"', "x␛[31m", "odd")
