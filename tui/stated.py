"""Reads the files that say what is expected, from disk or standard input. At the edge: nothing pure imports it."""

import argparse
import sys
from pathlib import Path

from tui.faults import UsageFault
from tui.helm.errors_text import MAX_ERROR
from tui.helm.refusal import OwnerError
from tui.ownership.model import Wish
from tui.recovery.wishes import MAX_FILE, error_of, forecast_of, settled, with_manifest
from tui.text import clean

STANDARD_INPUT = "-"
PIPED = "standard input"


def wish_of(arguments: argparse.Namespace) -> Wish:
    """What the command line states, its files read. Raises UsageFault. Names are not yet held against a contract."""
    meant = getattr(arguments, "settle", None)
    error, manifest = getattr(arguments, "error", None), getattr(arguments, "manifest", None)
    if error == manifest == STANDARD_INPUT:
        raise UsageFault("standard input holds one text; give the error or the manifest as a file")
    return Wish(
        getattr(arguments, "expect", None),
        settled(meant) if meant else None,
        error_of(_read(error, MAX_ERROR), _named(error)) if error is not None else OwnerError(),
        forecast_of(_read(manifest, MAX_FILE), _named(manifest)) if manifest is not None else None,
        getattr(arguments, "not_atomic", False),
    )


def with_manifest_of(wish: Wish, arguments: argparse.Namespace) -> Wish:
    """What a plan file states, with the manifest itself where the command line gives it. Raises UsageFault."""
    manifest = getattr(arguments, "manifest", None)
    if manifest is None:
        return wish
    return with_manifest(wish, forecast_of(_read(manifest, MAX_FILE), _named(manifest)))


def _named(path: str) -> str:
    return PIPED if path == STANDARD_INPUT else clean(path, 300)


def read_file(path: str) -> bytes:
    """The bytes of a regular file, bounded: what the app may wait for. Raises UsageFault."""
    try:
        place = Path(path).expanduser()
        waits = place.exists() and not place.is_file()
    except (OSError, ValueError, RuntimeError):
        waits = False
    if waits:
        raise UsageFault(f"{_named(path)} is no file")
    return _read(f"./{path}" if path == STANDARD_INPUT else path, MAX_FILE)


def _read(path: str, limit: int) -> bytes:
    try:
        if path == STANDARD_INPUT:
            if sys.stdin.isatty():
                print("paste the text, then end it with Ctrl-D on a line of its own", file=sys.stderr)
            return sys.stdin.buffer.read(limit + 1)
        with Path(path).expanduser().open("rb") as file:
            return file.read(limit + 1)
    except (OSError, ValueError, RuntimeError) as error:
        why = getattr(error, "strerror", None) or "that is no path"
        raise UsageFault(f"{_named(path)} cannot be read: {why}") from None
