"""The marks of a contract held against one object."""

import pytest

from tests.clusters import contract
from tui.contract.model import Mark, Owner
from tui.objects import Live, Ref
from tui.ownership.marks import Marks, own_pattern

ID = "argocd.argoproj.io/tracking-id"
OWN = "*:{group}/{kind}:{namespace}/{name}"


def marks(*them: Mark) -> Marks:
    return Marks(contract(owners={"o": Owner("o", "O", them)}))


def live(ref: Ref, **meta: dict[str, str]) -> Live:
    return Live.of(
        {
            "apiVersion": ref.api_version,
            "kind": ref.kind,
            "metadata": {"name": ref.name, "namespace": ref.namespace, **meta},
        }
    )


@pytest.mark.parametrize(
    ("ref", "value", "own"),
    [
        (Ref("apps/v1", "Deployment", "a", "x"), "app:apps/Deployment:a/x", True),
        (Ref("apps/v1", "Deployment", "a", "x"), "ns_app:apps/Deployment:a/x", True),
        (Ref("v1", "ConfigMap", "a", "x"), "app:/ConfigMap:a/x", True),
        (Ref("v1", "ConfigMap", "a", "x"), "app:/ConfigMap:b/x", False),
        (Ref("v1", "ConfigMap", "a", "x"), "app:/Secret:a/x", False),
        (Ref("apps/v1", "Deployment", "a", "x"), "app:extensions/Deployment:a/x", False),
        (Ref("apps/v1", "Deployment", "a", "x-2"), "app:apps/Deployment:a/x", False),
        # Argo CD writes the namespace it was to deploy to, where an object lives in none.
        (Ref("v1", "Namespace", None, "x"), "app:/Namespace:argocd/x", True),
        (Ref("v1", "Namespace", None, "x"), "app:/Namespace:/x", True),
        (Ref("v1", "Namespace", None, "x"), "app:/Namespace:argocd/y", False),
        # An RBAC name may hold what a glob would take for a wildcard.
        (
            Ref("rbac.authorization.k8s.io/v1", "ClusterRole", None, "a*"),
            "p:rbac.authorization.k8s.io/ClusterRole:/ab",
            False,
        ),
        (
            Ref("rbac.authorization.k8s.io/v1", "ClusterRole", None, "a*"),
            "p:rbac.authorization.k8s.io/ClusterRole:/a*",
            True,
        ),
        (
            Ref("rbac.authorization.k8s.io/v1", "ClusterRole", None, "[a]"),
            "p:rbac.authorization.k8s.io/ClusterRole:/[a]",
            True,
        ),
    ],
)
def test_a_mark_that_has_to_name_its_object_counts_there_alone(ref: Ref, value: str, own: bool) -> None:
    (hit,) = marks(Mark(annotation={ID: OWN})).on(live(ref, annotations={ID: value}))
    assert (hit.own, hit.copied, hit.value) == (own, not own, value)


def test_what_has_not_even_its_form_is_no_mark_and_no_copy() -> None:
    thing = live(Ref("v1", "ConfigMap", "a", "x"), annotations={ID: "free words"})
    assert list(marks(Mark(annotation={ID: OWN})).on(thing)) == []
    assert [hit.own for hit in marks(Mark(annotation={ID: "*"})).on(thing)] == [False]


def test_labels_and_annotations_are_told_apart_and_names_may_be_globs() -> None:
    thing = live(Ref("v1", "ConfigMap", "a", "x"), labels={"acme.owner": "csv"}, annotations={"acme.owner": "other"})
    assert [(h.annotation, h.value) for h in marks(Mark(label={"acme.*": "*"})).on(thing)] == [(False, "csv")]
    assert [(h.annotation, h.value) for h in marks(Mark(annotation={"acme.*": "*"})).on(thing)] == [(True, "other")]
    assert list(marks(Mark(label={"acme.*": "other"})).on(thing)) == []


def test_managers_inventories_and_kinds() -> None:
    found = marks(
        Mark(manager=("terraform-provider-*",)), Mark(inventory=("Application",)), Mark(owner_kind=("A.x.io", "B*"))
    )
    assert found.of_manager("terraform-provider-helm_v2.17.0_x5") == ("o",)
    assert found.of_manager("helm") == ()
    assert (found.of_inventory("Application"), found.of_inventory("Kustomization")) == ("o", None)
    assert found.of_owner_kind("x.io/v1", "A") == ("o",)
    assert found.of_owner_kind("y.io/v1", "A") == ()
    assert found.of_owner_kind("v1", "Bee") == ("o",)


def test_placeholders_other_than_the_four_stay_as_they_are() -> None:
    assert own_pattern("{kind}-{other}-{}", Ref("v1", "Pod", "a", "x")) == "Pod-{other}-{}"


def test_what_the_contract_counts_is_no_copy() -> None:
    thing = live(Ref("v1", "ConfigMap", "a", "x"), annotations={ID: "shop:/ConfigMap:a/another"})
    loose, strict = marks(Mark(annotation={ID: "*"})), marks(Mark(annotation={ID: OWN}))
    assert [(hit.owner, hit.copied) for hit in loose.on(thing)] == [("o", False)]
    assert list(loose.copies_on(thing)) == []
    assert [(hit.owner, hit.copied) for hit in strict.on(thing)] == [("o", True)]
    assert [hit.owner for hit in strict.copies_on(thing)] == ["o"]
    assert [(hit.owner, hit.copied) for hit in marks().on(thing)] == [("argocd", True)]


def test_a_mark_of_a_known_tool_counts_beside_any_of_the_contracts() -> None:
    labels = {"kapp.k14s.io/app": "1", "olm.owner": "csv", "acme.owner": "us", "app": "web"}
    thing = live(Ref("v1", "ConfigMap", "a", "x"), labels=labels)
    found = marks(Mark(label={"acme.owner": "*"}), Mark(label={"olm.*": "csv"})).on(thing)
    assert [(hit.owner, hit.name) for hit in found] == [
        ("o", "acme.owner"),
        ("o", "olm.owner"),
        ("kapp", "kapp.k14s.io/app"),
    ]


def test_names_beyond_what_is_remembered_are_told_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.ownership.marks.NAMES", 2)
    known = marks(Mark(label={"acme.*": "*"}))
    for name in ("acme.a", "b", "c", "acme.d", "acme.a"):
        thing = live(Ref("v1", "ConfigMap", "a", "x"), labels={name: "1"})
        assert [hit.name for hit in known.on(thing)] == ([name] if name.startswith("acme") else [])
