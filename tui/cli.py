"""The command line: parses, finds the contract, calls the command, and turns every Fault into one sentence.

Only what parsing needs is imported here; ``--version`` must not wait for anything, not even for ``typing``.
"""

import os
import sys

from tui import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from tui.contract.model import Contract


def main(argv: "Sequence[str] | None" = None) -> int:
    """Runs one command; returns its exit code (0 clean, 1 blocked, 2 usage, 3 could not verify)."""
    words = list(sys.argv[1:] if argv is None else argv)
    if words == ["--version"]:
        print(f"refloat {__version__}")
        return 0
    from tui.faults import Fault

    arguments = parser().parse_args(words)
    try:
        return _run(arguments)
    except Fault as fault:
        from tui.text import clean

        print(f"refloat: {clean(fault)}", file=sys.stderr)
        return int(fault.exit_code)
    except BrokenPipeError:
        # The reader of a pipe has left: there is nobody to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130


def _run(arguments: "argparse.Namespace") -> int:
    import asyncio

    command = arguments.command
    if command is None:
        from tui.stage import show_context

        return show_context(arguments, _contract(arguments))
    if command == "demo":
        from tui.stage import demo

        return demo(arguments, lambda: _contract(arguments))
    from tui import commands

    if command == "contract":
        return commands.contract_command(arguments, lambda: _contract(arguments))
    run = {
        "preflight": commands.preflight,
        "health": commands.health,
        "owners": commands.owners,
        "explain": commands.explain,
        "releases": commands.releases,
    }[command]
    return asyncio.run(run(arguments, _contract(arguments)))


def _contract(arguments: "argparse.Namespace") -> "Contract":
    from pathlib import Path

    import platformdirs

    from tui.contract.load import find_contract, load_contract

    config = Path(platformdirs.user_config_dir("refloat", appauthor=False))
    return load_contract(find_contract(arguments.contract, os.environ, Path.cwd(), config))


def parser() -> "argparse.ArgumentParser":
    """The whole command line."""
    import argparse

    common = argparse.ArgumentParser(add_help=False)
    group = common.add_argument_group("which cluster, which contract")
    group.add_argument("--context", help="the kubeconfig's context (default: its current one)")
    group.add_argument(
        "--kubeconfig", metavar="FILE", help="the kubeconfig (default: $KUBECONFIG, then ~/.kube/config)"
    )
    group.add_argument(
        "--contract", metavar="FILE", help="the contract (default: $REFLOAT_CONTRACT, ./ownership.yaml, ...)"
    )
    group.add_argument(
        "--request-timeout", type=_duration, default=15.0, metavar="TIME", help="for one request (default 15s)"
    )

    output = argparse.ArgumentParser(add_help=False)
    output.add_argument("-o", "--output", choices=["text", "json", "markdown"], default="text", help="how to print it")

    root = argparse.ArgumentParser(
        prog="refloat",
        parents=[common],
        description="Who owns what in a cluster, what is stale or missing, and a guarded walk back to a healthy one.",
        epilog="exit codes: 0 clean, 1 findings that block, 2 usage or contract, 3 could not verify",
    )
    root.add_argument("--version", action="version", version=f"refloat {__version__}")
    root.add_argument("--read-only", action="store_true", help="build no writer at all")
    commands = root.add_subparsers(dest="command", metavar="COMMAND", title="commands (none: the app, read-only)")
    _add_preflight(
        commands.add_parser("preflight", parents=[common, output], help="what would stop the owner's next deployment")
    )
    waiting = commands.add_parser("health", parents=[common, output], help="are the contract's controllers alive")
    waiting.add_argument("--wait", type=_duration, metavar="TIME", help="wait until healthy, at most so long (5m, 90s)")
    _add_owners(commands.add_parser("owners", parents=[common, output], help="who owns what"))
    one = commands.add_parser("explain", parents=[common, output], help="who owns this and why")
    one.add_argument("resource", metavar="KIND/NAME")
    one.add_argument("-n", "--namespace")
    listed = commands.add_parser("releases", parents=[common, output], help="release families, active, stale, missing")
    listed.add_argument("name", nargs="?", metavar="NAME")
    contract = commands.add_parser("contract", parents=[common, output], help="check, show or describe the contract")
    contract.add_argument("action", choices=["check", "show", "schema"])
    _add_demo(commands.add_parser("demo", parents=[output], help="the app on an embedded practice cluster"))
    return root


def _add_preflight(parser: "argparse.ArgumentParser") -> None:
    parser.add_argument("--expect", metavar="NAME", help="the release that the owner wants to install")
    parser.add_argument("--settle", metavar="NAME@REVISION", help="of two releases in force, the one that is meant")


def _add_owners(parser: "argparse.ArgumentParser") -> None:
    for name in ("layer", "owner", "state", "namespace", "kind", "release"):
        flags = ["-n", "--namespace"] if name == "namespace" else [f"--{name}"]
        parser.add_argument(*flags, help=f"only this {name}")
    parser.add_argument("--all", action="store_true", help="the system's own and generated objects too")


def _add_demo(parser: "argparse.ArgumentParser") -> None:
    parser.add_argument(
        "drill", nargs="?", default="controllers-missing", metavar="DRILL", help="a drill's name or file"
    )
    parser.add_argument("--list", action="store_true", help="the drills, a line each")
    parser.add_argument("--contract", metavar="FILE", help="the contract (default as for every command)")
    parser.add_argument("--serve", action="store_true", help="print a kubeconfig and wait, so that kubectl can join")
    parser.add_argument("--port", type=int, default=0, help="with --serve, the port on loopback (default: a free one)")


def _duration(text: str) -> float:
    """Seconds from ``90``, ``90s``, ``5m`` or ``1h``."""
    import argparse

    units = {"s": 1.0, "m": 60.0, "h": 3600.0}
    number, unit = (text[:-1], units[text[-1]]) if text[-1:] in units else (text, 1.0)
    try:
        seconds = float(number) * unit
    except ValueError:
        seconds = -1.0
    if not 0 < seconds <= 86_400:
        raise argparse.ArgumentTypeError(f"{text}: write a time as 90s, 5m or 1h, at most 24h")
    return seconds


if __name__ == "__main__":
    sys.exit(main())
