"""The layered tree: layer > owner > source or release > namespace > kind > object, with counts on every node. Pure."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Final

from tui.contract.model import Contract
from tui.contract.tools import title_of
from tui.objects import Ref
from tui.ownership.findings import is_noise
from tui.ownership.model import Assessment, Attribution, State

CLUSTER_SCOPED: Final = "(cluster-scoped)"


class GroupBy(StrEnum):
    """How the tree is cut."""

    LAYER = "layer"
    NAMESPACE = "namespace"
    KIND = "kind"
    RELEASE = "release"


@dataclass(frozen=True)
class TreeNode:
    """One node. ``kind`` is layer, owner, source, namespace, kind, release, noise or object; ``ref`` is set on objects.

    Children are made when they are asked for, so that a tree of 100 000 objects costs what is opened of it.
    """

    title: str
    kind: str
    rows: tuple[Attribution, ...] = field(repr=False)
    below: tuple["_Cut", ...] = field(repr=False, default=())
    folded: bool = False

    @property
    def ref(self) -> Ref | None:
        """The object, on a leaf."""
        return self.rows[0].ref if self.kind == "object" else None

    @property
    def attribution(self) -> Attribution | None:
        """The object's attribution, on a leaf."""
        return self.rows[0] if self.kind == "object" else None

    @cached_property
    def counts(self) -> Mapping[State, int]:
        """How many objects below are in each state."""
        return Counter(row.state for row in self.rows)

    @property
    def count(self) -> int:
        """How many objects are below."""
        return len(self.rows)

    @cached_property
    def children(self) -> tuple["TreeNode", ...]:
        """The nodes below, in the order of their titles; layers in the contract's order."""
        if self.kind == "object":
            return ()
        if not self.below:
            leaves = sorted(self.rows, key=lambda row: (row.ref.kind, row.ref.namespace or "", row.ref.name))
            return tuple(TreeNode(row.ref.name, "object", (row,)) for row in leaves)
        cut, rest = self.below[0], self.below[1:]
        groups: dict[str, list[Attribution]] = defaultdict(list)
        for row in self.rows:
            groups[cut.of(row)].append(row)
        return tuple(TreeNode(title, cut.kind, tuple(groups[title]), rest) for title in cut.order(groups))


@dataclass(frozen=True, slots=True)
class _Cut:
    kind: str
    of: Callable[[Attribution], str]
    order: Callable[[Iterable[str]], list[str]] = sorted


def build_tree(contract: Contract, assessment: Assessment, group_by: GroupBy = GroupBy.LAYER) -> TreeNode:
    """The root of the tree. The system's own objects come last, folded and counted."""
    rows = assessment.attributions.values()
    noise = [row for row in rows if is_noise(row.ref, controlled=row.root != row.ref.key)]
    hidden = {row.ref.key for row in noise}
    ours = tuple(row for row in rows if row.ref.key not in hidden)
    root = TreeNode(contract.name, "root", ours, _cuts(contract, group_by))
    if not noise:
        return root
    folded = TreeNode("system and generated", "noise", tuple(noise), (_NAMESPACE, _KIND), folded=True)
    return _WithNoise(contract.name, "root", (*ours, *noise), root.below, noise=folded, ours=root)


@dataclass(frozen=True)
class _WithNoise(TreeNode):
    """A root whose last child holds the system's own objects."""

    noise: TreeNode | None = None
    ours: TreeNode | None = None

    @cached_property
    def children(self) -> tuple[TreeNode, ...]:
        """What people made, then the folded rest."""
        return (*(self.ours.children if self.ours else ()), *((self.noise,) if self.noise else ()))


_NAMESPACE: Final = _Cut("namespace", lambda row: row.ref.namespace or CLUSTER_SCOPED)
_KIND: Final = _Cut("kind", lambda row: row.ref.kind)


def _cuts(contract: Contract, group_by: GroupBy) -> tuple[_Cut, ...]:
    if group_by is GroupBy.NAMESPACE:
        return (_NAMESPACE, _KIND)
    if group_by is GroupBy.KIND:
        return (_KIND, _NAMESPACE)
    if group_by is GroupBy.RELEASE:
        return (_Cut("release", lambda row: row.release or "(no release)"), _KIND)
    titles = {layer.name: layer.title for layer in contract.layers}
    place = {title: index for index, title in enumerate(titles.values())}

    def layers(found: Iterable[str]) -> list[str]:
        return sorted(found, key=lambda title: (place.get(title, len(place)), title))

    return (
        _Cut("layer", lambda row: titles.get(row.layer or "", "(no layer)"), layers),
        _Cut("owner", lambda row: _owner_title(contract, row)),
        _Cut("source", _source),
        _NAMESPACE,
        _KIND,
    )


def _owner_title(contract: Contract, row: Attribution) -> str:
    names = row.owners or ((row.claim.owner,) if row.claim and row.state is State.MISSING else ())
    return " and ".join(title_of(contract, name) for name in names) or "(nobody)"


def _source(row: Attribution) -> str:
    if row.release:
        return f"release {row.release}"
    return row.claim.source if row.claim else "(no source)"
