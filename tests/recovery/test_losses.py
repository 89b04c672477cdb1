"""What replay cannot bring back: each kind says what comes back empty, where the old content may be, and asks."""

import base64
import json
import shlex
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tests.clusters import contract, document, inventory, obj, record
from tui.contract.model import Family
from tui.objects import Gap, Json, Ref
from tui.ownership.assess import assess
from tui.ownership.model import Assessment
from tui.recovery.gate import Look, judge, kinds_to_reread, pins_of
from tui.recovery.losses.table import Losses
from tui.recovery.plan import Action, Entry, PlanKind
from tui.recovery.planner import plan

ACTIVE = "gitops-flux-0000aaaa"
PLACE = "flux-system"


def seen(
    *objects: Json, lost: Iterable[Json] = (), gaps: Iterable[Gap] = (), families: Iterable[Family] = (), **stored: Any
) -> Assessment:
    """A cluster that lacks what its active release lists as ``lost``; ``stored`` are more parts of the record."""
    rules = contract()
    rules = replace(rules, releases=(*rules.releases, *families))
    everything = [record(ACTIVE, documents=[document(each) for each in lost], **stored), *objects]
    return assess(rules, inventory(everything, gaps), today=date(2026, 2, 1))


def entry_of(assessment: Assessment, kind: str) -> Entry:
    (found,) = (each for each in plan(PlanKind.REPLAY, contract(), assessment).entries if each.ref.kind == kind)
    return found


def told(entry: Entry) -> str:
    return "\n".join(entry.losses)


# -- claims ---------------------------------------------------------------------------------------------------------

CLAIM = obj(
    "PersistentVolumeClaim",
    "data",
    spec={"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "5Gi"}}},
)


def volume(
    name: str, claim: str = "data", phase: str = "Released", *, uid: str = "uid-before", space: str = PLACE, **spec: Any
) -> Json:
    claim_ref = {"kind": "PersistentVolumeClaim", "namespace": space, "name": claim, "resourceVersion": "7"}
    body = {
        "capacity": {"storage": "5Gi"},
        "accessModes": ["ReadWriteOnce"],
        "persistentVolumeReclaimPolicy": "Retain",
        "claimRef": claim_ref | ({"uid": uid} if uid else {}),
        **spec,
    }
    return obj("PersistentVolume", name, None, spec=body, status={"phase": phase})


def patch_in(text: str) -> Json:
    """The patch of a printed line, as a shell hands it to kubectl."""
    words = shlex.split(text.split(": ", 1)[1])
    assert words[:2] == ["kubectl", "patch"]
    return json.loads(words[words.index("-p") + 1])  # type: ignore[no-any-return] # of a line that is known


def test_a_claim_whose_released_volume_is_left_names_it_and_gives_it_back_before_an_empty_one_is_made() -> None:
    entry = entry_of(seen(volume("pv-1"), lost=[CLAIM]), "PersistentVolumeClaim")
    assert entry.typed == "data"
    was, give, wait, look = entry.losses
    assert was == (
        "PersistentVolume pv-1 (5Gi, Released, Retain: what it holds is kept) was the claim's: made now, the claim is"
        " not bound to it and gets another, empty one"
    )
    assert give.startswith("give it back first: kubectl patch persistentvolume pv-1 --type=merge -p ")
    assert patch_in(give) == {
        "metadata": {"uid": "uid-persistentvolume--pv-1"},
        "spec": {"claimRef": {"uid": None, "resourceVersion": None}},
    }
    assert "kubectl wait persistentvolume pv-1 --for=jsonpath='{.status.phase}'=Available" in wait
    assert look == "then look again: the claim is bound to it as it is stored"


def test_a_volume_that_is_to_be_deleted_is_kept_by_the_same_line() -> None:
    doomed = volume("pv-1", phase="Failed", persistentVolumeReclaimPolicy="Delete")
    entry = entry_of(seen(doomed, lost=[CLAIM]), "PersistentVolumeClaim")
    assert entry.losses[0].startswith("PersistentVolume pv-1 (5Gi, Failed, Delete: what it holds is going, or gone)")
    assert patch_in(entry.losses[1])["spec"]["persistentVolumeReclaimPolicy"] == "Retain"
    assert entry.typed == "data"


def test_a_volume_on_its_way_out_is_given_to_no_claim_and_its_storage_kept() -> None:
    going = volume("pv-1", persistentVolumeReclaimPolicy="Delete")
    going["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    entry = entry_of(seen(going, lost=[CLAIM]), "PersistentVolumeClaim")
    assert "is being deleted since 2026-01-01T00:00:00Z: no claim gets it any more" in entry.losses[0]
    assert patch_in(entry.losses[1])["spec"] == {"persistentVolumeReclaimPolicy": "Retain"}
    assert entry.typed == "data"


def test_a_volume_that_was_given_back_is_no_loss() -> None:
    entry = entry_of(seen(volume("pv-1", phase="Available", uid=""), lost=[CLAIM]), "PersistentVolumeClaim")
    assert entry.typed == ""
    (text,) = entry.losses
    assert text.startswith("what it held comes back: PersistentVolume pv-1 (5Gi, Available, ")
    assert text.endswith(" is reserved for the claim")


def test_a_volume_that_is_not_yet_available_is_waited_for() -> None:
    entry = entry_of(seen(volume("pv-1", uid=""), lost=[CLAIM]), "PersistentVolumeClaim")
    assert entry.typed == "data"
    assert "is not Available yet" in entry.losses[0]
    assert "kubectl wait" in entry.losses[1]


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ({"capacity": {"storage": "4Gi"}}, "it asks for 5Gi"),
        ({"capacity": {}}, "it asks for 5Gi"),
        ({"accessModes": ["ReadWriteMany"]}, "it asks for ReadWriteOnce"),
        ({"volumeMode": "Block"}, "it asks for another volumeMode"),
    ],
)
@pytest.mark.parametrize("uid", ["uid-before", ""])
def test_a_claim_that_asks_for_more_than_its_volume_has_must_name_it(spec: Json, why: str, uid: str) -> None:
    phase = "Released" if uid else "Available"
    entry = entry_of(seen(volume("pv-1", phase=phase, uid=uid, **spec), lost=[CLAIM]), "PersistentVolumeClaim")
    assert entry.typed == "data"
    line = entry.losses[-1]
    assert line.startswith(f"then make the claim by hand, because {why} and must name it: printf %s ")
    claim = json.loads(shlex.split(line.split(": ", 1)[1])[2])
    assert claim["spec"] == {**CLAIM["spec"], "volumeName": "pv-1"}
    assert (claim["metadata"]["namespace"], claim["metadata"]["name"]) == (PLACE, "data")
    assert claim["metadata"]["annotations"]["meta.helm.sh/release-name"] == ACTIVE, "or the next upgrade is refused"


def test_a_claim_without_any_volume_comes_back_empty_and_hides_nothing() -> None:
    others = [volume("pv-1", "another"), volume("pv-2", space="elsewhere")]
    entry = entry_of(seen(*others, lost=[CLAIM]), "PersistentVolumeClaim")
    assert entry.typed == ""
    assert told(entry).startswith("comes back empty: no volume that was its is left")


def test_volumes_that_cannot_be_listed_may_hold_the_data() -> None:
    gap = Gap("", "PersistentVolume", None, "forbidden")
    entry = entry_of(seen(lost=[CLAIM], gaps=[gap]), "PersistentVolumeClaim")
    assert entry.typed == "data"
    assert told(entry) == ("could not verify whether a volume still holds what it held: PersistentVolume: forbidden")


def test_a_volume_of_which_only_the_metadata_was_read_may_be_any_claim_s() -> None:
    assessment = seen(volume("pv-1"), lost=[CLAIM])
    key = Ref("v1", "PersistentVolume", None, "pv-1").key
    assessment.inventory.objects[key] = replace(assessment.inventory.objects[key], body=None)
    entry = entry_of(assessment, "PersistentVolumeClaim")
    assert entry.typed == "data"
    assert "could not verify" in told(entry)
    assert "only its metadata was read" in told(entry)


def test_of_many_volumes_one_is_given_back() -> None:
    entry = entry_of(seen(*(volume(f"pv-{n}") for n in range(9)), lost=[CLAIM]), "PersistentVolumeClaim")
    assert entry.losses[0] == (
        "9 volumes were the claim's (pv-0, pv-1, pv-2, pv-3, pv-4, pv-5 and 3 more): give back the one with the data"
        " alone"
    )
    assert told(entry).count("give it back first") == 5


def test_once_one_of_many_volumes_is_given_back_the_others_are_named_and_ask_for_nothing() -> None:
    ready = volume("pv-2", phase="Available", uid="")
    entry = entry_of(seen(volume("pv-1"), ready, volume("pv-3"), lost=[CLAIM]), "PersistentVolumeClaim")
    assert entry.typed == ""
    assert entry.losses[0].startswith("what it held comes back: PersistentVolume pv-2")
    assert entry.losses[1] == "PersistentVolumes that were the claim's too, and stay as they are: pv-1, pv-3"


def test_which_of_two_volumes_that_were_given_back_is_bound_cannot_be_told() -> None:
    both = [volume(name, phase="Available", uid="") for name in ("pv-1", "pv-2")]
    entry = entry_of(seen(*both, lost=[CLAIM]), "PersistentVolumeClaim")
    assert entry.typed == "data"
    assert told(entry).count("is reserved for the claim, and so is another one") == 2


@pytest.mark.parametrize(
    ("volumes", "words", "typed"),
    [
        ([], "which is not there", ""),
        ([volume("pv-1", "another")], "which is another claim's", ""),
        ([volume("pv-1", phase="Available", claimRef=None)], "comes back with it", ""),
        ([volume("pv-1")], "made now, the claim waits for it in vain", "data"),
    ],
)
def test_a_claim_that_names_its_volume_gets_no_other(volumes: list[Json], words: str, typed: str) -> None:
    named = {**CLAIM, "spec": {**CLAIM["spec"], "volumeName": "pv-1"}}
    entry = entry_of(seen(*volumes, lost=[named]), "PersistentVolumeClaim")
    assert words in told(entry)
    assert entry.typed == typed


# -- StatefulSets ---------------------------------------------------------------------------------------------------


def database(replicas: int = 3, **spec: Any) -> Json:
    template = {"metadata": {"name": "data", "labels": {"tier": "db"}}, "spec": CLAIM["spec"]}
    more = {"replicas": replicas, "volumeClaimTemplates": [template], "selector": {"matchLabels": {"app": "db"}}}
    return obj("StatefulSet", "db", spec=more | spec)


def claim(name: str, **parts: Any) -> Json:
    return obj("PersistentVolumeClaim", name, spec={}, **parts)


def test_a_stateful_set_tells_its_claims_apart() -> None:
    live = [claim("data-db-0"), claim("data-other-0"), volume("pv-0", "data-db-0", "Bound")]
    entry = entry_of(seen(*live, volume("pv-1", "data-db-1"), lost=[database()]), "StatefulSet")
    assert entry.typed == "db"
    text = told(entry)
    assert "what claims data-db-0 hold comes back: they are there" in text
    assert "PersistentVolume pv-1 (5Gi, Released, Retain: what it holds is kept) was claim data-db-1's" in text
    assert "claims data-db-2 are made empty: no volume that was theirs is left" in text
    assert "pv-0" not in text


def test_a_stateful_set_whose_claims_are_there_loses_nothing() -> None:
    live = [claim(f"data-db-{n}") for n in range(3)]
    entry = entry_of(seen(*live, lost=[database()]), "StatefulSet")
    assert entry.typed == ""
    assert entry.losses == ("what claims data-db-0, data-db-1, data-db-2 hold comes back: they are there",)


def test_a_stateful_set_whose_claims_are_nowhere_comes_back_empty_and_hides_nothing() -> None:
    entry = entry_of(seen(lost=[database(2_000_000_000)]), "StatefulSet")
    assert entry.typed == ""
    assert told(entry).startswith("claims data-db-0, data-db-1, data-db-2, data-db-3, data-db-4 and 1999999995 more")


def test_a_stateful_set_without_templates_says_nothing() -> None:
    entry = entry_of(seen(volume("pv-1", "data-db-0"), lost=[database(volumeClaimTemplates=[])]), "StatefulSet")
    assert (entry.losses, entry.typed) == ((), "")


def test_ordinals_begin_where_the_set_says_and_later_ones_are_kept_for_later() -> None:
    volumes = [volume("pv-4", "data-db-4"), volume("pv-9", "data-db-9"), volume("pv-x", "data-db-04")]
    entry = entry_of(seen(*volumes, lost=[database(2, ordinals={"start": 4})]), "StatefulSet")
    text = told(entry)
    assert "pv-4 (5Gi, Released, Retain: what it holds is kept) was claim data-db-4's" in text
    assert "volumes of claims that it makes once it is scaled up: pv-9 of data-db-9" in text
    assert "claims data-db-5 are made empty" in text
    assert "pv-x" not in text
    assert entry.typed == "db"
    small = volume("pv-4", "data-db-4", phase="Available", uid="", capacity={"storage": "1Gi"})
    line = entry_of(seen(small, lost=[database(2, ordinals={"start": 4})]), "StatefulSet").losses[1]
    made = json.loads(shlex.split(line.split(": ", 1)[1])[2])
    assert made["metadata"] == {"name": "data-db-4", "namespace": PLACE, "labels": {"tier": "db", "app": "db"}}
    assert made["spec"]["volumeName"] == "pv-4"


@pytest.mark.parametrize("kind", ["PersistentVolumeClaim", "PersistentVolume"])
def test_claims_or_volumes_that_cannot_be_listed_may_be_lost(kind: str) -> None:
    entry = entry_of(seen(lost=[database()], gaps=[Gap("", kind, None, "forbidden")]), "StatefulSet")
    assert entry.typed == "db"
    assert "could not verify" in told(entry)
    assert f"{kind}: forbidden" in told(entry)


def test_volumes_that_cannot_be_listed_do_not_matter_where_every_claim_is_there() -> None:
    live, gap = [claim(f"data-db-{n}") for n in range(3)], Gap("", "PersistentVolume", None, "forbidden")
    assert entry_of(seen(*live, lost=[database()], gaps=[gap]), "StatefulSet").typed == ""


def test_a_claim_on_its_way_out_is_waited_for() -> None:
    entry = entry_of(seen(claim("data-db-0", deleting=True), lost=[database(1)]), "StatefulSet")
    assert entry.losses == ("claims data-db-0 are being deleted: look again once they are gone",)
    assert entry.typed == "db"


# -- namespaces and definitions -------------------------------------------------------------------------------------

SHOP = obj("Namespace", "shop")
IN_SHOP = obj("Service", "front", "shop", spec={})


def holder(kind: str, name: str, *ids: str, **spec: Any) -> Json:
    return obj(kind, name, spec=spec, status={"inventory": {"entries": [{"id": each, "v": "v1"} for each in ids]}})


def test_a_namespace_comes_back_empty_and_names_who_else_had_something_there() -> None:
    objects = [
        holder("Kustomization", "apps", "shop_till_apps_Deployment", "shop_till__Service", "other_till__Service"),
        holder("Kustomization", "far", "shop_till_apps_Deployment", kubeConfig={"secretRef": {"name": "x"}}),
        holder("HelmRelease", "cart", storageNamespace="shop"),
        volume("pv-1", "orders", space="shop"),
        record("till", documents=[document(obj("ConfigMap", "coins", "shop"))]),
    ]
    families = [Family("till", PLACE, "pulumi", names=("till",)), Family("shop", "shop", "pulumi", names=("shop",))]
    assessment = seen(*objects, lost=[SHOP, IN_SHOP], families=families)
    entry = next(each for each in plan(PlanKind.REPLAY, contract(), assessment).entries if each.ref.name == "shop")
    assert entry.typed == "shop"
    assert entry.losses[0] == "comes back empty: everything that was in it is gone"
    text = told(entry)
    assert f"what {ACTIVE} lists there is replayed after it: Service shop/front" in entry.losses
    assert "nothing else comes back with it: no Secret, release record or object" in text
    assert (
        "Kustomization flux-system/apps lists 2 objects of it, which it can make again: Deployment shop/till, Service"
        " shop/till" in text
    )
    assert "flux-system/far" not in text, "it applies to another cluster"
    assert "release flux-system/till lists 1 object of it, for its own replay: ConfigMap shop/coins" in text
    assert "the release records of shop were kept there, and are gone with it" in text
    assert "the release records of HelmRelease flux-system/cart were kept there, and are gone with it" in text
    assert "PersistentVolume pv-1 (5Gi, Released, Retain: what it holds is kept) was claim orders's" in text
    give = next(each for each in entry.losses if each.startswith("give it back before a claim orders is made there"))
    assert patch_in(give)["spec"] == {"claimRef": {"uid": None, "resourceVersion": None}}


def test_a_namespace_always_asks_for_its_name() -> None:
    entry = entry_of(seen(lost=[SHOP]), "Namespace")
    assert entry.typed == "shop"
    assert len(entry.losses) == 2


def test_volumes_of_a_namespace_that_cannot_be_listed_are_said() -> None:
    entry = entry_of(seen(lost=[SHOP], gaps=[Gap("", "PersistentVolume", None, "forbidden")]), "Namespace")
    assert "could not verify which volumes its claims had: PersistentVolume: forbidden" in entry.losses


DEFINITION = obj(
    "CustomResourceDefinition", "gizmos.example.org", spec={"group": "example.org", "names": {"kind": "Gizmo"}}
)
GIZMO = {"apiVersion": "example.org/v1", "kind": "Gizmo", "metadata": {"name": "own"}}


def definition(assessment: Assessment) -> Entry:
    return entry_of(assessment, "CustomResourceDefinition")


def test_a_definition_names_the_lists_that_its_instances_may_come_from_again() -> None:
    lists = holder(
        "Kustomization", "apps", "shop_one_example.org_Gizmo", "shop_two_example.org_Gizmo", "shop_x__Secret"
    )
    entry = definition(seen(lists, lost=[DEFINITION]))
    assert entry.typed == "gizmos.example.org"
    assert entry.losses == (
        "comes back without any instance: every Gizmo went with it",
        "Kustomization flux-system/apps lists 2 objects of it, which it can make again: Gizmo shop/one, Gizmo shop/two",
    )


def test_a_definition_names_other_releases_that_list_instances() -> None:
    other = record("till", documents=[{**GIZMO, "metadata": {"name": "theirs"}}])
    entry = definition(seen(other, lost=[DEFINITION], families=[Family("till", PLACE, "pulumi", names=("till",))]))
    assert "release flux-system/till lists 1 object of it, for its own replay: Gizmo theirs" in entry.losses
    assert entry.typed == "gizmos.example.org"


def test_a_definition_whose_instances_its_own_release_lists_says_what_to_do_then() -> None:
    entry = definition(seen(lost=[DEFINITION, GIZMO]))
    assert f"{ACTIVE} lists Gizmo own: plan the replay again once the kind is served" in entry.losses
    assert entry.typed == ""


def test_a_definition_that_nobody_lists_an_instance_of_says_so() -> None:
    entry = definition(seen(lost=[DEFINITION]))
    assert entry.losses[1].startswith("no list and no manifest in force names any Gizmo")
    assert entry.typed == ""


def test_a_list_that_cannot_be_read_may_name_instances() -> None:
    unread = obj("Kustomization", "apps", status={"inventory": {"entries": ["?"]}})
    entry = definition(seen(unread, lost=[DEFINITION]))
    assert "could not verify who else lists something of it: the list of Kustomization flux-system/apps" in entry.losses
    assert entry.typed == "gizmos.example.org"


# -- content --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        obj("Secret", "key", type="Opaque"),
        obj("Secret", "key", data={}),
        obj("Secret", "key", data=None),
        obj("Secret", "key", data={"tls.crt": "", "tls.key": None}, type="kubernetes.io/tls"),
        obj("Secret", "key", stringData={"a": ""}),
        obj("ConfigMap", "key"),
        obj("ConfigMap", "key", data={"ca.crt": ""}),
        obj("ConfigMap", "key", binaryData={}),
    ],
)
def test_an_empty_shell_asks_for_its_name(body: Json) -> None:
    entry = entry_of(seen(lost=[body]), body["kind"])
    assert entry.typed == "key"
    assert entry.losses[0].startswith("comes back as an empty shell: its stored document holds n")


@pytest.mark.parametrize(
    "body",
    [
        obj("Secret", "key", data={"a": "c2VjcmV0"}),
        obj("Secret", "key", stringData={"a": "secret"}),
        obj("ConfigMap", "key", data={"a": "b"}),
        obj("ConfigMap", "key", binaryData={"a": "c2VjcmV0"}),
    ],
)
def test_stored_content_comes_back_and_later_content_does_not(body: Json) -> None:
    entry = entry_of(seen(lost=[body]), body["kind"])
    assert entry.typed == ""
    assert entry.losses == ("comes back with what its release stored; what was written into it since is lost",)


def test_keys_that_were_filled_in_later_are_named_and_no_value_is_told() -> None:
    body = obj("Secret", "key", data={"user": "c2VjcmV0", "password": ""})
    entry = entry_of(seen(lost=[body]), "Secret")
    assert "holds nothing under password: what was filled in there is lost" in told(entry)
    assert "c2VjcmV0" not in told(entry)
    assert entry.typed == ""


def test_a_token_secret_gets_another_token() -> None:
    account = {"kubernetes.io/service-account.name": "robot"}
    body = obj("Secret", "robot", type="kubernetes.io/service-account-token")
    listed = document(body) | {"metadata": {"name": "robot", "annotations": account}}
    objects = [record(ACTIVE, documents=[listed])]
    entry = entry_of(assess(contract(), inventory(objects), today=date(2026, 2, 1)), "Secret")
    assert entry.typed == "robot"
    assert "whoever used it outside the cluster has to be given the new one" in told(entry)


HOOK = {"name": "patch", "kind": "Job", "path": "x", "manifest": "kind: Job", "weight": 0}


def test_a_hook_that_may_have_filled_a_shell_in_is_named() -> None:
    shell = obj("Secret", "admission", data={})
    hook = HOOK | {"events": ["post-install", "post-upgrade"]}
    text = told(entry_of(seen(lost=[shell], hooks=[hook]), "Secret"))
    assert f"a hook of {ACTIVE} may have filled it in: Job patch (post-install, post-upgrade)" in text
    assert "hook" not in told(entry_of(seen(lost=[shell], hooks=[HOOK | {"events": ["test"]}]), "Secret"))
    full = obj("Secret", "admission", data={"a": "Yg=="})
    assert "hook" not in told(entry_of(seen(lost=[full], hooks=[hook]), "Secret"))


@pytest.mark.parametrize("where", ["labels", "annotations"])
def test_who_fills_it_in_again_is_named(where: str) -> None:
    marked = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "ca"}}
    marked["metadata"] = {"name": "ca", where: {"config.openshift.io/inject-trusted-cabundle": "true"}}
    objects = [record(ACTIVE, documents=[marked])]
    entry = entry_of(assess(contract(), inventory(objects), today=date(2026, 2, 1)), "ConfigMap")
    assert "OpenShift's network operator fills it in again where it runs" in told(entry)
    assert entry.typed == "ca"


def webhook(bundle: str | None, annotations: Json | None = None) -> Json:
    client: Json = {"service": {"name": "hook", "namespace": PLACE}}
    client |= {"caBundle": bundle} if bundle is not None else {}
    hooks = [
        {"name": "pods.example.org", "clientConfig": client},
        {"name": "url", "clientConfig": {"url": "https://x"}},
    ]
    body = document(obj("ValidatingWebhookConfiguration", "gate", webhooks=hooks))
    body["metadata"]["annotations"] = annotations or {}
    return body


@pytest.mark.parametrize("bundle", [None, "", "Cg=="])
def test_a_webhook_without_its_injected_bundle_says_what_that_does_and_who_mends_it(bundle: str | None) -> None:
    body = webhook(bundle, {"cert-manager.io/inject-ca-from": "flux-system/hook"})
    stored = record(ACTIVE, documents=[body], hooks=[HOOK | {"events": ["post-install"]}])
    entry = entry_of(assess(contract(), inventory([stored]), today=date(2026, 2, 1)), "ValidatingWebhookConfiguration")
    text = told(entry)
    assert "its CA bundles come back as its release stored them" in text
    assert "pods.example.org: stored without a caBundle; until one is injected" in text
    assert "url: stored" not in text
    assert "cert-manager's cainjector fills it in again where it runs (cert-manager.io/inject-ca-from" in text
    assert "Job patch (post-install)" in text
    assert entry.typed == "", "a bundle is no data: nothing is hidden that nobody can make again"


def test_a_webhook_with_a_stored_bundle_says_that_it_is_the_stored_one() -> None:
    stored = record(ACTIVE, documents=[webhook("Q0E=")])
    entry = entry_of(assess(contract(), inventory([stored]), today=date(2026, 2, 1)), "ValidatingWebhookConfiguration")
    assert entry.losses == ("its CA bundles come back as its release stored them; one that was injected since is lost",)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (obj("APIService", "v1.x", spec={"service": {"name": "x"}}), "without a caBundle"),
        (
            {
                **DEFINITION,
                "spec": {**DEFINITION["spec"], "conversion": {"webhook": {"clientConfig": {"service": {}}}}},
            },
            "",
        ),
        (
            {
                **DEFINITION,
                "spec": {
                    **DEFINITION["spec"],
                    "conversion": {"webhook": {"clientConfig": {"service": {"name": "x"}, "caBundle": "Cg=="}}},
                },
            },
            "its versions cannot be converted until one is injected",
        ),
    ],
)
def test_other_bundles_are_told_of_too(body: Json, words: str) -> None:
    text = told(entry_of(seen(lost=[body]), body["kind"]))
    assert words in text
    assert bool(words) == ("caBundle" in text)


# -- every entry ----------------------------------------------------------------------------------------------------


def test_what_holds_nothing_of_its_own_says_nothing() -> None:
    for body in (obj("Service", "a", spec={}), obj("ClusterRole", "a"), obj("Deployment", "a", spec={})):
        entry = entry_of(seen(lost=[body]), body["kind"])
        assert (entry.losses, entry.typed) == ((), "")


def test_an_adoption_and_a_deletion_are_left_as_they_are() -> None:
    entry = Entry(Action.DELETE, Ref.of(CLAIM), "f", ACTIVE, "", "", "", typed="data")
    assert Losses(seen()).weigh(entry) is entry


def test_what_is_told_survives_who_acts_next() -> None:
    made = plan(PlanKind.REPLAY, contract(), seen(volume("pv-1"), lost=[CLAIM]), now=datetime(2026, 2, 1, tzinfo=UTC))
    (entry,) = made.entries
    assert "pv-1" in entry.losses[0]
    assert entry.typed == "data"


def test_a_loss_that_came_up_since_it_was_shown_is_refused_until_it_is_looked_at_again() -> None:
    before, after = seen(lost=[CLAIM]), seen(volume("pv-1"), lost=[CLAIM])
    shown = entry_of(before, "PersistentVolumeClaim")
    pins = pins_of(contract(), before)
    assert judge(contract(), shown, pins, Look(before, None, pins)) is None
    refusal = judge(contract(), shown, pins, Look(after, None, pins))
    assert refusal is not None
    assert "hides a loss that was not shown: PersistentVolume pv-1" in refusal.why
    again = Losses(after).weigh(shown)
    assert judge(contract(), again, pins, Look(after, None, pins)) is None


def test_a_loss_that_is_none_any_more_is_not_in_the_way() -> None:
    before, after = seen(volume("pv-1"), lost=[CLAIM]), seen(volume("pv-1", phase="Available", uid=""), lost=[CLAIM])
    shown, pins = entry_of(before, "PersistentVolumeClaim"), pins_of(contract(), before)
    assert judge(contract(), shown, pins, Look(after, None, pins)) is None
    assert Losses(after).weigh(shown).typed == ""


@pytest.mark.parametrize(
    ("body", "kinds"),
    [
        (CLAIM, {"PersistentVolume"}),
        (database(), {"PersistentVolume", "PersistentVolumeClaim"}),
        (SHOP, {"PersistentVolume"}),
    ],
)
def test_what_tells_of_a_loss_is_read_afresh(body: Json, kinds: set[str]) -> None:
    assessment = seen(lost=[body])
    read = {kind.kind for kind in kinds_to_reread(entry_of(assessment, body["kind"]), assessment.inventory)}
    assert kinds <= read
    assert "PersistentVolume" not in {
        kind.kind for kind in kinds_to_reread(replace_action(assessment, body), assessment.inventory)
    }


def replace_action(assessment: Assessment, body: Json) -> Entry:
    return replace(entry_of(assessment, body["kind"]), action=Action.ADOPT)


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
SPECS = st.dictionaries(
    st.sampled_from(["claimRef", "capacity", "accessModes", "persistentVolumeReclaimPolicy", "volumeMode"]), ANY
)


@given(spec=SPECS, wanted=ANY, kind=st.sampled_from(["PersistentVolumeClaim", "Secret", "ConfigMap", "Namespace"]))
def test_no_shape_of_a_volume_or_a_document_breaks_it_and_what_names_a_claim_always_asks(
    spec: Json, wanted: Any, kind: str
) -> None:
    """The API server sends none of these shapes; a practice cluster or a file may."""
    named = volume("pv-1")
    broken = {**named, "spec": spec | {"claimRef": named["spec"]["claimRef"]}}
    assessment = seen(broken, lost=[obj(kind, "data", spec=wanted, data=wanted)])
    for entry in plan(PlanKind.REPLAY, contract(), assessment).entries:
        assert entry.losses
        assert not any("\n" in text for text in entry.losses)
        if kind == "PersistentVolumeClaim":
            assert entry.typed == "data"


@given(template=ANY, replicas=ANY, ordinals=ANY)
def test_no_shape_of_a_stateful_set_breaks_it(template: Any, replicas: Any, ordinals: Any) -> None:
    odd = database(volumeClaimTemplates=[{"metadata": {"name": "data"}, "spec": template}, template])
    odd["spec"] |= {"replicas": replicas, "ordinals": ordinals}
    entry = entry_of(seen(volume("pv-1", "data-db-0"), lost=[odd]), "StatefulSet")
    assert "pv-1" in told(entry)


def test_many_claims_of_a_stateful_set_are_counted() -> None:
    volumes = [volume(f"pv-{n}", f"data-db-{n}") for n in range(9)]
    entry = entry_of(seen(*volumes, lost=[database(9)]), "StatefulSet")
    assert told(entry).count("give it back first") == 5
    assert "more of its claims that have volumes left: data-db-5, data-db-6, data-db-7, data-db-8" in entry.losses


def test_a_definition_of_the_chart_s_own_folder_tells_of_its_instances_too() -> None:
    data = base64.b64encode(yaml.safe_dump(document(DEFINITION)).encode()).decode()
    metadata = {"name": "flux2", "version": "2.18.3", "appVersion": "2.8.5"}
    chart = {"metadata": metadata, "files": [{"name": "crds/gizmos.yaml", "data": data}]}
    entry = definition(seen(holder("Kustomization", "apps", "shop_one_example.org_Gizmo"), chart=chart))
    assert entry.chart
    assert entry.typed == "gizmos.example.org"
    assert (
        "Kustomization flux-system/apps lists 1 object of it, which it can make again: Gizmo shop/one" in entry.losses
    )
