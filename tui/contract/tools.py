"""What each tool of the table is called under a contract: as the owner declared for it, or by its own name. Pure.

A tool and the owner that a contract recognises by the same mark are one: no mark may make two owners.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from tui.contract.model import Contract, Mark, glob
from tui.contract.select import is_plain
from tui.contract.tool_marks import TOOLS


class Part(NamedTuple):
    """One thing that a mark looks at: ``label`` and ``annotation`` with a value, or a name of another sort."""

    sort: str
    name: str
    value: str = ""


def parts(mark: Mark) -> Iterator[Part]:
    """A mark's parts; any one of them is enough."""
    for sort, texts in (("label", mark.label), ("annotation", mark.annotation)):
        yield from (Part(sort, name, value) for name, value in (texts or {}).items())
    for sort, names in (("manager", mark.manager), ("inventory", mark.inventory), ("owner_kind", mark.owner_kind)):
        yield from (Part(sort, name) for name in names)


_KNOWN: Final[Mapping[str, tuple[tuple[Part, str], ...]]] = {
    sort: tuple((part, tool.name) for tool in TOOLS for mark in tool.marks for part in parts(mark) if part.sort == sort)
    for sort in ("label", "annotation", "manager", "inventory", "owner_kind")
}
"""Every part of the table by its sort, with its tool."""


def tool_names(contract: Contract) -> dict[str, str]:
    """What each tool of the table is called under this contract, by its own name.

    That is the owner who recognises it by one of its marks, or who has its name; else its own name. Of several owners
    one that owns no release family: what another owner may have must never count as the family's own.
    """
    recognised: dict[str, list[str]] = defaultdict(list)
    for owner in contract.owners.values():
        for part in (part for mark in owner.marks for part in parts(mark)):
            tool = _meant(part)
            if tool is not None:
                recognised[tool].append(owner.name)
    families = {family.owner for family in contract.releases}
    return {tool.name: min(recognised[tool.name] or [tool.name], key=families.__contains__) for tool in TOOLS}


def _meant(part: Part) -> str | None:
    """The one tool that a part of a contract's mark recognises; None where it is none of the table's, or several's."""
    tools = {tool for known, tool in _KNOWN[part.sort] if _means(part, known)}
    return tools.pop() if len(tools) == 1 else None


def _means(part: Part, known: Part) -> bool:
    """Whether a part takes in all that a part of the table does; of managers any is enough."""
    if part.sort == "manager" and is_plain(part.name) and glob(known.name, part.name):
        return True
    return _covers(part.name, known.name) and _covers(part.value, known.value)


def _covers(pattern: str, known: str) -> bool:
    return pattern == known or glob(pattern, known)


_TITLES: Final[Mapping[str, str]] = {tool.name: tool.title for tool in TOOLS}


def title_of(contract: Contract, owner: str) -> str:
    """What people call an owner: by the contract, or by the table of tools; a field manager by its own name."""
    declared = contract.owners.get(owner)
    return declared.title if declared else _TITLES.get(owner, owner)
