"""What the screens with a list and an inspector beside it share: the filter, the pane, YAML and going back."""

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widget import Widget
from textual.widgets import Static

from screens.inspector import Aspect, Inspector
from screens.room import Room
from screens.view import View, awaited
from tui.objects import Key, Ref
from tui.widgets.finder import Finder
from tui.widgets.lines import Lines
from tui.widgets.spans import Line, fit
from tui.widgets.text import content


class Listing(Room):
    """A list on the left, the inspector on the right; on a narrow screen the inspector takes the list's place."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "find", "Filter"),
        Binding("d", "describe", "Describe"),
        Binding("y", "yaml", "YAML"),
        Binding("escape", "back", "Back", show=False),
    ]

    def listing(self) -> Lines:
        """The list."""
        raise NotImplementedError

    def inspector(self) -> Inspector:
        """The pane beside it."""
        raise NotImplementedError

    def above(self) -> Iterable[Line]:
        """The lines over the list."""
        return ()

    def selected(self) -> Key | None:
        """The object under the cursor."""
        raise NotImplementedError

    def selected_ref(self) -> Ref | None:
        """The object under the cursor, as it is to be asked for."""
        key = self.selected()
        view = self.desk.view
        if key is None or view.inventory is None:
            return None
        live = view.inventory.get(key)
        if live is not None:
            return live.ref
        attribution = view.assessment.attributions.get(key) if view.assessment else None
        return attribution.ref if attribution else None

    def sought(self, text: str) -> None:
        """Shows what the filter leaves."""
        raise NotImplementedError

    def draw_list(self, view: View) -> None:
        """Shows a View in the list."""
        raise NotImplementedError

    def body(self) -> Iterable[Widget]:
        """The list and the inspector."""
        yield Static(id="above")
        with Horizontal(id="work"):
            with Vertical(id="found"):
                yield self.make_list()
                yield Finder(self.FILTER_HINT)
            yield self.make_inspector()

    FILTER_HINT: ClassVar[str] = "filter"

    def make_list(self) -> Lines:
        """Builds the list."""
        raise NotImplementedError

    def make_inspector(self) -> Inspector:
        """Builds the inspector."""
        return Inspector(self.desk)

    def draw(self, view: View) -> None:
        """Brings list and inspector up to date."""
        width = self.size.width - 2
        lines = awaited(view) or tuple(fit(one, width) for one in self.above())
        self.query_one("#above", Static).update(content(lines))
        self.draw_list(view)
        self.inspector().look(self.selected())

    def on_resize(self) -> None:
        """Lines are cut to the width."""
        self.redraw()

    def on_lines_moved(self, message: Lines.Moved) -> None:
        """The inspector follows the cursor."""
        message.stop()
        self.inspector().look(self.selected())
        self.refresh_bindings()

    def on_lines_chosen(self, message: Lines.Chosen) -> None:
        """Enter describes."""
        message.stop()
        self.action_describe()

    def on_finder_sought(self, message: Finder.Sought) -> None:
        """The filter narrows the list."""
        message.stop()
        self.sought(message.text)
        if message.done:
            self.listing().focus()

    def action_find(self) -> None:
        """Opens the filter."""
        self.remove_class("-detail")
        self.query_one(Finder).open()

    def action_describe(self) -> None:
        """Shows what is known of the object; on a narrow screen in place of the list."""
        inspector = self.inspector()
        if inspector.aspect is not Aspect.EVIDENCE:
            inspector.tell(top=True)
        self.add_class("-detail")
        inspector.focus()

    def action_yaml(self) -> None:
        """Shows the object as the cluster has it now."""
        self.ask(Aspect.YAML)

    def ask(self, aspect: Aspect, container: str = "", ref: Ref | None = None) -> None:
        """Asks the cluster about the object under the cursor and shows the answer."""
        ref = ref or self.selected_ref()
        if ref is not None:
            self.add_class("-detail")
            self.inspector().ask(aspect, ref, container)
            self.inspector().focus()

    def action_back(self) -> None:
        """From the pane to the list, from the list to the list without a filter."""
        inspector = self.inspector()
        finder = self.query_one(Finder)
        if self.has_class("-detail") or inspector.has_focus:
            self.remove_class("-detail")
            inspector.tell(top=True)
        elif finder.display:
            finder.drop()
            self.sought("")
        self.listing().focus()
