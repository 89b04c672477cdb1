"""What an owner's text says of an operation that takes back what it fails over, as Helm 3.22 and 4.3 word it."""

import pytest

from tui.helm.errors import read_error
from tui.helm.refusal import OwnerError, Wanted

WHY = 'failed to create resource: Service "broken" is invalid: spec.ports[0].port: Invalid value: 99999'
TAKEN = "release shop-bbbbbbbb failed, and has been uninstalled due to"
REFUSED = (
    'Error: INSTALLATION FAILED: Unable to continue with install: ConfigMap "settings" in namespace "prod" exists and '
    "cannot be imported into the current release: invalid ownership metadata; annotation validation error: key "
    '"meta.helm.sh/release-name" must equal "shop-bbbbbbbb": current value is "shop-aaaaaaaa"'
)


@pytest.mark.parametrize(
    ("text", "words", "release"),
    [
        (
            f"Error: INSTALLATION FAILED: {TAKEN} atomic being set: {WHY}",
            "uninstalled due to atomic being set",
            "shop-bbbbbbbb",
        ),
        (
            f"Error: INSTALLATION FAILED: {TAKEN} rollback-on-failure being set: {WHY}",
            "uninstalled due to rollback-on-failure being set",
            "shop-bbbbbbbb",
        ),
        (
            f"Error: UPGRADE FAILED: release up3 failed, and has been rolled back due to atomic being set: {WHY}",
            "rolled back due to atomic being set",
            "up3",
        ),
        (
            "error:\n* release gitops-flux-58e7c391 failed, and\nhas been unin\nstalled due to atomic\nbeing set",
            "uninstalled due to atomic being set",
            "gitops-flux-58e7c391",
        ),
        (
            f"an error occurred while uninstalling the release. original install error: {WHY}: timed out",
            "an error occurred while uninstalling the release",
            None,
        ),
        (
            f"an error occurred while rolling back the release. original upgrade error: {WHY}: timed out",
            "an error occurred while rolling back the release",
            None,
        ),
    ],
    ids=["helm 3", "helm 4", "an upgrade", "pulumi, wrapped", "half uninstalled", "half rolled back"],
)
def test_an_atomic_operation_is_told_by_its_words(text: str, words: str, release: str | None) -> None:
    found = read_error(text)
    assert found.atomic == words
    assert found.wanted == ((Wanted(release),) if release else ())
    assert not found.says_nothing


@pytest.mark.parametrize(
    "text",
    [
        "",
        "all is well",
        REFUSED,
        "release shop failed: context deadline exceeded",
        "apply is atomic, being set on a release that failed",
        "release shop has been uninstalled",
    ],
)
def test_no_other_text_shows_one(text: str) -> None:
    assert read_error(text).atomic == ""


def test_it_is_told_beside_what_was_refused() -> None:
    found = read_error(
        f"{REFUSED}\nrelease shop-bbbbbbbb failed, and has been uninstalled due to atomic being set: {WHY}"
    )
    assert found.atomic
    assert [each.name for each in found.conflicts] == ["settings"]
    assert [each.release for each in found.wanted] == ["shop-bbbbbbbb"]


def test_that_alone_says_something() -> None:
    assert OwnerError().says_nothing
    assert not OwnerError(atomic="uninstalled due to atomic being set").says_nothing
