"""The line that says what is expected: a name, a file with the owner's error, or the error itself."""

from pathlib import Path

import pytest
from textual.app import App
from textual.widgets import Input, Static

from screens.session_lines import wish_lines
from screens.stating import ask_wish
from screens.view import View
from tests.clusters import contract
from tests.ownership.judging import judge
from tui.ownership.model import Wish
from tui.widgets.spans import plain_text

NAME = "gitops-flux-12345678"
ERROR = (
    'Error: INSTALLATION FAILED: Unable to continue with install: ClusterRole "a" in namespace "" exists and cannot be '
    "imported into the current "
    'release: invalid ownership metadata; annotation validation error: key "meta.helm.sh/release-name" must equal '
    f'"{NAME}": current value is "gitops-flux-ffffffff"'
)


async def asked(line: str) -> tuple[list[Wish], str]:
    """What was stated by a line, and what the screen said of it."""
    app: App[None] = App()
    wishes: list[Wish] = []
    async with app.run_test(size=(200, 50)) as pilot:
        ask_wish(app, View("c", contract(), assessment=judge([])), wishes.append)
        await pilot.pause()
        app.screen.query_one(Input).value = line
        await pilot.press("enter")
        await pilot.pause()
        said = "" if wishes else str(app.screen.query_one("#demand", Static).content)
    return wishes, said


@pytest.mark.parametrize("how", ["name", "file", "pasted"])
async def test_each_way_to_say_it_states_the_release(how: str, tmp_path: Path) -> None:
    path = tmp_path / "error.txt"
    path.write_text(ERROR)
    wishes, _ = await asked({"name": NAME, "file": f"@{path}", "pasted": ERROR}[how])
    assert [wish.expected for wish in wishes] == [NAME]
    assert len(wishes[0].error.conflicts) == (how != "name")


async def test_that_the_next_install_is_not_atomic_is_stated_beside_the_release() -> None:
    assert (await asked(f"{NAME} --not-atomic"))[0] == [Wish(NAME, not_atomic=True)]
    wishes, told = await asked("--not-atomic")
    assert wishes == []
    assert "(--not-atomic --expect NAME)" in told
    said = "\n".join(plain_text(each) for each in wish_lines(Wish(NAME, not_atomic=True)))
    assert "--not-atomic   its next install is not atomic" in said
    assert said.endswith("its next install is not atomic")


async def test_what_pulumi_said_states_objects_and_no_release() -> None:
    ((wish,), _) = await asked("pulumi:pulumi:Stack a-b failed " + ERROR.partition("FAILED: ")[2])
    assert (wish.expected, len(wish.error.conflicts)) == (None, 1)


@pytest.mark.parametrize(
    ("named", "said"),
    [("nowhere", "cannot be read"), ("", "is no file"), ("empty", "is empty"), ("other", "tells of no")],
)
async def test_a_file_that_does_not_help_is_said_and_the_line_stays(named: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    (tmp_path / "other").write_text("all is well")
    wishes, told = await asked(f"@{tmp_path / named}")
    assert wishes == []
    assert said in told
