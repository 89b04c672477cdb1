"""How a piece of evidence is named to people, and the command that shows it. Pure."""

import re
from collections.abc import Mapping
from shlex import quote
from typing import Final

from tui.objects import Live, Ref
from tui.ownership.model import Evidence, Source, Strength

BY: Final[Mapping[Strength, str]] = {
    Strength.OWNER_REFERENCE: "owner reference",
    Strength.INVENTORY: "inventory",
    Strength.MANIFEST: "release manifest",
    Strength.STAMP: "Helm stamp",
    Strength.FLUX_LABEL: "Flux label",
    Strength.NAMED_MARK: "a mark that names the object",
    Strength.MANAGER: "field manager",
    Strength.PLAIN_LABEL: "plain label",
}

_RELEASE: Final = re.compile(r"Helm release (?P<space>[^\s/]+)/(?P<name>\S+) revision (?P<revision>[0-9]+)")
_HOLDER: Final = re.compile(r" of (?P<kind>[A-Za-z]+) (?:(?P<space>[^\s/]+)/)?(?P<name>[^\s/]+)$")


def command_of(evidence: Evidence, ref: Ref, live: Live | None) -> str:
    """The command line that shows one piece of evidence; ``ref`` is the object it is about."""
    if evidence.source is Source.MANIFEST and (found := _RELEASE.search(evidence.text)):
        release = f"{quote(found['name'])} -n {quote(found['space'])} --revision {found['revision']}"
        return f"helm get manifest {release}"
    if evidence.source is Source.INVENTORY and (found := _HOLDER.search(evidence.text)):
        where = f" -n {quote(found['space'])}" if found["space"] else ""
        return f"kubectl get {found['kind'].lower()} {quote(found['name'])}{where} -o yaml"
    if live is None:
        return f"kubectl get {ref.kubectl}"
    return f"kubectl get {ref.kubectl} {_SHOWING.get(evidence.source, '-o yaml')}"


_SHOWING: Final[Mapping[Source, str]] = {
    Source.OWNER_REFERENCE: "-o jsonpath='{.metadata.ownerReferences}'",
    Source.STAMP: "-o jsonpath='{.metadata.annotations}'",
    Source.LABEL: "-o jsonpath='{.metadata.labels}{.metadata.annotations}'",
    Source.MANAGER: "--show-managed-fields -o yaml",
}
