"""Discovery documents: the legacy lists and the aggregated ones."""

from typing import Any

from tui.practice.kinds import STATUS_VERBS, Kind, Registry

Json = dict[str, Any]

VERSION: Json = {
    "major": "1",
    "minor": "36",
    "emulationMajor": "1",
    "emulationMinor": "36",
    "minCompatibilityMajor": "1",
    "minCompatibilityMinor": "35",
    "gitVersion": "v1.36.2-practice",
    "gitCommit": "",
    "gitTreeState": "",
    "buildDate": "1970-01-01T00:00:00Z",
    "goVersion": "",
    "compiler": "",
    "platform": "practice",
}

_SUBVERBS = {"log": ("get",), "eviction": ("create",), "finalize": ("update",)}
_SUBKINDS = {"scale": ("autoscaling", "v1", "Scale"), "eviction": ("policy", "v1", "Eviction")}


def _subresource(kind: Kind, name: str) -> tuple[Json, list[str]]:
    group, version, shown = _SUBKINDS.get(name, ("", "", kind.kind))
    return {"group": group, "version": version, "kind": shown}, list(_SUBVERBS.get(name, STATUS_VERBS))


def resource_list(registry: Registry, group: str, version: str) -> Json | None:
    """The APIResourceList of a group version; None where it is not served."""
    kinds = [kind for kind in registry.all() if (kind.group, kind.version) == (group, version)]
    if not kinds:
        return None
    found: list[Json] = []
    for kind in kinds:
        entry: Json = {
            "name": kind.plural,
            "singularName": kind.singular,
            "namespaced": kind.namespaced,
            "kind": kind.kind,
            "verbs": list(kind.verbs),
        }
        entry |= {"shortNames": list(kind.short)} if kind.short else {}
        entry |= {"categories": list(kind.categories)} if kind.categories else {}
        found.append(entry)
        for name in sorted(kind.subresources):
            response, verbs = _subresource(kind, name)
            sub = {"name": f"{kind.plural}/{name}", "singularName": "", "namespaced": kind.namespaced}
            sub |= {key: response[key] for key in ("group", "version") if response[key]}
            found.append(sub | {"kind": response["kind"], "verbs": verbs})
    shown = f"{group}/{version}" if group else version
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": shown, "resources": found}


def group_entry(registry: Registry, group: str) -> Json | None:
    """One APIGroup; None where the group is not served."""
    versions = registry.groups.get(group)
    if not versions or not group:
        return None
    listed = [{"groupVersion": f"{group}/{version}", "version": version} for version in versions]
    return {"name": group, "versions": listed, "preferredVersion": listed[0]}


def groups(registry: Registry) -> Json:
    """The APIGroupList of /apis."""
    found = [entry for group in registry.groups if (entry := group_entry(registry, group))]
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": found}


def core_versions(address: str) -> Json:
    """The APIVersions of /api."""
    served = [{"clientCIDR": "0.0.0.0/0", "serverAddress": address}]
    return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": served}


def aggregated(registry: Registry, *, core: bool) -> Json:
    """The APIGroupDiscoveryList of /api (``core``) or /apis."""
    items = []
    for group, versions in registry.groups.items():
        if (group == "") is core:
            listed = [
                {"version": version, "resources": _resources(registry, group, version), "freshness": "Current"}
                for version in versions
            ]
            items.append({"metadata": {"name": group} if group else {}, "versions": listed})
    return {"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items}


def _resources(registry: Registry, group: str, version: str) -> list[Json]:
    found = []
    for kind in registry.all():
        if (kind.group, kind.version) != (group, version):
            continue
        named = {"group": kind.group, "version": kind.version} if kind.custom else {"group": "", "version": ""}
        entry: Json = {
            "resource": kind.plural,
            "responseKind": named | {"kind": kind.kind},
            "scope": "Namespaced" if kind.namespaced else "Cluster",
            "singularResource": kind.singular,
            "verbs": list(kind.verbs),
        }
        entry |= {"shortNames": list(kind.short)} if kind.short else {}
        entry |= {"categories": list(kind.categories)} if kind.categories else {}
        if kind.subresources:
            entry["subresources"] = []
            for name in sorted(kind.subresources):
                response, verbs = _subresource(kind, name)
                entry["subresources"].append({"subresource": name, "responseKind": response, "verbs": verbs})
        found.append(entry)
    return found
