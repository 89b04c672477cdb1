"""Writes a first contract as the YAML of its file, with remarks where somebody has to decide. Pure.

Its layers, owners, claims, release families and checks read back as they were; the rest is a person's to write.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from tui.contract.model import Claim, Contract, Family, Health, Layer, Mark, Owner, Reconcile, Selector
from tui.contract.words import VERSION
from tui.text import clean

Notes = Mapping[str, Sequence[str]]
"""Remarks by section: ``head``, ``owners``, ``claims``, ``releases``, ``guardrails``, ``health``, and
``owner NAME``, ``claim NUMBER`` (from 0), ``family NAME`` for one entry."""

WIDTH: Final = 110
"""Characters of a line from which on it is broken into several."""

_BARE: Final = re.compile(r"[A-Za-z][A-Za-z0-9._/-]*")
_WORDS: Final = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})


def contract_text(contract: Contract, notes: Notes) -> str:
    """The file's text. ``notes`` are written as comments, each a line; nothing in them can end one."""
    lines = [*_notes(notes, "head", ""), f"version: {VERSION}", f"name: {_scalar(contract.name)}", ""]
    lines += ["cluster:", f"  uid: {_scalar(contract.cluster_uid) if contract.cluster_uid else 'null'}", ""]
    lines += ["layers:", *(f"  - {_flow(_layer(layer))}" for layer in contract.layers), ""]
    lines += [*_notes(notes, "owners", ""), "owners:"]
    for owner in contract.owners.values():
        lines += [*_notes(notes, f"owner {owner.name}", "  "), *_owner(owner)]
    lines += ["", *_notes(notes, "claims", ""), "claims:" if contract.claims else "claims: []"]
    for number, claim in enumerate(contract.claims):
        lines += [*_notes(notes, f"claim {number}", "  "), *_claim(claim)]
    lines += ["", *_notes(notes, "releases", ""), "releases:" if contract.releases else "releases: []"]
    for family in contract.releases:
        lines += [*_notes(notes, f"family {family.name}", "  "), *_block(_family(family), "  ")]
    lines += ["", *_notes(notes, "guardrails", ""), "guardrails: []", ""]
    lines += [*_notes(notes, "health", ""), "health:" if contract.health else "health: []"]
    for check in contract.health:
        lines += _block(_check(check), "  ")
    return "\n".join(lines) + "\n"


def _notes(notes: Notes, section: str, indent: str) -> Iterator[str]:
    for note in notes.get(section, ()):
        yield f"{indent}# {clean(note)}"


def _owner(owner: Owner) -> Iterator[str]:
    yield f"  {_scalar(owner.name)}:"
    yield f"    title: {_scalar(owner.title)}"
    if owner.marks:
        yield "    marks:"
        for mark in owner.marks:
            yield from _block(_mark(mark), "      ")
    if owner.reconcile is not None:
        yield f"    reconcile: {_flow(_reconcile(owner.reconcile))}"
    if owner.process:
        yield from ("    process:", *(f"      - {_scalar(step)}" for step in owner.process))


def _claim(claim: Claim) -> Iterator[str]:
    yield f"  - owner: {_scalar(claim.owner)}"
    yield f"    layer: {_scalar(claim.layer)}"
    if claim.source:
        yield f"    source: {_scalar(claim.source)}"
    yield "    select:"
    for selector in claim.select:
        yield from _block(_selector(selector), "      ")


Value = str | bool | Sequence[str] | Mapping[str, "Value"]


def _layer(layer: Layer) -> dict[str, Value]:
    return _given(name=layer.name, title=layer.title, owner=layer.owner)


def _mark(mark: Mark) -> dict[str, Value]:
    return _given(
        manager=mark.manager,
        label=mark.label,
        annotation=mark.annotation,
        family=mark.family,
        inventory=mark.inventory,
        owner_kind=mark.owner_kind,
    )


def _reconcile(how: Reconcile) -> dict[str, Value]:
    if how.command is not None:
        return {"command": how.command}
    return {"annotate": _given(kind=how.kind, namespace=how.namespace, name=how.name)}


def _selector(selector: Selector) -> dict[str, Value]:
    return _given(
        kinds=selector.kinds,
        groups=selector.groups,
        names=selector.names,
        namespaces=selector.namespaces,
        namespaces_not=selector.namespaces_not,
        labels=selector.labels,
        annotations=selector.annotations,
        fields=selector.fields,
    )


def _family(family: Family) -> dict[str, Value]:
    cleanup: dict[str, Value] = {}
    if family.cleanup_cluster_scoped or family.cleanup_namespaces:
        cleanup = {"cluster_scoped": family.cleanup_cluster_scoped, "namespaces": family.cleanup_namespaces}
    return _given(
        family=family.name,
        generated=family.generated,
        match=family.match,
        names=family.names,
        namespace=family.namespace,
        owner=family.owner,
        cleanup=cleanup,
    )


def _check(check: Health) -> dict[str, Value]:
    optional = {"optional": True} if check.optional else {}
    parts = _given(deployments=check.deployments, ready=check.ready, name=check.name, namespace=check.namespace)
    return {**parts, **optional}


def _given(**parts: Value | None) -> dict[str, Value]:
    return {name: value for name, value in parts.items() if value}


def _block(value: Mapping[str, Value], indent: str) -> Iterator[str]:
    """An entry of a list: on one line where it fits, else a line a key, and a line an element where those are many."""
    line = f"{indent}- {_flow(value)}"
    if len(line) <= WIDTH:
        yield line
        return
    lead = f"{indent}- "
    for name, part in value.items():
        flow = f"{lead}{name}: {_flow(part)}"
        if len(flow) <= WIDTH or isinstance(part, str | bool):
            yield flow
        else:
            yield f"{lead}{name}:"
            yield from _elements(part, f"{indent}    ")
        lead = f"{indent}  "


def _elements(part: Sequence[str] | Mapping[str, Value], indent: str) -> Iterator[str]:
    if isinstance(part, Mapping):
        yield from (f"{indent}{_scalar(name)}: {_flow(value)}" for name, value in part.items())
    else:
        yield from (f"{indent}- {_scalar(each)}" for each in part)


def _flow(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _scalar(value)
    if isinstance(value, Mapping):
        return f"{{{_joined(f'{_scalar(name)}: {_flow(each)}' for name, each in value.items())}}}"
    return f"[{_joined(map(_scalar, value))}]"


def _joined(parts: Iterable[str]) -> str:
    return ", ".join(parts)


def _scalar(text: str) -> str:
    """A text as YAML that reads back as that text, in quotes unless it is plainly a word."""
    if _BARE.fullmatch(text) and text.lower() not in _WORDS:
        return text
    return json.dumps(text, ensure_ascii=False)
