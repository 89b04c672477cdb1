"""Every drill can be solved by the moves it asks for, and its check then says so and blames nobody."""

from collections.abc import Callable
from typing import Any

import pytest

from tui.practice.build import Builder
from tui.practice.cluster import PracticeCluster
from tui.practice.deletes import Deleter
from tui.practice.drills import ORDER, Drill, check, load_drill
from tui.practice.helm import NAME, Helm, stamped
from tui.practice.writes import Options

Json = dict[str, Any]
PULUMI = "pulumi-resource-kubernetes"


class Hands:
    """An operator's moves on a practice cluster."""

    def __init__(self, cluster: PracticeCluster, drill: Drill) -> None:
        self.cluster = cluster
        self.drill = drill
        self.builder = Builder(cluster)

    def delete(self, *patterns: str) -> None:
        for pattern in patterns:
            for body in self.builder.find(pattern):
                kind = self.cluster.world.kind_of(body)
                assert kind is not None
                meta = body["metadata"]
                options = {"preconditions": {"uid": meta["uid"], "resourceVersion": meta["resourceVersion"]}}
                Deleter(self.cluster.world).delete(kind, meta.get("namespace"), meta["name"], options)

    def adopt(self, release: str, *patterns: str) -> None:
        for pattern in patterns:
            for body in self.builder.find(pattern):
                self._patch(body, "merge-patch", {"metadata": {"annotations": {NAME: release}}})

    def replay(self, release: str, *names: str) -> None:
        """Creates missing documents as the release's tool would have, its apply method included."""
        asked = next(s["release"] for s in reversed(self.drill.state) if s.get("release", {}).get("name") == release)
        rendered, helm = self.builder.rendered(asked), Helm(self.cluster.runner)
        for document in rendered.documents:
            if f"{document.body['kind']}/{document.body['metadata']['name']}" in names:
                wanted = stamped(helm.place(rendered, document.body), rendered)
                made = self.cluster.runner.create(wanted, rendered.manager)
                if rendered.method == "ssa":
                    self._turn(made, rendered.manager)

    def _turn(self, body: Json, manager: str) -> None:
        index = next(n for n, m in enumerate(body["metadata"]["managedFields"]) if m["manager"] == manager)
        path = f"/metadata/managedFields/{index}/operation"
        self._patch(body, "json-patch", [{"op": "replace", "path": path, "value": "Apply"}])

    def _patch(self, body: Json, style: str, patch: Any) -> None:
        kind = self.cluster.world.kind_of(body)
        assert kind is not None
        meta = body["metadata"]
        self.cluster.runner.writer.patch(kind, meta.get("namespace"), meta["name"], style, patch, Options(PULUMI))


def _controllers(hands: Hands) -> None:
    kinds = ("source", "kustomize", "helm", "notification", "image-automation", "image-reflector")
    hands.replay("gitops-flux-5d41aa0c", *(f"Deployment/{name}-controller" for name in kinds))


def _stale(hands: Hands) -> None:
    listed = ("ClusterRole/flux-view", "Service/flux-system/webhook-receiver")
    hands.adopt("gitops-flux-8c02d6fa", *listed, "ServiceAccount/flux-system/notification-controller")
    hands.delete("Deployment/flux-system/source-watcher", "ClusterRoleBinding/flux-legacy-reader")
    hands.delete("ClusterRole/flux-legacy-reader", "Service*/flux-system/source-watcher")
    hands.delete("NetworkPolicy/flux-system/allow-legacy-egress")


def _trap(hands: Hands) -> None:
    hands.adopt("gitops-flux-0b7d4e19", "ClusterRole/flux-edit", "ServiceAccount/flux-system/helm-controller")
    hands.delete("ClusterRoleBinding/flux-bootstrap", "ClusterRole/flux-bootstrap")
    hands.delete("ServiceAccount/flux-system/bootstrap", "NetworkPolicy/flux-system/allow-bootstrap")


def _owners(hands: Hands) -> None:
    hands.delete("ClusterRoleBinding/crd-controller")
    hands.replay("gitops-flux-8c02d6fa", "ClusterRoleBinding/crd-controller")
    hands.adopt("gitops-flux-8c02d6fa", "ServiceAccount/flux-system/source-controller")


def _walls(hands: Hands) -> None:
    hands.delete("ValidatingWebhookConfiguration/flux-policy", "Service/flux-system/flux-policy")
    two = ("Deployment/notification-controller", "Deployment/image-reflector-controller")
    hands.replay("gitops-flux-5d41aa0c", *two)


def _refused(hands: Hands) -> None:
    hands.adopt("gitops-flux-5d41aa0c", "NetworkPolicy/flux-system/allow-egress", "NetworkPolicy/*/allow-scraping")


def _bomb(hands: Hands) -> None:
    hands.delete("Secret/flux-system/sh.helm.release.v1.gitops-flux-2f61b7e3.*")


def _nothing(hands: Hands) -> None:
    """The right move is none."""


MOVES: dict[str, Callable[[Hands], None]] = {
    "controllers-missing": _controllers,
    "stale-release": _stale,
    "active-release-trap": _trap,
    "two-owners": _owners,
    "half-applied": _nothing,
    "walled-in": _walls,
    "refused-install": _refused,
    "delete-bomb": _bomb,
    "healthy": _nothing,
}


@pytest.mark.parametrize("name", ORDER)
async def test_the_right_moves_solve_the_drill(name: str) -> None:
    drill = load_drill(name)
    async with PracticeCluster.drill(drill) as cluster:
        MOVES[name](Hands(cluster, drill))
        verdict = await check(cluster, drill)
    assert verdict.risky == ()
    assert verdict.reached


async def test_uninstalling_the_old_generation_sets_the_bomb_off_and_the_check_says_so() -> None:
    drill = load_drill("delete-bomb")
    async with PracticeCluster.drill(drill) as cluster:
        hands = Hands(cluster, drill)
        hands.delete("Deployment/flux-system/*-controller", "CustomResourceDefinition/*.fluxcd.io")
        _bomb(hands)
        verdict = await check(cluster, drill)
        assert cluster.world.kinds.by_kind("kustomize.toolkit.fluxcd.io", "Kustomization") is not None
    assert not verdict.reached
    assert any("No object was deleted" in line for line in verdict.risky)
