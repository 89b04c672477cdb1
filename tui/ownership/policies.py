"""Whether the cluster itself enforces what a guardrail says, and which policies report an object. Pure.

A constraint, a Kyverno policy or an admission policy is a program; that it means what a guardrail means is taken as
shown only where it reports an object that the guardrail denies. Otherwise the most that can be said is that it is
about the same kinds.
"""

from datetime import datetime
from typing import Final

from tui.contract.model import Contract, Guardrail, glob
from tui.contract.select import chooses_kind, matches
from tui.objects import Inventory, Key, KindKey, Live
from tui.ownership.conditions import mapping, sequence
from tui.ownership.model import Enforcement, Guarded
from tui.ownership.policy_reading import CONSTRAINTS, ENGINES, Policy, PolicyReader, Violation
from tui.ownership.references import WEBHOOKS

MAX_TOLD: Final = 12
"""Reports of policies that a finding repeats; the rest is counted."""


class Policies:
    """What the policies of one inventory say. ``now`` (with an offset) judges the age of audits, if given."""

    def __init__(self, inventory: Inventory, now: datetime | None = None) -> None:
        self._inventory = inventory
        lives: dict[tuple[str, str], list[Live]] = {}
        for key, live in inventory.objects.items():
            lives.setdefault(key[:2], []).append(live)
        self._lives = {KindKey(*kind): found for kind, found in lives.items()}
        self._read = PolicyReader(inventory, now, self._lives)
        self._unread = self._gap() or self._read.unread
        self._denied: dict[str, frozenset[Key]] = {}

    def of(self, key: Key) -> tuple[Violation, ...]:
        """What policies report about one object."""
        return tuple(each for each in self._read.violations if each.target == key)

    def guarded(self, contract: Contract) -> tuple[Guarded, ...]:
        """Whether the cluster enforces each guardrail of the contract, in the contract's order."""
        return tuple(map(self.enforcement, contract.guardrails))

    def denied(self, rail: Guardrail) -> frozenset[Key]:
        """The live objects that a guardrail denies; what a controller made is its owner's matter."""
        found = self._denied.get(rail.id)
        if found is None:
            found = frozenset(
                live.key
                for kind, lives in self._lives.items()
                if chooses_kind(rail.deny, kind)
                for live in lives
                if live.controller is None and matches(rail.deny, live)
            )
            self._denied[rail.id] = found
        return found

    def enforcement(self, rail: Guardrail) -> Guarded:
        """Whether the cluster enforces one guardrail."""
        denied = self.denied(rail)
        seen: dict[Policy, int] = {}
        for violation in self._read.violations:
            if violation.target in denied:
                seen[violation.policy] = seen.get(violation.policy, 0) + 1
        for enforces, status in ((True, Enforcement.ENFORCED), (False, Enforcement.AUDITED)):
            found = [policy for policy in seen if policy.enforces is enforces]
            if found:
                why = "; ".join(f"{p.label} ({p.action}) reports {seen[p]} of what it denies" for p in found)
                return Guarded(rail.id, status, tuple(p.label for p in found), why)
        return self._by_kinds(rail, list(seen), denied)

    def _by_kinds(self, rail: Guardrail, seen: list[Policy], denied: frozenset[Key]) -> Guarded:
        """What can be said where no policy that is known to act reports what the guardrail denies."""
        kinds = {kind for kind in self._inventory.served if _means(rail, kind)}
        kinds |= {KindKey(key.group, key.kind) for key in denied}
        about = seen or [policy for policy in self._read.policies if _about(policy, kinds)]
        about += [] if seen else self._other_webhooks(kinds)
        names = tuple(policy.label for policy in about)
        if about and all(policy.enforces is False for policy in about) and not self._unread:
            why = f"{', '.join(names)} at most: no policy on these kinds denies anything"
            return Guarded(rail.id, Enforcement.AUDITED, names, why)
        if about:
            says = "reports it" if seen else "is about these kinds"
            why = f"{', '.join(names)} {says}, and its rules cannot be read from here"
            return Guarded(rail.id, Enforcement.UNKNOWN, names, why)
        if self._unread:
            return Guarded(rail.id, Enforcement.UNKNOWN, (), self._unread)
        why = "no policy and no webhook of the cluster is about these kinds"
        return Guarded(rail.id, Enforcement.NOT_ENFORCED, (), why)

    def evidence(self, rail: Guardrail) -> tuple[str, ...]:
        """What to say beside a guardrail's finding: whether the cluster enforces it, and who reports what."""
        denied = self.denied(rail)
        reports = [each for each in self._read.violations if each.target in denied]
        lines = [f"policy: {self.enforcement(rail).said}"]
        lines += [f"{_label(each.target)}: reported by {each.text}" for each in reports[:MAX_TOLD]]
        if len(reports) > MAX_TOLD:
            lines.append(f"and {len(reports) - MAX_TOLD} more reports of policies")
        for policy in dict.fromkeys(each.policy for each in reports):
            lines.append(f"{policy.command}{f' ({policy.note})' if policy.note else ''}")
        return tuple(lines)

    def _other_webhooks(self, kinds: set[KindKey]) -> list[Policy]:
        """Validating webhooks of no engine that is read here, if they are asked about these kinds."""
        found: list[Policy] = []
        for live in self._inventory.of_kind(*WEBHOOKS[0]):
            if "gatekeeper" in live.ref.name or "kyverno" in live.ref.name:
                continue
            hooks = sequence(mapping(live.body).get("webhooks"))
            about = self._read.by_rules([rule for hook in hooks for rule in sequence(mapping(hook).get("rules"))])
            policy = Policy(live.ref.label, live.ref.name, None, "webhook", about, f"kubectl get {live.ref.kubectl}")
            if live.body is None or _about(policy, kinds):
                found.append(policy)
        return found

    def _gap(self) -> str:
        """Why the policies could not be read whole; empty where they could."""
        groups = {CONSTRAINTS, *(kind.group for kind in ENGINES)}
        for gap in self._inventory.gaps:
            known = gap.kind is None or gap.group == CONSTRAINTS
            if (known and gap.group in groups) or KindKey(gap.group, gap.kind or "") in (*ENGINES, WEBHOOKS[0]):
                return gap.text
        return ""


def _about(policy: Policy, kinds: set[KindKey]) -> bool:
    return any(policy.about(kind.group, kind.kind) for kind in kinds)


def _means(rail: Guardrail, kind: KindKey) -> bool:
    deny = rail.deny
    named = not deny.kinds or any(glob(pattern, kind.kind) for pattern in deny.kinds)
    return named and (not deny.groups or any(glob(pattern, kind.group) for pattern in deny.groups))


def _label(key: Key) -> str:
    return f"{key.kind} {key.namespace}/{key.name}" if key.namespace else f"{key.kind} {key.name}"
