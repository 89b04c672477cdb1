"""The order in which Helm installs and removes: by kind alone, whatever the group, everything else as it stood."""

from collections.abc import Iterable
from typing import Final

from tui.helm.model import Document
from tui.objects import Ref

INSTALL_ORDER: Final = (
    "PriorityClass",
    "Namespace",
    "NetworkPolicy",
    "ResourceQuota",
    "LimitRange",
    "PodSecurityPolicy",
    "PodDisruptionBudget",
    "ServiceAccount",
    "Secret",
    "SecretList",
    "ConfigMap",
    "StorageClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "CustomResourceDefinition",
    "ClusterRole",
    "ClusterRoleList",
    "ClusterRoleBinding",
    "ClusterRoleBindingList",
    "Role",
    "RoleList",
    "RoleBinding",
    "RoleBindingList",
    "Service",
    "DaemonSet",
    "Pod",
    "ReplicationController",
    "ReplicaSet",
    "Deployment",
    "HorizontalPodAutoscaler",
    "StatefulSet",
    "Job",
    "CronJob",
    "IngressClass",
    "Ingress",
    "APIService",
)
"""Helm's kinds, first to last. Kinds that Helm does not know follow in alphabetical order."""

WEBHOOKS: Final = ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")
"""After everything else, unknown kinds too: a webhook whose backend is not up yet would refuse the rest."""

UNINSTALL_ORDER: Final = (
    "ValidatingWebhookConfiguration",
    "MutatingWebhookConfiguration",
    "APIService",
    "Ingress",
    "IngressClass",
    "Service",
    "CronJob",
    "Job",
    "StatefulSet",
    "HorizontalPodAutoscaler",
    "Deployment",
    "ReplicaSet",
    "ReplicationController",
    "Pod",
    "DaemonSet",
    "RoleBindingList",
    "RoleBinding",
    "RoleList",
    "Role",
    "ClusterRoleBindingList",
    "ClusterRoleBinding",
    "ClusterRoleList",
    "ClusterRole",
    "CustomResourceDefinition",
    "PersistentVolumeClaim",
    "PersistentVolume",
    "StorageClass",
    "ConfigMap",
    "SecretList",
    "Secret",
    "ServiceAccount",
    "PodDisruptionBudget",
    "PodSecurityPolicy",
    "LimitRange",
    "ResourceQuota",
    "NetworkPolicy",
    "Namespace",
    "PriorityClass",
)
"""Helm's kinds in the order of removal; unknown kinds follow in alphabetical order."""

_UNKNOWN: Final = 1000
_INSTALL: Final = {kind: place for place, kind in enumerate(INSTALL_ORDER)} | {
    kind: _UNKNOWN + place for place, kind in enumerate(WEBHOOKS, start=1)
}
_UNINSTALL: Final = {kind: place for place, kind in enumerate(UNINSTALL_ORDER)}


def install_order(documents: Iterable[Document]) -> tuple[Document, ...]:
    """The documents as Helm would create them; those of one kind keep their order."""
    return tuple(sorted(documents, key=lambda document: _place(_INSTALL, document.ref.kind)))


def uninstall_order(refs: Iterable[Ref]) -> tuple[Ref, ...]:
    """The objects as Helm would remove them; those of one kind keep their order."""
    return tuple(sorted(refs, key=lambda ref: _place(_UNINSTALL, ref.kind)))


def _place(places: dict[str, int], kind: str) -> tuple[int, str]:
    place = places.get(kind, _UNKNOWN)
    return place, kind if place == _UNKNOWN else ""
