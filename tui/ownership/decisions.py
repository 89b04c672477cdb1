"""What a cleanup may do with each stamped object: delete, adopt, recreate or protect, by the rules S1-S9. Pure."""

from collections.abc import Iterable
from typing import Final, NamedTuple

from tui.contract.select import Claims
from tui.helm.refusal import OwnerError
from tui.objects import Inventory, Key, Live
from tui.ownership.atomic import held_back
from tui.ownership.bindings import Bindings, ToCome, role_ref
from tui.ownership.evidence import World, stamp_of, whole
from tui.ownership.holding import held_by_another
from tui.ownership.model import Candidate, Decision, FamilyState, FamilyView, Rule
from tui.ownership.references import BINDINGS
from tui.ownership.staleness import Rules, documents_of, leaving_of, named, s7
from tui.ownership.usage import Usage

_ALONE: Final = (Rule.S1, Rule.S2, Rule.S3, Rule.S4, Rule.S5, Rule.S6, Rule.S8, Rule.S9)
_OURS: Final = frozenset({Rule.S1, Rule.S2, Rule.S3, Rule.S4, Rule.S5})


class Decisions(NamedTuple):
    """What was decided, and the objects that only a search for who names them can free (see ``mentions``)."""

    candidates: tuple[Candidate, ...]
    unsearched: frozenset[Key] = frozenset()


def decide(view: FamilyView, inventory: Inventory, world: World, claims: Claims, error: OwnerError) -> Decisions:
    """One decision for every object stamped with a release of the family that is not the active one, and for every
    object that the active manifest (or, in an absent family, that of an expected release) lists and that bears no
    stamp or is held by kubectl. ``error`` is what the owner's text says of bindings that an expected release wants.

    Deletions come in an order in which users leave before what they use; the rest is ordered by identity.
    """
    rules = Rules(view, inventory, world, claims)
    stamped = [live for live in inventory.objects.values() if _own_family_stamp(view, live)]
    stamped.sort(key=lambda live: _sort_key(live.key))
    if view.state is not FamilyState.ACTIVE:
        bindings = Bindings(view, inventory, error)
        bare = _awaited(rules, bindings)
        named_already = {candidate.ref.key for candidate in bare}
        left = (_unsettled(rules, bindings, live) for live in stamped if live.key not in named_already)
        return Decisions((*left, *bare))
    judged = {live.key: (live, rules.failed(live, _ALONE)) for live in stamped}
    free = {key: live for key, (live, failed) in judged.items() if not failed}
    usage = Usage(inventory, judged, documents_of(view), world.contract.in_use, named=free)
    leaving = leaving_of(usage, free)
    deleted = [_deletion(rules, judged[key][0], rests_on) for key, rests_on in leaving.items()]
    kept = [
        _kept(rules, live, failed, s7(usage, key, leaving, alone=not failed))
        for key, (live, failed) in judged.items()
        if key not in leaving
    ]
    unsearched = frozenset(key for key in free if not usage.searched(key))
    return Decisions((*kept, *_unstamped(rules), *deleted), unsearched)


def _own_family_stamp(view: FamilyView, live: Live) -> bool:
    stamp = stamp_of(live)
    if stamp is None or live.controller is not None or not view.family.has(stamp.release):
        return False
    return view.active is None or stamp.release != view.active.name


def _sort_key(key: Key) -> tuple[str, str, str, str]:
    return key.group, key.kind, key.namespace or "", key.name


def _deletion(rules: Rules, live: Live, rests_on: tuple[Key, ...]) -> Candidate:
    stamp = stamp_of(live)
    active = rules.view.active
    release, current = stamp.release if stamp else "", active.name if active else ""
    why = f"stamped with {release}, not in force; {current} neither lists nor uses it, and nobody else owns it"
    return Candidate(live, rules.family.name, release, Decision.DELETE, (), why, rests_on=rests_on)


def _kept(rules: Rules, live: Live, failed: tuple[tuple[Rule, str], ...], s7: str) -> Candidate:
    """Adopt, recreate or protect: the decision about an object that a cleanup must not delete."""
    stamp = stamp_of(live)
    release = stamp.release if stamp else ""
    names = {rule for rule, _ in failed}
    active = rules.view.active
    if (
        active is not None
        and Rule.S6 in names
        and not names & _OURS
        and not rules.hooked(live)
        and not any(each.fault for each in rules.view.listed)
    ):
        differs = _role_differs(rules.view, live)
        if differs is False:
            why = f"{_s6_text(failed)}; stamped with {release}: re-stamp it to {active.name}, nothing is deleted"
            return _settle(rules, live, release, Decision.ADOPT, why, active.name)
        if differs and Rule.S8 not in names:
            why = f"{_s6_text(failed)}, with another roleRef, which cannot be changed: delete and create in one step"
            return _settle(rules, live, release, Decision.RECREATE, why, active.name)
        if differs is None:
            doubt = "could not verify that it is the same object, with the same roleRef"
            failed = tuple((r, w if r is not Rule.S6 else f"{w}; {doubt}") for r, w in failed)
    if s7:
        failed = tuple(sorted((*failed, (Rule.S7, s7))))
    why = "; ".join(why for _, why in failed)
    return Candidate(live, rules.family.name, release, Decision.PROTECT, failed, why)


def _s6_text(failed: Iterable[tuple[Rule, str]]) -> str:
    return next(why for rule, why in failed if rule is Rule.S6)


def _settle(rules: Rules, live: Live, release: str, decision: Decision, why: str, target: str) -> Candidate:
    s6 = ((Rule.S6, rules.s6(live) or why),)
    return Candidate(live, rules.family.name, release, decision, s6, why, target)


def _role_differs(view: FamilyView, live: Live) -> bool | None:
    """Whether a binding's roleRef differs from the manifest's; False for other kinds.

    None where that could not be read, or where a document of unknown scope only may mean this object.
    """
    document = next((each.documents[live.key] for each in view.listed if live.key in each.documents), None)
    if document is None:
        return None
    if live.ref.kind_key not in BINDINGS:
        return False
    if live.body is None or not isinstance(live.body.get("roleRef"), dict):
        return None
    return role_ref(document.body) != role_ref(live.body)


def _unstamped(rules: Rules) -> list[Candidate]:
    """``stamp-absent``: listed by the active manifest, and without a stamp or held by kubectl. S4 and S5 decide."""
    active = rules.view.active
    if active is None or not rules.view.listed:
        return []
    found: list[Candidate] = []
    for key, document in sorted(rules.view.listed[0].documents.items(), key=lambda item: _sort_key(item[0])):
        live = rules.inventory.get(key)
        if live is None or live.controller is not None:
            continue
        stamp = stamp_of(live)
        if stamp is not None and stamp.release != active.name:
            continue
        bare = stamp is None or not whole(stamp, active.namespace)
        held = held_by_another(live, document, active.apply_method)
        if not bare and not held:
            continue
        fault = "it bears no complete stamp" if bare else f"{held} holds fields of the release's document"
        failed = rules.failed(live, _for_a_listed(live))
        decision = Decision.PROTECT if failed else Decision.ADOPT
        why = f"{named(active)} lists it, and {fault}"
        why = f"{why}; {'; '.join(w for _, w in failed)}" if failed else f"{why}: stamp it, nothing is deleted"
        s6 = (Rule.S6, rules.s6(live))
        found.append(
            Candidate(
                live,
                rules.family.name,
                active.name,
                decision,
                tuple(sorted((*failed, s6))),
                why,
                None if failed else active.name,
            )
        )
    return found


def _for_a_listed(live: Live) -> tuple[Rule, ...]:
    """What decides over a listed object without a whole stamp; one that names a namespace must agree with S1 too.

    The same name in another namespace is another release, and its objects are not unstamped.
    """
    stamp = stamp_of(live)
    return (Rule.S1, Rule.S4, Rule.S5) if stamp is not None and stamp.namespace else (Rule.S4, Rule.S5)


def _awaited(rules: Rules, bindings: Bindings) -> list[Candidate]:
    """In an absent family: listed by the manifest of the expected release, live, and without a whole stamp.

    S4 and S5 decide, as for what an active release lists. What bears another release's stamp is not among them.
    """
    view, family = rules.view, rules.family
    if view.state is not FamilyState.ABSENT or view.expected is None:
        return []
    found: list[Candidate] = []
    for key in sorted(view.awaited or (), key=_sort_key):
        live = rules.inventory.get(key)
        if live is None or live.controller is not None:
            continue
        stamp = stamp_of(live)
        if stamp is not None and (stamp.release != view.expected or whole(stamp, family.namespace)):
            continue
        failed = rules.failed(live, _for_a_listed(live))
        why = f"the manifest of {view.expected} lists it, and it bears no complete stamp"
        role = bindings.to_come(live)
        adopted = f"{why}: stamp it, nothing is deleted"
        found.append(_for_expected(rules, live, view.expected, role, failed, adopted, why))
    return found


def _unsettled(rules: Rules, bindings: Bindings, live: Live) -> Candidate:
    """Without an active release nothing is stale: everything is protected, or re-stamped to an expected release."""
    stamp = stamp_of(live)
    release = stamp.release if stamp else ""
    s3 = (Rule.S3, rules.s3(live))
    expected = rules.view.expected
    if rules.view.state is FamilyState.ABSENT and expected:
        role = bindings.to_come(live)
        if release != expected or role.differs:
            failed = rules.failed(live, (Rule.S1, Rule.S4, Rule.S5))
            why = f"no release is in force and {expected} is expected: re-stamp it, so that its install is not refused"
            return _for_expected(rules, live, release, role, failed, why)
    return Candidate(live, rules.family.name, release, Decision.PROTECT, (s3,), s3[1])


def _for_expected(
    rules: Rules,
    live: Live,
    release: str,
    role: ToCome,
    failed: tuple[tuple[Rule, str], ...],
    why: str,
    listed: str = "",
) -> Candidate:
    """What is done with an object for a release that is to be installed.

    ``role`` says how a binding stands to what that release wants. ``failed`` are the rules that speak against adopting
    it, ``why`` says why it is adopted where none does, ``listed`` what is told first of one that is protected.
    """
    view, decision = rules.view, Decision.ADOPT
    against = rules.s3_expected(live) or held_back(rules.world.contract, view)
    if role.differs:
        decision = Decision.RECREATE
        against = against or (f"{role.differs}; {role.without}" if role.without else "")
        more = [rule for rule in (Rule.S1, Rule.S8) if rule not in dict(failed)]
        failed = tuple(sorted((*failed, *rules.failed(live, more))))
        why = f"{role.differs}, which cannot be changed: delete and create it in one step, for {view.expected}"
    elif role.doubt:
        why = f"{why}; {role.doubt}"
    if not failed and not against:
        s3 = (Rule.S3, rules.s3(live))
        return Candidate(live, rules.family.name, release, decision, (s3,), why, view.expected)
    both = tuple(sorted(((Rule.S3, against or rules.s3(live)), *failed)))
    told = [listed, against, *(w for _, w in failed)] if listed else [w for _, w in both]
    return Candidate(live, rules.family.name, release, Decision.PROTECT, both, "; ".join(filter(None, told)))
