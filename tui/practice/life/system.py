"""The controllers of the cluster's own furniture: CRDs, namespaces and aggregated ClusterRoles."""

from typing import Any

from tui.practice.deletes import CRD_FINALIZER, Deleter
from tui.practice.life.runner import KCM, Runner
from tui.practice.selectors import matches
from tui.practice.store import Event, copy

Json = dict[str, Any]

RBAC = "rbac.authorization.k8s.io"
CRDS = ("apiextensions.k8s.io", "customresourcedefinitions")
CA = "-----BEGIN CERTIFICATE-----\npractice\n-----END CERTIFICATE-----\n"


class Definitions:
    """Serves what CustomResourceDefinitions define, and takes their instances with them when they go."""

    def __init__(self, runner: Runner) -> None:
        self.runner = runner
        self.world = runner.world
        self.deleter = Deleter(runner.world)

    def observe(self, event: Event) -> None:
        """Follows CRDs, and the last instance of one that is going."""
        if event.resource == CRDS:
            body = self.world.get(*CRDS, None, event.name[1])
            if body is None:
                self.world.kinds.withdraw(event.entry.body)
            elif body["metadata"].get("deletionTimestamp"):
                self._retire(body)
            else:
                self._establish(body)
        elif event.kind == "DELETED":
            for body in self.world.store.list(CRDS):
                spec = body["spec"]
                if (spec["group"], spec["names"]["plural"]) == event.resource:
                    self._finish(body)

    def _establish(self, body: Json) -> None:
        self.world.kinds.serve(body)
        status = body.get("status") or {}
        if status.get("conditions") and status.get("acceptedNames") == body["spec"]["names"]:
            return
        now = self.world.clock.stamp()
        told = (
            ("NamesAccepted", "NoConflicts", "no conflicts found"),
            ("Established", "InitialNamesAccepted", "the initial names have been accepted"),
        )
        conditions = [
            {"type": kind, "status": "True", "lastTransitionTime": now, "reason": reason, "message": message}
            for kind, reason, message in told
        ]
        wanted = copy(body)
        wanted["status"] |= {
            "conditions": status.get("conditions") or conditions,
            "acceptedNames": copy(body["spec"]["names"]),
        }
        self.runner.write(wanted, "kube-apiserver", "status")

    def _retire(self, body: Json) -> None:
        resource = (body["spec"]["group"], body["spec"]["names"]["plural"])
        kind = next((k for k in self.world.kinds.all() if k.resource == resource), None)
        for instance in self.world.store.list(resource) if kind else ():
            meta = instance["metadata"]
            if kind is not None and not meta.get("deletionTimestamp"):
                self.deleter.delete(kind, meta.get("namespace"), meta["name"], {})
        self._finish(body)

    def _finish(self, body: Json) -> None:
        resource = (body["spec"]["group"], body["spec"]["names"]["plural"])
        finalizers = body["metadata"].get("finalizers") or []
        if (
            body["metadata"].get("deletionTimestamp")
            and not self.world.store.list(resource)
            and CRD_FINALIZER in finalizers
        ):
            freed = copy(body)
            freed["metadata"]["finalizers"] = [name for name in finalizers if name != CRD_FINALIZER]
            self.runner.write(freed, "kube-apiserver")


class Namespaces:
    """Furnishes new namespaces and empties the terminating ones."""

    def __init__(self, runner: Runner) -> None:
        self.runner = runner
        self.world = runner.world
        self.deleter = Deleter(runner.world)

    def observe(self, event: Event) -> None:
        """Follows namespaces, and the deletions inside those that are going."""
        if event.resource == ("", "namespaces"):
            body = self.world.get("", "namespaces", None, event.name[1])
            if body is not None and body["metadata"].get("deletionTimestamp"):
                self.runner.later(lambda: self._gone(event.name[1]))
            elif body is not None and event.kind == "ADDED":
                self._furnish(event.name[1])
        elif event.kind == "DELETED" and event.name[0]:
            home = self.world.get("", "namespaces", None, event.name[0])
            if home is not None and home["metadata"].get("deletionTimestamp"):
                self._empty(home)

    def _gone(self, name: str) -> None:
        body = self.world.get("", "namespaces", None, name)
        if body is not None:
            self._empty(body)

    def _furnish(self, namespace: str) -> None:
        meta = {"namespace": namespace}
        if self.world.get("", "configmaps", namespace, "kube-root-ca.crt") is None:
            described = {"kubernetes.io/description": "Contains the CA bundle of the practice cluster."}
            named = meta | {"name": "kube-root-ca.crt", "annotations": described}
            self.runner.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": named, "data": {"ca.crt": CA}})
        if self.world.get("", "serviceaccounts", namespace, "default") is None:
            self.runner.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta | {"name": "default"}})

    def _empty(self, home: Json) -> None:
        name = home["metadata"]["name"]
        left: list[Json] = []
        for kind in {kind.resource: kind for kind in self.world.kinds.all() if kind.namespaced}.values():
            for body in self.world.store.list(kind.resource, name):
                if not body["metadata"].get("deletionTimestamp"):
                    self.deleter.delete(kind, name, body["metadata"]["name"], {})
            left += self.world.store.list(kind.resource, name)
        dead = self._dead_api_services()
        if left or dead:
            self._explain(home, left, dead)
        elif not home["metadata"].get("finalizers"):
            self.world.store.remove(("", "namespaces"), "", name)

    def _dead_api_services(self) -> list[str]:
        """The group versions whose API server does not answer: a namespace cannot be emptied without them."""
        dead = []
        for body in self.world.store.list(("apiregistration.k8s.io", "apiservices")):
            conditions = (body.get("status") or {}).get("conditions") or ()
            if any(c.get("type") == "Available" and c.get("status") == "False" for c in conditions):
                dead.append(f"{body['spec'].get('group', '')}/{body['spec'].get('version', '')}")
        return dead

    def _explain(self, home: Json, left: list[Json], dead: list[str]) -> None:
        finalizers: dict[str, int] = {}
        for body in left:
            for finalizer in body["metadata"].get("finalizers") or ():
                finalizers[finalizer] = finalizers.get(finalizer, 0) + 1
        counted = ", ".join(f"{name} in {count} resource instances" for name, count in sorted(finalizers.items()))
        failing = ", ".join(dead)
        undiscovered = (
            f"Discovery failed for some groups, {len(dead)} failing: unable to retrieve the complete list of server "
            f"APIs: {failing}: stale GroupVersion discovery: {failing}"
        )
        remaining = f"Some resources are remaining: {len(left)} resource instances"
        held = f"Some content in the namespace has finalizers remaining: {counted}"
        found = (
            ("NamespaceDeletionDiscoveryFailure", dead, "DiscoveryFailed", "ResourcesDiscovered", undiscovered),
            ("NamespaceContentRemaining", left, "SomeResourcesRemain", "ContentRemoved", remaining),
            ("NamespaceFinalizersRemaining", finalizers, "SomeFinalizersRemain", "ContentHasNoFinalizers", held),
        )
        stamp = self.world.clock.stamp()
        conditions = [
            {
                "type": kind,
                "status": "True" if bad else "False",
                "lastTransitionTime": stamp,
                "reason": reason if bad else good,
                "message": message if bad else "All content successfully removed",
            }
            for kind, bad, reason, good, message in found
        ]
        before = (home.get("status") or {}).get("conditions") or []
        if [_said(c) for c in before] != [_said(c) for c in conditions]:
            wanted = copy(home)
            wanted["status"]["conditions"] = conditions
            self.runner.write(wanted, KCM, "status")


def _said(condition: Json) -> tuple[str, str, str]:
    return condition["type"], condition["status"], condition["message"]


class Aggregation:
    """Fills ClusterRoles that aggregate others, as the built-in admin, edit and view do."""

    def __init__(self, runner: Runner) -> None:
        self.runner = runner
        self.world = runner.world

    def observe(self, event: Event) -> None:
        """Recomputes the aggregating roles when any ClusterRole changes."""
        if event.resource != (RBAC, "clusterroles"):
            return
        roles = self.world.store.list((RBAC, "clusterroles"))
        for role in roles:
            selectors = (role.get("aggregationRule") or {}).get("clusterRoleSelectors")
            if not selectors:
                continue
            rules: list[Json] = []
            for other in roles:
                labels = other["metadata"].get("labels") or {}
                if other is not role and any(matches(selector, labels) for selector in selectors):
                    rules += [rule for rule in other.get("rules") or () if rule not in rules]
            if rules != (role.get("rules") or []):
                self.runner.write(copy(role) | {"rules": rules}, "clusterrole-aggregation-controller")
