"""The tools that manage cluster resources, and the marks that each leaves: one table for attribution, the safety rules,
the tree and a first contract.

Data alone. A mark stands here only where the tool itself sets it and nobody else does; a label that people and charts
put on by hand is none (``app.kubernetes.io/managed-by: terraform``, ``app.kubernetes.io/instance``, ``part-of``). What
a controller owner reference tells (a SealedSecret's Secret, say) needs no mark: the object goes with its controller.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tui.contract.model import Mark, Reconcile

INFRASTRUCTURE: Final = "infrastructure"
GITOPS: Final = "gitops"
APPLICATIONS: Final = "applications"

LAYERS: Final = {INFRASTRUCTURE: "Infrastructure", GITOPS: "GitOps", APPLICATIONS: "Applications"}
"""The layers of a first contract, top to bottom, with their titles."""

HELM: Final = "helm"
"""Names the owner of a release that nothing tells the installer of; and Helm's own field manager."""

HEX8: Final = "[0-9a-f]" * 8
MANAGED_BY: Final = "app.kubernetes.io/managed-by"


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool: its name as an owner, the layer it usually fills, its marks, and how it is asked to act."""

    name: str
    title: str
    layer: str
    marks: tuple[Mark, ...]
    reconcile: Reconcile | None = None
    installs: bool = False
    """Whether it installs Helm releases: a stamp of Helm's that its field manager holds is its own release's."""
    marks_releases: bool = False
    """Whether it sets its marks on what it installs as a Helm release: mark and stamp are then one owner's."""
    unless: tuple[str, ...] = ()
    """Tools that set this one's marks too, beside marks of their own: on such an object these say nothing more."""


def _manager(*names: str) -> Mark:
    return Mark(manager=names)


def _label(name: str, value: str = "*") -> Mark:
    return Mark(label={name: value})


def _annotation(name: str, value: str = "*") -> Mark:
    return Mark(annotation={name: value})


TOOLS: Final = (
    Tool(
        "pulumi",
        "Pulumi",
        INFRASTRUCTURE,
        (
            # pulumi-kubernetes provider/pkg/provider/provider.go fieldManagerName, provider/pkg/metadata.
            _manager(
                "pulumi-kubernetes",
                f"pulumi-kubernetes-{HEX8}",
                "pulumi-resource-kubernetes",
                "pulumi-kubernetes.exe",
            ),
            _label(MANAGED_BY, "pulumi"),
            _annotation("pulumi.com/autonamed", "true"),
        ),
        Reconcile("pulumi refresh --yes"),
        installs=True,
    ),
    Tool(
        "terraform",
        "Terraform",
        INFRASTRUCTURE,
        # The provider's own name for what it applies, the first word of its user agent, and its Helm's program name.
        (_manager("Terraform", "HashiCorp", "terraform-provider-kubernetes*", "terraform-provider-helm*"),),
        Reconcile("terraform plan -refresh-only"),
        installs=True,
    ),
    Tool(
        "crossplane",
        "Crossplane",
        INFRASTRUCTURE,
        (
            _label("crossplane.io/composite"),
            _label("crossplane.io/claim-name"),
            _annotation("crossplane.io/composition-resource-name"),
            # crossplane composition_functions.go; provider-kubernetes leaves nothing but its manager.
            _manager("crossplane", "apiextensions.crossplane.io/*", "provider-kubernetes/*"),
        ),
    ),
    Tool(
        "olm",
        "Operator Lifecycle Manager",
        INFRASTRUCTURE,
        (
            # operator-lifecycle-manager pkg/lib/ownerutil/util.go; the Operator API labels each of its components.
            _label("olm.owner"),
            _label("olm.managed", "true"),
            _label("operators.coreos.com/*"),
            # What an operator's bundle installs names it as owner, and not as controller.
            Mark(owner_kind=("ClusterServiceVersion.operators.coreos.com", "CatalogSource.operators.coreos.com")),
        ),
    ),
    Tool(
        "flux-operator",
        "Flux Operator",
        INFRASTRUCTURE,
        (
            # flux-operator internal/builder/templates.go; api/v1/resourceset_types.go.
            _label("fluxcd.controlplane.io/name"),
            _label("resourceset.fluxcd.controlplane.io/name"),
            _label(MANAGED_BY, "flux-operator"),
            Mark(inventory=("ResourceSet", "FluxInstance")),
            _manager("flux-operator"),
        ),
    ),
    Tool(
        "k3s",
        "k3s or RKE2",
        INFRASTRUCTURE,
        (
            # wrangler pkg/apply, as k3s' AddOn controller and its helm-controller use it.
            _annotation("objectset.rio.cattle.io/owner-gvk", "k3s.cattle.io/*"),
            _annotation("objectset.rio.cattle.io/owner-gvk", "helm.cattle.io/*"),
        ),
    ),
    Tool(
        "rancher",
        "Rancher",
        INFRASTRUCTURE,
        (_annotation("objectset.rio.cattle.io/owner-name"),),
        unless=("k3s",),
    ),
    Tool(
        "addon-manager",
        "Kubernetes addon manager",
        INFRASTRUCTURE,
        # kubernetes cluster/addons/addon-manager/README.md; GKE and AKS run it too.
        (_label("addonmanager.kubernetes.io/mode"),),
    ),
    Tool(
        "eks",
        "EKS add-ons",
        INFRASTRUCTURE,
        (_label("eks.amazonaws.com/component"), _manager("eks")),
    ),
    Tool(
        "flux",
        "Flux",
        GITOPS,
        (
            _label("kustomize.toolkit.fluxcd.io/name"),
            _label("helm.toolkit.fluxcd.io/name"),
            Mark(inventory=("Kustomization", "HelmRelease")),
            # "flux" is what flux install applies by (flux2 internal/utils/apply.go).
            _manager("kustomize-controller", "helm-controller", "flux"),
        ),
        installs=True,
    ),
    Tool(
        "argocd",
        "Argo CD",
        GITOPS,
        (
            # A tracking-id that names another object is a copy (argo-cd controller/state.go isSelfReferencedObj).
            _annotation("argocd.argoproj.io/tracking-id", "*:{group}/{kind}:{namespace}/{name}"),
            _label("argocd.argoproj.io/instance"),
            Mark(inventory=("Application",)),
            _manager("argocd-controller", "argocd-application-controller"),
        ),
    ),
    Tool(
        "fleet",
        "Fleet",
        GITOPS,
        (
            # fleet internal/helmdeployer/postrender.go: every object of a bundle, which is a Helm release.
            _annotation("objectset.rio.cattle.io/id"),
            _label("objectset.rio.cattle.io/hash"),
            _label("fleet.cattle.io/*"),
            _manager("fleetagent"),
        ),
        installs=True,
        marks_releases=True,
        # They apply by the same library, and it marks what they apply with its owner beside the set.
        unless=("k3s", "rancher"),
    ),
    Tool(
        "kapp",
        "kapp or kapp-controller",
        GITOPS,
        (
            _label("kapp.k14s.io/app"),
            _label("kapp.k14s.io/association"),
            _annotation("kapp.k14s.io/original"),
            _label("kapp.k14s.io/is-app"),
        ),
    ),
    Tool(
        "config-sync",
        "Config Sync",
        GITOPS,
        (
            # kpt-config-sync pkg/metadata.
            _annotation("configmanagement.gke.io/managed", "enabled"),
            _annotation("configsync.gke.io/manager"),
            _annotation("configsync.gke.io/resource-id"),
            _label(MANAGED_BY, "configmanagement.gke.io"),
            _manager("configsync.gke.io"),
        ),
    ),
    Tool(
        "sveltos",
        "Sveltos",
        GITOPS,
        (
            # libsveltos lib/k8s_utils and lib/deployer.
            _label("projectsveltos.io/reason"),
            _label("projectsveltos.io/reference-kind"),
            _annotation("projectsveltos.io/reference-kind"),
            _annotation("projectsveltos.io/owner-kind"),
            _annotation("projectsveltos.io/hash"),
            _manager("application/apply-patch"),
        ),
        installs=True,
        marks_releases=True,
    ),
    Tool(
        "applyset",
        "ApplySet",
        GITOPS,
        # kubectl pkg/cmd/apply/applyset.go; any tool may keep an ApplySet.
        (_label("applyset.kubernetes.io/part-of"),),
        unless=("config-sync",),
    ),
    Tool(
        "cli-utils",
        "kpt (cli-utils)",
        GITOPS,
        # cli-utils pkg/common/common.go.
        (_annotation("config.k8s.io/owning-inventory"),),
        unless=("config-sync",),
    ),
    Tool(
        "timoni",
        "Timoni",
        APPLICATIONS,
        (_label("instance.timoni.sh/name"), _manager("timoni")),
    ),
    Tool(
        "werf",
        "werf",
        APPLICATIONS,
        # werf adds both to every object of its release; its field manager is Helm's.
        (_annotation("werf.io/version"), _annotation("project.werf.io/name")),
        installs=True,
        marks_releases=True,
    ),
    Tool(
        "skaffold",
        "Skaffold",
        APPLICATIONS,
        # On what it deploys with kubectl and with Helm alike (skaffold#4499).
        (_label("skaffold.dev/run-id"), _label(MANAGED_BY, "skaffold")),
        installs=True,
        marks_releases=True,
    ),
    Tool(
        "cert-manager",
        "cert-manager",
        APPLICATIONS,
        (
            # The Secrets of its Certificates, which have no owner reference (cert-manager#5703).
            _annotation("cert-manager.io/certificate-name"),
            _label("controller.cert-manager.io/fao", "true"),
            _manager("cert-manager-certificates-issuing"),
        ),
    ),
    Tool(
        "external-secrets",
        "External Secrets",
        APPLICATIONS,
        (
            # external-secrets pkg/controllers/externalsecret: where its Secret is to outlive it, no owner reference is.
            _label("reconcile.external-secrets.io/managed", "true"),
            _label("reconcile.external-secrets.io/created-by"),
            _annotation("reconcile.external-secrets.io/data-hash"),
            _manager("externalsecrets.external-secrets.io/*"),
        ),
    ),
    # What none of the tools above installed: the evidence itself calls the owner of such a release so.
    Tool(HELM, "Helm, by hand or by a pipeline", APPLICATIONS, (), installs=True),
)

FIELD_WRITERS: Final[Mapping[str, str]] = {
    # kubernetes pkg/controller/clusterroleaggregation: the rules of a ClusterRole with an aggregationRule.
    "clusterrole-aggregation-controller": "rules",
    # cert-manager pkg/controller/cainjector: the CA of a webhook, a conversion webhook, an APIService.
    "cert-manager-cainjector": "caBundle",
}
"""Field managers that fill in one field of other owners' objects by server-side apply, each with its field: where they
hold nothing else they own nothing."""

FLUX_CONTROLLERS: Final = (
    "source-controller",
    "kustomize-controller",
    "helm-controller",
    "notification-controller",
    "image-automation-controller",
    "image-reflector-controller",
    "source-watcher",
)
"""The Deployments that Flux may consist of, whoever installs it."""

FLUX_READY: Final = (
    ("source.toolkit.fluxcd.io", "GitRepository"),
    ("source.toolkit.fluxcd.io", "OCIRepository"),
    ("source.toolkit.fluxcd.io", "Bucket"),
    ("kustomize.toolkit.fluxcd.io", "Kustomization"),
)
"""Groups and kinds whose Ready says that GitOps works; a HelmRelease is an application's own affair."""
