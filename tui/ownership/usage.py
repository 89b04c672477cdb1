"""Who uses an object (rule S7): every edge has a named reason. Pure.

References by name come from whole bodies, live or in a manifest; selectors are read the other way round, from the
object that might go to the workloads and roles it selects or is selected by.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final, NamedTuple

from tui.contract.in_use import KNOWN
from tui.contract.model import InUse
from tui.contract.select import matches
from tui.objects import Inventory, Json, Key, KindKey, Live, Owner, Ref, group_of
from tui.ownership.mentions import ANNOTATED, MENTIONABLE, SEARCHED, Names, may_mention
from tui.ownership.model import Use
from tui.ownership.references import (
    ADMISSION,
    API_SERVICE,
    BINDINGS,
    CLUSTER_ROLE,
    CRD,
    GATEWAYS,
    HPA,
    RBAC,
    ROUTING,
    SERVICE,
    SERVICE_ACCOUNT,
    STORAGE_CLASS,
    TEMPLATES,
    VOLUME,
    WEBHOOKS,
    Damaged,
    at,
    dig,
    is_builtin,
    is_referrer_group,
    items,
    mapping,
    references,
    scaled_by,
)

_WORKLOADS: Final = tuple(TEMPLATES)
_DEPLOYMENT: Final = KindKey("apps", "Deployment")
_STATEFUL_SET: Final = KindKey("apps", "StatefulSet")
_NETWORK_POLICY: Final = KindKey("networking.k8s.io", "NetworkPolicy")
_BUDGET: Final = KindKey("policy", "PodDisruptionBudget")
_QUOTA: Final = KindKey("", "ResourceQuota")
_SECRET: Final = KindKey("", "Secret")
_CONFIG_MAP: Final = KindKey("", "ConfigMap")
_CLAIM: Final = KindKey("", "PersistentVolumeClaim")
_NAMESPACE: Final = KindKey("", "Namespace")

POLICY_BINDINGS: Final[Mapping[KindKey, KindKey]] = {
    KindKey(ADMISSION, f"{kind}Binding"): KindKey(ADMISSION, kind)
    for kind in ("ValidatingAdmissionPolicy", "MutatingAdmissionPolicy")
}
"""What gives an admission policy its parameters, and the policy that says of which kind they are."""

USERS: Final[Mapping[KindKey, tuple[KindKey, ...]]] = {
    CLUSTER_ROLE: (*BINDINGS, CLUSTER_ROLE),
    KindKey(RBAC, "Role"): (KindKey(RBAC, "RoleBinding"),),
    SERVICE_ACCOUNT: (*_WORKLOADS, *BINDINGS, _SECRET),
    _CONFIG_MAP: (*_WORKLOADS, *GATEWAYS, *POLICY_BINDINGS),
    _SECRET: (*_WORKLOADS, SERVICE_ACCOUNT, *ROUTING, VOLUME, STORAGE_CLASS),
    SERVICE: (*WEBHOOKS, API_SERVICE, CRD, *ROUTING, *_WORKLOADS, SERVICE),
    _DEPLOYMENT: (SERVICE, HPA),
    _STATEFUL_SET: (SERVICE, HPA),
    _NETWORK_POLICY: _WORKLOADS,
    _BUDGET: _WORKLOADS,
    HPA: _WORKLOADS,
    _QUOTA: _WORKLOADS,
    _CLAIM: _WORKLOADS,
}
"""Which kinds can use an object of a kind. Custom resources of Flux and Pulumi come on top, and a CRD's instances."""

_SELECTORS: Final[Mapping[KindKey, tuple[tuple[str, ...], str]]] = {
    _NETWORK_POLICY: (("spec", "podSelector"), "its pods are under it"),
    _BUDGET: (("spec", "selector"), "its pods are under it"),
    _QUOTA: ((), "its pods count against it"),
}
"""Where a kind keeps the selector of the pods it is for (nowhere: all of its namespace), and the edge's reason."""

ADDRESSES: Final = (KindKey("", "Endpoints"), KindKey("discovery.k8s.io", "EndpointSlice"))
"""What holds the addresses of a Service that selects no pods."""

SLICE_OF: Final = "kubernetes.io/service-name"
"""The label by which an EndpointSlice is a Service's (k8s.io/api discovery/v1)."""

REFERRED_TO: Final = frozenset({SERVICE_ACCOUNT, _CONFIG_MAP, _SECRET})
"""Kinds that Flux and Pulumi objects point at by name."""

FAR: Final = frozenset(
    {*BINDINGS, *ROUTING, *WEBHOOKS, *POLICY_BINDINGS, API_SERVICE, CRD, CLUSTER_ROLE, VOLUME, STORAGE_CLASS}
)
"""Users that reach into other namespaces than their own."""

_READ_WHOLE: Final = frozenset({_DEPLOYMENT, _STATEFUL_SET, _NETWORK_POLICY, _BUDGET, HPA, CRD, SERVICE})
"""Kinds whose own body says who uses them."""


def selects(selector: Any, labels: Mapping[str, Any]) -> bool:
    """Whether a LabelSelector (matchLabels, matchExpressions) selects these labels; an empty one selects all.

    An operator that is not known, or anything damaged, counts as selecting: what cannot be judged must not look unused.
    """
    selector = mapping(selector)
    return not any(
        isinstance(value, str) and _text(labels, name) not in (value, _DAMAGED)
        for name, value in mapping(selector.get("matchLabels")).items()
    ) and not any(_excludes(term, labels) for term in items(selector.get("matchExpressions")))


_DAMAGED: Final = object()
_MAKERS: Final = frozenset(kind.kind for kind in TEMPLATES if kind.kind != "Pod")


def _text(labels: Mapping[str, Any], name: Any) -> object:
    """The label, None where it is not set, or _DAMAGED where it is no text."""
    value = labels.get(name) if isinstance(name, str) else _DAMAGED
    return value if value is None or isinstance(value, str) else _DAMAGED


def _excludes(term: Mapping[str, Any], labels: Mapping[str, Any]) -> bool:
    """Whether one match expression, soundly read, does not select the labels."""
    value, operator, values = _text(labels, term.get("key")), term.get("operator"), term.get("values")
    if value is _DAMAGED:
        return False
    if operator in ("In", "NotIn"):
        if not isinstance(values, list) or not all(isinstance(each, str) for each in values):
            return False
        return (value in values) is (operator == "NotIn")
    return (operator == "Exists" and value is None) or (operator == "DoesNotExist" and value is not None)


class _User(NamedTuple):
    """Something that may use a target: a live object, or a document of a manifest (``live`` is None)."""

    ref: Ref
    body: Json | None
    live: Live | None


class Usage:
    """The users of a set of objects. Built once an assessment, for the few objects that might go.

    With ``targets`` None it answers for any object, for people to read: what a workload's controller made is left out,
    because the workload itself says the same.

    ``documents`` are those of the active manifest and its hooks, their namespaces filled in: live or missing, they are
    users too. ``in_use`` is what the contract says is used without being named, beside what is known of any cluster; of
    the ``named`` targets it is told who names them in passing.
    """

    def __init__(
        self,
        inventory: Inventory,
        targets: Iterable[Key] | None,
        documents: Iterable[Json],
        in_use: Iterable[InUse] = (),
        named: Iterable[Key] = (),
    ) -> None:
        self._inventory = inventory
        self._in_use = (*KNOWN, *in_use)
        self._targets = None if targets is None else frozenset(targets)
        self._uses: dict[Key, list[tuple[Key | None, Use]]] = defaultdict(list)
        self._whole: dict[Key, tuple[tuple[Key | None, Use], ...]] = {}
        self._blind: dict[KindKey, str] = {}
        self._names = Names(named)
        self._unsearchable: list[str] = []
        self._by_kind: dict[tuple[str, ...], list[_User]] = defaultdict(list)
        self._ways = {
            CLUSTER_ROLE: self._aggregating,
            _DEPLOYMENT: self._serving,
            _STATEFUL_SET: self._serving,
            HPA: self._scaled,
            SERVICE: self._served,
            CRD: self._instances,
            _CLAIM: self._claiming,
            _NAMESPACE: self._inside,
        }
        if self._targets is None or self._targets:
            for key, live in inventory.objects.items():
                if self._targets is None and live.controller is not None and live.controller.kind in _MAKERS:
                    continue
                if not live.deleting or not self._collected(live):
                    self._by_kind[key[:2]].append(_User(live.ref, live.body, live))
            for body in documents:
                ref = Ref.of(body)
                self._by_kind[ref.kind_key].append(_User(ref, body, None))
            self._read()
        if self._names.targets:
            self._read_mentions()

    def _read(self) -> None:
        kinds = {kind for users in USERS.values() for kind in users}
        for group, name in list(self._by_kind):
            kind = KindKey(group, name)
            if kind in kinds or is_referrer_group(group):
                for user in self._by_kind[kind]:
                    self._follow(kind, user)

    def _follow(self, kind: KindKey, user: _User) -> None:
        """Takes down what one user names."""
        body = user.body
        if body is None and kind == _SECRET and user.live is not None:
            # A Secret's metadata is all that matters here: which service account it is a token for.
            body = {**_head(user.ref), "metadata": {"annotations": user.live.annotations, **_name(user.ref)}}
        if body is None:
            self._blind[kind] = f"{kind.kind}: only metadata was read"
            return
        try:
            for edge in references(body):
                if (self._targets is None or edge.target in self._targets) and edge.target != user.ref.key:
                    self._uses[edge.target].append(self._use(user, edge.reason))
        except Damaged as damaged:
            self._blind[kind] = f"{user.ref.label} is damaged: {damaged}"

    def _read_mentions(self) -> None:
        """Takes down who names a target in passing: of what has a body here, and of what was searched elsewhere."""
        for users in self._by_kind.values():
            for user in users:
                said = self._said_by(user)
                if said is not None:
                    self._mentions_in(user, said)
        for target, user_ref, where in self._inventory.searched.mentions:
            user = _User(user_ref, None, self._inventory.get(user_ref.key))
            going = user.live is not None and user.live.deleting and self._collected(user.live)
            if target in self._names.targets and not going and not (self._targets is None and self._copies(user)):
                self._mentioned(target, user, where)

    def _said_by(self, user: _User) -> Json | None:
        """What is to be looked through of a user; None of what a search looks through, or another one says too."""
        if self._copies(user):
            return None
        if user.body is None and user.live is not None and user.ref.kind_key in ANNOTATED:
            return {**_head(user.ref), "metadata": {**_name(user.ref), "annotations": user.live.annotations}}
        return user.body

    def _mentions_in(self, user: _User, said: Json) -> None:
        try:
            for target, _, where in self._names.of(said):
                self._mentioned(target, user, where)
        except Damaged as damaged:
            self._unsearchable.append(f"{user.ref.label} is damaged: {damaged}")

    def _mentioned(self, target: Key, user: _User, where: str) -> None:
        if all(use.user.key != user.ref.key for _, use in self._uses[target]):
            self._uses[target].append(self._use(user, f"names it in {where}"))

    @staticmethod
    def _copies(user: _User) -> bool:
        """Whether an object was made from another one's template, which says the same."""
        return user.live is not None and user.live.controller is not None and user.live.controller.kind in _MAKERS

    def _use(self, user: _User, reason: str) -> tuple[Key | None, Use]:
        return (self.root(user.live) if user.live is not None else None), Use(user.ref, reason)

    def root(self, live: Live) -> Key:
        """The object whose going takes this one along: the end of its chain of controllers."""
        return self._end(live).key

    def _end(self, live: Live) -> Live:
        seen = {live.key}
        while (owner := live.controller) is not None:
            parent = self._parent(live, owner)
            if parent is None or parent.key in seen:
                break
            seen.add(parent.key)
            live = parent
        return live

    def _parent(self, live: Live, owner: Owner) -> Live | None:
        key = Key(group_of(owner.api_version), owner.kind, live.ref.namespace, owner.name)
        parent = self._inventory.get(key) or self._inventory.get(key._replace(namespace=None))
        return parent if parent is not None and parent.ref.uid == owner.uid else None

    def _collected(self, live: Live) -> bool:
        """Whether it is being deleted below a controller that is provably gone already.

        So are the pods of a Deployment that has left, for as long as they take to stop.
        """
        end = self._end(live)
        owner = end.controller
        if not live.deleting or owner is None or self._parent(end, owner) is not None:
            return False
        kind = KindKey(group_of(owner.api_version), owner.kind)
        return kind in self._inventory.served and self._inventory.readable(*kind, end.ref.namespace)

    def _selected(self, target: Live) -> Iterator[tuple[Key | None, Use]]:
        """Users by selector: those that select the target, and those that it selects, scales, serves or defines."""
        kind = target.ref.kind_key
        if kind in _SELECTORS:
            path, reason = _SELECTORS[kind]
            yield from self._workloads(target, dig(target.body, path) if path else {}, reason)
        elif kind in self._ways:
            yield from self._ways[kind](target)
        yield from self._chosen(target)
        for binding_kind, policy_kind in POLICY_BINDINGS.items():
            yield from self._parametrised(target, binding_kind, policy_kind)

    def _chosen(self, target: Live) -> Iterator[tuple[Key | None, Use]]:
        """Who chooses the target without naming it. A field that was not read may be any."""
        for use in self._in_use:
            for selector in use.select:
                unread = target.body is None and selector.fields is not None
                if matches(replace(selector, fields=None) if unread else selector, target):
                    labels = ", ".join(f"{name}: {target.labels.get(name)}" for name in selector.labels or ())
                    why = f"bears {labels}, by which {use.by} uses it" if labels else f"is in use by {use.by}"
                    yield None, Use(target.ref, why)

    def _scaled(self, target: Live) -> Iterator[tuple[Key | None, Use]]:
        scaled = scaled_by(target.body or {})
        for user in self._by_kind.get(scaled[:2], ()) if scaled else ():
            if user.ref.key == scaled:
                yield self._use(user, "is scaled by it")

    def _instances(self, target: Live) -> Iterator[tuple[Key | None, Use]]:
        for user in self._by_kind.get(_defined_by(target.body), ()):
            yield self._use(user, "is an instance of it")

    def _claiming(self, target: Live) -> Iterator[tuple[Key | None, Use]]:
        """StatefulSets find the claims of their templates by name, at any replica count."""
        for user in self._by_kind.get(_STATEFUL_SET, ()):
            if user.ref.namespace != target.ref.namespace:
                continue
            for template in items(dig(user.body, ("spec", "volumeClaimTemplates"))):
                prefix = f"{dig(template, ('metadata', 'name'))}-{user.ref.name}-"
                if target.ref.name.startswith(prefix) and target.ref.name.removeprefix(prefix).isdecimal():
                    yield self._use(user, "keeps its data in it (volumeClaimTemplates)")

    def _inside(self, target: Live) -> Iterator[tuple[Key | None, Use]]:
        for users in self._by_kind.values():
            for user in users:
                if user.ref.namespace == target.ref.name and (user.live is None or user.live.controller is None):
                    yield self._use(user, "lives in it")

    def _parametrised(self, target: Live, binding: KindKey, policy: KindKey) -> Iterator[tuple[Key | None, Use]]:
        """Bindings of admission policies whose parameters the target is; a policy that was not read may mean any."""
        for user in self._by_kind.get(binding, ()):
            spec = mapping(dig(user.body, ("spec",)))
            parameters = mapping(spec.get("paramRef"))
            if not parameters:
                continue
            rule = self._inventory.get(Key(*policy, None, str(spec.get("policyName") or "")))
            meant = mapping(dig(rule.body, ("spec", "paramKind"))) if rule is not None else {}
            if meant and (group_of(str(meant.get("apiVersion"))), meant.get("kind")) != target.ref.kind_key:
                continue
            if parameters.get("namespace") not in (None, "", target.ref.namespace):
                continue
            named, selector = parameters.get("name"), parameters.get("selector")
            if named == target.ref.name or (not named and selector is not None and selects(selector, target.labels)):
                yield self._use(user, "takes its parameters from it")

    def _aggregating(self, target: Live) -> Iterator[tuple[Key | None, Use]]:
        for role in self._by_kind.get(CLUSTER_ROLE, ()):
            rule = (role.body or {}).get("aggregationRule")
            if not rule or role.ref.key == target.key:
                continue
            selectors = mapping(rule).get("clusterRoleSelectors") if isinstance(rule, dict) else [{}]
            if any(
                selects(each, target.labels) for each in (selectors if isinstance(selectors, list) else [selectors])
            ):
                yield self._use(role, "aggregates its rules")

    def _serving(self, target: Live) -> Iterator[tuple[Key | None, Use]]:
        labels = _labels(target.body, ("spec", "template", "metadata", "labels"))
        for service in self._by_kind.get(SERVICE, ()):
            if service.ref.namespace == target.ref.namespace and _may_serve(service.body, labels):
                yield self._use(service, "sends traffic to its pods")

    def _served(self, target: Live) -> Iterator[tuple[Key | None, Use]]:
        """The pods behind a Service: who calls them by its name cannot be seen, so they count as its users."""
        selector = dig(target.body, ("spec", "selector"))
        if dig(target.body, ("spec", "type")) == "ExternalName":
            return
        if selector:
            yield from self._workloads(target, {"matchLabels": selector}, "has the pods that it sends traffic to")
            return
        # Without a selector somebody else says where its traffic goes: no controller makes these.
        for user in (each for kind in ADDRESSES for each in self._by_kind.get(kind, ())):
            slice_of = user.live.labels.get(SLICE_OF) if user.live is not None else None
            name = user.ref.name if user.ref.kind == "Endpoints" else slice_of
            if (user.ref.namespace, name) == (target.ref.namespace, target.ref.name):
                yield self._use(user, "says where its traffic goes")

    def _workloads(self, target: Live, selector: Any, reason: str) -> Iterator[tuple[Key | None, Use]]:
        for kind, path in TEMPLATES.items():
            for user in self._by_kind.get(kind, ()):
                if user.ref.namespace != target.ref.namespace or self._judged_at_its_root(user):
                    continue
                labels = _labels(user.body, (*path[:-1], "metadata", "labels"))
                if labels is None or selects(selector, labels):
                    yield self._use(user, reason)

    def _judged_at_its_root(self, user: _User) -> bool:
        root = self.root(user.live) if user.live is not None and user.live.controller is not None else user.ref.key
        return root != user.ref.key and KindKey(root.group, root.kind) in TEMPLATES

    def of(self, key: Key) -> tuple[tuple[Key | None, Use], ...]:
        """Every user of one target, with the root that would have to leave first (None: a manifest document)."""
        found = self._whole.get(key)
        if found is None:
            target = self._inventory.get(key)
            selected = self._selected(target) if target is not None else ()
            found = self._whole[key] = (*self._uses.get(key, ()), *selected)
        return found

    def unverified(self, key: Key, *, named: bool = True) -> tuple[str, ...]:
        """Kinds that could use the target, are served, and could not be read: one text each.

        Without ``named`` those are left out that could only name it in passing.
        """
        kind = KindKey(key.group, key.kind)
        target = self._inventory.get(key)
        found: list[str] = []
        if kind in _READ_WHOLE and target is not None and target.body is None:
            found.append(f"{target.ref.label}: only metadata was read")
        elif kind == HPA and target is not None and scaled_by(target.body or {}) is None:
            found.append(f"{target.ref.label} does not say what it scales")
        users = USERS.get(kind, ())
        if kind == CRD and target is not None:
            users = (KindKey(*_defined_by(target.body)),)
        for user in users:
            far = user in FAR or kind == CRD or user == kind == SERVICE
            gap = self._inventory.gap(user.group, user.kind, None if far else key.namespace)
            if gap is not None:
                found.append(gap.text)
            elif user in self._blind:
                found.append(self._blind[user])
        if kind in REFERRED_TO:
            # Flux and Pulumi objects name things in other namespaces too.
            found += [gap.text for gap in self._inventory.gaps if is_referrer_group(gap.group)]
            found += [why for blind, why in self._blind.items() if is_referrer_group(blind.group)]
        if named and key in self._names.targets:
            found += self._unread_mentions(key)
        return tuple(dict.fromkeys(found))

    def _unread_mentions(self, key: Key) -> Iterator[str]:
        """Why it is not certain that nothing names the target."""
        gaps = (*self._inventory.gaps, *self._inventory.searched.gaps)
        # Kubernetes' own kinds name a Deployment in fields that are known.
        anywhere = KindKey(key.group, key.kind) in MENTIONABLE
        near = (gap for gap in gaps if anywhere or not is_builtin(gap.group))
        yield from (gap.text for gap in near if may_mention(gap.group, gap.kind))
        yield from self._unsearchable
        if not self.searched(key):
            yield "other objects were not searched for its name"

    def searched(self, key: Key) -> bool:
        """Whether everything was searched for the object's name, where its kind is one that is named in passing."""
        return KindKey(key.group, key.kind) not in SEARCHED or key in self._inventory.searched.targets


def _labels(body: Json | None, path: Iterable[str]) -> Mapping[str, Any] | None:
    """The labels at a path; None where they are damaged, and so may be any."""
    try:
        labels = at(body, path)
    except Damaged:
        return None
    return labels if isinstance(labels, dict) else ({} if labels is None else None)


def _may_serve(service: Json | None, labels: Mapping[str, Any] | None) -> bool:
    """Whether a Service may send traffic to pods of these labels (None: any); one without a selector never does."""
    try:
        selector = at(service, ("spec", "selector"))
    except Damaged:
        return True
    return bool(selector) and (labels is None or selects({"matchLabels": selector}, labels))


def _defined_by(body: Json | None) -> tuple[str, str]:
    """The group and kind of a CustomResourceDefinition's instances; empty strings where its body does not say."""
    group, kind = dig(body, ("spec", "group")), dig(body, ("spec", "names", "kind"))
    return (group, kind) if isinstance(group, str) and isinstance(kind, str) else ("", "")


def _head(ref: Ref) -> Json:
    return {"apiVersion": ref.api_version, "kind": ref.kind}


def _name(ref: Ref) -> Json:
    return {"name": ref.name, "namespace": ref.namespace}
