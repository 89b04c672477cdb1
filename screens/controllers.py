"""The Controllers screen: what the health list rests on, live."""

from functools import partial
from typing import ClassVar

from textual.binding import Binding, BindingType

from screens.asking import Asking
from screens.controllers_rows import HEADINGS, controller_rows, log_target, namespaces, state_lines
from screens.desk import Desk, Work
from screens.inspector import Aspect, Inspector
from screens.listing import Listing
from screens.overview_rows import health_spans
from screens.plan_rows import outcome_line
from screens.view import View
from screens.walk import Asked, Ended, Walk, WorkOver
from tui.objects import Key, Ref
from tui.recovery.mend_flux import is_flux
from tui.text import clean
from tui.widgets.ledger import Ledger
from tui.widgets.lines import Lines
from tui.widgets.spans import Line, Row, line, muted, plain_text, warn

BEGIN_FIRST = "reconcile now takes a recovery session: 5 goes to Recovery, b begins one"


class Controllers(Listing):
    """Deployments with their pods, and Flux's objects; events and logs one key away."""

    MODE = "controllers"
    WATCHED = True
    FILTER_HINT = "filter by name or words"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("l", "logs", "Logs"),
        Binding("e", "events", "Events"),
        Binding("r", "reconcile", "Reconcile now"),
    ]

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._filter = ""
        self._log_of: tuple[Key, int] | None = None
        self._busy = ""
        self._walk = Walk(desk, self.post_message)
        self._asking = Asking(self, self._walk, self._take)

    def make_list(self) -> Lines:
        """A table."""
        return Ledger(id="controllers-list", headings=HEADINGS, firm=4)

    def make_inspector(self) -> Inspector:
        """The state in place of the evidence of ownership."""
        return Inspector(self.desk, lambda view, key: state_lines(view, key, self.desk.now()))

    def listing(self) -> Ledger:
        """The table."""
        return self.query_one("#controllers-list", Ledger)

    def inspector(self) -> Inspector:
        """The pane beside it."""
        return self.query_one("#detail", Inspector)

    def selected(self) -> Key | None:
        """The controller, pod or Flux object under the cursor."""
        key = self.listing().key
        return key if isinstance(key, Key) else None

    def above(self) -> tuple[Line, ...]:
        """Healthy or not, and where these rows come from."""
        view = self.desk.view
        lost = sorted(kind.kind for kind in view.feed.lost)
        lines = [line(*health_spans(view.health), muted(f"   namespaces {', '.join(namespaces(view.contract))}"))]
        if lost:
            lines.append(line(warn(f"! not fresh: {', '.join(lost)}: "), view.feed.reason))
        return tuple(lines)

    def draw_list(self, view: View) -> None:
        """The rows of the moment."""
        rows = controller_rows(view, self.desk.now(), self._filter)
        if view.controllers is not None and not any(row.key for row in rows):
            rows.append(Row.note(muted("nothing to show: the health list names nothing that is there")))
        self.listing().show(rows)

    def sought(self, text: str) -> None:
        """Filters by name and words."""
        self._filter = text
        self.draw_list(self.desk.view)

    def visit(self, focus: object) -> None:
        """Puts the cursor on what a finding names."""
        if isinstance(focus, Ref):
            self.listing().go_to(focus.key)

    def action_events(self) -> None:
        """Shows what the cluster says happened to the object."""
        self.ask(Aspect.EVENTS)

    def action_logs(self) -> None:
        """Shows a pod's log; pressed again, that of its next container."""
        key = self.selected()
        target = log_target(self.desk.view, key) if key else None
        if target is None or not target[1]:
            return
        pod, containers = target
        turn = self._log_of[1] + 1 if self._log_of and self._log_of[0] == pod else 0
        self._log_of = (pod, turn % len(containers))
        live = self.desk.view.controllers.get(pod) if self.desk.view.controllers else None
        if live is not None:
            self.ask(Aspect.LOGS, containers[turn % len(containers)], live.ref)

    def action_reconcile(self) -> None:
        """Asks a Flux object to reconcile now: through the gate, in a session."""
        ref = self.selected_ref()
        if ref is None or not is_flux(ref):
            return
        if self.desk.session is None:
            told = "read-only: nothing can be changed here" if self.desk.view.read_only else BEGIN_FIRST
            self.notify(told, severity="warning", markup=False)
        else:
            self._work(f"a fresh look at {ref.label}...", partial(self._walk.reconcile, ref))

    def _take(self, busy: str) -> bool:
        """Takes the one place for work; False while other work is under way."""
        free, self._busy = not self._busy, self._busy or busy
        return free

    def _work(self, busy: str, work: Work) -> None:
        if self._take(busy):
            self.desk.spawn(work)

    def on_asked(self, message: Asked) -> None:
        """Puts the question."""
        message.stop()
        self._asking.put(message)

    def on_ended(self, message: Ended) -> None:
        """Tells how it ended."""
        message.stop()
        self.notify(clean(plain_text(outcome_line(message.outcome)), 400), markup=False)

    def on_work_over(self, message: WorkOver) -> None:
        """The place for work is free again."""
        message.stop()
        self._busy = ""
        if message.trouble:
            self.notify(clean(message.trouble, 400), severity="warning", markup=False)

    def action_back(self) -> None:
        """Back to the list; the next log is the first container's again."""
        self._log_of = None
        super().action_back()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Logs where there are containers, a request to reconcile where Flux would hear it."""
        del parameters
        key = self.selected() if self.is_mounted else None
        if action == "reconcile":
            return key is not None and key.group.endswith(".toolkit.fluxcd.io")
        if action == "logs":
            return True if key is not None and key.kind in ("Pod", "Deployment") else None
        return True
