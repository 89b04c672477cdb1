"""What an API server serves: aggregated discovery, with the older discovery where that is not answered.

A group whose discovery fails or is stale is unknown, never absent: it becomes a gap.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from tui.cluster.api import JSON, Api, segments
from tui.faults import ApiFault, Fault, Unverified
from tui.objects import Gap, Json, KindKey, Ref, Served, group_of

AGGREGATED: Final = ",".join(
    f"application/json;g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList" for version in ("v2", "v2beta1")
)
_CONCURRENT: Final = 6


@dataclass(slots=True)
class Catalog:
    """Everything served. ``kinds`` holds one entry a kind, in its group's preferred version; ``every`` holds all
    versions by apiVersion and kind, the unlistable too; ``gaps`` the groups that could not be asked.
    """

    kinds: dict[KindKey, Served] = field(default_factory=dict)
    every: dict[tuple[str, str], Served] = field(default_factory=dict)
    gaps: list[Gap] = field(default_factory=list)

    @property
    def listable(self) -> dict[KindKey, Served]:
        """The kinds that can be listed."""
        return {key: served for key, served in self.kinds.items() if "list" in served.verbs}

    @property
    def versions(self) -> frozenset[str]:
        """Every served ``group/version/Kind`` (``v1/Secret`` in the core group)."""
        return frozenset(f"{api_version}/{kind}" for api_version, kind in self.every)

    def gap(self, group: str) -> Gap | None:
        """Why this group's discovery failed; None where it did not."""
        return next((gap for gap in self.gaps if gap.group == group), None)

    def add(self, served: Served) -> None:
        """Adds one resource; call in the server's order of versions, preferred first."""
        self.every.setdefault((served.api_version, served.kind), served)
        known = self.kinds.get(served.kind_key)
        if known is None or ("list" in served.verbs and "list" not in known.verbs):
            self.kinds[served.kind_key] = served

    def find(self, ref: Ref) -> Served | None:
        """The resource of a reference: in its own version, else in the group's preferred one."""
        return self.every.get((ref.api_version, ref.kind)) or self.kinds.get(ref.kind_key)


def collection(served: Served, namespace: str | None = None) -> str:
    """The URL path of a kind's collection, of all namespaces where none is given."""
    base = ("apis", served.group, served.version) if served.group else ("api", served.version)
    inside = ("namespaces", namespace) if served.namespaced and namespace else ()
    return segments(*base, *inside, served.plural)


def address(served: Served, ref: Ref) -> str:
    """The URL path of one object. Raises Unverified where the reference does not fit the kind's scope."""
    check_scope(served, ref)
    return collection(served, ref.namespace) + segments(ref.name)


def check_scope(served: Served, ref: Ref) -> None:
    """Raises Unverified where a reference has no name, or a namespace too many or too few for its kind."""
    if not ref.name:
        raise Unverified(f"{ref.kind} without a name cannot be addressed")
    if served.namespaced != bool(ref.namespace):
        scope = "lives in namespaces, and none is named" if served.namespaced else "is cluster-scoped"
        raise Unverified(f"{ref.label} cannot be addressed: its kind {scope}")


async def discover(api: Api) -> Catalog:
    """Asks for everything served.

    Raises Unreachable where no API server answers, ApiFault where discovery itself is refused (401, 403), and
    Unverified where its answer cannot be read at all.
    """
    catalog = Catalog()
    core, groups = await asyncio.gather(
        api.get("/api", accept=f"{AGGREGATED},{JSON}"), api.get("/apis", accept=f"{AGGREGATED},{JSON}")
    )
    for root, answer in (("api", core.data), ("apis", groups.data)):
        if isinstance(answer, dict) and answer.get("kind") == "APIGroupDiscoveryList":
            _read_aggregated(answer, catalog)
        else:
            await _read_legacy(api, root, answer, catalog)
    return catalog


def _dicts(value: object, what: str) -> list[Json]:
    """A list of mappings; Go writes one that was never filled as null. Raises Unverified for anything else."""
    found = [] if value is None else value
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise _odd(what)
    return found


def _map(value: object, what: str) -> Json:
    if not isinstance(value, dict):
        raise _odd(what)
    return value


def _text(value: object, what: str) -> str:
    if not isinstance(value, str):
        raise _odd(what)
    return value


def _texts(value: object, what: str) -> list[str]:
    return [_text(item, what) for item in ([] if value is None else value if isinstance(value, list) else [None])]


def _odd(what: str) -> Unverified:
    """What could not be read is unknown: read as nothing it would make everything absent."""
    return Unverified(
        f"the discovery of {what} was answered with what cannot be read; the server behind it is at fault"
    )


def _read_aggregated(answer: Mapping[str, Any], catalog: Catalog) -> None:
    if "items" not in answer:
        raise _odd("API groups")
    for item in _dicts(answer["items"], "API groups"):
        # The core group has no name.
        group = _text(_map(item.get("metadata"), "API groups").get("name") or "", "API groups")
        try:
            for version in _dicts(item.get("versions"), group or "core"):
                _read_version(group, version, catalog)
        except Unverified as fault:
            catalog.gaps.append(Gap(group, None, None, str(fault)))


def _read_version(group: str, version: Json, catalog: Catalog) -> None:
    what = group or "core"
    name = _text(version.get("version"), what)
    if version.get("freshness") == "Stale":
        reason = f"{group}/{name} is stale: the API service behind it does not answer"
        catalog.gaps.append(Gap(group, None, None, reason))
    for resource in _dicts(version.get("resources"), what):
        # Without a kind only subresources are served, and there is no object to ask for.
        kind = _text(_map(resource.get("responseKind") or {}, what).get("kind") or "", what)
        plural, verbs = _text(resource.get("resource"), what), _texts(resource.get("verbs"), what)
        if kind and plural:
            namespaced = resource.get("scope") == "Namespaced"
            catalog.add(Served(group, name, plural, kind, namespaced, frozenset(verbs), _short(resource)))


async def _read_legacy(api: Api, root: str, answer: object, catalog: Catalog) -> None:
    """Discovery before 1.27, and of servers that aggregate none: one request a group version."""
    if root == "api":
        versions = _texts(_map(answer, "core").get("versions", [None]), "core")
    else:
        groups = _dicts(_map(answer, "API groups").get("groups", [None]), "API groups")
        versions = [version for group in groups for version in _in_order(group)]
    limit = asyncio.Semaphore(_CONCURRENT)

    async def ask(api_version: str) -> list[Served] | Fault:
        async with limit:
            try:
                reply = await api.get(segments(root, *api_version.split("/")))
                return _resources(api_version, reply.data)
            except Fault as fault:
                return fault

    for api_version, found in zip(versions, await asyncio.gather(*map(ask, versions)), strict=True):
        if isinstance(found, Fault):
            _give_up_if_refused(found)
            catalog.gaps.append(Gap(group_of(api_version), None, None, f"discovery of {api_version} failed: {found}"))
        else:
            for served in found:
                catalog.add(served)


def _give_up_if_refused(fault: Fault) -> None:
    if isinstance(fault, ApiFault) and fault.code == 401:
        raise fault


def _short(resource: Json) -> tuple[str, ...]:
    names = resource.get("shortNames")
    return tuple(map(str, names)) if isinstance(names, list) else ()


def _in_order(group: Json) -> list[str]:
    versions = [_text(each.get("groupVersion"), "API groups") for each in _dicts(group.get("versions"), "API groups")]
    preferred = _map(group.get("preferredVersion") or {}, "API groups").get("groupVersion")
    return sorted(filter(None, versions), key=lambda version: version != preferred)


def _resources(api_version: str, answer: object) -> list[Served]:
    group, _, version = api_version.rpartition("/")
    return [
        Served(
            group,
            version,
            _text(resource.get("name"), api_version),
            _text(resource.get("kind"), api_version),
            resource.get("namespaced") is True,
            frozenset(_texts(resource.get("verbs"), api_version)),
            _short(resource),
        )
        for resource in _dicts(_map(answer, api_version).get("resources", [None]), api_version)
        if "/" not in str(resource.get("name")) and resource.get("kind") != ""
    ]
