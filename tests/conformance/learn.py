"""Writes ``tui/practice/schema.json`` from a live kube-apiserver's OpenAPI: run by hand when the API version moves.

    python tests/conformance/learn.py https://127.0.0.1:6443 TOKEN

The table keeps what field ownership, strategic patches and field validation need and nothing else: one line a type,
one short expression a field. ``tui.practice.schema`` describes the expressions and reads them.
"""

import json
import ssl
import sys
import urllib.request
from pathlib import Path
from typing import Any

Json = dict[str, Any]
TARGET = Path(__file__).parents[2] / "tui" / "practice" / "schema.json"
GROUPS = {
    *("", "apps", "batch", "rbac.authorization.k8s.io", "networking.k8s.io", "policy", "autoscaling"),
    *("coordination.k8s.io", "events.k8s.io", "admissionregistration.k8s.io", "apiextensions.k8s.io"),
    *("apiregistration.k8s.io", "authorization.k8s.io", "authentication.k8s.io", "discovery.k8s.io"),
    *("storage.k8s.io", "scheduling.k8s.io"),
}
SCALARS = {"string": "s", "integer": "i", "number": "n", "boolean": "b"}
KINDLESS = {"DeleteOptions", "WatchEvent", "Status", "APIGroup", "APIGroupList", "APIResourceList", "APIVersions"}


def fetch(server: str, token: str) -> Json:
    """Every schema of the served groups, by its full OpenAPI name."""
    context = ssl._create_unverified_context()  # noqa: S323 - a test server on loopback has no known authority

    def get(path: str) -> Json:
        headers = {"Authorization": f"Bearer {token}"}
        request = urllib.request.Request(server + path, headers=headers)  # noqa: S310 - the address is the caller's
        with urllib.request.urlopen(request, context=context) as answer:  # noqa: S310 - as above
            return dict(json.load(answer))

    found: Json = {}
    for path, entry in get("/openapi/v3")["paths"].items():
        if path.startswith("api"):
            found |= get(entry["serverRelativeURL"]).get("components", {}).get("schemas", {})
    return found


class Compactor:
    """Turns OpenAPI schemas into short type names and field expressions."""

    def __init__(self, schemas: Json) -> None:
        self.schemas = schemas
        self.types: Json = {}
        self.kinds: dict[str, str] = {}
        tails: dict[str, int] = {}
        for name in schemas:
            tails[name.rpartition(".")[2]] = tails.get(name.rpartition(".")[2], 0) + 1
        self.short = {
            name: name.rpartition(".")[2] if tails[name.rpartition(".")[2]] == 1 else ".".join(name.split(".")[-3:])
            for name in schemas
        }

    def run(self) -> Json:
        """The whole table: ``kinds`` by ``group/version/Kind`` and ``types`` by short name."""
        for name, schema in self.schemas.items():
            for gvk in schema.get("x-kubernetes-group-version-kind", ()):
                tail = name.rpartition(".")[2]
                alpha = "alpha" in gvk["version"] or "beta" in gvk["version"]
                known = gvk["group"] in GROUPS and tail == gvk["kind"] and tail not in KINDLESS and not alpha
                if known and not (tail.endswith("List") and "items" in schema["properties"]):
                    self.kinds[f"{gvk['group']}/{gvk['version']}/{gvk['kind']}"] = self.add(name)
        return {"kinds": dict(sorted(self.kinds.items())), "types": dict(sorted(self.types.items()))}

    def add(self, name: str) -> str:
        """Adds a struct type and all it refers to; answers its short name."""
        short = self.short[name]
        if short in self.types:
            return short
        schema = self.schemas[name]
        required = set(schema.get("required", ()))
        entry: Json = {}
        self.types[short] = entry
        if schema.get("x-kubernetes-map-type") == "atomic":
            entry["@"] = "atomic"
        for field, body in schema["properties"].items():
            expression = self.expression(body) + (
                f"%{body['x-kubernetes-patch-merge-key']}" if "x-kubernetes-patch-merge-key" in body else ""
            )
            entry[field] = expression + ("*" if field in required else "")
        return short

    def expression(self, body: Json) -> str:
        """The expression of one field, list item or map value."""
        target = body.get("$ref") or (body.get("allOf") or [{}])[0].get("$ref")
        if target:
            return self.reference(target.rpartition("/")[2], inline=body.get("default") == {}, schema=body)
        if body.get("type") == "array":
            style = body.get("x-kubernetes-list-type", "atomic")
            keys = ",".join(body.get("x-kubernetes-list-map-keys", ())) if style == "map" else "*" * (style == "set")
            return f"[{keys}]" + self.expression(body["items"])
        if body.get("type") == "object":
            inner = body.get("additionalProperties")
            atomic = "=" if body.get("x-kubernetes-map-type") == "atomic" else ""
            return "{" + atomic + "}" + self.expression(inner) if isinstance(inner, dict) else "x"
        return SCALARS.get(body.get("type", ""), "x")

    def reference(self, name: str, *, inline: bool, schema: Json) -> str:
        """A reference to another type: scalars and free-form types collapse, structs are named."""
        target = self.schemas[name]
        if "properties" in target:
            atomic = "=" if schema.get("x-kubernetes-map-type") == "atomic" else ""
            return ("!" if inline else "@") + atomic + self.add(name)
        return self.expression(target)


def main() -> None:
    """Fetches, compacts and writes the table, one type a line."""
    table = Compactor(fetch(sys.argv[1], sys.argv[2])).run()
    lines = [
        f"  {json.dumps(name)}: {json.dumps(entry, separators=(',', ':'))}" for name, entry in table["types"].items()
    ]
    text = (
        '{"kinds": '
        + json.dumps(table["kinds"], indent=0).replace("\n", "\n  ")
        + ',\n"types": {\n'
        + ",\n".join(lines)
        + "\n}}\n"
    )
    TARGET.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
