"""Which recorded releases know an object, and how: as plain values, without any manifest.

An assessment holds this for every recorded release, so that what a release's acts do to an object can be told long
after its records were read.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from tui.helm.model import Hook, Status
from tui.objects import Key


class Known(NamedTuple):
    """One recorded release. ``namespace`` is what its objects are stamped with, ``storage`` where its records are.

    The next upgrade starts from revision ``base`` and deletes what that lists and the new chart does not; an uninstall
    deletes what revision ``newest`` lists (helm pkg/action/upgrade.go prepareUpgrade, uninstall.go).
    """

    name: str
    namespace: str
    storage: str
    base: int
    newest: int
    status: Status
    apply_method: str

    @property
    def label(self) -> str:
        """``Helm release namespace/name``."""
        return f"Helm release {self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class Listing:
    """How one release knows one object.

    ``policy`` is the resource policy in the newest revision's manifest, as an uninstall reads it; None without any.
    ``hooks`` are those that make the object, ``loose`` where that is told by their kind and name alone. ``crd``: the
    chart's ``crds/`` folder has it.
    """

    known: Known
    in_base: bool = False
    in_newest: bool = False
    policy: str | None = None
    hooks: tuple[Hook, ...] = ()
    loose: bool = False
    crd: bool = False


@dataclass(frozen=True, slots=True)
class Listings:
    """Every recorded release's listings, by object. ``recorded`` has the releases by name and namespace.

    ``loose`` are hooks of which only kind and name could be told, ``unread`` the releases of which a manifest could not
    be read. Releases that are uninstalled, with their history kept, are not among them: they list nothing any more.
    """

    by_key: Mapping[Key, tuple[Listing, ...]] = field(default_factory=dict)
    loose: Mapping[tuple[str, str], tuple[Listing, ...]] = field(default_factory=dict)
    unread: Mapping[Known, str] = field(default_factory=dict)
    recorded: Mapping[tuple[str, str], Known] = field(default_factory=dict)

    def of(self, key: Key) -> tuple[Listing, ...]:
        """The listings of one object, one a release and way."""
        return (*self.by_key.get(key, ()), *self.loose.get((key.kind, key.name), ()))
