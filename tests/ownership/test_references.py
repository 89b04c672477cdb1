"""What an object names: every kind of edge with its reason, alone and through the whole assessment."""

from typing import Any

import pytest

from tests.clusters import FLUX_SYSTEM, VERSIONS, document, inventory, obj, record
from tests.ownership.judging import NEW, active, candidate, decided, stale, weigh
from tui.objects import Inventory, Json, Key, Live, Served, group_of
from tui.ownership.references import MAX_DEPTH, Damaged, references, scaled_by


def target(kind: str, name: str = "x", namespace: str | None = FLUX_SYSTEM) -> Key:
    return Key(group_of(VERSIONS.get(kind, "v1")), kind, namespace, name)


def pod(**spec: Any) -> Json:
    return obj("Pod", "user", spec=spec)


def named(body: Json) -> dict[Key, list[str]]:
    found: dict[Key, list[str]] = {}
    for edge in references(body):
        found.setdefault(edge.target, []).append(edge.reason)
    return found


def custom(api: str, kind: str, spec: Json) -> Json:
    return {"apiVersion": api, "kind": kind, "metadata": {"name": "user", "namespace": FLUX_SYSTEM}, "spec": spec}


CONTAINER = "reads its environment from it"
VARIABLE = "reads a variable from it"
MOUNT = "mounts it"
ROUTES = "routes to it"
ROUTE = "gateway.networking.k8s.io/v1"
KUSTOMIZATION = "kustomize.toolkit.fluxcd.io/v1"
HELM_RELEASE = "helm.toolkit.fluxcd.io/v2"

EDGES: list[tuple[str, Json, Key, str]] = [
    ("account", pod(serviceAccountName="x"), target("ServiceAccount"), "its pods run as it"),
    ("old account field", pod(serviceAccount="x"), target("ServiceAccount"), "its pods run as it"),
    ("no account", pod(containers=[]), target("ServiceAccount", "default"), "its pods run as it"),
    ("pull secret", pod(imagePullSecrets=[{"name": "x"}]), target("Secret"), "pulls images with it"),
    ("env from secret", pod(containers=[{"envFrom": [{"secretRef": {"name": "x"}}]}]), target("Secret"), CONTAINER),
    (
        "env from map",
        pod(initContainers=[{"envFrom": [{"configMapRef": {"name": "x"}}]}]),
        target("ConfigMap"),
        CONTAINER,
    ),
    (
        "variable from secret",
        pod(containers=[{"env": [{"name": "a", "valueFrom": {"secretKeyRef": {"name": "x", "key": "k"}}}]}]),
        target("Secret"),
        VARIABLE,
    ),
    (
        "variable from map",
        pod(ephemeralContainers=[{"env": [{"name": "a", "valueFrom": {"configMapKeyRef": {"name": "x"}}}]}]),
        target("ConfigMap"),
        VARIABLE,
    ),
    ("secret volume", pod(volumes=[{"secret": {"secretName": "x"}}]), target("Secret"), MOUNT),
    ("map volume", pod(volumes=[{"configMap": {"name": "x"}}]), target("ConfigMap"), MOUNT),
    (
        "projected secret",
        pod(volumes=[{"projected": {"sources": [{"secret": {"name": "x"}}]}}]),
        target("Secret"),
        MOUNT,
    ),
    (
        "projected map",
        pod(volumes=[{"projected": {"sources": [{"configMap": {"name": "x"}}]}}]),
        target("ConfigMap"),
        MOUNT,
    ),
    (
        "claim",
        pod(volumes=[{"persistentVolumeClaim": {"claimName": "x"}}]),
        target("PersistentVolumeClaim"),
        MOUNT,
    ),
    (
        "csi secret",
        pod(volumes=[{"csi": {"nodePublishSecretRef": {"name": "x"}}}]),
        target("Secret"),
        "mounts a volume with it",
    ),
    ("azure secret", pod(volumes=[{"azureFile": {"secretName": "x"}}]), target("Secret"), "mounts a volume with it"),
    (
        "stateful service",
        obj("StatefulSet", "user", spec={"serviceName": "x"}),
        target("Service"),
        "names it as its service",
    ),
    ("account secret", obj("ServiceAccount", "user", secrets=[{"name": "x"}]), target("Secret"), "lists it in secrets"),
    (
        "account pull secret",
        obj("ServiceAccount", "user", imagePullSecrets=[{"name": "x"}]),
        target("Secret"),
        "lists it in imagePullSecrets",
    ),
    (
        "token",
        obj("Secret", "user", annotations={"kubernetes.io/service-account.name": "x"}),
        target("ServiceAccount"),
        "is a token for it",
    ),
    (
        "cluster role by binding",
        obj("RoleBinding", "user", roleRef={"kind": "ClusterRole", "name": "x"}),
        target("ClusterRole", namespace=None),
        "grants it (roleRef)",
    ),
    (
        "role by binding",
        obj("RoleBinding", "user", roleRef={"kind": "Role", "name": "x"}),
        target("Role"),
        "grants it (roleRef)",
    ),
    (
        "subject",
        obj("ClusterRoleBinding", "user", subjects=[{"kind": "ServiceAccount", "name": "x", "namespace": FLUX_SYSTEM}]),
        target("ServiceAccount"),
        "gives it rights (subject)",
    ),
    (
        "subject of the binding's namespace",
        obj("RoleBinding", "user", subjects=[{"kind": "ServiceAccount", "name": "x"}]),
        target("ServiceAccount"),
        "gives it rights (subject)",
    ),
    (
        "webhook",
        obj(
            "MutatingWebhookConfiguration",
            "user",
            webhooks=[{"clientConfig": {"service": {"name": "x", "namespace": FLUX_SYSTEM}}}],
        ),
        target("Service"),
        "calls it as a webhook",
    ),
    (
        "api service",
        obj("APIService", "user", spec={"service": {"name": "x", "namespace": FLUX_SYSTEM}}),
        target("Service"),
        "serves an API through it",
    ),
    (
        "conversion",
        obj(
            "CustomResourceDefinition",
            "user",
            spec={"conversion": {"webhook": {"clientConfig": {"service": {"name": "x", "namespace": FLUX_SYSTEM}}}}},
        ),
        target("Service"),
        "converts objects through it",
    ),
    (
        "autoscaler",
        obj(
            "HorizontalPodAutoscaler",
            "user",
            spec={"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "x"}},
        ),
        target("Deployment"),
        "scales it",
    ),
    (
        "ingress",
        obj("Ingress", "user", spec={"rules": [{"http": {"paths": [{"backend": {"service": {"name": "x"}}}]}}]}),
        target("Service"),
        ROUTES,
    ),
    ("old ingress", obj("Ingress", "user", spec={"backend": {"serviceName": "x"}}), target("Service"), ROUTES),
    (
        "ingress certificate",
        obj("Ingress", "user", spec={"tls": [{"secretName": "x"}]}),
        target("Secret"),
        "takes its certificate from it",
    ),
    (
        "route",
        custom(ROUTE, "HTTPRoute", {"rules": [{"backendRefs": [{"name": "x", "port": 80}]}]}),
        target("Service"),
        ROUTES,
    ),
    (
        "mirror",
        custom(ROUTE, "HTTPRoute", {"rules": [{"filters": [{"requestMirror": {"backendRef": {"name": "x"}}}]}]}),
        target("Service"),
        ROUTES,
    ),
    (
        "gateway certificate",
        custom(ROUTE, "Gateway", {"listeners": [{"tls": {"certificateRefs": [{"name": "x"}]}}]}),
        target("Secret"),
        "takes its certificate from it",
    ),
    (
        "git credentials",
        custom("source.toolkit.fluxcd.io/v1", "GitRepository", {"secretRef": {"name": "x"}}),
        target("Secret"),
        "refers to it (secretRef)",
    ),
    (
        "decryption",
        custom(KUSTOMIZATION, "Kustomization", {"decryption": {"secretRef": {"name": "x"}}}),
        target("Secret"),
        "refers to it (secretRef)",
    ),
    (
        "kubeconfig",
        custom(KUSTOMIZATION, "Kustomization", {"kubeConfig": {"secretRef": {"name": "x"}}}),
        target("Secret"),
        "refers to it (secretRef)",
    ),
    (
        "kubeconfig map",
        custom(KUSTOMIZATION, "Kustomization", {"kubeConfig": {"configMapRef": {"name": "x"}}}),
        target("ConfigMap"),
        "refers to it (configMapRef)",
    ),
    (
        "impersonation",
        custom(KUSTOMIZATION, "Kustomization", {"serviceAccountName": "x"}),
        target("ServiceAccount"),
        "acts as it (serviceAccountName)",
    ),
    (
        "values",
        custom(HELM_RELEASE, "HelmRelease", {"valuesFrom": [{"kind": "Secret", "name": "x"}]}),
        target("Secret"),
        "refers to it (valuesFrom)",
    ),
    (
        "values map",
        custom(HELM_RELEASE, "HelmRelease", {"valuesFrom": [{"kind": "ConfigMap", "name": "x"}]}),
        target("ConfigMap"),
        "refers to it (valuesFrom)",
    ),
    (
        "substitution",
        custom(KUSTOMIZATION, "Kustomization", {"postBuild": {"substituteFrom": [{"kind": "ConfigMap", "name": "x"}]}}),
        target("ConfigMap"),
        "refers to it (substituteFrom)",
    ),
    (
        "certificate",
        custom("source.toolkit.fluxcd.io/v1", "HelmRepository", {"certSecretRef": {"name": "x"}}),
        target("Secret"),
        "refers to it (certSecretRef)",
    ),
    (
        "stack secrets",
        custom("pulumi.com/v1", "Stack", {"envSecrets": ["x"]}),
        target("Secret"),
        "refers to it (envSecrets)",
    ),
    ("stack variables", custom("pulumi.com/v1", "Stack", {"envs": ["x"]}), target("ConfigMap"), "refers to it (envs)"),
    (
        "stack token",
        custom("pulumi.com/v1", "Stack", {"envRefs": {"T": {"type": "Secret", "secret": {"name": "x"}}}}),
        target("Secret"),
        "refers to it (secret)",
    ),
]  # fmt: skip - a table of one edge a line


@pytest.mark.parametrize(("user", "used", "reason"), [each[1:] for each in EDGES], ids=[each[0] for each in EDGES])
def test_every_edge_by_name_has_its_reason(user: Json, used: Key, reason: str) -> None:
    assert reason in named(user).get(used, [])


@pytest.mark.parametrize(("user", "used", "reason"), [each[1:] for each in EDGES], ids=[each[0] for each in EDGES])
def test_a_user_in_force_protects_what_it_uses_and_its_document_does_too(user: Json, used: Key, reason: str) -> None:
    """Through the whole assessment: the user live, or only a document of the active manifest, missing or of no kind."""
    left = stale(used.kind, used.name, used.namespace)
    if used.kind in ("Service", "Deployment"):
        left["spec"] = {}
    written = document(user)
    written["metadata"]["annotations"] = user["metadata"].get("annotations", {})
    for objects in ([active(), user], [record(NEW, 2, "deployed", [written])]):
        read = with_kinds([*objects, left], user)
        found = weigh(read)
        decision, rules = decided(found, left)
        assert decision == "protect"
        assert "S7" in rules
        each = candidate(found, left)
        assert each is not None
        assert reason in each.why


def with_kinds(objects: list[Json], user: Json) -> Inventory:
    """An inventory in which the user's kind is served as well."""
    known = [body for body in objects if body["kind"] in VERSIONS]
    for body in objects:
        body["metadata"].setdefault("labels", {})
    read = inventory(known)
    for body in objects:
        live = Live.of(body)
        read.objects.setdefault(live.key, live)
        if live.ref.kind_key not in read.served:
            group, _, version = live.ref.api_version.rpartition("/")
            read.served[live.ref.kind_key] = Served(group, version, "things", live.ref.kind, True, frozenset({"list"}))
    return read


def test_charts_values_are_no_damage_and_a_bottomless_spec_is() -> None:
    values = {"secret": False, "serviceAccount": {"create": True, "name": ["x"]}, "secretRef": [1, None, "y"]}
    assert named(custom(HELM_RELEASE, "HelmRelease", {"values": values})) == {
        target("Secret", "y"): ["refers to it (secretRef)"]
    }
    deep: Any = {"secretRef": {"name": "x"}}
    for _ in range(MAX_DEPTH + 1):
        deep = {"down": deep}
    with pytest.raises(Damaged):
        list(references(custom(HELM_RELEASE, "HelmRelease", deep)))


def test_a_scaler_says_what_it_scales_or_nothing() -> None:
    assert scaled_by({"spec": {"scaleTargetRef": "torn"}}) is None
    assert scaled_by({}) is None
