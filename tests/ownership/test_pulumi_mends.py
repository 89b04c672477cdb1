"""What is told to an owner that is refused: first what writes nothing, never the name that Pulumi will not ask for."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.clusters import FAMILY, contract, obj, record
from tests.helm.test_pulumi_errors import TEXTS
from tests.ownership.judging import CONTRACT, NEW, OLD, OLDER, active, decided, findings, gap, judge, stale
from tui.contract.model import Contract, Mark
from tui.helm.errors import read_error
from tui.helm.refusal import Failure, OwnerError, Tool, Trouble, Wanted
from tui.objects import Json
from tui.ownership.model import Assessment, Finding, Wish
from tui.ownership.pulumi_mends import refresh_told, refresh_warning
from tui.recovery.wishes import complete

DRAWN = "gitops-flux-12345678"
SETTINGS = obj("ConfigMap", "settings", release=OLD)
PROGRESS = "up, refused: rows of progress, then diagnostics"


def told(name: str, bears: str = OLD) -> OwnerError:
    """One of Pulumi's own texts, about the objects of a release of this test."""
    held = "gitops-flux-f9c37ef9" if "gitops-flux-f9c37ef9" in TEXTS[name] else "gitops-flux-fdbc186a"
    return read_error(TEXTS[name].replace(held, bears).replace("pier-pilot", "left"))


def judged(objects: list[Json], error: OwnerError, expected: str | None = None, by: Contract = CONTRACT) -> Assessment:
    return judge(objects, wish=complete(by, Wish(expected, error=error)), by=by)


def only(found: Assessment) -> Finding:
    (each,) = findings(found, "refused-install")
    return each


def text_of(found: Assessment) -> str:
    return "\n".join(line for each in found.findings for line in (each.summary, *each.evidence, each.next))


# What is stamped bears one name, and no record of it is there.


def test_one_name_without_a_record_is_pinned_and_nothing_is_written() -> None:
    found = judged([SETTINGS, stale()], told(PROGRESS))
    each = only(found)
    assert each.severity.value == "block"
    assert {ref.name for ref in each.resources} == {"settings", "left"}
    assert each.next == f"pin the release's name: `name: {OLD}` on the resource gitops-flux, then pulumi up"
    assert (
        f'  TypeScript: new k8s.helm.v3.Release("gitops-flux", {{ name: "{OLD}", ...the rest as it is }})'
        in each.evidence
    )
    assert f'  Python: Release("gitops-flux", ReleaseArgs(name="{OLD}", ...the rest as it is))' in each.evidence
    assert (
        f'  Go: helm.NewRelease(ctx, "gitops-flux", &helm.ReleaseArgs{{Name: pulumi.String("{OLD}"), ...}})'
        in each.evidence
    )
    assert f"  YAML: resources: gitops-flux: properties: name: {OLD}" in each.evidence
    assert any("it worked when pulumi preview shows" in line for line in each.evidence)
    assert {decided(found, body) for body in (SETTINGS, stale())} == {("protect", ("S3",))}


def test_the_drawn_name_is_told_to_be_none_and_is_never_adopted_to() -> None:
    each = only(judged([SETTINGS], told(PROGRESS)))
    assert each.evidence[0].startswith(
        "another name is drawn at every attempt: gitops-flux-a8c9d185 is not the next one"
    )
    assert "expect gitops-flux-a8c9d185" not in " ".join(each.evidence) + each.next


def test_without_a_text_the_absent_release_says_the_same() -> None:
    (each,) = findings(judge([stale()]), "release-absent")
    assert each.next.startswith(f"pin the release's name: `name: {OLD}`")
    assert f"  YAML: resources: gitops-flux: properties: name: {OLD}" in each.evidence
    assert "do not run pulumi refresh before that" in each.evidence[-1]
    assert "--expect NAME" in each.next


def test_a_record_that_a_backup_holds_may_be_put_back() -> None:
    lines = "\n".join(only(judged([SETTINGS], told(PROGRESS))).evidence)
    assert "refloat journal undo" in lines
    assert f"--selector owner=helm,name={OLD}" in lines


def test_where_the_state_still_holds_the_lost_release_it_is_taken_out_of_it() -> None:
    each = only(judged([SETTINGS], told("up, values changed while the record is lost")))
    assert each.next.startswith(f"pin the release's name (`name: {OLD}` on the resource gitops-flux)")
    assert (
        "  run: pulumi state delete 'urn:pulumi:STACK::PROJECT::kubernetes:helm.sh/v3:Release::gitops-flux'"
        in each.evidence
    )


def test_a_renamed_resource_is_given_its_alias_before_it_is_pinned() -> None:
    """Pinned alone, the new resource is created, and the old one is uninstalled with all that it just took."""
    each = only(judged([SETTINGS], told("up, refused for a resource that was renamed")))
    first = next(line for line in each.evidence if line.startswith("way 1"))
    assert "the resource was renamed: give gitops-fleet an alias" in first
    assert each.next == "give the resource gitops-fleet its old name as an alias, then pulumi up"
    assert any(line.startswith("way 2 (writes source): put the name") for line in each.evidence)


# The record is there and the owner's state is not.


@pytest.mark.parametrize("name", [PROGRESS, "up, the name pinned while its record is there"])
def test_a_release_in_force_is_imported(name: str) -> None:
    mine = obj("ConfigMap", "settings", release=NEW)
    found = judged([active(mine), mine], told(name, NEW))
    each = only(found)
    line = f"pulumi import kubernetes:helm.sh/v3:Release gitops-flux flux-system/{NEW}"
    assert each.severity.value == "block"
    assert each.next.endswith(line)
    assert f"  run: {line}" in each.evidence
    assert found.candidates == ()


def test_a_failed_record_of_the_one_name_is_imported_too() -> None:
    each = only(judged([record(OLD, 1, "failed"), SETTINGS], told(PROGRESS)))
    assert each.next.endswith(f"flux-system/{OLD}")


def test_a_renamed_resource_in_force_is_aliased_first_and_imported_only_else() -> None:
    mine = obj("ConfigMap", "settings", release=NEW)
    each = only(judged([active(mine), mine], told("up, refused for a resource that was renamed", NEW)))
    ways = [line for line in each.evidence if line.startswith("way ")]
    assert "an alias" in ways[0]
    assert "Never adopt to a new name then" in ways[0]
    assert "import it" in ways[1]
    yaml = "urn:pulumi:STACK::PROJECT::kubernetes:helm.sh/v3:Release::gitops-flux"
    assert any(line.startswith(f'  YAML: options: aliases: ["{yaml}"]') for line in each.evidence)


@pytest.mark.parametrize("recorded", [True, False])
def test_a_release_that_was_to_move_is_given_its_namespace_back(recorded: bool) -> None:
    role = obj("ClusterRole", "left", release=NEW)
    world = [active(role), role] if recorded else [role]
    each = only(judged(world, told("up, refused in another namespace", NEW)))
    assert each.next == "give the resource gitops-flux its namespace back: `namespace: flux-system`"


def test_the_release_in_force_that_pulumi_upgrades_under_its_own_name_is_known_to_it() -> None:
    bare = obj("ConfigMap", "settings", release=OLDER)
    error = read_error(TEXTS[PROGRESS].replace("gitops-flux-a8c9d185", NEW).replace("gitops-flux-f9c37ef9", OLDER))
    each = only(judged([active(), bare], error))
    assert f"the owner's upgrade of {NEW} is refused over 1 object" in each.summary
    assert "pulumi import" not in text_of(judged([active(), bare], error))


# Stamps of several names.


def test_mixed_stamps_are_adopted_to_one_name_that_is_pinned() -> None:
    world = [SETTINGS, stale(), stale("ConfigMap", "other", release=OLDER)]
    each = only(judged(world, told(PROGRESS)))
    assert each.next == f"pin one name, adopt to it what bears another: refloat preflight --expect {OLD}"
    found = judged(world, told(PROGRESS), OLD)
    assert decided(found, world[2]) == ("adopt", ("S3",))
    assert decided(found, SETTINGS) == decided(found, world[1]) == ("protect", ("S3",))
    assert f"with `name: {OLD}` in the program" in only(found).next


def test_an_object_without_a_whole_stamp_is_one_more_name() -> None:
    half = obj("ConfigMap", "settings", release=OLD)
    half["metadata"]["labels"] = {}
    each = only(judged([half, stale()], told(PROGRESS)))
    assert "an incomplete stamp or none" in each.summary
    assert each.next.startswith("pin one name, adopt")


def test_what_another_release_holds_is_told_to_refuse_the_pinned_name_too() -> None:
    theirs = obj("ConfigMap", "settings", release="other")
    each = only(judged([theirs, stale()], told(PROGRESS)))
    assert any("no release of gitops-flux: its own owner has to give it up first" in line for line in each.evidence)
    assert each.next.startswith(f"pin the release's name: `name: {OLD}`")


def test_a_stated_name_still_means_a_pinned_one_and_the_name_that_is_there_comes_first() -> None:
    found = judged([SETTINGS, stale()], told(PROGRESS), DRAWN)
    each = only(found)
    assert each.next.startswith(f"pin the release's name: `name: {OLD}`")
    assert f"or else: re-stamp them to {DRAWN}" in each.next
    assert f"{DRAWN} is used only where the program pins it, on its resource gitops-flux:" in each.evidence
    assert decided(found, SETTINGS) == ("adopt", ("S3",))


def test_a_stated_name_that_all_bears_by_now_is_let_go_on_with() -> None:
    each = only(judged([SETTINGS], told(PROGRESS), OLD))
    assert each.severity.value == "info"
    assert each.next.startswith(f"let the owner try again with {OLD}, pinned in its program")


# What is over, and what could not be verified.


def test_what_is_gone_stands_in_nobodys_way() -> None:
    each = only(judged([active()], told(PROGRESS)))
    assert each.severity.value == "info"
    assert "ConfigMap flux-system/settings: it is not there any more" in each.evidence


def test_a_record_that_came_back_lets_the_upgrade_through() -> None:
    each = only(judged([record(OLD)], told("up, values changed while the record is lost")))
    assert each.severity.value == "info"


def test_while_nothing_can_be_verified_nothing_is_told_to_do() -> None:
    each = only(judge([SETTINGS], [gap("Secret")], wish=Wish(error=told(PROGRESS))))
    assert "way 1" not in "".join(each.evidence)
    assert each.next.startswith("nothing of it may be touched while the family is unverifiable")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("up, no such chart", "could not get its chart"),
        ("up, no such repository", "could not get its chart"),
        ("up, the chart refuses its values", "refuses its values"),
        ("up, the cluster cannot be reached", "could not reach its cluster"),
        ("up, another passphrase", "own state could not be used"),
        ("up, locked by another", "own state could not be used"),
        ("up, no such stack", "own state could not be used"),
        ("up, atomic, failed over something else", "every object that bore its release's stamp was deleted"),
        ("up, failed over something else", "recorded as failed"),
        ("up, the old release to be uninstalled has no record", "has no record any more"),
        ("destroy, protected", "that its state protects"),
    ],
)
def test_what_failed_beside_objects_is_told_and_blocks_nothing(name: str, said: str) -> None:
    mine = obj("ConfigMap", "settings", release=NEW)
    found = judged([active(mine), mine], told(name))
    assert any(said in each.summary and each.severity.value == "warn" for each in findings(found, "refused-install"))
    assert found.verdict.value == "warn"


def test_a_failure_of_a_release_that_no_family_has_is_told_by_itself() -> None:
    stranger = OwnerError(failures=(Failure(Trouble.NO_DEPLOYED, "harbour-6", None, "harbour"),), tool=Tool.PULUMI)
    each = only(judge([active()], wish=Wish(error=stranger)))
    assert (each.severity.value, each.evidence[0]) == ("warn", "the owner's text is about harbour-6")


# Other owners.


def owned_by(*marks: Mark, command: str | None = None) -> Contract:
    """A contract whose family's owner has these marks, and names that nobody draws."""
    owner = replace(CONTRACT.owners["pulumi"], marks=marks, reconcile=None)
    return contract(
        releases=(replace(FAMILY, generated=None, match="gitops-flux-*"),), owners={**CONTRACT.owners, "pulumi": owner}
    )


def test_helm_by_hand_installs_as_the_name_that_is_there() -> None:
    (each,) = findings(judge([stale()], by=owned_by()), "release-absent")
    assert each.next.startswith(f"install as the name that is there: helm upgrade --install {OLD} CHART -n flux-system")
    assert "pulumi" not in "".join(each.evidence)


def test_a_helm_release_installs_as_the_name_that_is_there() -> None:
    by = owned_by(Mark(manager=("helm-controller",)))
    (each,) = findings(judge([stale()], by=by), "release-absent")
    assert each.next.startswith(f"let the HelmRelease install as the name that is there: spec.releaseName: {OLD}")


def test_whose_words_a_text_is_tells_more_than_the_contract() -> None:
    helm = "Error: INSTALLATION FAILED: " + TEXTS[PROGRESS].partition("error: ")[2].split("\n")[0]
    error = read_error(helm.replace("gitops-flux-f9c37ef9", OLD))
    each = only(judged([SETTINGS], error))
    assert each.next.startswith(f"install as the name that is there: helm upgrade --install {OLD} CHART")
    assert "or else: re-stamp them to gitops-flux-a8c9d185" in each.next


# Refresh.


@pytest.mark.parametrize("expected", [None, DRAWN, OLD])
@pytest.mark.parametrize("name", TEXTS)
def test_no_refresh_is_ever_asked_for_while_the_record_is_lost(name: str, expected: str | None) -> None:
    found = judge([SETTINGS, stale()], wish=Wish(expected, error=told(name)))
    for line in text_of(found).split("\n"):
        assert "pulumi refresh" not in line or line.startswith("do not run pulumi refresh"), line


def test_the_contracts_own_line_is_told_with_what_it_would_do() -> None:
    (lost,) = judge([stale()]).families
    (kept,) = judge([active()]).families
    command = "pulumi refresh --yes"
    assert refresh_told(command, lost).startswith(
        "not pulumi refresh --yes while no release of gitops-flux is in force"
    )
    assert refresh_told(command, kept).startswith(f"pulumi refresh --yes finds nothing to do for {NEW}")
    assert refresh_told("terraform plan -refresh-only", kept) == refresh_told(command, None) == ""
    assert "the next pulumi up draws a new name" in refresh_warning(command)
    assert refresh_warning("flux reconcile source git flux-system") == ""


# Names of anybody's.


@given(
    resource=st.text(min_size=1, max_size=40),
    failures=st.lists(st.builds(Failure, st.sampled_from(Trouble), st.sampled_from(["", OLD, "x"])), max_size=3),
)
def test_no_name_of_a_text_gets_into_a_line_to_copy_but_a_plain_one(resource: str, failures: list[Failure]) -> None:
    conflict = told(PROGRESS).conflicts[0]
    wanted = (Wanted(conflict.wanted_release or "", None, resource),)
    error = OwnerError((conflict,), wanted, failures=tuple(failures), tool=Tool.PULUMI)
    lines: list[Any] = [line for each in judge([SETTINGS], wish=Wish(error=error)).findings for line in each.evidence]
    for line in lines:
        if line.startswith("  run: "):
            assert set(line) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .:/,='_-")
