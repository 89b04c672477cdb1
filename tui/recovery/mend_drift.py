"""Repairing drift: which objects of the active release say something else than its document, and may be set back. Pure.

A repair is a server-side apply by the release's own manager. Fields that another manager holds conflict, and are taken
from a person's tool only, and only where the operator types the object's name: a tool would set them again.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from tui.contract.model import Contract, glob
from tui.faults import ApiFault
from tui.helm.model import Document
from tui.objects import Key, Live, Ref
from tui.ownership.drift import drift
from tui.ownership.evidence import FLUX_LABELS, INVENTORIES, stamp_of
from tui.ownership.model import Assessment, FamilyView
from tui.ownership.references import BINDINGS, HPA, scaled_by
from tui.recovery.guard import denying
from tui.text import clean

IMMUTABLE: Final = {
    "Deployment": ("spec.selector",),
    "DaemonSet": ("spec.selector",),
    "ReplicaSet": ("spec.selector",),
    "StatefulSet": ("spec.selector", "spec.serviceName", "spec.volumeClaimTemplates", "spec.podManagementPolicy"),
    "Job": ("spec.template", "spec.selector", "spec.completions", "spec.completionMode"),
    "Service": ("spec.clusterIP", "spec.clusterIPs", "spec.loadBalancerClass"),
    "PersistentVolumeClaim": ("spec",),
    "Secret": ("type",),
    "RoleBinding": ("roleRef",),
    "ClusterRoleBinding": ("roleRef",),
}
"""Fields that an API server never lets change; a differing one needs another object."""

NEVER: Final = frozenset({"Job", "Pod", "Namespace", "PersistentVolume", "PersistentVolumeClaim"})
"""Kinds that a repair leaves alone: they run once, hold others, or hold data."""

PEOPLE: Final = (
    "kubectl*",
    "k9s",
    "k9s-*",
    "Mozilla",
    "dashboard",
    "lens",
    "OpenLens",
    "node-fetch",
    "before-first-apply",
)
"""Field managers of the tools by which a person edits; what holds a field under another name is a program."""

_CONFLICT: Final = re.compile(r'conflict with "((?:[^"\\]|\\.)*)"')


class Conflict(NamedTuple):
    """A field that a repair would take, and the manager that holds it."""

    manager: str
    field: str


def conflicts_of(fault: ApiFault) -> frozenset[Conflict]:
    """The conflicts that a refused server-side apply names."""
    return frozenset(Conflict(_manager(cause.message), clean(cause.field, 400)) for cause in fault.conflicts)


def _manager(message: str) -> str:
    match = _CONFLICT.search(message)
    # Without a name nobody knows whose it is: that is no person's.
    return clean(match[1], 200) if match else ""


def told(conflicts: Iterable[Conflict]) -> str:
    """The conflicts by manager, in words."""
    by: dict[str, list[str]] = {}
    for manager, field in sorted(conflicts):
        by.setdefault(manager or "an unnamed manager", []).append(field)
    return "; ".join(f"{name} holds {', '.join(fields[:6])}" for name, fields in by.items())


def untouchable(contract: Contract, conflicts: Iterable[Conflict], keeper: str) -> tuple[str, ...]:
    """The managers among these from which nothing is ever taken: every one that is no person's tool.

    ``keeper`` is the release's own manager: its fields are the release's, however it came to hold them.
    """
    found = sorted({conflict.manager for conflict in conflicts})
    patterns = [p for owner in contract.owners.values() for mark in owner.marks for p in mark.manager]
    return tuple(
        name or "an unnamed manager"
        for name in found
        if name != keeper and (any(glob(p, name) for p in patterns) or not any(glob(person, name) for person in PEOPLE))
    )


class Drifted(NamedTuple):
    """An object of an active release that differs from its document at these paths."""

    view: FamilyView
    live: Live
    document: Document
    paths: tuple[str, ...]


def drifted(assessment: Assessment) -> Iterator[Drifted]:
    """Every live object that the active releases list and that says something else; a differing roleRef aside."""
    for view in assessment.families:
        if view.active is None or not view.listed:
            continue
        for key, document in view.listed[0].documents.items():
            live = assessment.inventory.get(key)
            paths = paths_of(assessment, document, live) if live is not None else ()
            if live is not None and paths:
                yield Drifted(view, live, document, paths)


def paths_of(assessment: Assessment, document: Document, live: Live) -> tuple[str, ...]:
    """Where a live object differs from its document; replicas that an autoscaler sets are no drift."""
    scaled = {scaled_by(hpa.body or {}) for hpa in assessment.inventory.of_kind(*HPA)}
    return tuple(
        path
        for path in drift(document.body, live)
        if not (path == "spec.replicas" and live.key in scaled)
        and not (path.startswith("roleRef") and live.ref.kind_key in BINDINGS)
    )


def find(assessment: Assessment, family: str, key: Key) -> Drifted | None:
    """The drift of one object as it stands, where it has any."""
    view = assessment.family(family)
    if view is None or view.active is None or not view.listed:
        return None
    document, live = view.listed[0].documents.get(key), assessment.inventory.get(key)
    if document is None or live is None:
        return None
    paths = paths_of(assessment, document, live)
    return Drifted(view, live, document, paths) if paths else None


def why_not(contract: Contract, assessment: Assessment, found: Drifted) -> str:
    """Why a drifted object is not repaired; empty where it may be, conflicts aside."""
    view, live, document, paths = found
    return (
        _whose(assessment, view, live)
        or _otherwise(view, live.key, document)
        or _unchangeable(live.ref, paths)
        or _denied(contract, view, live.ref, document)
    )


def _whose(assessment: Assessment, view: FamilyView, live: Live) -> str:
    stamp = stamp_of(live)
    if view.active is None or stamp is None or stamp.release != view.active.name:
        return "it does not bear the stamp of the active release: adopt it first, in the cleanup"
    if live.ref.kind in NEVER:
        return f"a {live.ref.kind} is not repaired: its owner must replace it"
    if live.deleting:
        return f"it is being deleted since {live.deleting}"
    if live.controller is not None:
        return f"{live.controller.kind} {live.controller.name} keeps it"
    if any(f"{prefix}name" in live.labels for prefix, _ in FLUX_LABELS):
        return "Flux labels it as its own: what is in git counts, and Flux would set it again"
    attribution = assessment.attributions.get(live.key)
    others = [e.owner for e in attribution.evidence if e.owner != view.family.owner] if attribution else []
    if others:
        return f"{others[0]} has evidence on it too: decide who owns it first"
    for kind in INVENTORIES.values():
        gap = assessment.inventory.gap(*kind)
        if gap is not None:
            return f"could not verify that no inventory lists it: {gap.text}"
    return ""


def _otherwise(view: FamilyView, key: Key, document: Document) -> str:
    """A newer revision that failed may have changed it on purpose."""
    for newer in view.listed[1:]:
        wanted = newer.documents.get(key)
        if newer.fault or wanted is None or wanted.sha256 != document.sha256:
            revision = f"the newer revision {newer.record.revision} ({newer.record.status.value})"
            return f"{revision} lists it otherwise or not at all: the owner's next upgrade decides"
    return ""


def _unchangeable(ref: Ref, paths: Iterable[str]) -> str:
    fixed = IMMUTABLE.get(ref.kind, ())
    bad = [path for path in paths if any(path == each or path.startswith((f"{each}.", f"{each}[")) for each in fixed)]
    return f"{', '.join(bad)} cannot be changed in place: only another {ref.kind} could have it" if bad else ""


def _denied(contract: Contract, view: FamilyView, ref: Ref, document: Document) -> str:
    release = view.active.name if view.active is not None else ""
    rail = denying(contract, ref, document, view.family.name, release)
    return f"guardrail {rail.id}: {rail.reason}" if rail is not None else ""
