"""The data behind claims: which volumes were a missing claim's, and the lines that give one back. Pure.

A volume whose claim was deleted keeps its ``spec.claimRef`` with the uid of that claim. A new claim of the same name is
not bound to it: where its class provisions, it gets another, empty volume. Without that uid the volume is reserved for
the name, whatever the classes, and a claim is bound to it that asks for no more than it has; one that asks for more has
to name it (k8s pkg/controller/volume/persistentvolume/pv_controller.go; component-helpers storage/volume
FindMatchingVolume; tried on 1.36).
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from shlex import quote
from typing import Any, Final

from tui.objects import Json, KindKey, Live, Ref
from tui.ownership.conditions import integer, mapping, sequence, words
from tui.ownership.drift import quantity
from tui.ownership.references import VOLUME, dig, items
from tui.recovery import requests
from tui.recovery.losses.remains import Claimed, Loss, Remains, few
from tui.recovery.plan import Entry

CLAIM: Final = KindKey("", "PersistentVolumeClaim")
STATEFUL_SET: Final = KindKey("apps", "StatefulSet")
MOST: Final = 5
"""Volumes that an entry tells of one by one."""

LONGEST: Final = 1500
"""Characters of a claim that is printed as part of a line."""

_POLICIES: Final[Mapping[str, str]] = {
    "Retain": "Retain: what it holds is kept",
    "Delete": "Delete: what it holds is going, or gone",
    "Recycle": "Recycle: what it held is wiped",
}
"""What becomes of a volume's content once its claim is gone."""


@dataclass(frozen=True, slots=True)
class Reserved:
    """A claim that is to be made, and one volume that was a claim's of that name."""

    claim: Json
    volume: Live

    @property
    def spec(self) -> Mapping[str, Any]:
        """The volume's spec."""
        return mapping(dig(self.volume.body, ("spec",)))

    @property
    def phase(self) -> str:
        """The volume's phase."""
        return words(dig(self.volume.body, ("status", "phase")), 40)

    @property
    def by_name(self) -> bool:
        """Whether the volume waits for any claim of that name: its claimRef has no uid of a former one."""
        return not dig(self.spec, ("claimRef", "uid"))

    @property
    def named(self) -> bool:
        """Whether the claim names the volume itself, so that it never gets another one."""
        return bool(dig(self.claim, ("spec", "volumeName")) == self.volume.ref.name)

    @property
    def text(self) -> str:
        """The volume with its size, phase, and what becomes of its content."""
        policy = words(self.spec.get("persistentVolumeReclaimPolicy"), 40)
        facts = (words(dig(self.spec, ("capacity", "storage")), 40), self.phase, _POLICIES.get(policy, policy))
        return f"{self.volume.ref.label} ({', '.join(filter(None, facts))})"

    @property
    def misfit(self) -> str:
        """Why the claim is not bound to the volume unless it names it; empty where it is bound to it."""
        return "" if self.named else _misfit(mapping(self.claim.get("spec")), self.spec)

    @property
    def ready(self) -> bool:
        """Whether the claim, made now as it is stored, is bound to the volume."""
        return self.by_name and self.phase == "Available" and not self.volume.deleting and not self.misfit

    @property
    def reserve(self) -> str:
        """The line that reserves the volume for the claim's name, and keeps its content: for this very volume only."""
        spec: Json = {"claimRef": {"uid": None, "resourceVersion": None}}
        if self.spec.get("persistentVolumeReclaimPolicy") != "Retain":
            spec = {"persistentVolumeReclaimPolicy": "Retain", **spec}
        return self._patch(spec)

    @property
    def keep(self) -> str:
        """The line that lets nobody delete what the volume's storage holds."""
        return self._patch({"persistentVolumeReclaimPolicy": "Retain"})

    def _patch(self, spec: Json) -> str:
        change = json.dumps({"metadata": {"uid": self.volume.ref.uid}, "spec": spec}, separators=(",", ":"))
        return f"kubectl patch {self.volume.ref.kubectl} --type=merge -p {quote(change)}"

    @property
    def wait(self) -> str:
        """The line that ends once the volume is free for the claim."""
        return f"kubectl wait {self.volume.ref.kubectl} --for=jsonpath='{{.status.phase}}'=Available --timeout=60s"

    @property
    def make(self) -> str:
        """The line that makes the claim so that it names the volume."""
        claim = {**self.claim, "spec": {**mapping(self.claim.get("spec")), "volumeName": self.volume.ref.name}}
        text = json.dumps(claim, separators=(",", ":"))
        if len(text) > LONGEST:
            return f"kubectl create -f FILE  # the claim as it is stored, and spec.volumeName: {self.volume.ref.name}"
        # Some shells' echo reads the backslashes of JSON.
        return f"printf %s {quote(text)} | kubectl create -f -"


def _misfit(claim: Mapping[str, Any], volume: Mapping[str, Any]) -> str:
    asked = dig(claim, ("resources", "requests", "storage"))
    wants, has = quantity(asked), quantity(dig(volume, ("capacity", "storage")))
    if asked is not None and (wants is None or has is None or wants > has):
        return f"it asks for {words(str(asked), 40)}"
    modes = [mode for mode in sequence(claim.get("accessModes")) if mode not in sequence(volume.get("accessModes"))]
    if modes:
        return f"it asks for {few(words(str(mode), 40) for mode in modes)}"
    for field, usual in (("volumeMode", "Filesystem"), ("volumeAttributesClassName", None)):
        if (claim.get(field) or usual) != (volume.get(field) or usual):
            return f"it asks for another {field}"
    return ""


def of_claim(entry: Entry, remains: Remains) -> Iterator[Loss]:
    """What a missing claim's replacement holds: nothing, unless the volume that was its is given back before."""
    claim = _stored(entry, remains)
    mine = [each.volume for each in remains.volumes(entry.ref.namespace) if each.claim == entry.ref.name]
    yield from _volumes([Reserved(claim, volume) for volume in mine], "the claim")
    if remains.unread_volumes:
        yield Loss(f"could not verify whether a volume still holds what it held: {remains.unread_volumes}", hides=True)
    elif not mine:
        yield _without_volume(claim, remains)


def _stored(entry: Entry, remains: Remains) -> Json:
    """The claim as a replay would send it."""
    view = remains.view(entry)
    return requests.replayed(entry, view.family.namespace if view else "")


def _without_volume(claim: Json, remains: Remains) -> Loss:
    """Of a claim that no volume is reserved for."""
    name = dig(claim, ("spec", "volumeName"))
    if not isinstance(name, str) or not name:
        rest = "only a snapshot or a backup can hold what it held"
        return Loss(f"comes back empty: no volume that was its is left; {rest}")
    ref = Ref("v1", VOLUME.kind, None, name)
    live = remains.inventory.get(ref.key)
    if live is None:
        return Loss(f"it names {ref.label}, which is not there: it is bound, to what that holds, once that is made")
    if dig(live.body, ("spec", "claimRef")):
        return Loss(f"it names {ref.label}, which is another claim's: it is not bound while that has it")
    return Loss(f"what {ref.label} holds comes back with it: it names that volume, which is free")


def _volumes(found: list[Reserved], which: str) -> Iterator[Loss]:
    """The volumes that were one claim's: the one that is ready for it, or how one of them is made ready."""
    ready = [each for each in found if each.ready]
    if len(ready) == 1:
        yield Loss(f"what it held comes back: {ready[0].text} is reserved for {which}")
        rest = [each.volume.ref.name for each in found if each is not ready[0]]
        if rest:
            yield Loss(f"PersistentVolumes that were {which}'s too, and stay as they are: {few(rest)}")
        return
    if len(found) > 1:
        names = few(each.volume.ref.name for each in found)
        yield Loss(f"{len(found)} volumes were {which}'s ({names}): give back the one with the data alone", hides=True)
    for each in found[:MOST]:
        yield from _volume(each, which)


def _volume(found: Reserved, which: str) -> Iterator[Loss]:
    """One volume that was a missing claim's, and the lines that give it back."""
    if found.volume.deleting:
        since = f"being deleted since {found.volume.deleting}"
        yield Loss(f"{found.text} was {which}'s and is {since}: no claim gets it any more", hides=True)
        yield Loss(f"keep what its storage still holds: {found.keep}")
    elif not found.by_name:
        yield Loss(f"{found.text} was {which}'s: made now, {which} {_made_now(found)}", hides=True)
        yield Loss(f"give it back first: {found.reserve}")
        yield from _then(found, which)
    elif found.misfit:
        yield Loss(f"{found.text} is reserved for {which}, which gets another, empty one all the same", hides=True)
        yield from _then(found, which)
    elif found.phase != "Available":
        yield Loss(f"{found.text} is reserved for {which}, and is not Available yet", hides=True)
        yield from _then(found, which)
    else:
        yield Loss(f"{found.text} is reserved for {which}, and so is another one", hides=True)


def _made_now(found: Reserved) -> str:
    return "waits for it in vain" if found.named else "is not bound to it and gets another, empty one"


def _then(found: Reserved, which: str) -> Iterator[Loss]:
    """What follows once the volume is reserved."""
    if found.phase != "Available" or not found.by_name:
        yield Loss(f"then wait until it is free: {found.wait}")
    if found.misfit:
        yield Loss(f"then make {which} by hand, because {found.misfit} and must name it: {found.make}")
    else:
        yield Loss(f"then look again: {which} is bound to it as it is stored")


def of_stateful_set(entry: Entry, remains: Remains) -> Iterator[Loss]:
    """What a missing StatefulSet's pods find: the claims that are there, the volumes of those that are not."""
    body = entry.document.body if entry.document else {}
    for template in items(dig(body, ("spec", "volumeClaimTemplates"))):
        name = dig(template, ("metadata", "name"))
        if isinstance(name, str) and name:
            yield from _Template(entry, body, template, name).losses(remains)


class _Template:
    """One volume claim template of a missing StatefulSet."""

    def __init__(self, entry: Entry, body: Json, template: Mapping[str, Any], name: str) -> None:
        self._space = entry.ref.namespace
        self._body = body
        self._template = template
        self._prefix = f"{name}-{entry.ref.name}-"
        replicas = integer(dig(body, ("spec", "replicas")))
        start = integer(dig(body, ("spec", "ordinals", "start"))) or 0
        self._wanted = range(start, start + (1 if replicas is None else replicas))

    def losses(self, remains: Remains) -> Iterator[Loss]:
        """What becomes of the claims of this template."""
        gap = remains.inventory.gap(*CLAIM, self._space)
        live = self._live(remains)
        left = [each for each in remains.volumes(self._space) if self._ordinal(each.claim) is not None]
        left = [each for each in left if self._ordinal(each.claim) not in live]
        yield from _standing(live.values())
        if gap is not None:
            yield Loss(f"could not verify which claims {self._prefix}N are there: {gap.text}", hides=True)
        lost = [each for each in left if self._ordinal(each.claim) in self._wanted]
        yield from self._volumes(lost)
        yield from self._later([each for each in left if each not in lost])
        if gap is None:
            yield from self._rest({*live, *(self._ordinal(each.claim) for each in lost)}, remains)

    def _ordinal(self, claim: str) -> int | None:
        digits = claim.removeprefix(self._prefix) if claim.startswith(self._prefix) else ""
        return int(digits) if re.fullmatch(r"0|[1-9][0-9]{0,8}", digits) else None

    def _live(self, remains: Remains) -> Mapping[int, Live]:
        found = remains.inventory.of_kind(*CLAIM)
        mine = ((self._ordinal(live.ref.name), live) for live in found if live.ref.namespace == self._space)
        return dict(sorted((ordinal, live) for ordinal, live in mine if ordinal is not None))

    def _volumes(self, lost: list[Claimed]) -> Iterator[Loss]:
        claims = sorted({each.claim for each in lost}, key=lambda claim: self._ordinal(claim) or 0)
        for claim in claims[:MOST]:
            mine = [Reserved(self._claim(claim), each.volume) for each in lost if each.claim == claim]
            yield from _volumes(mine, f"claim {claim}")
        if claims[MOST:]:
            yield Loss(f"more of its claims that have volumes left: {few(claims[MOST:])}", hides=True)

    def _claim(self, name: str) -> Json:
        """The claim as the StatefulSet's controller makes it (k8s pkg/controller/statefulset)."""
        selected = mapping(dig(self._body, ("spec", "selector", "matchLabels")))
        labels = {**mapping(dig(self._template, ("metadata", "labels"))), **selected}
        meta = {"name": name, "namespace": self._space, "labels": labels}
        return {"apiVersion": "v1", "kind": CLAIM.kind, "metadata": meta, "spec": self._template.get("spec")}

    def _later(self, left: list[Claimed]) -> Iterator[Loss]:
        if left:
            names = few(f"{each.volume.ref.name} of {each.claim}" for each in left)
            yield Loss(f"volumes of claims that it makes once it is scaled up: {names}; give them back before that")

    def _rest(self, known: set[int | None], remains: Remains) -> Iterator[Loss]:
        """The claims that are neither there nor have a volume left."""
        nowhere = len(self._wanted) - sum(ordinal in self._wanted for ordinal in known if ordinal is not None)
        if nowhere <= 0:
            return
        names = [f"{self._prefix}{n}" for n in islice((n for n in self._wanted if n not in known), MOST)]
        more = f" and {nowhere - len(names)} more" if nowhere > len(names) else ""
        missing = f"{', '.join(names)}{more}"
        if remains.unread_volumes:
            why = f"could not verify whether a volume still holds what they held: {remains.unread_volumes}"
            yield Loss(f"claims {missing} are not there; {why}", hides=True)
        else:
            yield Loss(f"claims {missing} are made empty: no volume that was theirs is left")


def _standing(live: Iterable[Live]) -> Iterator[Loss]:
    """The claims that are there: their data comes back, unless they are on their way out."""
    claims = list(live)
    there = [each.ref.name for each in claims if not each.deleting]
    going = [each.ref.name for each in claims if each.deleting]
    if there:
        yield Loss(f"what claims {few(there)} hold comes back: they are there")
    if going:
        yield Loss(f"claims {few(going)} are being deleted: look again once they are gone", hides=True)


def of_namespace_claims(space: str, remains: Remains) -> Iterator[Loss]:
    """The volumes of claims that went with a namespace."""
    if remains.unread_volumes:
        yield Loss(f"could not verify which volumes its claims had: {remains.unread_volumes}", hides=True)
    found = remains.volumes(space)
    for claim, volume in found[:MOST]:
        each = Reserved({}, volume)
        yield Loss(f"{each.text} was claim {claim}'s", hides=True)
        if each.volume.deleting:
            yield Loss(f"keep what its storage still holds: {each.keep}")
        elif not each.by_name:
            yield Loss(f"give it back before a claim {claim} is made there again: {each.reserve}")
    if found[MOST:]:
        names = few(f"{each.volume.ref.name} of {each.claim}" for each in found[MOST:])
        yield Loss(f"more volumes of claims that were there: {names}", hides=True)
