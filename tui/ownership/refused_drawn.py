"""What an owner's text says of a refusal whose wanted name is never asked for again, and of other failures. Pure.

Pulumi draws a name at every attempt, so that no release is expected by its text. The objects that it names are looked
at as they are, and what is told first is what writes nothing.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple

from tui.helm.refusal import KEEPS_NAMES, Cause, Conflict, Failure, OwnerError, Tool, Trouble
from tui.objects import Key, Live, Ref
from tui.ownership.evidence import World, stamp_of, whole
from tui.ownership.model import Candidate, FamilyState, FamilyView, Finding, Severity, Wish
from tui.ownership.pulumi_mends import Mend, concerns, mends_of, owner_tool

if TYPE_CHECKING:
    from tui.ownership.refused import Places

CODE: Final = "refused-install"
NAMED: Final = 200
"""Lines about single objects in one finding; the resources name them all."""

NO_REFRESH: Final = (
    "do not run pulumi refresh before that: it drops the Release from Pulumi's state, and the next pulumi up draws a"
    " new name"
)


class Standing(NamedTuple):
    """An object that a text names, or that bears the family's stamp. ``stands``: it is there, or that is not known."""

    ref: Ref
    text: str
    stands: bool


def drawn_findings(world: World, chosen: Mapping[Key, Candidate], places: "Places", wish: Wish) -> Iterator[Finding]:
    """The findings of a text that names no release to expect, and of what stopped the owner beside objects."""
    about = [view for view in world.families if concerns(view.family, wish.error)]
    for view in about:
        if as_wanted(view, wish.error).expected is None:
            yield from _refused(view, world, chosen, places, wish.error)
    yield from _troubles(wish.error.failures, about)


def as_wanted(view: FamilyView, error: OwnerError) -> FamilyView:
    """The family with the release in force expected, where the owner's text wants exactly that: it upgrades it."""
    name = view.active.name if view.active else ""
    if view.expected is None and any(each.release == name for each in error.wanted):
        return replace(view, expected=name)
    return view


def bears_family(view: FamilyView, live: Live) -> bool:
    """Whether an object bears a name of the family, for its namespace or for none: in another it is another release."""
    stamp = stamp_of(live)
    return stamp is not None and view.family.has(stamp.release) and stamp.namespace in ("", view.family.namespace)


def stamps_of(view: FamilyView, lives: Iterable[Live]) -> Counter[str]:
    """How many objects bear each of the family's names; an incomplete stamp, or none, counts under the empty name."""
    found: Counter[str] = Counter()
    for live in lives:
        stamp = stamp_of(live)
        if stamp is None or view.family.has(stamp.release):
            found[stamp.release if stamp is not None and whole(stamp, view.family.namespace) else ""] += 1
    return found


def is_asked(view: FamilyView, conflict: Conflict, error: OwnerError) -> bool:
    """Whether an object is in the way of the expected release, though the text wants it for another name.

    The release of a family that draws its names is the same one under any of them.
    """
    if error.tool in KEEPS_NAMES or view.expected is None:
        return False
    wanted = view.family.draws(conflict.wanted_release or "")
    return wanted or (error.tool is Tool.PULUMI and view.family.has(conflict.held_release or ""))


def _refused(
    view: FamilyView, world: World, chosen: Mapping[Key, Candidate], places: "Places", error: OwnerError
) -> Iterator[Finding]:
    found = {key: each for conflict in error.conflicts for key, each in _named(view, conflict, places, error)}
    stamped = [c for c in chosen.values() if c.family == view.family.name and bears_family(view, c.live)]
    if view.active is None:
        rest = [each for each in stamped if each.ref.key not in found]
        found |= {each.ref.key: _standing(view, each.ref, each.live, "") for each in rest}
    standing = [each for each in found.values() if each.stands]
    failed = [each for each in error.failures if view.family.has(each.release) or each.resource]
    if not standing and not any(_still(each, view) for each in failed):
        yield _over(view, list(found.values()), error)
        return
    lives = [live for each in found.values() if (live := world.inventory.get(each.ref.key))]
    mends = mends_of(view, owner_tool(view, world.contract, error), stamps_of(view, lives), error)
    yield Finding(
        CODE,
        Severity.BLOCK,
        _summary(view, stamps_of(view, lives), standing),
        tuple(each.ref for each in standing) or ((view.active.storage,) if view.active else ()),
        (*_told(view, error, mends), *_lines(standing), *(f"not readable in the owner's text: {t}" for t in error.cut)),
        mends[0].brief if mends else _nothing_yet(view),
    )


def _named(view: FamilyView, conflict: Conflict, places: "Places", error: OwnerError) -> Iterator[tuple[Key, Standing]]:
    """What a conflict says is in the way of this family's release."""
    mine = view.family.has(conflict.held_release or "") or view.family.has(conflict.wanted_release or "")
    if conflict.cause is not Cause.OWNERSHIP or not (mine or _wanted_by(view, conflict, error)):
        return
    for ref, live, doubt in places.of(conflict):
        yield ref.key, _standing(view, ref, live, doubt)


def _wanted_by(view: FamilyView, conflict: Conflict, error: OwnerError) -> bool:
    base = view.family.generated
    return any(each.release == conflict.wanted_release and each.resource == base for each in error.wanted if base)


def _standing(view: FamilyView, ref: Ref, live: Live | None, doubt: str) -> Standing:
    if live is None:
        return Standing(ref, f"could not verify: {doubt}" if doubt else "it is not there any more", bool(doubt))
    stamp = stamp_of(live)
    if stamp is None:
        return Standing(ref, "bears no release stamp", stands=True)
    text = f"bears the stamp of {stamp.release}"
    if not whole(stamp, view.family.namespace):
        text += f", incomplete or of another namespace ({stamp.namespace or 'none'})"
    if not view.family.has(stamp.release):
        text += f", no release of {view.family.name}: its own owner has to give it up first"
    return Standing(ref, text, stands=True)


def _still(failure: Failure, view: FamilyView) -> bool:
    """Whether what failed over a release's record would fail again."""
    if failure.trouble is Trouble.NAME_IN_USE:
        return bool(view.releases)
    release = view.release(failure.release)
    return failure.trouble is Trouble.NO_DEPLOYED and (release is None or release.in_force is None)


def _summary(view: FamilyView, stamps: Mapping[str, int], standing: list[Standing]) -> str:
    over = f"over {_many(len(standing), 'object')}" if standing else "over the record"
    if view.active is not None:
        return f"the owner is refused {over} of {view.active.name}, which is in force: its state does not know that"
    if view.state is not FamilyState.ABSENT:
        return f"the owner is refused {over}; whose they are, the family's records do not tell"
    names = sorted(name or "an incomplete stamp or none" for name in stamps)
    if len(names) == 1:
        record = "no record of it is in force" if view.release(names[0]) else "it has no record"
        return f"the owner is refused {over}: what is there bears the stamp of {names[0]}, and {record}"
    return f"the owner is refused {over}: what is there bears {len(names)} names, {', '.join(names)}"


def _told(view: FamilyView, error: OwnerError, mends: Iterable[Mend]) -> list[str]:
    """Why nothing is expected by the text, and every way out, whole."""
    names = ", ".join(each.release for each in error.wanted)
    lines = [f"another name is drawn at every attempt: {names} is not the next one, nothing is adopted to it"]
    lines = lines if names else []
    for number, mend in enumerate(mends, 1):
        first, *rest = mend.lines
        lines += [f"way {number} (writes {mend.writes.value}): {first}", *rest]
    if view.state is FamilyState.ABSENT and lines:
        lines.append(NO_REFRESH)
    return lines


def _nothing_yet(view: FamilyView) -> str:
    return f"nothing of it may be touched while the family is {view.state.value}: {view.why}"


def _over(view: FamilyView, standing: list[Standing], error: OwnerError) -> Finding:
    name = view.active.name if view.active else ""
    return Finding(
        CODE,
        Severity.INFO,
        f"nothing that the owner's text names stands in the way of {view.family.name} any more",
        tuple(each.ref for each in standing),
        (*_lines(standing), *error.cut),
        f"let the owner try again{f', with the name {name} pinned' if name and view.family.generated else ''}",
    )


_TROUBLES: Final[Mapping[Trouble, tuple[str, str]]] = {
    Trouble.UNINSTALLED: (
        "an atomic installation failed: every object that bore its release's stamp was deleted with it",
        "mend what it failed over, and switch atomic off for the one deployment that takes objects over",
    ),
    Trouble.INCOMPLETE: (
        "an installation failed over something else: its release is recorded as failed, and what it made stays",
        "mend what it failed over; the owner's next attempt goes on with the same name",
    ),
    Trouble.NO_RECORD: (
        "the owner could not uninstall a release that has no record any more",
        "take it out of the owner's state: pulumi state delete with its URN (pulumi stack --show-urns)",
    ),
    Trouble.PROTECTED: (
        "the owner was to delete a resource that its state protects",
        "find out why it is to go before anybody unprotects it: deleting a Release uninstalls it",
    ),
    Trouble.SOURCE: ("the owner could not get its chart", "mend the chart's path or repository, or try again"),
    Trouble.TEMPLATE: ("the owner's chart refuses its values", "mend the values that the text names"),
    Trouble.UNREACHABLE: (
        "the owner could not reach its cluster",
        "see which kubeconfig the owner uses, and whether that cluster answers",
    ),
    Trouble.STATE: (
        "the owner's own state could not be used: its passphrase, its stack or a lock",
        "give the passphrase or the stack's name; wait for what holds the lock, until it is known to be dead",
    ),
    Trouble.NAME_IN_USE: (
        "the owner wants to install a release under a name whose record is there",
        "let the owner take the recorded release back into its state instead of installing it",
    ),
    Trouble.NO_DEPLOYED: (
        "the owner wants to upgrade a release that no record shows in force",
        "put its record back, or install it again under the same name",
    ),
}
"""What each failure means and what to do about it, where no family's finding tells it."""

_OF_A_FAMILY: Final = frozenset({Trouble.NAME_IN_USE, Trouble.NO_DEPLOYED})


def _troubles(failures: Iterable[Failure], about: list[FamilyView]) -> Iterator[Finding]:
    """One finding a kind of failure; those that a family's own finding tells are left to it."""
    for trouble in dict.fromkeys(each.trouble for each in failures):
        mine = [each for each in failures if each.trouble is trouble]
        if trouble in _OF_A_FAMILY and any(view.expected is None for view in about):
            continue
        summary, then = _TROUBLES[trouble]
        names = ", ".join(
            dict.fromkeys(each.release or each.resource for each in mine if each.release or each.resource)
        )
        told = (f"the owner's text is about {names}",) if names else ()
        untouched = ("nothing in the cluster was changed by that attempt",) if trouble in _BEFORE_ANY_CHANGE else ()
        yield Finding(CODE, Severity.WARN, summary, (), (*told, *untouched), then)


_BEFORE_ANY_CHANGE: Final = frozenset({Trouble.SOURCE, Trouble.TEMPLATE, Trouble.UNREACHABLE, Trouble.STATE})


def _lines(standing: list[Standing]) -> list[str]:
    rows = [f"{each.ref.label}: {each.text}" for each in standing]
    return rows if len(rows) <= NAMED else [*rows[:NAMED], f"and {len(rows) - NAMED} more"]


def _many(count: int, what: str) -> str:
    return f"1 {what}" if count == 1 else f"{count} {what}s"
