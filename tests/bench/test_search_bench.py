"""What a search for who names twenty objects costs among 20 000, over the inventory that it comes on top of."""

import asyncio
import time
from dataclasses import dataclass
from typing import Any

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from tests.bench.test_inventory_bench import Filled, filled
from tui.cluster.connect import connection_from_dict
from tui.cluster.reader import ClusterReader
from tui.objects import Key

__all__ = ["filled"]

TARGETS = [Key("", kind, "team-1", f"left-{number}") for number in range(10) for kind in ("ConfigMap", "Secret")]
LIMIT = 3.0
"""How many times an inventory a search may cost: it reads whole what that knows by metadata."""


@dataclass
class Cost:
    """What was read: seconds, requests and bytes."""

    seconds: float = 0.0
    requests: int = 0
    received: int = 0


async def costs(filled: Filled) -> tuple[Cost, Cost]:
    """Of an inventory, and of the search behind it."""
    async with await connection_from_dict(filled.kubeconfig) as connection:
        reader = ClusterReader(connection.api)
        cost = Cost()
        fetch = connection.api.fetch

        async def counted(*given: Any, **how: Any) -> bytes:
            raw = await fetch(*given, **how)
            cost.requests += 1
            cost.received += len(raw)
            return raw

        connection.api.fetch = counted  # type: ignore[method-assign] # a counter
        began = time.perf_counter()
        known = await reader.inventory()
        cost.seconds = time.perf_counter() - began
        first, cost = cost, Cost()
        began = time.perf_counter()
        found = await reader.search(known, TARGETS)
        cost.seconds = time.perf_counter() - began
        assert found.searched.targets == frozenset(TARGETS)
        return first, cost


def test_a_search_costs_no_more_than_what_it_reads(
    benchmark: BenchmarkFixture, filled: Filled, capsys: pytest.CaptureFixture[str]
) -> None:
    found: list[tuple[Cost, Cost]] = []
    benchmark.pedantic(lambda: found.append(asyncio.run(costs(filled))), rounds=3)  # type: ignore[no-untyped-call]
    inventory, search = min(found, key=lambda pair: pair[1].seconds / pair[0].seconds)
    ratio = search.seconds / inventory.seconds
    benchmark.extra_info |= {"ratio": ratio, "requests": search.requests, "bytes": search.received}
    with capsys.disabled():
        print(
            f"\nsearch: {ratio:.2f} times the inventory, {search.requests} requests ({inventory.requests}),"
            f" {search.received / 1e6:.1f} MB ({inventory.received / 1e6:.1f})"
        )
    assert ratio < LIMIT
