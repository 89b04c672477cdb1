"""Every finding code: made by a cluster, told with a command that shows it and a next action, explained in the docs."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.clusters import FLUX_SYSTEM, contract, obj, record
from tests.ownership.flux_world import NOW, kustomization, read
from tests.ownership.judging import NEW, OLD, TODAY, active, stale
from tui.contract.model import Allow, Claim, Decision, Guardrail, Health, Selector
from tui.contract.words import CODES
from tui.objects import Gap, Json, Ref
from tui.ownership.assess import assess
from tui.ownership.model import Assessment, Finding, Severity, Wish
from tui.ownership.shown import COMMAND, excerpt, few_of_each, shown, told_of

DOCS = Path(__file__).parents[2] / "docs" / "findings.md"
KUSTOMIZE = "kustomize.toolkit.fluxcd.io/"
LABELS = {f"{KUSTOMIZE}name": "sync", f"{KUSTOMIZE}namespace": FLUX_SYSTEM}
ROLE = obj("ClusterRole", "role", release=NEW)
BINDING = obj("ClusterRoleBinding", "bind", release=NEW, roleRef={"kind": "ClusterRole", "name": "a"})
OTHER = {**BINDING, "roleRef": {"kind": "ClusterRole", "name": "b"}}
CONTROLLER = obj("Deployment", "source-controller", spec={"replicas": 0, "paused": True, "template": {}})
HOOK = {
    "name": "h",
    "failurePolicy": "Fail",
    "rules": [{"apiGroups": ["*"], "resources": ["*"]}],
    "clientConfig": {"service": {"namespace": "hooks", "name": "svc"}},
}
DOWN = {"conditions": [{"type": "Available", "status": "False", "reason": "MissingEndpoints", "message": "no answer"}]}
BY = contract(
    claims=(
        Claim("pulumi", "infrastructure", "src/", (Selector(kinds=("Namespace",), names=("wanted",)),)),
        *contract().claims,
    ),
    health=(Health(FLUX_SYSTEM, ("source-controller",)),),
    guardrails=(Guardrail("no-ingress", Selector(kinds=("Ingress",)), "tunnels only"),),
    decisions=(Decision("ClusterRole/role", "pulumi", "decided so"),),
)


def fields(*managers: tuple[str, str, Json], **parts: Any) -> Json:
    body = obj("Deployment", "web", "apps", **{"spec": {}, **parts})
    body["metadata"]["managedFields"] = [
        {"manager": name, "operation": "Apply", "time": time, "fieldsV1": held} for name, time, held in managers
    ]
    return body


REPLICAS: Json = {"f:spec": {"f:replicas": {}}}
FOUGHT = fields(
    ("pulumi-kubernetes", "2026-01-01T00:00:00Z", REPLICAS), ("kustomize-controller", "2026-02-01T00:00:00Z", REPLICAS)
)
TAKEN = obj("ClusterRole", "role", release=NEW, labels=LABELS, managers=[("kustomize-controller", "Apply")])
UNREADABLE = record(NEW) | {"data": {"release": "!!!"}}
STRANGER = record("other") | {"data": {"release": "!!!"}}

WORLDS: dict[str, Callable[[], tuple[list[Json], list[Gap], Wish]]] = {
    "healthy": lambda: ([active(ROLE), ROLE], [], Wish()),
    "missing": lambda: ([active(ROLE)], [], Wish()),
    "ambiguous": lambda: ([record(NEW), record(OLD)], [], Wish()),
    "absent": lambda: ([record(NEW, status="failed"), stale()], [], Wish()),
    "unverifiable": lambda: ([UNREADABLE], [], Wish()),
    "undecodable": lambda: ([active(), STRANGER], [], Wish()),
    "refused": lambda: ([record(NEW, status="failed"), stale()], [], Wish(expected="gitops-flux-00000002")),
    "unstamped": lambda: ([active(ROLE, method="ssa"), obj("ClusterRole", "role")], [], Wish()),
    "role": lambda: ([active(BINDING), OTHER], [], Wish()),
    "foreign": lambda: ([active(ROLE), stale(name="role"), stale(name="left")], [], Wish()),
    "disagrees": lambda: (
        [active(), obj("ClusterRole", "r", annotations={"meta.helm.sh/release-name": NEW})],
        [],
        Wish(),
    ),
    "bomb": lambda: (
        [
            active(ROLE),
            record(
                OLD,
                1,
                "superseded",
                [{"apiVersion": ROLE["apiVersion"], "kind": "ClusterRole", "metadata": {"name": "role"}}],
            ),
            ROLE,
        ],
        [],
        Wish(),
    ),
    "walls": lambda: (
        [
            active(ROLE),
            ROLE,
            obj("ValidatingWebhookConfiguration", "wall", webhooks=[HOOK]),
            obj("Namespace", FLUX_SYSTEM, deleting=True),
            obj("APIService", "v1.rbac", spec={"group": "rbac.authorization.k8s.io"}, status=DOWN),
            obj("ConfigMap", "stuck", "apps", deleting=True, finalizers=["a.example/hold"]),
        ],
        [],
        Wish(),
    ),
    "unserved": lambda: (
        [
            active(
                {"apiVersion": "policy/v1beta1", "kind": "PodSecurityPolicy", "metadata": {"name": "p"}},
                {"apiVersion": "example.org/v1", "kind": "Widget", "metadata": {"name": "w"}},
            )
        ],
        [],
        Wish(),
    ),
    "contested": lambda: (
        [
            obj("ConfigMap", "a", "apps", labels=LABELS, managers=[("pulumi-kubernetes", "Apply")]),
            obj("Deployment", "d", labels=LABELS, spec={}),
            obj("ConfigMap", "b", "apps", labels=LABELS),
            obj("ConfigMap", "c", "apps"),
            obj("Ingress", "i", "apps", spec={}),
            obj("ConfigMap", "p", "apps", annotations={f"{KUSTOMIZE}prune": "disabled"}),
        ],
        [],
        Wish(),
    ),
    "fought": lambda: ([active(), FOUGHT], [], Wish()),
    "taken": lambda: ([active(ROLE), TAKEN, kustomization(TAKEN)], [], Wish()),
    "asleep": lambda: (
        [active(CONTROLLER), CONTROLLER, kustomization(suspend=True), kustomization(name="bad", ready="False")],
        [],
        Wish(),
    ),
    "drifted": lambda: (
        [
            active(obj("Deployment", "d", spec={"replicas": 3})),
            obj("Deployment", "d", release=NEW, spec={"replicas": 1}),
        ],
        [],
        Wish(),
    ),
}


def judged(name: str) -> Assessment:
    objects, gaps, wish = WORLDS[name]()
    return assess(BY, read(*objects, gaps=tuple(gaps)), today=TODAY, wish=wish, now=NOW)


EVERY: list[Finding] = [finding for name in WORLDS for finding in judged(name).findings]


def test_every_code_is_made_by_some_cluster() -> None:
    assert {finding.code for finding in EVERY} == set(CODES)


@pytest.mark.parametrize("code", CODES)
def test_every_finding_has_a_command_that_shows_it_and_a_next_action(code: str) -> None:
    for finding in EVERY:
        if finding.code == code:
            assert any(COMMAND.search(text) for text in finding.evidence), finding
            assert finding.next
            assert finding.summary


def test_a_command_that_is_there_already_is_not_given_twice() -> None:
    finding = Finding("drifted", Severity.WARN, "s", (Ref("v1", "Pod", "a", "b"),), ("kubectl get pod b -n a",), "n")
    assert shown(finding) is finding
    bare = replace(finding, evidence=("it differs",))
    assert shown(bare).evidence == ("it differs", "kubectl get pod b -n a -o yaml")
    nobody = shown(replace(bare, resources=(), code="contract-unpinned"))
    assert "kube-system" in nobody.evidence[-1]


@pytest.mark.parametrize(
    ("lines", "limit", "told", "left"),
    [
        (["a", "b"], 2, ["a", "b"], 0),
        (["a", "b", "kubectl get x"], 2, ["a", "kubectl get x"], 1),
        (["kubectl get x", "b", "c"], 2, ["kubectl get x", "b"], 1),
        (["a", "b", "c"], 2, ["a", "b"], 1),
        (["a", "b", "c", "and 17 more", "kubectl get x"], 2, ["a", "kubectl get x"], 19),
    ],
)
def test_an_excerpt_keeps_a_command_in_sight(lines: list[str], limit: int, told: list[str], left: int) -> None:
    assert excerpt(lines, limit) == (told, left)


def test_a_deed_that_is_all_or_nothing_names_every_object() -> None:
    lines = tuple(f"object {number}" for number in range(60))
    finding = Finding("delete-bomb", Severity.WARN, "s", (), lines, "n")
    assert told_of(finding, 6) == (list(lines), 0)
    assert told_of(replace(finding, code="unowned"), 6) == (list(lines[:6]), 54)


def test_a_text_tells_few_findings_of_one_code() -> None:
    found = [Finding("drifted", Severity.WARN, f"{number}", (), (), "n") for number in range(50)]
    other = Finding("paused", Severity.WARN, "s", (), (), "n")
    assert few_of_each([*found, other]) == ([*found[:20], other], {"drifted": 30})


def sections() -> dict[str, str]:
    """The text of every section of the page on findings, by its code."""
    parts = re.split(r"^### `([a-z-]+)`$", DOCS.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_the_page_explains_every_code_and_no_other() -> None:
    assert list(sections()) == list(CODES)


@pytest.mark.parametrize("code", CODES)
def test_each_explanation_is_whole_and_names_the_severities_that_occur(code: str) -> None:
    text = sections()[code]
    for part in ("**Means**", "**Found by**", "**Do**", "**Severity**"):
        assert part in text, part
    told = text.partition("**Severity**: ")[2].splitlines()[0]
    for finding in EVERY:
        if finding.code == code:
            assert finding.severity.value in told, (code, finding.severity, told)


def test_the_page_says_how_to_allow_a_finding_and_that_hidden_ones_are_counted() -> None:
    text = DOCS.read_text(encoding="utf-8")
    assert "expires:" in text
    assert "how many" in text


def test_what_is_allowed_is_hidden_counted_and_comes_back() -> None:
    objects, gaps, _ = WORLDS["contested"]()
    allow = (Allow("guardrail", "Ingress/apps/i", "known", TODAY),)
    hidden = assess(replace(BY, allow=allow), read(*objects, gaps=tuple(gaps)), today=TODAY)
    assert hidden.hidden == 1
    assert "guardrail" not in {finding.code for finding in hidden.findings}
    past = (replace(allow[0], expires=TODAY.replace(year=2020)),)
    again = assess(replace(BY, allow=past), read(*objects, gaps=tuple(gaps)), today=TODAY)
    assert (again.hidden, "guardrail" in {finding.code for finding in again.findings}) == (0, True)
