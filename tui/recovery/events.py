"""Telling the cluster itself what was done: one Event on each object that was changed.

They are Events of the core group: every cluster serves it, the ``edit`` role may write it, and kubectl describe and
the screens read it. The server holds one with an ``eventTime`` to the same rules as those of ``events.k8s.io``.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count
from typing import Final

from tui.faults import Fault
from tui.objects import Json, Ref
from tui.recovery.gate import Refusal, admit_event
from tui.recovery.lease import MANAGER, Me
from tui.recovery.plan import Action
from tui.recovery.ports import Method, Request
from tui.recovery.steps import Writer
from tui.text import clean

NOTE_LIMIT: Final = 1024
"""Bytes of a note that the server takes."""

WORD_LIMIT: Final = 128
"""Bytes of a reason, an action and an instance that the server takes."""

_CLUSTER_SCOPED: Final = "default"
"""Where the server keeps Events about objects that are in no namespace."""

REASONS: Final = {
    Action.ADOPT: "RefloatAdopted",
    Action.RECREATE: "RefloatRecreated",
    Action.DELETE: "RefloatDeleted",
    Action.CREATE: "RefloatCreated",
    Action.RETIRE: "RefloatRetired",
    Action.REPAIR: "RefloatRepaired",
    Action.RECONCILE: "RefloatAskedToReconcile",
    Action.RESUME: "RefloatResumed",
    Action.UNFINALIZE: "RefloatRemovedFinalizer",
    Action.RESTORE: "RefloatRestored",
}
"""The reason of an Event, by what was done; whatever is not here is told as ``RefloatChanged``."""


class EventHerald:
    """Records the Events of one session (:class:`tui.recovery.ports.Herald`): what was done, never what is held."""

    def __init__(self, writer: Writer, me: Me, clock: Callable[[], datetime]) -> None:
        self._writer = writer
        self._me = me
        self._clock = clock
        self._numbers = count(1)

    async def tell(self, ref: Ref, reason: str, text: str) -> str:
        """Records that the action ``reason`` was done; why that failed, or the empty string. Raises nothing."""
        event = self._event(ref, reason, text)
        admitted = admit_event(Request(Method.CREATE, Ref.of(event), event, MANAGER))
        failed = f"no Event could be recorded on {ref.label}: "
        if isinstance(admitted, Refusal):
            return failed + admitted.why
        try:
            await self._writer.send(admitted)
        except Fault as fault:
            return failed + str(fault)
        return ""

    def _event(self, ref: Ref, action: str, text: str) -> Json:
        now = self._clock().astimezone(UTC)
        # An object's own name may be no name for an Event: RBAC allows colons.
        name = f"refloat.{int(now.timestamp() * 1_000_000):x}.{next(self._numbers)}"
        about = {"apiVersion": ref.api_version, "kind": ref.kind, "name": ref.name}
        about |= {"namespace": ref.namespace} if ref.namespace else {}
        about |= {"uid": ref.uid} if ref.uid else {}
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": name, "namespace": ref.namespace or _CLUSTER_SCOPED},
            "involvedObject": about,
            "type": "Normal",
            "reason": next((word for done, word in REASONS.items() if done.value == action), "RefloatChanged"),
            "action": _cut(action, WORD_LIMIT),
            "message": _cut(clean(text), NOTE_LIMIT),
            "eventTime": now.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "reportingComponent": MANAGER,
            "reportingInstance": _cut(self._me.identity, WORD_LIMIT),
            "source": {"component": MANAGER},
        }


def _cut(text: str, limit: int) -> str:
    """The text within so many bytes of UTF-8."""
    return text.encode("utf-8", "replace")[:limit].decode("utf-8", "ignore")
