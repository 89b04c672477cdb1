"""What a Helm release's upgrade, its uninstall, its hooks and whoever runs it do to an object, and what each reads.

Each row was tried with Helm 3.22 and 4.3 on a real kube-apiserver (``tests/live/test_acts_live.py``).
"""

import base64
from typing import Any

import pytest

from tests.clusters import FLUX_SYSTEM, document, obj, record
from tests.ownership.acting import KEEP, LABELS, POLICY, THING, effects, held, hook, of_act, thing, told, written
from tests.ownership.flux_world import NOW, helm_release, kustomization, read
from tests.ownership.judging import gap, weigh
from tui.objects import Json
from tui.ownership.acts.model import Act
from tui.ownership.outlook import Outlooks

OWNER = f"Helm release {FLUX_SYSTEM}/mine"
DELETES, KEEPS, UNKNOWN = "deletes", "keeps", "unknown"


def release(*documents: Json, name: str = "mine", method: str = "", **payload: Any) -> Json:
    return record(name, 1, "deployed", documents, method=method, **payload)


@pytest.mark.parametrize(
    ("live", "stored", "upgrade", "uninstall"),
    [
        ({}, None, DELETES, DELETES),
        (KEEP, None, KEEPS, DELETES),
        ({}, "keep", DELETES, KEEPS),
        (KEEP, "keep", KEEPS, KEEPS),
        ({}, " Keep ", DELETES, KEEPS),
        ({}, "delete", DELETES, KEEPS),
        ({}, "", DELETES, KEEPS),
        ({POLICY: "Keep"}, None, DELETES, DELETES),
        ({POLICY: " keep"}, None, DELETES, DELETES),
        ({POLICY: "delete"}, None, DELETES, DELETES),
    ],
)
def test_an_upgrade_reads_the_live_object_and_an_uninstall_the_stored_manifest(
    live: dict[str, str], stored: str | None, upgrade: str, uninstall: str
) -> None:
    body = thing(release="mine", annotations=live)
    found = effects(body, release(written(body, stored)))
    assert found == {(OWNER, "upgrade"): upgrade, (OWNER, "uninstall"): uninstall}


def test_what_does_not_help_is_named_beside_what_does() -> None:
    body = thing(release="mine", annotations=KEEP)
    uninstall = of_act(Act.UNINSTALL, body, release(written(body)))
    assert "keep is on the live object alone, which an uninstall does not read" in uninstall.because
    assert uninstall.keep == (
        "helm.sh/resource-policy: keep in the chart and one upgrade with it,"
        " because an uninstall reads the stored manifest"
    )
    plain = thing(release="mine")
    upgrade = of_act(Act.UPGRADE, plain, release(written(plain, "keep")))
    assert "keep is in the stored manifest alone, which an upgrade does not read" in upgrade.because
    assert upgrade.keep is not None
    assert (
        "on the live object, where an upgrade reads it (kubectl annotate configmap thing -n flux-system" in upgrade.keep
    )


@pytest.mark.parametrize(
    ("marks", "asks"),
    [
        ({"release": "mine"}, "it bears its stamp"),
        (
            {"release": "other"},
            "though it bears the stamp of other, Helm 3 and Helm 4 before 4.3 do not ask; Helm 4.3 asks",
        ),
        ({}, "though it lacks its whole stamp, Helm 3"),
        ({"release": "mine", "release_namespace": "apps"}, "though it lacks its whole stamp, Helm 3"),
    ],
)
def test_only_helm_4_3_asks_whose_stamp_it_is_and_only_before_an_uninstall(marks: dict[str, str], asks: str) -> None:
    body = thing(**marks)
    found = told(body, release(written(body)))
    assert asks in found[OWNER, "uninstall"].because
    assert found[OWNER, "uninstall"].effect.value == DELETES
    assert "whoever's stamp it bears, Helm 3 and 4.3 do not ask" in found[OWNER, "upgrade"].because
    assert found[OWNER, "upgrade"].effect.value == DELETES


def test_a_label_that_is_gone_makes_the_stamp_half() -> None:
    body = thing(release="mine")
    body["metadata"]["labels"] = {}
    assert "lacks its whole stamp" in of_act(Act.UNINSTALL, body, release(written(body))).because


def test_of_a_list_only_its_own_annotation_stops_an_uninstall() -> None:
    body = thing(release="mine")
    wrapped = {"apiVersion": "v1", "kind": "List", "items": [written(body, "keep")]}
    assert of_act(Act.UNINSTALL, body, release(wrapped)).effect.value == DELETES
    headed = {**wrapped, "metadata": {"annotations": KEEP}, "items": [written(body)]}
    assert of_act(Act.UNINSTALL, body, release(headed)).effect.value == KEEPS


def test_each_act_starts_from_its_own_revision() -> None:
    body = thing(release="mine")
    dropped = [release(written(body)), record("mine", 2, "failed")]
    assert effects(body, *dropped) == {(OWNER, "upgrade"): DELETES, (OWNER, "uninstall"): KEEPS}
    added = [record("mine", 1, "deployed"), record("mine", 2, "failed", [written(body)])]
    assert effects(body, *added) == {(OWNER, "upgrade"): KEEPS, (OWNER, "uninstall"): DELETES}
    over = [record("mine", 1, "superseded", [written(body)]), record("mine", 2, "failed", [written(body)])]
    assert effects(body, *over) == {(OWNER, "upgrade"): DELETES, (OWNER, "uninstall"): DELETES}


def test_an_uninstalled_release_acts_no_more() -> None:
    body = thing(release="mine")
    assert OWNER not in {owner for owner, _ in effects(body, record("mine", 1, "uninstalled", [written(body)]))}


def test_two_releases_that_list_it_are_told_apart() -> None:
    body = thing(release="b", annotations=KEEP)
    found = effects(body, release(written(body, "keep"), name="a"), release(written(body), name="b"))
    assert found == {
        (f"Helm release {FLUX_SYSTEM}/a", "upgrade"): KEEPS,
        (f"Helm release {FLUX_SYSTEM}/a", "uninstall"): KEEPS,
        (f"Helm release {FLUX_SYSTEM}/b", "upgrade"): KEEPS,
        (f"Helm release {FLUX_SYSTEM}/b", "uninstall"): DELETES,
    }


def test_a_manifest_that_cannot_be_read_leaves_both_acts_open() -> None:
    body = thing(release="mine")
    broken = record("mine", 1, "deployed", manifest="{")
    assert effects(body, broken) == {(OWNER, "upgrade"): UNKNOWN, (OWNER, "uninstall"): UNKNOWN}


def test_what_a_release_has_dropped_and_left_it_leaves_again() -> None:
    body = thing(release="mine", annotations=KEEP)
    past = [record("mine", 1, "superseded", [written(body)]), record("mine", 2, "deployed")]
    assert effects(body, *past) == {(OWNER, "upgrade"): KEEPS, (OWNER, "uninstall"): KEEPS}


def test_a_stamp_that_no_record_bears_out_leaves_it_open() -> None:
    assert effects(thing(release="mine")) == {("owner helm", "prune"): UNKNOWN}


def test_records_that_could_not_be_read_are_not_taken_for_absent() -> None:
    body = thing(release="mine")
    assert effects(body, gaps=[gap("ConfigMap")]) == {}, "it could not be read itself"
    role = obj("ClusterRole", "role", release="mine")
    assert effects(role, gaps=[gap("Secret")]) == {(OWNER, "upgrade"): UNKNOWN, (OWNER, "uninstall"): UNKNOWN}
    assert effects(obj("ClusterRole", "role"), gaps=[gap("Secret")]) == {
        ("a release that could not be read", "upgrade"): UNKNOWN
    }


def test_nothing_is_done_to_what_is_not_live() -> None:
    gone = thing(release="mine")
    found = Outlooks(weigh(read(release(written(gone)))), NOW).of(THING)
    assert (found.live, found.consequences) == (False, ())


@pytest.mark.parametrize(
    ("applies", "manager", "upgrade"),
    [
        (True, "kubectl-annotate", DELETES),
        (True, "kubectl-edit", DELETES),
        (True, "rescue", KEEPS),
        (False, "kubectl-annotate", KEEPS),
    ],
)
def test_a_keep_set_by_kubectl_does_not_last_where_a_kustomization_applies_the_object(
    applies: bool, manager: str, upgrade: str
) -> None:
    body = held(thing(release="mine", labels=LABELS, annotations=KEEP), POLICY, (manager, "Update"))
    others = [release(written(body)), *([kustomization(body)] if applies else [])]
    found = told(body, *others)[OWNER, "upgrade"]
    assert found.effect.value == upgrade
    if upgrade == DELETES:
        assert f"only {manager} holds it, and Kustomization flux-system/sync takes that away" in found.because
        assert found.keep is not None
        assert "--field-manager=rescue" in found.keep


# Hooks and definitions.


@pytest.mark.parametrize(
    ("events", "upgrade", "uninstall"),
    [
        (("pre-upgrade",), DELETES, KEEPS),
        (("post-upgrade", "pre-install"), DELETES, KEEPS),
        (("pre-delete",), KEEPS, DELETES),
        (("post-delete",), KEEPS, DELETES),
        (("pre-install",), KEEPS, KEEPS),
        (("pre-rollback",), KEEPS, KEEPS),
        (("test",), KEEPS, KEEPS),
    ],
)
def test_a_hook_dies_with_the_act_that_runs_it_and_no_policy_protects_it(
    events: tuple[str, ...], upgrade: str, uninstall: str
) -> None:
    body = thing(release="other", annotations=KEEP)
    found = told(body, release(hooks=[hook(body, *events)]))
    assert {act: each.effect.value for (_, act), each in found.items()} == {"upgrade": upgrade, "uninstall": uninstall}
    assert all(each.keep and "--no-hooks" in each.keep for each in found.values() if each.effect.value == DELETES)


@pytest.mark.parametrize(
    ("policies", "method", "effect"),
    [
        ((), "csa", DELETES),
        (("before-hook-creation",), "ssa", DELETES),
        (("before-hook-creation", "hook-succeeded"), "csa", DELETES),
        (("hook-succeeded",), "csa", KEEPS),
        (("hook-failed",), "csa", KEEPS),
        (("hook-succeeded",), "ssa", UNKNOWN),
        (("hook-failed",), "ssa", UNKNOWN),
    ],
)
def test_what_a_hook_does_to_what_is_there(policies: tuple[str, ...], method: str, effect: str) -> None:
    body = thing()
    found = of_act(Act.UPGRADE, body, release(hooks=[hook(body, "pre-upgrade", policies=policies)], method=method))
    assert found.effect.value == effect


def test_one_object_may_be_several_hooks_and_the_worst_counts() -> None:
    body = thing()
    hooks = [hook(body, "pre-upgrade", policies=("hook-failed",)), hook(body, "post-upgrade")]
    assert of_act(Act.UPGRADE, body, release(hooks=hooks)).effect.value == DELETES


def test_a_hook_of_which_only_kind_and_name_are_known_leaves_it_open() -> None:
    body = thing()
    broken = {**hook(body, "pre-upgrade"), "manifest": "{"}
    found = told(body, release(hooks=[broken]))
    assert found[OWNER, "upgrade"].effect.value == UNKNOWN
    assert (OWNER, "uninstall") not in found


def test_a_definition_is_never_deleted_as_a_hook_nor_from_the_crds_folder() -> None:
    crd = obj("CustomResourceDefinition", "piers.example.com", spec={"group": "example.com"})
    assert of_act(Act.UPGRADE, crd, release(hooks=[hook(crd, "pre-upgrade")])).effect.value == KEEPS
    text = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata:\n  name: piers.example.com\n"
    files = [{"name": "crds/pier.yaml", "data": base64.b64encode(text.encode()).decode()}]
    chart = {"metadata": {"name": "flux2", "version": "1.0.0"}, "files": files}
    found = told(crd, release(chart=chart))
    assert {act: each.effect.value for (_, act), each in found.items()} == {"upgrade": KEEPS, "uninstall": KEEPS}
    assert all("crds/ folder" in each.because for each in found.values())
    listed = effects(crd, release(document(crd), chart=chart))
    assert set(listed.values()) == {DELETES}


# Who runs the release.


@pytest.mark.parametrize(
    ("manager", "owner", "stored", "effect"),
    [
        ("pulumi-kubernetes", "Pulumi", None, UNKNOWN),
        ("pulumi-resource-kubernetes", "Pulumi", None, UNKNOWN),
        ("pulumi-resource-kubernetes", "Pulumi", "keep", KEEPS),
        ("terraform-provider-helm_v2.17.0", "Terraform", None, DELETES),
        ("terraform-provider-helm_v2.17.0", "Terraform", "keep", KEEPS),
    ],
)
def test_a_program_that_runs_the_release_uninstalls_it_when_it_leaves_the_program(
    manager: str, owner: str, stored: str | None, effect: str
) -> None:
    body = thing(release="mine", managers=[(manager, "Update")])
    found = of_act(Act.DESTROY, body, release(written(body, stored)))
    assert (found.owner, found.effect.value) == (f"{OWNER} (run by {owner})", effect)


def test_a_program_s_uninstall_asks_nobody_whose_stamp_it_is() -> None:
    body = thing(release="mine", managers=[("terraform-provider-helm_v2", "Update")])
    body["metadata"]["labels"] = {}
    assert "Helm 3, which runs here, does not ask" in of_act(Act.DESTROY, body, release(written(body))).because


def test_a_release_run_by_hand_leaves_no_program() -> None:
    body = thing(release="mine", managers=[("helm", "Apply")])
    assert not [act for _, act in effects(body, release(written(body))) if act == "destroy"]


HELM_LABELS = {"helm.toolkit.fluxcd.io/name": "app", "helm.toolkit.fluxcd.io/namespace": FLUX_SYSTEM}
RELEASE = f"HelmRelease {FLUX_SYSTEM}/app"


def run_by_flux(body: Json, stored: str | None = None, *, storage: str = FLUX_SYSTEM, **spec: Any) -> list[Json]:
    holder = helm_release(body, **spec)
    holder["status"]["storageNamespace"] = storage
    return [holder, release(written(body, stored), name="app")]


@pytest.mark.parametrize(
    ("live", "stored", "spec", "storage", "expected"),
    [
        ({}, None, {}, FLUX_SYSTEM, (DELETES, DELETES, DELETES)),
        (KEEP, None, {}, FLUX_SYSTEM, (KEEPS, DELETES, DELETES)),
        ({}, "keep", {}, FLUX_SYSTEM, (DELETES, KEEPS, KEEPS)),
        ({}, None, {"suspend": True}, FLUX_SYSTEM, (DELETES, DELETES, KEEPS)),
        ({}, None, {}, "", (DELETES, DELETES, KEEPS)),
    ],
)
def test_a_helm_release_upgrades_as_helm_does_and_uninstalls_when_it_goes(
    live: dict[str, str], stored: str | None, spec: Json, storage: str, expected: tuple[str, ...]
) -> None:
    body = thing(release="app", labels=HELM_LABELS, annotations=live, managers=[("helm-controller", "Apply")])
    found = effects(body, *run_by_flux(body, stored, storage=storage, **spec))
    acts = ("upgrade", "uninstall", "delete-owner")
    assert found == {(RELEASE, act): effect for act, effect in zip(acts, expected, strict=True)}


def test_a_helm_release_s_uninstall_asks_nobody_and_comes_with_a_changed_name_too() -> None:
    body = thing(release="other", managers=[("helm-controller", "Apply")])
    found = told(body, *run_by_flux(body))
    uninstall = found[RELEASE, "uninstall"].because
    assert "though it bears the stamp of other, Helm 4.2, which runs here, does not ask" in uninstall
    assert "uninstalls too when its releaseName, targetNamespace, storageNamespace or chart name changes" in uninstall
    assert "Helm 4.2, which runs here, does not ask" in found[RELEASE, "delete-owner"].because


def test_a_helm_release_whose_record_is_not_there_leaves_it_open() -> None:
    body = thing(labels=HELM_LABELS)
    assert effects(body, helm_release(body)) == {
        (RELEASE, "upgrade"): UNKNOWN,
        (RELEASE, "uninstall"): UNKNOWN,
        (RELEASE, "delete-owner"): UNKNOWN,
    }
    assert effects(body, helm_release(body, suspend=True))[RELEASE, "delete-owner"] == KEEPS


def test_a_helm_release_of_another_cluster_does_not_run_the_release_here() -> None:
    body = thing(release="app")
    found = effects(body, *run_by_flux(body, kubeConfig={"secretRef": {"name": "other"}}))
    assert {owner for owner, _ in found} == {f"Helm release {FLUX_SYSTEM}/app"}


def test_a_helm_release_that_could_not_be_read_is_not_taken_for_absent() -> None:
    body = thing(labels=HELM_LABELS)
    assert effects(body, gaps=[gap("HelmRelease")])[RELEASE, "prune"] == UNKNOWN
