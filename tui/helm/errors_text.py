"""Makes plain text of an error as people copy it: coloured, wrapped, quoted in a log, with bars and times before it.

What a terminal or a log did to a text cannot be undone with certainty: a line may have been broken between two words or
inside one. So line ends stay in the text, and :func:`spread` and :class:`Scan` read it as if no blank meant anything.
"""

import re
from functools import lru_cache
from typing import Final

from tui.text import clean

MAX_ERROR: Final = 2 * 1024 * 1024
"""Characters of an error that are read; the log of a whole pipeline is rarely as long."""

_ROUNDS: Final = 4
"""How often a text is taken out of quotes: an error in JSON in a log line in JSON needs two."""

_COLOUR: Final = re.compile(
    r"(?:\x1b|␛|\^\[)(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b\n]{0,400}(?:\x07|\x1b\\)|[@-Z\\^_])|\x9b[0-?]*[ -/]*[@-~]"
    r"|<\s*\{\s*%[^%<>{}]{0,40}%\s*\}\s*>"  # Pulumi's own, which it leaves in where it does not colour
)
_UNSEEN: Final = re.compile("[\x00-\x08\x0e-\x1f\x7f\u00ad\u200b-\u200f\u2060\ufeff]")
_ESCAPE: Final = re.compile(r"\\\n*(u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|033|.)")
_QUOTES: Final = re.compile("[“”„‟]|&quot;|&#34;|&#x22;")
_BAR_BEHIND: Final = re.compile(r"[ \t\xa0]*[|│┃║][ \t\xa0]*$")
_BEFORE: Final = re.compile(
    r"""[ \t\xa0]*+(?:
        [^"|│┃║\n]{0,60}[|│┃║][ \t]?                                            # a bar, with a name before it
      | (?:>[ \t]?)+                                                            # quoted in a mail
      | \[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?\]?[ \t]*(?:std(?:out|err)[ ][FP][ ])?
      | \[\d\d:\d\d:\d\d[^\]\n]{0,8}\]
      | [A-Z][a-z]{2}[ ]{1,2}\d{1,2}[ ]\d\d:\d\d:\d\d[ ]\S{1,80}[ ]\S{1,80}:[ ]  # syslog
      | [IWEF]\d{4}[ ]\d\d:\d\d:\d\d\.\d+[ ]+\d+[ ]\S{1,80}\][ ]                 # klog
    )""",
    re.VERBOSE,
)
_ENDS: Final = re.compile(r"[\r\n]+")
_BLANKS: Final = re.compile(r"[ \t\xa0]{2,}")
_CUT: Final = re.compile(r"\s*(?:\.\.\.|…|[\[<(]\s*truncated|\Z)")
_QUOTED: Final = re.compile(r'\s*"([^"]{0,400})"')


def plain(text: str) -> str:
    """The text without colours, escapes, and what stands before and behind its lines; at most ``MAX_ERROR`` long."""
    text = _ENDS.sub("\n", text[:MAX_ERROR])
    for _ in range(_ROUNDS):
        text = _lines(_UNSEEN.sub("", _COLOUR.sub("", text)))
        if "\\" not in text:
            break
        text = _ESCAPE.sub(_unescaped, text)
    return _BLANKS.sub(" ", _QUOTES.sub('"', _lines(_UNSEEN.sub("", _COLOUR.sub("", text))).replace("\\", "")))


def _lines(text: str) -> str:
    return "\n".join(line for each in text.split("\n") if (line := _line(each)))


def _line(line: str) -> str:
    line = _BAR_BEHIND.sub("", line) if len(line) <= _LONGEST else line
    for _ in range(_ROUNDS):
        before = _BEFORE.match(line)
        if before is None:
            break
        line = line[before.end() :]
    return line.strip()


_LONGEST: Final = 4096
"""Characters of a line that may have been drawn in a box."""


def _unescaped(match: re.Match[str]) -> str:
    what = match[1]
    if what[0] in "ux" and len(what) > 1:
        return chr(int(what[1:], 16))
    return {"033": "\x1b", "e": "\x1b", "n": "\n", "r": "\n", "t": " ", "f": " ", "b": ""}.get(what, what)


def spread(words: str) -> str:
    """A regular expression for these words, wherever blanks and line ends fall in them."""
    return r"\s*".join(re.escape(each) for each in words if not each.isspace())


@lru_cache(maxsize=256)
def _words(words: str) -> re.Pattern[str]:
    return re.compile(r"\s*" + spread(words))


def joined(value: str) -> str:
    """A value that a line end may have been put into: names hold none. It is cleaned: a text is not to be trusted."""
    return clean(value.replace("\n", "").strip(), 400)


class Scan:
    """Reads a plain text from a place on. ``at`` is behind all that was read; what does not fit moves nothing."""

    __slots__ = ("at", "text")

    def __init__(self, text: str, at: int = 0) -> None:
        self.text = text
        self.at = at

    def words(self, words: str) -> bool:
        """Whether these words come next."""
        return self._took(_words(words).match(self.text, self.at)) is not None

    def quoted(self) -> str | None:
        """The value in quotes that comes next; None where there is none, or it was cut short."""
        found = self._took(_QUOTED.match(self.text, self.at))
        value = joined(found[1]) if found else None
        return None if value is None or value.endswith(("...", "…")) else value

    def match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """What comes next, where it fits a pattern."""
        return self._took(pattern.match(self.text, self.at))

    def cut(self) -> bool:
        """Whether the text ends here, or is said to have been cut here."""
        return _CUT.match(self.text, self.at) is not None

    def begun(self, words: str) -> bool:
        """Whether the text ends, or is said to have been cut, before or within these words."""
        probe = Scan(self.text, self.at)
        for each in words.replace(" ", ""):
            if probe.cut():
                return True
            if not probe.words(each):
                return False
        return False

    def _took(self, found: re.Match[str] | None) -> re.Match[str] | None:
        if found is not None:
            self.at = found.end()
        return found
