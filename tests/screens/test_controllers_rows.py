from dataclasses import replace

import pytest

from screens.changes import controllers_of
from screens.controllers_rows import HEADINGS, controller_rows, log_target, state_lines
from screens.view import View
from tests.screens.world import CONTRACT, NOW, body, condition, deployment, flux, inventory
from tui.contract.model import Health
from tui.objects import Gap, Json, Key
from tui.widgets.spans import Row, plain_text

CRASHING = Key("apps", "Deployment", "flux-system", "kustomize-controller")
POD = Key("", "Pod", "flux-system", "kustomize-controller-5d4f-x2x2x")
KUSTOMIZATION = Key("kustomize.toolkit.fluxcd.io", "Kustomization", "flux-system", "flux-system")


def text(row: Row) -> str:
    return " | ".join(plain_text(cell) for cell in row.cells)


def of(*bodies: Json, **changes: object) -> View:
    known = inventory(bodies)
    contract = replace(CONTRACT, **changes)  # type: ignore[arg-type]  # the fields of a table
    return View("practice", contract, inventory=known, controllers=controllers_of(known, contract))


def row_of(view: View, key: Key) -> str:
    return next(text(row) for row in controller_rows(view, NOW) if row.key == key)


def test_every_wanted_controller_has_a_row_live_or_not(view: View) -> None:
    rows = [text(row) for row in controller_rows(view, NOW)]
    assert rows[0] == "flux-system"
    assert "✓ source-controller | 1/1 |  | 40 d | 1 of 1 available" in rows
    assert "◌ helm-controller |  |  |  | missing: it is not there" in rows


def test_a_pod_stands_below_its_deployment_with_why_it_waits(view: View) -> None:
    rows = controller_rows(view, NOW)
    keys = [row.key for row in rows]
    assert keys.index(POD) == keys.index(CRASHING) + 1
    pod = text(rows[keys.index(POD)])
    assert "0/1 | 12 | 40 d | container manager waits (CrashLoopBackOff: back-off 5m0s [/oops])" in pod


def test_a_suspended_kustomization_says_so_loudly(view: View) -> None:
    assert "‖ SUSPENDED" in row_of(view, KUSTOMIZATION)
    assert "main@sha1:0123abcd" in row_of(view, KUSTOMIZATION)
    page = "\n".join(map(plain_text, state_lines(view, KUSTOMIZATION, NOW)))
    assert "‖ SUSPENDED: nothing is reconciled until it is resumed" in page


def test_the_rows_line_up_with_their_headings(view: View) -> None:
    assert {len(row.cells) for row in controller_rows(view, NOW)} == {1, len(HEADINGS)}


def test_the_filter_keeps_rows_by_name_or_words(view: View) -> None:
    rows = [row for row in controller_rows(view, NOW, "CRASHLOOP") if row.key]
    assert [row.key for row in rows] == [POD]


def test_a_glob_of_the_health_list_finds_what_it_means() -> None:
    health = (Health("flux-system", deployments=("source-*", "*operator*")),)
    view = of(body("Namespace", "flux-system"), *deployment("source-controller"), health=health)
    names = [plain_text(row.cells[0]) for row in controller_rows(view, NOW) if row.key]
    assert names == ["✓ source-controller", "  └ ✓ source-controller-5d4f-x2x2x", "◌ *operator*"]


def test_an_optional_namespace_that_is_not_there_misses_nothing() -> None:
    health = (Health("cert-manager", deployments=("cert-manager",), optional=True),)
    rows = controller_rows(of(health=health), NOW)
    assert [text(row) for row in rows] == ["cert-manager  the namespace does not exist"]


def test_what_cannot_be_read_is_not_called_missing() -> None:
    known = inventory([body("Namespace", "flux-system")], [Gap("apps", "Deployment", None, "forbidden")])
    view = View("practice", CONTRACT, inventory=known, controllers=known)
    rows = [text(row) for row in controller_rows(view, NOW)]
    assert rows[0] == "flux-system  ? Deployment: forbidden"
    assert rows[1] == "? source-controller |  |  |  | could not be read"


def test_flux_objects_of_other_namespaces_are_not_shown() -> None:
    other = flux("Kustomization")
    other["metadata"]["namespace"] = "elsewhere"
    view = of(body("Namespace", "flux-system"), flux("GitRepository"), other)
    kinds = [row.key.kind for row in controller_rows(view, NOW) if isinstance(row.key, Key)]
    assert kinds == ["Deployment", "Deployment", "Deployment", "GitRepository"]


def test_a_deployment_is_told_with_generation_image_lease_and_conditions() -> None:
    lease = body(
        "Lease",
        "source-controller-leader-election",
        "flux-system",
        spec={"holderIdentity": "source-controller-5d4f_1", "renewTime": "2026-11-23T05:29:50.000000Z"},
    )
    view = of(body("Namespace", "flux-system"), *deployment("source-controller"), lease)
    key = Key("apps", "Deployment", "flux-system", "source-controller")
    page = "\n".join(map(plain_text, state_lines(view, key, NOW)))
    assert "generation  1, seen by the controller: 1" in page
    assert "image       ghcr.io/fluxcd/manager:v1.6.0" in page
    assert "lease       ✓ renewed 10 s ago by source-controller-5d4f_1" in page
    assert "  Progressing True  NewReplicaSetAvailable  for 3 h" in page


def test_a_repository_s_url_is_shown_without_its_token() -> None:
    repository = flux("GitRepository")
    repository["spec"]["url"] = "https://user:hunter2@git.example/team/repo"
    view = of(body("Namespace", "flux-system"), repository)
    key = Key("source.toolkit.fluxcd.io", "GitRepository", "flux-system", "flux-system")
    page = "\n".join(map(plain_text, state_lines(view, key, NOW)))
    assert "https://git.example/team/repo" in page
    assert "hunter2" not in page


def test_what_is_gone_says_so(view: View) -> None:
    page = [plain_text(one) for one in state_lines(view, Key("apps", "Deployment", "flux-system", "helm"), NOW)]
    assert page == ["Deployment helm", "◌ is not there"]


def test_logs_are_those_of_the_pod_that_is_not_ready(view: View) -> None:
    assert log_target(view, CRASHING) == (POD, ("manager",))
    assert log_target(view, POD) == (POD, ("manager",))
    assert log_target(view, KUSTOMIZATION) is None
    assert log_target(view, Key("apps", "Deployment", "flux-system", "helm-controller")) is None


@pytest.mark.parametrize("status", [None, [], "text", {"conditions": "text"}, {"containerStatuses": [None, 3]}])
def test_damaged_objects_are_rows_all_the_same(status: object) -> None:
    bodies = deployment("source-controller")
    repository = flux("GitRepository")
    for one in (*bodies, repository):
        one["status"] = status
    view = of(body("Namespace", "flux-system"), *bodies, repository)
    for row in controller_rows(view, NOW):
        if isinstance(row.key, Key):
            assert state_lines(view, row.key, NOW)


def test_a_condition_s_words_are_words(view: View) -> None:
    known = flux("Kustomization")
    known["status"]["conditions"] = [condition("Ready", "False", "[bold]", "\x1b[2Jgone\nsecond")]
    page = state_lines(of(body("Namespace", "flux-system"), known), KUSTOMIZATION, NOW)
    said = "\n".join(map(plain_text, page))
    assert "[bold]: ␛[2Jgone second" in said
