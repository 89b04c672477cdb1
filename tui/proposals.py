"""What is said before anything is applied: ``refloat contract check|show|schema|init`` and ``refloat explain -f``."""

import argparse
import asyncio
import os
import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from rich.text import Text

from tui import show
from tui.commands import opened, read_and_judged
from tui.contract.load import parse_contract
from tui.contract.model import Contract
from tui.contract.remarks import Remark, in_order
from tui.contract.words import IDENTIFIER
from tui.faults import ApiFault, Exit, Unverified, UsageFault
from tui.manifests import read_manifests
from tui.objects import Json
from tui.opening import now
from tui.options import Options, chosen_context, options_of
from tui.ownership.model import Assessment
from tui.ownership.proposal import Proposal, propose
from tui.ownership.proposal_report import named, proposal_json, proposal_markdown, told
from tui.recovery.report import contract_json
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
            return await read_and_judged(link, contract), ""
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


def contract_command(arguments: argparse.Namespace, load: Callable[[], Contract]) -> Exit:
    """``refloat contract ACTION``; ``load`` finds the contract, which describing and drawing one do without."""
    if arguments.action == "schema":
        from tui.contract.schema import contract_schema

        show.print_json(contract_schema())
        return Exit.CLEAN
    if arguments.action == "init":
        return asyncio.run(_init(arguments))
    contract = load()
    if arguments.action == "show":
        if arguments.output == "json":
            show.print_json(contract_document(contract))
        else:
            show.print_lines(contract_text(contract))
        return Exit.CLEAN
    return asyncio.run(_check(contract, arguments))


async def _check(contract: Contract, arguments: argparse.Namespace) -> Exit:
    """``refloat contract check [--live]``: remarks are advice, so only an unread cluster is more than exit 0."""
    from tui.contract.lint import lint

    remarks = list(lint(contract, now().date()))
    incomplete: list[str] = []
    if arguments.live:
        try:
            found, incomplete = await _live(contract, arguments)
            remarks = [*in_order([*remarks, *found])]
        except (Unverified, ApiFault) as fault:
            incomplete = [clean(fault)]
    if arguments.output == "json":
        show.print_json(_check_document(contract, remarks, incomplete))
    else:
        lines = [f"{contract.source}:{r.line}: {r.code}: {r.text}" for r in remarks]
        lines += [f"could not be read: {text}" for text in incomplete]
        lines += [f"{contract.source}: valid, {len(remarks)} remarks"]
        show.print_lines("\n".join(lines))
    return Exit.UNVERIFIED if incomplete else Exit.CLEAN


async def _live(contract: Contract, arguments: argparse.Namespace) -> tuple[tuple[Remark, ...], list[str]]:
    from tui.ownership.lint_live import lint_live

    options = options_of(arguments)
    chosen_context(options)
    async with opened(contract, options) as link:
        assessment = await read_and_judged(link, contract)
    return lint_live(contract, assessment), [gap.text for gap in assessment.inventory.gaps]


def _check_document(contract: Contract, remarks: list[Remark], incomplete: list[str]) -> Json:
    """The document ``refloat.contract-check/1``."""
    rows: list[dict[str, Any]] = [{"code": r.code, "line": r.line, "text": r.text} for r in remarks]
    return {
        "schema": "refloat.contract-check/1",
        "contract": contract_json(contract),
        "remarks": rows,
        "incomplete": incomplete,
    }


async def _init(arguments: argparse.Namespace) -> Exit:
    """``refloat contract init [-o FILE]``: exit 3 where the cluster could not be read whole; the draft says what of it.

    Raises UsageFault where FILE exists already, before anything is read.
    """
    from tui.ownership.drafting import draft_contract

    target = _free(arguments.target)
    options = options_of(arguments)
    context = chosen_context(options)
    # Whose cluster it is, no contract says yet: so none is held against it.
    async with opened(Contract("none", (), {}), options) as link:
        inventory = await link.reader.inventory()
    text = draft_contract(inventory, _name(context), now().date())
    # What does not load is no contract; better no file than one that the next command refuses.
    parse_contract(text.encode(), "the draft")
    if target is None:
        show.print_out(text.removesuffix("\n"))
    else:
        _write(target, text)
        print(f"{clean(target)}: written; look for `could not tell`", file=sys.stderr)
    return Exit.UNVERIFIED if inventory.gaps else Exit.CLEAN


def _name(context: str) -> str:
    """A contract's name from a context's: the characters that it may have."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", context).strip("-._")[:63]
    return name if re.match(IDENTIFIER, name) else "cluster"


def _free(name: str | None) -> Path | None:
    """The file to write, which must not be there; None for standard output."""
    if name is None:
        return None
    if os.path.lexists(name):
        raise _exists(Path(name))
    return Path(name)


def _exists(target: Path) -> UsageFault:
    return UsageFault(f"{clean(target)} exists already and is never overwritten; name another file")


def _write(target: Path, text: str) -> None:
    try:
        with target.open("x", encoding="utf-8") as file:
            try:
                file.write(text)
            except OSError:
                # Half a contract would be found as one.
                target.unlink(missing_ok=True)
                raise
    except FileExistsError as wrong:
        raise _exists(target) from wrong
    except (OSError, ValueError) as wrong:
        reason = wrong.strerror if isinstance(wrong, OSError) and wrong.strerror else "its name is not one"
        raise UsageFault(f"{clean(target)} cannot be written: {reason}") from wrong


def contract_document(contract: Contract) -> Json:
    """The document ``refloat.contract/1``: which contract is in force, and its names."""
    return {
        "schema": "refloat.contract/1",
        "contract": contract_json(contract),
        "source": contract.source,
        "cluster": contract.cluster_uid,
        "layers": [layer.name for layer in contract.layers],
        "owners": list(contract.owners),
        "families": [{"family": f.name, "namespace": f.namespace, "owner": f.owner} for f in contract.releases],
        "guardrails": [rail.id for rail in contract.guardrails],
    }


def contract_text(contract: Contract) -> str:
    """Which contract is in force and what it says, in short."""
    lines = [f"contract {contract.name}", f"file     {contract.source}", f"sha256   {contract.sha256}"]
    lines += [f"cluster  {contract.cluster_uid or 'not pinned'}"]
    lines += [f"layer    {layer.title}{f', owner {layer.owner}' if layer.owner else ''}" for layer in contract.layers]
    lines += [f"owner    {owner.title} ({owner.name}), {len(owner.marks)} marks" for owner in contract.owners.values()]
    lines += [f"claims   {len(contract.claims)}", f"health   {len(contract.health)} checks"]
    lines += [f"family   {family.name} in {family.namespace}, owner {family.owner}" for family in contract.releases]
    lines += [f"guard    {rail.id}: {rail.reason}" for rail in contract.guardrails]
    return "\n".join(lines) + "\n"
