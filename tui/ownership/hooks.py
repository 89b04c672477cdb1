"""Where the hooks of a release revision stand: there, gone, or left by a run that failed; and whose each is. Pure.

Helm runs hooks beside the manifest: it neither stamps them nor lists them, and deletes each before it is made again
unless its delete policies say otherwise (helm pkg/action/hooks.go).
"""

from dataclasses import dataclass
from enum import StrEnum

from tui.helm.model import Hook, Record
from tui.objects import Inventory, Json, Live, Ref
from tui.ownership.evidence import stamp_of
from tui.ownership.fields import main_managers
from tui.ownership.releases import hooks_of


class Standing(StrEnum):
    """What became of what a hook makes."""

    THERE = "there"
    GONE = "gone"
    LEFT_BEHIND = "left-behind"
    UNVERIFIABLE = "unverifiable"


@dataclass(frozen=True, slots=True)
class HookState:
    """One hook of one revision. ``whose`` says whose the live object is, empty where none is there."""

    hook: Hook
    ref: Ref
    standing: Standing
    why: str
    whose: str = ""

    @property
    def text(self) -> str:
        """``left behind by its failed run; made by helm``."""
        return f"{self.why}; {self.whose}" if self.whose else self.why

    def to_json(self) -> Json:
        """The hook of the document ``refloat.releases/1``."""
        return {
            "kind": self.hook.kind,
            "name": self.hook.name,
            "events": list(self.hook.events),
            "ref": self.ref.to_json(),
            "state": self.standing.value,
            "why": self.text,
        }


def hook_states(record: Record, inventory: Inventory) -> tuple[HookState, ...]:
    """Every hook of a revision with where it stands, in the order in which they are stored."""
    found, loose = hooks_of(record, inventory.namespaced)
    states = [_state(hook, document.ref, inventory) for hook, document in found.values()]
    states += map(_unknown, loose)
    place = {id(hook): number for number, hook in enumerate(record.hooks)}
    return tuple(sorted(states, key=lambda state: place.get(id(state.hook), 0)))


def _state(hook: Hook, ref: Ref, inventory: Inventory) -> HookState:
    live = inventory.get(ref.key)
    if live is None:
        gap = inventory.gap(ref.group, ref.kind, ref.namespace)
        if gap is not None:
            return HookState(hook, ref, Standing.UNVERIFIABLE, f"could not verify: {gap.text}")
        return HookState(hook, ref, Standing.GONE, _gone(hook))
    if hook.phase == "Failed":
        return HookState(hook, live.ref, Standing.LEFT_BEHIND, "left behind by its failed run", _whose(live))
    return HookState(hook, live.ref, Standing.THERE, "there" if hook.phase else "there, never run", _whose(live))


def _gone(hook: Hook) -> str:
    if not hook.phase:
        return "not there: it never ran"
    kept = f"hook-{hook.phase.lower()}" in hook.policies
    return "gone after its run, as its delete policy says" if kept else "gone"


def _unknown(hook: Hook) -> HookState:
    why = "could not verify: its kind is not served, or its document cannot be read"
    return HookState(hook, Ref("", hook.kind, None, hook.name), Standing.UNVERIFIABLE, why)


def _whose(live: Live) -> str:
    stamp = stamp_of(live)
    if stamp is not None:
        return f"stamped with {stamp.release}"
    names = sorted({manager.name for manager in main_managers(live)})
    return f"made by {' and '.join(names)}" if names else "nobody is known to have made it"
