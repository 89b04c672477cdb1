"""An object as YAML for a screen: cleaned, bounded, and with everything secret masked. Pure."""

from collections.abc import Mapping
from typing import Any, Final

from tui.objects import Json
from tui.recovery.masking import masked, to_yaml
from tui.text import clean_lines
from tui.widgets.spans import Line, line, muted

MAX_LINES: Final = 4000
"""Lines of one object that a screen shows; a longer object says how much was left out."""

MAX_CHARACTERS: Final = 400_000


def yaml_lines(body: Json) -> tuple[Line, ...]:
    """The object as lines, the names of its fields apart from their values."""
    texts = clean_lines(to_yaml(masked(body)), MAX_CHARACTERS).splitlines()
    lines = [_coloured(text) for text in texts[:MAX_LINES]]
    if len(texts) > MAX_LINES:
        lines.append(line(muted(f"... {len(texts) - MAX_LINES} more lines; kubectl shows them all")))
    return tuple(lines)


def text_lines(text: str, limit: int = MAX_LINES) -> tuple[Line, ...]:
    """Any text of several lines, cleaned; of a longer one the end is kept, for that is where news is."""
    texts = clean_lines(text, MAX_CHARACTERS).splitlines()
    return tuple(line(one.expandtabs(4)) for one in texts[-limit:])


def _coloured(text: str) -> Line:
    name, colon, value = text.partition(":")
    if colon and (not value or value.startswith(" ")) and '"' not in name:
        return line(muted(f"{name}:"), value)
    return line(text)


def field_count(fields: Any) -> int:
    """How many leaves a FieldsV1 set names."""
    if not isinstance(fields, Mapping):
        return 0
    below = sum(field_count(value) for name, value in fields.items() if name != ".")
    return below or 1 if fields else 1
