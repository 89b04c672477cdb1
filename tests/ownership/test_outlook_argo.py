"""What Argo CD does next to an object that an Application lists, as its sync policy says."""

from typing import Any

import pytest

from tests.clusters import obj
from tests.ownership.flux_world import NOW, read
from tests.ownership.judging import key_of, weigh
from tui.objects import Json
from tui.ownership.outlook import Event, Outlook, Outlooks


def thing(**parts: Any) -> Json:
    return obj("ConfigMap", "thing", "apps", **parts)


def look(*objects: Json) -> Outlook:
    return Outlooks(weigh(read(*objects)), NOW).of(key_of("ConfigMap", "thing", "apps"))


def says(outlook: Outlook, event: Event) -> str:
    return " | ".join(prospect.text for prospect in outlook.of(event))


APPLICATION = "argoproj.io/v1alpha1"


def application(body: Json, **automated: Any) -> Json:
    meta = body["metadata"]
    listed = {"kind": body["kind"], "name": meta["name"], "namespace": meta.get("namespace"), "group": ""}
    policy = {"automated": automated} if automated else {}
    return {
        "apiVersion": APPLICATION,
        "kind": "Application",
        "metadata": {"name": "shop", "namespace": "argocd", "uid": "uid-shop"},
        "spec": {"syncPolicy": policy, "destination": {"server": "https://kubernetes.default.svc"}},
        "status": {"resources": [listed]},
    }


RUNS = obj("StatefulSet", "argocd-application-controller", "argocd", spec={}, status={"readyReplicas": 1})
DEAD = obj("StatefulSet", "argocd-application-controller", "argocd", spec={}, status={})


@pytest.mark.parametrize(
    ("automated", "controller_", "acts"),
    [
        ({"selfHeal": True, "prune": True}, [RUNS], [True, True]),
        ({"selfHeal": True}, [RUNS], [True, True]),
        ({"prune": True}, [RUNS], [False, False]),
        ({"selfHeal": True, "prune": True, "enabled": False}, [RUNS], [False, False]),
        ({}, [RUNS], [False, False]),
        ({"selfHeal": True, "prune": True}, [DEAD], [False, False]),
        ({"selfHeal": True, "prune": True}, [], [None, None]),
    ],
)
def test_an_application_does_what_its_sync_policy_says(
    automated: Json, controller_: list[Json], acts: list[bool | None]
) -> None:
    body = thing()
    found = look(body, application(body, **automated), *controller_)
    assert [found.acts(event) for event in Event] == acts
