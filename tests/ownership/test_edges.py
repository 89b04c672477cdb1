"""Who uses what: every edge of rule S7 by its named reason, and what cannot be read never looks unused."""

from typing import Any

import pytest

from tests.clusters import FLUX_SYSTEM, obj
from tests.ownership.flux_world import read
from tests.ownership.judging import active, candidate, decided, gap, judge, key_of, stale, weigh
from tui.objects import Gap, Json, Key, Live
from tui.ownership.model import Assessment
from tui.ownership.usage import Usage

GATEWAY = "gateway.networking.k8s.io/v1"
ADMISSION = "admissionregistration.k8s.io"


def other(api: str, kind: str, name: str, namespace: str | None = FLUX_SYSTEM, **parts: Any) -> Json:
    """An object of a kind that the builders do not know."""
    meta: Json = {"name": name, "uid": f"uid-{kind}-{name}"}
    if namespace:
        meta["namespace"] = namespace
    return {"apiVersion": api, "kind": kind, "metadata": meta, **parts}


def used(target: Json, *users: Json) -> list[str]:
    """``user reason`` of everything that uses the target."""
    usage = Usage(read(target, *users), None, [])
    return [f"{use.user.label} {use.reason}" for _, use in usage.of(Live.of(target).key)]


ACCOUNT = obj("ServiceAccount", "acct")
SECRET = obj("Secret", "key")
CONFIG = obj("ConfigMap", "conf")
SERVICE = obj("Service", "svc", spec={})
AUTHORITIES = {"kind": "ConfigMap", "name": "conf"}


@pytest.mark.parametrize("kind", ["ClusterRoleBinding", "RoleBinding"])
def test_a_binding_may_name_an_account_by_its_user_name(kind: str) -> None:
    subject = {"kind": "User", "name": f"system:serviceaccount:{FLUX_SYSTEM}:acct"}
    binding = obj(kind, "b", "apps", roleRef={"kind": "ClusterRole", "name": "r"}, subjects=[subject])
    (said,) = used(ACCOUNT, binding)
    assert said.endswith("gives it rights (subject, by its user name)")
    left = stale("ServiceAccount", "acct")
    assert decided(judge([active(), binding, left]), left) == ("protect", ("S7",))
    for name in ("system:serviceaccount:apps:acct", "acct", "system:serviceaccounts"):
        strange = obj(kind, "b", roleRef={}, subjects=[{"kind": "User", "name": name}])
        assert used(ACCOUNT, strange) == []


@pytest.mark.parametrize(
    ("host", "uses"),
    [
        (f"svc.{FLUX_SYSTEM}.svc.cluster.local", True),
        (f"svc.{FLUX_SYSTEM}.svc", True),
        (f"svc.{FLUX_SYSTEM}", False),
        ("svc.apps.svc", False),
        ("example.org", False),
    ],
)
def test_a_service_may_be_an_alias_for_another(host: str, uses: bool) -> None:
    alias = obj("Service", "alias", "apps", spec={"type": "ExternalName", "externalName": host})
    expected = ["Service apps/alias is an alias for it (externalName)"] if uses else []
    assert used(SERVICE, alias) == expected


def test_volumes_and_their_classes_name_the_secrets_they_are_mounted_with() -> None:
    reference = {"name": "key", "namespace": FLUX_SYSTEM}
    volume = other("v1", "PersistentVolume", "pv", None, spec={"csi": {"nodeStageSecretRef": reference}})
    assert used(SECRET, volume) == ["PersistentVolume pv mounts with it (nodeStageSecretRef)"]
    names = "csi.storage.k8s.io/provisioner-secret-"
    parameters = {f"{names}name": "key", f"{names}namespace": FLUX_SYSTEM}
    storage = other("storage.k8s.io/v1", "StorageClass", "fast", None, parameters=parameters)
    assert used(SECRET, storage) == [f"StorageClass fast makes volumes with it ({names}name)"]


def test_a_stateful_set_keeps_its_claims_at_any_replica_count() -> None:
    spec = {"replicas": 0, "volumeClaimTemplates": [{"metadata": {"name": "data"}}]}
    claims = {name: obj("PersistentVolumeClaim", name, "apps") for name in ("data-db-0", "data-db-x", "data-other-0")}
    owner = obj("StatefulSet", "db", "apps", spec=spec)
    said = "StatefulSet apps/db keeps its data in it (volumeClaimTemplates)"
    assert [used(claim, owner) for claim in claims.values()] == [[said], [], []]
    elsewhere = obj("StatefulSet", "db", "tests", spec=spec)
    assert used(claims["data-db-0"], elsewhere) == []


@pytest.mark.parametrize(
    ("kind", "spec", "target", "reason"),
    [
        ("Gateway", {"listeners": [{"tls": {"certificateRefs": [{"name": "key"}]}}]}, SECRET, "takes its certificate"),
        (
            "Gateway",
            {
                "listeners": [
                    {"tls": {"frontendValidation": {"caCertificateRefs": [{"kind": "ConfigMap", "name": "conf"}]}}}
                ]
            },
            CONFIG,
            "trusts the authorities in it",
        ),
        (
            "GatewayClass",
            {"parametersRef": {"kind": "ConfigMap", "name": "conf", "namespace": FLUX_SYSTEM}},
            CONFIG,
            "takes its parameters from it",
        ),
        ("BackendTLSPolicy", {"targetRefs": [{"kind": "Service", "name": "svc"}]}, SERVICE, "says how it is spoken to"),
        (
            "BackendTLSPolicy",
            {"validation": {"caCertificateRefs": [AUTHORITIES]}},
            CONFIG,
            "trusts the authorities in it",
        ),
        *[
            (kind, {"rules": [{"backendRefs": [{"name": "svc"}]}]}, SERVICE, "routes to it")
            for kind in ("HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute", "UDPRoute")
        ],
        ("HTTPRoute", {"rules": [{"backendRefs": [{"kind": "Bucket", "name": "svc"}]}]}, SERVICE, ""),
    ],
)
def test_the_gateway_api(kind: str, spec: Json, target: Json, reason: str) -> None:
    space = None if kind == "GatewayClass" else FLUX_SYSTEM
    found = used(target, other(GATEWAY, kind, "g", space, spec=spec))
    assert len(found) == bool(reason)
    assert all(reason in each for each in found)


def policy(kind: str = "ConfigMap", api: str = "v1") -> Json:
    spec = {"paramKind": {"apiVersion": api, "kind": kind}}
    return other(f"{ADMISSION}/v1", "ValidatingAdmissionPolicy", "p", None, spec=spec)


def bound(**reference: Any) -> Json:
    spec = {"policyName": "p", "paramRef": reference}
    return other(f"{ADMISSION}/v1", "ValidatingAdmissionPolicyBinding", "b", None, spec=spec)


@pytest.mark.parametrize(
    ("users", "uses"),
    [
        ((policy(), bound(name="conf", namespace=FLUX_SYSTEM)), True),
        ((policy(), bound(name="conf")), True),
        ((policy(), bound(name="conf", namespace="apps")), False),
        ((policy(), bound(name="other")), False),
        ((policy(), bound(selector={})), True),
        ((policy(), bound(selector={"matchLabels": {"a": "b"}})), False),
        ((policy("Secret"), bound(name="conf")), False),
        ((bound(name="conf"),), True),
    ],
)
def test_an_admission_policy_takes_its_parameters_from_a_config_map(users: tuple[Json, ...], uses: bool) -> None:
    said = ["ValidatingAdmissionPolicyBinding b takes its parameters from it"] if uses else []
    assert used(CONFIG, *users) == said


def test_what_lives_in_a_namespace_uses_it() -> None:
    deployment = obj("Deployment", "d", "apps", spec={})
    below = obj("ReplicaSet", "d-1", "apps", owner=("Deployment", "d"), spec={})
    elsewhere = obj("ConfigMap", "c", "tests")
    assert used(obj("Namespace", "apps"), deployment, below, elsewhere) == ["Deployment apps/d lives in it"]


def test_service_monitors_and_the_like_are_unknown_and_nothing_is_said_of_them() -> None:
    monitor = other(
        "monitoring.coreos.com/v1", "ServiceMonitor", "m", spec={"basicAuth": {"secretRef": {"name": "key"}}}
    )
    assert used(SECRET, monitor) == []


UNLISTED = [
    ("ServiceAccount", "RoleBinding"),
    ("ServiceAccount", "ClusterRoleBinding"),
    ("ServiceAccount", "CronJob"),
    ("Secret", "Ingress"),
    ("Secret", "ServiceAccount"),
    ("Secret", "Kustomization"),
    ("ConfigMap", "Pod"),
    ("ConfigMap", "HelmRelease"),
    ("Service", "ValidatingWebhookConfiguration"),
    ("Service", "APIService"),
    ("Service", "CustomResourceDefinition"),
    ("Service", "StatefulSet"),
    ("ClusterRole", "ClusterRoleBinding"),
    ("Role", "RoleBinding"),
    ("Deployment", "HorizontalPodAutoscaler"),
    ("NetworkPolicy", "Pod"),
]


@pytest.mark.parametrize(("kind", "user"), UNLISTED)
def test_a_kind_of_user_that_cannot_be_listed_is_not_proven_absent(kind: str, user: str) -> None:
    left = stale(kind, "left", spec={})
    found = judge([active(), left], [gap(user)])
    assert "S7" in decided(found, left)[1]
    why = (candidate(found, left) or pytest.fail("no candidate")).why
    assert "could not verify" in why


@pytest.mark.parametrize(
    ("kind", "user"),
    [
        ("Secret", Gap("", "PersistentVolume", None, "forbidden")),
        ("Secret", Gap("storage.k8s.io", "StorageClass", None, "forbidden")),
        ("ConfigMap", Gap(ADMISSION, "ValidatingAdmissionPolicyBinding", None, "forbidden")),
        ("ConfigMap", Gap("gateway.networking.k8s.io", "Gateway", None, "forbidden")),
        ("Service", Gap("gateway.networking.k8s.io", "GRPCRoute", None, "forbidden")),
        ("Service", Gap("", "Service", "apps", "forbidden")),
    ],
)
def test_nor_is_a_kind_of_user_in_another_namespace(kind: str, user: Gap) -> None:
    left = stale(kind, "left", spec={})
    found = judge([active(), left], [])
    assert decided(found, left) == ("delete", ())
    read_ = read(active(), left)
    read_.gaps.append(user)
    assert "S7" in decided(weigh(read_), left)[1]


TARGET = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "d"}


def order(found: Assessment) -> list[str]:
    return [f"{c.ref.kind} {c.ref.name}" for c in found.candidates if c.decision.value == "delete"]


def scaler(**parts: Any) -> Json:
    return stale("HorizontalPodAutoscaler", "h", spec={"scaleTargetRef": TARGET}, **parts)


def test_a_stale_autoscaler_goes_right_behind_its_stale_deployment() -> None:
    left, scales = stale("Deployment", "d", spec={}), scaler()
    found = judge([active(), left, scales])
    assert order(found) == ["Deployment d", "HorizontalPodAutoscaler h"]
    rests = {c.ref.kind: c.rests_on for c in found.candidates}
    assert rests == {"Deployment": (), "HorizontalPodAutoscaler": (key_of("Deployment", "d", FLUX_SYSTEM),)}


@pytest.mark.parametrize(
    "stays",
    [
        scaler(finalizers=["a.example/hold"]),
        obj("HorizontalPodAutoscaler", "h", spec={"scaleTargetRef": TARGET}),
        scaler(annotations={"helm.sh/resource-policy": "keep"}),
    ],
)
def test_a_deployment_whose_autoscaler_stays_is_protected(stays: Json) -> None:
    left = stale("Deployment", "d", spec={})
    assert decided(judge([active(), left, stays]), left) == ("protect", ("S7",))


def test_an_autoscaler_of_a_deployment_that_stays_is_protected() -> None:
    left, scales = stale("Deployment", "d", spec={"template": {"metadata": {"labels": {"a": "b"}}}}), scaler()
    service = obj("Service", "s", spec={"selector": {"a": "b"}})
    found = judge([active(), left, scales, service])
    assert decided(found, left) == decided(found, scales) == ("protect", ("S7",))
    assert order(found) == []


def test_edges_are_the_same_for_one_target_and_for_all() -> None:
    users = (
        obj("Pod", "p", spec={"serviceAccountName": "acct", "imagePullSecrets": [{"name": "key"}]}),
        obj("ServiceAccount", "acct", imagePullSecrets=[{"name": "key"}]),
    )
    inventory_ = read(SECRET, *users)
    key = Key("", "Secret", FLUX_SYSTEM, "key")
    assert Usage(inventory_, None, []).of(key) == Usage(inventory_, [key], []).of(key)
    assert len(Usage(inventory_, None, []).of(key)) == 2
