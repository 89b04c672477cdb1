"""``refloat explain -f``: what the contract and the cluster say of manifests before they are applied."""

import argparse
import os
from collections.abc import Iterable
from pathlib import Path

from rich.text import Text

from tui import show
from tui.commands import judged, opened
from tui.contract.model import Contract
from tui.faults import ApiFault, Exit, Unverified, UsageFault
from tui.manifests import read_manifests
from tui.objects import Json
from tui.options import Options, chosen_context, options_of
from tui.ownership.model import Assessment
from tui.ownership.proposal import Proposal, propose
from tui.ownership.proposal_report import named, proposal_json, proposal_markdown, told
from tui.text import clean


async def explain_files(arguments: argparse.Namespace, contract: Contract) -> Exit:
    """``refloat explain -f FILE|DIR|-``: exit 1 for what blocks, else 3 where something could not be read, else 0."""
    found = read_manifests(arguments.file)
    assessment, why = await _assessed(contract, options_of(arguments))
    proposal = propose(found.given, contract, assessment, namespace=arguments.namespace, why_not=why)
    proposal = Proposal(proposal.documents, (*found.unread, *proposal.incomplete))
    document = proposal_json(proposal, contract)
    if arguments.output == "json":
        show.print_json(document)
    elif arguments.output == "markdown":
        show.print_lines(proposal_markdown(document))
    else:
        show_proposal(document, contract)
    if proposal.blocks:
        return Exit.BLOCKED
    return Exit.UNVERIFIED if proposal.incomplete else Exit.CLEAN


async def _assessed(contract: Contract, options: Options) -> tuple[Assessment | None, str]:
    """The cluster's assessment, or None and why there is none: a contract alone has answers too."""
    try:
        chosen_context(options)
    except UsageFault as fault:
        if not _none_chosen(options):
            raise
        return None, str(fault)
    try:
        async with opened(contract, options) as link:
            return judged(contract, await link.reader.inventory()), ""
    except (Unverified, ApiFault) as fault:
        return None, str(fault)


def _none_chosen(options: Options) -> bool:
    """Whether no cluster is meant at all: no option, no variable and no kubeconfig in its usual place."""
    usual = Path.home() / ".kube" / "config"
    return not (options.kubeconfig or options.context or os.environ.get("KUBECONFIG") or os.path.lexists(usual))


def show_proposal(document: Json, contract: Contract) -> None:
    """One document after another: the verdict, what is said of it, and the steps."""
    out = show.console()
    tally: dict[str, int] = {}
    for each in document["documents"]:
        tally[each["verdict"]] = tally.get(each["verdict"], 0) + 1
        style = show.STYLES[each["verdict"]]
        out.print(Text.assemble((f"{each['verdict']:10} ", style), (named(each), "bold")))
        for line in told(each):
            out.print(Text(f"  {clean(line)}", style="dim" if line.startswith("next: ") else ""))
        for line in _steps(each["process"]):
            out.print(Text(line, style="dim"))
        out.print()
    for gap in document["incomplete"]:
        out.print(Text.assemble(("could not be read: ", "magenta"), clean(gap)))
    counts = ", ".join(f"{count} {verdict}" for verdict, count in tally.items())
    by = f"contract {clean(contract.name)} ({clean(contract.source)})"
    out.print(Text(f"{counts or 'no documents'}; {by}", style="dim"))


def _steps(process: Iterable[str]) -> Iterable[str]:
    return (f"    {number}. {clean(step)}" for number, step in enumerate(process, start=1))
