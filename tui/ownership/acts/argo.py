"""What the acts of Argo CD do to an object that an Application lists. Pure.

Sources: argo-cd controller/sync.go and gitops-engine sync_context.go (pruning), controller/appcontroller.go
(shouldBeDeleted, finalizeApplicationDeletion), docs/user-guide/app_deletion.md. Options are read from the live object,
word for word.
"""

from collections.abc import Iterator
from typing import Final

from tui.helm.manifest import RESOURCE_POLICY
from tui.objects import Live
from tui.ownership.acts.model import Act, Consequence, Effect, Subject
from tui.ownership.acts.opt_outs import Lasts, OptOut, annotation, command
from tui.ownership.conditions import ONLY_METADATA, mapping, sequence
from tui.ownership.holders import APPLICATION
from tui.ownership.references import CRD
from tui.text import clean

OPTIONS: Final = "argocd.argoproj.io/sync-options"
TRACKING: Final = "argocd.argoproj.io/tracking-id"
CASCADES: Final = "resources-finalizer.argocd.argoproj.io"


def of_applications(subject: Subject) -> Iterator[Consequence]:
    """What each Application that lists the object does when its manifest goes, and when it is deleted itself."""
    for holder in subject.holders:
        if holder.ref.kind_key == APPLICATION:
            yield _pruned(subject, holder)
            yield _with_application(subject, holder)


def _pruned(subject: Subject, holder: Live) -> Consequence:
    owner, act, live = holder.ref.label, Act.PRUNE, subject.live
    if holder.body is None:
        return Consequence(owner, act, Effect.UNKNOWN, ONLY_METADATA)
    keep = f"Prune=false on the live object ({command(live.ref, OPTIONS, 'Prune=false')}), or in its source"
    options, policy = annotation(subject, OPTIONS), mapping(mapping(holder.body.get("spec")).get("syncPolicy"))
    if _says(live, OPTIONS, "Prune=false"):
        return _spared(owner, act, options, "Prune=false", keep)
    if "Prune=false" in sequence(policy.get("syncOptions")):
        return Consequence(owner, act, Effect.KEEPS, "Prune=false is among its syncOptions")
    if _says(live, OPTIONS, "Prune=confirm"):
        why = "Prune=confirm: it waits until somebody confirms it, and then deletes it"
        return Consequence(owner, act, Effect.UNKNOWN, why, keep)
    if live.owners:
        return Consequence(owner, act, Effect.KEEPS, "the object has owner references: it prunes no such object")
    if _tracked_by_another(live, holder):
        why = f"its {TRACKING} names another Application, which counts unless Argo CD tracks by label"
        return Consequence(owner, act, Effect.UNKNOWN, why, keep)
    if not _prunes(policy):
        why = "it does not prune by itself: a sync that is asked for with prune deletes it"
        return Consequence(owner, act, Effect.KEEPS, why, keep)
    because = "it prunes by itself, and Prune=false is not among the live object's sync-options"
    if live.annotations.get(RESOURCE_POLICY) == "keep":
        because = f"{because}; {RESOURCE_POLICY}: keep stops no prune"
    return Consequence(owner, act, Effect.DELETES, because, keep)


def _prunes(policy: object) -> bool:
    automated = mapping(policy).get("automated")
    return isinstance(automated, dict) and automated.get("enabled") is not False and automated.get("prune") is True


def _with_application(subject: Subject, holder: Live) -> Consequence:
    """What becomes of the object when the Application is deleted: as its finalizer says."""
    owner, act, live = holder.ref.label, Act.DELETE_OWNER, subject.live
    if not any(name == CASCADES or name.startswith(f"{CASCADES}/") for name in holder.finalizers):
        return Consequence(owner, act, Effect.KEEPS, f"it has no finalizer {CASCADES}, so nothing cascades")
    if live.ref.kind_key == CRD:
        return Consequence(owner, act, Effect.KEEPS, "it deletes no CustomResourceDefinition, but its instances")
    line = command(live.ref, OPTIONS, "Delete=false")
    keep = f"Delete=false on the live object ({line}), or take the finalizer off the Application first"
    for name, value in ((OPTIONS, "Delete=false"), (RESOURCE_POLICY, "keep")):
        if _says(live, name, value):
            return _spared(owner, act, annotation(subject, name), f"{name}: {value}", keep)
    policy = mapping(mapping(mapping(holder.body).get("spec")).get("syncPolicy"))
    if "Delete=false" in sequence(policy.get("syncOptions")):
        return Consequence(owner, act, Effect.KEEPS, "Delete=false is among its syncOptions")
    if holder.body is None:
        return Consequence(owner, act, Effect.UNKNOWN, ONLY_METADATA, keep)
    if _says(live, OPTIONS, "Delete=confirm"):
        why = "Delete=confirm: it waits until somebody confirms it, and then deletes it"
        return Consequence(owner, act, Effect.UNKNOWN, why, keep)
    return Consequence(owner, act, Effect.DELETES, f"its finalizer {CASCADES} cascades", keep)


def _spared(owner: str, act: Act, found: OptOut | None, said: str, keep: str) -> Consequence:
    """An option on the live object, as far as it lasts until the act comes."""
    if found is None or found.lasts is Lasts.YES:
        return Consequence(owner, act, Effect.KEEPS, f"{said} is on the live object")
    effect = Effect.DELETES if found.lasts is Lasts.NO else Effect.UNKNOWN
    return Consequence(owner, act, effect, found.why, keep)


def _says(live: Live, name: str, value: str) -> bool:
    """Whether this is one of an annotation's values, parted by commas (gitops-engine sync/resource/annotations.go)."""
    return value in (part.strip() for part in live.annotations.get(name, "").split(","))


def _tracked_by_another(live: Live, holder: Live) -> bool:
    """Whether the object's tracking id names another Application than this one: by its name, or its namespace's too."""
    app, colon, _ = clean(live.annotations.get(TRACKING, "")).partition(":")
    return bool(colon) and app not in (holder.ref.name, f"{holder.ref.namespace}_{holder.ref.name}")
