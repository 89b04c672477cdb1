"""Everything one practice cluster consists of, below HTTP: store, kinds, clock and identities."""

import random
import uuid
from dataclasses import dataclass, field
from typing import Any

from tui.practice.clock import Clock
from tui.practice.kinds import Kind, Registry
from tui.practice.store import Store

Json = dict[str, Any]

_SUFFIX = "bcdfghjklmnpqrstvwxz2456789"
"""The letters of generated names: no vowels, so that no words come out."""


@dataclass(slots=True)
class Behaviour:
    """How this cluster misbehaves, as a drill says.

    ``pods`` maps ``namespace/deployment`` (or an image) to ``crash`` or ``no-pull``; pods become ready otherwise.
    ``logs`` maps ``namespace/deployment`` to the lines its pods print. ``git`` maps ``namespace/kustomization`` to the
    documents that its path holds.
    """

    pods: dict[str, str] = field(default_factory=dict)
    logs: dict[str, str] = field(default_factory=dict)
    git: dict[str, list[Json]] = field(default_factory=dict)


class World:
    """The state that requests and controllers share. ``seed`` makes uids and generated names repeatable."""

    def __init__(self, clock: Clock | None = None, seed: int | None = None) -> None:
        self.store = Store()
        self.kinds = Registry()
        self.clock = clock or Clock()
        self.behaviour = Behaviour()
        self._random = random.Random(seed)  # noqa: S311 - names and uids of a practice cluster guard nothing
        self._addresses = 0

    def uid(self) -> str:
        """A new uid."""
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def suffix(self, length: int = 5) -> str:
        """The random end of a generated name."""
        return "".join(self._random.choice(_SUFFIX) for _ in range(length))

    def address(self, network: str) -> str:
        """The next free address of ``10.<network>.x.y``."""
        self._addresses += 1
        return f"10.{network}.{self._addresses // 250}.{self._addresses % 250 + 1}"

    def get(self, group: str, plural: str, namespace: str | None, name: str) -> Json | None:
        """One object, not to be changed."""
        return self.store.get((group, plural), namespace or "", name)

    def kind_of(self, body: Json) -> Kind | None:
        """The served kind of an object."""
        return self.kinds.of(body.get("apiVersion", ""), body.get("kind", ""))
