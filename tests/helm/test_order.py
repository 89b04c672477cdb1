"""Helm's two orders."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.helm.model import Document
from tui.helm.order import INSTALL_ORDER, UNINSTALL_ORDER, WEBHOOKS, install_order, uninstall_order
from tui.objects import Ref


def ref(kind: str, name: str = "a", group: str = "") -> Ref:
    return Ref(f"{group}/v1" if group else "v1", kind, None, name)


def document(kind: str, name: str = "a", group: str = "") -> Document:
    return Document(ref(kind, name, group), {})


def test_install_puts_what_others_need_first_and_webhooks_last() -> None:
    given_kinds = [
        "ValidatingWebhookConfiguration",
        "Zebra",
        "Deployment",
        "MutatingWebhookConfiguration",
        "ClusterRoleBinding",
        "Apple",
        "CustomResourceDefinition",
        "Namespace",
        "ServiceAccount",
    ]
    assert [d.ref.kind for d in install_order(map(document, given_kinds))] == [
        "Namespace",
        "ServiceAccount",
        "CustomResourceDefinition",
        "ClusterRoleBinding",
        "Deployment",
        "Apple",
        "Zebra",
        "MutatingWebhookConfiguration",
        "ValidatingWebhookConfiguration",
    ]


def test_uninstall_takes_webhooks_first_and_what_others_need_last() -> None:
    given_kinds = ["Namespace", "ClusterRole", "Zebra", "Deployment", "ClusterRoleBinding", "APIService", "Apple"]
    kinds = [*given_kinds, "MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"]
    assert [r.kind for r in uninstall_order(map(ref, kinds))] == [
        "ValidatingWebhookConfiguration",
        "MutatingWebhookConfiguration",
        "APIService",
        "Deployment",
        "ClusterRoleBinding",
        "ClusterRole",
        "Namespace",
        "Apple",
        "Zebra",
    ]


def test_the_group_does_not_count() -> None:
    ordered = install_order([document("Deployment"), document("Service", group="serving.knative.dev")])
    assert [d.ref.kind for d in ordered] == ["Service", "Deployment"]


def test_both_orders_know_the_same_kinds() -> None:
    assert {*INSTALL_ORDER, *WEBHOOKS} == set(UNINSTALL_ORDER)
    assert len(UNINSTALL_ORDER) == len(INSTALL_ORDER) + len(WEBHOOKS) == 38


KINDS = st.sampled_from([*UNINSTALL_ORDER, "Berth", "Zebra", "Apple"])


@given(st.lists(KINDS))
def test_within_a_kind_nothing_moves_and_nothing_is_lost(kinds: list[str]) -> None:
    documents = [document(kind, str(number)) for number, kind in enumerate(kinds)]
    installed = install_order(documents)
    assert sorted(d.ref.name for d in installed) == sorted(d.ref.name for d in documents)
    for kind in set(kinds):
        assert [d for d in installed if d.ref.kind == kind] == [d for d in documents if d.ref.kind == kind]


@pytest.mark.parametrize("order", [install_order, uninstall_order])
def test_nothing_in_nothing_out(order: object) -> None:
    assert callable(order)
    assert order(()) == ()
