"""From a release's stored manifest to documents with an identity, and to what Helm would send of each."""

import copy
import hashlib
import itertools
import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from tui.faults import Fault
from tui.helm.goyaml import Budget, YamlProblem, read_document
from tui.helm.model import Document, Record
from tui.objects import Json, Key, Ref
from tui.text import clean

MAX_MANIFEST: Final = 16 * 1024 * 1024
"""Characters of one manifest. Only a text that compresses 16 times better than usual could be longer in a record."""

MAX_DOCUMENTS: Final = 20_000
"""Documents of one manifest; the objects of a whole cluster are rarely as many."""

MANAGED_BY: Final = "app.kubernetes.io/managed-by"
RELEASE_NAME: Final = "meta.helm.sh/release-name"
RELEASE_NAMESPACE: Final = "meta.helm.sh/release-namespace"
HOOK: Final = "helm.sh/hook"
RESOURCE_POLICY: Final = "helm.sh/resource-policy"

_SEPARATOR: Final = re.compile(r"^---[ \t]*", re.MULTILINE)
_SOURCE: Final = re.compile(r"\s*# Source: ([^\r\n]+)")


class ManifestFault(Fault):
    """A manifest that cannot be read whole. ``document`` and ``line`` count from 1; the text never quotes values.

    ``problem`` is what is wrong, without the place.
    """

    def __init__(self, problem: str, document: int, line: int, of: str = "manifest") -> None:
        super().__init__(
            f"{of}, document {document}, line {line}: {problem}; nothing of it is used until the release is mended"
        )
        self.problem = problem
        self.document = document
        self.line = line


@dataclass(frozen=True, slots=True)
class _Chunk:
    text: str
    number: int
    line: int
    of: str
    first: int

    def fault(self, problem: str, line: int | None = None) -> ManifestFault:
        at = self.first if line is None else self.line + line
        return ManifestFault(problem, self.number, at, self.of)


def parse_manifest(text: str, of: str = "manifest") -> tuple[Document, ...]:
    """The documents of a manifest in its order, lists taken apart, empty ones left out.

    ``of`` names the text in errors. Raises ManifestFault for anything that is not a bounded stream of objects that
    have an apiVersion, a kind and a name (or generateName): half a manifest would be worse than none.
    """
    if len(text) > MAX_MANIFEST:
        raise ManifestFault(f"more than {MAX_MANIFEST} characters", 1, 1, of)
    if text.count("\n---") > 10 * MAX_DOCUMENTS:
        raise ManifestFault(f"more than {10 * MAX_DOCUMENTS} separators", 1, 1, of)
    budget = Budget()
    documents: list[Document] = []
    for chunk in _chunks(text, of):
        try:
            body = read_document(chunk.text, budget)
        except YamlProblem as problem:
            raise chunk.fault(str(problem), problem.line) from problem
        if body is not None:
            source = _SOURCE.match(chunk.text)
            found = _documents(body, clean(source[1].strip()) if source else "", chunk)
            policy = _policy(body)
            documents.extend(found if policy is None else (replace(each, policy=policy) for each in found))
    return tuple(documents)


def resolve(
    documents: Iterable[Document], namespaced: Callable[[str, str], bool | None], release_namespace: str
) -> tuple[dict[Key, Document], tuple[Document, ...]]:
    """The documents by identity as the cluster would hold them, and those whose identity cannot be told.

    ``namespaced`` answers for a group and kind: True, False, or None where the cluster does not serve the kind. A
    namespaced document without a namespace is given the release's, a cluster-scoped one loses any it names, in ``ref``
    and in ``body``; ``sha256`` stays that of the document as stored. Documents of unknown scope and those with a
    generateName come second, as they were. Of two documents for one object the later one counts, as with Helm; an
    uninstall goes by both, so that a policy in one alone keeps nothing.
    """
    known: dict[Key, Document] = {}
    unknown: list[Document] = []
    for document in documents:
        scoped = namespaced(document.ref.group, document.ref.kind)
        if scoped is None or document.generate_name is not None:
            unknown.append(document)
            continue
        namespace = (document.ref.namespace or release_namespace) if scoped else None
        placed = document if namespace == document.ref.namespace else _placed(document, namespace)
        before = known.get(placed.key)
        known[placed.key] = replace(placed, policy=None) if before and before.policy is None else placed
    return known, tuple(unknown)


def is_owned(document: Document) -> bool:
    """Whether Helm owns what a document of a rendered chart makes: not so of hooks and of the ``crds/`` folder's files,
    nor of what the server is yet to name.
    """
    folders = document.source.split("/")[:-1]
    as_is = "crds" in folders and "templates" not in folders
    return document.generate_name is None and HOOK not in document.annotations and not as_is


def stamped(document_body: Json, release_name: str, release_namespace: str) -> Json:
    """A copy of the body with the label and the two annotations by which Helm knows its own; all else as it was."""
    metadata = copy.deepcopy(document_body.get("metadata") or {})
    metadata["labels"] = {**(metadata.get("labels") or {}), MANAGED_BY: "Helm"}
    metadata["annotations"] = {
        **(metadata.get("annotations") or {}),
        RELEASE_NAME: release_name,
        RELEASE_NAMESPACE: release_namespace,
    }
    return {**copy.deepcopy(document_body), "metadata": metadata}


def stored_crds(record: Record) -> tuple[Document, ...]:
    """The documents of the chart's ``crds/`` files, which no manifest lists; ``source`` is the file's name.

    Raises ManifestFault as :func:`parse_manifest` does.
    """
    return tuple(
        replace(document, source=file.name)
        for file in record.crds
        for document in parse_manifest(file.data, of=file.name)
    )


def canonical_sha256(body: Json) -> str:
    """The hex digest of the body's canonical JSON: sorted keys, no spaces, UTF-8."""
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def _chunks(text: str, of: str) -> Iterator[_Chunk]:
    # The rest of a separator's line belongs to the document, as in Helm's own splitter.
    start, line, number = 0, 1, 0
    for end in itertools.chain(_SEPARATOR.finditer(text), (None,)):
        piece = text[start : end.start() if end else len(text)]
        if not _is_blank(piece):
            number += 1
            if number > MAX_DOCUMENTS:
                raise ManifestFault(f"more than {MAX_DOCUMENTS} documents", number, line, of)
            yield _Chunk(piece, number, line, of, line + _blank_lines(piece))
        if end:
            line += text.count("\n", start, end.end())
            start = end.end()


def _is_blank(piece: str) -> bool:
    return all(not line or line.startswith("#") for line in map(str.strip, piece.splitlines()))


def _blank_lines(piece: str) -> int:
    """How many lines stand before the first that says something."""
    lines = enumerate(map(str.strip, piece.split("\n")))
    return next((at for at, line in lines if line and not line.startswith("#")), 0)


def _policy(body: Any) -> str | None:
    """The resource policy of a whole document of the text, which is all that an uninstall reads.

    Of a List it is the List's own: what its items are annotated with stops no uninstall (action/resource_policy.go).
    """
    metadata = body.get("metadata") if isinstance(body, dict) else None
    annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
    if not isinstance(annotations, dict) or RESOURCE_POLICY not in annotations:
        return None
    value = annotations[RESOURCE_POLICY]
    return clean(str("" if value is None else value), 60).strip().lower()


def _documents(body: Any, source: str, chunk: _Chunk) -> Iterator[Document]:
    if not isinstance(body, dict):
        raise chunk.fault("not an object")
    items = body.get("items")
    kind = body.get("kind")
    if not isinstance(items, list):
        if items is None and isinstance(kind, str) and kind.endswith("List") and "items" in body:
            return
        yield _document(body, source, chunk)
        return
    for item in items:
        if isinstance(item, dict) and "kind" not in item and isinstance(kind, str) and kind not in ("List", ""):
            # A typed list may leave out what its items are.
            item = {"apiVersion": body.get("apiVersion"), "kind": kind.removesuffix("List"), **item}  # noqa: PLW2901 - the item, completed
        yield from _documents(item, source, chunk)


def _document(body: Json, source: str, chunk: _Chunk) -> Document:
    metadata = body.get("metadata")
    if not isinstance(metadata, dict):
        raise chunk.fault("an object without metadata")
    api_version, kind = _part(body, "apiVersion", chunk), _part(body, "kind", chunk)
    name, generate = _part(metadata, "name", chunk), _part(metadata, "generateName", chunk)
    namespace = _part(metadata, "namespace", chunk)
    for part, what in ((api_version, "an apiVersion"), (kind, "a kind"), (name or generate, "a name")):
        if not part:
            raise chunk.fault(f"an object without {what}")
    for key in ("labels", "annotations"):
        if not isinstance(metadata.get(key) or {}, dict):
            raise chunk.fault(f"metadata.{key} that is not a mapping")
    try:
        sha256 = canonical_sha256(body)
    except UnicodeEncodeError as wrong:
        raise chunk.fault("half a character (a lone surrogate)") from wrong
    ref = Ref(api_version, kind, namespace or None, name)
    return Document(ref, body, source, sha256, None if name else generate, chunk.first)


def _part(parent: Json, key: str, chunk: _Chunk) -> str:
    value = parent.get(key)
    if value is not None and not isinstance(value, str):
        raise chunk.fault(f"{key} that is not text")
    return clean(value or "")


def _placed(document: Document, namespace: str | None) -> Document:
    metadata = {key: value for key, value in document.body["metadata"].items() if key != "namespace"}
    if namespace is not None:
        metadata["namespace"] = namespace
    ref = replace(document.ref, namespace=namespace)
    return replace(document, ref=ref, body={**document.body, "metadata": metadata})
