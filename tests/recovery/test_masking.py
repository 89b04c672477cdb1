"""What may be shown of an object: no value of a Secret, no hidden character, and nothing cut."""

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.clusters import obj
from tui.faults import ApiFault, Cause, Fault, OutcomeUnknown, Unreachable
from tui.objects import Json, Ref
from tui.recovery.masking import LAST_APPLIED, difference, hushed, masked, to_yaml, visible

SECRET = Ref("v1", "Secret", "apps", "token")
# Long enough and odd enough never to be part of anything that is shown by right.
VALUES = st.text(st.characters(codec="utf-8", categories=("L", "N", "P")), min_size=4, max_size=30).map(
    "qzx{}xzq".format
)


def secret(values: dict[str, str], **more: Any) -> Json:
    encoded = {name: base64.b64encode(value.encode()).decode() for name, value in values.items()}
    body = obj("Secret", "token", "apps", data=encoded, stringData=dict(values), **more)
    body["metadata"]["annotations"][LAST_APPLIED] = str(values)
    body["metadata"]["managedFields"] = [{"manager": "x", "fieldsV1": {f"v:{value}": {} for value in values.values()}}]
    return body


def told(value: str, text: str) -> bool:
    return value in text or base64.b64encode(value.encode()).decode() in text


@given(VALUES, VALUES)
def test_no_value_of_a_secret_is_ever_shown(one: str, two: str) -> None:
    before, after = secret({"a": one, "b": one}), secret({"a": two, "c": two})
    shown = [to_yaml(masked(before)), to_yaml(masked(after, before)), *difference(before, after)]
    shown += [*difference(None, after), *difference(before, None)]
    assert not [text for text in shown for value in (one, two) if told(value, text)]


@pytest.mark.parametrize("data", ["qzx-plain", ["qzx-list"], {"a": {"b": "qzx-deep"}}, {"a": ["qzx"]}, 17])
def test_odd_data_of_a_secret_is_masked_whole(data: Any) -> None:
    assert "qzx" not in to_yaml(masked({"kind": "Secret", "data": data}))


def test_a_mask_keeps_no_digest_to_try_guesses_on() -> None:
    text = to_yaml(masked(secret({"password": "hunter22"})))
    assert "*** (12 characters)" in text
    assert text == to_yaml(masked(secret({"password": "hunter23"})))


def test_a_change_is_seen_without_the_value() -> None:
    lines = difference(secret({"a": "same", "b": "before"}), secret({"a": "same", "b": "behind"}))
    changes = [line for line in lines if line[0] in "+-" and "***" in line]
    assert len(changes) == 4
    assert sum("another value" in line for line in changes) == 2
    assert all(" b:" in line for line in changes)
    assert difference(secret({"a": "same"}), secret({"a": "same"})) == ()


@given(st.recursive(st.none() | st.text(max_size=4), lambda below: st.dictionaries(st.text(max_size=4), below)))
def test_any_metadata_can_be_masked(meta: Any) -> None:
    assert LAST_APPLIED not in to_yaml(masked({"kind": "Secret", "metadata": meta}))


def test_status_and_what_the_server_keeps_are_no_difference() -> None:
    one = obj("Service", "a", spec={"x": 1}, status={"ready": True})
    two = {**one, "status": {}, "metadata": one["metadata"] | {"resourceVersion": "9", "generation": 7, "uid": "z"}}
    assert difference(one, two) == ()


def test_a_large_object_is_shown_to_its_end() -> None:
    body = obj("ConfigMap", "big", data={f"key-{n}": "x" * 70 for n in range(4000)})
    text = to_yaml(masked(body))
    assert "key-3999" in text
    assert "…" not in text


@given(st.recursive(st.text(max_size=5), lambda b: st.lists(b, max_size=3) | st.dictionaries(st.text(max_size=5), b)))
def test_hidden_characters_are_made_visible_in_a_copy(value: Any) -> None:
    body = {"a": value}
    before = repr(body)
    text = repr(visible(body))
    assert repr(body) == before
    assert not any(f"\\x{code:02x}" in text for code in (*range(0x20), *range(0x7F, 0xA0)) if code not in (9, 10, 13))
    assert not any(hidden in text for hidden in ("\u202e", "\u200b", "\ufeff"))


def test_what_is_visible_already_is_the_same() -> None:
    body = obj("Service", "größe", spec={"text": "two\nlines\tand tabs", "n": 1, "none": None})
    assert visible(body) == body


def test_depth_does_not_break_it() -> None:
    deep: Json = {}
    for _ in range(50_000):
        deep = {"a": deep}
    shown = visible(deep)
    for _ in range(50_000):
        deep, shown = deep["a"], shown["a"]
    assert shown == {}


@pytest.mark.parametrize(
    "fault",
    [
        ApiFault(422, "Invalid", 'data[x]: Invalid value: "qzx"', (Cause("FieldValueInvalid", 'bad "qzx"', "data"),)),
        OutcomeUnknown("a POST was sent and its outcome is unknown: qzx"),
        Unreachable("qzx"),
        Fault("qzx"),
    ],
)
def test_what_a_server_says_of_a_secret_is_not_repeated(fault: Fault) -> None:
    quiet = hushed(fault, SECRET)
    assert type(quiet) is type(fault)
    assert "qzx" not in str(quiet)
    assert "not shown" in str(quiet)
    if isinstance(fault, ApiFault):
        assert isinstance(quiet, ApiFault)
        assert (quiet.code, quiet.reason, quiet.causes) == (422, "Invalid", ())
    assert hushed(fault, Ref("v1", "Service", "apps", "a")) is fault


def test_a_release_record_is_masked_wherever_helm_keeps_it() -> None:
    kept = {"kind": "ConfigMap", "metadata": {"name": "sh.helm.release.v1.flux.v1"}, "data": {"release": "H4sIsecret"}}
    assert "H4sIsecret" not in to_yaml(masked(kept))
    assert "H4sIsecret" not in "\n".join(difference(kept, None))
    plain = kept | {"metadata": {"name": "settings"}}
    assert "H4sIsecret" in to_yaml(masked(plain))
