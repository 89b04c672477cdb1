"""Sets the stage for the app: on a kubeconfig's context, or on a practice cluster that runs in the app's own loop."""

import argparse
import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tui.contract.model import Contract
from tui.faults import Exit, UsageFault

SHIPPED = Path(__file__).parent / "practice" / "drills"

if TYPE_CHECKING:
    from screens.link import Opener
    from tui.opening import ClusterLink
    from tui.practice.drills import Drill


def show_context(arguments: argparse.Namespace, contract: Contract) -> Exit:
    """``refloat``: the app on a context. Raises UsageFault where there is no terminal to show it on."""
    from tui.options import chosen_context, options_of

    options = options_of(arguments)
    if not _terminal():
        raise UsageFault("the app needs a terminal; without one use refloat preflight, health, owners or releases")
    # A kubeconfig that cannot work is told before the screen is taken; reading it sends nothing.
    context = chosen_context(options)

    async def open_link() -> "ClusterLink":
        from tui.opening import open_context

        return await open_context(contract, options)

    return _run_app(open_link, contract, context, read_only=options.read_only)


def demo(arguments: argparse.Namespace, load: Callable[[], Contract]) -> Exit:
    """``refloat demo``: the app on a practice cluster; without a terminal, its situation as a report."""
    if arguments.list:
        from tui import show
        from tui.practice.drills import list_drills

        show.print_lines("\n".join(f"{each.name:22} {each.summary}" for each in list_drills()))
        return Exit.CLEAN
    if arguments.schema:
        from tui import show
        from tui.practice.drill_schema import SCHEMA

        show.print_json(SCHEMA)
        return Exit.CLEAN
    if not (SHIPPED / f"{arguments.drill}.yaml").is_file():
        # Not one of the shipped drills: the file of somebody's own is read, or refused, before the screen is taken.
        _drill(arguments.drill)
    contract, read_only = load(), bool(arguments.read_only)
    if arguments.serve:
        return asyncio.run(_serve(_drill(arguments.drill), arguments.port))
    if not _terminal() or arguments.output != "text":
        return asyncio.run(_report(_drill(arguments.drill), contract, arguments.output))
    # Reading the drill and building its cluster take a while: the first frame does not wait for them.
    return _run_app(
        lambda: _practice_link(_drill(arguments.drill), contract, read_only=read_only),
        contract,
        "practice",
        read_only=read_only,
    )


def _drill(name: str) -> "Drill":
    from tui.practice.drills import load_drill

    return load_drill(name)


def _terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


def _run_app(opener: "Opener", contract: Contract, context: str, **options: Any) -> Exit:
    from tui.app import RefloatApp

    app = RefloatApp(opener, contract, context=context, **options)
    app.run()
    return Exit.CLEAN if not app.return_code else Exit.UNVERIFIED


async def _practice_link(drill: "Drill", contract: Contract, *, read_only: bool = False) -> "ClusterLink":
    """The link to a practice cluster that is started here and ends with the link."""
    from screens.link import Drill as Shown
    from screens.link import DrillCheck
    from tui.opening import open_kubeconfig
    from tui.options import Options
    from tui.practice.cluster import PracticeCluster
    from tui.practice.drills import check

    cluster = PracticeCluster.drill(drill)
    await cluster.start()

    async def judge() -> DrillCheck:
        verdict = await check(cluster, drill)
        return DrillCheck(verdict.reached, verdict.well, verdict.risky)

    shown = Shown(drill.name, drill.title, drill.story, drill.goal, drill.hints, judge)
    try:
        options = Options(read_only=read_only)
        return await open_kubeconfig(cluster.kubeconfig(), contract, options, shown, cluster.stop)
    except BaseException:
        await cluster.stop()
        raise


async def _report(drill: "Drill", contract: Contract, output: str) -> Exit:
    """The drill's situation in the words of the preflight and the health check. It is a demonstration: exit 0."""
    from tui import show
    from tui.commands import health_markdown, read_and_judged
    from tui.opening import now
    from tui.recovery import report
    from tui.recovery.health import check_health

    link = await _practice_link(drill, contract)
    try:
        assessment = await read_and_judged(link, contract)
    finally:
        await link.close()
    if output == "json":
        show.print_json(report.preflight_json(assessment, "practice", contract))
        return Exit.CLEAN
    found = check_health(contract, assessment.inventory, now())
    if output == "markdown":
        show.print_lines(report.preflight_markdown(assessment, "practice", contract) + "\n" + health_markdown(found))
        return Exit.CLEAN
    show.print_lines(f"{drill.title}\n\n{drill.story}\n\nGoal: {drill.goal}\n\n")
    show.show_preflight(assessment, "practice", contract)
    show.print_out()
    show.show_health(found, "practice", contract)
    show.print_out(f"\nThis is a practice cluster. In a terminal, refloat demo {drill.name} opens the app on it.")
    return Exit.CLEAN


async def _serve(drill: "Drill", port: int) -> Exit:
    """Serves the drill's cluster until interrupted."""
    import yaml

    from tui import show
    from tui.practice.cluster import PracticeCluster

    cluster = PracticeCluster.drill(drill, port=port)
    try:
        await cluster.start()
    except OSError as error:
        await cluster.stop()
        raise UsageFault(f"port {port} on 127.0.0.1 cannot be used: {error.strerror or error}") from error
    try:
        show.print_lines(yaml.safe_dump(cluster.kubeconfig(), sort_keys=False))
        show.print_out("# serving until interrupted; save the lines above and set KUBECONFIG to the file")
        await asyncio.Event().wait()
    finally:
        await cluster.stop()
    return Exit.CLEAN
