"""Over generated clusters without a release in force: what is adopted to an expected release, and nothing beyond.

The oracle judges raw JSON by plain scans and shares no code with the rules it checks.
"""

import json
from dataclasses import dataclass

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.clusters import FLUX_SYSTEM, VERSIONS, document, inventory
from tests.ownership.judging import weigh
from tests.properties.foreign import held
from tests.properties.worlds import RELEASES, Cluster, clusters, gap
from tui.helm.model import Document
from tui.objects import Json, Ref
from tui.ownership.model import Assessment, Decision, FamilyState, Forecast, Rule, Wish

EXPECTED = "gitops-flux-12345678"
NAME, SPACE = "meta.helm.sh/release-name", "meta.helm.sh/release-namespace"
MANAGED = "app.kubernetes.io/managed-by"
OVER = ("superseded", "failed", "uninstalled")
thorough = settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)


@dataclass(frozen=True)
class Wreck:
    """A cluster in which no release is in force, and what the expected one's manifest lists (None: not given)."""

    cluster: Cluster
    listed: tuple[Json, ...] | None

    @property
    def wish(self) -> Wish:
        if self.listed is None:
            return Wish(EXPECTED)
        written = [document(each) for each in self.listed]
        return Wish(EXPECTED, forecast=Forecast("m", "", tuple(Document(Ref.of(each), each) for each in written)))

    @property
    def objects(self) -> list[Json]:
        return [each for each in self.cluster.objects if each["metadata"]["labels"].get("owner") != "helm"]

    def judged(self, *gaps: str) -> Assessment:
        return weigh(inventory(self.cluster.objects, [gap(kind) for kind in gaps]), wish=self.wish)


@st.composite
def wrecks(draw: st.DrawFn) -> Wreck:
    drawn = draw(clusters())
    kept: list[Json] = []
    for each in drawn.objects:
        labels = each["metadata"]["labels"]
        if labels.get("owner") == "helm":
            if labels["status"] in OVER:
                kept.append(each)
            continue
        if draw(st.integers(0, 5)) == 0 and NAME in each["metadata"]["annotations"]:
            each["metadata"]["annotations"][NAME] = EXPECTED
            if draw(st.booleans()):
                each["metadata"]["labels"].pop(MANAGED, None)
        kept.append(each)
    objects = [each for each in kept if each["metadata"]["labels"].get("owner") != "helm"]
    listed = draw(st.none() | st.lists(st.sampled_from(objects), max_size=6, unique_by=id).map(tuple))
    return Wreck(Cluster(tuple(kept)), listed)


def adopted(found: Assessment) -> set[str]:
    for each in found.candidates:
        assert each.decision in (Decision.ADOPT, Decision.PROTECT), "without a release in force nothing is deleted"
        if each.decision is Decision.ADOPT:
            assert (each.target, each.rules) == (EXPECTED, (Rule.S3,))
    return {str(each.ref.uid) for each in found.candidates if each.decision is Decision.ADOPT}


def held_by_another(wreck: Wreck, body: Json) -> bool:
    """S4, once more."""
    meta = body["metadata"]
    group = VERSIONS[body["kind"]].rpartition("/")[0]
    entry = f'"{meta.get("namespace", "")}_{meta["name"]}_{group}_{body["kind"]}"'
    return (
        bool(held(meta))
        or any("toolkit.fluxcd.io" in label for label in meta["labels"])
        or "argocd.argoproj.io/tracking-id" in meta["annotations"]
        or any(each["manager"] in ("kustomize-controller", "helm-controller") for each in meta["managedFields"])
        or (body["kind"] == "ConfigMap" and meta["name"] == "claimed")
        or any(entry in json.dumps(each["status"]) for each in wreck.objects if each["kind"] == "Kustomization")
    )


def may_be_adopted(wreck: Wreck, body: Json) -> bool:
    meta = body["metadata"]
    annotations = meta["annotations"]
    stamp = annotations.get(NAME)
    if any(each.get("controller") for each in meta.get("ownerReferences", [])):
        return False
    if meta.get("namespace") not in (None, FLUX_SYSTEM) or held_by_another(wreck, body):
        return False
    if wreck.listed is not None and not any(each is body for each in wreck.listed):
        return False
    if stamp is None:
        return wreck.listed is not None
    if annotations[SPACE] != FLUX_SYSTEM:
        return False
    if stamp == EXPECTED:
        return wreck.listed is not None and meta["labels"].get(MANAGED) != "Helm"
    return stamp in RELEASES


@thorough
@given(wrecks())
def test_exactly_what_nobody_else_holds_and_the_manifest_lists_is_adopted(wreck: Wreck) -> None:
    found = wreck.judged()
    assert found.families[0].state is FamilyState.ABSENT
    assert adopted(found) == {body["metadata"]["uid"] for body in wreck.objects if may_be_adopted(wreck, body)}


RESTED_ON = ("Kustomization", "HelmRelease", "Secret", "ConfigMap")
"""Inventories, which S4 rests on, and the kinds that Helm keeps its records in."""


@thorough
@given(wrecks(), st.sampled_from((*RESTED_ON, "ServiceAccount", "ClusterRole")))
def test_what_could_not_be_read_adopts_nothing_more(wreck: Wreck, kind: str) -> None:
    blind = adopted(wreck.judged(kind))
    assert blind <= (set() if kind in RESTED_ON else adopted(wreck.judged()))


@thorough
@given(wrecks())
def test_a_manifest_only_takes_stamped_objects_away(wreck: Wreck) -> None:
    """Beside the unstamped ones that it names, a manifest can only protect more."""
    without = adopted(Wreck(wreck.cluster, None).judged())
    stamped = {
        body["metadata"]["uid"] for body in wreck.objects if body["metadata"]["annotations"].get(NAME) in RELEASES
    }
    assert adopted(wreck.judged()) & stamped <= without


@thorough
@given(wrecks())
def test_every_stamped_object_and_every_one_in_the_way_is_named(wreck: Wreck) -> None:
    found = wreck.judged()
    named = {each.ref.uid for each in found.candidates}
    for body in wreck.objects:
        meta = body["metadata"]
        copy = any(each.get("controller") for each in meta.get("ownerReferences", []))
        if meta["annotations"].get(NAME) in (*RELEASES, EXPECTED) and not copy:
            assert meta["uid"] in named
    assert len(named) == len(found.candidates), "each once"
    told = {ref.uid for each in found.findings if each.code == "refused-install" for ref in each.resources}
    assert adopted(found) <= told
