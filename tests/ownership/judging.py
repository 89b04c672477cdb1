"""Short ways to judge a hand-made cluster and to look at one part of the answer."""

from collections.abc import Iterable
from datetime import date
from typing import Any

from tests.clusters import VERSIONS, contract, document, inventory, obj, record
from tui.contract.model import Contract
from tui.objects import Gap, Inventory, Json, Key, group_of
from tui.ownership.assess import assess
from tui.ownership.model import Assessment, Attribution, Candidate, Finding, Wish

TODAY = date(2026, 11, 23)
NEW = "gitops-flux-00000001"
"""The active release: its hash sorts before the others, so that a sort by name would get it wrong."""
OLD = "gitops-flux-ffffffff"
OLDER = "gitops-flux-7fffffff"
CONTRACT = contract()


def active(*listed: Json, **how: Any) -> Json:
    """The record of the active release, listing these objects."""
    return record(NEW, 2, "deployed", map(document, listed), **how)


def judge(
    objects: Iterable[Json], gaps: Iterable[Gap] = (), *, wish: Wish | None = None, by: Contract = CONTRACT, **how: Any
) -> Assessment:
    """Assesses a cluster of these objects."""
    return weigh(inventory(list(objects), list(gaps), **how), wish=wish, by=by)


def weigh(read: Inventory, *, wish: Wish | None = None, by: Contract = CONTRACT, today: date = TODAY) -> Assessment:
    """Assesses an inventory."""
    return assess(by, read, today=today, wish=wish)


def key_of(kind: str, name: str, namespace: str | None = None) -> Key:
    """The identity of an object of a kind that the builders know."""
    return Key(group_of(VERSIONS[kind]), kind, namespace, name)


def candidate(found: Assessment, body: Json) -> Candidate | None:
    """The decision about one object, if there is one."""
    uid = body["metadata"]["uid"]
    return next((each for each in found.candidates if each.ref.uid == uid), None)


def decided(found: Assessment, body: Json) -> tuple[str, tuple[str, ...]]:
    """(decision, rules) of one object; ("", ()) where it is no candidate."""
    each = candidate(found, body)
    return (each.decision.value, tuple(rule.value for rule in each.rules)) if each else ("", ())


def attributed(found: Assessment, body: Json) -> Attribution:
    """The attribution of one live object."""
    meta = body["metadata"]
    return found.attributions[Key(group_of(body["apiVersion"]), body["kind"], meta.get("namespace"), meta["name"])]


def findings(found: Assessment, code: str) -> list[Finding]:
    """The findings of one code."""
    return [each for each in found.findings if each.code == code]


def names(finding: Finding) -> set[str]:
    """The resources of a finding, as people name them."""
    return {ref.label for ref in finding.resources}


def gap(kind: str, reason: str = "forbidden", namespace: str | None = None) -> Gap:
    """What a refused list leaves behind."""
    return Gap(group_of(VERSIONS[kind]), kind, namespace, reason)


def stale(kind: str = "ClusterRole", name: str = "left", namespace: str | None = "flux-system", **parts: Any) -> Json:
    """An object with a stamp of a release that is over."""
    return obj(kind, name, namespace, **{"release": OLD, **parts})
