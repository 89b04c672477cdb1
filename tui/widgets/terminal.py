"""The terminal, which may go away: an SSH connection that drops must end the program, not hang it.

Textual's own writer ends at the first write that fails, and whoever writes next then waits for ever. Here such writes
go nowhere, so that the program comes to its end and gives back what it holds.
"""

from typing import Any, Protocol, cast

from textual.drivers.linux_driver import LinuxDriver


class Stream(Protocol):
    """What a terminal's stream offers."""

    def write(self, text: str, /) -> int:
        """Writes; how many characters that were."""
        ...

    def flush(self) -> None:
        """Sends what was written."""
        ...

    def fileno(self) -> int:
        """Its descriptor."""
        ...

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        ...


class Sink:
    """A stream that swallows what can no longer be written."""

    def __init__(self, file: Stream) -> None:
        self._file = file

    def write(self, text: str) -> int:
        """Writes, as far as there is anybody to read."""
        try:
            return self._file.write(text)
        except OSError:
            return len(text)

    def flush(self) -> None:
        """Flushes, as far as there is anybody to read."""
        try:
            self._file.flush()
        except OSError:
            return

    def fileno(self) -> int:
        """The stream's own descriptor."""
        return self._file.fileno()

    def isatty(self) -> bool:
        """Whether the stream is a terminal."""
        return self._file.isatty()


class Terminal(LinuxDriver):
    """Textual's driver, on a stream that outlives its terminal."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._file = cast("Any", Sink(cast("Stream", self._file)))
