"""One resource as it is put to the operator: what it is, what would happen, and what a dry run answered. Pure."""

from dataclasses import dataclass, field, replace
from shlex import quote

from tui.objects import Json
from tui.ownership.evidence import RELEASE_NAME
from tui.ownership.liveness import REQUESTED_AT
from tui.recovery import undo
from tui.recovery.gate import Look, Refusal, fingerprint
from tui.recovery.masking import difference, masked, to_yaml
from tui.recovery.mend_drift import Conflict
from tui.recovery.plan import Action, Entry
from tui.text import clean


@dataclass(frozen=True, slots=True)
class Trial:
    """What a dry run answered; ``result`` is the object as it would be, where there would be one.

    ``conflicts`` are the fields that others hold; where they may be taken, ``typed`` is what must be typed for it.
    ``awaits`` says what has to be done before it can be tried at all: it was not tried then, and nothing speaks
    against it.
    """

    ok: bool
    text: str
    result: Json | None = field(default=None, repr=False)
    typed: str = ""
    conflicts: frozenset[Conflict] = frozenset()
    awaits: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """One resource, as it is put to the operator. ``seen`` is the fingerprint that a yes confirms.

    ``diff`` is a unified diff of live against result, ``kubectl`` the line for someone who would rather do it by hand.
    Where it is not ``allowed``, ``refusal`` says why. ``typed`` is the text that a yes takes, empty where yes is
    enough; ``conflicts`` are the fields that typing it takes from others.
    """

    entry: Entry
    allowed: bool
    refusal: str
    live_yaml: str = field(repr=False)
    diff: tuple[str, ...] = field(repr=False)
    dry_run: str
    evidence: tuple[str, ...]
    kubectl: str
    seen: str | None = None
    typed: str = ""
    conflicts: frozenset[Conflict] = frozenset()
    busy: bool = False
    """It is refused because an owner is at work: it may be asked again once that has ended."""


def refused(entry: Entry, look: Look, refusal: Refusal) -> Question:
    """The question about an entry that the gate does not admit: it shows everything and cannot be answered yes."""
    shown = _question(entry, look, refusal.why, "not tried: the gate refuses it", ())
    return replace(shown, busy=refusal.busy)


def asked(entry: Entry, look: Look, trial: Trial) -> Question:
    """The question about an entry that the gate admits, after its dry run."""
    deletes = entry.action is Action.DELETE
    diff = difference(look.body, trial.result) if trial.result is not None or deletes else ()
    asked = _question(entry, look, "" if trial.ok else trial.text, trial.text, diff)
    return replace(asked, typed=trial.typed or entry.typed, conflicts=trial.conflicts if trial.ok else frozenset())


def _question(entry: Entry, look: Look, refusal: str, dry_run: str, diff: tuple[str, ...]) -> Question:
    attribution = look.assessment.attributions.get(entry.ref.key)
    body = look.body if look.body is not None else (entry.document.body if entry.document else entry.saved or {})
    return Question(
        entry=entry,
        allowed=not refusal,
        refusal=clean(refusal),
        live_yaml=to_yaml(masked(body)),
        diff=diff,
        dry_run=clean(dry_run),
        evidence=tuple(clean(f"{e.owner}: {e.text}") for e in attribution.evidence) if attribution else (),
        kubectl=clean(undo.by_hand(entry) or by_hand(entry, look.body)),
        seen=fingerprint(look.body) if look.body is not None else None,
        typed=entry.typed,
    )


def by_hand(entry: Entry, body: Json | None) -> str:
    """The kubectl line for the same change, with its preconditions as far as kubectl can say them."""
    label, target = entry.ref.label, entry.ref.kubectl
    version = quote(str(((body or {}).get("metadata") or {}).get("resourceVersion") or ""))
    match entry.action:
        case Action.CREATE if entry.chart or entry.document is None:
            return f"kubectl create -f FILE  # {label} as it is stored, without any stamp"
        case Action.CREATE:
            return f"kubectl create -f FILE  # the stored document of {label} with the stamps of {entry.release}"
        case Action.ADOPT:
            stamp = f"{RELEASE_NAME}={quote(entry.release)}"
            return f"kubectl annotate {target} --overwrite --resource-version={version} {stamp}"
        case Action.REPAIR:
            return f"kubectl diff -f FILE  # the stored document of {label}; then let its owner upgrade the release"
        case Action.RECONCILE:
            asks = f'{REQUESTED_AT}="$(date +%s)"'
            return f"kubectl annotate {target} --overwrite --resource-version={version} {asks}"
        case Action.RESUME:
            patch = f'{{"metadata":{{"resourceVersion":"{version}"}},"spec":{{"suspend":false}}}}'
            return f"kubectl patch {target} --type=merge -p {quote(patch)}"
        case Action.UNFINALIZE:
            return f"kubectl edit {target}  # at resourceVersion {version}, take out the finalizer {entry.finalizer}"
    seen = "-o jsonpath='{.metadata.uid} {.metadata.resourceVersion}'"
    return f"kubectl get {target} {seen}  # must print {entry.ref.uid} {version}, then: kubectl delete {target}"
