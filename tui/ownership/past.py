"""What is known of an object and proves nothing: copied marks, hooks, releases that listed it once. Pure.

A past listing never makes an owner: Helm dropped the object, or never finished making it, and whoever has it now is
told by other evidence. In a dispute it still says where the object came from.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Final

from tui.faults import Fault
from tui.helm.manifest import parse_manifest, resolve
from tui.helm.model import Record
from tui.objects import Inventory, Key, Live
from tui.ownership.evidence import Stamp, World, stamp_of
from tui.ownership.model import Release
from tui.ownership.releases import Releases

_DOCUMENT: Final = re.compile(r"(?m)^---[ \t]*")
_NAME: Final = re.compile(r"""\bname["']?:[ \t]*["']?([^\s"',}]+)""")


def notes(world: World, live: Live) -> tuple[str, ...]:
    """What was found on an object that nothing controls and makes nobody its owner, in words."""
    found = [*_copies(world, live)]
    if live.owners:
        found += _gone_owners(world, live)
    stamp = stamp_of(live)
    if stamp is not None:
        found += _dropped(world, live, stamp)
    else:
        found += _hooks(world, live)
    return tuple(found)


def past_listings(releases: Releases, inventory: Inventory, key: Key) -> tuple[str, ...]:
    """Every release that listed the object in a revision that is not in force, in words, its newest such revision.

    Reads the stored manifests, so it is for one object at a time.
    """
    found = ((release, _once(release, inventory, key)) for release in releases.all)
    return tuple(_said(release, record) for release, record in found if record is not None)


def _copies(world: World, live: Live) -> Iterator[str]:
    for hit in world.marks.copies_on(live):
        what = "annotation" if hit.annotation else "label"
        yield f"{what} {hit.name}: {hit.value} names another object: a copy, no mark of {hit.owner}"


def _gone_owners(world: World, live: Live) -> Iterator[str]:
    for reference in live.owners:
        declared = not reference.controller and world.marks.of_owner_kind(reference.api_version, reference.kind)
        if declared and world.named_owner(live, reference) is False:
            yield f"ownerReferences names {reference.kind} {reference.name}, which is gone: it will be collected"


def _dropped(world: World, live: Live, stamp: Stamp) -> Iterator[str]:
    """What the recorded release that the object is stamped with says of it, where it does not list it any more."""
    release = world.releases.find(stamp.release, stamp.namespace)
    if release is None:
        return
    listing = world.manifests.get(live.key, ())
    if any(record.storage == mine.storage for record in listing for mine in release.records):
        return
    record = _once(release, world.inventory, live.key)
    if record is not None:
        yield _said(release, record)


def _said(release: Release, record: Record) -> str:
    text = f"revision {record.revision} of Helm release {record.namespace}/{record.name} ({record.status.value})"
    now = release.in_force
    if now is None:
        return f"{text} listed it; no revision of it is in force"
    if now.revision < record.revision:
        return f"{text} lists it; revision {now.revision}, in force, does not"
    return f"{text} listed it; revision {now.revision}, in force, does not: Helm has dropped it"


def _once(release: Release, inventory: Inventory, key: Key) -> Record | None:
    """The newest revision that is not in force and lists the object, where the one in force does not."""
    now = release.in_force
    if now is not None and _lists(now, inventory, key):
        return None
    return next((record for record in release.records if record is not now and _lists(record, inventory, key)), None)


def _lists(record: Record, inventory: Inventory, key: Key) -> bool:
    """Whether a stored manifest lists the object. Only documents that hold its name are parsed."""
    for text in _named(record.manifest).get(key.name, ()):
        try:
            resolved, _ = resolve(parse_manifest(text), inventory.namespaced, record.namespace)
        except Fault:
            continue
        if key in resolved:
            return True
    return False


@lru_cache(maxsize=64)
def _named(manifest: str) -> Mapping[str, tuple[str, ...]]:
    """The documents of a manifest by every name they hold, unparsed: parsing all of them takes a second a megabyte."""
    found: dict[str, list[str]] = defaultdict(list)
    for text in _DOCUMENT.split(manifest):
        for name in dict.fromkeys(_NAME.findall(text)):
            found[name].append(text)
    return {name: tuple(texts) for name, texts in found.items()}


def _hooks(world: World, live: Live) -> Iterator[str]:
    """Releases of which an unstamped object is a hook: Helm neither stamps nor lists hooks."""
    for record, hook in world.hooks_of(live.key):
        if hook.manifest or live.ref.namespace in (None, record.namespace):
            known = "" if hook.manifest else "by its kind and name "
            release = f"Helm release {record.namespace}/{record.name} revision {record.revision}"
            yield f"{known}a {', '.join(hook.events)} hook of {release}: Helm stamps and deletes no hooks"
