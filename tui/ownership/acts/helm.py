"""What the acts of a Helm release do to an object: its next upgrade, its uninstall, its hooks. Pure.

Tried with Helm 3.22 and 4.3. An *upgrade* deletes what the new chart lacks, whoever's stamp it bears, unless the live
object is annotated with exactly ``keep`` (pkg/kube/client.go update). An *uninstall* reads the stored manifest alone,
trimmed and in lower case; any other value there makes Helm neither delete nor report the object
(pkg/action/resource_policy.go). Helm 4.3 asks before an uninstall whose stamp an object bears; no other Helm and
nothing that embeds one does. No policy protects a hook, nor is one needed for the chart's ``crds/`` folder.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

from tui.contract.model import glob
from tui.helm.manifest import MANAGED_BY, RELEASE_NAME, RELEASE_NAMESPACE, RESOURCE_POLICY
from tui.helm.model import Hook
from tui.objects import Inventory, Live
from tui.ownership.acts.model import Act, Consequence, Effect, Subject
from tui.ownership.acts.opt_outs import Lasts, annotation, command
from tui.ownership.listings import Known, Listing
from tui.ownership.managers import stamp_managers
from tui.ownership.releases import STORAGE_KINDS
from tui.text import clean

KEEP: Final = f"{RESOURCE_POLICY}: keep"
STORED: Final = f"{KEEP} in the chart and one upgrade with it, because an uninstall reads the stored manifest"
BEFORE: Final = "before-hook-creation"
"""The delete policy of a hook that has none (pkg/action/hooks.go hookSetDeletePolicy)."""

RUNS_IN: Final = {
    "pre-install": "install",
    "post-install": "install",
    "pre-upgrade": "upgrade",
    "post-upgrade": "upgrade",
    "pre-delete": "uninstall",
    "post-delete": "uninstall",
    "pre-rollback": "rollback",
    "post-rollback": "rollback",
    "test": "test",
    "test-success": "test",
}
"""The command that runs the hooks of each event."""


class Runner(NamedTuple):
    """What runs a release that no HelmRelease does: ``library`` is the Helm that it embeds; empty for helm itself."""

    title: str
    library: str


_BY_HAND: Final = Runner("helm", "")
_RUNNERS: Final = (
    ("pulumi-*", Runner("Pulumi", "Helm 3")),
    ("terraform-provider-helm*", Runner("Terraform", "Helm 3")),
    ("fleetagent*", Runner("Fleet", "Helm 4.2")),
    ("helm-controller", Runner("helm-controller", "Helm 4.2")),
)
"""By the field manager that holds the stamp (pulumi-kubernetes helm_release.go, terraform-provider-helm go.mod)."""

_STATE: Final = {
    "Pulumi": (
        Effect.UNKNOWN,
        ", unless Pulumi's state says retainOnDelete or protect; the state is not in the cluster",
        "retainOnDelete in the state, by an update before it leaves the program; or pulumi state delete",
    ),
    "Terraform": (
        Effect.DELETES,
        "",
        "a `removed` block with destroy = false, or terraform state rm",
    ),
}
"""What the tool's own state adds to an uninstall by it: the effect, what that rests on, and what keeps the release."""


def of_releases(subject: Subject) -> Iterator[Consequence]:
    """What the acts of every recorded release that knows the object do; a HelmRelease tells its own."""
    for listing in subject.listings:
        if (listing.known.namespace, listing.known.name) not in subject.runs:
            yield from _by_hand(subject, listing)
    if subject.release is not None and all(listing.known != subject.release for listing in subject.listings):
        yield from _unlisted(subject.release, subject.unread)
    name, namespace = stamped(subject.live)
    if name and subject.release is None and (gap := unread_records(subject.inventory)):
        for act in (Act.UPGRADE, Act.UNINSTALL):
            yield Consequence(f"Helm release {namespace}/{clean(name, 60)}", act, Effect.UNKNOWN, gap)


def _by_hand(subject: Subject, listing: Listing) -> Iterator[Consequence]:
    runner = runner_of(subject.live, listing.known)
    owner = listing.known.label
    yield from upgrades(subject, listing, owner)
    yield from uninstalls(subject, listing, owner, "")
    if runner.title in _STATE and (listing.in_newest or listing.in_base):
        yield _destroyed(subject, listing, runner)


def _destroyed(subject: Subject, listing: Listing, runner: Runner) -> Consequence:
    """What becomes of the object when its release leaves a program."""
    owner = f"{listing.known.label} (run by {runner.title})"
    found = next(uninstalls(subject, listing, owner, runner.library))
    effect, unless, keep = _STATE[runner.title]
    if found.effect is not Effect.DELETES:
        return Consequence(owner, Act.DESTROY, found.effect, found.because, found.keep)
    return Consequence(owner, Act.DESTROY, effect, f"{found.because}{unless}", keep)


def _unlisted(known: Known, unread: str) -> Iterator[Consequence]:
    """The release whose stamp the object bears, where no manifest of it that could be read lists the object."""
    effect, why = Effect.KEEPS, "the object bears its stamp, but no revision that counts lists it: Helm has dropped it"
    if unread:
        effect, why = Effect.UNKNOWN, f"its manifest could not be read ({unread})"
    for act in (Act.UPGRADE, Act.UNINSTALL):
        yield Consequence(known.label, act, effect, why)


def upgrades(subject: Subject, listing: Listing, owner: str) -> Iterator[Consequence]:
    """What an upgrade to a chart without the object does to it, and the hooks that an upgrade runs."""
    if listing.crd:
        yield Consequence(owner, Act.UPGRADE, Effect.KEEPS, "the chart's crds/ folder has it: Helm never deletes that")
    elif listing.in_base:
        yield _dropped(subject, listing.known, owner, stored=listing.policy)
    elif listing.in_newest:
        base = f"revision {listing.known.base}, from which an upgrade starts,"
        yield Consequence(owner, Act.UPGRADE, Effect.KEEPS, f"{base} does not list it")
    yield from _hooked(listing, owner, Act.UPGRADE)


def _dropped(subject: Subject, known: Known, owner: str, stored: str | None) -> Consequence:
    """An upgrade without the object: it asks nobody whose the object is, with either Helm."""
    live, found = subject.live, annotation(subject, RESOURCE_POLICY)
    line = command(live.ref, RESOURCE_POLICY, "keep")
    keep = f"{KEEP} on the live object, where an upgrade reads it ({line}), and in its chart"
    if spared_by_upgrade(live) and found is not None and found.lasts is Lasts.YES:
        why = f"{KEEP} is on the live object, where an upgrade reads it"
        return Consequence(owner, Act.UPGRADE, Effect.KEEPS, why)
    lists = f"revision {known.base} lists it, and whoever's stamp it bears, Helm 3 and 4.3 do not ask"
    if spared_by_upgrade(live) and found is not None:
        effect = Effect.DELETES if found.lasts is Lasts.NO else Effect.UNKNOWN
        return Consequence(owner, Act.UPGRADE, effect, f"{lists}; {found.why}", keep)
    if found is not None:
        lists = f"{lists}; {found.text} on the live object is not exactly keep"
    elif stored == "keep":
        lists = f"{lists}; {KEEP} is in the stored manifest alone, which an upgrade does not read"
    return Consequence(owner, Act.UPGRADE, Effect.DELETES, lists, keep)


def uninstalls(subject: Subject, listing: Listing, owner: str, library: str) -> Iterator[Consequence]:
    """What an uninstall does to the object, and the hooks that it runs; ``library`` is the Helm that does it."""
    known = listing.known
    if listing.in_newest:
        yield _uninstalled(subject, listing, owner, library)
    elif listing.in_base or listing.crd:
        why = "the chart's crds/ folder has it: Helm never deletes that"
        if listing.in_base:
            why = f"revision {known.newest}, which an uninstall reads, does not list it"
        yield Consequence(owner, Act.UNINSTALL, Effect.KEEPS, why)
    yield from _hooked(listing, owner, Act.UNINSTALL)


def _uninstalled(subject: Subject, listing: Listing, owner: str, library: str) -> Consequence:
    if listing.policy is not None:
        why = f"{KEEP} is in the stored manifest, which an uninstall reads"
        if listing.policy != "keep":
            said = f"{RESOURCE_POLICY}: {clean(listing.policy, 60) or '(empty)'}"
            why = f"{said} is in the stored manifest: Helm then neither deletes nor reports it"
        return Consequence(owner, Act.UNINSTALL, Effect.KEEPS, why)
    why = f"revision {listing.known.newest} lists it, and {_asks(subject.live, listing.known, library)}"
    if subject.live.annotations.get(RESOURCE_POLICY, "").strip().lower() == "keep":
        why = f"{why}; {KEEP} is on the live object alone, which an uninstall does not read"
    return Consequence(owner, Act.UNINSTALL, Effect.DELETES, why, STORED)


def _asks(live: Live, known: Known, library: str) -> str:
    """Who asks, before an uninstall, whose stamp the object bears."""
    if stamped(live) == (known.name, known.namespace) and live.labels.get(MANAGED_BY) == "Helm":
        return "it bears its stamp"
    name = clean(live.annotations.get(RELEASE_NAME, ""), 60)
    bears = f"though it bears the stamp of {name}" if name and name != known.name else "though it lacks its whole stamp"
    if library:
        return f"{bears}, {library}, which runs here, does not ask"
    return f"{bears}, Helm 3 and Helm 4 before 4.3 do not ask; Helm 4.3 asks, and leaves it"


def _hooked(listing: Listing, owner: str, act: Act) -> Iterator[Consequence]:
    """What the hooks that an act runs do to the object that they name; the act itself deletes no hook."""
    method = listing.known.apply_method
    mine = [hook for hook in listing.hooks if act.value in commands(hook)]
    worst = max(mine, key=lambda hook: _WORST.index(deadly(hook, method)), default=None)
    if listing.loose:
        if worst is not None and deadly(worst, method) is not Effect.KEEPS:
            why = f"it may be the hook {worst.kind} {worst.name}, of which only kind and name could be told"
            yield Consequence(owner, act, Effect.UNKNOWN, why)
    elif worst is not None:
        effect = deadly(worst, method)
        keep = f"--no-hooks; {RESOURCE_POLICY} protects no hook" if effect is not Effect.KEEPS else None
        yield Consequence(owner, act, effect, f"it is a hook: {told_hook(worst, method)}", keep)
    elif listing.hooks:
        events = ", ".join(dict.fromkeys(event for hook in listing.hooks for event in hook.events))
        yield Consequence(
            owner, act, Effect.KEEPS, f"it is a hook ({events}), which an {act.value} neither runs nor deletes"
        )


_WORST: Final = (Effect.KEEPS, Effect.UNKNOWN, Effect.DELETES)


def commands(hook: Hook) -> tuple[str, ...]:
    """The commands that run a hook: install, upgrade, uninstall, rollback, test."""
    return tuple(dict.fromkeys(RUNS_IN[event] for event in hook.events if event in RUNS_IN))


def deadly(hook: Hook, apply_method: str) -> Effect:
    """What the next run of a hook does to a live object of its name.

    Tried: before-hook-creation deletes it first, with either Helm. Without that policy making the hook fails over what
    is there, and leaves it; a server-side release fails only where other managers hold its fields otherwise, and a hook
    that then succeeds (or fails) deletes it. A CustomResourceDefinition is never deleted (pkg/action/hooks.go).
    """
    if hook.kind == "CustomResourceDefinition":
        return Effect.KEEPS
    if not hook.policies or BEFORE in hook.policies:
        return Effect.DELETES
    return Effect.UNKNOWN if apply_method == "ssa" else Effect.KEEPS


def told_hook(hook: Hook, apply_method: str) -> str:
    """What the next run of a hook does to what is there, in words that follow "it is a hook:"."""
    policies = ", ".join(hook.policies) or f"{BEFORE}, the default"
    match deadly(hook, apply_method):
        case Effect.DELETES:
            again = "" if "hook-succeeded" in hook.policies else " and makes it anew"
            return f"its next run deletes what is there first{again} ({', '.join(hook.events)}; {policies})"
        case Effect.UNKNOWN:
            return f"its next run takes what is there for its own, and may delete it after ({policies})"
        case Effect.KEEPS if hook.kind == "CustomResourceDefinition":
            return "Helm never deletes a CustomResourceDefinition that is a hook"
    return f"its next run fails over what is there, and leaves it ({policies})"


def unread_records(inventory: Inventory) -> str:
    """Why there may be records of releases that nobody could read; empty where all were read."""
    gaps = (inventory.gap("", kind) for kind in STORAGE_KINDS)
    return next((gap.text for gap in gaps if gap), "")


def spared_by_upgrade(live: Live) -> bool:
    """Whether an upgrade reads ``keep`` on the live object: exactly so, without blanks and in this case."""
    return live.annotations.get(RESOURCE_POLICY) == "keep"


def stamped(live: Live) -> tuple[str, str]:
    """The release name and namespace that the object bears; empty strings where it bears none."""
    return live.annotations.get(RELEASE_NAME, ""), live.annotations.get(RELEASE_NAMESPACE, "")


def runner_of(live: Live, known: Known) -> Runner:
    """What runs a release, by the field manager that holds the object's stamp of it; helm itself where none tells."""
    if stamped(live)[0] != known.name:
        return _BY_HAND
    holders = stamp_managers(live)
    # In the table's order: managedFields may hold two of them in any.
    found = (runner for pattern, runner in _RUNNERS if any(glob(pattern, name) for name in holders))
    return next(found, _BY_HAND)
