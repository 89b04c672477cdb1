"""From lines of spans to what Textual draws. The only place where text of a cluster becomes a Textual value."""

from collections.abc import Iterable
from typing import Final

from textual.content import Content

from tui.text import clean
from tui.widgets.spans import Line, Role

STYLES: Final = {
    Role.PLAIN: "",
    Role.STRONG: "bold",
    Role.MUTED: "dim",
    Role.GOOD: "$text-success",
    Role.WARN: "$text-warning",
    Role.BAD: "$text-error bold",
    Role.ACCENT: "$text-accent",
}
"""Theme variables a role, never raw colours."""


def shown(text: object) -> Content:
    """Any text as literal content: cleaned, and never read as markup."""
    return Content(clean(text))


def content(lines: Iterable[Line]) -> Content:
    """Lines of spans as one content; nothing in them is read as markup."""
    return Content("\n").join(Content.assemble(*((span.text, STYLES[span.role]) for span in spans)) for spans in lines)
