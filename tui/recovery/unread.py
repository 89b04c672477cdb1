"""The documents of a cluster that could not be read: the same shapes, and nothing in them called absent. Pure."""

from tui.contract.model import Contract
from tui.objects import Json
from tui.recovery.report import contract_json


def unread_preflight(context: str, contract: Contract, why: str) -> Json:
    """``refloat.preflight/1`` where nothing could be read at all."""
    return {
        "schema": "refloat.preflight/1",
        "verdict": "unverified",
        "context": context,
        "contract": contract_json(contract),
        "releases": _families(contract),
        "findings": [],
        "hidden": 0,
        "policies": [],
        "candidates": [],
        "missing": [],
        "incomplete": [why],
        "notes": [],
    }


def unread_owners(why: str) -> Json:
    """``refloat.owners/1`` where nothing could be read at all."""
    return {"schema": "refloat.owners/1", "objects": [], "counts": {}, "incomplete": [why]}


def unread_releases(contract: Contract, why: str) -> Json:
    """``refloat.releases/1`` where nothing could be read at all."""
    empty: Json = {"why": why, "revisions": [], "resources": [], "hooks": []}
    return {
        "schema": "refloat.releases/1",
        "families": [family | empty for family in _families(contract)],
        "incomplete": [why],
    }


def unread_explain(kind: str, namespace: str | None, name: str, why: str) -> Json:
    """``refloat.explain/1`` of an object that could not be looked for."""
    return {
        "schema": "refloat.explain/1",
        "ref": {"apiVersion": "", "kind": kind, "namespace": namespace, "name": name, "uid": None},
        "live": False,
        "state": "unverifiable",
        "claim": None,
        "owners": [],
        "release": None,
        "findings": [],
        "next": [why],
    }


def _families(contract: Contract) -> list[Json]:
    return [
        {"family": f.name, "namespace": f.namespace, "state": "unverifiable", "active": None, "known": []}
        for f in contract.releases
    ]
