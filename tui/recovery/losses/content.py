"""What was written into an object after its release had stored it: data of Secrets and ConfigMaps, CA bundles. Pure.

A manifest stores what the chart rendered. Where a hook, a controller or a person filled in the rest, a replay brings
back the object without it. No value is ever told, only the names of the keys.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from tui.objects import Json, KindKey
from tui.ownership.conditions import mapping, words
from tui.ownership.references import dig, items
from tui.recovery.losses.remains import Loss, Remains, few
from tui.recovery.plan import Entry

SECRET: Final = KindKey("", "Secret")
CONFIG_MAP: Final = KindKey("", "ConfigMap")

_PARTS: Final[Mapping[KindKey, tuple[str, ...]]] = {SECRET: ("data", "stringData"), CONFIG_MAP: ("data", "binaryData")}
"""Where each of the two keeps its content."""

_TYPES: Final[Mapping[str, str]] = {
    "kubernetes.io/service-account-token": (
        "the controller manager puts a new token into it; the old one is no longer valid, and whoever used it outside"
        " the cluster has to be given the new one"
    ),
    "kubernetes.io/tls": "a certificate that was renewed since is lost: what comes back may have expired",
}
"""What is to be said of a Secret by its type."""

_FILLERS: Final[Mapping[str, str]] = {
    "cert-manager.io/inject-ca-from": "cert-manager's cainjector",
    "cert-manager.io/inject-ca-from-secret": "cert-manager's cainjector",
    "cert-manager.io/inject-apiserver-ca": "cert-manager's cainjector",
    "service.beta.openshift.io/inject-cabundle": "OpenShift's service CA operator",
    "config.openshift.io/inject-trusted-cabundle": "OpenShift's network operator",
    "replicator.v1.mittwald.de/replicate-from": "the kubernetes-replicator",
    "reflector.v1.k8s.emberstack.com/reflects": "the kubernetes-reflector",
    "secret-generator.v1.mittwald.de/autogenerate": "the kubernetes-secret-generator, with new values,",
}
"""Who fills an object in, by the annotation or label that asks for it."""

_NO_BUNDLE: Final = frozenset({"", "Cg=="})
"""A caBundle that is none: nothing, or the line feed that kubebuilder writes in its place."""


def of_content(entry: Entry, remains: Remains) -> Iterator[Loss]:
    """What a replayed Secret or ConfigMap lacks: whatever its stored document does not hold."""
    body = _body(entry)
    values = _values(entry, body)
    blank = sorted(words(str(name), 100) for name, value in values.items() if not value)
    if not values or len(blank) == len(values):
        held = f"holds nothing under {few(blank)}" if blank else "holds no data"
        yield Loss(f"comes back as an empty shell: its stored document {held}; what it held is lost", hides=True)
    else:
        yield Loss("comes back with what its release stored; what was written into it since is lost")
        if blank:
            yield Loss(f"its stored document holds nothing under {few(blank)}: what was filled in there is lost")
    told = _TYPES.get(str(body.get("type"))) if entry.ref.kind_key == SECRET else None
    if told:
        yield Loss(told)
    yield from _filled(entry, remains, by_hook=bool(blank) or not values)


def _body(entry: Entry) -> Json:
    return entry.document.body if entry.document else {}


def _values(entry: Entry, body: Json) -> dict[str, Any]:
    return {name: value for part in _PARTS[entry.ref.kind_key] for name, value in mapping(body.get(part)).items()}


def _filled(entry: Entry, remains: Remains, *, by_hook: bool) -> Iterator[Loss]:
    """Who fills the object in again, where its marks or its release's hooks tell."""
    meta = mapping(_body(entry).get("metadata"))
    marks = {**mapping(meta.get("labels")), **mapping(meta.get("annotations"))}
    for mark, who in _FILLERS.items():
        if mark in marks:
            source = words(marks[mark], 200)
            yield Loss(f"{who} fills it in again where it runs ({mark}: {source})")
    if by_hook:
        yield from _hooks(entry, remains)


def _hooks(entry: Entry, remains: Remains) -> Iterator[Loss]:
    """The hook Jobs of the release, one of which may have written what its manifest leaves empty."""
    view = remains.view(entry)
    jobs = [hook for hook in view.active.hooks if hook.kind == "Job"] if view and view.active else []
    writes = [hook for hook in jobs if any(event.endswith(("-install", "-upgrade")) for event in hook.events)]
    if writes:
        told = few(f"{hook.name} ({', '.join(hook.events)})" for hook in writes)
        yield Loss(f"a hook of {entry.release} may have filled it in: Job {told}; a replay runs none, an upgrade does")


def of_webhooks(entry: Entry, remains: Remains) -> Iterator[Loss]:
    """The CA bundles of a webhook configuration, which are mostly injected once it is there."""
    hooks = items(_body(entry).get("webhooks"))
    served = [hook for hook in hooks if dig(hook, ("clientConfig", "service"))]
    bare = [words(hook.get("name"), 100) for hook in served if _bare(dig(hook, ("clientConfig",)))]
    yield Loss("its CA bundles come back as its release stored them; one that was injected since is lost")
    if bare:
        yield Loss(
            f"{few(bare)}: stored without a caBundle; until one is injected, the API server cannot call it, and"
            " refuses what it would ask it about unless its failurePolicy is Ignore"
        )
    yield from _filled(entry, remains, by_hook=bool(bare))


def of_conversion(entry: Entry, remains: Remains) -> Iterator[Loss]:
    """The CA bundle of a definition's conversion webhook."""
    client = dig(_body(entry), ("spec", "conversion", "webhook", "clientConfig"))
    if mapping(client).get("service"):
        how = "without a caBundle: its versions cannot be converted until one is injected" if _bare(client) else ""
        yield Loss(f"its conversion webhook comes back {how or 'with the caBundle that its release stored'}")
        yield from _filled(entry, remains, by_hook=_bare(client))


def of_api_service(entry: Entry, remains: Remains) -> Iterator[Loss]:
    """The CA bundle of an APIService."""
    spec = mapping(_body(entry).get("spec"))
    if spec.get("service") and _bare(spec) and not spec.get("insecureSkipTLSVerify"):
        yield Loss("comes back without a caBundle: its API is not available until one is injected")
        yield from _filled(entry, remains, by_hook=True)


def _bare(client: Any) -> bool:
    """Whether nothing is stored to trust the server by."""
    return str(mapping(client).get("caBundle") or "").strip() in _NO_BUNDLE
