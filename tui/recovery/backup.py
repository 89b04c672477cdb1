"""A whole object as YAML that every reader reads alike, and back. Pure: text in, text out.

YAML's readers disagree on what an unquoted word means (``1e3``, ``yes``, ``0o7``, a date), so every string is quoted
unless it is a plain word that no reader takes for anything else; anything but printable ASCII is escaped. The first
line carries the SHA-256 of the rest: a copy that was cut short or edited is not taken for the saved object.
"""

import re
from hashlib import sha256
from typing import Any, Final, NamedTuple

import yaml

from tui.objects import Json
from tui.recovery.chain import JournalFault
from tui.text import clean

MAX_BACKUP: Final = 32 * 1024 * 1024
"""Bytes of one backup: an object of the API is at most a few MB, and escapes may make several times that of it."""

_HEADER: Final = "# refloat backup, sha256 of the lines below: "
_PLAIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*\Z")
_WORDS: Final = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null", "inf", "nan"})


class Saved(NamedTuple):
    """A backup on disk: its path, and the SHA-256 of the whole file in hex."""

    path: str
    sha256: str


class _Dumper(yaml.SafeDumper):
    """Writes plain JSON: no anchors, every doubtful string quoted, texts of several lines as blocks."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - the base class calls it so
        return True


def _string(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=_style(text))


def _style(text: str) -> str | None:
    if _PLAIN.match(text) and text.lower() not in _WORDS:
        return None
    return "|" if _fits_block(text) else '"'


def _fits_block(text: str) -> bool:
    """Whether a literal block shows the text with nothing left to a reader's judgement (blanks at its edges are)."""
    lines = text.removesuffix("\n").split("\n")
    if len(lines) < 2 or not lines[0] or not lines[-1] or text.startswith(" "):
        return False
    return all(line.isascii() and (line.isprintable() or not line) and not line.endswith(" ") for line in lines)


_Dumper.add_representer(str, _string)


def dump_backup(body: Json) -> str:
    """The object's backup, ASCII only. Raises JournalFault for what could not be read back exactly as it was."""
    try:
        text = yaml.dump(
            body, Dumper=_Dumper, default_flow_style=False, sort_keys=False, width=float("inf"), allow_unicode=False
        )
        same = _load(text) == body
    except RecursionError:
        raise JournalFault("an object is nested too deeply to be saved, so it will not be touched") from None
    except yaml.YAMLError as error:
        raise JournalFault(f"an object cannot be saved ({clean(error, 200)}), so it will not be touched") from None
    if not same or len(text) > MAX_BACKUP:
        raise JournalFault("an object cannot be saved exactly as it is, so it will not be touched")
    return f"{_HEADER}{sha256(text.encode('ascii')).hexdigest()}\n{text}"


def parse_backup(text: str, name: str) -> Json:
    """The object of a backup; ``name`` tells it apart in the fault. Raises JournalFault for a cut or changed one."""
    header, _, rest = text.partition("\n")
    if not header.startswith(_HEADER) or header[len(_HEADER) :] != sha256(rest.encode()).hexdigest():
        raise JournalFault(
            f"the backup {name} was cut short or changed since it was saved: read it yourself before you use it"
        )
    try:
        body = _load(rest)
    except (yaml.YAMLError, RecursionError):
        raise JournalFault(f"the backup {name} is no YAML that can be read: look at the file yourself") from None
    if not isinstance(body, dict):
        raise JournalFault(f"the backup {name} holds no object: look at the file yourself")
    return body


def _load(text: str) -> Any:
    # The C loader refuses some escapes and overflows the stack on deep input; SafeLoader raises instead.
    return yaml.load(text, Loader=yaml.SafeLoader)
