"""Asks what the acts of every owner would do to an object of a hand-made cluster."""

from collections.abc import Iterable
from typing import Any

import yaml

from tests.clusters import FLUX_SYSTEM, document, obj
from tests.ownership.flux_world import NOW, read
from tests.ownership.judging import CONTRACT, key_of, weigh
from tui.contract.model import Contract
from tui.objects import Gap, Json, Key, Live
from tui.ownership.acts.model import Act, Consequence
from tui.ownership.outlook import Outlooks

POLICY = "helm.sh/resource-policy"
KEEP = {POLICY: "keep"}
KUSTOMIZE = "kustomize.toolkit.fluxcd.io/"
LABELS = {f"{KUSTOMIZE}name": "sync", f"{KUSTOMIZE}namespace": FLUX_SYSTEM}
"""The labels of the Kustomization that ``flux_world`` builds."""


def consequences(
    body: Json, *others: Json, gaps: Iterable[Gap] = (), by: Contract = CONTRACT
) -> tuple[Consequence, ...]:
    """What is said of one object among others."""
    found = weigh(read(body, *others, gaps=tuple(gaps)), by=by)
    return Outlooks(found, NOW).of(Live.of(body).key).consequences


def told(body: Json, *others: Json, **how: Any) -> dict[tuple[str, str], Consequence]:
    """The same by owner and act."""
    return {(each.owner, each.act.value): each for each in consequences(body, *others, **how)}


def effects(body: Json, *others: Json, **how: Any) -> dict[tuple[str, str], str]:
    """What each owner's act does, in a word."""
    return {which: each.effect.value for which, each in told(body, *others, **how).items()}


def of_act(act: Act, body: Json, *others: Json, **how: Any) -> Consequence:
    """The one consequence of an act."""
    (found,) = [each for each in consequences(body, *others, **how) if each.act is act]
    return found


def thing(**parts: Any) -> Json:
    """A ConfigMap, stamped by nobody unless ``release`` says so."""
    return obj("ConfigMap", "thing", FLUX_SYSTEM, **parts)


THING: Key = key_of("ConfigMap", "thing", FLUX_SYSTEM)


def written(body: Json, policy: str | None = None) -> Json:
    """The object as a chart writes it, with a resource policy where one is given."""
    found = document(body)
    if policy is not None:
        found["metadata"]["annotations"] = {POLICY: policy}
    return found


def held(body: Json, name: str, *managers: tuple[str, str], where: str = "annotations") -> Json:
    """The object with these field managers (name and operation) as all that hold a label or annotation."""
    fields: Json = {"f:metadata": {f"f:{where}": {f"f:{name}": {}}}}
    entries = [{"manager": manager, "operation": operation, "fieldsV1": fields} for manager, operation in managers]
    kept = [each for each in body["metadata"]["managedFields"] if each["manager"] != "nobody"]
    return {**body, "metadata": {**body["metadata"], "managedFields": [*kept, *entries]}}


def hook(body: Json, *events: str, policies: tuple[str, ...] = (), **parts: Any) -> Json:
    """A hook as a record stores it: its document beside what Helm read of it."""
    head = {"name": body["metadata"]["name"], "kind": body["kind"], "path": "x", "events": list(events)}
    text = yaml.safe_dump(document(body))
    return {**head, "manifest": text, "delete_policies": list(policies), **parts}
