"""The practice cluster against the recording of a real API server, and both against a live one where there is one."""

import asyncio
from collections.abc import Iterator

import aiohttp
import pytest

from tests.conformance.differences import PRACTICE, UNRECORDED
from tests.conformance.driver import Driver, Json, cases, comparable, differences
from tests.conformance.live import assets, server
from tests.conformance.record import exchanges, recorded
from tui.practice.access import USERS
from tui.practice.clock import Clock
from tui.practice.cluster import PracticeCluster
from tui.practice.life.system import Definitions

NAMES = [case["case"] for case in cases()]


@pytest.fixture(scope="module")
def recording() -> dict[str, Json]:
    return recorded()


@pytest.fixture(scope="module")
def practice() -> dict[str, Json]:
    return asyncio.run(_practised())


async def _practised() -> dict[str, Json]:
    """The practice cluster's answers, without the controllers that the recorded server had no manager to run."""
    cluster = PracticeCluster(clock=Clock())
    cluster.runner.run()
    cluster.runner.controllers = [c for c in cluster.runner.controllers if isinstance(c, Definitions)]
    async with cluster, aiohttp.ClientSession() as session:
        driver = Driver(session, cluster.url, {user.name: user.token for user in USERS}, cluster.settle)
        return {case["case"]: await driver.run(case) for case in cases()}


@pytest.fixture(scope="module")
def live_url() -> Iterator[str]:
    folder = assets()
    if folder is None:
        pytest.skip("no live kube-apiserver: KUBEBUILDER_ASSETS names no folder with etcd and kube-apiserver")
    with server(folder) as found:
        yield found.url


def test_the_cases_and_the_recording_are_the_same_ones(recording: dict[str, Json]) -> None:
    assert list(recording) == NAMES
    assert len(set(NAMES)) == len(NAMES)


@pytest.mark.parametrize("case", NAMES)
def test_practice_answers_like_the_recorded_server(
    case: str, practice: dict[str, Json], recording: dict[str, Json]
) -> None:
    found = differences(comparable(practice[case]), comparable(recording[case]))
    if case in PRACTICE:
        assert found, f"{case} no longer differs: take it off the list"
    else:
        assert not found, "\n".join(found)


def test_every_knowing_difference_is_a_case_or_words_with_a_reason() -> None:
    assert set(PRACTICE) <= set(NAMES)
    assert all(len(reason) > 20 for reason in (*PRACTICE.values(), *UNRECORDED))


@pytest.mark.live
async def test_a_live_server_answers_like_the_recorded_one(live_url: str, recording: dict[str, Json]) -> None:
    found = {entry["case"]: entry["answer"] for entry in await exchanges(live_url)}
    wrong = {
        case: lines
        for case in NAMES
        if case not in ("version", "watch-initial-events")
        and (lines := differences(comparable(found[case]), comparable(recording[case])))
    }
    assert not wrong
