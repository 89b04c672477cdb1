"""What the acts of tools do that are known by a mark on the object alone. Pure.

Each tool is a row: the mark that it is known by, and what its acts do. What a tool's own state holds, outside the
cluster, stays unknown here.
"""

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from tui.contract.model import glob
from tui.helm.manifest import MANAGED_BY
from tui.objects import Key, KindKey, Live
from tui.ownership.acts.helm import stamped
from tui.ownership.acts.model import Act, Consequence, Effect, Subject
from tui.ownership.acts.opt_outs import Lasts, OptOut, annotation, command
from tui.ownership.acts.references import parent_of
from tui.ownership.references import BINDINGS, CLUSTER_ROLE, CRD, WEBHOOKS
from tui.text import clean

ORPHAN: Final = "kapp.k14s.io/delete-strategy"
CSV: Final = KindKey("operators.coreos.com", "ClusterServiceVersion")
CSV_CLEANUP: Final = "operators.coreos.com/csv-cleanup"


class Tool(NamedTuple):
    """One tool: ``mark`` says by which mark an object is its, or nothing; ``acts`` what its acts do to that object."""

    mark: Callable[[Live], str]
    acts: Callable[[Subject, str], Iterator[Consequence]]


def of_tools(subject: Subject) -> Iterator[Consequence]:
    """What the acts of every tool do whose mark the object bears."""
    controller = subject.live.controller
    above = parent_of(subject.live, controller, subject.inventory)[0] if controller else None
    for tool in TOOLS:
        mark = tool.mark(subject.live)
        # What is under a controller bears copies of its controller's marks: they prove nothing.
        if mark and (above is None or tool.mark(above) != mark):
            yield from tool.acts(subject, mark)


def marks_of(live: Live) -> frozenset[str]:
    """The marks on an object by which a tool is known here: names of labels and field managers."""
    return frozenset(mark for tool in TOOLS if (mark := tool.mark(live)))


def _either(*marks: Callable[[Live], str]) -> Callable[[Live], str]:
    return lambda live: next((found for mark in marks if (found := mark(live))), "")


def _manager(*patterns: str, operation: str = "") -> Callable[[Live], str]:
    """A field manager; one that stamped the object for a Helm release is told of with the release."""

    def mark(live: Live) -> str:
        for manager in live.managers if not stamped(live)[0] else ():
            known = any(glob(pattern, manager.name) for pattern in patterns)
            if known and not manager.subresource and operation in ("", manager.operation):
                return manager.name
        return ""

    return mark


def _label(name: str, value: str = "") -> Callable[[Live], str]:
    def mark(live: Live) -> str:
        return name if live.labels.get(name) and value in ("", live.labels[name]) else ""

    return mark


def _pulumi(_: Subject, mark: str) -> Iterator[Consequence]:
    """A resource of a program: await.go Deletion deletes by name; what spares it is in Pulumi's own state."""
    why = (
        f"({mark}) Pulumi deletes by name, whoever holds the object by then, unless its state says retainOnDelete or"
        " protect, or it is a Patch resource; the state is not in the cluster"
    )
    keep = "retainOnDelete in the state, by an update before it leaves the program; or pulumi state delete"
    yield Consequence("Pulumi", Act.DESTROY, Effect.UNKNOWN, why, keep)


def _terraform(_: Subject, mark: str) -> Iterator[Consequence]:
    """A typed resource; what the manager ``Terraform`` applied may be a few fields of somebody else's object."""
    keep = "a `removed` block with destroy = false, or terraform state rm, before the resource block goes"
    if mark == "HashiCorp":
        why = "Terraform deletes by name when the block is removed; prevent_destroy goes with the block"
        yield Consequence("Terraform", Act.DESTROY, Effect.DELETES, why, keep)
    else:
        why = "it may be the whole object, or only labels, annotations or data of it that Terraform sets"
        yield Consequence("Terraform", Act.DESTROY, Effect.UNKNOWN, why, keep)


def _kapp(subject: Subject, mark: str) -> Iterator[Consequence]:
    """An object of a kapp app: both acts read the live annotation (kapp clusterapply/delete_change.go)."""
    owner = f"kapp app {clean(subject.live.labels[mark], 60)}"
    found = annotation(subject, ORPHAN)
    keep = f"{ORPHAN}: orphan on the live object ({command(subject.live.ref, ORPHAN, 'orphan')}), or in its source"
    for act in (Act.PRUNE, Act.DELETE_OWNER):
        if subject.live.annotations.get(ORPHAN) == "orphan":
            yield _as_it_lasts(owner, act, found, f"{ORPHAN}: orphan is on the live object", keep)
        else:
            yield Consequence(owner, act, Effect.DELETES, f"it deletes what bears its label {mark}", keep)


def _as_it_lasts(owner: str, act: Act, found: OptOut | None, why: str, keep: str) -> Consequence:
    if found is None or found.lasts is Lasts.YES:
        return Consequence(owner, act, Effect.KEEPS, why)
    effect = Effect.DELETES if found.lasts is Lasts.NO else Effect.UNKNOWN
    return Consequence(owner, act, effect, found.why, keep)


def _by_cluster_service_version(live: Live) -> str:
    """The label that names what installed the object, where that is a ClusterServiceVersion."""
    return "olm.owner" if live.labels.get("olm.owner") and live.labels.get("olm.owner.kind") == CSV.kind else ""


def _olm(subject: Subject, _: str) -> Iterator[Consequence]:
    """What a ClusterServiceVersion made: its finalizer deletes some kinds by these labels, those it cannot own."""
    labels, act = subject.live.labels, Act.DELETE_OWNER
    space, name = labels.get("olm.owner.namespace"), labels.get("olm.owner", "")
    owner = f"{CSV.kind} {f'{space}/' if space else ''}{clean(name, 60)}"
    kind = subject.live.ref.kind_key
    if kind == CRD:
        yield Consequence(owner, act, Effect.KEEPS, "its deletion leaves CustomResourceDefinitions")
        return
    holder, gap = subject.inventory.get(Key(*CSV, space, name)), subject.inventory.gap(*CSV)
    if holder is None or kind not in (CLUSTER_ROLE, *BINDINGS, *WEBHOOKS):
        why = gap.text if gap else "it is not there" if holder is None else f"what its deletion does to a {kind.kind}"
        yield Consequence(owner, act, Effect.UNKNOWN, why if gap or holder is None else f"{why} is not known here")
    elif CSV_CLEANUP in holder.finalizers:
        why = f"its finalizer {CSV_CLEANUP} deletes what bears its labels"
        yield Consequence(owner, act, Effect.DELETES, why)
    else:
        yield Consequence(owner, act, Effect.KEEPS, f"it has no finalizer {CSV_CLEANUP}")


def _crossplane(subject: Subject, mark: str) -> Iterator[Consequence]:
    """A composed object; its composite resource is its controller, and tells the rest."""
    owner = f"Crossplane composite {clean(subject.live.labels[mark], 60)}"
    why = "an object that its composition no longer makes is said to be deleted; this has not been tried"
    yield Consequence(owner, Act.PRUNE, Effect.UNKNOWN, why)


def _apply_set(subject: Subject, mark: str) -> Iterator[Consequence]:
    owner = f"ApplySet {clean(subject.live.labels[mark], 80)}"
    why = f"kubectl apply --prune deletes what bears its label {mark} and was not applied"
    keep = f"the label {mark} taken off the live object"
    yield Consequence(owner, Act.PRUNE, Effect.DELETES, why, keep)


def _addon(subject: Subject, mark: str) -> Iterator[Consequence]:
    """kubernetes/kubernetes cluster/addons/addon-manager/README.md."""
    if subject.live.labels[mark] == "EnsureExists":
        why = f"{mark}: EnsureExists: it is made where it lacks, and else left"
        yield Consequence("the addon manager", Act.PRUNE, Effect.KEEPS, why)
    else:
        why = f"{mark}: {clean(subject.live.labels[mark], 40)}"
        yield Consequence("the addon manager", Act.PRUNE, Effect.DELETES, why)


TOOLS: Final = (
    Tool(_either(_manager("pulumi-kubernetes*", "pulumi-resource-kubernetes*"), _label(MANAGED_BY, "pulumi")), _pulumi),
    Tool(_either(_manager("HashiCorp", operation="Update"), _manager("Terraform", operation="Apply")), _terraform),
    Tool(_label("kapp.k14s.io/app"), _kapp),
    Tool(_by_cluster_service_version, _olm),
    Tool(_label("crossplane.io/composite"), _crossplane),
    Tool(_label("applyset.kubernetes.io/part-of"), _apply_set),
    Tool(_label("addonmanager.kubernetes.io/mode"), _addon),
)
"""The tools that are known by a mark of theirs on the object."""
