"""Findings about Helm releases: their state, what they lack, what is stale, and what an uninstall would take. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from tui.helm.manifest import RESOURCE_POLICY
from tui.helm.model import Document, Record
from tui.helm.refusal import OwnerError, Tool
from tui.objects import Inventory, Json, Key, Live, Ref
from tui.ownership.acts.helm import KEEP
from tui.ownership.acts.opt_outs import command
from tui.ownership.atomic import held_back, takes_back
from tui.ownership.bindings import role_ref
from tui.ownership.bomb_findings import delete_bombs
from tui.ownership.drift import drift
from tui.ownership.evidence import INVENTORIES, RELEASE_NAME, RELEASE_NAMESPACE, World, stamp_of
from tui.ownership.model import (
    Candidate,
    Decision,
    FamilyState,
    FamilyView,
    Finding,
    Missing,
    Rule,
    Severity,
)
from tui.ownership.pulumi_mends import mends_of, owner_tool
from tui.ownership.references import BINDINGS, HPA, scaled_by
from tui.ownership.refused_drawn import NO_REFRESH, bears_family, stamps_of
from tui.ownership.releases import Releases
from tui.ownership.stamps import disagreeing_stamps

NEVER_REPLAYED = {"Job": "a Job runs again when it is made again", "Pod": "a bare Pod belongs to whatever made it"}


def missing_of(view: FamilyView, world: World) -> tuple[Missing, ...]:
    """The documents of the active manifest that the cluster lacks, each with whether a replay may create it."""
    if view.active is None or not view.listed:
        return ()
    inventory, listed = world.inventory, view.listed[0]
    found: list[Missing] = []
    for key, document in listed.documents.items():
        if key in inventory.objects or not inventory.readable(key.group, key.kind, key.namespace):
            continue
        why_not = _not_replayable(view, world, key, document)
        why = (
            why_not
            or f"the manifest of {view.active.name} revision {view.active.revision} lists it and it is not there"
        )
        found.append(Missing(document, document.ref, view.family.name, view.active.name, not why_not, why))
    for document in listed.unresolved:
        if document.generate_name is not None:
            why = "it has a generateName: whether it is there cannot be told, and it is not replayed"
        elif inventory.gap(document.ref.group, document.ref.kind):
            continue
        else:
            why = f"the cluster does not serve {document.ref.kind} ({document.ref.api_version})"
        found.append(Missing(document, document.ref, view.family.name, view.active.name, replayable=False, why=why))
    return tuple(found)


def _not_replayable(view: FamilyView, world: World, key: Key, document: Document) -> str:
    """Why a missing document is not replayed; empty when it may be."""
    active = view.active
    if key.kind in NEVER_REPLAYED and key.group in ("", "batch"):
        return NEVER_REPLAYED[key.kind]
    theirs = _left_to_flux(view, world, key)
    if theirs:
        return theirs
    for newer in view.listed[1:]:
        if not newer.lists(key):
            return f"the newer revision {newer.record.revision} ({newer.record.status.value}) dropped it"
    others = [record for record in world.manifests.get(key, ()) if active is None or record.name != active.name]
    if others:
        return f"release {others[0].namespace}/{others[0].name}, in force, lists it too"
    version = f"{document.ref.api_version}/{document.ref.kind}"
    if world.inventory.versions and version not in world.inventory.versions:
        return f"the cluster no longer serves {document.ref.api_version} {document.ref.kind}"
    return ""


def _left_to_flux(view: FamilyView, world: World, key: Key) -> str:
    """Why a missing document is Flux's to make, or may be: an inventory that cannot be read may list it."""
    holders = world.inventories.get(key)
    if holders:
        return f"{holders[0].label} lists it in its inventory and will make it again"
    for kind in INVENTORIES.values():
        gap = world.inventory.gap(*kind)
        if gap is not None:
            return f"could not verify that no inventory lists it: {gap.text}"
    runs = world.helm_release_of(view.active.name, view.active.namespace) if view.active else ""
    return f"{runs} runs this release: its controller does that" if runs else ""


def release_findings(
    world: World, releases: Releases, candidates: Iterable[Candidate], missing: Iterable[Missing]
) -> Iterator[Finding]:
    """Every finding that records, manifests and stamps give rise to."""
    candidates, missing = tuple(candidates), tuple(missing)
    for view in world.families:
        mine = [c for c in candidates if c.family == view.family.name]
        yield from _state(view, world)
        lost = [m for m in missing if m.family == view.family.name]
        yield from _missing(view, lost, owner_tool(view, world.contract, OwnerError()))
        yield from _leftovers(view, mine)
        yield from _listed(view, world.inventory)
    in_families = {bad.storage for view in world.families for bad in view.undecodable}
    for bad in releases.undecodable:
        if bad.storage not in in_families:
            yield Finding(
                "record-undecodable",
                Severity.WARN,
                f"release record {bad.storage.path} cannot be decoded",
                (bad.storage,),
                (bad.reason,),
                "look at it with helm history; Refloat takes nothing from it",
            )
    yield from disagreeing_stamps(world, releases)
    yield from delete_bombs(world)


def _state(view: FamilyView, world: World) -> Iterator[Finding]:
    refs = tuple(release.newest.storage for release in view.releases)
    evidence = tuple(
        f"{_revision(r.newest)}: {r.newest.status.value} ({r.newest.updated}) {r.newest.description}".rstrip()
        for r in view.releases
    )
    name, namespace = view.family.name, view.family.namespace
    if view.state is FamilyState.UNVERIFIABLE:
        bad = tuple(f"{b.storage.label}: {b.reason}" for b in view.undecodable)
        yield Finding(
            "release-unverifiable",
            Severity.WARN,
            f"the releases of {name} could not be verified: {view.why}",
            refs or tuple(b.storage for b in view.undecodable),
            bad or evidence,
            f"make Secrets and ConfigMaps in {namespace} readable (kubectl auth can-i list secrets -n {namespace})",
        )
    elif view.state is FamilyState.AMBIGUOUS:
        busy = next((r.newest for r in view.releases if r.newest.status.at_work), None)
        then = (
            "tell which one is meant: --settle NAME@REVISION, or pin the release's name at its owner"
            if busy is None
            else f"wait for its process to end; once it is known to be dead: helm rollback {busy.name} -n {namespace}"
        )
        yield Finding(
            "release-ambiguous",
            Severity.BLOCK,
            f"no single release of {name} is in force: {view.why}",
            refs,
            evidence,
            then,
        )
    elif view.state is FamilyState.ABSENT:
        yield from _absent(view, world, refs, evidence)


def _absent(view: FamilyView, world: World, refs: tuple[Ref, ...], evidence: tuple[str, ...]) -> Iterator[Finding]:
    everything = world.inventory.objects.values()
    stamped = [live for live in everything if _stamped_by(view, live) and live.controller is None]
    if not view.releases and not stamped:
        return
    names = sorted({stamp.release for live in stamped if (stamp := stamp_of(live))})
    marks = [f"{len(stamped)} objects bear the stamp of {', '.join(names)}"] if stamped else []
    summary = f"no release of {view.family.name} is in force: {view.why}"
    if view.expected is not None:
        then = _expecting(view, world, view.expected, names)
        yield Finding("release-absent", Severity.BLOCK, summary, refs, (*evidence, *marks), then)
        return
    tool = owner_tool(view, world.contract, OwnerError())
    # Whether the owner's state still knows a recorded release, only its own words can tell.
    recorded = any(view.release(name) for name in names) or not stamped
    mine = [live for live in stamped if bears_family(view, live)]
    mends = () if recorded else mends_of(view, tool, stamps_of(view, mine), OwnerError())
    marks += [line for each in mends for line in each.lines]
    marks += [NO_REFRESH] if mends and tool is Tool.PULUMI else []
    then = "name the release that the owner will install: --error FILE reads its error, --expect NAME states it"
    then = f"{mends[0].brief}; or, where its name is set for good, {then}" if mends else then
    yield Finding("release-absent", Severity.BLOCK, summary, refs, (*evidence, *marks), then)


def _expecting(view: FamilyView, world: World, expected: str, names: list[str]) -> str:
    """What follows where the expected release is named and none is in force."""
    pinned = f", with `name: {expected}` in its program" if view.family.generated else ""
    if any(name != expected for name in names):
        restamp = "re-stamp what the stale stamps hold to the expected release"
        return held_back(world.contract, view) or f"{restamp}, then let the owner install it{pinned}"
    then = f"let the owner install {expected}{pinned}: nothing bears another stamp any more"
    return "; ".join(filter(None, (then, takes_back(world.contract, view))))


def _stamped_by(view: FamilyView, live: Live) -> bool:
    stamp = stamp_of(live)
    return stamp is not None and view.family.has(stamp.release)


def _missing(view: FamilyView, missing: list[Missing], tool: Tool) -> Iterator[Finding]:
    lost = [m for m in missing if m.replayable]
    then = "replay them from the release's stored manifest: refloat, 5 Recovery"
    if tool is Tool.PULUMI:
        # Tried: its provider compares the release's record alone (pulumi-kubernetes helm_release.go Diff).
        then += "; pulumi up and pulumi refresh call the release unchanged until a value of it changes"
    if lost and view.active is not None:
        summary = f"{_many(len(lost), 'resource')} of {_revision(view.active)} missing, though it is deployed"
        yield Finding(
            "resource-missing",
            Severity.BLOCK,
            summary,
            tuple(m.ref for m in lost),
            tuple(f"{m.ref.label}: kubectl get {m.ref.kubectl} finds nothing" for m in lost),
            then,
        )


def _leftovers(view: FamilyView, mine: list[Candidate]) -> Iterator[Finding]:
    if view.active is None:
        return
    groups: dict[tuple[str, str], list[Candidate]] = defaultdict(list)
    for candidate in mine:
        stamp = stamp_of(candidate.live)
        if stamp is None or stamp.release == view.active.name:
            code = "stamp-absent"
        elif any(each.lists(candidate.ref.key) for each in view.listed):
            code = "stamp-foreign"
        elif Rule.S1 in candidate.rules:
            continue  # It names a release of another namespace, so this family left nothing: stamp-disagrees says so.
        else:
            code = "stale-leftover"
        groups[code, candidate.release].append(candidate)
    for (code, release), group in sorted(groups.items()):
        refs = tuple(c.ref for c in group)
        evidence = tuple(f"{c.ref.label}: {c.decision.value}{_rules(c)}: {c.why}" for c in group)
        if code == "stamp-absent":
            blocks = view.active.apply_method == "ssa"
            yield Finding(
                code,
                Severity.BLOCK if blocks else Severity.WARN,
                f"{_many(len(group), 'object')} of {release} without its stamp or held by kubectl",
                refs,
                evidence,
                "adopt them, or the owner's next upgrade of a server-side release fails on conflicts",
            )
        elif code == "stamp-foreign":
            yield Finding(
                code,
                Severity.WARN,
                f"{_many(len(group), 'object')} of {view.active.name} stamped with {release}",
                refs,
                evidence,
                "adopt them: re-stamp to the active release, nothing is deleted",
            )
        else:
            gone = sum(c.decision is Decision.DELETE for c in group)
            yield Finding(
                code,
                Severity.WARN,
                f"{_many(len(group), 'object')} left by {release}, {gone} safe to delete",
                refs,
                evidence,
                "walk through them one by one: refloat, 5 Recovery",
            )


def _rules(candidate: Candidate) -> str:
    return f" ({', '.join(candidate.rules)})" if candidate.decision is Decision.PROTECT else ""


def _listed(view: FamilyView, inventory: Inventory) -> Iterator[Finding]:
    """What the active manifest lists and the cluster holds otherwise: a foreign stamp, another roleRef, drift."""
    if view.active is None or not view.listed:
        return
    scaled = {scaled_by(hpa.body or {}) for hpa in inventory.of_kind(*HPA)}
    drifted: list[tuple[Ref, tuple[str, ...]]] = []
    for key, document in view.listed[0].documents.items():
        live = inventory.get(key)
        if live is None:
            continue
        stamp = stamp_of(live)
        if stamp and stamp.release != view.active.name and not view.family.has(stamp.release):
            yield Finding(
                "stamp-foreign",
                Severity.WARN,
                f"{live.ref.label} of {view.active.name} is stamped with {stamp.release}",
                (live.ref,),
                (f"annotation {RELEASE_NAME}: {stamp.release}", f"{RELEASE_NAMESPACE}: {stamp.namespace}"),
                f"find out why {stamp.release} took it: where that lists it, its uninstall deletes it, and so does an"
                f" upgrade of {stamp.release} or of {view.active.name} to a chart without it. Before such an upgrade,"
                f" put {KEEP} on the live object ({command(live.ref, RESOURCE_POLICY, 'keep')}) and in the chart",
            )
        if live.ref.kind_key in BINDINGS and live.body is not None and role_ref(live.body) != role_ref(document.body):
            yield _role_finding(view.active, live.ref, document, live.body)
        paths = [
            p
            for p in drift(document.body, live)
            if not (p == "spec.replicas" and key in scaled) and not p.startswith("roleRef")
        ]
        if paths:
            drifted.append((live.ref, tuple(paths)))
    if drifted:
        yield Finding(
            "drifted",
            Severity.WARN,
            f"{_many(len(drifted), 'object')} of {view.active.name} differ from its manifest",
            tuple(ref for ref, _ in drifted),
            tuple(f"{ref.label}: {', '.join(paths[:6])}" for ref, paths in drifted),
            "look at the difference; the owner's next upgrade, or a repair, sets it back",
        )


def _role_finding(active: Record, ref: Ref, document: Document, body: Json) -> Finding:
    _, kind, name = role_ref(body)
    _, want_kind, want = role_ref(document.body)
    return Finding(
        "roleref-differs",
        Severity.BLOCK,
        f"{ref.label} grants {kind} {name}, the manifest of {active.name} wants {want_kind} {want}",
        (ref,),
        (f"kubectl get {ref.kubectl} -o jsonpath='{{.roleRef.name}}'",),
        "a roleRef cannot be changed: delete and create it as one confirmed step",
    )


def _revision(record: Record) -> str:
    return f"{record.name} revision {record.revision}"


def _many(count: int, what: str) -> str:
    return f"1 {what}" if count == 1 else f"{count} {what}s"
