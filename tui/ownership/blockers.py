"""Findings about what stands in the way: dead webhooks, dying namespaces, lost APIs, owners that sleep. Pure."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from tui.contract.model import Contract
from tui.contract.select import Claims
from tui.objects import Inventory, Key, KindKey, Live, Ref
from tui.ownership.acts.advice import Advice
from tui.ownership.fields import setters
from tui.ownership.marks import Marks
from tui.ownership.model import FamilyView, Finding, Listed, Severity
from tui.ownership.references import API_SERVICE, WEBHOOKS, dig, items, mapping
from tui.ownership.usage import selects
from tui.text import clean_lines

BUILT_IN_SUFFIX: Final = ".k8s.io"
MAX_MESSAGE: Final = 4096
"""Characters that are kept of an owner's error, and searched for the object it stumbles on."""

_NAMED: Final = re.compile(
    r"(?<![\w./-])(?P<kind>[A-Z][A-Za-z0-9]{0,80})"
    r"(?:/(?:(?P<ns>[a-z0-9.-]{1,253})/)?(?P<name>[a-z0-9](?:[a-z0-9.:-]{0,251}[a-z0-9])?)(?![\w/])"
    r'|(?:\.[a-z0-9.-]{1,253})? "(?P<quoted>[^"\s]{1,253})"(?: in namespace "(?P<space>[^"\s]{1,63})")?)'
)

FLUX_APPLIERS: Final = frozenset({"Kustomization", "HelmRelease"})
STACK: Final = KindKey("pulumi.com", "Stack")
DEPLOYMENT: Final = KindKey("apps", "Deployment")


def blockers(
    contract: Contract,
    inventory: Inventory,
    families: tuple[FamilyView, ...],
    in_force: Iterable[Listed],
    advice: Advice,
) -> Iterator[Finding]:
    """Everything that stops an owner's next deployment or hides that nothing happens.

    ``in_force`` are the manifests of every release in force, those of the families too.
    """
    scope = _Scope(contract, families)
    yield from _webhooks(inventory, scope)
    yield from _namespaces(inventory, scope)
    yield from _api_services(inventory, scope)
    ours = {view.active.storage for view in families if view.active is not None}
    for listed in in_force:
        yield from _unserved(inventory, listed, scope.severity(touches=listed.record.storage in ours))
    yield from _stuck(inventory)
    yield from _asleep(inventory, scope)
    yield from _failing(contract, inventory, advice)


class _Scope:
    """What a blocker must touch to block: the families' manifests, their namespaces and the health list."""

    def __init__(self, contract: Contract, families: tuple[FamilyView, ...]) -> None:
        documents = [key for view in families for listed in view.listed[:1] for key in listed.documents]
        self.kinds = {KindKey(key.group, key.kind) for key in documents}
        if any(check.deployments for check in contract.health):
            self.kinds.add(KindKey("apps", "Deployment"))
        self.groups = {key.group for key in documents}
        self.keys = set(documents)
        self.namespaces = {view.family.namespace for view in families} | {check.namespace for check in contract.health}
        self.namespaces |= {key.namespace for key in documents if key.namespace}
        self.health = {(check.namespace, name) for check in contract.health for name in check.deployments}

    def severity(self, *, touches: bool) -> Severity:
        return Severity.BLOCK if touches else Severity.WARN


def _webhooks(inventory: Inventory, scope: _Scope) -> Iterator[Finding]:
    for kind in WEBHOOKS:
        for live in inventory.of_kind(kind.group, kind.kind):
            for hook in items((live.body or {}).get("webhooks")):
                why = _dead(inventory, hook)
                if why and hook.get("failurePolicy") != "Ignore":
                    touches = _hook_touches(inventory, hook, scope)
                    yield Finding(
                        "webhook-dead",
                        scope.severity(touches=touches),
                        f"webhook {hook.get('name')} of {live.ref.label} refuses everything: {why}",
                        (live.ref,),
                        (f"failurePolicy Fail; {why}", f"kubectl get {live.ref.kubectl} -o yaml"),
                        "bring its service back, or let its owner remove the webhook configuration",
                    )


def _dead(inventory: Inventory, hook: Mapping[str, Any]) -> str:
    """Why nothing can answer the webhook; empty where something may, or where that could not be read."""
    service = mapping(dig(hook, ("clientConfig", "service")))
    namespace, name = str(service.get("namespace") or ""), str(service.get("name") or "")
    if not name or inventory.gap("", "Service", namespace):
        return ""
    found = inventory.get(Key("", "Service", namespace, name))
    if found is None:
        return f"its Service {namespace}/{name} does not exist"
    selector = mapping(dig(found.body, ("spec", "selector")))
    if not selector or inventory.gap("", "Pod", namespace) or found.body is None:
        return ""
    pods = [
        pod
        for pod in inventory.of_kind("", "Pod")
        if pod.ref.namespace == namespace and selects({"matchLabels": selector}, pod.labels)
    ]
    if any(pod.body is None or _ready(pod) for pod in pods):
        return ""
    return f"its Service {namespace}/{name} has no ready pod"


def _ready(live: Live) -> bool:
    conditions = items(dig(live.body, ("status", "conditions")))
    return any(c.get("type") == "Ready" and c.get("status") == "True" for c in conditions) and not live.deleting


def _hook_touches(inventory: Inventory, hook: Mapping[str, Any], scope: _Scope) -> bool:
    """Whether the webhook is asked about any kind that the families' manifests hold."""
    plurals = {(s.group, s.plural) for kind, s in inventory.served.items() if kind in scope.kinds}
    for rule in items(hook.get("rules")):
        groups, resources = _words(rule.get("apiGroups")), _words(rule.get("resources"))
        for group, plural in plurals:
            if {"*", group} & groups and {"*", "*/*", plural} & resources:
                return True
    return False


def _words(value: Any) -> set[str]:
    return {word for word in value if isinstance(word, str)} if isinstance(value, list) else set()


def _namespaces(inventory: Inventory, scope: _Scope) -> Iterator[Finding]:
    for live in inventory.of_kind("", "Namespace"):
        if live.deleting:
            conditions = items(dig(live.body, ("status", "conditions")))
            why = tuple(f"{c.get('type')}: {c.get('message')}" for c in conditions if c.get("status") == "True")
            yield Finding(
                "namespace-terminating",
                scope.severity(touches=live.ref.name in scope.namespaces),
                f"namespace {live.ref.name} is being deleted since {live.deleting}",
                (live.ref,),
                why or (f"kubectl get ns {live.ref.name} -o yaml",),
                "nothing can be created in it: find what holds it up (its conditions say) before anything else",
            )


def _api_services(inventory: Inventory, scope: _Scope) -> Iterator[Finding]:
    for live in inventory.of_kind(*API_SERVICE):
        for condition in items(dig(live.body, ("status", "conditions"))):
            if condition.get("type") == "Available" and condition.get("status") == "False":
                group = str(dig(live.body, ("spec", "group")) or "")
                yield Finding(
                    "apiservice-down",
                    scope.severity(touches=group in scope.groups),
                    f"API {live.ref.name} is not available: {condition.get('reason')}",
                    (live.ref,),
                    (str(condition.get("message")),),
                    "what it serves cannot be read, and namespaces hang in deletion: bring its service back",
                )


def _unserved(inventory: Inventory, listed: Listed, severity: Severity) -> Iterator[Finding]:
    """What one manifest lists that the cluster could not be given again."""
    name = f"{listed.record.name} revision {listed.record.revision}"
    for document in listed.documents.values():
        if inventory.versions and f"{document.ref.api_version}/{document.ref.kind}" not in inventory.versions:
            summary = f"{name} lists {document.ref.label} as {document.ref.api_version}, no longer served"
            then = "it cannot be replayed as stored: the owner must upgrade the chart"
            yield _gone("api-unserved", severity, summary, document.ref, then)
    for document in listed.unresolved:
        if document.generate_name is None and not inventory.gap(document.ref.group, document.ref.kind):
            summary = f"{name} lists {document.ref.label}, and the cluster does not serve {document.ref.kind}"
            if "." not in document.ref.group or document.ref.group.endswith(BUILT_IN_SUFFIX):
                yield _gone("api-unserved", severity, summary, document.ref, "the owner must upgrade the chart")
            else:
                yield _gone("crd-missing", severity, summary, document.ref, "restore the CRD first")


def _gone(code: str, severity: Severity, summary: str, ref: Ref, then: str) -> Finding:
    return Finding(code, severity, summary, (ref,), (f"kubectl api-resources --api-group={ref.group}",), then)


def _stuck(inventory: Inventory) -> Iterator[Finding]:
    for live in inventory.objects.values():
        if live.deleting and live.finalizers and live.ref.kind != "Namespace":
            yield Finding(
                "finalizer-stuck",
                Severity.WARN,
                f"{live.ref.label} is being deleted since {live.deleting} and held by a finalizer",
                (live.ref,),
                tuple(f"finalizer {name}" for name in live.finalizers),
                "its controller must remove the finalizer: see that it runs",
            )


def _asleep(inventory: Inventory, scope: _Scope) -> Iterator[Finding]:
    for key, live in inventory.objects.items():
        # Most objects are of other kinds, and there are many objects.
        flux, deployment = key.group.endswith("toolkit.fluxcd.io"), key[:2] == DEPLOYMENT
        if not flux and not deployment:
            continue
        spec = mapping((live.body or {}).get("spec"))
        if flux and spec.get("suspend") is True:
            yield Finding(
                "suspended",
                Severity.WARN,
                f"{live.ref.label} is SUSPENDED: nothing it owns is reconciled",
                (live.ref,),
                ("spec.suspend: true", *_who_set(live, "suspend")),
                f"flux resume {live.ref.kind.lower()} {live.ref.name} -n {live.ref.namespace}",
            )
        if deployment:
            mine = key in scope.keys or (live.ref.namespace, live.ref.name) in scope.health
            if mine and spec.get("replicas") == 0:
                yield Finding(
                    "scaled-to-zero",
                    Severity.WARN,
                    f"{live.ref.label} is scaled to zero",
                    (live.ref,),
                    ("spec.replicas: 0", *_who_set(live, "replicas")),
                    f"kubectl scale deployment {live.ref.name} -n {live.ref.namespace} --replicas=1",
                )
            if mine and spec.get("paused") is True:
                yield Finding(
                    "paused",
                    Severity.WARN,
                    f"{live.ref.label} is paused: no rollout happens",
                    (live.ref,),
                    ("spec.paused: true",),
                    f"kubectl rollout resume deployment {live.ref.name} -n {live.ref.namespace}",
                )


def _who_set(live: Live, field: str) -> tuple[str, ...]:
    """Who holds a field of the spec and since when, and how to see it."""
    found = setters(live, "spec", field)
    said = tuple(f"set by field manager {m.name} ({m.operation}{f' at {m.time}' if m.time else ''})" for m in found)
    return (*said, f"kubectl get {live.ref.kubectl} --show-managed-fields -o yaml") if said else ()


def _failing(contract: Contract, inventory: Inventory, advice: Advice) -> Iterator[Finding]:
    claims, marks = Claims(contract), Marks(contract)
    named: dict[tuple[str, str], list[Live]] = {}
    for key, live in inventory.objects.items():
        if key[:2] != STACK and not (key.kind in FLUX_APPLIERS and key.group.endswith("toolkit.fluxcd.io")):
            continue
        for condition in items(dig(live.body, ("status", "conditions"))):
            failed = condition.get("status") == "False" and condition.get("reason") not in (
                "Progressing",
                "ProgressingWithRetry",
                "DependencyNotReady",
            )
            if condition.get("type") == "Ready" and failed:
                message = clean_lines(str(condition.get("message") or "").strip(), MAX_MESSAGE)
                if not named:
                    for each in inventory.objects.values():
                        named.setdefault((each.ref.kind, each.ref.name), []).append(each)
                stumbles = _stumbles_on(named, message)
                then = "mend what its message names; it retries by itself"
                for other in stumbles:
                    claim = claims.of(other.ref, other.labels, other.annotations, other.body)
                    applier = marks.of_inventory(live.ref.kind)
                    if claim is not None and applier is not None and claim.owner != applier:
                        then = f"{other.ref.label} is {claim.owner}'s by the contract: take it out of {live.ref.label}"
                        then = f"{then}, and before that {advice.before_leaving([other.key], live.ref.label)}"
                yield Finding(
                    "apply-failing",
                    Severity.WARN,
                    f"{live.ref.label} cannot apply: {condition.get('reason')}",
                    (live.ref, *(other.ref for other in stumbles)),
                    (message,),
                    then,
                )


def _stumbles_on(named: Mapping[tuple[str, str], list[Live]], message: str) -> tuple[Live, ...]:
    """The first live object that an owner's error names; ``named`` holds the live ones by kind and name.

    kustomize-controller writes ``Kind/name`` or ``Kind/namespace/name``, Helm ``Kind "name" in namespace "ns"``, an API
    server ``Kind.group "name"``.
    """
    for match in _NAMED.finditer(message[:MAX_MESSAGE]):
        name, space = match["name"] or match["quoted"], match["ns"] or match["space"]
        for live in named.get((match["kind"], name), ()):
            if not space or live.ref.namespace == space:
                return (live,)
    return ()
