"""How to reach a cluster, from the parsed command line. Light: the first frame waits for it."""

import argparse
import re
from dataclasses import dataclass, field

from tui.faults import UsageFault
from tui.ownership.model import Wish


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
    wish = Wish(getattr(arguments, "expect", None), _settled(getattr(arguments, "settle", None)))
    return Options(
        arguments.kubeconfig, arguments.context, arguments.request_timeout, getattr(arguments, "read_only", False), wish
    )


def _settled(text: str | None) -> tuple[str, int] | None:
    if text is None:
        return None
    match = re.fullmatch(r"([^@\s]+)@(\d{1,9})", text)
    if match is None:
        raise UsageFault(f"--settle {text}: write the release's name and revision in full, as in NAME@3")
    return match[1], int(match[2])
