"""Removing a finalizer whose controller is gone: only where that is proven, and never on what holds others. Pure.

A finalizer is a controller's promise to clean up first. Taking it away breaks the promise for good, so that "nobody was
found" is no proof where somebody could have been missed.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any, Final, NamedTuple

from tui.contract.model import glob
from tui.objects import Inventory, Json, KindKey, Live, Manager, Ref
from tui.ownership.conditions import mapping, moment, sequence
from tui.ownership.fields import setters
from tui.ownership.references import API_SERVICE, CRD, TEMPLATES, WEBHOOKS, dig, items
from tui.recovery.mend_flux import is_flux

NEVER: Final = frozenset(
    {
        KindKey("", "Namespace"),
        KindKey("", "PersistentVolume"),
        KindKey("", "PersistentVolumeClaim"),
        KindKey("storage.k8s.io", "VolumeAttachment"),
        CRD,
    }
)
"""Kinds whose finalizers stay whatever happens: behind them are other objects, or data."""

NEVER_GROUPS: Final = ("pulumi.com", "snapshot.storage.k8s.io", "longhorn.io", "ceph.rook.io")
"""Groups whose objects stand for infrastructure or data: their finalizer is what destroys or keeps it."""

KNOWN: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("*acme.cert-manager.io*", ("cert-manager",)),
    ("*cert-manager.io*", ("cert-manager",)),
    ("*argocd.argoproj.io*", ("argocd", "argo-cd")),
    ("*argoproj.io*", ("argo",)),
    ("*external-secrets.io*", ("external-secrets",)),
    ("*externalsecrets*", ("external-secrets",)),
    ("*monitoring.coreos.com*", ("prometheus-operator",)),
    ("*traefik*", ("traefik",)),
    ("*istio*", ("istiod", "istio-operator")),
    ("*strimzi.io*", ("strimzi",)),
    ("*keda.sh*", ("keda",)),
    ("*velero.io*", ("velero",)),
)
"""Whose finalizer it is: a glob of its name, and the words that the names or images of its workloads hold."""

BUILT_IN: Final = ("kubernetes.io", "k8s.io", "kubernetes", "foregroundDeletion", "orphan")
"""Domains of Kubernetes' own controllers and of a cloud's, which run outside of what a cluster lists."""

OUTSIDE: Final = ("*.k8s.aws*", "*crossplane*", "*upbound.io*", "*cnrm.cloud.google.com*", "*terraform*", "*pulumi*")
"""Finalizers behind which something outside of the cluster waits to be taken down: it would be left behind."""

LEASE: Final = KindKey("coordination.k8s.io", "Lease")
LEASE_DEAD: Final = timedelta(minutes=10)
"""A Lease that lags so far behind the cluster's newest has no holder any more."""

WORKLOADS: Final = tuple(TEMPLATES)
RELEVANT: Final = (*WORKLOADS, *WEBHOOKS, API_SERVICE, LEASE)
"""Every kind that a proof of absence rests on: all of them must have been read whole."""

_COMMON: Final = frozenset(
    {
        *(
            "io",
            "com",
            "org",
            "net",
            "dev",
            "sh",
            "cloud",
            "app",
            "apps",
            "example",
            "test",
            "local",
            "internal",
            "k8s",
        ),
        *("finalizer", "finalizers", "controller", "controllers", "operator", "operators", "resources", "resource"),
        *("www", "api", "cluster", "system", "cleanup", "protection", "kubernetes", "github", "gitlab", "x"),
    }
)
"""Words of a domain that name nobody."""

_GENERIC: Final = ("manager", "controller", "operator", "main", "unknown", "Go-http-client", "python*", "node*", "")
"""Field managers that any program may be called."""


class Proof(NamedTuple):
    """Whether a finalizer's controller is proven absent, and what that rests on, or why it is not."""

    absent: bool
    text: str


def why_never(ref: Ref) -> str:
    """Why no finalizer of this object is ever removed; empty where one may be."""
    if ref.kind_key in NEVER:
        return f"no finalizer of a {ref.kind} is ever removed here: what it holds would be lost or left behind"
    if is_flux(ref):
        return "no finalizer of a Flux object is removed here: its controller prunes or uninstalls by it"
    if any(ref.group == group or ref.group.endswith(f".{group}") for group in NEVER_GROUPS):
        return f"no finalizer of a {ref.kind} is removed here: what it stands for would be left behind"
    return ""


def proof_of(inventory: Inventory, live: Live, finalizer: str) -> Proof:
    """Whether the controller behind one finalizer of an object that is being deleted is proven to be gone."""
    domain = finalizer.partition("/")[0]
    if any(domain == own or domain.endswith(f".{own}") for own in BUILT_IN):
        return Proof(False, f"{finalizer} is Kubernetes' own or a cloud's: its controller cannot be seen from here")
    if any(glob(pattern, finalizer) for pattern in OUTSIDE):
        return Proof(False, f"{finalizer} guards something outside of the cluster, which would be left behind")
    for kind in RELEVANT:
        gap = inventory.gap(*kind)
        if gap is not None:
            return Proof(False, f"could not prove that nobody answers for {finalizer}: {gap.text}")
    known = next((words for pattern, words in KNOWN if glob(pattern, finalizer)), ())
    words = known or _distinctive(finalizer)
    if not words:
        return Proof(False, f"could not prove that nobody answers for {finalizer}: its name tells nobody's")
    found = _found(inventory, words)
    if found:
        return Proof(False, f"{found} may answer for {finalizer}: let it finish, or bring it back to work")
    if not known and (doubt := _who_set(inventory, live, finalizer)):
        return Proof(False, doubt)
    looked = f"no workload, webhook, API or renewed Lease in any namespace is named after {' or '.join(words)}"
    return Proof(True, f"{looked}; a program outside of the cluster could not be seen")


def _found(inventory: Inventory, words: tuple[str, ...]) -> str:
    """Something that may be the controller, or speak for it; empty where nothing is."""
    return next(iter((*_runs(inventory, words), *_answers(inventory, words), *_leads(inventory, words))), "")


def _distinctive(finalizer: str) -> tuple[str, ...]:
    """The words of a finalizer's domain that may name its controller: those that say something."""
    labels = finalizer.lower().partition("/")[0].split(".")
    return tuple(dict.fromkeys(word for word in labels if len(word) > 2 and word not in _COMMON))


def _runs(inventory: Inventory, words: tuple[str, ...]) -> Iterator[str]:
    """Every workload whose name, labels, account or images hold one of the words; one scaled to zero may come back."""
    for kind in WORKLOADS:
        for live in inventory.of_kind(*kind):
            spec = mapping(dig(live.body, TEMPLATES[kind]))
            texts = [
                live.ref.name,
                live.ref.namespace or "",
                *live.labels.values(),
                str(spec.get("serviceAccountName")),
            ]
            texts += [str(container.get("image")) for container in _containers(spec)]
            if live.body is None or _named(texts, words):
                yield live.ref.label


def _containers(spec: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for name in ("containers", "initContainers"):
        yield from items(spec.get(name))


def _answers(inventory: Inventory, words: tuple[str, ...]) -> Iterator[str]:
    """Every webhook and aggregated API that is named so, or calls what is: its program may run anywhere."""
    for kind in WEBHOOKS:
        for live in inventory.of_kind(*kind):
            texts = [live.ref.name]
            for hook in items(mapping(live.body).get("webhooks")):
                texts += map(str, mapping(dig(hook, ("clientConfig", "service"))).values())
                texts.append(str(dig(hook, ("clientConfig", "url")) or ""))
            if _named(texts, words):
                yield live.ref.label
    for live in inventory.of_kind(*API_SERVICE):
        service = mapping(dig(live.body, ("spec", "service")))
        if service and _named([live.ref.name, *map(str, service.values())], words):
            yield live.ref.label


def _leads(inventory: Inventory, words: tuple[str, ...]) -> Iterator[str]:
    """Every Lease named so that somebody renews: its holder runs somewhere. The newest one tells the time."""
    renewed = {live.key: moment(dig(live.body, ("spec", "renewTime"))) for live in inventory.of_kind(*LEASE)}
    newest = max((when for when in renewed.values() if when is not None), default=None)
    for live in inventory.of_kind(*LEASE):
        when = renewed[live.key]
        holder = str(dig(live.body, ("spec", "holderIdentity")) or "")
        dead = when is not None and newest is not None and newest - when > LEASE_DEAD
        if not dead and _named([live.ref.name, holder], words):
            yield live.ref.label


def _named(texts: Iterable[str], words: tuple[str, ...]) -> bool:
    return any(word in text.lower() for text in texts for word in words)


def _who_set(inventory: Inventory, live: Live, finalizer: str) -> str:
    """Why the program that put the finalizer there is not proven absent; empty where it is."""
    doubt = f"could not prove that nobody answers for {finalizer}"
    holders = [m for m in setters(live, "metadata", "finalizers") if _holds(m, finalizer)]
    if not holders:
        return f"{doubt}: managedFields do not tell who set it"
    for manager in holders:
        if manager.name.startswith("kubectl"):
            return f"{doubt}: it was set by hand ({manager.name}), and which program answers to it is not told"
        if any(glob(pattern, manager.name) for pattern in _GENERIC):
            return f"{doubt}: {manager.name} set it, as any program may be called"
        found = _found(inventory, (manager.name.lower().partition("/")[0],))
        if found:
            return f"{found} may answer for {finalizer}: field manager {manager.name} set it"
    return ""


def _holds(manager: Manager, finalizer: str) -> bool:
    """Whether a manager holds this finalizer; one whose set was not kept has the whole object."""
    if not manager.packed:
        return True
    held = mapping(mapping(manager.fields.get("f:metadata")).get("f:finalizers"))
    return f'v:"{finalizer}"' in held or not any(name.startswith("v:") for name in held)


def why_not(inventory: Inventory, live: Live, finalizer: str) -> str:
    """Why this finalizer is not removed from this object now; empty where it may be."""
    if not live.deleting:
        return f"{live.ref.label} is not being deleted: a finalizer is removed only from what waits for nobody"
    if finalizer not in live.finalizers:
        return f"{live.ref.label} no longer has the finalizer {finalizer}"
    if never := why_never(live.ref):
        return never
    proof = proof_of(inventory, live, finalizer)
    return "" if proof.absent else proof.text


def free_of(live: Live, finalizer: str) -> bool:
    """Whether an object is known to be without a finalizer."""
    return "finalizers" not in live.damaged and finalizer not in live.finalizers


def removal(body: Json, finalizer: str) -> list[Json]:
    """The JSON patch that removes this one finalizer from exactly the object that was read.

    Raises ValueError where the object does not have it.
    """
    meta = body.get("metadata") or {}
    at = f"/metadata/finalizers/{sequence(meta.get('finalizers')).index(finalizer)}"
    return [
        {"op": "test", "path": "/metadata/uid", "value": meta.get("uid")},
        {"op": "test", "path": at, "value": finalizer},
        {"op": "remove", "path": at},
        # The server compares it with the object's own, and answers 409 where that has moved on.
        {"op": "replace", "path": "/metadata/resourceVersion", "value": meta.get("resourceVersion")},
    ]
