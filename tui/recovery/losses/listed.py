"""What goes with a namespace or a definition, and who still lists it: inventories and manifests in force. Pure."""

from collections.abc import Iterator

from tui.objects import KindKey
from tui.ownership.conditions import words
from tui.ownership.evidence import HELM_RELEASE
from tui.ownership.references import dig
from tui.recovery.losses.claims import of_namespace_claims
from tui.recovery.losses.content import of_conversion
from tui.recovery.losses.remains import Loss, Remains, Wanted, few, labels
from tui.recovery.plan import Entry


def of_namespace(entry: Entry, remains: Remains) -> Iterator[Loss]:
    """What was in a missing namespace: what its release lists comes back, everything else has other owners or none."""
    space = entry.ref.name
    wanted = Wanted(namespace=space)
    lost = (each for each in remains.assessment.missing if each.family == entry.family and each.replayable)
    own = [each.ref.key for each in lost if wanted.fits(each.ref.key)]
    yield Loss("comes back empty: everything that was in it is gone", hides=True)
    if own:
        yield Loss(f"what {entry.release} lists there is replayed after it: {labels(own)}")
    yield Loss("nothing else comes back with it: no Secret, release record or object that others made there")
    yield from _listed(entry, remains, wanted)
    yield from _records(space, remains)
    yield from of_namespace_claims(space, remains)


def of_definition(entry: Entry, remains: Remains) -> Iterator[Loss]:
    """The instances of a missing CustomResourceDefinition: they went with it, and none is stored in it."""
    spec = (entry.document.body if entry.document else {}).get("spec")
    kind = KindKey(words(dig(spec, ("group",))), words(dig(spec, ("names", "kind"))))
    view, wanted = remains.view(entry), Wanted(kind)
    own = remains.documents(view, wanted) if view else []
    yield Loss(f"comes back without any instance: every {kind.kind} went with it")
    if own:
        yield Loss(f"{entry.release} lists {labels(own)}: plan the replay again once the kind is served")
    found = tuple(_listed(entry, remains, wanted))
    yield from found
    if not own and not found:
        yield Loss(f"no list and no manifest in force names any {kind.kind}: only a backup can have those that were")
    yield from of_conversion(entry, remains)


def _listed(entry: Entry, remains: Remains, wanted: Wanted) -> Iterator[Loss]:
    """Who lists such objects, and can make them again."""
    found = list(remains.listed(wanted).items())
    for holder, keys in found[:6]:
        yield Loss(f"{holder} lists {_many(len(keys))} of it, which it can make again: {labels(keys)}", hides=True)
    if found[6:]:
        yield Loss(f"more lists that name such objects: {few(holder for holder, _ in found[6:])}", hides=True)
    for release, keys in remains.others(entry, wanted):
        yield Loss(f"release {release} lists {_many(len(keys))} of it, for its own replay: {labels(keys)}", hides=True)
    if remains.unread_lists:
        yield Loss(f"could not verify who else lists something of it: {remains.unread_lists}", hides=True)


def _records(space: str, remains: Remains) -> Iterator[Loss]:
    """Whose release records were kept in a namespace that is gone."""
    families = [view.family.name for view in remains.assessment.families if view.family.namespace == space]
    if families:
        yield Loss(f"the release records of {few(families)} were kept there, and are gone with it", hides=True)
    runs = [
        live.ref.label
        for live in remains.inventory.of_kind(*HELM_RELEASE)
        if dig(live.body, ("spec", "storageNamespace")) == space
    ]
    if runs:
        yield Loss(f"the release records of {few(sorted(runs))} were kept there, and are gone with it", hides=True)


def _many(count: int) -> str:
    return "1 object" if count == 1 else f"{count} objects"
