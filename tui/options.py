"""How to reach a cluster, from the parsed command line. Light: the first frame waits for it."""

import argparse
import os
from dataclasses import dataclass, field
from pathlib import Path

from tui.ownership.model import Wish
from tui.recovery.wishes import settled


@dataclass(frozen=True, slots=True)
class Options:
    """How to reach a cluster: what the command line was given."""

    kubeconfig: str | None = None
    context: str | None = None
    timeout: float = 15.0
    read_only: bool = False
    wish: Wish = field(default_factory=Wish)


def options_of(arguments: argparse.Namespace) -> Options:
    """How to reach the cluster, from the parsed command line."""
    meant = getattr(arguments, "settle", None)
    wish = Wish(getattr(arguments, "expect", None), settled(meant) if meant else None)
    return Options(
        arguments.kubeconfig, arguments.context, arguments.request_timeout, getattr(arguments, "read_only", False), wish
    )


def chosen_context(options: Options) -> str:
    """The name of the context that will be used. Sends nothing; raises UsageFault."""
    # Reading YAML is not needed to parse the command line.
    from tui.cluster.kubeconfig import choose

    return choose(options.kubeconfig, options.context, os.environ, Path.home()).context
