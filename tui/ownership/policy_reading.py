"""The policies of the engines that are known, and what they report, read off an inventory. Pure.

Gatekeeper's constraints (a kind each), Kyverno's policies of rules and of CEL, policy reports of both groups that hold
them, and Kubernetes' own ValidatingAdmissionPolicies with their bindings.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from tui.contract.model import glob
from tui.objects import Inventory, Key, KindKey, Live, group_of
from tui.ownership.conditions import integer, mapping, moment, sequence, span, words
from tui.ownership.references import ADMISSION, WEBHOOKS

CONSTRAINTS: Final = "constraints.gatekeeper.sh"
REPORTS: Final = (
    KindKey("wgpolicyk8s.io", "PolicyReport"),
    KindKey("wgpolicyk8s.io", "ClusterPolicyReport"),
    KindKey("openreports.io", "Report"),
    KindKey("openreports.io", "ClusterReport"),
)
KYVERNO: Final = (KindKey("kyverno.io", "ClusterPolicy"), KindKey("kyverno.io", "Policy"))
CEL: Final = (
    KindKey("policies.kyverno.io", "ValidatingPolicy"),
    KindKey("policies.kyverno.io", "NamespacedValidatingPolicy"),
)
ADMISSION_POLICY: Final = KindKey(ADMISSION, "ValidatingAdmissionPolicy")
ADMISSION_BINDING: Final = KindKey(ADMISSION, "ValidatingAdmissionPolicyBinding")
ENGINES: Final = (*REPORTS, *KYVERNO, *CEL, ADMISSION_POLICY, ADMISSION_BINDING)
"""Kinds of policy engines that are known by name; constraints have kinds of their own."""

AUDIT_AGE: Final = timedelta(minutes=10)
"""How old an audit may be before that is said: Gatekeeper audits every minute, unless it is told otherwise."""


@dataclass(frozen=True, slots=True)
class Policy:
    """One policy. ``enforces`` is None where that could not be told; ``about`` judges a kind by group and name.

    ``note`` says what limits its word: a list cut short, an old audit; ``command`` shows it.
    """

    label: str
    name: str
    enforces: bool | None
    action: str
    about: Callable[[str, str], bool]
    command: str
    note: str = ""
    kyverno: bool = False


@dataclass(frozen=True, slots=True)
class Violation:
    """One object that one policy reports."""

    target: Key
    policy: Policy
    message: str

    @property
    def text(self) -> str:
        """``K8sNoIngress no-ingress (deny): message``."""
        said = f": {self.message}" if self.message else ""
        return f"{self.policy.label} ({self.policy.action}){said}"


class PolicyReader:
    """Reads every policy and report once. ``now`` (with an offset) judges the age of audits, if given."""

    def __init__(self, inventory: Inventory, now: datetime | None, lives: Mapping[KindKey, Iterable[Live]]) -> None:
        """``lives`` are the inventory's objects by kind."""
        self._inventory = inventory
        self._now = now
        self.policies: list[Policy] = []
        self.violations: list[Violation] = []
        self.unread = ""
        """The first policy or report of which only metadata was read."""
        self._hooked = self._webhooks("gatekeeper")
        self._reported: dict[tuple[str, str], Policy] = {}
        mine = (kind for kind in lives if kind in ENGINES or kind.group == CONSTRAINTS)
        # Reports come last: the policies they speak of are known by then.
        for kind in sorted(mine, key=lambda kind: (kind in REPORTS, kind)):
            for live in lives[kind]:
                self._read(kind, live)

    def _webhooks(self, name: str) -> bool | None:
        """Whether a validating webhook of an engine is registered; None where that could not be read."""
        if self._inventory.gap(*WEBHOOKS[0]) is not None:
            return None
        return any(name in live.ref.name for live in self._inventory.of_kind(*WEBHOOKS[0]))

    def _read(self, kind: KindKey, live: Live) -> None:
        if live.body is None:
            self.unread = self.unread or f"{live.ref.label}: only metadata was read"
        elif kind.group == CONSTRAINTS:
            self._constraint(live)
        elif kind in REPORTS:
            self._report(live)
        elif kind in KYVERNO:
            self.policies.append(_kyverno(live))
        elif kind in CEL:
            spec = mapping(live.body.get("spec"))
            actions = sequence(spec.get("validationActions")) or ["Deny"]
            self.policies.append(_acting(live, actions, self.by_rules(_resource_rules(spec))))
        elif kind == ADMISSION_BINDING:
            self._bound(live)

    def _constraint(self, live: Live) -> None:
        spec, status = mapping(mapping(live.body).get("spec")), mapping(mapping(live.body).get("status"))
        action = words(spec.get("enforcementAction")) or "deny"
        enforces: bool | None = {"deny": True, "dryrun": False, "warn": False}.get(action)
        listed = [mapping(each) for each in sequence(status.get("violations"))]
        notes = [_audit(status, len(listed), self._now)]
        if enforces and self._hooked is False:
            enforces = False
            notes.append("Gatekeeper has no webhook here: it only audits")
        label = f"{live.ref.kind} {live.ref.name}"
        note = "; ".join(filter(None, notes))
        policy = Policy(label, live.ref.name, enforces, action, _by_match(spec), _yaml(live), note)
        self.policies.append(policy)
        for each in listed:
            group, kind = words(each.get("group")), words(each.get("kind"))
            target = Key(group, kind, words(each.get("namespace"), 253) or None, words(each.get("name"), 253))
            self.violations.append(Violation(target, policy, words(each.get("message"), 160)))

    def _report(self, live: Live) -> None:
        """Results that did not pass; where one names no resources, the report's scope is meant."""
        for result in map(mapping, sequence(mapping(live.body).get("results"))):
            if result.get("result") not in ("fail", "warn", "error"):
                continue
            name = words(result.get("policy"), 253)
            policy = self._policy_of(name, words(result.get("source"), 80), live)
            subjects = sequence(result.get("resources")) or [mapping(live.body).get("scope")]
            for subject in map(mapping, subjects):
                version = words(subject.get("apiVersion"))
                space = words(subject.get("namespace"), 253) or None
                target = Key(group_of(version), words(subject.get("kind")), space, words(subject.get("name"), 253))
                self.violations.append(Violation(target, policy, words(result.get("message"), 160)))

    def _policy_of(self, name: str, source: str, report: Live) -> Policy:
        """The policy behind a result, if it is there; else the report alone, which says nothing of enforcement."""
        known = self._reported.get((source, name))
        if known is None:
            bare = name.rpartition("/")[2]
            known = next((policy for policy in self.policies if policy.kyverno and policy.name == bare), None)
        if known is None:
            known = Policy(f"{source or 'policy'} {name}", bare, None, "reported", _about_nothing, _yaml(report))
        self._reported[source, name] = known
        return known

    def _bound(self, binding: Live) -> None:
        """A binding puts an admission policy in force; one without any is not."""
        spec = mapping(mapping(binding.body).get("spec"))
        policy = self._inventory.get(Key(*ADMISSION_POLICY, None, words(spec.get("policyName"), 253)))
        if policy is not None:
            rules = _resource_rules(mapping(mapping(policy.body).get("spec")))
            self.policies.append(_acting(policy, sequence(spec.get("validationActions")), self.by_rules(rules)))

    def by_rules(self, rules: Iterable[Any]) -> Callable[[str, str], bool]:
        """Whether rules by apiGroups and resources are about a kind; ``*`` means any, subresources mean none."""
        pairs = [(_texts(mapping(r).get("apiGroups")), _texts(mapping(r).get("resources"))) for r in rules]
        served = self._inventory.served

        def about(group: str, kind: str) -> bool:
            plural = served[KindKey(group, kind)].plural if KindKey(group, kind) in served else f"{kind.lower()}s"
            return any({"*", group} & groups and {"*", "*/*", plural} & names for groups, names in pairs)

        return about


def _resource_rules(spec: Mapping[str, Any]) -> list[Any]:
    return sequence(mapping(spec.get("matchConstraints")).get("resourceRules"))


def _texts(value: Any) -> set[str]:
    return {each for each in sequence(value) if isinstance(each, str)}


def _by_match(spec: Mapping[str, Any]) -> Callable[[str, str], bool]:
    """Which kinds a constraint is about: ``match.kinds``, or every kind where it says none."""
    entries = [mapping(each) for each in sequence(mapping(spec.get("match")).get("kinds"))]
    pairs = [(_texts(each.get("apiGroups")) or {"*"}, _texts(each.get("kinds")) or {"*"}) for each in entries]
    return lambda group, kind: not pairs or any({"*", group} & gs and {"*", kind} & ks for gs, ks in pairs)


def _audit(status: Mapping[str, Any], listed: int, now: datetime | None) -> str:
    """What limits a constraint's list: it is cut at a number, and as old as its audit."""
    total, at = integer(status.get("totalViolations")), moment(status.get("auditTimestamp"))
    notes = []
    if total is not None and total > listed:
        notes.append(f"lists {listed} of {total} violations")
    if at is None:
        notes.append("was never audited: an empty list proves nothing")
    elif now is not None and now - at > AUDIT_AGE:
        notes.append(f"audited {span(now - at)} ago")
    return ", ".join(notes)


def _kyverno(live: Live) -> Policy:
    """A Kyverno policy of rules; each may have an action of its own beside the policy's."""
    spec = mapping(mapping(live.body).get("spec"))
    rules = [mapping(rule) for rule in sequence(spec.get("rules"))]
    default = words(spec.get("validationFailureAction")) or "Audit"
    actions = {(words(mapping(rule.get("validate")).get("failureAction")) or default).lower() for rule in rules}
    enforces = None if len(actions) > 1 else "enforce" in actions
    kinds = {kind for rule in rules for kind in _matched(mapping(rule.get("match")))}
    label, action = f"{live.ref.kind} {live.ref.path}", "/".join(sorted(actions)) or "audit"
    return Policy(label, live.ref.name, enforces, action, _AboutKinds(frozenset(kinds)), _yaml(live), kyverno=True)


@dataclass(frozen=True, slots=True)
class _AboutKinds:
    """Kyverno's kinds: ``Pod``, ``apps/v1/Deployment`` or ``*/Pod``, the last part being the kind, a glob."""

    kinds: frozenset[str]

    def __call__(self, _group: str, kind: str) -> bool:
        return any(glob(pattern.rpartition("/")[2], kind) for pattern in self.kinds)


def _matched(match: Mapping[str, Any]) -> Iterator[str]:
    for part in (match, *map(mapping, sequence(match.get("any"))), *map(mapping, sequence(match.get("all")))):
        yield from _texts(mapping(part.get("resources")).get("kinds"))


def _acting(live: Live, actions: Iterable[Any], about: Callable[[str, str], bool]) -> Policy:
    """A policy with validationActions, as Kubernetes' own and Kyverno's newer ones have."""
    named = [action for action in actions if isinstance(action, str)]
    label, kyverno = f"{live.ref.kind} {live.ref.path}", live.ref.group.endswith("kyverno.io")
    action = "/".join(named) or "none"
    return Policy(label, live.ref.name, "Deny" in named, action, about, _yaml(live), kyverno=kyverno)


def _about_nothing(_group: str, _kind: str) -> bool:
    return False


def _yaml(live: Live) -> str:
    return f"kubectl get {live.ref.kubectl} -o yaml"
