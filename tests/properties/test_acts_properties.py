"""Whatever an object is annotated with: no act is said to leave it on account of what that act does not read."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.clusters import FLUX_SYSTEM, record
from tests.ownership.acting import POLICY, consequences, thing, written
from tests.ownership.flux_world import helm_release, kustomization
from tests.ownership.test_acts_flux import operated
from tests.ownership.test_outlook_argo import application
from tui.objects import Json
from tui.ownership.acts.model import Act, Consequence, Effect

KUSTOMIZE = "kustomize.toolkit.fluxcd.io/"
OPERATOR = "fluxcd.controlplane.io/"
OPTIONS = "argocd.argoproj.io/sync-options"
ORPHAN = "kapp.k14s.io/delete-strategy"
VALUES = ("keep", " Keep ", "delete", "disabled", "Disabled", "Ignore", "orphan", "Prune=false", "Delete=false", "")
NAMES = (
    POLICY,
    f"{KUSTOMIZE}prune",
    f"{KUSTOMIZE}reconcile",
    f"{KUSTOMIZE}ssa",
    f"{OPERATOR}prune",
    f"{OPERATOR}reconcile",
    OPTIONS,
    ORPHAN,
    "helm.toolkit.fluxcd.io/driftDetection",
    "example.com/keep",
)

LABELLED = {
    f"{KUSTOMIZE}name": "sync",
    f"{KUSTOMIZE}namespace": FLUX_SYSTEM,
    f"resourceset.{OPERATOR}name": "set",
    f"resourceset.{OPERATOR}namespace": FLUX_SYSTEM,
    "kapp.k14s.io/app": "17",
    "applyset.kubernetes.io/part-of": "set",
    "app.kubernetes.io/managed-by": "pulumi",
}
"""Every tool's mark at once: each must go by what it reads itself."""

READS: Mapping[tuple[str, Act], frozenset[str]] = {
    ("Kustomization", Act.PRUNE): frozenset({f"{KUSTOMIZE}prune", f"{KUSTOMIZE}reconcile", f"{KUSTOMIZE}ssa"}),
    ("Kustomization", Act.DELETE_OWNER): frozenset({f"{KUSTOMIZE}prune", f"{KUSTOMIZE}reconcile", f"{KUSTOMIZE}ssa"}),
    ("Helm", Act.UPGRADE): frozenset({POLICY}),
    ("HelmRelease", Act.UPGRADE): frozenset({POLICY}),
    ("ResourceSet", Act.PRUNE): frozenset({f"{OPERATOR}prune"}),
    ("ResourceSet", Act.DELETE_OWNER): frozenset({f"{OPERATOR}prune"}),
    ("Application", Act.PRUNE): frozenset({OPTIONS}),
    ("Application", Act.DELETE_OWNER): frozenset({OPTIONS, POLICY}),
    ("kapp", Act.PRUNE): frozenset({ORPHAN}),
    ("kapp", Act.DELETE_OWNER): frozenset({ORPHAN}),
}
"""What each act reads on the live object (facts of each tool); every act that is not here reads nothing there."""


class Drawn(NamedTuple):
    """What a live object says, by which field manager, and what the stored manifest says."""

    annotations: dict[str, str]
    labels: dict[str, str]
    stored: str | None
    manager: str


said = st.dictionaries(st.sampled_from(NAMES), st.sampled_from(VALUES), max_size=5)
drawn = st.builds(
    Drawn, said, said, st.sampled_from([None, *VALUES]), st.sampled_from(["rescue", "kubectl-annotate", "helm"])
)


def world(of: Drawn, annotations: Mapping[str, str], labels: Mapping[str, str]) -> tuple[Json, list[Json]]:
    """An object of every owner at once, and those owners."""
    body = thing(annotations=dict(annotations), labels={**labels, **LABELLED})
    fields: Json = {"f:metadata": {part: {f"f:{name}": {} for name in NAMES} for part in ("f:annotations", "f:labels")}}
    body["metadata"]["managedFields"] = [
        {"manager": "kustomize-controller", "operation": "Apply", "fieldsV1": {"f:data": {}}},
        {"manager": of.manager, "operation": "Update", "fieldsV1": fields},
    ]
    app = application(body, prune=True)
    app["metadata"]["finalizers"] = ["resources-finalizer.argocd.argoproj.io"]
    run = helm_release(body)
    run["status"]["storageNamespace"] = FLUX_SYSTEM
    listed = [written(body, of.stored)]
    releases = [record(name, 1, "deployed", listed) for name in ("app", "mine")]
    return body, [kustomization(body), operated("ResourceSet", body), app, run, *releases]


def rows(
    of: Drawn, annotations: Mapping[str, str], labels: Mapping[str, str], *, without: str = ""
) -> dict[tuple[str, Act], Consequence]:
    body, others = world(of, annotations, labels)
    others = [each for each in others if each["kind"] != without]
    return {(each.owner, each.act): each for each in consequences(body, *others)}


def only(texts: Mapping[str, str], names: frozenset[str]) -> dict[str, str]:
    return {name: value for name, value in texts.items() if name in names}


@settings(deadline=None)
@given(drawn)
def test_each_act_goes_by_what_it_reads_and_by_nothing_else(of: Drawn) -> None:
    found = rows(of, of.annotations, of.labels)
    # What spares it from being applied decides whether what kubectl set lasts.
    lasts = frozenset({f"{KUSTOMIZE}reconcile", f"{KUSTOMIZE}ssa", f"{OPERATOR}reconcile", f"{OPERATOR}ssa"})
    for (owner, act), each in found.items():
        reads = READS.get((owner.split()[0], act), frozenset())
        kept = reads | lasts if reads else reads
        alone = rows(of, only(of.annotations, kept), only(of.labels, kept))
        assert alone[owner, act].effect is each.effect, (owner, act, each.because, alone[owner, act].because)


@settings(deadline=None)
@given(drawn)
def test_nothing_is_kept_on_account_of_nothing(of: Drawn) -> None:
    """Without a label or annotation to go by only a stored manifest's policy keeps, and that from uninstalls alone."""
    for (owner, act), each in rows(of, {}, {}).items():
        if each.effect is Effect.KEEPS:
            assert of.stored is not None, (owner, act, each.because)
            assert act in (Act.UNINSTALL, Act.DELETE_OWNER), (owner, act, each.because)
            assert "stored manifest" in each.because


@settings(deadline=None)
@given(drawn)
def test_what_keeps_it_is_named_and_what_would_is_told(of: Drawn) -> None:
    for (owner, act), each in rows(of, of.annotations, of.labels).items():
        assert each.because
        assert each.owner in each.text
        if each.effect is Effect.DELETES and not owner.startswith("ApplySet"):
            assert each.keep, (owner, act)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(NAMES), st.sampled_from(VALUES), max_size=5), st.sampled_from(NAMES))
def test_what_only_kubectl_set_is_never_what_a_kustomization_goes_by(marks: dict[str, str], name: str) -> None:
    of = Drawn({**marks, name: "disabled"}, {}, None, "kubectl-annotate")
    spared = {(f"{KUSTOMIZE}reconcile", "disabled"), (f"{KUSTOMIZE}ssa", "ignore")}
    applied = spared.isdisjoint((key, value.lower()) for key, value in of.annotations.items())
    # A ResourceSet that lists it applies it too, and takes the same away.
    found = rows(of, of.annotations, {}, without="ResourceSet")
    for act in (Act.PRUNE, Act.DELETE_OWNER):
        each = found[f"Kustomization {FLUX_SYSTEM}/sync", act]
        assert (each.effect is Effect.DELETES) is applied, each.because


def test_the_world_has_every_tool() -> None:
    """The properties speak of something: each tool of the table says something of the drawn object."""
    found: dict[tuple[str, Act], Any] = dict(rows(Drawn({}, {}, None, "rescue"), {}, {}))
    owners = {owner.split()[0] for owner, _ in found}
    assert owners == {
        "Kustomization",
        "HelmRelease",
        "Helm",
        "ResourceSet",
        "Application",
        "Pulumi",
        "kapp",
        "ApplySet",
    }


def test_the_page_about_findings_names_what_each_act_reads() -> None:
    page = (Path(__file__).parents[2] / "docs" / "findings.md").read_text(encoding="utf-8")
    section = page.partition("## What keeps an object")[2]
    for (tool, act), names in READS.items():
        for name in names:
            assert name.rpartition("/")[2] in section, (tool, act, name)
