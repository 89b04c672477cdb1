"""Journals as lines and rows: sessions, their entries in words, and what became of each action. Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from screens.shelf import Shelf
from tui.recovery.chain import Entry
from tui.recovery.journal import Session
from tui.recovery.ports import Identity
from tui.recovery.progress import ActionProgress, ActionState, progress_of
from tui.widgets.spans import Line, Row, Span, accent, bad, good, line, muted, plural, strong, warn

HEADINGS: Final = ("begun (UTC)", "state", "context", "user", "actions")
ENTRY_HEADINGS: Final = ("time (UTC)", "what", "object", "answer")

UNDER_WAY: Final = "under way"
UNFINISHED: Final = "unfinished"
CLOSED: Final = "closed"
DAMAGED: Final = "damaged"
EMPTY: Final = "empty"

_STATES: Final = {
    UNDER_WAY: good(f"● {UNDER_WAY}"),
    UNFINISHED: warn(f"! {UNFINISHED}"),
    CLOSED: muted(f"· {CLOSED}"),
    DAMAGED: bad(f"✗ {DAMAGED}"),
    EMPTY: muted(f"· {EMPTY}"),
}

ACTION_STATES: Final = {
    ActionState.IN_DOUBT: bad("? in doubt"),
    ActionState.ANSWERED: warn("? half done"),
    ActionState.PENDING: muted("· planned"),
    ActionState.REFUSED: warn("✗ refused"),
    ActionState.SKIPPED: muted("· skipped"),
    ActionState.DONE: good("✓ done"),
}
"""How far an action came; in the order in which it deserves to be read."""


def state_of(session: Session) -> str:
    """How a session stands, in one word or two."""
    if not session.reading.intact:
        return DAMAGED
    if session.busy:
        return UNDER_WAY
    if not session.reading.entries:
        return EMPTY
    return UNFINISHED if session.unfinished else CLOSED


def opened(session: Session) -> Mapping[str, Any]:
    """What the session wrote down of itself first; empty where nothing was."""
    return session.reading.entries[0].fields if session.reading.entries else {}


def begun(session: Session) -> str:
    """``2026-11-23 05:30:07``, from the first entry, or from the file's name where there is none."""
    if session.reading.entries:
        return session.reading.entries[0].time[:19].replace("T", " ")
    name = session.name
    return f"{name[:4]}-{name[4:6]}-{name[6:8]} {name[9:11]}:{name[11:13]}:{name[13:15]}"


def counts(actions: Iterable[ActionProgress]) -> str:
    """``1 in doubt, 3 done``, what needs attention first."""
    found = Counter(action.state for action in actions)
    return ", ".join(f"{found[state]} {_word(state)}" for state in ACTION_STATES if found[state]) or "nothing was done"


def _word(state: ActionState) -> str:
    return ACTION_STATES[state].text[2:]


def session_rows(shelf: Shelf, sought: str = "") -> list[Row]:
    """Every session, newest first; ``sought`` keeps those that have it in some word."""
    if shelf.fault:
        return [Row.note(bad("✗ "), shelf.fault)]
    rows = [
        Row(
            session.name,
            (
                line(begun(session)),
                line(_STATES[state_of(session)]),
                line(_said(opened(session).get("context"))),
                line(_said(opened(session).get("user"))),
                line(counts(progress_of(session.reading.entries).values())),
            ),
        )
        for session in shelf.sessions
    ]
    return _kept(rows, sought) or [Row.note(muted(_none(shelf)))]


def _none(shelf: Shelf) -> str:
    if shelf.read_at is None:
        return "reading the journals..."
    if shelf.sessions:
        return "no session has that in its words"
    return f"no session was recorded yet in {shelf.directory}"


def _kept(rows: list[Row], sought: str) -> list[Row]:
    wanted = sought.casefold()
    return [row for row in rows if wanted in " ".join(span.text for cell in row.cells for span in cell).casefold()]


def _said(value: object) -> str:
    return str(value) if value not in (None, "") else "-"


def chain_line(session: Session) -> Line:
    """Whether every entry is the one that was written, in its place."""
    reading = session.reading
    if not reading.intact:
        return line(bad("✗ the chain is broken: "), reading.fault)
    if reading.torn:
        return line(good("✓ "), f"{plural(len(reading.entries), 'entry', 'entries')} verified; ", warn(reading.fault))
    return line(good("✓ "), f"the chain of {plural(len(reading.entries), 'entry', 'entries')} is whole")


def session_lines(session: Session | None, here: Identity | None) -> tuple[Line, ...]:
    """One session told whole: whether its journal holds, what became of each action, where copies are, who it was.

    ``here`` is the cluster that is open, where one is.
    """
    return tuple(_session(session, here)) if session is not None else ()


def _session(session: Session, here: Identity | None) -> Iterator[Line]:
    fields = opened(session)
    yield chain_line(session)
    actions = progress_of(session.reading.entries).values()
    if can_undo(session, here):
        yield line(accent("u"), muted(" brings back what it deleted or changed, one confirmed resource at a time"))
    yield from action_lines(actions)
    yield ()
    for title, name in (("server", "server"), ("cluster", "cluster"), ("user", "user"), ("contract", "contract")):
        yield line(muted(f"{title:10}"), _said(fields.get(name)))
    yield line(muted("file      "), str(session.path))


def can_undo(session: Session, here: Identity | None) -> bool:
    """Whether a session ended on the cluster that is open, whole, and with something done that may be put back."""
    if here is None or state_of(session) != CLOSED or opened(session).get("cluster") != here.cluster_uid:
        return False
    return any(action.state is ActionState.DONE for action in progress_of(session.reading.entries).values())


def action_lines(actions: Iterable[ActionProgress]) -> Iterator[Line]:
    """Every action with its outcome and its copy, those that need a look first."""
    known = list(actions)
    for state, span in ACTION_STATES.items():
        for action in known:
            if action.state is not state:
                continue
            verb, label = parted(action.id)
            yield line(span, f"  {verb} ", strong(label), f"  {action.why}" if action.why else "")
            if action.backup:
                yield line(muted("    copy  "), action.backup)


def parted(identity: str) -> tuple[str, str]:
    """The action and the object of an entry's id: ``delete apps/Deployment a/b`` is ``delete``, ``Deployment a/b``."""
    verb, _, rest = identity.partition(" ")
    group, slash, label = rest.partition("/")
    return verb, label if slash and " " not in group else rest


def entry_rows(session: Session, sought: str = "") -> list[Row]:
    """The entries in their order; below them where the chain breaks. ``sought`` keeps those with it in some word."""
    reading = session.reading
    day = begun(session)[:10]
    rows = [Row(entry.seq, (line(muted(_time(entry, day))), *_cells(entry))) for entry in reading.entries]
    rows = _kept(rows, sought)
    if reading.fault:
        rows.append(Row.note(bad("✗ ") if not reading.intact else warn("! "), reading.fault))
    return rows or [Row.note(muted("no entry has that in its words"))]


def _time(entry: Entry, day: str) -> str:
    """The time of the day; with its date where that is not the day on which the session began."""
    return entry.time[11:19] if entry.time[:10] == day else entry.time[:19].replace("T", " ")


_WORDS: Final[Mapping[str, Span]] = {
    "opened": strong("session begun"),
    "resumed": strong("session taken up"),
    "closed": strong("session ended"),
    "preflight": Span("cluster read"),
    "planned": Span("plan drawn up"),
    "stated": Span("stated"),
    "confirmed": Span("confirmed"),
    "saved": Span("copy saved"),
    "sending": accent("→ request sent"),
    "done": good("✓ done"),
    "refused": warn("✗ refused"),
    "failed": bad("✗ failed"),
    "in-doubt": bad("? in doubt"),
    "skipped": muted("· skipped"),
    "verified": Span("health checked"),
    "lease": Span("claim"),
    "settled": Span("looked at again"),
    "torn": warn("! a line was cut short"),
}
"""What each kind of entry is called; another is called by its own name."""


def _cells(entry: Entry) -> tuple[Line, Line, Line]:
    fields = entry.fields
    verb, label = parted(str(fields.get("entry") or ""))
    what = _WORDS.get(entry.kind, Span(entry.kind))
    match entry.kind:
        case "answered":
            code = fields.get("code")
            accepted = isinstance(code, int) and 200 <= code < 300
            what = good("← accepted") if accepted else bad("← refused")
            told = [f"HTTP {code}"] + [str(fields[name]) for name in ("reason", "message") if fields.get(name)]
            return line(what), line(label), line(": ".join(told))
        case "sending":
            manager = f" as {fields['manager']}" if fields.get("manager") else ""
            return (
                line(what),
                line(label),
                line(f"{verb}: {fields.get('method')}, request {fields.get('step')}{manager}"),
            )
        case "saved":
            return line(what), line(label), line(str(fields.get("backup") or ""))
        case "planned":
            entries = fields.get("entries")
            number = len(entries) if isinstance(entries, list) else 0
            return line(what), line(_said(fields.get("step"))), line(plural(number, "entry", "entries"))
        case "opened":
            return line(what), line(_said(fields.get("context"))), line(f"as {_said(fields.get('user'))}")
        case _ if label:
            return line(what), line(label), line(str(fields.get("why") or f"{verb} {fields.get('release') or ''}"))
        case _:
            return line(what), (), line(_rest(fields))


def _rest(fields: Mapping[str, Any]) -> str:
    """Every field that says something, by its name."""
    return ", ".join(f"{name} {value}" for name, value in fields.items() if value not in (None, "", []))


def entry_of(session: Session | None, seq: object) -> Entry | None:
    """The entry of this number."""
    entries = session.reading.entries if session else ()
    return next((entry for entry in entries if entry.seq == seq), None)


def entry_lines(entry: Entry | None) -> tuple[Line, ...]:
    """One entry with every field it has, and what it follows."""
    if entry is None:
        return ()
    lines = [line(strong(f"entry {entry.seq}"), f"  {entry.kind}", muted(f"  {entry.time}"))]
    for name, value in entry.fields.items():
        if isinstance(value, list):
            lines.append(line(muted(f"{name:18}"), plural(len(value), "entry", "entries")))
            lines += [line("  ", str(each)) for each in value]
        elif value not in (None, ""):
            lines.append(line(muted(f"{name:18}"), str(value)))
    if entry.fields.get("backup"):
        lines.append(line(accent("y"), muted(" shows the object as it was saved, Secrets masked")))
    lines.append(line(muted(f"sha256 {entry.digest[:16]}, follows {entry.prev[:16]}")))
    return tuple(lines)


def report(session: Session) -> str:
    """A session's journal as Markdown, fit to paste into an incident channel: what became of what, then each entry."""
    fields = {name: _said(opened(session).get(name)) for name in ("context", "server", "user", "contract")}
    actions = list(progress_of(session.reading.entries).values())
    who = f"Context `{fields['context']}` at {fields['server']}, as {fields['user']}; contract `{fields['contract']}`"
    texts = [f"# Session {session.name}: {state_of(session)}", "", who, ""]
    texts += [f"- {_text(chain_line(session))}", f"- {counts(actions)}"]
    for state in ACTION_STATES:
        found = [action for action in actions if action.state is state]
        if found:
            texts += ["", f"## {_word(state).capitalize()} ({len(found)})", ""]
            texts += [f"- {' '.join(parted(each.id))}{_because(each)}" for each in found]
    texts += ["", f"## Entries ({len(session.reading.entries)})", ""]
    for entry in session.reading.entries:
        texts.append(f"- {entry.time} {'; '.join(filter(None, map(_text, _cells(entry))))}")
    return "\n".join(_text(line(text)) for text in texts) + "\n"


def _because(action: ActionProgress) -> str:
    return (f": {action.why}" if action.why else "") + (f" (copy in {action.backup})" if action.backup else "")


def _text(spans: Line) -> str:
    return "".join(span.text for span in spans)
