"""Whether a document's kind is served and lives in namespaces: by the cluster, or the input's own CRDs. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from tui.contract.lint import CLUSTER_SCOPED
from tui.objects import Inventory, Json, Key, KindKey, Ref
from tui.ownership.references import CRD, dig, items

_NAMESPACE: Final = KindKey("", "Namespace")


class Answer(StrEnum):
    """Yes, no, or could not verify."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Served:
    """Whether the cluster serves a document's apiVersion and kind, and a sentence about it."""

    answer: Answer
    text: str


@dataclass(frozen=True, slots=True)
class Defined:
    """A kind that a CustomResourceDefinition of the input defines."""

    where: str
    namespaced: bool
    versions: frozenset[str]


@dataclass(frozen=True, slots=True)
class Scopes:
    """What is known of kinds. ``inventory`` is None where no cluster was read."""

    inventory: Inventory | None
    defined: Mapping[KindKey, Defined]
    made: Mapping[str, str] = field(default_factory=dict)
    """Namespaces that the input makes itself, and where."""

    def namespaced(self, group: str, kind: str) -> bool | None:
        """Whether a kind lives in namespaces; None where neither the cluster, the input nor Kubernetes itself says."""
        known = self.inventory.namespaced(group, kind) if self.inventory else None
        if known is not None:
            return known
        kind_key = KindKey(group, kind)
        if kind_key in self.defined:
            return self.defined[kind_key].namespaced
        if self.inventory is None and ("." not in group or group.endswith(".k8s.io")):
            return kind not in CLUSTER_SCOPED
        return None


def scopes(inventory: Inventory | None, bodies: Iterable[tuple[str, Json]]) -> Scopes:
    """What the cluster and the documents themselves (each with its place) say about kinds and namespaces."""
    defined: dict[KindKey, Defined] = {}
    made: dict[str, str] = {}
    for where, body in bodies:
        ref = Ref.of(body)
        if ref.kind_key == CRD:
            kind = KindKey(str(dig(body, ("spec", "group")) or ""), str(dig(body, ("spec", "names", "kind")) or ""))
            versions = {str(each.get("name")) for each in items(dig(body, ("spec", "versions"))) if each.get("served")}
            defined[kind] = Defined(where, dig(body, ("spec", "scope")) == "Namespaced", frozenset(versions))
        elif ref.kind_key == _NAMESPACE:
            made[ref.name] = where
    return Scopes(inventory, defined, made)


def served_as(ref: Ref, known: Scopes) -> Served:
    """Whether the cluster serves the document's apiVersion and kind."""
    inventory = known.inventory
    what = f"{ref.kind} of {ref.api_version}"
    if inventory is None:
        return Served(Answer.UNKNOWN, f"whether {what} is served could not be verified")
    if f"{ref.api_version}/{ref.kind}" in inventory.versions:
        return Served(Answer.YES, f"{what} is served")
    gap = next((gap for gap in inventory.gaps if gap.kind is None and gap.group in (ref.group, "*")), None)
    if gap is not None:
        return Served(Answer.UNKNOWN, f"whether {what} is served could not be read: {gap.text}")
    here = known.defined.get(ref.kind_key)
    if here is not None and ref.api_version.rpartition("/")[2] in here.versions:
        return Served(Answer.NO, f"{what} is not served yet; {here.where} defines it and has to be applied first")
    other = inventory.served.get(ref.kind_key)
    if other is not None:
        return Served(Answer.NO, f"{what} is not served; {other.api_version} is")
    return Served(Answer.NO, f"{what} is not served: its CustomResourceDefinition has to be there first")


def namespace_note(ref: Ref, known: Scopes) -> str:
    """What is wrong with the namespace a document goes to; empty where nothing is, or it could not be read."""
    inventory = known.inventory
    if inventory is None or ref.namespace is None or ref.namespace in known.made:
        return ""
    live = inventory.get(Key("", "Namespace", None, ref.namespace))
    if live is not None:
        return f"namespace {ref.namespace} is being deleted" if live.deleting else ""
    if not inventory.readable(*_NAMESPACE):
        return ""
    return f"namespace {ref.namespace} does not exist, and no document here makes it"
