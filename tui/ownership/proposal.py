"""Judges manifests that are not applied yet: who should own each document, and what stands in its way. Pure.

Its JSON is ``{"schema": "refloat.proposal/1", "documents": [DOCUMENT], "incomplete": [TEXT]}`` with DOCUMENT =
``{"ref": REF, "generateName": TEXT|null, "where": "FILE:LINE", "verdict": "pass|warn|block|unverified",
"claim": {"owner", "layer", "source"}|null, "needs": TEXT|null, "served": {"answer": "yes|no|unknown", "text": TEXT},
"collisions": [{"with": "live|manifest|inventory|input|generate-name|source", "ref": REF|null, "state": STATE|null,
"owners": [{"owner", "confirmed", "evidence": [{"source", "text"}]}], "blocks": true|false, "text": TEXT}],
"guardrails": [{"id", "reason"}], "decisions": [{"resource", "owner", "removed": TEXT|null, "reason"}],
"immutable": [{"field", "live", "proposed"}], "notes": [TEXT], "process": [TEXT], "next": TEXT}``.

``needs`` says which claim the contract lacks, where it has none for the document. ``process`` are the steps that the
contract gives for the owner. ``incomplete`` names what could not be read; a document it matters to is ``unverified``
unless something known blocks it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from tui.contract.model import Claim, Contract, Decision, Guardrail
from tui.contract.select import Claims, matches_document, resource_matches
from tui.helm.model import Document
from tui.objects import Key, Ref
from tui.ownership.model import Assessment, Verdict
from tui.ownership.proposal_claims import Need, Written, claim_of, lies_at, need, source_owner, texts_of
from tui.ownership.proposal_fields import Fixed, immutable_differences
from tui.ownership.proposal_live import (
    Collision,
    Field,
    With,
    collisions,
    field_of,
    generated,
    live_of,
    unread,
    unread_of,
)
from tui.ownership.proposal_served import Answer, Served, namespace_note, scopes, served_as

APPLIERS: Final[Mapping[str, str]] = {
    "Kustomization": "kustomize.toolkit.fluxcd.io",
    "HelmRelease": "helm.toolkit.fluxcd.io",
    "ResourceSet": "fluxcd.controlplane.io",
    "FluxInstance": "fluxcd.controlplane.io",
    "Stack": "pulumi.com",
    "Program": "pulumi.com",
    "Application": "argoproj.io",
    "ApplicationSet": "argoproj.io",
    "Subscription": "operators.coreos.com",
    "HelmChart": "helm.cattle.io",
}
"""Kinds, with their groups, that make further objects out of what is elsewhere."""


@dataclass(frozen=True, slots=True)
class Given:
    """One document with the file it was read from, as the user named it."""

    document: Document
    file: str

    @property
    def where(self) -> str:
        """``FILE:LINE``."""
        return f"{self.file}:{self.document.line}"


@dataclass(frozen=True, slots=True)
class Proposed:
    """All that can be said of one document. ``ref`` has its namespace filled in; the module's text says the rest."""

    given: Given
    ref: Ref
    claim: Claim | None
    need: Need | None
    served: Served
    collisions: tuple[Collision, ...]
    guardrails: tuple[Guardrail, ...]
    decisions: tuple[Decision, ...]
    immutable: tuple[Fixed, ...]
    notes: tuple[str, ...]
    process: tuple[str, ...]
    doubts: tuple[str, ...]
    """What could not be read for this document alone."""
    unread: bool
    """Whether something could not be read that matters to every document."""

    @property
    def verdict(self) -> Verdict:
        """``block`` for another owner's, a broken guardrail, or a field that cannot change; else as for a preflight."""
        if self.guardrails or self.immutable or any(each.blocks for each in self.collisions):
            return Verdict.BLOCK
        if self.unread or self.doubts:
            return Verdict.UNVERIFIED
        told = self.collisions or self.need or self.notes or self.served.answer is not Answer.YES
        return Verdict.WARN if told else Verdict.PASS


@dataclass(frozen=True, slots=True)
class Proposal:
    """The judgement of all documents, in their order, and what could not be read."""

    documents: tuple[Proposed, ...]
    incomplete: tuple[str, ...]

    @property
    def blocks(self) -> bool:
        """Whether any document collides with another owner, breaks a guardrail, or changes what cannot change."""
        return any(each.verdict is Verdict.BLOCK for each in self.documents)


def propose(
    given: Sequence[Given],
    contract: Contract,
    assessment: Assessment | None,
    *,
    namespace: str | None = None,
    why_not: str = "",
) -> Proposal:
    """Judges documents against the contract and, where there is one, an assessed cluster.

    ``namespace`` is for namespaced documents that name none (``default``). Without an assessment ``why_not`` says why
    there is none: claims, guardrails, decisions and processes are told all the same.
    """
    judge = _Judge(given, contract, assessment, namespace)
    found = tuple(map(judge.judge, given))
    if judge.ground is None:
        words = "collisions, served kinds and immutable fields could not be verified"
        return Proposal(found, (f"{words}: {why_not or 'no cluster was read'}",))
    own = (f"{each.given.where}: {doubt}" for each in found for doubt in each.doubts)
    return Proposal(found, tuple(dict.fromkeys([*judge.unread, *own])))


class _Judge:
    """The indexes that all documents of one input are judged by."""

    def __init__(
        self, given: Sequence[Given], contract: Contract, assessment: Assessment | None, namespace: str | None
    ) -> None:
        self._contract = contract
        self._claims = Claims(contract)
        self._namespace = namespace
        bodies = ((each.where, each.document.body) for each in given)
        self._scopes = scopes(assessment.inventory if assessment else None, bodies)
        self.ground: Field | None = field_of(contract, assessment) if assessment else None
        self.unread = tuple(unread(self.ground)) if self.ground else ()
        self._appliers = {file: source_owner(contract, file) for file in {each.file for each in given}}
        self._twins: dict[Key, list[Given]] = {}
        for each in given:
            if each.document.generate_name is None:
                self._twins.setdefault(self._ref(each)[0].key, []).append(each)

    def judge(self, given: Given) -> Proposed:
        ref, placed = self._ref(given)
        written = self._written(given, ref)
        applier = self._appliers[given.file]
        claim = claim_of(self._contract, self._claims, written, applier)
        lacking = need(self._contract, written, applier) if claim is None else None
        owner = claim.owner if claim else None
        served = served_as(ref, self._scopes)
        fixed = self._fixed(given, ref)
        return Proposed(
            given=given,
            ref=ref,
            claim=claim,
            need=lacking,
            served=served,
            collisions=tuple(self._collisions(given, ref, owner, applier)),
            guardrails=tuple(g for g in self._contract.guardrails if self._denied(g, written)),
            decisions=tuple(d for d in self._contract.decisions if resource_matches(d.resource, written.ref)),
            immutable=fixed or (),
            notes=tuple(note for note in (placed, *self._notes(given, ref, compared=fixed is not None)) if note),
            process=self._process(owner or (lacking.owner if lacking else None)),
            doubts=tuple(self._doubts(ref, served)),
            unread=self.ground is None or bool(self.unread),
        )

    def _ref(self, given: Given) -> tuple[Ref, str]:
        """The identity with its namespace, and a word on where that was taken from."""
        ref = given.document.ref
        scoped = self._scopes.namespaced(ref.group, ref.kind)
        if scoped is None:
            unknown = "" if ref.namespace else f"whether {ref.kind} lives in namespaces is not known"
            return (replace(ref, namespace=ref.namespace or self._namespace), unknown)
        if not scoped:
            return (replace(ref, namespace=None), f"{ref.kind} lives in no namespace" if ref.namespace else "")
        if ref.namespace:
            return (ref, "")
        where = self._namespace or "default"
        return (replace(ref, namespace=where), "" if self._namespace else f"it names no namespace: read as {where}")

    def _written(self, given: Given, ref: Ref) -> Written:
        """The document as it would be in the cluster: what a live object bears besides stays."""
        body = given.document.body
        live = live_of(self.ground, ref.key) if self.ground else None
        labels, notes = texts_of(body, "labels"), texts_of(body, "annotations")
        prefix = given.document.generate_name
        name = ref.name if prefix is None else f"{prefix}00000"
        if live is not None:
            labels, notes = {**live.labels, **labels}, {**live.annotations, **notes}
        return Written(replace(ref, name=name), labels, notes, body, "" if prefix is None else f"{prefix}*")

    def _collisions(self, given: Given, ref: Ref, owner: str | None, applier: str | None) -> Iterable[Collision]:
        prefix = given.document.generate_name
        if prefix is not None:
            yield from generated(self.ground, ref, prefix) if self.ground else ()
        else:
            yield from collisions(self.ground, ref, owner) if self.ground else ()
            yield from self._in_input(given, ref)
        for decision in self._contract.decisions:
            if resource_matches(decision.resource, ref) and lies_at(given.file, decision.removed):
                text = (
                    f"{given.file} was removed by a decision of the contract: {ref.label} belongs to {decision.owner}"
                )
                yield Collision(With.SOURCE, text, owners=(decision.owner,), blocks=True)
        if applier is not None and owner is not None and applier != owner:
            text = f"{given.file} lies in the source of {applier}, and the contract gives {ref.label} to {owner}"
            yield Collision(With.SOURCE, text, owners=(applier,), blocks=True)

    def _in_input(self, given: Given, ref: Ref) -> Iterable[Collision]:
        for other in self._twins[ref.key]:
            if other is not given:
                two = {self._appliers[given.file], self._appliers[other.file]} - {None}
                same = "the same document" if other.document.sha256 == given.document.sha256 else "another document"
                text = f"{other.where} has {same} for {ref.label}: the one that is applied last wins"
                yield Collision(With.INPUT, text, owners=tuple(sorted(filter(None, two))), blocks=len(two) > 1)

    def _denied(self, rail: Guardrail, written: Written) -> bool:
        return matches_document(rail.deny, written.ref, written.labels, written.annotations, written.body)

    def _fixed(self, given: Given, ref: Ref) -> tuple[Fixed, ...] | None:
        live = live_of(self.ground, ref.key) if self.ground else None
        return immutable_differences(given.document.body, live) if live is not None else ()

    def _doubts(self, ref: Ref, served: Served) -> Iterable[str]:
        if self.ground is None:
            return
        if why := unread_of(self.ground, ref):
            yield why
        if served.answer is Answer.UNKNOWN:
            yield served.text
        if "${" in ref.path:
            yield f"{ref.label} is named only when it is applied: what it collides with is not known"

    def _notes(self, given: Given, ref: Ref, *, compared: bool) -> Iterable[str]:
        yield namespace_note(ref, self._scopes)
        if not compared:
            yield "its immutable fields were not compared: of the live object only the metadata was read"
        if given.document.generate_name is not None:
            yield "its name is generated: it can be created and not applied, and no claim or inventory can name it"
        if APPLIERS.get(ref.kind) == ref.group:
            yield f"what this {ref.kind} makes in its turn is not looked into: render it, and explain that too"

    def _process(self, owner: str | None) -> tuple[str, ...]:
        return self._contract.owners[owner].process if owner is not None else ()
