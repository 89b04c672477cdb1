import base64

import pytest

from screens.yaml_text import MAX_LINES, field_count, text_lines, yaml_lines
from tests.screens.world import ACTIVE, HOSTILE, body, manifest, record
from tui.objects import Json
from tui.widgets.spans import plain_text

SECRET = "hunter2-hunter2"


def said(one: Json) -> str:
    return "\n".join(map(plain_text, yaml_lines(one)))


def test_a_secret_shows_its_names_and_no_value() -> None:
    value = base64.b64encode(SECRET.encode()).decode()
    text = said(body("Secret", "token", "apps", data={"token": value}, stringData={"plain": SECRET}))
    assert "token: '***" in text
    assert value not in text
    assert SECRET not in text


def test_a_release_record_is_a_secret_whatever_stores_it() -> None:
    stored = record(ACTIVE, 1, "deployed", manifest(["source-controller"]))
    stored["kind"] = "ConfigMap"
    assert stored["data"]["release"][:40] not in said(stored)


def test_kubectl_s_copy_and_the_managers_are_folded() -> None:
    one = body("ConfigMap", "x", "apps", data={"a": "b"})
    one["metadata"]["annotations"] = {"kubectl.kubernetes.io/last-applied-configuration": SECRET, "kept": "yes"}
    one["metadata"]["managedFields"] = [{"manager": "helm"}]
    text = said(one)
    assert SECRET not in text
    assert "managedFields" not in text
    assert "kept: 'yes'" in text


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_is_shown_harmless(name: str) -> None:
    text = said(body("ConfigMap", "x", "apps", data={"text": name}))
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_a_huge_object_is_bounded_and_says_so() -> None:
    lines = yaml_lines(body("ConfigMap", "x", "apps", data={str(index): "v" for index in range(2 * MAX_LINES)}))
    assert len(lines) == MAX_LINES + 1
    assert "more lines; kubectl shows them all" in plain_text(lines[-1])


def test_of_a_long_text_the_end_is_kept() -> None:
    lines = text_lines("\n".join(str(index) for index in range(50)), 10)
    assert [plain_text(one) for one in lines] == [str(index) for index in range(40, 50)]


@pytest.mark.parametrize(
    ("fields", "number"),
    [({}, 1), ({"f:data": {".": {}, "f:a": {}, "f:b": {}}}, 2), ({"f:spec": {"f:replicas": {}}}, 1), ("text", 0)],
)
def test_leaves_of_a_field_set_are_counted(fields: object, number: int) -> None:
    assert field_count(fields) == number
