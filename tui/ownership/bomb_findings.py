"""The finding ``delete-bomb``: what a release's uninstall, upgrade and hooks would take, and how to defuse it. Pure."""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from tui.helm.manifest import RESOURCE_POLICY
from tui.objects import Ref
from tui.ownership.acts.helm import KEEP
from tui.ownership.acts.opt_outs import command
from tui.ownership.bombs import Charges, Takes, Whose
from tui.ownership.evidence import World
from tui.ownership.listings import Known
from tui.ownership.model import FamilyView, Finding, Severity
from tui.ownership.refused import some

LINES: Final = 200
"""Lines about single objects in one finding; its resources name them all."""

EMBEDS: Final = "what embeds any Helm (Pulumi, Terraform, helm-controller)"


def delete_bombs(world: World) -> Iterator[Finding]:
    """One finding for every pair of a recorded release that would take live objects and another one that has them."""
    charges = Charges(world)
    for known, takes in sorted(charges.of.items(), key=lambda each: Whose.own(each[0])):
        for other, taken in sorted(takes.items()):
            if other != Whose.own(known):
                yield _finding(world, charges, _Bomb(known, other, taken, _leftover(world, known, other)))


class _Bomb(NamedTuple):
    """One pair; ``leftover``: the other one is a release of the same family that is over."""

    known: Known
    other: Whose
    taken: Takes
    leftover: bool

    @property
    def others(self) -> str:
        """The other release's name, with its namespace where that is another one."""
        if self.other.namespace == self.known.namespace:
            return self.other.release
        return f"{self.other.release} in {self.other.namespace or 'no namespace'}"


def _leftover(world: World, known: Known, other: Whose) -> bool:
    view = _active_view(world, known)
    over = view is not None and all(record.name != other.release for record in view.in_force)
    return over and view is not None and view.family.has(other.release)


def _active_view(world: World, known: Known) -> FamilyView | None:
    """The family whose active release this is."""
    mine = (known.name, known.storage)
    actives = ((view, view.active) for view in world.families)
    return next((view for view, each in actives if each and (each.name, each.storage.namespace) == mine), None)


def _finding(world: World, charges: Charges, bomb: _Bomb) -> Finding:
    refs = bomb.taken.refs
    gone = frozenset(bomb.taken.uninstalled)
    evidence = (
        *_by_uninstall(bomb, charges),
        *_by_upgrade(bomb),
        *_by_hook(bomb),
        _the_other_way(bomb, charges),
        *some((_line(bomb, ref, gone) for ref in refs), LINES),
    )
    return Finding("delete-bomb", Severity.WARN, _summary(bomb), refs, evidence, _defuse(world, bomb))


def _summary(bomb: _Bomb) -> str:
    """What each act would delete; one clause where the uninstall and an upgrade take the same."""
    name, gone, dropped = bomb.known.name, bomb.taken.uninstalled, bomb.taken.upgraded
    stamped = f"{'still ' if bomb.leftover else ''}stamped {bomb.others}"
    uninstall = f"the owner's own uninstall of {name} (Helm 3)" if bomb.leftover else f"uninstalling {name} (Helm 3)"
    upgrade = f"upgrading {name} to a chart without {_them(dropped)} (Helm 3 and 4.3)"
    said = [f"{act} would delete {_many(refs)}" for act, refs in ((uninstall, gone), (upgrade, dropped)) if refs]
    if gone and gone == dropped:
        said = [f"{uninstall}, or {upgrade}, would delete {_many(gone)}"]
    if bomb.taken.hooked:
        said.append(f"the next run of its hooks would delete {_many(list(bomb.taken.hooked))}")
    if not (gone or dropped):
        return f"the next run of {name}'s hooks would delete {_many(list(bomb.taken.hooked))} of {bomb.others}"
    return f"{', '.join(said)} {stamped}"


def _by_uninstall(bomb: _Bomb, charges: Charges) -> Iterator[str]:
    gone, name = bomb.taken.uninstalled, bomb.known.name
    if gone:
        own = len(charges.takes(Whose.own(bomb.known), Whose.own(bomb.known)).uninstalled)
        they = "it is" if len(gone) == 1 else "they are"
        yield f"an uninstall by Helm 3, or by {EMBEDS}: deletes {_all(gone)} and asks nobody whose {they}"
        its = f"deletes the {own} that bear{'s' if own == 1 else ''} the stamp of {name} itself"
        its = its if own else f"nothing bears the stamp of {name} itself, so it deletes nothing"
        yield f"an uninstall by Helm 4.3: asks whose each is and leaves {_all(gone)}; {its}"
    if kept := len(set(bomb.taken.upgraded) - set(gone)):
        yield f"an uninstall leaves {kept} of them: its newest manifest does not list them, or has a {RESOURCE_POLICY}"


def _by_upgrade(bomb: _Bomb) -> Iterator[str]:
    dropped = bomb.taken.upgraded
    if dropped:
        bears = "it bears" if len(dropped) == 1 else "they bear"
        yield (
            f"an upgrade to a chart without {_them(dropped)}, or a rollback to such a revision, by Helm 3 and by Helm"
            f" 4.3 alike: deletes {_all(dropped)}, whoever's stamp {bears}"
        )
    if kept := len(set(bomb.taken.uninstalled) - set(dropped)):
        yield f"an upgrade leaves {kept} of them: {KEEP} is on the live object, or no upgrade starts from its listing"


def _by_hook(bomb: _Bomb) -> Iterator[str]:
    hooked = list(bomb.taken.hooked)
    if hooked:
        yield (
            f"the next run of the hooks of {bomb.known.name} that name {_them(hooked)}, by Helm 3 and Helm 4.3 alike:"
            f" deletes {_all(hooked)} and asks nobody; {RESOURCE_POLICY} protects no hook"
        )


def _the_other_way(bomb: _Bomb, charges: Charges) -> str:
    """What the acts of the other release would take in their turn."""
    other, name = bomb.other.release, bomb.known.name
    if bomb.other not in charges.recorded:
        return f"the other way round: {other} is not recorded, so nobody can uninstall or upgrade it"
    taken = charges.takes(bomb.other, Whose.own(bomb.known))
    gone, dropped = taken.uninstalled, taken.upgraded
    what = f"{_many(gone)} stamped {name}" if gone else f"nothing stamped {name}"
    said = f"the other way round: uninstalling {other} (Helm 3) would delete {what}"
    return f"{said}, upgrading it to a chart without {_them(dropped)} {_many(dropped)}" if dropped else said


def _line(bomb: _Bomb, ref: Ref, gone: frozenset[Ref]) -> str:
    known = bomb.known
    if ref in bomb.taken.hooked:
        return f"{ref.label}: {bomb.taken.hooked[ref]}; it is of {bomb.others}"
    revision = known.newest if ref in gone else known.base
    return f"{ref.label}: listed by {known.name} revision {revision}, stamped {bomb.others}"


def _defuse(world: World, bomb: _Bomb) -> str:
    name, storage = bomb.known.name, bomb.known.storage
    if not (bomb.taken.uninstalled or bomb.taken.upgraded):
        return _defuse_hooks(bomb)
    never = f"{_first(bomb)}never run helm uninstall {name}"
    if bomb.leftover:
        return f"{never}: it is in force; adopt what it lists, so that each object says whose it is"
    if any((each.name, each.namespace) == (name, storage) for view in world.families for each in view.releases):
        plan = f"refloat plan retire {name} -f FILE"
        return f"{never}; retire its records instead ({plan}), where another release of its family is in force"
    return f"{never}; agree with both owners whose the objects are before either release goes"


def _defuse_hooks(bomb: _Bomb) -> str:
    """Of objects that the release's hooks alone would take."""
    name, hooked = bomb.known.name, list(bomb.taken.hooked)
    if bomb.leftover:
        hold = "it holds" if len(hooked) == 1 else "they hold"
        return (
            f"see whether anything counts on what {hold} now (refloat explain):"
            f" the next run of {name}'s hooks replaces {_them(hooked)}, and --no-hooks runs none"
        )
    return f"run {name} with --no-hooks until its chart gives its hooks names of their own, or agree whose they are"


def _first(bomb: _Bomb) -> str:
    """What must be in place before the release is upgraded again: each act reads something else."""
    said, dropped, name = "", bomb.taken.upgraded, bomb.known.name
    if dropped:
        on = "the live object" if len(dropped) == 1 else f"each of the {len(dropped)} live objects"
        line = command(dropped[0], RESOURCE_POLICY, "keep")
        said = f"before an upgrade drops {_them(dropped)}, put {KEEP} on {on} ({line}) and in the chart of {name}; "
    if bomb.taken.hooked:
        said = f"{said}run {name} with --no-hooks until its chart gives its hooks names of their own; "
    return said


def _all(refs: Sequence[Ref]) -> str:
    return "it" if len(refs) == 1 else f"all {len(refs)}"


def _them(refs: Sequence[Ref]) -> str:
    return "it" if len(refs) == 1 else "them"


def _many(refs: Sequence[Ref]) -> str:
    return "1 object" if len(refs) == 1 else f"{len(refs)} objects"
