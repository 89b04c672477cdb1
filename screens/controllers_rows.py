"""The controllers of the health list's namespaces as rows: Deployments with their pods, and Flux's objects. Pure."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any, Final

from screens.view import View, age
from tui.contract.model import Contract, glob
from tui.objects import Inventory, Key, Live
from tui.ownership.conditions import CheckStatus, mapping, moment, sequence, words
from tui.ownership.liveness import flux_state, lease_state
from tui.recovery.workload import Offspring, deployment_state, pod_state
from tui.widgets.spans import Line, Row, Span, bad, good, line, muted, plural, strong, warn

RECENT: Final = timedelta(minutes=10)
"""How far back a restart counts against a pod."""

MARKS: Final = {CheckStatus.OK: good("✓ "), CheckStatus.FAILED: bad("✗ "), CheckStatus.UNKNOWN: warn("? ")}

FLUX_KINDS: Final = (
    ("source.toolkit.fluxcd.io", "GitRepository"),
    ("kustomize.toolkit.fluxcd.io", "Kustomization"),
    ("helm.toolkit.fluxcd.io", "HelmRelease"),
)

HEADINGS: Final = ("controller", "ready", "restarts", "age", "what")


def namespaces(contract: Contract) -> tuple[str, ...]:
    """The namespaces of the health list, in its order."""
    return tuple(dict.fromkeys(entry.namespace for entry in contract.health))


def wanted(contract: Contract, namespace: str, found: Iterable[str], *, exists: bool) -> tuple[str, ...]:
    """The Deployments that the health list names here, a glob as those it finds.

    What is named and not there is kept, to be shown as missing; not so where the namespace is optional and absent.
    """
    known = sorted(found)
    names: dict[str, None] = {}
    for entry in contract.health:
        if entry.namespace != namespace or (entry.optional and not exists):
            continue
        for pattern in entry.deployments:
            names |= dict.fromkeys([name for name in known if glob(pattern, name)] or [pattern])
    return tuple(names)


def controller_rows(view: View, now: datetime, filter_text: str = "") -> list[Row]:
    """Every namespace of the health list with its Deployments and pods, then Flux's objects there.

    ``filter_text`` keeps the rows whose name or words contain it; headings stay.
    """
    inventory = view.controllers
    if inventory is None:
        return []
    offspring = Offspring.of(inventory)
    rows: list[Row] = []
    for namespace in namespaces(view.contract):
        rows += [_heading(namespace, inventory)]
        rows += _kept(_deployments(view.contract, inventory, offspring, namespace, now), filter_text)
    for group, kind in FLUX_KINDS:
        spaces = set(namespaces(view.contract))
        found = sorted(
            (live for live in inventory.of_kind(group, kind) if live.ref.namespace in spaces),
            key=lambda live: (live.ref.namespace or "", live.ref.name),
        )
        if found or inventory.gap(group, kind):
            rows.append(_kind_heading(inventory, group, kind))
            rows += _kept((_flux_row(live, now) for live in found), filter_text)
    return rows


def _kept(rows: Iterable[Row], text: str) -> Iterator[Row]:
    wanted_text = text.casefold()
    for row in rows:
        said = " ".join(span.text for cell in row.cells for span in cell)
        if not wanted_text or wanted_text in said.casefold():
            yield row


def _heading(namespace: str, inventory: Inventory) -> Row:
    gone = inventory.get(Key("", "Namespace", None, namespace)) is None
    if gone and inventory.readable("", "Namespace"):
        return Row.note(strong(namespace), muted("  the namespace does not exist"))
    gaps = [gap for kind in (("apps", "Deployment"), ("", "Pod")) if (gap := inventory.gap(*kind, namespace))]
    return Row.note(strong(namespace), *(warn(f"  ? {gap.text}") for gap in gaps))


def _kind_heading(inventory: Inventory, group: str, kind: str) -> Row:
    gap = inventory.gap(group, kind)
    return Row.note(strong(kind), *([warn(f"  ? {gap.text}")] if gap else ()))


def _deployments(
    contract: Contract, inventory: Inventory, offspring: Offspring, namespace: str, now: datetime
) -> Iterator[Row]:
    found = {live.ref.name: live for live in inventory.of_kind("apps", "Deployment") if live.ref.namespace == namespace}
    exists = inventory.get(Key("", "Namespace", None, namespace)) is not None
    named = wanted(contract, namespace, found, exists=exists)
    for name in (*named, *sorted(found.keys() - set(named))):
        live = found.get(name)
        if live is None:
            key = Key("apps", "Deployment", namespace, name)
            unknown = not inventory.readable("apps", "Deployment", namespace)
            mark, what = (warn("? "), "could not be read") if unknown else (bad("◌ "), "missing: it is not there")
            yield Row(key, (line(mark, name), (), (), (), line(what)))
            continue
        yield _deployment_row(live, now)
        for pod in offspring.current_pods(live):
            yield _pod_row(pod, now)


def _deployment_row(live: Live, now: datetime) -> Row:
    state = deployment_state(live)
    what: list[str | Span] = [state.reason]
    if mapping(mapping(live.body).get("spec")).get("paused") is True:
        what.insert(0, warn("PAUSED "))
    ready = line(f"{state.ready}/{state.desired}")
    return Row(live.key, (line(MARKS[state.status], live.ref.name), ready, (), _age(live, now), line(*what)))


def _pod_row(pod: Live, now: datetime) -> Row:
    state = pod_state(pod, now, now - RECENT)
    name = line(muted("  └ "), MARKS[state.status], state.name)
    ready = line(f"{state.ready}/{state.containers}")
    restarts = line(warn(str(state.restarts)) if state.restarts else "0")
    return Row(pod.key, (name, ready, restarts, _age(pod, now), line(state.reason or state.phase)))


def _flux_row(live: Live, now: datetime) -> Row:
    state = flux_state(live)
    ready = {True: "Ready", False: "not Ready", None: "no status"}[state.ready]
    what: list[str | Span] = []
    if state.suspended:
        what.append(warn("‖ SUSPENDED  "))
    if state.asked:
        what.append(muted("reconcile asked  "))
    if state.revision:
        what.append(f"{state.revision}  ")
    what.append(state.reason)
    since = line(age(state.since, now)) if state.since else ()
    return Row(live.key, (line(MARKS[state.status], live.ref.path), line(ready), (), since, line(*what)))


def _age(live: Live, now: datetime) -> Line:
    made = moment(live.created)
    return line(age(made, now)) if made else ()


def state_lines(view: View, key: Key, now: datetime) -> tuple[Line, ...]:
    """One controller told whole: state, containers, lease, conditions."""
    inventory = view.controllers
    live = inventory.get(key) if inventory else None
    if inventory is None or live is None:
        return (line(strong(f"{key.kind} {key.name}")), line(bad("◌ "), "is not there"))
    lines: list[Line] = [line(strong(live.ref.label))]
    if key.kind == "Deployment":
        lines += _deployment_lines(live, inventory, now)
    elif key.kind == "Pod":
        lines += _pod_lines(live, now)
    else:
        lines += _flux_lines(live, now)
    lines += _condition_lines(live, now)
    return tuple(lines)


def _deployment_lines(live: Live, inventory: Inventory, now: datetime) -> Iterator[Line]:
    state = deployment_state(live)
    observed = mapping(mapping(live.body).get("status")).get("observedGeneration")
    yield line(MARKS[state.status], state.reason)
    counts = f"{state.ready} ready, {state.updated} updated, {state.available} available of {state.desired}"
    yield line(muted("replicas    "), counts)
    yield line(muted("generation  "), f"{live.generation}, seen by the controller: {observed or 'never'}")
    template = mapping(mapping(mapping(mapping(live.body).get("spec")).get("template")).get("spec"))
    for container in sequence(template.get("containers")):
        yield line(muted("image       "), f"{words(mapping(container).get('image'), 500)}")
    lease = inventory.get(Key("coordination.k8s.io", "Lease", live.ref.namespace, f"{live.ref.name}-leader-election"))
    if lease is not None:
        told = lease_state(lease, now)
        yield line(muted("lease       "), MARKS[told.status], told.reason)


def _pod_lines(live: Live, now: datetime) -> Iterator[Line]:
    state = pod_state(live, now, now - RECENT)
    yield line(MARKS[state.status], state.reason or state.phase)
    status = mapping(mapping(live.body).get("status"))
    yield line(muted("phase  "), state.phase, muted("  node  "), words(_spec(live).get("nodeName")) or "none yet")
    for name in ("initContainerStatuses", "containerStatuses"):
        for one in map(mapping, sequence(status.get(name))):
            yield from _container_lines(one)


def _container_lines(one: Any) -> Iterator[Line]:
    restarts = one.get("restartCount") or 0
    ready = good("ready") if one.get("ready") is True else warn("not ready")
    yield ()
    yield line(muted("container  "), strong(words(one.get("name"))), "  ", ready, f"  {plural(restarts, 'restart')}")
    yield line("  ", words(one.get("image"), 500))
    for title, states in (("now", mapping(one.get("state"))), ("before", mapping(one.get("lastState")))):
        for state, detail in states.items():
            told = mapping(detail)
            reason = ": ".join(part for part in (words(told.get("reason")), words(told.get("message"))) if part)
            code = f" exit code {told['exitCode']}" if "exitCode" in told else ""
            yield line(muted(f"  {title:7}"), f"{state}{code}  {reason}")


def _flux_lines(live: Live, now: datetime) -> Iterator[Line]:
    state = flux_state(live)
    if state.suspended:
        yield line(warn("‖ SUSPENDED: nothing is reconciled until it is resumed"))
    yield line(MARKS[state.status], state.reason)
    yield line(muted("revision  "), state.revision or "none")
    if state.since:
        yield line(muted("since     "), f"{age(state.since, now)} ago")
    source = mapping(_spec(live).get("sourceRef") or mapping(_spec(live).get("chart")).get("spec"))
    url = words(_spec(live).get("url"), 500)
    if url:
        yield line(muted("url       "), _without_user(url))
    if source.get("name"):
        yield line(muted("source    "), f"{words(source.get('kind'))} {words(source.get('name'))}")


def _without_user(url: str) -> str:
    """A URL without what stands before the @: it may be a token."""
    scheme, separator, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}{separator}{host.rpartition('@')[2]}{slash}{path}" if separator else url


def _condition_lines(live: Live, now: datetime) -> Iterator[Line]:
    conditions = [mapping(one) for one in sequence(mapping(mapping(live.body).get("status")).get("conditions"))]
    if conditions:
        yield ()
        yield line(muted("conditions"))
    for one in conditions:
        since = moment(one.get("lastTransitionTime"))
        told = ": ".join(part for part in (words(one.get("reason")), words(one.get("message"), 600)) if part)
        yield line(
            "  ", strong(words(one.get("type"))), f" {words(one.get('status'))}  {told}", muted(_since(since, now))
        )


def _since(since: datetime | None, now: datetime) -> str:
    return f"  for {age(since, now)}" if since else ""


def _spec(live: Live) -> Any:
    return mapping(mapping(live.body).get("spec"))


def log_target(view: View, key: Key) -> tuple[Key, tuple[str, ...]] | None:
    """The pod whose log answers for this row, with its containers: the pod itself, or the Deployment's worst one."""
    inventory = view.controllers
    live = inventory.get(key) if inventory else None
    if inventory is None or live is None:
        return None
    if key.kind == "Deployment":
        pods = Offspring.of(inventory).current_pods(live)
        live = min(pods, key=_readiness, default=None)
    if live is None or live.key.kind != "Pod":
        return None
    containers = tuple(words(mapping(one).get("name")) for one in sequence(_spec(live).get("containers")))
    return live.key, containers


def _readiness(pod: Live) -> bool:
    statuses = sequence(mapping(mapping(pod.body).get("status")).get("containerStatuses"))
    return all(mapping(one).get("ready") is True for one in statuses)
