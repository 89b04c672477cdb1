"""Ways of using a stale object, made on a real API server: none is offered for deletion, what nobody uses is."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.clusters import contract, record
from tests.live.test_incidents_live import Quay
from tests.recovery.test_gate_mentions import THING
from tui.cluster.connect import Connection
from tui.contract.model import Family
from tui.objects import Json, KindKey, Ref
from tui.ownership.model import Candidate
from tui.recovery.assessing import assess_searched

SPACE, AWAY = "uses", "uses-elsewhere"
FAMILY = Family("shop", SPACE, "pulumi", generated="shop", cleanup_namespaces=(SPACE,))
CONTRACT = contract(releases=(FAMILY,))
NOW, OLD = "shop-bbbbbbbb", "shop-aaaaaaaa"


def meta(name: str, namespace: str | None = SPACE, **more: Any) -> Json:
    found: Json = {"name": name, **more}
    if namespace:
        found["namespace"] = namespace
    return found


def left(kind: str, name: str, **more: Any) -> Json:
    stamps = {"meta.helm.sh/release-name": OLD, "meta.helm.sh/release-namespace": SPACE}
    labels = {"app.kubernetes.io/managed-by": "Helm", **more.pop("labels", {})}
    spec = {"spec": {"ports": [{"port": 80}]}} if kind == "Service" else {}
    return {"apiVersion": "v1", "kind": kind, "metadata": meta(name, labels=labels, annotations=stamps), **spec, **more}


def ingress(name: str, namespace: str, **annotations: str) -> Json:
    backend = {"defaultBackend": {"service": {"name": "other", "port": {"number": 80}}}}
    found = meta(name, namespace, annotations={f"nginx.ingress.kubernetes.io/{k}": v for k, v in annotations.items()})
    return {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": found, "spec": backend}


def deployment(name: str, namespace: str = SPACE, pod: Json | None = None, **container: Any) -> Json:
    labels = {"app": name}
    spec = {"containers": [{"name": "c", "image": "i", **container}], **(pod or {})}
    template = {"metadata": {"labels": labels}, "spec": spec}
    body = {"replicas": 0, "selector": {"matchLabels": labels}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta(name, namespace), "spec": body}


def config(name: str, namespace: str, text: str) -> Json:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta(name, namespace), "data": {"app.conf": text}}


def thing(name: str, spec: Json, namespace: str = SPACE) -> Json:
    return {"apiVersion": "example.test/v1", "kind": "Thing", "metadata": meta(name, namespace), "spec": spec}


def policy(name: str) -> Json:
    hook = {
        "name": f"{name}.example.test",
        "clientConfig": {"url": f"https://{name}.{SPACE}.svc/x"},
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        "failurePolicy": "Ignore",
        "rules": [{"operations": ["CREATE"], "apiGroups": ["none.test"], "apiVersions": ["v1"], "resources": ["x"]}],
    }
    api = "admissionregistration.k8s.io/v1"
    return {
        "apiVersion": api,
        "kind": "ValidatingWebhookConfiguration",
        "metadata": meta(name, None),
        "webhooks": [hook],
    }


USED: dict[str, tuple[str, Json]] = {
    "auth-secret": ("Secret", ingress("i1", SPACE, **{"auth-secret": "auth-secret"})),
    "auth-tls-secret": ("Secret", ingress("i2", AWAY, **{"auth-tls-secret": f"{SPACE}/auth-tls-secret"})),
    "proxy-headers": ("ConfigMap", ingress("i3", SPACE, **{"proxy-set-headers": f"{SPACE}/proxy-headers"})),
    "tls-secret": (
        "Secret",
        ingress("i4", SPACE) | {"spec": {**ingress("x", SPACE)["spec"], "tls": [{"secretName": "tls-secret"}]}},
    ),
    "tcp-services": ("ConfigMap", deployment("d1", AWAY, args=[f"--tcp-services-configmap={SPACE}/tcp-services"])),
    "arg-by-name": ("ConfigMap", deployment("d2", args=["--config=arg-by-name"])),
    "env-value": ("Secret", deployment("d3", env=[{"name": "SECRET", "value": "env-value"}])),
    "url-here": ("Service", deployment("d4", env=[{"name": "URL", "value": "http://url-here:8080"}])),
    "url-away": ("Service", deployment("d5", AWAY, args=[f"http://url-away.{SPACE}.svc.cluster.local"])),
    "env-from": ("ConfigMap", deployment("d6", envFrom=[{"configMapRef": {"name": "env-from"}}])),
    "mounted": ("Secret", deployment("d7", pod={"volumes": [{"name": "v", "secret": {"secretName": "mounted"}}]})),
    "runs-as": ("ServiceAccount", deployment("d8", pod={"serviceAccountName": "runs-as"})),
    "as-user": ("ServiceAccount", deployment("d9", AWAY, args=[f"--as=system:serviceaccount:{SPACE}:as-user"])),
    "reloaded": (
        "ConfigMap",
        deployment("d10")
        | {"metadata": meta("d10", annotations={"configmap.reloader.stakater.com/reload": "reloaded"})},
    ),
    "document": ("Service", config("c1", SPACE, "upstream { server document:80; }")),
    "document-away": ("Service", config("c2", AWAY, f"- targets: [document-away.{SPACE}:9090]")),
    "secret-document": (
        "Service",
        {"apiVersion": "v1", "kind": "Secret", "metadata": meta("s1"), "stringData": {"a": "http://secret-document"}},
    ),
    "certificate": ("Secret", thing("t1", {"secretName": "certificate", "dnsNames": ["shop.test"]})),
    "reference": ("Secret", thing("t2", {"auth": [{"secretRef": {"name": "reference", "key": "k"}}]})),
    "reference-away": ("ConfigMap", thing("t3", {"from": {"name": "reference-away", "namespace": SPACE}}, AWAY)),
    "values": ("Secret", thing("t4", {"values": {"postgresql": {"existingSecret": "values"}}})),
    "account": ("ServiceAccount", thing("t5", {"template": {"spec": {"serviceAccountName": "account"}}})),
    "webhook-url": ("Service", policy("webhook-url")),
}
"""Names of stale objects, each with its kind and what uses it."""

BY_LABEL = {"grafana_dashboard": "ConfigMap", "argocd.argoproj.io/secret-type": "Secret"}
UNUSED = (("ConfigMap", "nobody-names-me"), ("Secret", "nor-me"), ("Service", "nor-this"), ("ServiceAccount", "nor-it"))


@pytest.fixture
async def used(live: Connection) -> AsyncIterator[Quay]:
    quay = Quay(live, kubeconfig=None)  # type: ignore[arg-type] # no tool is run
    for name in (SPACE, AWAY):
        await quay.make({"apiVersion": "v1", "kind": "Namespace", "metadata": meta(name, None)})
    await quay.make({**THING, "metadata": {"name": THING["metadata"]["name"]}})
    crd = KindKey("apiextensions.k8s.io", "CustomResourceDefinition")
    await quay.until(crd, lambda found: found.ref.name == "things.example.test" and "Established" in str(found.body))
    made = record(NOW, 1, "deployed", [], namespace=SPACE)
    made["metadata"] = {k: v for k, v in made["metadata"].items() if k in ("name", "namespace", "labels")}
    await quay.make(made)
    for name, (kind, user) in USED.items():
        await quay.make(left(kind, name), "helm")
        await quay.make(user)
    for number, (label, kind) in enumerate(BY_LABEL.items()):
        await quay.make(left(kind, f"labelled-{number}", labels={label: "1"}), "helm")
    for kind, name in UNUSED:
        await quay.make(left(kind, name), "helm")
    yield quay
    for ref in reversed(quay._made):
        if await quay.reader.get(ref) is not None:
            await quay.delete(ref)


async def candidates(quay: Quay) -> dict[str, Candidate]:
    inventory = await quay.reader.inventory()
    found = await assess_searched(quay.reader, CONTRACT, inventory, datetime.now(UTC))
    return {each.ref.name: each for each in found.candidates}


async def test_what_is_used_in_any_way_is_protected_and_what_nobody_uses_is_not(used: Quay) -> None:
    found = await candidates(used)
    offered = {name: each.why for name, each in found.items() if each.decision.value == "delete"}
    assert set(offered) == {name for _, name in UNUSED}
    for name, (_, user) in USED.items():
        each = found[name]
        assert [rule.value for rule in each.rules] == ["S7"], name
        assert f"{Ref.of(user).label} " in each.why, name
    assert "bears grafana_dashboard: 1, by which Grafana's sidecar uses it" in found["labelled-0"].why
