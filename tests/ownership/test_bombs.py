"""Delete bombs: what a release's uninstall, its upgrade and its hooks would take from another, told for either Helm."""

import pytest

from tests.clusters import document, obj, record
from tests.ownership.acting import KEEP, hook, written
from tests.ownership.flux_world import kustomization, read
from tests.ownership.judging import CONTRACT, NEW, OLD, active, findings, judge, weigh
from tui.objects import Json
from tui.ownership.model import Finding

BOTH = f"uninstalling {OLD} (Helm 3), or upgrading {OLD} to a chart without it (Helm 3 and 4.3), would delete 1 object"


def bombs(*objects: Json) -> dict[str, Finding]:
    return {each.summary: each for each in findings(judge(objects), "delete-bomb")}


def only(*objects: Json) -> Finding:
    (found,) = bombs(*objects).values()
    return found


def test_each_act_is_told_by_itself_and_in_both_directions() -> None:
    one, two, own = (
        obj("ClusterRole", "one", release=NEW),
        obj("ClusterRole", "two", release=OLD),
        obj("ServiceAccount", "own", release=OLD),
    )
    told = bombs(active(one, two), record(OLD, 1, "superseded", map(document, [one, two, own])), one, two, own)
    uninstall, spared, upgrade, back, line = told[f"{BOTH} stamped {NEW}"].evidence[:5]
    assert uninstall.startswith(
        "an uninstall by Helm 3, or by what embeds any Helm (Pulumi, Terraform, helm-controller)"
    )
    assert uninstall.endswith("deletes it and asks nobody whose it is")
    assert spared.startswith("an uninstall by Helm 4.3: asks whose each is and leaves it")
    assert spared.endswith(f"deletes the 2 that bear the stamp of {OLD} itself")
    assert upgrade.startswith(
        "an upgrade to a chart without it, or a rollback to such a revision, by Helm 3 and by Helm"
    )
    assert upgrade.endswith("deletes it, whoever's stamp it bears")
    assert back.startswith(f"the other way round: uninstalling {NEW} (Helm 3) would delete 1 object stamped {OLD}")
    assert back.endswith("upgrading it to a chart without it 1 object")
    assert line == f"ClusterRole one: listed by {OLD} revision 1, stamped {NEW}"


def test_no_text_says_that_helm_4_leaves_it_without_the_upgrade_beside_it() -> None:
    shared = obj("ClusterRole", "a", release=NEW)
    each = only(active(shared), record(OLD, 1, "deployed", [document(shared)]), shared)
    (leaves,) = [line for line in each.evidence if "leaves it" in line]
    assert leaves.startswith("an uninstall by Helm 4.3")
    assert any("an upgrade" in line and "Helm 4.3" in line and "deletes it" in line for line in each.evidence)


def test_the_way_out_begins_with_what_an_upgrade_reads() -> None:
    shared = obj("ConfigMap", "shared", "flux-system", release=NEW)
    then = only(active(shared), record(OLD, 1, "deployed", [document(shared)]), shared).next
    first, _, rest = then.partition("; never run helm uninstall")
    assert first == (
        "before an upgrade drops it, put helm.sh/resource-policy: keep on the live object (kubectl annotate configmap"
        " shared -n flux-system helm.sh/resource-policy=keep --field-manager=rescue) and in the chart of " + OLD
    )
    assert "retire its records" in rest


@pytest.mark.parametrize(
    ("live", "stored", "uninstalls", "upgrades"),
    [
        ({}, None, True, True),
        (KEEP, None, True, False),
        ({}, "keep", False, True),
        ({}, " Keep ", False, True),
        ({}, "delete", False, True),
        ({"helm.sh/resource-policy": "Keep"}, None, True, True),
        (KEEP, "keep", False, False),
    ],
)
def test_what_keeps_it_counts_where_the_act_reads_it(
    live: dict[str, str], stored: str | None, uninstalls: bool, upgrades: bool
) -> None:
    shared = obj("ConfigMap", "shared", release=NEW, annotations=live)
    found = bombs(active(shared), record(OLD, 1, "deployed", [written(shared, stored)]), shared)
    told = "".join(found)
    assert ("uninstalling" in told, "upgrading" in told) == (uninstalls, upgrades)
    for each in found.values():
        assert any(line.startswith("an uninstall by Helm 3") for line in each.evidence) is uninstalls
        assert any(line.startswith("an upgrade to a chart without it") for line in each.evidence) is upgrades


def test_a_keep_that_the_next_apply_takes_away_keeps_nothing() -> None:
    shared = obj("ConfigMap", "shared", release=NEW, annotations=KEEP)
    marks = {"kustomize.toolkit.fluxcd.io/name": "sync", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"}
    shared["metadata"]["labels"] |= marks
    held: Json = {"f:metadata": {"f:annotations": {"f:helm.sh/resource-policy": {}}}}
    for manager, upgrades in (("kubectl-annotate", True), ("rescue", False)):
        fields = shared["metadata"]["managedFields"][:1]
        fields = [*fields, {"manager": manager, "operation": "Update", "fieldsV1": held}]
        body = {**shared, "metadata": {**shared["metadata"], "managedFields": fields}}
        world = read(active(body), record(OLD, 1, "deployed", [document(body)]), body, kustomization(body))
        (each,) = findings(weigh(world, by=CONTRACT), "delete-bomb")
        assert ("upgrading" in each.summary) is upgrades, manager


def test_an_uninstall_reads_the_newest_revision_and_an_upgrade_the_one_in_force() -> None:
    shared = obj("ClusterRole", "a", release=NEW)
    older = [record(OLD, 1, "deployed", [document(shared)]), record(OLD, 2, "failed")]
    assert list(bombs(active(shared), *older, shared)) == [
        f"upgrading {OLD} to a chart without it (Helm 3 and 4.3) would delete 1 object stamped {NEW}"
    ]
    newer = [record(OLD, 1, "deployed"), record(OLD, 2, "failed", [document(shared)])]
    assert list(bombs(active(shared), *newer, shared)) == [
        f"uninstalling {OLD} (Helm 3) would delete 1 object stamped {NEW}"
    ]


def test_a_release_that_is_not_recorded_cannot_be_uninstalled() -> None:
    shared = obj("ClusterRole", "a", release="other")
    each = only(record("mine", 1, "deployed", [document(shared)]), shared)
    assert each.evidence[3] == "the other way round: other is not recorded, so nobody can uninstall or upgrade it"


def test_every_shared_object_is_a_resource_and_the_lines_are_bounded() -> None:
    shared = [obj("ConfigMap", f"c{number:03}", release=NEW) for number in range(250)]
    each = only(active(*shared), record(OLD, 1, "superseded", map(document, shared)), *shared)
    assert (len(each.resources), len(each.evidence)) == (250, 208)
    assert "and 50 more" in each.evidence


def test_releases_of_no_family_are_left_to_their_owners() -> None:
    shared = obj("ClusterRole", "a", release="other", release_namespace="apps")
    each = only(record("mine", 1, "deployed", [document(shared)]), shared)
    assert "other in apps" in each.summary
    assert "agree with both owners" in each.next


RAN = {"last_run": {"phase": "Succeeded"}}


@pytest.mark.parametrize("ran", [{}, RAN], ids=["never run", "run"])
@pytest.mark.parametrize("kind", ["ConfigMap", "ClusterRole", "ServiceAccount", "Secret", "Job"])
def test_a_hook_takes_what_bears_anothers_stamp_run_or_not(kind: str, ran: Json) -> None:
    taken = obj(kind, "taken", release="other", release_namespace="apps")
    stored = record("mine", 1, "deployed", hooks=[hook(taken, "pre-upgrade", **ran)])
    each = only(stored, record("other", 1, "deployed", [document(taken)], namespace="apps"), taken)
    assert {(ref.kind, ref.name) for ref in each.resources} == {(kind, "taken")}
    assert each.summary == "the next run of mine's hooks would delete 1 object of other in apps"
    assert "helm.sh/resource-policy protects no hook" in each.evidence[0]
    assert "before-hook-creation, the default" in each.evidence[2]
    assert each.next.startswith("run mine with --no-hooks")
    assert "uninstall" not in each.next


@pytest.mark.parametrize(
    ("policies", "method", "kind", "counts"),
    [
        ((), "", "ConfigMap", True),
        (("before-hook-creation",), "", "ConfigMap", True),
        (("before-hook-creation", "hook-succeeded"), "ssa", "ConfigMap", True),
        (("hook-succeeded",), "ssa", "ConfigMap", True),
        (("hook-failed",), "ssa", "ConfigMap", True),
        (("hook-succeeded",), "", "ConfigMap", False),
        (("hook-failed",), "csa", "ConfigMap", False),
        ((), "", "CustomResourceDefinition", False),
    ],
)
def test_a_hook_counts_where_its_next_run_deletes_what_is_there(
    policies: tuple[str, ...], method: str, kind: str, counts: bool
) -> None:
    """Tried: without before-hook-creation a client-side hook fails over what is there, and leaves it."""
    taken = obj(kind, "taken", release="other")
    stored = record("mine", 1, "deployed", hooks=[hook(taken, "post-upgrade", policies=policies)], method=method)
    assert bool(bombs(stored, taken)) is counts


def test_an_unstamped_hook_is_whoever_elses_who_lists_or_uses_it() -> None:
    plain = obj("ServiceAccount", "runner")
    mine = record("mine", 1, "deployed", hooks=[hook(plain, "pre-install")])
    assert bombs(mine, plain) == {}
    lists = record("other", 1, "deployed", [document(plain)])
    assert "of other" in only(mine, lists, plain).summary
    pod = {"template": {"spec": {"serviceAccountName": "runner"}}}
    user = obj("Deployment", "web", release="other", spec=pod)
    uses = record("other", 1, "deployed", [document(user)])
    assert "of other" in only(mine, uses, plain, user).summary
    own = obj("Deployment", "web", release="mine", spec=pod)
    alone = record("mine", 1, "deployed", [document(own)], hooks=[hook(plain, "pre-install")])
    assert bombs(alone, plain, own) == {}


def test_a_hook_over_what_a_former_generation_left_asks_what_counts_on_it() -> None:
    """incidents/04: the hooks that the active release uses bear the stamp of the one before."""
    left = obj("ConfigMap", "app", release=OLD)
    each = only(active(hooks=[hook(left, "pre-upgrade")]), left)
    assert each.next.startswith("see whether anything counts on what it holds now (refloat explain)")
    assert "uninstall" not in each.next


def test_a_hook_of_a_failed_newest_revision_counts_too() -> None:
    taken = obj("ConfigMap", "taken", release="other")
    stored = [record("mine", 1, "deployed"), record("mine", 2, "failed", hooks=[hook(taken, "pre-upgrade")])]
    assert bombs(*stored, taken)
    over = [record("mine", 1, "superseded", hooks=[hook(taken, "pre-upgrade")]), record("mine", 2, "deployed")]
    assert bombs(*over, taken) == {}
