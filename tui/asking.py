"""Asking at the terminal, one question at a time, while the session behind it goes on: its claim is renewed meanwhile.

Only what is typed after a question was put is an answer to it: a key too many never confirms the next resource.
"""

import asyncio
import os
import sys
import termios
from contextlib import suppress
from typing import Final

from tui.recovery.question import Question
from tui.text import clean

LONGEST: Final = 4096
"""Bytes of a line that a terminal hands over at once."""


async def answered(question: Question) -> bool:
    """Asks for one entry on the terminal. Only ``y``, or the typed name where one is asked for, is a yes."""
    entry = question.entry
    print()
    print(f"{entry.action.value} {clean(entry.ref.label)}")
    told = (entry.why, *question.evidence, *entry.used_by, *entry.losses)
    for text in (*told, f"then: {entry.then}", f"dry run: {question.dry_run}"):
        print(f"  {clean(text)}")
    for line in question.diff[:60]:
        print(f"    {clean(line)}")
    if len(question.diff) > 60:
        print(f"    and {len(question.diff) - 60} lines more")
    typed = question.typed
    prompt = f"type {clean(typed)} to do it, anything else skips: " if typed else "y does it, anything else skips: "
    return await says_yes(prompt, typed)


async def says_yes(prompt: str, typed: str = "") -> bool:
    """Asks on the terminal: only ``y``, or exactly the text that is to be typed, is a yes."""
    answer = (await line(prompt)).strip()
    return answer == typed if typed else answer.lower() == "y"


async def line(prompt: str) -> str:
    """The next line that is typed, with its end; without one where the terminal was closed instead."""
    loop, keys = asyncio.get_running_loop(), sys.stdin.fileno()
    with suppress(termios.error):
        termios.tcflush(keys, termios.TCIFLUSH)
    print(prompt, end="", flush=True)
    typed = asyncio.Event()
    loop.add_reader(keys, typed.set)
    try:
        await typed.wait()
    finally:
        loop.remove_reader(keys)
    data = os.read(keys, LONGEST)
    # A line that was not ended was not entered.
    return data.decode("utf-8", "replace") if data.endswith(b"\n") else ""
