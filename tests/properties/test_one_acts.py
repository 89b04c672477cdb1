"""Generated hours of several operators: clocks wrong, lines cut, sessions killed; never may two of them act at once."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tui.faults import ApiFault, OutcomeUnknown, Unreachable
from tui.objects import Json, Ref
from tui.recovery.gate import Admitted
from tui.recovery.hold import LeaseHold
from tui.recovery.lease import DURATION, Me, State
from tui.recovery.lease_seat import Means
from tui.recovery.ports import Answer, Method

START = datetime(2026, 11, 23, 8, tzinfo=UTC)
SPACES = ("a-system", "b-system")


@dataclass
class Server:
    """The Leases of an API server, with its optimistic lock and its own clock in whole seconds."""

    elapsed: float = 0.0
    version: int = 0
    leases: dict[str, Json] = field(default_factory=dict)

    def now(self) -> datetime:
        return (START + timedelta(seconds=self.elapsed)).replace(microsecond=0)

    def write(self, namespace: str, method: Method, body: Json) -> Json:
        stored = self.leases.get(namespace)
        meta = body["metadata"]
        if method is Method.CREATE and stored is not None:
            raise ApiFault(409, "AlreadyExists", 'leases "refloat-recovery" already exists')
        if method is not Method.CREATE:
            if stored is None:
                raise ApiFault(404, "NotFound", 'leases "refloat-recovery" not found')
            if meta["resourceVersion"] != stored["metadata"]["resourceVersion"]:
                raise ApiFault(409, "Conflict", "the object has been modified")
        self.version += 1
        spec = {**(stored or {}).get("spec", {}), **body["spec"]}
        fields = [{"manager": "refloat", "time": self.now().isoformat()}]
        kept = {"uid": "u", "resourceVersion": str(self.version), "managedFields": fields, "namespace": namespace}
        self.leases[namespace] = {"metadata": kept, "spec": spec}
        return self.leases[namespace]


@dataclass
class Line:
    """One operator's line to the server: up, cut, or losing the answers of what arrives."""

    server: Server
    state: str = "up"
    dateless: bool = False

    async def dated(self, ref: Ref) -> tuple[Json | None, datetime | None]:
        if self.state == "cut":
            raise Unreachable("cut")
        body = self.server.leases.get(ref.namespace or "")
        return body, None if body is None or self.dateless else self.server.now()

    async def send(self, admitted: Admitted) -> Answer:
        if self.state == "cut":
            raise Unreachable("cut")
        request = admitted.request
        assert isinstance(request.body, dict)
        stored = self.server.write(request.ref.namespace or "", request.method, request.body)
        if self.state == "losing":
            raise OutcomeUnknown("the answer was lost")
        return Answer(200, stored)


async def asleep(_: float) -> None:
    await asyncio.Event().wait()


class Person:
    """One operator; ``sit_down`` begins a session, ``killed`` ends it without a word."""

    def __init__(self, server: Server, number: int, skew: float, dateless: bool) -> None:
        self.line = Line(server, dateless=dateless)
        self._server = server
        self._number = number
        self._skew = skew
        self._session = 0
        self.hold = self.sit_down(fresh=True)

    def sit_down(self, *, fresh: bool) -> LeaseHold:
        """A new session, or the same journal's taken up again."""
        self._session += fresh
        me = Me(f"op{self._number}@host", f"op{self._number}-{self._session}")
        means = Means(
            self.line,
            self.line,
            lambda: START + timedelta(seconds=self._server.elapsed, hours=self._skew),
            lambda: 5000.0 * self._number + self._server.elapsed,
        )
        self.hold = LeaseHold(SPACES, me, means, lambda *_, **__: None, asleep)
        return self.hold

    async def take_over(self) -> None:
        standing = await self.hold.look()
        if standing.state is State.LAPSED:
            await self.hold.take_over(standing.typed)


PEOPLE = st.integers(0, 2)
WAITS = st.sampled_from([1.0, 5.0, 19.0, 41.0, DURATION - 0.5, DURATION + 2.5, 100.0, 400.0])
STEPS = st.one_of(
    st.tuples(st.just("wait"), WAITS).map(lambda step: [step]),
    st.tuples(st.sampled_from(["look", "take over", "release", "killed", "resumed"]), PEOPLE).map(lambda step: [step]),
    st.tuples(st.sampled_from(["up", "cut", "losing"]), PEOPLE).map(lambda step: [step]),
    # What it is all about, as one: somebody is cut off, time passes, and another reaches for what he held.
    st.tuples(st.sampled_from(["cut", "losing", "killed"]), PEOPLE, WAITS, PEOPLE).map(
        lambda step: [("up", step[3]), step[:2], ("wait", step[2]), ("take over", step[3])]
    ),
)


async def play(steps: list[list[tuple[str, Any]]], skews: list[float], dateless: list[bool]) -> int:
    """Plays the steps; after each, everybody asks at one and the same instant whether he may act."""
    server = Server()
    people = [Person(server, n, skew, blind) for n, (skew, blind) in enumerate(zip(skews, dateless, strict=True))]
    acted = 0
    for what, which in (each for step in steps for each in step):
        if what == "wait":
            server.elapsed += which
            continue
        person = people[which]
        match what:
            case "look":
                await person.hold.look()
            case "take over":
                await person.take_over()
            case "release":
                await person.hold.release()
            case "killed" | "resumed":
                person.sit_down(fresh=what == "killed")
            case _:
                person.line.state = what
        order = [*people[which:], *people[:which]]
        allowed = [each for each in order if await each.hold.refused() == ""]
        assert len(allowed) <= 1, [each.hold.standing for each in people]
        acted += len(allowed)
    return acted


@settings(max_examples=300, deadline=None)
@given(
    steps=st.lists(STEPS, min_size=3, max_size=25),
    skews=st.lists(st.sampled_from([-9.0, 0.0, 9.0]), min_size=3, max_size=3),
    dateless=st.lists(st.booleans(), min_size=3, max_size=3),
)
def test_never_may_two_act_at_once(
    steps: list[list[tuple[str, Any]]], skews: list[float], dateless: list[bool]
) -> None:
    asyncio.run(play(steps, skews, dateless))


def test_the_generated_hours_are_not_idle() -> None:
    """The same play, known by heart: somebody acts, is cut off, is taken over, and comes back to look on."""
    steps = [("look", 0), ("cut", 0), ("wait", DURATION + 2.5), ("take over", 1), ("up", 0), ("look", 0)]
    assert asyncio.run(play([steps], [0.0] * 3, [False] * 3)) == 5
