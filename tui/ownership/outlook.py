"""What happens next: for any object, who re-creates or reverts it, when, and why not; and what owners' acts do. Pure.

Asked of an assessment; nothing here is guessed: where an owner's mark proves that it owns an object but not what it
will do, or where something could not be read, the answer is "could not tell".
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from tui.helm.model import Record
from tui.helm.records import PREFIX
from tui.objects import Inventory, Key, KindKey, Live, Ref
from tui.ownership.acts.table import Acts
from tui.ownership.conditions import mapping, sequence, words
from tui.ownership.controllers import Controllers
from tui.ownership.evidence import FLUX_LABELS, HELM_RELEASE, HOLDER_LABELS, INVENTORIES
from tui.ownership.holders import APPLICATION, Holders, has_list
from tui.ownership.model import Assessment, Attribution, Evidence, FamilyView, Source, State
from tui.ownership.outlook_argo import of_application
from tui.ownership.outlook_flux import of_holder
from tui.ownership.outlook_model import Event, Outlook, Prospect
from tui.ownership.outlook_natural import Below, of_owners, of_scaler, of_service, of_system, of_time, scalers_of
from tui.ownership.references import service_of
from tui.ownership.releases import STORAGE_KINDS

__all__ = ["Event", "Outlook", "Outlooks", "Prospect", "after"]

_STORAGE: Final = frozenset(KindKey("", kind) for kind in STORAGE_KINDS)
_NOBODY: Final = {
    Event.DELETED: "re-creates it",
    Event.CHANGED: "sets it back",
}
_MAY: Final = {
    Event.DELETED: "may make it again",
    Event.CHANGED: "may set it back",
}


class Outlooks:
    """The outlook of any object of one assessment. ``now`` is the time of the reading, with an offset.

    Building it walks the inventory a few times; asking it walks little. Build one and ask it for every object.
    """

    def __init__(self, assessment: Assessment, now: datetime) -> None:
        self._assessment = assessment
        self._inventory: Inventory = assessment.inventory
        self._now = now
        self._controllers = Controllers(assessment.inventory, now)
        self._scalers = scalers_of(assessment.inventory)
        self.below = Below(assessment.inventory)
        labels = {kind: prefix for prefix, kinds in HOLDER_LABELS.items() for kind in kinds}
        holders = Holders(self._inventory, INVENTORIES.values(), labels)
        self._holders = holders.of
        self._by_release: dict[tuple[str, str], Live] = {}
        gaps = (self._inventory.gap(*kind) for kind in INVENTORIES.values())
        self._unread = next((gap.text for gap in gaps if gap), "")
        if not self._unread and holders.unread:
            self._unread = f"the list of {holders.unread} could not be read"
        self.acts = Acts(assessment.inventory, assessment.listings, holders.of, self._unread)
        for holder in self._inventory.of_kind(*HELM_RELEASE):
            status = mapping(mapping(holder.body).get("status"))
            for past in map(mapping, sequence(status.get("history"))):
                self._by_release[words(past.get("namespace")), words(past.get("name"))] = holder

    def of(self, key: Key) -> Outlook:
        """The outlook of one object, live or missing; of an object that nobody knows, that nobody acts."""
        live = self._inventory.get(key)
        service = service_of(self._inventory, key, live) if live is not None else None
        if service is not None:
            found = list(of_service(service))
        elif live is not None and (live.owners or "ownerReferences" in live.damaged):
            found = [*of_owners(live, self._inventory), *self._held(key, live)]
        else:
            found = [*self._held(key, live), *self._released(key, live)]
        if live is not None:
            found += [*of_system(live), *of_scaler(live, self._scalers)]
        found += self._others(key, found)
        found += self._nobody(found, live)
        notes = (*of_time(live, self._now), *self.below.of(live), *_of_record(live)) if live is not None else ()
        return Outlook(live is not None, tuple(found), notes, self.acts.of(key, self._evidence(key)))

    def after(self, word: str, ref: Ref) -> str:
        """What follows a plan's action on one object, as :func:`after` says it."""
        outlook = self.of(ref.key)
        if word in ("delete", "remove-finalizer", "retire"):
            return _gone(outlook)
        if word in ("resume", "reconcile"):
            return self._resumed(ref)
        if word in ("create", "restore", "recreate"):
            return _made(outlook, ref)
        return _stays(outlook)

    def _held(self, key: Key, live: Live | None) -> list[Prospect]:
        """What the Kustomizations and HelmReleases do whose inventory, labels or release hold the object."""
        lists = (self._inventory.get(ref.key) for ref in self._holders.get(key, ()))
        holders = {holder.key: holder for holder in lists if holder is not None}
        ghosts: list[Prospect] = []
        for prefix, kind in FLUX_LABELS if live is not None and live.controller is None else ():
            name = live.labels.get(f"{prefix}name") if live is not None else None
            if name and live is not None:
                holder = Key(*kind, live.labels.get(f"{prefix}namespace"), name)
                ghosts += self._labelled(holder, holders, self._inventory.get(holder))
        release = self._release_of(key, live)
        runs = self._by_release.get(release) if release else None
        if runs is not None:
            holders.setdefault(runs.key, runs)
        return [*(each for holder in holders.values() for each in self._by(holder, live)), *ghosts]

    def _by(self, holder: Live, live: Live | None) -> Iterator[Prospect]:
        if holder.ref.kind_key == APPLICATION:
            return of_application(holder, self._inventory)
        return of_holder(holder, live, self._controllers, self._now)

    def _labelled(self, key: Key, holders: dict[Key, Live], holder: Live | None) -> Iterator[Prospect]:
        """A label whose holder lists the object is nothing new; one whose holder does not is a ghost."""
        if key in holders:
            return
        label = f"{key.kind} {key.namespace}/{key.name}"
        gap = self._inventory.gap(key.group, key.kind)
        if holder is None and gap is None:
            why = f"labelled for {label}, which does not exist here: only a Flux in another cluster would"
            for event, what in _MAY.items():
                yield Prospect(event, None, label, what, "", why)
            return
        if gap is not None or holder is None or holder.body is None:
            for event, what in _MAY.items():
                yield Prospect(event, None, label, what, "", gap.text if gap else "only its metadata was read")
            return
        if not has_list(holder):
            holders[key] = holder  # It keeps no inventory (yet): its label is all there is to go by.
            return
        why = "the object bears its label, but is not in its inventory"
        for event in Event:
            yield Prospect(event, False, label, f"no longer {_NOBODY[event]}", "", why)

    def _release_of(self, key: Key, live: Live | None) -> tuple[str, str] | None:
        """(namespace, name) of the release that the object is stamped with, or that lists it while it is missing."""
        stamp = self._assessment.attributions.get(key)
        if live is not None:
            name = live.annotations.get("meta.helm.sh/release-name")
            return (live.annotations.get("meta.helm.sh/release-namespace", ""), name) if name else None
        lost = next((m for m in self._assessment.missing if m.ref.key == key), None)
        view = self._assessment.family(lost.family) if lost else None
        if lost and view:
            return view.family.namespace, lost.release
        return (key.namespace or "", stamp.release) if stamp and stamp.release else None

    def _released(self, key: Key, live: Live | None) -> Iterator[Prospect]:
        """What the owner of a Helm release does that no HelmRelease runs: nothing, until its own next upgrade."""
        release = self._release_of(key, live)
        if release is not None and release in self._by_release:
            return
        row = self._assessment.attributions.get(key)
        listed = next((e for e in row.evidence if e.source is Source.MANIFEST), None) if row else None
        if row is None or listed is None:
            return
        active = next((view.active for view in self._assessment.families if _lists(view, key)), None)
        yield from _by_hand(listed, active, live, row)

    def _others(self, key: Key, found: list[Prospect]) -> list[Prospect]:
        """Owners whose marks prove that they own the object, and not what they do."""
        mine = self._evidence(key)
        explained = {e.owner for e in mine if e.source in (Source.INVENTORY, Source.MANIFEST)}
        if found:
            # A label of Flux's is explained by what its holder does, or no longer does.
            explained |= {e.owner for e in mine if e.source is Source.LABEL and "toolkit.fluxcd.io/" in e.text}
        rest: dict[str, Evidence] = {}
        for evidence in mine:
            if evidence.owner not in explained:
                rest.setdefault(evidence.owner, evidence)
        why = "its mark says that it owns the object, not what it does ({})"
        return [
            Prospect(event, None, f"owner {owner}", _MAY[event], "", why.format(evidence.text))
            for owner, evidence in rest.items()
            for event in _MAY
        ]

    def _evidence(self, key: Key) -> tuple[Evidence, ...]:
        """The marks that make the object somebody's; none of what is stale, below a controller, or Helm's record."""
        row = self._assessment.attributions.get(key)
        if row is None or row.root != key or row.state is State.STALE or _is_record(self._inventory.get(key)):
            return ()
        return row.evidence

    def _nobody(self, found: list[Prospect], live: Live | None) -> Iterator[Prospect]:
        for event, what in _NOBODY.items():
            if any(prospect.event is event for prospect in found):
                continue
            if self._unread:
                yield Prospect(event, None, "a holder that could not be read", _MAY[event], "", self._unread)
            else:
                lists = "no controller, no inventory" if live else "no inventory"
                yield Prospect(event, False, "nobody", what, "", f"{lists} and no release in force lists it")

    def _resumed(self, ref: Ref) -> str:
        """What a Flux object does once it is resumed or asked to reconcile, and how much of what it lists is gone."""
        keys = [key for key, holders in self._holders.items() if any(h.key == ref.key for h in holders)]
        if not keys:
            return "it reconciles at once; what it then changes could not be told beforehand"
        gone = sum(1 for key in keys if key not in self._inventory.objects and self._inventory.readable(*key[:3]))
        lost = f"; {gone} of them are gone and come back" if gone else ""
        return f"it reconciles at once and sets back the {len(keys)} objects that it lists{lost}"


def after(word: str, ref: Ref, assessment: Assessment, now: datetime) -> str:
    """What happens next once a plan's action on ``ref`` is done: one sentence for an entry's ``then``.

    ``word`` is the action's own word (``delete``, ``adopt``, ``recreate``, ``create``, ``repair``, ``restore``,
    ``reconcile``, ``resume``, ``remove-finalizer``, ``retire``). Deleting words answer who re-creates the object, when
    or why not, and what goes along; making words answer who owns it from then on and what its controller does; the
    rest answers who would set it back. ``assessment`` is the one that the plan is drawn from and ``now`` the time of
    its reading, with an offset. For many entries build one :class:`Outlooks` and ask its ``after``.
    """
    return Outlooks(assessment, now).after(word, ref)


def _lists(view: FamilyView, key: Key) -> bool:
    return bool(view.active and view.listed and key in view.listed[0].documents)


def _by_hand(listed: Evidence, active: Record | None, live: Live | None, row: Attribution) -> Iterator[Prospect]:
    """Prospects of a release that only its owner's own command upgrades."""
    name = active.name if active else row.release or "its release"
    who, owner = f"Helm release {name}", listed.owner
    away = "does not re-create it before its owner's next upgrade"
    if live is None:
        away = "comes back whole only with its owner's next upgrade"
    why = f"nothing watches it; {owner} reads the release's record, which still says that the object is there"
    yield Prospect(Event.DELETED, False, who, away, "", why)
    sets = "sets back what its chart sets"
    if active and active.apply_method == "ssa":
        sets = f"{sets}, or stops on a conflict"
    what = f"leaves the change until its owner's next upgrade, which {sets}"
    yield Prospect(Event.CHANGED, False, who, what, "", f"nothing watches it for {owner}")


def _is_record(live: Live | None) -> bool:
    """Whether the object is one of Helm's records: Helm itself is no controller, and makes none again."""
    if live is None or live.ref.kind_key not in _STORAGE:
        return False
    return live.ref.name.startswith(PREFIX) and live.labels.get("owner") == "helm"


def _of_record(live: Live) -> Iterator[str]:
    """What Helm loses with one of its records; the objects that it lists stay."""
    if _is_record(live):
        name, revision = words(live.labels.get("name"), 60), words(live.labels.get("version"), 20)
        yield (
            f"deleting it makes Helm forget revision {revision} of {name}; what that made stays, and without any"
            " record left an install under another name is refused over it"
        )


def _gone(outlook: Outlook) -> str:
    said = [p.text for p in outlook.of(Event.DELETED)]
    return "; ".join(dict.fromkeys((*said, *outlook.notes)))


def _stays(outlook: Outlook) -> str:
    return "; ".join(dict.fromkeys(p.text for p in outlook.of(Event.CHANGED)))


def _made(outlook: Outlook, ref: Ref) -> str:
    """What a made object meets: its controller's work, and whoever keeps it as it is from then on."""
    comes = {
        KindKey("apps", "Deployment"): "the Deployment controller starts its pods",
        KindKey("apps", "StatefulSet"): "the StatefulSet controller starts its pods in order",
        KindKey("apps", "DaemonSet"): "the DaemonSet controller starts a pod on every node it means",
        KindKey("batch", "Job"): "the Job controller runs it again",
        KindKey("apiextensions.k8s.io", "CustomResourceDefinition"): (
            "its kind is served again once it is Established; instances that were deleted do not come back"
        ),
    }.get(ref.kind_key)
    keepers = [p.text for p in outlook.of(Event.CHANGED) if p.acts is not False]
    belongs = "it belongs to its owner again, whose next upgrade takes it along"
    return "; ".join([comes or belongs, *keepers])
