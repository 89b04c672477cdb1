"""The whole assessment: what the contract allows, what is incomplete, and which verdict comes first."""

from datetime import date, timedelta

import pytest

from tests.clusters import contract, inventory, obj, record
from tests.ownership.judging import NEW, OLD, TODAY, active, findings, gap, judge, names, stale, weigh
from tui.contract.model import Allow
from tui.objects import Gap, Json
from tui.ownership.model import Assessment

ROLE = obj("ClusterRole", "role", release=NEW)


def allowing(*entries: tuple[str, str], expires: date = TODAY) -> list[Allow]:
    return [Allow(code, resource, "known", expires) for code, resource in entries]


def two_unowned(*allow: Allow, today: date = TODAY) -> Assessment:
    things = [obj("ConfigMap", "a", "apps"), obj("ConfigMap", "b", "apps")]
    return weigh(inventory(things), by=contract(allow=allow), today=today)


def test_an_allowed_finding_is_hidden_and_counted() -> None:
    plain = two_unowned()
    found = two_unowned(*allowing(("unowned", "ConfigMap/apps/*")))
    assert (plain.hidden, found.hidden) == (0, 1)
    assert findings(found, "unowned") == []
    assert len(found.findings) == len(plain.findings) - 1


def test_a_part_that_is_allowed_is_counted_and_said() -> None:
    found = two_unowned(*allowing(("unowned", "ConfigMap/apps/a")))
    (each,) = findings(found, "unowned")
    assert names(each) == {"ConfigMap apps/b"}
    assert each.evidence[-1] == "1 more resource allowed by the contract"
    assert found.hidden == 1


@pytest.mark.parametrize(("code", "resource"), [("undocumented", "ConfigMap/apps/*"), ("unowned", "Secret/apps/*")])
def test_another_code_or_resource_is_not_hidden(code: str, resource: str) -> None:
    found = two_unowned(*allowing((code, resource)))
    assert found.hidden == 0
    assert len(findings(found, "unowned")[0].resources) == 2


def test_an_allowance_holds_through_its_last_day() -> None:
    allow = allowing(("unowned", "ConfigMap/*"))
    assert two_unowned(*allow, today=TODAY).hidden == 1
    late = two_unowned(*allow, today=TODAY + timedelta(days=1))
    assert (late.hidden, len(findings(late, "unowned"))) == (0, 1)


def test_a_finding_without_resources_cannot_be_allowed() -> None:
    found = two_unowned(*allowing(("contract-unpinned", "*/*")))
    assert len(findings(found, "contract-unpinned")) == 1


def test_an_allowed_block_no_longer_blocks() -> None:
    lost = [active(ROLE)]
    assert judge(lost).verdict.value == "block"
    by = contract(allow=tuple(allowing(("resource-missing", "ClusterRole/role"))))
    found = judge(lost, by=by)
    assert (found.verdict.value, found.hidden) == ("pass", 1)


@pytest.mark.parametrize(
    ("missing", "named"),
    [
        (gap("Secret"), True),
        (gap("ConfigMap"), True),
        (gap("Secret", namespace="flux-system"), True),
        (gap("Secret", namespace="apps"), False),
        (gap("Namespace"), True),
        (gap("Kustomization"), True),
        (gap("HelmRelease"), True),
        (gap("ClusterRole"), True),
        (gap("MutatingWebhookConfiguration"), True),
        (gap("APIService"), True),
        (gap("Pod"), False),
        (gap("Ingress"), False),
        (gap("GitRepository"), False),
        (Gap("metrics.k8s.io", None, None, "down"), False),
        (Gap("metrics.k8s.io", "PodMetrics", None, "down"), False),
        (Gap("rbac.authorization.k8s.io", None, None, "down"), True),
        (Gap("kustomize.toolkit.fluxcd.io", None, None, "down"), True),
    ],
    ids=str,
)
def test_incomplete_names_only_what_a_verdict_rests_on(missing: Gap, named: bool) -> None:
    read = inventory([active(ROLE), ROLE])
    read.gaps.append(missing)
    found = weigh(read)
    assert found.incomplete == ((missing.text,) if named else ())
    assert found.verdict.value == ("unverified" if named else "pass")


@pytest.mark.parametrize(
    ("kind", "target", "named"),
    [
        ("Pod", "ServiceAccount", True),
        ("Pod", "ClusterRole", False),
        ("RoleBinding", "ClusterRole", True),
        ("Ingress", "Service", True),
        ("GitRepository", "Secret", True),
        ("GitRepository", "ClusterRole", False),
        ("PersistentVolumeClaim", "ServiceAccount", False),
    ],
)
def test_with_candidates_their_users_count_too(kind: str, target: str, named: bool) -> None:
    left = stale(target, "left", spec={})
    found = judge([active(ROLE), ROLE, left], [gap(kind)])
    assert (f"{kind}: forbidden" in found.incomplete) is named


def test_a_document_of_a_kind_that_discovery_lost_is_incomplete() -> None:
    written = {"apiVersion": "x.example.test/v1", "kind": "Thing", "metadata": {"name": "t"}}
    missing = Gap("x.example.test", "Thing", None, "forbidden")
    found = judge([record(NEW, 2, "deployed", [written])], [missing])
    assert found.incomplete == ("Thing: forbidden",)


def test_an_unreadable_manifest_is_incomplete_though_its_record_is_sound() -> None:
    found = judge([record(NEW, 2, "deployed", manifest="a: [")])
    assert found.families[0].state.value == "active"
    assert found.verdict.value == "unverified"
    assert found.incomplete[0].startswith(f"manifest of {NEW} revision 2: ")


LOST: list[Json] = [active(obj("ClusterRole", "lost"))]
WARNED: list[Json] = [active(ROLE), ROLE, stale("ConfigMap", "left")]


@pytest.mark.parametrize(
    ("objects", "gaps", "verdict"),
    [
        ([active(ROLE), ROLE], [], "pass"),
        (WARNED, [], "warn"),
        (WARNED, [gap("Pod")], "unverified"),
        ([active(ROLE), ROLE], [gap("Namespace")], "unverified"),
        (LOST, [], "block"),
        (LOST, [gap("Namespace")], "block"),
        ([record(NEW), record(OLD)], [gap("Namespace")], "block"),
        ([active(ROLE), ROLE], [gap("Secret")], "unverified"),
    ],
)
def test_block_comes_before_unverified_before_warn_before_pass(
    objects: list[Json], gaps: list[Gap], verdict: str
) -> None:
    assert judge(objects, gaps).verdict.value == verdict


def test_an_assessment_finds_its_families() -> None:
    found = judge([active()])
    assert found.family("gitops-flux") is found.families[0]
    assert found.family("other") is None


def test_an_empty_cluster_and_an_empty_contract_pass() -> None:
    found = judge([], by=contract(releases=(), claims=(), owners={}, layers=()))
    assert (found.verdict.value, found.candidates, found.missing, dict(found.attributions)) == ("pass", (), (), {})
