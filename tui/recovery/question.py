"""One resource as it is put to the operator: what it is, what would happen, and what a dry run answered. Pure."""

from dataclasses import dataclass, field
from shlex import quote

from tui.objects import Json
from tui.ownership.evidence import RELEASE_NAME
from tui.recovery.gate import Look, fingerprint
from tui.recovery.masking import difference, masked, to_yaml
from tui.recovery.plan import Action, Entry
from tui.text import clean


@dataclass(frozen=True, slots=True)
class Trial:
    """What a dry run answered; ``result`` is the object as it would be, where there would be one."""

    ok: bool
    text: str
    result: Json | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Question:
    """One resource, as it is put to the operator. ``seen`` is the fingerprint that a yes confirms.

    ``diff`` is a unified diff of live against result, ``kubectl`` the line for someone who would rather do it by hand.
    Where it is not ``allowed``, ``refusal`` says why.
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


def refused(entry: Entry, look: Look, why: str) -> Question:
    """The question about an entry that the gate does not admit: it shows everything and cannot be answered yes."""
    return _question(entry, look, why, "not tried: the gate refuses it", ())


def asked(entry: Entry, look: Look, trial: Trial) -> Question:
    """The question about an entry that the gate admits, after its dry run."""
    deletes = entry.action is Action.DELETE
    diff = difference(look.body, trial.result) if trial.result is not None or deletes else ()
    return _question(entry, look, "" if trial.ok else trial.text, trial.text, diff)


def _question(entry: Entry, look: Look, refusal: str, dry_run: str, diff: tuple[str, ...]) -> Question:
    attribution = look.assessment.attributions.get(entry.ref.key)
    body = look.body if look.body is not None else (entry.document.body if entry.document else {})
    return Question(
        entry=entry,
        allowed=not refusal,
        refusal=clean(refusal),
        live_yaml=to_yaml(masked(body)),
        diff=diff,
        dry_run=clean(dry_run),
        evidence=tuple(clean(f"{e.owner}: {e.text}") for e in attribution.evidence) if attribution else (),
        kubectl=clean(by_hand(entry, look.body)),
        seen=fingerprint(look.body) if look.body is not None else None,
    )


def by_hand(entry: Entry, body: Json | None) -> str:
    """The kubectl line for the same change, with its preconditions as far as kubectl can say them."""
    if entry.action is Action.CREATE:
        return f"kubectl create -f FILE  # the stored document of {entry.ref.label} with the stamps of {entry.release}"
    version = quote(str(((body or {}).get("metadata") or {}).get("resourceVersion") or ""))
    target = entry.ref.kubectl
    if entry.action is Action.ADOPT:
        stamp = f"{RELEASE_NAME}={quote(entry.release)}"
        return f"kubectl annotate {target} --overwrite --resource-version={version} {stamp}"
    seen = "-o jsonpath='{.metadata.uid} {.metadata.resourceVersion}'"
    return f"kubectl get {target} {seen}  # must print {entry.ref.uid} {version}, then: kubectl delete {target}"
