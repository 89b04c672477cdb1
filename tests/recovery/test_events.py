"""What the cluster itself is told of a change: one Event on the object, bounded, and never in anybody's way."""

from typing import Any

import pytest

from tests.recovery.operators import Operator, World, a_world
from tui.faults import OutcomeUnknown
from tui.objects import Ref
from tui.recovery.events import NOTE_LIMIT, REASONS, EventHerald
from tui.recovery.plan import Action
from tui.recovery.ports import Request

RBAC = "rbac.authorization.k8s.io/v1"


async def herald(world: World, **more: Any) -> tuple[EventHerald, Operator]:
    alice = await world.operator("alice@bastion", **more)
    return EventHerald(alice.wire, alice.me, lambda: world.now), alice


def test_every_action_has_its_reason() -> None:
    assert set(REASONS) == set(Action)
    assert len(set(REASONS.values())) == len(REASONS)
    assert all(word.startswith("Refloat") and word.isalpha() and len(word) <= 128 for word in REASONS.values())


@pytest.mark.parametrize(
    ("ref", "kept_in"),
    [
        (Ref("v1", "Service", "flux-system", "web", "u1"), "flux-system"),
        (Ref(RBAC, "ClusterRole", None, "system:gone", "u2"), "default"),
        (Ref("apps/v1", "Deployment", "flux-system", "made"), "flux-system"),
    ],
)
async def test_a_change_is_told_on_its_object_even_when_that_is_gone(ref: Ref, kept_in: str) -> None:
    async with a_world() as world:
        teller, alice = await herald(world)
        assert await teller.tell(ref, "delete", f"{ref.label} is deleted") == ""
        notes = await alice.wire.reader.events_of(ref)
        assert [(n.type, n.reason, n.message, n.source) for n in notes] == [
            ("Normal", "RefloatDeleted", f"{ref.label} is deleted", "refloat")
        ]
        (made,) = world.cluster.world.store.list(("", "events"), kept_in)
        about = made["involvedObject"]
        assert (about["kind"], about["name"], about.get("uid")) == (ref.kind, ref.name, ref.uid)
        assert (made["reportingComponent"], made["reportingInstance"]) == ("refloat", "alice@bastion/session-alice")
        assert made["action"] == "delete"


async def test_two_changes_at_one_moment_are_two_events() -> None:
    async with a_world() as world:
        teller, alice = await herald(world)
        ref = Ref("v1", "Service", "flux-system", "web")
        assert [await teller.tell(ref, action, "done") for action in ("create", "delete")] == ["", ""]
        assert len(await alice.wire.reader.events_of(ref)) == 2


async def test_a_note_is_bounded_and_harmless() -> None:
    async with a_world() as world:
        teller, alice = await herald(world)
        assert await teller.tell(Ref("v1", "Service", "flux-system", "web"), "odd-thing", "\x1b[2Jé" * 5000) == ""
        body: Any = alice.wire.sent[0].body
        assert len(body["message"].encode()) <= NOTE_LIMIT
        assert "\x1b" not in body["message"]
        assert body["reason"] == "RefloatChanged"


@pytest.mark.parametrize(
    ("user", "space", "words"), [("viewer", "flux-system", "is forbidden"), ("admin", "absent", "not found")]
)
async def test_what_cannot_be_told_is_said_and_stops_nothing(user: str, space: str, words: str) -> None:
    async with a_world() as world:
        teller, _ = await herald(world, user=user)
        told = await teller.tell(Ref("v1", "Service", space, "web"), "create", "done")
        assert told.startswith(f"no Event could be recorded on Service {space}/web: ")
        assert words in told


async def test_a_lost_answer_is_said_too() -> None:
    async with a_world() as world:
        teller, alice = await herald(world)

        async def lose(_: Request) -> None:
            raise OutcomeUnknown("the answer was lost")

        alice.wire.after = lose
        assert "the answer was lost" in await teller.tell(Ref("v1", "Service", "flux-system", "web"), "create", "done")
