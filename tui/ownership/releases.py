"""Helm's own records as an inventory holds them: decoded, grouped, and their manifests resolved. Pure."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from tui.faults import Fault
from tui.helm.manifest import parse_manifest, resolve
from tui.helm.model import Document, Hook, Record, Status, Undecodable
from tui.helm.records import PREFIX, decode_record, is_record
from tui.objects import Inventory, Key, Live, Ref
from tui.ownership.listings import Known, Listing, Listings
from tui.ownership.model import Listed, Release
from tui.ownership.references import CRD

STORAGE_KINDS = ("Secret", "ConfigMap")
"""The kinds Helm keeps records in (pkg/action/action.go Init); its sql driver leaves nothing in a cluster."""


@dataclass(frozen=True, slots=True)
class Releases:
    """Every release that is recorded in the cluster, and the records that could not be decoded."""

    all: tuple[Release, ...]
    undecodable: tuple[Undecodable, ...]

    def find(self, name: str, namespace: str) -> Release | None:
        """The release of this name whose objects are stamped with this release namespace."""
        return next((r for r in self.all if r.name == name and r.newest.namespace == namespace), None)


def read_releases(inventory: Inventory) -> Releases:
    """Decodes every record of the inventory and groups them by storage namespace and release name."""
    groups: dict[tuple[str, str], list[Record]] = defaultdict(list)
    undecodable: list[Undecodable] = []
    for live in inventory.of_kind("", *STORAGE_KINDS):
        if not live.ref.name.startswith(PREFIX):
            continue
        decoded = _decoded(live)
        if isinstance(decoded, Record):
            groups[decoded.storage.namespace or "", decoded.name].append(decoded)
        else:
            undecodable.append(decoded)
    releases = [
        Release(namespace, name, tuple(sorted(records, key=_age, reverse=True)))
        for (namespace, name), records in sorted(groups.items())
    ]
    undecodable.sort(key=lambda bad: (bad.storage.kind, bad.storage.namespace or "", bad.storage.name))
    return Releases(tuple(releases), tuple(undecodable))


def _decoded(live: Live) -> Record | Undecodable:
    """The record that an object of a record's name holds; why not, where it was not read or Helm would not find it."""
    if live.body is not None and is_record(live.body):
        return decode_record(live.body)
    head = {"kind": live.ref.kind, "metadata": {"name": live.ref.name, "labels": live.labels}}
    name = decoded.name if isinstance(decoded := decode_record(head), Undecodable) else ""
    unread = "its content was not read"
    return Undecodable(live.ref, name, unread if live.body is None else "it lacks the label owner: helm")


def _age(record: Record) -> tuple[int, str, str]:
    """Orders revisions of one release: by number, never by name; the rest only makes the order certain."""
    return record.revision, record.created, record.storage.kind


def listed_by(record: Record, namespaced: Callable[[str, str], bool | None]) -> Listed:
    """The revision's documents and hooks, resolved; ``namespaced`` tells a kind's scope, None where that is unknown."""
    hooks, loose = hooks_of(record, namespaced)
    try:
        documents = _documents(record.manifest)
    except Fault as fault:
        return Listed(record, {}, fault=str(fault), hooks=hooks, loose_hooks=loose)
    resolved, unresolved = resolve(documents, namespaced, record.namespace)
    return Listed(record, resolved, unresolved, hooks=hooks, loose_hooks=loose)


def hooks_of(
    record: Record, namespaced: Callable[[str, str], bool | None]
) -> tuple[dict[Key, tuple[Hook, Document]], tuple[Hook, ...]]:
    """The revision's hooks by the object that each makes, and those of which that could not be told."""
    found: dict[Key, tuple[Hook, Document]] = {}
    loose: list[Hook] = []
    for hook in record.hooks:
        try:
            documents = _documents(hook.manifest)
        except Fault:
            documents = ()
        resolved, unresolved = resolve(documents, namespaced, record.namespace)
        found |= {key: (hook, document) for key, document in resolved.items()}
        if unresolved or not resolved:
            loose.append(hook)
    return found, tuple(loose)


_CRD_NAME: Final = re.compile(r"""(?m)^ {1,8}name: *["']?([-a-z0-9]+(?:\.[-a-z0-9]+)+)["']?\s*$""")
"""A name that a definition may have, anywhere in a chart's file: parsing the files of every chart takes seconds."""


def listings_of(
    releases: Iterable[Release], listed: Iterable[Listed], namespaced: Callable[[str, str], bool | None]
) -> Listings:
    """What each recorded release lists, for its next upgrade and its uninstall; hooks and definitions beside that.

    ``listed`` holds the revisions in force, so that they are not resolved again.
    """
    resolved: dict[Ref, Listed] = {each.record.storage: each for each in listed}
    by_key: dict[Key, list[Listing]] = defaultdict(list)
    loose: dict[tuple[str, str], list[Listing]] = defaultdict(list)
    unread: dict[Known, str] = {}
    recorded: dict[tuple[str, str], Known] = {}
    for release in releases:
        if release.newest.status is Status.UNINSTALLED:
            continue
        known, start = _known(release), release.in_force or release.newest
        recorded[known.name, known.namespace] = known
        base = resolved.get(start.storage) or listed_by(start, namespaced)
        newest = base if start is release.newest else listed_by(release.newest, namespaced)
        if fault := base.fault or newest.fault:
            unread[known] = fault
        for key, found in _listings(known, base, newest).items():
            by_key[key].append(found)
        for kind, name in {(hook.kind, hook.name) for hook in (*base.loose_hooks, *newest.loose_hooks)}:
            hooks = _bare(newest.record, kind, name) or _bare(base.record, kind, name)
            loose[kind, name].append(Listing(known, hooks=hooks, loose=True))
    return Listings(
        {key: tuple(found) for key, found in by_key.items()},
        {name: tuple(found) for name, found in loose.items()},
        unread,
        recorded,
    )


def _known(release: Release) -> Known:
    base, newest = release.in_force or release.newest, release.newest
    storage = release.namespace
    return Known(
        release.name, newest.namespace, storage, base.revision, newest.revision, newest.status, base.apply_method
    )


def _listings(known: Known, base: Listed, newest: Listed) -> dict[Key, Listing]:
    """How one release knows each object, told from the revision that its next upgrade starts from and its newest."""
    found: dict[Key, Listing] = {}
    for file in dict.fromkeys((*base.record.crds, *newest.record.crds)):
        for name in _CRD_NAME.findall(file.data):
            found[Key(*CRD, None, name)] = Listing(known, crd=True)
    hooks = {key: _bare(each.record, key.kind, key.name) for each in (base, newest) for key in each.hooks}
    for key in (*base.documents, *newest.documents, *hooks):
        last = newest.documents.get(key)
        policy = last.policy if last is not None else None
        found[key] = Listing(known, key in base.documents, last is not None, policy, hooks.get(key, ()))
    return found


def _bare(record: Record, kind: str, name: str) -> tuple[Hook, ...]:
    """The revision's hooks of a kind and name, without their documents. A chart may write one object as several."""
    return tuple(replace(hook, manifest="") for hook in record.hooks if (hook.kind, hook.name) == (kind, name))


@lru_cache(maxsize=256)
def _documents(manifest: str) -> tuple[Document, ...]:
    """Parsing a megabyte of YAML takes most of an assessment; a stored manifest never changes."""
    return parse_manifest(manifest)
