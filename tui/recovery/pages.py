"""Documents of the command line as Markdown: a table of owners, a page about one object, the release families. Pure."""

from collections.abc import Iterable, Sequence

from tui.objects import Json
from tui.ownership.dossier import Dossier
from tui.text import clean


def owners_markdown(document: Json) -> str:
    """``refloat.owners/1`` as a table."""
    rows = [
        (each["state"], " and ".join(each["owners"]) or "-", each["layer"] or "-", _name(each["ref"]))
        for each in document["objects"]
    ]
    counts = ", ".join(f"{state} {count}" for state, count in document["counts"].items()) or "no objects"
    lines = ["# Owners", "", counts, "", *_table(("state", "owner", "layer", "object"), rows)]
    return _page([*lines, *_unread(document)])


def explain_markdown(page: Dossier) -> str:
    """The page about one object, to paste into an argument."""
    lines = [f"# {clean(page.label)}: {page.state.value if page.state else 'not judged'}"]
    for section in page.sections:
        lines += ["", f"## {clean(section.title).capitalize()}", ""]
        for item in section.items:
            lines.append(f"- {clean(item.text)}")
            lines += [f"  - {clean(detail)}" for detail in item.details]
    return _page(lines)


def releases_markdown(document: Json) -> str:
    """``refloat.releases/1`` as a section a family."""
    lines = ["# Releases"]
    for family in document["families"]:
        lines += ["", f"## {clean(family['family'])}: {family['state']}", "", clean(family["why"]), ""]
        rows = [
            (row["name"], str(row["revision"]), row["status"], row["updated"], row["chart"], row["apply_method"])
            for row in family["revisions"]
        ]
        lines += _table(("release", "revision", "status", "updated", "chart", "apply"), rows)
        lines += ["", *(f"- {each['state']}: {_name(each['ref'])}" for each in family["resources"])]
        lines += [
            f"- hook, not covered by a replay: {_name(hook['ref'])}: {clean(hook['why'])}" for hook in family["hooks"]
        ]
    return _page([*lines, *_unread(document)])


def unread_markdown(what: str, why: str) -> str:
    """The page of a cluster that could not be read."""
    return _page([f"# {what}: UNVERIFIED", "", clean(why)])


def _unread(document: Json) -> list[str]:
    return ["", *(f"- could not be read: {clean(gap)}" for gap in document["incomplete"])]


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [_row(head), _row(["---"] * len(head))]
    return [*lines, *(_row([clean(cell).replace("|", "\\|") for cell in row]) for row in rows)]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _name(ref: Json) -> str:
    return clean(
        f"{ref['kind']} {ref['namespace']}/{ref['name']}" if ref["namespace"] else f"{ref['kind']} {ref['name']}"
    )


def _page(lines: Sequence[str]) -> str:
    return "\n".join(lines).rstrip("\n") + "\n"
