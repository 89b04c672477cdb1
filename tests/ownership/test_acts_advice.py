"""No finding advises to take an object out of a source without what keeps it, where the act to come reads that."""

import pytest

from tests.clusters import FLUX_SYSTEM, document, obj, record
from tests.ownership.acting import LABELS, thing
from tests.ownership.flux_world import helm_release, kustomization, read
from tests.ownership.judging import NEW, active, findings, weigh
from tui.objects import Json
from tui.ownership.acts.advice import first
from tui.ownership.acts.model import Act, Consequence, Effect

LIVE = "helm.sh/resource-policy: keep on the live object, where an upgrade reads it"
LINE = "kubectl annotate configmap thing -n flux-system helm.sh/resource-policy=keep --field-manager=rescue"
PRUNE = "kustomize.toolkit.fluxcd.io/prune=disabled --field-manager=rescue"


def worlds() -> dict[str, list[Json]]:
    """By finding: a cluster in which two tools have one object, one of them a Helm release by hand."""
    taken = thing(release=NEW, labels=LABELS, managers=[("helm", "Update"), ("kustomize-controller", "Apply")])
    twice = thing(labels=LABELS, managers=[("kustomize-controller", "Apply")])
    stamped = thing(release="other")
    return {
        "contested": [taken, active(taken), kustomization(taken)],
        "taken-over": [taken, active(taken), kustomization(taken)],
        "stamp-foreign": [stamped, active(stamped), record("other", 1, "deployed", [document(stamped)])],
        "delete-bomb": [stamped, active(stamped), record("other", 1, "deployed", [document(stamped)])],
        "field-fight": [twice, kustomization(twice), kustomization(twice, name="again")],
    }


@pytest.mark.parametrize("code", ["contested", "taken-over", "stamp-foreign", "delete-bomb"])
def test_a_release_that_lists_it_comes_with_keep_on_the_live_object_and_in_its_chart(code: str) -> None:
    (found,) = findings(weigh(read(*worlds()[code])), code)
    assert LINE in found.next
    assert "helm.sh/resource-policy: keep on the live object" in found.next.replace("put helm", "helm")
    assert "chart" in found.next


@pytest.mark.parametrize("code", ["contested", "taken-over"])
def test_a_kustomization_comes_with_its_own_annotation_by_a_manager_that_lasts(code: str) -> None:
    (found,) = findings(weigh(read(*worlds()[code])), code)
    assert PRUNE in found.next


def test_two_kustomizations_each_prune() -> None:
    (found,) = findings(weigh(read(*worlds()["field-fight"])), "field-fight")
    assert PRUNE in found.next
    assert "Before it leaves the other's" in found.next


def test_moving_what_is_misowned_says_what_its_owner_would_do() -> None:
    wrong = obj("Deployment", "d", labels=LABELS, spec={}, managers=[("kustomize-controller", "Apply")])
    (found,) = findings(weigh(read(wrong, kustomization(wrong))), "misowned")
    assert "before they leave the source of flux" in found.next
    assert PRUNE in found.next


def test_a_ghost_is_not_simply_removed() -> None:
    (found,) = findings(weigh(read(thing(labels=LABELS), kustomization())), "ghost-label")
    assert "where refloat explain shows no other owner and no user, delete it" in found.next


@pytest.mark.parametrize("code", sorted(worlds()))
def test_no_next_action_takes_it_out_of_a_source_with_nothing_first(code: str) -> None:
    for found in weigh(read(*worlds()[code])).findings:
        for bare in ("remove the object from", "take it out of the source", "take them out of the other's source:"):
            assert bare not in found.next, found.code


def test_a_helm_release_by_flux_is_told_with_its_own_way_out() -> None:
    body = thing(
        release="app", labels=LABELS, managers=[("helm-controller", "Apply"), ("kustomize-controller", "Apply")]
    )
    world = [body, helm_release(body), record("app", 1, "deployed", [document(body)]), kustomization(body)]
    (found,) = findings(weigh(read(*world)), "field-fight")
    assert f"HelmRelease {FLUX_SYSTEM}/app: {LIVE}" in found.next


# The sentence.


def row(owner: str, effect: Effect = Effect.DELETES, act: Act = Act.UPGRADE, keep: str | None = "k") -> Consequence:
    return Consequence(owner, act, effect, "b", keep)


def test_only_acts_by_which_it_leaves_a_source_and_that_do_not_leave_it_count() -> None:
    spared = [row("a", Effect.KEEPS), row("b", act=Act.UNINSTALL), row("c", act=Act.DELETE_OWNER)]
    assert first(spared) == "see what refloat explain says of each act of its owners"
    assert first([*spared, row("d")]) == "keep it where the next act of that owner reads it: d: k"


def test_what_nobody_can_tell_is_to_be_found_out_first() -> None:
    assert "e: find out what it then does, which could not be told" in first(
        [row("e", Effect.UNKNOWN, Act.PRUNE, None)]
    )


def test_owners_alike_share_a_clause_and_many_are_counted() -> None:
    assert first([row("a"), row("b")], 3).endswith("(so for each of the 3 objects): a and b: k")
    assert first([row(name, keep=name) for name in "abcdef"]).endswith("d: d; and 2 owners more")
