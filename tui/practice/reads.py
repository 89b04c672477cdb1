"""List and watch: pages that stay consistent, selectors, and the stream of events that follows a version."""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tui.practice import selectors
from tui.practice.kinds import Kind
from tui.practice.status import ApiError, bad_request, expired, failure
from tui.practice.store import Collection, Entry, Event, Name, to_json
from tui.practice.world import World

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Query:
    """The query of a list or watch, already parsed. ``version`` is None where the client gave none."""

    namespace: str | None = None
    labels: str = ""
    fields: str = ""
    limit: int = 0
    token: str = ""
    version: int | None = None
    match: str = ""
    metadata_only: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list: the entries, the version they are from, the token of the next page and what is left."""

    entries: list[Entry]
    version: int
    token: str = ""
    remaining: int | None = None


def version_of(text: str | None) -> int | None:
    """A resourceVersion of a query as a number."""
    if text is None or text == "":
        return None
    if not text.isdigit():
        message = f'resourceVersion: Invalid value: "{text}": strconv.ParseUint: parsing "{text}": invalid syntax'
        raise failure(500, "", message)
    return int(text)


def encode_token(version: int, name: Name) -> str:
    """A continue token: the version of the list and the last name sent."""
    start = f"{name[0]}/{name[1]}\0" if name[0] else f"{name[1]}\0"
    text = json.dumps({"v": "meta.k8s.io/v1", "rv": version, "start": start}, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode_token(token: str, namespace: str | None) -> tuple[int, Name]:
    """The version and last name of a continue token. Raises 400 for one that is none."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    bad = next((index for index, sign in enumerate(token) if sign not in alphabet), None)
    if bad is None and len(token) % 4 == 1:
        bad = len(token) - 1
    if bad is not None:
        raise bad_request(f"invalid continue token: continue key is not valid: illegal base64 data at input byte {bad}")
    try:
        found = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        version, start = int(found["rv"]), str(found["start"]).rstrip("\0")
    except (ValueError, KeyError, TypeError) as error:
        raise bad_request(f"invalid continue token: continue key is not valid: {error}") from error
    space, slash, name = start.partition("/")
    _ = namespace
    return version, ((space, name) if slash else ("", start))


def _too_large(version: int, current: int) -> ApiError:
    causes = [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}]
    message = f"Timeout: Too large resource version: {version}, current: {current}"
    return failure(504, "Timeout", message, {"causes": causes, "retryAfterSeconds": 1})


class Reader:
    """Answers lists and watches from a world."""

    def __init__(self, world: World) -> None:
        self.world = world

    def page(self, kind: Kind, query: Query) -> Page:
        """One page of a list."""
        store = self.world.store
        collection = store.collection(kind.resource)
        test = self._test(kind, query)
        version, start = store.version, None
        if query.token:
            version, start = decode_token(query.token, query.namespace)
            if version < collection.floor:
                raise expired(
                    "The provided continue parameter is too old to display a consistent list result. You can start a "
                    "new list without the continue parameter, or use the continue token in this response to retrieve "
                    "the remainder of the results. Continuing with the provided token results in an inconsistent list "
                    "- objects that were created, modified, or deleted between the time the first chunk was returned "
                    "and now may show up in the list.",
                    encode_token(store.version, start),
                )
        elif query.version:
            version = self._asked(collection, query)
        return self._cut(collection, query, version, start, test)

    def _asked(self, collection: Collection, query: Query) -> int:
        current, asked = self.world.store.version, query.version or 0
        if asked > current:
            raise _too_large(asked, current)
        if query.match == "Exact" or (query.limit and not query.match):
            if asked < collection.floor:
                raise expired(f"The resourceVersion for the provided list is too old: {asked}.")
            return asked
        return current

    def _cut(self, collection: Collection, query: Query, version: int, start: Name | None, test: Any) -> Page:
        if query.namespace is not None and start is None:
            start = (query.namespace, "")
        found: list[Entry] = []
        last: Name | None = None
        more = 0
        for name, entry in collection.at(version, start):
            if query.namespace is not None and name[0] != query.namespace:
                if name[0] > query.namespace:
                    break
                continue
            if test is not None and not test(entry.body):
                continue
            if query.limit and len(found) == query.limit:
                more = 1
                break
            found.append(entry)
            last = name
        if not more or last is None:
            return Page(found, version)
        remaining = None if test else self._remaining(collection, query, version, last)
        return Page(found, version, encode_token(version, last), remaining)

    def _remaining(self, collection: Collection, query: Query, version: int, last: Name) -> int:
        if not collection.log or collection.log[-1].version <= version:
            from bisect import bisect_left, bisect_right

            end = len(collection.names)
            if query.namespace is not None:
                end = bisect_left(collection.names, (query.namespace + "\0", ""))
            return end - bisect_right(collection.names, last)
        rest = collection.at(version, last)
        return sum(1 for name, _ in rest if query.namespace in (None, name[0]))

    def _test(self, kind: Kind, query: Query) -> Any:
        tests = []
        if query.labels:
            tests.append(selectors.labels(query.labels))
        if query.fields:
            tests.append(selectors.fields(kind, query.fields))
        return (lambda body: all(test(body) for test in tests)) if tests else None

    def backlog(self, kind: Kind, query: Query) -> list[Event]:
        """The events since the version a watch starts from. Raises 410 where they are forgotten."""
        collection = self.world.store.collection(kind.resource)
        version = query.version or 0
        if version > self.world.store.version:
            raise _too_large(version, self.world.store.version)
        if version < collection.floor:
            raise expired(f"too old resource version: {version} ({collection.floor})")
        return [event for event in collection.log if event.version > version]

    def watched(self, kind: Kind, query: Query, event: Event) -> tuple[str, Entry] | None:
        """How a watch with these selectors sees an event: its type and object, or None where it does not."""
        if event.resource != kind.resource or query.namespace not in (None, event.name[0]):
            return None
        test = self._test(kind, query)
        if test is None:
            return event.kind, event.entry
        now = event.kind != "DELETED" and test(event.entry.body)
        before = event.old is not None and test(event.old.body)
        if now:
            return ("MODIFIED" if before else "ADDED"), event.entry
        if not before or event.old is None:
            return None
        # What leaves the selection is shown as it last was in it, under the version of the change.
        meta = event.old.body["metadata"] | {"resourceVersion": str(event.version)}
        return "DELETED", Entry(event.old.body | {"metadata": meta}, event.version)


def list_chunks(kind: Kind, page: Page, *, metadata_only: bool) -> Iterator[bytes]:
    """The JSON of a list, piece by piece, from what each entry already has in JSON."""
    head: Json = {"kind": kind.list_kind, "apiVersion": kind.api_version}
    if metadata_only:
        head = {"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1"}
    meta: Json = {"resourceVersion": str(page.version)}
    if kind.custom and not metadata_only:
        meta["continue"] = ""
    if page.token:
        meta["continue"] = page.token
        if page.remaining is not None:
            meta["remainingItemCount"] = page.remaining
    yield to_json(head | {"metadata": meta})[:-1] + b',"items":['
    for index, entry in enumerate(page.entries):
        if index:
            yield b","
        yield entry.meta if metadata_only else item_json(kind, entry)
    yield b"]}\n"


def item_json(kind: Kind, entry: Entry) -> bytes:
    """One item of a list: built-in kinds leave out kind and apiVersion there, custom ones keep them."""
    if kind.custom:
        if entry.body.get("apiVersion") == kind.api_version:
            return entry.full
        return to_json(entry.body | {"apiVersion": kind.api_version})
    if entry.full.startswith(
        prefix := b'{"kind":"%b","apiVersion":"%b",' % (kind.kind.encode(), kind.api_version.encode())
    ):
        return b"{" + entry.full[len(prefix) :]
    return to_json({key: value for key, value in entry.body.items() if key not in ("kind", "apiVersion")})
