"""What an operator stated, as a part of a plan file: short enough to review, whole enough to judge by again. Pure."""

from typing import Final

from tui.helm.errors import MAX_CONFLICTS
from tui.helm.manifest import RESOURCE_POLICY
from tui.helm.model import Document
from tui.helm.refusal import Cause, Conflict, Failure, OwnerError, Tool, Trouble, Wanted
from tui.objects import Json, Ref
from tui.ownership.atomic import keeps
from tui.ownership.conditions import mapping
from tui.ownership.model import Forecast, Wish
from tui.recovery.nodes import Node

WISH_KEYS: Final = ("expect", "settle", "not-atomic", "error", "manifest")
"""The keys of the part."""

_ROLE: Final = ("apiGroup", "kind", "name")
_TOLD: Final = ("held_release", "held_namespace", "held_label", "wanted_release", "wanted_namespace")


def wish_json(wish: Wish) -> Json:
    """The part of a plan file; nothing where nothing was stated. No value of a manifest is in it."""
    document: Json = {}
    if wish.expected:
        document["expect"] = wish.expected
    if wish.settled:
        document["settle"] = f"{wish.settled[0]}@{wish.settled[1]}"
    if wish.not_atomic:
        document["not-atomic"] = True
    if not wish.error.says_nothing:
        document["error"] = _error_json(wish.error)
    if wish.forecast is not None:
        forecast = wish.forecast
        documents = [_document_json(each) for each in forecast.documents]
        document["manifest"] = {"source": forecast.source, "sha256": forecast.sha256, "documents": documents}
    return document


def _error_json(error: OwnerError) -> Json:
    found: Json = {
        "wanted": [_wanted_json(each) for each in error.wanted],
        "conflicts": [_conflict_json(each) for each in error.conflicts],
        "busy": error.busy,
        "cut": list(error.cut),
    }
    if error.atomic:
        found["atomic"] = error.atomic
    if error.failures:
        found["failures"] = [_failure_json(each) for each in error.failures]
    return found | ({"tool": error.tool.value} if error.tool is not Tool.UNKNOWN else {})


def _wanted_json(wanted: Wanted) -> Json:
    found: Json = {"release": wanted.release, "namespace": wanted.namespace}
    return found | ({"resource": wanted.resource} if wanted.resource else {})


def _failure_json(failure: Failure) -> Json:
    told = {name: value for name, value in failure._asdict().items() if value}
    return told | {"trouble": failure.trouble.value}


def _conflict_json(conflict: Conflict) -> Json:
    told = {name: value for name in _TOLD if (value := getattr(conflict, name)) is not None}
    found: Json = {"cause": conflict.cause.value, "kind": conflict.kind, "name": conflict.name, **told}
    if conflict.namespace is not None:
        found["namespace"] = conflict.namespace
    if conflict.managers or conflict.fields:
        found |= {"managers": list(conflict.managers), "fields": conflict.fields}
    return found | {"cut": True} if conflict.cut else found


def _document_json(document: Document) -> Json:
    ref = document.ref
    found: Json = {"apiVersion": ref.api_version, "kind": ref.kind, "namespace": ref.namespace, "name": ref.name}
    if keeps(document.annotations.get(RESOURCE_POLICY)):
        found["keep"] = True
    role = mapping(document.body.get("roleRef"))
    parts = {name: role[name] for name in _ROLE if isinstance(role.get(name), str)}
    return found | {"roleRef": parts} if parts else found


def read_wish_of(root: Node) -> Wish:
    """The wish of a plan file. Raises PlanFault with the place of the fault."""
    return Wish(
        root.at("expect").text(optional=True) or None,
        _settled(root.at("settle")),
        _error(root.at("error")),
        _forecast(root.at("manifest")),
        root.at("not-atomic").flag(optional=True),
    )


def _settled(node: Node) -> tuple[str, int] | None:
    text = node.text(optional=True)
    if not text:
        return None
    name, at, revision = text.rpartition("@")
    if not at or not revision.isdecimal():
        raise node.fault("is not NAME@REVISION")
    return name, int(revision)


def _error(node: Node) -> OwnerError:
    if node.value is None:
        return OwnerError()
    node.only("wanted", "conflicts", "busy", "cut", "atomic", "failures", "tool")
    conflicts = tuple(_conflict(each) for each in node.at("conflicts").items())
    if len(conflicts) > MAX_CONFLICTS:
        raise node.at("conflicts").fault(f"has more than {MAX_CONFLICTS} entries")
    return OwnerError(
        conflicts,
        tuple(_wanted(each) for each in node.at("wanted").items()),
        node.at("busy").flag(),
        tuple(each.text() for each in node.at("cut").items()),
        node.at("atomic").text(optional=True),
        failures=tuple(_failure(each) for each in node.at("failures").items(optional=True)),
        tool=Tool(node.at("tool").one_of([each.value for each in Tool], Tool.UNKNOWN.value)),
    )


def _wanted(node: Node) -> Wanted:
    node.only("release", "namespace", "resource")
    resource = node.at("resource").text(optional=True)
    return Wanted(node.at("release").text(), node.at("namespace").told(), resource)


def _failure(node: Node) -> Failure:
    node.only("trouble", "release", "namespace", "resource")
    trouble = Trouble(node.at("trouble").one_of([each.value for each in Trouble]))
    release, resource = (node.at(name).text(optional=True) for name in ("release", "resource"))
    return Failure(trouble, release, node.at("namespace").told(), resource)


def _conflict(node: Node) -> Conflict:
    node.only("cause", "kind", "namespace", "name", *_TOLD, "managers", "fields", "cut")
    return Conflict(
        cause=Cause(node.at("cause").one_of([cause.value for cause in Cause])),
        kind=node.at("kind").text(optional=True),
        namespace=node.at("namespace").told(),
        name=node.at("name").text(optional=True),
        held_release=node.at("held_release").told(),
        held_namespace=node.at("held_namespace").told(),
        held_label=node.at("held_label").told(),
        wanted_release=node.at("wanted_release").told(),
        wanted_namespace=node.at("wanted_namespace").told(),
        managers=tuple(each.text() for each in node.at("managers").items(optional=True)),
        fields=node.at("fields").number() or 0,
        cut=node.at("cut").flag(optional=True),
    )


def _forecast(node: Node) -> Forecast | None:
    if node.value is None:
        return None
    node.only("source", "sha256", "documents")
    documents = tuple(_document(each) for each in node.at("documents").items())
    return Forecast(node.at("source").text(), node.at("sha256").text(), documents)


def _document(node: Node) -> Document:
    node.only("apiVersion", "kind", "namespace", "name", "roleRef", "keep")
    ref = Ref(
        node.at("apiVersion").text(),
        node.at("kind").text(),
        node.at("namespace").text(optional=True) or None,
        node.at("name").text(),
    )
    metadata: Json = {"name": ref.name} | ({"namespace": ref.namespace} if ref.namespace else {})
    if node.at("keep").flag(optional=True):
        metadata["annotations"] = {RESOURCE_POLICY: "keep"}
    body: Json = {"apiVersion": ref.api_version, "kind": ref.kind, "metadata": metadata}
    role = node.at("roleRef")
    if role.value is not None:
        role.only(*_ROLE)
        parts = {name: role.at(name).text(optional=True) for name in _ROLE}
        body["roleRef"] = {name: value for name, value in parts.items() if value}
    return Document(ref, body)
