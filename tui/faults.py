"""What can go wrong, as one small tree of exceptions whose text is always one clear sentence.

Fault
├── UsageFault          the command line, a kubeconfig, a context or a contract is wrong       exit 2
├── Unverified          something needed could not be read                                     exit 3
│   ├── Unreachable     no answer at all: connection refused, name not found, timeout, TLS
│   └── OutcomeUnknown  a change was sent and no answer came back: it may have been done
└── ApiFault            the API server answered with a failure Status
"""

from dataclasses import dataclass
from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of every command."""

    CLEAN = 0
    BLOCKED = 1
    USAGE = 2
    UNVERIFIED = 3


class Fault(Exception):
    """Any failure Refloat explains itself; ``str()`` is one sentence with the place and the next step."""

    exit_code: Exit = Exit.BLOCKED


class UsageFault(Fault):
    """The command line, kubeconfig, context or contract is wrong; found before anything was sent."""

    exit_code = Exit.USAGE


class Unverified(Fault):
    """Something a verdict rests on could not be read."""

    exit_code = Exit.UNVERIFIED


class Unreachable(Unverified):
    """The API server gave no answer: refused, unknown host, timeout, TLS failure."""


@dataclass(frozen=True, slots=True)
class Cause:
    """One entry of a Status' ``details.causes``."""

    reason: str
    message: str
    field: str


class OutcomeUnknown(Unverified):
    """A change was sent, and the answer was lost: it may or may not have been done; only a new look can say."""


class ApiFault(Fault):
    """The API server's own failure Status: HTTP code, reason, message and causes, already cleaned.

    ``continue_token`` is the token an expired list may offer; Refloat restarts instead of using it.
    """

    exit_code = Exit.UNVERIFIED

    def __init__(self, code: int, reason: str, message: str, causes: tuple[Cause, ...] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.causes = causes

    @property
    def conflicts(self) -> tuple[Cause, ...]:
        """The field-manager conflicts of a refused server-side apply; empty for any other failure."""
        return tuple(cause for cause in self.causes if cause.reason == "FieldManagerConflict")
