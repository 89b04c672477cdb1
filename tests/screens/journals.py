"""Journals on a disk, written as sessions write them."""

import secrets
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.screens.fakes import IDENTITY
from tests.screens.world import NOW, body
from tui.objects import Json, Ref
from tui.recovery.journal import Journal

DELETE = "delete rbac.authorization.k8s.io/ClusterRole flux-view"
ADOPT = "adopt /ConfigMap flux-system/settings"
SECRET = body("Secret", "github-token", "flux-system", data={"token": "aHVudGVyMi1odW50ZXIy"})


class Days:
    """A clock that moves a second whenever it is read."""

    def __init__(self, start: datetime = NOW) -> None:
        self._now = start

    def __call__(self) -> datetime:
        self._now += timedelta(seconds=1)
        return self._now


def header(**more: Any) -> Json:
    """What a session writes down first."""
    who = IDENTITY
    return {
        "context": who.context,
        "server": who.server,
        "cluster": who.cluster_uid,
        "user": who.user,
        "contract": who.contract,
        **more,
    }


def begun(directory: Path, days: Days, **more: Any) -> Journal:
    """A session that has been begun and has read the cluster."""
    opened = Journal.create(directory, header(**more), days)
    opened.append("preflight", verdict="block")
    return opened


def deleted(opened: Journal, what: Json | None = None) -> None:
    """One deletion from the plan to its end."""
    role = what or body("ClusterRole", "flux-view", rules=[])
    opened.append("planned", step="cleanup", entries=[DELETE, ADOPT])
    opened.append("confirmed", entry=DELETE, uid="uid-1", release="gitops-flux-9f8e7d6c")
    saved = opened.backup(Ref.of(role), role)
    opened.append("saved", entry=DELETE, backup=saved.path, sha256=saved.sha256)
    opened.append("sending", entry=DELETE, step=1, action="delete", method="delete", manager="")
    opened.append("answered", entry=DELETE, step=1, code=200, uid="uid-1")
    opened.append("done", entry=DELETE)


def in_doubt(opened: Journal) -> None:
    """An adoption whose answer never came."""
    opened.append("confirmed", entry=ADOPT, uid="uid-2", release="gitops-flux-1a2b3c4d")
    opened.append("sending", entry=ADOPT, step=1, action="adopt", method="merge-patch", manager="helm")


def three(directory: Path, days: Days) -> None:
    """A session that came to its end, one that was killed, and one that somebody edited."""
    with begun(directory, days) as closed:
        deleted(closed)
        closed.append("closed", done=1)
    with begun(directory, days, user="bob") as killed:
        deleted(killed)
        in_doubt(killed)
    with begun(directory, days, context="other") as changed:
        deleted(changed)
    lines = changed.path.read_bytes().splitlines(keepends=True)
    changed.path.write_bytes(b"".join([*lines[:3], lines[3].replace(b"uid-1", b"uid-9"), *lines[4:]]))


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a test's journals are: named alike every time, so that a picture of it can be compared."""
    numbers = iter(f"{number:08x}" for number in range(1, 100))
    monkeypatch.setattr(secrets, "token_hex", lambda _: next(numbers))
    monkeypatch.chdir(tmp_path)
    return Path("journal")
