"""All that is known of who owns one object, as lines: one page to settle a dispute with. Pure."""

from collections.abc import Iterator

from screens.index import Index, owner_chain
from screens.words import STRENGTHS, severity_span, state_span
from screens.yaml_text import field_count
from tui.contract.model import Contract
from tui.objects import Key, Live
from tui.ownership.conditions import conditions_of
from tui.ownership.model import Assessment, Attribution, Candidate, Decision
from tui.widgets.spans import Line, Span, bad, good, line, muted, plural, strong, warn

MAX_LISTED = 30
"""Dependents listed by name; the rest is counted."""

DECISIONS = {
    Decision.DELETE: "may be deleted: every rule is proven",
    Decision.ADOPT: "to be adopted by",
    Decision.RECREATE: "to be recreated for",
    Decision.PROTECT: "protected",
}


def evidence_lines(contract: Contract, assessment: Assessment, index: Index, key: Key) -> tuple[Line, ...]:
    """The page about one object, live or missing; says so where nothing is known of it (any more)."""
    attribution = assessment.attributions.get(key)
    live = assessment.inventory.get(key)
    if attribution is None and live is None:
        return (line(strong(f"{key.kind} {key.name}")), line(muted("is not there (any more)")))
    parts = [
        *_head(contract, attribution, key),
        *_marks(contract, attribution),
        *_candidate(index.candidates.get(key)),
        *_missing(index, key),
        *_findings(index, key),
    ]
    if live is not None:
        parts += [*_chain(live, assessment), *_dependents(live, index), *_managers(live), *_conditions(live)]
        parts += [*_metadata(live), (), line(muted("see it  "), f"kubectl get {live.ref.kubectl} -o yaml")]
    return tuple(parts)


def _title(contract: Contract, owner: str) -> str:
    known = contract.owners.get(owner)
    return known.title if known else owner


def _head(contract: Contract, attribution: Attribution | None, key: Key) -> Iterator[Line]:
    name = f"{key.namespace}/{key.name}" if key.namespace else key.name
    if attribution is None:
        yield line(strong(f"{key.kind} {name}"))
        yield line(muted("appeared since the last assessment; its owner is not judged yet"))
        return
    yield line(strong(attribution.ref.label), "  ", muted(attribution.ref.api_version))
    owners = " and ".join(_title(contract, owner) for owner in attribution.owners) or "nobody"
    yield line(state_span(attribution.state), "  evidence for ", strong(owners))
    if attribution.why_unverifiable:
        yield line(warn("? "), attribution.why_unverifiable)
    claim = attribution.claim
    if claim is None:
        yield line(muted("claim    "), "none in the contract")
    else:
        where = f", line {claim.line} of {contract.source}" if claim.line else ""
        yield line(
            muted("claim    "), f"{_title(contract, claim.owner)}, layer {claim.layer}, from {claim.source}{where}"
        )
    if attribution.release:
        yield line(muted("release  "), attribution.release)


def _marks(contract: Contract, attribution: Attribution | None) -> Iterator[Line]:
    if attribution is None:
        return
    yield ()
    if not attribution.evidence:
        yield line(muted("evidence  none: no mark that the contract knows"))
        return
    yield line(muted("evidence, strongest first"))
    for one in sorted(attribution.evidence, key=lambda each: -each.strength):
        mark = good("✓ ") if one.confirmed else muted("· ")
        yield line(mark, strong(_title(contract, one.owner)), f" by {STRENGTHS[one.strength]}")
        yield line("    ", one.text)
    if any(one.confirmed for one in attribution.evidence):
        yield line(muted("  ✓ the owner's own record lists the object"))


def _candidate(candidate: Candidate | None) -> Iterator[Line]:
    if candidate is None:
        return
    yield ()
    words = DECISIONS[candidate.decision]
    if candidate.target and candidate.decision in (Decision.ADOPT, Decision.RECREATE):
        words = f"{words} {candidate.target}"
    yield line(muted("cleanup  "), strong(words))
    yield line("    ", candidate.why)
    for rule, why in candidate.failed:
        yield line(warn(f"    {rule.value} "), why)


def _missing(index: Index, key: Key) -> Iterator[Line]:
    lost = index.missing.get(key)
    if lost is not None:
        yield ()
        can = good("replay can create it") if lost.replayable else warn("replay does not create it")
        yield line(muted("missing  "), f"listed by {lost.release}: ", can)
        yield line("    ", lost.why)


def _findings(index: Index, key: Key) -> Iterator[Line]:
    found = index.findings.get(key, ())
    if found:
        yield ()
        yield line(muted("findings"))
    for finding in found:
        yield line("  ", severity_span(finding.severity), " ", strong(finding.code), f"  {finding.summary}")
        if finding.next:
            yield line(muted("    next "), finding.next)


def _chain(live: Live, assessment: Assessment) -> Iterator[Line]:
    chain = owner_chain(live, assessment.inventory)
    if chain:
        yield ()
        yield line(muted("made by  "), " → ".join(chain))


def _dependents(live: Live, index: Index) -> Iterator[Line]:
    below = index.dependents.get(live.ref.uid or "", [])
    if below:
        yield ()
        yield line(muted(f"dependents, {plural(len(below), 'object')} named it as owner"))
        yield from (line("  ", ref.label) for ref in below[:MAX_LISTED])
        if len(below) > MAX_LISTED:
            yield line(muted(f"  and {len(below) - MAX_LISTED} more"))


def _managers(live: Live) -> Iterator[Line]:
    if live.managers:
        yield ()
        yield line(muted("field managers"))
    for manager in live.managers:
        part = f"/{manager.subresource}" if manager.subresource else ""
        yield line(
            "  ",
            strong(manager.name),
            f"  {manager.operation}{part}, {plural(field_count(manager.fields), 'field')}",
            muted(f"  {manager.time}"),
        )


def _conditions(live: Live) -> Iterator[Line]:
    conditions = conditions_of(live)
    if conditions:
        yield ()
        yield line(muted("conditions"))
    for one in conditions.values():
        since = one.since.isoformat() if one.since else ""
        yield line("  ", strong(one.type), f" {one.status}  {one.text}", muted(f"  {since}"))


def _metadata(live: Live) -> Iterator[Line]:
    yield ()
    if live.deleting:
        yield line(bad("✗ being deleted since "), live.deleting)
    if live.finalizers:
        yield line(muted("finalizers  "), ", ".join(live.finalizers))
    for title, values in (("labels", live.labels), ("annotations", live.annotations)):
        if values:
            yield line(muted(title))
            yield from (line("  ", muted(f"{name}: "), _value(name, value)) for name, value in values.items())
    made = f"created {live.created}, " if live.created else ""
    yield line(muted(f"{made}uid {live.ref.uid or 'unknown'}, resourceVersion {live.resource_version or 'unknown'}"))


def _value(name: str, value: str) -> Span:
    """An annotation's value; kubectl's copy of the object may hold a Secret's data and stays masked."""
    if name == "kubectl.kubernetes.io/last-applied-configuration":
        return muted("*** (kubectl's copy of the object)")
    return Span(str(value)[:500])
