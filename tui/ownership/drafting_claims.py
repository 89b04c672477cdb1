"""The claims of a first contract: what the evidence says of every kind in every namespace, as few selectors. Pure."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tui.contract.model import Claim, Selector
from tui.contract.select import literal
from tui.contract.tool_marks import Tool
from tui.contract.words import PLAIN, glob_problem
from tui.objects import Inventory, KindKey
from tui.ownership.evidence import KUSTOMIZATION
from tui.ownership.model import Attribution, State
from tui.ownership.references import CRD, dig
from tui.text import clean

OPEN: Final = frozenset({"default"})
"""Namespaces in which anybody may put anything: claims there are by name alone."""

_NEUTRAL: Final = frozenset({State.STALE})
"""States that neither support a claim nor contradict one: what is stale is on its way out."""

Cell = tuple[KindKey, str | None]


@dataclass(frozen=True, slots=True)
class Cells:
    """The objects by kind and namespace: ``owned`` maps an owner to names, ``mixed`` are cells with others in them."""

    owned: Mapping[Cell, Mapping[str, Sequence[str]]]
    mixed: frozenset[Cell]

    @classmethod
    def of(cls, rows: Iterable[Attribution], inventory: Inventory) -> "Cells":
        """Sorts attributions of roots; a kind that could not be listed whole is mixed."""
        owned: dict[Cell, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        mixed: set[Cell] = set()
        for row in rows:
            cell = (row.ref.kind_key, row.ref.namespace)
            if row.state in _NEUTRAL:
                continue
            sure = row.owner is not None and row.state is not State.UNVERIFIABLE
            if sure and row.owner is not None:
                owned[cell][row.owner].append(row.ref.name)
            if not sure or not inventory.readable(*cell[0], cell[1]):
                mixed.add(cell)
        mixed |= {cell for cell, owners in owned.items() if len(owners) > 1}
        return cls(owned, frozenset(mixed))


def claims_of(cells: Cells, tools: Sequence[Tool], inventory: Inventory) -> tuple[tuple[Claim, ...], tuple[str, ...]]:
    """One claim an owner, in the order of the tools, and in words what could not be claimed.

    A kind is claimed whole where its namespace holds nobody else's, else object by object; no two claims overlap.
    """
    left: list[str] = []
    claims = []
    ambiguous = _ambiguous(inventory)
    for tool in tools:
        wide, names = _parts(cells, tool.name, left)
        selectors = [*_wide(wide, ambiguous), *_named(names, ambiguous)]
        if selectors:
            claims.append(Claim(tool.name, tool.layer, _source(tool.name, inventory, left), tuple(selectors)))
    return tuple(claims), tuple(left)


def _parts(cells: Cells, owner: str, left: list[str]) -> tuple[dict[str, list[KindKey]], dict[Cell, list[str]]]:
    """The kinds claimed whole by namespace (empty for none), and the names claimed of other cells."""
    wide: dict[str, list[KindKey]] = defaultdict(list)
    names: dict[Cell, list[str]] = {}
    for cell, owners in sorted(cells.owned.items(), key=lambda item: (item[0][1] or "", item[0][0])):
        kind, namespace = cell
        if owner not in owners:
            continue
        if not (re.match(PLAIN, kind.kind) and re.match(PLAIN, namespace or "x")):
            left.append(f"how to claim {kind.kind} in {namespace}: no contract can write these names")
            continue
        whole = namespace not in OPEN if namespace else kind == CRD
        if whole and cell not in cells.mixed:
            wide[namespace or ""].append(kind)
            continue
        names[cell] = [exact for name in sorted(owners[owner]) if (exact := _exact(kind, name, left))]
    return wide, {cell: found for cell, found in names.items() if found}


def _exact(kind: KindKey, name: str, left: list[str]) -> str:
    """A glob that means this name alone; empty, with a word on it, where no contract can write the name."""
    pattern = literal(name)
    if clean(name) != name or glob_problem(pattern):
        left.append(f"how to claim {kind.kind} {clean(name, 80)!r}: its name cannot be written in a contract")
        return ""
    return pattern


def _wide(wide: Mapping[str, Sequence[KindKey]], ambiguous: frozenset[str]) -> Iterable[Selector]:
    """Namespaces with the same kinds share a selector; a kind of several groups says which it means."""
    alike: dict[tuple[str | None, tuple[str, ...]], list[str]] = defaultdict(list)
    for namespace, kinds in wide.items():
        plain = tuple(sorted({kind.kind for kind in kinds if kind.kind not in ambiguous}))
        if plain:
            alike[None, plain].append(namespace)
        for kind in kinds:
            if kind.kind in ambiguous:
                alike[kind.group, (kind.kind,)].append(namespace)
    for (group, names), namespaces in alike.items():
        groups = () if group is None else (group,)
        yield Selector(kinds=names, groups=groups, namespaces=tuple(filter(None, namespaces)))


def _named(names: Mapping[Cell, Sequence[str]], ambiguous: frozenset[str]) -> Iterable[Selector]:
    """Namespaces first: everything else rests on them."""
    for (kind, namespace), found in sorted(names.items(), key=lambda item: item[0][0] != KindKey("", "Namespace")):
        groups = (kind.group,) if kind.kind in ambiguous else ()
        namespaces = (namespace,) if namespace else ()
        yield Selector(kinds=(kind.kind,), groups=groups, names=tuple(found), namespaces=namespaces)


def _ambiguous(inventory: Inventory) -> frozenset[str]:
    """Kinds that several groups have: their name alone would mean both."""
    groups: dict[str, set[str]] = defaultdict(set)
    for kind in (*inventory.served, *(KindKey(key.group, key.kind) for key in inventory.objects)):
        groups[kind.kind].add(kind.group)
    return frozenset(kind for kind, found in groups.items() if len(found) > 1)


def _source(owner: str, inventory: Inventory, left: list[str]) -> str:
    """Where an owner's manifests are kept: Flux alone says so in the cluster."""
    paths = {str(dig(each.body, ("spec", "path")) or "") for each in inventory.of_kind(*KUSTOMIZATION)}
    roots = sorted(path.removeprefix("./").strip("/") for path in paths)
    if owner == "flux" and roots and all(_is_path(path) for path in roots):
        top = [path for path in roots if not any(path.startswith(f"{other}/") for other in roots)]
        if len(top) == 1:
            return f"{top[0]}/"
    left.append(f"where the manifests of {owner} are kept; write it into the claim as source")
    return ""


def _is_path(text: str) -> bool:
    return bool(text) and clean(text) == text and not any(char.isspace() for char in text)
