"""Sends the cases to an API server and notes its answers in a form that two servers can be compared in."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import yaml

Json = dict[str, Any]

CASES = Path(__file__).with_name("cases.yaml")
TYPES = {
    "merge": "application/merge-patch+json",
    "json": "application/json-patch+json",
    "strategic": "application/strategic-merge-patch+json",
    "apply": "application/apply-patch+yaml",
    "plain": "application/json",
}
METHODS = ("get", "post", "put", "patch", "delete")
AGENT = "conformance/1"
PATIENCE = 100
"""How often a case with ``wait`` asks again."""


def cases() -> list[Json]:
    """The cases, in order."""
    return list(yaml.load(CASES.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader))


class Driver:
    """Runs cases against one server. ``tokens`` maps the users of the cases to bearer tokens."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        server: str,
        tokens: dict[str, str],
        settle: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self.session = session
        self.server = server
        self.tokens = tokens
        self.settle = settle
        self.saved: dict[str, str] = {}

    async def run(self, case: Json) -> Json:
        """One exchange: the status, the Warning headers and the body or the events of a watch."""
        method = next(name for name in METHODS if name in case)
        if "watch" in case:
            answer = await self._watch(case)
        else:
            answer = await self._ask(method, case)
        for name, path in (case.get("save") or {}).items():
            value: Any = answer["body"]
            for part in path.split("."):
                value = value[part]
            self.saved[name] = value
        if self.settle:
            await self.settle()
        return answer

    async def _ask(self, method: str, case: Json) -> Json:
        for _ in range(PATIENCE):
            answer = await self._send(method, case)
            if case.get("wait", "") in json.dumps(answer["body"]):
                return answer
            await asyncio.sleep(0.1)
        raise AssertionError(f"{case['case']}: the answer never held {case['wait']}: {answer}")

    async def _send(self, method: str, case: Json) -> Json:
        data = case.get("raw")
        if "body" in case:
            data = json.dumps(self._filled(case["body"]), ensure_ascii=False)
        url = self.server + self._filled(case[method])
        params = self._filled(case.get("params") or {})
        async with self.session.request(method, url, params=params, data=data, headers=self._headers(case)) as answer:
            text = await answer.text()
            body = json.loads(text) if text.startswith("{") else text
            return {"status": answer.status, "warnings": answer.headers.getall("Warning", []), "body": body}

    def _headers(self, case: Json) -> dict[str, str]:
        headers = {
            "Authorization": f"Bearer {self.tokens.get(case.get('as', 'admin'), 'nobody')}",
            "Accept": case.get("accept", "application/json"),
            "User-Agent": AGENT,
        }
        if "body" in case or "raw" in case:
            headers["Content-Type"] = TYPES[case.get("type", "plain")]
        return headers

    async def _watch(self, case: Json) -> Json:
        url, params = self.server + case["get"], self._filled(case["params"])
        async with self.session.get(url, params=params, headers=self._headers(case)) as answer:
            for step in case["watch"]:
                method = next(name for name in METHODS if name in step)
                await self._send(method, step)
            text = (await answer.text()).strip()
        events = [json.loads(line) for line in text.splitlines()]
        return {"status": answer.status, "warnings": [], "events": events, "body": {}}

    def _filled(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {key: self._filled(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [self._filled(inner) for inner in value]
        if isinstance(value, str) and value.startswith("$"):
            return self.saved.get(value[1:], value)
        return value


_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_STAMP = re.compile(r"\b20(?!26-11-23T00|26-01-01T)\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
_VERSION = re.compile(r'(current: |version |precondition \(|record \(|resourceVersion\\*":\\*")\d+')
_OWNERS = re.compile(r'managedFields.*(?=": json:)')
_DROPPED = {"storageVersionHash", "remainingItemCount"}


def comparable(value: Any) -> Any:
    """An answer without what differs from run to run: uids, versions, times, addresses and random name ends."""
    if isinstance(value, dict):
        return {key: _known(key, inner) for key, inner in value.items() if key not in _DROPPED}
    if isinstance(value, list):
        return [comparable(inner) for inner in value]
    if isinstance(value, str):
        text = _UUID.sub(lambda found: found[0] if found[0].startswith("00000000-") else "UUID", value)
        # Entries are sorted by their times, so their order changes where a second passes between two requests.
        text = _OWNERS.sub("", text)
        if text.startswith("Apply failed with "):
            # The server walks its managers in no particular order.
            text = "\n".join(sorted(text.replace(": conflict", ":\nconflict").splitlines()))
        return _VERSION.sub(r"\1N", _STAMP.sub("TIME", text))
    return value


def _known(key: str, value: Any) -> Any:
    if key in ("resourceVersion", "continue", "clusterIP") and isinstance(value, str):
        return key.upper()
    if key == "managedFields" and isinstance(value, list):
        return sorted((comparable(entry) for entry in value), key=lambda entry: json.dumps(entry, sort_keys=True))
    if key == "clusterIPs":
        return ["CLUSTERIP"]
    if key in ("name", "generateName") and isinstance(value, str):
        return re.sub(r"^pod-[a-z0-9]{5}$", "pod-RANDOM", value)
    if key in ("nonResourceRules", "resourceRules", "causes") and isinstance(value, list):
        return sorted((comparable(rule) for rule in value), key=json.dumps)
    return comparable(value)


def differences(left: Any, right: Any, path: str = "") -> list[str]:
    """Where two comparable answers differ, as readable lines."""
    if isinstance(left, dict) and isinstance(right, dict):
        found = []
        for key in sorted(left.keys() | right.keys()):
            if key not in left or key not in right:
                side, other = ("left", left) if key in left else ("right", right)
                found.append(f"{path}.{key}: only {side}: {json.dumps(other[key])[:200]}")
            else:
                found += differences(left[key], right[key], f"{path}.{key}")
        return found
    if isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        pairs = enumerate(zip(left, right, strict=True))
        return [line for index, (a, b) in pairs for line in differences(a, b, f"{path}[{index}]")]
    return [] if left == right else [f"{path}: {json.dumps(left)[:300]} is not {json.dumps(right)[:300]}"]
