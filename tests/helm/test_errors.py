"""What owners say when they refuse: read whole or not at all, however it was copied, coloured, wrapped or cut."""

import json
import textwrap
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tui.helm.errors import MAX_CONFLICTS, read_error
from tui.helm.errors_text import MAX_ERROR, plain
from tui.helm.refusal import Cause, Conflict, OwnerError, Tool, Wanted
from tui.practice.drills import load_drill

FILE = Path(__file__).parents[1] / "data" / "owner-errors.txt"
RECORDED = {
    head: body.strip() for head, _, body in (part.partition("\n") for part in FILE.read_text().split("### ")[1:])
}
HELM3, HELM4, BARE3, BARE4, FIELDS = RECORDED.values()
ROLE = "gitops-flux-b41e77d0"

KUBECTL = (
    "Error: UPGRADE FAILED: conflict occurred while applying object /crd-controller rbac.authorization.k8s.io/v1, "
    'Kind=ClusterRole: Apply failed with 2 conflicts: conflicts with "kubectl-client-side-apply" using '
    'rbac.authorization.k8s.io/v1:\n- .rules\nconflicts with "kustomize-controller" using '
    "rbac.authorization.k8s.io/v1:\n- .metadata.labels.app"
)
ROLE_REF = (
    'Error: UPGRADE FAILED: cannot patch "cluster-reconciler" with kind ClusterRoleBinding: '
    'ClusterRoleBinding.rbac.authorization.k8s.io "cluster-reconciler" is invalid: roleRef: Invalid value: '
    'rbac.RoleRef{APIGroup:"rbac.authorization.k8s.io", Kind:"ClusterRole", Name:"x"}: cannot change roleRef'
)
BUSY = "Error: UPGRADE FAILED: another operation (install/upgrade/rollback) is in progress"
LABEL = (
    'Unable to continue with update: Service "web" in namespace "apps" exists and cannot be imported into the current '
    'release: invalid ownership metadata; label validation error: key "app.kubernetes.io/managed-by" must equal '
    '"Helm": current value is "pulumi"'
)
TEXTS = {**RECORDED, "kubectl": KUBECTL, "roleRef": ROLE_REF, "busy": BUSY, "label": LABEL}


def held(wanted: str) -> Conflict:
    return Conflict(Cause.OWNERSHIP, "ClusterRole", "", "harbour-3-pilot", "harbour-3", "dock3", None, wanted, "dock4")


def bare(wanted: str, space: str) -> Conflict:
    return Conflict(Cause.OWNERSHIP, "ClusterRole", "", "plain", "", "", "", wanted, space)


EXPECTED = {
    HELM3: OwnerError((held("harbour-6"),), (Wanted("harbour-6", "dock4"),), tool=Tool.HELM),
    HELM4: OwnerError((held("harbour-7"),), (Wanted("harbour-7", "dock4"),), tool=Tool.HELM),
    BARE3: OwnerError((bare("harbour-8", "dock3"),), (Wanted("harbour-8", "dock3"),), tool=Tool.HELM),
    BARE4: OwnerError((bare("harbour-9", "dock4"),), (Wanted("harbour-9", "dock4"),), tool=Tool.HELM),
    FIELDS: OwnerError(
        (Conflict(Cause.FIELDS, "Deployment", "flux-system", "helm-controller", managers=("helm",), fields=4),),
        tool=Tool.HELM,
    ),
    KUBECTL: OwnerError(
        (
            Conflict(
                Cause.FIELDS,
                "ClusterRole",
                "",
                "crd-controller",
                managers=("kubectl-client-side-apply", "kustomize-controller"),
                fields=2,
            ),
        ),
        tool=Tool.HELM,
    ),
    ROLE_REF: OwnerError((Conflict(Cause.ROLE_REF, "ClusterRoleBinding", "", "cluster-reconciler"),), tool=Tool.HELM),
    BUSY: OwnerError(busy=True, tool=Tool.HELM),
    LABEL: OwnerError((Conflict(Cause.OWNERSHIP, "Service", "apps", "web", held_label="pulumi"),)),
}


@pytest.mark.parametrize("name", TEXTS)
def test_each_text_is_read_whole(name: str) -> None:
    assert read_error(TEXTS[name]) == EXPECTED[TEXTS[name]]


def test_the_whole_file_of_recordings_is_one_text_of_several_conflicts() -> None:
    found = read_error(FILE.read_text())
    assert found.conflicts == tuple(c for text in RECORDED.values() for c in EXPECTED[text].conflicts)
    assert [each.release for each in found.wanted] == ["harbour-6", "harbour-7", "harbour-8", "harbour-9"]
    assert found.cut == ()


def test_the_drill_of_a_refused_install_names_its_resource_and_object() -> None:
    found = read_error(load_drill("refused-install").error)
    assert found.wanted == (Wanted("gitops-flux-e05c11ab", None, "gitops-flux"),)
    assert [(each.label, each.held_release) for each in found.conflicts] == [
        ("NetworkPolicy flux-system/allow-webhooks", "gitops-flux-5d41aa0c")
    ]


@pytest.mark.parametrize("between", ["; ", "\n", " && ", "\n  * ", "", "\n\nDiagnostics:\n  error: "])
def test_several_conflicts_at_once_however_they_are_joined(between: str) -> None:
    one, two = HELM3.partition(": ")[2], BARE3.partition(": ")[2].replace("Unable to continue with install: ", "")
    found = read_error(between.join([one, two, LABEL]))
    assert found.conflicts == (*EXPECTED[HELM3].conflicts, *EXPECTED[BARE3].conflicts, *EXPECTED[LABEL].conflicts)


def test_a_text_that_repeats_itself_tells_each_conflict_once() -> None:
    assert read_error("\n".join([HELM3, HELM3[:-40], HELM3])) == EXPECTED[HELM3]


@pytest.mark.parametrize(
    ("around", "tool"),
    [
        (f'Helm release "flux-system/{ROLE}" was not created: ', Tool.PULUMI),
        (f"Helm install failed for release flux-system/{ROLE} with chart flux2@2.18.3: ", Tool.FLUX),
    ],
)
def test_what_pulumi_and_flux_say_around_it_names_the_release_too(around: str, tool: Tool) -> None:
    wanted = Wanted(ROLE, "flux-system")
    assert read_error(around + LABEL).wanted == (wanted,)
    assert read_error(around + "Unable to continue with install: Cluster").wanted == (wanted,)
    assert read_error(around + BUSY) == OwnerError(wanted=(wanted,), busy=True, tool=tool)


def test_a_conflict_over_fields_may_name_no_object() -> None:
    text = 'Apply failed with 1 conflict: conflict with "kubectl-client-side-apply" using apps/v1: .spec.replicas'
    assert read_error(text).conflicts == (
        Conflict(Cause.FIELDS, "", None, "", managers=("kubectl-client-side-apply",), fields=1),
    )


def test_a_role_binding_says_no_namespace() -> None:
    (found,) = read_error(ROLE_REF.replace("ClusterRoleBinding", "RoleBinding")).conflicts
    assert (found.kind, found.namespace) == ("RoleBinding", None)


# However it was copied.

HARD = st.integers(7, 200).map(
    lambda width: lambda text: "\n".join(text[at : at + width] for at in range(0, len(text), width))
)
SOFT = st.builds(
    lambda width, hyphens: (
        lambda text: "\n".join(
            line for part in text.split("\n") for line in textwrap.wrap(part, width, break_on_hyphens=hyphens)
        )
    ),
    st.integers(12, 200),
    st.booleans(),
)
BEFORE = st.sampled_from(
    [
        "",
        "    ",
        "\t",
        "  | ",
        "│ ",
        "> ",
        "2026-11-23T10:00:00.123456789Z stderr F ",
        "pulumi-1  | ",
        "[12:34:56] ",
        "2026-11-23T10:00:00Z ",
        "E1123 10:00:00.000000   12345 main.go:12] ",
        "Nov 23 10:00:00 host pulumi[12]: ",
    ]
)
BEHIND = st.sampled_from(["", "  ", " │", "   |", "\r"])
COLOURS = ("\x1b[31m", "\x1b[0m", "\x1b[38;5;196m", "\x1b[1;31m", "\x1b]8;;https://a\x07", "\x1b[K", "\x9b0m", "^[[0m")


@st.composite
def copies(draw: st.DrawFn) -> tuple[str, str]:
    """A text, and how it may look after a terminal, a log and a hand that copied it."""
    text = draw(st.sampled_from(sorted(TEXTS.values())))
    wrapped = draw(st.one_of(HARD, SOFT))(text)
    before, behind = draw(BEFORE), draw(BEHIND)
    copied = "\n".join(before + line + behind for line in wrapped.split("\n"))
    for at in sorted(draw(st.lists(st.integers(0, len(copied)), max_size=5)), reverse=True):
        copied = copied[:at] + draw(st.sampled_from(COLOURS)) + copied[at:]
    return text, copied


@settings(deadline=None, max_examples=400)
@given(copies())
def test_no_wrapping_and_no_colour_changes_the_answer(copy: tuple[str, str]) -> None:
    text, copied = copy
    # A colour inside a timestamp or a bar spoils that, not the text behind it.
    assert read_error(copied) == EXPECTED[text]


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
@pytest.mark.parametrize(
    "quoted",
    [
        lambda text: json.dumps({"level": "error", "msg": text, "time": "2026-11-23T10:00:00Z"}),
        lambda text: json.dumps({"log": json.dumps({"msg": f"\x1b[31m{text}\x1b[0m"}) + "\n", "stream": "stderr"}),
        lambda text: "\n".join(json.dumps({"msg": f"\x1b[31m{line}"}) for line in [text, "and more"]),
        lambda text: yaml.safe_dump({"status": {"conditions": [{"message": text, "type": "Ready"}]}}),
        lambda text: text.replace('"', "&quot;"),
        lambda text: text.replace('"', "“"),
        lambda text: text.replace("\n", "\r\n"),
    ],
    ids=["json", "json in json", "json lines", "yaml", "html", "typeset", "windows"],
)
def test_quoting_changes_nothing(text: str, quoted: object) -> None:
    assert callable(quoted)
    assert read_error(quoted(text)) == EXPECTED[text]


# Cut short.


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("mark", ["", "...", "…", " [truncated]"])
def test_cut_anywhere_it_never_tells_anything_that_the_whole_does_not(name: str, mark: str) -> None:
    whole = EXPECTED[TEXTS[name]]
    for end in range(len(TEXTS[name])):
        cut = read_error(TEXTS[name][:end] + mark)
        assert set(cut.wanted) <= {*whole.wanted, *(Wanted(each.release) for each in whole.wanted)}
        for told, full in zip(cut.conflicts, whole.conflicts, strict=False):
            assert (told.cause, told.kind, told.namespace, told.name) == (
                full.cause,
                full.kind,
                full.namespace,
                full.name,
            )
            for part in ("held_release", "held_namespace", "held_label", "wanted_release", "wanted_namespace"):
                assert getattr(told, part) in (None, getattr(full, part)), (end, part)


@pytest.mark.parametrize("name", list(RECORDED)[:4])
def test_what_is_cut_short_is_said(name: str) -> None:
    text = RECORDED[name]
    start, first = text.index("nable to"), text.index("invalid ownership")
    ends = {at + 1 for at in range(len(text)) if text[at] == '"'}
    for end in range(start + len("nable to"), len(text)):
        cut = read_error(text[:end])
        if end > first and end in ends and text[end] == ";":
            continue  # Each of Helm's sentences may be the last one.
        assert cut.cut, text[:end]
    assert read_error(text).cut == ()


def test_a_name_that_is_cut_within_its_quotes_is_not_a_name() -> None:
    (told,) = read_error(HELM3.replace('equal "harbour-6"', 'equal "harb..."')).conflicts
    assert (told.wanted_release, told.cut) == (None, True)


def test_other_troubles_of_an_install_are_no_refusal_and_nothing_cut_short() -> None:
    for text in (
        'Unable to continue with install: could not get information about the resource ClusterRole "x": forbidden',
        "Error: INSTALLATION FAILED: context deadline exceeded",
        "Unable to connect to the server: dial tcp: lookup nowhere",
        "",
    ):
        assert read_error(text).says_nothing, text


# Anything at all.


@settings(deadline=None)
@given(
    st.one_of(
        st.text(max_size=400),
        st.lists(
            st.sampled_from(
                [
                    *(text[at : at + 40] for text in TEXTS.values() for at in range(0, len(text), 23)),
                    '"',
                    "\n",
                    "\\",
                    ";",
                    "…",
                ]
            ),
            max_size=30,
        ).map("".join),
    )
)
def test_no_text_raises(text: str) -> None:
    found = read_error(text)
    assert len(found.conflicts) <= MAX_CONFLICTS


@pytest.mark.parametrize(
    "text",
    [
        '"a',
        "\n",
        " ",
        "a",
        "\\",
        "Unable to continue with",
        "\x1b[",
        "conflict with",
        "|",
        "> ",
        'A "b" in namespace ',
        "1",
    ],
)
def test_a_long_text_is_bounded(text: str) -> None:
    assert len(plain(text * (2 * MAX_ERROR // len(text)))) <= MAX_ERROR
    assert read_error(text * (200_000 // len(text))).conflicts == ()


def test_of_very_many_conflicts_the_rest_is_counted() -> None:
    found = read_error("\n".join(HELM3.replace("-pilot", f"-{number}") for number in range(MAX_CONFLICTS + 3)))
    assert len(found.conflicts) == MAX_CONFLICTS
    assert found.cut == ("3 more conflicts",)
