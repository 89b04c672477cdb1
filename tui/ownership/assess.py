"""The whole assessment of an inventory under a contract: families, decisions, attributions, findings, verdict. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime

from tui.collector import collector_paused
from tui.contract.model import Contract
from tui.contract.select import Claims, resource_filter
from tui.objects import Inventory, KindKey
from tui.ownership.acts.advice import Advice
from tui.ownership.acts.table import Acts
from tui.ownership.attribution import Attributor
from tui.ownership.blockers import blockers
from tui.ownership.controllers import dead_controllers
from tui.ownership.decisions import decide
from tui.ownership.evidence import INVENTORIES, World
from tui.ownership.fights import field_fights
from tui.ownership.findings import ownership_findings
from tui.ownership.mentions import SEARCHED, may_mention
from tui.ownership.model import Assessment, Candidate, FamilyView, Finding, Rule, Severity, Verdict, Wish
from tui.ownership.policies import Policies
from tui.ownership.references import API_SERVICE, WEBHOOKS, is_referrer_group
from tui.ownership.refused import refused_findings
from tui.ownership.release_findings import missing_of, release_findings
from tui.ownership.releases import STORAGE_KINDS, listed_by, read_releases
from tui.ownership.shown import shown
from tui.ownership.staleness import view_family
from tui.ownership.takeover import take_overs
from tui.ownership.usage import FAR, REFERRED_TO, USERS

_ORDER = {Severity.BLOCK: 0, Severity.WARN: 1, Severity.INFO: 2}


def assess(
    contract: Contract, inventory: Inventory, *, today: date, wish: Wish | None = None, now: datetime | None = None
) -> Assessment:
    """Says all that can be said. ``today`` judges the expiry of allowed findings; ``wish`` is the operator's word.

    ``now``, with an offset, judges how old a Lease or an audit is; without it no age is judged.
    """
    with collector_paused():
        return _assess(contract, inventory, wish or Wish(), today, now)


def _assess(contract: Contract, inventory: Inventory, wish: Wish, today: date, now: datetime | None) -> Assessment:
    releases = read_releases(inventory)
    families = tuple(view_family(family, releases, inventory, wish) for family in contract.releases)
    in_force = [record for release in releases.all if (record := release.in_force)]
    listed = [listed_by(record, inventory.namespaced) for record in in_force]
    world = World(contract, inventory, releases, families, listed)
    claims = Claims(contract)
    decided = [decide(view, inventory, world, claims, wish.error) for view in families]
    candidates = tuple(candidate for each in decided for candidate in each.candidates)
    missing = tuple(lost for view in families for lost in missing_of(view, world))
    attributions = Attributor(world, claims, candidates).all()
    policies = Policies(inventory, now)
    advice = Advice(Acts(inventory, world.listings, world.inventories), attributions)
    found = [
        *release_findings(world, releases, candidates, missing),
        *refused_findings(world, candidates, wish),
        *blockers(contract, inventory, families, listed, advice),
        *dead_controllers(contract, inventory, now),
        *ownership_findings(world, attributions, policies, advice),
        *field_fights(world, advice),
        *take_overs(world, attributions, advice),
    ]
    findings, hidden = _allowed(contract, map(shown, found), today)
    incomplete = tuple(dict.fromkeys(_incomplete(inventory, families, candidates)))
    return Assessment(
        inventory=inventory,
        families=families,
        attributions=attributions,
        candidates=candidates,
        missing=missing,
        findings=tuple(sorted(findings, key=_in_order)),
        hidden=hidden,
        incomplete=incomplete,
        verdict=_verdict(findings, incomplete),
        policies=policies.guarded(contract),
        unsearched=frozenset().union(*(each.unsearched for each in decided)),
        blank=wish.error.blank,
        listings=world.listings,
    )


def with_findings(contract: Contract, known: Assessment, more: Iterable[Finding], today: date) -> Assessment:
    """The assessment with findings that no inventory tells, allowed and weighed like all others."""
    kept, hidden = _allowed(contract, map(shown, more), today)
    findings = (*known.findings, *kept)
    return replace(
        known,
        findings=tuple(sorted(findings, key=_in_order)),
        hidden=known.hidden + hidden,
        verdict=_verdict(findings, known.incomplete),
    )


def _in_order(finding: Finding) -> tuple[int, str, str]:
    return _ORDER[finding.severity], finding.code, finding.summary


def _allowed(contract: Contract, found: Iterable[Finding], today: date) -> tuple[list[Finding], int]:
    """The findings without the resources that the contract allows, and of how many findings that hid all or a part."""
    allow = [each for each in contract.allow if each.expires >= today]
    kept: list[Finding] = []
    hidden = 0
    for finding in found:
        mine = [resource_filter(each.resource) for each in allow if each.code == finding.code]
        refs = tuple(r for r in finding.resources if not any(means(r) for means in mine)) if mine else finding.resources
        gone = len(finding.resources) - len(refs)
        hidden += gone > 0
        if not gone:
            kept.append(finding)
        elif refs:
            more = f"{gone} more resource{'s' if gone > 1 else ''} allowed by the contract"
            kept.append(replace(finding, resources=refs, evidence=(*finding.evidence, more)))
    return kept, hidden


def _incomplete(inventory: Inventory, families: Sequence[FamilyView], candidates: Sequence[Candidate]) -> list[str]:
    """What could not be read although the verdict rests on it."""
    needed: set[KindKey] = {KindKey("", kind) for kind in STORAGE_KINDS} | {KindKey("", "Namespace"), API_SERVICE}
    needed |= {*INVENTORIES.values(), *WEBHOOKS}
    faults: list[str] = []
    for view in families:
        for listed in view.listed:
            needed |= {KindKey(key.group, key.kind) for key in listed.documents}
            needed |= {document.ref.kind_key for document in listed.unresolved if document.generate_name is None}
            if listed.fault:
                faults.append(f"manifest of {listed.record.name} revision {listed.record.revision}: {listed.fault}")
    judged = {candidate.ref.kind_key for candidate in candidates}
    needed |= {user for kind in judged for user in USERS.get(kind, ())}
    groups = {kind.group for kind in needed}
    named = any(c.ref.kind_key in SEARCHED and set(c.rules) <= {Rule.S7} for c in candidates)
    spaces = {view.family.namespace for view in families}
    return faults + [
        gap.text
        for gap in (*inventory.gaps, *inventory.searched.gaps)
        if (gap.kind is None and gap.group in groups)
        or (named and may_mention(gap.group, gap.kind))
        or (bool(judged & REFERRED_TO) and is_referrer_group(gap.group))
        or (
            gap.kind is not None
            and KindKey(gap.group, gap.kind) in needed
            and (gap.namespace is None or gap.namespace in spaces or KindKey(gap.group, gap.kind) in FAR)
        )
    ]


def _verdict(findings: Sequence[Finding], incomplete: Sequence[str]) -> Verdict:
    """``block`` if anything known blocks; else ``unverified`` if anything it rests on could not be read."""
    severities = {finding.severity for finding in findings}
    if Severity.BLOCK in severities:
        return Verdict.BLOCK
    if incomplete or any(finding.code == "release-unverifiable" for finding in findings):
        return Verdict.UNVERIFIED
    return Verdict.WARN if Severity.WARN in severities else Verdict.PASS
