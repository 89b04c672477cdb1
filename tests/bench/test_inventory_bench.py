"""What 20 000 objects cost, inventoried and attributed, over the bare HTTP floor: the same pages listed and parsed."""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from tui.cluster.bodies import UNLISTED
from tui.cluster.connect import connection_from_dict
from tui.cluster.discovery import collection, discover
from tui.cluster.inventory import CONCURRENT
from tui.cluster.listing import METADATA_LIST, RECORDS, Wanted
from tui.cluster.reader import ClusterReader
from tui.contract.load import load_contract, shipped
from tui.objects import Inventory
from tui.ownership.assess import assess

OBJECTS = 20_000
LIMIT = 3.0
"""How many times the floor inventory and attribution together may cost."""

ROUNDS = 5


@dataclass(frozen=True)
class Filled:
    """A filled cluster in another process, and the lists an inventory makes of it: path, query and Accept."""

    kubeconfig: dict[str, Any]
    server: str
    token: str
    lists: tuple[tuple[str, dict[str, str], str], ...]


Work = Callable[[Filled], Coroutine[Any, Any, int]]


@pytest.fixture(scope="module")
def filled() -> Iterator[Filled]:
    command = [sys.executable, str(Path(__file__).with_name("filled.py")), str(OBJECTS)]
    root = Path(__file__).parents[2]
    environment = os.environ | {"PYTHONPATH": str(root)}
    with subprocess.Popen(command, cwd=root, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        kubeconfig = json.loads(process.stdout.readline())
        context = kubeconfig["current-context"]
        server = next(entry["cluster"]["server"] for entry in kubeconfig["clusters"] if entry["name"] == context)
        token = next(entry["user"]["token"] for entry in kubeconfig["users"] if entry["name"] == context)
        yield Filled(kubeconfig, server, token, asyncio.run(lists_of(kubeconfig)))
        process.stdin.close()


async def lists_of(kubeconfig: dict[str, Any]) -> tuple[tuple[str, dict[str, str], str], ...]:
    async with await connection_from_dict(kubeconfig) as connection:
        catalog = await discover(connection.api)
    kinds = [served for served in catalog.listable.values() if served.kind_key not in UNLISTED]
    wanted = [Wanted(served) for served in kinds]
    wanted += [Wanted(served, records=True) for served in kinds if served.kind_key in RECORDS]
    return tuple(
        (
            collection(one.served),
            {"limit": str(one.page)} | ({"labelSelector": "owner=helm"} if one.records else {}),
            "application/json" if one.body else METADATA_LIST,
        )
        for one in wanted
    )


async def floor(filled: Filled) -> int:
    """Lists the same pages with aiohttp alone, as many at once, and parses them; returns how many objects came."""
    limit = asyncio.Semaphore(CONCURRENT)

    async def one(session: aiohttp.ClientSession, path: str, query: dict[str, str], accept: str) -> int:
        count, token = 0, ""
        async with limit:
            while True:
                more = {"continue": token} if token else {}
                async with session.get(filled.server + path, params=query | more, headers={"Accept": accept}) as answer:
                    page = json.loads(await answer.read())
                count += len(page["items"])
                token = page["metadata"].get("continue") or ""
                if not token:
                    return count

    headers = {"Authorization": f"Bearer {filled.token}"}
    async with aiohttp.ClientSession(headers=headers, read_bufsize=2**21) as session:
        return sum(await asyncio.gather(*(one(session, *wanted) for wanted in filled.lists)))


async def inventory(filled: Filled) -> Inventory:
    async with await connection_from_dict(filled.kubeconfig) as connection:
        read = await ClusterReader(connection.api).inventory()
    assert read.gaps == []
    return read


async def inventoried(filled: Filled) -> int:
    return len((await inventory(filled)).objects)


async def attributed(filled: Filled) -> int:
    contract = load_contract(shipped())
    return len(assess(contract, await inventory(filled), today=date(2030, 1, 1)).attributions)


def seconds(work: Work, filled: Filled) -> float:
    began = time.perf_counter()
    assert asyncio.run(work(filled)) >= OBJECTS
    return time.perf_counter() - began


@pytest.mark.parametrize("work", [inventoried, attributed])
def test_over_the_http_floor(
    benchmark: BenchmarkFixture, filled: Filled, work: Work, capsys: pytest.CaptureFixture[str]
) -> None:
    seconds(work, filled)
    # Floor and work take turns, so that a busy machine is busy for both.
    floors: list[float] = []
    benchmark.pedantic(  # type: ignore[no-untyped-call]  # the plugin's own method has no annotations
        seconds,
        args=(work, filled),
        setup=lambda: floors.append(seconds(floor, filled)),
        rounds=ROUNDS,
    )
    assert benchmark.stats is not None
    best = benchmark.stats.stats.min
    ratio = best / min(floors)
    benchmark.extra_info |= {"floor": min(floors), "ratio": ratio}
    with capsys.disabled():
        print(f"\n{OBJECTS} objects {work.__name__}: {best:.2f} s, HTTP floor {min(floors):.2f} s, {ratio:.2f} times")
    assert ratio < LIMIT
