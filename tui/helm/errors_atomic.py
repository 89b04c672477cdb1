"""Reads out of an owner's text whether its operation takes back what it fails over, as Helm words that. Pure.

The words are those of Helm 3.22 and 4.3, tried; Pulumi, Flux and Terraform hand them on (helm pkg/action/install.go and
upgrade.go, failRelease).
"""

import re
from typing import Final

from tui.helm.errors_text import joined, spread

_NAME: Final = r"\s*([a-z0-9.\n-]{1,80}?)\s*"
_DONE: Final = "|".join(map(spread, ("uninstalled", "rolled back")))
_SETTING: Final = "|".join(map(spread, ("atomic", "rollback-on-failure")))
_TAKEN_BACK: Final = re.compile(
    rf"(?:{spread('release')}{_NAME}{spread('failed, and')}\s*)?"
    rf"{spread('has been')}\s*({_DONE})\s*{spread('due to')}\s*({_SETTING})\s*{spread('being set')}"
)
_HALF: Final = re.compile(
    rf"{spread('an error occurred while')}\s*({spread('uninstalling')}|{spread('rolling back')})\s*"
    rf"{spread('the release')}\s*\.\s*{spread('original')}\s*(?:{spread('install')}|{spread('upgrade')})"
)


def shows_atomic(text: str) -> str:
    """The words of a plain text that show that the operation is atomic; empty where none do."""
    found = _TAKEN_BACK.search(text)
    if found is not None:
        what = "rolled back" if joined(found[2]).startswith("roll") else "uninstalled"
        setting = "atomic" if joined(found[3]) == "atomic" else "rollback-on-failure"
        return f"{what} due to {setting} being set"
    half = _HALF.search(text)
    if half is None:
        return ""
    what = "rolling back" if joined(half[1]).startswith("roll") else "uninstalling"
    return f"an error occurred while {what} the release"


def taken_back(text: str) -> tuple[str, ...]:
    """The releases that a plain text says were taken back, in its order."""
    return tuple(joined(found[1]) for found in _TAKEN_BACK.finditer(text) if found[1])
