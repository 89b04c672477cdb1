"""The JSON Schema keeps step with the loader: whatever the loader takes is valid, whatever is invalid it refuses."""

import copy
import json
from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from tui.contract.load import KEYS, ContractFault, parse_contract, shipped
from tui.contract.schema import contract_schema
from tui.contract.sections import SELECTOR_KEYS

SCHEMA = contract_schema()
VALIDATOR = Draft202012Validator(SCHEMA)

FULL: dict[str, Any] = {
    "version": 1,
    "name": "tethys",
    "cluster": {"uid": "6a1f-22"},
    "layers": [{"name": "infra", "title": "Infrastructure", "owner": "pulumi"}, {"name": "apps"}],
    "owners": {
        "pulumi": {
            "title": "Pulumi",
            "marks": [
                {"manager": ["pulumi", "pulumi-[0-9a-f]*"]},
                {"label": {"managed-by": "pulumi"}},
                {"annotation": {"pulumi.com/*": "*"}},
                {"family": "flux"},
                {"inventory": ["Kustomization"]},
                {"annotation": {"argocd.argoproj.io/tracking-id": "*:{group}/{kind}:{namespace}/{name}"}},
                {"owner_kind": ["ClusterServiceVersion.operators.coreos.com"]},
            ],
            "reconcile": {"command": "pulumi refresh"},
            "process": ["Add it to cluster/src/.", "Run it."],
        },
        "flux": {"reconcile": {"annotate": {"kind": "GitRepository", "namespace": "fs", "name": "fs"}}},
    },
    "claims": [
        {
            "owner": "pulumi",
            "layer": "infra",
            "source": "cluster/",
            "select": [
                {"kinds": ["Namespace"], "groups": [""], "names": ["fs"]},
                {
                    "namespaces": ["a"],
                    "labels": {"x": "1"},
                    "annotations": {"y": "*"},
                    "fields": {"spec.type": ["NodePort"]},
                },
                {"namespaces_not": ["a"]},
            ],
        }
    ],
    "releases": [
        {
            "family": "flux",
            "generated": "gitops-flux",
            "match": "old-*",
            "names": ["pinned"],
            "namespace": "fs",
            "owner": "pulumi",
            "cleanup": {"cluster_scoped": True, "namespaces": ["fs"]},
        }
    ],
    "guardrails": [{"id": "no-ingress", "deny": {"kinds": ["Ingress"]}, "reason": "tunnels"}],
    "health": [
        {"deployments": ["source-controller"], "namespace": "fs"},
        {"ready": "Kustomization", "name": "fs", "namespace": "fs", "optional": True},
    ],
    "allow": [{"code": "guardrail", "resource": "Ingress/apps/old", "reason": "going", "expires": "2027-01-31"}],
    "decisions": [{"resource": "ClusterRole/x*", "owner": "pulumi", "removed": "b.yaml", "reason": "so"}],
    "in_use": [{"by": "a loader", "select": [{"kinds": ["ConfigMap"], "labels": {"x": "*"}}]}],
}


def accepted(value: object) -> bool:
    try:
        parse_contract(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"), "x.yaml")
    except ContractFault:
        return False
    return True


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert json.loads(json.dumps(SCHEMA)) == SCHEMA


def test_it_describes_every_key_the_loader_knows() -> None:
    assert set(SCHEMA["properties"]) == set(KEYS)
    assert set(SCHEMA["$defs"]["selector"]["properties"]) == set(SELECTOR_KEYS)
    assert [key for key, schema in properties(SCHEMA) if not described(schema)] == []


def properties(schema: object) -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(schema, dict):
        found = schema.get("properties")
        yield from found.items() if isinstance(found, dict) else ()
        for value in schema.values():
            yield from properties(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from properties(value)


def described(schema: dict[str, Any]) -> bool:
    target = SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    return "description" in schema or "description" in target


def test_the_example_and_the_shipped_contract_are_valid() -> None:
    assert accepted(FULL)
    VALIDATOR.validate(FULL)
    VALIDATOR.validate(yaml.safe_load(shipped().read_text("utf-8")))


def places(value: object, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, item in inner for place in places(item, (*path, key)))]


PLACES = [place for place in places(FULL) if place]
VALUES: list[object] = [
    None, True, 1, 2, "", "a", "a b", "[x", "a/b", "a/b/c/d", "2027-01-31", "-a", "a" * 400, "contested", "a..b",
    [], ["a", "a"], [1], [None], {}, {"a": "b"}, {"a": 1}, {"name": "z"}, [{}],
]  # fmt: skip


def put(place: tuple[Any, ...], value: object) -> dict[str, Any]:
    changed = copy.deepcopy(FULL)
    parent: Any = changed
    for step in place[:-1]:
        parent = parent[step]
    parent[place[-1]] = value
    return changed


def test_no_value_in_any_place_is_taken_by_the_loader_and_not_by_the_schema() -> None:
    contracts = ((case, put(*case)) for case in product(PLACES, VALUES))
    judged = [(VALIDATOR.is_valid(contract), accepted(contract), case) for case, contract in contracts]
    assert [case for valid, taken, case in judged if taken and not valid] == []
    refused = [valid for valid, taken, _ in judged if not taken]
    # And the schema is of use: what only the loader can see (references, duplicates, globs) is the smaller part.
    assert len(refused) > 1000
    assert sum(refused) < len(refused) / 8


@pytest.mark.parametrize("place", [place for place in PLACES if isinstance(place[-1], str)])
def test_a_key_renamed_or_gone_is_seen_alike(place: tuple[Any, ...]) -> None:
    for renamed in (None, "unheard-of"):
        changed = copy.deepcopy(FULL)
        parent: Any = changed
        for step in place[:-1]:
            parent = parent[step]
        value = parent.pop(place[-1])
        if renamed:
            parent[renamed] = value
        assert VALIDATOR.is_valid(changed) or not accepted(changed)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from(PLACES), json_values)
def test_generated_values_are_judged_alike(place: tuple[Any, ...], value: object) -> None:
    changed = put(place, value)
    assert VALIDATOR.is_valid(changed) or not accepted(changed)
