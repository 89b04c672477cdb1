"""Which objects a contract's selectors and resource globs mean; every answer rests on what is handed in alone."""

import re
from collections.abc import Callable, Iterable, Mapping
from fnmatch import translate
from functools import lru_cache
from typing import Any, Final, Protocol

from tui.contract.model import Claim, Contract, Selector
from tui.objects import Json, KindKey, Live, Ref

WILDCARDS: Final = frozenset("*?[")
"""A string without any of these is a plain name."""

Texts = Mapping[str, str]


class Written(Protocol):
    """A document of a manifest: an identity and the whole body."""

    @property
    def ref(self) -> Ref:
        """What it describes."""

    @property
    def body(self) -> Json:
        """The object as written."""


def is_plain(pattern: str) -> bool:
    """Whether a glob is just a name."""
    return WILDCARDS.isdisjoint(pattern)


def literal(name: str) -> str:
    """A glob that means this name alone."""
    return "".join(f"[{char}]" if char in WILDCARDS else char for char in name)


def matches(selector: Selector, live: Live) -> bool:
    """Whether a live object is chosen. Where only metadata was read, a selector with ``fields`` chooses nothing."""
    return matches_document(selector, live.ref, live.labels, live.annotations, live.body)


def matches_document(
    selector: Selector, ref: Ref, labels: Texts, annotations: Texts, body: Mapping[str, Any] | None
) -> bool:
    """Whether something that is not live (a document, a ghost) is chosen.

    Empty ``labels`` or ``annotations`` are taken from ``body`` where there is one. A selector with ``fields`` chooses
    nothing without a body.
    """
    return _chooses_kind(selector, ref) and _chooses_rest(selector, ref, labels, annotations, body)


def names_exactly(
    claim: Claim, ref: Ref, labels: Texts, annotations: Texts, body: Mapping[str, Any] | None = None
) -> bool:
    """Whether the claim means this very object: a selector that chooses it has its name, no glob, in ``names``."""
    return any(
        ref.name in selector.names and is_plain(ref.name) and matches_document(selector, ref, labels, annotations, body)
        for selector in claim.select
    )


def claim_for(contract: Contract, thing: Live | Written) -> Claim | None:
    """The claim that decides about one object or document: the first that chooses it. For many, use Claims."""
    if isinstance(thing, Live):
        return Claims(contract).of(thing.ref, thing.labels, thing.annotations, thing.body)
    return Claims(contract).of(thing.ref, {}, {}, thing.body)


class Claims:
    """The claims of a contract, indexed by kind, so that 100 000 objects can be asked about."""

    def __init__(self, contract: Contract) -> None:
        self._claims = contract.claims
        self._by_kind: dict[tuple[str, str], tuple[tuple[Selector, Claim], ...]] = {}

    def of(self, ref: Ref, labels: Texts, annotations: Texts, body: Mapping[str, Any] | None) -> Claim | None:
        """The first claim that chooses the object, or None. Parameters as in :func:`matches_document`."""
        for selector, claim in self._candidates(ref):
            if _chooses_rest(selector, ref, labels, annotations, body):
                return claim
        return None

    def by_name(self, ref: Ref, labels: Texts, annotations: Texts, body: Mapping[str, Any] | None) -> Claim | None:
        """The first claim that names exactly this object, or None; an earlier claim by glob does not hide it."""
        if not is_plain(ref.name):
            return None
        for selector, claim in self._candidates(ref):
            if ref.name in selector.names and _chooses_rest(selector, ref, labels, annotations, body):
                return claim
        return None

    def _candidates(self, ref: Ref) -> tuple[tuple[Selector, Claim], ...]:
        kind = (ref.group, ref.kind)
        found = self._by_kind.get(kind)
        if found is None:
            found = self._by_kind[kind] = tuple(
                (selector, claim) for claim in self._claims for selector in claim.select if _chooses_kind(selector, ref)
            )
        return found


def resource_matches(pattern: str, ref: Ref) -> bool:
    """Whether ``Kind/name`` or ``Kind/namespace/name`` (globs, part by part) means the object.

    A pattern of two parts means a cluster-scoped object, or one of that name in any namespace.
    """
    return resource_filter(pattern)(ref)


@lru_cache(maxsize=1024)
def resource_filter(pattern: str) -> Callable[[Ref], bool]:
    """What :func:`resource_matches` asks of one pattern, read once for many objects."""
    parts = [_globs((part,)) for part in pattern.split("/")]
    if len(parts) == 2:
        kind, name = parts
        return lambda ref: kind(ref.kind) and name(ref.name)
    if len(parts) == 3:
        kind, space, name = parts
        return lambda ref: kind(ref.kind) and name(ref.name) and ref.namespace is not None and space(ref.namespace)
    return lambda _: False


def kinds_needing_bodies(contract: Contract) -> tuple[str, ...]:
    """Globs of the kinds that some selector judges by ``fields``: metadata alone cannot answer for them.

    ``*`` where such a selector names no kind.
    """
    selectors = [selector for claim in contract.claims for selector in claim.select]
    selectors += [guardrail.deny for guardrail in contract.guardrails]
    found = (kind for selector in selectors if selector.fields for kind in selector.kinds or ("*",))
    return tuple(dict.fromkeys(found))


def _chooses_rest(
    selector: Selector, ref: Ref, labels: Texts, annotations: Texts, body: Mapping[str, Any] | None
) -> bool:
    return (
        (not selector.names or _globs(selector.names)(ref.name))
        and _chooses_namespace(selector, ref.namespace)
        and (selector.labels is None or _chooses_texts(selector.labels, labels or _metadata(body, "labels")))
        and (
            selector.annotations is None
            or _chooses_texts(selector.annotations, annotations or _metadata(body, "annotations"))
        )
        and (selector.fields is None or _chooses_fields(selector.fields, body))
    )


def chooses_kind(selector: Selector, kind: KindKey) -> bool:
    """Whether a selector may choose objects of this kind: to be asked once for many."""
    return (not selector.kinds or _globs(selector.kinds)(kind.kind)) and (
        not selector.groups or _globs(selector.groups)(kind.group)
    )


def _chooses_kind(selector: Selector, ref: Ref) -> bool:
    return chooses_kind(selector, ref.kind_key)


def _chooses_namespace(selector: Selector, namespace: str | None) -> bool:
    if namespace is None:
        return not selector.namespaces and not selector.namespaces_not
    if selector.namespaces and not _globs(selector.namespaces)(namespace):
        return False
    return not (selector.namespaces_not and _globs(selector.namespaces_not)(namespace))


def _chooses_texts(wanted: Texts, have: Texts) -> bool:
    return all(name in have and _globs((value,))(str(have[name])) for name, value in wanted.items())


def _chooses_fields(wanted: Mapping[str, tuple[str, ...]], body: Mapping[str, Any] | None) -> bool:
    if body is None:
        return False
    return all(any(_globs(globs)(value) for value in _scalars(body, path.split("."))) for path, globs in wanted.items())


def _scalars(value: Any, path: list[str]) -> Iterable[str]:
    # A list on the way stands for each of its elements, so that spec.ports.nodePort can be judged.
    if isinstance(value, list):
        for item in value:
            yield from _scalars(item, path)
    elif path:
        if isinstance(value, dict) and path[0] in value:
            yield from _scalars(value[path[0]], path[1:])
    elif isinstance(value, bool):
        yield "true" if value else "false"
    elif isinstance(value, str | int | float):
        yield str(value)


def _metadata(body: Mapping[str, Any] | None, key: str) -> Texts:
    metadata = body.get("metadata") if body else None
    texts = metadata.get(key) if isinstance(metadata, dict) else None
    return texts if isinstance(texts, dict) else {}


@lru_cache(maxsize=4096)
def _globs(patterns: tuple[str, ...]) -> Callable[[str], bool]:
    plain = frozenset(filter(is_plain, patterns))
    wild = [pattern for pattern in patterns if not is_plain(pattern)]
    if not wild:
        return plain.__contains__
    expression = re.compile("|".join(map(translate, wild)))
    return lambda text: text in plain or expression.match(text) is not None
