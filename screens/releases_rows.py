"""Release families, their releases and revisions, told in plain words. Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from screens.view import View, age
from screens.words import family_span, state_span
from tui.contract.model import Contract
from tui.helm.model import Record, Status
from tui.objects import Inventory, Key
from tui.ownership.conditions import moment
from tui.ownership.hooks import Standing, hook_states
from tui.ownership.model import Assessment, Decision, FamilyState, FamilyView, Listed, Release, State
from tui.ownership.releases import listed_by
from tui.widgets.spans import Line, Role, Row, Span, bad, good, line, muted, plural, strong, warn

HEADINGS: Final = ("release", "revision", "status", "age", "meaning")

PLAIN: Final = {
    Status.DEPLOYED: "in force",
    Status.SUPERSEDED: "replaced by a later revision",
    Status.FAILED: "failed: what was deployed before it stays in force, and the objects may be a mix of both",
    Status.PENDING_INSTALL: "an install is under way, or its process died: nothing else can be deployed until it ends",
    Status.PENDING_UPGRADE: "an upgrade is under way, or its process died: nothing else can be deployed until it ends",
    Status.PENDING_ROLLBACK: "a rollback is under way, or its process died: nothing else can be deployed until it ends",
    Status.UNINSTALLING: "an uninstall is under way, or was interrupted: objects may be gone already",
    Status.UNINSTALLED: "uninstalled; only its history was kept",
    Status.UNKNOWN: "unknown: Helm itself does not know",
}
"""What Helm's words for a revision mean to an operator."""

ROLES: Final = {Status.DEPLOYED: Role.GOOD, Status.SUPERSEDED: Role.MUTED, Status.UNINSTALLED: Role.MUTED}


@dataclass(frozen=True, slots=True)
class Place:
    """A row of the screen: a family, one of its releases, or one revision of it."""

    family: str
    release: str = ""
    revision: int = 0


def release_rows(view: View, now: datetime) -> list[Row]:
    """Every family with its releases, newest first by revision and time, each with its revisions."""
    if view.assessment is None:
        return []
    rows: list[Row] = []
    for family in view.assessment.families:
        title = line(strong(family.family.name), "  ", family_span(family.state), muted(f"  {family.why}"))
        rows.append(Row(Place(family.family.name), (title,)))
        for release in sorted(family.releases, key=_newest_first):
            rows += _release_rows(family, release, now)
        rows += [
            Row.note("  ", bad("✗ cannot be read: "), f"{one.storage.label} ({one.reason})")
            for one in family.undecodable
        ]
        if not family.releases and not family.undecodable:
            rows.append(Row.note(muted(f"  no release recorded in {family.family.namespace}")))
    return rows or [Row.note(muted("the contract names no release family"))]


def _newest_first(release: Release) -> tuple[bool, str]:
    when = moment(release.newest.created)
    return release.in_force is None, f"{-when.timestamp():020.0f}" if when else ""


def _release_rows(family: FamilyView, release: Release, now: datetime) -> Iterator[Row]:
    active = family.active is not None and family.active.name == release.name
    for index, record in enumerate(release.records):
        name: Line = line("  ", good("● ") if active else muted("○ "), strong(release.name)) if not index else line("")
        status = line(Span(record.status.value, ROLES.get(record.status, Role.WARN)))
        when = moment(record.updated) or moment(record.created)
        words = PLAIN[record.status]
        if record.status is Status.DEPLOYED and active:
            words = "in force: the active release"
        if record.disagreements:
            words = "its name and labels contradict its content: trusted in neither"
        yield Row(
            Place(family.family.name, release.name, record.revision),
            (name, line(str(record.revision)), status, line(age(when, now)) if when else (), line(words)),
        )


def place_lines(contract: Contract, assessment: Assessment, place: Place, now: datetime) -> tuple[Line, ...]:
    """The page about a row. Reads a manifest, which may take its time: for a thread."""
    family = assessment.family(place.family)
    if family is None:
        return ()
    if not place.release:
        return tuple(_family_lines(contract, family))
    release = family.release(place.release)
    record = next((r for r in release.records if r.revision == place.revision), None) if release else None
    if release is None or record is None:
        return (line(muted("this revision is not recorded (any more)")),)
    return (
        *_record_lines(record, now),
        *_pending_lines(contract, family, release, record),
        *_resource_lines(assessment, family, record),
        *_stamped_lines(assessment, release),
    )


def _family_lines(contract: Contract, family: FamilyView) -> Iterator[Line]:
    own = family.family
    yield line(strong(own.name), "  ", family_span(family.state))
    yield line(family.why)
    yield ()
    owner = contract.owners.get(own.owner)
    yield line(muted("owner      "), owner.title if owner else own.owner)
    yield line(muted("storage    "), f"namespace {own.namespace}")
    how = [f"{own.generated}- and eight hex digits"] if own.generated else []
    how += [f"names like {own.match}"] if own.match else []
    how += [f"the name {name}" for name in own.names]
    yield line(muted("members    "), "; ".join(how))
    scope = ["cluster-scoped objects"] if own.cleanup_cluster_scoped else []
    scope += [f"namespace {name}" for name in own.cleanup_namespaces]
    yield line(muted("cleanup    "), "may touch " + (", ".join(scope) or "nothing"))
    if family.expected:
        yield line(muted("expected   "), family.expected)
    if family.state is not FamilyState.ACTIVE:
        yield ()
        yield line(warn("! "), "only in state active can anything be stale: nothing of this family is deleted now")


def _record_lines(record: Record, now: datetime) -> Iterator[Line]:
    yield line(strong(f"{record.name} revision {record.revision}"), "  ", record.status.value)
    yield line(PLAIN[record.status])
    yield ()
    app = f" (app {record.app_version})" if record.app_version else ""
    yield line(muted("chart      "), f"{record.chart} {record.chart_version}{app}")
    when = moment(record.updated)
    yield line(
        muted("deployed   "), f"{record.updated or 'not said'}", muted(f"  {age(when, now)} ago" if when else "")
    )
    yield line(muted("applied    "), "server-side" if record.apply_method == "ssa" else "client-side")
    yield line(muted("record     "), record.storage.label)
    if record.description:
        yield line(muted("said       "), record.description)
    for doubt in record.disagreements:
        yield line(bad("✗ "), doubt)


def _pending_lines(contract: Contract, family: FamilyView, release: Release, record: Record) -> Iterator[Line]:
    if not record.status.at_work or record is not release.newest:
        return
    yield ()
    yield line(warn("! hands off"), " until its process is known to be dead; then the owner's own tool ends it:")
    owner = contract.owners.get(family.family.owner)
    if owner and owner.reconcile and owner.reconcile.command:
        yield line("    ", owner.reconcile.command, muted(f"   ({owner.title})"))
    force = release.in_force
    if force is not None and record.status in (Status.PENDING_UPGRADE, Status.PENDING_ROLLBACK):
        yield line("    ", f"helm rollback {release.name} {force.revision} -n {release.namespace}")


def _listed(assessment: Assessment, family: FamilyView, record: Record) -> Listed:
    known = next((one for one in family.listed if one.record == record), None)
    return known or listed_by(record, assessment.inventory.namespaced)


def _resource_lines(assessment: Assessment, family: FamilyView, record: Record) -> Iterator[Line]:
    listed = _listed(assessment, family, record)
    yield ()
    if listed.fault:
        yield line(bad("✗ its manifest cannot be read: "), listed.fault)
        return
    drifted = {ref.key for f in assessment.findings if f.code == "drifted" for ref in f.resources}
    rows = [(_presence(assessment, key, drifted), key) for key in listed.documents]
    counts = Counter(span.text for span, _ in rows)
    told = ", ".join(f"{number} {text.partition(' ')[2]}" for text, number in counts.items())
    yield line(muted("resources  "), f"{plural(len(rows), 'document')}: {told}" if rows else "none")
    for span, key in sorted(rows, key=lambda row: row[0].role not in (Role.BAD, Role.WARN)):
        yield line("  ", span, "  ", f"{key.kind} {key.namespace + '/' if key.namespace else ''}{key.name}")
    for document in listed.unresolved:
        yield line("  ", warn("? kind not served"), "  ", document.ref.label)
    yield from _uncovered(assessment.inventory, record)


def _presence(assessment: Assessment, key: Key, drifted: Iterable[Key]) -> Span:
    attribution = assessment.attributions.get(key)
    if assessment.inventory.get(key) is None:
        if not assessment.inventory.readable(key.group, key.kind, key.namespace):
            return warn("? unverified")
        return bad("◌ missing")
    if attribution is not None and attribution.state is State.STALE:
        return state_span(State.STALE)
    if key in drifted:
        return warn("≠ drifted")
    return good("● present")


def _uncovered(inventory: Inventory, record: Record) -> Iterator[Line]:
    if record.hooks:
        yield ()
        yield line(muted(f"hooks, {len(record.hooks)}: not covered by replay, Helm alone runs them"))
        for state in hook_states(record, inventory):
            role = warn if state.standing in (Standing.LEFT_BEHIND, Standing.UNVERIFIABLE) else muted
            yield line("  ", state.ref.label, muted(f"  {', '.join(state.hook.events)}  "), role(state.text))
    if record.crds:
        yield ()
        yield line(
            muted(f"CRDs of the chart's crds/ folder, {plural(len(record.crds), 'file')}: not covered by replay")
        )
        yield from (line("  ", file.name) for file in record.crds)


def _stamped_lines(assessment: Assessment, release: Release) -> Iterator[Line]:
    stamped = [one for one in assessment.candidates if one.release == release.name]
    if not stamped:
        return
    yield ()
    yield line(muted(f"live and stamped with {release.name}, {plural(len(stamped), 'object')}"))
    roles = {Decision.PROTECT: muted, Decision.DELETE: warn, Decision.ADOPT: good, Decision.RECREATE: warn}
    for one in stamped:
        rules = f" ({', '.join(one.rules)})" if one.rules else ""
        yield line("  ", roles[one.decision](f"{one.decision.value}{rules}"), f"  {one.ref.label}")
