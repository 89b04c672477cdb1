"""Clusters with stale objects of which each is held by something planted, or by nothing: what must never be offered.

Unlike the generated worlds beside it these are made to be many: ``python -m tests.properties.planted 1000000`` judges a
million (``make planted``), a slice of them runs with the suite. The oracle is what was planted, in literal words of the
tools themselves; it shares no table with the rules.
"""

import random
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Any, Final

import yaml

from tests.clusters import FLUX_SYSTEM, VERSIONS, contract, document, inventory, obj, record, searched
from tests.properties.foreign import ANNOTATIONS, APPLIERS, LABELS, applied
from tui.objects import Inventory, Json, Key, KindKey, Live, Served
from tui.ownership.assess import assess
from tui.ownership.model import Decision
from tui.recovery.gate import Look, judge, pins_of
from tui.recovery.plan import Action
from tui.recovery.planner import plan_cleanup

ACTIVE, STALE, OTHER = "gitops-flux-00000001", "gitops-flux-ffffffff", "other"
NAMED = ("ConfigMap", "Secret", "Service", "ServiceAccount")
KINDS = (*NAMED, "ClusterRole", "NetworkPolicy", "ResourceQuota", "PodDisruptionBudget")
FS = FLUX_SYSTEM
TODAY: Final = date(2026, 11, 23)
CONTRACT: Final = contract()


IDLE: Final[dict[str, Json]] = {
    "NetworkPolicy": {"podSelector": {"matchLabels": {"app": "nothing"}}},
    "PodDisruptionBudget": {"selector": {"matchLabels": {"app": "nothing"}}},
    "ResourceQuota": {"scopes": ["Terminating"]},
}
"""What a kind says of itself that is about no pod."""


@dataclass
class Plot:
    """What is planted for one cluster: objects, what is listed and hooked, and how the target itself is changed."""

    kind: str
    name: str
    around: list[Json] = field(default_factory=list)
    listed: list[Json] = field(default_factory=list)
    hooks: list[Json] = field(default_factory=list)
    failed_hooks: list[Json] = field(default_factory=list)
    elsewhere: list[Json] = field(default_factory=list)
    parts: dict[str, Any] = field(default_factory=dict)
    applied_by: str = ""

    @property
    def target(self) -> Json:
        body = obj(self.kind, self.name, release=STALE, **{"spec": IDLE.get(self.kind, {}), **self.parts})
        # Who takes an object over may put a label of its own in the place of Helm's.
        body["metadata"]["labels"] |= self.parts.get("labels", {})
        if self.applied_by:
            body["metadata"]["managedFields"].append(applied(self.applied_by))
        return body


Plant = Callable[[Plot, random.Random], None]


def custom(rng: random.Random, spec: Any, namespace: str | None = FS) -> Json:
    meta: Json = {"name": f"user-{rng.randrange(4)}", "labels": {}, "annotations": {}, "uid": "u", "managedFields": []}
    if namespace:
        meta["namespace"] = namespace
    return {"apiVersion": "things.example.test/v1", "kind": "Thing", "metadata": meta, "spec": spec}


def buried(rng: random.Random, value: Any) -> Any:
    """A value somewhere below fields of any name."""
    words = ("spec", "ref", "target", "from", "config", "auth", "items", "valueFrom", "settings", "routes", "tls")
    for _ in range(rng.randrange(1, 5)):
        value = {rng.choice(words): value} if rng.random() < 0.7 else [value, rng.choice(("x", 1, None))]
    return {"a": value} if not isinstance(value, dict) else value


def workload(rng: random.Random, namespace: str, **container: Any) -> Json:
    kind = rng.choice(("Deployment", "StatefulSet", "DaemonSet"))
    pod = {"containers": [{"name": "c", "image": "i", **container}]}
    template = {"metadata": {"labels": {"app": "nobody"}}, "spec": pod}
    return obj(kind, f"w-{rng.randrange(4)}", namespace, spec={"replicas": rng.randrange(2), "template": template})


def by_label(name: str, value: str = "x") -> Plant:
    return lambda plot, _: plot.parts.setdefault("labels", {}).update({name: value})


def by_annotation(name: str, value: str = "x") -> Plant:
    return lambda plot, _: plot.parts.setdefault("annotations", {}).update({name: value})


def by_tracking_id(plot: Plot, _: random.Random) -> None:
    group = VERSIONS[plot.kind].rpartition("/")[0]
    space = "anywhere" if plot.kind == "ClusterRole" else FS
    value = f"shop:{group}/{plot.kind}:{space}/{plot.name}"
    plot.parts.setdefault("annotations", {})["argocd.argoproj.io/tracking-id"] = value


def by_applier(manager: str) -> Plant:
    def plant(plot: Plot, _: random.Random) -> None:
        plot.applied_by = manager

    return plant


def one_of(plants: Iterable[Plant]) -> Plant:
    some = tuple(plants)
    return lambda plot, rng: rng.choice(some)(plot, rng)


def by_inventory(plot: Plot, _: random.Random) -> None:
    group = VERSIONS[plot.kind].rpartition("/")[0]
    space = "" if plot.kind == "ClusterRole" else FS
    entry = {"id": f"{space}_{plot.name}_{group}_{plot.kind}", "v": "v1"}
    plot.around.append(obj("Kustomization", f"sync-{plot.name}", status={"inventory": {"entries": [entry]}}, spec={}))


def in_a_manifest(plot: Plot, rng: random.Random) -> None:
    rng.choice((plot.listed, plot.elsewhere)).append(document(plot.target))


def as_a_hook(plot: Plot, rng: random.Random) -> None:
    events = rng.sample(("pre-install", "pre-upgrade", "post-upgrade", "pre-delete", "test"), rng.randrange(1, 3))
    hook = {"name": plot.name, "kind": plot.kind, "path": "x", "events": events}
    rng.choice((plot.hooks, plot.failed_hooks)).append(hook | {"manifest": yaml.safe_dump(document(plot.target))})


def kept(plot: Plot, rng: random.Random) -> None:
    match rng.randrange(3):
        case 0:
            plot.parts.setdefault("annotations", {})["helm.sh/resource-policy"] = rng.choice(("keep", "KEEP", "x"))
        case 1:
            plot.parts["finalizers"] = ["example.test/hold"]
        case _:
            plot.parts["deleting"] = True


def mentioned_in_a_resource(plot: Plot, rng: random.Random) -> None:
    plot.around.append(custom(rng, buried(rng, plot.name), rng.choice((FS, FS, None))))


def mentioned_in_full(plot: Plot, rng: random.Random) -> None:
    form = rng.choice((f"{FS}/{plot.name}", f"{plot.name}.{FS}", f"http://{plot.name}.{FS}.svc:80/x"))
    text = rng.choice(("{}", "--from={}", "see {}, please", "a={};b=1", "\n- {}\n")).format(form)
    where = rng.choice(("apps", FS))
    plot.around.append(
        rng.choice(
            (
                lambda: custom(rng, buried(rng, text), where),
                lambda: workload(rng, where, args=[text]),
                lambda: obj("ConfigMap", "conf", where, data={"k": text}),
                lambda: obj("Ingress", "in", where, annotations={"x.example.test/y": text}, spec={}),
            )
        )()
    )


def mentioned_in_passing(plot: Plot, rng: random.Random) -> None:
    text = rng.choice(("{}", "--x={}", "http://{}:80/", "a {} b", "x,{},y", "${{H:-{}}}")).format(plot.name)
    name = f"x{rng.randrange(99)}.example.test/uses"
    plot.around.append(
        rng.choice(
            (
                lambda: workload(rng, FS, args=[text]),
                lambda: workload(rng, FS, command=["run", text]),
                lambda: workload(rng, FS, env=[{"name": "A", "value": text}]),
                lambda: obj("ConfigMap", "conf", data={"file": f"one\n{text}\nthree"}),
                lambda: obj("Ingress", "in", annotations={name: text}, spec={}),
                lambda: obj("Service", "svc", annotations={name: text}, spec={}),
            )
        )()
    )


def referred_to(plot: Plot, rng: random.Random) -> None:
    """By a field that its kind has for it."""
    name = plot.name
    pods: dict[str, list[Json]] = {
        "ConfigMap": [
            {"volumes": [{"name": "v", "configMap": {"name": name}}]},
            {"containers": [{"name": "c", "envFrom": [{"configMapRef": {"name": name}}]}]},
            {"volumes": [{"name": "v", "projected": {"sources": [{"configMap": {"name": name}}]}}]},
        ],
        "Secret": [
            {"volumes": [{"name": "v", "secret": {"secretName": name}}]},
            {"imagePullSecrets": [{"name": name}]},
            {"initContainers": [{"name": "c", "env": [{"name": "E", "valueFrom": {"secretKeyRef": {"name": name}}}]}]},
        ],
        "ServiceAccount": [{"serviceAccountName": name}],
    }
    if plot.kind in pods:
        spec = rng.choice(pods[plot.kind])
        kind = rng.choice(("Deployment", "StatefulSet", "Job", "DaemonSet"))
        job = obj(kind, "user", spec={"template": {"spec": spec}})
        if rng.random() < 0.3:
            plot.hooks.append(
                {"name": "user", "kind": kind, "path": "x", "events": ["pre-upgrade"]}
                | {"manifest": yaml.safe_dump(document(job))}
            )
        else:
            rng.choice((plot.around, plot.listed)).append(job)
    elif plot.kind == "ClusterRole":
        plot.around.append(obj("ClusterRoleBinding", f"b-{name}", roleRef={"kind": "ClusterRole", "name": name}))
    else:
        _over_pods(plot, rng)


def _over_pods(plot: Plot, rng: random.Random) -> None:
    selector = {
        "Service": {"selector": {"app": "web"}},
        "NetworkPolicy": {"podSelector": {"matchLabels": {"app": "web"}}},
        "PodDisruptionBudget": {"selector": {"matchLabels": {"app": "web"}}},
        "ResourceQuota": {},
    }[plot.kind]
    plot.parts["spec"] = selector
    pods = {"metadata": {"labels": {"app": "web"}}, "spec": {}}
    kind = rng.choice(("Deployment", "StatefulSet", "DaemonSet"))
    rng.choice((plot.around, plot.listed)).append(obj(kind, "web", spec={"replicas": 0, "template": pods}))


HOLDS: Final[dict[str, Plant]] = {
    "tracking-id": by_tracking_id,
    "inventory": by_inventory,
    "manifest": in_a_manifest,
    "hook": as_a_hook,
    "kept": kept,
    "reference": referred_to,
    "label": one_of(by_label(name, value) for name, value in LABELS),
    "annotation": one_of(by_annotation(name, value) for name, value in ANNOTATIONS),
    "applier": one_of(map(by_applier, APPLIERS)),
}
"""What holds an object of any kind."""

USES: Final[dict[str, Plant]] = {
    "resource": mentioned_in_a_resource,
    "in full": mentioned_in_full,
    "in passing": mentioned_in_passing,
}
"""What holds an object of a kind that is named in passing."""


@lru_cache(maxsize=4096)
def _record(name: str, revision: int, status: str, text: str, hooks: str) -> Json:
    return record(name, revision, status, yaml.safe_load(text), hooks=yaml.safe_load(hooks))


def _recorded(name: str, revision: int, status: str, documents: list[Json], hooks: list[Json]) -> Json:
    docs = [body if "managedFields" not in body["metadata"] else document(body) for body in documents]
    return _record(name, revision, status, yaml.safe_dump(docs), yaml.safe_dump(hooks))


def read(plots: list[Plot]) -> Inventory:
    """The cluster of some plots: a release in force, maybe a failed one above it, another one beside it."""
    every = {Key("", "x", None, f"{n}"): body for n, body in enumerate(b for plot in plots for b in plot.around)}
    bodies = [*every.values(), *(plot.target for plot in plots)]
    bodies.append(_recorded(ACTIVE, 2, "deployed", _all(plots, "listed"), _all(plots, "hooks")))
    if failed := _all(plots, "failed_hooks"):
        bodies.append(_recorded(ACTIVE, 3, "failed", [], failed))
    if elsewhere := _all(plots, "elsewhere"):
        bodies.append(_recorded(OTHER, 1, "deployed", elsewhere, []))
    known = [body for body in bodies if body["kind"] in VERSIONS]
    found = inventory(known)
    found.served[KindKey("things.example.test", "Thing")] = Served(
        "things.example.test", "v1", "things", "Thing", True, frozenset({"list"})
    )
    for body in bodies:
        if body["kind"] not in VERSIONS:
            live = Live.of(body, keep_body=False)
            found.objects[live.key] = live
    found.searched = searched(found.objects, bodies)
    return found


def _all(plots: list[Plot], part: str) -> list[Json]:
    return [body for plot in plots for body in getattr(plot, part)]


def plots(rng: random.Random) -> list[tuple[Plot, list[str]]]:
    """Some stale objects, each with what was planted for it; one in three bears nothing."""
    found = []
    for number in range(rng.randrange(1, 4)):
        plot = Plot(rng.choice(KINDS), f"left-{number}{rng.choice(('', '-x', '.d'))}")
        ways = HOLDS | (USES if plot.kind in NAMED else {})
        planted = rng.sample(sorted(ways), rng.choice((0, 1, 1, 2)))
        for way in planted:
            ways[way](plot, rng)
        found.append((plot, planted))
    return found


def judged(seed: int) -> Iterator[tuple[str, list[str], Decision]]:
    """(kind and name, what was planted, the decision) of every stale object of one cluster."""
    rng = random.Random(seed)  # noqa: S311 - a seed that makes the same cluster again, no secret
    drawn = plots(rng)
    assessment = assess(CONTRACT, read([plot for plot, _ in drawn]), today=TODAY)
    decided = {(c.ref.kind, c.ref.name): c.decision for c in assessment.candidates}
    for plot, planted in drawn:
        yield f"{plot.kind} {plot.name}", planted, decided[plot.kind, plot.name]


def admitted(seed: int) -> tuple[str, bool] | None:
    """A free object, planned for deletion, for which something is planted before its request.

    What that was, and whether the gate still admits the request; None where the cluster has no free object.
    """
    rng = random.Random(seed)  # noqa: S311 - as above
    plot = Plot(rng.choice(KINDS), "left")
    before = assess(CONTRACT, read([plot]), today=TODAY)
    entry = next((e for e in plan_cleanup(CONTRACT, before).entries if e.action is Action.DELETE), None)
    if entry is None:
        return None
    ways = HOLDS | (USES if plot.kind in NAMED else {})
    way = rng.choice(sorted(ways))
    ways[way](plot, rng)
    after = assess(CONTRACT, read([plot]), today=TODAY)
    look = Look(after, plot.target, pins_of(CONTRACT, after))
    return way, judge(CONTRACT, entry, pins_of(CONTRACT, before), look) is None


@dataclass
class Tally:
    """How many stale objects were held by something and how many were offered, and what was wrong of them.

    Wrong is what was offered though it is held, or was not though nothing was planted, or was admitted at the gate
    though it is held since it was planned.
    """

    held: int = 0
    offered: int = 0
    refused: int = 0
    wrong: list[str] = field(default_factory=list)

    def count(self, seed: int) -> None:
        """Judges one cluster."""
        for label, planted, decision in judged(seed):
            offered = decision is Decision.DELETE
            self.held += bool(planted)
            self.offered += offered
            # A quota counts every pod of its namespace, those of the other plots too.
            idle = not planted and not label.startswith("ResourceQuota")
            if (offered and planted) or (not offered and idle):
                self.wrong.append(f"seed {seed}: {label}: {decision.value}, planted {planted}")
        if (meanwhile := admitted(seed)) is not None:
            self.refused += not meanwhile[1]
            if meanwhile[1]:
                self.wrong.append(f"seed {seed}: admitted at the gate, planted meanwhile: {meanwhile[0]}")


def main(many: int, first: int) -> int:
    """Judges so many clusters and prints what came of it; 1 where anything was wrong."""
    tally = Tally()
    for seed in range(first, first + many):
        tally.count(seed)
    print(
        f"{many} clusters: {tally.held} held objects, {tally.offered} offered, {tally.refused} refused at the gate,"
        f" {len(tally.wrong)} wrong"
    )
    print("\n".join(tally.wrong[:50]))
    return 1 if tally.wrong else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0))
