"""What the Overview says, as lines and rows. Pure."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from screens.view import Phase, View, awaited, partial
from screens.words import WORST_FIRST, family_span, severity_span, verdict_span
from tui.ownership.conditions import CheckStatus
from tui.ownership.model import FamilyState, FamilyView, Finding, Severity, State
from tui.widgets.spans import Line, Row, Span, accent, bad, counted, fit, good, line, muted, plural, strong, warn

if TYPE_CHECKING:
    from screens.tally import Tally
    from tui.recovery.health import Check, Health


def bar(counts: "Tally") -> Line:
    """``Pulumi 214  Flux 1 032  contested 3  unowned 12  (folded 40)``."""
    parts: list[str | Span] = []
    for title, number in counts.owners:
        parts += [strong(title), f" {counted(number)}  "]
    for state, number in counts.states:
        text = f"{state.value} {counted(number)}  "
        parts.append(muted(text) if state is State.UNOWNED else warn(text))
    if counts.folded:
        parts.append(muted(f"folded {counted(counts.folded)}"))
    return line(*parts)


def worst_first(findings: Iterable[Finding]) -> list[Finding]:
    """The findings by severity, otherwise in the order they came."""
    return sorted(findings, key=lambda finding: WORST_FIRST[finding.severity])


def verdict_lines(view: View, width: int) -> tuple[Line, ...]:
    """Is it healthy, what is wrong first, what to press, whose is what: three lines of ``width`` cells."""
    if view.assessment is None:
        lines = awaited(view)
        return lines if view.phase is Phase.FAILED else (*lines, (), ())[:3]
    found = Counter(finding.severity for finding in view.assessment.findings)
    counts = [f"{plural(found[severity], word)}" for severity, word in _KINDS if found[severity]]
    if view.assessment.hidden:
        counts.append(f"{view.assessment.hidden} hidden by the contract's allow list")
    first = line(
        verdict_span(view.assessment.verdict),
        "  ",
        ", ".join(counts) or "no findings",
        "  ",
        *health_spans(view.health),
    )
    return fit(first, width), fit(_press(view), width), fit(bar(view.tally), width) if view.tally else ()


_KINDS: Final = ((Severity.BLOCK, "blocker"), (Severity.WARN, "warning"), (Severity.INFO, "remark"))


def _press(view: View) -> Line:
    if view.trouble:
        return line(bad("✗ re-reading failed: "), view.trouble, muted("  ctrl+r tries again"))
    findings = worst_first(view.assessment.findings) if view.assessment else []
    if not findings or findings[0].severity is Severity.INFO:
        return line(muted("Nothing to mend. "), accent("2"), muted(" shows who owns what."))
    where = destination(findings[0])
    return line(muted("First "), accent("enter"), muted(f" ({where.title}): "), findings[0].summary)


def health_spans(health: "Health | None") -> tuple[Span, ...]:
    """``healthy``, or how many checks failed."""
    if health is None:
        return (muted("health unknown"),)
    failed, unknown = health.of(CheckStatus.FAILED), health.of(CheckStatus.UNKNOWN)
    if failed:
        return (bad("✗ unhealthy"), Span(f": {len(failed)} of {plural(len(health.checks), 'check')} failed"))
    if unknown:
        return (warn("? health unverified"), Span(f": {plural(len(unknown), 'check')} could not be made"))
    return (good("✓ healthy"), Span(f": {plural(len(health.checks), 'check')} passed"))


MARKS: Final = {CheckStatus.FAILED: bad("✗"), CheckStatus.UNKNOWN: warn("?"), CheckStatus.OK: good("✓")}
"""How a check's status begins its line; in the order in which checks are shown."""


def check_line(check: "Check") -> Line:
    """One health check in one line."""
    return line(MARKS[check.status], " ", check.summary)


def controller_lines(health: "Health | None", room: int) -> tuple[Line, ...]:
    """The health checks, failed ones first, in ``room`` lines at most; what does not fit is counted."""
    if health is None:
        return ((muted("not checked yet"),),)
    checks = [check for status in MARKS for check in health.of(status)]
    lines = [check_line(check) for check in checks]
    if len(lines) <= room:
        return tuple(lines)
    rest = Counter(check.status.value for check in checks[room - 1 :])
    words = ", ".join(f"{number} {status}" for status, number in rest.items())
    return (*lines[: room - 1], line(muted(f"and {words}: press "), accent("3")))


def family_line(family: FamilyView) -> Line:
    """One release family in one line."""
    name = strong(family.family.name)
    if family.state is FamilyState.ACTIVE and family.active is not None:
        active = family.active
        return line(name, " ", family_span(family.state), f" {active.name} revision {active.revision}")
    return line(name, " ", family_span(family.state), f": {family.why}")


def family_lines(view: View) -> tuple[Line, ...]:
    """Every release family in one line each."""
    families = view.assessment.families if view.assessment else ()
    return tuple(map(family_line, families)) or ((muted("the contract names no release family"),),)


def brief_lines(controllers: Sequence[Line], families: Sequence[Line], width: int) -> tuple[Line, ...]:
    """Both panes without their frames, for a narrow screen."""
    lines: list[Line] = []
    for title, part in (("Controllers ", controllers), ("Releases    ", families)):
        lines += [fit((muted(title if not index else " " * 12), *one), width) for index, one in enumerate(part)]
    return tuple(lines)


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a finding is mended: a screen, a title for it, and what to look at there."""

    mode: str
    title: str
    focus: object | None = None


_REPLAY: Final = frozenset({"resource-missing", "api-unserved", "crd-missing"})
_CLEANUP: Final = frozenset(
    {"stale-leftover", "stamp-foreign", "stamp-absent", "roleref-differs", "refused-install", "drifted"}
)
_RELEASES: Final = frozenset(
    {
        "release-ambiguous",
        "release-absent",
        "release-unverifiable",
        "record-undecodable",
        "delete-bomb",
        "stamp-disagrees",
    }
)
_CONTROLLERS: Final = frozenset({"controller-dead", "suspended", "scaled-to-zero", "paused", "apply-failing"})
_PREFLIGHT: Final = frozenset({"webhook-dead", "namespace-terminating", "apiservice-down", "finalizer-stuck"})


def destination(finding: Finding) -> Destination:
    """The screen (and step) that mends the finding; Ownership where nothing but a decision would."""
    first = finding.resources[0] if finding.resources else None
    if finding.code in _REPLAY:
        return Destination("recovery", "Recovery, replay", "replay")
    if finding.code in _CLEANUP:
        return Destination("recovery", "Recovery, cleanup", "cleanup")
    if finding.code in _PREFLIGHT:
        return Destination("recovery", "Recovery, preflight", "preflight")
    if finding.code in _RELEASES:
        return Destination("releases", "Releases", first)
    if finding.code in _CONTROLLERS:
        return Destination("controllers", "Controllers", first)
    return Destination("ownership", "Ownership", first)


MOST_FINDINGS: Final = 500
"""Findings shown, the worst; nobody reads further, and every object has its own on its evidence page."""


def finding_rows(view: View) -> list[Row]:
    """The findings, worst first, then what could not be read."""
    assessment = view.assessment
    if assessment is None:
        return []
    findings = worst_first(assessment.findings)
    rows = [
        Row(finding, (line(severity_span(finding.severity)), line(finding.code), line(finding.summary)))
        for finding in findings[:MOST_FINDINGS]
    ]
    if len(findings) > MOST_FINDINGS:
        rows.append(Row.note(muted(f"and {counted(len(findings) - MOST_FINDINGS)} more; the Ownership screen has all")))
    if not rows:
        rows.append(Row.note(good("✓ no findings")))
    gaps = partial(view)
    if gaps:
        rows.append(Row.note(warn(f"? incomplete, {plural(len(gaps), 'part')} could not be read:")))
        rows.extend(Row.note("  ", gap) for gap in gaps)
    return rows


def finding_lines(finding: Finding | None, *, mended: bool = False) -> tuple[Line, ...]:
    """One finding told whole: summary, evidence, resources and the next step; ``mended``: by the question of Enter."""
    if finding is None:
        return ()
    lines: list[Line] = [line(severity_span(finding.severity), " ", strong(finding.code)), line(finding.summary), ()]
    if finding.evidence:
        lines.append(line(muted("evidence")))
        lines += [line("  ", text) for text in finding.evidence]
    if finding.resources:
        lines.append(line(muted(plural(len(finding.resources), "resource"))))
        lines += [line("  ", ref.label) for ref in finding.resources[:40]]
        if len(finding.resources) > 40:
            lines.append(line(muted(f"  and {counted(len(finding.resources) - 40)} more")))
    where = destination(finding)
    then = " asks about the first of these:" if mended else f" goes to {where.title}"
    lines += [(), line(muted("next  "), finding.next), line(accent("enter"), muted(then))]
    return tuple(lines)


def where_lines(view: View, width: int) -> tuple[Line, ...]:
    """Which cluster, as whom, and which contract with its path; too long a path is cut at its beginning."""
    who = view.identity
    contract = view.contract
    lines = [
        line(muted("contract  "), strong(contract.name), f"  {_end(contract.source, width - 14 - len(contract.name))}")
    ]
    if who is not None:
        uid = who.cluster_uid or "uid not readable"
        user = f" as {who.user}" if who.user else ""
        lines.insert(0, fit(line(muted("cluster   "), strong(who.context), f"  {who.server}{user}  {uid}"), width))
    return tuple(lines)


def _end(text: str, width: int) -> str:
    return text if len(text) <= width else f"…{text[len(text) - max(1, width) + 1 :]}"
