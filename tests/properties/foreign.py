"""Marks by which other tools hold an object, in the literal words of the tools: they share no table with the rules."""

from typing import Final

from tui.objects import Json

LABELS: Final = (
    ("kustomize.toolkit.fluxcd.io/name", "sync"),
    ("helm.toolkit.fluxcd.io/name", "shop"),
    ("fluxcd.controlplane.io/name", "flux"),
    ("resourceset.fluxcd.controlplane.io/name", "tenants"),
    ("argocd.argoproj.io/instance", "shop"),
    ("objectset.rio.cattle.io/hash", "bce283298811743a0386ab510f2f67ef74240c57"),
    ("fleet.cattle.io/bundle-name", "shop"),
    ("kapp.k14s.io/app", "1611950163263953000"),
    ("kapp.k14s.io/association", "v1.54b5a6f1"),
    ("applyset.kubernetes.io/part-of", "applyset-0eFHV8ySqp7XoShsGvyWFQD3s96yqwHmzc4e0HR1dsY-v1"),
    ("olm.owner", "prometheusoperator.0.47.0"),
    ("olm.managed", "true"),
    ("operators.coreos.com/prometheus.operators", ""),
    ("crossplane.io/composite", "shop-8fj2k"),
    ("crossplane.io/claim-name", "shop"),
    ("instance.timoni.sh/name", "shop"),
    ("projectsveltos.io/reference-kind", "ConfigMap"),
    ("skaffold.dev/run-id", "4f2c1f4e-7c1b-4a0e-9d50-0fbb2b1f6a41"),
    ("addonmanager.kubernetes.io/mode", "Reconcile"),
    ("reconcile.external-secrets.io/managed", "true"),
    ("app.kubernetes.io/managed-by", "configmanagement.gke.io"),
    ("app.kubernetes.io/managed-by", "flux-operator"),
    ("app.kubernetes.io/managed-by", "skaffold"),
)
ANNOTATIONS: Final = (
    ("objectset.rio.cattle.io/id", "default-shop"),
    ("objectset.rio.cattle.io/owner-gvk", "k3s.cattle.io/v1, Kind=Addon"),
    ("objectset.rio.cattle.io/owner-gvk", "helm.cattle.io/v1, Kind=HelmChart"),
    ("objectset.rio.cattle.io/owner-name", "coredns"),
    ("kapp.k14s.io/original", "{}"),
    ("configmanagement.gke.io/managed", "enabled"),
    ("configsync.gke.io/manager", ":root"),
    ("config.k8s.io/owning-inventory", "inventory-06723582"),
    ("crossplane.io/composition-resource-name", "config"),
    ("projectsveltos.io/owner-kind", "ClusterProfile"),
    ("werf.io/version", "v2.10.0"),
    ("project.werf.io/name", "shop"),
    ("cert-manager.io/certificate-name", "shop-tls"),
    ("reconcile.external-secrets.io/data-hash", "0c1f"),
)
APPLIERS: Final = (
    "kustomize-controller",
    "helm-controller",
    "flux",
    "flux-operator",
    "argocd-controller",
    "fleetagent",
    "configsync.gke.io",
    "apiextensions.crossplane.io/composed/5b3c0fd5d6a1",
    "provider-kubernetes/shop",
    "Terraform",
    "timoni",
    "application/apply-patch",
    "eks",
    "cert-manager-certificates-issuing",
    # Of nobody that anybody knows.
    "harbour-operator",
    "acme.example.test/tide",
    "manager",
)
"""Field managers that hold a field of an object by server-side apply."""


def applied(manager: str) -> Json:
    """What such a manager leaves in managedFields."""
    fields: Json = {"f:data": {"f:a": {}}}
    return {"manager": manager, "operation": "Apply", "apiVersion": "v1", "fieldsV1": fields}


def held(meta: Json) -> list[str]:
    """The marks of others that some metadata bears."""
    labels, annotations = meta.get("labels", {}), meta.get("annotations", {})
    found = [name for name, value in LABELS if labels.get(name) == value]
    found += [name for name, value in ANNOTATIONS if annotations.get(name) == value]
    entries = meta.get("managedFields", ())
    return found + [each["manager"] for each in entries if each["manager"] in APPLIERS and "f:data" in each["fieldsV1"]]
