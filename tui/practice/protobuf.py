"""The few protobuf bodies that kubectl insists on: access reviews, scales and evictions, read into plain JSON."""

from collections.abc import Iterator
from typing import Any

from tui.practice.status import ApiError, media_type

Json = dict[str, Any]

MAGIC = b"k8s\x00"
MEDIA_TYPE = "application/vnd.kubernetes.protobuf"

# Field number -> (name, what it holds): "s" text, "i" number, or the fields of a message.
_META: dict[int, tuple[str, Any]] = {
    1: ("name", "s"),
    2: ("generateName", "s"),
    3: ("namespace", "s"),
    5: ("uid", "s"),
    6: ("resourceVersion", "s"),
}
_RESOURCE: dict[int, tuple[str, Any]] = {
    1: ("namespace", "s"),
    2: ("verb", "s"),
    3: ("group", "s"),
    4: ("version", "s"),
    5: ("resource", "s"),
    6: ("subresource", "s"),
    7: ("name", "s"),
}
_PATH: dict[int, tuple[str, Any]] = {1: ("path", "s"), 2: ("verb", "s")}
_MESSAGES: dict[str, dict[int, tuple[str, Any]]] = {
    "SelfSubjectAccessReview": {
        1: ("metadata", _META),
        2: ("spec", {1: ("resourceAttributes", _RESOURCE), 2: ("nonResourceAttributes", _PATH)}),
    },
    "SelfSubjectRulesReview": {1: ("metadata", _META), 2: ("spec", {1: ("namespace", "s")})},
    "SelfSubjectReview": {1: ("metadata", _META)},
    "Scale": {1: ("metadata", _META), 2: ("spec", {1: ("replicas", "i")})},
    "Eviction": {1: ("metadata", _META)},
    "Namespace": {1: ("metadata", _META)},
}


def parse(raw: bytes) -> Json:
    """The object in a protobuf body. Raises 415 for a kind that is not among the few, or a damaged body."""
    if not raw.startswith(MAGIC):
        raise refused()
    try:
        envelope = dict(_fields(raw[len(MAGIC) :]))
        kind = dict(_fields(_bytes(envelope[1])))
        named = _bytes(kind[2]).decode()
        head = {"apiVersion": _bytes(kind[1]).decode(), "kind": named}
        return head | _message(_bytes(envelope[2]), _MESSAGES[named])
    except (KeyError, ValueError, IndexError) as error:
        raise refused() from error


def refused() -> ApiError:
    """The 415 for a body in a form that is not read."""
    return media_type(
        "the body of the request was in an unknown format - accepted media types include: "
        "application/json, application/yaml"
    )


def _bytes(value: bytes | int) -> bytes:
    if isinstance(value, int):
        raise ValueError("a number where text should be")  # noqa: TRY004 - the caller takes damage as one thing
    return value


def _fields(raw: bytes) -> Iterator[tuple[int, bytes | int]]:
    """The fields of a message: number and value, in order. Raises ValueError or IndexError for a damaged one."""
    place = 0
    while place < len(raw):
        tag, place = _varint(raw, place)
        wire = tag & 7
        if wire == 0:
            number, place = _varint(raw, place)
            yield tag >> 3, number
        elif wire == 2:
            size, place = _varint(raw, place)
            if place + size > len(raw):
                raise ValueError("a field ends beyond its message")
            yield tag >> 3, raw[place : place + size]
            place += size
        elif wire in (1, 5):
            place += 8 if wire == 1 else 4
        else:
            raise ValueError(f"wire type {wire}")


def _varint(raw: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = raw[place]
        value |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if not byte & 0x80:
            return value, place
        if shift > 63:
            raise ValueError("a number too long")


def _message(raw: bytes, known: dict[int, tuple[str, Any]]) -> Json:
    found: Json = {}
    for number, value in _fields(raw):
        name, holds = known.get(number, ("", None))
        if holds == "s":
            if value:
                found[name] = _bytes(value).decode()
        elif holds == "i":
            found[name] = value
        elif isinstance(holds, dict):
            found[name] = _message(_bytes(value), holds)
    return found
