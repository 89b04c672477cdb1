"""What the owner's operation was refused over, or would be: by its error, its manifest, and what objects bear. Pure.

Helm leaves no record of an install that it refuses, so the release that was wanted is known from outside alone.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from tui.helm.refusal import Cause, Conflict, OwnerError, Tool
from tui.objects import Inventory, Key, Live, Ref
from tui.ownership.atomic import held_back, kept, takes_back
from tui.ownership.bindings import role_ref
from tui.ownership.evidence import MANAGED_BY, World, stamp_of, whole
from tui.ownership.model import Candidate, Decision, FamilyState, FamilyView, Finding, Rule, Severity, Wish
from tui.ownership.pulumi_mends import mends_of, name_lines, owner_tool, resource_of
from tui.ownership.references import BINDINGS
from tui.ownership.refused_drawn import as_wanted, bears_family, drawn_findings, is_asked, stamps_of

CODE: Final = "refused-install"
LINES: Final = 20
"""Lines of evidence about single objects in one finding; the resources name them all."""

NAMED: Final = 200
"""As many where each object is told with what becomes of it."""


class Standing(NamedTuple):
    """How one object stands to the release that is wanted. ``mended``: it is no obstacle (any more).

    ``mend`` is what a cleanup would do with it for that release: adopt, recreate, or nothing.
    """

    ref: Ref
    text: str
    mended: bool = False
    mend: Decision | None = None


def refused_findings(world: World, candidates: Iterable[Candidate], wish: Wish) -> Iterator[Finding]:
    """Findings about a refused operation: that of the expected release, and what the owner's text says beside it."""
    chosen = {candidate.ref.key: candidate for candidate in candidates}
    places = Places(world.inventory, wish.error.conflicts)
    for each in world.families:
        view = as_wanted(each, wish.error)
        if view.expected is not None:
            yield from _expected(view, world, chosen, places, wish)
            yield from _role_refs(view, world.inventory, chosen)
    yield from drawn_findings(world, chosen, places, wish)
    yield from _over_fields(chosen, places, wish.error)
    yield from _over_roles(chosen, places, wish.error)
    if wish.error.busy and all(view.state in (FamilyState.ACTIVE, FamilyState.ABSENT) for view in world.families):
        yield Finding(
            CODE,
            Severity.INFO,
            "the owner's text says that another operation was in progress, and none is any more",
            (),
            tuple(f"{view.family.name}: {view.why}" for view in world.families),
            "let the owner try again",
        )


class Places:
    """Finds what a text names among live objects, by kind, namespace and name: a text never says the group."""

    def __init__(self, inventory: Inventory, conflicts: Iterable[Conflict]) -> None:
        self._inventory = inventory
        wanted = {(conflict.kind, conflict.name) for conflict in conflicts if conflict.name}
        self._found: dict[tuple[str, str], list[Live]] = defaultdict(list)
        if wanted:
            for key, live in inventory.objects.items():
                if (key.kind, key.name) in wanted:
                    self._found[key.kind, key.name].append(live)

    def of(self, conflict: Conflict) -> list[tuple[Ref, Live | None, str]]:
        """What a conflict is about: (object, as it lives, why it could not be looked for); at least one."""
        spaces = {None: None, "": (None,)}.get(conflict.namespace, (conflict.namespace,))
        lives = [
            live
            for live in self._found.get((conflict.kind, conflict.name), ())
            if spaces is None or live.ref.namespace in spaces
        ]
        if lives:
            return [(live.ref, live, "") for live in lives]
        served = [each for each in self._inventory.served.values() if each.kind == conflict.kind]
        ref = Ref(
            served[0].api_version if len(served) == 1 else "", conflict.kind, conflict.namespace or None, conflict.name
        )
        gaps = [self._inventory.gap(each.group, each.kind, ref.namespace) for each in served]
        gaps += [gap for gap in self._inventory.gaps if gap.kind in (None, conflict.kind) and not served]
        return [(ref, None, next((gap.text for gap in gaps if gap), ""))]


def _expected(
    view: FamilyView, world: World, chosen: Mapping[Key, Candidate], places: Places, wish: Wish
) -> Iterator[Finding]:
    """Whether the expected release's own operation is refused, over what, and what may be done about it."""
    standing = _in_the_way(view, world.inventory, chosen, places, wish.error)
    open_ = [each for each in standing if not each.mended]
    told = bool(wish.error.conflicts or wish.error.wanted)
    recorded = view.release(view.expected or "") is not None
    if not open_ and (view.active is None or recorded or view.active.name == view.expected):
        if told:
            yield _nothing_left(view, world, standing, wish.error)
        return
    if view.active is not None and recorded and not told and view.awaited is None:
        return
    unlisted = [
        c for c in chosen.values() if c.family == view.family.name and view.awaited and c.ref.key not in view.awaited
    ]
    refs = [each.ref for each in open_] or ([view.active.storage] if view.active else [])
    evidence = [*some((f"{each.ref.label}: {each.text}" for each in open_), NAMED), *_left_alone(view, unlisted)]
    evidence += [f"not readable in the owner's text: {text}" for text in wish.error.cut]
    evidence += [f"what the owner's text shows: {text}" for text in (wish.error.atomic,) if text]
    if view.active is not None:
        evidence.insert(0, view.why)
    then, ways = _next(view, world, open_), _first_ways(view, world, chosen, wish.error)
    evidence[:0] = [line for _, lines in ways for line in lines]
    then = "; or else: ".join([*(brief for brief, _ in ways[:1] if brief), then])
    yield Finding(CODE, Severity.BLOCK, _summary(view, open_), tuple(refs), tuple(evidence), then)


def _first_ways(
    view: FamilyView, world: World, chosen: Mapping[Key, Candidate], error: OwnerError
) -> list[tuple[str, tuple[str, ...]]]:
    """(in short, as lines) what comes before a re-stamping, in a family without a release in force.

    Where all bears one name that has no record, its owner may install as that. Else, or where the expected name is set
    for good, Pulumi must be told to use it.
    """
    if view.state is not FamilyState.ABSENT or view.expected is None:
        return []
    tool = owner_tool(view, world.contract, error)
    mine = [each.live for each in chosen.values() if each.family == view.family.name]
    stamps = stamps_of(view, (live for live in mine if bears_family(view, live)))
    found = [(each.brief, each.lines) for each in mends_of(view, tool, stamps, error)[:1] if len(stamps) == 1]
    if tool is Tool.PULUMI:
        resource = resource_of(view.family, error)
        head = f"{view.expected} is used only where the program pins it, on its resource {resource}:"
        found.append(("", (head, *(f"  {name}: {line}" for name, line in name_lines(view.expected, resource)))))
    return found


def _in_the_way(
    view: FamilyView, inventory: Inventory, chosen: Mapping[Key, Candidate], places: Places, error: OwnerError
) -> list[Standing]:
    """The objects that the text names, those that the manifest lists, and without a manifest all that is stamped."""
    found: dict[Key, Standing] = {}
    for conflict in error.conflicts:
        mine = conflict.wanted_release in (None, view.expected) or is_asked(view, conflict, error)
        if conflict.cause is Cause.OWNERSHIP and mine:
            for ref, live, doubt in places.of(conflict):
                found.setdefault(ref.key, _standing(view, ref, live, doubt, chosen.get(ref.key), conflict))
    for key in sorted(view.awaited or (), key=lambda k: (k.group, k.kind, k.namespace or "", k.name)):
        live = inventory.get(key)
        if live is not None and live.controller is None and key not in found:
            found[key] = _standing(view, live.ref, live, "", chosen.get(key))
    if view.awaited is None and view.active is None:
        for key, candidate in chosen.items():
            if candidate.family == view.family.name and candidate.release != view.expected and key not in found:
                found[key] = _standing(view, candidate.ref, candidate.live, "", candidate)
    return list(found.values())


def _standing(
    view: FamilyView,
    ref: Ref,
    live: Live | None,
    doubt: str,
    candidate: Candidate | None,
    conflict: Conflict | None = None,
) -> Standing:
    if live is None:
        return Standing(ref, f"could not verify: {doubt}" if doubt else "it is not there any more", mended=not doubt)
    stamp = stamp_of(live)
    if stamp is not None and stamp.release == view.expected and whole(stamp, view.family.namespace):
        return Standing(ref, f"it bears the stamp of {view.expected} by now", mended=True)
    bears = "bears no release stamp"
    if stamp is not None:
        bears = f"bears the stamp of {stamp.release}"
        if stamp.namespace != view.family.namespace:
            bears += f" in namespace {stamp.namespace or 'none'}"
        if not stamp.labelled:
            bears += f", with label {MANAGED_BY}: {live.labels.get(MANAGED_BY, 'none')}"
    said = conflict.held_release if conflict else None
    if said and stamp is not None and said != stamp.release:
        bears += f" (the text says {said})"
    what = _fate(view, live, candidate)
    if candidate is None or candidate.target != view.expected or candidate.decision is Decision.PROTECT:
        return Standing(ref, f"{bears}, {view.expected} is wanted; {what}")
    saved = kept(view, live) if view.active is None else ""
    what = f"{what}; {saved}" if saved else what
    return Standing(ref, f"{bears}, {view.expected} is wanted; {what}", mend=candidate.decision)


def _fate(view: FamilyView, live: Live, candidate: Candidate | None) -> str:
    """What a cleanup would do with an object that stands in the way."""
    if candidate is not None:
        rules = f" ({', '.join(candidate.rules)})" if candidate.decision is Decision.PROTECT else ""
        held = view.atomic is not None and candidate.rules == (Rule.S3,)
        why = "the owner installs atomically" if held else candidate.why
        return f"{candidate.decision.value}{rules}" + (f": {why}" if rules else "")
    stamp = stamp_of(live)
    if live.controller is not None:
        return f"not touched: {live.controller.kind} {live.controller.name} controls it"
    if stamp is not None and not view.family.has(stamp.release):
        return f"not touched: {stamp.release} is no release of {view.family.name}"
    if view.state is FamilyState.ABSENT and view.awaited is None:
        return f"not touched: only the manifest of {view.expected} can say that it is to hold it (--manifest FILE)"
    return "not touched"


def _left_alone(view: FamilyView, unlisted: list[Candidate]) -> list[str]:
    """The stamped objects that are in nobody's manifest: they stay protected, and are named."""
    if not unlisted:
        return []
    head = f"stamped, and not in the manifest of {view.expected}, so protected: {_many(len(unlisted), 'object')}"
    return [head, *some((f"{c.ref.label}: stamped with {c.release}" for c in unlisted), LINES)]


def _summary(view: FamilyView, open_: list[Standing]) -> str:
    over = f" over {_many(len(open_), 'object')}" if open_ else ""
    if view.active is None:
        return f"an install of {view.expected} is refused{over} not stamped with it"
    if view.active.name == view.expected:
        return f"the owner's upgrade of {view.expected} is refused{over} not stamped with it"
    return f"an install of {view.expected} is refused{over}: {view.active.name} is still in force"


def _next(view: FamilyView, world: World, open_: list[Standing]) -> str:
    active, expected = view.active, view.expected
    if active is not None and active.name == expected:
        return (
            "see what cleanup may adopt of them; the rest stays with its owner and out of the new manifest, or that"
            " owner gives it up: refloat explain says what must keep it before it does"
        )
    if active is not None:
        return f"nothing is stale while {active.name} is in force, so nothing may be touched; {pin(view, world)}"
    if view.state is not FamilyState.ABSENT:
        return f"nothing of it may be touched while the family is {view.state.value}: {view.why}"
    if held := held_back(world.contract, view):
        return f"none of them is re-stamped to {expected} yet: {held}"
    left = sum(each.mend is None for each in open_)
    if left == len(open_):
        return f"none of them may be re-stamped to {expected}: the evidence says why of each"
    pinned = f" with `name: {expected}` in the program" if view.family.generated else ""
    then = [f"{_mended(expected, open_)}, then install again{pinned}", takes_back(world.contract, view)]
    then += [f"{left} of them stay protected and would refuse it again"] if left else []
    then += ["what else would be refused its manifest tells (--manifest FILE)"] if view.awaited is None else []
    return "; ".join(filter(None, then))


def _mended(expected: str | None, open_: list[Standing]) -> str:
    """What a cleanup does with those that it may mend."""
    again = sum(each.mend is Decision.RECREATE for each in open_)
    told = []
    if any(each.mend is Decision.ADOPT for each in open_):
        told.append(f"re-stamp them to {expected} (cleanup adopts them, nothing is deleted)")
    if again:
        one = "it as one step" if again == 1 else "each as one step"
        told.append(f"let cleanup make {_many(again, 'binding')} again for {expected}, deleting and creating {one}")
    return " and ".join(told)


def pin(view: FamilyView, world: World) -> str:
    """How the owner keeps the name of the release in force, so that no other generation is made."""
    owner = world.contract.owners.get(view.family.owner)
    title = owner.title if owner else view.family.owner
    name = view.active.name if view.active else view.expected
    how = f"pin the release's name to {name} at its owner, {title}"
    if not view.family.generated:
        return how
    return (
        f"{how}: set `name: {name}` on its Release resource, where a missing name makes a new one each time; a name"
        f" of another form belongs under `names:` of the family {view.family.name} in the contract"
    )


def _nothing_left(view: FamilyView, world: World, standing: list[Standing], error: OwnerError) -> Finding:
    told = held_back(world.contract, view) or takes_back(world.contract, view)
    shows = [f"what the owner's text shows: {error.atomic}"] if error.atomic else []
    pinned = ", pinned in its program" if view.family.generated else ""
    return Finding(
        CODE,
        Severity.INFO,
        f"nothing that the owner's text names stands in the way of {view.expected} any more",
        tuple(each.ref for each in standing),
        (*some(f"{each.ref.label}: {each.text}" for each in standing), *error.cut, *shows),
        "; ".join(filter(None, (f"let the owner try again with {view.expected}{pinned}", told))),
    )


def _role_refs(view: FamilyView, inventory: Inventory, chosen: Mapping[Key, Candidate]) -> Iterator[Finding]:
    """Bindings that the expected release wants with another role: adopted or not, they refuse its install."""
    if view.active is not None:
        return
    for key, document in (view.awaited or {}).items():
        live = inventory.get(key)
        if live is None or live.body is None or live.ref.kind_key not in BINDINGS:
            continue
        if role_ref(live.body) != role_ref(document.body):
            _, kind, name = role_ref(live.body)
            _, want_kind, want = role_ref(document.body)
            candidate = chosen.get(key)
            then = f"its owner deletes it before installing {view.expected}, or keeps the role"
            if candidate is not None and candidate.decision is Decision.RECREATE:
                then = "cleanup deletes and creates it as one confirmed step"
            yield Finding(
                "roleref-differs",
                Severity.BLOCK,
                f"{live.ref.label} grants {kind} {name}, the manifest of {view.expected} wants {want_kind} {want}",
                (live.ref,),
                (f"kubectl get {live.ref.kubectl} -o jsonpath='{{.roleRef.name}}'",),
                f"a roleRef cannot be changed: {then}",
            )


def _over_fields(chosen: Mapping[Key, Candidate], places: Places, error: OwnerError) -> Iterator[Finding]:
    """Server-side applies that were refused because other managers hold fields."""
    refs: list[Ref] = []
    lines: list[str] = []
    adopted = 0
    for conflict in error.conflicts:
        if conflict.cause is not Cause.FIELDS:
            continue
        who = " and ".join(conflict.managers) or "somebody whom the text does not name"
        if not conflict.name:
            lines.append(f"an object that the text does not name: {who} holds {_many(conflict.fields, 'field')} of it")
            continue
        for ref, live, doubt in places.of(conflict):
            still = [m for m in (live.managers if live else ()) if m.name in conflict.managers and not m.subresource]
            if not doubt and conflict.managers and not still:
                continue
            candidate = chosen.get(ref.key)
            fate = f"; {candidate.decision.value}" if candidate else ""
            adopted += candidate is not None and candidate.decision is Decision.ADOPT
            refs.append(ref)
            held = f"{who} holds {_many(conflict.fields, 'field')} of it" if conflict.fields else f"{who} holds it"
            lines.append(f"{ref.label}: could not verify: {doubt}" if doubt else f"{ref.label}: {held}{fate}")
    if lines:
        then = "see whose they are with refloat explain; whoever is to go on holding the fields must be the only one"
        if adopted:
            then = f"adopt {_many(adopted, 'object')} (cleanup, nothing is deleted), field ownership included"
        summary = f"the owner's last operation was refused over fields of {_many(len(lines), 'object')}"
        yield Finding(CODE, Severity.BLOCK, summary, tuple(refs), tuple(some(lines)), then)


def _over_roles(chosen: Mapping[Key, Candidate], places: Places, error: OwnerError) -> Iterator[Finding]:
    """Bindings whose role the owner wanted to change."""
    found = [
        (ref, live, doubt)
        for conflict in error.conflicts
        if conflict.cause is Cause.ROLE_REF
        for ref, live, doubt in places.of(conflict)
        if live is not None or doubt
    ]
    if not found:
        return
    again = any(c.decision is Decision.RECREATE for ref, _, _ in found if (c := chosen.get(ref.key)))
    lines = [
        f"{ref.label}: could not verify: {doubt}" if live is None else f"{ref.label}: kubectl get {ref.kubectl} -o yaml"
        for ref, live, doubt in found
    ]
    protected = [c for ref, _, _ in found if (c := chosen.get(ref.key)) and c.decision is Decision.PROTECT]
    lines += [f"{candidate.ref.label}: protect: {candidate.why}" for candidate in protected]
    then = "cleanup deletes and creates it as one confirmed step" if again else "see what refloat explain says of it"
    yield Finding(
        CODE,
        Severity.BLOCK,
        f"the owner's last operation was refused over the roleRef of {_many(len(found), 'binding')}",
        tuple(ref for ref, _, _ in found),
        tuple(some(lines)),
        f"a roleRef cannot be changed: {then}",
    )


def some(lines: Iterable[str], limit: int = LINES) -> list[str]:
    """At most so many lines, and how many more there are."""
    rows = list(lines)
    return rows if len(rows) <= limit else [*rows[:limit], f"and {len(rows) - limit} more"]


def _many(count: int, what: str) -> str:
    return f"1 {what}" if count == 1 else f"{count} {what}s"
