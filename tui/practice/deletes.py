"""Delete: preconditions, propagation, finalizers, and what a namespace or a CRD does instead of going at once."""

from typing import Any

from tui.practice.admission import admit
from tui.practice.kinds import Kind
from tui.practice.status import bad_request, conflict, failure, invalid, not_found
from tui.practice.store import copy
from tui.practice.validate import quoted, wrong
from tui.practice.world import World

Json = dict[str, Any]

CRD_FINALIZER = "customresourcecleanup.apiextensions.k8s.io"
POLICIES = ("Foreground", "Background", "Orphan")


class Deleter:
    """Performs deletions on a world."""

    def __init__(self, world: World) -> None:
        self.world = world

    def delete(self, kind: Kind, namespace: str | None, name: str, options: Json) -> Json:
        """DELETE with its DeleteOptions (the body where there was one, else the query): the body of the 200."""
        live = self.world.get(*kind.resource, namespace, name)
        if live is None:
            raise not_found(kind.group, kind.plural, name)
        dry_run = _dry_run(options)
        self._check(kind, live, options)
        admit(self.world, kind, "DELETE", live)
        if live["metadata"].get("deletionTimestamp"):
            return live
        finalizers = self._finalizers(kind, live, options)
        if not finalizers and kind.resource != ("", "namespaces"):
            if not dry_run:
                self.world.store.remove(kind.resource, namespace or "", name)
            details = {"name": name, "group": kind.group, "kind": kind.plural, "uid": live["metadata"]["uid"]}
            shown = {key: value for key, value in details.items() if value}
            return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": shown}
        doomed = self._terminating(kind, live, finalizers)
        return doomed if dry_run else self.world.store.put(kind.resource, doomed)

    def _check(self, kind: Kind, live: Json, options: Json) -> None:
        wanted, meta = options.get("preconditions") or {}, live["metadata"]
        uid, version = wanted.get("uid"), wanted.get("resourceVersion")
        # The registry names the kind here, not the resource.
        if uid and uid != meta["uid"]:
            why = f"the UID in the precondition ({uid}) does not match the UID in record ({meta['uid']}). "
            raise conflict(
                kind.group, kind.kind, meta["name"], why + "The object might have been deleted and then recreated"
            )
        if version and version != meta["resourceVersion"]:
            why = f"the ResourceVersion in the precondition ({version}) does not match the ResourceVersion in record "
            raise conflict(
                kind.group,
                kind.kind,
                meta["name"],
                f"{why}({meta['resourceVersion']}). The object might have been modified",
            )
        if kind.resource == ("", "namespaces") and meta["name"] in ("default", "kube-system", "kube-public"):
            message = f'namespaces "{meta["name"]}" is forbidden: this namespace may not be deleted'
            raise failure(403, "Forbidden", message, {"name": meta["name"], "kind": "namespaces"})

    @staticmethod
    def _finalizers(kind: Kind, live: Json, options: Json) -> list[str]:
        found = list(live["metadata"].get("finalizers") or ())
        policy = options.get("propagationPolicy")
        if options.get("orphanDependents") is not None:
            policy = "Orphan" if options["orphanDependents"] else "Background"
        if policy == "Foreground":
            found.append("foregroundDeletion")
        elif policy == "Orphan":
            found.append("orphan")
        if kind.kind == "CustomResourceDefinition" and CRD_FINALIZER not in found:
            found.append(CRD_FINALIZER)
        return found

    def _terminating(self, kind: Kind, live: Json, finalizers: list[str]) -> Json:
        doomed: Json = copy(live)
        meta = doomed["metadata"]
        meta["deletionTimestamp"] = self.world.clock.stamp()
        if kind.resource == ("", "namespaces"):
            doomed["status"] = (doomed.get("status") or {}) | {"phase": "Terminating"}
            if finalizers:
                meta["finalizers"] = finalizers
            return doomed
        meta["finalizers"] = finalizers
        if kind.kind == "CustomResourceDefinition":
            pending = {
                "type": "Terminating",
                "status": "True",
                "lastTransitionTime": self.world.clock.stamp(),
                "reason": "InstanceDeletionPending",
                "message": "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon",
            }
            conditions = (doomed.get("status") or {}).get("conditions") or []
            doomed["status"] = (doomed.get("status") or {}) | {"conditions": [*conditions, pending]}
            return doomed
        meta["deletionGracePeriodSeconds"] = 0
        if meta.get("generation"):
            meta["generation"] += 1
        return doomed


def _dry_run(options: Json) -> bool:
    asked = options.get("dryRun") or []
    policy = options.get("propagationPolicy")
    if asked and asked != ["All"]:
        raise invalid("meta.k8s.io", "DeleteOptions", "", [_unsupported("dryRun", asked, ("All",))])
    if policy is not None and policy not in POLICIES:
        raise invalid("meta.k8s.io", "DeleteOptions", "", [_unsupported("propagationPolicy", policy, POLICIES)])
    if policy is not None and options.get("orphanDependents") is not None:
        raise invalid(
            "meta.k8s.io",
            "DeleteOptions",
            "",
            [wrong("propagationPolicy", policy, "orphanDependents and deletionPropagation cannot be both set")],
        )
    return bool(asked)


def _unsupported(field: str, value: Any, known: tuple[str, ...]) -> Json:
    options = ", ".join(f'"{name}"' for name in known) + ("" if isinstance(value, list) else ', "nil"')
    message = f"Unsupported value: {quoted(value)}: supported values: {options}"
    return {"reason": "FieldValueNotSupported", "message": message, "field": field}


def options_of(query: Json, body: Any) -> Json:
    """The options that count: the body's where there is one (the query is then ignored), else the query's."""
    if isinstance(body, dict) and body:
        if body.get("kind", "DeleteOptions") != "DeleteOptions":
            raise bad_request(f"{body.get('kind')} cannot be handled as a DeleteOptions")
        return body
    found: Json = {}
    if query.get("dryRun"):
        found["dryRun"] = [query["dryRun"]]
    if query.get("propagationPolicy"):
        found["propagationPolicy"] = query["propagationPolicy"]
    if query.get("orphanDependents"):
        found["orphanDependents"] = query["orphanDependents"] == "true"
    return found
