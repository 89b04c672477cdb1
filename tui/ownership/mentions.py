"""Where an object is named in passing: a mention is a use (rule S7). Pure.

A reference in a known kind's known field is an edge by name (``references``). Everything else that may name a
ConfigMap, Secret, Service or ServiceAccount is told from text: arguments, environment values, annotations, URLs,
documents inside ConfigMaps, and whatever fields custom resources have. It errs to the safe side: a word that happens to
be a name protects what bears that name, and the row says where the word stands.
"""

import base64
import json
import re
from binascii import Error as NotBase64
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from tui.objects import Json, Key, KindKey, Mention, Ref
from tui.ownership.references import MAX_DEPTH, RBAC, Damaged, is_builtin, mapping
from tui.text import clean

MENTIONABLE: Final = frozenset(KindKey("", kind) for kind in ("ConfigMap", "Secret", "Service", "ServiceAccount"))
"""The kinds that anything may name in any field."""

DEPLOYMENT: Final = KindKey("apps", "Deployment")
SEARCHED: Final = MENTIONABLE | {DEPLOYMENT}
"""The kinds that are searched for: Deployments too, which rollouts and scalers of kinds that nobody knows here name by
kind and name (Argo Rollouts' workloadRef, Flagger's and KEDA's targetRef, a Kustomization's health checks)."""

MAX_WHERE: Final = 160
"""Characters of the place that a row names."""

_BOOKKEEPING: Final = (
    "kubectl.kubernetes.io/",
    "meta.helm.sh/",
    "helm.sh/",
    "deployment.kubernetes.io/",
    "control-plane.alpha.kubernetes.io/leader",
    "endpoints.kubernetes.io/",
    "argocd.argoproj.io/tracking-id",
    "kapp.k14s.io/",
    "config.k8s.io/owning-inventory",
    "configsync.gke.io/",
    "configmanagement.gke.io/",
    "objectset.rio.cattle.io/",
    "pulumi.com/",
    "banzaicloud.com/last-applied",
)
"""Annotations in which a tool notes what it did (the last applied document, the release, the object itself)."""

_NO_NAME: Final = ("labels", "selector", "expressions", "classname", "namespace", "namespaces")
"""How fields end that name no object of these kinds: labels and what selects by them, classes, namespaces."""

_NOBODYS: Final = frozenset(
    {
        "apiversion",
        "kind",
        "apigroup",
        "apigroups",
        "verbs",
        "finalizers",
        "image",
        "imagepullpolicy",
        "nodename",
        "volumename",
        "claimname",
        "schedulername",
        "targetport",
        "portname",
        "containername",
        "ownerreferences",
        "uid",
    }
)
"""Fields, in lower case, that name something else, or nothing."""

_DEFINED: Final = frozenset(
    {"containers", "initContainers", "ephemeralContainers", "volumes", "volumeMounts", "volumeDevices", "env", "ports"}
)
"""Lists of which each item's own ``name`` is a name within the object."""

_POINTS: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("ServiceAccount", ("serviceaccount", "serviceaccountname", "serviceaccountref", "serviceaccounts")),
    ("Secret", ("secret", "secrets", "secretname", "secretnames", "secretref", "secretrefs", "secretkeyref")),
    ("ConfigMap", ("configmap", "configmaps", "configmapname", "configmapref", "configmapkeyref")),
    ("Service", ("servicename", "serviceref", "servicerefs")),
)
"""How fields end, in lower case, that say of which kind the object is that they name."""

_PLURALS: Final = {kind.kind.lower() + "s": kind.kind for kind in MENTIONABLE}
_PROSE: Final = frozenset({"description", "message", "reason", "summary", "title", "comment"})
_SPOKEN: Final = frozenset({"command", "args", "value", "values"})
"""Fields whose text is read word by word in any kind: arguments and environment values."""

_WORD: Final = re.compile(r"[A-Za-z0-9._-]+")


class Said(NamedTuple):
    """A text of an object: where it stands, and whether each of its words counts or the whole of it alone.

    ``kind`` is the kind that the field points at, empty where it may be any; ``space`` is the namespace that stands
    beside it, empty where none does.
    """

    where: str
    text: str
    words: bool = False
    kind: str = ""
    space: str = ""


class Names:
    """What is looked for: some objects of SEARCHED kinds. Others are left out."""

    def __init__(self, targets: Iterable[Key]) -> None:
        self.targets = frozenset(key for key in targets if KindKey(key.group, key.kind) in SEARCHED)
        self._by_name: dict[str, list[Key]] = defaultdict(list)
        for key in sorted(self.targets, key=lambda key: (key.kind, key.namespace or "", key.name)):
            self._by_name[key.name].append(key)
        self._afar = {key: _afar(key) for key in self.targets}

    def _in(self, text: str) -> bool:
        """Whether any of the names stands in a text at all: most texts, and most objects, are settled by that."""
        return any(name in text for name in self._by_name)

    def of(self, body: Json) -> Iterator[Mention]:
        """Every mention in one whole object (or document), each target once. Raises Damaged for bottomless nesting."""
        user = Ref.of(body)
        if not _encodes(body) and not self._in(_dumped(body)):
            return
        # A cluster-scoped custom resource may mean any namespace: its controller knows which.
        near = user.namespace if user.namespace is not None or not is_builtin(user.group) else ""
        found: dict[Key, Mention] = {}
        for said in _said(body, user):
            if self._in(said.text):
                for key in self._meant(said, near):
                    if key != user.key:
                        found.setdefault(key, Mention(key, user, clean(said.where, MAX_WHERE)))
        yield from found.values()

    def _meant(self, said: Said, near: str | None) -> Iterator[Key]:
        """The targets that a text names: of the ``near`` namespace (None: of any) by their name, of others in full."""
        space = said.space or near
        for key in self._by_name.get(said.text, ()):
            sure = said.kind == key.kind or (not said.kind and _is_mentionable(key))
            if sure and space in (None, key.namespace):
                yield key
        if said.text in self._by_name:
            return
        words = frozenset(_words(said.text)) if said.words and near is not None else ()
        for name in self._by_name:
            for key in filter(_is_mentionable, self._by_name[name] if name in said.text else ()):
                if self._afar[key].search(said.text) or (near == key.namespace and _named_among(words, key)):
                    yield key


def _is_mentionable(key: Key) -> bool:
    return KindKey(key.group, key.kind) in MENTIONABLE


def _encodes(body: Json) -> bool:
    """Whether an object's content is not in its text as it stands."""
    return body.get("kind") == "Secret" or "binaryData" in body


def _dumped(body: Json) -> str:
    try:
        return json.dumps(body)
    except RecursionError as error:
        raise Damaged("it is nested deeper than can be read") from error


def _afar(key: Key) -> re.Pattern[str]:
    """How text names an object of any namespace: ``namespace/name``, ``name.namespace`` with or without ``.svc`` behind
    it, and ``namespace:name`` as in the user name of a service account.
    """
    name, space = re.escape(key.name), re.escape(key.namespace or "")
    end = r"(?!\.?[A-Za-z0-9_-])"
    forms = [
        rf"(?<![A-Za-z0-9._-]){space}/{name}{end}",
        rf"(?<![A-Za-z0-9_-]){name}\.{space}(?:(?=\.svc(?![A-Za-z0-9_-]))|{end})",
    ]
    if key.kind == "ServiceAccount":
        forms.append(rf"(?<![A-Za-z0-9._-]){space}:{name}{end}")
    return re.compile("|".join(forms))


def _words(text: str) -> Iterator[str]:
    """The words of a text as names are written; ``--flag`` is none, the default in ``${X:-word}`` is one."""
    for match in _WORD.finditer(text):
        word = match[0].rstrip(".-")
        if word.startswith("-") and match.start() and not text[match.start() - 1].isspace():
            word = word.lstrip("-")
        yield word


def _named_among(words: Iterable[str], key: Key) -> bool:
    """Whether a word of an object in the same namespace is the name; of a Service, that of a pod behind it too."""
    return any(word == key.name or (key.kind == "Service" and word.endswith(f".{key.name}")) for word in words)


def _said(body: Json, user: Ref) -> Iterator[Said]:
    """Every text of an object that may name another one: not its own name, labels, status or bookkeeping."""
    yield from _annotations(mapping(body.get("metadata")).get("annotations"), "annotation ")
    content = user.kind_key in (KindKey("", "ConfigMap"), KindKey("", "Secret"))
    if content:
        yield from _content(body, user)
    custom = not is_builtin(user.group)
    for name, value in body.items():
        if name in ("apiVersion", "kind", "metadata", "status") or (
            content and name in ("data", "binaryData", "stringData")
        ):
            continue
        if name == "subjects" and user.group == RBAC:
            continue
        yield from _Walk(custom=custom).of(value, name, Said(name, ""))


def _annotations(found: Any, where: str) -> Iterator[Said]:
    for name, value in mapping(found).items():
        if isinstance(value, str) and not str(name).startswith(_BOOKKEEPING):
            yield Said(f"{where}{name}", value, words=True)


def _content(body: Json, user: Ref) -> Iterator[Said]:
    """The documents inside a ConfigMap or Secret, text or not."""
    for part in ("data", "binaryData", "stringData"):
        for name, value in mapping(body.get(part)).items():
            if not isinstance(value, str):
                raise Damaged(f"{part}[{name}] is no text")
            encoded = part == "binaryData" or (part == "data" and user.kind == "Secret")
            yield Said(f"{part}[{name}]", _decoded(value) if encoded else value, words=True)


def _decoded(value: str) -> str:
    try:
        return base64.b64decode(value).decode("utf-8", "replace")
    except (NotBase64, ValueError):
        return value


class _Walk:
    """Walks one object's fields. In a ``custom`` resource words count in any text that is neither prose nor a path."""

    def __init__(self, *, custom: bool) -> None:
        self._custom = custom

    def of(self, node: Any, field: str, said: Said, depth: int = 0) -> Iterator[Said]:
        """Every text below a node; ``said`` holds its place, and what the fields above say of a bare text in it."""
        if depth > MAX_DEPTH:
            raise Damaged(f"{clean(said.where, MAX_WHERE)} is nested deeper than {MAX_DEPTH} levels")
        if isinstance(node, str):
            yield said._replace(text=node, words=self._spoken(field, node))
        elif isinstance(node, dict):
            yield from self._object(node, field, said, depth)
        elif isinstance(node, list):
            for index, item in enumerate(node):
                yield from self.of(
                    _unnamed(item, field), field, said._replace(where=f"{said.where}[{index}]"), depth + 1
                )

    def _object(self, node: Json, field: str, said: Said, depth: int) -> Iterator[Said]:
        if field == "metadata":
            yield from _annotations(node.get("annotations"), f"{said.where}.annotations ")
            return
        named, space, about = node.get("kind"), node.get("namespace"), _resources_of(node)
        for name, value in node.items():
            below = str(name).lower()
            if below in _NOBODYS or below.endswith(_NO_NAME) or (below == "resources" and "verbs" in node):
                continue
            kind = self._points_at(below)
            if below == "resourcenames":
                kind = about
            elif below == "name":
                kind = named if isinstance(named, str) else said.kind
            there = Said(f"{said.where}.{name}", "", kind=kind, space=space if isinstance(space, str) else "")
            yield from self.of(value, str(name), there, depth + 1)

    def _points_at(self, field: str) -> str:
        """The kind that a field of this name (in lower case) points at; empty where its name does not tell."""
        if field == "service" and not self._custom:
            return "Service"
        return next((kind for kind, ends in _POINTS if field.endswith(ends)), "")

    def _spoken(self, field: str, text: str) -> bool:
        if field in _SPOKEN or "://" in text:
            return True
        return self._custom and field.lower() not in _PROSE and not text.startswith("/")


def _unnamed(item: Any, field: str) -> Any:
    """An item of a list without the name that it only has within the object."""
    if field in _DEFINED and isinstance(item, dict):
        return {name: value for name, value in item.items() if name != "name"}
    return item


def _resources_of(node: Mapping[str, Any]) -> str:
    """The one kind that a rule's ``resourceNames`` are about; ``-`` where it is about none of these, empty where it
    may be any.
    """
    resources = node.get("resources")
    if "resourceNames" not in node or not isinstance(resources, list):
        return ""
    kinds = {_PLURALS.get(str(each).partition("/")[0], "-") for each in resources}
    return kinds.pop() if len(kinds) == 1 and "*" not in resources else ""


_SILENT: Final = frozenset(
    {
        KindKey("", "Event"),
        KindKey("", "Endpoints"),
        KindKey("", "Node"),
        KindKey("apps", "ControllerRevision"),
        KindKey("authentication.k8s.io", "TokenReview"),
        KindKey("certificates.k8s.io", "CertificateSigningRequest"),
        KindKey("coordination.k8s.io", "Lease"),
        KindKey("coordination.k8s.io", "LeaseCandidate"),
        KindKey("discovery.k8s.io", "EndpointSlice"),
        KindKey("events.k8s.io", "Event"),
        KindKey("flowcontrol.apiserver.k8s.io", "FlowSchema"),
        KindKey("flowcontrol.apiserver.k8s.io", "PriorityLevelConfiguration"),
        KindKey("networking.k8s.io", "IPAddress"),
        KindKey("networking.k8s.io", "ServiceCIDR"),
        KindKey("storage.k8s.io", "CSINode"),
        KindKey("storage.k8s.io", "CSIStorageCapacity"),
        KindKey("storage.k8s.io", "VolumeAttachment"),
    }
)
"""Kinds that tell of others what has been or is, and use nothing: what controllers write about what they see."""

ANNOTATED: Final = frozenset(
    {
        KindKey("", "LimitRange"),
        KindKey("", "PersistentVolumeClaim"),
        KindKey("", "ResourceQuota"),
        KindKey("autoscaling", "HorizontalPodAutoscaler"),
        KindKey("networking.k8s.io", "IngressClass"),
        KindKey("networking.k8s.io", "NetworkPolicy"),
        KindKey("node.k8s.io", "RuntimeClass"),
        KindKey("policy", "PodDisruptionBudget"),
        KindKey(RBAC, "ClusterRole"),
        KindKey(RBAC, "Role"),
        KindKey("scheduling.k8s.io", "PriorityClass"),
        KindKey("storage.k8s.io", "CSIDriver"),
    }
)
"""Kinds that name nothing but in an annotation, or only to grant rights to it: no search reads them, and one that could
not be read leaves no doubt. What of them is in an inventory counts."""

_SILENT_GROUPS: Final = ("metrics.k8s.io", "internal.apiserver.k8s.io")
"""Groups, by the end of their names, of which no kind uses anything: measurements, and the API servers' own."""


def may_mention(group: str, kind: str | None) -> bool:
    """Whether objects of a kind (None: any of the group) may use what they name, so that they are to be read for it."""
    return not group.endswith(_SILENT_GROUPS) and (kind is None or KindKey(group, kind) not in _SILENT | ANNOTATED)
