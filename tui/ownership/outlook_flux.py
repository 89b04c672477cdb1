"""What Flux does next to an object that a Kustomization, a HelmRelease or a flux-operator object lists. Pure.

What follows when a manifest or a holder goes is told in ``tui.ownership.acts.flux``. Sources: kustomize-controller
kustomization_controller.go (apply), fluxcd/pkg ssa (opt-outs), helm-controller docs/spec/v2 (drift detection).
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from tui.objects import Live
from tui.ownership.acts.opt_outs import KUSTOMIZE
from tui.ownership.conditions import CheckStatus, conditions_of, mapping, sequence, words
from tui.ownership.controllers import Controllers
from tui.ownership.outlook_model import Event, Prospect
from tui.ownership.schedule import Schedule, last_reconcile, next_reconcile

DRIFT: Final = "helm.toolkit.fluxcd.io/driftDetection"
OPERATOR_RECONCILE: Final = "fluxcd.controlplane.io/reconcile"
OPERATOR_EVERY: Final = "fluxcd.controlplane.io/reconcileEvery"

MAX_PATHS: Final = 5
"""Ignored paths that a sentence names; the rest is counted."""


class _Standing(NamedTuple):
    """How a holder stands: ``acts`` False with a reason where it does nothing, None where that is not known."""

    acts: bool | None
    when: str
    why: str


def opt_out(live: Live | None, name: str) -> str:
    """An opt-out's value in lower case, from a label or an annotation; empty where there is none."""
    if live is None:
        return ""
    return (live.annotations.get(name) or live.labels.get(name) or "").strip().lower()


def of_holder(holder: Live, live: Live | None, controllers: Controllers, now: datetime) -> Iterator[Prospect]:
    """What one Kustomization, HelmRelease or flux-operator object that lists ``live`` does; None: it is missing."""
    standing = _standing(holder, controllers, now)
    if holder.ref.kind == "Kustomization":
        yield from _kustomization(holder, live, standing)
    elif holder.ref.kind == "HelmRelease":
        yield from _helm_release(holder, live, standing)
    else:
        yield from _operator(holder, standing)


def _standing(holder: Live, controllers: Controllers, now: datetime) -> _Standing:
    if holder.body is None:
        return _Standing(None, "", "only its metadata was read")
    spec, status = mapping(holder.body.get("spec")), mapping(holder.body.get("status"))
    if holder.deleting:
        return _Standing(None, "", f"it is itself being deleted since {holder.deleting}")
    if spec.get("suspend") is True or opt_out(holder, OPERATOR_RECONCILE) == "disabled":
        return _Standing(False, "once it is resumed", "it is SUSPENDED")
    pulse = controllers.acting_on(holder)
    if pulse.status is CheckStatus.FAILED:
        return _Standing(False, "once its controller runs again", pulse.text)
    if pulse.status is CheckStatus.UNKNOWN:
        return _Standing(None, "", pulse.text)
    return _timed(holder, spec, status, now)


def _timed(holder: Live, spec: Mapping[str, Any], status: Mapping[str, Any], now: datetime) -> _Standing:
    """When a holder whose controller is alive acts next."""
    ready = conditions_of(holder).get("Ready")
    failing = ready is not None and ready.status == "False"
    interval = spec.get("interval") or holder.annotations.get(OPERATOR_EVERY)
    if failing and spec.get("retryInterval"):
        interval = spec["retryInterval"]
    schedule: Schedule = next_reconcile(interval, last_reconcile(status), now)
    if failing and ready is not None:
        why = f"its last attempt failed ({words(ready.text, 160)}): not before one succeeds"
        return _Standing(None, schedule.when, why)
    if not schedule.sure:
        return _Standing(None, schedule.when, "its time could not be told: see that it reconciles at all")
    return _Standing(True, schedule.when, "")


def _kustomization(holder: Live, live: Live | None, standing: _Standing) -> Iterator[Prospect]:
    yield _applied(holder, live, standing, Event.DELETED)
    yield _applied(holder, live, standing, Event.CHANGED)


def _applied(holder: Live, live: Live | None, standing: _Standing, event: Event) -> Prospect:
    """Whether the object is applied again after it was deleted, or after it was changed."""
    back = "re-creates it" if event is Event.DELETED else "sets back every field that its manifest sets, by force"
    optional, where = _skips(live, event)
    if optional and (standing.acts or standing.acts is None):
        if event is Event.DELETED and not _set_by_flux(live):
            # The mark on the live object goes with it; whether git has it too cannot be read here.
            why = f"{where}: it stays away where the manifest carries the opt-out as well"
            return Prospect(event, None, holder.ref.label, back, standing.when, why)
        what = "does not re-create it" if event is Event.DELETED else "leaves the change"
        return Prospect(event, False, holder.ref.label, what, "", where)
    merge = " (what other tools added to it stays: ssa: Merge)" if opt_out(live, f"{KUSTOMIZE}ssa") == "merge" else ""
    return _prospect(event, holder, standing, back + (merge if event is Event.CHANGED else ""))


def _skips(live: Live | None, event: Event) -> tuple[bool, str]:
    if opt_out(live, f"{KUSTOMIZE}reconcile") == "disabled":
        return True, f"{KUSTOMIZE}reconcile: disabled"
    ssa = opt_out(live, f"{KUSTOMIZE}ssa")
    # IfNotPresent counts in the manifest alone, so that only what Flux itself has set is known to count.
    if ssa == "ignore" or (ssa == "ifnotpresent" and event is Event.CHANGED and _set_by_flux(live)):
        return True, f"{KUSTOMIZE}ssa: {ssa}"
    return False, ""


def _set_by_flux(live: Live | None) -> bool:
    """Whether the opt-out came with the manifest: kustomize-controller itself holds the field."""
    for manager in live.managers if live else ():
        if manager.name == "kustomize-controller":
            meta = mapping(manager.fields.get("f:metadata"))
            held = {*mapping(meta.get("f:annotations")), *mapping(meta.get("f:labels"))}
            if held & {f"f:{KUSTOMIZE}reconcile", f"f:{KUSTOMIZE}ssa"}:
                return True
    return False


def _helm_release(holder: Live, live: Live | None, standing: _Standing) -> Iterator[Prospect]:
    spec = mapping(mapping(holder.body).get("spec"))
    mode = (words(mapping(spec.get("driftDetection")).get("mode")) or "disabled").lower()
    off = opt_out(live, DRIFT) == "disabled"
    for event, back in (
        (Event.DELETED, "re-creates it"),
        (Event.CHANGED, "sets back what its chart sets"),
    ):
        if holder.body is None or (mode == "enabled" and not off):
            ignored, doubt = _ignored(spec, live) if event is Event.CHANGED else ("", False)
            settled = standing._replace(acts=None) if doubt and standing.acts else standing
            yield _prospect(event, holder, settled, f"{back}{ignored}")
            continue
        why = f"{DRIFT}: disabled" if off else f"drift detection is {'only to warn' if mode == 'warn' else 'off'}"
        what = "does not re-create it" if event is Event.DELETED else "does not set it back"
        when = "before its next upgrade, with another chart or other values"
        if standing.acts is False:
            why, when = f"{why}, and {standing.why}", f"before its next upgrade, {standing.when}".rstrip(", ")
        yield Prospect(event, False, holder.ref.label, what, when, why)


def _ignored(spec: Mapping[str, Any], live: Live | None) -> tuple[str, bool]:
    """What drift detection is told to overlook on this object, and whether that could not be told for sure."""
    paths: list[str] = []
    doubt = False
    for entry in sequence(mapping(spec.get("driftDetection")).get("ignore")):
        rule = mapping(entry)
        meant = _targets(mapping(rule.get("target")), live)
        doubt = doubt or meant is None
        if meant is not False:
            paths += [words(path, 80) for path in sequence(rule.get("paths"))]
    if not paths:
        return "", False
    named = ", ".join(path or "the whole object" for path in paths[:MAX_PATHS])
    more = f" and {len(paths) - MAX_PATHS} more" if len(paths) > MAX_PATHS else ""
    return f", but {'perhaps ' if doubt else ''}for {named}{more}, which it ignores", doubt


def _targets(target: Mapping[str, Any], live: Live | None) -> bool | None:
    """Whether an ignore rule's target means the object; None where its patterns or selectors leave it open."""
    if live is None:
        return None
    group, _, version = live.ref.api_version.rpartition("/")
    have = {
        "group": group,
        "version": version,
        "kind": live.ref.kind,
        "name": live.ref.name,
        "namespace": live.ref.namespace or "",
    }
    open_ = False
    for name, value in have.items():
        wanted = target.get(name)
        if wanted in (None, "") or wanted == value:
            continue
        if not isinstance(wanted, str) or not set(wanted).isdisjoint(r".*+?[](){}|\^$"):
            open_ = True
        else:
            return False
    return None if open_ or target.get("labelSelector") or target.get("annotationSelector") else True


def _operator(holder: Live, standing: _Standing) -> Iterator[Prospect]:
    yield _prospect(Event.DELETED, holder, standing, "re-creates it")
    yield _prospect(Event.CHANGED, holder, standing, "sets back every field that it sets, by force")


def _prospect(event: Event, holder: Live, standing: _Standing, what: str) -> Prospect:
    acts = {True: what, None: f"may {_plain(what)}", False: f"does nothing now, and {what}"}[standing.acts]
    return Prospect(event, standing.acts, holder.ref.label, acts, standing.when, standing.why)


def _plain(what: str) -> str:
    """``re-creates it`` as ``re-create it``: after "may"."""
    verb, _, rest = what.partition(" ")
    return f"{verb.removesuffix('s')} {rest}"
