"""The documents of the command line and of a session: JSON by schema, Markdown for an incident channel. Pure."""

from collections.abc import Iterable, Sequence

from tui.contract.model import Contract
from tui.helm.model import Record
from tui.objects import Json, Key, Ref
from tui.ownership.atomic import held_back, takes_back
from tui.ownership.attribution import counts
from tui.ownership.hooks import hook_states
from tui.ownership.model import (
    Assessment,
    Attribution,
    Candidate,
    FamilyView,
    Finding,
    Guarded,
    Missing,
    Severity,
    Verdict,
)
from tui.ownership.pulumi_mends import refresh_told
from tui.ownership.shown import few_of_each, told_of
from tui.recovery.outcome import Outcome, Status
from tui.recovery.session import Session
from tui.text import clean

REQUESTED_AT = "reconcile.fluxcd.io/requestedAt"

WORDS = {
    "deployed": "in force",
    "superseded": "replaced by a newer revision",
    "failed": "failed; what came before it stays in force",
    "pending-install": "an install is under way, or was killed in the middle",
    "pending-upgrade": "an upgrade is under way, or was killed in the middle",
    "pending-rollback": "a rollback is under way, or was killed in the middle",
    "uninstalling": "an uninstall is under way, or was killed in the middle",
    "uninstalled": "uninstalled, its history kept",
    "unknown": "Helm itself does not know",
}
"""A release revision's status in plain words."""


def contract_json(contract: Contract) -> Json:
    """Which contract a document was judged by."""
    return {"name": contract.name, "sha256": contract.sha256}


def preflight_json(assessment: Assessment, context: str, contract: Contract) -> Json:
    """The document ``refloat.preflight/1``."""
    return {
        "schema": "refloat.preflight/1",
        "verdict": assessment.verdict.value,
        "context": context,
        "contract": contract_json(contract),
        "releases": [_release_json(view) for view in assessment.families],
        "findings": [finding.to_json() for finding in assessment.findings],
        "hidden": assessment.hidden,
        "policies": [_guarded_json(each) for each in assessment.policies],
        "candidates": [_candidate_json(candidate) for candidate in assessment.candidates],
        "missing": [_missing_json(lost) for lost in assessment.missing],
        "incomplete": list(assessment.incomplete),
        "notes": [trace] if (trace := no_trace(assessment)) else [],
    }


def _release_json(view: FamilyView) -> Json:
    return {
        "family": view.family.name,
        "namespace": view.family.namespace,
        "state": view.state.value,
        "active": view.active.name if view.active else None,
        "known": [
            {
                "name": release.name,
                "revision": release.newest.revision,
                "status": release.newest.status.value,
                "updated": release.newest.updated,
            }
            for release in view.releases
        ],
    }


def _guarded_json(guarded: Guarded) -> Json:
    return {
        "guardrail": guarded.guardrail,
        "status": guarded.status.value,
        "by": list(guarded.by),
        "why": guarded.why,
    }


def _candidate_json(candidate: Candidate) -> Json:
    return {
        "ref": candidate.ref.to_json(),
        "release": candidate.release,
        "decision": candidate.decision.value,
        "rules": [rule.value for rule in candidate.rules],
        "why": candidate.why,
    }


def _missing_json(lost: Missing) -> Json:
    return {"ref": lost.ref.to_json(), "release": lost.release, "replayable": lost.replayable, "why": lost.why}


def releases_json(assessment: Assessment, only: str | None = None) -> Json:
    """The document ``refloat.releases/1``: families with every revision, and each listed resource's state."""
    lost = {m.ref.key for m in assessment.missing}
    stale = {c.ref.key: c for c in assessment.candidates}
    families = []
    for view in assessment.families:
        listed = view.listed[0].documents if view.listed else {}
        families.append(
            {
                **_release_json(view),
                "why": view.why,
                "revisions": [
                    _revision_json(r)
                    for release in view.releases
                    if only in (None, release.name)
                    for r in release.records
                ],
                "resources": [
                    {"ref": document.ref.to_json(), "state": _resource_state(key, lost, stale, assessment)}
                    for key, document in listed.items()
                    if view.active is not None and only in (None, view.active.name)
                ],
                "hooks": [
                    state.to_json() for state in (hook_states(view.active, assessment.inventory) if view.active else ())
                ],
            }
        )
    return {"schema": "refloat.releases/1", "families": families, "incomplete": list(assessment.incomplete)}


def _revision_json(record: Record) -> Json:
    return {
        "name": record.name,
        "revision": record.revision,
        "status": record.status.value,
        "updated": record.updated,
        "chart": f"{record.chart}-{record.chart_version}",
        "apply_method": record.apply_method,
        "description": record.description,
    }


def _resource_state(key: Key, lost: set[Key], stale: dict[Key, Candidate], assessment: Assessment) -> str:
    if key in lost:
        return "missing"
    if key in stale:
        return "stamped-otherwise"
    if not assessment.inventory.readable(key.group, key.kind, key.namespace):
        return "unverifiable"
    return "present" if key in assessment.inventory.objects else "missing"


def owners_json(assessment: Assessment, rows: Iterable[Attribution]) -> Json:
    """The document ``refloat.owners/1`` over the chosen attributions."""
    chosen = sorted(rows, key=lambda a: (a.ref.namespace or "", a.ref.kind, a.ref.name))
    tally = counts({row.ref.key: row for row in chosen})
    return {
        "schema": "refloat.owners/1",
        "objects": [
            {
                "ref": row.ref.to_json(),
                "state": row.state.value,
                "owner": row.owner,
                "layer": row.layer,
                "owners": list(row.owners),
            }
            for row in chosen
        ],
        "counts": {state.value: count for state, count in tally.items() if count},
        "incomplete": list(assessment.incomplete),
    }


def explain_json(assessment: Assessment, contract: Contract, row: Attribution, then: Iterable[str] = ()) -> Json:
    """The document ``refloat.explain/1`` of one object. ``then`` tells what happens next to it by itself."""
    claim = row.claim
    about = [finding for finding in assessment.findings if _concerns(finding, row.ref)]
    return {
        "schema": "refloat.explain/1",
        "ref": row.ref.to_json(),
        "live": row.live,
        "state": row.state.value,
        "claim": {"owner": claim.owner, "layer": claim.layer, "source": claim.source} if claim else None,
        "owners": [
            {
                "owner": owner,
                "confirmed": any(e.confirmed for e in row.evidence if e.owner == owner),
                "evidence": [{"source": e.source.value, "text": e.text} for e in row.evidence if e.owner == owner],
            }
            for owner in row.owners
        ],
        "release": row.release,
        "findings": list(dict.fromkeys(finding.code for finding in about)),
        "next": list(dict.fromkeys([*(f.next for f in about), *_reconcile(assessment, contract, row), *then])),
    }


def _concerns(finding: Finding, ref: Ref) -> bool:
    return any(each.key == ref.key for each in finding.resources)


def _reconcile(assessment: Assessment, contract: Contract, row: Attribution) -> list[str]:
    owner = contract.owners.get(row.owner or "")
    how = owner.reconcile if owner else None
    if owner is None or how is None:
        return []
    if how.command:
        view = next((each for each in assessment.families if each.family.has(row.release or "")), None)
        told = refresh_told(how.command, view)
        return [f"{owner.title}: {told}" if told else f"let {owner.title} act: {how.command}"]
    target = f"{str(how.kind).lower()} {how.name} -n {how.namespace}"
    return [f'let {owner.title} act: kubectl annotate {target} {REQUESTED_AT}="$(date +%s)" --overwrite']


def no_trace(assessment: Assessment) -> str:
    """What a clean preflight must still say: a refused install leaves no record behind. Empty where one was told of.

    Of an owner's text that tells of nothing every preflight says so.
    """
    if assessment.blank:
        return assessment.blank
    told = any(view.expected for view in assessment.families) or any(
        finding.code == "refused-install" for finding in assessment.findings
    )
    if told or not assessment.families or assessment.verdict not in (Verdict.PASS, Verdict.WARN):
        return ""
    return (
        "a refused install leaves no trace in the cluster: if the owner reported one, give its text with --error FILE"
        " (- for standard input), or name its release with --expect NAME"
    )


def preflight_markdown(assessment: Assessment, context: str, contract: Contract) -> str:
    """The preflight for people: verdict, releases, findings worst first, what is missing and stale."""
    lines = [
        f"# Preflight: {assessment.verdict.value.upper()}",
        "",
        f"Context `{clean(context)}`, contract `{contract.name}` ({contract.source})",
        "",
    ]
    lines += [
        f"- release family **{view.family.name}**: {view.state.value}; {clean(view.why)}"
        for view in assessment.families
    ]
    lines += ["", f"## Findings ({len(assessment.findings)}, {assessment.hidden} hidden by the contract)", ""]
    findings, more = few_of_each(f for f in assessment.findings if f.severity is not Severity.INFO)
    for finding in findings:
        lines.append(f"- **{finding.severity.value}** `{finding.code}` {clean(finding.summary)}")
        told, left = told_of(finding, 12)
        lines += [f"  - {clean(text)}" for text in told]
        if left:
            lines.append(f"  - and {left} more")
        lines.append(f"  - next: {clean(finding.next)}")
    lines += [f"- and {count} more findings `{code}`" for code, count in more.items()]
    lines += _section(
        "Missing", [f"{m.ref.label}: {'replayable' if m.replayable else m.why}" for m in assessment.missing]
    )
    lines += _section(
        "Stamped otherwise",
        [f"{c.ref.label}: **{c.decision.value}** {', '.join(c.rules)}: {c.why}" for c in assessment.candidates],
    )
    lines += _section("Does the cluster enforce the guardrails", [each.text for each in assessment.policies])
    lines += _section("Could not be read", list(assessment.incomplete))
    if trace := no_trace(assessment):
        lines += ["", f"_{trace}_"]
    return "\n".join(lines) + "\n"


def _section(title: str, rows: Sequence[str]) -> list[str]:
    return ["", f"## {title} ({len(rows)})", "", *(f"- {clean(row)}" for row in rows)] if rows else []


def hand_back(session: Session) -> tuple[str, ...]:
    """What the owners must do so that the fix lasts."""
    lines: list[str] = []
    assessment = session.assessment
    for view in assessment.families if assessment else ():
        owner = session.contract.owners.get(view.family.owner)
        command = owner.reconcile.command if owner and owner.reconcile else None
        if command:
            lines.append(f"{owner.title if owner else view.family.owner}: {refresh_told(command, view) or command}")
        pinned = view.active.name if view.active else view.expected
        if pinned and view.family.generated:
            lines.append(f"pin the release's name to {pinned} at its owner: a generated name makes the next wreck")
        if danger := held_back(session.contract, view) or takes_back(session.contract, view):
            lines.append(f"install {view.expected}: {danger}")
    lines += _lets_through(assessment.findings if assessment else ())
    asleep = [
        f for f in (assessment.findings if assessment else ()) if f.code in ("suspended", "paused", "scaled-to-zero")
    ]
    lines += [f"still so: {finding.summary}; {finding.next}" for finding in asleep]
    return tuple(dict.fromkeys(lines))


def _lets_through(findings: Iterable[Finding]) -> list[str]:
    """What lets an owner through whose release is still refused, or lost."""
    blocked = [each for each in findings if each.severity is Severity.BLOCK]
    found = [each.next for code in ("refused-install", "release-absent") for each in blocked if each.code == code]
    return [f"before the next deployment: {found[0]}"] if found else []


def session_json(session: Session) -> Json:
    """The document ``refloat.session/1``: seen, decided, done and left."""
    before, after, identity = session.before, session.assessment, session.identity
    return {
        "schema": "refloat.session/1",
        "context": identity.context,
        "server": identity.server,
        "cluster": identity.cluster_uid,
        "user": identity.user,
        "contract": contract_json(session.contract),
        "before": before.verdict.value if before else None,
        "after": after.verdict.value if after else None,
        "health": session.health.verdict.value if session.health else None,
        "outcomes": [_outcome_json(outcome) for outcome in session.outcomes],
        "left": [
            finding.to_json() for finding in (after.findings if after else ()) if finding.severity is not Severity.INFO
        ],
        "hand_back": list(hand_back(session)),
    }


def _outcome_json(outcome: Outcome) -> Json:
    """How an entry ended; ``losses`` where it does not bring all of its object back."""
    entry = outcome.entry
    found: Json = {"action": entry.action.value, "ref": entry.ref.to_json()}
    found |= {"status": outcome.status.value, "text": outcome.text}
    return found | {"losses": list(entry.losses)} if entry.losses else found


def session_markdown(session: Session) -> str:
    """The report of a session, fit to paste into an incident channel."""
    before, after, identity = session.before, session.assessment, session.identity
    who = f"{clean(identity.context)}` at {clean(identity.server)}, as {clean(identity.user) or 'an unknown user'}"
    verdicts = [each.verdict.value if each else "not run" for each in (before, after)]
    lines = [
        "# Recovery report",
        "",
        f"Cluster `{who}; contract `{session.contract.name}`",
        "",
        f"- preflight: {verdicts[0]} before, {verdicts[1]} after",
        f"- health: {session.health.verdict.value if session.health else 'not checked'}",
    ]
    for status in Status:
        rows = [f"{o.entry.action.value} {o.entry.ref.label}: {o.text}" for o in session.outcomes if o.status is status]
        lines += _section(status.value.capitalize(), rows)
    made = {o.entry.id: o.entry for o in session.outcomes if o.status is Status.DONE}
    lost = [f"{entry.ref.label}: {loss}" for entry in made.values() for loss in entry.losses]
    lines += _section("Not brought back", lost)
    protected = [c for c in (after.candidates if after else ()) if c.decision.value == "protect"]
    lines += _section("Protected", [f"{c.ref.label} ({', '.join(c.rules)}): {c.why}" for c in protected])
    left = [
        f"{f.severity.value} {f.code}: {f.summary}"
        for f in (after.findings if after else ())
        if f.severity is not Severity.INFO
    ]
    lines += _section("Left", left)
    lines += _section("Hand back", list(hand_back(session)))
    return "\n".join(lines) + "\n"
