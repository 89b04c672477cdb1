"""Draws a first contract from a live cluster: owners by their marks, claims by the evidence, families by their names.

It is conservative: what has no evidence, two owners, or an owner that could not be verified is claimed for nobody, and
said. Pure.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Final

from tui.contract.draft import contract_text
from tui.contract.model import GENERATED, Contract, Family, Layer, Mark, Owner, glob
from tui.contract.select import literal
from tui.contract.tool_marks import APPLICATIONS, LAYERS, TOOLS, Tool
from tui.contract.words import IDENTIFIER, PLAIN, glob_problem
from tui.objects import Inventory
from tui.ownership.assess import assess
from tui.ownership.drafting_claims import Cells, claims_of
from tui.ownership.drafting_health import health_of
from tui.ownership.evidence import World, stamp_managers, stamp_of
from tui.ownership.findings import is_noise
from tui.ownership.model import Assessment, Attribution, State
from tui.ownership.releases import Releases, read_releases
from tui.text import clean

SHOWN: Final = 12
"""Objects that are named in a remark; the rest is counted."""

DOUBT: Final = "could not tell: "


@dataclass(slots=True)
class _Notes:
    by_section: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def add(self, section: str, text: str) -> None:
        self.by_section[section].append(text)

    def doubt(self, section: str, text: str) -> None:
        self.by_section[section].append(DOUBT + text)


def draft_contract(inventory: Inventory, name: str, today: date) -> str:
    """The text of a first contract for the cluster that this inventory was read of.

    ``name`` is what it is called. Everything that could not be told is a comment ``# could not tell: ...``.
    """
    notes = _Notes()
    releases = read_releases(inventory)
    families = tuple(_families(inventory, releases, notes))
    known = (*TOOLS, *_appliers(inventory, releases, notes))
    assessment = assess(_everybody(families, known), inventory, today=today)
    rows = [row for key, row in assessment.attributions.items() if row.root == key and not is_noise(row.ref)]
    tools = _found(known, rows, families)
    cells = Cells.of(rows, inventory)
    claims, left = claims_of(cells, tools, inventory)
    health, unsure = health_of(rows, inventory)
    _doubts(rows, assessment, releases, notes)
    for section, texts in (("claims", left), ("health", unsure)):
        for text in texts:
            notes.doubt(section, text)
    _advice(notes, inventory, tools)
    contract = replace(
        _everybody(families, known),
        name=name,
        layers=_layers(tools),
        owners={tool.name: _owner(tool, families) for tool in tools} or {"nobody": Owner("nobody", "Nobody", ())},
        claims=claims,
        health=health,
        cluster_uid=inventory.cluster_uid,
    )
    return contract_text(contract, notes.by_section)


def _everybody(families: Sequence[Family], tools: Sequence[Tool] = TOOLS) -> Contract:
    """A contract that knows all these tools and claims nothing: with it, all evidence is collected."""
    owners = {tool.name: _owner(tool, families) for tool in tools}
    return Contract("everybody", _layers(tools), owners, releases=tuple(families))


def _appliers(inventory: Inventory, releases: Releases, notes: _Notes) -> Iterator[Tool]:
    """The field managers that no tool is known by and that apply objects: an operator of one's own, say."""
    world = World(_everybody(()), inventory, releases, (), ())
    tools = {tool.name for tool in TOOLS}
    taken = set(tools)
    live = (live for live in inventory.objects.values() if live.controller is None and not is_noise(live.ref))
    # One that has a tool's name is that tool.
    for manager in sorted({manager for each in live for manager in world.appliers(each)} - tools):
        name = re.sub(r"[^A-Za-z0-9._-]+", "-", manager)[:63].strip("-._")
        pattern = literal(manager)
        if name in taken or not re.match(IDENTIFIER, name) or glob_problem(pattern):
            notes.doubt("owners", f"how to name the owner that applies as field manager {clean(manager, 80)!r}")
            continue
        taken.add(name)
        yield Tool(name, manager, APPLICATIONS, (Mark(manager=(pattern,)),))


def _owner(tool: Tool, families: Iterable[Family]) -> Owner:
    marks = (*tool.marks, *(Mark(family=family.name) for family in families if family.owner == tool.name))
    return Owner(tool.name, tool.title, marks, tool.reconcile)


def _layers(tools: Sequence[Tool]) -> tuple[Layer, ...]:
    """The layers that are in use; one belongs to an owner as a whole where only one tool fills it."""
    found = []
    for name, title in LAYERS.items():
        owners = [tool.name for tool in tools if tool.layer == name]
        if owners or name == list(LAYERS)[-1]:
            whole = owners[0] if len(owners) == 1 and name != list(LAYERS)[-1] else None
            found.append(Layer(name, title, whole))
    return tuple(found)


def _found(known: Iterable[Tool], rows: Iterable[Attribution], families: Iterable[Family]) -> tuple[Tool, ...]:
    names = {owner for row in rows for owner in row.owners} | {family.owner for family in families}
    return tuple(tool for tool in known if tool.name in names)


def _families(inventory: Inventory, releases: Releases, notes: _Notes) -> Iterator[Family]:
    """One family for each logical name of which a release with a generated name is recorded."""
    world = World(_everybody(()), inventory, releases, (), ())
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for release in releases.all:
        base, _, suffix = release.name.rpartition("-")
        ours = base and GENERATED.fullmatch(suffix) and release.namespace == release.newest.namespace
        if ours and not world.helm_release_of(release.name, release.namespace):
            found[release.namespace, base].append(release.name)
    recorded = {(release.namespace, release.name) for release in releases.all}
    stampers = _stampers(inventory) if found else {}
    taken: set[str] = set()
    for (namespace, base), names in sorted(found.items()):
        name = base if base not in taken else f"{base}-{namespace}"[:63]
        if name in taken or not (re.match(IDENTIFIER, name) and re.match(PLAIN, base) and re.match(PLAIN, namespace)):
            notes.doubt("releases", f"what to call the family of {base} in {namespace}; it is left out")
            continue
        taken.add(name)
        pinned = (base,) if (namespace, base) in recorded else ()
        tools = {tool for release in names for tool in stampers.get((namespace, release), ())}
        owner = _installer(tools, name, notes)
        notes.doubt(f"family {name}", "what a cleanup of it may touch; until a cleanup is set here, that is nothing")
        yield Family(name, namespace, owner, generated=base, names=pinned)


def _stampers(inventory: Inventory) -> dict[tuple[str, str], set[str]]:
    """The tools whose field managers hold stamps, by the release's namespace and name."""
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for live in inventory.objects.values():
        stamp = stamp_of(live)
        if stamp is not None and live.controller is None:
            managers = stamp_managers(live)
            tools = (tool.name for tool in TOOLS for mark in tool.marks if _holds(mark, managers))
            found[stamp.namespace, stamp.release].update(tools)
    return found


def _installer(tools: set[str], family: str, notes: _Notes) -> str:
    """The one tool that holds the stamps of a family's releases; by the form of their names it would be Pulumi."""
    if len(tools) == 1:
        return next(iter(tools))
    said = " and ".join(sorted(tools)) or "no field manager of a tool that is known here"
    notes.doubt(f"family {family}", f"who installs it: its stamps are held by {said}; its names have Pulumi's form")
    return "pulumi"


def _holds(mark: Mark, managers: Iterable[str]) -> bool:
    return any(glob(pattern, manager) for pattern in mark.manager for manager in managers)


def _doubts(rows: Sequence[Attribution], assessment: Assessment, releases: Releases, notes: _Notes) -> None:
    """What the cluster does not tell, each where it matters."""
    for gap in assessment.inventory.gaps:
        notes.doubt("head", f"{gap.text}; nothing below knows of these")
    if assessment.inventory.cluster_uid is None:
        notes.doubt("head", "the uid of kube-system, which would pin this contract to its cluster")
    _each(rows, State.CONTESTED, notes, lambda row: f"whose {row.ref.label} is: {_told(row)}", "contested objects")
    _each(
        rows,
        State.UNVERIFIABLE,
        notes,
        lambda row: f"whose {row.ref.label} is: {row.why_unverifiable}",
        "objects that could not be verified",
    )
    unowned: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        if row.state is State.UNOWNED:
            unowned[row.ref.namespace or ""][row.ref.kind] += 1
    for namespace, kinds in sorted(unowned.items()):
        where = f"in {namespace}" if namespace else "in no namespace"
        what = ", ".join(f"{kind} {count}" for kind, count in sorted(kinds.items()))
        notes.doubt("claims", f"who owns what bears no mark {where}: {what}")
    for text in _unrecorded(assessment.inventory, releases):
        notes.doubt("releases", text)
    for bad in releases.undecodable:
        notes.doubt("releases", f"what {bad.storage.label} records: {bad.reason}")
    for view in assessment.families:
        if view.state.value != "active":
            notes.doubt(f"family {view.family.name}", f"which of its releases is active: {view.why}")


def _unrecorded(inventory: Inventory, releases: Releases) -> Iterator[str]:
    """Generated release names that objects are stamped with although no release of that logical name is recorded."""
    known = {release.name.rpartition("-")[0] for release in releases.all}
    stamps: Counter[tuple[str, str]] = Counter()
    for live in inventory.objects.values():
        stamp = stamp_of(live)
        if stamp is None or live.controller is not None:
            continue
        base, _, suffix = stamp.release.rpartition("-")
        if base not in known and GENERATED.fullmatch(suffix):
            stamps[stamp.namespace, stamp.release] += 1
    for (namespace, name), count in sorted(stamps.items()):
        logical = name.rpartition("-")[0]
        yield (
            f"what became of release {name} in {namespace or 'no namespace'}: {count} objects are stamped with it, and "
            f"it has no record; a family {logical} would know"
        )


def _told(row: Attribution) -> str:
    first = {evidence.owner: evidence.text for evidence in reversed(row.evidence)}
    return "; ".join(f"{owner}: {first[owner]}" for owner in row.owners)


def _each(
    rows: Sequence[Attribution], state: State, notes: _Notes, say: Callable[[Attribution], str], more: str
) -> None:
    found = sorted((row for row in rows if row.state is state), key=lambda row: row.ref.label)
    for row in found[:SHOWN]:
        notes.doubt("claims", say(row))
    if len(found) > SHOWN:
        notes.doubt("claims", f"whose {len(found) - SHOWN} more {more} are")


def _advice(notes: _Notes, inventory: Inventory, tools: Sequence[Tool]) -> None:
    uid = inventory.cluster_uid
    notes.by_section["head"][:0] = [
        f"Who owns which resources: a first draft, drawn from {f'cluster {uid}' if uid else 'a cluster'} as it is now.",
        "It says what is, not what should be: read every claim, and decide every line that could not tell.",
        "refloat contract check finds gaps; refloat contract check --live holds it against the cluster.",
    ]
    notes.add("owners", "How each tool is recognised on a live object. Add to each the steps of its change process:")
    notes.add("owners", "process: [...], which refloat explain -f shows for what is to be added.")
    if not tools:
        notes.doubt("owners", "who manages this cluster: no tool of the catalogue left a mark")
    notes.add("claims", "Of all claims the first that matches decides. Names without a glob are reported when missing.")
    notes.add("releases", "Helm releases that are generations of one another: a name, a hyphen and eight hex digits.")
    notes.doubt("guardrails", "what this cluster must not hold: no cluster says so")
