"""How quickly the practice cluster answers when it is large: one metadata page of 500 over HTTP, and filling it."""

import asyncio
from typing import Any

import aiohttp
import pytest

from tui.practice.cluster import PracticeCluster
from tui.practice.fill import fill

OBJECTS = 100_000
METADATA = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"


@pytest.fixture(scope="module")
def filled() -> PracticeCluster:
    cluster = PracticeCluster()
    fill(cluster, OBJECTS)
    return cluster


def test_fill(benchmark: Any) -> None:
    benchmark.pedantic(lambda: fill(PracticeCluster(), OBJECTS), rounds=1, iterations=1)


def test_one_metadata_page(benchmark: Any, filled: PracticeCluster) -> None:
    """The bound is 20 ms on two cores; the first answer of a page also encodes it."""
    with asyncio.Runner() as runner:
        runner.run(filled.start())
        session = runner.run(_session())

        async def page() -> bytes:
            url = f"{filled.url}/api/v1/configmaps?limit=500"
            headers = {"Authorization": "Bearer practice-admin", "Accept": METADATA}
            async with session.get(url, headers=headers) as answer:
                return await answer.read()

        body = benchmark(lambda: runner.run(page()))
        runner.run(session.close())
        runner.run(filled.stop())
    assert body.count(b'"kind":"PartialObjectMetadata"') == 500


async def _session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession()
