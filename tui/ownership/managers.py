"""What an entry of managedFields says of ownership: whether its fields make an owner, and whose stamp it is. Pure."""

from typing import Final

from tui.contract.tool_marks import FIELD_WRITERS, MANAGED_BY
from tui.helm.manifest import RELEASE_NAME, RELEASE_NAMESPACE
from tui.objects import Json, Live, Manager
from tui.ownership.fields import Path, leaves
from tui.ownership.references import dig, mapping

_BOOKKEEPING: Final = frozenset({"f:metadata", "f:status"})
_FINALIZERS: Final[Json] = {"f:finalizers": {}}
_STAMP: Final = frozenset(
    {
        ("f:metadata", "f:annotations", f"f:{RELEASE_NAME}"),
        ("f:metadata", "f:annotations", f"f:{RELEASE_NAMESPACE}"),
        ("f:metadata", "f:labels", f"f:{MANAGED_BY}"),
    }
)
"""The fields that a stamp is made of: who sets no more than these has re-stamped an object."""


def owns_nothing(manager: Manager) -> bool:
    """Whether a manager's fields say nothing of ownership: kubectl's, and a controller's finalizers and status."""
    if manager.name.startswith("kubectl") or manager.name == "before-first-apply":
        return True
    if not manager.packed or not set(manager.fields) <= _BOOKKEEPING:
        return False
    meta = manager.fields.get("f:metadata", _FINALIZERS)
    return isinstance(meta, dict) and bool(meta) and set(meta) <= {"f:finalizers", "."}


def applied(live: Live, manager: Manager) -> bool:
    """Whether a manager of the main resource holds fields that make it an owner: any but bookkeeping and a stamp.

    Nor does the one field that a known writer fills in on other owners' objects. A set that was not kept, because the
    object is one manager's alone, is every field, and of a known writer that one.
    """
    if manager.subresource or owns_nothing(manager):
        return False
    if not manager.packed:
        return manager.name not in FIELD_WRITERS
    return any(_counts(live, manager.name, path) for path in leaves(manager))


def _counts(live: Live, manager: str, path: Path) -> bool:
    if path[0] == "f:status" or path[:2] == ("f:metadata", "f:finalizers"):
        return False
    if path[:3] in _STAMP and RELEASE_NAME in live.annotations:
        return False
    return manager not in FIELD_WRITERS or path[-1] != f"f:{FIELD_WRITERS[manager]}"


def stamp_managers(live: Live) -> frozenset[str]:
    """The field managers that hold the object's release-name annotation: the stamping release's own tool."""
    return frozenset(
        manager.name
        for manager in live.managers
        if not manager.subresource
        and f"f:{RELEASE_NAME}" in mapping(dig(manager.fields, ("f:metadata", "f:annotations")))
    )
