"""What stands in the way and is not mended by a plan of its own: why not, and what mends it. Pure."""

from collections.abc import Iterator
from shlex import quote
from typing import Final

from tui.helm.model import Record, Status
from tui.objects import Ref
from tui.ownership.model import Assessment, FamilyView, Finding
from tui.recovery.plan import Action

TOLD: Final = {
    "namespace-terminating": (
        "its deletion cannot be taken back, and its finalizer is the API server's own: what it waits for must go first "
        "(its conditions say what). To see it: kubectl get namespace {name} -o yaml"
    ),
    "apiservice-down": (
        "an APIService is its owner's: bring the service behind it back. To see why it fails: "
        "kubectl get apiservice {name} -o yaml"
    ),
    "api-unserved": (
        "the stored manifest speaks a version that is no longer served, and is never rewritten: the owner must upgrade "
        "the chart before anything of this can be replayed"
    ),
    "crd-missing": "the step Replay brings back the CRD, where the release's manifest or chart has it",
    "roleref-differs": "a roleRef never changes in place: the step Cleanup recreates the binding, where that is safe",
    "stamp-absent": "the step Cleanup adopts it, field ownership included",
}
"""By finding: why a mend does not do it, and who does. ``{name}`` is the object's."""

NEXT: Final = {
    Status.PENDING_INSTALL: (
        "an install is under way or was killed in the middle; while its process may live nothing is touched. "
        "Once it is known to be dead, its owner installs again; helm uninstall would delete what it made. "
        "To look first: helm status {name} -n {space}"
    ),
    Status.PENDING_UPGRADE: (
        "an upgrade is under way or was killed in the middle; the revision before it stays in force. Once its process "
        "is known to be dead: helm rollback {name} -n {space}"
    ),
    Status.PENDING_ROLLBACK: (
        "a rollback is under way or was killed in the middle. Once its process is known to be dead: "
        "helm history {name} -n {space}, then helm rollback {name} REVISION -n {space}"
    ),
    Status.UNINSTALLING: (
        "an uninstall is under way or was killed in the middle: it goes on deleting what it lists. Stop its process "
        "first if that is not wanted; then look: helm status {name} -n {space}"
    ),
}
"""A pending release in plain words, with the next safe command."""


def told(assessment: Assessment) -> Iterator[tuple[Ref, str]]:
    """Every blocker that a mend leaves out, with the reason and the way."""
    for view in assessment.families:
        yield from _pending(view)
    for finding in assessment.findings:
        yield from _finding(assessment, finding)


def _pending(view: FamilyView) -> Iterator[tuple[Ref, str]]:
    for release in view.releases:
        if release.newest.status in NEXT:
            yield release.newest.storage, pending(release.newest)


def pending(record: Record) -> str:
    """A pending revision in plain words, with the next safe command to copy."""
    words = NEXT.get(record.status, "")
    told = words.format(name=quote(record.name), space=quote(record.storage.namespace or ""))
    return f"{record.name} revision {record.revision} is {record.status.value}: {told}"


def _finding(assessment: Assessment, finding: Finding) -> Iterator[tuple[Ref, str]]:
    if finding.code == "webhook-dead":
        for ref in finding.resources:
            yield ref, _webhook(assessment, ref)
    elif finding.code in TOLD:
        for ref in finding.resources:
            yield ref, TOLD[finding.code].format(name=quote(ref.name))
    elif finding.code == "apply-failing" and finding.resources[0].group.endswith("pulumi.com"):
        yield finding.resources[0], f"a Stack is Pulumi's: mend what its message names; {finding.next}"


def _webhook(assessment: Assessment, ref: Ref) -> str:
    candidate = next((c for c in assessment.candidates if c.ref.key == ref.key), None)
    if candidate is not None and candidate.decision.value == Action.DELETE.value:
        return "it is a leftover of a stale release: the step Cleanup deletes it"
    row = assessment.attributions.get(ref.key)
    whose = f"it belongs to {row.owner}" if row and row.owner else "whose it is, is not clear"
    line = f"kubectl get {ref.kubectl} -o yaml"
    return f"{whose}: bring the service behind it back, or let its owner remove it. To look at it: {line}"
