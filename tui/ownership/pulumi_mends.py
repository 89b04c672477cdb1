"""What lets an owner's next deployment through without a change to the cluster, and then what else. Pure.

Pulumi draws a new name for an unnamed Release at every attempt, so nothing is ever given to the name in its error. All
that is told here was tried with Pulumi 3.274 and its Kubernetes provider 4.24 (tests/live/test_pulumi_live.py).
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from tui.contract.model import Contract, Family
from tui.helm.refusal import Failure, OwnerError, Tool, Trouble, Wanted
from tui.ownership.model import FamilyState, FamilyView

RELEASE_TYPE: Final = "kubernetes:helm.sh/v3:Release"
RESOURCE: Final = "RESOURCE"
"""Stands for a resource's name in the program, where nothing tells it."""

_PLAIN: Final = re.compile(r"[A-Za-z0-9._-]{1,200}")
"""Names that may stand in a line to copy: those of a text or of a stamp are anybody's."""


class Writes(StrEnum):
    """What a mend changes."""

    NOTHING = "nothing"
    SOURCE = "source"
    CLUSTER = "cluster"


@dataclass(frozen=True, slots=True)
class Mend:
    """One way out. ``do`` is a sentence, ``command`` a whole line to run, ``check`` says how to see that it worked.

    ``program`` has (language, line) for the owner's program. ``brief`` is the same in a few words.
    """

    brief: str
    do: str
    writes: Writes
    command: str = ""
    program: tuple[tuple[str, str], ...] = ()
    check: str = ""

    @property
    def lines(self) -> tuple[str, ...]:
        """The mend as lines of a finding's evidence."""
        found = [self.do, *(f"  {language}: {line}" for language, line in self.program)]
        found += [f"  run: {self.command}"] if self.command else []
        return (*found, *([f"  it worked when {self.check}"] if self.check else []))


def owner_tool(view: FamilyView, contract: Contract, error: OwnerError) -> Tool:
    """Which tool owns a family's release: by the owner's words where there are any, else by the contract."""
    if error.tool in (Tool.HELM, Tool.FLUX, Tool.PULUMI):
        return error.tool
    owner = contract.owners.get(view.family.owner)
    managers = {name for mark in (owner.marks if owner else ()) for name in mark.manager}
    command = (owner.reconcile.command or "") if owner and owner.reconcile else ""
    if view.family.generated or command.startswith("pulumi ") or any(m.startswith("pulumi-") for m in managers):
        return Tool.PULUMI
    return Tool.FLUX if "helm-controller" in managers else Tool.HELM


def mends_of(view: FamilyView, tool: Tool, stamps: Mapping[str, int], error: OwnerError) -> tuple[Mend, ...]:
    """The ways out for a family whose owner is refused, or will be, the ones that write nothing first.

    ``stamps`` counts the live objects that bear each release's name, and under the empty name those whose stamp is
    incomplete or absent. Nothing is told while it cannot be verified which release is in force.
    """
    if view.state in (FamilyState.UNVERIFIABLE, FamilyState.AMBIGUOUS):
        return ()
    if tool is not Tool.PULUMI:
        return tuple(_others(view, tool, stamps))
    return tuple(_pulumi(view, stamps, error))


def refresh_told(command: str, view: FamilyView | None) -> str:
    """What Pulumi's own refresh would do for a family's release as it stands; empty for any other command.

    ``view`` is None where the command is about no release.
    """
    if "pulumi refresh" not in command or view is None:
        return ""
    if view.active is None:
        return (
            f"not {command} while no release of {view.family.name} is in force: it drops a Release without a record"
            " from Pulumi's state, and the next pulumi up draws a new name; pin the name and run pulumi up first"
        )
    return (
        f"{command} finds nothing to do for {view.active.name}: Pulumi looks at the release's record alone, and calls"
        " it unchanged whatever is missing, until a value of it changes"
    )


def refresh_warning(command: str) -> str:
    """What to look at before a command that is Pulumi's refresh; empty for any other."""
    if "pulumi refresh" not in command:
        return ""
    return (
        "; but never while the record of a release is lost (refloat preflight tells): it would drop the Release from"
        " Pulumi's state, and the next pulumi up draws a new name"
    )


def _pulumi(view: FamilyView, stamps: Mapping[str, int], error: OwnerError) -> Iterator[Mend]:
    resource, namespace = resource_of(view.family, error), view.family.namespace
    old = view.family.generated or RESOURCE
    renamed = old if RESOURCE not in (resource, old) and resource != old else ""
    name = view.active.name if view.active else _only(view, stamps)
    recorded = bool(name) and view.release(name) is not None
    moved = next((each.namespace for each in _about(view.family, error) if each.namespace not in (None, namespace)), "")
    if name and moved:
        yield _moved(name, resource, namespace, moved)
    if recorded:
        both = (_import(name, resource, namespace), _alias(name, resource, renamed, namespace))
        yield from () if moved else reversed(both) if renamed else both
    elif name:
        yield from (_alias(name, resource, renamed, namespace),) if renamed else ()
        yield from _of_a_lost(name, resource, namespace, error)
    elif named := [each for each in stamps if _PLAIN.fullmatch(each)]:
        yield _adopt(max(named, key=lambda each: (stamps[each], each)), stamps, resource)


def _only(view: FamilyView, stamps: Iterable[str]) -> str:
    """The one name that all of the family bears, or, where nothing bears any, the one that is recorded; else empty."""
    names = set(stamps) or {release.name for release in view.releases}
    name = next(iter(names)) if len(names) == 1 else ""
    return name if _PLAIN.fullmatch(name) else ""


def _of_a_lost(name: str, resource: str, namespace: str, error: OwnerError) -> Iterator[Mend]:
    """The record is gone, and so, as a rule, is what Pulumi's state knew of it."""
    held = any(each.trouble is Trouble.NO_DEPLOYED and each.release == name for each in error.failures)
    yield _forget(name, resource) if held else _pin(name, resource, namespace)
    yield _restore(name, namespace)


def resource_of(family: Family, error: OwnerError) -> str:
    """The Release resource of the program that a family's text is about; the family's base name where none is told."""
    about = [each.resource for each in _about(family, error) if each.resource]
    told = list(dict.fromkeys(about))
    name = told[0] if len(told) == 1 else family.generated or RESOURCE
    return name if _PLAIN.fullmatch(name) else RESOURCE


def _about(family: Family, error: OwnerError) -> list[Wanted | Failure]:
    """What of a text is about a family: what is wanted over its objects, and what failed of its releases."""
    over = {each.wanted_release for each in error.conflicts if family.has(each.held_release or "")}
    found: list[Wanted | Failure] = [w for w in error.wanted if w.release in over or family.has(w.release)]
    found += [f for f in error.failures if family.has(f.release) or (f.resource and f.resource == family.generated)]
    return found


def concerns(family: Family, error: OwnerError) -> bool:
    """Whether a text is about a family at all."""
    return bool(_about(family, error)) or any(family.has(each.held_release or "") for each in error.conflicts)


_LOOK: Final = "pulumi preview shows the Release created or updated, and nothing deleted or replaced"


def _pin(name: str, resource: str, namespace: str) -> Mend:
    return Mend(
        f"pin the release's name: `name: {name}` on the resource {resource}, then pulumi up",
        f"put the name {name} into the program, on its resource {resource}: what is there bears it, so that pulumi up"
        " is not refused, and nothing is written to the cluster before",
        Writes.SOURCE,
        "pulumi up",
        name_lines(name, resource),
        f"{_LOOK}; afterwards helm status {name} -n {namespace} says deployed, a second pulumi up says unchanged."
        f' Where it says `"{name}" has no deployed releases`, Pulumi\'s state still holds the lost release: run pulumi'
        f" state delete with the URN of {resource} (pulumi stack --show-urns), which touches no object, then pulumi up",
    )


def name_lines(name: str, resource: str) -> tuple[tuple[str, str], ...]:
    """The lines that pin a release's name in a Pulumi program."""
    return (
        ("TypeScript", f'new k8s.helm.v3.Release("{resource}", {{ name: "{name}", ...the rest as it is }})'),
        ("Python", f'Release("{resource}", ReleaseArgs(name="{name}", ...the rest as it is))'),
        ("Go", f'helm.NewRelease(ctx, "{resource}", &helm.ReleaseArgs{{Name: pulumi.String("{name}"), ...}})'),
        ("YAML", f"resources: {resource}: properties: name: {name}"),
    )


def _import(name: str, resource: str, namespace: str) -> Mend:
    return Mend(
        f"give Pulumi its release back: pulumi import {RELEASE_TYPE} {resource} {namespace}/{name}",
        f"Pulumi's state does not know {name}, whose record is there: import it, then pin its name (name: {name})."
        f" First see that no resource of the stack holds it: pulumi stack --show-ids must not list {namespace}/{name}",
        Writes.NOTHING,
        f"pulumi import {RELEASE_TYPE} {resource} {namespace}/{name}",
        name_lines(name, resource),
        f"pulumi stack --show-ids lists {namespace}/{name}; {_LOOK}; a second pulumi up says unchanged. Where the"
        " program has a Kubernetes provider of its own, give its URN: --provider NAME=URN",
    )


def _alias(name: str, resource: str, old: str, namespace: str) -> Mend:
    known, old = old or "another name", old or "OLD-NAME"
    urn = f"urn:pulumi:STACK::PROJECT::{RELEASE_TYPE}::{old}"
    return Mend(
        f"give the resource {resource} its old name as an alias, then pulumi up",
        f"where pulumi stack --show-ids lists {namespace}/{name} under {known}, the resource was renamed: give"
        f" {resource} an alias. Never adopt to a new name then: Pulumi would uninstall {name}, and delete every object",
        Writes.SOURCE,
        "pulumi up",
        (
            ("TypeScript", f'{{ aliases: [{{ name: "{old}" }}] }}, as the options of the resource'),
            ("Python", f'opts=pulumi.ResourceOptions(aliases=[pulumi.Alias(name="{old}")])'),
            ("Go", f'pulumi.Aliases([]pulumi.Alias{{{{Name: pulumi.String("{old}")}}}})'),
            ("YAML", f'options: aliases: ["{urn}"], the URN as pulumi stack --show-urns prints it'),
        ),
        "pulumi preview says that the Release is unchanged",
    )


def _moved(name: str, resource: str, namespace: str, moved: str) -> Mend:
    return Mend(
        f"give the resource {resource} its namespace back: `namespace: {namespace}`",
        f"the program wants {resource} in namespace {moved}, and {name} lives in {namespace}: a release cannot move, so"
        " that a new one is drawn and refused over the old one's objects. Put the old namespace back",
        Writes.SOURCE,
        "pulumi up",
        (
            ("TypeScript", f'namespace: "{namespace}"'),
            ("Python", f'namespace="{namespace}"'),
            ("Go", f'Namespace: pulumi.String("{namespace}")'),
            ("YAML", f"properties: namespace: {namespace}"),
        ),
        "pulumi preview says that the Release is unchanged",
    )


def _restore(name: str, namespace: str) -> Mend:
    return Mend(
        f"put the record of {name} back",
        f"or put the record of {name} back: where a session of Refloat took it away, by refloat journal undo; where a"
        f" backup holds the Secret sh.helm.release.v1.{name}.vN, by kubectl apply -n {namespace} -f FILE, or by velero",
        Writes.CLUSTER,
        f"velero restore create --from-backup BACKUP --include-namespaces {namespace} --include-resources secrets"
        f" --selector owner=helm,name={name}",
        (),
        f"helm status {name} -n {namespace} says deployed; pulumi up then says unchanged where Pulumi's state knows it;"
        " where it does not, pulumi import gives it back",
    )


def _forget(name: str, resource: str) -> Mend:
    return Mend(
        f"pin the release's name (`name: {name}` on the resource {resource}), take it out of Pulumi's state by pulumi"
        " state delete, then pulumi up",
        f"Pulumi's state still holds {name}, whose record is gone: put the name into the program, on its resource"
        f" {resource}, then take that out of the state, which touches no object, and run pulumi up; pulumi stack"
        " --show-urns prints the URN",
        Writes.SOURCE,
        f"pulumi state delete 'urn:pulumi:STACK::PROJECT::{RELEASE_TYPE}::{resource}'",
        name_lines(name, resource),
        f"{_LOOK}; a second pulumi up says unchanged",
    )


def _adopt(name: str, stamps: Mapping[str, int], resource: str) -> Mend:
    others = sum(count for each, count in stamps.items() if each != name)
    return Mend(
        f"pin one name, adopt to it what bears another: refloat preflight --expect {name}",
        f"what is there bears {len(stamps)} names, so that no name alone lets pulumi up through: pin {name}, which most"
        f" of it bears, and let cleanup adopt the {others} that bear another to it; nothing is deleted",
        Writes.CLUSTER,
        f"refloat preflight --expect {name}",
        name_lines(name, resource),
        f"nothing bears another stamp any more; {_LOOK}; a second pulumi up says unchanged",
    )


def _others(view: FamilyView, tool: Tool, stamps: Mapping[str, int]) -> Iterator[Mend]:
    """Helm by hand and a HelmRelease: where all bears one name that has no record, the owner installs as that name."""
    namespace = view.family.namespace
    name = _only(view, stamps)
    if view.active is not None or not name or view.release(name) is not None:
        return
    check = f"helm status {name} -n {namespace} says deployed"
    if tool is Tool.FLUX:
        yield Mend(
            f"let the HelmRelease install as the name that is there: spec.releaseName: {name}",
            f"put releaseName: {name} into the HelmRelease: what is there bears it, so that its install is not refused",
            Writes.SOURCE,
            "",
            (("YAML", f"spec: releaseName: {name}, and targetNamespace and storageNamespace: {namespace}"),),
            check,
        )
        return
    yield Mend(
        f"install as the name that is there: helm upgrade --install {name} CHART -n {namespace}",
        f"install as {name}: what is there bears it, so that the install is not refused, and nothing is re-stamped",
        Writes.NOTHING,
        f"helm upgrade --install {name} CHART -n {namespace}",
        (),
        check,
    )
