"""Files for their owner alone: opened without following links, written durably, every refusal told in a sentence."""

import errno
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tui.recovery.chain import JournalFault
from tui.text import clean

NO_FOLLOW: Final = os.O_NOFOLLOW | os.O_CLOEXEC

_FULL = "the disk is full; nothing more is sent: free some space and start again"
_LINKED = "it is a symbolic link or no directory; remove it or name another state directory"
_DENIED = "permission denied; make it readable and writable for you, or name another state directory"
_STEPS: Final[Mapping[int, str]] = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EFBIG: _FULL,
    errno.ELOOP: _LINKED,
    errno.ENOTDIR: _LINKED,
    errno.EEXIST: _LINKED,
    errno.EACCES: _DENIED,
    errno.EPERM: _DENIED,
    errno.EROFS: "the file system is read-only; name another state directory",
    errno.EAGAIN: "another process holds it; end that session first",
    errno.ENOENT: "there is no such file; list the journals to see those there are",
}


@contextmanager
def explained(doing: str, path: Path) -> Iterator[None]:
    """Turns whatever the disk refuses into a JournalFault: what was being done, where, why, and the next step."""
    try:
        yield
    except OSError as error:
        told = error.strerror or str(error)
        step = _STEPS.get(error.errno or 0)
        raise JournalFault(f"cannot {doing} {clean(path, 400)}: {step or told}") from error


def open_directory(directory: Path, *, create: bool) -> int:
    """The directory, proven to be the user's own; ``create`` makes it and keeps it for the owner alone."""
    if create:
        directory.parent.mkdir(parents=True, exist_ok=True)
        try:
            directory.mkdir(mode=0o700)
            sync_directory(directory.parent)
        except FileExistsError:
            pass  # judged below, through the descriptor, like one that was just made
    opened = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | NO_FOLLOW)
    try:
        own(opened, directory, 0o700 if create else None)
    except BaseException:
        os.close(opened)
        raise
    return opened


def own(descriptor: int, path: Path, mode: int | None) -> None:
    """Refuses what belongs to somebody else; sets the mode where one is given."""
    found = os.fstat(descriptor)
    if found.st_uid != os.geteuid():
        raise JournalFault(
            f"{clean(path, 400)} belongs to another user (uid {found.st_uid}): the journal would not be yours alone; "
            "name another state directory"
        )
    if mode is not None and stat.S_IMODE(found.st_mode) != mode:
        os.fchmod(descriptor, mode)


def sync_directory(directory: Path) -> None:
    """Makes the names in a directory durable."""
    opened = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def open_regular(path: Path | str, flags: int, directory: int | None = None) -> int:
    """A regular file's descriptor, its last part never a link; relative to ``directory`` where one is given."""
    # Non-blocking, or a pipe in the file's place would hold the program until somebody writes to it.
    opened = os.open(path, flags | NO_FOLLOW | os.O_NONBLOCK, dir_fd=directory)
    if not stat.S_ISREG(os.fstat(opened).st_mode):
        os.close(opened)
        raise OSError(errno.EINVAL, "it is no regular file")
    return opened


def read_all(file: int, limit: int) -> bytes:
    """The file from its start, refused with OSError over ``limit`` bytes."""
    size = os.fstat(file).st_size
    if size > limit:
        raise OSError(errno.EINVAL, f"it has {size} bytes, over the {limit} that are read")
    os.lseek(file, 0, os.SEEK_SET)
    pieces = []
    while size > 0 and (piece := os.read(file, min(size, 1 << 20))):
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)


def write(descriptor: int, data: bytes) -> None:
    """Writes all of it, however little the system takes at a time."""
    left = memoryview(data)
    while left:
        left = left[os.write(descriptor, left) :]


def write_new(folder: int, name: str, data: bytes) -> str:
    """Writes a file that did not exist, numbered after those there; its final name once it is durable."""
    number = len(os.listdir(folder))
    while True:
        numbered = f"{number:04d}-{name}.yaml"
        try:
            file = os.open(numbered, os.O_WRONLY | os.O_CREAT | os.O_EXCL | NO_FOLLOW, 0o600, dir_fd=folder)
        except FileExistsError:
            number += 1
            continue
        break
    try:
        os.fchmod(file, 0o600)
        write(file, data)
        os.fsync(file)
    finally:
        os.close(file)
    os.fsync(folder)
    return numbered
