"""What the API server would refuse of an expected release's manifest, asked by dry run before its owner installs it.

What is not live is tried as a create, what is to be taken over as an apply to exactly that object. Nothing is changed,
and no right is needed beyond those of the real requests. A dry run sees the cluster as it is: what fails for want of
something that the same manifest makes was not tried, and is no refusal.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from tui.contract.model import Contract
from tui.faults import ApiFault, Fault, Unreachable
from tui.helm.manifest import HOOK, is_owned, resolve
from tui.helm.model import Document
from tui.objects import Inventory, Key, Live, Ref
from tui.ownership.atomic import DELETES, held_back, takes_back
from tui.ownership.bindings import role_ref
from tui.ownership.evidence import stamp_of, whole
from tui.ownership.model import (
    Assessment,
    Candidate,
    Decision,
    FamilyView,
    Finding,
    Forecast,
    Rule,
    Severity,
    Wish,
)
from tui.ownership.references import BINDINGS
from tui.ownership.refused import CODE, some
from tui.recovery import requests
from tui.recovery.gate import Refusal, admit_expected
from tui.recovery.masking import hushed
from tui.recovery.ports import Method, Request
from tui.recovery.refusals import judge_refusal
from tui.recovery.rehearse import CONCURRENT, defines
from tui.recovery.steps import Writer
from tui.text import clean

MAX_TRIED: Final = 300
"""Documents of one manifest that are tried: Flux's own chart has forty."""

READ_ONLY: Final = "--read-only builds no writer, not even for a dry run"

_NOT_KEPT: Final = "nothing of it is kept but names; state the file again"

INSTALL_HOOKS: Final = frozenset({"pre-install", "post-install"})
"""Hooks that an install makes; those of other events have no part in it (helm pkg/release/v1/hook.go)."""


class Said(NamedTuple):
    """What was said against one document of the manifest, or why it was not tried.

    ``refused``: the server refuses it for certain; else nobody can tell.
    """

    ref: Ref
    text: str
    refused: bool = False

    @property
    def line(self) -> str:
        """``Service prod/broken: ...``."""
        return clean(f"{self.ref.label}: {self.text}", 2000)


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of trying the manifest of a release: what the server refuses, what could not be told, and how many
    documents it would take. ``why_not`` says why nothing at all was tried."""

    release: str
    refused: tuple[Said, ...] = ()
    unsure: tuple[Said, ...] = ()
    taken: int = 0
    why_not: str = ""
    atomic: bool = False
    """Whether its install may be atomic: not so where its owner installs nothing."""


class _Attempt(NamedTuple):
    """One document as it is to be tried: as a create, or as an apply to what is ``live``."""

    document: Document
    live: Live | None


async def try_expected(contract: Contract, assessment: Assessment, wish: Wish, writer: Writer | None) -> Tried | None:
    """Tries the manifest of the expected release; None where none is at hand. Without a writer nothing is tried."""
    view = next((each for each in assessment.families if each.expected and each.expected == wish.expected), None)
    forecast = wish.forecast
    if view is None or view.expected is None or forecast is None:
        return None
    atomic = bool(held_back(contract, view) or takes_back(contract, view))
    if writer is None or not forecast.whole:
        return Tried(view.expected, why_not=READ_ONLY if writer is None else _NOT_KEPT, atomic=atomic)
    attempts, known = plan_attempts(view, forecast, assessment)
    beyond = [Said(each.document.ref, f"only {MAX_TRIED} documents are tried") for each in attempts[MAX_TRIED:]]
    answers = await _Trial(view, forecast, assessment, writer).all(attempts[:MAX_TRIED])
    every = (*known, *answers, *beyond)
    refused = tuple(each for each in every if each.refused)
    unsure = tuple(each for each in every if not each.refused)
    return Tried(view.expected, refused, unsure, len(attempts) - len(answers) - len(beyond), atomic=atomic)


def plan_attempts(view: FamilyView, forecast: Forecast, assessment: Assessment) -> tuple[list[_Attempt], list[Said]]:
    """The documents that a dry run can be asked about, in the manifest's order, and what is known without it of others.

    What is live and not to be taken over is in neither: what becomes of that is told of it elsewhere.
    """
    inventory = assessment.inventory
    known, unknown = resolve(filter(_is_installed, forecast.whole), inventory.namespaced, view.family.namespace)
    taken_over = {c.ref.key for c in assessment.candidates if _is_to_come(c, view)}
    attempts: list[_Attempt] = []
    answers = [Said(each.ref, _why_unknown(each, forecast, inventory)) for each in unknown]
    for key, document in known.items():
        live = inventory.get(key)
        if unserved := _unserved(document, forecast, inventory):
            answers.append(unserved)
        elif live is None and (first := _awaits(document, forecast, inventory)):
            answers.append(Said(document.ref, first))
        elif live is None or _takes_over(document, live, view, known_to=key in taken_over):
            attempts.append(_Attempt(document, live))
    return attempts, answers


def _is_installed(document: Document) -> bool:
    hook = document.annotations.get(HOOK)
    return hook is None or not INSTALL_HOOKS.isdisjoint(each.strip() for each in str(hook).split(","))


def _is_to_come(candidate: Candidate, view: FamilyView) -> bool:
    """Whether a candidate is adopted for the expected release, or would be if its install were not atomic."""
    adopted = candidate.decision is Decision.ADOPT and candidate.target == view.expected
    held = candidate.rules == (Rule.S3,) and view.atomic is not None
    return candidate.family == view.family.name and (adopted or held)


def _takes_over(document: Document, live: Live, view: FamilyView, *, known_to: bool) -> bool:
    """Whether the install takes an object over in place: one that comes to it, or bears its whole stamp already.

    A binding with another role is told of as that.
    """
    stamp = stamp_of(live)
    own = stamp is not None and stamp.release == view.expected and whole(stamp, view.family.namespace)
    if not is_owned(document) or live.controller is not None or not (own or known_to):
        return False
    return live.ref.kind_key not in BINDINGS or role_ref(live.body or {}) == role_ref(document.body)


def _why_unknown(document: Document, forecast: Forecast, inventory: Inventory) -> str:
    ref = document.ref
    if document.generate_name is not None:
        return "it could not be tried: the server is yet to name it"
    crd = next((each.ref for each in forecast.whole if defines(each, ref)), None)
    if crd is not None:
        return f"it could not be tried: {crd.label}, which the same manifest makes, has to be there first"
    if (gap := inventory.gap(ref.group, ref.kind)) is not None:
        return f"it could not be tried: {gap.text}"
    return f"it could not be tried: the cluster serves no {ref.api_version} {ref.kind}, unless the chart brings its CRD"


def _unserved(document: Document, forecast: Forecast, inventory: Inventory) -> Said | None:
    """What is to be said of a document whose kind the cluster serves in other versions alone; None of any other."""
    ref = document.ref
    if not inventory.versions or f"{ref.api_version}/{ref.kind}" in inventory.versions:
        return None
    if any(defines(each, ref) for each in forecast.whole):
        return Said(ref, _why_unknown(document, forecast, inventory))
    served = inventory.served[ref.kind_key].api_version
    return Said(ref, f"the cluster serves no {ref.api_version} {ref.kind}, only {served}", refused=True)


def _awaits(document: Document, forecast: Forecast, inventory: Inventory) -> str:
    """Why a document cannot be tried before another of the same manifest is there; empty where it can."""
    space = document.ref.namespace
    made = Key("", "Namespace", None, space or "")
    if made in inventory.objects or not inventory.readable("", "Namespace"):
        return ""
    if any(each.key == made for each in forecast.whole):
        return f"it could not be tried: Namespace {space}, which the same manifest makes, has to be there first"
    return ""


class _Trial:
    """Sends the dry runs of one manifest, a few at once; after the first that reaches nobody it sends no more."""

    def __init__(self, view: FamilyView, forecast: Forecast, assessment: Assessment, writer: Writer) -> None:
        self._view = view
        self._forecast = forecast
        self._inventory = assessment.inventory
        self._writer = writer
        self._limit = asyncio.Semaphore(CONCURRENT)
        self._lost = ""
        holders = [requests.holder_of(c.live).manager for c in assessment.candidates if c.family == view.family.name]
        self._manager = Counter(holders).most_common(1)[0][0] if holders else requests.DEFAULT_MANAGER

    async def all(self, attempts: Iterable[_Attempt]) -> list[Said]:
        """What was said against the documents; nothing of those that the server would take."""
        found = await asyncio.gather(*(self._one(attempt) for attempt in attempts))
        return [each for each in found if each is not None]

    async def _one(self, attempt: _Attempt) -> Said | None:
        ref = attempt.document.ref
        async with self._limit:
            if self._lost:
                return Said(ref, self._lost)
            try:
                await self._send(attempt)
            except Unreachable as fault:
                self._lost = f"it could not be tried: {fault}"
                return Said(ref, self._lost)
            except ApiFault as fault:
                return Said(ref, *judge_refusal(fault, ref, self._forecast, self._view.family.namespace))
            except Fault as fault:
                return Said(ref, f"it could not be tried: {hushed(fault, ref)}")
        return None

    async def _send(self, attempt: _Attempt) -> None:
        admitted = admit_expected(self._view, attempt.document, attempt.live, self._request(attempt))
        if isinstance(admitted, Refusal):
            raise Fault(admitted.why)
        await self._writer.send(admitted)

    def _request(self, attempt: _Attempt) -> Request:
        document, live = attempt
        body = requests.to_come(document, str(self._view.expected), self._view.family.namespace, live)
        if live is None:
            return Request(Method.CREATE, document.ref, body, self._manager, dry_run=True)
        return Request(Method.APPLY, document.ref, body, requests.holder_of(live).manager, dry_run=True, force=True)


def findings(tried: Tried | None) -> Iterator[Finding]:
    """The findings of a preflight."""
    if tried is None:
        return
    if tried.refused:
        then = f"mend {'it' if len(tried.refused) == 1 else 'them'} in the chart or its values before it is installed"
        yield Finding(
            CODE,
            Severity.BLOCK,
            _refusal(tried),
            tuple(each.ref for each in tried.refused),
            tuple(some(each.line for each in tried.refused)),
            f"{then}: {DELETES}" if tried.atomic else then,
        )
    doubts = [tried.why_not] if tried.why_not else [each.line for each in tried.unsure]
    if doubts:
        what = "the manifest" if tried.why_not else f"{_documents(len(doubts))} of the manifest"
        yield Finding(
            CODE,
            Severity.WARN,
            f"whether the server takes {what} of {tried.release} could not be tried",
            tuple(each.ref for each in tried.unsure),
            tuple(some(doubts)),
            "try again once that is otherwise, or look at them before the install: it may be refused over them",
        )


def told(tried: Tried | None) -> tuple[str, ...]:
    """What is to be said of it beside a plan, a line each."""
    return tuple(_told(tried)) if tried is not None else ()


def _told(tried: Tried) -> Iterator[str]:
    if tried.why_not:
        yield f"the manifest of {tried.release} was not tried: {tried.why_not}"
    if tried.refused:
        yield f"{_refusal(tried)}: mend that first, in the chart or its values"
        yield from some(each.line for each in tried.refused)
    yield from some(each.line for each in tried.unsure)


def _refusal(tried: Tried) -> str:
    count = len(tried.refused)
    return f"the server would refuse {_documents(count)} of the manifest of {tried.release}"


def _documents(count: int) -> str:
    return "1 document" if count == 1 else f"{count} documents"
