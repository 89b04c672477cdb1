"""What a live cluster says of a contract: evidence against its claims, selectors without objects, bare namespaces."""

from collections.abc import Iterable

import pytest

from tests.clusters import contract, inventory, obj
from tests.ownership.judging import TODAY, gap
from tui.contract.model import Claim, Selector
from tui.contract.remarks import LIVE_CODES, Remark
from tui.objects import Gap, Json
from tui.ownership.assess import assess
from tui.ownership.lint_live import lint_live

PULUMI = [("pulumi-resource-kubernetes", "Update")]
FLUX = [("kustomize-controller", "Apply")]


def remarks(
    select: Iterable[Selector], live: Iterable[Json], gaps: Iterable[Gap] = (), owner: str = "pulumi"
) -> list[tuple[str, int]]:
    return [(each.code, each.line) for each in told(select, live, gaps, owner)]


def told(
    select: Iterable[Selector], live: Iterable[Json], gaps: Iterable[Gap] = (), owner: str = "pulumi"
) -> tuple[Remark, ...]:
    by = contract(claims=(Claim(owner, "gitops", "", tuple(select), line=7),))
    found = lint_live(by, assess(by, inventory(live, gaps), today=TODAY))
    assert {each.code for each in found} <= set(LIVE_CODES)
    return found


SERVICES = Selector(kinds=("Service",), namespaces=("apps",))
SPACE = Selector(kinds=("Namespace",), names=("apps",))


def test_evidence_against_a_claim_is_counted_by_owner() -> None:
    made = [obj("Service", f"flux-{number}", "apps", managers=FLUX) for number in range(4)]
    made += [obj("Service", "both", "apps", managers=FLUX + PULUMI), obj("Service", "own", "apps", managers=PULUMI)]
    made += [obj("Service", "argo", "apps", annotations={"argocd.argoproj.io/tracking-id": "x"})]
    (found,) = told([SERVICES], made)
    assert (found.code, found.line) == ("claim-contradicted", 7)
    assert found.text == (
        "declared for pulumi, and of the 7 live objects it decides about 6 bear marks of others (argo 1, flux 5): "
        "Service apps/argo, Service apps/both, Service apps/flux-0 and 3 more"
    )


@pytest.mark.parametrize("managers", [PULUMI, [("kubectl-create", "Update")]])
def test_evidence_for_a_claim_and_none_at_all_are_no_remark(managers: list[tuple[str, str]]) -> None:
    assert remarks([SERVICES], [obj("Service", "web", "apps", managers=managers)]) == []


def test_what_a_controller_made_is_not_counted_again() -> None:
    below = obj("ReplicaSet", "web-1", "apps", owner=("Deployment", "web"))
    made = [obj("Deployment", "web", "apps", managers=FLUX), below]
    (found,) = told([Selector(kinds=("Deployment", "ReplicaSet"), namespaces=("apps",))], made)
    assert "of the 1 live objects it decides about 1 bear" in found.text


@pytest.mark.parametrize(
    ("selector", "gaps", "code"),
    [
        (Selector(kinds=("Service",), namespaces=("gone",)), [], "claim-idle"),
        (Selector(kinds=("Gizmo",)), [], "claim-idle"),
        (Selector(kinds=("Service",), groups=("other.test",)), [], "claim-idle"),
        (Selector(kinds=("Serv*",)), [], None),
        (Selector(names=("web",)), [], None),
        (Selector(kinds=("Secret",)), [gap("Secret")], "claim-unverified"),
        (Selector(kinds=("Secret",), namespaces=("x",)), [gap("Secret", namespace="x")], "claim-unverified"),
        (Selector(kinds=("Secret",), namespaces=("x",)), [gap("Secret", namespace="y")], "claim-idle"),
        (Selector(kinds=("Job",)), [gap("Secret")], "claim-idle"),
        (Selector(kinds=("Gizmo",)), [Gap("lost.test", None, None, "discovery failed")], "claim-unverified"),
        (
            Selector(kinds=("Gizmo",), groups=("a.test",)),
            [Gap("lost.test", None, None, "discovery failed")],
            "claim-idle",
        ),
    ],
)
def test_a_selector_without_objects(selector: Selector, gaps: list[Gap], code: str | None) -> None:
    found = told([SERVICES, selector], [obj("Service", "web", "apps")], gaps)
    assert [(each.code, each.info) for each in found] == ([(code, code == "claim-unverified")] if code else [])
    assert all("selector 2 of this claim for pulumi" in each.text for each in found)


@pytest.mark.parametrize(
    ("selector", "bare"),
    [(SPACE, ["bare"]), (SERVICES, ["bare"]), (Selector(kinds=("ConfigMap",)), []), (Selector(names=("*",)), [])],
)
def test_live_namespaces_that_no_claim_is_about(selector: Selector, bare: list[str]) -> None:
    made = [obj("Namespace", name, None) for name in ("apps", "bare", "kube-system", "default")]
    made += [obj("Service", "web", "apps"), obj("ConfigMap", "notes", "apps"), obj("ConfigMap", "notes", "bare")]
    found = [each for each in told([selector], made) if each.code == "namespace-uncovered"]
    assert [each.text.split()[1] for each in found] == bare
    assert all(each.text.endswith("it holds ConfigMap 1") for each in found)
