"""Records what a real kube-apiserver answers to the cases: run by hand when the cases or the API version change.

    KUBEBUILDER_ASSETS=... python -m tests.conformance.record

The recording keeps the answers as they came; comparing takes out what differs from run to run.
"""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import aiohttp

from tests.conformance.driver import Driver, cases
from tests.conformance.live import TOKENS, assets, server

Json = dict[str, Any]

RECORDING = Path(__file__).parent / "recordings" / "kube-apiserver-v1.36.jsonl"


async def exchanges(url: str) -> list[Json]:
    """Every case's exchange with the server at ``url``."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=False)) as session:
        driver = Driver(session, url, TOKENS)
        return [{"case": case["case"], "answer": await driver.run(case)} for case in cases()]


def recorded() -> dict[str, Json]:
    """The answers of the committed recording, by case."""
    lines = RECORDING.read_text(encoding="utf-8").splitlines()
    return {entry["case"]: entry["answer"] for entry in map(json.loads, lines)}


def main() -> int:
    """Starts a server, sends the cases, writes the recording."""
    folder = assets()
    if folder is None:
        print("set KUBEBUILDER_ASSETS to a folder with etcd and kube-apiserver", file=sys.stderr)
        return 2
    with server(folder) as live:
        found = asyncio.run(exchanges(live.url))
    RECORDING.parent.mkdir(exist_ok=True)
    RECORDING.write_text("".join(json.dumps(each, ensure_ascii=False) + "\n" for each in found), encoding="utf-8")
    print(f"{len(found)} exchanges")
    return 0


if __name__ == "__main__":
    sys.exit(main())
