"""What Pulumi, its engine and its operator say, in every form that they say it in, and what is read out of each.

``pulumi-errors.txt`` holds the words of Pulumi 3.274 with its Kubernetes provider 4.24, on a real API server.
"""

import json
import textwrap
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tui.helm.errors import read_error
from tui.helm.refusal import Failure, OwnerError, Tool, Trouble, Wanted

FILE = Path(__file__).parents[1] / "data" / "pulumi-errors.txt"
TEXTS = {
    head: body.strip().replace("␛", "\x1b")
    for head, _, body in (part.partition("\n") for part in FILE.read_text().split("### ")[1:])
}
SETTINGS, ROLE = "ConfigMap flux-system/settings", "ClusterRole pier-pilot"
PINNED = "gitops-flux-7a603c45"


class Said(NamedTuple):
    """What a text is read as: the releases wanted and by which resource, the objects in the way, what else failed."""

    wanted: tuple[Wanted, ...] = ()
    objects: tuple[str, ...] = ()
    failures: tuple[Failure, ...] = ()
    tool: Tool = Tool.PULUMI


def said(found: OwnerError) -> Said:
    assert found.cut == ()
    return Said(found.wanted, tuple(each.label for each in found.conflicts), found.failures, found.tool)


def flux(suffix: str, namespace: str | None = None) -> Wanted:
    return Wanted(f"gitops-flux-{suffix}", namespace, "gitops-flux")


def failed(trouble: Trouble, suffix: str = "", namespace: str | None = None) -> Said:
    release = f"gitops-flux-{suffix}" if suffix else ""
    return Said(failures=(Failure(trouble, release, namespace, "gitops-flux"),))


EXPECTED = {
    "up, refused: rows of progress, then diagnostics": Said((flux("a8c9d185"),), (SETTINGS,)),
    "up, refused, coloured": Said((flux("8b4ff9e8"),), (SETTINGS,)),
    "up, refused, with the markup that Pulumi colours by": Said((flux("f82839b1"),), (SETTINGS,)),
    "up, refused, in a terminal that cuts its rows": Said((flux("e7d51c7c"),), (SETTINGS,)),
    "up, refused, with --diff": Said((flux("02b018d4"),), (SETTINGS,)),
    "up, refused, as JSON events": Said((flux("c314e5db"),), (SETTINGS,)),
    "up, two resources refused": Said(
        (flux("28e45257"), Wanted("second-1ee75605", "other", "second")), (SETTINGS, ROLE)
    ),
    "up, two resources refused, as JSON events": Said(
        (Wanted("second-d52b1ab3", "other", "second"), flux("ec54016d")), (ROLE, SETTINGS)
    ),
    # Which of two resources that it displayed an error is about, --diff does not say; a name that was drawn does.
    "up, two resources refused, with --diff": Said(
        (flux("3cd5e9ad"), Wanted("second-pinned", "other", "")), (SETTINGS, ROLE)
    ),
    "up, refused in another namespace": Said((flux("409275b7", "other"),), (ROLE,)),
    "up, refused for a resource that was renamed": Said(
        (Wanted("gitops-fleet-5ce0ed54", None, "gitops-fleet"),), (SETTINGS,)
    ),
    "up, refused for a pinned name, as a replacement": Said((Wanted("new-name", None, "gitops-flux"),), (SETTINGS,)),
    "up, the name pinned while its record is there": failed(Trouble.NAME_IN_USE),
    "up, values changed while the record is lost": failed(Trouble.NO_DEPLOYED, "f9c37ef9"),
    "up, atomic, failed over something else": failed(Trouble.UNINSTALLED, "7a603c45"),
    "up, failed over something else": failed(Trouble.INCOMPLETE, "50aac0aa", "flux-system"),
    "up again, still failing": failed(Trouble.INCOMPLETE, "50aac0aa", "flux-system")._replace(
        wanted=(flux("50aac0aa", "flux-system"),)
    ),
    "up, the old release to be uninstalled has no record": failed(Trouble.NO_RECORD, "5cc99568"),
    "up, no such chart": failed(Trouble.SOURCE),
    "up, no such repository": failed(Trouble.SOURCE),
    "up, the chart refuses its values": failed(Trouble.TEMPLATE),
    "up, the cluster cannot be reached": failed(Trouble.UNREACHABLE),
    "up, another passphrase": Said(failures=(Failure(Trouble.STATE),)),
    "up, locked by another": Said(failures=(Failure(Trouble.STATE),), tool=Tool.UNKNOWN),
    "up, no such stack": Said(failures=(Failure(Trouble.STATE),), tool=Tool.UNKNOWN),
    "destroy, protected": Said(failures=(Failure(Trouble.STATE), Failure(Trouble.PROTECTED, resource="gitops-flux"))),
    "up, all well": Said(),
    "preview, all well": Said(),
}


def test_every_recorded_text_is_expected() -> None:
    assert set(TEXTS) == set(EXPECTED)


@pytest.mark.parametrize("name", TEXTS)
def test_each_form_is_read_for_what_it_says(name: str) -> None:
    assert said(read_error(TEXTS[name])) == EXPECTED[name]


@pytest.mark.parametrize("name", ["up, all well", "preview, all well"])
def test_what_went_well_says_nothing_of_a_refusal(name: str) -> None:
    assert read_error(TEXTS[name]).says_nothing


def test_the_old_provider_s_words_name_the_release_too() -> None:
    """As pulumi-kubernetes worded it until 4.24 (provider/pkg/provider/helm_release.go)."""
    found = read_error(f'error: 1 error occurred: * Helm release "flux-system/{PINNED}" was not created: timed out')
    assert (found.wanted, found.tool) == ((Wanted(PINNED, "flux-system"),), Tool.PULUMI)


# Whose words they are.


@pytest.mark.parametrize(
    ("text", "tool"),
    [
        ("error: update failed\n  pulumi:pulumi:Stack (a-b):", Tool.PULUMI),
        ('Helm release "a/b" failed to initialize completely', Tool.PULUMI),
        ("apiVersion: auto.pulumi.com/v1alpha1\nkind: Update", Tool.PULUMI),
        ('{"apiVersion": "pulumi.com/v1", "kind": "Stack"}', Tool.PULUMI),
        ("Error: INSTALLATION FAILED: timed out\n  pulumi:pulumi:Stack a-b **failed** 1 error", Tool.PULUMI),
        ("Error: INSTALLATION FAILED: timed out", Tool.HELM),
        ("Error: UPGRADE FAILED: timed out", Tool.HELM),
        ("Helm upgrade failed for release a/b with chart c@1: cannot patch", Tool.FLUX),
        ("apiVersion: helm.toolkit.fluxcd.io/v2\nstatus: {message: Helm install failed}", Tool.FLUX),
        ("ClusterRole/a dry-run failed (Invalid): ...", Tool.FLUX),
        ("apiVersion: argoproj.io/v1alpha1\nkind: Application", Tool.ARGOCD),
        ("one or more objects failed to apply, reason: ...", Tool.ARGOCD),
        ("Error from server (Conflict): Apply failed with 1 conflict", Tool.KUBECTL),
        ("Unable to continue with install: ...", Tool.UNKNOWN),
        # The names of kinds are no words of a tool: a chart of Flux holds them all.
        ('CustomResourceDefinition "stacks.pulumi.com" in namespace ""', Tool.UNKNOWN),
        ('CustomResourceDefinition "helmreleases.helm.toolkit.fluxcd.io"', Tool.UNKNOWN),
        ("", Tool.UNKNOWN),
    ],
)
def test_a_text_tells_whose_words_it_is(text: str, tool: Tool) -> None:
    assert read_error(text).tool is tool


# However it was copied.


def update(message: str) -> dict[str, object]:
    """An Update of Pulumi's operator that failed, as its controller writes the message (update_controller.go)."""
    condition = {"type": "Failed", "status": "True", "reason": "Unknown", "message": message}
    return {
        "apiVersion": "auto.pulumi.com/v1alpha1",
        "kind": "Update",
        "metadata": {"name": "harbour-19a", "namespace": "pulumi-system"},
        "spec": {"stackName": "harbour", "type": "up", "workspaceName": "harbour"},
        "status": {"message": message, "conditions": [condition]},
    }


def workspace(message: str) -> dict[str, object]:
    condition = {"type": "Ready", "status": "False", "reason": "Failed", "message": message}
    return {
        "apiVersion": "auto.pulumi.com/v1alpha1",
        "kind": "Workspace",
        "metadata": {"name": "harbour", "namespace": "pulumi-system"},
        "status": {"conditions": [condition]},
    }


def stack(message: str) -> dict[str, object]:
    last = {"name": "harbour-19a", "type": "up", "state": "failed", "failures": 2, "message": message}
    return {"apiVersion": "pulumi.com/v1", "kind": "Stack", "status": {"lastUpdate": last}}


PLAIN = "up, refused: rows of progress, then diagnostics"
FORMS = [PLAIN, "up, two resources refused", "up, the name pinned while its record is there", "up, no such chart"]


@pytest.mark.parametrize("name", [*FORMS, "up, another passphrase"])
@pytest.mark.parametrize("build", [update, workspace, stack])
@pytest.mark.parametrize("dump", [yaml.safe_dump, json.dumps, lambda each: json.dumps(each, indent=4)])
def test_an_object_of_the_operator_holds_the_same_words(name: str, build: object, dump: object) -> None:
    assert callable(build)
    assert callable(dump)
    text = f"failed to run update: exit status 255\ncode: 255\nstdout: {TEXTS[name]}\nstderr: \n"
    assert said(read_error(dump(build(text)))) == EXPECTED[name]


def test_an_operator_s_object_that_is_well_says_nothing() -> None:
    assert read_error(yaml.safe_dump(update(""))).says_nothing


@pytest.mark.parametrize("name", FORMS)
@settings(deadline=None, max_examples=60)
@given(
    width=st.integers(20, 200),
    soft=st.booleans(),
    before=st.sampled_from(["", "  | ", "│ ", "> ", "2026-11-23T10:00:00.123456789Z stderr F ", "deploy-1  | "]),
    raw=st.booleans(),
)
def test_no_wrapping_and_no_colour_changes_what_is_read(
    name: str, width: int, soft: bool, before: str, raw: bool
) -> None:
    lines = [
        piece
        for line in TEXTS[name].split("\n")
        for piece in (
            textwrap.wrap(line, width) if soft else [line[at : at + width] for at in range(0, max(len(line), 1), width)]
        )
    ]
    copied = "\n".join(before + line for line in lines)
    coloured = copied.replace("error:", "<{%fg 1%}>error:<{%reset%}>" if raw else "\x1b[31merror:\x1b[0m")
    assert said(read_error(coloured)) == EXPECTED[name]


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("mark", ["", "..."])
def test_cut_anywhere_it_never_tells_anything_that_the_whole_does_not(name: str, mark: str) -> None:
    whole, text = read_error(TEXTS[name]), TEXTS[name]
    step = max(1, len(text) // 150)
    for end in range(0, len(text), step):
        cut = read_error(text[:end] + mark)
        assert cut.tool in (Tool.UNKNOWN, whole.tool), end
        assert {each.release for each in cut.wanted} <= {each.release for each in whole.wanted}, end
        for each in cut.wanted:
            full = next(one for one in whole.wanted if one.release == each.release)
            assert each.namespace in (None, full.namespace), end
            assert each.resource in ("", full.resource), end
        assert {each.label for each in cut.conflicts} <= {each.label for each in whole.conflicts}, end
        assert {each._replace(resource="") for each in cut.failures} <= {
            each._replace(resource="") for each in whole.failures
        }, end
        assert {each.resource for each in cut.failures} <= {"", *(each.resource for each in whole.failures)}, end
