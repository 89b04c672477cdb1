"""Reading what an API server answered: bounded JSON, cleaned once where it enters, and failures as faults."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from tui.faults import ApiFault, Cause, Unreachable, Unverified
from tui.objects import Json
from tui.text import clean, clean_lines

MAX_MESSAGE: Final = 1024
"""Characters kept of a failure's message: enough for a list of causes, too few to flood a screen."""

MAX_CAUSES: Final = 100
"""Causes kept of one failure Status; a conflict over every field of a large object stays readable."""

_ESCAPE: Final = re.compile(rb"\\(?:u(?!003[cCeE]|0026)|[bfr])|\x7f")
"""JSON escapes that may hide a control character. The server's own escapes of ``<``, ``>`` and ``&`` hide none."""

_HIDDEN: Final = re.compile(
    rb"\xc2[\x80-\x9f]|\xd8\x9c|\xe2\x80[\x8b-\x8f\xa8-\xae]|\xe2\x81[\xa0-\xaf]|\xed[\xa0-\xbf]"
    rb"|\xef\xbb\xbf|\xef\xbf[\xb9-\xbb]|\xf3\xa0[\x80\x81]"
)
"""The UTF-8 forms of what ``tui.text`` makes visible: C1 controls, bidirectional and zero-width characters."""

_WARNING: Final = re.compile(r'^\d{3} \S+ "(.*)"(?: "[^"]*")?$', re.DOTALL)


def decode(raw: bytes, place: str) -> Any:
    """The JSON in ``raw`` exactly as sent. ``place`` names the request in the fault.

    Raises Unverified for anything that is not JSON or is nested too deep to read.
    """
    try:
        return json.loads(raw)
    except RecursionError as error:
        raise Unverified(f"the answer to {place} is nested too deep to read") from error
    except ValueError as error:
        raise Unverified(f"the answer to {place} was cut short or is not JSON; try again") from error


def decode_clean(raw: bytes, place: str) -> Any:
    """Like :func:`decode`, with every hidden character in keys and values made visible; line feeds and tabs stay."""
    value = decode(raw, place)
    return scrub(value) if suspicious(raw) else value


def suspicious(raw: bytes) -> bool:
    """Whether these JSON bytes may hold a character that must not reach a screen; plain answers pass at a glance."""
    if _ESCAPE.search(raw):
        return True
    return not raw.isascii() and _HIDDEN.search(raw) is not None


def scrub(value: Any) -> Any:
    """Cleans every string of a JSON value, in place where it can; returns the value.

    Nothing is cut: a release record is one very long string. The walk keeps its own stack, so that no depth of
    nesting that could be decoded can break it.
    """
    holder = [value]
    pending: list[Any] = [holder]
    while pending:
        node = pending.pop()
        if isinstance(node, dict):
            _clean_keys(node)
        for place, item in list(node.items() if isinstance(node, dict) else enumerate(node)):
            if isinstance(item, str):
                node[place] = _visible(item)
            elif isinstance(item, dict | list):
                pending.append(item)
    return holder[0]


def _clean_keys(node: Json) -> None:
    if all(key.isascii() and key.isprintable() for key in node):
        return
    renamed = {_visible(key): item for key, item in node.items()}
    node.clear()
    node.update(renamed)


def _visible(text: str) -> str:
    return text if text.isascii() and text.isprintable() else clean_lines(text, limit=len(text))


def failure(code: int, content_type: str, raw: bytes, place: str) -> ApiFault | Unreachable:
    """The fault of an answer with a failing HTTP status.

    An API server explains itself with a Status, or in plain text where it sheds load; a page of HTML comes from
    something in between, and no verdict may rest on it.
    """
    status = _status(raw)
    if status is not None:
        return api_fault(code, status)
    if "html" in content_type:
        return Unreachable(
            f"{place} was answered with HTTP {code} and a web page: something between here and the API server "
            "(a proxy or a login page) answers in its place"
        )
    words = clean(raw[:MAX_MESSAGE].decode("utf-8", "replace").strip(), MAX_MESSAGE) or "no explanation"
    return ApiFault(code, "", f"HTTP {code}: {words}")


def api_fault(code: int, status: Mapping[str, Any]) -> ApiFault:
    """The fault a failure Status describes; ``code`` is used where the Status has none that is a failure's."""
    details = status.get("details")
    causes = details.get("causes") if isinstance(details, dict) else None
    stated = status.get("code")
    number = stated if isinstance(stated, int) and 400 <= stated < 600 else code
    reason = clean(status.get("reason") or "", 100)
    message = clean(status.get("message") or reason or f"HTTP {number}", MAX_MESSAGE)
    return ApiFault(number, reason, message, tuple(_causes(causes)))


def _causes(causes: object) -> list[Cause]:
    if not isinstance(causes, list):
        return []
    return [
        Cause(
            clean(cause.get("reason") or "", 100),
            clean(cause.get("message") or "", MAX_MESSAGE),
            clean(cause.get("field") or "", 400),
        )
        for cause in causes[:MAX_CAUSES]
        if isinstance(cause, dict)
    ]


def _status(raw: bytes) -> Json | None:
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) and value.get("kind") == "Status" else None


def warnings_of(headers: Iterable[str]) -> tuple[str, ...]:
    """The texts of HTTP Warning headers (``299 - "text"``), cleaned."""
    return tuple(clean(_WARNING.sub(r"\1", header).replace('\\"', '"'), MAX_MESSAGE) for header in headers)


def not_an_api_server(content_type: str, place: str) -> Unreachable:
    """The fault of a successful answer that is no JSON."""
    kind = clean(content_type or "no content type", 80)
    return Unreachable(
        f"{place} was answered with {kind} where an API server sends JSON: "
        "a proxy or a login page answers in its place; check the server in the kubeconfig"
    )
