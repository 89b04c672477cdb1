"""What is known of an object and makes nobody its owner."""

import pytest

from tests.clusters import contract, document, inventory, obj, record
from tests.ownership.judging import NEW, OLD, active, attributed, judge, key_of
from tui.contract.model import Mark, Owner
from tui.ownership.model import State
from tui.ownership.past import past_listings
from tui.ownership.releases import read_releases

ARGO = "argocd.argoproj.io/tracking-id"
STRICT = contract(
    owners={
        **contract().owners,
        "argo": Owner("argo", "Argo CD", (Mark(annotation={ARGO: "*:{group}/{kind}:{namespace}/{name}"}),)),
        "olm": Owner("olm", "OLM", (Mark(owner_kind=("Deployment.apps",)),)),
    }
)


def test_a_revision_that_is_over_is_a_note_and_never_an_owner() -> None:
    thing = obj("ConfigMap", "thing", "apps")
    world = [thing, record("web", 1, "superseded", [document(thing)]), record("web", 2, "deployed")]
    found = attributed(judge(world), thing)
    assert (found.state, found.owners, found.evidence) == (State.UNOWNED, (), ())
    read = inventory(world)
    assert past_listings(read_releases(read), read, key_of("ConfigMap", "thing", "apps")) == (
        (
            "revision 1 of Helm release flux-system/web (superseded) listed it; revision 2, in force, does not: "
            "Helm has dropped it"
        ),
    )


@pytest.mark.parametrize(
    ("records", "note"),
    [
        (
            [("web", 1, "uninstalled", True)],
            ("revision 1 of Helm release flux-system/web (uninstalled) listed it; no revision of it is in force",),
        ),
        (
            [("web", 1, "deployed", False), ("web", 2, "failed", True)],
            ("revision 2 of Helm release flux-system/web (failed) lists it; revision 1, in force, does not",),
        ),
        (
            [("web", 1, "superseded", True), ("web", 2, "superseded", True), ("web", 3, "deployed", False)],
            (
                (
                    "revision 2 of Helm release flux-system/web (superseded) listed it; "
                    "revision 3, in force, does not: Helm has dropped it"
                ),
            ),
        ),
        ([("web", 1, "superseded", True), ("web", 2, "deployed", True)], ()),
        ([("web", 1, "deployed", False)], ()),
        ([("other", 1, "superseded", True)], ()),
    ],
)
def test_what_a_stamped_object_was_dropped_by(records: list[tuple[str, int, str, bool]], note: tuple[str, ...]) -> None:
    thing = obj("ConfigMap", "thing", release="web")
    others = [record(name, revision, how, [document(thing)] if lists else []) for name, revision, how, lists in records]
    assert attributed(judge([thing, *others]), thing).notes == note


def test_only_the_object_itself_counts_as_listed() -> None:
    thing = obj("ConfigMap", "thing", release="web")
    near = [obj("Secret", "thing"), obj("ConfigMap", "thing", "apps"), obj("ConfigMap", "thing-2")]
    world = [thing, record("web", 1, "superseded", map(document, near)), record("web", 2, "deployed")]
    assert attributed(judge(world), thing).notes == ()


def test_a_damaged_document_of_the_past_hides_nothing_else() -> None:
    thing = obj("ConfigMap", "thing", release="web")
    past = record("web", 1, "superseded", manifest="---\nname: thing\n[\n---\nkind: ConfigMap\nname: thing\n")
    assert attributed(judge([thing, past, record("web", 2, "deployed")]), thing).notes == ()


def test_a_mark_copied_from_another_object_is_a_note() -> None:
    copy = obj("ConfigMap", "copy", "apps", annotations={ARGO: "shop:/ConfigMap:apps/original"})
    found = attributed(judge([copy], by=STRICT), copy)
    assert (found.state, found.owners) == (State.UNOWNED, ())
    assert found.notes == (
        f"annotation {ARGO}: shop:/ConfigMap:apps/original names another object: a copy, no mark of argo",
    )


def test_an_owner_reference_to_what_is_gone_is_a_note_and_one_to_what_is_there_is_evidence() -> None:
    above = obj("Deployment", "above", "apps", spec={})
    thing = obj("ConfigMap", "thing", "apps", owner=("Deployment", "above"))
    thing["metadata"]["ownerReferences"][0]["controller"] = False
    there = attributed(judge([above, thing], by=STRICT), thing)
    assert (there.owners, there.notes) == (("olm",), ())
    assert there.evidence[0].text == "ownerReferences names Deployment above"
    gone = attributed(judge([thing], by=STRICT), thing)
    assert (gone.owners, gone.notes) == (
        (),
        ("ownerReferences names Deployment above, which is gone: it will be collected",),
    )


def test_a_hook_is_known_by_its_kind_and_name() -> None:
    hook = {"name": "check", "kind": "Job", "path": "x", "manifest": "", "events": ["pre-install", "pre-upgrade"]}
    job = obj("Job", "check", spec={})
    away = obj("Job", "check", "apps", spec={})
    found = judge([job, away, record("web", 1, "deployed", hooks=[hook])])
    assert attributed(found, job).notes == (
        (
            "by its kind and name a pre-install, pre-upgrade hook of Helm release flux-system/web revision 1: "
            "Helm stamps and deletes no hooks"
        ),
    )
    assert attributed(found, job).state is State.UNOWNED
    assert attributed(found, away).notes == ()


def test_a_leftover_says_which_revision_made_it() -> None:
    left = obj("ClusterRole", "left", release=OLD)
    found = attributed(judge([active(), left, record(OLD, 4, "superseded", [document(left)])]), left)
    assert found.state is State.STALE
    assert found.notes == (
        f"revision 4 of Helm release flux-system/{OLD} (superseded) listed it; no revision of it is in force",
    )
    assert NEW not in found.notes[0]
