"""Cleaning of text that comes from a cluster: no control character and no unbounded size gets past this module."""

from typing import Final

MAX_TEXT: Final = 4096
"""Characters kept of one string from a cluster that is meant for a screen or a report."""

_VISIBLE: Final[dict[int, str]] = (
    {code: chr(0x2400 + code) for code in range(0x20)}
    | {0x7F: "␡"}
    | {code: f"<{code:02x}>" for code in range(0x80, 0xA0)}
    | dict.fromkeys(
        [
            0x061C,
            *range(0x200B, 0x2010),
            *range(0x2028, 0x202F),
            *range(0x2060, 0x2070),
            0xFEFF,
            *range(0xD800, 0xE000),
            *range(0xFFF9, 0xFFFC),
            *range(0xE0000, 0xE0080),
        ],
        "\ufffd",
    )
)
_VISIBLE_LINES: Final[dict[int, str]] = {k: v for k, v in _VISIBLE.items() if k not in (0x09, 0x0A)}


def clean(value: object, limit: int = MAX_TEXT) -> str:
    """One line of harmless text: control, bidirectional and zero-width characters shown as visible stand-ins.

    A hidden character is evidence, so it is shown, never dropped. Text longer than ``limit`` characters is cut
    and ends in ``…``.
    """
    text = str(value)
    if len(text) > limit:
        text = text[: limit - 1] + "…"
    return text if text.isascii() and text.isprintable() else text.translate(_VISIBLE)


def clean_lines(value: object, limit: int = 16 * MAX_TEXT) -> str:
    """Like :func:`clean`, but line feeds and tabs stay: for YAML, logs and messages of several lines."""
    text = str(value).replace("\r\n", "\n")
    if len(text) > limit:
        text = text[: limit - 1] + "…"
    return text.translate(_VISIBLE_LINES)
