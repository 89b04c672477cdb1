"""The session's Lease and its Events on a real kube-apiserver: its validation, its guards and its clock."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.live.conftest import LiveCluster
from tui.cluster.connect import Connection, connection_from_dict
from tui.cluster.reader import ClusterReader
from tui.cluster.writer import Writer
from tui.objects import Json, Ref
from tui.recovery.events import NOTE_LIMIT, REASONS, EventHerald
from tui.recovery.hold import LeaseHold
from tui.recovery.lease import DURATION, MANAGER, Claim, Me, State, ref_in
from tui.recovery.lease_seat import Means
from tui.recovery.ports import Method, Request

RBAC = "rbac.authorization.k8s.io/v1"


class Let:
    """Lets the test's own requests through the writer."""

    def __init__(self, request: Request) -> None:
        self.request = request


def now() -> datetime:
    return datetime.now(UTC)


async def forever(_: float) -> None:
    await asyncio.Event().wait()


class Sitting:
    """One operator at the live cluster, with a monotonic clock that the test steps."""

    def __init__(self, live: Connection, name: str, *spaces: str) -> None:
        self.ticks = 0.0
        self.reader = ClusterReader(live.api)
        self.writer = Writer(live.api)
        self.me = Me(name, f"20261123T080000Z-{name.partition('@')[0]}", "admin", "live")
        self.notes: list[str] = []
        means = Means(self.reader, self.writer, now, lambda: self.ticks)
        self.hold = LeaseHold(spaces, self.me, means, self.note, forever)

    def note(self, _: str, **fields: Any) -> None:
        self.notes.append(fields["event"])


async def send(live: Connection, method: Method, ref: Ref, body: Json) -> None:
    await Writer(live.api).send(Let(Request(method, ref, body, "" if method is Method.DELETE else "admin")))


async def namespace(live: Connection, name: str) -> None:
    ref = Ref("v1", "Namespace", None, name)
    await send(live, Method.CREATE, ref, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})


async def test_a_lease_is_made_renewed_taken_over_and_given_up(live: Connection) -> None:
    await namespace(live, "lease-one")
    alice, bob = Sitting(live, "alice@bastion", "lease-one"), Sitting(live, "bob@laptop", "lease-one")
    assert (await alice.hold.claim()).state is State.HELD, alice.hold.standing.text
    first = Claim.of((await alice.reader.get(ref_in("lease-one"))) or {})
    assert await alice.hold.refused() == ""
    body, date = await alice.reader.dated(ref_in("lease-one"))
    renewed = Claim.of(body or {})
    assert renewed.version != first.version
    assert date is not None
    assert renewed.written is not None, "the server notes when it was written"
    assert {e["manager"] for e in (body or {})["metadata"]["managedFields"]} == {MANAGER}

    assert (await bob.hold.claim()).state is State.TAKEN
    bob.ticks += DURATION - 1
    assert (await bob.hold.look()).state is State.TAKEN
    assert await alice.hold.refused() == ""
    bob.ticks += DURATION - 1
    assert (await bob.hold.look()).state is State.TAKEN, "it was renewed: the watch begins anew"
    bob.ticks += DURATION
    assert (await bob.hold.look()).typed == "alice@bastion"
    assert await bob.hold.take_over("somebody else") != ""
    assert await bob.hold.take_over("alice@bastion") == ""
    assert "bob@laptop" in await alice.hold.refused()
    await bob.hold.release()
    assert await alice.hold.refused() == "", "what was given up is free"
    await alice.hold.release()
    assert (alice.notes, bob.notes) == (["held", "lost", "held", "released"], ["taken-over", "held", "released"])


async def test_of_a_crowd_exactly_one_gets_it(live: Connection) -> None:
    await namespace(live, "lease-two")
    crowd = [Sitting(live, f"op{n}@desk", "lease-two") for n in range(8)]
    await asyncio.gather(*(each.hold.claim() for each in crowd))
    assert [each.hold.standing.state for each in crowd].count(State.HELD) == 1
    assert [await each.hold.refused() for each in crowd].count("") == 1
    for each in crowd:
        await each.hold.release(keep=True)


async def test_what_bars_a_lease_is_told_in_the_servers_words(live: Connection, live_cluster: LiveCluster) -> None:
    absent = Sitting(live, "alice@bastion", "lease-absent")
    assert (await absent.hold.claim()).state is State.BARRED
    assert 'namespaces "lease-absent" not found' in absent.hold.standing.text

    await namespace(live, "lease-ending")
    finalized = {"name": "held", "namespace": "lease-ending", "finalizers": ["example.org/held"]}
    kept = Ref("v1", "ConfigMap", "lease-ending", "held")
    await send(live, Method.CREATE, kept, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": finalized})
    await send(live, Method.DELETE, Ref("v1", "Namespace", None, "lease-ending"), {"kind": "DeleteOptions"})
    ending = Sitting(live, "alice@bastion", "lease-ending")
    assert (await ending.hold.claim()).state is State.BARRED
    assert "being terminated" in ending.hold.standing.text
    await send(live, Method.MERGE_PATCH, kept, {"metadata": {"finalizers": None}})

    async with await connection_from_dict(live_cluster.kubeconfig("viewer"), timeout=20) as poor:
        viewer = Sitting(poor, "vic@desk", "default")
        assert (await viewer.hold.claim()).state is State.BARRED
        assert "forbidden" in viewer.hold.standing.text
        assert (await viewer.hold.accept()).state is State.WAIVED
        told = await EventHerald(viewer.writer, viewer.me, now).tell(ref_in("default"), "create", "done")
        assert "forbidden" in told
        await viewer.hold.release()
    for each in (absent, ending):
        await each.hold.release()


@pytest.mark.parametrize("action", sorted(action.value for action in REASONS))
async def test_every_event_passes_the_servers_validation(live: Connection, action: str) -> None:
    sitting = Sitting(live, "alice@bastion-" + "x" * 200)
    herald = EventHerald(sitting.writer, sitting.me, now)
    ref = Ref(RBAC, "ClusterRole", None, f"system:refloat:{action}", "0b7d5b0e-0000-4000-8000-000000000000")
    assert await herald.tell(ref, action, "é" * (NOTE_LIMIT + 1)) == ""
    (note,) = await sitting.reader.events_of(ref)
    assert (note.type, note.reason.startswith("Refloat"), note.source) == ("Normal", True, MANAGER)
    events = await live.api.get("/apis/events.k8s.io/v1/namespaces/default/events")
    (same,) = [each for each in events.data["items"] if each["regarding"]["name"] == ref.name]
    assert (same["reportingController"], same["action"]) == (MANAGER, action)


async def test_an_event_on_a_namespaced_object_is_kept_beside_it(live: Connection) -> None:
    await namespace(live, "event-one")
    sitting = Sitting(live, "alice@bastion")
    ref = Ref("apps/v1", "Deployment", "event-one", "gone", "0b7d5b0e-0000-4000-8000-000000000001")
    assert await EventHerald(sitting.writer, sitting.me, now).tell(ref, "delete", "deleted") == ""
    (note,) = await sitting.reader.events_of(ref)
    assert (note.reason, note.message) == ("RefloatDeleted", "deleted")
