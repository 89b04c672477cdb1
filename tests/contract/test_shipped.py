"""The shipped contract says all that the resource ownership contract says, line by line, through example objects."""

import re

import pytest

from tui.contract.load import load_contract, shipped
from tui.contract.model import Contract, Mark
from tui.contract.select import Claims, matches_document, resource_matches
from tui.objects import Ref

CONTRACT: Contract = load_contract(shipped())
CLAIMS = Claims(CONTRACT)
CONTROLLERS = [
    f"{name}-controller"
    for name in ("source", "kustomize", "helm", "notification", "image-automation", "image-reflector")
]
STAMP = {"meta.helm.sh/release-name": "gitops-flux-1a2b3c4d"}
FLUX = {"kustomize.toolkit.fluxcd.io/name": "apps"}
VERSIONS = {
    "Deployment": "apps/v1",
    "StatefulSet": "apps/v1",
    "DaemonSet": "apps/v1",
    "ReplicaSet": "apps/v1",
    "CustomResourceDefinition": "apiextensions.k8s.io/v1",
    "ClusterRole": "rbac.authorization.k8s.io/v1",
    "ClusterRoleBinding": "rbac.authorization.k8s.io/v1",
    "Role": "rbac.authorization.k8s.io/v1",
    "RoleBinding": "rbac.authorization.k8s.io/v1",
    "Ingress": "networking.k8s.io/v1",
    "GitRepository": "source.toolkit.fluxcd.io/v1",
    "Kustomization": "kustomize.toolkit.fluxcd.io/v1",
    "HelmRelease": "helm.toolkit.fluxcd.io/v2",
    "ImagePolicy": "image.toolkit.fluxcd.io/v1",
    "ImageUpdateAutomation": "image.toolkit.fluxcd.io/v1",
}


def ref(path: str) -> Ref:
    kind, *rest = path.split("/")
    return Ref(VERSIONS.get(kind, "v1"), kind, rest[0] if len(rest) == 2 else None, rest[-1])


PULUMI = [
    *(f"Namespace/{name}" for name in ("flux-system", "pulumi-system", "cert-manager", "cloudflared")),
    *(f"Deployment/flux-system/{name}" for name in CONTROLLERS),
    "Deployment/pulumi-system/pulumi-kubernetes-operator-controller-manager",
    "Deployment/cert-manager/cert-manager",
    "Deployment/cert-manager/cert-manager-webhook",
    "Deployment/cloudflared/cloudflared",
    "CustomResourceDefinition/gitrepositories.source.toolkit.fluxcd.io",
    "CustomResourceDefinition/anything.example.test",
    "Secret/flux-system/github-token",
    "Secret/pulumi-system/pulumi-api-secret",
]
FLUX_OWNS = [
    "Namespace/apps",
    "Namespace/node-tunnels",
    *(f"Deployment/{namespace}/web" for namespace in ("apps", "triton", "node-tunnels")),
    *(f"{kind}/{namespace}/web" for kind in ("Service", "ConfigMap") for namespace in ("apps", "node-tunnels")),
    "Secret/apps/from-1password",
    "Secret/node-tunnels/from-esc",
    "HelmRelease/apps/redis",
    "ImagePolicy/flux-system/web",
    "ImageUpdateAutomation/flux-system/all",
    "GitRepository/flux-system/flux-system",
    "Kustomization/flux-system/flux-system",
    "Role/apps/web",
    "RoleBinding/node-tunnels/tunnel",
]
APPLICATIONS = [
    "StatefulSet/apps/db",
    "DaemonSet/node-tunnels/tunnel",
    "Service/triton/inference",
    "ConfigMap/triton/models",
    "Pod/apps/web-1",
    "ReplicaSet/triton/web-1",
]


@pytest.mark.parametrize("path", PULUMI)
def test_pulumi_owns(path: str) -> None:
    claim = CLAIMS.of(ref(path), {}, {}, None)
    assert claim is not None
    assert (claim.owner, claim.layer, claim.source) == ("pulumi", "infrastructure", "cluster/src/")


@pytest.mark.parametrize("path", FLUX_OWNS)
def test_flux_owns(path: str) -> None:
    claim = CLAIMS.of(ref(path), {}, {}, None)
    assert claim is not None
    assert (claim.owner, claim.layer, claim.source) == ("flux", "gitops", "clusters/tethys/")


@pytest.mark.parametrize("path", APPLICATIONS)
def test_applications_own(path: str) -> None:
    claim = CLAIMS.of(ref(path), {}, {}, None)
    assert claim is not None
    assert (claim.owner, claim.layer) == ("applications", "applications")


@pytest.mark.parametrize("path", ["StatefulSet/apps/db", "DaemonSet/node-tunnels/t", "Service/triton/inference"])
@pytest.mark.parametrize("label", ["kustomize.toolkit.fluxcd.io/name", "helm.toolkit.fluxcd.io/name"])
def test_what_of_the_applications_came_out_of_git_is_fluxs(path: str, label: str) -> None:
    claim = CLAIMS.of(ref(path), {label: "x"}, {}, None)
    assert claim is not None
    assert (claim.owner, claim.layer) == ("flux", "applications")


@pytest.mark.parametrize("kind", ["ClusterRole", "ClusterRoleBinding"])
def test_cluster_wide_rights_are_pulumis_only_with_a_helm_stamp(kind: str) -> None:
    claim = CLAIMS.of(ref(f"{kind}/flux-view"), {}, STAMP, None)
    assert claim is not None
    assert claim.owner == "pulumi"
    assert CLAIMS.of(ref(f"{kind}/flux-view"), {}, {}, None) is None


@pytest.mark.parametrize(
    "path",
    ["Namespace/triton", "Namespace/default", "Deployment/default/x", "Ingress/apps/x", "Service/kube-system/dns"],
)
def test_nobody_claims(path: str) -> None:
    assert CLAIMS.of(ref(path), {}, {}, None) is None


def test_the_named_ones_are_claimed_by_name() -> None:
    named = [path for path in (*PULUMI, *FLUX_OWNS) if CLAIMS.by_name(ref(path), {}, {}, None)]
    assert named == [
        path
        for path in (*PULUMI, *FLUX_OWNS)
        if path.startswith(("Namespace/", "Deployment/flux-system/", "GitRepository/", "Kustomization/"))
        or path in ("Secret/flux-system/github-token", "Secret/pulumi-system/pulumi-api-secret")
    ]


def test_layers_and_owners() -> None:
    assert [(layer.name, layer.owner) for layer in CONTRACT.layers] == [
        ("infrastructure", "pulumi"),
        ("gitops", "flux"),
        ("applications", None),
    ]
    assert list(CONTRACT.owners) == ["pulumi", "flux", "applications"]
    pulumi, flux = (CONTRACT.owners[name].reconcile for name in ("pulumi", "flux"))
    assert pulumi is not None
    assert pulumi.command == "pulumi refresh --yes"
    assert flux is not None
    assert (flux.kind, flux.namespace, flux.name) == ("GitRepository", "flux-system", "flux-system")
    assert Mark(inventory=("Kustomization", "HelmRelease")) in CONTRACT.owners["flux"].marks


@pytest.mark.parametrize(
    ("owner", "words"),
    [
        ("pulumi", ["cluster/src/components/", "cluster/src/index.ts", "ownership.yaml", "refloat health"]),
        ("flux", ["clusters/base/<component>/", "clusters/tethys/kustomization.yaml", "Commit", "get kustomization"]),
        ("applications", ["controller", "clusters/tethys/kustomization.yaml", "Commit", "deploy,svc"]),
    ],
)
def test_how_each_owner_is_given_a_new_component(owner: str, words: list[str]) -> None:
    steps = CONTRACT.owners[owner].process
    assert [word in step for step, word in zip(steps, words, strict=True)] == [True] * 4


@pytest.mark.parametrize(
    ("manager", "owner"),
    [
        ("pulumi-kubernetes", "pulumi"),
        ("pulumi-kubernetes-0a1b2c3d", "pulumi"),
        ("pulumi-resource-kubernetes", "pulumi"),
        ("pulumi-kubernetes.exe", "pulumi"),
        ("kustomize-controller", "flux"),
        ("helm-controller", "flux"),
        ("helm", None),
        ("pulumi-kubernetes-operator", None),
        ("pulumi-kubernetes-operator/stack-status", None),
        ("pulumi-kubernetes-0a1b2c3dd", None),
        ("kubectl-client-side-apply", None),
        ("source-controller", None),
        ("kube-controller-manager", None),
    ],
)
def test_field_managers(manager: str, owner: str | None) -> None:
    found = [
        name
        for name, each in CONTRACT.owners.items()
        if any(
            resource_matches(f"M/{glob}", Ref("v1", "M", None, manager)) for mark in each.marks for glob in mark.manager
        )
    ]
    assert found == ([owner] if owner else [])


@pytest.mark.parametrize(
    ("release", "belongs"),
    [
        ("gitops-flux-1a2b3c4d", True),
        ("gitops-flux-monitoring-1a2b3c4d", False),
        ("gitops-flux", False),
        ("gitops-flux-1A2B3C4D", False),
        ("gitops-flux-1a2b3c4", False),
    ],
)
def test_the_family_takes_the_exact_form_only(release: str, belongs: bool) -> None:
    (family,) = CONTRACT.releases
    assert family.has(release) is belongs
    assert (family.name, family.namespace, family.owner) == ("gitops-flux", "flux-system", "pulumi")
    assert (family.cleanup_cluster_scoped, family.cleanup_namespaces) == (True, ("flux-system",))


@pytest.mark.parametrize(
    ("path", "spec", "broken"),
    [
        *((f"Deployment/default/{name}", {}, "flux-controllers-in-flux-system") for name in CONTROLLERS),
        ("Deployment/flux-system/source-controller", {}, None),
        ("Deployment/default/web", {}, None),
        ("Ingress/apps/web", {}, "no-ingress"),
        ("Service/apps/web", {"type": "NodePort"}, "cluster-ip-services"),
        ("Service/apps/web", {"type": "LoadBalancer"}, "cluster-ip-services"),
        ("Service/apps/web", {"type": "ClusterIP"}, None),
        ("Service/apps/web", {}, None),
    ],
)
def test_guardrails(path: str, spec: dict[str, str], broken: str | None) -> None:
    found = [g.id for g in CONTRACT.guardrails if matches_document(g.deny, ref(path), {}, {}, {"spec": spec})]
    assert found == ([broken] if broken else [])
    assert all(guardrail.reason for guardrail in CONTRACT.guardrails)


def test_health() -> None:
    seen = [
        (check.namespace, check.deployments or (check.ready, check.name), check.optional) for check in CONTRACT.health
    ]
    assert seen == [
        ("flux-system", tuple(CONTROLLERS), False),
        ("flux-system", ("GitRepository", "flux-system"), False),
        ("flux-system", ("Kustomization", "flux-system"), False),
        ("pulumi-system", ("*pulumi*operator*",), True),
        ("cert-manager", ("cert-manager*",), True),
        ("cloudflared", ("cloudflared*",), True),
    ]


def test_the_decision_on_the_operators_rights() -> None:
    binding = ref("ClusterRoleBinding/pulumi-kubernetes-operator")
    (decision,) = [each for each in CONTRACT.decisions if resource_matches(each.resource, binding)]
    assert decision.owner == "pulumi"
    assert decision.removed == "clusters/base/pulumi-system/operator.yaml"
    assert re.search(r"\broleRef\b", decision.reason)
    claim = CLAIMS.of(binding, {}, {}, None)
    assert claim is not None
    assert claim.owner == "pulumi"
