"""What an operator states: names, the owner's text, a manifest; each fault is one sentence that says what to do."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.clusters import contract
from tui.faults import UsageFault
from tui.helm.errors import read_error
from tui.helm.errors_text import MAX_ERROR
from tui.helm.refusal import OwnerError
from tui.ownership.model import Wish
from tui.recovery.wishes import MAX_FILE, complete, error_of, forecast_of, read_wish, with_manifest

NAME, OTHER = "gitops-flux-12345678", "gitops-flux-ffffffff"
CONTRACT = contract()


def text(wanted: str = NAME, space: str = "") -> str:
    more = f'; annotation validation error: missing key "meta.helm.sh/release-namespace": must be set to "{space}"'
    return (
        'Error: INSTALLATION FAILED: Unable to continue with install: ClusterRole "a" in namespace "" exists and cannot'
        " be imported into the "
        "current release: invalid ownership metadata; annotation validation error: key "
        f'"meta.helm.sh/release-name" must equal "{wanted}": current value is "{OTHER}"{more if space else ""}'
    )


MANIFEST = """\
---
# Source: flux2/crds/instances.yaml
{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: as-is}}
---
# Source: flux2/templates/crds/sources.yaml
{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: rendered}}
---
# Source: flux2/templates/a.yaml
{apiVersion: v1, kind: Secret, metadata: {name: s, namespace: apps}, stringData: {key: hunter2}}
---
{apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: ConfigMap, metadata: {name: c}, data: {a: hunter2}}]}
---
{apiVersion: batch/v1, kind: Job, metadata: {name: check, annotations: {helm.sh/hook: pre-install}}}
---
{apiVersion: batch/v1, kind: Job, metadata: {generateName: once-}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: b}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: admin}
subjects: []
"""


def fault(work: Callable[[], object]) -> str:
    with pytest.raises(UsageFault) as caught:
        work()
    said = str(caught.value)
    assert "\n" not in said
    assert said
    return said


# Texts.


@pytest.mark.parametrize("coding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
def test_a_text_is_read_in_the_codings_that_shells_write(coding: str) -> None:
    data = (b"\xff\xfe" if coding == "utf-16-le" else b"") + text().encode(coding)
    assert error_of(data, "f") == read_error(text())


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "f is empty"),
        (b" \n\t", "f is empty"),
        (b"\x7fELF\0\0", "f is no text: it holds binary data"),
        (b"\x89PNG\r\n", "f is no text: byte 0 is not UTF-8"),
        (b"\xff\xfe\x00", "f is no text: byte"),
        (b"a" * (MAX_ERROR + 1), "f has more than 2048 KiB"),
    ],
    ids=["empty", "blank", "a program", "a picture", "torn", "huge"],
)
def test_what_is_no_owner_s_text_is_one_sentence(data: bytes, said: str) -> None:
    assert fault(lambda: error_of(data, "f")).startswith(said)


def test_a_text_that_tells_of_nothing_is_no_fault_and_says_whose_it_is() -> None:
    found = error_of(b"all is well", "f")
    assert (found.says_nothing, found.source) == (True, "f")
    assert found.blank.startswith("f tells of no refused install or upgrade that Refloat knows")
    assert complete(CONTRACT, Wish(error=found)) == Wish(error=found)
    assert error_of(text().encode(), "f").blank == ""


@given(st.binary(max_size=300))
def test_no_bytes_raise_anything_else(data: bytes) -> None:
    for read in (error_of, forecast_of):
        try:
            read(data, "f")
        except UsageFault as told:
            assert "\n" not in str(told)  # noqa: PT017 - any bytes may also be a good file


# What is expected.


def stated(wanted: str = NAME, expect: str | None = None, space: str = "") -> Wish:
    return complete(CONTRACT, Wish(expect, error=read_error(text(wanted, space))))


def test_the_text_alone_names_the_release() -> None:
    assert stated().expected == NAME
    assert stated(expect=NAME).expected == NAME
    assert stated(space="flux-system").expected == NAME


def test_a_text_and_an_expected_name_that_disagree_are_both_named() -> None:
    said = fault(lambda: stated(expect=OTHER))
    assert NAME in said
    assert OTHER in said


def test_a_text_that_names_a_stranger_says_so() -> None:
    assert "other belongs to no release family of the contract" in fault(lambda: stated("other"))
    assert "it has: gitops-flux" in fault(lambda: stated("other"))


def test_a_text_of_another_namespace_is_about_another_release() -> None:
    assert f"{NAME} in namespace apps" in fault(lambda: stated(space="apps"))


def test_of_several_releases_in_a_text_one_must_be_named() -> None:
    both = Wish(error=read_error(text() + "\n" + text(OTHER)))
    assert "say which" in fault(lambda: complete(CONTRACT, both))
    assert complete(CONTRACT, Wish(OTHER, error=both.error)).expected == OTHER
    strange = Wish(error=read_error(text() + "\n" + text("other")))
    assert complete(CONTRACT, strange).expected == NAME


@pytest.mark.parametrize("end", [60, 90, 230, 280])
def test_a_text_cut_short_before_the_name_wants_it_stated(end: int) -> None:
    cut = Wish(error=error_of(text()[:end].encode(), "f"))
    assert "name it (--expect NAME)" in fault(lambda: complete(CONTRACT, cut))
    assert complete(CONTRACT, Wish(NAME, error=cut.error)).expected == NAME


def test_a_text_about_something_else_needs_no_release() -> None:
    busy = Wish(error=OwnerError(busy=True))
    assert complete(CONTRACT, busy) == busy


# Of an owner that draws its names.

DRAWN = "error: " + text().partition("FAILED: ")[2]
PULUMI = "  kubernetes:helm.sh/v3:Release (gitops-flux):\n    " + DRAWN


@pytest.mark.parametrize("words", [DRAWN, PULUMI, PULUMI[:300], PULUMI + text(OTHER), PULUMI.replace(NAME, "other")])
def test_no_name_follows_from_a_text_whose_names_are_drawn(words: str) -> None:
    wish = Wish(error=read_error(words))
    assert wish.error.wanted or wish.error.cut
    assert complete(CONTRACT, wish) == wish


@pytest.mark.parametrize("words", [DRAWN, PULUMI])
@pytest.mark.parametrize("pinned", [NAME, OTHER])
def test_a_name_that_is_stated_beside_it_is_one_that_is_pinned(words: str, pinned: str) -> None:
    assert complete(CONTRACT, Wish(pinned, error=read_error(words))).expected == pinned


def test_a_manifest_beside_it_wants_the_pinned_name() -> None:
    both = Wish(error=read_error(PULUMI), forecast=forecast_of(MANIFEST.encode(), "m"))
    assert "the one that the program pins" in fault(lambda: complete(CONTRACT, both))


@pytest.mark.parametrize(
    "tool", ["Error: UPGRADE FAILED: ", f"Helm install failed for release apps/{NAME} with chart f: "]
)
def test_the_name_of_helm_s_command_line_and_of_a_helm_release_is_their_own(tool: str) -> None:
    assert complete(CONTRACT, Wish(error=read_error(tool.replace("apps", "flux-system") + DRAWN))).expected == NAME


def test_a_name_that_the_contract_lists_was_not_drawn() -> None:
    by = replace(CONTRACT, releases=tuple(replace(f, names=("flux-prod",)) for f in CONTRACT.releases))
    assert complete(by, Wish(error=read_error(DRAWN.replace(NAME, "flux-prod")))).expected == "flux-prod"


# Manifests.


def test_a_manifest_is_what_the_release_will_own_and_holds_no_value() -> None:
    found = forecast_of(MANIFEST.encode(), "m.yaml")
    assert [each.ref.label for each in found.documents] == [
        "CustomResourceDefinition rendered",
        "Secret apps/s",
        "ConfigMap c",
        "ClusterRoleBinding b",
    ]
    assert found.documents[3].body["roleRef"]["name"] == "admin"
    assert "hunter2" not in str([each.body for each in found.documents])


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"a: [", "m.yaml, document 1, line"),
        (b"kind: ConfigMap", "m.yaml, document 1, line 1: an object without metadata"),
        (b"# nothing", "m.yaml holds no document"),
        (b"", "m.yaml is empty"),
        (b"a" * (MAX_FILE + 1), "m.yaml has more than"),
        (
            b"".join(b"---\n{apiVersion: v1, kind: Pod, metadata: {name: p%d}}\n" % number for number in range(5001)),
            "m.yaml has more than 5000 documents",
        ),
    ],
    ids=["broken", "half", "only a comment", "empty", "huge", "endless"],
)
def test_what_is_no_manifest_is_one_sentence(data: bytes, said: str) -> None:
    assert fault(lambda: forecast_of(data, "m.yaml")).startswith(said)


def test_the_file_s_documents_are_there_to_be_tried_and_no_repr_shows_them() -> None:
    found = forecast_of(MANIFEST.encode(), "m.yaml")
    assert [each.ref.name or each.generate_name for each in found.whole] == [
        "as-is",
        "rendered",
        "s",
        "c",
        "check",
        "once-",
        "b",
    ]
    assert "hunter2" in str([each.body for each in found.whole])
    assert "hunter2" not in repr(Wish(NAME, forecast=found))


def test_what_was_read_back_takes_the_very_file_again_and_no_other() -> None:
    found = forecast_of(MANIFEST.encode(), "m.yaml")
    kept = Wish(NAME, forecast=replace(found, whole=()))
    again = with_manifest(kept, forecast_of(MANIFEST.encode(), "elsewhere.yaml"))
    assert again == kept
    assert again.forecast is not None
    assert (again.forecast.source, again.forecast.whole) == ("m.yaml", found.whole)
    other = forecast_of(MANIFEST.replace("admin", "view").encode(), "m.yaml")
    assert "is not the manifest that the plan was made with" in fault(lambda: with_manifest(kept, other))
    assert "made without a manifest" in fault(lambda: with_manifest(Wish(NAME), found))


def test_a_manifest_needs_a_name_to_go_with() -> None:
    lone = Wish(forecast=forecast_of(MANIFEST.encode(), "m"))
    assert "--expect NAME" in fault(lambda: complete(CONTRACT, lone))
    assert complete(CONTRACT, Wish(NAME, forecast=lone.forecast)).forecast == lone.forecast


TAKEN_BACK = f"Error: INSTALLATION FAILED: release {NAME} failed, and has been uninstalled due to atomic being set: no"


def test_that_the_next_install_is_not_atomic_needs_a_name_to_go_with() -> None:
    assert "--expect NAME" in fault(lambda: complete(CONTRACT, Wish(not_atomic=True)))
    assert complete(CONTRACT, Wish(NAME, not_atomic=True)).not_atomic


def test_a_text_of_an_install_that_was_taken_back_names_its_release_or_wants_it_named() -> None:
    found = complete(CONTRACT, Wish(error=error_of(TAKEN_BACK.encode(), "f")))
    assert (found.expected, bool(found.error.atomic)) == (NAME, True)
    half = b"an error occurred while uninstalling the release. original install error: x"
    assert "name it (--expect NAME)" in fault(lambda: complete(CONTRACT, Wish(error=error_of(half, "f"))))


# A typed line.

FILES = {"e.txt": text().encode(), "m.yaml": MANIFEST.encode(), "my file": text().encode(), "x": b"nothing of use"}


def typed(line: str) -> Wish:
    return read_wish(CONTRACT, line, FILES.__getitem__)


def test_a_line_states_a_name_a_revision_a_file_the_error_itself_or_nothing() -> None:
    assert typed("  ") == Wish()
    assert typed(NAME) == Wish(NAME)
    assert typed(f" {NAME}@3 ") == Wish(settled=(NAME, 3))
    assert typed("@e.txt") == typed("'@my file'") == typed(text()) == Wish(NAME, error=read_error(text()))
    assert (
        typed(f"{NAME} @m.yaml").forecast
        == typed("@e.txt @m.yaml").forecast
        == forecast_of(MANIFEST.encode(), "m.yaml")
    )
    assert typed(f"{NAME} {OTHER}@2") == Wish(NAME, (OTHER, 2))
    assert typed(f"{NAME} --not-atomic") == typed(f"--not-atomic {NAME}") == Wish(NAME, not_atomic=True)
    assert typed(f"--not-atomic {text()}") == Wish(NAME, error=read_error(text()), not_atomic=True)
    assert typed("@e.txt --not-atomic") == Wish(NAME, error=read_error(text()), not_atomic=True)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("other", "belongs to no release family"),
        (f"{NAME} {OTHER}", "two releases are named"),
        ("@x", "x tells of no refused install"),
        ("@", "write the release's name and revision in full"),
        (f"{OTHER} @e.txt", "is expected; state the right one"),
        ("@m.yaml", "whose manifest it is"),
        ('"', "a quote is not closed"),
        ("--not-atomic", "whose install is not atomic must be stated too"),
    ],
)
def test_a_line_that_cannot_be_meant_is_one_sentence(line: str, said: str) -> None:
    assert said in fault(lambda: typed(line))


def test_without_a_way_to_read_files_none_is_read() -> None:
    assert "in full" in fault(lambda: read_wish(CONTRACT, "@e.txt"))
