"""What each command does, behind the parser. Every function returns an exit code and prints its document."""

import argparse
import asyncio
import sys
from collections.abc import Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from tui import show
from tui.contract.model import Contract, glob
from tui.faults import ApiFault, Exit, Fault, Unverified, UsageFault
from tui.objects import Inventory, Json
from tui.opening import ClusterLink, now, open_context
from tui.options import Options, chosen_context, options_of
from tui.ownership.assess import with_findings
from tui.ownership.dossier import Lookups, dossier
from tui.ownership.findings import is_noise
from tui.ownership.model import Assessment, Attribution, FamilyState, State, Verdict, Wish
from tui.ownership.past import past_listings
from tui.ownership.releases import read_releases
from tui.recovery import access, expected, pages, planner, report, unread
from tui.recovery.assessing import assess_searched
from tui.recovery.health import Health, HealthVerdict, check_health, health_json
from tui.text import clean_lines

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

VERDICT_EXIT = {
    Verdict.PASS: Exit.CLEAN,
    Verdict.WARN: Exit.CLEAN,
    Verdict.BLOCK: Exit.BLOCKED,
    Verdict.UNVERIFIED: Exit.UNVERIFIED,
}
HEALTH_EXIT = {
    HealthVerdict.HEALTHY: Exit.CLEAN,
    HealthVerdict.UNHEALTHY: Exit.BLOCKED,
    HealthVerdict.UNVERIFIED: Exit.UNVERIFIED,
}
HEALTH_POLL = 2.0
"""Seconds between two looks of ``health --wait``."""


@asynccontextmanager
async def opened(contract: Contract, options: Options) -> "AsyncIterator[ClusterLink]":
    """The link to the chosen context, closed at the end. Raises UsageFault, Unverified, ApiFault."""
    link = await open_context(contract, options)
    try:
        yield link
    finally:
        await link.close()


async def preflight(arguments: argparse.Namespace, contract: Contract) -> Exit:
    """``refloat preflight``."""
    options = options_of(arguments, contract)
    context = chosen_context(options)
    try:
        async with opened(contract, options) as link:
            assessment = await read_and_judged(link, contract, options.wish)
            tried = await expected.try_expected(contract, assessment, options.wish, link.tries)
            rights = await access.ask(link.reader, contract, planner.steps(contract, assessment), assessment.inventory)
    except (Unverified, ApiFault) as fault:
        return _unread(arguments, fault, unread.unread_preflight(context, contract, str(fault)))
    assessment = with_findings(contract, assessment, expected.findings(tried), now().date())
    if arguments.output == "json":
        show.print_json(report.preflight_json(assessment, context, contract))
    elif arguments.output == "markdown":
        show.print_lines(report.preflight_markdown(assessment, context, contract))
    else:
        show.show_preflight(assessment, context, contract)
    if rights.told:
        _tell_rights(rights.told, arguments.output)
    return VERDICT_EXIT[assessment.verdict]


def _tell_rights(told: Sequence[str], output: str) -> None:
    """Which rights the plans need and this user lacks; beside a JSON document, which tells of the cluster alone."""
    if output == "json":
        print(clean_lines("\n".join(told)), file=sys.stderr)
    else:
        heads = ("", "## Rights that are lacking", "") if output == "markdown" else ()
        show.print_lines("\n".join([*heads, *told]))


async def _inventory(contract: Contract, options: Options) -> Inventory:
    async with opened(contract, options) as link:
        return await link.reader.inventory()


async def _assessment(contract: Contract, options: Options) -> Assessment:
    async with opened(contract, options) as link:
        return await read_and_judged(link, contract)


def _unread(arguments: argparse.Namespace, fault: Fault, document: Json) -> Exit:
    """The document of a cluster that could not be read; as text, the fault itself is all there is to say."""
    if arguments.output == "text":
        raise fault
    if arguments.output == "json":
        show.print_json(document)
    else:
        show.print_lines(pages.unread_markdown(arguments.command.capitalize(), str(fault)))
    return Exit.UNVERIFIED


async def read_and_judged(link: ClusterLink, contract: Contract, wish: Wish | None = None) -> Assessment:
    """The assessment of a whole fresh reading. Raises Unreachable, ApiFault."""
    return await judged(link, contract, await link.reader.inventory(), wish)


async def judged(link: ClusterLink, contract: Contract, inventory: Inventory, wish: Wish | None = None) -> Assessment:
    """The assessment of an inventory as of now."""
    return await assess_searched(link.reader, contract, inventory, now(), wish)


async def health(arguments: argparse.Namespace, contract: Contract) -> Exit:
    """``refloat health [--wait DURATION]``: with a duration, until healthy or the time is up."""
    options = options_of(arguments)
    context = chosen_context(options)
    deadline = asyncio.get_running_loop().time() + (arguments.wait or 0)
    found = await _health(contract, options)
    while found.verdict is not HealthVerdict.HEALTHY and asyncio.get_running_loop().time() < deadline:
        await asyncio.sleep(HEALTH_POLL)
        found = await _health(contract, options)
    if arguments.output == "json":
        show.print_json(health_json(found))
    elif arguments.output == "markdown":
        show.print_lines(health_markdown(found))
    else:
        show.show_health(found, context, contract)
    return HEALTH_EXIT[found.verdict]


async def _health(contract: Contract, options: Options) -> Health:
    """A fresh check; a cluster that cannot be read is unverified, and may answer the next time."""
    try:
        return check_health(contract, await _inventory(contract, options), now())
    except (Unverified, ApiFault) as fault:
        return unreachable_health(fault)


def unreachable_health(fault: Fault) -> Health:
    """The health of a cluster that did not answer."""
    from tui.ownership.conditions import CheckStatus
    from tui.recovery.health import Check

    return Health(HealthVerdict.UNVERIFIED, (Check("cluster", CheckStatus.UNKNOWN, str(fault), None),))


def health_markdown(found: Health) -> str:
    """The health check as Markdown."""
    rows = [f"- **{check.status.value}** {check.summary}" for check in found.checks]
    return "\n".join([f"# Health: {found.verdict.value}", "", *rows]) + "\n"


async def owners(arguments: argparse.Namespace, contract: Contract) -> Exit:
    """``refloat owners [FILTERS]``."""
    if arguments.state is not None and not any(glob(arguments.state, state.value) for state in State):
        raise UsageFault(f"--state {arguments.state}: no state is called so; there are {', '.join(State)}")
    try:
        assessment = await _assessment(contract, options_of(arguments))
    except (Unverified, ApiFault) as fault:
        return _unread(arguments, fault, unread.unread_owners(str(fault)))
    rows = list(chosen(assessment, arguments))
    document = report.owners_json(assessment, rows)
    if arguments.output == "json":
        show.print_json(document)
    elif arguments.output == "markdown":
        show.print_lines(pages.owners_markdown(document))
    else:
        show.show_owners(rows, document)
    return Exit.UNVERIFIED if assessment.incomplete else Exit.CLEAN


def chosen(assessment: Assessment, arguments: argparse.Namespace) -> Iterator[Attribution]:
    """The attributions that the filters of ``owners`` choose; the system's own only with ``--all``."""
    names = ("layer", "owner", "state", "namespace", "release", "kind")
    wanted = {name: pattern for name in names if (pattern := getattr(arguments, name)) is not None}
    if "kind" in wanted:
        wanted["kind"] = wanted["kind"].lower()
    served = assessment.inventory.served
    for row in assessment.attributions.values():
        if not arguments.all and is_noise(row.ref, controlled=row.root != row.ref.key):
            continue
        kind = row.ref.kind.lower()
        words = served[row.ref.kind_key].words if row.ref.kind_key in served else {kind}
        has = {
            "layer": (row.layer or "",),
            "owner": row.owners,
            "state": (row.state.value,),
            "namespace": (row.ref.namespace or "",),
            "release": (row.release or "",),
            "kind": (*words, *(f"{word}.{row.ref.group}" for word in words)),
        }
        if all(any(glob(pattern, each) for each in has[name]) for name, pattern in wanted.items()):
            yield row


async def explain(arguments: argparse.Namespace, contract: Contract) -> Exit:
    """``refloat explain KIND/NAME [-n NAMESPACE]``."""
    kind, slash, name = arguments.resource.partition("/")
    if not slash or not kind or not name:
        raise UsageFault(f"{arguments.resource}: write KIND/NAME, as in deployment/source-controller")
    try:
        async with opened(contract, options_of(arguments)) as link:
            assessment = await read_and_judged(link, contract)
            row = _find(assessment, arguments.resource, arguments.namespace)
            # Who names it in passing stands in what an inventory keeps no bodies of.
            searched = await link.reader.search(assessment.inventory, [row.ref.key])
            assessment = replace(assessment, inventory=searched)
    except (Unverified, ApiFault) as fault:
        return _unread(arguments, fault, unread.unread_explain(kind, arguments.namespace, name, str(fault)))
    lookups = Lookups(assessment, now())
    inventory = assessment.inventory
    past = past_listings(read_releases(inventory), inventory, row.root)
    page = dossier(contract, assessment, row.ref.key, lookups, past)
    if arguments.output == "json":
        then = lookups.outlooks.of(row.ref.key).lines
        show.print_json(report.explain_json(assessment, contract, row, then))
    elif arguments.output == "markdown":
        show.print_lines(pages.explain_markdown(page))
    else:
        show.show_explain(page)
    return Exit.UNVERIFIED if row.state is State.UNVERIFIABLE else Exit.CLEAN


def _find(assessment: Assessment, resource: str, namespace: str | None) -> Attribution:
    """The attribution of KIND/NAME; kinds as kubectl takes them, in any case, with their group behind a dot."""
    word, _, name = resource.partition("/")
    kind, _, group = word.lower().partition(".")
    inventory = assessment.inventory
    meant = {key for key, served in inventory.served.items() if kind in served.words and group in ("", key.group)}
    found = [
        row
        for key, row in assessment.attributions.items()
        if key.name == name
        and ((key.group, key.kind) in meant or (key.kind.lower() == kind and group in ("", key.group)))
        and (namespace is None or key.namespace in (None, namespace))
    ]
    if not found:
        gaps = [
            gap.text
            for gap in inventory.gaps
            if gap.kind is None or gap.kind.lower() == kind or (gap.group, gap.kind) in meant
        ]
        where = f" in namespace {namespace}" if namespace else ""
        if gaps:
            raise Unverified(f"{resource}{where} could not be looked for: {gaps[0]}")
        if not meant:
            raise UsageFault(f"{resource}: the cluster serves no kind {word}; kubectl api-resources lists them")
        raise UsageFault(f"{resource}{where} was not found; refloat owners lists what is there")
    if len(found) > 1:
        places = ", ".join(sorted(f"{row.ref.kubectl}" for row in found)[:6])
        raise UsageFault(
            f"{resource} names {len(found)} objects ({places}); say which with -n NAMESPACE or KIND.GROUP/NAME"
        )
    return found[0]


async def releases(arguments: argparse.Namespace, contract: Contract) -> Exit:
    """``refloat releases [NAME]``."""
    try:
        assessment = await _assessment(contract, options_of(arguments))
    except (Unverified, ApiFault) as fault:
        return _unread(arguments, fault, unread.unread_releases(contract, str(fault)))
    known = {release.name for view in assessment.families for release in view.releases}
    doubt = next((view.why for view in assessment.families if view.state is FamilyState.UNVERIFIABLE), "")
    if arguments.name is not None and arguments.name not in known and doubt:
        why = f"{arguments.name} could not be looked for: {doubt}"
        return _unread(arguments, Unverified(why), unread.unread_releases(contract, why))
    if arguments.name is not None and arguments.name not in known:
        names = ", ".join(sorted(known)) or "none"
        raise UsageFault(f"{arguments.name} is not recorded in any family of the contract (recorded: {names})")
    document = report.releases_json(assessment, arguments.name)
    if arguments.output == "json":
        show.print_json(document)
    elif arguments.output == "markdown":
        show.print_lines(pages.releases_markdown(document))
    else:
        show.show_releases(document)
    return Exit.UNVERIFIED if assessment.verdict is Verdict.UNVERIFIED else Exit.CLEAN
