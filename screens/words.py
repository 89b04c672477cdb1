"""States, verdicts and severities as a symbol and a word each, so that they can be read without colour. Pure."""

from typing import Final

from tui.ownership.model import FamilyState, Severity, State, Strength, Verdict
from tui.widgets.spans import Role, Span

VERDICTS: Final = {
    Verdict.PASS: ("✓ PASS", Role.GOOD),
    Verdict.WARN: ("! WARN", Role.WARN),
    Verdict.BLOCK: ("✗ BLOCK", Role.BAD),
    Verdict.UNVERIFIED: ("? UNVERIFIED", Role.WARN),
}

SEVERITIES: Final = {
    Severity.BLOCK: ("✗ block", Role.BAD),
    Severity.WARN: ("! warn", Role.WARN),
    Severity.INFO: ("· info", Role.MUTED),
}

STATES: Final = {
    State.MISSING: ("◌ missing", Role.BAD),
    State.UNVERIFIABLE: ("? unverifiable", Role.WARN),
    State.CONTESTED: ("‡ contested", Role.BAD),
    State.STALE: ("~ stale", Role.WARN),
    State.MISOWNED: ("≠ misowned", Role.WARN),
    State.UNDOCUMENTED: ("+ undocumented", Role.MUTED),
    State.OWNED: ("● owned", Role.GOOD),
    State.UNOWNED: ("○ unowned", Role.MUTED),
}

FAMILY_STATES: Final = {
    FamilyState.ACTIVE: ("✓ active", Role.GOOD),
    FamilyState.AMBIGUOUS: ("✗ ambiguous", Role.BAD),
    FamilyState.ABSENT: ("✗ absent", Role.BAD),
    FamilyState.UNVERIFIABLE: ("? unverifiable", Role.WARN),
}

STRENGTHS: Final = {
    Strength.OWNER_REFERENCE: "owner reference",
    Strength.INVENTORY: "inventory",
    Strength.MANIFEST: "release manifest",
    Strength.STAMP: "Helm stamp",
    Strength.FLUX_LABEL: "Flux label",
    Strength.NAMED_MARK: "mark naming it",
    Strength.MANAGER: "field manager",
    Strength.PLAIN_LABEL: "plain label",
}

WORST_FIRST: Final = {Severity.BLOCK: 0, Severity.WARN: 1, Severity.INFO: 2}


def verdict_span(verdict: Verdict) -> Span:
    """``✗ BLOCK``."""
    return Span(*VERDICTS[verdict])


def severity_span(severity: Severity) -> Span:
    """``! warn``."""
    return Span(*SEVERITIES[severity])


def state_span(state: State) -> Span:
    """``◌ missing``."""
    return Span(*STATES[state])


def family_span(state: FamilyState) -> Span:
    """``✓ active``."""
    return Span(*FAMILY_STATES[state])
