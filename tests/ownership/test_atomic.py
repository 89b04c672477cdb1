"""An owner whose install takes back what it fails over: what shows it, what it holds up, and how to switch it off."""

from dataclasses import replace
from typing import Any

import pytest

from tests.clusters import FAMILY, contract, inventory, obj, record
from tests.ownership.judging import CONTRACT, NEW, OLD, decided, findings, judge, stale, weigh
from tui.contract.model import Contract, Owner
from tui.helm.errors import read_error
from tui.helm.model import Document
from tui.objects import Json, Live, Ref
from tui.ownership.atomic import DELETES, held_back, installer_of, off, takes_back
from tui.ownership.model import Assessment, FamilyView, Forecast, Wish
from tui.recovery.report import preflight_json

EXPECTED = "gitops-flux-12345678"
FAILED = f"release {EXPECTED} failed, and has been uninstalled due to atomic being set: x"
LEFT = stale("ConfigMap", "left")


def told(text: str = FAILED, **more: Any) -> Wish:
    return Wish(EXPECTED, error=read_error(text), **more)


def runs(name: str = EXPECTED, install: Json | None = None, **spec: Any) -> Json:
    """A HelmRelease of the expected release, in the family's namespace."""
    return obj("HelmRelease", "flux", spec={"releaseName": name, "install": install or {}, **spec})


def remediates(**how: Any) -> Json:
    return {"remediation": how}


def why_of(found: Assessment, body: Json = LEFT) -> str:
    return next(each.why for each in found.candidates if each.ref.uid == body["metadata"]["uid"])


def view_of(found: Assessment) -> FamilyView:
    return found.families[0]


# What shows it, and what it holds up.


def test_an_owner_s_text_that_shows_it_holds_adoptions_up_until_the_operator_states_otherwise() -> None:
    held = judge([LEFT], wish=told())
    assert decided(held, LEFT) == ("protect", ("S3",))
    why = why_of(held)
    assert why.startswith("the owner installs atomically: its error says uninstalled due to atomic being set")
    assert DELETES in why
    assert "--not-atomic" in why
    assert decided(judge([LEFT], wish=told(not_atomic=True)), LEFT) == ("adopt", ("S3",))


def test_the_finding_stays_and_says_why_nothing_is_re_stamped_yet() -> None:
    found = findings(judge([LEFT], wish=told()), "refused-install")[0]
    assert found.severity.value == "block"
    assert f"none of them is re-stamped to {EXPECTED} yet: the owner installs atomically" in found.next
    assert any("protect (S3): the owner installs atomically" in text for text in found.evidence)
    assert "what the owner's text shows: uninstalled due to atomic being set" in found.evidence


def test_the_json_has_the_reason_of_each_candidate() -> None:
    document = preflight_json(judge([LEFT], wish=told()), "c", CONTRACT)
    (each,) = document["candidates"]
    assert (each["decision"], each["rules"]) == ("protect", ["S3"])
    assert "the owner installs atomically" in each["why"]


def test_a_record_whose_description_says_so_shows_it() -> None:
    info = {"status": "failed", "description": f"Release failed: {FAILED}", "last_deployed": "2026-01-02T00:00:00Z"}
    past = record(OLD, 3, "failed", info=info)
    held = judge([past, LEFT], wish=Wish(EXPECTED))
    assert decided(held, LEFT) == ("protect", ("S3",))
    assert f"{OLD} revision 3 is recorded as uninstalled due to atomic being set" in why_of(held)
    assert decided(judge([past, LEFT], wish=Wish(EXPECTED, not_atomic=True)), LEFT)[0] == "adopt"
    plain = record(OLD, 3, "failed")
    assert decided(judge([plain, LEFT], wish=Wish(EXPECTED)), LEFT)[0] == "adopt"


@pytest.mark.parametrize(
    ("install", "said"),
    [
        (remediates(retries=3), "spec.install.remediation.retries: 3"),
        (remediates(retries=-1), "spec.install.remediation.retries: -1"),
        (remediates(remediateLastFailure=True), "spec.install.remediation.remediateLastFailure: true"),
        ({**remediates(retries=1), "strategy": {"name": "RemediateOnFailure"}}, "spec.install.remediation.retries: 1"),
        (remediates(retries="1"), "spec.install.remediation.retries: 1"),
    ],
)
def test_a_helm_release_that_uninstalls_what_fails_holds_adoptions_up(install: Json, said: str) -> None:
    for wish in (Wish(EXPECTED), Wish(EXPECTED, not_atomic=True)):
        held = judge([LEFT, runs(install=install)], wish=wish)
        assert decided(held, LEFT) == ("protect", ("S3",)), "what the cluster says is not outdated by a word"
        assert f"HelmRelease flux-system/flux uninstalls what fails to install ({said})" in why_of(held)
        assert "set spec.install.remediation.retries to 0 in HelmRelease flux-system/flux" in why_of(held)
        assert "suspend it" in why_of(held)


@pytest.mark.parametrize(
    "release",
    [
        runs(install=remediates(retries=0)),
        runs(install={}),
        runs(install=remediates(retries=2), suspend=True),
        runs(install={**remediates(retries=2), "strategy": {"name": "RetryOnFailure"}}),
        runs(NEW, remediates(retries=2)),
        runs(install=remediates(retries=2), targetNamespace="apps"),
        runs(install=remediates(retries=2), kubeConfig={"secretRef": {"name": "far"}}),
    ],
    ids=["none", "unsaid", "suspended", "retries only", "another release", "another namespace", "another cluster"],
)
def test_any_other_helm_release_holds_nothing_up(release: Json) -> None:
    assert decided(judge([LEFT, release], wish=Wish(EXPECTED)), LEFT) == ("adopt", ("S3",))


def test_a_helm_release_names_its_release_as_helm_controller_does() -> None:
    spec = {"targetNamespace": "flux-system", "install": remediates(retries=1)}
    release = obj("HelmRelease", "12345678", "apps", spec=spec)
    read = inventory([release])
    assert installer_of("flux-system-12345678", "flux-system", read) is not None
    assert installer_of("12345678", "flux-system", read) is None


@pytest.mark.parametrize(
    ("chart", "config", "held"),
    [
        (None, None, True),
        ("reinstall", None, True),
        ("abort", None, False),
        ("retry", None, False),
        (None, "abort", False),
        ("abort", "reinstall", True),
    ],
)
def test_a_helm_chart_of_k3s_uninstalls_what_fails_unless_told_otherwise(
    chart: str | None, config: str | None, held: bool
) -> None:
    read = inventory([LEFT])
    for kind, policy in (("HelmChart", chart), ("HelmChartConfig", config)):
        meta = {"name": EXPECTED, "namespace": "flux-system", "uid": kind}
        body = {"apiVersion": "helm.cattle.io/v1", "kind": kind, "metadata": meta}
        live = Live.of({**body, "spec": {"failurePolicy": policy} if policy else {}})
        if kind == "HelmChart" or config:
            read.objects[live.key] = live
    found = weigh(read, wish=Wish(EXPECTED))
    assert decided(found, LEFT)[0] == ("protect" if held else "adopt")
    if held:
        assert "uninstalls what fails to install (spec.failurePolicy: reinstall)" in why_of(found)
        assert f"set spec.failurePolicy to abort in HelmChart flux-system/{EXPECTED}" in why_of(found)


def test_what_is_in_force_is_not_asked_about() -> None:
    active = record(NEW, 2, documents=[])
    found = judge([active, LEFT], wish=told())
    assert view_of(found).active is not None
    assert held_back(CONTRACT, view_of(found)) == takes_back(CONTRACT, view_of(found)) == ""


# How it is switched off.


def by(name: str, title: str, **family: Any) -> Contract:
    return contract(owners={name: Owner(name, title, ())}, releases=(replace(FAMILY, owner=name, **family),), claims=())


@pytest.mark.parametrize(
    ("owner", "words"),
    [
        (by("pulumi", "Pulumi"), "take `atomic: true` out of its Release resource"),
        (
            by("platform", "Helm by hand", generated=None, names=(EXPECTED, OLD)),
            "--atomic (Helm 3) or --rollback-on-failure",
        ),
        (by("flux", "Flux"), "set spec.install.remediation.retries to 0 in its HelmRelease"),
        (by("infra", "Terraform"), "set `atomic = false` in its helm_release"),
        (by("team", "The team"), "take `atomic: true` out of its Release resource"),
        (
            by("team", "The team", generated=None, match="gitops-*"),
            "--rollback-on-failure (Helm 4); or take `atomic: true`",
        ),
    ],
    ids=["pulumi", "helm", "flux", "terraform", "generated names are Pulumi's", "nobody knows"],
)
def test_each_owner_is_told_in_its_own_words_before_anything_is_done(owner: Contract, words: str) -> None:
    found = judge([LEFT], wish=Wish(EXPECTED), by=owner)
    assert words in off(owner, view_of(found))
    (refused,) = findings(found, "refused-install")
    for text in (DELETES, "atomic", "deletes", words):
        assert text in refused.next


def test_argo_cd_installs_nothing_that_could_be_taken_back() -> None:
    owner = by("argo", "Argo CD")
    found = judge([LEFT], wish=Wish(EXPECTED), by=owner)
    assert takes_back(owner, view_of(found)) == ""
    assert "atomic" not in findings(found, "refused-install")[0].next


def test_a_helm_release_that_would_install_it_is_named() -> None:
    found = judge([LEFT, runs()], wish=Wish(EXPECTED))
    assert "retries to 0 in HelmRelease flux-system/flux" in takes_back(CONTRACT, view_of(found))


def test_once_all_is_adopted_the_next_preflight_still_says_so() -> None:
    mine = obj("ConfigMap", "left", release=EXPECTED)
    found = judge([mine], wish=told(FAILED, not_atomic=True))
    (absent,) = findings(found, "release-absent")
    assert DELETES in absent.next
    (refused,) = (each for each in findings(found, "refused-install") if each.severity.value == "info")
    assert DELETES in refused.next


# What keep is worth.


def listing(body: Json, **annotations: str) -> Forecast:
    meta = {"name": body["metadata"]["name"], "annotations": annotations}
    document = {"apiVersion": body["apiVersion"], "kind": body["kind"], "metadata": meta}
    return Forecast("m.yaml", "0" * 64, (Document(Ref.of(document), document),))


def test_a_keep_on_the_live_object_is_no_comfort_and_one_in_the_manifest_is() -> None:
    kept = stale("ConfigMap", "kept", annotations={"helm.sh/resource-policy": "keep"})
    (refused,) = findings(judge([kept], wish=Wish(EXPECTED)), "refused-install")
    assert "does not save it then: an uninstall reads the stored manifest" in "\n".join(refused.evidence)
    wish = Wish(EXPECTED, forecast=listing(kept, **{"helm.sh/resource-policy": " Keep "}))
    (refused,) = findings(judge([kept], wish=wish), "refused-install")
    assert f"keep, which the manifest of {EXPECTED} has of it, saves this one then" in "\n".join(refused.evidence)
    (refused,) = findings(judge([LEFT], wish=Wish(EXPECTED)), "refused-install")
    assert "resource-policy" not in "\n".join(refused.evidence)
