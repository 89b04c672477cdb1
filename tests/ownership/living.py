"""The recorded living cluster as a reader would have read it, and contracts that know its releases."""

import json
from dataclasses import replace
from pathlib import Path

from tests.clusters import contract
from tui.contract.model import Claim, Contract, Family, Selector
from tui.objects import Inventory, Json, Live, Served

RECORDED = Path(__file__).parents[1] / "data" / "living-cluster.jsonl"


def recorded() -> list[Json]:
    """The objects, whole."""
    return [json.loads(line) for line in RECORDED.read_text(encoding="utf-8").splitlines()]


def living(objects: list[Json] | None = None) -> Inventory:
    """Their inventory: whole bodies but for ConfigMaps and Secrets that are no release records."""
    lives, served = {}, {}
    for body in recorded() if objects is None else objects:
        is_record = body["metadata"]["name"].startswith("sh.helm.release.v1.")
        live = Live.of(body, keep_body=is_record or body["kind"] not in ("ConfigMap", "Secret"))
        lives[live.key] = live
        group, _, version = body["apiVersion"].rpartition("/")
        plural, spaced = f"{body['kind'].lower()}s", "namespace" in body["metadata"]
        served[live.ref.kind_key] = Served(group, version, plural, body["kind"], spaced, frozenset({"list"}))
    versions = frozenset(f"{kind.api_version}/{kind.kind}" for kind in served.values())
    return Inventory("uid", "v1.36.2", served, versions, lives, [])


def family(name: str, namespace: str) -> Family:
    """A family of one release that its owner pinned by name."""
    return Family(
        name, namespace, "pulumi", names=(name,), cleanup_cluster_scoped=True, cleanup_namespaces=(namespace,)
    )


def harbours(**changes: object) -> Contract:
    """A contract in which Pulumi owns both releases and Flux the applications."""
    claims = (
        Claim("flux", "gitops", "clusters/", (Selector(kinds=("Deployment",), names=("web",), namespaces=("apps",)),)),
        Claim("pulumi", "infrastructure", "src/", (Selector(annotations={"meta.helm.sh/release-name": "harbour-*"}),)),
    )
    releases = (family("harbour-3", "dock3"), family("harbour-4", "dock4"))
    return replace(contract(claims=claims, releases=releases), **changes)  # type: ignore[arg-type] # any field
