"""Questions at a terminal: what was typed before them is no answer, and nothing stands still while they wait."""

import asyncio
import os
import pty
import sys
from collections.abc import Iterator

import pytest

from tui.asking import answered, line, says_yes
from tui.objects import Ref
from tui.recovery.plan import Action, Entry
from tui.recovery.question import Question


class Keyboard:
    """The other side of the terminal that standard input is, and what is printed."""

    def __init__(self, ours: int, printed: pytest.CaptureFixture[str]) -> None:
        self._ours = ours
        self._printed = printed

    def types(self, text: str) -> None:
        os.write(self._ours, text.encode())

    async def types_after(self, prompt: str, text: str) -> None:
        """Types once the question is there, which it sees only while the loop goes on."""
        while prompt not in self._printed.readouterr().out:  # noqa: ASYNC110 - a print raises no event
            await asyncio.sleep(0)
        self.types(text)


@pytest.fixture
def keyboard(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Keyboard]:
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "r") as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        yield Keyboard(ours, capsys)
    os.close(ours)


async def test_what_was_typed_before_the_question_is_no_answer(keyboard: Keyboard) -> None:
    keyboard.types("y\ny\n")
    typing = asyncio.create_task(keyboard.types_after("sure? ", "n\n"))
    assert await line("sure? ") == "n\n"
    await typing


@pytest.mark.parametrize(
    ("typed", "wanted", "yes"),
    [
        ("y\n", "", True),
        (" Y \n", "", True),
        ("yes\n", "", False),
        ("\n", "", False),
        ("y\ny\n", "old-reader", False),
        ("old-reader\n", "old-reader", True),
        ("Old-reader\n", "old-reader", False),
        ("\xff\n", "", False),
    ],
)
async def test_only_a_whole_yes_is_one(keyboard: Keyboard, typed: str, wanted: str, yes: bool) -> None:
    typing = asyncio.create_task(keyboard.types_after("sure? ", typed))
    assert await says_yes("sure? ", wanted) is yes
    await typing


async def test_a_line_that_was_not_entered_is_no_answer(keyboard: Keyboard) -> None:
    # End of file after a letter hands the letter over without an end of line.
    typing = asyncio.create_task(keyboard.types_after("sure? ", "y\x04"))
    assert await says_yes("sure? ") is False
    await typing


@pytest.mark.parametrize(("typed", "yes"), [("y\n", False), ("data\n", True)])
async def test_what_does_not_come_back_is_told_before_the_name_is_typed(
    keyboard: Keyboard, capsys: pytest.CaptureFixture[str], typed: str, yes: bool
) -> None:
    ref = Ref("v1", "PersistentVolumeClaim", "shop", "data")
    losses = ("PersistentVolume pv-1 was its \x1b[31m", "give it back first: kubectl patch")
    entry = Entry(Action.CREATE, ref, "shop", "shop", "it is not there", "", "it waits", typed="data", losses=losses)
    question = Question(entry, True, "", "", (), "fine", (), "", typed="data")
    printed: list[str] = []

    async def types() -> None:
        while "type data to do it" not in (text := capsys.readouterr().out):
            printed.append(text)
            await asyncio.sleep(0)
        printed.append(text)
        keyboard.types(typed)

    typing = asyncio.create_task(types())
    assert await answered(question) is yes
    await typing
    told = "".join(printed)
    assert "  PersistentVolume pv-1 was its ␛[31m\n  give it back first: kubectl patch\n" in told
