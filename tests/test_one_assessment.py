"""Session, screens and commands assess alike: what one of them says of a cluster, each of them says."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from screens.judging import judge
from tests.clusters import obj
from tests.recovery.stage import Stage, on_drill
from tui.contract.load import load_contract, shipped
from tui.objects import Json
from tui.ownership.model import Assessment
from tui.recovery.assessing import assess_searched
from tui.recovery.ports import Method

NAMES = ("source-controller", "kustomize-controller", "helm-controller")


def old_lease(name: str) -> Json:
    then = (datetime.now(UTC) - timedelta(hours=4)).isoformat().replace("+00:00", "Z")
    lease = obj("Service", f"{name}-leader-election", spec={"renewTime": then, "leaseDurationSeconds": 35})
    return lease | {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease"}


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    """A healthy cluster of which the controllers stopped renewing their Leases four hours ago."""
    async with on_drill(tmp_path, "healthy") as found:
        for name in NAMES:
            lease = old_lease(name)
            await found.somebody(Method.MERGE_PATCH, lease, {"spec": lease["spec"]})
        yield found


def said(assessment: Assessment) -> list[tuple[str, str, str]]:
    return [(each.code, each.severity.value, each.summary) for each in assessment.findings]


async def test_an_old_lease_is_seen_by_session_screens_and_commands_alike(stage: Stage) -> None:
    contract = load_contract(shipped())
    now = datetime.now(UTC)
    by_session = await stage.session.refresh()
    by_command = await assess_searched(stage.reader, contract, await stage.reader.inventory(), now)
    by_screen = judge(contract, await stage.reader.inventory(), now).assessment
    assert "controller-dead" in {code for code, _, _ in said(by_session)}
    assert said(by_session) == said(by_command) == said(by_screen)
    assert by_session.verdict is by_command.verdict is by_screen.verdict
    assert by_session.verdict.value == "warn"
