import copy
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.recovery.health_cluster import (
    IDS,
    KINDS,
    NOW,
    ago,
    check,
    contract,
    healthy,
    inventory,
    judged,
)
from tui.objects import Gap, Json, Live
from tui.ownership.liveness import FluxState, LeaseState, flux_state, lease_state
from tui.recovery.health import CheckStatus, HealthVerdict, check_health
from tui.recovery.workload import DeploymentState, PodState, deployment_state, pod_state

SUBJECTS = sorted(healthy())
GAPS = st.builds(
    lambda kind, whole, where: Gap(kind[0], None if whole else kind[1], where, "no words for it"),
    st.sampled_from(sorted(KINDS)),
    st.booleans(),
    st.sampled_from([None, "flux-system"]),
)
RESTS_ON = {
    "deployment": [("apps", "Deployment")],
    "pods": [("apps", "Deployment"), ("apps", "ReplicaSet"), ("", "Pod")],
    "lease": [("coordination.k8s.io", "Lease")],
    "git": [("source.toolkit.fluxcd.io", "GitRepository")],
}
LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["True", "Ready", ago()])
ANYTHING = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["conditions", "type", "status", "state", "renewTime", "suspend", "spec", "x"]), inner
        )
    ),
    max_leaves=8,
)


@st.composite
def clusters(draw: st.DrawFn) -> dict[str, Json]:
    bodies = copy.deepcopy(healthy())
    for name in draw(st.sets(st.sampled_from(SUBJECTS), max_size=3)):
        if draw(st.booleans()):
            del bodies[name]
        else:
            bodies[name][draw(st.sampled_from(["spec", "status"]))] = draw(ANYTHING)
    return bodies


@given(clusters())
def test_a_cluster_without_a_required_deployment_is_never_healthy(bodies: dict[str, Json]) -> None:
    bodies.pop("deployment", None)
    result = judged(bodies)
    assert result.verdict is HealthVerdict.UNHEALTHY
    assert check(result, "deployment").status is CheckStatus.FAILED


@given(clusters(), st.lists(GAPS, min_size=1, max_size=3))
def test_nothing_that_rests_on_a_gap_is_ok_or_failed(bodies: dict[str, Json], gaps: list[Gap]) -> None:
    seen = inventory(bodies.values(), gaps)
    for one in check_health(contract(), seen, NOW).checks:
        for name, kinds in RESTS_ON.items():
            if one.id == IDS[name] and any(seen.gap(*kind, "flux-system") for kind in kinds):
                assert one.status is CheckStatus.UNKNOWN


@given(clusters(), st.lists(GAPS, max_size=2), GAPS)
def test_reading_less_never_makes_anything_better(bodies: dict[str, Json], gaps: list[Gap], more: Gap) -> None:
    before, after = judged(bodies, *gaps), judged(bodies, *gaps, more)
    known = {one.id: one.status for one in before.checks}
    assert all(known.get(one.id, CheckStatus.OK) is CheckStatus.OK for one in after.of(CheckStatus.OK))
    if before.verdict is not HealthVerdict.HEALTHY:
        assert after.verdict is not HealthVerdict.HEALTHY


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(ANYTHING, ANYTHING, st.integers(0, 5))
def test_no_shape_of_an_object_breaks_a_reader(spec: Any, status: Any, generation: int) -> None:
    meta = {"name": "x", "namespace": "y", "uid": "z", "generation": generation}
    live = Live.of({"apiVersion": "v1", "kind": "K", "metadata": meta, "spec": spec, "status": status})
    drawn: tuple[DeploymentState | PodState | FluxState | LeaseState, ...] = (
        deployment_state(live),
        pod_state(live, NOW, NOW),
        flux_state(live),
        lease_state(live, NOW),
    )
    for state in drawn:
        assert state.status in CheckStatus
        assert len(state.reason) < 2000
