"""Pauses Python's search for reference cycles while much is built that has none."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collector_paused() -> Iterator[None]:
    """Pauses it for the block, and leaves it as it was: of two blocks at once the first to begin brings it back.

    JSON and what is judged of it hold no cycles, and looking through all of it every few hundred objects takes as long
    as building it.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
