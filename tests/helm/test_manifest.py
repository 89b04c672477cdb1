"""Manifests: Helm's splitting, lists, scopes, stamps, and text that nobody should have to trust."""

import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tui.helm.manifest import (
    MAX_DOCUMENTS,
    MAX_MANIFEST,
    ManifestFault,
    canonical_sha256,
    parse_manifest,
    resolve,
    stamped,
    stored_crds,
)
from tui.helm.model import ChartFile, Document, Record, Status
from tui.objects import Key, Ref

CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\n"


def labels(documents: tuple[Document, ...]) -> list[str]:
    return [document.ref.label for document in documents]


def test_documents_keep_their_order_and_source() -> None:
    text = f"---\n# Source: c/templates/b.yaml\n{CONFIG % 'b'}---\n# Source: c/a.yaml\n{CONFIG % 'a'}"
    documents = parse_manifest(text)
    assert labels(documents) == ["ConfigMap b", "ConfigMap a"]
    assert [d.source for d in documents] == ["c/templates/b.yaml", "c/a.yaml"]


@pytest.mark.parametrize(
    "text",
    [
        CONFIG % "a",
        "---" + CONFIG % "a",
        "--- # note\n" + CONFIG % "a",
        "---\t \n" + CONFIG % "a",
        "---\n---\n# nothing\n---\n" + CONFIG % "a" + "---\n~\n---",
        (CONFIG % "a").replace("\n", "\r\n") + "---\r\n# nothing\r\n",
        "---{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}",
    ],
)
def test_helms_own_ways_of_separating(text: str) -> None:
    assert labels(parse_manifest(text)) == ["ConfigMap a"]


def test_a_separator_inside_a_block_is_text() -> None:
    text = CONFIG % "a" + "data:\n  x: |\n    ---\n    kind: Secret\n"
    (document,) = parse_manifest(text)
    assert document.body["data"]["x"] == "---\nkind: Secret\n"


def test_lists_are_taken_apart() -> None:
    text = """# Source: c/list.yaml
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: Secret, metadata: {name: s}}
- apiVersion: v1
  kind: ConfigMapList
  items: [{metadata: {name: m, namespace: port}}]
---
{apiVersion: v1, kind: SecretList, items: null}
"""
    documents = parse_manifest(text)
    assert labels(documents) == ["Secret s", "ConfigMap port/m"]
    assert documents[1].ref.api_version == "v1"
    assert {d.source for d in documents} == {"c/list.yaml"}


def test_a_generated_name() -> None:
    (document,) = parse_manifest("{apiVersion: v1, kind: Pod, metadata: {generateName: run-}}")
    assert document.generate_name == "run-"
    assert document.ref.name == ""


def test_the_hash_is_of_the_content_and_not_of_its_spelling() -> None:
    (one,) = parse_manifest("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ä, labels: {b: '1', a: '2'}}")
    (two,) = parse_manifest('{"metadata":{"labels":{"a":"2","b":"1"},"name":"ä"},"kind":"ConfigMap","apiVersion":"v1"}')
    assert one.sha256 == two.sha256 == canonical_sha256(two.body)
    # printf '%s' '{"a":"ä","b":[1,true,null]}' | sha256sum
    assert canonical_sha256({"b": [1, True, None], "a": "ä"}) == (
        "0a884a37e8c5845d526f49efb88b2fa39e02369bcac2f814ac0305f127385590"
    )


@pytest.mark.parametrize(
    ("text", "problem", "document", "line"),
    [
        (CONFIG % "a" + "---\nkind: B\n  x: y\n", "mapping values are not allowed", 2, 6),
        (CONFIG % "a" + "---\n\n- 1\n", "not an object", 2, 6),
        (CONFIG % "a" + "---\njust words\n", "not an object", 2, 5),
        ("kind: A\napiVersion: v1\n", "an object without metadata", 1, 1),
        ("kind: A\nmetadata: {name: a}\n", "an object without an apiVersion", 1, 1),
        ("apiVersion: v1\nmetadata: {name: a}\n", "an object without a kind", 1, 1),
        ("apiVersion: v1\nkind: A\nmetadata: {}\n", "an object without a name", 1, 1),
        ("apiVersion: v1\nkind: 5\nmetadata: {name: a}\n", "kind that is not text", 1, 1),
        ("apiVersion: v1\nkind: A\nmetadata: {name: 5}\n", "name that is not text", 1, 1),
        ("apiVersion: v1\nkind: A\nmetadata: {name: a, namespace: []}\n", "namespace that is not text", 1, 1),
        ("apiVersion: v1\nkind: A\nmetadata: {name: a, labels: [x]}\n", "labels that is not a mapping", 1, 1),
        ("apiVersion: v1\nkind: List\nitems: [5]\n", "not an object", 1, 1),
        ("\n# c\n---\na: 1\nb: &b [*b]\n", "an alias inside what it names", 1, 5),
        (CONFIG % "a" + "---\na: 1\na: 2\n", "the key 'a' twice", 2, 6),
        ("[" * 50_000, "nested more than", 1, 1),
        (" " * (MAX_MANIFEST + 1), "more than 16777216 characters", 1, 1),
        ("--- ~\n" * (MAX_DOCUMENTS + 1), "more than 20000 documents", MAX_DOCUMENTS + 1, MAX_DOCUMENTS + 1),
        ("---\n" * (10 * MAX_DOCUMENTS + 2), "more than 200000 separators", 1, 1),
        ("a: \x00", "does not allow", 1, 1),
        (CONFIG % "a" + "---\nx: \ud800\n", "lone surrogate", 2, 5),
    ],
    ids=lambda value: repr(value)[:24],
)
def test_a_bad_manifest_is_one_fault_with_its_place(text: str, problem: str, document: int, line: int) -> None:
    with pytest.raises(ManifestFault) as caught:
        parse_manifest(text)
    assert problem in str(caught.value)
    assert (caught.value.document, caught.value.line) == (document, line)
    assert f"document {document}, line {line}: " in str(caught.value)


def test_a_fault_never_quotes_a_value() -> None:
    with pytest.raises(ManifestFault) as caught:
        parse_manifest("kind: Secret\nstringData:\n  password: hunter2: x\n")
    assert "hunter2" not in str(caught.value)


def scopes(group: str, kind: str) -> bool | None:
    return {("", "ConfigMap"): True, ("rbac.authorization.k8s.io", "ClusterRole"): False}.get((group, kind))


def test_resolve_gives_each_document_its_place() -> None:
    text = """{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: b, namespace: other}}
---
{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: c, namespace: stray}}
---
{apiVersion: example.test/v1, kind: Berth, metadata: {name: d}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {generateName: e-}}
"""
    documents = parse_manifest(text)
    known, unknown = resolve(documents, scopes, "home")
    assert list(known) == [
        Key("", "ConfigMap", "home", "a"),
        Key("", "ConfigMap", "other", "b"),
        Key("rbac.authorization.k8s.io", "ClusterRole", None, "c"),
    ]
    assert [d.body["metadata"].get("namespace") for d in known.values()] == ["home", "other", None]
    assert [key for key, d in known.items() if d.key != key] == []
    assert [d.sha256 for d in known.values()] == [d.sha256 for d in documents[:3]]
    assert unknown == documents[3:]
    assert documents[0].body["metadata"] == {"name": "a"}


def test_of_two_documents_for_one_object_the_later_counts() -> None:
    documents = parse_manifest(CONFIG % "a" + "data: {x: '1'}\n---\n" + CONFIG % "a" + "data: {x: '2'}\n")
    known, _ = resolve(documents, scopes, "home")
    assert [d.body["data"] for d in known.values()] == [{"x": "2"}]


@pytest.mark.parametrize(
    ("written", "policy"),
    [("keep", "keep"), ("' Keep '", "keep"), ("delete", "delete"), ("''", ""), ("null", ""), (None, None)],
)
def test_a_policy_is_folded_as_an_uninstall_folds_it(written: str | None, policy: str | None) -> None:
    annotations = f", annotations: {{helm.sh/resource-policy: {written}}}" if written is not None else ""
    (document,) = parse_manifest(f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a{annotations}}}\n")
    assert document.policy == policy


def test_of_a_list_the_policy_of_the_list_counts_and_of_two_documents_the_lack_of_one() -> None:
    """Tried with Helm 3.22 and 4.3: an item's own annotation stops no uninstall."""
    kept = "{name: a, annotations: {helm.sh/resource-policy: keep}}"
    item = f"items: [{{apiVersion: v1, kind: ConfigMap, metadata: {kept}}}]"
    (document,) = parse_manifest(f"apiVersion: v1\nkind: List\n{item}\n")
    assert document.policy is None
    headed = "metadata: {annotations: {helm.sh/resource-policy: keep}}"
    (document,) = parse_manifest(f"apiVersion: v1\nkind: List\n{headed}\n{item}\n")
    assert document.policy == "keep"
    alone = f"apiVersion: v1\nkind: ConfigMap\nmetadata: {kept}\n"
    for text, policy in ((alone, "keep"), (f"{CONFIG % 'a'}---\n{alone}", None), (f"{alone}---\n{alone}", "keep")):
        known, _ = resolve(parse_manifest(text), lambda *_: True, "apps")
        assert known[Key("", "ConfigMap", "apps", "a")].policy == policy


def test_stamped_adds_helms_marks_to_a_copy() -> None:
    (document,) = parse_manifest(
        "{apiVersion: v1, kind: A, metadata: "
        "{name: a, labels: {app.kubernetes.io/managed-by: x, b: c}, annotations: null}}"
    )
    before = json.dumps(document.body)
    body = stamped(document.body, "gitops-flux-1a2b3c4d", "flux-system")
    assert body["metadata"]["labels"] == {"app.kubernetes.io/managed-by": "Helm", "b": "c"}
    assert body["metadata"]["annotations"] == {
        "meta.helm.sh/release-name": "gitops-flux-1a2b3c4d",
        "meta.helm.sh/release-namespace": "flux-system",
    }
    assert json.dumps(document.body) == before


def record(*crds: ChartFile) -> Record:
    return Record(
        Ref("v1", "Secret", "n", "s"), "", "", "r", "n", 1, Status.DEPLOYED, "", "", "csa", "c", "1", "", "", crds=crds
    )


def test_stored_crds_are_named_by_their_file() -> None:
    crd = "{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: %s}}\n"
    documents = stored_crds(
        record(ChartFile("crds/a.yaml", crd % "a" + "---\n" + crd % "b"), ChartFile("crds/c.yml", crd % "c"))
    )
    assert [(d.ref.name, d.source) for d in documents] == [
        ("a", "crds/a.yaml"),
        ("b", "crds/a.yaml"),
        ("c", "crds/c.yml"),
    ]
    with pytest.raises(ManifestFault, match=r"crds/bad\.yaml, document 1, line 1"):
        stored_crds(record(ChartFile("crds/bad.yaml", "- 1")))


@given(st.text(alphabet="-ab: \n#[]{}&*!\"'|>%\t\x00\ud800é", max_size=120))
def test_any_text_is_documents_or_a_fault(text: str) -> None:
    place = (1, 1)
    try:
        parse_manifest(text)
    except ManifestFault as fault:
        place = (fault.document, fault.line)
    assert min(place) >= 1


QUOTES = '"'
NAMES = st.from_regex(r"\A[a-z][a-z0-9-]{0,10}[a-z0-9]\Z")


@given(st.lists(st.tuples(NAMES, st.none() | NAMES, st.text(st.characters(exclude_categories=["Cs"]))), max_size=8))
def test_documents_come_back(objects: list[tuple[str, str | None, str]]) -> None:
    bodies = [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": name, **({"namespace": space} if space else {})},
            "data": {"text": text},
        }
        for name, space, text in objects
    ]
    manifest = "".join(
        f"---\n# Source: c/x.yaml\n{yaml.safe_dump(body, allow_unicode=True, default_style=QUOTES)}\n"
        for body in bodies
    )
    documents = parse_manifest(manifest)
    assert [d.body for d in documents] == bodies
    assert [(d.ref.name, d.ref.namespace) for d in documents] == [(name, space) for name, space, _ in objects]


def test_a_document_knows_the_line_it_begins_in() -> None:
    one = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\n"
    pair = "kind: List\nitems:\n- {apiVersion: v1, kind: Pod, metadata: {name: c}}\n"
    text = f"# Note\n\n{one % 'a'}---\n# Source: x.yaml\n{one % 'b'}--- # more\n\n{pair}"
    assert [(each.ref.name, each.line) for each in parse_manifest(text)] == [("a", 3), ("b", 8), ("c", 13)]
