"""The command line's text: the same documents as its JSON, drawn with rich, plain where it is not a terminal."""

import json
import os
import sys
from collections.abc import Iterable

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from tui.contract.model import Contract
from tui.objects import Json
from tui.ownership.dossier import Dossier
from tui.ownership.model import Assessment, Attribution, Decision, Severity
from tui.ownership.shown import excerpt, few_of_each, told_of
from tui.recovery.health import Health
from tui.recovery.report import WORDS, no_trace
from tui.text import clean, clean_lines

STYLES = {"block": "bold red", "warn": "yellow", "info": "cyan", "pass": "green", "unverified": "magenta"}
HEALTH_STYLES = {"ok": "green", "failed": "bold red", "unknown": "magenta"}
EVIDENCE_LINES = 6
"""Lines of evidence shown of one finding; the rest is counted, the JSON has them all."""


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Goes on in silence: the exit code still tells the verdict."""
        silence()


def silence() -> None:
    """Lets all further output go nowhere, once the reader of a pipe has left."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def console() -> Console:
    """Standard output; wide lines are not broken where nobody looks at them."""
    terminal = sys.stdout.isatty()
    return _Console(
        highlight=False, soft_wrap=not terminal, width=None if terminal else 10_000, markup=False, emoji=False
    )


def print_json(document: Json) -> None:
    """One document; every character beyond ASCII is escaped: nothing from a cluster reaches the terminal raw."""
    print_out(json.dumps(document, indent=2, ensure_ascii=True))


def print_lines(text: str) -> None:
    """Text of several lines, cleaned, as it is."""
    print_out(clean_lines(text, len(text)).removesuffix("\n"))


def print_out(line: str = "") -> None:
    """One line, or into silence where the reader of a pipe has left."""
    try:
        print(line, flush=True)
    except BrokenPipeError:
        silence()


def show_preflight(assessment: Assessment, context: str, contract: Contract) -> None:
    """The preflight: verdict, releases, findings worst first, candidates, what could not be read."""
    out = console()
    _head(out, "preflight", assessment.verdict.value, context, contract)
    for view in assessment.families:
        out.print(Text.assemble(("  ", ""), (view.family.name, "bold"), f": {view.state.value}; {clean(view.why)}"))
    infos = sum(finding.severity is Severity.INFO for finding in assessment.findings)
    told, more = few_of_each(f for f in assessment.findings if f.severity is not Severity.INFO)
    for finding in told:
        style = STYLES[finding.severity.value]
        out.print()
        out.print(
            Text.assemble(
                (f"{finding.severity.value:5} ", style), (finding.code, "bold"), f"  {clean(finding.summary)}"
            )
        )
        _lines(out, *told_of(finding, EVIDENCE_LINES))
        out.print(Text(f"      next: {clean(finding.next)}", style="dim"))
    for code, count in more.items():
        out.print(Text(f"and {count} more findings {code}: -o json has them all", style="dim"))
    _decisions(out, assessment)
    for gap in assessment.incomplete:
        out.print(Text.assemble(("could not be read: ", "magenta"), clean(gap)))
    for guarded in assessment.policies:
        out.print(Text(clean(guarded.text), style="dim"))
    out.print()
    out.print(Text(f"{infos} findings for information, {assessment.hidden} hidden by the contract", style="dim"))
    if trace := no_trace(assessment):
        out.print(Text(trace, style="dim"))


def _head(out: Console, what: str, verdict: str, context: str, contract: Contract) -> None:
    style = STYLES.get(verdict, "bold")
    out.print(Text.assemble((f"{what}: ", "bold"), (verdict.upper(), style)))
    out.print(
        Text(f"  context {clean(context)}, contract {clean(contract.name)} ({clean(contract.source)})", style="dim")
    )


def _some(out: Console, lines: Iterable[str]) -> None:
    _lines(out, *excerpt(list(lines), EVIDENCE_LINES))


def _lines(out: Console, rows: Iterable[str], left: int) -> None:
    for row in rows:
        out.print(Text(f"      {clean(row)}"))
    if left:
        out.print(Text(f"      and {left} more", style="dim"))


def _decisions(out: Console, assessment: Assessment) -> None:
    if not assessment.candidates:
        return
    table = Table("decision", "object", "stamped", "rules", box=None, padding=(0, 2, 0, 0), header_style="dim")
    order = list(Decision)
    for candidate in sorted(assessment.candidates, key=lambda c: order.index(c.decision)):
        rules = ", ".join(candidate.rules)
        table.add_row(candidate.decision.value, Text(clean(candidate.ref.label)), Text(clean(candidate.release)), rules)
    out.print()
    out.print(table)


def show_health(health: Health, context: str, contract: Contract) -> None:
    """Every check on a line."""
    out = console()
    _head(out, "health", health.verdict.value, context, contract)
    for check in health.checks:
        out.print(Text.assemble((f"  {check.status.value:8}", HEALTH_STYLES[check.status.value]), clean(check.summary)))


def show_owners(rows: Iterable[Attribution], document: Json) -> None:
    """One object a line: state, owner, layer, name."""
    out = console()
    table = Table("state", "owner", "layer", "object", box=None, padding=(0, 2, 0, 0), header_style="dim")
    for row in sorted(
        rows, key=lambda a: (a.layer or "~", a.owner or "~", a.ref.namespace or "", a.ref.kind, a.ref.name)
    ):
        table.add_row(
            row.state.value, Text(" and ".join(row.owners) or "-"), row.layer or "-", Text(clean(row.ref.label))
        )
    if table.row_count:
        out.print(table)
    counts = "  ".join(f"{state} {count}" for state, count in document["counts"].items())
    out.print(Text(counts or "no object is so", style="bold"))
    for gap in document["incomplete"]:
        out.print(Text.assemble(("could not be read: ", "magenta"), clean(gap)))


_TONES = {"good": ("✓ ", "green"), "warn": ("! ", "yellow"), "bad": ("✗ ", "bold red"), "plain": ("  ", "")}


def show_explain(page: Dossier) -> None:
    """Who owns one object and why: a page to paste into an argument."""
    out = console()
    state = page.state.value if page.state else "not judged"
    out.print(Text.assemble((clean(page.label), "bold"), f"  {state}"))
    for section in page.sections:
        out.print(Text(f"  {clean(section.title)}", style="dim"))
        for item in section.items:
            mark, style = _TONES[item.tone.value]
            out.print(Text.assemble("  ", (mark, style), clean(item.text)))
            for detail in item.details:
                out.print(Text(f"      {clean(detail)}"))


def show_releases(document: Json) -> None:
    """Families, their revisions in plain words, and what the active release lists."""
    out = console()
    for family in document["families"]:
        out.print(
            Text.assemble(
                (family["family"], "bold"), f" in {family['namespace']}: {family['state']}; {clean(family['why'])}"
            )
        )
        table = Table(
            "release",
            "revision",
            "status",
            "updated",
            "chart",
            "apply",
            box=None,
            padding=(0, 2, 0, 0),
            header_style="dim",
        )
        for row in family["revisions"]:
            words = WORDS.get(row["status"], "")
            table.add_row(
                Text(row["name"]),
                str(row["revision"]),
                Text(f"{row['status']} ({words})"),
                row["updated"],
                Text(clean(row["chart"])),
                row["apply_method"],
            )
        out.print(Padding(table, (0, 2), expand=False))
        tally: dict[str, int] = {}
        for resource in family["resources"]:
            tally[resource["state"]] = tally.get(resource["state"], 0) + 1
        unsettled = "not judged while no release is the active one" if family["state"] != "active" else "none listed"
        words = ", ".join(f"{count} {state}" for state, count in sorted(tally.items())) or unsettled
        out.print(Text(f"  resources: {words}"))
        lost = [each for each in family["resources"] if each["state"] != "present"]
        _some(out, (f"{each['state']}: {each['ref']['kind']} {each['ref']['name']}" for each in lost))
        if family["hooks"]:
            out.print(Text(f"  hooks, not covered by a replay: {len(family['hooks'])}", style="dim"))
            _some(out, (f"hook {each['kind']} {each['name']}: {each['why']}" for each in family["hooks"]))
