"""What the Controllers screen reads beside the objects: a pod's log, and the events of an object."""

from dataclasses import dataclass
from typing import Any, Final

from tui.cluster.api import Api, segments
from tui.faults import Unverified
from tui.objects import Ref
from tui.text import clean, clean_lines

MAX_LOG: Final = 256 * 1024
"""Bytes read of one log."""

MAX_EVENTS: Final = 100
"""Events kept of one object, the newest."""


@dataclass(frozen=True, slots=True)
class EventNote:
    """One event of an object. ``last`` is RFC 3339 or empty; ``type`` is ``Normal`` or ``Warning``."""

    type: str
    reason: str
    message: str
    count: int
    last: str
    source: str


async def pod_log(api: Api, pod: Ref, container: str, tail: int, *, previous: bool) -> str:
    """The last ``tail`` lines of a container's log, cleaned; an empty ``container`` means the only one."""
    if not pod.namespace:
        raise Unverified(f"{pod.label} has no log: it names no namespace")
    query = [("tailLines", str(tail)), ("limitBytes", str(MAX_LOG))]
    if container:
        query.append(("container", container))
    if previous:
        query.append(("previous", "true"))
    path = segments("api", "v1", "namespaces", pod.namespace, "pods", pod.name, "log")
    return clean_lines(await api.text(path, query, limit=MAX_LOG), limit=MAX_LOG)


async def events_of(api: Api, ref: Ref) -> tuple[EventNote, ...]:
    """The events of one object, oldest first. Events of a cluster-scoped object are kept in ``default``."""
    wanted = {"involvedObject.kind": ref.kind, "involvedObject.name": ref.name}
    if ref.namespace:
        wanted["involvedObject.namespace"] = ref.namespace
    selector = ",".join(f"{key}={value}" for key, value in wanted.items())
    path = segments("api", "v1", "namespaces", ref.namespace or "default", "events")
    reply = await api.get(path, [("fieldSelector", selector), ("limit", "500")])
    items = reply.data.get("items") if isinstance(reply.data, dict) else None
    notes = [_note(item) for item in items or () if isinstance(item, dict) and _concerns(item, ref)]
    return tuple(sorted(notes, key=lambda note: note.last)[-MAX_EVENTS:])


def _concerns(item: dict[str, Any], ref: Ref) -> bool:
    """Whether an event is about this very object, not one of the same name that was there before."""
    about = item.get("involvedObject")
    if not isinstance(about, dict) or about.get("kind") != ref.kind or about.get("name") != ref.name:
        return False
    return not ref.uid or about.get("uid") in (None, "", ref.uid)


def _note(item: dict[str, Any]) -> EventNote:
    series = item.get("series")
    series = series if isinstance(series, dict) else {}
    source = item.get("source")
    component = source.get("component") if isinstance(source, dict) else ""
    count = series.get("count") or item.get("count") or 1
    meta = item.get("metadata")
    made = meta.get("creationTimestamp") if isinstance(meta, dict) else ""
    last = series.get("lastObservedTime") or item.get("lastTimestamp") or item.get("eventTime") or made or ""
    return EventNote(
        clean(item.get("type") or "", 20),
        clean(item.get("reason") or "", 128),
        clean(item.get("message") or "", 1024),
        count if isinstance(count, int) else 1,
        clean(last, 40),
        clean(component or item.get("reportingComponent") or "", 128),
    )
