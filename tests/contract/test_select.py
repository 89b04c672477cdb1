"""Selectors, claims by name, resource globs: who is meant, and who is not."""

import dataclasses
from typing import Any

import pytest

from tui.contract.model import Claim, Contract, Guardrail, Selector
from tui.contract.select import (
    Claims,
    claim_for,
    kinds_needing_bodies,
    matches,
    matches_document,
    names_exactly,
    resource_matches,
)
from tui.helm.model import Document
from tui.objects import Live, Ref

DEPLOYMENT = Ref("apps/v1", "Deployment", "apps", "web")
ROLE = Ref("rbac.authorization.k8s.io/v1", "ClusterRole", None, "flux-view")


def live(ref: Ref = DEPLOYMENT, *, body: bool = True, **parts: Any) -> Live:
    metadata = {"name": ref.name, "namespace": ref.namespace, **parts.pop("metadata", {})}
    return Live.of({"apiVersion": ref.api_version, "kind": ref.kind, "metadata": metadata, **parts}, keep_body=body)


@pytest.mark.parametrize(
    ("selector", "ref", "expected"),
    [
        (Selector(), DEPLOYMENT, True),
        (Selector(kinds=("Deployment",)), DEPLOYMENT, True),
        (Selector(kinds=("deployment",)), DEPLOYMENT, False),
        (Selector(kinds=("Stateful*", "Deploy*")), DEPLOYMENT, True),
        (Selector(groups=("apps",)), DEPLOYMENT, True),
        (Selector(groups=("",)), DEPLOYMENT, False),
        (Selector(groups=("",)), Ref("v1", "Secret", "a", "b"), True),
        (Selector(names=("we?",)), DEPLOYMENT, True),
        (Selector(names=("we",)), DEPLOYMENT, False),
        (Selector(names=("[!w]eb",)), DEPLOYMENT, False),
        (Selector(namespaces=("app*",)), DEPLOYMENT, True),
        (Selector(namespaces=("other",)), DEPLOYMENT, False),
        (Selector(namespaces=("*",)), ROLE, False),
        (Selector(namespaces_not=("flux-system",)), DEPLOYMENT, True),
        (Selector(namespaces_not=("app*",)), DEPLOYMENT, False),
        (Selector(namespaces_not=("flux-system",)), ROLE, False),
        (Selector(kinds=("ClusterRole",)), ROLE, True),
        (Selector(kinds=("Deployment",), names=("other",)), DEPLOYMENT, False),
    ],
)
def test_identity(selector: Selector, ref: Ref, expected: bool) -> None:
    assert matches(selector, live(ref)) is expected
    assert matches_document(selector, ref, {}, {}, None) is expected


def test_every_label_and_annotation_must_match() -> None:
    bears = live(metadata={"labels": {"a": "1", "b": "two"}, "annotations": {"meta.helm.sh/release-name": "x"}})
    assert matches(Selector(labels={"a": "1", "b": "t*"}), bears)
    assert not matches(Selector(labels={"a": "1", "c": "*"}), bears)
    assert not matches(Selector(labels={"a": "2"}), bears)
    assert matches(Selector(annotations={"meta.helm.sh/release-name": "*"}), bears)
    assert not matches(Selector(annotations={"meta.helm.sh/release-name": "*"}), live())


@pytest.mark.parametrize(
    ("spec", "path", "globs", "expected"),
    [
        ({"type": "NodePort"}, "spec.type", ("NodePort", "LoadBalancer"), True),
        ({"type": "ClusterIP"}, "spec.type", ("NodePort", "LoadBalancer"), False),
        ({}, "spec.type", ("*",), False),
        ({"suspend": True}, "spec.suspend", ("true",), True),
        ({"suspend": False}, "spec.suspend", ("true",), False),
        ({"replicas": 0}, "spec.replicas", ("0",), True),
        ({"ports": [{"nodePort": 1}, {"nodePort": 30080}]}, "spec.ports.nodePort", ("300*",), True),
        ({"type": None}, "spec.type", ("*",), False),
        ({"type": {"a": 1}}, "spec.type", ("*",), False),
        ("text", "spec.type", ("*",), False),
    ],
)
def test_fields(spec: object, path: str, globs: tuple[str, ...], expected: bool) -> None:
    assert matches(Selector(fields={path: globs}), live(spec=spec)) is expected


def test_without_a_body_fields_choose_nothing() -> None:
    assert not matches(Selector(fields={"spec.type": ("*",)}), live(spec={"type": "x"}, body=False))


def test_a_documents_labels_are_read_from_its_body_where_none_are_handed_in() -> None:
    body = {"metadata": {"labels": {"a": "1"}, "annotations": {"b": "2"}}}
    assert matches_document(Selector(labels={"a": "1"}, annotations={"b": "2"}), DEPLOYMENT, {}, {}, body)
    assert not matches_document(Selector(labels={"a": "1"}), DEPLOYMENT, {"a": "2"}, {}, body)


@pytest.mark.parametrize("metadata", [None, [], {"labels": ["x"]}, {"labels": {"a": True}}])
def test_odd_metadata_of_a_document_is_no_match_and_no_crash(metadata: object) -> None:
    assert not matches_document(Selector(labels={"a": "1"}), DEPLOYMENT, {}, {}, {"metadata": metadata})


FIRST = Claim("pulumi", "infrastructure", "a", (Selector(kinds=("Deployment",), names=("web", "api-*")),))
SECOND = Claim("flux", "gitops", "b", (Selector(namespaces=("apps",)), Selector(kinds=("ClusterRole",))))
THIRD = Claim("other", "gitops", "c", (Selector(kinds=("Deployment",), names=("api-1",), labels={"x": "*"}),))
CONTRACT = Contract("t", (), {}, (FIRST, SECOND, THIRD))


@pytest.mark.parametrize(
    ("ref", "owner"),
    [
        (DEPLOYMENT, "pulumi"),
        (dataclasses.replace(DEPLOYMENT, name="api-7"), "pulumi"),
        (dataclasses.replace(DEPLOYMENT, name="worker"), "flux"),
        (dataclasses.replace(DEPLOYMENT, name="worker", namespace="else"), None),
        (ROLE, "flux"),
        (Ref("v1", "Namespace", None, "apps"), None),
    ],
)
def test_the_first_claim_wins(ref: Ref, owner: str | None) -> None:
    claim = Claims(CONTRACT).of(ref, {}, {}, None)
    assert (claim.owner if claim else None) == owner
    assert claim_for(CONTRACT, live(ref)) == claim
    assert claim_for(CONTRACT, Document(ref, {})) == claim


def test_claims_answers_again_and_again_for_one_kind() -> None:
    claims = Claims(CONTRACT)
    owners = [claims.of(dataclasses.replace(DEPLOYMENT, name=name), {}, {}, None) for name in ("web", "x", "web")]
    assert owners == [FIRST, SECOND, FIRST]


def test_kinds_of_different_groups_are_not_mixed_up() -> None:
    claim = Claim("a", "b", "c", (Selector(kinds=("Service",), groups=("",)),))
    claims = Claims(Contract("t", (), {}, (claim,)))
    assert claims.of(Ref("serving.knative.dev/v1", "Service", "a", "b"), {}, {}, None) is None
    assert claims.of(Ref("v1", "Service", "a", "b"), {}, {}, None) == claim


def test_by_name_needs_a_name_without_a_glob() -> None:
    claims = Claims(CONTRACT)
    assert claims.by_name(DEPLOYMENT, {}, {}, None) == FIRST
    assert claims.by_name(dataclasses.replace(DEPLOYMENT, name="api-7"), {}, {}, None) is None
    assert claims.by_name(dataclasses.replace(DEPLOYMENT, name="api-*"), {}, {}, None) is None
    assert names_exactly(FIRST, DEPLOYMENT, {}, {})
    assert not names_exactly(FIRST, dataclasses.replace(DEPLOYMENT, name="api-7"), {}, {})
    assert not names_exactly(SECOND, DEPLOYMENT, {}, {})


def test_by_name_still_needs_the_rest_of_the_selector() -> None:
    named = dataclasses.replace(DEPLOYMENT, name="api-1")
    assert Claims(CONTRACT).by_name(named, {}, {}, None) is None
    # An earlier claim by glob decides, and yet the later one names the object.
    assert Claims(CONTRACT).of(named, {"x": "y"}, {}, None) == FIRST
    assert Claims(CONTRACT).by_name(named, {"x": "y"}, {}, None) == THIRD


@pytest.mark.parametrize(
    ("pattern", "ref", "expected"),
    [
        ("Deployment/apps/web", DEPLOYMENT, True),
        ("Deployment/web", DEPLOYMENT, True),
        ("Deployment/*/w*", DEPLOYMENT, True),
        ("Deployment/other/web", DEPLOYMENT, False),
        ("ClusterRole/flux-*", ROLE, True),
        ("*/flux-view", ROLE, True),
        ("ClusterRole/*/flux-view", ROLE, False),
        ("Deployment/*", ROLE, False),
        ("Deployment", DEPLOYMENT, False),
        ("Deployment/a/b/web", DEPLOYMENT, False),
        ("Secret/apps/web", DEPLOYMENT, False),
    ],
)
def test_resource_globs(pattern: str, ref: Ref, expected: bool) -> None:
    assert resource_matches(pattern, ref) is expected


def test_kinds_that_metadata_cannot_judge() -> None:
    with_fields = Selector(kinds=("Service",), fields={"spec.type": ("x",)})
    anything = Selector(names=("a",), fields={"spec.type": ("x",)})
    contract = Contract(
        "t", (), {}, (FIRST,), guardrails=(Guardrail("g", with_fields, ""), Guardrail("h", anything, ""))
    )
    assert kinds_needing_bodies(contract) == ("Service", "*")
    assert kinds_needing_bodies(CONTRACT) == ()
