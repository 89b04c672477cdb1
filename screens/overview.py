"""The Overview: is it healthy, what is wrong first, what do I press."""

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widget import Widget
from textual.widgets import Static

from screens.desk import Desk
from screens.offer import offer_lines
from screens.overview_rows import (
    brief_lines,
    controller_lines,
    destination,
    family_lines,
    finding_lines,
    finding_rows,
    verdict_lines,
    where_lines,
)
from screens.room import Begin, Room, Visit
from screens.view import View
from tui.ownership.model import Finding
from tui.widgets.ledger import Ledger
from tui.widgets.lines import Lines
from tui.widgets.pane import Pane
from tui.widgets.spans import Line, fit, muted
from tui.widgets.text import content


class Findings(Ledger):
    """The findings, in which Enter has a name of its own."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "choose", "Go and mend it")]


class Overview(Room):
    """Verdict, ownership bar, controllers, releases, findings; Enter goes to what mends the finding."""

    MODE = "overview"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("d", "describe", "Evidence"),
        Binding("b", "begin", "Go on with the session"),
        Binding("escape", "back", "Back", show=False),
    ]

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._offering = False

    def body(self) -> Iterable[Widget]:
        """Facts on top, findings below; the finding's evidence beside them where there is room."""
        yield Static(id="verdict")
        yield Static(id="brief")
        with Horizontal(id="facts"):
            yield Pane("Controllers", id="controllers")
            yield Pane("Releases", id="releases")
        with Horizontal(id="work"):
            with Vertical(id="found"):
                yield Findings(id="findings", firm=2, headings=("severity", "finding", "what"))
            yield Pane("Evidence", id="detail", classes="side")
        yield Static(id="where")

    def draw(self, view: View) -> None:
        """Shows what is known; before the first answer, that it is awaited."""
        width = self.size.width - 2
        offered = () if view.in_session else (fit(one, width) for one in offer_lines(view.left_open))
        self.query_one("#verdict", Static).update(content([*offered, *verdict_lines(view, width)]))
        waiting: tuple[Line, ...] = ((muted("not read yet"),),) if view.assessment is None else ()
        controllers = waiting or controller_lines(view.health, 20 if self.has_class("-tall") else 4)
        families = waiting or family_lines(view)
        self.query_one("#controllers", Pane).show(controllers)
        self.query_one("#releases", Pane).show(families)
        self.query_one("#brief", Static).update(content(brief_lines(controllers, families, self.size.width - 2)))
        self.query_one("#findings", Ledger).show(finding_rows(view))
        self.query_one("#where", Static).update(content(where_lines(view, self.size.width - 2)))
        self._describe()
        if self.check_action("begin", ()) != self._offering:
            self._offering = not self._offering
            self.refresh_bindings()

    def on_resize(self) -> None:
        """Some lines are cut to the width."""
        self.redraw()

    def _finding(self) -> Finding | None:
        key = self.query_one("#findings", Ledger).key
        return key if isinstance(key, Finding) else None

    def _describe(self) -> None:
        self.query_one("#detail", Pane).show(finding_lines(self._finding()))

    def on_lines_moved(self, message: Lines.Moved) -> None:
        """The evidence follows the cursor."""
        message.stop()
        self._describe()

    def on_lines_chosen(self, message: Lines.Chosen) -> None:
        """Enter goes to the screen and step that mends the finding."""
        message.stop()
        finding = self._finding()
        if finding is not None:
            where = destination(finding)
            self.post_message(Visit(where.mode, where.focus))

    def action_describe(self) -> None:
        """Shows the finding's evidence, where it is not beside it already."""
        self.toggle_class("-detail")

    def action_begin(self) -> None:
        """Goes to the Recovery screen and goes on with the session that was left open."""
        self.post_message(Visit("recovery", Begin()))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool:
        """A session is taken up where one was left open."""
        del parameters
        view = self.desk.view
        return bool(view.left_open) and not view.in_session and not view.read_only if action == "begin" else True

    def action_back(self) -> None:
        """Back to the list."""
        self.remove_class("-detail")
        self.query_one("#findings", Ledger).focus()
