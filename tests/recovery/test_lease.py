"""The rules of the Lease on plain values: what is read of one, when it is silent, and what is sent to change it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.clusters import contract
from tui.contract.model import Family
from tui.objects import Inventory, Json, Live
from tui.recovery import lease
from tui.recovery.lease import (
    DURATION,
    LONGEST,
    ROUNDING,
    UNKNOWN,
    Claim,
    Me,
    Sighting,
    Standing,
    State,
    holders,
    namespaces_of,
    sighted,
    worst,
)

NOW = datetime(2026, 11, 23, 8, 0, 0, 123456, tzinfo=UTC)
ME = Me("alice@bastion", "20261123T080000Z-0000aaaa", "alice.api", "prod")


def body(spec: Any = None, version: str = "7", **meta: Any) -> Json:
    made = lease.first_body(ME, "flux-system", NOW)
    made["metadata"] |= {"uid": "u", "resourceVersion": version, **meta}
    return made | ({"spec": {**made["spec"], **spec}} if isinstance(spec, dict) else {})


def test_what_a_session_writes_is_what_the_next_one_reads() -> None:
    claim = Claim.of(body())
    assert (claim.name, claim.session, claim.user, claim.context) == (ME.name, ME.session, ME.user, ME.context)
    assert (claim.namespace, claim.duration, claim.version) == ("flux-system", DURATION, "7")
    assert claim.since == claim.renewed == "2026-11-23T08:00:00.123456Z"
    assert claim.until == "2026-11-23T08:01:00.123456Z"
    assert claim.of_session(ME)
    assert not claim.of_session(Me(ME.name, "another"))


@pytest.mark.parametrize(
    ("spec", "name", "session", "duration"),
    [
        ({"holderIdentity": "kustomize-controller-7f_0a"}, "kustomize-controller-7f_0a", "", DURATION),
        ({"holderIdentity": ""}, "", "", DURATION),
        ({"holderIdentity": None}, "", "", DURATION),
        ({"holderIdentity": "/s"}, "s", "", DURATION),
        ({"holderIdentity": "\x1b[2Jmallory/s"}, "␛[2Jmallory", "s", DURATION),
        ({"holderIdentity": "m" * 10_000}, "m" * 200, "", DURATION),
        ({"holderIdentity": 7, "leaseDurationSeconds": 2**31 - 1}, "7", "", LONGEST),
        ({"holderIdentity": 0}, "0", "", DURATION),
        ({"holderIdentity": False}, "False", "", DURATION),
        ({"holderIdentity": []}, "[]", "", DURATION),
        ({"holderIdentity": "a/b", "leaseDurationSeconds": 1}, "a", "b", 1),
        ({"holderIdentity": "a/b", "leaseDurationSeconds": 0}, "a", "b", LONGEST),
        ({"holderIdentity": "a/b", "leaseDurationSeconds": -1, "acquireTime": 5}, "a", "b", LONGEST),
        ({"holderIdentity": "a/b", "leaseDurationSeconds": True}, "a", "b", LONGEST),
        ({"holderIdentity": "a/b", "leaseDurationSeconds": None}, "a", "b", LONGEST),
        ({"holderIdentity": "a/b", "leaseDurationSeconds": "60", "renewTime": {}}, "a", "b", LONGEST),
    ],
)
def test_a_strange_lease_is_read_and_bounded(spec: Json, name: str, session: str, duration: int) -> None:
    claim = Claim.of(body(spec))
    assert (claim.name[:199], claim.session, claim.duration) == (name[:199], session, duration)
    assert not claim.of_session(Me("x", ""))


@pytest.mark.parametrize("spec", [1, "free", [], [{"holderIdentity": ""}], True])
def test_a_lease_that_cannot_be_read_is_somebodys(spec: object) -> None:
    claim = Claim.of(body() | {"spec": spec})
    assert (claim.name, claim.duration) == (UNKNOWN, LONGEST)
    assert not sighted(None, claim, 0.0, NOW).lapsed(claim, LONGEST - 1.0)


@pytest.mark.parametrize("damaged", [{}, {"spec": None, "metadata": []}, {"spec": {}}])
def test_a_lease_that_names_nobody_is_nobodys(damaged: Json) -> None:
    claim = Claim.of(damaged)
    assert (claim.name, claim.written, claim.until) == ("", None, "")


@pytest.mark.parametrize("other", [{}, {"time": None}, {"time": 2}, {"time": "soon"}, {"time": "2026-11-23"}, 1, "x"])
def test_a_writer_whose_time_cannot_be_read_may_be_the_last(other: object) -> None:
    old = {"manager": "older", "time": "2020-01-01T00:00:00Z"}
    assert Claim.of(body(managedFields=[old])).written is not None
    claim = Claim.of(body(managedFields=[old, other]))
    assert claim.written is None
    assert not sighted(None, claim, 0.0, NOW).lapsed(claim, 0.0)


def test_a_lease_that_names_no_version_never_falls_silent() -> None:
    claim = Claim.of(body(version=""))
    seen = sighted(None, claim, 0.0, None)
    assert not sighted(seen, claim, 10_000.0, None).lapsed(claim, 10_000.0)


def test_silence_is_told_by_watching_or_by_the_servers_own_times() -> None:
    claim = Claim.of(body({"renewTime": "1999-01-01T00:00:00.000000Z"}))
    assert claim.written is None
    seen = sighted(None, claim, 100.0, NOW)
    assert seen == Sighting("7", 100.0, None), "the holder's renewTime says nothing"
    assert not seen.lapsed(claim, 100.0 + DURATION - 0.1)
    assert seen.lapsed(claim, 100.0 + DURATION)
    renewed = Claim.of(body(version="8"))
    assert sighted(seen, renewed, 150.0, NOW) == Sighting("8", 150.0, None), "any change begins the watch anew"
    assert sighted(seen, claim, 150.0, NOW) == seen


@pytest.mark.parametrize(
    ("age", "lapsed"), [(-3600, False), (0, False), (DURATION, False), (DURATION + ROUNDING, True)]
)
def test_the_servers_own_times_count_at_first_sight(age: int, lapsed: bool) -> None:
    written = NOW - timedelta(seconds=age)
    fields = [{"manager": "older", "time": "2020-01-01T00:00:00Z"}, {"manager": "x", "time": written.isoformat()}]
    claim = Claim.of(body(managedFields=fields))
    assert sighted(None, claim, 0.0, NOW).lapsed(claim, 0.0) is lapsed
    assert not sighted(None, claim, 0.0, None).lapsed(claim, 0.0)


def test_every_change_insists_on_the_lease_that_was_read() -> None:
    claim = Claim.of(body())
    for patch in (lease.acquiring(ME, claim, NOW), lease.renewing(claim, NOW), lease.releasing(claim, NOW)):
        assert (patch["metadata"]["uid"], patch["metadata"]["resourceVersion"]) == ("u", "7")
    assert lease.acquiring(ME, claim, NOW)["spec"]["leaseTransitions"] == 1
    assert lease.releasing(claim, NOW)["spec"]["holderIdentity"] == ""
    assert set(lease.renewing(claim, NOW)["spec"]) == {"renewTime", "leaseDurationSeconds"}


def test_the_leases_are_in_the_families_namespaces_in_one_order() -> None:
    def family(name: str, namespace: str) -> Family:
        return Family(name, namespace, "pulumi")

    families = (family("one", "z-system"), family("two", "a-system"), family("three", "z-system"))
    assert namespaces_of(contract(releases=families)) == ("a-system", "z-system")
    assert namespaces_of(contract(releases=())) == ("kube-system",)


def test_a_screen_that_looks_on_sees_who_holds_it() -> None:
    held = Live.of(body({"holderIdentity": "bob@laptop/s1"}))
    given_up = Live.of(body({"holderIdentity": ""}))
    other = Live.of(body({"holderIdentity": "pod"}, name="kustomize-controller"))
    rules = contract()
    assert [claim.name for claim in holders(rules, Inventory(objects={x.key: x for x in (held, other)}))] == [
        "bob@laptop"
    ]
    assert holders(rules, Inventory(objects={given_up.key: given_up})) == ()


def test_somebody_elses_claim_weighs_more_than_a_warning() -> None:
    states = [State.HELD, State.WAIVED, State.BARRED, State.LAPSED, State.TAKEN]
    for n, state in enumerate(states):
        assert worst(Standing(each, "") for each in states[: n + 1]).state is state
        assert Standing(state, "").may_act is (state in (State.HELD, State.WAIVED))
