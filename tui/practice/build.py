"""Builds a drill's situation: plays its steps, oldest first, on the cluster's clock, as the tools would have acted."""

from collections.abc import Iterator
from datetime import timedelta
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from tui.faults import UsageFault
from tui.practice.deletes import Deleter
from tui.practice.helm import Helm, stamped
from tui.practice.life.flux import duration
from tui.practice.release import Document, Release, in_order, part, render, render_hooks
from tui.practice.status import ApiError
from tui.practice.writes import Options

if TYPE_CHECKING:
    from tui.practice.cluster import PracticeCluster

Json = dict[str, Any]


def age(text: str) -> timedelta:
    """An age such as ``41d``, ``3h20m`` or ``0s``."""
    days, separator, rest = text.partition("d")
    if separator:
        return timedelta(days=float(days)) + duration(rest)
    return duration(text)


def label_of(body: Json) -> str:
    """``Kind/namespace/name`` or ``Kind/name``: how steps and checks name an object."""
    meta = body["metadata"]
    middle = f"{meta['namespace']}/" if meta.get("namespace") else ""
    return f"{body['kind']}/{middle}{meta['name']}"


class Builder:
    """Plays steps on a cluster that is not started yet."""

    def __init__(self, cluster: "PracticeCluster") -> None:
        self.cluster = cluster
        self.world = cluster.world
        self.runner = cluster.runner
        self.helm = Helm(cluster.runner)

    def play(self, steps: list[Json]) -> None:
        """Plays all steps; the clock stands where it was when this returns."""
        gone = timedelta(0)
        try:
            for step in self._flat(steps):
                back = age(step.get("at", "0s"))
                self.world.clock.step((-back - gone).total_seconds())
                gone = -back
                try:
                    self._do(step)
                except (LookupError, TypeError, AttributeError, ValueError) as error:
                    raise UsageFault(f"the step {_told(step)} cannot be played: {_why(error)}") from error
                self.runner.run()
        finally:
            self.world.clock.step(-gone.total_seconds())

    def _flat(self, steps: list[Json]) -> Iterator[Json]:
        for step in steps:
            if "include" in step:
                name, _, section = str(step["include"]).partition("/")
                found = part(name)
                if section not in found:
                    raise UsageFault(f"the part {name} has no section {section!r}; it has {', '.join(found)}")
                yield from self._flat(found[section])
            else:
                yield step

    def _do(self, step: Json) -> None:
        for place, documents in (step.get("git") or {}).items():
            self.world.behaviour.git[place] = documents
        self.world.behaviour.pods |= step.get("pods") or {}
        self.world.behaviour.logs |= step.get("logs") or {}
        for body in step.get("apply") or ():
            self._apply(body, step.get("by", "kubectl-client-side-apply"), step.get("how", "update"))
        if "release" in step:
            self._release(step["release"])
        for change in step.get("patch") or ():
            self._patch(change["object"], change["merge"], step.get("by", "kubectl-edit"))
        for pattern in step.get("delete") or ():
            self._delete(pattern)
        if step.get("reconcile"):
            self.cluster.flux.tick()

    def _apply(self, body: Json, manager: str, how: str) -> None:
        kind = self.world.kind_of(body)
        if kind is None:
            raise UsageFault(f"a step applies {label_of(body)}, but {body.get('apiVersion')} is not served there")
        meta = body["metadata"]
        try:
            if how == "apply":
                options = Options(manager, force=True)
                self.runner.writer.patch(kind, meta.get("namespace"), meta["name"], "apply-patch", body, options)
            else:
                stored = self.runner.create(body, manager)
                if body.get("status") is not None and "status" in kind.subresources:
                    self.runner.write(stored | {"status": body["status"]}, manager, "status")
        except ApiError as error:
            raise UsageFault(f"a step cannot apply {label_of(body)}: {error}") from error

    def _patch(self, target: str, merge: Json, manager: str) -> None:
        for body in self.find(target):
            kind = self.world.kind_of(body)
            if kind is not None:
                meta = body["metadata"]
                options = Options(manager)
                wanted = {key: value for key, value in merge.items() if key != "status"}
                where = (kind, meta.get("namespace"), meta["name"], "merge-patch")
                if wanted:
                    self.runner.writer.patch(*where, wanted, options)
                if "status" in merge:
                    below = Options(manager, subresource="status")
                    self.runner.writer.patch(*where, {"status": merge["status"]}, below)

    def _delete(self, pattern: str) -> None:
        deleter = Deleter(self.world)
        for body in self.find(pattern):
            kind = self.world.kind_of(body)
            if kind is not None:
                deleter.delete(kind, body["metadata"].get("namespace"), body["metadata"]["name"], {})

    def find(self, pattern: str) -> list[Json]:
        """The live objects that a ``Kind/namespace/name`` glob names."""
        named = pattern.partition("/")[0]
        resources = {kind.resource for kind in self.world.kinds.all() if fnmatchcase(kind.kind, named)}
        bodies = (body for resource in sorted(resources) for body in self.world.store.list(resource))
        return [body for body in bodies if fnmatchcase(label_of(body), pattern)]

    def rendered(self, asked: Json) -> Release:
        """The release that a step describes, rendered."""
        chart = part(asked["chart"]) if isinstance(asked["chart"], str) else asked["chart"]
        chart["chart"] |= {key: asked[key] for key in ("version", "appVersion") if key in asked}
        name, namespace = asked["name"], asked["namespace"]
        dropped = set(asked.get("drop") or ())
        documents = [d for d in render(chart, name, namespace) if not self._named(d, namespace, dropped)]
        added = render(chart | {"documents": asked.get("add") or ()}, name, namespace)
        documents = in_order([*documents, *added])
        now = self.world.clock.now().strftime("%Y-%m-%dT%H:%M:%S.%f") + "318Z"
        return Release(
            name=name,
            namespace=namespace,
            revision=asked.get("revision", 1),
            status=asked.get("status", "deployed"),
            chart=chart["chart"],
            documents=documents,
            hooks=list(render_hooks(chart, name, namespace, now)),
            values=chart.get("values") or {},
            times=(now, now),
            description=asked.get("description") or ("Install complete" if asked.get("revision", 1) == 1 else ""),
            method=asked.get("method", ""),
            manager=asked.get("manager", "helm"),
        )

    def _named(self, document: Document, namespace: str, patterns: set[str]) -> bool:
        return any(fnmatchcase(self._label(document, namespace), pattern) for pattern in patterns)

    def _label(self, document: Document, namespace: str) -> str:
        """How a document is named once it has the release's namespace, where its kind takes one."""
        kind = self.world.kind_of(document.body)
        meta = {"namespace": namespace} if kind is not None and kind.namespaced else {}
        return label_of(document.body | {"metadata": meta | document.body["metadata"]})

    def _release(self, asked: Json) -> None:
        release = self.rendered(asked)
        live, stamp = asked.get("live", True), asked.get("stamp")
        for document in release.documents if live is not False else ():
            if _wanted(self._label(document, release.namespace), asked):
                body = stamped(self.helm.place(release, document.body), release, stamp)
                try:
                    self.helm.send(release, body)
                except (ApiError, LookupError) as error:
                    raise UsageFault(f"release {release.name} cannot bring {label_of(body)}: {error}") from error
                self.runner.run()
        if asked.get("record", True):
            self.helm.record(release)


def _told(step: Json) -> str:
    """How a message names a step: by its age and what it does."""
    does = ", ".join(key for key in step if key != "at")
    return f"at {step.get('at', '0s')} ({does})"


def _why(error: Exception) -> str:
    return f"{error.args[0]!r} is missing" if isinstance(error, KeyError) and error.args else str(error)


def _wanted(label: str, asked: Json) -> bool:
    if any(fnmatchcase(label, pattern) for pattern in asked.get("except") or ()):
        return False
    only = asked.get("only")
    return only is None or any(fnmatchcase(label, pattern) for pattern in only)
