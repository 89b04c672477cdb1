"""Who uses an object (rule S7): every edge has a named reason. Pure.

References by name come from whole bodies, live or in a manifest; selectors are read the other way round, from the
object that might go to the workloads and roles it selects or is selected by.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from tui.objects import Gap, Inventory, Json, Key, KindKey, Live, Ref
from tui.ownership.model import Use
from tui.ownership.references import (
    API_SERVICE,
    BINDINGS,
    CLUSTER_ROLE,
    CRD,
    HPA,
    RBAC,
    ROUTING,
    SERVICE,
    SERVICE_ACCOUNT,
    TEMPLATES,
    WEBHOOKS,
    dig,
    is_referrer_group,
    items,
    mapping,
    references,
)

_WORKLOADS: Final = tuple(TEMPLATES)

USERS: Final[Mapping[KindKey, tuple[KindKey, ...]]] = {
    CLUSTER_ROLE: (*BINDINGS, CLUSTER_ROLE),
    KindKey(RBAC, "Role"): BINDINGS,
    SERVICE_ACCOUNT: (*_WORKLOADS, *BINDINGS, KindKey("", "Secret")),
    KindKey("", "ConfigMap"): _WORKLOADS,
    KindKey("", "Secret"): (*_WORKLOADS, SERVICE_ACCOUNT, *ROUTING),
    SERVICE: (*WEBHOOKS, API_SERVICE, CRD, *ROUTING, KindKey("apps", "StatefulSet")),
    KindKey("apps", "Deployment"): (SERVICE, HPA),
    KindKey("networking.k8s.io", "NetworkPolicy"): _WORKLOADS,
    KindKey("policy", "PodDisruptionBudget"): _WORKLOADS,
    HPA: _WORKLOADS,
    KindKey("", "ResourceQuota"): _WORKLOADS,
}
"""Which kinds can use an object of a kind. Custom resources of Flux and Pulumi come on top."""

_REFERRED_TO: Final = frozenset({SERVICE_ACCOUNT, KindKey("", "ConfigMap"), KindKey("", "Secret")})
"""Kinds that Flux and Pulumi objects point at by name."""


def selects(selector: Any, labels: Mapping[str, str]) -> bool:
    """Whether a LabelSelector (matchLabels, matchExpressions) selects these labels; an empty one selects all.

    An operator that is not known counts as selecting: what cannot be judged must not look unused.
    """
    selector = mapping(selector)
    if any(labels.get(name) != value for name, value in mapping(selector.get("matchLabels")).items()):
        return False
    for term in items(selector.get("matchExpressions")):
        value, operator = labels.get(str(term.get("key"))), term.get("operator")
        values = term.get("values") or []
        if (
            (operator == "In" and value not in values)
            or (operator == "NotIn" and value in values)
            or (operator == "Exists" and value is None)
            or (operator == "DoesNotExist" and value is not None)
        ):
            return False
    return True


class Usage:
    """The users of a set of objects. Built once an assessment, for the few objects that might go.

    ``documents`` are those of the active manifest: live or missing, they are users too.
    """

    def __init__(self, inventory: Inventory, targets: Iterable[Key], documents: Iterable[Json]) -> None:
        self._inventory = inventory
        self._targets = frozenset(targets)
        self._documents = tuple(documents) if self._targets else ()
        self._uses: dict[Key, list[tuple[Key | None, Use]]] = defaultdict(list)
        self._blind: set[KindKey] = set()
        if self._targets:
            self._read()

    def _read(self) -> None:
        kinds = {kind for users in USERS.values() for kind in users}
        for key, live in self._inventory.objects.items():
            kind = KindKey(key.group, key.kind)
            if kind not in kinds and not is_referrer_group(key.group):
                continue
            body = live.body
            if body is None:
                if kind != KindKey("", "Secret"):
                    self._blind.add(kind)
                    continue
                # A Secret's metadata is all that matters here: which service account it is a token for.
                body = {**_head(live.ref), "metadata": {"annotations": live.annotations, **_name(live.ref)}}
            for edge in references(body):
                if edge.target in self._targets and edge.target != key:
                    self._uses[edge.target].append((self.root(live), Use(live.ref, edge.reason)))
        for document in self._documents:
            for edge in references(document):
                if edge.target in self._targets and edge.target != Ref.of(document).key:
                    self._uses[edge.target].append((None, Use(Ref.of(document), edge.reason)))
        for key in self._targets:
            target = self._inventory.get(key)
            if target is not None:
                self._uses[key].extend(self._selected(target))

    def root(self, live: Live) -> Key:
        """The object whose going takes this one along: the end of its chain of controllers."""
        seen = {live.key}
        while (owner := live.controller) is not None:
            group = owner.api_version.rpartition("/")[0]
            key = Key(group, owner.kind, live.ref.namespace, owner.name)
            parent = self._inventory.get(key) or self._inventory.get(key._replace(namespace=None))
            if parent is None or parent.ref.uid != owner.uid or parent.key in seen:
                break
            seen.add(parent.key)
            live = parent
        return live.key

    def _selected(self, target: Live) -> Iterator[tuple[Key | None, Use]]:
        """Users by selector: those that select the target, and those that it selects and serves."""
        kind, body = target.ref.kind_key, target.body
        if kind == CLUSTER_ROLE:
            yield from self._aggregating(target)
        elif kind == KindKey("apps", "Deployment"):
            labels = mapping(dig(body, ("spec", "template", "metadata", "labels")))
            for service in self._inventory.of_kind("", "Service"):
                selector = dig(service.body, ("spec", "selector"))
                same = service.ref.namespace == target.ref.namespace
                if same and selector and selects({"matchLabels": selector}, labels):
                    yield self.root(service), Use(service.ref, "sends traffic to its pods")
        elif kind in (KindKey("networking.k8s.io", "NetworkPolicy"), KindKey("policy", "PodDisruptionBudget")):
            field = "podSelector" if kind.kind == "NetworkPolicy" else "selector"
            yield from self._workloads(target, dig(body, ("spec", field)), "its pods are under it")
        elif kind == KindKey("", "ResourceQuota"):
            yield from self._workloads(target, {}, "its pods count against it")
        elif kind == HPA:
            for edge in references(body or {}):
                scaled = self._inventory.get(edge.target)
                if scaled is not None:
                    yield self.root(scaled), Use(scaled.ref, "is scaled by it")

    def _aggregating(self, target: Live) -> Iterator[tuple[Key | None, Use]]:
        for role in self._inventory.of_kind(RBAC, "ClusterRole"):
            selectors = dig(role.body, ("aggregationRule", "clusterRoleSelectors"))
            if role.key != target.key and any(selects(each, target.labels) for each in items(selectors)):
                yield role.key, Use(role.ref, "aggregates its rules")

    def _workloads(self, target: Live, selector: Any, reason: str) -> Iterator[tuple[Key | None, Use]]:
        for kind, path in TEMPLATES.items():
            for live in self._inventory.of_kind(kind.group, kind.kind):
                if live.ref.namespace != target.ref.namespace or live.controller is not None:
                    continue
                labels = mapping(dig(live.body, (*path[:-1], "metadata", "labels")))
                if selects(selector, labels):
                    yield live.key, Use(live.ref, reason)

    def of(self, key: Key) -> tuple[tuple[Key | None, Use], ...]:
        """Every user of one target, with the root that would have to leave first (None: a manifest document)."""
        return tuple(self._uses.get(key, ()))

    def unverified(self, key: Key) -> tuple[str, ...]:
        """Kinds that could use the target, are served, and could not be read: one text each."""
        kind = KindKey(key.group, key.kind)
        gaps: list[str] = []
        for user in USERS.get(kind, ()):
            gap = self._inventory.gap(user.group, user.kind, key.namespace)
            if gap is not None:
                gaps.append(gap.text)
            elif user in self._blind:
                gaps.append(f"{user.kind}: only metadata was read")
        if kind in _REFERRED_TO:
            gaps += [gap.text for gap in self._inventory.gaps if is_referrer_group(gap.group) and _near(gap, key)]
            gaps += [f"{blind.kind}: only metadata was read" for blind in self._blind if is_referrer_group(blind.group)]
        return tuple(dict.fromkeys(gaps))


def _near(gap: Gap, key: Key) -> bool:
    return gap.namespace is None or key.namespace is None or gap.namespace == key.namespace


def _head(ref: Ref) -> Json:
    return {"apiVersion": ref.api_version, "kind": ref.kind}


def _name(ref: Ref) -> Json:
    return {"name": ref.name, "namespace": ref.namespace}
