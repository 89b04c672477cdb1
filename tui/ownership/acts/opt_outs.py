"""What an object itself says that it is to be spared, and whether that is still there when the act comes. Pure.

Flux folds what kubectl's field managers hold into its own before each apply, and so takes away what only they set
(fluxcd/pkg ssa/patch.go PatchReplaceFieldsManagers, tried with kustomize-controller 1.9): an annotation set with
kubectl on an object that a Kustomization applies lasts until its next interval, unless ``ssa: Merge`` is beside it.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, NamedTuple

from tui.objects import KindKey, Live, Manager, Ref
from tui.ownership.acts.model import Subject
from tui.ownership.conditions import mapping
from tui.text import clean

KUSTOMIZE: Final = "kustomize.toolkit.fluxcd.io/"
OPERATOR: Final = "fluxcd.controlplane.io/"
MANAGER: Final = "rescue"
"""A field manager's name for what must outlast the next apply: any that does not begin with ``kubectl``."""

APPLIES: Final[Mapping[KindKey, str]] = {
    KindKey("kustomize.toolkit.fluxcd.io", "Kustomization"): KUSTOMIZE,
    KindKey("fluxcd.controlplane.io", "ResourceSet"): OPERATOR,
    KindKey("fluxcd.controlplane.io", "FluxInstance"): OPERATOR,
}
"""The kinds whose controller takes away, at each apply, what kubectl alone has set; how their opt-outs begin."""


class Lasts(StrEnum):
    """Whether a label or annotation is still there when the act comes."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class OptOut(NamedTuple):
    """A label or annotation as it is written, and whether it lasts until the act; ``why`` says why it may not."""

    text: str
    lasts: Lasts
    why: str = ""


def told(live: Live, name: str, value: str) -> bool:
    """Whether a label or an annotation has this value, in any case: as Flux reads it (fluxcd/pkg ssa/utils/meta.go)."""
    return any(said.lower() == value for said in _said(live, name).values())


def opt_out(subject: Subject, name: str, value: str) -> OptOut | None:
    """The opt-out of this name and value, in any case, as a label or an annotation; None where it is not there."""
    sections = [part for part, said in _said(subject.live, name).items() if said.lower() == value]
    return _worth(subject, name, value, sections) if sections else None


def annotation(subject: Subject, name: str) -> OptOut | None:
    """The annotation of this name, whatever it says, and whether it lasts; None where it is not there."""
    value = subject.live.annotations.get(name)
    return None if value is None else _worth(subject, name, value, ["annotations"])


def command(ref: Ref, name: str, value: str) -> str:
    """The line that sets an annotation so that it lasts."""
    return f"kubectl annotate {ref.kubectl} {name}={value} --field-manager={MANAGER}"


def _said(live: Live, name: str) -> dict[str, str]:
    found: dict[str, Mapping[str, str]] = {"annotations": live.annotations, "labels": live.labels}
    return {part: texts[name] for part, texts in found.items() if name in texts}


def _worth(subject: Subject, name: str, value: str, sections: list[str]) -> OptOut:
    text = f"{name}: {clean(value, 80)}"
    applier = _applier(subject)
    if applier is None:
        return OptOut(text, Lasts.YES)
    setters = [_setters(subject.live, part, name) for part in sections]
    if any(found is not None and not _taken_away(found) for found in setters):
        return OptOut(text, Lasts.YES)
    if None in setters:
        why = f"{text} is there, but who set it cannot be told, and {applier.ref.label} takes away what kubectl did"
        return OptOut(text, Lasts.UNKNOWN, why)
    who = ", ".join(sorted({manager.name for found in setters for manager in found or ()}))
    why = f"{text} is there, but only {who} holds it, and {applier.ref.label} takes that away at its next apply"
    return OptOut(text, Lasts.NO, why)


def _applier(subject: Subject) -> Live | None:
    """Who applies the object and takes away what kubectl set; nobody where it is excluded from being applied."""
    return next((holder for holder in subject.holders if _applies(holder, subject.live)), None)


def _applies(holder: Live, live: Live) -> bool:
    """Whether a holder's next apply takes away what kubectl set: not where it skips the object, or is told to merge."""
    prefix = APPLIES.get(holder.ref.kind_key)
    if prefix is None:
        return False
    spared = told(live, f"{prefix}reconcile", "disabled") or told(live, f"{prefix}ssa", "ignore")
    return not (spared or (prefix == KUSTOMIZE and told(live, f"{prefix}ssa", "merge")))


def _setters(live: Live, section: str, name: str) -> frozenset[Manager] | None:
    """The field managers that hold a label or annotation; None where that cannot be told."""
    if "managedFields" in live.damaged or not live.managers:
        return None
    if not any(manager.packed for manager in live.managers):
        # No sets are kept of what one manager has to itself.
        return frozenset(live.managers)
    return frozenset(
        manager
        for manager in live.managers
        if f"f:{name}" in mapping(mapping(manager.fields.get("f:metadata")).get(f"f:{section}"))
    )


def _taken_away(setters: frozenset[Manager]) -> bool:
    """Whether all that hold a field are folded into Flux's own manager; what nobody holds, nobody takes away."""
    return bool(setters) and all(
        manager.name.startswith("kubectl")
        or manager.name == "before-first-apply"
        or (manager.name == "kustomize-controller" and manager.operation == "Update")
        for manager in setters
    )
