"""Drills: practice incidents as files, the list of those that come along, and the check at the end."""

import hashlib
import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from tui.faults import UsageFault
from tui.practice.build import Builder, label_of
from tui.practice.drill_schema import CONDITIONS, LIMIT, read
from tui.practice.helm import NAME, Helm
from tui.practice.life.deployments import REVISION
from tui.practice.release import Document, Release, decode
from tui.practice.store import copy

if TYPE_CHECKING:
    from tui.practice.cluster import PracticeCluster

Json = dict[str, Any]

ORDER = (
    *("controllers-missing", "stale-release", "active-release-trap", "two-owners", "half-applied", "walled-in"),
    *("refused-install", "delete-bomb", "healthy"),
)
"""The drills that come along, in the order to learn them."""

FLEETING = frozenset({"Pod", "ReplicaSet", "Event", "EndpointSlice", "Endpoints", "Lease", "ControllerRevision"})
"""Kinds that come and go by themselves: nobody is blamed for them."""


@dataclass(frozen=True, slots=True)
class Drill:
    """One drill. ``hints`` are shown one at a time; ``error`` is the owner's text to read, where there is one."""

    name: str
    title: str
    summary: str
    story: str
    goal: str
    hints: tuple[str, ...]
    state: list[Json] = field(repr=False)
    done: tuple[Json, ...] = field(repr=False)
    risky: tuple[Json, ...] = field(repr=False)
    error: str = ""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One line of the check at the end. ``risky`` lines say whether a danger was avoided; ``details`` name objects."""

    say: str
    ok: bool
    risky: bool
    details: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a drill ended."""

    results: tuple[CheckResult, ...]

    @property
    def reached(self) -> bool:
        """Whether the goal is reached, whatever was risked on the way."""
        return all(result.ok for result in self.results if not result.risky)

    @property
    def well(self) -> tuple[str, ...]:
        """What was done well, one sentence each."""
        return tuple(result.say for result in self.results if result.ok)

    @property
    def risky(self) -> tuple[str, ...]:
        """What is still open and what was risky, one sentence each, with the objects it is about."""
        return tuple(
            f"{'Not kept' if result.risky else 'Still open'}: {result.say} ({', '.join(result.details)})"
            for result in self.results
            if not result.ok
        )


def load_drill(name_or_path: str) -> Drill:
    """A drill that comes along, by name, or one from a file. Raises UsageFault in one sentence."""
    if name_or_path in ORDER:
        place = resources.files("tui.practice").joinpath("drills", f"{name_or_path}.yaml")
        return _parse(place.read_text(encoding="utf-8"), f"{name_or_path}.yaml")
    path = Path(name_or_path)
    if not path.suffix and not path.exists():
        raise UsageFault(f"there is no drill called {name_or_path!r}; the drills are {', '.join(ORDER)}")
    try:
        if path.stat().st_size > LIMIT:
            raise UsageFault(f"{path}: a drill file may have at most {LIMIT // 1024} KiB")
        text = path.read_bytes().decode("utf-8")
    except OSError as error:
        raise UsageFault(f"the drill {name_or_path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageFault(f"{path}: byte {error.start} is not UTF-8; save the drill as UTF-8") from error
    return _parse(text, str(path))


def _parse(text: str, place: str) -> Drill:
    found = read(text, place)
    checks = found["check"]
    for entry in (*checks["done"], *checks.get("risky", ())):
        if sum(1 for name in CONDITIONS if name in entry) != 1:
            raise UsageFault(f"{place}: the check {entry['say']!r} needs exactly one of {', '.join(CONDITIONS)}")
    return Drill(
        name=found["name"],
        title=found["title"],
        summary=found["summary"],
        story=found["story"].strip(),
        goal=found["goal"],
        hints=tuple(found["hints"]),
        state=found["state"],
        done=tuple(checks["done"]),
        risky=tuple(checks.get("risky", ())),
        error=found.get("error", ""),
    )


@cache
def list_drills() -> tuple[Drill, ...]:
    """Every drill that comes along, in the order to learn them."""
    return tuple(load_drill(name) for name in ORDER)


def start(cluster: "PracticeCluster", drill: Drill) -> None:
    """Builds the drill's situation on a fresh cluster and remembers what was there."""
    Builder(cluster).play(drill.state)
    standing = (body for _, body in cluster.world.store.objects() if body["kind"] not in FLEETING)
    cluster.started_with = {label_of(body): (body["metadata"]["uid"], _digest(body)) for body in standing}


async def check(cluster: "PracticeCluster", drill: Drill) -> Verdict:
    """What was done well and what was risky, once the controllers have nothing left to do."""
    await cluster.settle()
    return Verdict(tuple(judged(cluster, drill)))


def judged(cluster: "PracticeCluster", drill: Drill) -> list[CheckResult]:
    """Every line of the drill's check, as the cluster stands now."""
    judge = _Judge(cluster, drill)
    lines = [(entry, False) for entry in drill.done] + [(entry, True) for entry in drill.risky]
    results = []
    for entry, risky in lines:
        faults = judge.faults(entry)
        results.append(CheckResult(entry["say"], not faults, risky, tuple(faults[:10])))
    return results


class _Judge:
    """Evaluates conditions on a cluster; each answers what speaks against it."""

    def __init__(self, cluster: "PracticeCluster", drill: Drill) -> None:
        self.cluster = cluster
        self.drill = drill
        self.builder = Builder(cluster)

    def faults(self, entry: Json) -> list[str]:
        """Why the condition does not hold; empty where it does."""
        name = next(name for name in CONDITIONS if name in entry)
        if name in ("upgrades", "installs"):
            return self._rolls_out(entry[name], install=name == "installs")
        if name in ("kept", "untouched"):
            return self._lost(entry[name], content=name == "untouched")
        if name == "holds":
            return self._differs(entry["holds"])
        found = self._found(entry[name])
        if name == "absent":
            return [label_of(body) for body in found]
        wanted = entry.get("count", 1)
        faults = [] if len(found) >= wanted else [f"{len(found)} of {wanted} there"]
        if name == "present":
            return faults
        if name == "stamped":
            return faults + [label_of(b) for b in found if _stamp(b) != entry.get("release")]
        holds = {"available": _available, "ready": _ready, "renewed": self._renewed}[name]
        return faults + [label_of(body) for body in found if not holds(body)]

    def _found(self, patterns: list[str]) -> list[Json]:
        found = {label_of(body): body for pattern in patterns for body in self.builder.find(pattern)}
        return list(found.values())

    def _lost(self, patterns: list[str], *, content: bool) -> list[str]:
        """What is gone or another object by now; with ``content``, also what has been changed."""
        now = {label_of(body): body for _, body in self.cluster.world.store.objects()}
        faults = []
        for label, (uid, digest) in self.cluster.started_with.items():
            if any(fnmatchcase(label, pattern) for pattern in patterns):
                body = now.get(label)
                if body is None or body["metadata"]["uid"] != uid or (content and _digest(body) != digest):
                    faults.append(label)
        return faults

    def _differs(self, wanted: Json) -> list[str]:
        """The objects that lack what they should hold."""
        faults = []
        for label, parts in wanted.items():
            found = self.builder.find(label)
            if not found or not all(_within(parts, body) for body in found):
                faults.append(label)
        return faults

    def _renewed(self, lease: Json) -> bool:
        spec = lease["spec"]
        renewed = datetime.fromisoformat(spec.get("renewTime", "1970-01-01T00:00:00Z"))
        return self.cluster.clock.now() - renewed <= timedelta(seconds=spec.get("leaseDurationSeconds", 15))

    def _rolls_out(self, name: str, *, install: bool) -> list[str]:
        """Whether the owner's next upgrade (or the refused install) of a release would go through now."""
        helm = Helm(self.cluster.runner)
        release = self._planned(name) if install else self._recorded(name)
        if release is None:
            return [f"no record of {name}"]
        refused = helm.refusal(release) if install else None
        error = refused or helm.upgrade(release, dry_run=True)
        return [error] if error else []

    def _planned(self, name: str) -> Release | None:
        asked = self._asked(name)
        return self.builder.rendered(asked) if asked else None

    def _asked(self, name: str) -> Json | None:
        """The step that describes a release of this name; the last one, where there are several."""
        steps = [step["release"] for step in self.drill.state if step.get("release", {}).get("name") == name]
        return steps[-1] if steps else None

    def _recorded(self, name: str) -> Release | None:
        """The owner's next revision: the deployed one of the record, with new versions in its labels and images.

        Its manager is the drill's. Without a change a server-side apply would conflict with nobody, whoever owns what.
        """
        asked = self._asked(name) or {}
        for secret in self.cluster.world.store.list(("", "secrets")):
            labels = secret["metadata"].get("labels") or {}
            if (labels.get("owner"), labels.get("name"), labels.get("status")) == ("helm", name, "deployed"):
                payload = decode(secret["data"]["release"])
                bodies = yaml.load_all(payload["manifest"], Loader=yaml.CSafeLoader)
                return Release(
                    name=name,
                    namespace=payload["namespace"],
                    revision=payload["version"] + 1,
                    status="deployed",
                    chart=payload["chart"]["metadata"],
                    documents=[Document("", _next(body)) for body in bodies if body],
                    hooks=[],
                    values={},
                    times=("", ""),
                    method=payload.get("apply_method", ""),
                    manager=asked.get("manager", "helm"),
                )
        return None


def _next(body: Json) -> Json:
    """A document as the owner's next chart version would render it."""
    changed: Json = copy(body)
    labels = changed["metadata"].get("labels") or {}
    for name in ("app.kubernetes.io/version", "helm.sh/chart"):
        if name in labels:
            labels[name] += "-next"
    template = (changed.get("spec") or {}).get("template") or {}
    for container in (template.get("spec") or {}).get("containers") or ():
        container["image"] += "-next"
    return changed


def _digest(body: Json) -> str:
    """What an owner decides about an object, as one hash: its status and who manages it do not count."""
    meta = {key: body["metadata"].get(key) for key in ("labels", "annotations", "finalizers", "deletionTimestamp")}
    meta["annotations"] = {k: v for k, v in (meta["annotations"] or {}).items() if k != REVISION}
    counted = {key: value for key, value in body.items() if key not in ("metadata", "status")} | {"metadata": meta}
    return hashlib.sha256(json.dumps(counted, sort_keys=True).encode()).hexdigest()


def _within(wanted: Any, found: Any) -> bool:
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(_within(value, found.get(key)) for key, value in wanted.items())
    return bool(wanted == found)


def _stamp(body: Json) -> str | None:
    found = (body["metadata"].get("annotations") or {}).get(NAME)
    return str(found) if found else None


def _available(body: Json) -> bool:
    status = body.get("status") or {}
    current = status.get("observedGeneration") == body["metadata"].get("generation")
    wanted = body["spec"].get("replicas", 1)
    return bool(current and wanted and status.get("availableReplicas", 0) >= wanted)


def _ready(body: Json) -> bool:
    conditions = (body.get("status") or {}).get("conditions") or ()
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)
