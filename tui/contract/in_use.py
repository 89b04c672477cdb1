"""Labels by which tools choose what they use without naming it: what bears one is in use (rule S7). Data alone."""

from typing import Final

from tui.contract.model import InUse, Selector

_FILES: Final = ("ConfigMap", "Secret")


def _labelled(by: str, label: str, value: str = "*", kinds: tuple[str, ...] = _FILES) -> InUse:
    return InUse(by, (Selector(kinds=kinds, groups=("",), labels={label: value}),))


KNOWN: Final = (
    # kiwigrid/k8s-sidecar, as the Grafana and Loki charts set it up.
    _labelled("Grafana's sidecar", "grafana_dashboard"),
    _labelled("Grafana's sidecar", "grafana_datasource"),
    _labelled("Grafana's sidecar", "grafana_alert"),
    _labelled("Grafana's sidecar", "grafana_notifier"),
    _labelled("Grafana's sidecar", "grafana_plugin"),
    _labelled("Loki's sidecar", "loki_rule"),
    # argo-cd docs/operator-manual/declarative-setup.md: clusters, repositories and their credentials, its own settings.
    _labelled("Argo CD", "argocd.argoproj.io/secret-type", kinds=("Secret",)),
    _labelled("Argo CD", "app.kubernetes.io/part-of", "argocd"),
    # flux2 docs: what its controllers watch, to reconcile its readers when it changes.
    _labelled("Flux", "reconcile.fluxcd.io/watch"),
    # sealed-secrets README: the keys without which nothing sealed can be opened.
    _labelled("Sealed Secrets", "sealedsecrets.bitnami.com/sealed-secrets-key", kinds=("Secret",)),
    # velero docs: plugin settings are found by label.
    _labelled("Velero", "velero.io/plugin-config", kinds=("ConfigMap",)),
    # cluster-api: kubeconfigs and authorities of the clusters that it manages.
    _labelled("Cluster API", "cluster.x-k8s.io/cluster-name", kinds=("Secret",)),
)
"""Those that count without any contract; a contract lists more under ``in_use``."""
