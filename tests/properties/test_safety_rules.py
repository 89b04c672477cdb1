"""Over generated clusters: no candidate for deletion ever breaks a rule S1-S9, whatever the order, names and gaps.

The oracle below judges raw JSON by plain scans and shares no code with the rules it checks.
"""

import json
from datetime import date
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tests.clusters import FLUX_SYSTEM, VERSIONS, contract, inventory
from tests.properties.foreign import held
from tests.properties.worlds import RELEASES, Cluster, clusters, gap
from tui.objects import Inventory, Json
from tui.ownership.assess import assess
from tui.ownership.model import Assessment, Candidate, Decision, FamilyState, Rule, Wish

TODAY = date(2026, 11, 23)
CONTRACT = contract()
DELETABLE = {
    "ClusterRole",
    "ClusterRoleBinding",
    "Role",
    "RoleBinding",
    "ServiceAccount",
    "ConfigMap",
    "Secret",
    "Service",
    "Deployment",
    "NetworkPolicy",
    "PodDisruptionBudget",
    "HorizontalPodAutoscaler",
    "ResourceQuota",
    "ValidatingWebhookConfiguration",
    "MutatingWebhookConfiguration",
}
USER_KINDS = (
    "Pod",
    "Deployment",
    "ReplicaSet",
    "StatefulSet",
    "DaemonSet",
    "Job",
    "CronJob",
    "ClusterRoleBinding",
    "RoleBinding",
    "ClusterRole",
    "ServiceAccount",
    "Service",
    "ValidatingWebhookConfiguration",
    "MutatingWebhookConfiguration",
    "APIService",
    "CustomResourceDefinition",
    "Ingress",
    "HorizontalPodAutoscaler",
)
thorough = settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)


def judged(inventory_: Inventory, wish: Wish | None = None) -> Assessment:
    return assess(CONTRACT, inventory_, today=TODAY, wish=wish)


def decisions(assessment: Assessment) -> dict[str, tuple[str, tuple[str, ...]]]:
    return {c.ref.label: (c.decision.value, tuple(rule.value for rule in c.rules)) for c in assessment.candidates}


def deleted(assessment: Assessment) -> list[Candidate]:
    return [c for c in assessment.candidates if c.decision is Decision.DELETE]


class Oracle:
    """The rules once more, by scanning the raw objects."""

    def __init__(self, cluster: Cluster) -> None:
        self.objects = [o for o in cluster.objects if o["metadata"]["labels"].get("owner") != "helm"]
        self.records: list[tuple[str, int, str, str]] = []
        for each in cluster.objects:
            if each["metadata"]["labels"].get("owner") == "helm":
                labels = each["metadata"]["labels"]
                self.records.append((labels["name"], int(labels["version"]), labels["status"], each["data"]["release"]))
        deployed = {name for name, _, status, _ in self.records if status == "deployed"}
        newest: dict[str, tuple[int, str]] = {}
        for name, revision, status, _ in self.records:
            newest[name] = max(newest.get(name, (0, "")), (revision, status))
        self.in_force, self.busy = (
            deployed,
            {n for n, (_, s) in newest.items() if s.startswith(("pending", "uninstalling"))},
        )
        self.active = next(iter(deployed)) if len(deployed) == 1 and not self.busy else None

    def find(self, candidate: Candidate) -> Json:
        ref = candidate.ref
        return next(
            o
            for o in self.objects
            if (o["kind"], o["metadata"].get("namespace"), o["metadata"]["name"]) == (ref.kind, ref.namespace, ref.name)
        )

    def counted_manifests(self) -> list[Json]:
        import base64
        import gzip

        import yaml

        found: list[Json] = []
        top = max((r for n, r, s, _ in self.records if n == self.active and s == "deployed"), default=0)
        for name, revision, status, payload in self.records:
            if name == self.active and (revision == top or (revision > top and status == "failed")):
                release = json.loads(gzip.decompress(base64.b64decode(base64.b64decode(payload))))
                found += [d for d in yaml.safe_load_all(release["manifest"]) if d]
        return found

    def s1_to_s6(self, o: Json) -> None:
        meta = o["metadata"]
        stamp = meta["annotations"].get("meta.helm.sh/release-name")
        assert stamp in RELEASES, "S1: it carries a stamp of the family"
        assert meta["annotations"]["meta.helm.sh/release-namespace"] == FLUX_SYSTEM, "S1: its namespace agrees"
        assert not any(r.get("controller") for r in meta.get("ownerReferences", [])), "S1: it is no copy"
        assert self.active is not None, "S3: the active release is known"
        assert stamp != self.active, "S2: another release"
        assert stamp not in self.in_force | self.busy, "S3: the stamped release is over"
        assert not any("toolkit.fluxcd.io" in label for label in meta["labels"]), "S4: no Flux label"
        assert "argocd.argoproj.io/tracking-id" not in meta["annotations"], "S4: no other owner's mark"
        assert held(meta) == [], "S4: no mark of a tool, named in the contract or not, and no other manager's field"
        managers = {m["manager"] for m in meta["managedFields"]}
        assert not managers & {"kustomize-controller", "helm-controller"}, "S4: no Flux manager"
        assert not (o["kind"] == "ConfigMap" and meta["name"] == "claimed"), "S4: no claim by name for another owner"
        for each in self.objects:
            if each["kind"] == "Kustomization":
                ids = json.dumps(each["status"])
                group = VERSIONS[o["kind"]].rpartition("/")[0]
                assert f"{meta.get('namespace', '')}_{meta['name']}_{group}_{o['kind']}" not in ids, (
                    "S4: in no inventory"
                )
        assert meta.get("namespace") in (None, FLUX_SYSTEM), "S5: where a cleanup may go"
        for doc in self.counted_manifests():
            same = (doc["kind"], doc["metadata"]["name"]) == (o["kind"], meta["name"])
            where = doc["metadata"].get("namespace", FLUX_SYSTEM)
            assert not (same and where == meta.get("namespace", where)), "S6: in no manifest that counts"

    def s8_s9(self, o: Json) -> None:
        meta = o["metadata"]
        assert "helm.sh/resource-policy" not in meta["annotations"], "S8: not kept"
        assert not meta.get("finalizers"), "S8: no finalizer"
        assert "deletionTimestamp" not in meta, "S8: not dying"
        assert o["kind"] in DELETABLE, "S9"

    def users(self, o: Json, staying: list[Json]) -> list[Json]:
        return [each for each in staying if each is not o and self._uses(each, o)]

    def _uses(self, user: Json, o: Json) -> bool:
        kind, name, space = o["kind"], o["metadata"]["name"], o["metadata"].get("namespace")
        user_space = user["metadata"].get("namespace", FLUX_SYSTEM)
        spec: Any = user.get("spec") or {}
        pod = (spec.get("template") or {}).get("spec") or (spec if user["kind"] == "Pod" else {})
        if kind == "ClusterRole":
            return bool(user.get("roleRef", {}).get("name") == name)
        if kind == "ServiceAccount":
            subjects = user.get("subjects") or []
            named = any(s["name"] == name and s["namespace"] == space for s in subjects)
            return named or (user_space == space and pod.get("serviceAccountName") == name)
        if kind == "ConfigMap":
            return user_space == space and any(v["configMap"]["name"] == name for v in pod.get("volumes", []))
        if kind == "Secret":
            froms = [f for c in pod.get("containers", []) for f in c.get("envFrom", [])]
            return user_space == space and any(f["secretRef"]["name"] == name for f in froms)
        if kind == "Service":
            services = [w["clientConfig"]["service"] for w in user.get("webhooks", [])]
            return any(s["name"] == name and s["namespace"] == space for s in services)
        if kind == "Deployment" and user["kind"] == "Service":
            return bool(user_space == space and spec["selector"] == o["spec"]["template"]["metadata"]["labels"])
        if kind in ("NetworkPolicy", "ResourceQuota") and user["kind"] in ("Deployment", "StatefulSet", "Pod"):
            labels = (spec.get("template") or {}).get("metadata", {}).get("labels") or user["metadata"]["labels"]
            wanted = o.get("spec", {}).get("podSelector", {}).get("matchLabels", {})
            return bool(user_space == space and wanted.items() <= labels.items())
        return False


@thorough
@given(clusters())
def test_no_deletion_breaks_a_rule(cluster: Cluster) -> None:
    oracle = Oracle(cluster)
    going = deleted(judged(cluster.read()))
    for candidate in going:
        body = oracle.find(candidate)
        oracle.s1_to_s6(body)
        oracle.s8_s9(body)
        assert candidate.rules == ()


@thorough
@given(clusters())
def test_s7_nothing_that_stays_uses_what_goes(cluster: Cluster) -> None:
    oracle = Oracle(cluster)
    going = [oracle.find(candidate) for candidate in deleted(judged(cluster.read()))]
    for position, body in enumerate(going):
        earlier = {o["metadata"]["uid"] for o in going[:position]}
        gone: set[str] = set(earlier)
        for _ in range(
            3
        ):  # what has left takes along, pods below ReplicaSets below Deployments; so do controllers lost
            standing = {o["metadata"]["uid"] for o in oracle.objects} - gone
            for each in oracle.objects:
                if any(r["uid"] not in standing for r in each["metadata"].get("ownerReferences", [])):
                    gone.add(each["metadata"]["uid"])
        staying = [o for o in oracle.objects if o["metadata"]["uid"] not in gone]
        assert oracle.users(body, staying + oracle.counted_manifests()) == [], "S7"


@thorough
@given(clusters(), st.randoms(use_true_random=False))
def test_the_order_of_objects_changes_nothing(cluster: Cluster, random: Any) -> None:
    shuffled = list(cluster.objects)
    random.shuffle(shuffled)
    assert decisions(judged(cluster.read())) == decisions(judged(inventory(shuffled)))


@thorough
@given(clusters(), st.permutations(RELEASES[:3]))
def test_no_hash_sorts_its_way_into_a_decision(cluster: Cluster, other: list[str]) -> None:
    """Renaming the generations, so that any of them sorts before any other, renames the answer and nothing else."""
    from tests.clusters import record

    swap = dict(zip(RELEASES[:3], other, strict=True))

    def renamed(body: Json) -> Json:
        if body["metadata"]["labels"].get("owner") != "helm":
            return json.loads(_swapped(json.dumps(body), swap))  # type: ignore[no-any-return] # JSON of an object
        name, revision, status, _ = next(r for r in Oracle(Cluster((body,))).records)
        docs = _documents(body)
        return record(swap.get(name, name), revision, status, docs)

    before = decisions(judged(cluster.read()))
    after = decisions(judged(inventory([renamed(body) for body in cluster.objects])))
    assert before == after


def _swapped(text: str, swap: dict[str, str]) -> str:
    for index, name in enumerate(swap):
        text = text.replace(f'"{name}"', f'"@{index}@"')
    for index, name in enumerate(swap.values()):
        text = text.replace(f'"@{index}@"', f'"{name}"')
    return text


def _documents(body: Json) -> list[Json]:
    import base64
    import gzip

    import yaml

    release = json.loads(gzip.decompress(base64.b64decode(base64.b64decode(body["data"]["release"]))))
    return [d for d in yaml.safe_load_all(release["manifest"]) if d]


@thorough
@given(clusters(), st.sampled_from(USER_KINDS))
def test_what_could_not_be_read_never_frees_anything(cluster: Cluster, kind: str) -> None:
    """A kind that is forbidden can only take deletions away, never add one."""
    known = {c.ref.label for c in deleted(judged(cluster.read()))}
    blind = {c.ref.label for c in deleted(judged(inventory(cluster.objects, [gap(kind)])))}
    assert blind <= known


@thorough
@given(clusters(), st.sampled_from(("Secret", "ConfigMap", "Kustomization", "HelmRelease")))
def test_without_records_or_inventories_nothing_is_deleted(cluster: Cluster, kind: str) -> None:
    assert deleted(judged(inventory(cluster.objects, [gap(kind)]))) == []


@thorough
@given(clusters())
def test_a_record_that_cannot_be_decoded_protects_everything(cluster: Cluster) -> None:
    assume(any(o["metadata"]["labels"].get("owner") == "helm" for o in cluster.objects))
    broken = [
        o | {"data": {"release": o["data"]["release"][:-40]}} if o["metadata"]["labels"].get("owner") == "helm" else o
        for o in cluster.objects
    ]
    assessment = judged(inventory(broken))
    assert assessment.families[0].state is FamilyState.UNVERIFIABLE
    assert all(c.decision is Decision.PROTECT and c.rules == (Rule.S3,) for c in assessment.candidates)


@thorough
@given(clusters())
def test_only_an_active_family_has_anything_but_protected_objects(cluster: Cluster) -> None:
    assessment = judged(cluster.read())
    view = assessment.families[0]
    oracle = Oracle(cluster)
    assert (view.state is FamilyState.ACTIVE) == (oracle.active is not None)
    if view.state is not FamilyState.ACTIVE:
        assert all(c.decision is Decision.PROTECT and c.rules == (Rule.S3,) for c in assessment.candidates)


@thorough
@given(clusters())
def test_adoption_and_recreation_hold_to_s1_to_s5(cluster: Cluster) -> None:
    oracle = Oracle(cluster)
    for candidate in judged(cluster.read()).candidates:
        if candidate.decision not in (Decision.ADOPT, Decision.RECREATE):
            continue
        body = oracle.find(candidate)
        assert candidate.rules == (Rule.S6,)
        assert candidate.target == oracle.active
        assert body["metadata"].get("namespace") in (None, FLUX_SYSTEM)
        assert not any("toolkit.fluxcd.io" in label for label in body["metadata"]["labels"])
        assert held(body["metadata"]) == []
        stamp = body["metadata"]["annotations"].get("meta.helm.sh/release-name")
        if stamp not in (None, oracle.active):
            assert stamp not in oracle.in_force | oracle.busy
        if candidate.decision is Decision.RECREATE:
            oracle.s8_s9(body)


@thorough
@given(clusters())
def test_every_object_with_another_stamp_of_the_family_is_decided_on(cluster: Cluster) -> None:
    oracle = Oracle(cluster)
    assessment = judged(cluster.read())
    named = {c.ref.label for c in assessment.candidates}
    for body in oracle.objects:
        meta = body["metadata"]
        stamp = meta["annotations"].get("meta.helm.sh/release-name")
        controlled = any(r.get("controller") for r in meta.get("ownerReferences", []))
        if stamp in RELEASES and stamp != oracle.active and not controlled:
            place = f"{meta['namespace']}/" if meta.get("namespace") else ""
            assert f"{body['kind']} {place}{meta['name']}" in named
    assert all(c.why and (c.rules or c.decision is Decision.DELETE) for c in assessment.candidates)


@thorough
@given(clusters(), st.sampled_from(RELEASES))
def test_an_expected_release_adopts_only_into_an_absent_family(cluster: Cluster, expected: str) -> None:
    assessment = judged(cluster.read(), Wish(expected=expected))
    view = assessment.families[0]
    for candidate in assessment.candidates:
        if view.state is FamilyState.ABSENT and candidate.decision is not Decision.PROTECT:
            assert candidate.decision is Decision.ADOPT
            assert candidate.rules == (Rule.S3,)
            assert candidate.target == expected
    if view.state in (FamilyState.AMBIGUOUS, FamilyState.UNVERIFIABLE):
        assert all(c.decision is Decision.PROTECT for c in assessment.candidates)
