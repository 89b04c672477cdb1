from typing import Any

import pytest

from tui.recovery.chain import Entry
from tui.recovery.progress import ActionProgress, ActionState, progress_of

PLANNED: tuple[str, dict[str, Any]] = ("planned", {"entries": [{"entry": "a", "why": "stale"}, "b"]})
SENDING: tuple[str, dict[str, Any]] = ("sending", {"entry": "a", "step": 1, "steps": 2})
SECOND: tuple[str, dict[str, Any]] = ("sending", {"entry": "a", "step": 2, "steps": 2})
ACCEPTED: tuple[str, dict[str, Any]] = ("answered", {"entry": "a", "code": 200})


def after(*told: tuple[str, dict[str, Any]]) -> dict[str, ActionProgress]:
    entries = [Entry(number, "", "", kind, fields, "") for number, (kind, fields) in enumerate(told, 1)]
    return dict(progress_of(entries))


@pytest.mark.parametrize(
    ("told", "state"),
    [
        ([], ActionState.PENDING),
        ([("confirmed", {"entry": "a"})], ActionState.PENDING),
        ([("confirmed", {"entry": "a"}), ("saved", {"entry": "a", "backup": "x"})], ActionState.PENDING),
        ([SENDING], ActionState.IN_DOUBT),
        ([SENDING, ("answered", {"entry": "a", "code": 0})], ActionState.IN_DOUBT),
        ([SENDING, ("answered", {"entry": "a"})], ActionState.IN_DOUBT),
        ([SENDING, ("answered", {"entry": "a", "code": 504})], ActionState.IN_DOUBT),
        ([SENDING, ("answered", {"entry": "a", "code": 409})], ActionState.REFUSED),
        ([SENDING, ACCEPTED], ActionState.ANSWERED),
        ([SENDING, ACCEPTED, SENDING], ActionState.IN_DOUBT),
        ([SENDING, ACCEPTED, SECOND, ("answered", {"entry": "a", "code": 422})], ActionState.ANSWERED),
        ([SENDING, ACCEPTED, SENDING, ("answered", {"entry": "a", "code": 422})], ActionState.REFUSED),
        ([SENDING, ("settled", {"entry": "a", "verdict": "undone"})], ActionState.REFUSED),
        ([SENDING, ("settled", {"entry": "a", "verdict": "undone"}), PLANNED], ActionState.PENDING),
        ([SENDING, ACCEPTED, ("done", {"entry": "a"})], ActionState.DONE),
        ([("in-doubt", {"entry": "a", "why": "no answer"})], ActionState.IN_DOUBT),
        ([SENDING, ("failed", {"entry": "a", "why": "no answer"})], ActionState.IN_DOUBT),
        ([SENDING, ACCEPTED, ("failed", {"entry": "a", "why": "still there"})], ActionState.ANSWERED),
        ([("failed", {"entry": "a", "why": "it could not be saved"})], ActionState.REFUSED),
        ([("refused", {"entry": "a", "why": "it changed"})], ActionState.REFUSED),
        ([("refused", {"entry": "a", "why": "it changed"}), PLANNED], ActionState.PENDING),
        ([("skipped", {"entry": "a"})], ActionState.SKIPPED),
        ([("left", {}), ("resumed", {}), ("torn", {"bytes": 3})], ActionState.PENDING),
        ([SENDING, PLANNED], ActionState.IN_DOUBT),
        ([SENDING, PLANNED, ("refused", {"entry": "a", "why": "it is gone"})], ActionState.IN_DOUBT),
        ([SENDING, ACCEPTED, PLANNED, ("skipped", {"entry": "a"})], ActionState.ANSWERED),
        ([SENDING, ACCEPTED, PLANNED], ActionState.ANSWERED),
        ([("done", {"entry": "a"}), PLANNED], ActionState.DONE),
    ],
)
def test_where_an_action_stands(told: list[tuple[str, dict[str, Any]]], state: ActionState) -> None:
    progress = after(PLANNED, *told)
    assert list(progress) == ["a", "b"]
    assert progress["a"].state is state
    assert progress["b"].state is ActionState.PENDING


def test_what_is_kept_of_an_action() -> None:
    saved = ("saved", {"entry": "a", "backup": "0001-x.yaml"})
    one = after(PLANNED, ("confirmed", {"entry": "a"}), saved, SENDING, ACCEPTED)["a"]
    assert (one.confirmed, one.backup, one.step, one.steps, one.answered) == (True, "0001-x.yaml", 1, 2, 1)
    assert one.details["why"] == "stale"
    assert one.sent == SENDING[1]


def test_planning_again_asks_again_and_keeps_the_backup() -> None:
    one = after(PLANNED, ("confirmed", {"entry": "a"}), ("saved", {"entry": "a", "backup": "x"}), PLANNED)["a"]
    assert (one.confirmed, one.backup) == (False, "x")


def test_a_request_that_no_plan_named_is_not_lost() -> None:
    ref = {"apiVersion": "v1", "kind": "Secret", "namespace": "flux-system", "name": "s", "uid": "u"}
    progress = after(("sending", {"action": "delete", "ref": ref}))
    assert progress["delete Secret flux-system/s"].state is ActionState.IN_DOUBT


def test_damaged_fields_are_passed_over() -> None:
    assert after(("planned", {"entries": "x"}), ("sending", {"entry": 3}), ("done", {})) == {}
