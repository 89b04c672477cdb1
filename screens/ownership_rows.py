"""The ownership tree as an outline: filtered, opened, drawn. Pure; what walks all objects is made for a thread."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Final

from screens.words import STATES, state_span
from tui.contract.model import Contract
from tui.objects import Key
from tui.ownership.model import Assessment, Attribution, State
from tui.ownership.tree import GroupBy, TreeNode, build_tree
from tui.widgets.outline import Node, Path, Place, lay_out
from tui.widgets.spans import Line, Span, cells, counted, fit, line, muted, strong

FEW: Final = 200
"""Objects up to which a filtered tree is shown with every branch open."""

WORST: Final = (
    State.CONTESTED,
    State.STALE,
    State.MISSING,
    State.MISOWNED,
    State.UNVERIFIABLE,
    State.UNDOCUMENTED,
    State.UNOWNED,
)
"""The states a branch tells beside its count, worst first."""


@dataclass(frozen=True)
class Branch:
    """A node of the tree for the outline. Two objects of one name differ by their group and kind."""

    tree: TreeNode = field(repr=False)

    @cached_property
    def name(self) -> str:
        """Unique among its siblings."""
        ref = self.tree.ref
        return self.tree.title if ref is None else f"{ref.group}/{ref.kind}/{ref.path}"

    @property
    def count(self) -> int:
        """The objects below."""
        return self.tree.count

    @property
    def leaf(self) -> bool:
        """Whether this is an object."""
        return self.tree.kind == "object"

    @cached_property
    def children(self) -> Sequence["Branch"]:
        """The nodes below."""
        return [Branch(child) for child in self.tree.children]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What of the tree is to be shown. ``text`` are words that an object's kind, name or owner must all contain."""

    text: str = ""
    state: State | None = None
    group_by: GroupBy = GroupBy.LAYER

    @property
    def narrowed(self) -> bool:
        """Whether anything is filtered out."""
        return bool(self.text.strip()) or self.state is not None


@dataclass(frozen=True, slots=True)
class Forest:
    """The tree as it is to be shown: its lines, what is open, and how many objects are left of all."""

    places: list[Place] = field(repr=False)
    opened: frozenset[Path]
    shown: int
    total: int
    focus: Path | None = None


def keeps(attribution: Attribution, wanted: Wanted) -> bool:
    """Whether the filter leaves the object."""
    if wanted.state is not None and attribution.state is not wanted.state:
        return False
    said = f"{attribution.ref.label} {attribution.release or ''} {' '.join(attribution.owners)}".casefold()
    return all(word in said for word in wanted.text.casefold().split())


def forest(
    contract: Contract,
    assessment: Assessment,
    wanted: Wanted,
    opened: Collection[Path] | None,
    focus: Key | None = None,
) -> Forest:
    """Builds what is shown. ``opened`` None means: as it is best seen first. Slow for many objects: for a thread."""
    total = len(assessment.attributions)
    if wanted.narrowed:
        kept = {key: one for key, one in assessment.attributions.items() if keeps(one, wanted)}
        assessment = replace(assessment, attributions=kept)
    roots = Branch(build_tree(contract, assessment, wanted.group_by)).children
    left = len(assessment.attributions)
    if wanted.narrowed and left <= FEW:
        opened = set(_branches(roots))
    elif opened is None:
        opened = set(_first_sight(roots))
    path = path_to(roots, focus) if focus else None
    if path:
        opened = {*opened, *(path[:length] for length in range(1, len(path)))}
    places = lay_out(roots, opened)
    for place in places:
        # Counted here, in the thread, rather than when the line is first drawn.
        _ = place.node.tree.counts if isinstance(place.node, Branch) else None
    return Forest(places, frozenset(opened), left, total, path)


def _branches(roots: Sequence[Branch], above: Path = ()) -> Iterator[Path]:
    for node in roots:
        if not node.leaf:
            path = (*above, node.name)
            yield path
            yield from _branches(node.children, path)


def _first_sight(roots: Sequence[Branch]) -> Iterator[Path]:
    """Two levels, so that every owner is seen; the system's own stays folded."""
    for node in roots:
        if not node.tree.folded and not node.leaf:
            yield (node.name,)


def path_to(roots: Sequence[Branch], key: Key) -> Path | None:
    """The path of an object's line; None where the tree does not hold it."""
    path: list[str] = []
    level: Sequence[Branch] = roots
    while True:
        node = next((one for one in level if any(row.ref.key == key for row in one.tree.rows)), None)
        if node is None:
            return None
        path.append(node.name)
        if node.leaf:
            return tuple(path)
        level = node.children


def node_line(node: Node, width: int) -> Line:
    """One node's text: a branch with its counts, an object with its state."""
    if not isinstance(node, Branch):
        return ()
    tree = node.tree
    if tree.attribution is not None:
        return _object_line(tree.attribution, width)
    parts: list[str | Span] = [strong(tree.title), f" {counted(tree.count)}"]
    if tree.folded:
        parts.append(muted("  folded"))
    told = ((state, tree.counts.get(state, 0)) for state in WORST)
    parts.extend(Span(f"  {state.value} {counted(number)}", STATES[state][1]) for state, number in told if number)
    return fit(line(*parts), width)


def _object_line(attribution: Attribution, width: int) -> Line:
    state = line(state_span(attribution.state), "  ")
    name = line(attribution.ref.name)
    rest: list[str | Span] = []
    if attribution.state in (State.CONTESTED, State.MISOWNED):
        rest.append(muted(f"  {' and '.join(attribution.owners)}"))
    return fit((*state, *name, *line(*rest)), max(width, cells(state)))


def facets(assessment: Assessment | None) -> tuple[State, ...]:
    """The states that occur, worst first, then owned: what ``s`` goes through."""
    if assessment is None:
        return ()
    present = {one.state for one in assessment.attributions.values()}
    return tuple(state for state in (*WORST, State.OWNED) if state in present)
