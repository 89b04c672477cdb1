"""Fixtures of the screens' tests: a judged cluster, and an app whose environment does not leak in."""

from pathlib import Path

import pytest

from screens.changes import controllers_of
from screens.judging import Judgement, judge
from screens.view import Feed, Phase, View
from tests.screens.fakes import IDENTITY
from tests.screens.world import CONTRACT, NOW, inventory, trouble


@pytest.fixture(autouse=True)
def still_terminal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A terminal that is the same everywhere, and a machine on which no session was recorded."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    for name in ("NO_COLOR", "TEXTUAL_THEME", "TEXTUAL_ANIMATIONS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLORTERM", "truecolor")


@pytest.fixture(scope="session")
def judged() -> Judgement:
    """The incident of ``world.trouble``, judged for real."""
    return judge(CONTRACT, inventory(trouble()), NOW)


@pytest.fixture
def view(judged: Judgement) -> View:
    """The incident as a View."""
    return View(
        context="practice",
        contract=CONTRACT,
        phase=Phase.READY,
        identity=IDENTITY,
        inventory=judged.assessment.inventory,
        controllers=controllers_of(judged.assessment.inventory, CONTRACT),
        assessment=judged.assessment,
        health=judged.health,
        tally=judged.tally,
        index=judged.index,
        read_at=NOW,
        feed=Feed(),
        stage=1,
    )
