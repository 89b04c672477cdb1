"""What an Argo CD Application does when a manifest leaves its source, and when it is deleted itself."""

from typing import Any

import pytest

from tests.clusters import FLUX_SYSTEM, obj
from tests.ownership.acting import KEEP, effects, of_act, thing
from tests.ownership.test_outlook_argo import application
from tui.objects import Json, group_of
from tui.ownership.acts.model import Act

OWNER = "Application argocd/shop"
OPTIONS = "argocd.argoproj.io/sync-options"
FINALIZER = "resources-finalizer.argocd.argoproj.io"
DELETES, KEEPS, UNKNOWN = "deletes", "keeps", "unknown"


def both(body: Json, *, finalizers: list[str] | None = None, options: Any = (), **automated: Any) -> tuple[str, str]:
    app = application(body, **automated)
    app["status"]["resources"][0]["group"] = group_of(body["apiVersion"])
    app["spec"]["syncPolicy"]["syncOptions"] = list(options)
    app["metadata"]["finalizers"] = [FINALIZER] if finalizers is None else finalizers
    found = effects(body, app)
    return found[OWNER, "prune"], found[OWNER, "delete-owner"]


@pytest.mark.parametrize(
    ("automated", "prune"),
    [
        ({"prune": True}, DELETES),
        ({"prune": True, "selfHeal": True}, DELETES),
        ({"prune": True, "enabled": False}, KEEPS),
        ({"selfHeal": True}, KEEPS),
        ({}, KEEPS),
    ],
)
def test_it_prunes_only_where_its_sync_does(automated: Json, prune: str) -> None:
    assert both(thing(), **automated) == (prune, DELETES)


def test_a_prune_that_is_asked_for_is_named_and_so_is_what_would_stop_it() -> None:
    body = thing()
    found = of_act(Act.PRUNE, body, application(body))
    assert "a sync that is asked for with prune deletes it" in found.because
    assert found.keep is not None
    assert f"{OPTIONS}=Prune=false" in found.keep


@pytest.mark.parametrize(
    ("annotations", "expected"),
    [
        ({OPTIONS: "Prune=false"}, (KEEPS, DELETES)),
        ({OPTIONS: "Delete=false"}, (DELETES, KEEPS)),
        ({OPTIONS: "Replace=true, Prune=false ,Delete=false"}, (KEEPS, KEEPS)),
        (KEEP, (DELETES, KEEPS)),
        ({OPTIONS: "prune=false"}, (DELETES, DELETES)),
        ({"helm.sh/resource-policy": "Keep"}, (DELETES, DELETES)),
        ({OPTIONS: "Prune=confirm"}, (UNKNOWN, DELETES)),
        ({OPTIONS: "Delete=confirm"}, (DELETES, UNKNOWN)),
        ({"kustomize.toolkit.fluxcd.io/prune": "disabled"}, (DELETES, DELETES)),
    ],
)
def test_each_act_reads_its_own_option_on_the_live_object(
    annotations: dict[str, str], expected: tuple[str, str]
) -> None:
    assert both(thing(annotations=annotations), prune=True) == expected


@pytest.mark.parametrize(
    ("options", "expected"), [(["Prune=false"], (KEEPS, DELETES)), (["Delete=false"], (DELETES, KEEPS))]
)
def test_options_of_the_application_count_for_all_it_lists(options: list[str], expected: tuple[str, str]) -> None:
    assert both(thing(), prune=True, options=options) == expected


@pytest.mark.parametrize(
    ("finalizers", "effect"),
    [
        ([], KEEPS),
        (["another.example/finalizer"], KEEPS),
        ([FINALIZER], DELETES),
        ([f"{FINALIZER}/foreground"], DELETES),
        ([f"{FINALIZER}/background"], DELETES),
    ],
)
def test_its_deletion_cascades_only_by_its_finalizer(finalizers: list[str], effect: str) -> None:
    assert both(thing(), prune=True, finalizers=finalizers) == (DELETES, effect)


def test_its_deletion_spares_definitions_and_not_their_instances() -> None:
    crd = obj("CustomResourceDefinition", "piers.example.com", spec={"group": "example.com"})
    assert both(crd, prune=True) == (DELETES, KEEPS)


@pytest.mark.parametrize(
    ("tracking", "effect"),
    [
        ("shop:/ConfigMap:flux-system/thing", DELETES),
        ("argocd_shop:/ConfigMap:flux-system/thing", DELETES),
        ("another:/ConfigMap:flux-system/thing", UNKNOWN),
    ],
)
def test_an_object_that_another_application_tracks_may_not_be_pruned(tracking: str, effect: str) -> None:
    body = thing(annotations={"argocd.argoproj.io/tracking-id": tracking})
    assert both(body, prune=True)[0] == effect


def test_an_object_with_owner_references_is_not_pruned() -> None:
    parent = obj("Deployment", "web", FLUX_SYSTEM, spec={})
    body = thing(owner=("Deployment", "web"))
    app = application(body, prune=True)
    found = effects(body, parent, app)
    assert found[OWNER, "prune"] == KEEPS
    assert found[f"Deployment {FLUX_SYSTEM}/web", "delete-owner"] == DELETES
