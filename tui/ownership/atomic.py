"""Whether an owner's install takes back what it fails over, how that is switched off, and what is told of it. Pure.

An atomic install that fails over anything uninstalls its release, and that deletes all that the manifest lists, objects
that were re-stamped for it beforehand among them (tried with Helm 3.22 ``--atomic`` and Helm 4.3
``--rollback-on-failure``; helm pkg/action/install.go failRelease). Programs that embed Helm have words of their own for
it: Pulumi's Release and Terraform's helm_release ``atomic``, Flux the remediation of a HelmRelease (helm-controller
api/v2 InstallRemediation), k3s the failure policy of a HelmChart (helm-controller pkg/controllers/chart).
"""

from collections.abc import Iterable
from typing import Any, Final

from tui.contract.model import Contract
from tui.helm.errors import read_error
from tui.helm.manifest import RESOURCE_POLICY
from tui.objects import Inventory, KindKey, Live
from tui.ownership.evidence import HELM_RELEASE, release_run_by
from tui.ownership.holders import applies_elsewhere
from tui.ownership.model import Atomic, FamilyState, FamilyView, Release, Wish
from tui.ownership.references import dig

HELM_CHART: Final = KindKey("helm.cattle.io", "HelmChart")
HELM_CHART_CONFIG: Final = KindKey("helm.cattle.io", "HelmChartConfig")

FLAG: Final = "--not-atomic"
"""The word by which an operator states that the next install is not atomic, on the command line and in the app."""

DELETES: Final = "an atomic install that fails deletes all that was adopted for it"

_HELM: Final = "install without --atomic (Helm 3) or --rollback-on-failure (Helm 4)"
_PULUMI: Final = "take `atomic: true` out of its Release resource"
_FLUX: Final = "set spec.install.remediation.retries to 0 in {its}, without remediateLastFailure"
_TERRAFORM: Final = "set `atomic = false` in its helm_release"
_K3S: Final = "set spec.failurePolicy to abort in {its}"
_OFF: Final = (
    (("pulumi",), _PULUMI),
    (("terraform", "tofu"), _TERRAFORM),
    (("flux",), _FLUX.format(its="its HelmRelease")),
    (("helm",), _HELM),
)
"""How an owner of this name switches it off."""

_APPLIES: Final = ("argo",)
"""Owners that render a chart and apply it: there is no install, so nothing of one is taken back."""


def installer_of(release: str, namespace: str, inventory: Inventory) -> Live | None:
    """The object of the cluster by which a release would be installed here, a HelmRelease or a HelmChart; else None.

    Of several the one comes first that takes back what it fails over.
    """
    found = [live for live in inventory.of_kind(*HELM_RELEASE) if not applies_elsewhere(live)]
    mine = [live for live in found if release_run_by(live) == (namespace, release)]
    mine += [live for live in inventory.of_kind(*HELM_CHART) if _run_by_chart(live) == (namespace, release)]
    return min(mine, key=lambda live: (not _takes_back(live, inventory), live.ref.label), default=None)


def _run_by_chart(live: Live) -> tuple[str, str]:
    return str(dig(live.body, ("spec", "targetNamespace")) or live.ref.namespace or ""), live.ref.name


def atomic_of(installer: Live | None, releases: Iterable[Release], inventory: Inventory, wish: Wish) -> Atomic | None:
    """What shows that the next install takes back what it fails over; None where nothing does.

    What the cluster itself says holds whatever the operator states; a text and a record tell of the last time.
    """
    if installer is not None and (why := _takes_back(installer, inventory)):
        return Atomic(why, installer.ref)
    if wish.not_atomic:
        return None
    if wish.error.atomic:
        return Atomic(f"its error says {wish.error.atomic}")
    for release in releases:
        for record in release.records:
            if words := read_error(record.description).atomic:
                return Atomic(f"{record.name} revision {record.revision} is recorded as {words}")
    return None


def _takes_back(live: Live, inventory: Inventory) -> str:
    """How an installer takes back what fails, in words; empty where it does not."""
    if live.body is None:
        return f"what {live.ref.label} does with a failed install could not be read"
    return _by_policy(live, inventory) if live.ref.kind_key == HELM_CHART else _by_remediation(live)


def _by_remediation(live: Live) -> str:
    """A suspended HelmRelease installs nothing; one that retries a failure does not uninstall it first."""
    install = dig(live.body, ("spec", "install"))
    if dig(live.body, ("spec", "suspend")) is True or dig(install, ("strategy", "name")) == "RetryOnFailure":
        return ""
    for name in ("retries", "remediateLastFailure"):
        value: Any = dig(install, ("remediation", name))
        if value not in (None, 0, False):
            said = str(value).lower()
            return f"{live.ref.label} uninstalls what fails to install (spec.install.remediation.{name}: {said})"
    return ""


def _by_policy(live: Live, inventory: Inventory) -> str:
    """A HelmChartConfig of the same name has the last word."""
    configs = [each for each in inventory.of_kind(*HELM_CHART_CONFIG) if each.ref.path == live.ref.path]
    said = [dig(each.body, ("spec", "failurePolicy")) for each in (*configs, live)]
    policy = next((each for each in said if each), "reinstall")
    gap = inventory.gap(*HELM_CHART_CONFIG, live.ref.namespace)
    if policy in ("abort", "retry"):
        return f"whether a HelmChartConfig overrides {live.ref.label} could not be read: {gap.text}" if gap else ""
    return f"{live.ref.label} uninstalls what fails to install (spec.failurePolicy: {policy})"


def off(contract: Contract, view: FamilyView) -> str:
    """How the family's owner switches it off; empty where its owner installs nothing."""
    if view.installer is not None:
        return (_K3S if view.installer.kind_key == HELM_CHART else _FLUX).format(its=view.installer.label)
    owner = contract.owners.get(view.family.owner)
    said = f"{view.family.owner} {owner.title if owner else ''}".lower()
    if any(each in said for each in _APPLIES):
        return ""
    known = next((how for names, how in _OFF if any(each in said for each in names)), "")
    return known or (_PULUMI if view.family.generated else f"{_HELM}; or {_PULUMI}; or {_TERRAFORM}")


def takes_back(contract: Contract, view: FamilyView) -> str:
    """What is told of an install of the expected release before anything is adopted for it, and after.

    Empty where no expected release waits to be installed, or its owner installs nothing.
    """
    how = off(contract, view) if view.state is FamilyState.ABSENT and view.expected else ""
    if not how:
        return ""
    return f"{DELETES}; switch that off for the one deployment: {how}"


def kept(view: FamilyView, live: Live) -> str:
    """What ``keep`` is worth to an object that such an install takes back; empty where none is on it anywhere."""
    document = view.wanted(live.key)
    if document is not None and keeps(document.annotations.get(RESOURCE_POLICY)):
        return f"{RESOURCE_POLICY}: keep, which the manifest of {view.expected} has of it, saves this one then"
    if RESOURCE_POLICY in live.annotations:
        said = f"{RESOURCE_POLICY}: {live.annotations[RESOURCE_POLICY]}"
        return f"{said} on the live object does not save it then: an uninstall reads the stored manifest"
    return ""


def keeps(policy: object) -> bool:
    """Whether a document's policy keeps it, as an uninstall reads that (helm pkg/action/resource_policy.go)."""
    return isinstance(policy, str) and policy.strip().lower() == "keep"


def held_back(contract: Contract, view: FamilyView) -> str:
    """Why nothing is adopted for the expected release: its install is known to be atomic. Empty where it is not."""
    atomic = view.atomic
    if atomic is None or view.state is not FamilyState.ABSENT:
        return ""
    how = off(contract, view) or _HELM
    if atomic.by is None:
        how = f"switch that off for the one deployment ({how}) and state it ({FLAG})"
    elif atomic.by.kind_key == HELM_RELEASE:
        how = f"{how}, or suspend it"
    return f"the owner installs atomically: {atomic.why}, and {DELETES}; {how}"
