"""A short session's journal, and a clock that moves by itself."""

from datetime import UTC, datetime, timedelta

from tui.objects import Ref
from tui.recovery.journal import Journal

START = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
HEADER = {"context": "tethys", "server": "https://10.0.0.1", "cluster": "u1", "user": "ada", "tool": "0.1.0"}


class Clock:
    """Each look at it is one second later."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


def role(name: str = "flux-view", kind: str = "ClusterRole", namespace: str | None = None) -> Ref:
    return Ref("rbac.authorization.k8s.io/v1", kind, namespace, name, "uid-1")


def fill(journal: Journal) -> None:
    """A short session: one object deleted, one skipped."""
    journal.append("planned", entries=["delete a", "delete b"])
    journal.append("confirmed", entry="delete a")
    saved = journal.backup(role("a"), {"kind": "ClusterRole", "metadata": {"name": "a"}})
    journal.append("saved", entry="delete a", backup=saved.path, sha256=saved.sha256)
    journal.append("sending", entry="delete a", action="delete", ref=role("a").to_json(), step=1, steps=1)
    journal.append("answered", entry="delete a", code=200)
    journal.append("done", entry="delete a")
    journal.append("skipped", entry="delete b", why="the operator said no")
