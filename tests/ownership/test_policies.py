"""Whether the cluster enforces a guardrail: what policies report, which of them act, and what cannot be told."""

from typing import Any

import pytest

from tests.clusters import contract, obj
from tests.ownership.flux_world import NOW, read
from tests.ownership.judging import TODAY, findings, gap
from tui.contract.model import Guardrail, Selector
from tui.objects import Gap, Json
from tui.ownership.assess import assess
from tui.ownership.model import Assessment, Enforcement, Guarded
from tui.ownership.policies import Policies
from tui.text import clean

RAIL = Guardrail("no-ingress", Selector(kinds=("Ingress",)), "traffic enters through tunnels")
BY = contract(guardrails=(RAIL,))
INGRESS = obj("Ingress", "web", "apps", spec={})
GATEKEEPER = obj("ValidatingWebhookConfiguration", "gatekeeper-validating-webhook-configuration", webhooks=[])
RECENT = "2026-11-23T11:59:30Z"


def other(api: str, kind: str, name: str, namespace: str | None = None, **parts: Any) -> Json:
    meta: Json = {"name": name, "uid": f"uid-{kind}-{name}"}
    if namespace:
        meta["namespace"] = namespace
    return {"apiVersion": api, "kind": kind, "metadata": meta, **parts}


def constraint(*reported: Json, action: str | None = None, kinds: Any = None, **status: Any) -> Json:
    violations = [
        {
            "group": "networking.k8s.io",
            "version": "v1",
            "kind": each["kind"],
            "name": each["metadata"]["name"],
            "namespace": each["metadata"].get("namespace"),
            "message": "no ingress here",
            "enforcementAction": action or "deny",
        }
        for each in reported
    ]
    spec: Json = {"match": {"kinds": kinds or [{"apiGroups": ["networking.k8s.io"], "kinds": ["Ingress"]}]}}
    if action:
        spec["enforcementAction"] = action
    told = {"auditTimestamp": RECENT, "totalViolations": len(violations), "violations": violations} | status
    return other("constraints.gatekeeper.sh/v1beta1", "K8sDenyIngress", "deny", spec=spec, status=told)


def judge(*objects: Json, gaps: tuple[Gap, ...] = ()) -> Assessment:
    return assess(BY, read(*objects, gaps=gaps), today=TODAY, now=NOW)


def guarded(*objects: Json, gaps: tuple[Gap, ...] = ()) -> Guarded:
    (found,) = judge(*objects, gaps=gaps).policies
    return found


def report(
    result: str = "fail", *, api: str = "wgpolicyk8s.io/v1alpha2", kind: str = "PolicyReport", scoped: bool = False
) -> Json:
    subject: Json = {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "name": "web", "namespace": "apps"}
    told: Json = {"source": "kyverno", "policy": "deny-ingress", "rule": "r", "result": result, "message": "no"}
    parts = {"scope": subject} if scoped else {}
    if not parts:
        told["resources"] = [subject]
    return other(api, kind, "r", "apps", results=[told], **parts)


def kyverno(action: str, kinds: list[str] | None = None, **rule: Any) -> Json:
    match = {"any": [{"resources": {"kinds": kinds or ["networking.k8s.io/v1/Ingress"]}}]}
    spec = {"validationFailureAction": action, "rules": [{"match": match, "validate": rule}]}
    return other("kyverno.io/v1", "ClusterPolicy", "deny-ingress", spec=spec)


def admission(*actions: str, bound: bool = True, resources: tuple[str, ...] = ("ingresses",)) -> list[Json]:
    rules = [{"apiGroups": ["networking.k8s.io"], "resources": list(resources), "operations": ["CREATE"]}]
    api = "admissionregistration.k8s.io/v1"
    policy = other(api, "ValidatingAdmissionPolicy", "p", spec={"matchConstraints": {"resourceRules": rules}})
    binding = other(
        api, "ValidatingAdmissionPolicyBinding", "b", spec={"policyName": "p", "validationActions": list(actions)}
    )
    return [policy, binding] if bound else [policy]


@pytest.mark.parametrize(
    ("objects", "status", "why"),
    [
        ([INGRESS], Enforcement.NOT_ENFORCED, "no policy and no webhook of the cluster is about these kinds"),
        ([], Enforcement.NOT_ENFORCED, "no policy and no webhook"),
        (
            [INGRESS, GATEKEEPER, constraint(INGRESS)],
            Enforcement.ENFORCED,
            "K8sDenyIngress deny (deny) reports 1",
        ),
        ([INGRESS, GATEKEEPER, constraint(INGRESS, action="dryrun")], Enforcement.AUDITED, "(dryrun) reports 1"),
        ([INGRESS, GATEKEEPER, constraint(INGRESS, action="warn")], Enforcement.AUDITED, "(warn) reports 1"),
        ([INGRESS, GATEKEEPER, constraint(INGRESS, action="scoped")], Enforcement.UNKNOWN, "reports it, and its rules"),
        ([INGRESS, constraint(INGRESS)], Enforcement.AUDITED, "(deny) reports 1"),
        ([GATEKEEPER, constraint()], Enforcement.UNKNOWN, "is about these kinds, and its rules cannot be read"),
        ([GATEKEEPER, constraint(action="dryrun")], Enforcement.AUDITED, "at most: no policy on these kinds denies"),
        (
            [GATEKEEPER, constraint(kinds=[{"apiGroups": [""], "kinds": ["Service"]}])],
            Enforcement.NOT_ENFORCED,
            "no policy",
        ),
        (
            [INGRESS, kyverno("Enforce"), report()],
            Enforcement.ENFORCED,
            "deny-ingress (enforce) reports 1",
        ),
        ([INGRESS, kyverno("Audit"), report()], Enforcement.AUDITED, "(audit) reports 1"),
        ([INGRESS, kyverno("Audit", failureAction="Enforce"), report()], Enforcement.ENFORCED, "(enforce)"),
        ([INGRESS, report(scoped=True)], Enforcement.UNKNOWN, "kyverno deny-ingress reports it"),
        ([INGRESS, report("pass")], Enforcement.NOT_ENFORCED, "no policy"),
        ([INGRESS, report("skip")], Enforcement.NOT_ENFORCED, "no policy"),
        ([INGRESS, report("error")], Enforcement.UNKNOWN, "reports it"),
        (
            [INGRESS, kyverno("Enforce"), report(api="openreports.io/v1alpha1", kind="Report")],
            Enforcement.ENFORCED,
            "reports 1",
        ),
        ([kyverno("Enforce")], Enforcement.UNKNOWN, "is about these kinds"),
        ([kyverno("Enforce", ["Service"])], Enforcement.NOT_ENFORCED, "no policy"),
        (admission("Deny"), Enforcement.UNKNOWN, "ValidatingAdmissionPolicy p is about these kinds"),
        (admission("Audit", "Warn"), Enforcement.AUDITED, "at most"),
        (admission("Deny", bound=False), Enforcement.NOT_ENFORCED, "no policy"),
        (admission("Deny", resources=("services",)), Enforcement.NOT_ENFORCED, "no policy"),
        (admission("Deny", resources=("*",)), Enforcement.UNKNOWN, "is about these kinds"),
    ],
)
def test_whether_the_cluster_enforces_a_guardrail(objects: list[Json], status: Enforcement, why: str) -> None:
    served = [obj("Ingress", "fine", "other", owner=("Deployment", "x"))]
    found = guarded(*objects, *served)
    assert (found.status, found.guardrail) == (status, "no-ingress")
    assert why in found.why


def test_a_webhook_of_an_unknown_engine_may_enforce_anything() -> None:
    rules = [{"apiGroups": ["networking.k8s.io"], "resources": ["*"]}]
    hook = obj("ValidatingWebhookConfiguration", "guard", webhooks=[{"name": "h", "rules": rules}])
    assert guarded(INGRESS, hook).status is Enforcement.UNKNOWN
    elsewhere = obj(
        "ValidatingWebhookConfiguration",
        "guard",
        webhooks=[{"name": "h", "rules": [{"apiGroups": ["apps"], "resources": ["*"]}]}],
    )
    assert guarded(INGRESS, elsewhere).status is Enforcement.NOT_ENFORCED


@pytest.mark.parametrize(
    "unread",
    [
        Gap("constraints.gatekeeper.sh", "K8sDenyIngress", None, "forbidden"),
        Gap("wgpolicyk8s.io", None, None, "the server is currently unable to handle the request"),
        gap("ValidatingWebhookConfiguration"),
    ],
)
def test_policies_that_could_not_be_read_are_not_absent(unread: Gap) -> None:
    found = guarded(INGRESS, gaps=(unread,))
    assert (found.status, found.why) == (Enforcement.UNKNOWN, unread.text)


def test_the_finding_says_who_reports_what_and_how_to_see_it() -> None:
    (found,) = findings(judge(INGRESS, GATEKEEPER, constraint(INGRESS)), "guardrail")
    assert found.evidence == (
        "no-ingress: traffic enters through tunnels",
        "policy: the cluster enforces it: K8sDenyIngress deny (deny) reports 1 of what it denies",
        "Ingress apps/web: reported by K8sDenyIngress deny (deny): no ingress here",
        "kubectl get k8sdenyingress.constraints.gatekeeper.sh deny -o yaml",
        "kubectl get ingress.networking.k8s.io web -n apps",
    )
    (bare,) = findings(judge(INGRESS), "guardrail")
    assert any("the cluster does not enforce it" in text for text in bare.evidence)


@pytest.mark.parametrize(
    ("status", "note"),
    [
        ({"totalViolations": 134}, "lists 1 of 134 violations"),
        ({"auditTimestamp": "2026-11-23T09:00:00Z"}, "audited 3 h ago"),
        ({"auditTimestamp": None}, "was never audited: an empty list proves nothing"),
    ],
)
def test_a_list_that_is_cut_or_old_says_so(status: Json, note: str) -> None:
    (found,) = findings(judge(INGRESS, GATEKEEPER, constraint(INGRESS, **status)), "guardrail")
    assert any(note in text for text in found.evidence)


def test_many_reports_are_counted() -> None:
    many = [obj("Ingress", f"web{number}", "apps", spec={}) for number in range(20)]
    (found,) = findings(judge(*many, GATEKEEPER, constraint(*many)), "guardrail")
    assert "and 8 more reports of policies" in found.evidence


def test_one_object_is_asked_about() -> None:
    inventory_ = read(INGRESS, GATEKEEPER, constraint(INGRESS))
    policies = Policies(inventory_)
    key = next(key for key in inventory_.objects if key.kind == "Ingress")
    assert [each.text for each in policies.of(key)] == ["K8sDenyIngress deny (deny): no ingress here"]
    assert policies.of(key._replace(name="other")) == ()


TORN: list[Json] = [{"spec": 1}, {"status": []}, {"status": {"violations": [1, {"name": 2}]}}, {"results": 1}]


@pytest.mark.parametrize("torn", TORN)
def test_nothing_that_is_damaged_stops_the_reading(torn: Json) -> None:
    objects = ({**constraint(INGRESS), **torn}, {**report(), **torn}, *admission("Deny"))
    assert judge(INGRESS, GATEKEEPER, *objects).policies


def test_a_message_is_one_harmless_line() -> None:
    loud = constraint(INGRESS)
    loud["status"]["violations"][0]["message"] = "a\nb\x1b[31m" + "x" * 5000
    (found,) = findings(judge(INGRESS, GATEKEEPER, loud), "guardrail")
    assert all(text == clean(text) and len(text) < 400 for text in found.evidence)
