"""Two operators on one cluster: exactly one may act, the other sees who it is, and nobody trusts a wall clock."""

import asyncio
import re
from typing import Any

import pytest

from tests.recovery.operators import SPACE, Let, Operator, World, a_world
from tui.faults import ApiFault, Exit, OutcomeUnknown, Unreachable
from tui.objects import Ref
from tui.recovery.hold import INTERVAL, RETRY, LeaseTaken, insist
from tui.recovery.lease import DURATION, NAME, State, ref_in
from tui.recovery.ports import Answer, Method, Request


async def two(world: World, **more: Any) -> tuple[Operator, Operator]:
    return await world.operator("alice@bastion", **more), await world.operator("bob@laptop")


async def test_the_first_holds_and_the_second_sees_who_since_when_and_until_when() -> None:
    async with a_world() as world:
        alice, bob = await two(world)
        assert (await alice.hold.claim()).state is State.HELD
        assert await alice.hold.refused() == ""
        body = world.lease()
        assert body is not None
        assert body["spec"]["holderIdentity"] == "alice@bastion/session-alice"
        assert body["spec"]["leaseDurationSeconds"] == DURATION
        assert body["metadata"]["annotations"] == {"refloat/context": "practice", "refloat/user": "alice@bastion.api"}

        standing = await bob.hold.claim()
        assert (standing.state, standing.may_act, standing.typed) == (State.TAKEN, False, "")
        assert standing.holder is not None
        assert standing.holder.session == "session-alice"
        told = await bob.hold.refused()
        for word in ("alice@bastion", SPACE, "since 2026-11-23T08:00:00Z", "until 2026-11-23T08:01:00Z"):
            assert word in told
        assert "alice@bastion" in await bob.hold.take_over("alice@bastion")
        assert await bob.hold.accept() == bob.hold.standing, "another's claim cannot be waived"
        assert not bob.hold.standing.may_act
        assert world.holder().startswith("alice@bastion/")
        assert bob.wire.sent == [], "who looks on sends nothing"


async def test_who_waits_takes_what_was_given_up() -> None:
    async with a_world() as world:
        alice, bob = await two(world)
        await alice.hold.claim()
        await bob.hold.claim()
        await alice.hold.release()
        assert world.holder() == ""
        assert await bob.hold.refused() == ""
        assert world.holder() == "bob@laptop/session-bob"
        assert (alice.events, bob.events) == (["held", "released"], ["held"])
        assert all(fields["namespaces"] == [SPACE] for _, fields in (*alice.notes, *bob.notes))


@pytest.mark.parametrize("given_up_before", [False, True])
async def test_of_two_who_reach_for_it_at_once_exactly_one_gets_it(given_up_before: bool) -> None:
    async with a_world() as world:
        alice, bob = await two(world)
        if given_up_before:
            carol = await world.operator("carol@desk")
            await carol.hold.claim()
            await carol.hold.release()

        async def bob_is_quicker(_: Request) -> None:
            alice.wire.before = None
            await bob.hold.claim()

        alice.wire.before = bob_is_quicker
        await alice.hold.claim()
        assert (alice.hold.standing.state, bob.hold.standing.state) == (State.TAKEN, State.HELD)
        assert world.holder() == "bob@laptop/session-bob"


async def test_any_number_at_once_leave_one_holder() -> None:
    async with a_world() as world:
        crowd = [await world.operator(f"op{n}@desk") for n in range(6)]
        await asyncio.gather(*(each.hold.claim() for each in crowd))
        assert [each.hold.standing.state for each in crowd].count(State.HELD) == 1
        refused = [await each.hold.refused() for each in crowd]
        assert refused.count("") == 1


async def test_a_silent_holder_is_taken_over_by_typing_his_name_alone() -> None:
    async with a_world() as world:
        alice, bob = await two(world)
        await alice.hold.claim()
        world.wait(DURATION + 3)
        standing = await bob.hold.claim()
        assert (standing.state, standing.typed) == (State.LAPSED, "alice@bastion")
        assert "silent for 63 s" in standing.text
        for typed in ("", "bob@laptop", "alice", "yes", "alice@bastion/session-alice"):
            assert "nothing was taken over" in await bob.hold.take_over(typed)
        assert await bob.hold.refused() == standing.text
        assert await bob.hold.take_over(" alice@bastion ") == ""
        assert await bob.hold.refused() == ""
        assert bob.events == ["taken-over", "held"]
        assert bob.notes[0][1]["of"] == "alice@bastion"
        assert (world.lease() or {})["spec"]["leaseTransitions"] == 1

        assert "bob@laptop" in await alice.hold.refused()
        assert alice.events == ["held", "lost"]


async def test_a_holder_who_renews_while_his_name_is_typed_keeps_it() -> None:
    async with a_world() as world:
        alice, bob = await two(world)
        await alice.hold.claim()
        world.wait(DURATION + 3)
        assert (await bob.hold.claim()).state is State.LAPSED

        async def alice_wakes(_: Request) -> None:
            bob.wire.before = None
            assert await alice.hold.refused() == ""

        bob.wire.before = alice_wakes
        told = await bob.hold.take_over("alice@bastion")
        assert re.search("alice@bastion .* holds the recovery", told), told
        assert world.holder().startswith("alice@")
        assert "taken-over" not in bob.events


@pytest.mark.parametrize("skew", [-7.0, 0.0, 7.0], ids=["behind", "right", "ahead"])
@pytest.mark.parametrize("dateless", [False, True], ids=["with-date", "without-date"])
async def test_no_wall_clock_of_a_holder_is_believed(skew: float, dateless: bool) -> None:
    async with a_world() as world:
        alice, bob = await two(world, skew=skew)
        bob.wire.dateless = dateless
        await alice.hold.claim()
        await bob.hold.claim()
        for _ in range(6):
            world.wait(INTERVAL)
            assert await alice.hold.refused() == ""
            assert (await bob.hold.look()).state is State.TAKEN
        world.wait(DURATION - 1)
        assert (await bob.hold.look()).state is State.TAKEN
        world.wait(4)
        assert (await bob.hold.look()).state is State.LAPSED


async def test_without_the_servers_date_a_lease_is_watched_before_it_counts_as_silent() -> None:
    async with a_world() as world:
        alice, bob = await two(world)
        bob.wire.dateless = True
        await alice.hold.claim()
        world.wait(3600)
        assert (await bob.hold.claim()).state is State.TAKEN, "seen for the first time"
        world.wait(DURATION - 1)
        assert (await bob.hold.look()).state is State.TAKEN
        world.wait(1)
        assert (await bob.hold.look()).state is State.LAPSED


async def test_the_same_journal_goes_on_at_once_and_types_nothing() -> None:
    async with a_world() as world:
        alice = await world.operator("alice@bastion", session="20261123T080000Z-0000aaaa")
        await alice.hold.claim()
        await alice.hold.release(keep=True)
        assert world.holder() == "alice@bastion/20261123T080000Z-0000aaaa", "killed: nothing was given up"
        bob = await world.operator("bob@laptop")
        assert (await bob.hold.claim()).state is State.TAKEN
        resumed = await world.operator("alice@other", session="20261123T080000Z-0000aaaa")
        assert (await resumed.hold.claim()).state is State.HELD
        assert world.holder() == "alice@other/20261123T080000Z-0000aaaa"
        again = await world.operator("alice@bastion", session="20261123T090000Z-0000bbbb")
        assert (await again.hold.claim()).state is State.TAKEN, "another journal of the same person is another session"


async def test_several_families_are_held_all_or_none_and_which_one_is_said() -> None:
    async with a_world("a-system", "b-system") as world:
        bob = await world.operator("bob@laptop", "b-system")
        await bob.hold.claim()
        alice = await world.operator("alice@bastion", "a-system", "b-system")
        standing = await alice.hold.claim()
        assert standing.state is State.TAKEN
        assert re.search("bob@laptop .* holds the recovery in b-system", standing.text)
        assert world.holder("a-system") == ""
        await bob.hold.release()
        assert await alice.hold.refused() == ""
        assert {world.holder(space) for space in ("a-system", "b-system")} == {"alice@bastion/session-alice"}

        world.wait(DURATION + 3)
        thief = await world.operator("thief@desk", "b-system")
        await thief.hold.claim()
        assert await thief.hold.take_over("alice@bastion") == ""
        assert "thief@desk" in await alice.hold.refused()
        assert world.holder("a-system") == "", "what is of no use alone is given up"


async def test_two_silent_leases_of_one_holder_are_taken_over_together() -> None:
    async with a_world("a-system", "b-system") as world:
        alice = await world.operator("alice@bastion", "a-system", "b-system")
        await alice.hold.claim()
        world.wait(DURATION + 3)
        bob = await world.operator("bob@laptop", "a-system", "b-system")
        await bob.hold.claim()
        assert await bob.hold.take_over("alice@bastion") == ""
        assert {world.holder(space) for space in ("a-system", "b-system")} == {"bob@laptop/session-bob"}


async def test_a_right_lost_in_the_middle_stops_the_session_when_the_lease_has_run_out() -> None:
    async with a_world() as world:
        alice = await world.operator("alice@bastion")
        await alice.hold.claim()

        async def forbidden(_: Request) -> None:
            raise ApiFault(403, "Forbidden", 'leases "refloat-recovery" is forbidden')

        alice.wire.before = forbidden
        world.wait(DURATION - 1)
        assert await alice.hold.refused() == "", "it still holds: nobody else could have taken it"
        assert "forbidden" in alice.hold.standing.text
        world.wait(1)
        told = await alice.hold.refused()
        assert "could not be renewed" in told
        assert "accept" in told
        alice.wire.before = None
        assert await alice.hold.refused() == "", "held again"
        assert alice.events == ["held", "lost", "held"]


async def test_a_machine_that_slept_does_not_count_on_its_standing_clock() -> None:
    async with a_world() as world:
        alice = await world.operator("alice@bastion")
        await alice.hold.claim()

        async def unreachable(_: Request) -> None:
            raise Unreachable("no route to host")

        alice.wire.before = unreachable
        alice.skew = 2.0  # the wall clock went on while the monotonic one stood still
        assert "no route to host" in await alice.hold.refused()


@pytest.mark.parametrize("lost", ["the first", "a renewal"])
async def test_a_request_whose_answer_was_lost_is_found_out(lost: str) -> None:
    async with a_world() as world:
        alice = await world.operator("alice@bastion")

        async def lose(_: Request) -> None:
            alice.wire.after = None
            raise OutcomeUnknown("a PATCH was sent and its outcome is unknown")

        if lost == "a renewal":
            await alice.hold.claim()
        alice.wire.after = lose
        await alice.hold.claim()
        await alice.hold.look()
        assert (alice.hold.standing.state, await alice.hold.refused()) == (State.HELD, "")
        assert world.holder() == "alice@bastion/session-alice"
        assert (world.lease() or {})["spec"]["leaseTransitions"] <= 1


async def test_a_lease_that_somebody_deletes_or_empties_is_made_again() -> None:
    async with a_world() as world:
        alice = await world.operator("alice@bastion")
        await alice.hold.claim()
        world.cluster.world.store.remove(("coordination.k8s.io", "leases"), SPACE, NAME)
        assert await alice.hold.refused() == ""
        patch = {"spec": {"holderIdentity": ""}}
        await alice.wire.writer.send(Let(Request(Method.MERGE_PATCH, ref_in(SPACE), patch, "kubectl")))
        assert await alice.hold.refused() == ""
        assert world.holder() == "alice@bastion/session-alice"
        assert alice.events == ["held"]


@pytest.mark.parametrize(
    ("user", "space", "words"),
    [("viewer", SPACE, "is forbidden"), ("admin", "absent", "not found"), ("admin", "ending", "being terminated")],
)
async def test_where_no_lease_can_be_had_the_operator_may_accept_that(user: str, space: str, words: str) -> None:
    async with a_world(SPACE, "ending") as world:
        create = world.cluster.runner.create
        held = {"name": "held", "namespace": "ending", "finalizers": ["example.org/held"]}
        create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": held}, "admin")
        admin = await world.operator("root@desk")
        options = {"apiVersion": "v1", "kind": "DeleteOptions"}
        ending = Request(Method.DELETE, Ref("v1", "Namespace", None, "ending"), options)
        await admin.wire.writer.send(Let(ending))
        await world.cluster.settle()

        alice = await world.operator("alice@bastion", space, user=user)
        standing = await alice.hold.claim()
        assert standing.state is State.BARRED
        assert words in standing.text
        assert "accept" in await alice.hold.refused()
        assert alice.hold.warnings == ()
        assert (await alice.hold.accept()).state is State.WAIVED
        assert await alice.hold.refused() == ""
        assert len(alice.hold.warnings) == 1
        assert words in alice.hold.warnings[0]
        assert alice.events == ["waived", "held"]
        await alice.hold.release()


async def test_a_cluster_that_serves_no_leases_bars_the_claim() -> None:
    async with a_world() as world:
        alice = await world.operator("alice@bastion")
        leases = {"group": "coordination.k8s.io", "names": {"plural": "leases"}}
        world.cluster.world.kinds.withdraw({"spec": leases})
        standing = await alice.hold.claim()
        assert standing.state is State.BARRED
        assert "does not serve" in standing.text
        assert (await alice.hold.accept()).may_act


async def test_a_look_that_fails_does_not_forget_whose_it_is() -> None:
    async with a_world() as world:
        alice, bob = await two(world)
        await alice.hold.claim()
        await bob.hold.claim()
        bob.wire.unread = Unreachable("no route to host")
        world.wait(10 * DURATION)
        assert (await bob.hold.look()).state is State.TAKEN
        assert not (await bob.hold.accept()).may_act


async def test_the_api_server_may_restart_in_between() -> None:
    async with a_world() as world:
        alice, bob = await two(world)
        await alice.hold.claim()
        await bob.hold.claim()
        world.cluster._port = int(world.cluster.url.rpartition(":")[2])
        await world.cluster.stop()
        world.wait(30)
        assert await alice.hold.refused() == "", "it still holds for half a minute"
        world.wait(30)
        assert await alice.hold.refused() != ""
        await world.cluster.start()
        assert await alice.hold.refused() == ""
        assert (await bob.hold.look()).state is State.TAKEN


async def test_it_renews_by_itself_until_it_is_released() -> None:
    """The background renewal, driven: each pause ends when the test says so."""
    pauses: asyncio.Queue[float] = asyncio.Queue()
    go = asyncio.Semaphore(0)

    async def pause(seconds: float) -> None:
        pauses.put_nowait(seconds)
        await go.acquire()

    async with a_world() as world:
        alice = await world.operator("alice@bastion", pause=pause)
        bob = await world.operator("bob@laptop", pause=pause)
        await alice.hold.claim()
        assert await pauses.get() == INTERVAL
        first = (world.lease() or {})["spec"]["renewTime"]
        world.wait(INTERVAL)
        go.release()
        assert await pauses.get() == INTERVAL
        assert (world.lease() or {})["spec"]["renewTime"] > first
        await bob.hold.claim()
        assert await pauses.get() == RETRY
        await alice.hold.release()
        assert world.holder() == ""
        go.release()
        assert await pauses.get() == INTERVAL
        assert bob.hold.standing.state is State.HELD
        await alice.hold.release()
        assert alice.events == ["held", "released"]


async def test_a_renewal_that_failed_is_tried_again_soon() -> None:
    pauses: asyncio.Queue[float] = asyncio.Queue()
    go = asyncio.Semaphore(0)

    async def pause(seconds: float) -> None:
        pauses.put_nowait(seconds)
        await go.acquire()

    async with a_world() as world:
        alice = await world.operator("alice@bastion", pause=pause)
        await alice.hold.claim()

        async def unreachable(_: Request) -> None:
            raise Unreachable("no route to host")

        for before, waits in ((unreachable, RETRY), (None, INTERVAL)):
            alice.wire.before = before
            await pauses.get()
            go.release()
            assert await pauses.get() == waits
            pauses.put_nowait(waits)
        assert alice.events == ["held"]


async def test_an_answer_that_is_no_lease_is_looked_into() -> None:
    async with a_world() as world:
        alice = await world.operator("alice@bastion")
        await alice.hold.claim()
        real = alice.wire.writer.send

        async def garbled(admitted: Any) -> Answer:
            await real(admitted)
            return Answer(200, {})

        alice.wire.writer.send = garbled  # type: ignore[method-assign] # a proxy that answers in the server's place
        assert await alice.hold.refused() == ""
        assert "was no Lease" in alice.hold.standing.text
        alice.wire.writer.send = real  # type: ignore[method-assign] # as above
        assert await alice.hold.refused() == ""
        assert "was no Lease" not in alice.hold.standing.text
        assert alice.events == ["held"]


async def test_a_command_says_who_has_it_and_what_to_give() -> None:
    async with a_world() as world:
        alice, bob = await two(world)
        await alice.hold.claim()
        await insist(alice.hold)
        await bob.hold.claim()
        every: tuple[dict[str, Any], ...] = ({}, {"take_over": "alice@bastion"}, {"without": True})
        for options in every:
            with pytest.raises(LeaseTaken, match=r"alice@bastion .* holds .* since") as taken:
                await insist(bob.hold, **options)
            assert taken.value.exit_code is Exit.BLOCKED
        world.wait(DURATION + 3)
        await bob.hold.look()
        with pytest.raises(LeaseTaken, match="type alice@bastion to take it over, by --take-over"):
            await insist(bob.hold)
        with pytest.raises(LeaseTaken, match="nothing was taken over"):
            await insist(bob.hold, take_over="carol@desk")
        await insist(bob.hold, take_over="alice@bastion")
        assert bob.hold.standing.may_act

        viewer = await world.operator("vic@desk", "default", user="viewer")
        await viewer.hold.claim()
        with pytest.raises(LeaseTaken, match="--without-lease"):
            await insist(viewer.hold)
        await insist(viewer.hold, without=True)
        assert viewer.hold.standing.state is State.WAIVED
