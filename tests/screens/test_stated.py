"""What the line for a word promises: it has the focus from the first, so nothing typed is lost."""

from textual.app import App
from textual.message import Message
from textual.widgets import Input

from screens.typed import Typed
from tui.widgets.spans import line


async def test_the_line_is_the_first_to_have_the_focus() -> None:
    app: App[None] = App()
    focused: list[type] = []

    def watch(_: Message) -> None:
        if app.screen_stack and isinstance(app.screen, Typed) and app.focused is not None:
            focused.append(type(app.focused))

    async with app.run_test(message_hook=watch) as pilot:
        app.push_screen(Typed("Begin", [line("what is at stake")], "practice"))
        await pilot.pause()
    assert set(focused) == {Input}
