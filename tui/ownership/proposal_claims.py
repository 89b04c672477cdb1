"""Which claim of the contract takes something that is not applied yet, and which one would be needed. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from tui.contract.model import Claim, Contract, Selector
from tui.contract.select import Claims, is_plain, matches_document
from tui.objects import Json, Ref
from tui.text import clean

Texts = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Written:
    """A document as it would be in the cluster: its identity, the labels and annotations it would have, its body."""

    ref: Ref
    labels: Texts
    annotations: Texts
    body: Json
    name: str = ""
    """A glob of its name, where the name is generated."""


@dataclass(frozen=True, slots=True)
class Need:
    """What the contract lacks for a document: in words, and the owner it most likely concerns, if one can be told."""

    text: str
    owner: str | None


def source_owner(contract: Contract, file: str) -> str | None:
    """The owner whose claims name the folder that a file lies in as their source; None for no one or several."""
    parts = _parts(file)
    found: dict[int, set[str]] = {}
    for claim in contract.claims:
        source = _folders(claim.source)
        if source and any(parts[at : at + len(source)] == source for at in range(len(parts) - len(source))):
            found.setdefault(len(source), set()).add(claim.owner)
    owners = found[max(found)] if found else set()
    return next(iter(owners)) if len(owners) == 1 else None


def _folders(source: str) -> tuple[str, ...]:
    """The folders of a source that is a path; a source may be prose as well."""
    if "/" not in source or any(character.isspace() for character in source) or "://" in source:
        return ()
    return _parts(source)


def _parts(path: str) -> tuple[str, ...]:
    return tuple(part for part in path.replace("\\", "/").split("/") if part not in ("", "."))


def lies_at(file: str, place: str | None) -> bool:
    """Whether a file is the one, or lies in the folder, that the contract names by its path in a repository."""
    wanted, parts = _folders(place or ""), _parts(file)
    return bool(wanted) and any(parts[at : at + len(wanted)] == wanted for at in range(len(parts) - len(wanted) + 1))


def claim_of(contract: Contract, claims: Claims, written: Written, applier: str | None) -> Claim | None:
    """The claim that decides about a document.

    ``applier`` is the owner who would apply it, where that is known: its labels and annotations count as set, because
    some claims choose by them, and they are there as soon as it is live.
    """
    claim = claims.of(written.ref, written.labels, written.annotations, written.body)
    if applier is None or (claim is not None and claim.owner == applier):
        return claim
    marks = contract.owners[applier].marks
    labels, notes = (
        {
            name: _example(value, written.ref)
            for mark in marks
            for name, value in (getattr(mark, texts) or {}).items()
            if is_plain(name)
        }
        for texts in ("label", "annotation")
    )
    marked = claims.of(written.ref, {**labels, **written.labels}, {**notes, **written.annotations}, written.body)
    return marked if marked is not None and marked.owner == applier else claim


def _example(value: str, ref: Ref) -> str:
    """A value that a mark's glob matches on this object, for the usual globs."""
    own = {"group": ref.group, "kind": ref.kind, "namespace": ref.namespace or "", "name": ref.name}
    for word, stands_for in own.items():
        value = value.replace(f"{{{word}}}", stands_for)
    return value.replace("*", "x").replace("?", "x")


def need(contract: Contract, written: Written, applier: str | None) -> Need:
    """Which claim would be needed for a document that none takes."""
    near = [*_near(contract, written)]
    beside = {claim.owner: claim for claim in _beside(contract, written.ref)}
    owners = [applier] if applier else list(dict.fromkeys(claim.owner for claim, _ in near)) or list(beside)
    owner = owners[0] if len(owners) == 1 else None
    layer = _layer(contract, owner, beside) if owner else "LAYER"
    selector = f"{{kinds: [{written.ref.kind}]"
    selector += f", namespaces: [{written.ref.namespace}]" if written.ref.namespace else ""
    name = written.name or written.ref.name
    claim = f"{{owner: {owner or 'OWNER'}, layer: {layer}, select: [{selector}, names: [{name}]}}]}}"
    text = f"nobody claims it; {contract.source or 'the contract'} would need {claim}"
    for claim_, missing in near[:2]:
        text += f"; the claim of line {claim_.line} for {claim_.owner} would take it if it carried {missing}"
    return Need(clean(text), owner)


def _near(contract: Contract, written: Written) -> Iterator[tuple[Claim, str]]:
    """Claims that lack only labels or annotations of a document, and what is lacking."""
    for claim in contract.claims:
        for selector in claim.select:
            bare = replace(selector, labels=None, annotations=None)
            if bare != selector and bare != Selector() and _chooses(bare, written):
                yield claim, " and ".join(_lacking(selector))
                break


def _lacking(selector: Selector) -> Iterator[str]:
    for word, texts in (("label", selector.labels), ("annotation", selector.annotations)):
        for name, value in (texts or {}).items():
            yield f"{word} {name}: {value}"


def _chooses(selector: Selector, written: Written) -> bool:
    return matches_document(selector, written.ref, written.labels, written.annotations, written.body)


def _beside(contract: Contract, ref: Ref) -> Iterator[Claim]:
    """Claims about the same namespace, or, for what is in none, about the same kind."""
    for claim in contract.claims:
        for selector in claim.select:
            if ref.namespace in selector.namespaces if ref.namespace else ref.kind in selector.kinds:
                yield claim


def _layer(contract: Contract, owner: str, beside: Mapping[str, Claim]) -> str:
    if owner in beside:
        return beside[owner].layer
    own = (layer.name for layer in contract.layers if layer.owner == owner)
    claimed = (claim.layer for claim in contract.claims if claim.owner == owner)
    return next(own, None) or next(claimed, "LAYER")


def texts_of(body: Mapping[str, Any], key: str) -> dict[str, str]:
    """The labels or annotations that a document writes; values that are no text are left to the API server."""
    metadata = body.get("metadata")
    texts = metadata.get(key) if isinstance(metadata, dict) else None
    return {name: value for name, value in texts.items() if isinstance(value, str)} if isinstance(texts, dict) else {}
