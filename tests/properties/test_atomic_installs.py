"""Over generated wrecks: nothing is handed to an install that is known to be atomic, and a binding to no other role.

The oracle judges raw JSON by plain scans and shares no code with the rules it checks.
"""

import copy
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from tests.clusters import FLUX_SYSTEM, document, inventory, obj
from tests.ownership.judging import weigh
from tests.properties.test_refused_install import EXPECTED, MANAGED, NAME, Wreck, may_be_adopted, thorough, wrecks
from tests.properties.worlds import RELEASES, Cluster
from tui.helm.model import Document
from tui.helm.refusal import OwnerError
from tui.objects import Json, Ref
from tui.ownership.model import Assessment, Decision, Forecast, Rule, Wish

SHOWN = OwnerError(atomic="uninstalled due to atomic being set")
BINDINGS = ("ClusterRoleBinding", "RoleBinding")


def judged(wreck: Wreck, *more: Json, **stated: Any) -> Assessment:
    forecast = wreck.wish.forecast
    return weigh(inventory([*wreck.cluster.objects, *more]), wish=Wish(EXPECTED, forecast=forecast, **stated))


def taken(found: Assessment) -> set[str]:
    return {str(each.ref.uid) for each in found.candidates if each.decision is not Decision.PROTECT}


def runs(retries: int, *, suspended: bool) -> Json:
    spec = {"releaseName": EXPECTED, "suspend": suspended, "install": {"remediation": {"retries": retries}}}
    return obj("HelmRelease", "it", spec=spec)


@thorough
@given(wrecks())
def test_an_install_that_is_known_to_be_atomic_is_handed_nothing_until_it_is_stated_to_be_none(wreck: Wreck) -> None:
    plain = judged(wreck)
    held = judged(wreck, error=SHOWN)
    assert taken(held) == set()
    assert {c.ref for c in held.candidates} == {c.ref for c in plain.candidates}, "each is told, none is dropped"
    for each in held.candidates:
        assert Rule.S3 in each.rules
        if str(each.ref.uid) in taken(plain):
            assert each.why.count("the owner installs atomically") == 1
    assert taken(judged(wreck, error=SHOWN, not_atomic=True)) == taken(plain)


@thorough
@given(wrecks(), st.integers(-1, 3), st.booleans(), st.booleans())
def test_a_helm_release_that_remediates_holds_everything_up_whatever_is_stated(
    wreck: Wreck, retries: int, suspended: bool, stated: bool
) -> None:
    assume(not any(body["kind"] == "HelmRelease" for body in wreck.objects))
    found = judged(wreck, runs(retries, suspended=suspended), not_atomic=stated)
    assert taken(found) == (set() if retries and not suspended else taken(judged(wreck)))


@st.composite
def bindings(draw: st.DrawFn, number: int) -> Json:
    """A binding that is nearly always to be made again: most marks that would save it are rare."""
    rare = st.integers(0, 5).map(lambda roll: roll == 0)
    kind = draw(st.sampled_from(BINDINGS))
    parts: dict[str, Any] = {"roleRef": role(draw(st.sampled_from(("was", "shall-be")))), "subjects": []}
    if not draw(rare):
        parts["release"] = draw(st.sampled_from((*RELEASES, EXPECTED)))
        parts["release_namespace"] = "apps" if draw(rare) else FLUX_SYSTEM
    if draw(rare):
        parts["labels"] = {"kustomize.toolkit.fluxcd.io/name": "sync"}
    if draw(rare):
        parts["annotations"] = {"helm.sh/resource-policy": "keep"}
    if draw(rare):
        parts["finalizers"] = ["example.test/hold"]
    if draw(rare):
        parts["deleting"] = True
    return obj(kind, f"x{number}", "apps" if draw(rare) else FLUX_SYSTEM, **parts)


def role(name: str) -> Json:
    return {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name}


@st.composite
def bound(draw: st.DrawFn) -> Wreck:
    """A wreck with bindings that the expected release's manifest lists, each with the role that shall be."""
    wreck = draw(wrecks())
    listed = tuple(draw(bindings(number)) for number in range(draw(st.integers(1, 4))))
    return Wreck(Cluster((*wreck.cluster.objects, *listed)), listed)


def may_be_made_again(wreck: Wreck, body: Json) -> bool:
    """S1, S4, S5 and S8, once more."""
    meta = body["metadata"]
    if NAME not in meta["annotations"] or "helm.sh/resource-policy" in meta["annotations"]:
        return False
    if meta.get("finalizers") or meta.get("deletionTimestamp"):
        return False
    if meta["annotations"][NAME] == EXPECTED:
        other = copy.deepcopy(body)
        other["metadata"]["labels"].pop(MANAGED, None)
        lone = Wreck(wreck.cluster, (other,))
        return may_be_adopted(lone, other)
    return may_be_adopted(wreck, body)


@thorough
@given(bound(), st.booleans())
def test_a_binding_is_made_again_exactly_where_its_role_differs_and_nothing_speaks_against_it(
    wreck: Wreck, whole: bool
) -> None:
    listed = wreck.listed or ()
    written = [{**document(body), "roleRef": role("shall-be")} for body in listed]
    made = tuple(Document(Ref.of(each), each, sha256="f" * 64 if whole else "") for each in written)
    wish = Wish(EXPECTED, forecast=Forecast("m", "", made, made if whole else ()))
    found = weigh(inventory(wreck.cluster.objects), wish=wish)
    decided = {str(each.ref.uid): each.decision for each in found.candidates}
    for body in listed:
        uid, differs = body["metadata"]["uid"], body["roleRef"]["name"] == "was"
        again = differs and whole and may_be_made_again(wreck, body)
        assert (decided.get(uid) is Decision.RECREATE) == again
        assert (decided.get(uid) is Decision.ADOPT) == (not differs and may_be_adopted(wreck, body))
