"""The manifest of an expected release, tried before its owner installs it: what is asked, and what an answer means."""

import asyncio
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from tests.clusters import RBAC, obj
from tests.ownership.judging import CONTRACT, OLD, TODAY, findings, judge, stale
from tui.faults import ApiFault, Fault, Unreachable, Unverified
from tui.helm.refusal import OwnerError
from tui.objects import Json, Live, Ref
from tui.ownership.assess import with_findings
from tui.ownership.model import Assessment, Forecast, Verdict, Wish
from tui.recovery import expected, requests
from tui.recovery.expected import READ_ONLY, Said, Tried, plan_attempts, told, try_expected
from tui.recovery.gate import Admitted, Refusal, admit_expected
from tui.recovery.ports import Answer, Method, Request
from tui.recovery.refusals import judge_refusal
from tui.recovery.rehearse import CONCURRENT
from tui.recovery.wishes import forecast_of

EXPECTED = "gitops-flux-12345678"
SPACE = "flux-system"


def listed(*documents: str) -> Forecast:
    return forecast_of("\n---\n".join(documents).encode(), "next.yaml")


def config_map(name: str, more: str = "", **meta: str) -> str:
    said = "".join(f", {key}: {value}" for key, value in meta.items())
    return f"{{apiVersion: v1, kind: ConfigMap, metadata: {{name: {name}{said}}}{more}}}"


def hook(events: str) -> str:
    return f"{{apiVersion: v1, kind: ConfigMap, metadata: {{name: h, annotations: {{helm.sh/hook: '{events}'}}}}}}"


WIDGETS = (
    "{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: widgets.example.test}, "
    "spec: {group: example.test, names: {kind: Widget}}}"
)
WIDGET = "{apiVersion: example.test/v1, kind: Widget, metadata: {name: w}}"
LEFT = stale("ConfigMap", "left")


@dataclass
class Server:
    """Answers dry runs: with a fault by the object's name, else with acceptance. Everything else fails the test."""

    faults: dict[str, Fault] = field(default_factory=dict)
    sent: list[Request] = field(default_factory=list)
    at_once: int = 0
    most: int = 0

    async def send(self, admitted: Admitted) -> Answer:
        assert isinstance(admitted, Admitted)
        request = admitted.request
        assert request.dry_run
        self.sent.append(request)
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        await asyncio.sleep(0)
        self.at_once -= 1
        if request.ref.name in self.faults:
            raise self.faults[request.ref.name]
        return Answer(201, {})


def wreck(forecast: Forecast | None, *objects: Json, **stated: Any) -> tuple[Assessment, Wish]:
    wish = Wish(EXPECTED, forecast=forecast, **stated)
    return judge([*(objects or (LEFT,))], wish=wish), wish


async def tried(forecast: Forecast | None, *objects: Json, server: Server | None = None, **stated: Any) -> Tried:
    found, wish = wreck(forecast, *objects, **stated)
    came = await try_expected(CONTRACT, found, wish, server or Server())
    assert came is not None
    return came


def attempted(forecast: Forecast, *objects: Json, **stated: Any) -> tuple[dict[str, str], dict[str, str]]:
    """By name: how each document is tried, and why one is not."""
    found, _ = wreck(forecast, *objects, **stated)
    attempts, known = plan_attempts(found.families[0], forecast, found)
    how = {each.document.ref.name: "apply" if each.live is not None else "create" for each in attempts}
    return how, {each.ref.name: each.text for each in known}


# What is asked.


async def test_what_is_not_there_is_made_and_what_is_adopted_is_applied_to_exactly_that_object() -> None:
    server = Server()
    came = await tried(listed(config_map("left", ", data: {a: b}"), config_map("new")), server=server)
    assert (came.refused, came.unsure, came.taken) == ((), (), 2)
    left, new = sorted(server.sent, key=lambda each: each.ref.name)
    assert (left.method, left.force, left.manager) == (Method.APPLY, True, "helm")
    assert isinstance(left.body, dict)
    assert left.body["metadata"]["uid"] == LEFT["metadata"]["uid"]
    assert left.body["metadata"]["annotations"]["meta.helm.sh/release-name"] == EXPECTED
    assert (new.method, new.force, new.ref.namespace) == (Method.CREATE, False, SPACE)
    assert isinstance(new.body, dict)
    assert new.body["metadata"]["labels"] == {"app.kubernetes.io/managed-by": "Helm"}


async def test_it_is_asked_as_the_release_s_own_tool() -> None:
    server = Server()
    mine = stale("ConfigMap", "left", managers=[("pulumi-resource-kubernetes", "Update")])
    await tried(listed(config_map("left"), config_map("new")), mine, server=server)
    assert {each.manager for each in server.sent} == {"pulumi-resource-kubernetes"}


async def test_no_more_than_a_few_are_asked_at_once() -> None:
    server = Server()
    await tried(listed(*(config_map(f"c{number}") for number in range(30))), server=server)
    assert len(server.sent) == 30
    assert server.most == CONCURRENT


async def test_no_more_than_a_bounded_number_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expected, "MAX_TRIED", 3)
    server = Server()
    came = await tried(listed(*(config_map(f"c{number}") for number in range(5))), server=server)
    assert len(server.sent) == came.taken == 3
    assert [each.text for each in came.unsure] == ["only 3 documents are tried"] * 2


def test_hooks_of_an_install_are_asked_about_and_bear_no_stamp() -> None:
    assert attempted(listed(config_map("x"), hook("pre-install,pre-upgrade")))[0] == {"x": "create", "h": "create"}
    assert attempted(listed(config_map("x"), hook("test")))[0] == {"x": "create"}
    there = obj("ConfigMap", "h")
    assert attempted(listed(config_map("x"), hook("pre-install")), LEFT, there)[0] == {"x": "create"}


async def test_a_hook_is_sent_as_it_is_written() -> None:
    server = Server()
    await tried(listed(config_map("x"), hook("pre-install")), server=server)
    (sent,) = [each for each in server.sent if each.ref.name == "h"]
    assert isinstance(sent.body, dict)
    assert set(sent.body["metadata"]["annotations"]) == {"helm.sh/hook"}


def test_what_the_same_manifest_makes_first_is_not_there_to_be_tried_against() -> None:
    inside = config_map("inside", namespace="new-space")
    space = "{apiVersion: v1, kind: Namespace, metadata: {name: new-space}}"
    how, why = attempted(listed(space, inside, WIDGETS, WIDGET))
    assert how == {"new-space": "create", "widgets.example.test": "create"}
    assert "Namespace new-space, which the same manifest makes, has to be there first" in why["inside"]
    assert "CustomResourceDefinition widgets.example.test, which the same manifest makes" in why["w"]


def test_a_kind_that_nobody_serves_may_come_with_the_chart() -> None:
    how, why = attempted(listed(WIDGET, config_map("x"), config_map("", generateName="once-")))
    assert how == {"x": "create"}
    assert why["w"].endswith("the cluster serves no example.test/v1 Widget, unless the chart brings its CRD")
    assert "yet to name it" in why[""]


async def test_a_version_that_the_cluster_serves_no_more_is_refused_unasked() -> None:
    old = "{apiVersion: policy/v1beta1, kind: PodDisruptionBudget, metadata: {name: p}}"
    server = Server()
    came = await tried(listed(old), server=server)
    said = "the cluster serves no policy/v1beta1 PodDisruptionBudget, only policy/v1"
    assert [(each.ref.name, each.text) for each in came.refused] == [("p", said)]
    assert server.sent == []


def test_what_others_hold_is_told_elsewhere() -> None:
    theirs = stale("ConfigMap", "theirs", labels={"kustomize.toolkit.fluxcd.io/name": "sync"})
    mine, strange = obj("ConfigMap", "mine", release=EXPECTED), obj("ConfigMap", "strange", release="other")
    forecast = listed(*(config_map(name) for name in ("theirs", "mine", "strange", "left")))
    assert attempted(forecast, LEFT, theirs, mine, strange)[0] == {"mine": "apply", "left": "apply"}


def test_what_an_atomic_install_holds_up_is_tried_all_the_same() -> None:
    assert attempted(listed(config_map("left")), error=OwnerError(atomic="x"))[0] == {"left": "apply"}


@pytest.mark.parametrize("release", [OLD, EXPECTED])
def test_a_binding_of_another_role_is_told_as_that(release: str) -> None:
    was = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "was"}
    live = obj("ClusterRoleBinding", "b", release=release, roleRef=was)
    wanted = (
        f"{{apiVersion: {RBAC}, kind: ClusterRoleBinding, metadata: {{name: b}}, roleRef: {{kind: ClusterRole, name: "
    )
    assert attempted(listed(f"{wanted}shall-be}}}}"), live)[0] == {}
    assert attempted(listed(f"{wanted}was}}}}"), live)[0] == {"b": "apply"}


# What is not asked.


async def test_without_a_manifest_there_is_nothing_to_try() -> None:
    found, wish = wreck(None)
    assert await try_expected(CONTRACT, found, wish, Server()) is None


async def test_without_a_writer_it_says_so() -> None:
    found, wish = wreck(listed(config_map("new")))
    came = await try_expected(CONTRACT, found, wish, None)
    assert came is not None
    assert told(came) == (f"the manifest of {EXPECTED} was not tried: {READ_ONLY}",)
    (each,) = expected.findings(came)
    assert (each.severity.value, each.evidence) == ("warn", (READ_ONLY,))


async def test_what_was_read_back_without_its_documents_is_not_tried() -> None:
    server = Server()
    came = await tried(replace(listed(config_map("new")), whole=()), server=server)
    assert "state the file again" in came.why_not
    assert server.sent == []


async def test_after_one_that_reaches_nobody_no_more_is_sent() -> None:
    names = [f"c{number}" for number in range(40)]
    server = Server({name: Unreachable("no answer within 15 s") for name in names})
    came = await tried(listed(*map(config_map, names)), server=server)
    assert len(server.sent) <= CONCURRENT
    assert [each.text for each in came.unsure] == ["it could not be tried: no answer within 15 s"] * 40


# What an answer means.


def refusal(code: int, reason: str, message: str) -> ApiFault:
    return ApiFault(code, reason, message)


INVALID = refusal(422, "Invalid", 'Service "broken" is invalid: spec.ports[0].port: Invalid value: 99999')
REFUSALS = {
    "an invalid value": INVALID,
    "an immutable field": refusal(422, "Invalid", 'Deployment.apps "d" is invalid: spec.selector: field is immutable'),
    "a quota": refusal(403, "Forbidden", 'services "broken" is forbidden: exceeded quota: few'),
    "a policy": refusal(403, "Forbidden", 'admission webhook "v.example.test" denied the request: no'),
    "a dead webhook": refusal(
        500, "InternalError", 'failed calling webhook "v.x": no endpoints available for service "v"'
    ),
    "a namespace on its way out": refusal(403, "Forbidden", "unable to create, x is being terminated"),
    "another namespace": refusal(404, "NotFound", 'namespaces "apps" not found'),
}
DOUBTS = {
    "the release's own namespace": refusal(404, "NotFound", f'namespaces "{SPACE}" not found'),
    "no right": refusal(
        403, "Forbidden", 'services is forbidden: User "u" cannot create resource "services" in API group ""'
    ),
    "no right to grant": refusal(
        403, "Forbidden", 'roles "r" is forbidden: user "u" is attempting to grant RBAC permissions not currently held'
    ),
    "no dry run": refusal(400, "BadRequest", 'admission webhook "v.example.test" does not support dry run'),
    "there by now": refusal(409, "AlreadyExists", 'services "broken" already exists'),
    "an unknown field, created": refusal(400, "BadRequest", 'strict decoding error: unknown field "dta"'),
    "an unknown field, applied": refusal(
        500, "", "failed to create typed patch object: .dta: field not declared in schema"
    ),
    "too many requests": refusal(429, "TooManyRequests", "slow down"),
    "a server in trouble": refusal(503, "ServiceUnavailable", "etcd is down"),
    "no credentials": refusal(401, "Unauthorized", "Unauthorized"),
}
BROKEN = Ref("v1", "Service", SPACE, "broken")


@pytest.mark.parametrize("fault", REFUSALS.values(), ids=REFUSALS)
def test_what_the_server_would_refuse_is_told_in_its_own_words(fault: ApiFault) -> None:
    text, sure = judge_refusal(fault, BROKEN, listed(config_map("broken")), SPACE)
    assert sure
    assert text == f"the server would refuse it: {fault}"


@pytest.mark.parametrize("fault", DOUBTS.values(), ids=DOUBTS)
def test_what_could_not_be_verified_is_no_refusal(fault: ApiFault) -> None:
    text, sure = judge_refusal(fault, BROKEN, listed(config_map("broken")), SPACE)
    assert not sure
    assert text.startswith(("it could not be tried", "it could not be told"))


@pytest.mark.parametrize(
    ("kind", "name", "message"),
    [
        ("Namespace", "new-space", 'namespaces "new-space" not found'),
        ("ClusterRole", "r", 'clusterroles.rbac.authorization.k8s.io "r" not found'),
        ("Role", "r", 'roles.rbac.authorization.k8s.io "r" not found'),
        ("ServiceAccount", "s", 'error looking up service account flux-system/s: serviceaccount "s" not found'),
        ("PriorityClass", "p", "no PriorityClass with name p was found"),
        ("Service", "v", 'failed calling webhook "v.x": failed to call webhook: service "v" not found'),
        ("Service", "v", 'failed calling webhook "v.x": no endpoints available for service "v"'),
    ],
)
def test_what_only_order_refuses_was_not_tried(kind: str, name: str, message: str) -> None:
    maker = f"{{apiVersion: v1, kind: {kind}, metadata: {{name: {name}}}}}"
    fault = refusal(404, "NotFound", message)
    text, sure = judge_refusal(fault, BROKEN, listed(maker), SPACE)
    assert (sure, text) == (
        False,
        f"it could not be tried: {kind} {name}, which the same manifest makes, has to be there first",
    )
    assert judge_refusal(fault, BROKEN, listed(config_map(name)), "another")[1]


async def test_refusals_and_doubts_are_sorted_apart() -> None:
    server = Server({"a": INVALID, "b": DOUBTS["no dry run"], "c": Unverified("the cluster does not serve it")})
    came = await tried(listed(*map(config_map, "abcd")), server=server)
    assert [each.ref.name for each in came.refused] == ["a"]
    assert {each.ref.name for each in came.unsure} == {"b", "c"}
    assert came.taken == 1


async def test_no_word_about_a_secret_is_repeated() -> None:
    secret = "{apiVersion: v1, kind: Secret, metadata: {name: s}, stringData: {key: hunter2}}"
    server = Server({"s": refusal(422, "Invalid", 'Secret "s" is invalid: data[key]: Invalid value: "hunter2"')})
    came = await tried(listed(secret), server=server)
    said = [*told(came), *(str(each) for each in expected.findings(came)), repr(came)]
    assert "Secret flux-system/s: the server would refuse it" in said[1]
    assert "hunter2" not in "".join(said)


# What is told.

CAME = Tried(
    EXPECTED,
    (Said(BROKEN, "the server would refuse it: no"),),
    (Said(BROKEN, "it could not be tried"),),
    3,
    "",
    atomic=True,
)


def test_a_plan_is_told_what_is_refused_first() -> None:
    assert told(None) == ()
    assert told(Tried(EXPECTED, taken=4)) == ()
    refused = f"the server would refuse 1 document of the manifest of {EXPECTED}"
    assert told(CAME) == (
        f"{refused}: mend that first, in the chart or its values",
        "Service flux-system/broken: the server would refuse it: no",
        "Service flux-system/broken: it could not be tried",
    )


def test_a_preflight_blocks_over_what_is_refused_and_warns_of_what_is_not_known() -> None:
    refused, unsure = expected.findings(CAME)
    assert (refused.code, refused.severity.value) == ("refused-install", "block")
    assert refused.resources == (BROKEN,)
    assert "an atomic install that fails deletes" in refused.next
    assert (unsure.code, unsure.severity.value) == ("refused-install", "warn")
    assert list(expected.findings(None)) == list(expected.findings(Tried(EXPECTED, taken=2))) == []


def test_these_findings_are_weighed_like_all_others() -> None:
    clean = replace(judge([]), findings=(), incomplete=(), verdict=Verdict.PASS)
    found = with_findings(CONTRACT, clean, expected.findings(CAME), TODAY)
    assert found.verdict is Verdict.BLOCK
    assert [each.severity.value for each in findings(found, "refused-install")] == ["block", "warn"]


# What the gate lets through.


def trial(live: Live | None = None, **changes: Any) -> tuple[Any, ...]:
    forecast = listed(config_map("left"))
    found, _ = wreck(forecast)
    view = found.families[0]
    attempts, _ = plan_attempts(view, forecast, found)
    (attempt,) = attempts
    body = requests.to_come(attempt.document, EXPECTED, SPACE, attempt.live)
    request = Request(Method.APPLY, attempt.document.ref, body, "helm", dry_run=True, force=True)
    return view, attempt.document, live or attempt.live, replace(request, **changes)


def test_the_gate_admits_the_trial_of_a_document_as_it_is() -> None:
    assert isinstance(admit_expected(*trial()), Admitted)


@pytest.mark.parametrize(
    "changes",
    [
        {"dry_run": False},
        {"method": Method.DELETE},
        {"method": Method.MERGE_PATCH},
        {"method": Method.CREATE},
        {"manager": ""},
        {"ref": Ref("v1", "ConfigMap", SPACE, "another")},
        {"body": {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "left"}}},
    ],
)
def test_the_gate_admits_nothing_else(changes: dict[str, Any]) -> None:
    refused = admit_expected(*trial(**changes))
    assert isinstance(refused, Refusal)
    assert refused.why


def test_the_gate_admits_no_apply_to_another_object() -> None:
    another = Live.of({**LEFT, "metadata": {**LEFT["metadata"], "uid": "another"}})
    assert isinstance(admit_expected(*trial(another)), Refusal)


def test_without_an_expected_release_nothing_is_tried() -> None:
    view, document, live, request = trial()
    assert isinstance(admit_expected(replace(view, expected=None), document, live, request), Refusal)


def test_a_create_is_never_forced() -> None:
    forecast = listed(config_map("new"))
    found, _ = wreck(forecast)
    (attempt,), _ = plan_attempts(found.families[0], forecast, found)
    body = requests.to_come(attempt.document, EXPECTED, SPACE, None)
    request = Request(Method.CREATE, attempt.document.ref, body, "helm", dry_run=True)
    assert isinstance(admit_expected(found.families[0], attempt.document, None, request), Admitted)
    forced = admit_expected(found.families[0], attempt.document, None, replace(request, force=True))
    assert isinstance(forced, Refusal)
