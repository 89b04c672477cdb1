"""The plan of what can be mended in its place: suspended Flux objects, failing ones, dead finalizers. Pure.

What is not mended here is told with the reason, and with the step, the owner or the line to copy that mends it.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime

from tui.contract.model import Contract
from tui.objects import Live, Ref
from tui.ownership.model import Assessment
from tui.ownership.outlook import Outlooks
from tui.recovery import mend_finalizers, mend_flux
from tui.recovery.gate import pins_of
from tui.recovery.mend_told import told
from tui.recovery.plan import Action, Entry, Plan, PlanKind


def plan_mend(contract: Contract, assessment: Assessment, now: datetime | None = None) -> Plan:
    """Resumptions first, then requests to objects that fail, finalizers last.

    Offered beside these: to ask the owners that the contract names to reconcile. ``now`` is the time of the reading.
    """
    work = _Mend(contract, assessment, now)
    resumed, asked, freed = list(work.resumptions()), list(work.retries()), list(work.finalizers())
    planned = {entry.ref.key for entry in (*resumed, *asked)}
    offered = [e for ref in mend_flux.targets(contract, assessment.inventory) for e in work.reconcile(ref)]
    left = (*work.left_out, *told(assessment))
    return Plan(
        PlanKind.MEND,
        pins_of(contract, assessment),
        (*resumed, *asked, *freed),
        (),
        tuple(dict.fromkeys(left)),
        tuple(entry for entry in offered if entry.ref.key not in planned),
    )


def reconcile_plan(
    contract: Contract, assessment: Assessment, refs: Iterable[Ref], now: datetime | None = None
) -> Plan:
    """The plan that asks exactly these objects to reconcile now; those that may not be asked are left out, told why."""
    work = _Mend(contract, assessment, now)
    entries = tuple(entry for ref in refs for entry in work.reconcile(ref))
    return Plan(PlanKind.MEND, pins_of(contract, assessment), entries, (), tuple(work.left_out))


class _Mend:
    """Draws entries from one assessment; ``left_out`` gathers what may not be done, and why."""

    def __init__(self, contract: Contract, assessment: Assessment, now: datetime | None) -> None:
        self.left_out: list[tuple[Ref, str]] = []
        self._contract = contract
        self._assessment = assessment
        self._inventory = assessment.inventory
        self._outlooks = Outlooks(assessment, now) if now is not None else None

    def resumptions(self) -> Iterator[Entry]:
        for live in self._inventory.objects.values():
            if mend_flux.suspended(live) and not mend_flux.why_not_resume(live):
                by = mend_flux.suspended_by(live)
                yield self._entry(
                    Action.RESUME,
                    live,
                    "it is suspended: nothing that it owns is reconciled",
                    f"suspended by {by}" if by else "suspended; by whom is not recorded",
                    mend_flux.next_of_resume(live, self._after("resume", live.ref, "it reconciles at once")),
                )

    def retries(self) -> Iterator[Entry]:
        """A request to every Flux object that fails to apply and would try again only at its next interval."""
        failing = {ref.key for f in self._assessment.findings if f.code == "apply-failing" for ref in f.resources[:1]}
        for key in failing:
            live = self._inventory.get(key)
            if live is not None and mend_flux.is_flux(live.ref) and not mend_flux.why_not_reconcile(live):
                yield self._reconcile(live, f"it failed to apply, and tries again only in a while: {_says(live)}")

    def reconcile(self, ref: Ref) -> Iterator[Entry]:
        live = self._inventory.get(ref.key)
        why = mend_flux.why_not_reconcile(live) if live is not None else f"{ref.label} does not exist, or was not read"
        if why or live is None:
            self.left_out.append((ref, why))
        else:
            yield self._reconcile(live, f"asked for; it says: {_says(live)}")

    def _reconcile(self, live: Live, why: str) -> Entry:
        then = mend_flux.next_of_reconcile(live, self._after("reconcile", live.ref, "it reconciles at once"))
        return self._entry(Action.RECONCILE, live, why, "Flux", then)

    def finalizers(self) -> Iterator[Entry]:
        """One entry a finalizer whose controller is proven to be gone; the rest is told with what is not proven."""
        for live in self._inventory.objects.values():
            if not live.deleting or not live.finalizers or live.ref.kind == "Namespace":
                continue
            for finalizer in live.finalizers:
                why = mend_finalizers.why_not(self._inventory, live, finalizer)
                if why:
                    self.left_out.append((live.ref, f"finalizer {finalizer} stays: {why}"))
                    continue
                proof = mend_finalizers.proof_of(self._inventory, live, finalizer)
                last = len(live.finalizers) == 1
                yield self._entry(
                    Action.UNFINALIZE,
                    live,
                    f"it is being deleted since {live.deleting} and waits for {finalizer}: {proof.text}",
                    "nobody any more",
                    "it is gone at once" if last else "it waits for its other finalizers",
                    finalizer=finalizer,
                )

    def _entry(self, action: Action, live: Live, why: str, owner: str, then: str, finalizer: str = "") -> Entry:
        return Entry(
            action=action,
            ref=live.ref,
            family="",
            release="",
            why=why,
            owner_now=owner,
            then=then,
            resource_version=live.resource_version,
            finalizer=finalizer,
            typed=live.ref.name if finalizer else "",
        )

    def _after(self, word: str, ref: Ref, otherwise: str) -> str:
        return (self._outlooks.after(word, ref) if self._outlooks else "") or otherwise


def _says(live: Live) -> str:
    return mend_flux.says(live.body) or "nothing of itself"
