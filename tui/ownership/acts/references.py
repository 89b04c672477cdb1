"""What becomes of an object when what its owner references name is deleted: the garbage collector's work. Pure."""

from collections.abc import Iterator

from tui.objects import Inventory, Key, KindKey, Live, Owner, group_of
from tui.ownership.acts.model import Act, Consequence, Effect, Subject
from tui.ownership.references import service_of


def of_references(subject: Subject) -> Iterator[Consequence]:
    """One consequence an owner reference; of Endpoints without any the Service that they were made for."""
    live, inventory = subject.live, subject.inventory
    if "ownerReferences" in live.damaged:
        why = "the object's ownerReferences are damaged"
        yield Consequence("the garbage collector", Act.DELETE_OWNER, Effect.UNKNOWN, why)
        return
    for owner in live.owners:
        yield _collected(live, owner, inventory)
    service = service_of(inventory, live.key, live)
    if service is not None:
        why = "the endpoints controller keeps it for that Service alone"
        yield Consequence(service.ref.label, Act.DELETE_OWNER, Effect.DELETES, why)


def parent_of(live: Live, owner: Owner, inventory: Inventory) -> tuple[Live | None, str]:
    """The owner, if it is there with the very uid; else why that could not be read (empty: it is gone)."""
    key = Key(group_of(owner.api_version), owner.kind, live.ref.namespace, owner.name)
    parent = inventory.get(key) or inventory.get(key._replace(namespace=None))
    if parent is not None and parent.ref.uid == owner.uid:
        return parent, ""
    gap = inventory.gap(key.group, owner.kind, live.ref.namespace)
    if gap is not None:
        return None, gap.text
    if KindKey(key.group, owner.kind) not in inventory.served:
        return None, f"{owner.kind} is not among the kinds that were read"
    return None, ""


def _collected(live: Live, owner: Owner, inventory: Inventory) -> Consequence:
    parent, doubt = parent_of(live, owner, inventory)
    label, act = parent.ref.label if parent else f"{owner.kind} {owner.name}", Act.DELETE_OWNER
    if live.ref.namespace is None and inventory.namespaced(group_of(owner.api_version), owner.kind):
        why = "a cluster-scoped object is not collected with a namespaced owner (Event OwnerRefInvalidNamespace)"
        return Consequence(label, act, Effect.KEEPS, why)
    if doubt:
        return Consequence(label, act, Effect.UNKNOWN, doubt)
    others = [each.name for each in live.owners if each is not owner and parent_of(live, each, inventory)[0]]
    if others:
        return Consequence(label, act, Effect.KEEPS, f"its other owner {others[0]} keeps it until that is deleted too")
    if parent is None:
        why = "that owner is gone already, or is another one of that name: the garbage collector acts at any moment"
        return Consequence(label, act, Effect.DELETES, why)
    keep = "delete the owner with --cascade=orphan, or take the owner reference off first"
    return Consequence(label, act, Effect.DELETES, "the garbage collector deletes it with its owner", keep)
