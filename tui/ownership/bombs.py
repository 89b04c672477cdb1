"""Delete bombs: what the uninstall of one release would take from another. Pure.

Helm 3 and what embeds it delete whatever the newest revision lists, whoever owns it by now; Helm 4.3 checks whose each
object is and leaves what is stamped otherwise (both tried; helm pkg/action/uninstall.go). Neither deletes what a
manifest annotates with a resource policy (helm pkg/action/resource_policy.go).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from tui.objects import Inventory, Ref
from tui.ownership.evidence import World, stamp_of
from tui.ownership.model import FamilyView, Finding, Release, Severity
from tui.ownership.refused import some
from tui.ownership.releases import Releases, listed_by
from tui.ownership.staleness import RESOURCE_POLICY

LINES: Final = 200
"""Lines about single objects in one finding; its resources name them all."""


class Whose(NamedTuple):
    """What an object says it belongs to: a release's name and its namespace."""

    release: str
    namespace: str


@dataclass(frozen=True, slots=True)
class Uninstall:
    """What Helm 3 would delete of the live objects, by whose stamp they bear, if a release were uninstalled now."""

    release: Release
    takes: Mapping[Whose, tuple[Ref, ...]]

    @property
    def of(self) -> Whose:
        """The release itself, as its objects are stamped."""
        return Whose(self.release.name, self.release.newest.namespace)


def delete_bombs(world: World, releases: Releases) -> Iterator[Finding]:
    """One finding for every pair of a recorded release that lists live objects and another one that they bear."""
    uninstalls = {
        uninstall.of: uninstall
        for release in releases.all
        if release.newest.status.value != "uninstalled"
        for uninstall in (_uninstall(release, world.inventory),)
    }
    for _, uninstall in sorted(uninstalls.items()):
        for other, refs in sorted(uninstall.takes.items()):
            if other != uninstall.of:
                yield _bomb(world, uninstall, other, refs, uninstalls.get(other))


def _uninstall(release: Release, inventory: Inventory) -> Uninstall:
    takes: dict[Whose, list[Ref]] = {}
    for key, document in listed_by(release.newest, inventory.namespaced).documents.items():
        live = inventory.get(key)
        stamp = stamp_of(live) if live else None
        if live is None or stamp is None or live.controller is not None or RESOURCE_POLICY in document.annotations:
            continue
        takes.setdefault(Whose(stamp.release, stamp.namespace), []).append(live.ref)
    return Uninstall(release, {whose: tuple(refs) for whose, refs in takes.items()})


def _bomb(world: World, uninstall: Uninstall, other: Whose, refs: tuple[Ref, ...], back: Uninstall | None) -> Finding:
    name, stamped = uninstall.release.name, _said(other, uninstall.of)
    own = len(uninstall.takes.get(uninstall.of, ()))
    leaves = f"Helm 4.3: asks whose each is and leaves {_all(refs)}"
    its = f"deletes the {own} that bear{'s' if own == 1 else ''} the stamp of {name} itself"
    leaves = f"{leaves}; {its if own else f'nothing bears the stamp of {name} itself, so it deletes nothing'}"
    view = _active_view(world, uninstall.release)
    past = view is not None and all(record.name != other.release for record in view.in_force)
    leftover = past and view is not None and view.family.has(other.release)
    if leftover:
        summary = f"the owner's own uninstall of {name} (Helm 3) would delete {_many(refs)} still stamped {stamped}"
    else:
        summary = f"uninstalling {name} (Helm 3) would delete {_many(refs)} stamped {stamped}"
    evidence = (
        f"Helm 3 and what embeds it, Pulumi among them: deletes {_all(refs)} and asks nobody whose they are",
        leaves,
        _the_other_way(uninstall, other, back),
        *some((f"{ref.label}: listed by {_revision(uninstall)}, stamped {stamped}" for ref in refs), LINES),
    )
    return Finding("delete-bomb", Severity.WARN, summary, refs, evidence, _defuse(world, uninstall, leftover=leftover))


def _the_other_way(uninstall: Uninstall, other: Whose, back: Uninstall | None) -> str:
    """What the uninstall of the other release would take in its turn."""
    if back is None:
        return f"the other way round: {other.release} is not recorded, so nobody can uninstall it"
    taken = back.takes.get(uninstall.of, ())
    what = f"{_many(taken)} stamped {uninstall.release.name}" if taken else f"nothing stamped {uninstall.release.name}"
    return f"the other way round: uninstalling {other.release} (Helm 3) would delete {what}"


def _defuse(world: World, uninstall: Uninstall, *, leftover: bool) -> str:
    never = f"never run helm uninstall {uninstall.release.name}"
    if leftover:
        return f"{never}: it is in force; adopt what it lists, so that each object says whose it is"
    if any(uninstall.release in view.releases for view in world.families):
        plan = f"refloat plan retire {uninstall.release.name} -f FILE"
        return f"{never}; retire its records instead ({plan}), where another release of its family is in force"
    return f"{never}; agree with both owners whose the objects are before either release goes"


def _active_view(world: World, release: Release) -> FamilyView | None:
    """The family whose active release this is."""
    storages = {record.storage for record in release.records}
    return next((view for view in world.families if view.active and view.active.storage in storages), None)


def _revision(uninstall: Uninstall) -> str:
    return f"{uninstall.release.name} revision {uninstall.release.newest.revision}"


def _said(other: Whose, of: Whose) -> str:
    return (
        other.release if other.namespace == of.namespace else f"{other.release} in {other.namespace or 'no namespace'}"
    )


def _all(refs: tuple[Ref, ...]) -> str:
    return "it" if len(refs) == 1 else f"all {len(refs)}"


def _many(refs: tuple[Ref, ...]) -> str:
    return "1 object" if len(refs) == 1 else f"{len(refs)} objects"
