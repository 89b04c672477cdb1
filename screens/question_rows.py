"""The question about one resource, as lines. Pure."""

from collections.abc import Iterator

from screens.plan_rows import ACTIONS, entry_lines
from screens.yaml_text import text_lines
from tui.recovery.plan import Action, Entry
from tui.recovery.question import Question
from tui.widgets.spans import Line, Span, bad, good, line, muted, strong, warn


def question_title(entry: Entry) -> Line:
    """``Delete ClusterRole flux-view?``."""
    word = entry.action.value.replace("-", " ").capitalize()
    whom = f" for {entry.release}" if entry.release and entry.action is not Action.DELETE else ""
    what = f" ({entry.finalizer})" if entry.finalizer else ""
    return line(Span(word, ACTIONS[entry.action][1]), " ", strong(entry.ref.label), f"{what}{whom}?")


def stake_of(question: Question) -> tuple[Line, ...]:
    """What is at stake where a name is to be typed: who loses what, and what is taken from whom."""
    entry = question.entry
    taken = (line("  ", warn("! "), f"takes {text}") for text in _taken(question))
    lost = (line("  ", text) for text in (*entry.used_by, *entry.losses))
    return (question_title(entry), *lost, *taken, line(entry.then))


def _taken(question: Question) -> Iterator[str]:
    for conflict in sorted(question.conflicts):
        yield f"{conflict.field} from {conflict.manager or 'an unnamed manager'}"


def question_lines(question: Question) -> tuple[Line, ...]:
    """The page about one resource, most important first."""
    return tuple(_question(question))


def _question(question: Question) -> Iterator[Line]:
    entry = question.entry
    if question.allowed:
        yield line(good("✓ admitted "), muted("by the gate, on a fresh look"))
    else:
        yield line(bad("✗ refused: "), question.refusal)
    yield from entry_lines(entry)[1:]
    yield line(muted("tried  "), question.dry_run)
    yield from (line(warn("takes  "), text) for text in _taken(question))
    marks = question.evidence or ("none: nothing says who owns it",)
    yield from (line(muted("marks  " if not index else "       "), text) for index, text in enumerate(marks))
    new = entry.action is Action.CREATE
    if question.diff:
        yield ()
        yield line(muted("what the server would make of it" if new else "difference, live against result"))
        yield from (_diff_line(text) for text in question.diff)
    if not (new and question.diff):
        yield ()
        yield line(muted("the stored document" if new else "the resource as it is now"))
        yield from text_lines(question.live_yaml)
    yield ()
    yield line(muted("by hand  "), question.kubectl)


def _diff_line(text: str) -> Line:
    if text.startswith("+"):
        return line(good(text))
    if text.startswith("-"):
        return line(bad(text))
    return line(muted(text) if text.startswith("@@") else Span(text))
