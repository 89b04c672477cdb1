"""Opening a cluster for the command line and the screens: a kubeconfig's context, or a practice cluster.

kubernetes.aio is imported only when a link is opened, so that the first frame does not wait for it.
"""

import getpass
import platform
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

import platformdirs

from tui import __version__
from tui.contract.model import Contract
from tui.faults import Fault, Unverified, UsageFault
from tui.objects import Inventory, Json, KindKey, Ref
from tui.options import Options
from tui.recovery.events import EventHerald
from tui.recovery.hold import LeaseHold
from tui.recovery.journal import Journal
from tui.recovery.lease import Me, namespaces_of
from tui.recovery.lease_seat import Means
from tui.recovery.ports import Identity
from tui.recovery.session import Session, Tools
from tui.recovery.trial import TriesOnly
from tui.recovery.wishfile import wish_json

if TYPE_CHECKING:
    from screens.link import Drill
    from tui.cluster.connect import Connection
    from tui.cluster.logs import EventNote
    from tui.cluster.reader import ClusterReader
    from tui.cluster.watch import Event


def state_directory() -> Path:
    """Where journals are kept."""
    return Path(platformdirs.user_state_dir("refloat", appauthor=False)) / "journal"


def now() -> datetime:
    """The time, with its offset."""
    return datetime.now(UTC)


def here() -> str:
    """Who sits here, as others are to see it: user@host, of plain letters."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        # A container may run as a number that has no name.
        user = "somebody"
    return re.sub(r"[^A-Za-z0-9@._-]+", "_", f"{user}@{platform.node()}")[:120]


class ClusterLink:
    """An open connection to one cluster (:class:`screens.link.Link`). ``ended`` is awaited when it is closed."""

    def __init__(
        self,
        connection: "Connection",
        contract: Contract,
        options: Options,
        identity: Identity,
        reader: "ClusterReader",
        drill: "Drill | None" = None,
        ended: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._connection = connection
        self._contract = contract
        self._options = options
        self._ended = ended
        self.identity = identity
        self.reader = reader
        self.drill = drill

    @property
    def session(self) -> Callable[[Path | None], Awaitable[Session]] | None:
        """Begins a recovery session, or takes one up; None with ``--read-only``, which builds no writer at all."""
        return None if self._options.read_only else self.begin

    @property
    def tries(self) -> TriesOnly | None:
        """What sends the dry runs of a plan, and nothing else; None with ``--read-only``, which builds no writer."""
        if self._options.read_only:
            return None
        from tui.cluster.writer import Writer

        return TriesOnly(Writer(self._connection.api))

    async def begin(self, resumed: Path | None = None) -> Session:
        """A session with its journal open on disk and its claim looked at; ``resumed`` is a journal to take up again.

        The session is there whoever holds the claim: ``session.hold.standing`` says how it stands (tui.recovery.lease),
        and until it stands every change is refused, with looking and planning left. A screen offers
        ``session.hold.take_over(typed)`` where ``standing.typed`` names a lapsed holder, and ``session.hold.accept()``
        where the state is ``BARRED``; a command calls :func:`tui.recovery.hold.insist`. The session's ``close`` gives
        the claim up. Raises JournalFault where the journal cannot be written, UsageFault with ``--read-only``.
        """
        if self._options.read_only:
            raise UsageFault("--read-only builds no writer: nothing can be changed; leave it out to begin a session")
        from tui.cluster.writer import Writer

        writer = Writer(self._connection.api)
        journal = Journal.resume(resumed, now) if resumed else Journal.create(state_directory(), self._header(), now)
        me = Me(here(), journal.path.stem, self.identity.user, self.identity.context)
        means = Means(self.reader, writer, now, monotonic)
        hold = LeaseHold(namespaces_of(self._contract), me, means, journal.append)
        herald = EventHerald(writer, me, now)
        try:
            await hold.claim()
        except BaseException:
            await hold.release(keep=True)
            journal.close()
            raise
        tools = Tools(self.reader, writer, journal, now, hold=hold, herald=herald)
        # What was stated in a session that is taken up again stands in its journal.
        return Session(self._contract, self.identity, tools, None if resumed else self._options.wish)

    def _header(self) -> Json:
        identity = self.identity
        return {
            "context": identity.context,
            "server": identity.server,
            "cluster": identity.cluster_uid,
            "user": identity.user,
            "operator": here(),
            "contract": self._contract.name,
            "sha256": self._contract.sha256,
            "version": __version__,
            "wish": wish_json(self._options.wish),
        }

    async def watch(self, kinds: Iterable[KindKey], since: Inventory) -> AsyncIterator["Event"]:
        """Endless events of these kinds, as differences from ``since``."""
        async with self.reader.watch(kinds, since=since) as feed:
            async for event in feed:
                yield event

    async def logs(self, ref: Ref, container: str, tail: int) -> str:
        """The last lines of a container's log."""
        return await self.reader.pod_log(ref, container, tail)

    async def events(self, ref: Ref) -> tuple["EventNote", ...]:
        """The cluster's Events about one object."""
        return await self.reader.events_of(ref)

    async def close(self) -> None:
        """Ends every connection, and the practice cluster where there is one."""
        await self._connection.close()
        if self._ended is not None:
            await self._ended()


def check_pin(contract: Contract, uid: str | None) -> None:
    """Refuses a cluster that is not the contract's. Raises UsageFault, or Unverified where the uid was not readable."""
    if contract.cluster_uid is None or contract.cluster_uid == uid:
        return
    if uid is None:
        raise Unverified(
            f"the contract is pinned to cluster {contract.cluster_uid} and this one would not tell its uid"
        )
    raise UsageFault(
        f"this is not the contract's cluster: kube-system has uid {uid}, {contract.source} says {contract.cluster_uid}"
    )


async def open_context(contract: Contract, options: Options) -> ClusterLink:
    """The link to a kubeconfig's context, on the contract's cluster. Raises UsageFault, Unverified, ApiFault."""
    from tui.cluster.connect import connect

    link = await _link(await connect(options.kubeconfig, options.context, options.timeout), contract, options)
    try:
        check_pin(contract, link.identity.cluster_uid)
    except Fault:
        await link.close()
        raise
    return link


async def open_kubeconfig(
    kubeconfig: Json, contract: Contract, options: Options, drill: "Drill | None", ended: Callable[[], Awaitable[None]]
) -> ClusterLink:
    """The link to a practice cluster, by the same path as to any other."""
    from tui.cluster.connect import connection_from_dict

    connection = await connection_from_dict(kubeconfig, options.context, options.timeout)
    return await _link(connection, contract, options, drill, ended)


async def _link(connection: "Connection", contract: Contract, options: Options, *practice: Any) -> ClusterLink:
    from tui.cluster.reader import ClusterReader

    reader = ClusterReader(connection.api)
    try:
        uid = await _cluster_uid(reader)
        user = await reader.whoami() or connection.user
    except Fault:
        await connection.close()
        raise
    identity = Identity(connection.context, connection.server, uid, user, contract.name)
    return ClusterLink(connection, contract, options, identity, reader, *practice)


async def _cluster_uid(reader: "ClusterReader") -> str | None:
    """The uid of kube-system, or None where the right to read it is lacking. Raises Unreachable."""
    from tui.faults import ApiFault

    try:
        body = await reader.get(Ref("v1", "Namespace", None, "kube-system"))
    except ApiFault as fault:
        if fault.code == 401:
            raise
        return None
    return Ref.of(body or {}).uid
