"""Hand-made clusters, each after an incident that people really had, with what must be said of one object in it.

``issue`` is the public report it comes from, as project#number. The live tests build some of the same incidents with
the real tools and demand the same answers.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from tests.clusters import FLUX_SYSTEM, contract, obj, record
from tests.ownership.judging import NEW, OLD, OLDER, active, gap
from tui.contract.model import Claim, Contract, Decision, Family, Mark, Owner
from tui.objects import Gap, Json
from tui.ownership.model import Wish

KUSTOMIZE, HELM = "kustomize.toolkit.fluxcd.io", "helm.toolkit.fluxcd.io"
CLUSTER_ROLE: dict[str, Any] = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole"}
RULES: dict[str, Any] = {"rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]}
FLUX = [("kustomize-controller", "Apply")]
BY = contract()


@dataclass(frozen=True)
class Expected:
    """What is said of the object: its state, its owners, the findings that name it, the decision and failed rules."""

    state: str
    owners: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    decision: str = ""
    rules: tuple[str, ...] = ()


@dataclass(frozen=True)
class Incident:
    """A cluster, and the object in question."""

    name: str
    issue: str
    told: str
    objects: tuple[Json, ...]
    about: tuple[str, str, str | None]
    expected: Expected
    gaps: tuple[Gap, ...] = ()
    by: Contract = BY
    wish: Wish | None = None


def flux_labels(name: str = "apps", kind: str = KUSTOMIZE) -> dict[str, str]:
    return {f"{kind}/name": name, f"{kind}/namespace": FLUX_SYSTEM}


def entry(body: Json) -> str:
    meta, group = body["metadata"], body["apiVersion"].rpartition("/")[0]
    return f"{meta.get('namespace', '')}_{meta['name'].replace(':', '__')}_{group}_{body['kind']}"


def sync(*listed: Json, kind: str = "Kustomization", name: str = "apps", **spec: Any) -> Json:
    """A Kustomization (or HelmRelease) that works, and what its inventory lists."""
    ready = {"type": "Ready", "status": "True", "reason": "ReconciliationSucceeded", "observedGeneration": 1}
    status = {
        "conditions": [ready],
        "observedGeneration": 1,
        "inventory": {"entries": [{"id": entry(body), "v": "v1"} for body in listed]},
    }
    spec = {"prune": True, "interval": "10m", **spec} if kind == "Kustomization" else {"interval": "10m", **spec}
    return obj(kind, name, spec=spec, status=status)


def deployment(name: str, namespace: str = FLUX_SYSTEM, image: str = "ghcr.io/x/y:v1", **parts: Any) -> Json:
    pod = {"containers": [{"name": "manager", "image": image}], **parts.pop("pod", {})}
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": pod}
    spec = {"replicas": 1, "selector": {"matchLabels": labels}, "template": template}
    return obj("Deployment", name, namespace, spec=spec, **parts)


def binding(name: str, to: str, **parts: Any) -> Json:
    subjects = [{"kind": "ServiceAccount", "name": "x", "namespace": "apps"}]
    return obj("ClusterRoleBinding", name, roleRef={**CLUSTER_ROLE, "name": to}, subjects=subjects, **parts)


def stacked(*more: Owner, claims: Iterable[Claim] = (), **changes: Any) -> Contract:
    """The contract with further owners."""
    base = contract()
    owners = {**base.owners, **{owner.name: owner for owner in more}}
    return replace(base, owners=owners, claims=(*claims, *base.claims), **changes)


OPERATOR = Owner(
    "flux-operator",
    "Flux Operator",
    (Mark(label={"fluxcd.controlplane.io/name": "*"}), Mark(manager=("flux-operator",))),
)
TALOS = Owner("talos", "Talos", (Mark(manager=("talos",)),))
OTHER = Family("podinfo", "apps", "argo", names=("podinfo",), cleanup_namespaces=("apps",))
DECIDED = (Decision("ClusterRoleBinding/pulumi-operator", "pulumi", "roleRef cannot be changed", "clusters/base/x"),)

INCIDENTS: list[Incident] = []


def told(
    name: str,
    issue: str,
    story: str,
    objects: Iterable[Json],
    about: Json | tuple[str, str, str | None],
    expected: Expected,
    **more: Any,
) -> None:
    """Adds one incident to the table."""
    if isinstance(about, dict):
        meta = about["metadata"]
        about = (about["kind"], meta["name"], meta.get("namespace"))
    INCIDENTS.append(Incident(name, issue, story, tuple(objects), about, expected, **more))


# Generations of one release.

role = obj("ClusterRole", "flux-apps", release=OLD, **RULES)
told(
    "leftover-of-a-generation",
    "polarsquad/krops#144",
    "a generated name changed and left a ClusterRole",
    [active(), role],
    role,
    Expected("stale", ("pulumi",), ("stale-leftover",), "delete"),
)
told(
    "kept-leftover",
    "polarsquad/krops#144",
    "the same, with the chart's resource-policy: keep",
    [
        active(),
        kept := obj("ClusterRole", "kept", release=OLD, annotations={"helm.sh/resource-policy": "keep"}, **RULES),
    ],
    kept,
    Expected("stale", ("pulumi",), ("stale-leftover",), "protect", ("S8",)),
)
told(
    "name-by-the-clock",
    "helm/helm#12635",
    "an epoch, not Pulumi's hash: no generation of the family, whatever it begins with",
    [active(), clock := obj("ClusterRole", "gpu", release="gitops-flux-1711470291", **RULES)],
    clock,
    Expected("misowned", ("helm",), ("misowned",)),
)
told(
    "release-of-another-namespace",
    "apecloud/kubeblocks#2247",
    "stamped with a family's name but another namespace's release",
    [active(), away := obj("ClusterRole", "away", release=OLD, release_namespace="kb-system", **RULES)],
    away,
    Expected("misowned", ("helm",), ("misowned", "stamp-disagrees"), "protect", ("S1", "S4")),
)
told(
    "namespace-gone-role-stays",
    "FairwindsOps/rbac-manager#144",
    "no record of any release is left, so nothing can be called stale",
    [orphan := obj("ClusterRole", "rbac-manager", release=OLD, **RULES)],
    orphan,
    Expected("owned", ("pulumi",), (), "protect", ("S3",)),
)
told(
    "made-before-the-chart",
    "sustainable-computing-io/kepler-helm-chart#13",
    "the active release lists a ClusterRole that was made without its stamps",
    [plain := obj("ClusterRole", "kepler", **RULES), active(plain)],
    plain,
    Expected("undocumented", ("pulumi",), ("stamp-absent", "undocumented"), "adopt", ("S6",)),
)
told(
    "stamped-with-the-last-install",
    "eclipse/che#15333",
    "the active release lists what still bears the stamp of the one before",
    [old := obj("ClusterRole", "che", release=OLD, **RULES), active(old)],
    old,
    Expected("stale", ("pulumi",), ("delete-bomb", "stamp-foreign"), "adopt", ("S6",)),
)
bomb = deployment("source-controller", release=NEW)
told(
    "uninstall-takes-the-neighbour",
    "helm/helm#32218",
    "an old release still lists what the new one owns",
    [bomb, active(bomb), record(OLD, 1, "deployed", [bomb])],
    bomb,
    Expected("owned", ("pulumi",), ("delete-bomb",), "protect", ("S3",)),
)
told(
    "uninstall-of-a-failed-one",
    "helm/helm#31333",
    "the old release failed, and its uninstall would still delete all it lists",
    [bomb, active(bomb), record(OLD, 1, "failed", [bomb])],
    bomb,
    Expected("owned", ("pulumi",), ("delete-bomb",)),
)
told(
    "pending-for-ever",
    "helm/helm#8987",
    "a killed upgrade leaves pending-upgrade: hands off",
    [role, active(), record(NEW, 3, "pending-upgrade")],
    role,
    Expected("owned", ("pulumi",), (), "protect", ("S3",)),
)
told(
    "rollback-without-a-base",
    "helm/helm#4558",
    "a failed rollback leaves no revision in force",
    [role, record(NEW, 2, "superseded"), record(NEW, 3, "failed")],
    role,
    Expected("owned", ("pulumi",), (), "protect", ("S3",)),
)
told(
    "random-deletion",
    "helm/helm#11784",
    "a listed Service was deleted by hand: helm does not look",
    [active(lost := obj("Service", "lost", spec={"ports": [{"port": 80}]}))],
    lost,
    Expected("missing", ("pulumi",), ("resource-missing",)),
)
told(
    "deployed-over-nothing",
    "devantler-tech/platform#1844",
    "everything Ready, two Deployments gone",
    [sync(name="keda", kind="HelmRelease"), active(gone := deployment("keda-operator"))],
    gone,
    Expected("missing", ("pulumi",), ("resource-missing",)),
)
told(
    "provider-sees-nothing",
    "crossplane-contrib/provider-helm#331",
    "a release of no family lists an object that is gone",
    [record("podinfo", 1, "deployed", [ghost := deployment("podinfo", "apps")], namespace="apps")],
    ghost,
    Expected("missing", ("helm",)),
)

# Flux.

web = deployment("web", "apps", labels=flux_labels(), managers=FLUX)
told(
    "applied-by-flux",
    "fluxcd/flux2#4765",
    "what a Kustomization applied and lists",
    [web, sync(web)],
    web,
    Expected("undocumented", ("flux",), ("undocumented",)),
)
told(
    "nobody-prunes-it",
    "fluxcd/kustomize-controller#1664",
    "labelled for a Kustomization whose inventory does not list it",
    [
        ghostly := obj(
            "ConfigMap",
            "web-settings",
            "apps",
            labels=flux_labels(),
            annotations={f"{KUSTOMIZE}/prune": "disabled"},
            managers=FLUX,
        ),
        sync(),
    ],
    ghostly,
    Expected("undocumented", ("flux",), ("ghost-label", "prune-disabled", "undocumented")),
)
told(
    "its-owner-is-gone",
    "keiretsu-labs/kubernetes-manifests#2339",
    "labelled for a HelmRelease that does not exist any more",
    [
        left := obj(
            "ConfigMap", "chart", "apps", labels=flux_labels("gone", HELM), managers=[("helm-controller", "Apply")]
        )
    ],
    left,
    Expected("undocumented", ("flux",), ("ghost-label", "undocumented")),
)
told(
    "two-kustomizations-one-object",
    "fluxcd/kustomize-controller#1724",
    "two Kustomizations list one Namespace; their managers have the same name",
    [
        shared := obj("Namespace", "shared", labels=flux_labels(), managers=FLUX),
        sync(shared),
        sync(shared, name="base"),
    ],
    shared,
    Expected("undocumented", ("flux",), ("field-fight", "undocumented")),
)
told(
    "moved-deeper",
    "fluxcd/kustomize-controller#338",
    "labelled for one Kustomization, listed by another: moving it meant deleting it",
    [
        moved := obj("ConfigMap", "moved", "apps", labels=flux_labels("old"), managers=FLUX),
        sync(moved),
        sync(name="old"),
    ],
    moved,
    Expected("undocumented", ("flux",), ("ghost-label", "undocumented")),
)
told(
    "forgotten-pause",
    "headlamp-k8s/plugins#108",
    "the Kustomization is suspended and stays so",
    [web, asleep := sync(web, suspend=True)],
    asleep,
    Expected("unowned", (), ("suspended", "unowned")),
)
told(
    "flux-owns-its-helmrelease",
    "nklmilojewic/sofka#562",
    "a HelmRelease is itself applied by a Kustomization",
    [inner := sync(kind="HelmRelease", name="inner"), sync(inner)],
    inner,
    Expected("undocumented", ("flux",), ("undocumented",)),
)
released = deployment(
    "app",
    "apps",
    release="app",
    release_namespace="apps",
    labels=flux_labels("app", HELM),
    managers=[("helm-controller", "Apply")],
)
told(
    "both-marks-one-owner",
    "fluxcd/helm-controller#1251",
    "Helm's stamps and the HelmRelease's labels lead to the same owner",
    [
        released,
        sync(released, kind="HelmRelease", name="app", targetNamespace="apps", releaseName="app"),
        record("app", 1, "deployed", [released], namespace="apps"),
    ],
    released,
    Expected("undocumented", ("flux",), ("undocumented",)),
)
taken = deployment("taken", release="taken", labels=flux_labels("taken", HELM), managers=[("helm-controller", "Apply")])
told(
    "taken-over-in-silence",
    "fluxcd/helm-controller#1139",
    "a HelmRelease re-stamped what a release in force still lists",
    [taken, active(taken), sync(taken, kind="HelmRelease", name="taken"), record("taken", 1, "deployed", [taken])],
    taken,
    Expected("contested", ("flux", "pulumi"), ("contested", "taken-over", "delete-bomb", "stamp-foreign")),
)
both = deployment("flux-operator", release=NEW, labels=flux_labels())
both["metadata"]["managedFields"] = [
    {
        "manager": "helm",
        "operation": "Apply",
        "fieldsV1": {
            "f:metadata": {"f:annotations": {"f:meta.helm.sh/release-name": {}}},
            "f:spec": {"f:replicas": {}},
        },
    },
    {"manager": "kustomize-controller", "operation": "Apply", "fieldsV1": {"f:spec": {"f:replicas": {}}}},
]
told(
    "opentofu-and-flux",
    "Smana/cloud-native-ref#1775",
    "one release, owned by an infrastructure tool and by Flux",
    [both, active(both), sync(both)],
    both,
    Expected("contested", ("flux", "pulumi"), ("contested", "field-fight", "taken-over")),
)
told(
    "manifests-after-a-helmrelease",
    "thaum-xyz/ankhmorpork#1319",
    "Flux took over; the release's record is gone and its stamp stayed",
    [swap := deployment("swap", release=OLD, labels=flux_labels(), managers=FLUX), active(), sync(swap)],
    swap,
    Expected("contested", ("flux", "pulumi"), ("contested", "stale-leftover"), "protect", ("S4",)),
)
told(
    "resource-set",
    "controlplaneio-fluxcd/flux-operator#355",
    "made by a ResourceSet, which flux trace does not know: the contract declares its mark",
    [
        made := obj(
            "ConfigMap",
            "made",
            "apps",
            labels={"fluxcd.controlplane.io/name": "apps", "fluxcd.controlplane.io/namespace": FLUX_SYSTEM},
            managers=[("flux-operator", "Apply")],
        ),
        {
            "apiVersion": "fluxcd.controlplane.io/v1",
            "kind": "ResourceSet",
            "metadata": {
                "name": "apps",
                "namespace": FLUX_SYSTEM,
                "labels": {"app.kubernetes.io/managed-by": "pulumi"},
            },
            "status": {"inventory": {"entries": [{"id": entry(made), "v": "v1"}]}},
        },
    ],
    made,
    Expected("undocumented", ("flux-operator",), ("undocumented",)),
    by=stacked(OPERATOR),
)
told(
    "resource-set-gone",
    "controlplaneio-fluxcd/flux-operator#355",
    "its ResourceSet is gone, and what it made stayed: nobody prunes it",
    [made],
    made,
    Expected("undocumented", ("flux-operator",), ("ghost-label", "undocumented")),
    by=stacked(OPERATOR),
)
told(
    "part-of-flux-is-no-mark",
    "confighub/cub-scout#334",
    "part-of: flux says what a thing is a part of, not who owns it",
    [native := deployment("native", "apps", labels={"app.kubernetes.io/part-of": "flux"})],
    native,
    Expected("unowned", (), ("unowned",)),
)
told(
    "rendered-without-a-release",
    "confighub/cub-scout#248",
    "managed-by: Helm without annotations comes from helm template",
    [
        rendered := deployment(
            "rendered",
            "apps",
            labels={"app.kubernetes.io/managed-by": "Helm"},
            managers=[("kubectl-client-side-apply", "Update")],
        )
    ],
    rendered,
    Expected("unowned", (), ("unowned",)),
)

# Pulumi, and tools without a record.

for index, (manager, issue) in enumerate(
    [
        ("pulumi-kubernetes-9880894e", "pulumi/pulumi-kubernetes#2491"),
        ("pulumi-kubernetes.exe", "pulumi/pulumi-kubernetes#2218"),
        ("pulumi-kubernetes", "pulumi/pulumi-kubernetes#2750"),
    ]
):
    hashed = deployment(f"hashed-{index}", managers=[(manager, "Apply")])
    told(
        f"manager-{manager}",
        issue,
        "Pulumi's managers carry a hash, an .exe, or neither",
        [hashed],
        hashed,
        Expected("owned", ("pulumi",)),
    )
told(
    "kubectl-owns-nothing",
    "pulumi/pulumi-kubernetes#2482",
    "an edit by kubectl is no ownership",
    [edited := deployment("edited", "apps", managers=[("kubectl-edit", "Update"), ("kubectl", "Apply")])],
    edited,
    Expected("unowned", (), ("unowned",)),
)
told(
    "reverted-by-the-machine",
    "ionfury/homelab#1628",
    "Talos' inline manifests and Flux write one object",
    [
        fought := deployment("hubble-relay", "apps", labels=flux_labels(), managers=[*FLUX, ("talos", "Update")]),
        sync(fought),
    ],
    fought,
    Expected("contested", ("flux", "talos"), ("contested", "field-fight")),
    by=stacked(TALOS),
)
told(
    "operator-makes-it-again",
    "grafana/alloy-operator#37",
    "an operator made the listed object again, without stamps",
    [again := obj("ServiceAccount", "alloy", managers=[("alloy-operator", "Update")]), active(again)],
    again,
    Expected("owned", ("pulumi",), ("stamp-absent",), "adopt", ("S6",)),
)
told(
    "a-gone-application",
    "argoproj/argo-cd#9749",
    "the tracking annotation names an application of another object: a copy",
    [
        copy := obj(
            "ConfigMap", "copied", "apps", annotations={"argocd.argoproj.io/tracking-id": "shop:/ConfigMap:apps/copied"}
        )
    ],
    copy,
    Expected("undocumented", ("argo",), ("undocumented",)),
)
told(
    "namespace-of-two",
    "argoproj/argo-cd#22607",
    "a Namespace tracked by Argo CD and listed by Flux: either prunes it",
    [
        space := obj(
            "Namespace",
            "team",
            labels=flux_labels(),
            annotations={"argocd.argoproj.io/tracking-id": "team:/Namespace:/team"},
            managers=FLUX,
        ),
        sync(space),
    ],
    space,
    Expected("contested", ("flux", "argo"), ("contested",)),
)
told(
    "two-releases-list-it",
    "helm/helm#7699",
    "two releases in force of two owners list one ServiceAccount",
    [
        account := obj("ServiceAccount", "shared", "apps", release="podinfo", release_namespace="apps"),
        active(account),
        record("podinfo", 1, "deployed", [account], namespace="apps"),
    ],
    account,
    Expected("contested", ("argo", "pulumi"), ("contested", "delete-bomb", "stamp-foreign")),
    by=stacked(releases=(*contract().releases, OTHER)),
)

# What must not be touched.

told(
    "crd-with-a-stale-stamp",
    "cert-manager/cert-manager#1152",
    "a CRD takes every instance along: never",
    [
        active(),
        crd := obj(
            "CustomResourceDefinition", "certificates.cert-manager.io", release=OLD, spec={"group": "cert-manager.io"}
        ),
    ],
    crd,
    Expected("stale", ("pulumi",), ("stale-leftover",), "protect", ("S9",)),
)
secret = obj("Secret", "projected", release=OLD)
volume = {"volumes": [{"name": "v", "projected": {"sources": [{"secret": {"name": "projected"}}]}}]}
told(
    "secret-in-a-projected-volume",
    "yonahd/kor#155",
    "used by a projected volume, and called unused elsewhere",
    [active(), secret, deployment("user", managers=[("pulumi-kubernetes", "Apply")], pod=volume)],
    secret,
    Expected("stale", ("pulumi",), ("stale-leftover",), "protect", ("S7",)),
)
told(
    "the-record-itself",
    "derailed/popeye#61",
    "a release's record is no leftover, whatever nobody mounts",
    [active(), past := record(OLD, 1, "superseded")],
    past,
    Expected("undocumented", ("pulumi",)),
)
bound = binding("k8up", "after", release=OLD)
told(
    "role-ref-differs",
    "k8up-io/k8up#859",
    "the listed binding stands with another roleRef, which cannot be changed",
    [bound, active({**bound, "roleRef": {**CLUSTER_ROLE, "name": "before"}})],
    bound,
    Expected("stale", ("pulumi",), ("delete-bomb", "roleref-differs", "stamp-foreign"), "recreate", ("S6",)),
)
held = binding("cluster-reconciler", "cluster-admin", release=OLD, labels=flux_labels(), managers=FLUX)
told(
    "role-ref-of-another-owner",
    "apecloud/kubeblocks#10121",
    "the same, and Flux owns it too: hands off",
    [held, sync(held), active({**held, "roleRef": {**CLUSTER_ROLE, "name": "other"}})],
    held,
    Expected(
        "contested",
        ("flux", "pulumi"),
        ("contested", "delete-bomb", "roleref-differs", "stamp-foreign", "taken-over"),
        "protect",
        ("S4", "S6"),
    ),
)
operator = binding(
    "pulumi-operator", "operator", labels=flux_labels(), managers=[*FLUX, ("pulumi-kubernetes-12345678", "Apply")]
)
stumbled = binding("pier-pilot", "edit", release=NEW)
broken = sync(prune=True)
broken["status"]["conditions"] = [
    {
        "type": "Ready",
        "status": "False",
        "reason": "ReconciliationFailed",
        "message": "ClusterRoleBinding/pier-pilot dry-run failed (Invalid): roleRef: cannot change roleRef",
    }
]
told(
    "flux-stumbles-on-a-role-ref",
    "open-cluster-management-io/addon-framework#397",
    "a Kustomization cannot apply a binding that stands with another roleRef",
    [stumbled, active(stumbled), broken],
    stumbled,
    Expected("owned", ("pulumi",), ("apply-failing",)),
)
told(
    "the-decided-one",
    "kubernetes/kubernetes#66353",
    "two tools over one roleRef; the contract holds the decision",
    [operator, sync(operator)],
    operator,
    Expected("contested", ("flux", "pulumi"), ("contested", "decision", "field-fight")),
    by=stacked(decisions=DECIDED),
)
told(
    "finalizer-without-a-controller",
    "hashicorp/consul-helm#646",
    "being deleted, and held by a finalizer",
    [active(), stuck := obj("ConfigMap", "stuck", release=OLD, finalizers=["consul.hashicorp.com/x"], deleting=True)],
    stuck,
    Expected("stale", ("pulumi",), ("finalizer-stuck", "stale-leftover"), "protect", ("S8",)),
)
hooked = obj("ValidatingWebhookConfiguration", "gatekeeper", release=OLD)
hooked["webhooks"] = [
    {
        "name": "validation.gatekeeper.sh",
        "failurePolicy": "Fail",
        "clientConfig": {"service": {"name": "gatekeeper", "namespace": FLUX_SYSTEM}},
        "rules": [{"apiGroups": ["*"], "apiVersions": ["*"], "resources": ["*"], "operations": ["*"]}],
    }
]
told(
    "webhook-left-behind",
    "open-policy-agent/gatekeeper#1769",
    "its Service is gone and it refuses everything",
    [active(), hooked],
    hooked,
    Expected("stale", ("pulumi",), ("stale-leftover", "webhook-dead"), "delete"),
)

# Copies, and what could not be read.

top = deployment("source-controller", release=NEW)
below = obj("ReplicaSet", "source-controller-6d", owner=("Deployment", "source-controller"), release=OLD, spec={})
told(
    "copied-to-the-replicaset",
    "ahmetb/kubectl-tree#42",
    "a Deployment hands its annotations to its ReplicaSets: a copy proves nothing",
    [active(top), top, below],
    below,
    Expected("owned", ("pulumi",), ()),
)
told(
    "a-refused-list-is-not-absence",
    "kubevela/kubevela#7247",
    "Secrets are forbidden: no release can be told, so nothing is stale",
    [role],
    role,
    Expected("unverifiable", ("pulumi",), (), "protect", ("S3",)),
    gaps=(gap("Secret"),),
)
told(
    "not-an-empty-list",
    "derailed/k9s#4006",
    "Kustomizations could not be listed: whether the label is a ghost cannot be told",
    [web],
    web,
    Expected("unverifiable", ("flux",)),
    gaps=(gap("Kustomization"),),
)
told(
    "the-whole-run-does-not-fail",
    "ahmetb/kubectl-tree#14",
    "one refused kind leaves all that does not rest on it as it was",
    [web, sync(web)],
    web,
    Expected("undocumented", ("flux",), ("undocumented",)),
    gaps=(gap("Ingress"),),
)
told(
    "three-generations",
    "kgateway-dev/kgateway#2419",
    "the oldest generation's leftover beside the one before",
    [
        active(),
        record(OLD, 1, "superseded"),
        third := obj("NetworkPolicy", "third", release=OLDER, spec={"podSelector": {}}),
    ],
    third,
    Expected("stale", ("pulumi",), ("stale-leftover",), "delete"),
)
told(
    "install-refused-and-nothing-in-force",
    "kubewarden/helm-charts#1829",
    "the wanted release is named by the operator: re-stamp, delete nothing",
    [role],
    role,
    Expected("owned", ("pulumi",), ("refused-install",), "adopt", ("S3",)),
    wish=Wish(expected=NEW),
)
