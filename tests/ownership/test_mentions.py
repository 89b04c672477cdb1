"""A mention is a use (rule S7): every way of naming a stale object in passing protects it, and what only looks alike
does not.
"""

import base64
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.clusters import FLUX_SYSTEM, contract, inventory, obj, searched
from tests.ownership.judging import active, candidate, decided, gap, judge, stale, weigh
from tui.contract.model import InUse, Selector
from tui.objects import Gap, Json, Key, Live, Searched
from tui.ownership.mentions import Names, may_mention
from tui.ownership.references import MAX_DEPTH, Damaged

FS = FLUX_SYSTEM


def named(kind: str, body: Json, name: str = "shop", space: str = FS) -> list[str]:
    """Where a body names ``Kind flux-system/shop``; empty where it does not."""
    return [mention.where for mention in Names([Key("", kind, space, name)]).of(body)]


def custom(kind: str, spec: Any, namespace: str | None = FS, **parts: Any) -> Json:
    meta: Json = {"name": "user", **parts}
    if namespace:
        meta["namespace"] = namespace
    return {"apiVersion": "things.example.test/v1", "kind": kind, "metadata": meta, "spec": spec}


def workload(*, namespace: str = FS, kind: str = "Deployment", **container: Any) -> Json:
    pod = {"containers": [{"name": "c", "image": "shop", **container}]}
    return obj(kind, "user", namespace, spec={"replicas": 0, "template": {"metadata": {}, "spec": pod}})


def annotated(name: str, value: str, kind: str = "Ingress", namespace: str = FS) -> Json:
    return obj(kind, "user", namespace, annotations={name: value}, spec={})


def settings(text: str, namespace: str = FS) -> Json:
    return obj("ConfigMap", "user", namespace, data={"app.conf": text})


WAYS: dict[str, tuple[str, Json]] = {
    # annotations
    "ingress auth-secret": ("Secret", annotated("nginx.ingress.kubernetes.io/auth-secret", "shop")),
    "ingress auth-secret in full": (
        "Secret",
        annotated("nginx.ingress.kubernetes.io/auth-secret", f"{FS}/shop", namespace="apps"),
    ),
    "ingress proxy headers": ("ConfigMap", annotated("nginx.ingress.kubernetes.io/proxy-set-headers", f"{FS}/shop")),
    "reloader's list": ("ConfigMap", annotated("configmap.reloader.stakater.com/reload", "a,shop,b", "Deployment")),
    "cainjector": (
        "Secret",
        annotated("cert-manager.io/inject-ca-from-secret", f"{FS}/shop", "ValidatingWebhookConfiguration"),
    ),
    "an annotation of a pod template": (
        "Secret",
        obj(
            "StatefulSet",
            "user",
            spec={"template": {"metadata": {"annotations": {"vault.example.test/secret": "shop"}}, "spec": {}}},
        ),
    ),
    "an annotation of what only has metadata": ("ConfigMap", annotated("x.example.test/uses", "shop", "NetworkPolicy")),
    # arguments and environment
    "an argument in full": (
        "ConfigMap",
        workload(args=[f"--tcp-services-configmap={FS}/shop"], namespace="apps"),
    ),
    "an argument by name": ("ConfigMap", workload(args=["--config-map=shop"])),
    "a word of a command": ("Secret", workload(command=["sh", "-c", "kubectl get secret shop -o yaml"])),
    "an environment value": ("ConfigMap", workload(env=[{"name": "CONFIG_MAP", "value": "shop"}])),
    "a default in a shell": ("Service", workload(env=[{"name": "HOST", "value": "${HOST:-shop}"}])),
    "a URL": ("Service", workload(env=[{"name": "URL", "value": "http://shop:8080/api"}])),
    "a URL of another namespace": ("Service", workload(args=[f"--to=http://shop.{FS}:80"], namespace="apps")),
    "a URL in full": ("Service", workload(args=[f"http://shop.{FS}.svc.cluster.local."], namespace="apps")),
    "a pod behind a headless Service": ("Service", workload(args=["mongodb://db-0.shop:27017,db-1.shop:27017"])),
    "a pod behind it, in full": ("Service", workload(args=[f"db-0.shop.{FS}.svc"], namespace="apps")),
    "credentials in a URL": ("Service", workload(args=["amqp://user:pass@shop/vhost"])),
    "a probe's command": ("Secret", workload(livenessProbe={"exec": {"command": ["check", "shop"]}})),
    "an init container": (
        "ConfigMap",
        obj("Job", "user", spec={"template": {"spec": {"initContainers": [{"name": "i", "args": ["cm/shop"]}]}}}),
    ),
    "a pod's subdomain": ("Service", obj("Pod", "user", spec={"subdomain": "shop"})),
    # documents inside ConfigMaps and Secrets
    "a document": ("Service", settings("upstream { server shop:80; }")),
    "a document elsewhere": ("Service", settings(f"targets: ['shop.{FS}:9090']", "apps")),
    "a table of ports": ("Service", obj("ConfigMap", "tcp", "apps", data={"9000": f"{FS}/shop:8080"})),
    "a document in bytes": (
        "Service",
        obj("ConfigMap", "user", binaryData={"a": base64.b64encode(b"\xff http://shop/").decode()}),
    ),
    "a Secret's document": (
        "Service",
        obj("Secret", "user", data={"url": base64.b64encode(b"http://shop:3100").decode()}),
    ),
    # custom resources
    "a certificate": ("Secret", custom("Certificate", {"secretName": "shop", "dnsNames": ["shop.test"]})),
    "a reference": ("Secret", custom("Store", {"auth": {"secretRef": {"name": "shop", "key": "k"}}})),
    "a reference with its kind": ("ConfigMap", custom("Job", {"from": [{"kind": "ConfigMap", "name": "shop"}]})),
    "a reference with its namespace": (
        "Secret",
        custom("Store", {"authRef": {"name": "shop", "namespace": FS}}, "apps"),
    ),
    "a plain name": ("ServiceAccount", custom("Runner", {"runAs": "shop"})),
    "a cluster-scoped resource": ("Secret", custom("ClusterIssuer", {"privateKeySecretRef": {"name": "shop"}}, None)),
    "values of a HelmRelease": ("Secret", custom("HelmRelease", {"values": {"db": {"existingSecret": "shop"}}})),
    "a document in values": ("Service", custom("HelmRelease", {"values": {"conf": "a: 1\nhost: shop\n"}})),
    "a backend": ("Service", custom("IngressRoute", {"routes": [{"services": [{"name": "shop", "port": 80}]}]})),
    "a host and port": ("Service", custom("Monitor", {"target": "shop:9090"})),
    "an embedded pod": ("ConfigMap", custom("Rollout", {"template": {"spec": {"containers": [{"args": ["shop"]}]}}})),
    # built-in kinds in their less usual fields
    "a webhook's URL": (
        "Service",
        obj(
            "ValidatingWebhookConfiguration",
            "user",
            None,
            webhooks=[{"name": "w", "clientConfig": {"url": f"https://shop.{FS}.svc/validate"}}],
        ),
    ),
    "a service account's user name": (
        "ServiceAccount",
        workload(args=[f"--as=system:serviceaccount:{FS}:shop"], namespace="apps"),
    ),
}


@pytest.mark.parametrize(("kind", "body"), WAYS.values(), ids=WAYS)
def test_a_mention_is_found(kind: str, body: Json) -> None:
    assert len(named(kind, body)) == 1


@pytest.mark.parametrize(("kind", "body"), WAYS.values(), ids=WAYS)
def test_a_mention_protects(kind: str, body: Json) -> None:
    left = stale(kind, "shop", spec={})
    read = inventory([active(), left])
    live = Live.of(body, keep_body=body["kind"] not in ("ConfigMap", "Secret"))
    read.objects[live.key] = live
    read.searched = searched([Key("", kind, FS, "shop")], [body])
    assert decided(weigh(read), left) == ("protect", ("S7",))
    found = candidate(weigh(read), left)
    assert found is not None
    assert f"{body['kind']} " in found.why


LOOK_ALIKES: dict[str, tuple[str, Json]] = {
    "another object of that name": ("ConfigMap", obj("Secret", "shop", data={})),
    "labels": ("Service", obj("Deployment", "user", labels={"app": "shop"}, spec={})),
    "selectors": ("Service", custom("Rollout", {"selector": {"matchLabels": {"app": "shop"}}})),
    "labels of a template": (
        "Service",
        obj("Deployment", "user", spec={"template": {"metadata": {"labels": {"app": "shop"}, "name": "shop"}}}),
    ),
    "a container's name": ("Service", custom("Rollout", {"containers": [{"name": "shop", "image": "x"}]})),
    "an image": ("Service", workload()),
    "a volume's name": ("ConfigMap", obj("Pod", "user", spec={"volumes": [{"name": "shop", "emptyDir": {}}]})),
    "a longer name": ("Secret", custom("Certificate", {"secretName": "shop-tls"})),
    "a shorter name": ("Secret", workload(args=["--secret=sho"])),
    "a file's name": ("ConfigMap", workload(args=["--file=/etc/shop.yaml"])),
    "a flag": ("ConfigMap", workload(args=["--shop", "x"])),
    "a host on the outside": ("Service", workload(args=["https://shop.example.com/"])),
    "a host that begins alike": ("Service", workload(args=[f"https://shop.{FS}.example.com/"])),
    "another namespace": ("Service", workload(args=["http://shop.apps:80"])),
    "a name in another namespace": ("Service", workload(args=["http://shop:80"], namespace="apps")),
    "a reference to another kind": ("Secret", custom("Scaler", {"scaleTargetRef": {"kind": "Thing", "name": "shop"}})),
    "a reference to another known kind": ("ConfigMap", custom("Certificate", {"secretName": "shop"})),
    "a reference into another namespace": ("Secret", custom("S", {"ref": {"name": "shop", "namespace": "apps"}})),
    "a namespace": ("Service", custom("S", {"targetNamespace": "shop", "namespaces": ["shop"]})),
    "a class": ("ConfigMap", custom("S", {"storageClassName": "shop"})),
    "prose": ("Service", custom("Rule", {"description": "the shop is closed"})),
    "a path": ("Service", custom("Route", {"path": "/shop"})),
    "status": ("Secret", custom("Certificate", {}) | {"status": {"secretName": "shop"}}),
    "last applied": (
        "Secret",
        annotated("kubectl.kubernetes.io/last-applied-configuration", '{"secretName":"shop"}'),
    ),
    "a release's stamp": ("Service", annotated("meta.helm.sh/release-name", "shop")),
    "a tracking-id": ("Service", annotated("argocd.argoproj.io/tracking-id", f"shop:/Service:{FS}/shop")),
    "subjects of a binding": (
        "ServiceAccount",
        obj("RoleBinding", "user", roleRef={}, subjects=[{"kind": "ServiceAccount", "name": "shop"}]),
    ),
    "rights to another kind": (
        "ConfigMap",
        obj("Role", "user", rules=[{"verbs": ["get"], "resources": ["secrets"], "resourceNames": ["shop"]}]),
    ),
}


@pytest.mark.parametrize(("kind", "body"), LOOK_ALIKES.values(), ids=LOOK_ALIKES)
def test_what_only_looks_alike_is_no_mention(kind: str, body: Json) -> None:
    assert named(kind, body) == []


def test_rights_by_name_are_a_mention() -> None:
    rule = {"verbs": ["get"], "resources": ["secrets"], "resourceNames": ["shop"]}
    assert named("Secret", obj("Role", "user", rules=[rule])) == ["rules[0].resourceNames[0]"]


def test_nothing_names_itself() -> None:
    assert named("ConfigMap", obj("ConfigMap", "shop", data={"self": "shop"})) == []


def test_the_row_says_where() -> None:
    secret = stale("Secret", "shop")
    found = candidate(judge([active(), secret, WAYS["ingress auth-secret"][1]]), secret)
    assert found is not None
    assert found.why == "Ingress flux-system/user names it in annotation nginx.ingress.kubernetes.io/auth-secret"


def test_documents_of_the_active_manifest_mention_too_live_or_missing() -> None:
    config = stale("ConfigMap", "shop")
    lost = workload(args=["--config-map=shop"])
    assert decided(judge([active(lost), config]), config) == ("protect", ("S7",))


def test_what_leaves_earlier_mentions_nothing() -> None:
    config, user = stale("ConfigMap", "shop"), stale("Deployment", "user", **_spec(args=["--config=shop"]))
    found = judge([active(), config, user])
    assert decided(found, user) == ("delete", ())
    assert decided(found, config) == ("delete", ())
    left = candidate(found, config)
    assert left is not None
    assert [key.kind for key in left.rests_on] == ["Deployment"]


def _spec(**container: Any) -> Json:
    return {"spec": workload(**container)["spec"]}


def test_what_was_not_searched_is_never_free() -> None:
    config, role = stale("ConfigMap", "shop"), stale("ClusterRole", "shop")
    read = inventory([active(), config, role])
    read.searched = Searched()
    found = weigh(read)
    assert decided(found, config) == ("protect", ("S7",))
    assert decided(found, role) == ("delete", ())
    assert found.unsearched == {Key("", "ConfigMap", FS, "shop")}
    read.searched = searched(found.unsearched, [])
    assert decided(weigh(read), config) == ("delete", ())
    assert weigh(read).unsearched == frozenset()


def test_what_other_rules_hold_back_is_not_searched_for() -> None:
    kept = stale("ConfigMap", "shop", finalizers=["example.test/hold"])
    read = inventory([active(), kept])
    read.searched = Searched()
    assert decided(weigh(read), kept) == ("protect", ("S8",))
    assert weigh(read).unsearched == frozenset()


def test_what_could_not_be_searched_protects_and_is_incomplete() -> None:
    config = stale("ConfigMap", "shop")
    read = inventory([active(), config])
    read.searched = Searched(read.searched.targets, (), (Gap("things.example.test", "Store", None, "forbidden"),))
    found = weigh(read)
    assert decided(found, config) == ("protect", ("S7",))
    assert "Store: forbidden" in found.incomplete


@pytest.mark.parametrize("kind", ["Lease", "Event", "EndpointSlice"])
def test_kinds_that_only_tell_of_others_are_not_read(kind: str) -> None:
    groups = {"Lease": "coordination.k8s.io", "Event": "", "EndpointSlice": "discovery.k8s.io"}
    assert not may_mention(groups[kind], kind)


def test_a_group_that_is_lost_may_mention_but_measurements_do_not() -> None:
    config = stale("ConfigMap", "shop")
    down = Gap("things.example.test", None, None, "down")
    assert decided(judge([active(), config], [down]), config) == ("protect", ("S7",))
    assert decided(judge([active(), config], [Gap("metrics.k8s.io", None, None, "down")]), config) == ("delete", ())


def test_a_kind_that_is_forbidden_protects_what_it_could_name() -> None:
    config = stale("ConfigMap", "shop")
    assert decided(judge([active(), config], [gap("Ingress")]), config) == ("protect", ("S7",))
    assert decided(judge([active(), config], [gap("NetworkPolicy")]), config) == ("delete", ())


LABELS = {
    "grafana_dashboard": ("1", "ConfigMap"),
    "grafana_datasource": ("true", "Secret"),
    "argocd.argoproj.io/secret-type": ("repository", "Secret"),
    "reconcile.fluxcd.io/watch": ("Enabled", "ConfigMap"),
    "sealedsecrets.bitnami.com/sealed-secrets-key": ("active", "Secret"),
}


@pytest.mark.parametrize(("label", "value", "kind"), [(label, *rest) for label, rest in LABELS.items()], ids=LABELS)
def test_what_a_tool_chooses_by_label_is_in_use(label: str, value: str, kind: str) -> None:
    left = stale(kind, "shop", labels={label: value})
    found = judge([active(), left])
    assert decided(found, left) == ("protect", ("S7",))
    each = candidate(found, left)
    assert each is not None
    assert f"bears {label}: {value}" in each.why


def test_a_contract_lists_more_that_is_in_use() -> None:
    left = stale("ConfigMap", "shop", labels={"our.example.test/rules": "1"})
    assert decided(judge([active(), left]), left) == ("delete", ())
    ours = InUse("the rules' loader", (Selector(kinds=("ConfigMap",), labels={"our.example.test/rules": "*"}),))
    assert decided(judge([active(), left], by=contract(in_use=(ours,))), left) == ("protect", ("S7",))


TEMPLATE = {"metadata": {"labels": {"app": "shop"}}, "spec": {}}


def test_a_service_over_pods_that_stay_is_in_use() -> None:
    left = stale("Service", "front", spec={"selector": {"app": "shop"}})
    staying = obj("Deployment", "d", spec={"replicas": 0, "template": TEMPLATE})
    for objects in ([active(), staying], [active(staying)]):
        found = judge([*objects, left])
        assert decided(found, left) == ("protect", ("S7",))
    assert decided(judge([active(), obj("Deployment", "d", "apps", spec={"template": TEMPLATE}), left]), left) == (
        "delete",
        (),
    )


def test_a_service_goes_behind_the_pods_it_is_there_for() -> None:
    front = stale("Service", "front", spec={"selector": {"app": "shop"}})
    one, two = (stale("Deployment", name, spec={"template": TEMPLATE}) for name in ("one", "two"))
    found = judge([active(), front, one, two])
    assert [decided(found, each)[0] for each in (one, two, front)] == ["delete"] * 3
    order = [each.ref.name for each in found.candidates]
    assert order.index("front") == 2
    kept = stale("Deployment", "two", spec={"template": TEMPLATE}, finalizers=["example.test/hold"])
    found = judge([active(), front, one, kept])
    assert decided(found, front) == ("protect", ("S7",))
    assert decided(found, one) == ("protect", ("S7",))


def nested(levels: int) -> Any:
    found: Any = "shop"
    for _ in range(levels):
        found = {"a": found}
    return found


def test_bottomless_nesting_is_damage_and_protects() -> None:
    with pytest.raises(Damaged):
        named("Secret", custom("S", nested(MAX_DEPTH + 2)))
    assert named("Secret", custom("S", nested(MAX_DEPTH - 2)))


texts = st.text(st.sampled_from("shop.-/: \nx"), max_size=20)


@given(texts, texts)
def test_a_word_is_found_between_whatever_no_name_holds(before: str, after: str) -> None:
    """Whatever else a document says, a name on a line of its own is a mention."""
    assert named("ConfigMap", settings(f"{before}\nshop\n{after}")) == ["data[app.conf]"]


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for each in value.values():
            yield from _leaves(each)
    elif isinstance(value, list):
        for each in value:
            yield from _leaves(each)
    elif isinstance(value, str):
        yield value


fields = st.sampled_from(["a", "ref", "target", "config", "from", "spec", "items", "valueFrom", "key"])
values = st.recursive(
    st.sampled_from(["shop", "x", "shop-1", "1"]),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(fields, inner, max_size=3)),
    max_leaves=12,
)


@given(values)
def test_in_a_custom_resource_the_name_as_a_whole_value_is_a_mention_wherever_it_stands(spec: Any) -> None:
    assert bool(named("Secret", custom("Thing", spec))) == ("shop" in set(_leaves(spec)))


@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=8), lambda x: st.lists(x) | st.dictionaries(st.text(max_size=6), x)
    )
)
def test_whatever_stands_in_a_body_is_read_or_is_damage(value: Any) -> None:
    body = {"apiVersion": "a.example.test/v1", "kind": "Any", "metadata": value, "spec": value, "data": value}
    names = Names([Key("", "Secret", FS, "shop"), Key("", "Service", "apps", "x")])
    for kind in ("Any", "ConfigMap", "Secret"):
        with suppress(Damaged):
            list(names.of(body | {"kind": kind, "apiVersion": "v1" if kind != "Any" else "a.example.test/v1"}))


def scaler(kind: str = "Deployment", name: str = "shop", namespace: str = FS) -> Json:
    return custom("Rollout", {"workloadRef": {"apiVersion": "apps/v1", "kind": kind, "name": name}}, namespace)


def test_a_deployment_is_named_by_kind_and_name_alone() -> None:
    names = Names([Key("apps", "Deployment", FS, "shop")])
    assert [mention.where for mention in names.of(scaler())] == ["spec.workloadRef.name"]
    passing = [scaler("StatefulSet"), scaler(name="shop-1"), scaler(namespace="apps"), custom("T", {"app": "shop"})]
    passing += [workload(args=["--deployment=shop"]), settings("shop"), settings(f"{FS}/shop", "apps")]
    assert [mention for body in passing for mention in names.of(body)] == []
    far = custom("Check", {"healthChecks": [{"kind": "Deployment", "name": "shop", "namespace": FS}]}, "apps")
    assert len(list(names.of(far))) == 1


def test_a_deployment_that_a_custom_resource_names_is_in_use() -> None:
    left = stale("Deployment", "shop", **_spec())
    read = inventory([active(), left])
    assert decided(weigh(read), left) == ("delete", ())
    read.searched = searched(read.searched.targets, [scaler()])
    user = Live.of(scaler(), keep_body=False)
    read.objects[user.key] = user
    assert decided(weigh(read), left) == ("protect", ("S7",))


def test_what_could_not_be_read_of_kubernetes_own_kinds_leaves_a_deployment_free() -> None:
    left = stale("Deployment", "shop", **_spec())
    assert decided(judge([active(), left], [gap("Ingress")]), left) == ("delete", ())
    lost = Gap("things.example.test", "Rollout", None, "forbidden")
    assert decided(judge([active(), left], [lost]), left) == ("protect", ("S7",))


def addresses(api: str, kind: str, name: str, namespace: str = FS, **labels: str) -> Live:
    meta = {"name": name, "namespace": namespace, "labels": labels}
    return Live.of({"apiVersion": api, "kind": kind, "metadata": meta}, keep_body=False)


SLICE = addresses("discovery.k8s.io/v1", "EndpointSlice", "x", **{"kubernetes.io/service-name": "db"})


@pytest.mark.parametrize(
    ("user", "used"),
    [
        (addresses("v1", "Endpoints", "db"), True),
        (SLICE, True),
        (addresses("v1", "Endpoints", "db", "apps"), False),
        (addresses("v1", "Endpoints", "other"), False),
    ],
)
def test_a_service_without_a_selector_is_used_by_what_holds_its_addresses(user: Live, used: bool) -> None:
    left = stale("Service", "db", spec={"ports": [{"port": 5432}]})
    read = inventory([active(), left])
    read.objects[user.key] = user
    assert decided(weigh(read), left) == (("protect", ("S7",)) if used else ("delete", ()))


def test_a_gap_stays_until_all_that_it_left_in_doubt_is_searched_again() -> None:
    one, two = (Key("", "Secret", FS, name) for name in ("one", "two"))
    lost = Gap("things.example.test", "Store", None, "forbidden")
    doubtful = Searched(frozenset({one}), (), (lost,))
    assert doubtful.with_(Searched(frozenset({two}))).gaps == (lost,)
    assert doubtful.with_(Searched(frozenset({one, two}))).gaps == ()
