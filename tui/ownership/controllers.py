"""Whether a controller is alive to do what its objects promise: its Deployment, and its leader-election Lease. Pure.

A Ready condition outlives the controller that wrote it; only a renewed Lease or an available Deployment does not.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tui.contract.model import Contract, Health, glob
from tui.objects import Inventory, Key, KindKey, Live, Ref
from tui.ownership.conditions import ONLY_METADATA, CheckStatus, conditions_of, integer, mapping
from tui.ownership.liveness import FLUX_CONTROLLERS, lease_state
from tui.ownership.model import Finding, Severity

DEPLOYMENT: Final = KindKey("apps", "Deployment")
LEASE: Final = KindKey("coordination.k8s.io", "Lease")

CONTROLLER_OF: Final[Mapping[str, str]] = {
    "Kustomization": "kustomize-controller",
    "HelmRelease": "helm-controller",
    "ResourceSet": "flux-operator",
    "FluxInstance": "flux-operator",
}
"""Which Deployment acts on the objects of a kind."""

REPORTED_BY: Final[Mapping[tuple[str, str], str]] = {
    **{
        ("source.toolkit.fluxcd.io", kind): "source-controller"
        for kind in ("GitRepository", "OCIRepository", "HelmRepository", "HelmChart", "Bucket")
    },
    ("kustomize.toolkit.fluxcd.io", "Kustomization"): "kustomize-controller",
    ("helm.toolkit.fluxcd.io", "HelmRelease"): "helm-controller",
    ("notification.toolkit.fluxcd.io", "Receiver"): "notification-controller",
    ("image.toolkit.fluxcd.io", "ImageRepository"): "image-reflector-controller",
    ("image.toolkit.fluxcd.io", "ImagePolicy"): "image-reflector-controller",
    ("image.toolkit.fluxcd.io", "ImageUpdateAutomation"): "image-automation-controller",
}
"""Whose word the Ready condition of each of Flux's kinds is."""

SHARD: Final = "sharding.fluxcd.io/key"
"""The label that hands an object to another controller than the usual one."""


@dataclass(frozen=True, slots=True)
class Pulse:
    """Whether one controller is alive. ``text`` is a sentence about it, ``command`` the kubectl line that shows it."""

    status: CheckStatus
    text: str
    command: str
    ref: Ref


class Controllers:
    """The Deployments and Leases of an inventory by name, collected once. ``now`` judges Leases; None leaves them."""

    def __init__(self, inventory: Inventory, now: datetime | None) -> None:
        self._inventory = inventory
        self._now = now
        self._deployments: dict[str, list[Ref]] = {}
        self._leases: dict[str, list[Live]] = {}
        for key, live in inventory.objects.items():
            if key[:2] == DEPLOYMENT:
                self._deployments.setdefault(key.name, []).append(live.ref)
            elif key[:2] == LEASE:
                self._leases.setdefault(key.name, []).append(live)

    def acting_on(self, holder: Live) -> Pulse:
        """The controller that acts on a Kustomization, HelmRelease or flux-operator object."""
        name = CONTROLLER_OF.get(holder.ref.kind, "")
        if SHARD in holder.labels or not name:
            shard = f"shard {holder.labels[SHARD]}" if SHARD in holder.labels else f"a {holder.ref.kind}'s controller"
            text = f"{shard} acts on it, and which Deployment that is could not be told"
            return Pulse(CheckStatus.UNKNOWN, text, f"kubectl get {holder.ref.kubectl} --show-labels", holder.ref)
        return self.named(name)

    def named(self, name: str) -> Pulse:
        """The controller of this name, wherever it runs; of several the liveliest."""
        order = (CheckStatus.OK, CheckStatus.UNKNOWN, CheckStatus.FAILED)
        found = [self.of(ref) for ref in self._deployments.get(name, ())]
        if found:
            return min(found, key=lambda pulse: order.index(pulse.status))
        gap = self._inventory.gap(*DEPLOYMENT)
        ref = Ref("apps/v1", "Deployment", None, name)
        command = f"kubectl get deployments.apps -A --field-selector metadata.name={name}"
        if gap is not None:
            return Pulse(CheckStatus.UNKNOWN, f"whether {name} runs could not be verified: {gap.text}", command, ref)
        for lease in self._leases.get(f"{name}-leader-election", ()):
            if self._now is not None and lease_state(lease, self._now).status is CheckStatus.OK:
                text = f"no Deployment {name} is there, but {lease.ref.label} is renewed"
                return Pulse(CheckStatus.OK, text, f"kubectl get {lease.ref.kubectl} -o yaml", lease.ref)
        return Pulse(CheckStatus.FAILED, f"no Deployment {name} is there", command, ref)

    def of(self, ref: Ref) -> Pulse:
        """One Deployment, there or not."""
        command = f"kubectl get {ref.kubectl}"
        status, text = self._deployment(ref)
        if ref.name in FLUX_CONTROLLERS and status is CheckStatus.OK:
            status, text, command = self._lease(ref, text, command)
        return Pulse(status, text, command, ref)

    def _deployment(self, ref: Ref) -> tuple[CheckStatus, str]:
        live = self._inventory.get(ref.key)
        gap = self._inventory.gap(*DEPLOYMENT, ref.namespace)
        if gap is not None:
            return CheckStatus.UNKNOWN, f"{ref.label} could not be verified: {gap.text}"
        if live is None:
            return CheckStatus.FAILED, f"{ref.label} is not there"
        if live.body is None:
            return CheckStatus.UNKNOWN, f"{ref.label}: {ONLY_METADATA}"
        if integer(mapping(live.body.get("spec")).get("replicas")) == 0:
            return CheckStatus.FAILED, f"{ref.label} is scaled to zero"
        available = conditions_of(live).get("Available")
        if available is None:
            return CheckStatus.UNKNOWN, f"{ref.label} does not say whether it is available"
        if available.status != "True":
            return CheckStatus.FAILED, f"{ref.label} is not available ({available.text})"
        return CheckStatus.OK, f"{ref.label} is available"

    def _lease(self, ref: Ref, text: str, command: str) -> tuple[CheckStatus, str, str]:
        """What the Lease says beyond an available Deployment; leader election may be off, and then there is none."""
        key = Key(*LEASE, ref.namespace, f"{ref.name}-leader-election")
        live = self._inventory.get(key)
        if live is None or self._now is None:
            return CheckStatus.OK, text, command
        state = lease_state(live, self._now)
        if state.status is CheckStatus.OK:
            return CheckStatus.OK, text, command
        return state.status, f"{live.ref.label} {state.reason}", f"kubectl get {live.ref.kubectl} -o yaml"


def dead_controllers(contract: Contract, inventory: Inventory, now: datetime | None) -> Iterator[Finding]:
    """``controller-dead``: the health list's controllers that do not work, and whose Ready is therefore old news."""
    controllers = Controllers(inventory, now)
    pulses = {ref.key: controllers.of(ref) for entry in contract.health for ref in _listed(entry, inventory)}
    dead = [pulse for pulse in pulses.values() if pulse.status is CheckStatus.FAILED]
    if not dead:
        return
    names = ", ".join(dict.fromkeys(pulse.ref.name for pulse in dead))
    old = list(_old_news(inventory, {pulse.ref.name for pulse in dead}))
    many = "1 controller does" if len(dead) == 1 else f"{len(dead)} controllers do"
    yield Finding(
        "controller-dead",
        Severity.WARN,
        f"{many} not work: {names}; what they last reported is old news",
        tuple(pulse.ref for pulse in dead),
        (*(f"{pulse.text}: {pulse.command}" for pulse in dead), *old),
        "bring them back before trusting any Ready condition of theirs: refloat health tells what each lacks",
    )


def _listed(entry: Health, inventory: Inventory) -> Iterator[Ref]:
    """The Deployments that a line of the health list means; an optional line means none without its namespace."""
    space = inventory.get(Key("", "Namespace", None, entry.namespace))
    absent = space is None and inventory.readable("", "Namespace")
    for name in entry.deployments:
        if set(name) & set("*?["):
            found = inventory.of_kind(*DEPLOYMENT)
            yield from (d.ref for d in found if d.ref.namespace == entry.namespace and glob(name, d.ref.name))
        elif not (entry.optional and (absent or space is None)):
            yield Ref("apps/v1", "Deployment", entry.namespace, name)


def _old_news(inventory: Inventory, dead: set[str]) -> Iterator[str]:
    """What still says Ready although the controller that said so is dead: one text a kind."""
    ready: dict[str, list[Live]] = {}
    for live in inventory.objects.values():
        if REPORTED_BY.get((live.ref.group, live.ref.kind)) in dead:
            condition = conditions_of(live).get("Ready")
            if condition is not None and condition.status == "True":
                ready.setdefault(live.ref.kind, []).append(live)
    for kind, lives in sorted(ready.items()):
        some = ", ".join(sorted(live.ref.path for live in lives)[:3])
        more = f" and {len(lives) - 3} more" if len(lives) > 3 else ""
        plural = f"{kind.lower()}.{lives[0].ref.group}"
        yield f"Ready=True of {kind} {some}{more} is old news: kubectl get {plural} -A"
