"""All that is known of who owns one object, as lines: the command line's page, drawn in the pane. Pure."""

from collections.abc import Iterator
from typing import Final

from screens.words import state_span
from tui.contract.model import Contract
from tui.objects import Key
from tui.ownership.dossier import Item, Lookups, Tone, dossier
from tui.ownership.model import Assessment
from tui.widgets.spans import Line, Span, bad, good, line, muted, strong, warn

_MARKS: Final[dict[Tone, Span]] = {
    Tone.PLAIN: muted("· "),
    Tone.GOOD: good("✓ "),
    Tone.WARN: warn("! "),
    Tone.BAD: bad("✗ "),
}


def evidence_lines(contract: Contract, assessment: Assessment, lookups: Lookups, key: Key) -> tuple[Line, ...]:
    """The page about one object, live or missing; says so where nothing is known of it (any more)."""
    page = dossier(contract, assessment, key, lookups)
    state = ("  ", state_span(page.state)) if page.state else ()
    lines = [line(strong(page.label), *state, "  ", muted(page.api_version))]
    for section in page.sections:
        lines += [(), line(muted(section.title))]
        for item in section.items:
            lines += _item_lines(item)
    return tuple(lines)


def _item_lines(item: Item) -> Iterator[Line]:
    yield line(_MARKS[item.tone], item.text)
    yield from (line("    ", detail) for detail in item.details)
