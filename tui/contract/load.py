"""Finds, reads and checks a contract. Whatever the file holds, the answer is a Contract or one clear ContractFault."""

import hashlib
import os
import stat
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from tui.contract import sections
from tui.contract.model import Contract, Health
from tui.contract.words import VERSION
from tui.yaml_nodes import Node, PlacedFault, Source, read_nodes

__all__ = ["FILE_NAME", "MAX_BYTES", "ContractFault", "find_contract", "load_contract", "parse_contract", "shipped"]

T = TypeVar("T")


class ContractFault(PlacedFault):
    """A contract that cannot be used."""


FILE_NAME: Final = "ownership.yaml"
VARIABLE: Final = "REFLOAT_CONTRACT"

MAX_BYTES: Final = 1024 * 1024
"""Bytes of a contract that are read; the shipped one has a hundredth of that."""

KEYS: Final = (
    "version",
    "name",
    "cluster",
    "layers",
    "owners",
    "claims",
    "releases",
    "guardrails",
    "health",
    "allow",
    "decisions",
    "in_use",
)


def find_contract(option: str | None, environ: Mapping[str, str], cwd: Path, config_dir: Path) -> Path:
    """The contract's path: ``--contract``, ``REFLOAT_CONTRACT``, ``./ownership.yaml``, the config directory, shipped.

    The first two are taken as given (relative to ``cwd``), there or not: a wrong one must be told, not skipped.
    """
    named = option or environ.get(VARIABLE)
    if named:
        return cwd / named
    local = [folder / FILE_NAME for folder in (cwd, config_dir) if os.path.lexists(folder / FILE_NAME)]
    return local[0] if local else shipped()


def shipped() -> Path:
    """The contract that comes with Refloat: beside the package's code once installed, else beside the package."""
    package = Path(__file__).parent.parent
    inside = package / FILE_NAME
    return inside if inside.is_file() else package.parent / FILE_NAME


def load_contract(path: Path) -> Contract:
    """The contract in a file. Raises ContractFault, with file, line and column, for anything else than a valid one."""
    return parse_contract(_read(path), str(path))


def parse_contract(data: bytes, source: str) -> Contract:
    """The contract in a file's bytes; ``source`` names the file. Raises ContractFault as :func:`load_contract`."""
    if len(data) > MAX_BYTES:
        raise ContractFault(source, 1, 1, f"the file has more than {MAX_BYTES} bytes; that is no contract")
    root = read_nodes(data, Source(source, "a contract", ContractFault))
    if root.is_null:
        raise ContractFault(source, 1, 1, "the file is empty; a contract needs version, name, layers, owners")
    parts = root.keys(KEYS, ("version", "name", "layers", "owners"), "a contract")
    _check_version(parts["version"])
    # Owners' marks name families, and families name owners: so the names are collected first.
    owner_names = [sections.identifier(e.key) for e in parts["owners"].entries("a mapping of owners").values()]
    releases = _section(parts, "releases", partial(sections.family, owner_names=owner_names), lambda f: f.name)
    layers = sections.layers(parts["layers"], owner_names)
    layer_names = [layer.name for layer in layers]
    # No two claims are alike: what one repeats of another is the linter's to say.
    claim = partial(sections.claim, owner_names=owner_names, layer_names=layer_names)
    return Contract(
        name=sections.identifier(parts["name"]),
        layers=layers,
        owners=sections.owners(parts["owners"], [family.name for family in releases]),
        claims=_section(parts, "claims", claim, lambda c: f"the claim of line {c.line}"),
        releases=releases,
        guardrails=_section(parts, "guardrails", sections.guardrail, lambda g: g.id),
        health=_section(parts, "health", sections.health, _checked),
        allow=_section(parts, "allow", sections.allow, lambda a: f"{a.code} of {a.resource}"),
        decisions=_section(
            parts, "decisions", partial(sections.decision, owner_names=owner_names), lambda d: d.resource
        ),
        in_use=_section(parts, "in_use", sections.in_use, lambda u: f"what {u.by} uses (line {u.line})"),
        cluster_uid=_cluster_uid(parts["cluster"]) if "cluster" in parts else None,
        source=source,
        sha256=hashlib.sha256(data).hexdigest(),
    )


def _section(
    parts: Mapping[str, Node], key: str, read: Callable[[Node], T], identity: Callable[[T], str]
) -> tuple[T, ...]:
    return sections.named(parts[key], key, read, identity) if key in parts else ()


def _checked(check: Health) -> str:
    return f"the check of {check.ready or 'Deployments'} {check.namespace}/{check.name or ', '.join(check.deployments)}"


def _check_version(node: Node) -> None:
    if node.kind != "a number" or node.value != str(VERSION):
        raise node.fault(f"this Refloat reads contracts of version {VERSION}, written without quotes")


def _cluster_uid(node: Node) -> str | None:
    if node.is_null:
        return None
    parts = node.keys(("uid",), (), "cluster")
    return sections.plain(parts["uid"]) if "uid" in parts and not parts["uid"].is_null else None


def _read(path: Path) -> bytes:
    source = str(path)
    try:
        # A pipe or a device could block or never end: only a regular file is opened.
        if not stat.S_ISREG(path.stat().st_mode):
            what = "a directory" if path.is_dir() else "not a regular file"
            raise ContractFault(source, 1, 1, f"this is {what}; name the contract's file")
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except FileNotFoundError as wrong:
        raise ContractFault(source, 1, 1, "there is no such file; see --contract and REFLOAT_CONTRACT") from wrong
    except (OSError, ValueError) as wrong:
        reason = wrong.strerror if isinstance(wrong, OSError) and wrong.strerror else "its name is not one"
        raise ContractFault(source, 1, 1, f"the file cannot be read: {reason}") from wrong
