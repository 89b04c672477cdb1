"""What replay cannot bring back, on the screens: beside the table, in the question, and where the name is typed."""

from datetime import date

from screens.plan_rows import entry_lines
from screens.question import Ask
from screens.question_rows import question_lines, stake_of
from screens.typed import Typed
from tests.clusters import contract, document
from tests.clusters import inventory as known
from tests.clusters import record as kept
from tests.recovery.test_losses_session import CLAIM, VOLUME
from tests.screens.piloting import SMALL, painted, pane_text, press, running, static_text, write
from tests.screens.sessions import session_link
from tests.screens.world import ACTIVE, CONTROLLERS, manifest, record, trouble
from tui.ownership.assess import assess
from tui.recovery.gate import Look, pins_of
from tui.recovery.plan import Entry, PlanKind
from tui.recovery.planner import plan
from tui.recovery.question import Question, Trial, asked
from tui.widgets.spans import plain_text

SHELL = "---\napiVersion: v1\nkind: Secret\nmetadata:\n  name: webhook-key\ntype: Opaque\n"
LOST = "comes back as an empty shell: its stored document holds no data; what it held is lost"
GIVE = (
    'kubectl patch persistentvolume pv-1 --type=merge -p \'{"metadata":{"uid":"uid-persistentvolume--pv-1"},'
    '"spec":{"claimRef":{"uid":null,"resourceVersion":null}}}\''
)


def claim_question() -> Question:
    stored = kept("gitops-flux-0000aaaa", documents=[document(CLAIM)])
    assessment = assess(contract(), known([stored, VOLUME]), today=date(2026, 2, 1))
    (entry,) = plan(PlanKind.REPLAY, contract(), assessment).entries
    look = Look(assessment, None, pins_of(contract(), assessment))
    return asked(entry, look, Trial(ok=True, text="fine", result=CLAIM))


def texts(lines: object) -> list[str]:
    return [plain_text(line) for line in lines]  # type: ignore[attr-defined] # lines of a screen


def test_the_question_and_the_place_where_the_name_is_typed_say_what_is_lost_and_how_to_get_it_back() -> None:
    question = claim_question()
    assert question.typed == "data"
    entry: Entry = question.entry
    for shown in (entry_lines(entry), question_lines(question), stake_of(question)):
        lines = texts(shown)
        assert any("PersistentVolume pv-1 (5Gi, Released, Retain" in line for line in lines)
        assert any(line.endswith(f"give it back first: {GIVE}") for line in lines)
    assert "! asks for its name, typed: data" in texts(question_lines(question))


async def test_an_empty_shell_is_made_only_once_its_name_was_typed_beside_what_is_lost() -> None:
    stored = record(ACTIVE, 3, "deployed", manifest(CONTROLLERS) + SHELL)
    bodies = [stored if one["metadata"]["name"] == stored["metadata"]["name"] else one for one in trouble()]
    link, session = session_link(bodies)
    async with running(link, size=SMALL) as (app, pilot):
        await press(pilot, "5", "right", "right", "b")
        await write(pilot, "practice")
        await press(pilot, "enter", "g")
        assert f"data   {LOST}" in " ".join(pane_text(app).split("\n")).replace("  ", " ") or LOST[:40] in pane_text(
            app
        )
        await press(pilot, "enter")
        assert isinstance(app.screen, Ask)
        assert "after its name is typed" in static_text(app, "#asked")
        assert LOST[:40] in pane_text(app, "#page")
        await press(pilot, "y")
        assert isinstance(app.screen, Typed)
        assert LOST[:40] in painted(app)
        await write(pilot, "webhook")
        await press(pilot, "enter")
        assert session.done == []
        await write(pilot, "-key")
        await press(pilot, "enter")
        assert session.done == ["Secret flux-system/webhook-key"]
        assert session.typed == ["webhook-key"]
