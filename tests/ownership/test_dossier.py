"""One page about an object: every statement with what bears it out, bounded, and nothing of a Secret on it."""

from datetime import timedelta

import pytest

from tests.clusters import FLUX_SYSTEM, contract, obj
from tests.ownership.flux_world import LIVING, NOW, kustomization, read
from tests.ownership.judging import NEW, TODAY, active, gap, key_of, stale
from tui.contract.model import Contract, Decision, Guardrail, Selector
from tui.objects import Json, Key
from tui.ownership.assess import assess
from tui.ownership.dossier import MAX_ITEMS, Dossier, Lookups, dossier
from tui.ownership.model import State
from tui.ownership.shown import COMMAND

KUSTOMIZE = "kustomize.toolkit.fluxcd.io/"
LABELS = {f"{KUSTOMIZE}name": "sync", f"{KUSTOMIZE}namespace": FLUX_SYSTEM}
BY = contract(
    guardrails=(Guardrail("no-ingress", Selector(kinds=("Ingress",)), "tunnels only", line=90),),
    decisions=(Decision("ClusterRole/role", "pulumi", "the chart brings it", "old.yaml", line=120),),
)


def page(key: Key, *objects: Json, by: Contract = BY, gaps: tuple[object, ...] = ()) -> Dossier:
    assessment = assess(by, read(*objects, gaps=gaps), today=TODAY, now=NOW)  # type: ignore[arg-type] # gaps of any kind
    return dossier(by, assessment, key, Lookups(assessment, NOW))


def section(found: Dossier, title: str) -> str:
    """The text of one section, an item a line and its details below."""
    (one,) = [each for each in found.sections if each.title.startswith(title)]
    return "\n".join("\n    ".join((item.text, *item.details)) for item in one.items)


def titles(found: Dossier) -> list[str]:
    return [each.title.partition(",")[0].partition(":")[0] for each in found.sections]


ROLE = obj("ClusterRole", "role", release=NEW, rules=[])
ROLE_KEY = key_of("ClusterRole", "role")
BINDING = obj("ClusterRoleBinding", "bind", roleRef={"kind": "ClusterRole", "name": "role"})


def test_a_page_says_who_why_and_what_shows_it() -> None:
    found = page(ROLE_KEY, active(ROLE), ROLE, BINDING)
    assert (found.label, found.state) == ("ClusterRole role", State.OWNED)
    assert section(found, "claim").splitlines()[:2] == [
        "evidence for Pulumi",
        "claimed for Pulumi, layer infrastructure, from cluster/src/",
    ]
    evidence = section(found, "evidence")
    assert "Pulumi by release manifest, confirmed by the owner's own record" in evidence
    assert f"helm get manifest {NEW} -n {FLUX_SYSTEM} --revision 2" in evidence
    assert "decided for Pulumi (test.yaml, line 120)\n    the chart brings it\n    removed: old.yaml" in section(
        found, "decisions"
    )
    assert section(found, "used by") == "ClusterRoleBinding bind grants it (roleRef)"
    assert "before its owner's next upgrade" in section(found, "what happens next")
    assert "read at 2026-11-23T12:00:00+00:00" in section(found, "freshness")


def test_every_piece_of_evidence_has_a_command() -> None:
    body = obj("ConfigMap", "a", "apps", labels=LABELS, managers=[("pulumi-kubernetes", "Apply")])
    below = obj("Pod", "p", "apps", owner=("ReplicaSet", "r"), spec={})
    above = obj("ReplicaSet", "r", "apps", labels=LABELS, spec={})
    objects = (body, below, above, ROLE, active(ROLE), kustomization(body))
    seen = 0
    for key in (key_of("ConfigMap", "a", "apps"), key_of("Pod", "p", "apps"), ROLE_KEY):
        found = page(key, *objects)
        for one in next(each for each in found.sections if each.title.startswith("evidence")).items:
            assert COMMAND.search(one.details[1])
            seen += 1
    assert seen >= 7


def test_what_listed_an_object_once_is_told_and_is_no_evidence() -> None:
    thing = obj("ConfigMap", "thing", "apps")
    assessment = assess(BY, read(thing), today=TODAY, now=NOW)
    found = dossier(BY, assessment, key_of("ConfigMap", "thing", "apps"), None, ["revision 1 of web listed it"])
    assert section(found, "past, and no evidence") == "revision 1 of web listed it"
    assert section(found, "evidence, strongest first") == "none: no mark of any owner that is known"


def test_what_helm_loses_with_a_record_is_told() -> None:
    kept = active(ROLE)
    assert f"makes Helm forget revision 2 of {NEW}; what that made stays" in section(
        page(key_of("Secret", kept["metadata"]["name"], FLUX_SYSTEM), kept, ROLE), "what happens next"
    )


def test_the_commands_of_what_is_below_show_the_marks_of_what_is_above() -> None:
    above = obj("ReplicaSet", "r", "apps", labels=LABELS, spec={})
    below = obj("Pod", "p", "apps", owner=("ReplicaSet", "r"), spec={})
    told = section(page(key_of("Pod", "p", "apps"), above, below, kustomization(above)), "evidence").splitlines()
    commands = [line.strip() for line in told if COMMAND.match(line.strip())]
    assert commands[0] == "kubectl get pod p -n apps -o jsonpath='{.metadata.ownerReferences}'"
    assert commands[-1].startswith("kubectl get replicaset.apps r -n apps ")


def test_a_contested_object_shows_both_sides_and_its_findings() -> None:
    body = obj("ConfigMap", "a", "apps", labels=LABELS, managers=[("pulumi-kubernetes", "Apply")])
    found = page(key_of("ConfigMap", "a", "apps"), body, kustomization(body), *LIVING)
    assert found.state is State.CONTESTED
    assert "evidence for flux and pulumi" in section(found, "claim").lower()
    assert "kubectl get kustomization sync -n flux-system -o yaml" in section(found, "evidence")
    assert "warn contested" in section(found, "findings")
    assert "Kustomization flux-system/sync re-creates it within 6 min" in section(found, "what happens next")
    assert "pulumi-kubernetes (Apply) holds" in section(found, "who set which fields")


def test_what_an_object_uses_is_told_and_whether_it_is_there() -> None:
    spec = {
        "template": {
            "spec": {
                "serviceAccountName": "acct",
                "volumes": [{"configMap": {"name": "conf"}}, {"secret": {"secretName": "key"}}],
            }
        }
    }
    user = obj("Deployment", "d", "apps", spec=spec)
    found = page(key_of("Deployment", "d", "apps"), user, obj("ConfigMap", "conf", "apps"), gaps=(gap("Secret"),))
    assert section(found, "uses").splitlines() == [
        "ServiceAccount apps/acct is not there: its pods run as it",
        "ConfigMap apps/conf: mounts it",
        "Secret apps/key could not be read: Secret: forbidden: mounts it",
    ]
    torn = obj("Deployment", "d", "apps", spec={"template": {"spec": {"volumes": "none"}}})
    assert "could not be read further" in section(page(key_of("Deployment", "d", "apps"), torn), "uses")


def test_users_that_could_not_be_listed_are_said() -> None:
    account = obj("ServiceAccount", "acct")
    found = page(key_of("ServiceAccount", "acct", FLUX_SYSTEM), account, gaps=(gap("RoleBinding"),))
    assert "could not verify: RoleBinding: forbidden" in section(found, "used by")
    alone = page(key_of("ServiceAccount", "acct", FLUX_SYSTEM), account)
    assert section(alone, "used by").startswith("nobody that is known")


def test_what_a_workloads_controller_made_is_told_by_the_workload() -> None:
    template = {"spec": {"serviceAccountName": "acct"}}
    deployment = obj("Deployment", "d", spec={"template": template})
    below = obj("ReplicaSet", "d-1", owner=("Deployment", "d"), spec={"template": template})
    pod = obj("Pod", "d-1-a", owner=("ReplicaSet", "d-1"), spec=template["spec"])
    found = page(key_of("ServiceAccount", "acct", FLUX_SYSTEM), obj("ServiceAccount", "acct"), deployment, below, pod)
    assert section(found, "used by") == "Deployment flux-system/d its pods run as it"
    assert section(page(key_of("Pod", "d-1-a", FLUX_SYSTEM), deployment, below, pod), "made by") == (
        "ReplicaSet flux-system/d-1 → Deployment flux-system/d"
    )


def test_a_denied_object_says_whether_the_cluster_enforces_it() -> None:
    found = page(key_of("Ingress", "i", "apps"), obj("Ingress", "i", "apps", spec={}))
    assert "denied by guardrail no-ingress: the cluster does not enforce it" in section(found, "policies")
    assert "tunnels only" in section(found, "policies")


def test_a_missing_one_and_a_stale_one_have_their_sections() -> None:
    lost = page(ROLE_KEY, active(ROLE))
    assert lost.state is State.MISSING
    assert f"listed by {NEW}: replay can create it" in section(lost, "missing")
    assert "while it is missing" in section(lost, "what happens next")
    left = page(key_of("ClusterRole", "left"), active(), stale(name="left"))
    assert "may be deleted: every rule is proven" in section(left, "cleanup")
    assert {"metadata", "freshness"} & set(titles(lost)) == set()


def test_long_sections_are_cut_and_counted() -> None:
    labels = {f"l{number}": "v" for number in range(50)}
    users = [obj("Pod", f"p{number}", spec={"serviceAccountName": "acct"}) for number in range(50)]
    found = page(key_of("ServiceAccount", "acct", FLUX_SYSTEM), obj("ServiceAccount", "acct", labels=labels), *users)
    for title in ("used by", "labels"):
        lines = section(found, title).splitlines()
        assert (len(lines), lines[-1]) == (MAX_ITEMS + 1, "and 30 more")
    assert sum(len(each.items) for each in found.sections) < 200


@pytest.mark.parametrize("kind", ["Secret", "ConfigMap"])
def test_nothing_of_an_objects_data_is_on_its_page(kind: str) -> None:
    copied = {"kubectl.kubernetes.io/last-applied-configuration": '{"data":{"password":"aHVudGVy"}}'}
    body = obj(kind, "key", "apps", annotations=copied, data={"password": "aHVudGVy"})
    text = str(page(key_of(kind, "key", "apps"), body))
    assert "aHVudGVy" not in text
    assert "*** (kubectl's copy of the object)" in text


def test_an_unknown_object_is_not_there() -> None:
    found = page(key_of("ConfigMap", "gone", "apps"))
    assert (found.label, found.state, titles(found)) == ("ConfigMap apps/gone", None, ["state"])


def test_without_lookups_the_page_is_shorter_and_still_true() -> None:
    assessment = assess(BY, read(active(ROLE), ROLE), today=TODAY, now=NOW + timedelta(days=1))
    found = dossier(BY, assessment, ROLE_KEY, None)
    assert "what happens next" not in titles(found)
    assert found.state is State.OWNED
