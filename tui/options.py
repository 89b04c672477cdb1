"""How to reach a cluster, from the parsed command line. Light: the first frame waits for it."""

import argparse
import os
from dataclasses import dataclass, field
from pathlib import Path

from tui.contract.model import Contract
from tui.ownership.model import Wish
from tui.recovery.wishes import complete
from tui.stated import wish_of


@dataclass(frozen=True, slots=True)
class Options:
    """How to reach a cluster: what the command line was given."""

    kubeconfig: str | None = None
    context: str | None = None
    timeout: float = 15.0
    read_only: bool = False
    wish: Wish = field(default_factory=Wish)


def options_of(arguments: argparse.Namespace, contract: Contract | None = None) -> Options:
    """How to reach the cluster, from the parsed command line.

    With a contract, what is expected is read and held against it too, files included. Raises UsageFault.
    """
    wish = complete(contract, wish_of(arguments)) if contract is not None else Wish()
    return Options(
        arguments.kubeconfig, arguments.context, arguments.request_timeout, getattr(arguments, "read_only", False), wish
    )


def chosen_context(options: Options) -> str:
    """The name of the context that will be used. Sends nothing; raises UsageFault."""
    # Reading YAML is not needed to parse the command line.
    from tui.cluster.kubeconfig import choose

    return choose(options.kubeconfig, options.context, os.environ, Path.home()).context
