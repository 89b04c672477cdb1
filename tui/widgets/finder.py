"""The one-line filter at the bottom of a list, opened by ``/``."""

from dataclasses import dataclass
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import Input


class Finder(Input):
    """Hidden until opened; tells every change; Enter keeps the filter, esc drops it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "drop", "Drop filter")]

    @dataclass
    class Sought(Message):
        """The filter changed; ``done`` when the operator left the line."""

        text: str
        done: bool = False

    def __init__(self, placeholder: str) -> None:
        super().__init__(placeholder=placeholder, id="finder", select_on_focus=False, compact=True)
        self.cursor_blink = False
        self.display = False

    def open(self) -> None:
        """Shows the line and takes the focus."""
        self.display = True
        self.focus()

    def on_input_changed(self, message: Input.Changed) -> None:
        """Every key narrows or widens."""
        message.stop()
        self.post_message(self.Sought(message.value))

    def on_input_submitted(self, message: Input.Submitted) -> None:
        """Enter goes back to the list and keeps the filter."""
        message.stop()
        self.display = bool(self.value)
        self.post_message(self.Sought(self.value, done=True))

    def action_drop(self) -> None:
        """Empties and hides the line."""
        self.drop()
        self.post_message(self.Sought("", done=True))

    def drop(self) -> None:
        """Empties and hides the line without a word."""
        with self.prevent(Input.Changed):
            self.value = ""
        self.display = False
