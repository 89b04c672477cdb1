"""What the acts of Flux and of the Flux Operator do to an object that they list. Pure.

Sources: kustomize-controller kustomization_controller.go (deleteObjects, finalizerShouldDeleteResources) and fluxcd/pkg
ssa/manager_delete.go, tried with kustomize-controller 1.9; helm-controller helmrelease_controller.go (reconcileDelete)
and action/verify.go (ReleaseTargetChanged), which embeds Helm 4.2; flux-operator resourceset_controller.go and
fluxinstance_uninstaller.go.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

from tui.objects import Key, KindKey, Live
from tui.ownership.acts.helm import uninstalls, upgrades
from tui.ownership.acts.model import Act, Consequence, Effect, Subject
from tui.ownership.acts.opt_outs import KUSTOMIZE, OPERATOR, Lasts, command, opt_out, told
from tui.ownership.conditions import ONLY_METADATA, mapping, words
from tui.ownership.evidence import FLUX_LABELS, HELM_RELEASE, KUSTOMIZATION
from tui.ownership.holders import has_list

LIBRARY: Final = "Helm 4.2"
"""What helm-controller embeds (go.mod): its uninstall asks nobody whose stamp an object bears."""

OPERATORS: Final = {
    KindKey("fluxcd.controlplane.io", "ResourceSet"): "resourceset.fluxcd.controlplane.io/",
    KindKey("fluxcd.controlplane.io", "FluxInstance"): "fluxcd.controlplane.io/",
}
"""The kinds of the Flux Operator that list what they own, and the prefix of the labels by which they know it."""

_SPARED: Final = (
    (f"{KUSTOMIZE}reconcile", "disabled"),
    (f"{KUSTOMIZE}ssa", "ignore"),
    (f"{KUSTOMIZE}prune", "disabled"),
)
"""What spares an object from a Kustomization's prune. The first two spare it from being applied too, so they last."""

_ALSO: Final = "it uninstalls too when its releaseName, targetNamespace, storageNamespace or chart name changes"
_POLICIES: Final = frozenset({"MirrorPrune", "Delete", "WaitForTermination", "Orphan"})


def of_kustomizations(subject: Subject) -> Iterator[Consequence]:
    """What each Kustomization that lists the object does when its manifest goes, and when it is deleted itself."""
    for holder in subject.holders:
        if holder.ref.kind_key == KUSTOMIZATION:
            yield _pruned(subject, holder)
            yield _with_kustomization(subject, holder)


def _pruned(subject: Subject, holder: Live) -> Consequence:
    owner, act = holder.ref.label, Act.PRUNE
    if holder.body is None:
        return Consequence(owner, act, Effect.UNKNOWN, ONLY_METADATA)
    spec = mapping(holder.body.get("spec"))
    if spec.get("prune") is not True:
        return Consequence(owner, act, Effect.KEEPS, "its spec.prune is not true")
    return _by_labels(subject, holder, act, f"its spec.prune is true{_asleep(holder)}")


def _with_kustomization(subject: Subject, holder: Live) -> Consequence:
    """What becomes of the object when the Kustomization is deleted: as its deletionPolicy says."""
    owner, act = holder.ref.label, Act.DELETE_OWNER
    if holder.body is None:
        return Consequence(owner, act, Effect.UNKNOWN, ONLY_METADATA)
    spec = mapping(holder.body.get("spec"))
    policy = words(spec.get("deletionPolicy")) or "MirrorPrune"
    if spec.get("suspend") is True:
        return Consequence(owner, act, Effect.KEEPS, "it is suspended: its finalizer then deletes nothing")
    if policy == "Orphan":
        return Consequence(owner, act, Effect.KEEPS, "its deletionPolicy is Orphan")
    if policy == "MirrorPrune" and spec.get("prune") is not True:
        return Consequence(owner, act, Effect.KEEPS, "its deletionPolicy is MirrorPrune, and spec.prune is not true")
    if policy not in _POLICIES:
        return Consequence(owner, act, Effect.UNKNOWN, f"its deletionPolicy {policy} is not known here")
    found = _by_labels(subject, holder, act, f"its deletionPolicy is {policy}")
    if found.effect is Effect.KEEPS:
        return found
    keep = f"suspend it or set its deletionPolicy to Orphan first; or {found.keep}"
    return Consequence(owner, act, found.effect, found.because, keep)


def _by_labels(subject: Subject, holder: Live, act: Act, why: str) -> Consequence:
    """What the live object says of its being pruned: its owner labels, and its opt-outs."""
    owner, live = holder.ref.label, subject.live
    if not _labelled(live, holder, KUSTOMIZE):
        return Consequence(owner, act, Effect.KEEPS, "the object's owner labels do not name it")
    line = command(live.ref, f"{KUSTOMIZE}prune", "disabled")
    keep = (
        f"{KUSTOMIZE}prune: disabled on the live object, by a field manager whose name does not begin with kubectl"
        f" ({line}), or in its source while the manifest is still there"
    )
    return _unless(subject, holder, act, why, _SPARED, keep)


def _unless(
    subject: Subject, holder: Live, act: Act, why: str, spared: tuple[tuple[str, str], ...], keep: str
) -> Consequence:
    owner, doubt = holder.ref.label, None
    for name, value in spared:
        found = opt_out(subject, name, value)
        if found is not None and found.lasts is Lasts.YES:
            return Consequence(owner, act, Effect.KEEPS, f"{name}: {value} is on the live object")
        doubt = doubt or found
    if doubt is not None:
        effect = Effect.DELETES if doubt.lasts is Lasts.NO else Effect.UNKNOWN
        return Consequence(owner, act, effect, f"{why}; {doubt.why}", keep)
    return Consequence(owner, act, Effect.DELETES, f"{why}, and the object's labels name it", keep)


def _labelled(live: Live, holder: Live, prefix: str) -> bool:
    named = (live.labels.get(f"{prefix}namespace"), live.labels.get(f"{prefix}name"))
    return named == (holder.ref.namespace, holder.ref.name)


def _asleep(holder: Live) -> str:
    suspended = mapping(mapping(holder.body).get("spec")).get("suspend") is True
    return " (once it is resumed: it is suspended now)" if suspended else ""


def of_helm_releases(subject: Subject) -> Iterator[Consequence]:
    """What each HelmRelease does that runs a release of the object, or lists it."""
    seen = set()
    for listing in subject.listings:
        holder = subject.runs.get((listing.known.namespace, listing.known.name))
        if holder is not None:
            seen.add(holder.key)
            owner = holder.ref.label
            yield from upgrades(subject, listing, owner)
            for found in uninstalls(subject, listing, owner, LIBRARY):
                yield replace(found, because=f"{found.because} ({_ALSO})")
                yield _with_helm_release(holder, found)
    for holder in subject.holders:
        if holder.ref.kind_key == HELM_RELEASE and holder.key not in seen:
            yield from _without_record(holder)


def _with_helm_release(holder: Live, uninstall: Consequence) -> Consequence:
    """What becomes of the object when the HelmRelease is deleted: its release is uninstalled, or nothing happens."""
    owner, act = holder.ref.label, Act.DELETE_OWNER
    if holder.body is None:
        return Consequence(owner, act, Effect.UNKNOWN, ONLY_METADATA)
    if mapping(holder.body.get("spec")).get("suspend") is True:
        return Consequence(owner, act, Effect.KEEPS, "it is suspended: it then uninstalls nothing")
    if not mapping(holder.body.get("status")).get("storageNamespace"):
        return Consequence(owner, act, Effect.KEEPS, "its status has no storageNamespace: it then uninstalls nothing")
    why = f"it uninstalls its release first: {uninstall.because}"
    keep = f"suspend it first, in its source too; or {uninstall.keep}" if uninstall.keep else None
    return Consequence(owner, act, uninstall.effect, why, keep)


def _without_record(holder: Live) -> Iterator[Consequence]:
    """A HelmRelease that lists the object, of whose release no record was found."""
    suspended = mapping(mapping(holder.body).get("spec")).get("suspend") is True
    why = "no record of its release that lists the object was found or could be read"
    for act in (Act.UPGRADE, Act.UNINSTALL):
        yield Consequence(holder.ref.label, act, Effect.UNKNOWN, why)
    if suspended:
        why = "it is suspended: it then uninstalls nothing"
    yield Consequence(holder.ref.label, Act.DELETE_OWNER, Effect.KEEPS if suspended else Effect.UNKNOWN, why)


def of_operators(subject: Subject) -> Iterator[Consequence]:
    """What each ResourceSet or FluxInstance that lists the object does."""
    for holder in subject.holders:
        prefix = OPERATORS.get(holder.ref.kind_key)
        if prefix is not None:
            for act in (Act.PRUNE, Act.DELETE_OWNER):
                yield _operated(subject, holder, act, prefix)


def _operated(subject: Subject, holder: Live, act: Act, prefix: str) -> Consequence:
    owner, live = holder.ref.label, subject.live
    if act is Act.DELETE_OWNER and told(holder, f"{OPERATOR}reconcile", "disabled"):
        why = f"{OPERATOR}reconcile: disabled is on it: its deletion leaves what it lists"
        return Consequence(owner, act, Effect.KEEPS, why)
    if not _labelled(live, holder, prefix):
        return Consequence(owner, act, Effect.KEEPS, "the object's owner labels do not name it")
    keep = (
        f"{OPERATOR}prune: disabled on the live object, by a field manager whose name does not begin with kubectl"
        f" ({command(live.ref, f'{OPERATOR}prune', 'disabled')}), or in its source while the manifest is still there"
    )
    if act is Act.DELETE_OWNER:
        keep = f"{OPERATOR}reconcile: disabled on the {holder.ref.kind} first; or {keep}"
    return _unless(subject, holder, act, "it prunes what it lists", ((f"{OPERATOR}prune", "disabled"),), keep)


def of_ghosts(subject: Subject) -> Iterator[Consequence]:
    """Whom Flux's labels on the object name, and who does not list it: a controller prunes what its inventory lists."""
    live, inventory, known = subject.live, subject.inventory, {holder.key for holder in subject.holders}
    for prefix, kind in FLUX_LABELS if live.controller is None else ():
        name = live.labels.get(f"{prefix}name")
        key = Key(*kind, live.labels.get(f"{prefix}namespace"), name or "")
        if not name or key in known:
            continue
        label, holder, gap = f"{key.kind} {key.namespace}/{key.name}", inventory.get(key), inventory.gap(*kind)
        if holder is None and gap is None:
            why = f"labelled for {label}, which does not exist here: only a Flux in another cluster would"
            yield Consequence(label, Act.PRUNE, Effect.UNKNOWN, why)
        elif holder is None or holder.body is None:
            yield Consequence(label, Act.PRUNE, Effect.UNKNOWN, gap.text if gap else ONLY_METADATA)
        elif kind == KUSTOMIZATION:
            why = "the object bears its label, but is not in its inventory: it prunes only what that lists"
            yield Consequence(label, Act.PRUNE, Effect.KEEPS, why)


def labelled_holders(live: Live, get: Callable[[Key], Live | None]) -> Iterator[Live]:
    """Those whom Flux's labels name and who keep no inventory (yet): the label is all there is to go by."""
    for prefix, kind in FLUX_LABELS if live.controller is None else ():
        name = live.labels.get(f"{prefix}name")
        holder = get(Key(*kind, live.labels.get(f"{prefix}namespace"), name)) if name else None
        if holder is not None and holder.body is not None and not has_list(holder):
            yield holder
