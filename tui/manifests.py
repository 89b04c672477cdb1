"""Reads manifests that are not applied yet: from files, directories and standard input, whatever these hold."""

import os
import stat
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from shlex import quote
from typing import Final

from tui.faults import UsageFault
from tui.helm.manifest import MAX_DOCUMENTS, MAX_MANIFEST
from tui.manifest_text import NotAManifest, parse_text
from tui.ownership.proposal import Given
from tui.text import clean

ENDINGS: Final = (".yaml", ".yml", ".json")
"""Endings of the files that are read of a directory; a file that is named itself may end as it likes."""

MAX_TOTAL: Final = 4 * MAX_MANIFEST
"""Bytes of all files together."""

MAX_FILES: Final = 10_000
MAX_DEPTH: Final = 40
"""Directories below one another. Kustomize trees have a handful."""

KUSTOMIZATIONS: Final = ("kustomization.yaml", "kustomization.yml", "Kustomization")
CHART: Final = "Chart.yaml"


@dataclass(slots=True)
class Read:
    """What was read: the documents in order, and in words what below a named directory could not be."""

    given: list[Given] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    files: int = 0
    size: int = 0
    seen: set[tuple[int, int]] = field(default_factory=set)
    """Files and directories by device and inode: each is read once, however many names and links lead there."""


def read_manifests(names: Iterable[str]) -> Read:
    """The documents of these files, directories and (``-``) standard input.

    Raises UsageFault, with file and line, for what is named and cannot be read, for what is no manifest, for a
    kustomization and for a chart's template; nothing is used of an input that can be read in part only. What below a
    directory may not be read is told in ``unread``: it is not known to be no manifest.
    """
    found = Read()
    for name in dict.fromkeys(names):
        if name == "-":
            _add(found, "standard input", _piped())
            continue
        path = Path(name)
        try:
            if path.is_dir():
                _directory(found, path)
            elif _fresh(path.stat(), found.seen):
                _add(found, str(path), _content(path))
        except (OSError, ValueError) as wrong:
            raise UsageFault(f"{clean(name)}: it cannot be read: {_reason(wrong)}") from wrong
    if not found.given and not found.unread:
        raise UsageFault(f"{clean(', '.join(names))}: there is no manifest in it; of a directory {_endings()} are read")
    return found


def _endings() -> str:
    return ", ".join(f"*{ending}" for ending in ENDINGS)


def _reason(wrong: Exception) -> str:
    return wrong.strerror if isinstance(wrong, OSError) and wrong.strerror else "its name is not one"


def _directory(found: Read, root: Path) -> None:
    before = found.files
    for path in _files(root, found.seen, found.unread, 0):
        found.files += 1
        if found.files > MAX_FILES:
            raise UsageFault(f"{clean(root)}: more than {MAX_FILES} manifests; name a smaller directory")
        try:
            data = _content(path)
        except OSError as wrong:
            found.unread.append(f"{clean(path)}: {_reason(wrong)}")
            continue
        _add(found, str(path), data)
    if found.files == before and not found.unread and not found.given:
        raise UsageFault(f"{clean(root)}: there is no manifest in it; {_endings()} are read")


def _files(folder: Path, seen: set[tuple[int, int]], unread: list[str], depth: int) -> Iterator[Path]:
    """The manifests of a directory and below, by name; each file and directory once, however many links lead there."""
    if depth > MAX_DEPTH:
        raise UsageFault(f"{clean(folder)}: directories lie more than {MAX_DEPTH} deep; name a smaller one")
    try:
        here = folder.stat()
        names = sorted(each.name for each in folder.iterdir()) if _fresh(here, seen) else []
    except OSError as wrong:
        if depth == 0:
            raise
        unread.append(f"{clean(folder)}: {_reason(wrong)}")
        return
    for name in names:
        # Hidden ones are git's, an editor's, or the real place behind a mounted ConfigMap's links.
        if name.startswith("."):
            continue
        path = folder / name
        try:
            status = path.stat()
        except OSError as wrong:
            if name.endswith(ENDINGS):
                unread.append(f"{clean(path)}: {_reason(wrong)}")
            continue
        if stat.S_ISDIR(status.st_mode):
            yield from _files(path, seen, unread, depth + 1)
        elif stat.S_ISREG(status.st_mode) and name.endswith((*ENDINGS, *KUSTOMIZATIONS)) and _fresh(status, seen):
            yield path


def _fresh(status: os.stat_result, seen: set[tuple[int, int]]) -> bool:
    identity = (status.st_dev, status.st_ino)
    fresh = identity not in seen
    seen.add(identity)
    return fresh


def _content(path: Path) -> bytes:
    """The bytes of one file. A pipe is read too, so that a shell's ``<(...)`` works; a device is not."""
    status = path.stat()
    if not (stat.S_ISREG(status.st_mode) or stat.S_ISFIFO(status.st_mode)):
        raise UsageFault(f"{clean(path)}: this is neither a file nor a directory")
    if status.st_size > MAX_MANIFEST:
        raise _too_large(str(path))
    with path.open("rb") as file:
        return file.read(MAX_MANIFEST + 1)


def _piped() -> bytes:
    stream = getattr(sys.stdin, "buffer", None)
    if stream is None:
        return sys.stdin.read(MAX_MANIFEST + 1).encode("utf-8", "surrogatepass")
    return bytes(stream.read(MAX_MANIFEST + 1))


def _too_large(name: str) -> UsageFault:
    return UsageFault(f"{clean(name)}: more than {MAX_MANIFEST // 2**20} MiB; that is no manifest")


def _add(found: Read, name: str, data: bytes) -> None:
    found.size += len(data)
    if len(data) > MAX_MANIFEST or found.size > MAX_TOTAL:
        raise _too_large(name)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        line = data.count(b"\n", 0, wrong.start) + 1
        raise UsageFault(f"{clean(name)}:{line}: this is not UTF-8 text, so no manifest") from wrong
    _refuse_source(name, text)
    try:
        documents = parse_text(text)
    except NotAManifest as wrong:
        how = f"; give what it renders: {_render(Path(name))}" if wrong.template else ""
        raise UsageFault(f"{clean(name)}:{wrong.line}: {wrong}{how}") from wrong
    if len(found.given) + len(documents) > MAX_DOCUMENTS:
        raise UsageFault(f"{clean(name)}: more than {MAX_DOCUMENTS} documents in all; give fewer")
    found.given += [Given(document, name) for document in documents]


def _refuse_source(name: str, text: str) -> None:
    """Refuses what another program makes manifests of: they would be judged without what it adds."""
    path = Path(name)
    if path.name in KUSTOMIZATIONS and "kustomize.toolkit.fluxcd.io" not in text:
        command = f"kubectl kustomize {quote(clean(path.parent))} | refloat explain -f -"
        raise UsageFault(
            f"{clean(name)}:1: this is a kustomization, which builds manifests out of others; "
            f"give what it renders: {command}"
        )
    if path.name == CHART:
        raise UsageFault(f"{clean(name)}:1: this is a Helm chart; give what it renders: {_render(path)}")
    chart = next((up for up in path.parents if (up.parent / CHART).is_file() and up.name == "templates"), None)
    if chart is not None and "{{" in text:
        line = text.count("\n", 0, text.index("{{")) + 1
        raise UsageFault(
            f"{clean(name)}:{line}: this is a Helm chart's template; give what it renders: {_render(path)}"
        )


def _render(path: Path) -> str:
    """The command that renders the chart a file belongs to."""
    folders = [path.parent, *path.parents]
    chart = next((up for up in folders if (up / CHART).is_file()), None)
    return f"helm template RELEASE {quote(clean(chart)) if chart is not None else 'CHART'} | refloat explain -f -"
