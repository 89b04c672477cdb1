"""From the text of a manifest file to its documents: YAML as kubectl reads it, JSON, several of either. Pure."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from tui.helm.manifest import ManifestFault, parse_manifest
from tui.helm.model import Document
from tui.objects import Json

_BRACES: Final = re.compile(r"\{\{")
_TEMPLATE: Final = re.compile(r"^[ \t]*(?:-[ \t]+)?(?:[\w./-]+:[ \t]*)?\{\{(?!\{)", re.MULTILINE)
"""A line, or a value without quotes, that begins with two braces: no YAML of Kubernetes' has that."""

_KUSTOMIZE: Final = "kustomize.config.k8s.io"
_BLANKS: Final = re.compile(r"[ \t\r\n]*")


class NotAManifest(Exception):
    """Why a text is not a manifest, in words without a place. ``line`` counts from 1.

    ``template``: it is a template, from which another program makes manifests.
    """

    def __init__(self, problem: str, line: int, *, template: bool = False) -> None:
        super().__init__(problem)
        self.line = line
        self.template = template


def parse_text(text: str) -> tuple[Document, ...]:
    """The documents of a text in its order, lists taken apart. Raises NotAManifest where any of it is none."""
    try:
        documents = _json_documents(text) if text.lstrip()[:1] in ("{", "[") else None
        documents = parse_manifest(text) if documents is None else documents
    except ManifestFault as wrong:
        found = _TEMPLATE.search(text)
        if found is not None:
            raise _template(text.count("\n", 0, found.start()) + 1) from wrong
        raise NotAManifest(wrong.problem, wrong.line) from wrong
    for each in documents:
        if "{{" in f"{each.ref.api_version}{each.ref.kind}{each.ref.path}{each.generate_name}":
            found = _BRACES.search(text, _line_start(text, each.line))
            raise _template(text.count("\n", 0, found.start()) + 1 if found else each.line)
        if each.ref.group == _KUSTOMIZE:
            raise NotAManifest(
                "this is a kustomization, which builds manifests out of others; give what it renders: "
                "kubectl kustomize DIRECTORY | refloat explain -f -",
                each.line,
            )
    return documents


def _template(line: int) -> NotAManifest:
    return NotAManifest("this is a template with {{ }}, not a manifest", line, template=True)


def _line_start(text: str, line: int) -> int:
    at = 0
    for _ in range(line - 1):
        at = text.find("\n", at) + 1
    return at


def _json_documents(text: str) -> tuple[Document, ...] | None:
    """The documents of one JSON value after another; None for what is not that, and may still be YAML."""
    found: list[Document] = []
    try:
        for value, line in _json_values(text):
            found.extend(replace(each, line=line) for each in _bounded(value, line))
    except (ValueError, RecursionError):
        return None
    return tuple(found)


def _bounded(value: Any, line: int) -> tuple[Document, ...]:
    # Written out anew, it is bounded and typed by the same rules as YAML.
    try:
        return parse_manifest(json.dumps(value))
    except ManifestFault as wrong:
        raise NotAManifest(wrong.problem, line) from wrong


def _json_values(text: str) -> Iterator[tuple[Any, int]]:
    decoder = json.JSONDecoder(object_pairs_hook=_once)
    at, line, counted = _skip(text, 0), 1, 0
    while at < len(text):
        line += text.count("\n", counted, at)
        counted = at
        value, end = decoder.raw_decode(text, at)
        yield value, line
        at = _skip(text, end)


def _skip(text: str, at: int) -> int:
    found = _BLANKS.match(text, at)
    return found.end() if found else at


def _once(pairs: list[tuple[str, Any]]) -> Json:
    body = dict(pairs)
    if len(body) != len(pairs):
        raise ValueError
    return body
