"""What happens next: who re-creates or reverts an object, when, and why not. Owners' acts are in ``test_acts_*``."""

from datetime import timedelta
from typing import Any

import pytest

from tests.clusters import FLUX_SYSTEM, obj
from tests.ownership.flux_world import (
    LATE,
    LIVING,
    NOW,
    controller,
    helm_release,
    kustomization,
    lease,
    read,
)
from tests.ownership.judging import NEW, active, gap, key_of, stale, weigh
from tui.objects import Json, Key, Live
from tui.ownership.outlook import Event, Outlook, Outlooks, after

KUSTOMIZE = "kustomize.toolkit.fluxcd.io/"
LABELS = {f"{KUSTOMIZE}name": "sync", f"{KUSTOMIZE}namespace": FLUX_SYSTEM}
MINE = [("kustomize-controller", "Apply")]


def thing(**parts: Any) -> Json:
    return obj("ConfigMap", "thing", "apps", **{"labels": LABELS, "managers": MINE, **parts})


THING = key_of("ConfigMap", "thing", "apps")


def look(*objects: Json, key: Key = THING, gaps: Any = ()) -> Outlook:
    return Outlooks(weigh(read(*objects, gaps=gaps)), NOW).of(key)


def says(outlook: Outlook, event: Event) -> str:
    return " | ".join(prospect.text for prospect in outlook.of(event))


def test_a_kustomization_brings_back_and_sets_back_what_it_lists() -> None:
    body = thing()
    found = look(body, kustomization(body), *LIVING)
    assert [found.acts(event) for event in Event] == [True, True]
    assert says(found, Event.DELETED) == (
        "Kustomization flux-system/sync re-creates it within 6 min, by 12:06 UTC (every 10 min, last 4 min ago)"
    )
    assert "sets back every field that its manifest sets, by force within 6 min" in says(found, Event.CHANGED)


def test_a_suspended_kustomization_does_nothing() -> None:
    body = thing()
    found = look(body, kustomization(body, suspend=True), *LIVING)
    assert found.acts(Event.DELETED) is False
    assert "it is SUSPENDED" in says(found, Event.DELETED)


def test_what_a_kustomization_lists_on_another_cluster_is_not_what_is_here() -> None:
    body, remote = thing(labels={}, managers=[]), {"secretRef": {"name": "other"}}
    assert says(look(body, kustomization(body, kubeConfig=remote), *LIVING), Event.DELETED).startswith("nobody")
    # A kubeconfig may well lead back here: the object's own labels say so.
    mine = thing()
    assert look(mine, kustomization(mine, kubeConfig=remote), *LIVING).acts(Event.DELETED) is True


@pytest.mark.parametrize(
    ("living", "acts", "why"),
    [
        ((), False, "no Deployment kustomize-controller is there"),
        ((controller("kustomize-controller", replicas=0),), False, "is scaled to zero"),
        (
            (controller("kustomize-controller", status={"conditions": [{"type": "Available", "status": "False"}]}),),
            False,
            "is not available",
        ),
        ((controller("kustomize-controller", status={}),), None, "does not say whether it is available"),
        ((controller("kustomize-controller"), lease("kustomize-controller", LATE)), False, "was last renewed 4 h ago"),
        ((controller("kustomize-controller"),), True, ""),
        ((lease("kustomize-controller", "2026-11-23T11:59:50Z"),), True, ""),
        ((controller("kustomize-controller", "elsewhere"),), True, ""),
    ],
)
def test_a_dead_controller_does_nothing_however_ready_its_objects_look(
    living: tuple[Json, ...], acts: bool | None, why: str
) -> None:
    body = thing()
    found = look(body, kustomization(body), *living)
    assert found.acts(Event.DELETED) is acts
    assert why in says(found, Event.DELETED)


def test_a_controller_that_could_not_be_read_is_neither_alive_nor_dead() -> None:
    body = thing()
    found = look(body, kustomization(body), gaps=(gap("Deployment"),))
    assert found.acts(Event.DELETED) is None
    assert says(found, Event.DELETED).startswith("could not tell: Kustomization flux-system/sync may re-create it")


def test_a_shard_is_run_by_a_controller_of_another_name() -> None:
    body, sync = thing(), kustomization(thing())
    sync["metadata"]["labels"]["sharding.fluxcd.io/key"] = "two"
    assert look(body, sync, *LIVING).acts(Event.DELETED) is None


def test_a_failing_or_overdue_kustomization_may_or_may_not() -> None:
    body = thing()
    failing = look(body, kustomization(body, ready="False", retryInterval="2m"), *LIVING)
    assert failing.acts(Event.CHANGED) is None
    assert "its last attempt failed (R: m)" in says(failing, Event.CHANGED)
    late = kustomization(body)
    late["status"]["history"] = [{"lastReconciled": LATE}]
    assert "overdue since" in says(look(body, late, *LIVING), Event.DELETED)
    assert look(body, late, *LIVING).acts(Event.DELETED) is None


@pytest.mark.parametrize("where", ["labels", "annotations"])
@pytest.mark.parametrize("value", ["disabled", "Disabled"])
def test_what_is_excluded_from_reconciling_is_left_alone(where: str, value: str) -> None:
    marks = {f"{KUSTOMIZE}reconcile": value}
    body = thing(**({"labels": LABELS | marks} if where == "labels" else {"annotations": marks}))
    found = look(body, kustomization(body), *LIVING)
    assert found.acts(Event.CHANGED) is False
    # The mark on the live object goes with it: whether git has it as well cannot be read here.
    assert found.acts(Event.DELETED) is None
    held = thing(annotations={f"{KUSTOMIZE}reconcile": value})
    held["metadata"]["managedFields"] = [
        {
            "manager": "kustomize-controller",
            "operation": "Apply",
            "fieldsV1": {"f:metadata": {"f:annotations": {f"f:{KUSTOMIZE}reconcile": {}}}},
        }
    ]
    assert look(held, kustomization(held), *LIVING).acts(Event.DELETED) is False


@pytest.mark.parametrize(
    ("ssa", "acts"), [("Ignore", False), ("Merge", True), ("Override", True), ("ifNotPresent", True)]
)
def test_ssa_marks_say_what_is_set_back(ssa: str, acts: bool) -> None:
    body = thing(annotations={f"{KUSTOMIZE}ssa": ssa})
    found = look(body, kustomization(body), *LIVING)
    assert found.acts(Event.CHANGED) is acts
    assert ("stays: ssa: Merge" in says(found, Event.CHANGED)) is (ssa == "Merge")


def test_a_ghost_label_brings_nobody() -> None:
    body = thing(managers=[])
    listed = look(body, kustomization(), *LIVING)
    assert [listed.acts(event) for event in Event] == [False, False]
    assert "bears its label, but is not in its inventory" in says(listed, Event.CHANGED)
    elsewhere = look(body, *LIVING)
    assert "which does not exist here: only a Flux in another cluster would" in says(elsewhere, Event.DELETED)
    assert [elsewhere.acts(event) for event in Event] == [None, None]
    assert look(body, *LIVING, gaps=(gap("Kustomization"),)).acts(Event.CHANGED) is None


HELM_LABELS = {"helm.toolkit.fluxcd.io/name": "app", "helm.toolkit.fluxcd.io/namespace": FLUX_SYSTEM}


def released(**parts: Any) -> Json:
    return thing(**{"labels": HELM_LABELS, "managers": [("helm-controller", "Apply")], **parts})


def test_a_helm_release_does_not_look_after_its_objects_unless_told_to() -> None:
    body = released()
    off = look(body, helm_release(body), *LIVING)
    assert (off.acts(Event.DELETED), off.acts(Event.CHANGED)) == (False, False)
    assert (
        "does not re-create it before its next upgrade, with another chart or other values: drift detection is off"
        in says(off, Event.DELETED)
    )
    warned = look(body, helm_release(body, driftDetection={"mode": "warn"}), *LIVING)
    assert "only to warn" in says(warned, Event.DELETED)
    on = look(body, helm_release(body, driftDetection={"mode": "enabled"}), *LIVING)
    assert (on.acts(Event.DELETED), on.acts(Event.CHANGED)) == (True, True)
    assert "re-creates it within 5 min" in says(on, Event.DELETED)
    asleep = look(body, helm_release(body, driftDetection={"mode": "enabled"}, suspend=True), *LIVING)
    assert asleep.acts(Event.DELETED) is False


def test_an_object_can_opt_out_of_drift_detection() -> None:
    body = released(annotations={"helm.toolkit.fluxcd.io/driftDetection": "Disabled"})
    found = look(body, helm_release(body, driftDetection={"mode": "enabled"}), *LIVING)
    assert (found.acts(Event.DELETED), found.acts(Event.CHANGED)) == (False, False)


@pytest.mark.parametrize(
    ("target", "acts", "said"),
    [
        ({"kind": "ConfigMap"}, True, "but for /data/a, which it ignores"),
        ({"kind": "Secret"}, True, ""),
        ({"name": "th.*"}, None, "perhaps for /data/a"),
        ({"labelSelector": "a=b"}, None, "perhaps for /data/a"),
    ],
)
def test_ignore_rules_are_told_where_they_apply(target: Json, acts: bool | None, said: str) -> None:
    body = released()
    drift = {"mode": "enabled", "ignore": [{"paths": ["/data/a"], "target": target}]}
    found = look(body, helm_release(body, driftDetection=drift), *LIVING)
    assert found.acts(Event.CHANGED) is acts
    assert said in says(found, Event.CHANGED)
    assert ("ignores" in says(found, Event.CHANGED)) is bool(said)


def test_a_release_that_no_helm_release_runs_is_watched_by_nobody() -> None:
    role = obj("ClusterRole", "role", release=NEW)
    key = key_of("ClusterRole", "role")
    found = look(active(role), role, key=key)
    assert [found.acts(event) for event in Event] == [False, False]
    assert "before its owner's next upgrade: nothing watches it; pulumi reads the release's record" in says(
        found, Event.DELETED
    )
    lost = look(active(role), key=key)
    assert not lost.live
    (said,) = lost.lines
    assert said.startswith(
        f"while it is missing: Helm release {NEW} comes back whole only with its owner's next upgrade"
    )
    server = look(active(role, method="ssa"), role, key=key)
    assert "or stops on a conflict" in says(server, Event.CHANGED)


def test_what_a_stale_release_left_comes_back_to_nobody() -> None:
    left = stale(name="left")
    found = look(active(), left, key=key_of("ClusterRole", "left"))
    assert [found.acts(event) for event in Event] == [False, False]
    assert "nobody re-creates it: no controller, no inventory and no release in force lists it" in says(
        found, Event.DELETED
    )


def test_an_owner_that_only_marks_prove_may_do_anything() -> None:
    body = obj(
        "ConfigMap", "thing", "apps", annotations={"argocd.argoproj.io/tracking-id": "app:/ConfigMap:apps/thing"}
    )
    found = look(body)
    assert [found.acts(event) for event in Event] == [None, None]
    assert "could not tell: owner argo may make it again: its mark says that it owns the object" in says(
        found, Event.DELETED
    )


def test_an_unread_inventory_means_that_nobody_is_not_proven() -> None:
    body = obj("ConfigMap", "thing", "apps")
    assert look(body).acts(Event.DELETED) is False
    assert look(body, gaps=(gap("Kustomization"),)).acts(Event.DELETED) is None


def test_controllers_replace_what_they_made() -> None:
    deployment = obj("Deployment", "d", "apps", spec={})
    below = obj("ReplicaSet", "d-1", "apps", owner=("Deployment", "d"), spec={})
    pod = obj("Pod", "d-1-a", "apps", owner=("ReplicaSet", "d-1"), spec={})
    found = look(deployment, below, pod, key=key_of("Pod", "d-1-a", "apps"))
    assert says(found, Event.DELETED) == "the controller of ReplicaSet apps/d-1 makes another at once"
    assert found.acts(Event.CHANGED) is False
    alone = look(pod, key=key_of("Pod", "d-1-a", "apps"))
    assert alone.acts(Event.DELETED) is False
    unread = look(pod, gaps=(gap("ReplicaSet"),), key=key_of("Pod", "d-1-a", "apps"))
    assert unread.acts(Event.DELETED) is None
    noted = look(deployment, below, key=key_of("Deployment", "d", "apps")).notes
    assert noted == ("deleting it deletes what it owns, unless that has other owners: ReplicaSet apps/d-1",)


def test_a_job_of_a_cron_job_waits_for_its_schedule_and_ends_by_its_ttl() -> None:
    cron = obj("CronJob", "c", "apps", spec={})
    job = obj(
        "Job",
        "c-1",
        "apps",
        owner=("CronJob", "c"),
        spec={"ttlSecondsAfterFinished": 600},
        status={"completionTime": "2026-11-23T11:55:00Z"},
    )
    found = look(cron, job, key=key_of("Job", "c-1", "apps"))
    assert found.acts(Event.DELETED) is False
    assert found.notes[0] == "the TTL controller deletes it in 5 min (spec.ttlSecondsAfterFinished: 600)"


def test_finalizers_autoscalers_namespaces_and_definitions_are_told() -> None:
    held = obj("ConfigMap", "thing", "apps", finalizers=["a.example/hold"])
    assert "until its finalizers are removed by their controllers: a.example/hold" in look(held).notes[0]
    going = obj("ConfigMap", "thing", "apps", finalizers=["a.example/hold"], deleting=True)
    assert "held by a.example/hold" in look(going).notes[0]
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "d"}
    scaler = obj("HorizontalPodAutoscaler", "h", "apps", spec={"scaleTargetRef": target})
    scaled = look(scaler, obj("Deployment", "d", "apps", spec={}), key=key_of("Deployment", "d", "apps"))
    assert "HorizontalPodAutoscaler apps/h sets spec.replicas within seconds" in says(scaled, Event.CHANGED)
    inside = look(obj("Namespace", "apps"), held, key=key_of("Namespace", "apps"))
    assert inside.notes == ("deleting it deletes everything in it: 1 object was read there",)
    names = {"group": "kustomize.toolkit.fluxcd.io", "names": {"kind": "Kustomization"}}
    crd = obj("CustomResourceDefinition", "k", spec=names)
    key = key_of("CustomResourceDefinition", "k")
    assert (
        "every Kustomization in every namespace, for good: 1 instance was read"
        in look(crd, kustomization(), key=key).notes[0]
    )
    assert "could not be counted" in look(crd, key=key, gaps=(gap("Kustomization"),)).notes[0]


def test_what_the_cluster_keeps_for_itself_comes_back() -> None:
    made = obj("ConfigMap", "kube-root-ca.crt", "apps")
    assert look(made, key=key_of("ConfigMap", "kube-root-ca.crt", "apps")).acts(Event.DELETED) is True
    role = obj(
        "ClusterRole",
        "r",
        annotations={"rbac.authorization.kubernetes.io/autoupdate": "true"},
        aggregationRule={"a": 1},
    )
    found = look(role, key=key_of("ClusterRole", "r"))
    assert (found.acts(Event.DELETED), len(found.of(Event.CHANGED))) == (True, 2)


def test_lines_say_which_event_they_are_about() -> None:
    body = thing()
    lines = look(body, kustomization(body), *LIVING).lines
    assert [line.partition(":")[0] for line in lines] == [
        "if it is deleted",
        "if it is changed",
        "if its manifest leaves the source",
        "if its owner is deleted",
    ]
    left = stale(name="left")
    assert (
        "if its manifest goes: nobody deletes it: no owner, no inventory and no recorded release lists it"
        in look(active(), left, key=key_of("ClusterRole", "left")).lines
    )


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("delete", "Kustomization flux-system/sync re-creates it within 6 min"),
        ("adopt", "Kustomization flux-system/sync sets back every field"),
        ("repair", "Kustomization flux-system/sync sets back every field"),
        ("create", "it belongs to its owner again"),
        ("recreate", "Kustomization flux-system/sync sets back every field"),
    ],
)
def test_after_an_action(word: str, said: str) -> None:
    body = thing()
    assessment = weigh(read(body, kustomization(body), *LIVING))
    assert said in after(word, assessment.attributions[THING].ref, assessment, NOW)


def test_after_a_resume_the_whole_inventory_is_set_back() -> None:
    body, gone = thing(), obj("ConfigMap", "gone", "apps")
    sync = kustomization(body, gone, suspend=True)
    assessment = weigh(read(body, sync, *LIVING))
    said = after("resume", Live.of(sync).ref, assessment, NOW)
    assert said == "it reconciles at once and sets back the 2 objects that it lists; 1 of them are gone and come back"
    assert "could not be told" in after("resume", Live.of(body).ref, assessment, NOW)


def test_a_made_deployment_is_brought_to_life() -> None:
    role = obj("Deployment", "d", release=NEW, spec={})
    assessment = weigh(read(active(role)))
    (lost,) = assessment.missing
    assert after("create", lost.ref, assessment, NOW) == "the Deployment controller starts its pods"


def test_nothing_that_is_damaged_stops_the_answer() -> None:
    body = thing()
    shapes: list[Json] = [
        {"status": 1},
        {"status": {"inventory": {"entries": [1, {"id": 2}]}, "history": {}}},
        {"spec": []},
    ]
    for broken in shapes:
        sync = {**kustomization(body), **broken}
        sync["status"] = broken.get("status", sync["status"])
        assert look(body, sync, *LIVING).of(Event.DELETED)
    late = NOW + timedelta(days=1)
    assert Outlooks(weigh(read(body, kustomization(body), *LIVING)), late).of(THING).acts(Event.DELETED) is False


def test_endpoints_are_their_controller_s() -> None:
    service = obj("Service", "web", "apps", labels=HELM_LABELS, spec={"selector": {"app": "web"}})
    made = {"apiVersion": "v1", "kind": "Endpoints", "metadata": {**service["metadata"], "uid": "another"}}
    key = Key("", "Endpoints", "apps", "web")
    found = look(made, service, helm_release(service), *LIVING, key=key)
    assert [found.acts(event) for event in Event] == [True, True]
    assert says(found, Event.DELETED) == "the endpoints controller makes it again at once"
    by_hand = look(made, service | {"spec": {}}, helm_release(service), *LIVING, key=key)
    assert "endpoints controller" not in says(by_hand, Event.DELETED)
