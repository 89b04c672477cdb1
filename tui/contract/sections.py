"""Reads the sections of a contract from positioned nodes; every value that is not as it must be is a ContractFault."""

import re
from collections.abc import Callable, Iterable
from datetime import date
from typing import Final, TypeVar

from tui.contract.model import (
    Allow,
    Claim,
    Decision,
    Family,
    Guardrail,
    Health,
    InUse,
    Layer,
    Mark,
    Owner,
    Reconcile,
    Selector,
)
from tui.contract.words import (
    CODES,
    DATE,
    IDENTIFIER,
    INVENTORIES,
    PLACEHOLDERS,
    PLAIN,
    RESOURCE,
    glob_problem,
    unknown_placeholder,
)
from tui.yaml_nodes import Node, hint

T = TypeVar("T")

SELECTOR_KEYS: Final = (
    "kinds",
    "groups",
    "names",
    "namespaces",
    "namespaces_not",
    "labels",
    "annotations",
    "fields",
)
_MARK_KEYS: Final = ("manager", "label", "annotation", "family", "inventory", "owner_kind")
_FAMILY_KEYS: Final = ("family", "generated", "match", "names", "namespace", "owner", "cleanup")
_FIELD: Final = r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$"


def layers(node: Node, owners: Iterable[str]) -> tuple[Layer, ...]:
    """The layers, top to bottom."""
    return _each(node, "layers", lambda item: _layer(item, owners), lambda layer: layer.name)


def _layer(node: Node, owners: Iterable[str]) -> Layer:
    parts = node.keys(("name", "title", "owner"), ("name",), "a layer")
    name = identifier(parts["name"])
    owner = known(parts["owner"], owners, "an owner") if "owner" in parts else None
    return Layer(name, parts["title"].prose() if "title" in parts else name, owner)


def owners(node: Node, families: Iterable[str]) -> dict[str, Owner]:
    """The owners by name."""
    found = {}
    for entry in node.entries("a mapping of owners").values():
        name = identifier(entry.key)
        found[name] = _owner(name, entry.value, families)
    if not found:
        raise node.fault("at least one owner is expected here")
    return found


def _owner(name: str, node: Node, families: Iterable[str]) -> Owner:
    parts = node.keys(("title", "marks", "reconcile", "process"), (), "an owner")
    marks = parts["marks"].items("marks") if "marks" in parts else ()
    return Owner(
        name,
        parts["title"].prose() if "title" in parts else name,
        tuple(_mark(mark, families) for mark in marks),
        _reconcile(parts["reconcile"]) if "reconcile" in parts else None,
        _each(parts["process"], "steps", Node.prose, str) if "process" in parts else (),
        line=node.line,
    )


def _mark(node: Node, families: Iterable[str]) -> Mark:
    parts = _one_of(node, _MARK_KEYS, "a mark")
    match parts:
        case {"manager": value}:
            return Mark(manager=globs(value, "field managers"))
        case {"label": value}:
            return Mark(label=_mark_texts(value, "a mapping of labels"))
        case {"annotation": value}:
            return Mark(annotation=_mark_texts(value, "a mapping of annotations"))
        case {"owner_kind": value}:
            return Mark(owner_kind=globs(value, "kinds"))
        case {"family": value}:
            return Mark(family=known(value, families, "a release family"))
        case _:
            kinds = _each(parts["inventory"], "kinds", lambda kind: known(kind, INVENTORIES, "a kind"), str)
            return Mark(inventory=kinds)


def _mark_texts(node: Node, what: str) -> dict[str, str]:
    found = _texts(node, what)
    for entry in node.entries(what).values():
        if word := unknown_placeholder(entry.value.text()):
            raise entry.value.fault(f"{{{word}}} stands for nothing here{hint(word, PLACEHOLDERS)}")
    return found


def _reconcile(node: Node) -> Reconcile:
    parts = _one_of(node, ("command", "annotate"), "a reconcile")
    if "command" in parts:
        return Reconcile(command=parts["command"].prose())
    target = parts["annotate"].keys(("kind", "namespace", "name"), ("kind", "namespace", "name"), "annotate")
    return Reconcile(None, plain(target["kind"]), plain(target["namespace"]), plain(target["name"]))


def claim(node: Node, owner_names: Iterable[str], layer_names: Iterable[str]) -> Claim:
    """One claim."""
    parts = node.keys(("owner", "layer", "source", "select"), ("owner", "layer", "select"), "a claim")
    return Claim(
        known(parts["owner"], owner_names, "an owner"),
        known(parts["layer"], layer_names, "a layer"),
        parts["source"].prose() if "source" in parts else "",
        tuple(selector(item) for item in parts["select"].items("selectors")),
        line=node.line,
    )


def selector(node: Node) -> Selector:
    """One selector; an empty one is refused, for it would choose everything."""
    parts = node.keys(SELECTOR_KEYS, (), "a selector")
    if not parts:
        raise node.fault("a selector without any key would choose everything; name at least its kinds")
    if "namespaces" in parts and "namespaces_not" in parts:
        raise parts["namespaces_not"].fault("a selector has namespaces or namespaces_not, not both")
    return Selector(
        kinds=globs(parts["kinds"], "kinds") if "kinds" in parts else (),
        groups=globs(parts["groups"], "API groups", empty=True) if "groups" in parts else (),
        names=globs(parts["names"], "names") if "names" in parts else (),
        namespaces=globs(parts["namespaces"], "namespaces") if "namespaces" in parts else (),
        namespaces_not=globs(parts["namespaces_not"], "namespaces") if "namespaces_not" in parts else (),
        labels=_texts(parts["labels"], "a mapping of labels") if "labels" in parts else None,
        annotations=_texts(parts["annotations"], "a mapping of annotations") if "annotations" in parts else None,
        fields=_fields(parts["fields"]) if "fields" in parts else None,
    )


def family(node: Node, owner_names: Iterable[str]) -> Family:
    """One release family."""
    parts = node.keys(_FAMILY_KEYS, ("family", "namespace", "owner"), "a release family")
    if not {"generated", "match", "names"} & parts.keys():
        raise node.fault("a release family needs generated, names or match, or no release could belong to it")
    cleanup = parts["cleanup"].keys(("cluster_scoped", "namespaces"), (), "cleanup") if "cleanup" in parts else {}
    return Family(
        name=identifier(parts["family"]),
        namespace=plain(parts["namespace"]),
        owner=known(parts["owner"], owner_names, "an owner"),
        generated=plain(parts["generated"]) if "generated" in parts else None,
        match=glob(parts["match"]) if "match" in parts else None,
        names=_plains(parts["names"], "release names", empty=True) if "names" in parts else (),
        cleanup_cluster_scoped=cleanup["cluster_scoped"].boolean() if "cluster_scoped" in cleanup else False,
        cleanup_namespaces=_plains(cleanup["namespaces"], "namespaces", empty=True) if "namespaces" in cleanup else (),
        line=node.line,
    )


def guardrail(node: Node) -> Guardrail:
    """One guardrail."""
    parts = node.keys(("id", "deny", "reason"), ("id", "deny"), "a guardrail")
    reason = parts["reason"].prose() if "reason" in parts else ""
    return Guardrail(identifier(parts["id"]), selector(parts["deny"]), reason, line=node.line)


def health(node: Node) -> Health:
    """One line of the health list."""
    parts = node.keys(("deployments", "ready", "name", "namespace", "optional"), ("namespace",), "a health check")
    namespace = plain(parts["namespace"])
    optional = parts["optional"].boolean() if "optional" in parts else False
    if ("deployments" in parts) == ("ready" in parts):
        raise node.fault("a health check has either deployments, or ready with a name")
    if "deployments" in parts:
        if "name" in parts:
            raise parts["name"].fault("a health check of deployments has no name of its own")
        return Health(namespace, globs(parts["deployments"], "Deployments"), optional=optional, line=node.line)
    if "name" not in parts:
        raise node.fault("a health check with ready needs the key 'name'")
    return Health(namespace, (), plain(parts["ready"]), plain(parts["name"]), optional, line=node.line)


def allow(node: Node) -> Allow:
    """One finding known and accepted."""
    required = ("code", "resource", "reason", "expires")
    parts = node.keys(required, required, "an allowed finding")
    return Allow(
        known(parts["code"], CODES, "a finding code"),
        resource(parts["resource"]),
        parts["reason"].prose(),
        _date(parts["expires"]),
        line=node.line,
    )


def decision(node: Node, owner_names: Iterable[str]) -> Decision:
    """One ownership decision."""
    parts = node.keys(("resource", "owner", "reason", "removed"), ("resource", "owner", "reason"), "a decision")
    return Decision(
        resource(parts["resource"]),
        known(parts["owner"], owner_names, "an owner"),
        parts["reason"].prose(),
        parts["removed"].prose() if "removed" in parts else None,
        line=node.line,
    )


def in_use(node: Node) -> InUse:
    """Objects that somebody uses without naming them."""
    parts = node.keys(("by", "select"), ("by", "select"), "something in use")
    chosen = tuple(selector(item) for item in parts["select"].items("selectors"))
    return InUse(parts["by"].prose(), chosen, line=node.line)


def identifier(node: Node) -> str:
    """A name that the contract gives to something of its own."""
    return _like(node, IDENTIFIER, "a name of letters, digits, dots, hyphens and underscores")


def plain(node: Node) -> str:
    """The name of something in the cluster, without a glob."""
    return _like(node, PLAIN, "a plain name (no glob)")


def glob(node: Node, *, empty: bool = False) -> str:
    """A glob; with ``empty`` the empty string too, where that is a value of its own."""
    text = node.text()
    problem = "" if empty and not text else glob_problem(text)
    if problem:
        raise node.fault(problem)
    return text


def globs(node: Node, what: str, *, empty: bool = False) -> tuple[str, ...]:
    """A list of different globs."""
    return _each(node, what, lambda item: glob(item, empty=empty), str)


def resource(node: Node) -> str:
    """A glob over ``Kind/name`` or ``Kind/namespace/name``."""
    text = _like(node, RESOURCE, "Kind/name or Kind/namespace/name")
    for part in text.split("/"):
        if problem := glob_problem(part):
            raise node.fault(problem)
    return text


def known(node: Node, names: Iterable[str], what: str) -> str:
    """One of the names that the contract (or Refloat) knows."""
    text = node.text()
    choices = list(names)
    if text not in choices:
        raise node.fault(f"{text[:60]!r} is not {what} that is known here{hint(text, choices)}")
    return text


def named(node: Node, what: str, read: Callable[[Node], T], identity: Callable[[T], str]) -> tuple[T, ...]:
    """A list that may be empty or absent (null), of things with names of their own."""
    if node.is_null or node.value == ():
        return ()
    return _each(node, what, read, identity)


def _each(node: Node, what: str, read: Callable[[Node], T], identity: Callable[[T], str]) -> tuple[T, ...]:
    found: dict[str, T] = {}
    for item in node.items(what):
        thing = read(item)
        name = identity(thing)
        if name in found:
            raise item.fault(f"{name!r} is listed twice")
        found[name] = thing
    return tuple(found.values())


def _plains(node: Node, what: str, *, empty: bool) -> tuple[str, ...]:
    return () if empty and node.value == () else _each(node, what, plain, str)


def _one_of(node: Node, keys: tuple[str, ...], what: str) -> dict[str, Node]:
    parts = node.keys(keys, (), what)
    if len(parts) != 1:
        raise node.fault(f"{what} has exactly one of {', '.join(keys)}")
    return parts


def _texts(node: Node, what: str) -> dict[str, str]:
    entries = node.entries(what)
    if not entries:
        raise node.fault(f"{what} is expected here, and it is empty")
    return {glob(entry.key): glob(entry.value, empty=True) for entry in entries.values()}


def _fields(node: Node) -> dict[str, tuple[str, ...]]:
    entries = node.entries("a mapping of dotted paths")
    if not entries:
        raise node.fault("a mapping of dotted paths is expected here, and it is empty")
    for entry in entries.values():
        _like(entry.key, _FIELD, "a dotted path such as spec.type")
    return {key: globs(entry.value, "values") for key, entry in entries.items()}


def _like(node: Node, pattern: str, what: str) -> str:
    text = node.text()
    # A dollar sign also matches before a line feed; text() has refused those.
    if not re.match(pattern, text):
        raise node.fault(f"{what} is expected here, not {text[:60]!r}")
    return text


def _date(node: Node) -> date:
    text = node.value if isinstance(node.value, str) and node.kind in ("a date", "text") else ""
    try:
        if re.match(DATE, text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise node.fault("a date such as 2027-01-31 is expected here")
