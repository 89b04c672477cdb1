"""The served kinds: the built-in ones as a table, and those that CustomResourceDefinitions add."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from tui.practice.schema import Type, type_of

Json = dict[str, Any]

ALL_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")
CUSTOM_VERBS = ("delete", "deletecollection", "get", "list", "patch", "create", "update", "watch")
STATUS_VERBS = ("get", "patch", "update")

# group version plural Kind scope(N|C) short-names categories subresources verbs(blank: all)
_TABLE = """
- v1 configmaps ConfigMap N cm - -
- v1 endpoints Endpoints N ep - -
- v1 events Event N ev - -
- v1 limitranges LimitRange N limits - -
- v1 namespaces Namespace C ns - status,finalize create,delete,get,list,patch,update,watch
- v1 nodes Node C no - status
- v1 persistentvolumeclaims PersistentVolumeClaim N pvc - status
- v1 persistentvolumes PersistentVolume C pv - status
- v1 pods Pod N po all status,log,eviction
- v1 podtemplates PodTemplate N - - -
- v1 replicationcontrollers ReplicationController N rc all status,scale
- v1 resourcequotas ResourceQuota N quota - status
- v1 secrets Secret N - - -
- v1 serviceaccounts ServiceAccount N sa - -
- v1 services Service N svc all status
apiregistration.k8s.io v1 apiservices APIService C - api-extensions status
apps v1 controllerrevisions ControllerRevision N - - -
apps v1 daemonsets DaemonSet N ds all status
apps v1 deployments Deployment N deploy all status,scale
apps v1 replicasets ReplicaSet N rs all status,scale
apps v1 statefulsets StatefulSet N sts all status,scale
authentication.k8s.io v1 selfsubjectreviews SelfSubjectReview C - - - create
authorization.k8s.io v1 selfsubjectaccessreviews SelfSubjectAccessReview C - - - create
authorization.k8s.io v1 selfsubjectrulesreviews SelfSubjectRulesReview C - - - create
autoscaling v2 horizontalpodautoscalers HorizontalPodAutoscaler N hpa all status
batch v1 cronjobs CronJob N cj all status
batch v1 jobs Job N - all status
networking.k8s.io v1 ingressclasses IngressClass C - - -
networking.k8s.io v1 ingresses Ingress N ing - status
networking.k8s.io v1 networkpolicies NetworkPolicy N netpol - -
policy v1 poddisruptionbudgets PodDisruptionBudget N pdb - status
rbac.authorization.k8s.io v1 clusterrolebindings ClusterRoleBinding C - - -
rbac.authorization.k8s.io v1 clusterroles ClusterRole C - - -
rbac.authorization.k8s.io v1 rolebindings RoleBinding N - - -
rbac.authorization.k8s.io v1 roles Role N - - -
storage.k8s.io v1 csidrivers CSIDriver C - - -
storage.k8s.io v1 csinodes CSINode C - - -
storage.k8s.io v1 csistoragecapacities CSIStorageCapacity N - - -
storage.k8s.io v1 storageclasses StorageClass C sc - -
storage.k8s.io v1 volumeattachments VolumeAttachment C - - status
admissionregistration.k8s.io v1 mutatingwebhookconfigurations MutatingWebhookConfiguration C - api-extensions -
admissionregistration.k8s.io v1 validatingadmissionpolicies ValidatingAdmissionPolicy C - api-extensions status
admissionregistration.k8s.io v1 validatingadmissionpolicybindings ValidatingAdmissionPolicyBinding C - api-extensions -
admissionregistration.k8s.io v1 validatingwebhookconfigurations ValidatingWebhookConfiguration C - api-extensions -
apiextensions.k8s.io v1 customresourcedefinitions CustomResourceDefinition C crd,crds api-extensions status
scheduling.k8s.io v1 priorityclasses PriorityClass C pc - -
coordination.k8s.io v1 leases Lease N - - -
discovery.k8s.io v1 endpointslices EndpointSlice N - - -
"""


@dataclass(frozen=True)
class Kind:
    """One served resource in one version. ``storage`` is the version that custom resources are kept in."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool
    singular: str
    list_kind: str
    short: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    subresources: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ALL_VERBS
    custom: bool = False
    columns: tuple[Json, ...] = field(default=(), compare=False, hash=False)

    @property
    def api_version(self) -> str:
        """``group/version``, or the version alone in the core group."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def resource(self) -> tuple[str, str]:
        """Group and plural: what a collection is kept under."""
        return self.group, self.plural

    @cached_property
    def type(self) -> Type:
        """The kind's schema."""
        return type_of(self.group, self.version, "" if self.custom else self.kind)


def _split(text: str) -> tuple[str, ...]:
    return () if text == "-" else tuple(text.split(","))


def _builtin() -> Iterator[Kind]:
    for line in _TABLE.strip().splitlines():
        group, version, plural, kind, scope, short, categories, subresources, *verbs = line.split()
        yield Kind(
            group="" if group == "-" else group,
            version=version,
            plural=plural,
            kind=kind,
            namespaced=scope == "N",
            singular=kind.lower(),
            list_kind=f"{kind}List",
            short=_split(short),
            categories=_split(categories),
            subresources=_split(subresources),
            verbs=tuple(verbs[0].split(",")) if verbs else ALL_VERBS,
        )


BUILTIN: tuple[Kind, ...] = tuple(_builtin())


def custom_kinds(crd: Json) -> Iterator[Kind]:
    """The kinds that a CustomResourceDefinition serves, one a served version."""
    spec, names = crd["spec"], crd["spec"]["names"]
    for version in spec["versions"]:
        if version.get("served"):
            yield Kind(
                group=spec["group"],
                version=version["name"],
                plural=names["plural"],
                kind=names["kind"],
                namespaced=spec["scope"] == "Namespaced",
                singular=names.get("singular") or names["kind"].lower(),
                list_kind=names.get("listKind") or f"{names['kind']}List",
                short=tuple(names.get("shortNames") or ()),
                verbs=CUSTOM_VERBS,
                categories=tuple(names.get("categories") or ()),
                subresources=tuple(sorted(version.get("subresources") or ())),
                custom=True,
                columns=tuple(version.get("additionalPrinterColumns") or ()),
            )


class Registry:
    """Which kinds are served now."""

    def __init__(self) -> None:
        self._kinds: dict[tuple[str, str, str], Kind] = {(k.group, k.version, k.plural): k for k in BUILTIN}
        self.groups: dict[str, list[str]] = {}
        for kind in BUILTIN:
            versions = self.groups.setdefault(kind.group, [])
            if kind.version not in versions:
                versions.append(kind.version)

    def all(self) -> list[Kind]:
        """Every served kind, in the order of discovery."""
        order = {group: index for index, group in enumerate(self.groups)}
        return sorted(self._kinds.values(), key=lambda k: (order[k.group], self.groups[k.group].index(k.version)))

    def find(self, group: str, version: str, plural: str) -> Kind | None:
        """The kind served at this path."""
        return self._kinds.get((group, version, plural))

    def of(self, api_version: str, kind: str) -> Kind | None:
        """The kind of an object's apiVersion and kind."""
        group, _, version = api_version.rpartition("/")
        return next((k for k in self._kinds.values() if (k.group, k.version, k.kind) == (group, version, kind)), None)

    def by_kind(self, group: str, kind: str) -> Kind | None:
        """The preferred served version of a kind."""
        return next((k for k in self.all() if (k.group, k.kind) == (group, kind)), None)

    def serve(self, crd: Json) -> None:
        """Adds what a CustomResourceDefinition serves, replacing what it served before."""
        self.withdraw(crd)
        for kind in custom_kinds(crd):
            self._kinds[kind.group, kind.version, kind.plural] = kind
            versions = self.groups.setdefault(kind.group, [])
            if kind.version not in versions:
                versions.append(kind.version)
                versions.sort(key=_version_rank)

    def withdraw(self, crd: Json) -> None:
        """Removes all that a CustomResourceDefinition served."""
        group, plural = crd["spec"]["group"], crd["spec"]["names"]["plural"]
        for key in [key for key in self._kinds if key[0] == group and key[2] == plural]:
            del self._kinds[key]
        left = [
            version for version in self.groups.get(group, ()) if any(k[:2] == (group, version) for k in self._kinds)
        ]
        if left:
            self.groups[group] = left
        else:
            self.groups.pop(group, None)


def _version_rank(version: str) -> tuple[int, str]:
    """GA before beta before alpha, as the API server prefers."""
    return (2 if "alpha" in version else 1 if "beta" in version else 0, version)
