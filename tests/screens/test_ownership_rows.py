from dataclasses import replace

import pytest

from screens.evidence import evidence_lines
from screens.judging import Judgement
from screens.ownership_rows import Branch, Forest, Wanted, facets, forest, node_line
from tests.screens.world import ACTIVE, CONTRACT, HOSTILE, STALE, body, deployment, inventory, record
from tui.objects import Key, Live
from tui.ownership.dossier import owner_chain
from tui.ownership.model import State
from tui.ownership.tree import GroupBy
from tui.text import clean
from tui.widgets.spans import cells, plain_text

ROLE = Key("rbac.authorization.k8s.io", "ClusterRole", None, "flux-view")
GHOST = Key("apps", "Deployment", "flux-system", "helm-controller")


def said(found: Forest) -> list[str]:
    return [plain_text(node_line(place.node, 200)) for place in found.places]


def grown(judged: Judgement, wanted: Wanted | None = None, focus: Key | None = None) -> Forest:
    return forest(CONTRACT, judged.assessment, wanted or Wanted(), None, focus)


def test_the_first_sight_shows_every_owner_and_folds_the_system(judged: Judgement) -> None:
    lines = said(grown(judged))
    assert lines[0].startswith("Infrastructure 8  stale 1  missing 1")
    assert any(one.startswith("Pulumi 5") for one in lines)
    assert lines[-1].startswith("system and generated")
    assert "folded" in lines[-1]


def test_counts_of_the_layers_are_those_of_all_objects(judged: Judgement) -> None:
    found = grown(judged)
    layers = [place.node for place in found.places if len(place.path) == 1]
    assert sum(node.count for node in layers) == found.total == len(judged.assessment.attributions)


@pytest.mark.parametrize("group_by", list(GroupBy))
def test_every_object_is_a_leaf_once_however_the_tree_is_cut(judged: Judgement, group_by: GroupBy) -> None:
    found = grown(judged, Wanted(group_by=group_by))
    leaves = []
    level = [place.node for place in found.places if len(place.path) == 1]
    while level:
        node = level.pop()
        assert isinstance(node, Branch)
        leaves += [node] if node.leaf else []
        level += node.children
    names = [leaf.name for leaf in leaves]
    assert len(names) == found.total
    assert len(set(names)) == len(names)


def test_a_state_leaves_its_objects_with_every_branch_open(judged: Judgement) -> None:
    found = grown(judged, Wanted(state=State.STALE))
    assert found.shown == 1
    assert said(found)[-1] == "~ stale  flux-view"


def test_words_of_a_filter_must_all_be_there(judged: Judgement) -> None:
    assert grown(judged, Wanted(text="CLUSTERROLE view")).shown == 1
    assert grown(judged, Wanted(text="clusterrole nothing")).shown == 0
    assert grown(judged, Wanted(text="  ")).shown == grown(judged).total


@pytest.mark.parametrize("name", HOSTILE)
def test_a_filter_takes_any_text_as_text(judged: Judgement, name: str) -> None:
    assert grown(judged, Wanted(text=clean(name)[:20])).shown >= 1


def test_a_focus_is_opened_down_to_its_line(judged: Judgement) -> None:
    found = grown(judged, focus=GHOST)
    assert found.focus in [place.path for place in found.places]
    assert "◌ missing  helm-controller" in said(found)


def test_a_focus_that_is_not_there_changes_nothing(judged: Judgement) -> None:
    found = grown(judged, focus=Key("", "Nothing", None, "x"))
    assert found.focus is None
    assert said(found) == said(grown(judged))


@pytest.mark.parametrize("width", [8, 20, 78])
def test_lines_fit_and_always_name_the_state(judged: Judgement, width: int) -> None:
    places = grown(judged, Wanted(state=State.UNOWNED)).places
    assert all(cells(node_line(place.node, max(width, 12))) <= max(width, 12) for place in places)


def test_facets_are_the_states_that_occur(judged: Judgement) -> None:
    assert facets(judged.assessment)[:2] == (State.STALE, State.MISSING)
    assert facets(None) == ()


def page(judged: Judgement, key: Key) -> str:
    return "\n".join(map(plain_text, evidence_lines(CONTRACT, judged.assessment, judged.index, key)))


def test_the_evidence_settles_who_owns_a_stale_role(judged: Judgement) -> None:
    text = page(judged, ROLE)
    assert "~ stale" in text
    assert "evidence for Pulumi" in text
    assert f"annotation meta.helm.sh/release-name: {STALE}" in text
    assert "cleanup\n· may be deleted: every rule is proven" in text
    assert "kubectl get clusterrole.rbac.authorization.k8s.io flux-view -o yaml" in text


def test_a_ghost_has_a_page_too(judged: Judgement) -> None:
    text = page(judged, GHOST)
    assert "◌ missing" in text
    assert f"listed by {ACTIVE}: replay can create it" in text


def test_a_pod_is_told_by_what_made_it_and_its_managers(judged: Judgement) -> None:
    pod = next(key for key in judged.assessment.inventory.objects if key.kind == "Pod")
    chain = owner_chain(judged.assessment.inventory.objects[pod], judged.assessment.inventory)
    assert chain == ("ReplicaSet flux-system/source-controller-5d4f", "Deployment flux-system/source-controller")


def test_the_dependents_of_a_deployment_are_listed(judged: Judgement) -> None:
    text = page(judged, Key("apps", "Deployment", "flux-system", "source-controller"))
    assert "dependents: 1 object named it as owner\n· ReplicaSet flux-system/source-controller-5d4f" in text


def test_nothing_of_a_secret_is_on_its_page(judged: Judgement) -> None:
    text = page(judged, Key("", "Secret", "flux-system", "github-token"))
    assert "hunter2" not in text
    assert "aHVudGVy" not in text
    assert "*** (kubectl's copy of the object)" in text


def test_an_object_unknown_to_all_says_so(judged: Judgement) -> None:
    text = page(judged, Key("", "ConfigMap", "apps", "gone"))
    assert text.startswith("ConfigMap apps/gone")
    assert "is not there (any more)" in text


def test_an_object_that_appeared_since_is_not_judged_yet(judged: Judgement) -> None:
    live = Live.of(body("ConfigMap", "new", "apps"))
    known = judged.assessment.inventory
    later = replace(judged.assessment, inventory=replace(known, objects={**known.objects, live.key: live}))
    text = "\n".join(map(plain_text, evidence_lines(CONTRACT, later, judged.index, live.key)))
    assert "its owner is not judged yet" in text


def test_owners_in_a_ring_end() -> None:
    one, two = body("ReplicaSet", "one", "apps"), body("ReplicaSet", "two", "apps")
    for child, parent in ((one, two), (two, one)):
        meta = parent["metadata"]
        child["metadata"]["ownerReferences"] = [
            {
                "apiVersion": "apps/v1",
                "kind": "ReplicaSet",
                "name": meta["name"],
                "uid": meta["uid"],
                "controller": True,
            }
        ]
    known = inventory([one, two])
    assert len(owner_chain(known.objects[Key("apps", "ReplicaSet", "apps", "one")], known)) == 2


def test_an_owner_of_another_uid_is_not_found() -> None:
    top, middle, _ = deployment("source-controller")
    top["metadata"]["uid"] = "another"
    known = inventory([top, middle, record(ACTIVE, 1, "deployed", "")])
    chain = owner_chain(known.objects[Key("apps", "ReplicaSet", "flux-system", "source-controller-5d4f")], known)
    assert chain == ("Deployment flux-system/source-controller (not found with this uid)",)
