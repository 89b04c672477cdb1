"""What Kubernetes' own controllers do next to an object: owners, the garbage collector, autoscalers, time. Pure."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final

from tui.objects import Inventory, Key, KindKey, Live, Owner, Ref
from tui.ownership.acts.references import parent_of
from tui.ownership.conditions import integer, mapping, moment, span, words
from tui.ownership.outlook_model import Event, Prospect
from tui.ownership.references import CLUSTER_ROLE, CRD, HPA, scaled_by

REPLACED: Final[Mapping[KindKey, str]] = {
    KindKey("apps", "Deployment"): "at once",
    KindKey("apps", "ReplicaSet"): "at once",
    KindKey("apps", "StatefulSet"): "at once",
    KindKey("apps", "DaemonSet"): "at once, on every node that it means",
    KindKey("", "ReplicationController"): "at once",
    KindKey("batch", "Job"): "at once, unless it has finished or failed for good",
    KindKey("", "Service"): "at once",
}
"""Controllers of Kubernetes' own that replace what they made, and when."""

SCALED: Final = frozenset(
    {KindKey("apps", "Deployment"), KindKey("apps", "StatefulSet"), KindKey("apps", "ReplicaSet")}
)
NAMESPACE: Final = KindKey("", "Namespace")

_REMADE: Final[Mapping[tuple[str, str], str]] = {
    ("ConfigMap", "kube-root-ca.crt"): "the controller manager",
    ("ServiceAccount", "default"): "the controller manager",
    ("Service", "kubernetes"): "the API server",
}
_AUTOUPDATE: Final = "rbac.authorization.kubernetes.io/autoupdate"


def of_owners(live: Live, inventory: Inventory) -> Iterator[Prospect]:
    """What the object's owner references promise: its controller replaces it."""
    if "ownerReferences" in live.damaged:
        why = "its ownerReferences are damaged"
        yield Prospect(Event.DELETED, None, "its controller", "may replace it", "", why)
        return
    for owner in live.owners:
        parent, doubt = parent_of(live, owner, inventory)
        label = parent.ref.label if parent else f"{owner.kind} {owner.name}"
        if doubt:
            yield from _unread(owner, label, doubt)
        elif parent is None:
            yield from _orphaned(label)
        else:
            yield from _kept_by(live, owner, parent)


def of_service(service: Live) -> Iterator[Prospect]:
    """What the endpoints controller does to the Endpoints of a Service."""
    who, sure = "the endpoints controller", service.body is not None
    why = "" if sure else f"only the metadata of {service.ref.label} was read: it may select no pods"
    yield Prospect(Event.DELETED, sure or None, who, "makes it again" if sure else "may make it again", "at once", why)
    yield Prospect(Event.CHANGED, sure or None, who, "sets it back" if sure else "may set it back", "at once", why)


def _unread(owner: Owner, label: str, doubt: str) -> Iterator[Prospect]:
    if owner.controller:
        yield Prospect(Event.DELETED, None, label, "may replace it", "", doubt)
        yield Prospect(Event.CHANGED, None, label, "may set it back", "", doubt)


def _orphaned(label: str) -> Iterator[Prospect]:
    why = f"its owner {label} is gone, or is another one of that name"
    yield Prospect(Event.DELETED, False, label, "does not replace it", "", why)


def _kept_by(live: Live, owner: Owner, parent: Live) -> Iterator[Prospect]:
    if owner.controller:
        when = REPLACED.get(parent.ref.kind_key)
        if parent.deleting:
            why = f"it is itself being deleted since {parent.deleting}"
            yield Prospect(Event.DELETED, False, parent.ref.label, "does not replace it", "", why)
        elif when is not None:
            yield Prospect(Event.DELETED, True, f"the controller of {parent.ref.label}", "makes another", when)
            yield from _changed_below(live, parent)
        elif parent.ref.kind_key == KindKey("batch", "CronJob"):
            what = "does not replace it; it makes the next one on its schedule"
            yield Prospect(Event.DELETED, False, parent.ref.label, what)
        else:
            why = f"what the controller of a {parent.ref.kind} does is not known here"
            yield Prospect(Event.DELETED, None, f"the controller of {parent.ref.label}", "may make it again", "", why)
            yield Prospect(Event.CHANGED, None, f"the controller of {parent.ref.label}", "may set it back", "", why)


def _changed_below(live: Live, parent: Live) -> Iterator[Prospect]:
    if live.ref.kind == "Pod":
        what = "leaves the change, and replaces the pod without it one day"
        yield Prospect(Event.CHANGED, False, f"the controller of {parent.ref.label}", what)
    else:
        what = "sets back what it manages (the number of replicas, say)"
        yield Prospect(Event.CHANGED, True, f"the controller of {parent.ref.label}", what, "at its next step")


def of_system(live: Live) -> Iterator[Prospect]:
    """What the cluster makes for itself, or keeps as it was."""
    who = _REMADE.get((live.ref.kind, live.ref.name))
    if who is not None:
        yield Prospect(Event.DELETED, True, who, "makes it again", "at once")
    if live.annotations.get(_AUTOUPDATE) == "true":
        for event, what in ((Event.DELETED, "makes it again"), (Event.CHANGED, "adds back what is missing of it")):
            yield Prospect(event, True, "the API server", what, "when it starts", f"{_AUTOUPDATE}: true")
    if live.ref.kind_key == CLUSTER_ROLE and (live.body or {}).get("aggregationRule"):
        what = "sets its rules to those it aggregates"
        yield Prospect(Event.CHANGED, True, "the controller manager", what, "at once", "aggregationRule")


def of_time(live: Live, now: datetime) -> Iterator[str]:
    """What time alone does to the object: a Job's end, a deletion that waits for finalizers."""
    body = mapping(live.body)
    ttl = integer(mapping(body.get("spec")).get("ttlSecondsAfterFinished"))
    if live.ref.kind_key == KindKey("batch", "Job") and ttl is not None and 0 <= ttl <= 10**9:
        done = moment(mapping(body.get("status")).get("completionTime"))
        left = done + timedelta(seconds=ttl) - now if done else None
        when = f"in {span(left)}" if left else f"{span(timedelta(seconds=ttl))} after it has finished"
        yield f"the TTL controller deletes it {when} (spec.ttlSecondsAfterFinished: {ttl})"
    names = ", ".join(words(name, 80) for name in live.finalizers[:6])
    if live.deleting:
        held = f": held by {names}, whose controllers must act" if names else ", and waits only for its grace to end"
        yield f"it is being deleted since {live.deleting}{held}"
    elif names:
        yield f"if it is deleted, it stays until its finalizers are removed by their controllers: {names}"


def of_scaler(live: Live, scalers: Mapping[Key, Ref]) -> Iterator[Prospect]:
    """The autoscaler that sets the number of replicas, whoever else does."""
    scaler = scalers.get(live.key)
    if scaler is not None and live.ref.kind_key in SCALED:
        yield Prospect(Event.CHANGED, True, scaler.label, "sets spec.replicas", "within seconds, whoever changes it")


class Below:
    """What is below each object, counted once over an inventory: content, instances and dependents."""

    def __init__(self, inventory: Inventory) -> None:
        self._inventory = inventory
        self._inside: Counter[str | None] = Counter(key.namespace for key in inventory.objects)
        self._instances: Counter[tuple[str, str]] = Counter(key[:2] for key in inventory.objects)
        self.dependents: dict[str, list[Ref]] = {}
        """What names an object of a uid as its owner."""
        for live in inventory.objects.values():
            for owner in live.owners:
                self.dependents.setdefault(owner.uid, []).append(live.ref)

    def of(self, live: Live) -> Iterator[str]:
        """What goes along when the object is deleted."""
        kind = live.ref.kind_key
        if kind == NAMESPACE:
            yield f"deleting it deletes everything in it: {_were_read(self._inside[live.ref.name], 'object')} there"
        elif kind == CRD:
            spec = mapping(mapping(live.body).get("spec"))
            meant = (words(spec.get("group")), words(mapping(spec.get("names")).get("kind")))
            gap = self._inventory.gap(*meant)
            many = f"could not be counted ({gap.text})" if gap else _were_read(self._instances[meant], "instance")
            yield f"deleting it deletes every {meant[1] or 'instance'} in every namespace, for good: {many}"
        names = sorted(ref.label for ref in self.dependents.get(live.ref.uid or "", ()))
        if names:
            some = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
            yield f"deleting it deletes what it owns, unless that has other owners: {some}"


def _were_read(count: int, what: str) -> str:
    return f"1 {what} was read" if count == 1 else f"{count} {what}s were read"


def scalers_of(inventory: Inventory) -> dict[Key, Ref]:
    """The HorizontalPodAutoscaler of every object that one scales."""
    found: dict[Key, Ref] = {}
    for live in inventory.of_kind(*HPA):
        target = scaled_by(live.body or {})
        if target is not None:
            found[target] = live.ref
    return found
