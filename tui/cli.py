"""The command line: parses, finds the contract, calls the command, and turns every Fault into one sentence.

Only what parsing needs is imported here: the first frame waits for the rest.
"""

import os
import sys

from tui import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from typing import Any, NoReturn

    from tui.contract.model import Contract


def main(argv: "Sequence[str] | None" = None) -> int:
    """Runs one command; returns its exit code (0 clean, 1 blocked, 2 usage, 3 could not verify)."""
    words = list(sys.argv[1:] if argv is None else argv)
    from tui.faults import Fault

    _ready_streams()
    try:
        return int(_run(parser().parse_args(words)))
    except Fault as fault:
        from tui.text import clean

        print(f"refloat: {clean(fault)}", file=sys.stderr)
        return int(fault.exit_code)
    except SystemExit as ended:
        # argparse ends so: help and version with 0, a mistake with 2, each told already.
        return ended.code if isinstance(ended.code, int) else 0
    except KeyboardInterrupt:
        return 130


def _ready_streams() -> None:
    """Makes closed streams silent, and a character that a terminal's encoding lacks an escape, not a crash."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115 - lives as the stream
        elif mode == "w" and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _run(arguments: "argparse.Namespace") -> int:
    import asyncio

    _keep_read_only(arguments)
    command = arguments.command
    if command is None:
        from tui.stage import show_context

        return show_context(arguments, _contract(arguments))
    if command == "demo":
        from tui.stage import demo

        return demo(arguments, lambda: _contract(arguments))
    if command == "journal":
        return _journal(arguments)
    from tui import commands

    if command == "contract":
        from tui.proposals import contract_command

        return contract_command(arguments, lambda: _contract(arguments))
    if command in ("plan", "apply"):
        from tui import planning

        return asyncio.run((planning.plan if command == "plan" else planning.apply)(arguments, _contract(arguments)))
    if command == "reconcile":
        from tui.reconciling import reconcile

        return asyncio.run(reconcile(arguments, _contract(arguments)))
    if command == "explain" and arguments.file:
        from tui import proposals

        return asyncio.run(proposals.explain_files(arguments, _contract(arguments)))
    run = {
        "preflight": commands.preflight,
        "health": commands.health,
        "owners": commands.owners,
        "explain": commands.explain,
        "releases": commands.releases,
    }[command]
    return asyncio.run(run(arguments, _contract(arguments)))


def _keep_read_only(arguments: "argparse.Namespace") -> None:
    """Raises UsageFault where --read-only stands before a command that is there to change the cluster."""
    from tui.faults import UsageFault

    command = "journal undo" if getattr(arguments, "action", "") == "undo" else arguments.command
    if arguments.read_only and command in ("apply", "reconcile", "journal undo"):
        raise UsageFault(
            f"--read-only builds no writer, and refloat {command} is there to write; leave one of them out"
        )


def _journal(arguments: "argparse.Namespace") -> int:
    """The record on disk; only its undo needs a cluster and a contract."""
    if arguments.action != "undo":
        from tui.journals import journal

        return journal(arguments)
    import asyncio

    from tui.undoing import undo

    return asyncio.run(undo(arguments, _contract(arguments)))


def _contract(arguments: "argparse.Namespace") -> "Contract":
    from pathlib import Path

    import platformdirs

    from tui.contract.load import find_contract, load_contract

    config = Path(platformdirs.user_config_dir("refloat", appauthor=False))
    return load_contract(find_contract(arguments.contract, os.environ, Path.cwd(), config))


def parser() -> "argparse.ArgumentParser":
    """The whole command line."""
    import argparse

    output = argparse.ArgumentParser(add_help=False)
    output.add_argument("-o", "--output", choices=["text", "json", "markdown"], default="text", help="how to print it")

    class Parser(argparse.ArgumentParser):
        def __init__(self, *args: "Any", **kwargs: "Any") -> None:
            # Half a word is no word: --confi must not confirm, nor --without go on without a Lease.
            super().__init__(*args, **{**kwargs, "allow_abbrev": False})

        def error(self, message: str) -> "NoReturn":
            from tui.text import clean

            super().error(clean(message))

    root: argparse.ArgumentParser = Parser(
        prog="refloat",
        parents=[_where()],
        description="Who owns what in a cluster, what is stale or missing, and a guarded walk back to a healthy one.",
        epilog="exit codes: 0 clean, 1 findings that block, 2 usage or contract, 3 could not verify",
    )
    root.add_argument("--version", action="version", version=f"refloat {__version__}")
    root.add_argument("--read-only", action="store_true", help="build no writer at all")
    root.set_defaults(request_timeout=15.0)
    commands = root.add_subparsers(dest="command", metavar="COMMAND", title="commands (none: the app, read-only)")
    common = _where(below=True)

    def add(name: str, does: str, *parents: "argparse.ArgumentParser") -> "argparse.ArgumentParser":
        return commands.add_parser(name, parents=[*parents, output], help=does, description=f"{does}.")

    _add_preflight(add("preflight", "what would stop the owner's next deployment", common))
    waiting = add("health", "are the contract's controllers alive", common)
    waiting.add_argument("--wait", type=_duration, metavar="TIME", help="wait until healthy, at most so long (5m, 90s)")
    _add_owners(add("owners", "who owns what", common))
    _add_explain(add("explain", "who owns this and why; with -f, who should own what is not applied yet", common))
    listed = add("releases", "release families, active, stale, missing", common)
    listed.add_argument("name", nargs="?", metavar="NAME", help="only this release")
    _add_plan(add("plan", "write a plan to review: of a cleanup, a replay, a mend, or to retire a release", common))
    done = add("apply", "do exactly a reviewed plan, asking for each entry", common)
    done.add_argument("file", metavar="FILE", help="a file that refloat plan wrote")
    done.add_argument(
        "--manifest", metavar="FILE", help="the manifest the plan was made with, to make bindings again from"
    )
    done.add_argument("--confirmed", action="store_true", help="ask nothing, do only entries the file confirms")
    _add_lease(done)
    asks = add("reconcile", "ask an owner to act now, as the contract says how", common)
    asks.add_argument("owner", metavar="OWNER", help="an owner of the contract, as in: flux")
    asks.add_argument("--yes", action="store_true", help="ask nothing")
    _add_lease(asks)
    _add_contract(add("contract", "check, show or describe the contract, or draw a first one", common))
    record = add("journal", "what the sessions on this machine did, and the way back", common)
    actions = ["list", "show", "undo", "verify"]
    record.add_argument("action", nargs="?", choices=actions, default="list", help="default: list")
    record.add_argument("session", nargs="?", metavar="SESSION", help="the beginning of its name (default: the newest)")
    _add_lease(record)
    _add_demo(add("demo", "the app on an embedded practice cluster"))
    return root


def _add_lease(parser: "argparse.ArgumentParser") -> None:
    """What to do where somebody else's session holds the recovery, or nobody's can."""
    parser.add_argument(
        "--take-over", metavar="HOLDER", default="", help="take a silent session's lease over, by its holder's name"
    )
    parser.add_argument("--without-lease", action="store_true", help="go on where no lease can be held; it is reported")


def _where(*, below: bool = False) -> "argparse.ArgumentParser":
    """The options that say which cluster and contract. They may stand before the command or, ``below``, behind it:

    there they have no defaults, which would silently undo what was said before.
    """
    import argparse

    where = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS if below else None)
    group = where.add_argument_group("which cluster, which contract")
    group.add_argument("--context", type=_named, help="the kubeconfig's context (default: its current one)")
    group.add_argument(
        "--kubeconfig",
        type=_named,
        metavar="FILE",
        help="the kubeconfig (default: $KUBECONFIG, then ~/.kube/config)",
    )
    group.add_argument(
        "--contract",
        type=_named,
        metavar="FILE",
        help="the contract (default: $REFLOAT_CONTRACT, ./ownership.yaml, ...)",
    )
    group.add_argument("--request-timeout", type=_duration, metavar="TIME", help="for one request (default 15s)")
    return where


def _add_preflight(parser: "argparse.ArgumentParser") -> None:
    parser.add_argument("--error", metavar="FILE", help="what Helm or Pulumi said when it refused (-: standard input)")
    parser.add_argument("--expect", type=_named, metavar="NAME", help="the release that the owner wants to install")
    parser.add_argument("--manifest", metavar="FILE", help="the manifest of that release, as helm template prints it")
    parser.add_argument("--not-atomic", action="store_true", help="that release's next install takes nothing back")
    parser.add_argument(
        "--settle", type=_named, metavar="NAME@REVISION", help="of two releases in force, the one that is meant"
    )


def _add_plan(parser: "argparse.ArgumentParser") -> None:
    parser.add_argument("kind", choices=["cleanup", "replay", "mend", "retire"], help="which step to plan")
    parser.add_argument("release", nargs="?", default="", metavar="RELEASE", help="with retire: whose records leave")
    parser.add_argument("-f", "--file", required=True, metavar="FILE", help="the file to write; never overwritten")
    _add_preflight(parser)


def _add_explain(parser: "argparse.ArgumentParser") -> None:
    meant = parser.add_mutually_exclusive_group(required=True)
    meant.add_argument(
        "resource", nargs="?", metavar="KIND/NAME", help="one object, as in deployment/source-controller"
    )
    meant.add_argument(
        "-f",
        "--file",
        action="append",
        metavar="FILE|DIR|-",
        help="manifests that are not applied yet (repeatable): whose each should be, what it collides with, which "
        "guardrail it breaks, and the steps to add it",
    )
    parser.add_argument(
        "-n", "--namespace", help="its namespace, where several have the name; with -f, for what names none"
    )


def _add_contract(parser: "argparse.ArgumentParser") -> None:
    import argparse

    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    common = _where(below=True)
    output = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    output.add_argument("-o", "--output", choices=["text", "json", "markdown"], help="how to print it")

    def add(name: str, does: str, *parents: "argparse.ArgumentParser") -> "argparse.ArgumentParser":
        return actions.add_parser(name, parents=[common, *parents], help=does, description=f"{does}.")

    check = add("check", "find gaps, overlaps and claims that never decide", output)
    check.add_argument("--live", action="store_true", help="hold it against the cluster too")
    add("show", "sum up which contract is in force and what it says", output)
    add("schema", "its JSON Schema, for editors", output)
    init = add("init", "draw a first contract from a live cluster, with remarks where somebody has to decide")
    init.add_argument(
        "-o", dest="target", metavar="FILE", help="the file to write (default: standard output); never overwritten"
    )


def _add_owners(parser: "argparse.ArgumentParser") -> None:
    for name in ("layer", "owner", "state", "namespace", "kind", "release"):
        flags = ["-n", "--namespace"] if name == "namespace" else [f"--{name}"]
        parser.add_argument(*flags, help=f"only this {name} (a glob)")
    parser.add_argument("--all", action="store_true", help="the system's own and generated objects too")


def _add_demo(parser: "argparse.ArgumentParser") -> None:
    import argparse

    parser.add_argument(
        "drill", nargs="?", default="controllers-missing", metavar="DRILL", help="a drill's name or file"
    )
    parser.add_argument("--list", action="store_true", help="the drills, a line each")
    parser.add_argument("--schema", action="store_true", help="the JSON Schema of a drill's file, to write your own")
    parser.add_argument(
        "--contract",
        type=_named,
        default=argparse.SUPPRESS,
        metavar="FILE",
        help="the contract (default as for every command)",
    )
    parser.add_argument("--serve", action="store_true", help="print a kubeconfig and wait, so that kubectl can join")
    parser.add_argument(
        "--port", type=_port, default=0, help="with --serve, the port on loopback (default: a free one)"
    )


def _named(text: str) -> str:
    """A name that is one: an empty word, as of a variable that is not set, must not stand for the default."""
    import argparse

    if not text.strip():
        raise argparse.ArgumentTypeError("an empty word names nothing; give a name, or leave the option out")
    return text


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


def _port(text: str) -> int:
    """A TCP port; 0 is any free one."""
    import argparse

    if not (text.isascii() and text.isdigit() and len(text) <= 5 and int(text) <= 65_535):
        raise argparse.ArgumentTypeError(f"{text}: a port is a number up to 65535")
    return int(text)
