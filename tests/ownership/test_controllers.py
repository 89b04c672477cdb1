"""Controllers that do not work: the Deployment or the Lease says so, and Ready conditions are then old news."""

from datetime import datetime

import pytest

from tests.clusters import FLUX_SYSTEM, contract, obj
from tests.ownership.flux_world import LATE, LIVING, NOW, controller, helm_release, kustomization, lease, read
from tests.ownership.judging import TODAY, findings, gap, names
from tui.contract.model import Contract, Health
from tui.objects import Gap, Json
from tui.ownership.assess import assess
from tui.ownership.model import Finding

LISTS = contract(health=(Health(FLUX_SYSTEM, ("kustomize-controller", "helm-controller")),))


def dead(*objects: Json, by: Contract = LISTS, gaps: tuple[Gap, ...] = (), now: datetime | None = NOW) -> list[Finding]:
    return findings(assess(by, read(*objects, gaps=gaps), today=TODAY, now=now), "controller-dead")


def test_living_controllers_are_no_finding() -> None:
    assert dead(*LIVING) == []


def test_a_missing_deployment_is_told_with_what_it_last_said() -> None:
    (found,) = dead(kustomization(), helm_release(), *LIVING[1:2])
    assert found.severity.value == "warn"
    assert found.summary == "1 controller does not work: kustomize-controller; what they last reported is old news"
    assert names(found) == {"Deployment flux-system/kustomize-controller"}
    assert found.evidence == (
        (
            "Deployment flux-system/kustomize-controller is not there: "
            "kubectl get deployment.apps kustomize-controller -n flux-system"
        ),
        (
            "Ready=True of Kustomization flux-system/sync is old news: "
            "kubectl get kustomization.kustomize.toolkit.fluxcd.io -A"
        ),
    )
    assert "refloat health" in found.next


def test_a_stale_lease_gives_a_dead_controller_away_however_available_it_looks() -> None:
    objects = (*LIVING[:2], lease("kustomize-controller", LATE), LIVING[3])
    (found,) = dead(*objects)
    assert "was last renewed 4 h ago" in found.evidence[0]
    assert "lease.coordination.k8s.io" in found.evidence[0]
    # Without the time of the reading, no Lease can be called old.
    assert dead(*objects, now=None) == []


@pytest.mark.parametrize("broken", [controller("helm-controller", replicas=0), None])
def test_one_finding_names_them_all(broken: Json | None) -> None:
    (found,) = dead(*([broken] if broken else []))
    assert len(found.resources) == 2
    assert found.summary.startswith("2 controllers do not work: kustomize-controller, helm-controller")


def test_what_could_not_be_read_is_not_dead() -> None:
    assert dead(gaps=(gap("Deployment"),)) == []
    silent = controller("kustomize-controller", status={})
    assert dead(silent, *LIVING[1:]) == []


def test_an_optional_line_is_judged_only_where_its_namespace_is() -> None:
    by = contract(health=(Health("tunnels", ("cloudflared",), optional=True),))
    assert dead(by=by) == []
    assert len(dead(obj("Namespace", "tunnels"), by=by)) == 1
    assert dead(by=by, gaps=(gap("Namespace"),)) == []


def test_a_glob_means_those_that_are_there() -> None:
    by = contract(health=(Health("tunnels", ("cloud*",)),))
    assert dead(by=by) == []
    assert len(dead(controller("cloudflared", "tunnels", replicas=0), by=by)) == 1
    assert dead(controller("cloudflared", "tunnels"), controller("cloud", "apps", replicas=0), by=by) == []
