"""Who holds a recovery: the rules of the Leases that keep two operators apart. Pure.

A session holds one Lease in the storage namespace of every release family and renews it. Nobody's wall clock is
trusted: a Lease is silent when it did not change for its duration, measured on a monotonic clock here or told by the
server's own times (its Date, and when it says the Lease was last written). Its ``renewTime`` is for people to read.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final, Self

from tui.contract.model import Contract
from tui.objects import Inventory, Json, Key, Ref
from tui.text import clean

NAME: Final = "refloat-recovery"
API_VERSION: Final = "coordination.k8s.io/v1"
MANAGER: Final = "refloat"

DURATION: Final = 60
"""Seconds a Lease holds without being renewed: a broken SSH session frees the cluster within a minute."""

LONGEST: Final = 600
"""Seconds a Lease is believed to hold at most, whatever it says: a strange one must not lock everybody out."""

UNKNOWN: Final = "somebody-unknown"
"""The holder's name where what a Lease says of him cannot be read."""

ROUNDING: Final = 2
"""Seconds by which two of the server's own times may differ from what they say: both are cut to whole seconds."""

_CONTEXT: Final = "refloat/context"
_USER: Final = "refloat/user"
_NAME_LIMIT: Final = 200


@dataclass(frozen=True, slots=True)
class Me:
    """Who holds: ``name`` is user@host, ``session`` the journal's name, ``user`` as whom the API server knows him."""

    name: str
    session: str
    user: str = ""
    context: str = ""

    @property
    def identity(self) -> str:
        """The ``holderIdentity``."""
        return f"{self.name}/{self.session}"


@dataclass(frozen=True, slots=True)
class Claim:
    """One Lease as it was read, every text cleaned. An empty ``name`` means that nobody holds it.

    ``since`` and ``renewed`` are what the holder's clock said (RFC 3339 or empty); ``written`` is when the server says
    it was last written, or None. ``duration`` is in seconds.
    """

    ref: Ref
    version: str
    name: str
    session: str
    since: str
    renewed: str
    written: datetime | None
    duration: int
    transitions: int
    context: str = ""
    user: str = ""

    @classmethod
    def of(cls, body: Json) -> Self:
        """Reads a Lease. What has a strange shape is read as what frees it last: as held, and for long."""
        meta, spec = _mapping(body.get("metadata")), _mapping(body.get("spec"))
        notes = _mapping(meta.get("annotations"))
        name, _, session = _holder(body.get("spec")).rpartition("/")
        return cls(
            ref=Ref.of(body),
            version=str(meta.get("resourceVersion") or ""),
            # A holder that is no session of Refloat has no slash: its whole identity is its name then.
            name=(name or session)[:_NAME_LIMIT],
            session=session[:_NAME_LIMIT] if name else "",
            since=clean(spec.get("acquireTime") or "", 40),
            renewed=clean(spec.get("renewTime") or "", 40),
            written=_last_written(meta.get("managedFields")),
            duration=_duration(spec.get("leaseDurationSeconds")),
            transitions=max(_whole(spec.get("leaseTransitions"), 0), 0),
            context=clean(notes.get(_CONTEXT) or "", _NAME_LIMIT),
            user=clean(notes.get(_USER) or "", _NAME_LIMIT),
        )

    @property
    def namespace(self) -> str:
        """Where the Lease is."""
        return self.ref.namespace or ""

    @property
    def until(self) -> str:
        """When it lapses if it is not renewed again: by the server's clock where that is known, else the holder's."""
        last = self.written or _moment(self.renewed)
        return _stamp(last + timedelta(seconds=self.duration)) if last else ""

    @property
    def who(self) -> str:
        """The holder in words: the name to type, and whom the API server takes it for."""
        return f"{self.name} (as {self.user})" if self.user else self.name

    def of_session(self, me: Me) -> bool:
        """Whether this very session holds it, or the same journal's before it was taken up again."""
        return bool(self.session) and self.session == me.session


@dataclass(frozen=True, slots=True)
class Sighting:
    """A Lease under watch: since when (seconds of the monotonic clock) it has not changed, and its age by the server.

    ``age`` is in seconds at the last look; None where the server told no Date or not when the Lease was written.
    """

    version: str
    at: float
    age: float | None = None

    def lapsed(self, claim: Claim, ticks: float) -> bool:
        """Whether the holder has been silent for its whole duration, at ``ticks`` of the monotonic clock."""
        watched = ticks - self.at >= claim.duration
        return watched or (self.age is not None and self.age >= claim.duration + ROUNDING)


def sighted(before: Sighting | None, claim: Claim, ticks: float, date: datetime | None) -> Sighting:
    """The sighting after one more look; any change of the Lease begins its watch anew."""
    age = (date - claim.written).total_seconds() if date and claim.written else None
    # A Lease that names no version may have been renewed unseen.
    if before is not None and claim.version and before.version == claim.version:
        return replace(before, age=age)
    return Sighting(claim.version, ticks, age)


class State(StrEnum):
    """How a session stands. Changes are made only when ``HELD`` or ``WAIVED``."""

    HELD = "held"
    TAKEN = "taken"
    """Another session holds it and renews it."""
    LAPSED = "lapsed"
    """Another session held it and has fallen silent: typing its holder's name takes it over."""
    BARRED = "barred"
    """It cannot be held here (no right, no such API, no namespace): a warning that the operator may accept."""
    WAIVED = "waived"
    """The operator accepted that it is not held everywhere."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a session stands at the last look: ``text`` is one sentence. ``holder`` is whose it is, else None.

    ``typed`` is what the operator types to take over a lapsed Lease; empty in every other state.
    """

    state: State
    text: str
    holder: Claim | None = None

    @property
    def may_act(self) -> bool:
        """Whether changes may be made."""
        return self.state in (State.HELD, State.WAIVED)

    @property
    def typed(self) -> str:
        """The holder's name, where typing it takes the Lease over."""
        return self.holder.name if self.holder and self.state is State.LAPSED else ""


def taken(claim: Claim, *, lapsed: bool, silent: float) -> Standing:
    """How one stands before another's Lease; ``silent`` is for how many seconds it has not been renewed."""
    since = f" since {_short(claim.since)}" if claim.since else ""
    if lapsed:
        text = (
            f"{claim.who} held the recovery in {claim.namespace}{since} and has been silent for {silent:.0f} s: "
            f"type {claim.name} to take it over"
        )
        return Standing(State.LAPSED, text, claim)
    until = f", until {_short(claim.until)} unless renewed" if claim.until else ""
    text = f"{claim.who} holds the recovery in {claim.namespace}{since}{until}: you may look on, not act"
    return Standing(State.TAKEN, text, claim)


def namespaces_of(contract: Contract) -> tuple[str, ...]:
    """Where the Leases of a contract are: the storage namespaces of its families, in one order for everybody.

    Two sessions that take them in the same order cannot each keep what the other waits for. A contract without a
    family has its Lease where the cluster's own identity is.
    """
    return tuple(sorted({family.namespace for family in contract.releases})) or ("kube-system",)


def ref_in(namespace: str) -> Ref:
    """The Lease of a namespace."""
    return Ref(API_VERSION, "Lease", namespace, NAME)


def holders(contract: Contract, inventory: Inventory) -> tuple[Claim, ...]:
    """Who holds the recovery of a contract's families, as an inventory shows it: for screens that only look on."""
    found = (inventory.get(Key("coordination.k8s.io", "Lease", space, NAME)) for space in namespaces_of(contract))
    claims = (Claim.of(live.body) for live in found if live is not None and live.body is not None)
    return tuple(claim for claim in claims if claim.name)


def first_body(me: Me, namespace: str, now: datetime) -> Json:
    """The Lease that a session makes where there is none."""
    meta: Json = {"name": NAME, "namespace": namespace, "annotations": _notes(me)}
    return {"apiVersion": API_VERSION, "kind": "Lease", "metadata": meta, "spec": _acquired(me, now, 0)}


def acquiring(me: Me, claim: Claim, now: datetime) -> Json:
    """The merge patch that makes a Lease this session's, if it is still as it was read."""
    spec = _acquired(me, now, claim.transitions + 1)
    return _patch(claim, spec) | {"metadata": {**_guard(claim), "annotations": _notes(me)}}


def renewing(claim: Claim, now: datetime) -> Json:
    """The merge patch that renews a Lease, if it is still as it was read."""
    return _patch(claim, {"renewTime": _stamp(now), "leaseDurationSeconds": DURATION})


def releasing(claim: Claim, now: datetime) -> Json:
    """The merge patch that gives a Lease up, if it is still as it was read."""
    return _patch(claim, {"holderIdentity": "", "renewTime": _stamp(now)})


def _patch(claim: Claim, spec: Json) -> Json:
    return {"metadata": _guard(claim), "spec": spec}


def _guard(claim: Claim) -> Json:
    return {"uid": claim.ref.uid, "resourceVersion": claim.version}


def _acquired(me: Me, now: datetime, transitions: int) -> Json:
    times = dict.fromkeys(("acquireTime", "renewTime"), _stamp(now))
    return {
        "holderIdentity": me.identity,
        "leaseDurationSeconds": DURATION,
        "leaseTransitions": transitions,
        **times,
    }


def _notes(me: Me) -> Json:
    return {_CONTEXT: me.context, _USER: me.user}


def _stamp(moment: datetime) -> str:
    """A Lease's time: RFC 3339 with six digits, as the API server insists on."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _short(moment: str) -> str:
    """A time for people: without the fraction of its second."""
    whole, dot, _ = moment.partition(".")
    return f"{whole}Z" if dot else moment


def _last_written(entries: Any) -> datetime | None:
    """When the server last noted a writer of the Lease: its own clock, whoever wrote.

    None where any of its notes cannot be read: that one may be the last.
    """
    times = [_moment(_mapping(entry).get("time")) for entry in (entries if isinstance(entries, list) else ())]
    known = [time for time in times if time is not None]
    return max(known) if known and len(known) == len(times) else None


def _moment(text: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return found if found.tzinfo else None


def _holder(spec: Any) -> str:
    """The ``holderIdentity``, whatever it is; empty only where nobody is named."""
    if spec is None:
        return ""
    if not isinstance(spec, dict):
        return UNKNOWN
    named = spec.get("holderIdentity")
    return "" if named is None else clean(named, 2 * _NAME_LIMIT)


def _duration(seconds: Any) -> int:
    """How long it is believed to hold; the longest where it does not say in seconds."""
    whole = _whole(seconds, 0)
    return min(whole, LONGEST) if whole > 0 else LONGEST


def _mapping(value: Any) -> Json:
    return value if isinstance(value, dict) else {}


def _whole(value: Any, otherwise: int) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else otherwise


def worst(standings: Iterable[Standing]) -> Standing:
    """Of several namespaces' standings the one that decides: somebody else's first, then what cannot be held."""
    return min(standings, key=lambda each: _GRAVITY.index(each.state))


_GRAVITY: Final = (State.TAKEN, State.LAPSED, State.BARRED, State.WAIVED, State.HELD)
