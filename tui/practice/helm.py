"""What Helm does to a cluster: installs and upgrades a rendered release, with its refusals word for word."""

from typing import Any

from tui.practice.life.runner import Runner
from tui.practice.release import Release
from tui.practice.status import ApiError
from tui.practice.store import copy
from tui.practice.writes import Options

Json = dict[str, Any]

NAME, NAMESPACE = "meta.helm.sh/release-name", "meta.helm.sh/release-namespace"
MANAGED_BY = "app.kubernetes.io/managed-by"


def stamped(body: Json, release: Release, name: str | None = None) -> Json:
    """A document as Helm sends it: default namespace by scope is the caller's, label and annotations are set here."""
    made: Json = copy(body)
    meta = made["metadata"]
    meta["labels"] = (meta.get("labels") or {}) | {MANAGED_BY: "Helm"}
    marks = {NAME: name or release.name, NAMESPACE: release.namespace}
    meta["annotations"] = (meta.get("annotations") or {}) | marks
    return made


class Helm:
    """A Helm that works on a practice cluster."""

    def __init__(self, runner: Runner) -> None:
        self.runner = runner
        self.world = runner.world

    def place(self, release: Release, body: Json) -> Json:
        """The document with the release's namespace where its kind has one and it names none."""
        kind = self.world.kind_of(body)
        if kind is not None and kind.namespaced:
            return body | {"metadata": {"namespace": release.namespace} | body["metadata"]}
        return body

    def send(self, release: Release, body: Json, *, dry_run: bool = False) -> None:
        """Creates or updates one stamped document by the release's manager and method. Raises ApiError."""
        kind = self.world.kind_of(body)
        if kind is None:
            raise LookupError(f'no matches for kind "{body["kind"]}" in version "{body["apiVersion"]}"')
        meta = body["metadata"]
        namespace, name = meta.get("namespace"), meta["name"]
        options = Options(release.manager, dry_run=dry_run)
        writer = self.runner.writer
        if release.method == "ssa":
            writer.patch(kind, namespace, name, "apply-patch", body, options)
        elif self.world.get(*kind.resource, namespace, name) is None:
            writer.create(kind, namespace, body, options)
        else:
            style = "merge-patch" if kind.custom else "strategic-merge-patch"
            writer.patch(kind, namespace, name, style, body, options)

    def record(self, release: Release) -> None:
        """Writes the release's Secret; a deployed revision supersedes those before it."""
        if release.status == "deployed":
            self._supersede(release)
        modified = int(self.world.clock.now().timestamp())
        self.runner.create(release.secret(modified), "Helm")

    def _supersede(self, release: Release) -> None:
        from tui.practice.release import decode, encode

        for secret in self.world.store.list(("", "secrets"), release.namespace):
            labels = secret["metadata"].get("labels") or {}
            if (labels.get("owner"), labels.get("name"), labels.get("status")) != ("helm", release.name, "deployed"):
                continue
            older = copy(secret)
            payload = decode(older["data"]["release"])
            payload["info"]["status"] = older["metadata"]["labels"]["status"] = "superseded"
            older["data"]["release"] = encode(payload)
            self.runner.write(older, "Helm")

    def refusal(self, release: Release) -> str | None:
        """Why an install of this release would be refused over what is there, in Helm's words; None if it would not."""
        opening = "unable" if release.method == "ssa" else "Unable"
        for document in release.documents:
            body = self.place(release, document.body)
            kind = self.world.kind_of(body)
            meta = body["metadata"]
            live = self.world.get(*kind.resource, meta.get("namespace"), meta["name"]) if kind else None
            faults = _ownership(live, release) if live is not None else []
            if faults:
                what = f'{body["kind"]} "{meta["name"]}" in namespace "{meta.get("namespace", "")}"'
                return (
                    f"{opening} to continue with install: {what} exists and cannot be imported into the current "
                    f"release: invalid ownership metadata; {'; '.join(faults)}"
                )
        return None

    def install(self, release: Release) -> str | None:
        """Installs a release whole; answers Helm's error, or None."""
        refused = self.refusal(release)
        if refused:
            return f"INSTALLATION FAILED: {refused}"
        return self._roll_out(release, "INSTALLATION FAILED")

    def upgrade(self, release: Release, *, dry_run: bool = False) -> str | None:
        """Upgrades to a release revision whose objects are already the release's; answers Helm's error, or None."""
        return self._roll_out(release, "UPGRADE FAILED", dry_run=dry_run)

    def _roll_out(self, release: Release, failed: str, *, dry_run: bool = False) -> str | None:
        for document in release.documents:
            body = stamped(self.place(release, document.body), release)
            try:
                self.send(release, body, dry_run=dry_run)
            except (ApiError, LookupError) as error:
                meta = body["metadata"]
                where = f"{meta.get('namespace', '')}/{meta['name']} {body['apiVersion']}, Kind={body['kind']}"
                return f"{failed}: conflict occurred while applying object {where}: {error}"
        if not dry_run:
            self.record(release)
        return None


def _ownership(live: Json, release: Release) -> list[str]:
    """Helm's own complaints about an object's ownership marks; none where they are the release's."""
    labels = live["metadata"].get("labels") or {}
    annotations = live["metadata"].get("annotations") or {}
    wanted = (
        ("label", labels, MANAGED_BY, "Helm"),
        ("annotation", annotations, NAME, release.name),
        ("annotation", annotations, NAMESPACE, release.namespace),
    )
    faults = []
    for what, found, key, value in wanted:
        if key not in found:
            faults.append(f'{what} validation error: missing key "{key}": must be set to "{value}"')
        elif found[key] != value:
            faults.append(f'{what} validation error: key "{key}" must equal "{value}": current value is "{found[key]}"')
    return faults
