"""The pane beside a list: what is known of the object under the cursor, its YAML, its log, its events."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from textual import work
from textual.message import Message
from textual.worker import Worker, WorkerState

from screens.desk import Desk
from screens.evidence import evidence_lines
from screens.link import Note
from screens.view import View
from screens.yaml_text import text_lines, yaml_lines
from tui.faults import Fault
from tui.objects import Key, Ref
from tui.text import clean
from tui.widgets.pane import Pane
from tui.widgets.spans import Line, bad, line, muted, strong, warn

TAIL: Final = 500
"""Lines read of a log."""


class Aspect(StrEnum):
    """What the pane tells of its object."""

    EVIDENCE = "Evidence"
    YAML = "YAML"
    LOGS = "Logs"
    EVENTS = "Events"


@dataclass(frozen=True, slots=True)
class Question:
    """One thing asked of the cluster. ``number`` tells a late answer from the one that is waited for."""

    number: int
    aspect: Aspect
    ref: Ref
    container: str = ""


@dataclass
class Answered(Message):
    """The lines that answer a question."""

    question: Question
    lines: tuple[Line, ...]


Describe = Callable[[View, Key], Iterable[Line]]
"""What is known of an object without asking the cluster again."""


def known_evidence(view: View, key: Key) -> Iterable[Line]:
    """The evidence page, once there is an assessment."""
    if view.assessment is None or view.index is None:
        return ()
    return evidence_lines(view.contract, view.assessment, view.index, key)


class Inspector(Pane):
    """Follows a list's cursor. What has to be asked of the cluster is asked in a worker, one question at a time."""

    def __init__(self, desk: Desk, describe: Describe = known_evidence, *, id: str = "detail") -> None:  # noqa: A002 - Textual's own name for it
        super().__init__(Aspect.EVIDENCE.value, id=id, classes="side")
        self._desk = desk
        self._describe = describe
        self._key: Key | None = None
        self._asked = Question(0, Aspect.EVIDENCE, Ref("", "", None, ""))

    @property
    def aspect(self) -> Aspect:
        """What is shown or awaited."""
        return self._asked.aspect

    def look(self, key: Key | None) -> None:
        """Shows what is known of another object, or of the same one anew."""
        if key != self._key:
            self._key = key
            self.tell(top=True)
        elif self.aspect is Aspect.EVIDENCE:
            self.tell()

    def tell(self, *, top: bool = False) -> None:
        """Shows what is known without asking."""
        self._asked = Question(self._asked.number + 1, Aspect.EVIDENCE, self._asked.ref)
        self.name_it(Aspect.EVIDENCE.value)
        self.show(self._describe(self._desk.view, self._key) if self._key else (), top=top)

    def ask(self, aspect: Aspect, ref: Ref, container: str = "") -> None:
        """Asks the cluster; the answer is shown when it comes, unless another question was asked since."""
        question = Question(self._asked.number + 1, aspect, ref, container)
        self._asked = question
        self.name_it(f"{aspect.value} of {ref.label}" + (f" container {container}" if container else ""))
        self.show((line(muted(f"reading {aspect.value} of {ref.label}...")),), top=True)
        self._fetch(question)

    @work(group="inspect", exclusive=True, exit_on_error=False, description="ask about an object")
    async def _fetch(self, question: Question) -> None:
        try:
            lines = await self._read(question)
        except Fault as fault:
            lines = (line(bad("✗ "), str(fault)), line(muted("esc goes back, the same key tries again")))
        self.post_message(Answered(question, lines))

    async def _read(self, question: Question) -> tuple[Line, ...]:
        link = self._desk.link
        if link is None:
            return (line(muted("not connected")),)
        match question.aspect:
            case Aspect.YAML:
                body = await link.reader.get(question.ref)
                return (line(warn("it is not there (any more)")),) if body is None else yaml_lines(body)
            case Aspect.LOGS:
                text = await link.logs(question.ref, question.container, TAIL)
                return text_lines(text) or (line(muted("the log is empty")),)
            case Aspect.EVENTS:
                return event_lines(await link.events(question.ref))
            case Aspect.EVIDENCE:
                return ()

    def on_answered(self, message: Answered) -> None:
        """Shows the answer that is waited for; a late one is dropped."""
        message.stop()
        if message.question == self._asked:
            self.show(message.lines)
            if message.question.aspect is Aspect.LOGS:
                self.scroll_end(animate=False)

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """What nobody foresaw is told in place of the answer."""
        event.stop()
        if event.state is WorkerState.ERROR:
            self.show((line(bad("✗ "), f"could not be read: {clean(event.worker.error, 300)}"),))


def event_lines(notes: Iterable[Note]) -> tuple[Line, ...]:
    """The cluster's Events about an object, newest first."""
    lines: list[Line] = []
    for note in reversed(list(notes)):
        mark = warn("! ") if note.type == "Warning" else muted("· ")
        times = f" {note.count} times" if note.count > 1 else ""
        lines += [line(mark, strong(note.reason), muted(f"  {note.last}{times}")), line("    ", note.message)]
    return tuple(lines) or (line(muted("the cluster keeps no events about it")),)
