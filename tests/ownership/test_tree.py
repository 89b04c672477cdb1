"""The tree: every object once, counts that roll up, children made only when asked for, noise folded and counted."""

from collections.abc import Iterator

import pytest

from tests.clusters import obj
from tests.ownership.judging import CONTRACT, NEW, active, judge, weigh
from tests.ownership.living import harbours, living
from tui.ownership.attribution import counts
from tui.ownership.model import Assessment, State
from tui.ownership.tree import CLUSTER_SCOPED, GroupBy, TreeNode, build_tree


def nodes(node: TreeNode) -> Iterator[TreeNode]:
    yield node
    for child in node.children:
        yield from nodes(child)


def path(node: TreeNode, *titles: str) -> TreeNode:
    for title in titles:
        node = next(child for child in node.children if child.title == title)
    return node


@pytest.fixture
def found() -> Assessment:
    return weigh(living(), by=harbours())


@pytest.mark.parametrize("group_by", GroupBy)
def test_every_object_is_one_leaf_and_counts_roll_up(found: Assessment, group_by: GroupBy) -> None:
    root = build_tree(harbours(), found, group_by)
    leaves = [node for node in nodes(root) if node.kind == "object"]
    assert sorted(str(node.ref.key) for node in leaves if node.ref) == sorted(map(str, found.attributions))
    assert root.count == len(found.attributions)
    assert {state: number for state, number in counts(found.attributions).items() if number} == dict(root.counts)
    for node in nodes(root):
        if node.kind != "object":
            assert node.count == sum(child.count for child in node.children)
            for state in State:
                assert node.counts.get(state, 0) == sum(child.counts.get(state, 0) for child in node.children)


def test_the_layers_stand_in_the_contracts_order_and_go_down_to_the_object(found: Assessment) -> None:
    root = build_tree(harbours(), found)
    assert [child.title for child in root.children][:2] == ["Infrastructure", "GitOps"]
    assert [child.kind for child in root.children][-1] == "noise"
    leaf = path(root, "Infrastructure", "Pulumi", "release harbour-3", "dock3", "Deployment", "harbour-3")
    assert leaf.attribution is not None
    assert leaf.ref == leaf.attribution.ref
    assert leaf.children == ()
    kinds = ["layer", "owner", "source", "namespace", "kind", "object"]
    node, seen = root, []
    while node.children:
        node = node.children[0]
        seen.append(node.kind)
    assert seen == kinds
    assert path(root, "Infrastructure", "Flux and Pulumi", "release harbour-4", CLUSTER_SCOPED).count == 1


@pytest.mark.parametrize(
    ("group_by", "kinds"),
    [
        (GroupBy.NAMESPACE, ["namespace", "kind", "object"]),
        (GroupBy.KIND, ["kind", "namespace", "object"]),
        (GroupBy.RELEASE, ["release", "kind", "object"]),
    ],
)
def test_other_cuts(found: Assessment, group_by: GroupBy, kinds: list[str]) -> None:
    node, seen = build_tree(harbours(), found, group_by), []
    while node.children:
        node = node.children[0]
        seen.append(node.kind)
    assert seen == kinds


def test_noise_is_folded_last_and_counted(found: Assessment) -> None:
    noise = build_tree(harbours(), found).children[-1]
    assert (noise.kind, noise.folded) == ("noise", True)
    labels = {row.ref.label for row in noise.rows}
    assert "Pod apps/web-6fbf6cd7b6-24g95" in labels
    assert "Secret dock3/sh.helm.release.v1.harbour-3.v2" in labels
    assert "Deployment apps/web" not in labels
    assert all(not child.folded for child in build_tree(harbours(), found).children[:-1])


def test_without_noise_there_is_nothing_to_fold() -> None:
    thing = obj("ConfigMap", "a", "apps")
    root = build_tree(CONTRACT, judge([thing]))
    assert [child.kind for child in root.children] == ["layer"]
    assert root.title == "test"


def test_ghosts_are_in_the_tree_under_who_should_have_them() -> None:
    root = build_tree(CONTRACT, judge([active(obj("ClusterRole", "lost"))]))
    leaf = path(root, "Infrastructure", "Pulumi", f"release {NEW}", CLUSTER_SCOPED, "ClusterRole", "lost")
    assert leaf.attribution is not None
    assert (leaf.attribution.live, leaf.attribution.state) == (False, State.MISSING)
    assert root.counts[State.MISSING] == 1


def test_what_nobody_owns_has_its_own_places() -> None:
    root = build_tree(CONTRACT, judge([obj("ConfigMap", "a", "apps")]))
    assert path(root, "(no layer)", "(nobody)", "(no source)", "apps", "ConfigMap", "a").count == 1


def test_children_are_made_when_asked_for_and_kept() -> None:
    root = build_tree(CONTRACT, judge([obj("ConfigMap", str(number), "apps") for number in range(50)]))
    assert "children" not in vars(root)
    layer = root.children[0]
    assert "children" in vars(root)
    assert "children" not in vars(layer)
    assert root.children[0] is layer
