"""A catalogue of tools that manage cluster resources, and the marks that they leave: what a first contract is drawn by.

Data alone. A mark stands here only where the tool itself sets it and nobody else does; a label that people put on by
hand (``app.kubernetes.io/managed-by: terraform``, say) is none.
"""

from dataclasses import dataclass
from typing import Final

from tui.contract.model import Mark, Reconcile

INFRASTRUCTURE: Final = "infrastructure"
GITOPS: Final = "gitops"
APPLICATIONS: Final = "applications"

LAYERS: Final = {INFRASTRUCTURE: "Infrastructure", GITOPS: "GitOps", APPLICATIONS: "Applications"}
"""The layers of a first contract, top to bottom, with their titles."""

HEX8: Final = "[0-9a-f]" * 8


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool: its name as an owner, the layer it usually fills, its marks, and how it is asked to act."""

    name: str
    title: str
    layer: str
    marks: tuple[Mark, ...]
    reconcile: Reconcile | None = None


TOOLS: Final = (
    Tool(
        "pulumi",
        "Pulumi",
        INFRASTRUCTURE,
        (
            Mark(
                manager=(
                    "pulumi-kubernetes",
                    f"pulumi-kubernetes-{HEX8}",
                    "pulumi-resource-kubernetes",
                    "pulumi-kubernetes.exe",
                )
            ),
            Mark(label={"app.kubernetes.io/managed-by": "pulumi"}),
            Mark(annotation={"pulumi.com/autonamed": "true"}),
        ),
        Reconcile("pulumi refresh --yes"),
    ),
    Tool(
        "terraform",
        "Terraform",
        INFRASTRUCTURE,
        # The provider's own name for what it applies, the first word of its user agent, and its Helm's program name.
        (Mark(manager=("Terraform", "HashiCorp", "terraform-provider-kubernetes*", "terraform-provider-helm*")),),
        Reconcile("terraform plan -refresh-only"),
    ),
    Tool(
        "crossplane",
        "Crossplane",
        INFRASTRUCTURE,
        (
            Mark(label={"crossplane.io/composite": "*"}),
            Mark(label={"crossplane.io/claim-name": "*"}),
            Mark(annotation={"crossplane.io/composition-resource-name": "*"}),
            Mark(manager=("crossplane", "apiextensions.crossplane.io/*")),
        ),
    ),
    Tool(
        "olm",
        "Operator Lifecycle Manager",
        INFRASTRUCTURE,
        (
            Mark(label={"olm.owner": "*"}),
            Mark(label={"olm.managed": "true"}),
            # What an operator's bundle installs names it as owner, and not as controller.
            Mark(owner_kind=("ClusterServiceVersion.operators.coreos.com", "CatalogSource.operators.coreos.com")),
        ),
    ),
    Tool(
        "flux-operator",
        "Flux Operator",
        INFRASTRUCTURE,
        (
            Mark(label={"fluxcd.controlplane.io/name": "*"}),
            Mark(inventory=("ResourceSet", "FluxInstance")),
            Mark(manager=("flux-operator",)),
        ),
    ),
    Tool(
        "flux",
        "Flux",
        GITOPS,
        (
            Mark(label={"kustomize.toolkit.fluxcd.io/name": "*"}),
            Mark(label={"helm.toolkit.fluxcd.io/name": "*"}),
            Mark(inventory=("Kustomization", "HelmRelease")),
            Mark(manager=("kustomize-controller", "helm-controller")),
        ),
    ),
    Tool(
        "argocd",
        "Argo CD",
        GITOPS,
        (
            # A tracking-id that names another object is a copy.
            Mark(annotation={"argocd.argoproj.io/tracking-id": "*:{group}/{kind}:{namespace}/{name}"}),
            Mark(label={"argocd.argoproj.io/instance": "*"}),
            Mark(inventory=("Application",)),
            Mark(manager=("argocd-controller", "argocd-application-controller")),
        ),
    ),
    # What neither of the tools above installed: the evidence itself calls the owner of such a release "helm".
    Tool("helm", "Helm, by hand or by a pipeline", APPLICATIONS, ()),
)

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
