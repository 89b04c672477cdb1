"""The program's door: answers ``--version`` by itself, and opens the command line for anything else.

It imports nothing else, because who asks for the version waits for every import.
"""

import sys

from tui import __version__


def main() -> int:
    """Runs the command line; returns its exit code."""
    if sys.argv[1:] == ["--version"]:
        print(f"refloat {__version__}")
        return 0
    from tui.cli import main as run

    return run()


if __name__ == "__main__":
    sys.exit(main())
